#!/usr/bin/env node
/** The command: flags, progress, exit codes. The only file that prints, reads the clock and exits. */
import {existsSync, readFileSync, writeFileSync} from 'node:fs'
import {availableParallelism} from 'node:os'
import {getHeapStatistics, setFlagsFromString} from 'node:v8'
import {runInNewContext} from 'node:vm'
import {CommanderError} from 'commander'
import pc from 'picocolors'
import {engineVersion, Misfit, models, namedModels, NoMapping, Nondeterminism, OtherCopy, TooManyEvents, type Model} from '../lib/index.ts'
import {designs} from './designs.ts'
import {again, BadProgram, defaultSearch, evaluate, outcomeOf, type Allowance, type Budgets, type Row, type Search, type Subject} from './evaluate.ts'
import {commandLine, defaultMegabytes, withDefault, type Flags, type LitmusFlags} from './flags.ts'
import {BadTable} from './litmus/expect.ts'
import {litmusCommand, NoTests} from './litmus/command.ts'
import {BadCycle, generated} from './litmus/generate.ts'
import type {Gauges} from './litmus/ask.ts'
import {askAll, type Share} from './litmus/pool.ts'
import {BadModule, loadModule, type Loaded} from './load.ts'
import {builtIn, clientNamed, modelNamed, mustHaveHelp, subjectNamed, UnknownName} from './names.ts'
import {designRows, designTasks, received, Workers, type DesignTask, type SentRow} from './pool.ts'
import {recordExecution, recordOf, recordVersion} from './record.ts'
import {failureReport, noPaint, type Paint} from './report.ts'
import {rowReport, showcase} from './showcase.ts'
import {casesOf, defaultSetting, expectedIn, hasHeap, showSettings} from './setting.ts'
import {userSites} from './sites.ts'
import {settingsLine, showExpectation, summaryTable, verdictLines} from './summary.ts'
import {BadToken, parseToken, printToken, shortName, type Token} from './token.ts'
import {RustError} from './rust/source.ts'
import {checkDepth, deepDepth, smallDepth, wrapperOutcome, type Depth, type WrapperRow} from './wrapper/evaluate.ts'
import {lookAt, type Clock, type Look, type WrapperFindings, type WrapperTask} from './wrapper/pool.ts'
import {recordSpectrum, recordWrappers} from './wrapper/record.ts'
import {repairBudget, repairsOf} from './wrapper/repair.ts'
import {clientReport} from './wrapper/report.ts'
import {clientShowcase, clientSubject} from './wrapper/showcase.ts'
import {spectrumOutcome} from './wrapper/spectrum.ts'
import {dependences, type Dependence} from './wrapper/fragile.ts'
import {dependenceLines, spectrumLines, spectrumTable} from './wrapper/spectrum-table.ts'
import {ablate, type Ablation} from './wrapper/ablate.ts'
import {ablationLines, ablationTable} from './wrapper/ablation-table.ts'
import {depthLine, wrapperLines, wrapperTable} from './wrapper/table.ts'
import {MisfitBody, type Wrapper} from './wrapper/wrapper.ts'
import {catalogue} from './wrappers/index.ts'

const megabyte = 2 ** 20

const exits = {fine: 0, differs: 1, usage: 2, unknown: 3, bug: 70} as const
type Exit = (typeof exits)[keyof typeof exits]

/** The question was wrong. The message says how, and what would be right. */
class Usage extends Error {
  override readonly name = 'Usage'
}

/** What the user is told to type: in a clone, or where the package is installed. */
const command = import.meta.url.endsWith('.ts') ? 'npm start --' : 'npx tearproof'

// ---- The commands ----------------------------------------------------------------------------------

/** `evaluate [name…]` */
async function evaluateDesigns(names: readonly string[], flags: Flags): Promise<Exit> {
  if (names.length === 0) return await run({subjects: designs, wrappers: catalogue}, smallDepth, flags)
  return await run(together(names.map(name => builtIn(name, command))), deepDepth, flags)
}

/** `check FILE…` */
async function checkFiles(files: readonly string[], flags: Flags): Promise<Exit> {
  const loaded: Loaded[] = []
  for (const file of files) loaded.push(await loadModule(file, process.cwd()))
  return await run(together(loaded), checkDepth, flags)
}

function together(parts: readonly Loaded[]): Loaded {
  return {subjects: [...new Set(parts.flatMap(({subjects}) => subjects))], wrappers: [...new Set(parts.flatMap(({wrappers}) => wrappers))]}
}

/** `replay TOKEN` */
async function replayToken(text: string, flags: Flags): Promise<Exit> {
  const token = withSetting(parseToken(text), flags)
  const client = await clientNamed(token.program, process.cwd())
  const subject = client === null ? await subjectNamed(token.program, process.cwd()) : clientSubject(client.wrapper, client.numbered)
  const program = subject.program()
  const model = modelNamed(token.model)
  const setting = hasHeap(program) ? token.setting : null
  const limits = {bound: token.bound, ...setting}
  const found = again(program, model, token)
  if (found === null) throw new Usage(`the execution that ${text} points at has no end: it goes over the loop bound of ${token.bound}, or into a dead end`)
  if (flags.json !== undefined) writeJson(flags.json, {format: 'tearproof', version: recordVersion, engine: engineVersion, token: text, execution: recordExecution(program, model, found, process.cwd(), limits)})
  const wanted = expectedIn(subject.expected, model.name, setting)
  const failure = found.failures.find(each => wanted?.verdict === 'broken' && 'claim' in each && each.claim === wanted.by) ?? found.failures[0]
  if (flags.quiet !== true && flags.json !== '-') {
    const [replay, how] = [`${command} replay ${printToken(token)}`, {paint: paintFor(process.stdout), verbose: flags.verbose ?? false}]
    if (client !== null) say(clientReport({...client, program, model, run: found, failure: failure ?? null, limits, command: replay}, how))
    else say(failureReport({name: shortName(subject.name), program, model, setting, run: found, command: replay, sites: userSites(program, model, found, '', limits), ...failure === undefined ? {} : {failure}}, how))
  }
  return found.failures.length === 0 ? exits.fine : exits.differs
}

/** The same choices, judged in another regime if the flags say so. Where addresses come back is part of the choices. */
function withSetting(token: Token, {regime = [], reuse, leaks}: Flags): Token {
  if (regime.length > 1) throw new Usage('a replay is judged in one regime: give --regime once')
  if (reuse === false && token.setting.reuse) throw new Usage('--no-reuse is for evaluate and check: the choices of a token count the addresses that come back')
  return {...token, setting: {...token.setting, regime: regime[0] ?? token.setting.regime, leaks: leaks ?? token.setting.leaks}}
}

/** `litmus FILE|DIR…` */
async function judgeLitmusTests(paths: readonly string[], flags: LitmusFlags): Promise<Exit> {
  if (flags.generate !== undefined) return writeLitmusTests(flags.generate, paths, flags)
  if (flags.dialect !== undefined) throw new Usage('--dialect is for --generate: a test says itself what it is written in')
  const output = new Output()
  const progress = new Progress(flags.quiet === true)
  const {unread, differ, unknown, bugs} = await litmusCommand(paths, {
    model: flags.model === undefined ? null : modelNamed(flags.model).name,
    bound: flags.bound ?? defaultSearch.bound, seconds: flags.seconds ?? null, megabytes: megabytesFor(flags), expect: flags.expect ?? null, jobs: flags.jobs ?? 1,
    first: flags.first ?? false, witness: flags.witness ?? false, json: flags.json ?? false, verbose: flags.verbose ?? false, quiet: flags.quiet ?? false,
  }, {
    ...gauges(), worker: {module: import.meta.url, name: 'litmusWorker'},
    out: text => { output.write(text) },
    err: text => {
      progress.clear()
      output.flush()
      process.stderr.write(text)
    },
    progress: (done, total, what) => { progress.show(done, total, what) },
  }).finally(() => {
    progress.clear()
    output.flush()
  })
  return exits[bugs > 0 ? 'bug' : unread > 0 ? 'usage' : differ > 0 ? 'differs' : unknown > 0 ? 'unknown' : 'fine']
}

/** `litmus --generate CYCLE…` */
function writeLitmusTests(cycles: readonly string[], paths: readonly string[], {dialect}: LitmusFlags): Exit {
  if (paths.length > 0) throw new Usage(`--generate writes tests and judges none: what is ${paths.join(' ')} for?`)
  say(generated(cycles, dialect ?? null).join('\n').trimEnd())
  return exits.fine
}

/** What the worker processes of `litmus --jobs` call. */
export function litmusWorker(share: Share): ReturnType<typeof askAll> {
  return askAll(share, gauges())
}

/** `list` */
function listAll(flags: Flags): Exit {
  const paint = paintFor(process.stdout)
  say(`${paint.bold('models')}, the strongest first`)
  for (const {name, title} of models) say(`  ${name.padEnd(6)} ${title}`)
  say(`\n${paint.bold('designs')}, each followed by its mutants`)
  for (const design of designs) {
    const indent = design.of === undefined ? '  ' : '    '
    say(`${indent}${design.name}  ${paint.dim(design.of === undefined ? design.title : `${design.change ?? ''}`)}`)
    if (flags.verbose === true) {
      say(`${indent}    ${paint.dim(design.source)}`)
      const heap = hasHeap(design.program())
      for (const {regimes, reuse = true, expected} of casesOf(design.expected)) {
        if (heap) say(`${indent}    ${showSettings(regimes.map(regime => ({...defaultSetting, regime, reuse})))}`)
        for (const [model, each] of Object.entries(expected)) say(`${indent}    ${heap ? '  ' : ''}${model.padEnd(6)} ${showExpectation(each)}`)
      }
    }
  }
  say(`\n${paint.bold('wrappers')}, sound or not`)
  for (const {name, title, source, expected} of catalogue) {
    say(`  ${name}  ${paint.dim(title)}`)
    if (flags.verbose !== true) continue
    say(`      ${paint.dim(source)}`)
    for (const [model, isBroken] of Object.entries(expected.broken)) say(`      ${model.padEnd(6)} ${isBroken ? 'unsound' : 'no violation found'}`)
  }
  return exits.fine
}

// ---- What evaluate and check share -----------------------------------------------------------------

async function run({subjects, wrappers}: Loaded, least: Depth, flags: Flags): Promise<Exit> {
  const asked = flags.model?.map(modelNamed) ?? null
  const chosen = asked && namedModels.filter(model => asked.includes(model))
  const both = subjects.length > 0 && wrappers.length > 0
  const budgets = {seconds: flags.seconds === undefined ? null : both ? flags.seconds / 2 : flags.seconds, megabytes: megabytesFor(flags)}
  const timer = new Timer(budgets, flags.quiet === true)
  const search = searchFrom(flags, timer)
  if (flags.json !== undefined && flags.json !== '-') writeFile(flags.json, '', 'a') // now, not after minutes of work
  const text = flags.json !== '-'
  const told = text && flags.quiet !== true
  const judging = chosen ?? models
  const depth = {...least, ...depthFlags(flags)}
  const deadline = flags.seconds === undefined ? null : Date.now() + flags.seconds * 1000
  const look: Look = {depth, models: chosen?.map(({name}) => name) ?? null, deadline, megabytes: budgets.megabytes}
  const workers = workersFor({subjects, wrappers}, flags)
  try {
    const rowsAsked = rowsOf(subjects, judging, search, timer, workers)
    const wrappersAsked = findingsOf(wrappers, look, workers, flags)
    if (told && subjects.length > 0) say(settingsLine(search, budgets, judging.map(model => model.name)))
    const rows = await rowsAsked()
    if (text && subjects.length > 0) report(rows, flags, paintFor(process.stdout))
    if (told && wrappers.length > 0) say(`${both ? '\n' : ''}${depthLine(depth)}`)
    const {rows: found, standings} = await wrappersAsked()
    const fragile = least === smallDepth ? null : [...dependences(wrappers, standings, smallDepth, expiredAt(deadline, look.megabytes))]
    if (text && wrappers.length > 0) reportWrappers(wrappers, {rows: found, standings}, fragile, least === smallDepth ? null : depth, flags)
    const ablations = flags.ablate === true ? await ablationsOf(wrappers, found, {...checkDepth, sizeIs: 'least', ...depthFlags(flags)}, look, flags) : null
    if (told && ablations !== null) say(`\n${ablationTable(ablations, {paint: paintFor(process.stdout), columns: columnsOf(process.stdout)})}${ablationLines(ablations).trimEnd()}`)
    if (flags.json !== undefined) {
      writeJson(flags.json, {
        ...recordOf(rows, search, budgets, process.cwd()), wrappers: recordWrappers(wrappers, found, process.cwd()), spectrum: recordSpectrum(standings),
        ...fragile === null ? {} : {fragile}, ...ablations === null ? {} : {ablations},
      })
    }
    return worse(exits[unmappedOnly(rows) ? 'unknown' : outcomeOf(rows)], exits[wrapperOutcome(found)], exits[spectrumOutcome(standings)])
  } finally {
    await workers?.close()
  }
}

/** Processes to share the work, if there is some to share: what is built in, which they know by name. As many as there are processors, if everything is wanted. */
function workersFor({subjects, wrappers}: Loaded, {jobs}: Flags): Workers | null {
  const isBuiltIn = subjects.every(subject => designs.some(design => design === subject)) && wrappers.every(wrapper => catalogue.includes(wrapper))
  const wanted = jobs ?? (subjects.length + wrappers.length < designs.length + catalogue.length ? 1 : availableParallelism())
  return isBuiltIn && wanted > 1 ? new Workers(wanted, import.meta.url) : null
}

function worse(...outcomes: readonly Exit[]): Exit {
  return [exits.differs, exits.unknown].find(exit => outcomes.includes(exit)) ?? exits.fine
}

function depthFlags({size, clients, bound, executions}: Flags): Partial<Depth> {
  const asked = Object.fromEntries(Object.entries({size, clients, bound, executions}).filter(([, value]) => value !== undefined))
  return size === undefined ? asked : {...asked, sizeIs: 'asked'}
}

/** Asks at once, if there are processes to ask; the answer is waited for when it is called. */
function findingsOf(wrappers: readonly Wrapper[], look: Look, workers: Workers | null, flags: Flags): () => Promise<WrapperFindings> {
  const asked = workers?.ask<WrapperTask, WrapperFindings>('wrapperWorker', wrappers.map(({name}) => ({name, look})))
  const progress = new Progress(flags.quiet === true)
  const show = (done: number, row: WrapperRow | undefined): void => { progress.show(done, wrappers.length, `wrappers, ${shortName(row?.wrapper ?? '')}`) }
  return async () => {
    const all: WrapperFindings[] = []
    try {
      for await (const found of asked ?? alone(wrappers, look, row => { show(all.length, row) })) {
        all.push(found)
        show(all.length, found.rows.at(-1))
      }
      return {rows: all.flatMap(({rows}) => rows), standings: all.flatMap(({standings}) => standings)}
    } finally {
      progress.clear()
    }
  }
}

/** What each wrapper needs of what it has. */
async function ablationsOf(wrappers: readonly Wrapper[], rows: readonly WrapperRow[], depth: Depth, {deadline, megabytes}: Look, flags: Flags): Promise<readonly Ablation[]> {
  const progress = new Progress(flags.quiet === true)
  const all: Ablation[] = []
  try {
    for (const [i, wrapper] of wrappers.entries()) {
      for (const ablation of ablate(wrapper, rows, depth, expiredAt(deadline, megabytes))) {
        all.push(ablation)
        progress.show(i, wrappers.length + 1, `${shortName(wrapper.name)} ${ablation.change}`)
        await breathe()
      }
    }
    return all
  } finally {
    progress.clear()
  }
}

/** In this process. */
async function* alone(wrappers: readonly Wrapper[], look: Look, tell: (row: WrapperRow) => void): AsyncGenerator<WrapperFindings> {
  for (const wrapper of wrappers) {
    const steps = lookAt(wrapper, look, clock())
    let step = steps.next()
    for (; step.done !== true; step = steps.next()) {
      tell(step.value)
      await breathe()
    }
    yield step.value
  }
}

function expiredAt(deadline: number | null, megabytes: number): () => boolean | 'memory' {
  const {now, isFull} = clock()
  return () => (deadline !== null && now() > deadline) || (isFull(megabytes) && 'memory')
}

function clock(): Clock {
  return {...gauges(), now: () => Date.now()}
}

/** What the worker processes of `evaluate --jobs` call. */
export function wrapperWorker({name, look}: WrapperTask): WrapperFindings {
  const steps = lookAt(catalogue.find(wrapper => wrapper.name === name)!, look, clock())
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** The same for designs. */
export function designWorker({deadline, jobs, megabytes, ...task}: DesignTask & Shared): readonly SentRow[] {
  const timer = new Timer({seconds: deadline === null ? null : (deadline - Date.now()) / 1000, megabytes}, true)
  return designRows(task, (kind, rowsLeft) => timer.share(kind, Math.max(1, (rowsLeft + task.rowsAfter) / jobs)))
}

/** What all processes may use up together. */
interface Shared {
  /** In milliseconds since 1970; null: none. */
  readonly deadline: number | null
  readonly megabytes: number | null
  readonly jobs: number
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

/** As `findingsOf`. */
function rowsOf(subjects: readonly Subject[], chosen: readonly Model[], search: Search, timer: Timer, workers: Workers | null): () => Promise<readonly Row[]> {
  if (workers === null) return () => rowsHere(subjects, chosen, search, timer)
  const shared: Shared = {deadline: timer.deadline, megabytes: timer.megabytes, jobs: workers.jobs}
  const asked = workers.ask<DesignTask & Shared, readonly SentRow[]>('designWorker', designTasks(subjects, chosen, search).map(task => ({...task, ...shared})))
  return async () => {
    const rows: Row[] = []
    let done = 0
    try {
      for await (const sent of asked) {
        rows.push(...received(subjects[done]!, chosen, search, sent))
        timer.starts(++done, subjects.length, `designs, ${subjects[done]?.name ?? ''}`)
      }
      return rows
    } finally {
      timer.clear()
    }
  }
}

async function rowsHere(subjects: readonly Subject[], chosen: readonly Model[], search: Search, timer: Timer): Promise<readonly Row[]> {
  const steps = evaluate(subjects, chosen, search)
  try {
    for (;;) {
      const step = steps.next()
      if (step.done) return step.value
      if (step.value.kind === 'starts') timer.starts(step.value.done, step.value.total, `${step.value.subject.name} under ${step.value.model.name}`)
      else await breathe()
    }
  } finally {
    timer.clear()
  }
}

/** Lets signals and output through between two rows. */
function breathe(): Promise<void> {
  return new Promise(resolve => { setImmediate(resolve) })
}

function report(rows: readonly Row[], flags: Flags, paint: Paint): void {
  const verbose = flags.verbose ?? false
  const columns = columnsOf(process.stdout)
  if (flags.quiet !== true) say(`\n${summaryTable(rows, {paint, verbose, columns})}`)
  say(verdictLines(rows, {paint, quiet: flags.quiet ?? false}).trimEnd())
  if (flags.quiet === true) return
  const {shown, left} = showcase(rows)
  for (const row of shown) say(`\n${rowReport(row, rows, command, {paint, verbose}).trimEnd()}`)
  if (left > 0) say(`\n  ${left} more ${left === 1 ? 'program' : 'programs'} broke; \`${command} replay TOKEN\` shows how.`)
}

/** Is there a program that no model could be asked about? */
function unmappedOnly(rows: readonly Row[]): boolean {
  return [...new Set(rows.map(row => row.subject))].some(subject =>
    rows.every(row => row.subject !== subject || (row.verdict === 'no mapping' && row.expected === null)))
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

function version(): string {
  const file = ['../package.json', '../../package.json'].map(path => new URL(path, import.meta.url)).find(url => existsSync(url))
  return file === undefined ? 'unknown' : (JSON.parse(readFileSync(file, 'utf8')) as {version: string}).version
}

// ---- Time, memory and progress -----------------------------------------------------------------------------

/** The memory that searches may use up. More than Node.js has would end in a crash. */
function megabytesFor({memory}: Pick<Flags, 'memory'>): number {
  const all = Math.floor(getHeapStatistics().heap_size_limit / megabyte)
  if (memory === undefined) return Math.min(defaultMegabytes, Math.floor(0.8 * all))
  if (memory > all) throw new Usage(`--memory ${memory} is more than the ${all.toLocaleString('en')} MB that Node.js has here; NODE_OPTIONS=--max-old-space-size=${memory} gives it more`)
  return memory
}

/** A clock, and a gauge of the memory in use. That is asked often and looks seldom; garbage is collected before it counts. */
function gauges(): Gauges {
  let nextLook = 0
  return {
    clock: () => performance.now(),
    isFull: megabytes => {
      if (performance.now() < nextLook) return false
      nextLook = performance.now() + 100
      if (megabytesInUse() <= megabytes) return false
      collectGarbage()
      const isFull = megabytesInUse() > megabytes
      nextLook = isFull ? 0 : performance.now() + 1000 // collecting takes time: not at every look
      return isFull
    },
  }
}

function megabytesInUse(): number {
  const {heapUsed, external} = process.memoryUsage()
  return (heapUsed + external) / megabyte
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
}

/** Shares the time among the rows, and shows on stderr how far it is, where that is a terminal. */
class Timer {
  readonly #started = Date.now()
  readonly #budgets: Budgets
  readonly #isFull = gauges().isFull
  readonly #isOn: boolean
  #total = 0
  #what = ''
  #done = 0
  #shown = 0

  constructor(budgets: Budgets, isQuiet: boolean) {
    this.#budgets = budgets
    this.#isOn = process.stderr.isTTY && !isQuiet
  }

  /** In milliseconds since 1970; null if there is time without end. */
  get deadline(): number | null {
    return this.#budgets.seconds === null ? null : this.#started + this.#budgets.seconds * 1000
  }

  get megabytes(): number | null {
    return this.#budgets.megabytes
  }

  /** A fair part of what is left: most of it to explore, the rest to sample. */
  share(kind: 'explore' | 'sample', rowsLeft: number): Allowance {
    const {seconds, megabytes} = this.#budgets
    const expired = (end: number) => (): boolean | 'memory' => {
      this.#show()
      return Date.now() > end || (megabytes !== null && this.#isFull(megabytes) && 'memory')
    }
    const memory = megabytes === null ? {} : {megabytes}
    if (seconds === null) return {expired: expired(Infinity), ...memory}
    const now = Date.now()
    const left = Math.max(0, this.#started + seconds * 1000 - now) / rowsLeft
    const own = kind === 'explore' ? 0.8 * left : left
    return {expired: expired(now + own), seconds: own / 1000, ...memory}
  }

  starts(done: number, total: number, what: string): void {
    this.#done = done
    this.#total = total
    this.#what = what
    this.#show()
  }

  #show(): void {
    const now = Date.now()
    if (!this.#isOn || now - this.#shown < 200) return
    this.#shown = now
    const elapsed = Math.round((now - this.#started) / 1000)
    const line = `${this.#done} of ${this.#total}, ${elapsed} s: ${this.#what}`
    process.stderr.write(`\r\x1b[K${line.slice(0, process.stderr.columns - 1)}`)
  }

  clear(): void {
    if (this.#shown > 0) process.stderr.write('\r\x1b[K')
  }
}

/** A line on stderr that says how far many tests are, where that is a terminal. */
class Progress {
  readonly #on: boolean
  #shown = 0
  #visible = false

  constructor(quiet: boolean) {
    this.#on = process.stderr.isTTY && !quiet
  }

  show(done: number, total: number, what: string): void {
    if (!this.#on || total < 2 || Date.now() - this.#shown < 200) return
    this.#shown = Date.now()
    this.#visible = true
    process.stderr.write(`\r\x1b[K${`${done} of ${total}: ${what}`.slice(0, process.stderr.columns - 1)}`)
  }

  clear(): void {
    if (this.#visible) process.stderr.write('\r\x1b[K')
    this.#visible = false
  }
}

// ---- Output ----------------------------------------------------------------------------------------

/** Stdout in large pieces, but none kept back for long. */
class Output {
  #kept: string[] = []
  #size = 0
  #since = 0

  write(text: string): void {
    if (this.#kept.length === 0) this.#since = Date.now()
    this.#kept.push(text)
    this.#size += text.length
    if (this.#size > 65536 || Date.now() - this.#since > 100) this.flush()
  }

  flush(): void {
    if (this.#kept.length > 0) process.stdout.write(this.#kept.join(''))
    this.#kept = []
    this.#size = 0
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function paintFor(stream: NodeJS.WriteStream): Paint {
  if (!pc.isColorSupported || (!stream.isTTY && process.env['FORCE_COLOR'] === undefined)) return noPaint
  return {red: pc.red, green: pc.green, yellow: pc.yellow, dim: pc.dim, bold: pc.bold}
}

function columnsOf({isTTY, columns}: NodeJS.WriteStream): number {
  return isTTY ? columns : Infinity
}

function writeJson(file: string, value: unknown): void {
  const text = `${JSON.stringify(value, null, 2)}\n`
  if (file === '-') process.stdout.write(text)
  else writeFile(file, text)
}

function writeFile(file: string, text: string, flag: 'w' | 'a' = 'w'): void {
  try {
    writeFileSync(file, text, {flag})
  } catch (error) {
    throw new Usage(`cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Errors that are the answer to a wrong question; everything else is a bug of ours. */
const wrongInput = [Usage, UnknownName, BadTable, NoTests, BadCycle, BadToken, BadModule, BadProgram, Misfit, Nondeterminism, TooManyEvents, NoMapping, OtherCopy, RustError, MisfitBody]

function explain(error: unknown): Exit {
  if (error instanceof CommanderError) return explainCommander(error)
  if (error instanceof Error && wrongInput.some(kind => error instanceof kind)) {
    process.stderr.write(`tearproof: ${error.message}\n`)
    return exits.usage
  }
  process.stderr.write([
    'tearproof: this is a bug in Tearproof, not in your program. Please report it, with these lines:', '',
    `  tearproof ${version()}, engine ${engineVersion}, Node.js ${process.version}, ${process.platform} ${process.arch}`,
    `  arguments: ${process.argv.slice(2).join(' ')}`,
    ...(error instanceof Error ? error.stack ?? error.message : String(error)).split('\n').map(line => `  ${line}`), '',
  ].join('\n'))
  return exits.bug
}

function explainCommander({code, message, exitCode}: CommanderError): Exit {
  if (exitCode === 0 || code === 'commander.help' || code === 'commander.helpDisplayed' || code === 'commander.version') return exits.fine
  process.stderr.write(`tearproof: ${message.replace(/^error: /, '')}\n`)
  return exits.usage
}

async function main(args: readonly string[]): Promise<Exit> {
  for (const name of ['TEARPROOF_SEED', 'TEARPROOF_RUNS']) if (process.env[name] === '') delete process.env[name]
  let exit: Exit = exits.fine
  const root = commandLine(version(), {
    evaluate: async (names, flags) => { exit = await evaluateDesigns(names, flags) },
    check: async (files, flags) => { exit = await checkFiles(files, flags) },
    replay: async (token, flags) => { exit = await replayToken(token, flags) },
    litmus: async (paths, flags) => { exit = await judgeLitmusTests(paths, flags) },
    list: flags => { exit = listAll(flags) },
  })
  try {
    const commands = root.commands.map(each => each.name())
    mustHaveHelp(args, commands)
    await root.parseAsync([...withDefault(args, commands)], {from: 'user'})
    return exit
  } catch (error) {
    return explain(error)
  }
}

// a reader that has seen enough (`| head`) is no error
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})
if (!isWorker()) process.exitCode = await main(process.argv.slice(2))

/** Has `litmus --jobs` loaded this file for `litmusWorker` alone? Tinypool's workers say so of themselves. */
function isWorker(): boolean {
  return '__tinypool_state__' in process
}
