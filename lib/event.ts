/**
 * Events, and the labels that say which sets of a model they are in.
 *
 * A label is what a model sees of an operation: its kind and its tags. Tags are herd's: `ONCE`,
 * `ACQUIRE`, `Rmb` … for the kernel (linux-kernel.bell), `RLX`, `ACQ`, `SC` … for C11 (c11.bell).
 */
import type {Location} from './value.ts'

export type Kind = 'R' | 'W' | 'F'

export interface Label {
  readonly kind: Kind
  readonly tags: readonly string[]
}

/** One node of an execution graph. */
export interface Event {
  /** Position in the execution's event list. Initial writes come first, one per location. */
  readonly id: number
  /** The thread, or -1 for an initial write. */
  readonly thread: number
  /** Position in program order of its thread; 0 for an initial write. */
  readonly position: number
  readonly label: Label
  /** The word accessed; null for a fence. */
  readonly location: Location | null
  /** The operation as its author wrote it, and which of its thread's operations it is. Engine-made executions have both. */
  readonly name?: string
  readonly operation?: number
}

const labels = new Map<string, Label>()

/** The label of this kind with these tags: always the same object for the same arguments. */
export function label(kind: Kind, ...tags: readonly string[]): Label {
  const key = `${kind} ${tags.join(' ')}`
  const known = labels.get(key)
  if (known !== undefined) return known
  const made: Label = {kind, tags}
  labels.set(key, made)
  return made
}

const numbers = new Map<Label, number>()

/** A number of the label's own, for keys; it differs from run to run. */
export function numberOf(label: Label): number {
  const known = numbers.get(label)
  if (known !== undefined) return known
  numbers.set(label, numbers.size)
  return numbers.size - 1
}

/** The label of an initial write. */
export const initialWrite = label('W', 'IW')
