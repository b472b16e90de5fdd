/**
 * Treiber's stack: wrappers.md D20. Whoever pops looks into the top, although somebody else may have popped and freed it; whoever
 * pushes stores a pointer to it. Nothing is tried twice. Without pop(), with a pop_all() that takes everything, what is pushed onto may
 * still be a node that was freed, and be another one since: McKenney's zombie pointers.
 */
import {
  alloc, check, cmpxchg, free, loadAcquire, raw, rcuReadLock, rcuReadUnlock, readOnce, readPlain, synchronizeRcu, writePlain, xchgAcquire,
  type Heap, type Location, type Memory, type Proc, type Regime, type Value,
} from '../../lib/index.ts'
import type {PayloadWords} from '../wrapper/payload.ts'
import {none, payloadValue, some, structValue, unitValue, type RustValue} from '../wrapper/value.ts'
import {dropPayload, loadWords, wordsOf, wrapper, type Call, type Surroundings, type Wrapper} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, everyModel, inEverything} from './expectation.ts'

interface State {
  readonly top: Location
  readonly nodes: () => Heap
}

/** A node as bodies see it. */
interface Node {
  readonly next: Value
  readonly payload: readonly Value[]
}

function layout(memory: Memory, name: string, {size}: PayloadWords, _struct: string, most: number): State {
  const nodes = memory.heap(`${name}.node`, {next: 1, payload: size}, most)
  return {top: memory.word(`${name}.top`), nodes: () => nodes}
}

function nodeAt({nodes}: State, pointer: Value): Node {
  const {next, payload} = nodes().at(pointer) as unknown as {next: Value; payload: Value | readonly Value[]}
  return {next, payload: [payload].flat()}
}

function* makeNode({nodes}: State, value: RustValue | undefined, next: Value | number): Proc<Value> {
  const words = wordsOf(value)
  return yield* alloc(nodes(), {next, payload: words.length === 1 ? words[0] : words} as never, {name: 'Box::new'})
}


/** A client pushes no more. */
const most = 5

/** Drops the nodes from one on. @param few leaves what comes behind so many to leak, so that fewer things can happen. */
function* dropAll(state: State, around: Surroundings, first: Value, few = Infinity): Proc {
  let at = first
  for (let count = 0; count < few && (yield* raw(at.ne(0))) !== 0; count++) {
    if (count === most) return yield* check('a list has an end', false)
    const {next, payload} = nodeAt(state, at)
    const after = yield* readPlain(next)
    yield* dropPayload(around, around.payload.owned === null ? [] : yield* loadWords(payload, readPlain))
    yield* free(at, {name: 'drop(Box)'})
    at = after
  }
}

/** Pushes unless somebody else changed the top meanwhile. @param leaks then the node is forgotten. */
function* tryPush({self, args}: Call, leaks = false): Proc<RustValue> {
  const state = self as State
  const top = yield* readOnce(state.top)
  const node = yield* makeNode(state, args[0], top)
  const isIn = (yield* cmpxchg(state.top, top, node)).eq(top)
  if (!leaks && (yield* raw(isIn)) === 0) yield* free(node, {name: 'drop(Box)'})
  return {kind: 'scalar', value: isIn}
}

/** Takes the top out; null if there is none, or somebody else was faster. */
function* unlinked(state: State): Proc<Value | null> {
  const top = yield* loadAcquire(state.top)
  if ((yield* raw(top.eq(0))) !== 0) return null
  const after = yield* readPlain(nodeAt(state, top).next)
  return (yield* raw((yield* cmpxchg(state.top, top, after)).eq(top))) === 0 ? null : top
}

/** Inside of a read-side section, where there is RCU. */
function* section<T>(rcu: boolean, inside: () => Proc<T>): Proc<T> {
  if (!rcu) return yield* inside()
  yield* rcuReadLock()
  const result = yield* inside()
  yield* rcuReadUnlock()
  return result
}

/** Treiber's stack with immediate freeing, as tutorials have it with Box: the top is dereferenced although somebody else may have popped it. */
function treiber(name: string, title: string, rcu: boolean, broken: readonly string[]): Wrapper {
  return wrapper({
    name, title, source: 'Treiber 1986; heapless pool, llvm-libc#83026, cs431#560 (wrappers.md, row 38)',
    layout,
    bounds: {size: 3, payloads: ['u8', 'Loud']},
    declares: {allows: ['RCU', 'relaxed atomic'], followsNoPointer: false},
    expected: {source: 'wrappers.md, D20', broken: brokenUnder(broken), options: admittedFrom(4, broken.includes('lkmm'))},
    rust: `
pub struct Stack<T>(AtomicPtr<T>, PhantomData<Box<T>>);
unsafe impl<T: Send> Sync for Stack<T> {}
impl<T> Stack<T> {
    pub fn new(value: T) -> Self;
    pub fn try_push(&self, value: T) -> bool;
    pub fn try_pop(&self) -> Option<T>;
}
impl<T> Drop for Stack<T> {}`,
    bodies: {
      * 'Stack::new'({self, args}) {
        const state = self as State
        yield* writePlain(state.top, yield* makeNode(state, args[0], 0))
        return structValue('Stack', self)
      },
      'Stack::try_push': call => section(rcu, () => tryPush(call)),
      * 'Stack::try_pop'({self}) {
        const state = self as State
        const top = yield* section(rcu, () => unlinked(state))
        if (top === null) return none
        if (rcu) yield* synchronizeRcu()
        const words = yield* loadWords(nodeAt(state, top).payload, readPlain)
        yield* free(top, {name: 'drop(Box)'})
        return some(payloadValue(words))
      },
      * 'Stack::drop'(call) {
        yield* dropAll(call.self as State, call, yield* readPlain((call.self as State).top))
        return unitValue
      },
    },
  })
}

// ---- push() and pop_all() ---------------------------------------------------------------------------------

/** What pop_all() returns is dropped at once. */
function lifo(name: string, title: string, regime: Regime, rcu: boolean, isBroken: boolean): Wrapper {
  return wrapper({
    name, title, source: 'N2369, P1726; McKenney 2021, zombie pointers; rust-lang/unsafe-code-guidelines#480', layout, regime,
    bounds: {size: 4, instances: 1, payloads: ['u8']},
    expected: inEverything('wrappers.md, D20; P2414 by regime', isBroken ? everyModel : []),
    rust: `
pub struct Stack<T>(AtomicPtr<T>, PhantomData<Box<T>>);
unsafe impl<T: Send> Sync for Stack<T> {}
impl<T> Stack<T> {
    pub fn new(value: T) -> Self;
    pub fn try_push(&self, value: T) -> bool;
    pub fn pop_all(&self);
}
impl<T> Drop for Stack<T> {}`,
    bodies: {
      * 'Stack::new'({self, args}) {
        const state = self as State
        yield* writePlain(state.top, yield* makeNode(state, args[0], 0))
        return structValue('Stack', self)
      },
      'Stack::try_push': call => section(rcu, () => tryPush(call, true)),
      * 'Stack::pop_all'(call) {
        const state = call.self as State
        const all = yield* xchgAcquire(state.top, 0)
        if (rcu) yield* synchronizeRcu()
        yield* dropAll(state, call, all, 1)
        return unitValue
      },
      * 'Stack::drop'(call) {
        yield* dropAll(call.self as State, call, yield* readPlain((call.self as State).top))
        return unitValue
      },
    },
  })
}

export const stacks: readonly Wrapper[] = [
  treiber('treiber-stack', 'pops by compare-and-swap, and frees at once', false, everyModel),
  treiber('treiber-stack-rcu', 'in read-side sections; freed after a grace period', true, []),
  lifo('d20-lifo-zombie', 'pops everything, and frees it; pointers know their object, as Rust’s do', 'strict', false, true),
  lifo('d20-lifo-zombie-iso', 'the same by the letter of C11, where pointers to dead objects may not be touched', 'iso', false, true),
  lifo('d20-lifo-zombie-angelic', 'the same where pointers are for whatever makes the program right, as of C++29', 'angelic', false, false),
  lifo('d20-lifo-zombie-bits', 'the same where pointers are their bits, as in the kernel', 'bits', false, false),
  lifo('d20-lifo-rcu', 'pushes in read-side sections; freed after a grace period', 'strict', true, false),
  lifo('d20-lifo-rcu-iso', 'the same by the letter of C11', 'iso', true, false),
]
