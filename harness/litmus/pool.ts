/** Asks about many tests, in this process or in several; the answers come in the order of the tests either way. */
import type {Answer, Ask, Task} from './answer.ts'
import {ask, warmUp, type Gauges} from './ask.ts'

/** A part of the tests, as it is sent to a worker. */
export interface Share {
  readonly tasks: readonly Task[]
  /** How many tests there are in all shares. */
  readonly total: number
  readonly how: Ask
}

/** The module and function that a worker process calls with a share. */
export interface Worker {
  readonly module: string
  readonly name: string
}

/** What a worker does. */
export function askAll({tasks, total, how}: Share, gauges: Gauges): readonly Answer[] {
  warmUp(total, gauges)
  return tasks.map(task => ask(task, how, gauges))
}

/** In this process. */
export function* inOneProcess({tasks, total, how}: Share, gauges: Gauges): Generator<Answer> {
  warmUp(total, gauges)
  for (const task of tasks) yield ask(task, how, gauges)
}

/** Few enough for the last shares to end together, many enough for messages to cost nothing. */
const tasksPerShare = 8

/** In `jobs` processes: worker threads cannot load TypeScript on every version of Node.js that we run on. */
export async function* inProcesses(jobs: number, {tasks, total, how}: Share, {module, name}: Worker): AsyncGenerator<Answer> {
  const {Tinypool} = await import('tinypool') // one process does without, and starts sooner
  const pool = new Tinypool({filename: module, name, runtime: 'child_process', minThreads: jobs, maxThreads: jobs})
  try {
    const shares = Array.from({length: Math.ceil(tasks.length / tasksPerShare)}, (_, i) => tasks.slice(i * tasksPerShare, (i + 1) * tasksPerShare))
    const answers = shares.map(share => pool.run({tasks: share, total, how} satisfies Share) as Promise<readonly Answer[]>)
    for (const share of answers) yield* await share
  } finally {
    await pool.destroy()
  }
}
