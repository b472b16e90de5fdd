/**
 * Which inputs of a master plan a program has: a row of bits, the union of those of its threads' states. By these
 * fit.ts leaves out what the program cannot need.
 */
import {isIn, put} from './bits.ts'
import {poLoc, R, seq, W, type RelationExpr} from './model.ts'
import type {MasterPlan} from './plan.ts'
import type {Shape} from './shape.ts'
import type {Unit} from './units.ts'

/**
 * Relations of single threads that say, when they are empty, that rf, co or fr stay between threads
 * (in a model with a coherence axiom): no thread both writes and reads a location, and so on.
 */
export const within: readonly RelationExpr[] = [seq(W, poLoc, R), seq(W, poLoc, W), seq(R, poLoc, W)]

/** The bits behind those of locals (one each) and sets (two each). */
const others = {within: 0, section: 3, period: 4, gain: 5, count: 6} as const

/** Reads a row of bits. */
export class Presence {
  readonly #bits: Int32Array
  readonly #locals: number
  readonly #others: number

  constructor({locals, sets}: MasterPlan, bits: Int32Array) {
    this.#bits = bits
    this.#locals = locals.length
    this.#others = locals.length + 2 * sets.length
  }

  hasLocal(local: number): boolean {
    return isIn(this.#bits, 0, local)
  }

  /** Is some vertex in the set? */
  hasMember(set: number): boolean {
    return isIn(this.#bits, 0, this.#locals + 2 * set)
  }

  /** Is every vertex in the set? */
  isFull(set: number): boolean {
    return !isIn(this.#bits, 0, this.#locals + 2 * set + 1)
  }

  /** May rf (0), co (1) or fr (2) relate events of one thread? */
  hasWithin(which: 0 | 1 | 2): boolean {
    return isIn(this.#bits, 0, this.#others + others.within + which)
  }

  /** Are there both sections and grace periods that the model has no axiom for? */
  get hasGrace(): boolean {
    return isIn(this.#bits, 0, this.#others + others.section) && isIn(this.#bits, 0, this.#others + others.period)
  }

  /** Is there a grace period that is counted? */
  get hasGain(): boolean {
    return isIn(this.#bits, 0, this.#others + others.gain)
  }
}

/** What one state of a thread has: the pairs of its locals and the members of its sets, in the master's order, and the pairs of `within`. */
export function presenceOf(shape: Shape, {locals, sets}: MasterPlan, pairs: readonly Int32Array[], members: readonly Int32Array[], inThread: readonly Int32Array[],
  units: readonly Unit[]): Int32Array {
  const bits = new Int32Array(wordsFor(locals.length, sets.length))
  for (let local = 0; local < pairs.length; local++) if (pairs[local]!.length > 0) put(bits, 0, local)
  for (let set = 0; set < members.length; set++) {
    if (members[set]!.length > 0) put(bits, 0, locals.length + 2 * set)
    if (members[set]!.length < shape.vertexCount) put(bits, 0, locals.length + 2 * set + 1)
  }
  const at = locals.length + 2 * sets.length
  for (let i = 0; i < inThread.length; i++) if (inThread[i]!.length > 0) put(bits, 0, at + others.within + i)
  if (shape.hasTag('Rcu-lock')) put(bits, 0, at + others.section)
  if (shape.hasTag('Sync-rcu-begin')) put(bits, 0, at + others.period)
  for (let i = 0; i < units.length; i++) if (units[i]!.weight > 0) put(bits, 0, at + others.gain)
  return bits
}

/** Nothing yet. */
export function nothingOf({locals, sets}: MasterPlan): Int32Array {
  return new Int32Array(wordsFor(locals.length, sets.length))
}

function wordsFor(locals: number, sets: number): number {
  return (locals + 2 * sets + others.count + 31) >> 5
}

export function addPresence(to: Int32Array, from: Int32Array): void {
  for (let word = 0; word < to.length; word++) to[word]! |= from[word]!
}

/** Is there nothing in `part` that is not in `whole`? */
export function isCovered(part: Int32Array, whole: Int32Array): boolean {
  for (let word = 0; word < part.length; word++) if ((part[word]! & ~whole[word]!) !== 0) return false
  return true
}
