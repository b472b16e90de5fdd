import {setImmediate as turn} from 'node:timers/promises'
import test from 'ava'
import {executions, replay, sampleOne, type Model, type Run} from '../lib/index.ts'
import {keyOf, waitingIn} from './helpers/compare.ts'
import {generate} from './helpers/generate.ts'
import {compile, describe, modelsOf, vocabularies, type Sketch, type Vocabulary} from './helpers/sketch.ts'

/** Programs small enough to see everything of. */
function small(vocabulary: Vocabulary): readonly Sketch[] {
  return Array.from({length: 40}, (_, i) => generate(vocabulary, `small ${i}`, {accesses: 5, threads: 3}))
}

function keysOf(sketch: Sketch, model: Model): ReadonlySet<string> {
  return new Set([...executions(compile(sketch), model)].map(runKey))
}

function runKey(run: Run): string {
  return keyOf(waitingIn(run), run.execution)
}

for (const vocabulary of vocabularies) {
  for (const strategy of ['random', 'stale'] as const) {
    test.serial(`sampling with the ${strategy} strategy stays inside the ${vocabulary} programs' executions and reaches them all`, async t => {
      await turn()
      for (const sketch of small(vocabulary)) {
        for (const model of modelsOf(sketch)) {
          const all = keysOf(sketch, model)
          if (all.size > 20) continue
          const unreached = new Set(all)
          for (let i = 0; i < 3000 && unreached.size > 0; i++) {
            const run = sampleOne(compile(sketch), model, {seed: 'engine', runs: 1, strategy}, i)
            if (run === null || !all.has(runKey(run))) t.fail(`run ${i} of ${sketch.name} under ${model.name} is outside\n${describe(sketch)}`)
            else unreached.delete(runKey(run))
          }
          t.deepEqual([...unreached], [], `${model.name}, ${describe(sketch)}`)
        }
      }
    })
  }

  test.serial(`sampling with the pct strategy stays inside the ${vocabulary} programs' executions`, async t => {
    await turn()
    for (const sketch of small(vocabulary)) {
      for (const model of modelsOf(sketch)) {
        const all = keysOf(sketch, model)
        const runs = Array.from({length: 10}, (_, i) => sampleOne(compile(sketch), model, {seed: 'engine', runs: 1, strategy: 'pct'}, i))
        t.true(runs.every(run => run !== null && all.has(runKey(run))), `${model.name}, ${describe(sketch)}`)
      }
    }
  })

  test.serial(`each execution of the ${vocabulary} programs is replayed by its path`, async t => {
    await turn()
    for (const sketch of small(vocabulary)) {
      for (const model of modelsOf(sketch)) {
        for (const run of [...executions(compile(sketch), model)].slice(0, 5)) t.deepEqual(replay(compile(sketch), model, run.path), run, describe(sketch))
      }
    }
  })
}
