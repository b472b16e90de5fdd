/** Copies of aggregates, and words that tear. */
import test from 'ava'
import {
  executions, halves, lkmm, load, program, rc11, readOnce, readPlain, readStruct, readTearable, store, threads, writeOnce, writePlain,
  writeStruct, writeTearable, Value, type Model, type Program,
} from '../lib/index.ts'

function outcomes(copied: Program<never>, model: Model): readonly string[] {
  return [...new Set([...executions(copied, model)].map(run => JSON.stringify(run.returned['reader'])))].sort()
}

/** A pair is written while it is copied out; `order` is the order of the fields in both copies. */
const copying = (order: readonly ('a' | 'b')[], access: 'plain' | 'once' | 'relaxed') => program('copying', ({struct}) => {
  const declared = struct('pair', {a: 0, b: 0})
  const pair = Object.fromEntries(order.map(field => [field, declared[field]])) as typeof declared
  const [read, write] = {
    plain: [readPlain, writePlain] as const,
    once: [readOnce, writeOnce] as const,
    relaxed: [(at: Parameters<typeof load>[0]) => load(at, 'Relaxed'), (at: Parameters<typeof store>[0], value: Parameters<typeof store>[1]) => store(at, value, 'Relaxed')] as const,
  }[access]
  return threads({
    * writer() { yield* writeStruct(pair, {a: 1, b: 1}, write) },
    * reader() {
      const copy = yield* readStruct(pair, read)
      return {a: copy.a, b: copy.b}
    },
  })
})

for (const access of ['plain', 'once', 'relaxed'] as const) {
  for (const model of [rc11, lkmm]) {
    test(`under ${model.name} the order of a ${access} copy does not matter`, t => {
      const there = outcomes(copying(['a', 'b'], access), model)
      t.deepEqual(outcomes(copying(['b', 'a'], access), model), there)
      t.is(there.length, 4, 'the copy tears in both ways')
    })
  }
}

test('a tearable word is read whole, or with halves of different versions', t => {
  const wide = program('wide', ({struct}) => {
    const count = struct('count', halves(0x0000ffff))
    return threads({
      * writer() { yield* writeTearable(count, Value.of(0x00010000), writeOnce) },
      * reader() { return yield* readTearable(count, readOnce) },
    })
  })
  t.deepEqual(outcomes(wide, lkmm), [0x0000ffff, 0x00010000, 0, 0x0001ffff].map(String).sort())
})
