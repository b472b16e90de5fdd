/** How far a search goes: loops, events and addresses of the program, and what it may use up. */
import type {Regime} from './faults.ts'
import type {Model} from './model.ts'
import type {Program} from './program.ts'
import type {Unknown} from './result.ts'
import {Session} from './session.ts'

export interface Limits {
  /** Complete executions after which a run stops. */
  readonly executions?: number
  /** Asked now and then; true stops the run as out of time, 'memory' as out of memory. The caller owns the clock. */
  readonly expired?: () => boolean | 'memory'
  /** How long `expired` lets it run, in seconds; only for the result's wording. */
  readonly seconds?: number
  /** How much memory `expired` allows, in megabytes; only for the result's wording. */
  readonly megabytes?: number
  /** Rounds of one `iteration()` loop; default 3. */
  readonly bound?: number
  /** Events per thread; default 200. */
  readonly events?: number
  /** May an allocation get an address that was freed? Default true. */
  readonly reuse?: boolean
  /** What may be done with pointers to objects that died; default `strict`. */
  readonly regime?: Regime
  /** Do objects that nothing leads to at the end count as failures? Default false. */
  readonly leaks?: boolean
  /** Flags of the model that count as failures; default all but `mixed-accesses`. */
  readonly flags?: readonly string[]
  /** Room for more events per thread than are foreseen; only tests set it, to try wide rows on small programs. */
  readonly spare?: number
  /** Go on after the first failure, to count everything. */
  readonly keepGoing?: boolean
}

const defaultBound = 3
const defaultEvents = 200

/** A session for a program within limits. */
export function open<R>(program: Program<R>, model: Model, limits: Limits): Session {
  const bounds = {rounds: limits.bound ?? defaultBound, events: limits.events ?? defaultEvents, reuse: limits.reuse ?? true}
  return new Session(program as Program, model, bounds, limits)
}

/** The budget of the caller's that is used up, if one is. */
export function overBudget({expired, seconds, megabytes}: Limits): Unknown | null {
  switch (expired?.()) {
    case true: return {budget: 'seconds', limit: seconds ?? 0}
    case 'memory': return {budget: 'memory', limit: megabytes ?? 0}
    default: return null
  }
}

/** How often budgets are asked about. */
export const nodesBetweenLooks = 128
