/**
 * Epochs as crossbeam has them: somebody else than who unlinked an object advances the epoch. There each barrier is
 * needed of those that one thread's grace period has three of, one for the other (harness/designs/rcu-implementations.ts).
 */
import test from 'ava'
import {breaks, holds, reaches} from '../harness/ava.ts'
import {
  awaitAcquire, cpp20, free, lkmm, loadAcquire, models, program, rawNumber, rc11, readOnce, rewriting, smpMb, threads, Value, when, type Op, type Proc,
  type Program,
} from '../lib/index.ts'
import {advanceEpoch, epochRcu, rcuInitPointer} from '../primitives/index.ts'

/** An operation that orders nothing: its thread, its name, and which of those it is (0: all). */
interface Weak {
  readonly thread: string
  readonly operation: string
  readonly nth?: number
}

function collected(name: string, weak: Weak | null = null): Program<never> {
  const made: Program<never> = program(name, memory => {
    const rcu = epochRcu.define(memory, 'rcu', 1, 1)
    const objects = memory.heap('object', {value: 1})
    const object = objects.object('object', {value: 1}).value
    const pointer = memory.word('pointer', object)
    return threads({
      * reader() {
        yield* epochRcu.readLock(rcu, 0)
        const found = yield* loadAcquire(pointer)
        const seen = yield* when(found.ne(0), () => readOnce(found), function* () { return Value.of(0) })
        yield* epochRcu.readUnlock(rcu, 0)
        return seen
      },
      * collector() { // Global::collect()
        yield* advanceEpoch(rcu)
        yield* advanceEpoch(rcu)
      },
      * updater() {
        yield* rcuInitPointer(pointer, 0)
        yield* smpMb() // Global::push_bag(): what was unlinked before the epoch that it is garbage of
        const epoch = yield* rawNumber(yield* readOnce(rcu.epoch))
        if (epoch > 1) return false // it would take a third advance
        yield* awaitAcquire(rcu.epoch, now => now === 3)
        yield* free(object)
        return true
      },
    }, {witnesses: {'the object is read': ({reader}) => reader === 1, 'it is gone, and freed': ({reader, updater}) => reader === 0 && updater}})
  })
  return weak === null ? made : {...made, threads: made.threads.map(({name, body}) => ({name, body: name === weak.thread ? () => weakened(body(), weak) : body}))}
}

function weakened(thread: Proc<unknown>, {operation, nth = 0}: Weak): Proc<unknown> {
  let seen = 0
  return rewriting(thread, (op: Op): Op | null => {
    if (!('order' in op) || op.name !== operation || (++seen !== nth && nth !== 0)) return op
    return op.kind === 'fence' ? null : {...op, order: 'ONCE'}
  })
}

for (const model of models) {
  test(`two epochs later nobody reads the object, under ${model.name}`, holds, collected('epochs'), model)
  test(`it is read before, and freed behind those who read it, under ${model.name}`, reaches, collected('epochs'), model)
}

for (const model of [rc11, cpp20, lkmm]) {
  for (const [what, weak] of Object.entries<Weak>({
    'the barrier of pin()': {thread: 'reader', operation: 'smp_mb'},
    'the barrier of push_bag()': {thread: 'updater', operation: 'smp_mb'},
    'the barrier of try_advance()': {thread: 'collector', operation: 'smp_mb'},
    'that of the last try_advance()': {thread: 'collector', operation: 'smp_mb', nth: 2},
    'the acquire by which the updater sees the epoch': {thread: 'updater', operation: 'smp_cond_load_acquire'},
  })) test(`it takes ${what}, under ${model.name}`, breaks, collected(what, weak), model, {by: 'data-race'})
}

for (const [what, weak] of Object.entries<Weak>({
  'the release of the next epoch': {thread: 'collector', operation: 'smp_store_release'},
  'the acquire of the readers\' epochs': {thread: 'collector', operation: 'smp_cond_load_acquire'},
})) {
  for (const model of [rc11, cpp20]) test(`it takes ${what}, under ${model.name}`, breaks, collected(what, weak), model, {by: 'data-race'})
  test(`LKMM does not miss ${what} behind a full barrier`, holds, collected(what, weak), lkmm)
}

for (const model of models) {
  test(`the barrier of the first of two try_advance() is not missed, under ${model.name}`, holds, collected('first', {thread: 'collector', operation: 'smp_mb', nth: 1}), model)
}
