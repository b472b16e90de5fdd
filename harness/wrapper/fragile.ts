/**
 * Which dependencies a wrapper lives on that a Rust compiler need not keep: what breaks it under `kernel-rust` and not under
 * `lkmm`. Found by trying: dependencies are given back (as if they were within C) until no client breaks it, then taken away again
 * one at a time. What cannot be taken away is what a code style would have to protect (P0124; rcu_dereference.rst).
 */
import {explore, kernelRust, Value, type Limits, type Op, type Operand, type Proc, type Reply} from '../../lib/index.ts'
import type {AnyProgram} from '../operations.ts'
import {withBodies} from './bodies.ts'
import {clientListOf, clientName} from './clients.ts'
import {smallDepth, type Depth} from './depth.ts'
import {clientProgram, runnable} from './program.ts'
import type {ClientBudget} from './soundness.ts'
import type {Standing} from './spectrum.ts'
import {leakClaim, type Wrapper} from './wrapper.ts'

/** What a wrapper lives on under option 5. */
export interface Dependence {
  readonly wrapper: string
  /** Null: on dependencies that could not be told apart. */
  readonly fragile: readonly Fragile[] | null
}

/** A dependency to protect. */
export interface Fragile {
  /** `READ_ONCE of pointer in Rcu::read` */
  readonly from: string
  /** What depends on it: `the address of plain read in the client`. */
  readonly to: readonly string[]
}

/**
 * The dependencies that a wrapper needs, if nothing breaks it under `lkmm`; null if dependencies alone do not repair it.
 * @param budget the clients that are tried; those of one thread depend on nothing.
 */
export function fragileIn(wrapper: Wrapper, budget: ClientBudget): readonly Fragile[] | null {
  const labels = new WeakMap<Op, string>()
  const own = labelled(wrapper, labels)
  const limits: Limits = {bound: budget.bound, executions: budget.executions, flags: ['data-race'], ...wrapper.regime === undefined ? {} : {regime: wrapper.regime}}
  const needed = new Map<string, Set<string>>()
  let tried = 0
  for (const {client, ordinal} of clientListOf(wrapper).upTo(budget.size)) {
    if (ordinal > budget.clients || (budget.expired?.() ?? false) !== false) break
    const payload = runnable(client)
    if (payload === null) continue
    const program = clientProgram(own, client, payload, clientName(wrapper.name, ordinal))
    if (program.threads.length < 3) continue // the last one is the main thread, which waits
    tried++
    const isBroken = (kept: ReadonlySet<string>, seen?: Dependencies): boolean => breaks(keeping(program, labels, kept, seen), limits)
    const seen: Dependencies = new Map()
    if (!isBroken(new Set(needed.keys()), seen)) continue
    const all = new Set([...needed.keys(), ...seen.keys()])
    if (isBroken(all, seen)) return null
    for (const from of [...all].filter(each => !needed.has(each))) {
      const fewer = new Set([...all].filter(each => each !== from))
      if (!isBroken(fewer)) all.delete(from)
    }
    for (const from of all) needed.set(from, new Set([...needed.get(from) ?? [], ...seen.get(from) ?? []]))
  }
  return tried === 0 ? [] : [...needed].map(([from, to]) => ({from, to: [...to]}))
}

/** Of the wrappers that option 5 lets pass and that are not known to do without dependencies: those that live on some. */
export function* dependences(wrappers: readonly Wrapper[], standings: readonly Standing[], {bound, clients, executions}: Depth, expired?: ClientBudget['expired']): Generator<Dependence> {
  for (const wrapper of wrappers) {
    const own = standings.filter(standing => standing.wrapper === wrapper.name)
    const everything = own.find(({option, verdict}) => option === 5 && verdict === 'no violation found')
    const isFree = own.some(({verdict, judged}) => verdict === 'no violation found' && judged.some(({model}) => model === kernelRust.name))
    if (everything === undefined || isFree) continue
    const size = wrapper.bounds?.size ?? smallDepth.size
    const fragile = fragileIn(wrapper, {size, bound, clients: Math.max(clients, wrapper.bounds?.clients ?? 0), executions, ...expired === undefined ? {} : {expired}})
    if (fragile === null || fragile.length > 0) yield {wrapper: wrapper.name, fragile}
  }
}

function breaks(program: AnyProgram, limits: Limits): boolean {
  const {failing} = explore(program, kernelRust, limits)
  return failing?.failures.some(failure => failure.kind !== 'deadlock' && !(failure.kind === 'check' && failure.claim === leakClaim)) ?? false
}

/** The wrapper, whose operations on the Rust side are known by where they stand. */
function labelled(wrapper: Wrapper, labels: WeakMap<Op, string>): Wrapper {
  return withBodies(wrapper, function* (method, body, isInside) {
    for (let step = body.next(); ;) {
      if (step.done === true) return step.value
      const op = step.value
      if ('order' in op && !isInside()) labels.set(op, `${op.name}${wordOf(op)} in ${method}`)
      try {
        step = body.next(yield op)
      } catch (error) {
        step = body.throw(error)
      }
    }
  })
}

function wordOf(op: Op): string {
  return 'at' in op && op.at?.kind === 'location' ? ` of ${op.at.name.replace(/\[\d+\]$/, '').replace(/^[^.]*\./, '')}` : ''
}

/** By the read: what was seen to depend on it. */
type Dependencies = Map<string, Set<string>>

/** The program, in which dependencies on these reads order as if they were within C. */
function keeping(program: AnyProgram, labels: WeakMap<Op, string>, kept: ReadonlySet<string>, seen?: Dependencies): AnyProgram {
  return {...program, threads: program.threads.map(thread => ({...thread, body: () => following(thread.body(), labels, kept, seen)}))}
}

function* following(proc: Proc<unknown>, labels: WeakMap<Op, string>, kept: ReadonlySet<string>, seen: Dependencies | undefined): Proc<unknown> {
  const call = {}
  /** By the position of a read's event: what it is. */
  const reads = new Map<number, string>()
  const control: number[] = []
  for (let step = proc.next(); ;) {
    if (step.done === true) return step.value
    const op = step.value
    const name = 'order' in op ? labels.get(op) ?? `${op.name} in the client` : ''
    const depends = dependenciesOf(op, control).flatMap(({kind, on}) => on.flatMap(read => reads.has(read) ? [{kind, from: reads.get(read)!}] : []))
    for (const {kind, from} of depends) seen?.set(from, (seen.get(from) ?? new Set()).add(`${kind} of ${name}`))
    const isKept = 'order' in op && op.call === undefined && (kept.has(name) || depends.some(({from}) => kept.has(from)))
    let reply: Reply
    try {
      reply = yield isKept ? {...op, call} : op
    } catch (error) {
      step = proc.throw(error)
      continue
    }
    if ('order' in op && op.call === undefined && reply instanceof Value) for (const read of reply.reads) if (!reads.has(read)) reads.set(read, name)
    if (op.kind === 'raw') control.push(...op.value.reads)
    if (op.kind === 'when') control.push(...op.condition.reads)
    step = proc.next(reply)
  }
}

/** The reads that an operation depends on, and how. What a `when` decides is taken to reach further than it does: too much is tried, and taken away again. */
function dependenciesOf(op: Op, control: readonly number[]): readonly {readonly kind: string; readonly on: readonly number[]}[] {
  if (!('order' in op) || op.kind === 'fence') return []
  const of = (value: Operand): readonly number[] => value instanceof Value ? value.reads : []
  const stored = op.kind === 'store' ? of(op.value) : op.kind === 'cas' ? [...of(op.expected), ...typeof op.desired === 'function' ? [] : of(op.desired)] : []
  return [
    {kind: 'the address', on: op.at instanceof Value ? op.at.reads : []}, {kind: 'the value', on: stored},
    ...op.kind === 'load' ? [] : [{kind: 'the execution', on: control}],
  ]
}
