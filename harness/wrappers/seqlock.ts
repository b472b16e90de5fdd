/**
 * Sequence locks that hand out copies: wrappers.md D1 to D6. One shape, and the orderings that make the difference.
 * Written in the kernel's words, so that they run under every model by the mapping of P0124.
 */
import {
  check, fence, inC, kcsanAtomicNext, load, loadAcquire, raw, readNonAtomic, readOnce, readPlain, smpRmb, smpWmb, spinLock, spinUnlock,
  store, storeRelease, writeNonAtomic, writeOnce, writePlain, type Location, type Operand, type Proc, type Value,
} from '../../lib/index.ts'
import {claims} from '../wrapper/interpret.ts'
import {none, payloadValue, some, structValue, unitValue, type Address} from '../wrapper/value.ts'
import {loadWords, storeWords, wordsOf, wrapper, type Wrapper, type WrapperExpectation} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, everyModel, weakModels} from './expectation.ts'
import {layout, type State} from './seqlock-state.ts'

/** What a variant does at the places that decide. */
interface Recipe {
  /** Reads the count, by its one writer. */
  readonly count: (sequence: Location) => Proc<Value>
  /** Makes the count odd. */
  readonly odd: (sequence: Location, count: Operand) => Proc
  readonly storeWord: (at: Address, word: Operand) => Proc
  readonly even: (sequence: Location, count: Operand) => Proc
  readonly first: (sequence: Location) => Proc<Value>
  readonly loadWord: (at: Address) => Proc<Value>
  /** Looks at the count again. */
  readonly again: (sequence: Location) => Proc<Value>
}

/** Boehm's seqlock (MSPC 2012): fences, and relaxed accesses to the data. */
const boehm: Recipe = {
  count: readOnce,
  * odd(sequence, count) {
    yield* writeOnce(sequence, count)
    yield* smpWmb() // the odd count before the data
  },
  storeWord: writeOnce,
  even: storeRelease, // the data before the even count
  first: loadAcquire, // the count before the data
  loadWord: readOnce,
  * again(sequence) {
    yield* smpRmb() // the data before the second look
    return yield* readOnce(sequence)
  },
}

/**
 * C's plain accesses; what is read is annotated for KCSAN as read_seqcount_begin() and read_seqcount_retry() do it
 * (KCSAN_SEQLOCK_REGION_MAX accesses, include/linux/seqlock.h).
 */
const annotated: Recipe = {
  ...boehm, storeWord: writePlain, loadWord: readPlain,
  * first(sequence) {
    const start = yield* boehm.first(sequence)
    yield* kcsanAtomicNext(1000)
    return start
  },
  * again(sequence) {
    yield* kcsanAtomicNext(0)
    return yield* boehm.again(sequence)
  },
}

/** The crate's own operations: fences of C11, and volatile accesses, which are plain ones to the model. */
const amanieu: Recipe = {
  count: sequence => load(sequence, 'Relaxed'),
  * odd(sequence, count) {
    yield* store(sequence, count, 'Relaxed')
    yield* fence('Release')
  },
  storeWord: writeNonAtomic,
  even: (sequence, count) => store(sequence, count, 'Release'),
  first: sequence => load(sequence, 'Acquire'),
  loadWord: readNonAtomic,
  * again(sequence) {
    yield* fence('Acquire')
    return yield* load(sequence, 'Relaxed')
  },
}

interface Variant {
  readonly name: string
  readonly title: string
  readonly source: string
  readonly recipe: Recipe
  readonly bound?: string
  /** Unless the case-by-case option is the first to admit it. */
  readonly options?: WrapperExpectation['options']
  /** Does the primitive stay in C, called through safe signatures? */
  readonly isInC?: boolean
  readonly judgedBy?: readonly string[]
  /** Is what was read a T before it is validated? Then it must be a valid one, also if it is thrown away. */
  readonly isTypedEarly?: boolean
  readonly payloads?: readonly string[]
  /** Under which models it is broken. */
  readonly broken: readonly string[]
}

function seqlock({name, title, source, recipe, bound = 'T: Copy', broken, options = admittedFrom(4, broken.includes('lkmm')), isInC = false, judgedBy = everyModel, isTypedEarly = false, payloads}: Variant): Wrapper {
  const side = <R>(part: Proc<R>): Proc<R> => isInC ? inC(part) : part
  return wrapper({
    name, title, source, layout, ...payloads === undefined ? {} : {bounds: {payloads}},
    declares: {allows: ['relaxed atomic', 'fence'], followsNoPointer: true},
    expected: {source: 'wrappers.md', options, broken: brokenUnder(broken, judgedBy)},
    rust: `
pub struct SeqLock<T> { data: UnsafeCell<T> }
unsafe impl<T: Send> Sync for SeqLock<T> {}
impl<${bound}> SeqLock<T> {
    pub fn new(value: T) -> Self;
    pub fn try_read(&self) -> Option<T>;
    pub fn write(&self, value: T);
}`,
    bodies: {
      * 'SeqLock::new'({self, args}) {
        yield* storeWords((self as State).data, wordsOf(args[0]), writePlain)
        return structValue('SeqLock', self)
      },
      * 'SeqLock::try_read'({self, payload}) {
        const {isGood, words} = yield* side(tryRead(self as State, recipe))
        if (isTypedEarly && payload.isValid !== null) yield* check(claims.valid, payload.isValid(words))
        return (yield* raw(isGood)) === 0 ? none : some(payloadValue(words))
      },
      * 'SeqLock::write'({self, args}) {
        yield* side(write(self as State, recipe, wordsOf(args[0])))
        return unitValue
      },
    },
  })
}

function* tryRead({sequence, data}: State, recipe: Recipe): Proc<{readonly isGood: Value; readonly words: readonly Operand[]}> {
  const before = yield* recipe.first(sequence)
  const words = yield* loadWords(data, recipe.loadWord)
  const after = yield* recipe.again(sequence)
  return {isGood: before.and(1).eq(0).and(before.eq(after)), words}
}

function* write({lock, sequence, data}: State, recipe: Recipe, words: readonly Operand[]): Proc {
  yield* spinLock(lock)
  const count = yield* recipe.count(sequence)
  yield* recipe.odd(sequence, count.plus(1))
  yield* storeWords(data, words, recipe.storeWord)
  yield* recipe.even(sequence, count.plus(2))
  yield* spinUnlock(lock)
}

/** Every variant; each is one line of the table. */
export const seqlocks: readonly Wrapper[] = ([
  {
    name: 'd1-seq-copy-volatile', title: 'plain data, read before it is validated', source: 'Amanieu/seqlock 0.2 (wrappers.md, row 1)', broken: weakModels,
    recipe: annotated, judgedBy: [...everyModel, 'lkmm-kcsan'],
  },
  {
    name: 'd1-seq-typed-early', title: 'relaxed words, made a T before they are validated, instead of MaybeUninit<T>', source: 'wrappers.md, D1, variant', broken: everyModel,
    recipe: boehm, isTypedEarly: true, payloads: ['Either'],
  },
  {
    name: 'amanieu-seqlock', title: 'as the crate has it: plain data between an acquire load and an acquire fence', source: 'Amanieu/seqlock 0.2, b72653f (row 1)',
    recipe: amanieu, judgedBy: ['sc', 'rc11', 'c++20'], broken: ['rc11', 'c++20'],
    options: admittedFrom('none', false), // the kernel has no C11 fences
  },
  {name: 'd2-seq-relaxed-words', title: 'relaxed atomic words and fences', source: 'Boehm, MSPC 2012 (rows 4, 6)', recipe: boehm, bound: 'T: AnyBitPattern', broken: []},
  {
    name: 'd3-seq-acq-rel', title: 'acquire and release on every access, no fence', source: 'wrappers.md, D3', broken: [], bound: 'T: AnyBitPattern',
    recipe: {count: loadAcquire, odd: storeRelease, storeWord: storeRelease, even: storeRelease, first: loadAcquire, loadWord: loadAcquire, again: loadAcquire},
    options: admittedFrom(2, false),
  },
  {
    name: 'd3-seq-fence-acquire', title: 'writers with a fence, readers with acquire loads of the data', source: 'wrappers.md, D3: halves mixed', broken: [],
    bound: 'T: AnyBitPattern', recipe: {...boehm, loadWord: loadAcquire, again: readOnce},
  },
  {
    name: 'd3-seq-release-fence', title: 'writers with release stores of the data, readers with a fence', source: 'wrappers.md, D3: halves mixed', broken: [],
    bound: 'T: AnyBitPattern', recipe: {...boehm, odd: writeOnce, storeWord: storeRelease},
  },
  {
    name: 'seq-in-c', title: 'as d2, left in C and called through safe signatures', source: 'Rust-for-Linux#526, McKenney 2021, option 3', recipe: boehm,
    bound: 'T: AnyBitPattern', broken: [], isInC: true,
    options: admittedFrom(1, false),
  },
  {
    name: 'd4-seq-no-reader-fence', title: 'the second look is an acquire load instead of a fence', source: 'CPython gh-121368 (rows 12 to 14)', broken: weakModels,
    bound: 'T: AnyBitPattern', recipe: {...boehm, again: loadAcquire},
  },
  {
    name: 'd5-seq-no-writer-fence', title: 'the odd count is a release store instead of a fence', source: 'crossbeam-utils#39, first version (rows 3, 10, 12, 16)',
    broken: weakModels, bound: 'T: AnyBitPattern', recipe: {...boehm, odd: storeRelease},
  },
  {
    name: 'd6-seq-final-relaxed', title: 'the even count is a relaxed store', source: 'qdrant trififo#8012 (rows 11, 13)', broken: weakModels,
    bound: 'T: AnyBitPattern', recipe: {...boehm, even: writeOnce},
  },
] satisfies readonly Variant[]).map(seqlock)
