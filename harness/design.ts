/** What a design is: a program over the primitives, with the verdict expected of it under each model. */
import type {Program, Regime} from '../lib/index.ts'

/** What a design, or a mutant of one, is expected to do under one model. */
export type Expectation =
  /** Every claim holds in every execution, and every witness in some. */
  | {readonly verdict: 'holds'}
  /** Some execution breaks this claim, raises this flag (`data-race`), or fails in this way (`use-after-free`, `deadlock`). It may break others too. */
  | {readonly verdict: 'broken'; readonly by: string}
  /** This operation has no counterpart under the model, so that the question has no answer. */
  | {readonly verdict: 'no mapping'; readonly operation: string}

/** By the model's name. */
export type Expected = Readonly<Record<string, Expectation>>

/** Of a program with a heap: what is expected where pointers to dead objects may be used so, and addresses come back or not. */
export interface HeapCase {
  readonly regimes: readonly Regime[]
  /** May freed addresses come back? Default true. */
  readonly reuse?: boolean
  readonly expected: Expected
}

/** What a design states of itself: verdicts by model; of a program with a heap also by regime and reuse, or else in `strict` with reuse. */
export type Stated = Expected | readonly HeapCase[]

export interface Design {
  /** In kebab-case; also the name of the program. */
  readonly name: string
  /** What it is, in one line. */
  readonly title: string
  /** Where the design, or what is known of it, comes from. */
  readonly source: string
  readonly program: () => Program<never>
  readonly expected: Stated
  /** For a mutant: the design that it was made from. */
  readonly of?: string
  /** For a mutant: what was changed, as in `without smp_rmb() in read_seqcount_retry()`. */
  readonly change?: string
}

export const holds: Expectation = {verdict: 'holds'}
export const brokenBy = (by: string): Expectation => ({verdict: 'broken', by})
export const noMapping = (operation: string): Expectation => ({verdict: 'no mapping', operation})

/** Holds under every model. Of a mutant: no model tells it from its parent. */
export const everywhere: Expected = {sc: holds, tso: holds, rc11: holds, 'c++20': holds, lkmm: holds}

/** Holds where loads stay in order among themselves, and stores (sc, tso); broken where they do not. */
export const onlyInOrder = (by: string): Expected =>
  ({sc: holds, tso: holds, rc11: brokenBy(by), 'c++20': brokenBy(by), lkmm: brokenBy(by)})

/** Broken under the C/C++ models alone: LKMM, as hardware, keeps what is read through a pointer behind the pointer. */
export const onlyInC11 = (by: string): Expected => ({...everywhere, rc11: brokenBy(by), 'c++20': brokenBy(by)})

/** Broken already under sequential consistency, and so under every model. */
export const nowhere = (by: string): Expected =>
  ({sc: brokenBy(by), tso: brokenBy(by), rc11: brokenBy(by), 'c++20': brokenBy(by), lkmm: brokenBy(by)})

/** The program with one of its claims alone, to ask for an execution that breaks this one. */
export function withClaim<R>(program: Program<R>, claim: string): Program<R> {
  const claims = Object.entries(program.claims).filter(([name]) => name === claim)
  return {...program, claims: Object.fromEntries(claims), witnesses: {}}
}
