/**
 * Compiles a model into a plan: its axioms as a short list of operations on bit matrices.
 *
 * What depends only on one thread's own events (program order, dependencies, sets) becomes an input
 * that is computed once per thread behaviour; the rest is kept up to date as rf and co grow
 * (checker.ts). Common parts are shared. Parts that are empty because the program has no event of
 * some kind (no RCU, no plain access) are left out.
 */
import {label, type Label} from './event.ts'
import {and, any, cross, plus, seq, type Model, type RelationExpr, type SetExpr} from './model.ts'
import {isLocal} from './reference.ts'

/** Operations on relations; the numbers are positions in `Plan.relations`. */
export type PlanOp =
  | {readonly kind: 'or'; readonly out: number; readonly args: readonly number[]}
  | {readonly kind: 'and'; readonly out: number; readonly left: number; readonly right: number}
  | {readonly kind: 'minus'; readonly out: number; readonly left: number; readonly right: number}
  | {readonly kind: 'keep' | 'drop'; readonly out: number; readonly arg: number; readonly mask: Mask}
  | {readonly kind: 'from' | 'to'; readonly out: number; readonly arg: number; readonly set: number}
  | {readonly kind: 'seq'; readonly out: number; readonly left: number; readonly right: number}
  | {readonly kind: 'inv'; readonly out: number; readonly arg: number}
  | {readonly kind: 'plus'; readonly out: number; readonly arg: number}
  /** Every pair of a mask; only flags may need one that filters nothing. */
  | {readonly kind: 'mask'; readonly out: number; readonly mask: Mask}
  /** Operations that feed each other: repeated until nothing changes. `self` is what the body refers to. */
  | {readonly kind: 'rec'; readonly self: number; readonly body: number; readonly ops: readonly PlanOp[]}

/** Pairs told apart by threads, locations and sets alone: used only to filter. */
export type Mask =
  | {readonly kind: 'ext' | 'int' | 'loc' | 'id'}
  | {readonly kind: 'cross'; readonly from: number; readonly to: number}
  | {readonly kind: 'or' | 'and'; readonly args: readonly Mask[]}
  | {readonly kind: 'minus'; readonly left: Mask; readonly right: Mask}

export interface Check {
  readonly axiom: string
  readonly kind: 'irreflexive' | 'empty'
  readonly relation: number
}

export interface Plan {
  readonly model: Model
  /** The plan serves programs whose events carry only these. */
  readonly labels: ReadonlySet<Label>
  readonly relations: number
  /** Relations below this number are kept up to date; the others serve the flags only. */
  readonly kept: number
  readonly rf: number
  readonly co: number
  readonly fr: number
  /** -1 if no program that the plan is for has both read-side sections and grace periods of this kind. */
  readonly grace: number
  /** Relations of one thread's own events, computed once per behaviour. */
  readonly locals: readonly {readonly relation: number; readonly expr: RelationExpr}[]
  /** Sets that masks and tests refer to, likewise. */
  readonly sets: readonly SetExpr[]
  readonly ops: readonly PlanOp[]
  readonly checks: readonly Check[]
  /** Operations and checks that decide the flags; run once, on a complete execution. */
  readonly flagOps: readonly PlanOp[]
  readonly flags: readonly {readonly flag: string; readonly relation: number}[]
  /** The model's `before`, decided with the flags; -1 if no program that the plan is for asks. */
  readonly before: number
  /**
   * Pairs (a, b) of this relation at one location order the writes behind them in co: the X of a
   * coherence axiom `irreflexive X ; eco?`, or the po-loc of `acyclic po-loc | com`.
   */
  readonly order: number
  /** Closures of axioms that contain co: what they order is ordered in co. */
  readonly closures: readonly number[]
}

/**
 * Compiles `model` for programs whose events carry only these labels.
 * @param withBefore is the model's `before` wanted?
 */
export function compile(model: Model, labels: readonly Label[], withBefore = false): Plan {
  return new Compiler(model, labels).plan(withBefore)
}

const none = -1

class Compiler {
  readonly #model: Model
  readonly #labels: readonly Label[]
  readonly #byKey = new Map<string, number>()
  readonly #byExpr = new Map<RelationExpr, number>()
  readonly #setKeys = new Map<string, number>()
  readonly #sets: SetExpr[] = []
  readonly #locals: {relation: number; expr: RelationExpr}[] = []
  readonly #exprIds = new Map<RelationExpr | SetExpr, string>()
  #ops: PlanOp[] = []
  #relations = 0

  constructor(model: Model, labels: readonly Label[]) {
    this.#model = model
    this.#labels = [...labels, label('W', 'IW')]
  }

  plan(withBefore: boolean): Plan {
    const rf = this.#fresh()
    const co = this.#fresh()
    const fr = this.#fresh()
    this.#byKey.set('rf', rf).set('co', co).set('fr', fr)
    const grace = this.#hasGrace() ? this.#fresh() : none
    this.#byKey.set('grace', grace)
    let order: number | null = null
    const closures: number[] = []
    const checks: Check[] = []
    for (const [axiom, {kind, of}] of Object.entries(this.#model.axioms)) {
      const coherent = coherenceOrder(kind, of)
      if (coherent !== null) {
        // the machine keeps co in step with this order, and the order itself must be irreflexive
        order = this.#relation(coherent)
        if (!isLocal(coherent) && order !== none) checks.push({axiom, kind: 'irreflexive', relation: order})
        continue
      }
      const relation = this.#relation(kind === 'acyclic' ? plus(of) : of)
      if (relation === none) continue
      checks.push({axiom, kind: kind === 'empty' ? 'empty' : 'irreflexive', relation})
      if (kind === 'acyclic' && unionOf(of).some(part => part.op === 'base' && part.name === 'co')) closures.push(relation)
    }
    const poLoc = this.#relation(and(base('po'), base('loc')))
    const ops = this.#ops
    const kept = this.#relations
    this.#ops = []
    const flags: {flag: string; relation: number}[] = []
    for (const [flag, of] of Object.entries(this.#model.flags)) {
      const relation = this.#relation(of)
      if (relation !== none) flags.push({flag, relation})
    }
    const before = withBefore ? this.#relation(this.#model.before) : none
    return {
      model: this.#model, labels: new Set(this.#labels), relations: this.#relations, kept, rf, co, fr, grace, locals: this.#locals, sets: this.#sets, ops, checks,
      flagOps: this.#ops, flags, before, order: order ?? poLoc, closures,
    }
  }

  #hasGrace(): boolean {
    return ['Rcu-lock', 'Sync-rcu-begin'].every(tag => this.#labels.some(one => one.tags.includes(tag)))
  }

  #fresh(): number {
    return this.#relations++
  }

  /** The relation's number, its operations added to the plan; `none` if it is empty for sure. */
  #relation(expr: RelationExpr): number {
    const known = this.#byExpr.get(expr)
    if (known !== undefined) return known
    const made = this.#make(expr)
    this.#byExpr.set(expr, made)
    return made
  }

  #make(expr: RelationExpr): number {
    if (this.#isEmpty(expr)) return none
    if (expr.op === 'base' && (expr.name === 'rf' || expr.name === 'co' || expr.name === 'fr' || expr.name === 'grace')) return this.#byKey.get(expr.name)!
    if (isLocal(expr) && isInThread(expr)) return this.#local(expr)
    if (isMask(expr)) return this.#shared(`mask ${this.#id(expr)}`, out => ({kind: 'mask', out, mask: this.#mask(and(expr, everyPair))}))
    switch (expr.op) {
      case 'seq': return this.#sequence(expr.args)
      case 'or': return this.#union(expr.args.map(arg => this.#relation(arg)))
      case 'and': return this.#intersection(expr.args)
      case 'minus': return this.#difference(expr.left, expr.right)
      case 'inv': return this.#unary('inv', this.#relation(expr.arg))
      case 'plus': return this.#unary('plus', this.#relation(expr.arg))
      case 'opt': return this.#optional(this.#relation(expr.arg))
      case 'star': return this.#optional(this.#unary('plus', this.#relation(expr.arg)))
      case 'rec': return this.#recursive(expr)
      case 'base': case 'cross': case 'on': case 'brackets':
        throw new Error(`model ${this.#model.name}: ${expr.op} relates events of different threads and can only filter another relation`)
    }
  }

  #local(expr: RelationExpr): number {
    return this.#shared(`local ${this.#id(expr)}`, relation => {
      this.#locals.push({relation, expr})
      return null
    })
  }

  /** One operation, made only once for the same arguments. */
  #shared(key: string, make: (out: number) => PlanOp | null): number {
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const out = this.#fresh()
    this.#byKey.set(key, out)
    const op = make(out)
    if (op !== null) this.#ops.push(op)
    return out
  }

  #unary(kind: 'inv' | 'plus', arg: number): number {
    return arg === none ? none : this.#shared(`${kind} ${arg}`, out => ({kind, out, arg}))
  }

  #optional(arg: number): number {
    return this.#union([arg, this.#local(base('id'))])
  }

  #union(parts: readonly number[]): number {
    const args = [...new Set(parts.filter(part => part !== none))].sort((a, b) => a - b)
    if (args.length <= 1) return args[0] ?? none
    return this.#shared(`or ${args.join(' ')}`, out => ({kind: 'or', out, args}))
  }

  #intersection(args: readonly RelationExpr[]): number {
    const masks = args.filter(isMask)
    const rest = args.filter(arg => !isMask(arg)).map(arg => this.#relation(arg))
    if (rest.includes(none)) return none
    const [first, ...others] = rest
    let result = others.reduce((left, right) => this.#shared(`and ${left} ${right}`, out => ({kind: 'and', out, left, right})), first!)
    for (const mask of masks) result = this.#masked('keep', result, mask)
    return result
  }

  #masked(kind: 'keep' | 'drop', arg: number, expr: RelationExpr): number {
    return this.#shared(`${kind} ${arg} ${this.#id(expr)}`, out => ({kind, out, arg, mask: this.#mask(expr)}))
  }

  #difference(left: RelationExpr, right: RelationExpr): number {
    const arg = this.#relation(left)
    if (arg === none) return none
    if (isMask(right)) return this.#masked('drop', arg, right)
    const subtracted = this.#relation(right)
    if (subtracted === none) return arg
    return this.#shared(`minus ${arg} ${subtracted}`, out => ({kind: 'minus', out, left: arg, right: subtracted}))
  }

  #mask(expr: RelationExpr): Mask {
    switch (expr.op) {
      case 'base': return {kind: expr.name as 'ext' | 'int' | 'loc' | 'id'}
      case 'cross': return {kind: 'cross', from: this.#set(expr.from), to: this.#set(expr.to)}
      case 'or': case 'and': return {kind: expr.op, args: expr.args.map(arg => this.#mask(arg))}
      case 'minus': return {kind: 'minus', left: this.#mask(expr.left), right: this.#mask(expr.right)}
      default: throw new Error(`model ${this.#model.name}: ${expr.op} cannot be a filter`)
    }
  }

  #set(expr: SetExpr): number {
    if (!isStatic(expr)) throw new Error(`model ${this.#model.name}: a set that depends on rf or co cannot be compiled; write the relation without it`)
    const key = this.#id(expr)
    const known = this.#setKeys.get(key)
    if (known !== undefined) return known
    this.#sets.push(expr)
    this.#setKeys.set(key, this.#sets.length - 1)
    return this.#sets.length - 1
  }

  /** Runs of local parts become one input; tests of one event become restrictions of their neighbours. */
  #sequence(args: readonly RelationExpr[]): number {
    const parts: (number | {readonly test: SetExpr})[] = []
    let local: RelationExpr[] = []
    const flush = (): void => {
      if (local.length > 0) {
        const sets = local.flatMap(part => part.op === 'on' ? [part.set] : [])
        if (sets.length === local.length) parts.push({test: sets.length === 1 ? sets[0]! : and(...sets)})
        else parts.push(this.#relation(local.length === 1 ? local[0]! : seq(...local)))
      }
      local = []
    }
    for (const arg of flatten(args)) {
      if (isLocal(arg) && isInThread(arg)) local.push(arg)
      else {
        flush()
        parts.push(this.#relation(arg))
      }
    }
    flush()
    if (parts.includes(none)) return none
    return this.#chain(parts)
  }

  #chain(parts: readonly (number | {readonly test: SetExpr})[]): number {
    let result: number | {readonly test: SetExpr} = parts[0]!
    for (const part of parts.slice(1)) {
      if (typeof part === 'number') {
        result = typeof result === 'number' ? this.#composed(result, part) : this.#restricted('from', part, result.test)
      } else {
        result = this.#restricted('to', result as number, part.test)
      }
      if (result === none) return none
    }
    return result as number
  }

  #composed(left: number, right: number): number {
    return this.#shared(`seq ${left} ${right}`, out => ({kind: 'seq', out, left, right}))
  }

  #restricted(kind: 'from' | 'to', arg: number, test: SetExpr): number {
    if (this.#labels.every(one => must(test, one))) return arg
    const set = this.#set(test)
    return this.#shared(`${kind} ${arg} ${set}`, out => ({kind, out, arg, set}))
  }

  #recursive(expr: Extract<RelationExpr, {op: 'rec'}>): number {
    const self = this.#fresh()
    this.#byExpr.set(expr, self)
    const outer = this.#ops
    // what the body needs from outside comes first, in the outer list
    this.#ops = []
    const body = this.#relation(expr.body)
    const inner = this.#ops
    this.#ops = outer
    if (body === none) return none
    const touched = dependents(inner, self)
    this.#ops.push(...inner.filter(op => !touched.has(op)))
    this.#ops.push({kind: 'rec', self, body, ops: inner.filter(op => touched.has(op))})
    return self
  }

  /** A key that is the same for expressions written the same way. */
  #id(expr: RelationExpr | SetExpr): string {
    const known = this.#exprIds.get(expr)
    if (known !== undefined) return known
    const made = this.#describe(expr)
    this.#exprIds.set(expr, made)
    return made
  }

  #describe(expr: RelationExpr | SetExpr): string {
    const all = (args: readonly (RelationExpr | SetExpr)[]): string => args.map(arg => this.#id(arg)).join(' ')
    switch (expr.op) {
      case 'tag': case 'base': return expr.name
      case 'on': return `[${this.#id(expr.set)}]`
      case 'cross': return `(${this.#id(expr.from)} * ${this.#id(expr.to)})`
      case 'seq': case 'or': case 'and': return `(${expr.op} ${all(expr.args)})`
      case 'minus': return `(minus ${this.#id(expr.left)} ${this.#id(expr.right)})`
      case 'not': case 'inv': case 'opt': case 'plus': case 'star': return `(${expr.op} ${this.#id(expr.arg)})`
      case 'domain': case 'range': return `(${expr.op} ${this.#id(expr.of)})`
      case 'brackets': return `(brackets ${this.#id(expr.open)} ${this.#id(expr.close)})`
      case 'rec': return `(rec ${this.#byExpr.get(expr) ?? 'new'})`
    }
  }

  /** Is the relation empty in every program with these labels? */
  #isEmpty(expr: RelationExpr): boolean {
    const known = this.#empty.get(expr)
    if (known !== undefined) return known
    const made = this.#computeEmpty(expr)
    if (this.#assumed === 0) this.#empty.set(expr, made)
    return made
  }

  readonly #empty = new Map<RelationExpr, boolean>()
  /** While it is assumed of a recursive relation that it is empty, nothing is remembered. */
  #assumed = 0

  #computeEmpty(expr: RelationExpr): boolean {
    switch (expr.op) {
      case 'base':
        if (expr.name === 'grace') return !this.#hasGrace()
        return expr.name === 'rmw' && !this.#labels.some(one => one.tags.includes('RMW') || one.tags.includes('LKR'))
      case 'on': return this.#hollow(expr.set)
      case 'cross': return this.#hollow(expr.from) || this.#hollow(expr.to)
      case 'brackets': return this.#hollow(expr.open) || this.#hollow(expr.close)
      case 'seq': case 'and': return expr.args.some(arg => this.#isEmpty(arg))
      case 'or': return expr.args.every(arg => this.#isEmpty(arg))
      case 'minus': return this.#isEmpty(expr.left)
      case 'inv': case 'plus': return this.#isEmpty(expr.arg)
      case 'opt': case 'star': return false
      case 'rec': {
        // the least fixpoint is empty iff the body is empty when the relation itself is
        this.#empty.set(expr, true)
        this.#assumed++
        const made = this.#isEmpty(expr.body)
        this.#assumed--
        this.#empty.delete(expr)
        return made
      }
    }
  }

  #hollow(set: SetExpr): boolean {
    return this.#labels.every(one => !may(set, one))
  }
}

const everyPair = cross(any, any)

const base = (name: 'po' | 'loc' | 'id'): RelationExpr => ({sort: 'relation', op: 'base', name})

/** The operations of a list that depend on a relation, directly or not. */
function dependents(ops: readonly PlanOp[], relation: number): ReadonlySet<PlanOp> {
  const changing = new Set([relation])
  const found = new Set<PlanOp>()
  for (const op of ops) {
    if (!inputs(op).some(input => changing.has(input))) continue
    found.add(op)
    changing.add(op.kind === 'rec' ? op.self : op.out)
  }
  return found
}

function inputs(op: PlanOp): readonly number[] {
  switch (op.kind) {
    case 'or': return op.args
    case 'and': case 'minus': case 'seq': return [op.left, op.right]
    case 'keep': case 'drop': case 'from': case 'to': case 'inv': case 'plus': return [op.arg]
    case 'mask': return []
    case 'rec': return op.ops.flatMap(inputs)
  }
}

/** The X of `irreflexive X ; eco?` or of `acyclic X | rf | co | fr`, if the axiom has one of these forms. */
function coherenceOrder(kind: string, of: RelationExpr): RelationExpr | null {
  if (kind === 'irreflexive' && of.op === 'seq' && of.args.length === 2) {
    const [x, rest] = of.args
    if (rest?.op === 'opt' && rest.arg.op === 'plus' && isCom(unionOf(rest.arg.arg))) return x!
  }
  if (kind === 'acyclic') {
    const parts = unionOf(of)
    const others = parts.filter(part => !isComPart(part))
    const [only] = others
    if (others.length === 1 && isCom(parts.filter(isComPart)) && isPoLoc(only!)) return only!
  }
  return null
}

function isPoLoc(expr: RelationExpr): boolean {
  const names = expr.op === 'and' ? expr.args.map(arg => arg.op === 'base' ? arg.name : '') : []
  return names.length === 2 && names.includes('po') && names.includes('loc')
}

function unionOf(expr: RelationExpr): readonly RelationExpr[] {
  return expr.op === 'or' ? expr.args.flatMap(unionOf) : [expr]
}

function isComPart(expr: RelationExpr): boolean {
  return expr.op === 'base' && ['rf', 'co', 'fr'].includes(expr.name)
}

function isCom(parts: readonly RelationExpr[]): boolean {
  return parts.length === 3 && parts.every(isComPart) && new Set(parts.map(part => part.op === 'base' ? part.name : '')).size === 3
}

/** Sequences inside sequences, spread out. */
function flatten(args: readonly RelationExpr[]): readonly RelationExpr[] {
  return args.flatMap(arg => arg.op === 'seq' ? flatten(arg.args) : [arg])
}

/** Filters by thread, location and sets: relates events of different threads without any edge. */
function isMask(expr: RelationExpr): boolean {
  switch (expr.op) {
    case 'base': return ['loc', 'int', 'ext', 'id'].includes(expr.name)
    case 'cross': return true
    case 'or': case 'and': return expr.args.every(isMask)
    case 'minus': return isMask(expr.left) && isMask(expr.right)
    default: return false
  }
}

/** For a relation without rf, co and fr: does it relate only events of one thread? */
function isInThread(expr: RelationExpr): boolean {
  switch (expr.op) {
    case 'base': return !['loc', 'int', 'ext'].includes(expr.name)
    case 'cross': return false
    case 'on': case 'brackets': return true
    case 'seq': case 'or': return expr.args.every(isInThread)
    case 'and': return expr.args.some(isInThread)
    case 'minus': return isInThread(expr.left)
    case 'inv': case 'opt': case 'plus': case 'star': return isInThread(expr.arg)
    case 'rec': return false
  }
}

/** Is the set known from one thread's own events alone? */
function isStatic(set: SetExpr): boolean {
  switch (set.op) {
    case 'tag': return true
    case 'or': case 'and': return set.args.every(isStatic)
    case 'minus': return isStatic(set.left) && isStatic(set.right)
    case 'not': return isStatic(set.arg)
    case 'domain': case 'range': return isLocal(set.of) && isInThread(set.of)
  }
}

/** Can an event with this label be in the set? */
function may(set: SetExpr, one: Label): boolean {
  switch (set.op) {
    case 'tag': return isTagged(set.name, one)
    case 'or': return set.args.some(arg => may(arg, one))
    case 'and': return set.args.every(arg => may(arg, one))
    case 'minus': return may(set.left, one) && !must(set.right, one)
    case 'not': return !must(set.arg, one)
    case 'domain': case 'range': return true
  }
}

/** Is every event with this label in the set? */
export function must(set: SetExpr, one: Label): boolean {
  switch (set.op) {
    case 'tag': return isTagged(set.name, one)
    case 'or': return set.args.some(arg => must(arg, one))
    case 'and': return set.args.every(arg => must(arg, one))
    case 'minus': return must(set.left, one) && !may(set.right, one)
    case 'not': return !may(set.arg, one)
    case 'domain': case 'range': return false
  }
}

function isTagged(name: string, one: Label): boolean {
  return name === 'any' || name === one.kind || (name === 'M' && one.kind !== 'F') || one.tags.includes(name)
}
