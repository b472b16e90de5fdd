/** All verdicts of a run as a table, with what is not as it should be below it. Pure: returns strings. */
import {table, type TableUserConfig} from 'table'
import type {Expectation} from './design.ts'
import {differs, redundantOf, type Budgets, type Row, type Search} from './evaluate.ts'
import {inThousands} from './numbers.ts'
import {list, nameOfFailure, noPaint, showUnknown, wrap, type Paint} from './report.ts'
import {inSetting, isSameSetting, showSettings, type Setting} from './setting.ts'
import {shortName} from './token.ts'

export interface SummaryOptions {
  readonly paint?: Paint
  /** One line per model, nothing put together. */
  readonly verbose?: boolean
  /** Only what is not as it should be. */
  readonly quiet?: boolean
  /** Columns of the terminal; tokens that do not fit go on lines of their own. */
  readonly columns?: number
}

/** What a run was told: always its first line. */
export function settingsLine(search: Search, {seconds, megabytes}: Budgets, models: readonly string[]): string {
  const {mode, executions, runs, seed, strategy, bound, regimes, reuse, leaks} = search
  const explored = `up to ${inThousands(executions)} executions each`
  const by = strategy === 'random' ? '' : ` by ${strategy}`
  const how = {thorough: `${explored}, or ${inThousands(runs)} seeds${by}`, exhaustive: explored, sample: `${inThousands(runs)} seeds each${by}`}[mode]
  const most = [...seconds === null ? [] : [`${inThousands(seconds)} s`], ...megabytes === null ? [] : [`${inThousands(megabytes)} MB`]]
  const dying = [...regimes === null ? [] : [`; regimes ${regimes.join(' ')}`], ...reuse ? [] : ['; no reuse'], ...leaks ? ['; leaks count'] : []]
  return `seed ${seed}; ${how}${most.length === 0 ? '' : `; at most ${list(most)}`}; bound ${bound}; models ${models.join(' ')}${dying.join('')}`
}

/** The table: design, model, regime (if some program has a heap), verdict, executions, witnessed, token. */
export function summaryTable(rows: readonly Row[], {paint = noPaint, verbose = false, columns = Infinity}: SummaryOptions = {}): string {
  const groups = grouped(rows, verbose)
  const models = new Set(rows.map(row => row.model.name)).size
  const hasHeaps = rows.some(({setting}) => setting !== null)
  const cells = groups.map((group, i) => cellsOf(group, groups[i - 1]?.[0]?.subject === group[0].subject, verbose ? Infinity : models, hasHeaps, paint))
  const header = ['design', 'model', ...hasHeaps ? ['regime'] : [], 'verdict', 'executions', 'witnessed', 'token'].map(paint.bold)
  return fittedTable(header, cells, columns)
}

/** A table whose last column, where it does not fit, goes on lines of its own. */
export function fittedTable(header: readonly string[], cells: readonly (readonly string[])[], columns = Infinity): string {
  const wide = lines([header, ...cells])
  if (columns === Infinity || wide.every(line => line.length <= columns || visible(line) <= columns)) return `${wide.join('\n')}\n`
  const narrow = lines([header, ...cells].map(row => row.slice(0, -1)))
  return `${narrow.flatMap((line, i) => i === 0 || cells[i - 1]!.at(-1) === '' ? [line] : [line, `    ${cells[i - 1]!.at(-1)!}`]).join('\n')}\n`
}

type Group = readonly [Row, ...Row[]]

/**
 * Neighbouring rows of one subject that say the same: in one setting under several models, or the same under the
 * same models in several regimes. A group's token is that of its last model and regime.
 */
function grouped(rows: readonly Row[], verbose: boolean): readonly Group[] {
  const blocks: [Row, ...Row[]][][] = []
  for (const group of inOneSetting(rows, verbose)) {
    const [last] = blocks.at(-1)?.[0] ?? []
    if (last?.subject === group[0].subject && isSameSetting(last.setting, group[0].setting)) blocks.at(-1)!.push(group)
    else blocks.push([group])
  }
  const merged: [Row, ...Row[]][][] = []
  for (const block of blocks) {
    const last = merged.at(-1)
    if (last !== undefined && !verbose && saysTheSame(last, block)) for (const [i, group] of block.entries()) last[i]!.push(...group)
    else merged.push(block)
  }
  return merged.flat()
}

/** Do two settings of one subject look the same, but for the regime? */
function saysTheSame(a: readonly Group[], b: readonly Group[]): boolean {
  const [first, second] = [a[0]![0], b[0]![0]]
  return first.subject === second.subject && first.setting?.reuse === second.setting?.reuse
    && a.length === b.length && a.every((group, i) => gist(group[0]) === gist(b[i]![0]) && modelsOf(group) === modelsOf(b[i]!))
}

function modelsOf(group: readonly Row[]): string {
  return [...new Set(group.map(row => row.model.name))].join(' ')
}

function inOneSetting(rows: readonly Row[], verbose: boolean): readonly [Row, ...Row[]][] {
  const groups: [Row, ...Row[]][] = []
  for (const row of rows) {
    const last = groups.at(-1)
    if (last !== undefined && !verbose && gist(last[0]) === gist(row) && last[0].subject === row.subject && isSameSetting(last[0].setting, row.setting)) last.push(row)
    else groups.push([row])
  }
  return groups
}

function gist({verdict, agrees, operation, vacuous, broken, unknown}: Row): string {
  return JSON.stringify([verdict, agrees, operation, vacuous, broken?.path, unknown])
}

function cellsOf(group: Group, again: boolean, models: number, hasHeaps: boolean, paint: Paint): string[] {
  const [first] = group
  return [
    again ? '' : shortName(first.subject.name),
    models > 1 && new Set(group.map(row => row.model)).size === models ? 'all' : modelsOf(group),
    ...hasHeaps ? [showSettings(settingsIn(group))] : [],
    verdictOf(first, paint),
    executionsOf(group),
    witnessedOf(first, paint),
    first.verdict === 'no mapping' ? paint.dim(`has no ${first.operation}`) : group.at(-1)!.broken?.token ?? '',
  ]
}

function settingsIn(group: readonly Row[]): readonly Setting[] {
  return group.flatMap(({setting}) => setting ?? [])
}

function verdictOf(row: Row, paint: Paint): string {
  if (differs(row)) return paint.red(row.vacuous.length > 0 ? 'vacuous' : row.expected === null ? row.verdict : `${row.verdict} (!)`)
  switch (row.verdict) {
    case 'holds': return paint.green('holds')
    case 'broken': return paint.yellow('broken')
    case 'unknown': return paint.red('unknown')
    case 'no mapping': return paint.dim('no mapping')
  }
}

/** `10 (all)`, `9–12 (all)` where models differ, `2` up to the failing one, `2,000 seeds`. */
function executionsOf(group: Group): string {
  const explored = range(group.flatMap(row => row.explored?.executions ?? []))
  if (group[0].verdict === 'holds') return `${explored} (all)`
  return [explored, seedsOf(group)].filter(part => part !== '').join(' + ')
}

/** `2,000 seeds`; `1,950 of 2,000 seeds` if some led to no complete execution. */
function seedsOf(group: Group): string {
  const ended = group.flatMap(row => row.sampled?.executions ?? [])
  if (ended.length === 0) return ''
  const tried = group[0].unknown.find(({budget}) => budget === 'sampled')?.limit ?? 0
  const seeds = ended.every(count => count === 1) && tried <= 1 ? 'seed' : 'seeds'
  return ended.every(count => count >= tried) ? `${range(ended)} ${seeds}` : `${range(ended)} of ${inThousands(tried)} seeds`
}

/** `9`, or `9–12`; nothing of nothing. */
export function range(counts: readonly number[]): string {
  if (counts.length === 0) return ''
  const [least, most] = [Math.min(...counts), Math.max(...counts)]
  return least === most ? inThousands(least) : `${inThousands(least)}–${inThousands(most)}`
}

/** How many of the program's witnesses were seen. A broken row stops before it has seen them. */
function witnessedOf({witnessed, verdict}: Row, paint: Paint): string {
  const counts = Object.values(witnessed)
  if (verdict === 'broken' || counts.length === 0) return ''
  const seen = counts.filter(count => count > 0).length
  const text = `${seen} of ${counts.length}`
  return seen < counts.length ? paint.red(text) : text
}

const quiet: TableUserConfig = {
  border: {
    topBody: '', topJoin: '', topLeft: '', topRight: '', bottomBody: '', bottomJoin: '', bottomLeft: '', bottomRight: '',
    bodyLeft: '', bodyRight: '', bodyJoin: '', joinBody: '', joinLeft: '', joinRight: '', joinJoin: '',
  },
  columnDefault: {paddingLeft: 0, paddingRight: 2},
  drawHorizontalLine: () => false,
}

function lines(cells: readonly (readonly string[])[]): readonly string[] {
  return table(cells.map(row => [...row]), quiet).trimEnd().split('\n').map(line => line.trimEnd())
}

function visible(line: string): number {
  // eslint-disable-next-line no-control-regex -- colours take no room
  return line.replace(/\x1b\[[0-9;]*m/g, '').length
}

/** Below the table: how many verdicts, and every one that is not as it should be. */
export function verdictLines(rows: readonly Row[], {paint = noPaint, quiet = false}: SummaryOptions = {}): string {
  const wrong = rows.filter(differs)
  const told = [
    ...together(wrong, difference).flatMap(text => wrap(`✗ ${text}`).map(paint.red)),
    ...together(rows.filter(row => row.verdict === 'unknown'), row => `is unknown: ${row.unknown.map(showUnknown).join(', ')}`).flatMap(text => wrap(`? ${text}`)),
    ...quiet ? [] : [...redundancies(rows).flatMap(wrap), ...merged(rows)],
  ]
  return `${[...told, tally(rows, wrong.length)].join('\n')}\n`
}

/** One sentence per program and thing to say of it, with all the models and regimes of which it is true. */
function together(rows: readonly Row[], say: (row: Row) => string): readonly string[] {
  const inOne = gathered(rows.map(row => [row]), ([row]) => [row!.subject.name, row!.setting, say(row!)])
  const all = gathered(inOne, group => [group[0]!.subject.name, group[0]!.setting?.reuse, modelsOf(group), say(group[0]!)])
  return all.map(group => {
    const where = inSetting(...group.map(row => row.setting))
    return `${shortName(group[0]!.subject.name)} under ${list(modelsOf(group).split(' '))}${where}${where === '' ? '' : ','} ${say(group[0]!)}`
  })
}

/** Lists with the same key put together, in the order of the first of each. */
function gathered<T>(lists: readonly (readonly T[])[], keyOf: (of: readonly T[]) => unknown): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>()
  for (const one of lists) {
    const key = JSON.stringify(keyOf(one))
    groups.set(key, [...groups.get(key) ?? [], ...one])
  }
  return [...groups.values()]
}

/** What is not as it should be in a row. */
function difference(row: Row): string {
  if (row.vacuous.length > 0) return `holds, but no execution shows “${row.vacuous.join('”, “')}”`
  const found = row.broken === null ? row.verdict : `broken (${nameOfFailure(row.broken.failure)})`
  return row.expected === null ? `is ${found}` : `is ${found}, and expected was ${showExpectation(row.expected)}`
}

/** `holds`, `broken (no torn snapshot)`, `no mapping (fence(Acquire))`. */
export function showExpectation(expected: Expectation): string {
  switch (expected.verdict) {
    case 'holds': return 'holds'
    case 'broken': return `broken (${expected.by})`
    case 'no mapping': return `no mapping (${expected.operation})`
  }
}

function redundancies(rows: readonly Row[]): readonly string[] {
  return redundantOf(rows).map(({subject, models}) =>
    `= ${subject.name} is redundant: ${subject.change ?? 'its change'} makes no difference under ${list(models)}`)
}

function merged(rows: readonly Row[]): readonly string[] {
  const several = grouped(rows, false).filter(([first, ...others]) => first.broken !== null && others.length > 0)
  if (several.length === 0) return []
  const regimes = several.some(([first, ...others]) => others.some(other => !isSameSetting(first.setting, other.setting)))
  return wrap(`A token of several models${regimes ? ' or regimes' : ''} names the last of them; for another one, put its name there instead.`)
}

function tally(rows: readonly Row[], wrong: number): string {
  const count = (verdict: Row['verdict']): number => rows.filter(row => row.verdict === verdict).length
  const parts = (['holds', 'broken', 'unknown', 'no mapping'] as const).filter(verdict => count(verdict) > 0).map(verdict => `${count(verdict)} ${verdict}`)
  const total = `  ${rows.length} ${rows.length === 1 ? 'verdict' : 'verdicts'}: ${parts.join(', ')}`
  if (!rows.some(row => row.expected !== null)) return `${total}.`
  const open = count('unknown') === 0 ? '; all as expected' : count('unknown') < rows.length ? '; what was decided is as expected' : ''
  return `${total}${wrong > 0 ? `; ${wrong} not as expected` : open}.`
}
