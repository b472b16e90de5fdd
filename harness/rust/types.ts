/** Types of signatures as a client meets them: parameters replaced, shapes compared, places dereferenced. */
import {showType, type Bound, type ClosureType, type Method, type Region, type Signatures, type Struct, type Type} from './syntax.ts'

/** What stands in place of generic parameters and lifetimes; what is not listed stays. */
export interface Substitution {
  readonly types: ReadonlyMap<string, Type>
  readonly regions: ReadonlyMap<Region, Region>
}

export function substitute(type: Type, by: Substitution): Type {
  switch (type.kind) {
    case 'parameter': return by.types.get(type.name) ?? type
    case 'named':
      if (type.regions.length + type.types.length === 0) return type
      return {...type, regions: type.regions.map(region => substituteRegion(region, by)), types: type.types.map(part => substitute(part, by))}
    case 'reference': return {...type, region: substituteRegion(type.region, by), to: substitute(type.to, by)}
    case 'pointer': return {...type, to: substitute(type.to, by)}
    case 'tuple': return {...type, items: type.items.map(part => substitute(part, by))}
    case 'array': return {...type, item: substitute(type.item, by)}
    case 'closure': return {...type, parameters: type.parameters.map(part => substitute(part, by)), result: substitute(type.result, by)}
  }
}

export function substituteBound(bound: Bound, by: Substitution): Bound {
  switch (bound.kind) {
    case 'trait': return {...bound, type: substitute(bound.type, by)}
    case 'outlives': return {...bound, type: substitute(bound.type, by), region: substituteRegion(bound.region, by)}
    case 'longer': return {...bound, longer: substituteRegion(bound.longer, by), shorter: substituteRegion(bound.shorter, by)}
  }
}

function substituteRegion(region: Region, by: Substitution): Region {
  return by.regions.get(region) ?? region
}

/** The type with another lifetime in every place, in order of appearance. */
export function mapRegions(type: Type, change: (region: Region) => Region): Type {
  switch (type.kind) {
    case 'parameter':
    case 'closure': return type
    case 'named':
      if (type.regions.length + type.types.length === 0) return type
      return {...type, regions: type.regions.map(change), types: type.types.map(part => mapRegions(part, change))}
    case 'reference': return {...type, region: change(type.region), to: mapRegions(type.to, change)}
    case 'pointer': return {...type, to: mapRegions(type.to, change)}
    case 'tuple': return {...type, items: type.items.map(part => mapRegions(part, change))}
    case 'array': return {...type, item: mapRegions(type.item, change)}
  }
}

/** The type without its lifetimes, as text: equal for types that differ in nothing else. */
export function shapeOf(type: Type): string {
  switch (type.kind) {
    case 'parameter': return type.name
    case 'named': return type.types.length === 0 ? type.name : `${type.name}<${type.types.map(shapeOf).join(',')}>`
    case 'reference': return `&${type.mutable ? 'mut ' : ''}${shapeOf(type.to)}`
    case 'pointer': return `*${type.mutable ? 'mut ' : ''}${shapeOf(type.to)}`
    case 'tuple': return `(${type.items.map(shapeOf).join(',')})`
    case 'array': return `[${shapeOf(type.item)};${type.length}]`
    case 'closure': return 'closure'
  }
}

export function sameShape(a: Type, b: Type): boolean {
  return a === b || shapeOf(a) === shapeOf(b)
}

/**
 * What the parameters of a pattern (the type of an `impl`) must be for it to be this type; null if nothing makes it so.
 * Lifetimes are bound too, but two of the same name need not agree: only traits ask, and those do not look at lifetimes.
 */
export function matchType(pattern: Type, type: Type): Substitution | null {
  const types = new Map<string, Type>()
  const regions = new Map<Region, Region>()
  const match = (left: Type, right: Type): boolean => {
    if (left.kind === 'parameter') {
      const before = types.get(left.name)
      types.set(left.name, right)
      return before === undefined || sameShape(before, right)
    }
    if (left.kind === 'named' && right.kind === 'named') {
      for (const [i, region] of left.regions.entries()) regions.set(region, right.regions[i]!)
      return left.name === right.name && left.types.every((part, i) => match(part, right.types[i]!))
    }
    if (left.kind === 'reference' && right.kind === 'reference') {
      regions.set(left.region, right.region)
      return left.mutable === right.mutable && match(left.to, right.to)
    }
    if (left.kind === 'pointer' && right.kind === 'pointer') return left.mutable === right.mutable && match(left.to, right.to)
    if (left.kind === 'tuple' && right.kind === 'tuple') {
      return left.items.length === right.items.length && left.items.every((part, i) => match(part, right.items[i]!))
    }
    return sameShape(left, right)
  }
  return match(pattern, type) ? {types, regions} : null
}

/** The struct's parameters as one of its types gives them. */
export function argumentsOf(struct: Struct, type: Type & {kind: 'named'}): Substitution {
  return {
    types: new Map(struct.types.map((name, i) => [name, type.types[i]!])),
    regions: new Map(struct.regions.map((name, i) => [name, type.regions[i]!])),
  }
}

/** The types of all fields of a declared struct or enum; null if it is opaque. */
export function fieldsOf(struct: Struct, type: Type & {kind: 'named'}): readonly Type[] | null {
  const by = argumentsOf(struct, type)
  return struct.variants?.flatMap(({fields}) => fields.map(field => substitute(field, by))) ?? null
}

/** The struct that a type is made from, if the text declares it. */
export function structOf({structs}: Signatures, type: Type): Struct | null {
  return type.kind === 'named' ? structs.find(({name}) => name === type.name) ?? null : null
}

/** `R` of `fn read<R>(&self, f: impl Fn(&T) -> R) -> R`: the closure alone decides what it is. */
export function isFreeResult(method: Method, closure: ClosureType): boolean {
  const {result} = closure
  if (result.kind !== 'parameter') return false
  const mentions = (type: Type): boolean => new RegExp(`\\b${result.name}\\b`).test(showType(type))
  return !method.parameters.some(({type}) => type.kind === 'closure' ? type.parameters.some(mentions) : mentions(type))
    && (method.self === null || !mentions(method.self))
}
