/** Where on McKenney's spectrum a wrapper stands: per option, whether its Rust side may be written so, and whether it is sound there. */
import {explore, lkmm, type Model} from '../../lib/index.ts'
import {clients} from '../rust/enumerate.ts'
import {follows, kindOf, offence, options, policyOf, type Option, type Performed} from './policy.ts'
import {clientName} from './clients.ts'
import {clientProgram, runnable} from './program.ts'
import {soundness, type ClientBudget, type Soundness} from './soundness.ts'
import type {Wrapper} from './wrapper.ts'

export interface Standing {
  readonly option: Option
  readonly title: string
  readonly verdict: 'not expressible' | 'unsound' | 'no violation found'
  /** The first operation of the Rust side that the option forbids. */
  readonly offence: Performed | null
  /** By model, as far as it was expressible. */
  readonly judged: readonly {readonly model: Model; readonly found: Soundness}[]
}

/** A wrapper's row of the spectrum. Each model that some option needs is run once. */
export function spectrum(wrapper: Wrapper, budget: ClientBudget): readonly Standing[] {
  const performed = performedBy(wrapper, budget)
  const known = new Map<Model, Soundness>()
  const judge = (model: Model): Soundness => {
    const found = known.get(model) ?? soundness(wrapper, model, budget)
    known.set(model, found)
    return found
  }
  return options.map(option => {
    const policy = policyOf(option, wrapper.declares ?? null)
    const forbidden = offence(policy, performed)
    const judged = forbidden === null ? policy.models.map(model => ({model, found: judge(model)})) : []
    const isUnsound = judged.some(({found}) => found.verdict === 'unsound')
    return {option, title: policy.title, verdict: forbidden !== null ? 'not expressible' : isUnsound ? 'unsound' : 'no violation found', offence: forbidden, judged}
  })
}

/** The weakest option under which the wrapper is expressible and nothing breaks it; null if there is none. */
export function placeOf(standings: readonly Standing[]): Option | null {
  return standings.find(({verdict}) => verdict === 'no violation found')?.option ?? null
}

/** What the Rust side of the wrapper's methods does, in small clients: each operation of each method once, in order. */
export function performedBy(wrapper: Wrapper, {size, clients: most, bound}: ClientBudget): readonly Performed[] {
  const found = new Map<string, Performed>()
  const watch = (method: string, op: Parameters<typeof kindOf>[0]): void => {
    const kind = kindOf(op)
    if (kind === null || !('name' in op)) return
    const performed = {method, operation: op.name, kind, follows: follows(op)}
    found.set(JSON.stringify(performed), performed)
  }
  let ordinal = 0
  for (const client of clients(wrapper.signatures, {size, clients: most})) {
    ordinal++
    const payload = runnable(client)
    if (payload !== null) explore(clientProgram(wrapper, client, payload, clientName(wrapper.name, ordinal), watch), lkmm, {bound, executions: 20})
  }
  return [...found.values()]
}
