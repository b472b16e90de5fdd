/** From a litmus test to a program that the engine runs, and the question about its outcomes. */
import {c11Table} from '../c11.ts'
import {kernelTable} from '../kernel.ts'
import {mapped} from '../mapped.ts'
import type {Program, Thread, Vocabulary} from '../program.ts'
import {makeObject, Value, type Location, type Scalar} from '../value.ts'
import {compareObserved, type Condition, type Observed, type Question} from './condition.ts'
import {lowerThread, type Scope} from './lower.ts'
import {LitmusError, type Source} from './source.ts'
import type {Constant, Initial, LitmusTest, Place, Proposition, ThreadSyntax} from './syntax.ts'
import {runThread, type ThreadCode} from './thread.ts'

/** What each thread returns: its observed registers, by name. */
export type Registers = Readonly<Record<string, Readonly<Record<string, Scalar>>>>

export interface LitmusProgram {
  readonly test: LitmusTest
  readonly program: Program<Registers>
  readonly question: Question
  /** Decides the model that the test runs under if none is named: lkmm or rc11. */
  readonly vocabulary: Vocabulary
  /** The threads as data, in the order of `program.threads`. */
  readonly threads: readonly ThreadCode[]
  /** The question asks for the final value of a lock, which the kernel's model flags. */
  readonly asksForLock: boolean
}

/** Makes a test ready to run. @throws {LitmusError} if it calls or names something that is not known. */
export function litmusProgram(test: LitmusTest): LitmusProgram {
  const vocabulary = vocabularyOf(test.source.text)
  const memory = layOut(test)
  const registers = initialRegisters(test, memory)
  const question = ask(test, memory)
  const made = mapped(test.threads, thread => madeFrom(thread, memory, {
    source: test.source, vocabulary, shared: memory.shared, initial: registers.get(thread.index) ?? none,
    observed: question.observed.flatMap(seen => seen.kind === 'register' && seen.thread === thread.index ? [seen.name] : []),
  }))
  const threads = mapped(made, ({code}) => code)
  const program: Program<Registers> = {name: test.name, memory: memory.words, claims: {}, witnesses: {}, threads: mapped(made, ({thread}) => thread)}
  const asksForLock = question.displayed.some(i => {
    const seen = question.observed[i]!
    return seen.kind === 'memory' && threads.some(({locks}) => locks.has(seen.location))
  })
  return {test, program, question, vocabulary, threads, asksForLock}
}

const none: ReadonlyMap<string, Value> = new Map()

interface Made {
  readonly code: ThreadCode
  readonly thread: Thread
}

/** What was made from the text of a thread, by the memory that it was made for and all else that it depends on. */
const madeBefore = new WeakMap<ThreadSyntax['body'], WeakMap<Memory, Map<string, Made>>>()

/** The thread as code: the same object for the same text in the same memory, which is why what is known of it is kept. */
function madeFrom(syntax: ThreadSyntax, memory: Memory, scope: Scope): Made {
  if (syntax.base === 0 || scope.initial.size > 0) return make(syntax, scope) // it will hardly come again
  const inMemory = madeBefore.get(syntax.body) ?? new WeakMap<Memory, Map<string, Made>>()
  madeBefore.set(syntax.body, inMemory)
  const known = inMemory.get(memory) ?? new Map<string, Made>()
  inMemory.set(memory, known)
  const key = `${syntax.index} ${scope.vocabulary} ${scope.observed.join()}`
  const made = known.get(key) ?? make(syntax, scope)
  known.set(key, made)
  return made
}

function make(syntax: ThreadSyntax, scope: Scope): Made {
  const code = lowerThread(syntax, scope)
  return {code, thread: {name: `P${syntax.index}`, body: () => runThread(code), isData: true}}
}

/** A test speaks C11 if it names a memory order, an atomic type of C, or calls something that only stdatomic.h has. */
function vocabularyOf(text: string): Vocabulary {
  if (!text.includes('atomic')) return 'kernel'
  if (/\bmemory_order_|\batomic_(?:int|uint|long|ulong|bool|char)\b/.test(text)) return 'c11'
  const calls = text.matchAll(/\b(atomic_\w+)\s*\(/g)
  for (const [, name] of calls) if (c11Table.has(name!) && !kernelTable.has(name!)) return 'c11'
  return 'kernel'
}

// ---- Memory --------------------------------------------------------------------------------------

interface Memory {
  readonly words: readonly Location[]
  /** The first word of each shared variable. */
  readonly shared: ReadonlyMap<string, Location>
  readonly object: ReadonlyMap<string, readonly Location[]>
}

/** Memories by what is in them: words that have the same names, values and places are the same words. */
const memories = new Map<string, Memory>()
const maxMemories = 1000

/** Every name that is initialised, passed to a thread, pointed to or observed is a shared variable; 0 unless said otherwise. */
function layOut(test: LitmusTest): Memory {
  const lengths = sharedNames(test)
  let key = ''
  for (const [name, length] of lengths) key += length === null ? `${name},` : `${name}[${length}],`
  for (let i = 0; i < test.init.length; i++) key += written(test.init[i]!)
  const known = memories.get(key)
  if (known !== undefined) return known
  const memory = newMemory(test, lengths)
  if (memories.size >= maxMemories) memories.clear()
  memories.set(key, memory)
  return memory
}

/** The names, in the order in which the test comes to them, each with the length of its array. */
function sharedNames({init, threads, locations, filter, condition}: LitmusTest): ReadonlyMap<string, number | null> {
  const lengths = new Map<string, number | null>()
  for (let i = 0; i < init.length; i++) {
    const {place, length} = init[i]!
    if (place.kind === 'shared') note(lengths, place.name, length)
  }
  for (let i = 0; i < threads.length; i++) {
    const {parameters} = threads[i]!
    for (let j = 0; j < parameters.length; j++) note(lengths, parameters[j]!.name)
  }
  for (let i = 0; i < init.length; i++) {
    for (const value of init[i]!.values) if (typeof value !== 'number') note(lengths, value.name)
  }
  for (let i = 0; i < locations.length; i++) if (locations[i]!.kind === 'shared') note(lengths, locations[i]!.name)
  if (filter !== null) noteNames(filter, lengths)
  noteNames(condition, lengths)
  return lengths
}

function note(lengths: Map<string, number | null>, name: string, length: number | null = null): void {
  if (!lengths.has(name)) lengths.set(name, length)
}

function newMemory(test: LitmusTest, lengths: ReadonlyMap<string, number | null>): Memory {
  const words: Location[] = []
  const object = new Map<string, readonly Location[]>()
  for (const [name, length] of lengths) {
    const fields = length === null ? [{name, init: 0}] : Array.from({length}, (_, i) => ({name: `${name}[${i}]`, init: 0}))
    const made = makeObject(name, words.length, fields)
    words.push(...made)
    object.set(name, made)
  }
  const memory = {words, object, shared: new Map(Array.from(object, ([name, own]) => [name, own[0]!]))}
  for (const item of test.init) if (item.place.kind === 'shared') initialise(test.initSource, memory, item)
  return memory
}

/** An initial value as text; nothing for that of a register, which is no part of the memory. */
function written({place, values}: Initial): string {
  if (place.kind === 'register') return ''
  let text = `${place.name}=`
  for (const value of values) text += typeof value === 'number' ? `${value}|` : `${value.name}[${value.index}]|`
  return text
}

function noteNames(proposition: Proposition, lengths: Map<string, number | null>): void {
  switch (proposition.kind) {
    case 'constant': break
    case 'not':
      noteNames(proposition.of, lengths)
      break
    case 'and': case 'or': case 'implies':
      noteNames(proposition.left, lengths)
      noteNames(proposition.right, lengths)
      break
    case 'equal': case 'unequal':
      if (proposition.place.kind === 'shared') note(lengths, proposition.place.name)
      if (typeof proposition.value !== 'number' && !('kind' in proposition.value && proposition.value.kind === 'register')) note(lengths, proposition.value.name)
      break
  }
}

/** Initial values may point to each other, so they come after all words are made: the one time that a word is changed. */
function initialise(source: Source, memory: Memory, {place, values}: Initial): void {
  const own = memory.object.get(place.name)!
  for (const [i, value] of values.entries()) {
    const word = own[i]
    if (word === undefined) throw new LitmusError(source, place.at, `${place.name} has ${own.length} words, but more initial values`)
    const init = scalarOf(source, memory, value)
    Object.assign(word, {init})
  }
}

function scalarOf(source: Source, memory: Memory, value: Constant): Scalar {
  return typeof value === 'number' ? value : wordOf(source, memory, value)
}

function wordOf(source: Source, memory: Memory, {name, index, at}: {readonly name: string; readonly index: number; readonly at: number}): Location {
  const own = memory.object.get(name)!
  const word = own[index]
  if (word === undefined) throw new LitmusError(source, at, `${name}[${index}] does not exist: ${name} has ${own.length} words`)
  return word
}

/** What the initial state says of registers (`0:r1=x`), by thread. */
function initialRegisters(test: LitmusTest, memory: Memory): ReadonlyMap<number, ReadonlyMap<string, Value>> {
  const registers = new Map<number, Map<string, Value>>()
  for (const {place, values} of test.init) {
    if (place.kind !== 'register') continue
    if (!test.threads.some(thread => thread.index === place.thread)) throw noThread(test.initSource, place)
    const own = registers.get(place.thread) ?? new Map<string, Value>()
    registers.set(place.thread, own)
    own.set(place.name, Value.of(values[0] === undefined ? 0 : scalarOf(test.initSource, memory, values[0])))
  }
  return registers
}

function noThread(source: Source, place: Extract<Place, {kind: 'register'}>): LitmusError {
  return new LitmusError(source, place.at, `${place.thread}:${place.name} is a register of thread P${place.thread}, which does not exist`)
}

// ---- The question --------------------------------------------------------------------------------

function ask(test: LitmusTest, memory: Memory): Question {
  const asking = new Asking(test, memory)
  const condition = asking.condition(test.condition)
  for (const place of test.locations) asking.observe(place)
  const displayed = mapped(asking.observed, (_, i) => i).sort((a, b) => compareObserved(asking.observed[a]!, asking.observed[b]!))
  const filter = test.filter === null ? null : asking.condition(test.filter)
  return {quantifier: test.quantifier, condition, filter, observed: asking.observed, displayed}
}

class Asking {
  readonly observed: Observed[] = []
  readonly #known = new Map<string, number>()
  readonly #test: LitmusTest
  readonly #memory: Memory

  constructor(test: LitmusTest, memory: Memory) {
    this.#test = test
    this.#memory = memory
  }

  /** The position of a place among the observed. */
  observe(place: Place): number {
    const key = place.kind === 'register' ? `${place.thread}:${place.name}` : `${place.name}[${place.index}]`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    if (place.kind === 'register' && !this.#test.threads.some(thread => thread.index === place.thread)) throw noThread(this.#test.questionSource, place)
    const position = this.observed.push(place.kind === 'register'
      ? {kind: 'register', thread: place.thread, name: place.name}
      : {kind: 'memory', location: wordOf(this.#test.questionSource, this.#memory, place)}) - 1
    this.#known.set(key, position)
    return position
  }

  condition(proposition: Proposition): Condition {
    switch (proposition.kind) {
      case 'constant': return proposition
      case 'not': return {kind: 'not', of: this.condition(proposition.of)}
      case 'and': case 'or':
        return {kind: proposition.kind, left: this.condition(proposition.left), right: this.condition(proposition.right)}
      case 'implies':
        return {kind: 'or', left: {kind: 'not', of: this.condition(proposition.left)}, right: this.condition(proposition.right)}
      case 'equal': return this.#comparison(proposition)
      case 'unequal': return {kind: 'not', of: this.#comparison(proposition)}
    }
  }

  #comparison({place, value}: Extract<Proposition, {kind: 'equal' | 'unequal'}>): Condition {
    const observed = this.observe(place)
    if (typeof value === 'number') return {kind: 'is', observed, value}
    if ('kind' in value && value.kind === 'register') return {kind: 'same', observed, other: this.observe(value)}
    return {kind: 'is', observed, value: wordOf(this.#test.questionSource, this.#memory, value)}
  }
}
