/** What Rust signatures say, as data: types, structs, methods and trait implementations. */

/** `'a`, `'static`; every elided lifetime has been given a name of its own, such as `'_1`. In a client: `'1`, `'2` and so on. */
export type Region = string

export type Type =
  /** A generic parameter: `T`. */
  | {readonly kind: 'parameter'; readonly name: string}
  /** A struct or enum, declared or known (prelude.ts), integers and `bool` included. */
  | {readonly kind: 'named'; readonly name: string; readonly regions: readonly Region[]; readonly types: readonly Type[]}
  | {readonly kind: 'reference'; readonly mutable: boolean; readonly region: Region; readonly to: Type}
  | {readonly kind: 'pointer'; readonly mutable: boolean; readonly to: Type}
  /** `()` has no items. */
  | {readonly kind: 'tuple'; readonly items: readonly Type[]}
  | {readonly kind: 'array'; readonly item: Type; readonly length: string}
  | ClosureType

/** `impl FnOnce(&T) -> R + Send`: the type of a parameter, nothing else. */
export interface ClosureType {
  readonly kind: 'closure'
  readonly trait: 'Fn' | 'FnMut' | 'FnOnce'
  /** The lifetimes for which it must work, whatever they are: `for<'a>`. */
  readonly regions: readonly Region[]
  readonly parameters: readonly Type[]
  readonly result: Type
  /** Traits, and `'static`, that the closure itself must satisfy. */
  readonly bounds: readonly string[]
}

export type Bound =
  /** `T: Copy` */
  | {readonly kind: 'trait'; readonly type: Type; readonly trait: string}
  /** `T: 'a`, `T: 'static` */
  | {readonly kind: 'outlives'; readonly type: Type; readonly region: Region}
  /** `'a: 'b`: 'a lasts at least as long. */
  | {readonly kind: 'longer'; readonly longer: Region; readonly shorter: Region}

/** The generic parameters of an item, and what they must satisfy. */
export interface Generics {
  readonly regions: readonly Region[]
  readonly types: readonly string[]
  readonly bounds: readonly Bound[]
}

export interface Variant {
  readonly name: string
  readonly fields: readonly Type[]
}

export interface Struct extends Generics {
  readonly name: string
  readonly kind: 'struct' | 'enum'
  /** A struct is one variant of its own name. Null: declared with parameters but without fields, so nothing is known of it. */
  readonly variants: readonly Variant[] | null
}

export interface Parameter {
  readonly name: string
  readonly type: Type
}

export interface Method extends Generics {
  /** `SeqLock::read`; `synchronize` for a function that belongs to no type. Unique. */
  readonly id: string
  readonly name: string
  /** The struct that it belongs to, as the `impl` names it (`SeqLock<T>`); null for a free function. */
  readonly self: Type | null
  /** The trait that it implements, as `Deref`; null for an inherent one. */
  readonly trait: string | null
  /** The first is named `self` where there is a receiver. */
  readonly parameters: readonly Parameter[]
  readonly result: Type
  readonly unsafe: boolean
  /** Where it stands in the text. */
  readonly at: number
}

/** `unsafe impl<T: Send> Sync for SeqLock<T> {}`; also what `#[derive(Clone)]` means. */
export interface TraitImpl extends Generics {
  readonly trait: string
  readonly type: Type
  /** `impl !Send for …` */
  readonly negative: boolean
  /** `type Target = …;` of a `Deref`. */
  readonly target: Type | null
}

/** `trait AnyBitPattern: Copy {}` */
export interface Marker {
  readonly name: string
  readonly supertraits: readonly string[]
}

/** All that the text declares, in its order. */
export interface Signatures {
  readonly structs: readonly Struct[]
  readonly methods: readonly Method[]
  readonly impls: readonly TraitImpl[]
  readonly markers: readonly Marker[]
}

export const unit: Type = {kind: 'tuple', items: []}

export function named(name: string, types: readonly Type[] = [], regions: readonly Region[] = []): Type {
  return {kind: 'named', name, regions, types}
}

/** A type as Rust spells it; elided lifetimes are left out or, where they must be there, `'_`. */
export function showType(type: Type): string {
  switch (type.kind) {
    case 'parameter': return type.name
    case 'named': {
      const parts = [...type.regions.map(region => isNamed(region) ? region : "'_"), ...type.types.map(showType)]
      return parts.length === 0 ? type.name : `${type.name}<${parts.join(', ')}>`
    }
    case 'reference': return `&${isNamed(type.region) ? `${type.region} ` : ''}${type.mutable ? 'mut ' : ''}${showType(type.to)}`
    case 'pointer': return `*${type.mutable ? 'mut' : 'const'} ${showType(type.to)}`
    case 'tuple': return type.items.length === 1 ? `(${showType(type.items[0]!)},)` : `(${type.items.map(showType).join(', ')})`
    case 'array': return `[${showType(type.item)}; ${type.length}]`
    case 'closure': {
      const result = type.result.kind === 'tuple' && type.result.items.length === 0 ? '' : ` -> ${showType(type.result)}`
      const regions = type.regions.filter(isNamed)
      const binder = regions.length === 0 ? '' : `for<${regions.join(', ')}> `
      return ['impl ' + `${binder}${type.trait}(${type.parameters.map(showType).join(', ')})${result}`, ...type.bounds].join(' + ')
    }
  }
}

/** A lifetime that somebody wrote, not one made for an elided one. */
export function isNamed(region: Region): boolean {
  return /^'[A-Za-z]/.test(region)
}
