/**
 * What a thread's own events contribute to the plan's inputs: program order, dependencies and sets,
 * evaluated once for each state of a thread and kept there.
 */
import type {LocalEvent, Node} from './behaviour.ts'
import type {Event} from './event.ts'
import type {Execution, Given, Pair} from './execution.ts'
import type {Plan} from './plan.ts'
import {evaluateAll} from './reference.ts'

export interface Derived {
  readonly plan: Plan
  /** Was the plan made for events of these kinds? If not, it may lack relations that they need. */
  readonly foreseen: boolean
  /** Pairs of input relations that the parent state has not: relation, from, to, … with vertices counted within the thread. */
  readonly pairs: Int32Array
  /** All pairs of inputs that only flags need: those may also shrink (an rcu_read_lock() not yet unlocked). */
  readonly flagPairs: Int32Array
  /** Members of sets that the parent state has not: set, vertex, … */
  readonly members: Int32Array
  readonly all: {readonly pairs: ReadonlySet<number>; readonly members: ReadonlySet<number>}
}

/** What the thread's events contribute from this state on. */
export function derivedOf(node: Node, plan: Plan): Derived {
  const known = node.derived as Derived | null
  if (known !== null && known.plan === plan) return known
  const before = node.parent === null ? null : derivedOf(node.parent, plan).all
  const made = derive(node, plan, before)
  node.derived = made
  return made
}

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
  return {
    plan, foreseen: node.events.every(({label}) => plan.labels.has(label)),
    pairs: Int32Array.from(newPairs), flagPairs: Int32Array.from(flagPairs), members: Int32Array.from(newMembers), all,
  }
}

const maxThreadEvents = 4096

/** One thread's events as an execution of their own, to evaluate what depends on nothing else. */
export function alone({events}: Node): Execution {
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
