/**
 * What primitives tell lockdep.ts, and nobody else: that a thread may have to wait for long, that it takes a lock,
 * that it releases one. In a run a note is a claim that holds.
 *
 * Sources: include/linux/kernel.h (might_sleep()), include/linux/lockdep.h (lock_acquire(), lock_release()).
 */
import {perform, Value, type Location, type Op, type Operand, type Proc} from '../lib/index.ts'

export type Note =
  | {readonly kind: 'sleeps'; readonly what: string}
  /** `taken`: whether the thread got it. A thread must not sleep while it holds one that is spinning. */
  | {readonly kind: 'acquires'; readonly lock: Location; readonly isSpinning: boolean; readonly taken: Value}
  | {readonly kind: 'releases'; readonly lock: Location}

/** A claim with a note on it. */
export type Noted = Extract<Op, {kind: 'check'}> & {readonly note: Note}

function* tell(claim: string, note: Note): Proc {
  const op: Noted = {kind: 'check', claim, holds: Value.of(true), note}
  yield* perform<undefined>(op)
}

/** might_sleep(): here the thread may have to wait for long. `what` it does then, in the words of a report. */
export function* mightSleep(what = 'sleep'): Proc {
  yield* tell('might_sleep()', {kind: 'sleeps', what})
}

/** lock_acquire(): the thread has taken the lock, or tried to. `lock` is the word that says who holds it. */
export function* lockAcquired(lock: Location, {isSpinning, taken = true}: {readonly isSpinning: boolean; readonly taken?: Operand}): Proc {
  yield* tell('lock_acquire()', {kind: 'acquires', lock, isSpinning, taken: Value.of(taken)})
}

/** lock_release(): the thread is about to release the lock. */
export function* lockReleased(lock: Location): Proc {
  yield* tell('lock_release()', {kind: 'releases', lock})
}
