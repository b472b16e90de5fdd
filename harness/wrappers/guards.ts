/**
 * Guards that are counted, that belong to the wrong domain, or that wait for themselves: wrappers.md D14 (foreign collectors), D22
 * and rows 22, 23, 32, 41. `mem::forget` is safe, so no count of guards may depend on their being dropped.
 */
import {
  alloc, atomicFetchAdd, atomicFetchAddRelease, awaitAcquire, inC, loadAcquire, raw, rcuReadLock, rcuReadUnlock, readPlain, synchronizeRcu, writePlain, xchg,
  type Location, type Memory, type Proc,
} from '../../lib/index.ts'
import {borrowed, none, some, structValue, unitValue, type RustValue} from '../wrapper/value.ts'
import {boxOf, boxWords, dropBox, stateOf, wordsOf, wrapper, type Wrapper} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, everyModel} from './expectation.ts'

// ---- D22: a count of guards that comes round -------------------------------------------------------------

interface State {
  readonly count: Location
  readonly pointer: Location
}

function layout(memory: Memory, name: string): State {
  return {count: memory.word(`${name}.count`), pointer: memory.word(`${name}.pointer`)}
}

/** @param saturates the count stops below its end: no more guards (std's Arc aborts). */
function counted(name: string, title: string, saturates: boolean): Wrapper {
  const width = 2 // one bit
  return wrapper({
    name, title, source: 'Asterinas#3895, spin#123 (wrappers.md, rows 23, 41)', layout,
    // one thread is enough, and its clients are long: nothing but forgetting is asked here
    bounds: {size: 6, threads: 0, clients: 1_000, payloads: ['u8']},
    expected: {source: 'wrappers.md, D22', broken: brokenUnder(saturates ? [] : everyModel), options: admittedFrom(2, !saturates)},
    rust: `
pub struct Cell<T>(AtomicUsize, AtomicPtr<T>, PhantomData<Box<T>>);
pub struct Guard<'a, T>(&'a Cell<T>);
unsafe impl<T: Send + Sync> Sync for Cell<T> {}
impl<T> Cell<T> {
    pub fn new(value: T) -> Self;
    pub fn pin(&self) -> Option<Guard<'_, T>>;
    pub fn clear(&self);
}
impl<T> Drop for Cell<T> {}
impl<T> Drop for Guard<'_, T> {}
impl<T> Deref for Guard<'_, T> { type Target = T; fn deref(&self) -> &T; }`.replaceAll('Cell<', 'Pinned<'),
    bodies: {
      * 'Pinned::new'({self, args, boxes}) {
        yield* writePlain((self as State).pointer, yield* alloc(boxes, boxOf(wordsOf(args[0]))))
        return structValue('Pinned', self)
      },
      * 'Pinned::pin'({self}) {
        const {count, pointer} = self as State
        if (saturates && (yield* raw((yield* loadAcquire(count)).eq(width - 1))) !== 0) return none
        yield* atomicFetchAdd(count, 1)
        return (yield* raw((yield* loadAcquire(pointer)).eq(0))) !== 0 ? yield* release(count) : some(structValue('Guard', self))
      },
      * 'Pinned::clear'(call) {
        const {count, pointer} = call.self as State
        if ((yield* raw((yield* loadAcquire(count)).mod(width).ne(0))) !== 0) return unitValue
        const old = yield* xchg(pointer, 0)
        if ((yield* raw(old.ne(0))) !== 0) yield* dropBox(call, old)
        return unitValue
      },
      * 'Pinned::drop'(call) {
        const last = yield* readPlain((call.self as State).pointer)
        if ((yield* raw(last.ne(0))) !== 0) yield* dropBox(call, last)
        return unitValue
      },
      * 'Guard::deref'(call) {
        return borrowed(boxWords(call, yield* loadAcquire((call.self as State).pointer)))
      },
      * 'Guard::drop'({self}) {
        yield* atomicFetchAddRelease((self as State).count, -1)
        return unitValue
      },
    },
  })
}

function* release(count: Location): Proc<RustValue> {
  yield* atomicFetchAddRelease(count, -1)
  return none
}

// ---- D22: waiting for oneself ----------------------------------------------------------------------------

const waitsForItself = wrapper({
  name: 'd22-synchronize-safe', title: 'synchronize_rcu() is a safe function, also under a guard', source: 'torvalds/linux rust/kernel/sync/rcu.rs (`sync_inside_reader`)',
  layout: () => null,
  bounds: {size: 3},
  expected: {source: 'wrappers.md, B and D22: deadlock, not undefined behaviour', broken: brokenUnder([]), options: admittedFrom(1, false), deadlocks: true},
  rust: `
pub struct Guard(PhantomData<*const ()>);
impl Guard { pub fn new() -> Self; }
impl Drop for Guard {}
pub fn synchronize();`,
  bodies: {
    * 'Guard::new'() {
      yield* inC(rcuReadLock())
      return structValue('Guard', null)
    },
    * 'Guard::drop'() {
      yield* inC(rcuReadUnlock())
      return unitValue
    },
    * 'synchronize'() {
      yield* inC(synchronizeRcu())
      return unitValue
    },
  },
})

// ---- D14: guards of another domain -------------------------------------------------------------------------

/**
 * Each map counts the readers of its own, and frees what it replaces if there are none.
 * @param isChecked refuses guards of other maps, as flurry does since.
 */
function foreign(name: string, title: string, isChecked: boolean): Wrapper {
  return wrapper({
    name, title, source: 'flurry#46 (wrappers.md, row 32)', layout,
    bounds: {size: 6, threads: 0, clients: 2_000, payloads: ['u8']},
    expected: {source: 'wrappers.md, D14: a guard of another domain', broken: brokenUnder(isChecked ? [] : everyModel), options: admittedFrom(2, !isChecked)},
    rust: `
pub struct Map<T>(AtomicUsize, AtomicPtr<T>, PhantomData<Box<T>>);
pub struct Guard<'m>(&'m AtomicUsize);
unsafe impl<T: Send + Sync> Sync for Map<T> {}
impl<T> Map<T> {
    pub fn new(value: T) -> Self;
    pub fn pin(&self) -> Guard<'_>;
    pub fn get<'g>(&'g self, guard: &'g Guard<'_>) -> Option<&'g T>;
    pub fn replace(&self, value: T);
}
impl Drop for Guard<'_> {}
impl<T> Drop for Map<T> {}`,
    bodies: {
      * 'Map::new'({self, args, boxes}) {
        yield* writePlain((self as State).pointer, yield* alloc(boxes, boxOf(wordsOf(args[0]))))
        return structValue('Map', self)
      },
      * 'Map::pin'({self}) {
        yield* atomicFetchAdd((self as State).count, 1)
        return structValue('Guard', self)
      },
      * 'Map::get'(call) {
        const {count, pointer} = call.self as State
        if (isChecked && (stateOf(call.args[0]) as State).count !== count) return none
        return some(borrowed(boxWords(call, yield* loadAcquire(pointer))))
      },
      * 'Map::replace'(call) {
        const {count, pointer} = call.self as State
        const old = yield* xchg(pointer, yield* alloc(call.boxes, boxOf(wordsOf(call.args[0]))))
        if ((yield* raw((yield* loadAcquire(count)).eq(0))) !== 0) yield* dropBox(call, old)
        return unitValue
      },
      * 'Map::drop'(call) {
        yield* dropBox(call, yield* readPlain((call.self as State).pointer))
        return unitValue
      },
      * 'Guard::drop'({self}) {
        yield* release((self as State).count)
        return unitValue
      },
    },
  })
}

// ---- SRCU: a domain that cannot go before its guards --------------------------------------------------------

/** @param waits the domain's destructor waits for its readers, for ever if a guard was forgotten. */
function srcu(name: string, title: string, waits: boolean): Wrapper {
  return wrapper({
    name, title, source: 'torvalds/linux rust/kernel/sync/srcu.rs, 2026 (wrappers.md, row 22)', layout,
    bounds: {size: 4, payloads: ['u8']},
    expected: {source: 'wrappers.md, B and row 22', broken: brokenUnder(waits ? [] : everyModel), options: admittedFrom(2, !waits), deadlocks: waits},
    rust: `
pub struct Srcu<T>(AtomicUsize, AtomicPtr<T>, PhantomData<Box<T>>);
pub struct Guard<T>(PhantomData<T>);
impl<T> Srcu<T> {
    pub fn new(value: T) -> Self;
    pub fn lock(&self) -> Guard<T>;
}
impl<T> Drop for Srcu<T> {}
impl<T> Drop for Guard<T> {}
impl<T> Deref for Guard<T> { type Target = T; fn deref(&self) -> &T; }`,
    bodies: {
      * 'Srcu::new'({self, args, boxes}) {
        yield* writePlain((self as State).pointer, yield* alloc(boxes, boxOf(wordsOf(args[0]))))
        return structValue('Srcu', self)
      },
      * 'Srcu::lock'({self}) {
        yield* atomicFetchAdd((self as State).count, 1)
        return structValue('Guard', self)
      },
      * 'Srcu::drop'(call) {
        const {count, pointer} = call.self as State
        if (waits) yield* awaitAcquire(count, readers => readers === 0)
        yield* dropBox(call, yield* readPlain(pointer))
        return unitValue
      },
      * 'Guard::deref'(call) {
        return borrowed(boxWords(call, yield* readPlain((call.self as State).pointer)))
      },
      * 'Guard::drop'({self}) {
        yield* release((self as State).count)
        return unitValue
      },
    },
  })
}

export const guards: readonly Wrapper[] = [
  counted('d22-guard-forget', 'a count of one bit: a forgotten guard and a live one are none', false),
  counted('d22-guard-saturates', 'no more guards than the count can tell', true),
  waitsForItself,
  foreign('flurry-foreign-guard', 'a guard of any map will do', false),
  foreign('flurry-foreign-guard-checked', 'a guard of this map', true),
  srcu('srcu-guard', 'the domain waits for its guards, for ever if one was forgotten', true),
  srcu('srcu-guard-no-wait', 'the domain goes at once; its guards do not borrow it', false),
]
