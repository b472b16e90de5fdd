/** Asks about designs and wrappers, in this process or in several, and shows how far it is. */
import type {Model} from '../../lib/index.ts'
import {evaluate, type Row, type Search, type Subject} from '../evaluate.ts'
import {designTasks, received, type DesignTask, type SentRow, type Workers} from '../pool.ts'
import {shortName} from '../token.ts'
import {ablate, type Ablation} from '../wrapper/ablate.ts'
import type {Depth} from '../wrapper/depth.ts'
import type {WrapperRow} from '../wrapper/evaluate.ts'
import {lookAt, type Look, type WrapperFindings, type WrapperTask} from '../wrapper/pool.ts'
import type {Wrapper} from '../wrapper/wrapper.ts'
import {clock, expiredAt, type Timer} from './resources.ts'
import {breathe, type Progress} from './terminal.ts'
import type {Shared} from './workers.ts'

/** How designs are asked about: the models, the search, what it may use up, and who is told how far it is. */
export interface Asking {
  readonly models: readonly Model[]
  readonly search: Search
  readonly timer: Timer
  readonly progress: Progress
}

/** Asks at once, if there are processes to ask; the answer is waited for when it is called. */
export function rowsOf(subjects: readonly Subject[], asking: Asking, workers: Workers | null): () => Promise<readonly Row[]> {
  const {models, search, timer, progress} = asking
  if (workers === null) return () => rowsHere(subjects, asking)
  const shared: Shared = {deadline: timer.deadline, megabytes: timer.megabytes, jobs: workers.jobs}
  const asked = workers.ask<DesignTask & Shared, readonly SentRow[]>('designWorker', designTasks(subjects, models, search).map(task => ({...task, ...shared})))
  return async () => {
    const rows: Row[] = []
    let done = 0
    try {
      for await (const sent of asked) {
        rows.push(...received(subjects[done]!, models, search, sent))
        progress.show(++done, subjects.length, `designs, ${subjects[done]?.name ?? ''}`)
      }
      return rows
    } finally {
      progress.clear()
    }
  }
}

async function rowsHere(subjects: readonly Subject[], {models, search, progress}: Asking): Promise<readonly Row[]> {
  const steps = evaluate(subjects, models, search)
  try {
    for (;;) {
      const step = steps.next()
      if (step.done) return step.value
      if (step.value.kind === 'starts') progress.show(step.value.done, step.value.total, `${step.value.subject.name} under ${step.value.model.name}`)
      else await breathe()
    }
  } finally {
    progress.clear()
  }
}

/** As `rowsOf`. */
export function findingsOf(wrappers: readonly Wrapper[], look: Look, workers: Workers | null, progress: Progress): () => Promise<WrapperFindings> {
  const asked = workers?.ask<WrapperTask, WrapperFindings>('wrapperWorker', wrappers.map(({name}) => ({name, look})))
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

/** What each wrapper needs of what it has. */
export async function ablationsOf(wrappers: readonly Wrapper[], rows: readonly WrapperRow[], depth: Depth, {deadline, megabytes}: Look, progress: Progress): Promise<readonly Ablation[]> {
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
