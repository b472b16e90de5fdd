/**
 * The kernel's reference counts: refcount_t, which saturates, and kref over it.
 *
 * Sources: include/linux/refcount.h and lib/refcount.c (orderings: its comment "Memory ordering"; saturation);
 * Documentation/core-api/refcount-vs-atomic.rst; include/linux/kref.h, Documentation/core-api/kref.rst.
 *
 * Whoever increments already has a reference, or knows by other means that the object is there, and gets his
 * ordering from that. The last one to decrement sees all that the others did to the object.
 */
import {perform, raw, Value, when, writeOnce, type Address, type Memory, type Location, type Proc} from '../lib/index.ts'

/** REFCOUNT_SATURATED, INT_MIN / 2: a count here stays here, so that the object leaks instead of dying too early. */
export const refcountSaturated = -0x4000_0000

/** REFCOUNT_MAX */
export const refcountMax = 0x7fff_ffff

const vocabulary = 'kernel'

/** REFCOUNT_INIT(), for a count that is no part of an object. One in an object is the address of its word. */
export function defineRefcount(memory: Memory, name: string, count: number): Location {
  return memory.struct(name, {refs: count}).refs
}

/** refcount_warn_saturate() */
function* saturateIf(isBad: Value, refs: Address): Proc {
  yield* when(isBad, () => writeOnce(refs, refcountSaturated))
}

/** refcount_inc(): one more reference, by somebody who has one. */
export function* refcountInc(refs: Address): Proc {
  const old = yield* perform<Value>({ // the caller's reference orders: this does not
    kind: 'rmw', name: 'atomic_fetch_add_relaxed', vocabulary, order: 'ONCE', at: refs, update: count => count.plus(1),
  })
  yield* saturateIf(old.le(0).or(old.plus(1).lt(0)), refs)
}

/** refcount_inc_not_zero(): one more reference, unless there is none; whether there was. The memory must stay. */
export function* refcountIncNotZero(refs: Address): Proc<Value> {
  const old = yield* perform<Value>({ // a loop of atomic_try_cmpxchg_relaxed() as one step
    kind: 'cas', name: 'atomic_try_cmpxchg_relaxed', vocabulary, order: 'ONCE', failure: 'ONCE', at: refs,
    expected: Value.of(0), unless: true, desired: count => count.plus(1),
  })
  yield* saturateIf(old.lt(0).or(old.plus(1).lt(0)), refs)
  return old.ne(0)
}

/** refcount_dec_and_test(): one less; whether it was the last, and the caller may free. */
export function* refcountDecAndTest(refs: Address): Proc<Value> {
  // release: what was done with the object before the count; pairs with smp_acquire__after_ctrl_dep() below
  const old = yield* perform<Value>({
    kind: 'rmw', name: 'atomic_fetch_sub_release', vocabulary, order: 'RELEASE', at: refs, update: count => count.minus(1),
  })
  if ((yield* raw(old.eq(1))) !== 0) {
    // what the others did with the object before its end; pairs with their releases above
    yield* perform<undefined>({kind: 'fence', name: 'smp_acquire__after_ctrl_dep', vocabulary, order: 'Rmb'})
    return Value.of(1)
  }
  yield* saturateIf(old.le(0), refs)
  return Value.of(0)
}

// ---- kref --------------------------------------------------------------------------------------------

/** kref_get(): one more reference, by somebody who has one. */
export function* krefGet(refs: Address): Proc {
  yield* refcountInc(refs)
}

/** kref_get_unless_zero(): one more reference to what was looked up; whether it still lives. The memory must stay. */
export function* krefGetUnlessZero(refs: Address): Proc<Value> {
  return yield* refcountIncNotZero(refs)
}

/** kref_put(): gives a reference back, and calls `release` if it was the last one; whether it was. */
export function* krefPut(refs: Address, release: () => Proc): Proc<Value> {
  const isLast = yield* refcountDecAndTest(refs)
  if ((yield* raw(isLast)) !== 0) yield* release()
  return isLast
}
