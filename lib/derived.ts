/**
 * What a thread's own events contribute to a plan's inputs: program order, dependencies and sets, as
 * far as the thread's state before did not contribute them.
 */
import type {Node} from './behaviour.ts'
import {factsOf} from './facts.ts'
import type {Plan} from './plan.ts'
import {shapeOf, type Shape} from './shape.ts'
import {unitsIn, type Unit} from './units.ts'

export interface Derived {
  readonly plan: Plan
  /** Was the plan made for such events? If not, it may lack relations that they need. */
  readonly foreseen: boolean
  /** Pairs of input relations that the parent state has not: relation, from, to, … with vertices counted within the thread. */
  readonly pairs: Int32Array
  /** All pairs of inputs that only flags need: those may also shrink (an rcu_read_lock() not yet unlocked). */
  readonly flagPairs: Int32Array
  /** The grace periods and critical sections that are counted: all of the thread's. */
  readonly units: readonly Unit[]
  /** Flags that the thread's own events raise; null until they are asked for. */
  flags: readonly string[] | null
  /** Members of sets that the parent state has not: set, vertex, … */
  readonly members: Int32Array
}

/** What the thread's events contribute from this state on. */
export function derivedOf(node: Node, plan: Plan): Derived {
  const known = node.derived as Derived | null
  return known !== null && known.plan === plan ? known : deriveAnew(node, plan)
}

/** Apart from the usual case, which this closure would slow down. */
function deriveAnew(node: Node, plan: Plan): Derived {
  const shape = shapeOf(node)
  const made = shape.noted(plan, () => derive(shape, node.parent === null ? null : shapeOf(node.parent), plan))
  node.derived = made
  return made
}

/** The flags that the thread's own events raise. */
export function ownFlags(node: Node, plan: Plan): readonly string[] {
  if (plan.ownFlags.length === 0) return noFlags
  const derived = derivedOf(node, plan)
  derived.flags ??= plan.ownFlags.filter(({expr}) => shapeOf(node).between([expr])[0]!.length > 0).map(({flag}) => flag)
  return derived.flags
}

const noFlags: readonly string[] = []

function derive(shape: Shape, before: Shape | null, plan: Plan): Derived {
  const {locals, sets, absent} = plan
  for (const one of before === null ? [shape] : [shape, before]) one.evaluate([...locals, ...absent], sets)
  const pairs: number[] = []
  const flagPairs: number[] = []
  for (const {key, relation} of locals) {
    const kept = relation < plan.kept
    const isOld = membership(kept && before !== null ? before.pairs(key) : none, shape.size)
    const now = shape.pairs(key)
    for (let i = 0; i < now.length; i += 2) {
      const [from, to] = [now[i]!, now[i + 1]!]
      if (!kept) flagPairs.push(relation, from, to)
      else if (!isOld(from, to)) pairs.push(relation, from, to)
    }
  }
  const members: number[] = []
  for (const [set, {key}] of sets.entries()) {
    const old = before === null ? none : before.members(key)
    for (const vertex of shape.members(key)) if (!old.includes(vertex)) members.push(set, vertex)
  }
  const foreseen = (factsOf(plan.model, shape.labels) | plan.facts) === plan.facts && absent.every(({key}) => shape.pairs(key).length === 0)
  const units = plan.counting === null ? [] : unitsIn(shape, plan.counting)
  return {plan, foreseen, units, flags: null, pairs: Int32Array.from(pairs), flagPairs: Int32Array.from(flagPairs), members: Int32Array.from(members)}
}

const none = new Int32Array(0)

/** Which pairs are there, in one look: long threads have tens of thousands. */
function membership(pairs: Int32Array, size: number): (from: number, to: number) => boolean {
  if (pairs.length === 0) return () => false
  const there = new Uint8Array(size * size)
  for (let i = 0; i < pairs.length; i += 2) there[pairs[i]! * size + pairs[i + 1]!] = 1
  return (from, to) => there[from * size + to] === 1
}
