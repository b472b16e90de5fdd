/** Designs over the kernel's seqlock_t: a sequence counter whose writers share a spin lock. */
import {program, raw, readOnce, readPlain, Value, writeOnce, writePlain, type Memory, type Program} from '../../lib/index.ts'
import {
  defineSeqlock, doneSeqretry, needSeqretry, readSeqbegin, readSeqbeginOrLock, readSeqlockExcl, readSeqretry,
  readSequnlockExcl, writeSeqcountBegin, writeSeqlock, writeSequnlock, type Seqlock,
} from '../../primitives/index.ts'
import {everywhere, nowhere, onlyInOrder, type Design} from '../design.ts'
import {mutants, type Mutation} from './mutants.ts'
import {snapshotClaims, snapshotWitnesses, tornSnapshot, twoWords, type Snapshot, type TwoWords} from './snapshots.ts'

const header = 'include/linux/seqlock.h'

const seqlock = {writeSeqlock, writeSequnlock, readSeqbegin, readSeqretry}

/** One write section: version `v` of the data. */
function* write({writeSeqlock, writeSequnlock}: typeof seqlock, lock: Seqlock, data: TwoWords, v: number) {
  yield* writeSeqlock(lock)
  yield* writeOnce(data.a, v)
  yield* writeOnce(data.b, v)
  yield* writeSequnlock(lock)
}

// ---- Writers among themselves ---------------------------------------------------------------------------

const lostSection = 'no lost write section'

/** Two writers and nobody who reads: what is left must be one writer's, and both must have counted. */
function writersProgram(name: string, parts: typeof seqlock): Program<never> {
  return program(name, (memory: Memory) => {
    const lock = defineSeqlock(memory, 'sl')
    const data = twoWords(memory)
    return {
      threads: {
        first: () => write(parts, lock, data, 1),
        second: () => write(parts, lock, data, 2),
      },
      claims: {
        'the data is whole in the end': (_, final) => final(data.a) === final(data.b),
        [lostSection]: (_, final) => final(lock.seqcount.sequence) === 4,
      },
      witnesses: {
        'the first writer is the last': (_, final) => final(data.a) === 1,
        'the second writer is the last': (_, final) => final(data.a) === 2,
      },
    }
  })
}

const writers: Design = {
  name: 'kernel-seqlock-writers',
  title: 'seqlock_t, two writers',
  source: header,
  program: () => writersProgram('kernel-seqlock-writers', seqlock),
  expected: everywhere,
}

/** write_seqlock() by somebody who forgot that there are other writers. */
function* writeSeqlockAlone({seqcount}: Seqlock) {
  yield* writeSeqcountBegin(seqcount)
}

const writersMutations: readonly Mutation<typeof seqlock>[] = [
  {part: 'writeSeqlock', relaxed: 'spin until xchg_acquire', name: 'relaxed-lock', expected: onlyInOrder(lostSection)},
  {part: 'writeSequnlock', relaxed: 'smp_store_release', name: 'relaxed-unlock', expected: onlyInOrder(lostSection)},
  {part: 'writeSeqlock', instead: writeSeqlockAlone, change: 'without spin_lock()', name: 'without-lock', expected: nowhere(lostSection)},
]

// ---- Writers and a lockless reader ----------------------------------------------------------------------

interface Outcome {
  readonly reader: Snapshot | null
}

/** Two writers and a lockless reader, who tries once. */
function readerProgram(name: string, parts: typeof seqlock): Program<never> {
  return program(name, (memory: Memory) => {
    const lock = defineSeqlock(memory, 'sl')
    const data = twoWords(memory)
    return {
      threads: {
        first: () => write(parts, lock, data, 1),
        second: () => write(parts, lock, data, 2),
        *reader() {
          const start = yield* parts.readSeqbegin(lock)
          const a = yield* readOnce(data.a)
          const b = yield* readOnce(data.b)
          return (yield* raw(yield* parts.readSeqretry(lock, start))) === 0 ? {start, a, b} : null
        },
      },
      claims: {
        [tornSnapshot]: snapshotClaims[tornSnapshot],
        'the snapshot is the one that its count names': ({reader}: Outcome, final) => {
          const last = final(data.a)
          const versions = [0, last === 1 ? 2 : 1, last] // in the order in which they were written
          return reader === null || reader.a === versions[reader.start >> 1]
        },
      },
      witnesses: {
        ...snapshotWitnesses,
        'some reader returns a snapshot from between the writes': ({reader}: Outcome) => reader?.start === 2,
      },
    }
  })
}

const reader: Design = {
  name: 'kernel-seqlock',
  title: 'seqlock_t, two writers and a lockless reader',
  source: header,
  program: () => readerProgram('kernel-seqlock', seqlock),
  expected: everywhere,
}

// ---- Locking readers ------------------------------------------------------------------------------------

const locking = {readSeqlockExcl, readSequnlockExcl}

const halfWritten = 'a locking reader sees whole data'

/** A locking reader may use plain accesses, as may its writer: there is no lockless reader to race with. */
function lockingProgram(name: string, parts: typeof locking): Program<never> {
  return program(name, (memory: Memory) => {
    const lock = defineSeqlock(memory, 'sl')
    const data = twoWords(memory)
    return {
      threads: {
        *writer() {
          yield* writeSeqlock(lock)
          yield* writePlain(data.a, 1)
          yield* writePlain(data.b, 1)
          yield* writeSequnlock(lock)
        },
        *reader() {
          yield* parts.readSeqlockExcl(lock)
          const a = yield* readPlain(data.a)
          const b = yield* readPlain(data.b)
          yield* parts.readSequnlockExcl(lock)
          return {a, b}
        },
      },
      claims: {[halfWritten]: ({reader: {a, b}}) => a === b},
      witnesses: {
        'some reader sees the old data': ({reader}) => reader.a === 0,
        'some reader sees the new data': ({reader}) => reader.a === 1,
      },
    }
  })
}

const lockingReader: Design = {
  name: 'kernel-seqlock-excl',
  title: 'seqlock_t, a writer and a locking reader, the data accessed plainly',
  source: header,
  program: () => lockingProgram('kernel-seqlock-excl', locking),
  expected: everywhere,
}

const lockingMutations: readonly Mutation<typeof locking>[] = [
  {part: 'readSeqlockExcl', relaxed: 'spin until xchg_acquire', name: 'relaxed-lock', expected: onlyInOrder('data-race')},
  {part: 'readSequnlockExcl', relaxed: 'smp_store_release', name: 'relaxed-unlock', expected: onlyInOrder('data-race')},
]

// ---- Lockless first, locking if that failed --------------------------------------------------------------

/** The loop of read_seqbegin_or_lock(): at most two rounds, of which the second holds the lock. */
function* readOrLock(lock: Seqlock, data: TwoWords) {
  let seq = Value.of(0)
  for (;;) {
    seq = yield* readSeqbeginOrLock(lock, seq)
    const snapshot = {a: yield* readOnce(data.a), b: yield* readOnce(data.b)}
    if ((yield* raw(yield* needSeqretry(lock, seq))) === 0) {
      yield* doneSeqretry(lock, seq)
      return {...snapshot, locked: seq.and(1)}
    }
    seq = Value.of(1)
  }
}

function orLockProgram(name: string): Program<never> {
  return program(name, (memory: Memory) => {
    const lock = defineSeqlock(memory, 'sl')
    const data = twoWords(memory)
    return {
      threads: {
        writer: () => write(seqlock, lock, data, 1),
        reader: () => readOrLock(lock, data),
      },
      claims: {[tornSnapshot]: ({reader: {a, b}}) => a === b},
      witnesses: {
        'some lockless reader returns the new snapshot': ({reader}) => reader.a === 1 && reader.locked === 0,
        'some locking reader returns the new snapshot': ({reader}) => reader.a === 1 && reader.locked === 1,
      },
    }
  })
}

const orLock: Design = {
  name: 'kernel-seqlock-or-lock',
  title: 'read_seqbegin_or_lock(): lockless first, locking if that failed',
  source: `${header}; fs/d_path.c, prepend_path()`,
  program: () => orLockProgram('kernel-seqlock-or-lock'),
  expected: everywhere,
}

/** The designs over seqlock_t, each followed by its mutants. */
export const seqlockDesigns: readonly Design[] = [
  reader,
  writers, ...mutants(writers, seqlock, writersProgram, writersMutations),
  lockingReader, ...mutants(lockingReader, locking, lockingProgram, lockingMutations),
  orLock,
]
