/**
 * Locks in C++'s and Rust's atomics: spin lock, ticket lock, and a mutex that sleeps.
 *
 * Sources: C++20 [thread.mutex.requirements.mutex] (unlock synchronises with the next lock);
 * the crate `spin` (SpinMutex, TicketMutex); Rust's std::sys::sync::mutex::futex.
 *
 * Every lock here: a thread must not take what it holds, and must hold what it releases. Having taken
 * it, everything before earlier releases happens before what the thread does next.
 */
import {
  compareExchange, fetchAdd, load, loadUntil, raw, rawNumber, store, swap, swapUntil,
  type Location, type Memory, type Proc, type Scalar,
} from '../lib/index.ts'

const unlocked = 0
const locked = 1
const contended = 2

const isUnlocked = (word: Scalar): boolean => word === unlocked

// ---- Spin lock ---------------------------------------------------------------------------------------

/** spin::SpinMutex: an atomic flag. */
export interface SpinMutex {
  readonly flag: Location
}

/** SpinMutex::new() */
export function defineSpinMutex(memory: Memory, name: string): SpinMutex {
  return memory.struct(name, {flag: unlocked})
}

/** SpinMutex::lock(): returns holding the lock. */
export function* spinMutexLock({flag}: SpinMutex): Proc {
  // Acquire: the lock before the critical section; synchronises with store(Release) in unlock
  yield* swapUntil(flag, isUnlocked, locked, 'Acquire')
}

/** SpinMutexGuard::drop() */
export function* spinMutexUnlock({flag}: SpinMutex): Proc {
  // Release: the critical section before the free lock; the next swap(Acquire) synchronises with it
  yield* store(flag, unlocked, 'Release')
}

// ---- Ticket lock -------------------------------------------------------------------------------------

/** spin::TicketMutex */
export interface TicketMutex {
  readonly next: Location
  readonly serving: Location
}

/** TicketMutex::new() */
export function defineTicketMutex(memory: Memory, name: string): TicketMutex {
  return memory.struct(name, {next: 0, serving: 0})
}

/** TicketMutex::lock(): returns holding the lock; threads get it in the order in which they drew tickets. */
export function* ticketMutexLock({next, serving}: TicketMutex): Proc {
  const ticket = yield* rawNumber(yield* fetchAdd(next, 1, 'Relaxed')) // only draws a number: orders nothing
  // Acquire: my turn before the critical section; synchronises with store(Release) in unlock
  yield* loadUntil(serving, 'Acquire', turn => turn === ticket)
}

/** TicketMutexGuard::drop() */
export function* ticketMutexUnlock({serving}: TicketMutex): Proc {
  const turn = yield* load(serving, 'Relaxed') // only the holder writes it
  // Release: the critical section before the next turn; that turn's load(Acquire) synchronises with it
  yield* store(serving, turn.plus(1), 'Release')
}

// ---- Mutex -------------------------------------------------------------------------------------------

/** std::sync::Mutex over a futex: unlocked, locked, or locked with somebody asleep. */
export interface FutexMutex {
  readonly futex: Location
}

/** Mutex::new() */
export function defineFutexMutex(memory: Memory, name: string): FutexMutex {
  return memory.struct(name, {futex: unlocked})
}

/** Mutex::lock(): returns holding the mutex. */
export function* futexMutexLock({futex}: FutexMutex): Proc {
  // Acquire: the mutex before the critical section; synchronises with swap(Release) in unlock
  const seen = yield* compareExchange(futex, unlocked, locked, 'Acquire', 'Relaxed')
  // Acquire: as above. The sleeper leaves `contended` behind, since it cannot know whether others sleep too.
  if (!isUnlocked(yield* raw(seen))) yield* swapUntil(futex, isUnlocked, contended, 'Acquire')
}

/** MutexGuard::drop(). Waking a sleeper needs no step here: the wait ends by itself when the futex is free. */
export function* futexMutexUnlock({futex}: FutexMutex): Proc {
  // Release: the critical section before the free mutex; both Acquires of lock synchronise with it
  yield* swap(futex, unlocked, 'Release')
}
