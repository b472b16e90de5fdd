/** Designs of RCU's other ways to wait than synchronize_rcu(): callbacks, polled grace periods, SRCU. */
import {
  alloc, awaitAcquire, free, loadAcquire, program, rcuReadLock, rcuReadUnlock, readOnce, readPlain, srcuReadLock as readLock, srcuReadUnlock as readUnlock, storeRelease, synchronizeRcu,
  synchronizeSrcu, threads, Value, when, writeOnce, writePlain,
  type Location, type Memory, type Proc, type Program,
} from '../../lib/index.ts'
import {
  callRcu, defineGracePeriods, defineKfreeRcu, defineRcuHead, defineSrcu, getStateSynchronizeRcu, kfreeRcu, pollStateSynchronizeRcu, rcuBarrier,
  rcuReplacePointer, srcuDereference, srcuDownRead, srcuUpRead, startPollSynchronizeRcu, type GracePeriods, type RcuHead,
} from '../../primitives/index.ts'
import {brokenBy, everywhere, holds, onlyInC11, onlyInOrder, type Design, type Expected} from '../design.ts'
import {mutants} from './mutants.ts'
import {ofSrcu} from './zombie-cases.ts'

/** Broken by this where everything is in order; the models of languages call it a race. */
const exposed = (by: string): Expected => ({...onlyInOrder('data-race'), sc: brokenBy(by), tso: brokenBy(by)})

// ---- An object that is replaced while it is read ---------------------------------------------------------

/** A section, in which what it finds is read; an address dependency would do under LKMM, and C and C++ need the acquire. */
function* section(pointer: Location): Proc<Value> {
  yield* rcuReadLock()
  const value = yield* readOnce(yield* loadAcquire(pointer))
  yield* rcuReadUnlock()
  return value
}

/** The same without rcu_read_lock() and rcu_read_unlock(). */
function* noSection(pointer: Location): Proc<Value> {
  return yield* readOnce(yield* loadAcquire(pointer))
}

interface Reading {
  readonly section: typeof section
}

/** `retire` gets rid of the old object, with the help of other threads. */
function replaced(name: string, {section}: Reading, wait: (memory: Memory) => {
  readonly retire: (old: Value) => Proc
  readonly helpers: Readonly<Record<string, () => Proc>>
}): Program<never> {
  return program(name, (memory: Memory) => {
    const objects = memory.heap('object', {value: 1}, 1)
    const pointer = memory.word('pointer', objects.object('old', {value: 1}).value)
    const {retire, helpers} = wait(memory)
    return threads({
      reader: () => section(pointer),
      * updater() {
        yield* retire(yield* rcuReplacePointer(pointer, yield* alloc(objects, {value: 2}), true))
      },
      ...helpers,
    }, {witnesses: {'the old object is read': ({reader}) => reader === 1, 'the new one': ({reader}) => reader === 2}})
  })
}

/** The softirq of a head, which waits for a grace period and invokes the callback. */
function* softirq(head: RcuHead): Proc {
  yield* head.softirq()
}

// ---- Callbacks -------------------------------------------------------------------------------------------

const kfreeParts = {section, kfreeRcu, softirq}

function kfreeing(name: string, {kfreeRcu, softirq, ...reading}: typeof kfreeParts): Program<never> {
  return replaced(name, reading, memory => {
    const head = defineKfreeRcu(memory, 'head')
    return {retire: old => kfreeRcu(head, old), helpers: {softirq: () => softirq(head)}}
  })
}

const callbacks = 'include/linux/rcupdate.h (call_rcu(), kfree_rcu()); Documentation/RCU/whatisRCU.rst'

const kfree: Design = {
  name: 'rcu-kfree', title: 'kfree_rcu(): the updater does not wait, and the object is freed after a grace period', source: callbacks,
  program: () => kfreeing('rcu-kfree', kfreeParts), expected: everywhere,
}

const barrierParts = {section, rcuBarrier, softirq}

function waitingForCallbacks(name: string, {rcuBarrier, softirq, ...reading}: typeof barrierParts): Program<never> {
  return replaced(name, reading, memory => {
    const done = memory.word('done')
    const head = defineRcuHead(memory, 'head', () => writePlain(done, 1))
    return {helpers: {softirq: () => softirq(head)}, * retire(old) {
      yield* callRcu(head, old)
      yield* rcuBarrier([head])
      yield* readPlain(done)
      yield* free(old)
    }}
  })
}

const barrier: Design = {
  name: 'rcu-barrier', title: 'rcu_barrier(): what callbacks did is done, and so are the grace periods that they waited for',
  source: 'Documentation/RCU/rcubarrier.rst', program: () => waitingForCallbacks('rcu-barrier', barrierParts), expected: everywhere,
}

// ---- Polled grace periods -----------------------------------------------------------------------------------

/** rcu_gp_kthread() */
function* gpKthread({kthread}: GracePeriods): Proc {
  yield* kthread()
}

const pollParts = {section, getStateSynchronizeRcu, pollStateSynchronizeRcu, gpKthread}

/** Somebody else asks for a grace period; the updater frees if one has elapsed. */
function polling(name: string, {getStateSynchronizeRcu, pollStateSynchronizeRcu, gpKthread, ...reading}: typeof pollParts): Program<never> {
  return replaced(name, reading, memory => {
    const periods = defineGracePeriods(memory, 'gp')
    return {helpers: {kthread: () => gpKthread(periods), * other() { yield* startPollSynchronizeRcu(periods) }}, * retire(old) {
      const cookie = yield* getStateSynchronizeRcu(periods)
      yield* when(yield* pollStateSynchronizeRcu(periods, cookie), () => free(old))
    }}
  })
}

const polledSource = 'include/linux/rcutree.h; kernel/rcu/tree.c; kernel/rcu/rcu.h (rcu_seq_snap(), rcu_seq_done())'

const polled: Design = {
  name: 'rcu-polled', title: 'get_state_synchronize_rcu() and poll_state_synchronize_rcu() of a grace period that somebody else asks for', source: polledSource,
  program: () => polling('rcu-polled', pollParts), expected: everywhere,
}

// ---- SRCU ------------------------------------------------------------------------------------------------

const srcuSource = 'include/linux/srcu.h; Documentation/RCU/checklist.rst, 16'

function* noLock(): Proc<Value> {
  return Value.of(0)
}

function* noUnlock(): Proc {
  // nothing was opened
}

// lib makes these from a table: here they have names, by which mutants are called

function* srcuReadLock(domain: Location): Proc<Value> {
  return yield* readLock(domain)
}

function* srcuReadUnlock(domain: Location, cookie: Value): Proc {
  yield* readUnlock(domain, cookie)
}

const srcuParts = {srcuReadLock, srcuReadUnlock, synchronizeSrcu}

/** A reader of a domain, and an updater that waits for the domain's readers. */
function srcuReplaced(name: string, {srcuReadLock, srcuReadUnlock, synchronizeSrcu}: typeof srcuParts): Program<never> {
  return program(name, (memory: Memory) => {
    const objects = memory.heap('object', {value: 1}, 0)
    const pointer = memory.word('pointer', objects.object('old', {value: 1}).value)
    const domain = defineSrcu(memory, 'domain')
    return threads({
      * reader() {
        const cookie = yield* srcuReadLock(domain)
        const object = yield* srcuDereference(pointer, domain)
        const value = yield* when(object.ne(0), () => readOnce(object), function* () { return object })
        yield* srcuReadUnlock(domain, cookie)
        return value
      },
      * updater() {
        const old = yield* rcuReplacePointer(pointer, 0, true)
        yield* synchronizeSrcu(domain)
        yield* free(old)
      },
    }, {witnesses: {'the object is read': ({reader}) => reader === 1, 'it is gone': ({reader}) => reader === 0}})
  })
}

const srcu: Design = {
  name: 'srcu', title: 'SRCU: a grace period of a domain waits for the domain\'s readers', source: srcuSource,
  program: () => srcuReplaced('srcu', srcuParts), expected: ofSrcu(holds),
}

const handOverParts = {srcuDownRead, srcuUpRead}

/** One thread opens a section and finds an object in it; another one uses the object and closes the section. */
function handedOver(name: string, {srcuDownRead, srcuUpRead}: typeof handOverParts): Program<never> {
  return program(name, (memory: Memory) => {
    const objects = memory.heap('object', {value: 1}, 0)
    const pointer = memory.word('pointer', objects.object('old', {value: 1}).value)
    const fresh = objects.object('new', {value: 2})
    const domain = defineSrcu(memory, 'domain')
    const [cookie, carried] = [memory.word('cookie'), memory.word('carried')]
    return threads({
      * opens() {
        yield* writeOnce(cookie, yield* srcuDownRead(domain))
        yield* storeRelease(carried, yield* srcuDereference(pointer, domain))
      },
      * closes() {
        const object = yield* awaitAcquire(carried, value => value !== 0)
        const value = yield* readOnce(object)
        yield* srcuUpRead(domain, yield* readOnce(cookie))
        return value
      },
      * updater() {
        const old = yield* rcuReplacePointer(pointer, fresh.value, true)
        yield* synchronizeSrcu(domain)
        yield* free(old)
      },
    }, {witnesses: {'the old object is read': ({closes}) => closes === 1, 'the new one': ({closes}) => closes === 2}})
  })
}

const handOver: Design = {
  name: 'srcu-down-read', title: 'srcu_down_read() and srcu_up_read(): a section that another thread closes than opened it', source: srcuSource,
  program: () => handedOver('srcu-down-read', handOverParts), expected: ofSrcu(holds, 'srcu_down_read'),
}

/** RCU's other ways to wait, each followed by its mutants. */
export const rcuCallbackDesigns: readonly Design[] = [
  kfree, ...mutants(kfree, kfreeParts, kfreeing, [
    {part: 'section', instead: noSection, change: 'without rcu_read_lock() and rcu_read_unlock()', name: 'without-section', expected: exposed('use-after-free')},
    {part: 'softirq', without: 'synchronize_rcu', name: 'without-grace-period', expected: exposed('use-after-free')},
    {part: 'kfreeRcu', relaxed: 'call_rcu', name: 'relaxed-call', expected: onlyInOrder('data-race')},
    {part: 'softirq', relaxed: 'smp_cond_load_acquire', name: 'relaxed-softirq', expected: onlyInC11('data-race')}, // LKMM: a grace period orders more
  ]),
  barrier, ...mutants(barrier, barrierParts, waitingForCallbacks, [
    {part: 'rcuBarrier', relaxed: 'smp_cond_load_acquire', name: 'relaxed-wait', expected: onlyInOrder('data-race')},
    {part: 'softirq', relaxed: 'smp_store_release', name: 'relaxed-end', expected: onlyInOrder('data-race')},
    {part: 'rcuBarrier', instead: function* () {}, change: 'without waiting', name: 'without-waiting', expected: exposed('use-after-free')},
  ]),
  polled, ...mutants(polled, pollParts, polling, [
    {part: 'getStateSynchronizeRcu', without: 'smp_mb', name: 'without-get-mb', expected: {...onlyInOrder('data-race'), tso: brokenBy('use-after-free')}},
    {part: 'pollStateSynchronizeRcu', without: 'smp_mb', name: 'without-poll-mb', expected: onlyInOrder('data-race')},
    {part: 'gpKthread', without: 'smp_mb', nth: 1, name: 'without-first-mb', expected: onlyInC11('data-race')},
    {part: 'gpKthread', without: 'smp_mb', nth: 2, name: 'without-last-mb', expected: onlyInC11('data-race')},
    {part: 'gpKthread', without: 'synchronize_rcu', name: 'without-grace-period', expected: exposed('use-after-free')},
  ]),
  srcu,
  ...mutants(srcu, {...srcuParts, srcuReadUnlock: noUnlock}, srcuReplaced, [
    {part: 'srcuReadLock', instead: noLock, change: 'without a section', name: 'without-section', expected: ofSrcu(brokenBy('use-after-free'), 'synchronize_srcu')},
  ]),
  ...mutants(srcu, srcuParts, srcuReplaced, [
    {part: 'synchronizeSrcu', instead: () => synchronizeRcu(), change: 'with synchronize_rcu()', name: 'other-grace-period', expected: ofSrcu(brokenBy('use-after-free'))},
  ]),
  handOver, ...mutants(handOver, {...handOverParts, srcuUpRead: noUnlock}, handedOver, [
    {part: 'srcuDownRead', instead: noLock, change: 'without a section', name: 'without-section', expected: ofSrcu(brokenBy('use-after-free'), 'synchronize_srcu')},
  ]),
]
