/**
 * Allocating and freeing, in primitive operations.
 *
 * free() writes poison to every word, plainly, so that an access that is not ordered before it races
 * with it under the model's own rule, and a read that comes after it says so. The allocator itself
 * orders a free before the allocation that gets the same place, and nothing else (C++ [new.delete.dataraces];
 * the kernel's slab allocators hand a place on under a lock or on one CPU).
 */
import {flatten, Heap, inUse, isFree, type Layout, type PerField} from './heap.ts'
import {perform, type Proc} from './program.ts'
import {poison, showScalar, uninitialised, Value, type Location, type Operand, type Scalar} from './value.ts'

/** An allocation that is spelled otherwise in reports. */
interface Spelling {
  readonly name: string
}

/**
 * Makes an object and returns a pointer to it, which no other thread has. It holds `values`, or nothing
 * that may be read. The scheduler chooses whether it gets the address of an object that was freed.
 * A thread can allocate as many as its heap has room for (`perThread`); more is a budget that cut the run.
 * @throws {TypeError} the thread's, if there is no such heap, or `values` are not of its fields.
 */
export function* alloc<L extends Layout>(heap: Heap<L>, values?: PerField<L, Operand>, {name}: Spelling = {name: 'alloc'}): Proc<Value> {
  if (!(heap instanceof Heap)) throw new TypeError(`${name} of ${heap === undefined ? 'undefined' : 'what is no heap'}: make one with heap() where the program declares its memory`)
  const pointer = yield* perform<Value>({kind: 'pick', among: heap})
  const {status, origin} = (pointer.scalar as Location).object.heap!
  if (origin === 'reused') {
    yield* perform<Value>({
      kind: 'rmw', name, vocabulary: 'kernel', order: 'ACQUIRE', at: status, update: () => Value.of(inUse), until: word => word === isFree, isCertain: true,
    })
  }
  const words = values === undefined ? new Array<Scalar>(heap.size).fill(uninitialised) : flatten(heap, values)
  for (const [i, value] of words.entries()) {
    if (origin === 'fresh' && values === undefined) break
    yield* perform<undefined>({kind: 'store', name, vocabulary: 'kernel', order: 'plain', at: pointer.plus(i), value: Value.of(value), mark: 'birth'})
  }
  return pointer
}

/**
 * Ends an object. Freeing null does nothing, as in C.
 * @throws {Error} the thread's, if the pointer is not to the start of an object on a heap.
 */
export function* free(pointer: Operand, {name}: Spelling = {name: 'free'}): Proc {
  const start = Value.of(pointer)
  const scalar = yield* perform<Scalar>({kind: 'address', value: start})
  if (scalar === 0) return
  if (typeof scalar === 'number' || scalar.object.heap === null || scalar.index !== scalar.object.first || scalar.tag !== 0) {
    throw new RangeError(`${name} of ${showScalar(scalar)}, which is not the start of an object on a heap`)
  }
  const {size, heap} = scalar.object
  for (let i = 0; i < size; i++) {
    yield* perform<undefined>({kind: 'store', name, vocabulary: 'kernel', order: 'plain', at: i === 0 ? start : start.plus(i), value: Value.of(poison), mark: 'death'})
  }
  yield* perform<undefined>({kind: 'store', name, vocabulary: 'kernel', order: 'RELEASE', at: heap.status, value: Value.of(isFree)})
}

/** kmalloc(): as `alloc`, by the kernel's name. */
export function* kmalloc<L extends Layout>(heap: Heap<L>, values?: PerField<L, Operand>): Proc<Value> {
  return yield* alloc(heap, values, {name: 'kmalloc'})
}

/** kfree(): as `free`, by the kernel's name. */
export function* kfree(pointer: Operand): Proc {
  yield* free(pointer, {name: 'kfree'})
}

/** One of several values: the scheduler's choice, and no event. Exploring tries them all. */
export function* anyOf(values: readonly Scalar[]): Proc<Value> {
  return yield* perform<Value>({kind: 'pick', among: {choices: () => values, perThread: Infinity}})
}
