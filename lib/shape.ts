/**
 * What a thread's own events come to, without the names of threads and locations. Threads of one shape have the same
 * relations of their own, so these are evaluated once per shape, whatever the program.
 */
import type {Node} from './behaviour.ts'
import type {LocalEvent} from './thread-run.ts'
import {numberOf, type Label} from './event.ts'
import type {Pair} from './execution.ts'
import {mapped} from './mapped.ts'
import type {RelationExpr, SetExpr} from './model.ts'
import {onOwn, type OwnEvent} from './own.ts'

interface Evaluated {
  readonly pairs: readonly Int32Array[]
  readonly members: readonly Int32Array[]
  readonly isThere: readonly boolean[]
}

/** The events of a thread that has come to some node. Vertices are counted within the thread. */
export class Shape {
  readonly labels: ReadonlySet<Label>
  /** Vertices are below this. */
  readonly vertexCount: number
  readonly #events: readonly OwnEvent[]
  readonly #vertices: readonly number[]
  /** What others have worked out, by what it depends on besides the shape (a plan, a model). */
  readonly #notes = new WeakMap<object, unknown>()

  constructor({events, vertices, vertexCount}: Node) {
    this.labels = new Set(events.map(({label}) => label))
    this.vertexCount = vertexCount
    this.#events = ownEvents(events)
    this.#vertices = vertices
  }

  /** What `make` makes of the shape, made once per `key`; each kind of key belongs to one caller. */
  noted<T>(key: object, make: (shape: this) => T): T {
    if (!this.#notes.has(key)) this.#notes.set(key, make(this))
    return this.#notes.get(key) as T
  }

  /** The pairs of a relation: from, to, … */
  related(expr: RelationExpr): Int32Array {
    return this.#betweenVertices(onOwn(this.#events, own => own.pairs(expr)))
  }

  /** The pairs of relations, by positions of events in the thread. */
  between(relations: readonly RelationExpr[]): readonly (readonly Pair[])[] {
    return onOwn(this.#events, own => mapped(relations, expr => paired(own.pairs(expr))))
  }

  /** All at once, which saves most of the work: the pairs of relations, the vertices in sets, and which relations of events have any pair. */
  evaluate(relations: readonly RelationExpr[], sets: readonly SetExpr[], tested: readonly RelationExpr[]): Evaluated {
    return onOwn(this.#events, own => ({
      pairs: mapped(relations, expr => this.#betweenVertices(own.pairs(expr))),
      members: mapped(sets, expr => packed(mapped(own.members(expr), event => this.#vertices[event]!).filter(vertex => vertex >= 0))),
      isThere: mapped(tested, expr => own.pairs(expr).length > 0),
    }))
  }

  hasTag(tag: string): boolean {
    for (let i = 0; i < this.#events.length; i++) if (this.#events[i]!.label.tags.includes(tag)) return true
    return false
  }

  /** The vertex of the event at a position, if it has one. */
  vertexAt(position: number): readonly number[] {
    const vertex = this.#vertices[position]!
    return vertex < 0 ? [] : [vertex]
  }

  labelAt(position: number): Label {
    return this.#events[position]!.label
  }

  #betweenVertices(pairs: readonly number[]): Int32Array {
    const ends: number[] = []
    for (let i = 0; i < pairs.length; i += 2) {
      const [from, to] = [this.#vertices[pairs[i]!]!, this.#vertices[pairs[i + 1]!]!]
      if (from >= 0 && to >= 0) ends.push(from, to)
    }
    return packed(ends)
  }
}

function paired(ends: readonly number[]): readonly Pair[] {
  return Array.from({length: ends.length / 2}, (_, i) => [ends[2 * i]!, ends[2 * i + 1]!])
}

const nothing = new Int32Array(0)

/** Most of what is kept is empty. */
function packed(numbers: readonly number[]): Int32Array {
  return numbers.length === 0 ? nothing : Int32Array.from(numbers)
}

const shapes = new Map<string, Shape>()
const maxShapes = 10_000

/** The shape of the thread at this node. */
export function shapeOf(node: Node): Shape {
  const signature = signatureOf(node)
  const known = shapes.get(signature)
  if (known !== undefined) return known
  if (shapes.size >= maxShapes) shapes.clear()
  const made = new Shape(node)
  shapes.set(signature, made)
  return made
}

/** The same for nodes that have come the same way, as far as the thread's own relations can tell. */
function signatureOf(node: Node): string {
  if (node.signature !== null) return node.signature
  let text = `${node.parent === null ? '' : signatureOf(node.parent)}/`
  for (let i = node.from; i < node.events.length; i++) {
    const {label, location, addr, data, ctrl, rmwRead} = node.events[i]!
    text += numberOf(label)
    if (location !== null) text += `@${firstAt(node.events, location.index)}`
    if (node.vertices[i]! < 0) text += 'f'
    if (addr.length > 0) text += `a${addr.join()}`
    if (data.length > 0) text += `d${data.join()}`
    if (ctrl.length > 0) text += `c${ctrl.join()}`
    if (rmwRead >= 0) text += `m${rmwRead}`
    text += ' '
  }
  for (const [position, label] of node.relabelled) text += `${position}=${numberOf(label)} `
  node.signature = text
  return text
}

/** The thread's first event at a word, which stands for the word; one word may be part of different objects in turn. */
function firstAt(events: readonly LocalEvent[], word: number): number {
  let i = 0
  while (events[i]!.location?.index !== word) i++
  return i
}

/** One thread's events, without what would keep the program in memory. */
function ownEvents(events: readonly LocalEvent[]): readonly OwnEvent[] {
  return mapped(events, ({label, location, addr, data, ctrl, rmwRead}) => ({label, word: location?.index ?? -1, addr, data, ctrl, rmwRead}))
}
