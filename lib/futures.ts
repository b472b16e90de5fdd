/**
 * What threads may still do: for each state of each thread, the locations that it may still write.
 *
 * An over-approximation, made before the exploration by running every thread with every value that
 * its reads could return. Without it the exploration would have to postpone every read everywhere.
 * A value takes at most as many rounds to travel as there are writes, so the rounds are bounded; if
 * the values or the states become too many, nothing is said (`null`: any location).
 */
import {evaluate, type Behaviour, type Node} from './behaviour.ts'
import type {Label} from './event.ts'
import {truth, type Location, type Scalar, type Value} from './value.ts'

const maxNodes = 4000
const maxCombinations = 512
const maxDomain = 64

export interface Futures {
  /** False if the search was given up: then `future` is null everywhere. */
  readonly complete: boolean
  /** Vertices that each thread needs at most, as far as seen. */
  readonly capacity: readonly number[]
  readonly labels: ReadonlySet<Label>
}

/** Grows the threads' trees over all values that their reads may return, and notes each node's future. */
export function explore(memory: readonly Location[], behaviours: readonly Behaviour[]): Futures {
  const domains = memory.map(location => new Set<Scalar>([location.init]))
  let complete = true
  for (let round = 0; complete; round++) {
    const before = domains.reduce((sum, domain) => sum + domain.size, 0)
    let writes = 0
    for (const behaviour of behaviours) {
      const walk = new Walk(behaviour, domains)
      if (!walk.run()) complete = false
      writes += walk.writes
    }
    const after = domains.reduce((sum, domain) => sum + domain.size, 0)
    if (after === before || round > writes) break
  }
  if (complete) for (const behaviour of behaviours) note(behaviour, behaviour.root)
  const labels = new Set<Label>()
  for (const {nodes} of behaviours) {
    for (const node of nodes) {
      for (const event of node.events) labels.add(event.label)
    }
  }
  const capacity = behaviours.map(({nodes}) => nodes.reduce((most, node) => Math.max(most, node.vertexCount), 0))
  return {complete, capacity, labels}
}

/** One pass over one thread's tree with the domains as they are. */
class Walk {
  writes = 0
  readonly #behaviour: Behaviour
  readonly #domains: readonly Set<Scalar>[]

  constructor(behaviour: Behaviour, domains: readonly Set<Scalar>[]) {
    this.#behaviour = behaviour
    this.#domains = domains
  }

  /** False if it became too much. */
  run(): boolean {
    return this.#visit(this.#behaviour.root, new Map())
  }

  /** @param fixed reads whose value this path has already asked for. */
  #visit(node: Node, fixed: ReadonlyMap<number, Scalar>): boolean {
    if (this.#behaviour.nodes.length > maxNodes) return false
    let writes = 0
    for (const [position, event] of node.events.entries()) {
      if (event.label.kind !== 'W') continue
      writes++
      if (position < node.from) continue
      const values = this.#values(event.value!, node, fixed)
      if (values === null) return false
      const domain = this.#domains[event.location!.index]!
      for (const value of values) domain.add(value)
      if (domain.size > maxDomain) return false
    }
    this.writes = Math.max(this.writes, writes)
    const {demand} = node
    if (!('value' in demand)) return true
    const answers = this.#values(demand.value, node, fixed)
    if (answers === null) return false
    if (demand.kind === 'address' || demand.kind === 'raw') node.answers = [...answers]
    const keys = demand.kind === 'when' || demand.kind === 'cas' ? new Set([...answers].map(answer => Number(truth(answer)))) : answers
    for (const key of keys) {
      const known = demand.kind === 'raw' && demand.value.kind === 'read' ? new Map(fixed).set(demand.value.scalar as number, key) : fixed
      if (!this.#visit(this.#behaviour.child(node, key), known)) return false
    }
    return true
  }

  /** Everything that a value may be; null if there are too many combinations to try. */
  #values(value: Value, node: Node, fixed: ReadonlyMap<number, Scalar>): ReadonlySet<Scalar> | null {
    const reads = value.reads
    const choices = reads.map(read => {
      const known = fixed.get(read)
      if (known !== undefined) return [known]
      const event = node.events[read]!
      const domain = [...this.#domains[event.location!.index]!]
      return event.until === null ? domain : domain.filter(event.until)
    })
    if (choices.reduce((product, domain) => product * domain.length, 1) > maxCombinations) return null
    const found = new Set<Scalar>()
    const chosen = new Map<number, Scalar>()
    const combine = (i: number): void => {
      if (i === reads.length) {
        const scalar = attempt(() => evaluate(value, read => chosen.get(read)))
        if (scalar !== undefined) found.add(scalar)
        return
      }
      for (const choice of choices[i]!) {
        chosen.set(reads[i]!, choice)
        combine(i + 1)
      }
    }
    combine(0)
    return found
  }
}

/** Impossible combinations may compute nonsense (a pointer plus a flag): they have no value. */
function attempt(compute: () => Scalar | undefined): Scalar | undefined {
  try {
    return compute()
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function note(behaviour: Behaviour, node: Node): ReadonlySet<number> {
  const future = new Set<number>()
  for (const child of node.children.values()) {
    for (const event of child.events.slice(child.from)) if (event.label.kind === 'W') future.add(event.location!.index)
    for (const location of note(behaviour, child)) future.add(location)
  }
  node.future = future
  return future
}
