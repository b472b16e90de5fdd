/**
 * Sequence locks that let readers look at the data in place, that follow pointers, or whose count comes round again:
 * wrappers.md D7 to D11. A retry would be the client's: each reader tries once.
 */
import {
  alloc, check, free, kfree, loadAcquire, raw, rcuReadLock, rcuReadUnlock, readOnce, readPlain, smpRmb, smpWmb, spinLock, spinUnlock, storeRelease,
  synchronizeRcu, writeOnce, writePlain, type Location, type Memory, type Operand, type Proc, type Value,
} from '../../lib/index.ts'
import type {PayloadWords} from '../wrapper/payload.ts'
import {borrowed, none, payloadValue, some, structValue, unitValue, type RustValue} from '../wrapper/value.ts'
import {boxOf, boxWords, callClosure, leakClaim, loadWords, storeWords, wordsOf, wrapper, type Call, type Wrapper} from '../wrapper/wrapper.ts'

interface State {
  readonly lock: Location
  readonly sequence: Location
  readonly data: readonly Location[]
}

function layout(memory: Memory, name: string, {size}: PayloadWords): State {
  return {lock: memory.word(`${name}.lock`), sequence: memory.word(`${name}.sequence`), data: memory.array(`${name}.data`, size)}
}

const judged = ['sc', 'rc11', 'lkmm']

function expected(broken: readonly string[], source: string): Pick<Wrapper, 'expected'>['expected'] {
  return {source, broken: Object.fromEntries(judged.map(model => [model, broken.includes(model)]))}
}

/** A writer's section. `width`: how many values the count has. */
function* writing({lock, sequence}: State, inside: () => Proc, width = 2 ** 30): Proc {
  yield* spinLock(lock)
  const count = yield* readOnce(sequence)
  yield* writeOnce(sequence, count.plus(1).mod(width))
  yield* smpWmb() // the odd count before the data
  yield* inside()
  yield* storeRelease(sequence, count.plus(2).mod(width)) // the data before the even count
  yield* spinUnlock(lock)
}

/** A reader's section: what it read, and whether nobody wrote meanwhile. */
function* reading<T>({sequence}: State, inside: () => Proc<T>): Proc<{readonly found: T; readonly isGood: Value}> {
  const before = yield* loadAcquire(sequence)
  const found = yield* inside()
  yield* smpRmb() // the data before the second look
  const after = yield* readOnce(sequence)
  return {found, isGood: before.and(1).eq(0).and(before.eq(after))}
}

// ---- D7 and D8: closures that look at the data in place --------------------------------------------------

const closure = wrapper({
  name: 'd7-seq-ref-closure', title: 'a closure is lent &T while somebody may write', source: 'qdrant trififo#8012 (wrappers.md, rows 10, 11)', layout,
  bounds: {size: 4, payloads: ['u8', 'Either']},
  expected: expected(judged, 'wrappers.md, D7'),
  rust: `
pub struct SeqLock<T> { data: UnsafeCell<T> }
unsafe impl<T: Send + Sync> Sync for SeqLock<T> {}
impl<T: Copy> SeqLock<T> {
    pub fn new(value: T) -> Self;
    pub fn read<R>(&self, look: impl Fn(&T) -> R) -> Option<R>;
    pub fn write(&self, value: T);
}`,
  bodies: {
    * 'SeqLock::new'({self, args}) {
      yield* storeWords((self as State).data, wordsOf(args[0]), writePlain)
      return structValue('SeqLock', self)
    },
    * 'SeqLock::read'({self, args}) {
      const state = self as State
      const {found, isGood} = yield* reading(state, () => callClosure(args[0], borrowed(state.data)))
      return (yield* raw(isGood)) === 0 ? none : some(found)
    },
    * 'SeqLock::write'({self, args}) {
      const state = self as State
      yield* writing(state, () => storeWords(state.data, wordsOf(args[0]), writePlain))
      return unitValue
    },
  },
})

/** Two atomic fields that belong together; what a closure is given are loads of them, so that it may keep what it saw. */
function fields(name: string, title: string, isChecked: boolean): Wrapper {
  return wrapper({
    name, title, source: 'Rust-for-Linux#526 (wrappers.md, row 9)',
    layout: (memory, name) => ({lock: memory.word(`${name}.lock`), sequence: memory.word(`${name}.sequence`), data: memory.array(`${name}.data`, 2)}),
    bounds: {size: 3},
    expected: {...expected([], 'wrappers.md, D8'), leaks: !isChecked},
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
    expected: expected(broken, name.startsWith('d9') ? 'wrappers.md, D9' : 'wrappers.md, D10'),
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
  return wrapper({
    name, title, source: 'Amanieu/seqlock#3; Documentation/locking/seqlock.rst (wrappers.md, D11)', layout,
    bounds: {size: 4, payloads: ['Pair']},
    expected: expected(isBroken ? judged : [], 'wrappers.md, D11'),
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
        yield* writing(state, () => storeWords(state.data, wordsOf(args[0]), writeOnce), 2 ** bits)
        return unitValue
      },
    },
  })
}

export const seqrefs: readonly Wrapper[] = [
  closure,
  fields('d8-seq-atomic-fields', 'a closure looks at atomic fields before they are validated', false),
  fields('d8-seq-atomic-fields-checked', 'the closure runs after the validation', true),
  ...([
    {name: 'd9-seq-linked', title: 'follows a pointer inside of the section; freed at once', source: 'perfbook, Sequence-Locked Pre-BSD Routing Table (BUGGY!!!)', rcu: false, broken: judged},
    {name: 'd9-seq-linked-validated', title: 'validates, and follows the pointer then', source: 'wrappers.md, D9', rcu: false, validatesFirst: true, broken: judged},
    {name: 'd10-seq-linked-rcu', title: 'the same inside of a read-side section; freed after a grace period', source: 'kernel rcu-walk', rcu: true, broken: []},
  ] satisfies readonly Linked[]).map(linked),
  wrapping('d11-seq-wrap-2', 'a count of 2 bits comes round after two writes', 2, true),
  wrapping('d11-seq-wrap-3', 'a count of 3 bits does not, in so few writes', 3, false),
]
