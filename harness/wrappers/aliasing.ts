/**
 * References to one value of which some may be written through, handed out side by side: wrappers.md, row 45. No ordering is missing and
 * no bound; what is wrong is who may have a reference at the same time.
 *
 * Source: RUSTSEC-2020-0141 (noise_search: MvccRwLock lends &T beside the guard of a writer), RUSTSEC-2020-0150 (disrustor: several &mut to
 * one slot of a RingBuffer).
 */
import {spinLock, spinUnlock, writePlain, type Location, type Memory} from '../../lib/index.ts'
import type {PayloadWords} from '../wrapper/payload.ts'
import {borrowed, structValue, unitValue} from '../wrapper/value.ts'
import {storeWords, wordsOf, wrapper, type Body, type Wrapper} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, everyModel} from './expectation.ts'

interface State {
  readonly lock: Location
  readonly data: readonly Location[]
}

function layout(memory: Memory, name: string, {size}: PayloadWords): State {
  return {lock: memory.word(`${name}.lock`), data: memory.array(`${name}.data`, size)}
}

const construct = (struct: string): Body => function* ({self, args}) {
  yield* storeWords((self as State).data, wordsOf(args[0]), writePlain)
  return structValue(struct, self)
}

const lend = (mutable: boolean): Body => function* ({self}) {
  return borrowed((self as State).data, mutable)
}

const lock: Body = function* ({self}) {
  yield* spinLock((self as State).lock)
  return structValue('Reader', self)
}

const unlock: Body = function* ({self}) {
  yield* spinUnlock((self as State).lock)
  return unitValue
}

/** What a writer does through its guard is part of write(). @param isGuarded readers take the lock too, and hold it for as long as they look. */
function mvcc(name: string, title: string, isGuarded: boolean): Wrapper {
  return wrapper({
    name, title, source: 'RUSTSEC-2020-0141 noise_search', layout,
    bounds: {size: 4, threads: 0, instances: 1, values: 2, payloads: ['u8']}, // one thread is enough
    expected: {source: 'wrappers.md, row 45', broken: brokenUnder(isGuarded ? [] : everyModel), options: admittedFrom(2, !isGuarded), deadlocks: isGuarded},
    rust: `
pub struct MvccRwLock<T>(Mutex<()>, UnsafeCell<T>);
${isGuarded ? "pub struct Reader<'a, T>(&'a MvccRwLock<T>, PhantomData<*const ()>);" : ''}
unsafe impl<T: Send + Sync> Sync for MvccRwLock<T> {}
impl<T> MvccRwLock<T> {
    pub fn new(value: T) -> Self;
    pub fn read(&self) -> ${isGuarded ? "Reader<'_, T>" : '&T'};
    pub fn write(&self, value: T);
}
${isGuarded ? "impl<T> Drop for Reader<'_, T> {}\nimpl<T> Deref for Reader<'_, T> { type Target = T; fn deref(&self) -> &T; }" : ''}`,
    bodies: {
      'MvccRwLock::new': construct('MvccRwLock'),
      'MvccRwLock::read': isGuarded ? lock : lend(false),
      * 'MvccRwLock::write'({self, args}) {
        const {lock, data} = self as State
        yield* spinLock(lock)
        yield* storeWords(data, wordsOf(args[0]), writePlain)
        yield* spinUnlock(lock)
        return unitValue
      },
      ...isGuarded ? {'Reader::deref': lend(false), 'Reader::drop': unlock} : {},
    },
  })
}

/** @param receiver what get_mut() asks of its caller. */
function slot(name: string, title: string, receiver: '&self' | '&mut self'): Wrapper {
  const isBroken = receiver === '&self'
  return wrapper({
    name, title, source: 'RUSTSEC-2020-0150 disrustor', layout,
    bounds: {size: 4, instances: 1, values: 2, payloads: ['u8']},
    expected: {source: 'wrappers.md, row 45', broken: brokenUnder(isBroken ? everyModel : []), options: admittedFrom(1, isBroken)},
    rust: `
pub struct Slot<T>(UnsafeCell<T>);
unsafe impl<T: Send + Sync> Sync for Slot<T> {}
impl<T> Slot<T> {
    pub fn new(value: T) -> Self;
    pub fn get_mut(${receiver}) -> &mut T;
}`,
    bodies: {'Slot::new': construct('Slot'), 'Slot::get_mut': lend(true)},
  })
}

export const aliasings: readonly Wrapper[] = [
  mvcc('mvcc-rw-lock', 'a reader is lent &T for as long as it likes, a writer holds the lock', false),
  mvcc('mvcc-rw-lock-guarded', 'readers hold the lock', true),
  slot('disrustor-slot', 'get_mut() of a shared slot: several &mut to one value', '&self'),
  slot('disrustor-slot-exclusive', 'get_mut() of a slot that nobody else has', '&mut self'),
]
