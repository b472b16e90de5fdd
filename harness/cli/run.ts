/** What `evaluate` and `check` share: the search that the flags ask for, the tables, the reports and the exit code. */
import {models, namedModels} from '../../lib/index.ts'
import {defaultSearch, outcomeOf, type Row, type Search} from '../evaluate.ts'
import type {Flags} from '../flags.ts'
import type {Loaded} from '../load.ts'
import {modelNamed} from '../names.ts'
import type {Workers} from '../pool.ts'
import {recordOf} from '../record.ts'
import {rowReport, showcase} from '../showcase.ts'
import {settingsLine, summaryTable, verdictLines} from '../summary.ts'
import {ablationLines, ablationTable} from '../wrapper/ablation-table.ts'
import {checkDepth, smallDepth, type Depth} from '../wrapper/depth.ts'
import {wrapperOutcome} from '../wrapper/evaluate.ts'
import {dependences, type Dependence} from '../wrapper/fragile.ts'
import type {Look, WrapperFindings} from '../wrapper/pool.ts'
import {recordSpectrum, recordWrappers} from '../wrapper/record.ts'
import {repairBudget, repairsOf} from '../wrapper/repair.ts'
import {clientReport} from '../wrapper/report.ts'
import {clientShowcase} from '../wrapper/showcase.ts'
import {spectrumOutcome} from '../wrapper/spectrum.ts'
import {dependenceLines, spectrumLines, spectrumTable} from '../wrapper/spectrum-table.ts'
import {boundsLines, depthLine, wrapperLines, wrapperTable} from '../wrapper/table.ts'
import type {Wrapper} from '../wrapper/wrapper.ts'
import {ablationsOf, findingsOf, rowsOf} from './ask.ts'
import {command, exits, worse, type Exit} from './exit.ts'
import {deadlineIn, expiredAt, megabytesFor, Timer} from './resources.ts'
import {columnsOf, mustBeWritable, paintFor, Progress, say, writeJson} from './terminal.ts'

/** What several names or files stand for, each thing once. */
export function together(parts: readonly Loaded[]): Loaded {
  return {subjects: [...new Set(parts.flatMap(({subjects}) => subjects))], wrappers: [...new Set(parts.flatMap(({wrappers}) => wrappers))]}
}

/** @param least how deep wrappers are looked at, unless the flags say otherwise. @param workers know by name what is asked about; null: this process asks. */
export async function run({subjects, wrappers}: Loaded, least: Depth, flags: Flags, workers: Workers | null): Promise<Exit> {
  const asked = flags.model?.map(modelNamed) ?? null
  const chosen = asked && namedModels.filter(model => asked.includes(model))
  const both = subjects.length > 0 && wrappers.length > 0
  const budgets = {seconds: flags.seconds === undefined ? null : both ? flags.seconds / 2 : flags.seconds, megabytes: megabytesFor(flags.memory)}
  const progress = new Progress(flags.quiet === true)
  const timer = new Timer(budgets, progress)
  const search = searchFrom(flags, timer)
  if (flags.json !== undefined) mustBeWritable(flags.json)
  const text = flags.json !== '-'
  const told = text && flags.quiet !== true
  const judging = chosen ?? models
  const depth = {...least, ...depthFlags(flags)}
  const deadline = deadlineIn(flags.seconds)
  const look: Look = {depth, models: chosen?.map(({name}) => name) ?? null, deadline, megabytes: budgets.megabytes}
  const rowsAsked = rowsOf(subjects, {models: judging, search, timer, progress}, workers)
  const wrappersAsked = findingsOf(wrappers, look, workers, progress)
  if (told && subjects.length > 0) say(settingsLine(search, budgets, judging.map(model => model.name)))
  const rows = await rowsAsked()
  if (text && subjects.length > 0) reportDesigns(rows, flags)
  if (told && wrappers.length > 0) {
    say(`${both ? '\n' : ''}${depthLine(depth)}`)
    if (least !== smallDepth || flags.verbose === true) for (const line of boundsLines(wrappers)) say(line)
  }
  const {rows: found, standings} = await wrappersAsked()
  const fragile = least === smallDepth ? null : [...dependences(wrappers, standings, smallDepth, expiredAt(deadline, look.megabytes))]
  if (text && wrappers.length > 0) reportWrappers(wrappers, {rows: found, standings}, fragile, least === smallDepth ? null : depth, flags)
  const ablations = flags.ablate === true ? await ablationsOf(wrappers, found, {...checkDepth, alone: 0, sizeIs: 'least', ...depthFlags(flags)}, look, progress) : null
  if (told && ablations !== null) say(`\n${ablationTable(ablations, {paint: paintFor(process.stdout), columns: columnsOf(process.stdout)})}${ablationLines(ablations).trimEnd()}`)
  if (flags.json !== undefined) {
    writeJson(flags.json, {
      ...recordOf(rows, search, budgets, process.cwd()), wrappers: recordWrappers(wrappers, found, process.cwd()), spectrum: recordSpectrum(standings),
      ...fragile === null ? {} : {fragile}, ...ablations === null ? {} : {ablations},
    })
  }
  return worse(exits[unmappedOnly(rows) ? 'unknown' : outcomeOf(rows)], exits[wrapperOutcome(found)], exits[spectrumOutcome(standings)])
}

function depthFlags({size, clients, bound, executions}: Flags): Partial<Depth> {
  const asked = Object.fromEntries(Object.entries({size, clients, bound, executions}).filter(([, value]) => value !== undefined))
  return size === undefined ? asked : {...asked, sizeIs: 'asked'}
}

function searchFrom(flags: Flags, timer: Timer): Search {
  const given = {
    executions: flags.executions, bound: flags.bound, seed: flags.seed === 'random' ? drawnSeed() : flags.seed, runs: flags.runs, strategy: flags.strategy,
  }
  const asked = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<Search>
  const samples = flags.runs !== undefined || flags.strategy !== undefined
  return {
    ...defaultSearch, ...asked, regimes: flags.regime ?? null, reuse: flags.reuse ?? true, leaks: flags.leaks ?? false,
    mode: samples ? 'sample' : flags.exhaustive === true ? 'exhaustive' : 'thorough',
    allow: (kind, rowsLeft) => timer.share(kind, rowsLeft),
  }
}

function drawnSeed(): string {
  return Math.random().toString(36).slice(2, 10)
}

function reportDesigns(rows: readonly Row[], flags: Flags): void {
  const [paint, verbose] = [paintFor(process.stdout), flags.verbose ?? false]
  const columns = columnsOf(process.stdout)
  if (flags.quiet !== true) say(`\n${summaryTable(rows, {paint, verbose, columns})}`)
  say(verdictLines(rows, {paint, quiet: flags.quiet ?? false}).trimEnd())
  if (flags.quiet === true) return
  const {shown, left} = showcase(rows)
  for (const row of shown) say(`\n${rowReport(row, rows, command, {paint, verbose}).trimEnd()}`)
  if (left > 0) say(`\n  ${left} more ${left === 1 ? 'program' : 'programs'} broke; \`${command} replay TOKEN\` shows how.`)
}

/** @param depth how far to look for what repairs them; null: not at all. */
function reportWrappers(wrappers: readonly Wrapper[], {rows, standings}: WrapperFindings, fragile: readonly Dependence[] | null, depth: Depth | null, flags: Flags): void {
  const [paint, verbose, quiet] = [paintFor(process.stdout), flags.verbose ?? false, flags.quiet ?? false]
  const columns = columnsOf(process.stdout)
  if (!quiet) say(`\n${wrapperTable(rows, {paint, verbose, columns})}`)
  say(wrapperLines(rows, {paint, quiet}).trimEnd())
  if (standings.length > 0) {
    if (!quiet) say(`\n${spectrumTable(standings, {paint, verbose, columns})}`)
    say(spectrumLines(standings, {paint, quiet}).trimEnd())
    if (fragile !== null && fragile.length > 0 && !quiet) say(dependenceLines(fragile))
  }
  if (quiet) return
  const {shown, left} = clientShowcase(wrappers, rows, command)
  for (const run of shown) say(`\n${clientReport(depth === null ? run : {...run, repairs: repairsOf(run, repairBudget(run, depth))}, {paint, verbose}).trimEnd()}`)
  if (left > 0) say(`\n  ${left} more ${left === 1 ? 'wrapper is' : 'wrappers are'} unsound; \`${command} replay TOKEN\` shows how.`)
}

/** Is there a program that no model could be asked about? */
function unmappedOnly(rows: readonly Row[]): boolean {
  return [...new Set(rows.map(row => row.subject))].some(subject =>
    rows.every(row => row.subject !== subject || (row.verdict === 'no mapping' && row.expected === null)))
}
