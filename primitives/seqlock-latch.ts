/**
 * The kernel's latch: a sequence counter over two copies of the data, whose readers never wait.
 *
 * Sources: include/linux/seqlock.h, seqcount_latch_t; Documentation/locking/seqlock.rst, "Latch sequence
 * counters". The writer changes one copy while readers use the other; the low bit of the count says which.
 */
import {
  kcsanAtomicNext, loadAcquire, readOnce, smpRmb, smpWmb, Value, writeOnce, type Location, type Memory, type Operand, type Proc,
} from '../lib/index.ts'
import {defineSeqcount, kcsanSeqlockRegionMax, type Seqcount} from './seqlock.ts'

/** seqcount_latch_t. Its writers must exclude each other by other means. */
export interface SeqcountLatch {
  readonly seqcount: Seqcount
}

/** SEQCNT_LATCH_ZERO() */
export function defineSeqcountLatch(memory: Memory, name: string): SeqcountLatch {
  return {seqcount: defineSeqcount(memory, name)}
}

/**
 * &data[seq & 1]: the copy that readers may use under this count, given a word of copy 0 and the number
 * of words per copy. The address depends on the count.
 */
export function latchedCopy(word: Location, wordsPerCopy: number, seq: Value): Value {
  return Value.of(word).plus(seq.and(1).times(wordsPerCopy))
}

// ---- Readers -----------------------------------------------------------------------------------------

/** raw_read_seqcount_latch(): the count, whose low bit picks the copy to read. Does not wait. */
export function* rawReadSeqcountLatch({seqcount}: SeqcountLatch): Proc<Value> {
  // No smp_rmb(): the data's address depends on the count, which orders the count before the data.
  // Pairs with the first smp_wmb() in raw_write_seqcount_latch().
  return yield* readOnce(seqcount.sequence)
}

/** read_seqcount_latch(): as raw_read_seqcount_latch(), annotated for KCSAN. */
export function* readSeqcountLatch(latch: SeqcountLatch): Proc<Value> {
  yield* kcsanAtomicNext(kcsanSeqlockRegionMax)
  return yield* rawReadSeqcountLatch(latch)
}

/** read_seqcount_latch() with an acquire in place of the address dependency, for models that do not keep those. */
export function* readSeqcountLatchAcquire({seqcount}: SeqcountLatch): Proc<Value> {
  // acquire: the count before the data; pairs with the first smp_wmb() in raw_write_seqcount_latch()
  return yield* loadAcquire(seqcount.sequence)
}

/** raw_read_seqcount_latch_retry(): whether the copy may have changed while it was read. */
export function* rawReadSeqcountLatchRetry({seqcount}: SeqcountLatch, start: Operand): Proc<Value> {
  yield* smpRmb() // the data before the count; pairs with the second smp_wmb() in raw_write_seqcount_latch()
  return (yield* readOnce(seqcount.sequence)).ne(start)
}

/** read_seqcount_latch_retry(): as raw_read_seqcount_latch_retry(), annotated for KCSAN. */
export function* readSeqcountLatchRetry(latch: SeqcountLatch, start: Operand): Proc<Value> {
  yield* kcsanAtomicNext(0)
  return yield* rawReadSeqcountLatchRetry(latch, start)
}

// ---- Writers -----------------------------------------------------------------------------------------

/** raw_write_seqcount_latch(): sends readers to the other copy. */
export function* rawWriteSeqcountLatch({seqcount: {sequence}}: SeqcountLatch): Proc {
  yield* smpWmb() // the copy last changed before the count that sends readers to it; pairs with the address dependency
  const now = yield* readOnce(sequence)
  yield* writeOnce(sequence, now.plus(1))
  yield* smpWmb() // the count before changes to the copy that readers leave; pairs with smp_rmb() in the retry
}

/** write_seqcount_latch_begin(): sends readers to copy 1; copy 0 may be changed from here on. */
export function* writeSeqcountLatchBegin(latch: SeqcountLatch): Proc {
  yield* rawWriteSeqcountLatch(latch)
}

/** write_seqcount_latch(): copy 0 is done; sends readers to it, and copy 1 may be changed from here on. */
export function* writeSeqcountLatch(latch: SeqcountLatch): Proc {
  yield* rawWriteSeqcountLatch(latch)
}

/** write_seqcount_latch_end(): copy 1 is done. Orders nothing: the next write_seqcount_latch_begin() does. */
export function* writeSeqcountLatchEnd(_latch: SeqcountLatch): Proc {
  // in the kernel, only the end of KCSAN's annotation
}
