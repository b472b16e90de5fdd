/** The spectrum as a table: a line per wrapper, a column per option, with what is not as expected below it. Pure: returns strings. */
import {list, nameOfFailure, noPaint, wrap, type Paint} from '../report.ts'
import {fittedTable, range, type SummaryOptions} from '../summary.ts'
import {shortName} from '../token.ts'
import {tokenOf, type WrapperRow} from './evaluate.ts'
import {options, policyOf, type Option, type Performed} from './policy.ts'
import type {Dependence} from './fragile.ts'
import {isOpenStanding, isWrongStanding, type Standing} from './spectrum.ts'

const columnOf: Readonly<Record<Option, string>> = {1: '1 no unsafe', 2: '2 acq/rel', 3: '3 hard parts in C', 4: '4 case by case', 5: '5 everything'}

/** The table; with `verbose` a line per option, and nothing shortened. */
export function spectrumTable(standings: readonly Standing[], {paint = noPaint, verbose = false, columns = Infinity}: SummaryOptions = {}): string {
  const wrappers = [...new Set(standings.map(({wrapper}) => wrapper))].map(name => standings.filter(({wrapper}) => wrapper === name))
  const header = verbose ? ['wrapper', 'option', 'models', 'verdict', 'clients', 'executions', 'because'] : ['wrapper', ...options.map(option => columnOf[option]), 'clients', 'executions', 'token']
  const cells = wrappers.flatMap(group => verbose ? group.map((standing, i) => lineOf(standing, i > 0, paint)) : [cellsOf(group, paint)])
  return fittedTable(header.map(paint.bold), cells, columns)
}

function cellsOf(group: readonly Standing[], paint: Paint): readonly string[] {
  const judged = group.flatMap(standing => standing.judged)
  return [
    shortName(group[0]!.wrapper),
    ...group.map((standing, i) => colour(standing, shortVerdict(standing, group[i - 1] ?? null), paint)),
    range(judged.map(({clients}) => clients)), range(judged.map(({executions}) => executions)),
    tokenIn(judged),
  ]
}

function lineOf(standing: Standing, again: boolean, paint: Paint): readonly string[] {
  const {wrapper, option, judged, offence} = standing
  return [
    again ? '' : shortName(wrapper), columnOf[option], policyOf(option, null).models.map(({name}) => name).join(' '), colour(standing, standing.verdict, paint),
    range(judged.map(({clients}) => clients)), range(judged.map(({executions}) => executions)),
    offence === null ? tokenIn(judged) : nameOf(offence),
  ]
}

/** The token of the last model that breaks it. */
function tokenIn(judged: readonly WrapperRow[]): string {
  const row = judged.findLast(({broken}) => broken !== null)
  return row?.broken == null ? '' : tokenOf(row, row.broken)
}

function nameOf({operation, method, follows}: Performed): string {
  return `${operation} in ${method}${follows ? ', which follows a pointer' : ''}`
}

/** What forbids one option and the next is named once. */
function shortVerdict(standing: Standing, before: Standing | null): string {
  const {verdict, offence} = standing
  if (offence !== null) return before?.offence?.operation === offence.operation ? '–' : `– ${offence.operation}`
  return isOpenStanding(standing) ? 'unknown' : verdict === 'no violation found' ? 'clean' : verdict
}

function colour(standing: Standing, text: string, paint: Paint): string {
  if (isWrongStanding(standing)) return paint.red(`${text} (!)`)
  if (isOpenStanding(standing)) return paint.red(text)
  switch (standing.verdict) {
    case 'no violation found': return paint.green(text)
    case 'unsound': return paint.yellow(text)
    case 'not expressible': return paint.dim(text)
  }
}

/** What is not as it should be, what the words mean, and the count of standings. */
export function spectrumLines(standings: readonly Standing[], {paint = noPaint, quiet = false}: SummaryOptions = {}): string {
  const say = (sign: string, {wrapper, option}: Standing, what: string): readonly string[] => wrap(`${sign} ${shortName(wrapper)} under option ${option} ${what}`)
  const wrong = standings.filter(isWrongStanding).flatMap(standing => say('✗', standing, `is ${found(standing)}, and expected was ${standing.expected}`))
  const open = standings.filter(isOpenStanding).flatMap(standing => say('?', standing, 'is unknown: less was looked at than it takes'))
  const meaning = quiet ? [] : wrap(`“Clean”: no violation found by the clients that were run under ${modelsIn(standings)}. “–”: not expressible, because the option keeps that operation, or the one on its left, out of Rust.`)
  return [...wrong.map(paint.red), ...open.map(paint.yellow), ...meaning, tally(standings), ''].join('\n')
}

function found({verdict, offence, judged}: Standing): string {
  if (offence !== null) return `${verdict} (${nameOf(offence)})`
  const failure = judged.findLast(({broken}) => broken !== null)?.broken?.found.failure
  return failure === undefined ? verdict : `${verdict} (${nameOfFailure(failure)})`
}

function modelsIn(standings: readonly Standing[]): string {
  return list([...new Set(standings.flatMap(({judged}) => judged.map(({model}) => model)))])
}

function tally(standings: readonly Standing[]): string {
  const decided = standings.filter(standing => !isOpenStanding(standing))
  const count = (verdict: Standing['verdict']): number => decided.filter(standing => standing.verdict === verdict).length
  const parts = (['no violation found', 'unsound', 'not expressible'] as const).filter(verdict => count(verdict) > 0).map(verdict => `${count(verdict)} ${verdict}`)
  if (decided.length < standings.length) parts.push(`${standings.length - decided.length} unknown`)
  const wrong = standings.filter(isWrongStanding).length
  const judged = standings.every(({expected}) => expected === null) ? '' : wrong > 0 ? `; ${wrong} not as expected` : standings.some(isOpenStanding) ? '; what was decided is as expected' : '; all as expected'
  return `  ${standings.length} places on the spectrum: ${parts.join(', ')}${judged}.`
}

/** What a code style would have to protect under option 5. */
export function dependenceLines(found: readonly Dependence[]): string {
  return found.flatMap(({wrapper, fragile}) => [
    ...wrap(`! ${shortName(wrapper)} under option 5 lives on dependencies that a Rust compiler need not keep${fragile === null ? '; which of them, could not be told apart.' : '. A code style would have to protect:'}`),
    ...(fragile ?? []).flatMap(({from, to}) => to.map(each => `    ${each}, on ${from}`)),
  ]).join('\n')
}
