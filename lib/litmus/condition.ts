/**
 * The question of a litmus test as data: what it observes, and whether an outcome answers it, also while
 * parts of the outcome are not known yet.
 */
import {mapped} from '../mapped.ts'
import type {Location, Scalar} from '../value.ts'
import type {Quantifier} from './syntax.ts'

/** Something observed at the end of an execution. */
export type Observed =
  | {readonly kind: 'register'; readonly thread: number; readonly name: string}
  | {readonly kind: 'memory'; readonly location: Location}

/** A condition over the observed things, which it names by their position in `Question.observed`. */
export type Condition =
  | {readonly kind: 'constant'; readonly value: boolean}
  | {readonly kind: 'not'; readonly of: Condition}
  | {readonly kind: 'and' | 'or'; readonly left: Condition; readonly right: Condition}
  | {readonly kind: 'is'; readonly observed: number; readonly value: Scalar}
  | {readonly kind: 'same'; readonly observed: number; readonly other: number}

export interface Question {
  readonly quantifier: Quantifier
  readonly condition: Condition
  /** Executions whose outcome does not satisfy this are not counted at all. */
  readonly filter: Condition | null
  readonly observed: readonly Observed[]
  /** What a state line shows, in its order: positions in `observed`. */
  readonly displayed: readonly number[]
}

/** The values of the observed things, by position; undefined where not known (yet). */
export type Outcome = readonly (Scalar | undefined)[]

/** Does the condition hold of the outcome? Undefined if what is known does not decide it. */
export function holds(condition: Condition, outcome: Outcome): boolean | undefined {
  switch (condition.kind) {
    case 'constant': return condition.value
    case 'not': {
      const inner = holds(condition.of, outcome)
      return inner === undefined ? undefined : !inner
    }
    case 'and': {
      const left = holds(condition.left, outcome)
      if (left === false) return false
      const right = holds(condition.right, outcome)
      return right === false ? false : left === undefined ? undefined : right
    }
    case 'or': {
      const left = holds(condition.left, outcome)
      if (left === true) return true
      const right = holds(condition.right, outcome)
      return right === true ? true : left === undefined ? undefined : right
    }
    case 'is': {
      const found = outcome[condition.observed]
      return found === undefined ? undefined : found === condition.value
    }
    case 'same': {
      const [a, b] = [outcome[condition.observed], outcome[condition.other]]
      return a === undefined || b === undefined ? undefined : a === b
    }
  }
}

/** The line that herd7 prints for a final state: `0:r0=1; x=y;`, pointers by the name of what they point to. */
export function stateLine(question: Question, outcome: Outcome): string {
  const pieceOf = statePieces(question)
  return question.displayed.map((i, at) => pieceOf(at, outcome[i])).join('')
}

/** The pieces of such a line, by position in it and by value. */
export function statePieces({displayed, observed}: Question): (at: number, value: Scalar | undefined) => string {
  const labels = mapped(displayed, (i, at) => `${at === 0 ? '' : ' '}${observedName(observed[i]!)}=`)
  return (at, value) => `${labels[at]!}${shown(value)};`
}

export function observedName(observed: Observed): string {
  return observed.kind === 'register' ? `${observed.thread}:${observed.name}` : observed.location.name
}

function shown(scalar: Scalar | undefined): string {
  return scalar === undefined ? '?' : typeof scalar === 'number' ? String(scalar) : scalar.name
}

/** herd7's order: registers before memory, by thread and name. */
export function compareObserved(a: Observed, b: Observed): number {
  if (a.kind !== b.kind) return a.kind === 'register' ? -1 : 1
  if (a.kind === 'register' && b.kind === 'register' && a.thread !== b.thread) return a.thread - b.thread
  const [one, other] = [observedName(a), observedName(b)]
  return one < other ? -1 : one > other ? 1 : 0
}

/** The condition as herd7 prints it. */
export function showCondition(condition: Condition, question: Question): string {
  const name = (i: number): string => observedName(question.observed[i]!)
  const inner = (part: Condition): string =>
    part.kind === 'and' || part.kind === 'or' ? `(${showCondition(part, question)})` : showCondition(part, question)
  const side = (part: Condition, within: 'and' | 'or'): string => part.kind === within ? showCondition(part, question) : inner(part)
  switch (condition.kind) {
    case 'constant': return String(condition.value)
    case 'not':
      if (condition.of.kind === 'is') return `not (${showCondition(condition.of, question)})`
      return `not ${condition.of.kind === 'same' ? `(${showCondition(condition.of, question)})` : inner(condition.of)}`
    case 'and': return `${side(condition.left, 'and')} /\\ ${side(condition.right, 'and')}`
    case 'or': return `${side(condition.left, 'or')} \\/ ${side(condition.right, 'or')}`
    case 'is': return `${name(condition.observed)}=${shown(condition.value)}`
    case 'same': return `${name(condition.observed)}=${name(condition.other)}`
  }
}
