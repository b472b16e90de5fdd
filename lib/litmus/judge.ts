/** What the executions of a litmus test come to: herd7's verdict, counts, states and flags. */
import {mapped} from '../mapped.ts'
import type {Model} from '../model.ts'
import type {Run} from '../result.ts'
import type {Scalar} from '../value.ts'
import {holds, statePieces, type Outcome, type Question} from './condition.ts'
import type {LitmusProgram, Registers} from './program.ts'

export interface LitmusVerdict {
  /** How often the condition's proposition holds, whatever its quantifier. */
  readonly verdict: 'Never' | 'Sometimes' | 'Always'
  /** Executions in which the proposition holds, and those in which it does not (herd7's `Observation`). */
  readonly positive: number
  readonly negative: number
  /** Is the quantified condition true? (herd7's `Ok` and `No`.) */
  readonly ok: boolean
  /** herd7's `Witnesses`: as above, but exchanged for `~exists`. */
  readonly witnesses: {readonly positive: number; readonly negative: number}
  /** The final states, as lines in herd7's order, each with the number of executions that end in it. */
  readonly states: ReadonlyMap<string, number>
  /** Flags that some execution raises. */
  readonly flags: readonly string[]
  /** What went wrong in executions that are not counted: null dereferences, division by zero. */
  readonly panics: readonly string[]
  /** Executions that no thread could finish. */
  readonly deadlocks: number
}

/** Counts executions as they come. */
export class Tally {
  readonly #question: Question
  readonly #standing: readonly string[]
  /** How many executions end in each state: a step for each observed thing, by the number of its scalar in `#scalars`. */
  readonly #states = new States()
  readonly #scalars: (Scalar | undefined)[] = []
  readonly #codes = new Map<Scalar | undefined, number>()
  readonly #flags = new Set<string>()
  readonly #panics = new Set<string>()
  #deadlocks = 0
  #positive = 0
  #negative = 0

  /** @param standing flags that every execution raises. */
  constructor(question: Question, standing: readonly string[] = []) {
    this.#question = question
    this.#standing = standing
  }

  /** Takes one complete execution into account, unless the test's filter drops it. */
  add(outcome: Outcome, flags: readonly string[]): void {
    const {filter, condition} = this.#question
    if (filter !== null && holds(filter, outcome) !== true) return
    if (holds(condition, outcome) === true) this.#positive++
    else this.#negative++
    for (const flag of flags) this.#flags.add(flag)
    const {displayed} = this.#question
    let state = this.#states
    for (let at = 0; at < displayed.length; at++) state = state.after(this.#codeOf(outcome[displayed[at]!]))
    state.count++
  }

  #codeOf(scalar: Scalar | undefined): number {
    const known = this.#codes.get(scalar)
    if (known !== undefined) return known
    this.#codes.set(scalar, this.#scalars.length)
    return this.#scalars.push(scalar) - 1
  }

  /** The lines of all states in herd7's order, each with how many executions end in it. There may be hundreds of thousands. */
  #lines(): ReadonlyMap<string, number> {
    const scalars = this.#scalars
    const codes = [...scalars.keys()].sort((a, b) => compareScalars(scalars[a], scalars[b]))
    const pieceOf = statePieces(this.#question)
    const pieces = mapped(this.#question.displayed, (_, at) => mapped(codes, code => pieceOf(at, scalars[code])))
    const lines = new Map<string, number>()
    if (this.#positive + this.#negative > 0) addLines(this.#states, '', 0, codes, pieces, lines)
    return lines
  }

  /** Those that were raised so far. */
  get flags(): ReadonlySet<string> {
    return this.#flags
  }

  addDeadlock(): void {
    this.#deadlocks++
  }

  addPanic(message: string): void {
    this.#panics.add(message)
  }

  get verdict(): LitmusVerdict {
    const [positive, negative] = [this.#positive, this.#negative]
    const {quantifier} = this.#question
    return {
      verdict: positive === 0 ? 'Never' : negative === 0 ? 'Always' : 'Sometimes',
      positive, negative,
      ok: quantifier === 'exists' ? positive > 0 : quantifier === 'forall' ? negative === 0 : positive === 0,
      witnesses: quantifier === '~exists' ? {positive: negative, negative: positive} : {positive, negative},
      states: this.#lines(),
      flags: positive + negative === 0 ? [] : [...this.#flags, ...this.#standing].sort(),
      panics: [...this.#panics].sort(),
      deadlocks: this.#deadlocks,
    }
  }
}

/** The states that begin alike, by what comes next, and how many executions end in this one. */
class States {
  readonly next: (States | undefined)[] = []
  count = 0

  after(code: number): States {
    return this.next[code] ??= new States()
  }
}

/** Adds the lines of states that begin with `line`, in the order of their scalars. */
function addLines(states: States, line: string, at: number, codes: readonly number[], pieces: readonly (readonly string[])[], lines: Map<string, number>): void {
  if (at === pieces.length) {
    lines.set(line, (lines.get(line) ?? 0) + states.count)
    return
  }
  for (let rank = 0; rank < codes.length; rank++) {
    const next = states.next[codes[rank]!]
    if (next !== undefined) addLines(next, line + pieces[at]![rank]!, at + 1, codes, pieces, lines)
  }
}

function compareScalars(a: Scalar | undefined, b: Scalar | undefined): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'object' && typeof b === 'object') return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
  return typeof a === 'number' ? -1 : typeof b === 'number' ? 1 : 0
}

/** The outcome of one complete execution, as the question observes it. */
export function outcomeOf({question}: LitmusProgram, returned: Registers, final: (index: number) => Scalar): Outcome {
  return question.observed.map(seen =>
    seen.kind === 'register' ? returned[`P${seen.thread}`]?.[seen.name] : final(seen.location.index))
}

/** Flags that every execution raises, by what the question asks (lock.cat: `lock-final`). */
export function standingFlags({asksForLock}: LitmusProgram, model: Model): readonly string[] {
  return asksForLock && model.family === 'lkmm' ? ['lock-final'] : []
}

/** Judges a test by its executions. Blocked ones and those in which a thread panics are not counted. */
export function judgeLitmus(litmus: LitmusProgram, model: Model, runs: Iterable<Run>): LitmusVerdict {
  const tally = new Tally(litmus.question, standingFlags(litmus, model))
  for (const {returned, final, failures} of runs) {
    const panics = failures.flatMap(failure => failure.kind === 'panic' ? [`${failure.thread}: ${failure.message}`] : [])
    for (const panic of panics) tally.addPanic(panic)
    if (failures.some(failure => failure.kind === 'deadlock')) tally.addDeadlock()
    else if (panics.length === 0) {
      const flags = failures.flatMap(failure => failure.kind === 'flag' ? [failure.flag] : [])
      tally.add(outcomeOf(litmus, returned as Registers, index => final[index]!), flags)
    }
  }
  return tally.verdict
}
