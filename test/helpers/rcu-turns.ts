/**
 * Implementations of RCU whose updaters take turns, asked cheaply: who has the lock first is said beforehand, and with it
 * all that an updater reads while it has the lock.
 *
 * Every execution of the implementation in which the updaters read what they are told is one of these, less those reads. That what
 * follows depends on waits is left out, too, which forbids nothing. So an outcome that none of these has the implementation does not
 * have, if updaters do read that: `readings` asks them. They are almost alone there, since an execution stays one that the model
 * allows when some of its reads are left out, or a thread together with the reads from it.
 */
import {program, rewriting, Value, without, type Location, type Memory, type Op, type Proc, type Program, type Reply} from '../../lib/index.ts'
import type {RcuFlavour} from '../../primitives/index.ts'
import type {Rcu} from './rcu-cycles.ts'

/** What an updater reads of each word while it has the lock, in this order, if so many had it before. */
export type Readings<S> = (state: S, turn: number) => ReadonlyMap<Location, readonly number[]>

/** A state with a lock, which an updater has for its grace period. */
export interface Locked {
  readonly lock: Location
}

/** An implementation whose updaters have the lock in this order: for each grace period, how many are before it. */
export const inTurns = <S extends Locked>(flavour: RcuFlavour<S>, readings: Readings<S>, turns: readonly number[]) =>
  (memory: Memory, readers: number, periods: number): Rcu => {
    const state = flavour.define(memory, 'rcu', readers, periods)
    return {
      registered: (reader, body) => loosened(flavour.registered(state, reader, body)),
      readLock: reader => flavour.readLock(state, reader),
      readUnlock: reader => flavour.readUnlock(state, reader),
      synchronize: period => loosened(told(inTurn(flavour.synchronize(state), state, turns[period]!), readings(state, turns[period]!))),
    }
  }

/**
 * Two updaters that have the lock in turns, and so many readers in no section, whose barriers order nothing, wherever they would be.
 * The program is broken if the updaters read something else.
 */
export function readings<S extends Locked>(flavour: RcuFlavour<S>, read: Readings<S>, readers: number): Program<never> {
  return program('turns', memory => {
    const state = flavour.define(memory, 'rcu', readers, 2)
    const idle = Array.from({length: readers}, (_, reader) => () => without(flavour.registered(state, reader, nothing()), isBarrier))
    const values = [0, 1].map(turn => read(state, turn))
    const updaters = values.map((expected, turn) => () => heard(inTurn(flavour.synchronize(state), state, turn), [...expected.keys()]))
    const asTold = (returned: Readonly<Record<string, unknown>>): boolean =>
      values.every((expected, turn) => String(returned[`updater${turn}`]) === String([...expected.values()]))
    return {threads: {...named('reader', idle), ...named('updater', updaters)}, claims: {'they read what they are told': asTold}}
  })
}

function named(what: string, threads: readonly (() => Proc<unknown>)[]): Readonly<Record<string, () => Proc<unknown>>> {
  return Object.fromEntries(threads.map((body, i) => [`${what}${i}`, body]))
}

function isBarrier(op: Op): boolean {
  return op.kind === 'fence'
}

function* nothing(): Proc {
  return
}

/** The same thread, which performs what `rewrite` makes of each operation. */
function* performing<T>(proc: Proc<T>, rewrite: (op: Op) => Proc<Reply>): Proc<T> {
  let step = proc.next()
  while (!step.done) step = proc.next(yield* rewrite(step.value))
  return step.value
}

/** The lock's word says whose turn it is, so that two ways to take it are two programs. */
function inTurn<T>(proc: Proc<T>, {lock}: Locked, turn: number): Proc<T> {
  return performing(proc, function* (op) {
    if (op.kind === 'rmw' && op.at === lock) return yield {...op, until: word => word === 2 * turn, update: () => Value.of(2 * turn + 1)}
    return yield op.kind === 'store' && op.at === lock ? {...op, value: Value.of(2 * turn + 2)} : op
  })
}

/** Reads that do not wait are not performed: the thread is told what they find. */
function told<T>(proc: Proc<T>, values: ReadonlyMap<Location, readonly number[]>): Proc<T> {
  const left = new Map([...values].map(([at, all]) => [at, [...all]]))
  return performing(proc, function* (op) {
    if (!isLook(op)) return yield op
    const value = left.get(op.at as Location)?.shift()
    if (value === undefined) throw new Error(`nobody said what ${op.name} of ${(op.at as Location).name} finds`)
    return Value.of(value)
  })
}

/** The thread, which returns what such reads found, for each of the words. */
function* heard(proc: Proc, words: readonly Location[]): Proc<readonly (readonly Value[])[]> {
  const found = new Map<Location, Value[]>(words.map(word => [word, []]))
  yield* performing(proc, function* (op) {
    const reply = yield op
    if (isLook(op)) found.get(op.at as Location)!.push(reply as Value)
    return reply
  })
  return [...found.values()]
}

function isLook(op: Op): op is Extract<Op, {kind: 'load'}> {
  return op.kind === 'load' && op.until === undefined
}

/** Nobody waits: where it is not found what is waited for, there is no execution. */
function loosened<T>(proc: Proc<T>): Proc<T> {
  return rewriting(proc, op => op.kind === 'load' && op.until !== undefined ? {...op, isCertain: true} : op)
}
