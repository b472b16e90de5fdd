/** The syntax tree of a litmus test. Every `at` is an offset into the test's text, or into a part of it. */
import type {Operator} from '../value.ts'
import type {Source} from './source.ts'

export interface LitmusTest {
  readonly source: Source
  readonly name: string
  /** The string before the initial state, if there is one. */
  readonly doc: string | null
  /** `Key=Value` lines of the header (`Cycle`, `Orig`, `Relax` …). */
  readonly info: ReadonlyMap<string, string>
  /** What a `Result:` line in a comment says. */
  readonly expected: Expectation | null
  readonly init: readonly Initial[]
  /** The test's source, with what positions in the initial state count from; and likewise for what comes after the threads. */
  readonly initSource: Source
  readonly questionSource: Source
  readonly threads: readonly ThreadSyntax[]
  /** Shown in the states besides what the condition mentions. */
  readonly locations: readonly Place[]
  readonly filter: Proposition | null
  readonly quantifier: Quantifier
  readonly condition: Proposition
}

export type Quantifier = 'exists' | '~exists' | 'forall'

/** `Result: Never DATARACE` and the like. With a race the outcome is no expectation. */
export interface Expectation {
  /** The text after `Result:`. */
  readonly text: string
  readonly verdict: 'Never' | 'Sometimes' | 'Always' | 'Deadlock' | null
  readonly race: boolean
}

/** A register of a thread, or a shared variable (`index` counts its words, 0 for a scalar). */
export type Place =
  | {readonly kind: 'register'; readonly thread: number; readonly name: string; readonly at: number}
  | {readonly kind: 'shared'; readonly name: string; readonly index: number; readonly at: number}

/** A number, or the address of a shared variable. */
export type Constant = number | {readonly name: string; readonly index: number; readonly at: number}

export interface Initial {
  readonly place: Place
  /** One value per word; none leaves zeros. */
  readonly values: readonly Constant[]
  /** Words of an array; null for a scalar. */
  readonly length: number | null
}

export interface ThreadSyntax extends ThreadText {
  readonly index: number
  readonly at: number
  /** What the positions in the parameters and the body count from. */
  readonly base: number
}

/** What a thread is but for its number: the same object for the same text, wherever that stands. */
export interface ThreadText {
  readonly parameters: readonly {readonly name: string; readonly pointer: boolean; readonly at: number}[]
  readonly body: readonly Statement[]
}

export type Statement =
  | {readonly kind: 'block'; readonly body: readonly Statement[]; readonly at: number}
  | {readonly kind: 'declare'; readonly name: string; readonly at: number}
  | {readonly kind: 'expression'; readonly value: Expression; readonly at: number}
  | {readonly kind: 'if'; readonly condition: Expression; readonly then: Statement; readonly otherwise: Statement | null; readonly at: number}
  /** `first` runs the body once before the condition is asked (do … while). */
  | {readonly kind: 'loop'; readonly first: boolean; readonly condition: Expression | null; readonly body: Statement
    readonly step: Expression | null; readonly at: number}

/** Casts leave no trace: values are words. `a[i]` is `*(a + i)`. */
export type Expression =
  | {readonly kind: 'number'; readonly value: number; readonly at: number}
  | {readonly kind: 'name'; readonly name: string; readonly at: number}
  | {readonly kind: 'deref' | 'address'; readonly of: Expression; readonly at: number}
  | {readonly kind: 'apply'; readonly operator: Operator; readonly args: readonly Expression[]; readonly at: number}
  | {readonly kind: 'both' | 'either'; readonly left: Expression; readonly right: Expression; readonly at: number}
  | {readonly kind: 'choose'; readonly condition: Expression; readonly then: Expression; readonly otherwise: Expression; readonly at: number}
  | {readonly kind: 'assign'; readonly target: Expression; readonly operator: Operator | null; readonly value: Expression; readonly at: number}
  | {readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[]; readonly at: number}

export type Proposition =
  | {readonly kind: 'and' | 'or' | 'implies'; readonly left: Proposition; readonly right: Proposition}
  | {readonly kind: 'not'; readonly of: Proposition}
  | {readonly kind: 'constant'; readonly value: boolean}
  /** A place compared with a constant or another place's value. */
  | {readonly kind: 'equal' | 'unequal'; readonly place: Place; readonly value: Constant | Place}
