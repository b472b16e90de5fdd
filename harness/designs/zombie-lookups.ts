/** Designs of lookups by pointers whose object may have died: protected, locked, upgraded, moved, or only compared. */
import {
  alloc, atomicDecAndTest, free, program, raw, readOnce, readPlain, spinUnlock, storeRelease, when, writeOnce,
  type Location, type Memory, type Proc, type Program, type Value,
} from '../../lib/index.ts'
import {findLocked, findLockedFirst, hpTryRecordFirst, lockHashed, promote} from '../../primitives/index.ts'
import {everywhere, holds, nowhere, onlyInC11, onlyInOrder, type Design} from '../design.ts'
import {kernelParts, updaterAndReader} from './hazard-pointers.ts'
import {mutants} from './mutants.ts'
import {dead, followsZombies, inBits, n2369, onlyZapped, zombie} from './zombie-cases.ts'

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

/** Zombie pointers that are looked up, upgraded and compared, each followed by its mutants. */
export const zombieLookupDesigns: readonly Design[] = [
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
