/**
 * What a wrapper needs of what it has: each ordering made weaker, each barrier and each promise of its signatures left out,
 * one at a time, and the clients run again. What none of them misses is redundant, as far as they go.
 */
import {namedModels, NoMapping, without, type Model, type Op, type Proc} from '../../lib/index.ts'
import {nameOfFailure} from '../report.ts'
import {check} from '../rust/check.ts'
import {omissionsIn, type Omission} from '../rust/omit.ts'
import {borrowingPayloads, payloads} from '../rust/payloads.ts'
import {RustError} from '../rust/source.ts'
import {satisfies} from '../rust/traits.ts'
import {withBodies} from './bodies.ts'
import {clientOf} from './clients.ts'
import {sizeFor, type Depth} from './depth.ts'
import type {WrapperRow} from './evaluate.ts'
import {weakerThan} from './orders.ts'
import {altered, nameOf, placesIn, type Alteration, type Place} from './places.ts'
import {soundness, type ClientBudget} from './soundness.ts'
import {MisfitBody, wrapper as wrapperOf, type Wrapper, type WrapperBounds} from './wrapper.ts'

/** What came of one change; plain data. */
export interface Ablation {
  readonly wrapper: string
  /** `READ_ONCE instead of smp_load_acquire of sequence in SeqLock::try_read`, `without T: Send in …` */
  readonly change: string
  /** Does some client break the wrapper with the change? Unknown: some client was cut, or its bodies cannot be run so. */
  readonly verdict: 'needed' | 'redundant' | 'unknown'
  /** The first client that breaks it, in statements, under which model and how; null if none does. */
  readonly by: {readonly model: string; readonly size: number; readonly failure: string} | null
  /** Under which models it was tried, on how many clients of up to which size. */
  readonly models: readonly string[]
  readonly clients: number
  readonly size: number
}

/** For each client that is run for a promise, how many are looked at that do not need its absence. */
const looksPerClient = 10
/** Statements that it takes to use in two threads what must not be shared: look and use. What it is, the main thread made. */
const twoUses = 4
/** Statements that it takes to keep a reference for too long: make, enter, borrow, leave, replace, use. */
const longLife = 6

/**
 * Tries every change under the models under which nothing breaks the wrapper as it is. One that is redundant is not
 * tried any less: what stands between it and the original would do as well.
 * @param rows what was found of the wrapper as it is.
 */
export function* ablate(wrapper: Wrapper, rows: readonly WrapperRow[], depth: Depth, expired?: ClientBudget['expired']): Generator<Ablation> {
  const own = rows.filter(row => row.wrapper === wrapper.name && row.verdict === 'no violation found')
  const models = namedModels.filter(({name}) => own.some(row => row.model === name)).reverse() // the weakest finds most
  if (models.length === 0) return
  const {bound, clients, executions} = depth
  const budget: ClientBudget = {size: sizeFor(wrapper, depth), bound, clients, executions, ...expired === undefined ? {} : {expired}}
  const run = (model: Model, changed: Wrapper, own: ClientBudget): ReturnType<typeof soundness> => soundness({...changed, bounds: {...changed.bounds, size: own.size}}, model, own)
  const at = (model: Model, changed: Wrapper): ReturnType<typeof soundness> => run(model, changed, budget)
  const attempt = (change: string, changed: Wrapper, own = budget): Ablation => {
    const tried: string[] = []
    let [ran, size, isCut] = [0, own.size, false]
    const result = (verdict: Ablation['verdict'], by: Ablation['by']): Ablation => ({wrapper: wrapper.name, change, verdict, by, models: tried, clients: ran, size})
    for (const model of models) {
      try {
        const {counterexample, clients, size: done, unknown} = run(model, changed, own)
        tried.push(model.name)
        ran = Math.max(ran, clients)
        size = Math.min(size, done)
        isCut ||= unknown.length > 0
        if (counterexample !== null) {
          const {size: statements} = clientOf(changed, counterexample.ordinal, own.size)!
          return result('needed', {model: model.name, size: statements, failure: nameOfFailure(counterexample.failure)})
        }
      } catch (error) {
        if (error instanceof MisfitBody) return result('unknown', null)
        if (!(error instanceof NoMapping)) throw error
      }
    }
    return result(isCut || tried.length === 0 ? 'unknown' : 'redundant', null)
  }
  for (const place of placesIn(wrapper, watched => { at(models[0]!, watched) })) {
    for (const alteration of weakenings(place)) {
      const found = attempt(`${alteration.words} ${nameOf(place)}`, altered(wrapper, place, alteration))
      yield found
      if (found.verdict !== 'needed') break // so would what is stronger
    }
  }
  if (hasReaders(wrapper, watched => { at(models[0]!, watched) })) yield attempt('without rcu_read_lock and rcu_read_unlock', withoutReaders(wrapper))
  for (const omission of omissionsIn(wrapper.rust)) {
    const tries: Ablation[] = []
    for (const {changed, size} of trials(wrapper, omission)) {
      if (tries.at(-1)?.verdict === 'needed') break
      tries.push(attempt(`without ${omission.words}`, changed, {
        ...budget, size: Math.max(size, budget.size), looks: looksPerClient * budget.clients,
        only: client => check(wrapper.signatures, client).kind === 'rejected', // what was safe Rust before was run before
      }))
    }
    const last = tries.at(-1)
    if (last !== undefined) yield {...last, clients: tries.reduce((all, {clients}) => all + clients, 0)}
  }
}

/**
 * Where to look for what a promise less lets in: a bound, among the payloads that do not keep it; `'static`, among those that borrow;
 * a lifetime, also in one thread that does more. Nowhere, if what is left is no Rust.
 */
function trials(wrapper: Wrapper, {kind, trait, rust}: Omission): readonly {readonly changed: Wrapper; readonly size: number}[] {
  const {bounds = {}, ...rest} = wrapper
  const changed = (own: WrapperBounds): Wrapper => wrapperOf({...rest, rust, bounds: {...bounds, ...own}})
  const borrowing = borrowingPayloads.map(({name}) => name)
  const strangers = payloads.filter(({type}) => trait === null || !satisfies(wrapper.signatures, type, trait)).map(({name}) => name)
  try {
    switch (kind) {
      case 'bound': return trait === "'static" ? [{changed: changed({payloads: borrowing, instances: 1, values: 1, threads: 0}), size: longLife}] : [
        ...[1, 2].map(main => ({changed: changed({payloads: strangers, instances: 1, values: 2, main, statements: 2}), size: main + twoUses})),
        {changed: changed({payloads: strangers, instances: 1, values: 2}), size: 1 + twoUses},
      ]
      case 'lifetime': return [{changed: changed({threads: 0}), size: longLife}, {changed: changed({}), size: 0}]
      case 'pin': return [{changed: changed({}), size: 0}]
    }
  } catch (error) {
    if (error instanceof RustError) return []
    throw error
  }
}

/** What may be done less at a place, the least first. */
function weakenings({op}: Place): readonly Alteration[] {
  const weaker = weakerThan(op).map(({name, of}): Alteration => ({words: `${name} instead of`, * apply(own) { return yield of(own) }}))
  const isBarrier = op.kind === 'fence' && op.order !== 'Rcu-lock' && op.order !== 'Rcu-unlock'
  return isBarrier ? [{words: 'without', apply: nothing}] : weaker
}

/** An operation that is not performed. */
function* nothing(): Proc<unknown> {
  return undefined
}

const isReader = (op: Op): boolean => op.kind === 'fence' && (op.order === 'Rcu-lock' || op.order === 'Rcu-unlock')

/** A lock without its unlock would be a mistake of another kind: both go, everywhere. */
function withoutReaders(wrapper: Wrapper): Wrapper {
  return withBodies(wrapper, (_, body) => without(body, isReader))
}

function hasReaders(wrapper: Wrapper, run: (watched: Wrapper) => void): boolean {
  return placesIn(wrapper, run).some(({op}) => isReader(op))
}
