/**
 * Misuse of RCU, found as lockdep and sparse find it: by watching what a thread does, whatever comes of it.
 *
 * Sources: Documentation/RCU/lockdep.rst and checklist.rst; include/linux/rcupdate.h (RCU_LOCKDEP_WARN(),
 * __rcu) and srcu.h; kernel/rcu/tree.c (synchronize_rcu()); Documentation/dev-tools/sparse.rst.
 * As there, a pointer that went through memory is not followed; nor is one that somebody asked for by raw().
 */
import {perform, Value, type Address, type Heap, type Location, type Op, type Proc, type Reply, type Scalar} from '../lib/index.ts'
import type {Note, Noted} from './notes.ts'
import {handoffClaim, type Protection} from './rcu.ts'

/** What sparse would know of a program. */
export interface Annotations {
  /** The pointers declared `__rcu`: read by rcu_dereference() and its kin, written by rcu_assign_pointer() and its kin. */
  readonly rcuPointers?: readonly Location[]
  /** Fields declared `__rcu`, in every object of their heap. */
  readonly rcuFields?: readonly RcuField[]
}

/** `struct node __rcu *next`. Made by `rcuField`. */
export interface RcuField {
  readonly has: (word: Location) => boolean
}

/** This field of the heap's objects is declared `__rcu`. */
export function rcuField<F extends string>(heap: Pick<Heap<Readonly<Record<F, number>>>, 'fieldOf'>, field: F): RcuField {
  return {has: word => heap.fieldOf(word) === field}
}

/** A rule that the thread broke; the engine reports it as the thread's panic. */
export class Splat extends Error {
  override readonly name = 'Splat'
}

/** The same thread, watched. @throws {Splat} in the thread, at the operation that breaks a rule, or at its end. */
export function* lockdep<T>(thread: Proc<T>, annotations: Annotations = {}): Proc<T> {
  const watch = new Watch(annotations)
  let step = thread.next()
  while (!step.done) {
    let reply: Reply
    try {
      watch.look(step.value, yield* watch.wordOf(step.value))
      reply = yield step.value
      watch.seen(step.value, reply, yield* watch.lockTakenBy(step.value, reply))
    } catch (error) {
      step = thread.throw(error)
      continue
    }
    step = thread.next(reply)
  }
  watch.end()
  return step.value
}

/** All of a program's threads, watched. */
export function lockdepThreads<T extends Readonly<Record<string, () => Proc<unknown>>>>(threads: T, annotations: Annotations = {}): T {
  return Object.fromEntries(Object.entries(threads).map(([name, body]) => [name, () => lockdep(body(), annotations)])) as T
}

/** Plain RCU's section, or the domain whose section it is. */
type Reader = 'rcu' | Location

interface SrcuSection {
  readonly domain: Location
  /** The read that returned the cookie. */
  readonly cookie: number
}

type Taken = Pick<Extract<Note, {kind: 'acquires'}>, 'lock' | 'isSpinning'>

type Access = Extract<Op, {order: unknown}>

const rcuLoads = new Set(['rcu_dereference', 'rcu_dereference_check', 'rcu_dereference_protected', 'rcu_dereference_raw', 'rcu_access_pointer', 'srcu_dereference'])
const rcuStores = new Set(['rcu_assign_pointer', 'RCU_INIT_POINTER'])

class Watch {
  readonly #rcuPointers: ReadonlySet<Location>
  readonly #rcuFields: readonly RcuField[]
  #nesting = 0
  #srcu: readonly SrcuSection[] = []
  /** How often the thread holds a lock, and whether it must not sleep until it releases it. */
  readonly #held = new Map<Location, {readonly times: number; readonly isSpinning: boolean}>()
  /** Reads that returned a pointer for use in a section that is open. */
  readonly #borrowed = new Map<number, Reader>()
  /** Those whose section is over. */
  readonly #returned = new Map<number, Reader>()

  constructor({rcuPointers = [], rcuFields = []}: Annotations) {
    this.#rcuPointers = new Set(rcuPointers)
    this.#rcuFields = rcuFields
  }

  /** The word that an operation will access, if its declaration matters: the machine asks the same before the access, so that nothing changes. */
  * wordOf(op: Op): Proc<Location | null> {
    if (!('order' in op)) return null
    const known = locationOf(op.at)
    if (known !== null || !(op.at instanceof Value) || this.#rcuFields.length === 0) return known
    const word = yield* perform<Scalar>({kind: 'address', value: op.at})
    return typeof word === 'number' || word.index < 0 ? null : word
  }

  /** The lock that an operation took, whether it is spinning or not; whether a thread that tried did take it depends on nothing. */
  * lockTakenBy(op: Op, reply: Reply): Proc<Taken | null> {
    if ('order' in op && op.order === 'LOCK') return {lock: locationOf(op.at)!, isSpinning: true}
    if ('order' in op && op.order === 'TRYLOCK') return (yield* isTrue((reply as Value).eq(0))) ? {lock: locationOf(op.at)!, isSpinning: true} : null
    const note = noteOf(op)
    return note?.kind === 'acquires' && (yield* isTrue(note.taken)) ? note : null
  }

  /** Before an operation on this word. */
  look(op: Op, word: Location | null): void {
    if (op.kind === 'check') this.#lookAtClaim(op)
    if (!('order' in op)) return
    if (op.at !== undefined) this.#lookAtAddress(op, op.at, word)
    if (op.kind === 'fence') this.#lookAtFence(op)
    if (op.kind === 'load') this.#lookAtLoad(op)
    if (op.order === 'UNLOCK') this.#release(locationOf(op.at)!)
    if (op.kind === 'store' && op.name === 'srcu_read_unlock') this.#closeSrcu(op.name, locationOf(op.at)!, op.value)
  }

  /** After it. */
  seen(op: Op, reply: Reply, taken: Taken | null): void {
    if (taken !== null) this.#held.set(taken.lock, {isSpinning: taken.isSpinning, times: (this.#held.get(taken.lock)?.times ?? 0) + 1})
    if (!('order' in op)) return
    if (op.kind !== 'load' || !(reply instanceof Value)) return
    const [read] = reply.reads
    if (op.name === 'srcu_read_lock') this.#srcu = [...this.#srcu, {domain: locationOf(op.at)!, cookie: read!}]
    const reader = this.#lender(op)
    if (reader !== null) this.#borrowed.set(read!, reader)
  }

  end(): void {
    if (this.#nesting > 0) throw new Splat('the thread ends inside rcu_read_lock()')
    const [open] = this.#srcu
    if (open !== undefined) throw new Splat(`the thread ends inside srcu_read_lock(&${open.domain.name})`)
  }

  #lookAtClaim(op: Extract<Op, {kind: 'check'}>): void {
    const note = noteOf(op)
    if (note?.kind === 'sleeps') this.#mustBeAbleToSleep(note.what)
    if (note?.kind === 'releases') this.#release(note.lock)
    if (op.claim !== handoffClaim) return
    for (const read of op.holds.reads) this.#borrowed.delete(read)
  }

  #release(lock: Location): void {
    const held = this.#held.get(lock)
    if (held === undefined) throw new Splat(`bad unlock balance: ${lock.name} is released, and not held`)
    if (held.times > 1) this.#held.set(lock, {...held, times: held.times - 1})
    else this.#held.delete(lock)
  }

  #lookAtFence({order, name, at}: Extract<Op, {kind: 'fence'}>): void {
    switch (order) {
      case 'Rcu-lock': this.#nesting++; return
      case 'Rcu-unlock':
        if (this.#nesting === 0) throw new Splat(`${name}() without rcu_read_lock()`)
        if (--this.#nesting === 0) this.#takeBack('rcu')
        return
      case 'Sync-rcu': this.#mustBeAbleToSleep(`${name}()`); return
      case 'Sync-srcu': {
        const domain = locationOf(at)!
        this.#mustBeAbleToSleep(`${name}()`)
        if (this.#isReading(domain)) throw new Splat(`illegal ${name}() in a read-side critical section of ${domain.name}: it would wait for itself`)
      }
    }
  }

  #mustBeAbleToSleep(what: string): void {
    if (this.#nesting > 0) throw new Splat(`illegal ${what} in an RCU read-side critical section, where a thread must not sleep`)
    for (const [lock, {isSpinning}] of this.#held) {
      if (isSpinning) throw new Splat(`illegal ${what} while holding the spin lock ${lock.name}, where a thread must not sleep`)
    }
  }

  #lookAtAddress(op: Access, at: Address, word: Location | null): void {
    if (at instanceof Value) {
      for (const read of at.reads) {
        const reader = this.#returned.get(read)
        if (reader !== undefined) throw new Splat(`${op.name} through a pointer that was for use in ${sectionOf(reader)}, which is over`)
      }
    }
    if (word === null || !this.#isRcu(word)) return
    if (op.kind === 'load' && !rcuLoads.has(op.name)) throw new Splat(`${op.name} of ${word.name}, which is __rcu: rcu_dereference() belongs here`)
    // what begins or ends an object is no assignment to its fields
    if (op.kind === 'store' && op.mark === undefined && !rcuStores.has(op.name)) throw new Splat(`${op.name} to ${word.name}, which is __rcu: rcu_assign_pointer() belongs here`)
  }

  #isRcu(word: Location): boolean {
    return this.#rcuPointers.has(word) || this.#rcuFields.some(field => field.has(word))
  }

  #lookAtLoad(op: Extract<Op, {kind: 'load'}>): void {
    if (op.name === 'rcu_dereference') {
      if (this.#nesting === 0) throw new Splat('suspicious rcu_dereference() usage: no rcu_read_lock() is held')
      return
    }
    if (!('protection' in op)) return
    const protection = op.protection as Protection
    if (protection === true || (op.name === 'rcu_dereference_check' && this.#nesting > 0)) return
    if (protection !== false && (this.#held.has(protection) || (op.name === 'srcu_dereference' && this.#isReading(protection)))) return
    throw new Splat(`suspicious ${op.name}() usage: ${protection === false ? 'nothing protects the pointer' : `${protection.name} is not held`}`)
  }

  /** Whose section a loaded pointer may be used in; null if nothing limits that. */
  #lender(op: Extract<Op, {kind: 'load'}>): Reader | null {
    if (op.name === 'srcu_dereference') return 'protection' in op ? op.protection as Location : null
    return this.#nesting > 0 && (op.name === 'rcu_dereference' || op.name === 'rcu_dereference_check') ? 'rcu' : null
  }

  #isReading(domain: Location): boolean {
    return this.#srcu.some(section => section.domain === domain)
  }

  #closeSrcu(name: string, domain: Location, cookie: Value): void {
    const section = this.#srcu.find(open => cookie.reads.includes(open.cookie))
    if (section === undefined) throw new Splat(`${name}(&${domain.name}) with a cookie of no open srcu_read_lock()`)
    if (section.domain !== domain) throw new Splat(`${name}(&${domain.name}) with a cookie of srcu_read_lock(&${section.domain.name})`)
    this.#srcu = this.#srcu.filter(open => open !== section)
    if (!this.#isReading(domain)) this.#takeBack(domain)
  }

  #takeBack(reader: Reader): void {
    for (const [read, of] of this.#borrowed) {
      if (of !== reader) continue
      this.#borrowed.delete(read)
      this.#returned.set(read, reader)
    }
  }
}

function noteOf(op: Op): Note | undefined {
  return (op as Partial<Noted>).note
}

/** What is decided by now, without anything's depending on it. */
function* isTrue(value: Value): Proc<boolean> {
  return (yield* perform<Scalar>({kind: 'address', value})) !== 0
}

function sectionOf(reader: Reader): string {
  return reader === 'rcu' ? 'an RCU read-side critical section' : `a read-side critical section of ${reader.name}`
}

/** The word behind an address that is known without running. */
function locationOf(at: Address | undefined): Location | null {
  if (at === undefined) return null
  const scalar = at instanceof Value ? at.reads.length === 0 ? at.scalar : 0 : at
  return typeof scalar === 'number' ? null : scalar
}
