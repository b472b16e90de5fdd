/** The macros for ava, used as a test author uses them; `test.failing` where they must find something. */
import test from 'ava'
import {breaks, holds, reaches} from '../harness/ava.ts'
import {lkmm, perform, program, rc11, sc, threads, Value} from '../lib/index.ts'
import {counter, crowd, endless, grace, messages, revenant, stores} from './fixtures/programs.ts'

/** What is certain to come never does: no execution is one. */
const impossible = program('impossible', ({word}) => {
  const request = word('request')
  return threads({
    handler: () => perform<Value>({
      kind: 'rmw', name: 'interrupt', vocabulary: 'kernel', order: 'MB', at: request, update: () => Value.of(2), until: found => found === 1, isCertain: true,
    }),
  })
})

test('whoever sees the flag sees the data, where stores stay in order', holds, messages, sc)
test('and the flag is seen', reaches, messages, sc, {witness: 'the flag is seen'})
test('without the reader\'s barrier it may miss the data', breaks, messages, lkmm)
test('the claim that breaks may be named', breaks, messages, lkmm, {by: 'whoever sees the flag sees the data'})
test('so may a flag of the model', breaks, counter, rc11, {by: 'data-race'})
test('a claim that breaks behind a race is found too', breaks, counter, rc11, {by: 'no lost update'})
test('a sampled run passes if nothing fails in it', holds, stores, sc, {runs: 50, seed: 'x'})
test('a sampled run may reach what it should', reaches, messages, lkmm, {runs: 50})
test(holds, stores, sc)
test('a zombie is one where pointers remember their object', breaks, revenant, sc, {by: 'zombie'})
test('and none where an address is an address', holds, revenant, sc, {regime: 'bits'})
test('or where none comes back', holds, revenant, sc, {reuse: false})
test('which is what a witness shows', reaches, revenant, sc, {witness: 'the address comes back', regime: 'bits'})

// ava's word for: the macro must fail here, or it could not fail at all
test.failing('a broken program does not hold', holds, messages, lkmm)
test.failing('a sampled one neither', holds, messages, lkmm, {runs: 200})
test.failing('a program no execution of which comes to an end does not hold', holds, impossible, sc)
test.failing('what was cut does not hold', holds, endless, sc)
test.failing('what ran out of executions does not hold', holds, crowd, sc, {executions: 10})
test.failing('what a model has no operation for does not hold', holds, grace, sc)
test.failing('nor does it break', breaks, grace, sc)
test.failing('what holds does not break', breaks, messages, sc)
test.failing('what breaks by something else does not break by this', breaks, messages, lkmm, {by: 'data-race'})
test.failing('without reuse it does not', reaches, revenant, sc, {witness: 'the address comes back', regime: 'bits', reuse: false})
test.failing('leaks count if that is asked', holds, revenant, sc, {regime: 'bits', leaks: true})
test.failing('a program without witnesses reaches none', reaches, stores, lkmm)
test.failing('nor one that it does not have', reaches, messages, lkmm, {witness: 'the flag is blue'})
