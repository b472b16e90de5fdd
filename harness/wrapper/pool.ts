/** Evaluates wrappers in this process or in several; the rows come in the order of the wrappers either way. */
import {Tinypool} from 'tinypool'
import {namedModels} from '../../lib/index.ts'
import type {Gauges} from '../litmus/ask.ts'
import type {Worker} from '../litmus/pool.ts'
import {evaluateWrapper, type Depth, type WrapperRow} from './evaluate.ts'
import type {Wrapper} from './wrapper.ts'

/** How to look at each wrapper; plain data, for another process. */
export interface Look {
  readonly depth: Depth
  /** Null: those of each wrapper. */
  readonly models: readonly string[] | null
  /** In milliseconds since 1970; null: none. */
  readonly deadline: number | null
  readonly megabytes: number
}

/** One wrapper of the catalogue, as it is sent to a worker. */
export interface WrapperTask {
  readonly name: string
  readonly look: Look
}

/** The clock and gauge, and `now` in milliseconds since 1970, which all processes share. */
export interface Clock extends Gauges {
  readonly now: () => number
}

/** What a worker does. */
export function* lookAt(wrapper: Wrapper, {depth, models: named, deadline, megabytes}: Look, {now, isFull}: Clock): Generator<WrapperRow> {
  const expired = (): boolean | 'memory' => (deadline !== null && now() > deadline) || (isFull(megabytes) && 'memory')
  yield* evaluateWrapper(wrapper, named === null ? null : namedModels.filter(({name}) => named.includes(name)), depth, expired)
}

/** In `jobs` processes: wrappers of the catalogue only, which a worker finds by their names. */
export async function* inWorkers(jobs: number, wrappers: readonly Wrapper[], look: Look, {module, name}: Worker): AsyncGenerator<readonly WrapperRow[]> {
  const pool = new Tinypool({filename: module, name, runtime: 'child_process', minThreads: jobs, maxThreads: jobs})
  try {
    const found = wrappers.map(({name}) => pool.run({name, look} satisfies WrapperTask) as Promise<readonly WrapperRow[]>)
    for (const rows of found) yield await rows
  } finally {
    await pool.destroy()
  }
}
