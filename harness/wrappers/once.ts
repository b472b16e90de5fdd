/**
 * The queue of std's Once, where waiters push nodes of their own stack frames, and whoever runs the closure takes all of them: wrappers.md,
 * row 39. Nobody pops one node, so that a node that comes back at the same address does no harm, as far as bits go; but the pointer to
 * it may be one to a frame that is gone.
 *
 * Source: rust-lang/rust library/std/src/sys/sync/once/queue.rs (wait(), WaiterQueue::drop()); rust-lang/rust#121950. The closure fails
 * once and is run again by the same thread, as call_once_force() may. Who finds that the queue has changed gives up, where std tries again.
 */
import {
  alloc, awaitAcquire, cmpxchgRelease, free, loadAcquire, raw, readPlain, storeRelease, xchg, type Heap, type Location, type Memory, type Operand,
  type Proc, type Regime,
} from '../../lib/index.ts'
import {structValue, unitValue} from '../wrapper/value.ts'
import {wrapper, type Wrapper} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, everyModel} from './expectation.ts'

interface State {
  /** The first waiter, {@link running} if there is none, or {@link complete}. */
  readonly queue: Location
  readonly frames: Heap<{readonly next: 1; readonly signaled: 1}>
}

const [running, complete] = [0, 1]

function layout(memory: Memory, name: string): State {
  return {queue: memory.word(`${name}.state_and_queue`, running), frames: memory.heap(`${name}.waiter`, {next: 1, signaled: 1} as const, 2, 'in a frame')}
}

const isSet = (word: unknown): boolean => word === 1

/** wait(), until the closure has succeeded: whoever is woken because it failed waits again, in the same frame. */
function* wait({queue, frames}: State): Proc {
  for (let round = 0; round < 2; round++) {
    const current = yield* loadAcquire(queue)
    if ((yield* raw(current.eq(complete))) !== 0) return
    const node = yield* alloc(frames, {next: current, signaled: 0}, {name: 'Waiter'})
    // release: the node before the queue; pairs with the exchange in wakeAll()
    const isIn = (yield* raw((yield* cmpxchgRelease(queue, current, node)).eq(current))) !== 0
    if (isIn) yield* awaitAcquire(frames.at(node).signaled, isSet)
    yield* free(node, {name: 'end of the frame'})
    if (!isIn) return
  }
}

/** WaiterQueue::drop(). @param waiters no more than so many are looked at. */
function* wakeAll({queue, frames}: State, left: Operand, waiters: number): Proc {
  let node = yield* xchg(queue, left)
  for (let count = 1; (yield* raw(node.ne(0))) !== 0; count++) {
    const {next, signaled} = frames.at(node)
    const isLast = count === waiters
    const after = isLast ? node : yield* readPlain(next) // the waiter is gone as soon as it is signalled
    yield* storeRelease(signaled, 1)
    if (isLast) return
    node = after
  }
}

function once(name: string, title: string, regime: Regime, isBroken: boolean): Wrapper {
  return wrapper({
    name, title, source: 'std::sync::Once; rust-lang/rust#121950', layout, regime,
    bounds: {size: 4, threads: 3, statements: 1, values: 1, payloads: ['u8']},
    expected: {source: 'wrappers.md, row 39; P2414 by regime', broken: brokenUnder(isBroken ? everyModel : []), options: admittedFrom(2, isBroken), deadlocks: true},
    rust: `
pub struct Runner<T>(*const (), PhantomData<T>);
pub struct Waiters<T>(*const (), PhantomData<T>);
unsafe impl<T: Send> Send for Runner<T> {}
unsafe impl<T: Sync> Sync for Waiters<T> {}
impl<T> Runner<T> {
    pub fn begin(value: T) -> (Runner<T>, Waiters<T>);
    pub fn run(self);
}
impl<T> Waiters<T> { pub fn wait(&self); }`,
    bodies: {
      * 'Runner::begin'({self}) {
        return {kind: 'tuple', items: [structValue('Runner', self), structValue('Waiters', self)]}
      },
      * 'Runner::run'({self}) {
        yield* wakeAll(self as State, running, 1) // whoever else waits then, waits for ever
        yield* wakeAll(self as State, complete, 2)
        return unitValue
      },
      * 'Waiters::wait'({self}) {
        yield* wait(self as State)
        return unitValue
      },
    },
  })
}

export const onces: readonly Wrapper[] = [
  once('std-once-queue', 'waiters’ frames are linked by pointers that know their object, as Rust’s do', 'strict', true),
  once('std-once-queue-iso', 'the same by the letter of C11', 'iso', true),
  once('std-once-queue-bits', 'the same where pointers are their bits', 'bits', false),
]
