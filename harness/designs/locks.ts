/** Designs of the locks that serialise a sequence lock's writers, tested by a counter that is not atomic. */
import {
  awaitOnce, program, raw, readNonAtomic, readPlain, writeNonAtomic, writeOnce, writePlain,
  type Address, type Memory, type Operand, type Proc, type Program, type Value,
} from '../../lib/index.ts'
import {
  defineFutexMutex, defineMutex, defineSpinlock, defineSpinMutex, defineTicketLock, defineTicketMutex, futexMutexLock,
  futexMutexUnlock, mutexLock, mutexUnlock, spinLock, spinMutexLock, spinMutexUnlock, spinTrylock, spinUnlock, ticketMutexLock,
  ticketMutexUnlock, ticketSpinLock, ticketSpinUnlock, type Spinlock,
} from '../../primitives/index.ts'
import {brokenBy, everywhere, onlyInOrder, type Design} from '../design.ts'
import {mutants, type Mutation} from './mutants.ts'

const lostUpdate = 'no lost update'
const racy = onlyInOrder('data-race')

/** A lock, and how the critical section accesses its counter: by nothing stronger than the lock allows. */
interface Lock<L> {
  readonly define: (memory: Memory, name: string) => L
  /** The second argument is the thread, from 1, for locks that want to know who holds them. */
  readonly lock: (lock: L, current: number) => Proc
  readonly unlock: (lock: L, current: number) => Proc
  readonly read: (at: Address) => Proc<Value>
  readonly write: (at: Address, value: Operand) => Proc
}

/** Two threads that add 1 to a counter inside of the lock; each returns what it found there. */
function counting<L>(name: string, parts: Lock<L>): Program<never> {
  return program(name, (memory: Memory) => {
    const lock = parts.define(memory, 'lock')
    const counter = memory.word('counter')
    const increment = (current: number) => function* () {
      yield* parts.lock(lock, current)
      const found = yield* parts.read(counter)
      yield* parts.write(counter, found.plus(1))
      yield* parts.unlock(lock, current)
      return found
    }
    return {
      threads: {first: increment(1), second: increment(2)},
      claims: {
        [lostUpdate]: (_, final) => final(counter) === 2,
        'the later holder sees what the earlier one did': ({first, second}) => first !== second,
      },
      witnesses: {
        'the first thread is first': ({first}) => first === 0,
        'the second thread is first': ({second}) => second === 0,
      },
    }
  })
}

/** A lock that holds under every model, and its mutants. */
function family<L>(design: Omit<Design, 'program' | 'expected'>, lock: Lock<L>, mutations: readonly Mutation<Lock<L>>[]): readonly Design[] {
  const original: Design = {...design, program: () => counting(design.name, lock), expected: everywhere}
  return [original, ...mutants(original, lock, counting, mutations)]
}

// ---- The kernel's ---------------------------------------------------------------------------------------

const plain = {read: readPlain, write: writePlain}

/** spin_lock() by load and store: between the two, another thread may do the same. */
function* checkThenSet({locked}: Spinlock): Proc {
  yield* awaitOnce(locked, word => word === 0)
  yield* writeOnce(locked, 1)
}

const spinlock = family(
  {name: 'kernel-spinlock', title: 'spin lock: xchg_acquire() and smp_store_release()', source: 'perfbook, "Locking Implementation Issues"'},
  {define: defineSpinlock, lock: spinLock, unlock: spinUnlock, ...plain},
  [
    {part: 'lock', relaxed: 'spin until xchg_acquire', name: 'relaxed-lock', expected: racy},
    {part: 'unlock', relaxed: 'smp_store_release', name: 'relaxed-unlock', expected: racy},
    {
      part: 'lock', instead: checkThenSet, change: 'with a load and a store for the exchange', name: 'check-then-set',
      expected: {...racy, sc: brokenBy(lostUpdate), tso: brokenBy(lostUpdate)},
    },
  ],
)

const ticketLock = family(
  {name: 'kernel-ticket-lock', title: 'ticket lock', source: 'include/asm-generic/ticket_spinlock.h'},
  {define: defineTicketLock, lock: ticketSpinLock, unlock: ticketSpinUnlock, ...plain},
  [
    {part: 'lock', relaxed: 'smp_cond_load_acquire', name: 'relaxed-lock', expected: racy},
    {part: 'unlock', relaxed: 'smp_store_release', name: 'relaxed-unlock', expected: racy},
  ],
)

const mutex = family(
  {name: 'kernel-mutex', title: 'mutex: fast path by compare-exchange, slow path by sleeping', source: 'kernel/locking/mutex.c'},
  {define: defineMutex, lock: mutexLock, unlock: mutexUnlock, ...plain},
  [
    {part: 'lock', relaxed: 'cmpxchg_acquire', name: 'relaxed-fast-path', expected: racy},
    {part: 'lock', relaxed: 'spin until xchg_acquire', name: 'relaxed-slow-path', expected: racy},
    {part: 'unlock', relaxed: 'cmpxchg_release', name: 'relaxed-unlock', expected: racy},
  ],
)

// ---- Trying, not waiting --------------------------------------------------------------------------------

const trying = {trylock: spinTrylock, unlock: spinUnlock}

/** Two threads that add 1 if they get the lock at once; each returns whether it did. */
function tryingProgram(name: string, parts: typeof trying): Program<never> {
  return program(name, (memory: Memory) => {
    const lock = defineSpinlock(memory, 'lock')
    const counter = memory.word('counter')
    function* increment() {
      const taken = yield* parts.trylock(lock)
      if ((yield* raw(taken)) === 0) return 0
      const found = yield* readPlain(counter)
      yield* writePlain(counter, found.plus(1))
      yield* parts.unlock(lock)
      return 1
    }
    return {
      threads: {first: increment, second: increment},
      claims: {[lostUpdate]: ({first, second}, final) => final(counter) === first + second},
      witnesses: {
        'both threads get the lock': ({first, second}) => first + second === 2,
        'only one gets it': ({first, second}) => first + second === 1,
      },
    }
  })
}

const trylock: Design = {
  name: 'kernel-spin-trylock',
  title: 'spin_trylock(): cmpxchg_acquire(), and no waiting',
  source: 'Documentation/atomic_t.txt, "ORDERING"',
  program: () => tryingProgram('kernel-spin-trylock', trying),
  expected: everywhere,
}

const trylockMutations: readonly Mutation<typeof trying>[] = [
  {part: 'trylock', relaxed: 'cmpxchg_acquire', name: 'relaxed-lock', expected: racy},
]

// ---- C++'s and Rust's -----------------------------------------------------------------------------------

const nonAtomic = {read: readNonAtomic, write: writeNonAtomic}

const spinMutex = family(
  {name: 'c11-spin-mutex', title: 'spin lock: swap(Acquire) and store(Release)', source: 'the crate spin, SpinMutex'},
  {define: defineSpinMutex, lock: spinMutexLock, unlock: spinMutexUnlock, ...nonAtomic},
  [
    {part: 'lock', relaxed: 'swap(Acquire) until', name: 'relaxed-lock', expected: racy},
    {part: 'unlock', relaxed: 'store(Release)', name: 'relaxed-unlock', expected: racy},
  ],
)

const ticketMutex = family(
  {name: 'c11-ticket-mutex', title: 'ticket lock', source: 'the crate spin, TicketMutex'},
  {define: defineTicketMutex, lock: ticketMutexLock, unlock: ticketMutexUnlock, ...nonAtomic},
  [
    {part: 'lock', relaxed: 'load(Acquire) until', name: 'relaxed-lock', expected: racy},
    {part: 'unlock', relaxed: 'store(Release)', name: 'relaxed-unlock', expected: racy},
  ],
)

const futexMutex = family(
  {name: 'c11-futex-mutex', title: 'a mutex that sleeps: unlocked, locked, contended', source: "Rust's std::sys::sync::mutex::futex"},
  {define: defineFutexMutex, lock: futexMutexLock, unlock: futexMutexUnlock, ...nonAtomic},
  [
    {part: 'lock', relaxed: 'compare_exchange(Acquire, Relaxed)', name: 'relaxed-fast-path', expected: racy},
    {part: 'lock', relaxed: 'swap(Acquire) until', name: 'relaxed-slow-path', expected: racy},
    {part: 'unlock', relaxed: 'swap(Release)', name: 'relaxed-unlock', expected: racy},
  ],
)

/** The locks, each followed by its mutants. */
export const lockDesigns: readonly Design[] = [
  ...spinlock, trylock, ...mutants(trylock, trying, tryingProgram, trylockMutations),
  ...ticketLock, ...mutex, ...spinMutex, ...ticketMutex, ...futexMutex,
]
