/**
 * oneshot's channel, where whoever comes second frees it. A receiver that was polled has left its waker in it, and is dropped while the
 * sender goes too: wrappers.md, row 43. T is the waker; a channel begins polled, and nothing is sent.
 *
 * Source: faern/oneshot, Receiver::drop() and Sender::drop(); RUSTSEC-2026-0005 (oneshot#73, fixed by #74 in 0.1.12); oneshot#87, which
 * is open: the receiver overwrites the state by which the sender says that it is at the waker. In Rust's orderings: the kernel's xchg()
 * would be a relaxed exchange between fences to C++, which is not itself ordered before what the other end frees.
 */
import {
  alloc, awaitAcquire, compareExchange, free, raw, readPlain, swap, type Heap, type Memory, type Proc, type Scalar, type Value,
} from '../../lib/index.ts'
import type {PayloadWords} from '../wrapper/payload.ts'
import {structValue, unitValue} from '../wrapper/value.ts'
import {dropPayload, loadWords, wordsOf, wrapper, type Call, type Wrapper} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, everyModel} from './expectation.ts'

/** The states of a channel. `unparking`: the sender is at the waker. */
const [empty, receiving, unparking, disconnected] = [0, 1, 2, 3]

type Channels = Heap<{readonly state: 1; readonly waker: number}>

/** An end of a channel. */
interface End {
  readonly channels: Channels
  readonly pointer: Value
}

function layout(memory: Memory, name: string, {size}: PayloadWords): Channels {
  return memory.heap(`${name}.channel`, {state: 1, waker: size}, 1)
}

function partsOf({channels, pointer}: End): {readonly state: Value; readonly waker: readonly Value[]} {
  const {state, waker} = channels.at(pointer) as unknown as {readonly state: Value; readonly waker: Value | readonly Value[]}
  return {state, waker: [waker].flat()}
}

function* is(found: Value, state: number): Proc<boolean> {
  return (yield* raw(found.eq(state))) !== 0
}

const isLeft = (state: Scalar): boolean => state !== unparking

/** Sets the channel to disconnected; what it was before. Whoever finds that it is so already frees it. */
function* disconnect(end: End): Proc<Value> {
  const before = yield* swap(partsOf(end).state, disconnected, 'SeqCst')
  if (yield* is(before, disconnected)) yield* free(end.pointer, {name: 'dealloc'})
  return before
}

/** How a receiver goes. */
type Leave = (call: Call, end: End) => Proc

/** Sets the state first, and looks after the waker then, when the sender may have freed the channel. */
function* swapFirst(call: Call, end: End): Proc {
  const {state, waker} = partsOf(end)
  const before = yield* disconnect(end)
  if (yield* is(before, receiving)) yield* dropPayload(call, yield* loadWords(waker, readPlain))
  if (!(yield* is(before, unparking))) return
  yield* awaitAcquire(state, isLeft) // it was overwritten, and so is left at once
  yield* free(end.pointer, {name: 'dealloc'})
}

/** #74: takes the waker out first. */
function* wakerFirst(call: Call, end: End): Proc {
  yield* takeBack(call, end)
  yield* swapFirst(call, end)
}

/** The same, and waits for a sender that is at the waker before it sets the state. */
function* wakerFirstWaiting(call: Call, end: End): Proc {
  if (yield* is(yield* takeBack(call, end), unparking)) yield* awaitAcquire(partsOf(end).state, isLeft)
  yield* disconnect(end)
}

/** The waker, unless the sender is at it or has it; the state that was found. */
function* takeBack(call: Call, end: End): Proc<Value> {
  const {state, waker} = partsOf(end)
  const found = yield* compareExchange(state, receiving, empty, 'SeqCst', 'Relaxed')
  if (yield* is(found, receiving)) yield* dropPayload(call, yield* loadWords(waker, readPlain))
  return found
}

function oneshot(name: string, title: string, source: string, leave: Leave, isBroken: boolean): Wrapper {
  return wrapper({
    name, title, source, layout,
    bounds: {size: 3, values: 1, payloads: ['Loud']},
    expected: {source: 'wrappers.md, row 43', broken: brokenUnder(isBroken ? everyModel : []), options: admittedFrom(2, isBroken)},
    rust: `
pub struct Receiver<T>(*const (), PhantomData<T>);
pub struct Sender<T>(*const (), PhantomData<T>);
unsafe impl<T: Send> Send for Receiver<T> {}
unsafe impl<T: Send> Send for Sender<T> {}
impl<T> Receiver<T> { pub fn polled(waker: T) -> (Receiver<T>, Sender<T>); }
impl<T> Drop for Receiver<T> {}
impl<T> Drop for Sender<T> {}`,
    bodies: {
      * 'Receiver::polled'({self, args}) {
        const channels = self as Channels
        const words = wordsOf(args[0])
        const pointer = yield* alloc(channels, {state: receiving, waker: (words.length === 1 ? words[0] : words) as never}, {name: 'Box::new'})
        const end: End = {channels, pointer}
        return {kind: 'tuple', items: [structValue('Receiver', end), structValue('Sender', end)]}
      },
      * 'Receiver::drop'(call) {
        yield* leave(call, call.self as End)
        return unitValue
      },
      * 'Sender::drop'(call) {
        const end = call.self as End
        const {state, waker} = partsOf(end)
        const isMine = yield* is(yield* compareExchange(state, receiving, unparking, 'SeqCst', 'Relaxed'), receiving)
        const words = isMine ? yield* loadWords(waker, readPlain) : []
        if (isMine) yield* swap(state, disconnected, 'SeqCst')
        else yield* disconnect(end)
        if (isMine) yield* dropPayload(call, words) // wakes the receiver
        return unitValue
      },
    },
  })
}

export const oneshots: readonly Wrapper[] = [
  oneshot('oneshot-swap-first', 'the receiver sets the state, and drops its waker then', 'RUSTSEC-2026-0005, oneshot#73', swapFirst, true),
  oneshot('oneshot-waker-first', 'it drops its waker first; it still frees under a sender that is at the waker', 'oneshot 0.1.12; oneshot#87', wakerFirst, true),
  oneshot('oneshot-waker-first-waiting', 'it waits for that sender before it sets the state', 'oneshot#87', wakerFirstWaiting, false),
]
