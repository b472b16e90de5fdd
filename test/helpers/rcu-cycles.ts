/**
 * Litmus shapes of RCU as data: a cycle of threads, each with two accesses in a read-side critical section or
 * around a grace period, or just so, joined by edges of communication (herd's Rfe, Fre, Coe).
 */
import {
  perform, program, rcuReadLock, rcuReadUnlock, readOnce, survey, synchronizeRcu, writeOnce,
  type Location, type Memory, type Model, type Proc, type Program, type Scalar, type Value,
} from '../../lib/index.ts'
import type {RcuFlavour} from '../../primitives/index.ts'

/** How a thread joins its two accesses: a section has them in program order, or the other way round, which to RCU is the same. */
export type Kind = 'section' | 'turned section' | 'grace'
/** How the second access of a thread is before the first of the next one: read from, overwritten after it was read, overwritten. */
export type Edge = 'rf' | 'fr' | 'co'

export interface Cycle {
  readonly kinds: readonly Kind[]
  /** As many: from each thread to the next, and from the last to the first. */
  readonly edges: readonly Edge[]
}

/** `section -rf-> grace -fr->` */
export function describeCycle({kinds, edges}: Cycle): string {
  return kinds.map((kind, i) => `${kind} -${edges[i]!}->`).join(' ')
}

export const isSection = (kind: Kind): boolean => kind !== 'grace'

/** All cycles of these kinds of thread, with these edges. */
export function cyclesOf(kinds: readonly Kind[], edges: readonly Edge[] = ['rf', 'fr', 'co']): readonly Cycle[] {
  const chains = kinds.reduce<readonly (readonly Edge[])[]>(chains => chains.flatMap(chain => edges.map(edge => [...chain, edge])), [[]])
  return chains.map(chain => ({kinds, edges: chain}))
}

/** RCU itself, or an implementation of it. */
export interface Rcu {
  readonly registered: <T>(reader: number, body: Proc<T>) => Proc<T>
  readonly readLock: (reader: number) => Proc
  readonly readUnlock: (reader: number) => Proc
  /** The grace periods of a program are numbered from 0, as the readers are. */
  readonly synchronize: (period: number) => Proc
}

/** The model's own. */
export const axiomatic = (): Rcu => ({registered: (_, body) => body, readLock: rcuReadLock, readUnlock: rcuReadUnlock, synchronize: synchronizeRcu})

/** An implementation, for a program with so many readers and grace periods. */
export const implemented = <S>(flavour: RcuFlavour<S>) => (memory: Memory, readers: number, periods: number): Rcu => {
  const state = flavour.define(memory, 'rcu', readers, periods)
  return {
    registered: (reader, body) => flavour.registered(state, reader, body), readLock: reader => flavour.readLock(state, reader),
    readUnlock: reader => flavour.readUnlock(state, reader), synchronize: () => flavour.synchronize(state),
  }
}

/** Of each edge, whether an execution has it as drawn. Reads and final values have no other choice, so this is the whole outcome. */
export type Outcome = readonly boolean[]

/** All that a cycle's accesses could come to, each once. */
export function outcomesOf({edges}: Cycle): readonly Outcome[] {
  return edges.reduce<readonly Outcome[]>(all => all.flatMap(some => [[...some, true], [...some, false]]), [[]])
}

/** `section -rf-> grace -fr->`, with `not` where the edge is not as drawn. */
export function describeOutcome({kinds, edges}: Cycle, outcome: Outcome): string {
  return kinds.map((kind, i) => `${kind} -${outcome[i]! ? '' : 'not '}${edges[i]!}->`).join(' ')
}

/** The value that a read finds where the edge is as drawn, and where it is not. */
const found = (edge: Edge, isDrawn: boolean): number => Number((edge === 'rf') === isDrawn)

/**
 * The cycle's program; its first words, one for each thread, are the cycle's. A thread returns what it read.
 * With `asked`, executions with another outcome are left out: reads find what they must, and somebody who looks at words that
 * are written twice, which orders nothing else, finds their values in this order.
 */
export function cycleProgram(
  {kinds, edges}: Cycle, rcuIn: (memory: Memory, readers: number, periods: number) => Rcu, asked: Outcome | null = null,
): Program<never> {
  const last = kinds.length - 1
  return program('cycle', memory => {
    const words = kinds.map((_, i) => memory.word(`x${i}`))
    const readers = kinds.filter(isSection).length
    const rcu = rcuIn(memory, readers, kinds.length - readers)
    const read = (word: Location, edge: number): Proc<Value> =>
      asked === null ? readOnce(word) : readGiven(word, found(edges[edge]!, asked[edge]!))
    const threads = kinds.map((kind, i) => (): Proc<readonly Value[]> => {
      const into = i === 0 ? last : i - 1
      const first = () => second(words[i]!, edges[into]!, word => read(word, into))
      const then = () => source(words[i === last ? 0 : i + 1]!, edges[i]!, word => read(word, i))
      const number = kinds.slice(0, i).filter(other => isSection(other) === isSection(kind)).length
      if (kind === 'grace') return aroundGracePeriod(rcu, number, first, then)
      return rcu.registered(number, inSection(rcu, number, first, then, kind === 'turned section'))
    })
    const named = Object.fromEntries(threads.map((body, i) => [`P${i}`, body]))
    return {threads: asked === null || !edges.includes('co') ? named : {...named, observer: () => inOrder(words, edges, asked)}}
  })
}

/** READ_ONCE() of this value; executions in which it is another do not exist. */
function* readGiven(at: Location, value: number): Proc<Value> {
  return yield* perform<Value>({kind: 'load', name: 'READ_ONCE', vocabulary: 'kernel', order: 'ONCE', at, until: seen => seen === value, isCertain: true})
}

/** READ_ONCE() twice of each word that is overwritten: the first value before the second, or after it. */
function* inOrder(words: readonly Location[], edges: readonly Edge[], asked: Outcome): Proc {
  for (const [i, edge] of edges.entries()) {
    if (edge !== 'co') continue
    for (const value of asked[i]! ? [1, 2] : [2, 1]) yield* readGiven(words[i === words.length - 1 ? 0 : i + 1]!, value)
  }
}

type Access = () => Proc<readonly Value[]>
type Read = (word: Location) => Proc<Value>

function* inSection(rcu: Rcu, reader: number, first: Access, then: Access, isTurned: boolean): Proc<readonly Value[]> {
  yield* rcu.readLock(reader)
  const early = yield* (isTurned ? then : first)()
  const late = yield* (isTurned ? first : then)()
  yield* rcu.readUnlock(reader)
  return isTurned ? [...late, ...early] : [...early, ...late]
}

function* aroundGracePeriod(rcu: Rcu, period: number, first: Access, then: Access): Proc<readonly Value[]> {
  const read = yield* first()
  yield* rcu.synchronize(period)
  return [...read, ...yield* then()]
}

/** The access that an edge comes from. */
function* source(word: Location, edge: Edge, read: Read): Proc<readonly Value[]> {
  if (edge === 'fr') return [yield* read(word)]
  yield* writeOnce(word, 1)
  return []
}

/** The access that it leads to. */
function* second(word: Location, edge: Edge, read: Read): Proc<readonly Value[]> {
  if (edge === 'rf') return [yield* read(word)]
  yield* writeOnce(word, edge === 'co' ? 2 : 1)
  return []
}

/** What an execution comes to, given what each thread read and the final values of the words. */
export function outcomeOf({edges}: Cycle, reads: readonly (readonly Scalar[])[], final: (word: number) => Scalar | undefined): Outcome {
  return edges.map((edge, i) => {
    const to = i === edges.length - 1 ? 0 : i + 1
    switch (edge) {
      case 'rf': return reads[to]![0] === 1
      case 'fr': return reads[i]!.at(-1) === 0
      case 'co': return final(to) === 2
    }
  })
}

/** Has some execution this outcome? All of them are looked at. @throws {Error} if something kept that from being. */
export function isPossible(cycle: Cycle, rcu: (memory: Memory, readers: number, periods: number) => Rcu, outcome: Outcome, model: Model): boolean {
  let isFound = false
  const {unknown} = survey(cycleProgram(cycle, rcu, outcome), model, {}, () => ({visit: (_, status) => {
    isFound = status === 'complete'
    return isFound
  }}))
  if (unknown.length > 0) throw new Error(`not everything was looked at: ${JSON.stringify(unknown)}`)
  return isFound
}
