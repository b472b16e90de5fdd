/**
 * The reference evaluator: judges one complete execution straight from a model's definition.
 *
 * Obvious and slow on purpose. It is what the compiled checker is tested against, and it explains a
 * failed axiom as a cycle whose edges carry the model's own names.
 */
import type {Event} from './event.ts'
import type {Execution, Pair} from './execution.ts'
import type {Axiom, Model, Recursive, RelationExpr, SetExpr} from './model.ts'

/** A relation over n events: row i holds the bits of its successors. */
type Matrix = readonly bigint[]

/** One edge of an explanation, with the names it has in the model, the outermost first. */
export interface Step {
  readonly from: number
  readonly to: number
  readonly names: readonly string[]
}

export interface Violation {
  readonly axiom: string
  /** A closed walk for `acyclic` and `irreflexive`, the steps of one offending pair for `empty`. */
  readonly cycle: readonly Step[]
}

export interface Raised {
  readonly flag: string
  readonly pairs: readonly Pair[]
}

export interface Judgement {
  readonly violations: readonly Violation[]
  readonly flags: readonly Raised[]
}

/** Judges `execution`: which axioms it violates, with a labelled cycle each, and which flags it raises. */
export function judge(model: Model, execution: Execution): Judgement {
  const evaluator = new Evaluator(execution, names(model))
  const violations = Object.entries(model.axioms).flatMap(([axiom, definition]) => {
    const cycle = evaluator.violation(definition)
    return cycle === null ? [] : [{axiom, cycle}]
  })
  return {violations, flags: raised(model, evaluator)}
}

/** Does the execution satisfy every axiom? The same as `judge(…).violations.length === 0`, without explanations. */
export function allows(model: Model, execution: Execution): boolean {
  const evaluator = new Evaluator(execution, new Map())
  return Object.values(model.axioms).every(axiom => evaluator.holds(axiom))
}

/** The flags that the execution raises. */
export function flagsOf(model: Model, execution: Execution): readonly Raised[] {
  return raised(model, new Evaluator(execution, new Map()))
}

/** All pairs of one of the model's relations in this execution. */
export function pairsOf(relation: RelationExpr, execution: Execution): readonly Pair[] {
  return new Evaluator(execution, new Map()).pairs(relation)
}

/** The pairs of several relations and the events of several sets, evaluated together. */
export function evaluateAll(execution: Execution, relations: readonly RelationExpr[], sets: readonly SetExpr[]): {
  readonly pairs: readonly (readonly Pair[])[]
  readonly members: readonly (readonly number[])[]
} {
  const evaluator = new Evaluator(execution, new Map())
  return {
    pairs: relations.map(relation => evaluator.pairs(relation)),
    members: sets.map(set => {
      const bits = evaluator.set(set)
      return execution.events.filter(event => has(bits, event.id)).map(event => event.id)
    }),
  }
}

function raised(model: Model, evaluator: Evaluator): Raised[] {
  return Object.entries(model.flags).flatMap(([flag, relation]) => {
    const pairs = evaluator.pairs(relation)
    return pairs.length === 0 ? [] : [{flag, pairs}]
  })
}

function names(model: Model): ReadonlyMap<RelationExpr, string> {
  return new Map(Object.entries(model.relations).map(([name, relation]) => [relation, name]))
}

const bits: bigint[] = []

/** The number with bit i alone; a table, since most of what is done here is to look at single bits. */
function bit(i: number): bigint {
  while (bits.length <= i) bits.push(1n << BigInt(bits.length))
  return bits[i]!
}

/** Is bit i set? Most rows are empty. */
function has(row: bigint, i: number): boolean {
  return row !== 0n && (row & bit(i)) !== 0n
}

class Evaluator {
  readonly #execution: Execution
  readonly #names: ReadonlyMap<RelationExpr, string>
  readonly #size: number
  readonly #everything: bigint
  readonly #relations = new Map<RelationExpr, Matrix>()
  readonly #sets = new Map<SetExpr, bigint>()

  constructor(execution: Execution, relationNames: ReadonlyMap<RelationExpr, string>) {
    this.#execution = execution
    this.#names = relationNames
    this.#size = execution.events.length
    this.#everything = bit(this.#size) - 1n
  }

  holds(axiom: Axiom): boolean {
    const matrix = this.relation(axiom.of)
    switch (axiom.kind) {
      case 'empty': return matrix.every(row => row === 0n)
      case 'irreflexive': return matrix.every((row, i) => !has(row, i))
      case 'acyclic': return this.#closure(matrix).every((row, i) => !has(row, i))
    }
  }

  /** The steps of a violation of the axiom, or null if it holds. */
  violation(axiom: Axiom): readonly Step[] | null {
    if (this.holds(axiom)) return null
    const matrix = this.relation(axiom.of)
    if (axiom.kind === 'acyclic') {
      const cycle = this.#shortestCycle(matrix)
      return cycle.flatMap(([a, b]) => this.explain(axiom.of, a, b, []))
    }
    const pairs = this.pairs(axiom.of).filter(([a, b]) => axiom.kind === 'empty' || a === b)
    const [a, b] = pairs[0]!
    return this.explain(axiom.of, a, b, [])
  }

  pairs(relation: RelationExpr): Pair[] {
    const matrix = this.relation(relation)
    const found: Pair[] = []
    for (let i = 0; i < this.#size; i++) {
      if (matrix[i] === 0n) continue
      for (let j = 0; j < this.#size; j++) if (has(matrix[i]!, j)) found.push([i, j])
    }
    return found
  }

  set(expr: SetExpr): bigint {
    const known = this.#sets.get(expr)
    if (known !== undefined) return known
    const made = this.#evaluateSet(expr)
    this.#sets.set(expr, made)
    return made
  }

  #evaluateSet(expr: SetExpr): bigint {
    switch (expr.op) {
      case 'tag': return this.#tagged(expr.name)
      case 'or': return expr.args.reduce((all, arg) => all | this.set(arg), 0n)
      case 'and': return expr.args.reduce((all, arg) => all & this.set(arg), this.#everything)
      case 'minus': return this.set(expr.left) & ~this.set(expr.right)
      case 'not': return this.#everything & ~this.set(expr.arg)
      case 'domain': return this.relation(expr.of).reduce((all, row, i) => row === 0n ? all : all | bit(i), 0n)
      case 'range': return this.relation(expr.of).reduce((all, row) => all | row, 0n)
    }
  }

  #tagged(name: string): bigint {
    return this.#execution.events.reduce((all, {id, label}) => {
      const inside = name === 'any' || name === label.kind || (name === 'M' && label.kind !== 'F') || label.tags.includes(name)
      return inside ? all | bit(id) : all
    }, 0n)
  }

  relation(expr: RelationExpr): Matrix {
    const known = this.#relations.get(expr)
    if (known !== undefined) return known
    if (expr.op === 'rec') return this.#leastFixpoint(expr)
    const made = this.#evaluate(expr)
    if (this.#recursive !== null && mentions(expr, this.#recursive)) this.#provisional.push(expr)
    this.#relations.set(expr, made)
    return made
  }

  #evaluate(expr: Exclude<RelationExpr, {op: 'rec'}>): Matrix {
    switch (expr.op) {
      case 'base': return this.#base(expr.name)
      case 'on': return this.#rows(i => has(this.set(expr.set), i) ? bit(i) : 0n)
      case 'cross': return this.#rows(i => has(this.set(expr.from), i) ? this.set(expr.to) : 0n)
      case 'seq': return expr.args.map(arg => this.relation(arg)).reduce((a, b) => this.#compose(a, b))
      case 'or': return expr.args.map(arg => this.relation(arg)).reduce((a, b) => a.map((row, i) => row | b[i]!))
      case 'and': return expr.args.map(arg => this.relation(arg)).reduce((a, b) => a.map((row, i) => row & b[i]!))
      case 'minus': {
        const right = this.relation(expr.right)
        return this.relation(expr.left).map((row, i) => row & ~right[i]!)
      }
      case 'inv': {
        const arg = this.relation(expr.arg)
        return this.#rows(i => arg.reduce((all, row, j) => has(row, i) ? all | bit(j) : all, 0n))
      }
      case 'opt': return this.relation(expr.arg).map((row, i) => row | bit(i))
      case 'plus': return this.#closure(this.relation(expr.arg))
      case 'star': return this.#closure(this.relation(expr.arg)).map((row, i) => row | bit(i))
      case 'brackets': return this.#brackets(this.set(expr.open), this.set(expr.close))
    }
  }

  /** Recursive relations are evaluated by iteration from the empty relation (Kleene). */
  #leastFixpoint(expr: Recursive): Matrix {
    let current: Matrix = this.#rows(() => 0n)
    this.#recursive = expr
    for (;;) {
      this.#relations.set(expr, current)
      const next = this.relation(expr.body)
      for (const stale of this.#provisional.splice(0)) this.#relations.delete(stale)
      if (next.every((row, i) => row === current[i])) break
      current = next
    }
    this.#recursive = null
    return current
  }

  /** The recursive relation under evaluation, and what was computed from its provisional value. */
  #recursive: Recursive | null = null
  readonly #provisional: RelationExpr[] = []

  #rows(row: (i: number) => bigint): bigint[] {
    return this.#execution.events.map((_, i) => row(i))
  }

  #compose(a: Matrix, b: Matrix): Matrix {
    return a.map(row => {
      if (row === 0n) return row
      let all = 0n
      for (let j = 0; j < this.#size; j++) if (has(row, j)) all |= b[j]!
      return all
    })
  }

  #closure(matrix: Matrix): Matrix {
    const rows = [...matrix]
    for (let k = 0; k < this.#size; k++) {
      if (rows[k] === 0n) continue
      for (let i = 0; i < this.#size; i++) if (has(rows[i]!, k)) rows[i]! |= rows[k]!
    }
    return rows
  }

  #base(name: string): Matrix {
    const {given} = this.#execution
    switch (name) {
      case 'po': return this.#matrix(given.po)
      case 'addr': return this.#matrix(given.addr)
      case 'data': return this.#matrix(given.data)
      case 'ctrl': return this.#matrix(given.ctrl)
      case 'rmw': return this.#matrix(given.rmw)
      case 'rf': return this.#matrix(given.rf)
      case 'co': return this.#matrix(given.co)
      case 'grace': return this.#matrix(given.grace ?? [])
      case 'fr': {
        const co = this.#matrix(given.co)
        const rows = this.#rows(() => 0n)
        for (const [w, r] of given.rf) rows[r]! |= co[w]!
        return rows
      }
      case 'id': return this.#rows(bit)
      case 'loc': return this.#where((a, b) => a.location !== null && a.location.index === b.location?.index)
      // initial writes are in no thread: external to everything but themselves
      case 'int': return this.#where((a, b) => a === b || (a.thread >= 0 && a.thread === b.thread))
      case 'ext': return this.#where((a, b) => a !== b && (a.thread < 0 || a.thread !== b.thread))
      default: throw new Error(`the reference evaluator does not know the relation ${name}`)
    }
  }

  #matrix(pairs: readonly Pair[]): bigint[] {
    const rows = this.#rows(() => 0n)
    for (const [a, b] of pairs) rows[a]! |= bit(b)
    return rows
  }

  #where(related: (a: Event, b: Event) => boolean): Matrix {
    const {events} = this.#execution
    return events.map(a => events.reduce((all, b) => related(a, b) ? all | bit(b.id) : all, 0n))
  }

  #brackets(open: bigint, close: bigint): Matrix {
    const rows = this.#rows(() => 0n)
    const threads = new Set(this.#execution.events.map(event => event.thread))
    for (const thread of threads) {
      const stack: number[] = []
      const own = this.#execution.events.filter(event => event.thread === thread)
      for (const {id} of own.sort((a, b) => a.position - b.position)) {
        if (has(open, id)) stack.push(id)
        if (has(close, id)) {
          const opened = stack.pop()
          if (opened !== undefined) rows[opened]! |= bit(id)
        }
      }
    }
    return rows
  }

  /** Why (a, b) is in the relation, as steps that carry the model's names. */
  explain(expr: RelationExpr, a: number, b: number, outer: readonly string[]): readonly Step[] {
    const name = this.#names.get(expr)
    const chain = name === undefined ? outer : [...outer, name]
    const step = (...more: readonly string[]): readonly Step[] => [{from: a, to: b, names: [...chain, ...more]}]
    switch (expr.op) {
      case 'on':
        return []
      case 'base':
        return name === undefined ? step(expr.name) : step()
      case 'cross': case 'brackets':
        return step()
      case 'or': {
        const holds = expr.args.find(arg => has(this.relation(arg)[a]!, b))!
        return this.explain(holds, a, b, chain)
      }
      case 'and':
        return this.explain(expr.args.find(arg => !isFilter(arg)) ?? expr.args[0]!, a, b, chain)
      case 'minus':
        return this.explain(expr.left, a, b, chain)
      case 'inv':
        return [{from: a, to: b, names: [...chain, ...(this.explain(expr.arg, b, a, [])[0]?.names ?? []).map(n => `${n}^-1`)]}]
      case 'opt':
        return a === b && !has(this.relation(expr.arg)[a]!, b) ? [] : this.explain(expr.arg, a, b, chain)
      case 'star':
        if (a === b && !has(this.relation(expr)[a]! & ~bit(a), b)) return []
        return this.#path(expr.arg, a, b).flatMap(([c, d]) => this.explain(expr.arg, c, d, []))
      case 'plus':
        return this.#path(expr.arg, a, b).flatMap(([c, d]) => this.explain(expr.arg, c, d, []))
      case 'rec':
        return name === undefined ? this.explain(expr.body, a, b, chain) : step()
      case 'seq':
        // what happens inside one thread by program order and dependencies alone is one step
        return isLocal(expr) && name !== undefined ? step() : this.#sequence(expr.args, a, b, chain)
    }
  }

  #sequence(args: readonly RelationExpr[], a: number, b: number, chain: readonly string[]): readonly Step[] {
    const [first, ...rest] = args
    if (first === undefined) return []
    if (rest.length === 0) return this.explain(first, a, b, steps(args) === 1 ? chain : [])
    const onward = rest.map(arg => this.relation(arg)).reduce((x, y) => this.#compose(x, y))
    for (let mid = 0; mid < this.#size; mid++) {
      if (!has(this.relation(first)[a]!, mid) || !has(onward[mid]!, b)) continue
      // the name of a one-step sequence ([Marked] ; hb ; [Marked]) belongs to its step
      const kept = steps(args) === 1 ? chain : []
      return [...this.explain(first, a, mid, kept), ...this.#sequence(rest, mid, b, kept)]
    }
    return []
  }

  /** A shortest path from a to b (at least one edge) through the relation. */
  #path(relation: RelationExpr, a: number, b: number): readonly Pair[] {
    return this.#search(this.relation(relation), a, b)
  }

  #shortestCycle(matrix: Matrix): readonly Pair[] {
    let best: readonly Pair[] = []
    for (let i = 0; i < this.#size; i++) {
      const found = this.#search(matrix, i, i)
      if (found.length > 0 && (best.length === 0 || found.length < best.length)) best = found
    }
    return best
  }

  #search(matrix: Matrix, a: number, b: number): readonly Pair[] {
    const from = new Map<number, number>()
    const queue = [a]
    for (const at of queue) {
      for (let next = 0; next < this.#size; next++) {
        if (!has(matrix[at]!, next) || from.has(next)) continue
        from.set(next, at)
        if (next === b) return walk(from, a, b)
        queue.push(next)
      }
    }
    return []
  }
}

function walk(from: ReadonlyMap<number, number>, a: number, b: number): readonly Pair[] {
  const pairs: Pair[] = []
  let at = b
  do {
    const before = from.get(at)!
    pairs.unshift([before, at])
    at = before
  } while (at !== a)
  return pairs
}

/** How many of a sequence's parts are more than a test of one event. */
function steps(args: readonly RelationExpr[]): number {
  return args.filter(arg => arg.op !== 'on').length
}

function isFilter(expr: RelationExpr): boolean {
  return expr.op === 'cross' || (expr.op === 'base' && ['loc', 'int', 'ext', 'id'].includes(expr.name))
}

/** Built from program order, dependencies and sets alone: an edge of one thread. */
export function isLocal(expr: RelationExpr): boolean {
  switch (expr.op) {
    case 'base': return !['rf', 'co', 'fr', 'grace'].includes(expr.name)
    case 'on': case 'cross': case 'brackets': return true
    case 'seq': case 'or': case 'and': return expr.args.every(isLocal)
    case 'minus': return isLocal(expr.left) && isLocal(expr.right)
    case 'inv': case 'opt': case 'plus': case 'star': return isLocal(expr.arg)
    case 'rec': return false
  }
}

const mentioned = new WeakMap<RelationExpr, boolean>()

/** Does the expression refer to the recursive relation? (A model has one at the most; LKMM's is rcu-order.) */
function mentions(expr: RelationExpr, recursive: Recursive): boolean {
  const known = mentioned.get(expr)
  if (known !== undefined) return known
  const found = searched(expr, recursive)
  mentioned.set(expr, found)
  return found
}

function searched(expr: RelationExpr, recursive: Recursive): boolean {
  switch (expr.op) {
    case 'base': case 'on': case 'cross': case 'brackets': return false
    case 'rec': return expr === recursive || mentions(expr.body, recursive)
    case 'seq': case 'or': case 'and': return expr.args.some(arg => mentions(arg, recursive))
    case 'minus': return mentions(expr.left, recursive) || mentions(expr.right, recursive)
    case 'inv': case 'opt': case 'plus': case 'star': return mentions(expr.arg, recursive)
  }
}
