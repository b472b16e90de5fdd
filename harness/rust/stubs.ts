/**
 * Signatures as a Rust module that compiles: bodies that never return, and fields that make types behave as declared. With it
 * rustc checks the types and borrows of clients.
 */
import {borrowingPayloads, payloads} from './payloads.ts'
import {anyBitPattern, known} from './prelude.ts'
import {isNamed, showType, type Bound, type Generics, type Marker, type Method, type Parameter, type Region, type Signatures, type Struct, type TraitImpl, type Type} from './syntax.ts'

/** The items, after those of payloads.ts. Negative impls need `#![feature(negative_impls)]`. */
export function stubs(signatures: Signatures): string {
  const {structs, methods, impls, markers} = signatures
  const paths = [...known.values()].map(({path}) => path).filter(path => path !== '')
  return [
    ...paths.map(path => `use ${path};`),
    'use std::ops::{Deref, DerefMut};',
    ...[...payloads, ...borrowingPayloads].map(({declaration}) => declaration),
    bitPatterns(markers),
    ...markers.map(marker => `pub unsafe trait ${marker.name}${marker.supertraits.length === 0 ? '' : `: ${marker.supertraits.join(' + ')}`} {}`),
    ...structs.map(struct => structText(struct)),
    ...impls.filter(({trait}) => !['Drop', 'Deref', 'DerefMut', 'Clone'].includes(trait)).map(impl => implText(impl, markers)),
    ...methods.map(method => methodText(method, impls)),
  ].filter(text => text !== '').join('\n') + '\n'
}

function bitPatterns(markers: readonly Marker[]): string {
  if (markers.some(({name}) => name === 'AnyBitPattern')) return ''
  return `pub unsafe trait AnyBitPattern {}\n${anyBitPattern.map(type => `unsafe impl AnyBitPattern for ${showType(type)} {}`).join('\n')}`
}

/** `'_1`, which stands for an elided lifetime, under a name that Rust takes. */
function spelled(region: Region): Region {
  return isNamed(region) ? region : `'e${region.slice(1)}`
}

function typeText(type: Type): string {
  switch (type.kind) {
    case 'parameter': return type.name
    case 'named': {
      const parts = [...type.regions.map(spelled), ...type.types.map(typeText)]
      return parts.length === 0 ? type.name : `${type.name}<${parts.join(', ')}>`
    }
    case 'reference': return `&${spelled(type.region)} ${type.mutable ? 'mut ' : ''}${typeText(type.to)}`
    case 'pointer': return `*${type.mutable ? 'mut' : 'const'} ${typeText(type.to)}`
    case 'tuple': return type.items.length === 1 ? `(${typeText(type.items[0]!)},)` : `(${type.items.map(typeText).join(', ')})`
    case 'array': return `[${typeText(type.item)}; ${type.length}]`
    case 'closure': {
      const binder = type.regions.length === 0 ? '' : `for<${type.regions.map(spelled).join(', ')}> `
      return [`impl ${binder}${type.trait}(${type.parameters.map(typeText).join(', ')}) -> ${typeText(type.result)}`, ...type.bounds].join(' + ')
    }
  }
}

function boundText(bound: Bound): string {
  switch (bound.kind) {
    case 'trait': return `${typeText(bound.type)}: ${bound.trait}`
    case 'outlives': return `${typeText(bound.type)}: ${spelled(bound.region)}`
    case 'longer': return `${spelled(bound.longer)}: ${spelled(bound.shorter)}`
  }
}

function listText(regions: readonly Region[], types: readonly string[]): string {
  return regions.length + types.length === 0 ? '' : `<${[...regions.map(spelled), ...types].join(', ')}>`
}

function whereText(bounds: readonly Bound[]): string {
  return bounds.length === 0 ? '' : ` where ${bounds.map(boundText).join(', ')}`
}

function genericsText({regions, types}: Generics): string {
  return listText(regions, types)
}

function structText(struct: Struct): string {
  const {name, kind, regions, types, bounds, variants} = struct
  const head = `pub ${kind} ${name}${genericsText(struct)}`
  if (kind === 'enum') return `${head}${whereText(bounds)} { ${(variants ?? []).map(({name, fields}) => `${name}${fields.length === 0 ? '' : `(${fields.map(typeText).join(', ')})`}`).join(', ')} }`
  // of an opaque struct nothing is known: it is neither Send nor Sync unless an impl says so, and its types are as in a cell
  const opaque = [...regions.map(region => `PhantomData<&${region} ()>`), ...types.map(type => `PhantomData<UnsafeCell<${type}>>`), 'PhantomData<*const ()>']
  const fields = variants === null ? opaque : variants.flatMap(({fields}) => fields.map(typeText))
  return `${head}(${[...fields, '()'].join(', ')})${whereText(bounds)};`
}

function implText(impl: TraitImpl, markers: readonly Marker[]): string {
  const {trait, type, negative, bounds} = impl
  const isUnsafe = !negative && (trait !== 'Copy' || markers.some(({name}) => name === trait))
  return `${isUnsafe ? 'unsafe ' : ''}impl${genericsText(impl)} ${negative ? '!' : ''}${trait} for ${typeText(type)}${whereText(bounds)} {}`
}

/** Each method in an impl of its own, all of its lifetimes that the type mentions being the impl's. */
function methodText(method: Method, impls: readonly TraitImpl[]): string {
  const {self, trait, name, regions, types, bounds, parameters, result} = method
  const text = self === null ? '' : typeText(self)
  const mentions = (word: string): boolean => new RegExp(`(?<![\\w'])${word}(?!\\w)`).test(text)
  const outer = {regions: regions.filter(region => mentions(spelled(region))), types: types.filter(mentions)}
  const inner = {regions: regions.filter(region => !mentions(spelled(region))), types: types.filter(type => !mentions(type))}
  const about = (bound: Bound): boolean => inner.regions.some(region => boundText(bound).includes(spelled(region)))
    || inner.types.some(type => new RegExp(`(?<![\\w'])${type}(?!\\w)`).test(boundText(bound)))
  const signature = `${trait === null ? 'pub ' : ''}${method.unsafe ? 'unsafe ' : ''}fn ${name}${listText(inner.regions, inner.types)}`
    + `(${parameters.map(parameterText).join(', ')}) -> ${typeText(result)}${whereText(bounds.filter(about))} { loop {} }`
  if (self === null) return signature
  const target = trait === 'Deref' ? `type Target = ${typeText(impls.find(impl => impl.trait === 'Deref' && typeText(impl.type) === text)!.target!)}; ` : ''
  return `impl${listText(outer.regions, outer.types)} ${trait === null ? '' : `${trait} for `}${text}${whereText(bounds.filter(bound => !about(bound)))} { ${target}${signature} }`
}

function parameterText({name, type}: Parameter, i: number): string {
  return `${name === '_' ? `argument${i}` : name}: ${typeText(type)}`
}
