/** What somebody’s own small wrappers come to, in this process: aliasing, panics, results, and what cannot be tried or does not fit. */
import test from 'ava'
import {
  borrowed, callClosure, clonePayload, dropPayload, err, loadWords, MisfitBody, none, ok, panic, payloadValue, some, storeWords, structValue, unitValue, wordsOf, wrapper,
  type Body, type Call, type RustValue, type Wrapper,
} from '../harness/index.ts'
import {rowOf, isUnknown, type WrapperRow} from '../harness/wrapper/evaluate.ts'
import {deepDepth, smallDepth} from '../harness/wrapper/depth.ts'
import {clientReport} from '../harness/wrapper/report.ts'
import {clientRun} from '../harness/wrapper/showcase.ts'
import {wrapperLines, wrapperTable} from '../harness/wrapper/table.ts'
import {lkmm, loadAcquire, raw, readOnce, readPlain, sc, spinLock, spinUnlock, storeRelease, uninitialised, writeOnce, writePlain, xchg, type Location, type Proc} from '../lib/index.ts'

interface State {
  readonly data: readonly Location[]
  readonly flag: Location
}

const stateIn = (self: unknown): State => self as State
const isSet = (at: Location): Proc<boolean> => function* () { return (yield* raw(yield* readPlain(at))) !== 0 }()

/** A struct `Slot<T>` that somebody else may look into, with these methods. */
function slot(methods: string, bodies: Readonly<Record<string, Body>>, {items = '', bounds = 'T', payloads = ['u8']}: {items?: string; bounds?: string; payloads?: readonly string[]} = {}): Wrapper {
  return wrapper({
    name: 'slot',
    rust: `
pub struct Slot<T> { value: UnsafeCell<T> }
${items}
impl<${bounds}> Slot<T> { pub fn new(value: T) -> Self; ${methods} }`,
    bounds: {payloads, size: 4},
    layout: ({word, array}, name, {size}): State => ({data: array(`${name}.data`, size), flag: word(`${name}.flag`)}),
    bodies: {
      * 'Slot::new'({self, args}) {
        yield* storeWords(stateIn(self).data, wordsOf(args[0]), writePlain)
        return structValue('Slot', self)
      },
      ...bodies,
    },
  })
}

const found = (wrapper: Wrapper): WrapperRow => rowOf(wrapper, sc, smallDepth)
const reportOf = (wrapper: Wrapper, row: WrapperRow): string => clientReport(clientRun(wrapper, row, row.broken!, 'tearproof', []))

const getMut: Body = function* ({self}) {
  return borrowed(stateIn(self).data, true)
}

test('two &mut to one value, although nobody has written yet', t => {
  const twice = slot('pub fn get_mut(&self) -> &mut T;', {'Slot::get_mut': getMut})
  const row = found(twice)
  t.is(row.verdict, 'unsound')
  t.snapshot(reportOf(twice, row))
  t.is(found(slot('pub fn get_mut(&mut self) -> &mut T;', {'Slot::get_mut': getMut})).verdict, 'no violation found')
})

function lending(isGuarded: boolean): Wrapper {
  return slot('pub fn with_mut(&self, look: impl FnOnce(&mut T));', {
    * 'Slot::with_mut'({self, args}) {
      const {data, flag} = stateIn(self)
      if (isGuarded && (yield* isSet(flag))) panic('lent already')
      yield* writePlain(flag, 1)
      yield* callClosure(args[0], borrowed(data, true))
      yield* writePlain(flag, 0)
      return unitValue
    },
  })
}

test('a closure that comes back for more while it has a &mut; a body that panics then', t => {
  t.is(found(lending(false)).verdict, 'unsound')
  t.is(found(lending(true)).verdict, 'no violation found')
})

test('a reference that was lent on may be used again', t => {
  const guarded = slot("pub fn lock(&mut self) -> Guard<'_, T>;", {
    * 'Slot::lock'({self}) {
      return structValue('Guard', self)
    },
    'Guard::deref': function* ({self}) {
      return borrowed(stateIn(self).data)
    },
    'Guard::deref_mut': getMut,
  }, {items: "pub struct Guard<'a, T>(&'a mut Slot<T>); impl<T> Deref for Guard<'_, T> { type Target = T; } impl<T> DerefMut for Guard<'_, T> {}"})
  t.is(found({...guarded, bounds: {...guarded.bounds, size: 5, clients: 600}}).verdict, 'no violation found')
})

/** @param isEmptied is the slot marked as empty while the closure has what was in it? */
function replacing(isEmptied: boolean): Wrapper {
  return slot('pub fn replace_with(&mut self, change: impl FnOnce(T) -> T);', {
    * 'Slot::replace_with'({self, args}) {
      const {data, flag} = stateIn(self)
      const old = payloadValue(yield* loadWords(data, readPlain))
      if (isEmptied) yield* writePlain(flag, 1)
      yield* storeWords(data, wordsOf(yield* callClosure(args[0], old)), writePlain)
      yield* writePlain(flag, 0)
      return unitValue
    },
    * 'Slot::drop'(call) {
      const {data, flag} = stateIn(call.self)
      if (!(yield* isSet(flag))) yield* dropPayload(call, yield* loadWords(data, readPlain))
      return unitValue
    },
  }, {items: 'impl<T> Drop for Slot<T> {}', payloads: ['Loud']})
}

test('a closure that panics with what it was given is told in Rust’s words: no threads, no orderings', t => {
  const doubled = replacing(false)
  const row = found(doubled)
  t.is(row.verdict, 'unsound')
  t.snapshot(reportOf(doubled, row))
  t.is(found(replacing(true)).verdict, 'no violation found')
})

test('a Result is matched in both of its arms', t => {
  const tried = slot('pub fn try_lock(&self) -> Result<Guard<T>, Busy>;', {
    * 'Slot::try_lock'({self}) {
      const {flag} = stateIn(self)
      return (yield* raw(yield* xchg(flag, 1))) === 0 ? ok(structValue('Guard', self)) : err(structValue('Busy', null))
    },
    * 'Busy::why'() {
      return {kind: 'scalar', value: 0}
    },
  }, {items: 'pub struct Guard<T>(*const Slot<T>); pub struct Busy; impl Busy { pub fn why(&self) -> u8; }'})
  const row = found(tried)
  t.is(row.verdict, 'no violation found')
  t.deepEqual(row.uncalled, [])
})

test('what is Copy may be used after it was given away', t => {
  const looked = slot('pub fn look(&self) -> Option<&T>; pub fn same(&self, other: Option<&T>);', {
    * 'Slot::look'({self}) {
      return some(borrowed(stateIn(self).data))
    },
    * 'Slot::same'() {
      return unitValue
    },
  })
  t.is(found(looked).verdict, 'no violation found')
})

test('what no client can call is not called fine', t => {
  const nothing: Body = function* () {
    return unitValue
  }
  const row = found(slot('pub fn extend(&self, by: Vec<T>); pub fn sum(&self) where T: Marked;', {'Slot::extend': nothing, 'Slot::sum': nothing}, {items: 'trait Marked {}'}))
  t.true(isUnknown(row))
  t.deepEqual(row.uncalled, [{method: 'Slot::extend', why: 'nothing makes a Vec<T>'}, {method: 'Slot::sum', why: 'no T that is tried satisfies its bounds'}])
  t.regex(wrapperLines([row]), /slot under sc is unknown: no client can call Slot::extend, because nothing makes a Vec<T>/)
})

test('what only larger clients call is named', t => {
  const small = slot('pub fn get(&self) -> T;', {
    * 'Slot::get'({self}) {
      return payloadValue(yield* loadWords(stateIn(self).data, readPlain))
    },
  }, {bounds: 'T: Copy'})
  const row = rowOf(small, sc, {...smallDepth, size: 1, sizeIs: 'asked'})
  t.deepEqual(row.uncalled, [{method: 'Slot::get', why: null}])
  t.regex(wrapperLines([row]), /slot: no client that was run calls Slot::get/)
})

for (const [type, why] of [['Arc<Slot<T>>', 'what is in an Arc must be a T'], ['Option<Rc<T>>', 'of Box, Arc and Rc'], ['&mut T', 'a T of the client’s own is no memory']] as const) {
  test(`a method that takes a ${type} is refused, since no client can be run with it`, t => {
    const message = new RegExp(`^wrapper slot: Slot::put takes a .*, which no client can be run with yet: ${why}`)
    t.throws(() => slot(`pub fn put(&self, value: ${type});`, {'Slot::put': getMut}), {instanceOf: MisfitBody, message})
  })
}

/** @param isCloned does it hand out a clone, or the bits? */
function copying(isCloned: boolean, bounds = 'T: Clone'): Wrapper {
  return slot('pub fn get(&self) -> T;', {
    * 'Slot::get'(call) {
      const {data, flag} = stateIn(call.self)
      yield* spinLock(flag)
      const words = yield* loadWords(data, readPlain)
      const own = isCloned ? yield* clonePayload(call, words) : words
      yield* spinUnlock(flag)
      return payloadValue(own)
    },
    * 'Slot::drop'(call) {
      yield* dropPayload(call, yield* loadWords(stateIn(call.self).data, readPlain))
      return unitValue
    },
  }, {items: 'unsafe impl<T: Send> Sync for Slot<T> {} impl<T> Drop for Slot<T> {}', bounds, payloads: ['Loud', 'Rc<u8>', 'Homed']})
}

test('a T that is Clone is cloned, not copied', t => {
  const small = (wrapper: Wrapper): WrapperRow => found({...wrapper, bounds: {...wrapper.bounds, size: 3}})
  t.is(small(copying(true)).verdict, 'no violation found')
  t.is(small(copying(false)).verdict, 'unsound')
  t.throws(() => small(copying(true, 'T')), {instanceOf: MisfitBody, message: /Slot::get threw at .*: a body wants a T that is Clone, and Homed is not/})
})

/** A cell that is filled later; what is in it before is no T. */
function lazy(isChecked: boolean): Wrapper {
  return wrapper({
    name: 'lazy', bounds: {payloads: ['u8'], size: 3},
    rust: `
pub struct Lazy<T>(AtomicBool, UnsafeCell<MaybeUninit<T>>);
unsafe impl<T: Send + Sync> Sync for Lazy<T> {}
impl<T: AnyBitPattern> Lazy<T> { pub fn new() -> Self; pub fn get(&self) -> Option<T>; pub fn set(&self, value: T); }`,
    layout: ({word, array}, name, {size}): State => ({data: array(`${name}.data`, size, uninitialised), flag: word(`${name}.flag`)}),
    bodies: {
      * 'Lazy::new'({self}) {
        return structValue('Lazy', self)
      },
      * 'Lazy::get'({self}) {
        const {data, flag} = stateIn(self)
        const isFull = (yield* raw(yield* isChecked ? loadAcquire(flag) : readOnce(flag))) !== 0
        return isFull ? some(payloadValue(yield* loadWords(data, readOnce))) : none
      },
      * 'Lazy::set'({self, args}) {
        const {data, flag} = stateIn(self)
        yield* storeWords(data, wordsOf(args[0]), writeOnce)
        yield* storeRelease(flag, 1)
        return unitValue
      },
    },
  })
}

test('what nobody has written yet is no T, whichever bits it has', t => {
  const row = rowOf(lazy(false), lkmm, smallDepth)
  t.is(row.verdict, 'unsound')
  t.regex(reportOf(lazy(false), row), /: an uninitialised value in thread 1 .*[^]* finds it as it was before anybody wrote to it\.[^]*\n {2}Nothing orders 3 before 4,/)
  t.is(rowOf(lazy(true), lkmm, smallDepth).verdict, 'no violation found')
})

test('an enum that clients would match is refused, since none does', t => {
  const tried = (): Wrapper => slot("pub fn try_lock(&self) -> Option<Try<'_, T>>;", {'Slot::try_lock': getMut}, {items: "pub enum Try<'a, T> { Locked(&'a mut T), Busy }"})
  t.throws(tried, {instanceOf: MisfitBody, message: /^wrapper slot: Slot::try_lock takes or returns Try, and no client builds or matches an enum whose variants have fields/})
})

test('what takes more statements than threads leave room for is found by clients without threads', t => {
  const keyed = slot("pub fn get<'a>(&'a self, key: &Key) -> &'a T; pub fn set(&self, key: Key, value: T);", {
    * 'Key::new'() {
      return structValue('Key', null)
    },
    * 'Slot::get'({self}) {
      return borrowed(stateIn(self).data)
    },
    * 'Slot::set'({self, args}) {
      yield* storeWords(stateIn(self).data, wordsOf(args[1]), writePlain)
      return unitValue
    },
  }, {items: 'pub struct Key(()); impl Key { pub fn new() -> Self; }'})
  t.is(found(keyed).verdict, 'no violation found')
  const row = rowOf(keyed, sc, {...deepDepth, clients: 1})
  t.is(row.verdict, 'unsound')
  t.regex(wrapperTable([row]), /breaks at size 5 +slot#1000\d+:sc:2:0$/m)
  t.regex(reportOf(keyed, row), /In line 9, `black_box\(value\);`/)
})

test('a T that borrows a local variable must not outlive it', t => {
  const bodies = {
    * 'Slot::put'(call: Call) {
      yield* dropPayload(call, yield* loadWords(stateIn(call.self).data, readPlain))
      yield* storeWords(stateIn(call.self).data, wordsOf(call.args[0]), writePlain)
      return unitValue
    },
    * 'Slot::drop'(call: Call) {
      yield* dropPayload(call, yield* loadWords(stateIn(call.self).data, readPlain))
      return unitValue
    },
  }
  const kept = (field: string): WrapperRow => {
    const own = slot('pub fn put(&self, value: T);', bodies, {items: 'impl<T> Drop for Slot<T> {}', payloads: ['u8', "Peek<'_>"]})
    return rowOf(wrapper({...own, rust: own.rust.replace('UnsafeCell<T>', field), bounds: {...own.bounds, size: 1}}), sc, {...smallDepth, alone: 4})
  }
  t.is(kept('UnsafeCell<T>').verdict, 'no violation found')
  const row = kept('PhantomData<T>')
  t.is(row.verdict, 'unsound')
  t.log(wrapperTable([row]))
})

const misfits: readonly (readonly [string, string, RustValue, RegExp])[] = [
  ['a shared reference for an exclusive one', '&mut T', borrowed([]), /returned a & to 0 words, where its signature says &mut T \(borrowed\(words, true\)\)/],
  ['a value for a reference', 'Option<&T>', some(payloadValue([1])), /returned a value of 1 word, where its signature says &T in Option<&T>/],
  ['too few words', 'T', payloadValue([]), /returned a value of 0 words, where its signature says T \(a T has 1 word here\)/],
  ['a pair of one', '(T, bool)', {kind: 'tuple', items: [payloadValue([1])]}, /returned a tuple of 1, where its signature says \(T, bool\)/],
  ['an option for a result', 'Result<T, ()>', some(payloadValue([1])), /returned Some, where its signature says Result<T, \(\)> \(ok\(…\) or err\(…\)\)/],
  ['another struct', 'Slot<T>', structValue('Guard', null), /returned a struct Guard, where its signature says Slot<T>/],
]

for (const [title, type, value, message] of misfits) {
  test(`a body that returns ${title} does not fit its signature`, t => {
    const body: Body = function* () {
      return value
    }
    t.throws(() => found(slot(`pub fn get(&mut self) -> ${type};`, {'Slot::get': body})), {instanceOf: MisfitBody, message})
  })
}

test('a body that throws is its author’s mistake, also where it drops; and it is said how to panic', t => {
  const dropped = slot('', {
    * 'Slot::drop'() {
      throw new Error('not yet')
    },
  }, {items: 'impl<T> Drop for Slot<T> {}'})
  t.throws(() => found(dropped), {instanceOf: MisfitBody, message: /^wrapper slot: the body of Slot::drop threw at .*wrapper-own\.ts:\d+: not yet; what panics in Rust is panic\(…\) here$/})
})

const spinning: Body = function* ({self}) {
  while ((yield* raw(yield* readOnce(stateIn(self).flag))) === 0);
  return unitValue
}

test('a body that goes round for ever is told, and does not keep anybody waiting', t => {
  const row = rowOf(slot('pub fn wait(&self);', {'Slot::wait': spinning}), sc, {...smallDepth, size: 2, sizeIs: 'asked'})
  t.is(row.verdict, 'no violation found')
  t.not(row.deadlock, null)
})

const twice: Body = function* ({self, args}) {
  const value = payloadValue(yield* loadWords(stateIn(self).data, readPlain))
  yield* callClosure(args[0], value)
  yield* callClosure(args[0], value)
  return unitValue
}

test('an FnOnce is called once, an FnMut as often as anybody likes', t => {
  t.throws(() => found(slot('pub fn with(&self, look: impl FnOnce(T));', {'Slot::with': twice})), {instanceOf: MisfitBody, message: /Slot::with threw.*: a body wants a closure to call again, and was given an FnOnce/})
  t.notThrows(() => rowOf(slot('pub fn with(&self, look: impl FnMut(T));', {'Slot::with': twice}), sc, {...smallDepth, size: 2, sizeIs: 'asked'}))
})

const starless: Body = function* ({self}) {
  yield readPlain(stateIn(self).flag) as never
  return unitValue
}

test('a star that is missing is its author’s mistake', t => {
  t.throws(() => found(slot('pub fn get(&self);', {'Slot::get': starless})), {instanceOf: MisfitBody, message: /the body of Slot::get threw: a body wants yield\* \(with the star\)/})
})

test('so is what a definition lacks, and a layout that throws', t => {
  const whole = {name: 'w', rust: 'pub struct A; impl A { pub fn new() -> Self; pub fn get(&self); }', layout: () => null, bodies: {'A::new': getMut, 'A::get': getMut}}
  for (const field of ['rust', 'bodies', 'layout'] as const) t.throws(() => wrapper({...whole, [field]: undefined}), {instanceOf: MisfitBody, message: new RegExp(`^wrapper w has no ${field}: `)})
  const broken = wrapper({...whole, layout: () => { throw new Error('no room') }})
  t.throws(() => found(broken), {instanceOf: MisfitBody, message: 'wrapper w: its layout threw: no room'})
})

/** The count of pins, once the value has gone with the last of them. */
const gone = -100

/** @param isCounted does `with` hold a pin of its own, or trust that of whoever calls it? */
function pinning(isCounted: boolean): Wrapper {
  const add = (at: Location, by: number): Proc<number> => function* () {
    const count = Number(yield* raw(yield* readPlain(at))) + by
    yield* writePlain(at, count)
    return count
  }()
  const unpin: Body = function* (call) {
    const {data, flag} = stateIn(call.self)
    if ((yield* add(flag, -1)) !== 0) return unitValue
    yield* writePlain(flag, gone)
    yield* dropPayload(call, yield* loadWords(data, readPlain))
    return unitValue
  }
  const pinned = slot("pub fn pin(&self) -> Pinned<'_, T>; pub fn with(&self, look: impl FnOnce(&T));", {
    * 'Slot::pin'({self}) {
      yield* add(stateIn(self).flag, 1)
      return structValue('Pinned', self)
    },
    * 'Slot::with'(call) {
      const {data, flag} = stateIn(call.self)
      if ((yield* add(flag, 0)) <= 0) return unitValue
      if (isCounted) yield* add(flag, 1)
      yield* callClosure(call.args[0], borrowed(data))
      return isCounted ? yield* unpin(call) : unitValue
    },
    'Pinned::drop': unpin,
  }, {items: "pub struct Pinned<'a, T>(&'a Slot<T>); impl<T> Drop for Pinned<'_, T> {}", payloads: ['Loud']})
  return {...pinned, bounds: {payloads: ['Loud'], threads: 0, instances: 1, size: 5, clients: 400}}
}

test('a closure drops what it was given, while it looks', t => {
  const row = found(pinning(false))
  t.is(row.verdict, 'unsound')
  t.is(found(pinning(true)).verdict, 'no violation found')
  t.regex(reportOf(pinning(false), row), /\.with\(\|value\| \{\n.* drop\(pinned\);\n.* black_box\(value\);/)
})
