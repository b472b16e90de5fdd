/** What the clients of wrappers found, in the versioned JSON form: verdicts, coverage, and the execution that breaks each. */
import type {Unknown} from '../../lib/index.ts'
import {recordExecution, type RecordedExecution} from '../record.ts'
import {clientOf, rustOf} from './clients.ts'
import {hasRun, tokenOf, type Breakage, type Shown, type WrapperRow} from './evaluate.ts'
import {clientRun, largest} from './showcase.ts'
import type {Option, Performed} from './policy.ts'
import type {Standing} from './spectrum.ts'
import type {Wrapper} from './wrapper.ts'

export interface RecordedWrapper {
  readonly wrapper: string
  readonly model: string
  readonly verdict: WrapperRow['verdict']
  readonly expected: WrapperRow['expected']
  readonly operation: string | null
  /** Clients run, executions of them, the largest size of which all were looked at, and the one that was asked for. */
  readonly clients: number
  readonly executions: number
  readonly size: number
  readonly asked: number
  readonly alone: number
  readonly skipped: number
  readonly unknown: readonly Unknown[]
  readonly uncalled: WrapperRow['uncalled']
  readonly bound: number
  readonly regime: WrapperRow['regime']
  readonly violation: RecordedClient | null
  readonly deadlock: RecordedClient | null
  readonly leak: RecordedClient | null
}

export interface RecordedClient {
  readonly ordinal: number
  /** The client as a Rust program. */
  readonly rust: string
  /** Null for a client that waits for ever in every execution. */
  readonly found: {
    readonly token: string
    readonly failure: Shown['found']['failure']
    readonly execution: RecordedExecution
  } | null
}

/** The rows as JSON has them. Source files inside `folder` are given relative to it. */
export function recordWrappers(wrappers: readonly Wrapper[], rows: readonly WrapperRow[], folder: string): readonly RecordedWrapper[] {
  return rows.map(row => {
    const wrapper = wrappers.find(({name}) => name === row.wrapper)!
    const {broken, deadlock, leak, ...plain} = row
    const record = (found: Breakage | null): RecordedClient | null => found && recordClient(wrapper, row, found, folder)
    return {...plain, violation: record(broken), deadlock: record(deadlock), leak: record(leak)}
  })
}

function recordClient(wrapper: Wrapper, row: WrapperRow, breakage: Breakage, folder: string): RecordedClient {
  const {ordinal} = breakage
  const {client} = clientOf(wrapper, ordinal, largest)!
  const common = {ordinal, rust: rustOf(wrapper, client)}
  if (!hasRun(breakage)) return {...common, found: null}
  const {program, model, run, limits} = clientRun(wrapper, row, breakage, '', [])
  return {...common, found: {token: tokenOf(row, breakage), failure: breakage.found.failure, execution: recordExecution(program, model, run, folder, limits)}}
}

/** What a wrapper is under one of McKenney's options. */
export interface RecordedStanding extends Pick<Standing, 'wrapper' | 'verdict' | 'expected'> {
  readonly option: Option
  /** The first operation that the option keeps out of Rust. */
  readonly offence: Performed | null
  /** By model: what was run, and the token of what broke. */
  readonly judged: readonly {readonly model: string; readonly verdict: WrapperRow['verdict']; readonly clients: number; readonly executions: number; readonly size: number; readonly token: string | null}[]
}

/** The standings as JSON has them. */
export function recordSpectrum(standings: readonly Standing[]): readonly RecordedStanding[] {
  return standings.map(({wrapper, option, verdict, offence, judged, expected}) => ({
    wrapper, option, verdict, offence, expected,
    judged: judged.map(row => ({
      model: row.model, verdict: row.verdict, clients: row.clients, executions: row.executions, size: row.size, token: row.broken === null ? null : tokenOf(row, row.broken),
    })),
  }))
}
