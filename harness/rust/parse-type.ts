/** Types, bounds and generic parameters of Rust signatures, and lifetime elision. */
import {known, knownTraits} from './prelude.ts'
import {unit, type Bound, type ClosureType, type Generics, type Region, type Type} from './syntax.ts'
import type {Node} from './tree.ts'

/** How many lifetimes and types a declared struct takes. */
export interface Arity {
  readonly regions: number
  readonly types: number
}

/** What the names in a type may mean, and where elided lifetimes come from. */
export interface Scope {
  readonly structs: ReadonlyMap<string, Arity>
  readonly traits: ReadonlySet<string>
  readonly regions: readonly Region[]
  readonly types: readonly string[]
  /** What `Self` is. */
  readonly self: Type | null
  /** What `Self::Target` is. */
  readonly target: Type | null
  /** Parameters that stand for a closure: `F` of `F: FnOnce()`. */
  readonly closures: ReadonlyMap<string, ClosureType>
  /** Gives an elided lifetime its name, or says why it must be written. */
  readonly elided: (at: Node) => Region
}

const mustName = (at: Node): never => {
  throw at.error('this lifetime must be written out here')
}

/** Elision where a lifetime must be named: fields, bounds, and so on. */
export const noElision: Scope['elided'] = mustName

const typeKinds = new Set([
  'TypeIdentifier', 'GenericType', 'ScopedTypeIdentifier', 'ReferenceType', 'PointerType', 'UnitType', 'TupleType', 'ArrayType',
  'AbstractType', 'BoundedType', 'DynamicType', 'FunctionType', 'EmptyType', 'SelfType',
])

const acceptedTypes = 'structs and enums, T, &T, &mut T, Option, Box, Arc, tuples, bool, integers, raw pointers, and closures as parameters'

export function isType(node: Node): boolean {
  return typeKinds.has(node.kind)
}

/** The type among the children. */
export function typeIn(node: Node, scope: Scope): Type {
  const found = node.children.findLast(isType)
  if (found === undefined) throw node.error('expected a type')
  return readType(found, scope)
}

export function readType(node: Node, scope: Scope): Type {
  switch (node.kind) {
    case 'TypeIdentifier': return readNamed(node, node.text, [], scope)
    case 'GenericType': return readGeneric(node, scope)
    case 'ScopedTypeIdentifier': return readScoped(node, [], scope)
    case 'ReferenceType': return {kind: 'reference', mutable: node.has('mut'), region: lifetimeIn(node, scope), to: typeIn(node, scope)}
    case 'PointerType': return {kind: 'pointer', mutable: node.has('mut'), to: typeIn(node, scope)}
    case 'UnitType': return unit
    case 'TupleType': return {kind: 'tuple', items: node.listed.map(item => readType(item, scope))}
    case 'ArrayType': return readArray(node, scope)
    case 'AbstractType':
    case 'BoundedType': throw node.error(`${node.shown} can only be the type of a parameter, as in 'f: impl FnOnce(&T) -> R'`)
    default: throw node.unsupported(acceptedTypes)
  }
}

function readArray(node: Node, scope: Scope): Type {
  const length = node.child('Integer')
  if (length === null) throw node.unsupported(`${acceptedTypes}; an array needs a length, as in [T; 2]`)
  return {kind: 'array', item: typeIn(node, scope), length: length.text}
}

function lifetimeIn(node: Node, scope: Scope): Region {
  const lifetime = node.child('Lifetime')
  return lifetime === null ? scope.elided(node) : readLifetime(lifetime, scope)
}

export function readLifetime(node: Node, scope: Scope): Region {
  if (node.text === "'_") return scope.elided(node)
  if (node.text !== "'static" && !scope.regions.includes(node.text)) {
    throw node.error(`there is no lifetime ${node.text} here; declared: ${scope.regions.filter(name => !name.startsWith("'_")).join(', ') || 'none'}`)
  }
  return node.text
}

function readGeneric(node: Node, scope: Scope): Type {
  const head = node.children[0]!
  const listed = node.child('TypeArgList')?.listed ?? []
  return head.kind === 'ScopedTypeIdentifier' ? readScoped(head, listed, scope) : readNamed(node, head.text, listed, scope)
}

/** `std::sync::Arc<T>` is Arc; `Self::Target` is what the impl says. */
function readScoped(node: Node, listed: readonly Node[], scope: Scope): Type {
  if (node.text === 'Self::Target') {
    if (scope.target === null) throw node.error("there is no 'type Target = …;' in this impl")
    return scope.target
  }
  const name = node.children.at(-1)!.text
  if (!/^(?:std|core|alloc)::/.test(node.text) || !known.has(name)) throw node.unsupported(acceptedTypes)
  return readNamed(node, name, listed, scope)
}

function readNamed(node: Node, name: string, listed: readonly Node[], scope: Scope): Type {
  const closure = scope.closures.get(name)
  if (closure !== undefined) throw node.error(`${name} is a closure, which can only be the type of a parameter: 'f: ${name}'`)
  if (name === 'Self' && listed.length === 0) {
    if (scope.self === null) throw node.error('Self means something in an impl only')
    return scope.self
  }
  if (scope.types.includes(name)) {
    if (listed.length > 0) throw node.error(`${name} is a type parameter and takes no arguments`)
    return {kind: 'parameter', name}
  }
  const arity = scope.structs.get(name) ?? builtIn(name)
  if (arity === null) throw node.error(`there is no type ${name}: declare it (struct ${name};), or use a known one: ${[...known.keys()].join(', ')}`)
  const regions = listed.filter(({kind}) => kind === 'Lifetime')
  const types = listed.filter(isType)
  if (types.length !== arity.types) throw node.error(`${name} takes ${plural(arity.types, 'type')}, found ${types.length}`)
  if (regions.length !== 0 && regions.length !== arity.regions) {
    throw node.error(`${name} takes ${plural(arity.regions, 'lifetime')}, found ${regions.length}`)
  }
  return {
    kind: 'named', name,
    regions: regions.length === arity.regions
      ? regions.map(region => readLifetime(region, scope))
      : Array.from({length: arity.regions}, () => scope.elided(node)),
    types: types.map(type => readType(type, scope)),
  }
}

function builtIn(name: string): Arity | null {
  const found = known.get(name)
  return found === undefined ? null : {regions: 0, types: found.parameters}
}

function plural(count: number, what: string): string {
  return `${count === 0 ? 'no' : count} ${what}${count === 1 ? '' : 's'}`
}

// ---- Closures --------------------------------------------------------------------------------------

/** `impl FnOnce(&T) -> R + Send + 'static` as a list of what the closure must satisfy. */
export function closureOf(node: Node, scope: Scope): ClosureType {
  const parts = flatten(node)
  const call = parts.find(({kind}) => kind === 'FunctionType' || kind === 'HigherRankedTraitBound')
  if (call === undefined) throw node.unsupported("'impl Fn(&T) -> R', 'impl FnMut(…)' and 'impl FnOnce(…)', with '+ Send', '+ Sync' or \"+ 'static\"")
  return {...readCall(call, scope), bounds: parts.filter(part => part !== call).map(part => readTrait(part, scope))}
}

/** The parts of `impl A + B`. The grammar takes `Fn() -> R + Send` for a result `R + Send`; Rust does not. */
function flatten(node: Node): readonly Node[] {
  const result = node.children.at(-1)
  if (node.kind === 'FunctionType' && result?.kind === 'BoundedType') return [node, ...flatten(result).slice(1)]
  if (node.kind === 'BoundedType' || node.kind === 'AbstractType' || node.kind === 'TraitBounds') {
    return node.children.filter(({kind}) => !['impl', '+', ':'].includes(kind)).flatMap(flatten)
  }
  return [node]
}

function readCall(node: Node, scope: Scope): ClosureType {
  const declared = node.child('TypeParamList')?.listed.map(({text}) => text) ?? []
  const call = node.kind === 'FunctionType' ? node : node.child('FunctionType')!
  const name = call.children.find(({kind}) => kind === 'TypeIdentifier')?.text
  if (name !== 'Fn' && name !== 'FnMut' && name !== 'FnOnce') throw node.unsupported('Fn(…), FnMut(…) and FnOnce(…)')
  const fresh: Region[] = []
  const inner = {...scope, regions: [...scope.regions, ...declared]}
  const input: Scope = {...inner, elided: () => fresh[fresh.push(`'_in${fresh.length + 1}`) - 1]!}
  const parameters = call.child('ParamList')!.listed.map(parameter => typeIn(parameter, input))
  const only = new Set([...parameters.flatMap(regionsOf)])
  const output: Scope = {
    ...inner,
    elided: at => only.size === 1 ? [...only][0]! : mustName(at),
  }
  const arrow = call.children.findIndex(({kind}) => kind === '->')
  const result = arrow < 0 ? unit : readType(flatten(call.children[arrow + 1]!)[0]!, output)
  return {kind: 'closure', trait: name, regions: [...declared, ...fresh], parameters, result, bounds: []}
}

/** All lifetimes in a type, with repetitions, in order. */
export function regionsOf(type: Type): readonly Region[] {
  switch (type.kind) {
    case 'parameter': return []
    case 'named': return [...type.regions, ...type.types.flatMap(regionsOf)]
    case 'reference': return [type.region, ...regionsOf(type.to)]
    case 'pointer': return regionsOf(type.to)
    case 'tuple': return type.items.flatMap(regionsOf)
    case 'array': return regionsOf(type.item)
    case 'closure': return []
  }
}

// ---- Generics --------------------------------------------------------------------------------------

/** What `<'a, T: Copy>` and `where …` declare, and the scope in which they can be seen. */
export function readGenerics(item: Node, outer: Scope): {generics: Generics; scope: Scope} {
  const listed = item.child('TypeParamList')?.listed ?? []
  const regions: Region[] = []
  const types: string[] = []
  for (const node of listed) {
    const name = node.kind === 'ConstrainedTypeParameter' ? node.children[0]! : node
    if (name.kind === 'Lifetime') regions.push(name.text)
    else if (name.kind === 'TypeIdentifier') types.push(name.text)
    else throw node.unsupported("lifetimes ('a) and types (T, T: Copy)")
    if ([...outer.regions, ...outer.types, ...regions.slice(0, -1), ...types.slice(0, -1)].includes(name.text)) {
      throw name.error(`${name.text} is declared twice`)
    }
  }
  const clauses = [
    ...listed.filter(({kind}) => kind === 'ConstrainedTypeParameter'),
    ...item.child('WhereClause')?.children.filter(({kind}) => kind === 'TypeBoundClause' || kind === 'LifetimeClause') ?? [],
  ]
  const inner: Scope = {...outer, regions: [...outer.regions, ...regions], types: [...outer.types, ...types]}
  const closures = new Map(outer.closures)
  for (const clause of clauses) {
    const closure = readClosureBound(clause, inner)
    if (closure !== null) closures.set(...closure)
  }
  const isClosure = (clause: Node): boolean => closures.has(subject(clause).text)
  return {
    generics: {regions, types: types.filter(name => !closures.has(name)), bounds: clauses.filter(clause => !isClosure(clause)).flatMap(clause => readBounds(clause, inner))},
    scope: {...inner, types: inner.types.filter(name => !closures.has(name)), closures},
  }
}

/** What a clause is about: `T` of `T: Copy`, `F` of `for<'a> F: Fn(&'a T)`. */
function subject(clause: Node): Node {
  const first = clause.children[0]!
  return first.kind === 'HigherRankedTraitBound' ? first.children.at(-1)! : first
}

/** `F: FnOnce(&T) -> R`, in the list or in the where clause. */
function readClosureBound(clause: Node, scope: Scope): [string, ClosureType] | null {
  const bounds = clause.child('TraitBounds')
  const calls = bounds === null ? [] : flatten(bounds).filter(({kind}) => kind === 'FunctionType' || kind === 'HigherRankedTraitBound')
  if (bounds === null || calls.length === 0) return null
  const first = clause.children[0]!
  const declared = first.kind === 'HigherRankedTraitBound' ? first.child('TypeParamList')!.listed.map(({text}) => text) : []
  const closure = closureOf(bounds, {...scope, regions: [...scope.regions, ...declared]})
  return [subject(clause).text, {...closure, regions: [...declared, ...closure.regions]}]
}

function readBounds(clause: Node, scope: Scope): readonly Bound[] {
  const about = subject(clause)
  const named: Scope = {...scope, elided: noElision}
  if (about.kind === 'Lifetime') {
    const longer = readLifetime(about, named)
    const shorter = clause.children.slice(1).flatMap(node => node.kind === 'TraitBounds' ? node.children : [node])
    return shorter.filter(({kind}) => kind === 'Lifetime').map(node => ({kind: 'longer', longer, shorter: readLifetime(node, named)}))
  }
  const type = readType(about, named)
  return (clause.child('TraitBounds')?.children ?? []).flatMap((node): Bound[] => {
    if (node.kind === ':' || node.kind === '+' || node.kind === 'RemovedTraitBound') return []
    if (node.kind === 'Lifetime') return [{kind: 'outlives', type, region: readLifetime(node, named)}]
    return [{kind: 'trait', type, trait: readTrait(node, scope)}]
  })
}

/** A trait that a bound may name, or `'static`. */
export function readTrait(node: Node, scope: Scope): string {
  if (node.kind === 'Lifetime' && node.text === "'static") return node.text
  const name = node.kind === 'ScopedTypeIdentifier' ? node.children.at(-1)!.text : node.text
  if (scope.traits.has(name) || knownTraits.includes(name)) return name
  throw node.error(`there is no trait ${node.shown.slice(1, -1)} here: bounds may be ${knownTraits.join(', ')}, 'static, Fn(…), FnMut(…), FnOnce(…), `
    + `or a marker that the text declares (trait ${name} {})`)
}
