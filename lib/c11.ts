/**
 * C++'s and Rust's vocabulary: atomic accesses and fences with an ordering, and non-atomic accesses.
 *
 * The litmus front end reads the table of C's names; TypeScript programs call the typed functions below it.
 *
 * Source: C++20 [atomics.order], [atomics.types.operations], [atomics.fences]; Rust core::sync::atomic;
 * C11 7.17 (stdatomic.h).
 */
import {perform, type Address, type C11Order, type Op, type Proc} from './program.ts'
import {Value, type Operand, type Operator, type Scalar} from './value.ts'

export type LoadOrdering = 'Relaxed' | 'Acquire' | 'SeqCst'
export type StoreOrdering = 'Relaxed' | 'Release' | 'SeqCst'
export type Ordering = 'Relaxed' | 'Acquire' | 'Release' | 'AcqRel' | 'SeqCst'
export type FenceOrdering = 'Acquire' | 'Release' | 'AcqRel' | 'SeqCst'

const orders: Record<Ordering, C11Order> = {Relaxed: 'RLX', Acquire: 'ACQ', Release: 'REL', AcqRel: 'ACQ_REL', SeqCst: 'SC'}
const vocabulary = 'c11'

/**
 * What a name of stdatomic.h does. Arguments: the object, then values, then an order for each of `orders`
 * (none if the name is not `_explicit`: seq_cst). A compare-exchange takes a pointer to the expected value;
 * a weak one is taken not to fail without reason.
 */
export type C11Entry =
  | {readonly kind: 'load' | 'store' | 'cas' | 'fence'; readonly orders: number}
  | {readonly kind: 'rmw'; readonly orders: number; readonly update: Operator | 'xchg'}

/** The names of stdatomic.h that litmus tests use. */
export const c11Table: ReadonlyMap<string, C11Entry> = entries()

function entries(): Map<string, C11Entry> {
  const table = new Map<string, C11Entry>([['atomic_thread_fence', {kind: 'fence', orders: 1}]])
  for (const [suffix, orders] of [['', 0], ['_explicit', 1]] as const) {
    table.set(`atomic_load${suffix}`, {kind: 'load', orders})
    table.set(`atomic_store${suffix}`, {kind: 'store', orders})
    table.set(`atomic_exchange${suffix}`, {kind: 'rmw', orders, update: 'xchg'})
    table.set(`atomic_compare_exchange_strong${suffix}`, {kind: 'cas', orders: 2 * orders})
    table.set(`atomic_compare_exchange_weak${suffix}`, {kind: 'cas', orders: 2 * orders})
    for (const [name, update] of [['add', '+'], ['sub', '-'], ['and', '&'], ['or', '|'], ['xor', '^']] as const) {
      table.set(`atomic_fetch_${name}${suffix}`, {kind: 'rmw', orders, update})
    }
  }
  return table
}

/** memory_order of stdatomic.h. */
export const memoryOrders: ReadonlyMap<string, C11Order> = new Map([
  ['memory_order_relaxed', 'RLX'], ['memory_order_consume', 'ACQ'], ['memory_order_acquire', 'ACQ'],
  ['memory_order_release', 'REL'], ['memory_order_acq_rel', 'ACQ_REL'], ['memory_order_seq_cst', 'SC'],
])

/** The operation `name(at, …operands, …orders)` of the table. */
export function c11Op(name: string, at: Address, operands: readonly Operand[], orders: readonly C11Order[]): Op {
  const entry = c11Table.get(name)
  const [order = 'SC', failure = 'SC'] = orders
  const [first, second] = operands.map(operand => Value.of(operand))
  switch (entry?.kind) {
    case 'load': return {kind: 'load', name, vocabulary, order, at}
    case 'store': return {kind: 'store', name, vocabulary, order, at, value: first!}
    case 'cas': return {kind: 'cas', name, vocabulary, order, failure, at, expected: first!, desired: second!}
    case 'rmw': {
      const {update} = entry
      return {kind: 'rmw', name, vocabulary, order, at, update: old => update === 'xchg' ? first! : Value.apply(update, old, first!)}
    }
    case 'fence': case undefined: throw new Error(`C11 vocabulary: ${name} is not an access`)
  }
}

/** The operation `atomic_thread_fence(order)`. */
export function c11Fence(order: C11Order): Op {
  return {kind: 'fence', name: 'atomic_thread_fence', vocabulary, order}
}

/** atomic::load(ordering). */
export function* load(at: Address, ordering: LoadOrdering): Proc<Value> {
  return yield* perform<Value>({kind: 'load', name: `load(${ordering})`, vocabulary, order: orders[ordering], at})
}

/** Waits until the word satisfies `until`, then loads it: a spin loop around `load` without the spinning. */
export function* loadUntil(at: Address, ordering: LoadOrdering, until: (value: Scalar) => boolean): Proc<Value> {
  return yield* perform<Value>({kind: 'load', name: `load(${ordering}) until`, vocabulary, order: orders[ordering], at, until})
}

/** atomic::store(value, ordering). */
export function* store(at: Address, value: Operand, ordering: StoreOrdering): Proc {
  yield* perform<undefined>({kind: 'store', name: `store(${ordering})`, vocabulary, order: orders[ordering], at, value: Value.of(value)})
}

/** atomic::swap: stores a value and returns the old one. */
export function* swap(at: Address, value: Operand, ordering: Ordering): Proc<Value> {
  const stored = Value.of(value)
  return yield* perform<Value>({kind: 'rmw', name: `swap(${ordering})`, vocabulary, order: orders[ordering], at, update: () => stored})
}

/** Waits until the word satisfies `until`, then swaps it: a lock's acquisition as one step. */
export function* swapUntil(at: Address, until: (value: Scalar) => boolean, value: Operand, ordering: Ordering): Proc<Value> {
  const stored = Value.of(value)
  return yield* perform<Value>({kind: 'rmw', name: `swap(${ordering}) until`, vocabulary, order: orders[ordering], at, update: () => stored, until})
}

/** atomic::fetch_add: adds and returns the old value. */
export function* fetchAdd(at: Address, operand: Operand, ordering: Ordering): Proc<Value> {
  return yield* perform<Value>({kind: 'rmw', name: `fetch_add(${ordering})`, vocabulary, order: orders[ordering], at, update: old => old.plus(operand)})
}

/** atomic::fetch_sub: subtracts and returns the old value. */
export function* fetchSub(at: Address, operand: Operand, ordering: Ordering): Proc<Value> {
  return yield* perform<Value>({kind: 'rmw', name: `fetch_sub(${ordering})`, vocabulary, order: orders[ordering], at, update: old => old.minus(operand)})
}

/**
 * atomic::compare_exchange(expected, desired, success, failure): stores `desired` if the word holds
 * `expected`. Returns the old value; it succeeded if that equals `expected`.
 */
export function* compareExchange(at: Address, expected: Operand, desired: Operand, success: Ordering, failure: LoadOrdering): Proc<Value> {
  return yield* perform<Value>({
    kind: 'cas', name: `compare_exchange(${success}, ${failure})`, vocabulary,
    order: orders[success], failure: orders[failure], at, expected: Value.of(expected), desired: Value.of(desired),
  })
}

/** atomic::fence(ordering). */
export function* fence(ordering: FenceOrdering): Proc {
  yield* perform<undefined>({kind: 'fence', name: `fence(${ordering})`, vocabulary, order: orders[ordering]})
}

/** A non-atomic read: a data race with any unordered write is undefined behaviour. */
export function* readNonAtomic(at: Address): Proc<Value> {
  return yield* perform<Value>({kind: 'load', name: 'non-atomic read', vocabulary, order: 'NA', at})
}

/** A non-atomic write. */
export function* writeNonAtomic(at: Address, value: Operand): Proc {
  yield* perform<undefined>({kind: 'store', name: 'non-atomic write', vocabulary, order: 'NA', at, value: Value.of(value)})
}
