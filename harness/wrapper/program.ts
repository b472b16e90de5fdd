/**
 * A client as a program. What the main thread does before its scoped threads is run at once, and gives the memory that
 * they begin with; what it does after them is run on the memory that they leave, once per execution. In between, each
 * scoped thread is a thread of the program (std::thread::scope: spawning and joining order everything before and after).
 */
import {program, type Location, type Proc, type Scalar} from '../../lib/index.ts'
import type {AnyProgram} from '../operations.ts'
import type {Block, Client, Statement, Thread} from '../rust/client.ts'
import {closuresIn} from '../rust/client.ts'
import {EndOfBlock, Interpreter, type Setting} from './interpret.ts'
import {payloadWords, type PayloadWords} from './payload.ts'
import {Sequential, SequentialFault} from './sequential.ts'
import {Unwinding, type RustValue} from './value.ts'
import {constructs, type Wrapper} from './wrapper.ts'

/** What the sequential parts of a client are judged by. */
export const aloneClaims = {before: 'the main thread does nothing wrong before the others begin', after: 'the main thread does nothing wrong after the others have ended'} as const

/** The payload's words, or null if values of it cannot be run. */
export function runnable(client: Client): PayloadWords | null {
  return payloadWords.get(client.payload) ?? null
}

/** The program that a client is. @param name as tokens and reports call it; @param watch see interpret.ts. */
export function clientProgram(wrapper: Wrapper, client: Client, payload: PayloadWords, name: string, watch?: Setting['watch']): AnyProgram {
  const {before, scope, after} = split(client.main)
  let main: Main | null = null
  const built = program(name, memory => {
    const boxes = memory.heap('box', {payload: payload.size})
    const instances = new Map<Statement, unknown>()
    for (const statement of constructorsIn(wrapper, client.main)) instances.set(statement, wrapper.layout(memory, instanceName(instances.size), payload))
    const setting: Setting = {wrapper, payload, boxes, instanceOf: statement => instances.get(statement), ...watch === undefined ? {} : {watch}}
    main = new Main(setting, before)
    const threads = main.ended ? [] : scope
    const bodies = threads.map((thread, i): [string, () => Proc<unknown>] => [`thread ${i + 1}`, () => threadOf(main!, thread)])
    return {
      threads: {...Object.fromEntries<() => Proc<unknown>>(bodies), main: idle},
      claims: {
        [aloneClaims.before]: () => main!.isClean,
        [aloneClaims.after]: (returned: Record<string, unknown>, final: (location: Location) => Scalar) => main!.isCleanAfter(threads, after, client.main, returned, final),
      },
    }
  })
  const {written} = main!
  return {...built, memory: built.memory.map(word => written.has(word.index) ? {...word, init: written.get(word.index)!} : word)}
}

/** The main thread while the others run. */
function* idle(): Proc<unknown> {
  return null
}

function instanceName(i: number): string {
  return i === 0 ? 'lock' : `lock${i + 1}`
}

function split({statements}: Block): {readonly before: readonly Statement[]; readonly scope: readonly Thread[]; readonly after: readonly Statement[]} {
  const at = statements.findIndex(({kind}) => kind === 'scope')
  const found = statements[at]
  return found?.kind === 'scope' ? {before: statements.slice(0, at), scope: found.threads, after: statements.slice(at + 1)} : {before: statements, scope: [], after: []}
}

/** A scoped thread; what it returns, or that it panicked. */
function* threadOf(main: Main, thread: Thread): Proc<unknown> {
  const own = main.interpreter.thread(thread)
  try {
    for (const statement of thread.body.statements) yield* own.statement(statement)
    const result = thread.result === null ? null : own.valueOf(thread.result.inner)
    if (thread.result !== null) own.forget(thread.result.inner)
    for (const variable of thread.body.drops) yield* own.drop(variable)
    return {panicked: false, result}
  } catch (error) {
    if (error instanceof EndOfBlock) return {panicked: false, result: null}
    if (!(error instanceof Unwinding)) throw error
    for (const variable of own.left()) yield* own.drop(variable)
    return {panicked: true, result: null}
  }
}

/** The main thread on its own. */
class Main {
  readonly interpreter: Interpreter
  readonly isClean: boolean
  readonly written: ReadonlyMap<number, Scalar>
  /** The client never comes to its threads. */
  readonly ended: boolean
  readonly #setting: Setting

  constructor(setting: Setting, before: readonly Statement[]) {
    this.#setting = setting
    this.interpreter = new Interpreter(setting)
    let boxes = 0
    const alone = new Sequential(location => location.init, heap => Object.values(heap.object(`box ${++boxes}`, emptyBox(setting.payload)))
      .flatMap(word => word as Location | readonly Location[])[0]!)
    const end = run(alone, this.interpreter, before)
    this.ended = end !== 'done'
    this.isClean = end !== 'fault' && alone.broken.length === 0
    this.written = alone.written
  }

  /** Runs what follows the threads on the memory that they left. */
  isCleanAfter(threads: readonly Thread[], after: readonly Statement[], {drops}: Block, returned: Readonly<Record<string, unknown>>, final: (location: Location) => Scalar): boolean {
    const own = new Interpreter(this.#setting, this.interpreter.environment())
    let panicked = false
    for (const [i, {captures, result}] of threads.entries()) {
      const ended = returned[`thread ${i + 1}`] as {panicked: boolean; result: RustValue | null} | undefined
      if (ended === undefined) return true // it waits for ever: nothing follows
      panicked ||= ended.panicked
      for (const {outer, mode} of captures) if (mode === 'move') own.forget(outer)
      if (result !== null && ended.result !== null) own.bind(result.outer, ended.result)
    }
    let made = 0
    const alone = new Sequential(location => final(location), heap => heap.choices(threads.length, made++, false)![0]!)
    const rest: readonly Statement[] = [...panicked ? [] : after, ...drops.map((variable): Statement => ({kind: 'drop', variable}))]
    return run(alone, own, rest) !== 'fault' && alone.broken.length === 0
  }
}

function run(alone: Sequential, own: Interpreter, statements: readonly Statement[]): 'done' | 'ended' | 'fault' {
  try {
    for (const statement of statements) alone.run(own.statement(statement))
    return 'done'
  } catch (error) {
    if (error instanceof SequentialFault) return 'fault'
    if (error instanceof EndOfBlock || error instanceof Unwinding) return 'ended'
    throw error
  }
}

function emptyBox({size}: PayloadWords): {readonly payload: never} {
  return {payload: (size === 1 ? 0 : new Array<number>(size).fill(0)) as never}
}

/** The calls that make instances, wherever they stand. */
function constructorsIn(wrapper: Wrapper, {statements}: Block): readonly Statement[] {
  return statements.flatMap((statement): readonly Statement[] => {
    if (statement.kind === 'scope') return statement.threads.flatMap(({body}) => constructorsIn(wrapper, body))
    if (statement.kind !== 'call') return []
    const method = wrapper.signatures.methods.find(({id}) => id === statement.method)!
    const inside = statement.operands.flatMap(closuresIn).flatMap(({body}) => constructorsIn(wrapper, body))
    return constructs(method) ? [statement, ...inside] : inside
  })
}
