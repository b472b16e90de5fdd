/**
 * Sequence locks that let readers look at the data in place, that follow pointers, or whose count comes round again:
 * wrappers.md D7 to D11. A retry would be the client's: each reader tries once.
 */
import {
  alloc, check, free, inC, kfree, loadAcquire, raw, rcuReadLock, rcuReadUnlock, readOnce, readPlain, smpRmb, smpWmb, spinLock, spinUnlock, storeRelease,
  synchronizeRcu, writeOnce, writePlain, type Operand, type Proc, type Value,
} from '../../lib/index.ts'
import type {Declaration} from '../wrapper/policy.ts'
import {borrowed, none, payloadValue, some, structValue, unitValue, type RustValue} from '../wrapper/value.ts'
import {boxOf, boxWords, callClosure, leakClaim, loadWords, storeWords, wordsOf, wrapper, type Call, type Wrapper} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, everyModel} from './expectation.ts'
import {layout, type State} from './seqlock-state.ts'

/** What the case-by-case option lets pass. */
const declares: Declaration = {allows: ['relaxed atomic', 'fence'], followsNoPointer: true}

/** A writer's section. `width`: how many values the count has. */
function* writing(state: State, inside: () => Proc, width = 2 ** 30): Proc {
  yield* spinLock(state.lock)
  yield* counting(state, inside, width)
  yield* spinUnlock(state.lock)
}

/** The same, where somebody else sees to it that there is one writer. The kernel raises the count twice. */
function* counting({sequence}: State, inside: () => Proc, width = 2 ** 30): Proc {
  yield* writeOnce(sequence, (yield* readOnce(sequence)).plus(1).mod(width))
  yield* smpWmb() // the odd count before the data
  yield* inside()
  yield* storeRelease(sequence, (yield* readOnce(sequence)).plus(1).mod(width)) // the data before the even count
}

/** Marks what is C's. */
type Side = <T>(part: Proc<T>) => Proc<T>
const inRust: Side = part => part

/** A reader's section: what it read, and whether nobody wrote meanwhile. */
function* reading<T>({sequence}: State, inside: () => Proc<T>, side: Side = inRust): Proc<{readonly found: T; readonly isGood: Value}> {
  const before = yield* side(loadAcquire(sequence))
  const found = yield* inside()
  yield* side(smpRmb()) // the data before the second look
  const after = yield* side(readOnce(sequence))
  return {found, isGood: before.and(1).eq(0).and(before.eq(after))}
}

// ---- D7 and D8: closures that look at the data in place --------------------------------------------------

/**
 * @param isInC everything but the closure is C's, called through safe signatures: the signatures are what is wrong.
 * @param isUnsafe is it for its callers to see to it that nobody reads while they write?
 */
const closure = (name: string, title: string, isInC: boolean, isUnsafe = false): Wrapper => {
  const side: Side = isInC ? inC : inRust
  return wrapper({
    name, title, source: 'qdrant trififo#8012 (wrappers.md, rows 10, 11)', layout,
    bounds: {size: 3, payloads: ['u8', 'Either']},
    declares,
    expected: {source: 'wrappers.md, D7', broken: brokenUnder(isUnsafe ? [] : everyModel), options: admittedFrom(isInC ? 1 : 4, !isUnsafe)},
    rust: `
pub struct SeqLock<T> { data: UnsafeCell<T> }
unsafe impl<T: Send + Sync> Sync for SeqLock<T> {}
impl<T: Copy> SeqLock<T> {
    pub fn new(value: T) -> Self;
    pub fn read<R>(&self, look: impl Fn(&T) -> R) -> Option<R>;
    pub ${isUnsafe ? 'unsafe ' : ''}fn write(&self, value: T);
}`,
    bodies: {
      * 'SeqLock::new'({self, args}) {
        yield* storeWords((self as State).data, wordsOf(args[0]), writePlain)
        return structValue('SeqLock', self)
      },
      * 'SeqLock::read'({self, args}) {
        const state = self as State
        const {found, isGood} = yield* reading(state, () => callClosure(args[0], borrowed(state.data)), side)
        return (yield* raw(isGood)) === 0 ? none : some(found)
      },
      * 'SeqLock::write'({self, args}) {
        const state = self as State
        yield* side(writing(state, () => storeWords(state.data, wordsOf(args[0]), writePlain)))
        return unitValue
      },
    },
  })
}

/** Two atomic fields that belong together; what a closure is given are loads of them, so that it may keep what it saw. */
function fields(name: string, title: string, isChecked: boolean): Wrapper {
  return wrapper({
    name, title, source: 'Rust-for-Linux#526 (wrappers.md, row 9)',
    layout: (memory, name) => ({lock: memory.word(`${name}.lock`), sequence: memory.word(`${name}.sequence`), data: memory.array(`${name}.data`, 2)}),
    bounds: {size: 3},
    declares,
    expected: {source: 'wrappers.md, D8', broken: brokenUnder([]), options: admittedFrom(4, false), leaks: !isChecked},
    rust: `
pub struct SeqLock { a: AtomicUsize, b: AtomicUsize }
impl SeqLock {
    pub fn new() -> Self;
    pub fn access(&self, look: impl Fn(usize, usize));
    pub fn write(&self);
}`,
    bodies: {
      * 'SeqLock::new'({self}) {
        return structValue('SeqLock', self)
      },
      * 'SeqLock::access'({self, args}) {
        const state = self as State
        const seen = (words: readonly Operand[]): Proc<RustValue> => callClosure(args[0], ...words.map((value): RustValue => ({kind: 'scalar', value})))
        const {found: [a, b], isGood} = yield* reading(state, function* () {
          const words = yield* loadWords(state.data, readOnce)
          if (!isChecked) yield* seen(words)
          return words as readonly Value[]
        })
        // the closure may have kept them: no two values that were never stored together may reach it
        if (!isChecked) yield* check(leakClaim, a!.eq(b!))
        else if ((yield* raw(isGood)) !== 0) yield* seen([a!, b!])
        return unitValue
      },
      * 'SeqLock::write'({self}) {
        const state = self as State
        yield* writing(state, function* () {
          for (const word of state.data) yield* writeOnce(word, (yield* readOnce(word)).plus(1))
        })
        return unitValue
      },
    },
  })
}

/** @param takesLock no proof of another lock is asked for: two writers may be at it, and the count even while one writes. */
function proofless(name: string, title: string, takesLock: boolean): Wrapper {
  const section = takesLock ? writing : counting
  return copying(name, title, 'Rust-for-Linux#526, the run-time check of the lock (wrappers.md, row 9)', 'wrappers.md, D8', !takesLock, (state, inside) => section(state, inside))
}

// ---- D9 and D10: linked data -------------------------------------------------------------------------------

interface Linked {
  readonly name: string
  readonly title: string
  readonly source: string
  /** Reads inside of a read-side section of RCU, and frees after a grace period. */
  readonly rcu: boolean
  /** Looks at the count before it follows the pointer, and not after. */
  readonly validatesFirst?: boolean
  readonly broken: readonly string[]
}

function linked({name, title, source, rcu, validatesFirst = false, broken}: Linked): Wrapper {
  function* follow(call: Call, pointer: Value): Proc<readonly Value[]> {
    return (yield* loadWords(boxWords(call, pointer), readPlain)) as readonly Value[]
  }
  return wrapper({
    name, title, source, layout,
    bounds: {size: 3, payloads: ['u8', 'Pair']},
    declares: rcu ? {allows: ['RCU', 'relaxed atomic', 'fence'], followsNoPointer: false} : declares,
    expected: {source: `wrappers.md, ${rcu ? 'D10' : 'D9'}`, broken: brokenUnder(broken), options: admittedFrom(rcu ? 4 : 5, broken.length > 0)},
    rust: `
pub struct Table<T>(AtomicPtr<T>, PhantomData<Box<T>>);
unsafe impl<T: Send + Sync> Sync for Table<T> {}
impl<T: Copy> Table<T> {
    pub fn new(value: T) -> Self;
    pub fn find(&self) -> Option<T>;
    pub fn replace(&self, value: T);
}
impl<T> Drop for Table<T> {}`,
    bodies: {
      * 'Table::new'({self, args, boxes}) {
        yield* writePlain((self as State).data[0]!, yield* alloc(boxes, boxOf(wordsOf(args[0]))))
        return structValue('Table', self)
      },
      * 'Table::find'(call) {
        const state = call.self as State
        if (rcu) yield* rcuReadLock()
        const {found, isGood} = yield* reading(state, function* () {
          const pointer = yield* loadAcquire(state.data[0]!)
          return validatesFirst ? [pointer] : yield* follow(call, pointer)
        })
        const isThere = (yield* raw(isGood)) !== 0
        const words = isThere && validatesFirst ? yield* follow(call, found[0]!) : found
        if (rcu) yield* rcuReadUnlock()
        return isThere ? some(payloadValue(words)) : none
      },
      * 'Table::replace'(call) {
        const state = call.self as State
        const fresh = yield* alloc(call.boxes, boxOf(wordsOf(call.args[0])))
        const old = yield* taken(state, fresh)
        if (rcu) yield* synchronizeRcu()
        yield* free(old)
        return unitValue
      },
      * 'Table::drop'({self}) {
        yield* kfree(yield* readPlain((self as State).data[0]!))
        return unitValue
      },
    },
  })
}

/** Puts a pointer in, and returns the old one. */
function* taken(state: State, fresh: Value): Proc<Value> {
  let old: Value | null = null
  yield* writing(state, function* () {
    old = yield* readOnce(state.data[0]!)
    yield* storeRelease(state.data[0]!, fresh)
  })
  return old!
}

// ---- D11: counts that come round ---------------------------------------------------------------------------

function wrapping(name: string, title: string, bits: number, isBroken: boolean): Wrapper {
  return copying(name, title, 'Amanieu/seqlock#3; Documentation/locking/seqlock.rst (wrappers.md, D11)', 'wrappers.md, D11', isBroken, (state, inside) => writing(state, inside, 2 ** bits))
}

/** Hands out copies of relaxed words, and differs by what a writer does around its stores. */
function copying(name: string, title: string, source: string, design: string, isBroken: boolean, section: (state: State, inside: () => Proc) => Proc): Wrapper {
  return wrapper({
    name, title, source, layout, declares,
    bounds: {size: 4, payloads: ['Pair']},
    expected: {source: design, broken: brokenUnder(isBroken ? everyModel : []), options: admittedFrom(4, isBroken)},
    rust: `
pub struct SeqLock<T> { data: UnsafeCell<T> }
unsafe impl<T: Send> Sync for SeqLock<T> {}
impl<T: AnyBitPattern> SeqLock<T> {
    pub fn new(value: T) -> Self;
    pub fn try_read(&self) -> Option<T>;
    pub fn write(&self, value: T);
}`,
    bodies: {
      * 'SeqLock::new'({self, args}) {
        yield* storeWords((self as State).data, wordsOf(args[0]), writePlain)
        return structValue('SeqLock', self)
      },
      * 'SeqLock::try_read'({self}) {
        const state = self as State
        const {found, isGood} = yield* reading(state, () => loadWords(state.data, readOnce))
        return (yield* raw(isGood)) === 0 ? none : some(payloadValue(found))
      },
      * 'SeqLock::write'({self, args}) {
        const state = self as State
        yield* section(state, () => storeWords(state.data, wordsOf(args[0]), writeOnce))
        return unitValue
      },
    },
  })
}

export const seqrefs: readonly Wrapper[] = [
  closure('d7-seq-ref-closure', 'a closure is lent &T while somebody may write', false),
  closure('d7-seq-ref-closure-in-c', 'the same, left in C', true),
  closure('d7-seq-ref-closure-unsafe', 'the same with an unsafe write(), which no safe client calls', false, true),
  fields('d8-seq-atomic-fields', 'a closure looks at atomic fields before they are validated', false),
  fields('d8-seq-atomic-fields-checked', 'the closure runs after the validation', true),
  proofless('d8-seq-no-lock-proof', 'write() asks for no proof that the lock is held', false),
  proofless('d8-seq-lock-taken', 'write() takes the lock', true),
  ...([
    {name: 'd9-seq-linked', title: 'follows a pointer inside of the section; freed at once', source: 'perfbook, Sequence-Locked Pre-BSD Routing Table (BUGGY!!!)', rcu: false, broken: everyModel},
    {name: 'd9-seq-linked-validated', title: 'validates, and follows the pointer then', source: 'wrappers.md, D9', rcu: false, validatesFirst: true, broken: everyModel},
    {name: 'd10-seq-linked-rcu', title: 'the same inside of a read-side section; freed after a grace period', source: 'kernel rcu-walk', rcu: true, broken: []},
  ] satisfies readonly Linked[]).map(linked),
  wrapping('d11-seq-wrap-2', 'a count of 2 bits comes round after two writes', 2, true),
  wrapping('d11-seq-wrap-3', 'a count of 3 bits does not, in so few writes', 3, false),
]
