/**
 * rcu_cell's update(): a closure makes the new value of the old one, which the cell still has while it runs, and may panic.
 *
 * Source: rcu_cell c13ca3a, src/rcu_cell.rs, RcuCell::update(): our reading, no defect that somebody reported. The bit of the pointer that
 * keeps other writers out is a lock here. (The crate's other defects: refcount.ts, compare-exchange.ts, and d24-handle.)
 */
import {alloc, atomicFetchAddRelaxed, readPlain, spinLock, spinUnlock, storeRelease, writePlain, type Location, type Memory} from '../../lib/index.ts'
import {owner, structValue, unitValue} from '../wrapper/value.ts'
import {arcOf, callClosure, dropArc, pointerOf, wordsOf, wrapper, type Wrapper} from '../wrapper/wrapper.ts'
import {everyModel, inEverything} from './expectation.ts'

interface State {
  readonly lock: Location
  readonly pointer: Location
}

function layout(memory: Memory, name: string): State {
  return memory.struct(name, {lock: 0, pointer: 0})
}

/** @param dropsFirst makes an `Arc` of the cell's pointer before the closure runs: unwinding drops it, and the lock stays. */
function updating(name: string, title: string, dropsFirst: boolean, broken: readonly string[]): Wrapper {
  return wrapper({
    name, title, source: 'rcu_cell c13ca3a, RcuCell::update()', layout,
    bounds: {size: 3, threads: 0, payloads: ['u8']}, // one thread is enough
    expected: {...inEverything('our reading of it', broken), deadlocks: true},
    rust: `
pub struct RcuCell<T>(AtomicPtr<T>, PhantomData<Arc<T>>);
impl<T> RcuCell<T> {
    pub fn some(value: T) -> RcuCell<T>;
    pub fn update(&self, make: impl FnOnce(Arc<T>) -> Arc<T>);
}
impl<T> Drop for RcuCell<T> {}`,
    bodies: {
      * 'RcuCell::some'({self, args, arcs}) {
        yield* writePlain((self as State).pointer, yield* alloc(arcs, arcOf(wordsOf(args[0]))))
        return structValue('RcuCell', self)
      },
      * 'RcuCell::update'(call) {
        const {lock, pointer} = call.self as State
        yield* spinLock(lock)
        const old = yield* readPlain(pointer)
        yield* atomicFetchAddRelaxed(call.arcs.at(old).count, 1)
        let isDone = false
        try {
          yield* storeRelease(pointer, pointerOf(yield* callClosure(call.args[0], owner('Arc', old))))
          isDone = true
        } finally {
          if (isDone || !dropsFirst) yield* spinUnlock(lock)
          if (isDone || dropsFirst) yield* dropArc(call, old)
        }
        return unitValue
      },
      * 'RcuCell::drop'(call) {
        yield* dropArc(call, yield* readPlain((call.self as State).pointer))
        return unitValue
      },
    },
  })
}

export const rcuCells: readonly Wrapper[] = [
  updating('rcu-cell-update', 'unwinding drops the share that the cell still has', true, everyModel),
  updating('rcu-cell-update-fixed', 'the share is the cell’s until the new value is in', false, []),
]
