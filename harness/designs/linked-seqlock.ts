/**
 * Designs of linked data under a sequence lock: the check at the end protects what a reader uses, and never the
 * access that it has made by then (perfbook, "Sequence-Locked Pre-BSD Routing Table (BUGGY!!!)").
 */
import {
  free, program, raw, rcuReadLock, rcuReadUnlock, readOnce, synchronizeRcu, when, writeOnce, type Location, type Memory, type Proc, type Program, type Value,
} from '../../lib/index.ts'
import {
  defineSeqcount, readSeqcountBegin, readSeqcountRetry, writeSeqcountBegin, writeSeqcountEnd, type Seqcount,
} from '../../primitives/index.ts'
import {everywhere, nowhere, type Design} from '../design.ts'
import {mutants} from './mutants.ts'

/** An entry of the routing table, for destination `address`. */
interface Route {
  readonly next: Location
  readonly address: Location
  readonly interface: Location
}

/** What is done around a lookup, and with an entry that was taken out. */
interface Parts {
  readonly enter: () => Proc
  readonly exit: () => Proc
  readonly dispose: (entry: Route, table: Table) => Proc
}

interface Table {
  readonly count: Seqcount
  readonly head: Location
}

function* nothing(): Proc {
  // no more than the sequence count
}

function* freeAtOnce({next}: Route): Proc {
  yield* free(next)
}

function* freeAfterReaders({next}: Route): Proc {
  yield* synchronizeRcu()
  yield* free(next)
}

/** Type-safe memory: it stays an entry, and soon is the one for another address. */
function* reuseAsEntry(entry: Route, {count, head}: Table): Proc {
  yield* writeSeqcountBegin(count)
  yield* writeOnce(entry.address, 2)
  yield* writeOnce(entry.interface, 20)
  yield* writeOnce(head, entry.next)
  yield* writeSeqcountEnd(count)
}

/** One entry, for address 1. A reader looks it up, once, while it is taken out. */
function routes(name: string, {enter, exit, dispose}: Parts): Program<never> {
  return program(name, (memory: Memory) => {
    const heap = memory.heap('route', {next: 1, address: 1, interface: 1}, 1)
    const entry = heap.object('entry', {next: 0, address: 1, interface: 10})
    const table = {count: defineSeqcount(memory, 'count'), head: memory.word('head', entry.next)}
    return {
      threads: {
        * deletes() {
          yield* writeSeqcountBegin(table.count)
          yield* writeOnce(table.head, 0)
          yield* writeSeqcountEnd(table.count)
          yield* dispose(entry, table)
        },
        * looksUp() {
          yield* enter()
          const start = yield* readSeqcountBegin(table.count)
          const route = yield* readOnce(table.head)
          const found = yield* when(route.ne(0), function* () {
            const fields = heap.at(route)
            const isMine = (yield* readOnce(fields.address)).eq(1)
            return (yield* readOnce(fields.interface)).times(isMine)
          }, function* () { return route })
          const retry = yield* raw(yield* readSeqcountRetry(table.count, start))
          yield* exit()
          return retry === 0 ? found : null
        },
      },
      claims: {'a lookup finds the interface or nothing': ({looksUp}: Outcome) => looksUp === null || looksUp === 0 || looksUp === 10},
      witnesses: {
        'it is found': ({looksUp}: Outcome) => looksUp === 10,
        'it is not found': ({looksUp}: Outcome) => looksUp === 0,
        'the reader must try again': ({looksUp}: Outcome) => looksUp === null,
      },
    }
  })
}

interface Outcome {
  readonly looksUp: number | null
}

const perfbook = 'perfbook, "Sequence Locks" (CodeSamples/defer/route_seqlock.c)'

const buggyParts: Parts = {enter: nothing, exit: nothing, dispose: freeAtOnce}

const buggy: Design = {
  name: 'seqlock-linked-free',
  title: 'the sequence-locked routing table (BUGGY!!!): a reader follows a pointer to an entry that is freed',
  source: perfbook,
  program: () => routes('seqlock-linked-free', buggyParts),
  expected: nowhere('use-after-free'),
}

const typeSafe: Design = {
  name: 'seqlock-linked-type-safe',
  title: 'the same where entries are never freed, only used for other addresses: the count rejects what was mixed up',
  source: `${perfbook}; perfbook, "Type-Safe Memory"`,
  program: () => routes('seqlock-linked-type-safe', {...buggyParts, dispose: reuseAsEntry}),
  expected: everywhere,
}

function* enterLookup(): Proc {
  yield* rcuReadLock()
}

const rcuParts: Parts = {enter: enterLookup, exit: rcuReadUnlock, dispose: freeAfterReaders}

const withRcu: Design = {
  name: 'seqlock-linked-rcu',
  title: 'the same with lookups in RCU read-side critical sections, and a grace period before the free, as in rcu-walk',
  source: `${perfbook}; Documentation/filesystems/path-lookup.rst ("RCU-walk")`,
  program: () => routes('seqlock-linked-rcu', rcuParts),
  expected: everywhere,
}

// ---- Checking first --------------------------------------------------------------------------------------

/** The count is checked before the pointer is followed: between the two, the entry may die. */
function checkedFirst(name: string): Program<never> {
  return program(name, (memory: Memory) => {
    const heap = memory.heap('route', {interface: 1}, 1)
    const entry = heap.object('entry', {interface: 10})
    const count = defineSeqcount(memory, 'count')
    const head = memory.word('head', entry.interface)
    return {
      threads: {
        * deletes() {
          yield* writeSeqcountBegin(count)
          yield* writeOnce(head, 0)
          yield* writeSeqcountEnd(count)
          yield* free(entry.interface)
        },
        * looksUp() {
          const start = yield* readSeqcountBegin(count)
          const route: Value = yield* readOnce(head)
          const isValid = (yield* readSeqcountRetry(count, start)).not().and(route.ne(0))
          return yield* when(isValid, () => readOnce(route))
        },
      },
      witnesses: {'it is found': ({looksUp}: {looksUp: number | undefined}) => looksUp === 10},
    }
  })
}

const tooSoon: Design = {
  name: 'seqlock-linked-check-first',
  title: 'the count is checked before the pointer is followed, which is no better',
  source: perfbook,
  program: () => checkedFirst('seqlock-linked-check-first'),
  expected: nowhere('use-after-free'),
}

/** The linked data under sequence locks, each followed by its mutants. */
export const linkedSeqlockDesigns: readonly Design[] = [
  buggy, tooSoon, typeSafe,
  withRcu, ...mutants(withRcu, rcuParts, routes, [
    {part: 'enter', without: 'rcu_read_lock', name: 'without-read-lock', expected: nowhere('use-after-free')},
    {part: 'dispose', without: 'synchronize_rcu', name: 'without-grace-period', expected: nowhere('use-after-free')},
  ]),
]
