/**
 * Asterinas' Rcu on one CPU: a guard disables preemption, and a call of the scheduler is a quiescent state, which ends the grace period.
 * wrappers.md, row 23. (What forgetting many guards does to their count is d22-guard-forget.)
 *
 * Source: asterinas ostd/src/sync/rcu (Rcu::read(), update(), RcuMonitor) and the review of PR#752: a safe schedule() that reports the
 * quiescent state before it looks for guards.
 */
import {alloc, loadAcquire, raw, readPlain, writePlain, xchg, type Location, type Memory, type Proc, type Value} from '../../lib/index.ts'
import {borrowed, structValue, unitValue} from '../wrapper/value.ts'
import {boxOf, boxWords, dropBox, wordsOf, wrapper, type Call, type Wrapper} from '../wrapper/wrapper.ts'
import {everyModel, inOrderedRust} from './expectation.ts'

interface State {
  readonly pointer: Location
  /** Guards of the CPU. */
  readonly preemptCount: Location
  /** What waits for the end of the grace period, or null. */
  readonly callback: Location
}

function layout(memory: Memory, name: string): State {
  return memory.struct(name, {pointer: 0, preemptCount: 0, callback: 0})
}

/** What a guard holds: its Rcu, and the pointer that it loaded. */
interface Guard {
  readonly state: State
  readonly pointer: Value
}

/** Runs the callback. */
function* endGracePeriod(call: Call, {callback}: State): Proc {
  const old = yield* readPlain(callback)
  yield* writePlain(callback, 0)
  if ((yield* raw(old.ne(0))) !== 0) yield* dropBox(call, old)
}

/** @param checks schedule() looks for guards first, and does nothing if there is one (there, it panics). */
function rcu(name: string, title: string, checks: boolean, broken: readonly string[]): Wrapper {
  return wrapper({
    name, title, source: 'asterinas PR#752, review', layout,
    bounds: {size: 5, threads: 0, clients: 2_000, payloads: ['u8']},
    expected: inOrderedRust('wrappers.md, row 23', broken),
    rust: `
pub struct Rcu<T>(AtomicPtr<T>, PhantomData<Box<T>>);
pub struct Guard<'a, T>(&'a Rcu<T>, PhantomData<*const ()>);
impl<T> Rcu<T> {
    pub fn new(value: T) -> Self;
    pub fn read(&self) -> Guard<'_, T>;
    pub fn update(&self, value: T);
    pub fn schedule(&self);
}
impl<T> Drop for Rcu<T> {}
impl<T> Drop for Guard<'_, T> {}
impl<T> Deref for Guard<'_, T> { type Target = T; fn deref(&self) -> &T; }`,
    bodies: {
      * 'Rcu::new'({self, args, boxes}) {
        yield* writePlain((self as State).pointer, yield* alloc(boxes, boxOf(wordsOf(args[0]))))
        return structValue('Rcu', self)
      },
      * 'Rcu::read'({self}) {
        const state = self as State
        yield* writePlain(state.preemptCount, (yield* readPlain(state.preemptCount)).plus(1))
        return structValue('Guard', {state, pointer: yield* loadAcquire(state.pointer)} satisfies Guard)
      },
      * 'Rcu::update'(call) {
        const state = call.self as State
        const old = yield* xchg(state.pointer, yield* alloc(call.boxes, boxOf(wordsOf(call.args[0]))))
        // one callback at a time: a second update leaks what the first left, where the crate has a queue
        if ((yield* raw(yield* readPlain(state.callback))) === 0) yield* writePlain(state.callback, old)
        return unitValue
      },
      * 'Rcu::schedule'(call) {
        const state = call.self as State
        if (!checks || (yield* raw(yield* readPlain(state.preemptCount))) === 0) yield* endGracePeriod(call, state)
        return unitValue
      },
      * 'Rcu::drop'(call) {
        const state = call.self as State
        yield* endGracePeriod(call, state)
        yield* dropBox(call, yield* readPlain(state.pointer))
        return unitValue
      },
      * 'Guard::deref'(call) {
        return borrowed(boxWords(call, (call.self as Guard).pointer))
      },
      * 'Guard::drop'({self}) {
        const {preemptCount} = (self as Guard).state
        yield* writePlain(preemptCount, (yield* readPlain(preemptCount)).minus(1))
        return unitValue
      },
    },
  })
}

export const asterinas: readonly Wrapper[] = [
  rcu('asterinas-schedule', 'schedule() is a quiescent state, guard or not', false, everyModel),
  rcu('asterinas-schedule-checked', 'schedule() is one only without guards', true, []),
]
