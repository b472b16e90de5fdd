/**
 * Compare-exchanges that hand ownership over: what fails gives the new value back, what succeeds owns it from then on.
 * wrappers.md, rows 25 and 31.
 */
import {
  alloc, atomicFetchAddRelaxed, cmpxchg, cmpxchgRelaxed, loadAcquire, raw, readPlain, xchg, type Location, type Memory, type Operand, type Proc,
  type Value,
} from '../../lib/index.ts'
import {none, owner, some, structValue, unitValue} from '../wrapper/value.ts'
import {arcOf, dropArc, dropBox, pointerOf, wordsOf, wrapper, type Wrapper} from '../wrapper/wrapper.ts'
import {everyModel, inEverything, inOrderedRust, weakModels} from './expectation.ts'

function layout(memory: Memory, name: string): Location {
  return memory.word(`${name}.pointer`)
}

// ---- haphazard -----------------------------------------------------------------------------------------

/** `compare_exchange(null, value)`. @param returned what a failed one makes a `Box` of: the pointer that it found, or the one that it was given. */
function filling(name: string, title: string, returned: (found: Value, given: Value) => Value, broken: readonly string[]): Wrapper {
  return wrapper({
    name, title, source: 'haphazard#36, PR#38 (0.1.5)', layout,
    bounds: {size: 3, payloads: ['u8', 'Loud']},
    expected: inOrderedRust('wrappers.md, row 31', broken),
    rust: `
pub struct Filled<T>(AtomicPtr<T>, PhantomData<Box<T>>);
unsafe impl<T: Send + Sync> Send for Filled<T> {}
unsafe impl<T: Send + Sync> Sync for Filled<T> {}
impl<T> Filled<T> {
    pub fn null() -> Filled<T>;
    pub fn fill(&self, value: Box<T>) -> Option<Box<T>>;
}
impl<T> Drop for Filled<T> {}`,
    bodies: {
      * 'Filled::null'({self}) {
        return structValue('Filled', self)
      },
      * 'Filled::fill'({self, args}) {
        const given = pointerOf(args[0])
        const found = yield* cmpxchg(self as Location, 0, given)
        return (yield* raw(found.ne(0))) === 0 ? none : some(owner('Box', returned(found, given)))
      },
      * 'Filled::drop'(call) {
        const last = yield* readPlain(call.self as Location)
        if ((yield* raw(last.ne(0))) !== 0) yield* dropBox(call, last)
        return unitValue
      },
    },
  })
}

// ---- rcu_cell --------------------------------------------------------------------------------------------

interface Exchange {
  readonly name: string
  readonly title: string
  /** Takes the cell's share before the new value is in, and gives it back if that failed. */
  readonly sharesFirst: boolean
  /** The ordering of success, which the crate lets its callers choose. */
  readonly exchange: (at: Location, expected: Operand, desired: Operand) => Proc<Value>
  readonly broken: readonly string[]
}

/** Loads the pointer and exchanges it for that of a new `Arc`, which the caller keeps as well: the smallest use of compare_exchange(). */
function exchanging({name, title, sharesFirst, exchange, broken}: Exchange): Wrapper {
  return wrapper({
    name, title, source: 'rcu_cell c13ca3a, RcuCell::compare_exchange()', layout,
    bounds: {size: 3, payloads: ['u8']},
    expected: inEverything('wrappers.md, row 25 and D18, mirror image', broken),
    rust: `
pub struct RcuCell<T>(AtomicPtr<T>, PhantomData<Arc<T>>);
unsafe impl<T: Send + Sync> Sync for RcuCell<T> {}
impl<T> RcuCell<T> {
    pub fn none() -> RcuCell<T>;
    pub fn exchange(&self, value: T) -> Arc<T>;
    pub fn take(&self) -> Option<Arc<T>>;
}
impl<T> Drop for RcuCell<T> {}`,
    bodies: {
      * 'RcuCell::none'({self}) {
        return structValue('RcuCell', self)
      },
      * 'RcuCell::exchange'(call) {
        const cell = call.self as Location
        const fresh = yield* alloc(call.arcs, arcOf(wordsOf(call.args[0])))
        const share = (): Proc<Value> => atomicFetchAddRelaxed(call.arcs.at(fresh).count, 1)
        const current = yield* loadAcquire(cell)
        if (sharesFirst) yield* share()
        const found = yield* exchange(cell, current, fresh)
        if ((yield* raw(found.eq(current))) !== 0) {
          const old = sharesFirst ? found : current // which may be a zombie, with the same address
          if ((yield* raw(old.ne(0))) !== 0) yield* dropArc(call, old)
          if (!sharesFirst) yield* share()
        } else if (sharesFirst) {
          yield* dropArc(call, fresh)
        }
        return owner('Arc', fresh)
      },
      * 'RcuCell::take'({self}) {
        const taken = yield* xchg(self as Location, 0)
        return (yield* raw(taken.ne(0))) === 0 ? none : some(owner('Arc', taken))
      },
      * 'RcuCell::drop'(call) {
        const last = yield* readPlain(call.self as Location)
        if ((yield* raw(last.ne(0))) !== 0) yield* dropArc(call, last)
        return unitValue
      },
    },
  })
}

export const exchanges: readonly Wrapper[] = [
  filling('haphazard-compare-exchange', 'a failed exchange owns the pointer that it found', found => found, everyModel),
  filling('haphazard-compare-exchange-fixed', 'a failed exchange gives the new value back', (_found, given) => given, []),
  ...([
    {name: 'rcu-cell-exchange', title: 'takes the cell’s share when the value is in', sharesFirst: false, exchange: cmpxchg, broken: everyModel},
    {
      name: 'rcu-cell-exchange-relaxed', title: 'takes the share first; success is relaxed', sharesFirst: true, exchange: cmpxchgRelaxed,
      broken: weakModels,
    },
    {name: 'rcu-cell-exchange-fixed', title: 'takes the share first, or gives it back', sharesFirst: true, exchange: cmpxchg, broken: []},
  ] satisfies readonly Exchange[]).map(exchanging),
]
