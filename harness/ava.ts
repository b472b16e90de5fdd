/**
 * Macros for ava, so that a test file reads like a specification:
 *
 *     test('a reader sees both halves of an update or neither', holds, pair(), lkmm)
 *     test('and some reader does see the update', reaches, pair(), lkmm)
 *     test('without its read barriers the halves come apart', breaks, pair(withoutBarriers), lkmm)
 *     test('no small safe client breaks the lock', sound, lock, lkmm)
 *     test('without its read barrier some client does', unsound, withoutBarrier, lkmm, {by: 'no torn value'})
 *
 * By default every execution is explored, and what does not fit in the budget fails. TEARPROOF_RUNS=N and
 * TEARPROOF_SEED=TEXT sample instead, and TEARPROOF_TOKEN=TOKEN runs one execution of its program again.
 */
import type {ExecutionContext, Macro} from 'ava'
import {executions, sample, type Model, type Regime, type Run, type Strategy} from '../lib/index.ts'
import {again, defaultSearch, evaluateOne, type Row, type Search, type Subject} from './evaluate.ts'
import type {AnyProgram} from './operations.ts'
import {failureReport, nameOfFailure, showUnknown} from './report.ts'
import {userSites} from './sites.ts'
import {defaultSetting, hasHeap, isSameSetting, type Setting} from './setting.ts'
import {parseToken} from './token.ts'
import {partsOfClientName} from './wrapper/clients.ts'
import {checkDepth, smallDepth, type Depth} from './wrapper/depth.ts'
import {evaluateWrapper, tokenOf, type WrapperRow} from './wrapper/evaluate.ts'
import {clientReport} from './wrapper/report.ts'
import {clientAt, clientRun, clientSubject} from './wrapper/showcase.ts'
import {severest} from './wrapper/soundness.ts'
import type {Wrapper} from './wrapper/wrapper.ts'

export interface TestOptions {
  /** Complete executions to explore at the most; default 1,000,000. */
  readonly executions?: number
  /** Rounds of a loop marked with `iteration()`; default 3. */
  readonly bound?: number
  /** Sample this many executions instead of exploring all of them: a pass then proves nothing. */
  readonly runs?: number
  readonly seed?: string
  readonly strategy?: Strategy
  /** Of a program with a heap: what may be done with pointers to dead objects; default `strict`. */
  readonly regime?: Regime
  /** May freed addresses come back? Default true. */
  readonly reuse?: boolean
  /** Do objects that nothing leads to at the end count as failures? Default false. */
  readonly leaks?: boolean
  /** For `breaks`: the claim, or the flag of the model, that must break. */
  readonly by?: string
  /** For `reaches`: this witness alone. */
  readonly witness?: string
}

type Arguments = [program: AnyProgram, model: Model, options?: TestOptions]

/** Every execution of the program satisfies all its claims, and none is flagged. */
export const holds: Macro<Arguments> = {
  exec(t, program, model, options = {}) {
    if (replayed(t, program, model, options)) return
    const row = evaluated(program, model, options)
    switch (row.verdict) {
      case 'holds':
        if (row.explored!.executions > 0) t.pass()
        else t.fail(`${program.name} under ${model.name}: no execution comes to an end, so that nothing was claimed of any`)
        return
      case 'broken': t.fail(report(t, row)); return
      case 'no mapping': t.fail(unmapped(row)); return
      case 'unknown':
        if (row.explored !== null) t.fail(`${program.name} under ${model.name}: unknown, ${row.unknown.map(showUnknown).join(', ')}. Raise options.executions or options.bound.`)
        else logSampled(t, row)
    }
  },
  title: (given, program, model) => given ?? `${program.name} holds under ${model.name}`,
}

/** Some execution breaks the program: `options.by` says what must break. */
export const breaks: Macro<Arguments> = {
  exec(t, program, model, options = {}) {
    if (replayed(t, program, model, options)) return
    const row = evaluated(program, model, options)
    if (row.verdict === 'broken' && row.agrees !== false) t.pass()
    else if (row.verdict === 'broken') t.fail(`does not break “${options.by}”, but:${report(t, row)}`)
    else if (row.verdict === 'no mapping') t.fail(unmapped(row))
    else if (row.verdict === 'holds') t.fail(`${program.name} under ${model.name}: nothing breaks in any of its ${row.explored!.executions} executions`)
    else t.fail(`${program.name} under ${model.name}: nothing broke, ${row.unknown.map(showUnknown).join(', ')}`)
  },
  title: (given, program, model) => given ?? `${program.name} breaks under ${model.name}`,
}

/** Every witness of the program (or `options.witness`) is seen in some execution. */
export const reaches: Macro<Arguments> = {
  exec(t, program, model, options = {}) {
    if (replayed(t, program, model, options)) return
    const wanted = options.witness === undefined ? Object.keys(program.witnesses) : [options.witness]
    const unknown = wanted.filter(name => !Object.hasOwn(program.witnesses, name))
    if (wanted.length === 0 || unknown.length > 0) {
      t.fail(`${program.name} has ${unknown.length > 0 ? `no witness “${unknown.join('”, “')}”` : 'no witnesses'}; declare them beside its claims`)
      return
    }
    const {missing, seen, complete} = search(program, model, wanted, searchOf(options), settingIn(options))
    if (missing.length === 0) t.pass()
    else t.fail(`${program.name} under ${model.name}: no execution shows “${missing.join('”, “')}”, of ${seen} ${complete ? '(all)' : 'looked at'}`)
  },
  title: (given, program, model) => given ?? `${program.name} reaches its witnesses under ${model.name}`,
}

export interface WrapperTestOptions {
  /** Statements of the largest client; default 3, or what the wrapper says; and 6 without threads, unless `clients` is said. */
  readonly size?: number
  /** Clients to try; default 500. */
  readonly clients?: number
  /** Rounds of a loop marked with `iteration()`; default 3. */
  readonly bound?: number
  /** Executions of one client; default 20,000. */
  readonly executions?: number
  /** For `unsound`: the claim, flag or fault that must break. */
  readonly by?: string
}

type WrapperArguments = [wrapper: Wrapper, model: Model, options?: WrapperTestOptions]

/** No small safe client of the wrapper breaks it. Says how many were run; a client that a budget cuts fails. */
export const sound: Macro<WrapperArguments> = {
  exec(t, wrapper, model, options = {}) {
    if (replayedClient(t, wrapper, model)) return
    const row = wrapperRow(wrapper, model, options)
    if (row.verdict === 'unsound') t.fail(clientText(t, wrapper, row))
    else if (row.verdict === 'no mapping') t.fail(`${wrapper.name} under ${model.name}: ${row.operation} has no counterpart there`)
    else if (row.clients === 0) t.fail(`${wrapper.name} has no client of up to ${row.asked} statements that can be run: raise options.size`)
    else if (row.unknown.length > 0) t.fail(`${wrapper.name} under ${model.name}: nothing broke, but ${row.unknown.length} clients were cut, ${showUnknown(row.unknown[0]!)}. Raise options.executions or options.bound.`)
    else {
      t.log(`${row.clients} clients in ${row.executions} executions; all clients up to size ${row.size}`)
      t.pass()
    }
  },
  title: (given, wrapper, model) => given ?? `no small client breaks ${wrapper.name} under ${model.name}`,
}

/** Some small safe client of the wrapper breaks it: `options.by` says what must break. */
export const unsound: Macro<WrapperArguments> = {
  exec(t, wrapper, model, options = {}) {
    if (replayedClient(t, wrapper, model)) return
    const row = wrapperRow(wrapper, model, options)
    if (row.verdict === 'no mapping') t.fail(`${wrapper.name} under ${model.name}: ${row.operation} has no counterpart there`)
    else if (row.broken === null) t.fail(`${wrapper.name} under ${model.name}: none of ${row.clients} clients breaks it; all up to size ${row.size} were tried`)
    else if (options.by !== undefined && nameOfFailure(row.broken.found.failure) !== options.by) t.fail(`does not break “${options.by}”, but:${clientText(t, wrapper, row)}`)
    else t.pass()
  },
  title: (given, wrapper, model) => given ?? `some client breaks ${wrapper.name} under ${model.name}`,
}

function wrapperRow(wrapper: Wrapper, model: Model, {size, clients, bound, executions}: WrapperTestOptions): WrapperRow {
  const asked = Object.fromEntries(Object.entries({size, clients, bound, executions}).filter(([, value]) => value !== undefined)) as Partial<Depth>
  const [row] = evaluateWrapper(wrapper, [model], {...smallDepth, ...clients === undefined ? {alone: checkDepth.alone!} : {}, ...asked, ...size === undefined ? {} : {sizeIs: 'asked'}})
  return row!
}

function clientText(t: ExecutionContext, wrapper: Wrapper, row: WrapperRow): string {
  const shown = row.broken!
  return `\n\n${clientReport({...clientRun(wrapper, row, shown, '', []), command: commandFor(t, tokenOf(row, shown))})}`
}

/** With TEARPROOF_TOKEN: runs that execution if it is of a client of this wrapper under this model. True if there is nothing more to do. */
function replayedClient(t: ExecutionContext, wrapper: Wrapper, model: Model): boolean {
  const text = variable('TOKEN')
  if (text === undefined) return false
  const token = parseToken(text)
  const parts = partsOfClientName(token.program)
  const numbered = parts?.wrapper === wrapper.name && token.model === model.name ? clientAt(wrapper, parts.ordinal) : null
  if (numbered === null) {
    t.log('not run: TEARPROOF_TOKEN is of another wrapper or model')
    t.pass()
    return true
  }
  const program = clientSubject(wrapper, numbered).program()
  const run = again(program, model, token)
  if (run === null) {
    t.fail(`the execution that ${text} points at has no end: it went over the loop bound`)
    return true
  }
  const limits = {bound: token.bound, ...token.setting}
  const told = `\n\n${clientReport({wrapper, numbered, program, model, run, limits, failure: severest(run) ?? run.failures[0] ?? null, command: commandFor(t, text)}, {verbose: true})}`
  if (run.failures.length > 0) t.fail(told)
  else {
    t.log(told)
    t.pass()
  }
  return true
}

/** The tests' environment stands in for flags. */
function variable(name: 'SEED' | 'RUNS' | 'TOKEN'): string | undefined {
  // eslint-disable-next-line no-restricted-globals -- a test run has no flags of ours
  return process.env[`TEARPROOF_${name}`] || undefined
}

function searchOf(options: TestOptions): Search {
  const runs = Number(variable('RUNS') ?? options.runs ?? defaultSearch.runs)
  if (!Number.isInteger(runs) || runs < 1) throw new RangeError(`TEARPROOF_RUNS, or options.runs, should be a number of executions, and is ${variable('RUNS') ?? options.runs}`)
  const samples = options.runs !== undefined || variable('RUNS') !== undefined || variable('SEED') !== undefined
  return {
    ...defaultSearch, runs,
    mode: samples ? 'sample' : 'exhaustive',
    seed: variable('SEED') ?? options.seed ?? defaultSearch.seed,
    executions: options.executions ?? defaultSearch.executions,
    bound: options.bound ?? defaultSearch.bound,
    strategy: options.strategy ?? defaultSearch.strategy,
  }
}

function settingIn({regime, reuse, leaks}: TestOptions): Setting {
  return {regime: regime ?? defaultSetting.regime, reuse: reuse ?? defaultSetting.reuse, leaks: leaks ?? defaultSetting.leaks}
}

function evaluated(program: AnyProgram, model: Model, options: TestOptions): Row {
  const named = {name: program.name, program: () => program}
  const subject: Subject = options.by === undefined ? named : {...named, expected: {[model.name]: {verdict: 'broken', by: options.by}}}
  return evaluateOne(subject, program, model, searchOf(options), hasHeap(program) ? settingIn(options) : null)
}

function report(t: ExecutionContext, {program, model, setting, broken}: Row): string {
  return `\n\n${failureReport({name: program.name, program, model, run: broken!.run, failure: broken!.failure, command: commandFor(t, broken!.token), sites: userSites(program, model, broken!.run, '', broken!.limits), setting})}`
}

/** Runs this test alone, on this execution alone. */
function commandFor(t: ExecutionContext, token: string): string {
  return `TEARPROOF_TOKEN=${token} npx ava --match='${t.title.replaceAll('\'', '\'\\\'\'')}'`
}

function unmapped({program, model, operation}: Row): string {
  return `${program.name} under ${model.name}: ${operation} has no counterpart there`
}

function logSampled(t: ExecutionContext, row: Row): void {
  t.log(`nothing failed in ${row.sampled?.executions ?? 0} sampled executions, which proves nothing`)
  t.pass()
}

/** Looks for executions that show the witnesses, no further than needed. */
function search(program: AnyProgram, model: Model, wanted: readonly string[], how: Search, setting: Setting): {missing: readonly string[]; seen: number; complete: boolean} {
  const unclaimed: AnyProgram = {...program, claims: {}}
  if (how.mode === 'sample') {
    const {witnessed} = sample(unclaimed, model, {...how, ...setting, executions: how.runs, flags: []})
    return {missing: wanted.filter(name => !witnessed[name]), seen: how.runs, complete: false}
  }
  const missing = new Set(wanted)
  let seen = 0
  for (const run of executions(unclaimed, model, {executions: how.executions, bound: how.bound, ...setting, flags: []})) {
    if (run.failures.length > 0) continue // blocked, or a thread threw
    seen++
    for (const name of missing) if (shows(program, name, run)) missing.delete(name)
    if (missing.size === 0) break
  }
  return {missing: [...missing], seen, complete: seen < how.executions}
}

function shows(program: AnyProgram, witness: string, run: Run): boolean {
  return program.witnesses[witness]!(run.returned as never, location => run.final[location.index]!)
}

/** With TEARPROOF_TOKEN: runs that execution if it is of this program and model. True if there is nothing more to do. */
function replayed(t: ExecutionContext, program: AnyProgram, model: Model, options: TestOptions): boolean {
  const text = variable('TOKEN')
  if (text === undefined) return false
  const token = parseToken(text)
  const isOther = token.program !== program.name || token.model !== model.name
  if (isOther || (hasHeap(program) && !isSameSetting(token.setting, settingIn(options)))) {
    t.log('not run: TEARPROOF_TOKEN is of another program, model or regime')
    t.pass()
    return true
  }
  const run = again(program, model, token)
  if (run === null) {
    t.fail(`the execution that ${text} points at has no end: it went over the loop bound`)
    return true
  }
  const sites = userSites(program, model, run, '', {bound: token.bound, ...token.setting})
  const setting = hasHeap(program) ? token.setting : null
  const told = `\n\n${failureReport({name: program.name, program, model, setting, run, command: commandFor(t, text), sites}, {verbose: true})}`
  if (run.failures.length > 0) t.fail(told)
  else {
    t.log(told)
    t.pass()
  }
  return true
}
