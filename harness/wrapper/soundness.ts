/** Is a wrapper sound? Runs every small safe client under a model, smallest first, until one breaks it. */
import {explore, reduce, replay, type Failure, type Model, type Run, type Unknown} from '../../lib/index.ts'
import type {AnyProgram} from '../operations.ts'
import {check} from '../rust/check.ts'
import {sizeOf, type Client} from '../rust/client.ts'
import {clients} from '../rust/enumerate.ts'
import {printProgram} from '../rust/print.ts'
import {clientProgram, runnable} from './program.ts'
import type {Wrapper} from './wrapper.ts'

export interface ClientBudget {
  /** Statements of the largest client. */
  readonly size: number
  /** How many clients are tried. */
  readonly clients: number
  /** Rounds of `iteration()` loops. */
  readonly bound: number
  /** Executions of one client. */
  readonly executions: number
  /** Asked between clients and while one is explored; the caller owns the clock. */
  readonly expired?: () => boolean | 'memory'
}

/** A client that breaks the wrapper, or that does not end. */
export interface Counterexample {
  /** Its position among the clients, from 1. */
  readonly ordinal: number
  readonly client: Client
  readonly program: AnyProgram
  readonly rust: string
  readonly run: Run
  readonly failure: Failure
}

export interface Soundness {
  readonly verdict: 'unsound' | 'no violation found'
  readonly counterexample: Counterexample | null
  /** The first client that deadlocks: a verdict of its own, no unsoundness. */
  readonly deadlock: Counterexample | null
  /** What was covered: clients run, executions of them, and the largest size all of whose clients were run. */
  readonly clients: number
  readonly executions: number
  readonly size: number
  /** Clients whose payload cannot be run, and those that a budget cut. */
  readonly skipped: number
  readonly unknown: readonly Unknown[]
}

/** Runs the clients. Stops at the first that breaks the wrapper. */
export function soundness(wrapper: Wrapper, model: Model, budget: ClientBudget): Soundness {
  let [ordinal, ran, executions, skipped] = [0, 0, 0, 0]
  let deadlock: Counterexample | null = null
  const unknown: Unknown[] = []
  const result = (counterexample: Counterexample | null, size: number): Soundness => ({
    verdict: counterexample === null ? 'no violation found' : 'unsound', counterexample, deadlock, clients: ran, executions, size, skipped, unknown,
  })
  for (const client of clients(wrapper.signatures, {size: budget.size})) {
    const size = sizeOf(client.main)
    const isOver = (budget.expired?.() ?? false) !== false
    if (ran >= budget.clients || isOver) return result(null, size - 1)
    ordinal++
    const payload = runnable(client)
    if (payload === null) {
      skipped++
      continue
    }
    ran++
    const program = clientProgram(wrapper, client, payload, clientName(wrapper, ordinal))
    const limits = {bound: budget.bound, executions: budget.executions, ...budget.expired === undefined ? {} : {expired: budget.expired}}
    const found = explore(program, model, limits)
    executions += found.counts.executions
    if (found.failing === null) {
      if (found.verdict === 'unknown') {
        skipped++
        unknown.push(...found.unknown)
      }
      continue
    }
    const failure = found.failing.failures[0]!
    const counterexample = (): Counterexample => {
      const {path} = reduce(program, model, {...found.failing!, failures: [failure]}, limits)
      const run = replay(program, model, path, limits)
      return {ordinal, client, program, run, failure: run.failures.find(({kind}) => kind === failure.kind) ?? failure, rust: rustOf(wrapper, client)}
    }
    if (failure.kind !== 'deadlock') return result(counterexample(), size - 1)
    deadlock ??= counterexample()
  }
  return result(null, budget.size)
}

/** As tokens call the program that a client is. */
export function clientName({name}: Wrapper, ordinal: number): string {
  return `${name}#${ordinal}`
}

/** The client as a Rust program. */
export function rustOf({signatures, name}: Wrapper, client: Client): string {
  return printProgram(signatures, client, check(signatures, client).types, name.replaceAll('-', '_'))
}
