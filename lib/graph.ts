/**
 * A growing candidate execution: how far each thread has run, which events are there, where reads
 * take their values from.
 *
 * Everything that changes lives in one typed array, saved and restored as a whole. Vertices (events
 * that the model's relations can end at) have fixed places: each thread has a run of them.
 */
import type {Behaviour, Node} from './behaviour.ts'
import {drop, isIn, next, put} from './bits.ts'
import {Checker} from './checker.ts'
import {derivedOf} from './derived.ts'
import type {Plan} from './plan.ts'
import {isCovered} from './presence.ts'
import type {LocalEvent} from './thread-run.ts'
import {evaluate, undefinedScalar, type Location, type Scalar, type Value} from './value.ts'

/** What a graph is made for. */
export interface Blueprint {
  readonly memory: readonly Location[]
  readonly behaviours: readonly Behaviour[]
  readonly plan: Plan
  /** Vertices reserved for each thread. */
  readonly capacity: readonly number[]
  /** Grace periods and critical sections to be counted (counting.ts), likewise. */
  readonly units: readonly number[]
}

/** More vertices in a thread, or another kind of event, than the graph was made for. */
export class Outgrown extends Error {
  override readonly name = 'Outgrown'
}

/** Where a read takes its value from, if not from a vertex. */
export const unresolved = -2
export const initial = -1

/** How many conditions may be assumed at once. */
export const maxAssumed = 8

const unknown = -0x80000000
const interned = 0x40000000

export class Graph {
  readonly memory: readonly Location[]
  readonly behaviours: readonly Behaviour[]
  readonly plan: Plan
  /** The plan's relations on this graph. */
  readonly checker: Checker
  readonly threads: number
  readonly vertices: number
  /** 32-bit words in a set of vertices. */
  readonly words: number
  /** The thread of each vertex. */
  readonly threadOf: readonly number[]
  /** Words in a saved state. */
  readonly size: number
  /** First vertex of each thread, and how many are reserved for it. */
  readonly #base: Int32Array
  readonly #capacity: Int32Array
  /** Likewise for the grace periods and critical sections that are counted. */
  readonly #unitBase: Int32Array
  readonly #unitCapacity: Int32Array
  readonly #state: Int32Array

  // where things are in the state: one word per thread, one per vertex, or rows of bits
  readonly #node: number
  readonly #location: number
  readonly #source: number
  readonly #value: number
  readonly #partner: number
  readonly #excludedInitial: number
  readonly #excluded: number
  readonly #pending: number
  readonly #promised: number
  readonly #stuck: number
  readonly #writes: number
  readonly #accesses: number
  readonly #assumed: number

  /** Functions of the state: how far each thread has run, and the event at each vertex. */
  readonly #nodes: Node[] = []
  readonly #events: (LocalEvent | null)[]

  /** Scalars that are no small numbers, by the code that stands for them in the state. */
  readonly #scalars: Scalar[] = []
  readonly #codes = new Map<Scalar, number>()
  readonly #undefinedValues = new Map<string, Scalar>()
  /** Vertices whose value is being worked out: one that needs itself has none. */
  readonly #visiting: boolean[]

  constructor({memory, behaviours, plan, capacity, units}: Blueprint) {
    this.memory = memory
    this.behaviours = [...behaviours] // of one kind for the compiler, however the caller's was made
    this.plan = plan
    this.threads = behaviours.length
    this.threadOf = threadsOf(capacity)
    this.vertices = this.threadOf.length
    this.words = Math.max(1, Math.ceil(this.vertices / 32))
    this.#capacity = new Int32Array(capacity)
    this.#base = startsOf(capacity)
    this.#unitCapacity = new Int32Array(units)
    this.#unitBase = startsOf(units)
    this.#events = new Array<LocalEvent | null>(this.vertices).fill(null)
    this.#visiting = new Array<boolean>(this.vertices).fill(false)

    let size = 0
    const reserve = (words: number): number => {
      size += words
      return size - words
    }
    this.#node = reserve(this.threads)
    this.#location = reserve(this.vertices)
    this.#source = reserve(this.vertices)
    this.#value = reserve(this.vertices)
    this.#partner = reserve(this.vertices)
    this.#excludedInitial = reserve(this.words)
    this.#excluded = reserve(this.vertices * this.words)
    this.#pending = reserve(this.words)
    this.#promised = reserve(this.words)
    this.#stuck = reserve(this.words)
    this.#writes = reserve(memory.length * this.words)
    this.#accesses = reserve(memory.length * this.words)
    this.#assumed = reserve(1 + 2 * maxAssumed)
    const sets = reserve(plan.sets * this.words)
    const relations = reserve(plan.kept * this.vertices * this.words)
    const used = reserve(plan.kept * this.words)
    const count = units.reduce((sum, own) => sum + own, 0)
    const counted = {
      count, weights: reserve(count), before: reserve(count * this.words), after: reserve(count * this.words), best: reserve(Math.ceil(count * count / 2)),
    }
    this.size = size
    this.#state = new Int32Array(size)
    const layout = {vertices: this.vertices, words: this.words, location: this.#location, access: this.#accesses, sets, relations, used, units: counted}
    this.checker = new Checker(plan, this.#state, layout, sameThread(this.threadOf, this.words))
  }

  // ---- the state as a whole ----

  save(into: Int32Array, at = 0): void {
    into.set(this.#state, at)
  }

  restore(from: Int32Array, at = 0): void {
    this.#state.set(from.subarray(at, at + this.size))
    // events are a function of the threads' nodes, but those of a branch not taken must not linger
    for (let thread = 0; thread < this.threads; thread++) {
      const node = this.behaviours[thread]!.nodes[this.#state[this.#node + thread]!]!
      if (this.nodeOf(thread) !== node) this.#show(thread, node)
    }
  }

  /** No thread has started. */
  clear(): void {
    const state = this.#state
    state.fill(0)
    state.fill(unresolved, this.#source, this.#source + this.vertices)
    state.fill(unknown, this.#value, this.#value + this.vertices)
    state.fill(-1, this.#location, this.#location + this.vertices)
    state.fill(-1, this.#partner, this.#partner + this.vertices)
    for (const [thread, {root}] of this.behaviours.entries()) this.#nodes[thread] = root
    this.checker.clear()
  }

  // ---- threads and their events ----

  /** How far the thread has run. */
  nodeOf(thread: number): Node {
    return this.#nodes[thread]!
  }

  /** How far the thread has run in a saved state. */
  nodeIn(saved: Int32Array, thread: number): Node {
    return this.behaviours[thread]!.nodes[saved[this.#node + thread]!]!
  }

  /** The first vertex that is reserved for the thread. */
  firstOf(thread: number): number {
    return this.#base[thread]!
  }

  /** The vertex of a thread's event. */
  vertexOf(thread: number, position: number): number {
    return this.#base[thread]! + this.nodeOf(thread).vertices[position]!
  }

  /** The thread has run on to this node: its new events join the execution. @throws {Outgrown} */
  enter(thread: number, node: Node): void {
    const start = this.#base[thread]!
    this.#state[this.#node + thread] = node.id
    const {plan} = this
    const derived = derivedOf(node, plan.master)
    const {members, pairs, units} = derived
    if (!derived.isCovered || !isCovered(derived.presence, plan.presence) || node.vertexCount > this.#capacity[thread]!
      || (plan.counting !== null && units.length > this.#unitCapacity[thread]!)) {
      throw new Outgrown(`thread ${this.behaviours[thread]!.name}`)
    }
    this.#show(thread, node)
    for (let position = node.from; position < node.events.length; position++) {
      const vertex = node.vertices[position]!
      if (vertex >= 0) this.#place(start + vertex, node.events[position]!, node, start)
    }
    const old = node.parent === null ? 0 : node.parent.vertexCount
    for (let i = 0; i < members.length; i += 2) {
      const set = plan.setOf[members[i]!]!
      if (set >= 0) this.checker.include(set, start + members[i + 1]!, members[i + 1]! < old)
    }
    for (let i = 0; i < pairs.length; i += 3) {
      const relation = plan.relationOf[pairs[i]!]!
      if (relation >= 0) this.checker.add(relation, start + pairs[i + 1]!, start + pairs[i + 2]!)
    }
    if (plan.counting !== null) this.checker.count(this.#unitBase[thread]!, start, units)
  }

  #show(thread: number, node: Node): void {
    this.#nodes[thread] = node
    const start = this.#base[thread]!
    for (let position = 0; position < node.events.length; position++) {
      const vertex = node.vertices[position]!
      if (vertex >= 0) this.#events[start + vertex] = node.events[position]!
    }
  }

  #place(vertex: number, event: LocalEvent, node: Node, start: number): void {
    if (event.location === null) return
    const state = this.#state
    const location = event.location.index
    state[this.#location + vertex] = location
    put(state, this.#accesses + location * this.words, vertex)
    if (event.label.kind === 'F') return // synchronize_srcu(): at a location, but no access
    if (event.label.kind === 'R') {
      put(state, this.#pending, vertex)
      return
    }
    put(state, this.#writes + location * this.words, vertex)
    if (event.rmwRead >= 0) {
      const read = start + node.vertices[event.rmwRead]!
      state[this.#partner + read] = vertex
      state[this.#partner + vertex] = read
    }
    if (event.value!.kind === 'const') state[this.#value + vertex] = this.#encode(event.value!.scalar)
  }

  eventAt(vertex: number): LocalEvent {
    return this.#events[vertex]!
  }

  isWrite(vertex: number): boolean {
    return this.#events[vertex]!.label.kind === 'W'
  }

  /** The index of the word that the vertex accesses, or -1. */
  locationOf(vertex: number): number {
    return this.#state[this.#location + vertex]!
  }

  /** The other half of a read-modify-write, or -1. */
  partnerOf(vertex: number): number {
    return this.#state[this.#partner + vertex]!
  }

  /** May the thread still write to the location? */
  mayStillWrite(location: number, thread: number): boolean {
    return mayWrite(this.nodeOf(thread), location)
  }

  /** May any? */
  mayAnyStillWrite(location: number): boolean {
    for (let thread = 0; thread < this.threads; thread++) if (this.mayStillWrite(location, thread)) return true
    return false
  }

  /** The writes to a location, in the way of `next` in bits.ts. */
  nextWrite(location: number, after: number): number {
    return next(this.#state, this.#writes + location * this.words, this.words, after)
  }

  /** Everything at a location, likewise. */
  nextAccess(location: number, after: number): number {
    return next(this.#state, this.#accesses + location * this.words, this.words, after)
  }

  // ---- reads ----

  /** The reads that are not resolved, likewise. */
  nextPending(after: number): number {
    return next(this.#state, this.#pending, this.words, after)
  }

  /** The vertex that the read takes its value from, `initial` or `unresolved`. */
  sourceOf(read: number): number {
    return this.#state[this.#source + read]!
  }

  /** Its source in a saved state. */
  sourceIn(saved: Int32Array, read: number): number {
    return saved[this.#source + read]!
  }

  /** The read takes its value from this write. */
  resolve(read: number, write: number): void {
    this.#state[this.#source + read] = write
    drop(this.#state, this.#pending, read)
    if (this.#events[read]!.until !== null) put(this.#state, this.#promised, read)
  }

  /** Waits that took a value not known yet, or not looked at; in the way of `next` in bits.ts. */
  nextPromised(after: number): number {
    return next(this.#state, this.#promised, this.words, after)
  }

  /** The wait's value is known, and it accepts it. */
  keepPromise(read: number): void {
    drop(this.#state, this.#promised, read)
  }

  /** The read takes none of the writes that exist now. */
  postpone(read: number): void {
    const writes = this.#writes + this.locationOf(read) * this.words
    for (let word = 0; word < this.words; word++) this.#state[this.#excluded + read * this.words + word] = this.#state[writes + word]!
    put(this.#state, this.#excludedInitial, read)
  }

  /** The read waits for ever: it never sees a value that it accepts. */
  giveUp(read: number): void {
    this.postpone(read)
    put(this.#state, this.#stuck, read)
  }

  isStuck(read: number): boolean {
    return isIn(this.#state, this.#stuck, read)
  }

  isPostponed(read: number): boolean {
    return isIn(this.#state, this.#excludedInitial, read)
  }

  /** Was the write there, or is it the initial one, when the read was postponed? */
  isExcluded(read: number, write: number): boolean {
    return write === initial ? this.isPostponed(read) : isIn(this.#state, this.#excluded + read * this.words, write)
  }

  // ---- assumptions ----

  get assumptions(): number {
    return this.#state[this.#assumed]!
  }

  /** Remembers that the thread was given an answer that its reads have yet to confirm. */
  assume(thread: number, node: Node): void {
    const at = this.#assumed + 1 + 2 * this.assumptions
    this.#state[at] = thread
    this.#state[at + 1] = node.id
    this.#state[this.#assumed]!++
  }

  /** The i-th: a thread, and its state after the answer. */
  assumedThread(i: number): number {
    return this.#state[this.#assumed + 1 + 2 * i]!
  }

  assumedNode(i: number): Node {
    return this.behaviours[this.assumedThread(i)]!.nodes[this.#state[this.#assumed + 2 + 2 * i]!]!
  }

  // ---- values ----

  /** The scalar behind a value of a thread; undefined while not decided. */
  evaluate(thread: number, value: Value): Scalar | undefined {
    if (value.kind === 'const') return value.scalar
    return value.kind === 'read' ? this.scalarOf(this.vertexOf(thread, value.scalar as number)) : this.#compute(thread, value)
  }

  #compute(thread: number, value: Value): Scalar | undefined {
    try {
      return evaluate(value, position => this.scalarOf(this.vertexOf(thread, position)))
    } catch (error) {
      if (error instanceof RangeError) return this.#undefined(error.message)
      throw error
    }
  }

  /** The scalar that a vertex reads or writes; undefined while it depends on an unresolved read (or on itself). */
  scalarOf(vertex: number): Scalar | undefined {
    const code = this.#state[this.#value + vertex]!
    if (code !== unknown) return this.#decode(code)
    if (this.#visiting[vertex] === true) return undefined
    this.#visiting[vertex] = true
    const scalar = this.#workOut(vertex)
    this.#visiting[vertex] = false
    if (scalar !== undefined) this.#state[this.#value + vertex] = this.#encode(scalar)
    return scalar
  }

  /** The same if it was asked for before. */
  knownScalar(vertex: number): Scalar | undefined {
    const code = this.#state[this.#value + vertex]!
    return code === unknown ? undefined : this.#decode(code)
  }

  /** Did any execution so far compute what C leaves undefined? */
  get hasUndefined(): boolean {
    return this.#undefinedValues.size > 0
  }

  #workOut(vertex: number): Scalar | undefined {
    const {label, value} = this.#events[vertex]!
    if (label.kind !== 'R') return this.evaluate(this.threadOf[vertex]!, value!)
    const write = this.sourceOf(vertex)
    if (write === initial) return this.memory[this.locationOf(vertex)]!.init
    return write === unresolved ? undefined : this.scalarOf(write)
  }

  /** Adds the unresolved reads that a thread's value depends on. */
  addRoots(thread: number, value: Value, into: Int32Array): void {
    for (const position of value.reads) this.#addRoot(this.vertexOf(thread, position), into)
  }

  #addRoot(read: number, into: Int32Array): void {
    if (this.#state[this.#value + read] !== unknown || this.#visiting[read] === true) return
    const write = this.sourceOf(read)
    if (write === unresolved) {
      put(into, 0, read)
      return
    }
    if (write === initial) return
    this.#visiting[read] = true
    this.addRoots(this.threadOf[write]!, this.#events[write]!.value!, into)
    this.#visiting[read] = false
  }

  #encode(scalar: Scalar): number {
    if (typeof scalar === 'number' && scalar > -interned && scalar < interned) return scalar
    const known = this.#codes.get(scalar)
    if (known !== undefined) return known
    const code = interned + this.#scalars.length
    this.#scalars.push(scalar)
    this.#codes.set(scalar, code)
    return code
  }

  #decode(code: number): Scalar {
    return code >= interned ? this.#scalars[code - interned]! : code
  }

  /** The value of arithmetic that C leaves undefined; the same for the same reason, so that behaviours stay finite. */
  #undefined(why: string): Scalar {
    const known = this.#undefinedValues.get(why) ?? undefinedScalar(why)
    this.#undefinedValues.set(why, known)
    return known
  }

  /**
   * Gives values to reads whose value depends on itself. LKMM does not forbid every such cycle (plain
   * accesses take no part in happens-before); as herd7, a cycle of pure copies has one value that
   * equals no other, and a cycle through arithmetic is no execution: false.
   */
  settleCopies(): boolean {
    for (let read = 0; read < this.vertices; read++) {
      if (this.sourceOf(read) < 0 || this.scalarOf(read) !== undefined) continue
      let at = read
      for (let steps = 0; steps < this.vertices && this.#state[this.#value + at] === unknown; steps++) {
        const write = this.sourceOf(at)
        if (write < 0) return false
        const {value} = this.#events[write]!
        if (value?.kind !== 'read') return false
        at = this.vertexOf(this.threadOf[write]!, value.scalar as number)
        if (at === read) this.#state[this.#value + read] = this.#encode(this.#undefined(`thin air ${read}`))
      }
    }
    return true
  }

  // ---- co ----

  /** Does co order the one write before the other, as far as it is known? */
  inCo(earlier: number, later: number): boolean {
    return this.checker.has(this.plan.co, earlier, later)
  }

  /** The same in a saved state. */
  inCoIn(saved: Int32Array, earlier: number, later: number): boolean {
    return this.checker.hasIn(saved, this.plan.co, earlier, later)
  }
}

/** May a thread that has run this far still write to the location? */
export function mayWrite({goesOn, future}: Node, location: number): boolean {
  return goesOn && (future === null || future.has(location))
}

/** The thread of each vertex, if they are given out in a row. */
function threadsOf(capacity: readonly number[]): readonly number[] {
  const threads: number[] = []
  for (let thread = 0; thread < capacity.length; thread++) for (let i = 0; i < capacity[thread]!; i++) threads.push(thread)
  return threads
}

/** Where each thread's share begins, of places that are given out in a row. */
function startsOf(capacity: readonly number[]): Int32Array {
  const starts = new Int32Array(capacity.length)
  for (let i = 1; i < starts.length; i++) starts[i] = starts[i - 1]! + capacity[i - 1]!
  return starts
}

/** One row per vertex: the vertices of its thread. */
function sameThread(threadOf: readonly number[], words: number): Int32Array {
  const rows = new Int32Array(threadOf.length * words)
  for (let first = 0; first < threadOf.length;) {
    let end = first
    while (end < threadOf.length && threadOf[end] === threadOf[first]) end++
    for (let a = first; a < end; a++) for (let b = first; b < end; b++) put(rows, a * words, b)
    first = end
  }
  return rows
}
