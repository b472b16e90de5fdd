/** Objects that die in generated programs: the engine against the brute force, and one regime against the other. */
import test from 'ava'
import {executions, lkmm, models, regimes, sc, type Run} from '../lib/index.ts'
import {poison, uninitialised} from '../lib/value.ts'
import {keyOf, programDifferences, waitingIn} from './helpers/compare.ts'
import {generateHeapProgram, heapProgram, type HeapProgram} from './helpers/heap-programs.ts'

const programs = (count: number): readonly HeapProgram[] => Array.from({length: count}, (_, i) => generateHeapProgram(String(i)))

const told = ({threads}: HeapProgram): string => threads.map(parts => parts.map(({from, then}) => [from, ...then].join(', ')).join('; ')).join('\n')

for (const model of models) {
  test(`the engine finds each execution of programs that free once, and no others, under ${model.name}`, t => {
    for (const made of programs(25)) t.deepEqual(programDifferences(() => heapProgram(made), model, 400), [], told(made))
  })
}

/** What is wrong with objects in an execution. */
function faultsOf({failures}: Run): readonly string[] {
  return failures.flatMap(failure => failure.kind === 'fault' ? [`${failure.fault} ${failure.event}`] : [])
}

test('what a regime finds wrong, the stricter ones find too', t => {
  let zombies = 0
  for (const made of programs(12)) {
    for (const model of [sc, lkmm]) {
      const [iso, strict, angelic, bits] = regimes.map(regime =>
        new Map([...executions(heapProgram(made), model, {regime})].map(run => [keyOf(waitingIn(run), run.execution), faultsOf(run)])))
      for (const [looser, stricter] of [[bits, angelic], [angelic, strict], [strict, iso]]) {
        for (const [key, faults] of looser!) {
          for (const fault of faults) t.true(stricter!.get(key)!.includes(fault), `${fault} in ${key}\n${told(made)}`)
          zombies += stricter!.get(key)!.length - faults.length
        }
      }
    }
  }
  t.true(zombies > 50)
})

test('where addresses are all that counts, a read of freed or unwritten memory is at fault, and any other only behind a write that is', t => {
  for (const made of programs(25)) {
    for (const run of executions(heapProgram(made), lkmm, {regime: 'bits'})) {
      const {events, values} = run.execution
      const isJunk = (read: number): boolean => values[read] === poison || values[read] === uninitialised
      const at = (kind: string): number[] => run.failures.flatMap(failure => failure.kind === 'fault' && events[failure.event]!.label.kind === kind ? [failure.event] : [])
      const reads = at('R')
      for (const {label, id} of events) if (label.kind === 'R' && isJunk(id)) t.true(reads.includes(id), told(made))
      t.true(reads.every(isJunk) || at('W').length > 0, told(made))
    }
  }
})
