import test from 'ava'
import {executionKey, type Model, type Program} from '../lib/index.ts'
import {derivedOf} from '../lib/derived.ts'
import {Walk} from '../lib/explore.ts'
import {fit} from '../lib/fit.ts'
import {open} from '../lib/limits.ts'
import {Machine} from '../lib/machine.ts'
import {generate} from './helpers/generate.ts'
import {compile, describe, modelsOf, vocabularies} from './helpers/sketch.ts'

/* What a program lacks is left out of the plan that it runs under. Nothing that it has may be missing: with and without, every step is the same. */

/** Every execution with its flags, and the counts; with `whole`, under a plan from which nothing was left out. */
function explored(program: Program<never>, model: Model, whole: boolean): {readonly steps: readonly string[]; readonly relations: number} {
  const session = open(program, model, {bound: 2, flags: Object.keys(model.flags)})
  if (whole) session.machine = withEverything(session.machine)
  const walk = new Walk(session)
  const steps: string[] = []
  for (let status = walk.first(); status !== null; status = walk.next()) {
    const path = walk.path()
    const {execution, failures} = session.run(path, status)
    steps.push(`${status} ${path.join(' ')} ${executionKey(execution)} ${failures.map(failure => failure.kind === 'flag' ? failure.flag : failure.kind).join()}`)
  }
  return {steps: [...steps, `${walk.nodes} nodes, ${walk.deadEnds} dead ends`], relations: session.machine.graph.plan.relations}
}

/** The same machine, for all that the model was compiled for. */
function withEverything({graph}: Machine): Machine {
  const {behaviours, memory, plan: {master, presence}} = graph
  const plan = fit(master, presence.map(() => -1))
  const most = (numbers: readonly number[]): number => Math.max(0, ...numbers)
  return new Machine({
    memory, behaviours, plan,
    capacity: behaviours.map(({nodes}) => most(nodes.map(({vertexCount}) => vertexCount))),
    units: behaviours.map(({nodes}) => plan.counting === null ? 0 : most(nodes.map(node => derivedOf(node, master).units.length))),
  })
}

for (const vocabulary of vocabularies) {
  test(`${vocabulary}: a plan that fits a program takes the same steps as one for every program`, t => {
    let smaller = 0
    for (let seed = 0; seed < 60; seed++) {
      const sketch = generate(vocabulary, `fit ${seed}`, {accesses: 6, threads: 3})
      for (const model of modelsOf(sketch)) {
        const [fitted, whole] = [explored(compile(sketch), model, false), explored(compile(sketch), model, true)]
        if (fitted.steps.join('\n') !== whole.steps.join('\n')) t.fail(`${model.name}, seed ${seed}: with everything\n${whole.steps.join('\n')}\nfitted\n${fitted.steps.join('\n')}\nin\n${describe(sketch)}`)
        if (fitted.relations < whole.relations) smaller++
      }
    }
    t.log(`${smaller} plans had fewer relations`)
    t.true(smaller > 50)
  })
}
