/**
 * What a wrapper needs of what it has: each ordering made weaker, each barrier and each promise of its signatures left out,
 * one at a time, and the clients run again. What none of them misses is redundant, as far as they go.
 */
import {namedModels, NoMapping, without, type Model, type Op, type Proc} from '../../lib/index.ts'
import {nameOfFailure} from '../report.ts'
import {omissionsIn} from '../rust/omit.ts'
import {RustError} from '../rust/source.ts'
import {withBodies} from './bodies.ts'
import {clientListOf} from './clients.ts'
import {sizeFor, type Depth} from './depth.ts'
import type {WrapperRow} from './evaluate.ts'
import {weakerThan} from './orders.ts'
import {altered, nameOf, placesIn, type Alteration, type Place} from './places.ts'
import {soundness, type ClientBudget} from './soundness.ts'
import {MisfitBody, wrapper as wrapperOf, type Wrapper} from './wrapper.ts'

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
  const at = (model: Model, changed: Wrapper): ReturnType<typeof soundness> => soundness({...changed, bounds: {...changed.bounds, size: budget.size}}, model, budget)
  const attempt = (change: string, changed: Wrapper): Ablation => {
    const tried: string[] = []
    let [ran, size, isCut] = [0, budget.size, false]
    const result = (verdict: Ablation['verdict'], by: Ablation['by']): Ablation => ({wrapper: wrapper.name, change, verdict, by, models: tried, clients: ran, size})
    for (const model of models) {
      try {
        const {counterexample, clients, size: done, unknown} = at(model, changed)
        tried.push(model.name)
        ran = Math.max(ran, clients)
        size = Math.min(size, done)
        isCut ||= unknown.length > 0
        if (counterexample !== null) {
          const {size: statements} = clientListOf(changed).at(counterexample.ordinal, budget.size)!
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
  for (const {words, rust} of omissionsIn(wrapper.rust)) {
    const changed = parsed(wrapper, rust)
    if (changed !== null) yield attempt(`without ${words}`, changed)
  }
}

/** The wrapper with other signatures, and clients of all payloads; null if they are no Rust. */
function parsed({bounds, ...wrapper}: Wrapper, rust: string): Wrapper | null {
  const {payloads: _, ...others} = bounds ?? {}
  try {
    return wrapperOf({...wrapper, rust, bounds: others})
  } catch (error) {
    if (error instanceof RustError) return null
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
