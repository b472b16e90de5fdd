/**
 * Hazard pointers: a reader says what it is about to use, and what somebody uses is not freed.
 *
 * Sources: M. M. Michael, "Hazard Pointers", IEEE TPDS 15(8), 2004; perfbook, "Hazard Pointers"
 * (hp_try_record(), hp_clear(), hazptr_scan()); in Rust's atomics as folly and haphazard have them, after
 * C++26 [saferecl.hp] and N2369, "Hazard Pointer try_protect".
 *
 * The reader publishes and then looks again; the reclaimer unlinks and then looks at what is published. One of
 * the two sees the other, if both put a full barrier in between (store buffering).
 */
import {
  fence, load, loadAcquire, readOnce, smpMb, store, storeRelease, when, Value, writeOnce,
  type Address, type Location, type Memory, type Operand, type Proc,
} from '../lib/index.ts'

/** One reader's hazard pointer: the object that it may be using, or null. */
export interface HazardPointer {
  readonly slot: Location
}

/** A hazard pointer that protects nothing. */
export function defineHazardPointer(memory: Memory, name: string): HazardPointer {
  return memory.struct(name, {slot: 0})
}

function* ifSame(again: Value, seen: Value, pointer: Value): Proc<Value> {
  return yield* when(again.eq(seen), function* () { return pointer }, function* () { return Value.of(0) })
}

// ---- The kernel's way --------------------------------------------------------------------------------

/**
 * hp_try_record(): the pointer that `at` holds, protected until it is cleared; null if it is null, or was changed
 * meanwhile. It is the one from the second look: the first may be to an object that died in between, and came
 * back as another one.
 */
export function* hpTryRecord({slot}: HazardPointer, at: Address): Proc<Value> {
  const seen = yield* readOnce(at)
  yield* writeOnce(slot, seen)
  yield* smpMb() // published before looking again; pairs with the first smp_mb() in hazptr_scan()
  // acquire: the pointer before the object; pairs with the release that published the object
  const again = yield* loadAcquire(at)
  return yield* ifSame(again, seen, again)
}

/** The same, but the pointer is the one from the first look, as N2369 has it: the same address, maybe not the same object. */
export function* hpTryRecordFirst({slot}: HazardPointer, at: Address): Proc<Value> {
  const seen = yield* readOnce(at)
  yield* writeOnce(slot, seen)
  yield* smpMb() // as above
  const again = yield* loadAcquire(at) // as above
  return yield* ifSame(again, seen, seen)
}

/** hp_clear(): what was protected is not used any more. */
export function* hpClear({slot}: HazardPointer): Proc {
  // release: the uses before the end of the protection; pairs with the second smp_mb() in hazptr_scan().
  // (perfbook has smp_mb() and a store.)
  yield* storeRelease(slot, 0)
}

/** hazptr_scan() for one object that nothing leads to any more: whether nobody protects it, and it may be freed. */
export function* hazptrScan(hazards: readonly HazardPointer[], pointer: Operand): Proc<Value> {
  yield* smpMb() // unlinked before looking at what is protected; pairs with smp_mb() in hp_try_record()
  let isFree = Value.of(1)
  for (const {slot} of hazards) isFree = isFree.and((yield* readOnce(slot)).ne(pointer))
  yield* smpMb() // looked before freeing; pairs with the release in hp_clear()
  return isFree
}

// ---- In Rust's atomics -------------------------------------------------------------------------------

/** The steps of hazard pointers in Rust's atomics, so that a program can be run with either of them. */
export interface HazardPointers {
  /** As hp_try_record(). */
  readonly tryProtect: (hazard: HazardPointer, at: Address) => Proc<Value>
  readonly reset: (hazard: HazardPointer) => Proc
  /** As hazptr_scan(). */
  readonly scan: (hazards: readonly HazardPointer[], pointer: Operand) => Proc<Value>
}

/** With fences: folly's hazptr_holder::try_protect(), haphazard's HazardPointer::try_protect(). */
export const fencedHazardPointers: HazardPointers = {
  *tryProtect({slot}, at) {
    const seen = yield* load(at, 'Relaxed')
    yield* store(slot, seen, 'Relaxed')
    yield* fence('SeqCst') // published before looking again; pairs with fence(SeqCst) in scan
    const again = yield* load(at, 'Acquire') // the pointer before the object; pairs with the release that published it
    return yield* ifSame(again, seen, again)
  },
  *reset({slot}) {
    yield* store(slot, 0, 'Release') // the uses before the end of the protection; pairs with load(Acquire) in scan
  },
  *scan(hazards, pointer) {
    yield* fence('SeqCst') // unlinked before looking; pairs with fence(SeqCst) in tryProtect
    let isFree = Value.of(1)
    // Acquire: looked before freeing; pairs with store(Release) in reset
    for (const {slot} of hazards) isFree = isFree.and((yield* load(slot, 'Acquire')).ne(pointer))
    return isFree
  },
}

/** Without fences: every access is SeqCst, the unlinking included. What arc-swap's issue #198 lacked. */
export const seqCstHazardPointers: HazardPointers = {
  *tryProtect({slot}, at) {
    const seen = yield* load(at, 'Relaxed')
    yield* store(slot, seen, 'SeqCst') // published before looking again; pairs with load(SeqCst) in scan
    const again = yield* load(at, 'SeqCst') // the pointer before the object, too
    return yield* ifSame(again, seen, again)
  },
  reset: fencedHazardPointers.reset,
  *scan(hazards, pointer) {
    let isFree = Value.of(1)
    // SeqCst: unlinked, by a SeqCst operation, before looking; also looked before freeing
    for (const {slot} of hazards) isFree = isFree.and((yield* load(slot, 'SeqCst')).ne(pointer))
    return isFree
  },
}
