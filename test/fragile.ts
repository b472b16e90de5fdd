/** Dependencies that a wrapper lives on, and restrictions that it declares: options 5 and 4 of McKenney's spectrum. */
import test from 'ava'
import {inC, kernelRust, lkmm, raw, readOnce, smpMb, smpWmb, spinLock, spinUnlock, writeOnce, writePlain, type Location, type Proc} from '../lib/index.ts'
import {smallDepth} from '../harness/wrapper/depth.ts'
import {rowOf} from '../harness/wrapper/evaluate.ts'
import {fragileIn} from '../harness/wrapper/fragile.ts'
import {evaluateSpectrum, type Standing} from '../harness/wrapper/spectrum.ts'
import {payloadValue, structValue, unitValue} from '../harness/wrapper/value.ts'
import {loadWords, storeWords, wordsOf, wrapper, type Wrapper} from '../harness/wrapper/wrapper.ts'

function standingsOf(own: Wrapper): readonly Standing[] {
  const steps = evaluateSpectrum(own, smallDepth)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

// ---- Option 5: what a code style would have to protect -------------------------------------------------

interface Slot {
  readonly lock: Location
  readonly pointer: Location
  readonly old: readonly Location[]
  readonly fresh: readonly Location[]
}

type Side = <R>(part: Proc<R>) => Proc<R>

/** A pointer that is published once, and followed by an address dependency. */
const published = (side: Side): Wrapper => wrapper({
  name: 'published',
  rust: `
pub struct Slot<T> { data: UnsafeCell<T> }
unsafe impl<T: Send> Sync for Slot<T> {}
impl<T: Copy> Slot<T> {
    pub fn new(value: T) -> Self;
    pub fn publish(&self, value: T);
    pub fn look(&self) -> T;
}`,
  bounds: {payloads: ['Pair']},
  layout: ({word, array}, name, {size}): Slot => {
    const old = array(`${name}.old`, size)
    return {old, fresh: array(`${name}.fresh`, size), lock: word(`${name}.lock`), pointer: word(`${name}.pointer`, old[0])}
  },
  bodies: {
    * 'Slot::new'({self, args}) {
      yield* storeWords((self as Slot).old, wordsOf(args[0]), writePlain)
      return structValue('Slot', self)
    },
    * 'Slot::publish'({self, args}) {
      const {lock, pointer, old, fresh} = self as Slot
      yield* spinLock(lock)
      if ((yield* raw((yield* readOnce(pointer)).eq(old[0]!))) !== 0) {
        yield* storeWords(fresh, wordsOf(args[0]), writeOnce)
        yield* smpWmb()
        yield* writeOnce(pointer, fresh[0]!)
      }
      yield* spinUnlock(lock)
      return unitValue
    },
    * 'Slot::look'({self, payload}) {
      const {pointer} = self as Slot
      return payloadValue(yield* side(function* () {
        const found = yield* readOnce(pointer)
        return yield* loadWords(Array.from({length: payload.size}, (_, i) => found.plus(i)), readOnce)
      }()))
    },
  },
})

const budget = {size: 3, clients: 500, bound: 3, executions: 20_000}

test('a dependency that a Rust compiler may break is found by what breaks without it, and named', t => {
  const own = published(part => part)
  t.is(rowOf(own, lkmm, smallDepth).verdict, 'no violation found')
  t.is(rowOf(own, kernelRust, smallDepth).verdict, 'unsound')
  t.deepEqual(fragileIn(own, budget), [{from: 'READ_ONCE of pointer in Slot::look', to: ['the address of READ_ONCE in Slot::look']}])
})

test('in C the same dependency needs no protection', t => {
  const own = published(inC)
  t.is(rowOf(own, kernelRust, smallDepth).verdict, 'no violation found')
  t.deepEqual(fragileIn(own, budget), [])
})

// ---- Option 4: what a wrapper promises -----------------------------------------------------------------

interface Pair {
  readonly x: Location
  readonly y: Location
  readonly pointer: Location
}

/** It follows a pointer after load buffering alone, which LKMM does not know of a data dependency. */
const promising = (promise: boolean): Wrapper => wrapper({
  name: 'promising',
  rust: `
pub struct Words(AtomicUsize);
impl Words {
    pub fn new() -> Self;
    pub fn pass(&self);
    pub fn look(&self);
}`,
  declares: {allows: ['relaxed atomic', 'fence'], followsNoPointer: promise},
  layout: ({word}, name): Pair => {
    const x = word(`${name}.x`)
    return {x, y: word(`${name}.y`), pointer: word(`${name}.pointer`, x)}
  },
  bodies: {
    * 'Words::new'({self}) {
      return structValue('Words', self)
    },
    * 'Words::pass'({self}) {
      const {x, y} = self as Pair
      yield* writeOnce(y, (yield* readOnce(x)).plus(1))
      return unitValue
    },
    * 'Words::look'({self}) {
      const {x, y, pointer} = self as Pair
      const seen = yield* readOnce(y)
      yield* smpMb()
      yield* writeOnce(x, 5)
      if ((yield* raw(seen.eq(6))) !== 0) yield* readOnce(yield* readOnce(pointer))
      return unitValue
    },
  },
})

test('a promise to follow no pointer is held against every execution under the option’s model', t => {
  const kept = standingsOf(promising(false))[3]!
  t.deepEqual([kept.option, kept.verdict], [4, 'no violation found'])
  const broken = standingsOf(promising(true))[3]!
  t.is(broken.verdict, 'not expressible')
  t.like(broken.offence, {method: 'Words::look', operation: 'READ_ONCE', follows: true})
})
