/** Drives the machine: exhaustive exploration, seeded sampling, replay, reduction; budgets and verdicts. */
import {follow, pct, random, stale, Misfit, type Chooser} from './choose.ts'
import type {Regime} from './faults.ts'
import {Outgrown} from './graph.ts'
import type {Decision, Status} from './machine.ts'
import type {Model} from './model.ts'
import type {Program} from './program.ts'
import type {Counts, Path, Run, Unknown, Verdict} from './result.ts'
import {Session} from './session.ts'

export type Strategy = 'random' | 'pct' | 'stale'

export interface Limits {
  /** Complete executions after which a run stops. */
  readonly executions?: number
  /** Asked now and then; true stops the run as out of time, 'memory' as out of memory. The caller owns the clock. */
  readonly expired?: () => boolean | 'memory'
  /** How long `expired` lets it run, in seconds; only for the result's wording. */
  readonly seconds?: number
  /** How much memory `expired` allows, in megabytes; only for the result's wording. */
  readonly megabytes?: number
  /** Rounds of one `iteration()` loop; default 3. */
  readonly bound?: number
  /** Events per thread; default 200. */
  readonly events?: number
  /** May an allocation get an address that was freed? Default true. */
  readonly reuse?: boolean
  /** What may be done with pointers to objects that died; default `strict`. */
  readonly regime?: Regime
  /** Do objects that nothing leads to at the end count as failures? Default false. */
  readonly leaks?: boolean
  /** Flags of the model that count as failures; default all but `mixed-accesses`. */
  readonly flags?: readonly string[]
  /** Room for more events per thread than are foreseen; only tests set it, to try wide rows on small programs. */
  readonly spare?: number
  /** Go on after the first failure, to count everything. */
  readonly keepGoing?: boolean
}

export interface Sampling extends Limits {
  readonly seed: string
  readonly runs: number
  readonly strategy?: Strategy
}

const defaultBound = 3
const defaultEvents = 200

/** A session for a program within limits. */
export function open<R>(program: Program<R>, model: Model, limits: Limits): Session {
  const bounds = {rounds: limits.bound ?? defaultBound, events: limits.events ?? defaultEvents, reuse: limits.reuse ?? true}
  return new Session(program as Program, model, bounds, limits)
}

/** The budget of the caller's that is used up, if one is. */
export function overBudget({expired, seconds, megabytes}: Limits): Unknown | null {
  switch (expired?.()) {
    case true: return {budget: 'seconds', limit: seconds ?? 0}
    case 'memory': return {budget: 'memory', limit: megabytes ?? 0}
    default: return null
  }
}

// ---- exploring ----

/** A decision under way: what was offered, and which choice is being looked at. */
interface Frame {
  readonly decision: Decision
  choice: number
}

/**
 * Depth-first over every choice, backing up by restoring. Stops at each execution that is complete,
 * blocked or cut. What `isSettled` says true of is not looked into: nothing there matters any more.
 */
export class Walk {
  nodes = 0
  deadEnds = 0
  readonly #session: Session
  readonly #frames: Frame[] = []
  readonly #isSettled: (() => boolean) | null
  /** The state at each decision under way that has a choice left, one after the other. */
  #saved: Int32Array
  #savedCount = 0

  constructor(session: Session, isSettled: (() => boolean) | null = null) {
    this.#session = session
    this.#isSettled = isSettled
    this.#saved = new Int32Array(session.machine.graph.size * 4)
  }

  /** The first execution, or null if there is none. */
  first(): Exclude<Status, 'dead'> | null {
    const {machine} = this.#session
    if (!machine.start()) return null
    return this.#onward(machine.next())
  }

  /** The next execution after the present one, or null. */
  next(): Exclude<Status, 'dead'> | null {
    return this.#onward('dead', true)
  }

  /** The choices that lead to the present execution. */
  path(): Path {
    return this.#frames.flatMap(({choice}, decision): (readonly [number, number])[] => choice === 0 ? [] : [[decision, choice]])
  }

  #onward(from: Decision | Status, resuming = false): Exclude<Status, 'dead'> | null {
    const {machine} = this.#session
    let status = from
    let quiet = resuming
    for (;;) {
      if (typeof status === 'string') {
        if (status !== 'dead') return status
        if (!quiet) this.deadEnds++
        quiet = false
        const resumed = this.#backUp()
        if (resumed === null) return null
        status = resumed
        continue
      }
      if (this.#isSettled?.() === true) {
        status = 'dead'
        quiet = true
        continue
      }
      this.nodes++
      this.#push(status)
      status = machine.take(status, 0) === true ? machine.next() : 'dead'
    }
  }

  #push(decision: Decision): void {
    this.#frames.push({decision, choice: 0})
    if (decision.among === 1) return
    const {graph} = this.#session.machine
    const at = this.#savedCount++ * graph.size
    if (at === this.#saved.length) {
      const larger = new Int32Array(this.#saved.length * 2)
      larger.set(this.#saved)
      this.#saved = larger
    }
    graph.save(this.#saved, at)
  }

  #backUp(): Decision | Status | null {
    const {machine} = this.#session
    for (;;) {
      const frame = this.#frames.at(-1)
      if (frame === undefined) return null
      if (frame.choice + 1 >= frame.decision.among) {
        this.#frames.pop()
        continue
      }
      frame.choice++
      this.nodes++
      const isLast = frame.choice + 1 === frame.decision.among
      machine.graph.restore(this.#saved, (this.#savedCount - 1) * machine.graph.size)
      if (isLast) this.#savedCount--
      return machine.take(frame.decision, frame.choice) === true ? machine.next() : 'dead'
    }
  }
}

class Tally {
  executions = 0
  blocked = 0
  cut = 0
  readonly unknown: Unknown[] = []
  readonly witnessed: Record<string, number>
  failing: Run | null = null
  failingSample: number | null = null
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
    this.witnessed = Object.fromEntries(Object.keys(session.program.witnesses).map(name => [name, 0]))
  }

  /** Takes one execution into account. True if it fails. */
  note(status: Exclude<Status, 'dead'>, path: () => Path): boolean {
    if (status === 'cut') {
      this.cut++
      return false
    }
    if (status === 'blocked') this.blocked++
    else this.executions++
    const returned = this.#session.returned()
    const failed = this.#session.failures(status, returned).length > 0
    if (status === 'complete') {
      for (const [name, condition] of Object.entries(this.#session.program.witnesses)) {
        if (condition(returned, this.#session.final)) this.witnessed[name]!++
      }
    }
    if (failed) this.failing ??= this.#session.run(path(), status)
    return failed
  }

  verdict(nodes: number, deadEnds: number): Verdict {
    if (this.cut > 0) this.unknown.push(this.#session.cutBy())
    const counts: Counts = {executions: this.executions, blocked: this.blocked, cut: this.cut, deadEnds, nodes}
    const verdict = this.failing !== null ? 'broken' : this.unknown.length > 0 ? 'unknown' : 'holds'
    return {verdict, unknown: this.unknown, failing: this.failing, failingSample: this.failingSample, witnessed: this.witnessed, counts}
  }
}

const nodesBetweenLooks = 128

/** Explores every execution that the model allows, until one fails (or all, with `keepGoing`). */
export function explore<R>(program: Program<R>, model: Model, limits: Limits = {}): Verdict {
  const session = open(program, model, limits)
  return session.withRoom(() => exploreOnce(session, limits))
}

function exploreOnce(session: Session, limits: Limits): Verdict {
  const walk = new Walk(session)
  const tally = new Tally(session)
  let looked = 0
  for (let status = walk.first(); status !== null; status = walk.next()) {
    if (tally.note(status, () => walk.path()) && limits.keepGoing !== true) break
    if (limits.executions !== undefined && tally.executions >= limits.executions) {
      tally.unknown.push({budget: 'executions', limit: limits.executions})
      break
    }
    if (limits.expired !== undefined && walk.nodes - looked > nodesBetweenLooks) {
      looked = walk.nodes
      const over = overBudget(limits)
      if (over !== null) {
        tally.unknown.push(over)
        break
      }
    }
  }
  return tally.verdict(walk.nodes, walk.deadEnds)
}

/** All complete (and blocked) executions, each once. */
export function* executions<R>(program: Program<R>, model: Model, limits: Limits = {}): Generator<Run> {
  const session = open(program, model, limits)
  // the machine may have to grow half-way: then what was yielded already is skipped, in the same order
  for (let yielded = 0; ;) {
    try {
      const walk = new Walk(session)
      let seen = 0
      for (let status = walk.first(); status !== null; status = walk.next()) {
        if (status === 'cut' || seen++ < yielded) continue
        yielded++
        yield session.run(walk.path(), status)
      }
      return
    } catch (error) {
      if (!(error instanceof Outgrown)) throw error
      session.rebuild()
    }
  }
}

// ---- sampling ----

/** Runs `runs` executions; the i-th is determined by `seed/program/model/i` alone. */
export function sample<R>(program: Program<R>, model: Model, sampling: Sampling): Verdict {
  const session = open(program, model, sampling)
  return session.withRoom(() => sampleAll(session, sampling))
}

function sampleAll(session: Session, sampling: Sampling): Verdict {
  const tally = new Tally(session)
  const dive = new Dive(session)
  let tried = 0
  while (tried < sampling.runs) {
    const index = tried++
    const status = dive.run(chooserFor(session.program, session.model, sampling, index))
    if (status !== null && tally.note(status, () => canonicalPath(session, dive.final()))) {
      tally.failingSample ??= index
      if (sampling.keepGoing !== true) break
    }
    const over = index % nodesBetweenLooks === 0 ? overBudget(sampling) : null
    if (over !== null) {
      tally.unknown.push(over)
      break
    }
  }
  tally.unknown.unshift({budget: 'sampled', limit: tried})
  return tally.verdict(dive.nodes, dive.deadEnds)
}

/** The i-th execution of a sampling run, by itself; null if it ended nowhere (cut, or only dead ends). */
export function sampleOne<R>(program: Program<R>, model: Model, sampling: Sampling, index: number): Run | null {
  return runWith(program, model, chooserFor(program, model, sampling, index), sampling)
}

/** One execution, every choice of which `chooser` makes: a person, a strategy of the caller's own. Null if it ended nowhere. */
export function runWith<R>(program: Program<R>, model: Model, chooser: Chooser, limits: Limits = {}): Run | null {
  const session = open(program, model, limits)
  return session.withRoom(() => {
    const dive = new Dive(session)
    const status = dive.run(chooser)
    return status === null || status === 'cut' ? null : session.run(canonicalPath(session, dive.final()), status)
  })
}

function chooserFor(program: {readonly name: string}, model: Model, {seed, strategy = 'random'}: Sampling, index: number): Chooser {
  const own = `${seed}/${program.name}/${model.name}/${index}`
  switch (strategy) {
    case 'random': return random(own)
    case 'stale': return stale(own)
    case 'pct': return pct(own, 3, 40)
  }
}

const maxStepsOfDive = 20_000
const patienceOfDive = 50

/** One execution by a chooser; where a choice leads nowhere, another one of the same decision is taken. */
class Dive {
  nodes = 0
  deadEnds = 0
  readonly #session: Session
  #saved: Int32Array
  readonly #final: Int32Array
  #initial: Int32Array | null = null

  constructor(session: Session) {
    this.#session = session
    this.#saved = new Int32Array(session.machine.graph.size * 16)
    this.#final = new Int32Array(session.machine.graph.size)
  }

  /** The machine's state at the end of the last run. */
  final(): Int32Array {
    this.#session.machine.graph.save(this.#final, 0)
    return this.#final
  }

  run(chooser: Chooser): Exclude<Status, 'dead'> | null {
    return this.#attempt(chooser, true, patienceOfDive) ?? this.#attempt(chooser, false, Infinity)
  }

  /**
   * @param free does the chooser say which read goes next? Where almost no order leads anywhere (three threads that
   *   want one lock), exploration's order does, in which a read may also wait for a later write.
   * @param patience dead ends after which the attempt is given up.
   */
  #attempt(chooser: Chooser, free: boolean, patience: number): Exclude<Status, 'dead'> | null {
    const {machine} = this.#session
    const frames: {decision: Decision; left: number[]}[] = []
    if (!this.#begin()) return null
    let status: Decision | Status = machine.next(free)
    for (let step = 0, deadEnds = 0; step < maxStepsOfDive; step++) {
      if (typeof status === 'string') {
        if (status !== 'dead') return status
        this.deadEnds++
        if (++deadEnds > patience) return null
        while (frames.at(-1)?.left.length === 0) frames.pop()
        const frame = frames.at(-1)
        if (frame === undefined) return null
        machine.graph.restore(this.#saved, (frames.length - 1) * machine.graph.size)
      } else {
        // most waits end: that one goes on is tried now and then
        const passesOn = !free || status.later && machine.isWait(status) && chooser.choose('starve', 16, `${machine.describe(status)}, or waits`) === 15
        const among = status.among - (status.later && !passesOn ? 1 : 0)
        frames.push({decision: status, left: Array.from({length: among}, (_, i) => i)})
        this.#save(frames.length - 1)
      }
      const frame = frames.at(-1)!
      const {decision, left} = frame
      const [choice] = left.splice(left.length === 1 ? 0 : chooser.choose(decision.kind, left.length, machine.describe(decision)), 1)
      this.nodes++
      const taken: boolean | Decision = choice === undefined ? false : machine.take(decision, choice)
      status = taken === true ? machine.next(free) : taken === false ? 'dead' : taken
    }
    return null
  }

  /** Every run begins where all threads have run ahead as far as they can. */
  #begin(): boolean {
    const {machine} = this.#session
    if (this.#initial !== null) {
      machine.graph.restore(this.#initial, 0)
      return true
    }
    if (!machine.start()) return false
    this.#initial = new Int32Array(machine.graph.size)
    machine.graph.save(this.#initial, 0)
    return true
  }

  #save(depth: number): void {
    const {machine} = this.#session
    if ((depth + 1) * machine.graph.size > this.#saved.length) {
      const larger = new Int32Array(this.#saved.length * 2)
      larger.set(this.#saved)
      this.#saved = larger
    }
    machine.graph.save(this.#saved, depth * machine.graph.size)
  }
}

/** The path by which exploration reaches the execution whose final state is `target`. Leaves the machine there. */
function canonicalPath(session: Session, target: Int32Array): Path {
  const {machine} = session
  const path: [number, number][] = []
  const goal = target.slice()
  machine.start()
  for (let decision = 0; ; decision++) {
    const status = machine.next()
    if (typeof status === 'string') return path
    const choice = machine.choiceTowards(goal, status)
    if (choice !== 0) path.push([decision, choice])
    machine.take(status, choice)
  }
}

// ---- replay and reduction ----

/** Follows a recorded path. @throws {Misfit} if the program or engine no longer fits the path. */
export function replay<R>(program: Program<R>, model: Model, path: Path, limits: Limits = {}): Run {
  const session = open(program, model, limits)
  return session.withRoom(() => {
    const {status, decisions} = retrace(session, follow(path))
    const beyond = path.find(([decision]) => decision >= decisions)
    if (status === 'dead') throw misfit('the recorded path leads to no execution')
    if (status === 'cut') throw misfit(`the recorded path goes over the ${{bound: 'loop bound', events: 'event limit', objects: 'room of its heap'}[session.cutBy().budget]}`)
    if (beyond !== undefined) throw misfit(`path step ${beyond[0]} comes after the end of the execution, which has ${counted(decisions)}`)
    return session.run(path, status)
  })
}

function misfit(what: string): Misfit {
  return new Misfit(`${what}: the program or the engine changed since it was recorded`)
}

function counted(decisions: number): string {
  return decisions === 1 ? '1 decision' : `${decisions} decisions`
}

/** For each event of a run: the frames of the user's code that led to it, innermost first (`file:line:column`). */
export function sitesOf<R>(program: Program<R>, model: Model, run: Run, limits: Limits = {}): readonly (readonly string[])[] {
  const session = open(program, model, limits)
  return session.withRoom(() => {
    retrace(session, follow(run.path))
    return session.sites()
  })
}

function retrace(session: Session, chooser: Chooser): {readonly status: Status; readonly decisions: number} {
  const {machine} = session
  if (!machine.start()) return {status: 'dead', decisions: 0}
  for (let decisions = 0; ; decisions++) {
    const status = machine.next()
    if (typeof status === 'string') return {status, decisions}
    if (machine.take(status, chooser.choose(status.kind, status.among, machine.describe(status))) !== true) return {status: 'dead', decisions}
  }
}

const reductionBudget = 30_000

/**
 * A failing run made smaller: fewest non-dull choices, then fewest events, still failing in the same
 * way. Searches all paths with up to as many deviations from the dull path as the run has, fewest first,
 * within a fixed budget of steps.
 */
export function reduce<R>(program: Program<R>, model: Model, failing: Run, limits: Limits = {}): Run {
  const session = open(program, model, limits)
  return session.withRoom(() => {
    const wanted = new Set(failing.failures.map(nameOf))
    const search = new Deviations(session, failures => failures.some(failure => wanted.has(nameOf(failure))))
    for (let deviations = 0; deviations < failing.path.length; deviations++) {
      const found = search.best(deviations)
      if (found !== null) return found
      if (search.exhausted) break
    }
    return failing
  })
}

function nameOf(failure: Run['failures'][number]): string {
  switch (failure.kind) {
    case 'claim': return `claim ${failure.claim}`
    case 'check': return `check ${failure.claim}`
    case 'flag': return `flag ${failure.flag}`
    case 'panic': return `panic ${failure.message}`
    case 'fault': return `fault ${failure.fault}`
    case 'deadlock': return 'deadlock'
  }
}

/** All executions with exactly so many non-dull choices. */
class Deviations {
  exhausted = false
  readonly #session: Session
  readonly #isWanted: (failures: Run['failures']) => boolean
  #steps = 0
  #best: Run | null = null

  constructor(session: Session, isWanted: (failures: Run['failures']) => boolean) {
    this.#session = session
    this.#isWanted = isWanted
  }

  /** The one with the fewest events, or null if none fails as wanted. */
  best(deviations: number): Run | null {
    this.#best = null
    const {machine} = this.#session
    if (machine.start()) this.#search(machine.next(), deviations, 0, [])
    return this.#best
  }

  #search(status: Decision | Status, left: number, decision: number, path: readonly (readonly [number, number])[]): void {
    if (this.#steps++ > reductionBudget) {
      this.exhausted = true
      return
    }
    if (typeof status === 'string') {
      if (left === 0 && (status === 'complete' || status === 'blocked')) this.#judge(status, path)
      return
    }
    const {machine} = this.#session
    const saved = new Int32Array(machine.graph.size)
    machine.graph.save(saved, 0)
    for (let choice = 0; choice < status.among; choice++) {
      if (choice > 0) {
        if (left === 0 || this.exhausted) return
        machine.graph.restore(saved, 0)
      }
      if (machine.take(status, choice) !== true) continue
      const way = choice === 0 ? path : [...path, [decision, choice] as const]
      this.#search(machine.next(), choice === 0 ? left : left - 1, decision + 1, way)
    }
  }

  #judge(status: Status, path: Path): void {
    if (!this.#isWanted(this.#session.failures(status, this.#session.returned()))) return
    const run = this.#session.run(path, status)
    if (this.#best === null || run.execution.events.length < this.#best.execution.events.length) this.#best = run
  }
}
