/**
 * What a thread does, as a tree: a node per thing that the thread must know before it goes on, a
 * child per answer. A generator cannot be copied, so what it yields after given answers is kept here,
 * and the generator is run again only where the tree has no answer yet.
 *
 * Reads are not answered: their results are symbolic values, and the thread runs ahead of them until
 * it needs to know one (design.md, 2: "defer and resolve").
 */
import type {Label} from './event.ts'
import {recordingSites, type Thread} from './program.ts'
import {ThreadRun, type Asking, type Bounds, type Demand, type Language, type LocalEvent} from './thread-run.ts'
import {isQuotient, showScalar, truth, Value, type Scalar} from './value.ts'
import {WrongInput} from './wrong-input.ts'

/** A thread that does not behave as a function of the values that it read. */
export class Nondeterminism extends WrongInput {
  override readonly name = 'Nondeterminism'
  constructor(thread: string, step: number, before: string, now: string) {
    super(`thread ${thread} does not behave as a function of the values it reads: at its step ${step} it did `
      + `«${before}» before and «${now}» when run again with the same values. `
      + 'Does it use a clock, Math.random, or JavaScript variables that it shares or keeps between runs?')
  }
}

/** What a thread has done by the time it is in some state; the same in every program that it is part of. */
interface Done {
  /** All events of the thread so far; those from `from` on are new in this node. */
  readonly events: readonly LocalEvent[]
  readonly from: number
  /** Reads of compare-exchanges that were decided here get their final label. */
  readonly relabelled: readonly (readonly [position: number, label: Label])[]
  readonly demand: Demand
  /** Writes of all events whose value is computed. */
  readonly computed: readonly number[]
  /** What else the thread divided so far: for conditions, checks, what it returned, and what it said that it computes. */
  readonly results: readonly Value[]
  /** What the scheduler gave the thread in this node, beginning with the answer to a demand to pick. */
  readonly given: readonly Scalar[]
  /** Claims that the thread makes on the way, with the operation count at which it does. */
  readonly checks: readonly {readonly claim: string; readonly holds: Value}[]
  /** The vertex, counted within the thread, of each event; -1 for a fence that the model folds. */
  readonly vertices: readonly number[]
  readonly vertexCount: number
  /** What the checker derived from the thread's own events; owned by derived.ts. */
  readonly derived: unknown
  /** What shape the thread's events have, as text; owned by shape.ts. */
  readonly signature: string | null
}

/** One state of a thread, after it was given certain answers. */
export class Node implements Done {
  /** Numbered in the order of creation, per thread. */
  readonly id: number
  readonly parent: Node | null
  readonly answer: Scalar
  readonly events: readonly LocalEvent[]
  readonly from: number
  readonly relabelled: Done['relabelled']
  readonly demand: Demand
  /** The demand, if the thread waits for a value. */
  readonly asking: Asking | null
  /** Has the thread not ended? */
  readonly goesOn: boolean
  readonly computed: readonly number[]
  readonly results: readonly Value[]
  readonly given: readonly Scalar[]
  readonly checks: Done['checks']
  children: ReadonlyMap<Scalar, Node> = childless
  readonly vertices: readonly number[]
  readonly vertexCount: number
  /** Locations that the thread may still write from here on; null if not known. Set by futures.ts. */
  future: ReadonlySet<number> | null = null
  /** For an address or raw demand: what it may turn out to be, as far as known. Set by futures.ts. */
  answers: readonly Scalar[] = []
  /** Was the thread seen to do the same when run again? */
  isConfirmed = false
  /** Locations of stores that may be seen before the demand is decided; null for any. Made when asked for, by escape.ts. */
  escaping: ReadonlySet<number> | null | undefined = undefined
  derived: unknown
  signature: string | null
  /** The state in another program that this one was copied from. */
  readonly like: Node | null

  constructor(id: number, parent: Node | null, answer: Scalar, done: Done, like: Node | null) {
    this.id = id
    this.parent = parent
    this.answer = answer
    this.events = done.events
    this.from = done.from
    this.relabelled = done.relabelled
    this.checks = done.checks
    this.given = done.given
    this.demand = done.demand
    this.asking = 'value' in done.demand ? done.demand : null
    this.goesOn = this.asking !== null || done.demand.kind === 'pick' || done.demand.kind === 'period'
    this.computed = done.computed
    this.results = done.results
    this.vertices = done.vertices
    this.vertexCount = done.vertexCount
    this.derived = done.derived
    this.signature = done.signature
    this.like = like
  }

  addChild(answer: Scalar, child: Node): void {
    if (this.children === childless) this.children = new Map<Scalar, Node>()
    ;(this.children as Map<Scalar, Node>).set(answer, child)
  }
}

const childless: ReadonlyMap<Scalar, Node> = new Map()

/** What the thread has done since `parent`. */
function doneSince(parent: Node | null, run: ThreadRun, isVertex: (label: Label) => boolean): Done {
  const events = run.events.slice()
  const from = parent === null ? 0 : parent.events.length
  const computed = parent === null ? [] : parent.computed.slice()
  const vertices = parent === null ? [] : parent.vertices.slice()
  let vertexCount = parent === null ? 0 : parent.vertexCount
  for (let position = from; position < events.length; position++) {
    const {label, value} = events[position]!
    vertices.push(isVertex(label) ? vertexCount++ : -1)
    if (value !== null && value.kind === 'apply') computed.push(position)
  }
  return {
    events, from, relabelled: run.relabelled.splice(0), demand: run.demand, computed, results: resultsSince(parent, run),
    given: run.given.splice(0), checks: run.checks.splice(0), vertices, vertexCount, derived: null, signature: null,
  }
}

function resultsSince(parent: Node | null, run: ThreadRun): readonly Value[] {
  const added = run.results.splice(0)
  if (parent !== null && parent.asking !== null) added.push(parent.asking.value)
  if (run.demand.kind === 'done') addValues(run.demand.returned, added)
  const before = parent === null ? none : parent.results
  for (const {holds} of run.checks) added.push(holds)
  const risky = added.filter(isQuotient)
  return risky.length === 0 ? before : [...before, ...risky]
}

const none: readonly Value[] = []

/** Adds the values in what a thread returned. */
function addValues(returned: unknown, into: Value[]): void {
  if (returned instanceof Value) into.push(returned)
  else if (typeof returned === 'object' && returned !== null && !('kind' in returned && returned.kind === 'location')) {
    for (const part of Object.values(returned)) addValues(part, into)
  }
}

/** The behaviour of one thread under one family of models. */
export class Behaviour {
  readonly name: string
  /** Its position among the program's threads. */
  readonly index: number
  readonly nodes: Node[] = []
  readonly root: Node
  readonly #thread: Thread
  readonly #model: Language
  readonly #bounds: Bounds
  readonly #isVertex: (label: Label) => boolean
  /** The generator that stands at some node, kept to go on from there without running again. */
  #live: {readonly at: Node; readonly run: ThreadRun} | null = null

  /** @param like the same thread in another program: what is known of that need not be run again. Only for a thread that is data. */
  constructor(index: number, thread: Thread, model: Language, bounds: Bounds, isVertex: (label: Label) => boolean, like: Behaviour | null = null) {
    this.index = index
    this.name = thread.name
    this.#thread = thread
    this.#model = model
    this.#bounds = bounds
    this.#isVertex = isVertex
    if (like !== null) this.root = this.#copy(like.root, null)
    else {
      const run = new ThreadRun(index, this.name, thread.body(), model, bounds)
      run.start()
      this.root = this.#add(null, 0, run)
      this.#live = {at: this.root, run}
    }
    this.#confirm(this.root)
  }

  /** The state after `node` was answered. @throws {Nondeterminism} if the thread diverges when run again. */
  child(node: Node, answer: Scalar): Node {
    const child = this.foresee(node, answer)
    this.#confirm(child)
    return child
  }

  /** A second opinion on every complete behaviour of code that may do anything. */
  #confirm(node: Node): void {
    if (node.demand.kind !== 'done' || node.isConfirmed || this.#thread.isData === true) return
    this.#rerun(node)
    node.isConfirmed = true
  }

  /** The same, without making sure that the thread does so every time. */
  foresee(node: Node, answer: Scalar): Node {
    const key = keyOf(node.demand, answer)
    const known = node.children.get(key)
    if (known !== undefined) return known
    const like = node.like?.children.get(key)
    if (like !== undefined) {
      const copy = this.#copy(like, node)
      node.addChild(key, copy)
      return copy
    }
    const run = this.#live?.at === node ? this.#live.run : this.#rerun(node)
    run.answer(key)
    const made = this.#add(node, key, run)
    node.addChild(key, made)
    this.#live = {at: made, run}
    return made
  }

  /** For each operation up to `node`, the JavaScript stack that led to it. */
  sites(node: Node): readonly string[] {
    return recordingSites(() => this.#rerun(node).sites)
  }

  #add(parent: Node | null, answer: Scalar, run: ThreadRun): Node {
    const node = new Node(this.nodes.length, parent, answer, doneSince(parent, run, this.#isVertex), null)
    this.nodes.push(node)
    return node
  }

  #copy(like: Node, parent: Node | null): Node {
    const node = new Node(this.nodes.length, parent, like.answer, like, like)
    this.nodes.push(node)
    return node
  }

  /** Runs the thread from the start to `node`, and makes sure that it does what it did before. */
  #rerun(node: Node): ThreadRun {
    const way: Node[] = []
    for (let at: Node | null = node; at !== null; at = at.parent) way.unshift(at)
    const run = new ThreadRun(this.index, this.name, this.#thread.body(), this.#model, this.#bounds)
    for (const at of way) {
      if (at.parent === null) run.start()
      else run.answer(at.answer)
      if (this.#thread.isData !== true) this.#compare(at, run)
      run.relabelled.length = 0
      run.checks.length = 0
      run.given.length = 0
      run.results.length = 0
    }
    return run
  }

  #compare(node: Node, run: ThreadRun): void {
    for (let i = node.from; i < Math.max(node.events.length, run.events.length); i++) {
      const before = describeEvent(node.events[i])
      const now = describeEvent(run.events[i])
      if (before !== now) throw new Nondeterminism(this.name, i + 1, before, now)
    }
    const before = describeDemand(node.demand)
    const now = describeDemand(run.demand)
    if (before !== now) throw new Nondeterminism(this.name, node.events.length + 1, before, now)
  }
}

/** Which child an answer leads to. */
function keyOf({kind}: Demand, answer: Scalar): Scalar {
  switch (kind) {
    case 'when': case 'cas': return Number(truth(answer))
    case 'wait': return 1
    default: return answer
  }
}

function describeEvent(event: LocalEvent | undefined): string {
  if (event === undefined) return 'nothing more'
  const value = event.value === null ? '' : ` ${describeValue(event.value)}`
  return `${event.name}${event.location === null ? '' : ` ${event.location.name}`}${value}`
}

function describeDemand(demand: Demand): string {
  switch (demand.kind) {
    case 'raw': case 'when': case 'cas': case 'address': case 'wait': return `ask for ${describeValue(demand.value)}`
    case 'pick': return `pick one of ${demand.among.map(showScalar).join(', ')}`
    case 'period': return `wait in ${demand.period.name}`
    case 'endless': return `wait in ${demand.period.name} for ever`
    case 'done': return 'return'
    case 'panic': return `throw ${demand.message}`
    case 'cut': return 'loop on'
  }
}

function describeValue(value: Value): string {
  switch (value.kind) {
    case 'const': return typeof value.scalar === 'number' ? String(value.scalar) : `&${value.scalar.name}`
    case 'read': return `the result of its read ${Number(value.scalar) + 1}`
    case 'apply': return `${value.operator ?? ''}(${value.args.map(describeValue).join(', ')})`
  }
}
