/**
 * Counts grace periods against critical sections (counting.ts): for each two of them, the best balance of a walk
 * along links from the one to the other, a grace period being 1 and a critical section -1. Kept up to date link by link;
 * a walk back to where it began with a balance of 0 or more is what the axiom forbids.
 */
import {isIn, lowest, put} from './bits.ts'
import type {Unit} from './units.ts'
import type {Rows} from './rows.ts'

/** No walk is known. */
const none = -0x8000

export class Balance {
  /** There is a closed walk with at least as many gains as losses. */
  isUneven = false
  /** Threads have run on, so units or their surroundings are new. */
  #isNew = false
  readonly #rows: Rows
  readonly #state: Int32Array
  /** For each two units: the best balance of a walk from the one up to the other, which is not counted. */
  readonly #best: Int16Array
  readonly #count: number
  readonly #w: number

  constructor(rows: Rows) {
    const {layout: {units, words}, state} = rows
    this.#rows = rows
    this.#state = state
    this.#count = units.count
    this.#w = words
    this.#best = new Int16Array(state.buffer, state.byteOffset + units.best * 4, units.count * units.count)
  }

  /** There are no units. */
  clear(): void {
    this.#best.fill(none)
  }

  /** A thread whose vertices begin at `start`, and its units at `first`, has these units now. */
  enter(first: number, start: number, units: readonly Unit[]): void {
    const {before, after, weights} = this.#rows.layout.units
    for (const [i, unit] of units.entries()) {
      const at = first + i
      this.#state[weights + at] = unit.weight
      for (const vertex of unit.before) put(this.#state, before + at * this.#w, start + vertex)
      for (const vertex of unit.after) put(this.#state, after + at * this.#w, start + vertex)
    }
    for (const [i, {next}] of units.entries()) for (const other of next) this.#join(first + i, first + other)
    this.#isNew = true
  }

  /** Forgets what is new. */
  settle(): void {
    this.isUneven = false
    this.#isNew = false
  }

  /** Takes the new pairs of the links' core into account. */
  run(core: number, out: number): void {
    const {delta, dirty, hot, layout: {relations, vertices}} = this.#rows
    const w = this.#w
    if (this.#isNew) {
      if (core >= 0) for (let vertex = 0; vertex < vertices; vertex++) this.#follow(vertex, this.#state, relations + (core * vertices + vertex) * w)
      if (out >= 0) this.#putAll(out)
    } else if (core >= 0 && hot[core] !== 0) {
      for (let word = 0; word < w; word++) {
        for (let rows = dirty[core * w + word]!; rows !== 0; rows &= rows - 1) {
          const vertex = (word << 5) + lowest(rows)
          this.#follow(vertex, delta, (core * vertices + vertex) * w)
        }
      }
      if (out >= 0) this.#putAll(out)
    }
  }

  /** Takes the links that lead through a vertex and then through these pairs of the core. */
  #follow(vertex: number, rows: Int32Array, row: number): void {
    const {after, before} = this.#rows.layout.units
    const w = this.#w
    for (let from = 0; from < this.#count; from++) {
      if (!isIn(this.#state, after + from * w, vertex)) continue
      for (let to = 0; to < this.#count; to++) {
        let shared = 0
        for (let word = 0; word < w; word++) shared |= rows[row + word]! & this.#state[before + to * w + word]!
        if (shared !== 0) this.#join(from, to)
      }
    }
  }

  /** There is a link from the one unit to the other. */
  #join(a: number, b: number): void {
    const n = this.#count
    const best = this.#best
    const weight = this.#state[this.#rows.layout.units.weights + a]!
    if (best[a * n + b]! >= weight) return
    for (let from = 0; from < n; from++) {
      const toHere = from === a ? 0 : best[from * n + a]!
      if (toHere === none) continue
      for (let to = 0; to < n; to++) {
        const onward = to === b ? 0 : best[b * n + to]!
        if (onward === none || toHere + weight + onward <= best[from * n + to]!) continue
        best[from * n + to] = toHere + weight + onward
        if (from === to && toHere + weight + onward >= 0) this.isUneven = true
      }
    }
  }

  /** Every pair that walks with at least as many gains as losses order. */
  #putAll(out: number): void {
    const {layout: {units: {after, before, weights}, vertices}} = this.#rows
    const n = this.#count
    for (let from = 0; from < n; from++) {
      for (let to = 0; to < n; to++) {
        const weight = this.#state[weights + to]!
        const best = this.#best[from * n + to]!
        if ((from !== to || weight < 1) && (best === none || best + weight < 0)) continue
        for (let vertex = 0; vertex < vertices; vertex++) {
          if (isIn(this.#state, before + from * this.#w, vertex)) this.#rows.putRow(out, vertex, this.#state, after + to * this.#w)
        }
      }
    }
  }
}
