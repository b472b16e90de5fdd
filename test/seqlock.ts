/** Sequence locks: what readers may rely on, under every model, and what they lose without each barrier. */
import test from 'ava'
import {breaks, holds, reaches} from '../harness/ava.ts'
import {designs} from '../harness/designs.ts'
import {snapshots} from '../harness/designs/snapshots.ts'
import {cpp20, explore, lkmm, models, NoMapping, program, rc11, readOnce, sc, tso, type Memory, type Program} from '../lib/index.ts'
import * as p from '../primitives/index.ts'

const torn = {by: 'no torn snapshot'}
const stale = {by: 'no stale snapshot'}
const race = {by: 'data-race'}

/** The program of a built-in design. */
function design(name: string): Program<never> {
  return designs.find(design => design.name === name)!.program()
}

const cModels = [sc, tso, rc11, cpp20]
const weakModels = [rc11, cpp20, lkmm]

// ---- seqcount_t ------------------------------------------------------------------------------------------

for (const model of models) {
  test(`under ${model.name} a seqcount_t reader sees one version or must try again`, holds, design('kernel-seqcount'), model)
  test(`under ${model.name} it may see either version`, reaches, design('kernel-seqcount'), model)
  test(`under ${model.name} no version is mixed with the one after it`, holds, design('kernel-seqcount-two-writes'), model)
  test(`under ${model.name} an acquire does instead of smp_rmb() in begin`, holds, design('kernel-seqcount-acquire'), model)
  test(`under ${model.name} raw_seqcount_begin() needs no waiting`, holds, design('kernel-seqcount-raw-begin'), model)
  test(`under ${model.name} an odd count must not be validated`, breaks, design('kernel-seqcount-raw-begin-odd'), model, torn)
  test(`under ${model.name} a write barrier orders the stores around it`, holds, design('kernel-seqcount-write-barrier'), model)
  test(`under ${model.name} invalidation keeps older data out`, holds, design('kernel-seqcount-invalidate'), model)
}

for (const model of [sc, tso]) {
  test(`${model.name} needs none of the barriers`, holds, design('kernel-seqcount-barrier-free'), model)
}

for (const model of weakModels) {
  test(`under ${model.name} smp_rmb() in begin keeps old data out`, breaks, design('kernel-seqcount-without-begin-rmb'), model, stale)
  test(`under ${model.name} smp_rmb() in retry keeps torn data out`, breaks, design('kernel-seqcount-without-retry-rmb'), model, torn)
  test(`under ${model.name} smp_wmb() in begin keeps torn data out`, breaks, design('kernel-seqcount-without-begin-wmb'), model, torn)
  test(`under ${model.name} smp_wmb() in end keeps old data out`, breaks, design('kernel-seqcount-without-end-wmb'), model, stale)
  test(`under ${model.name} plain accesses race, whatever the barriers`, breaks, design('kernel-seqcount-plain'), model, race)
}

test('a writer and a reader have ten executions under LKMM, as under sequential consistency', t => {
  t.is(explore(design('kernel-seqcount'), lkmm).counts.executions, 10)
  t.is(explore(design('kernel-seqcount'), sc).counts.executions, 10)
})

/** One thread that looks at the count around each step of a write section, and at what readers would do then. */
const alone = program('alone', (memory: Memory) => {
  const count = p.defineSeqcount(memory, 'count')
  return {
    threads: {
      *writer() {
        const before = yield* p.readSeqcountBegin(count)
        yield* p.writeSeqcountBegin(count)
        const inside = yield* readOnce(count.sequence)
        const insideRaw = yield* p.rawSeqcountBegin(count)
        const retryInside = yield* p.readSeqcountRetry(count, before)
        yield* p.writeSeqcountEnd(count)
        const after = yield* p.readSeqcountBegin(count)
        const retryAfter = yield* p.readSeqcountRetry(count, after)
        yield* p.writeSeqcountInvalidate(count)
        const retryInvalidated = yield* p.readSeqcountRetry(count, after)
        yield* p.rawWriteSeqcountBarrier(count)
        const last = yield* p.rawReadSeqcount(count)
        return {before, inside, insideRaw, retryInside, after, retryAfter, retryInvalidated, last}
      },
    },
    claims: {
      'the count is even outside of write sections': ({writer: {before, after, last}}) => before === 0 && after === 2 && last === 6,
      'the count is odd inside': ({writer: {inside}}) => inside === 1,
      'raw_seqcount_begin() returns the even count before the write section': ({writer: {insideRaw}}) => insideRaw === 0,
      'sections that a writer disturbs must retry': ({writer: {retryInside, retryInvalidated}}) => retryInside === 1 && retryInvalidated === 1,
      'sections that nobody disturbs need not': ({writer: {retryAfter}}) => retryAfter === 0,
    },
  }
})

for (const model of models) test(`under ${model.name} the count tells what the only thread does`, holds, alone, model)

// ---- seqlock_t -------------------------------------------------------------------------------------------

for (const model of models) {
  test(`under ${model.name} seqlock_t writers exclude each other`, holds, design('kernel-seqlock-writers'), model)
  test(`under ${model.name} either writer may come first`, reaches, design('kernel-seqlock-writers'), model)
  test(`under ${model.name} without the spin lock a write section is lost`, breaks, design('kernel-seqlock-writers-without-lock'), model,
    {by: 'no lost write section'})
  test(`under ${model.name} a locking reader may use plain accesses`, holds, design('kernel-seqlock-excl'), model)
  test(`under ${model.name} a reader that locks when it fails always returns`, holds, design('kernel-seqlock-or-lock'), model)
  test(`under ${model.name} it needs the lock in some executions and not in others`, reaches, design('kernel-seqlock-or-lock'), model)
}

test('a reader sees the snapshot that its count names, with two seqlock_t writers', holds, design('kernel-seqlock'), lkmm)
test('also the one from between the writes', reaches, design('kernel-seqlock'), lkmm)

const orLock = program('read_seqbegin_or_lock', (memory: Memory) => {
  const lock = p.defineSeqlock(memory, 'sl')
  return {
    threads: {
      *reader() {
        const lockless = yield* p.readSeqbeginOrLock(lock, 0)
        const retryLockless = yield* p.needSeqretry(lock, lockless)
        yield* p.doneSeqretry(lock, lockless)
        const free = yield* readOnce(lock.lock.locked)
        const locking = yield* p.readSeqbeginOrLock(lock, 1)
        const held = yield* readOnce(lock.lock.locked)
        const retryLocking = yield* p.needSeqretry(lock, locking)
        yield* p.doneSeqretry(lock, locking)
        return {free, held, retryLockless, retryLocking}
      },
    },
    claims: {
      'only the odd round takes the lock': ({reader: {free, held}}) => free === 0 && held === 1,
      'undisturbed, neither round is tried again': ({reader: {retryLockless, retryLocking}}) => retryLockless === 0 && retryLocking === 0,
      'the lock is free in the end': (_, final) => final(lock.lock.locked) === 0,
    },
  }
})

test('read_seqbegin_or_lock() locks when it is told an odd number', holds, orLock, lkmm)

// ---- seqcount_latch_t ------------------------------------------------------------------------------------

for (const model of [sc, tso, lkmm]) {
  test(`under ${model.name} the latch is ordered by its address dependency`, holds, design('kernel-latch'), model)
}
for (const model of [rc11, cpp20]) {
  test(`${model.name} knows no address dependency: the latch is torn`, breaks, design('kernel-latch'), model, torn)
}
test('LKMM gives a branch no such order', breaks, design('kernel-latch-by-branch'), lkmm, torn)

for (const model of models) {
  test(`under ${model.name} an acquire does instead of the dependency`, holds, design('kernel-latch-acquire'), model)
  test(`under ${model.name} latch readers see either copy`, reaches, design('kernel-latch-acquire'), model)
}

const bothCopies = program('latch', (memory: Memory) => {
  const latch = p.defineSeqcountLatch(memory, 'latch')
  const copies = memory.array('data', 2)
  const reader = function* () {
    const seq = yield* p.readSeqcountLatch(latch)
    return yield* readOnce(p.latchedCopy(copies[0]!, 1, seq))
  }
  return {
    threads: {
      *writer() {
        const before = yield* reader()
        yield* p.writeSeqcountLatchBegin(latch)
        const first = yield* p.rawReadSeqcountLatch(latch)
        yield* p.writeSeqcountLatch(latch)
        yield* p.writeSeqcountLatchEnd(latch)
        const retry = yield* p.rawReadSeqcountLatchRetry(latch, first)
        return {before, copy: first.and(1), retry}
      },
    },
    claims: {
      'between begin and the next step, readers use copy 1': ({writer: {copy}}) => copy === 1,
      'a reader of the copy that is changed next must retry': ({writer: {retry}}) => retry === 1,
    },
  }
})

test('the low bit of the count names the copy to read', holds, bothCopies, lkmm)

// ---- C++ and Rust ----------------------------------------------------------------------------------------

for (const model of cModels) {
  test(`under ${model.name} fences around a relaxed payload suffice`, holds, design('c11-seqlock-fences'), model)
  test(`under ${model.name} a reader between fences sees either version`, reaches, design('c11-seqlock-fences'), model)
  test(`under ${model.name} two write sections between fences do not mix`, holds, design('c11-seqlock-fences-two-writes'), model)
  test(`under ${model.name} crossbeam's swap with a fence behind it suffices`, holds, design('c11-seqlock-swap'), model)
  test(`under ${model.name} crossbeam's swap excludes writers`, holds, design('c11-seqlock-swap-writers'), model)
  test(`under ${model.name} a count that wraps lets a torn snapshot pass`, breaks, design('c11-seqlock-two-bits'), model, torn)
}

for (const model of models) {
  test(`under ${model.name} release and acquire on the payload need no fence`, holds, design('c11-seqlock-acqrel'), model)
  test(`under ${model.name} a recheck by RMW suffices if the writer takes the count by RMW`, holds, design('c11-seqlock-rdmw'), model)
}

const {writeBegin, storeWord, writeEnd, ...fencedReader} = p.fencedSeqlock
const fencedWriter = {writeBegin, storeWord, writeEnd}

for (const model of [rc11, cpp20]) {
  test(`under ${model.name} a writer with fences suits a reader that acquires`, holds,
    snapshots('fenced-writer', {...p.acqRelSeqlock, ...fencedWriter}), model)
  test(`under ${model.name} a writer that releases suits a reader with a fence`, holds,
    snapshots('fenced-reader', {...p.acqRelSeqlock, ...fencedReader}), model)
  test(`under ${model.name} a recheck by RMW fails if the writer stores the count`, breaks, design('c11-seqlock-rdmw-store'), model, torn)
  test(`under ${model.name} SeqCst on the count does not help a relaxed payload`, breaks, design('c11-seqlock-seqcst-counter'), model, torn)
  test(`under ${model.name} a volatile payload races`, breaks, design('c11-seqlock-volatile'), model, race)
  test(`under ${model.name} a release of the odd count is no fence`, breaks, design('c11-seqlock-fences-release-odd'), model, torn)
  test(`under ${model.name} an acquire at the recheck is no fence`, breaks, design('c11-seqlock-fences-acquire-recheck'), model, torn)
  test(`under ${model.name} an acquire swap is no fence`, breaks, design('c11-seqlock-swap-without-release-fence'), model, torn)
}

for (const model of weakModels) {
  test(`under ${model.name} orderings on the count alone do not suffice`, breaks, design('c11-seqlock-counter-only'), model, torn)
}

test('a two-bit count is enough for one write section', holds, snapshots('two-bits-once', p.twoBitSeqlock), rc11)

test('LKMM has no counterpart of C++\'s fences, and says so', t => {
  t.throws(() => explore(design('c11-seqlock-fences'), lkmm), {instanceOf: NoMapping, message: /^fence\(Release\)/})
})
