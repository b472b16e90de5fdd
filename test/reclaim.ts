/** Reclamation: nobody uses what somebody has freed, and what each barrier is for. */
import test from 'ava'
import {breaks, holds, reaches} from '../harness/ava.ts'
import {designs} from '../harness/designs.ts'
import {cpp20, explore, lkmm, models, program, rc11, sc, tso, type Memory, type Program} from '../lib/index.ts'
import * as p from '../primitives/index.ts'

/** The program of a built-in design. */
function design(name: string): Program<never> {
  return designs.find(design => design.name === name)!.program()
}

const mapped = [sc, tso, rc11, cpp20]
const weak = [rc11, cpp20, lkmm]

// ---- Hazard pointers ------------------------------------------------------------------------------------

for (const model of models) {
  test(`what a hazard pointer protects is not freed, under ${model.name}`, holds, design('kernel-hazptr'), model)
  test(`old and new objects are read, kept and freed, under ${model.name}`, reaches, design('kernel-hazptr'), model)
}

for (const model of [tso, ...weak]) {
  test(`a reader publishes before it looks again, under ${model.name}`, breaks, design('kernel-hazptr-without-record-mb'), model, {by: 'use-after-free'})
}
for (const model of weak) {
  test(`the updater unlinks before it looks, under ${model.name}`, breaks, design('kernel-hazptr-without-scan-mb'), model, {by: 'use-after-free'})
}
for (const model of [cpp20, lkmm]) {
  test(`a reader is done before it says so, under ${model.name}`, breaks, design('kernel-hazptr-relaxed-clear'), model, {by: 'use-after-free'})
  test(`the updater looks before it frees, under ${model.name}`, breaks, design('kernel-hazptr-without-free-mb'), model, {by: 'use-after-free'})
}
test('the second look need not acquire where there are address dependencies', holds, design('kernel-hazptr-relaxed-look'), lkmm)

for (const model of mapped) {
  for (const name of ['c11-hazptr-fences', 'c11-hazptr-seqcst']) {
    test(`${name} protects, under ${model.name}`, holds, design(name), model)
    test(`${name} protects something, under ${model.name}`, reaches, design(name), model)
  }
}
for (const model of [rc11, cpp20]) {
  test(`arc-swap, issue 198: an acquire in place of one SeqCst, under ${model.name}`, breaks, design('c11-hazptr-seqcst-acquire-look'), model, {by: 'use-after-free'})
}

// ---- Reference counts -----------------------------------------------------------------------------------

for (const model of mapped) {
  test(`the last one to let go frees, after everybody, under ${model.name}`, holds, design('kernel-refcount'), model)
  test(`either may be the last, under ${model.name}`, reaches, design('kernel-refcount'), model)
}
test('LKMM lets no control dependency bound the plain stores of a free', breaks, design('kernel-refcount'), lkmm, {by: 'data-race'})
test('a full barrier does', holds, design('kernel-atomic-count'), lkmm)
for (const model of weak) {
  test(`letting go is a release, under ${model.name}`, breaks, design('kernel-refcount-relaxed-put'), model, {by: 'use-after-free'})
  test(`and an acquire for the last one, under ${model.name}`, breaks, design('kernel-refcount-without-acquire'), model, {by: 'use-after-free'})
}

for (const model of models) {
  test(`a count that overflows saturates, under ${model.name}`, holds, design('kernel-refcount-saturates'), model)
  test(`one that wraps frees too early, under ${model.name}`, breaks, design('kernel-refcount-saturates-wraps'), model, {by: 'use-after-free'})
  test(`a lookup gets what lives, under ${model.name}`, holds, design('kernel-kref'), model)
  test(`or comes too late, under ${model.name}`, reaches, design('kernel-kref'), model)
  test(`a count of 0 is not incremented, under ${model.name}`, breaks, design('kernel-kref-resurrects'), model, {by: 'use-after-free'})
  test(`and not looked at without the lock, under ${model.name}`, breaks, design('kernel-kref-without-lock'), model, {by: 'use-after-free'})
}

test('counts that are out of bounds stay so, and say no', t => {
  const counts = program('counts', (memory: Memory) => {
    const [zero, most, gone] = [p.defineRefcount(memory, 'zero', 0), p.defineRefcount(memory, 'most', p.refcountMax), p.defineRefcount(memory, 'gone', 0)]
    return {
      threads: {
        * one() {
          const got = yield* p.refcountIncNotZero(zero)
          const isMost = yield* p.refcountIncNotZero(most)
          yield* p.refcountInc(gone)
          return {got, isMost, last: yield* p.refcountDecAndTest(most)}
        },
      },
      claims: {
        'none is got of what is gone': ({one}: {one: {got: number}}, final) => one.got === 0 && final(zero) === 0,
        'the most saturates': ({one}: {one: {isMost: number; last: number}}, final) => one.isMost === 1 && one.last === 0 && final(most) === p.refcountSaturated,
        'one more than none too': (_, final) => final(gone) === p.refcountSaturated,
      },
    }
  })
  t.is(explore(counts, sc).verdict, 'holds')
})

// ---- Linked data under a sequence lock ------------------------------------------------------------------

for (const model of models) {
  test(`the BUGGY routing table reads what was freed, under ${model.name}`, breaks, design('seqlock-linked-free'), model, {by: 'use-after-free'})
  test(`and so it does if it checks first, under ${model.name}`, breaks, design('seqlock-linked-check-first'), model, {by: 'use-after-free'})
  for (const name of ['seqlock-linked-type-safe', 'seqlock-linked-rcu']) {
    test(`${name} does not, under ${model.name}`, holds, design(name), model)
    test(`${name} finds routes, misses them and tries again, under ${model.name}`, reaches, design(name), model)
  }
  test(`not without read-side critical sections, under ${model.name}`, breaks, design('seqlock-linked-rcu-without-read-lock'), model, {by: 'use-after-free'})
  test(`nor without a grace period, under ${model.name}`, breaks, design('seqlock-linked-rcu-without-grace-period'), model, {by: 'use-after-free'})
}
