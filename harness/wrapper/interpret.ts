/**
 * Runs a client: walks its statements, calls the wrapper's bodies, and checks every value where it is made.
 *
 * A borrow reads every word where it begins and where it is used for the last time: a write in between that is not ordered
 * races with one of the two (under models that know races), or shows as a change.
 */
import {alloc, check, free, readPlain, rewriting, Value, writePlain, type Op, type Operand, type Proc} from '../../lib/index.ts'
import type {Block, Capture, Closure, Operand as Expression, Pattern, Place, Statement, Thread, Variable} from '../rust/client.ts'
import type {Method} from '../rust/syntax.ts'
import type {PayloadWords} from './payload.ts'
import {behind, payloadValue, some, unitValue, Unwinding, type Address, type RustValue} from './value.ts'
import {constructs, misfit, type Call, type Wrapper} from './wrapper.ts'

/** The claims that a client is checked by. */
export const claims = {
  whole: 'no torn value',
  valid: 'every value is valid',
  stable: 'what is borrowed does not change',
} as const

export interface Setting {
  readonly wrapper: Wrapper
  readonly payload: PayloadWords
  readonly boxes: Call['boxes']
  /** The memory of the instance that a call of a constructor makes. */
  readonly instanceOf: (statement: Statement) => unknown
  /** Is told of every operation of a method's body; constructors work on what nobody else has yet. */
  readonly watch?: (method: string, op: Op) => void
}

type Environment = Map<Variable, RustValue>

/** A block ended early: a pattern did not match. */
export class EndOfBlock extends Error {
  override readonly name = 'EndOfBlock'
}

export class Interpreter {
  readonly #setting: Setting
  readonly #variables: Environment

  constructor(setting: Setting, variables: Environment = new Map()) {
    this.#setting = setting
    this.#variables = variables
  }

  /** The environment of a thread or closure: its captures. */
  captured(captures: readonly Capture[]): Environment {
    return new Map(captures.map(({outer, mode, inner}) => {
      const value = this.#of(outer)
      return [inner, mode === 'move' ? value : refer(value)]
    }))
  }

  /** A scoped thread's own interpreter. */
  thread({captures}: Thread): Interpreter {
    return new Interpreter(this.#setting, this.captured(captures))
  }

  /** What the block has in a variable. */
  valueOf(variable: Variable): RustValue {
    return this.#of(variable)
  }

  /** A copy of all variables. */
  environment(): Environment {
    return new Map(this.#variables)
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
    const {wrapper, payload, boxes} = this.#setting
    const method = wrapper.signatures.methods.find(method => method.id === id)!
    const hasReceiver = method.parameters[0]?.name === 'self'
    const [receiver] = operands
    const inner = hasReceiver ? behind(receiver!) : null
    const self = inner === null ? instance : inner.kind === 'struct' ? inner.state : inner
    const body = wrapper.bodies[method.id]!({self, args: hasReceiver ? operands.slice(1) : operands, payload, boxes})
    const result = yield* this.#watched(method, body)
    const wrong = misfit(method, result)
    if (wrong !== null) throw new TypeError(wrong)
    return yield* this.made(result)
  }

  #watched(method: Method, body: Proc<RustValue>): Proc<RustValue> {
    const {watch} = this.#setting
    return watch === undefined || constructs(method) ? body : rewriting(body, op => {
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
      case 'variant': return value.kind === 'some' && pattern.name !== 'Err' && this.#match(pattern.item, value.value)
    }
  }

  // ---- values ----------------------------------------------------------------------------------------

  * #evaluate(operand: Expression): Proc<RustValue> {
    switch (operand.kind) {
      case 'move': return this.#taken(operand.variable)
      case 'copy': return yield* this.#copy(operand.place)
      case 'share': case 'lend': return operand.place.derefs === 0 ? refer(this.#of(operand.place.variable)) : this.#at(operand.place)
      case 'fresh': return payloadValue(this.#setting.payload.fresh(operand.value))
      case 'constant': return constant(operand.text)
      case 'wrap': return yield* this.#wrap(operand.into, yield* this.#evaluate(operand.operand))
      case 'clone': throw new Error(`client: cloning an Arc is not run yet`)
      case 'tuple': {
        const items: RustValue[] = []
        for (const item of operand.items) items.push(yield* this.#evaluate(item))
        return {kind: 'tuple', items}
      }
      case 'closure': return this.#closure(operand.closure)
    }
  }

  /** What a variable holds, which is moved out unless it is Copy. */
  #taken(variable: Variable): RustValue {
    const value = this.#of(variable)
    const isCopy = value.kind === 'scalar' || value.kind === 'reference' || (value.kind === 'borrow' && !value.mutable) || (value.kind === 'payload' && !this.#setting.payload.mutatesWhenUsed)
    if (!isCopy) this.forget(variable)
    return value
  }

  #at({variable}: Place): RustValue {
    return this.#of(variable)
  }

  * #copy(place: Place): Proc<RustValue> {
    const value = behind(this.#at(place))
    if (value.kind !== 'borrow') return value
    return yield* this.made(payloadValue(yield* readAll(value.words)))
  }

  * #wrap(into: 'Box' | 'Arc' | 'Rc' | 'Some', value: RustValue): Proc<RustValue> {
    if (into === 'Some') return some(value)
    if (into === 'Rc' || value.kind !== 'payload') throw new Error(`client: ${into} of a ${value.kind} is not run yet`)
    const pointer = yield* alloc(this.#setting.boxes, boxed(value.words), {name: `${into}::new`})
    return {kind: 'owner', of: into, pointer}
  }

  #closure({captures, parameters, body, result}: Closure): RustValue {
    const setting = this.#setting
    const outside = this.captured(captures)
    const made = (value: RustValue): Proc<RustValue> => this.made(value)
    return {
      kind: 'closure',
      * call(...args) {
        const own = new Interpreter(setting, new Map(outside))
        for (const [i, parameter] of parameters.entries()) own.bind(parameter, yield* made(args[i]!))
        const ends = yield* own.#untilEnd(body)
        return ends ? unitValue : yield* own.#evaluate(result)
      },
    }
  }

  /** Runs the body of a closure; whether it ended early. Its result is read before its variables are dropped. */
  * #untilEnd({statements}: Block): Proc<boolean> {
    try {
      for (const statement of statements) yield* this.statement(statement)
      return false
    } catch (error) {
      if (error instanceof EndOfBlock) return true
      throw error
    }
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
        return {...value, seen}
      }
      case 'some': return some(yield* this.made(value.value))
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
    if (isWhole !== null) yield* check(claims.whole, isWhole(words))
    if (isValid !== null) yield* check(claims.valid, isValid(words))
  }

  /** All that `&value` allows. */
  * use(value: RustValue): Proc {
    const inner = behind(value)
    switch (inner.kind) {
      case 'borrow': {
        const now = yield* readAll(inner.words)
        yield* this.#judge(now)
        const {mutatesWhenUsed} = this.#setting.payload
        if (mutatesWhenUsed) for (const at of inner.words) yield* writePlain(at, (yield* readPlain(at)).plus(1))
        else if (!inner.mutable && inner.seen !== null) for (const [i, word] of now.entries()) yield* check(claims.stable, Value.apply('==', word, inner.seen[i]!))
        return
      }
      case 'owner': {
        yield* this.#judge(yield* readAll(this.#ownedWords(inner.pointer)))
        return
      }
      case 'some': return yield* this.use(inner.value)
      case 'tuple': for (const item of inner.items) yield* this.use(item)
    }
  }

  * #write(value: RustValue, n: number): Proc {
    const target = behind(value)
    if (target.kind !== 'borrow') throw new Error('client: writes through what is no &mut T')
    for (const [i, word] of this.#setting.payload.fresh(n).entries()) yield* writePlain(target.words[i]!, word)
  }

  #ownedWords(pointer: Value): readonly Address[] {
    return wordsAt(pointer, this.#setting.payload.size)
  }

  // ---- drops -----------------------------------------------------------------------------------------

  * drop(variable: Variable): Proc {
    const value = this.#variables.get(variable)
    this.forget(variable)
    if (value !== undefined) yield* this.#dropValue(value)
  }

  * #dropValue(value: RustValue): Proc {
    switch (value.kind) {
      case 'owner': return yield* free(value.pointer, {name: `drop(${value.of})`})
      case 'some': return yield* this.#dropValue(value.value)
      case 'tuple': for (const item of value.items) yield* this.#dropValue(item); return
      case 'struct': {
        const {wrapper, payload, boxes} = this.#setting
        const body = wrapper.bodies[`${value.name}::drop`]
        if (body !== undefined) yield* body({self: value.state, args: [], payload, boxes})
      }
    }
  }
}

/** The words of a payload behind a pointer to its first one. */
export function wordsAt(pointer: Value, size: number): readonly Address[] {
  return Array.from({length: size}, (_, i) => i === 0 ? pointer : pointer.plus(i))
}

/** The one field of an object of `boxes`. */
export function boxed(words: readonly Operand[]): {readonly payload: readonly Operand[]} {
  return {payload: words.length === 1 ? words[0] as never : words}
}

function refer(value: RustValue): RustValue {
  return value.kind === 'reference' || value.kind === 'borrow' ? value : {kind: 'reference', to: value}
}

function* readAll(words: readonly Address[]): Proc<readonly Value[]> {
  const found: Value[] = []
  for (const at of words) found.push(yield* readPlain(at))
  return found
}

function constant(text: string): RustValue {
  if (text === '()') return unitValue
  if (text === 'None') return {kind: 'none'}
  if (text === 'true' || text === 'false') return {kind: 'scalar', value: Number(text === 'true')}
  const number = Number.parseInt(text, 10)
  if (Number.isNaN(number)) throw new Error(`client: the constant ${text} is not run yet`)
  return {kind: 'scalar', value: number}
}
