/**
 * arc-swap's debts, paid: a writer raises the count for whoever looks at the old value, and clears the slot; a reader that finds its
 * slot cleared owns a share. Both do so by one compare-exchange, Debt::pay(), and how it fails is what matters here. wrappers.md, row 29.
 *
 * Source: arc-swap, src/debt/mod.rs (Debt::pay(), pay_all()) and src/strategy/hybrid.rs; a reader whose pointer is not confirmed gives
 * up instead of taking the slow path. Written in Rust's orderings, of which some have no counterpart in the kernel.
 */
import {
  alloc, compareExchange, fetchAdd, load, raw, readPlain, swap, writePlain, type LoadOrdering, type Location, type Memory, type Operand,
  type Proc, type Value,
} from '../../lib/index.ts'
import {borrowed, structValue, unitValue} from '../wrapper/value.ts'
import {arcOf, arcWords, callClosure, dropArc, wordsOf, wrapper, type Call, type Wrapper} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder} from './expectation.ts'

interface State {
  readonly pointer: Location
  readonly slots: readonly Location[]
}

/** The main thread does nothing while others run, and has the slot of the first. */
function layout(memory: Memory, name: string): State {
  return {pointer: memory.word(`${name}.pointer`), slots: memory.array(`${name}.slots`, 2)}
}

/** Debt::pay(): whether there was one. */
function* pay(slot: Location, pointer: Value, failure: LoadOrdering): Proc<boolean> {
  return (yield* raw((yield* compareExchange(slot, pointer, 0, 'SeqCst', failure)).eq(pointer))) !== 0
}

function raise({arcs}: Call, pointer: Operand): Proc<Value> {
  return fetchAdd(arcs.at(pointer).count, 1, 'Relaxed')
}

/** No option has all of it: relaxed counts keep it from the ones before, seq_cst loads from the kernel's model. */
const options = admittedFrom('none', false)

const judged = ['sc', 'rc11', 'c++20']

/** How a compare-exchange that finds no debt is ordered. */
interface Failure {
  readonly reader: LoadOrdering
  readonly writer: LoadOrdering
}

function paying(name: string, title: string, source: string, failure: Failure, broken: readonly string[]): Wrapper {
  return wrapper({
    name, title, source, layout,
    bounds: {size: 3, payloads: ['u8']},
    expected: {source: 'wrappers.md, row 29', broken: brokenUnder(broken, judged), options},
    rust: `
pub struct ArcSwap<T>(AtomicPtr<T>, PhantomData<Arc<T>>);
unsafe impl<T: Send + Sync> Sync for ArcSwap<T> {}
impl<T> ArcSwap<T> {
    pub fn new(value: T) -> Self;
    pub fn with(&self, look: impl Fn(&T) + 'static);
    pub fn store(&self, value: T);
}
impl<T> Drop for ArcSwap<T> {}`,
    bodies: {
      * 'ArcSwap::new'({self, args, arcs}) {
        yield* writePlain((self as State).pointer, yield* alloc(arcs, arcOf(wordsOf(args[0]))))
        return structValue('ArcSwap', self)
      },
      * 'ArcSwap::with'(call) {
        const {pointer, slots} = call.self as State
        const slot = slots[Math.max(0, call.thread - 1)]!
        const first = yield* load(pointer, 'Acquire')
        yield* swap(slot, first, 'SeqCst')
        const again = yield* load(pointer, 'SeqCst')
        if ((yield* raw(again.eq(first))) !== 0) yield* callClosure(call.args[0], borrowed(arcWords(call, again)))
        if (!(yield* pay(slot, first, failure.reader))) yield* dropArc(call, first)
        return unitValue
      },
      * 'ArcSwap::store'(call) {
        const {pointer, slots} = call.self as State
        const old = yield* swap(pointer, yield* alloc(call.arcs, arcOf(wordsOf(call.args[0]))), 'SeqCst')
        yield* raise(call, old) // for the first debt
        for (const slot of slots) if (yield* pay(slot, old, failure.writer)) yield* raise(call, old) // and for the next
        yield* dropArc(call, old)
        yield* dropArc(call, old)
        return unitValue
      },
      * 'ArcSwap::drop'(call) {
        yield* dropArc(call, yield* readPlain((call.self as State).pointer))
        return unitValue
      },
    },
  })
}

export const debts: readonly Wrapper[] = [
  paying(
    // only with load buffering, which RC11 rules out: the writer's raise reads what the drop stored, which comes of what the writer did then
    'arc-swap-pay-relaxed', 'a reader may drop its share before the writer has raised the count for it', 'arc-swap PR#195',
    {reader: 'Relaxed', writer: 'SeqCst'}, ['c++20'],
  ),
  paying(
    'arc-swap-pay-acquire', 'a writer may overlook a debt', 'arc-swap 1.8.1; #204', {reader: 'Acquire', writer: 'Acquire'},
    ['rc11', 'c++20'],
  ),
  paying(
    'arc-swap-pay', 'debts are looked for in the one order of all seq_cst operations', 'arc-swap 1.9.1',
    {reader: 'SeqCst', writer: 'SeqCst'}, [],
  ),
]
