/** Runs a litmus test: all its executions counted, or as few as decide the verdict. */
import type {Limits} from '../limits.ts'
import {mapped} from '../mapped.ts'
import type {Model} from '../model.ts'
import {survey, type Survey, type View, type Visitor} from '../survey.ts'
import {Value, type Scalar} from '../value.ts'
import {holds, type Outcome} from './condition.ts'
import {standingFlags, Tally, type LitmusVerdict} from './judge.ts'
import type {LitmusProgram} from './program.ts'

export interface LitmusRun {
  readonly verdict: LitmusVerdict
  readonly survey: Survey
}

/** Counts every execution of a test, as herd7 does. */
export function runLitmus(litmus: LitmusProgram, model: Model, limits: Limits = {}): LitmusRun {
  return judged(litmus, model, limits, () => ({isSettled: null, isDecided: () => false}))
}

/**
 * Decides Never, Sometimes or Always, and looks at no more executions than that takes (herd7's
 * `-speedcheck`): a branch whose outcome already decides the condition in a way that was seen before
 * cannot add anything. Counts, states and flags are then those of what was looked at.
 */
export function decideLitmus(litmus: LitmusProgram, model: Model, limits: Limits = {}): LitmusRun {
  const {condition, filter} = litmus.question
  return judged(litmus, model, limits, () => {
    const seen = {true: false, false: false}
    return {
      isSettled: outcome => {
        if (filter !== null && holds(filter, outcome) === false) return true
        const value = holds(condition, outcome)
        return value !== undefined && seen[`${value}`]
      },
      isDecided: outcome => {
        if (filter === null || holds(filter, outcome) === true) seen[`${holds(condition, outcome) === true}`] = true
        return seen.true && seen.false
      },
    }
  })
}

interface Strategy {
  /** May a branch with this (partial) outcome be skipped? Null if never. */
  readonly isSettled: ((outcome: Outcome) => boolean) | null
  /** Was this the last execution that had to be looked at? */
  readonly isDecided: (outcome: Outcome) => boolean
}

function judged(litmus: LitmusProgram, model: Model, limits: Limits, start: () => Strategy): LitmusRun {
  const standing = standingFlags(litmus, model)
  let tally = new Tally(litmus.question, standing)
  const observe = observer(litmus)
  const result = survey(litmus.program, model, limits, (): Visitor => {
    tally = new Tally(litmus.question, standing)
    const {isSettled, isDecided} = start()
    return {
      ...isSettled === null ? {} : {isSettled: (view: View) => isSettled(observe(view))},
      visit: (view, status) => {
        const panics = view.panics()
        if (panics.length > 0) for (const {thread, message} of panics) tally.addPanic(`${thread}: ${message}`)
        if (status === 'blocked') tally.addDeadlock()
        else if (panics.length === 0) {
          const outcome = observe(view)
          tally.add(outcome, view.flags(tally.flags))
          return isDecided(outcome)
        }
        return false
      },
    }
  })
  return {verdict: tally.verdict, survey: result}
}

/** Reads off what the test's question observes: an outcome that is valid until the next one is read off. */
function observer({question, program}: LitmusProgram): (view: View) => Outcome {
  const positions = new Map(mapped(program.threads, ({name}, position) => [name, position]))
  const seen = mapped(question.observed, each => each.kind === 'memory'
    ? new Seen(-1, '', each.location.index) : new Seen(positions.get(`P${each.thread}`)!, each.name, -1))
  const outcome: (Scalar | undefined)[] = []
  return view => {
    for (let i = 0; i < seen.length; i++) outcome[i] = seen[i]!.in(view)
    return outcome
  }
}

/** Something observed: a register of a thread, or a word. */
class Seen {
  readonly #thread: number
  readonly #register: string
  readonly #word: number
  // a thread mostly returns what it returned the last time, which is faster to see than to look up a name in it
  #returned: unknown = null
  #value: Value | undefined = undefined

  constructor(thread: number, register: string, word: number) {
    this.#thread = thread
    this.#register = register
    this.#word = word
  }

  in(view: View): Scalar | undefined {
    if (this.#thread < 0) return view.final(this.#word)
    const returned = view.returned(this.#thread)
    if (returned !== this.#returned) {
      this.#returned = returned
      this.#value = returned === undefined ? undefined : (returned as Readonly<Record<string, Value>>)[this.#register]
    }
    return this.#value === undefined ? undefined : view.scalar(this.#thread, this.#value)
  }
}
