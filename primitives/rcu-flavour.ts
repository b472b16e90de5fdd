/** What an implementation of RCU in primitive operations has to offer, and how its updaters take turns. */
import {awaitXchgAcquire, storeRelease, type Location, type Memory, type Proc, type Scalar} from '../lib/index.ts'

/**
 * One implementation. Readers are numbered from 0; sections of one reader do not nest (that would be a count
 * in memory of the reader's own). A section that can see what was there before `synchronize` is over when it returns.
 */
export interface RcuFlavour<State> {
  /** @param periods how often the program calls `synchronize` at the most. */
  readonly define: (memory: Memory, name: string, readers: number, periods: number) => State
  /** rcu_register_thread() and rcu_unregister_thread() around all that a reader does. */
  readonly registered: <T>(state: State, reader: number, body: Proc<T>) => Proc<T>
  readonly readLock: (state: State, reader: number) => Proc
  readonly readUnlock: (state: State, reader: number) => Proc
  /** synchronize_rcu() by a thread that is not in a section. */
  readonly synchronize: (state: State) => Proc
}

const isFree = (word: Scalar): boolean => word === 0

/** rcu_gp_lock: one grace period at a time. */
export function* gpLock(lock: Location): Proc {
  yield* awaitXchgAcquire(lock, isFree, 1) // acquire: the last grace period before this one; pairs with the release in gpUnlock()
}

/** Lets the next updater have its grace period. */
export function* gpUnlock(lock: Location): Proc {
  yield* storeRelease(lock, 0)
}
