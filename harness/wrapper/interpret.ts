/**
 * Runs a client: walks its statements, calls the wrapper's bodies, and checks every value where it is made.
 *
 * A borrow reads every word where it begins and where it is used for the last time: a write in between that is not ordered
 * races with one of the two (under models that know races), or shows as a change.
 */
import {alloc, atomicFetchAddRelaxed, check, free, readPlain, rewriting, Value, writePlain, type Op, type Operand, type Proc} from '../../lib/index.ts'
import type {Block, Capture, Closure, Operand as Expression, Pattern, Place, Statement, Thread, Variable} from '../rust/client.ts'
import {payloadNamed} from '../rust/payloads.ts'
import {named, type Method, type Type} from '../rust/syntax.ts'
import {satisfies} from '../rust/traits.ts'
import {Borrows} from './borrows.ts'
import {misfit} from './misfit.ts'
import {behind, borrowed, owner, payloadValue, structValue, unitValue, Unwinding, type Address, type RustValue} from './value.ts'
import {arcOf, arcWords, blaming, boxOf, boxWords, constructed, dropArc, dropBox, dropPayload, MisfitBody, type Surroundings, type Wrapper} from './wrapper.ts'

/** The claims that a client is checked by. */
export const claims = {
  whole: 'no torn value',
  valid: 'every value is valid',
  stable: 'what is borrowed does not change',
  alone: 'a `&mut` is the only reference to what it points to',
} as const

export interface Setting extends Surroundings {
  readonly wrapper: Wrapper
  /** The memory of the instance that a call of a constructor makes. */
  readonly instanceOf: (statement: Statement) => unknown
  /** Is told of every operation of a method's body; constructors work on what nobody else has yet. */
  readonly watch?: (method: string, op: Op) => void
  readonly trace?: Trace
}

/** Is told what a client does while it runs, for reports. */
export interface Trace {
  /** A statement begins; what is returned is called when it ends. */
  readonly enter: (statement: Statement) => () => void
  /** These words are about to be judged as a T. */
  readonly judge: (words: readonly Operand[]) => void
  /** What a borrow points to is about to be compared with what it was when the borrow began. */
  readonly compare: (now: readonly Operand[], seen: readonly Operand[]) => void
  /** The main thread does this wrong, while there are no others: a claim does not hold, or something is done to memory. */
  readonly alone: (what: string, isClaim: boolean) => void
}

type Environment = Map<Variable, RustValue>

/** A block ended early: a pattern did not match. */
export class EndOfBlock extends Error {
  override readonly name = 'EndOfBlock'
}

export class Interpreter {
  readonly #setting: Setting
  readonly #variables: Environment
  readonly #borrows: Borrows

  /** @param borrows the references that its thread has made. */
  constructor(setting: Setting, variables: Environment = new Map(), borrows = new Borrows()) {
    this.#setting = setting
    this.#variables = variables
    this.#borrows = borrows
  }

  /** The environment of a thread or closure: its captures. */
  captured(captures: readonly Capture[]): Environment {
    return new Map(captures.map(({outer, mode, inner}) => {
      const value = this.#of(outer)
      if (mode === 'lend' && value.kind === 'borrow') this.#borrows.spend(value)
      return [inner, mode === 'move' ? value : refer(value)]
    }))
  }

  /** The own interpreter of a scoped thread; its number, from 1. */
  thread({captures}: Thread, thread: number): Interpreter {
    return new Interpreter({...this.#setting, thread}, this.captured(captures), new Borrows(this.#borrows))
  }

  /** The same again, to go on from here. */
  copy(): Interpreter {
    return new Interpreter(this.#setting, new Map(this.#variables), new Borrows(this.#borrows))
  }

  /** What the block has in a variable. */
  valueOf(variable: Variable): RustValue {
    return this.#of(variable)
  }

  /** The variables that still hold something, last first: what unwinding drops. */
  left(): readonly Variable[] {
    return [...this.#variables.keys()].reverse()
  }

  bind(variable: Variable, value: RustValue): void {
    this.#variables.set(variable, value)
  }

  forget(variable: Variable): void {
    this.#variables.delete(variable)
  }

  * statement(statement: Statement): Proc {
    const leave = this.#setting.trace?.enter(statement)
    try {
      yield* this.#perform(statement)
    } finally {
      leave?.()
    }
  }

  * #perform(statement: Statement): Proc {
    switch (statement.kind) {
      case 'call': return yield* this.#call(statement)
      case 'let':
        this.bind(statement.variable, yield* this.#evaluate(statement.value))
        return
      case 'use': return yield* this.use(yield* this.#through(statement))
      case 'write': return yield* this.#write(yield* this.#through(statement), statement.value)
      case 'drop': return yield* this.drop(statement.variable)
      case 'forget': return this.forget(statement.variable)
      case 'swap': {
        const [first, second] = [this.#of(statement.first), this.#of(statement.second)]
        this.bind(statement.first, second)
        this.bind(statement.second, first)
        return
      }
      case 'panic': throw new Unwinding('the client panics')
      case 'scope': throw new Error('a scope inside of a thread or closure')
    }
  }

  #of(variable: Variable): RustValue {
    const value = this.#variables.get(variable)
    if (value === undefined) throw new Error(`client: variable ${variable} is empty`)
    return value
  }

  /** What a `use` or `write` goes to: the variable's value, or what its `Deref` returns. */
  * #through({variable, through}: Statement & {kind: 'use' | 'write'}): Proc<RustValue> {
    const value = this.#of(variable)
    return through === null ? value : yield* this.#run(through, [refer(value)], null)
  }

  // ---- calls -----------------------------------------------------------------------------------------

  * #call(statement: Statement & {kind: 'call'}): Proc {
    const operands: RustValue[] = []
    for (const operand of statement.operands) operands.push(yield* this.#evaluate(operand))
    const result = yield* this.#run(statement.method, operands, this.#setting.instanceOf(statement))
    if (!this.#match(statement.into, result)) {
      for (const variable of statement.otherwise) yield* this.drop(variable)
      throw new EndOfBlock()
    }
    if (statement.into.kind === 'ignored') yield* this.#dropValue(result)
  }

  /** Runs a method's body. @param instance the memory of the instance that a constructor makes. */
  * #run(id: string, operands: readonly RustValue[], instance: unknown): Proc<RustValue> {
    const {wrapper} = this.#setting
    const method = wrapper.signatures.methods.find(method => method.id === id)!
    const hasReceiver = method.parameters[0]?.name === 'self'
    const [receiver] = operands
    const inner = hasReceiver ? behind(receiver!) : null
    const self = inner === null ? instance : inner.kind === 'struct' ? inner.state : inner
    const called = new Set<RustValue>()
    const args = operands.map((operand, i) => onceOnly(operand, method.parameters[i]!.type, called))
    const body = wrapper.bodies[method.id]!({...this.#setting, self, args: hasReceiver ? args.slice(1) : args})
    let result: RustValue
    try {
      result = yield* this.#watched(method, blaming(wrapper, method.id, body))
    } catch (error) {
      if (error instanceof Unwinding) yield* this.#dropUncalled(operands, called)
      throw error
    }
    yield* this.#dropUncalled(operands, called)
    const wrong = misfit(wrapper.signatures, method, this.#setting.payload, result)
    if (wrong !== null) throw new MisfitBody(`wrapper ${wrapper.name}: ${wrong}`)
    return yield* this.made(result)
  }

  /** What was moved into closures that were never called. */
  * #dropUncalled(operands: readonly RustValue[], called: ReadonlySet<RustValue>): Proc {
    for (const operand of operands) if (operand.kind === 'closure' && !called.has(operand)) for (const value of operand.given) yield* this.#dropValue(value)
  }

  #watched(method: Method, body: Proc<RustValue>): Proc<RustValue> {
    const {watch} = this.#setting
    return watch === undefined || constructed(method) !== null ? body : rewriting(body, op => {
      watch(method.id, op)
      return op
    })
  }

  #match(pattern: Pattern, value: RustValue): boolean {
    switch (pattern.kind) {
      case 'ignored': return true
      case 'variable':
        this.bind(pattern.variable, value)
        return true
      case 'tuple': return value.kind === 'tuple' && pattern.items.every((item, i) => this.#match(item, value.items[i]!))
      case 'variant': return value.kind === variants[pattern.name] && this.#match(pattern.item, value.value)
    }
  }

  // ---- values ----------------------------------------------------------------------------------------

  * #evaluate(operand: Expression): Proc<RustValue> {
    switch (operand.kind) {
      case 'move': return this.take(operand.variable)
      case 'copy': return yield* this.#copy(operand.place)
      case 'share': case 'lend': {
        const place = refer(this.#at(operand.place))
        if (place.kind === 'borrow') this.#borrows.spend(place)
        return place
      }
      case 'fresh': {
        const words = yield* this.#fresh(operand.value)
        return this.#setting.payload.borrows ? {kind: 'local', pointer: words[0]!} : payloadValue(words)
      }
      case 'borrowing': {
        const local = behind(this.#at(operand.place))
        if (local.kind !== 'local') throw new Error(`client: a T borrows a ${local.kind}`)
        return payloadValue([local.pointer])
      }
      case 'constant': return this.#constant(operand.text)
      case 'wrap': return yield* this.#wrap(operand.into, yield* this.#evaluate(operand.operand))
      case 'clone': return yield* this.#clone(this.#at(operand.place))
      case 'tuple': {
        const items: RustValue[] = []
        for (const item of operand.items) items.push(yield* this.#evaluate(item))
        return {kind: 'tuple', items}
      }
      case 'closure': return this.#closure(operand.closure)
    }
  }

  * #fresh(n: number): Proc<readonly Operand[]> {
    const {payload, objects, thread} = this.#setting
    return payload.owned === null ? payload.fresh(n) : yield* payload.owned.make(n, objects, thread)
  }

  /** What a variable holds, which is moved out unless it is Copy. */
  take(variable: Variable): RustValue {
    const value = this.#of(variable)
    if (!this.#isCopy(value)) this.forget(variable)
    return value
  }

  #isCopy(value: RustValue): boolean {
    const {wrapper: {signatures}, payload} = this.#setting
    switch (value.kind) {
      case 'scalar': case 'reference': case 'none': return true
      case 'borrow': return !value.mutable
      case 'payload': return satisfies(signatures, payloadNamed(payload.name).type, 'Copy')
      case 'some': case 'ok': case 'err': return this.#isCopy(value.value)
      case 'tuple': return value.items.every(item => this.#isCopy(item))
      case 'struct': {
        const {types, regions} = signatures.structs.find(({name}) => name === value.name)!
        return satisfies(signatures, named(value.name, types.map(() => payloadNamed(payload.name).type), regions), 'Copy')
      }
      case 'owner': case 'local': case 'closure': return false
    }
  }

  /** What is at a place: behind a `Box` or an `Arc`, where its words are. */
  #at({variable, derefs}: Place): RustValue {
    let at = this.#of(variable)
    for (let i = 0; i < derefs; i++) {
      if (at.kind === 'reference') at = at.to
      else if (at.kind === 'owner') at = borrowed(this.#wordsIn(at))
    }
    return at
  }

  /** `Arc::clone`: std's is relaxed too. */
  * #clone(of: RustValue): Proc<RustValue> {
    const shared = behind(of)
    if (shared.kind !== 'owner' || shared.of !== 'Arc') throw new Error(`client: cloning a ${shared.kind} is not run yet`)
    yield* atomicFetchAddRelaxed(this.#setting.arcs.at(shared.pointer).count, 1)
    return shared
  }

  * #copy(place: Place): Proc<RustValue> {
    const value = behind(this.#at(place))
    if (value.kind !== 'borrow') return value
    yield* this.#aloneStill(value)
    return yield* this.made(payloadValue(yield* readAll(value.words)))
  }

  * #wrap(into: 'Box' | 'Arc' | 'Rc' | 'Some', value: RustValue): Proc<RustValue> {
    if (into === 'Some') return {kind: 'some', value}
    if (into === 'Rc' || value.kind !== 'payload') throw new Error(`client: ${into} of a ${value.kind} is not run yet`)
    const {boxes, arcs} = this.#setting
    const name = `${into}::new`
    return owner(into, into === 'Box' ? yield* alloc(boxes, boxOf(value.words), {name}) : yield* alloc(arcs, arcOf(value.words), {name}))
  }

  #constant(text: string): RustValue {
    if (text === '()') return unitValue
    if (text === 'None') return {kind: 'none'}
    if (text === 'true' || text === 'false') return {kind: 'scalar', value: Number(text === 'true')}
    const [name, variant] = text.split('::')
    if (variant !== undefined) return structValue(name!, variant)
    return {kind: 'scalar', value: Number.parseInt(text, 10)}
  }

  #closure({captures, parameters, body, result}: Closure): RustValue {
    const [setting, borrows] = [this.#setting, this.#borrows]
    const outside = this.captured(captures)
    const given = captures.filter(({mode}) => mode === 'move').map(({outer}) => this.take(outer))
    const made = (value: RustValue): Proc<RustValue> => this.made(value)
    return {
      kind: 'closure', given,
      * call(...args) {
        const own = new Interpreter(setting, new Map(outside), borrows)
        for (const [i, parameter] of parameters.entries()) own.bind(parameter, yield* made(args[i]!))
        return yield* own.#toEnd(body, result)
      },
    }
  }

  /** Runs the body of a closure. Its result is made before its variables are dropped. */
  * #toEnd({statements, drops}: Block, result: Expression): Proc<RustValue> {
    try {
      for (const statement of statements) yield* this.statement(statement)
    } catch (error) {
      if (error instanceof EndOfBlock) return unitValue
      if (error instanceof Unwinding) yield* this.unwind()
      throw error
    }
    const returned = yield* this.#evaluate(result)
    for (const variable of drops) yield* this.drop(variable)
    return returned
  }

  /** Drops whatever is left, last first. */
  * unwind(): Proc {
    for (const variable of this.left()) yield* this.drop(variable)
  }

  /** A value has just been made: is it one? Borrows begin here. */
  * made(value: RustValue): Proc<RustValue> {
    switch (value.kind) {
      case 'payload':
        yield* this.#judge(value.words)
        return value
      case 'borrow': {
        const seen = yield* readAll(value.words)
        yield* this.#judge(seen)
        return this.#borrows.made({...value, seen})
      }
      case 'some': case 'ok': case 'err': return {kind: value.kind, value: yield* this.made(value.value)}
      case 'tuple': {
        const items: RustValue[] = []
        for (const item of value.items) items.push(yield* this.made(item))
        return {kind: 'tuple', items}
      }
      default: return value
    }
  }

  * #judge(words: readonly Operand[]): Proc {
    const {isWhole, isValid} = this.#setting.payload
    this.#setting.trace?.judge(words)
    if (isWhole !== null) yield* check(claims.whole, isWhole(words))
    if (isValid !== null) yield* check(claims.valid, isValid(words))
  }

  /** Has nobody made a reference meanwhile that may not be beside this one? */
  * #aloneStill(borrow: RustValue & {kind: 'borrow'}): Proc {
    const isAlone = this.#borrows.isAlone(borrow)
    if (isAlone !== null) yield* check(claims.alone, isAlone)
  }

  /** All that `&value` allows. */
  * use(value: RustValue): Proc {
    const inner = behind(value)
    switch (inner.kind) {
      case 'borrow': {
        yield* this.#aloneStill(inner)
        const now = yield* readAll(inner.words)
        yield* this.#judge(now)
        const {mutatesWhenUsed} = this.#setting.payload
        if (inner.seen !== null) this.#setting.trace?.compare(now, inner.seen)
        if (mutatesWhenUsed) for (const at of inner.words) yield* setCell(at, this.#setting.thread)
        else if (inner.seen !== null && (!inner.mutable || this.#borrows.isUntouched(inner))) for (const [i, word] of now.entries()) yield* check(claims.stable, Value.apply('==', word, inner.seen[i]!))
        return yield* this.#useOwned(now)
      }
      case 'owner': {
        const now = yield* readAll(this.#wordsIn(inner))
        yield* this.#judge(now)
        return yield* this.#useOwned(now)
      }
      case 'payload': return yield* this.#useOwned(inner.words)
      case 'some': case 'ok': case 'err': return yield* this.use(inner.value)
      case 'tuple': for (const item of inner.items) yield* this.use(item)
    }
  }

  * #write(value: RustValue, n: number): Proc {
    const target = behind(value)
    if (target.kind !== 'borrow') throw new Error('client: writes through what is no &mut T')
    yield* this.#aloneStill(target)
    this.#borrows.spend(target)
    const words = yield* this.#fresh(n)
    const old = this.#setting.payload.owned === null ? [] : yield* readAll(target.words)
    yield* dropPayload(this.#setting, old)
    for (const [i, word] of words.entries()) yield* writePlain(target.words[i]!, word)
  }

  * #useOwned(words: readonly Operand[]): Proc {
    const {payload, objects, thread} = this.#setting
    if (payload.owned !== null) yield* payload.owned.use(words, objects, thread)
  }

  #wordsIn({of, pointer}: RustValue & {kind: 'owner'}): readonly Address[] {
    return of === 'Box' ? boxWords(this.#setting, pointer) : arcWords(this.#setting, pointer)
  }

  // ---- drops -----------------------------------------------------------------------------------------

  * drop(variable: Variable): Proc {
    const value = this.#variables.get(variable)
    this.forget(variable)
    if (value !== undefined) yield* this.#dropValue(value)
  }

  * #dropValue(value: RustValue): Proc {
    switch (value.kind) {
      case 'payload': return yield* dropPayload(this.#setting, value.words)
      case 'local': return yield* free(value.pointer, {name: 'drop(Loud)'})
      case 'owner': return yield* value.of === 'Box' ? dropBox(this.#setting, value.pointer) : dropArc(this.#setting, value.pointer)
      case 'some': case 'ok': case 'err': return yield* this.#dropValue(value.value)
      case 'tuple': for (const item of value.items) yield* this.#dropValue(item); return
      case 'struct': {
        const {bodies, glue, signatures} = this.#setting.wrapper
        const method = signatures.methods.find(({id}) => id === `${value.name}::drop`)
        if (method !== undefined) yield* this.#watched(method, blaming(this.#setting.wrapper, method.id, bodies[method.id]!({...this.#setting, self: value.state, args: []})))
        const fields = glue?.[value.name]
        if (fields !== undefined) yield* blaming(this.#setting.wrapper, `the glue of ${value.name}`, fields(value.state, this.#setting))
      }
    }
  }
}

/** Sets a `Cell` and gets it back, which nobody else can have set meanwhile, since it is not Sync. */
function* setCell(at: Address, thread: number): Proc {
  const value = setBy + thread
  yield* writePlain(at, value)
  yield* check(claims.stable, (yield* readPlain(at)).eq(value))
}

/** What the main thread sets cells to; others, one more each. */
const setBy = 50

/** A `FnOnce` is gone once it has been called. */
function onceOnly(value: RustValue, type: Type, called: Set<RustValue>): RustValue {
  if (value.kind !== 'closure' || type.kind !== 'closure' || type.trait !== 'FnOnce') return value
  return {
    ...value,
    call(...args) {
      if (called.has(value)) throw new TypeError('a body wants a closure to call again, and was given an FnOnce')
      called.add(value)
      return value.call(...args)
    },
  }
}

function refer(value: RustValue): RustValue {
  return value.kind === 'reference' || value.kind === 'borrow' ? value : {kind: 'reference', to: value}
}

function* readAll(words: readonly Address[]): Proc<readonly Value[]> {
  const found: Value[] = []
  for (const at of words) found.push(yield* readPlain(at))
  return found
}

const variants = {Some: 'some', Ok: 'ok', Err: 'err'} as const
