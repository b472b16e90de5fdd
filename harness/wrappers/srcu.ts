/**
 * Guards of an SRCU domain, and a writer that waits for its readers before it drops what it has replaced: for those of the domain, for
 * those of another one, or for those of RCU, who are somebody else. wrappers.md D14 and row 22. SRCU is in the kernel's models alone.
 *
 * Source: torvalds/linux rust/kernel/sync/srcu.rs; include/linux/srcu.h. (What becomes of guards that are forgotten is srcu-guard.)
 */
import {
  alloc, inC, loadAcquire, readPlain, srcuReadLock, srcuReadUnlock, synchronizeRcu, synchronizeSrcu, writePlain, xchg, type Location, type Memory,
  type Proc, type Value,
} from '../../lib/index.ts'
import {borrowed, structValue, unitValue} from '../wrapper/value.ts'
import {boxOf, boxWords, dropBox, wordsOf, wrapper, type Wrapper} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder} from './expectation.ts'

interface State {
  readonly pointer: Location
  readonly domain: Location
  readonly other: Location
}

function layout(memory: Memory, name: string): State {
  return memory.struct(name, {pointer: 0, domain: 0, other: 0})
}

/** A guard: its domain, the cookie that ends its section, and the pointer that was found in it. */
interface Guard {
  readonly state: State
  readonly cookie: Value
  readonly pointer: Value
}

/** @param wait for the readers that somebody takes for those that there are. */
function srcu(name: string, title: string, wait: (state: State) => Proc, isBroken: boolean): Wrapper {
  return wrapper({
    name, title, source: 'torvalds/linux rust/kernel/sync/srcu.rs', layout,
    bounds: {size: 4, instances: 1, values: 2, statements: 2, payloads: ['u8']},
    declares: {allows: ['RCU'], followsNoPointer: false},
    expected: {source: 'wrappers.md, D14 (`rcu_srcu_wrongdomain`)', broken: brokenUnder(isBroken ? ['lkmm'] : [], ['lkmm']), options: admittedFrom(4, isBroken), deadlocks: !isBroken},
    rust: `
pub struct Srcu<T>(AtomicPtr<T>, PhantomData<Box<T>>);
pub struct Guard<'a, T>(&'a Srcu<T>, PhantomData<*const ()>);
unsafe impl<T: Send + Sync> Sync for Srcu<T> {}
impl<T> Srcu<T> {
    pub fn new(value: T) -> Self;
    pub fn lock(&self) -> Guard<'_, T>;
    pub fn replace(&self, value: T);
}
impl<T> Drop for Srcu<T> {}
impl<T> Drop for Guard<'_, T> {}
impl<T> Deref for Guard<'_, T> { type Target = T; fn deref(&self) -> &T; }`,
    bodies: {
      * 'Srcu::new'({self, args, boxes}) {
        yield* writePlain((self as State).pointer, yield* alloc(boxes, boxOf(wordsOf(args[0]))))
        return structValue('Srcu', self)
      },
      * 'Srcu::lock'({self}) {
        const state = self as State
        const cookie = yield* inC(srcuReadLock(state.domain))
        return structValue('Guard', {state, cookie, pointer: yield* loadAcquire(state.pointer)} satisfies Guard)
      },
      * 'Srcu::replace'(call) {
        const state = call.self as State
        const old = yield* xchg(state.pointer, yield* alloc(call.boxes, boxOf(wordsOf(call.args[0]))))
        yield* inC(wait(state))
        yield* dropBox(call, old)
        return unitValue
      },
      * 'Srcu::drop'(call) {
        yield* dropBox(call, yield* readPlain((call.self as State).pointer))
        return unitValue
      },
      * 'Guard::deref'(call) {
        return borrowed(boxWords(call, (call.self as Guard).pointer))
      },
      * 'Guard::drop'({self}) {
        const {state, cookie} = self as Guard
        yield* inC(srcuReadUnlock(state.domain, cookie))
        return unitValue
      },
    },
  })
}

export const srcus: readonly Wrapper[] = [
  srcu('d14-srcu', 'replace() waits for the readers of the domain', ({domain}) => synchronizeSrcu(domain), false),
  srcu('d14-srcu-other-domain', 'replace() waits for the readers of another domain', ({other}) => synchronizeSrcu(other), true),
  srcu('d14-srcu-rcu', 'replace() waits for the readers of RCU', synchronizeRcu, true),
]
