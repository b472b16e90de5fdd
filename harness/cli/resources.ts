/** The clock and the memory: gauges of both, and how the rows of a search share what there is. */
import {getHeapStatistics, setFlagsFromString} from 'node:v8'
import {runInNewContext} from 'node:vm'
import type {Allowance, Budgets} from '../evaluate.ts'
import {defaultMegabytes} from '../flags.ts'
import type {Gauges} from '../litmus/ask.ts'
import {inThousands} from '../numbers.ts'
import type {Clock} from '../wrapper/pool.ts'
import {Usage} from './exit.ts'
import type {Progress} from './terminal.ts'

const megabyte = 2 ** 20

/** The memory that searches may use up. More than Node.js has would end in a crash. @throws {Usage} if that is asked for. */
export function megabytesFor(memory: number | undefined): number {
  const all = Math.floor(getHeapStatistics().heap_size_limit / megabyte)
  if (memory === undefined) return Math.min(defaultMegabytes, Math.floor(0.8 * all))
  if (memory > all) throw new Usage(`--memory ${memory} is more than the ${inThousands(all)} MB that Node.js has here; NODE_OPTIONS=--max-old-space-size=${memory} gives it more`)
  return memory
}

/** A clock, and a gauge of the memory in use. That is asked often and looks seldom; garbage is collected before it counts. */
export function gauges(): Gauges {
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

/** The gauges, and the time that all processes share. */
export function clock(): Clock {
  return {...gauges(), now: () => Date.now()}
}

/** @param deadline in milliseconds since 1970; null: none. */
export function expiredAt(deadline: number | null, megabytes: number): () => boolean | 'memory' {
  const {now, isFull} = clock()
  return () => (deadline !== null && now() > deadline) || (isFull(megabytes) && 'memory')
}

/** In milliseconds since 1970; null: none. */
export function deadlineIn(seconds: number | undefined): number | null {
  return seconds === undefined ? null : Date.now() + seconds * 1000
}

/** How long it is until then, in seconds. */
export function secondsUntil(deadline: number | null): number | null {
  return deadline === null ? null : (deadline - Date.now()) / 1000
}

/** Shares time and memory among the rows. */
export class Timer {
  readonly #started = Date.now()
  readonly #budgets: Budgets
  readonly #progress: Progress
  readonly #isFull = gauges().isFull

  /** @param progress is told that time goes by. */
  constructor(budgets: Budgets, progress: Progress) {
    this.#budgets = budgets
    this.#progress = progress
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
      this.#progress.tick()
      return Date.now() > end || (megabytes !== null && this.#isFull(megabytes) && 'memory')
    }
    const memory = megabytes === null ? {} : {megabytes}
    if (seconds === null) return {expired: expired(Infinity), ...memory}
    const now = Date.now()
    const left = Math.max(0, this.#started + seconds * 1000 - now) / rowsLeft
    const own = kind === 'explore' ? 0.8 * left : left
    return {expired: expired(now + own), seconds: own / 1000, ...memory}
  }
}
