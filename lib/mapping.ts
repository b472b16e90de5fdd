/**
 * From operations to events, per family of models: the documented mappings between the vocabularies.
 *
 * kernel → C/C++: P0124 (Linux-Kernel Memory Model), "Mapping": READ_ONCE is relaxed, smp_store_release
 * is release, smp_wmb and smp_rmb the release and acquire fence, smp_mb a seq_cst fence, a fully ordered
 * read-modify-write is relaxed between two seq_cst fences.
 * C/C++ → kernel: kernel Rust's sync::atomic (rust/kernel/sync/atomic/ordering.rs): Relaxed, Acquire,
 * Release and Full read-modify-writes; no AcqRel, no SeqCst load or store, no fences but smp_*.
 * Either → x86-TSO: Sewell et al., "x86-TSO" (CACM 2010), table 1: a seq_cst store and a full fence carry
 * MFENCE, every read-modify-write is LOCKed, everything else is a plain MOV.
 */
import {label, type Label} from './event.ts'
import type {C11Order, KernelFence, KernelOrder, Op} from './program.ts'
import {WrongInput} from './wrong-input.ts'

/** Which mapping a model wants its events in. */
export type Family = 'sc' | 'tso' | 'c11' | 'lkmm'

/** The events of one access or fence: extra fences around it, and its read and write. */
export interface Shape {
  readonly before: readonly Label[]
  readonly read: Label | null
  /** What a compare-exchange's read turns into once it is known to have succeeded, or failed. */
  readonly succeeded: Label | null
  readonly failed: Label | null
  readonly write: Label | null
  readonly after: readonly Label[]
}

export type MappedOp = Extract<Op, {order: unknown}>

/** An operation that the model's family has no mapping for. */
export class NoMapping extends WrongInput {
  override readonly name = 'NoMapping'
  readonly operation: string
  readonly family: Family
  constructor(operation: string, family: Family) {
    const words = {sc: 'sequential consistency', tso: 'x86-TSO', c11: 'the C/C++ models', lkmm: 'the Linux-kernel model'}
    super(`${operation} has no documented mapping to ${words[family]}`)
    this.operation = operation
    this.family = family
  }
}

/** The events that `op` makes under a family of models. @throws {NoMapping} if it has no counterpart there. */
export function mapping(op: MappedOp, family: Family): Shape {
  const key = `${family} ${op.vocabulary} ${op.kind} ${op.order} ${op.kind === 'cas' ? op.failure : ''}`
  const known = shapes.get(key)
  if (known !== undefined) return known
  const made = map(op, family)
  shapes.set(key, made)
  return made
}

const shapes = new Map<string, Shape>()

type Kinds = Readonly<Record<'load' | 'store' | 'rmw' | 'cas' | 'fence', readonly string[]>>

/** The orders that each kind of operation has in a vocabulary; without those of SRCU. */
const usual: Readonly<Record<'kernel' | 'c11', Kinds>> = {
  kernel: {
    load: ['plain', 'ONCE', 'ACQUIRE', 'IS-LOCKED'], store: ['plain', 'ONCE', 'RELEASE', 'UNLOCK'],
    rmw: ['NORETURN', 'ONCE', 'ACQUIRE', 'RELEASE', 'MB', 'LOCK'], cas: ['ONCE', 'ACQUIRE', 'RELEASE', 'MB', 'TRYLOCK'],
    fence: ['MB', 'Rmb', 'Wmb', 'Barrier', 'Before-atomic', 'After-atomic', 'After-spinlock', 'After-unlock-lock', 'Rcu-lock', 'Rcu-unlock', 'Sync-rcu'],
  },
  c11: {
    load: ['NA', 'RLX', 'ACQ', 'SC'], store: ['NA', 'RLX', 'REL', 'SC'], rmw: ['RLX', 'ACQ', 'REL', 'ACQ_REL', 'SC'], cas: ['RLX', 'ACQ', 'REL', 'ACQ_REL', 'SC'],
    fence: ['ACQ', 'REL', 'ACQ_REL', 'SC'],
  },
}

/** The labels of most programs in a family's own vocabulary. */
export function usualLabels(family: Family): readonly Label[] {
  const vocabulary = family === 'c11' ? 'c11' : 'kernel'
  const ops = Object.entries(usual[vocabulary]).flatMap(([kind, orders]) => orders.map(order => ({kind, order, vocabulary, name: order, failure: 'RLX'}) as MappedOp))
  return [...new Set(ops.flatMap(op => {
    const {before, read, succeeded, failed, write, after} = mapping(op, family)
    return [...before, ...after, read, succeeded, failed, write].filter(one => one !== null)
  }))]
}

function map(op: MappedOp, family: Family): Shape {
  switch (family) {
    case 'sc': return bare(op)
    case 'tso': return op.vocabulary === 'kernel' ? kernelToTso(op) : c11ToTso(op)
    case 'c11': return op.vocabulary === 'kernel' ? kernelToC11(op) : c11ToC11(op)
    case 'lkmm': return op.vocabulary === 'kernel' ? kernelToLkmm(op) : c11ToLkmm(op)
  }
}

/** One access with the same tags everywhere, or one fence. */
function shape(op: MappedOp, tags: readonly string[], around: readonly Label[] = [], failed: readonly string[] = tags): Shape {
  const nothing = {before: [], read: null, succeeded: null, failed: null, write: null, after: []}
  switch (op.kind) {
    case 'load': return {...nothing, read: label('R', ...tags)}
    case 'store': return {...nothing, write: label('W', ...tags)}
    case 'rmw': return {...nothing, before: around, read: label('R', 'RMW', ...tags), write: label('W', 'RMW', ...tags), after: around}
    case 'cas': {
      // undecided: the tags that success and failure share, so that sets only grow
      const shared = tags.filter(tag => failed.includes(tag))
      return {
        before: around, after: around,
        read: label('R', 'RMW', ...shared), succeeded: label('R', 'RMW', ...tags), failed: label('R', 'RMW', ...failed),
        write: label('W', 'RMW', ...tags),
      }
    }
    case 'fence': return {...nothing, before: [label('F', ...tags)]}
  }
}

/** Lock and SRCU operations of the kernel have events of their own under lkmm (lock.cat, linux-kernel.bell). */
function ownEvents(op: MappedOp): Shape | null {
  const own = ownLabels[op.order]
  return own === undefined ? null : {before: [], after: [], read: null, succeeded: null, failed: null, write: null, ...own}
}

/** LK, as herd calls it, is on both halves and every outcome of a lock, so that it is marked before it is decided. */
const ownLabels: Partial<Record<string, Partial<Shape>>> = {
  'LOCK': {
    read: label('R', 'LK', 'LKR'), succeeded: label('R', 'LK', 'LKR'), write: label('W', 'LK', 'LKW'),
  },
  'TRYLOCK': {
    read: label('R', 'LK'), succeeded: label('R', 'LK', 'LKR'), failed: label('R', 'LK', 'LF'), write: label('W', 'LK', 'LKW'),
  },
  'UNLOCK': {write: label('W', 'UL')},
  'IS-LOCKED': {read: label('R', 'RL')}, // RL or RU, by its value: no rule tells them apart
  'SRCU-LOCK': {read: label('R', 'Srcu-lock')},
  'SRCU-UNLOCK': {write: label('W', 'Srcu-unlock')},
}

const empty: Shape = {before: [], read: null, succeeded: null, failed: null, write: null, after: []}

function isSrcu(op: MappedOp): boolean {
  return ['Sync-srcu', 'SRCU-LOCK', 'SRCU-UNLOCK'].includes(op.order)
}

/**
 * RCU where the model has no axiom for it: C++26's std::rcu_domain ([saferecl.rcu], P2545), whose
 * rcu_synchronize() has a beginning and an end. The order that it gives is the base relation `grace`.
 */
function rcuEvents(op: MappedOp): Shape | null {
  switch (op.order) {
    case 'Rcu-lock': case 'Rcu-unlock': return {...empty, before: [label('F', op.order)]}
    case 'Sync-rcu': return {...empty, before: [label('F', 'Sync-rcu-begin'), label('F', 'Sync-rcu-end')]}
    default: return null
  }
}

/** Under SC every access is just an access, and fences are nothing. */
function bare(op: MappedOp): Shape {
  if (isSrcu(op)) throw new NoMapping(op.name, 'sc')
  const rcu = rcuEvents(op)
  if (rcu !== null) return rcu
  return op.kind === 'fence' ? empty : shape(op, [])
}

function kernelToTso(op: MappedOp): Shape {
  if (isSrcu(op)) throw new NoMapping(op.name, 'tso')
  const rcu = rcuEvents(op)
  if (rcu !== null) return rcu
  if (op.kind !== 'fence') return shape(op, [])
  const full: readonly string[] =
    ['MB', 'Before-atomic', 'After-atomic', 'After-spinlock', 'After-unlock-lock', 'After-srcu-read-unlock']
  return full.includes(op.order) ? {...empty, before: [label('F', 'MFENCE')]} : empty
}

function c11ToTso(op: MappedOp): Shape {
  if (op.kind === 'fence') return op.order === 'SC' ? {...empty, before: [label('F', 'MFENCE')]} : empty
  if (op.kind === 'store' && op.order === 'SC') return {...shape(op, []), after: [label('F', 'MFENCE')]}
  return shape(op, [])
}

function kernelToC11(op: MappedOp): Shape {
  const rcu = rcuEvents(op)
  if (rcu !== null) return rcu
  if (op.kind === 'fence') {
    const fences: Partial<Record<KernelFence | C11Order, C11Order | 'nothing'>> = {
      'MB': 'SC', 'Before-atomic': 'SC', 'After-atomic': 'SC', 'After-spinlock': 'SC',
      'Rmb': 'ACQ', 'Wmb': 'REL', 'Barrier': 'nothing', // barrier() is atomic_signal_fence: no event
    }
    const fence = fences[op.order]
    if (fence === undefined) throw new NoMapping(op.name, 'c11')
    return fence === 'nothing' ? empty : {...empty, before: [label('F', fence)]}
  }
  // spin_lock and spin_unlock: an acquire and a release, as C++'s own mutex ([thread.mutex.requirements])
  const orders: Partial<Record<KernelOrder | C11Order, C11Order>> = {
    plain: 'NA', ONCE: 'RLX', NORETURN: 'RLX', ACQUIRE: 'ACQ', RELEASE: 'REL', MB: 'RLX',
    LOCK: 'ACQ', TRYLOCK: 'ACQ', UNLOCK: 'REL', 'IS-LOCKED': 'RLX',
  }
  const around = op.order === 'MB' ? [label('F', 'SC')] : []
  const order = orders[op.order]
  if (order === undefined) throw new NoMapping(op.name, 'c11')
  // a failed cmpxchg() orders nothing (Documentation/atomic_t.txt, "ORDERING")
  return shape(op, [order], around, op.kind === 'cas' ? ['RLX'] : undefined)
}

function c11ToC11(op: MappedOp): Shape {
  return shape(op, [op.order], [], op.kind === 'cas' ? [op.failure] : undefined)
}

function kernelToLkmm(op: MappedOp): Shape {
  // the tags of a failed read-modify-write are taken away by linux-kernel.bell itself (FailedRMW)
  return ownEvents(op) ?? shape(op, op.order === 'plain' ? [] : [op.order])
}

function c11ToLkmm(op: MappedOp): Shape {
  if (op.kind === 'fence') throw new NoMapping(op.name, 'lkmm')
  const isRmw = op.kind === 'rmw' || op.kind === 'cas'
  const orders: Partial<Record<KernelOrder | C11Order, KernelOrder>> = isRmw
    ? {RLX: 'ONCE', ACQ: 'ACQUIRE', REL: 'RELEASE', SC: 'MB'}
    : {NA: 'plain', RLX: 'ONCE', ACQ: 'ACQUIRE', REL: 'RELEASE'}
  const order = orders[op.order]
  if (order === undefined) throw new NoMapping(op.name, 'lkmm')
  if (op.kind === 'cas' && op.failure !== 'RLX') throw new NoMapping(op.name, 'lkmm') // a failed cmpxchg() is Relaxed
  return shape(op, order === 'plain' ? [] : [order])
}
