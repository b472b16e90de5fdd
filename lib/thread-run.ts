/**
 * One run of a thread's generator: operations become events by a model's mapping, until the thread must know something
 * before it goes on. Reads are not answered: their results are symbolic values (design.md, 2: "defer and resolve").
 */
import {label, type Label} from './event.ts'
import {mapping, type Family, type MappedOp, type Shape} from './mapping.ts'
import type {Model} from './model.ts'
import {siteOf, type Mark, type Op, type Picker, type Proc, type Reply} from './program.ts'
import {openedFor, openSections, type Period} from './sections.ts'
import {truth, union, Value, type Location, type Scalar} from './value.ts'

const srcuUnlock = label('W', 'Srcu-unlock')

/** An event of one thread, before it is placed in an execution. Positions count the thread's events. */
export interface LocalEvent {
  readonly label: Label
  readonly location: Location | null
  /** What a write stores; null for reads and fences. */
  readonly value: Value | null
  /** The thread's reads that its address, value and execution depend on. */
  readonly addr: readonly number[]
  /** For the read of a compare-exchange: what the word is compared with. */
  readonly expected: Value | null
  /** The reads that its address comes from, whether or not the model has a dependency there. */
  readonly via: readonly number[]
  readonly data: readonly number[]
  readonly ctrl: readonly number[]
  /** For the write of a read-modify-write: its read. Otherwise -1. */
  readonly rmwRead: number
  /** Is it a read that its thread replaces with a write at once, whatever it finds? */
  readonly isRmw: boolean
  /** The read accepts only such values. */
  readonly until: ((value: Scalar) => boolean) | null
  /** Does the execution exist only if it gets one? */
  readonly isCertain: boolean
  /** Is the thread at its end if it gets none? */
  readonly isIdle: boolean
  /** The store begins or ends the object that its word is part of. */
  readonly mark: Mark | null
  /** The operation as its author wrote it, for reports. */
  readonly name: string
  /** How many operations the thread had performed before this one: finds the source line again. */
  readonly operation: number
}

type Fields = {-readonly [field in keyof LocalEvent]: LocalEvent[field]}

const nothing: readonly number[] = []

/** What a thread waits for, or how it ended. */
export type Demand =
  /** The scalar itself decides (JavaScript control flow): one child per value. */
  | {readonly kind: 'raw'; readonly value: Value}
  /** The truth of the value decides: an arm of `when`, the success of a compare-exchange. */
  | {readonly kind: 'when' | 'cas'; readonly value: Value}
  /** The read must have returned what the thread waits for: one child, under 1. */
  | {readonly kind: 'wait'; readonly value: Value}
  /** The value is the address of the next access. */
  | {readonly kind: 'address'; readonly value: Value}
  /** The scheduler gives the thread one of these: one child each. */
  | {readonly kind: 'pick'; readonly among: readonly Scalar[]}
  /** The grace period ends or never does: a child under 1 and one under 0. */
  | {readonly kind: 'period'; readonly period: Period}
  /** It never does. */
  | {readonly kind: 'endless'; readonly period: Period}
  | {readonly kind: 'done'; readonly returned: unknown}
  | {readonly kind: 'panic'; readonly message: string; readonly stack: string}
  | {readonly kind: 'cut'; readonly budget: 'bound' | 'events' | 'objects'}

export type Asking = Extract<Demand, {readonly value: unknown}>

export interface Bounds {
  /** Rounds of a loop marked with `iteration()`. */
  readonly rounds: number
  /** Events of one thread. */
  readonly events: number
  /** May an allocation get an address that was freed? */
  readonly reuse: boolean
  /** May a grace period never end? Not asked where no reader could be the reason (prepared.ts). */
  readonly endless?: boolean
}

/** What a model says about how operations become events. */
export type Language = Pick<Model, 'family' | 'dependencies' | 'plain'>

/** One run of a thread's generator, paused at a demand. */
export class ThreadRun {
  readonly events: LocalEvent[] = []
  readonly relabelled: [number, Label][] = []
  readonly checks: {claim: string; holds: Value}[] = []
  readonly given: Scalar[] = []
  readonly results: Value[] = []
  demand: Demand = {kind: 'done', returned: undefined}
  /** The stack behind each operation, while those are recorded. */
  readonly sites: string[] = []

  readonly #index: number
  readonly #thread: string
  readonly #generator: Proc<unknown>
  readonly #family: Family
  /** Do only dependencies within one call of a C function count? */
  readonly #isWithinC: boolean
  /** Are plain accesses what KCSAN takes them for? */
  readonly #isKcsan: boolean
  /** Accesses that it takes for atomic from here on. */
  #atomicNext = 0
  /** For each event, the call of a C function that it is part of. */
  readonly #callOf: (object | undefined)[] = []
  #call: object | undefined
  readonly #bounds: Bounds
  /** Reads that everything from here on depends on: raw values, waits. */
  #forever: readonly number[] = []
  /** The conditions of the arms that the thread is in. */
  readonly #arms: (readonly number[])[] = []
  #rounds = 0
  #operations = 0
  /** How often the thread has picked, by what from. */
  readonly #picks = new Map<Picker, number>()
  /** Goes on with the operation that made the demand, once it is answered. */
  #resume: (answer: Scalar) => void = () => undefined

  constructor(index: number, thread: string, generator: Proc<unknown>, {family, dependencies, plain}: Language, bounds: Bounds) {
    this.#index = index
    this.#thread = thread
    this.#generator = generator
    this.#family = family
    this.#isWithinC = dependencies === 'within C'
    this.#isKcsan = plain === 'as KCSAN sees them'
    this.#bounds = bounds
  }

  start(): void {
    this.#run(undefined)
  }

  answer(answer: Scalar): void {
    this.#resume(answer)
  }

  /** Lets the generator run on with `reply` until it demands something or ends. */
  #run(reply: Reply): void {
    let next: Reply = reply
    for (;;) {
      let step: IteratorResult<Op, unknown>
      try {
        step = this.#generator.next(next)
      } catch (error) {
        this.#panic(error)
        return
      }
      if (step.done === true) {
        this.demand = {kind: 'done', returned: step.value}
        return
      }
      if (typeof step.value !== 'object' || step.value === null || typeof step.value.kind !== 'string') {
        this.#panic(`thread ${this.#thread} yielded something that is no operation; write yield* (with the star) in front of operations`)
        return
      }
      const answered = this.#perform(step.value)
      if (answered === null) return
      next = answered.reply
    }
  }

  /** Performs one operation; null if the thread must wait for an answer first, or was cut. */
  #perform(op: Op): {readonly reply: Reply} | null {
    this.sites[this.#operations] = siteOf(op) ?? ''
    this.#operations++
    switch (op.kind) {
      case 'raw': {
        const {value} = op
        if (value.reads.length === 0) return {reply: value.scalar}
        return this.#ask({kind: 'raw', value}, answer => {
          this.#forever = union([this.#forever, value.reads, value.control])
          this.#run(answer)
        })
      }
      case 'when': {
        const {condition} = op
        const enter = (answer: Scalar): boolean => {
          this.#arms.push(union([condition.reads, condition.control]))
          return truth(answer)
        }
        if (condition.reads.length === 0) return {reply: enter(condition.scalar)}
        return this.#ask({kind: 'when', value: condition}, answer => { this.#run(enter(answer)) })
      }
      case 'merge':
        this.#arms.pop()
        return {reply: undefined}
      case 'iterate':
        this.#rounds++
        return (op.round ?? this.#rounds) > this.#bounds.rounds ? this.#cut('bound') : {reply: undefined}
      case 'atomic-next':
        this.#atomicNext = op.accesses
        return {reply: undefined}
      case 'check':
        this.checks.push({claim: op.claim, holds: op.holds})
        return {reply: undefined}
      case 'compute':
        this.results.push(op.value)
        return {reply: undefined}
      case 'pick': return this.#pick(op.among)
      case 'address': {
        const {value} = op
        if (value.reads.length === 0) return {reply: value.scalar}
        return this.#ask({kind: 'address', value}, answer => { this.#run(answer) })
      }
      default:
        if (this.events.length >= this.#bounds.events) return this.#cut('events')
        return this.#access(op)
    }
  }

  /**
   * The thread dies. Its critical sections reach until here: without an end they would be none, and
   * what it has read may be what no grace period allows.
   */
  #panic(error: unknown): void {
    for (const {closing, lock} of openSections(this.events)) {
      if (lock < 0) this.#fence('rcu_read_unlock', closing)
      else this.#write('srcu_read_unlock', closing, this.events[lock]!.location!, Value.read(lock), [], -1)
    }
    this.demand = error instanceof Error
      ? {kind: 'panic', message: error.message, stack: error.stack ?? ''} : {kind: 'panic', message: String(error), stack: ''}
  }

  #ask(demand: Demand, resume: (answer: Scalar) => void): null {
    this.demand = demand
    this.#resume = resume
    return null
  }

  #pick(from: Picker): {readonly reply: Reply} | null {
    const nth = this.#picks.get(from) ?? 0
    this.#picks.set(from, nth + 1)
    const among = from.choices(this.#index, nth, this.#bounds.reuse)
    if (among === null) return this.#cut('objects')
    if (among.length === 1) return {reply: this.#give(among[0]!)}
    return this.#ask({kind: 'pick', among}, answer => { this.#run(this.#give(answer)) })
  }

  #give(scalar: Scalar): Value {
    this.given.push(scalar)
    return Value.of(scalar)
  }

  #cut(budget: 'bound' | 'events' | 'objects'): null {
    this.demand = {kind: 'cut', budget}
    return null
  }

  /** Waits for a grace period: for ever, in a section of one's own (one of SRCU may be closed by somebody else). */
  #synchronize(period: Period, end: () => void): {readonly reply: Reply} | null {
    if (period.domain === null && openedFor(period, this.events) > 0) {
      this.demand = {kind: 'endless', period}
      return null
    }
    if (this.#bounds.endless !== true) {
      end()
      return {reply: undefined}
    }
    return this.#ask({kind: 'period', period}, answer => {
      if (answer === 0) {
        this.demand = {kind: 'endless', period}
        return
      }
      end()
      this.#run(undefined)
    })
  }

  #access(op: MappedOp): {readonly reply: Reply} | null {
    this.#call = op.call
    if (op.kind === 'fence' && op.at === undefined) {
      const {before} = mapping(op, this.#family)
      const fence = (): void => { for (const label of before) this.#fence(op.name, label) }
      if (op.order === 'Sync-rcu') return this.#synchronize({name: op.name, domain: null}, fence)
      fence()
      return {reply: undefined}
    }
    const at = op.at!
    if (!(at instanceof Value)) return this.#accessAt(op, at, [])
    if (at.reads.length === 0) return this.#dereference(op, at.scalar, [])
    return this.#ask({kind: 'address', value: at}, answer => {
      const answered = this.#dereference(op, answer, at.reads)
      if (answered !== null) this.#run(answered.reply)
    })
  }

  #dereference(op: MappedOp, address: Scalar, addr: readonly number[]): {readonly reply: Reply} | null {
    if (typeof address !== 'number' && address.index >= 0 && address.tag === 0) return this.#accessAt(op, address, addr)
    const what = typeof address !== 'number' ? nameOf(address) : address === 0 ? 'a null pointer' : `${address}, which is no address`
    this.#panic(this.#thrown(new Error(`${op.name} of ${what}`)))
    return null
  }

  /** The error as the thread throws it where it stands: with the line. The thread is over, whether it catches it or not. */
  #thrown(error: Error): Error {
    try {
      this.#generator.throw(error)
    } catch {
      // it is told as the thread's panic
    }
    return error
  }

  #accessAt(op: MappedOp, location: Location, addr: readonly number[]): {readonly reply: Reply} | null {
    const shape = mapping(this.#isKcsan ? this.#asKcsanSees(op) : op, this.#family)
    if (op.kind === 'fence') {
      return this.#synchronize({name: op.name, domain: location}, () => {
        for (const label of shape.before) {
          const fields = this.#fields(op.name, label)
          fields.location = location
          fields.addr = addr
          this.#push(fields)
        }
      })
    }
    for (const label of shape.before) this.#fence(op.name, label)
    const result = op.kind === 'store' ? undefined : this.#read(op, shape.read!, location, addr)
    const read = this.events.length - 1
    if (op.kind !== 'store' && op.kind !== 'cas' && op.until !== undefined && !isAssumed(op)) {
      // a thread that waits does nothing until it has seen what it waits for, perhaps for ever
      return this.#ask({kind: 'wait', value: result!}, () => {
        const answered = this.#finish(op, shape, location, addr, result, read)
        if (answered !== null) this.#run(answered.reply)
      })
    }
    if (op.kind === 'cas') {
      const succeeded = Value.apply(op.unless === true ? '!=' : '==', result!, op.expected)
      return this.#ask({kind: 'cas', value: succeeded}, answer => {
        const success = truth(answer)
        this.#relabel(read, success ? shape.succeeded! : shape.failed!)
        const {desired} = op
        if (success) this.#write(op.name, shape.write!, location, typeof desired === 'function' ? desired(result!) : desired, addr, read)
        for (const label of shape.after) this.#fence(op.name, label)
        this.#run(result)
      })
    }
    return this.#finish(op, shape, location, addr, result, read)
  }

  /** A plain write, or a plain read that an annotation covers, as the marked access that KCSAN takes it for. What begins or ends an object is neither. */
  #asKcsanSees(op: MappedOp): MappedOp {
    if (op.kind === 'fence') return op
    const isCovered = this.#atomicNext > 0
    if (isCovered) this.#atomicNext--
    if (op.kind === 'store') return op.mark === undefined && isPlain(op.order) ? {...op, vocabulary: 'kernel', order: 'ONCE'} : op
    return op.kind === 'load' && isCovered && isPlain(op.order) ? {...op, vocabulary: 'kernel', order: 'ONCE'} : op
  }

  /** What follows the read of an access. */
  #finish(op: Extract<MappedOp, {kind: 'load' | 'store' | 'rmw'}>, shape: Shape, location: Location, addr: readonly number[],
    result: Value | undefined, read: number): {readonly reply: Reply} | null {
    if (op.kind === 'rmw') {
      let stored: Value
      try {
        stored = op.update(result!)
      } catch (error) {
        this.#panic(error)
        return null
      }
      this.#write(op.name, shape.write!, location, stored, addr, read)
    } else if (op.kind === 'store') {
      this.#write(op.name, shape.write!, location, op.value, addr, -1, op.mark)
    }
    for (const label of shape.after) this.#fence(op.name, label)
    return {reply: result}
  }

  #read(op: Extract<MappedOp, {kind: 'load' | 'rmw' | 'cas'}>, label: Label, location: Location, addr: readonly number[]): Value {
    const until = op.kind === 'cas' ? null : op.until ?? null
    const isCertain = op.kind !== 'cas' && op.isCertain === true
    const isIdle = op.kind === 'load' && op.isIdle === true
    const expected = op.kind === 'cas' ? op.expected : null
    const fields = this.#fields(op.name, label)
    fields.location = location
    fields.addr = fields.via = addr
    fields.isRmw = op.kind === 'rmw'
    fields.until = until
    fields.isCertain = isCertain
    fields.isIdle = isIdle
    fields.expected = expected
    const position = this.#push(fields)
    // a wait is a loop around its read: what follows depends on it by control
    if (until !== null && !isAssumed(op)) this.#forever = union([this.#forever, [position]])
    return Value.read(position)
  }

  #write(name: string, label: Label, location: Location, value: Value, addr: readonly number[], rmwRead: number, mark: Mark | null = null): void {
    const fields = this.#fields(name, label)
    fields.location = location
    fields.value = value
    fields.addr = fields.via = addr
    fields.data = value.reads
    fields.rmwRead = rmwRead
    fields.mark = mark
    this.#push(fields)
  }

  #fence(name: string, label: Label): void {
    this.#push(this.#fields(name, label))
  }

  /** An event to be filled in and pushed. All have the same fields in the same order, which the engine's speed hangs on. */
  #fields(name: string, label: Label): Fields {
    return {
      label, location: null, value: null, expected: null, addr: nothing, via: nothing, data: nothing, ctrl: this.#control(), rmwRead: -1, isRmw: false,
      until: null, isCertain: false, isIdle: false, mark: null, name, operation: this.#operations - 1,
    }
  }

  #control(): readonly number[] {
    return this.#arms.length === 0 ? this.#forever : union([this.#forever, ...this.#arms])
  }

  #push(event: Fields): number {
    this.#callOf.push(this.#call)
    if (this.#isWithinC) {
      event.addr = this.#ordering(event.addr)
      // the cookie of srcu_read_unlock() orders nothing either, but says which section it ends
      if (event.label !== srcuUnlock) event.data = this.#ordering(event.data, event.rmwRead)
      event.ctrl = this.#ordering(event.ctrl)
    }
    return this.events.push(event) - 1
  }

  /** Those of the reads on which the present operation depends that it is ordered after: also those of its own, in a read-modify-write, which no compiler takes apart. */
  #ordering(reads: readonly number[], own = -1): readonly number[] {
    return reads.filter(read => read === own || (this.#call !== undefined && this.#callOf[read] === this.#call))
  }

  #relabel(position: number, label: Label): void {
    if (this.events[position]!.label === label) return
    this.events[position] = {...this.events[position]!, label}
    this.relabelled.push([position, label])
  }
}

/** Is it a read that nobody waits for, although it says what it finds? */
function isAssumed(op: MappedOp): boolean {
  return op.kind === 'load' && op.isCertain === true
}

function isPlain(order: string): boolean {
  return order === 'plain' || order === 'NA'
}

/** A pointer that cannot be dereferenced, in words. */
function nameOf({name, tag}: Location): string {
  return tag === 0 ? name : `${name}, a pointer with its low bits set`
}
