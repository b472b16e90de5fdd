/**
 * The kernel's vocabulary: one table from the kernel's names to operations, and the typed functions
 * that TypeScript programs call. The litmus front end reads the same table.
 *
 * Source: tools/memory-model/linux-kernel.def, and Documentation/atomic_t.txt for the orderings.
 */
import {perform, type Address, type KernelFence, type KernelOrder, type Op, type Proc} from './program.ts'
import {Value, type Operand, type Operator, type Scalar} from './value.ts'

/** What an RMW stores, from the old value and its operand: one operator, `old & ~operand`, or the operand. */
type Update = Operator | 'andnot' | 'xchg'

/** What an RMW returns: the old value, the new one, nothing, or whether the new one passes a test. */
type Returns = 'old' | 'new' | 'nothing' | readonly [Operator, number]

/** How arguments are written in C: a variable or a pointer first, `V,X` where the value comes first. */
export type KernelEntry =
  | {readonly kind: 'load'; readonly order: KernelOrder; readonly pointer: boolean}
  | {readonly kind: 'store'; readonly order: KernelOrder; readonly pointer: boolean; readonly then?: KernelFence}
  | {readonly kind: 'rmw'; readonly order: KernelOrder; readonly update: Update; readonly operand: 'X,V' | 'V,X' | 'X'; readonly returns: Returns}
  | {readonly kind: 'cas'; readonly order: KernelOrder}
  /** Adds unless the word holds a value; returns whether it did. */
  | {readonly kind: 'add-unless'; readonly order: KernelOrder}
  | {readonly kind: 'fence'; readonly order: KernelFence}
  /** A lock is a read-modify-write from 0 to 1; `wait` if it waits for the 0, otherwise it returns whether it succeeded. */
  | {readonly kind: 'lock'; readonly order: KernelOrder; readonly wait: boolean}
  /** Stores 0. */
  | {readonly kind: 'unlock'; readonly order: KernelOrder}
  /** Waits for the readers of one SRCU domain. */
  | {readonly kind: 'wait-for-readers'; readonly order: KernelFence}

/** READ_ONCE and WRITE_ONCE take an lvalue in C; everything else takes a pointer. */
const lvalue = false
const pointer = true

const suffixes: readonly (readonly [string, KernelOrder])[] =
  [['', 'MB'], ['_relaxed', 'ONCE'], ['_acquire', 'ACQUIRE'], ['_release', 'RELEASE']]

const bitwise = [['and', '&'], ['or', '|'], ['xor', '^'], ['andnot', 'andnot']] as const

function entries(): Map<string, KernelEntry> {
  const table = new Map<string, KernelEntry>(Object.entries<KernelEntry>({
    READ_ONCE: {kind: 'load', order: 'ONCE', pointer: lvalue},
    WRITE_ONCE: {kind: 'store', order: 'ONCE', pointer: lvalue},
    smp_load_acquire: {kind: 'load', order: 'ACQUIRE', pointer},
    smp_store_release: {kind: 'store', order: 'RELEASE', pointer},
    smp_store_mb: {kind: 'store', order: 'ONCE', pointer: lvalue, then: 'MB'},
    rcu_dereference: {kind: 'load', order: 'ONCE', pointer: lvalue},
    rcu_assign_pointer: {kind: 'store', order: 'RELEASE', pointer: lvalue},
    atomic_read: {kind: 'load', order: 'ONCE', pointer},
    atomic_set: {kind: 'store', order: 'ONCE', pointer},
    atomic_read_acquire: {kind: 'load', order: 'ACQUIRE', pointer},
    atomic_set_release: {kind: 'store', order: 'RELEASE', pointer},
    smp_mb: {kind: 'fence', order: 'MB'},
    smp_rmb: {kind: 'fence', order: 'Rmb'},
    smp_wmb: {kind: 'fence', order: 'Wmb'},
    smp_mb__before_atomic: {kind: 'fence', order: 'Before-atomic'},
    smp_mb__after_atomic: {kind: 'fence', order: 'After-atomic'},
    smp_mb__after_spinlock: {kind: 'fence', order: 'After-spinlock'},
    smp_mb__after_unlock_lock: {kind: 'fence', order: 'After-unlock-lock'},
    smp_mb__after_srcu_read_unlock: {kind: 'fence', order: 'After-srcu-read-unlock'},
    barrier: {kind: 'fence', order: 'Barrier'},
    rcu_read_lock: {kind: 'fence', order: 'Rcu-lock'},
    rcu_read_unlock: {kind: 'fence', order: 'Rcu-unlock'},
    synchronize_rcu: {kind: 'fence', order: 'Sync-rcu'},
    synchronize_rcu_expedited: {kind: 'fence', order: 'Sync-rcu'},
    srcu_read_lock: {kind: 'load', order: 'SRCU-LOCK', pointer},
    srcu_read_unlock: {kind: 'store', order: 'SRCU-UNLOCK', pointer},
    srcu_down_read: {kind: 'load', order: 'SRCU-LOCK', pointer},
    srcu_up_read: {kind: 'store', order: 'SRCU-UNLOCK', pointer},
    synchronize_srcu: {kind: 'wait-for-readers', order: 'Sync-srcu'},
    synchronize_srcu_expedited: {kind: 'wait-for-readers', order: 'Sync-srcu'},
    spin_lock: {kind: 'lock', order: 'LOCK', wait: true},
    spin_trylock: {kind: 'lock', order: 'TRYLOCK', wait: false},
    spin_unlock: {kind: 'unlock', order: 'UNLOCK'},
    spin_is_locked: {kind: 'load', order: 'IS-LOCKED', pointer},
    atomic_add: {kind: 'rmw', order: 'NORETURN', update: '+', operand: 'V,X', returns: 'nothing'},
    atomic_sub: {kind: 'rmw', order: 'NORETURN', update: '-', operand: 'V,X', returns: 'nothing'},
    atomic_inc: {kind: 'rmw', order: 'NORETURN', update: '+', operand: 'X', returns: 'nothing'},
    atomic_dec: {kind: 'rmw', order: 'NORETURN', update: '-', operand: 'X', returns: 'nothing'},
    atomic_sub_and_test: {kind: 'rmw', order: 'MB', update: '-', operand: 'V,X', returns: ['==', 0]},
    atomic_dec_and_test: {kind: 'rmw', order: 'MB', update: '-', operand: 'X', returns: ['==', 0]},
    atomic_inc_and_test: {kind: 'rmw', order: 'MB', update: '+', operand: 'X', returns: ['==', 0]},
    atomic_add_unless: {kind: 'add-unless', order: 'MB'},
  }))
  for (const [name, update] of bitwise) {
    table.set(`atomic_${name}`, {kind: 'rmw', order: 'NORETURN', update, operand: 'V,X', returns: 'nothing'})
  }
  for (const [suffix, order] of suffixes) {
    for (const prefix of ['', 'atomic_']) {
      table.set(`${prefix}xchg${suffix}`, {kind: 'rmw', order, update: 'xchg', operand: 'X,V', returns: 'old'})
      table.set(`${prefix}cmpxchg${suffix}`, {kind: 'cas', order})
    }
    table.set(`atomic_add_negative${suffix}`, {kind: 'rmw', order, update: '+', operand: 'V,X', returns: ['<', 0]})
    for (const [name, update] of bitwise) {
      table.set(`atomic_fetch_${name}${suffix}`, {kind: 'rmw', order, update, operand: 'V,X', returns: 'old'})
    }
    for (const [name, update] of [['add', '+'], ['sub', '-']] as const) {
      table.set(`atomic_${name}_return${suffix}`, {kind: 'rmw', order, update, operand: 'V,X', returns: 'new'})
      table.set(`atomic_fetch_${name}${suffix}`, {kind: 'rmw', order, update, operand: 'V,X', returns: 'old'})
    }
    for (const [name, update] of [['inc', '+'], ['dec', '-']] as const) {
      table.set(`atomic_${name}_return${suffix}`, {kind: 'rmw', order, update, operand: 'X', returns: 'new'})
      table.set(`atomic_fetch_${name}${suffix}`, {kind: 'rmw', order, update, operand: 'X', returns: 'old'})
    }
  }
  return table
}

/** Every name of linux-kernel.def that is a single operation, with what it does. */
export const kernelTable: ReadonlyMap<string, KernelEntry> = entries()

const vocabulary = 'kernel'

function entry<K extends KernelEntry['kind']>(name: string, kind: K): Extract<KernelEntry, {kind: K}> {
  const found = kernelTable.get(name)
  if (found?.kind !== kind) throw new Error(`kernel vocabulary: ${name} is not a ${kind}`)
  return found as Extract<KernelEntry, {kind: K}>
}

/** The operation `name(at)`, for a name whose table entry is a load. */
export function kernelLoad(name: string, at: Address): Op {
  return {kind: 'load', name, vocabulary, order: entry(name, 'load').order, at}
}

/** The operation `name(at, value)`, for a name whose table entry is a store. */
export function kernelStore(name: string, at: Address, value: Operand): Op {
  return {kind: 'store', name, vocabulary, order: entry(name, 'store').order, at, value: Value.of(value)}
}

/** The operation `name(…)`, for a name whose table entry is a read-modify-write with this operand. */
export function kernelRmw(name: string, at: Address, operand: Operand): Op {
  const {order, update} = entry(name, 'rmw')
  const by = Value.of(operand)
  return {kind: 'rmw', name, vocabulary, order, at, update: old => updated(update, old, by)}
}

function updated(update: Update, old: Value, by: Value): Value {
  switch (update) {
    case 'xchg': return by
    case 'andnot': return old.and(Value.apply('~', by))
    default: return Value.apply(update, old, by)
  }
}

/** What `name` returns, given the old value and the operand of its read-modify-write. */
export function kernelReturn(name: string, old: Value, operand: Operand): Value {
  const {update, returns} = entry(name, 'rmw')
  if (returns === 'old' || returns === 'nothing') return old
  const now = updated(update, old, Value.of(operand))
  return returns === 'new' ? now : Value.apply(returns[0], now, returns[1])
}

/** The operation `name(at, expected, desired)`, for a name whose table entry is a compare-exchange. */
export function kernelCas(name: string, at: Address, expected: Operand, desired: Operand): Op {
  const {order} = entry(name, 'cas')
  return {kind: 'cas', name, vocabulary, order, failure: 'ONCE', at, expected: Value.of(expected), desired: Value.of(desired)}
}

/** The operation `name(at, addend, unless)`, for a name whose table entry adds unless; it succeeded if the old value is not `unless`. */
export function kernelAddUnless(name: string, at: Address, addend: Operand, unless: Operand): Op {
  const {order} = entry(name, 'add-unless')
  return {
    kind: 'cas', name, vocabulary, order, failure: 'ONCE', at, expected: Value.of(unless), unless: true,
    desired: old => old.plus(addend),
  }
}

/** The operation `name(at)`, for a name whose table entry is a lock; one that does not wait returns the old word, 0 if it succeeded. */
export function kernelLock(name: string, at: Address): Op {
  const {order, wait} = entry(name, 'lock')
  if (!wait) return {kind: 'cas', name, vocabulary, order, failure: order, at, expected: unlocked, desired: locked}
  return {kind: 'rmw', name, vocabulary, order, at, update: () => locked, until: isUnlocked}
}

const unlocked = Value.of(0)
const locked = Value.of(1)
const isUnlocked = (word: Scalar): boolean => word === 0

/** The operation `name(at)`, for a name whose table entry is an unlock. */
export function kernelUnlock(name: string, at: Address): Op {
  return {kind: 'store', name, vocabulary, order: entry(name, 'unlock').order, at, value: unlocked}
}

/** The operation `name(at)`, for a name whose table entry waits for the readers of a domain. */
export function kernelWaitForReaders(name: string, at: Address): Op {
  return {kind: 'fence', name, vocabulary, order: entry(name, 'wait-for-readers').order, at}
}

/** The operation `name()`, for a name whose table entry is a fence. */
export function kernelFence(name: string): Op {
  return {kind: 'fence', name, vocabulary, order: entry(name, 'fence').order}
}

const load = (name: string) => function* (at: Address): Proc<Value> {
  return yield* perform<Value>(kernelLoad(name, at))
}
const store = (name: string) => function* (at: Address, value: Operand): Proc {
  yield* perform<undefined>(kernelStore(name, at, value))
}
const fence = (name: string) => function* (): Proc {
  yield* perform<undefined>(kernelFence(name))
}
const rmw = (name: string) => function* (at: Address, operand: Operand = 1): Proc<Value> {
  return kernelReturn(name, yield* perform<Value>(kernelRmw(name, at, operand)), operand)
}
const compareExchange = (name: string) => function* (at: Address, expected: Operand, desired: Operand): Proc<Value> {
  return yield* perform<Value>(kernelCas(name, at, expected, desired))
}

/** READ_ONCE(): a marked load without ordering of its own; carries dependencies. */
export const readOnce = load('READ_ONCE')
/** WRITE_ONCE(): a marked store without ordering of its own. */
export const writeOnce = store('WRITE_ONCE')
/** smp_load_acquire(): ordered before everything later in the thread. */
export const loadAcquire = load('smp_load_acquire')
/** smp_store_release(): ordered after everything earlier in the thread. */
export const storeRelease = store('smp_store_release')
/** rcu_dereference(): READ_ONCE() of a pointer; what is reached through it is ordered by the address dependency. */
export const rcuDereference = load('rcu_dereference')
/** rcu_assign_pointer(): a release store. */
export const rcuAssignPointer = store('rcu_assign_pointer')

/** smp_mb(): the full memory barrier, a strong fence in LKMM. */
export const smpMb = fence('smp_mb')
/** smp_rmb(): orders earlier reads before later reads. */
export const smpRmb = fence('smp_rmb')
/** smp_wmb(): orders earlier writes before later writes. */
export const smpWmb = fence('smp_wmb')
/** smp_mb__before_atomic(): makes the next non-returning atomic a full barrier on its left. */
export const smpMbBeforeAtomic = fence('smp_mb__before_atomic')
/** smp_mb__after_atomic(): makes the last atomic a full barrier on its right. */
export const smpMbAfterAtomic = fence('smp_mb__after_atomic')
/** barrier(): restrains the compiler only; matters to the mixed-access and data-race flags. */
export const compilerBarrier = fence('barrier')
/** rcu_read_lock(): opens a read-side critical section; nests. */
export const rcuReadLock = fence('rcu_read_lock')
/** rcu_read_unlock(): closes the innermost read-side critical section. */
export const rcuReadUnlock = fence('rcu_read_unlock')
/** synchronize_rcu(): waits for every read-side critical section that was open when it began. */
export const synchronizeRcu = fence('synchronize_rcu')

/** xchg(): stores a value and returns the old one, fully ordered. */
export const xchg = rmw('xchg')
/** xchg_relaxed(): as xchg(), without ordering. */
export const xchgRelaxed = rmw('xchg_relaxed')
/** xchg_acquire(): as xchg(), its read an acquire. */
export const xchgAcquire = rmw('xchg_acquire')
/** xchg_release(): as xchg(), its write a release. */
export const xchgRelease = rmw('xchg_release')

/** cmpxchg(): stores `desired` if the word holds `expected`; returns the old value. Fully ordered if it succeeds. */
export const cmpxchg = compareExchange('cmpxchg')
/** cmpxchg_relaxed(): as cmpxchg(), without ordering. */
export const cmpxchgRelaxed = compareExchange('cmpxchg_relaxed')
/** cmpxchg_acquire(): as cmpxchg(), an acquire if it succeeds. */
export const cmpxchgAcquire = compareExchange('cmpxchg_acquire')
/** cmpxchg_release(): as cmpxchg(), a release if it succeeds. */
export const cmpxchgRelease = compareExchange('cmpxchg_release')

/** spin_lock(): waits until the word is 0 and makes it 1, an acquire. */
export function* spinLock(at: Address): Proc {
  yield* perform<Value>(kernelLock('spin_lock', at))
}
/** spin_trylock(): takes the lock if it is free; whether it did. */
export function* spinTrylock(at: Address): Proc<Value> {
  return (yield* perform<Value>(kernelLock('spin_trylock', at))).eq(0)
}
/** spin_unlock(): a release. */
export function* spinUnlock(at: Address): Proc {
  yield* perform<undefined>(kernelUnlock('spin_unlock', at))
}
/** spin_is_locked(): whether somebody holds the lock; orders nothing. */
export const spinIsLocked = load('spin_is_locked')
/** smp_mb__after_spinlock(): makes the last spin_lock() a full barrier on its right. */
export const smpMbAfterSpinlock = fence('smp_mb__after_spinlock')
/** smp_mb__after_unlock_lock(): makes an unlock and the next lock a full barrier together. */
export const smpMbAfterUnlockLock = fence('smp_mb__after_unlock_lock')
/** srcu_read_lock(): opens a read-side critical section of this domain; returns the cookie that closes it. */
export const srcuReadLock = load('srcu_read_lock')
/** srcu_read_unlock(): closes the section that `cookie` came from. */
export const srcuReadUnlock = store('srcu_read_unlock')
/** synchronize_srcu(): waits for every read-side critical section of this domain that was open when it began. */
export function* synchronizeSrcu(at: Address): Proc {
  yield* perform<undefined>(kernelWaitForReaders('synchronize_srcu', at))
}

/** atomic_add_unless(): adds unless the word holds `unless`; whether it did. Fully ordered if it succeeds. */
export function* atomicAddUnless(at: Address, addend: Operand, unless: Operand): Proc<Value> {
  return (yield* perform<Value>(kernelAddUnless('atomic_add_unless', at, addend, unless))).ne(unless)
}
/** atomic_add(): adds without returning; its read is invisible to smp_rmb() (herd's Noreturn). */
export function* atomicAdd(at: Address, operand: Operand = 1): Proc {
  yield* perform<Value>(kernelRmw('atomic_add', at, operand))
}
/** atomic_sub(): subtracts without returning. */
export function* atomicSub(at: Address, operand: Operand = 1): Proc {
  yield* perform<Value>(kernelRmw('atomic_sub', at, operand))
}
/** atomic_fetch_add(): adds and returns the old value, fully ordered. */
export const atomicFetchAdd = rmw('atomic_fetch_add')
/** atomic_fetch_add_relaxed(): without ordering. */
export const atomicFetchAddRelaxed = rmw('atomic_fetch_add_relaxed')
/** atomic_fetch_add_acquire(): its read an acquire. */
export const atomicFetchAddAcquire = rmw('atomic_fetch_add_acquire')
/** atomic_fetch_add_release(): its write a release. */
export const atomicFetchAddRelease = rmw('atomic_fetch_add_release')
/** atomic_add_return(): adds and returns the new value, fully ordered. */
export const atomicAddReturn = rmw('atomic_add_return')
/** atomic_add_return_relaxed(): without ordering. */
export const atomicAddReturnRelaxed = rmw('atomic_add_return_relaxed')
/** atomic_add_return_acquire(): its read an acquire. */
export const atomicAddReturnAcquire = rmw('atomic_add_return_acquire')
/** atomic_add_return_release(): its write a release. */
export const atomicAddReturnRelease = rmw('atomic_add_return_release')
/** atomic_dec_and_test(): decrements; whether the result is 0. Fully ordered. */
export const atomicDecAndTest = rmw('atomic_dec_and_test')

/** A plain C load: may tear, be repeated or left out by a compiler; races are flagged. */
export function* readPlain(at: Address): Proc<Value> {
  return yield* perform<Value>({kind: 'load', name: 'plain read', vocabulary, order: 'plain', at})
}
/** A plain C store. */
export function* writePlain(at: Address, value: Operand): Proc {
  yield* perform<undefined>({kind: 'store', name: 'plain write', vocabulary, order: 'plain', at, value: Value.of(value)})
}

/**
 * kcsan_atomic_next(): KCSAN takes the next `accesses` of this thread for atomic ones (kernel/kcsan/core.c). It makes a
 * difference under `lkmm-kcsan` alone.
 */
export function* kcsanAtomicNext(accesses: number): Proc {
  yield* perform<undefined>({kind: 'atomic-next', accesses})
}

/**
 * smp_cond_load_relaxed(): waits until the word satisfies `until`, then returns it, as a READ_ONCE().
 * The wait is one read: an execution in which nothing satisfying can come is blocked, not endless.
 */
export function* awaitOnce(at: Address, until: (value: Scalar) => boolean): Proc<Value> {
  return yield* perform<Value>({kind: 'load', name: 'smp_cond_load_relaxed', vocabulary, order: 'ONCE', at, until})
}
/** smp_cond_load_acquire(): as awaitOnce(), its read an acquire. */
export function* awaitAcquire(at: Address, until: (value: Scalar) => boolean): Proc<Value> {
  return yield* perform<Value>({kind: 'load', name: 'smp_cond_load_acquire', vocabulary, order: 'ACQUIRE', at, until})
}
/**
 * smp_cond_load_acquire() of a thread that waits for work, as a kernel thread or a softirq does: if none comes,
 * the thread is at its end and returns nothing, and the execution is complete.
 */
export function* awaitWork(at: Address, until: (value: Scalar) => boolean): Proc<Value> {
  return yield* perform<Value>({kind: 'load', name: 'smp_cond_load_acquire', vocabulary, order: 'ACQUIRE', at, until, isIdle: true})
}
/**
 * A spin lock's acquisition as one step: waits until the word satisfies `until`, then exchanges it
 * for `value` with acquire ordering, and returns the old value.
 */
export function* awaitXchgAcquire(at: Address, until: (value: Scalar) => boolean, value: Operand): Proc<Value> {
  const stored = Value.of(value)
  return yield* perform<Value>({
    kind: 'rmw', name: 'spin until xchg_acquire', vocabulary, order: 'ACQUIRE', at, update: () => stored, until,
  })
}
