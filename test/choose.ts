/** Seeds keep their meaning: one seed is one execution, on every machine and in every release of this engine version. */
import test from 'ava'
import {
  byHand, executionKey, executions, explore, follow, iteration, lkmm, Misfit, pct, program, random, raw, readOnce, reduce, replay, runWith, sample,
  sampleOne, sc, stale, threads, writeOnce, type Chooser,
} from '../lib/index.ts'

const messages = program('messages', ({word}) => {
  const [data, flag] = [word('data'), word('flag')]
  return threads({
    * producer() {
      yield* writeOnce(data, 1)
      yield* writeOnce(flag, 1)
    },
    * consumer() {
      return {flag: yield* readOnce(flag), data: yield* readOnce(data)}
    },
  }, {claims: {'whoever sees the flag sees the data': ({consumer}) => consumer.flag === 0 || consumer.data === 1}})
})

const draw = (chooser: Chooser): readonly number[] => Array.from({length: 16}, () => chooser.choose('from', 10, ''))

test('the random stream of a seed is the one that it always was', t => {
  t.deepEqual(draw(random('1')), [5, 1, 4, 6, 1, 3, 0, 2, 4, 0, 2, 7, 9, 0, 8, 8])
  t.deepEqual(draw(random('tearproof')), [9, 2, 4, 5, 1, 1, 0, 5, 3, 7, 0, 5, 3, 2, 3, 4])
})

test('so are the streams of the other strategies', t => {
  t.deepEqual(draw(stale('1')), [5, 9, 9, 9, 1, 4, 9, 6, 9, 9, 9, 9, 9, 9, 1, 3])
  t.deepEqual(draw(pct('1', 3, 16)), [0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 5, 8, 0, 0])
})

test('the executions of a seed are the ones that they always were', t => {
  const outcomes = Array.from({length: 12}, (_, i) => sampleOne(messages, lkmm, {seed: '1', runs: 12}, i)?.returned['consumer'])
  t.snapshot(outcomes)
})

test('the i-th execution of a seed is the same alone and among others', t => {
  const together = sample(messages, lkmm, {seed: 'x', runs: 50})
  t.is(together.verdict, 'broken')
  const alone = sampleOne(messages, lkmm, {seed: 'x', runs: 50}, together.failingSample!)!
  t.is(executionKey(alone.execution), executionKey(together.failing!.execution))
})

test('every strategy stays inside what exploration finds, and reaches all of it', t => {
  const all = new Set([...executions(messages, lkmm)].map(run => executionKey(run.execution)))
  for (const strategy of ['random', 'pct', 'stale'] as const) {
    const seen = new Set(Array.from({length: 300}, (_, i) => executionKey(sampleOne(messages, lkmm, {seed: 's', runs: 300, strategy}, i)!.execution)))
    t.true([...seen].every(key => all.has(key)), strategy)
    t.is(seen.size, all.size, strategy)
  }
})

test('a path replays to the same execution', t => {
  for (const run of executions(messages, lkmm)) {
    t.is(executionKey(replay(messages, lkmm, run.path).execution), executionKey(run.execution))
  }
})

test('a path that does not fit says which step and why', t => {
  const error = t.throws(() => replay(messages, lkmm, [[0, 99]]), {instanceOf: Misfit})
  t.regex(error.message, /path step 0 takes choice 99 of \d+ for "consumer reads flag"/)
})

test('a path that is too long for the execution does not fit either', t => {
  const error = t.throws(() => replay(messages, lkmm, [[0, 1], [99, 1]]), {instanceOf: Misfit})
  t.regex(error.message, /path step 99 comes after the end of the execution, which has \d decisions: the program or the engine changed/)
})

const endless = program('endless', ({word}) => {
  const x = word('x')
  return threads({
    * reader() {
      for (let round = 1; ; round++) {
        yield* iteration(round)
        if ((yield* raw(yield* readOnce(x))) === 1) return
      }
    },
    writer: () => writeOnce(x, 1),
  })
})

test('nor does one that ends at a loop bound, which is no execution', t => {
  t.throws(() => replay(endless, sc, [], {bound: 2}), {instanceOf: Misfit, message: /goes over the loop bound/})
})

/** Fails where the reader ends, which it does not in most samples if it has one round. */
const failsLate = {...endless, name: 'fails late', claims: {'the reader never returns': () => false}}

test('the index of a failing sample counts also those that ended nowhere', t => {
  const found = sample(failsLate, sc, {seed: 'late 1', runs: 200, bound: 1})
  t.is(found.verdict, 'broken')
  t.true(found.counts.cut > 0)
  t.true(found.failingSample! >= found.counts.executions)
  t.is(sampleOne(failsLate, sc, {seed: 'late 1', runs: 200, bound: 1}, found.failingSample!)?.failures.length, 1)
})

test('a failing execution is reduced to the fewest choices that still fail', t => {
  const {failing} = sample(messages, lkmm, {seed: 'long', runs: 100})
  const reduced = reduce(messages, lkmm, failing!)
  t.deepEqual(reduced.failures.map(failure => failure.kind), ['claim'])
  t.true(reduced.path.length <= failing!.path.length)
  t.deepEqual(reduced.path, explore(messages, lkmm).failing!.path)
})

test('the dull path runs the threads one after the other', t => {
  t.deepEqual(runWith(messages, lkmm, follow([]))?.returned, {producer: undefined, consumer: {flag: 1, data: 1}})
})

test('choices can be made by hand', t => {
  const asked: string[] = []
  const run = runWith(messages, lkmm, byHand((what, among) => {
    asked.push(what)
    return among - 1
  }))
  t.deepEqual(run?.returned['consumer'], {flag: 0, data: 0})
  t.true(asked.includes('consumer reads data'))
})
