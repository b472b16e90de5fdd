/**
 * crossbeam-epoch's handles to a participant, of which 0.4.0 let clones go to other threads: they count their guards in a `Cell`.
 *
 * Source: crossbeam-epoch#65, #70 (0.4.1): Local::guard_count, acquire and release of guards. wrappers.md, row 27. Two handles are made
 * at once instead of cloning one; what they pin is never dropped, so that nothing but the count matters.
 */
import {raw, readOnce, readPlain, smpMb, storeRelease, writeOnce, writePlain, type Location, type Memory} from '../../lib/index.ts'
import type {PayloadWords} from '../wrapper/payload.ts'
import {borrowed, structValue, unitValue} from '../wrapper/value.ts'
import {callClosure, storeWords, wordsOf, wrapper, type Wrapper} from '../wrapper/wrapper.ts'
import {inEverything, weakModels} from './expectation.ts'

interface State {
  readonly epoch: Location
  readonly local: Location
  readonly guardCount: Location
  readonly value: readonly Location[]
}

function layout(memory: Memory, name: string, {size}: PayloadWords): State {
  return {...memory.struct(name, {epoch: 1, local: 0, guardCount: 0}), value: memory.array(`${name}.value`, size)}
}

/** @param send the impl that decides. */
function handle(name: string, title: string, send: string, broken: readonly string[]): Wrapper {
  return wrapper({
    name, title, source: 'crossbeam-epoch#65, #70', layout,
    bounds: {size: 3, payloads: ['u8']},
    expected: inEverything('wrappers.md, row 27', broken),
    rust: `
pub struct Handle<T>(*const T, PhantomData<T>);
${send}
impl<T> Handle<T> {
    pub fn pair(value: T) -> (Handle<T>, Handle<T>);
    pub fn with(&self, look: impl Fn(&T) + 'static);
}`,
    bodies: {
      * 'Handle::pair'({self, args}) {
        yield* storeWords((self as State).value, wordsOf(args[0]), writePlain)
        return {kind: 'tuple', items: [structValue('Handle', self), structValue('Handle', self)]}
      },
      * 'Handle::with'({self, args}) {
        const {epoch, local, guardCount, value} = self as State
        const before = yield* readPlain(guardCount)
        yield* writePlain(guardCount, before.plus(1))
        if ((yield* raw(before.ne(0))) === 0) {
          yield* writeOnce(local, yield* readOnce(epoch))
          yield* smpMb() // the pin before the loads
        }
        try {
          yield* callClosure(args[0], borrowed(value))
        } finally {
          const after = (yield* readPlain(guardCount)).minus(1)
          yield* writePlain(guardCount, after)
          if ((yield* raw(after.ne(0))) === 0) yield* storeRelease(local, 0) // the loads before the end of the pin
        }
        return unitValue
      },
    },
  })
}

export const handles: readonly Wrapper[] = [
  handle('crossbeam-epoch-send-handle', 'handles to one participant are Send', 'unsafe impl<T: Send + Sync> Send for Handle<T> {}', weakModels),
  handle('crossbeam-epoch-handle', 'handles stay on their thread', 'impl<T> !Send for Handle<T> {}', []),
]
