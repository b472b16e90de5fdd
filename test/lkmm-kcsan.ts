import test from 'ava'
import {
  explore, kcsanAtomicNext, lkmm, lkmmKcsan, program, readOnce, readPlain, smpRmb, smpWmb, threads, without, writeOnce, writePlain,
  type Proc, type Program, type Value,
} from '../lib/index.ts'
import {designs} from '../harness/designs.ts'
import {catalogue} from '../harness/wrappers/index.ts'
import {smallDepth} from '../harness/wrapper/depth.ts'
import {rowOf} from '../harness/wrapper/evaluate.ts'

/* lkmm-kcsan is LKMM in which plain writes, and the plain reads that kcsan_atomic_next() covers, are marked. */

/** One thread writes x without a mark; `reader` reads it. */
function racing(reader: (x: Parameters<typeof readPlain>[0]) => Proc<Value>): Program<never> {
  return program('racing', ({word}) => {
    const x = word('x')
    return threads({writes: () => writePlain(x, 1), reads: () => reader(x)})
  })
}

test('a plain write races with a plain read, and with no marked one', t => {
  t.is(explore(racing(readPlain), lkmmKcsan).verdict, 'broken')
  t.is(explore(racing(readOnce), lkmm).verdict, 'broken')
  t.is(explore(racing(readOnce), lkmmKcsan).verdict, 'holds')
})

test('kcsan_atomic_next() covers as many accesses as it says, until it says 0', t => {
  const covered = (accesses: number, before: number) => racing(function* (x) {
    yield* kcsanAtomicNext(accesses)
    for (let i = 0; i < before; i++) yield* readOnce(x)
    return yield* readPlain(x)
  })
  t.is(explore(covered(1, 0), lkmmKcsan).verdict, 'holds')
  t.is(explore(covered(2, 1), lkmmKcsan).verdict, 'holds')
  t.is(explore(covered(1, 1), lkmmKcsan).verdict, 'broken')
  t.is(explore(covered(0, 0), lkmmKcsan).verdict, 'broken')
  t.is(explore(covered(1, 0), lkmm).verdict, 'broken')
})

test('what is marked is ordered as marked accesses are', t => {
  const messages = program('messages', ({word}) => {
    const [data, flag] = [word('data'), word('flag')]
    return threads({
      * sends() {
        yield* writePlain(data, 1)
        yield* smpWmb()
        yield* writeOnce(flag, 1)
      },
      * receives() {
        const seen = yield* readOnce(flag)
        yield* smpRmb()
        yield* kcsanAtomicNext(1)
        return {seen, value: yield* readPlain(data)}
      },
    }, {claims: {'the data are there': ({receives}) => receives.seen === 0 || receives.value === 1}})
  })
  t.is(explore(messages, lkmmKcsan).verdict, 'holds')
})

test('a sequence count around plain C accesses, as most of the kernel uses it, races under lkmm and not for KCSAN', t => {
  const {program: build} = designs.find(({name}) => name === 'kernel-seqcount-plain')!
  t.is(explore(build(), lkmm, {executions: 100_000}).verdict, 'broken')
  const {verdict, witnessed} = explore(build(), lkmmKcsan, {executions: 100_000})
  t.is(verdict, 'holds')
  t.true(Object.values(witnessed).every(count => count > 0))
})

test('without its barriers for reads it is torn for KCSAN too', t => {
  const {program: build} = designs.find(({name}) => name === 'kernel-seqcount-plain')!
  const bare = build()
  t.is(explore({...bare, threads: bare.threads.map(thread => ({...thread, body: () => without(thread.body(), op => op.kind === 'fence' && op.order === 'Rmb')}))}, lkmmKcsan, {executions: 100_000}).verdict, 'broken')
})

test('a wrapper that copies plain data races under lkmm; as KCSAN sees it, nothing breaks it (wrappers.md, D1)', t => {
  const wrapper = catalogue.find(({name}) => name === 'd1-seq-copy-volatile')!
  t.is(rowOf(wrapper, lkmm, smallDepth).verdict, 'unsound')
  t.is(rowOf(wrapper, lkmmKcsan, smallDepth).verdict, 'no violation found')
})
