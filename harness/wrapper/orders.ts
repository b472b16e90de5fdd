/**
 * Which orderings an operation may have, and the operation with another one: for trying what would repair a wrapper, and what
 * it does not need.
 *
 * Sources: Documentation/atomic_t.txt and memory-barriers.txt; [atomics.order] for which order each kind of access may have.
 */
import type {C11Order, KernelOrder, Op} from '../../lib/index.ts'

type Order = KernelOrder | C11Order
type Access = Exclude<Extract<Op, {order: unknown}>, {kind: 'fence'}>

/** How an operation is spelled with another ordering, and what makes it so. */
export interface Respelling {
  readonly name: string
  readonly of: (op: Op) => Op
}

const kernelUpdates = ['ONCE', 'ACQUIRE', 'RELEASE', 'MB'] as const
const c11Updates = ['RLX', 'ACQ', 'REL', 'ACQ_REL', 'SC'] as const

/** What a kind of access may have, the weakest first. */
const allowed: Readonly<Record<Access['vocabulary'], Readonly<Record<Access['kind'], readonly Order[]>>>> = {
  kernel: {load: ['plain', 'ONCE', 'ACQUIRE'], store: ['plain', 'ONCE', 'RELEASE'], rmw: kernelUpdates, cas: kernelUpdates},
  c11: {load: ['NA', 'RLX', 'ACQ', 'SC'], store: ['NA', 'RLX', 'REL', 'SC'], rmw: c11Updates, cas: c11Updates},
}

/** Neither is stronger than the other. */
const apart: readonly (readonly [Order, Order])[] = [['ACQUIRE', 'RELEASE'], ['ACQ', 'REL']]

/** Stronger ways to do it, the weakest first. */
export function strongerThan(op: Op): readonly Respelling[] {
  return isOrdered(op) ? others(op, (own, other) => other > own).map(order => respelling(op, order)) : []
}

/** Weaker ways to do it, the weakest first; what was marked stays so. */
export function weakerThan(op: Op): readonly Respelling[] {
  if (!isOrdered(op)) return []
  return others(op, (own, other) => other < own).filter(order => order !== 'plain' && order !== 'NA').map(order => respelling(op, order))
}

/** Locks, SRCU, and what begins or ends an object are no matter of taste. */
function isOrdered(op: Op): op is Access {
  return 'order' in op && op.kind !== 'fence' && !('mark' in op && op.mark !== undefined) && allowed[op.vocabulary][op.kind].includes(op.order)
}

function others({vocabulary, kind, order}: Access, wanted: (own: number, other: number) => boolean): readonly Order[] {
  const all = allowed[vocabulary][kind]
  return all.filter((other, i) => wanted(all.indexOf(order), i) && !apart.some(pair => pair.includes(order) && pair.includes(other)))
}

function respelling({name, kind, vocabulary}: Access, order: Order): Respelling {
  const spelled = vocabulary === 'kernel' ? inKernel(name, kind, order) : inC11(name, kind, order)
  return {name: spelled, of: op => ({...op, order, name: spelled}) as Op}
}

function inKernel(name: string, kind: Access['kind'], order: Order): string {
  if (kind === 'load') return order === 'ACQUIRE' ? 'smp_load_acquire' : 'READ_ONCE'
  if (kind === 'store') return order === 'RELEASE' ? 'smp_store_release' : 'WRITE_ONCE'
  const suffix = {ONCE: '_relaxed', ACQUIRE: '_acquire', RELEASE: '_release', MB: ''}[order as string] ?? ''
  return `${name.replace(/_(?:relaxed|acquire|release)$/, '')}${suffix}`
}

const inRust: Readonly<Record<string, string>> = {RLX: 'Relaxed', ACQ: 'Acquire', REL: 'Release', ACQ_REL: 'AcqRel', SC: 'SeqCst'}

/** `load(Acquire)` of `load(Relaxed)`, `compare_exchange(Release, Relaxed)` of `compare_exchange(AcqRel, Relaxed)`. */
function inC11(name: string, kind: Access['kind'], order: Order): string {
  return /\(\w+/.test(name) ? name.replace(/\(\w+/, `(${inRust[order]}`) : `${kind}(${inRust[order]})`
}
