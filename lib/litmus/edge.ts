/**
 * The edges that cycles are made of, after diy7: communications, program order, fences, dependencies, RCU.
 *
 * An edge's name says all about it: `PodRW` is program order (Po) to a different location (d) from a read (R)
 * to a write (W); `Rfe` is a communication to another thread (e). Two annotations may follow, one per end:
 * `PodRWAcquireOnce`. Sources: Alglave, Maranget, Sarkar, Sewell, "Fences in weak memory models (extended
 * version)" (FMSD 2012), section 5; the `Cycle=` lines of diy7's tests for the kernel.
 */
import {distance} from 'fastest-levenshtein'

export type Dialect = 'kernel' | 'c11'
export type Direction = 'R' | 'W'

/** How an access is spelled. `pointer` is C for the address: `x`, or `(x + (r0 ^ r0))`. */
export interface Annotation {
  readonly name: string
  readonly dialect: Dialect
  /** Null if no read is annotated so. */
  readonly read: ((pointer: string) => string) | null
  readonly write: ((pointer: string, value: string) => string) | null
}

const plain = {
  read: (pointer: string) => `*${pointer}`,
  write: (pointer: string, value: string) => `*${pointer} = ${value}`,
}
const lvalue = {
  read: (call: string) => (pointer: string) => `${call}(*${pointer})`,
  write: (call: string) => (pointer: string, value: string) => `${call}(*${pointer}, ${value})`,
}
const atomic = {
  read: (order: string) => (pointer: string) => `atomic_load_explicit(${pointer}, memory_order_${order})`,
  write: (order: string) => (pointer: string, value: string) => `atomic_store_explicit(${pointer}, ${value}, memory_order_${order})`,
}

/** All annotations, of each dialect the one that stands for no annotation first. */
export const annotations: readonly Annotation[] = [
  {name: 'Once', dialect: 'kernel', read: lvalue.read('READ_ONCE'), write: lvalue.write('WRITE_ONCE')},
  {name: 'Acquire', dialect: 'kernel', read: pointer => `smp_load_acquire(${pointer})`, write: null},
  {name: 'Release', dialect: 'kernel', read: null, write: (pointer, value) => `smp_store_release(${pointer}, ${value})`},
  {name: 'Deref', dialect: 'kernel', read: lvalue.read('rcu_dereference'), write: null},
  {name: 'Assign', dialect: 'kernel', read: null, write: lvalue.write('rcu_assign_pointer')},
  {name: 'Plain', dialect: 'kernel', ...plain},
  {name: 'Rlx', dialect: 'c11', read: atomic.read('relaxed'), write: atomic.write('relaxed')},
  {name: 'Acq', dialect: 'c11', read: atomic.read('acquire'), write: null},
  {name: 'Rel', dialect: 'c11', read: null, write: atomic.write('release')},
  {name: 'Sc', dialect: 'c11', read: atomic.read('seq_cst'), write: atomic.write('seq_cst')},
  {name: 'Na', dialect: 'c11', ...plain},
]

const annotationOf = new Map(annotations.map(annotation => [annotation.name, annotation]))

/** The annotation that a word is, if it is one. */
export function annotationNamed(name: string): Annotation | null {
  return annotationOf.get(name) ?? null
}

/** The annotation of an access that says nothing. */
export function defaultAnnotation(dialect: Dialect): Annotation {
  return annotations.find(annotation => annotation.dialect === dialect)!
}

export interface Fence {
  readonly name: string
  readonly dialect: Dialect
  readonly call: string
}

/** The fences of `Fence…` edges. */
export const fences: readonly Fence[] = [
  {name: 'Mb', dialect: 'kernel', call: 'smp_mb()'},
  {name: 'Rmb', dialect: 'kernel', call: 'smp_rmb()'},
  {name: 'Wmb', dialect: 'kernel', call: 'smp_wmb()'},
  {name: 'Barrier', dialect: 'kernel', call: 'barrier()'},
  {name: 'Acq', dialect: 'c11', call: 'atomic_thread_fence(memory_order_acquire)'},
  {name: 'Rel', dialect: 'c11', call: 'atomic_thread_fence(memory_order_release)'},
  {name: 'AcqRel', dialect: 'c11', call: 'atomic_thread_fence(memory_order_acq_rel)'},
  {name: 'Sc', dialect: 'c11', call: 'atomic_thread_fence(memory_order_seq_cst)'},
]

/** What an edge is: how its two accesses are related, and what the test does between them. */
export type Meaning =
  /** `Rfe`: the read takes its value from the write. `Fre`: the write overwrites what was read. `Coe`: it overwrites the write. */
  | {readonly kind: 'communication'; readonly relation: 'rf' | 'fr' | 'co'}
  | {readonly kind: 'po'}
  | {readonly kind: 'fence'; readonly fence: Fence}
  | {readonly kind: 'dependency'; readonly on: 'addr' | 'data' | 'ctrl'}
  /** Both accesses stand in one RCU read-side critical section; edges in a row share one. */
  | {readonly kind: 'section'}
  /** A grace period between them. */
  | {readonly kind: 'grace'}

/** An edge without its annotations. */
export interface Shape {
  /** diy7's name; an older spelling leads to the newer one's shape. */
  readonly name: string
  readonly meaning: Meaning
  readonly from: Direction
  readonly to: Direction
  /** Both ends access one location. */
  readonly same: boolean
  /** The ends are in two threads. */
  readonly external: boolean
  /** Null if every dialect has it. */
  readonly dialect: Dialect | null
}

const directions = ['R', 'W'] as const

/** `PosRR` … `PodWW`, for one beginning. */
function between(prefix: string, meaning: Meaning, dialect: Dialect | null, froms: readonly Direction[] = directions,
  tos: readonly Direction[] = directions): Shape[] {
  return ['s', 'd'].flatMap(where => froms.flatMap(from => tos.map((to): Shape => ({
    name: prefix + where + (meaning.kind === 'dependency' ? '' : from) + to,
    meaning, from, to, same: where === 's', external: false, dialect,
  }))))
}

function communication(relation: 'rf' | 'fr' | 'co', from: Direction, to: Direction): Shape[] {
  const prefix = relation[0]!.toUpperCase() + relation[1]!
  return ['e', 'i'].map((where): Shape =>
    ({name: prefix + where, meaning: {kind: 'communication', relation}, from, to, same: true, external: where === 'e', dialect: null}))
}

const shapes: readonly Shape[] = [
  ...communication('rf', 'W', 'R'), ...communication('fr', 'R', 'W'), ...communication('co', 'W', 'W'),
  ...between('Po', {kind: 'po'}, null),
  ...fences.flatMap(fence => between(`Fence${fence.name}`, {kind: 'fence', fence}, fence.dialect)),
  ...between('DpAddr', {kind: 'dependency', on: 'addr'}, null, ['R']),
  ...between('DpData', {kind: 'dependency', on: 'data'}, null, ['R'], ['W']),
  ...between('DpCtrl', {kind: 'dependency', on: 'ctrl'}, null, ['R']),
  ...between('Rscs', {kind: 'section'}, 'kernel'),
  ...between('Gp', {kind: 'grace'}, 'kernel'),
]

const shapeOf = new Map(shapes.map(shape => [shape.name, shape]))
for (const [older, newer] of [['Wse', 'Coe'], ['Wsi', 'Coi']] as const) shapeOf.set(older, shapeOf.get(newer)!)

/** The shape of this name. @throws {TypeError} if there is none: for names that the program itself makes. */
export function shapeNamed(name: string): Shape {
  const shape = shapeOf.get(name)
  if (shape === undefined) throw new TypeError(`there is no edge ${name}`)
  return shape
}

/** An edge of a cycle as it was written. */
export interface Edge {
  readonly shape: Shape
  /** What the edge itself says of its two ends. */
  readonly from: Annotation | null
  readonly to: Annotation | null
}

const annotationNames = annotations.map(({name}) => name).join('|')
const annotated = new RegExp(`^(\\w+?)(${annotationNames})(${annotationNames})$`)

/** The edge that a word names, or null. */
export function parseEdge(word: string): Edge | null {
  const bare = shapeOf.get(word)
  if (bare !== undefined) return {shape: bare, from: null, to: null}
  const [, name, from, to] = annotated.exec(word) ?? []
  const shape = name === undefined ? undefined : shapeOf.get(name)
  return shape === undefined ? null : {shape, from: annotationOf.get(from!)!, to: annotationOf.get(to!)!}
}

/** May an access in this direction be annotated so? */
export function fitsDirection(annotation: Annotation, direction: Direction): boolean {
  return (direction === 'R' ? annotation.read : annotation.write) !== null
}

/** The names closest to a word that is none: first those that it begins. */
export function nearestEdges(word: string): readonly string[] {
  const known = [...shapeOf.keys(), ...annotationOf.keys()]
  const begun = known.filter(name => name.startsWith(word))
  return begun.length > 0 ? begun.slice(0, 4) : nearest(word, [...known, ...annotatedNames()])
}

function annotatedNames(): string[] {
  return shapes.flatMap(({name, from, to, dialect}) => annotations.flatMap(a => annotations.flatMap(b =>
    a.dialect === b.dialect && (dialect ?? a.dialect) === a.dialect && fitsDirection(a, from) && fitsDirection(b, to) ? [name + a.name + b.name] : [])))
}

/** The edges from and to these directions that look most like `like`. */
export function edgesThatFit(like: string, from: Direction, to: Direction, dialect: Dialect): readonly string[] {
  const fitting = shapes.filter(shape => shape.from === from && shape.to === to && (shape.dialect ?? dialect) === dialect)
  return nearest(like, fitting.map(({name}) => name), 3)
}

function nearest(word: string, names: readonly string[], count = 2): string[] {
  const far = names.map(name => [distance(word.toLowerCase(), name.toLowerCase()), name] as const).sort(([a], [b]) => a - b)
  return far.slice(0, count).filter(([off]) => off <= far[0]![0] + 1).map(([, name]) => name)
}
