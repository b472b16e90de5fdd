/**
 * References that last as long as a read-side section of RCU: wrappers.md D13 to D16, and what a signature or an ordering less
 * makes of them. The object is published by pointer, replaced by an exchange, and dropped by whoever replaced it.
 */
import {
  alloc, inC, loadAcquire, rcuDereference, rcuReadLock, rcuReadUnlock, readPlain, smpMb, synchronizeRcu, writePlain, xchg, xchgAcquire, type Location,
  type Memory, type Operand, type Proc, type Value,
} from '../../lib/index.ts'
import {borrowed, structValue, unitValue} from '../wrapper/value.ts'
import {boxOf, boxWords, dropBox, wordsOf, wrapper, type Wrapper, type WrapperBounds} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, everyModel, weakModels} from './expectation.ts'

type Cell = Location

function layout(memory: Memory, name: string, _payload: unknown, struct: string): Cell | null {
  return struct === 'Rcu' ? memory.word(`${name}.pointer`) : null
}

/** What a variant does at the places that decide. */
interface Recipe {
  /** Puts the new pointer in, and returns the old one. */
  readonly publish: (cell: Cell, pointer: Operand) => Proc<Value>
  /** Between taking the old object out and dropping it. */
  readonly wait: () => Proc
  readonly dereference: (cell: Cell) => Proc<Value>
}

const correct: Recipe = {publish: xchg, wait: synchronizeRcu, dereference: loadAcquire}

interface Variant {
  readonly name: string
  readonly title: string
  readonly source: string
  readonly recipe?: Recipe
  /** The signature of `read`. */
  readonly read?: string
  /** The guard's field; a raw pointer keeps it on its thread. */
  readonly guard?: string
  /** What Sync and Send ask of T, and the methods. */
  readonly bounds?: {readonly sync: string; readonly send: string; readonly value: string}
  readonly broken: readonly string[]
  /** By option; unless said, those that admit RCU in Rust are as sound as the kernel's model. */
  readonly options?: ReturnType<typeof admittedFrom>
  /** Is everything left in C, and called through safe signatures? */
  readonly isInC?: boolean
  readonly clients?: WrapperBounds
}

function rcu({name, title, source, broken, options = admittedFrom(4, broken.includes('lkmm')), isInC = false, clients, recipe = correct, guard = 'PhantomData<*const ()>', read = "<'g>(&'g self, guard: &'g Guard) -> &'g T", bounds = {sync: 'T: Send + Sync', send: 'T: Send', value: "T: Send + Sync + 'static"}}: Variant): Wrapper {
  const side = <R>(part: Proc<R>): Proc<R> => isInC ? inC(part) : part
  return wrapper({
    name, title, source, layout,
    bounds: {size: 4, payloads: ['Pair'], ...clients},
    declares: {allows: ['RCU', 'relaxed atomic', 'fence'], followsNoPointer: false},
    expected: {source: 'wrappers.md', broken: brokenUnder(broken), options, deadlocks: recipe.wait === synchronizeRcu},
    rust: `
pub struct Guard(${guard});
pub struct Rcu<T>(AtomicPtr<T>, PhantomData<Box<T>>);
unsafe impl<${bounds.sync}> Sync for Rcu<T> {}
unsafe impl<${bounds.send}> Send for Rcu<T> {}
impl Guard { pub fn new() -> Self; }
impl Drop for Guard {}
impl<${bounds.value}> Rcu<T> {
    pub fn new(value: T) -> Self;
    pub fn read${read};
    pub fn replace(&self, value: T);
}
impl<T> Drop for Rcu<T> {}`,
    bodies: {
      * 'Guard::new'() {
        yield* side(rcuReadLock())
        return structValue('Guard', null)
      },
      * 'Guard::drop'() {
        yield* side(rcuReadUnlock())
        return unitValue
      },
      * 'Rcu::new'({self, args, boxes}) {
        yield* writePlain(self as Cell, yield* alloc(boxes, boxOf(wordsOf(args[0]))))
        return structValue('Rcu', self)
      },
      * 'Rcu::read'(call) {
        return borrowed(boxWords(call, yield* side(recipe.dereference(call.self as Cell))))
      },
      * 'Rcu::replace'(call) {
        const fresh = yield* side(alloc(call.boxes, boxOf(wordsOf(call.args[0]))))
        const old = yield* side(recipe.publish(call.self as Cell, fresh))
        yield* side(recipe.wait())
        yield* side(dropBox(call, old))
        return unitValue
      },
      * 'Rcu::drop'(call) {
        yield* side(dropBox(call, yield* side(readPlain(call.self as Cell))))
        return unitValue
      },
    },
  })
}

/** RcuBox of the kernel (2026-01), Boqun Feng's `Rcu<P>` (2024-11): rows 20 and 36. */
export const rcus: readonly Wrapper[] = ([
  {name: 'd13-rcu-ref', title: 'references that last as long as the guard', source: 'kernel rcu::Guard, RcuBox, Rcu<P> (wrappers.md, row 20)', broken: []},
  {
    name: 'rcu-in-c', title: 'the same, left in C and called through safe signatures', source: 'wrappers.md, D13, option 3', broken: [], isInC: true,
    options: admittedFrom(1, false),
  },
  {
    name: 'd14-rcu-escape', title: 'the reference lasts as long as the cell', source: 'wrappers.md, D14', broken: everyModel, isInC: true, options: admittedFrom(1, true),
    read: "<'c>(&'c self, guard: &Guard) -> &'c T", clients: {size: 6, threads: 0, clients: 5_000},
  },
  {
    name: 'd14-rcu-no-guard', title: 'no guard is asked for', source: 'wrappers.md, D14', broken: everyModel, isInC: true, options: admittedFrom(1, true),
    read: '(&self) -> &T',
  },
  {
    name: 'd24-rcu-guard-send', title: 'the guard may go to another thread', source: 'rust/kernel/sync/rcu.rs, whose Guard is NotThreadSafe; wrappers.md, D24', broken: everyModel, isInC: true,
    options: admittedFrom(1, true), guard: '()', clients: {size: 3},
  },
  {
    name: 'd15-rcu-no-grace', title: 'the old object is freed at once', source: 'wrappers.md, D15', broken: everyModel,
    recipe: {...correct, * wait() { /* nothing */ }},
  },
  {name: 'd15-rcu-barrier', title: 'a full barrier in place of the grace period', source: 'wrappers.md, D15', broken: everyModel, recipe: {...correct, wait: smpMb}},
  {
    name: 'd16-rcu-relaxed-publish', title: 'the new object is published without release', source: 'wrappers.md, D16', broken: weakModels,
    recipe: {...correct, publish: xchgAcquire},
  },
  {
    name: 'd16-rcu-relaxed-dereference', title: 'readers order their accesses by the address dependency alone', source: 'wrappers.md, D16', broken: ['rc11'],
    options: admittedFrom(4, [4]), // a Rust compiler keeps no dependency
    recipe: {...correct, dereference: rcuDereference},
  },
  {
    name: 'd16-rcu-plain-dereference', title: 'readers load the pointer plainly', source: 'wrappers.md, D16', broken: weakModels,
    recipe: {...correct, dereference: readPlain},
  },
] satisfies readonly Variant[]).map(rcu)
