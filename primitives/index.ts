/** The primitives' door. */
export {
  defineHazardPointer, fencedHazardPointers, hazptrScan, hpClear, hpTryRecord, hpTryRecordFirst, seqCstHazardPointers,
  type HazardPointer, type HazardPointers,
} from './hazptr.ts'
export {
  defineRefcount, krefGet, krefGetUnlessZero, krefPut, refcountDecAndTest, refcountInc, refcountIncNotZero, refcountMax, refcountSaturated,
} from './refcount.ts'
export {
  defineMutex, defineSpinlock, defineTicketLock, mutexLock, mutexUnlock, spinLock, spinTrylock, spinUnlock, ticketSpinLock,
  ticketSpinUnlock, type Mutex, type Spinlock, type TicketLock,
} from './locks.ts'
export {
  defineFutexMutex, defineSpinMutex, defineTicketMutex, futexMutexLock, futexMutexUnlock, spinMutexLock, spinMutexUnlock,
  ticketMutexLock, ticketMutexUnlock, type FutexMutex, type SpinMutex, type TicketMutex,
} from './locks-c11.ts'
export {
  countedPop, countedPush, findLocked, findLockedFirst, lifoPop, lifoPopAll, lifoPush, lockHashed, promote, type Locked,
} from './zombie.ts'
export {
  defineRwlock, defineRwSemaphore, downgradeWrite, downRead, downWrite, readLock, readUnlock, upRead, upWrite, writeLock, writeUnlock,
  type Rwlock, type RwSemaphore,
} from './rwlock.ts'
export {
  __readSeqcountBegin, __readSeqcountRetry, defineSeqcount, defineSeqlock, doneSeqretry, isEven, needSeqretry, rawReadSeqcount,
  rawReadSeqcountBegin, rawSeqcountBegin, rawWriteSeqcountBarrier, rawWriteSeqcountBegin, rawWriteSeqcountEnd, readSeqbegin,
  readSeqbeginOrLock, readSeqcountBegin, readSeqcountBeginAcquire, readSeqcountRetry, readSeqlockExcl, readSeqretry,
  readSequnlockExcl, writeSeqcountBegin, writeSeqcountEnd, writeSeqcountInvalidate, writeSeqlock, writeSequnlock, type Seqcount, type Seqlock,
} from './seqlock.ts'
export {
  defineSeqcountLatch, latchedCopy, rawReadSeqcountLatch, rawReadSeqcountLatchRetry, rawWriteSeqcountLatch, readSeqcountLatch,
  readSeqcountLatchAcquire, readSeqcountLatchRetry, writeSeqcountLatch, writeSeqcountLatchBegin, writeSeqcountLatchEnd,
  type SeqcountLatch,
} from './seqlock-latch.ts'
export {
  acqRelSeqlock, counterOnlySeqlock, fencedSeqlock, rdmwSeqlock, rmwSeqlock, seqCstCounterSeqlock, swapSeqlock, twoBitSeqlock,
  volatileSeqlock, type SequenceLock,
} from './seqlock-c11.ts'
export {
  callRcu, condSynchronizeRcu, defineGracePeriods, defineKfreeRcu, defineRcuHead, defineSrcu, getStateSynchronizeRcu, kfreeRcu,
  kfreeRcuMightsleep, pollStateSynchronizeRcu, rcuAccessPointer, rcuBarrier, rcuDereferenceCheck, rcuDereferenceProtected,
  rcuDereferenceRaw, rcuInitPointer, rcuPointerHandoff, rcuReplacePointer, srcuDereference, srcuDownRead, srcuUpRead,
  startPollSynchronizeRcu, type GracePeriods, type Protection, type RcuHead,
} from './rcu.ts'
export {
  defineHlistHead, defineListHead, hlistAddHeadRcu, hlistDelRcu, hlistForEachEntryRcu, listAddRcu, listAddTailRcu, listDelRcu,
  listForEachEntryRcu, listReplaceRcu,
} from './rculist.ts'
export {lockAcquired, lockReleased, mightSleep} from './notes.ts'
export {lockdep, lockdepThreads, rcuField, Splat, type Annotations, type RcuField} from './lockdep.ts'
export {defineMembarrier, interruptible, membarrier, type Membarrier} from './membarrier.ts'
export {gpLock, gpUnlock, type RcuFlavour} from './rcu-flavour.ts'
export {countingRcu, type CountingRcu} from './rcu-counting.ts'
export {qsbrRcu, type QsbrRcu} from './rcu-qsbr.ts'
export {advanceEpoch, epochRcu, type EpochRcu} from './rcu-epoch.ts'
export {changePhase, urcuMb, urcuMemb, type MembState, type UrcuState} from './rcu-urcu.ts'
