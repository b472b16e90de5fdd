/**
 * Fits a master plan to programs: leaves out what is empty in all of them, and what nothing needs. A relation that comes
 * to the same as another is that other; an operation that only feeds a union adds to the union directly. Fewer relations
 * are less to save, to restore and to keep up to date.
 *
 * There are hundreds of kinds of programs and each is fitted to once, when nothing is compiled yet: so these are plain
 * loops over numbers.
 */
import {codes, groupOf, readsTwo, type Code, type Group, type Mask} from './code.ts'
import {mapped} from './mapped.ts'
import type {MasterPlan, Plan} from './plan.ts'
import {Presence} from './presence.ts'

/** An empty relation, and a set that no mask or test refers to. */
const none = -1

/** What is known of a relation: only events of one thread, or only of different threads. */
const [unknown, int, ext] = [0, 1, 2]

/** The plan for programs that have these of the master's inputs. */
export function fit(master: MasterPlan, presence: Int32Array): Plan {
  return new Fitting(master, presence).plan()
}

/** More than there are relations, sets or masks: keys of operations are numbers. */
const keyStep = 65536

/** Operations being collected: four numbers each, as in code.ts. */
interface Draft {
  readonly ops: number[]
  readonly groups: DraftGroup[]
}

interface DraftGroup {
  readonly self: number
  readonly body: number
  readonly inner: Draft
}

class Fitting {
  readonly #master: MasterPlan
  readonly #bits: Int32Array
  readonly #presence: Presence
  /** For each of the master's relations, the one that it comes to. */
  readonly #is: Int32Array
  readonly #side: Uint8Array
  /** Results by what they are made of. */
  #known = new Map<number | string, number>()
  /** How often each relation is read. */
  readonly #uses: Int32Array
  /** The union that takes the pairs of a relation. */
  readonly #into: Int32Array
  readonly #numbers: Int32Array
  readonly #setOf: Int32Array
  readonly #masks: Mask[] = []
  readonly #maskOf: Int32Array
  #sets = 0
  #count = 0

  constructor(master: MasterPlan, presence: Int32Array) {
    const {relations, sets, code} = master
    if (Math.max(relations, sets.length, code.masks.length) >= keyStep) throw new Error(`model ${master.model.name} has too many relations`)
    this.#master = master
    this.#bits = presence
    this.#presence = new Presence(master, presence)
    this.#is = new Int32Array(relations).fill(none)
    this.#side = new Uint8Array(relations)
    this.#uses = new Int32Array(relations)
    this.#into = new Int32Array(relations).fill(none)
    this.#numbers = new Int32Array(relations).fill(none)
    this.#setOf = new Int32Array(sets.length).fill(none)
    this.#maskOf = new Int32Array(code.masks.length).fill(none)
  }

  plan(): Plan {
    const {locals, code, flagCode, grace, rf, co, fr} = this.#master
    this.#input(rf, this.#sideOf(0))
    this.#input(co, this.#sideOf(1))
    this.#input(fr, this.#sideOf(2))
    if (grace !== none && this.#presence.hasGrace) this.#input(grace, unknown)
    for (let i = 0; i < locals.length; i++) if (this.#presence.hasLocal(i)) this.#input(locals[i]!.relation, int)
    const axioms = this.#forward(code)
    const flags = this.#forward(flagCode)
    this.#noteUses(axioms, flags)
    this.#foldUnions(axioms, true)
    return this.#numbered(axioms, flags)
  }

  #input(relation: number, side: number): void {
    this.#is[relation] = relation
    this.#side[relation] = side
  }

  #sideOf(which: 0 | 1 | 2): number {
    return this.#master.isCoherent && !this.#presence.hasWithin(which) ? ext : unknown
  }

  #isOf(relation: number): number {
    return relation === none ? none : this.#is[relation]!
  }

  // ---- forward: what is empty, and what comes to the same -------------------------------------------

  #forward(code: Code): Draft {
    const draft: Draft = {ops: [], groups: []}
    const {ops} = code
    for (let at = 0; at < ops.length;) {
      const op = ops[at]!
      const out = ops[at + 1]!
      let end = at + 4
      if (op === codes.copy) {
        while (end < ops.length && ops[end] === codes.copy && ops[end + 1] === out) end += 4
        this.#is[out] = this.#union(ops, at, end, draft)
      } else if (op === codes.group) this.#group(code.groups[ops[at + 2]!]!, draft)
      else if (out !== none) this.#is[out] = this.#result(op, out, ops[at + 2]!, ops[at + 3]!, draft)
      at = end
    }
    return draft
  }

  #union(ops: Int32Array, from: number, to: number, {ops: made}: Draft): number {
    const out = ops[from + 1]!
    const args: number[] = []
    for (let at = from; at < to; at += 4) {
      const arg = this.#is[ops[at + 2]!]!
      if (arg !== none && !args.includes(arg)) args.push(arg)
    }
    if (args.length < 2) return args.length === 0 ? none : args[0]!
    args.sort((a, b) => a - b)
    const key = args.join()
    const known = this.#known.get(key)
    if (known !== undefined) return known
    this.#known.set(key, out)
    let side = this.#side[args[0]!]!
    for (let i = 0; i < args.length; i++) {
      made.push(codes.copy, out, args[i]!, args[i]!)
      if (this.#side[args[i]!] !== side) side = unknown
    }
    this.#side[out] = side
    return out
  }

  /** What an operation comes to; `y` is a relation, a set or a mask. */
  #result(op: number, out: number, x: number, y: number, draft: Draft): number {
    if (op === codes.count) return this.#presence.hasGain ? this.#made(op, out, this.#isOf(x), 0, unknown, draft) : none
    if (op === codes.mask) return this.#extent(this.#master.code.masks[x]!) === 'nothing' ? none : this.#made(op, out, x, 0, unknown, draft)
    const left = this.#isOf(x)
    if (left === none) return none
    const side = this.#side[left]!
    switch (op) {
      case codes.from: case codes.to:
        if (!this.#presence.hasMember(y)) return none
        return this.#presence.isFull(y) ? left : this.#made(op, out, left, y, side, draft)
      case codes.keep: case codes.drop: return this.#masked(op, out, left, y, draft)
      case codes.plus: return this.#made(op, out, left, left, side === int ? int : unknown, draft)
      case codes.inv: return this.#made(op, out, left, left, side, draft)
    }
    const right = this.#isOf(y)
    const other = right === none ? unknown : this.#side[right]!
    switch (op) {
      case codes.seq: return right === none ? none : this.#made(op, out, left, right, side === int ? other : other === int ? side : unknown, draft)
      case codes.and:
        if (right === none || (side !== unknown && other !== unknown && side !== other)) return none
        return left === right ? left : this.#made(op, out, left, right, side === unknown ? other : side, draft)
      case codes.minus:
        if (right === none) return left
        return left === right ? none : this.#made(op, out, left, right, side, draft)
    }
    throw new Error(`there is no operation ${op}`)
  }

  #masked(op: number, out: number, arg: number, mask: number, draft: Draft): number {
    const {kind} = this.#master.code.masks[mask]!
    const side = this.#side[arg]!
    const keeps = op === codes.keep
    let extent = this.#extent(this.#master.code.masks[mask]!)
    if (side !== unknown && (kind === 'int' || kind === 'ext')) extent = (kind === 'int') === (side === int) ? 'everything' : 'nothing'
    if (side === ext && kind === 'id') extent = 'nothing'
    if (extent !== 'something') return (extent === 'everything') === keeps ? arg : none
    return this.#made(op, out, arg, mask, keeps && kind === 'int' ? int : keeps && kind === 'ext' ? ext : side, draft)
  }

  /** Does a mask keep nothing or everything, whatever the threads and places? */
  #extent(mask: Mask): 'nothing' | 'everything' | 'something' {
    switch (mask.kind) {
      case 'ext': case 'int': case 'loc': case 'id': return 'something'
      case 'cross':
        if (!this.#presence.hasMember(mask.from) || !this.#presence.hasMember(mask.to)) return 'nothing'
        return this.#presence.isFull(mask.from) && this.#presence.isFull(mask.to) ? 'everything' : 'something'
      case 'or': case 'and': {
        const decisive = mask.kind === 'or' ? 'everything' : 'nothing'
        const other = mask.kind === 'or' ? 'nothing' : 'everything'
        let isOpen = false
        for (let i = 0; i < mask.args.length; i++) {
          const extent = this.#extent(mask.args[i]!)
          if (extent === decisive) return decisive
          isOpen ||= extent === 'something'
        }
        return isOpen ? 'something' : other
      }
      case 'minus': {
        const left = this.#extent(mask.left)
        const right = this.#extent(mask.right)
        return left === 'nothing' || right === 'everything' ? 'nothing' : left === 'everything' && right === 'nothing' ? 'everything' : 'something'
      }
    }
  }

  /** The result of an operation: what was made of the same before, or new. */
  #made(op: number, out: number, x: number, y: number, side: number, {ops}: Draft): number {
    const key = (op * keyStep + x) * keyStep + y
    const known = this.#known.get(key)
    if (known !== undefined) return known
    this.#known.set(key, out)
    this.#side[out] = side
    ops.push(op, out, x, y)
    return out
  }

  /** A recursive relation is empty iff its body is when the relation itself is taken for empty. */
  #group({self, body, code}: Group, draft: Draft): void {
    const outer = this.#known
    this.#known = new Map(outer)
    this.#is[self] = none
    this.#forward(code)
    const isEmpty = this.#isOf(body) === none
    this.#known = new Map(outer) // what is made inside is the group's own: its news are gone after each round
    if (!isEmpty) {
      this.#input(self, unknown)
      const inner = this.#forward(code)
      const made = this.#is[body]!
      const [own, others] = partedBy(self, inner.ops)
      draft.ops.push(...others)
      if (makes(own, made)) draft.ops.push(codes.group, self, draft.groups.push({self, body: made, inner: {ops: own, groups: []}}) - 1, 0)
      else this.#is[self] = made
    }
    this.#known = outer
  }

  // ---- backward: what is needed ---------------------------------------------------------------------

  /** Counts how often each relation is read, and drops the operations whose result nobody reads. */
  #noteUses(axioms: Draft, flagsDraft: Draft): void {
    const {rf, co, fr, grace, order, before, closures, checks, flags} = this.#master
    // those that the machine itself looks at must stay what they are, so they count as read twice
    for (const relation of [rf, co, fr, grace, order, before, ...closures]) this.#use(this.#isOf(relation), 2)
    for (let i = 0; i < checks.length; i++) if (checks[i]!.kind !== 'even') this.#use(this.#isOf(checks[i]!.relation), 2)
    for (let i = 0; i < flags.length; i++) this.#use(this.#isOf(flags[i]!.relation), 2)
    this.#dropUnused(flagsDraft)
    this.#dropUnused(axioms)
  }

  #use(relation: number, times: number): void {
    if (relation !== none) this.#uses[relation]! += times
  }

  #dropUnused({ops, groups}: Draft): void {
    for (let at = ops.length - 4; at >= 0; at -= 4) {
      const op = ops[at]!
      const isUsed = this.#uses[ops[at + 1]!]! > 0
      if (op === codes.group && isUsed) {
        const {self, body, inner} = groups[ops[at + 2]!]!
        this.#use(self, 2)
        this.#use(body, 2)
        for (let i = 0; i < inner.ops.length; i += 4) this.#useInputs(inner.ops, i)
      } else if (op === codes.count) {
        this.#use(ops[at + 2]!, 1) // its check needs no pairs
        if (!isUsed) ops[at + 1] = none
      } else if (isUsed) this.#useInputs(ops, at)
      else ops[at] = dropped
    }
  }

  #useInputs(ops: readonly number[], at: number): void {
    if (ops[at] === codes.mask) return
    this.#use(ops[at + 2]!, 1)
    if (readsTwo(ops[at]!)) this.#use(ops[at + 3]!, 1)
  }

  // ---- unions ---------------------------------------------------------------------------------------

  /** What is only copied to one union goes there directly. Nothing from outside may feed a union inside of a group, which clears what it makes. */
  #foldUnions({ops, groups}: Draft, isOuter: boolean): void {
    const isFoldable = new Uint8Array(this.#master.relations)
    if (isOuter) for (const {relation} of this.#master.locals) isFoldable[relation] = 1
    for (let at = 0; at < ops.length; at += 4) {
      const op = ops[at]!
      if (op !== dropped && op !== codes.plus && op !== codes.count && op !== codes.group && op !== codes.mask) isFoldable[ops[at + 1]!] = 1
      if (op === codes.group) this.#foldUnions(groups[ops[at + 2]!]!.inner, false)
    }
    for (let at = 0; at < ops.length; at += 4) {
      const arg = ops[at + 2]!
      if (ops[at] !== codes.copy || this.#uses[arg] !== 1 || isFoldable[arg] === 0) continue
      this.#into[arg] = ops[at + 1]!
      ops[at] = dropped
    }
  }

  // ---- numbers without gaps; those that only flags need stay last -----------------------------------

  #numbered(axioms: Draft, flagsDraft: Draft): Plan {
    const {model, locals, rf, co, fr, grace, order, before, closures, causes, checks, flags, counting} = this.#master
    const kept = this.#numberAll(axioms, flagsDraft, true)
    const relations = this.#numberAll(axioms, flagsDraft, false)
    const numberOf = (relation: number): number => this.#numberOf(this.#isOf(relation))
    const isCounting = this.#presence.hasGain && counting !== null
    const code = this.#encoded(axioms)
    const flagCode = this.#encoded(flagsDraft)
    return {
      model, master: this.#master, presence: this.#bits, relations, kept, code, flagCode,
      rf: numberOf(rf), co: numberOf(co), fr: numberOf(fr), grace: numberOf(grace), order: numberOf(order), before: numberOf(before),
      counting: isCounting ? counting : null,
      checks: mapped(checks, check => ({...check, relation: numberOf(check.relation)})).filter(({kind, relation}) => kind === 'even' ? isCounting : relation !== none),
      flags: mapped(flags, ({flag, relation}) => ({flag, relation: numberOf(relation)})).filter(({relation}) => relation !== none),
      closures: mapped(closures, numberOf).filter(relation => relation !== none),
      causes: mapped(causes, numberOf).filter(relation => relation !== none),
      relationOf: Int32Array.from(locals, ({relation}) => this.#uses[relation]! > 0 ? numberOf(relation) : none),
      setOf: this.#setOf, sets: this.#sets,
    }
  }

  /** Numbers those that are kept up to date, or the others. Returns how many there are now. */
  #numberAll(axioms: Draft, flagsDraft: Draft, isKept: boolean): number {
    const {locals, rf, co, fr, grace, order, before, checks, flags} = this.#master
    for (const relation of [rf, co, fr, grace, order, before]) this.#number(this.#isOf(relation), isKept)
    for (let i = 0; i < locals.length; i++) {
      const {relation} = locals[i]!
      if (this.#is[relation] !== none && this.#uses[relation]! > 0) this.#number(relation, isKept)
    }
    this.#numberIn(axioms, isKept)
    this.#numberIn(flagsDraft, isKept)
    for (let i = 0; i < checks.length; i++) if (checks[i]!.kind !== 'even') this.#number(this.#isOf(checks[i]!.relation), isKept)
    for (let i = 0; i < flags.length; i++) this.#number(this.#isOf(flags[i]!.relation), isKept)
    return this.#count
  }

  #numberIn({ops, groups}: Draft, isKept: boolean): void {
    for (let at = 0; at < ops.length; at += 4) {
      const op = ops[at]!
      if (op === dropped) continue
      this.#number(ops[at + 1]!, isKept)
      if (op === codes.group) {
        const {body, inner} = groups[ops[at + 2]!]!
        this.#number(body, isKept)
        this.#numberIn(inner, isKept)
      } else if (op !== codes.mask) {
        this.#number(ops[at + 2]!, isKept)
        if (readsTwo(op)) this.#number(ops[at + 3]!, isKept)
      }
    }
  }

  #number(relation: number, isKept: boolean): void {
    if (relation === none) return
    const target = this.#target(relation)
    if (this.#numbers[target] === none && (target < this.#master.kept) === isKept) this.#numbers[target] = this.#count++
  }

  #target(relation: number): number {
    let at = relation
    while (this.#into[at] !== none) at = this.#into[at]!
    return at
  }

  #numberOf(relation: number): number {
    return relation === none ? none : this.#numbers[this.#target(relation)]!
  }

  #encoded({ops, groups}: Draft): Code {
    const made: number[] = []
    const encodedGroups: Group[] = []
    for (let at = 0; at < ops.length; at += 4) {
      const op = ops[at]!
      if (op === dropped) continue
      const out = ops[at + 1]!
      const x = ops[at + 2]!
      const y = ops[at + 3]!
      if (op === codes.group) {
        const {self, body, inner} = groups[x]!
        made.push(op, this.#numberOf(self), encodedGroups.push(groupOf(this.#numberOf(self), this.#numberOf(body), this.#encoded(inner))) - 1, 0)
      } else if (op === codes.mask) made.push(op, this.#numberOf(out), this.#maskNumber(x), 0)
      else made.push(op, this.#numberOf(out), this.#numberOf(x), op === codes.from || op === codes.to ? this.#set(y) : op === codes.keep || op === codes.drop ? this.#maskNumber(y) : this.#numberOf(y))
    }
    return {ops: Int32Array.from(made), masks: this.#masks, groups: encodedGroups}
  }

  #set(set: number): number {
    if (this.#setOf[set] === none) this.#setOf[set] = this.#sets++
    return this.#setOf[set]!
  }

  #maskNumber(mask: number): number {
    if (this.#maskOf[mask] === none) this.#maskOf[mask] = this.#masks.push(this.#mask(this.#master.code.masks[mask]!)) - 1
    return this.#maskOf[mask]!
  }

  #mask(mask: Mask): Mask {
    switch (mask.kind) {
      case 'ext': case 'int': case 'loc': case 'id': return mask
      case 'cross': return {kind: 'cross', from: this.#set(mask.from), to: this.#set(mask.to)}
      case 'or': case 'and': return {kind: mask.kind, args: mapped(mask.args, arg => this.#mask(arg))}
      case 'minus': return {kind: 'minus', left: this.#mask(mask.left), right: this.#mask(mask.right)}
    }
  }
}

/** An operation that was left out. */
const dropped = -1

/** Is the relation the result of one of the operations? */
function makes(ops: readonly number[], relation: number): boolean {
  for (let at = 0; at < ops.length; at += 4) if (ops[at + 1] === relation) return true
  return false
}

/** Operations that depend on a relation, directly or not, and those that do not. */
function partedBy(relation: number, ops: readonly number[]): [own: number[], others: number[]] {
  const changing = new Set([relation])
  const own: number[] = []
  const others: number[] = []
  for (let at = 0; at < ops.length; at += 4) {
    const depends = changing.has(ops[at + 2]!) || (readsTwo(ops[at]!) && changing.has(ops[at + 3]!))
    if (depends) changing.add(ops[at + 1]!)
  }
  for (let at = 0; at < ops.length; at += 4) (changing.has(ops[at + 1]!) ? own : others).push(ops[at]!, ops[at + 1]!, ops[at + 2]!, ops[at + 3]!)
  return [own, others]
}
