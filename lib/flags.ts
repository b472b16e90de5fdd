/** The flags of a complete execution: relations that no axiom needs, computed once, from scratch. */
import {lowest} from './bits.ts'
import type {PlanOp} from './plan.ts'
import type {Rows} from './rows.ts'

export class Flags {
  readonly #rows: Rows
  readonly #n: number
  readonly #w: number
  readonly #kept: number
  /** Rows of the relations that only flags need. */
  readonly #bits: Int32Array

  constructor(rows: Rows) {
    const {layout: {vertices, words}, plan: {kept, relations}} = rows
    this.#rows = rows
    this.#n = vertices
    this.#w = words
    this.#kept = kept
    this.#bits = new Int32Array((relations - kept) * vertices * words)
  }

  /** Adds a pair to an input that only flags need; call `begin` first. */
  add(relation: number, from: number, to: number): void {
    if (relation < this.#kept) return
    this.#bits[((relation - this.#kept) * this.#n + from) * this.#w + (to >> 5)]! |= 1 << (to & 31)
  }

  begin(): void {
    this.#bits.fill(0)
  }

  /** The flags that are raised, each with its first pair. */
  raised(): string[] {
    for (const op of this.#rows.plan.flagOps) this.#compute(op)
    return this.#rows.plan.flags.filter(({relation}) => {
      for (let from = 0; from < this.#n; from++) {
        for (let word = 0; word < this.#w; word++) if (this.#fullWord(relation, from, word) !== 0) return true
      }
      return false
    }).map(({flag}) => flag)
  }

  /** Does the model order the one vertex before the other? After `raised`, and if the plan was made for it. */
  isBefore(from: number, to: number): boolean {
    const {before} = this.#rows.plan
    return before >= 0 && ((this.#fullWord(before, from, to >> 5) >>> (to & 31)) & 1) === 1
  }

  #keptWord(relation: number, from: number, word: number): number {
    const {layout: {relations}, state} = this.#rows
    return state[relations + (relation * this.#n + from) * this.#w + word]!
  }

  #fullWord(relation: number, from: number, word: number): number {
    if (relation < this.#kept) return this.#keptWord(relation, from, word)
    return this.#bits[((relation - this.#kept) * this.#n + from) * this.#w + word]!
  }

  #compute(op: PlanOp): void {
    if (op.kind === 'rec' || op.kind === 'count') throw new Error(`model ${this.#rows.plan.model.name}: a recursive relation that only flags use is not supported`)
    if (op.kind === 'plus') {
      this.#computePlus(op.out, op.arg)
      return
    }
    const n = this.#n
    const w = this.#w
    const out = (op.out - this.#kept) * n * w
    for (let from = 0; from < n; from++) {
      for (let word = 0; word < w; word++) {
        this.#bits[out + from * w + word] = this.#computeWord(op, from, word)
      }
    }
  }

  #computeWord(op: Exclude<PlanOp, {kind: 'rec' | 'count' | 'plus'}>, from: number, word: number): number {
    const {layout: {sets}, state} = this.#rows
    switch (op.kind) {
      case 'or': {
        let all = 0
        for (const arg of op.args) all |= this.#fullWord(arg, from, word)
        return all
      }
      case 'and': return this.#fullWord(op.left, from, word) & this.#fullWord(op.right, from, word)
      case 'minus': return this.#fullWord(op.left, from, word) & ~this.#fullWord(op.right, from, word)
      case 'mask': return this.#rows.maskWord(op.mask, from, word)
      case 'keep': return this.#fullWord(op.arg, from, word) & this.#rows.maskWord(op.mask, from, word)
      case 'drop': return this.#fullWord(op.arg, from, word) & ~this.#rows.maskWord(op.mask, from, word)
      case 'from': return ((state[sets + op.set * this.#w + (from >> 5)]! >>> (from & 31)) & 1) === 1 ? this.#fullWord(op.arg, from, word) : 0
      case 'to': return this.#fullWord(op.arg, from, word) & state[sets + op.set * this.#w + word]!
      case 'inv': {
        let bits = 0
        for (let bit = 0; bit < 32 && (word << 5) + bit < this.#n; bit++) {
          if (((this.#fullWord(op.arg, (word << 5) + bit, from >> 5) >>> (from & 31)) & 1) === 1) bits |= 1 << bit
        }
        return bits
      }
      case 'seq': {
        let bits = 0
        for (let midWord = 0; midWord < this.#w; midWord++) {
          let mids = this.#fullWord(op.left, from, midWord)
          while (mids !== 0) {
            bits |= this.#fullWord(op.right, (midWord << 5) + lowest(mids), word)
            mids &= mids - 1
          }
        }
        return bits
      }
    }
  }

  #computePlus(out: number, arg: number): void {
    const n = this.#n
    const w = this.#w
    const start = (out - this.#kept) * n * w
    const rows = this.#bits
    for (let from = 0; from < n; from++) for (let word = 0; word < w; word++) rows[start + from * w + word] = this.#fullWord(arg, from, word)
    for (let mid = 0; mid < n; mid++) {
      for (let from = 0; from < n; from++) {
        if (((rows[start + from * w + (mid >> 5)]! >>> (mid & 31)) & 1) === 0) continue
        for (let word = 0; word < w; word++) rows[start + from * w + word]! |= rows[start + mid * w + word]!
      }
    }
  }
}
