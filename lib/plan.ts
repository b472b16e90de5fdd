/** What a model is compiled to (compile.ts): a short list of operations on bit matrices, which the checker runs. */
import type {Counting} from './counting.ts'
import type {Facts} from './facts.ts'
import type {Model, RelationExpr, SetExpr} from './model.ts'

/** Operations on relations; the numbers are positions in `Plan.relations`. */
export type PlanOp =
  | {readonly kind: 'or'; readonly out: number; readonly args: readonly number[]}
  | {readonly kind: 'and'; readonly out: number; readonly left: number; readonly right: number}
  | {readonly kind: 'minus'; readonly out: number; readonly left: number; readonly right: number}
  | {readonly kind: 'keep' | 'drop'; readonly out: number; readonly arg: number; readonly mask: Mask}
  | {readonly kind: 'from' | 'to'; readonly out: number; readonly arg: number; readonly set: number}
  | {readonly kind: 'seq'; readonly out: number; readonly left: number; readonly right: number}
  | {readonly kind: 'inv'; readonly out: number; readonly arg: number}
  | {readonly kind: 'plus'; readonly out: number; readonly arg: number}
  /** Every pair of a mask; only flags may need one that filters nothing. */
  | {readonly kind: 'mask'; readonly out: number; readonly mask: Mask}
  /** Walks along links over gains and losses with at least as many gains (balance.ts); `core` is the links' middle part. -1: only checked. */
  | {readonly kind: 'count'; readonly out: number; readonly core: number}
  /** Operations that feed each other: repeated until nothing changes. `self` is what the body refers to. */
  | {readonly kind: 'rec'; readonly self: number; readonly body: number; readonly ops: readonly PlanOp[]}

/** Pairs told apart by threads, locations and sets alone: used only to filter. */
export type Mask =
  | {readonly kind: 'ext' | 'int' | 'loc' | 'id'}
  | {readonly kind: 'cross'; readonly from: number; readonly to: number}
  | {readonly kind: 'or' | 'and'; readonly args: readonly Mask[]}
  | {readonly kind: 'minus'; readonly left: Mask; readonly right: Mask}

/** A relation of one thread's own events. Two with one key are the same. */
export interface OwnRelation {
  readonly key: string
  readonly expr: RelationExpr
}

/** Such a relation as an input of the plan. */
export interface Local extends OwnRelation {
  readonly relation: number
}

export interface Check {
  readonly axiom: string
  /** `even`: of the relation that is counted, and that leads back to where it begins. */
  readonly kind: 'irreflexive' | 'empty' | 'even'
  readonly relation: number
}

export interface Plan {
  readonly model: Model
  /** The plan serves programs of whose labels the model can tell no more than this. */
  readonly facts: Facts
  readonly relations: number
  /** Relations below this number are kept up to date; the others serve the flags only. */
  readonly kept: number
  readonly rf: number
  readonly co: number
  readonly fr: number
  /** -1 if no program that the plan is for has both read-side sections and grace periods of this kind. */
  readonly grace: number
  /** Relations of one thread's own events, computed once per shape of a thread. */
  readonly locals: readonly Local[]
  /** Sets that masks and tests refer to, likewise. */
  readonly sets: readonly {readonly key: string; readonly expr: SetExpr}[]
  /** Relations of single threads that are taken to be empty: a thread in which one is not needs another plan. */
  readonly absent: readonly OwnRelation[]
  /** What the one operation of the kind `count` counts; null if there is none. */
  readonly counting: Counting | null
  readonly ops: readonly PlanOp[]
  readonly checks: readonly Check[]
  /** Operations and checks that decide the flags; run once, on a complete execution. */
  readonly flagOps: readonly PlanOp[]
  readonly flags: readonly {readonly flag: string; readonly relation: number}[]
  /** Flags that a thread's own events raise: without rf, co and fr. */
  readonly ownFlags: readonly {readonly flag: string; readonly expr: RelationExpr}[]
  /** The model's `before`, decided with the flags; -1 if no program that the plan is for asks. */
  readonly before: number
  /**
   * Pairs (a, b) of this relation at one location order the writes behind them in co: the X of a
   * coherence axiom `irreflexive X ; eco?`, or the po-loc of `acyclic po-loc | com`.
   */
  readonly order: number
  /** Closures of axioms that contain co: what they order is ordered in co. */
  readonly closures: readonly number[]
}
