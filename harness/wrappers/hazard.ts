/**
 * Readers that announce what they look at, and writers that look at what is announced: hazard pointers and arc-swap's debts,
 * wrappers.md D19. Each thread has one slot; a reader that finds the pointer changed meanwhile gives up instead of trying again.
 */
import {
  alloc, load, loadAcquire, raw, readOnce, readPlain, smpMb, storeRelease, swap, writeOnce, writePlain, xchg, xchgAcquire,
  type Location, type Memory, type Operand, type Proc, type Regime, type Value,
} from '../../lib/index.ts'
import {borrowed, structValue, unitValue} from '../wrapper/value.ts'
import {boxOf, boxWords, callClosure, dropBox, wordsOf, wrapper, type Wrapper, type WrapperBounds} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, everyModel, weakModels} from './expectation.ts'

interface State {
  readonly pointer: Location
  readonly slots: readonly Location[]
}

/** The main thread, and those that a client starts. */
const threads = 3

function layout(memory: Memory, name: string): State {
  return {pointer: memory.word(`${name}.pointer`), slots: memory.array(`${name}.slots`, threads)}
}

/** What a variant does at the places that decide. */
interface Recipe {
  readonly first: (pointer: Location) => Proc<Value>
  /** Announces the pointer, and orders that before `again`. */
  readonly announce: (slot: Location, pointer: Operand) => Proc
  readonly again: (pointer: Location) => Proc<Value>
  /** Puts the new pointer in, and orders that before the scan. */
  readonly exchange: (pointer: Location, fresh: Operand) => Proc<Value>
  readonly scan: (slot: Location) => Proc<Value>
  /** Looks at the object through the pointer that was loaded first, rather than through the one that was confirmed. */
  readonly usesFirst?: boolean
}

/** Michael's hazard pointers with full barriers on both sides; the kernel's proposal (2024). */
const full: Recipe = {
  first: readOnce,
  * announce(slot, pointer) {
    yield* writeOnce(slot, pointer)
    yield* smpMb()
  },
  again: loadAcquire,
  exchange: xchg,
  scan: loadAcquire,
}

/** The same without fences and relaxed accesses: two exchanges, which are full barriers. */
const exchanging: Recipe = {
  ...full,
  first: loadAcquire,
  * announce(slot, pointer) {
    yield* xchg(slot, pointer)
  },
}

const acquireRelease: Recipe = {...full, first: loadAcquire, announce: storeRelease, exchange: xchgAcquire}

/** The second load is relaxed: it confirms the address, and orders nothing but what depends on it. */
const relaxedConfirm: Recipe = {...full, again: readOnce}

/** C++'s orderings: everything seq_cst. */
const seqCst: Recipe = {
  first: at => load(at, 'Acquire'),
  * announce(slot, pointer) {
    yield* swap(slot, pointer, 'SeqCst')
  },
  again: at => load(at, 'SeqCst'),
  exchange: (at, fresh) => swap(at, fresh, 'SeqCst'),
  scan: at => load(at, 'SeqCst'),
}

interface Variant {
  readonly name: string
  readonly title: string
  readonly source: string
  readonly recipe: Recipe
  readonly broken: readonly string[]
  readonly judged?: readonly string[]
  readonly options: ReturnType<typeof admittedFrom>
  readonly regime?: Regime
  readonly bounds?: WrapperBounds
}

function hazard({name, title, source, recipe, broken, judged, options, regime, bounds}: Variant): Wrapper {
  return wrapper({
    name, title, source, layout,
    bounds: {size: 3, payloads: ['u8'], ...bounds},
    declares: {allows: ['relaxed atomic', 'fence'], followsNoPointer: false},
    expected: {source: 'wrappers.md, D19', broken: brokenUnder(broken, judged), options},
    ...regime === undefined ? {} : {regime},
    rust: `
pub struct ArcSwap<T>(AtomicPtr<T>, PhantomData<Box<T>>);
unsafe impl<T: Send + Sync> Sync for ArcSwap<T> {}
unsafe impl<T: Send> Send for ArcSwap<T> {}
impl<T> ArcSwap<T> {
    pub fn new(value: T) -> Self;
    pub fn with(&self, look: impl Fn(&T));
    pub fn store(&self, value: T);
}
impl<T> Drop for ArcSwap<T> {}`,
    bodies: {
      * 'ArcSwap::new'({self, args, boxes}) {
        yield* writePlain((self as State).pointer, yield* alloc(boxes, boxOf(wordsOf(args[0]))))
        return structValue('ArcSwap', self)
      },
      * 'ArcSwap::with'(call) {
        const {pointer, slots} = call.self as State
        const slot = slots[call.thread]!
        if ((yield* raw((yield* loadAcquire(slot)).ne(0))) !== 0) return unitValue // the closure of another with() is running
        const first = yield* recipe.first(pointer)
        yield* recipe.announce(slot, first)
        const again = yield* recipe.again(pointer)
        try {
          if ((yield* raw(again.eq(first))) !== 0) yield* callClosure(call.args[0], borrowed(boxWords(call, recipe.usesFirst === true ? first : again)))
        } finally {
          yield* storeRelease(slot, 0)
        }
        return unitValue
      },
      * 'ArcSwap::store'(call) {
        const {pointer, slots} = call.self as State
        const old = yield* recipe.exchange(pointer, yield* alloc(call.boxes, boxOf(wordsOf(call.args[0]))))
        // what somebody looks at is retired; here that is for good
        for (const slot of slots) if ((yield* raw((yield* recipe.scan(slot)).eq(old))) !== 0) return unitValue
        yield* dropBox(call, old)
        return unitValue
      },
      * 'ArcSwap::drop'(call) {
        yield* dropBox(call, yield* readPlain((call.self as State).pointer))
        return unitValue
      },
    },
  })
}

const cpp = ['sc', 'rc11', 'c++20']

export const hazards: readonly Wrapper[] = ([
  {
    name: 'd19-hazard', title: 'full barriers between announcing and looking again, exchanging and scanning', source: 'Michael 2004; kernel hazptr', recipe: full,
    broken: [], options: admittedFrom(4, false),
  },
  {
    name: 'd19-hazard-exchange', title: 'exchanges on both sides', source: 'wrappers.md, D19 (`haz_fullxchg_both`)', recipe: exchanging,
    broken: [], options: admittedFrom(2, false),
  },
  {
    name: 'd19-hazard-acq-rel', title: 'acquire and release everywhere', source: 'wrappers.md, D19 (`haz_relacq`)', recipe: acquireRelease,
    broken: weakModels, options: admittedFrom(2, true),
  },
  {
    name: 'd19-hazard-reader-fence', title: 'the writer has no barrier before it scans', source: 'wrappers.md, D19', recipe: {...full, exchange: xchgAcquire},
    broken: weakModels, options: admittedFrom(4, true),
  },
  {
    name: 'd19-hazard-writer-fence', title: 'the reader has no barrier before it looks again', source: 'wrappers.md, D19', recipe: {...full, announce: storeRelease},
    broken: weakModels, options: admittedFrom(4, true),
  },
  {
    name: 'arc-swap-1-9', title: 'seq_cst on every access of the debt protocol', source: 'arc-swap 1.9.0, #200, #203 (row 29)', recipe: seqCst,
    broken: [], judged: cpp, options: admittedFrom('none', false),
  },
  {
    name: 'arc-swap-acquire-confirm', title: 'the second load is an acquire', source: 'arc-swap#198 (row 29)', recipe: {...seqCst, again: at => load(at, 'Acquire')},
    broken: ['rc11', 'c++20'], judged: cpp, options: admittedFrom('none', false),
  },
  {
    name: 'arc-swap-first-copy', title: 'looks through the pointer that was loaded first, which may be a zombie', source: 'arc-swap#186, 63fa111 (row 29)',
    recipe: {...full, usesFirst: true}, broken: everyModel, options: admittedFrom(4, true), bounds: {size: 4},
  },
  {
    name: 'd19-zombie-first', title: 'the same, where pointers are their bits, confirmed by a relaxed load', source: 'wrappers.md, D19 (`haz_zombie_p1`)',
    recipe: {...relaxedConfirm, usesFirst: true}, regime: 'bits', broken: weakModels, options: admittedFrom(4, true), bounds: {size: 4},
  },
  {
    name: 'd19-zombie-second', title: 'looks through the pointer that the relaxed load confirmed', source: 'wrappers.md, D19 (`haz_zombie_p2`)',
    recipe: relaxedConfirm, broken: ['rc11'], options: admittedFrom(4, [4]), bounds: {size: 4},
  },
] satisfies readonly Variant[]).map(hazard)
