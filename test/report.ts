/** Reports as a reader sees them, and what must be true of all of them. */
import test from 'ava'
import {evaluate, evaluateOne, defaultSearch, failureReport, userSites, verdictLines, summaryTable, settingsLine, type AnyProgram, type Row} from '../harness/index.ts'
import {rowReport, type BrokenRow} from '../harness/showcase.ts'
import {cpp20, lkmm, models, rc11, regimes, sc, tso, type Model} from '../lib/index.ts'
import {buffered, counter, crowd, endless, grace, messages, revenant, stores, thrower} from './fixtures/programs.ts'

function evaluated(program: AnyProgram, model: Model): Row {
  return evaluateOne({name: program.name, program: () => program}, program, model, defaultSearch)
}

function reportOf({program, model, setting, broken, subject}: Row, verbose = false): string {
  const {run, failure, token, limits} = broken!
  return failureReport({
    name: subject.name, program, model, setting, run, failure, command: `npm start -- replay ${token}`, sites: userSites(program, model, run, '', limits),
  }, {verbose})
}

const reads = test.macro((t, program: AnyProgram, model: Model) => {
  t.snapshot(reportOf(evaluated(program, model)))
})

test('a missed message', reads, messages, lkmm)
test('a missed message, where barriers are fences', reads, messages, rc11)
test('load buffering, which no order of the steps explains', reads, buffered, cpp20)
test('store buffering, which takes two barriers to forbid', reads, stores, tso)
test('a data race', reads, counter, rc11)
test('a lost update, where no ordering is missing', reads, counter, sc)
test('a thread that throws', t => {
  const report = reportOf(evaluated(thrower, sc))
  t.snapshot(report.replaceAll(/^ {4}at .*\n/gm, ''))
  t.regex(report, /^ {4}at .*programs\.ts:\d+:\d+/m)
})
test('more threads than there is room for, and a check inside one of them', reads, crowd, lkmm)

test('with -v every step is shown once more, as it was written and where', t => {
  t.snapshot(reportOf(evaluated(messages, lkmm), true))
})

function rowsOf(programs: readonly AnyProgram[], chosen: readonly Model[] = models): readonly Row[] {
  return all(evaluate(programs.map(program => ({name: program.name, program: () => program})), chosen, defaultSearch))
}

function all(steps: ReturnType<typeof evaluate>): readonly Row[] {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

test('the table puts models together that say the same', t => {
  const rows = rowsOf([messages, counter, endless, grace])
  t.snapshot(`${settingsLine(defaultSearch, {seconds: null, megabytes: null}, models.map(model => model.name))}\n\n${summaryTable(rows)}\n${verdictLines(rows)}`)
})

test('of a program with a heap, regimes are put together that say the same', t => {
  const revenants = [{name: 'revenant', program: () => revenant}]
  const rows = [true, false].flatMap(reuse => all(evaluate(revenants, [sc, lkmm], {...defaultSearch, regimes, reuse})))
  t.snapshot(`${summaryTable(rows)}\n${verdictLines(rows)}\n${rowReport(rows[2] as BrokenRow, rows, 'npm start --', {})}`)
})

test('in a narrow terminal tokens go on lines of their own', t => {
  t.snapshot(summaryTable(rowsOf([messages]), {columns: 60}))
})

test('what broke is never called fine, and what was cut never holds', t => {
  t.is(evaluated(endless, sc).verdict, 'unknown')
  t.is(evaluateOne({name: 'crowd', program: () => crowd}, crowd, sc, {...defaultSearch, executions: 5}).verdict, 'unknown')
  t.is(evaluateOne({name: 'stores', program: () => stores}, stores, sc, {...defaultSearch, mode: 'sample', runs: 50}).verdict, 'unknown')
  t.is(evaluated(stores, sc).verdict, 'holds')
})
