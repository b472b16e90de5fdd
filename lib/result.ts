/** What a run of the engine returns: values, from which every table, report and file is made afterwards. */
import type {Execution, Pair} from './execution.ts'
import type {FaultKind} from './faults.ts'
import type {Scalar} from './value.ts'

/** Recorded choices: `[decision, choice]` for every decision that did not take the dull choice 0, in order. */
export type Path = readonly (readonly [decision: number, choice: number])[]

/** What went wrong in one execution. */
export type Failure =
  /** A claim of the program does not hold of the outcome. */
  | {readonly kind: 'claim'; readonly claim: string}
  /** A `check` inside a thread does not hold. */
  | {readonly kind: 'check'; readonly claim: string; readonly thread: string}
  /** The model flags the execution: a data race, misuse of RCU … Pairs are event ids of the execution. */
  | {readonly kind: 'flag'; readonly flag: string; readonly pairs: readonly Pair[]}
  /** A thread threw. The stack is the thread's own. */
  | {readonly kind: 'panic'; readonly thread: string; readonly message: string; readonly stack: string}
  /** An object was used after it died, or before it was written; or it leaked. */
  | FaultFailure
  /** No thread can go on. */
  | {readonly kind: 'deadlock'; readonly waiting: readonly {readonly thread: string; readonly operation: string; readonly location: string}[]}

/** See faults.ts. Event ids of the execution, -1 for none. */
export interface FaultFailure {
  readonly kind: 'fault'
  readonly fault: FaultKind
  /** The thread that did it; null for a leak. */
  readonly thread: string | null
  /** The access. */
  readonly event: number
  /** Is it the pointer that was used, rather than what it points to? */
  readonly ofPointer: boolean
  /** The object that the pointer was made for, or that leaked. */
  readonly object: string
  /** The store that ended it. */
  readonly death: number
  /** The store that began the object that has its address now, and that object; of what was seen before it was written, the store that should have been seen. */
  readonly rebirth: number
  readonly now: string | null
  /** The read that had the pointer; -1 if there was none. */
  readonly kept: number
  /** Did the thread allocate the object itself? */
  readonly isOwn: boolean
}

/** One execution that the engine made: complete, or blocked for good. */
export interface Run {
  readonly path: Path
  readonly execution: Execution
  /** What each thread returned, by name; undefined for one that did not finish: blocked, or idle at the end. */
  readonly returned: Readonly<Record<string, unknown>>
  /** The co-last value of each word, by the word's index. */
  readonly final: readonly Scalar[]
  readonly failures: readonly Failure[]
}

export interface Counts {
  /** Complete executions: all reads resolved, all threads finished or idle, co total. */
  readonly executions: number
  /** Executions in which no thread can go on. */
  readonly blocked: number
  /** Executions given up because a thread went over the loop bound or an event limit. */
  readonly cut: number
  /** Branches that no consistent execution completes. */
  readonly deadEnds: number
  /** Search nodes, or steps when sampling. */
  readonly nodes: number
}

/** Why a verdict is not final. */
export type Unknown =
  | {readonly budget: 'executions' | 'seconds' | 'memory'; readonly limit: number}
  /** Some execution went over the loop bound (`iteration()` rounds per loop of a thread) or the event limit. */
  | {readonly budget: 'bound' | 'events'; readonly limit: number}
  /** Some thread would allocate more objects than its heap has room for (`perThread` of `Memory.heap`). */
  | {readonly budget: 'objects'; readonly limit: number}
  /** Sampling never proves anything. */
  | {readonly budget: 'sampled'; readonly limit: number}

export interface Verdict {
  /** `holds`: every execution within the stated bounds was explored and none failed. */
  readonly verdict: 'holds' | 'broken' | 'unknown'
  /** What was not covered; empty iff everything was. Also filled for `broken`, where it does not matter. */
  readonly unknown: readonly Unknown[]
  /** The first failing execution found (not yet reduced), if any. */
  readonly failing: Run | null
  /** When sampling: the index of the failing sample, which `sampleOne` makes again. */
  readonly failingSample: number | null
  /** For each witness of the program: in how many executions it held. */
  readonly witnessed: Readonly<Record<string, number>>
  readonly counts: Counts
}
