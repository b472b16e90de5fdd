/**
 * The machine: what may happen next in a growing candidate execution ("defer and resolve", design.md, 2).
 *
 * Threads run ahead of their own unresolved reads. When none can go on, a pending read is resolved
 * from one of the writes that the model still allows, or *later*: none of those that exist now. So
 * branches differ in the final reads-from, and no complete execution is made twice. Coherence is
 * decided as far as it is forced; what is left open is decided at the end.
 */
import type {Node} from './behaviour.ts'
import {isIn} from './bits.ts'
import {Coherence} from './coherence.ts'
import {awaitsOnlyReads, escapes, guardsAll} from './escape.ts'
import {lastValue} from './finished.ts'
import {endlessPeriods, graceOf} from './grace.ts'
import {Graph, initial, maxAssumed, mayWrite, type Blueprint} from './graph.ts'
import {Hunger, mayNeverEnd} from './hunger.ts'
import type {Asking, Demand} from './thread-run.ts'
import {truth, type Scalar, type Value} from './value.ts'

/** What may happen next. Choice 0 is the dull one. */
export interface Decision {
  /** Which read or thread goes next; which write a read takes; which write is first; what a condition is assumed to be; what a thread is given, or whether its grace period ends; which of a grace period and a critical section is first. */
  readonly kind: 'which' | 'from' | 'co' | 'assume' | 'pick' | 'grace'
  readonly among: number
  /** The last choice is none of the writes: the read waits for one that does not exist yet, or, if it is a wait, for ever. */
  readonly later: boolean
  /** The read that is resolved, or the thread that runs ahead. */
  readonly of: number
  /** Reads (and threads, as -1 - thread), a read's writes, the two writes to be ordered, or positions among what a thread may pick. */
  readonly choices: readonly number[]
}

export type Status = 'complete' | 'blocked' | 'cut' | 'dead'

export class Machine {
  readonly graph: Graph
  readonly #coherence: Coherence
  /** For each thread: how far from dull it is to read from each vertex (or, first, from the initial write). */
  readonly #dullness: Int32Array
  /** The unresolved reads that some thread's demand depends on: a row of bits, made anew for each decision. */
  readonly #awaited: Int32Array
  readonly #hunger: Hunger
  /** Writes that the read which is looked at may take, and those of the best read so far: as many as were counted. Never emptied, which would cost an allocation each. */
  #found: number[] = []
  #foundBest: number[] = []

  constructor(blueprint: Blueprint) {
    this.graph = new Graph(blueprint)
    this.#coherence = new Coherence(this.graph)
    this.#dullness = dullness(this.graph.threadOf, this.graph.threads)
    this.#awaited = new Int32Array(this.graph.words)
    this.#hunger = new Hunger(this.graph, this.#coherence)
  }

  // ---- threads run ahead ----

  /** Back to the beginning: every thread has run ahead to its first demand. False if nothing is consistent. */
  start(): boolean {
    const {graph} = this
    this.#coherence.clear()
    for (let thread = 0; thread < graph.threads; thread++) this.#coherence.enter(thread, graph.behaviours[thread]!.root)
    return this.#advance()
  }

  /** Lets every thread run on as far as it can, and takes the consequences. False if inconsistent. */
  #advance(): boolean {
    for (;;) {
      let moved = false
      for (let thread = 0; thread < this.graph.threads; thread++) moved = this.#runOn(thread) || moved
      if (!this.#coherence.consequences()) return false
      if (!moved) return this.#keepsPromises() && this.#confirmsAssumptions()
    }
  }

  #runOn(thread: number): boolean {
    const {graph} = this
    for (let moved = false; ; moved = true) {
      const node = graph.nodeOf(thread)
      if (!node.goesOn) return moved
      const {asking, demand} = node
      if (demand.kind === 'pick') {
        const choices = this.#pickable(demand.among)
        if (choices.length > 1) return moved
        this.#coherence.enter(thread, graph.behaviours[thread]!.child(node, demand.among[choices[0]!]!))
        continue
      }
      if (asking === null) return moved
      const scalar = graph.evaluate(thread, asking.value)
      if (scalar === undefined || (asking.kind === 'wait' && !this.#isSatisfied(thread, asking.value, scalar))) return moved
      this.#coherence.enter(thread, graph.behaviours[thread]!.child(node, scalar))
    }
  }

  /** Which of these may be given: new objects, and the places of those that were or may yet be freed. */
  #pickable(among: readonly Scalar[]): number[] {
    const {graph} = this
    const found: number[] = []
    for (const [i, scalar] of among.entries()) {
      const heap = typeof scalar === 'number' ? null : scalar.object.heap
      if (heap === null || heap.origin !== 'reused' || graph.nextWrite(heap.status.index, -1) >= 0 || graph.mayAnyStillWrite(heap.status.index)) found.push(i)
    }
    return found
  }

  /** Does the read that a thread waits for accept the value? */
  #isSatisfied(thread: number, awaited: Value, value: Scalar): boolean {
    const {graph} = this
    return graph.eventAt(awaitedBy(graph, thread, awaited)).until!(value)
  }

  /** Waits whose value became known must be satisfied. */
  #keepsPromises(): boolean {
    const {graph} = this
    for (let read = graph.nextPromised(-1); read >= 0; read = graph.nextPromised(read)) {
      const scalar = graph.scalarOf(read)
      if (scalar === undefined) continue
      if (!graph.eventAt(read).until!(scalar)) return false
      graph.keepPromise(read)
    }
    return true
  }

  /** So must assumptions. */
  #confirmsAssumptions(): boolean {
    const {graph} = this
    for (let i = 0; i < graph.assumptions; i++) {
      const {parent, answer} = graph.assumedNode(i)
      const {asking} = parent!
      if (asking === null || asking.kind === 'wait') continue // waits are promises
      const scalar = graph.evaluate(graph.assumedThread(i), asking.value)
      if (scalar !== undefined && answer !== (isOpenEnded(asking) ? scalar : Number(truth(scalar)))) return false
    }
    return true
  }

  // ---- what may happen next ----

  /**
   * The next decision, or how the execution ended. With `free`, which read is resolved is a real
   * choice; without, choice 0 of it is enough to find everything.
   */
  next(free = false): Decision | Status {
    const {graph} = this
    const given = this.#lookAtThreads()
    if (given !== null) return given
    const ready: number[] | null = free ? [] : null
    let dull = -1
    let best = Infinity
    let dullCount = 0
    let dullLater = false
    this.#hunger.clear()
    for (let read = graph.nextPending(-1); read >= 0; read = graph.nextPending(read)) {
      if (graph.isStuck(read)) continue
      // behind a forced read, which nothing is sooner than, it only matters whether there is any
      const isBehind = best === 0 && ready === null
      const count = this.#candidates(read, isBehind ? 1 : Infinity)
      if (isBehind && count > 0) continue
      const later = this.#mayPassOn(read)
      if (count === 0) {
        if (!later) return 'dead'
        this.#hunger.add(read)
        continue
      }
      ready?.push(read)
      const score = this.#score(read, count, later)
      if (score >= best) continue
      dull = read
      best = score
      dullCount = count
      dullLater = later
      const found = this.#found // the scratch lists change places
      this.#found = this.#foundBest
      this.#foundBest = found
    }
    if (dull < 0) return this.#withoutReads()
    if (this.#hunger.starves()) return 'dead'
    if (ready !== null) {
      if (ready[0] !== dull) ready.unshift(...ready.splice(ready.indexOf(dull), 1))
      for (const thread of this.#assumable()) ready.push(-1 - thread)
      if (ready.length > 1) return {kind: 'which', among: ready.length, later: false, of: -1, choices: ready}
    }
    return offerRead(dull, this.#foundBest, dullCount, dullLater && !this.#hunger.wouldStarve(dull))
  }

  /** No pending read can be resolved now. */
  #withoutReads(): Decision | Status {
    if (this.graph.nextPending(-1) >= 0) {
      const [thread] = this.#assumable()
      return thread !== undefined ? this.#offerThread(thread) : this.#blocked()
    }
    const status = this.#isFinished() && this.graph.settleCopies() ? this.#nextGrace() ?? this.#nextCo() : 'dead'
    return status === 'complete' ? this.#ended(status) : status
  }

  #isFinished(): boolean {
    const {graph} = this
    for (let thread = 0; thread < graph.threads; thread++) if (graph.nodeOf(thread).goesOn) return false
    return true
  }

  /**
   * Blocked for good: only waits are pending, and the last write to each word that is waited for does
   * not satisfy the wait. (If it did, the wait would end some time: every write becomes visible.)
   * Complete, if only threads without work wait.
   */
  #blocked(): Decision | Status {
    const {graph} = this
    for (let read = graph.nextPending(-1); read >= 0; read = graph.nextPending(read)) {
      const {until, isCertain} = graph.eventAt(read)
      if (until === null || isCertain) return 'dead'
    }
    if (!graph.settleCopies() || !this.#isConfirmed()) return 'dead'
    const open = this.#nextGrace() ?? this.#nextCo()
    if (open !== 'complete') return open
    let isIdle = true
    for (let read = graph.nextPending(-1); read >= 0; read = graph.nextPending(read)) {
      const last = lastValue(graph, graph.locationOf(read))
      if (last === undefined || graph.eventAt(read).until!(last)) return 'dead'
      isIdle &&= graph.eventAt(read).isIdle
    }
    return this.#ended(isIdle ? 'complete' : 'blocked')
  }

  /** How the execution ended, if no thread goes on. A grace period that never ends needs a section that is never closed. */
  #ended(status: 'complete' | 'blocked'): Status {
    const endless = endlessPeriods(this.graph)
    if (endless.length === 0) return status
    return endless.every(({readers}) => readers.length > 0) ? 'blocked' : 'dead'
  }

  /** Was every assumption borne out? A thread cannot have run past a wait that never ends. */
  #isConfirmed(): boolean {
    const {graph} = this
    for (let i = 0; i < graph.assumptions; i++) {
      const {asking} = graph.assumedNode(i).parent!
      if (asking !== null && graph.evaluate(graph.assumedThread(i), asking.value) === undefined) return false
    }
    return true
  }

  /** Lower is sooner: forced reads, then RMW reads, then what a thread waits for, then few candidates. */
  #score(read: number, count: number, later: boolean): number {
    const {graph} = this
    if (count === 1 && !later) return 0
    const isRmw = graph.partnerOf(read) >= 0 || graph.eventAt(read).until !== null
    return (isRmw ? 1000 : 2000) + (isIn(this.#awaited, 0, read) ? 0 : 500) + count + (later ? 1 : 0)
  }

  /** The first thread that has to be given something, if one has, or that some thread was cut. Finds the awaited reads. */
  #lookAtThreads(): Decision | 'cut' | null {
    const {graph} = this
    let picks = -1
    for (let word = 0; word < this.#awaited.length; word++) this.#awaited[word] = 0
    for (let thread = 0; thread < graph.threads; thread++) {
      const {asking, demand, goesOn} = graph.nodeOf(thread)
      if (asking !== null) graph.addRoots(thread, asking.value, this.#awaited)
      else if (goesOn) picks = picks < 0 ? thread : picks
      else if (demand.kind === 'cut') return 'cut'
    }
    return picks < 0 ? null : this.#offerPick(picks)
  }

  /** Takes a choice of the decision that `next` returned. False: no consistent execution lies there. */
  take(decision: Decision, choice: number): boolean | Decision {
    const {graph} = this
    const {of, choices} = decision
    switch (decision.kind) {
      case 'which': {
        const picked = choices[choice]!
        return picked < 0 ? this.#offerThread(-1 - picked) : offerRead(picked, this.#found, this.#candidates(picked), this.#mayPassOn(picked))
      }
      case 'from': {
        const write = choices[choice]
        if (write !== undefined) this.#coherence.resolve(of, write)
        else graph.postpone(of)
        return write === undefined || (this.#coherence.consequences() && this.#advance())
      }
      case 'co':
        this.#coherence.follows(choices[choice]!, choices[1 - choice]!)
        return this.#coherence.consequences()
      case 'grace':
        graph.checker.add(graph.plan.grace, choices[2 * choice]!, choices[2 * choice + 1]!)
        return this.#coherence.consequences()
      case 'assume':
        return this.#assume(of, choice)
      case 'pick':
        return this.#give(of, choices[choice]!)
    }
  }

  /** Is it about a read that may wait for ever? */
  isWait({kind, of}: Decision): boolean {
    return kind === 'from' && this.graph.eventAt(of).until !== null && !this.graph.eventAt(of).isCertain
  }

  /** The decision in words, for traces and the by-hand chooser. */
  describe({kind, of, choices}: Decision): string {
    if (kind === 'which') return 'which read resolves next'
    const {behaviours, memory, threadOf} = this.graph
    const nameOf = (thread: number): string => behaviours[thread]!.name
    switch (kind) {
      case 'from': return `${nameOf(threadOf[of]!)} reads ${memory[this.graph.locationOf(of)]!.name}`
      case 'co': return `order of writes to ${memory[of]!.name}`
      case 'assume': return `${nameOf(of)} runs ahead of its condition`
      case 'pick': {
        const {demand} = this.graph.nodeOf(of)
        return demand.kind === 'period' ? `whether ${demand.period.name} of ${nameOf(of)} ends` : `${nameOf(of)} is given one of ${choices.length}`
      }
      case 'grace': {
        const other = choices[0] === of ? choices[1]! : choices[0]!
        return `grace period of ${nameOf(threadOf[of]!)} and critical section of ${nameOf(threadOf[other]!)}`
      }
    }
  }

  /** The choice of a decision that leads to the execution whose final state is `target`. */
  choiceTowards(target: Int32Array, {kind, of, choices}: Decision): number {
    const {graph} = this
    switch (kind) {
      case 'which': return 0
      case 'from': {
        const source = graph.sourceIn(target, of)
        const found = choices.indexOf(source)
        return found >= 0 ? found : choices.length
      }
      case 'co': return graph.inCoIn(target, choices[0]!, choices[1]!) ? 0 : 1
      case 'grace': return graph.checker.hasIn(target, graph.plan.grace, choices[0]!, choices[1]!) ? 0 : 1
      case 'assume': {
        return answers(graph.nodeOf(of)).indexOf(this.#childTowards(target, of)?.answer ?? 0)
      }
      case 'pick': {
        const {demand} = graph.nodeOf(of)
        const answer = this.#childTowards(target, of)?.answer
        return demand.kind === 'pick' ? choices.findIndex(i => demand.among[i] === answer) : choices.indexOf(Number(answer))
      }
    }
  }

  /** The next state of a thread on its way to where it is in a saved state. */
  #childTowards(target: Int32Array, thread: number): Node | null {
    const {graph} = this
    const here = graph.nodeOf(thread)
    let node: Node | null = graph.nodeIn(target, thread)
    while (node !== null && node.parent !== here) node = node.parent
    return node
  }

  // ---- what a thread is given ----

  #offerPick(thread: number): Decision {
    const {demand} = this.graph.nodeOf(thread)
    const choices = demand.kind === 'pick' ? this.#pickable(demand.among) : [1, 0] // a grace period ends, or does not
    return {kind: 'pick', among: choices.length, later: false, of: thread, choices}
  }

  #give(thread: number, position: number): boolean {
    const {graph} = this
    const node = graph.nodeOf(thread)
    if (node.demand.kind !== 'pick' && node.demand.kind !== 'period') return false
    const answer = node.demand.kind === 'pick' ? node.demand.among[position]! : position
    this.#coherence.enter(thread, graph.behaviours[thread]!.child(node, answer))
    return this.#coherence.consequences() && this.#advance()
  }

  // ---- where a read may take its value from ----

  /** Finds the writes that a pending read may still take its value from, the dull one first, and counts them; or `most` of them, in any order. */
  #candidates(read: number, most = Infinity): number {
    const {graph} = this
    const location = graph.locationOf(read)
    const {until} = graph.eventAt(read)
    const found = this.#found
    let count = 0
    for (let write = graph.nextWrite(location, -1); write >= 0 && count < most; write = graph.nextWrite(location, write)) {
      if (graph.isExcluded(read, write) || !this.#coherence.mayRead(read, write)) continue
      const scalar = until === null ? undefined : graph.scalarOf(write)
      if (scalar === undefined || until!(scalar)) found[count++] = write
    }
    if (count < most && !graph.isExcluded(read, initial) && this.#coherence.mayRead(read, initial)
      && (until === null || until(graph.memory[location]!.init))) found[count++] = initial
    if (count > 1) this.#sortDull(count, graph.threadOf[read]!)
    return count
  }

  /** As if the threads ran one after the other: the last write of this thread or one before it, then older ones. */
  #sortDull(count: number, thread: number): void {
    const writes = this.#found
    const start = thread * (this.graph.vertices + 1) + 1
    for (let i = 1; i < count; i++) {
      const write = writes[i]!
      let at = i
      for (; at > 0 && this.#dullness[start + writes[at - 1]!]! > this.#dullness[start + write]!; at--) writes[at] = writes[at - 1]!
      writes[at] = write
    }
  }

  /** May the read take none of the writes that exist: because it waits for ever, or because of a write that is still to come? */
  #mayPassOn(read: number): boolean {
    return this.#coherence.mayReadLater(read) || mayNeverEnd(this.graph, read)
  }

  // ---- assumptions: a structured branch taken before its condition is known ----

  /** Threads that stand at a demand whose later stores may be seen before it is decided. */
  #assumable(): number[] {
    const {graph} = this
    const found: number[] = []
    if (graph.assumptions >= maxAssumed || guardsAll(graph.plan.model)) return found
    for (let thread = 0; thread < graph.threads; thread++) {
      const node = graph.nodeOf(thread)
      const {asking} = node
      if (asking === null || answers(node).length === 0) continue
      if (asking.kind === 'wait' && graph.isStuck(awaitedBy(graph, thread, asking.value))) continue
      if (this.#isWanted(thread, node)) found.push(thread)
    }
    return found
  }

  /** Does another thread's pending read wait for a store of this thread that may be seen before its demand is decided? */
  #isWanted(thread: number, node: Node): boolean {
    const {graph} = this
    for (let read = graph.nextPending(-1); read >= 0; read = graph.nextPending(read)) {
      const location = graph.locationOf(read)
      if (graph.threadOf[read] !== thread && mayWrite(node, location) && this.#escapes(location, thread, node)) return true
    }
    return false
  }

  /** A read that took a value which others have yet to decide may hang on anything. */
  #escapes(location: number, thread: number, node: Node): boolean {
    const escaping = awaitsOnlyReads(this.graph, thread, node) ? escapes(node, this.graph.plan.model) : null
    return escaping === null || escaping.has(location)
  }

  #offerThread(thread: number): Decision {
    const {length} = answers(this.graph.nodeOf(thread))
    return {kind: 'assume', among: length, later: false, of: thread, choices: []}
  }

  #assume(thread: number, choice: number): boolean {
    const {graph} = this
    const node = graph.nodeOf(thread)
    const answer = answers(node)[choice]!
    if (node.demand.kind === 'wait' && answer === 0) {
      graph.giveUp(awaitedBy(graph, thread, node.demand.value))
      return true
    }
    const child = graph.behaviours[thread]!.child(node, answer)
    graph.assume(thread, child)
    this.#coherence.enter(thread, child)
    return this.#coherence.consequences() && this.#advance()
  }

  // ---- grace periods, where the model has no axiom for them ----

  /** A grace period and a critical section of which it is not decided which is first; null if there is none. */
  #nextGrace(): Decision | null {
    const {graph} = this
    const {grace} = graph.plan
    if (grace < 0) return null
    const all = graceOf(graph)
    for (const {thread, begin, end} of all.periods) {
      for (const section of all.sections) {
        if (section.thread === thread || graph.checker.has(grace, begin, section.lock)) continue
        if (section.unlock >= 0 && graph.checker.has(grace, section.unlock, end)) continue
        // the dull one is as if the threads ran one after the other
        const [after, before] = [[begin, section.lock], section.unlock < 0 ? [] : [section.unlock, end]]
        const choices = section.thread < thread ? [...before, ...after] : [...after, ...before]
        return {kind: 'grace', among: choices.length / 2, later: false, of: begin, choices}
      }
    }
    return null
  }

  // ---- co, last ----

  /** A pair of writes whose order is still open, or 'complete'. */
  #nextCo(): Decision | Status {
    const {graph} = this
    for (let location = 0; location < graph.memory.length; location++) {
      for (let a = graph.nextWrite(location, -1); a >= 0; a = graph.nextWrite(location, a)) {
        for (let b = graph.nextWrite(location, a); b >= 0; b = graph.nextWrite(location, b)) {
          if (graph.inCo(a, b) || graph.inCo(b, a)) continue
          return {kind: 'co', among: 2, later: false, of: location, choices: [a, b]}
        }
      }
    }
    return 'complete'
  }
}

/** The writes are copied, so many of them: they are the machine's scratch. */
function offerRead(read: number, writes: readonly number[], count: number, later: boolean): Decision {
  return {kind: 'from', among: count + (later ? 1 : 0), later, of: read, choices: writes.slice(0, count)}
}

/** Is any scalar an answer to the demand, not only true and false? */
function isOpenEnded({kind}: Asking | Demand): boolean {
  return kind === 'address' || kind === 'raw'
}

/** The read behind a demand to wait. */
function awaitedBy(graph: Graph, thread: number, {scalar}: Value): number {
  return graph.vertexOf(thread, scalar as number)
}

/** What a condition, an address or a raw value may turn out to be; whether a wait ends. */
function answers(node: Node): readonly Scalar[] {
  return isOpenEnded(node.demand) ? node.answers : [1, 0]
}

/** Low is dull: own and earlier threads' writes, the latest first; the initial write; then later threads' writes. */
function dullness(threadOf: readonly number[], threads: number): Int32Array {
  const n = threadOf.length
  const ranks = new Int32Array(threads * (n + 1))
  for (let thread = 0; thread < threads; thread++) {
    for (let write = 0; write < n; write++) {
      const other = threadOf[write]!
      ranks[thread * (n + 1) + 1 + write] = other <= thread ? -(1 + other * n + write) : 1 + (other + 1) * n - write
    }
  }
  return ranks
}

