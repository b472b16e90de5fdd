/** Threads that wait for work: that none comes is how they end, and no deadlock. */
import test from 'ava'
import {
  awaitAcquire, awaitOnce, awaitWork, executions, explore, lkmm, models, program, readOnce, replay, rewriting, sample, sc, storeRelease, threads, when,
  writeOnce, type Program, type Scalar,
} from '../lib/index.ts'
import {differences} from './helpers/compare.ts'
import {generate} from './helpers/generate.ts'
import {describe, modelsOf, vocabularies} from './helpers/sketch.ts'

const isWork = (value: Scalar): boolean => value !== 0

/** A client that may or may not ask for something, and a daemon that does it. */
const served = program('served', ({word}) => {
  const [wish, request, done] = [word('wish'), word('request'), word('done')]
  return threads({
    * wishes() { yield* writeOnce(wish, 1) },
    * client() {
      const wanted = yield* readOnce(wish)
      yield* when(wanted, () => storeRelease(request, 7))
      return wanted
    },
    * daemon() {
      const found = yield* awaitWork(request, isWork)
      yield* writeOnce(done, found)
      return found
    },
  }, {claims: {'what is asked for is done': ({client}, final) => final(done) === (client === 1 ? 7 : 0)}})
})

for (const model of models) {
  test(`a daemon without work is at its end, and with work does it, under ${model.name}`, t => {
    const {verdict, counts} = explore(served, model)
    t.deepEqual([verdict, counts.executions, counts.blocked], ['holds', 2, 0])
    t.deepEqual([...executions(served, model)].map(({returned: {client, daemon}}) => [client, daemon]).sort(), [[0, undefined], [1, 7]] as unknown)
  })
}

test('sampling and replay say the same', t => {
  const {verdict, counts} = sample({...served, claims: {'nothing is done': ({client}) => client === 0}}, lkmm, {seed: '1', runs: 50})
  t.is(verdict, 'broken')
  t.is(counts.blocked, 0)
  for (const run of executions(served, lkmm)) t.deepEqual(replay(served, lkmm, run.path)?.returned, run.returned)
})

test('a daemon that has begun its work may be blocked in it', t => {
  const stuck = program('stuck', ({word}) => {
    const [request, never] = [word('request'), word('never')]
    return threads({
      * client() { yield* writeOnce(request, 1) },
      * daemon() {
        yield* awaitWork(request, isWork)
        yield* awaitAcquire(never, isWork)
      },
      * other() { yield* awaitWork(never, isWork) },
    })
  })
  const {verdict, failing, counts} = explore(stuck, sc)
  t.deepEqual([verdict, counts.executions], ['broken', 0])
  t.deepEqual(failing?.failures, [{kind: 'deadlock', waiting: [{thread: 'daemon', operation: 'smp_cond_load_acquire', location: 'never'}]}])
})

/** The same program, whose threads end where they wait for ever. */
function idling<R>(from: Program<R>): Program<R> {
  return {...from, threads: from.threads.map(({name, body}) => ({
    name, body: () => rewriting(body(), op => op.kind === 'load' && op.until !== undefined ? {...op, isIdle: true} : op),
  }))}
}

for (const vocabulary of vocabularies) {
  test(`the engine finds each execution of ${vocabulary} programs whose waits are idle once, and no others`, t => {
    const sketches = Array.from({length: 250}, (_, i) => generate(vocabulary, `idle ${i}`, {accesses: 6, threads: 3})).filter(sketch => JSON.stringify(sketch).includes('"wait"'))
    t.true(sketches.length > 25)
    for (const sketch of sketches) {
      for (const model of modelsOf(sketch)) {
        const found = differences(sketch, model, 250, idling)
        if (found !== 'too large') t.deepEqual(found, [], `${model.name}\n${describe(sketch)}`)
      }
    }
  })
}

test('an execution in which some threads are idle and another waits in vain is blocked', t => {
  const both = program('both', ({word}) => {
    const [x, y] = [word('x'), word('y')]
    return threads({* idle() { yield* awaitWork(x, isWork) }, * waits() { yield* awaitOnce(y, isWork) }})
  })
  t.is(explore(both, sc, {keepGoing: true}).counts.blocked, 1)
})
