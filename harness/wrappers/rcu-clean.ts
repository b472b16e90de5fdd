/**
 * rcu-clean's ArcRcu: handles to one value, which count themselves when they are first looked through, and clean up behind an update
 * if none has. wrappers.md, row 26: what the count says may be over when it is used, and a `Cell` is in a type that is Sync.
 *
 * Source: rcu-clean 77c4a3c, src/arcrcu.rs: deref(), update() and clean(). Two handles are made at once instead of cloning one; what
 * is left at the end, and versions that were never cleaned up, are leaked.
 */
import {
  alloc, atomicFetchAddRelaxed, free, loadAcquire, raw, readOnce, readPlain, spinLock, spinUnlock, storeRelease, writePlain, xchgRelaxed,
  xchgRelease, type Location, type Memory, type Proc, type Value,
} from '../../lib/index.ts'
import type {PayloadWords} from '../wrapper/payload.ts'
import {borrowed, structValue, unitValue} from '../wrapper/value.ts'
import {boxOf, boxWords, loadWords, storeWords, wordsOf, wrapper, type Call, type Wrapper} from '../wrapper/wrapper.ts'
import {everyModel, inEverything, weakModels} from './expectation.ts'

/** A handle: what is shared, and whether this one has counted itself. */
interface Handle {
  readonly inner: Inner
  readonly hasBorrowed: Location
}

interface Inner {
  readonly lock: Location
  readonly borrowCount: Location
  /** The newer version, or null: then `value` is the newest. */
  readonly next: Location
  readonly value: readonly Location[]
}

function layout(memory: Memory, name: string, {size}: PayloadWords): readonly Handle[] {
  const inner = {...memory.struct(name, {lock: 0, borrowCount: 0, next: 0}), value: memory.array(`${name}.value`, size)}
  return ['first', 'second'].map(handle => ({inner, hasBorrowed: memory.word(`${name}.${handle}.have_borrowed`)}))
}

type Exclusion = <T>(lock: Location, inside: () => Proc<T>) => Proc<T>

interface Variant {
  readonly name: string
  readonly title: string
  /** Sets `have_borrowed`; returns what it was. */
  readonly borrow: (hasBorrowed: Location) => Proc<Value>
  /** Who takes a lock: readers while they count and look, writers while they update and clean up. */
  readonly reading: Exclusion
  readonly writing: Exclusion
  readonly isSync: boolean
  readonly cleans: boolean
  readonly broken: readonly string[]
}

/** `Cell<bool>` */
function* inCell(hasBorrowed: Location): Proc<Value> {
  const old = yield* readPlain(hasBorrowed)
  if ((yield* raw(old.ne(0))) === 0) yield* writePlain(hasBorrowed, 1)
  return old
}

function* locked<T>(lock: Location, inside: () => Proc<T>): Proc<T> {
  yield* spinLock(lock)
  const result = yield* inside()
  yield* spinUnlock(lock)
  return result
}

function arcRcu({name, title, borrow, reading, writing, isSync, cleans, broken}: Variant): Wrapper {
  return wrapper({
    name, title, source: 'rcu-clean 77c4a3c, ArcRcu', layout,
    bounds: {size: 3, payloads: ['u8']},
    expected: inEverything('wrappers.md, row 26', broken),
    rust: `
pub struct ArcRcu<T>(Arc<UnsafeCell<T>>, PhantomData<*const T>);
unsafe impl<T: Send + Sync> Send for ArcRcu<T> {}
${isSync ? 'unsafe impl<T: Send + Sync> Sync for ArcRcu<T> {}' : ''}
impl<T: Copy> ArcRcu<T> {
    pub fn new(value: T) -> (ArcRcu<T>, ArcRcu<T>);
    ${cleans ? 'pub fn update(&mut self, value: T);' : ''}
}
impl<T> Deref for ArcRcu<T> { type Target = T; fn deref(&self) -> &T; }`,
    bodies: {
      * 'ArcRcu::new'({self, args}) {
        const handles = self as readonly Handle[]
        yield* storeWords(handles[0]!.inner.value, wordsOf(args[0]), writePlain)
        return {kind: 'tuple', items: handles.map(handle => structValue('ArcRcu', handle))}
      },
      * 'ArcRcu::deref'(call) {
        const {inner, hasBorrowed} = call.self as Handle
        return yield* reading(inner.lock, function* () {
          if ((yield* raw(yield* borrow(hasBorrowed))) === 0) yield* atomicFetchAddRelaxed(inner.borrowCount, 1)
          const next = yield* loadAcquire(inner.next)
          return borrowed((yield* raw(next.ne(0))) === 0 ? inner.value : boxWords(call, next))
        })
      },
      ...cleans ? {
        // update(), and then clean()
        * 'ArcRcu::update'(call: Call) {
          const {inner, hasBorrowed} = call.self as Handle
          yield* writing(inner.lock, function* () {
            yield* storeRelease(inner.next, yield* alloc(call.boxes, boxOf(wordsOf(call.args[0]))))
            yield* clean(call, inner, hasBorrowed)
          })
          return unitValue
        },
      } : {},
    },
  })
}

/** ArcRcu::clean(): copies the newer version to its place and frees it, if no handle counts. */
function* clean(call: Call, {borrowCount, next, value}: Inner, hasBorrowed: Location): Proc {
  if ((yield* raw(yield* readPlain(hasBorrowed))) !== 0) {
    yield* atomicFetchAddRelaxed(borrowCount, -1)
    yield* writePlain(hasBorrowed, 0)
  }
  if ((yield* raw((yield* readOnce(borrowCount)).ne(0))) !== 0) return
  const newer = yield* loadAcquire(next)
  if ((yield* raw(newer.ne(0))) === 0) return
  yield* storeWords(value, yield* loadWords(boxWords(call, newer), readPlain), writePlain)
  yield* free(yield* xchgRelease(next, 0), {name: 'drop(Box)'})
}

const unlocked = <T>(_lock: Location, inside: () => Proc<T>): Proc<T> => inside()
const atomically = (hasBorrowed: Location): Proc<Value> => xchgRelaxed(hasBorrowed, 1)

export const rcuCleans: readonly Wrapper[] = ([
  {
    name: 'rcu-clean', title: 'nothing keeps two from cleaning up at once', borrow: atomically, reading: unlocked, writing: unlocked,
    isSync: true, cleans: true, broken: everyModel,
  },
  {
    name: 'rcu-clean-count', title: 'cleans up if it saw no count; readers count, and then look', borrow: atomically, reading: unlocked,
    writing: locked, isSync: true, cleans: true, broken: everyModel,
  },
  {
    name: 'rcu-clean-cell', title: 'a Cell says whether a handle has counted itself', borrow: inCell, reading: unlocked, writing: unlocked,
    isSync: true, cleans: false, broken: weakModels,
  },
  {
    name: 'rcu-clean-locked', title: 'readers count and look under a lock; handles are not Sync', borrow: inCell, reading: locked,
    writing: locked, isSync: false, cleans: true, broken: [],
  },
] satisfies readonly Variant[]).map(arcRcu)
