/**
 * What is known of a program under a model before it runs: what its threads do, and a machine for it.
 * Kept for as long as the program, so that to run it again (to sample, replay, reduce) needs no preparation.
 */
import {Behaviour, type Node} from './behaviour.ts'
import type {Bounds} from './thread-run.ts'
import {derivedOf} from './derived.ts'
import type {Label} from './event.ts'
import {lookAhead} from './futures.ts'
import {Machine} from './machine.ts'
import {mapped} from './mapped.ts'
import type {Model} from './model.ts'
import type {MasterPlan} from './plan.ts'
import {planFor} from './plans.ts'
import type {Program, Thread} from './program.ts'
import {isGracePeriod, openSections} from './sections.ts'
import {must} from './static.ts'
import {WrongInput} from './wrong-input.ts'

/** Vertices beyond this many make rows so long that exploration is hopeless; also the engine's hard limit. */
export const maxVertices = 512

/** A program with more events than the engine takes. */
export class TooManyEvents extends WrongInput {
  override readonly name = 'TooManyEvents'
}

export class Prepared {
  readonly #program: Program
  readonly #model: Model
  readonly #bounds: Bounds
  #prospect: Prospect
  /** A machine that nobody uses now. */
  #idle: {readonly kind: string; readonly machine: Machine} | null = null

  constructor(program: Program, model: Model, bounds: Bounds) {
    this.#program = program
    this.#model = model
    this.#bounds = bounds
    this.#prospect = this.#foresee(true)
  }

  /** Looks at what the threads may do. */
  #foresee(isCounted: boolean): Prospect {
    const isVertex = vertexTest(this.#model, isCounted)
    const own = {...this.#bounds, endless: false}
    const look = (): Prospect => {
      const key = `${own.rounds} ${own.events} ${own.reuse} ${own.endless} ${isCounted}`
      const behaviours = mapped(this.#program.threads, (thread, index) => behaviourOf(index, thread, this.#model, key, like => new Behaviour(index, thread, this.#model, own, isVertex, like)))
      return {behaviours, foreseen: lookAhead(this.#program.memory, behaviours), isCounted}
    }
    const prospect = look()
    if (!mayWaitForEver(prospect)) return prospect
    own.endless = true
    return hasGracePeriod(prospect) ? look() : prospect // nobody was asked whether it ends
  }

  /** A machine for the caller alone; see `build`. */
  take(spare: number, withBefore: boolean): Machine {
    const idle = this.#idle
    if (idle?.kind !== kindOf(spare, withBefore)) return this.build(spare, withBefore)
    this.#idle = null
    return idle.machine
  }

  /** The caller has done with a machine that `take` or `build` made for the same arguments. */
  giveBack(machine: Machine, spare: number, withBefore: boolean): void {
    this.#idle = {kind: kindOf(spare, withBefore), machine}
  }

  /**
   * A new machine, for what the threads are known to do now.
   * @param spare vertices per thread beyond those that are foreseen.
   * @param withBefore will the model's `before` be asked for?
   */
  build(spare: number, withBefore: boolean): Machine {
    const {behaviours, foreseen, isCounted} = this.#prospect
    const room = spare + (foreseen ? 0 : 2)
    const capacity: number[] = []
    const nodes: Node[] = []
    let total = 0
    for (let i = 0; i < behaviours.length; i++) {
      capacity.push(mostVertices(behaviours[i]!.nodes) + room)
      for (const node of behaviours[i]!.nodes) nodes.push(node)
      total += capacity[i]!
    }
    if (total > maxVertices) {
      throw new TooManyEvents(`program ${this.#program.name} makes more than ${maxVertices} events; lower the loop bound, or make the program smaller`)
    }
    const plan = planFor(this.#model, nodes, withBefore, isCounted)
    if (plan === null) {
      this.#prospect = this.#foresee(false) // machines made before keep theirs
      return this.build(spare, withBefore)
    }
    const units = mapped(behaviours, each => plan.counting === null ? 0 : mostUnits(each.nodes, plan.master) + room)
    return new Machine({memory: this.#program.memory, behaviours, plan, capacity, units})
  }
}

function mostVertices(nodes: readonly Node[]): number {
  let most = 0
  for (let i = 0; i < nodes.length; i++) if (nodes[i]!.vertexCount > most) most = nodes[i]!.vertexCount
  return most
}

function mostUnits(nodes: readonly Node[], master: MasterPlan): number {
  let most = 0
  for (let i = 0; i < nodes.length; i++) most = Math.max(most, derivedOf(nodes[i]!, master).units.length)
  return most
}

interface Settled {
  readonly index: number
  readonly model: Model
  readonly key: string
  readonly behaviour: Behaviour
}

/** The first behaviour of a thread that is data. If it asks for nothing it is the same in every program, otherwise at least where it was asked the same. */
const settled = new WeakMap<Thread, Settled>()

/** @param key what `make` depends on besides the thread, its index and the model. */
function behaviourOf(index: number, thread: Thread, model: Model, key: string, make: (like: Behaviour | null) => Behaviour): Behaviour {
  if (thread.isData !== true) return make(null)
  const known = settled.get(thread)
  if (known?.index === index && known.model === model && known.key === key) {
    return known.behaviour.root.demand.kind === 'done' ? known.behaviour : make(known.behaviour)
  }
  const behaviour = make(null)
  settled.set(thread, {index, model, key, behaviour})
  return behaviour
}

/** What the threads may do, and whether that is all. */
interface Prospect {
  readonly behaviours: readonly Behaviour[]
  readonly foreseen: boolean
  /** Are events left out of the matrices that can be counted instead (counting.ts)? */
  readonly isCounted: boolean
}

/** May some grace period never end: because a thread in a critical section waits, for whatever it is, or ends in it, or for all that was foreseen? */
function mayWaitForEver(prospect: Prospect): boolean {
  if (!prospect.foreseen) return true
  return hasGracePeriod(prospect) && prospect.behaviours.some(({nodes}) => nodes.some(({demand, events, from}) => {
    const stays = demand.kind === 'wait' || demand.kind === 'endless' || demand.kind === 'done'
    return (stays && openSections(events).length > 0)
      || events.some(({label}, i) => i >= from && isGracePeriod(label) && openSections(events.slice(0, i)).length > 0)
  }))
}

/** Is some thread seen to wait for a grace period? */
function hasGracePeriod({behaviours}: Prospect): boolean {
  for (let thread = 0; thread < behaviours.length; thread++) {
    const {nodes} = behaviours[thread]!
    for (let i = 0; i < nodes.length; i++) if (waitsForReaders(nodes[i]!)) return true
  }
  return false
}

function waitsForReaders({demand, events, from}: Node): boolean {
  if (demand.kind === 'endless') return true
  for (let i = from; i < events.length; i++) if (isGracePeriod(events[i]!.label)) return true
  return false
}

/** Which events are in the matrices, by model and by whether some are counted instead. */
const vertexTests = new WeakMap<Model, [plain: Map<Label, boolean>, counted: Map<Label, boolean>]>()

function vertexTest(model: Model, isCounted: boolean): (label: Label) => boolean {
  const tests = vertexTests.get(model) ?? [new Map<Label, boolean>(), new Map<Label, boolean>()]
  vertexTests.set(model, tests)
  const known = tests[isCounted ? 1 : 0]
  return label => {
    let isVertex = known.get(label)
    if (isVertex === undefined) {
      isVertex = !must(model.folded, label) && !(isCounted && model.counted !== undefined && must(model.counted, label))
      known.set(label, isVertex)
    }
    return isVertex
  }
}

function kindOf(spare: number, withBefore: boolean): string {
  return `${spare} ${withBefore}`
}

/**
 * Where a program's threads keep their preparations; copies of the program with other claims share them. A property and
 * no WeakMap: V8's young generation takes what a WeakMap holds for alive, so that over thousands of programs each was
 * kept until the next full collection, a fifth of the time.
 */
const preparations = Symbol('preparations')

/** The program prepared for a model and bounds; the same for the same arguments. */
export function prepare(program: Program, model: Model, bounds: Bounds): Prepared {
  const threads: Program['threads'] & {readonly [preparations]?: Map<Model, Map<string, Prepared>>} = program.threads
  const models = threads[preparations] ?? new Map<Model, Map<string, Prepared>>()
  if (models.size === 0 && Object.isExtensible(threads)) Object.defineProperty(threads, preparations, {value: models})
  const all = models.get(model) ?? new Map<string, Prepared>()
  models.set(model, all)
  const key = `${bounds.rounds} ${bounds.events} ${bounds.reuse}`
  const prepared = all.get(key) ?? new Prepared(program, model, bounds)
  all.set(key, prepared)
  return prepared
}
