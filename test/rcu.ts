/** The kernel's RCU: what a reader holds on to outlives it, by every way to wait; and nothing outlives less. */
import test from 'ava'
import {breaks, holds, reaches} from '../harness/ava.ts'
import {
  alloc, cpp20, executions, explore, free, lkmm, loadAcquire, models, program, rcuDereference, rcuReadLock, rcuReadUnlock, readOnce, readPlain, rewriting, sc,
  smpMb, synchronizeRcu, threads, Value, when, writeOnce, writePlain,
  type Location, type Memory, type Op, type Proc, type Program,
} from '../lib/index.ts'
import * as p from '../primitives/index.ts'

type Gone = (memory: Memory) => {readonly retire: (old: Value) => Proc; readonly more?: Readonly<Record<string, () => Proc>>}

/** An object that is replaced while somebody reads it; `gone` says how the updater gets rid of the old one. */
function replaced(name: string, gone: Gone, read: (pointer: Location) => Proc<unknown> = readSection): Program<never> {
  return program(name, memory => {
    const objects = memory.heap('object', {value: 1}, 1)
    const old = objects.object('old', {value: 1})
    const pointer = memory.word('pointer', old.value)
    const {retire, more} = gone(memory)
    return threads({
      reader: () => read(pointer),
      * updater() {
        const fresh = yield* alloc(objects, {value: 2})
        yield* retire(yield* p.rcuReplacePointer(pointer, fresh, true))
      },
      ...more,
    }, {witnesses: {
      'a reader sees the old object': ({reader}) => reader === 1,
      'a reader sees the new one': ({reader}) => reader === 2,
    }})
  })
}

function* readSection(pointer: Location, read = readPlain, dereference = rcuDereference): Proc<unknown> {
  yield* rcuReadLock()
  const value = yield* read(yield* dereference(pointer))
  yield* rcuReadUnlock()
  return value
}

// ---- Ways to wait ----------------------------------------------------------------------------------

const ways: Readonly<Record<string, Gone>> = {
  'synchronize_rcu()': () => ({* retire(old) { yield* synchronizeRcu(); yield* free(old) }}),
  'kfree_rcu_mightsleep()': () => ({retire: p.kfreeRcuMightsleep}),
  'kfree_rcu()': memory => {
    const head = p.defineKfreeRcu(memory, 'head')
    return {retire: old => p.kfreeRcu(head, old), more: {softirq: head.softirq}}
  },
  'call_rcu()': memory => {
    const head = p.defineRcuHead(memory, 'head', object => free(object))
    return {retire: old => p.callRcu(head, old), more: {softirq: head.softirq}}
  },
  'call_rcu() and rcu_barrier()': memory => {
    const done = memory.word('done')
    const head = p.defineRcuHead(memory, 'head', () => writePlain(done, 1))
    return {more: {softirq: head.softirq}, * retire(old) {
      yield* p.callRcu(head, old)
      yield* p.rcuBarrier([head])
      yield* readPlain(done)
      yield* free(old)
    }}
  },
  'cond_synchronize_rcu()': memory => {
    const periods = p.defineGracePeriods(memory, 'gp')
    return {more: {kthread: periods.kthread}, * retire(old) {
      yield* p.condSynchronizeRcu(periods, yield* p.getStateSynchronizeRcu(periods))
      yield* free(old)
    }}
  },
  'start_poll_synchronize_rcu() and poll_state_synchronize_rcu()': memory => {
    const periods = p.defineGracePeriods(memory, 'gp')
    return {more: {kthread: periods.kthread}, * retire(old) {
      const cookie = yield* p.startPollSynchronizeRcu(periods)
      yield* when(yield* p.pollStateSynchronizeRcu(periods, cookie), () => free(old))
    }}
  },
  'poll_state_synchronize_rcu() of a grace period that somebody else asked for': memory => {
    const periods = p.defineGracePeriods(memory, 'gp')
    return {more: {kthread: periods.kthread, * other() { yield* p.startPollSynchronizeRcu(periods) }}, * retire(old) {
      const cookie = yield* p.getStateSynchronizeRcu(periods)
      yield* when(yield* p.pollStateSynchronizeRcu(periods, cookie), () => free(old))
    }}
  },
}

/** A grace period of another thread: LKMM's race rules bound a plain access by fences of its own thread only (linux-kernel.cat, r-post-bounded). */
const elsewhere = Object.keys(ways).filter(way => way.includes('rcu_barrier()') || way.includes('poll_state'))

/** The others are designs: rcu-kfree, rcu-barrier, rcu-polled. */
const tried = ['synchronize_rcu()', 'kfree_rcu_mightsleep()', 'call_rcu()', 'cond_synchronize_rcu()', 'start_poll_synchronize_rcu() and poll_state_synchronize_rcu()']

for (const way of tried) {
  const gone = ways[way]!
  const marked = replaced(way, gone, pointer => readSection(pointer, readOnce))
  const acquired = replaced(`${way}, acquire`, gone, pointer => readSection(pointer, readOnce, loadAcquire))
  for (const model of models) {
    const isC = model.family === 'c11'
    test(`nothing is freed under a reader, by ${way}, under ${model.name}`, holds, isC ? acquired : marked, model)
    test(`and the reader may see either object, by ${way}, under ${model.name}`, reaches, isC ? acquired : marked, model)
    if (isC) test(`C and C++ give an address dependency no order, by ${way}, under ${model.name}`, breaks, marked, model, {by: 'uninitialised'})
  }
}

for (const [way, gone] of Object.entries(ways)) {
  const plain = replaced(`${way}, plain`, gone)
  if (elsewhere.includes(way)) test(`LKMM calls a plain read racy that ${way} waits for`, breaks, plain, lkmm, {by: 'data-race'})
  else test(`nothing is freed under a reader that reads plainly, by ${way}`, holds, plain, lkmm)
}

for (const model of models) {
  test(`a full barrier is no grace period, under ${model.name}`, breaks, replaced('smp_mb()', () => ({* retire(old) { yield* smpMb(); yield* free(old) }})), model,
    {by: 'use-after-free'})
}

// ---- What the barriers are for ----------------------------------------------------------------------

/** The same, where the thread's operations of this name order nothing. The others have mutants among the designs. */
function weakened(from: Program<never>, thread: string, operation: string): Program<never> {
  return {...from, threads: from.threads.map(({name, body}) => ({name, body: () => rewriting(body(), (op: Op): Op =>
    name === thread && 'order' in op && op.name === operation ? {...op, order: 'ONCE'} as Op : op)}))}
}

const polled = 'poll_state_synchronize_rcu() of a grace period that somebody else asked for'

for (const [thread, operation] of [['other', 'atomic_fetch_add_release'], ['kthread', 'smp_cond_load_acquire']] as const) {
  test(`nothing is missed without the ${operation} by which a grace period is asked for`, holds, weakened(replaced(polled, ways[polled]!,
    pointer => readSection(pointer, readOnce, loadAcquire)), thread, operation), cpp20)
}

// ---- rcu_barrier() ---------------------------------------------------------------------------------

const barrier = program('rcu_barrier', memory => {
  const [wish, count] = [memory.word('wish'), memory.word('count')]
  const heads = ['first', 'second'].map(name => p.defineRcuHead(memory, name, function* (amount) {
    yield* writePlain(count, (yield* readPlain(count)).plus(amount))
  }))
  return threads({
    * caller() {
      yield* p.callRcu(heads[0]!, 1)
      const wanted = yield* readOnce(wish)
      yield* when(wanted, () => p.callRcu(heads[1]!, 2))
      yield* p.rcuBarrier(heads)
      return {wanted, count: yield* readPlain(count)}
    },
    * wisher() { yield* writeOnce(wish, 1) },
    * softirq() { // one softirq invokes callbacks one after the other
      yield* heads[0]!.softirq()
      yield* heads[1]!.softirq()
    },
  }, {
    claims: {'every callback that was queued has run': ({caller}) => caller.count === (caller.wanted === 1 ? 3 : 1)},
    witnesses: {'one callback': ({caller}) => caller.wanted === 0, 'two callbacks': ({caller}) => caller.wanted === 1},
  })
})

for (const model of models) {
  test(`rcu_barrier() waits for the callbacks that are queued, and for no others, under ${model.name}`, holds, barrier, model)
  test(`with and without one of them, under ${model.name}`, reaches, barrier, model)
}

// ---- Misuse that shows without lockdep ----------------------------------------------------------------

const once = 'a head is queued by call_rcu() or kfree_rcu() once, and another call has a head of its own'

/** Two threads that both take an object for theirs to free. */
const freedTwice = program('double kfree_rcu', memory => {
  const old = memory.heap('object', {value: 1}, 1).object('old', {value: 1}).value
  const head = p.defineKfreeRcu(memory, 'head')
  return threads({one: () => p.kfreeRcu(head, old), another: () => p.kfreeRcu(head, old), softirq: head.softirq})
})

/** Waits for two grace periods, of which there is one, or for one. */
function polls(name: string, times: number, periods: number): Program<never> {
  return program(name, memory => {
    const gp = p.defineGracePeriods(memory, 'gp', periods)
    return threads({kthread: gp.kthread, * poller() {
      for (let time = 0; time < times; time++) yield* p.startPollSynchronizeRcu(gp)
    }})
  })
}

for (const model of models) {
  test(`a head is queued once, under ${model.name}`, breaks, freedTwice, model, {by: once})
  test(`an rcu_read_lock() needs an rcu_read_unlock(), under ${model.name}`, breaks, program('unclosed', () => threads({one: rcuReadLock})), model, {by: 'unmatched-rcu-lock'})
  test(`and the other way round, under ${model.name}`, breaks, program('unopened', () => threads({one: rcuReadUnlock})), model, {by: 'unmatched-rcu-unlock'})
}

test('a kernel thread with one grace period is not asked for two', t => {
  const {failing} = explore(polls('two of one', 2, 1), sc)
  t.deepEqual(failing?.failures.flatMap(failure => failure.kind === 'panic' ? failure.message : []), ['gp has 1 grace period, and more are asked for: define it with as many'])
  t.deepEqual([explore(polls('one of one', 1, 1), sc).verdict, explore(polls('two of two', 2, 2), sc).verdict], ['holds', 'holds'])
})

// ---- Lists -----------------------------------------------------------------------------------------

test('a list is linked both ways, wherever its nodes come from', t => {
  const linked = program('links', memory => {
    const nodes = memory.heap('node', {link: 2})
    const [a, b, c] = ['a', 'b', 'c'].map(name => nodes.object(name, {link: [0, 0]}).link[0]!)
    const head = p.defineListHead(memory, 'head', [a!])
    const hhead = p.defineHlistHead(memory, 'hhead')
    return threads({* one() {
      yield* p.listAddTailRcu(b!, head)
      yield* p.listReplaceRcu(a!, c!)
      const forth = yield* p.listForEachEntryRcu(head, function* (node) { return node })
      const back = [yield* readPlain(Value.of(head).plus(1)), yield* readPlain(Value.of(b!).plus(1)), yield* readPlain(Value.of(c!).plus(1))]
      yield* p.hlistAddHeadRcu(a!, hhead)
      yield* p.hlistDelRcu(a!)
      return {forth, back, empty: (yield* p.hlistForEachEntryRcu(hhead, function* () {})).length}
    }})
  })
  const [{returned}] = [...executions(linked, sc)] as unknown as [{returned: {one: {forth: Location[]; back: Location[]; empty: number}}}]
  t.deepEqual(returned.one.forth.map(({name}) => name), ['c.link[0]', 'b.link[0]'])
  t.deepEqual(returned.one.back.map(({name}) => name), ['b.link[0]', 'c.link[0]', 'head.next'])
  t.is(returned.one.empty, 0)
})
