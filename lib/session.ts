/** A program under a model, ready to run, with a machine that is made larger when it is outgrown; and what an execution came to. */
import type {Behaviour, Node} from './behaviour.ts'
import {eventIds, executionOf, finalValue, flags, undefinedResults, waiting} from './finished.ts'
import {faults, leaks, type Regime} from './faults.ts'
import {endlessPeriods} from './grace.ts'
import {Outgrown, type Graph} from './graph.ts'
import type {Machine, Status} from './machine.ts'
import type {Model} from './model.ts'
import {prepare, type Prepared} from './prepared.ts'
import {mustBeOwn, type FinalMemory, type Program} from './program.ts'
import {flagsOf} from './reference.ts'
import type {Failure, FaultFailure, Path, Run, Unknown} from './result.ts'
import type {Bounds} from './thread-run.ts'
import {truth, uninitialised, Value, type Location, type Scalar} from './value.ts'

/** What counts as a failure, and how. */
interface Wishes {
  readonly flags?: readonly string[]
  /** Vertices per thread beyond those foreseen; the tests use it to try wide rows on small programs. */
  readonly spare?: number
  readonly regime?: Regime
  readonly leaks?: boolean
}

export class Session {
  readonly program: Program
  readonly model: Model
  readonly flags: ReadonlySet<string>
  machine: Machine
  readonly #prepared: Prepared
  readonly #bounds: Bounds
  readonly #spare: number
  /** What pointers to dead objects may be used for; null if no object dies and every word holds something. */
  readonly #regime: Regime | null
  readonly #wantsLeaks: boolean

  constructor(program: Program, model: Model, bounds: Bounds, {flags, spare = 0, regime = 'strict', leaks = false}: Wishes) {
    mustBeOwn(program)
    this.program = program
    this.model = model
    this.#bounds = bounds
    this.#regime = program.memory.some(({object, init}) => object.heap !== null || init === uninitialised) ? regime : null
    this.#wantsLeaks = leaks
    this.flags = new Set(flags ?? Object.keys(model.flags).filter(flag => flag !== 'mixed-accesses'))
    this.#prepared = prepare(program, model, bounds)
    this.#spare = spare
    this.machine = this.#prepared.take(spare, this.#regime === 'iso')
  }

  /** Runs `body`, again with a larger machine whenever it was outgrown. Nothing that `body` did before counts. The last use of the machine. */
  withRoom<T>(body: () => T): T {
    for (;;) {
      try {
        const result = body()
        this.#prepared.giveBack(this.machine, this.#spare, this.#regime === 'iso')
        return result
      } catch (error) {
        if (!(error instanceof Outgrown)) throw error
        this.rebuild()
      }
    }
  }

  /** A machine for what the threads are known to do now. */
  rebuild(): void {
    this.machine = this.#prepared.build(this.#spare, this.#regime === 'iso')
  }

  get #graph(): Graph {
    return this.machine.graph
  }

  get #behaviours(): readonly Behaviour[] {
    return this.#graph.behaviours
  }

  /** Which budget cut a thread, where one was cut. */
  cutBy(): Extract<Unknown, {budget: 'bound' | 'events' | 'objects'}> {
    const limits = {bound: this.#bounds.rounds, events: this.#bounds.events, objects: 0}
    for (const {nodes} of this.#behaviours) {
      for (const {demand} of nodes) if (demand.kind === 'cut') return {budget: demand.budget, limit: limits[demand.budget]}
    }
    return {budget: 'bound', limit: limits.bound}
  }

  // ---- what an execution came to ----

  /** What each thread returned; undefined for one that did not finish. */
  returned(): Record<string, unknown> {
    const all: Record<string, unknown> = {}
    for (const [thread, {name}] of this.#behaviours.entries()) {
      const {demand} = this.#graph.nodeOf(thread)
      all[name] = demand.kind === 'done' ? this.#resolve(thread, demand.returned) : undefined
    }
    return all
  }

  /** What holds no values that were read is returned as it is: heaps, and whatever somebody compares by identity. */
  #resolve(thread: number, returned: unknown): unknown {
    if (returned instanceof Value) return this.#graph.evaluate(thread, returned)
    if (typeof returned !== 'object' || returned === null || ('kind' in returned && returned.kind === 'location')) return returned
    const parts: readonly (readonly [string, unknown])[] = Object.entries(returned)
    const resolved = parts.map(([key, part]): [string, unknown] => [key, this.#resolve(thread, part)])
    if (resolved.every(([, part], i) => part === parts[i]![1])) return returned
    return Array.isArray(returned) ? resolved.map(([, part]) => part) : Object.fromEntries(resolved)
  }

  /** How the execution fails, if it does. Flags come without their pairs, which `run` fills in. */
  failures(status: Status, returned: Record<string, unknown>): Failure[] {
    if (status === 'blocked') {
      if (this.#regime === 'iso') flags(this.#graph) // what is before what
      return [{kind: 'deadlock', waiting: this.#waiting()}, ...this.#faults([])]
    }
    const found: Failure[] = [...this.panics()]
    for (const [thread, {name}] of this.#behaviours.entries()) found.push(...this.#failedChecks(thread, name))
    if (found.length === 0) {
      for (const [claim, condition] of Object.entries(this.program.claims)) {
        if (!condition(returned, this.final)) found.push({kind: 'claim', claim})
      }
    }
    const raised = flags(this.#graph).filter(flag => this.flags.has(flag))
    // what else goes wrong, a panic over what is no value before all, often comes of a fault
    return [...this.#faults(scalarsIn(returned)), ...found, ...raised.map((flag): Failure => ({kind: 'flag', flag, pairs: []}))]
  }

  /** What went wrong with objects that died; the model's flags were asked for before. */
  #faults(returned: readonly Scalar[]): FaultFailure[] {
    if (this.#regime === null) return []
    const graph = this.#graph
    const found = faults(graph, this.#regime, (a, b) => graph.checker.flags.isBefore(a, b))
    if (this.#wantsLeaks) found.push(...leaks(graph, returned))
    if (found.length === 0) return []
    const ids = eventIds(graph)
    const id = (vertex: number): number => vertex < 0 ? -1 : ids[vertex]!
    return found.map(({at, death, rebirth, kept, ...rest}) => ({
      kind: 'fault', ...rest, thread: at < 0 ? null : this.#behaviours[graph.threadOf[at]!]!.name,
      event: id(at), death: id(death), rebirth: id(rebirth), kept: id(kept),
    }))
  }

  /** Threads that threw, or computed what C leaves undefined. */
  panics(): readonly Panic[] {
    let found = noPanics
    const graph = this.#graph
    for (let thread = 0; thread < graph.threads; thread++) {
      const {demand} = graph.nodeOf(thread)
      if (demand.kind === 'panic') found = [...found, {kind: 'panic', thread: graph.behaviours[thread]!.name, message: demand.message, stack: demand.stack}]
    }
    const undefinedOnes = undefinedResults(graph)
    return undefinedOnes.length === 0 ? found
      : [...found, ...undefinedOnes.map(({thread, why}): Panic => ({kind: 'panic', thread: this.#behaviours[thread]!.name, message: why, stack: ''}))]
  }

  /** The co-last value of a word. */
  readonly final: FinalMemory = location => finalValue(this.#graph, location.index)

  /** For each event of the present execution: the user's frames that led to it, innermost first, as `file:line:column`. */
  sites(): (readonly string[])[] {
    const none: (readonly string[])[] = this.program.memory.map(() => [])
    const own = this.#behaviours.flatMap((behaviour, thread) => {
      const node = this.#graph.nodeOf(thread)
      const stacks = behaviour.sites(node)
      return node.events.map(event => frames(stacks[event.operation] ?? ''))
    })
    return [...none, ...own]
  }

  #failedChecks(thread: number, name: string): Failure[] {
    const found: Failure[] = []
    for (let node: Node | null = this.#graph.nodeOf(thread); node !== null; node = node.parent) {
      for (const {claim, holds} of node.checks) {
        const scalar = this.#graph.evaluate(thread, holds)
        if (scalar !== undefined && !truth(scalar)) found.unshift({kind: 'check', claim, thread: name})
      }
    }
    return found
  }

  #waiting(): {thread: string; operation: string; location: string}[] {
    const nameOf = (thread: number): string => this.#behaviours[thread]!.name
    const reads = waiting(this.#graph).map(({thread, event}) => ({thread: nameOf(thread), operation: event.name, location: event.location?.name ?? ''}))
    const periods = endlessPeriods(this.#graph).map(({thread, period, readers}) => ({
      thread: nameOf(thread), operation: period.name,
      location: readers.map(reader => reader === thread ? 'a critical section of its own' : `the critical section of ${nameOf(reader)}`).join(' and '),
    }))
    return [...reads, ...periods]
  }

  /** The machine's present execution as a result. */
  run(path: Path, status: Status): Run {
    const returned = this.returned()
    const execution = executionOf(this.#graph)
    const failures = this.failures(status, returned)
    const raised = failures.some(failure => failure.kind === 'flag') ? flagsOf(this.model, execution) : []
    return {
      path, execution, returned,
      final: this.program.memory.map((location): Scalar => finalValue(this.#graph, location.index)),
      failures: failures.map(failure => failure.kind !== 'flag' ? failure
        : {...failure, pairs: raised.find(({flag}) => flag === failure.flag)?.pairs ?? []}),
    }
  }
}

type Panic = Extract<Failure, {kind: 'panic'}>

const noPanics: readonly Panic[] = []

/** Every scalar in what the threads returned. */
function scalarsIn(returned: unknown): readonly Scalar[] {
  if (typeof returned === 'number') return [returned]
  if (typeof returned !== 'object' || returned === null) return []
  return 'kind' in returned && returned.kind === 'location' ? [returned as Location] : Object.values(returned).flatMap(scalarsIn)
}

const here = new URL('.', import.meta.url).pathname

/** The frames of a stack up to the engine that resumed the thread, without those of the vocabulary (`when`, `readOnce`). */
function frames(stack: string): readonly string[] {
  const places = stack.split('\n').flatMap(line => /\(?(?:file:\/\/)?(\/[^()]*:\d+:\d+)\)?$/.exec(line)?.[1] ?? [])
  const engine = places.findIndex(place => place.startsWith(`${here}behaviour.`))
  return (engine < 0 ? places : places.slice(0, engine)).filter(place => !place.startsWith(here))
}
