/** What the executions of a search come to: how many there are, which failed first, what is left unknown. */
import type {Status} from './machine.ts'
import type {Counts, Path, Run, Unknown, Verdict} from './result.ts'
import type {Session} from './session.ts'

export class Tally {
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
