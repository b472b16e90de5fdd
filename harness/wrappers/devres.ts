/**
 * The history of Devres, a resource that goes with its owner or when the device is unbound, whichever comes first: wrappers.md B and
 * row 21. Of unbinding, a driver's callbacks run on what the device's list held, last one first; who drops a Devres takes its own out of
 * the list if it is still there. (What readers see is d17-revocable.)
 *
 * Source: torvalds/linux rust/kernel/devres.rs: before and after "rust: devres: fix race in Devres::drop()" (2025-06), f5d3ef25d238 ("get
 * rid of Devres' inner Arc") and ba268514ea14 ("fix race condition due to nesting").
 */
import {
  alloc, atomicFetchAddRelease, awaitAcquire, free, inC, loadAcquire, raw, readPlain, spinLock, spinUnlock, storeRelease, writePlain, xchgRelaxed,
  type Heap, type Location, type Memory, type Proc, type Value,
} from '../../lib/index.ts'
import type {PayloadWords} from '../wrapper/payload.ts'
import {structValue, unitValue} from '../wrapper/value.ts'
import {dropPayload, loadWords, stateOf, wordsOf, wrapper, type Call, type Wrapper} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, everyModel} from './expectation.ts'

interface Device {
  readonly lock: Location
  /** The list: the Devres of which the callback is to be called, and another one, which belongs to a registration that is to be dropped. */
  readonly action: Location
  readonly registration: Location
  /** What the device lends as long as it is bound, such as mapped registers. */
  readonly lent: Location
  readonly lendings: Heap<{readonly value: 1}>
  readonly inners: Heap
}

/** What a Devres and its callback share. */
interface Inner {
  readonly count: Value
  readonly isAvailable: Value
  /** Completions: the owner has dropped the T; the callback is over. */
  readonly revoked: Value
  readonly done: Value
  readonly words: readonly Value[]
}

function layout(memory: Memory, name: string, {size}: PayloadWords, struct: string): Device | null {
  if (struct !== 'Device') return null
  return {
    ...memory.struct(name, {lock: 0, action: 0, registration: 0, lent: 0}),
    lendings: memory.heap(`${name}.lent`, {value: 1} as const, 1),
    inners: memory.heap(`${name}.devres`, {count: 1, isAvailable: 1, revoked: 1, done: 1, payload: size}, 1),
  }
}

/** A Devres: its device, and a pointer to what it shares with its callback. */
interface Devres {
  readonly device: Device
  readonly pointer: Value
}

function innerOf({device, pointer}: Devres): Inner {
  const {payload, ...rest} = device.inners.at(pointer) as unknown as Omit<Inner, 'words'> & {readonly payload: Value | readonly Value[]}
  return {...rest, words: [payload].flat()}
}

const isComplete = (done: unknown): boolean => done === 1

/** What a version does. */
interface Version {
  readonly name: string
  readonly title: string
  readonly source: string
  /** Is what they share counted? Otherwise it goes with the Devres. */
  readonly isCounted: boolean
  /** Does the owner drop the T before it looks for its callback, instead of with the last share? */
  readonly revokesFirst: boolean
  /** Does the callback wait for an owner who is dropping the T; and an owner for the callback? */
  readonly callbackWaits: boolean
  readonly ownerWaits: boolean
  /** Does dropping the T touch what the device lends? */
  readonly isLent: boolean
  readonly broken: readonly string[]
  readonly deadlocks?: boolean
}

function devres({name, title, source, isCounted, revokesFirst, callbackWaits, ownerWaits, isLent, broken, deadlocks = false}: Version): Wrapper {
  /** Whether it is the caller that dropped the T. */
  function* revoke(call: Call, devres: Devres): Proc<boolean> {
    const {isAvailable, words} = innerOf(devres)
    if ((yield* raw(yield* xchgRelaxed(isAvailable, 0))) === 0) return false
    if (isLent) yield* readPlain(yield* readPlain(devres.device.lent)) // such as iounmap()
    yield* dropPayload(call, yield* loadWords(words, readPlain))
    return true
  }

  /** Gives shares back; the last one drops the T if it may still be there. */
  function* put(call: Call, devres: Devres, shares: number): Proc {
    const {count} = innerOf(devres)
    if ((yield* raw((yield* atomicFetchAddRelease(count, -shares)).eq(shares))) === 0) return
    yield* loadAcquire(count)
    if (!revokesFirst) yield* revoke(call, devres)
    yield* free(devres.pointer, {name: 'drop(Devres)'})
  }

  /** devm_remove_action(): whether the callback was still in the list. */
  function* removeAction({device: {lock, action}}: Devres): Proc<boolean> {
    yield* spinLock(lock)
    const isThere = (yield* raw((yield* readPlain(action)).ne(0))) !== 0
    yield* writePlain(action, 0)
    yield* spinUnlock(lock)
    return isThere
  }

  function* drop(call: Call, devres: Devres): Proc {
    const {revoked, done} = innerOf(devres)
    const isMine = revokesFirst && (yield* revoke(call, devres))
    const isRemoved = (isMine || !revokesFirst) && (yield* inC(removeAction(devres)))
    if (isMine && !isRemoved && callbackWaits) yield* inC(storeRelease(revoked, 1))
    if (!isRemoved && ownerWaits) yield* inC(awaitAcquire(done, isComplete))
    if (!isCounted) return yield* free(devres.pointer, {name: 'drop(Devres)'})
    yield* put(call, devres, isRemoved ? 2 : 1)
  }

  function* callback(call: Call, devres: Devres): Proc {
    const {revoked, done} = innerOf(devres)
    const isMine = yield* revoke(call, devres)
    if (!isMine && callbackWaits) yield* inC(awaitAcquire(revoked, isComplete))
    if (ownerWaits) yield* inC(storeRelease(done, 1))
    if (isCounted) yield* put(call, devres, 1)
  }

  return wrapper({
    name, title, source, layout,
    bounds: {size: 3, values: 1, payloads: ['Loud']}, // one device
    declares: {allows: ['relaxed atomic'], followsNoPointer: false},
    expected: {source: 'wrappers.md, B and D17', broken: brokenUnder(broken), options: admittedFrom(4, broken.includes('lkmm')), deadlocks},
    rust: `
pub struct Device<T>(Mutex<()>, PhantomData<T>);
pub struct Devres<T>(Arc<Device<T>>, PhantomData<T>);
unsafe impl<T: Send> Send for Device<T> {}
unsafe impl<T: Send> Sync for Device<T> {}
unsafe impl<T: Send> Send for Devres<T> {}
impl<T: Send> Device<T> {
    pub fn probe(resource: T) -> (Device<T>, Devres<T>);
    pub fn register(&self, registration: Devres<T>);
    pub fn unbind(self);
}
impl<T> Drop for Devres<T> {}`,
    bodies: {
      * 'Device::probe'({self, args}) {
        const device = self as Device
        yield* writePlain(device.lent, yield* alloc(device.lendings, {value: 1}))
        const words = wordsOf(args[0])
        const payload = words.length === 1 ? words[0] : words
        const pointer = yield* alloc(device.inners, {count: 2, isAvailable: 1, revoked: 0, done: 0, payload} as never, {name: 'Devres::new'})
        yield* writePlain(device.action, pointer)
        return {kind: 'tuple', items: [structValue('Device', device), structValue('Devres', {device, pointer} satisfies Devres)]}
      },
      // what registers something that holds a Devres: drm::Registration, with its drm::Device
      * 'Device::register'({self, args}) {
        const {lock, registration} = self as Device
        yield* inC(spinLock(lock))
        yield* inC(writePlain(registration, (stateOf(args[0]) as Devres).pointer))
        yield* inC(spinUnlock(lock))
        return unitValue
      },
      // devres_release_all()
      * 'Device::unbind'(call) {
        const device = call.self as Device
        const {lock, action, registration, lent} = device
        yield* inC(spinLock(lock))
        const [called, dropped] = [yield* inC(readPlain(action)), yield* inC(readPlain(registration))]
        yield* inC(writePlain(action, 0))
        yield* inC(writePlain(registration, 0))
        yield* inC(spinUnlock(lock))
        if ((yield* raw(dropped.ne(0))) !== 0) yield* drop(call, {device, pointer: dropped})
        if ((yield* raw(called.ne(0))) !== 0) yield* callback(call, {device, pointer: called})
        yield* inC(free(yield* readPlain(lent), {name: 'devm_release'}))
        return unitValue
      },
      * 'Devres::drop'(call) {
        yield* drop(call, call.self as Devres)
        return unitValue
      },
    },
  })
}

const counted = {isCounted: true, ownerWaits: false}
const owned = {isCounted: false, revokesFirst: true, callbackWaits: true}

export const devreses: readonly Wrapper[] = ([
  {
    name: 'devres-drop-race', title: 'an owner drops the resource while the device goes', source: '"rust: devres: fix race in Devres::drop()", what it fixed',
    ...counted, revokesFirst: false, callbackWaits: false, isLent: true, broken: everyModel,
  },
  {
    name: 'devres-drop', title: 'the callback waits for the owner', source: '"rust: devres: fix race in Devres::drop()"',
    ...counted, revokesFirst: true, callbackWaits: true, isLent: true, broken: [],
  },
  {
    name: 'devres-no-wait', title: 'nothing is counted, and the owner does not wait for the callback', source: 'what f5d3ef25d238 waits for',
    ...owned, ownerWaits: false, isLent: true, broken: everyModel,
  },
  {
    name: 'devres-completion', title: 'the owner waits for the callback, which may be what it is called by', source: 'f5d3ef25d238',
    ...owned, ownerWaits: true, isLent: true, broken: [], deadlocks: true,
  },
  {
    name: 'devres-arc', title: 'Arc<Revocable<T>>, and nobody waits', source: 'ba268514ea14',
    ...counted, revokesFirst: true, callbackWaits: false, isLent: false, broken: [],
  },
  {
    // row 21 calls this version sound. The module promises that T is dropped before the device is unbound: for that nobody waits any more
    name: 'devres-arc-lent', title: 'the same; dropping the resource touches the device', source: 'ba268514ea14',
    ...counted, revokesFirst: true, callbackWaits: false, isLent: true, broken: everyModel,
  },
] satisfies readonly Version[]).map(devres)
