/**
 * The SeqLock of Rust for Linux: wrappers.md D8 and row 9. The count is C's. What it protects is T: Sync, with atomic fields that anybody
 * may load at any time, so readers and writers alike are lent `&T`; a reader asks afterwards whether what it saw is of any use.
 *
 * Source: Rust-for-Linux#526, rust/kernel/sync/seqlock.rs of the old branch `rust`, and rust/kernel/sync/locked_by.rs for the proof that a
 * lock is held: `&mut` of what the lock protects, whose identity is compared at run time.
 */
import {
  awaitOnce, check, inC, raw, readOnce, smpRmb, smpWmb, spinLock, spinUnlock, writeOnce, writePlain, type Memory, type Proc, type Scalar, type Value,
} from '../../lib/index.ts'
import {claims} from '../wrapper/interpret.ts'
import type {Declaration} from '../wrapper/policy.ts'
import {none, payloadValue, some, structValue, unitValue} from '../wrapper/value.ts'
import {leakClaim, loadWords, stateOf, storeWords, wordsOf, wrapper, type Wrapper} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, everyModel} from './expectation.ts'
import {layout, type State} from './seqlock-state.ts'

const isEven = (count: Scalar): boolean => typeof count === 'number' && count % 2 === 0

/** The writers' lock, and write_seqcount_begin() */
function* lock(state: State): Proc {
  yield* spinLock(state.lock)
  yield* begin(state)
}

/** write_seqcount_end(), and the writers' lock */
function* unlock(state: State): Proc {
  yield* end(state)
  yield* spinUnlock(state.lock)
}

/** write_seqcount_begin() */
function* begin({sequence}: State): Proc {
  yield* writeOnce(sequence, (yield* readOnce(sequence)).plus(1))
  yield* smpWmb() // the odd count before the data
}

/** write_seqcount_end() */
function* end({sequence}: State): Proc {
  yield* smpWmb() // the data before the even count
  yield* writeOnce(sequence, (yield* readOnce(sequence)).plus(1))
}

/** read_seqcount_begin(), which waits for the writer */
function* readBegin({sequence}: State): Proc<Value> {
  const start = yield* awaitOnce(sequence, isEven)
  yield* smpRmb() // the count before the data
  return start
}

/** read_seqcount_retry() */
function* readRetry({sequence}: State, start: Value): Proc<Value> {
  yield* smpRmb() // the data before the second look
  return (yield* readOnce(sequence)).ne(start)
}

/** A reader's guard: its lock, and the count when it began. */
interface Reader {
  readonly state: State
  readonly start: Value
}

/** inc_each() of the documentation: T is two atomic fields, which are raised together. */
function* raise({data}: State): Proc {
  for (const word of data) yield* writeOnce(word, (yield* readOnce(word)).plus(1))
}

/** What get_sum() of the documentation loads. */
function* loadBoth({data}: State): Proc<readonly [Value, Value]> {
  return [yield* readOnce(data[0]!), yield* readOnce(data[1]!)]
}

const layoutOfFields = (memory: Memory, name: string): State => layout(memory, name, {size: 2})
const declares: Declaration = {allows: ['relaxed atomic'], followsNoPointer: true}
const source = 'Rust-for-Linux#526 (wrappers.md, row 9)'

/** What `Deref` lends is written as a method of the guard, and what a writer does with it as part of write(). */
const readGuard: Wrapper = wrapper({
  name: 'rfl-seqlock-read', title: 'a reader’s guard lends &T, and need_retry() says afterwards whether what was read is of use', source, layout: layoutOfFields,
  bounds: {size: 4, instances: 1}, declares,
  expected: {source: 'wrappers.md, D8 and row 9', broken: brokenUnder([]), options: admittedFrom(4, false), leaks: true},
  rust: `
pub struct SeqLock { count: UnsafeCell<u32>, a: AtomicUsize, b: AtomicUsize }
pub struct ReadGuard<'a>(&'a SeqLock, PhantomData<*const ()>);
unsafe impl Sync for SeqLock {}
impl SeqLock {
    pub fn new() -> SeqLock;
    pub fn read(&self) -> ReadGuard<'_>;
    pub fn write(&self);
}
impl ReadGuard<'_> {
    pub fn sum(&self) -> usize;
    pub fn need_retry(&self) -> bool;
}`,
  bodies: {
    * 'SeqLock::new'({self}) {
      return structValue('SeqLock', self)
    },
    * 'SeqLock::read'({self}) {
      const state = self as State
      return structValue('ReadGuard', {state, start: yield* inC(readBegin(state))} satisfies Reader)
    },
    * 'SeqLock::write'({self}) {
      const state = self as State
      yield* inC(lock(state))
      yield* raise(state)
      yield* inC(unlock(state))
      return unitValue
    },
    * 'ReadGuard::sum'({self}) {
      const [a, b] = yield* loadBoth((self as Reader).state)
      // whoever has them may keep them, whatever need_retry() says then
      yield* check(leakClaim, a.eq(b))
      return {kind: 'scalar', value: a.plus(b)}
    },
    * 'ReadGuard::need_retry'({self}) {
      const {state, start} = self as Reader
      return {kind: 'scalar', value: yield* inC(readRetry(state, start))}
    },
  },
})

/** Writers hold a guard, which lends no more than &T either. Readers try once, and hand out what they validated. */
const writeGuard: Wrapper = wrapper({
  name: 'rfl-seqlock-write', title: 'a writer’s guard lends &T, and holds the lock', source, layout: layoutOfFields,
  bounds: {size: 4, instances: 1}, declares,
  // who takes the lock twice waits for itself
  expected: {source: 'wrappers.md, D8 and row 9', broken: brokenUnder([]), options: admittedFrom(4, false), deadlocks: true},
  rust: `
pub struct SeqLock { count: UnsafeCell<u32>, a: AtomicUsize, b: AtomicUsize }
pub struct WriteGuard<'a>(&'a SeqLock, PhantomData<*const ()>);
unsafe impl Sync for SeqLock {}
impl SeqLock {
    pub fn new() -> SeqLock;
    pub fn try_sum(&self) -> Option<usize>;
    pub fn write(&self) -> WriteGuard<'_>;
}
impl WriteGuard<'_> { pub fn raise(&self); }
impl Drop for WriteGuard<'_> {}`,
  bodies: {
    * 'SeqLock::new'({self}) {
      return structValue('SeqLock', self)
    },
    * 'SeqLock::try_sum'({self}) {
      const state = self as State
      const start = yield* inC(readOnce(state.sequence))
      yield* inC(smpRmb())
      const [a, b] = yield* loadBoth(state)
      const isGood = (yield* inC(readRetry(state, start))).eq(0).and(start.and(1).eq(0))
      if ((yield* raw(isGood)) === 0) return none
      yield* check(claims.whole, a.eq(b))
      return some({kind: 'scalar', value: a.plus(b)})
    },
    * 'SeqLock::write'({self}) {
      yield* inC(lock(self as State))
      return structValue('WriteGuard', self)
    },
    * 'WriteGuard::raise'({self}) {
      yield* raise(self as State)
      return unitValue
    },
    * 'WriteGuard::drop'({self}) {
      yield* inC(unlock(self as State))
      return unitValue
    },
  },
})

// ---- The proof that a lock is held -------------------------------------------------------------------------

/**
 * LockedBy: whoever has `&mut Owner` holds the lock that protects the owner.
 * @param proof how the owner is lent. @param isChecked is it compared with that of the sequence lock?
 */
function proven(name: string, title: string, proof: '&Owner' | '&mut Owner', isChecked: boolean, isBroken: boolean, size = 4): Wrapper {
  return wrapper({
    name, title, source: 'Rust-for-Linux#526, McKenney’s thread; torvalds/linux rust/kernel/sync/locked_by.rs',
    layout: (memory, name, payload, struct) => struct === 'SeqLock' ? layout(memory, name, payload) : null,
    bounds: {size, payloads: ['Pair']}, declares,
    expected: {source: 'wrappers.md, D8: the run-time check of the lock’s identity', broken: brokenUnder(isBroken ? everyModel : []), options: admittedFrom(4, isBroken)},
    rust: `
pub struct Owner(PhantomData<UnsafeCell<()>>);
pub struct SeqLock<T> { owner: *const Owner, data: UnsafeCell<T> }
unsafe impl Sync for Owner {}
unsafe impl<T: Send> Sync for SeqLock<T> {}
impl<T: AnyBitPattern> SeqLock<T> {
    pub fn new(value: T) -> (SeqLock<T>, Owner);
    pub fn replace(&self, proof: ${proof}, value: T) -> Option<T>;
}`,
    bodies: {
      * 'SeqLock::new'({self, args}) {
        const state = self as State
        yield* storeWords(state.data, wordsOf(args[0]), writePlain)
        return {kind: 'tuple', items: [structValue('SeqLock', state), structValue('Owner', state)]}
      },
      * 'SeqLock::replace'({self, args}) {
        const state = self as State
        if (isChecked && stateOf(args[0]) !== state) return none // there, it panics
        yield* inC(begin(state))
        const old = yield* loadWords(state.data, readOnce)
        yield* storeWords(state.data, wordsOf(args[1]), writeOnce)
        yield* inC(end(state))
        return some(payloadValue(old))
      },
    },
  })
}

export const rflSeqlocks: readonly Wrapper[] = [
  readGuard,
  writeGuard,
  proven('seq-lock-proof', 'write() is shown what some lock protects, of whichever lock', '&mut Owner', false, true),
  proven('seq-lock-proof-shared', 'of this lock, but lent to several', '&Owner', true, true, 3),
  proven('seq-lock-proof-checked', 'of this lock, lent to one', '&mut Owner', true, false),
]
