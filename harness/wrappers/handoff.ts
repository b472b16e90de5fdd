/**
 * Leaving a read-side section of RCU with what was found in it: wrappers.md D14, sub-case handoff. A reader takes the lock of the element
 * and then leaves the section. Between finding and locking it the element may have been taken out, and it is freed a grace period later.
 *
 * Source: kernel Documentation/RCU/listRCU.rst ("Eliminating stale data"); rcu_pointer_handoff(); McKenney, perfbook, existence guarantees.
 */
import {
  alloc, free, loadAcquire, raw, rcuReadLock, rcuReadUnlock, readPlain, spinLock, spinUnlock, synchronizeRcu, writePlain, xchg, type Heap, type Location,
  type Memory, type Proc, type Value,
} from '../../lib/index.ts'
import type {PayloadWords} from '../wrapper/payload.ts'
import {borrowed, none, some, structValue, unitValue} from '../wrapper/value.ts'
import {wordsOf, wrapper, type Wrapper} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, everyModel} from './expectation.ts'

interface State {
  readonly pointer: Location
  readonly elements: Heap
}

interface Element {
  readonly lock: Value
  readonly isDeleted: Value
  readonly words: readonly Value[]
}

function layout(memory: Memory, name: string, {size}: PayloadWords): State {
  return {pointer: memory.word(`${name}.pointer`), elements: memory.heap(`${name}.element`, {lock: 1, isDeleted: 1, payload: size}, 1)}
}

/** A guard of the element's lock. */
interface Guard {
  readonly state: State
  readonly pointer: Value
}

function elementAt({elements}: State, pointer: Value): Element {
  const {payload, ...rest} = elements.at(pointer) as unknown as Omit<Element, 'words'> & {readonly payload: Value | readonly Value[]}
  return {...rest, words: [payload].flat()}
}

/** @param rechecks does who has the lock look whether the element is still there? */
function handoff(name: string, title: string, rechecks: boolean): Wrapper {
  return wrapper({
    name, title, source: 'Documentation/RCU/listRCU.rst', layout,
    bounds: {size: 3, instances: 1, payloads: ['u8']},
    declares: {allows: ['RCU', 'relaxed atomic'], followsNoPointer: false},
    // who locks, and then deletes what it has locked, waits for itself
    expected: {source: `wrappers.md, D14 (\`handoff_${rechecks ? 'recheck' : 'norecheck'}\`)`, broken: brokenUnder(rechecks ? [] : everyModel), options: admittedFrom(4, !rechecks), deadlocks: true},
    rust: `
pub struct Table<T>(AtomicPtr<T>, PhantomData<Box<T>>);
pub struct Guard<'a, T>(&'a Table<T>, *const T, PhantomData<*const ()>);
unsafe impl<T: Send> Sync for Table<T> {}
impl<T> Table<T> {
    pub fn new(value: T) -> Self;
    pub fn lock(&self) -> Option<Guard<'_, T>>;
    pub fn delete(&self);
}
impl<T> Drop for Table<T> {}
impl<T> Drop for Guard<'_, T> {}
impl<T> Deref for Guard<'_, T> { type Target = T; fn deref(&self) -> &T; }`,
    bodies: {
      * 'Table::new'({self, args}) {
        const {pointer, elements} = self as State
        const words = wordsOf(args[0])
        yield* writePlain(pointer, yield* alloc(elements, {lock: 0, isDeleted: 0, payload: words.length === 1 ? words[0] : words} as never))
        return structValue('Table', self)
      },
      * 'Table::lock'({self}) {
        const state = self as State
        yield* rcuReadLock()
        const pointer = yield* loadAcquire(state.pointer)
        const isThere = (yield* raw(pointer.ne(0))) !== 0
        const isLocked = isThere && (yield* tryLock(elementAt(state, pointer)))
        yield* rcuReadUnlock()
        return isLocked ? some(structValue('Guard', {state, pointer} satisfies Guard)) : none
      },
      * 'Table::delete'({self}) {
        const state = self as State
        const pointer = yield* xchg(state.pointer, 0)
        if ((yield* raw(pointer.ne(0))) === 0) return unitValue
        const {lock, isDeleted} = elementAt(state, pointer)
        yield* spinLock(lock)
        yield* writePlain(isDeleted, 1)
        yield* spinUnlock(lock)
        yield* synchronizeRcu()
        yield* free(pointer, {name: 'kfree'})
        return unitValue
      },
      * 'Table::drop'({self}) {
        yield* free(yield* readPlain((self as State).pointer), {name: 'kfree'})
        return unitValue
      },
      * 'Guard::deref'({self}) {
        const {state, pointer} = self as Guard
        return borrowed(elementAt(state, pointer).words)
      },
      * 'Guard::drop'({self}) {
        const {state, pointer} = self as Guard
        yield* spinUnlock(elementAt(state, pointer).lock)
        return unitValue
      },
    },
  })

  /** Whether it got the lock of an element that is still in the table. */
  function* tryLock({lock, isDeleted}: Element): Proc<boolean> {
    yield* spinLock(lock)
    if (!rechecks || (yield* raw(yield* readPlain(isDeleted))) === 0) return true
    yield* spinUnlock(lock)
    return false
  }
}

export const handoffs: readonly Wrapper[] = [
  handoff('d14-handoff', 'the element’s lock is taken before the section ends', false),
  handoff('d14-handoff-rechecked', 'the same; whoever has the lock looks whether the element is still there', true),
]
