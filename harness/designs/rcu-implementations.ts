/** Designs of RCU in primitive operations: an object is unlinked, a grace period waited for, the object freed, under a reader. */
import {free, program, rcuDereference, readOnce, smpMb, Value, when, type Memory, type Proc, type Program} from '../../lib/index.ts'
import {
  advanceEpoch, changePhase, countingRcu, epochRcu, gpLock, gpUnlock, membarrier, qsbrRcu, rcuInitPointer, urcuMb, urcuMemb,
  type EpochRcu, type MembState, type QsbrRcu, type RcuFlavour, type UrcuState,
} from '../../primitives/index.ts'
import {brokenBy, everywhere, onlyInOrder, type Design, type Expected} from '../design.ts'
import {mutants, type Mutation} from './mutants.ts'

function* nothing(): Proc<Value> {
  return Value.of(none)
}

interface Size {
  /** Sections of the one reader. */
  readonly sections?: number
  /** Objects that the updater unlinks and frees, one after the other. */
  readonly updates?: number
}

/** What a section returns that saw no object; one that saw the first object returns 1. */
const none = 0

interface Returned {
  /** Nothing from a reader that panics. */
  readonly reader?: readonly number[]
}

/** One reader and one updater. */
function freeing<S>(name: string, {define, registered, readLock, readUnlock, synchronize}: RcuFlavour<S>, {sections = 1, updates = 1}: Size = {}): Program<never> {
  return program(name, (memory: Memory) => {
    const rcu = define(memory, 'rcu', 1, updates)
    const objects = memory.heap('object', {value: 1})
    const all = Array.from({length: updates}, (_, i) => objects.object(`object${i + 1}`, {value: i + 1}).value)
    const pointer = memory.word('pointer', all[0])
    function* reading(): Proc<readonly Value[]> {
      const seen: Value[] = []
      for (let i = 0; i < sections; i++) {
        yield* readLock(rcu, 0)
        const object = yield* rcuDereference(pointer)
        seen.push(yield* when(object.ne(0), () => readOnce(object), nothing))
        yield* readUnlock(rcu, 0)
      }
      return seen
    }
    return {
      threads: {
        reader: () => registered(rcu, 0, reading()),
        *updater() {
          for (const [i, object] of all.entries()) {
            yield* rcuInitPointer(pointer, all[i + 1] ?? 0) // the objects are there from the start
            yield* synchronize(rcu)
            yield* free(object)
          }
        },
      },
      witnesses: {
        'a section sees the first object': ({reader}: Returned) => reader?.[0] === 1,
        'a section finds none': ({reader}: Returned) => reader?.at(-1) === none,
      },
    }
  })
}

/** Where accesses in order are enough. */
const racy = onlyInOrder('data-race')
/** Where a store may also be seen after a later load: TSO is weak enough. */
const reordered: Expected = {...racy, tso: brokenBy('use-after-free')}
/** Already where everything is in order. */
const anywhere: Expected = {...reordered, sc: brokenBy('use-after-free')}

type Change<S> = Mutation<RcuFlavour<S>>

function family<S>(design: Omit<Design, 'program' | 'expected'>, flavour: RcuFlavour<S>, size: Size, changes: readonly Change<S>[]): readonly Design[] {
  const build = (name: string, parts: RcuFlavour<S>): Program<never> => freeing(name, parts, size)
  const original: Design = {...design, program: () => build(design.name, flavour), expected: everywhere}
  return [original, ...mutants(original, flavour, build, changes)]
}

const counting = family(
  {name: 'rcu-counting', title: 'a toy RCU that counts readers', source: 'perfbook, "Toy RCU Implementations"'},
  countingRcu, {},
  [
    {part: 'readLock', without: 'smp_mb', name: 'without-lock-mb', expected: racy},
    {part: 'readUnlock', without: 'smp_mb', name: 'without-unlock-mb', expected: racy},
    {part: 'synchronize', without: 'smp_mb', nth: 1, name: 'without-first-mb', expected: reordered},
    {part: 'synchronize', without: 'smp_mb', nth: 2, name: 'without-last-mb', expected: racy},
    {part: 'synchronize', without: 'smp_cond_load_relaxed', name: 'without-waiting', expected: anywhere},
  ],
)

const qsbr = family<QsbrRcu>(
  {name: 'rcu-qsbr', title: 'RCU by quiescent states', source: 'Desnoyers et al. (IEEE TPDS 2012); userspace-rcu, src/urcu-qsbr.c'},
  qsbrRcu, {sections: 2},
  [
    {part: 'readLock', without: 'smp_mb', nth: 1, name: 'without-first-quiescent-mb', expected: racy},
    {part: 'readLock', without: 'smp_mb', nth: 2, name: 'without-last-quiescent-mb', expected: racy},
    {part: 'registered', without: 'smp_mb', nth: 5, name: 'without-offline-mb', expected: racy},
    {part: 'synchronize', without: 'smp_mb', nth: 1, name: 'without-first-mb', expected: racy},
    {part: 'synchronize', without: 'smp_mb', nth: 2, name: 'without-last-mb', expected: racy},
    {part: 'synchronize', relaxed: 'spin until xchg_acquire', name: 'relaxed-gp-lock', expected: everywhere},
    {part: 'synchronize', relaxed: 'smp_store_release', name: 'relaxed-gp-unlock', expected: everywhere},
  ],
)

/** A grace period of one epoch. */
const oneAdvance: RcuFlavour<EpochRcu>['synchronize'] = function* (state) {
  yield* smpMb()
  yield* gpLock(state.lock)
  yield* advanceEpoch(state)
  yield* gpUnlock(state.lock)
}

const epoch = family<EpochRcu>(
  {name: 'rcu-epoch', title: 'RCU by epochs', source: 'crossbeam-epoch, src/internal.rs; Fraser 2004'},
  epochRcu, {},
  [
    {part: 'readLock', without: 'smp_mb', name: 'without-pin-mb', expected: reordered},
    {part: 'readUnlock', relaxed: 'smp_store_release', name: 'relaxed-unpin', expected: racy},
    {part: 'synchronize', without: 'smp_mb', nth: 1, name: 'without-garbage-mb', expected: everywhere},
    {part: 'synchronize', without: 'smp_mb', nth: 2, name: 'without-first-advance-mb', expected: everywhere},
    {part: 'synchronize', without: 'smp_mb', nth: 3, name: 'without-second-advance-mb', expected: everywhere},
    {part: 'synchronize', without: 'smp_mb', name: 'without-any-mb', expected: racy},
    {part: 'synchronize', instead: oneAdvance, change: 'with one epoch for two', name: 'one-epoch', expected: anywhere},
    {part: 'synchronize', relaxed: 'smp_cond_load_acquire', name: 'relaxed-look', expected: racy},
    {part: 'synchronize', relaxed: 'smp_store_release', name: 'relaxed-advance', expected: everywhere},
    {part: 'synchronize', relaxed: 'spin until xchg_acquire', name: 'relaxed-gp-lock', expected: everywhere},
  ],
)

/** A grace period that changes the phase once. */
const onePhase: RcuFlavour<UrcuState>['synchronize'] = function* (state) {
  yield* gpLock(state.lock)
  yield* smpMb()
  yield* changePhase(state)
  yield* smpMb()
  yield* gpUnlock(state.lock)
}

const mb = family<UrcuState>(
  {name: 'rcu-urcu-mb', title: 'userspace RCU with memory barriers', source: 'Desnoyers et al. (IEEE TPDS 2012); userspace-rcu, src/urcu.c'},
  urcuMb, {updates: 2},
  [
    {part: 'synchronize', instead: onePhase, change: 'with one change of phase for two', name: 'one-phase', expected: anywhere},
    {part: 'readLock', without: 'smp_mb', name: 'without-lock-mb', expected: reordered},
    {part: 'readUnlock', without: 'smp_mb', name: 'without-unlock-mb', expected: racy},
    {part: 'synchronize', without: 'smp_mb', nth: 1, name: 'without-first-mb', expected: racy},
    {part: 'synchronize', without: 'smp_mb', nth: 2, name: 'without-last-mb', expected: racy},
    {part: 'synchronize', relaxed: 'spin until xchg_acquire', name: 'relaxed-gp-lock', expected: everywhere},
    {part: 'synchronize', relaxed: 'smp_store_release', name: 'relaxed-gp-unlock', expected: everywhere},
  ],
)

/** A grace period of urcu-memb with a barrier in the readers on one side only, and one of the updater's own on the other. */
function oneMembarrier(where: 'first' | 'last'): RcuFlavour<MembState>['synchronize'] {
  return function* (state) {
    yield* gpLock(state.lock)
    yield* where === 'first' ? membarrier(state.interrupts) : smpMb()
    yield* changePhase(state)
    yield* changePhase(state)
    yield* where === 'last' ? membarrier(state.interrupts) : smpMb()
    yield* gpUnlock(state.lock)
  }
}

/** urcu-memb with so many interrupts: a reader has to know, since it is over when the last was taken. */
function interrupted(most: number): RcuFlavour<MembState> {
  return {...urcuMemb, define(memory, name, readers, periods) {
    const state = urcuMemb.define(memory, name, readers, periods)
    return {...state, interrupts: {...state.interrupts, most}}
  }}
}

const memb = family<MembState>(
  {name: 'rcu-urcu-memb', title: 'userspace RCU with sys_membarrier()', source: 'Desnoyers et al. (IEEE TPDS 2012); userspace-rcu, src/urcu.c; kernel/sched/membarrier.c'},
  urcuMemb, {},
  // both barriers of the readers, which are the compiler's; membarrier() has designs of its own
  [{part: 'registered', without: 'barrier', name: 'without-barrier', expected: everywhere}],
)

const membMutants = [
  ...mutants(memb[0]!, interrupted(0), freeing, [
    {part: 'synchronize', instead: urcuMb.synchronize, change: 'with smp_mb() for sys_membarrier()', name: 'own-mb', expected: reordered},
  ]),
  ...mutants(memb[0]!, interrupted(1), freeing, [
    {part: 'synchronize', instead: oneMembarrier('first'), change: 'without the last sys_membarrier()', name: 'without-last-membarrier', expected: racy},
    {part: 'synchronize', instead: oneMembarrier('last'), change: 'without the first sys_membarrier()', name: 'without-first-membarrier', expected: reordered},
  ]),
]

/** The implementations of RCU, each followed by its mutants. */
export const rcuImplementations: readonly Design[] = [...counting, ...qsbr, ...epoch, ...mb, ...memb, ...membMutants]
