/** An answer as one line of JSON: what `litmus --json` writes. */
import type {Compared} from './expect.ts'

/** One line, without its end. */
export function recordLine({answer, expected, differences}: Compared): string {
  if (answer.error !== null) {
    return JSON.stringify({file: answer.file, name: null, model: null, verdict: null, states: [], flags: [], executions: 0, seconds: 0, error: answer.error})
  }
  const {file, name, model, verdict, condition, ok, positive, negative, states, flags, seconds, complete, unknown, deadlocks, panics, witness} = answer
  return JSON.stringify({
    file, name, model, verdict, condition, ok, positive, negative, states, flags,
    executions: positive + negative, seconds: round(seconds), complete,
    ...unknown.length === 0 ? {} : {unknown},
    ...deadlocks === 0 ? {} : {deadlocks},
    ...panics.length === 0 ? {} : {panics},
    ...expected === null ? {} : {expected: expected.verdict, differences},
    ...witness === null ? {} : {witness},
    error: null,
  })
}

function round(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6
}
