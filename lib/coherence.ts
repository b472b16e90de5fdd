/**
 * What coherence forces: which writes to a location must come before which (co), what reads come
 * before (fr), and that nothing comes between the halves of a read-modify-write. Whatever is not
 * forced stays open. Together with the model's own relations it says as soon as a graph is inconsistent.
 */
import type {Node} from './behaviour.ts'
import {initial, unresolved, type Graph} from './graph.ts'

const anyThread = (): boolean => true

export class Coherence {
  readonly #graph: Graph
  /** Pairs of writes still to be put into co: earlier, later, … */
  readonly #queue: number[] = []
  /** Something was found that no order of writes can mend. */
  #conflict = false

  constructor(graph: Graph) {
    this.#graph = graph
  }

  // ---- what is added ----

  /** No thread has started. */
  clear(): void {
    this.#graph.clear()
    this.#giveUp()
  }

  /** The thread runs on to this node; `consequences` takes up what its writes force. @throws {Outgrown} */
  enter(thread: number, node: Node): void {
    const graph = this.#graph
    graph.enter(thread, node)
    for (let position = node.from; position < node.events.length; position++) {
      if (node.events[position]!.label.kind === 'W') this.#addWrite(graph.vertexOf(thread, position))
    }
  }

  #addWrite(write: number): void {
    const graph = this.#graph
    const location = graph.locationOf(write)
    // reads that are known to read the initial write come before this one
    for (let read = graph.nextAccess(location, -1); read >= 0; read = graph.nextAccess(location, read)) {
      if (graph.sourceOf(read) === initial) this.#addFr(read, write)
    }
    const read = graph.partnerOf(write)
    if (read >= 0) this.#keepTogether(read)
  }

  /** The read takes its value from this write; `consequences` takes up what that forces. */
  resolve(read: number, write: number): void {
    const graph = this.#graph
    const {checker, plan} = graph
    const location = graph.locationOf(read)
    graph.resolve(read, write)
    if (write !== initial) checker.add(plan.rf, write, read)
    for (let other = graph.nextWrite(location, -1); other >= 0; other = graph.nextWrite(location, other)) {
      if (write === initial || graph.inCo(write, other)) checker.add(plan.fr, read, other)
    }
    this.#keepTogether(read)
    if (plan.order < 0) return
    for (let other = graph.nextAccess(location, -1); other >= 0; other = graph.nextAccess(location, other)) {
      if (checker.has(plan.order, read, other)) this.#order(read, other)
      if (checker.has(plan.order, other, read)) this.#order(other, read)
    }
  }

  /** The one write must come after the other in co; taken up by `consequences`. */
  follows(earlier: number, later: number): void {
    this.#queue.push(earlier, later)
  }

  /** Everything that follows from what was added: forced co and fr, and the model's relations. False if inconsistent. */
  consequences(): boolean {
    const {checker, plan} = this.#graph
    while (!this.#conflict) {
      while (this.#queue.length > 0) {
        const later = this.#queue.pop()!
        const earlier = this.#queue.pop()!
        if (!this.#addCo(earlier, later)) return this.#giveUp()
      }
      if (checker.isSettled && !this.#conflict) return true
      if (checker.propagate() !== null) return this.#giveUp()
      if (plan.order >= 0) checker.fresh(plan.order, this.#ordered)
      for (const closure of plan.closures) checker.fresh(closure, this.#closed)
      checker.settle()
      if (this.#queue.length === 0 && !this.#conflict) return true
    }
    return this.#giveUp()
  }

  #giveUp(): false {
    this.#queue.length = 0
    this.#conflict = false
    this.#graph.checker.settle()
    return false
  }

  // ---- what that forces ----

  /** A new pair of the coherence order. */
  readonly #ordered = (from: number, to: number): void => {
    const graph = this.#graph
    const location = graph.locationOf(from)
    if (location >= 0 && location === graph.locationOf(to)) this.#order(from, to)
  }

  /** A new pair of a closure that contains co. */
  readonly #closed = (from: number, to: number): void => {
    const graph = this.#graph
    const location = graph.locationOf(from)
    if (location < 0 || location !== graph.locationOf(to) || from === to) return
    if (graph.isWrite(from) && graph.isWrite(to)) this.follows(from, to)
  }

  /** `from` is ordered before `to` at one location: the writes behind them are ordered in co. */
  #order(from: number, to: number): void {
    const graph = this.#graph
    const earlier = graph.isWrite(from) ? from : graph.sourceOf(from)
    const later = graph.isWrite(to) ? to : graph.sourceOf(to)
    if (earlier === unresolved || later === unresolved || earlier === initial) return
    if (later === initial) this.#conflict = true
    else if (earlier !== later) this.follows(earlier, later)
    else if (graph.isWrite(to) && !graph.isWrite(from)) this.#conflict = true // reads its own later write
  }

  /** Puts `later`, and all that comes after it, behind `earlier` and all that comes before it. False if they are the other way round. */
  #addCo(earlier: number, later: number): boolean {
    const graph = this.#graph
    if (earlier === later || graph.inCo(later, earlier)) return false
    if (graph.inCo(earlier, later)) return true
    const location = graph.locationOf(earlier)
    for (let before = graph.nextWrite(location, -1); before >= 0; before = graph.nextWrite(location, before)) {
      if (before !== earlier && !graph.inCo(before, earlier)) continue
      if (!this.#putBehind(before, later, location)) return false
    }
    return true
  }

  #putBehind(before: number, later: number, location: number): boolean {
    const graph = this.#graph
    for (let after = graph.nextWrite(location, -1); after >= 0; after = graph.nextWrite(location, after)) {
      if (after !== later && !graph.inCo(later, after)) continue
      if (before === after) return false
      if (!graph.inCo(before, after)) this.#addPair(before, after, location)
    }
    return true
  }

  #addPair(before: number, after: number, location: number): void {
    const graph = this.#graph
    graph.checker.add(graph.plan.co, before, after)
    for (let read = graph.nextAccess(location, -1); read >= 0; read = graph.nextAccess(location, read)) {
      if (graph.sourceOf(read) === before) this.#addFr(read, after)
    }
    const read = graph.partnerOf(after)
    if (read < 0) return
    const from = graph.sourceOf(read)
    if (from === initial) this.#conflict = true
    else if (from !== unresolved && from !== before) this.follows(before, from)
  }

  /** The write replaces what the read reads; if the read is half of a read-modify-write, it comes after the other half too. */
  #addFr(read: number, write: number): void {
    const graph = this.#graph
    graph.checker.add(graph.plan.fr, read, write)
    const half = graph.partnerOf(read)
    if (half >= 0 && half !== write) this.follows(half, write)
  }

  /** The write of a read-modify-write comes right after the write that its read takes. */
  #keepTogether(read: number): void {
    const graph = this.#graph
    const write = graph.partnerOf(read)
    const from = graph.sourceOf(read)
    if (write < 0 || from === unresolved) return
    const location = graph.locationOf(read)
    if (from !== initial) this.follows(from, write)
    for (let other = graph.nextWrite(location, -1); other >= 0; other = graph.nextWrite(location, other)) {
      if (other === write || other === from) continue
      if (from === initial || graph.inCo(from, other)) this.follows(write, other)
      else if (graph.inCo(other, write)) this.follows(other, from)
    }
  }

  // ---- what may still be chosen ----

  /** A cheap test before the real one: may the read take its value from this write, as far as coherence is known? */
  mayRead(read: number, write: number): boolean {
    const graph = this.#graph
    const {checker} = graph
    const {order, causes} = graph.plan
    const location = graph.locationOf(read)
    if (graph.eventAt(read).isRmw && this.#isReplaced(location, write)) return false
    if (write !== initial && graph.threadOf[write] !== graph.threadOf[read]) {
      for (let i = 0; i < causes.length; i++) if (checker.has(causes[i]!, read, write)) return false
    }
    if (order < 0) return true
    if (write !== initial && checker.has(order, read, write)) return false
    for (let other = graph.nextWrite(location, -1); other >= 0; other = graph.nextWrite(location, other)) {
      if (other !== write && checker.has(order, other, read) && (write === initial || graph.inCo(write, other))) return false
    }
    return true
  }

  /** Does some read-modify-write take its value from the write? Two that did would both have to come next after it. */
  #isReplaced(location: number, write: number): boolean {
    const graph = this.#graph
    for (let read = graph.nextAccess(location, -1); read >= 0; read = graph.nextAccess(location, read)) {
      if (!graph.isWrite(read) && graph.sourceOf(read) === write && (graph.eventAt(read).isRmw || graph.partnerOf(read) >= 0)) return true
    }
    return false
  }

  /**
   * The same for writes that are still to come: may the read take its value from one that another thread, of those that
   * go on, has yet to make? Whatever a thread writes later comes after all that it wrote or read there, which must not come
   * after what the read is known to come before.
   */
  mayReadLater(read: number, goesOn: (thread: number) => boolean = anyThread): boolean {
    const graph = this.#graph
    const location = graph.locationOf(read)
    const own = graph.threadOf[read]!
    for (let thread = 0; thread < graph.threads; thread++) {
      if (thread !== own && graph.mayStillWrite(location, thread) && goesOn(thread) && !this.#isPast(read, location, thread)) return true
    }
    return false
  }

  /** Has the thread seen, at this location, something that the read must come before? */
  #isPast(read: number, location: number, thread: number): boolean {
    const graph = this.#graph
    const {checker, plan} = graph
    if (plan.order < 0 || !plan.master.isCoherent) return false
    for (let seen = graph.nextAccess(location, -1); seen >= 0; seen = graph.nextAccess(location, seen)) {
      if (graph.threadOf[seen] !== thread) continue
      if (checker.has(plan.order, read, seen)) return true
      const write = graph.isWrite(seen) ? seen : graph.sourceOf(seen)
      if (write !== unresolved && write !== initial && this.#isBefore(read, location, write)) return true
    }
    return false
  }

  /** Must what the read reads come before the write in co? */
  #isBefore(read: number, location: number, write: number): boolean {
    const graph = this.#graph
    const {checker, plan} = graph
    for (let other = graph.nextAccess(location, -1); other >= 0; other = graph.nextAccess(location, other)) {
      if (!checker.has(plan.order, read, other)) continue
      const behind = graph.isWrite(other) ? other : graph.sourceOf(other)
      if (behind === initial || (behind !== unresolved && (behind === write || graph.inCo(behind, write)))) return true
    }
    return false
  }
}
