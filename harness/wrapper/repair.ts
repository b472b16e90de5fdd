/**
 * What would repair a wrapper: every operation of its methods made stronger, and every barrier put before each, one at a
 * time; tried on the client that breaks it, and where that helps on all clients. Nothing is guessed.
 */
import {
  allows, explore, fence, NoMapping, sc, smpMb, smpRmb, smpWmb, type C11Order, type KernelOrder, type Limits, type Model, type Op, type Proc,
} from '../../lib/index.ts'
import {nameOfFailure} from '../report.ts'
import {withBodies} from './bodies.ts'
import type {Depth} from './evaluate.ts'
import {clientProgram, runnable} from './program.ts'
import {soundness, type ClientBudget} from './soundness.ts'
import type {ClientRun, Repair} from './story.ts'
import type {RustValue} from './value.ts'
import type {Wrapper} from './wrapper.ts'

/** One place in a method: the n-th time, within a call, that this operation on this word comes after something else. */
interface Spot {
  readonly method: string
  readonly operation: string
  /** The word without its object and index: `sequence`; '' for a fence. */
  readonly word: string
  readonly nth: number
  readonly op: Op
}

interface Change {
  readonly words: string
  /** What is done instead of the first operation, and of those that follow it at the same spot. */
  readonly apply: (op: Op, isFirst: boolean) => Proc<unknown>
}

/**
 * The changes that repair a wrapper for a model, the weakest of each place. Empty if no single one does.
 * @param budget for the clients that each is tried on; those up to its size are the proof.
 */
export function repairsOf({wrapper, numbered: {client}, model, run, limits, failure}: ClientRun, budget: ClientBudget): readonly Repair[] {
  if (failure === null || (failure.kind !== 'flag' && allows(sc, run.execution))) return [] // no ordering is missing
  const payload = runnable(client)!
  const found: Repair[] = []
  const helps = (changed: Wrapper): boolean => {
    const {failing} = explore(clientProgram(changed, client, payload, wrapper.name), model, {...limits, executions: budget.executions})
    return failing === null || !failing.failures.some(other => nameOfFailure(other) === nameOfFailure(failure))
  }
  for (const spot of spotsOf(wrapper, client, model, limits)) {
    for (const ladder of changesAt(spot)) {
      for (const change of ladder) {
        if (budget.expired?.() === true) return found
        const repair = tried(() => {
          const changed = withChange(wrapper, spot, change)
          if (!helps(changed)) return null
          const {verdict, unknown, clients, size} = soundness({...changed, bounds: {...wrapper.bounds, size: budget.size}}, model, budget)
          return verdict === 'unsound' || unknown.length > 0 ? null : {text: `${change.words} ${nameOf(spot)}`, model: model.name, clients, size}
        })
        if (repair === null) continue
        found.push(repair)
        break // a stronger one would do as well
      }
    }
  }
  return found
}

/** Each repair is tried on clients of one more statement than the one that it is for, but no more than were tried of the wrapper. */
export function repairBudget({numbered}: ClientRun, {size, clients, bound, executions}: Depth): ClientBudget {
  return {size: Math.max(numbered.size, Math.min(size, numbered.size + 1)), clients: Math.min(clients, mostClients), bound, executions}
}

const mostClients = 400

/** Null too where the model has no counterpart for what was put there. */
function tried(attempt: () => Repair | null): Repair | null {
  try {
    return attempt()
  } catch (error) {
    if (error instanceof NoMapping) return null
    throw error
  }
}

/** `the 2nd READ_ONCE of sequence in SeqLock::try_read` */
function nameOf({operation, word, nth, method}: Spot): string {
  const ordinal = nth === 1 ? '' : `the ${nth}${nth === 2 ? 'nd' : nth === 3 ? 'rd' : 'th'} `
  return `${ordinal}${operation}${word === '' ? '' : ` of ${word}`} in ${method}`
}

// ---- Places ----------------------------------------------------------------------------------------

/** Counts places while a body runs: the same in every call, and in every round of a loop. */
class Places {
  #counts = new Map<string, number>()
  #atLoop: Map<string, number> | null = null
  #last = ''

  /** The place of an operation, and whether it is the first operation there. */
  visit(op: Op): {readonly operation: string; readonly word: string; readonly nth: number; readonly isFirst: boolean} | null {
    if (op.kind === 'iterate') {
      this.#atLoop ??= new Map(this.#counts)
      this.#counts = new Map(this.#atLoop)
      this.#last = ''
    }
    if (!('order' in op)) return null
    const word = wordOf(op)
    const key = `${op.name} ${word}`
    const isFirst = key !== this.#last
    this.#last = key
    const nth = (this.#counts.get(key) ?? 0) + (isFirst ? 1 : 0)
    this.#counts.set(key, nth)
    return {operation: op.name, word, nth, isFirst}
  }
}

/** `sequence` of `lock2.sequence`, `data` of `lock.data[1]`; `*` behind a pointer. */
function wordOf(op: Op): string {
  if (!('at' in op) || op.at === undefined) return ''
  return op.at.kind === 'location' ? op.at.name.replace(/\[\d+\]$/, '').replace(/^[^.]*\./, '') : '*'
}

/** The places that some execution of the client comes by. */
function spotsOf(wrapper: Wrapper, client: ClientRun['numbered']['client'], model: Model, limits: Limits): readonly Spot[] {
  const found = new Map<string, Spot>()
  const watched = withBodies(wrapper, (method, body, isInside) => visiting(body, isInside, (op, place) => {
    const spot: Spot = {method, operation: place.operation, word: place.word, nth: place.nth, op}
    found.set(nameOf(spot), found.get(nameOf(spot)) ?? spot)
    return null
  }))
  explore(clientProgram(watched, client, runnable(client)!, wrapper.name), model, {...limits, executions: 1_000, keepGoing: true})
  return [...found.values()]
}

type Placed = NonNullable<ReturnType<Places['visit']>>

/** A body whose operations are done in another way where `instead` says so. What closures do inside of it is the client's. */
function* visiting(body: Proc<RustValue>, isInside: () => boolean, instead: (op: Op, place: Placed) => Proc<unknown> | null): Proc<RustValue> {
  const places = new Places()
  for (let step = body.next(); ;) {
    if (step.done === true) return step.value
    const op = step.value
    const place = isInside() ? null : places.visit(op)
    const other = place === null ? null : instead(op, place)
    try {
      const reply = other === null ? yield op : yield* other as Proc<never>
      step = body.next(reply)
    } catch (error) {
      step = body.throw(error)
    }
  }
}

function withChange(wrapper: Wrapper, spot: Spot, {apply}: Change): Wrapper {
  return withBodies(wrapper, (method, body, isInside) => method !== spot.method ? body : visiting(body, isInside, (op, place) =>
    place.operation === spot.operation && place.word === spot.word && place.nth === spot.nth ? apply(op, place.isFirst) : null))
}

// ---- Changes ---------------------------------------------------------------------------------------

/** Lists of changes to a place, each from the weakest on. */
function changesAt({op}: Spot): readonly (readonly Change[])[] {
  if (!('order' in op)) return []
  const barriers = op.vocabulary === 'kernel'
    ? [{name: 'smp_rmb()', made: smpRmb}, {name: 'smp_wmb()', made: smpWmb}, {name: 'smp_mb()', made: smpMb}]
    : (['Acquire', 'Release', 'AcqRel', 'SeqCst'] as const).map(order => ({name: `fence(${order})`, made: () => fence(order)}))
  return [strongerThan(op), barriers.map(({name, made}): Change => ({words: `${name} before`, apply: (op, isFirst) => before(op, isFirst ? made : null)}))]
}

function* before(op: Op, barrier: (() => Proc) | null): Proc<unknown> {
  if (barrier !== null) yield* barrier()
  return yield op
}

function strongerThan(op: Op): readonly Change[] {
  if (!('order' in op)) return []
  return orders(op).map(({order, name}) => ({
    words: `${name} instead of`,
    * apply(own) { return yield {...own, order, name} as Op },
  }))
}

interface Stronger {
  readonly order: KernelOrder | C11Order
  readonly name: string
}

const kernelLoads: readonly Stronger[] = [{order: 'ONCE', name: 'READ_ONCE'}, {order: 'ACQUIRE', name: 'smp_load_acquire'}]
const kernelStores: readonly Stronger[] = [{order: 'ONCE', name: 'WRITE_ONCE'}, {order: 'RELEASE', name: 'smp_store_release'}]
const c11Words: readonly (readonly [C11Order, string])[] = [['RLX', 'Relaxed'], ['ACQ', 'Acquire'], ['REL', 'Release'], ['ACQ_REL', 'AcqRel'], ['SC', 'SeqCst']]

/** The orders above that of an operation, weakest first. Fences have barriers put before them instead. */
function orders(op: Extract<Op, {order: unknown}>): readonly Stronger[] {
  if (op.kind === 'fence' || ('mark' in op && op.mark !== undefined)) return []
  return op.vocabulary === 'kernel' ? kernelOrders(op) : c11Orders(op)
}

function kernelOrders({kind, order, name}: Exclude<Extract<Op, {order: unknown}>, {kind: 'fence'}>): readonly Stronger[] {
  const ladder = kind === 'load' ? kernelLoads : kind === 'store' ? kernelStores : []
  if (ladder.length > 0) return order === 'plain' ? ladder : order === 'ONCE' ? ladder.slice(1) : []
  const base = name.replace(/_(?:relaxed|acquire|release)$/, '')
  if (order === 'MB' || order === 'LOCK' || order === 'TRYLOCK' || order === 'NORETURN') return []
  return [...order === 'ONCE' ? [{order: 'ACQUIRE', name: `${base}_acquire`}, {order: 'RELEASE', name: `${base}_release`}] as const : [], {order: 'MB', name: base}]
}

function c11Orders({kind, order, name}: Exclude<Extract<Op, {order: unknown}>, {kind: 'fence'}>): readonly Stronger[] {
  const allowed = kind === 'load' ? ['RLX', 'ACQ', 'SC'] : kind === 'store' ? ['RLX', 'REL', 'SC'] : ['RLX', 'ACQ', 'REL', 'ACQ_REL', 'SC']
  const at = order === 'NA' ? -1 : allowed.indexOf(order)
  if (at < 0 && order !== 'NA') return []
  return c11Words.filter(([word]) => allowed.indexOf(word) > at && !(order === 'ACQ' && word === 'REL'))
    .map(([order, word]) => ({order, name: /\(\w+/.test(name) ? name.replace(/\(\w+/, `(${word}`) : `${kind}(${word})`}))
}
