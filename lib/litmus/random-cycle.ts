/** Random cycles from a seed, for fuzzing: always ones that make a test. */
import {alea} from '../alea.ts'
import {cycleTest, CycleError} from './cycle.ts'
import {annotations, defaultAnnotation, fences, fitsDirection, type Annotation, type Dialect, type Direction} from './edge.ts'

export interface RandomCycleOptions {
  /** Default: kernel. */
  readonly dialect?: Dialect
  /** Threads at the most, two at least; default 3. Threads that only observe come on top. */
  readonly threads?: number
  /** Accesses at the most, without those of observers; default 7. */
  readonly accesses?: number
  /** Also critical sections and grace periods of RCU. */
  readonly rcu?: boolean
  /** Also plain (non-atomic) accesses. */
  readonly plain?: boolean
}

/** The cycle of a seed: the same for the same arguments, everywhere. */
export function randomCycle(seed: string, options: RandomCycleOptions = {}): string {
  const random = alea(`cycle/${seed}`)
  for (;;) {
    const cycle = new Draw(random, options).cycle()
    if (cycle !== null && isTest(cycle, options)) return cycle
  }
}

function isTest(cycle: string, {dialect = 'kernel', threads: most = 3}: RandomCycleOptions): boolean {
  try {
    // executions grow with the orders of the writes: three to one location are enough
    const {threads, observers} = cycleTest(cycle, {dialect})
    return threads.length + observers.length <= most + 1 && observers.every(({writes}) => writes <= 3)
  } catch (error) {
    if (error instanceof CycleError) return false
    throw error
  }
}

interface Access {
  readonly direction: Direction
  readonly annotation: Annotation
}

class Draw {
  readonly #random: () => number
  readonly #options: RandomCycleOptions
  readonly #dialect: Dialect
  readonly #marks: readonly Annotation[]

  constructor(random: () => number, options: RandomCycleOptions) {
    this.#random = random
    this.#options = options
    this.#dialect = options.dialect ?? 'kernel'
    const own = annotations.filter(({name, dialect}) => dialect === this.#dialect && (options.plain === true || (name !== 'Plain' && name !== 'Na')))
    // some cycles all alike, since barriers only show where nothing else is in the way
    this.#marks = this.#chance(0.3) ? [defaultAnnotation(this.#dialect)] : own
  }

  /** Null if the threads that were drawn do not join up. */
  cycle(): string | null {
    const {threads: most = 3, accesses = 7} = this.#options
    const count = 2 + this.#below(most - 1)
    const threads = Array.from({length: count}, () => this.#thread())
    if (threads.flat().length > accesses) return null
    const edges = threads.flatMap((own, i) => {
      const next = threads[(i + 1) % count]![0]!
      return [...own.slice(1).map((access, k) => this.#inside(own[k]!, access)), joined(own.at(-1)!, next, communication(own.at(-1)!, next, 'e'))]
    })
    return edges.every(edge => edge !== null) ? edges.join(' ') : null
  }

  #thread(): Access[] {
    const length = this.#pick([1, 2, 2, 2, 2, 3])
    return Array.from({length}, () => {
      const direction = this.#pick(['R', 'W'] as const)
      return {direction, annotation: this.#pick(this.#marks.filter(mark => fitsDirection(mark, direction)))}
    })
  }

  /** An edge inside a thread. */
  #inside(from: Access, to: Access): string | null {
    if (this.#chance(0.1)) return joined(from, to, communication(from, to, 'i'))
    const where = this.#chance(0.15) ? 's' : 'd'
    const directions = where + from.direction + to.direction
    if (this.#options.rcu === true && this.#chance(0.6)) return joined(from, to, this.#pick(['Gp', 'Rscs']) + directions)
    if (from.direction === 'R' && this.#chance(0.4)) {
      return joined(from, to, `Dp${this.#pick(to.direction === 'W' ? ['Addr', 'Data', 'Ctrl'] : ['Addr', 'Ctrl'])}${where}${to.direction}`)
    }
    const fence = this.#pick(fences.filter(({dialect}) => dialect === this.#dialect))
    return joined(from, to, (this.#chance(0.5) ? `Fence${fence.name}` : 'Po') + directions)
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #chance(probability: number): boolean {
    return this.#random() < probability
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)]!
  }
}

function communication(from: Access, to: Access, where: 'e' | 'i'): string | null {
  const names: Readonly<Record<string, string>> = {WR: 'Rf', RW: 'Fr', WW: 'Co'}
  const name = names[from.direction + to.direction]
  return name === undefined ? null : name + where
}

function joined(from: Access, to: Access, name: string | null): string | null {
  return name === null ? null : name + from.annotation.name + to.annotation.name
}
