/** Reduction: the smallest execution that fails in the same way. */
import {open, type Limits} from './limits.ts'
import type {Decision, Status} from './machine.ts'
import type {Model} from './model.ts'
import type {Program} from './program.ts'
import type {Path, Run} from './result.ts'
import type {Session} from './session.ts'

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
    machine.graph.save(saved)
    for (let choice = 0; choice < status.among; choice++) {
      if (choice > 0) {
        if (left === 0 || this.exhausted) return
        machine.graph.restore(saved)
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
