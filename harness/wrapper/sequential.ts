/**
 * Runs operations one after the other on a memory of its own: what the main thread does before its scoped threads begin
 * and after they have ended, when nobody else is there and every model agrees with the obvious meaning.
 */
import {Heap, Value, type Location, type Op, type Proc, type Reply, type Scalar} from '../../lib/index.ts'
import {ownSections, Sections} from './sections.ts'

/** The sequential part waits for what nobody is there to do. */
export class SequentialDeadlock extends Error {
  override readonly name = 'SequentialDeadlock'
}

/** What the sequential part did that no program may do. */
export class SequentialFault extends Error {
  override readonly name = 'SequentialFault'
}

interface Around {
  /** What a word holds before. */
  readonly initial: (location: Location) => Scalar
  /** Makes room for an object. */
  readonly place: (heap: Heap) => Scalar
  readonly sections?: Sections
  /** Is this a word of an object whose place has gone to another? */
  readonly isZombie?: (location: Location) => boolean
  /** Is told what goes wrong, when it does: a claim that does not hold, or what was done to memory. */
  readonly wrong?: (what: string, isClaim: boolean) => void
}

/** No statement of a client does so many operations that ends at all. */
const endless = 10_000

function isOperation(yielded: unknown): boolean {
  return typeof yielded === 'object' && yielded !== null && 'kind' in yielded
}

export class Sequential {
  /** Words that were written, by index. */
  readonly written = new Map<number, Scalar>()
  /** Claims that did not hold. */
  readonly broken: string[] = []
  readonly sections: Sections
  readonly #initial: (location: Location) => Scalar
  readonly #place: (heap: Heap) => Scalar
  readonly #isZombie: (location: Location) => boolean
  readonly #wrong: (what: string, isClaim: boolean) => void

  constructor({initial, place, sections = Sections.none(), isZombie = () => false, wrong = () => undefined}: Around) {
    this.#initial = initial
    this.#place = place
    this.sections = sections.copy()
    this.#isZombie = isZombie
    this.#wrong = wrong
  }

  /** @throws {SequentialDeadlock} also of what goes round and round: nobody is there to change what it looks at. */
  run<T>(proc: Proc<T>): T {
    let step = proc.next()
    for (let count = 1; step.done !== true; count++) {
      if (count > endless) throw new SequentialDeadlock(`${count} operations, and no end`)
      step = isOperation(step.value) ? proc.next(this.#perform(step.value)) : proc.throw(new TypeError('a body wants yield* (with the star) in front of operations: what it yielded is none'))
    }
    return step.value
  }

  #perform(op: Op): Reply {
    if (this.sections.isForeign(op)) this.#break(ownSections)
    this.sections.note(op)
    switch (op.kind) {
      case 'load': return this.#read(op.at, op.name, op.until)
      case 'store':
        this.#write(op.at, op.name, op.value.scalar, op.mark)
        return undefined
      case 'rmw': {
        const old = this.#read(op.at, op.name, op.until)
        this.#write(op.at, op.name, op.update(old).scalar)
        return old
      }
      case 'cas': {
        const old = this.#read(op.at, op.name)
        const isEqual = Value.apply('==', old, op.expected).scalar === 1
        if (isEqual === (op.unless !== true)) this.#write(op.at, op.name, (typeof op.desired === 'function' ? op.desired(old) : op.desired).scalar)
        return old
      }
      case 'pick': return Value.of(op.among instanceof Heap ? this.#place(op.among as Heap) : op.among.choices(0, 0, false)![0]!)
      case 'raw': case 'address': return op.value.scalar
      case 'when': return op.condition.scalar !== 0
      case 'check':
        if (op.holds.scalar === 0) this.#break(op.claim)
        return undefined
      case 'fence':
        if (this.sections.isWaitedForBy(op)) throw new SequentialDeadlock(`${op.name} waits for a reader of its own thread`)
        return undefined
      case 'merge': case 'iterate': case 'atomic-next': case 'compute': return undefined
    }
  }

  #break(claim: string): void {
    this.broken.push(claim)
    this.#wrong(claim, true)
  }

  #fault(what: string): never {
    this.#wrong(what, false)
    throw new SequentialFault(what)
  }

  #locate(at: Location | Value, name: string): Location {
    const scalar = at instanceof Value ? at.scalar : at
    if (typeof scalar === 'number' || scalar.index < 0) return this.#fault(`${name} of what is no pointer`)
    if (this.#isZombie(scalar)) return this.#fault(`${name} of ${scalar.name}, whose place has gone to another object`)
    return scalar
  }

  #read(at: Location | Value, name: string, until?: (value: Scalar) => boolean): Value {
    const location = this.#locate(at, name)
    const scalar = this.written.get(location.index) ?? this.#initial(location)
    if (typeof scalar !== 'number' && scalar.index < 0) this.#fault(`${name} of ${location.name}: ${scalar.name}`)
    if (until?.(scalar) === false) throw new SequentialDeadlock(`${name} of ${location.name} waits for ever`)
    return Value.of(scalar)
  }

  #write(at: Location | Value, name: string, scalar: Scalar, mark?: 'birth' | 'death'): void {
    const location = this.#locate(at, name)
    const old = this.written.get(location.index) ?? this.#initial(location)
    const isDead = typeof old !== 'number' && old.index < 0 && old.name === 'freed memory'
    if (isDead && mark !== 'birth') this.#fault(mark === 'death' ? `${location.object.name} is freed twice` : `${name} of ${location.name}: freed memory`)
    this.written.set(location.index, scalar)
  }
}
