/** The litmus half of the benchmarks: RCU chains from our own generator, and the shared tests against herd7's CPU time where they are. */
import {existsSync, readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {decideLitmus, generateLitmus, litmusProgram, lkmm, parseLitmus, rc11, runLitmus, type LitmusRun, type Model} from '../../lib/index.ts'

const shared = fileURLToPath(new URL('../../../shared/litmus/', import.meta.url))

/** How a test is judged: every execution, or as few as decide the verdict. */
const questions = {'all executions': runLitmus, 'verdict only': decideLitmus}

/** Reads, prepares and judges a test, as the command does. */
function judge(ask: typeof runLitmus, file: string, text: string, model: Model): LitmusRun {
  return ask(litmusProgram(parseLitmus(file, text)), model, {flags: Object.keys(model.flags)})
}

const milliseconds = (ms: number): string => ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${ms.toFixed(ms < 10 ? 2 : 0)} ms`

/** CPU time so far, background threads included. */
function cpuTime(): number {
  const {user, system} = process.cpuUsage()
  return (user + system) / 1000
}

/**
 * Chains of processes that each read one word and write the next, around grace periods (G) and in
 * read-side sections (R). The kernel's Documentation/litmus-tests.txt gives herd7 6 s, 15 min and 2 h 40 min.
 */
const chains: readonly (readonly [processes: number, kinds: string, herd7: string])[] = [
  [10, 'GRGRGRGRGR', '6 s'], [16, 'GGRRRRGGGGRRRRGG', '15 min'], [19, 'GGRRRRGGGGRRRRGGGGR', '160 min'],
]

/** One row per chain, after a warm-up on the smallest. */
export function chainRows(): string[][] {
  const timed = (ask: typeof runLitmus, kinds: string): [ms: number, executions: number] => {
    const text = generateLitmus(`C-${[...kinds].map(kind => `RW-${kind}`).join('+')}`)
    const before = cpuTime()
    const {survey} = judge(ask, kinds, text, lkmm)
    return [cpuTime() - before, survey.counts.executions]
  }
  for (let i = 0; i < 5; i++) for (const ask of Object.values(questions)) timed(ask, chains[0]![1])
  return [['RCU chain', 'executions', ...Object.keys(questions), 'herd7'], ...chains.map(([processes, kinds, herd7]) => {
    const [all, executions] = timed(runLitmus, kinds)
    const [verdict] = timed(decideLitmus, kinds)
    return [`${processes} processes`, executions.toLocaleString('en'), milliseconds(all), milliseconds(verdict), herd7]
  })]
}

/** One row per question over the shared tests, and per pass: the second is warm. Null where the tests are not there. */
export function corpusRows(): string[][] | null {
  if (!existsSync(`${shared}expected.csv`)) return null
  const lines = readFileSync(`${shared}expected.csv`, 'utf8').trim().split('\n').slice(1).map(line => line.trim().split(','))
  const tests = lines.map(([file, model, , , , , , herd]) =>
    ({file: file!, model: model === 'lkmm' ? lkmm : rc11, herd: Number(herd), text: readFileSync(shared + file!, 'utf8')}))
  const rows = [['shared tests', 'pass', 'tests', 'median', 'p90', 'p99', 'longest', 'CPU in all', 'herd7', 'ratio', 'slower than herd7']]
  for (const [question, ask] of Object.entries(questions)) {
    // what herd7 does not finish (no number) is for verdicts only
    const asked = ask === runLitmus ? tests.filter(({herd}) => !Number.isNaN(herd)) : tests
    for (const pass of ['cold', 'warm']) {
      const start = cpuTime()
      const times = asked.map(({file, model, text}) => {
        const before = performance.now()
        judge(ask, file, text, model)
        return performance.now() - before
      })
      const total = cpuTime() - start
      const herd = asked.reduce((sum, test) => sum + (test.herd || 0), 0) * 1000
      const slower = asked.filter(({herd: seconds}, i) => times[i]! > seconds * 1000).length
      const sorted = times.toSorted((a, b) => a - b)
      const quantile = (part: number): string => milliseconds(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!)
      rows.push([question, pass, String(asked.length), quantile(0.5), quantile(0.9), quantile(0.99), quantile(1), milliseconds(total),
        milliseconds(herd), `1 : ${Math.round(herd / total)}`, String(slower)])
    }
  }
  return rows
}
