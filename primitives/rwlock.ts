/**
 * The kernel's reader-writer locks in primitive operations: rwlock_t, whose readers do not wait for a waiting
 * writer, and rw_semaphore, whose readers do.
 *
 * Sources: include/asm-generic/qrwlock.h and kernel/locking/qrwlock.c (orderings; "readers are let in" where they
 * recurse); kernel/locking/rwsem.c (down_read() fails over to sleeping while somebody waits; downgrade_write());
 * Documentation/locking/locktypes.rst (writer fairness); perfbook, "Reader-Writer Locks".
 *
 * One word says who holds the lock. Waiting is one step, without spinning. Queues are left out: whoever may go
 * on may be the next. A thread must hold what it releases. Readers see what earlier writers did before they
 * released it, and a writer sees that of everybody.
 */
import {
  atomicAdd, atomicAddReturnRelease, atomicFetchAddRelease, cmpxchgAcquire, perform, raw, storeRelease,
  type Location, type Memory, type Proc, type Scalar, type Value,
} from '../lib/index.ts'
import {lockAcquired, lockReleased, mightSleep} from './notes.ts'

const writer = 1
const reader = 2
/** Added by every writer that waits; there is room for 127 readers below. */
const waiting = 256

const free = 0
const waits = 'wait for a semaphore'
const holders = waiting - 1
const bits = (word: Scalar): number => word as number // nothing else is ever stored there

/** A cmpxchg loop as one step: waits until the word allows it, then changes it; an acquire. */
function* cmpxchgAcquireUntil(at: Location, until: (word: number) => boolean, update: (word: Value) => Value): Proc {
  yield* perform<Value>({
    kind: 'rmw', name: 'spin until cmpxchg_acquire', vocabulary: 'kernel', order: 'ACQUIRE', at, update, until: word => until(bits(word)),
  })
}

// ---- rwlock_t: readers first -------------------------------------------------------------------------

/** rwlock_t: how many readers hold it, or that a writer does. */
export interface Rwlock {
  readonly count: Location
}

/** DEFINE_RWLOCK() */
export function defineRwlock(memory: Memory, name: string): Rwlock {
  return memory.struct(name, {count: free})
}

/** read_lock(): returns holding the lock for reading. Nests: only a writer that holds the lock keeps a reader out. */
export function* readLock({count}: Rwlock): Proc {
  // acquire: the lock before the critical section; pairs with smp_store_release() in write_unlock()
  yield* cmpxchgAcquireUntil(count, word => (word & writer) === 0, word => word.plus(reader))
  yield* lockAcquired(count, {isSpinning: true})
}

/** read_unlock() */
export function* readUnlock({count}: Rwlock): Proc {
  yield* lockReleased(count)
  // release: the critical section before the count without it; pairs with the acquire in write_lock()
  yield* atomicAddReturnRelease(count, -reader)
}

/** write_lock(): returns holding the lock alone. */
export function* writeLock({count}: Rwlock): Proc {
  // acquire: the lock before the critical section; pairs with the releases in read_unlock() and write_unlock()
  yield* cmpxchgAcquireUntil(count, word => word === free, word => word.plus(writer))
  yield* lockAcquired(count, {isSpinning: true})
}

/** write_unlock() */
export function* writeUnlock({count}: Rwlock): Proc {
  yield* lockReleased(count)
  // release: the critical section before the free lock; pairs with the acquires in read_lock() and write_lock()
  yield* storeRelease(count, free) // while a writer holds it nobody else changes the word
}

// ---- rw_semaphore: writers first ---------------------------------------------------------------------

/** struct rw_semaphore: how many readers hold it, or that a writer does, and how many writers wait. */
export interface RwSemaphore {
  readonly count: Location
}

/** DECLARE_RWSEM() */
export function defineRwSemaphore(memory: Memory, name: string): RwSemaphore {
  return memory.struct(name, {count: free})
}

/** down_read(): returns holding it for reading. Waits for writers that wait, so a reader must not take it twice. */
export function* downRead({count}: RwSemaphore): Proc {
  yield* mightSleep(waits)
  // acquire: the lock before the critical section; pairs with the release in up_write()
  yield* cmpxchgAcquireUntil(count, word => (word & writer) === 0 && word < waiting, word => word.plus(reader))
  yield* lockAcquired(count, {isSpinning: false})
}

/** up_read() */
export function* upRead({count}: RwSemaphore): Proc {
  yield* lockReleased(count)
  // release: the critical section before the count without it; pairs with the acquires in down_write()
  yield* atomicAddReturnRelease(count, -reader)
}

/** down_write(): returns holding it alone. */
export function* downWrite(semaphore: RwSemaphore): Proc {
  yield* mightSleep(waits)
  // acquire: the lock before the critical section; pairs with the releases in up_read() and up_write()
  const seen = yield* cmpxchgAcquire(semaphore.count, free, writer)
  if ((yield* raw(seen)) !== free) yield* downWriteSlowpath(semaphore)
  yield* lockAcquired(semaphore.count, {isSpinning: false})
}

/** rwsem_down_write_slowpath(): says that it waits, so that no more readers come, and waits for those that are there. */
function* downWriteSlowpath({count}: RwSemaphore): Proc {
  yield* atomicAdd(count, waiting) // only asks: orders nothing
  // acquire: as on the fast path
  yield* cmpxchgAcquireUntil(count, word => (word & holders) === free, word => word.plus(writer - waiting))
}

/** up_write() */
export function* upWrite({count}: RwSemaphore): Proc {
  yield* lockReleased(count)
  // release: the critical section before the free lock; pairs with the acquires in down_read() and down_write()
  yield* atomicFetchAddRelease(count, -writer) // others may say meanwhile that they wait
}

/** downgrade_write(): from holding it alone to holding it for reading, with no writer in between. */
export function* downgradeWrite({count}: RwSemaphore): Proc {
  // release: what was written alone before other readers may come; pairs with the acquire in down_read()
  yield* atomicFetchAddRelease(count, reader - writer)
}
