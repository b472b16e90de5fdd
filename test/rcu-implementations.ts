/**
 * RCU in primitive operations does nothing that RCU does not: what the model forbids RCU in a cycle of critical sections
 * and grace periods, no execution of an implementation does.
 *
 * With TEARPROOF_DEEP set, in every cycle of up to three sections and two grace periods, which takes hours; otherwise in those of two
 * or three threads, and in some of the longer ones. With sys_membarrier(), where each interrupt may come anywhere, in some of these.
 */
import test from 'ava'
import {cpp20, executions, explore, lkmm, rc11, readOnce, rewriting, writeOnce, type Location, type Memory, type Model, type Program, type Scalar} from '../lib/index.ts'
import {
  countingRcu, epochRcu, qsbrRcu, urcuMb, urcuMemb, type EpochRcu, type MembState, type QsbrRcu, type RcuFlavour, type UrcuState,
} from '../primitives/index.ts'
import {
  axiomatic, cycleProgram, cyclesOf, describeCycle, describeOutcome, implemented, isPossible, outcomeOf, outcomesOf,
  type Cycle, type Edge, type Kind, type Outcome, type Rcu,
} from './helpers/rcu-cycles.ts'
import {inTurns, readings, type Locked, type Readings} from './helpers/rcu-turns.ts'

const isDeep = process.env['TEARPROOF_DEEP'] !== undefined

type Implementation = (memory: Memory, readers: number, periods: number) => Rcu

interface Subject {
  readonly itself: Implementation
  /** Programs for so many grace periods that together do all that it does. */
  readonly ways: (periods: number) => readonly Implementation[]
  /** Asks two updaters what they read while they have the lock; left out where there is none. */
  readonly asked?: () => ReturnType<typeof readings>
}

/** One with a lock: each order in which its updaters may have it is one way. Readers are asked with it that write what updaters read. */
function locked<S extends Locked>(flavour: RcuFlavour<S>, read: Readings<S>, readers = 0): Subject {
  const orders = (periods: number): readonly (readonly number[])[] => periods === 1 ? [[0]] : [[0, 1], [1, 0]]
  return {
    itself: implemented(flavour), ways: periods => orders(periods).map(turns => inTurns(flavour, read, turns)),
    asked: () => readings(flavour, read, readers),
  }
}

const counting = implemented(countingRcu)
const phases: Readings<UrcuState> = ({gp}) => new Map([[gp, [1, 3]]])

const subjects: Readonly<Record<string, Subject>> = {
  counting: {itself: counting, ways: () => [counting]},
  qsbr: locked<QsbrRcu>(qsbrRcu, ({gp}, turn) => new Map([[gp, [turn + 1]]])),
  epoch: locked<EpochRcu>(epochRcu, ({epoch}, turn) => new Map([[epoch, [2 * turn + 1, 2 * turn + 2]]])),
  'urcu-mb': locked(urcuMb, phases),
  'urcu-memb': locked<MembState>(urcuMemb, (state, turn) =>
    new Map([...phases(state, turn), ...state.interrupts.interrupts.map(word => [word, [4 * turn, 4 * turn + 2]] as const)]), 1),
}

/** Up to three sections and two grace periods, each arrangement of which is one shape. */
const shapes: readonly string[] = ['SG', 'SSG', 'SSSG', 'SGG', 'SSGG', 'SGSG', 'SSSGG', 'SSGSG']

const kindsOf = (shape: string): readonly Kind[] => [...shape].map(letter => letter === 'S' ? 'section' : 'grace')

/** Each section has its two accesses this way round or that. */
function waysRound(kinds: readonly Kind[]): readonly (readonly Kind[])[] {
  return kinds.reduce<readonly (readonly Kind[])[]>((all, kind) =>
    (kind === 'section' ? ['section', 'turned section'] as const : [kind]).flatMap(way => all.map(some => [...some, way])), [[]])
}

const periodsOf = ({kinds}: Cycle): number => kinds.filter(kind => kind === 'grace').length

const turn = <T>(around: readonly T[], by: number): readonly T[] => [...around.slice(by), ...around.slice(0, by)]

/** Of cycles that are each other turned round, the first. */
function distinct(cycles: readonly Cycle[]): readonly Cycle[] {
  const seen = new Set<string>()
  return cycles.filter(({kinds, edges}) => {
    const turned = kinds.map((_, i) => describeCycle({kinds: turn(kinds, i), edges: turn(edges, i)}))
    if (turned.some(other => seen.has(other))) return false
    seen.add(turned[0]!)
    return true
  })
}

/** All, if it is deep or there are up to three threads; otherwise without overwriting, of four threads with all sections either way round. */
function cyclesIn(shape: string): readonly Cycle[] {
  const all = waysRound(kindsOf(shape))
  if (isDeep || shape.length <= 3) return distinct(all.flatMap(kinds => cyclesOf(kinds)))
  return distinct((shape.length === 4 ? [all[0]!, all.at(-1)!] : [all[0]!]).flatMap(kinds => cyclesOf(kinds, ['rf', 'fr'])))
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
function extra(cycle: Cycle, ways: readonly Implementation[], model: Model): readonly string[] {
  const isIn = (outcome: Outcome): boolean => ways.some(way => isPossible(cycle, way, outcome, model))
  return forbiddenIn(cycle, model).filter(isIn).map(outcome => describeOutcome(cycle, outcome))
}

/** Each interrupt of sys_membarrier() may come anywhere: of the cycles in which something is forbidden, so many are looked at. */
const fewOfMemb: Readonly<Record<string, number>> = {SG: 18, SSG: 1, SGG: 2, SGSG: 1}

const looked = (name: string, shape: string, cycles: readonly Cycle[]): readonly Cycle[] =>
  isDeep || name !== 'urcu-memb' ? cycles : cycles.filter((_, i) => i >= cycles.length - (fewOfMemb[shape] ?? 0))

for (const [name, {ways}] of Object.entries(subjects)) {
  for (const model of [rc11, cpp20, lkmm]) {
    for (const shape of shapes) {
      test(`${name}: nothing that RCU does not do under ${model.name}, in cycles ${shape}`, t => {
        const cycles = cyclesIn(shape)
        const restrained = cycles.filter(cycle => forbiddenIn(cycle, model).length > 0)
        const some = looked(name, shape, restrained)
        for (const cycle of some) t.deepEqual(extra(cycle, ways(periodsOf(cycle)), model), [], describeCycle(cycle))
        const outcomes = some.flatMap(cycle => forbiddenIn(cycle, model)).length
        t.log(`RCU forbids something in ${restrained.length} of ${cycles.length} cycles; all executions of ${some.length}: none of ${outcomes} outcomes`)
        t.pass()
      })
    }
  }
}

/** The cycle over an implementation; it is broken if RCU does not do this, or if somebody waits for ever. */
function claimed(cycle: Cycle, implementation: Implementation, model: Model): Program<never> {
  const made = cycleProgram(cycle, implementation)
  const isForbidden = (outcome: Outcome): boolean => forbiddenIn(cycle, model).some(other => other.every((isDrawn, i) => isDrawn === outcome[i]))
  const claim = (returned: Readonly<Record<string, readonly Scalar[]>>, final: (word: Location) => Scalar): boolean =>
    !isForbidden(outcomeOf(cycle, cycle.kinds.map((_, i) => returned[`P${i}`]!), word => final(made.memory[word]!)))
  return {...made, claims: {'RCU does this too': claim}}
}

for (const [name, {itself}] of Object.entries(subjects)) {
  test(`${name}: nobody waits for ever, and whatever else RCU does is done`, t => {
    const [cycle] = cyclesOf(kindsOf('SG'), ['rf'])
    t.is(explore(claimed(cycle!, itself, lkmm), lkmm).verdict, 'holds')
    for (const outcome of outcomesOf(cycle!)) {
      t.is(isPossible(cycle!, itself, outcome, lkmm), isPossible(cycle!, axiomatic, outcome, lkmm), describeOutcome(cycle!, outcome))
    }
  })
}

// ---- Programs in which the updaters' turns are said do all that the implementation does --------------------

for (const [name, {asked, itself, ways}] of Object.entries(subjects)) {
  if (asked === undefined) continue
  for (const model of [rc11, cpp20, lkmm]) {
    test(`${name}: who has the lock reads what was left behind, under ${model.name}`, t => {
      const {verdict, counts} = explore(asked(), model)
      t.is(verdict, 'holds')
      t.true(counts.executions > 0)
    })
  }

  test(`${name}: what it does it also does in turns`, t => {
    const cycles = [{shape: 'SG', edges: 'rf,rf'}, ...name === 'urcu-memb' ? [] : [{shape: 'SGG', edges: 'fr,rf,co'}]]
    for (const {shape, edges} of cycles) {
      const cycle: Cycle = {kinds: kindsOf(shape), edges: edges.split(',') as Edge[]}
      for (const outcome of outcomesOf(cycle).filter(outcome => isPossible(cycle, itself, outcome, lkmm))) {
        t.true(ways(periodsOf(cycle)).some(way => isPossible(cycle, way, outcome, lkmm)), describeOutcome(cycle, outcome))
      }
    }
  })
}

// ---- To ask for an outcome is to leave out the others ---------------------------------------------------

for (const model of [rc11, cpp20, lkmm]) {
  test(`who asks for an outcome is shown as many executions as have it, under ${model.name}`, t => {
    for (const rcu of [axiomatic, subjects['urcu-mb']!.itself]) {
      for (const cycle of cyclesOf(kindsOf('SG'))) {
        const all = [...executions(cycleProgram(cycle, rcu), model)].map(({returned, final}) =>
          outcomeOf(cycle, Object.values(returned as Readonly<Record<string, readonly Scalar[]>>), word => final[word]))
        for (const outcome of outcomesOf(cycle)) {
          const found = [...executions(cycleProgram(cycle, rcu, outcome), model)].length
          t.is(found, all.filter(other => String(other) === String(outcome)).length, describeOutcome(cycle, outcome))
        }
      }
    }
  })
}

// ---- The same is not said of what is no grace period -------------------------------------------------

const idle = implemented({...countingRcu, * synchronize() {}})

/** Each with one thing left out, and what it does that RCU does not. */
const broken: Readonly<Record<string, {readonly subject: Subject; readonly does: string}>> = {
  'counting without waiting': {subject: {itself: idle, ways: () => [idle]}, does: 'section -fr-> grace -rf->'},
  'epoch without a pin': {
    subject: locked<EpochRcu>({...epochRcu, * readLock() {}}, ({epoch}) => new Map([[epoch, [1, 2]]])),
    does: 'section -fr-> grace -rf->',
  },
  'urcu-mb without a barrier in rcu_read_lock()': {
    subject: locked<UrcuState>({...urcuMb, * readLock({gp, readers}, reader) { yield* writeOnce(readers[reader]!, yield* readOnce(gp)) }}, phases),
    does: 'section -fr-> grace -rf->',
  },
}

// ---- Which barriers of sys_membarrier()'s flavour are missed --------------------------------------------

test('urcu-memb: of the four smp_mb() of synchronize(), RCU misses all but the third, which is behind waits and before stores', t => {
  const without = (nth: number): Implementation => implemented({...urcuMemb, synchronize: state => {
    let seen = 0
    return rewriting(urcuMemb.synchronize(state), op => 'name' in op && op.name === 'smp_mb' && ++seen === nth ? null : op)
  }})
  const isMissed = (nth: number): boolean => cyclesOf(['turned section', 'grace']).some(cycle => extra(cycle, [without(nth)], lkmm).length > 0)
  t.deepEqual([1, 2, 3, 4].map(isMissed), [true, true, false, true])
})

for (const [name, {subject: {itself, ways}, does}] of Object.entries(broken)) {
  test(`${name} does what RCU does not`, t => {
    const edges = [...does.matchAll(/-(..)->/g)].map(([, edge]) => edge as Edge)
    const cycle: Cycle = {kinds: does.split(/ -..-> ?/).slice(0, -1) as Kind[], edges}
    t.deepEqual(extra(cycle, [itself], lkmm), [does], 'a section sees what was written after the grace period, and not what was written before it')
    t.deepEqual(extra(cycle, ways(periodsOf(cycle)), lkmm), [does], 'it does so in turns')
    t.is(explore(claimed(cycle, itself, lkmm), lkmm).verdict, 'broken')
  })
}
