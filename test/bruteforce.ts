import test from 'ava'
import {
  awaitOnce, executionKey, fetchAdd, load, models, program, readOnce, sc, store, when, writeOnce, xchg, type Program,
} from '../lib/index.ts'
import {bruteForce, candidates} from './helpers/bruteforce.ts'
import {generate} from './helpers/generate.ts'
import {compile, describe, modelsOf, vocabularies} from './helpers/sketch.ts'

// The brute force is what the engine is checked against; here it is held against what can be counted by hand.

const storeBuffering = program('SB', memory => {
  const [x, y] = [memory.word('x'), memory.word('y')]
  return {
    threads: {
      * one() {
        yield* writeOnce(x, 1)
        return yield* readOnce(y)
      },
      * two() {
        yield* writeOnce(y, 1)
        return yield* readOnce(x)
      },
    },
  }
})

test('SB has four executions, of which sc allows three', t => {
  t.is([...candidates(storeBuffering, 'sc')].length, 4)
  t.is(bruteForce(storeBuffering, sc).length, 3)
})

/** How many executions sc allows; `ways` are the threads, each on one word. */
function count(name: string, ...ways: readonly ((x: Parameters<typeof readOnce>[0]) => ReturnType<Program['threads'][number]['body']>)[]): number {
  return bruteForce(program(name, memory => {
    const x = memory.word('x')
    return {threads: Object.fromEntries(ways.map((way, i) => [`T${i}`, () => way(x)]))}
  }), sc).length
}

test('n threads that each write one word have n! executions, the orders of their writes', t => {
  const write = function* (x: Parameters<typeof readOnce>[0]) { yield* writeOnce(x, 1) }
  t.deepEqual([1, 2, 3, 4].map(n => count(`${n} writes`, ...Array.from({length: n}, () => write))), [1, 2, 6, 24])
})

test('n threads that each exchange one word have n! executions', t => {
  const exchange = (x: Parameters<typeof readOnce>[0]) => xchg(x, 1)
  t.deepEqual([1, 2, 3, 4].map(n => count(`${n} exchanges`, ...Array.from({length: n}, () => exchange))), [1, 2, 6, 24])
})

test('two increments and a read have six: three places for the read, two orders', t => {
  const increment = (x: Parameters<typeof readOnce>[0]) => fetchAdd(x, 1, 'Relaxed')
  t.is(count('increments', increment, increment, readOnce), 6)
})

test('a wait that is never satisfied leaves no complete execution, and one that is blocked', t => {
  const waiting = program('waiting', memory => {
    const x = memory.word('x')
    return {threads: {one: () => awaitOnce(x, value => value === 1), two: () => writeOnce(x, 2)}}
  })
  t.is(bruteForce(waiting, sc).length, 0)
  t.deepEqual([...candidates(waiting, 'sc')].map(({waiting, final}) => ({waiting, final})), [{waiting: ['one'], final: [2]}])
})

test('a wait is over for good only if the last write does not end it', t => {
  const missed = program('missed', memory => {
    const x = memory.word('x')
    return {
      threads: {
        one: () => awaitOnce(x, value => value === 1),
        * two() {
          yield* writeOnce(x, 1)
          yield* writeOnce(x, 2)
        },
      },
    }
  })
  t.deepEqual([...candidates(missed, 'sc')].map(({waiting}) => waiting.length).sort(), [0, 1])
})

test('threads return what their values turn out to be', t => {
  const returning = program('returning', memory => {
    const x = memory.word('x', 3)
    return {
      threads: {
        * one() {
          const read = yield* load(x, 'Relaxed')
          const chosen = yield* when(read.eq(3), () => readOnce(x), () => readOnce(x))
          yield* store(x, read.plus(1), 'Relaxed')
          return {read, list: [chosen, 7], where: x}
        },
      },
    }
  })
  const [only, ...others] = bruteForce(returning, sc)
  t.deepEqual(others, [])
  t.deepEqual(only!.returned.one, {read: 3, list: [3, 7], where: returning.memory[0]} as unknown)
  t.deepEqual(only!.final, [4])
})

test('leaving out early what is incoherent at one location loses nothing', t => {
  for (const vocabulary of vocabularies) {
    for (let i = 0; i < 25; i++) {
      const sketch = generate(vocabulary, `coherent ${i}`, {accesses: 4, threads: 3})
      for (const model of modelsOf(sketch)) {
        const keys = (everything: boolean): readonly string[] => bruteForce(compile(sketch), model, {everything}).map(({execution}) => executionKey(execution)).sort()
        t.deepEqual(keys(false), keys(true), `${model.name}, ${describe(sketch)}`)
      }
    }
  }
})

test('stronger models allow less', t => {
  for (let i = 0; i < 25; i++) {
    const sketch = generate('c11', `stronger ${i}`, {accesses: 5, threads: 3})
    const [first, ...rest] = ['sc', 'rc11', 'c++20'].map(name => {
      const model = models.find(model => model.name === name)!
      // fences and orderings make other events under other families, so compare by outcome
      return new Set(bruteForce(compile(sketch), model).map(({returned, final}) => JSON.stringify([returned, final])))
    })
    let stronger = first!
    for (const weaker of rest) {
      t.deepEqual([...stronger].filter(outcome => !weaker.has(outcome)), [], describe(sketch))
      stronger = weaker
    }
  }
})

test('a sketch of a seed is the same everywhere', t => {
  t.snapshot(vocabularies.map(vocabulary => describe(generate(vocabulary, '3'))).join('\n'))
})
