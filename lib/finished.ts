/** What a finished graph comes to: final values, flags, who waits, and the execution as data. */
import type {Node} from './behaviour.ts'
import {derivedOf} from './derived.ts'
import {initialWrite, type Event} from './event.ts'
import type {Execution, Given, Pair} from './execution.ts'
import {graceOf} from './grace.ts'
import {unresolved, type Graph} from './graph.ts'
import type {Model} from './model.ts'
import type {Plan} from './plan.ts'
import type {LocalEvent} from './thread-run.ts'
import {divisionByZero, isUndefined, poison, uninitialised, type Scalar} from './value.ts'

/** The value of the co-last of the writes that exist; undefined if it is not known. */
export function lastValue(graph: Graph, location: number): Scalar | undefined {
  const last = nextMaximal(graph, location, -1)
  return last < 0 ? graph.memory[location]!.init : graph.scalarOf(last)
}

/** The co-last value of a location, of a finished execution. */
export function finalValue(graph: Graph, location: number): Scalar {
  return lastValue(graph, location) ?? 0
}

/** The final value of a location as far as it is decided: undefined while another write may come last. */
export function decidedFinal(graph: Graph, location: number): Scalar | undefined {
  if (graph.mayAnyStillWrite(location)) return undefined
  const last = nextMaximal(graph, location, -1)
  if (last < 0) return graph.memory[location]!.init
  return nextMaximal(graph, location, last) < 0 ? graph.scalarOf(last) : undefined
}

/** The writes to a location that no other is known to follow, in the way of `next` in bits.ts. */
function nextMaximal(graph: Graph, location: number, after: number): number {
  let write = graph.nextWrite(location, after)
  while (write >= 0 && !graph.checker.isRowEmpty(graph.plan.co, write)) write = graph.nextWrite(location, write)
  return write
}

/** The flags that the model raises on the complete execution. If those between threads are known already, they are not looked for. */
export function flags(graph: Graph, known = nothing): readonly string[] {
  const {plan} = graph
  let raised = plan.before >= 0 || areNew(plan, known) ? flagsBetween(graph) : none
  if (plan.master.ownFlags.length > 0) {
    for (let thread = 0; thread < graph.threads; thread++) {
      const own = derivedOf(graph.nodeOf(thread), plan.master).flags
      if (own.length > 0) raised = [...raised, ...own]
    }
  }
  return raised.length === 0 ? none : inOrder(plan.model, raised)
}

const none: readonly string[] = []
const nothing: ReadonlySet<string> = new Set()

function areNew({flags}: Plan, known: ReadonlySet<string>): boolean {
  for (let i = 0; i < flags.length; i++) if (!known.has(flags[i]!.flag)) return true
  return false
}

function inOrder({flags}: Model, raised: readonly string[]): readonly string[] {
  return Object.keys(flags).filter(flag => raised.includes(flag))
}

/** Those that need more than one thread's own events. */
function flagsBetween(graph: Graph): readonly string[] {
  const {checker, plan} = graph
  checker.flags.begin()
  for (let thread = 0; thread < graph.threads; thread++) {
    const start = graph.firstOf(thread)
    const {flagPairs} = derivedOf(graph.nodeOf(thread), plan.master)
    for (let i = 0; i < flagPairs.length; i += 3) checker.flags.add(plan.relationOf[flagPairs[i]!]!, start + flagPairs[i + 1]!, start + flagPairs[i + 2]!)
  }
  return checker.flags.raised()
}

/** For a blocked execution: who waits for what, but for those who have nothing else to do. */
export function waiting(graph: Graph): {readonly thread: number; readonly event: LocalEvent}[] {
  const found: {thread: number; event: LocalEvent}[] = []
  for (let read = graph.nextPending(-1); read >= 0; read = graph.nextPending(read)) {
    const event = graph.eventAt(read)
    if (!event.isIdle) found.push({thread: graph.threadOf[read]!, event})
  }
  return found
}

/** Threads that computed what C leaves undefined, and what it was. */
export function undefinedResults(graph: Graph): readonly {readonly thread: number; readonly why: string}[] {
  // what nobody asked for is computed all the same
  for (let thread = 0; thread < graph.threads; thread++) {
    const {computed, results} = graph.nodeOf(thread)
    for (let i = 0; i < computed.length; i++) graph.scalarOf(graph.vertexOf(thread, computed[i]!))
    for (let i = 0; i < results.length; i++) graph.evaluate(thread, results[i]!)
  }
  return graph.hasUndefined ? undefinedOnes(graph) : noResults
}

const noResults: ReturnType<typeof undefinedResults> = []

function undefinedOnes(graph: Graph): {readonly thread: number; readonly why: string}[] {
  const found: {thread: number; why: string}[] = []
  const note = (thread: number, scalar: Scalar | undefined): void => {
    if (scalar === undefined || !isUndefined(scalar) || scalar === poison || scalar === uninitialised || scalar.name.startsWith('thin air')) return
    if (!found.some(other => other.thread === thread && other.why === scalar.name)) found.push({thread, why: scalar.name})
  }
  for (let vertex = 0; vertex < graph.vertices; vertex++) note(graph.threadOf[vertex]!, graph.knownScalar(vertex))
  for (let thread = 0; thread < graph.threads; thread++) {
    for (const value of graph.nodeOf(thread).results) {
      const scalar = graph.evaluate(thread, value)
      // other arithmetic is undefined on pointers and on junk only, which one may compute with as long as nothing is made of it
      if (typeof scalar === 'object' && scalar.name === divisionByZero) note(thread, scalar)
    }
  }
  return found
}

/** For each vertex, the id of its event in `executionOf`. */
export function eventIds(graph: Graph): readonly number[] {
  const ids: number[] = []
  let next = graph.memory.length
  for (let thread = 0; thread < graph.threads; thread++) {
    const {events, vertices} = graph.nodeOf(thread)
    for (const position of events.keys()) {
      if (vertices[position]! >= 0) ids[graph.firstOf(thread) + vertices[position]!] = next
      next++
    }
  }
  return ids
}

/** The given relations of an execution that is being put together. */
type Growing = {-readonly [relation in keyof Given]: Pair[]}

/** Adds program order and dependencies of one thread, whose events are numbered from `first` on. */
function addOwnRelations(given: Growing, events: readonly LocalEvent[], first: number): void {
  for (const [position, event] of events.entries()) {
    const id = first + position
    for (let before = first; before < id; before++) given.po.push([before, id])
    for (const read of event.addr) given.addr.push([first + read, id])
    for (const read of event.data) given.data.push([first + read, id])
    for (const read of event.ctrl) given.ctrl.push([first + read, id])
    if (event.rmwRead >= 0) given.rmw.push([first + event.rmwRead, id])
  }
}

/** The execution as data: initial writes, then each thread's events (folded fences included). */
export function executionOf(graph: Graph): Execution {
  const {memory} = graph
  const events: Event[] = memory.map((location, id) => ({id, thread: -1, position: 0, label: initialWrite, location}))
  const values: (Scalar | null)[] = memory.map(location => location.init)
  const given: Growing = {po: [], addr: [], data: [], ctrl: [], rmw: [], rf: [], co: []}
  for (let thread = 0; thread < graph.threads; thread++) {
    const node = graph.nodeOf(thread)
    const first = events.length
    addOwnRelations(given, node.events, first)
    for (const [position, {label, location, name, operation}] of node.events.entries()) {
      const vertex = graph.firstOf(thread) + node.vertices[position]!
      events.push({id: events.length, thread, position, label, location, name, operation})
      values.push(location === null || label.kind === 'F' ? null : graph.scalarOf(vertex) ?? null)
    }
  }
  const ids = eventIds(graph)
  addCommunication(graph, given, ids)
  addGrace(graph, given, ids)
  return {events, values, given, picked: graph.behaviours.map((_, thread) => picked(graph, thread))}
}

function addGrace(graph: Graph, given: Growing, idOf: readonly (number | undefined)[]): void {
  const {grace} = graph.plan
  if (grace < 0) return
  const {sections, periods} = graceOf(graph)
  const pairs = periods.flatMap(({begin, end}) => sections.flatMap(({lock, unlock}) => [[begin, lock], ...unlock < 0 ? [] : [[unlock, end]]]))
  given.grace = pairs.filter(([a, b]) => graph.checker.has(grace, a!, b!)).map(([a, b]): Pair => [idOf[a!]!, idOf[b!]!])
}

/** What the scheduler gave a thread. */
export function picked(graph: Graph, thread: number): readonly Scalar[] {
  const found: Scalar[] = []
  for (let node: Node | null = graph.nodeOf(thread); node !== null; node = node.parent) found.unshift(...node.given)
  return found
}

function addCommunication(graph: Graph, given: {rf: Pair[]; co: Pair[]}, idOf: readonly (number | undefined)[]): void {
  for (let vertex = 0; vertex < graph.vertices; vertex++) {
    const id = idOf[vertex]
    const location = graph.locationOf(vertex)
    if (id === undefined || location < 0) continue
    if (graph.isWrite(vertex)) {
      given.co.push([location, id])
      for (const [other, later] of idOf.entries()) {
        if (later !== undefined && graph.inCo(vertex, other)) given.co.push([id, later])
      }
      continue
    }
    const write = graph.sourceOf(vertex)
    if (write !== unresolved) given.rf.push([write < 0 ? location : idOf[write]!, id])
  }
}
