/** Asks about one litmus test: reads the file, runs it under its model, and says what came of it. */
import {readFileSync} from 'node:fs'
import {
  decideLitmus, LitmusError, litmusProgram, namedModels, NoMapping, parseLitmus, positionOf, runLitmus, showCondition, TooManyEvents,
  type Expectation, type LitmusProgram, type LitmusRun, type Model,
} from '../../lib/index.ts'
import {showUnknown} from '../report.ts'
import type {Answer, Ask, Expected, Judged, Task, Verdict} from './answer.ts'
import {warmUpTests} from './warm-up.ts'
import {witnessOf} from './witness.ts'

/** The command line's instruments. */
export interface Gauges {
  /** Milliseconds since whenever. */
  readonly clock: () => number
  /** Does the process use more memory than this? */
  readonly isFull: (megabytes: number) => boolean
}

/** Asks about one test. Never throws: what goes wrong is an answer too. */
export function ask(task: Task, how: Ask, gauges: Gauges): Answer {
  let text = ''
  try {
    const started = gauges.clock()
    text = readFileSync(task.file, 'utf8')
    return answer(task, text, how, gauges, started)
  } catch (error) {
    return unread(task.file, text, error)
  }
}

let isWarm = false

/** Judges tests of our own, once per process, if so many are to follow in all. */
export function warmUp(tests: number, gauges: Gauges): void {
  if (isWarm) return
  isWarm = true
  for (const text of warmUpTests(tests)) answer({file: '', model: null}, text, {bound: 1, seconds: null, megabytes: null, first: false, witness: false}, gauges, gauges.clock())
}

function answer({file, model: named}: Task, text: string, how: Ask, {clock, isFull}: Gauges, started: number): Judged {
  const litmus = litmusProgram(parseLitmus(file, text))
  const model = modelFor(litmus, named)
  const end = how.seconds === null ? Infinity : started + how.seconds * 1000
  const expired = (): boolean | 'memory' => clock() > end || (how.megabytes !== null && isFull(how.megabytes) && 'memory')
  const limits = {bound: how.bound, expired, ...how.seconds === null ? {} : {seconds: how.seconds}, ...how.megabytes === null ? {} : {megabytes: how.megabytes}}
  const found = how.first ? decideLitmus(litmus, model, limits) : runLitmus(litmus, model, limits)
  const witness = how.witness ? witnessOf(litmus, model, how.bound, () => expired() !== false) : null
  return {...judged(litmus, model, found, how.first), file, witness, seconds: (clock() - started) / 1000}
}

function modelFor({vocabulary}: LitmusProgram, named: string | null): Model {
  const wanted = named ?? (vocabulary === 'kernel' ? 'lkmm' : 'rc11')
  const found = namedModels.find(({name}) => name === wanted)
  if (found === undefined) throw new Error(`there is no model named ${wanted}`)
  return found
}

function judged({test, question}: LitmusProgram, model: Model, {verdict: counts, survey}: LitmusRun, first: boolean): Omit<Judged, 'file' | 'witness' | 'seconds'> {
  const {positive, negative, flags, panics, deadlocks} = counts
  const ended = survey.unknown.some(({budget}) => budget === 'seconds' || budget === 'memory')
  // both seen is both seen, whatever the executions that are left would show
  const verdict: Verdict = ended && (positive === 0 || negative === 0) ? 'unknown' : counts.verdict
  return {
    name: test.name, model: model.name, quantifier: question.quantifier,
    condition: `${question.quantifier} (${showCondition(question.condition, question)})`,
    verdict, ok: isTrue(question.quantifier, positive, negative, !ended),
    positive, negative, flags, panics, deadlocks,
    states: Array.from(counts.states, ([state, count]) => ({state, count})),
    complete: survey.unknown.length === 0 && !first,
    loops: survey.counts.cut > 0,
    unknown: survey.unknown.map(showUnknown),
    expected: test.expected === null ? null : fromComment(test.expected),
    error: null,
  }
}

function isTrue(quantifier: Judged['quantifier'], positive: number, negative: number, complete: boolean): boolean | null {
  switch (quantifier) {
    case 'exists': return positive > 0 ? true : complete ? false : null
    case '~exists': return positive > 0 ? false : complete ? true : null
    case 'forall': return negative > 0 ? false : complete ? true : null
  }
}

/** With a race the outcome is no expectation, as in the kernel's judgelitmus.sh: the race is. */
function fromComment({verdict, race}: Expectation): Expected | null {
  if (verdict === null && !race) return null
  return {by: 'Result', verdict: race ? null : verdict, positive: null, negative: null, states: null, flags: race ? ['data-race'] : null}
}

function unread(file: string, text: string, error: unknown): Answer {
  if (error instanceof LitmusError) return {file, error: error.message, bug: false}
  if (error instanceof NoMapping) return {file, error: `${file}:${placeOf(error.operation, text)}: ${error.message}`, bug: false}
  if (error instanceof TooManyEvents) return {file, error: `${file}:1:1: ${error.message}`, bug: false}
  if (error instanceof Error && 'code' in error && error.code === 'EISDIR') return {file, error: `${file}: this directory cannot be read`, bug: false}
  if (error instanceof Error && 'code' in error && 'syscall' in error) return {file, error: `${file}: cannot be read: ${error.message}`, bug: false}
  const what = error instanceof Error ? error.stack ?? error.message : String(error)
  return {file, error: `${file}:1:1: this is a bug in Tearproof, not in your test. Please report it, with these lines:\n${what}`, bug: true}
}

/** Where an operation is first called: the error that names it comes from its model, which knows nothing of files. */
function placeOf(operation: string, text: string): string {
  const name = /^\w+/.exec(operation)?.[0] ?? operation
  const {line, column} = positionOf(text, Math.max(0, text.search(new RegExp(`\\b${name}\\b`))))
  return `${line}:${column}`
}
