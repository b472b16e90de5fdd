/**
 * The compiled checker: keeps the relations of a plan up to date while rf and co grow, and says as soon as an
 * axiom fails. The tests hold it against the reference evaluator.
 */
import {Balance} from './balance.ts'
import {isIn, lowest} from './bits.ts'
import {Flags} from './flags.ts'
import {Narrow} from './narrow.ts'
import type {Plan} from './plan.ts'
import {Rows, type Layout} from './rows.ts'
import type {Unit} from './units.ts'
import {Wide} from './wide.ts'

export class Checker {
  /** What only flags need; asked of complete executions. */
  readonly flags: Flags
  readonly #rows: Rows
  readonly #balance: Balance
  readonly #engine: Narrow | Wide
  readonly #state: Int32Array
  readonly #layout: Layout
  readonly #n: number
  readonly #w: number
  readonly #delta: Int32Array
  readonly #dirty: Int32Array
  readonly #hot: Uint8Array
  /** Was nothing added since `settle`? */
  isSettled = true

  /** @param inThread one row per vertex: the vertices of its thread. */
  constructor(plan: Plan, state: Int32Array, layout: Layout, inThread: Int32Array) {
    const rows = new Rows(plan, state, layout, inThread)
    this.#rows = rows
    this.#balance = new Balance(rows)
    this.#engine = layout.words === 1 ? new Narrow(rows, this.#balance) : new Wide(rows, this.#balance)
    this.flags = new Flags(rows)
    this.#state = state
    this.#layout = layout
    this.#n = layout.vertices
    this.#w = layout.words
    this.#delta = rows.delta
    this.#dirty = rows.dirty
    this.#hot = rows.hot
  }

  has(relation: number, from: number, to: number): boolean {
    const at = this.#layout.relations + (relation * this.#n + from) * this.#w + (to >> 5)
    return ((this.#state[at]! >>> (to & 31)) & 1) === 1
  }

  /** As `has`, in a saved state. */
  hasIn(state: Int32Array, relation: number, from: number, to: number): boolean {
    const at = this.#layout.relations + (relation * this.#n + from) * this.#w + (to >> 5)
    return ((state[at]! >>> (to & 31)) & 1) === 1
  }

  isRowEmpty(relation: number, from: number): boolean {
    return !isIn(this.#state, this.#layout.used + relation * this.#w, from)
  }

  /** Adds a pair to an input relation. */
  add(relation: number, from: number, to: number): void {
    const w = this.#w
    const row = (relation * this.#n + from) * w + (to >> 5)
    const at = this.#layout.relations + row
    const bit = 1 << (to & 31)
    if ((this.#state[at]! & bit) !== 0) return
    this.isSettled = false
    this.#state[at]! |= bit
    this.#delta[row]! |= bit
    this.#dirty[relation * w + (from >> 5)]! |= 1 << (from & 31)
    this.#state[this.#layout.used + relation * w + (from >> 5)]! |= 1 << (from & 31)
    this.#hot[relation] = 1
  }

  /** Puts a vertex into a set. `late`: the vertex was there before, so relations may have pairs of it. */
  include(set: number, vertex: number, late: boolean): void {
    const at = set * this.#w + (vertex >> 5)
    const bit = 1 << (vertex & 31)
    this.#state[this.#layout.sets + at]! |= bit
    if (!late) return
    this.isSettled = false
    this.#rows.late[at]! |= bit
    this.#rows.anyLate = true
  }

  /** No thread has started. */
  clear(): void {
    this.#balance.clear()
    this.settle()
  }

  /** A thread whose vertices begin at `start`, and its units at `first`, has these units now. */
  count(first: number, start: number, units: readonly Unit[]): void {
    if (units.length === 0) return
    this.isSettled = false
    this.#balance.enter(first, start, units)
  }

  /** Brings everything up to date. Returns the axiom that fails, or null. Deltas stay until `settle`. */
  propagate(): string | null {
    const {checks} = this.#rows.plan
    this.#engine.run()
    for (const {axiom, kind, relation} of checks) {
      if (kind === 'even' ? this.#balance.isUneven : this.#fails(kind, relation)) return axiom
    }
    return null
  }

  /** Calls `visit` for every new pair of a relation. */
  fresh(relation: number, visit: (from: number, to: number) => void): void {
    const w = this.#w
    for (let fromWord = 0; fromWord < w; fromWord++) {
      let rows = this.#dirty[relation * w + fromWord]!
      while (rows !== 0) {
        const from = (fromWord << 5) + lowest(rows)
        rows &= rows - 1
        for (let word = 0; word < w; word++) {
          let bits = this.#delta[(relation * this.#n + from) * w + word]!
          while (bits !== 0) {
            visit(from, (word << 5) + lowest(bits))
            bits &= bits - 1
          }
        }
      }
    }
  }

  /** Forgets the deltas: everything added so far is taken into account. */
  settle(): void {
    if (this.isSettled) return
    this.isSettled = true
    const w = this.#w
    const n = this.#n
    const hot = this.#hot
    for (let relation = 0; relation < hot.length; relation++) {
      if (hot[relation] === 0) continue
      hot[relation] = 0
      for (let rowWord = 0; rowWord < w; rowWord++) {
        let rows = this.#dirty[relation * w + rowWord]!
        this.#dirty[relation * w + rowWord] = 0
        while (rows !== 0) {
          const start = (relation * n + (rowWord << 5) + lowest(rows)) * w
          rows &= rows - 1
          for (let word = 0; word < w; word++) this.#delta[start + word] = 0
        }
      }
    }
    this.#balance.settle()
    if (!this.#rows.anyLate) return
    this.#rows.late.fill(0)
    this.#rows.anyLate = false
  }

  #fails(kind: 'irreflexive' | 'empty', relation: number): boolean {
    if (this.#hot[relation] === 0) return false
    const w = this.#w
    for (let fromWord = 0; fromWord < w; fromWord++) {
      let rows = this.#dirty[relation * w + fromWord]!
      if (rows === 0) continue
      if (kind === 'empty') return true
      while (rows !== 0) {
        const from = (fromWord << 5) + lowest(rows)
        rows &= rows - 1
        if (((this.#delta[(relation * this.#n + from) * w + fromWord]! >>> (from & 31)) & 1) === 1) return true
      }
    }
    return false
  }
}
