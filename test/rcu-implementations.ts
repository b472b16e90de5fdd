/**
 * RCU in primitive operations does nothing that RCU does not: what the model forbids RCU in a cycle of critical sections
 * and grace periods, no execution of an implementation does.
 */
import test from 'ava'
import {cpp20, executionKey, executions, explore, lkmm, rc11, sample, type Location, type Memory, type Model, type Program, type Scalar} from '../lib/index.ts'
import {countingRcu, epochRcu, qsbrRcu, urcuMb, urcuMemb, type RcuFlavour} from '../primitives/index.ts'
import {
  axiomatic, cycleProgram, cyclesOf, describeCycle, describeOutcome, implemented, isPossible, outcomeOf, outcomesOf,
  type Cycle, type Edge, type Kind, type Outcome, type Rcu,
} from './helpers/rcu-cycles.ts'

type Implementation = (memory: Memory, readers: number, periods: number) => Rcu

const implementations: Readonly<Record<string, Implementation>> = {
  counting: implemented(countingRcu), qsbr: implemented(qsbrRcu), epoch: implemented(epochRcu), 'urcu-mb': implemented(urcuMb), 'urcu-memb': implemented(urcuMemb),
}

/** Up to three sections and two grace periods, each arrangement of which is one shape. */
const shapes: readonly string[] = ['SG', 'SSG', 'SSSG', 'SGG', 'SSGG', 'SGSG', 'SSSGG', 'SSGSG']

const kindsOf = (shape: string): readonly Kind[] => [...shape].map(letter => letter === 'S' ? 'section' : 'grace')

/** For small shapes all edges, for others reading alone. */
function cyclesIn(shape: string, name: string): readonly Cycle[] {
  const isSmall = shape.length === 2 || (shape.length === 3 && !['epoch', 'urcu-memb'].includes(name))
  const edges: readonly Edge[] = isSmall ? ['rf', 'fr', 'co'] : ['rf', 'fr']
  return cyclesOf(kindsOf(shape), edges)
}

const forbidden = new Map<string, readonly Outcome[]>()

/** What no execution of the model's own RCU comes to, of all that there could be. */
function forbiddenIn(cycle: Cycle, model: Model): readonly Outcome[] {
  const key = `${model.name} ${describeCycle(cycle)}`
  const known = forbidden.get(key) ?? outcomesOf(cycle).filter(outcome => !isPossible(cycle, axiomatic, outcome, model))
  forbidden.set(key, known)
  return known
}

/** Of the outcomes that the model forbids RCU, those that the implementation has in some execution. */
function extra(cycle: Cycle, implementation: Implementation, model: Model): readonly string[] {
  return forbiddenIn(cycle, model).filter(outcome => isPossible(cycle, implementation, outcome, model)).map(outcome => describeOutcome(cycle, outcome))
}

/** The cycle over an implementation; it is broken if RCU does not do this, or if somebody waits for ever. */
function claimed(cycle: Cycle, implementation: Implementation, model: Model): Program<never> {
  const made = cycleProgram(cycle, implementation)
  const isForbidden = (outcome: Outcome): boolean => forbiddenIn(cycle, model).some(other => other.every((isDrawn, i) => isDrawn === outcome[i]))
  const claim = (returned: Readonly<Record<string, readonly Scalar[]>>, final: (word: Location) => Scalar): boolean =>
    !isForbidden(outcomeOf(cycle, cycle.kinds.map((_, i) => returned[`P${i}`]!), word => final(made.memory[word]!)))
  return {...made, claims: {'RCU does this too': claim}}
}

/**
 * Where looking at all executions takes half a minute for one outcome, seeds do: epochs are numbers that grow with each of two grace
 * periods, and an interrupt of sys_membarrier() may come anywhere. With two grace periods that is beyond seeds, too: it is left out.
 */
const isSampled = (name: string, shape: string): boolean => (name === 'epoch' && /S.*S/.test(shape) && isTwice(shape)) || (name === 'urcu-memb' && shape !== 'SG')
const isTried = (name: string, shape: string): boolean => name !== 'urcu-memb' || !isTwice(shape)
const isTwice = (shape: string): boolean => /G.*G/.test(shape)

for (const [name, implementation] of Object.entries(implementations)) {
  for (const model of [rc11, cpp20, lkmm]) {
    for (const shape of shapes.filter(shape => isTried(name, shape))) {
      const cycles = cyclesIn(shape, name)
      const what = `${name}: nothing that RCU does not do under ${model.name}, in`
      if (isSampled(name, shape)) {
        const some = cycles.filter((_, i) => i % 4 === 0)
        test(`${what} ${some.length} of ${cycles.length} cycles ${shape}: sampled, one seed for each in which something is forbidden`, t => {
          for (const cycle of some.filter(cycle => forbiddenIn(cycle, model).length > 0)) {
            t.is(sample(claimed(cycle, implementation, model), model, {seed: shape, runs: 1}).failing, null, describeCycle(cycle))
          }
          t.pass()
        })
      } else {
        test(`${what} ${cycles.length} cycles ${shape}: all executions`, t => {
          for (const cycle of cycles) t.deepEqual(extra(cycle, implementation, model), [], describeCycle(cycle))
        })
      }
    }
  }

  test(`${name}: nobody waits for ever, and whatever else RCU does is done`, t => {
    const [cycle] = cyclesOf(kindsOf('SG'), ['rf'])
    t.is(explore(claimed(cycle!, implementation, lkmm), lkmm).verdict, 'holds')
    for (const outcome of outcomesOf(cycle!)) t.is(isPossible(cycle!, implementation, outcome, lkmm), isPossible(cycle!, axiomatic, outcome, lkmm), describeOutcome(cycle!, outcome))
  })
}

// ---- To ask for an outcome is to leave out the others ---------------------------------------------------

for (const model of [rc11, cpp20, lkmm]) {
  test(`who asks for an outcome is shown all of its executions, and no others, under ${model.name}`, t => {
    for (const rcu of [axiomatic, implementations['urcu-mb']!]) {
      for (const cycle of cyclesOf(kindsOf('SG'), ['rf', 'fr'])) {
        const keysOf = (asked: Outcome | null): readonly string[] => [...executions(cycleProgram(cycle, rcu, asked), model)].map(({execution}) => executionKey(execution))
        t.deepEqual(outcomesOf(cycle).flatMap(keysOf).sort(), [...keysOf(null)].sort(), describeCycle(cycle))
      }
    }
  })
}

// ---- The same is not said of what is no grace period -------------------------------------------------

/** Each with one thing left out. */
const broken: Readonly<Record<string, {readonly flavour: Implementation}>> = {
  'counting without waiting': {flavour: implemented({...countingRcu, *synchronize() {}})},
  'epoch without a pin': {flavour: implemented({...epochRcu, *readLock() {}} satisfies RcuFlavour<Parameters<typeof epochRcu.readLock>[0]>)},
}

for (const [name, {flavour}] of Object.entries(broken)) {
  test(`${name} does what RCU does not`, t => {
    const [cycle] = cyclesOf(kindsOf('SG')).filter(({edges}) => edges.join() === 'fr,rf')
    t.deepEqual(extra(cycle!, flavour, lkmm), ['section -fr-> grace -rf->'], 'a section sees what was written after the grace period, and not what was written before it')
    t.is(explore(claimed(cycle!, flavour, lkmm), lkmm).verdict, 'broken')
    t.not(sample(claimed(cycle!, flavour, lkmm), lkmm, {seed: '1', runs: 200}).failing, null)
  })
}
