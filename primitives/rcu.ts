/**
 * The kernel's RCU over rcu_read_lock(), rcu_read_unlock() and synchronize_rcu(), which are the model's:
 * pointers, callbacks, polled grace periods, SRCU.
 *
 * Sources: include/linux/rcupdate.h and srcu.h; kernel/rcu/rcu.h (rcu_seq_snap()) and tree.c;
 * Documentation/RCU/whatisRCU.rst, rcu_dereference.rst and checklist.rst.
 */
import {
  atomicFetchAddRelease, awaitAcquire, awaitWork, check, free, perform, rcuAssignPointer, readOnce, smpMb, storeRelease,
  synchronizeRcu, Value, when, writeOnce,
  type Address, type Location, type Memory, type Op, type Operand, type Proc, type Scalar,
} from '../lib/index.ts'
import {mightSleep} from './notes.ts'

// ---- Pointers ------------------------------------------------------------------------------------------

/**
 * What else protects a pointer than a read-side critical section: the lock that the thread holds
 * (lockdep_is_held()), by the word that says who does, or whether something does that cannot be named. lockdep.ts looks at it; nothing else does.
 */
export type Protection = Location | boolean

/** A load that says what protects it. */
export type ProtectedLoad = Extract<Op, {kind: 'load'}> & {readonly protection: Protection}

function* loadPointer(name: string, order: 'ONCE' | 'plain', at: Address, protection: Protection): Proc<Value> {
  const op: ProtectedLoad = {kind: 'load', name, vocabulary: 'kernel', order, at, protection}
  return yield* perform<Value>(op)
}

/** rcu_dereference_check(): rcu_dereference() by a reader, or by an updater that holds what `protection` says. */
export function* rcuDereferenceCheck(at: Address, protection: Protection): Proc<Value> {
  return yield* loadPointer('rcu_dereference_check', 'ONCE', at, protection)
}

/** rcu_dereference_protected(): a plain load, by an updater that keeps others from changing the pointer. */
export function* rcuDereferenceProtected(at: Address, protection: Protection): Proc<Value> {
  return yield* loadPointer('rcu_dereference_protected', 'plain', at, protection)
}

/** rcu_dereference_raw(): rcu_dereference() that nobody checks. */
export function* rcuDereferenceRaw(at: Address): Proc<Value> {
  return yield* loadPointer('rcu_dereference_raw', 'ONCE', at, true)
}

/** rcu_access_pointer(): the pointer's value, not to be dereferenced; needs no critical section. */
export function* rcuAccessPointer(at: Address): Proc<Value> {
  return yield* loadPointer('rcu_access_pointer', 'ONCE', at, true)
}

/** rcu_replace_pointer(): publishes another pointer and returns the old one. */
export function* rcuReplacePointer(at: Address, pointer: Operand, protection: Protection): Proc<Value> {
  const old = yield* rcuDereferenceProtected(at, protection)
  yield* rcuAssignPointer(at, pointer)
  return old
}

/** RCU_INIT_POINTER(): stores a pointer that needs no publishing: null, or to what readers can already reach. */
export function* rcuInitPointer(at: Address, pointer: Operand): Proc {
  yield* perform<undefined>({kind: 'store', name: 'RCU_INIT_POINTER', vocabulary: 'kernel', order: 'ONCE', at, value: Value.of(pointer)})
}

/** The claim by which rcu_pointer_handoff() shows in a run. */
export const handoffClaim = 'rcu_pointer_handoff() of a pointer that is not null'

/** rcu_pointer_handoff(): from here on a lock or a reference count keeps the object, no longer the critical section. */
export function* rcuPointerHandoff(pointer: Value): Proc<Value> {
  yield* check(handoffClaim, pointer)
  return pointer
}

// ---- Callbacks -----------------------------------------------------------------------------------------

/**
 * struct rcu_head, with the softirq that invokes its callback. Threads are static, so every place that
 * calls call_rcu() has a head of its own, and the program has `softirq` among its threads.
 */
export interface RcuHead {
  /** What the callback is to be invoked on; 0 until the head is queued. */
  readonly queued: Location
  /** 1 when the callback has returned. */
  readonly done: Location
  /** Waits for the head to be queued, then for a grace period, then invokes the callback. */
  readonly softirq: () => Proc
}

const isSet = (word: Scalar): boolean => word !== 0

/** A head that is not queued. It can be queued once. */
export function defineRcuHead(memory: Memory, name: string, callback: (object: Value) => Proc): RcuHead {
  const {queued, done} = memory.struct(name, {queued: 0, done: 0})
  return {
    queued, done,
    *softirq() {
      // acquire: what was done before call_rcu() before the grace period; pairs with the release in call_rcu()
      const object = yield* awaitWork(queued, isSet)
      yield* synchronizeRcu()
      yield* callback(object)
      yield* storeRelease(done, 1) // the callback before its end; pairs with the acquire in rcu_barrier()
    },
  }
}

/** call_rcu(): has the head's callback invoked on `object`, not null, after a grace period. Does not wait. */
export function* callRcu({queued}: RcuHead, object: Operand): Proc {
  const queuing = Value.of(object)
  // release: everything before call_rcu() before the callback (rcupdate.h promises a full barrier on the way)
  const before = yield* perform<Value>({kind: 'rmw', name: 'call_rcu', vocabulary: 'kernel', order: 'RELEASE', at: queued, update: () => queuing})
  // kernel/rcu/rcu.h, debug_rcu_head_queue(): "probable double call_rcu()"
  yield* check('a head is queued by call_rcu() or kfree_rcu() once, and another call has a head of its own', before.eq(0))
}

/** A head for kfree_rcu(): its callback frees. */
export function defineKfreeRcu(memory: Memory, name: string): RcuHead {
  return defineRcuHead(memory, name, object => free(object, {name: 'kfree_rcu'}))
}

/** kfree_rcu(): frees the object after a grace period; nothing, if it is null. Does not wait. */
export function* kfreeRcu(head: RcuHead, object: Operand): Proc {
  yield* callRcu(head, object)
}

/** kfree_rcu_mightsleep(): waits for a grace period, then frees. */
export function* kfreeRcuMightsleep(object: Operand): Proc {
  yield* synchronizeRcu()
  yield* free(object, {name: 'kfree_rcu_mightsleep'})
}

/** rcu_barrier(): waits for the callback of each of these heads that is queued. */
export function* rcuBarrier(heads: readonly RcuHead[]): Proc {
  yield* mightSleep('rcu_barrier()')
  for (const {queued, done} of heads) {
    const isQueued = (yield* readOnce(queued)).ne(0)
    yield* when(isQueued, () => awaitAcquire(done, isSet)) // acquire: pairs with the release behind the callback
  }
}

// ---- Grace periods that are polled for -----------------------------------------------------------------

/** rcu_state.gp_seq, and the kernel thread that drives it. */
export interface GracePeriods {
  /** Twice the grace periods that have ended, plus one while one is under way. */
  readonly seq: Location
  /** How many grace periods somebody asked for. */
  readonly requests: Location
  /** rcu_gp_kthread(), for the program's threads. */
  readonly kthread: () => Proc
}

/** No grace period yet; the kernel thread is good for `periods` of them, and panics if more are asked for. */
export function defineGracePeriods(memory: Memory, name: string, periods = 1): GracePeriods {
  const {seq, requests} = memory.struct(name, {seq: 0, requests: 0})
  return {
    seq, requests,
    *kthread() {
      for (let period = 1; period <= periods; period++) {
        yield* awaitWork(requests, count => typeof count === 'number' && count >= period)
        yield* writeOnce(seq, 2 * period - 1)
        yield* smpMb() // the odd count before the grace period; pairs with smp_mb() in get_state_synchronize_rcu()
        yield* synchronizeRcu()
        yield* smpMb() // the grace period before the even count; pairs with smp_mb() in poll_state_synchronize_rcu()
        yield* writeOnce(seq, 2 * period)
      }
      yield* awaitWork(requests, count => typeof count === 'number' && count > periods)
      throw new RangeError(`${name} has ${periods} grace period${periods === 1 ? '' : 's'}, and more are asked for: define it with as many`)
    },
  }
}

/** get_state_synchronize_rcu(): a cookie for the end of the next full grace period. Starts none. */
export function* getStateSynchronizeRcu({seq}: GracePeriods): Proc<Value> {
  yield* smpMb() // what was unlinked before the count; pairs with the one behind the odd count
  return (yield* readOnce(seq)).plus(3).and(~1) // one under way may have begun too early
}

/** start_poll_synchronize_rcu(): the same, and asks for a grace period. */
export function* startPollSynchronizeRcu(periods: GracePeriods): Proc<Value> {
  const cookie = yield* getStateSynchronizeRcu(periods)
  yield* atomicFetchAddRelease(periods.requests, 1)
  return cookie
}

/** poll_state_synchronize_rcu(): has a full grace period elapsed since the cookie was got? */
export function* pollStateSynchronizeRcu({seq}: GracePeriods, cookie: Value): Proc<Value> {
  const isOver = (yield* readOnce(seq)).ge(cookie)
  yield* when(isOver, smpMb) // the end of the grace period before what the caller does; pairs with the one before the even count
  return isOver
}

/** cond_synchronize_rcu(): waits for a grace period unless one has elapsed since the cookie was got. */
export function* condSynchronizeRcu(periods: GracePeriods, cookie: Value): Proc {
  const isOver = yield* pollStateSynchronizeRcu(periods, cookie)
  yield* when(isOver.not(), synchronizeRcu)
}

// ---- SRCU ----------------------------------------------------------------------------------------------

/** DEFINE_SRCU(): a domain, whose readers only its own grace periods wait for. */
export function defineSrcu(memory: Memory, name: string): Location {
  return memory.word(name)
}

/** srcu_dereference(): rcu_dereference() by a reader of the domain. */
export function* srcuDereference(at: Address, domain: Location): Proc<Value> {
  return yield* loadPointer('srcu_dereference', 'ONCE', at, domain)
}

/** srcu_down_read(): srcu_read_lock() of a section that may be closed by another thread. */
export function* srcuDownRead(domain: Address): Proc<Value> {
  return yield* perform<Value>({kind: 'load', name: 'srcu_down_read', vocabulary: 'kernel', order: 'SRCU-LOCK', at: domain})
}

/** srcu_up_read(): closes the section that `cookie` came from, whoever opened it. */
export function* srcuUpRead(domain: Address, cookie: Operand): Proc {
  yield* perform<undefined>({kind: 'store', name: 'srcu_up_read', vocabulary: 'kernel', order: 'SRCU-UNLOCK', at: domain, value: Value.of(cookie)})
}
