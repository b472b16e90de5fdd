/**
 * The operations behind an execution's events: each thread is run once more with the values that it
 * read, so that reports can speak the user's words (`smp_wmb`, `fetch_add(Acquire)`) and show what a
 * model has no event for.
 */
import {
  mapping, Value, type Event, type Execution, type Label, type Model, type Op, type Proc, type Program, type Reply, type Scalar,
} from '../lib/index.ts'

/** Any program, whatever its threads return. */
export type AnyProgram = Program<never>

/** One operation of a thread and the events that it made: none for a fence that the model does not need. */
export interface Operation {
  readonly thread: number
  /** As the user wrote it; null if the program could not be followed. */
  readonly name: string | null
  readonly vocabulary: 'kernel' | 'c11' | null
  readonly events: readonly number[]
}

type Access = Extract<Op, {order: unknown}>
type Pick = Extract<Op, {kind: 'pick'}>

/** All operations of all threads, per thread in program order. */
export function operationsOf(program: AnyProgram, model: Model, execution: Execution): readonly Operation[] {
  return program.threads.flatMap(({body}, thread) => {
    const events = execution.events.filter(event => event.thread === thread).sort((a, b) => a.position - b.position)
    return follow(thread, body(), model, execution, events) ?? unnamed(thread, execution, events)
  })
}

/** Runs one thread along its events; null if it does not fit them. */
function follow(thread: number, body: Proc<unknown>, model: Model, execution: Execution, events: readonly Event[]): Operation[] | null {
  const found: Operation[] = []
  const given = [...execution.picked?.[thread] ?? []]
  let next = 0
  let reply: Reply
  try {
    for (let step = body.next(); !step.done; step = body.next(reply)) {
      const op = step.value
      if (op.kind === 'pick') {
        const scalar = given.shift()
        if (scalar === undefined) break // the thread was cut here
        reply = Value.of(scalar)
        continue
      }
      if (!('order' in op)) {
        reply = answer(op)
        continue
      }
      const own = take(op, model, execution, events, next)
      if (own === null) break // the thread was blocked here, or the program is not a function of what it reads
      next += own.length
      found.push({thread, name: op.name, vocabulary: op.vocabulary, events: own.map(event => event.id)})
      reply = valueRead(execution, own)
    }
  } catch {
    // a panic: the thread's events end here
  }
  // the critical sections that a panic left open were closed for the thread
  for (; next < events.length && isUnlock(events[next]!); next++) found.push({thread, name: null, vocabulary: null, events: [events[next]!.id]})
  return next === events.length ? found : null
}

function isUnlock({label: {tags}}: Event): boolean {
  return tags.includes('Rcu-unlock') || tags.includes('Srcu-unlock')
}

function answer(op: Exclude<Op, Access | Pick>): Reply {
  switch (op.kind) {
    case 'raw': case 'address': return op.value.scalar
    case 'when': return op.condition.scalar !== 0
    case 'merge': case 'iterate': case 'atomic-next': case 'check': case 'compute': return undefined
  }
}

function valueRead(execution: Execution, own: readonly Event[]): Value | undefined {
  const read = own.find(event => event.label.kind === 'R')
  const value: Scalar | null = read === undefined ? null : execution.values[read.id] ?? null
  return value === null ? undefined : Value.of(value)
}

/** The events from `next` on that `op` makes, or null if they are not there. */
function take(op: Access, model: Model, execution: Execution, events: readonly Event[], next: number): readonly Event[] | null {
  const shape = mapping(op, model.family)
  const own: Event[] = []
  const accept = (...labels: readonly (Label | null)[]): boolean => {
    const event = events[next + own.length]
    const fits = event !== undefined && labels.some(label => label !== null && same(label, event.label))
    if (fits) own.push(event)
    return fits
  }
  if (!shape.before.every(label => accept(label))) return null
  if (shape.read !== null && !accept(shape.succeeded, shape.failed, shape.read)) return null
  const read = own.at(-1)
  const writes = shape.write !== null && (op.kind !== 'cas' || execution.given.rmw.some(([from]) => from === read?.id))
  if (writes && !accept(shape.write)) return null
  if (!shape.after.every(label => accept(label))) return null
  return own
}

function same(a: Label, b: Label): boolean {
  return a.kind === b.kind && a.tags.length === b.tags.length && a.tags.every(tag => b.tags.includes(tag))
}

/** Without the program: one operation per event, the two halves of a read-modify-write together. */
function unnamed(thread: number, execution: Execution, events: readonly Event[]): Operation[] {
  const written = new Map(execution.given.rmw)
  const second = new Set(written.values())
  return events.filter(event => !second.has(event.id)).map(({id}): Operation => {
    const write = written.get(id)
    return {thread, name: null, vocabulary: null, events: write === undefined ? [id] : [id, write]}
  })
}
