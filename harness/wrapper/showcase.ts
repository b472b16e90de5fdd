/** Which counterexamples are worth a whole report, made again from their rows. */
import {namedModels, replay, type Failure} from '../../lib/index.ts'
import {BadProgram, type Subject} from '../evaluate.ts'
import {clientName, clientOf, type Numbered} from './clients.ts'
import {isUnexpected, tokenOf, type Shown, type WrapperRow} from './evaluate.ts'
import {clientProgram, runnable} from './program.ts'
import {clientCodeOf, teaches} from './report.ts'
import type {ClientRun} from './story.ts'
import type {Wrapper} from './wrapper.ts'

/** Reports shown below the table at the most. */
const most = 3

/** Clients up to this size are looked for by their ordinal. */
export const largest = 12

/**
 * What to show in full: whatever nobody expected; if there is nothing of the kind, what teaches the most, one per wrapper and
 * per kind of violation as far as there are enough.
 */
export function clientShowcase(wrappers: readonly Wrapper[], rows: readonly WrapperRow[], command: string): {readonly shown: readonly ClientRun[]; readonly left: number} {
  const broken = rows.filter(({broken}) => broken !== null)
  const wrong = onePerWrapper(broken.filter(isUnexpected))
  const runOf = (row: WrapperRow): ClientRun => clientRun(wrapperOf(wrappers, row), row, row.broken!, command, rows)
  if (wrong.length > 0) return {shown: wrong.slice(0, most).map(runOf), left: Math.max(0, wrong.length - most)}
  const runs = onePerWrapper(broken).map(runOf)
  const rank = (run: ClientRun): number => teaches(run) ? 0 : involves(run) ? 1 : 2
  const ranked = runs.toSorted((a, b) => rank(a) - rank(b))
  const codes = ranked.map(run => clientCodeOf(run.failure!))
  const first = ranked.filter((_, i) => codes.indexOf(codes[i]!) === i)
  return {shown: [...first, ...ranked.filter(run => !first.includes(run))].slice(0, most), left: 0}
}

/** Do several threads take part? What the main thread does by itself has no timeline to show. */
function involves({program, failure}: ClientRun): boolean {
  return program.threads.length > 2 && failure?.kind !== 'claim'
}

/** The last failing model of each wrapper: models are listed the strongest first. */
function onePerWrapper(rows: readonly WrapperRow[]): readonly WrapperRow[] {
  return [...new Map(rows.map(row => [row.wrapper, row])).values()]
}

function wrapperOf(wrappers: readonly Wrapper[], {wrapper}: WrapperRow): Wrapper {
  return wrappers.find(({name}) => name === wrapper)!
}

/** Runs what a row found once more. */
export function clientRun(wrapper: Wrapper, row: WrapperRow, shown: Shown, command: string, rows: readonly WrapperRow[]): ClientRun {
  const {ordinal, found: {path, failure}} = shown
  const {bound, regime} = row
  const model = namedModels.find(({name}) => name === row.model)!
  const numbered = clientOf(wrapper, ordinal, largest)!
  const program = clientSubject(wrapper, numbered).program()
  const run = replay(program, model, path, {bound, regime})
  return {
    wrapper, numbered, program, model, run, limits: {bound, regime}, failure: run.failures.find(other => isSame(other, failure)) ?? failure,
    command: `${command} replay ${tokenOf(row, shown)}`,
    elsewhere: rows.filter(other => other.wrapper === row.wrapper && other !== row).map(({model, verdict}) => ({model, verdict: verdict === 'unsound' ? 'broken' : verdict})),
  }
}

function isSame(a: Failure, b: Failure): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** The program that a client is, as a replay wants it. */
export function clientSubject(wrapper: Wrapper, {client, ordinal}: Numbered): Subject {
  const payload = runnable(client)
  const name = clientName(wrapper.name, ordinal)
  if (payload === null) throw new BadProgram(`client ${ordinal} of ${wrapper.name} has values of ${client.payload}, which cannot be run yet`)
  return {name, program: () => clientProgram(wrapper, client, payload, name)}
}

/** The client that a token names, or null if there is none. */
export function clientAt(wrapper: Wrapper, ordinal: number): Numbered | null {
  return clientOf(wrapper, ordinal, largest)
}
