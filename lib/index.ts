/** The engine's door. */
export {type Location, type Operand, type Operator, type Scalar, isSame, showScalar, Value, type HeapObject, type MemoryObject, uninitialised} from './value.ts'
export {
  check, inC, iteration, OtherCopy, perform, program, raw, rawNumber, rewriting, threads, watching, when, without,
  type Address, type C11Order, type Condition, type Expectations, type FinalMemory, type KernelFence, type KernelOrder, type Mark, type Memory, type Op,
  type Picker, type Proc,
  type Program, type Reply, type Resolved, type Returned, type Vocabulary,
} from './program.ts'
export {
  atomicAdd, atomicAddReturn, atomicAddReturnAcquire, atomicAddReturnRelaxed, atomicAddReturnRelease, atomicAddUnless, atomicDecAndTest,
  atomicFetchAdd, atomicFetchAddAcquire, atomicFetchAddRelaxed, atomicFetchAddRelease, atomicSub, awaitAcquire, awaitOnce, awaitWork,
  awaitXchgAcquire, cmpxchg, cmpxchgAcquire, cmpxchgRelaxed, cmpxchgRelease, compilerBarrier, kcsanAtomicNext, kernelTable, loadAcquire,
  rcuAssignPointer, rcuDereference, rcuReadLock, rcuReadUnlock, readOnce, readPlain, smpMb, smpMbAfterAtomic, smpMbAfterSpinlock,
  smpMbAfterUnlockLock, smpMbBeforeAtomic, smpRmb, smpWmb, spinIsLocked, spinLock, spinTrylock, spinUnlock, srcuReadLock, srcuReadUnlock,
  storeRelease, synchronizeRcu, synchronizeSrcu, writeOnce, writePlain, xchg, xchgAcquire, xchgRelaxed, xchgRelease,
} from './kernel.ts'
export {
  compareExchange, fence, fetchAdd, fetchSub, load, loadUntil, readNonAtomic, store, swap, swapUntil, writeNonAtomic,
  type FenceOrdering, type LoadOrdering, type Ordering, type StoreOrdering,
} from './c11.ts'
export {alloc, anyOf, free, kfree, kmalloc} from './alloc.ts'
export {regimes, type FaultKind, type Regime} from './faults.ts'
export {Heap, type Layout, type PerField} from './heap.ts'
export {halves, readStruct, readTearable, writeStruct, writeTearable, type ReadWord, type Tearable, type WriteWord} from './copy.ts'
export {type Event, type Label} from './event.ts'
export {Nondeterminism} from './behaviour.ts'
export {byHand, follow, Misfit, pct, random, stale, type Chooser} from './choose.ts'
export {TooManyEvents} from './prepared.ts'
export {mapping, NoMapping, type Family} from './mapping.ts'
export {executionKey, type Execution, type Given, type Pair} from './execution.ts'
export {type Axiom, type Model, type RelationExpr, type SetExpr} from './model.ts'

export {cpp20, kernelRust, lkmm, lkmmKcsan, models, namedModels, rc11, sc, tso} from './models/index.ts'
export {allows, flagsOf, judge, pairsOf, type Judgement, type Raised, type Step, type Violation} from './reference.ts'
export {type Counts, type Failure, type Path, type Run, type Unknown, type Verdict} from './result.ts'
export {executions, explore} from './explore.ts'
export {type Limits} from './limits.ts'
export {reduce} from './reduce.ts'
export {replay, sitesOf} from './replay.ts'
export {runWith, sample, sampleOne, type Sampling, type Strategy} from './sample.ts'
export {LitmusError, positionOf} from './litmus/source.ts'
export {type Expectation, type LitmusTest, type Quantifier} from './litmus/syntax.ts'
export {parseLitmus} from './litmus/parse.ts'
export {type Condition as LitmusCondition, holds as conditionHolds, type Observed, type Outcome, type Question, showCondition, stateLine} from './litmus/condition.ts'
export {litmusProgram, type LitmusProgram, type Registers} from './litmus/program.ts'
export {judgeLitmus, outcomeOf, standingFlags, Tally as LitmusTally, type LitmusVerdict} from './litmus/judge.ts'
export {decideLitmus, runLitmus, type LitmusRun} from './litmus/run.ts'
export {type Dialect} from './litmus/edge.ts'
export {CycleError, cycleTest, type Access as CycleAccess, type CycleOptions, type CycleTest} from './litmus/cycle.ts'
export {generateLitmus, litmusText} from './litmus/generate.ts'
export {randomCycle, type RandomCycleOptions} from './litmus/random-cycle.ts'
export {engineVersion} from './version.ts'
export {survey, type Survey, type View, type Visitor} from './survey.ts'
export {WrongInput} from './wrong-input.ts'
