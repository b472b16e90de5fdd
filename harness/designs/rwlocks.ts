/** Designs of reader-writer locks: what they exclude, whom they let wait, and what a store inside a read section breaks. */
import {
  atomicAdd, program, readPlain, writePlain, type Memory, type Proc, type Program,
} from '../../lib/index.ts'
import {
  defineRwlock, defineRwSemaphore, downgradeWrite, downRead, downWrite, readLock, readUnlock, upRead, upWrite, writeLock, writeUnlock,
} from '../../primitives/index.ts'
import {brokenBy, everywhere, nowhere, onlyInOrder, type Design, type Expected} from '../design.ts'
import {mutants, type Mutation} from './mutants.ts'

const tornSnapshot = 'no torn snapshot'
const lostUpdate = 'no lost update'
const racy = onlyInOrder('data-race')

/** A reader-writer lock. */
interface Lock<L> {
  readonly define: (memory: Memory, name: string) => L
  readonly readLock: (lock: L) => Proc
  readonly readUnlock: (lock: L) => Proc
  readonly writeLock: (lock: L) => Proc
  readonly writeUnlock: (lock: L) => Proc
}

const rwlock = {define: defineRwlock, readLock, readUnlock, writeLock, writeUnlock}
const rwsem = {define: defineRwSemaphore, readLock: downRead, readUnlock: upRead, writeLock: downWrite, writeUnlock: upWrite}

// ---- Readers and a writer ----------------------------------------------------------------------------

/** Version v of the data has v in both words. */
function* whole<L>(lock: L, parts: Lock<L>, {a, b}: Data) {
  yield* parts.readLock(lock)
  const snapshot = {a: yield* readPlain(a), b: yield* readPlain(b)}
  yield* parts.readUnlock(lock)
  return snapshot
}

type Data = ReturnType<typeof dataOf>

function dataOf(memory: Memory) {
  return memory.struct('data', {a: 0, b: 0})
}

interface Snapshot {
  readonly a: number
  readonly b: number
}

/** One reader, and one thread that writes and then reads. */
function readerAndWriter<L>(name: string, parts: Lock<L>): Program<never> {
  return program(name, (memory: Memory) => {
    const lock = parts.define(memory, 'lock')
    const data = dataOf(memory)
    return {
      threads: {
        * writer() {
          yield* parts.writeLock(lock)
          yield* writePlain(data.a, 1)
          yield* writePlain(data.b, 1)
          yield* parts.writeUnlock(lock)
          return yield* whole(lock, parts, data)
        },
        reader: () => whole(lock, parts, data),
      },
      claims: {[tornSnapshot]: ({reader, writer}: Record<'reader' | 'writer', Snapshot>) => reader.a === reader.b && writer.a === 1 && writer.b === 1},
      witnesses: {
        'the reader comes first': ({reader}: {reader: Snapshot}) => reader.a === 0,
        'the writer comes first': ({reader}: {reader: Snapshot}) => reader.a === 1,
      },
    }
  })
}

/** One reader, and two writers that add one to both words. */
function readerAndWriters<L>(name: string, parts: Lock<L>): Program<never> {
  return program(name, (memory: Memory) => {
    const lock = parts.define(memory, 'lock')
    const data = dataOf(memory)
    function* increment() {
      yield* parts.writeLock(lock)
      const found = yield* readPlain(data.a)
      yield* writePlain(data.a, found.plus(1))
      yield* writePlain(data.b, found.plus(1))
      yield* parts.writeUnlock(lock)
    }
    return {
      threads: {first: increment, second: increment, reader: () => whole(lock, parts, data)},
      claims: {
        [tornSnapshot]: ({reader}: {reader: Snapshot}) => reader.a === reader.b,
        [lostUpdate]: (_, final) => final(data.a) === 2 && final(data.b) === 2,
      },
      witnesses: {
        'the reader comes first': ({reader}: {reader: Snapshot}) => reader.a === 0,
        'the reader comes between the writers': ({reader}: {reader: Snapshot}) => reader.a === 1,
        'the reader comes last': ({reader}: {reader: Snapshot}) => reader.a === 2,
      },
    }
  })
}

const kernelRwlock: Design = {
  name: 'kernel-rwlock',
  title: 'rwlock_t: one reader, two writers',
  source: 'include/asm-generic/qrwlock.h',
  program: () => readerAndWriters('kernel-rwlock', rwlock),
  expected: everywhere,
}

const rwlockMutations: readonly Mutation<typeof rwlock>[] = [
  {part: 'readLock', relaxed: 'spin until cmpxchg_acquire', name: 'relaxed-read-lock', expected: racy},
  {part: 'readUnlock', relaxed: 'atomic_add_return_release', name: 'relaxed-read-unlock', expected: racy},
  {part: 'writeLock', relaxed: 'spin until cmpxchg_acquire', name: 'relaxed-write-lock', expected: racy},
  {part: 'writeUnlock', relaxed: 'smp_store_release', name: 'relaxed-write-unlock', expected: racy},
]

const kernelRwsem: Design = {
  name: 'kernel-rwsem',
  title: 'rw_semaphore: one reader, and a writer that reads what it wrote',
  source: 'kernel/locking/rwsem.c',
  program: () => readerAndWriter('kernel-rwsem', rwsem),
  expected: everywhere,
}

const rwsemMutations: readonly Mutation<typeof rwsem>[] = [
  {part: 'readLock', relaxed: 'spin until cmpxchg_acquire', name: 'relaxed-down-read', expected: racy},
  {part: 'readUnlock', relaxed: 'atomic_add_return_release', name: 'relaxed-up-read', expected: racy},
  {part: 'writeLock', relaxed: 'cmpxchg_acquire', name: 'relaxed-fast-path', expected: racy},
  {part: 'writeLock', relaxed: 'spin until cmpxchg_acquire', name: 'relaxed-slow-path', expected: racy},
  {part: 'writeUnlock', relaxed: 'atomic_fetch_add_release', name: 'relaxed-up-write', expected: racy},
]

// ---- downgrade_write() -------------------------------------------------------------------------------

const downgrading = {downgrade: downgradeWrite}

/** A writer that goes on as a reader, and finds what it wrote, while another thread wants to read and then to write. */
function downgradeProgram(name: string, parts: typeof downgrading): Program<never> {
  return program(name, (memory: Memory) => {
    const lock = defineRwSemaphore(memory, 'lock')
    const data = dataOf(memory)
    return {
      threads: {
        * downgrades() {
          yield* downWrite(lock)
          yield* writePlain(data.a, 1)
          yield* writePlain(data.b, 1)
          yield* parts.downgrade(lock)
          const snapshot = {a: yield* readPlain(data.a), b: yield* readPlain(data.b)}
          yield* upRead(lock)
          return snapshot
        },
        * other() {
          const snapshot = yield* whole(lock, rwsem, data)
          yield* downWrite(lock)
          yield* writePlain(data.a, 2)
          yield* upWrite(lock)
          return snapshot
        },
      },
      claims: {
        'no writer comes between': ({downgrades}: {downgrades: Snapshot}) => downgrades.a === 1 && downgrades.b === 1,
      },
      witnesses: {
        'the other one reads what the downgraded one wrote': ({other}: {other: Snapshot}) => other.a === 1,
        'the other one reads before': ({other}: {other: Snapshot}) => other.a === 0,
      },
    }
  })
}

const downgrade: Design = {
  name: 'kernel-rwsem-downgrade',
  title: 'downgrade_write(): from writer to reader with no writer in between',
  source: 'kernel/locking/rwsem.c (downgrade_write())',
  program: () => downgradeProgram('kernel-rwsem-downgrade', downgrading),
  expected: everywhere,
}

function* releaseAndTake(lock: ReturnType<typeof defineRwSemaphore>): Proc {
  yield* upWrite(lock)
  yield* downRead(lock)
}

const downgradeMutations: readonly Mutation<typeof downgrading>[] = [
  {part: 'downgrade', relaxed: 'atomic_fetch_add_release', name: 'relaxed', expected: racy},
  {part: 'downgrade', instead: releaseAndTake, change: 'with up_write() and down_read()', name: 'in-two-steps', expected: nowhere('no writer comes between')},
]

// ---- A reader that takes the lock twice ----------------------------------------------------------------

/** A reader whose callee takes the lock again, and a writer. */
function nested<L>(name: string, parts: Lock<L>): Program<never> {
  return program(name, (memory: Memory) => {
    const lock = parts.define(memory, 'lock')
    const data = dataOf(memory)
    return {
      threads: {
        * reader() {
          yield* parts.readLock(lock)
          const a = yield* readPlain(data.a)
          yield* parts.readLock(lock)
          const b = yield* readPlain(data.b)
          yield* parts.readUnlock(lock)
          yield* parts.readUnlock(lock)
          return {a, b}
        },
        * writer() {
          yield* parts.writeLock(lock)
          yield* writePlain(data.a, 1)
          yield* writePlain(data.b, 1)
          yield* parts.writeUnlock(lock)
        },
      },
      claims: {[tornSnapshot]: ({reader}: {reader: Snapshot}) => reader.a === reader.b},
      witnesses: {
        'the reader comes first': ({reader}: {reader: Snapshot}) => reader.a === 0,
        'the writer comes first': ({reader}: {reader: Snapshot}) => reader.a === 1,
      },
    }
  })
}

const nestedRwlock: Design = {
  name: 'kernel-rwlock-nested',
  title: 'a reader of an rwlock_t that takes it twice: a waiting writer does not keep it out',
  source: 'kernel/locking/qrwlock.c; Documentation/locking/lockdep-design.rst ("Recursive read locks")',
  program: () => nested('kernel-rwlock-nested', rwlock),
  expected: everywhere,
}

const nestedRwsem: Design = {
  name: 'kernel-rwsem-nested',
  title: 'a reader of an rw_semaphore that takes it twice: deadlock, if a writer waits in between',
  source: 'kernel/locking/rwsem.c (RWSEM_READ_FAILED_MASK); Documentation/locking/lockdep-design.rst ("Recursive read locks")',
  program: () => nested('kernel-rwsem-nested', rwsem),
  expected: nowhere('deadlock'),
}

// ---- Stores inside of read sections ------------------------------------------------------------------

function* addPlainly(counter: Parameters<typeof readPlain>[0]): Proc {
  yield* writePlain(counter, (yield* readPlain(counter)).plus(1))
}

const counting = {add: atomicAdd}

/** Two readers that count themselves, while they hold the lock for reading only. */
function countingReaders(name: string, {add}: typeof counting): Program<never> {
  return program(name, (memory: Memory) => {
    const lock = defineRwlock(memory, 'lock')
    const counter = memory.word('counter')
    function* reader() {
      yield* readLock(lock)
      yield* add(counter)
      yield* readUnlock(lock)
    }
    return {
      threads: {
        first: reader, second: reader,
        * writer() {
          yield* writeLock(lock)
          const found = yield* readPlain(counter)
          yield* writeUnlock(lock)
          return found
        },
      },
      claims: {[lostUpdate]: (_, final) => final(counter) === 2},
      witnesses: {
        'the writer finds both counted': ({writer}: {writer: number}) => writer === 2,
        'the writer finds none counted': ({writer}: {writer: number}) => writer === 0,
      },
    }
  })
}

const storeInside: Design = {
  name: 'rwlock-atomic-in-reader',
  title: 'non-standard locking: readers that count themselves atomically under the read lock',
  source: 'McKenney, "TL;DR: Memory-Model Recommendations for Rusting the Linux Kernel" (non-standard locking); Documentation/locking/locktypes.rst',
  program: () => countingReaders('rwlock-atomic-in-reader', counting),
  expected: everywhere,
}

/** Each reader has a word of its own, for the writer to add up: the lock's roles turned around. */
function localWrites(name: string): Program<never> {
  return program(name, (memory: Memory) => {
    const lock = defineRwlock(memory, 'lock')
    const counters = memory.array('counters', 2)
    const local = (own: number) => function* () {
      yield* readLock(lock)
      yield* addPlainly(counters[own]!)
      yield* readUnlock(lock)
    }
    return {
      threads: {
        first: local(0), second: local(1),
        * sum() {
          yield* writeLock(lock)
          const sum = (yield* readPlain(counters[0]!)).plus(yield* readPlain(counters[1]!))
          yield* writeUnlock(lock)
          return sum
        },
      },
      claims: {'no more is counted than there are threads': ({sum}: {sum: number}) => sum <= 2},
      witnesses: {
        'both are counted': ({sum}: {sum: number}) => sum === 2,
        'one is counted': ({sum}: {sum: number}) => sum === 1,
      },
    }
  })
}

const localInside: Design = {
  name: 'rwlock-local-in-reader',
  title: 'non-standard locking: plain stores under the read lock, each to the thread\'s own word; the writer only reads',
  source: 'perfbook, "Counting" and "Data Ownership"',
  program: () => localWrites('rwlock-local-in-reader'),
  expected: everywhere,
}

const plainInside: Expected = {...racy, sc: brokenBy(lostUpdate), tso: brokenBy(lostUpdate)}

/** The reader-writer locks, each followed by its mutants. */
export const rwlockDesigns: readonly Design[] = [
  kernelRwlock, ...mutants(kernelRwlock, rwlock, readerAndWriters, rwlockMutations),
  kernelRwsem, ...mutants(kernelRwsem, rwsem, readerAndWriter, rwsemMutations),
  downgrade, ...mutants(downgrade, downgrading, downgradeProgram, downgradeMutations),
  nestedRwlock, nestedRwsem,
  storeInside, ...mutants(storeInside, counting, countingReaders, [
    {part: 'add', instead: addPlainly, change: 'with a plain read and a plain write', name: 'plain', expected: plainInside},
  ]),
  localInside,
]
