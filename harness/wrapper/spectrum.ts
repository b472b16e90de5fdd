/**
 * Where on McKenney's spectrum a wrapper stands: per option, whether its Rust side may be written so, and whether it is sound
 * there. What is found under a model is found once, for the model's row and for every option that runs under it.
 */
import {check, explore, lkmm, NoMapping, sc, type Model, type Op, type Proc} from '../../lib/index.ts'
import {watched, withBodies} from './bodies.ts'
import {clientListOf, clientName} from './clients.ts'
import type {Depth} from './depth.ts'
import {isUnknown, modelsFor, rowOf, type WrapperRow} from './evaluate.ts'
import {follows, kindOf, offence, options, policyOf, type Option, type Performed, type Policy} from './policy.ts'
import {clientProgram, runnable} from './program.ts'
import type {ClientBudget} from './soundness.ts'
import type {RustValue} from './value.ts'
import type {Wrapper} from './wrapper.ts'

/** What a wrapper is under one option: plain data, so that another process can find it. */
export interface Standing {
  readonly wrapper: string
  readonly option: Option
  readonly verdict: 'not expressible' | 'unsound' | 'no violation found'
  /** The first operation of the Rust side that the option forbids. */
  readonly offence: Performed | null
  /** By model; none where it is not expressible. */
  readonly judged: readonly WrapperRow[]
  /** Was the time over before everything was looked at? */
  readonly isCut: boolean
  /** Null if nothing is expected. */
  readonly expected: Standing['verdict'] | null
}

/** The rows of a wrapper under its models, then where it stands under every option. */
export function* evaluateSpectrum(wrapper: Wrapper, depth: Depth, expired?: ClientBudget['expired']): Generator<WrapperRow, readonly Standing[]> {
  const performed = new Performing()
  const restriction = new Restriction()
  const known = new Map<string, WrapperRow>()
  const judge = (model: Model, policy: Policy | null): WrapperRow => {
    const key = `${model.name} ${policy?.followsNoPointer ?? false}`
    const own = policy?.followsNoPointer === true ? restriction.of(wrapper) : model === lkmm ? performed.watching(wrapper) : wrapper
    const row = known.get(key) ?? rowOf(own, model, depth, expired)
    known.set(key, row)
    return row
  }
  for (const model of modelsFor(wrapper)) yield judge(model, null)
  performed.complete(wrapper, judge(lkmm, null), depth, expired)
  const isOver = (expired?.() ?? false) !== false
  return options.map(option => {
    const policy = policyOf(option, wrapper.declares ?? null)
    const forbidden = offence(policy, performed.found)
    const judged = forbidden === null ? policy.models.map(model => judge(model, policy)) : []
    const followed = forbidden ?? restriction.brokenIn(judged) ?? performed.unmapped(judged)
    return {
      wrapper: wrapper.name, option, offence: followed, judged: followed === null ? judged : [], isCut: followed === null && isOver,
      verdict: followed !== null ? 'not expressible' : judged.some(({verdict}) => verdict === 'unsound') ? 'unsound' : 'no violation found',
      expected: wrapper.expected.options?.[option] ?? null,
    }
  })
}

/** The weakest option under which the wrapper is expressible and nothing breaks it; null if there is none. */
export function placeOf(standings: readonly Standing[]): Option | null {
  return standings.find(({verdict}) => verdict === 'no violation found')?.option ?? null
}

/** Is it not what was expected? */
export function isWrongStanding(standing: Standing): boolean {
  return standing.expected !== null && standing.expected !== standing.verdict && !isOpenStanding(standing)
}

/** Was less looked at than it takes? */
export function isOpenStanding({verdict, judged, isCut, expected}: Standing): boolean {
  if (verdict !== 'no violation found') return false
  return isCut || judged.some(row => isUnknown({...row, expected: expected === 'unsound' ? 'unsound' : null}))
}

/** As exit status 1, 3 and 0. */
export function spectrumOutcome(standings: readonly Standing[]): 'differs' | 'unknown' | 'fine' {
  return standings.some(isWrongStanding) ? 'differs' : standings.some(isOpenStanding) ? 'unknown' : 'fine'
}

// ---- What the Rust side does -------------------------------------------------------------------------

/** Executions of a client that are looked at behind the first one that breaks the wrapper. */
const fewExecutions = 20
/** Clients in a row that do nothing new, after which no more are looked at. */
const manyClients = 100

/** Each operation of each method's Rust side once, in the order in which small clients come by. */
class Performing {
  readonly #found = new Map<string, Performed>()

  get found(): readonly Performed[] {
    return [...this.#found.values()]
  }

  watching(wrapper: Wrapper): Wrapper {
    return watched(wrapper, (method, op) => { this.#look(method, op) })
  }

  /** The operation that one of the models has no mapping for: nothing that the option's Rust could be compiled to. */
  unmapped(judged: readonly WrapperRow[]): Performed | null {
    const operation = judged.find(({verdict}) => verdict === 'no mapping')?.operation ?? null
    if (operation === null) return null
    return this.found.find(performed => performed.operation === operation) ?? {method: 'a constructor', operation, kind: 'ordered atomic', follows: false}
  }

  #look(method: string, op: Op): void {
    const kind = kindOf(op)
    if (kind === null || !('name' in op)) return
    const performed = {method, operation: op.name, kind, follows: follows(op)}
    this.#found.set(JSON.stringify(performed), performed)
  }

  /** Looks at the clients that were not run under `lkmm`, because one before them broke the wrapper or nothing could be run there. */
  complete(wrapper: Wrapper, {verdict, broken, asked}: WrapperRow, {clients, bound}: Depth, expired?: ClientBudget['expired']): void {
    if (verdict === 'no violation found') return
    const own = this.watching(wrapper)
    let news = 0
    let model = sc // the cheapest; it has a meaning for every operation but SRCU's, which lkmm has
    for (const {client, ordinal} of clientListOf(wrapper).upTo(asked)) {
      if (ordinal > Math.max(clients, wrapper.bounds?.clients ?? 0) || ordinal > news + manyClients || (expired?.() ?? false) !== false) return
      const payload = runnable(client)
      if (payload === null || ordinal <= (broken?.ordinal ?? 0)) {
        news = ordinal // looked at before, or not to be looked at
        continue
      }
      const known = this.#found.size
      const look = (): unknown => explore(clientProgram(own, client, payload, clientName(wrapper.name, ordinal)), model, {bound, executions: fewExecutions})
      try {
        look()
      } catch (error) {
        if (!(error instanceof NoMapping) || model === lkmm) throw error
        model = lkmm
        look()
      }
      if (this.#found.size > known) news = ordinal
    }
  }
}

// ---- What a wrapper declares -------------------------------------------------------------------------

/** The wrapper with a claim wherever its Rust side follows a pointer: so the declaration is checked on every execution. */
class Restriction {
  readonly #claims = new Map<string, Performed>()

  of(wrapper: Wrapper): Wrapper {
    const claimOf = (method: string, op: Op): string | null => this.#claimOf(method, op)
    return withBodies(wrapper, function* (method, body, isInside): Proc<RustValue> {
      for (let step = body.next(); ;) {
        if (step.done === true) return step.value
        const claim = isInside() ? null : claimOf(method, step.value)
        if (claim !== null) yield* check(claim, false)
        try {
          step = body.next(yield step.value)
        } catch (error) {
          step = body.throw(error)
        }
      }
    })
  }

  #claimOf(method: string, op: Op): string | null {
    const kind = kindOf(op)
    if (kind === null || !follows(op) || !('name' in op)) return null
    const claim = `${op.name} in ${method} follows no pointer`
    this.#claims.set(claim, {method, operation: op.name, kind, follows: true})
    return claim
  }

  /** What was done against it, if that is what broke. */
  brokenIn(judged: readonly WrapperRow[]): Performed | null {
    for (const {broken} of judged) {
      const failure = broken?.found.failure
      const found = failure?.kind === 'check' ? this.#claims.get(failure.claim) : undefined
      if (found !== undefined) return found
    }
    return null
  }
}
