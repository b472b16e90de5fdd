/**
 * A wrapper: the Rust signatures that its clients see, and a body for each method, written over the modelled primitives.
 */
import type {Heap, Memory, Operand, Proc} from '../../lib/index.ts'
import {parseSignatures} from '../rust/parse.ts'
import type {Method, Signatures} from '../rust/syntax.ts'
import type {PayloadWords} from './payload.ts'
import type {Declaration} from './policy.ts'
import {behind, type Address, type RustValue} from './value.ts'

/** What a body is given. */
export interface Call {
  /** The state of the receiver; of a constructor, the state of the object in the making. */
  readonly self: unknown
  /** The arguments behind the receiver. */
  readonly args: readonly RustValue[]
  readonly payload: PayloadWords
  /** Objects with the payload's words, for `Box` and what bodies allocate themselves. */
  readonly boxes: Heap<{readonly payload: number}>
}

export type Body = (call: Call) => Proc<RustValue>

/** McKenney's options (semantics.md, 7): how much of the primitive the Rust side may contain itself. */
export type Option = 1 | 2 | 3 | 4 | 5

/** What a wrapper is expected to be, and who says so. */
export interface WrapperExpectation {
  /** By model: what breaks it, or null if nothing does. Models that are not named are not judged. */
  readonly broken: Readonly<Record<string, boolean>>
  /** By option of McKenney's spectrum. */
  readonly options?: Readonly<Partial<Record<Option, 'not expressible' | 'unsound' | 'no violation found'>>>
  readonly source: string
}

/** A wrapper as its author writes it. */
export interface WrapperDefinition {
  readonly name: string
  /** What it is, in one line. */
  readonly title: string
  /** Where the design comes from. */
  readonly source: string
  /** Items with signatures; bodies in Rust are ignored. */
  readonly rust: string
  /** The memory of one instance of a struct, made for every call of a constructor. */
  readonly layout: (memory: Memory, name: string, payload: PayloadWords) => unknown
  /** By method: `SeqLock::read`. */
  readonly bodies: Readonly<Record<string, Body>>
  /** For McKenney's fourth option: what its Rust side does beyond the third, and what it promises not to do. */
  readonly declares?: Declaration
  readonly expected: WrapperExpectation
}

export interface Wrapper extends WrapperDefinition {
  readonly signatures: Signatures
}

/** A wrapper whose bodies do not fit its signatures. */
export class MisfitBody extends Error {
  override readonly name = 'MisfitBody'
}

/**
 * Parses the signatures and holds the bodies against them.
 * @throws {SignatureError} with line and column, if the Rust text cannot be read.
 * @throws {MisfitBody} if a safe method has no body, or a body no method.
 */
export function wrapper(definition: WrapperDefinition): Wrapper {
  const signatures = parseSignatures(definition.name, definition.rust)
  const safe = signatures.methods.filter(({unsafe}) => !unsafe)
  for (const {id} of safe) {
    if (definition.bodies[id] === undefined) throw new MisfitBody(`wrapper ${definition.name}: ${id} has no body; there are ${Object.keys(definition.bodies).join(', ') || 'none'}`)
  }
  for (const id of Object.keys(definition.bodies)) {
    if (!signatures.methods.some(method => method.id === id)) throw new MisfitBody(`wrapper ${definition.name}: there is no method ${id}; there are ${signatures.methods.map(method => method.id).join(', ')}`)
  }
  return {...definition, signatures}
}

/** Does the method make an instance that needs memory of its own? */
export function constructs({parameters, result, self}: Method): boolean {
  return self?.kind === 'named' && parameters[0]?.name !== 'self' && result.kind === 'named' && result.name === self.name
}

/** What the result of a method must be, by its signature; null if it is. */
export function misfit({result, id}: Method, value: RustValue): string | null {
  const kinds: Readonly<Record<string, readonly RustValue['kind'][]>> = {
    parameter: ['payload', 'owner'], reference: ['borrow', 'reference'], tuple: ['tuple'], closure: ['closure'],
  }
  const wanted: readonly RustValue['kind'][] = result.kind !== 'named' ? kinds[result.kind] ?? []
    : result.name === 'Option' ? ['some', 'none'] : result.name === 'Box' || result.name === 'Arc' ? ['owner']
      : /^(?:bool|[iu](?:8|16|32|64|size))$/.test(result.name) ? ['scalar', 'payload'] : ['struct']
  return wanted.includes(value.kind) ? null : `the body of ${id} returned a ${value.kind}, where its signature says ${wanted.join(' or ')}`
}

// ---- For bodies --------------------------------------------------------------------------------------

/** The words of a T that a method was given by value. */
export function wordsOf(value: RustValue | undefined): readonly Operand[] {
  const inner = value === undefined ? null : behind(value)
  if (inner?.kind !== 'payload') throw new TypeError(`a body wants a T, and was given ${inner?.kind ?? 'nothing'}`)
  return inner.words
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

