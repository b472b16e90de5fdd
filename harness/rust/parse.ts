/**
 * Reads the public signatures of a wrapper: a list of Rust items, without bodies or with bodies that are passed over.
 *
 * The grammar is @lezer/rust's; this file says what the items mean. Lifetime elision is Rust's (Reference, "Lifetime elision").
 */
import {named, unit, type Generics, type Marker, type Method, type Parameter, type Region, type Signatures, type Struct, type TraitImpl, type Type, type Variant} from './syntax.ts'
import {closureOf, isType, noElision, readGenerics, readLifetime, readTrait, readType, regionsOf, typeIn, type Arity, type Scope} from './parse-type.ts'
import {RustError, type RustSource} from './source.ts'
import {expectedItem, parseTree, type Node} from './tree.ts'

const noGenerics: Generics = {regions: [], types: [], bounds: []}

/** Reads the signatures. @throws {RustError} with line, column, what was found and what is accepted. */
export function parseSignatures(file: string, text: string): Signatures {
  const known = readBefore.get(text)
  if (known !== undefined) return known
  const signatures = readItems({file, text})
  readBefore.set(text, signatures)
  return signatures
}

/** By text: designs that differ in their bodies have the same signatures. */
const readBefore = new Map<string, Signatures>()

function readItems(source: RustSource): Signatures {
  const items = parseTree(source)
  const outer = outermost(items)
  const structs: Struct[] = []
  const methods: Method[] = []
  const impls: TraitImpl[] = []
  const markers: Marker[] = []
  let attributes: readonly Node[] = []
  for (const wrapped of items) {
    // an attribute stands before its item, or with it in one node
    const item = wrapped.kind === 'AttributeItem' ? wrapped.children.find(({kind}) => kind !== 'Attribute') ?? wrapped : wrapped
    attributes = [...attributes, ...wrapped.children.filter(({kind}) => kind === 'Attribute')]
    if (item.kind === 'AttributeItem') continue
    switch (item.kind) {
      case 'StructItem':
      case 'EnumItem': {
        const struct = readStruct(item, outer)
        structs.push(struct)
        impls.push(...attributes.flatMap(attribute => derived(attribute, struct)))
        break
      }
      case 'ImplItem': {
        const block = readImpl(item, outer)
        methods.push(...block.methods)
        if (block.impl !== null) impls.push(block.impl)
        break
      }
      case 'TraitItem': markers.push(readMarker(item, outer)); break
      case 'FunctionItem': methods.push(readMethod(item, outer, {prefix: '', self: null, trait: null, generics: noGenerics})); break
      case 'UseDeclaration':
      case 'EmptyStatement': break
      default: throw item.kind.endsWith('Item') || item.kind.startsWith('Macro') ? item.unsupported('struct, enum, impl, trait, fn and use') : expectedItem(item)
    }
    attributes = []
  }
  const all = [...methods, ...impls.flatMap(impl => standardMethods(impl, impls, methods))]
  checkUnique(all, source)
  return {structs, methods: all, impls, markers}
}

/** What every item can see: the structs and traits of the whole text. */
function outermost(items: readonly Node[]): Scope {
  const structs = new Map<string, Arity>()
  const traits = new Set<string>()
  for (const wrapped of items) {
    const item = wrapped.kind === 'AttributeItem' ? wrapped.children.at(-1)! : wrapped
    const name = item.child('TypeIdentifier')
    if (item.kind === 'TraitItem') traits.add(name!.text)
    if (item.kind !== 'StructItem' && item.kind !== 'EnumItem') continue
    if (structs.has(name!.text)) throw name!.error(`there are two types ${name!.text}`)
    const parameters = item.child('TypeParamList')?.listed ?? []
    const regions = parameters.filter(node => node.text.startsWith("'")).length
    structs.set(name!.text, {regions, types: parameters.length - regions})
  }
  return {structs, traits, regions: [], types: [], self: null, target: null, closures: new Map(), elided: noElision}
}

// ---- Structs and traits ----------------------------------------------------------------------------

function readStruct(item: Node, outer: Scope): Struct {
  const name = item.child('TypeIdentifier')!.text
  const {generics, scope} = readGenerics(item, outer)
  const kind = item.kind === 'EnumItem' ? 'enum' : 'struct'
  const own = fieldsIn(item, scope)
  const opaque = own === null && generics.regions.length + generics.types.length > 0
  const variants = kind === 'enum'
    ? (item.child('EnumVariantList')?.listed ?? []).map((node): Variant => ({name: node.child('Identifier')!.text, fields: fieldsIn(node, scope) ?? []}))
    : opaque ? null : [{name, fields: own ?? []}]
  return {name, kind, ...generics, variants}
}

/** The types of the fields; null where no list of fields is written. */
function fieldsIn(node: Node, scope: Scope): readonly Type[] | null {
  const byName = node.child('FieldDeclarationList')
  const inOrder = node.child('OrderedFieldDeclarationList')
  const open = [...byName?.listed ?? [], inOrder].flatMap(field => field?.children ?? []).find(({kind, text}) => kind === 'Vis' && text === 'pub')
  if (open !== undefined) throw open.error('clients could read, write and build with a public field, and none is made that does: leave out pub, and lend it by a method')
  if (byName !== null) return byName.listed.filter(({kind}) => kind === 'FieldDeclaration').map(field => typeIn(field, scope))
  return inOrder?.listed.filter(isType).map(field => readType(field, scope)) ?? null
}

/** What `#[derive(Clone, Copy)]` implements: each parameter must satisfy the trait too. */
function derived(attribute: Node, {name, regions, types, bounds}: Struct): readonly TraitImpl[] {
  const text = /^#?\[derive\(([^)]*)\)\]$/.exec(attribute.text)?.[1] ?? ''
  const type = named(name, types.map(parameter => ({kind: 'parameter', name: parameter})), regions)
  return text.split(',').map(trait => trait.trim()).filter(trait => trait === 'Clone' || trait === 'Copy').map(trait => ({
    trait, type, negative: false, target: null, regions, types,
    bounds: [...bounds, ...types.map(parameter => ({kind: 'trait' as const, type: {kind: 'parameter' as const, name: parameter}, trait}))],
  }))
}

function readMarker(item: Node, outer: Scope): Marker {
  const method = item.child('DeclarationList')?.listed[0]
  if (method !== undefined) throw method.unsupported('a trait without members, which marks types: trait AnyBitPattern: Copy {}')
  const supertraits = item.child('TraitBounds')?.children.filter(({kind}) => kind !== ':' && kind !== '+').map(node => readTrait(node, outer))
  return {name: item.child('TypeIdentifier')!.text, supertraits: supertraits ?? []}
}

// ---- Implementations -------------------------------------------------------------------------------

interface Owner {
  /** `SeqLock::`, to make the methods' ids. */
  readonly prefix: string
  readonly self: Type | null
  readonly trait: string | null
  readonly generics: Generics
}

const withMethods = new Set(['Drop', 'Deref', 'DerefMut', 'Clone'])
const autoTraits = new Set(['Send', 'Sync'])

function readImpl(item: Node, outer: Scope): {methods: readonly Method[]; impl: TraitImpl | null} {
  const elided: Region[] = []
  const {generics, scope} = readGenerics(item, outer)
  const header: Scope = {...scope, elided: () => elided[elided.push(`'_impl${elided.length + 1}`) - 1]!}
  const parts = item.children.slice(0, item.children.findIndex(({kind}) => kind === 'DeclarationList' || kind === 'WhereClause')).filter(isType)
  const self = readType(parts.at(-1)!, header)
  if (self.kind !== 'named' || !(outer.structs.has(self.name) || item.has('for'))) throw parts.at(-1)!.unsupported('a struct or enum that the text declares')
  const all: Generics = {...generics, regions: [...generics.regions, ...elided]}
  const trait = item.has('for') ? readImplemented(parts[0]!, outer) : null
  const negative = item.has('!')
  if (negative && !autoTraits.has(trait ?? '')) throw item.unsupported('impl !Send and impl !Sync')
  const members = item.child('DeclarationList')?.listed ?? []
  const target = members.find(({kind}) => kind === 'TypeItem')
  const inner: Scope = {...header, regions: all.regions, self, elided: noElision, target: target === undefined ? null : typeIn(target, {...header, self})}
  const owner: Owner = {prefix: `${self.name}::`, self, trait, generics: all}
  const methods = members.flatMap(member => readMember(member, inner, owner))
  const impl: TraitImpl | null = trait === null ? null : {...all, trait, type: self, negative, target: inner.target}
  if (trait === 'Deref' && inner.target === null) throw item.error("impl Deref needs 'type Target = …;'")
  return {methods, impl}
}

function readImplemented(node: Node, outer: Scope): string {
  const name = node.kind === 'ScopedTypeIdentifier' ? node.children.at(-1)!.text : node.text
  if (withMethods.has(name)) return name
  if (name === 'Copy' || autoTraits.has(name) || outer.traits.has(name)) return name
  throw node.unsupported(`Drop, Deref, DerefMut, Clone, Copy, Send, Sync, and marker traits that the text declares`)
}

function readMember(member: Node, scope: Scope, owner: Owner): readonly Method[] {
  if (member.kind === 'AttributeItem') return member.children.filter(({kind}) => kind !== 'Attribute').flatMap(inner => readMember(inner, scope, owner))
  if (member.kind === 'FunctionItem') return [readMethod(member, scope, owner)]
  if (member.kind === 'TypeItem' && owner.trait === 'Deref' && member.child('TypeIdentifier')!.text === 'Target') return []
  throw member.unsupported("methods such as 'fn read(&self) -> T;'")
}

/** `impl<T> Drop for Guard<'_, T> {}` and `#[derive(Clone)]`: the methods go without saying. */
function standardMethods(impl: TraitImpl, impls: readonly TraitImpl[], written: readonly Method[]): readonly Method[] {
  const {trait, type} = impl
  if (impl.negative || !withMethods.has(trait) || written.some(({trait: other, self}) => other === trait && nameOf(self) === nameOf(type))) return []
  // the target of DerefMut is that of Deref
  const {target, ...generics} = trait === 'DerefMut' ? impls.find(other => other.trait === 'Deref' && nameOf(other.type) === nameOf(type)) ?? impl : impl
  const region = "'_self"
  const method = (name: string, mutable: boolean, result: Type): readonly Method[] => [{
    id: `${nameOf(type)}::${name}`, name, self: generics.type, trait, unsafe: false, at: 0,
    regions: [...generics.regions, region], types: generics.types, bounds: generics.bounds,
    parameters: [{name: 'self', type: {kind: 'reference', mutable, region, to: generics.type}}], result,
  }]
  if (trait === 'Drop') return method('drop', true, unit)
  if (trait === 'Clone') return method('clone', false, type)
  if (target === null) return []
  return method(trait === 'Deref' ? 'deref' : 'deref_mut', trait === 'DerefMut', {kind: 'reference', mutable: trait === 'DerefMut', region, to: target})
}

function nameOf(type: Type | null): string {
  return type?.kind === 'named' ? type.name : ''
}

// ---- Methods ---------------------------------------------------------------------------------------

function readMethod(item: Node, outer: Scope, owner: Owner): Method {
  if (item.has('async')) throw item.unsupported('functions that are not async')
  const visible = item.child('Vis')
  if (visible?.has('(') === true) throw visible.error(`what is ${visible.text} is not for clients: leave the function out, and its body`)
  const name = item.child('BoundIdentifier')!.text
  const {generics, scope} = readGenerics(item, outer)
  const elided: Region[] = []
  const input: Scope = {...scope, elided: () => elided[elided.push(`'_${elided.length + 1}`) - 1]!}
  const parameters = item.child('ParamList')!.listed.map(node => readParameter(node, input))
  const output: Scope = {...scope, regions: [...scope.regions, ...elided], elided: outputElision(parameters)}
  const result = resultOf(item, output)
  return {
    id: `${owner.prefix}${name}`, name, self: owner.self, trait: owner.trait, parameters, result, unsafe: item.has('unsafe'), at: item.at,
    regions: [...owner.generics.regions, ...generics.regions, ...elided],
    types: [...owner.generics.types, ...generics.types],
    bounds: [...owner.generics.bounds, ...generics.bounds],
  }
}

function resultOf(item: Node, scope: Scope): Type {
  const arrow = item.children.findIndex(({kind}) => kind === '->')
  return arrow < 0 ? unit : readType(item.children[arrow + 1]!, scope)
}

function readParameter(node: Node, scope: Scope): Parameter {
  if (node.kind === 'SelfParameter') return {name: 'self', type: receiverOf(node, scope)}
  if (node.kind === 'AttributeItem' || node.kind === 'VariadicParameter') throw node.unsupported("parameters such as 'value: T'")
  const type = node.children.findLast(isType)
  const name = node.child('BoundIdentifier')?.text ?? (node.has('SelfPattern') ? 'self' : '_')
  if (type === undefined) throw node.unsupported("parameters such as 'value: T'")
  return {name, type: parameterType(type, scope)}
}

function receiverOf(node: Node, scope: Scope): Type {
  if (scope.self === null) throw node.error('self means something in an impl only')
  if (!node.has('&')) return scope.self
  const lifetime = node.child('Lifetime')
  const region = lifetime === null ? scope.elided(node) : readLifetime(lifetime, scope)
  return {kind: 'reference', mutable: node.has('mut'), region, to: scope.self}
}

/** A parameter's type may be a closure, written in place or as a parameter `F` with its bound. */
function parameterType(node: Node, scope: Scope): Type {
  if (node.kind === 'AbstractType' || node.kind === 'BoundedType') return closureOf(node, scope)
  return (node.kind === 'TypeIdentifier' ? scope.closures.get(node.text) : undefined) ?? readType(node, scope)
}

/** The lifetime of `&self`, else the only one among the parameters (Reference, "Lifetime elision in functions"). */
function outputElision(parameters: readonly Parameter[]): Scope['elided'] {
  const receiver = parameters.find(({name}) => name === 'self')?.type
  if (receiver?.kind === 'reference') return () => receiver.region
  const all = new Set(parameters.flatMap(({type}) => regionsOf(type)))
  return at => {
    if (all.size === 1) return [...all][0]!
    throw at.error(`this lifetime must be named: ${all.size === 0 ? 'no parameter borrows anything' : 'it could come from several parameters'}`)
  }
}

function checkUnique(methods: readonly Method[], source: RustSource): void {
  const seen = new Set<string>()
  for (const {id, at} of methods) {
    if (seen.has(id)) throw new RustError(source, at, `there are two functions ${id}`)
    seen.add(id)
  }
}
