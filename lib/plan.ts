/** What a model is compiled to (compile.ts), and what is left of that for a program (fit.ts): operations on bit matrices, which the checker runs. */
import type {Code} from './code.ts'
import type {Counting} from './counting.ts'
import type {Facts} from './facts.ts'
import type {Model, RelationExpr, SetExpr} from './model.ts'

/** A relation of one thread's own events as an input: computed once per shape of a thread. */
export interface Local {
  readonly relation: number
  readonly expr: RelationExpr
}

export interface Check {
  readonly axiom: string
  /** `even`: of the relation that is counted, and that leads back to where it begins. */
  readonly kind: 'irreflexive' | 'empty' | 'even'
  readonly relation: number
}

/** What both kinds of plan have; relations are numbers, -1 is an empty one. */
interface Relations {
  readonly model: Model
  readonly relations: number
  /** Relations below this number are kept up to date; the others serve the flags only. */
  readonly kept: number
  readonly rf: number
  readonly co: number
  readonly fr: number
  /** -1 if no program that the plan is for has both read-side sections and grace periods of this kind. */
  readonly grace: number
  /** What the one operation `count` counts; null if there is none. */
  readonly counting: Counting | null
  readonly code: Code
  readonly checks: readonly Check[]
  /** Operations and checks that decide the flags; run once, on a complete execution. */
  readonly flagCode: Code
  readonly flags: readonly {readonly flag: string; readonly relation: number}[]
  /** The model's `before`, decided with the flags; -1 if no program that the plan is for asks. */
  readonly before: number
  /**
   * Pairs (a, b) of this relation at one location order the writes behind them in co: the X of a
   * coherence axiom `irreflexive X ; eco?`, or the po-loc of `acyclic po-loc | com`.
   */
  readonly order: number
  /** Closures of axioms that contain co: what they order is ordered in co. */
  readonly closures: readonly number[]
  /** Closures of axioms that contain rf between threads: what they order before a write does not read it. */
  readonly causes: readonly number[]
}

/** A model compiled: for every program of whose labels the model can tell no more than `facts`. */
export interface MasterPlan extends Relations {
  readonly facts: Facts
  readonly locals: readonly Local[]
  /** Sets that masks and tests refer to. */
  readonly sets: readonly SetExpr[]
  /** Is there a coherence axiom, so that rf, co and fr within a thread follow its program order? */
  readonly isCoherent: boolean
  /** Flags that a thread's own events raise: without rf, co and fr. */
  readonly ownFlags: readonly {readonly flag: string; readonly expr: RelationExpr}[]
}

/** What is left of a master plan for programs that have only some of its inputs. */
export interface Plan extends Relations {
  readonly master: MasterPlan
  /** What the programs have (presence.ts): a thread that has more needs another plan. */
  readonly presence: Int32Array
  /** For each of the master's locals, the relation that takes its pairs, or -1. */
  readonly relationOf: Int32Array
  /** For each of the master's sets, its number here, or -1; and how many those are. */
  readonly setOf: Int32Array
  readonly sets: number
}
