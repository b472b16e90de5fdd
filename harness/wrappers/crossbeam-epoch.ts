/**
 * crossbeam-epoch: a reader pins the epoch that it finds, and garbage of one epoch is dropped two epochs later. wrappers.md, row 27.
 *
 * Source: crossbeam-epoch, src/internal.rs: Local::pin(), unpin() and repin(), Global::push_bag(), try_advance() and collect(). A
 * pointer that its owner retires stands for what is built on them, and has a collector of its own. try_advance() orders its relaxed loads by
 * a fence(Acquire), of which LKMM has none: acquire loads here. What the owner cannot drop yet is never dropped.
 */
import {
  alloc, loadAcquire, raw, rawNumber, readOnce, smpMb, storeRelease, writeOnce, writePlain, xchgRelease, type Location, type Memory,
  type Operand, type Proc, type Value,
} from '../../lib/index.ts'
import {borrowed, structValue, unitValue} from '../wrapper/value.ts'
import {boxOf, boxWords, callClosure, dropBox, wordsOf, wrapper, type Call, type Wrapper} from '../wrapper/wrapper.ts'
import {everyModel, inEverything, weakModels} from './expectation.ts'

interface State {
  readonly pointer: Location
  readonly epoch: Location
  /** Per participant: the epoch that it is pinned in, or 0. */
  readonly locals: readonly Location[]
}

/** The main thread does nothing while others run, and shares the participant of the first. */
function layout(memory: Memory, name: string): State {
  return {pointer: memory.word(`${name}.pointer`), epoch: memory.word(`${name}.epoch`, firstEpoch), locals: memory.array(`${name}.locals`, 2)}
}

/** A participant's epoch, and that of the other one. */
interface Participant {
  readonly own: Location
  readonly other: Location
}

function participantOf({locals}: State, {thread}: Call): Participant {
  const [first, second] = [locals[0]!, locals[1]!]
  return thread === 2 ? {own: second, other: first} : {own: first, other: second}
}

/** Epochs begin and end here, and what is not dropped then never is: garbage of the first goes in the last. */
const [firstEpoch, lastEpoch] = [1, 3]

function* noFence(): Proc { /* what a variant leaves out */ }

/** What a variant does at the places that decide. */
interface Recipe {
  /** Between pinning and loading. */
  readonly afterPin: () => Proc
  /** Between pinning again, in the newest epoch, and loading. */
  readonly afterRepin: () => Proc
  readonly unpin: (local: Location) => Proc
  /** Looks at another participant's epoch, to advance the global one. */
  readonly look: (local: Location) => Proc<Value>
  /** Reads the epoch that garbage belongs to. */
  readonly seal: (epoch: Location) => Proc<Value>
  /** Is garbage sealed while the pointer to it is still there? */
  readonly sealsFirst: boolean
}

const fenced: Recipe = {
  afterPin: smpMb, // the pin before the loads; pairs with smp_mb() in advance() and in seal()
  afterRepin: smpMb,
  unpin: local => storeRelease(local, 0), // the loads before the end of the pin; pairs with the acquire in advance()
  look: loadAcquire,
  * seal(epoch) {
    yield* smpMb() // unlinked before the epoch is read; pairs with smp_mb() in pinned()
    return yield* readOnce(epoch)
  },
  sealsFirst: false,
}

/** With a guard: the participant is pinned in the epoch that it finds, and `inside` is told which. */
function* pinned<T>({epoch}: State, {own}: Participant, recipe: Recipe, inside: (pinnedIn: Value) => Proc<T>): Proc<T> {
  const pinnedIn = yield* readOnce(epoch)
  yield* writeOnce(own, pinnedIn)
  yield* recipe.afterPin()
  try {
    return yield* inside(pinnedIn)
  } finally {
    yield* recipe.unpin(own)
  }
}

/**
 * Advances the global epoch, unless a participant is behind: the one that does so, which is pinned, or the other.
 * @returns the new epoch; null if it is not this one that advanced it.
 */
function* advance({epoch}: State, {other}: Participant, {look}: Recipe, pinnedIn: Value): Proc<number | null> {
  const now = yield* rawNumber(yield* readOnce(epoch))
  yield* smpMb() // the epoch before the participants'; pairs with smp_mb() in pinned()
  if (now === lastEpoch || (yield* raw(pinnedIn.eq(now))) === 0) return null
  const seen = yield* look(other)
  if ((yield* raw(seen.eq(0).or(seen.eq(now)))) === 0) return null
  yield* storeRelease(epoch, now + 1)
  return now + 1
}

/** Drops garbage once it is old enough. The epoch advances once per pin, and has to do so twice. */
function* collect(call: Call, state: State, recipe: Recipe, old: Operand, sealed: Value): Proc {
  const participant = participantOf(state, call)
  for (let i = 0; i < 2; i++) {
    const now = yield* pinned(state, participant, recipe, pinnedIn => advance(state, participant, recipe, pinnedIn))
    if (now === null) return
    if (now === lastEpoch && (yield* raw(sealed.eq(firstEpoch))) !== 0) return yield* dropBox(call, old)
  }
}

interface Variant {
  readonly name: string
  readonly title: string
  readonly source: string
  readonly recipe?: Partial<Recipe>
  /** Do readers advance the epoch first, and pin the newer one: `guard.flush(); guard.repin()`? */
  readonly repins?: boolean
  readonly broken: readonly string[]
}

function cell({name, title, source, recipe: other, repins = false, broken}: Variant): Wrapper {
  const recipe = {...fenced, ...other}
  return wrapper({
    name, title, source, layout,
    bounds: {size: 3, payloads: ['u8']},
    expected: inEverything('wrappers.md, row 27', broken),
    rust: `
pub struct Owner<T>(Arc<(Collector, AtomicPtr<T>)>, PhantomData<Box<T>>);
pub struct Reader<T>(Arc<(Collector, AtomicPtr<T>)>, PhantomData<Box<T>>);
pub struct Collector(AtomicUsize);
unsafe impl<T: Send + Sync> Send for Owner<T> {}
unsafe impl<T: Send + Sync> Send for Reader<T> {}
unsafe impl<T: Send + Sync> Sync for Reader<T> {}
impl<T> Owner<T> { pub fn new(value: T) -> (Owner<T>, Reader<T>); }
impl<T> Reader<T> { pub fn with(&self, look: impl Fn(&T) + 'static); }
impl<T> Drop for Owner<T> {}`,
    bodies: {
      * 'Owner::new'({self, args, boxes}) {
        yield* writePlain((self as State).pointer, yield* alloc(boxes, boxOf(wordsOf(args[0]))))
        return {kind: 'tuple', items: [structValue('Owner', self), structValue('Reader', self)]}
      },
      * 'Reader::with'(call) {
        const state = call.self as State
        const participant = participantOf(state, call)
        yield* pinned(state, participant, recipe, function* (pinnedIn) {
          if (repins) {
            yield* advance(state, participant, recipe, pinnedIn)
            yield* storeRelease(participant.own, yield* readOnce(state.epoch))
            yield* recipe.afterRepin()
          }
          const pointer = yield* loadAcquire(state.pointer)
          if ((yield* raw(pointer.ne(0))) !== 0) yield* callClosure(call.args[0], borrowed(boxWords(call, pointer)))
        })
        return unitValue
      },
      * 'Owner::drop'(call) {
        const state = call.self as State
        const {old, sealed} = yield* pinned(state, participantOf(state, call), recipe, function* () {
          const early = recipe.sealsFirst ? yield* recipe.seal(state.epoch) : null
          const old = yield* xchgRelease(state.pointer, 0)
          return {old, sealed: early ?? (yield* recipe.seal(state.epoch))}
        })
        yield* collect(call, state, recipe, old, sealed)
        return unitValue
      },
    },
  })
}

export const epochs: readonly Wrapper[] = ([
  {name: 'crossbeam-epoch', title: 'a fence after the pin; dropped two epochs later', source: 'crossbeam-epoch 0.9', broken: []},
  {
    name: 'crossbeam-epoch-pin', title: 'loads may come before the pin', source: 'crossbeam-epoch, comment in Local::pin()',
    recipe: {afterPin: noFence}, broken: weakModels,
  },
  {
    name: 'crossbeam-epoch-unpin', title: 'loads may come after the unpin', source: 'crossbeam-epoch, Local::unpin()',
    recipe: {unpin: local => writeOnce(local, 0)}, broken: weakModels,
  },
  {
    name: 'crossbeam-epoch-advance', title: 'the epoch advances without an acquire', source: 'crossbeam-epoch, Global::try_advance()',
    recipe: {look: readOnce}, broken: weakModels,
  },
  {
    name: 'crossbeam-epoch-flush', title: 'readers pin newer epochs, with a fence', source: 'crossbeam-epoch, Guard::flush()',
    repins: true, broken: [],
  },
  {
    // the crate's comment, and rfcs#18, have it that the fence of the first pin is enough. It is not where the reader has advanced the
    // epoch: garbage may still be sealed in the old one, while the reader loads the pointer to it and counts as one of the new one
    name: 'crossbeam-epoch-repin', title: 'readers pin newer epochs, without a fence', source: 'crossbeam-epoch 0.9, Local::repin()',
    repins: true, recipe: {afterRepin: noFence}, broken: weakModels,
  },
  {
    name: 'crossbeam-epoch-seal', title: 'the epoch of garbage is read before the fence', source: 'crossbeam-epoch#53',
    repins: true, broken: weakModels,
    recipe: {
      * seal(epoch) {
        const sealed = yield* readOnce(epoch)
        yield* smpMb()
        return sealed
      },
    },
  },
  {
    name: 'crossbeam-epoch-reachable', title: 'garbage is sealed while there is a pointer to it', source: 'crossbeam#238, #466: the queue’s tail',
    repins: true, recipe: {sealsFirst: true}, broken: everyModel,
  },
] satisfies readonly Variant[]).map(cell)
