/** Exhaustive exploration: every choice of the machine, depth first. */
import {Outgrown} from './graph.ts'
import {nodesBetweenLooks, open, overBudget, type Limits} from './limits.ts'
import type {Decision, Status} from './machine.ts'
import type {Model} from './model.ts'
import type {Program} from './program.ts'
import type {Path, Run, Verdict} from './result.ts'
import type {Session} from './session.ts'
import {SavedStates} from './saved.ts'
import {Tally} from './tally.ts'

/** A decision under way: what was offered, and which choice is being looked at. */
interface Frame {
  readonly decision: Decision
  choice: number
}

/**
 * Depth-first over every choice, backing up by restoring. Stops at each execution that is complete,
 * blocked or cut. What `isSettled` says true of is not looked into: nothing there matters any more.
 */
export class Walk {
  nodes = 0
  deadEnds = 0
  readonly #session: Session
  readonly #frames: Frame[] = []
  readonly #isSettled: (() => boolean) | null
  /** The state at each decision under way that has a choice left. */
  readonly #saved: SavedStates
  #savedCount = 0

  constructor(session: Session, isSettled: (() => boolean) | null = null) {
    this.#session = session
    this.#isSettled = isSettled
    this.#saved = new SavedStates(session.machine.graph)
  }

  /** The first execution, or null if there is none. */
  first(): Exclude<Status, 'dead'> | null {
    const {machine} = this.#session
    if (!machine.start()) return null
    return this.#onward(machine.next())
  }

  /** The next execution after the present one, or null. */
  next(): Exclude<Status, 'dead'> | null {
    return this.#onward('dead', true)
  }

  /** The choices that lead to the present execution. */
  path(): Path {
    return this.#frames.flatMap(({choice}, decision): (readonly [number, number])[] => choice === 0 ? [] : [[decision, choice]])
  }

  #onward(from: Decision | Status, resuming = false): Exclude<Status, 'dead'> | null {
    const {machine} = this.#session
    let status = from
    let quiet = resuming
    for (;;) {
      if (typeof status === 'string') {
        if (status !== 'dead') return status
        if (!quiet) this.deadEnds++
        quiet = false
        const resumed = this.#backUp()
        if (resumed === null) return null
        status = resumed
        continue
      }
      if (this.#isSettled?.() === true) {
        status = 'dead'
        quiet = true
        continue
      }
      this.nodes++
      this.#push(status)
      status = machine.take(status, 0) === true ? machine.next() : 'dead'
    }
  }

  #push(decision: Decision): void {
    this.#frames.push({decision, choice: 0})
    if (decision.among > 1) this.#saved.save(this.#savedCount++)
  }

  #backUp(): Decision | Status | null {
    const {machine} = this.#session
    for (;;) {
      const frame = this.#frames.at(-1)
      if (frame === undefined) return null
      if (frame.choice + 1 >= frame.decision.among) {
        this.#frames.pop()
        continue
      }
      frame.choice++
      this.nodes++
      const isLast = frame.choice + 1 === frame.decision.among
      this.#saved.restore(this.#savedCount - 1)
      if (isLast) this.#savedCount--
      return machine.take(frame.decision, frame.choice) === true ? machine.next() : 'dead'
    }
  }
}

/** Explores every execution that the model allows, until one fails (or all, with `keepGoing`). */
export function explore<R>(program: Program<R>, model: Model, limits: Limits = {}): Verdict {
  const session = open(program, model, limits)
  return session.withRoom(() => exploreOnce(session, limits))
}

function exploreOnce(session: Session, limits: Limits): Verdict {
  const walk = new Walk(session)
  const tally = new Tally(session)
  let looked = 0
  for (let status = walk.first(); status !== null; status = walk.next()) {
    if (tally.note(status, () => walk.path()) && limits.keepGoing !== true) break
    if (limits.executions !== undefined && tally.executions >= limits.executions) {
      tally.unknown.push({budget: 'executions', limit: limits.executions})
      break
    }
    if (limits.expired !== undefined && walk.nodes - looked > nodesBetweenLooks) {
      looked = walk.nodes
      const over = overBudget(limits)
      if (over !== null) {
        tally.unknown.push(over)
        break
      }
    }
  }
  return tally.verdict(walk.nodes, walk.deadEnds)
}

/** All complete (and blocked) executions, each once. */
export function* executions<R>(program: Program<R>, model: Model, limits: Limits = {}): Generator<Run> {
  const session = open(program, model, limits)
  // the machine may have to grow half-way: then what was yielded already is skipped, in the same order
  for (let yielded = 0; ;) {
    try {
      const walk = new Walk(session)
      let seen = 0
      for (let status = walk.first(); status !== null; status = walk.next()) {
        if (status === 'cut' || seen++ < yielded) continue
        yielded++
        yield session.run(walk.path(), status)
      }
      return
    } catch (error) {
      if (!(error instanceof Outgrown)) throw error
      session.rebuild()
    }
  }
}
