/** Visits executions without making data of them: for questions that look at thousands a second. */
import {Walk} from './explore.ts'
import {open, overBudget, type Limits} from './limits.ts'
import {decidedFinal, flags} from './finished.ts'
import type {Model} from './model.ts'
import type {Program} from './program.ts'
import type {Counts, Unknown} from './result.ts'
import {Value, type Scalar} from './value.ts'

/** The present execution, complete or not. Valid only while it is visited. */
export interface View {
  /** What a thread has returned: a Value (or a structure of them), or undefined while it has not. */
  returned(thread: number): unknown
  /** The scalar behind a value of a thread; undefined while not decided. */
  scalar(thread: number, value: Value): Scalar | undefined
  /** The final value of a word; undefined while not decided. */
  final(location: number): Scalar | undefined
  /** Flags that the model raises; only of a complete execution. If it can raise none but `known` ones, none may be told. */
  flags(known?: ReadonlySet<string>): readonly string[]
  /** Messages of threads that panicked. */
  panics(): readonly {readonly thread: string; readonly message: string}[]
}

export interface Visitor {
  /** A complete or blocked execution. Returns true to stop. */
  visit(view: View, status: 'complete' | 'blocked'): boolean
  /** May everything that the present, incomplete execution can become be skipped? */
  isSettled?(view: View): boolean
}

export interface Survey {
  readonly counts: Counts
  /** What was not covered; empty iff everything was, or the visitor stopped. */
  readonly unknown: readonly Unknown[]
}

const nodesBetweenLooks = 256

/** Visits every execution that the model allows, within the limits. A visitor may be started over: `begin` is called first each time. */
export function survey<R>(program: Program<R>, model: Model, limits: Limits, begin: () => Visitor): Survey {
  const session = open(program, model, limits)
  return session.withRoom(() => {
    const {graph} = session.machine
    const visitor = begin()
    const view: View = {
      returned: thread => {
        const {demand} = graph.nodeOf(thread)
        return demand.kind === 'done' ? demand.returned : undefined
      },
      scalar: (thread, value) => graph.evaluate(thread, value),
      final: location => decidedFinal(graph, location),
      flags: known => flags(graph, known),
      panics: () => session.panics(),
    }
    const walk = new Walk(session, visitor.isSettled === undefined ? null : () => visitor.isSettled!(view))
    const unknown: Unknown[] = []
    let [complete, blocked, cut, looked] = [0, 0, 0, 0]
    for (let status = walk.first(); status !== null; status = walk.next()) {
      if (status === 'cut') cut++
      else {
        if (status === 'blocked') blocked++
        else complete++
        if (visitor.visit(view, status)) break
      }
      if (limits.executions !== undefined && complete >= limits.executions) {
        unknown.push({budget: 'executions', limit: limits.executions})
        break
      }
      if (limits.expired === undefined || walk.nodes - looked < nodesBetweenLooks) continue
      looked = walk.nodes
      const over = overBudget(limits)
      if (over !== null) {
        unknown.push(over)
        break
      }
    }
    if (cut > 0) unknown.push(session.cutBy())
    return {counts: {executions: complete, blocked, cut, deadEnds: walk.deadEnds, nodes: walk.nodes}, unknown}
  })
}
