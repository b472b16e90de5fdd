/**
 * Every small safe client of a wrapper, from its signatures alone: smallest first, each once.
 *
 * A client is statements of the main thread, then possibly scoped threads, then statements of the main thread again. Its size is
 * the number of its statements (client.ts). Two clients that differ in the order of their threads or in names only are one.
 * Left out, because a smaller client shows what they show: using or writing through one variable twice, dropping early what
 * needs no dropping (choices.ts), objects that nobody uses and threads that nobody meets (worthwhile.ts).
 */
import {Choices, type Bounds} from './choices.ts'
import {check, type Checked} from './check.ts'
import {closuresIn, hasVariant, sizeOf, sizeOfStatement, withDrops, type Block, type Client, type Statement, type Thread} from './client.ts'
import {payloadsNamed, type Payload} from './payloads.ts'
import {mentioned, renameBlock, type Renaming} from './rename.ts'
import {capturesOf, capturing, settle, start, type State} from './state.ts'
import type {Signatures} from './syntax.ts'
import {safeMethods} from './uncallable.ts'
import {dereferencesMatter, instancesMatter, localsMatter, loneThreadMatters, threadMatters} from './worthwhile.ts'

export const defaultBounds: Bounds = {main: Infinity, threads: 2, statements: Infinity, instances: 2, values: 4, depth: 2, closure: 2}

/** How far to go. */
export interface Budget {
  /** Statements in a client. */
  readonly size: number
  /** How many clients at most. */
  readonly clients?: number
  /** Which payloads T may be, by name; all that last for ever unless said. */
  readonly payloads?: readonly string[]
}

/** What was made, to be said with every verdict. */
export interface Coverage {
  readonly clients: number
  /** All clients of up to this size were made. */
  readonly complete: number
  /** Whether `clients` of the budget cut it off before the size did. */
  readonly cut: boolean
  /** Safe methods that no client called, for want of a value to give them or because no T satisfies their bounds. */
  readonly uncalled: readonly string[]
}

/** The clients within a budget, lazily, in order of size; of one size, by payload in the order of payloads.ts. */
export function* clients(signatures: Signatures, budget: Budget, bounds: Bounds = defaultBounds): Generator<Client, Coverage> {
  const uncalled = new Set(safeMethods(signatures).map(({id}) => id))
  let made = 0
  for (let size = 1; size <= budget.size; size++) {
    for (const client of clientsOfSize(signatures, size, bounds, budget.payloads)) {
      if (made === budget.clients) return {clients: made, complete: size - 1, cut: true, uncalled: [...uncalled]}
      made++
      for (const method of calledIn(client.main.statements)) uncalled.delete(method)
      yield client
    }
  }
  return {clients: made, complete: budget.size, cut: false, uncalled: [...uncalled]}
}

/** The clients of exactly this size; `wanted` are the payloads that T may be. */
export function* clientsOfSize(signatures: Signatures, size: number, bounds: Bounds = defaultBounds, wanted?: readonly string[]): Generator<Client> {
  const generic = signatures.methods.some(({types}) => types.length > 0)
  const named = payloadsNamed(wanted)
  // without a T it makes no difference which it is
  for (const payload of generic ? named : named.slice(0, 1)) yield * new Enumeration(signatures, payload, bounds).ofSize(size)
}

/** The methods that statements call, as often as they do. */
export function calledIn(statements: readonly Statement[]): readonly string[] {
  return statements.flatMap(statement => {
    if (statement.kind === 'scope') return statement.threads.flatMap(({body}) => calledIn(body.statements))
    if (statement.kind === 'use' || statement.kind === 'write') return statement.through === null ? [] : [statement.through]
    if (statement.kind !== 'call') return []
    return [statement.method, ...statement.operands.flatMap(closuresIn).flatMap(({body}) => calledIn(body.statements))]
  })
}

/** A block in the making. */
interface Partial {
  readonly statements: readonly Statement[]
  readonly state: State
}

class Enumeration {
  readonly #signatures: Signatures
  readonly #payload: Payload
  readonly #bounds: Bounds
  readonly #choices: Choices

  constructor(signatures: Signatures, payload: Payload, bounds: Bounds) {
    this.#signatures = signatures
    this.#payload = payload
    this.#bounds = bounds
    this.#choices = new Choices(signatures, payload, bounds)
  }

  * ofSize(size: number): Generator<Client> {
    if (!this.#choices.possible) return
    const empty: Partial = {statements: [], state: start}
    for (let before = Math.min(size, this.#bounds.main); before >= 0; before--) {
      for (const setup of this.#extend(empty, before, statements => this.#check(statements), 'main')) {
        if (before === size) yield * this.#finished(setup.statements)
        else yield * this.#threaded(setup, size - before, this.#bounds.main - before)
      }
    }
  }

  /** Threads behind the setup, and then what the main thread still does, with so many statements at most. */
  * #threaded(setup: Partial, size: number, after: number): Generator<Client> {
    for (let count = 1; count <= this.#bounds.threads; count++) {
      for (let inside = size; inside >= Math.max(count, size - after); inside--) {
        for (const sizes of partitions(inside, count)) {
          if (sizes[0]! > this.#bounds.statements) continue
          for (const {threads, state} of this.#threads(setup, sizes, [])) {
            const joined: Partial = {statements: [...setup.statements, {kind: 'scope', threads}], state}
            for (const whole of this.#extend(joined, size - inside, statements => this.#check(statements), 'main')) yield * this.#finished(whole.statements)
          }
        }
      }
    }
  }

  /** All ways to write threads of these sizes. `state` is the main thread's. */
  * #threads({statements, state}: Partial, [size, ...rest]: readonly number[], before: readonly Thread[]): Generator<{readonly threads: readonly Thread[]; readonly state: State}> {
    if (size === undefined) {
      yield {threads: before, state}
      return
    }
    const inside: Partial = {statements: [], state: {...capturing(state, type => this.#choices.modes(type)), place: 'thread'}}
    const whole = (thread: Thread): Checked => this.#check([...statements, {kind: 'scope', threads: [...before, thread]}])
    const threadOf = (body: readonly Statement[], slots: State['slots'], result: Thread['result']): Thread =>
      ({captures: capturesOf(slots, mentioned(body)), body: {statements: body, drops: []}, result})
    for (const withResult of [false, true]) {
      const length = withResult ? size - 1 : size
      for (const body of this.#extend(inside, length, (own, slots) => whole(threadOf(own, slots, null)), 'thread')) {
        const ends = withResult ? this.#results(body) : [{result: null, state: body.state}]
        for (const {result, state: ended} of ends) {
          const thread = threadOf(body.statements, body.state.slots, result)
          if (!threadMatters(this.#signatures, thread) || !inOrder(before.at(-1), thread)) continue
          if (before.length + rest.length === 0 && !loneThreadMatters(this.#signatures, this.#payload.type, state.slots.filter(({moved}) => !moved), thread)) continue
          const checked = whole(thread)
          if (checked.kind === 'rejected' && checked.open !== 'main') continue
          const after = this.#afterThread(state, ended, thread)
          yield * this.#threads({statements, state: after}, rest, [...before, thread])
        }
      }
    }
  }

  /** What a thread that never ends early may return: something that can be put to use. */
  * #results({statements, state}: Partial): Generator<{readonly result: NonNullable<Thread['result']>; readonly state: State}> {
    if (statements.some(statement => statement.kind === 'call' && hasVariant(statement.into))) return
    for (const {variable, type, moved, capture} of state.slots) {
      if (moved || capture !== null || !this.#choices.worth(type)) continue
      yield {result: {inner: variable, outer: state.next}, state: {...state, next: state.next + 1}}
    }
  }

  #afterThread(outside: State, inside: State, {captures, result}: Thread): State {
    const moved = new Set(captures.filter(({mode}) => mode === 'move').map(({outer}) => outer))
    const slots = outside.slots.map(slot => moved.has(slot.variable) && !this.#choices.copies(slot.type) ? {...slot, moved: true} : slot)
    const returned = result === null ? [] : inside.slots.filter(({variable}) => variable === result.inner)
      .map(slot => ({...slot, variable: result.outer, used: false, written: false, capture: null}))
    return {...inside, slots: [...slots, ...returned], place: outside.place}
  }

  /** All ways to add statements of exactly this size to a block, without anything that no more statements could mend. */
  * #extend(block: Partial, size: number, checked: (statements: readonly Statement[], slots: State['slots']) => Checked, open: 'main' | 'thread'): Generator<Partial> {
    if (size === 0) {
      yield block
      return
    }
    for (const {made: statement, state} of this.#choices.statements(block.state, size)) {
      const settled = settle(state, statement)
      if (settled === null) continue
      const statements = [...block.statements, statement]
      const result = checked(statements, settled.slots)
      if (result.kind === 'rejected' && (result.open === null || (open === 'main' && result.open === 'thread'))) continue
      yield * this.#extend({statements, state: settled}, size - sizeOfStatement(statement), checked, open)
    }
  }

  #check(statements: readonly Statement[]): Checked {
    return check(this.#signatures, {payload: this.#payload.name, main: {statements, drops: []}})
  }

  /** The client, if it is accepted as it stands and is the first among those that differ in the order of threads only. */
  * #finished(statements: readonly Statement[]): Generator<Client> {
    const main = renameBlock({statements, drops: []}, numbering())
    if (statements.length > 1 && !(instancesMatter(this.#signatures, statements) && dereferencesMatter(this.#signatures, statements))) return
    const {local} = this.#payload
    if (local !== null && !localsMatter(statements, local.type)) return
    const own = JSON.stringify(main)
    if (reordered(main).some(other => JSON.stringify(renameBlock(other, numbering())) < own)) return
    const result = check(this.#signatures, {payload: this.#payload.name, main})
    if (result.kind === 'accepted') yield {payload: this.#payload.name, main: withDrops(main, result.drops)}
  }
}

/** The sizes of so many threads, largest first. */
function* partitions(size: number, count: number, largest = size): Generator<readonly number[]> {
  if (count === 0) {
    if (size === 0) yield []
    return
  }
  for (let first = Math.min(largest, size - count + 1); first * count >= size && first >= 1; first--) {
    for (const rest of partitions(size - first, count - 1, first)) yield [first, ...rest]
  }
}

/** Variables and values numbered as a reader meets them. */
function numbering(): Renaming {
  const numbered = (): (old: number) => number => {
    const numbers = new Map<number, number>()
    return old => {
      const found = numbers.get(old) ?? numbers.size
      numbers.set(old, found)
      return found
    }
  }
  return {variable: numbered(), value: numbered()}
}

/** What a thread does, whatever its variables and values are called; what it captures keeps its name. */
function keyOf({captures, body, result}: Thread): string {
  const by = numbering()
  const taken = captures.map(({outer, mode, inner}) => [outer, mode, by.variable(inner)])
  return JSON.stringify([taken, renameBlock(body, by), result === null ? null : by.variable(result.inner)])
}

function threadSize({body, result}: Thread): number {
  return sizeOf(body) + (result === null ? 0 : 1)
}

/** Threads of one size come in the order of what they do. */
function inOrder(before: Thread | undefined, thread: Thread): boolean {
  return before === undefined || threadSize(before) !== threadSize(thread) || keyOf(before) <= keyOf(thread)
}

/** The client with threads that do the same exchanged: they may still differ in what the main thread does with their results. */
function reordered(main: Block): readonly Block[] {
  const at = main.statements.findIndex(({kind}) => kind === 'scope')
  const scope = main.statements[at]
  if (scope?.kind !== 'scope') return []
  const keyed = scope.threads.map(thread => ({thread, key: keyOf(thread)}))
  return permutations(keyed).filter(order => order.every(({key}, i) => key === keyed[i]!.key))
    .map(order => ({...main, statements: main.statements.toSpliced(at, 1, {kind: 'scope', threads: order.map(({thread}) => thread)})}))
}

function permutations<A>(items: readonly A[]): readonly (readonly A[])[] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map(rest => [item, ...rest]))
}
