/** Is a wrapper sound? Runs every small safe client under a model, smallest first, until one breaks it. */
import {executions as executionsOf, explore, reduce, replay, type Failure, type Limits, type Model, type Run, type Unknown} from '../../lib/index.ts'
import type {AnyProgram} from '../operations.ts'
import type {Client} from '../rust/client.ts'
import {calledIn} from '../rust/enumerate.ts'
import {safeMethods} from '../rust/uncallable.ts'
import {clientListOf, clientName, clientsAlone, rustOf, type Numbered} from './clients.ts'
import {clientProgram, runnable} from './program.ts'
import {leakClaim, MisfitBody, type Wrapper} from './wrapper.ts'

export interface ClientBudget {
  /** Statements of the largest client. */
  readonly size: number
  /** How many clients are tried. */
  readonly clients: number
  /** Statements of the largest client without threads: some more of those are tried behind the others. None unless said. */
  readonly alone?: number
  /** Rounds of `iteration()` loops. */
  readonly bound: number
  /** Executions of one client. */
  readonly executions: number
  /** Which clients are run; all of them, if it is not said. */
  readonly only?: (client: Client) => boolean
  /** How many are looked at for that at most. */
  readonly looks?: number
  /** Asked between clients and while one is explored; the caller owns the clock. */
  readonly expired?: () => boolean | 'memory'
}

/** A client that tells something. */
export interface Telling {
  /** Its position among the clients, from 1. */
  readonly ordinal: number
  readonly client: Client
  readonly program: AnyProgram
  readonly rust: string
}

/** A client that breaks the wrapper, that waits for ever, or that sees what a failed section read. */
export interface Counterexample extends Telling {
  readonly run: Run
  readonly failure: Failure
}

export interface Soundness {
  readonly verdict: 'unsound' | 'no violation found'
  readonly counterexample: Counterexample | null
  /** The first client that deadlocks: a verdict of its own, no unsoundness. Without a run, if it has no execution at all. */
  readonly deadlock: Counterexample | Telling | null
  /** The first client that observes a value of a failed section: a property of its own too. */
  readonly leak: Counterexample | null
  /** What was covered: clients run, executions of them, and the largest size all of whose clients were run; and of those without threads. */
  readonly clients: number
  readonly executions: number
  readonly size: number
  readonly alone: number
  /** Clients whose payload cannot be run, and those that a budget cut. */
  readonly skipped: number
  readonly unknown: readonly Unknown[]
  /** Safe methods that no client called. */
  readonly uncalled: readonly string[]
}

/** Runs the clients. Stops at the first that breaks the wrapper. */
export function soundness(wrapper: Wrapper, model: Model, budget: ClientBudget): Soundness {
  let [ran, executions, skipped] = [0, 0, 0]
  let deadlock: Counterexample | Telling | null = null
  let leak: Counterexample | null = null
  const unknown: Unknown[] = []
  const uncalled = new Set(safeMethods(wrapper.signatures).map(({id}) => id))
  const largest = wrapper.bounds?.size ?? budget.size
  const most = Math.max(budget.clients, wrapper.bounds?.clients ?? 0)
  const limits: Limits = {
    bound: budget.bound, executions: budget.executions,
    flags: ['data-race'], // a section that nobody closes, because its guard was forgotten, is no undefined behaviour
    ...budget.expired === undefined ? {} : {expired: budget.expired}, ...wrapper.regime === undefined ? {} : {regime: wrapper.regime},
  }
  const alone = new Alone(wrapper, limits)
  const covered = {size: largest, alone: budget.alone ?? 0}
  const result = (counterexample: Counterexample | null): Soundness => ({
    verdict: counterexample === null ? 'no violation found' : 'unsound', counterexample, deadlock, leak, clients: ran, executions, ...covered, skipped, unknown, uncalled: [...uncalled],
  })
  const broken = ({client, ordinal}: Numbered): Counterexample | null => {
    const payload = runnable(client)
    if (payload === null) {
      skipped++
      return null
    }
    ran++
    if (uncalled.size > 0) for (const id of calledIn(client.main.statements)) uncalled.delete(id)
    const before = alone.of(client)
    if (before !== null) {
      executions += before
      return null
    }
    const program = clientProgram(wrapper, client, payload, clientName(wrapper.name, ordinal))
    const found = explore(program, model, limits)
    executions += found.counts.executions
    const telling = (): Telling => ({ordinal, client, program, rust: rustOf(wrapper, client)})
    if (found.failing === null) {
      if (found.verdict === 'unknown') {
        skipped++
        unknown.push(...found.unknown)
      } else if (found.counts.executions === 0) deadlock ??= telling()
      else alone.note(client, found.counts.executions)
      return null
    }
    const counterexample = (failing: Run, failure: Failure): Counterexample => {
      const {path} = reduce(program, model, {...failing, failures: [failure]}, limits)
      const run = replay(program, model, path, limits)
      return {...telling(), run, failure: run.failures.find(other => isLike(other, failure)) ?? failure}
    }
    const [severe, failing] = worst(found.failing, program, model, limits)
    if (severe !== null) return counterexample(failing, severe)
    const [mild] = found.failing.failures
    if (mild!.kind === 'deadlock') deadlock ??= counterexample(found.failing, mild!)
    else leak ??= counterexample(found.failing, mild!)
    return null
  }
  for (const part of ['size', 'alone'] as const) {
    const enough = part === 'size' ? most : ran + mostAlone
    for (const numbered of part === 'size' ? clientListOf(wrapper).upTo(largest) : clientsAlone(wrapper, covered.size, covered.alone)) {
      const {client, size, ordinal} = numbered
      const isOver = (budget.expired?.() ?? false) !== false
      if (ran >= enough || (part === 'size' && ordinal > (budget.looks ?? Infinity)) || isOver) {
        covered[part] = size - 1
        break
      }
      if (budget.only?.(client) === false) continue
      const counterexample = broken(numbered)
      if (counterexample === null) continue
      covered[part] = size - 1
      if (part === 'size') covered.alone = 0
      return result(counterexample)
    }
  }
  return result(null)
}

/** How many clients without threads are tried behind the others: each takes a fraction of a millisecond. */
export const mostAlone = 15_000

/**
 * Clients with one thread at most, of which nothing came: they are run under one model only. All models agree on what a
 * thread does on its own: it reads what it wrote last, and nothing races.
 */
class Alone {
  static readonly #known = new WeakMap<Wrapper['bodies'], Map<string, WeakMap<Client, number>>>()
  readonly #executions: WeakMap<Client, number>

  constructor({bodies}: Wrapper, {bound, regime}: Limits) {
    const bySetting = Alone.#known.get(bodies) ?? new Map<string, WeakMap<Client, number>>()
    Alone.#known.set(bodies, bySetting)
    const setting = JSON.stringify([bound, regime])
    this.#executions = bySetting.get(setting) ?? new WeakMap()
    bySetting.set(setting, this.#executions)
  }

  /** How many executions it has; null if that is not known. */
  of(client: Client): number | null {
    return this.#executions.get(client) ?? null
  }

  note(client: Client, executions: number): void {
    const isAlone = client.main.statements.every(statement => statement.kind !== 'scope' || statement.threads.length < 2)
    if (isAlone) this.#executions.set(client, executions)
  }
}

/** What is unsound about a client: in the failing execution, or, where that merely deadlocks or leaks, in another. */
function worst(failing: Run, program: AnyProgram, model: Model, limits: Limits): readonly [Failure | null, Run] {
  const severe = severest(failing)
  if (severe !== null) return [severe, failing]
  let seen = 0
  for (const run of executionsOf(program, model, limits)) {
    const other = severest(run)
    if (other !== null) return [other, run]
    if (++seen >= (limits.executions ?? Infinity)) break
  }
  return [null, failing]
}

/** The failure that says most: what was done to memory rather than what came of it; null if all are properties of their own. */
export function severest({failures}: Run): Failure | null {
  const rank = (failure: Failure): number => failure.kind === 'fault' ? 0 : failure.kind === 'check' ? 1 : failure.kind === 'flag' ? 2 : 3
  for (const failure of failures) if (failure.kind === 'panic') mustBeTheirs(failure.message, failure.stack)
  const severe = failures.filter(failure => failure.kind !== 'deadlock' && !(failure.kind === 'check' && failure.claim === leakClaim))
  return severe.toSorted((a, b) => rank(a) - rank(b))[0] ?? null
}

/** A client panics inside of closures only, and those are caught: what else is thrown comes of undefined behaviour, or is a mistake. */
function mustBeTheirs(message: string, stack: string): void {
  if (/^wrapper \S+: the body of /.test(message) || message.includes('yielded something that is no operation')) throw new MisfitBody(message)
  if (message.startsWith('client:')) throw new Error(`${message}\n${stack}`)
}

function isLike(a: Failure, b: Failure): boolean {
  return a.kind === b.kind && (a.kind !== 'check' || b.kind !== 'check' || a.claim === b.claim)
}
