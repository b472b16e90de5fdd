/**
 * Reference counts behind a pointer that others change: wrappers.md D18 and rows 25 and 40. Between loading the pointer and
 * raising the count behind it the object may be gone, whatever the orderings.
 */
import {
  alloc, atomicFetchAdd, atomicFetchAddRelaxed, atomicFetchAddRelease, cmpxchg, free, loadAcquire, raw, readOnce, readPlain, smpMb, spinLock, spinUnlock, writePlain,
  xchg, type Location, type Memory, type Operand, type Proc, type Value,
} from '../../lib/index.ts'
import type {Option} from '../wrapper/policy.ts'
import {borrowed, none, owner, some, structValue, unitValue, type RustValue} from '../wrapper/value.ts'
import {arcOf, arcWords, dropArc, dropPayload, loadWords, wordsOf, wrapper, type Call, type Wrapper} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, everyModel, weakModels} from './expectation.ts'

interface State {
  readonly pointer: Location
  readonly lock: Location
}

function layout(memory: Memory, name: string): State {
  return {pointer: memory.word(`${name}.pointer`), lock: memory.word(`${name}.lock`)}
}

/** One more owner; fully ordered, since no ordering helps. */
function* share({arcs}: Call, pointer: Operand): Proc {
  yield* atomicFetchAdd(arcs.at(pointer).count, 1)
}

// ---- AtomicArc: load and store ------------------------------------------------------------------------

/** @param isLocked takes a lock around load and exchange, which is what repairs it. */
function atomicArc(name: string, title: string, isLocked: boolean): Wrapper {
  function* locked<T>(state: State, inside: () => Proc<T>): Proc<T> {
    if (!isLocked) return yield* inside()
    yield* spinLock(state.lock)
    const result = yield* inside()
    yield* spinUnlock(state.lock)
    return result
  }
  return wrapper({
    name, title, source: 'rcu_cell#1 (2019), arc-swap’s reason to exist (wrappers.md, rows 25, 37)', layout,
    bounds: {size: 3, payloads: ['u8', 'Loud']},
    expected: {source: 'wrappers.md, D18', broken: brokenUnder(isLocked ? [] : everyModel), options: admittedFrom(2, !isLocked)},
    rust: `
pub struct AtomicArc<T>(AtomicPtr<T>, PhantomData<Arc<T>>);
unsafe impl<T: Send + Sync> Sync for AtomicArc<T> {}
unsafe impl<T: Send + Sync> Send for AtomicArc<T> {}
impl<T> AtomicArc<T> {
    pub fn new(value: T) -> Self;
    pub fn load(&self) -> Arc<T>;
    pub fn store(&self, value: T);
}
impl<T> Drop for AtomicArc<T> {}`,
    bodies: {
      * 'AtomicArc::new'({self, args, arcs}) {
        yield* writePlain((self as State).pointer, yield* alloc(arcs, arcOf(wordsOf(args[0]))))
        return structValue('AtomicArc', self)
      },
      * 'AtomicArc::load'(call) {
        const state = call.self as State
        return owner('Arc', yield* locked(state, function* () {
          const pointer = yield* loadAcquire(state.pointer)
          yield* share(call, pointer)
          return pointer
        }))
      },
      * 'AtomicArc::store'(call) {
        const state = call.self as State
        const pointer = yield* alloc(call.arcs, arcOf(wordsOf(call.args[0])))
        yield* dropArc(call, yield* locked(state, () => xchg(state.pointer, pointer)))
        return unitValue
      },
      * 'AtomicArc::drop'(call) {
        yield* dropArc(call, yield* readPlain((call.self as State).pointer))
        return unitValue
      },
    },
  })
}

// ---- rcu_cell: publish and take -----------------------------------------------------------------------

/** Publishes a new share where there is none, and returns another. @param isFirst raises the count before the pointer is out, and lowers it again if that failed. */
function publishing(name: string, title: string, isFirst: boolean): Wrapper {
  return wrapper({
    name, title, source: 'rcu_cell c13ca3a, compare_exchange (wrappers.md, row 25)', layout,
    bounds: {size: 3, payloads: ['u8']},
    expected: {source: 'wrappers.md, D18, mirror image', broken: brokenUnder(isFirst ? [] : everyModel), options: admittedFrom(2, !isFirst)},
    rust: `
pub struct RcuCell<T>(AtomicPtr<T>, PhantomData<Arc<T>>);
unsafe impl<T: Send + Sync> Sync for RcuCell<T> {}
unsafe impl<T: Send + Sync> Send for RcuCell<T> {}
impl<T> RcuCell<T> {
    pub fn none() -> RcuCell<T>;
    pub fn publish(&self, value: T) -> Arc<T>;
    pub fn take(&self) -> Option<Arc<T>>;
}
impl<T> Drop for RcuCell<T> {}`,
    bodies: {
      * 'RcuCell::none'({self}) {
        yield* writePlain((self as State).pointer, 0)
        return structValue('RcuCell', self)
      },
      * 'RcuCell::publish'(call) {
        const pointer = yield* alloc(call.arcs, arcOf(wordsOf(call.args[0])))
        if (isFirst) yield* share(call, pointer)
        const took = yield* raw((yield* cmpxchg((call.self as State).pointer, 0, pointer)).eq(0))
        if (took !== 0 && !isFirst) yield* share(call, pointer)
        if (took === 0 && isFirst) yield* dropArc(call, pointer)
        return owner('Arc', pointer)
      },
      * 'RcuCell::take'({self}) {
        const pointer = yield* xchg((self as State).pointer, 0)
        return (yield* raw(pointer.eq(0))) !== 0 ? none : some(owner('Arc', pointer))
      },
      * 'RcuCell::drop'(call) {
        const pointer = yield* readPlain((call.self as State).pointer)
        if ((yield* raw(pointer.ne(0))) !== 0) yield* dropArc(call, pointer)
        return unitValue
      },
    },
  })
}

// ---- std's Arc::get_mut -------------------------------------------------------------------------------

/** Looks at the count: alone, or not? */
type Look = (count: Value) => Proc<Value>

/** @param look rust#51780: a relaxed load does not see what the last other owner did. */
function getMut(name: string, title: string, look: Look, broken: readonly string[], weakest: Option): Wrapper {
  const pointerIn = (call: Call): Value => call.self as Value
  return wrapper({
    name, title, source: 'rust-lang/rust#51780 (wrappers.md, row 40)', layout: () => null,
    bounds: {size: 3, payloads: ['Pair']},
    declares: {allows: ['relaxed atomic'], followsNoPointer: false},
    expected: {source: 'wrappers.md, row 40', broken: brokenUnder(broken), options: admittedFrom(weakest, broken.includes('lkmm'))},
    rust: `
pub struct Shared<T>(*const T, PhantomData<T>);
unsafe impl<T: Send + Sync> Send for Shared<T> {}
impl<T> Shared<T> {
    pub fn pair(value: T) -> (Shared<T>, Shared<T>);
    pub fn try_set(&mut self, value: T) -> bool;
}
impl<T> Drop for Shared<T> {}
impl<T> Deref for Shared<T> { type Target = T; fn deref(&self) -> &T; }`,
    bodies: {
      * 'Shared::pair'({args, arcs}) {
        const pointer = yield* alloc(arcs, {...arcOf(wordsOf(args[0])), count: 2})
        return {kind: 'tuple', items: [structValue('Shared', pointer), structValue('Shared', pointer)]}
      },
      * 'Shared::try_set'(call) {
        const isAlone = (yield* look(call.arcs.at(pointerIn(call)).count)).eq(1)
        if ((yield* raw(isAlone)) !== 0) for (const [i, at] of arcWords(call, pointerIn(call)).entries()) yield* writePlain(at, wordsOf(call.args[0])[i]!)
        return {kind: 'scalar', value: isAlone}
      },
      * 'Shared::deref'(call) {
        return borrowed(arcWords(call, pointerIn(call)))
      },
      * 'Shared::drop'(call) {
        yield* dropArc(call, pointerIn(call))
        return unitValue
      },
    },
  })
}

/** A count that is dropped without Release, or freed without Acquire: what std's orderings are for. */
function counting(name: string, title: string, lower: (count: Value) => Proc<Value>, fence: () => Proc, broken: readonly string[], weakest: Option): Wrapper {
  return wrapper({
    name, title, source: 'std::sync::Arc, Drop', layout: () => null,
    bounds: {size: 3, payloads: ['u8']},
    declares: {allows: ['relaxed atomic', 'fence'], followsNoPointer: false},
    expected: {source: 'std::sync::Arc, comments in Drop', broken: brokenUnder(broken), options: admittedFrom(weakest, broken.includes('lkmm'))},
    rust: `
pub struct Shared<T>(*const T, PhantomData<T>);
unsafe impl<T: Send + Sync> Send for Shared<T> {}
impl<T> Shared<T> { pub fn pair(value: T) -> (Shared<T>, Shared<T>); }
impl<T> Drop for Shared<T> {}
impl<T> Deref for Shared<T> { type Target = T; fn deref(&self) -> &T; }`,
    bodies: {
      * 'Shared::pair'({args, arcs}) {
        const pointer = yield* alloc(arcs, {...arcOf(wordsOf(args[0])), count: 2})
        return {kind: 'tuple', items: [structValue('Shared', pointer), structValue('Shared', pointer)]}
      },
      * 'Shared::deref'(call) {
        return borrowed(arcWords(call, call.self as Value))
      },
      * 'Shared::drop'(call): Proc<RustValue> {
        const pointer = call.self as Value
        if ((yield* raw((yield* lower(call.arcs.at(pointer).count)).eq(1))) === 0) return unitValue
        yield* fence()
        yield* dropPayload(call, call.payload.owned === null ? [] : yield* loadWords(arcWords(call, pointer), readPlain))
        yield* free(pointer, {name: 'drop(Arc)'})
        return unitValue
      },
    },
  })
}

const lowerRelease = (count: Value): Proc<Value> => atomicFetchAddRelease(count, -1)
const lowerRelaxed = (count: Value): Proc<Value> => atomicFetchAddRelaxed(count, -1)
function* noFence(): Proc { /* nothing */ }

export const refcounts: readonly Wrapper[] = [
  atomicArc('d18-atomic-arc', 'loads the pointer, then raises the count behind it', false),
  atomicArc('d18-atomic-arc-locked', 'the same under a lock', true),
  publishing('rcu-cell-publish', 'publishes the pointer, then raises the count', false),
  publishing('rcu-cell-publish-fixed', 'raises the count, then publishes, and lowers it on failure', true),
  getMut('std-arc-get-mut-relaxed', 'writes if a relaxed load finds no other owner', readOnce, weakModels, 4),
  getMut('std-arc-get-mut', 'writes if an acquire load finds no other owner', loadAcquire, [], 2),
  counting('std-arc', 'the count is lowered with release, and the last one fences', lowerRelease, smpMb, [], 4),
  counting('std-arc-no-release', 'the count is lowered relaxed', lowerRelaxed, smpMb, weakModels, 4),
  counting('std-arc-no-fence', 'the last owner does not acquire what the others did', lowerRelease, noFence, weakModels, 2),
]
