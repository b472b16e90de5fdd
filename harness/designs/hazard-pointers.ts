/** Designs of hazard pointers: what is protected is not freed, and what each barrier is for. */
import {
  alloc, free, program, rcuAssignPointer, readNonAtomic, readPlain, store, swap, when, xchgRelaxed,
  type Address, type Location, type Memory, type Operand, type Proc, type Program, type Value,
} from '../../lib/index.ts'
import {
  defineHazardPointer, fencedHazardPointers, hazptrScan, hpClear, hpTryRecord, seqCstHazardPointers, type HazardPointers,
} from '../../primitives/index.ts'
import {brokenBy, everywhere, holds, noMapping, nowhere, onlyInC11, onlyInOrder, type Design, type Expected, type HeapCase} from '../design.ts'
import {mutants, type Mutation} from './mutants.ts'

/** Hazard pointers, and how the pointer that they guard is changed and the object read. */
interface Parts extends HazardPointers {
  /** Puts null in the place of the pointer, and returns it. */
  readonly unlink: (at: Location) => Proc<Value>
  readonly publish: (at: Location, pointer: Operand) => Proc
  readonly read: (at: Address) => Proc<Value>
}

/**
 * One updater, who takes the only object back, frees it if nobody protects it, and publishes another one, which
 * may get the same address. One reader, who tries once.
 */
export function updaterAndReader(name: string, parts: Parts): Program<never> {
  return program(name, (memory: Memory) => {
    const objects = memory.heap('object', {value: 1}, 1)
    const old = objects.object('old', {value: 1})
    const pointer = memory.word('pointer', old.value)
    const hazard = defineHazardPointer(memory, 'hazard')
    return {
      threads: {
        * updater() {
          const unlinked = yield* parts.unlink(pointer)
          const isFree = yield* parts.scan([hazard], unlinked)
          yield* when(isFree, () => free(unlinked))
          yield* parts.publish(pointer, yield* alloc(objects, {value: 2}))
          return isFree
        },
        * reader() {
          const found = yield* parts.tryProtect(hazard, pointer)
          return yield* when(found.ne(0), function* () {
            const value = yield* parts.read(found)
            yield* parts.reset(hazard)
            return value
          }, function* () { return found })
        },
      },
      claims: {'the reader reads one of the two objects': ({reader}: Outcome) => reader >= 0 && reader <= 2},
      witnesses: {
        'the reader reads the old object, and it is kept': ({updater, reader}: Outcome) => reader === 1 && updater === 0,
        'the reader reads the old object, and it is freed': ({updater, reader}: Outcome) => reader === 1 && updater === 1,
        'the reader reads the new object': ({reader}: Outcome) => reader === 2,
        'the reader must try again': ({reader}: Outcome) => reader === 0,
      },
    }
  })
}

interface Outcome {
  readonly updater: number
  readonly reader: number
}

export const kernelParts: Parts = {
  tryProtect: hpTryRecord, reset: hpClear, scan: hazptrScan, unlink: at => xchgRelaxed(at, 0), publish: rcuAssignPointer, read: readPlain,
}

const tooEarly = 'use-after-free'

const kernelMutations: readonly Mutation<Parts>[] = [
  {part: 'tryProtect', without: 'smp_mb', name: 'without-record-mb', expected: {...nowhere(tooEarly), sc: holds}},
  // what is left is the address dependency
  {part: 'tryProtect', relaxed: 'smp_load_acquire', name: 'relaxed-look', expected: onlyInC11('data-race')},
  {part: 'reset', relaxed: 'smp_store_release', name: 'relaxed-clear', expected: {...onlyInOrder(tooEarly), rc11: brokenBy('data-race')}},
  // an exchange is a full barrier on x86
  {part: 'scan', without: 'smp_mb', nth: 1, name: 'without-scan-mb', expected: onlyInOrder(tooEarly)},
  {part: 'scan', without: 'smp_mb', nth: 2, name: 'without-free-mb', expected: {...onlyInOrder(tooEarly), rc11: brokenBy('data-race')}},
]

/** Which of the two looks the pointer is from makes a difference only to what pointers remember: see zombies.ts. */
const anyRegime: readonly HeapCase[] = [
  {regimes: ['iso'], expected: nowhere('zombie')}, // the first look, and what is published, may be of a dead object
  {regimes: ['strict', 'angelic', 'bits'], expected: everywhere},
]

const kernelHazptr: Design = {
  name: 'kernel-hazptr',
  title: 'hazard pointers: publish, smp_mb(), look again; the pointer is the one from the second look',
  source: 'M. M. Michael, IEEE TPDS 15(8), 2004; perfbook, "Hazard Pointers"; N2369, "Hazard Pointer try_protect"',
  program: () => updaterAndReader('kernel-hazptr', kernelParts),
  expected: anyRegime,
}

// ---- In Rust's atomics -------------------------------------------------------------------------------

const relaxedUnlink = {
  unlink: (at: Location) => swap(at, 0, 'Relaxed'), publish: (at: Location, pointer: Operand) => store(at, pointer, 'Release'), read: readNonAtomic,
}
const fencedParts: Parts = {...fencedHazardPointers, ...relaxedUnlink}
const inFences = (expected: Expected, first = 'fence(SeqCst)'): Expected => ({...expected, lkmm: noMapping(first)})

const fenced: Design = {
  name: 'c11-hazptr-fences',
  title: 'hazard pointers with a fence(SeqCst) on either side',
  source: 'folly, hazptr_holder::try_protect(); haphazard; C++26 [saferecl.hp]',
  program: () => updaterAndReader('c11-hazptr-fences', fencedParts),
  expected: inFences(everywhere),
}

const fencedMutations: readonly Mutation<Parts>[] = [
  {part: 'tryProtect', without: 'fence(SeqCst)', name: 'without-protect-fence', expected: inFences({...nowhere(tooEarly), sc: holds})},
  {part: 'tryProtect', relaxed: 'load(Acquire)', name: 'relaxed-look', expected: inFences(onlyInC11('data-race'))},
  {part: 'reset', relaxed: 'store(Release)', name: 'relaxed-reset', expected: inFences(onlyInC11('data-race'))},
  {part: 'scan', without: 'fence(SeqCst)', name: 'without-scan-fence', expected: inFences(onlyInC11(tooEarly))},
  {part: 'scan', relaxed: 'load(Acquire)', name: 'relaxed-scan', expected: inFences(onlyInC11('data-race'))},
]

const seqCstParts: Parts = {...seqCstHazardPointers, ...relaxedUnlink, unlink: at => swap(at, 0, 'SeqCst')}
const inSeqCst = (expected: Expected, first = 'load(SeqCst)'): Expected => ({...expected, lkmm: noMapping(first)})

const seqCst: Design = {
  name: 'c11-hazptr-seqcst',
  title: 'hazard pointers without fences: SeqCst wherever the two sides look at each other',
  source: 'arc-swap, issue 198 and what repaired it',
  program: () => updaterAndReader('c11-hazptr-seqcst', seqCstParts),
  expected: inSeqCst(everywhere),
}

const seqCstMutations: readonly Mutation<Parts>[] = [
  {part: 'tryProtect', relaxed: 'store(SeqCst)', name: 'relaxed-publish', expected: inSeqCst({...nowhere(tooEarly), sc: holds})},
  {part: 'tryProtect', relaxed: 'load(SeqCst)', name: 'relaxed-look', expected: inSeqCst(onlyInC11('uninitialised'))},
  // arc-swap, issue 198
  {part: 'tryProtect', weaker: 'load(SeqCst)', to: 'Acquire', name: 'acquire-look', expected: inSeqCst(onlyInC11(tooEarly))},
  {part: 'reset', relaxed: 'store(Release)', name: 'relaxed-reset', expected: inSeqCst(onlyInC11('data-race'))},
  {part: 'scan', relaxed: 'load(SeqCst)', name: 'relaxed-scan', expected: inSeqCst(onlyInC11(tooEarly), 'store(SeqCst)')},
  {part: 'scan', weaker: 'load(SeqCst)', to: 'Acquire', name: 'acquire-scan', expected: inSeqCst(onlyInC11(tooEarly), 'store(SeqCst)')},
  {part: 'unlink', weaker: 'swap(SeqCst)', to: 'AcqRel', name: 'acqrel-unlink', expected: inSeqCst(onlyInC11(tooEarly), 'swap(AcqRel)')},
]

/** The hazard pointers, each followed by its mutants. */
export const hazardPointerDesigns: readonly Design[] = [
  kernelHazptr, ...mutants(kernelHazptr, kernelParts, updaterAndReader, kernelMutations),
  fenced, ...mutants(fenced, fencedParts, updaterAndReader, fencedMutations),
  seqCst, ...mutants(seqCst, seqCstParts, updaterAndReader, seqCstMutations),
]
