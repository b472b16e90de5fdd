/**
 * Wrappers × models within a budget → rows: what the small safe clients found, and whether that is what was expected.
 * Rows are plain data, so that another process can make them.
 */
import {engineVersion, models, namedModels, NoMapping, type Failure, type Model, type Path, type Regime, type Unknown} from '../../lib/index.ts'
import {defaultSetting} from '../setting.ts'
import {printToken} from '../token.ts'
import {defaultBounds} from '../rust/enumerate.ts'
import {uncallable} from '../rust/uncallable.ts'
import {clientName} from './clients.ts'
import {aloneFor, smallDepth, sizeFor, type Depth} from './depth.ts'
import {soundness, type ClientBudget, type Counterexample, type Telling} from './soundness.ts'
import type {Wrapper} from './wrapper.ts'

/** A client that tells something, as data: the execution is replayed from its path. */
export interface Breakage {
  /** The client's position among all clients, from 1. */
  readonly ordinal: number
  readonly found: {
    readonly path: Path
    readonly failure: Failure
  } | null
}

/** The one with an execution: a client that waits for ever in all of them has none. */
export type Shown = Breakage & {readonly found: NonNullable<Breakage['found']>}

export interface WrapperRow {
  readonly wrapper: string
  readonly model: string
  readonly verdict: 'unsound' | 'no violation found' | 'no mapping'
  /** The operation that the model has no mapping for. */
  readonly operation: string | null
  readonly broken: Shown | null
  /** The first client that deadlocks, and the first that sees what a failed section read: no unsoundness. */
  readonly deadlock: Breakage | null
  readonly leak: Breakage | null
  /** Clients run, their executions, and the largest size of which all clients were looked at. */
  readonly clients: number
  readonly executions: number
  readonly size: number
  /** The largest size of which all clients without threads were looked at, with one T or two. */
  readonly alone: number
  /** Clients that were not run, or not to their end, and why the latter. */
  readonly skipped: number
  readonly unknown: readonly Unknown[]
  /** Safe methods that no client called, and why none can; null if a larger one could. */
  readonly uncalled: readonly {readonly method: string; readonly why: string | null}[]
  /** Statements of the largest clients that were to be tried, and rounds of their loops. */
  readonly asked: number
  readonly bound: number
  /** What the wrapper says that may be done with pointers to dead objects. */
  readonly regime: Regime
  /** Null if nothing is expected. */
  readonly expected: 'unsound' | 'no violation found' | null
}

/** The models that a wrapper is judged by, if nobody says otherwise: those that its expectations name, or all. */
export function modelsFor({expected}: Wrapper): readonly Model[] {
  const named = namedModels.filter(({name}) => Object.hasOwn(expected.broken, name))
  return named.length > 0 ? named : models
}

/** One wrapper under one model, or under those that it names, after the other. `expired` is asked now and then; the caller owns the clock. */
export function* evaluateWrapper(wrapper: Wrapper, chosen: readonly Model[] | null, depth: Depth, expired?: ClientBudget['expired']): Generator<WrapperRow, undefined> {
  for (const model of chosen ?? modelsFor(wrapper)) yield rowOf(wrapper, model, depth, expired)
}

/** One wrapper under one model. */
export function rowOf(wrapper: Wrapper, model: Model, depth: Depth, expired?: ClientBudget['expired']): WrapperRow {
  const isBroken = Object.hasOwn(wrapper.expected.broken, model.name) ? wrapper.expected.broken[model.name]! : null
  const expected = isBroken === null ? null : isBroken ? 'unsound' : 'no violation found'
  const size = sizeFor(wrapper, depth)
  const common = {wrapper: wrapper.name, model: model.name, asked: size, bound: depth.bound, regime: wrapper.regime ?? defaultSetting.regime, expected} as const
  try {
    const sized = {...wrapper, bounds: {...wrapper.bounds, size}}
    const {verdict, counterexample, deadlock, leak, clients, executions, size: done, alone, skipped, unknown, uncalled} = soundness(sized, model, {...depth, size, alone: aloneFor(wrapper, depth), ...expired === undefined ? {} : {expired}})
    return {
      ...common, verdict, operation: null, broken: counterexample && shown(counterexample), deadlock: deadlock && told(deadlock), leak: leak && shown(leak),
      clients, executions, size: done, alone, skipped, unknown, uncalled: uncalled.map(method => ({method, why: whyUncalled(wrapper, method)})),
    }
  } catch (error) {
    if (!(error instanceof NoMapping)) throw error
    return {...common, verdict: 'no mapping', operation: error.operation, broken: null, deadlock: null, leak: null, clients: 0, executions: 0, size: 0, alone: 0, skipped: 0, unknown: [], uncalled: []}
  }
}

function whyUncalled({signatures, bounds}: Wrapper, method: string): string | null {
  return uncallable(signatures, {...defaultBounds, ...bounds}, bounds?.payloads).find(found => found.method === method)?.why ?? null
}

function shown({ordinal, run: {path}, failure}: Counterexample): Shown {
  return {ordinal, found: {path, failure}}
}

function told(found: Counterexample | Telling): Breakage {
  return 'run' in found ? shown(found) : {ordinal: found.ordinal, found: null}
}

/** Is the verdict one that nobody expected? */
export function isUnexpected(row: WrapperRow): boolean {
  return row.expected === null ? row.verdict === 'unsound' : row.expected !== row.verdict && !isUnknown(row)
}

/**
 * Was less looked at than it takes: no client was run, or one was cut, or no client can call some method, or nothing was found
 * where something is expected, with less than is always tried.
 */
export function isUnknown({expected, verdict, clients, size, asked, unknown, uncalled}: WrapperRow): boolean {
  if (verdict !== 'no violation found') return false
  return clients === 0 || unknown.length > 0 || uncalled.some(({why}) => why !== null) || (expected === 'unsound' && (size < asked || asked < smallDepth.size))
}

/** As exit status 1, 3 and 0. */
export function wrapperOutcome(rows: readonly WrapperRow[]): 'differs' | 'unknown' | 'fine' {
  return rows.some(isUnexpected) ? 'differs' : rows.some(isUnknown) ? 'unknown' : 'fine'
}

/** The word that brings an execution of a client back. */
export function tokenOf({wrapper, model, bound, regime}: WrapperRow, {ordinal, found: {path}}: Shown): string {
  return printToken({program: clientName(wrapper, ordinal), model, version: engineVersion, pointer: {kind: 'path', path}, bound, setting: {...defaultSetting, regime}})
}

/** Has it an execution to show? */
export function hasRun(breakage: Breakage | null): breakage is Shown {
  return breakage?.found != null
}
