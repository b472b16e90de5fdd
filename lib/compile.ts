/**
 * Compiles a model into a master plan: its axioms as a short list of operations on bit matrices.
 *
 * What depends only on one thread's own events (program order, dependencies, sets) becomes an input
 * that is computed once per thread behaviour; the rest is kept up to date as rf and co grow
 * (checker.ts). Common parts are shared. Parts that no program with such labels has are left out;
 * what else a program lacks, fit.ts leaves out.
 */
import {label, type Label} from './event.ts'
import {encode, type Mask, type PlanOp} from './code.ts'
import {countingIn, type Counting} from './counting.ts'
import {empty, Emitter, identity, none, plain, type Ref} from './emit.ts'
import {factsOf} from './facts.ts'
import {and, any, cross, grace as graceBase, id, on, plus, poLoc, seq, type Model, type Recursive, type RelationExpr, type SetExpr} from './model.ts'
import type {Check, Local, MasterPlan} from './plan.ts'
import {isLocal} from './reference.ts'
import {coherenceOrder, containsRfe, isMask, isOwn, isStatic, may, must, partsOf, unionOf} from './static.ts'

/** What is known of the programs that a plan is for. */
export interface Purpose {
  /** Their events carry only these, or others of which the model can tell no more (facts.ts). */
  readonly labels: readonly Label[]
  /** Is the model's `before` wanted? */
  readonly withBefore: boolean
}

/** Compiles `model` for some purpose. */
export function compile(model: Model, purpose: Purpose): MasterPlan {
  return new Compiler(model, purpose).plan(purpose.withBefore)
}

/** Can the model's recursive relations be counted (counting.ts) in all programs with such labels? */
export function isCountable(model: Model, labels: readonly Label[]): boolean {
  return new Compiler(model, {labels, withBefore: false}).canCount()
}

/** A part of a sequence: a relation, or a test of the event that its neighbours share. */
type Part = Ref | {readonly test: SetExpr}

class Compiler {
  readonly #model: Model
  readonly #labels: readonly Label[]
  readonly #emit = new Emitter()
  readonly #byExpr = new Map<RelationExpr, Ref>()
  readonly #setKeys = new Map<string, number>()
  readonly #sets: SetExpr[] = []
  readonly #locals: Local[] = []
  readonly #masks = new Map<string, Mask>()
  /** How many expressions refer to an expression. */
  readonly #mentions: ReadonlyMap<RelationExpr, number>
  /** What is counted, and the relation that it makes; none until it is wanted. */
  #counted: {readonly counting: Counting; readonly out: number} | null = null

  constructor(model: Model, {labels}: Purpose) {
    this.#model = model
    this.#labels = [...labels, label('W', 'IW')]
    this.#mentions = mentionsIn(model)
  }

  canCount(): boolean {
    const {axioms, flags, before} = this.#model
    const all = [...Object.values(axioms).map(({of}) => of), ...Object.values(flags), before]
    return [...new Set(all.flatMap(expr => [...recursiveIn(expr)]))].every(rec => this.#isEmpty(rec) || this.#countingOf(rec) !== null)
  }

  plan(withBefore: boolean): MasterPlan {
    const axioms = Object.entries(this.#model.axioms)
    const isCoherent = axioms.some(([, {kind, of}]) => coherenceOrder(kind, of) !== null)
    const [rf, co, fr] = (['rf', 'co', 'fr'] as const).map(name => this.#emit.input(name, null).pairs) as [number, number, number]
    const grace = this.#ref(graceBase).pairs
    let order: number | null = null
    const [closures, causes]: [number[], number[]] = [[], []]
    const checks: Check[] = []
    for (const [axiom, {kind, of}] of axioms) {
      const coherent = coherenceOrder(kind, of)
      if (coherent !== null) {
        // the machine keeps co in step with this order, and the order itself must be irreflexive
        order = this.#relation(coherent)
        if (!isLocal(coherent) && order !== none) checks.push({axiom, kind: 'irreflexive', relation: order})
        continue
      }
      const counted = kind === 'irreflexive' ? this.#evenWalks(of) : null
      if (counted !== null) {
        checks.push({axiom, kind: 'even', relation: counted})
        continue
      }
      const relation = this.#relation(kind === 'acyclic' ? plus(of) : of)
      if (relation === none) continue
      checks.push({axiom, kind: kind === 'empty' ? 'empty' : 'irreflexive', relation})
      if (kind === 'acyclic' && unionOf(of).some(part => part.op === 'base' && part.name === 'co')) closures.push(relation)
      if (kind === 'acyclic' && containsRfe(of)) causes.push(relation)
    }
    order ??= this.#relation(poLoc)
    const {ops, relations: kept} = this.#emit
    this.#emit.ops = []
    const flags: {flag: string; relation: number}[] = []
    const ownFlags: {flag: string; expr: RelationExpr}[] = []
    for (const [flag, of] of Object.entries(this.#model.flags)) {
      if (isOwn(of)) {
        if (!this.#isEmpty(of)) ownFlags.push({flag, expr: of})
        continue
      }
      const relation = this.#relation(of)
      if (relation !== none) flags.push({flag, relation})
    }
    const before = withBefore ? this.#relation(this.#model.before) : none
    this.#mustBeClosed([...ops, ...this.#emit.ops])
    const masks: Mask[] = []
    return {
      model: this.#model, facts: factsOf(this.#model, this.#labels), relations: this.#emit.relations, kept, rf, co, fr, grace, isCoherent,
      locals: this.#locals, sets: this.#sets, counting: this.#counted?.counting ?? null, code: encode(ops, masks), checks,
      flagCode: encode(this.#emit.ops, masks), flags, ownFlags, before, order, closures, causes,
    }
  }

  /** The relation's number, its operations added to the plan; `none` if it is empty for sure. */
  #relation(expr: RelationExpr): number {
    return this.#whole(this.#ref(expr))
  }

  /** The number of a relation that has all its pairs, those of the identity too. */
  #whole(ref: Ref): number {
    return ref.reflexive ? this.#emit.union([plain(ref.pairs), this.#local(id)]).pairs : ref.pairs
  }

  #ref(expr: RelationExpr): Ref {
    const known = this.#byExpr.get(expr)
    if (known !== undefined) return known
    const made = this.#make(expr)
    this.#byExpr.set(expr, made)
    return made
  }

  #make(expr: RelationExpr): Ref {
    if (this.#isEmpty(expr)) return empty
    if (expr.op === 'opt' || expr.op === 'star') {
      const inner = this.#ref(expr.arg)
      return {pairs: (expr.op === 'opt' ? inner : this.#emit.closure(inner)).pairs, reflexive: true}
    }
    if (expr.op === 'base' && ['rf', 'co', 'fr', 'grace'].includes(expr.name)) return this.#emit.input(expr.name, null)
    if (isOwn(expr)) return this.#local(expr)
    if (isMask(expr)) return this.#emit.everyPairOf(idOf(expr), this.#mask(and(expr, everyPair)))
    switch (expr.op) {
      case 'seq': return this.#sequence(expr.args)
      case 'or': return this.#emit.union(expr.args.map(arg => this.#ref(arg)))
      case 'and': return this.#intersection(expr.args)
      case 'minus': return this.#difference(expr.left, expr.right)
      case 'inv': return this.#emit.inverse(this.#ref(expr.arg))
      case 'plus': return this.#emit.closure(this.#ref(expr.arg))
      case 'rec': return this.#recursive(expr)
      case 'base': case 'cross': case 'on': case 'brackets':
        throw new Error(`model ${this.#model.name}: ${expr.op} relates events of different threads and can only filter another relation`)
    }
  }

  #local(expr: RelationExpr): Ref {
    return this.#emit.input(`local ${idOf(expr)}`, 'int', relation => { this.#locals.push({relation, expr}) })
  }

  #intersection(args: readonly RelationExpr[]): Ref {
    const rest = args.filter(arg => !isMask(arg)).map(arg => this.#relation(arg))
    const both = rest.reduce((left, right) => this.#emit.both(left, right))
    return plain(args.filter(isMask).reduce((arg, mask) => this.#masked('keep', arg, mask), both))
  }

  #difference(left: RelationExpr, right: RelationExpr): Ref {
    if (right.op === 'base' && right.name === 'id') return plain(this.#masked('drop', this.#ref(left).pairs, right))
    const arg = this.#relation(left)
    return plain(isMask(right) ? this.#masked('drop', arg, right) : this.#emit.difference(arg, this.#relation(right)))
  }

  #masked(kind: 'keep' | 'drop', arg: number, mask: RelationExpr): number {
    return this.#emit.masked(kind, arg, idOf(mask), this.#mask(mask))
  }

  #mask(expr: RelationExpr): Mask {
    const key = idOf(expr)
    const known = this.#masks.get(key) ?? this.#newMask(expr)
    this.#masks.set(key, known)
    return known
  }

  #newMask(expr: RelationExpr): Mask {
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
    const key = idOf(expr)
    const known = this.#setKeys.get(key)
    if (known !== undefined) return known
    this.#sets.push(expr)
    this.#setKeys.set(key, this.#sets.length - 1)
    return this.#sets.length - 1
  }

  /** Runs of local parts become one input; tests of one event become restrictions of their neighbours. */
  #sequence(args: readonly RelationExpr[]): Ref {
    const parts: Part[] = []
    let run: RelationExpr[] = []
    const flush = (): void => {
      if (run.length === 0) return
      const sets = run.flatMap(part => part.op === 'on' ? [part.set] : [])
      if (sets.length === run.length) parts.push({test: sets.length === 1 ? sets[0]! : and(...sets)})
      else parts.push(this.#ref(run.length === 1 ? run[0]! : seq(...run)))
      run = []
    }
    const all = [...this.#flatten(args)]
    for (let arg = all.shift(); arg !== undefined; arg = all.shift()) {
      const counting = arg.op === 'rec' ? this.#countingOf(arg) : null
      if (counting !== null) {
        const {first, last} = counting
        this.#mustBe(run.splice(Math.max(0, run.length - last.length)), last)
        this.#mustBe(all.splice(0, first.length), first)
        flush()
        parts.push(plain(this.#count(counting)))
      } else if (isOwn(arg)) run.push(arg)
      else {
        flush()
        parts.push(this.#ref(arg))
      }
    }
    flush()
    return this.#chain(parts)
  }

  // ---- counting ----

  /** How the relation can be counted; null if it cannot, or is empty. */
  #countingOf(rec: Recursive): Counting | null {
    return this.#isEmpty(rec) ? null : countingIn(rec, part => this.#isEmpty(part))
  }

  /** What is counted has no endpoints in the matrices, but the events around it do. */
  #mustBe(around: readonly RelationExpr[], link: readonly RelationExpr[]): void {
    if (around.map(part => idOf(part)).join() === link.map(part => idOf(part)).join()) return
    throw new Error(`model ${this.#model.name}: a relation that is counted must stand between the outer parts of its link`)
  }

  /** The pairs that even walks order, from what leads to the first unit to what the last one leads to. */
  #count(counting: Counting): number {
    if (this.#counted !== null) return this.#counted.out
    const core = this.#ref(seq(...counting.core)).pairs
    const out = this.#emit.fresh()
    this.#emit.ops.push({kind: 'count', out, core})
    this.#counted = {counting, out}
    return out
  }

  /** For `irreflexive X ; rec ; Y`, where Y ; X is the link: the number of the pairs that even walks order. Otherwise null. */
  #evenWalks(of: RelationExpr): number | null {
    const parts = spread(of)
    const at = parts.findIndex(part => part.op === 'rec')
    const rec = parts[at]
    const counting = rec?.op === 'rec' ? this.#countingOf(rec) : null
    if (counting === null) return null
    const written = (all: readonly RelationExpr[]): string => all.flatMap(spread).map(part => idOf(part)).filter((id, i, ids) => !id.startsWith('[') || id !== ids[i - 1]).join()
    return written([...parts.slice(at + 1), ...parts.slice(0, at)]) === written([...counting.first, ...counting.core, ...counting.last]) ? this.#count(counting) : null
  }

  #chain(parts: readonly Part[]): Ref {
    const all = parts.reduce((left, right) => this.#joined(left, right), identity)
    return 'test' in all ? this.#local(on(all.test)) : all
  }

  #joined(left: Part, right: Part): Part {
    if (left === identity) return right
    if ('test' in left) return 'test' in right ? {test: and(left.test, right.test)} : this.#restricted('from', right, left.test)
    return 'test' in right ? this.#restricted('to', left, right.test) : this.#emit.sequence(left, right)
  }

  /** Sequences inside sequences, spread out, but for those that are wanted elsewhere too; tests that all events pass left out. */
  #flatten(args: readonly RelationExpr[]): readonly RelationExpr[] {
    const isWanted = (arg: RelationExpr): boolean => (this.#mentions.get(arg) ?? 0) > 1
    const spread = args.flatMap(arg => arg.op === 'seq' && (!isWanted(arg) || isLocal(arg)) ? this.#flatten(arg.args) : [arg])
    return spread.filter(arg => arg.op !== 'on' || !this.#isCertain(arg.set))
  }

  #isCertain(test: SetExpr): boolean {
    return this.#labels.every(one => must(test, one))
  }

  #restricted(kind: 'from' | 'to', {pairs, reflexive}: Ref, test: SetExpr): Ref {
    const kept = pairs === none ? empty : this.#emit.restricted(kind, pairs, this.#set(test))
    return reflexive ? this.#emit.union([kept, this.#local(on(test))]) : kept
  }

  #recursive(expr: Extract<RelationExpr, {op: 'rec'}>): Ref {
    const self = this.#emit.fresh()
    this.#byExpr.set(expr, plain(self))
    const outer = this.#emit.ops
    // what the body needs from outside comes first, in the outer list
    this.#emit.ops = []
    const body = this.#relation(expr.body)
    const inner = this.#emit.ops
    this.#emit.ops = outer
    if (body === none) return empty
    const touched = dependents(inner, self)
    outer.push(...inner.filter(op => !touched.has(op)))
    outer.push({kind: 'rec', self, body, ops: inner.filter(op => touched.has(op))})
    return plain(self)
  }

  /** What the operations of a recursive relation make is gone after each of their rounds, so nothing else may read it. */
  #mustBeClosed(ops: readonly PlanOp[]): void {
    for (const group of ops) {
      if (group.kind !== 'rec') continue
      const inside = new Set(group.ops.map(op => op.kind === 'rec' ? op.self : op.out))
      if (ops.some(op => op !== group && inputsOf(op).some(input => inside.has(input)))) {
        throw new Error(`model ${this.#model.name}: a part of a recursive relation is used outside of it; write it there anew`)
      }
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
        if (expr.name === 'grace') return !['Rcu-lock', 'Sync-rcu-begin'].every(tag => this.#labels.some(one => one.tags.includes(tag)))
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

/** A key that is the same for expressions written the same way. Models' expressions are few and last. */
function idOf(expr: RelationExpr | SetExpr): string {
  const known = ids.get(expr)
  if (known !== undefined) return known
  const made = describe(expr)
  ids.set(expr, made)
  return made
}

const ids = new WeakMap<RelationExpr | SetExpr, string>()
let recursiveOnes = 0

function describe(expr: RelationExpr | SetExpr): string {
  const all = (args: readonly (RelationExpr | SetExpr)[]): string => args.map(idOf).join(' ')
  switch (expr.op) {
    case 'tag': case 'base': return expr.name
    case 'on': return `[${idOf(expr.set)}]`
    case 'cross': return `(${idOf(expr.from)} * ${idOf(expr.to)})`
    case 'seq': case 'or': case 'and': return `(${expr.op} ${all(expr.args)})`
    case 'minus': return `(minus ${idOf(expr.left)} ${idOf(expr.right)})`
    case 'not': case 'inv': case 'opt': case 'plus': case 'star': return `(${expr.op} ${idOf(expr.arg)})`
    case 'domain': case 'range': return `(${expr.op} ${idOf(expr.of)})`
    case 'brackets': return `(brackets ${idOf(expr.open)} ${idOf(expr.close)})`
    case 'rec': return `(rec ${recursiveOnes++})`
  }
}

/** How many expressions in the model's axioms refer to an expression. */
function mentionsIn(model: Model): ReadonlyMap<RelationExpr, number> {
  const known = mentions.get(model)
  if (known !== undefined) return known
  const found = new Map<RelationExpr, number>()
  const count = (expr: RelationExpr): void => {
    const before = found.get(expr) ?? 0
    found.set(expr, before + 1)
    if (before === 0) for (const part of partsOf(expr)) count(part)
  }
  for (const {of} of Object.values(model.axioms)) count(of)
  mentions.set(model, found)
  return found
}

const mentions = new WeakMap<Model, ReadonlyMap<RelationExpr, number>>()

/** The recursive relations in an expression. */
function recursiveIn(expr: RelationExpr): ReadonlySet<Recursive> {
  const known = recursive.get(expr)
  if (known !== undefined) return known
  recursive.set(expr, new Set())
  const found = new Set([...expr.op === 'rec' ? [expr] : [], ...partsOf(expr).flatMap(part => [...recursiveIn(part)])])
  recursive.set(expr, found)
  return found
}

const recursive = new WeakMap<RelationExpr, ReadonlySet<Recursive>>()

/** A sequence, and sequences in it, part by part. */
function spread(expr: RelationExpr): readonly RelationExpr[] {
  return expr.op === 'seq' ? expr.args.flatMap(spread) : [expr]
}

/** The operations of a list that depend on a relation, directly or not. */
function dependents(ops: readonly PlanOp[], relation: number): ReadonlySet<PlanOp> {
  const changing = new Set([relation])
  const found = new Set<PlanOp>()
  for (const op of ops) {
    if (!inputsOf(op).some(input => changing.has(input))) continue
    found.add(op)
    changing.add(op.kind === 'rec' ? op.self : op.out)
  }
  return found
}

/** What an operation reads; a recursive group, what it does not make itself, and its body. */
function inputsOf(op: PlanOp): readonly number[] {
  switch (op.kind) {
    case 'or': return op.args
    case 'and': case 'minus': case 'seq': return [op.left, op.right]
    case 'keep': case 'drop': case 'from': case 'to': case 'inv': case 'plus': return [op.arg]
    case 'mask': return []
    case 'count': return [op.core]
    case 'rec': return [...op.ops.flatMap(inputsOf), op.body].filter(input => input !== op.self)
  }
}
