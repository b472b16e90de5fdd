/**
 * The kernel's objects that can be taken away, and that are set once: wrappers.md D17 and row 21. Readers hold a read-side section of
 * RCU while they look; whoever revokes waits for them before the object is dropped.
 */
import {
  alloc, cmpxchgRelaxed, loadAcquire, raw, rcuReadLock, rcuReadUnlock, readOnce, readPlain, storeRelease, synchronizeRcu, uninitialised, writeOnce, writePlain, xchgRelaxed,
  type Location, type Memory, type Proc, type Value,
} from '../../lib/index.ts'
import type {PayloadWords} from '../wrapper/payload.ts'
import {borrowed, none, some, structValue, unitValue, type RustValue} from '../wrapper/value.ts'
import {
  boxOf, boxWords, callClosure, dropBox, dropPayload, loadWords, storeWords, wordsOf, wrapper, type Call, type Wrapper, type WrapperBounds,
} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, everyModel, weakModels} from './expectation.ts'

// ---- Revocable -----------------------------------------------------------------------------------------

interface State {
  readonly isAvailable: Location
  /** The box with the object: that it is dropped in place shows as the end of a box. */
  readonly pointer: Location
}

function layout(memory: Memory, name: string): State {
  return {isAvailable: memory.word(`${name}.is_available`, 1), pointer: memory.word(`${name}.data`)}
}

interface Variant {
  readonly name: string
  readonly title: string
  readonly source: string
  /** Waits for readers before it drops. */
  readonly waits: boolean
  /** Whoever comes second, and finds it revoked, takes it for gone: it looks at what the drop leaves behind. */
  readonly trustsLoser?: boolean
  readonly broken: readonly string[]
  readonly bounds?: WrapperBounds
}

function revocable({name, title, source, waits, trustsLoser = false, broken, bounds}: Variant): Wrapper {
  return wrapper({
    name, title, source, layout,
    bounds: {size: 3, payloads: ['u8', 'Loud'], ...bounds},
    declares: {allows: ['RCU', 'relaxed atomic'], followsNoPointer: false},
    expected: {source: 'wrappers.md, D17', broken: brokenUnder(broken), options: admittedFrom(4, broken.includes('lkmm')), deadlocks: waits},
    rust: `
pub struct Revocable<T>(AtomicBool, UnsafeCell<MaybeUninit<T>>);
unsafe impl<T: Send> Send for Revocable<T> {}
unsafe impl<T: Send + Sync> Sync for Revocable<T> {}
impl<T> Revocable<T> {
    pub fn new(value: T) -> Self;
    pub fn try_access_with(&self, look: impl Fn(&T));
    pub fn revoke(&self) -> bool;
}
impl<T> Drop for Revocable<T> {}`,
    bodies: {
      * 'Revocable::new'({self, args, boxes}) {
        yield* writePlain((self as State).pointer, yield* alloc(boxes, boxOf(wordsOf(args[0]))))
        return structValue('Revocable', self)
      },
      * 'Revocable::try_access_with'(call) {
        const {isAvailable, pointer} = call.self as State
        yield* rcuReadLock()
        try {
          if ((yield* raw(yield* readOnce(isAvailable))) !== 0) {
            yield* callClosure(call.args[0], borrowed(boxWords(call, yield* readPlain(pointer))))
          }
        } finally {
          yield* rcuReadUnlock()
        }
        return unitValue
      },
      * 'Revocable::revoke'(call) {
        const {isAvailable, pointer} = call.self as State
        const was = yield* xchgRelaxed(isAvailable, 0)
        const isMine = (yield* raw(was)) !== 0
        if (isMine) {
          if (waits) yield* synchronizeRcu()
          yield* dropBox(call, yield* readPlain(pointer))
          yield* writePlain(pointer, 0)
        } else if (trustsLoser) {
          yield* readPlain(pointer) // such as to put something else there
        }
        return {kind: 'scalar', value: was}
      },
      * 'Revocable::drop'(call) {
        const {isAvailable, pointer} = call.self as State
        if ((yield* raw(yield* readPlain(isAvailable))) !== 0) yield* dropBox(call, yield* readPlain(pointer))
        return unitValue
      },
    },
  })
}

/** As the kernel has it: a guard holds the section open; one that is forgotten lets revoke() wait for ever. @param waits revoke() waits for readers. */
function guarded(name: string, title: string, waits: boolean): Wrapper {
  return wrapper({
    name, title, source: 'torvalds/linux rust/kernel/revocable.rs, RevocableGuard', layout,
    bounds: {size: 4, payloads: ['u8']},
    declares: {allows: ['RCU', 'relaxed atomic'], followsNoPointer: false},
    expected: {source: 'wrappers.md, D17', broken: brokenUnder(waits ? [] : everyModel), options: admittedFrom(4, !waits), deadlocks: waits},
    rust: `
pub struct Revocable<T>(AtomicBool, UnsafeCell<MaybeUninit<T>>);
pub struct RevocableGuard<'a, T>(*const T, PhantomData<&'a ()>);
unsafe impl<T: Send + Sync> Sync for Revocable<T> {}
impl<T> Revocable<T> {
    pub fn new(value: T) -> Self;
    pub fn try_access(&self) -> Option<RevocableGuard<'_, T>>;
    pub fn revoke(&self);
}
impl<T> Drop for Revocable<T> {}
impl<T> Drop for RevocableGuard<'_, T> {}
impl<T> Deref for RevocableGuard<'_, T> { type Target = T; fn deref(&self) -> &T; }`,
    bodies: {
      * 'Revocable::new'({self, args, boxes}) {
        yield* writePlain((self as State).pointer, yield* alloc(boxes, boxOf(wordsOf(args[0]))))
        return structValue('Revocable', self)
      },
      * 'Revocable::try_access'({self}) {
        yield* rcuReadLock()
        if ((yield* raw(yield* readOnce((self as State).isAvailable))) !== 0) return some(structValue('RevocableGuard', self))
        yield* rcuReadUnlock()
        return none
      },
      * 'Revocable::revoke'(call) {
        const {isAvailable, pointer} = call.self as State
        if ((yield* raw(yield* xchgRelaxed(isAvailable, 0))) === 0) return unitValue
        if (waits) yield* synchronizeRcu()
        yield* dropBox(call, yield* readPlain(pointer))
        return unitValue
      },
      * 'Revocable::drop'(call) {
        const {isAvailable, pointer} = call.self as State
        if ((yield* raw(yield* readPlain(isAvailable))) !== 0) yield* dropBox(call, yield* readPlain(pointer))
        return unitValue
      },
      * 'RevocableGuard::deref'(call) {
        return borrowed(boxWords(call, yield* readPlain((call.self as State).pointer)))
      },
      * 'RevocableGuard::drop'() {
        yield* rcuReadUnlock()
        return unitValue
      },
    },
  })
}

// ---- SetOnce -------------------------------------------------------------------------------------------

interface Once {
  readonly state: Location
  readonly data: readonly Location[]
}

interface OnceVariant {
  readonly name: string
  readonly title: string
  readonly publish: (state: Location) => Proc
  readonly look: (state: Location) => Proc<Value>
  readonly broken: readonly string[]
}

function setOnce({name, title, publish, look, broken}: OnceVariant): Wrapper {
  return wrapper({
    name, title, source: 'torvalds/linux rust/kernel/sync/set_once.rs (wrappers.md, B)',
    layout: (memory: Memory, name: string, {size}: PayloadWords): Once => ({state: memory.word(`${name}.init`), data: memory.array(`${name}.value`, size, uninitialised)}),
    bounds: {size: 3, payloads: ['Pair', 'Loud']},
    declares: {allows: ['relaxed atomic'], followsNoPointer: false},
    expected: {source: 'wrappers.md, B: set_once.rs', broken: brokenUnder(broken), options: admittedFrom(4, broken.includes('lkmm'))},
    rust: `
pub struct SetOnce<T>(AtomicU32, UnsafeCell<MaybeUninit<T>>);
unsafe impl<T: Send> Send for SetOnce<T> {}
unsafe impl<T: Send + Sync> Sync for SetOnce<T> {}
impl<T> SetOnce<T> {
    pub const fn new() -> SetOnce<T>;
    pub fn as_ref(&self) -> Option<&T>;
    pub fn populate(&self, value: T) -> bool;
}
impl<T> Drop for SetOnce<T> {}`,
    bodies: {
      * 'SetOnce::new'({self}) {
        return structValue('SetOnce', self)
      },
      * 'SetOnce::as_ref'({self}) {
        const {state, data} = self as Once
        return (yield* raw((yield* look(state)).eq(2))) === 0 ? none : some(borrowed(data))
      },
      * 'SetOnce::populate'(call): Proc<RustValue> {
        const {state, data} = call.self as Once
        const words = wordsOf(call.args[0])
        const isMine = (yield* cmpxchgRelaxed(state, 0, 1)).eq(0)
        if ((yield* raw(isMine)) !== 0) {
          yield* storeWords(data, words, writePlain)
          yield* publish(state)
        } else {
          yield* dropPayload(call, words)
        }
        return {kind: 'scalar', value: isMine}
      },
      * 'SetOnce::drop'(call: Call): Proc<RustValue> {
        const {state, data} = call.self as Once
        if ((yield* raw((yield* readPlain(state)).eq(2))) !== 0) yield* dropPayload(call, yield* loadWords(data, readPlain))
        return unitValue
      },
    },
  })
}

const done = (state: Location): Proc => storeRelease(state, 2)

export const revocables: readonly Wrapper[] = [
  ...([
    {name: 'd17-revocable', title: 'revoke waits for readers', source: 'torvalds/linux rust/kernel/revocable.rs', waits: true, broken: []},
    {name: 'd17-revocable-nosync', title: 'revoke_nosync offered as safe', source: 'wrappers.md, D17 (`revocable_nosync`)', waits: false, broken: everyModel},
    {
      name: 'd17-revocable-loser', title: 'whoever revokes second takes it for gone', source: 'wrappers.md, D17 (`revocable_dbl`)', waits: true, trustsLoser: true,
      broken: weakModels,
    },
  ] satisfies readonly Variant[]).map(revocable),
  guarded('d17-revocable-guard', 'try_access() returns a guard', true),
  guarded('d17-revocable-guard-nosync', 'the same; revoke() does not wait', false),
  setOnce({name: 'set-once', title: 'published with release, looked at with acquire', publish: done, look: loadAcquire, broken: []}),
  setOnce({name: 'set-once-relaxed-publish', title: 'published relaxed', publish: state => writeOnce(state, 2), look: loadAcquire, broken: weakModels}),
  setOnce({name: 'set-once-relaxed-look', title: 'looked at relaxed', publish: done, look: readOnce, broken: weakModels}),
]
