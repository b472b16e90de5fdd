/** Grace periods that never end, because of a reader that waits in its critical section: a deadlock, under every model. */
import test from 'ava'
import {breaks, holds} from '../harness/ava.ts'
import {
  awaitAcquire, awaitOnce, executions, explore, lkmm, models, program, rcuReadLock, rcuReadUnlock, readOnce, replay, rewriting, sc, spinLock, spinUnlock, srcuReadLock,
  srcuReadUnlock, storeRelease, synchronizeRcu, synchronizeSrcu, threads, when, writeOnce, type Location, type Memory, type Proc, type Program, type Run,
  type Scalar,
} from '../lib/index.ts'
import * as p from '../primitives/index.ts'
import {differences} from './helpers/compare.ts'
import {generate} from './helpers/generate.ts'
import {compile, describe, modelsOf} from './helpers/sketch.ts'

const isSet = (word: Scalar): boolean => word !== 0

function* section(body: () => Proc<unknown> = synchronizeRcu): Proc {
  yield* rcuReadLock()
  yield* body()
  yield* rcuReadUnlock()
}

/** Who waits for what, in the first deadlock. */
function waits(of: Program<never>, model = lkmm): readonly string[] {
  const {failing} = explore({...of, claims: {}}, model, {flags: []})
  return failing?.failures.flatMap(failure => failure.kind !== 'deadlock' ? [] : failure.waiting.map(({thread, operation, location}) => `${thread}: ${operation} for ${location}`)) ?? []
}

const inOwn = program('a grace period in a section', () => threads({one: () => section(), * two() { yield* section(function* () {}) }}))

const forWork = program('a reader waits for the updater', memory => {
  const word = memory.word('word')
  return threads({
    reader: () => section(() => awaitOnce(word, isSet)),
    * updater() {
      yield* synchronizeRcu()
      yield* writeOnce(word, 1)
    },
  })
})

const lock = program('a grace period under a lock that a reader takes', memory => {
  const word = memory.word('lock')
  return threads({
    * reader() {
      yield* section(function* () {
        yield* spinLock(word)
        yield* spinUnlock(word)
      })
    },
    * updater() {
      yield* spinLock(word)
      yield* synchronizeRcu()
      yield* spinUnlock(word)
    },
  })
})

const barrier = program('rcu_barrier() in a section', memory => {
  const head = p.defineRcuHead(memory, 'head', function* () {})
  return threads({
    * one() {
      yield* p.callRcu(head, 1)
      yield* section(() => p.rcuBarrier([head]))
    },
    softirq: head.softirq,
  })
})

const left = program('a section that is not closed', () => threads({* reader() { yield* rcuReadLock() }, * updater() { yield* synchronizeRcu() }}))

for (const model of models) {
  for (const deadlock of [inOwn, forWork, lock, barrier, left]) test(`${deadlock.name} is a deadlock under ${model.name}`, breaks, deadlock, model, {by: 'deadlock'})
}

test('also where there is too much that a thread may do for all of it to be foreseen', breaks, program('many states', memory => {
  const [flags, word] = [memory.array('flags', 9), memory.word('word')]
  return threads({
    * reader() {
      for (const flag of flags) yield* when(yield* readOnce(flag), function* () {})
      yield* section(() => awaitOnce(word, isSet))
    },
    * writer() { for (const flag of flags) yield* writeOnce(flag, 1) },
    * updater() {
      yield* synchronizeRcu()
      yield* writeOnce(word, 1)
    },
  })
}), sc, {by: 'deadlock'})

test('a report says who waits for whom', t => {
  t.deepEqual(waits(inOwn), ['one: synchronize_rcu for a critical section of its own'])
  t.deepEqual(waits(forWork), ['reader: smp_cond_load_relaxed for word', 'updater: synchronize_rcu for the critical section of reader'])
  t.deepEqual(waits(barrier), ['one: smp_cond_load_acquire for head.done', 'softirq: synchronize_rcu for the critical section of one'])
  t.deepEqual(waits(left, sc), ['updater: synchronize_rcu for the critical section of reader'])
})

test('an execution in which a grace period never ends is replayed', t => {
  const [run, ...others] = [...executions(forWork, lkmm)].filter(({failures}) => failures.length > 0)
  t.is(others.length, 0)
  t.deepEqual(replay(forWork, lkmm, run!.path), run)
})

// ---- SRCU ------------------------------------------------------------------------------------------

/** In a section of one domain, a grace period of this one; and the other way round. */
function crossed(name: string, domains: (memory: Memory) => readonly [Location, Location]): Program<never> {
  return program(name, memory => {
    const [one, other] = domains(memory)
    function* reader(own: Location, awaited: Location): Proc {
      const cookie = yield* srcuReadLock(own)
      yield* synchronizeSrcu(awaited)
      yield* srcuReadUnlock(own, cookie)
    }
    return threads({first: () => reader(one, other), second: () => reader(other, one)})
  })
}

const two = (memory: Memory): [Location, Location] => [p.defineSrcu(memory, 'ss1'), p.defineSrcu(memory, 'ss2')]

test('synchronize_srcu() of the domain that one is in is a deadlock', breaks, crossed('one domain', memory => {
  const ss = p.defineSrcu(memory, 'ss')
  return [ss, ss]
}), lkmm, {by: 'deadlock'})
test('so are two domains whose readers wait for each other', breaks, crossed('two domains', two), lkmm, {by: 'deadlock'})

test('a section that another thread closes is none to wait for', holds, program('srcu_up_read() by another thread', memory => {
  const [ss] = two(memory)
  const [cookie, isHanded] = [memory.word('cookie'), memory.word('isHanded')]
  return threads({
    * opens() {
      yield* writeOnce(cookie, yield* p.srcuDownRead(ss))
      yield* storeRelease(isHanded, 1)
    },
    * closes() {
      yield* awaitAcquire(isHanded, isSet)
      yield* p.srcuUpRead(ss, yield* readOnce(cookie))
    },
    * updater() { yield* synchronizeSrcu(ss) },
  })
}), lkmm)

// ---- Against the brute force -----------------------------------------------------------------------

const isTwo = (word: Scalar): boolean => word === 2

/** The same program; whoever reads in a critical section waits until the word is 2. */
function waiting<R>(from: Program<R>): Program<R> {
  return {...from, threads: from.threads.map(({name, body}) => ({name, body: () => {
    let depth = 0
    return rewriting(body(), op => {
      if (op.kind === 'fence') depth += op.order === 'Rcu-lock' ? 1 : op.order === 'Rcu-unlock' ? -1 : 0
      return op.kind === 'load' && op.order === 'ONCE' && depth > 0 ? {...op, until: isTwo} : op
    })
  }}))}
}

function isEndless({failures}: Run): boolean {
  return failures.some(failure => failure.kind === 'deadlock' && failure.waiting.some(({operation}) => operation === 'synchronize_rcu'))
}

test('the engine finds each execution of programs whose readers wait once, and no others', t => {
  let endless = 0
  for (let i = 0; i < 120; i++) {
    const sketch = generate('rcu', `endless ${i}`, {accesses: 5, threads: 3})
    if (!JSON.stringify(sketch).includes('synchronize_rcu')) continue
    for (const model of modelsOf(sketch)) {
      const found = differences(sketch, model, 250, waiting)
      if (found !== 'too large') t.deepEqual(found, [], `${model.name}\n${describe(sketch)}`)
      endless += [...executions(waiting(compile(sketch)), model)].filter(isEndless).length
    }
  }
  t.true(endless > 20, `${endless} of them end so`)
})
