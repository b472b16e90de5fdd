import test from 'ava'
import {
  conditionHolds, CycleError, cycleTest, executions, generateLitmus, judgeLitmus, litmusProgram, lkmm, outcomeOf, parseLitmus, randomCycle, rc11, sc, tso,
  type Model,
} from '../lib/index.ts'
import {candidates} from './helpers/bruteforce.ts'
import {readAll, verdictOf} from './helpers/cycles.ts'

/*
 * Litmus tests written from cycles: known cycles are the well-known tests, with the literature's verdicts.
 *   tutorial  Maranget, Sarkar, Sewell, "A tutorial introduction to the ARM and POWER relaxed memory models" (2012): names
 *   README    the kernel's tools/memory-model/litmus-tests/README and the tests that it describes
 *   x86-TSO   Owens, Sarkar, Sewell, "A better x86 memory model: x86-TSO" (TPHOLs 2009)
 *   RC11      Lahav, Vafeiadis, Kang, Hur, Dreyer, "Repairing sequential consistency in C/C++11" (PLDI 2017)
 *   ASPLOS    Alglave, Maranget, McKenney, Parri, Stern, "Frightening small children and disconcerting grown-ups" (ASPLOS
 *             2018), for RCU: forbidden iff there are at least as many grace periods as critical sections
 */

type Verdict = 'Never' | 'Sometimes'

function judged(cycle: string, model: Model): {name: string; verdict: string} {
  const litmus = litmusProgram(parseLitmus('generated', generateLitmus(cycle)))
  return {name: litmus.test.name, verdict: judgeLitmus(litmus, model, executions(litmus.program, model)).verdict}
}

const makes = test.macro({
  exec(t, cycle: string, name: string, model: Model, verdict: Verdict) {
    t.deepEqual(judged(cycle, model), {name, verdict})
  },
  title: (_: string | undefined, cycle: string, name: string, model: Model, verdict: Verdict) => `${model.name}: ${cycle} is ${name}, ${verdict}`,
})

// ---- The kernel's model ----------------------------------------------------------------------------

const kernel: readonly (readonly [name: string, cycle: string, verdict: Verdict])[] = [
  // README
  ['MP', 'PodWW Rfe PodRR Fre', 'Sometimes'],
  ['MP+wmb+rmb', 'FenceWmbdWW Rfe FenceRmbdRR Fre', 'Never'],
  ['MP+wmb+po', 'FenceWmbdWW Rfe PodRR Fre', 'Sometimes'],
  ['MP+wmb+addr', 'FenceWmbdWW Rfe DpAddrdR Fre', 'Never'],
  ['MP+wmb+ctrl', 'FenceWmbdWW Rfe DpCtrldR Fre', 'Sometimes'],
  ['MP+pooncerelease+poacquireonce', 'PodWWOnceRelease RfeReleaseAcquire PodRRAcquireOnce Fre', 'Never'],
  ['MP+poonceassign+addrderefonce', 'PodWW Assign Rfe Deref DpAddrdR Fre', 'Never'],
  ['SB', 'PodWR Fre PodWR Fre', 'Sometimes'],
  ['SB+mbs', 'FenceMbdWR Fre FenceMbdWR Fre', 'Never'],
  ['SB+mb+po', 'FenceMbdWR Fre PodWR Fre', 'Sometimes'],
  ['SB+rfi-pos', 'Rfi PodRR Fre Rfi PodRR Fre', 'Sometimes'],
  ['LB', 'PodRW Rfe PodRW Rfe', 'Sometimes'],
  ['LB+datas', 'DpDatadW Rfe DpDatadW Rfe', 'Never'],
  ['LB+addrs', 'DpAddrdW Rfe DpAddrdW Rfe', 'Never'],
  ['LB+mb+ctrl', 'FenceMbdRW Rfe DpCtrldW Rfe', 'Never'],
  ['LB+ctrl+po', 'DpCtrldW Rfe PodRW Rfe', 'Sometimes'],
  ['LB+poacquireonce+pooncerelease', 'PodRWAcquireOnce Rfe PodRWOnceRelease RfeReleaseAcquire', 'Never'],
  ['S', 'PodWW Rfe PodRW Coe', 'Sometimes'],
  ['S+wmb+poacquireonce', 'FenceWmbdWW Rfe PodRWAcquireOnce Coe', 'Never'],
  ['S+wmb+data', 'FenceWmbdWW Rfe DpDatadW Wse', 'Never'],
  ['R', 'PodWW Coe PodWR Fre', 'Sometimes'],
  ['R+mbs', 'FenceMbdWW Coe FenceMbdWR Fre', 'Never'],
  ['R+wmb+mb', 'FenceWmbdWW Coe FenceMbdWR Fre', 'Sometimes'],
  ['2+2W', 'PodWW Coe PodWW Coe', 'Sometimes'],
  ['2+2W+mbs', 'FenceMbdWW Coe FenceMbdWW Coe', 'Never'],
  ['WRC', 'Rfe PodRW Rfe PodRR Fre', 'Sometimes'],
  ['WRC+pooncerelease+rmb', 'Rfe PodRWOnceRelease RfeReleaseOnce FenceRmbdRR Fre', 'Never'],
  ['WRC+data+rmb', 'Rfe DpDatadW Rfe FenceRmbdRR Fre', 'Sometimes'],
  ['WWC+mb+data', 'Rfe FenceMbdRW Rfe DpDatadW Coe', 'Never'],
  ['RWC+mbs', 'Rfe FenceMbdRR Fre FenceMbdWR Fre', 'Never'],
  ['RWC+rmb+mb', 'Rfe FenceRmbdRR Fre FenceMbdWR Fre', 'Sometimes'],
  ['ISA2', 'PodWW Rfe PodRW Rfe PodRR Fre', 'Sometimes'],
  ['ISA2+pooncerelease+poacquirerelease+poacquireonce',
    'PodWWOnceRelease RfeReleaseAcquire PodRWAcquireRelease RfeReleaseAcquire PodRRAcquireOnce Fre', 'Never'],
  ['W+RWC+mbs', 'FenceMbdWW Rfe FenceMbdRR Fre FenceMbdWR Fre', 'Never'],
  ['Z6.0+pooncerelease+poacquirerelease+mb', 'PodWWOnceRelease RfeReleaseAcquire PodRWAcquireRelease CoeReleaseOnce FenceMbdWR Fre', 'Sometimes'],
  ['Z6.0+mbs', 'FenceMbdWW Rfe FenceMbdRW Coe FenceMbdWR Fre', 'Never'],
  ['Z6.1+mbs', 'FenceMbdWW Coe FenceMbdWW Rfe FenceMbdRW Coe', 'Never'],
  ['Z6.2+mbs', 'FenceMbdWW Rfe FenceMbdRW Rfe FenceMbdRW Coe', 'Never'],
  ['Z6.2+pooncerelease+poacquirerelease+poacquireonce',
    'PodWWOnceRelease RfeReleaseAcquire PodRWAcquireRelease RfeReleaseAcquire PodRWAcquireOnce Coe', 'Never'],
  ['Z6.3+mbs', 'FenceMbdWW Coe FenceMbdWW Rfe FenceMbdRR Fre', 'Never'],
  ['Z6.4+mbs', 'FenceMbdWW Coe FenceMbdWR Fre FenceMbdWR Fre', 'Never'],
  ['Z6.5+mbs', 'FenceMbdWW Coe FenceMbdWW Coe FenceMbdWR Fre', 'Never'],
  ['Z6.1', 'PodWW Coe PodWW Rfe PodRW Coe', 'Sometimes'],
  ['Z6.5', 'PodWW Coe PodWW Coe PodWR Fre', 'Sometimes'],
  ['IRIW', 'Rfe PodRR Fre Rfe PodRR Fre', 'Sometimes'],
  ['IRIW+mbs', 'Rfe FenceMbdRR Fre Rfe FenceMbdRR Fre', 'Never'],
  ['IRIW+rmbs', 'Rfe FenceRmbdRR Fre Rfe FenceRmbdRR Fre', 'Sometimes'],
  ['IRRWIW+mbs', 'Rfe FenceMbdRR Fre Rfe FenceMbdRW Coe', 'Never'],
  ['3.SB+mbs', 'FenceMbdWR Fre FenceMbdWR Fre FenceMbdWR Fre', 'Never'],
  ['3.LB+datas', 'DpDatadW Rfe DpDatadW Rfe DpDatadW Rfe', 'Never'],
  ['3.2W+mbs', 'FenceMbdWW Coe FenceMbdWW Coe FenceMbdWW Coe', 'Never'],
  // coherence, within one location (tutorial, 8)
  ['CoRR', 'Rfe PosRR Fre', 'Never'],
  ['CoRW2', 'Rfe PosRW Coe', 'Never'],
  ['CoWR', 'Coe PosWR Fre', 'Never'],
  ['W+WW', 'Coe PosWW Coe', 'Never'],
  // barrier() does nothing at run time
  ['MP+barriers', 'FenceBarrierdWW Rfe FenceBarrierdRR Fre', 'Sometimes'],
  // RCU: ASPLOS
  ['C-RW-R+RW-G', 'RscsdRW Rfe GpdRW Rfe', 'Never'],
  ['C-RW-R+RW-G', 'C-RW-R+RW-G', 'Never'],
  ['C-RW-R+RW-R+RW-G', 'RW-R+RW-R+RW-G', 'Sometimes'],
  ['C-RW-R+RW-R+RW-G+RW-G', 'RW-R+RW-R+RW-G+RW-G', 'Never'],
  ['C-WR-R+WR-G', 'RscsdWR Fre GpdWR Fre', 'Never'],
  ['C-WW-G+RR-R', 'GpdWW Rfe RscsdRR Fre', 'Never'],
  ['C-WR-R+WR-R', 'RscsdWR Fre RscsdWR Fre', 'Sometimes'],
  ['LB+gp+po', 'GpdRW Rfe PodRW Rfe', 'Sometimes'],
]
for (const [name, cycle, verdict] of kernel) test(makes, cycle, name, lkmm, verdict)

// ---- x86-TSO: only a write may be overtaken by a later read ------------------------------------------

for (const [name, cycle, verdict] of [
  ['SB', 'PodWR Fre PodWR Fre', 'Sometimes'], ['R', 'PodWW Coe PodWR Fre', 'Sometimes'], ['SB+mbs', 'FenceMbdWR Fre FenceMbdWR Fre', 'Never'],
  ['MP', 'PodWW Rfe PodRR Fre', 'Never'], ['LB', 'PodRW Rfe PodRW Rfe', 'Never'], ['S', 'PodWW Rfe PodRW Coe', 'Never'],
  ['2+2W', 'PodWW Coe PodWW Coe', 'Never'], ['IRIW', 'Rfe PodRR Fre Rfe PodRR Fre', 'Never'], ['WRC', 'Rfe PodRW Rfe PodRR Fre', 'Never'],
  ['RWC', 'Rfe PodRR Fre PodWR Fre', 'Sometimes'], ['SB+rfi-pos', 'Rfi PodRR Fre Rfi PodRR Fre', 'Sometimes'],
] as const) test(makes, cycle, name, tso, verdict)

// ---- RC11 ------------------------------------------------------------------------------------------

for (const [name, cycle, verdict] of [
  ['MP', 'PodWWRlxRlx Rfe PodRR Fre', 'Sometimes'],
  ['MP+porlxrel+poacqrlx', 'PodWW Rel Rfe Acq PodRR Fre', 'Never'],
  ['MP+ponarel+poacqna', 'PodWWNaRel RfeRelAcq PodRRAcqNa FreNaNa', 'Never'],
  ['MP+fencerel+fenceacq', 'FenceReldWW Rfe FenceAcqdRR Fre', 'Never'],
  ['LB', 'PodRWRlxRlx Rfe PodRW Rfe', 'Never'],
  ['SB', 'PodWRRlxRlx Fre PodWR Fre', 'Sometimes'],
  ['SB+porelacqs', 'PodWRRelAcq FreAcqRel PodWRRelAcq FreAcqRel', 'Sometimes'],
  ['SB+poscscs', 'PodWRScSc FreScSc PodWRScSc FreScSc', 'Never'],
  ['SB+fencescs', 'FenceScdWR Fre FenceScdWR Fre', 'Never'],
  ['SB+fenceacqrels', 'FenceAcqReldWR Fre FenceAcqReldWR Fre', 'Sometimes'],
  ['2+2W', 'PodWWRlxRlx Coe PodWW Coe', 'Sometimes'],
  ['2+2W+poscscs', 'PodWWScSc CoeScSc PodWWScSc CoeScSc', 'Never'],
  ['WRC+porlxrel+poacqrlx', 'Rfe PodRWRlxRel RfeRelAcq PodRRAcqRlx Fre', 'Never'],
  ['WRC+poacqrel+poacqrlx+Rel', 'RfeRelAcq PodRWAcqRel RfeRelAcq PodRRAcqRlx FreRlxRel', 'Never'],
  ['ISA2+porlxrel+poacqrel+poacqrlx', 'PodWW Rel Rfe Acq PodRW Rel Rfe Acq PodRR Fre', 'Never'],
  ['IRIW+poacqacqs+RelRel', 'RfeRelAcq PodRRAcqAcq FreAcqRel RfeRelAcq PodRRAcqAcq FreAcqRel', 'Sometimes'],
  ['IRIW+poscscs+ScSc', 'RfeScSc PodRRScSc FreScSc RfeScSc PodRRScSc FreScSc', 'Never'],
  ['RWC+fencescs', 'Rfe FenceScdRR Fre FenceScdWR Fre', 'Never'],
  ['CoRR', 'RfeRlxRlx PosRR Fre', 'Never'],
] as const) test(makes, cycle, name, rc11, verdict)

// ---- The text --------------------------------------------------------------------------------------

test('the text is C as the kernel writes it', t => {
  t.is(generateLitmus('FenceWmbdWW Rfe Acquire PodRR Fre'), `C MP+wmb+poacquireonce
Generator=tearproof
Cycle=FenceWmbdWW RfeOnceAcquire PodRRAcquireOnce Fre

{}

P0(int *x, int *y)
{
	WRITE_ONCE(*x, 1);
	smp_wmb();
	WRITE_ONCE(*y, 1);
}

P1(int *x, int *y)
{
	int r0;
	int r1;

	r0 = smp_load_acquire(y);
	r1 = READ_ONCE(*x);
}

exists (1:r0=1 /\\ 1:r1=0)
`)
})

test('a cycle may start anywhere', t => {
  const edges = ['FenceWmbdWW', 'Rfe', 'DpAddrdR', 'Fre']
  const turned = edges.map((_, i) => generateLitmus([...edges.slice(i), ...edges.slice(0, i)].join(' ')))
  t.is(new Set(turned).size, 1)
})

test('the older spelling of coherence is the same edge', t => {
  t.is(generateLitmus('PodWW Wse PodWR Fre'), generateLitmus('PodWW Coe PodWR Fre'))
})

test('the Cycle line of a test makes the same test again', t => {
  for (let seed = 0; seed < 200; seed++) {
    const made = cycleTest(randomCycle(`again/${seed}`, {rcu: seed % 2 === 0, plain: true}))
    t.deepEqual(cycleTest(made.cycle), made, `seed again/${seed}: ${made.cycle}`)
  }
})

test('three writes to one location are observed by a thread of their own', t => {
  const {observers, final} = cycleTest('Coe Coe PodWR Fre PodWW')
  t.deepEqual(observers, [{location: 'x', writes: 3}])
  t.deepEqual(final, [{location: 'x', value: 3}])
})

test('twenty threads have names for their locations', t => {
  const {threads, name} = cycleTest(Array.from({length: 30}, () => 'RW-R').join('+'))
  t.is(threads.length, 30)
  t.is(new Set(threads.flat().map(({location}) => location)).size, 30)
  t.true(name.startsWith('C-RW-R+RW-R'))
})

test('a cycle is what the condition observes: never under sequential consistency', t => {
  for (let i = 0; i < 300; i++) {
    const [seed, dialect] = [`sc/${i}`, i % 2 === 0 ? 'kernel' : 'c11'] as const
    const cycle = randomCycle(seed, {dialect, threads: 4, accesses: 9})
    const made = cycleTest(cycle, {dialect})
    t.is(verdictOf(readAll(made), sc).verdict, 'Never', `seed ${seed}: ${cycle}\n${generateLitmus(cycle, {dialect})}`)
  }
})

test('and without any axiom, it can be observed', t => {
  for (let i = 0; i < 60; i++) {
    const cycle = randomCycle(`any/${i}`, {accesses: 5})
    const litmus = litmusProgram(parseLitmus('generated', generateLitmus(cycle)))
    const seen = Array.from(candidates(litmus.program, 'sc', {everything: true})).some(({returned, final}) =>
      conditionHolds(litmus.question.condition, outcomeOf(litmus, returned, index => final[index]!)) === true)
    t.true(seen, `seed any/${i}: ${cycle}\n${generateLitmus(cycle)}`)
  }
})

// ---- Errors ----------------------------------------------------------------------------------------

const rejects = test.macro({
  exec(t, cycle: string, message: string) {
    t.is(t.throws(() => generateLitmus(cycle), {instanceOf: CycleError})?.message, message)
  },
  title: (title = '') => `an error says where and what would fit: ${title}`,
})

test('no cycle', rejects, ' ', 'column 1 of the cycle: expected a cycle of edges, such as PodWW Rfe PodRR Fre')
test('an unknown edge', rejects, 'PodWW Rfe PodRX Fre', 'column 11 of the cycle: there is no edge PodRX; did you mean PodRR or PodRW?')
test('an edge with a misspelled annotation', rejects, 'PodRWAquireOnce Rfe', 'column 1 of the cycle: there is no edge PodRWAquireOnce; did you mean PodRWAcquireOnce or PosRWAcquireOnce?')
test('half an edge', rejects, 'DpAddrd', 'column 1 of the cycle: there is no edge DpAddrd; did you mean DpAddrdR or DpAddrdW?')
test('a data dependency to a read', rejects, 'PodWW Rfe DpDatadR Fre', 'column 11 of the cycle: there is no edge DpDatadR; did you mean DpDatadW or DpDatasW?')
test('a write where a read was', rejects, 'PodWW Rfe PodWR Fre',
  'column 11 of the cycle: PodWR starts with a write, but Rfe before it ends with a read; PodRR or PosRR would fit')
test('ends that do not join around', rejects, 'Rfe PodRR Fre PodWR',
  'column 1 of the cycle: Rfe starts with a write, but PodWR before it ends with a read; PosRR, PodRR or GpsRR would fit')
test('annotations that disagree', rejects, 'PodWWOnceRelease RfeOnceOnce PodRR Fre',
  'column 18 of the cycle: RfeOnceOnce starts with Once, but PodWWOnceRelease before it ends with Release; RfeReleaseOnce would fit')
test('a lone annotation that disagrees', rejects, 'PodWWOnceRelease Once Rfe PodRR Fre',
  'column 18 of the cycle: Once contradicts PodWWOnceRelease, which ends with Release')
test('a read that releases', rejects, 'PodWW RfeOnceRelease PodRR Fre',
  'column 7 of the cycle: in RfeOnceRelease, a read cannot be Release; Once, Acquire, Deref or Plain would fit')
test('a cycle in one thread', rejects, 'PosWW Coi', 'column 1 of the cycle: no edge leads to another thread: expected two of Rfe, Fre and Coe or more')
test('one way to another thread', rejects, 'PodWR PodRW Coe',
  'column 13 of the cycle: only Coe leads to another thread, and none leads back: expected two of Rfe, Fre and Coe or more')
test('one change of location', rejects, 'PodWW Rfe PosRR Fre',
  'column 1 of the cycle: PodWW goes to another location, and no edge leads back: a cycle changes the location twice or more, or not at all (PosWW)')
test('communications without end', rejects, 'Coe Coe',
  'column 1 of the cycle: the communications from Coe on contradict each other: no coherence order has them all, and no edge between them is program order')
test('nothing atomic', rejects, 'PodWWNaNa Rfe PodRRNaNa Fre', 'column 1 of the cycle: every access is Na, so every outcome is undefined: expected an atomic one')
test('two dialects', rejects, 'FenceScdWR Fre FenceMbdWR Fre', 'column 16 of the cycle: FenceMbdWR belongs to the kernel, which does not go with FenceScdWR')
test('an unknown segment', rejects, 'RW-R+RW-Q', 'column 1 of the cycle: RW-Q is no segment: R (reader), G (grace period) and B (smp_mb) are known')
test('segments from read to read', rejects, 'WR-R+RR-G',
  'column 1 of the cycle: in WR-R+RR-G, no communication leads from the read that ends WR-R to the read that comes next')

test('a dialect may be asked for', t => {
  t.true(generateLitmus('PodWW Rfe PodRR Fre', {dialect: 'c11'}).includes('memory_order_relaxed'))
  t.throws(() => generateLitmus('FenceMbdWR Fre PodWR Fre', {dialect: 'c11'}),
    {message: 'column 1 of the cycle: FenceMbdWR belongs to the kernel, which does not go with a C11 test'})
})
