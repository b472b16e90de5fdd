/** Locks: one holder at a time, who sees what the last one did. */
import test from 'ava'
import {breaks, holds, reaches} from '../harness/ava.ts'
import {designs} from '../harness/designs.ts'
import {cpp20, explore, lkmm, models, program, rc11, sc, tso, type Memory, type Program} from '../lib/index.ts'
import * as p from '../primitives/index.ts'

/** The program of a built-in design. */
function design(name: string): Program<never> {
  return designs.find(design => design.name === name)!.program()
}

/** Each lock, and what its mutants without an acquire are called: a mutex acquires on two paths. */
const locks = [
  ['kernel-spinlock', ['relaxed-lock']],
  ['kernel-ticket-lock', ['relaxed-lock']],
  ['kernel-mutex', ['relaxed-fast-path', 'relaxed-slow-path']],
  ['c11-spin-mutex', ['relaxed-lock']],
  ['c11-ticket-mutex', ['relaxed-lock']],
  ['c11-futex-mutex', ['relaxed-fast-path', 'relaxed-slow-path']],
] as const

for (const [lock, acquires] of locks) {
  for (const model of models) {
    test(`${lock} excludes and passes on, under ${model.name}`, holds, design(lock), model)
    test(`${lock} lets either thread be first, under ${model.name}`, reaches, design(lock), model)
  }
  for (const model of [rc11, cpp20, lkmm]) {
    for (const mutant of acquires) {
      test(`${lock} needs its acquire (${mutant}), under ${model.name}`, breaks, design(`${lock}-${mutant}`), model, {by: 'data-race'})
    }
    test(`${lock} needs its release, under ${model.name}`, breaks, design(`${lock}-relaxed-unlock`), model, {by: 'data-race'})
  }
}

for (const model of models) {
  test(`spin_trylock() takes a free lock and leaves a held one, under ${model.name}`, holds, design('kernel-spin-trylock'), model)
  test(`both happen, under ${model.name}`, reaches, design('kernel-spin-trylock'), model)
}

for (const model of [sc, tso]) {
  test(`a lock that checks and then sets loses updates even under ${model.name}`, breaks, design('kernel-spinlock-check-then-set'), model,
    {by: 'no lost update'})
}

test('a spin lock has one execution for each order of its two holders', t => {
  t.is(explore(design('kernel-spinlock'), lkmm).counts.executions, 2)
})

const twice = program('a spin lock taken twice', (memory: Memory) => {
  const lock = p.defineSpinlock(memory, 'lock')
  return {
    threads: {
      *careless() {
        yield* p.spinLock(lock)
        yield* p.spinLock(lock)
      },
    },
  }
})

test('a thread that takes what it holds waits for itself', t => {
  const {verdict, failing} = explore(twice, lkmm)
  t.is(verdict, 'broken')
  t.deepEqual(failing?.failures.map(({kind}) => kind), ['deadlock'])
})

const stolen = program('a mutex unlocked by another task', (memory: Memory) => {
  const mutex = p.defineMutex(memory, 'mutex')
  return {
    threads: {
      *thief() {
        yield* p.mutexLock(mutex, 1)
        yield* p.mutexUnlock(mutex, 2)
      },
    },
  }
})

test('a mutex is for its owner to unlock', breaks, stolen, lkmm, {by: 'a mutex is unlocked by its owner'})
