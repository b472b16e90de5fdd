/**
 * Which types are Copy, Clone, Send, Sync or marked; what is dropped with them; how their lifetimes may vary.
 * Source: the Rust Reference, "Special types and traits" (auto traits), "Destructors" and "Subtyping and variance"; RFC 1238 and
 * RFC 1327 for what a destructor may still use.
 */
import {anyBitPattern, known} from './prelude.ts'
import {regionsOf} from './parse-type.ts'
import type {Region, Signatures, Struct, TraitImpl, Type} from './syntax.ts'
import {argumentsOf, fieldsOf, mapRegions, matchType, sameShape, shapeOf, structOf, substitute, substituteBound} from './types.ts'

const memories = new WeakMap<Signatures, Map<string, unknown>>()

/** What was found before for the same question; enumerating asks each of them for every client. */
function remembered<A>(signatures: Signatures, question: string, find: () => A): A {
  let memory = memories.get(signatures)
  if (memory === undefined) memories.set(signatures, memory = new Map<string, unknown>())
  if (!memory.has(question)) memory.set(question, find())
  return memory.get(question) as A
}

/** What is asked of a type's lifetimes depends on its shape alone: asked once, of lifetimes that are numbers. */
function ofLifetimes<A>(signatures: Signatures, question: string, type: Type, find: (type: Type) => A): A {
  return remembered(signatures, `${question} ${shapeOf(type)}`, () => {
    let count = 0
    return find(mapRegions(type, () => String(count++)))
  })
}

/** The lifetime that had this number. */
function numberedIn(regions: readonly Region[], number: Region): Region {
  return regions[Number(number)] ?? number
}

/** Whether a type without parameters has a trait. `'static` is about lifetimes, which the borrow checker decides: true here. */
export function satisfies(signatures: Signatures, type: Type, trait: string): boolean {
  return remembered(signatures, `${trait} ${shapeOf(type)}`, () => hasTrait(signatures, type, trait))
}

function hasTrait(signatures: Signatures, type: Type, trait: string): boolean {
  const every = (types: readonly Type[], wanted = trait): boolean => types.every(part => satisfies(signatures, part, wanted))
  const marker = signatures.markers.some(({name}) => name === trait)
  if (trait === "'static" || trait === 'Sized' || trait === 'Unpin') return true
  if (marker || trait === 'AnyBitPattern') {
    return (!marker && anyBitPattern.some(known => sameShape(known, type))) || implsOf(signatures, trait, type).some(impl => applies(signatures, impl, type))
  }
  switch (type.kind) {
    case 'parameter':
    case 'closure': throw new Error(`Bug: ${trait} was asked of a type that is not known`)
    case 'tuple': return every(type.items)
    case 'array': return every([type.item])
    case 'pointer': return trait === 'Copy' || trait === 'Clone'
    case 'reference': return ofReference(type.mutable, trait, wanted => every([type.to], wanted))
    case 'named': {
      const struct = structOf(signatures, type)
      if (struct !== null) return ofStruct(signatures, struct, type, trait)
      const needed = known.get(type.name)!.traits[trait as 'Send']
      return needed !== null && needed.every(wanted => every(type.types, wanted))
    }
  }
}

function ofReference(mutable: boolean, trait: string, target: (trait: string) => boolean): boolean {
  if (trait === 'Copy' || trait === 'Clone') return !mutable
  return target(trait === 'Send' && mutable ? 'Send' : 'Sync')
}

function ofStruct(signatures: Signatures, struct: Struct, type: Type & {kind: 'named'}, trait: string): boolean {
  const impls = implsOf(signatures, trait, type)
  if (impls.some(impl => applies(signatures, impl, type))) return true
  // an impl, positive or negative, takes the place of the automatic one
  if (impls.length > 0 || (trait !== 'Send' && trait !== 'Sync')) return false
  return fieldsOf(struct, type)?.every(field => satisfies(signatures, field, trait)) ?? false
}

/** The implementations, also negative ones, for this struct or enum, whatever its arguments. */
function implsOf(signatures: Signatures, trait: string, type: Type): readonly TraitImpl[] {
  return signatures.impls.filter(impl => impl.trait === trait
    && (type.kind === 'named' && impl.type.kind === 'named' ? impl.type.name === type.name : matchType(impl.type, type) !== null))
}

function applies(signatures: Signatures, impl: TraitImpl, type: Type): boolean {
  const by = matchType(impl.type, type)
  return by !== null && !impl.negative && impl.bounds.map(bound => substituteBound(bound, by))
    .every(bound => bound.kind !== 'trait' || satisfies(signatures, bound.type, bound.trait))
}

// ---- Dropping --------------------------------------------------------------------------------------

/** Whether it has a destructor of its own. */
export function hasDrop(signatures: Signatures, type: Type): boolean {
  return implsOf(signatures, 'Drop', type).length > 0
}

/** Whether something happens when a value of this type goes. */
export function needsDrop(signatures: Signatures, type: Type): boolean {
  return remembered(signatures, `drop ${shapeOf(type)}`, () => isDropped(signatures, type))
}

function isDropped(signatures: Signatures, type: Type): boolean {
  switch (type.kind) {
    case 'tuple': return type.items.some(item => needsDrop(signatures, item))
    case 'array': return needsDrop(signatures, type.item)
    case 'named': {
      const struct = structOf(signatures, type)
      if (struct !== null) return hasDrop(signatures, type) || (fieldsOf(struct, type)?.some(field => needsDrop(signatures, field)) ?? false)
      const {drop} = known.get(type.name)!
      return drop === 'always' || (drop === 'parameters' && type.types.some(part => needsDrop(signatures, part)))
    }
    default: return false
  }
}

/**
 * The lifetimes that must still last when a value is dropped: all of a type with a `Drop` of its own, since that may look at
 * everything, and otherwise those of its fields. `Box<&T>` looks at nothing (`#[may_dangle]`, RFC 1327).
 */
export function droppedRegions(signatures: Signatures, type: Type): readonly Region[] {
  const regions = regionsOf(type)
  return ofLifetimes(signatures, 'dropped', type, numbered => seenByDrop(signatures, numbered)).map(region => numberedIn(regions, region))
}

function seenByDrop(signatures: Signatures, type: Type): readonly Region[] {
  const all = (types: readonly Type[]): readonly Region[] => types.flatMap(part => seenByDrop(signatures, part))
  switch (type.kind) {
    case 'tuple': return all(type.items)
    case 'array': return all([type.item])
    case 'named': {
      if (hasDrop(signatures, type)) return regionsOf(type)
      const struct = structOf(signatures, type)
      if (struct !== null) return all(fieldsOf(struct, type) ?? [])
      return type.name === 'MaybeUninit' || type.name === 'ManuallyDrop' ? [] : [...type.regions, ...all(type.types)] // `Peek`
    }
    default: return []
  }
}

// ---- Variance --------------------------------------------------------------------------------------

export type Variance = 'covariant' | 'invariant'

/**
 * How each lifetime and each type parameter of a struct may vary: `invariant` if it may not be shortened anywhere in the
 * fields. Of an opaque struct nothing is known: its types are taken to be in cells, its lifetimes to be those of references.
 */
export function variances(signatures: Signatures, struct: Struct): ReadonlyMap<string, Variance> {
  return remembered(signatures, `variances ${struct.name}`, () => variancesIn(signatures, struct))
}

function variancesIn(signatures: Signatures, struct: Struct): ReadonlyMap<string, Variance> {
  const found = new Map<string, Variance>()
  if (struct.variants === null) return new Map(struct.types.map(name => [name, 'invariant' as const]))
  const visit = (type: Type, fixed: boolean, inside: readonly string[]): void => {
    const mark = (name: string): void => {
      if (fixed) found.set(name, 'invariant')
    }
    switch (type.kind) {
      case 'parameter': mark(type.name); break
      case 'reference':
        mark(type.region)
        visit(type.to, fixed || type.mutable, inside)
        break
      case 'pointer': visit(type.to, fixed || type.mutable, inside); break
      case 'tuple': for (const item of type.items) visit(item, fixed, inside); break
      case 'array': visit(type.item, fixed, inside); break
      case 'closure': break
      case 'named': {
        const other = structOf(signatures, type)
        for (const region of type.regions) mark(region)
        if (other === null) {
          for (const part of type.types) visit(part, fixed || known.get(type.name)!.variance === 'invariant', inside)
        } else if (!inside.includes(other.name)) {
          // a struct that contains itself adds nothing new
          for (const field of fieldsOf(other, type) ?? []) visit(field, fixed, [...inside, other.name])
          if (other.variants === null) for (const part of type.types) visit(part, true, inside)
        }
        break
      }
    }
  }
  for (const {fields} of struct.variants) for (const field of fields) visit(field, false, [struct.name])
  return found
}

// ---- Well-formedness -------------------------------------------------------------------------------

/** `[longer, shorter]`: what is behind a reference lasts as long as the reference; and what structs declare or imply. */
export function impliedOutlives(signatures: Signatures, type: Type): Outlives {
  const regions = regionsOf(type)
  return ofLifetimes(signatures, 'implied', type, numbered => implied(signatures, numbered, []))
    .map(([longer, shorter]) => [numberedIn(regions, longer), numberedIn(regions, shorter)])
}

type Outlives = readonly (readonly [Region, Region])[]

function implied(signatures: Signatures, type: Type, inside: readonly string[]): Outlives {
  const all = (types: readonly Type[], names = inside): Outlives => types.flatMap(part => implied(signatures, part, names))
  switch (type.kind) {
    case 'parameter':
    case 'closure': return []
    case 'reference': return [...regionsOf(type.to).map(region => [region, type.region] as const), ...all([type.to])]
    case 'pointer': return all([type.to])
    case 'tuple': return all(type.items)
    case 'array': return all([type.item])
    case 'named': {
      const struct = structOf(signatures, type)
      if (struct === null || inside.includes(struct.name)) return all(type.types)
      const declared = struct.bounds.map(bound => substituteBound(bound, argumentsOf(struct, type))).flatMap(bound => {
        if (bound.kind === 'longer') return [[bound.longer, bound.shorter] as const]
        return bound.kind === 'outlives' ? regionsOf(bound.type).map(region => [region, bound.region] as const) : []
      })
      return [...declared, ...all(type.types), ...all(fieldsOf(struct, type) ?? [], [...inside, struct.name])]
    }
  }
}

/** Whether the bounds on the type parameters of the structs in a type hold. */
export function wellFormed(signatures: Signatures, type: Type): boolean {
  return remembered(signatures, `bounds ${shapeOf(type)}`, () => boundsHold(signatures, type))
}

function boundsHold(signatures: Signatures, type: Type): boolean {
  switch (type.kind) {
    case 'reference':
    case 'pointer': return wellFormed(signatures, type.to)
    case 'tuple': return type.items.every(item => wellFormed(signatures, item))
    case 'array': return wellFormed(signatures, type.item)
    case 'named': {
      const struct = structOf(signatures, type)
      const by = struct === null ? null : argumentsOf(struct, type)
      return type.types.every(part => wellFormed(signatures, part)) && (struct?.bounds.every(bound =>
        bound.kind !== 'trait' || satisfies(signatures, substitute(bound.type, by!), bound.trait)) ?? true)
    }
    default: return true
  }
}
