/** Designs of sequence locks in C++'s and Rust's atomics. */
import {program, type Memory, type Program} from '../../lib/index.ts'
import {
  acqRelSeqlock, counterOnlySeqlock, defineSeqcount, fencedSeqlock, rdmwSeqlock, rmwSeqlock, seqCstCounterSeqlock, swapSeqlock,
  twoBitSeqlock, volatileSeqlock, type SequenceLock,
} from '../../primitives/index.ts'
import {brokenBy, everywhere, holds, noMapping, nowhere, onlyInOrder, type Design, type Expected} from '../design.ts'
import {mutants, type Mutation} from './mutants.ts'
import {snapshots, tornSnapshot, twoWords} from './snapshots.ts'

const boehm = 'Boehm, HPL-2012-68'

const torn = onlyInOrder(tornSnapshot)

/** The kernel model knows no C++ fences, so that it cannot judge a design that has this one. */
const fenced = (expected: Expected, fence: 'fence(Acquire)' | 'fence(Release)' = 'fence(Release)'): Expected =>
  ({...expected, lkmm: noMapping(fence)})

type Mutations = readonly Mutation<SequenceLock>[]

/** A design with one writer and one reader, and its mutants. */
function family(design: Omit<Design, 'program'>, lock: SequenceLock, mutations: Mutations = [], writes = 1): readonly Design[] {
  const build = (name: string, parts: SequenceLock): Program<never> => snapshots(name, parts, writes)
  const original: Design = {...design, program: () => build(design.name, lock)}
  return [original, ...mutants(original, lock, build, mutations)]
}

const fences = family({
  name: 'c11-seqlock-fences',
  title: 'fences around a relaxed payload',
  source: `${boehm}; the crate seqlock, with an atomic payload`,
  expected: fenced(everywhere),
}, fencedSeqlock, [
  {part: 'writeBegin', without: 'fence(Release)', name: 'without-release-fence', expected: fenced(torn, 'fence(Acquire)')},
  {part: 'writeEnd', relaxed: 'store(Release)', name: 'relaxed-end', expected: fenced(torn)},
  {part: 'readBegin', relaxed: 'load(Acquire) until', name: 'relaxed-begin', expected: fenced(torn)},
  {part: 'readRetry', without: 'fence(Acquire)', name: 'without-acquire-fence', expected: fenced(torn)},
  // what looks like an equivalent of each fence, and orders the other side of the access
  {
    part: 'writeBegin', instead: counterOnlySeqlock.writeBegin, change: 'with store(Release) for store(Relaxed) and fence(Release)',
    name: 'release-odd', expected: fenced(torn, 'fence(Acquire)'),
  },
  {
    part: 'readRetry', instead: counterOnlySeqlock.readRetry, change: 'with load(Acquire) for fence(Acquire) and load(Relaxed)',
    name: 'acquire-recheck', expected: fenced(torn),
  },
])

const fencesTwoWrites = family({
  name: 'c11-seqlock-fences-two-writes',
  title: 'fences around a relaxed payload, two write sections',
  source: boehm,
  expected: fenced(everywhere),
}, fencedSeqlock, [], 2)

const acqRel = family({
  name: 'c11-seqlock-acqrel',
  title: 'release stores and acquire loads of the payload, and no fence',
  source: `${boehm}; what McKenney's option 2 admits`,
  expected: everywhere,
}, acqRelSeqlock, [
  // the payload's own stores release the odd count, and its loads come before the second look at the count
  {part: 'writeBegin', relaxed: 'store(Release)', name: 'relaxed-odd', expected: everywhere},
  {part: 'readRetry', relaxed: 'load(Acquire)', name: 'relaxed-retry', expected: everywhere},
  {part: 'storeWord', relaxed: 'store(Release)', name: 'relaxed-stores', expected: torn},
  {part: 'writeEnd', relaxed: 'store(Release)', name: 'relaxed-end', expected: torn},
  {part: 'readBegin', relaxed: 'load(Acquire) until', name: 'relaxed-begin', expected: torn},
  {part: 'loadWord', relaxed: 'load(Acquire)', name: 'relaxed-loads', expected: torn},
])

const rdmw = family({
  name: 'c11-seqlock-rdmw-store',
  title: "read-don't-modify-write recheck, and a writer that stores the count",
  source: `${boehm}, which needs a writer with RMWs`,
  expected: fenced(torn),
}, rdmwSeqlock)

/**
 * The torn read is load buffering: the reader's load takes a store that follows an RMW that takes the
 * reader's own, later RMW. RC11 forbids every such cycle of po and rf, ordered or not.
 */
const tornByLoadBuffering: Expected = {...torn, rc11: holds}

const rmw = family({
  name: 'c11-seqlock-rdmw',
  title: "read-don't-modify-write recheck, and a writer that takes the count by an acquire RMW",
  source: boehm,
  expected: everywhere,
}, rmwSeqlock, [
  {part: 'writeBegin', relaxed: 'fetch_add(Acquire)', name: 'relaxed-take', expected: tornByLoadBuffering},
  {part: 'writeEnd', relaxed: 'store(Release)', name: 'relaxed-end', expected: torn},
  {part: 'readBegin', relaxed: 'load(Acquire) until', name: 'relaxed-begin', expected: torn},
  {part: 'readRetry', relaxed: 'fetch_add(Release)', name: 'relaxed-recheck', expected: tornByLoadBuffering},
])

const volatilePayload = family({
  name: 'c11-seqlock-volatile',
  title: 'fences around a payload that is not atomic (volatile reads are no better)',
  source: 'the crate seqlock 0.2, issue 2; crossbeam-utils AtomicCell, crossbeam issue 859',
  expected: fenced({...everywhere, rc11: brokenBy('data-race'), 'c++20': brokenBy('data-race')}),
}, volatileSeqlock)

const counterOnly = family({
  name: 'c11-seqlock-counter-only',
  title: 'release stores and acquire loads of the count alone, around a relaxed payload',
  source: 'a common mistake: curry #153, CPython gh-121368',
  expected: torn,
}, counterOnlySeqlock)

const seqCstCounter = family({
  name: 'c11-seqlock-seqcst-counter',
  title: 'SeqCst on every access of the count, around a relaxed payload',
  source: boehm,
  expected: {...torn, lkmm: noMapping('load(SeqCst)')},
}, seqCstCounterSeqlock)

// ---- Writers that need no other lock --------------------------------------------------------------------

const swap = family({
  name: 'c11-seqlock-swap',
  title: 'crossbeam: the writers\' lock is a swap of the count, with a fence behind it',
  source: 'crossbeam-utils, SeqLock of AtomicCell; pull request 39 was without the fence',
  expected: fenced(everywhere),
}, swapSeqlock, [
  {part: 'writeBegin', without: 'fence(Release)', name: 'without-release-fence', expected: fenced(torn, 'fence(Acquire)')},
  {part: 'writeEnd', relaxed: 'store(Release)', name: 'relaxed-end', expected: fenced(torn)},
])

const wholeData = 'the data is whole in the end'

/** Two writers and nobody who reads: what is left must be one writer's, and both must have counted. */
function writersProgram(name: string, lock: SequenceLock): Program<never> {
  return program(name, (memory: Memory) => {
    const count = defineSeqcount(memory, 'count')
    const data = twoWords(memory)
    const writer = (v: number) => function* () {
      const section = yield* lock.writeBegin(count)
      yield* lock.storeWord(data.a, v)
      yield* lock.storeWord(data.b, v)
      yield* lock.writeEnd(count, section)
    }
    return {
      threads: {first: writer(1), second: writer(2)},
      claims: {
        [wholeData]: (_, final) => final(data.a) === final(data.b),
        'no lost write section': (_, final) => final(count.sequence) === 4,
      },
      witnesses: {
        'the first writer is the last': (_, final) => final(data.a) === 1,
        'the second writer is the last': (_, final) => final(data.a) === 2,
      },
    }
  })
}

const swapWriters: Design = {
  name: 'c11-seqlock-swap-writers',
  title: 'crossbeam: two writers, whose lock is a swap of the count',
  source: 'crossbeam-utils, SeqLock of AtomicCell',
  program: () => writersProgram('c11-seqlock-swap-writers', swapSeqlock),
  expected: fenced(everywhere),
}

const swapWritersMutations: Mutations = [
  {part: 'writeBegin', relaxed: 'swap(Acquire) until', name: 'relaxed-swap', expected: fenced(onlyInOrder(wholeData))},
]

// ---- A count that wraps ---------------------------------------------------------------------------------

/** Only `no torn snapshot` is claimed: a count that wraps does not say which version it means. */
function wrapProgram(name: string, lock: SequenceLock): Program<never> {
  const whole: Program<never> = snapshots(name, lock, 2)
  const {[tornSnapshot]: untorn} = whole.claims
  return {...whole, claims: {[tornSnapshot]: untorn!}}
}

const twoBits: Design = {
  name: 'c11-seqlock-two-bits',
  title: 'fences around a relaxed payload, with a count of two bits that wraps after two writes',
  source: 'the crate seqlock, issue 3; at 32 bits the kernel takes the risk',
  program: () => wrapProgram('c11-seqlock-two-bits', twoBitSeqlock),
  expected: fenced(nowhere(tornSnapshot)),
}

/** The designs in C++'s and Rust's atomics, each followed by its mutants. */
export const c11Designs: readonly Design[] = [
  ...fences, ...fencesTwoWrites, ...acqRel, ...rdmw, ...rmw, ...volatilePayload, ...counterOnly, ...seqCstCounter, ...swap,
  swapWriters, ...mutants(swapWriters, swapSeqlock, writersProgram, swapWritersMutations),
  twoBits,
]
