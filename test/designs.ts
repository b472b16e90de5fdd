/** The built-in designs: each does what it says it does, and each barrier has a mutant that does without it. */
import test from 'ava'
import {brokenBy, holds} from '../harness/design.ts'
import {designs, type Design} from '../harness/designs.ts'
import {defaultSearch, evaluate, redundantOf, type Row} from '../harness/evaluate.ts'
import {failureReport, userSites} from '../harness/index.ts'
import {casesOf, expectedIn} from '../harness/setting.ts'
import {lkmm, models, program, rc11, Value, type Location, type Op, type Proc, type Reply} from '../lib/index.ts'
import * as primitives from '../primitives/index.ts'
import * as rcu from '../primitives/rcu.ts'
import * as membarrier from '../primitives/membarrier.ts'
import * as rcuEpoch from '../primitives/rcu-epoch.ts'
import * as rcuFlavour from '../primitives/rcu-flavour.ts'
import * as rcuUrcu from '../primitives/rcu-urcu.ts'
import * as rculist from '../primitives/rculist.ts'

const evaluated = new Map<Design, readonly Row[]>()

/** Evaluated once, for all of the tests below. */
function rowsOf(design: Design): readonly Row[] {
  const known = evaluated.get(design)
  if (known !== undefined) return known
  const rows = last(evaluate([design], models, {...defaultSearch, mode: 'exhaustive'}))
  evaluated.set(design, rows)
  return rows
}

function last<T>(steps: Generator<unknown, T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

for (const design of designs) {
  test(`${design.name} does what is expected of it`, t => {
    for (const row of rowsOf(design)) {
      t.is(row.agrees, true, `${row.model.name} ${row.setting?.regime ?? ''}: expected ${row.expected?.verdict}, found ${row.verdict} ${row.operation ?? ''}`)
      t.deepEqual(row.vacuous, [], `${row.model.name}: no execution shows these`)
    }
  })
}

test('no report is wider than 100 columns, and each names its remedy or says why there is none', t => {
  const isKernelCode = (rows: readonly Row[]): boolean => rows.every(row => row.model !== lkmm || row.verdict !== 'no mapping')
  const inOwnWords = designs.map(rowsOf).flatMap(rows => rows.filter(row => row.model === (isKernelCode(rows) ? lkmm : rc11)))
  const seen = new Set<string>() // one report of each kind per original: to explain each of hundreds takes a minute
  for (const {subject, program, model, setting, broken} of inOwnWords) {
    const kind = `${subject.of ?? subject.name} ${broken?.failure.kind}`
    if (broken === null || seen.has(kind)) continue
    seen.add(kind)
    const {run, failure, token, limits} = broken
    const shown = {name: subject.name, program, model, setting, run, failure, command: `npm start -- replay ${token}`, sites: userSites(program, model, run, '', limits)}
    const report = failureReport(shown, {verbose: true})
    t.deepEqual(report.split('\n').filter(line => line.length > 100 && !line.includes(' replay ')), [], subject.name)
    // who waits for whom, what was thrown, and what died are explained in sentences of their own
    if (failure.kind === 'panic') continue
    const reason = failure.kind === 'fault' ? /(died in|before anybody wrote) / : failure.kind === 'deadlock' ? / waits in / : / would|No ordering is missing|No (single|one or two)/
    t.regex(report, reason, subject.name)
  }
})

test('names are unique words that fit in a token, and stand in the program too', t => {
  t.is(new Set(designs.map(({name}) => name)).size, designs.length)
  for (const {name, program} of designs) {
    t.regex(name, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/)
    t.is(program().name, name)
  }
})

test('every design states what it expects under every model, by the name of a claim, a flag or a fault', t => {
  const faults = ['use-after-free', 'double-free', 'zombie', 'uninitialised', 'leak', 'deadlock', 'panic']
  for (const {name: design, expected, program} of designs) {
    for (const {expected: byModel} of casesOf(expected)) {
      t.deepEqual(Object.keys(byModel).sort(), models.map(({name}) => name).sort(), design)
      for (const {name, flags} of models) {
        const expectation = byModel[name]!
        const known = [...Object.keys(program().claims), ...Object.keys(flags), ...faults]
        t.true(expectation.verdict !== 'broken' || known.includes(expectation.by), `${design} under ${name}`)
      }
    }
  }
})

test('every mutant follows its original and says what was changed', t => {
  let original = designs[0]!
  for (const design of designs) {
    if (design.of === undefined) original = design
    else {
      t.is(design.of, original.name)
      t.regex(design.change ?? '', / in [a-z0-9_]+\(\)$/, design.name)
    }
  }
})

test('what no model misses: orderings that others make redundant', t => {
  const rows = designs.flatMap(rowsOf)
  t.deepEqual(redundantOf(rows).map(({subject}) => subject.name), [
    'c11-seqlock-acqrel-relaxed-odd', 'c11-seqlock-acqrel-relaxed-retry',
    // the compiler reorders nothing in any of the models
    'kernel-membarrier-after-without-barrier', 'kernel-membarrier-before-without-barrier',
    // one updater needs no order from the lock of grace periods, and urcu-mb has full barriers inside of it
    'rcu-qsbr-relaxed-gp-lock', 'rcu-qsbr-relaxed-gp-unlock',
    // each of the three barriers of a grace period of two epochs does for the others; see rcu-epoch-without-any-mb
    'rcu-epoch-without-garbage-mb', 'rcu-epoch-without-first-advance-mb', 'rcu-epoch-without-second-advance-mb',
    'rcu-epoch-relaxed-advance', 'rcu-epoch-relaxed-gp-lock',
    'rcu-urcu-mb-relaxed-gp-lock', 'rcu-urcu-mb-relaxed-gp-unlock', 'rcu-urcu-memb-without-barrier',
  ])
})

test('what only load buffering shows, RC11 does not miss', t => {
  const under = (model: string) => ({expected}: Design) => expectedIn(expected, model, null)
  const spared = designs.filter(design => under('rc11')(design) === holds && under('c++20')(design) !== holds)
  t.deepEqual(spared.map(({name}) => name), ['c11-seqlock-rdmw-relaxed-take', 'c11-seqlock-rdmw-relaxed-recheck'])
  t.deepEqual(spared.map(under('lkmm')), [brokenBy('no torn snapshot'), brokenBy('no torn snapshot')])
})

// ---- Completeness: a mutant for every barrier and every ordering ---------------------------------------

type Call = (word: Location) => Proc<unknown>

/** A function with orderings of its own, and the design in whose mutants they are left out or weakened. */
type Ordered = readonly [name: string, design: string, call: Call]

function orderedFunctions(): readonly Ordered[] {
  const p = primitives
  const steps = (design: string, lock: primitives.SequenceLock): readonly Ordered[] => [
    ['write_begin', design, word => lock.writeBegin({sequence: word})],
    ['store_word', design, word => lock.storeWord(word, 1)],
    ['write_end', design, word => lock.writeEnd({sequence: word}, Value.of(0))],
    ['read_begin', design, word => lock.readBegin({sequence: word})],
    ['load_word', design, word => lock.loadWord(word)],
    ['read_retry', design, word => lock.readRetry({sequence: word}, Value.of(0))],
  ]
  const hazardSteps = (design: string, {tryProtect, reset, scan}: primitives.HazardPointers): readonly Ordered[] => [
    ['try_protect', design, word => tryProtect({slot: word}, word)],
    ['reset', design, word => reset({slot: word})],
    ['scan', design, word => scan([{slot: word}], 0)],
  ]
  return [
    ['read_seqcount_begin', 'kernel-seqcount', word => p.readSeqcountBegin({sequence: word})],
    ['read_seqcount_begin_acquire', 'kernel-seqcount-acquire', word => p.readSeqcountBeginAcquire({sequence: word})],
    ['read_seqcount_retry', 'kernel-seqcount', word => p.readSeqcountRetry({sequence: word}, 0)],
    ['write_seqcount_begin', 'kernel-seqcount', word => p.writeSeqcountBegin({sequence: word})],
    ['write_seqcount_end', 'kernel-seqcount', word => p.writeSeqcountEnd({sequence: word})],
    ['raw_seqcount_begin', 'kernel-seqcount-raw-begin', word => p.rawSeqcountBegin({sequence: word})],
    ['raw_write_seqcount_barrier', 'kernel-seqcount-write-barrier', word => p.rawWriteSeqcountBarrier({sequence: word})],
    ['write_seqcount_invalidate', 'kernel-seqcount-invalidate', word => p.writeSeqcountInvalidate({sequence: word})],
    ['raw_write_seqcount_latch', 'kernel-latch', word => p.rawWriteSeqcountLatch({seqcount: {sequence: word}})],
    ['read_seqcount_latch_retry', 'kernel-latch', word => p.readSeqcountLatchRetry({seqcount: {sequence: word}}, 0)],
    ['read_seqcount_latch_acquire', 'kernel-latch-acquire', word => p.readSeqcountLatchAcquire({seqcount: {sequence: word}})],
    ...steps('c11-seqlock-fences', p.fencedSeqlock),
    ...steps('c11-seqlock-acqrel', p.acqRelSeqlock),
    ...steps('c11-seqlock-rdmw', p.rmwSeqlock),
    ['write_begin', 'c11-seqlock-swap', word => p.swapSeqlock.writeBegin({sequence: word})],
    ['read_lock', 'rcu-counting', word => p.countingRcu.readLock({count: word}, 0)],
    ['read_unlock', 'rcu-counting', word => p.countingRcu.readUnlock({count: word}, 0)],
    ['synchronize', 'rcu-counting', word => p.countingRcu.synchronize({count: word})],
    ['quiescent_state', 'rcu-qsbr', word => p.qsbrRcu.readLock({gp: word, lock: word, readers: [word]}, 0)],
    ['synchronize', 'rcu-qsbr', word => p.qsbrRcu.synchronize({gp: word, lock: word, readers: []})],
    ['read_lock', 'rcu-epoch', word => p.epochRcu.readLock({epoch: word, lock: word, locals: [word]}, 0)],
    ['read_unlock', 'rcu-epoch', word => p.epochRcu.readUnlock({epoch: word, lock: word, locals: [word]}, 0)],
    ['read_lock', 'rcu-urcu-mb', word => p.urcuMb.readLock({gp: word, lock: word, readers: [word]}, 0)],
    ['read_unlock', 'rcu-urcu-mb', word => p.urcuMb.readUnlock({gp: word, lock: word, readers: [word]}, 0)],
    ['synchronize', 'rcu-urcu-mb', word => p.urcuMb.synchronize({gp: word, lock: word, readers: []})],
    ['membarrier', 'kernel-membarrier-after', word => p.membarrier({interrupts: [word], most: 1})],
    ['spin_lock', 'kernel-spinlock', word => p.spinLock({locked: word})],
    ['spin_unlock', 'kernel-spinlock', word => p.spinUnlock({locked: word})],
    ['spin_trylock', 'kernel-spin-trylock', word => p.spinTrylock({locked: word})],
    ['ticket_spin_lock', 'kernel-ticket-lock', word => p.ticketSpinLock({next: word, owner: word})],
    ['ticket_spin_unlock', 'kernel-ticket-lock', word => p.ticketSpinUnlock({next: word, owner: word})],
    ['mutex_lock', 'kernel-mutex', word => p.mutexLock({owner: word}, 1)],
    ['mutex_unlock', 'kernel-mutex', word => p.mutexUnlock({owner: word}, 1)],
    ['read_lock', 'kernel-rwlock', word => p.readLock({count: word})],
    ['read_unlock', 'kernel-rwlock', word => p.readUnlock({count: word})],
    ['write_lock', 'kernel-rwlock', word => p.writeLock({count: word})],
    ['write_unlock', 'kernel-rwlock', word => p.writeUnlock({count: word})],
    ['down_read', 'kernel-rwsem', word => p.downRead({count: word})],
    ['up_read', 'kernel-rwsem', word => p.upRead({count: word})],
    ['down_write', 'kernel-rwsem', word => p.downWrite({count: word})],
    ['up_write', 'kernel-rwsem', word => p.upWrite({count: word})],
    ['downgrade_write', 'kernel-rwsem-downgrade', word => p.downgradeWrite({count: word})],
    ['hp_try_record', 'kernel-hazptr', word => p.hpTryRecord({slot: word}, word)],
    ['hp_try_record_first', 'zombie-hazptr-first', word => p.hpTryRecordFirst({slot: word}, word)],
    ['hp_clear', 'kernel-hazptr', word => p.hpClear({slot: word})],
    ['hazptr_scan', 'kernel-hazptr', word => p.hazptrScan([{slot: word}], 0)],
    ...hazardSteps('c11-hazptr-fences', p.fencedHazardPointers),
    ...hazardSteps('c11-hazptr-seqcst', p.seqCstHazardPointers),
    ['refcount_inc', 'kernel-refcount', word => p.refcountInc(word)],
    ['refcount_inc_not_zero', 'kernel-refcount', word => p.refcountIncNotZero(word)],
    ['refcount_dec_and_test', 'kernel-refcount', word => p.refcountDecAndTest(word)],
    ['kref_get', 'kernel-kref', word => p.krefGet(word)],
    ['kref_get_unless_zero', 'kernel-kref', word => p.krefGetUnlessZero(word)],
    ['kref_put', 'kernel-kref', word => p.krefPut(word, function* () {})],
    ['lifo_push', 'zombie-push-rcu', word => p.lifoPush(word, Value.of(word))],
    ['lifo_pop_all', 'zombie-push-rcu', word => p.lifoPopAll(word)],
    ['counted_push', 'zombie-pop-counted', word => p.countedPush(word, Value.of(word))],
    ['counted_pop', 'zombie-pop-counted', word => p.countedPop(word)],
    ['lock_hashed', 'zombie-hashed-locks-second', word => p.lockHashed([word, word], 0)],
    ['find_locked', 'zombie-hashed-locks-second', word => p.findLocked([word, word], word, word)],
    ['find_locked_first', 'zombie-hashed-locks-first', word => p.findLockedFirst([word, word], word, word)],
    ['promote', 'zombie-weak-promote', word => p.promote(word, word)],
    ['spin_mutex_lock', 'c11-spin-mutex', word => p.spinMutexLock({flag: word})],
    ['spin_mutex_unlock', 'c11-spin-mutex', word => p.spinMutexUnlock({flag: word})],
    ['ticket_mutex_lock', 'c11-ticket-mutex', word => p.ticketMutexLock({next: word, serving: word})],
    ['ticket_mutex_unlock', 'c11-ticket-mutex', word => p.ticketMutexUnlock({next: word, serving: word})],
    ['futex_mutex_lock', 'c11-futex-mutex', word => p.futexMutexLock({futex: word})],
    ['futex_mutex_unlock', 'c11-futex-mutex', word => p.futexMutexUnlock({futex: word})],
  ]
}

test('every barrier and every ordering of every primitive has a mutant without it', t => {
  for (const [name, family, call] of orderedFunctions()) {
    const changes = designs.filter(({of}) => of?.startsWith(family)).map(({change}) => change!)
    for (const [operation, times] of orderings(call)) {
      const without = changes.filter(change => change.endsWith(`in ${name}()`) && change.includes(operation))
      t.true(without.length >= times, `${operation} in ${name}() of ${family}: ${times} times, with ${without.length} mutants`)
    }
  }
})

/** Functions that are made of others, and have no barrier and no ordering of their own. */
const compositions: Readonly<Record<string, readonly string[]>> = {
  rawReadSeqcountBegin: ['readSeqcountBegin'], rawReadSeqcount: ['rawSeqcountBegin'],
  rawWriteSeqcountBegin: ['writeSeqcountBegin'], rawWriteSeqcountEnd: ['writeSeqcountEnd'],
  rawReadSeqcountLatchRetry: ['readSeqcountLatchRetry'],
  writeSeqcountLatchBegin: ['rawWriteSeqcountLatch'], writeSeqcountLatch: ['rawWriteSeqcountLatch'],
  writeSeqlock: ['spinLock', 'writeSeqcountBegin'], writeSequnlock: ['writeSeqcountEnd', 'spinUnlock'],
  readSeqbegin: ['readSeqcountBegin'], readSeqretry: ['readSeqcountRetry'],
  readSeqlockExcl: ['spinLock'], readSequnlockExcl: ['spinUnlock'],
  lifoPop: ['countedPop'],
  readSeqbeginOrLock: ['spinLock', 'readSeqcountBegin'], needSeqretry: ['readSeqcountRetry'], doneSeqretry: ['spinUnlock'],
}

/** A primitive's function, given one word for every field that its object may have. */
function callOf(name: string, argument: number): Call {
  const primitive = Object.entries(primitives).find(([exported]) => exported === name)![1] as (...args: readonly unknown[]) => Proc<unknown>
  return word => {
    const words = {sequence: word, locked: word, next: word, owner: word, serving: word, flag: word, futex: word, slot: word, count: word}
    return primitive({...word, ...words, seqcount: words, lock: words}, Value.of(argument))
  }
}

/** The orderings of a primitive, whichever way it is called. */
function orderingsOf(name: string): Readonly<Record<string, number>> {
  const found: Record<string, number> = {}
  for (const argument of [0, 1]) {
    for (const [operation, times] of orderings(callOf(name, argument))) found[operation] = Math.max(found[operation] ?? 0, times)
  }
  return found
}

/** Those of RCU need one another's threads: test/rcu.ts takes away what they order. */
const ofRcu = new Set([rcu, rculist, rcuFlavour, rcuEpoch, rcuUrcu, membarrier].flatMap(Object.keys))

test('no primitive is left out', t => {
  const listed = new Set(orderedFunctions().map(([name]) => name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase())))
  const functions = Object.entries(primitives).filter(([name, value]) => typeof value === 'function' && !/^(define.*|isEven|latchedCopy|lockdep.*|rcuField|Splat)$/.test(name) && !ofRcu.has(name)).map(([name]) => name)
  t.true(functions.length > 30)
  for (const name of functions.filter(name => !listed.has(name))) {
    const own = orderingsOf(name)
    const parts: Record<string, number> = {}
    for (const part of compositions[name] ?? []) {
      t.true(listed.has(part), part)
      for (const [operation, times] of Object.entries(orderingsOf(part))) parts[operation] = (parts[operation] ?? 0) + times
    }
    t.deepEqual(own, parts, `${name}() has orderings without a mutant`)
  }
})

const unordered: readonly string[] = ['plain', 'ONCE', 'NORETURN', 'NA', 'RLX']

/** The operations of one call that order something, whichever way it takes, and how often it has each. */
function orderings(call: Call): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const first of [0, 1]) {
    const names = operations(call, first).flatMap(op => 'order' in op && !unordered.includes(op.order) ? [op.name] : [])
    for (const name of names) found.set(name, Math.max(found.get(name) ?? 0, names.filter(other => other === name).length))
  }
  return found
}

const {memory: [someWord]} = program('a word', memory => {
  memory.word('word')
  return {threads: {nobody: function* () {}}}
})

/** What the call yields if its reads find `first`, or else the least number that they wait for. */
function operations(call: Call, first: number): readonly Op[] {
  const found: Op[] = []
  const proc = call(someWord!)
  for (let step = proc.next(); !step.done; step = proc.next(replyTo(step.value, first))) found.push(step.value)
  return found
}

function replyTo(op: Op, first: number): Reply {
  switch (op.kind) {
    case 'load': case 'rmw': return Value.of(op.until === undefined || op.until(first) ? first : op.until(0) ? 0 : 1)
    case 'cas': return Value.of(first)
    case 'raw': return op.value.scalar
    case 'when': return op.condition.scalar !== 0
    case 'address': return op.value.scalar
    case 'pick': return Value.of(op.among.choices(0, 0, false)![0]!)
    case 'store': case 'fence': case 'merge': case 'iterate': case 'atomic-next': case 'check': case 'compute': return undefined
  }
}
