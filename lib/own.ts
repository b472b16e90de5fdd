/**
 * Evaluates relations over the events of one thread alone, for the shapes (shape.ts): the reference evaluator's rules on
 * rows of bits in one array that is used again and again. test/own.ts holds it against the reference.
 *
 * A relation that is empty takes no rows, and makes empty what it is composed with: in one thread nothing is read from
 * elsewhere, and most fences of a model are not there.
 */
import type {Label} from './event.ts'
import type {Base, RelationExpr, SetExpr} from './model.ts'

/** An event, as far as a thread's own relations can tell. Reads are positions in the thread. */
export interface OwnEvent {
  readonly label: Label
  /** The same number for the same word; -1 for none. */
  readonly word: number
  readonly addr: readonly number[]
  readonly data: readonly number[]
  readonly ctrl: readonly number[]
  /** The read of the read-modify-write whose write this is; -1 for none. */
  readonly rmwRead: number
}

/** Where rows or bits begin in `words`; or this. */
type At = number
const nothing: At = -1

/** The rows of all that is evaluated together. */
let words = new Int32Array(1 << 14)
let top = 0

/** Evaluations do not nest: `ask` gets an evaluator that is good until it returns. */
export function onOwn<T>(events: readonly OwnEvent[], ask: (evaluator: OwnEvaluator) => T): T {
  top = 0
  return ask(new OwnEvaluator(events))
}

class OwnEvaluator {
  readonly #events: readonly OwnEvent[]
  readonly #size: number
  /** Words per row. */
  readonly #width: number
  readonly #relations = new Map<RelationExpr, At>()
  readonly #sets = new Map<SetExpr, At>()

  constructor(events: readonly OwnEvent[]) {
    this.#events = events
    this.#size = events.length
    this.#width = (events.length + 31) >>> 5
  }

  /** From, to, from, to, … in ascending order. */
  pairs(expr: RelationExpr): number[] {
    const rows = this.#relation(expr)
    const found: number[] = []
    if (rows === nothing) return found
    for (let i = 0; i < this.#size; i++) this.#eachBit(rows + i * this.#width, j => { found.push(i, j) })
    return found
  }

  members(expr: SetExpr): number[] {
    const set = this.#set(expr)
    const found: number[] = []
    if (set !== nothing) this.#eachBit(set, i => { found.push(i) })
    return found
  }

  // ---- rows of bits ----------------------------------------------------------------------------------

  #room(count: number): At {
    const at = top
    top += count
    if (top > words.length) {
      const larger = new Int32Array(2 * top)
      larger.set(words.subarray(0, at))
      words = larger
    }
    words.fill(0, at, top)
    return at
  }

  #rows(): At {
    return this.#room(this.#size * this.#width)
  }

  #copied(from: At, count: number): At {
    const to = this.#room(count)
    words.copyWithin(to, from, from + count)
    return to
  }

  #add(row: At, bit: number): void {
    words[row + (bit >>> 5)]! |= 1 << (bit & 31)
  }

  #has(row: At, bit: number): boolean {
    return (words[row + (bit >>> 5)]! >>> (bit & 31) & 1) === 1
  }

  #eachBit(row: At, visit: (bit: number) => void): void {
    for (let word = 0; word < this.#width; word++) {
      for (let rest = words[row + word]!; rest !== 0; rest &= rest - 1) visit(32 * word + 31 - Math.clz32(rest & -rest))
    }
  }

  #isEmpty(at: At, count: number): boolean {
    for (let i = at; i < at + count; i++) if (words[i] !== 0) return false
    return true
  }

  #orNothing(at: At, count: number): At {
    return this.#isEmpty(at, count) ? nothing : at
  }

  #or(all: readonly At[], count: number): At {
    const there = all.filter(at => at !== nothing)
    if (there.length < 2) return there[0] ?? nothing
    const made = this.#copied(there[0]!, count)
    for (const at of there.slice(1)) for (let i = 0; i < count; i++) words[made + i]! |= words[at + i]!
    return made
  }

  #and(all: readonly At[], count: number): At {
    if (all.includes(nothing)) return nothing
    const made = this.#copied(all[0]!, count)
    for (const at of all.slice(1)) for (let i = 0; i < count; i++) words[made + i]! &= words[at + i]!
    return this.#orNothing(made, count)
  }

  #minus(left: At, right: At, count: number): At {
    if (left === nothing || right === nothing) return left
    const made = this.#copied(left, count)
    for (let i = 0; i < count; i++) words[made + i]! &= ~words[right + i]!
    return this.#orNothing(made, count)
  }

  // ---- sets ------------------------------------------------------------------------------------------

  #set(expr: SetExpr): At {
    const known = this.#sets.get(expr)
    if (known !== undefined) return known
    const made = this.#evaluateSet(expr)
    this.#sets.set(expr, made)
    return made
  }

  #evaluateSet(expr: SetExpr): At {
    switch (expr.op) {
      case 'tag': return this.#where(({label}) => expr.name === 'any' || expr.name === label.kind || (expr.name === 'M' && label.kind !== 'F') || label.tags.includes(expr.name))
      case 'or': return this.#or(expr.args.map(arg => this.#set(arg)), this.#width)
      case 'and': return this.#and([this.#where(() => true), ...expr.args.map(arg => this.#set(arg))], this.#width)
      case 'minus': return this.#minus(this.#set(expr.left), this.#set(expr.right), this.#width)
      case 'not': return this.#minus(this.#where(() => true), this.#set(expr.arg), this.#width)
      case 'domain': {
        const rows = this.#relation(expr.of)
        return rows === nothing ? nothing : this.#where((_, i) => !this.#isEmpty(rows + i * this.#width, this.#width))
      }
      case 'range': {
        const rows = this.#relation(expr.of)
        return rows === nothing ? nothing : this.#or(this.#events.map((_, i) => rows + i * this.#width), this.#width)
      }
    }
  }

  #where(holds: (event: OwnEvent, position: number) => boolean): At {
    const set = this.#room(this.#width)
    for (let i = 0; i < this.#size; i++) if (holds(this.#events[i]!, i)) this.#add(set, i)
    return this.#orNothing(set, this.#width)
  }

  // ---- relations -------------------------------------------------------------------------------------

  #relation(expr: RelationExpr): At {
    const known = this.#relations.get(expr)
    if (known !== undefined) return known
    const made = this.#evaluate(expr)
    this.#relations.set(expr, made)
    return made
  }

  #evaluate(expr: RelationExpr): At {
    const count = this.#size * this.#width
    switch (expr.op) {
      case 'base': return this.#base(expr.name)
      case 'on': return this.#on(this.#set(expr.set))
      case 'cross': return this.#cross(this.#set(expr.from), this.#set(expr.to))
      case 'seq': return this.#sequence(expr.args)
      case 'or': return this.#or(expr.args.map(arg => this.#relation(arg)), count)
      case 'and': return this.#and(expr.args.map(arg => this.#relation(arg)), count)
      case 'minus': return this.#minus(this.#relation(expr.left), this.#relation(expr.right), count)
      case 'inv': return this.#inverse(this.#relation(expr.arg))
      case 'opt': return this.#reflexive(this.#relation(expr.arg))
      case 'plus': return this.#closure(this.#relation(expr.arg))
      case 'star': return this.#reflexive(this.#closure(this.#relation(expr.arg)))
      case 'brackets': return this.#brackets(this.#set(expr.open), this.#set(expr.close))
      case 'rec': throw new Error('a recursive relation is none of a thread\'s own')
    }
  }

  #on(set: At): At {
    return set === nothing ? nothing : this.#pairing((event, add) => { if (this.#has(set, event)) add(event) })
  }

  #cross(from: At, to: At): At {
    if (from === nothing || to === nothing) return nothing
    const rows = this.#rows()
    this.#eachBit(from, i => { words.copyWithin(rows + i * this.#width, to, to + this.#width) })
    return rows
  }

  /** Rows from what each event is related to. */
  #pairing(relate: (event: number, add: (to: number) => void) => void): At {
    const rows = this.#rows()
    for (let i = 0; i < this.#size; i++) relate(i, j => { this.#add(rows + i * this.#width, j) })
    return this.#orNothing(rows, this.#size * this.#width)
  }

  #sequence(args: readonly RelationExpr[]): At {
    let all = this.#relation(args[0]!)
    for (const arg of args.slice(1)) {
      if (all === nothing) return nothing
      const next = this.#relation(arg)
      all = next === nothing ? nothing : this.#composed(all, next)
    }
    return all
  }

  #composed(left: At, right: At): At {
    const [rows, width] = [this.#rows(), this.#width]
    for (let i = 0; i < this.#size; i++) {
      const row = rows + i * width
      this.#eachBit(left + i * width, j => { for (let word = 0; word < width; word++) words[row + word]! |= words[right + j * width + word]! })
    }
    return this.#orNothing(rows, this.#size * width)
  }

  #inverse(of: At): At {
    if (of === nothing) return nothing
    const rows = this.#rows()
    for (let i = 0; i < this.#size; i++) this.#eachBit(of + i * this.#width, j => { this.#add(rows + j * this.#width, i) })
    return rows
  }

  #reflexive(of: At): At {
    const rows = of === nothing ? this.#rows() : this.#copied(of, this.#size * this.#width)
    for (let i = 0; i < this.#size; i++) this.#add(rows + i * this.#width, i)
    return rows
  }

  #closure(of: At): At {
    if (of === nothing) return nothing
    const width = this.#width
    const rows = this.#copied(of, this.#size * width)
    for (let k = 0; k < this.#size; k++) {
      for (let i = 0; i < this.#size; i++) {
        if (this.#has(rows + i * width, k)) for (let word = 0; word < width; word++) words[rows + i * width + word]! |= words[rows + k * width + word]!
      }
    }
    return rows
  }

  #base(name: Base): At {
    const events = this.#events
    switch (name) {
      case 'po': return this.#pairing((i, add) => { for (let j = i + 1; j < this.#size; j++) add(j) })
      case 'id': return this.#pairing((i, add) => { add(i) })
      case 'int': return this.#pairing((_, add) => { for (let j = 0; j < this.#size; j++) add(j) })
      case 'loc': return this.#pairing((i, add) => { for (let j = 0; j < this.#size; j++) if (events[i]!.word >= 0 && events[i]!.word === events[j]!.word) add(j) })
      case 'addr': return this.#depending(event => event.addr)
      case 'data': return this.#depending(event => event.data)
      case 'ctrl': return this.#depending(event => event.ctrl)
      case 'rmw': return this.#depending(({rmwRead}) => rmwRead < 0 ? [] : [rmwRead])
      case 'rf': case 'co': case 'fr': case 'ext': case 'grace': return nothing
    }
  }

  #depending(on: (event: OwnEvent) => readonly number[]): At {
    const rows = this.#rows()
    for (const [i, event] of this.#events.entries()) for (const read of on(event)) this.#add(rows + read * this.#width, i)
    return this.#orNothing(rows, this.#size * this.#width)
  }

  /** Each closing event with the latest one that opened and is not closed. */
  #brackets(open: At, close: At): At {
    if (open === nothing || close === nothing) return nothing
    const rows = this.#rows()
    const stack: number[] = []
    for (let i = 0; i < this.#size; i++) {
      if (this.#has(open, i)) stack.push(i)
      const opened = this.#has(close, i) ? stack.pop() : undefined
      if (opened !== undefined) this.#add(rows + opened * this.#width, i)
    }
    return this.#orNothing(rows, this.#size * this.#width)
  }
}
