/**
 * A complete execution as data: the events, and the relations that every execution comes with.
 * This is what the reference evaluator judges, what tests compare, and what reports are made from.
 */
import type {Event} from './event.ts'
import {showScalar, type Scalar} from './value.ts'

export type Pair = readonly [from: number, to: number]

/** The given relations of an execution; each pair is (event id, event id). */
export interface Given {
  /** Program order: total per thread (all pairs, not only neighbours). */
  readonly po: readonly Pair[]
  readonly addr: readonly Pair[]
  readonly data: readonly Pair[]
  readonly ctrl: readonly Pair[]
  /** The two halves of a successful read-modify-write. */
  readonly rmw: readonly Pair[]
  readonly rf: readonly Pair[]
  /** See model.ts; left out where there is none. */
  readonly grace?: readonly Pair[]
  /** Coherence: total per location (all pairs), from the initial write on. */
  readonly co: readonly Pair[]
}

export interface Execution {
  /** `events[i].id === i`. Initial writes first, one per location, in the order of the locations. */
  readonly events: readonly Event[]
  readonly given: Given
  /** The value that each event reads or writes; null for fences. */
  readonly values: readonly (Scalar | null)[]
  /** What each thread was given by the scheduler (`alloc`, `anyOf`), in order. Left out: nothing. */
  readonly picked?: readonly (readonly Scalar[])[]
}

/**
 * One word that says which execution this is: for each read, by thread and position, the write it
 * takes its value from, and the coherence order. Two executions of a program are the same iff their
 * keys are.
 */
export function executionKey(execution: Execution): string {
  const {events, given, values} = execution
  const name = (id: number): string => {
    const event = events[id]!
    return event.thread < 0 ? `i${event.location!.index}` : `${event.thread}.${event.position}`
  }
  const rf = given.rf.map(([w, r]) => `${name(w)}>${name(r)}`).sort()
  const co = given.co.filter(([w]) => events[w]!.thread >= 0).map(([a, b]) => `${name(a)}<${name(b)}`).sort()
  const grace = (given.grace ?? []).map(([a, b]) => `${name(a)}~${name(b)}`).sort()
  const shown = events
    .filter(event => event.location !== null && event.thread >= 0)
    .map(event => {
      const value = values[event.id]!
      return `${name(event.id)}@${event.location!.index}=${value === null ? '?' : showScalar(value)}`
    })
    .sort()
  const picked = (execution.picked ?? []).flatMap((own, thread) => own.map(scalar => `${thread} ${showScalar(scalar)}`))
  return [rf, co, shown, ...[picked, grace].filter(part => part.length > 0)].map(part => part.join(' ')).join(' | ')
}
