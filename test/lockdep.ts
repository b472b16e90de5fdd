/** Misuse of RCU is a panic of the thread, at the line that misuses; programs that break no rule run as without the watch. */
import test from 'ava'
import {
  executionKey, executions, free, kmalloc, lkmm, program, rcuAssignPointer, rcuDereference, rcuReadLock, rcuReadUnlock, readOnce, readPlain, sc, spinLock, spinTrylock,
  spinUnlock, srcuReadLock, srcuReadUnlock, synchronizeRcu, synchronizeSrcu, when, writeOnce, writePlain, xchg,
  type Heap, type Location, type Model, type Proc, type Program, type Value,
} from '../lib/index.ts'
import * as p from '../primitives/index.ts'

/** What the threads of the examples share: `pointer` is __rcu and points to `object`. */
interface Shared {
  readonly objects: Heap<{readonly value: 1; readonly lock: 1}>
  readonly pointer: Location
  readonly lock: Location
  readonly mutex: p.Mutex
  readonly semaphore: p.RwSemaphore
  readonly spin: p.Spinlock
  readonly rwlock: p.Rwlock
  readonly ticket: p.TicketLock
  readonly [domain: `ss${number}`]: Location
}

function example(name: string, body: (shared: Shared) => Proc<unknown>, isWatched = true): Program<never> {
  return program(name, memory => {
    const objects = memory.heap('object', {value: 1, lock: 1}, 1)
    const pointer = memory.word('pointer', objects.object('object', {value: 1, lock: 0}).value)
    const shared: Shared = {
      objects, pointer, lock: memory.word('lock'), mutex: p.defineMutex(memory, 'mutex'), semaphore: p.defineRwSemaphore(memory, 'semaphore'),
      spin: p.defineSpinlock(memory, 'spin'), rwlock: p.defineRwlock(memory, 'rwlock'), ticket: p.defineTicketLock(memory, 'ticket'),
      ss1: p.defineSrcu(memory, 'ss1'), ss2: p.defineSrcu(memory, 'ss2'),
    }
    const threads = {one: () => body(shared)}
    return {threads: isWatched ? p.lockdepThreads(threads, {rcuPointers: [pointer]}) : threads}
  })
}

/** What the thread panics with, in the first execution. */
function splats(of: Program<never>, model: Model = lkmm): readonly {readonly message: string; readonly stack: string}[] {
  const [run] = [...executions(of, model)]
  return run!.failures.flatMap(failure => failure.kind === 'panic' ? [failure] : [])
}

function* dereferenced({pointer}: Shared): Proc<Value> {
  yield* rcuReadLock()
  const object = yield* rcuDereference(pointer)
  yield* rcuReadUnlock()
  return object
}

// ---- Rules -----------------------------------------------------------------------------------------

const rules: readonly (readonly [splat: string, body: (shared: Shared) => Proc<unknown>])[] = [
  ['suspicious rcu_dereference() usage: no rcu_read_lock() is held', ({pointer}) => rcuDereference(pointer)],
  ['suspicious rcu_dereference() usage: no rcu_read_lock() is held', function* (shared) {
    yield* dereferenced(shared)
    yield* rcuDereference(shared.pointer)
  }],
  ['suspicious rcu_dereference_check() usage: lock is not held', ({pointer, lock}) => p.rcuDereferenceCheck(pointer, lock)],
  ['suspicious rcu_dereference_protected() usage: lock is not held', function* ({pointer, lock}) {
    yield* rcuReadLock() // a reader is no updater
    yield* p.rcuDereferenceProtected(pointer, lock)
  }],
  ['suspicious rcu_dereference_protected() usage: nothing protects the pointer', ({pointer}) => p.rcuReplacePointer(pointer, 0, false)],
  ['suspicious rcu_dereference_protected() usage: lock is not held', function* ({pointer, lock}) {
    yield* spinLock(lock)
    yield* spinUnlock(lock)
    yield* p.rcuDereferenceProtected(pointer, lock)
  }],
  ['plain read through a pointer that was for use in an RCU read-side critical section, which is over', function* (shared) {
    yield* readPlain(yield* dereferenced(shared))
  }],
  ['WRITE_ONCE through a pointer that was for use in an RCU read-side critical section, which is over', function* (shared) {
    const object = yield* dereferenced(shared)
    yield* rcuReadLock() // another section does not bring it back
    yield* writeOnce(object.plus(1), 1)
  }],
  ['illegal synchronize_rcu() in an RCU read-side critical section, where a thread must not sleep', function* () {
    yield* rcuReadLock()
    yield* synchronizeRcu()
  }],
  ['illegal synchronize_rcu() while holding the spin lock lock, where a thread must not sleep', function* ({lock}) {
    yield* spinLock(lock)
    yield* synchronizeRcu()
  }],
  ['illegal wait for a mutex in an RCU read-side critical section, where a thread must not sleep', function* ({mutex}) {
    yield* rcuReadLock()
    yield* p.mutexLock(mutex, 1)
  }],
  ['illegal wait for a semaphore in an RCU read-side critical section, where a thread must not sleep', function* ({semaphore}) {
    yield* rcuReadLock()
    yield* p.downRead(semaphore)
  }],
  ['illegal rcu_barrier() in an RCU read-side critical section, where a thread must not sleep', function* () {
    yield* rcuReadLock()
    yield* p.rcuBarrier([])
  }],
  ['illegal synchronize_rcu() while holding the spin lock spin.locked, where a thread must not sleep', function* ({spin}) {
    yield* p.spinLock(spin)
    yield* synchronizeRcu()
  }],
  ['illegal synchronize_rcu() while holding the spin lock ticket.owner, where a thread must not sleep', function* ({ticket}) {
    yield* p.ticketSpinLock(ticket)
    yield* synchronizeRcu()
  }],
  ['illegal wait for a mutex while holding the spin lock rwlock.count, where a thread must not sleep', function* ({rwlock, mutex}) {
    yield* p.readLock(rwlock)
    yield* p.readLock(rwlock)
    yield* p.readUnlock(rwlock)
    yield* p.mutexLock(mutex, 1)
  }],
  ['illegal synchronize_rcu() while holding the spin lock lock, where a thread must not sleep', function* ({lock}) {
    yield* when(yield* spinTrylock(lock), synchronizeRcu)
  }],
  ['bad unlock balance: rwlock.count is released, and not held', function* ({rwlock}) {
    yield* p.writeLock(rwlock)
    yield* p.writeUnlock(rwlock)
    yield* p.writeUnlock(rwlock)
  }],
  ['rcu_read_unlock() without rcu_read_lock()', function* () {
    yield* rcuReadLock()
    yield* rcuReadUnlock()
    yield* rcuReadUnlock()
  }],
  ['the thread ends inside rcu_read_lock()', function* () {
    yield* rcuReadLock()
    yield* rcuReadLock()
    yield* rcuReadUnlock()
  }],
  ['plain write to pointer, which is __rcu: rcu_assign_pointer() belongs here', function* ({pointer, objects}) {
    yield* writePlain(pointer, yield* kmalloc(objects, {value: 2, lock: 0}))
  }],
  ['READ_ONCE of pointer, which is __rcu: rcu_dereference() belongs here', ({pointer}) => readOnce(pointer)],
  ['suspicious srcu_dereference() usage: ss1 is not held', function* ({pointer, ss1, ss2}) {
    yield* srcuReadLock(ss2!)
    yield* p.srcuDereference(pointer, ss1!)
  }],
  ['suspicious rcu_dereference() usage: no rcu_read_lock() is held', function* ({pointer, ss1}) {
    yield* srcuReadLock(ss1!)
    yield* rcuDereference(pointer)
  }],
  ['plain read through a pointer that was for use in a read-side critical section of ss1, which is over', function* ({pointer, ss1}) {
    const cookie = yield* srcuReadLock(ss1!)
    const object = yield* p.srcuDereference(pointer, ss1!)
    yield* srcuReadUnlock(ss1!, cookie)
    yield* readPlain(object)
  }],
  ['srcu_read_unlock(&ss2) with a cookie of srcu_read_lock(&ss1)', function* ({ss1, ss2}) {
    yield* srcuReadUnlock(ss2!, yield* srcuReadLock(ss1!))
  }],
  ['srcu_read_unlock(&ss1) with a cookie of no open srcu_read_lock()', function* ({ss1}) {
    const cookie = yield* srcuReadLock(ss1!)
    yield* srcuReadLock(ss1!)
    yield* srcuReadUnlock(ss1!, cookie)
    yield* srcuReadUnlock(ss1!, cookie)
  }],
  ['srcu_read_unlock(&ss1) with a cookie of no open srcu_read_lock()', ({ss1}) => srcuReadUnlock(ss1!, 0)],
  ['the thread ends inside srcu_read_lock(&ss1)', ({ss1}) => srcuReadLock(ss1!)],
  ['illegal synchronize_srcu() in a read-side critical section of ss1: it would wait for itself', function* ({ss1}) {
    yield* srcuReadLock(ss1!)
    yield* synchronizeSrcu(ss1!)
  }],
  ['illegal synchronize_srcu() in an RCU read-side critical section, where a thread must not sleep', function* ({ss1}) {
    yield* rcuReadLock()
    yield* synchronizeSrcu(ss1!)
  }],
]

for (const [i, [splat, body]] of rules.entries()) {
  test(`rule ${i + 1}: ${splat}`, t => {
    t.deepEqual(splats(example('broken', body)).map(({message}) => message), [splat])
    t.deepEqual(splats(example('broken', body, false)), [], 'without the watch nobody complains')
  })
}

// ---- Fields that are declared __rcu ----------------------------------------------------------------------

/** What the threads of the examples share: a list whose links are __rcu, and whose first node points to a second one. */
interface Linked {
  readonly nodes: Heap<{readonly next: 1; readonly value: 1}>
  readonly head: Location
}

function linked(name: string, body: (shared: Linked) => Proc<unknown>, isWatched = true): Program<never> {
  return program(name, memory => {
    const nodes = memory.heap('node', {next: 1, value: 1}, 1)
    const second = nodes.object('second', {next: 0, value: 2})
    const head = memory.word('head', nodes.object('first', {next: second.next, value: 1}).next)
    const threads = {one: () => body({nodes, head})}
    return {threads: isWatched ? p.lockdepThreads(threads, {rcuPointers: [head], rcuFields: [p.rcuField(nodes, 'next')]}) : threads}
  })
}

function* inSection<T>(body: Proc<T>): Proc<T> {
  yield* rcuReadLock()
  const result = yield* body
  yield* rcuReadUnlock()
  return result
}

const fieldRules: readonly (readonly [splat: string, body: (shared: Linked) => Proc<unknown>])[] = [
  ['READ_ONCE of first.next, which is __rcu: rcu_dereference() belongs here', ({head}) => inSection(function* () {
    return yield* readOnce(yield* rcuDereference(head))
  }())],
  ['plain write to first.next, which is __rcu: rcu_assign_pointer() belongs here', function* ({nodes, head}) {
    yield* writePlain(nodes.at(yield* p.rcuDereferenceProtected(head, true)).next, 0)
  }],
  ['WRITE_ONCE to node@one.next, which is __rcu: rcu_assign_pointer() belongs here', function* ({nodes}) {
    yield* writeOnce(nodes.at(yield* kmalloc(nodes, {next: 0, value: 3})).next, 0)
  }],
  ['suspicious rcu_dereference() usage: no rcu_read_lock() is held', function* ({head}) {
    yield* rcuDereference(yield* p.rcuDereferenceRaw(head))
  }],
]

for (const [splat, body] of fieldRules) {
  test(`in a field: ${splat}`, t => {
    t.deepEqual(splats(linked('broken', body)).map(({message}) => message), [splat])
    t.deepEqual(splats(linked('broken', body, false)), [], 'without the watch nobody complains')
  })
}

const cleanFields: Readonly<Record<string, (shared: Linked) => Proc<unknown>>> = {
  'a walk along links that are __rcu': ({nodes, head}) => inSection(function* () {
    const first = yield* rcuDereference(head)
    const second = yield* rcuDereference(nodes.at(first).next)
    return [yield* readPlain(nodes.at(first).value), yield* readPlain(nodes.at(second).value)]
  }()),
  * 'an updater that links and frees'({nodes, head}) {
    const fresh = yield* kmalloc(nodes, {next: 0, value: 3})
    const first = yield* p.rcuDereferenceProtected(head, true)
    yield* p.rcuInitPointer(nodes.at(fresh).next, yield* p.rcuDereferenceProtected(nodes.at(first).next, true))
    yield* rcuAssignPointer(head, fresh)
    yield* synchronizeRcu()
    yield* free(first)
  },
}

for (const [name, body] of Object.entries(cleanFields)) {
  test(`${name} breaks no rule, and runs as without the watch`, t => {
    t.deepEqual(splats(linked(name, body)), [])
    const keys = (isWatched: boolean): readonly string[] => [...executions(linked(name, body, isWatched), lkmm)].map(({execution}) => executionKey(execution)).sort()
    t.deepEqual(keys(true), keys(false))
  })
}

test('a splat tells of the line that breaks the rule, also behind a rewriting', t => {
  const [splat] = splats(example('line', function* ({pointer}) {
    yield* rcuDereference(pointer)
  }), sc)
  const lines = splat!.stack.split('\n').filter(line => line.includes(import.meta.url.replace('file://', '')))
  t.regex(lines[0] ?? splat!.stack, /lockdep\.ts:\d+/)
})

// ---- Programs that break no rule -----------------------------------------------------------------------

const clean: Readonly<Record<string, (shared: Shared) => Proc<unknown>>> = {
  * 'a reader'({pointer}) {
    yield* rcuReadLock()
    yield* rcuReadLock()
    const object = yield* rcuDereference(pointer)
    yield* rcuReadUnlock()
    const value = yield* readPlain(object) // still in the outer section
    yield* rcuReadUnlock()
    return value
  },
  * 'an updater'({pointer, objects, lock}) {
    const fresh = yield* kmalloc(objects, {value: 2, lock: 0})
    yield* spinLock(lock)
    const old = yield* p.rcuReplacePointer(pointer, fresh, lock)
    yield* spinUnlock(lock)
    yield* synchronizeRcu()
    yield* free(old)
  },
  * 'an updater that exchanges'({pointer, objects}) {
    const old = yield* xchg(pointer, yield* kmalloc(objects, {value: 2, lock: 0}))
    yield* p.kfreeRcuMightsleep(old)
    yield* p.rcuInitPointer(pointer, 0)
  },
  * 'rcu_dereference_check() on both sides'({pointer, lock}) {
    yield* rcuReadLock()
    yield* p.rcuDereferenceCheck(pointer, lock)
    yield* rcuReadUnlock()
    yield* spinLock(lock)
    const object = yield* p.rcuDereferenceCheck(pointer, lock)
    yield* readPlain(object)
    yield* spinUnlock(lock)
  },
  * 'a look from outside'({pointer}) {
    return [(yield* p.rcuAccessPointer(pointer)).eq(0), yield* readPlain(yield* p.rcuDereferenceRaw(pointer))]
  },
  * 'a pointer that is handed over'({pointer}) {
    yield* rcuReadLock()
    const object = yield* rcuDereference(pointer)
    yield* spinLock(object.plus(1))
    const kept = yield* p.rcuPointerHandoff(object)
    yield* rcuReadUnlock()
    yield* readPlain(kept)
    yield* spinUnlock(kept.plus(1))
  },
  * 'an SRCU reader that sleeps'({pointer, ss1, ss2, mutex}) {
    const cookie = yield* srcuReadLock(ss1!)
    const object = yield* p.srcuDereference(pointer, ss1!)
    yield* p.mutexLock(mutex, 1)
    yield* p.mutexUnlock(mutex, 1)
    yield* synchronizeSrcu(ss2!)
    yield* readPlain(object)
    yield* srcuReadUnlock(ss1!, cookie)
  },
  * 'SRCU sections that overlap'({pointer, ss1}) {
    const first = yield* srcuReadLock(ss1!)
    const second = yield* srcuReadLock(ss1!)
    const object = yield* p.srcuDereference(pointer, ss1!)
    yield* srcuReadUnlock(ss1!, first)
    yield* readPlain(object)
    yield* srcuReadUnlock(ss1!, second)
  },
  * 'a trylock that protects, or has failed'({pointer, lock, spin}) {
    const isHeld = yield* spinTrylock(lock)
    yield* when(isHeld, function* () {
      yield* p.rcuReplacePointer(pointer, 0, lock)
      yield* spinUnlock(lock)
    })
    const failed = yield* spinTrylock(lock)
    yield* when(yield* p.spinTrylock(spin), function* () {
      yield* p.rcuDereferenceProtected(pointer, spin.locked)
      yield* p.spinUnlock(spin)
    })
    return failed
  },
  * 'an updater under any other lock'({pointer, spin, ticket, mutex, semaphore, rwlock}) {
    yield* p.mutexLock(mutex, 1)
    yield* p.rcuDereferenceProtected(pointer, mutex.owner)
    yield* synchronizeRcu() // a mutex lets sleep
    yield* p.downRead(semaphore)
    yield* p.rcuDereferenceProtected(pointer, semaphore.count)
    yield* p.upRead(semaphore)
    yield* p.downWrite(semaphore)
    yield* p.downgradeWrite(semaphore)
    yield* p.rcuDereferenceProtected(pointer, semaphore.count)
    yield* p.upRead(semaphore)
    yield* p.mutexUnlock(mutex, 1)
    yield* p.spinLock(spin)
    yield* p.ticketSpinLock(ticket)
    yield* p.writeLock(rwlock)
    for (const word of [spin.locked, ticket.owner, rwlock.count]) yield* p.rcuDereferenceProtected(pointer, word)
    yield* p.writeUnlock(rwlock)
    yield* p.ticketSpinUnlock(ticket)
    yield* p.spinUnlock(spin)
    yield* synchronizeRcu()
  },
  * 'a section that another thread closes'({ss1}) {
    yield* p.srcuUpRead(ss1!, yield* p.srcuDownRead(ss1!))
  },
  * 'a publisher'({pointer, objects}) {
    yield* rcuAssignPointer(pointer, yield* kmalloc(objects, {value: 2, lock: 0}))
  },
}

for (const [name, body] of Object.entries(clean)) {
  test(`${name} breaks no rule, and runs as without the watch`, t => {
    t.deepEqual(splats(example(name, body)), [])
    const keys = (isWatched: boolean): readonly string[] => [...executions(example(name, body, isWatched), lkmm)].map(({execution}) => executionKey(execution)).sort()
    t.deepEqual(keys(true), keys(false))
  })
}
