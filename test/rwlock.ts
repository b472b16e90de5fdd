/** Reader-writer locks: readers together, writers alone, and who waits for whom. */
import test from 'ava'
import {breaks, holds, reaches} from '../harness/ava.ts'
import {designs} from '../harness/designs.ts'
import {atomicFetchAdd, atomicSub, cpp20, explore, lkmm, models, program, rc11, sc, tso, type Memory, type Program} from '../lib/index.ts'
import * as p from '../primitives/index.ts'

/** The program of a built-in design. */
function design(name: string): Program<never> {
  return designs.find(design => design.name === name)!.program()
}

/** Each lock, and what its mutants are called: a semaphore takes two paths to write. */
const locks = [
  ['kernel-rwlock', ['relaxed-read-lock', 'relaxed-read-unlock', 'relaxed-write-lock', 'relaxed-write-unlock']],
  ['kernel-rwsem', ['relaxed-down-read', 'relaxed-up-read', 'relaxed-fast-path', 'relaxed-slow-path', 'relaxed-up-write']],
  ['kernel-rwsem-downgrade', ['relaxed']],
] as const

for (const [lock, mutants] of locks) {
  for (const model of models) {
    test(`${lock} keeps writers from readers and from each other, under ${model.name}`, holds, design(lock), model)
    test(`${lock} lets anybody be first, under ${model.name}`, reaches, design(lock), model)
  }
  for (const mutant of mutants) {
    test(`${lock} does without one ordering (${mutant}) under tso`, holds, design(`${lock}-${mutant}`), tso)
    for (const model of [rc11, cpp20, lkmm]) {
      test(`${lock} needs its ordering (${mutant}), under ${model.name}`, breaks, design(`${lock}-${mutant}`), model, {by: 'data-race'})
    }
  }
}

const together = program('two readers', (memory: Memory) => {
  const lock = p.defineRwlock(memory, 'lock')
  const inside = memory.word('inside')
  const reader = (own: number) => function* () {
    yield* p.readLock(lock)
    const found = yield* atomicFetchAdd(inside, own)
    yield* atomicSub(inside, own)
    yield* p.readUnlock(lock)
    return found
  }
  return {
    threads: {first: reader(1), second: reader(2)},
    witnesses: {'both are inside': ({first, second}: {first: number; second: number}) => first + second > 0},
  }
})

for (const model of models) {
  test(`readers are inside together, under ${model.name}`, reaches, together, model)
  test(`a reader of an rwlock_t may take it twice, under ${model.name}`, holds, design('kernel-rwlock-nested'), model)
  test(`a reader of an rw_semaphore may not: a writer may wait in between, under ${model.name}`, breaks, design('kernel-rwsem-nested'), model, {by: 'deadlock'})
  test(`downgrading is not releasing and taking, under ${model.name}`, breaks, design('kernel-rwsem-downgrade-in-two-steps'), model, {by: 'no writer comes between'})
}

// ---- Non-standard locking -------------------------------------------------------------------------------

for (const model of models) {
  test(`readers that add to one counter lose updates, under ${model.name}`, breaks, design('rwlock-atomic-in-reader-plain'), model, {by: 'no lost update'})
  test(`unless they add atomically, under ${model.name}`, holds, design('rwlock-atomic-in-reader'), model)
  test(`or each to a word of its own, under ${model.name}`, holds, design('rwlock-local-in-reader'), model)
}

for (const model of [rc11, cpp20, lkmm]) {
  test(`and they race, under ${model.name}`, breaks, design('rwlock-atomic-in-reader-plain'), model, {by: 'data-race'})
}

test('a reader that wants to write as well waits for itself', t => {
  const upgrade = program('upgrade', (memory: Memory) => {
    const lock = p.defineRwlock(memory, 'lock')
    return {
      threads: {
        * hasty() {
          yield* p.readLock(lock)
          yield* p.writeLock(lock)
        },
      },
    }
  })
  t.deepEqual(explore(upgrade, sc).failing?.failures.map(({kind}) => kind), ['deadlock'])
})
