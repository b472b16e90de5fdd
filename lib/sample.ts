/** Sampling: one execution per seed, or by choices of the caller's own. */
import {pct, random, stale, type Chooser} from './choose.ts'
import {nodesBetweenLooks, open, overBudget, type Limits} from './limits.ts'
import type {Decision, Status} from './machine.ts'
import type {Model} from './model.ts'
import type {Program} from './program.ts'
import type {Path, Run, Verdict} from './result.ts'
import {SavedStates} from './saved.ts'
import type {Session} from './session.ts'
import {Tally} from './tally.ts'

export type Strategy = 'random' | 'pct' | 'stale'

export interface Sampling extends Limits {
  readonly seed: string
  readonly runs: number
  readonly strategy?: Strategy
}

/** Runs `runs` executions; the i-th is determined by `seed/program/model/i` alone. */
export function sample<R>(program: Program<R>, model: Model, sampling: Sampling): Verdict {
  const session = open(program, model, sampling)
  return session.withRoom(() => sampleAll(session, sampling))
}

function sampleAll(session: Session, sampling: Sampling): Verdict {
  const tally = new Tally(session)
  const dive = new Dive(session)
  let tried = 0
  while (tried < sampling.runs) {
    const index = tried++
    const status = dive.run(chooserFor(session.program, session.model, sampling, index))
    if (status !== null && tally.note(status, () => canonicalPath(session, dive.final()))) {
      tally.failingSample ??= index
      if (sampling.keepGoing !== true) break
    }
    const over = index % nodesBetweenLooks === 0 ? overBudget(sampling) : null
    if (over !== null) {
      tally.unknown.push(over)
      break
    }
  }
  tally.unknown.unshift({budget: 'sampled', limit: tried})
  return tally.verdict(dive.nodes, dive.deadEnds)
}

/** The i-th execution of a sampling run, by itself; null if it ended nowhere (cut, or only dead ends). */
export function sampleOne<R>(program: Program<R>, model: Model, sampling: Sampling, index: number): Run | null {
  return runWith(program, model, chooserFor(program, model, sampling, index), sampling)
}

/** One execution, every choice of which `chooser` makes: a person, a strategy of the caller's own. Null if it ended nowhere. */
export function runWith<R>(program: Program<R>, model: Model, chooser: Chooser, limits: Limits = {}): Run | null {
  const session = open(program, model, limits)
  return session.withRoom(() => {
    const dive = new Dive(session)
    const status = dive.run(chooser)
    return status === null || status === 'cut' ? null : session.run(canonicalPath(session, dive.final()), status)
  })
}

function chooserFor(program: {readonly name: string}, model: Model, {seed, strategy = 'random'}: Sampling, index: number): Chooser {
  const own = `${seed}/${program.name}/${model.name}/${index}`
  switch (strategy) {
    case 'random': return random(own)
    case 'stale': return stale(own)
    case 'pct': return pct(own, 3, 40)
  }
}

const maxStepsOfDive = 20_000
const patienceOfDive = 50

/** One execution by a chooser; where a choice leads nowhere, another one of the same decision is taken. */
class Dive {
  nodes = 0
  deadEnds = 0
  readonly #session: Session
  readonly #saved: SavedStates
  readonly #final: Int32Array
  #initial: Int32Array | null = null

  constructor(session: Session) {
    this.#session = session
    this.#saved = new SavedStates(session.machine.graph)
    this.#final = new Int32Array(session.machine.graph.size)
  }

  /** The machine's state at the end of the last run. */
  final(): Int32Array {
    this.#session.machine.graph.save(this.#final)
    return this.#final
  }

  run(chooser: Chooser): Exclude<Status, 'dead'> | null {
    return this.#attempt(chooser, true, patienceOfDive) ?? this.#attempt(chooser, false, Infinity)
  }

  /**
   * @param free does the chooser say which read goes next? Where almost no order leads anywhere (three threads that
   *   want one lock), exploration's order does, in which a read may also wait for a later write.
   * @param patience dead ends after which the attempt is given up.
   */
  #attempt(chooser: Chooser, free: boolean, patience: number): Exclude<Status, 'dead'> | null {
    const {machine} = this.#session
    const frames: {decision: Decision; left: number[]}[] = []
    if (!this.#begin()) return null
    let status: Decision | Status = machine.next(free)
    for (let step = 0, deadEnds = 0; step < maxStepsOfDive; step++) {
      if (typeof status === 'string') {
        if (status !== 'dead') return status
        this.deadEnds++
        if (++deadEnds > patience) return null
        while (frames.at(-1)?.left.length === 0) frames.pop()
        const frame = frames.at(-1)
        if (frame === undefined) return null
        this.#saved.restore(frames.length - 1)
      } else {
        // most waits end: that one goes on is tried now and then
        const passesOn = !free || status.later && machine.isWait(status) && chooser.choose('starve', 16, `${machine.describe(status)}, or waits`) === 15
        const among = status.among - (status.later && !passesOn ? 1 : 0)
        frames.push({decision: status, left: Array.from({length: among}, (_, i) => i)})
        this.#saved.save(frames.length - 1)
      }
      const frame = frames.at(-1)!
      const {decision, left} = frame
      const [choice] = left.splice(left.length === 1 ? 0 : chooser.choose(decision.kind, left.length, machine.describe(decision)), 1)
      this.nodes++
      const taken: boolean | Decision = choice === undefined ? false : machine.take(decision, choice)
      status = taken === true ? machine.next(free) : taken === false ? 'dead' : taken
    }
    return null
  }

  /** Every run begins where all threads have run ahead as far as they can. */
  #begin(): boolean {
    const {machine} = this.#session
    if (this.#initial !== null) {
      machine.graph.restore(this.#initial)
      return true
    }
    if (!machine.start()) return false
    this.#initial = new Int32Array(machine.graph.size)
    machine.graph.save(this.#initial)
    return true
  }
}

/** The path by which exploration reaches the execution whose final state is `target`. Leaves the machine there. */
function canonicalPath(session: Session, target: Int32Array): Path {
  const {machine} = session
  const path: [number, number][] = []
  const goal = target.slice()
  machine.start()
  for (let decision = 0; ; decision++) {
    const status = machine.next()
    if (typeof status === 'string') return path
    const choice = machine.choiceTowards(goal, status)
    if (choice !== 0) path.push([decision, choice])
    machine.take(status, choice)
  }
}
