/** RCU in primitive operations does nothing that RCU does not: its outcomes are among those that the model allows RCU. */
import test from 'ava'
import {cpp20, lkmm, rc11, type Memory, type Model} from '../lib/index.ts'
import {countingRcu, epochRcu, qsbrRcu, urcuMb, urcuMemb, type RcuFlavour} from '../primitives/index.ts'
import {axiomatic, cycleProgram, cyclesOf, describeCycle, implemented, outcomesOf, type Cycle, type Edge, type Kind, type Rcu} from './helpers/rcu-cycles.ts'

const section: Kind = 'section'
const grace: Kind = 'grace'

type Implementation = (memory: Memory, readers: number, periods: number) => Rcu

const implementations: Readonly<Record<string, Implementation>> = {
  counting: implemented(countingRcu), qsbr: implemented(qsbrRcu), epoch: implemented(epochRcu), 'urcu-mb': implemented(urcuMb), 'urcu-memb': implemented(urcuMemb),
}

/** The edges of the cycles of one shape: for small ones all, for others reading alone. */
const reading: readonly Edge[] = ['rf', 'fr']

/**
 * The cycles of a shape that an implementation is compared in: where a comparison takes a millisecond all of them. An interrupt of
 * sys_membarrier() may come anywhere, and epochs are numbers that grow with each grace period, so of theirs fewer.
 */
function cyclesFor(name: string, kinds: readonly Kind[], model: Model): readonly Cycle[] {
  if (kinds.length === 2) return cyclesOf(kinds, name === 'urcu-memb' ? reading : undefined)
  if (name === 'urcu-memb') return []
  if (name === 'epoch' && kinds.filter(kind => kind === 'grace').length > 1) return reading.flatMap(edge => cyclesOf(kinds, [edge]))
  return cyclesOf(kinds, name === 'epoch' || model !== lkmm ? reading : undefined)
}

const shapes: readonly (readonly Kind[])[] = [[section, grace], [section, section, grace], [section, grace, grace]]

/** The outcomes of an implementation that RCU does not have. */
function extra(cycle: Cycle, implementation: Implementation, model: Model): readonly string[] {
  const words = cycle.kinds.length
  const allowed = outcomesOf(cycleProgram(cycle, axiomatic), words, model)
  const found = outcomesOf(cycleProgram(cycle, implementation), words, model)
  if (found.survey.unknown.length > 0 || found.survey.counts.blocked > 0 || found.outcomes.size === 0) return [`unknown, or blocked ${found.survey.counts.blocked} times`]
  return [...found.outcomes].filter(outcome => !allowed.outcomes.has(outcome))
}

for (const [name, implementation] of Object.entries(implementations)) {
  for (const model of [rc11, cpp20, lkmm]) {
    for (const kinds of shapes) {
      const cycles = cyclesFor(name, kinds, model)
      if (cycles.length === 0) continue
      test(`${name}: nothing that RCU does not do under ${model.name}, with ${kinds.join(', ')}`, t => {
        for (const cycle of cycles) t.deepEqual(extra(cycle, implementation, model), [], describeCycle(cycle))
      })
    }
  }
}

/** Larger shapes, where a grace period is nothing but a lock or a number, and of the edges reading only. */
for (const [name, implementation] of Object.entries({counting: implemented(countingRcu), qsbr: implemented(qsbrRcu)})) {
  for (const kinds of [[section, section, grace, grace], [section, grace, section, grace], [section, section, section, grace, grace]]) {
    test(`${name}: nothing that RCU does not do under lkmm, with ${kinds.join(', ')}`, t => {
      const few = cyclesOf(kinds, reading).filter((_, i) => i % (kinds.length > 4 ? 16 : 5) === 1)
      for (const cycle of few) t.deepEqual(extra(cycle, implementation, lkmm), [], describeCycle(cycle))
    })
  }
}

// ---- The same is not said of what is no grace period -------------------------------------------------

/** Each with one thing left out. */
const broken: Readonly<Record<string, {readonly flavour: Implementation}>> = {
  'counting without waiting': {flavour: implemented({...countingRcu, *synchronize() {}})},
  'epoch without a pin': {flavour: implemented({...epochRcu, *readLock() {}} satisfies RcuFlavour<Parameters<typeof epochRcu.readLock>[0]>)},
}

for (const [name, {flavour}] of Object.entries(broken)) {
  test(`${name} does what RCU does not`, t => {
    const [cycle] = cyclesOf([section, grace]).filter(({edges}) => edges.join() === 'fr,rf')
    t.deepEqual(extra(cycle!, flavour, lkmm), ['1,0;  | 1,1'], 'a section sees what was written after the grace period, and not what was written before it')
  })
}
