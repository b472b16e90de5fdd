/**
 * A client as a program. What the main thread does before its scoped threads is run at once, and gives the memory that
 * they begin with; what it does after them is run on the memory that they leave, once per execution. In between, each
 * scoped thread is a thread of the program (std::thread::scope: spawning and joining order everything before and after).
 */
import {awaitOnce, check, program, WrongInput, type Heap, type Location, type Memory, type Op, type Proc, type Reply, type Scalar} from '../../lib/index.ts'
import type {AnyProgram} from '../operations.ts'
import type {Block, Client, Statement, Thread, Variable} from '../rust/client.ts'
import {closuresIn} from '../rust/client.ts'
import {calledIn} from '../rust/enumerate.ts'
import {renameBlock} from '../rust/rename.ts'
import {EndOfBlock, Interpreter, type Setting} from './interpret.ts'
import {payloadWords, type PayloadWords} from './payload.ts'
import {ownSections, type Sections} from './sections.ts'
import {Sequential, SequentialDeadlock, SequentialFault} from './sequential.ts'
import {Unwinding, type RustValue} from './value.ts'
import {constructed, MisfitBody, type Wrapper} from './wrapper.ts'

/** What the sequential parts of a client are judged by. */
export const aloneClaims = {before: 'the main thread does nothing wrong by itself', after: 'the main thread does nothing wrong after the others have ended'} as const

/** The memory of one instance. @throws {MisfitBody} if the author's function does. */
function laidOut(wrapper: Wrapper, ...given: Parameters<Wrapper['layout']>): unknown {
  try {
    return wrapper.layout(...given)
  } catch (error) {
    throw error instanceof WrongInput ? error : new MisfitBody(`wrapper ${wrapper.name}: its layout threw: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** The payload's words, or null if values of it cannot be run. */
export function runnable(client: Client): PayloadWords | null {
  return payloadWords.get(client.payload) ?? null
}

/** The program that a client is. @param name as tokens and reports call it; @param watch and trace see interpret.ts. */
export function clientProgram(wrapper: Wrapper, client: Client, payload: PayloadWords, name: string, watch?: Setting['watch'], trace?: Setting['trace']): AnyProgram {
  const {before, scope, after} = split(client.main)
  let main: Main | null = null
  const built = program(name, memory => {
    const instances = new Map<Statement, unknown>()
    const most = objectsPerThread(wrapper, client.main)
    for (const {statement, struct} of constructorsIn(wrapper, client.main)) instances.set(statement, laidOut(wrapper, memory, instanceName(instances.size), payload, struct, most))
    const setting: Setting = {wrapper, ...heapsOf(memory, payload, most), thread: 0, instanceOf: statement => instances.get(statement), ...watch === undefined ? {} : {watch}, ...trace === undefined ? {} : {trace}}
    main = new Main(setting, before)
    const never = memory.word('the end of the main thread')
    const threads = main.end === 'done' ? scope : []
    const bodies = threads.map((thread, i): [string, () => Proc<unknown>] => [`thread ${i + 1}`, () => waiting(main!.sections, never, threadOf(main!, thread, i + 1))])
    return {
      threads: {...Object.fromEntries<() => Proc<unknown>>(bodies), main: main.end === 'deadlock' ? () => awaitOnce(never, () => false) : idle},
      claims: {
        [aloneClaims.before]: () => main!.isClean,
        [aloneClaims.after]: (returned: Record<string, unknown>, final: (location: Location) => Scalar) => main!.isCleanAfter(threads, after, client.main.drops, returned as Returned, final),
      },
    }
  })
  const {written} = main!
  return {...built, memory: built.memory.map(word => written.has(word.index) ? {...word, init: written.get(word.index)!} : word)}
}

/** How many objects of each kind a thread may allocate: as many as it has values at most. */
function objectsPerThread(wrapper: Wrapper, {statements}: Block): number {
  const counts = statements.flatMap(statement => statement.kind === 'scope' ? statement.threads.map(({body}) => valuesIn(wrapper, body)) : [])
  const after = statements.slice(statements.findIndex(({kind}) => kind === 'scope') + 1)
  return Math.max(1, valuesIn(wrapper, {statements: after, drops: []}), ...counts)
}

/** How many values of T a block makes, and how many its calls may clone. */
function valuesIn({signatures}: Wrapper, block: Block): number {
  let count = 0
  renameBlock(block, {variable: variable => variable, value: n => (count++, n)})
  const clones = (id: string): boolean => signatures.methods.find(method => method.id === id)!.bounds.some(bound => bound.kind === 'trait' && bound.trait === 'Clone')
  return count + calledIn(block.statements).filter(clones).length
}

function heapsOf(memory: Memory, payload: PayloadWords, most: number): Pick<Setting, 'payload' | 'boxes' | 'arcs' | 'objects'> {
  return {
    payload,
    boxes: memory.heap('box', {payload: payload.size}, most),
    arcs: memory.heap('arc', {count: 1, payload: payload.size}, most),
    objects: memory.heap(payload.borrows ? 'Loud' : payload.name, payload.owned?.layout ?? {value: 1}, payload.owned === null ? 0 : most),
  }
}

/**
 * A thread that waits for ever where it waits for readers of its own thread, or of the main one, which waits for it: under
 * the models such an execution would not exist at all. It must leave no section but its own.
 */
function* waiting(open: Sections, never: Location, proc: Proc<Ended>): Proc<unknown> {
  const sections = open.within()
  const allocated: Reply[] = []
  for (let step = proc.next(); ;) {
    if (step.done === true) return {...step.value, allocated}
    const op: Op = step.value
    if (sections.isForeign(op)) yield* check(ownSections, false)
    sections.note(op)
    if (sections.isWaitedForBy(op)) yield* awaitOnce(never, () => false)
    const reply = yield op
    if (op.kind === 'pick') allocated.push(reply)
    step = proc.next(reply)
  }
}

/** The main thread while the others run. */
function* idle(): Proc<unknown> {
  return null
}

function instanceName(i: number): string {
  return i === 0 ? 'lock' : `lock${i + 1}`
}

function split({statements, drops}: Block): {readonly before: readonly Statement[]; readonly scope: readonly Thread[]; readonly after: readonly Statement[]} {
  const at = statements.findIndex(({kind}) => kind === 'scope')
  const found = statements[at]
  if (found?.kind === 'scope') return {before: statements.slice(0, at), scope: found.threads, after: [...statements.slice(at + 1), ...dropping(drops)]}
  return {before: [...statements, ...dropping(drops)], scope: [], after: []}
}

function dropping(variables: readonly Variable[]): readonly Statement[] {
  return variables.map(variable => ({kind: 'drop', variable}))
}

interface Ended {
  readonly panicked: boolean
  readonly result: RustValue | null
}

/** What the scoped threads came to, and the objects that they allocated; undefined for one that waits for ever. */
type Returned = Readonly<Record<string, (Ended & {readonly allocated: readonly Location[]}) | undefined>>

/** A scoped thread; what it returns, or that it panicked. */
function* threadOf(main: Main, thread: Thread, number: number): Proc<Ended> {
  const own = main.interpreter.thread(thread, number)
  try {
    for (const statement of thread.body.statements) yield* own.statement(statement)
    const result = thread.result === null ? null : own.valueOf(thread.result.inner)
    if (thread.result !== null) own.forget(thread.result.inner)
    for (const variable of thread.body.drops) yield* own.drop(variable)
    return {panicked: false, result}
  } catch (error) {
    if (error instanceof EndOfBlock) return {panicked: false, result: null}
    if (!(error instanceof Unwinding)) throw error
    yield* own.unwind()
    return {panicked: true, result: null}
  }
}

/** How a sequential part ended: `ended` is early, by a pattern that did not match or by unwinding. */
type End = 'done' | 'ended' | 'deadlock' | 'fault'

/** The main thread on its own. */
class Main {
  readonly interpreter: Interpreter
  readonly isClean: boolean
  readonly written: ReadonlyMap<number, Scalar>
  /** How it came to its threads; if it did not, there are none. */
  readonly end: End
  /** Read-side sections that it is in while they run. */
  readonly sections: Sections
  readonly #setting: Setting

  constructor(setting: Setting, before: readonly Statement[]) {
    this.#setting = setting
    this.interpreter = new Interpreter(setting)
    let objects = 0
    const alone = new Sequential({
      initial: location => location.init,
      place: heap => firstWord(heap.object(`${heap.name} ${++objects}`, zeros(heap))),
      wrong: (what, isClaim) => setting.trace?.alone(what, isClaim),
    })
    this.end = run(alone, this.interpreter, before)
    this.isClean = this.end !== 'fault' && alone.broken.length === 0
    this.written = alone.written
    this.sections = alone.sections
  }

  /** Runs what follows the threads on the memory that they left. */
  isCleanAfter(threads: readonly Thread[], after: readonly Statement[], drops: readonly Variable[], returned: Returned, final: (location: Location) => Scalar): boolean {
    if (this.end !== 'done') return true // it ended there, and dropped what it had
    const own = this.interpreter.copy()
    let panicked = false
    for (const [i, {captures, result}] of threads.entries()) {
      const ended = returned[`thread ${i + 1}`]
      if (ended === undefined) return true // it waits for ever: nothing follows
      panicked ||= ended.panicked
      for (const {outer, mode} of captures) if (mode === 'move') own.take(outer)
      if (result !== null && ended.result !== null) own.bind(result.outer, ended.result)
    }
    const made = new Map<Heap, number>()
    const place = (heap: Heap): Scalar => {
      const nth = made.get(heap) ?? 0
      made.set(heap, nth + 1)
      return heap.choices(threads.length, nth, false)![0]!
    }
    const isForgiving = this.#setting.wrapper.regime === 'bits' || this.#setting.wrapper.regime === 'angelic'
    const reused = Object.values(returned).flatMap(ended => ended?.allocated ?? []).filter(({object}) => object.heap?.origin === 'reused')
    const alone = new Sequential({
      initial: final, place, sections: this.sections, wrong: (what, isClaim) => this.#setting.trace?.alone(what, isClaim),
      isZombie: ({object}) => !isForgiving && object.heap !== null && object.heap.origin !== 'reused' && reused.some(({index}) => index === object.first),
    })
    return run(alone, own, panicked ? dropping(drops) : after) !== 'fault' && alone.broken.length === 0
  }
}

function run(alone: Sequential, own: Interpreter, statements: readonly Statement[]): End {
  try {
    for (const statement of statements) alone.run(own.statement(statement))
    return 'done'
  } catch (error) {
    if (error instanceof SequentialFault) return 'fault'
    if (error instanceof SequentialDeadlock) return 'deadlock'
    if (error instanceof EndOfBlock) return 'ended'
    if (!(error instanceof Unwinding)) throw error
    const end = run(alone, own, own.left().map(variable => ({kind: 'drop', variable})))
    return end === 'done' ? 'ended' : end
  }
}

function firstWord(fields: Readonly<Record<string, Location | readonly Location[]>>): Location {
  return Object.values(fields).flat()[0]!
}

function zeros({layout}: Heap): never {
  return Object.fromEntries(Object.entries(layout).map(([field, length]) => [field, length === 1 ? 0 : new Array<number>(length).fill(0)])) as never
}

/** The calls that make instances, wherever they stand, and of which struct. */
function constructorsIn(wrapper: Wrapper, {statements}: Block): readonly {readonly statement: Statement; readonly struct: string}[] {
  return statements.flatMap(statement => {
    if (statement.kind === 'scope') return statement.threads.flatMap(({body}) => constructorsIn(wrapper, body))
    if (statement.kind !== 'call') return []
    const method = wrapper.signatures.methods.find(({id}) => id === statement.method)!
    const inside = statement.operands.flatMap(closuresIn).flatMap(({body}) => constructorsIn(wrapper, body))
    const struct = constructed(method)
    return struct === null ? inside : [{statement, struct}, ...inside]
  })
}
