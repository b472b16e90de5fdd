/**
 * Readers that announce what they look at, and writers that look at what is announced: hazard pointers and arc-swap's debts,
 * wrappers.md D19. Each thread has one slot; a reader that finds the pointer changed meanwhile gives up instead of trying again.
 */
import {
  alloc, load, loadAcquire, raw, readOnce, readPlain, smpMb, storeRelease, swap, writeOnce, writePlain, xchg, xchgAcquire,
  type Location, type Memory, type Operand, type Proc, type Value,
} from '../../lib/index.ts'
import {borrowed, structValue, unitValue} from '../wrapper/value.ts'
import {boxOf, boxWords, callClosure, dropBox, wordsOf, wrapper, type Wrapper, type WrapperBounds} from '../wrapper/wrapper.ts'

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

const acquireRelease: Recipe = {...full, announce: storeRelease, exchange: xchgAcquire}

/** C++'s orderings: everything seq_cst. */
const seqCst: Recipe = {
  first: at => load(at, 'Relaxed'),
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
  readonly broken: Readonly<Record<string, boolean>>
  readonly bounds?: WrapperBounds
}

function hazard({name, title, source, recipe, broken, bounds}: Variant): Wrapper {
  return wrapper({
    name, title, source, layout,
    bounds: {size: 3, payloads: ['u8'], ...bounds},
    expected: {source: 'wrappers.md, D19', broken},
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
        if ((yield* raw((yield* readOnce(slot)).ne(0))) !== 0) return unitValue // the closure of another with() is running
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

const zombie: WrapperBounds = {size: 4}

export const hazards: readonly Wrapper[] = ([
  {name: 'd19-hazard', title: 'full barriers between announcing and looking again, exchanging and scanning', source: 'Michael 2004; kernel hazptr', recipe: full, broken: {sc: false, rc11: false, lkmm: false}},
  {name: 'd19-hazard-acq-rel', title: 'acquire and release everywhere', source: 'wrappers.md, D19 (`haz_relacq`)', recipe: acquireRelease, broken: {sc: false, rc11: true, lkmm: true}},
  {
    name: 'd19-hazard-reader-fence', title: 'the writer has no barrier before it scans', source: 'wrappers.md, D19', recipe: {...full, exchange: xchgAcquire},
    broken: {sc: false, rc11: true, lkmm: true},
  },
  {
    name: 'd19-hazard-writer-fence', title: 'the reader has no barrier before it looks again', source: 'wrappers.md, D19', recipe: {...full, announce: storeRelease},
    broken: {sc: false, rc11: true, lkmm: true},
  },
  {name: 'arc-swap-1-9', title: 'seq_cst on every access of the debt protocol', source: 'arc-swap 1.9.0, #200, #203 (row 29)', recipe: seqCst, broken: {sc: false, rc11: false, 'c++20': false}},
  {
    name: 'arc-swap-acquire-confirm', title: 'the second load is an acquire', source: 'arc-swap#198 (row 29)', recipe: {...seqCst, again: at => load(at, 'Acquire')},
    broken: {sc: false, rc11: true, 'c++20': true},
  },
  {
    name: 'arc-swap-first-copy', title: 'looks through the pointer that was loaded first, which may be a zombie', source: 'arc-swap#186, 63fa111 (row 29)',
    recipe: {...full, usesFirst: true}, broken: {sc: true, rc11: true, lkmm: true}, bounds: zombie,
  },
  {name: 'arc-swap-second-copy', title: 'looks through the pointer that was confirmed', source: 'arc-swap#186, the fix (row 29)', recipe: full, broken: {sc: false, rc11: false, lkmm: false}, bounds: zombie},
] satisfies readonly Variant[]).map(hazard)
