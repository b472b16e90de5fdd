/**
 * Algorithms that use pointers whose object may have died: the cases of N2369 and N2443 (WG14), P1726 and P2414.
 *
 * A zombie pointer is one to an object that was freed, and whose memory may hold another object by now. In
 * assembly, and in the kernel's C, all of these work; by the letter of C11 6.2.4 few do, and in Rust some do
 * (its pointers remember their object, but may be copied and compared when it is gone).
 *
 * A node is pointed to by its first word, which is its link to the next.
 */
import {
  cmpxchgRelaxed, cmpxchgRelease, loadAcquire, raw, rawNumber, readOnce, readPlain, spinLock, Value, when, writeOnce, writePlain, xchgAcquire,
  type Location, type Operand, type Proc,
} from '../lib/index.ts'
import {refcountIncNotZero} from './refcount.ts'

// ---- LIFO lists: P1726, "LIFO Singly Linked List Push" -----------------------------------------------

/** list_push(), one try: whether it pushed. Between its two looks at the top, that may die and come back as another node. */
export function* lifoPush(top: Location, node: Value): Proc<Value> {
  const seen = yield* readOnce(top)
  yield* writeOnce(node, seen) // stores what may be a zombie by now; marked, since somebody may still look at the node
  // release: the node before the top; pairs with the acquires of those who pop
  return (yield* cmpxchgRelease(top, seen, node)).eq(seen)
}

/** list_pop_all(): takes the whole list; null if it is empty. */
export function* lifoPopAll(top: Location): Proc<Value> {
  // acquire: the top before the nodes; pairs with cmpxchg_release() in list_push()
  return yield* xchgAcquire(top, 0)
}

/** Pops one node, one try: the node, null if there is none or somebody was faster. Wrong wherever a node may be popped by another. */
export function* lifoPop(top: Location): Proc<Value> {
  const seen = yield* loadAcquire(top) // acquire: the top before the node; pairs with cmpxchg_release() in list_push()
  if ((yield* raw(seen)) === 0) return seen
  const next = yield* readOnce(seen)
  const found = yield* cmpxchgRelaxed(top, seen, next) // ordered by the look at the top
  return yield* when(found.eq(seen), function* () { return seen }, function* () { return Value.of(0) })
}

// ---- The same with a count in the pointer's low bits -----------------------------------------------------

/** A top is a pointer with a count of changes in its low bits; 8 changes bring the same word back. */
const counts = 7

const nodeOf = (top: Value): Value => top.and(~counts)
const onTop = (node: Value, seen: Value): Value => node.or(seen.and(counts).plus(1).and(counts))

/** Pushes one node on a counted top, one try; the node is without a count. Whether it pushed. */
export function* countedPush(top: Location, node: Value): Proc<Value> {
  const seen = yield* readOnce(top)
  yield* writeOnce(node, nodeOf(seen))
  // release: as in list_push()
  return (yield* cmpxchgRelease(top, seen, onTop(node, seen))).eq(seen)
}

/** Pops one node from a counted top, one try: the node without its count; null if there is none or somebody was faster. */
export function* countedPop(top: Location): Proc<Value> {
  const seen = yield* loadAcquire(top) // acquire: as in pop
  const node = nodeOf(seen)
  if ((yield* raw(node)) === 0) return node
  const next = yield* readOnce(node)
  const found = yield* cmpxchgRelaxed(top, seen, onTop(next, seen))
  return yield* when(found.eq(seen), function* () { return node }, function* () { return Value.of(0) })
}

// ---- Locks that are found by a pointer's value: P1726, "Optimized Hashed Arrays of Locks" ----------------

/** Bytes per object, as far as the hash is concerned. */
const objectSize = 16

/** Takes the lock for the object that a pointer points to, by hashing the pointer, dead or alive; returns the lock. */
export function* lockHashed(locks: readonly Location[], pointer: Operand): Proc<Location> {
  const hash = yield* rawNumber(Value.of(pointer).over(objectSize).mod(locks.length))
  yield* spinLock(locks[hash]!)
  return locks[hash]!
}

/** What was found, and the lock that is held. */
export interface Locked {
  /** Null if it is not there any more. */
  readonly pointer: Value
  readonly lock: Location
}

/**
 * Takes the lock for the object that `at` points to, and looks again: null, if it is another by then. `variable` is the
 * caller's own: the pointer is kept there while the lock is awaited, and may become a zombie there.
 */
export function* findLocked(locks: readonly Location[], at: Location, variable: Location): Proc<Locked> {
  yield* writePlain(variable, yield* readOnce(at))
  const lock = yield* lockHashed(locks, yield* readPlain(variable))
  const second = yield* loadAcquire(at) // acquire: the pointer before the object; pairs with the release that published it
  const isSame = second.eq(yield* readPlain(variable))
  return {pointer: yield* when(isSame, function* () { return second }, function* () { return Value.of(0) }), lock}
}

/** The same, but the pointer is the first copy: it has the same address, and was perhaps made for an object that died since. */
export function* findLockedFirst(locks: readonly Location[], at: Location, variable: Location): Proc<Locked> {
  const {pointer, lock} = yield* findLocked(locks, at, variable)
  return {pointer: yield* when(pointer.ne(0), () => readPlain(variable), function* () { return Value.of(0) }), lock}
}

// ---- Weak pointers: P1726, "Weak Pointers in Android" ----------------------------------------------------

/**
 * wp<T>::promote(): a strong reference, if there is still one to the object; or else null. The count outlives
 * the object, and the pointer itself may be a zombie until the count says that it is none.
 */
export function* promote(strong: Location, weak: Location): Proc<Value> {
  const pointer = yield* readOnce(weak)
  const isAlive = yield* refcountIncNotZero(strong)
  return yield* when(isAlive, function* () { return pointer }, function* () { return Value.of(0) })
}
