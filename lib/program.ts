/**
 * Programs: shared memory, threads as generator functions, and what is claimed of their outcomes.
 *
 * A thread yields operations as plain objects and never touches memory itself; the machine decides
 * what each read returns. A thread must be a function of the values that it reads: it may be run
 * many times, and run again from the start.
 */
import {Heap, type Layout, type Places} from './heap.ts'
import {makeObject, Value, type Location, type Operand, type Scalar} from './value.ts'
import {WrongInput} from './wrong-input.ts'

/** Which language an operation is spelled in; a model of the other one maps it (mapping.ts). */
export type Vocabulary = 'kernel' | 'c11'

/** How strongly an operation orders, in its own vocabulary's words (herd's annotation tags). */
export type KernelOrder =
  | 'plain' | 'ONCE' | 'ACQUIRE' | 'RELEASE' | 'MB' | 'NORETURN'
  // spin locks and SRCU have events of their own (lock.cat, linux-kernel.bell)
  | 'LOCK' | 'TRYLOCK' | 'UNLOCK' | 'IS-LOCKED' | 'SRCU-LOCK' | 'SRCU-UNLOCK'
export type KernelFence =
  | 'MB' | 'Rmb' | 'Wmb' | 'Barrier'
  | 'Before-atomic' | 'After-atomic' | 'After-spinlock' | 'After-unlock-lock'
  | 'Rcu-lock' | 'Rcu-unlock' | 'Sync-rcu' | 'Sync-srcu' | 'After-srcu-read-unlock'
export type C11Order = 'NA' | 'RLX' | 'ACQ' | 'REL' | 'ACQ_REL' | 'SC'

/** Where an access goes: a word, or a pointer that was read. */
export type Address = Location | Value

interface Named {
  /** As the user wrote it: `READ_ONCE`, `smp_store_release`, `fetch_add(Acquire)`. */
  readonly name: string
  readonly vocabulary: Vocabulary
  /** The call of a C function that it is part of; left out on the Rust side. See `inC`. */
  readonly call?: object
}

/** An operation that a thread may yield. */
export type Op =
  | (Named & {readonly kind: 'load'; readonly order: KernelOrder | C11Order; readonly at: Address
    /** The read waits until the word holds a value that satisfies this (a spin loop without the spinning). */
    readonly until?: (value: Scalar) => boolean
    /** Nobody waits, and nothing depends on `until`: executions in which it does not hold are left out, to ask for the others. */
    readonly isCertain?: boolean
    /** The thread has nothing else to do: if the wait goes on for ever, the thread is at its end, and nothing is blocked. */
    readonly isIdle?: boolean})
  | (Named & {readonly kind: 'store'; readonly order: KernelOrder | C11Order; readonly at: Address; readonly value: Value
    /** The object that the word is part of begins or ends here. */
    readonly mark?: Mark})
  | (Named & {readonly kind: 'rmw'; readonly order: KernelOrder | C11Order; readonly at: Address
    readonly update: (old: Value) => Value
    readonly until?: (value: Scalar) => boolean
    /** Executions in which `until` never holds do not exist, rather than being blocked. */
    readonly isCertain?: boolean})
  | (Named & {readonly kind: 'cas'; readonly order: KernelOrder | C11Order; readonly failure: KernelOrder | C11Order
    readonly at: Address; readonly expected: Value; readonly desired: Value | ((old: Value) => Value)
    /** It succeeds if the word does not hold `expected`: atomic_add_unless(). */
    readonly unless?: boolean})
  | (Named & {readonly kind: 'fence'; readonly order: KernelFence | C11Order
    /** synchronize_srcu(): the domain that it waits for. */
    readonly at?: Address})
  /** One of several scalars, whichever the scheduler likes. */
  | {readonly kind: 'pick'; readonly among: Picker}
  /** The address behind a pointer, on which what follows does not depend. */
  | {readonly kind: 'address'; readonly value: Value}
  | {readonly kind: 'raw'; readonly value: Value}
  | {readonly kind: 'when'; readonly condition: Value}
  | {readonly kind: 'merge'}
  /** KCSAN takes this many accesses from here on for atomic. */
  | {readonly kind: 'atomic-next'; readonly accesses: number}
  | {readonly kind: 'iterate'; readonly round: number | null}
  | {readonly kind: 'check'; readonly claim: string; readonly holds: Value}
  /** A value is computed, whether or not anybody asks for it: what C leaves undefined is then a failure. */
  | {readonly kind: 'compute'; readonly value: Value}

/** A store that begins the life of the object that its word is part of, or ends it. */
export type Mark = 'birth' | 'death'

/** What a thread may be given when it asks for the `nth` time (from 0); null if there is nothing left after `perThread` times. */
export interface Picker {
  readonly choices: (thread: number, nth: number, reuse: boolean) => readonly Scalar[] | null
  readonly perThread: number
}

/** What the machine answers: the value read, the raw scalar, the arm to take, or nothing. */
export type Reply = Value | Scalar | boolean | undefined

/** A thread, or a part of one: yields operations, returns a T. */
export type Proc<T = void> = Generator<Op, T, Reply>

/**
 * Yields one operation and returns the machine's reply. Every vocabulary is built on this.
 * An error that is thrown into the thread instead of a reply tells of the line that yielded the operation.
 */
export function* perform<R extends Reply>(op: Op): Proc<R> {
  if ('order' in op && op.kind !== 'fence' && !isAddress(op.at)) throw new TypeError(`${op.name} was given ${typeof op.at === 'object' ? 'an object' : String(op.at)}, which is no location`)
  sites?.set(op, new Error('site').stack ?? '')
  try {
    return (yield op) as R
  } catch (error) {
    if (error instanceof Error) Error.captureStackTrace(error, perform)
    throw error
  }
}

/** TypeScript sees to it; JavaScript does not. */
function isAddress(at: Address | undefined): boolean {
  return at instanceof Value || (at?.kind === 'location')
}

let sites: WeakMap<Op, string> | null = null

/**
 * Runs `body` while noting the JavaScript stack that leads to each operation; ask `siteOf` inside.
 * Used once, on the failing execution, so that ordinary runs pay nothing.
 */
export function recordingSites<T>(body: () => T): T {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 50
  sites = new WeakMap()
  try {
    return body()
  } finally {
    sites = null
    Error.stackTraceLimit = limit
  }
}

/** The stack that led to an operation, while recording. */
export function siteOf(op: Op): string | undefined {
  return sites?.get(op)
}

/**
 * The JavaScript number (or pointer) behind a value. From here on the whole rest of the thread is
 * control-dependent on it: JavaScript's own control flow cannot be seen to merge. Hardware does the
 * same; LKMM ends a control dependency where the arms of an `if` meet, so use `when` where that matters.
 */
export function* raw(value: Operand): Proc<Scalar> {
  if (!(value instanceof Value)) return typeof value === 'boolean' ? Number(value) : value
  return yield* perform<Scalar>({kind: 'raw', value})
}

/** The number behind a value, see `raw`. @throws {TypeError} if the value is a pointer. */
export function* rawNumber(value: Operand): Proc<number> {
  const scalar = yield* raw(value)
  if (typeof scalar !== 'number') throw new TypeError(`expected a number, found the pointer &${scalar.name}`)
  return scalar
}

/**
 * `if (condition) then() else otherwise()`, with LKMM's control dependency: it reaches the stores
 * inside the arms and ends where they meet. A value that the arms return remembers the condition.
 */
export function when<A, B>(condition: Operand, then: () => Proc<A>, otherwise: () => Proc<B>): Proc<A | B>
export function when<A>(condition: Operand, then: () => Proc<A>): Proc<A | undefined>
export function* when<A, B>(condition: Operand, then: () => Proc<A>, otherwise?: () => Proc<B>): Proc<A | B | undefined> {
  const tested = Value.of(condition)
  const taken = yield* perform<boolean>({kind: 'when', condition: tested})
  const result = taken ? yield* then() : otherwise === undefined ? undefined : yield* otherwise()
  yield* perform<undefined>({kind: 'merge'})
  const tests = [...tested.reads, ...tested.control]
  return result instanceof Value ? result.under(tests) as A | B : result
}

/**
 * Marks one round of a loop. A run's loop bound (`--bound`) cuts a thread that starts a round beyond
 * it; the result then says that it was cut.
 * @param round which round of the loop this is, from 1; left out, the thread's rounds are counted together.
 */
export function* iteration(round?: number): Proc {
  yield* perform<undefined>({kind: 'iterate', round: round ?? null})
}

/** Claims that a condition holds here. A run in which it does not is a violation named `claim`. */
export function* check(claim: string, holds: Operand): Proc {
  yield* perform<undefined>({kind: 'check', claim, holds: Value.of(holds)})
}

/** Declares the shared memory of a program. Every name must be new. */
export interface Memory {
  /** One word; 0 from the start, unless said. Of one that is `uninitialised`, a read that finds nothing written is a fault. */
  readonly word: (name: string, init?: Scalar) => Location
  /** An array of words, all `init` or with the values given. */
  readonly array: (name: string, length: number | readonly Scalar[], init?: Scalar) => readonly Location[]
  /** A struct: one word per field, in this order. */
  readonly struct: <F extends Record<string, Scalar>>(name: string, fields: F) => {readonly [K in keyof F]: Location}
  /** What a declared word holds from the start, where that is declared after it: a list head points to itself. */
  readonly initialise: (word: Location, value: Scalar) => void
  /**
   * A heap of objects with these fields (and how many words each has), for `alloc` and `free`.
   * @param perThread how many objects a thread may allocate; default 2.
   * @param places where its objects may be; default anywhere.
   */
  readonly heap: <const L extends Layout>(name: string, layout: L, perThread?: number, places?: Places) => Heap<L>
}

/** What a thread returned, once every value in it is decided. */
export type Resolved<T> =
  T extends Value ? number
    : T extends Location ? Location
      : T extends readonly (infer E)[] ? readonly Resolved<E>[]
        : T extends object ? {readonly [K in keyof T]: Resolved<T[K]>}
          : T

type Threads = Readonly<Record<string, () => Proc<unknown>>>

/** What each thread returned, by the thread's name. */
export type Returned<T extends Threads> =
  {readonly [K in keyof T]: T[K] extends () => Proc<infer R> ? Resolved<R> : never}

/** Memory at the end of an execution: the co-last value of a word. */
export type FinalMemory = (location: Location) => Scalar

/** A condition on one complete execution: what the threads returned, and final memory. */
export type Condition<R> = (returned: R, final: FinalMemory) => boolean

/** Under this key a program says which copy of the library made it: the same key in every copy. */
const madeBy: unique symbol = Symbol.for('tearproof.copy')
const thisCopy = Symbol('this copy')

/** A program of another copy of the library, whose values this one does not know for values. */
export class OtherCopy extends WrongInput {
  override readonly name = 'OtherCopy'
}

/** @throws {OtherCopy} if another copy of the library made the program: its threads would not do what they seem to. */
export function mustBeOwn(program: Program): void {
  if (program[madeBy] === undefined || program[madeBy] === thisCopy) return
  throw new OtherCopy(`program ${program.name} was made by another copy of tearproof than the one that should run it: `
    + 'install it once, and import it from ES modules alone ("type": "module" in package.json), which share one copy')
}

/** A thread of a program. */
export interface Thread {
  readonly name: string
  readonly body: () => Proc<unknown>
  /** Does the body interpret data, so that it does the same every time by construction? (A litmus test's; not its user's code.) */
  readonly isData?: boolean
}

/** A program that the engine can run. Made by `program`. */
export interface Program<R = unknown> {
  readonly [madeBy]?: symbol
  readonly name: string
  readonly memory: readonly Location[]
  readonly threads: readonly Thread[]
  /** Hold in every execution, or the program is broken. By name, in the user's words. */
  readonly claims: Readonly<Record<string, Condition<R>>>
  /** Hold in some execution, or the claims may be vacuous. */
  readonly witnesses: Readonly<Record<string, Condition<R>>>
}

/** The conditions on a program's outcomes. */
export interface Expectations<R> {
  readonly claims?: Readonly<Record<string, Condition<R>>>
  readonly witnesses?: Readonly<Record<string, Condition<R>>>
}

/** What a program is built from. */
export type Parts<T extends Threads> = Expectations<Returned<T>> & {readonly threads: T}

/**
 * Puts threads and conditions together, so that the conditions' parameters are typed after what the
 * threads return. (Written as one object literal, TypeScript would type them before it has seen the threads.)
 */
export function threads<T extends Threads>(all: T, expected: Expectations<Returned<T>> = {}): Parts<T> {
  return {threads: all, ...expected}
}

/**
 * Builds a program.
 * @param build declares shared memory and returns the threads, and optionally `claims` (must hold in
 *   every execution) and `witnesses` (must hold in some); best with `threads({…}, {claims: {…}})`.
 * @throws {TypeError} if two words have one name, or there is no thread.
 */
export function program<T extends Threads>(name: string, build: (memory: Memory) => Parts<T>): Program<Returned<T>> {
  const words: Location[] = []
  const heaps: {furnish(threads: readonly string[]): void}[] = []
  let isBuilt = false
  const add = (made: readonly Location[]): void => {
    for (const field of made) {
      if (isBuilt) throw new TypeError(`program ${name} declares ${field.name} in a thread: declare it outside of them, once`)
      if (words.some(word => word.name === field.name)) throw new TypeError(`program ${name} declares ${field.name} twice`)
    }
    words.push(...made)
  }
  const declare = (object: string, fields: readonly {name: string; init: Scalar}[]): Location[] => {
    const made = makeObject(object, words.length, fields)
    add(made)
    return made
  }
  const memory: Memory = {
    word: (object, init = 0) => declare(object, [{name: object, init}])[0]!,
    array: (object, length, init = 0) => {
      const inits = typeof length === 'number' ? Array.from({length}, () => init) : length
      return declare(object, inits.map((value, i) => ({name: `${object}[${i}]`, init: value})))
    },
    struct: <F extends Record<string, Scalar>>(object: string, fields: F) => {
      const names = Object.keys(fields)
      const made = declare(object, names.map(field => ({name: `${object}.${field}`, init: fields[field]!})))
      return Object.fromEntries(names.map((field, i) => [field, made[i]])) as {[K in keyof F]: Location}
    },
    initialise: (word, value) => {
      if (!words.includes(word)) throw new TypeError(`program ${name} initialises ${word.name}, which it does not declare`)
      ;(word as {init: Scalar}).init = value
    },
    heap: <const L extends Layout>(object: string, layout: L, perThread = 2, places: Places = 'anywhere') => {
      const heap = new Heap(object, layout, {perThread, places}, make => add(make(words.length)))
      heaps.push(heap)
      return heap
    },
  }
  const built = build(memory)
  const bodies = Object.entries(built.threads).map(([thread, body]) => ({name: thread, body: () => procOf(thread, body)}))
  if (bodies.length === 0) throw new TypeError(`program ${name} has no thread`)
  for (const heap of heaps) heap.furnish(Object.keys(built.threads))
  isBuilt = true
  return {[madeBy]: thisCopy, name, memory: words, threads: bodies, claims: built.claims ?? {}, witnesses: built.witnesses ?? {}}
}

/** What a thread's function makes. JavaScript lets any function stand for a thread: one that makes none, or throws, is a thread that throws. */
function procOf(thread: string, body: () => Proc<unknown>): Proc<unknown> {
  try {
    const made = body() as Partial<Proc<unknown>> | null | undefined
    if (typeof made?.next === 'function') return made as Proc<unknown>
    return throwing(new TypeError(`thread ${thread} is no generator function: write ${thread}: function* () { … }`))
  } catch (error) {
    return throwing(error)
  }
}

function* throwing(error: unknown): Proc {
  throw error
}

/**
 * A part of a thread that stays in C: what it does is one call of a C function. It makes a difference under
 * `kernel-rust` alone, where dependencies order nothing unless they begin and end in one such call.
 */
export function* inC<T>(proc: Proc<T>): Proc<T> {
  const call = {}
  return yield* rewriting(proc, op => 'vocabulary' in op && op.call === undefined ? {...op, call} : op)
}

/**
 * The same thread with some of its operations left out: a mutant, to test the test.
 * A fence or store that is dropped just does not happen; a load cannot be dropped.
 */
export function* without<T>(proc: Proc<T>, drop: (op: Op) => boolean): Proc<T> {
  return yield* rewriting(proc, op => drop(op) ? null : op)
}

/**
 * The same thread, watched: `look` sees each operation before it is performed, and `seen` with what was replied.
 * An error that `look` throws is thrown in the thread, at the operation.
 */
export function* watching<T>(proc: Proc<T>, look: (op: Op) => void, seen: (op: Op, reply: Reply) => void): Proc<T> {
  let step = proc.next()
  while (!step.done) {
    let reply: Reply
    try {
      look(step.value)
      reply = yield step.value
      seen(step.value, reply)
    } catch (error) {
      step = proc.throw(error)
      continue
    }
    step = proc.next(reply)
  }
  return step.value
}

/** The same thread with each operation replaced by what `rewrite` makes of it; null leaves it out. */
export function* rewriting<T>(proc: Proc<T>, rewrite: (op: Op) => Op | null): Proc<T> {
  let step = proc.next()
  while (!step.done) {
    const op = rewrite(step.value)
    if (op !== null) sites?.set(op, siteOf(step.value) ?? '')
    let reply: Reply
    try {
      reply = op === null ? undefined : yield op
    } catch (error) {
      step = proc.throw(error)
      continue
    }
    step = proc.next(reply)
  }
  return step.value
}
