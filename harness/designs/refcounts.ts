/** Designs of reference counts: the last one to let go frees, after everybody's last use. */
import {
  atomicAdd, atomicDecAndTest, free, program, raw, readPlain, spinLock, spinUnlock, when, writePlain,
  type Address, type Location, type Memory, type Proc, type Program, type Value,
} from '../../lib/index.ts'
import {krefGet, krefGetUnlessZero, krefPut, refcountDecAndTest, refcountInc, refcountMax} from '../../primitives/index.ts'
import {brokenBy, everywhere, nowhere, onlyInOrder, type Design} from '../design.ts'
import {mutants} from './mutants.ts'

const header = 'include/linux/refcount.h ("Memory ordering"); Documentation/core-api/refcount-vs-atomic.rst'

// ---- Two who let go ------------------------------------------------------------------------------------

const counting = {put: refcountDecAndTest}

/** Two holders of one object, each of which writes a word of it and lets go. */
function letGo(name: string, {put}: typeof counting): Program<never> {
  return program(name, (memory: Memory) => {
    const objects = memory.heap('object', {refs: 1, words: 2}, 1)
    const object = objects.object('object', {refs: 2, words: [0, 0]})
    const holder = (own: number) => function* () {
      yield* writePlain(object.words[own]!, 1)
      const isLast = yield* put(object.refs)
      if ((yield* raw(isLast)) !== 0) yield* free(object.refs)
      return isLast
    }
    return {
      threads: {first: holder(0), second: holder(1)},
      claims: {'exactly one is the last': ({first, second}: Record<'first' | 'second', number>) => first + second === 1},
      witnesses: {
        'the first is the last': ({first}: {first: number}) => first === 1,
        'the second is the last': ({second}: {second: number}) => second === 1,
      },
    }
  })
}

const refcount: Design = {
  name: 'kernel-refcount',
  title: 'refcount_dec_and_test(): release, and acquire for the last one',
  source: header,
  program: () => letGo('kernel-refcount', counting),
  // the free's plain stores are behind a control dependency and smp_rmb(), which LKMM lets bound no plain store
  // (explanation.txt, "PLAIN ACCESSES AND DATA RACES": only address dependencies and fences do); hardware does
  expected: {...everywhere, lkmm: brokenBy('data-race')},
}

const fullyOrdered = {
  * put(refs: Address) {
    return yield* atomicDecAndTest(refs)
  },
}

const atomicCount: Design = {
  name: 'kernel-atomic-count',
  title: 'atomic_dec_and_test(): fully ordered',
  source: 'Documentation/core-api/refcount-vs-atomic.rst; Documentation/atomic_t.txt',
  program: () => letGo('kernel-atomic-count', fullyOrdered),
  // P0124 maps it to a relaxed one between two fences: what is before the fence happens before the free, but the
  // decrement itself, of a word that is freed too, does not
  expected: {...everywhere, rc11: brokenBy('data-race'), 'c++20': brokenBy('data-race')},
}

// ---- A count that was forgotten too often ----------------------------------------------------------------

const forgotten = {get: refcountInc, put: refcountDecAndTest}

/** All references but one were taken and never given back; two more holders come, and one goes. */
function overflow(name: string, {get, put}: typeof forgotten): Program<never> {
  return program(name, (memory: Memory) => {
    const objects = memory.heap('object', {refs: 1, value: 1}, 1)
    const object = objects.object('object', {refs: -1, value: 7})
    function* holder() {
      yield* get(object.refs)
      const value = yield* readPlain(object.value)
      const isLast = yield* put(object.refs)
      if ((yield* raw(isLast)) !== 0) yield* free(object.refs)
      return {value, isLast}
    }
    interface Held {
      readonly value: number
      readonly isLast: number
    }
    return {
      threads: {first: holder, second: holder},
      claims: {'nobody is told to be the last': ({first, second}: Record<'first' | 'second', Held>) => first.isLast === 0 && second.isLast === 0},
      witnesses: {'both read the object': ({first, second}: Record<'first' | 'second', Held>) => first.value === 7 && second.value === 7},
    }
  })
}

const saturates: Design = {
  name: 'kernel-refcount-saturates',
  title: 'a refcount_t with more references than it can count: it sticks, and the object leaks',
  source: `${header}; REFCOUNT_SATURATED, ${refcountMax.toString(16)} being the most`,
  program: () => overflow('kernel-refcount-saturates', forgotten),
  expected: everywhere,
}

// ---- Looking up what may be dying --------------------------------------------------------------------------

type Get = (refs: Address) => Proc<Value>

/** Finds what the table holds, and whether a reference to it was got, under the lock. */
function* findUnderLock(lock: Location, table: Location, get: Get) {
  yield* spinLock(lock)
  const both = yield* find(lock, table, get)
  yield* spinUnlock(lock)
  return both
}

function* find(_: Location, table: Location, get: Get) {
  const found = yield* readPlain(table)
  const isMine: Value = yield* when(found.ne(0), () => get(found), function* () { return found })
  return {found, isMine}
}

const looking = {find: findUnderLock, get: krefGetUnlessZero, put: krefPut}

/** The owner gives its reference back; a reader finds the object in a table, under the lock that unlinking takes too. */
function lookup(name: string, {find, get, put}: typeof looking): Program<never> {
  return program(name, (memory: Memory) => {
    const objects = memory.heap('object', {refs: 1, value: 1}, 1)
    const object = objects.object('object', {refs: 1, value: 7})
    const table = memory.word('table', object.refs)
    const tableLock = memory.word('lock')
    function* release(): Proc {
      yield* spinLock(tableLock)
      yield* writePlain(table, 0)
      yield* spinUnlock(tableLock)
      yield* free(object.refs)
    }
    return {
      threads: {
        owner: () => put(object.refs, release),
        * reader() {
          const {found, isMine} = yield* find(tableLock, table, get)
          if ((yield* raw(isMine)) === 0) return 0
          const {refs, value} = objects.at(found)
          const read = yield* readPlain(value)
          yield* put(refs, release)
          return read
        },
      },
      claims: {'who gets a reference reads the object': ({reader}: {reader: number}) => reader === 0 || reader === 7},
      witnesses: {
        'the reader finds it': ({reader}: {reader: number}) => reader === 7,
        'the reader comes too late': ({reader}: {reader: number}) => reader === 0,
        'the owner is the last': ({owner, reader}: {owner: number; reader: number}) => owner === 1 && reader === 7,
        'the reader is the last': ({owner, reader}: {owner: number; reader: number}) => owner === 0 && reader === 7,
      },
    }
  })
}

const kref: Design = {
  name: 'kernel-kref',
  title: 'kref_get_unless_zero() of what a table holds, under the lock under which it is taken out',
  source: 'Documentation/core-api/kref.rst ("kref_get_unless_zero"); include/linux/kref.h',
  program: () => lookup('kernel-kref', looking),
  expected: everywhere,
}

/** kref_get(): takes a count of 0 for a living object. */
function* getAnyway(refs: Value) {
  yield* krefGet(refs)
  return refs
}

const last = 'use-after-free'

/** A read that comes too late, which takes load buffering to find what the free wrote. */
const racesInRc11 = {...onlyInOrder(last), rc11: brokenBy('data-race')}

/** The reference counts, each followed by its mutants. */
export const refcountDesigns: readonly Design[] = [
  refcount, ...mutants(refcount, counting, letGo, [
    {part: 'put', relaxed: 'atomic_fetch_sub_release', name: 'relaxed-put', expected: onlyInOrder(last)},
    {part: 'put', without: 'smp_acquire__after_ctrl_dep', name: 'without-acquire', expected: onlyInOrder(last)},
  ]),
  atomicCount, ...mutants(atomicCount, fullyOrdered, letGo, [
    {part: 'put', relaxed: 'atomic_dec_and_test', name: 'relaxed-put', expected: onlyInOrder(last)},
  ]),
  saturates, ...mutants(saturates, forgotten, overflow, [
    {part: 'get', instead: atomicAdd, change: 'with atomic_inc()', name: 'wraps', expected: nowhere(last)},
  ]),
  kref, ...mutants(kref, looking, lookup, [
    {part: 'put', relaxed: 'atomic_fetch_sub_release', name: 'relaxed-put', expected: racesInRc11},
    {part: 'put', without: 'smp_acquire__after_ctrl_dep', name: 'without-acquire', expected: racesInRc11},
    {part: 'get', instead: getAnyway, change: 'with kref_get()', name: 'resurrects', expected: nowhere(last)},
    {part: 'find', instead: find, change: 'without the lock', name: 'without-lock', expected: nowhere(last)},
  ]),
]
