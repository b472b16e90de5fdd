/**
 * What threads may still do: for each state of each thread, the locations that it may still write.
 *
 * An over-approximation, made before the exploration by running every thread with every value that
 * its reads could return. Without it the exploration would have to postpone every read everywhere.
 * A value takes at most as many rounds to travel as there are writes, so the rounds are bounded. A
 * word that may hold too many values may hold anything: conditions on it go both ways, and a thread
 * that asks for the value itself may do anything (`future` is null).
 */
import type {Behaviour, Node} from './behaviour.ts'
import {mapped} from './mapped.ts'
import type {LocalEvent} from './thread-run.ts'
import {evaluate, truth, type Location, type Scalar, type Value} from './value.ts'

const maxNodes = 4000
const maxCombinations = 512
const maxDomain = 64

/** The values that a word may hold; null for any. */
type Domain = Set<Scalar> | null

/**
 * Grows the threads' trees over all values that their reads may return, and notes each node's future.
 * @returns whether everything that the threads may do was seen.
 */
export function lookAhead(memory: readonly Location[], behaviours: readonly Behaviour[]): boolean {
  if (endAtOnce(behaviours)) {
    for (let i = 0; i < behaviours.length; i++) behaviours[i]!.root.future = nowhere
    return true
  }
  return walkAhead(memory, behaviours)
}

/** Does no thread ask for anything? */
function endAtOnce(behaviours: readonly Behaviour[]): boolean {
  for (let i = 0; i < behaviours.length; i++) if (behaviours[i]!.root.goesOn) return false
  return true
}

function walkAhead(memory: readonly Location[], behaviours: readonly Behaviour[]): boolean {
  const domains: Domain[] = mapped(memory, location => new Set<Scalar>([location.init]))
  const walks = mapped(behaviours, behaviour => new Walk(behaviour, domains))
  for (let round = 0; ; round++) {
    const before = sizeOf(domains)
    let writes = 0
    for (let i = 0; i < walks.length; i++) {
      writes += walks[i]!.run()
      if (walks[i]!.exhausted) return false
    }
    if (sizeOf(domains) === before || round > writes) break
  }
  for (let i = 0; i < walks.length; i++) note(behaviours[i]!.root, walks[i]!.open)
  return walks.every(({open}) => open.size === 0)
}

function sizeOf(domains: readonly Domain[]): number {
  let sum = 0
  for (let i = 0; i < domains.length; i++) sum += domains[i]?.size ?? maxDomain + 1
  return sum
}

const nowhere: ReadonlySet<number> = new Set()

/** What a path knows: what its reads can only have returned, and what was not given to it. */
interface Path {
  readonly reads: ReadonlyMap<number, readonly Scalar[]>
  readonly withheld: readonly Scalar[]
}

/** Passes over one thread's tree, each with the domains as they are. */
class Walk {
  /** Nodes whose demand may have answers that were not tried, in the last pass. */
  readonly open = new Set<Node>()
  exhausted = false
  #writes = 0
  /** Does the thread do the same whatever it reads, and was it looked at? */
  #isDone = false
  readonly #behaviour: Behaviour
  readonly #domains: Domain[]

  constructor(behaviour: Behaviour, domains: Domain[]) {
    this.#behaviour = behaviour
    this.#domains = domains
  }

  /** The most writes on any way through the thread. */
  run(): number {
    if (this.#isDone) return this.#writes
    this.#isDone = !this.#behaviour.root.goesOn
    this.#writes = 0
    this.open.clear()
    this.#visit(this.#behaviour.root, {reads: new Map(), withheld: []})
    return this.#writes
  }

  #visit(node: Node, path: Path): void {
    if (this.#behaviour.nodes.length > maxNodes) this.exhausted = true
    if (this.exhausted) return
    this.#noteWrites(node, path)
    const {demand} = node
    if (demand.kind === 'pick') {
      for (const answer of demand.among) {
        const withheld = [...path.withheld, ...demand.among.filter(other => other !== answer && isAllocated(other))]
        this.#visit(this.#behaviour.foresee(node, answer), {...path, withheld})
      }
      return
    }
    if (demand.kind === 'period') {
      for (const way of [1, 0]) this.#visit(this.#behaviour.foresee(node, way), path)
      return
    }
    if (!('value' in demand)) return
    const answers = this.#values(demand.value, node, path)
    if (demand.kind === 'when' || demand.kind === 'cas') {
      const ways = answers === null ? [1, 0] : new Set([...answers].map(answer => Number(truth(answer))))
      for (const way of ways) this.#visit(this.#behaviour.foresee(node, way), this.#knowing(path, demand.value, node, scalar => Number(truth(scalar)) === way))
      return
    }
    if (demand.kind === 'wait') {
      if (answers === null || answers.size > 0) this.#visit(this.#behaviour.foresee(node, 1), path)
      return
    }
    node.answers = [...answers ?? []]
    if (answers === null) this.open.add(node)
    for (const answer of node.answers) {
      this.#visit(this.#behaviour.foresee(node, answer), this.#knowing(path, demand.value, node, scalar => scalar === answer))
    }
  }

  /** The path on which a value of one read alone was found to be so. */
  #knowing(path: Path, value: Value, node: Node, isSo: (scalar: Scalar) => boolean): Path {
    const [read, another] = value.reads
    const domain = read === undefined || another !== undefined ? null : this.#domainOf(read, node, path)
    if (domain === null) return path
    const left = domain.filter(scalar => {
      const computed = attempt(() => evaluate(value, () => scalar))
      return computed !== undefined && isSo(computed)
    })
    return {...path, reads: new Map(path.reads).set(read!, left)}
  }

  #noteWrites(node: Node, path: Path): void {
    const {events, from} = node
    let writes = 0
    for (let i = 0; i < events.length; i++) {
      if (events[i]!.label.kind !== 'W') continue
      writes++
      if (i >= from) this.#noteWrite(events[i]!, node, path)
    }
    this.#writes = Math.max(this.#writes, writes)
  }

  #noteWrite(event: LocalEvent, node: Node, path: Path): void {
    const value = event.value!
    const {index} = event.location!
    const domain = this.#domains[index]!
    if (value.kind === 'const') {
      domain?.add(value.scalar)
      if (domain !== null && domain.size > maxDomain) this.#domains[index] = null
      return
    }
    this.#isDone = false
    const values = this.#values(value, node, path)
    if (domain !== null && values !== null) for (const scalar of values) domain.add(scalar)
    if (values === null || domain === null || domain.size > maxDomain) this.#domains[index] = null
  }

  /** Everything that a value may be; null for anything. */
  #values(value: Value, node: Node, path: Path): ReadonlySet<Scalar> | null {
    const choices: (readonly Scalar[])[] = []
    let combinations = 1
    for (const read of value.reads) {
      const domain = this.#domainOf(read, node, path)
      combinations *= domain?.length ?? Infinity
      if (domain === null || combinations > maxCombinations) return isTest(value) ? bothWays : null
      choices.push(domain)
    }
    const found = new Set<Scalar>()
    combine(value, choices, 0, new Map(), found)
    return found
  }

  #domainOf(read: number, node: Node, {reads, withheld}: Path): readonly Scalar[] | null {
    const known = reads.get(read)
    if (known !== undefined) return known
    const event = node.events[read]!
    const domain = this.#domains[event.location!.index]!
    if (domain === null) return null
    return [...domain].filter(scalar => event.until?.(scalar) !== false && !isPartOf(scalar, withheld))
  }
}

/** Adds what the value is for each choice of its reads from this one on. */
function combine(value: Value, choices: readonly (readonly Scalar[])[], from: number, chosen: Map<number, Scalar>, found: Set<Scalar>): void {
  if (from === choices.length) {
    const scalar = attempt(() => evaluate(value, read => chosen.get(read)))
    if (scalar !== undefined) found.add(scalar)
    return
  }
  for (const choice of choices[from]!) {
    chosen.set(value.reads[from]!, choice)
    combine(value, choices, from + 1, chosen, found)
  }
}

/** Is it a pointer to an object that the thread would have made in this place? It is in one place only. */
function isAllocated(scalar: Scalar): boolean {
  return typeof scalar !== 'number' && scalar.object.heap !== null && scalar.object.heap.origin !== 'start'
}

/** Is it a pointer into one of these objects? */
function isPartOf(scalar: Scalar, objects: readonly Scalar[]): boolean {
  return typeof scalar !== 'number' && objects.some(other => typeof other !== 'number' && other.object === scalar.object)
}

const bothWays: ReadonlySet<Scalar> = new Set([1, 0])

/** Is the value the result of a comparison, whatever is compared? */
function isTest(value: Value): boolean {
  return value.kind === 'apply' && ['==', '!=', '<', '<=', '>', '>=', '!'].includes(value.operator!)
}

/** Impossible combinations may compute nonsense (a pointer plus a flag): they have no value. */
function attempt(compute: () => Scalar | undefined): Scalar | undefined {
  const {stackTraceLimit} = Error
  Error.stackTraceLimit = 0 // nobody reads the stack of what is thrown and caught here, by the thousand
  try {
    return compute()
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

function note(node: Node, open: ReadonlySet<Node>): ReadonlySet<number> | null {
  const future = new Set<number>()
  let known = !open.has(node)
  for (const child of node.children.values()) {
    for (let i = child.from; i < child.events.length; i++) if (child.events[i]!.label.kind === 'W') future.add(child.events[i]!.location!.index)
    const onward = note(child, open)
    if (onward === null) known = false
    else for (const location of onward) future.add(location)
  }
  node.future = known ? future : null
  return node.future
}
