import test from 'ava'
import {
  atomicFetchAddRelaxed, atomicFetchAddRelease, explore, inC, kernelRust, lkmm, program, readOnce, readPlain, smpMb, smpWmb, srcuReadLock,
  srcuReadUnlock, storeRelease, synchronizeSrcu, loadAcquire, threads, when, writeOnce,
  type Model, type Proc, type Program, type Value,
} from '../lib/index.ts'
import {differences} from './helpers/compare.ts'
import {generate} from './helpers/generate.ts'
import {compile, describe} from './helpers/sketch.ts'

/* kernel-rust is LKMM in which a dependency orders nothing unless it begins and ends in one call of a C function. */

/** How often what the program's one witness says comes about. */
function happens(litmus: Program<never>, model: Model): boolean {
  return Object.values(explore(litmus, model, {keepGoing: true, flags: []}).witnessed).some(count => count > 0)
}

/** A thread's part in Rust, or in C. */
type Side = <T>(part: Proc<T>) => Proc<T>
const inRust: Side = part => part
const sides: readonly (readonly [string, Side])[] = [['Rust', inRust], ['one C function', inC]]

/** A pointer is published behind a barrier, and followed. */
function publication(side: Side): Program<never> {
  return program('publication', ({word}) => {
    const [old, fresh] = [word('old'), word('fresh')]
    const pointer = word('pointer', old)
    return threads({
      * publishes() {
        yield* writeOnce(fresh, 1)
        yield* smpWmb()
        yield* writeOnce(pointer, fresh)
      },
      * follows() {
        return yield* side((function* () {
          const found = yield* readOnce(pointer)
          return {isNew: found.eq(fresh), value: yield* readOnce(found)}
        })())
      },
    }, {witnesses: {'the new object, not yet written': ({follows}) => follows.isNew === 1 && follows.value === 0}})
  })
}

/** Load buffering: a dependency in one thread, a full barrier in the other. */
function buffering(kind: 'data' | 'ctrl', side: Side): Program<never> {
  return program('load buffering', ({word}) => {
    const [x, y] = [word('x'), word('y')]
    return threads({
      one: () => side((function* () {
        const seen = yield* readOnce(x)
        yield* kind === 'data' ? writeOnce(y, seen.plus(1)) : when(seen.eq(5), () => writeOnce(y, 6))
        return seen
      })()),
      * two() {
        const seen = yield* readOnce(y)
        yield* smpMb()
        yield* writeOnce(x, 5)
        return seen
      },
    }, {witnesses: {'each sees the other’s store': ({one, two}) => one === 5 && two === 6}})
  })
}

for (const [name, side] of sides) {
  const orders = side === inC
  test(`an address dependency in ${name} ${orders ? 'orders' : 'orders nothing'}`, t => {
    t.false(happens(publication(side), lkmm))
    t.is(happens(publication(side), kernelRust), !orders)
  })
  test(`a data dependency in ${name} ${orders ? 'orders' : 'orders nothing'}`, t => {
    t.false(happens(buffering('data', side), lkmm))
    t.is(happens(buffering('data', side), kernelRust), !orders)
  })
  test(`a control dependency in ${name} ${orders ? 'orders' : 'orders nothing'}`, t => {
    t.false(happens(buffering('ctrl', side), lkmm))
    t.is(happens(buffering('ctrl', side), kernelRust), !orders)
  })
}

test('a pointer that one C function returns and another follows passed through Rust: it orders nothing', t => {
  const handed = program('handed over', ({word}) => {
    const [old, fresh] = [word('old'), word('fresh')]
    const pointer = word('pointer', old)
    return threads({
      * publishes() {
        yield* writeOnce(fresh, 1)
        yield* storeRelease(pointer, fresh)
      },
      * follows() {
        const found = yield* inC(readOnce(pointer))
        return {isNew: found.eq(fresh), value: yield* inC(readOnce(found))}
      },
    }, {witnesses: {'the new object, not yet written': ({follows}) => follows.isNew === 1 && follows.value === 0}})
  })
  t.false(happens(handed, lkmm))
  t.true(happens(handed, kernelRust))
})

test('acquire, release and barriers order in Rust as they do in C', t => {
  const messages = program('messages', ({word}) => {
    const [data, flag] = [word('data'), word('flag')]
    return threads({
      * sends() {
        yield* writeOnce(data, 1)
        yield* storeRelease(flag, 1)
      },
      * receives() {
        const seen = yield* loadAcquire(flag)
        return {seen, value: yield* readOnce(data)}
      },
    }, {witnesses: {'the flag without the data': ({receives}) => receives.seen === 1 && receives.value === 0}})
  })
  t.false(happens(messages, kernelRust))
  const buffers = program('store buffering', ({word}) => {
    const [x, y] = [word('x'), word('y')]
    const half = function* (own: typeof x, other: typeof x): Proc<{read: Value}> {
      yield* writeOnce(own, 1)
      yield* smpMb()
      return {read: yield* readOnce(other)}
    }
    return threads({one: () => half(x, y), two: () => half(y, x)}, {witnesses: {'both read 0': ({one, two}) => Number(one.read) === 0 && Number(two.read) === 0}})
  })
  t.false(happens(buffers, kernelRust))
})

test('a read-modify-write stays one: what it stores depends on what it read', t => {
  const leaving = program('two owners leave', ({word}) => {
    const [data, count] = [word('data'), word('count', 2)]
    return threads({
      * first() {
        yield* writeOnce(data, 1)
        yield* atomicFetchAddRelease(count, -1)
      },
      * last() {
        yield* atomicFetchAddRelaxed(count, -1)
        const left = yield* loadAcquire(count) // its own store, which depends on the release
        return {left, value: yield* readOnce(data)}
      },
    }, {witnesses: {'alone, and without the data': ({last}) => last.left === 0 && last.value === 0}})
  })
  t.false(happens(leaving, lkmm))
  t.false(happens(leaving, kernelRust))
})

test('a cookie that passed through Rust still ends the section of SRCU that it comes from', t => {
  const section = program('a section of SRCU', ({word}) => {
    const [domain, x, y] = [word('domain'), word('x'), word('y')]
    return threads({
      * reads() {
        const cookie = yield* inC(srcuReadLock(domain))
        const seen = {x: yield* readOnce(x), y: yield* readOnce(y)}
        yield* inC(srcuReadUnlock(domain, cookie))
        return seen
      },
      * waits() {
        yield* writeOnce(x, 1)
        yield* inC(synchronizeSrcu(domain))
        yield* writeOnce(y, 1)
      },
    }, {witnesses: {'a section around a grace period': ({reads}) => reads.x === 0 && reads.y === 1}})
  })
  t.false(happens(section, lkmm))
  t.false(happens(section, kernelRust))
})

test('a racing plain access is flagged on either side', t => {
  for (const [, side] of sides) {
    const racing = program('racing', ({word}) => {
      const x = word('x')
      return threads({writes: () => writeOnce(x, 1), reads: () => side(readPlain(x))})
    })
    t.is(explore(racing, kernelRust).verdict, 'broken')
  }
})

/** Every other thread is one call of a C function. */
function halfInC<R>({threads, ...own}: Program<R>): Program<R> {
  return {...own, threads: threads.map((thread, i) => i % 2 === 0 ? thread : {...thread, body: () => inC(thread.body())})}
}

for (const [vocabulary, count] of [['kernel', 2], ['rcu', 3]] as const) {
  test(`the engine finds what the brute force finds, of generated ${vocabulary} programs in Rust and in C`, t => {
    let [compared, decisive] = [0, 0]
    for (let seed = 0; seed < 150; seed++) {
      const sketch = generate(vocabulary, `rust ${seed}`, {accesses: 6, threads: count})
      const found = differences(sketch, kernelRust, 250, halfInC)
      if (found === 'too large') continue
      compared++
      t.deepEqual(found, [], describe(sketch))
      const under = (model: Model): number => explore(halfInC(compile(sketch)), model, {keepGoing: true, flags: []}).counts.executions
      if (under(lkmm) < under(kernelRust)) decisive++
    }
    t.true(compared > 100, `${compared} compared`)
    t.true(decisive > 0, 'in some a dependency decides')
  })
}
