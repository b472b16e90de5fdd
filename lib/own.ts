/**
 * Evaluates relations over the events of one thread alone, for the shapes (shape.ts): the reference evaluator's rules on
 * rows of bits in one array that is used again and again. test/own.ts holds it against the reference.
 *
 * A relation that is empty takes no rows, and makes empty what it is composed with: in one thread nothing is read from
 * elsewhere, and most fences of a model are not there.
 */
import {isIn, next, put} from './bits.ts'
import type {Label} from './event.ts'
import {mapped} from './mapped.ts'
import type {Base, RelationExpr, SetExpr} from './model.ts'
import {isTagged} from './static.ts'

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
    for (let i = 0; i < this.#size; i++) {
      for (let j = next(words, rows + i * this.#width, this.#width, -1); j >= 0; j = next(words, rows + i * this.#width, this.#width, j)) found.push(i, j)
    }
    return found
  }

  members(expr: SetExpr): number[] {
    const set = this.#set(expr)
    const found: number[] = []
    if (set === nothing) return found
    for (let i = next(words, set, this.#width, -1); i >= 0; i = next(words, set, this.#width, i)) found.push(i)
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
      case 'tag': return this.#tagged(expr.name)
      case 'or': return this.#or(mapped(expr.args, arg => this.#set(arg)), this.#width)
      case 'and': return this.#and([this.#tagged('any'), ...mapped(expr.args, arg => this.#set(arg))], this.#width)
      case 'minus': return this.#minus(this.#set(expr.left), this.#set(expr.right), this.#width)
      case 'not': return this.#minus(this.#tagged('any'), this.#set(expr.arg), this.#width)
      case 'domain': {
        const rows = this.#relation(expr.of)
        if (rows === nothing) return nothing
        const set = this.#room(this.#width)
        for (let i = 0; i < this.#size; i++) if (!this.#isEmpty(rows + i * this.#width, this.#width)) put(words, set, i)
        return this.#orNothing(set, this.#width)
      }
      case 'range': {
        const rows = this.#relation(expr.of)
        return rows === nothing ? nothing : this.#or(mapped(this.#events, (_, i) => rows + i * this.#width), this.#width)
      }
    }
  }

  #tagged(name: string): At {
    let set = nothing
    for (let i = 0; i < this.#size; i++) {
      if (!isTagged(name, this.#events[i]!.label)) continue
      if (set === nothing) set = this.#room(this.#width)
      put(words, set, i)
    }
    return set
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
      case 'or': return this.#or(mapped(expr.args, arg => this.#relation(arg)), count)
      case 'and': return this.#and(mapped(expr.args, arg => this.#relation(arg)), count)
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
    if (set === nothing) return nothing
    const rows = this.#rows()
    for (let i = 0; i < this.#size; i++) if (isIn(words, set, i)) put(words, rows + i * this.#width, i)
    return rows
  }

  #cross(from: At, to: At): At {
    if (from === nothing || to === nothing) return nothing
    const rows = this.#rows()
    for (let i = 0; i < this.#size; i++) if (isIn(words, from, i)) words.copyWithin(rows + i * this.#width, to, to + this.#width)
    return rows
  }

  /** Most sequences go through a set that the thread has nothing of: that is looked at first. */
  #sequence(args: readonly RelationExpr[]): At {
    for (const arg of args) if (arg.op === 'on' && this.#set(arg.set) === nothing) return nothing
    let all = this.#relation(args[0]!)
    for (let i = 1; i < args.length && all !== nothing; i++) {
      const arg = args[i]!
      if (arg.op === 'on') all = this.#endingIn(all, this.#set(arg.set))
      else {
        const next = this.#relation(arg)
        all = next === nothing ? nothing : this.#composed(all, next)
      }
    }
    return all
  }

  #endingIn(of: At, set: At): At {
    const [count, width] = [this.#size * this.#width, this.#width]
    const rows = this.#copied(of, count)
    for (let i = 0; i < count; i++) words[rows + i]! &= words[set + i % width]!
    return this.#orNothing(rows, count)
  }

  #composed(left: At, right: At): At {
    const [rows, width] = [this.#rows(), this.#width]
    for (let i = 0; i < this.#size; i++) {
      const from = left + i * width
      for (let j = next(words, from, width, -1); j >= 0; j = next(words, from, width, j)) {
        for (let word = 0; word < width; word++) words[rows + i * width + word]! |= words[right + j * width + word]!
      }
    }
    return this.#orNothing(rows, this.#size * width)
  }

  #inverse(of: At): At {
    if (of === nothing) return nothing
    const rows = this.#rows()
    for (let i = 0; i < this.#size; i++) for (let j = 0; j < this.#size; j++) if (isIn(words, of + i * this.#width, j)) put(words, rows + j * this.#width, i)
    return rows
  }

  #reflexive(of: At): At {
    const rows = of === nothing ? this.#rows() : this.#copied(of, this.#size * this.#width)
    for (let i = 0; i < this.#size; i++) put(words, rows + i * this.#width, i)
    return rows
  }

  #closure(of: At): At {
    if (of === nothing) return nothing
    const width = this.#width
    const rows = this.#copied(of, this.#size * width)
    for (let k = 0; k < this.#size; k++) {
      for (let i = 0; i < this.#size; i++) {
        if (isIn(words, rows + i * width, k)) for (let word = 0; word < width; word++) words[rows + i * width + word]! |= words[rows + k * width + word]!
      }
    }
    return rows
  }

  #base(name: Base): At {
    switch (name) {
      case 'po': case 'id': case 'int': case 'loc': return this.#allPairs(name)
      case 'addr': case 'data': case 'ctrl': return this.#depending(name)
      case 'rmw': {
        const rows = this.#rows()
        for (let i = 0; i < this.#size; i++) {
          const {rmwRead} = this.#events[i]!
          if (rmwRead >= 0) put(words, rows + rmwRead * this.#width, i)
        }
        return this.#orNothing(rows, this.#size * this.#width)
      }
      case 'rf': case 'co': case 'fr': case 'ext': case 'grace': return nothing
    }
  }

  #allPairs(name: 'po' | 'id' | 'int' | 'loc'): At {
    const rows = this.#rows()
    for (let i = 0; i < this.#size; i++) {
      const {word} = this.#events[i]!
      for (let j = 0; j < this.#size; j++) {
        if (name === 'po' ? i < j : name === 'id' ? i === j : name === 'int' || (word >= 0 && word === this.#events[j]!.word)) put(words, rows + i * this.#width, j)
      }
    }
    return this.#orNothing(rows, this.#size * this.#width)
  }

  #depending(on: 'addr' | 'data' | 'ctrl'): At {
    const rows = this.#rows()
    for (let i = 0; i < this.#size; i++) for (const read of this.#events[i]![on]) put(words, rows + read * this.#width, i)
    return this.#orNothing(rows, this.#size * this.#width)
  }

  /** Each closing event with the latest one that opened and is not closed. */
  #brackets(open: At, close: At): At {
    if (open === nothing || close === nothing) return nothing
    const rows = this.#rows()
    const stack: number[] = []
    for (let i = 0; i < this.#size; i++) {
      if (isIn(words, open, i)) stack.push(i)
      const opened = isIn(words, close, i) ? stack.pop() : undefined
      if (opened !== undefined) put(words, rows + opened * this.#width, i)
    }
    return this.#orNothing(rows, this.#size * this.#width)
  }
}
