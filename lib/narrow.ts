/**
 * Brings relations up to date whose rows have one word each: programs of up to 32 vertices.
 *
 * The hot path, so it is dense. Every operation computes what is new in its result from what is new in its
 * arguments (semi-naive evaluation), which is sound since the axioms' expressions only grow.
 */
import type {Balance} from './balance.ts'
import {lowest} from './bits.ts'
import {codes, type Code, type Mask} from './code.ts'
import {GroupRunner} from './group.ts'
import {mapped} from './mapped.ts'
import type {Rows} from './rows.ts'

export class Narrow {
  readonly #rows: Rows
  readonly #balance: Balance
  readonly #n: number
  readonly #state: Int32Array
  readonly #delta: Int32Array
  readonly #dirty: Int32Array
  readonly #hot: Uint8Array
  readonly #relations: number
  readonly #used: number
  readonly #sets: number
  readonly #code: Code
  readonly #groups: readonly GroupRunner[]

  constructor(rows: Rows, balance: Balance) {
    const {code} = rows.plan
    this.#rows = rows
    this.#balance = balance
    this.#n = rows.layout.vertices
    this.#state = rows.state
    this.#delta = rows.delta
    this.#dirty = rows.dirty
    this.#hot = rows.hot
    this.#relations = rows.layout.relations
    this.#used = rows.layout.used
    this.#sets = rows.layout.sets
    this.#code = code
    this.#groups = mapped(code.groups, group => new GroupRunner(rows, group, inner => { this.#run(inner) }))
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
        case codes.seq: if (hot[x] !== 0 || hot[y] !== 0) this.#seq(out, x, y); break
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

  #put(relation: number, from: number, row: number): void {
    const at = relation * this.#n + from
    const here = this.#relations + at
    const fresh = row & ~this.#state[here]!
    if (fresh === 0) return
    this.#state[here]! |= fresh
    this.#delta[at]! |= fresh
    this.#dirty[relation]! |= 1 << from
    this.#state[this.#used + relation]! |= 1 << from
    this.#hot[relation] = 1
  }

  #copy(out: number, arg: number): void {
    let rows = this.#dirty[arg]!
    const start = arg * this.#n
    while (rows !== 0) {
      const from = lowest(rows)
      rows &= rows - 1
      this.#put(out, from, this.#delta[start + from]!)
    }
  }

  #seq(out: number, left: number, right: number): void {
    const n = this.#n
    const state = this.#state
    const rights = this.#relations + right * n
    let rows = this.#dirty[left]!
    while (rows !== 0) {
      const from = lowest(rows)
      rows &= rows - 1
      let mids = this.#delta[left * n + from]!
      let row = 0
      while (mids !== 0) {
        row |= state[rights + lowest(mids)]!
        mids &= mids - 1
      }
      if (row !== 0) this.#put(out, from, row)
    }
    const changed = this.#dirty[right]!
    if (changed === 0) return
    const lefts = this.#relations + left * n
    const deltas = right * n
    rows = state[this.#used + left]!
    while (rows !== 0) {
      const from = lowest(rows)
      rows &= rows - 1
      let mids = state[lefts + from]! & changed
      if (mids === 0) continue
      let row = 0
      while (mids !== 0) {
        row |= this.#delta[deltas + lowest(mids)]!
        mids &= mids - 1
      }
      this.#put(out, from, row)
    }
  }

  #from(out: number, arg: number, set: number): void {
    let rows = this.#dirty[arg]! & this.#state[this.#sets + set]!
    const start = arg * this.#n
    while (rows !== 0) {
      const from = lowest(rows)
      rows &= rows - 1
      this.#put(out, from, this.#delta[start + from]!)
    }
    let late = this.#rows.late[set]!
    while (late !== 0) {
      const from = lowest(late)
      late &= late - 1
      this.#put(out, from, this.#state[this.#relations + start + from]!)
    }
  }

  #to(out: number, arg: number, set: number): void {
    const within = this.#state[this.#sets + set]!
    let rows = this.#dirty[arg]!
    const start = arg * this.#n
    while (rows !== 0) {
      const from = lowest(rows)
      rows &= rows - 1
      this.#put(out, from, this.#delta[start + from]! & within)
    }
    const late = this.#rows.late[set]!
    if (late === 0) return
    for (let from = 0; from < this.#n; from++) this.#put(out, from, this.#state[this.#relations + start + from]! & late)
  }

  /** @param flip 0 keeps the pairs of the mask, -1 drops them. */
  #filter(out: number, arg: number, mask: Mask, flip: number): void {
    let rows = this.#dirty[arg]!
    const start = arg * this.#n
    while (rows !== 0) {
      const from = lowest(rows)
      rows &= rows - 1
      this.#put(out, from, this.#delta[start + from]! & (this.#rows.maskWord(mask, from, 0) ^ flip))
    }
  }

  #and(out: number, left: number, right: number): void {
    const n = this.#n
    const start = this.#relations
    let rows = this.#dirty[left]! | this.#dirty[right]!
    while (rows !== 0) {
      const from = lowest(rows)
      rows &= rows - 1
      const row = (this.#delta[left * n + from]! & this.#state[start + right * n + from]!)
        | (this.#state[start + left * n + from]! & this.#delta[right * n + from]!)
      this.#put(out, from, row)
    }
  }

  /** The right side must be decided for a pair by the time the left side has it (static relations). */
  #minus(out: number, left: number, right: number): void {
    const n = this.#n
    let rows = this.#dirty[left]!
    while (rows !== 0) {
      const from = lowest(rows)
      rows &= rows - 1
      this.#put(out, from, this.#delta[left * n + from]! & ~this.#state[this.#relations + right * n + from]!)
    }
  }

  #inv(out: number, arg: number): void {
    let rows = this.#dirty[arg]!
    while (rows !== 0) {
      const from = lowest(rows)
      rows &= rows - 1
      let bits = this.#delta[arg * this.#n + from]!
      while (bits !== 0) {
        this.#put(out, lowest(bits), 1 << from)
        bits &= bits - 1
      }
    }
  }

  /** Transitive closure, edge by edge: whoever reaches the edge's start now reaches all behind its end. */
  #plus(out: number, arg: number): void {
    const n = this.#n
    const state = this.#state
    const start = this.#relations + out * n
    let rows = this.#dirty[arg]!
    while (rows !== 0) {
      const from = lowest(rows)
      rows &= rows - 1
      let bits = this.#delta[arg * n + from]!
      while (bits !== 0) {
        const to = lowest(bits)
        bits &= bits - 1
        if (((state[start + from]! >>> to) & 1) === 1) continue
        const reached = state[start + to]! | (1 << to)
        let befores = state[this.#used + out]! | (1 << from)
        while (befores !== 0) {
          const before = lowest(befores)
          befores &= befores - 1
          if (before === from || ((state[start + before]! >>> from) & 1) === 1) this.#put(out, before, reached)
        }
      }
    }
  }
}
