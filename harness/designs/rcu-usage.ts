/**
 * What RCU is used for: one program for each use in perfbook's "RCU Usage", and what breaks where the wrong primitive stands.
 *
 * Source: perfbook, section "RCU Usage" (defer/rcuusage.tex), by the names that it gives the uses.
 */
import {
  alloc, atomicDecAndTest, atomicFetchAdd, free, loadAcquire, program, rcuAssignPointer, rcuDereference, rcuReadLock, rcuReadUnlock, readOnce,
  readPlain, smpMb, smpRmb, smpWmb, synchronizeRcu, threads, Value, when, writeOnce, writePlain, type Location, type Memory,
  type Operand, type Proc, type Program,
} from '../../lib/index.ts'
import {defineListHead, listAddRcu, listForEachEntryRcu} from '../../primitives/index.ts'
import {brokenBy, everywhere, nowhere, onlyInC11, onlyInOrder, type Design, type Expected} from '../design.ts'
import {mutants, type Mutation} from './mutants.ts'

function* zero(): Proc<Value> {
  return Value.of(0)
}

function* one(): Proc<Value> {
  return Value.of(1)
}

/** rcu_read_lock(), the body, rcu_read_unlock() */
function* section<T>(body: () => Proc<T>): Proc<T> {
  yield* rcuReadLock()
  const result = yield* body()
  yield* rcuReadUnlock()
  return result
}

function* synchronize(): Proc {
  yield* synchronizeRcu()
}

/** rcu_dereference() as C and C++ need it: there an address dependency orders nothing. */
function* dereference(pointer: Location): Proc<Value> {
  return yield* loadAcquire(pointer)
}

function* assign(pointer: Location, value: Operand): Proc {
  yield* rcuAssignPointer(pointer, value)
}

const rcu = {section, synchronize, dereference, assign}

type Rcu = typeof rcu

const source = 'perfbook, "RCU Usage" (defer/rcuusage.tex)'

/** A use, followed by its mutants. */
function use<P extends Rcu>(name: string, title: string, build: (name: string, parts: P) => Program<never>, parts: P, changes: readonly Mutation<P>[]): readonly Design[] {
  const original: Design = {name, title, source, program: () => build(name, parts), expected: everywhere}
  return [original, ...mutants(original, parts, build, changes)]
}

/** Broken by this where everything is in order; the models of languages call it a race. */
const exposed = (by: string): Expected => ({...onlyInOrder('data-race'), sc: brokenBy(by), tso: brokenBy(by)})

const noGrace = (expected: Expected): Mutation<Rcu> =>
  ({part: 'synchronize', instead: smpMb, change: 'with smp_mb() for the grace period', name: 'without-grace-period', expected})
const noSection = (expected: Expected): Mutation<Rcu> =>
  ({part: 'section', instead: (body: () => Proc<unknown>) => body(), change: 'without rcu_read_lock() and rcu_read_unlock()', name: 'without-section', expected})
const onceAssign: Mutation<Rcu> =
  {part: 'assign', instead: writeOnce, change: 'with WRITE_ONCE()', name: 'once-assign', expected: onlyInOrder('data-race')}
const dependency: Mutation<Rcu> =
  {part: 'dereference', instead: rcuDereference, change: 'with an address dependency for the acquire', name: 'by-dependency', expected: onlyInC11('data-race')}

// ---- Publish/subscribe list (add-only) ---------------------------------------------------------------------

const listing = {add: listAddRcu, each: listForEachEntryRcu}

/** A list of one entry, to which another is added while it is read. It needs neither sections nor grace periods. */
function publishing(name: string, {add, each}: typeof listing): Program<never> {
  return program(name, (memory: Memory) => {
    const entries = memory.heap('entry', {links: 2, value: 1}, 1)
    const first = entries.object('first', {links: [0, 0], value: 1})
    const head = defineListHead(memory, 'head', [first.links[0]!])
    return threads({
      * publisher() {
        const entry = yield* alloc(entries, {links: [0, 0], value: 10})
        yield* add(entry, head)
      },
      * subscriber() {
        const values = yield* each(head, entry => readPlain(entries.at(entry).value))
        return values.reduce((sum, value) => sum.plus(value), Value.of(0))
      },
    }, {
      claims: {'the list is whole': ({subscriber}) => subscriber === 1 || subscriber === 11},
      witnesses: {'the entry is published': ({subscriber}) => subscriber === 11, 'it is not yet': ({subscriber}) => subscriber === 1},
    })
  })
}

const publish: Design = {
  name: 'rcu-publish-subscribe', title: 'publish/subscribe list: what is reached through a pointer was there before the pointer', source,
  program: () => publishing('rcu-publish-subscribe', listing), expected: onlyInC11('data-race'), // where the dependency behind rcu_dereference() orders nothing
}

const publishMutants = mutants(publish, listing, publishing, [
  {part: 'add', relaxed: 'rcu_assign_pointer', name: 'once-assign', expected: onlyInOrder('data-race')},
])

// ---- Wait for pre-existing things -----------------------------------------------------------------------

function handling(name: string, {section, synchronize, dereference, assign}: Rcu): Program<never> {
  return program(name, (memory: Memory) => {
    const [handler, handlers] = [memory.word('handler', 1), memory.word('handlers')]
    return {
      threads: {
        *interrupt() {
          return yield* section(function* () {
            const present = yield* dereference(handler)
            yield* when(present, () => writePlain(handlers, 1)) // works on the handler's data
            return present
          })
        },
        *unregister() {
          yield* assign(handler, 0)
          yield* synchronize()
          return yield* readPlain(handlers) // nobody works on it any more
        },
      },
      claims: {'no handler runs after it was unregistered': ({interrupt, unregister}) => interrupt === unregister},
      witnesses: {'the handler runs': ({interrupt}) => interrupt === 1, 'it is gone': ({interrupt}) => interrupt === 0},
    }
  })
}

/** perfbook's NMI handlers: unregistering waits for those that run. */
const waiting = use('rcu-wait-for-readers', 'wait for pre-existing things to finish', handling, rcu, [
  noGrace(exposed('no handler runs after it was unregistered')),
  noSection(exposed('no handler runs after it was unregistered')),
])

// ---- Phased state change ------------------------------------------------------------------------------

function phasing(name: string, {section, synchronize, dereference, assign}: Rcu): Program<never> {
  return program(name, (memory: Memory) => {
    const [isMaintenance, careful, quick] = [memory.word('isMaintenance'), memory.word('careful'), memory.word('quick')]
    return {
      threads: {
        *common() {
          return yield* section(function* () {
            const isCareful = yield* dereference(isMaintenance)
            yield* when(isCareful, () => writeOnce(careful, 1), () => writePlain(quick, 1))
            return isCareful
          })
        },
        *maintenance() {
          yield* writeOnce(isMaintenance, 1)
          yield* synchronize() // from here on everybody is careful
          yield* writePlain(quick, 2)
          const found = yield* readPlain(quick)
          yield* synchronize()
          yield* assign(isMaintenance, 0)
          return found
        },
      },
      claims: {'nobody is quick during maintenance': ({maintenance}) => maintenance === 2},
      witnesses: {'quick': ({common}) => common === 0, 'careful': ({common}) => common === 1},
    }
  })
}

const phased = use('rcu-phased-state-change', 'phased state change: common case, careful, maintenance', phasing, rcu, [
  noGrace(exposed('nobody is quick during maintenance')),
  noSection(exposed('nobody is quick during maintenance')),
])

// ---- Existence guarantee, quasi reader-writer lock, type-safe memory ---------------------------------------

function replacing(name: string, {section, synchronize, dereference, assign}: Rcu): Program<never> {
  return program(name, (memory: Memory) => {
    const objects = memory.heap('object', {a: 1, b: 1}, 1)
    const pointer = memory.word('pointer', objects.object('old', {a: 1, b: 1}).a)
    return {
      threads: {
        *reader() {
          return yield* section(function* () {
            const {a, b} = objects.at(yield* dereference(pointer))
            const seen = {a: yield* readOnce(a), b: yield* readOnce(b)}
            return seen
          })
        },
        *updater() {
          const old = yield* readPlain(pointer)
          yield* assign(pointer, yield* alloc(objects, {a: 2, b: 2}))
          yield* synchronize()
          yield* free(old)
        },
      },
      claims: {'a reader sees one version': ({reader}) => reader.a === reader.b},
      witnesses: {'the old version': ({reader}) => reader.a === 1, 'the new version': ({reader}) => reader.a === 2},
    }
  })
}

const existence = use('rcu-existence-guarantee', 'existence guarantee: what a section has found exists until its end', replacing, rcu, [
  noGrace(exposed('use-after-free')), noSection(exposed('use-after-free')), onceAssign, dependency,
])

/** Looks again whether the object still has the key that it was found by. */
function* isStill(found: {readonly key: Value}, key: number): Proc<Value> {
  yield* smpRmb() // the value before the key; pairs with smp_wmb() in the cache
  return (yield* readOnce(found.key)).eq(key)
}

const typeSafeParts = {...rcu, isStill}

function typeSafe(name: string, {section, synchronize, dereference, assign, isStill}: typeof typeSafeParts): Program<never> {
  return program(name, (memory: Memory) => {
    // SLAB_TYPESAFE_BY_RCU: the cache hands an object on at once, and gives its page back after a grace period
    const objects = memory.heap('object', {key: 1, value: 1}, 1)
    const object = objects.object('object', {key: 1, value: 10})
    const slot = memory.word('slot', object.key)
    return threads({
      reader: () => section(function* () { // looks for the object with the key 1
        const pointer = yield* dereference(slot)
        return yield* when(pointer.ne(0), function* () {
          const found = objects.at(pointer)
          const value = yield* readOnce(found.value)
          return yield* when(yield* isStill(found, 1), function* () { return value }, zero)
        }, zero)
      }),
      * cache() {
        yield* assign(slot, 0)
        yield* writeOnce(object.key, 2) // kmem_cache_free() and kmem_cache_alloc(): the same memory, another object
        yield* smpWmb()
        yield* writeOnce(object.value, 20)
        yield* synchronize() // kmem_cache_shrink(): the page goes back
        yield* free(object.key)
      },
    }, {
      claims: {'what is found is what was looked for': ({reader}) => reader === 0 || reader === 10},
      witnesses: {'the object is found': ({reader}) => reader === 10, 'another one, or none': ({reader}) => reader === 0},
    })
  })
}

const typeSafeMemory = use('rcu-type-safe-memory', 'type-safe memory: an object may become another one of its type under its reader, who looks twice',
  typeSafe, typeSafeParts, [
    noGrace(exposed('use-after-free')), noSection(exposed('use-after-free')),
    {part: 'isStill', instead: one, change: 'without a second look at the key', name: 'taken-for-existence', expected: nowhere('what is found is what was looked for')},
    {part: 'isStill', without: 'smp_rmb', name: 'without-rmb', expected: onlyInOrder('what is found is what was looked for')},
  ])

function writing(name: string, {section, synchronize}: Rcu): Program<never> {
  return program(name, (memory: Memory) => {
    const [data, isDeleted] = [memory.word('data', 1), memory.word('isDeleted')]
    return {
      threads: {
        *reader() {
          return yield* section(function* () {
            const seen = {isDeleted: yield* readOnce(isDeleted), data: yield* readOnce(data)}
            return seen
          })
        },
        *writer() {
          yield* writeOnce(isDeleted, 1)
          yield* synchronize() // instead of write_lock(): waits for readers, and keeps none out
          yield* writeOnce(data, 0)
        },
      },
      claims: {'what is not marked deleted is whole': ({reader}) => reader.isDeleted === 1 || reader.data === 1},
      witnesses: {'before': ({reader}) => reader.isDeleted === 0, 'marked, and whole': ({reader}) => reader.isDeleted === 1 && reader.data === 1, 'after': ({reader}) => reader.data === 0},
    }
  })
}

const quasiLock = use('rcu-quasi-reader-writer-lock', 'quasi reader-writer lock: the writer waits for readers, and they not for it', writing, rcu, [
  noGrace(nowhere('what is not marked deleted is whole')),
  noSection(nowhere('what is not marked deleted is whole')),
])

// ---- Quasi reference count -------------------------------------------------------------------------------

type Use = (object: Value) => Proc<Value>

/** The section stands for a reference to whatever is found in it, with no count to write. */
function* referenced(pointer: Location, use: Use): Proc<Value> {
  return yield* section(function* () {
    const object = yield* loadAcquire(pointer)
    return yield* when(object.ne(0), () => use(object), zero)
  })
}

/** A count in the object itself, which may be gone by the time that it is reached. */
function* counted(pointer: Location, use: Use): Proc<Value> {
  const object = yield* loadAcquire(pointer)
  return yield* when(object.ne(0), function* () {
    yield* atomicFetchAdd(object, 1)
    const result = yield* use(object)
    yield* when(yield* atomicDecAndTest(object), () => free(object))
    return result
  }, zero)
}

const countingParts = {...rcu, referenced}

function counting(name: string, {synchronize, assign, referenced}: typeof countingParts): Program<never> {
  return program(name, (memory: Memory) => {
    const objects = memory.heap('object', {count: 1, value: 1})
    const object = objects.object('object', {count: 1, value: 1})
    const pointer = memory.word('pointer', object.count)
    return threads({
      reader: () => referenced(pointer, found => readOnce(objects.at(found).value)),
      * owner() {
        yield* assign(pointer, 0)
        yield* synchronize() // drops the references of all readers at once
        yield* when(yield* atomicDecAndTest(object.count), () => free(object.count))
      },
    }, {witnesses: {'the object is used': ({reader}) => reader === 1, 'it is gone': ({reader}) => reader === 0}})
  })
}

const quasiCount = use('rcu-quasi-reference-count', 'quasi reference count: the references of all sections are dropped at once', counting, countingParts, [
  noGrace(exposed('use-after-free')),
  {part: 'referenced', instead: counted, change: 'with a count in the object', name: 'real-count', expected: exposed('use-after-free')},
])

/** The uses of RCU, each followed by its mutants. */
export const rcuUses: readonly Design[] = [publish, ...publishMutants, ...waiting, ...phased, ...existence, ...typeSafeMemory, ...quasiLock, ...quasiCount]
