import test, {type ExecutionContext} from 'ava'
import seedrandom from 'seedrandom'
import {
  cpp20, cycleTest, executionKey, litmusText, lkmm, randomCycle, rc11, sc, tso,
  type CycleAccess, type CycleTest, type Dialect, type LitmusProgram, type Model, type RandomCycleOptions,
} from '../lib/index.ts'
import {bruteForce, TooLarge} from './helpers/bruteforce.ts'
import {changed, keysOf, outcomes, programOf, readAll, renamed, summary, type Naming} from './helpers/cycles.ts'

/*
 * Differential fuzzing: random cycles become litmus tests, and what must agree is compared. Every seed is fixed; a
 * failure prints the seed, the cycle, the test and the outcomes in which the two sides differ.
 */

interface Case {
  readonly seed: string
  readonly cycle: string
  readonly test: CycleTest
  readonly litmus: LitmusProgram
  /** Decides what else the case does. */
  readonly random: () => number
}

function* cases(name: string, count: number, options: RandomCycleOptions): Generator<Case> {
  for (let i = 0; i < count; i++) {
    const seed = `${name}/${options.dialect ?? 'kernel'}/${i}`
    const cycle = randomCycle(seed, options)
    const made = cycleTest(cycle, options)
    yield {seed, cycle, test: made, litmus: readAll(made), random: seedrandom.alea(`${seed}/more`)}
  }
}

const mostShown = 8

/** The message of a failing case. */
function report({seed, cycle, test: made}: Case, what: string, differing: readonly string[], other?: CycleTest): string {
  const texts = [made, ...(other === undefined ? [] : [other])].map(litmusText).join('\n')
  const more = differing.length > mostShown ? [`and ${differing.length - mostShown} more`] : []
  return `seed ${seed}, cycle ${cycle}\n\n${texts}\n${what}:\n${[...differing.slice(0, mostShown), ...more].map(line => `  ${line}`).join('\n')}`
}

/** Items of `some` that `others` lacks. */
function missing(some: Iterable<string>, others: Iterable<string>): string[] {
  const known = new Set(others)
  return [...some].filter(item => !known.has(item))
}

function difference(one: readonly string[], other: readonly string[], names: readonly [string, string]): string[] {
  return [...missing(one, other).map(item => `only ${names[0]}: ${item}`), ...missing(other, one).map(item => `only ${names[1]}: ${item}`)]
}

/** Fails unless all outcomes of one side are outcomes of the other. */
function noneBut(t: ExecutionContext, of: Case, what: string, one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>, changedTest?: CycleTest): void {
  const extra = missing(one.keys(), other.keys())
  if (extra.length > 0) t.fail(report(of, what, extra, changedTest))
}

const kernel = {dialect: 'kernel'} as const
const c11 = {dialect: 'c11'} as const

const modelsOf: Readonly<Record<Dialect, readonly Model[]>> = {kernel: [sc, tso, rc11, cpp20, lkmm], c11: [sc, tso, rc11, cpp20]}

// ---- The engine and the brute force ------------------------------------------------------------------

const bruteForced = test.macro((t: ExecutionContext, count: number, options: RandomCycleOptions, models: readonly Model[]) => {
  let compared = 0
  for (const [i, one] of [...cases('brute', count, options)].entries()) {
    const model = models[i % models.length]!
    const slow = slowly(one, model)
    if (slow === null) continue
    compared++
    const found = keysOf(one.litmus.program, model)
    const differing = difference(found, slow, ['the engine', 'the brute force'])
    if (differing.length > 0 || found.length !== slow.length) t.fail(report(one, `${model.name}: ${found.length} executions, ${slow.length} by brute force`, differing))
  }
  t.true(compared > count * 0.9, `only ${compared} of ${count} are small enough`)
})

function slowly({litmus}: Case, model: Model): string[] | null {
  try {
    return bruteForce(litmus.program, model).map(({execution}) => executionKey(execution)).sort()
  } catch (error) {
    if (error instanceof TooLarge) return null
    throw error
  }
}

test('the engine finds the executions of the brute force: kernel', bruteForced, 120, {...kernel, threads: 3, accesses: 6, plain: true}, modelsOf.kernel)
test('the engine finds the executions of the brute force: RCU', bruteForced, 60, {...kernel, threads: 3, accesses: 6, rcu: true}, [lkmm])
test('the engine finds the executions of the brute force: C11', bruteForced, 80, {...c11, threads: 3, accesses: 6, plain: true}, modelsOf.c11)

// ---- Weaker models -------------------------------------------------------------------------------------

/** The weaker model allows all that the stronger one does: tso runs both vocabularies as x86 compilers would. */
const weaker: Readonly<Record<Dialect, readonly (readonly [stronger: Model, weaker: Model])[]>> = {
  kernel: [[sc, lkmm], [sc, tso], [tso, lkmm]],
  c11: [[sc, rc11], [sc, tso], [tso, rc11], [rc11, cpp20]],
}

for (const dialect of ['kernel', 'c11'] as const) {
  test(`a weaker model never has fewer outcomes: ${dialect}`, t => {
    for (const one of cases('weaker', 300, {dialect, threads: 4, accesses: 7})) {
      for (const [strong, weak] of weaker[dialect]) {
        noneBut(t, one, `outcomes of ${strong.name} that ${weak.name} lacks`, outcomes(one.litmus, strong), outcomes(one.litmus, weak))
      }
    }
    t.pass()
  })
}

// ---- More order ------------------------------------------------------------------------------------------

type Position = readonly [thread: number, position: number]

function positions({threads}: CycleTest, fits: (access: CycleAccess) => boolean): Position[] {
  return threads.flatMap((accesses, thread) => accesses.flatMap((access, position): Position[] => fits(access) ? [[thread, position]] : []))
}

/** A test whose edges give the accesses of another, made stronger; null if nothing in it can be. */
type Strengthening = (of: Case, dialect: Dialect) => CycleTest | null

const fenceNames: Readonly<Record<Dialect, readonly string[]>> = {kernel: ['Mb', 'Rmb', 'Wmb', 'Barrier'], c11: ['Acq', 'Rel', 'AcqRel', 'Sc']}

const fenceAdded: Strengthening = ({test: made, random}, dialect) => {
  const at = pick(positions(made, ({after}) => after?.meaning.kind === 'po'), random)
  if (at === null) return null
  const name = pick(fenceNames[dialect], random)!
  const like = cycleTest(`Fence${name}dWR Fre PodWR Fre`)
  const {after} = like.threads.flat().find(access => access.after?.meaning.kind === 'fence')!
  return changed(made, at, access => ({...access, after: {...access.after!, meaning: after!.meaning}}))
}

const strongest: Readonly<Record<Dialect, Readonly<Record<'R' | 'W', string>>>> = {
  kernel: {R: 'Acquire', W: 'Release'}, c11: {R: 'Acq', W: 'Rel'},
}

const accessStrengthened: Strengthening = ({test: made, random}, dialect) => {
  const at = pick(positions(made, ({annotation}) => annotation.name === 'Once' || annotation.name === 'Rlx'), random)
  if (at === null) return null
  return changed(made, at, access => {
    const name = strongest[dialect][access.direction]
    const like = cycleTest(access.direction === 'R' ? `Rfe ${name} PodRR Fre PodWW` : `PodWW ${name} Rfe PodRR Fre`)
    const {annotation} = like.threads.flat().find(other => other.annotation.name === name)!
    return {...access, annotation}
  })
}

/** Under lkmm or rc11, and one of the other models that map the vocabulary. */
const strengthened = test.macro((t: ExecutionContext, what: string, strengthening: Strengthening, dialect: Dialect) => {
  let compared = 0
  for (const one of cases(what, 300, {dialect, threads: 4, accesses: 7, rcu: false})) {
    const stronger = strengthening(one, dialect)
    if (stronger === null) continue
    compared++
    const litmus = readAll(stronger)
    const model = pick(modelsOf[dialect].slice(1), one.random)!
    for (const each of new Set([model, dialect === 'kernel' ? lkmm : rc11])) {
      noneBut(t, one, `outcomes under ${each.name} only of the second test, which has more order`, outcomes(litmus, each), outcomes(one.litmus, each), stronger)
    }
  }
  t.true(compared > 150, `only ${compared} cases`)
})

function pick<T>(from: readonly T[], random: () => number): T | null {
  return from[Math.floor(random() * from.length)] ?? null
}

for (const dialect of ['kernel', 'c11'] as const) {
  test(`a fence added never adds an outcome: ${dialect}`, strengthened, 'fence', fenceAdded, dialect)
  test(`an access strengthened never adds an outcome: ${dialect}`, strengthened, 'access', accessStrengthened, dialect)
}

test('RCU: a grace period instead of smp_mb() never adds an outcome', t => {
  for (const one of cases('grace', 200, {...kernel, threads: 4, accesses: 7, rcu: true})) {
    const at = pick(positions(one.test, ({after}) => after?.meaning.kind === 'po' || after?.meaning.kind === 'fence'), one.random)
    if (at === null) continue
    const [fenced, waiting] = [cycleTest('FenceMbdWR Fre PodWR Fre'), cycleTest('GpdWR Fre PodWR Fre')].map(like => {
      const {meaning} = like.threads.flat().find(({after}) => after !== null && after.meaning.kind !== 'po')!.after!
      return changed(one.test, at, access => ({...access, after: {...access.after!, meaning}}))
    }) as [CycleTest, CycleTest]
    noneBut(t, {...one, test: fenced}, 'outcomes only of the second test', outcomes(readAll(waiting), lkmm), outcomes(readAll(fenced), lkmm), waiting)
  }
  t.pass()
})

// ---- Names ---------------------------------------------------------------------------------------------

const renaming = test.macro((t: ExecutionContext, count: number, options: RandomCycleOptions, models: readonly Model[]) => {
  for (const [i, one] of [...cases('renamed', count, options)].entries()) {
    const model = models[i % models.length]!
    const {test: other, naming} = shuffled(one)
    const differing = difference(summary(one.litmus, model), summary(readAll(other), model, naming), ['before', 'after renaming'])
    if (differing.length > 0) t.fail(report(one, model.name, differing, other))
  }
  t.pass()
})

function shuffled({test: made, random}: Case): {test: CycleTest; naming: Naming} {
  const order = shuffle(made.threads.map((_, i) => i), random)
  const locations = [...new Set(made.threads.flat().map(({location}) => location))]
  const others = shuffle([...locations, 'p', 'q'], random)
  return renamed(made, order, Object.fromEntries(locations.map((location, i) => [location, others[i]!])))
}

function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const left = [...items]
  return items.map(() => left.splice(Math.floor(random() * left.length), 1)[0]!)
}

test('threads and locations renamed have the same outcomes: kernel', renaming, 200, {...kernel, threads: 4, accesses: 7, plain: true}, modelsOf.kernel)
test('threads and locations renamed have the same outcomes: RCU', renaming, 100, {...kernel, threads: 4, accesses: 7, rcu: true}, [lkmm])
test('threads and locations renamed have the same outcomes: C11', renaming, 200, {...c11, threads: 4, accesses: 7, plain: true}, modelsOf.c11)

// ---- The front end and the TypeScript API ----------------------------------------------------------------

const bothWays = test.macro((t: ExecutionContext, count: number, options: RandomCycleOptions, models: readonly Model[]) => {
  for (const [i, one] of [...cases('api', count, options)].entries()) {
    const model = models[i % models.length]!
    const own = programOf(one.test, one.litmus)
    const names = ['the front end', 'the API'] as const
    const differing = [
      ...difference(keysOf(one.litmus.program, model), keysOf(own, model), names),
      ...difference(summary(one.litmus, model), summary({...one.litmus, program: own}, model), names),
    ]
    if (differing.length > 0) t.fail(report(one, model.name, differing))
  }
  t.pass()
})

test('a litmus test and the same program in TypeScript have the same executions: kernel', bothWays, 200, {...kernel, threads: 4, accesses: 7, plain: true}, modelsOf.kernel)
test('a litmus test and the same program in TypeScript have the same executions: RCU', bothWays, 100, {...kernel, threads: 4, accesses: 7, rcu: true, plain: true}, [lkmm])
test('a litmus test and the same program in TypeScript have the same executions: C11', bothWays, 200, {...c11, threads: 4, accesses: 7, plain: true}, modelsOf.c11)
