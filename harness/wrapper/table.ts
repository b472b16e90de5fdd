/** What the clients found, as a table, with what is not as expected below it. Pure: returns strings. */
import {list, nameOfFailure, noPaint, showUnknown, wrap, type Paint} from '../report.ts'
import {inThousands} from '../numbers.ts'
import {fittedTable, range, type SummaryOptions} from '../summary.ts'
import {shortName} from '../token.ts'
import {boundsOf, type Depth} from './depth.ts'
import {hasRun, isUnexpected, isUnknown, tokenOf, type WrapperRow} from './evaluate.ts'
import {mostAlone} from './soundness.ts'
import type {Wrapper} from './wrapper.ts'

/** What the clients were bounded by: always said first. */
export function depthLine({size, sizeIs, alone = 0, clients, bound, executions}: Depth): string {
  const where = {asked: '', default: ' (or what a wrapper says)', least: ' (or more, where a wrapper says so)'}[sizeIs]
  const further = alone <= size || sizeIs === 'asked' ? '' : `; of up to ${alone} without threads, at most ${inThousands(mostAlone)}`
  return `clients of up to ${size} statements${where}, at most ${inThousands(clients)} of each wrapper${further}; up to ${inThousands(executions)} executions each; bound ${bound}`
}

/** What some wrappers bound them by besides: a line each. */
export function boundsLines(wrappers: readonly Wrapper[]): readonly string[] {
  return wrappers.flatMap(wrapper => {
    const bounds = boundsOf(wrapper)
    return bounds === null ? [] : wrap(`${shortName(wrapper.name)}, its clients: ${bounds}`)
  })
}

/** The table: wrapper, models, verdict, clients run, their executions, what they cover, and the token of what breaks it. */
export function wrapperTable(rows: readonly WrapperRow[], {paint = noPaint, verbose = false, columns = Infinity}: SummaryOptions = {}): string {
  const groups = grouped(rows, verbose)
  const cells = groups.map((group, i) => cellsOf(group, groups[i - 1]?.[0].wrapper === group[0].wrapper, rows, paint))
  return fittedTable(['wrapper', 'model', 'verdict', 'clients', 'executions', 'covered', 'token'].map(paint.bold), cells, columns)
}

type Group = readonly [WrapperRow, ...WrapperRow[]]

/** Neighbouring rows of one wrapper that say the same. A group's token is that of its last model. */
function grouped(rows: readonly WrapperRow[], verbose: boolean): readonly Group[] {
  const groups: [WrapperRow, ...WrapperRow[]][] = []
  for (const row of rows) {
    const last = groups.at(-1)
    if (last !== undefined && !verbose && gist(last[0]) === gist(row)) last.push(row)
    else groups.push([row])
  }
  return groups
}

function gist(row: WrapperRow): string {
  const {wrapper, verdict, operation, broken, deadlock, leak, size, unknown, uncalled} = row
  return JSON.stringify([wrapper, verdict, isUnexpected(row), operation, broken?.ordinal, deadlock?.ordinal, leak?.ordinal, size, unknown, uncalled])
}

function cellsOf(group: Group, again: boolean, rows: readonly WrapperRow[], paint: Paint): readonly string[] {
  const [row] = group
  const last = group.at(-1)!
  const shown = [last.broken, last.leak, last.deadlock].find(hasRun)
  const models = new Set(rows.filter(({wrapper}) => wrapper === row.wrapper).map(({model}) => model)).size
  return [
    again ? '' : shortName(row.wrapper),
    models > 1 && group.length === models ? 'all' : group.map(({model}) => model).join(' '),
    verdictOf(row, paint),
    range(group.map(({clients}) => clients)),
    range(group.map(({executions}) => executions)),
    coveredBy(row),
    row.verdict === 'no mapping' ? paint.dim(`has no ${row.operation}`) : shown === undefined ? '' : tokenOf(last, shown),
  ]
}

function verdictOf(row: WrapperRow, paint: Paint): string {
  const {verdict, deadlock, leak, clients, uncalled} = row
  if (verdict === 'no violation found' && (clients === 0 || uncalled.some(({why}) => why !== null))) return paint.red('unknown')
  const text = `${verdict}${isUnexpected(row) && row.expected !== null ? ' (!)' : ''}${deadlock === null ? '' : ', deadlock'}${leak === null ? '' : ', leak'}`
  if (isUnexpected(row) || isUnknown(row)) return paint.red(text)
  return verdict === 'unsound' ? paint.yellow(text) : verdict === 'no mapping' ? paint.dim(text) : deadlock === null && leak === null ? paint.green(text) : paint.yellow(text)
}

/** `all up to size 3`, `all up to size 3, 12 not run, alone to 6`, `breaks at size 3` by the client that broke it. */
function coveredBy({verdict, size, alone, asked, skipped, unknown}: WrapperRow): string {
  if (verdict === 'no mapping') return ''
  if (verdict === 'unsound') return `breaks at size ${(alone > 0 ? alone : size) + 1}`
  const left = skipped - unknown.length
  const parts = [
    size === 0 ? `not all of size 1` : `all up to size ${size}`, ...size > 0 && size < asked ? [`part of ${size + 1}`] : [],
    ...left > 0 ? [`${left} not run`] : [], ...unknown.length > 0 ? [`${unknown.length} cut`] : [],
    ...alone > size ? [`alone to ${alone}`] : [],
  ]
  return parts.join(', ')
}

/** What is not as it should be, what the words mean, and the count of verdicts. */
export function wrapperLines(rows: readonly WrapperRow[], {paint = noPaint, quiet = false}: SummaryOptions = {}): string {
  const say = (sign: string, row: WrapperRow, what: string): readonly string[] => wrap(`${sign} ${shortName(row.wrapper)} under ${row.model} ${what}`)
  const wrong = rows.filter(isUnexpected).flatMap(row => say('✗', row, `is ${found(row)}${row.expected === null ? '' : `, and expected was ${row.expected}`}`))
  const open = rows.filter(isUnknown).flatMap(row => say('?', row, `is unknown: ${whyUnknown(row)}`))
  const covered = quiet || !rows.some(({verdict}) => verdict === 'no violation found') ? []
    : wrap(`“No violation found” speaks of the clients that were run, and of all of their executions; of no others.${
      rows.some(({verdict, size, alone}) => verdict === 'no violation found' && alone > size) ? ' “Alone”: those without threads, T being one type or two; or borrowing one of two local variables, with one value of each struct.' : ''}`)
  const beside = quiet ? [] : [
    ...rows.some(({deadlock}) => deadlock !== null) ? ['“Deadlock”: some client waits for ever.'] : [],
    ...rows.some(({leak}) => leak !== null) ? ['“Leak”: what a failed section read can be observed.'] : [],
  ]
  const meaning = beside.length === 0 ? [] : wrap(`${beside.join(' ')} ${beside.length === 1 ? 'That is not unsound.' : 'Neither is unsound.'}`)
  return [...wrong.map(paint.red), ...open.map(paint.yellow), ...uncalledLines(rows).map(paint.yellow), ...covered, ...meaning, tally(rows), ''].join('\n')
}

function found({verdict, broken}: WrapperRow): string {
  return broken === null ? verdict : `${verdict} (${nameOfFailure(broken.found.failure)})`
}

/** Methods that no client called although one could: by wrapper, under all of its models. */
function uncalledLines(rows: readonly WrapperRow[]): readonly string[] {
  const clean = rows.filter(row => row.verdict === 'no violation found' && row.clients > 0)
  return [...new Set(clean.map(({wrapper}) => wrapper))].flatMap(name => {
    const own = clean.filter(({wrapper}) => wrapper === name)
    const methods = own[0]!.uncalled.filter(({method, why}) => why === null && own.every(({uncalled}) => uncalled.some(other => other.method === method)))
    return methods.length === 0 ? [] : wrap(`? ${shortName(name)}: no client that was run calls ${list(methods.map(({method}) => method))}; --size and --clients try more`)
  })
}

function whyUnknown({unknown, expected, clients, size, uncalled}: WrapperRow): string {
  if (clients === 0) return 'no client was run'
  const never = uncalled.filter(({why}) => why !== null).map(({method, why}) => `no client can call ${method}, because ${why!}`)
  if (never.length > 0) return list(never)
  const cuts = [...new Set(unknown.map(showUnknown))]
  if (cuts.length > 0) return list(cuts)
  return `${expected} is expected, and no client up to size ${size} shows it; --size and --clients try more`
}

function tally(rows: readonly WrapperRow[]): string {
  const open = rows.filter(isUnknown).length
  const count = (verdict: WrapperRow['verdict']): number => rows.filter(row => row.verdict === verdict && !isUnknown(row)).length
  const parts = (['no violation found', 'unsound', 'no mapping'] as const).filter(verdict => count(verdict) > 0).map(verdict => `${count(verdict)} ${verdict}`)
  if (open > 0) parts.push(`${open} unknown`)
  const wrong = rows.filter(row => row.expected !== null && isUnexpected(row)).length
  const judged = rows.every(({expected}) => expected === null) ? '' : wrong > 0 ? `; ${wrong} not as expected` : open > 0 ? '; what was decided is as expected' : '; all as expected'
  return `  ${rows.length} ${rows.length === 1 ? 'verdict' : 'verdicts'} on wrappers: ${parts.join(', ')}${judged}.`
}
