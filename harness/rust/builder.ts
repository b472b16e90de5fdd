/** Builds a flow point by point: what is in scope, what has been moved out of, what unwinding and the ends of blocks drop. */
import type {Variable} from './client.ts'
import type {Access, Flow, Loan, Point, Unknown} from './flow.ts'
import {regionsOf} from './parse-type.ts'
import type {Region, Signatures, Type} from './syntax.ts'
import {droppedRegions, impliedOutlives, needsDrop, satisfies, variances, type Variance} from './traits.ts'
import {known} from './prelude.ts'
import {mapRegions, sameShape, structOf} from './types.ts'
import {showType} from './syntax.ts'

/** A client that is no program at all: nothing that follows can be given a type. */
export class IllTyped extends Error {
  override readonly name = 'IllTyped'
}

/** The body of one function: main, a thread or a closure. */
interface Frame {
  readonly kind: 'main' | 'thread' | 'closure'
  /** In the order of declaration. */
  readonly declared: Variable[]
  /** Ends of early exits, which join the end of the frame. */
  readonly exits: number[]
}

interface Draft {
  readonly uses?: readonly Variable[]
  readonly drops?: Variable
  readonly defines?: readonly Variable[]
  readonly moves?: readonly Variable[]
  readonly accesses?: readonly Access[]
  readonly loan?: Loan | null
  readonly end?: Point['end']
}

export class Builder {
  readonly signatures: Signatures
  readonly types = new Map<Variable, Type>()
  readonly #points: (Point & {readonly successors: number[]})[] = []
  readonly #outlives: [Region, Region][] = []
  readonly #unknown: Unknown[] = []
  readonly #dropped = new Map<Variable, readonly Region[]>()
  readonly #frames: Frame[] = []
  readonly #moved = new Set<Variable>()
  #open: number[] = []
  #regions = 0
  #temporaries = 0
  label = ''
  /** What is wrong although the types of all variables are clear: moves, bounds, mismatches. */
  readonly problems: string[] = []

  constructor(signatures: Signatures) {
    this.signatures = signatures
  }

  flow(): Flow {
    return {points: this.#points, types: this.types, dropped: this.#dropped, outlives: this.#outlives, unknown: this.#unknown}
  }

  /** How many points there are. */
  get length(): number { return this.#points.length }

  // ---- Lifetimes and types -------------------------------------------------------------------------

  region(): Region {
    return `'${++this.#regions}`
  }

  /** The same type with lifetimes of its own. */
  fresh(type: Type): Type {
    return mapRegions(type, region => region === "'static" ? region : this.region())
  }

  outlives(longer: Region, shorter: Region): void {
    if (longer !== shorter && longer !== "'static") this.#outlives.push([longer, shorter])
  }

  unknown(region: Region, from: number): void {
    this.#unknown.push({region, from, to: this.length - 1})
  }

  /** A value of the first type is used where the second is wanted (Reference, "Subtyping and variance"). */
  relate(found: Type, wanted: Type, variance: Variance = 'covariant'): void {
    if (!sameShape(found, wanted)) {
      this.problem(`expected ${showType(wanted)}, found ${showType(found)}`)
      return
    }
    if (found.kind === 'reference' && wanted.kind === 'reference') {
      this.#relateRegions(found.region, wanted.region, variance)
      this.relate(found.to, wanted.to, found.mutable ? 'invariant' : variance)
    } else if (found.kind === 'pointer' && wanted.kind === 'pointer') {
      this.relate(found.to, wanted.to, found.mutable ? 'invariant' : variance)
    } else if (found.kind === 'tuple' && wanted.kind === 'tuple') {
      for (const [i, item] of found.items.entries()) this.relate(item, wanted.items[i]!, variance)
    } else if (found.kind === 'array' && wanted.kind === 'array') {
      this.relate(found.item, wanted.item, variance)
    } else if (found.kind === 'named' && wanted.kind === 'named') {
      const struct = structOf(this.signatures, found)
      const own = struct === null ? null : variances(this.signatures, struct)
      const all = struct === null ? known.get(found.name)!.variance : variance
      for (const [i, region] of found.regions.entries()) this.#relateRegions(region, wanted.regions[i]!, within(variance, own?.get(struct?.regions[i] ?? '') ?? all))
      for (const [i, type] of found.types.entries()) this.relate(type, wanted.types[i]!, within(variance, own?.get(struct?.types[i] ?? '') ?? all))
    }
  }

  #relateRegions(found: Region, wanted: Region, variance: Variance): void {
    this.outlives(found, wanted)
    if (variance === 'invariant') this.outlives(wanted, found)
  }

  /** What the type itself promises: that what is behind a reference lasts as long. */
  wellFormed(type: Type): void {
    for (const [longer, shorter] of impliedOutlives(this.signatures, type)) this.outlives(longer, shorter)
  }

  has(type: Type, trait: string): boolean {
    return satisfies(this.signatures, type, trait)
  }

  require(type: Type, trait: string, why: string): void {
    if (!this.has(type, trait)) this.problem(`${showType(type)} is not ${trait}, ${why}`)
  }

  problem(text: string): void {
    this.problems.push(`${this.label}: ${text}`)
  }

  // ---- Variables -----------------------------------------------------------------------------------

  get frame(): Frame { return this.#frames.at(-1)! }

  /** A value without a name, which lasts until the call that takes it. */
  temporary(type: Type): Variable {
    const variable = -1 - this.#temporaries++
    this.types.set(variable, type)
    return variable
  }

  /** Binds a variable of the client to what a temporary holds, or to what comes from elsewhere. */
  declare(variable: Variable, type: Type, from: Variable | null): void {
    if (this.types.has(variable)) throw new IllTyped(`${this.label}: variable ${variable} is bound twice`)
    this.types.set(variable, type)
    if (needsDrop(this.signatures, type)) this.#dropped.set(variable, droppedRegions(this.signatures, type))
    this.frame.declared.push(variable)
    this.add({uses: from === null ? [] : [from], defines: [variable]})
  }

  /** The type of a variable that holds a value and belongs to the function at hand. */
  typeOf(variable: Variable): Type {
    const type = this.types.get(variable)
    if (type === undefined) throw new IllTyped(`${this.label}: there is no variable ${variable}`)
    if (!this.frame.declared.includes(variable)) throw new IllTyped(`${this.label}: variable ${variable} belongs to another thread or closure`)
    if (this.#moved.has(variable)) this.problem(`use of moved variable ${variable}`)
    return type
  }

  /** Takes the value out of a variable, or copies it. */
  take(variable: Variable): {readonly type: Type; readonly draft: Draft} {
    const type = this.typeOf(variable)
    if (this.has(type, 'Copy')) return {type, draft: {uses: [variable], accesses: [{variable, behind: false, kind: 'read', what: 'copied'}]}}
    this.#moved.add(variable)
    return {type, draft: {uses: [variable], moves: [variable], accesses: [{variable, behind: false, kind: 'write', what: 'moved'}]}}
  }

  // ---- Points --------------------------------------------------------------------------------------

  /** The next point on the path. */
  add({uses = [], drops, defines = [], moves = [], accesses = [], loan = null, end = null}: Draft): number {
    const at = this.#points.length
    this.#points.push({uses, drops: drops ?? null, defines, moves, accesses, loan, end, successors: [], label: this.label})
    this.jumpTo(at)
    this.#open = [at]
    return at
  }

  jumpTo(at: number): void {
    for (const before of this.#open) this.#points[before]!.successors.push(at)
  }

  /** The path goes on from here, and from those points too. */
  joinFrom(...points: readonly number[]): void {
    this.#open = [...this.#open, ...points]
  }

  /** Nothing follows. */
  stop(): void {
    this.#open = []
  }

  /** A point that calls a function: it may unwind, and then everything owned is dropped. */
  call(draft: Draft): number {
    const at = this.add(draft)
    const owned = this.owned()
    if (owned.length > 0) {
      for (const variable of owned) this.#drop(variable, null)
      this.#open = [at]
    }
    return at
  }

  #drop(variable: Variable, end: Point['end']): void {
    this.add({drops: variable, accesses: [{variable, behind: false, kind: 'write', what: 'dropped'}], end})
  }

  /** What the function at hand would have to drop now, in that order. */
  owned(): readonly Variable[] {
    return this.frame.declared.filter(variable => this.#dropped.has(variable) && !this.#moved.has(variable)).reverse()
  }

  /** Drops everything owned and ends the storage of all variables, in reverse order of declaration. */
  endBlock(end: Point['end']): void {
    const owned = new Set(this.owned())
    for (const variable of this.frame.declared.toReversed()) {
      if (owned.has(variable)) {
        // a destructor may unwind too, into those that are left; they come later on this path anyway
        this.#drop(variable, end)
      }
      this.add({accesses: [{variable, behind: false, kind: 'dead', what: 'gone'}], end})
    }
  }

  enter(kind: Frame['kind']): void {
    this.#frames.push({kind, declared: [], exits: []})
  }

  /** Leaves a function; early exits join here. */
  leave(): void {
    const {exits} = this.#frames.pop()!
    this.joinFrom(...exits)
  }

  /** A path that leaves the function early, from the present point; `first` is dropped before all else. */
  exit(first: Variable | null): void {
    const from = this.#open
    if (first !== null) this.add({drops: first})
    this.endBlock(null)
    this.frame.exits.push(...this.#open)
    this.#open = from
  }

  /** Remembers what the destructor of a temporary may look at. */
  mayDrop(temporary: Variable): boolean {
    const type = this.types.get(temporary)!
    if (!needsDrop(this.signatures, type)) return false
    this.#dropped.set(temporary, droppedRegions(this.signatures, type))
    return true
  }

  /** Whether all lifetimes in the types are those that everything outlives. */
  makeStatic(type: Type): void {
    for (const region of regionsOf(type)) this.outlives(region, "'static")
  }
}

function within(outer: Variance, inner: Variance): Variance {
  return outer === 'invariant' ? outer : inner
}
