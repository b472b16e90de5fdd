/** The command line: commands, flags, what they are for. What is done then is in cli/. */
import {Command, InvalidArgumentError, Option} from 'commander'
import {namedModels, regimes, type Dialect, type Regime, type Strategy} from '../lib/index.ts'
import {defaultSearch} from './evaluate.ts'
import {inThousands} from './numbers.ts'
import {checkDepth, deepDepth, smallDepth} from './wrapper/depth.ts'

/** Memory that searches may use up if nobody says otherwise, in megabytes. */
export const defaultMegabytes = 2048

/** What `evaluate` and `check` are told, and in part the others. */
export interface Flags {
  readonly model?: readonly string[]
  readonly exhaustive?: boolean
  readonly seed?: string
  readonly runs?: number
  readonly executions?: number
  readonly seconds?: number
  readonly memory?: number
  readonly bound?: number
  readonly clients?: number
  readonly size?: number
  readonly jobs?: number
  readonly ablate?: boolean
  readonly strategy?: Strategy
  readonly regime?: readonly Regime[]
  readonly reuse?: boolean
  readonly leaks?: boolean
  readonly json?: string
  readonly verbose?: boolean
  readonly quiet?: boolean
}

/** What `litmus` is told. */
export interface LitmusFlags extends Pick<Flags, 'seconds' | 'memory' | 'bound' | 'verbose' | 'quiet'> {
  readonly model?: string
  readonly expect?: string
  readonly json?: boolean
  readonly first?: boolean
  readonly witness?: boolean
  readonly jobs?: number
  readonly generate?: readonly string[]
  readonly dialect?: Dialect
}

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

function collectRegimes(value: string, before: readonly Regime[] | undefined): readonly Regime[] {
  const regime = regimes.find(name => name === value)
  if (regime === undefined) throw new InvalidArgumentError(`It should be one of ${regimes.join(', ')}.`)
  return [...before ?? [], regime]
}

/** What is chosen beside the model for programs with a heap. */
function withHeap(made: Command, regime: string): Command {
  return made
    .option('--regime <name>', `for programs that free: what pointers to dead objects may be used for: ${regimes.join(', ')} (${regime})`, collectRegimes)
    .option('--no-reuse', 'no allocation gets an address that was freed')
    .option('--leaks', 'objects that nothing leads to at the end are failures')
}

function withSearch(made: Command): Command {
  return withOutput(withHeap(made, 'repeatable; default: those that the design states, or strict')
    .option('--model <name>', `a model to use (repeatable): ${namedModels.map(model => model.name).join(', ')}; default: all`, collect)
    .addOption(new Option('--exhaustive', 'explore every execution, and never sample').conflicts(['runs', 'strategy']))
    .option('--executions <n>', `executions to explore of each (default ${inThousands(defaultSearch.executions)})`, count)
    .addOption(new Option('--runs <n>', `sample n executions, and do not explore (without it: ${inThousands(defaultSearch.runs)}, if exploring ends early)`).argParser(count).env('TEARPROOF_RUNS'))
    .addOption(new Option('--seed <text>', `of the sampling (default ${defaultSearch.seed}); \`random\` draws one and prints it`).env('TEARPROOF_SEED'))
    .addOption(new Option('--strategy <name>', 'sample by random, pct (few priority changes) or stale (old values first)').choices(['random', 'pct', 'stale']))
    .option('--seconds <n>', 'time for everything together', positive)
    .option('--memory <MB>', `memory in use at the most (default ${inThousands(defaultMegabytes)}, or less where Node.js has less)`, count)
    .option('--bound <n>', `rounds of a loop (default ${defaultSearch.bound})`, count)
    .option('--size <n>', `of wrappers: statements of the largest client (default ${smallDepth.size} or what the wrapper says; of one that is named ${deepDepth.size}; of one's own ${checkDepth.size})`, count)
    .option('--clients <n>', `of wrappers: clients to try of each (default ${smallDepth.clients}; of one that is named ${inThousands(deepDepth.clients)}; of one's own ${inThousands(checkDepth.clients)})`, count)
    .option('--ablate', 'of wrappers: weaken each ordering, leave out each barrier and each bound, one at a time, and say which are needed')
    .option('--jobs <n>', 'worker processes for what is built in (default: as many as there are processors for everything, 1 for what is named)', count))
}

function withLitmus(made: Command): Command {
  return made
    .option('--model <name>', `the model (default: lkmm for kernel tests, rc11 for C11): ${namedModels.map(model => model.name).join(', ')}`)
    .option('--expect <csv>', 'compare with this table (file,model,verdict,positive,negative,states,flags), and list what differs; without files: all of its files')
    .option('--witness', 'show an execution that decides the condition, or which axiom forbids the nearest one')
    .option('--first', 'stop when the verdict is decided, without counting everything')
    .option('--json', 'one line of JSON per test')
    .option('--jobs <n>', 'worker processes (default 1)', count)
    .option('--seconds <n>', 'time per test; one that needs more is unknown', positive)
    .option('--memory <MB>', `memory in use at the most, of each process (default ${inThousands(defaultMegabytes)}, or less where Node.js has less)`, count)
    .option('--bound <n>', `rounds of a loop (default ${defaultSearch.bound})`, count)
    .option('-v, --verbose', 'with --expect: also herd7\'s text of every test')
    .option('-q, --quiet', 'only what is not as it should be')
    .addOption(new Option('--generate <cycle...>', 'write tests from cycles of edges, and judge none: --generate "PodWW Rfe PodRR Fre"')
      .conflicts(['model', 'expect', 'witness', 'first', 'json', 'jobs', 'seconds', 'memory', 'bound', 'verbose', 'quiet']))
    .addOption(new Option('--dialect <name>', 'with --generate: where the edges do not say it (default: kernel)').choices(['kernel', 'c11']))
    .addHelpText('after', cycleHelp)
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

/** What the commands do. */
export interface Commands {
  readonly evaluate: (names: readonly string[], flags: Flags) => void | Promise<void>
  readonly check: (files: readonly string[], flags: Flags) => void | Promise<void>
  readonly replay: (token: string, flags: Flags) => void | Promise<void>
  readonly litmus: (paths: readonly string[], flags: LitmusFlags) => void | Promise<void>
  readonly list: (flags: Flags) => void | Promise<void>
}

/** The whole command line. A new command is one entry here, and one file in cli/. */
export function commandLine(version: string, commands: Commands): Command {
  const root = new Command('tearproof')
    .description('Checks ownership wrappers, sequence locks and other synchronization under weak memory models.')
    .version(version, '-V, --version')
    .exitOverride()
    .configureOutput({writeErr: () => undefined})
    .addHelpText('after', `\nexit status: 0 fine, 1 a violation or not the expected verdict, 2 wrong usage or input,\n3 unknown within the budget, 70 a bug in tearproof`)
  const add = (usage: string, what: string): Command => root.command(usage).description(what).exitOverride().configureOutput({writeErr: () => undefined})
  withSearch(add('evaluate [name...]', 'evaluate the built-in designs and wrappers, or those named: designs with their mutants, wrappers in depth (the default)')).action(commands.evaluate)
  withSearch(add('check <file...>', 'check the programs and wrappers that a TypeScript or JavaScript module exports')).action(commands.check)
  withOutput(withHeap(add('replay <token>', 'run one execution again, and print its report'), 'default: the token\'s')).action(commands.replay)
  withLitmus(add('litmus [file...]', 'judge C litmus tests in herd7\'s dialect; a directory means every *.litmus below it')).action(commands.litmus)
  add('list', 'designs, wrappers and models; -v with sources and expected verdicts')
    .option('-v, --verbose', 'with sources and expected verdicts')
    .action(commands.list)
  return root
}

/** `evaluate` where no command is named, so that `tearproof` and `tearproof --model sc` do the main job. */
export function withDefault(args: readonly string[], commands: readonly string[]): readonly string[] {
  const top = ['-h', '--help', '-V', '--version', 'help']
  const [first] = args
  return first !== undefined && (commands.includes(first) || top.includes(first)) ? args : ['evaluate', ...args]
}
