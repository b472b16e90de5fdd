/**
 * The litmus half of the benchmarks: RCU chains from our own generator, and the shared tests against herd7's CPU time where
 * they are. It measures what is published (dist/): tsx adds to every function what keeps its name.
 */
import {spawnSync} from 'node:child_process'
import {existsSync, readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import type {LitmusRun, Model} from '../../lib/index.ts'

const built = (file: string): URL => new URL(`../../dist/${file}`, import.meta.url)
const {decideLitmus, generateLitmus, litmusProgram, lkmm, parseLitmus, rc11, runLitmus} =
  await import(built('lib/index.js').href) as typeof import('../../lib/index.ts')

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

/** How long each test took, and the CPU time of all, background threads included; in milliseconds. */
interface Timed {
  readonly each: readonly number[]
  readonly all: number
}

interface SharedTest {
  readonly file: string
  readonly text: string
  readonly model: Model
  /** herd7's CPU time in seconds; NaN if it did not finish. */
  readonly herd: number
}

/** The command in a process of its own, which loads, warms up and prints; its own times of each test. */
function command(tests: readonly SharedTest[], ...flags: readonly string[]): Timed {
  const tellCpu = 'data:text/javascript,process.on("exit",()=>{const{user,system}=process.cpuUsage();process.stderr.write("\\n"+(user+system)/1000)})'
  const {stdout, stderr} = spawnSync(process.execPath,
    ['--import', tellCpu, fileURLToPath(built('harness/cli.js')), 'litmus', '--json', ...flags, ...tests.map(({file}) => file)],
    {encoding: 'utf8', maxBuffer: 2 ** 28})
  const each = stdout.trim().split('\n').map(line => (JSON.parse(line) as {seconds: number}).seconds * 1000)
  return {each, all: Number(stderr.trim().split('\n').at(-1))}
}

/** In this process. */
function here(tests: readonly SharedTest[], ask: typeof runLitmus): Timed {
  const start = cpuTime()
  const each = tests.map(({file, model, text}) => {
    const before = performance.now()
    judge(ask, file, text, model)
    return performance.now() - before
  })
  return {each, all: cpuTime() - start}
}

/** Two rows per question over the shared tests: the command as a user runs it, and a second pass in one process. Null where the tests are not there. */
export function corpusRows(): string[][] | null {
  if (!existsSync(`${shared}expected.csv`)) return null
  const lines = readFileSync(`${shared}expected.csv`, 'utf8').trim().split('\n').slice(1).map(line => line.trim().split(','))
  const tests = lines.map(([file, model, , , , , , herd]): SharedTest =>
    ({file: shared + file!, model: model === 'lkmm' ? lkmm : rc11, herd: Number(herd), text: readFileSync(shared + file!, 'utf8')}))
  const finished = tests.filter(({herd}) => !Number.isNaN(herd)) // the others are for verdicts only
  const second = (asked: readonly SharedTest[], ask: typeof runLitmus): Timed => {
    here(asked, ask)
    return here(asked, ask)
  }
  return [
    ['shared tests', 'how', 'tests', 'median', 'p90', 'p99', 'longest', 'sum', 'CPU in all', 'herd7', 'ratio', 'slower than herd7'],
    ['all executions', 'the command', ...row(finished, command(finished))],
    ['', 'second pass', ...row(finished, second(finished, runLitmus))],
    ['verdict only', 'the command', ...row(tests, command(tests, '--first'))],
    ['', 'second pass', ...row(tests, second(tests, decideLitmus))],
  ]
}

function row(tests: readonly SharedTest[], {each, all}: Timed): string[] {
  const sorted = each.toSorted((a, b) => a - b)
  const quantile = (part: number): string => milliseconds(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!)
  const herd = tests.reduce((sum, test) => sum + (test.herd || 0), 0) * 1000
  const slower = tests.filter(({herd: seconds}, i) => each[i]! > seconds * 1000).length
  return [
    String(tests.length), quantile(0.5), quantile(0.9), quantile(0.99), quantile(1), milliseconds(each.reduce((sum, time) => sum + time, 0)),
    milliseconds(all), milliseconds(herd), `1 : ${Math.round(herd / all)}`, String(slower),
  ]
}
