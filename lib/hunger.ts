/**
 * Reads that can take none of the writes that exist, and whether one is still to come: a branch in which none is ends at
 * once, not after everything else in it was tried.
 */
import {drop, next, put} from './bits.ts'
import type {Coherence} from './coherence.ts'
import {awaitsOnlyReads, escapes, guardsAll} from './escape.ts'
import type {Graph} from './graph.ts'
import type {Scalar} from './value.ts'

export class Hunger {
  readonly #graph: Graph
  readonly #coherence: Coherence
  /** The reads, and those of them that will never get a value: rows of bits. */
  readonly #hungry: Int32Array
  readonly #starving: Int32Array
  /** For each thread, the unresolved reads that its demand depends on; none if some store behind it may be seen before. */
  readonly #roots: readonly Int32Array[]
  #isAny = false

  constructor(graph: Graph, coherence: Coherence) {
    this.#graph = graph
    this.#coherence = coherence
    this.#hungry = new Int32Array(graph.words)
    this.#starving = new Int32Array(graph.words)
    this.#roots = Array.from({length: graph.threads}, () => new Int32Array(graph.words))
  }

  /** No read is known to be hungry. */
  clear(): void {
    this.#hungry.fill(0)
    this.#isAny = false
  }

  add(read: number): void {
    put(this.#hungry, 0, read)
    this.#isAny = true
  }

  /** Will one of them never get a value? */
  starves(): boolean {
    return this.#isAny && this.wouldStarve(-1)
  }

  /**
   * Would one of them never get a value if this read (-1: none) took none of the writes that exist either? It would not if only threads may still write it that are stuck: they need to know a value which hangs on such reads, and
   * no store of theirs can be seen before they do. A wait that may never end is no harm.
   */
  wouldStarve(also: number): boolean {
    const {words, threads} = this.#graph
    const starving = this.#starving
    starving.set(this.#hungry)
    if (also >= 0) put(starving, 0, also)
    for (let thread = 0; thread < threads; thread++) this.#findRoots(thread)
    for (let isChanged = true; isChanged;) {
      isChanged = false
      for (let read = next(starving, 0, words, -1); read >= 0; read = next(starving, 0, words, read)) {
        if (!this.#coherence.mayReadLater(read, this.#isMoving)) continue
        drop(starving, 0, read)
        isChanged = true
      }
    }
    for (let read = next(starving, 0, words, -1); read >= 0; read = next(starving, 0, words, read)) {
      if (!mayNeverEnd(this.#graph, read)) return true
    }
    return false
  }

  #findRoots(thread: number): void {
    const roots = this.#roots[thread]!
    const {asking} = this.#graph.nodeOf(thread)
    roots.fill(0)
    if (asking !== null && this.#letsNothingOut(thread)) this.#graph.addRoots(thread, asking.value, roots)
  }

  /** Does what the thread needs to know hang on no starving read? */
  readonly #isMoving = (thread: number): boolean => {
    const roots = this.#roots[thread]!
    for (let word = 0; word < roots.length; word++) if ((roots[word]! & this.#starving[word]!) !== 0) return false
    return true
  }

  /** Can no store behind the thread's demand be seen before the demand is decided? */
  #letsNothingOut(thread: number): boolean {
    const {model} = this.#graph.plan
    if (guardsAll(model)) return true
    const node = this.#graph.nodeOf(thread)
    return awaitsOnlyReads(this.#graph, thread, node) && escapes(node, model)?.size === 0
  }
}

/** Can it be a wait that goes on for ever, since a write that exists and does not satisfy it may be the last? */
export function mayNeverEnd(graph: Graph, read: number): boolean {
  const {until, isCertain} = graph.eventAt(read)
  return until !== null && !isCertain && mayStayUnsatisfied(graph, read, until)
}

function mayStayUnsatisfied(graph: Graph, read: number, until: (value: Scalar) => boolean): boolean {
  const location = graph.locationOf(read)
  if (graph.nextWrite(location, -1) < 0) return !until(graph.memory[location]!.init)
  const satisfies = (write: number): boolean => {
    const scalar = graph.scalarOf(write)
    return scalar !== undefined && until(scalar)
  }
  for (let write = graph.nextWrite(location, -1); write >= 0; write = graph.nextWrite(location, write)) {
    if (satisfies(write)) continue
    let covered = false
    for (let other = graph.nextWrite(location, -1); other >= 0 && !covered; other = graph.nextWrite(location, other)) {
      covered = graph.inCo(write, other) && satisfies(other)
    }
    if (!covered) return true
  }
  return false
}
