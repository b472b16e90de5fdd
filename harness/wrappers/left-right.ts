/**
 * A reader with an epoch of its own, odd while it looks, and a writer that waits for it before it drops what it has taken out: the
 * concurrency scheme of left-right and evmap. The writer takes a snapshot of the epoch, and waits for it to change if it is odd. Taken
 * before the pointer is taken out, it says nothing of who began to look meanwhile. wrappers.md D15.
 *
 * Source: left-right, src/read.rs (enter(), the epoch's increments) and src/write.rs (wait(), publish()).
 */
import {
  alloc, atomicFetchAdd, atomicFetchAddRelease, awaitAcquire, loadAcquire, raw, rawNumber, writePlain, xchg, type Location, type Memory, type Proc,
} from '../../lib/index.ts'
import {borrowed, structValue, unitValue} from '../wrapper/value.ts'
import {boxOf, boxWords, callClosure, dropBox, wordsOf, wrapper, type Call, type Wrapper} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, everyModel} from './expectation.ts'

interface State {
  readonly pointer: Location
  readonly epoch: Location
}

function layout(memory: Memory, name: string): State {
  return memory.struct(name, {pointer: 0, epoch: 0})
}

/** @param isStale is the epoch looked at before the pointer is taken out? */
function leftRight(name: string, title: string, isStale: boolean): Wrapper {
  /** Takes the pointer out, and drops the object when nobody looks at it any more. */
  function* close(call: Call): Proc {
    const {pointer, epoch} = call.self as State
    const early = isStale ? yield* loadAcquire(epoch) : null
    const old = yield* xchg(pointer, 0) // before the look at the epoch; pairs with the increment in with()
    const snapshot = yield* rawNumber(early ?? (yield* loadAcquire(epoch)))
    if (snapshot % 2 === 1) yield* awaitAcquire(epoch, now => now !== snapshot)
    yield* dropBox(call, old)
  }

  return wrapper({
    name, title, source: 'left-right, src/write.rs (`leftright_stale`)', layout,
    bounds: {size: 3, values: 1, payloads: ['u8']},
    expected: {source: 'wrappers.md, D15 (`leftright_stale`)', broken: brokenUnder(isStale ? everyModel : []), options: admittedFrom(2, isStale)},
    rust: `
pub struct Writer<T>(*const (), PhantomData<Box<T>>);
pub struct Reader<T>(*const (), PhantomData<*const T>);
unsafe impl<T: Send + Sync> Send for Writer<T> {}
unsafe impl<T: Send + Sync> Send for Reader<T> {}
impl<T> Writer<T> { pub fn new(value: T) -> (Writer<T>, Reader<T>); }
impl<T> Reader<T> { pub fn with(&self, look: impl Fn(&T) + 'static); }
impl<T> Drop for Writer<T> {}`,
    bodies: {
      * 'Writer::new'({self, args, boxes}) {
        yield* writePlain((self as State).pointer, yield* alloc(boxes, boxOf(wordsOf(args[0]))))
        return {kind: 'tuple', items: [structValue('Writer', self), structValue('Reader', self)]}
      },
      * 'Writer::drop'(call) {
        yield* close(call)
        return unitValue
      },
      * 'Reader::with'(call) {
        const {pointer, epoch} = call.self as State
        yield* atomicFetchAdd(epoch, 1) // odd before the pointer is loaded
        try {
          const found = yield* loadAcquire(pointer)
          if ((yield* raw(found.ne(0))) !== 0) yield* callClosure(call.args[0], borrowed(boxWords(call, found)))
        } finally {
          yield* atomicFetchAddRelease(epoch, 1) // the object before even
        }
        return unitValue
      },
    },
  })
}

export const leftRights: readonly Wrapper[] = [
  leftRight('d15-left-right', 'the epoch is looked at when the pointer has been taken out', false),
  leftRight('d15-left-right-stale', 'the epoch is looked at before that', true),
]
