/**
 * Sequence locks in C++'s and Rust's atomics: the ways to order a payload that is read while it is written.
 *
 * Sources: Boehm, "Can seqlocks get along with programming language memory models?" (HPL-2012-68,
 * MSPC 2012), which compares them; the Rust crates `seqlock` and `crossbeam-utils` (AtomicCell). What
 * synchronises with what is C++20 [atomics.order] and [atomics.fences].
 *
 * Each is one object with the same six steps, so that a program can be run with any of them.
 */
import {
  fence, fetchAdd, load, loadUntil, readNonAtomic, store, swapUntil, writeNonAtomic,
  type Address, type Operand, type Proc, type Value,
} from '../lib/index.ts'
import {isEven, type Seqcount} from './seqlock.ts'

/**
 * The steps of a sequence lock. `Section` is what a writer carries from the start of its write section
 * to the end. A reader may use what it loaded only if `readRetry` says false.
 */
export interface SequenceLock<Section = Value> {
  /** The count is even before, odd after. Writers exclude each other by other means, unless said otherwise. */
  readonly writeBegin: (count: Seqcount) => Proc<Section>
  readonly storeWord: (at: Address, value: Operand) => Proc
  /** The count is odd before, and the next even number after. */
  readonly writeEnd: (count: Seqcount, section: Section) => Proc
  /** Waits while the count is odd; returns the even one. */
  readonly readBegin: (count: Seqcount) => Proc<Value>
  readonly loadWord: (at: Address) => Proc<Value>
  /** Whether the snapshot must be thrown away, given what `readBegin` returned. */
  readonly readRetry: (count: Seqcount, start: Value) => Proc<Value>
}

/** Fences and a relaxed payload: Boehm's portable version, and the crate `seqlock` with an atomic payload. */
export const fencedSeqlock: SequenceLock = {
  *writeBegin({sequence}) {
    const even = yield* load(sequence, 'Relaxed') // only writers write it, and they take turns
    yield* store(sequence, even.plus(1), 'Relaxed')
    yield* fence('Release') // the odd count before the payload; pairs with fence(Acquire) in readRetry
    return even
  },
  *storeWord(word, value) {
    yield* store(word, value, 'Relaxed')
  },
  *writeEnd({sequence}, even) {
    yield* store(sequence, even.plus(2), 'Release') // the payload before the even count; pairs with readBegin
  },
  *readBegin({sequence}) {
    return yield* loadUntil(sequence, 'Acquire', isEven) // the count before the payload; pairs with writeEnd
  },
  *loadWord(word) {
    return yield* load(word, 'Relaxed')
  },
  *readRetry({sequence}, start) {
    yield* fence('Acquire') // the payload before the count; pairs with fence(Release) in writeBegin
    return (yield* load(sequence, 'Relaxed')).ne(start)
  },
}

/**
 * No fences, and nothing relaxed in the payload: every word that the writer stores is a release of the odd
 * count, and every word that the reader loads acquires it.
 */
export const acqRelSeqlock: SequenceLock = {
  *writeBegin({sequence}) {
    const even = yield* load(sequence, 'Relaxed')
    yield* store(sequence, even.plus(1), 'Release')
    return even
  },
  *storeWord(word, value) {
    yield* store(word, value, 'Release') // the odd count before this word; pairs with loadWord
  },
  *writeEnd({sequence}, even) {
    yield* store(sequence, even.plus(2), 'Release') // the payload before the even count; pairs with readBegin
  },
  *readBegin({sequence}) {
    return yield* loadUntil(sequence, 'Acquire', isEven) // the count before the payload; pairs with writeEnd
  },
  *loadWord(word) {
    return yield* load(word, 'Acquire') // this word before the second look at the count; pairs with storeWord
  },
  *readRetry({sequence}, start) {
    return (yield* load(sequence, 'Acquire')).ne(start)
  },
}

/**
 * The reader looks at the count again by a "read-don't-modify-write": an RMW that adds 0, as a release.
 * That cannot work with a writer that stores: nothing of the writer's acquires the reader's release.
 */
export const rdmwSeqlock: SequenceLock = {
  ...fencedSeqlock,
  *readRetry({sequence}, start) {
    return (yield* fetchAdd(sequence, 0, 'Release')).ne(start) // the payload before the count; pairs with nothing
  },
}

/**
 * The same reader with a writer that counts up by an acquire RMW: it reads what a reader's RMW wrote, if
 * that came first, and then the reader's loads happened before the writer's stores.
 */
export const rmwSeqlock: SequenceLock = {
  ...rdmwSeqlock,
  *writeBegin({sequence}) {
    return yield* fetchAdd(sequence, 1, 'Acquire') // the odd count before the payload; pairs with readRetry
  },
}

/**
 * As fencedSeqlock, but the payload is not atomic: the crate `seqlock` as it is, volatile reads included
 * (volatile is not atomic, neither in C++ nor in Rust).
 */
export const volatileSeqlock: SequenceLock = {
  ...fencedSeqlock,
  storeWord: writeNonAtomic,
  loadWord: readNonAtomic,
}

/**
 * crossbeam's fallback for a large AtomicCell, with an atomic payload: 1 means locked, so that one swap is
 * the writers' lock and the odd count. Writers need no other lock.
 */
export const swapSeqlock: SequenceLock = {
  ...fencedSeqlock,
  *writeBegin({sequence}) {
    // Acquire: what earlier writers did before what this one does; pairs with store(Release) in writeEnd
    const stamp = yield* swapUntil(sequence, isEven, 1, 'Acquire')
    yield* fence('Release') // the swap before the payload, which Acquire on it does not promise; pairs with readRetry
    return stamp
  },
}

/** Release stores and acquire loads of the count alone, no fences: not enough on either side. */
export const counterOnlySeqlock: SequenceLock = {
  ...fencedSeqlock,
  *writeBegin({sequence}) {
    const even = yield* load(sequence, 'Relaxed')
    yield* store(sequence, even.plus(1), 'Release') // orders what is before it; the payload is behind it
    return even
  },
  *readRetry({sequence}, start) {
    return (yield* load(sequence, 'Acquire')).ne(start) // orders what is behind it; the payload is before it
  },
}

/** Not even SeqCst on every access of the count orders a relaxed payload inside of them. */
export const seqCstCounterSeqlock: SequenceLock = {
  ...fencedSeqlock,
  *writeBegin({sequence}) {
    const even = yield* load(sequence, 'SeqCst')
    yield* store(sequence, even.plus(1), 'SeqCst')
    return even
  },
  *writeEnd({sequence}, even) {
    yield* store(sequence, even.plus(2), 'SeqCst')
  },
  *readBegin({sequence}) {
    return yield* loadUntil(sequence, 'SeqCst', isEven)
  },
  *readRetry({sequence}, start) {
    return (yield* load(sequence, 'SeqCst')).ne(start)
  },
}

/** As fencedSeqlock, with a count of only two bits: after two write sections it is what it was. */
export const twoBitSeqlock: SequenceLock = {
  ...fencedSeqlock,
  *writeEnd({sequence}, even) {
    yield* store(sequence, even.plus(2).and(3), 'Release')
  },
}
