/**
 * The kernel's locks, in primitive operations: test-and-set spin lock, ticket lock, mutex.
 *
 * Sources: include/asm-generic/ticket_spinlock.h (orderings of a ticket lock); kernel/locking/mutex.c
 * (the fast paths of mutex_lock() and mutex_unlock()); Documentation/memory-barriers.txt, "Implicit
 * kernel memory barriers"; perfbook, "Locking Implementation Issues". LKMM's own spin_lock() (lock.cat)
 * promises more than these: there an unlock and a later lock on one CPU order all accesses but W to R.
 *
 * Every lock here: a thread must not take what it holds, and must hold what it releases. Having taken
 * it, the thread sees whatever earlier holders did before they released it.
 */
import {
  atomicFetchAddRelaxed, awaitAcquire, awaitXchgAcquire, check, cmpxchgAcquire, cmpxchgRelease, raw, rawNumber, readOnce,
  storeRelease, type Location, type Memory, type Proc, type Scalar, type Value,
} from '../lib/index.ts'
import {lockAcquired, lockReleased, mightSleep} from './notes.ts'

const isFree = (word: Scalar): boolean => word === 0

const spinning = {isSpinning: true}

// ---- Spin lock: test and set ---------------------------------------------------------------------

/** spinlock_t: 0 when free, 1 when held. */
export interface Spinlock {
  readonly locked: Location
}

/** DEFINE_SPINLOCK() */
export function defineSpinlock(memory: Memory, name: string): Spinlock {
  return memory.struct(name, {locked: 0})
}

/** spin_lock(): returns holding the lock. */
export function* spinLock({locked}: Spinlock): Proc {
  // acquire: taking the lock before the critical section; pairs with smp_store_release() in spin_unlock()
  yield* awaitXchgAcquire(locked, isFree, 1)
  yield* lockAcquired(locked, spinning)
}

/** spin_trylock(): whether it took the lock; does not wait. */
export function* spinTrylock({locked}: Spinlock): Proc<Value> {
  // acquire if it succeeds, nothing otherwise; pairs as in spin_lock()
  const taken = (yield* cmpxchgAcquire(locked, 0, 1)).eq(0)
  yield* lockAcquired(locked, {...spinning, taken})
  return taken
}

/** spin_unlock() */
export function* spinUnlock({locked}: Spinlock): Proc {
  yield* lockReleased(locked)
  // release: the critical section before the free lock; pairs with the acquire in spin_lock()
  yield* storeRelease(locked, 0)
}

// ---- Ticket lock -----------------------------------------------------------------------------------

/** arch_spinlock_t as a ticket lock, its two halves as words of their own. Free when they are equal. */
export interface TicketLock {
  /** The next ticket to hand out. */
  readonly next: Location
  /** The ticket whose turn it is. */
  readonly owner: Location
}

/** A free ticket lock. */
export function defineTicketLock(memory: Memory, name: string): TicketLock {
  return memory.struct(name, {next: 0, owner: 0})
}

/**
 * ticket_spin_lock(): returns holding the lock; threads get it in the order in which they drew tickets.
 * The header draws with the fully ordered atomic_fetch_add() and has an smp_mb() behind the wait: those are
 * for what spin_lock() promises beyond mutual exclusion, and left out here.
 */
export function* ticketSpinLock({next, owner}: TicketLock): Proc {
  const ticket = yield* rawNumber(yield* atomicFetchAddRelaxed(next, 1)) // only draws a number: orders nothing
  // acquire: my turn before the critical section; pairs with smp_store_release() in ticket_spin_unlock()
  yield* awaitAcquire(owner, turn => turn === ticket)
  yield* lockAcquired(owner, spinning)
}

/** ticket_spin_unlock() */
export function* ticketSpinUnlock({owner}: TicketLock): Proc {
  yield* lockReleased(owner)
  const turn = yield* readOnce(owner) // only the holder writes it
  // release: the critical section before the next turn; pairs with the acquire in ticket_spin_lock()
  yield* storeRelease(owner, turn.plus(1))
}

// ---- Mutex -----------------------------------------------------------------------------------------

/** struct mutex, without its flags and list of waiters: 0 when free, else the task that holds it. */
export interface Mutex {
  readonly owner: Location
}

/** DEFINE_MUTEX() */
export function defineMutex(memory: Memory, name: string): Mutex {
  return memory.struct(name, {owner: 0})
}

/** mutex_lock() by the task `current` (not 0): returns holding the mutex. */
export function* mutexLock(mutex: Mutex, current: number): Proc {
  yield* mightSleep('wait for a mutex')
  // acquire: ownership before the critical section; pairs with cmpxchg_release() in mutex_unlock()
  const holder = yield* cmpxchgAcquire(mutex.owner, 0, current)
  if ((yield* raw(holder)) !== 0) yield* mutexLockSlowpath(mutex, current)
  yield* lockAcquired(mutex.owner, {isSpinning: false})
}

/** __mutex_lock_slowpath(): sleeps until the mutex is free, then takes it. */
function* mutexLockSlowpath({owner}: Mutex, current: number): Proc {
  // acquire: as on the fast path
  yield* awaitXchgAcquire(owner, isFree, current)
}

/** mutex_unlock() by the task that holds it. */
export function* mutexUnlock({owner}: Mutex, current: number): Proc {
  yield* lockReleased(owner)
  // release: the critical section before the free mutex; pairs with the acquires in mutex_lock()
  const holder = yield* cmpxchgRelease(owner, current, 0)
  yield* check('a mutex is unlocked by its owner', holder.eq(current))
}
