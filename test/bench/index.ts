/**
 * npm run bench: how fast the engine explores and samples, on its own and as a ratio to a fixed loop
 * of bit-matrix work measured in the same run, so that two machines can be compared.
 */
import {table} from 'table'
import {explore, lkmm, rc11, sample, type Model} from '../../lib/index.ts'
import {chainRows, corpusRows} from './litmus.ts'
import {boehmSeqlock, iriw, kernelSeqlock, mp, sb, ticketLock} from './programs.ts'

const second = 1000

/** Closures of a fixed 16 x 16 bit matrix per second: the reference that ratios are against. */
function calibrate(): number {
  const start = Int32Array.from({length: 16}, (_, i) => (1 << ((i * 7 + 3) % 16)) | (1 << ((i * 5 + 1) % 16)))
  const rows = new Int32Array(16)
  let sum = 0
  return perSecond(() => {
    for (let repeat = 0; repeat < 1000; repeat++) {
      rows.set(start)
      for (let k = 0; k < 16; k++) for (let i = 0; i < 16; i++) if ((rows[i]! >>> k) & 1) rows[i]! |= rows[k]!
      sum += rows[repeat & 15]!
    }
    return sum === 1 ? 0 : 1000
  })
}

/** Runs `work` for a second after a warm-up, and says how much it did per second of CPU time. */
function perSecond(work: () => number): number {
  const run = (time: number): number => {
    const before = process.cpuUsage()
    const spent = (): number => {
      const {user, system} = process.cpuUsage(before)
      return (user + system) / 1000
    }
    let done = 0
    while (spent() < time) done += work()
    return done / spent() * second
  }
  run(second / 4)
  return run(second)
}

const thousands = (n: number): string => Math.round(n).toLocaleString('en')

function show(cells: readonly (readonly string[])[]): void {
  process.stdout.write(`${table(cells.map(row => [...row]), {border: {}, drawHorizontalLine: () => false, columnDefault: {paddingLeft: 0, paddingRight: 2}})}\n`)
}

const corpus = corpusRows()
if (corpus !== null) show(corpus)
show(chainRows())

const calibration = calibrate()
const ratio = (n: number): string => (n / calibration).toPrecision(2)

function measure(program: Parameters<typeof explore<never>>[0], model: Model): string[] {
  const before = performance.now()
  const {counts} = explore(program, model, {keepGoing: true})
  const first = performance.now() - before
  const explored = perSecond(() => explore(program, model, {keepGoing: true}).counts.executions)
  const sampled = perSecond(() => sample(program, model, {seed: 'bench', runs: 50, keepGoing: true}).counts.executions)
  return [
    program.name, model.name, thousands(counts.executions), (counts.deadEnds / counts.executions).toFixed(2), first.toFixed(1),
    thousands(explored), ratio(explored), thousands(sampled), ratio(sampled), (process.memoryUsage().heapUsed / 2 ** 20).toFixed(0),
  ]
}

show([
  ['program', 'model', 'executions', 'dead ends', 'first run ms', 'explored/s', 'ratio', 'sampled/s', 'ratio', 'heap MB'],
  ...[sb, mp, iriw, kernelSeqlock(1), kernelSeqlock(2), ticketLock].flatMap(program => [rc11, lkmm].map(model => measure(program, model))),
  ...[1, 2].map(sections => measure(boehmSeqlock(sections), rc11)),
])
process.stdout.write(`calibration: ${thousands(calibration)} closures of a 16 x 16 bit matrix per second of CPU time. ratio: divided by that.\n`)
process.stdout.write('dead ends: per complete execution. first run: exploring once, with the preparation of the program; explored/s: again and again, '
  + 'prepared once.\nshared tests: from file (second pass: from text) to verdict; the wall time of each, and the CPU time of the process, V8\'s compiler\n'
  + 'and the start included (second pass: of the pass). ratio: of that to herd7\'s. RCU chains: CPU time.\n')
