/**
 * A stack whose nodes are numbers of slots that never go: wrappers.md D20, with a tag. Nothing is freed, and a slot that comes back is
 * still a slot; but the top may come back with another one behind it. A tag in the top counts what was popped, until it comes round.
 *
 * Source: heapless pool (#153, #180, #315), treiber stacks with a version count (IBM System/370, Principles of Operation, appendix A).
 */
import {
  check, cmpxchgAcquire, cmpxchgRelease, loadAcquire, raw, rawNumber, readOnce, readPlain, storeRelease, writeOnce, writePlain, type Location, type Memory,
  type Operand, type Proc,
} from '../../lib/index.ts'
import {claims} from '../wrapper/interpret.ts'
import type {PayloadWords} from '../wrapper/payload.ts'
import {none, payloadValue, some, structValue, unitValue, type RustValue} from '../wrapper/value.ts'
import {dropPayload, loadWords, storeWords, wordsOf, wrapper, type Wrapper} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, everyModel} from './expectation.ts'

interface Slot {
  readonly isUsed: Location
  /** The number of the slot below, from 1; 0 if there is none. */
  readonly next: Location
  readonly data: readonly Location[]
}

interface State {
  /** The number of the first slot, and the tag above that. */
  readonly top: Location
  readonly slots: readonly Slot[]
}

const slotCount = 2
/** Numbers of slots are below; tags are multiples. */
const tagged = 4

function layout(memory: Memory, name: string, {size}: PayloadWords): State {
  const slotOf = (slot: string): Slot => ({...memory.struct(slot, {isUsed: 0, next: 0}), data: memory.array(`${slot}.data`, size)})
  return {top: memory.word(`${name}.top`), slots: Array.from({length: slotCount}, (_, i) => slotOf(`${name}.slots[${i + 1}]`))}
}

/** Takes a slot that nobody uses; 0 if there is none. */
function* taken(slots: readonly Slot[]): Proc<number> {
  for (const [i, {isUsed}] of slots.entries()) if ((yield* raw((yield* cmpxchgAcquire(isUsed, 0, 1)).eq(0))) !== 0) return i + 1
  return 0
}

/** Fills a slot and puts it on top; a value for which there is none, or that meets another one on its way, is dropped. */
function* push({top, slots}: State, words: readonly Operand[]): Proc {
  const number = yield* taken(slots)
  if (number === 0) return
  const {isUsed, next, data} = slots[number - 1]!
  yield* storeWords(data, words, writePlain)
  const seen = yield* readOnce(top)
  yield* writeOnce(next, seen.mod(tagged))
  // release: the slot before the top; pairs with the acquire in pop()
  const isIn = (yield* cmpxchgRelease(top, seen, seen.minus(seen.mod(tagged)).plus(number))).eq(seen)
  if ((yield* raw(isIn)) === 0) yield* storeRelease(isUsed, 0)
}

/** The words of the T in a slot, of which there must be one: a value is moved out once. */
function* valueIn({isUsed, data}: Slot): Proc<readonly Operand[]> {
  yield* check(claims.valid, (yield* readOnce(isUsed)).eq(1))
  return yield* loadWords(data, readPlain)
}

function* pop({top, slots}: State, tags: number): Proc<RustValue> {
  const seen = yield* loadAcquire(top)
  const number = yield* rawNumber(seen.mod(tagged))
  if (number === 0) return none
  const slot = slots[number - 1]!
  const below = yield* readOnce(slot.next)
  const tag = seen.minus(number).plus(tagged).mod(tagged * tags)
  if ((yield* raw((yield* cmpxchgAcquire(top, seen, tag.plus(below))).eq(seen))) === 0) return none
  const words = yield* valueIn(slot)
  yield* storeRelease(slot.isUsed, 0) // the value before the slot
  return some(payloadValue(words))
}

/** One handle pops; the other one is used up by replacing everything, once. @param tags how many there are; 1 is none. */
function stack(name: string, title: string, tags: number, isBroken: boolean): Wrapper {
  return wrapper({
    name, title, source: 'heapless pool (wrappers.md, row 38)', layout,
    bounds: {size: 3, values: 3, payloads: ['u8']},
    expected: {source: 'wrappers.md, D20: sound until the tag wraps', broken: brokenUnder(isBroken ? everyModel : []), options: admittedFrom(5, isBroken)},
    rust: `
pub struct Stack<T>(*const AtomicUsize, PhantomData<T>);
pub struct Owner<T>(*const AtomicUsize, PhantomData<T>);
unsafe impl<T: Send> Sync for Stack<T> {}
unsafe impl<T: Send> Send for Owner<T> {}
impl<T> Stack<T> {
    pub fn new(first: T, second: T) -> (Stack<T>, Owner<T>);
    pub fn try_pop(&self) -> Option<T>;
}
impl<T> Owner<T> { pub fn replace(self, value: T); }
impl<T> Drop for Stack<T> {}`,
    bodies: {
      * 'Stack::new'({self, args}) {
        const {top, slots} = self as State
        for (const [i, {isUsed, next, data}] of slots.entries()) {
          yield* writePlain(isUsed, 1)
          yield* writePlain(next, (i + 2) % (slotCount + 1))
          yield* storeWords(data, wordsOf(args[i]), writePlain)
        }
        yield* writePlain(top, 1)
        return {kind: 'tuple', items: [structValue('Stack', self), structValue('Owner', self)]}
      },
      'Stack::try_pop': ({self}) => pop(self as State, tags),
      // takes everything out that is there, and puts something else in: pop A, pop B, push in A's slot
      * 'Owner::replace'({self, args}) {
        for (let left = slotCount; left > 0; left--) if ((yield* pop(self as State, tags)).kind === 'none') break
        yield* push(self as State, wordsOf(args[0]))
        return unitValue
      },
      * 'Stack::drop'(call) {
        const {top, slots} = call.self as State
        let number = (yield* readPlain(top)).mod(tagged)
        for (let left = slotCount; left > 0; left--) {
          const at = yield* rawNumber(number)
          if (at === 0) break
          yield* dropPayload(call, yield* valueIn(slots[at - 1]!))
          number = yield* readPlain(slots[at - 1]!.next)
        }
        return unitValue
      },
    },
  })
}

export const indexStacks: readonly Wrapper[] = [
  stack('index-stack', 'a stack of slots, without a tag', 1, true),
  stack('index-stack-tag-1', 'a tag of one bit comes round after two pops', 2, true),
  stack('index-stack-tag-2', 'a tag of two bits does not, in so few pops', 4, false),
]
