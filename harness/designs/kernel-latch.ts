/** Designs over the kernel's seqcount_latch_t: two copies of the data, and readers that never wait. */
import {program, raw, readOnce, Value, when, writeOnce, type Location, type Memory, type Proc, type Program} from '../../lib/index.ts'
import {
  defineSeqcountLatch, latchedCopy, rawWriteSeqcountLatch, readSeqcountLatch, readSeqcountLatchAcquire, readSeqcountLatchRetry,
} from '../../primitives/index.ts'
import {brokenBy, everywhere, onlyInOrder, type Design} from '../design.ts'
import {mutants, type Mutation} from './mutants.ts'
import {snapshotClaims, snapshotWitnesses, tornSnapshot} from './snapshots.ts'

/** Reads a word of the copy that the count names, given the word of copy 0. */
function* readCopy(word: Location, seq: Value): Proc<Value> {
  return yield* readOnce(latchedCopy(word, 2, seq))
}

const latch = {
  readBegin: readSeqcountLatch,
  readCopy,
  readRetry: readSeqcountLatchRetry,
  /** Stands for write_seqcount_latch_begin() and write_seqcount_latch(), which are this and KCSAN's annotations. */
  redirect: rawWriteSeqcountLatch,
}

/** One writer, who brings both copies from version 0 to version 1, and one reader, who tries once. */
function latchProgram(name: string, parts: typeof latch): Program<never> {
  return program(name, (memory: Memory) => {
    const seq = defineSeqcountLatch(memory, 'latch')
    const data = memory.struct('data', {a0: 0, b0: 0, a1: 0, b1: 0}) // copy 0, then copy 1
    return {
      threads: {
        *writer() {
          yield* parts.redirect(seq)
          yield* writeOnce(data.a0, 1)
          yield* writeOnce(data.b0, 1)
          yield* parts.redirect(seq)
          yield* writeOnce(data.a1, 1)
          yield* writeOnce(data.b1, 1)
        },
        *reader() {
          const start = yield* parts.readBegin(seq)
          const a = yield* parts.readCopy(data.a0, start)
          const b = yield* parts.readCopy(data.b0, start)
          return (yield* raw(yield* parts.readRetry(seq, start))) === 0 ? {start, a, b} : null
        },
      },
      // the count is 1 while copy 1 holds version 0, and 2 when copy 0 holds version 1: start >> 1 again
      claims: snapshotClaims,
      witnesses: snapshotWitnesses,
    }
  })
}

const byAddress: Design = {
  name: 'kernel-latch',
  title: 'seqcount_latch_t: the count is ordered before the data by an address dependency',
  source: 'include/linux/seqlock.h; kernel/time/timekeeping.c, __ktime_get_fast_ns()',
  program: () => latchProgram('kernel-latch', latch),
  // C and C++ give an address dependency no order (consume apart): relaxed loads may come apart
  expected: {...everywhere, rc11: brokenBy(tornSnapshot), 'c++20': brokenBy(tornSnapshot)},
}

/** The same words, picked by a branch: a control dependency, which orders no loads. */
function* readCopyByBranch(word: Location, seq: Value): Proc<Value> {
  const copy = (index: number) => () => readOnce(latchedCopy(word, 2, Value.of(index)))
  return (yield* when(seq.and(1), copy(1), copy(0)))
}

const latchMutations: readonly Mutation<typeof latch>[] = [
  {part: 'redirect', without: 'smp_wmb', nth: 1, name: 'without-first-wmb', expected: onlyInOrder(tornSnapshot)},
  {part: 'redirect', without: 'smp_wmb', nth: 2, name: 'without-second-wmb', expected: onlyInOrder(tornSnapshot)},
  {part: 'readRetry', without: 'smp_rmb', name: 'without-retry-rmb', expected: onlyInOrder(tornSnapshot)},
  {
    part: 'readCopy', instead: readCopyByBranch, change: 'with a branch on the count for the address', name: 'by-branch',
    expected: onlyInOrder(tornSnapshot),
  },
]

const acquireLatch = {...latch, readBegin: readSeqcountLatchAcquire}

const byAcquire: Design = {
  name: 'kernel-latch-acquire',
  title: 'seqcount_latch_t with smp_load_acquire() of the count, so that no dependency is needed',
  source: 'include/linux/seqlock.h, with a change of ours',
  program: () => latchProgram('kernel-latch-acquire', acquireLatch),
  expected: everywhere,
}

/** The designs over seqcount_latch_t, each followed by its mutants. */
export const latchDesigns: readonly Design[] = [
  byAddress, ...mutants(byAddress, latch, latchProgram, latchMutations),
  byAcquire, ...mutants(byAcquire, acquireLatch, latchProgram, [
    // what is left is the address dependency
    {part: 'readBegin', relaxed: 'smp_load_acquire', name: 'relaxed-begin', expected: byAddress.expected},
  ]),
]
