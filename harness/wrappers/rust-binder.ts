/**
 * CVE-2025-68260, the first of Rust in the kernel: an intrusive list was moved out of a locked node, and walked without the lock, while
 * the unsafe `List::remove()` of others, under it, took elements for those of the node's own list. wrappers.md, B.
 *
 * Source: torvalds/linux drivers/android/binder/node.rs, Node::release(), before and since the fix (6.18.1). A node's list has one
 * death here. The share in it that a list has belongs to whoever takes it out.
 */
import {alloc, free, raw, readPlain, spinLock, spinUnlock, writePlain, type Heap, type Location, type Memory, type Proc} from '../../lib/index.ts'
import {structValue, unitValue} from '../wrapper/value.ts'
import {wrapper, type Wrapper} from '../wrapper/wrapper.ts'
import {everyModel, inOrderedRust} from './expectation.ts'

interface State {
  readonly lock: Location
  /** Is the node's list empty, or does it begin with the death? */
  readonly first: Location
  /** The death's links: what comes behind it, and whether it is in a list. */
  readonly next: Location
  readonly isListed: Location
  /** The list's share in it. */
  readonly share: Location
  readonly shares: Heap<{readonly value: 1}>
}

function layout(memory: Memory, name: string): State {
  return {
    ...memory.struct(name, {lock: 0, first: 1, next: 0, isListed: 1, share: 0}),
    shares: memory.heap(`${name}.share`, {value: 1} as const, 1),
  }
}

/** List::remove(): an element that is in a list is taken to be in the node's. */
function* remove({first, next, isListed}: State): Proc<boolean> {
  if ((yield* raw(yield* readPlain(isListed))) === 0) return false
  yield* writePlain(first, yield* readPlain(next))
  yield* writePlain(isListed, 0)
  return true
}

function* drop({share}: State): Proc {
  yield* free(yield* readPlain(share), {name: 'drop(ListArc)'})
}

/** Node::release(), as it was: `mem::take(&mut inner.death_list)`, and what was taken is walked without the lock. */
function* releaseAll(state: State): Proc {
  const {lock, first, next, isListed} = state
  yield* spinLock(lock)
  const isTaken = yield* readPlain(first)
  yield* writePlain(first, 0)
  yield* spinUnlock(lock)
  if ((yield* raw(isTaken)) === 0) return
  yield* readPlain(next)
  yield* writePlain(isListed, 0)
  yield* drop(state)
}

/** Since: one is popped at a time, under the lock. */
function* releaseEach(state: State): Proc {
  yield* spinLock(state.lock)
  const isPopped = (yield* raw(yield* readPlain(state.first))) !== 0 && (yield* remove(state))
  yield* spinUnlock(state.lock)
  if (isPopped) yield* drop(state)
}

function node(name: string, title: string, release: (state: State) => Proc, broken: readonly string[]): Wrapper {
  return wrapper({
    name, title, source: 'CVE-2025-68260; torvalds/linux drivers/android/binder/node.rs', layout,
    bounds: {size: 3},
    expected: inOrderedRust('wrappers.md, B', broken),
    rust: `
pub struct Node(Mutex<()>, UnsafeCell<usize>);
unsafe impl Sync for Node {}
impl Node {
    pub fn new() -> Node;
    pub fn release(&self);
    pub fn clear(&self);
}`,
    bodies: {
      * 'Node::new'({self}) {
        const {share, shares} = self as State
        yield* writePlain(share, yield* alloc(shares, {value: 1}))
        return structValue('Node', self)
      },
      * 'Node::release'({self}) {
        yield* release(self as State)
        return unitValue
      },
      // BC_CLEAR_DEATH_NOTIFICATION
      * 'Node::clear'({self}) {
        const state = self as State
        yield* spinLock(state.lock)
        const isRemoved = yield* remove(state)
        yield* spinUnlock(state.lock)
        if (isRemoved) yield* drop(state)
        return unitValue
      },
    },
  })
}

export const binders: readonly Wrapper[] = [
  node('rust-binder-release', 'a list that was moved out under the lock is walked without it', releaseAll, everyModel),
  node('rust-binder-release-fixed', 'each element is popped under the lock', releaseEach, []),
]
