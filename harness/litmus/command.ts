/** `tearproof litmus`: asks about every test that is named, and says what came of it and what is not as expected. */
import type {Ask, Task} from './answer.ts'
import {inThousands} from '../numbers.ts'
import {WrongInput} from '../../lib/index.ts'
import type {Gauges} from './ask.ts'
import {compare, readTable, type Compared, type Table} from './expect.ts'
import {litmusFiles} from './files.ts'
import {herdText, warnings} from './herd.ts'
import {inOneProcess, inProcesses, type Worker} from './pool.ts'
import {recordLine} from './record.ts'

export interface Options extends Ask {
  readonly model: string | null
  /** A table of expected answers. */
  readonly expect: string | null
  readonly json: boolean
  readonly jobs: number
  /** herd7's text even where a table is compared with; without it, only the differences then. */
  readonly verbose: boolean
  readonly quiet: boolean
}

/** The outside world, which belongs to the command line. */
export interface World extends Gauges {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Waits for whoever reads what was written, if that is far behind; null if not. */
  readonly backlog: () => Promise<void> | null
  readonly progress: (done: number, total: number, what: string) => void
  readonly worker: Worker
}

/** Nothing to ask about. */
export class NoTests extends WrongInput {
  override readonly name = 'NoTests'
}

/** How many tests came to what. */
export class Summary {
  agree = 0
  differ = 0
  unread = 0
  bugs = 0
  /** Within the budget; with and without an expectation. */
  unknown = 0
  /** Nothing was expected of them. */
  open = 0

  add({answer, expected, differences}: Compared): void {
    if (answer.error !== null) {
      this.unread++
      if (answer.bug) this.bugs++
    } else if (differences.length > 0) this.differ++
    else if (answer.verdict === 'unknown') this.unknown++
    else if (expected === null) this.open++
    else this.agree++
  }

  get isFine(): boolean {
    return this.differ + this.unread + this.unknown === 0
  }

  get text(): string {
    const parts: readonly (readonly [number, string])[] = [
      [this.agree, 'as expected'], [this.differ, 'not as expected'], [this.unread, 'could not be read'],
      [this.unknown, 'unknown within the budget'], [this.open, 'with nothing expected'],
    ]
    const total = parts.reduce((sum, [count]) => sum + count, 0)
    const shown = parts.filter(([count], i) => count > 0 || (i === 0 && total === 0))
    return `${inThousands(total)} ${total === 1 ? 'test' : 'tests'}: ${shown.map(([count, what]) => `${inThousands(count)} ${what}`).join(', ')}`
  }
}

/** Runs the command. */
export async function litmusCommand(paths: readonly string[], options: Options, world: World): Promise<Summary> {
  const table = options.expect === null ? null : readTable(options.expect)
  const tasks = tasksFor(paths, options.model, table)
  const {bound, seconds, megabytes, first, witness} = options
  const share = {tasks, total: tasks.length, how: {bound, seconds, megabytes, first, witness}}
  const summary = new Summary()
  const printer = new Printer(options, world)
  world.progress(0, tasks.length, '')
  for await (const answer of options.jobs > 1 ? inProcesses(options.jobs, share, world.worker) : inOneProcess(share, world)) {
    const compared = compare(answer, table)
    summary.add(compared)
    printer.show(compared)
    const backlog = world.backlog()
    if (backlog !== null) await backlog
    world.progress(summary.agree + summary.differ + summary.unread + summary.unknown + summary.open, tasks.length, answer.file)
  }
  printer.finish(summary, tasks.length)
  return summary
}

/** A model that the user names goes before one that the table names, and that before the test's vocabulary. */
function tasksFor(paths: readonly string[], model: string | null, table: Table | null): readonly Task[] {
  const files = paths.length === 0 && table !== null ? [...new Set(table.lines.map(({file}) => file))] : litmusFiles(paths)
  if (files.length === 0) throw new NoTests(paths.length === 0 ? 'expected litmus tests: files, or directories with *.litmus' : `there is no *.litmus below ${paths.join(', ')}`)
  return files.flatMap((file): readonly Task[] => {
    if (model !== null) return [{file, model}]
    const models = table?.modelsOf(file) ?? []
    return models.length === 0 ? [{file, model: null}] : models.map(each => ({file, model: each}))
  })
}

/** Writes answers as they come: herd7's text or JSON to stdout, what is wrong to stderr. */
class Printer {
  readonly #options: Options
  readonly #world: World

  constructor(options: Options, world: World) {
    this.#options = options
    this.#world = world
  }

  show(compared: Compared): void {
    const {json, expect, verbose, quiet} = this.#options
    const {answer} = compared
    if (json) this.#world.out(`${recordLine(compared)}\n`)
    else if (answer.error === null && !quiet && (expect === null || verbose || answer.witness !== null)) this.#world.out(herdText(answer))
    if (answer.error !== null) this.#world.err(`${answer.error}\n`)
    else if (!quiet) for (const line of warnings(answer)) this.#world.err(`${line}\n`)
    for (const line of differenceLines(compared)) (expect !== null && !json ? this.#world.out : this.#world.err)(`${line}\n`)
  }

  finish(summary: Summary, total: number): void {
    const {json, expect, quiet} = this.#options
    if (quiet && summary.isFine) return
    if (expect !== null && !json) this.#world.out(`${summary.text}\n`)
    else if (total > 1) this.#world.err(`${summary.text}\n`)
  }
}

function differenceLines({answer, expected, differences}: Compared): readonly string[] {
  if (expected === null || answer.error !== null || differences.length === 0) return []
  return [`${answer.file}: not as its ${expected.by === 'Result' ? 'Result line' : 'line of the table'} says, under ${answer.model}: ${differences.join('; ')}`]
}

