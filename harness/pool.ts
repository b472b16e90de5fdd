/**
 * Built-in designs and wrappers in several processes: what is sent there and back is plain data, and the answers come in the
 * order of the questions, so that nothing depends on how many processes there are.
 */
import {Tinypool} from 'tinypool'
import {namedModels, type Model} from '../lib/index.ts'
import {casesIn, evaluate, guarded, withRun, type Breakage, type Row, type Search, type Subject} from './evaluate.ts'
import {expectedIn} from './setting.ts'

/** Processes that call functions of one module. */
export class Workers {
  readonly jobs: number
  readonly #pool: Tinypool

  /** @param module the URL of the module whose functions are called. @param execArgv what Node.js is started with. */
  constructor(jobs: number, module: string, execArgv: readonly string[]) {
    this.jobs = jobs
    this.#pool = new Tinypool({filename: module, runtime: 'child_process', minThreads: jobs, maxThreads: jobs, execArgv: [...execArgv]})
  }

  /** Calls `name` with each task, as processes become free; all are queued at once, behind what was queued before. */
  ask<Task, Answer>(name: string, tasks: readonly Task[]): AsyncGenerator<Answer> {
    const answers = tasks.map(task => this.#pool.run(task, {name}) as Promise<Answer>)
    for (const answer of answers) answer.catch(() => undefined) // told where it is waited for
    return inTurn(answers)
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }
}

async function* inTurn<T>(answers: readonly Promise<T>[]): AsyncGenerator<T> {
  for (const answer of answers) yield await answer
}

// ---- Designs ---------------------------------------------------------------------------------------

/** A built-in design, as it is sent to a worker. */
export interface DesignTask {
  readonly name: string
  readonly models: readonly string[]
  readonly search: Omit<Search, 'allow'>
  /** Rows of the designs behind it, with which it shares the time. */
  readonly rowsAfter: number
}

/** A row without what both sides have anyway. */
export type SentRow = Omit<Row, 'subject' | 'program' | 'model' | 'setting' | 'expected' | 'broken'> & {readonly broken: Breakage | null}

/** One task for each design, in their order. */
export function designTasks(subjects: readonly Subject[], models: readonly Model[], {allow: _allow, ...search}: Search): readonly DesignTask[] {
  let rowsAfter = casesIn(subjects, search).length * models.length
  return subjects.map(subject => {
    rowsAfter -= casesIn([subject], search).length * models.length
    return {name: subject.name, models: models.map(({name}) => name), search, rowsAfter}
  })
}

/** What a worker does. */
export function designRows(designs: readonly Subject[], {models, search}: DesignTask, allow: Search['allow']): readonly SentRow[] {
  const steps = evaluate(designs, namedModels.filter(model => models.includes(model.name)), {...search, allow})
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value.map(sent)
  }
}

function sent({subject: _, program: _program, model: _model, setting: _setting, expected: _expected, broken, ...row}: Row): SentRow {
  if (broken === null) return {...row, broken}
  const {found, path, failure, sample, token, limits} = broken
  return {...row, broken: {found, path, failure, sample, token, limits}}
}

/** The rows of a design that a worker sent, with all that belongs to them. */
export function received(subject: Subject, models: readonly Model[], search: Search, rows: readonly SentRow[]): readonly Row[] {
  const cases = casesIn([subject], search).flatMap(each => models.map(model => ({...each, program: guarded(each.program), model})))
  return cases.map((each, i): Row => {
    const {broken, ...row} = rows[i]!
    return {...each, ...row, expected: expectedIn(subject.expected, each.model.name, each.setting), broken: broken && withRun(each.program, each.model, broken)}
  })
}
