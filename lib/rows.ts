/**
 * Where the bits of the compiled checker are. A relation is a row of bits per vertex, inside the machine's
 * state, which is saved and restored as a whole; what is new in it since the last round (its delta) is kept
 * beside the state, since it is gone whenever a state is saved.
 */
import {put} from './bits.ts'
import type {Mask} from './code.ts'
import type {Plan} from './plan.ts'

/** Where in the machine's state array the checker finds and keeps its things. */
export interface Layout {
  /** Vertices, and 32-bit words per row. */
  readonly vertices: number
  readonly words: number
  /** Location of each vertex. */
  readonly location: number
  /** Per location: the vertices that access it, one row each. */
  readonly access: number
  /** One row per set of the plan. */
  readonly sets: number
  /** `vertices` rows per relation of the plan's axioms. */
  readonly relations: number
  /** One row per such relation: which of its rows have any bit. */
  readonly used: number
  /** For balance.ts: how many units there are, their weights, one row each of the vertices before and after, the balances between any two. */
  readonly units: {readonly count: number; readonly weights: number; readonly before: number; readonly after: number; readonly best: number}
}

export class Rows {
  readonly plan: Plan
  readonly state: Int32Array
  readonly layout: Layout
  /** One row per vertex: the vertices of its thread. */
  readonly inThread: Int32Array
  /** As the relations in the state, but only what is new. */
  readonly delta: Int32Array
  /** One row per relation: which rows of its delta have any bit. */
  readonly dirty: Int32Array
  /** Per relation: is any row of it dirty? Always if it is, sometimes if it was. */
  readonly hot: Uint8Array
  /** One row per set: vertices that joined it after relations may have had pairs of them. */
  readonly late: Int32Array
  anyLate = false

  constructor(plan: Plan, state: Int32Array, layout: Layout, inThread: Int32Array) {
    this.plan = plan
    this.state = state
    this.layout = layout
    this.inThread = inThread
    this.delta = new Int32Array(plan.kept * layout.vertices * layout.words)
    this.dirty = new Int32Array(plan.kept * layout.words)
    this.hot = new Uint8Array(plan.kept)
    this.late = new Int32Array(plan.sets * layout.words)
  }

  /** Adds a row of bits, which begins at `at`, to a row of a relation. */
  putRow(relation: number, from: number, bits: Int32Array, at: number): void {
    const {relations, used, vertices, words} = this.layout
    for (let word = 0; word < words; word++) {
      const row = (relation * vertices + from) * words + word
      const fresh = bits[at + word]! & ~this.state[relations + row]!
      if (fresh === 0) continue
      this.state[relations + row]! |= fresh
      this.delta[row]! |= fresh
      put(this.dirty, relation * words, from)
      put(this.state, used + relation * words, from)
      this.hot[relation] = 1
    }
  }

  /** One word of the row of a mask. */
  maskWord(mask: Mask, from: number, word: number): number {
    const {layout, state} = this
    const w = layout.words
    switch (mask.kind) {
      case 'int': return this.inThread[from * w + word]!
      case 'ext': return ~this.inThread[from * w + word]!
      case 'id': return from >> 5 === word ? 1 << (from & 31) : 0
      case 'loc': {
        const location = state[layout.location + from]!
        return location < 0 ? 0 : state[layout.access + location * w + word]!
      }
      case 'cross': {
        const inside = (state[layout.sets + mask.from * w + (from >> 5)]! >>> (from & 31)) & 1
        return inside === 1 ? state[layout.sets + mask.to * w + word]! : 0
      }
      case 'or': {
        let all = 0
        for (const arg of mask.args) all |= this.maskWord(arg, from, word)
        return all
      }
      case 'and': {
        let all = -1
        for (const arg of mask.args) all &= this.maskWord(arg, from, word)
        return all
      }
      case 'minus': return this.maskWord(mask.left, from, word) & ~this.maskWord(mask.right, from, word)
    }
  }
}
