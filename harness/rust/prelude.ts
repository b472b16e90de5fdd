/**
 * The types that signatures may use without declaring them: what the checker must know of each.
 * Source: the documentation of std, and its `impl` blocks for Send, Sync, Copy and Clone.
 */
import {named, type Type} from './syntax.ts'

export interface Known {
  /** Where rustc finds it; empty for what needs no `use`. */
  readonly path: string
  /** How many type parameters it takes. */
  readonly parameters: number
  /**
   * What its parameters must satisfy for it to have the trait; null: it never has. `{Send: ['Send', 'Sync']}` is
   * `impl<T: Send + Sync> Send`.
   */
  readonly traits: Readonly<Record<'Copy' | 'Clone' | 'Send' | 'Sync', readonly string[] | null>>
  /** When it goes: nothing happens, something does, or whatever its parameters do. */
  readonly drop: 'nothing' | 'always' | 'parameters'
  /** Whether a lifetime inside may be shortened. */
  readonly variance: 'covariant' | 'invariant'
}

const plain: Known = {path: '', parameters: 0, traits: {Copy: [], Clone: [], Send: [], Sync: []}, drop: 'nothing', variance: 'covariant'}
const structural = {Copy: ['Copy'], Clone: ['Clone'], Send: ['Send'], Sync: ['Sync']} as const
const atomic = (name: string): [string, Known] =>
  [name, {...plain, path: `std::sync::atomic::${name}`, traits: {...plain.traits, Copy: null, Clone: null}}]

export const known: ReadonlyMap<string, Known> = new Map<string, Known>([
  ...['u8', 'u16', 'u32', 'u64', 'u128', 'usize', 'i8', 'i16', 'i32', 'i64', 'i128', 'isize', 'bool', 'char'].map((name): [string, Known] => [name, plain]),
  ...['U8', 'U16', 'U32', 'U64', 'Usize', 'I8', 'I16', 'I32', 'I64', 'Isize', 'Bool'].map(name => atomic(`Atomic${name}`)),
  ['AtomicPtr', {...atomic('AtomicPtr')[1], parameters: 1, variance: 'invariant'}],
  ['Option', {...plain, parameters: 1, traits: structural, drop: 'parameters'}],
  ['Result', {...plain, parameters: 2, traits: structural, drop: 'parameters'}],
  ['PhantomData', {...plain, path: 'std::marker::PhantomData', parameters: 1, traits: {...structural, Copy: [], Clone: []}}],
  ['MaybeUninit', {...plain, path: 'std::mem::MaybeUninit', parameters: 1, traits: {...structural, Clone: ['Copy']}}],
  ['ManuallyDrop', {...plain, path: 'std::mem::ManuallyDrop', parameters: 1, traits: structural}],
  ['Box', {...plain, parameters: 1, traits: {...structural, Copy: null}, drop: 'always'}],
  ['Vec', {...plain, parameters: 1, traits: {...structural, Copy: null}, drop: 'always'}],
  ['Arc', {
    ...plain, path: 'std::sync::Arc', parameters: 1, drop: 'always',
    traits: {Copy: null, Clone: [], Send: ['Send', 'Sync'], Sync: ['Send', 'Sync']},
  }],
  ['Rc', {...plain, path: 'std::rc::Rc', parameters: 1, traits: {Copy: null, Clone: [], Send: null, Sync: null}, drop: 'always'}],
  ['Cell', {
    ...plain, path: 'std::cell::Cell', parameters: 1, drop: 'parameters', variance: 'invariant',
    traits: {Copy: null, Clone: ['Copy'], Send: ['Send'], Sync: null},
  }],
  ['UnsafeCell', {
    ...plain, path: 'std::cell::UnsafeCell', parameters: 1, drop: 'parameters', variance: 'invariant',
    traits: {Copy: null, Clone: null, Send: ['Send'], Sync: null},
  }],
  ['Mutex', {
    ...plain, path: 'std::sync::Mutex', parameters: 1, drop: 'parameters', variance: 'invariant',
    traits: {Copy: null, Clone: null, Send: ['Send'], Sync: ['Send']},
  }],
  ['NonNull', {...plain, path: 'std::ptr::NonNull', parameters: 1, traits: {Copy: [], Clone: [], Send: null, Sync: null}}],
  // the payloads that a client may put in place of T (payloads.ts)
  ['Pair', plain],
  ['Either', plain],
  ['Homed', {...plain, traits: {Copy: null, Clone: null, Send: null, Sync: []}, drop: 'always'}],
  ['Peek', {...plain, traits: {Copy: null, Clone: null, Send: [], Sync: []}, drop: 'always'}],
  ['Loud', {...plain, traits: {Copy: null, Clone: [], Send: [], Sync: []}, drop: 'always'}],
])

/** Integers as signatures use them for flags, keys and counts. */
export function isInteger(type: Type): boolean {
  return type.kind === 'named' && /^[ui](?:8|16|32|64|128|size)$/.test(type.name)
}

/** Traits that are known without being declared; `AnyBitPattern` is bytemuck's. */
export const knownTraits: readonly string[] = ['Copy', 'Clone', 'Send', 'Sync', 'Sized', 'Unpin', 'AnyBitPattern']

/** Which types satisfy `AnyBitPattern` (bytemuck): every bit pattern is a value, and there is no padding. */
export const anyBitPattern: readonly Type[] = ['u8', 'u16', 'u32', 'u64', 'usize', 'i8', 'i16', 'i32', 'i64', 'isize', 'Pair'].map(name => named(name))
