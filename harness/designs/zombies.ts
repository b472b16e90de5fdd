/**
 * Designs of algorithms that use zombie pointers, and where each of them breaks: by the model, by what pointers
 * to dead objects may be used for, and by whether addresses come back.
 */
import {
  alloc, atomicDecAndTest, free, program, raw, rcuReadLock, rcuReadUnlock, readOnce, readPlain, spinUnlock, storeRelease, synchronizeRcu, when,
  writeOnce, type Location, type Memory, type Proc, type Program, type Value,
} from '../../lib/index.ts'
import {
  countedPop, countedPush, findLocked, findLockedFirst, hpTryRecordFirst, lifoPop, lifoPopAll, lifoPush, lockHashed, promote,
} from '../../primitives/index.ts'
import {brokenBy, everywhere, holds, nowhere, onlyInC11, onlyInOrder, type Design, type Expected, type HeapCase} from '../design.ts'
import {kernelParts, updaterAndReader} from './hazard-pointers.ts'
import {mutants} from './mutants.ts'

const n2369 = 'N2369, N2443 (WG14); P1726, P2414 (WG21)'
const zombie = nowhere('zombie')
const dead = nowhere('use-after-free')

/** One that nothing but the lifetime-end pointer zap breaks: pointers to the dead are copied and compared, not followed. */
const onlyZapped: readonly HeapCase[] = [
  {regimes: ['iso'], expected: zombie},
  {regimes: ['strict', 'angelic', 'bits'], expected: everywhere},
  {regimes: ['iso'], reuse: false, expected: zombie},
  {regimes: ['strict', 'angelic', 'bits'], reuse: false, expected: everywhere},
]

/** One that follows a pointer whose object died, for another one at its address. */
const followsZombies: readonly HeapCase[] = [
  {regimes: ['iso', 'strict'], expected: zombie},
  {regimes: ['angelic', 'bits'], expected: everywhere},
  {regimes: ['iso'], reuse: false, expected: zombie},
  {regimes: ['strict', 'angelic', 'bits'], reuse: false, expected: everywhere},
]

/** Of a mutant whose original holds where an address is an address. */
function inBits(expected: Expected): readonly HeapCase[] {
  return [{regimes: ['bits'], expected}]
}

/** One that is right whatever pointers may be used for. */
const anywhere: readonly HeapCase[] = [
  {regimes: ['iso', 'strict', 'angelic', 'bits'], expected: everywhere},
  {regimes: ['iso', 'strict', 'angelic', 'bits'], reuse: false, expected: everywhere},
]

// ---- LIFO push and pop-all ---------------------------------------------------------------------------

function* nothing(): Proc {
  // no reader, as far as RCU knows
}

function* freeNow(node: Value): Proc {
  yield* free(node)
}

const bare = {enter: nothing, push: lifoPush, exit: nothing, popAll: lifoPopAll, dispose: freeNow}

/** One thread pushes, while another takes all, frees it, pushes a new node, and reads what is there then. */
function pushAndPopAll(name: string, {enter, push, exit, popAll, dispose}: typeof bare): Program<never> {
  return program(name, (memory: Memory) => {
    const nodes = memory.heap('node', {next: 1, value: 1}, 1)
    const first = nodes.object('first', {next: 0, value: 1})
    const top = memory.word('top', first.next)
    return {
      threads: {
        * pushes() {
          const node = yield* alloc(nodes, {next: 0, value: 2})
          yield* enter()
          const pushed = yield* push(top, node)
          yield* exit()
          return pushed
        },
        * pops() {
          yield* dispose(yield* popAll(top))
          yield* lifoPush(top, yield* alloc(nodes, {next: 0, value: 3}))
          const list = yield* popAll(top)
          return yield* when(list.ne(0), function* () {
            const next = yield* readPlain(list)
            return yield* when(next.ne(0), () => readPlain(nodes.at(next).value), function* () { return next })
          }, function* () { return list })
        },
      },
      claims: {'the second node is one of those that were pushed': ({pops}: {pops: number}) => pops === 0 || pops === 2 || pops === 3},
      witnesses: {
        'both nodes are on the list': ({pushes, pops}: {pushes: number; pops: number}) => pushes === 1 && pops === 3,
        'the push fails': ({pushes}: {pushes: number}) => pushes === 0,
      },
    }
  })
}

const push: Design = {
  name: 'zombie-push',
  title: 'LIFO push while another thread takes all and frees: the top that is seen may die, and come back as another node',
  source: `${n2369}: "LIFO Singly Linked List Push"`,
  program: () => pushAndPopAll('zombie-push', bare),
  expected: followsZombies,
}

/** What the kernel does: the push is a reader, and what is taken is freed a grace period later. */
function* freeAfterReaders(node: Value): Proc {
  yield* synchronizeRcu()
  yield* free(node)
}

const withRcu: typeof bare = {...bare, enter: rcuReadLock, exit: rcuReadUnlock, dispose: freeAfterReaders}

/** A push that is no RCU reader, inside a section that is over before it begins. */
function* pushOutside(top: Location, node: Value) {
  yield* rcuReadUnlock()
  const pushed = yield* lifoPush(top, node)
  yield* rcuReadLock()
  return pushed
}

const pushRcu: Design = {
  name: 'zombie-push-rcu',
  title: 'the same with the push inside an RCU read-side critical section, and a grace period before the free',
  source: 'McKenney, "Will Your Rust Code Survive the Attack of the Zombie Pointers?" (answer: the kernel\'s solution)',
  program: () => pushAndPopAll('zombie-push-rcu', withRcu),
  expected: anywhere,
}

// ---- LIFO pop ------------------------------------------------------------------------------------------

/** Two threads pop; what is popped is freed. */
function popAndFree(name: string): Program<never> {
  return program(name, (memory: Memory) => {
    const nodes = memory.heap('node', {next: 1}, 1)
    const second = nodes.object('second', {next: 0})
    const top = memory.word('top', nodes.object('first', {next: second.next}).next)
    function* popper() {
      const node = yield* lifoPop(top)
      yield* free(node)
      return node.ne(0)
    }
    return {
      threads: {first: popper, second: popper},
      witnesses: {'both pop': ({first, second}: Record<'first' | 'second', number>) => first + second === 2},
    }
  })
}

/** Where loads and stores are not in order, the pointer itself is stale before anything is read through it. */
const zappedFirst = {...zombie, sc: brokenBy('use-after-free'), tso: brokenBy('use-after-free')}

const pop: Design = {
  name: 'zombie-pop-free',
  title: 'LIFO pop by compare-exchange: the link is read from a node that another thread may have popped and freed',
  source: 'Treiber, IBM RJ 5118, 1986; rust-lang/unsafe-code-guidelines#480',
  program: () => popAndFree('zombie-pop-free'),
  expected: [
    {regimes: ['iso'], expected: zappedFirst},
    {regimes: ['strict', 'angelic', 'bits'], expected: dead},
    {regimes: ['iso'], reuse: false, expected: zappedFirst},
    {regimes: ['strict', 'angelic', 'bits'], reuse: false, expected: dead},
  ],
}

const uncounted = {pop: lifoPop, push: lifoPush}
const counted = {pop: countedPop, push: countedPush}

/** Nobody frees: one thread pops, while the other one pops two nodes and pushes the first of them again. */
function popAndPushAgain(name: string, parts: typeof uncounted): Program<never> {
  return program(name, (memory: Memory) => {
    const second = memory.struct('second', {next: 0})
    const first = memory.struct('first', {next: second.next})
    const top = memory.word('top', first.next)
    return {
      threads: {
        slow: () => parts.pop(top),
        * fast() {
          const taken = yield* parts.pop(top)
          if ((yield* raw(taken)) === 0) return {keeps: taken}
          const keeps = yield* parts.pop(top)
          if ((yield* raw(keeps)) !== 0) yield* parts.push(top, taken)
          return {keeps}
        },
      },
      claims: {
        [oneOwner]: ({fast, slow}: Popped, final) => fast.keeps !== second.next || (slow !== second.next && !isOnTop(final(top), second.next)),
      },
      witnesses: {
        'the fast one keeps the second node': ({fast}: Popped) => fast.keeps === second.next,
        'the slow one gets the first node': ({slow}: Popped) => slow === first.next,
      },
    }
  })
}

const oneOwner = 'a node that somebody keeps is not on the stack'

interface Popped {
  readonly slow: number | Location
  readonly fast: {readonly keeps: number | Location}
}

/** Whatever the count beside it. */
function isOnTop(top: number | Location, node: Location): boolean {
  return typeof top !== 'number' && top.index === node.index
}

const aba: Design = {
  name: 'zombie-pop-aba',
  title: 'LIFO pop where nobody frees: the top is the same again, and its link is another (ABA)',
  source: 'Treiber, IBM RJ 5118, 1986; rust-lang/unsafe-code-guidelines#480',
  program: () => popAndPushAgain('zombie-pop-aba', uncounted),
  expected: nowhere(oneOwner),
}

const abaCounted: Design = {
  name: 'zombie-pop-counted',
  title: 'the same with a count of changes in the low bits of the top, which wraps after eight',
  source: 'Treiber, IBM RJ 5118, 1986 (the double-word version)',
  program: () => popAndPushAgain('zombie-pop-counted', counted),
  expected: everywhere,
}

// ---- Hazard pointers -----------------------------------------------------------------------------------

const firstParts = {...kernelParts, tryProtect: hpTryRecordFirst}

const hazard: Design = {
  name: 'zombie-hazptr-first',
  title: 'hazard pointers, where the pointer is the one from the first look: the address is right, the object may be another',
  source: `${n2369}: "Hazard Pointer try_protect"; arc-swap, 63fa111`,
  program: () => updaterAndReader('zombie-hazptr-first', firstParts),
  expected: followsZombies,
}

// ---- Hashed arrays of locks ----------------------------------------------------------------------------

const hashedSecondParts = {find: findLocked, lock: lockHashed}
const hashedFirstParts = {...hashedSecondParts, find: findLockedFirst}

/** A reader finds an object by its pointer, and the lock by hashing that; the other thread replaces the object. */
function hashedLocks(name: string, {find, lock: take}: typeof hashedSecondParts): Program<never> {
  return program(name, (memory: Memory) => {
    const objects = memory.heap('object', {value: 1}, 1)
    const pointer = memory.word('pointer', objects.object('old', {value: 1}).value)
    const locks = memory.array('locks', 2)
    const variable = memory.word('variable')
    return {
      threads: {
        * updater() {
          const old = yield* readOnce(pointer)
          const lock = yield* take(locks, old)
          yield* writeOnce(pointer, 0)
          yield* spinUnlock(lock)
          yield* free(old)
          yield* storeRelease(pointer, yield* alloc(objects, {value: 2}))
        },
        * reader() {
          const found = yield* find(locks, pointer, variable)
          const value = yield* when(found.pointer.ne(0), () => readPlain(found.pointer), function* () { return found.pointer })
          yield* spinUnlock(found.lock)
          return value
        },
      },
      claims: {'the reader reads one of the two objects': ({reader}: {reader: number}) => reader >= 0 && reader <= 2},
      witnesses: {
        'the old one': ({reader}: {reader: number}) => reader === 1,
        'the new one': ({reader}: {reader: number}) => reader === 2,
        'none': ({reader}: {reader: number}) => reader === 0,
      },
    }
  })
}

const hashedFirst: Design = {
  name: 'zombie-hashed-locks-first',
  title: 'locks found by hashing a pointer that is loaded before: used if it is still the same under the lock',
  source: `${n2369}: "Optimized Hashed Arrays of Locks"`,
  program: () => hashedLocks('zombie-hashed-locks-first', hashedFirstParts),
  expected: followsZombies,
}

const hashedSecond: Design = {
  name: 'zombie-hashed-locks-second',
  title: 'the same with the pointer that is loaded under the lock: a zombie is hashed and compared, and not followed',
  source: `${n2369}: "Optimized Hashed Arrays of Locks"`,
  program: () => hashedLocks('zombie-hashed-locks-second', hashedSecondParts),
  expected: onlyZapped,
}

// ---- Weak pointers -------------------------------------------------------------------------------------

/** The owner lets go, and makes another object; the holder of a weak pointer asks for the old one. */
function weakPointers(name: string): Program<never> {
  return program(name, (memory: Memory) => {
    const objects = memory.heap('object', {value: 1}, 1)
    const object = objects.object('object', {value: 7})
    const weak = memory.word('weak', object.value)
    const strong = memory.word('strong', 1)
    function* letGo(pointer: Location | Value): Proc {
      yield* when(yield* atomicDecAndTest(strong), () => free(pointer))
    }
    return {
      threads: {
        * owner() {
          yield* letGo(object.value)
          yield* alloc(objects, {value: 8})
        },
        * holder() {
          const pointer = yield* promote(strong, weak)
          if ((yield* raw(pointer)) === 0) return 0
          const value = yield* readPlain(pointer)
          yield* letGo(pointer)
          return value
        },
      },
      claims: {'who is promoted reads the old object': ({holder}: {holder: number}) => holder === 0 || holder === 7},
      witnesses: {
        'the holder is promoted': ({holder}: {holder: number}) => holder === 7,
        'the holder comes too late': ({holder}: {holder: number}) => holder === 0,
      },
    }
  })
}

const weakPromote: Design = {
  name: 'zombie-weak-promote',
  title: 'promoting a weak pointer: a zombie until the count, which outlives the object, says that it is none',
  source: `${n2369}: "Weak Pointers in Android"; libutils, RefBase.h (wp<T>::promote())`,
  program: () => weakPointers('zombie-weak-promote'),
  expected: onlyZapped,
}

// ---- One thread: realloc(), and pointers that are only compared ------------------------------------------

/** realloc() may move the object or not; if not, the old pointer is used on, from where it was kept. */
function realloc(name: string, kept: 'register' | 'memory'): Program<never> {
  return program(name, (memory: Memory) => {
    const blocks = memory.heap('block', {value: 1})
    const cursor = memory.word('cursor')
    return {
      threads: {
        * one() {
          const old = yield* alloc(blocks, {value: 7})
          yield* writeOnce(cursor, old)
          const value = yield* readPlain(old)
          yield* free(old)
          const now = yield* alloc(blocks, {value})
          const stayed = now.eq(yield* readOnce(cursor))
          const read = yield* when(stayed, function* () {
            return yield* readPlain(kept === 'register' ? old : yield* readOnce(cursor))
          }, () => readPlain(now))
          return {stayed, read}
        },
      },
      claims: {'what was in the block is still there': ({one}: {one: {read: number}}) => one.read === 7},
      witnesses: {'the block moves': ({one}: {one: {stayed: number}}) => one.stayed === 0},
    }
  })
}

const reallocRegister: Design = {
  name: 'zombie-realloc-register',
  title: 'realloc() that leaves the block where it is, and a pointer from before in a register',
  source: `${n2369}: "Checking realloc() Return Value"`,
  program: () => realloc('zombie-realloc-register', 'register'),
  expected: [
    // angelic provenance is for pointers that come from memory or from integers (P2434)
    {regimes: ['iso', 'strict', 'angelic'], expected: zombie},
    {regimes: ['bits'], expected: everywhere},
    {regimes: ['iso'], reuse: false, expected: zombie},
    {regimes: ['strict', 'angelic', 'bits'], reuse: false, expected: everywhere},
  ],
}

const reallocMemory: Design = {
  name: 'zombie-realloc-memory',
  title: 'realloc() that leaves the block where it is, and a pointer from before in memory',
  source: `${n2369}: "Checking realloc() Return Value"`,
  program: () => realloc('zombie-realloc-memory', 'memory'),
  expected: followsZombies,
}

const distinct = 'another object has another address'

/** A pointer that stands for an object and is never followed: is the object that is there now the same one? */
function identity(name: string): Program<never> {
  return program(name, (memory: Memory) => {
    const objects = memory.heap('object', {value: 1})
    const key = memory.word('key')
    return {
      threads: {
        * one() {
          const old = yield* alloc(objects, {value: 1})
          yield* writeOnce(key, old)
          yield* free(old)
          const now = yield* alloc(objects, {value: 2})
          return {same: now.eq(yield* readOnce(key))}
        },
      },
      claims: {[distinct]: ({one}: {one: {same: number}}) => one.same === 0},
    }
  })
}

const identityOnly: Design = {
  name: 'zombie-identity',
  title: 'pointers that are only compared: the old object and a new one may be taken for one',
  source: `${n2369}: "Identity-Only Pointers"`,
  program: () => identity('zombie-identity'),
  expected: [
    {regimes: ['iso'], expected: zombie},
    {regimes: ['strict', 'angelic', 'bits'], expected: nowhere(distinct)},
    {regimes: ['iso'], reuse: false, expected: zombie},
    {regimes: ['strict', 'angelic', 'bits'], reuse: false, expected: everywhere},
  ],
}

/** The algorithms that use zombie pointers, each followed by its mutants. */
export const zombieDesigns: readonly Design[] = [
  push,
  pushRcu, ...mutants(pushRcu, withRcu, pushAndPopAll, [
    {part: 'push', instead: pushOutside, change: 'outside of the critical section', name: 'outside', expected: zombie},
    {part: 'push', relaxed: 'cmpxchg_release', name: 'relaxed-push', expected: onlyInOrder('data-race')},
    {part: 'popAll', relaxed: 'xchg_acquire', name: 'relaxed-pop-all', expected: onlyInC11('data-race')},
    {part: 'dispose', without: 'synchronize_rcu', name: 'without-grace-period', expected: zombie},
  ]),
  pop, aba,
  abaCounted, ...mutants(abaCounted, counted, popAndPushAgain, [
    {part: 'pop', relaxed: 'smp_load_acquire', name: 'relaxed-pop', expected: onlyInC11(oneOwner)},
    {part: 'push', relaxed: 'cmpxchg_release', name: 'relaxed-push', expected: onlyInOrder(oneOwner)},
  ]),
  hazard, ...mutants(hazard, firstParts, updaterAndReader, [
    {part: 'tryProtect', without: 'smp_mb', name: 'without-record-mb', expected: inBits({...dead, sc: holds})},
    // nothing depends on the second look, which is what makes the first copy worse under LKMM too
    {part: 'tryProtect', relaxed: 'smp_load_acquire', name: 'relaxed-look', expected: inBits(onlyInOrder('data-race'))},
  ]),
  hashedFirst, ...mutants(hashedFirst, hashedFirstParts, hashedLocks, [
    {part: 'find', without: 'spin_lock', name: 'without-readers-lock', expected: inBits(dead)},
    {part: 'find', relaxed: 'smp_load_acquire', name: 'relaxed-look', expected: inBits(onlyInOrder('data-race'))},
  ]),
  hashedSecond, ...mutants(hashedSecond, hashedSecondParts, hashedLocks, [
    {part: 'find', without: 'spin_lock', name: 'without-readers-lock', expected: dead},
    {part: 'lock', without: 'spin_lock', name: 'without-updaters-lock', expected: dead},
    {part: 'find', relaxed: 'smp_load_acquire', name: 'relaxed-look', expected: onlyInC11('data-race')},
  ]),
  weakPromote, reallocRegister, reallocMemory, identityOnly,
]
