/**
 * What a thread's own events come to, without the names of threads and locations. Threads of one shape have the same
 * relations of their own, so these are evaluated once per shape, by the reference evaluator, whatever the program.
 */
import type {Node} from './behaviour.ts'
import type {LocalEvent} from './thread-run.ts'
import {numberOf, type Event, type Label} from './event.ts'
import type {Execution, Given, Pair} from './execution.ts'
import type {RelationExpr, SetExpr} from './model.ts'
import type {OwnRelation} from './plan.ts'
import {evaluateAll} from './reference.ts'

interface OwnSet {
  readonly key: string
  readonly expr: SetExpr
}

/** The events of a thread that has come to some node. Vertices are counted within the thread. */
export class Shape {
  readonly labels: ReadonlySet<Label>
  readonly #execution: Execution
  readonly #vertices: readonly number[]
  /** What others have worked out, by what it depends on besides the shape (a plan, a model). */
  readonly #notes = new WeakMap<object, unknown>()
  readonly #pairs = new Map<string, Int32Array>()
  readonly #members = new Map<string, Int32Array>()

  /** Vertices are below this. */
  readonly size: number

  constructor({events, vertices}: Node) {
    this.labels = new Set(events.map(({label}) => label))
    this.#execution = alone(events)
    this.#vertices = vertices
    this.size = vertices.length
  }

  /** What `make` makes of the shape, made once per `key`; each kind of key belongs to one caller. */
  noted<T>(key: object, make: (shape: this) => T): T {
    if (!this.#notes.has(key)) this.#notes.set(key, make(this))
    return this.#notes.get(key) as T
  }

  /** The pairs of a relation: from, to, … */
  related(expr: RelationExpr): Int32Array {
    return this.#betweenVertices(evaluateAll(this.#execution, [expr], []).pairs[0]!)
  }

  /** The pairs of relations, by positions of events in the thread. */
  between(relations: readonly RelationExpr[]): readonly (readonly Pair[])[] {
    return evaluateAll(this.#execution, relations, []).pairs
  }

  /** The vertex of the event at a position, if it has one. */
  vertexAt(position: number): readonly number[] {
    const vertex = this.#vertices[position]!
    return vertex < 0 ? [] : [vertex]
  }

  labelAt(position: number): Label {
    return this.#execution.events[position]!.label
  }

  /** Evaluates, all at once, what is not known yet. */
  evaluate(relations: readonly OwnRelation[], sets: readonly OwnSet[]): void {
    const newRelations = relations.filter(({key}) => !this.#pairs.has(key))
    const newSets = sets.filter(({key}) => !this.#members.has(key))
    if (newRelations.length === 0 && newSets.length === 0) return
    const {pairs, members} = evaluateAll(this.#execution, newRelations.map(({expr}) => expr), newSets.map(({expr}) => expr))
    for (const [i, {key}] of newRelations.entries()) this.#pairs.set(key, this.#betweenVertices(pairs[i]!))
    for (const [i, {key}] of newSets.entries()) {
      this.#members.set(key, Int32Array.from(members[i]!, id => this.#vertices[id]!).filter(vertex => vertex >= 0))
    }
  }

  /** The pairs of a relation that was evaluated: from, to, … */
  pairs(key: string): Int32Array {
    return this.#pairs.get(key)!
  }

  /** The vertices in a set that was evaluated. */
  members(key: string): Int32Array {
    return this.#members.get(key)!
  }

  #betweenVertices(pairs: readonly Pair[]): Int32Array {
    const ends: number[] = []
    for (const [a, b] of pairs) {
      const [from, to] = [this.#vertices[a]!, this.#vertices[b]!]
      if (from >= 0 && to >= 0) ends.push(from, to)
    }
    return Int32Array.from(ends)
  }
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
  // words by the order in which the thread comes to them; one word may be part of different objects in turn
  const words = new Set(node.events.map(({location}) => location?.index))
  const places = new Map([...words].map((word, i) => [word, i]))
  const own = node.events.slice(node.from).map(({label, location, addr, data, ctrl, rmwRead}, i) =>
    `${numberOf(label)}@${location === null ? '' : places.get(location.index)!}${node.vertices[node.from + i]! < 0 ? 'f' : ''}a${addr.join()}d${data.join()}c${ctrl.join()}m${rmwRead}`)
  const relabelled = node.relabelled.map(([position, label]) => `${position}=${numberOf(label)}`)
  node.signature = `${node.parent === null ? '' : signatureOf(node.parent)}/${own.join(' ')} ${relabelled.join(' ')}`
  return node.signature
}

/** One thread's events as an execution of their own, to evaluate what depends on nothing else. */
function alone(events: readonly LocalEvent[]): Execution {
  const given: Growing = {po: [], addr: [], data: [], ctrl: [], rmw: [], rf: [], co: []}
  addOwnRelations(given, events, 0)
  return {
    events: events.map(({label, location}, id): Event => ({id, thread: 0, position: id, label, location})),
    given, values: events.map(() => null),
  }
}

/** The given relations of an execution that is being put together. */
export type Growing = {-readonly [relation in keyof Given]: Pair[]}

/** Adds program order and dependencies of one thread, whose events are numbered from `first` on. */
export function addOwnRelations(given: Growing, events: readonly LocalEvent[], first: number): void {
  for (const [position, event] of events.entries()) {
    const id = first + position
    for (let before = first; before < id; before++) given.po.push([before, id])
    for (const read of event.addr) given.addr.push([first + read, id])
    for (const read of event.data) given.data.push([first + read, id])
    for (const read of event.ctrl) given.ctrl.push([first + read, id])
    if (event.rmwRead >= 0) given.rmw.push([first + event.rmwRead, id])
  }
}
