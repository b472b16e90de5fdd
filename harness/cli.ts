#!/usr/bin/env node
/** The command: flags, progress, exit codes. The only file that prints, reads the clock and exits. */
import {existsSync, readFileSync, writeFileSync} from 'node:fs'
import {Command, CommanderError, InvalidArgumentError, Option} from 'commander'
import {closest, distance} from 'fastest-levenshtein'
import pc from 'picocolors'
import {engineVersion, Misfit, models, NoMapping, Nondeterminism, TooManyEvents, type Dialect, type Model, type Strategy} from '../lib/index.ts'
import {designs} from './designs.ts'
import {again, BadProgram, defaultSearch, evaluate, outcomeOf, type Row, type Search, type Subject, type Time} from './evaluate.ts'
import {BadTable} from './litmus/expect.ts'
import {litmusCommand, NoTests} from './litmus/command.ts'
import {BadCycle, generated} from './litmus/generate.ts'
import {askAll, type Share} from './litmus/pool.ts'
import {BadModule, loadSubjects} from './load.ts'
import {recordExecution, recordOf, recordVersion} from './record.ts'
import {failureReport, noPaint, type Paint} from './report.ts'
import {rowReport, showcase} from './showcase.ts'
import {userSites} from './sites.ts'
import {settingsLine, showExpectation, summaryTable, verdictLines} from './summary.ts'
import {BadToken, fileOfProgram, parseToken, shortName} from './token.ts'

const exits = {fine: 0, differs: 1, usage: 2, unknown: 3, bug: 70} as const
type Exit = (typeof exits)[keyof typeof exits]

/** The question was wrong. The message says how, and what would be right. */
class Usage extends Error {
  override readonly name = 'Usage'
}

/** What the user is told to type: in a clone, or where the package is installed. */
const command = import.meta.url.endsWith('.ts') ? 'npm start --' : 'npx tearproof'

interface Flags {
  readonly model?: readonly string[]
  readonly exhaustive?: boolean
  readonly seed?: string
  readonly runs?: number
  readonly executions?: number
  readonly seconds?: number
  readonly bound?: number
  readonly strategy?: Strategy
  readonly json?: string
  readonly verbose?: boolean
  readonly quiet?: boolean
}

// ---- The commands ----------------------------------------------------------------------------------

/** `evaluate [name…]` */
async function evaluateDesigns(names: readonly string[], flags: Flags): Promise<Exit> {
  const chosen = names.length === 0 ? designs : names.flatMap(designsNamed)
  return await run(chosen, flags)
}

/** `check FILE…` */
async function checkFiles(files: readonly string[], flags: Flags): Promise<Exit> {
  const subjects: Subject[] = []
  for (const file of files) subjects.push(...await loadSubjects(file, process.cwd()))
  return await run(subjects, flags)
}

/** `replay TOKEN` */
async function replayToken(text: string, flags: Flags): Promise<Exit> {
  const token = parseToken(text)
  const subject = await subjectNamed(token.program)
  const program = subject.program()
  const model = modelNamed(token.model)
  const found = again(program, model, token)
  if (found === null) throw new Usage(`the execution that ${text} points at has no end: it goes over the loop bound of ${token.bound}, or into a dead end`)
  if (flags.json !== undefined) writeJson(flags.json, {format: 'tearproof', version: recordVersion, engine: engineVersion, token: text, execution: recordExecution(program, model, found, process.cwd())})
  const wanted = subject.expected?.[model.name]
  const failure = found.failures.find(each => wanted?.verdict === 'broken' && 'claim' in each && each.claim === wanted.by) ?? found.failures[0]
  if (flags.quiet !== true && flags.json !== '-') {
    say(failureReport({
      name: shortName(subject.name), program, model, run: found, command: `${command} replay ${text}`, sites: userSites(program, model, found), ...failure === undefined ? {} : {failure},
    }, {paint: paintFor(process.stdout), verbose: flags.verbose ?? false}))
  }
  return found.failures.length === 0 ? exits.fine : exits.differs
}

interface LitmusFlags extends Pick<Flags, 'seconds' | 'bound' | 'verbose' | 'quiet'> {
  readonly model?: string
  readonly expect?: string
  readonly json?: boolean
  readonly first?: boolean
  readonly witness?: boolean
  readonly jobs?: number
  readonly generate?: readonly string[]
  readonly dialect?: Dialect
}

/** `litmus FILE|DIR…` */
async function judgeLitmusTests(paths: readonly string[], flags: LitmusFlags): Promise<Exit> {
  if (flags.generate !== undefined) return writeLitmusTests(flags.generate, paths, flags)
  if (flags.dialect !== undefined) throw new Usage('--dialect is for --generate: a test says itself what it is written in')
  const output = new Output()
  const progress = new Progress(flags.quiet === true)
  const {unread, differ, unknown, bugs} = await litmusCommand(paths, {
    model: flags.model === undefined ? null : modelNamed(flags.model).name,
    bound: flags.bound ?? defaultSearch.bound, seconds: flags.seconds ?? null, expect: flags.expect ?? null, jobs: flags.jobs ?? 1,
    first: flags.first ?? false, witness: flags.witness ?? false, json: flags.json ?? false, verbose: flags.verbose ?? false, quiet: flags.quiet ?? false,
  }, {
    clock, worker: {module: import.meta.url, name: 'litmusWorker'},
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
  return askAll(share, clock)
}

function clock(): number {
  return performance.now()
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
      for (const [model, expected] of Object.entries(design.expected)) say(`${indent}    ${model.padEnd(6)} ${showExpectation(expected)}`)
    }
  }
  return exits.fine
}

// ---- What evaluate and check share -----------------------------------------------------------------

async function run(subjects: readonly Subject[], flags: Flags): Promise<Exit> {
  const chosen = flags.model === undefined ? models : models.filter(model => flags.model!.map(modelNamed).includes(model))
  const seconds = flags.seconds ?? null
  const timer = new Timer(seconds, flags.quiet === true ? 0 : subjects.length * chosen.length)
  const search = searchFrom(flags, timer)
  const text = flags.json !== '-'
  const paint = paintFor(process.stdout)
  if (text && flags.quiet !== true) say(settingsLine(search, seconds, chosen.map(model => model.name)))
  const rows = await rowsOf(subjects, chosen, search, timer)
  if (flags.json !== undefined) writeJson(flags.json, recordOf(rows, search, seconds, process.cwd()))
  if (text) report(rows, flags, paint)
  return exits[unmappedOnly(rows) ? 'unknown' : outcomeOf(rows)]
}

async function rowsOf(subjects: readonly Subject[], chosen: readonly Model[], search: Search, timer: Timer): Promise<readonly Row[]> {
  const steps = evaluate(subjects, chosen, search)
  try {
    for (;;) {
      const step = steps.next()
      if (step.done) return step.value
      if (step.value.kind === 'starts') timer.starts(step.value.done, `${step.value.subject.name} under ${step.value.model.name}`)
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
  const columns = process.stdout.isTTY ? process.stdout.columns : Infinity
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
  if (samples && flags.exhaustive === true) throw new Usage('--exhaustive explores every execution, and --runs and --strategy sample some: choose one')
  return {
    ...defaultSearch, ...asked,
    mode: samples ? 'sample' : flags.exhaustive === true ? 'exhaustive' : 'thorough',
    clock: (kind, rowsLeft) => timer.share(kind, rowsLeft),
  }
}

function drawnSeed(): string {
  return Math.random().toString(36).slice(2, 10)
}

// ---- Names -----------------------------------------------------------------------------------------

function designsNamed(name: string): readonly Subject[] {
  const found = designs.filter(design => design.name === name)
  if (found.length > 0) return found.flatMap(design => [design, ...designs.filter(({of}) => of === design.name)])
  const commands = ['evaluate', 'check', 'replay', 'list', 'help']
  throw new Usage(`there is no design named ${name}${nearest(name, [...designs.map(design => design.name), ...commands])}; \`${command} list\` shows all`)
}

async function subjectNamed(name: string): Promise<Subject> {
  const place = fileOfProgram(name)
  if (place === null) {
    const design = designs.find(each => each.name === name)
    if (design === undefined) throw new Usage(`the token names the program ${name}, which is not built in${nearest(name, designs.map(each => each.name))}`)
    return design
  }
  const subjects = await loadSubjects(place.file, process.cwd())
  const found = subjects.find(subject => shortName(subject.name) === place.exported)
  if (found !== undefined) return found
  const exported = subjects.map(subject => shortName(subject.name))
  throw new Usage(`${place.file} exports no program ${place.exported}${nearest(place.exported, exported)}; it exports ${exported.join(', ')}`)
}

function modelNamed(name: string): Model {
  const found = models.find(model => model.name === name)
  if (found !== undefined) return found
  const names = models.map(model => model.name)
  throw new Usage(`there is no model named ${name}${nearest(name, names)}; there are ${names.join(', ')}`)
}

/** `: did you mean kernel-seqcount?`, if some name is near enough. */
function nearest(name: string, names: readonly string[]): string {
  const candidate = names.length === 0 ? undefined : closest(name.toLowerCase(), names)
  return candidate !== undefined && distance(name.toLowerCase(), candidate) <= Math.max(2, name.length / 2) ? ` (did you mean ${candidate}?)` : ''
}

// ---- Flags -----------------------------------------------------------------------------------------

function positive(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It should be a number above 0.')
  return value
}

function count(text: string): number {
  const value = positive(text)
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('It should be a whole number.')
  return value
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...before ?? [], value]
}

function withOutput(made: Command): Command {
  return made
    .option('--json <file>', 'also write the result as JSON; - writes it to stdout, and nothing else')
    .option('-v, --verbose', 'one line per model; operations as they were written')
    .option('-q, --quiet', 'only what is not as it should be')
}

function withSearch(made: Command): Command {
  return withOutput(made
    .option('--model <name>', `a model to use (repeatable): ${models.map(model => model.name).join(', ')}; default: all`, collect)
    .option('--exhaustive', 'explore every execution, and never sample')
    .option('--executions <n>', `executions to explore of each (default ${defaultSearch.executions.toLocaleString('en')})`, count)
    .addOption(new Option('--runs <n>', `sample n executions, and do not explore (without it: ${defaultSearch.runs.toLocaleString('en')}, if exploring ends early)`).argParser(count).env('TEARPROOF_RUNS'))
    .addOption(new Option('--seed <text>', `of the sampling (default ${defaultSearch.seed}); \`random\` draws one and prints it`).env('TEARPROOF_SEED'))
    .addOption(new Option('--strategy <name>', 'sample by random, pct (few priority changes) or stale (old values first)').choices(['random', 'pct', 'stale']))
    .option('--seconds <n>', 'time for everything together', positive)
    .option('--bound <n>', `rounds of a loop (default ${defaultSearch.bound})`, count))
}

const cycleHelp = `
The edges of a cycle, as in diy7; R and W are the accesses at their ends, s and d the same or a different location:
  Rfe Fre Coe                    to another thread: read from, read before, written before; Rfi Fri Coi in one thread
  PosRR … PodWW                  program order
  FenceMbdRW …                   a fence: Mb, Rmb, Wmb, Barrier; in C11 Acq, Rel, AcqRel, Sc
  DpAddrdR DpDatadW DpCtrldW …   a dependency on the read that it starts from
  RscsdRR … GpdRR …              within one RCU read-side critical section; with a grace period between
Two annotations may follow an edge, one per end (PodRRAcquireOnce), or stand between edges (Rfe Acquire PodRR):
  Once, Acquire, Release, Deref, Assign, Plain; in C11 Rlx, Acq, Rel, Sc, Na
C-RW-R+RW-G is a cycle of RCU readers (R), grace periods (G) and full barriers (B).`

/** The whole command line. A new command is one function above and one entry here. */
function commandLine(done: (exit: Exit) => void): Command {
  const root = new Command('tearproof')
    .description('Checks sequence locks and other synchronization under weak memory models.')
    .version(version(), '-V, --version')
    .exitOverride()
    .configureOutput({writeErr: () => undefined})
    .addHelpText('after', `\nexit status: 0 fine, 1 a violation or not the expected verdict, 2 wrong usage or input,\n3 unknown within the budget, 70 a bug in tearproof`)
  const add = (usage: string, what: string): Command => root.command(usage).description(what).exitOverride().configureOutput({writeErr: () => undefined})
  withSearch(add('evaluate [name...]', 'evaluate the built-in designs, or those named with their mutants (the default)'))
    .action(async (names: string[], flags: Flags) => { done(await evaluateDesigns(names, flags)) })
  withSearch(add('check <file...>', 'check the programs that a TypeScript or JavaScript module exports'))
    .action(async (files: string[], flags: Flags) => { done(await checkFiles(files, flags)) })
  withOutput(add('replay <token>', 'run one execution again, and print its report'))
    .action(async (token: string, flags: Flags) => { done(await replayToken(token, flags)) })
  add('litmus [file...]', 'judge C litmus tests in herd7\'s dialect; a directory means every *.litmus below it')
    .option('--model <name>', `the model (default: lkmm for kernel tests, rc11 for C11): ${models.map(model => model.name).join(', ')}`)
    .option('--expect <csv>', 'compare with this table (file,model,verdict,positive,negative,states,flags), and list what differs; without files: all of its files')
    .option('--witness', 'show an execution that decides the condition, or which axiom forbids the nearest one')
    .option('--first', 'stop when the verdict is decided, without counting everything')
    .option('--json', 'one line of JSON per test')
    .option('--jobs <n>', 'worker processes (default 1)', count)
    .option('--seconds <n>', 'time per test; one that needs more is unknown', positive)
    .option('--bound <n>', `rounds of a loop (default ${defaultSearch.bound})`, count)
    .option('-v, --verbose', 'with --expect: also herd7\'s text of every test')
    .option('-q, --quiet', 'only what is not as it should be')
    .addOption(new Option('--generate <cycle...>', 'write tests from cycles of edges, and judge none: --generate "PodWW Rfe PodRR Fre"')
      .conflicts(['model', 'expect', 'witness', 'first', 'json', 'jobs', 'seconds', 'bound']))
    .addOption(new Option('--dialect <name>', 'with --generate: where the edges do not say it (default: kernel)').choices(['kernel', 'c11']))
    .addHelpText('after', cycleHelp)
    .action(async (paths: string[], flags: LitmusFlags) => { done(await judgeLitmusTests(paths, flags)) })
  add('list', 'designs and models; -v with sources and expected verdicts')
    .option('-v, --verbose', 'with sources and expected verdicts')
    .action((flags: Flags) => { done(listAll(flags)) })
  return root
}

/** `evaluate` where no command is named, so that `tearproof` and `tearproof --model sc` do the main job. */
function withDefault(args: readonly string[], commands: readonly string[]): readonly string[] {
  const top = ['-h', '--help', '-V', '--version', 'help']
  const [first] = args
  return first !== undefined && (commands.includes(first) || top.includes(first)) ? args : ['evaluate', ...args]
}

function version(): string {
  const file = ['../package.json', '../../package.json'].map(path => new URL(path, import.meta.url)).find(url => existsSync(url))
  return file === undefined ? 'unknown' : (JSON.parse(readFileSync(file, 'utf8')) as {version: string}).version
}

// ---- Time and progress -----------------------------------------------------------------------------

/** Shares the time among the rows, and shows on stderr how far it is, where that is a terminal. */
class Timer {
  readonly #started = Date.now()
  readonly #seconds: number | null
  readonly #total: number
  #what = ''
  #done = 0
  #shown = 0

  /** `total` rows; 0 shows nothing. */
  constructor(seconds: number | null, total: number) {
    this.#seconds = seconds
    this.#total = process.stderr.isTTY ? total : 0
  }

  /** A fair part of what is left: most of it to explore, the rest to sample. */
  share(kind: 'explore' | 'sample', rowsLeft: number): Time {
    const expired = (end: number) => (): boolean => {
      this.#show()
      return Date.now() > end
    }
    if (this.#seconds === null) return {expired: expired(Infinity)}
    const now = Date.now()
    const left = Math.max(0, this.#started + this.#seconds * 1000 - now) / rowsLeft
    const own = kind === 'explore' ? 0.8 * left : left
    return {expired: expired(now + own), seconds: own / 1000}
  }

  starts(done: number, what: string): void {
    this.#done = done
    this.#what = what
    this.#show()
  }

  #show(): void {
    const now = Date.now()
    if (this.#total === 0 || now - this.#shown < 200) return
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

function writeJson(file: string, value: unknown): void {
  const text = `${JSON.stringify(value, null, 2)}\n`
  if (file === '-') process.stdout.write(text)
  else writeFile(file, text)
}

function writeFile(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (error) {
    throw new Usage(`cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Errors that are the answer to a wrong question; everything else is a bug of ours. */
const wrongInput = [Usage, BadTable, NoTests, BadCycle, BadToken, BadModule, BadProgram, Misfit, Nondeterminism, TooManyEvents, NoMapping]

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
  const root = commandLine(code => { exit = code })
  try {
    await root.parseAsync([...withDefault(args, root.commands.map(each => each.name()))], {from: 'user'})
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
