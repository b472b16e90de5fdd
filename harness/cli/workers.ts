/** What the worker processes of `evaluate --jobs` load, and the functions that they call: what is built in has a name there too. */
import {designs} from '../designs.ts'
import {designRows, type DesignTask, type SentRow} from '../pool.ts'
import {lookAt, type WrapperFindings, type WrapperTask} from '../wrapper/pool.ts'
import {catalogue} from '../wrappers/index.ts'
import {clock, secondsUntil, Timer} from './resources.ts'
import {Progress} from './terminal.ts'

/** What worker processes load. */
export const workersModule = import.meta.url

/** What all processes may use up together. */
export interface Shared {
  /** In milliseconds since 1970; null: none. */
  readonly deadline: number | null
  readonly megabytes: number | null
  readonly jobs: number
}

export function designWorker({deadline, jobs, megabytes, ...task}: DesignTask & Shared): readonly SentRow[] {
  const timer = new Timer({seconds: secondsUntil(deadline), megabytes}, new Progress(true))
  return designRows(designs.filter(({name}) => name === task.name), task, (kind, rowsLeft) => timer.share(kind, Math.max(1, (rowsLeft + task.rowsAfter) / jobs)))
}

export function wrapperWorker({name, look}: WrapperTask): WrapperFindings {
  const steps = lookAt(catalogue.find(wrapper => wrapper.name === name)!, look, clock())
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}
