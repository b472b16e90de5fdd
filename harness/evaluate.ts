/**
 * Programs × models within a budget → rows: what was found, how far it was looked, and whether that is
 * what was expected. Pure: the caller owns clock and gauge, and hears of every row before and after it is done.
 */
import {
  engineVersion, explore, Nondeterminism, NoMapping, reduce, replay, sample, sampleOne, TooManyEvents, WrongInput, type Counts, type Failure, type FinalMemory, type Limits, type Model, type Path, type Run, type Strategy, type Unknown, type Verdict,
} from '../lib/index.ts'
import {withClaim, type Design, type Expectation} from './design.ts'
import type {AnyProgram} from './operations.ts'
import {defaultSetting, expectedIn, hasHeap, isSameSetting, settingsOf, type Setting, type Wanted} from './setting.ts'
import {defaultBound, printToken, type Token} from './token.ts'

/** A program to be evaluated: a design, or what a module exports. Its name is the one that stands in tokens. */
export type Subject = Pick<Design, 'name' | 'program'> & Partial<Design>

/** How to look. */
export interface Search extends Wanted {
  /**
   * `thorough`: explore every execution, and sample if the budget ends first.
   * `exhaustive`: explore only. `sample`: sample only.
   */
  readonly mode: 'thorough' | 'exhaustive' | 'sample'
  /** Complete executions to explore per row. */
  readonly executions: number
  readonly bound: number
  readonly seed: string
  /** Executions to sample per row. */
  readonly runs: number
  readonly strategy: Strategy
  /** Called when a search begins: what it may use up. */
  readonly allow: (search: 'explore' | 'sample', rowsLeft: number) => Allowance
}

/** What a search may use up: asked now and then whether to stop; in seconds and megabytes for the wording. */
export type Allowance = Pick<Limits, 'expired' | 'seconds' | 'megabytes'>

/** What all searches together may use up. Null: as much as it takes. */
export interface Budgets {
  readonly seconds: number | null
  readonly megabytes: number | null
}

/** What a search does if it is not told otherwise. Without clock and gauge: the same everywhere. */
export const defaultSearch: Search = {
  mode: 'thorough', executions: 1_000_000, bound: defaultBound, seed: '1', runs: 2000, strategy: 'random', regimes: null, reuse: true, leaks: false, allow: () => ({}),
}

/** One program under one model, and in one setting. */
export interface Row {
  readonly subject: Subject
  readonly program: AnyProgram
  readonly model: Model
  /** Null if the program has no heap. */
  readonly setting: Setting | null
  readonly verdict: 'holds' | 'broken' | 'unknown' | 'no mapping'
  /** The operation that the model has no mapping for. */
  readonly operation: string | null
  /** Complete executions explored, and executions sampled. */
  readonly explored: Counts | null
  readonly sampled: Counts | null
  readonly unknown: readonly Unknown[]
  readonly witnessed: Readonly<Record<string, number>>
  /** Witnesses that no execution of a complete search shows, so that the claims may hold of nothing. */
  readonly vacuous: readonly string[]
  readonly broken: Broken | null
  readonly expected: Expectation | null
  /** Null if there is nothing to compare. */
  readonly agrees: boolean | null
}

/** What broke, as data: the execution is replayed from its path. */
export interface Breakage {
  /** The paths of the failing execution as found, and made smaller. */
  readonly found: Path
  readonly path: Path
  /** Which of the run's failures the row is about. */
  readonly failure: Failure
  /** The index of the sample in which it was found; null if exploring found it. */
  readonly sample: number | null
  readonly token: string
  /** What a replay must be told. */
  readonly limits: Limits
}

export interface Broken extends Breakage {
  /** The failing execution, made smaller. */
  readonly run: Run
}

/** With its execution, made again when it is first asked for. */
export function withRun(program: AnyProgram, model: Model, breakage: Breakage, known: Run | null = null): Broken {
  let run = known
  return {...breakage, get run() { return run ??= replay(program, model, breakage.path, breakage.limits) }}
}

/** What a caller hears while rows are made. */
export type Progress =
  | {readonly kind: 'starts'; readonly subject: Subject; readonly model: Model; readonly done: number; readonly total: number}
  | {readonly kind: 'done'; readonly row: Row; readonly done: number; readonly total: number}

/** Evaluates every subject, in every setting asked for or stated, under every model, in this order. */
export function* evaluate(subjects: readonly Subject[], models: readonly Model[], search: Search): Generator<Progress, readonly Row[]> {
  const rows: Row[] = []
  const cases = casesIn(subjects, search)
  const total = cases.length * models.length
  for (const {subject, program, setting} of cases) {
    for (const model of models) {
      yield {kind: 'starts', subject, model, done: rows.length, total}
      rows.push(evaluateOne(subject, program, model, search, setting, total - rows.length))
      yield {kind: 'done', row: rows.at(-1)!, done: rows.length, total}
    }
  }
  return rows
}

/** The programs and settings that there are rows of, one per model. */
export function casesIn(subjects: readonly Subject[], search: Wanted): readonly Pick<Row, 'subject' | 'program' | 'setting'>[] {
  return subjects.flatMap(subject => {
    const program = subject.program()
    return settingsIn(subject, program, search).map(setting => ({subject, program, setting}))
  })
}

/** Null stands for a program to which it does not matter. */
function settingsIn(subject: Subject, program: AnyProgram, search: Wanted): readonly (Setting | null)[] {
  return hasHeap(program) ? settingsOf(subject.expected, search) : [null]
}

/** A program that cannot be checked: its own fault, told with its name. */
export class BadProgram extends WrongInput {
  override readonly name = 'BadProgram'
}

/** The program, whose claims and witnesses say so when they throw. */
export function guarded(program: AnyProgram): AnyProgram {
  const guard = (kind: string, conditions: AnyProgram['claims']): AnyProgram['claims'] => Object.fromEntries(
    Object.entries(conditions).map(([name, condition]) => [name, (returned: never, final: FinalMemory): boolean => {
      try {
        return condition(returned, final)
      } catch (error) {
        throw new BadProgram(`the ${kind} “${name}” of ${program.name} threw: ${error instanceof Error ? error.message : String(error)}`)
      }
    }]))
  return {...program, claims: guard('claim', program.claims), witnesses: guard('witness', program.witnesses)}
}

/**
 * One row. The setting is the first that is asked for or stated, unless it is given.
 * `rowsLeft`, this one included, is for `search.allow`. @throws {BadProgram} if the program cannot be checked.
 */
export function evaluateOne(
  subject: Subject, given: AnyProgram, model: Model, search: Search, setting = settingsIn(subject, given, search)[0] ?? null, rowsLeft = 1,
): Row {
  const program = guarded(given)
  const about: About = {subject, program, model, setting, expected: expectedIn(subject.expected, model.name, setting)}
  const {expected} = about
  try {
    const found = look(about, search, {}, rowsLeft)
    const row = rowOf(about, search, found)
    if (expected?.verdict !== 'broken' || row.verdict !== 'broken' || row.agrees === true) return row
    // it broke something else: does it also break what it should?
    const again = Object.hasOwn(program.claims, expected.by)
      ? look({...about, program: withClaim(program, expected.by)}, search, {flags: []}, rowsLeft)
      : look({...about, program: {...program, claims: {}, witnesses: {}}}, search, {flags: [expected.by]}, rowsLeft)
    return failingOf(again) === null ? row : rowOf(about, search, again)
  } catch (error) {
    if (error instanceof NoMapping) return unmapped(about, error.operation)
    if (error instanceof Nondeterminism || error instanceof TooManyEvents) throw new BadProgram(`${program.name} under ${model.name}: ${error.message}`)
    throw error
  }
}

/** What a row is about. */
type About = Pick<Row, 'subject' | 'program' | 'model' | 'setting' | 'expected'>

/** What a search found: by exploring, by sampling, or by the one after the other. */
interface Found {
  readonly explored: Verdict | null
  readonly sampled: Verdict | null
}

function look({program, model, setting}: About, search: Search, only: Pick<Limits, 'flags'>, rowsLeft: number): Found {
  const limits = {...limitsOf(search), ...setting, ...only}
  const explored = search.mode === 'sample' ? null : explore(program, model, {...limits, ...search.allow('explore', rowsLeft)})
  const sampled = explored === null || (search.mode === 'thorough' && ranOut(explored))
    ? sample(program, model, {...limits, ...sampling(search), ...search.allow('sample', rowsLeft)})
    : null
  return {explored, sampled}
}

function failingOf({explored, sampled}: Found): Run | null {
  return explored?.failing ?? sampled?.failing ?? null
}

/** Did the search stop before it had seen everything within its bounds, with nothing found? */
function ranOut({verdict, unknown}: Verdict): boolean {
  return verdict === 'unknown' && unknown.some(({budget}) => budget === 'executions' || budget === 'seconds' || budget === 'memory')
}

function limitsOf({executions, bound}: Search): Limits {
  return {executions, bound}
}

function sampling({seed, runs, strategy}: Search): {seed: string; runs: number; strategy: Strategy; executions: number} {
  return {seed, runs, strategy, executions: runs}
}

function rowOf(about: About, search: Search, found: Found): Row {
  const {program, expected} = about
  const {explored, sampled} = found
  const failing = failingOf(found)
  const complete = sampled === null && explored?.verdict === 'holds' && explored.unknown.length === 0
  const verdict = failing !== null ? 'broken' : complete ? 'holds' : 'unknown'
  const witnessed = total(explored?.witnessed ?? {}, sampled?.witnessed ?? {})
  const brokenBy = failing === null ? null : broken(about, search, failing, sampled?.failingSample ?? null)
  return {
    ...about, verdict, operation: null,
    explored: explored?.counts ?? null,
    sampled: sampled?.counts ?? null,
    unknown: verdict === 'unknown' ? distinct([...explored?.unknown ?? [], ...sampled?.unknown ?? []]) : [],
    witnessed,
    vacuous: complete ? vacuous(program, explored.counts, witnessed) : [],
    broken: brokenBy,
    agrees: agrees(expected, verdict, brokenBy?.failure ?? null),
  }
}

/** Without repetitions, such as of a memory budget that ended both searches. */
function distinct(all: readonly Unknown[]): readonly Unknown[] {
  return all.filter(({budget, limit}, i) => all.findIndex(other => other.budget === budget && other.limit === limit) === i)
}

function vacuous(program: AnyProgram, {executions}: Counts, witnessed: Readonly<Record<string, number>>): readonly string[] {
  return executions === 0 ? ['any execution that ends'] : Object.keys(program.witnesses).filter(name => !witnessed[name])
}

function agrees(expected: Expectation | null, verdict: Row['verdict'], failure: Failure | null): boolean | null {
  if (expected === null || verdict === 'unknown') return null
  if (expected.verdict !== verdict) return false
  return expected.verdict !== 'broken' || (failure !== null && is(failure, expected.by))
}

/** Is the failure of this claim or flag? */
function is(failure: Failure, by: string): boolean {
  switch (failure.kind) {
    case 'claim': case 'check': return failure.claim === by
    case 'flag': return failure.flag === by
    case 'fault': return failure.fault === by
    case 'panic': case 'deadlock': return failure.kind === by
  }
}

function total(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries([...new Set([...Object.keys(a), ...Object.keys(b)])].map(key => [key, (a[key] ?? 0) + (b[key] ?? 0)]))
}

function broken({subject, program, model, setting, expected}: About, search: Search, found: Run, sample: number | null): Broken {
  const by = expected?.verdict === 'broken' ? expected.by : null
  const wanted = (run: Run): Failure | undefined => run.failures.find(failure => by !== null && is(failure, by))
  const failure = wanted(found) ?? found.failures[0]!
  const limits = {bound: search.bound, ...setting}
  const reduced = reduce(program, model, {...found, failures: [failure]}, limits)
  const run = replay(program, model, reduced.path, limits) // as the token will: with all that fails in it
  const token = pathToken(subject.name, model, run, search.bound, setting)
  return withRun(program, model, {found: found.path, path: run.path, limits, sample, failure: sameFailure(run, failure), token}, run)
}

/** The failure of the reduced execution that is the same as the found one's; its events are others. */
function sameFailure(run: Run, found: Failure): Failure {
  return run.failures.find(failure => {
    switch (found.kind) {
      case 'claim': case 'check': return is(failure, found.claim)
      case 'flag': return is(failure, found.flag)
      case 'fault': return is(failure, found.fault)
      case 'panic': case 'deadlock': return failure.kind === found.kind
    }
  }) ?? run.failures[0] ?? found
}

/** The token of an execution that was found. */
function pathToken(program: string, model: Model, run: Run, bound: number, setting: Setting | null): string {
  return printToken({program, model: model.name, version: engineVersion, pointer: {kind: 'path', path: run.path}, bound, setting: setting ?? defaultSetting})
}

/** The execution that a token points at; null if it has no end. @throws {Misfit} if the program no longer fits the path. */
export function again(program: AnyProgram, model: Model, {pointer, bound, setting}: Token): Run | null {
  if (pointer.kind === 'path') return replay(guarded(program), model, pointer.path, {bound, ...setting})
  const {seed, strategy, index} = pointer
  return sampleOne(guarded(program), model, {seed, strategy, runs: index + 1, bound, ...setting}, index)
}

function unmapped(about: About, operation: string): Row {
  const {expected} = about
  return {
    ...about, verdict: 'no mapping', operation, explored: null, sampled: null, unknown: [], witnessed: {}, vacuous: [],
    broken: null, agrees: expected === null ? null : expected.verdict === 'no mapping' && expected.operation === operation,
  }
}

/** A mutant that no model tells from what it is a mutant of. */
export interface Redundant {
  readonly subject: Subject
  /** The models under which both were decided. */
  readonly models: readonly string[]
}

/** Mutants whose verdict is that of the original under every model that decided both. */
export function redundantOf(rows: readonly Row[]): readonly Redundant[] {
  const subjects = [...new Set(rows.map(row => row.subject))].filter(subject => subject.of !== undefined)
  return subjects.flatMap((subject): Redundant[] => {
    const own = rows.filter(row => row.subject === subject && row.verdict !== 'no mapping')
    const decided = own.flatMap(row => {
      const original = rows.find(other => other.subject.name === subject.of && other.model === row.model && isSameSetting(other.setting, row.setting))
      return original === undefined ? [] : [{row, original}]
    })
    const open = own.some(row => row.verdict === 'unknown') || decided.length === 0
    if (open || decided.some(({row, original}) => row.verdict !== original.verdict)) return []
    return [{subject, models: decided.map(({row}) => row.model.name)}]
  })
}

/** What all rows together mean for the exit code. */
export function outcomeOf(rows: readonly Row[]): 'fine' | 'differs' | 'unknown' {
  if (rows.some(differs)) return 'differs'
  return rows.some(row => row.verdict === 'unknown') ? 'unknown' : 'fine'
}

/** A row that is not as it should be: not the expected verdict, broken without being expected to, or vacuous. */
export function differs(row: Row): boolean {
  return row.agrees === false || (row.expected === null && row.verdict === 'broken') || row.vacuous.length > 0
}
