/**
 * A sequence lock around a pointer, in type-safe memory: what is freed may become another object of the same type at once, and never
 * anything else (SLAB_TYPESAFE_BY_RCU). Readers never fault, but may look at another object; that they did, the count says. wrappers.md D10.
 */
import {
  loadAcquire, raw, readOnce, smpRmb, smpWmb, spinLock, spinUnlock, storeRelease, writeOnce, writePlain, type Location, type Memory, type Proc,
} from '../../lib/index.ts'
import type {PayloadWords} from '../wrapper/payload.ts'
import {none, payloadValue, some, structValue, unitValue} from '../wrapper/value.ts'
import {loadWords, storeWords, wordsOf, wrapper, type Wrapper} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, everyModel} from './expectation.ts'

interface State {
  readonly lock: Location
  readonly sequence: Location
  /** Which of the objects is in the table; the other one is free. */
  readonly pointer: Location
  readonly objects: readonly [readonly Location[], readonly Location[]]
}

function layout(memory: Memory, name: string, {size}: PayloadWords): State {
  return {
    ...memory.struct(name, {lock: 0, sequence: 0, pointer: 0}),
    objects: [memory.array(`${name}.object`, size), memory.array(`${name}.object2`, size)],
  }
}

/** Fills the free object, before the section, and puts it in. The other one is free from then on. */
function* replace({lock, sequence, pointer, objects: [one, other]}: State, words: ReturnType<typeof wordsOf>): Proc {
  yield* spinLock(lock)
  const isOne = (yield* raw((yield* readOnce(pointer)).eq(one[0]!))) !== 0
  const fresh = isOne ? other : one
  yield* storeWords(fresh, words, writeOnce) // after the section that freed it began, by the barrier in there
  const count = yield* readOnce(sequence)
  yield* writeOnce(sequence, count.plus(1))
  yield* smpWmb() // the odd count before the pointer, and before whatever the other object becomes
  yield* storeRelease(pointer, fresh[0]!) // the object before the pointer
  yield* storeRelease(sequence, count.plus(2))
  yield* spinUnlock(lock)
}

/** @param isChecked does find() look at the count again? */
function table(name: string, title: string, isChecked: boolean): Wrapper {
  return wrapper({
    name, title, source: 'Documentation/RCU/rculist_nulls.rst; perfbook, type-safe memory', layout,
    bounds: {size: 4, instances: 1, payloads: ['Pair']},
    declares: {allows: ['relaxed atomic', 'fence'], followsNoPointer: false},
    expected: {source: 'wrappers.md, D10', broken: brokenUnder(isChecked ? [] : everyModel), options: admittedFrom(4, !isChecked)},
    rust: `
pub struct Table<T> { sequence: AtomicUsize, pointer: AtomicPtr<T>, data: UnsafeCell<[T; 2]> }
unsafe impl<T: Send> Sync for Table<T> {}
impl<T: AnyBitPattern> Table<T> {
    pub fn new(value: T) -> Self;
    pub fn find(&self) -> Option<T>;
    pub fn replace(&self, value: T);
}`,
    bodies: {
      * 'Table::new'({self, args}) {
        const {pointer, objects: [one]} = self as State
        yield* storeWords(one, wordsOf(args[0]), writePlain)
        yield* writePlain(pointer, one[0]!)
        return structValue('Table', self)
      },
      * 'Table::find'({self}) {
        const {sequence, pointer, objects: [{length}]} = self as State
        const before = yield* loadAcquire(sequence)
        const found = yield* loadAcquire(pointer) // the pointer before the object
        const words = yield* loadWords(Array.from({length}, (_, i) => i === 0 ? found : found.plus(i)), readOnce)
        yield* smpRmb() // the object before the second look
        const isGood = before.and(1).eq(0).and(before.eq(yield* readOnce(sequence)))
        return !isChecked || (yield* raw(isGood)) !== 0 ? some(payloadValue(words)) : none
      },
      * 'Table::replace'({self, args}) {
        yield* replace(self as State, wordsOf(args[0]))
        return unitValue
      },
    },
  })
}

export const typeSafes: readonly Wrapper[] = [
  table('d10-seq-type-safe', 'freed objects become others at once; the count is looked at again', true),
  table('d10-seq-type-safe-unchecked', 'the same; the count is not looked at', false),
]
