/** What asking about one litmus test comes to: plain data, so that it can cross to and from a worker process. */

/** How the tests are asked about: the same for all of them. */
export interface Ask {
  /** Rounds of a loop. */
  readonly bound: number
  /** Time per test; null: as long as it takes. */
  readonly seconds: number | null
  /** Memory that the process may use; null: as much as it takes. */
  readonly megabytes: number | null
  /** Stop as soon as the verdict is decided. */
  readonly first: boolean
  /** Also show an execution, or why there is none. */
  readonly witness: boolean
}

/** One test to ask about. */
export interface Task {
  readonly file: string
  /** The name of a model; null: the one that the test's vocabulary belongs to. */
  readonly model: string | null
}

export type Verdict = 'Never' | 'Sometimes' | 'Always' | 'unknown'

/** What a test's own comment, or a table, says that the answer should be. What is null is not said. */
export interface Expected {
  readonly by: 'Result' | 'table'
  readonly verdict: 'Never' | 'Sometimes' | 'Always' | 'Deadlock' | null
  readonly positive: number | null
  readonly negative: number | null
  readonly states: number | null
  readonly flags: readonly string[] | null
}

/** A test that was asked about. */
export interface Judged {
  readonly file: string
  readonly name: string
  readonly model: string
  readonly quantifier: 'exists' | '~exists' | 'forall'
  /** As herd7 prints it. */
  readonly condition: string
  /** How often the condition's proposition holds; what it decides may be known before all executions are. */
  readonly verdict: Verdict
  /** Is the quantified condition true? Null if that is not known. */
  readonly ok: boolean | null
  readonly positive: number
  readonly negative: number
  readonly states: readonly {readonly state: string; readonly count: number}[]
  readonly flags: readonly string[]
  /** All executions were counted. */
  readonly complete: boolean
  /** Some executions were given up at the loop bound. */
  readonly loops: boolean
  /** Why not all were counted: the budgets that ended, in words. */
  readonly unknown: readonly string[]
  readonly deadlocks: number
  /** What went wrong in executions that are not counted. */
  readonly panics: readonly string[]
  readonly seconds: number
  /** What the test's own comment says. */
  readonly expected: Expected | null
  /** Lines of text; null if they were not asked for. */
  readonly witness: readonly string[] | null
  readonly error: null
}

/** A test that could not be read, or not be run. */
export interface Unread {
  readonly file: string
  /** `file:line:column: what was expected`. */
  readonly error: string
  /** It is our fault. */
  readonly bug: boolean
}

export type Answer = Judged | Unread
