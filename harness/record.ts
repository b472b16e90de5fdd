/** The versioned JSON form of a run: what `--json` writes. Everything a reader needs to show it again or replay it. */
import {
  engineVersion, models, showScalar, type Counts, type Event, type Failure, type Limits, type Model, type Path, type Run, type Scalar, type Unknown,
} from '../lib/index.ts'
import type {Expectation} from './design.ts'
import type {Budgets, Row, Search} from './evaluate.ts'
import {operationsOf, type AnyProgram} from './operations.ts'
import type {Setting} from './setting.ts'
import {userSites} from './sites.ts'
import {why, type Why} from './why.ts'

/** Changes when a reader of the last form would misread this one. */
export const recordVersion = 1

/** A word's content; a pointer is written `&name`. */
export type RecordedScalar = number | string

export interface RecordedEvent {
  readonly id: number
  /** The thread's name; null for an initial write. */
  readonly thread: string | null
  readonly position: number
  readonly kind: 'R' | 'W' | 'F'
  readonly tags: readonly string[]
  readonly location: string | null
  readonly value: RecordedScalar | null
  /** The operation as its author wrote it, and the source lines that led to it, the most telling first. */
  readonly operation: string | null
  readonly places: readonly string[]
}

export interface RecordedExecution {
  readonly path: Path
  readonly events: readonly RecordedEvent[]
  readonly rf: readonly (readonly [number, number])[]
  readonly co: readonly (readonly [number, number])[]
  readonly returned: unknown
  readonly failures: readonly Failure[]
}

export interface RecordedRow {
  readonly program: string
  readonly model: string
  /** Null if the program has no heap. */
  readonly setting: Setting | null
  readonly verdict: Row['verdict']
  readonly expected: Expectation | null
  readonly agrees: boolean | null
  readonly operation: string | null
  readonly unknown: readonly Unknown[]
  readonly explored: Counts | null
  readonly sampled: Counts | null
  readonly witnessed: Readonly<Record<string, number>>
  readonly vacuous: readonly string[]
  readonly violation: RecordedViolation | null
}

export interface RecordedViolation {
  readonly token: string
  /** The path as first found; the execution is the reduced one. */
  readonly found: Path
  /** The index of the sample in which it was found; null if exploring found it. */
  readonly sample: number | null
  readonly execution: RecordedExecution
  /** Which of the execution's failures the verdict is about. */
  readonly failure: Failure
  /** What would forbid it: the remedies, the axiom, and the cycle that it would find. */
  readonly why: {
    readonly kind: Why['kind']
    readonly missing: readonly {readonly before: number; readonly after: number; readonly remedy: string; readonly place: string}[]
    readonly axiom: string | null
    readonly cycle: readonly {readonly from: number; readonly to: number; readonly names: readonly string[]}[]
  } | null
}

export interface RunRecord {
  readonly format: 'tearproof'
  readonly version: number
  readonly engine: string
  readonly search: Omit<Search, 'allow'> & Budgets
  readonly models: readonly string[]
  readonly rows: readonly RecordedRow[]
}

/** The record of an evaluation, within the budgets that the caller kept. */
export function recordOf(rows: readonly Row[], {allow: _allow, ...search}: Search, budgets: Budgets, folder = ''): RunRecord {
  return {
    format: 'tearproof', version: recordVersion, engine: engineVersion, search: {...search, ...budgets},
    models: models.filter(model => rows.some(row => row.model === model)).map(model => model.name),
    rows: rows.map(row => recordRow(row, folder)),
  }
}

function recordRow(row: Row, folder: string): RecordedRow {
  const {verdict, setting, expected, agrees, operation, unknown, explored, sampled, witnessed, vacuous} = row
  return {
    program: row.subject.name, model: row.model.name, setting, verdict, expected, agrees, operation, unknown, explored, sampled, witnessed, vacuous,
    violation: row.broken === null ? null : {
      token: row.broken.token,
      found: row.broken.found,
      sample: row.broken.sample,
      execution: recordExecution(row.program, row.model, row.broken.run, folder, row.broken.limits),
      failure: row.broken.failure,
      why: recordWhy(row.program, row.model, row.broken.run, row.broken.failure),
    },
  }
}

/** One execution, by itself: what `replay --json` writes. Source files inside `folder` are given relative to it. */
export function recordExecution(program: AnyProgram, model: Model, run: Run, folder = '', limits: Limits = {}): RecordedExecution {
  const {execution} = run
  const sites = userSites(program, model, run, folder, limits)
  const names = new Map(operationsOf(program, model, execution).flatMap(({events, name}) => events.map(id => [id, name] as const)))
  const event = ({id, thread, position, label, location}: Event): RecordedEvent => ({
    id, position, kind: label.kind, tags: label.tags,
    thread: program.threads[thread]?.name ?? null,
    location: location?.name ?? null,
    value: recordScalar(execution.values[id] ?? null),
    operation: names.get(id) ?? null,
    places: sites[id] ?? [],
  })
  return {
    path: run.path, events: execution.events.map(event), rf: execution.given.rf, co: execution.given.co,
    returned: recordValue(run.returned), failures: run.failures,
  }
}

function recordWhy(program: AnyProgram, model: Model, run: Run, failure: Failure): RecordedViolation['why'] {
  if (failure.kind === 'panic' || failure.kind === 'fault' || failure.kind === 'deadlock') return null
  const spelling = operationsOf(program, model, run.execution).find(({vocabulary}) => vocabulary !== null)?.vocabulary
  const reason = why(model, run.execution, failure, spelling ?? 'kernel')
  if (reason.kind !== 'missing') return {kind: reason.kind, missing: [], axiom: null, cycle: []}
  return {
    kind: reason.kind,
    missing: reason.missing.map(({before, after, remedy, place}) => ({before, after, remedy, place})),
    axiom: reason.forbidden?.axiom ?? null,
    cycle: reason.forbidden?.cycle ?? [],
  }
}

function recordScalar(scalar: Scalar | null): RecordedScalar | null {
  return scalar === null || typeof scalar === 'number' ? scalar : showScalar(scalar)
}

/** A returned value without anything that JSON cannot say. */
function recordValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(recordValue)
  if (typeof value === 'object' && value !== null) {
    if ('kind' in value && value.kind === 'location' && 'name' in value) return `&${String(value.name)}`
    return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, recordValue(field)]))
  }
  return value === undefined ? null : value
}
