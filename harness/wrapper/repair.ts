/**
 * What would repair a wrapper: every operation of its methods made stronger, and every barrier put before each, one at a
 * time; tried on the client that breaks it, and where that helps on all clients. Nothing is guessed.
 */
import {allows, explore, fence, NoMapping, sc, smpMb, smpRmb, smpWmb, type Model, type Op, type Proc} from '../../lib/index.ts'
import {nameOfFailure} from '../report.ts'
import type {Depth} from './depth.ts'
import {strongerThan} from './orders.ts'
import {altered, nameOf, placesIn, type Alteration, type Place} from './places.ts'
import {clientProgram, runnable} from './program.ts'
import {soundness, type ClientBudget} from './soundness.ts'
import type {ClientRun, Repair} from './story.ts'
import type {Wrapper} from './wrapper.ts'

/**
 * The changes that repair a wrapper for a model, the weakest of each kind for each place. Empty if no single one does; null if
 * no ordering is missing, so that nothing was tried.
 * @param budget for the clients that each is tried on; those up to its size are the proof.
 */
export function repairsOf(shown: ClientRun, budget: ClientBudget): readonly Repair[] | null {
  const {wrapper, numbered: {client}, model, run, limits, failure} = shown
  if (failure === null || (failure.kind !== 'flag' && allows(sc, run.execution))) return null
  const program = (own: Wrapper): ReturnType<typeof clientProgram> => clientProgram(own, client, runnable(client)!, wrapper.name)
  const helps = (changed: Wrapper): boolean => {
    const {failing} = explore(program(changed), model, {...limits, executions: budget.executions})
    return failing === null || !failing.failures.some(other => nameOfFailure(other) === nameOfFailure(failure))
  }
  const places = placesIn(wrapper, watched => { explore(program(watched), model, {...limits, executions: fewExecutions, keepGoing: true}) })
  return places.flatMap(place => strengthenings(place).flatMap(ladder => {
    for (const alteration of ladder) {
      if ((budget.expired?.() ?? false) !== false) return []
      const repair = tryOut(altered(wrapper, place, alteration), model, budget, helps)
      if (repair !== null) return [{text: `${alteration.words} ${nameOf(place)}`, model: model.name, ...repair}] // a stronger one would do as well
    }
    return []
  }))
}

/** Executions of the client that are looked at for places. */
const fewExecutions = 1_000

/** What it was tried on, if no client breaks it; null if one does, if one was cut, or if the model has no counterpart for what was put there. */
function tryOut(changed: Wrapper, model: Model, budget: ClientBudget, helps: (changed: Wrapper) => boolean): Pick<Repair, 'clients' | 'size'> | null {
  try {
    if (!helps(changed)) return null
    const {verdict, unknown, clients, size} = soundness({...changed, bounds: {...changed.bounds, size: budget.size}}, model, budget)
    return verdict === 'unsound' || unknown.length > 0 ? null : {clients, size}
  } catch (error) {
    if (error instanceof NoMapping) return null
    throw error
  }
}

/** Each repair is tried on clients of one more statement than the one that it is for, and no more of them than is needed to come to it, or {@link mostClients}. */
export function repairBudget({numbered}: ClientRun, {size, clients, bound, executions}: Depth): ClientBudget {
  return {size: Math.max(numbered.size, Math.min(size, numbered.size + 1)), clients: Math.max(numbered.ordinal, Math.min(clients, mostClients)), bound, executions}
}

const mostClients = 400

/** Lists of what may be done at a place, each from the weakest on. */
function strengthenings({op}: Place): readonly (readonly Alteration[])[] {
  if (!('order' in op)) return []
  const barriers = op.vocabulary === 'kernel'
    ? [{name: 'smp_rmb()', made: smpRmb}, {name: 'smp_wmb()', made: smpWmb}, {name: 'smp_mb()', made: smpMb}]
    : (['Acquire', 'Release', 'AcqRel', 'SeqCst'] as const).map(order => ({name: `fence(${order})`, made: () => fence(order)}))
  return [
    strongerThan(op).map(({name, of}) => ({words: `${name} instead of`, * apply(own) { return yield of(own) }})),
    barriers.map(({name, made}) => ({words: `${name} before`, apply: (own, isFirst) => before(own, isFirst ? made : null)})),
  ]
}

function* before(op: Op, barrier: (() => Proc) | null): Proc<unknown> {
  if (barrier !== null) yield* barrier()
  return yield op
}
