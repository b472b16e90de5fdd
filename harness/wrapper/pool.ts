/** What a worker is told of a wrapper, and what it finds. */
import {namedModels} from '../../lib/index.ts'
import type {Gauges} from '../litmus/ask.ts'
import type {Depth} from './depth.ts'
import {evaluateWrapper, type WrapperRow} from './evaluate.ts'
import {evaluateSpectrum, type Standing} from './spectrum.ts'
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

/** What is found of a wrapper: the standings are none if only some models were asked for. */
export interface WrapperFindings {
  readonly rows: readonly WrapperRow[]
  readonly standings: readonly Standing[]
}

/** What a worker does; the rows come one by one. */
export function* lookAt(wrapper: Wrapper, {depth, models: named, deadline, megabytes}: Look, {now, isFull}: Clock): Generator<WrapperRow, WrapperFindings> {
  const expired = (): boolean | 'memory' => (deadline !== null && now() > deadline) || (isFull(megabytes) && 'memory')
  const rows: WrapperRow[] = []
  const steps: Generator<WrapperRow, readonly Standing[] | undefined> = named === null ? evaluateSpectrum(wrapper, depth, expired) : evaluateWrapper(wrapper, namedModels.filter(({name}) => named.includes(name)), depth, expired)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return {rows, standings: step.value ?? []}
    rows.push(step.value)
    yield step.value
  }
}
