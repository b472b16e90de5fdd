/**
 * The compiled checker: keeps the relations of a plan up to date while rf and co grow, and says as
 * soon as an axiom fails.
 *
 * This is the hot path, so it is dense: relations are rows of bits in one typed array that the
 * machine saves and restores as a whole. Every relation has a delta (what is new in this round), and
 * each operation computes its delta from those of its arguments: semi-naive evaluation, sound since
 * the axioms' expressions only grow. The tests hold it against the reference evaluator.
 */
import {isIn, lowest, next} from './bits.ts'
import type {Mask, Plan, PlanOp} from './plan.ts'

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
}

/** Working memory of the plan's recursive group. */
interface Recursion {
  readonly outside: readonly number[]
  readonly kept: Int32Array
  readonly total: Int32Array
  readonly totalDirty: Int32Array
}

export class Checker {
  readonly #plan: Plan
  readonly #state: Int32Array
  readonly #layout: Layout
  readonly #n: number
  readonly #w: number
  readonly #inThread: Int32Array
  readonly #delta: Int32Array
  readonly #dirty: Int32Array
  readonly #late: Int32Array
  #anyLate = false
  readonly #kept: number
  /** Rows of the relations that only flags need. */
  readonly #flagRows: Int32Array

  /** @param inThread one row per vertex: the vertices of its thread. */
  constructor(plan: Plan, state: Int32Array, layout: Layout, inThread: Int32Array) {
    this.#plan = plan
    this.#state = state
    this.#layout = layout
    this.#n = layout.vertices
    this.#w = layout.words
    this.#inThread = inThread
    this.#kept = plan.kept
    this.#delta = new Int32Array(this.#kept * this.#n * this.#w)
    this.#dirty = new Int32Array(this.#kept * this.#w)
    this.#late = new Int32Array(plan.sets.length * this.#w)
    this.#program = this.#encode(plan.ops)
    this.#flagRows = new Int32Array((plan.relations - this.#kept) * this.#n * this.#w)
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

  /** One word of a row. */
  row(relation: number, from: number, word: number): number {
    return this.#state[this.#layout.relations + (relation * this.#n + from) * this.#w + word]!
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
    this.#state[at]! |= bit
    this.#delta[row]! |= bit
    this.#dirty[relation * w + (from >> 5)]! |= 1 << (from & 31)
    this.#state[this.#layout.used + relation * w + (from >> 5)]! |= 1 << (from & 31)
  }

  /** Puts a vertex into a set. `late`: the vertex was there before, so relations may have pairs of it. */
  include(set: number, vertex: number, late: boolean): void {
    const at = set * this.#w + (vertex >> 5)
    const bit = 1 << (vertex & 31)
    this.#state[this.#layout.sets + at]! |= bit
    if (!late) return
    this.#late[at]! |= bit
    this.#anyLate = true
  }

  /** Brings everything up to date. Returns the axiom that fails, or null. Deltas stay until `settle`. */
  propagate(): string | null {
    const {checks} = this.#plan
    if (this.#w === 1) this.#runNarrow()
    else this.#runWide()
    for (const check of checks) if (this.#fails(check.kind, check.relation)) return check.axiom
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
    const w = this.#w
    const dirty = this.#dirty
    for (let at = 0; at < dirty.length; at++) {
      let rows = dirty[at]!
      if (rows === 0) continue
      dirty[at] = 0
      const relation = (at / w) | 0
      const high = (at - relation * w) << 5
      while (rows !== 0) {
        const start = (relation * this.#n + high + lowest(rows)) * w
        rows &= rows - 1
        for (let word = 0; word < w; word++) this.#delta[start + word] = 0
      }
    }
    if (this.#anyLate) this.#late.fill(0)
    this.#anyLate = false
  }

  #fails(kind: 'irreflexive' | 'empty', relation: number): boolean {
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

  #apply(op: PlanOp): void {
    if (this.#w === 1) this.#applyNarrow(op)
    else this.#applyWide(op)
  }

  // ---- one word per row: programs of up to 32 vertices ----

  /** The plan's operations as numbers: code, out, argument, argument. */
  readonly #program: Int32Array
  readonly #masks: Mask[] = []

  #encode(ops: readonly PlanOp[]): Int32Array {
    const code: number[] = []
    for (const [i, op] of ops.entries()) {
      switch (op.kind) {
        case 'or': for (const arg of op.args) code.push(0, op.out, arg, arg); break
        case 'seq': code.push(1, op.out, op.left, op.right); break
        case 'from': code.push(2, op.out, op.arg, op.set); break
        case 'to': code.push(3, op.out, op.arg, op.set); break
        case 'keep': case 'drop': code.push(op.kind === 'keep' ? 4 : 5, op.out, op.arg, this.#masks.push(op.mask) - 1); break
        case 'plus': code.push(6, op.out, op.arg, op.arg); break
        case 'and': code.push(7, op.out, op.left, op.right); break
        case 'minus': code.push(8, op.out, op.left, op.right); break
        case 'inv': code.push(9, op.out, op.arg, op.arg); break
        case 'mask': case 'rec': code.push(10, i, 0, 0); break
      }
    }
    return Int32Array.from(code)
  }

  #runNarrow(): void {
    const code = this.#program
    const dirty = this.#dirty
    for (let at = 0; at < code.length; at += 4) {
      const out = code[at + 1]!
      const x = code[at + 2]!
      const y = code[at + 3]!
      switch (code[at]!) {
        case 0: if (dirty[x] !== 0) this.#copy(out, x); break
        case 1: if ((dirty[x]! | dirty[y]!) !== 0) this.#seq(out, x, y); break
        case 2: if (dirty[x] !== 0 || this.#anyLate) this.#from(out, x, y); break
        case 3: if (dirty[x] !== 0 || this.#anyLate) this.#to(out, x, y); break
        case 4: if (dirty[x] !== 0) this.#filter(out, x, this.#masks[y]!, 0); break
        case 5: if (dirty[x] !== 0) this.#filter(out, x, this.#masks[y]!, -1); break
        case 6: if (dirty[x] !== 0) this.#plus(out, x); break
        case 7: if ((dirty[x]! | dirty[y]!) !== 0) this.#and(out, x, y); break
        case 8: if (dirty[x] !== 0) this.#minus(out, x, y); break
        case 9: if (dirty[x] !== 0) this.#inv(out, x); break
        default: this.#applyNarrow(this.#plan.ops[out]!)
      }
    }
  }

  #applyNarrow(op: PlanOp): void {
    switch (op.kind) {
      case 'or': for (const arg of op.args) this.#copy(op.out, arg); return
      case 'seq': this.#seq(op.out, op.left, op.right); return
      case 'from': this.#from(op.out, op.arg, op.set); return
      case 'to': this.#to(op.out, op.arg, op.set); return
      case 'keep': case 'drop': this.#filter(op.out, op.arg, op.mask, op.kind === 'keep' ? 0 : -1); return
      case 'plus': this.#plus(op.out, op.arg); return
      case 'and': this.#and(op.out, op.left, op.right); return
      case 'minus': this.#minus(op.out, op.left, op.right); return
      case 'inv': this.#inv(op.out, op.arg); return
      case 'mask': throw new Error(`model ${this.#plan.model.name}: an axiom uses a filter as a relation`)
      case 'rec': this.#rec(op); return
    }
  }

  #put(relation: number, from: number, row: number): void {
    const at = relation * this.#n + from
    const here = this.#layout.relations + at
    const fresh = row & ~this.#state[here]!
    if (fresh === 0) return
    this.#state[here]! |= fresh
    this.#delta[at]! |= fresh
    this.#dirty[relation]! |= 1 << from
    this.#state[this.#layout.used + relation]! |= 1 << from
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
    const rights = this.#layout.relations + right * n
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
    const lefts = this.#layout.relations + left * n
    const deltas = right * n
    rows = state[this.#layout.used + left]!
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
    let rows = this.#dirty[arg]! & this.#state[this.#layout.sets + set]!
    const start = arg * this.#n
    while (rows !== 0) {
      const from = lowest(rows)
      rows &= rows - 1
      this.#put(out, from, this.#delta[start + from]!)
    }
    if (!this.#anyLate) return
    let late = this.#late[set]!
    while (late !== 0) {
      const from = lowest(late)
      late &= late - 1
      this.#put(out, from, this.#state[this.#layout.relations + start + from]!)
    }
  }

  #to(out: number, arg: number, set: number): void {
    const within = this.#state[this.#layout.sets + set]!
    let rows = this.#dirty[arg]!
    const start = arg * this.#n
    while (rows !== 0) {
      const from = lowest(rows)
      rows &= rows - 1
      this.#put(out, from, this.#delta[start + from]! & within)
    }
    if (!this.#anyLate || this.#late[set] === 0) return
    for (let from = 0; from < this.#n; from++) {
      this.#put(out, from, this.#state[this.#layout.relations + start + from]! & this.#late[set]!)
    }
  }

  /** @param flip 0 keeps the pairs of the mask, -1 drops them. */
  #filter(out: number, arg: number, mask: Mask, flip: number): void {
    let rows = this.#dirty[arg]!
    const start = arg * this.#n
    while (rows !== 0) {
      const from = lowest(rows)
      rows &= rows - 1
      this.#put(out, from, this.#delta[start + from]! & (this.#maskWord(mask, from, 0) ^ flip))
    }
  }

  #and(out: number, left: number, right: number): void {
    const n = this.#n
    const start = this.#layout.relations
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
      this.#put(out, from, this.#delta[left * n + from]! & ~this.#state[this.#layout.relations + right * n + from]!)
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
    const start = this.#layout.relations + out * n
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
        let befores = state[this.#layout.used + out]! | (1 << from)
        while (befores !== 0) {
          const before = lowest(befores)
          befores &= befores - 1
          if (before === from || ((state[start + before]! >>> from) & 1) === 1) this.#put(out, before, reached)
        }
      }
    }
  }

  // ---- any number of words per row: the same, word by word ----

  #runWide(): void {
    const code = this.#program
    for (let at = 0; at < code.length; at += 4) {
      const out = code[at + 1]!
      const x = code[at + 2]!
      const y = code[at + 3]!
      switch (code[at]!) {
        case 0: if (this.#isDirty(x)) this.#copyWide(out, x); break
        case 1: this.#seqWide(out, x, y); break
        case 2: if (this.#anyLate || this.#isDirty(x)) this.#fromWide(out, x, y); break
        case 3: if (this.#anyLate || this.#isDirty(x)) this.#toWide(out, x, y); break
        case 4: if (this.#isDirty(x)) this.#filterWide(out, x, this.#masks[y]!, 0); break
        case 5: if (this.#isDirty(x)) this.#filterWide(out, x, this.#masks[y]!, -1); break
        case 6: if (this.#isDirty(x)) this.#plusWide(out, x); break
        case 7: if (this.#isDirty(x) || this.#isDirty(y)) this.#andWide(out, x, y); break
        case 8: if (this.#isDirty(x)) this.#minusWide(out, x, y); break
        case 9: if (this.#isDirty(x)) this.#invWide(out, x); break
        default: this.#applyWide(this.#plan.ops[out]!)
      }
    }
  }

  #applyWide(op: PlanOp): void {
    switch (op.kind) {
      case 'or': for (const arg of op.args) this.#copyWide(op.out, arg); return
      case 'seq': this.#seqWide(op.out, op.left, op.right); return
      case 'from': this.#fromWide(op.out, op.arg, op.set); return
      case 'to': this.#toWide(op.out, op.arg, op.set); return
      case 'keep': case 'drop': this.#filterWide(op.out, op.arg, op.mask, op.kind === 'keep' ? 0 : -1); return
      case 'plus': this.#plusWide(op.out, op.arg); return
      case 'and': this.#andWide(op.out, op.left, op.right); return
      case 'minus': this.#minusWide(op.out, op.left, op.right); return
      case 'inv': this.#invWide(op.out, op.arg); return
      case 'mask': throw new Error(`model ${this.#plan.model.name}: an axiom uses a filter as a relation`)
      case 'rec': this.#rec(op); return
    }
  }

  #isDirty(relation: number): boolean {
    const w = this.#w
    for (let word = 0; word < w; word++) if (this.#dirty[relation * w + word] !== 0) return true
    return false
  }

  #deltaWord(relation: number, from: number, word: number): number {
    return this.#delta[(relation * this.#n + from) * this.#w + word]!
  }

  #putWord(relation: number, from: number, word: number, bits: number): void {
    const at = (relation * this.#n + from) * this.#w + word
    const here = this.#layout.relations + at
    const fresh = bits & ~this.#state[here]!
    if (fresh === 0) return
    this.#state[here]! |= fresh
    this.#delta[at]! |= fresh
    this.#dirty[relation * this.#w + (from >> 5)]! |= 1 << (from & 31)
    this.#state[this.#layout.used + relation * this.#w + (from >> 5)]! |= 1 << (from & 31)
  }

  /** Adds the new pairs of a row to a row. */
  #mergeDelta(out: number, from: number, arg: number, row: number): void {
    const w = this.#w
    const start = (arg * this.#n + row) * w
    for (let word = 0; word < w; word++) {
      const bits = this.#delta[start + word]!
      if (bits !== 0) this.#putWord(out, from, word, bits)
    }
  }

  /** Adds all pairs of a row to a row. */
  #merge(out: number, from: number, arg: number, row: number): void {
    const w = this.#w
    const start = this.#layout.relations + (arg * this.#n + row) * w
    for (let word = 0; word < w; word++) {
      const bits = this.#state[start + word]!
      if (bits !== 0) this.#putWord(out, from, word, bits)
    }
  }

  #copyWide(out: number, arg: number): void {
    const w = this.#w
    for (let rowWord = 0; rowWord < w; rowWord++) {
      let rows = this.#dirty[arg * w + rowWord]!
      while (rows !== 0) {
        const from = (rowWord << 5) + lowest(rows)
        rows &= rows - 1
        this.#mergeDelta(out, from, arg, from)
      }
    }
  }

  #seqWide(out: number, left: number, right: number): void {
    const w = this.#w
    const n = this.#n
    const state = this.#state
    const used = this.#layout.used + left * w
    for (let rowWord = 0; rowWord < w; rowWord++) {
      let rows = this.#dirty[left * w + rowWord]!
      while (rows !== 0) {
        const from = (rowWord << 5) + lowest(rows)
        rows &= rows - 1
        for (let word = 0; word < w; word++) {
          let mids = this.#delta[(left * n + from) * w + word]!
          while (mids !== 0) {
            this.#merge(out, from, right, (word << 5) + lowest(mids))
            mids &= mids - 1
          }
        }
      }
    }
    const lefts = this.#layout.relations + left * n * w
    for (let word = 0; word < w; word++) {
      const changed = this.#dirty[right * w + word]!
      if (changed === 0) continue
      for (let from = next(state, used, w, -1); from >= 0; from = next(state, used, w, from)) {
        let mids = state[lefts + from * w + word]! & changed
        while (mids !== 0) {
          this.#mergeDelta(out, from, right, (word << 5) + lowest(mids))
          mids &= mids - 1
        }
      }
    }
  }

  #fromWide(out: number, arg: number, set: number): void {
    const w = this.#w
    for (let rowWord = 0; rowWord < w; rowWord++) {
      let rows = this.#dirty[arg * w + rowWord]! & this.#state[this.#layout.sets + set * w + rowWord]!
      while (rows !== 0) {
        const from = (rowWord << 5) + lowest(rows)
        rows &= rows - 1
        this.#mergeDelta(out, from, arg, from)
      }
      if (!this.#anyLate) continue
      let late = this.#late[set * w + rowWord]!
      while (late !== 0) {
        const from = (rowWord << 5) + lowest(late)
        late &= late - 1
        this.#merge(out, from, arg, from)
      }
    }
  }

  #toWide(out: number, arg: number, set: number): void {
    const w = this.#w
    const sets = this.#layout.sets + set * w
    for (let rowWord = 0; rowWord < w; rowWord++) {
      let rows = this.#dirty[arg * w + rowWord]!
      while (rows !== 0) {
        const from = (rowWord << 5) + lowest(rows)
        rows &= rows - 1
        for (let word = 0; word < w; word++) this.#putWord(out, from, word, this.#deltaWord(arg, from, word) & this.#state[sets + word]!)
      }
    }
    if (!this.#anyLate) return
    for (let from = 0; from < this.#n; from++) {
      for (let word = 0; word < w; word++) this.#putWord(out, from, word, this.row(arg, from, word) & this.#late[set * w + word]!)
    }
  }

  /** @param flip 0 keeps the pairs of the mask, -1 drops them. */
  #filterWide(out: number, arg: number, mask: Mask, flip: number): void {
    const w = this.#w
    for (let rowWord = 0; rowWord < w; rowWord++) {
      let rows = this.#dirty[arg * w + rowWord]!
      while (rows !== 0) {
        const from = (rowWord << 5) + lowest(rows)
        rows &= rows - 1
        for (let word = 0; word < w; word++) {
          const bits = this.#deltaWord(arg, from, word)
          if (bits !== 0) this.#putWord(out, from, word, bits & (this.#maskWord(mask, from, word) ^ flip))
        }
      }
    }
  }

  #andWide(out: number, left: number, right: number): void {
    const w = this.#w
    for (let rowWord = 0; rowWord < w; rowWord++) {
      let rows = this.#dirty[left * w + rowWord]! | this.#dirty[right * w + rowWord]!
      while (rows !== 0) {
        const from = (rowWord << 5) + lowest(rows)
        rows &= rows - 1
        for (let word = 0; word < w; word++) {
          this.#putWord(out, from, word, (this.#deltaWord(left, from, word) & this.row(right, from, word))
            | (this.row(left, from, word) & this.#deltaWord(right, from, word)))
        }
      }
    }
  }

  #minusWide(out: number, left: number, right: number): void {
    const w = this.#w
    for (let rowWord = 0; rowWord < w; rowWord++) {
      let rows = this.#dirty[left * w + rowWord]!
      while (rows !== 0) {
        const from = (rowWord << 5) + lowest(rows)
        rows &= rows - 1
        for (let word = 0; word < w; word++) this.#putWord(out, from, word, this.#deltaWord(left, from, word) & ~this.row(right, from, word))
      }
    }
  }

  #invWide(out: number, arg: number): void {
    this.fresh(arg, (from, to) => { this.#putWord(out, to, from >> 5, 1 << (from & 31)) })
  }

  #plusWide(out: number, arg: number): void {
    const n = this.#n
    const w = this.#w
    const outs = this.#layout.relations + out * n * w
    const used = this.#layout.used + out * w
    for (let rowWord = 0; rowWord < w; rowWord++) {
      let rows = this.#dirty[arg * w + rowWord]!
      while (rows !== 0) {
        const from = (rowWord << 5) + lowest(rows)
        rows &= rows - 1
        const fromBit = from & 31
        for (let word = 0; word < w; word++) {
          let bits = this.#delta[(arg * n + from) * w + word]!
          while (bits !== 0) {
            const to = (word << 5) + lowest(bits)
            const toBit = bits & -bits
            bits &= bits - 1
            if ((this.#state[outs + from * w + word]! & toBit) !== 0) continue
            this.#reach(out, from, to)
            for (let before = next(this.#state, used, w, -1); before >= 0; before = next(this.#state, used, w, before)) {
              if (((this.#state[outs + before * w + rowWord]! >>> fromBit) & 1) === 1) this.#reach(out, before, to)
            }
          }
        }
      }
    }
  }

  /** Adds a vertex, and all behind it, to a row of a closure. */
  #reach(closure: number, from: number, to: number): void {
    this.#putWord(closure, from, to >> 5, 1 << (to & 31))
    this.#merge(closure, from, closure, to)
  }

  // ---- both ----

  #maskWord(mask: Mask, from: number, word: number): number {
    const w = this.#w
    switch (mask.kind) {
      case 'int': return this.#inThread[from * w + word]!
      case 'ext': return ~this.#inThread[from * w + word]!
      case 'id': return from >> 5 === word ? 1 << (from & 31) : 0
      case 'loc': {
        const location = this.#state[this.#layout.location + from]!
        return location < 0 ? 0 : this.#state[this.#layout.access + location * w + word]!
      }
      case 'cross': {
        const {sets} = this.#layout
        const inside = (this.#state[sets + mask.from * w + (from >> 5)]! >>> (from & 31)) & 1
        return inside === 1 ? this.#state[sets + mask.to * w + word]! : 0
      }
      case 'or': return mask.args.reduce((all, arg) => all | this.#maskWord(arg, from, word), 0)
      case 'and': return mask.args.reduce((all, arg) => all & this.#maskWord(arg, from, word), -1)
      case 'minus': return this.#maskWord(mask.left, from, word) & ~this.#maskWord(mask.right, from, word)
    }
  }

  /** Rounds of the body until it adds nothing; from the second on only the relation itself is new. */
  #rec({self, body, ops}: Extract<PlanOp, {kind: 'rec'}>): void {
    const w = this.#w
    const {outside, total, totalDirty, kept} = this.#recBuffers(self, ops)
    if (!outside.some(relation => this.#isDirty(relation))) return
    for (let round = 0; ; round++) {
      for (const op of ops) this.#apply(op)
      // the round's own delta of the relation is used up; what the body found is the next one
      this.#clear(self)
      this.#promote(body, self)
      for (const op of ops) if (op.kind !== 'rec') this.#clear(op.out)
      if (round === 0) this.#mute(outside, kept)
      if (!this.#isDirty(self)) break
      this.#accumulate(self, total, totalDirty)
    }
    outside.forEach((relation, i) => { this.#dirty.set(kept.subarray(i * w, (i + 1) * w), relation * w) })
    this.#restoreTotal(self, total, totalDirty)
  }

  /** The body's new pairs become the relation's. */
  #promote(body: number, self: number): void {
    const w = this.#w
    for (let rowWord = 0; rowWord < w; rowWord++) {
      let rows = this.#dirty[body * w + rowWord]!
      while (rows !== 0) {
        const from = (rowWord << 5) + lowest(rows)
        rows &= rows - 1
        for (let word = 0; word < w; word++) this.#putWord(self, from, word, this.#deltaWord(body, from, word))
      }
    }
  }

  /** What comes from outside is new in the first round only. */
  #mute(outside: readonly number[], kept: Int32Array): void {
    const w = this.#w
    for (const [i, relation] of outside.entries()) {
      for (let word = 0; word < w; word++) {
        kept[i * w + word] = this.#dirty[relation * w + word]!
        this.#dirty[relation * w + word] = 0
      }
    }
  }

  #accumulate(self: number, total: Int32Array, totalDirty: Int32Array): void {
    const w = this.#w
    for (let rowWord = 0; rowWord < w; rowWord++) {
      let rows = this.#dirty[self * w + rowWord]!
      totalDirty[rowWord]! |= rows
      while (rows !== 0) {
        const from = (rowWord << 5) + lowest(rows)
        rows &= rows - 1
        for (let word = 0; word < w; word++) total[from * w + word]! |= this.#deltaWord(self, from, word)
      }
    }
  }

  /** All rounds' deltas together are the relation's delta for whoever reads it next. */
  #restoreTotal(self: number, total: Int32Array, totalDirty: Int32Array): void {
    const w = this.#w
    for (let rowWord = 0; rowWord < w; rowWord++) {
      let rows = totalDirty[rowWord]!
      this.#dirty[self * w + rowWord] = rows
      totalDirty[rowWord] = 0
      while (rows !== 0) {
        const from = (rowWord << 5) + lowest(rows)
        rows &= rows - 1
        for (let word = 0; word < w; word++) {
          this.#delta[(self * this.#n + from) * w + word] = total[from * w + word]!
          total[from * w + word] = 0
        }
      }
    }
  }

  #clear(relation: number): void {
    const w = this.#w
    for (let rowWord = 0; rowWord < w; rowWord++) {
      let rows = this.#dirty[relation * w + rowWord]!
      this.#dirty[relation * w + rowWord] = 0
      while (rows !== 0) {
        const start = (relation * this.#n + (rowWord << 5) + lowest(rows)) * w
        rows &= rows - 1
        for (let word = 0; word < w; word++) this.#delta[start + word] = 0
      }
    }
  }

  #recBuffers(self: number, ops: readonly PlanOp[]): Recursion {
    if (this.#recursion === null) {
      const outside = outsideInputs(self, ops)
      this.#recursion = {
        outside, kept: new Int32Array(outside.length * this.#w),
        total: new Int32Array(this.#n * this.#w), totalDirty: new Int32Array(this.#w),
      }
    }
    return this.#recursion
  }

  #recursion: Recursion | null = null

  // ---- flags: once per complete execution, from scratch ----

  /** Adds a pair to an input that only flags need; call `beginFlags` first. */
  addForFlags(relation: number, from: number, to: number): void {
    if (relation < this.#kept) return
    this.#flagRows[((relation - this.#kept) * this.#n + from) * this.#w + (to >> 5)]! |= 1 << (to & 31)
  }

  beginFlags(): void {
    this.#flagRows.fill(0)
  }

  /** The flags that are raised, each with its first pair. */
  raised(): string[] {
    for (const op of this.#plan.flagOps) this.#compute(op)
    return this.#plan.flags.filter(({relation}) => {
      for (let from = 0; from < this.#n; from++) {
        for (let word = 0; word < this.#w; word++) if (this.#fullWord(relation, from, word) !== 0) return true
      }
      return false
    }).map(({flag}) => flag)
  }

  /** Does the model order the one vertex before the other? After `raised`, and if the plan was made for it. */
  isBefore(from: number, to: number): boolean {
    const {before} = this.#plan
    return before >= 0 && ((this.#fullWord(before, from, to >> 5) >>> (to & 31)) & 1) === 1
  }

  #fullWord(relation: number, from: number, word: number): number {
    if (relation < this.#kept) return this.row(relation, from, word)
    return this.#flagRows[((relation - this.#kept) * this.#n + from) * this.#w + word]!
  }

  #compute(op: PlanOp): void {
    if (op.kind === 'rec') throw new Error(`model ${this.#plan.model.name}: a recursive relation that only flags use is not supported`)
    if (op.kind === 'plus') {
      this.#computePlus(op.out, op.arg)
      return
    }
    const n = this.#n
    const w = this.#w
    const out = (op.out - this.#kept) * n * w
    for (let from = 0; from < n; from++) {
      for (let word = 0; word < w; word++) {
        this.#flagRows[out + from * w + word] = this.#computeWord(op, from, word)
      }
    }
  }

  #computeWord(op: Exclude<PlanOp, {kind: 'rec' | 'plus'}>, from: number, word: number): number {
    const {sets} = this.#layout
    switch (op.kind) {
      case 'or': return op.args.reduce((all, arg) => all | this.#fullWord(arg, from, word), 0)
      case 'and': return this.#fullWord(op.left, from, word) & this.#fullWord(op.right, from, word)
      case 'minus': return this.#fullWord(op.left, from, word) & ~this.#fullWord(op.right, from, word)
      case 'mask': return this.#maskWord(op.mask, from, word)
      case 'keep': return this.#fullWord(op.arg, from, word) & this.#maskWord(op.mask, from, word)
      case 'drop': return this.#fullWord(op.arg, from, word) & ~this.#maskWord(op.mask, from, word)
      case 'from': return ((this.#state[sets + op.set * this.#w + (from >> 5)]! >>> (from & 31)) & 1) === 1 ? this.#fullWord(op.arg, from, word) : 0
      case 'to': return this.#fullWord(op.arg, from, word) & this.#state[sets + op.set * this.#w + word]!
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
    const rows = this.#flagRows
    for (let from = 0; from < n; from++) for (let word = 0; word < w; word++) rows[start + from * w + word] = this.#fullWord(arg, from, word)
    for (let mid = 0; mid < n; mid++) {
      for (let from = 0; from < n; from++) {
        if (((rows[start + from * w + (mid >> 5)]! >>> (mid & 31)) & 1) === 0) continue
        for (let word = 0; word < w; word++) rows[start + from * w + word]! |= rows[start + mid * w + word]!
      }
    }
  }
}

/** What a recursive group reads that it does not make itself. */
function outsideInputs(self: number, ops: readonly PlanOp[]): readonly number[] {
  const made = new Set([self, ...ops.map(op => op.kind === 'rec' ? op.self : op.out)])
  const found = new Set<number>()
  for (const op of ops) {
    const args = op.kind === 'or' ? op.args : 'arg' in op ? [op.arg] : 'left' in op ? [op.left, op.right] : []
    for (const arg of args) if (!made.has(arg)) found.add(arg)
  }
  return [...found]
}
