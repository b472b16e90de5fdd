/** The flags of a complete execution: relations that no axiom needs, computed once, from scratch. */
import {lowest} from './bits.ts'
import {codes} from './code.ts'
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
    const {ops} = this.#rows.plan.flagCode
    for (let at = 0; at < ops.length; at += 4) this.#compute(ops[at]!, ops[at + 1]!, ops[at + 2]!, ops[at + 3]!)
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

  #compute(op: number, out: number, x: number, y: number): void {
    if (op === codes.group || op === codes.count) throw new Error(`model ${this.#rows.plan.model.name}: a recursive relation that only flags use is not supported`)
    if (op === codes.plus) {
      this.#computePlus(out, x)
      return
    }
    const n = this.#n
    const w = this.#w
    const start = (out - this.#kept) * n * w
    for (let from = 0; from < n; from++) {
      for (let word = 0; word < w; word++) this.#bits[start + from * w + word]! |= this.#computeWord(op, x, y, from, word)
    }
  }

  #computeWord(op: number, x: number, y: number, from: number, word: number): number {
    const {layout: {sets}, plan: {flagCode: {masks}}, state} = this.#rows
    switch (op) {
      case codes.copy: return this.#fullWord(x, from, word)
      case codes.and: return this.#fullWord(x, from, word) & this.#fullWord(y, from, word)
      case codes.minus: return this.#fullWord(x, from, word) & ~this.#fullWord(y, from, word)
      case codes.mask: return this.#rows.maskWord(masks[x]!, from, word)
      case codes.keep: return this.#fullWord(x, from, word) & this.#rows.maskWord(masks[y]!, from, word)
      case codes.drop: return this.#fullWord(x, from, word) & ~this.#rows.maskWord(masks[y]!, from, word)
      case codes.from: return ((state[sets + y * this.#w + (from >> 5)]! >>> (from & 31)) & 1) === 1 ? this.#fullWord(x, from, word) : 0
      case codes.to: return this.#fullWord(x, from, word) & state[sets + y * this.#w + word]!
      case codes.inv: {
        let bits = 0
        for (let bit = 0; bit < 32 && (word << 5) + bit < this.#n; bit++) {
          if (((this.#fullWord(x, (word << 5) + bit, from >> 5) >>> (from & 31)) & 1) === 1) bits |= 1 << bit
        }
        return bits
      }
      default: { // codes.seq
        let bits = 0
        for (let midWord = 0; midWord < this.#w; midWord++) {
          let mids = this.#fullWord(x, from, midWord)
          while (mids !== 0) {
            bits |= this.#fullWord(y, (midWord << 5) + lowest(mids), word)
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
