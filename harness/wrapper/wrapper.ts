/**
 * A wrapper: the Rust signatures that its clients see, and a body for each method, written over the modelled primitives.
 */
import {atomicFetchAddRelease, free, loadAcquire, raw, readPlain, WrongInput, type Heap, type Memory, type Operand, type Proc, type Regime, type Value} from '../../lib/index.ts'
import {parseSignatures} from '../rust/parse.ts'
import {showType, type Method, type Signatures, type Type} from '../rust/syntax.ts'
import type {PayloadWords} from './payload.ts'
import type {Declaration, Option} from './policy.ts'
import {behind, type Address, type RustValue} from './value.ts'

/** What every body, and whatever drops a value, finds around it. */
export interface Surroundings {
  readonly payload: PayloadWords
  /** Objects with the payload's words, for `Box` and what bodies allocate themselves. */
  readonly boxes: Heap<{readonly payload: number}>
  /** The same for `Arc`, behind a count of owners. */
  readonly arcs: Heap<{readonly count: 1; readonly payload: number}>
  /** Objects that the payload's values own. */
  readonly objects: Heap
  /** Which thread it is: 0 is the main one. */
  readonly thread: number
}

/** What a body is given. */
export interface Call extends Surroundings {
  /** The state of the receiver; of a constructor, the state of the object in the making. */
  readonly self: unknown
  /** The arguments behind the receiver. */
  readonly args: readonly RustValue[]
}

export type Body = (call: Call) => Proc<RustValue>

/** What a wrapper is expected to be, and who says so. */
export interface WrapperExpectation {
  /** By model: does some small client break it? Models that are not named are not judged. */
  readonly broken: Readonly<Record<string, boolean>>
  /** By option of McKenney's spectrum. */
  readonly options?: Readonly<Partial<Record<Option, 'not expressible' | 'unsound' | 'no violation found'>>>
  /** Does some small client wait for ever? No unsoundness. */
  readonly deadlocks?: boolean
  /** Can what a failed section saw be observed (`leakClaim`)? No unsoundness either. */
  readonly leaks?: boolean
  readonly source: string
}

/** How far the clients of a wrapper go, where other bounds than the evaluation's own tell more. */
export interface WrapperBounds {
  /** Statements of the largest client. */
  readonly size?: number
  /** How many clients are tried at least. */
  readonly clients?: number
  /** Statements of the main thread. */
  readonly main?: number
  /** Threads besides it. */
  readonly threads?: number
  /** Statements of such a thread. */
  readonly statements?: number
  /** Values of each struct that are constructed from nothing but values of T; and fresh values of T. */
  readonly instances?: number
  readonly values?: number
  /** Which payloads tell something, by the names of rust/payloads.ts. */
  readonly payloads?: readonly string[]
}

/** The claim of bodies that let a client see what a failed section read: a property of its own. */
export const leakClaim = 'no value of a failed section is observable'

/** A wrapper as its author writes it. */
export interface WrapperDefinition {
  readonly name: string
  /** What it is, in one line. */
  readonly title?: string
  /** Where the design comes from. */
  readonly source?: string
  /** Items with signatures; bodies in Rust are ignored. */
  readonly rust: string
  /**
   * The memory of one instance of a struct, made for every call of a constructor: places, and functions for whatever is no plain data.
   * `most`: values of T that a thread makes at most.
   */
  readonly layout: (memory: Memory, name: string, payload: PayloadWords, struct: string, most: number) => unknown
  /** By method: `SeqLock::read`. */
  readonly bodies: Readonly<Record<string, Body>>
  /** For McKenney's fourth option: what its Rust side does beyond the third, and what it promises not to do. */
  readonly declares?: Declaration
  /** By struct: drops the T that its fields hold, after its own `Drop`. */
  readonly glue?: Readonly<Record<string, (state: unknown, around: Surroundings) => Proc>>
  /** Without it every model is asked, and whatever breaks is a violation. */
  readonly expected?: WrapperExpectation
  readonly bounds?: WrapperBounds
  /** What may be done with pointers to dead objects; Rust's rule unless said. */
  readonly regime?: Regime
}

type Said = 'title' | 'source' | 'expected'

export interface Wrapper extends Omit<WrapperDefinition, Said>, Required<Pick<WrapperDefinition, Said>> {
  readonly signatures: Signatures
}

/** A wrapper whose bodies do not fit its signatures. */
export class MisfitBody extends WrongInput {
  override readonly name = 'MisfitBody'
}

/**
 * Parses the signatures and holds the bodies against them.
 * @throws {SignatureError} with line and column, if the Rust text cannot be read.
 * @throws {MisfitBody} if a safe method has no body, or a body no method, or something is missing (in JavaScript).
 */
export function wrapper(definition: WrapperDefinition): Wrapper {
  for (const [field, what] of [['name', 'string'], ['rust', 'string'], ['bodies', 'object']] as const) {
    if (typeof definition[field] !== what) throw new MisfitBody(`wrapper ${field === 'name' ? 'without a name' : definition.name} has no ${field}: a wrapper is {name, rust, layout, bodies}`)
  }
  if (typeof definition.layout !== 'function') throw new MisfitBody(`wrapper ${definition.name} has no layout: say what memory an instance has, as layout: (memory, name) => memory.word(name), or () => null`)
  const signatures = parseSignatures(definition.name, definition.rust)
  const safe = signatures.methods.filter(({unsafe}) => !unsafe)
  for (const {id} of safe) {
    if (definition.bodies[id] === undefined) throw new MisfitBody(`wrapper ${definition.name}: ${id} has no body; there are ${Object.keys(definition.bodies).join(', ') || 'none'}`)
  }
  for (const id of Object.keys(definition.bodies)) {
    if (!signatures.methods.some(method => method.id === id)) throw new MisfitBody(`wrapper ${definition.name}: there is no method ${id}; there are ${signatures.methods.map(method => method.id).join(', ')}`)
  }
  for (const {id, parameters, result} of safe) {
    const open = openEnum(signatures, [...parameters.map(({type}) => type), result])
    if (open !== null) throw new MisfitBody(`wrapper ${definition.name}: ${id} takes or returns ${open}, and no client builds or matches an enum whose variants have fields; an Option, a Result or a struct would do`)
    for (const {name, type} of parameters) {
      const problem = unlent(type, name === 'self')
      if (problem !== null) throw new MisfitBody(`wrapper ${definition.name}: ${id} takes a ${showType(type)}, which no client can be run with yet: ${problem}`)
    }
  }
  return {title: '', source: '', expected: {broken: {}, source: ''}, ...definition, signatures}
}

/** What it is about a parameter's type that clients would make and that cannot be run; null if nothing. */
function unlent(type: Type, isReceiver = false): string | null {
  switch (type.kind) {
    case 'reference': return type.mutable && !isReceiver && type.to.kind === 'parameter' ? `a ${showType(type.to)} of the client’s own is no memory that a body could write to` : unlent(type.to)
    case 'tuple': return type.items.map(item => unlent(item)).find(problem => problem !== null) ?? null
    case 'named':
      if (type.name === 'Rc') return 'of Box, Arc and Rc, those that are run are a Box or an Arc of a T'
      if (type.name === 'Box' || type.name === 'Arc') return type.types[0]!.kind === 'parameter' ? null : `what is in ${type.name === 'Box' ? 'a Box' : 'an Arc'} must be a T`
      return type.name === 'Option' ? unlent(type.types[0]!) : null
    default: return null
  }
}

/** The enum in one of these types that clients could build and take apart; null if there is none. */
function openEnum({structs}: Signatures, types: readonly Type[]): string | null {
  const isNamed = (name: string): boolean => types.some(type => new RegExp(`\\b${name}\\b`).test(showType(type)))
  return structs.find(({kind, name, variants}) => kind === 'enum' && variants?.some(({fields}) => fields.length > 0) === true && isNamed(name))?.name ?? null
}

/** The struct of which the method makes an instance that needs memory of its own, alone or first of several handles to it; null if it makes none. */
export function constructed({parameters, result, self}: Method): string | null {
  const [made] = result.kind === 'tuple' ? result.items : [result]
  return self?.kind === 'named' && parameters[0]?.name !== 'self' && made?.kind === 'named' && made.name === self.name ? self.name : null
}

/** The body, whose mistakes in JavaScript are told with its name and place. Other errors come of what the code does. */
export function* blaming<T>({name}: {readonly name: string}, id: string, body: Proc<T>): Proc<T> {
  try {
    return yield* body
  } catch (error) {
    const isOwn = error instanceof Error && error.constructor === Error && !error.message.startsWith('client:') // no error of the library's
    const isMistake = isOwn || error instanceof ReferenceError || (error instanceof TypeError && /^(?:a body wants|Cannot |.* is not (?:a function|iterable))/.test(error.message))
    if (!isMistake) throw error
    const [, place] = new RegExp(`at (?:\\S+\\.)?${id} \\((?:file://)?(.*:\\d+):\\d+\\)`).exec(error.stack ?? '') ?? []
    throw new MisfitBody(`wrapper ${name}: the body of ${id} threw${place === undefined ? '' : ` at ${place}`}: ${error.message}`
      + (isOwn ? '; what panics in Rust is panic(…) here' : ''))
  }
}

// ---- For bodies --------------------------------------------------------------------------------------

/** The words of a T that a method was given by value. */
export function wordsOf(value: RustValue | undefined): readonly Operand[] {
  const inner = value === undefined ? null : behind(value)
  if (inner?.kind === 'scalar') return [inner.value] // a bool that a method returned is a T too, where T is bool
  if (inner?.kind !== 'payload') throw new TypeError(`a body wants a T, and was given ${inner?.kind ?? 'nothing'}`)
  return inner.words
}

/** The pointer of a `Box<T>` or `Arc<T>` that a method was given. */
export function pointerOf(value: RustValue | undefined): Value {
  const inner = value === undefined ? null : behind(value)
  if (inner?.kind !== 'owner') throw new TypeError(`a body wants a Box or an Arc, and was given ${inner?.kind ?? 'nothing'}`)
  return inner.pointer
}

/** The state of a struct that a method was given, by value or by reference. */
export function stateOf(value: RustValue | undefined): unknown {
  const inner = value === undefined ? null : behind(value)
  if (inner?.kind !== 'struct') throw new TypeError(`a body wants a struct, and was given ${inner?.kind ?? 'nothing'}`)
  return inner.state
}

/** Calls a closure that a method was given. */
export function* callClosure(value: RustValue | undefined, ...args: readonly RustValue[]): Proc<RustValue> {
  if (value?.kind !== 'closure') throw new TypeError(`a body wants a closure, and was given ${value?.kind ?? 'nothing'}`)
  return yield* value.call(...args)
}

/** Reads words one by one, with the access given. */
export function* loadWords(from: readonly Address[], loadWord: (at: Address) => Proc<Operand>): Proc<readonly Operand[]> {
  const words: Operand[] = []
  for (const at of from) words.push(yield* loadWord(at))
  return words
}

/** Writes words one by one, with the access given. */
export function* storeWords(to: readonly Address[], words: readonly Operand[], storeWord: (at: Address, word: Operand) => Proc): Proc {
  for (const [i, at] of to.entries()) yield* storeWord(at, words[i]!)
}


/** Drops a T. */
export function* dropPayload({payload, objects, thread}: Surroundings, words: readonly Operand[]): Proc {
  if (payload.owned !== null) yield* payload.owned.drop(words, objects, thread)
}

/** `T::clone()`: the words of another T, for whoever is given it. A method with the bound `T: Clone` may do so once in a call. */
export function* clonePayload({payload: {name, owned}, objects, thread}: Surroundings, words: readonly Operand[]): Proc<readonly Operand[]> {
  if (owned === null) return words
  if (owned.clone === null) throw new TypeError(`a body wants a T that is Clone, and ${name} is not: its method needs the bound T: Clone`)
  return yield* owned.clone(words, objects, thread)
}

/** Drops a `Box<T>`: the T, then the memory. */
export function* dropBox(around: Surroundings, pointer: Operand): Proc {
  yield* dropPayload(around, around.payload.owned === null ? [] : yield* loadWords(boxWords(around, pointer), readPlain))
  yield* free(pointer, {name: 'drop(Box)'})
}

/** Drops one share of an `Arc<T>`: Release, and for the last an Acquire load (as std does under ThreadSanitizer, for a fence that other models see). */
export function* dropArc(around: Surroundings, pointer: Operand): Proc {
  const {count} = around.arcs.at(pointer)
  if ((yield* raw((yield* atomicFetchAddRelease(count, -1)).eq(1))) === 0) return
  yield* loadAcquire(count)
  yield* dropPayload(around, around.payload.owned === null ? [] : yield* loadWords(arcWords(around, pointer), readPlain))
  yield* free(pointer, {name: 'drop(Arc)'})
}

/** Where the words of the T in a `Box<T>` are. */
export function boxWords({boxes}: Surroundings, pointer: Operand): readonly Address[] {
  return [boxes.at(pointer).payload].flat()
}

/** Where the words of the T in an `Arc<T>` are. */
export function arcWords({arcs}: Surroundings, pointer: Operand): readonly Address[] {
  return [arcs.at(pointer).payload].flat()
}

/** The fields of an object of `boxes` with these words. */
export function boxOf(words: readonly Operand[]): {readonly payload: never} {
  return {payload: (words.length === 1 ? words[0] : words) as never}
}

/** The fields of an object of `arcs` with these words and one owner. */
export function arcOf(words: readonly Operand[]): {readonly count: number; readonly payload: never} {
  return {count: 1, ...boxOf(words)}
}
