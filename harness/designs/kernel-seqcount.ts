/** Designs over the kernel's seqcount_t: the counter alone, its writers serialised by other means. */
import {program, readOnce, readPlain, writeOnce, writePlain, type Memory, type Program} from '../../lib/index.ts'
import {
  __readSeqcountBegin, __readSeqcountRetry, defineSeqcount, rawReadSeqcount, rawSeqcountBegin, rawWriteSeqcountBarrier,
  readSeqcountBegin, readSeqcountBeginAcquire, readSeqcountRetry, writeSeqcountBegin, writeSeqcountEnd, writeSeqcountInvalidate, type SequenceLock,
} from '../../primitives/index.ts'
import {brokenBy, everywhere, nowhere, onlyInOrder, type Design, type Expected} from '../design.ts'
import {mutants, type Mutation} from './mutants.ts'
import {readSnapshot, snapshots, snapshotWitnesses, staleSnapshot, tornSnapshot, twoWords, type Snapshot} from './snapshots.ts'

const header = 'include/linux/seqlock.h'

/** The order that LKMM needs, with READ_ONCE() and WRITE_ONCE() for the data. */
const seqcount: SequenceLock<void> = {
  writeBegin: writeSeqcountBegin,
  storeWord: writeOnce,
  writeEnd: writeSeqcountEnd,
  readBegin: readSeqcountBegin,
  loadWord: readOnce,
  readRetry: readSeqcountRetry,
}

const kernelSeqcount: Design = {
  name: 'kernel-seqcount',
  title: 'seqcount_t, one writer and one reader',
  source: header,
  program: () => snapshots('kernel-seqcount', seqcount),
  expected: everywhere,
}

const seqcountMutations: readonly Mutation<typeof seqcount>[] = [
  {part: 'readBegin', without: 'smp_rmb', name: 'without-begin-rmb', expected: onlyInOrder(tornSnapshot)},
  {part: 'readRetry', without: 'smp_rmb', name: 'without-retry-rmb', expected: onlyInOrder(tornSnapshot)},
  {part: 'writeBegin', without: 'smp_wmb', name: 'without-begin-wmb', expected: onlyInOrder(tornSnapshot)},
  {part: 'writeEnd', without: 'smp_wmb', name: 'without-end-wmb', expected: onlyInOrder(tornSnapshot)},
]

const twoWrites: Design = {
  name: 'kernel-seqcount-two-writes',
  title: 'seqcount_t, one writer with two write sections and one reader',
  source: header,
  program: () => snapshots('kernel-seqcount-two-writes', seqcount, 2),
  expected: everywhere,
}

const acquireBegin: SequenceLock<void> = {...seqcount, readBegin: readSeqcountBeginAcquire}

const kernelAcquireBegin: Design = {
  name: 'kernel-seqcount-acquire',
  title: 'seqcount_t whose readers begin with smp_load_acquire(), as on architectures that have it',
  source: `${header} (__seqprop_load_sequence())`,
  program: () => snapshots('kernel-seqcount-acquire', acquireBegin),
  expected: everywhere,
}

const barrierFree: Design = {
  name: 'kernel-seqcount-barrier-free',
  title: 'a reader with __read_seqcount_begin() and __read_seqcount_retry(), and no barrier of its own',
  source: header,
  program: () => snapshots('kernel-seqcount-barrier-free', {...seqcount, readBegin: __readSeqcountBegin, readRetry: __readSeqcountRetry}),
  expected: onlyInOrder(tornSnapshot),
}

/** LKMM promises nothing of plain accesses that race, barriers or not. KCSAN lets these pass, by annotation. */
const racy: Expected = {
  ...everywhere, rc11: brokenBy('data-race'), 'c++20': brokenBy('data-race'), lkmm: brokenBy('data-race'),
}

const plainData: Design = {
  name: 'kernel-seqcount-plain',
  title: 'seqcount_t around plain C accesses, as most of the kernel uses it',
  source: `${header} (kcsan_atomic_next()); tools/memory-model/Documentation/access-marking.txt`,
  program: () => snapshots('kernel-seqcount-plain', {...seqcount, storeWord: writePlain, loadWord: readPlain}),
  expected: racy,
}

// ---- A reader that does not wait -----------------------------------------------------------------------

const rawBegin: SequenceLock<void> = {...seqcount, readBegin: rawSeqcountBegin}

const kernelRawBegin: Design = {
  name: 'kernel-seqcount-raw-begin',
  title: 'raw_seqcount_begin(): a reader that does not wait for the writer, and fails instead',
  source: header,
  program: () => snapshots('kernel-seqcount-raw-begin', rawBegin),
  expected: everywhere,
}

const rawBeginMutations: readonly Mutation<typeof rawBegin>[] = [
  {part: 'readBegin', without: 'smp_rmb', name: 'without-rmb', expected: onlyInOrder(tornSnapshot)},
  {part: 'readBegin', instead: rawReadSeqcount, change: 'without & ~1', name: 'odd', expected: nowhere(tornSnapshot)},
]

// ---- raw_write_seqcount_barrier() ----------------------------------------------------------------------

const flags = {writeBarrier: rawWriteSeqcountBarrier}

/** Up first, down later: no reader may find both down. */
function flagsProgram(name: string, {writeBarrier}: typeof flags): Program<never> {
  return program(name, (memory: Memory) => {
    const count = defineSeqcount(memory, 'count')
    const [up, down] = [memory.word('up', 1), memory.word('down', 0)]
    return {
      threads: {
        writer: function* () {
          yield* writeOnce(down, 1)
          yield* writeBarrier(count)
          yield* writeOnce(up, 0)
        },
        reader: () => readSnapshot(seqcount, count, {a: up, b: down}),
      },
      claims: {
        'no snapshot with neither flag': ({reader}) => reader === null || reader.a !== 0 || reader.b !== 0,
      },
      witnesses: {
        'some reader returns the old flags': ({reader}) => reader !== null && reader.a === 1 && reader.b === 0,
        'some reader returns the new flags': ({reader}) => reader !== null && reader.a === 0 && reader.b === 1,
        'some reader must try again': ({reader}) => reader === null,
      },
    }
  })
}

const writeBarrier: Design = {
  name: 'kernel-seqcount-write-barrier',
  title: 'raw_write_seqcount_barrier() between two stores that are in no write section',
  source: header,
  program: () => flagsProgram('kernel-seqcount-write-barrier', flags),
  expected: everywhere,
}

// ---- write_seqcount_invalidate() -----------------------------------------------------------------------

const invalidation = {invalidate: writeSeqcountInvalidate}

/** The data may be seen half changed before the invalidation, but never by a section that begins after it. */
function invalidationProgram(name: string, {invalidate}: typeof invalidation): Program<never> {
  return program(name, (memory: Memory) => {
    const count = defineSeqcount(memory, 'count')
    const data = twoWords(memory)
    const isStale = ({start, a, b}: Snapshot): boolean => start === 2 && (a === 0 || b === 0)
    return {
      threads: {
        writer: function* () {
          yield* writeOnce(data.a, 1)
          yield* writeOnce(data.b, 1)
          yield* invalidate(count)
        },
        reader: () => readSnapshot(seqcount, count, data),
      },
      claims: {[staleSnapshot]: ({reader}) => reader === null || !isStale(reader)},
      witnesses: snapshotWitnesses,
    }
  })
}

const invalidate: Design = {
  name: 'kernel-seqcount-invalidate',
  title: 'write_seqcount_invalidate() behind stores that are in no write section',
  source: header,
  program: () => invalidationProgram('kernel-seqcount-invalidate', invalidation),
  expected: everywhere,
}

/** The designs over seqcount_t, each followed by its mutants. */
export const seqcountDesigns: readonly Design[] = [
  kernelSeqcount, ...mutants(kernelSeqcount, seqcount, snapshots, seqcountMutations),
  twoWrites,
  kernelAcquireBegin, ...mutants(kernelAcquireBegin, acquireBegin, snapshots, [
    {part: 'readBegin', relaxed: 'smp_cond_load_acquire', name: 'relaxed-begin', expected: onlyInOrder(tornSnapshot)},
  ]),
  barrierFree,
  plainData,
  kernelRawBegin, ...mutants(kernelRawBegin, rawBegin, snapshots, rawBeginMutations),
  writeBarrier, ...mutants(writeBarrier, flags, flagsProgram, [
    {part: 'writeBarrier', without: 'smp_wmb', name: 'without-wmb', expected: onlyInOrder('no snapshot with neither flag')},
  ]),
  invalidate, ...mutants(invalidate, invalidation, invalidationProgram, [
    {part: 'invalidate', without: 'smp_wmb', name: 'without-wmb', expected: onlyInOrder(staleSnapshot)},
  ]),
]
