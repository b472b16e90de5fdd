/**
 * The obvious way to find every execution of a program, to check the engine against: guess what each
 * read returns, run the threads one by one on the guesses, join what they did with every rf that fits
 * the guesses and with every co, and keep what the reference evaluator allows.
 *
 * One short cut: rf and co that are incoherent at one location by themselves are left out early, since
 * every model forbids them. `everything` takes it away; test/bruteforce.ts checks that nothing is lost.
 *
 * Shares with the engine the operations, their mapping to events and the reference evaluator; nothing else.
 */
import {label, type Event, type Label} from '../../lib/event.ts'
import type {Execution, Given, Pair} from '../../lib/execution.ts'
import {mapping, type Family, type MappedOp} from '../../lib/mapping.ts'
import type {Model} from '../../lib/model.ts'
import type {Op, Picker, Program, Reply} from '../../lib/program.ts'
import {allows} from '../../lib/reference.ts'
import {compute, isSame, truth, Value, type Location, type Scalar} from '../../lib/value.ts'

/** One execution, with its outcome. */
export interface Outcome<R> {
  readonly execution: Execution
  /** Threads that wait for ever, but for those without work; empty for a complete execution. */
  readonly waiting: readonly string[]
  /** What each thread returned; undefined for one that waits. */
  readonly returned: R
  /** The co-last value of each word, by the word's index. */
  readonly final: readonly Scalar[]
}

export interface Options {
  /** Rounds of `iteration()` per thread; a thread that starts more is left out. */
  readonly bound?: number
  /** Also try what is incoherent at one location. */
  readonly everything?: boolean
  /** Are there dependencies within one call of a C function alone? */
  readonly withinC?: boolean
}

/** Every complete execution of the program that the model allows, each once. */
export function bruteForce<R>(program: Program<R>, model: Model, options: Options = {}): Outcome<R>[] {
  return [...candidates(program, model.family, {...options, withinC: model.dependencies === 'within C'})].filter(({waiting, execution}) => waiting.length === 0 && allows(model, execution))
}

/** Every execution that fits together, allowed by a model or not, complete or blocked. */
export function* candidates<R>(program: Program<R>, family: Family, {bound = 3, everything = false, withinC = false}: Options = {}): Generator<Outcome<R>> {
  const paths = guessPaths(program, family, bound).map(own => withinC ? own.map(inRust) : own)
  const ways = paths.reduce((product, own) => product * own.length, 1)
  if (ways > mostCombinations) throw new TooLarge(`${program.name} has ${ways} combinations of paths`)
  for (const combination of combinations(paths)) yield* join(program, family, combination, everything)
}

/** The path as Rust has it: a compiler keeps no dependency but within C and within a read-modify-write; a cookie still says which section it ends. */
function inRust({events, addr, data, ctrl, rmw, ...path}: ThreadPath): ThreadPath {
  const isInC = ([read, event]: Pair): boolean => events[read]!.call !== undefined && events[read]!.call === events[event]!.call
  const isOne = ([read, event]: Pair): boolean => rmw.some(([from, to]) => from === read && to === event)
  const ends = ([, event]: Pair): boolean => events[event]!.label.tags.includes('Srcu-unlock')
  return {...path, events, addr: addr.filter(isInC), data: data.filter(pair => isInC(pair) || isOne(pair) || ends(pair)), ctrl: ctrl.filter(isInC), rmw}
}

// ---- One thread on its own -----------------------------------------------------------------------

interface PathEvent {
  readonly label: Label
  readonly location: Location | null
  readonly value: Scalar | null
  /** The call of a C function that it is part of. */
  readonly call: object | undefined
}

/** One way through a thread, or the beginning of one. Positions are the thread's own: 0, 1, 2 … in program order. */
interface ThreadPath {
  readonly events: readonly PathEvent[]
  readonly addr: readonly Pair[]
  readonly data: readonly Pair[]
  readonly ctrl: readonly Pair[]
  readonly rmw: readonly Pair[]
  readonly returned: unknown
  /** What the scheduler gave it. */
  readonly picked: readonly Scalar[]
  /** The read that the thread has come to without a guess for it; null at the end of the thread. */
  readonly pending: Pending | null
}

interface Pending {
  /** The word's index in the program's memory; null if the thread is to be given one of several scalars. */
  readonly word: number | null
  readonly among: readonly Scalar[]
  /** What a wait waits for; null for a read that takes any value. */
  readonly until: ((value: Scalar) => boolean) | null
  /** May it wait for ever? */
  readonly mayBlock: boolean
  /** Is the thread then at its end? */
  readonly isIdle: boolean
  /** A grace period that never ends: of a domain of SRCU, or (null) of RCU. */
  readonly endless?: {readonly domain: Location | null}
}

/** Values that a word may hold, as far as is known, by its index. */
type Domains = readonly ReadonlySet<Scalar>[]

/**
 * All paths of all threads, to their ends or to a wait. A read is tried with the values that its word may hold: the initial value,
 * and what some path writes, found in rounds. A value that does not justify itself has come about after
 * as many rounds as there are writes.
 */
function guessPaths<R>(program: Program<R>, family: Family, bound: number): ThreadPath[][] {
  let domains: Domains = program.memory.map(word => new Set([word.init]))
  for (let round = 0; ; round++) {
    const tries = program.threads.map(({body}, thread) => [...limited(threadTries({body, thread, family, bound}, domains), program.name)])
    const grown = grow(domains, tries.flat())
    const writes = tries.reduce((sum, own) => sum + Math.max(0, ...own.map(countWrites)), 0)
    if (grown === null || round > writes) return tries.map(own => own.filter(({pending}) => pending === null || pending.mayBlock))
    domains = grown
  }
}

/** A program with too many ways through its threads for the obvious method. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge'
}

const mostPaths = 5000
const mostCombinations = 20_000

function* limited<T>(items: Iterable<T>, name: string): Generator<T> {
  let count = 0
  for (const item of items) {
    if (++count > mostPaths) throw new TooLarge(`${name} has a thread with more than ${mostPaths} paths`)
    yield item
  }
}

function countWrites({events}: ThreadPath): number {
  return events.filter(event => event.label.kind === 'W').length
}

/** The domains with everything that is written, also by a thread that then waits in vain; null if that is nothing new. */
function grow(domains: Domains, tries: readonly ThreadPath[]): Domains | null {
  const grown = domains.map(values => new Set(values))
  for (const {events} of tries) {
    for (const {label, location, value} of events) if (label.kind === 'W') grown[location!.index]!.add(value!)
  }
  return grown.some((values, word) => values.size > domains[word]!.size) ? grown : null
}

/** Everything that one thread may do: to its end, by a sequence of guesses, or to a read on the way. */
function* threadTries(thread: Thread, domains: Domains, guesses: readonly Scalar[] = []): Generator<ThreadPath> {
  const run = runThread(thread, guesses)
  if (run === 'cut') return
  yield run
  if (run.pending === null) return
  const {word, among, until} = run.pending
  for (const value of word === null ? among : domains[word]!) {
    if (until === null || until(value)) yield* threadTries(thread, domains, [...guesses, value])
  }
}

interface Thread {
  readonly body: Program['threads'][number]['body']
  /** Its position among the program's threads. */
  readonly thread: number
  readonly family: Family
  readonly bound: number
}

/** Runs a thread from its start, its reads returning the guesses in order. */
function runThread({body, thread: index, family, bound}: Thread, guesses: readonly Scalar[]): ThreadPath | 'cut' {
  const events: PathEvent[] = []
  const [addr, data, ctrl, rmw]: [Pair[], Pair[], Pair[], Pair[]] = [[], [], [], []]
  const remaining = [...guesses]
  const branches: (readonly number[])[] = [] // the conditions of the `when`s around us
  let forever: readonly number[] = [] // what `raw` has told us
  let rounds = 0
  const picked: Scalar[] = []
  const picks = new Map<Picker, number>()

  const evaluate = (value: Value): Scalar => {
    switch (value.kind) {
      case 'const': return value.scalar
      case 'read': return events[value.scalar as number]!.value!
      case 'apply': return compute(value.operator!, value.args.map(evaluate))
    }
  }
  const tests = (value: Value): readonly number[] => [...value.reads, ...value.control]
  let call: object | undefined
  const add = (label: Label, location: Location | null, value: Scalar | null): number => {
    const position = events.push({label, location, value, call}) - 1
    for (const read of new Set([...branches.flat(), ...forever])) ctrl.push([read, position])
    return position
  }
  const place = (at: Location | Value): {location: Location; reads: readonly number[]} => {
    const pointer = Value.of(at)
    const location = evaluate(pointer)
    if (typeof location === 'number') throw new TypeError(`brute force: ${location} is no address`)
    return {location, reads: pointer.reads}
  }
  const access = (label: Label, to: {location: Location; reads: readonly number[]}, value: Scalar | null): number => {
    const position = add(label, to.location, value)
    for (const read of to.reads) addr.push([read, position])
    return position
  }
  const write = (label: Label, to: {location: Location; reads: readonly number[]}, stored: Value): number => {
    const position = access(label, to, evaluate(stored))
    for (const read of stored.reads) data.push([read, position])
    return position
  }

  /** What one access or fence does; no reply if its read has no guess. Events are added as before, R, W, after. */
  const perform = (op: MappedOp): {reply: Reply} | {pending: Pending} => {
    const shape = mapping(op, family)
    call = op.call
    if (op.kind === 'fence') {
      const domain = op.at === undefined ? null : place(op.at)
      if (op.order === 'Sync-rcu' || op.order === 'Sync-srcu') {
        const ends = remaining.shift()
        if (ends === undefined) return {pending: {word: null, among: [0, 1], until: null, mayBlock: false, isIdle: false}}
        const endless = {domain: domain?.location ?? null}
        if (ends === 0) return {pending: {word: null, among: [], until: null, mayBlock: true, isIdle: false, endless}}
        if (endless.domain === null && openIn(events, null) > 0) return {pending: {word: null, among: [], until: null, mayBlock: false, isIdle: false}}
      }
      for (const fence of shape.before) {
        if (domain === null) add(fence, null, null)
        else access(fence, domain, null)
      }
      return {reply: undefined}
    }
    const to = place(op.at)
    const until = op.kind === 'load' || op.kind === 'rmw' ? op.until : undefined
    const guess = shape.read === null ? null : remaining.shift()
    for (const fence of shape.before) add(fence, null, null)
    if (guess === undefined) {
      access(shape.read!, to, null)
      const mayBlock = until !== undefined && !('isCertain' in op && op.isCertain === true)
      return {pending: {word: to.location.index, among: [], until: until ?? null, mayBlock, isIdle: op.kind === 'load' && op.isIdle === true}}
    }
    const read = (label: Label): number => {
      const position = access(label, to, guess)
      if (until !== undefined && !(op.kind === 'load' && op.isCertain === true)) forever = [...forever, position] // a wait is a loop around its read
      return position
    }
    let reply: Reply
    switch (op.kind) {
      case 'load': reply = Value.read(read(shape.read!)); break
      case 'store': write(shape.write!, to, op.value); break
      case 'rmw': {
        const position = read(shape.read!)
        reply = Value.read(position)
        rmw.push([position, write(shape.write!, to, op.update(reply))])
        break
      }
      case 'cas': {
        const equal = isSame(guess!, evaluate(op.expected))
        const succeeds = op.unless === true ? !equal : equal
        const position = read(succeeds ? shape.succeeded! : shape.failed!)
        reply = Value.read(position)
        const {desired} = op
        if (succeeds) rmw.push([position, write(shape.write!, to, typeof desired === 'function' ? desired(reply) : desired)])
        break
      }
    }
    for (const fence of shape.after) add(fence, null, null)
    return {reply}
  }

  const step = (op: Op): {reply: Reply} | {pending: Pending} | 'cut' => {
    switch (op.kind) {
      case 'load': case 'store': case 'rmw': case 'cas': case 'fence': return perform(op)
      case 'raw':
        forever = [...forever, ...tests(op.value)]
        return {reply: evaluate(op.value)}
      case 'when':
        branches.push(tests(op.condition))
        return {reply: truth(evaluate(op.condition))}
      case 'merge':
        branches.pop()
        return {reply: undefined}
      case 'iterate':
        rounds++
        return (op.round ?? rounds) > bound ? 'cut' : {reply: undefined}
      case 'check': case 'atomic-next': case 'compute': return {reply: undefined}
      case 'address': return {reply: evaluate(op.value)}
      case 'pick': return pick(op.among)
    }
  }

  const pick = (from: Picker): {reply: Reply} | {pending: Pending} | 'cut' => {
    const nth = picks.get(from) ?? 0
    picks.set(from, nth + 1)
    const among = from.choices(index, nth, true)
    if (among === null) return 'cut'
    const given = among.length === 1 ? among[0] : remaining.shift()
    if (given === undefined) return {pending: {word: null, among, until: null, mayBlock: false, isIdle: false}}
    picked.push(given)
    return {reply: Value.of(given)}
  }

  const thread = body()
  let next = thread.next()
  while (!next.done) {
    const done = step(next.value)
    if (done === 'cut') return 'cut'
    if ('pending' in done) return {events, addr, data, ctrl, rmw, returned: undefined, picked, pending: done.pending}
    next = thread.next(done.reply)
  }
  return {events, addr, data, ctrl, rmw, returned: resolve(next.value, evaluate), picked, pending: null}
}

/** What a thread returned, with every Value in it replaced by the scalar that it is. */
function resolve(returned: unknown, evaluate: (value: Value) => Scalar): unknown {
  if (returned instanceof Value) return evaluate(returned)
  if (Array.isArray(returned)) return returned.map(item => resolve(item, evaluate))
  if (typeof returned !== 'object' || returned === null || isLocation(returned)) return returned
  return Object.fromEntries(Object.entries(returned).map(([key, item]) => [key, resolve(item, evaluate)]))
}

function isLocation(thing: object): boolean {
  return 'kind' in thing && thing.kind === 'location'
}

// ---- All threads together ------------------------------------------------------------------------

/** Every way to take one path per thread; only those in which each value read is written by somebody. */
function* combinations(paths: readonly (readonly ThreadPath[])[]): Generator<readonly ThreadPath[]> {
  const bits = new Map<string, bigint>()
  const mask = (path: ThreadPath, kind: 'R' | 'W'): bigint => path.events.reduce((all, {label, location, value}) => {
    if (label.kind !== kind || value === null || (kind === 'R' && value === location!.init)) return all
    const key = `${location!.index}=${typeof value === 'number' ? value : '&' + value.name}`
    if (!bits.has(key)) bits.set(key, 1n << BigInt(bits.size))
    return all | bits.get(key)!
  }, 0n)
  const masked = paths.map(own => own.map(path => ({path, reads: mask(path, 'R'), writes: mask(path, 'W')})))
  const promised = masked.map(own => own.reduce((all, {writes}) => all | writes, 0n))

  function* extend(thread: number, chosen: readonly ThreadPath[], reads: bigint, writes: bigint): Generator<readonly ThreadPath[]> {
    const hoped = promised.slice(thread).reduce((all, more) => all | more, writes)
    if ((reads & ~hoped) !== 0n) return
    if (thread === masked.length) {
      yield chosen
      return
    }
    for (const next of masked[thread]!) yield* extend(thread + 1, [...chosen, next.path], reads | next.reads, writes | next.writes)
  }
  yield* extend(0, [], 0n, 0n)
}

const initialWrite = label('W', 'IW')

/** Every execution of these paths: each read takes its value from any write of that value, and co is any order. */
function* join<R>(program: Program<R>, family: Family, paths: readonly ThreadPath[], everything: boolean): Generator<Outcome<R>> {
  if (!haveReasons(paths)) return
  const events: Event[] = program.memory.map((location, id) => ({id, thread: -1, position: 0, label: initialWrite, location}))
  const values: (Scalar | null)[] = program.memory.map(word => word.init)
  const starts = paths.map((path, thread) => {
    const start = events.length
    path.events.forEach(({label, location, value}, position) => {
      events.push({id: start + position, thread, position, label, location})
      values.push(value)
    })
    return start
  })
  const placed = (edges: (path: ThreadPath) => readonly Pair[]): Pair[] =>
    paths.flatMap((path, thread) => edges(path).map(([a, b]): Pair => [starts[thread]! + a, starts[thread]! + b]))
  const fixed = {
    po: placed(path => path.events.flatMap((_, b) => Array.from({length: b}, (_, a): Pair => [a, b]))),
    addr: placed(path => path.addr), data: placed(path => path.data),
    ctrl: placed(path => path.ctrl), rmw: placed(path => path.rmw),
  } satisfies Partial<Given>

  const graces = family === 'lkmm' ? [[]] : [...product(graceChoices(paths, starts))]
  const waiting = program.threads.filter((_, thread) => paths[thread]!.pending?.isIdle === false).map(({name}) => name)
  const returned = Object.fromEntries(program.threads.map(({name}, thread) => [name, paths[thread]!.returned])) as R
  const fits = (communication: Communication): boolean => everything || isCoherent(communication, events, fixed.rmw)
  const communications = program.memory.map(location =>
    [...communicationsAt(events.filter(event => event.location?.index === location.index), values, fits)])
  for (const chosen of product(communications)) {
    const rf = chosen.flatMap(({rf}) => rf)
    const co = chosen.flatMap(({order}) => order.flatMap((b, i) => order.slice(0, i).map((a): Pair => [a, b])))
    const final = chosen.map(({order}) => values[order.at(-1)!]!)
    // every write becomes visible some time: a wait goes on only if the last one does not end it
    if (paths.some(({pending}) => pending?.until?.(final[pending.word!]!) === true)) continue
    for (const grace of graces) {
      yield {execution: {events, given: {...fixed, rf, co, grace}, values, picked: paths.map(path => path.picked)}, waiting, returned, final}
    }
  }
}

/** How many more sections of a domain of SRCU, or (null) of RCU, a thread opens than it closes. */
function openIn(events: readonly PathEvent[], domain: Location | null): number {
  const count = (tag: string): number => events.filter(({label, location}) => label.tags.includes(tag) && location === domain).length
  return domain === null ? count('Rcu-lock') - count('Rcu-unlock') : count('Srcu-lock') - count('Srcu-unlock')
}

/** Has every grace period that never ends a section to wait for? */
function haveReasons(paths: readonly ThreadPath[]): boolean {
  return paths.every(({pending}) => {
    if (pending?.endless === undefined) return true
    const {domain} = pending.endless
    const open = paths.map(({events}) => openIn(events, domain))
    return domain === null ? open.some(count => count > 0) : open.reduce((sum, count) => sum + count) > 0
  })
}

/** For each grace period and each outermost critical section of another thread: the one begins before the other, or is over before its end. */
function graceChoices(paths: readonly ThreadPath[], starts: readonly number[]): (readonly Pair[])[] {
  const found: Pair[][] = []
  for (const [one, {events}] of paths.entries()) {
    for (const [begin] of events.entries()) {
      if (!events[begin]!.label.tags.includes('Sync-rcu-begin')) continue
      for (const [other, path] of paths.entries()) {
        if (one === other) continue
        for (const [lock, unlock] of outermostSections(path.events)) {
          const choices: Pair[] = [[starts[one]! + begin, starts[other]! + lock]]
          if (unlock !== null) choices.push([starts[other]! + unlock, starts[one]! + begin + 1])
          found.push(choices)
        }
      }
    }
  }
  return found
}

function outermostSections(events: readonly PathEvent[]): (readonly [lock: number, unlock: number | null])[] {
  const at = (tag: string): number[] => events.flatMap(({label}, i) => label.tags.includes(tag) ? [i] : [])
  const depthBefore = (i: number): number => at('Rcu-lock').filter(lock => lock < i).length - at('Rcu-unlock').filter(unlock => unlock < i).length
  return at('Rcu-lock').filter(lock => depthBefore(lock) === 0)
    .map(lock => [lock, at('Rcu-unlock').find(unlock => unlock > lock && depthBefore(unlock) === 1) ?? null] as const)
}

/** What happens at one location: where each read takes its value from, and the writes in coherence order. */
interface Communication {
  readonly rf: readonly Pair[]
  readonly order: readonly number[]
}

/** Every rf and co of one location that fits: a read may take its value from any write of that value, and co is any order. */
function* communicationsAt(events: readonly Event[], values: readonly (Scalar | null)[], fits: (partial: Communication) => boolean): Generator<Communication> {
  const [initial, ...writes] = events.filter(event => event.label.kind === 'W').map(event => event.id)
  const reads = events.filter(event => event.label.kind === 'R' && values[event.id] !== null).map(event => event.id)
  // what does not fit will not fit with more co and rf
  for (const order of permutations([initial!], writes, order => fits({rf: [], order}))) {
    const sources = reads.map(read => order
      .filter(write => values[write] === values[read] && fits({rf: [[write, read]], order}))
      .map((write): Pair => [write, read]))
    for (const rf of product(sources)) if (fits({rf, order})) yield {rf, order}
  }
}

/** Coherence and atomicity at one location: each thread goes forward in co, and nothing comes between the halves of a read-modify-write. */
function isCoherent({rf, order}: Communication, events: readonly Event[], rmw: readonly Pair[]): boolean {
  const reached = new Map(order.map((write, i) => [write, i]))
  for (const [write, read] of rf) reached.set(read, reached.get(write)!)
  const atomic = rmw.every(([read, write]) => !reached.has(read) || !reached.has(write) || reached.get(write) === reached.get(read)! + 1)
  return atomic && inOrder([...reached.keys()].map(id => events[id]!), reached)
}

/** Does each thread, in its order, meet the writes in theirs? A write must come after what its thread has seen; a read may see it again. */
function inOrder(events: readonly Event[], reached: ReadonlyMap<number, number>): boolean {
  for (const b of events) {
    const at = reached.get(b.id)!
    for (const a of events) {
      if (a.thread !== b.thread || a.thread < 0 || a.position >= b.position) continue
      const before = reached.get(a.id)!
      if (before > at || (before === at && b.label.kind === 'W')) return false
    }
  }
  return true
}

/** Every way to take one item from each list. */
function* product<T>(lists: readonly (readonly T[])[]): Generator<readonly T[]> {
  const [first, ...rest] = lists
  if (first === undefined) {
    yield []
    return
  }
  for (const item of first) for (const others of product(rest)) yield [item, ...others]
}

/** Every order of the items behind those that `begin`, as long as its beginnings are `good`. */
function* permutations<T>(begin: readonly T[], items: readonly T[], good: (beginning: readonly T[]) => boolean): Generator<readonly T[]> {
  if (!good(begin)) return
  if (items.length === 0) yield begin
  for (const [i, item] of items.entries()) yield* permutations([...begin, item], items.toSpliced(i, 1), good)
}
