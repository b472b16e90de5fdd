/**
 * Heaps: objects of one layout that are allocated and freed while the program runs.
 *
 * A heap has places, each big enough for one object. A place may hold one object after another, at the
 * same address: every allocation makes an object of its own, and a pointer remembers which one it was
 * made for (its provenance; C++ P2434, Rust's pointer documentation). Which place an allocation gets is
 * a choice of the scheduler, so that a freed address may come back (ABA). Places are a function of who
 * allocates for the how-many-eth time, so that a thread's behaviour needs no shared state.
 */
import {makeObject, uninitialised, type HeapObject, type Location, type Operand, type Scalar, Value} from './value.ts'

/** The fields of an object, and how many words each has. */
export type Layout = Readonly<Record<string, number>>

/** One thing per field: a single one for a field of one word, a list for others. */
export type PerField<L extends Layout, T> = {readonly [K in keyof L]: L[K] extends 1 ? T : readonly T[]}

/** What a place's status word says. */
export const inUse = 1
export const isFree = 0

interface Place {
  readonly first: number
  readonly status: Location
  /** The thread whose allocation number `nth` finds the place never used before; -1 for an object that exists from the start. */
  readonly thread: number
  readonly nth: number
  /** The objects that the place holds in one execution or another, by who allocated them. */
  readonly objects: Map<string, readonly Location[]>
}

/** Where objects may be: in any place, or all of a thread's in one place of its own, one after the other, as in a frame of its stack. */
export type Places = 'anywhere' | 'in a frame'

/** Adds words to a program's memory, which are made when the index of the first of them is known. */
export type Declare = (make: (first: number) => readonly Location[]) => void

export class Heap<L extends Layout = Layout> {
  readonly name: string
  readonly layout: L
  readonly #perThread: number
  readonly #isFrame: boolean
  readonly #declare: Declare
  readonly #places: Place[] = []
  #threads: readonly string[] = []

  /** Made by `Memory.heap`. @throws {TypeError} if a field has no whole number of words, or there is none. */
  constructor(name: string, layout: L, {perThread, places}: {readonly perThread: number; readonly places: Places}, declare: Declare) {
    mustBeLayout(name, layout)
    if (!Number.isInteger(perThread) || perThread < 0) throw new TypeError(`heap ${name}: perThread is how many objects a thread may allocate, and not ${perThread}`)
    this.name = name
    this.layout = layout
    this.#perThread = perThread
    this.#isFrame = places === 'in a frame'
    this.#declare = declare
  }

  /** An object that exists from the start, with these values; a pointer to it is the address of its first word. */
  object(name: string, values: PerField<L, Scalar>): PerField<L, Location> {
    return this.#perField(this.#addPlace(name, -1, 0, flatten(this, values)))
  }

  /** The addresses of the fields of the object that `pointer` points to. */
  at(pointer: Operand): PerField<L, Value> {
    const start = Value.of(pointer)
    const size = this.size
    return this.#perField(Array.from({length: size}, (_, i) => i === 0 ? start : start.plus(i)))
  }

  /** `container_of()`: the object of which `pointer` points to the first word of this field. @throws {TypeError} if there is no such field. */
  containerOf(pointer: Operand, field: keyof L): Value {
    let offset = 0
    if (!Object.hasOwn(this.layout, field)) throw new TypeError(`container_of() by ${String(field)}, but a ${this.name} has ${Object.keys(this.layout).join(', ')}`)
    for (const [name, length] of Object.entries(this.layout)) {
      if (name === field) break
      offset += length
    }
    return offset === 0 ? Value.of(pointer) : Value.of(pointer).minus(offset)
  }

  /** The field that a word of one of its objects is part of; null for any other word. */
  fieldOf({index, object}: Location): keyof L | null {
    if (!this.#places.some(({first}) => first === object.first)) return null
    let end = object.first
    return Object.keys(this.layout).find(field => index < (end += this.layout[field]!)) ?? null
  }

  /** Words of one object. */
  get size(): number {
    return Object.values(this.layout).reduce((sum, length) => sum + length, 0)
  }

  /** Makes room for what the threads may allocate; once, when they are known. */
  furnish(threads: readonly string[]): void {
    this.#threads = threads
    for (const [thread] of threads.entries()) {
      for (let nth = 0; nth < (this.#isFrame ? 1 : this.#perThread); nth++) {
        this.#addPlace(this.#nameOf(thread, nth), thread, nth, new Array<Scalar>(this.size).fill(uninitialised))
      }
    }
  }

  /**
   * Pointers to the object of a thread's `nth` allocation (from 0), in each place where it may be: first in one
   * never used before, then, with `reuse`, in every other that may have been freed. Null if there is no room for so many.
   */
  choices(thread: number, nth: number, reuse: boolean): readonly Location[] | null {
    if (nth >= this.#perThread) return null
    const own = this.#places.find(place => place.thread === thread && (this.#isFrame || place.nth === nth))!
    const others = this.#isFrame || !reuse ? [] : this.#places.filter(place => place !== own && (place.thread !== thread || place.nth < nth))
    return [own, ...others].map(place => this.#objectIn(place, thread, nth)[0]!)
  }

  /** How many objects a thread can allocate. */
  get perThread(): number {
    return this.#perThread
  }

  #addPlace(name: string, thread: number, nth: number, values: readonly Scalar[]): readonly Location[] {
    let words: readonly Location[] = []
    this.#declare(first => {
      const placeName = `place of ${name}`
      const status = makeObject(placeName, first + this.size, [{name: placeName, init: inUse}])[0]!
      words = this.#makeObject(name, first, values, {status, origin: thread < 0 ? 'start' : 'fresh'})
      this.#places.push({first, status, thread, nth, objects: new Map([[`${thread} ${nth}`, words]])})
      return [...words, status]
    })
    return words
  }

  #objectIn({first, status, objects}: Place, thread: number, nth: number): readonly Location[] {
    const key = `${thread} ${nth}`
    const known = objects.get(key)
    if (known !== undefined) return known
    const made = this.#makeObject(this.#nameOf(thread, nth), first, new Array<Scalar>(this.size).fill(uninitialised), {status, origin: 'reused'})
    objects.set(key, made)
    return made
  }

  #makeObject(name: string, first: number, values: readonly Scalar[], heap: HeapObject): readonly Location[] {
    return makeObject(name, first, this.#wordNames(name).map((word, i) => ({name: word, init: values[i]!})), heap)
  }

  /** As reports call the object: by its heap and who allocated it. */
  #nameOf(thread: number, nth: number): string {
    return `${this.name}@${this.#threads[thread]!}${nth === 0 ? '' : `#${nth + 1}`}`
  }

  #wordNames(object: string): string[] {
    return Object.entries(this.layout).flatMap(([field, length]) =>
      length === 1 ? [`${object}.${field}`] : Array.from({length}, (_, i) => `${object}.${field}[${i}]`))
  }

  #perField<T>(words: readonly T[]): PerField<L, T> {
    let next = 0
    return Object.fromEntries(Object.entries(this.layout).map(([field, length]) => {
      const of = words.slice(next, next += length)
      return [field, length === 1 ? of[0] : of]
    })) as PerField<L, T>
  }
}

/** The words of an object, given its fields. @throws {TypeError} if it is not these fields that are given, or not as many words. */
export function flatten<L extends Layout, T>({name, layout}: Heap<L>, fields: PerField<L, T>): readonly T[] {
  const stranger = Object.keys(fields).find(field => !Object.hasOwn(layout, field))
  if (stranger !== undefined) throw new TypeError(`a ${name} has no field ${stranger}: it has ${Object.keys(layout).join(', ')}`)
  return Object.entries(layout).flatMap<T>(([field, length]) => {
    const given = fields[field] as T | readonly T[] | undefined
    const words = Array.isArray(given) ? given.length : Number(given !== undefined)
    if (words !== length || (length === 1 && Array.isArray(given))) throw new TypeError(`field ${field} of a ${name} has ${counted(length)}: it was given ${words === 0 ? 'none' : counted(words)}`)
    return given as T | readonly T[]
  })
}

const counted = (words: number): string => words === 1 ? '1 word' : `${words} words`

function mustBeLayout(name: string, layout: Layout | undefined): void {
  const fields = Object.entries(layout ?? {})
  if (fields.length === 0) throw new TypeError(`heap ${name} needs fields, as in heap('${name}', {next: 1, data: 2})`)
  for (const [field, length] of fields) {
    if (!Number.isInteger(length) || length < 1) throw new TypeError(`field ${field} of heap ${name} has ${String(length)} words: it needs a whole number of them, at least 1`)
  }
}
