/**
 * The language that memory models are written in: sets, relations and axioms as data, so that a
 * model file reads like its published cat file. Two readers exist: the reference evaluator
 * (reference.ts), which is obvious and slow, and the compiled checker (checker.ts).
 *
 * Vocabulary and meaning follow herd7's cat language (Alglave, Cousot, Maranget, "Syntax and
 * semantics of the weak consistency model specification language cat", 2016).
 */
import type {Family} from './mapping.ts'

/** A set of events. */
export type SetExpr =
  | {readonly sort: 'set'; readonly op: 'tag'; readonly name: string}
  | {readonly sort: 'set'; readonly op: 'or' | 'and'; readonly args: readonly SetExpr[]}
  | {readonly sort: 'set'; readonly op: 'minus'; readonly left: SetExpr; readonly right: SetExpr}
  | {readonly sort: 'set'; readonly op: 'not'; readonly arg: SetExpr}
  | {readonly sort: 'set'; readonly op: 'domain' | 'range'; readonly of: RelationExpr}

/** A relation that every execution comes with. */
export type Base = 'po' | 'addr' | 'data' | 'ctrl' | 'rmw' | 'rf' | 'co' | 'fr' | 'grace' | 'loc' | 'int' | 'ext' | 'id'

/** A relation between events. */
export type RelationExpr =
  | {readonly sort: 'relation'; readonly op: 'base'; readonly name: Base}
  | {readonly sort: 'relation'; readonly op: 'on'; readonly set: SetExpr}
  | {readonly sort: 'relation'; readonly op: 'cross'; readonly from: SetExpr; readonly to: SetExpr}
  | {readonly sort: 'relation'; readonly op: 'seq' | 'or' | 'and'; readonly args: readonly RelationExpr[]}
  | {readonly sort: 'relation'; readonly op: 'minus'; readonly left: RelationExpr; readonly right: RelationExpr}
  | {readonly sort: 'relation'; readonly op: 'inv' | 'opt' | 'plus' | 'star'; readonly arg: RelationExpr}
  | {readonly sort: 'relation'; readonly op: 'brackets'; readonly open: SetExpr; readonly close: SetExpr}
  | Recursive

/** The least relation that satisfies `r = body(r)`; `body` must be monotone in it. */
export interface Recursive {
  readonly sort: 'relation'
  readonly op: 'rec'
  readonly body: RelationExpr
}

export interface Axiom {
  readonly kind: 'acyclic' | 'irreflexive' | 'empty'
  readonly of: RelationExpr
}

export interface Model {
  readonly name: string
  /** What it is, in one line. */
  readonly title: string
  readonly sources: readonly string[]
  /** Which mapping of operations to events it wants. */
  readonly family: Family
  /** Which dependencies there are: all (the default), or those within one call of a C function (`inC`). */
  readonly dependencies?: 'all' | 'within C'
  /** What plain accesses are: what the model says of them (the default), or marked where KCSAN takes them for atomic. */
  readonly plain?: 'as they are' | 'as KCSAN sees them'
  /** The published names, for labels in reports. */
  readonly relations: Readonly<Record<string, RelationExpr>>
  /** An execution is allowed if it satisfies every axiom. */
  readonly axioms: Readonly<Record<string, Axiom>>
  /** An allowed execution with a non-empty flag is undefined behaviour, or misuse. */
  readonly flags: Readonly<Record<string, RelationExpr>>
  /**
   * Order within one thread, known from its own events, that is in no cycle with rf: a store that it puts behind a read
   * is not seen before that read has read. po, where there is no load buffering. What it leaves out may be seen
   * early, and then the engine guesses what the read returns; too much in it loses executions.
   */
  readonly guarded: RelationExpr
  /** Pairs of which the one access is over before the other happens, for certain: what a lifetime must be to its object's end. */
  readonly before: RelationExpr
  /**
   * Fences that act only through po: no relation of an axiom needs them as an endpoint, so the
   * compiled checker leaves them out of its matrices. Checked against the reference in the tests.
   */
  readonly folded: SetExpr
  /**
   * Fences that, besides through po, act only in a recursive relation that counting.ts can count. They are left out as
   * well, of programs for which it can. Checked likewise.
   */
  readonly counted?: SetExpr
}

const base = (name: Base): RelationExpr => ({sort: 'relation', op: 'base', name})

export const po = base('po')
export const addr = base('addr')
export const data = base('data')
export const ctrl = base('ctrl')
export const rmw = base('rmw')
export const rf = base('rf')
export const co = base('co')
export const fr = base('fr')
/**
 * For models without an axiom for RCU: for each grace period and each outermost read-side critical section of
 * another thread, either from the grace period's beginning to the section's, or from the section's end to the grace
 * period's. Which of them is part of the execution, as co is (C++26 [saferecl.rcu], P2545).
 */
export const grace = base('grace')
export const loc = base('loc')
export const int = base('int')
export const ext = base('ext')
export const id = base('id')

/** The events with this tag; `R`, `W`, `F`, `M`, `IW` and `any` always exist. */
export const set = (name: string): SetExpr => ({sort: 'set', op: 'tag', name})

export const R = set('R')
export const W = set('W')
export const F = set('F')
export const M = set('M')
export const IW = set('IW')
export const RMW = set('RMW')
export const any = set('any')

/** [S]: the identity on a set. */
export const on = (of: SetExpr): RelationExpr => ({sort: 'relation', op: 'on', set: of})
/** S * T: every pair from one set to another. */
export const cross = (from: SetExpr, to: SetExpr): RelationExpr => ({sort: 'relation', op: 'cross', from, to})
/** r ; s ; … — a set in the sequence stands for its identity. */
export const seq = (...args: readonly (RelationExpr | SetExpr)[]): RelationExpr =>
  ({sort: 'relation', op: 'seq', args: args.map(arg => arg.sort === 'set' ? on(arg) : arg)})

/** Union, of sets or of relations. */
export function or(...args: readonly SetExpr[]): SetExpr
export function or(...args: readonly RelationExpr[]): RelationExpr
export function or(...args: readonly (SetExpr | RelationExpr)[]): SetExpr | RelationExpr {
  return {sort: args[0]!.sort, op: 'or', args} as SetExpr | RelationExpr
}
/** Intersection, of sets or of relations. */
export function and(...args: readonly SetExpr[]): SetExpr
export function and(...args: readonly RelationExpr[]): RelationExpr
export function and(...args: readonly (SetExpr | RelationExpr)[]): SetExpr | RelationExpr {
  return {sort: args[0]!.sort, op: 'and', args} as SetExpr | RelationExpr
}
/** Difference, of sets or of relations. */
export function minus(left: SetExpr, right: SetExpr): SetExpr
export function minus(left: RelationExpr, right: RelationExpr): RelationExpr
export function minus(left: SetExpr | RelationExpr, right: SetExpr | RelationExpr): SetExpr | RelationExpr {
  return {sort: left.sort, op: 'minus', left, right} as SetExpr | RelationExpr
}
/** Everything that is not in the set. */
export const not = (arg: SetExpr): SetExpr => ({sort: 'set', op: 'not', arg})
export const domain = (of: RelationExpr): SetExpr => ({sort: 'set', op: 'domain', of})
export const range = (of: RelationExpr): SetExpr => ({sort: 'set', op: 'range', of})

/** r^-1 */
export const inv = (arg: RelationExpr): RelationExpr => ({sort: 'relation', op: 'inv', arg})
/** r? */
export const opt = (arg: RelationExpr): RelationExpr => ({sort: 'relation', op: 'opt', arg})
/** r+ */
export const plus = (arg: RelationExpr): RelationExpr => ({sort: 'relation', op: 'plus', arg})
/** r* */
export const star = (arg: RelationExpr): RelationExpr => ({sort: 'relation', op: 'star', arg})
/** let rec r = body(r) */
export function rec(body: (self: RelationExpr) => RelationExpr): RelationExpr {
  const self: {sort: 'relation'; op: 'rec'; body: RelationExpr} = {sort: 'relation', op: 'rec', body: id}
  self.body = body(self)
  return self
}
/** Pairs of an opening event and its matching closing event in po, as brackets nest. */
export const brackets = (open: SetExpr, close: SetExpr): RelationExpr => ({sort: 'relation', op: 'brackets', open, close})
/** fencerel(S): pairs with an event of S between them in po (herd's stdlib.cat). */
export const fencerel = (fence: SetExpr): RelationExpr => seq(po, fence, po)

export const acyclic = (of: RelationExpr): Axiom => ({kind: 'acyclic', of})
export const irreflexive = (of: RelationExpr): Axiom => ({kind: 'irreflexive', of})
export const empty = (of: RelationExpr): Axiom => ({kind: 'empty', of})

/** Relations that every cat file knows from herd's stdlib.cat and cos.cat. */
export const poLoc = and(po, loc)
export const rfe = and(rf, ext)
export const rfi = and(rf, int)
export const coe = and(co, ext)
export const fre = and(fr, ext)
export const com = or(rf, co, fr)
