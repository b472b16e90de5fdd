/**
 * One wrapper per family of missing Send and Sync bounds, each with the bounds that repair it: wrappers.md D24 and the list of
 * RUSTSEC advisories there. The bodies are right; only the signatures differ.
 */
import {alloc, raw, readPlain, spinLock, spinUnlock, writePlain, type Location, type Memory, type Value} from '../../lib/index.ts'
import type {PayloadWords} from '../wrapper/payload.ts'
import type {Option} from '../wrapper/policy.ts'
import {borrowed, none, payloadValue, some, structValue, unitValue} from '../wrapper/value.ts'
import {arcOf, arcWords, callClosure, dropArc, dropPayload, loadWords, storeWords, wordsOf, wrapper, type Body, type Wrapper, type WrapperBounds, type WrapperDefinition} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, everyModel} from './expectation.ts'

interface State {
  readonly lock: Location
  readonly isFull: Location
  readonly data: readonly Location[]
}

function layout(memory: Memory, name: string, {size}: PayloadWords): State {
  return {lock: memory.word(`${name}.lock`), isFull: memory.word(`${name}.full`), data: memory.array(`${name}.data`, size)}
}

type Parts = Pick<WrapperDefinition, 'layout' | 'bodies' | 'glue'> & {readonly rust: (bounds: string) => string}

interface Family {
  readonly name: string
  readonly title: string
  readonly source: string
  readonly parts: Parts
  /** What the advisory's crate asked of T, and what it must ask. */
  readonly missing: string
  readonly needed: string
  readonly clients?: WrapperBounds
  /** The first option that admits what its bodies do. */
  readonly weakest: Option
  /** It takes a lock while it runs the client's code, or for as long as a guard lives. */
  readonly deadlocks?: boolean
}

const construct = (struct: string): Body => function* ({self, args}) {
  const {data, isFull} = self as State
  yield* storeWords(data, wordsOf(args[0]), writePlain)
  yield* writePlain(isFull, 1)
  return structValue(struct, self)
}

/** Drops the T that is in there, if one is. */
const glue: NonNullable<WrapperDefinition['glue']>[string] = function* (state, around) {
  const {data, isFull} = state as State
  if ((yield* raw((yield* readPlain(isFull)).eq(1))) !== 0) yield* dropPayload(around, yield* loadWords(data, readPlain))
}

/** Anybody may look at the T. */
const shared: Parts = {
  layout,
  rust: bounds => `
pub struct Shared<T>(UnsafeCell<T>);
unsafe impl<${bounds}> Sync for Shared<T> {}
impl<T> Shared<T> {
    pub fn new(value: T) -> Self;
    pub fn get(&self) -> &T;
}`,
  bodies: {
    'Shared::new': construct('Shared'),
    * 'Shared::get'({self}) {
      return borrowed((self as State).data)
    },
  },
  glue: {Shared: glue},
}

/** A T goes in on one thread and comes out on another. */
const mailbox: Parts = {
  layout,
  rust: bounds => `
pub struct Mailbox<T>(Mutex<()>, UnsafeCell<Option<T>>);
unsafe impl<${bounds}> Sync for Mailbox<T> {}
impl<T> Mailbox<T> {
    pub fn new(value: T) -> Self;
    pub fn take(&self) -> Option<T>;
}`,
  bodies: {
    'Mailbox::new': construct('Mailbox'),
    * 'Mailbox::take'({self}) {
      const {lock, isFull, data} = self as State
      yield* spinLock(lock)
      const words = yield* loadWords(data, readPlain)
      const isThere = yield* readPlain(isFull)
      yield* writePlain(isFull, 0)
      yield* spinUnlock(lock)
      return (yield* raw(isThere.eq(1))) !== 0 ? some(payloadValue(words)) : none
    },
  },
  glue: {Mailbox: glue},
}

/** An owner of a T goes to another thread. */
const owned: Parts = {
  layout,
  rust: bounds => `
pub struct Owned<T>(*mut T, PhantomData<T>);
unsafe impl<${bounds}> Send for Owned<T> {}
impl<T> Owned<T> {
    pub fn new(value: T) -> Self;
    pub fn get(&self) -> &T;
}`,
  bodies: {
    'Owned::new': construct('Owned'),
    * 'Owned::get'({self}) {
      return borrowed((self as State).data)
    },
  },
  glue: {Owned: glue},
}

/** Closures look at the T, one at a time, and on any thread. */
const visited: Parts = {
  layout,
  rust: bounds => `
pub struct Visited<T>(Mutex<()>, UnsafeCell<T>);
unsafe impl<${bounds}> Sync for Visited<T> {}
impl<T> Visited<T> {
    pub fn new(value: T) -> Self;
    pub fn with(&self, look: impl Fn(&T));
}`,
  bodies: {
    'Visited::new': construct('Visited'),
    * 'Visited::with'({self, args}) {
      const {lock, data} = self as State
      yield* spinLock(lock)
      try {
        yield* callClosure(args[0], borrowed(data))
      } finally {
        yield* spinUnlock(lock)
      }
      return unitValue
    },
  },
  glue: {Visited: glue},
}

/** A guard of a lock is shared with another thread, and with it the T. */
const guarded: Parts = {
  layout,
  rust: bounds => `
pub struct Lock<T>(Mutex<()>, UnsafeCell<T>);
pub struct Guard<'a, T>(&'a Lock<T>);
unsafe impl<T: Send> Sync for Lock<T> {}
unsafe impl<${bounds}> Sync for Guard<'_, T> {}
impl<T> !Send for Guard<'_, T> {}
impl<T> Lock<T> {
    pub fn new(value: T) -> Self;
    pub fn lock(&self) -> Guard<'_, T>;
}
impl<T> Drop for Guard<'_, T> {}
impl<T> Deref for Guard<'_, T> { type Target = T; fn deref(&self) -> &T; }`,
  bodies: {
    'Lock::new': construct('Lock'),
    * 'Lock::lock'({self}) {
      yield* spinLock((self as State).lock)
      return structValue('Guard', self)
    },
    * 'Guard::deref'({self}) {
      return borrowed((self as State).data)
    },
    * 'Guard::drop'({self}) {
      yield* spinUnlock((self as State).lock)
      return unitValue
    },
  },
  glue: {Lock: glue},
}

/** Handles come in pairs and are sent, and each lets its owner look at the one T. */
const counted: Parts = {
  layout: () => null,
  rust: bounds => `
pub struct Handle<T>(*const T, PhantomData<T>);
unsafe impl<${bounds}> Send for Handle<T> {}
impl<T> Handle<T> {
    pub fn pair(value: T) -> (Handle<T>, Handle<T>);
}
impl<T> Drop for Handle<T> {}
impl<T> Deref for Handle<T> { type Target = T; fn deref(&self) -> &T; }`,
  bodies: {
    * 'Handle::pair'({args, arcs}) {
      const pointer = yield* alloc(arcs, {...arcOf(wordsOf(args[0])), count: 2})
      return {kind: 'tuple', items: [structValue('Handle', pointer), structValue('Handle', pointer)]}
    },
    * 'Handle::deref'(call) {
      return borrowed(arcWords(call, call.self as Value))
    },
    * 'Handle::drop'(call) {
      yield* dropArc(call, call.self as Value)
      return unitValue
    },
  },
}

const families: readonly Family[] = [
  {name: 'shared', title: '&T is handed out to every thread', source: 'RUSTSEC-2020-0044 atom, 2020-0101 conquer-once, 2024-0005 threadalone', parts: shared, weakest: 1, missing: 'T', needed: 'T: Send + Sync'},
  {name: 'mailbox', title: 'T crosses threads through a shared slot', source: 'RUSTSEC-2020-0113 atomic-option, 2020-0117 conqueue, 2020-0088 magnetic', parts: mailbox, weakest: 2, missing: 'T', needed: 'T: Send'},
  {name: 'owned', title: 'an owner of T is sent', source: 'RUSTSEC-2020-0134 parc, 2020-0122 beef, 2020-0121 abox', parts: owned, weakest: 1, missing: 'T', needed: 'T: Send'},
  {name: 'visited', title: 'closures are lent &T under a lock', source: 'RUSTSEC-2020-0119 ticketed_lock, 2020-0135 slock, 2020-0087 try-mutex', parts: visited, weakest: 2, missing: 'T', needed: 'T: Send', deadlocks: true},
  {name: 'guard', title: 'a guard is Sync whatever T is', source: 'RUSTSEC-2020-0070 lock_api, 2020-0059 futures-util', parts: guarded, weakest: 2, missing: 'T: Send', needed: 'T: Sync', clients: {size: 4}, deadlocks: true},
  {name: 'handle', title: 'handles to one T are sent, T need not be Sync', source: 'RUSTSEC-2020-0131 rcu_cell, 2020-0128 cache', parts: counted, weakest: 2, missing: 'T: Send', needed: 'T: Send + Sync', clients: {size: 3, payloads: ['Cell<u8>']}},
]

function pair({name, title, source, parts: {rust, ...rest}, missing, needed, clients, weakest, deadlocks = false}: Family): readonly Wrapper[] {
  const entry = (suffix: string, bounds: string, isBroken: boolean): Wrapper => wrapper({
    ...rest, rust: rust(bounds), name: `d24-${name}${suffix}`, title: `${title}; ${bounds === 'T' ? 'no bound' : bounds}`, source,
    bounds: {payloads: ['u8', 'Cell<u8>', 'Rc<u8>'], ...clients},
    expected: {source: 'wrappers.md, D24', broken: brokenUnder(isBroken ? everyModel : []), options: admittedFrom(weakest, isBroken), deadlocks},
  })
  return [entry('', missing, true), entry('-bounded', needed, false)]
}

export const missingBounds: readonly Wrapper[] = families.flatMap(pair)
