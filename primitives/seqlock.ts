/**
 * The kernel's sequence counters and sequence locks: seqcount_t, and seqlock_t over it and a spin lock.
 *
 * Sources: include/linux/seqlock.h (every function is named after its kernel counterpart);
 * Documentation/locking/seqlock.rst; perfbook, "Sequence Locks".
 *
 * The count is even when the data is whole and odd while a writer is at work. The kernel increments it
 * with plain C accesses that KCSAN is told to take for atomic (kcsan_nestable_atomic_begin()); here they
 * are READ_ONCE() and WRITE_ONCE(), which is what that annotation claims of them.
 */
import {
  awaitAcquire, awaitOnce, kcsanAtomicNext, readOnce, smpRmb, smpWmb, when, Value, writeOnce,
  type Location, type Memory, type Operand, type Proc, type Scalar,
} from '../lib/index.ts'
import {defineSpinlock, spinLock, spinUnlock, type Spinlock} from './locks.ts'

/** seqcount_t: a sequence counter. Its writers must exclude each other by other means. */
export interface Seqcount {
  readonly sequence: Location
}

/** SEQCNT_ZERO() */
export function defineSeqcount(memory: Memory, name: string): Seqcount {
  return memory.struct(name, {sequence: 0})
}

/** No writer was at work when the count had this value. */
export const isEven = (count: Scalar): boolean => typeof count === 'number' && count % 2 === 0

// ---- seqcount_t: readers ---------------------------------------------------------------------------

/** KCSAN_SEQLOCK_REGION_MAX: how many accesses of a read section KCSAN takes for atomic, at the most. */
export const kcsanSeqlockRegionMax = 1000

/**
 * __read_seqcount_begin(): opens a read section without a barrier; the caller must order the count
 * before the data. Waits while a writer is at work, and returns the even count it saw then.
 */
export function* __readSeqcountBegin({sequence}: Seqcount): Proc<Value> {
  const start = yield* awaitOnce(sequence, isEven) // a wait, not a spin, so that executions stay finite
  yield* kcsanAtomicNext(kcsanSeqlockRegionMax)
  return start
}

/** raw_read_seqcount_begin(): as read_seqcount_begin(), without lockdep. */
export function* rawReadSeqcountBegin(count: Seqcount): Proc<Value> {
  const start = yield* __readSeqcountBegin(count)
  yield* smpRmb() // the count before the data; pairs with smp_wmb() in write_seqcount_end()
  return start
}

/** read_seqcount_begin(): opens a read section. Returns an even count, to be given to read_seqcount_retry(). */
export function* readSeqcountBegin(count: Seqcount): Proc<Value> {
  return yield* rawReadSeqcountBegin(count)
}

/** read_seqcount_begin() where CONFIG_ARCH_HAS_ACQUIRE_RELEASE is set: an acquire in place of smp_rmb(). */
export function* readSeqcountBeginAcquire({sequence}: Seqcount): Proc<Value> {
  // acquire: the count before the data; pairs with smp_wmb() in write_seqcount_end()
  const start = yield* awaitAcquire(sequence, isEven)
  yield* kcsanAtomicNext(kcsanSeqlockRegionMax)
  return start
}

/** raw_read_seqcount(): the count as it is, odd if a writer is at work: for callers that check that themselves. */
export function* rawReadSeqcount({sequence}: Seqcount): Proc<Value> {
  const start = yield* readOnce(sequence)
  yield* kcsanAtomicNext(kcsanSeqlockRegionMax)
  yield* smpRmb() // the count before the data; pairs with smp_wmb() in write_seqcount_end()
  return start
}

/**
 * raw_seqcount_begin(): opens a read section without waiting. If a writer is at work, the count returned
 * is the even one before it, so that read_seqcount_retry() must fail.
 */
export function* rawSeqcountBegin(count: Seqcount): Proc<Value> {
  return (yield* rawReadSeqcount(count)).and(~1)
}

/**
 * __read_seqcount_retry(): closes a read section without a barrier; the caller must order the data before
 * the count. Returns whether the section must be tried again.
 */
export function* __readSeqcountRetry({sequence}: Seqcount, start: Operand): Proc<Value> {
  yield* kcsanAtomicNext(0)
  return (yield* readOnce(sequence)).ne(start)
}

/** read_seqcount_retry(): closes a read section. If it returns true, what the section read means nothing. */
export function* readSeqcountRetry(count: Seqcount, start: Operand): Proc<Value> {
  yield* smpRmb() // the data before the count; pairs with smp_wmb() in write_seqcount_begin()
  return yield* __readSeqcountRetry(count, start)
}

// ---- seqcount_t: writers ---------------------------------------------------------------------------

/** s->sequence += by, by the only writer. */
function* add({sequence}: Seqcount, by: number): Proc {
  const now = yield* readOnce(sequence)
  yield* writeOnce(sequence, now.plus(by))
}

/** raw_write_seqcount_begin(): as write_seqcount_begin(), without lockdep. */
export function* rawWriteSeqcountBegin(count: Seqcount): Proc {
  yield* add(count, 1)
  yield* smpWmb() // the odd count before the data; pairs with smp_rmb() in read_seqcount_retry()
}

/** raw_write_seqcount_end(): as write_seqcount_end(), without lockdep. */
export function* rawWriteSeqcountEnd(count: Seqcount): Proc {
  yield* smpWmb() // the data before the even count; pairs with smp_rmb() in read_seqcount_begin()
  yield* add(count, 1)
}

/** write_seqcount_begin(): opens a write section. The count is even before and odd after; writers are serialised. */
export function* writeSeqcountBegin(count: Seqcount): Proc {
  yield* rawWriteSeqcountBegin(count)
}

/** write_seqcount_end(): closes a write section. The count is odd before and even after. */
export function* writeSeqcountEnd(count: Seqcount): Proc {
  yield* rawWriteSeqcountEnd(count)
}

/**
 * raw_write_seqcount_barrier(): a write section with nothing inside. No read section succeeds that saw a
 * store from behind it but missed one from before it. Needs marked accesses on both sides.
 */
export function* rawWriteSeqcountBarrier(count: Seqcount): Proc {
  yield* add(count, 1)
  // Earlier stores before the even count, and the odd count before later stores, in one barrier;
  // pairs with smp_rmb() in read_seqcount_begin() and in read_seqcount_retry().
  yield* smpWmb()
  yield* add(count, 1)
}

/** write_seqcount_invalidate(): no read section succeeds from here on that has seen older data. */
export function* writeSeqcountInvalidate(count: Seqcount): Proc {
  yield* smpWmb() // earlier stores before the new count; pairs with smp_rmb() in read_seqcount_begin()
  yield* add(count, 2)
}

// ---- seqlock_t --------------------------------------------------------------------------------------

/** seqlock_t: a sequence counter, and the spin lock that serialises its writers. */
export interface Seqlock {
  readonly seqcount: Seqcount
  readonly lock: Spinlock
}

/** DEFINE_SEQLOCK() */
export function defineSeqlock(memory: Memory, name: string): Seqlock {
  return {seqcount: defineSeqcount(memory, name), lock: defineSpinlock(memory, `${name}.lock`)}
}

/** write_seqlock(): opens a write section, alone. */
export function* writeSeqlock({seqcount, lock}: Seqlock): Proc {
  yield* spinLock(lock)
  yield* writeSeqcountBegin(seqcount)
}

/** write_sequnlock(): closes the write section. */
export function* writeSequnlock({seqcount, lock}: Seqlock): Proc {
  yield* writeSeqcountEnd(seqcount)
  yield* spinUnlock(lock)
}

/** read_seqbegin(): opens a lockless read section. Returns an even count, to be given to read_seqretry(). */
export function* readSeqbegin({seqcount}: Seqlock): Proc<Value> {
  return yield* readSeqcountBegin(seqcount)
}

/** read_seqretry(): closes a lockless read section. If it returns true, what the section read means nothing. */
export function* readSeqretry({seqcount}: Seqlock, start: Operand): Proc<Value> {
  return yield* readSeqcountRetry(seqcount, start)
}

/** read_seqlock_excl(): a reader that keeps writers and other locking readers out; the count stays even. */
export function* readSeqlockExcl({lock}: Seqlock): Proc {
  yield* spinLock(lock)
}

/** read_sequnlock_excl() */
export function* readSequnlockExcl({lock}: Seqlock): Proc {
  yield* spinUnlock(lock)
}

/**
 * read_seqbegin_or_lock(): opens a read section, lockless if `seq` is even and locking if it is odd.
 * Returns what `*seq` is afterwards: the count to validate against, or an odd number. Start with 0; if
 * need_seqretry() says so, call again with 1.
 */
export function* readSeqbeginOrLock(lock: Seqlock, seq: Operand): Proc<Value> {
  const given = Value.of(seq)
  return yield* either(
    isOdd(given),
    function* () {
      yield* readSeqlockExcl(lock)
      return given
    },
    () => readSeqbegin(lock),
  )
}

/** need_seqretry(): whether a read section opened by read_seqbegin_or_lock() must be tried again. */
export function* needSeqretry(lock: Seqlock, seq: Value): Proc<Value> {
  return yield* either(isOdd(seq), function* () { return Value.of(0) }, () => readSeqretry(lock, seq))
}

/** done_seqretry(): closes a read section that need_seqretry() has let pass. */
export function* doneSeqretry(lock: Seqlock, seq: Value): Proc {
  yield* when(isOdd(seq), () => readSequnlockExcl(lock))
}

/** Is this the mark of a locking reader, seq & 1? */
const isOdd = (seq: Value): Value => seq.and(1)

/** `condition ? then() : otherwise()`, its control dependency ending where the arms meet. */
function* either(condition: Value, then: () => Proc<Value>, otherwise: () => Proc<Value>): Proc<Value> {
  return (yield* when(condition, then, otherwise))
}
