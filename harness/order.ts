/**
 * One line for many threads: an order of all operations in which as many reads as possible read the
 * newest write, so that what cannot be explained by interleaving stands out.
 */
import type {Execution, Pair} from '../lib/index.ts'
import type {Operation} from './operations.ts'

/** What it costs to list an operation before one that it should follow. */
const cost = {rf: 1_000_000, co: 10_000, fr: 100, switch: 1} as const

/** Partial orders kept per length; all of them, for executions of the size that reports show. */
const beam = 2000

export interface Order {
  /** The operations, first to last. Each thread's are in program order. */
  readonly operations: readonly Operation[]
  /** Some operation is listed before one that it reads from: no order of the threads' steps explains it. */
  readonly impossible: boolean
  /** Every read reads the newest write: the threads simply took turns. */
  readonly sequential: boolean
}

interface Partial {
  readonly taken: readonly number[]
  readonly thread: number
  readonly cost: number
  readonly before: Partial | null
}

/** Lists operations in the cheapest order that keeps program order. */
export function inOrder(execution: Execution, operations: readonly Operation[]): Order {
  const threads = perThread(operations)
  const after = costsOf(execution, threads)
  let level: Partial[] = [{taken: threads.map(() => 0), thread: -1, cost: 0, before: null}]
  for (let length = 0; length < operations.length; length++) level = extend(level, threads, after)
  const best = level[0]!
  const listed: Operation[] = []
  for (let at = best; at.before !== null; at = at.before) listed.unshift(threads[at.thread]![at.before.taken[at.thread]!]!)
  return {operations: listed, impossible: best.cost >= cost.rf, sequential: best.cost < cost.fr}
}

type Threads = readonly (readonly Operation[])[]

function perThread(operations: readonly Operation[]): Threads {
  const count = Math.max(0, ...operations.map(operation => operation.thread + 1))
  return Array.from({length: count}, (_, thread) => operations.filter(operation => operation.thread === thread))
}

/** For each operation, what should come before it: where that is, and what it costs if it does not. */
type Costs = ReadonlyMap<Operation, readonly {readonly thread: number; readonly index: number; readonly cost: number}[]>

function costsOf({given, events}: Execution, threads: Threads): Costs {
  const home = new Map(threads.flatMap(list => list.flatMap((operation, index) =>
    operation.events.map(id => [id, {operation, thread: operation.thread, index}] as const))))
  const costs = new Map<Operation, {thread: number; index: number; cost: number}[]>()
  const add = (pairs: readonly Pair[], each: number): void => {
    for (const [from, to] of pairs) {
      const [first, second] = [home.get(from), home.get(to)]
      if (first === undefined || second === undefined || first.thread === second.thread) continue
      costs.set(second.operation, [...costs.get(second.operation) ?? [], {thread: first.thread, index: first.index, cost: each}])
    }
  }
  const fr = given.rf.flatMap(([write, read]) => given.co.filter(([older]) => older === write).map(([, newer]): Pair => [read, newer]))
  add(given.rf, cost.rf)
  add(given.co.filter(([older]) => events[older]!.thread >= 0), cost.co)
  add(fr, cost.fr)
  return costs
}

function extend(level: readonly Partial[], threads: Threads, costs: Costs): Partial[] {
  const found = new Map<string, Partial>()
  for (const partial of level) {
    for (const [thread, list] of threads.entries()) {
      const operation = list[partial.taken[thread]!]
      if (operation === undefined) continue
      const missing = (costs.get(operation) ?? []).filter(({thread: other, index}) => partial.taken[other]! <= index)
      const total = missing.reduce((sum, {cost: each}) => sum + each, partial.cost)
        + (thread === partial.thread || partial.thread < 0 ? 0 : cost.switch)
      const taken = partial.taken.map((count, i) => i === thread ? count + 1 : count)
      const key = `${taken.join(' ')} ${thread}`
      if (total < (found.get(key)?.cost ?? Infinity)) found.set(key, {taken, thread, cost: total, before: partial})
    }
  }
  return [...found.values()].sort((a, b) => a.cost - b.cost).slice(0, beam)
}
