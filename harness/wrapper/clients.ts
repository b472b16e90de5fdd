/** The clients of a wrapper, in their order: enumerated when they are first asked for, and then kept for the next model. */
import type {Client, Statement} from '../rust/client.ts'
import {check} from '../rust/check.ts'
import {Choices} from '../rust/choices.ts'
import {calledIn, clientsOfSize, defaultBounds} from '../rust/enumerate.ts'
import {borrowingPayloads, payloadsNamed} from '../rust/payloads.ts'
import {printProgram} from '../rust/print.ts'
import {constructed, type Wrapper} from './wrapper.ts'

/** A client, its size in statements, and its position among all clients of the wrapper, from 1. The bounds are always the same. */
export interface Numbered {
  readonly client: Client
  readonly size: number
  readonly ordinal: number
}

/** Ordinals above this are of no client that was ever run: they are not looked for. */
const most = 100_000

/**
 * Ordinals above these are positions among the clients without threads that make one value of each struct, among those whose T
 * borrows, and among those that may make several.
 */
const [aloneFrom, borrowingFrom, severalFrom] = [1_000_000, 2_000_000, 3_000_000]

class ClientList {
  readonly #ofSize: (size: number) => Iterator<Client, unknown>
  readonly #made: Numbered[] = []
  #size = 1
  #rest: Iterator<Client, unknown>

  constructor({signatures, bounds}: Wrapper) {
    const {main, threads, statements, instances, values} = {...defaultBounds, ...bounds}
    this.#ofSize = size => clientsOfSize(signatures, size, {...defaultBounds, main, threads, statements, instances, values}, bounds?.payloads)
    this.#rest = this.#ofSize(this.#size)
  }

  /** All clients up to a size, smallest first. */
  * upTo(size: number): Generator<Numbered> {
    for (let i = 0; ; i++) {
      while (i >= this.#made.length && this.#size <= size) this.#advance()
      const found = this.#made[i]
      if (found === undefined || found.size > size) return
      yield found
    }
  }

  #advance(): void {
    const step = this.#rest.next()
    if (step.done !== true) this.#made.push({client: step.value, size: this.#size, ordinal: this.#made.length + 1})
    else this.#rest = this.#ofSize(++this.#size)
  }
}

const lists = new Map<string, ClientList>()

/** The clients of a wrapper; one list for wrappers with the same signatures. */
export function clientListOf(wrapper: Wrapper): ClientList {
  const {payloads, main, threads, statements, instances, values} = wrapper.bounds ?? {}
  const key = JSON.stringify({rust: wrapper.rust, payloads, main, threads, statements, instances, values})
  const list = lists.get(key) ?? new ClientList(wrapper)
  lists.set(key, list)
  return list
}

/** The wrapper with no threads in its clients, T being what most of its methods take, and `Loud`, which is dropped. */
function alone(wrapper: Wrapper): Wrapper {
  const {signatures, bounds} = wrapper
  const callable = payloadsNamed(bounds?.payloads)
    .map(payload => ({name: payload.name, methods: new Choices(signatures, payload, defaultBounds).methods.length}))
  const most = Math.max(...callable.map(({methods}) => methods))
  const telling = callable.filter(({name, methods}, i) => methods === most && (name === 'Loud' || callable.findIndex(other => other.methods === most) === i))
  return {...wrapper, bounds: {...bounds, threads: 0, payloads: telling.map(({name}) => name)}}
}

/** The wrapper with no threads in its clients, T being what borrows a variable of theirs. */
function borrowing(wrapper: Wrapper): Wrapper {
  const {signatures: {methods}, bounds} = wrapper
  const isGeneric = methods.some(({types}) => types.length > 0)
  const named = borrowingPayloads.map(({name}) => name).filter(name => isGeneric && (bounds?.payloads?.includes(name) ?? true))
  return {...wrapper, bounds: {...bounds, threads: 0, instances: 1, values: 2, payloads: named}}
}

/** The wrapper with one value of each struct in its clients. */
function single(wrapper: Wrapper): Wrapper {
  return {...wrapper, bounds: {...wrapper.bounds, instances: 1}}
}

/** Does a client make two values of some struct? */
function makesTwo({signatures: {methods}}: Wrapper, {main}: Client): boolean {
  const made = calledIn(main.statements).flatMap(id => constructed(methods.find(method => method.id === id)!) ?? [])
  return new Set(made).size < made.length
}

/**
 * The clients without threads of no more statements than that: those of more than so many, with one T, or two; and all whose T
 * borrows. Smallest first, and those last that make two values of some struct: there are many of them.
 */
export function* clientsAlone(wrapper: Wrapper, more: number, size: number): Generator<Numbered> {
  if (size <= more || wrapper.bounds?.threads === 0) return
  const own = alone(wrapper)
  yield* inSizes([{list: clientListOf(single(own)), from: aloneFrom, more}, {list: clientListOf(borrowing(wrapper)), from: borrowingFrom, more: 0}], size)
  for (const found of inSizes([{list: clientListOf(own), from: severalFrom, more}], size)) if (makesTwo(wrapper, found.client)) yield found
}

/** The clients of lists of more than so many statements, and no more than that many. */
function* inSizes(lists: readonly {readonly list: ClientList; readonly from: number; readonly more: number}[], size: number): Generator<Numbered> {
  for (let statements = 1; statements <= size; statements++) {
    for (const {list, from, more} of lists) {
      if (statements > more) for (const found of list.upTo(statements)) if (found.size === statements) yield {...found, ordinal: found.ordinal + from}
    }
  }
}

/** The client of this position, or null if there is none among those up to a size. */
export function clientOf(wrapper: Wrapper, ordinal: number, size: number): Numbered | null {
  const isAlone = ordinal > aloneFrom
  if ((isAlone ? ordinal % aloneFrom : ordinal) > most || ordinal > severalFrom + most) return null
  for (const found of isAlone ? clientsAlone(wrapper, 0, size) : clientListOf(wrapper).upTo(size)) if (found.ordinal === ordinal) return found
  return null
}

/** As tokens call the program that a client is: `d1-seq-copy-volatile#39`. */
export function clientName(wrapper: string, ordinal: number): string {
  return `${wrapper}#${ordinal}`
}

/** The wrapper's name and the ordinal in the name of a client's program; null for other programs. */
export function partsOfClientName(name: string): {readonly wrapper: string; readonly ordinal: number} | null {
  const [, wrapper, ordinal] = /^(.+)#([1-9]\d*)$/.exec(name) ?? []
  return wrapper === undefined ? null : {wrapper, ordinal: Number(ordinal)}
}

/** A client as a Rust program, and where its statements stand in it. */
export interface Listing {
  readonly lines: readonly string[]
  /** The line of a statement of the client, from 1. */
  readonly lineOf: ReadonlyMap<Statement, number>
}

export function listingOf({signatures, name}: Wrapper, client: Client): Listing {
  const statements: Statement[] = []
  const mark = (statement: Statement): string => `\0${statements.push(statement) - 1};`
  const marked = printProgram(signatures, client, check(signatures, client).types, moduleOf(name), mark).trimEnd().split('\n')
  const found = marked.flatMap((line, i) => Array.from(line.matchAll(marks), ([, at]): [Statement, number] => [statements[Number(at)]!, i + 1]))
  return {lines: marked.map(line => line.replaceAll(marks, '')), lineOf: new Map(found)}
}

/** NUL is in no Rust program. */
const marks = /\0(\d+);/g

/** The client as a Rust program. */
export function rustOf(wrapper: Wrapper, client: Client): string {
  return `${listingOf(wrapper, client).lines.join('\n')}\n`
}

/** The name of the Rust module that stands for the wrapper: `tests/mine.ts@lock` is `lock`. */
function moduleOf(name: string): string {
  return name.replace(/^.*@/, '').replace(/\W/g, '_')
}
