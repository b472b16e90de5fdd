/**
 * Places in a wrapper's methods, and the wrapper with something else done there. A body is JavaScript, which cannot be looked
 * into: a place is the n-th time, within a call, that this operation on this word comes after something else.
 */
import type {Op, Proc} from '../../lib/index.ts'
import {withBodies} from './bodies.ts'
import type {RustValue} from './value.ts'
import {constructed, type Wrapper} from './wrapper.ts'

export interface Place {
  readonly method: string
  readonly operation: string
  /** The word without its object and index: `sequence`; '' for a fence, `*` behind a pointer. */
  readonly word: string
  readonly nth: number
  /** The first operation that was seen there. */
  readonly op: Op
}

/** Something else to do at a place. */
export interface Alteration {
  /** `smp_rmb() before`, `READ_ONCE instead of`, `without`. */
  readonly words: string
  /** What is done instead of the first operation there, and of those that follow it at the same place. */
  readonly apply: (op: Op, isFirst: boolean) => Proc<unknown>
}

/** `the 2nd READ_ONCE of sequence in SeqLock::try_read` */
export function nameOf({operation, word, nth, method}: Place): string {
  const ordinal = nth === 1 ? '' : `the ${nth}${nth === 2 ? 'nd' : nth === 3 ? 'rd' : 'th'} `
  return `${ordinal}${operation}${word === '' ? '' : ` of ${word}`} in ${method}`
}

/** The places that some client comes by while `run` runs clients of the wrapper that it is given. Constructors have none. */
export function placesIn(wrapper: Wrapper, run: (watched: Wrapper) => void): readonly Place[] {
  const found = new Map<string, Place>()
  run(withBodies(wrapper, (method, body, isInside) => isConstructor(wrapper, method) ? body : visiting(body, isInside, (op, visit) => {
    const place: Place = {method, operation: visit.operation, word: visit.word, nth: visit.nth, op}
    const name = nameOf(place)
    if (!found.has(name)) found.set(name, place)
    return null
  })))
  return [...found.values()]
}

function isConstructor({signatures}: Wrapper, id: string): boolean {
  return constructed(signatures.methods.find(method => method.id === id)!) !== null
}

export function altered(wrapper: Wrapper, place: Place, {apply}: Alteration): Wrapper {
  return withBodies(wrapper, (method, body, isInside) => method !== place.method ? body : visiting(body, isInside, (op, visit) =>
    visit.operation === place.operation && visit.word === place.word && visit.nth === place.nth ? apply(op, visit.isFirst) : null))
}

interface Visit {
  readonly operation: string
  readonly word: string
  readonly nth: number
  readonly isFirst: boolean
}

/** Counts places while a body runs: the same in every call, and in every round of a loop. */
class Visits {
  #counts = new Map<string, number>()
  #atLoop: Map<string, number> | null = null
  #last = ''

  /** The place of an operation, and whether it is the first operation there. */
  visit(op: Op): Visit | null {
    if (op.kind === 'iterate') {
      this.#atLoop ??= new Map(this.#counts)
      this.#counts = new Map(this.#atLoop)
      this.#last = ''
    }
    if (!('order' in op) || isAllocator(op)) return null
    const word = wordOf(op)
    const key = `${op.name} ${word}`
    const isFirst = key !== this.#last
    this.#last = key
    const nth = (this.#counts.get(key) ?? 0) + (isFirst ? 1 : 0)
    this.#counts.set(key, nth)
    return {operation: op.name, word, nth, isFirst}
  }
}

/** What an allocator does to keep its places (lib/heap.ts) is not the method's. */
function isAllocator(op: Op): boolean {
  return 'at' in op && op.at?.kind === 'location' && op.at.name.startsWith('place of ')
}

/** `sequence` of `lock2.sequence`, `data` of `lock.data[1]`. */
function wordOf(op: Op): string {
  if (!('at' in op) || op.at === undefined) return ''
  return op.at.kind === 'location' ? op.at.name.replace(/\[\d+\]$/, '').replace(/^[^.]*\./, '') : '*'
}

/** A body whose operations are done in another way where `instead` says so. What closures do inside of it is the client's. */
function* visiting(body: Proc<RustValue>, isInside: () => boolean, instead: (op: Op, visit: Visit) => Proc<unknown> | null): Proc<RustValue> {
  const visits = new Visits()
  for (let step = body.next(); ;) {
    if (step.done === true) return step.value
    const op = step.value
    const visit = isInside() ? null : visits.visit(op)
    const other = visit === null ? null : instead(op, visit)
    try {
      step = body.next(other === null ? yield op : yield* other as Proc<never>)
    } catch (error) {
      step = body.throw(error)
    }
  }
}
