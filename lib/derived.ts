/**
 * What a thread's own events contribute to a master plan's inputs: program order, dependencies and sets, as
 * far as the thread's state before did not contribute them.
 */
import type {Node} from './behaviour.ts'
import {factsOf} from './facts.ts'
import type {RelationExpr} from './model.ts'
import type {MasterPlan} from './plan.ts'
import {presenceOf, within} from './presence.ts'
import {shapeOf, type Shape} from './shape.ts'
import {unitsIn, type Unit} from './units.ts'

export interface Derived {
  readonly master: MasterPlan
  /** Was the plan made for such labels? If not, it may lack relations that they need. */
  readonly isCovered: boolean
  /** What there is of the plan's inputs at all (presence.ts). */
  readonly presence: Int32Array
  /** All pairs of each local and all members of each set, in the plan's order. Vertices are counted within the thread. */
  readonly locals: readonly Int32Array[]
  readonly sets: readonly Int32Array[]
  /** Pairs of locals that the parent state has not: local, from, to, … */
  readonly pairs: Int32Array
  /** All pairs of locals that only flags need: those may also shrink (an rcu_read_lock() not yet unlocked). */
  readonly flagPairs: Int32Array
  /** Members of sets that the parent state has not: set, vertex, … */
  readonly members: Int32Array
  /** The grace periods and critical sections that are counted: all of the thread's. */
  readonly units: readonly Unit[]
  /** Flags that the thread's own events raise. */
  readonly flags: readonly string[]
}

/** What the thread's events contribute from this state on. */
export function derivedOf(node: Node, master: MasterPlan): Derived {
  const known = node.derived as Derived | null
  return known !== null && known.master === master ? known : deriveAnew(node, master)
}

/** Apart from the usual case, which this closure would slow down. */
function deriveAnew(node: Node, master: MasterPlan): Derived {
  const shape = shapeOf(node)
  const made = shape.noted(master, () => derive(shape, node.parent === null ? null : derivedOf(node.parent, master), master))
  node.derived = made
  return made
}

function derive(shape: Shape, before: Derived | null, master: MasterPlan): Derived {
  const {expressions, tested} = askedOf(master)
  const {pairs: evaluated, members: sets, isThere} = shape.evaluate(expressions, master.sets, tested)
  const locals = evaluated.slice(0, master.locals.length)
  const pairs: number[] = []
  const flagPairs: number[] = []
  for (let local = 0; local < locals.length; local++) {
    const now = locals[local]!
    if (now.length === 0) continue
    if (master.locals[local]!.relation >= master.kept) pushPairs(local, now, nothing, flagPairs)
    else pushPairs(local, now, before === null ? nothing : before.locals[local]!, pairs)
  }
  const members: number[] = []
  for (let set = 0; set < sets.length; set++) {
    const now = sets[set]!
    for (let i = 0; i < now.length; i++) if (before === null || !before.sets[set]!.includes(now[i]!)) members.push(set, now[i]!)
  }
  const units = master.counting === null ? [] : unitsIn(shape, master.counting)
  return {
    master, isCovered: (factsOf(master.model, shape.labels) | master.facts) === master.facts,
    presence: presenceOf(shape, master, locals, sets, evaluated.slice(locals.length), units),
    locals, sets, pairs: Int32Array.from(pairs), flagPairs: Int32Array.from(flagPairs), members: Int32Array.from(members), units,
    flags: master.ownFlags.flatMap(({flag}, i) => isThere[i]! ? [flag] : []),
  }
}

/** What a master plan asks of every shape. */
interface Asked {
  /** Its locals, then those of presence.ts. */
  readonly expressions: readonly RelationExpr[]
  /** Its own flags. */
  readonly tested: readonly RelationExpr[]
}

const asked = new WeakMap<MasterPlan, Asked>()

function askedOf(master: MasterPlan): Asked {
  const known = asked.get(master)
  if (known !== undefined) return known
  const made = {expressions: [...master.locals.map(({expr}) => expr), ...within], tested: master.ownFlags.map(({expr}) => expr)}
  asked.set(master, made)
  return made
}

const nothing = new Int32Array(0)

/** Adds the pairs of a local that are not among the old ones. Both are in ascending order, and what was there stays there. */
function pushPairs(local: number, now: Int32Array, old: Int32Array, into: number[]): void {
  let next = 0
  for (let i = 0; i < now.length; i += 2) {
    if (next < old.length && old[next] === now[i] && old[next + 1] === now[i + 1]) next += 2
    else into.push(local, now[i]!, now[i + 1]!)
  }
}
