/**
 * The machine: a growing candidate execution, and what may happen next in it ("defer and resolve",
 * design.md, 2).
 *
 * Threads run ahead of their own unresolved reads. When none can go on, a pending read is resolved
 * from one of the writes that the model still allows, or *later*: none of those that exist now. So
 * branches differ in the final reads-from, and no complete execution is made twice. Coherence is
 * decided as far as it is forced; what is left open is decided at the end.
 *
 * Everything that changes lives in one typed array, saved and restored as a whole. Vertices (events
 * that the model's relations can end at) have fixed places: each thread has a run of them.
 */
import {evaluate, type Behaviour, type LocalEvent, type Node} from './behaviour.ts'
import {Checker, type Layout} from './checker.ts'
import {initialWrite, label, type Event, type Label} from './event.ts'
import type {Execution, Pair} from './execution.ts'
import type {Plan} from './plan.ts'
import {evaluateAll} from './reference.ts'
import {isUndefined, truth, undefinedScalar, type Location, type Scalar, type Value} from './value.ts'

/** What may happen next. Choice 0 is the dull one. */
export interface Decision {
  readonly kind: 'which' | 'from' | 'co' | 'assume'
  readonly among: number
  /** The last choice postpones the read to writes that do not exist yet; only exploration takes it. */
  readonly later: boolean
  /** The read that is resolved, for traces and the by-hand chooser. */
  readonly what: string
}

export type Status = 'complete' | 'blocked' | 'cut' | 'dead'

/** More vertices in a thread, or another kind of event, than the machine was built for. */
export class Outgrown extends Error {
  override readonly name = 'Outgrown'
}

const unresolved = -2
const initial = -1
const unknown = -0x80000000
const interned = 0x40000000

const lowest = (bits: number): number => 31 - Math.clz32(bits & -bits)

export interface Shape {
  readonly memory: readonly Location[]
  readonly behaviours: readonly Behaviour[]
  readonly plan: Plan
  /** Vertices reserved for each thread. */
  readonly capacity: readonly number[]
  readonly labels: ReadonlySet<Label>
}

/** Derived once per thread behaviour: what its own events contribute to the plan's inputs. */
interface Derived {
  readonly plan: Plan
  /** New pairs of input relations: relation, from, to, … with thread-local vertices. */
  readonly pairs: Int32Array
  /** All pairs of inputs that only flags need: those may also shrink (an rcu_read_lock() not yet unlocked). */
  readonly flagPairs: Int32Array
  /** New members of sets: set, vertex, … */
  readonly members: Int32Array
  readonly all: {readonly pairs: ReadonlySet<number>; readonly members: ReadonlySet<number>}
}

export class Machine {
  readonly #shape: Shape
  readonly #plan: Plan
  readonly #behaviours: readonly Behaviour[]
  readonly #threads: number
  readonly #locations: number
  readonly #n: number
  readonly #w: number
  /** First vertex of each thread, and the thread of each vertex. */
  readonly #base: readonly number[]
  readonly #threadOf: readonly number[]
  readonly #checker: Checker
  /** For each thread: how far from dull it is to read from each vertex (or, first, from the initial write). */
  readonly #dullness: Int32Array
  #state: Int32Array
  readonly size: number

  // offsets into the state
  readonly #node: number
  readonly #location: number
  readonly #rf: number
  readonly #value: number
  readonly #partner: number
  readonly #excludedInit: number
  readonly #excluded: number
  readonly #pending: number
  readonly #open: number
  readonly #writes: number
  readonly #access: number
  readonly #assumed: number

  readonly #events: (LocalEvent | null)[]
  readonly #scalars: Scalar[] = []
  readonly #codes = new Map<Scalar, number>()
  readonly #visiting: boolean[]
  readonly #queue: number[] = []
  #conflict = false
  #decision: Decision = {kind: 'which', among: 0, later: false, what: ''}
  #choices: number[] = []
  #read = -1

  constructor(shape: Shape) {
    this.#shape = shape
    this.#plan = shape.plan
    this.#behaviours = shape.behaviours
    const threads = shape.behaviours.length
    const locations = shape.memory.length
    const n = shape.capacity.reduce((sum, count) => sum + count, 0)
    const w = Math.max(1, Math.ceil(n / 32))
    this.#threads = threads
    this.#locations = locations
    this.#n = n
    this.#w = w
    const starts: number[] = []
    const threadOf: number[] = []
    for (const [thread, count] of shape.capacity.entries()) {
      starts.push(threadOf.length)
      for (let i = 0; i < count; i++) threadOf.push(thread)
    }
    this.#base = starts
    this.#threadOf = threadOf

    let size = 0
    const reserve = (words: number): number => {
      const at = size
      size += words
      return at
    }
    this.#node = reserve(threads)
    this.#location = reserve(n)
    this.#rf = reserve(n)
    this.#value = reserve(n)
    this.#partner = reserve(n)
    this.#excludedInit = reserve(n)
    this.#excluded = reserve(n * w)
    this.#pending = reserve(w)
    this.#open = reserve(w)
    this.#writes = reserve(locations * w)
    this.#access = reserve(locations * w)
    this.#assumed = reserve(1 + 2 * maxAssumed)
    const sets = reserve(shape.plan.sets.length * w)
    const relations = reserve(shape.plan.kept * n * w)
    this.size = size
    this.#state = new Int32Array(size)
    this.#events = new Array<LocalEvent | null>(n).fill(null)
    this.#visiting = new Array<boolean>(n).fill(false)

    this.#dullness = dullness(threadOf, threads)

    const inThread = new Int32Array(n * w)
    for (let a = 0; a < n; a++) {
      for (let b = 0; b < n; b++) if (threadOf[a] === threadOf[b]) inThread[a * w + (b >> 5)]! |= 1 << (b & 31)
    }
    const layout: Layout = {vertices: n, words: w, location: this.#location, access: this.#access, sets, relations}
    this.#checker = new Checker(shape.plan, this.#state, layout, inThread)
  }

  // ---- save, restore, start ----

  save(into: Int32Array, at: number): void {
    into.set(this.#state, at)
  }

  restore(from: Int32Array, at: number): void {
    this.#state.set(from.subarray(at, at + this.size))
    // events are a function of the threads' nodes, but those of a branch not taken must not linger
    for (let thread = 0; thread < this.#threads; thread++) this.#refresh(thread)
  }

  #refresh(thread: number): void {
    const node = this.#at(thread)
    if (this.#shown[thread] === node) return
    this.#shown[thread] = node
    const start = this.#base[thread]!
    for (let position = 0; position < node.events.length; position++) {
      const vertex = node.vertices[position]!
      if (vertex >= 0) this.#events[start + vertex] = node.events[position]!
    }
  }

  readonly #shown: Node[] = []

  /** Back to the beginning: every thread has run ahead to its first demand. False if nothing is consistent. */
  start(): boolean {
    this.#state.fill(0)
    this.#checker.settle()
    this.#queue.length = 0
    this.#conflict = false
    const state = this.#state
    state.fill(unresolved, this.#rf, this.#rf + this.#n)
    state.fill(unknown, this.#value, this.#value + this.#n)
    state.fill(-1, this.#location, this.#location + this.#n)
    state.fill(-1, this.#partner, this.#partner + this.#n)
    for (let thread = 0; thread < this.#threads; thread++) this.#enter(thread, this.#behaviours[thread]!.root)
    return this.#advance()
  }

  // ---- threads ----

  #at(thread: number): Node {
    return this.#behaviours[thread]!.nodes[this.#state[this.#node + thread]!]!
  }

  /** The thread is in this node now: its new events join the execution. */
  #enter(thread: number, node: Node): void {
    const state = this.#state
    const start = this.#base[thread]!
    state[this.#node + thread] = node.id
    this.#shown[thread] = node
    if (node.vertexCount > this.#shape.capacity[thread]!) throw new Outgrown(`thread ${this.#behaviours[thread]!.name}`)
    for (const [position, label] of node.relabelled) {
      if (!this.#shape.labels.has(label)) throw new Outgrown('label')
      if (node.vertices[position]! >= 0) this.#events[start + node.vertices[position]!] = node.events[position]!
    }
    for (let position = node.from; position < node.events.length; position++) {
      const event = node.events[position]!
      if (!this.#shape.labels.has(event.label)) throw new Outgrown('label')
      const vertex = node.vertices[position]!
      if (vertex >= 0) this.#place(start + vertex, event, node, start)
    }
    this.#contribute(node, start)
  }

  #place(vertex: number, event: LocalEvent, node: Node, start: number): void {
    const state = this.#state
    this.#events[vertex] = event
    if (event.location === null) return
    const location = event.location.index
    const word = vertex >> 5
    const bit = 1 << (vertex & 31)
    state[this.#location + vertex] = location
    state[this.#access + location * this.#w + word]! |= bit
    if (event.label.kind === 'F') return // synchronize_srcu(): at a location, but no access
    if (event.label.kind === 'R') {
      state[this.#rf + vertex] = unresolved
      state[this.#pending + word]! |= bit
      return
    }
    if (event.rmwRead >= 0) {
      const read = start + node.vertices[event.rmwRead]!
      state[this.#partner + read] = vertex
      state[this.#partner + vertex] = read
    }
    if (event.value!.kind === 'const') state[this.#value + vertex] = this.#encode(event.value!.scalar)
    // reads that are known to read the initial write come before this one
    for (let each = 0; each < this.#w; each++) {
      let readers = state[this.#access + location * this.#w + each]!
      while (readers !== 0) {
        const read = (each << 5) + lowest(readers)
        readers &= readers - 1
        if (state[this.#rf + read] !== initial) continue
        this.#checker.add(this.#plan.fr, read, vertex)
        const write = state[this.#partner + read]!
        if (write >= 0 && write !== vertex && state[this.#writes + location * this.#w + (write >> 5)]! >>> (write & 31) & 1) this.#follows(write, vertex)
      }
    }
    state[this.#writes + location * this.#w + word]! |= bit
    const read = state[this.#partner + vertex]!
    if (read >= 0) this.#adjacent(read)
  }

  /** Hands the plan's inputs what the thread's own events contribute from this node on. */
  #contribute(node: Node, start: number): void {
    const {pairs, members} = this.#derived(node)
    const old = node.parent === null ? 0 : node.parent.vertexCount
    for (let i = 0; i < members.length; i += 2) {
      this.#checker.include(members[i]!, start + members[i + 1]!, members[i + 1]! < old)
    }
    for (let i = 0; i < pairs.length; i += 3) this.#checker.add(pairs[i]!, start + pairs[i + 1]!, start + pairs[i + 2]!)
  }

  #derived(node: Node): Derived {
    const known = node.derived as Derived | null
    if (known !== null && known.plan === this.#plan) return known
    const before = node.parent === null ? null : this.#derived(node.parent).all
    const made = derive(node, this.#plan, before)
    node.derived = made
    return made
  }

  /** Lets every thread run on as far as it can, and takes the consequences. False if inconsistent. */
  #advance(): boolean {
    for (;;) {
      let moved = false
      for (let thread = 0; thread < this.#threads; thread++) {
        for (;;) {
          const node = this.#at(thread)
          const {demand} = node
          if (!('value' in demand)) break
          const scalar = this.#evaluate(thread, node, demand.value)
          if (scalar === undefined) break
          this.#enter(thread, this.#behaviours[thread]!.child(node, scalar))
          moved = true
        }
      }
      if (!this.#consequences()) return false
      if (!moved) return this.#kept()
    }
  }

  /** Waits whose value became known must be satisfied, and so must assumptions. */
  #kept(): boolean {
    const state = this.#state
    for (let word = 0; word < this.#w; word++) {
      let reads = state[this.#open + word]!
      while (reads !== 0) {
        const read = (word << 5) + lowest(reads)
        reads &= reads - 1
        const scalar = this.#scalarOf(read)
        if (scalar === undefined) continue
        if (!this.#events[read]!.until!(scalar)) return false
        state[this.#open + word]! &= ~(1 << (read & 31))
      }
    }
    for (let i = 0; i < state[this.#assumed]!; i++) {
      const thread = state[this.#assumed + 1 + 2 * i]!
      const node = this.#behaviours[thread]!.nodes[state[this.#assumed + 2 + 2 * i]!]!
      const {demand} = node.parent!
      if (!('value' in demand)) continue
      const scalar = this.#evaluate(thread, node.parent!, demand.value)
      if (scalar === undefined) continue
      const answer = demand.kind === 'raw' || demand.kind === 'address' ? scalar : Number(truth(scalar))
      if (answer !== node.answer) return false
    }
    return true
  }

  // ---- values ----

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

  #evaluate(thread: number, node: Node, value: Value): Scalar | undefined {
    const start = this.#base[thread]!
    try {
      return evaluate(value, position => this.#scalarOf(start + node.vertices[position]!))
    } catch (error) {
      if (error instanceof RangeError) return this.#undefined(error.message)
      throw error
    }
  }

  /** The value of arithmetic that C leaves undefined; the same for the same reason, so that behaviours stay finite. */
  #undefined(why: string): Scalar {
    const known = this.#undefinedValues.get(why) ?? undefinedScalar(why)
    this.#undefinedValues.set(why, known)
    return known
  }

  readonly #undefinedValues = new Map<string, Scalar>()

  /** The scalar that a vertex reads or writes; undefined while it depends on an unresolved read (or on itself). */
  #scalarOf(vertex: number): Scalar | undefined {
    const state = this.#state
    const code = state[this.#value + vertex]!
    if (code !== unknown) return this.#decode(code)
    if (this.#visiting[vertex] === true) return undefined
    const event = this.#events[vertex]!
    let scalar: Scalar | undefined
    this.#visiting[vertex] = true
    if (event.label.kind === 'R') {
      const write = state[this.#rf + vertex]!
      if (write === initial) scalar = this.#shape.memory[state[this.#location + vertex]!]!.init
      else if (write !== unresolved) scalar = this.#scalarOf(write)
    } else {
      const thread = this.#threadOf[vertex]!
      scalar = this.#evaluate(thread, this.#at(thread), event.value!)
    }
    this.#visiting[vertex] = false
    if (scalar !== undefined) state[this.#value + vertex] = this.#encode(scalar)
    return scalar
  }

  // ---- coherence: what is forced ----

  /** `later` must come after `earlier` in co; taken up by `consequences`. */
  #follows(earlier: number, later: number): void {
    this.#queue.push(earlier, later)
  }

  /** Everything that follows from what was added: forced co and fr, and the model's relations. */
  #consequences(): boolean {
    const {order, closures} = this.#plan
    for (;;) {
      while (this.#queue.length > 0) {
        const later = this.#queue.pop()!
        const earlier = this.#queue.pop()!
        if (!this.#addCo(earlier, later)) return this.#giveUp()
      }
      if (this.#checker.propagate() !== null) return this.#giveUp()
      if (order >= 0) this.#checker.fresh(order, this.#ordered)
      for (const closure of closures) this.#checker.fresh(closure, this.#closed)
      this.#checker.settle()
      if (this.#conflict) return this.#giveUp()
      if (this.#queue.length === 0) return true
    }
  }

  #giveUp(): false {
    this.#queue.length = 0
    this.#conflict = false
    this.#checker.settle()
    return false
  }

  readonly #ordered = (from: number, to: number): void => {
    const state = this.#state
    const location = state[this.#location + from]!
    if (location >= 0 && location === state[this.#location + to]!) this.#order(from, to)
  }

  readonly #closed = (from: number, to: number): void => {
    const state = this.#state
    const location = state[this.#location + from]!
    if (location < 0 || location !== state[this.#location + to]! || from === to) return
    if (this.#isWrite(from) && this.#isWrite(to)) this.#follows(from, to)
  }

  #isWrite(vertex: number): boolean {
    return this.#events[vertex]!.label.kind === 'W'
  }

  /** `from` is ordered before `to` at one location: the writes behind them are ordered in co. */
  #order(from: number, to: number): void {
    const earlier = this.#isWrite(from) ? from : this.#state[this.#rf + from]!
    const later = this.#isWrite(to) ? to : this.#state[this.#rf + to]!
    if (earlier === unresolved || later === unresolved || earlier === initial) return
    if (later === initial) this.#conflict = true
    else if (earlier !== later) this.#follows(earlier, later)
    else if (this.#isWrite(to) && !this.#isWrite(from)) this.#conflict = true // reads its own later write
  }

  #addCo(earlier: number, later: number): boolean {
    const {co} = this.#plan
    if (earlier === later || this.#checker.has(co, later, earlier)) return false
    if (this.#checker.has(co, earlier, later)) return true
    const location = this.#state[this.#location + earlier]!
    for (let word = 0; word < this.#w; word++) {
      let writes = this.#state[this.#writes + location * this.#w + word]!
      while (writes !== 0) {
        const before = (word << 5) + lowest(writes)
        writes &= writes - 1
        if (before !== earlier && !this.#checker.has(co, before, earlier)) continue
        if (!this.#putAfter(before, later, location)) return false
      }
    }
    return true
  }

  /** co(before, later), and whatever comes after `later`. */
  #putAfter(before: number, later: number, location: number): boolean {
    const {co} = this.#plan
    for (let word = 0; word < this.#w; word++) {
      let writes = this.#state[this.#writes + location * this.#w + word]!
      while (writes !== 0) {
        const after = (word << 5) + lowest(writes)
        writes &= writes - 1
        if (after !== later && !this.#checker.has(co, later, after)) continue
        if (before === after) return false
        if (!this.#checker.has(co, before, after)) this.#addPair(before, after)
      }
    }
    return true
  }

  #addPair(before: number, after: number): void {
    const state = this.#state
    this.#checker.add(this.#plan.co, before, after)
    const location = state[this.#location + before]!
    for (let word = 0; word < this.#w; word++) {
      let readers = state[this.#access + location * this.#w + word]! & ~state[this.#writes + location * this.#w + word]!
      while (readers !== 0) {
        const read = (word << 5) + lowest(readers)
        readers &= readers - 1
        if (state[this.#rf + read] !== before) continue
        this.#checker.add(this.#plan.fr, read, after)
        const write = state[this.#partner + read]!
        if (write >= 0 && write !== after) this.#follows(write, after) // nothing between the halves of an RMW
      }
    }
    const read = state[this.#partner + after]!
    if (read < 0) return
    const from = state[this.#rf + read]!
    if (from === initial) this.#conflict = true
    else if (from !== unresolved && from !== before) this.#follows(before, from)
  }

  /** The write of a read-modify-write comes right after the write that its read takes. */
  #adjacent(read: number): void {
    const state = this.#state
    const write = state[this.#partner + read]!
    const from = state[this.#rf + read]!
    if (write < 0 || from === unresolved) return
    const location = state[this.#location + read]!
    if (from !== initial) this.#follows(from, write)
    for (let word = 0; word < this.#w; word++) {
      let writes = state[this.#writes + location * this.#w + word]!
      while (writes !== 0) {
        const other = (word << 5) + lowest(writes)
        writes &= writes - 1
        if (other === write || other === from) continue
        if (from === initial || this.#checker.has(this.#plan.co, from, other)) this.#follows(write, other)
        else if (this.#checker.has(this.#plan.co, other, write)) this.#follows(other, from)
      }
    }
  }

  // ---- resolving ----

  /** rf(write, read), and all its consequences. */
  #resolve(read: number, write: number): boolean {
    const state = this.#state
    const location = state[this.#location + read]!
    const w = this.#w
    state[this.#rf + read] = write
    state[this.#pending + (read >> 5)]! &= ~(1 << (read & 31))
    if (this.#events[read]!.until !== null) state[this.#open + (read >> 5)]! |= 1 << (read & 31)
    if (write !== initial) this.#checker.add(this.#plan.rf, write, read)
    for (let word = 0; word < w; word++) {
      let writes = state[this.#writes + location * w + word]!
      while (writes !== 0) {
        const other = (word << 5) + lowest(writes)
        writes &= writes - 1
        if (write === initial || this.#checker.has(this.#plan.co, write, other)) this.#checker.add(this.#plan.fr, read, other)
      }
    }
    this.#adjacent(read)
    const {order} = this.#plan
    if (order >= 0) {
      for (let word = 0; word < w; word++) {
        let others = state[this.#access + location * w + word]!
        while (others !== 0) {
          const other = (word << 5) + lowest(others)
          others &= others - 1
          if (this.#checker.has(order, read, other)) this.#order(read, other)
          if (this.#checker.has(order, other, read)) this.#order(other, read)
        }
      }
    }
    if (this.#conflict) return this.#giveUp()
    return this.#consequences() && this.#advance()
  }

  /** The writes that a pending read may still take its value from, the dull one first. */
  #candidates(read: number): number[] {
    const state = this.#state
    const location = state[this.#location + read]!
    const w = this.#w
    const found: number[] = []
    const {until} = this.#events[read]!
    for (let word = 0; word < w; word++) {
      let writes = state[this.#writes + location * w + word]! & ~state[this.#excluded + read * w + word]!
      while (writes !== 0) {
        const write = (word << 5) + lowest(writes)
        writes &= writes - 1
        if (this.#mayRead(read, write, location) && this.#satisfies(until, write)) found.push(write)
      }
    }
    if (state[this.#excludedInit + read] === 0 && this.#mayReadInit(read, location)
      && (until === null || until(this.#shape.memory[location]!.init))) found.push(initial)
    if (found.length > 1) this.#sortDull(found, this.#threadOf[read]!)
    return found
  }

  #satisfies(until: ((value: Scalar) => boolean) | null, write: number): boolean {
    if (until === null) return true
    const scalar = this.#scalarOf(write)
    return scalar === undefined || until(scalar)
  }

  /** Cheap coherence tests before the real one: not from an ordered-later write, not from an overwritten one. */
  #mayRead(read: number, write: number, location: number): boolean {
    const {order, co} = this.#plan
    if (order < 0) return true
    if (this.#checker.has(order, read, write)) return false
    const state = this.#state
    for (let word = 0; word < this.#w; word++) {
      let writes = state[this.#writes + location * this.#w + word]!
      while (writes !== 0) {
        const other = (word << 5) + lowest(writes)
        writes &= writes - 1
        if (other !== write && this.#checker.has(order, other, read) && this.#checker.has(co, write, other)) return false
      }
    }
    return true
  }

  #mayReadInit(read: number, location: number): boolean {
    const {order} = this.#plan
    if (order < 0) return true
    const state = this.#state
    for (let word = 0; word < this.#w; word++) {
      let writes = state[this.#writes + location * this.#w + word]!
      while (writes !== 0) {
        const other = (word << 5) + lowest(writes)
        writes &= writes - 1
        if (this.#checker.has(order, other, read)) return false
      }
    }
    return true
  }

  /** As if the threads ran one after the other: the last write of this thread or one before it, then older ones. */
  #sortDull(writes: number[], thread: number): void {
    const start = thread * (this.#n + 1) + 1
    for (let i = 1; i < writes.length; i++) {
      const write = writes[i]!
      let at = i
      for (; at > 0 && this.#dullness[start + writes[at - 1]!]! > this.#dullness[start + write]!; at--) writes[at] = writes[at - 1]!
      writes[at] = write
    }
  }

  /** May a thread still write to the read's location? Not the read's own: it cannot read from its future. */
  #mayComeLater(read: number): boolean {
    const location = this.#state[this.#location + read]!
    for (let thread = 0; thread < this.#threads; thread++) {
      if (thread === this.#threadOf[read]) continue
      const {demand, future} = this.#at(thread)
      if ('value' in demand && (future === null || future.has(location))) return true
    }
    return false
  }

  // ---- what may happen next ----

  /**
   * The next decision, or how the execution ended. With `free`, which read is resolved is a real
   * choice; without, choice 0 of it is enough to find everything.
   */
  next(free = false): Decision | Status {
    const state = this.#state
    const ready: number[] = []
    let pick = -1
    let picked: number[] = []
    let best = Infinity
    let any = false
    if (this.#isCut()) return 'cut'
    const awaited = this.#awaited()
    for (let word = 0; word < this.#w; word++) {
      let reads = state[this.#pending + word]!
      while (reads !== 0) {
        const read = (word << 5) + lowest(reads)
        reads &= reads - 1
        any = true
        const candidates = this.#candidates(read)
        const count = candidates.length
        const later = this.#mayComeLater(read)
        if (count === 0) {
          if (!later && this.#events[read]!.until === null) return 'dead'
          continue
        }
        const score = this.#score(read, count, later, awaited)
        if (score < best) {
          best = score
          pick = ready.length
          picked = candidates
        }
        ready.push(read)
      }
    }
    if (ready.length === 0) {
      if (this.#assumable().length > 0) return this.#offerThread(this.#assumable()[0]!)
      if (!any) return this.#isFinished() && this.#settleCopies() ? this.#nextCo() : 'dead'
      return this.#isBlocked() ? 'blocked' : 'dead'
    }
    if (pick > 0) ready.unshift(...ready.splice(pick, 1))
    this.#choices = ready
    if (free) {
      const assumable = this.#assumable()
      if (assumable.length > 0 || ready.length > 1) {
        this.#choices = [...ready, ...assumable.map(thread => -1 - thread)]
        this.#decision = {kind: 'which', among: this.#choices.length, later: false, what: 'which read resolves next'}
        return this.#decision
      }
    }
    return this.#offer(ready[0]!, picked)
  }

  #offer(read: number, candidates: number[]): Decision {
    this.#read = read
    this.#choices = candidates
    const later = this.#mayComeLater(read)
    const location = this.#shape.memory[this.#state[this.#location + read]!]!
    this.#decision = {
      kind: 'from', among: this.#choices.length + (later ? 1 : 0), later,
      what: `${this.#behaviours[this.#threadOf[read]!]!.name} reads ${location.name}`,
    }
    return this.#decision
  }

  /** Lower is sooner: forced reads, then RMW reads, then what a thread waits for, then few candidates. */
  #score(read: number, count: number, later: boolean, awaited: readonly number[]): number {
    if (count === 1 && !later) return 0
    const isRmw = this.#state[this.#partner + read]! >= 0 || this.#events[read]!.until !== null
    const waited = ((awaited[read >> 5]! >>> (read & 31)) & 1) === 1
    return (isRmw ? 1000 : 2000) + (waited ? 0 : 500) + count + (later ? 1 : 0)
  }

  /** The unresolved reads that some thread's demand depends on. */
  #awaited(): number[] {
    const found = new Array<number>(this.#w).fill(0)
    for (let thread = 0; thread < this.#threads; thread++) {
      const node = this.#at(thread)
      if (!('value' in node.demand)) continue
      for (const position of node.demand.value.reads) this.#roots(this.#base[thread]! + node.vertices[position]!, found)
    }
    return found
  }

  #roots(read: number, found: number[]): void {
    const state = this.#state
    if (state[this.#value + read] !== unknown || this.#visiting[read] === true) return
    const write = state[this.#rf + read]!
    if (write === unresolved) {
      found[read >> 5]! |= 1 << (read & 31)
      return
    }
    if (write === initial) return
    this.#visiting[read] = true
    const thread = this.#threadOf[write]!
    const node = this.#at(thread)
    for (const position of this.#events[write]!.value!.reads) this.#roots(this.#base[thread]! + node.vertices[position]!, found)
    this.#visiting[read] = false
  }

  #isFinished(): boolean {
    for (let thread = 0; thread < this.#threads; thread++) if ('value' in this.#at(thread).demand) return false
    return true
  }

  #isCut(): boolean {
    for (let thread = 0; thread < this.#threads; thread++) if (this.#at(thread).demand.kind === 'cut') return true
    return false
  }

  /** Blocked for good: only waits are pending, and no write at all satisfies them. */
  #isBlocked(): boolean {
    const state = this.#state
    for (let word = 0; word < this.#w; word++) {
      let reads = state[this.#pending + word]!
      while (reads !== 0) {
        const read = (word << 5) + lowest(reads)
        reads &= reads - 1
        if (this.#events[read]!.until === null || state[this.#excludedInit + read] !== 0) return false
        for (let each = 0; each < this.#w; each++) if (state[this.#excluded + read * this.#w + each] !== 0) return false
      }
    }
    return true
  }

  // ---- assumptions: a structured branch taken before its condition is known ----

  /** Threads that stand at a demand whose later stores may be seen before it is decided. */
  #assumable(): number[] {
    const found: number[] = []
    if (this.#state[this.#assumed]! >= maxAssumed) return found
    for (let thread = 0; thread < this.#threads; thread++) {
      const node = this.#at(thread)
      const {demand} = node
      if (!('value' in demand) || answers(node).length === 0) continue
      // everything after a raw value depends on it by ctrl, which only plain stores of LKMM escape
      if (demand.kind === 'raw' && !this.#shape.labels.has(plainStore)) continue
      if (this.#isWanted(thread, node)) found.push(thread)
    }
    return found
  }

  /** Does another thread's pending read wait for a location that this thread may still write? */
  #isWanted(thread: number, node: Node): boolean {
    const state = this.#state
    for (let word = 0; word < this.#w; word++) {
      let reads = state[this.#pending + word]!
      while (reads !== 0) {
        const read = (word << 5) + lowest(reads)
        reads &= reads - 1
        if (this.#threadOf[read] === thread) continue
        if (node.future === null || node.future.has(state[this.#location + read]!)) return true
      }
    }
    return false
  }

  #offerThread(thread: number): Decision {
    this.#read = -1 - thread
    this.#decision = {
      kind: 'assume', among: answers(this.#at(thread)).length, later: false,
      what: `${this.#behaviours[thread]!.name} runs ahead of its condition`,
    }
    return this.#decision
  }

  #assume(thread: number, choice: number): boolean {
    const node = this.#at(thread)
    const child = this.#behaviours[thread]!.child(node, answers(node)[choice]!)
    const state = this.#state
    const count = state[this.#assumed]!
    state[this.#assumed + 1 + 2 * count] = thread
    state[this.#assumed + 2 + 2 * count] = child.id
    state[this.#assumed] = count + 1
    this.#enter(thread, child)
    return this.#consequences() && this.#advance()
  }

  // ---- values out of thin air ----

  /**
   * Reads whose value depends on itself. LKMM does not forbid every such cycle (plain accesses take no
   * part in happens-before); as herd7, a cycle of pure copies has one value that equals no other, and a
   * cycle through arithmetic is no execution.
   */
  #settleCopies(): boolean {
    const state = this.#state
    for (let read = 0; read < this.#n; read++) {
      if (state[this.#rf + read]! < 0 || this.#scalarOf(read) !== undefined) continue
      let at = read
      for (let steps = 0; steps < this.#n && state[this.#value + at] === unknown; steps++) {
        const write = state[this.#rf + at]!
        if (write < 0) return false
        const {value} = this.#events[write]!
        if (value?.kind !== 'read') return false
        const thread = this.#threadOf[write]!
        at = this.#base[thread]! + this.#at(thread).vertices[value.scalar as number]!
        if (at === read) state[this.#value + read] = this.#encode(this.#undefined(`thin air ${read}`))
      }
    }
    return true
  }

  /** Threads that computed what C leaves undefined, and what it was. */
  undefinedResults(): {readonly thread: number; readonly why: string}[] {
    const found: {thread: number; why: string}[] = []
    if (this.#undefinedValues.size === 0) return found
    for (let vertex = 0; vertex < this.#n; vertex++) {
      const code = this.#state[this.#value + vertex]!
      if (code < interned) continue
      const scalar = this.#decode(code)
      if (isUndefined(scalar) && !scalar.name.startsWith('thin air')) found.push({thread: this.#threadOf[vertex]!, why: scalar.name})
    }
    return found
  }

  // ---- co, last ----

  /** A pair of writes whose order is still open, or 'complete'. */
  #nextCo(): Decision | Status {
    const state = this.#state
    const {co} = this.#plan
    for (let location = 0; location < this.#locations; location++) {
      const writes: number[] = []
      for (let word = 0; word < this.#w; word++) {
        let bits = state[this.#writes + location * this.#w + word]!
        while (bits !== 0) {
          writes.push((word << 5) + lowest(bits))
          bits &= bits - 1
        }
      }
      for (let i = 0; i < writes.length; i++) {
        for (let j = i + 1; j < writes.length; j++) {
          const [a, b] = [writes[i]!, writes[j]!]
          if (this.#checker.has(co, a, b) || this.#checker.has(co, b, a)) continue
          this.#choices = [a, b]
          this.#decision = {kind: 'co', among: 2, later: false, what: `order of writes to ${this.#shape.memory[location]!.name}`}
          return this.#decision
        }
      }
    }
    return 'complete'
  }

  // ---- taking a choice ----

  /** Takes a choice of the decision that `next` returned. False: no consistent execution lies there. */
  take(decision: Decision, choice: number): boolean | Decision {
    switch (decision.kind) {
      case 'which': {
        const picked = this.#choices[choice]!
        return picked >= 0 ? this.#offer(picked, this.#candidates(picked)) : this.#offerThread(-1 - picked)
      }
      case 'from': {
        const write = this.#choices[choice]
        return write === undefined ? this.#postpone(this.#read) : this.#resolve(this.#read, write)
      }
      case 'co': {
        const [a, b] = this.#choices
        this.#follows(choice === 0 ? a! : b!, choice === 0 ? b! : a!)
        return this.#consequences()
      }
      case 'assume':
        return this.#assume(-1 - this.#read, choice)
    }
  }

  /** What `take` needs besides the state: kept by the explorer beside each saved state. */
  get offer(): {readonly decision: Decision; readonly choices: readonly number[]; readonly read: number} {
    return {decision: this.#decision, choices: this.#choices, read: this.#read}
  }

  set offer(kept: {readonly decision: Decision; readonly choices: readonly number[]; readonly read: number}) {
    this.#decision = kept.decision
    this.#choices = [...kept.choices]
    this.#read = kept.read
  }

  /** The choice of the current decision that leads to the execution whose final state is `target`. */
  choiceTowards(target: Int32Array): number {
    switch (this.#decision.kind) {
      case 'which': return 0
      case 'from': {
        const found = this.#choices.indexOf(target[this.#rf + this.#read]!)
        return found >= 0 ? found : this.#choices.length
      }
      case 'co': {
        const [a, b] = this.#choices
        return this.#checker.hasIn(target, this.#plan.co, a!, b!) ? 0 : 1
      }
      case 'assume': {
        const thread = -1 - this.#read
        const here = this.#at(thread)
        let node: Node | null = this.#behaviours[thread]!.nodes[target[this.#node + thread]!]!
        while (node !== null && node.parent !== here) node = node.parent
        return answers(here).indexOf(node?.answer ?? 0)
      }
    }
  }

  /** The read takes none of the writes that exist now. */
  #postpone(read: number): boolean {
    const state = this.#state
    const location = state[this.#location + read]!
    for (let word = 0; word < this.#w; word++) {
      state[this.#excluded + read * this.#w + word] = state[this.#writes + location * this.#w + word]!
    }
    state[this.#excludedInit + read] = 1
    return true
  }

  // ---- what came of it ----

  /** The flags that the model raises on the complete execution. */
  flags(): string[] {
    if (this.#plan.flags.length === 0) return []
    this.#checker.beginFlags()
    for (let thread = 0; thread < this.#threads; thread++) {
      const start = this.#base[thread]!
      const {flagPairs} = this.#derived(this.#at(thread))
      for (let i = 0; i < flagPairs.length; i += 3) this.#checker.addForFlags(flagPairs[i]!, start + flagPairs[i + 1]!, start + flagPairs[i + 2]!)
    }
    return this.#checker.raised()
  }

  /** For a blocked execution: who waits for what. */
  waiting(): {readonly thread: number; readonly event: LocalEvent}[] {
    const found: {thread: number; event: LocalEvent}[] = []
    for (let vertex = 0; vertex < this.#n; vertex++) {
      if (((this.#state[this.#pending + (vertex >> 5)]! >>> (vertex & 31)) & 1) === 0) continue
      found.push({thread: this.#threadOf[vertex]!, event: this.#events[vertex]!})
    }
    return found
  }

  /** Which budget cut a thread, if one is. */
  cutBy(): 'bound' | 'events' | null {
    for (const {nodes} of this.#behaviours) {
      for (const {demand} of nodes) if (demand.kind === 'cut') return demand.budget
    }
    return null
  }

  /** How each thread ended. */
  ending(thread: number): Node {
    return this.#at(thread)
  }

  /** The scalar behind a value of a thread; undefined while not decided. */
  scalar(thread: number, value: Value): Scalar | undefined {
    return this.#evaluate(thread, this.#at(thread), value)
  }

  /** The co-last value of a location. */
  finalValue(location: number): Scalar {
    const state = this.#state
    for (let word = 0; word < this.#w; word++) {
      let writes = state[this.#writes + location * this.#w + word]!
      while (writes !== 0) {
        const write = (word << 5) + lowest(writes)
        writes &= writes - 1
        let last = true
        for (let each = 0; each < this.#w && last; each++) {
          const row = this.#checker.row(this.#plan.co, write, each)
          if (row !== 0) last = false
        }
        if (last) return this.#scalarOf(write) ?? 0
      }
    }
    return this.#shape.memory[location]!.init
  }

  /** The final value of a location as far as it is decided: undefined while another write may come last. */
  decidedFinal(location: number): Scalar | undefined {
    for (let thread = 0; thread < this.#threads; thread++) {
      const {demand, future} = this.#at(thread)
      if ('value' in demand && (future === null || future.has(location))) return undefined
    }
    const state = this.#state
    let last = initial
    for (let word = 0; word < this.#w; word++) {
      let writes = state[this.#writes + location * this.#w + word]!
      while (writes !== 0) {
        const write = (word << 5) + lowest(writes)
        writes &= writes - 1
        let isLast = true
        for (let each = 0; each < this.#w && isLast; each++) isLast = this.#checker.row(this.#plan.co, write, each) === 0
        if (!isLast) continue
        if (last !== initial) return undefined
        last = write
      }
    }
    return last === initial ? this.#shape.memory[location]!.init : this.#scalarOf(last)
  }

  /** The execution as data: initial writes, then each thread's events (folded fences included). */
  execution(): Execution {
    const {memory} = this.#shape
    const events: Event[] = memory.map((location, id) => ({id, thread: -1, position: 0, label: initialWrite, location}))
    const values: (Scalar | null)[] = memory.map(location => location.init)
    const idOf: number[] = []
    const given = {po: [] as Pair[], addr: [] as Pair[], data: [] as Pair[], ctrl: [] as Pair[], rmw: [] as Pair[], rf: [] as Pair[], co: [] as Pair[]}
    for (let thread = 0; thread < this.#threads; thread++) {
      const node = this.#at(thread)
      const start = this.#base[thread]!
      const first = events.length
      for (const [position, event] of node.events.entries()) {
        const id = first + position
        events.push({id, thread, position, label: event.label, location: event.location, name: event.name, operation: event.operation})
        const vertex = node.vertices[position]!
        if (vertex >= 0) idOf[start + vertex] = id
        values.push(event.location === null || event.label.kind === 'F' ? null : this.#scalarOf(start + vertex) ?? null)
        for (let before = first; before < id; before++) given.po.push([before, id])
        for (const read of event.addr) given.addr.push([first + read, id])
        for (const read of event.data) given.data.push([first + read, id])
        for (const read of event.ctrl) given.ctrl.push([first + read, id])
        if (event.rmwRead >= 0) given.rmw.push([first + event.rmwRead, id])
      }
    }
    this.#communication(idOf, given)
    return {events, values, given: given}
  }

  #communication(idOf: readonly number[], given: {rf: Pair[]; co: Pair[]}): void {
    const state = this.#state
    for (let vertex = 0; vertex < this.#n; vertex++) {
      const id = idOf[vertex]
      const location = state[this.#location + vertex]!
      if (id === undefined || location < 0) continue
      if (this.#isWrite(vertex)) {
        given.co.push([location, id])
        for (let other = 0; other < this.#n; other++) {
          const later = idOf[other]
          if (later !== undefined && this.#checker.has(this.#plan.co, vertex, other)) given.co.push([id, later])
        }
        continue
      }
      const write = state[this.#rf + vertex]!
      if (write !== unresolved) given.rf.push([write === initial ? location : idOf[write]!, id])
    }
  }
}

/** What a condition, an address or a raw value may turn out to be. */
function answers(node: Node): readonly Scalar[] {
  return node.demand.kind === 'address' || node.demand.kind === 'raw' ? node.answers : [1, 0]
}

/** Low is dull: own and earlier threads' writes, the latest first; the initial write; then later threads' writes. */
function dullness(threadOf: readonly number[], threads: number): Int32Array {
  const n = threadOf.length
  const ranks = new Int32Array(threads * (n + 1))
  for (let thread = 0; thread < threads; thread++) {
    for (const [write, other] of threadOf.entries()) {
      ranks[thread * (n + 1) + 1 + write] = other <= thread ? -(1 + other * n + write) : 1 + (other + 1) * n - write
    }
  }
  return ranks
}

const plainStore = label('W')

/** How many conditions may be assumed at once. */
const maxAssumed = 8

function derive(node: Node, plan: Plan, before: Derived['all'] | null): Derived {
  const {pairs, members} = evaluateAll(alone(node), plan.locals.map(local => local.expr), plan.sets)
  const all = {pairs: new Set<number>(), members: new Set<number>()}
  const newPairs: number[] = []
  const flagPairs: number[] = []
  const newMembers: number[] = []
  for (const [i, {relation}] of plan.locals.entries()) {
    for (const [a, b] of pairs[i]!) {
      const [from, to] = [node.vertices[a]!, node.vertices[b]!]
      if (from < 0 || to < 0) continue
      if (relation >= plan.kept) {
        flagPairs.push(relation, from, to)
        continue
      }
      const key = (i * maxThreadEvents + from) * maxThreadEvents + to
      all.pairs.add(key)
      if (before?.pairs.has(key) !== true) newPairs.push(relation, from, to)
    }
  }
  for (const [set, ids] of members.entries()) {
    for (const id of ids) {
      const vertex = node.vertices[id]!
      const key = set * maxThreadEvents + vertex
      if (vertex < 0) continue
      all.members.add(key)
      if (before?.members.has(key) !== true) newMembers.push(set, vertex)
    }
  }
  return {plan, pairs: Int32Array.from(newPairs), flagPairs: Int32Array.from(flagPairs), members: Int32Array.from(newMembers), all}
}

const maxThreadEvents = 4096

/** One thread's events as an execution of their own, to evaluate what depends on nothing else. */
function alone(node: Node): Execution {
  const given = {po: [] as Pair[], addr: [] as Pair[], data: [] as Pair[], ctrl: [] as Pair[], rmw: [] as Pair[], rf: [], co: []}
  const events = node.events.map((event, id): Event => {
    for (let earlier = 0; earlier < id; earlier++) given.po.push([earlier, id])
    for (const read of event.addr) given.addr.push([read, id])
    for (const read of event.data) given.data.push([read, id])
    for (const read of event.ctrl) given.ctrl.push([read, id])
    if (event.rmwRead >= 0) given.rmw.push([event.rmwRead, id])
    return {id, thread: 0, position: id, label: event.label, location: event.location}
  })
  return {events, given, values: events.map(() => null)}
}
