/** What a Rust value is at run time: words and addresses of the modelled machine, and how they hang together. */
import {Value, type Location, type Operand, type Proc} from '../../lib/index.ts'

/** Where a word is: a place in memory, or a pointer to it. */
export type Address = Location | Value

export type RustValue =
  /** A T, by value: its words. */
  | {readonly kind: 'payload'; readonly words: readonly Operand[]}
  /** `&T` or `&mut T`: where its words are. `seen`: what they held when the borrow began; `id` tells it from others (borrows.ts). */
  | {readonly kind: 'borrow'; readonly mutable: boolean; readonly words: readonly Address[]; readonly seen: readonly Operand[] | null; readonly id: object | null}
  /** A variable of the client's own that T borrows: its object. */
  | {readonly kind: 'local'; readonly pointer: Operand}
  /** A reference to a value that lives in a variable: `&lock`. */
  | {readonly kind: 'reference'; readonly to: RustValue}
  /** A struct of the wrapper's: whatever its bodies keep in it. `drop` is glue that Rust would make for its fields. */
  | {readonly kind: 'struct'; readonly name: string; readonly state: unknown}
  /** `Box<T>` or `Arc<T>`: a pointer to an object of `boxes` or `arcs` (wrapper.ts). */
  | {readonly kind: 'owner'; readonly of: 'Box' | 'Arc'; readonly pointer: Value}
  /** A `bool`, an integer. */
  | {readonly kind: 'scalar'; readonly value: Operand}
  /** `Some(…)` of an `Option`, `Ok(…)` and `Err(…)` of a `Result`. */
  | {readonly kind: 'some' | 'ok' | 'err'; readonly value: RustValue}
  | {readonly kind: 'none'}
  | {readonly kind: 'tuple'; readonly items: readonly RustValue[]}
  /** `given`: what has been moved into it, and goes with it. */
  | {readonly kind: 'closure'; readonly call: (...args: readonly RustValue[]) => Proc<RustValue>; readonly given: readonly RustValue[]}

export const unitValue: RustValue = {kind: 'tuple', items: []}

/** What a body returns for a T. */
export function payloadValue(words: readonly Operand[]): RustValue {
  return {kind: 'payload', words}
}

/** What a body returns for `&T`, and for `&mut T`. */
export function borrowed(words: readonly Address[], mutable = false): RustValue {
  return {kind: 'borrow', mutable, words, seen: null, id: null}
}

export function structValue(name: string, state: unknown): RustValue {
  return {kind: 'struct', name, state}
}

export function some(value: RustValue): RustValue {
  return {kind: 'some', value}
}

export const none: RustValue = {kind: 'none'}

export function ok(value: RustValue): RustValue {
  return {kind: 'ok', value}
}

export function err(value: RustValue): RustValue {
  return {kind: 'err', value}
}

/** Through references, to the value itself. */
export function behind(value: RustValue): RustValue {
  return value.kind === 'reference' ? behind(value.to) : value
}

/** What a body returns for a `Box<T>` or an `Arc<T>`. */
export function owner(of: 'Box' | 'Arc', pointer: Operand): RustValue {
  return {kind: 'owner', of, pointer: Value.of(pointer)}
}

/** A panic of the client's or of a body, on its way up. */
export class Unwinding extends Error {
  override readonly name = 'Unwinding'
}

/** `panic!()` in a body: unwinds through whoever called it. What the body has taken by value, it drops itself. */
export function panic(message: string): never {
  throw new Unwinding(message)
}
