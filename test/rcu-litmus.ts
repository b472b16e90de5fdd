/**
 * Thirty litmus tests of RCU from Paul McKenney's collection (github.com/paulmckrcu/litmus), written as cycles through
 * the TypeScript API: verdict and numbers of executions for and against are herd7's.
 */
import {existsSync, readFileSync} from 'node:fs'
import test from 'ava'
import {lkmm, survey, type Value} from '../lib/index.ts'
import {axiomatic, cycleProgram, outcomeOf, type Cycle, type Edge} from './helpers/rcu-cycles.ts'

type Verdict = 'Never' | 'Sometimes'

/** The test; a grace period (G) or a critical section (R) per thread; the edge from each to the next; what herd7 says. */
const tests: readonly (readonly [file: string, kinds: string, edge: Edge, verdict: Verdict, positive: number, negative: number])[] = [
  ['lkmm-dat3m/auto/C-RW-G+RW-G+RW-G+RW-G+RW-G', 'GGGGG', 'rf', 'Never', 0, 31],
  ['lkmm-dat3m/auto/C-RW-G+RW-G+RW-G+RW-R+RW-R', 'GGGRR', 'rf', 'Never', 0, 31],
  ['lkmm-dat3m/auto/C-RW-G+RW-G+RW-G+RW-R', 'GGGR', 'rf', 'Never', 0, 15],
  ['lkmm-dat3m/auto/C-RW-G+RW-G+RW-R+RW-R', 'GGRR', 'rf', 'Never', 0, 15],
  ['lkmm-dat3m/auto/C-RW-G+RW-R+RW-G+RW-R', 'GRGR', 'rf', 'Never', 0, 15],
  ['lkmm-dat3m/auto/C-RW-G+RW-R+RW-R+RW-G+RW-R', 'GRRGR', 'rf', 'Sometimes', 1, 31],
  ['lkmm-dat3m/auto/C-RW-G+RW-R+RW-R+RW-R', 'GRRR', 'rf', 'Sometimes', 1, 15],
  ['lkmm-dat3m/auto/C-RW-G+RW-R+RW-R', 'GRR', 'rf', 'Sometimes', 1, 7],
  ['lkmm-dat3m/auto/C-RW-G+RW-R', 'GR', 'rf', 'Never', 0, 3],
  ['lkmm-dat3m/auto/C-RW-R+RW-R+RW-R', 'RRR', 'rf', 'Sometimes', 1, 7],
  ['lkmm-dat3m/auto/C-WR-G+WR-G+WR-G+WR-G+WR-G', 'GGGGG', 'fr', 'Never', 0, 31],
  ['lkmm-dat3m/auto/C-WR-G+WR-G+WR-G+WR-G', 'GGGG', 'fr', 'Never', 0, 15],
  ['lkmm-dat3m/auto/C-WR-G+WR-G+WR-G+WR-R', 'GGGR', 'fr', 'Never', 0, 15],
  ['lkmm-dat3m/auto/C-WR-G+WR-G+WR-G', 'GGG', 'fr', 'Never', 0, 7],
  ['lkmm-dat3m/auto/C-WR-G+WR-G+WR-R+WR-R+WR-R', 'GGRRR', 'fr', 'Sometimes', 1, 31],
  ['lkmm-dat3m/auto/C-WR-G+WR-R+WR-G+WR-R', 'GRGR', 'fr', 'Never', 0, 15],
  ['lkmm-dat3m/auto/C-WR-G+WR-R+WR-R+WR-R', 'GRRR', 'fr', 'Sometimes', 1, 15],
  ['lkmm-dat3m/auto/C-WR-G+WR-R+WR-R', 'GRR', 'fr', 'Sometimes', 1, 7],
  ['lkmm-dat3m/auto/C-WR-R+WR-R', 'RR', 'fr', 'Sometimes', 1, 3],
  ['lkmm-dat3m/auto/C-WW-G+WW-G+WW-G+WW-G+WW-R', 'GGGGR', 'co', 'Never', 0, 31],
  ['lkmm-dat3m/auto/C-WW-G+WW-G+WW-G+WW-R', 'GGGR', 'co', 'Never', 0, 15],
  ['lkmm-dat3m/auto/C-WW-G+WW-G+WW-R+WW-R+WW-R', 'GGRRR', 'co', 'Sometimes', 1, 31],
  ['lkmm-dat3m/auto/C-WW-G+WW-G+WW-R+WW-R', 'GGRR', 'co', 'Never', 0, 15],
  ['lkmm-dat3m/auto/C-WW-G+WW-G+WW-R', 'GGR', 'co', 'Never', 0, 7],
  ['lkmm-dat3m/auto/C-WW-G+WW-G', 'GG', 'co', 'Never', 0, 3],
  ['lkmm-dat3m/auto/C-WW-G+WW-R+WW-G+WW-G+WW-R', 'GRGGR', 'co', 'Never', 0, 31],
  ['lkmm-dat3m/auto/C-WW-G+WW-R+WW-G+WW-R', 'GRGR', 'co', 'Never', 0, 15],
  ['lkmm-dat3m/auto/C-WW-R+WW-R+WW-R+WW-R+WW-R', 'RRRRR', 'co', 'Sometimes', 1, 31],
  ['lkmm-dat3m/auto/C-WW-R+WW-R+WW-R', 'RRR', 'co', 'Sometimes', 1, 7],
  ['lkmm/manual/kernel/C-2+2W+rl-o-rul+o-sync-o+rl-o-rul+o-sync-o', 'GRGR', 'co', 'Never', 0, 15],
]

function cycleOf(kinds: string, edge: Edge): Cycle {
  return {kinds: [...kinds].map(kind => kind === 'G' ? 'grace' : 'section'), edges: [...kinds].map(() => edge)}
}

/** How many executions have every edge of the cycle as drawn, and how many do not. */
function count(cycle: Cycle): {readonly positive: number; readonly negative: number} {
  let [positive, negative] = [0, 0]
  const {unknown} = survey(cycleProgram(cycle, axiomatic), lkmm, {}, () => {
    positive = negative = 0
    return {visit: view => {
      const reads = cycle.kinds.map((_, thread) => (view.returned(thread) as readonly Value[]).map(value => view.scalar(thread, value)!))
      if (outcomeOf(cycle, reads, word => view.final(word)).every(isDrawn => isDrawn)) positive++
      else negative++
      return false
    }}
  })
  if (unknown.length > 0) throw new Error('the cycle was not explored')
  return {positive, negative}
}

for (const [file, kinds, edge, verdict, positive, negative] of tests) {
  test(`${file}: ${verdict}`, t => {
    const found = count(cycleOf(kinds, edge))
    t.deepEqual(found, {positive, negative})
    t.is(found.positive === 0 ? 'Never' : 'Sometimes', verdict)
  })
}

const shared = new URL('../../shared/litmus/expected.csv', import.meta.url)

test('the table is the collection’s, where that is at hand', t => {
  t.is(new Set(tests.map(([file]) => file)).size, 30)
  if (!existsSync(shared)) {
    t.pass()
    return
  }
  const expected = new Set(readFileSync(shared, 'utf8').split('\n').map(line => line.split(',').slice(0, 5).join()))
  for (const [file, , , verdict, positive, negative] of tests) t.true(expected.has(`${file}.litmus,lkmm,${verdict},${positive},${negative}`), file)
})
