/**
 * Litmus shapes of RCU as data: a cycle of threads, each with two accesses in a read-side critical section or
 * around a grace period, or just so, joined by edges of communication (herd's Rfe, Fre, Coe).
 */
import {
  program, rcuReadLock, rcuReadUnlock, readOnce, showScalar, survey, synchronizeRcu, writeOnce,
  type Location, type Memory, type Model, type Proc, type Program, type Scalar, type Survey, type Value, type View,
} from '../../lib/index.ts'
import type {RcuFlavour} from '../../primitives/index.ts'

/** How a thread joins its two accesses. */
export type Kind = 'section' | 'grace'
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
  readonly synchronize: () => Proc
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

/** The cycle's program; its first words, one for each thread, are the cycle's. A thread returns what it read. */
export function cycleProgram({kinds, edges}: Cycle, rcuIn: (memory: Memory, readers: number, periods: number) => Rcu): Program<never> {
  return program('cycle', memory => {
    const words = kinds.map((_, i) => memory.word(`x${i}`))
    const readers = kinds.filter(kind => kind === 'section').length
    const rcu = rcuIn(memory, readers, kinds.length - readers)
    const threads = kinds.map((kind, i) => (): Proc<readonly Value[]> => {
      const first = () => second(words[i]!, edges.at(i - 1)!)
      const last = () => source(words[(i + 1) % words.length]!, edges[i]!)
      const reader = kinds.slice(0, i).filter(other => other === 'section').length
      return kind === 'section' ? rcu.registered(reader, inSection(rcu, reader, first, last)) : aroundGracePeriod(rcu, first, last)
    })
    return {threads: Object.fromEntries(threads.map((body, i) => [`P${i}`, body]))}
  })
}

type Access = () => Proc<readonly Value[]>

function* inSection(rcu: Rcu, reader: number, first: Access, last: Access): Proc<readonly Value[]> {
  yield* rcu.readLock(reader)
  const read = [...yield* first(), ...yield* last()]
  yield* rcu.readUnlock(reader)
  return read
}

function* aroundGracePeriod(rcu: Rcu, first: Access, last: Access): Proc<readonly Value[]> {
  const read = yield* first()
  yield* rcu.synchronize()
  return [...read, ...yield* last()]
}

/** The access that an edge comes from. */
function* source(word: Location, edge: Edge): Proc<readonly Value[]> {
  if (edge === 'fr') return [yield* readOnce(word)]
  yield* writeOnce(word, 1)
  return []
}

/** The access that it leads to. */
function* second(word: Location, edge: Edge): Proc<readonly Value[]> {
  if (edge === 'rf') return [yield* readOnce(word)]
  yield* writeOnce(word, edge === 'co' ? 2 : 1)
  return []
}

/** A scalar as outcomes spell it. */
export function told(scalar: Scalar | undefined): string {
  return scalar === undefined ? '?' : showScalar(scalar)
}

/** What executions come to: `reads of P0; … | final words`. */
export function outcomesOf(program: Program<never>, words: number, model: Model): {readonly outcomes: ReadonlySet<string>; readonly survey: Survey} {
  const outcomes = new Set<string>()
  const done = survey(program, model, {}, () => {
    outcomes.clear()
    return {visit: (view, status) => {
      if (status === 'complete') outcomes.add(outcomeIn(view, words))
      return false
    }}
  })
  return {outcomes, survey: done}
}

function outcomeIn(view: View, words: number): string {
  const all = Array.from({length: words}, (_, i) => i)
  const reads = all.map(thread => (view.returned(thread) as readonly Value[]).map(value => told(view.scalar(thread, value))).join())
  return `${reads.join('; ')} | ${all.map(word => told(view.final(word))).join()}`
}

/** Is every edge of the cycle as drawn, given what each thread read and the final values of the words? */
export function closes({edges}: Cycle, reads: readonly (readonly string[])[], final: readonly string[]): boolean {
  return edges.every((edge, i) => {
    const to = (i + 1) % edges.length
    switch (edge) {
      case 'rf': return reads[to]![0] === '1'
      case 'fr': return reads[i]!.at(-1) === '0'
      case 'co': return final[to] === '2'
    }
  })
}
