/**
 * Sequence locks whose count is their lock, as crates fall back on for values wider than the machine's atomics: wrappers.md rows 2 to
 * 4. A writer swaps the count for 1, which is odd, and stores the next even one.
 */
import {
  awaitXchgAcquire, loadAcquire, raw, readOnce, readPlain, smpRmb, smpWmb, storeRelease, writeOnce, writePlain, type Location, type Memory, type Operand,
  type Proc, type Value,
} from '../../lib/index.ts'
import type {PayloadWords} from '../wrapper/payload.ts'
import {none, payloadValue, some, structValue, unitValue, type Address} from '../wrapper/value.ts'
import {loadWords, storeWords, wordsOf, wrapper, type Wrapper} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, weakModels} from './expectation.ts'

interface State {
  readonly stamp: Location
  readonly data: readonly Location[]
}

function layout(memory: Memory, name: string, {size}: PayloadWords): State {
  return {stamp: memory.word(`${name}.stamp`), data: memory.array(`${name}.data`, size)}
}

interface Variant {
  readonly name: string
  readonly title: string
  readonly source: string
  /** After the stamp has been made odd. */
  readonly fence: () => Proc
  readonly loadWord: (at: Address) => Proc<Value>
  readonly storeWord: (at: Address, word: Operand) => Proc
  readonly broken: readonly string[]
}

function* noFence(): Proc { /* what review found missing */ }

const isUnlocked = (stamp: unknown): boolean => stamp !== 1

function atomicCell({name, title, source, fence, loadWord, storeWord, broken}: Variant): Wrapper {
  return wrapper({
    name, title, source, layout,
    bounds: {size: 3, payloads: ['Pair', 'bool']},
    declares: {allows: ['relaxed atomic', 'fence'], followsNoPointer: true},
    expected: {source: 'wrappers.md, rows 2 to 4', broken: brokenUnder(broken), options: admittedFrom(4, broken.includes('lkmm'))},
    rust: `
pub struct AtomicCell<T> { value: UnsafeCell<MaybeUninit<T>> }
unsafe impl<T: Send> Send for AtomicCell<T> {}
unsafe impl<T: Send> Sync for AtomicCell<T> {}
impl<T: Copy> AtomicCell<T> {
    pub const fn new(value: T) -> AtomicCell<T>;
    pub fn try_load(&self) -> Option<T>;
    pub fn store(&self, value: T);
}`,
    bodies: {
      * 'AtomicCell::new'({self, args}) {
        yield* storeWords((self as State).data, wordsOf(args[0]), writePlain)
        return structValue('AtomicCell', self)
      },
      * 'AtomicCell::try_load'({self}) {
        const {stamp, data} = self as State
        const before = yield* loadAcquire(stamp)
        const words = yield* loadWords(data, loadWord)
        yield* smpRmb() // the data before the second look
        const after = yield* readOnce(stamp)
        return (yield* raw(before.ne(1).and(before.eq(after)))) === 0 ? none : some(payloadValue(words))
      },
      * 'AtomicCell::store'({self, args}) {
        const {stamp, data} = self as State
        const before = yield* awaitXchgAcquire(stamp, isUnlocked, 1)
        yield* fence() // the odd stamp before the data
        yield* storeWords(data, wordsOf(args[0]), storeWord)
        yield* storeRelease(stamp, before.plus(2))
        return unitValue
      },
    },
  })
}

export const atomicCells: readonly Wrapper[] = ([
  {name: 'crossbeam-atomic-cell', title: 'plain data, validated after it was read', source: 'crossbeam-utils AtomicCell fallback (row 2)', fence: smpWmb, loadWord: readPlain, storeWord: writePlain, broken: weakModels},
  {
    name: 'crossbeam-atomic-cell-first', title: 'atomic words; no release fence after the swap', source: 'crossbeam-utils#39, first version (row 3)', fence: noFence,
    loadWord: readOnce, storeWord: writeOnce, broken: weakModels,
  },
  {name: 'portable-atomic', title: 'atomic words', source: 'portable-atomic e3bbb71, fallback (row 4)', fence: smpWmb, loadWord: readOnce, storeWord: writeOnce, broken: []},
] satisfies readonly Variant[]).map(atomicCell)
