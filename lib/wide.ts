/** The same as narrow.ts for rows of any number of words, word by word. */
import type {Balance} from './balance.ts'
import {lowest, next} from './bits.ts'
import {codes, type Code, type Mask} from './code.ts'
import {GroupRunner} from './group.ts'
import {mapped} from './mapped.ts'
import type {Rows} from './rows.ts'

export class Wide {
  readonly #rows: Rows
  readonly #balance: Balance
  readonly #n: number
  readonly #w: number
  readonly #state: Int32Array
  readonly #delta: Int32Array
  readonly #dirty: Int32Array
  readonly #hot: Uint8Array
  readonly #relations: number
  readonly #used: number
  readonly #sets: number
  readonly #code: Code
  readonly #groups: readonly GroupRunner[]
  /** A row under construction. */
  readonly #row: Int32Array

  constructor(rows: Rows, balance: Balance) {
    const {code} = rows.plan
    this.#rows = rows
    this.#balance = balance
    this.#n = rows.layout.vertices
    this.#w = rows.layout.words
    this.#state = rows.state
    this.#delta = rows.delta
    this.#dirty = rows.dirty
    this.#hot = rows.hot
    this.#relations = rows.layout.relations
    this.#used = rows.layout.used
    this.#sets = rows.layout.sets
    this.#code = code
    this.#groups = mapped(code.groups, group => new GroupRunner(rows, group, inner => { this.#run(inner) }))
    this.#row = new Int32Array(this.#w)
  }

  run(): void {
    this.#run(this.#code)
  }

  #run({ops, masks}: Code): void {
    const hot = this.#hot
    const {anyLate} = this.#rows
    for (let at = 0; at < ops.length; at += 4) {
      const out = ops[at + 1]!
      const x = ops[at + 2]!
      const y = ops[at + 3]!
      switch (ops[at]!) {
        case codes.copy: if (hot[x] !== 0) this.#copy(out, x); break
        case codes.seq:
          if (hot[x] !== 0) this.#seqLeft(out, x, y)
          if (hot[y] !== 0) this.#seqRight(out, x, y)
          break
        case codes.from: if (hot[x] !== 0 || anyLate) this.#from(out, x, y); break
        case codes.to: if (hot[x] !== 0 || anyLate) this.#to(out, x, y); break
        case codes.keep: if (hot[x] !== 0) this.#filter(out, x, masks[y]!, 0); break
        case codes.drop: if (hot[x] !== 0) this.#filter(out, x, masks[y]!, -1); break
        case codes.plus: if (hot[x] !== 0) this.#plus(out, x); break
        case codes.and: if (hot[x] !== 0 || hot[y] !== 0) this.#and(out, x, y); break
        case codes.minus: if (hot[x] !== 0) this.#minus(out, x, y); break
        case codes.inv: if (hot[x] !== 0) this.#inv(out, x); break
        case codes.count: this.#balance.run(x, out); break
        default: this.#groups[x]!.run()
      }
    }
  }

  #put(relation: number, from: number, word: number, bits: number): void {
    const at = (relation * this.#n + from) * this.#w + word
    const here = this.#relations + at
    const fresh = bits & ~this.#state[here]!
    if (fresh === 0) return
    this.#state[here]! |= fresh
    this.#delta[at]! |= fresh
    const row = relation * this.#w + (from >> 5)
    this.#dirty[row]! |= 1 << (from & 31)
    this.#state[this.#used + row]! |= 1 << (from & 31)
    this.#hot[relation] = 1
  }

  /** Adds the row under construction, and clears it. */
  #putRow(relation: number, from: number): void {
    const row = this.#row
    for (let word = 0; word < this.#w; word++) {
      const bits = row[word]!
      if (bits === 0) continue
      row[word] = 0
      this.#put(relation, from, word, bits)
    }
  }

  /** Adds a row of bits, which begins at `at`, to the row under construction. */
  #gather(from: Int32Array, at: number): void {
    const row = this.#row
    for (let word = 0; word < this.#w; word++) row[word]! |= from[at + word]!
  }

  /** Adds the new pairs of a row to the same row of another relation. */
  #pass(out: number, arg: number, from: number): void {
    const start = (arg * this.#n + from) * this.#w
    for (let word = 0; word < this.#w; word++) {
      const bits = this.#delta[start + word]!
      if (bits !== 0) this.#put(out, from, word, bits)
    }
  }

  #copy(out: number, arg: number): void {
    const w = this.#w
    const dirty = arg * w
    for (let from = next(this.#dirty, dirty, w, -1); from >= 0; from = next(this.#dirty, dirty, w, from)) this.#pass(out, arg, from)
  }

  /** What is new on the left, with everything on the right. */
  #seqLeft(out: number, left: number, right: number): void {
    const w = this.#w
    const n = this.#n
    const delta = this.#delta
    const rights = this.#relations + right * n * w
    for (let rowWord = 0; rowWord < w; rowWord++) {
      let rows = this.#dirty[left * w + rowWord]!
      while (rows !== 0) {
        const from = (rowWord << 5) + lowest(rows)
        rows &= rows - 1
        const start = (left * n + from) * w
        for (let word = 0; word < w; word++) {
          let mids = delta[start + word]! & this.#state[this.#used + right * w + word]!
          while (mids !== 0) {
            this.#gather(this.#state, rights + ((word << 5) + lowest(mids)) * w)
            mids &= mids - 1
          }
        }
        this.#putRow(out, from)
      }
    }
  }

  /** Everything on the left, with what is new on the right. */
  #seqRight(out: number, left: number, right: number): void {
    const w = this.#w
    const n = this.#n
    const state = this.#state
    const lefts = this.#relations + left * n * w
    const deltas = right * n * w
    for (let rowWord = 0; rowWord < w; rowWord++) {
      let rows = state[this.#used + left * w + rowWord]!
      while (rows !== 0) {
        const from = (rowWord << 5) + lowest(rows)
        rows &= rows - 1
        let any = 0
        for (let word = 0; word < w; word++) {
          let mids = state[lefts + from * w + word]! & this.#dirty[right * w + word]!
          any |= mids
          while (mids !== 0) {
            this.#gather(this.#delta, deltas + ((word << 5) + lowest(mids)) * w)
            mids &= mids - 1
          }
        }
        if (any !== 0) this.#putRow(out, from)
      }
    }
  }

  #from(out: number, arg: number, set: number): void {
    const w = this.#w
    for (let rowWord = 0; rowWord < w; rowWord++) {
      let rows = this.#dirty[arg * w + rowWord]! & this.#state[this.#sets + set * w + rowWord]!
      while (rows !== 0) {
        this.#pass(out, arg, (rowWord << 5) + lowest(rows))
        rows &= rows - 1
      }
      let late = this.#rows.late[set * w + rowWord]!
      while (late !== 0) {
        const from = (rowWord << 5) + lowest(late)
        late &= late - 1
        this.#gather(this.#state, this.#relations + (arg * this.#n + from) * w)
        this.#putRow(out, from)
      }
    }
  }

  #to(out: number, arg: number, set: number): void {
    const w = this.#w
    const dirty = arg * w
    const sets = this.#sets + set * w
    for (let from = next(this.#dirty, dirty, w, -1); from >= 0; from = next(this.#dirty, dirty, w, from)) {
      for (let word = 0; word < w; word++) this.#put(out, from, word, this.#new(arg, from, word) & this.#state[sets + word]!)
    }
    if (!this.#rows.anyLate) return
    for (let from = 0; from < this.#n; from++) {
      for (let word = 0; word < w; word++) this.#put(out, from, word, this.#all(arg, from, word) & this.#rows.late[set * w + word]!)
    }
  }

  #new(relation: number, from: number, word: number): number {
    return this.#delta[(relation * this.#n + from) * this.#w + word]!
  }

  #all(relation: number, from: number, word: number): number {
    return this.#state[this.#relations + (relation * this.#n + from) * this.#w + word]!
  }

  /** @param flip 0 keeps the pairs of the mask, -1 drops them. */
  #filter(out: number, arg: number, mask: Mask, flip: number): void {
    const w = this.#w
    const dirty = arg * w
    for (let from = next(this.#dirty, dirty, w, -1); from >= 0; from = next(this.#dirty, dirty, w, from)) {
      for (let word = 0; word < w; word++) {
        const bits = this.#new(arg, from, word)
        if (bits !== 0) this.#put(out, from, word, bits & (this.#rows.maskWord(mask, from, word) ^ flip))
      }
    }
  }

  #and(out: number, left: number, right: number): void {
    const w = this.#w
    for (let rowWord = 0; rowWord < w; rowWord++) {
      let rows = this.#dirty[left * w + rowWord]! | this.#dirty[right * w + rowWord]!
      while (rows !== 0) {
        const from = (rowWord << 5) + lowest(rows)
        rows &= rows - 1
        for (let word = 0; word < w; word++) {
          this.#put(out, from, word, (this.#new(left, from, word) & this.#all(right, from, word))
            | (this.#all(left, from, word) & this.#new(right, from, word)))
        }
      }
    }
  }

  /** The right side must be decided for a pair by the time the left side has it (static relations). */
  #minus(out: number, left: number, right: number): void {
    const w = this.#w
    const dirty = left * w
    for (let from = next(this.#dirty, dirty, w, -1); from >= 0; from = next(this.#dirty, dirty, w, from)) {
      for (let word = 0; word < w; word++) this.#put(out, from, word, this.#new(left, from, word) & ~this.#all(right, from, word))
    }
  }

  #inv(out: number, arg: number): void {
    const w = this.#w
    const dirty = arg * w
    for (let from = next(this.#dirty, dirty, w, -1); from >= 0; from = next(this.#dirty, dirty, w, from)) {
      const row = (arg * this.#n + from) * w
      for (let to = next(this.#delta, row, w, -1); to >= 0; to = next(this.#delta, row, w, to)) this.#put(out, to, from >> 5, 1 << (from & 31))
    }
  }

  /** Transitive closure, edge by edge: whoever reaches the edge's start now reaches all behind its end. */
  #plus(out: number, arg: number): void {
    const w = this.#w
    const dirty = arg * w
    for (let from = next(this.#dirty, dirty, w, -1); from >= 0; from = next(this.#dirty, dirty, w, from)) {
      const row = (arg * this.#n + from) * w
      for (let to = next(this.#delta, row, w, -1); to >= 0; to = next(this.#delta, row, w, to)) this.#addEdge(out, from, to)
    }
  }

  #addEdge(closure: number, from: number, to: number): void {
    const w = this.#w
    const start = this.#relations + closure * this.#n * w
    const used = this.#used + closure * w
    if (((this.#state[start + from * w + (to >> 5)]! >>> (to & 31)) & 1) === 1) return
    this.#reach(closure, from, to)
    for (let before = next(this.#state, used, w, -1); before >= 0; before = next(this.#state, used, w, before)) {
      if (((this.#state[start + before * w + (from >> 5)]! >>> (from & 31)) & 1) === 1) this.#reach(closure, before, to)
    }
  }

  /** Adds a vertex, and all behind it, to a row of a closure. */
  #reach(closure: number, from: number, to: number): void {
    this.#gather(this.#state, this.#relations + (closure * this.#n + to) * this.#w)
    this.#row[to >> 5]! |= 1 << (to & 31)
    this.#putRow(closure, from)
  }
}
