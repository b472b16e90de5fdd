/**
 * From a thread's syntax tree to steps: names become registers and addresses, calls become operations of
 * the two vocabularies' tables (kernel.ts, c11.ts), control flow becomes `when` … `merge`.
 *
 * Meaning as in herd7's C semantics: every name that is no parameter is a register and 0 at first; `*p` is a
 * plain (non-atomic) access; an access inside an expression is an event of its own.
 */
import {closest, distance} from 'fastest-levenshtein'
import {c11Fence, c11Op, c11Table, memoryOrders, type C11Entry} from '../c11.ts'
import {
  kernelAddUnless, kernelCas, kernelFence, kernelLoad, kernelLock, kernelRmw, kernelStore, kernelTable, kernelUnlock,
  kernelWaitForReaders, type KernelEntry,
} from '../kernel.ts'
import {mapped} from '../mapped.ts'
import type {Address, C11Order, Op, Vocabulary} from '../program.ts'
import {isDivision, Value, type Location} from '../value.ts'
import {LitmusError, type Source} from './source.ts'
import type {Expression, Statement, ThreadSyntax} from './syntax.ts'
import {divides, evaluateCode, type Code, type Step, type ThreadCode} from './thread.ts'

/** What a thread's names mean, besides its own registers. */
export interface Scope {
  readonly source: Source
  readonly vocabulary: Vocabulary
  /** The first word of each shared variable. */
  readonly shared: ReadonlyMap<string, Location>
  /** What the initial state says of the thread's registers. */
  readonly initial: ReadonlyMap<string, Value>
  /** Registers that the question asks about. */
  readonly observed: readonly string[]
}

/** The steps of one thread. @throws {LitmusError} for what no model here knows. */
export function lowerThread(thread: ThreadSyntax, scope: Scope): ThreadCode {
  return new Lowering(thread, scope).thread(thread.body)
}

const zero = Value.of(0)
const one: Code = {kind: 'value', value: Value.of(1)}
const nothing: Code = {kind: 'value', value: zero}

class Lowering {
  readonly #scope: Scope
  readonly #base: number
  readonly #steps: Step[] = []
  readonly #registers = new Map<string, number>()
  readonly #values: Value[] = []
  /** Parameters that the thread does not assign. */
  readonly #constants = new Map<string, Extract<Code, {kind: 'value'}>>()
  readonly #locks = new Set<Location>()
  #loops = 0
  /** Registers that operations used since a condition began; null outside of conditions. */
  #mentioned: number[] | null = null

  constructor(thread: ThreadSyntax, scope: Scope) {
    this.#scope = scope
    this.#base = thread.base
    const assigned = new Set<string>()
    for (const statement of thread.body) noteAssigned(statement, assigned)
    for (const {name} of thread.parameters) {
      const address = Value.of(scope.shared.get(name)!)
      if (assigned.has(name)) this.#define(name, address)
      else this.#constants.set(name, {kind: 'value', value: address})
    }
    for (const [name, value] of scope.initial) this.#define(name, value)
  }

  thread(body: readonly Statement[]): ThreadCode {
    for (const statement of body) this.#statement(statement)
    const observed = mapped(this.#scope.observed, (name): [string, number] => [name, this.#register(name)])
    return {steps: this.#steps, registers: this.#values, loops: this.#loops, observed, locks: this.#locks}
  }

  #define(name: string, value: Value): number {
    const register = this.#values.push(value) - 1
    this.#registers.set(name, register)
    return register
  }

  #register(name: string): number {
    return this.#registers.get(name) ?? this.#define(name, this.#constants.get(name)?.value ?? zero)
  }

  #temporary(): number {
    return this.#values.push(zero) - 1
  }

  #error(at: number, problem: string): LitmusError {
    return new LitmusError(this.#scope.source, this.#base + at, problem)
  }

  // ---- statements ----

  #statement(statement: Statement): void {
    switch (statement.kind) {
      case 'block':
        for (const inner of statement.body) this.#statement(inner)
        break
      case 'declare':
        this.#register(statement.name)
        break
      case 'expression':
        this.#effect(statement.value)
        break
      case 'if':
        this.#if(statement.condition, () => { this.#statement(statement.then) },
          statement.otherwise === null ? null : () => { this.#statement(statement.otherwise!) })
        break
      case 'loop':
        this.#loop(statement)
        break
    }
  }

  /** An expression whose value is not wanted. */
  #effect(expression: Expression): void {
    if (expression.kind === 'call') this.#call(expression, false)
    else this.#expression(expression)
  }

  #if(condition: Expression, then: () => void, otherwise: (() => void) | null): void {
    const branch = this.#branch(condition)
    then()
    if (otherwise === null) {
      branch.otherwise = this.#steps.length
    } else {
      const jump: Extract<Step, {kind: 'jump'}> = {kind: 'jump', to: 0}
      this.#steps.push(jump)
      branch.otherwise = this.#steps.length
      otherwise()
      jump.to = this.#steps.length
    }
    this.#steps.push({kind: 'merge'})
  }

  #branch(condition: Expression): Extract<Step, {kind: 'branch'}> {
    const outer = this.#mentioned
    const mentioned: number[] = this.#mentioned = []
    const code = this.#expression(condition)
    this.#mentioned = outer
    outer?.push(...mentioned)
    const branch: Extract<Step, {kind: 'branch'}> = {kind: 'branch', condition: code, mentioned, otherwise: 0}
    this.#steps.push(branch)
    return branch
  }

  /** Rounds nest as the `if`s do that a loop unrolls to: all their arms end where the loop ends. */
  #loop({first, condition, body, step}: Extract<Statement, {kind: 'loop'}>): void {
    const loop = this.#loops++
    this.#steps.push({kind: 'loop', loop})
    if (first) this.#statement(body)
    const again = this.#steps.length
    const branch = this.#branch(condition ?? {kind: 'number', value: 1, at: 0})
    this.#steps.push({kind: 'round', loop})
    this.#statement(body)
    if (step !== null) this.#effect(step)
    this.#steps.push({kind: 'jump', to: again})
    branch.otherwise = this.#steps.length
    this.#steps.push({kind: 'leave', loop})
  }

  // ---- expressions ----

  #expression(expression: Expression): Code {
    switch (expression.kind) {
      case 'number': return {kind: 'value', value: Value.of(expression.value)}
      case 'name': return this.#constants.get(expression.name) ?? this.#use({kind: 'register', register: this.#register(expression.name)})
      case 'deref': return this.#read(expression.of)
      case 'address': return this.#address(expression.of)
      case 'apply': {
        const args = mapped(expression.args, arg => this.#expression(arg))
        return folded({kind: 'apply', operator: expression.operator, args})
      }
      case 'both': case 'either': return this.#logical(expression)
      case 'choose': return this.#choose(expression)
      case 'assign': return this.#assign(expression)
      case 'call': return this.#call(expression, true)
    }
  }

  #use(code: Extract<Code, {kind: 'register'}>): Code {
    this.#mentioned?.push(code.register)
    return code
  }

  /** The address of what an expression names. */
  #address(place: Expression): Code {
    if (place.kind === 'deref') return this.#expression(place.of)
    if (place.kind === 'name' && this.#scope.shared.has(place.name)) {
      throw this.#error(place.at, `${place.name} already is the address of the shared variable: write ${place.name}, or *${place.name} for its value`)
    }
    throw this.#error(place.at, 'expected a shared variable such as *x: registers have no address')
  }

  #assign({target, operator, value, at}: Extract<Expression, {kind: 'assign'}>): Code {
    if (target.kind === 'name') {
      const register = this.#register(target.name)
      const old: Code = {kind: 'register', register}
      const assigned = this.#expression(value)
      this.#set(register, operator === null ? assigned : {kind: 'apply', operator, args: [old, assigned]})
      return old
    }
    if (target.kind !== 'deref') throw this.#error(at, 'only a register or *pointer can be assigned to')
    const address = this.#expression(target.of)
    const assigned = this.#expression(value)
    const stored = operator === null ? assigned : folded({kind: 'apply', operator, args: [this.#readAt(address), assigned]})
    this.#perform(plainStore(this.#scope.vocabulary, address, stored), -1)
    return stored
  }

  /** Assigns a register; the last step's own result goes there directly. */
  #set(register: number, code: Code): void {
    const last = this.#steps.at(-1)
    if (code.kind === 'register' && last?.kind === 'perform' && last.into === code.register && this.#isTemporary(code.register)) {
      this.#steps[this.#steps.length - 1] = {...last, into: register}
    } else {
      this.#push(register, code)
    }
  }

  #push(register: number, code: Code): void {
    this.#steps.push({kind: 'set', into: register, code, divides: divides(code)})
  }

  #isTemporary(register: number): boolean {
    for (const named of this.#registers.values()) if (named === register) return false
    return true
  }

  #perform(make: (registers: readonly Value[]) => Op, into: number): void {
    this.#steps.push({kind: 'perform', make, into})
  }

  /** Performs an operation whose result is wanted. */
  #result(make: (registers: readonly Value[]) => Op): Code {
    const register = this.#temporary()
    this.#perform(make, register)
    return this.#use({kind: 'register', register})
  }

  #read(address: Expression): Code {
    return this.#readAt(this.#expression(address))
  }

  #readAt(address: Code): Code {
    return this.#result(plainLoad(this.#scope.vocabulary, address))
  }

  /** && and ||: C's short circuit, where the right side has effects that it could skip. */
  #logical({kind, left, right}: Extract<Expression, {kind: 'both' | 'either'}>): Code {
    if (!hasEffects(right)) {
      const sides = mapped([left, right], side => truthOf(this.#expression(side)))
      return folded({kind: 'apply', operator: kind === 'both' ? '&' : '|', args: sides})
    }
    const result = this.#temporary()
    this.#push(result, truthOf(this.#expression(left)))
    const tested: Code = {kind: 'register', register: result}
    const condition = kind === 'both' ? tested : folded({kind: 'apply', operator: '!', args: [tested]})
    const branch: Extract<Step, {kind: 'branch'}> = {kind: 'branch', condition, mentioned: [], otherwise: 0}
    this.#steps.push(branch)
    this.#push(result, truthOf(this.#expression(right)))
    branch.otherwise = this.#steps.length
    this.#steps.push({kind: 'merge'})
    return this.#use({kind: 'register', register: result})
  }

  #choose({condition, then, otherwise}: Extract<Expression, {kind: 'choose'}>): Code {
    const result = this.#temporary()
    const arm = (value: Expression) => () => { this.#push(result, this.#expression(value)) }
    this.#if(condition, arm(then), arm(otherwise))
    return this.#use({kind: 'register', register: result})
  }

  // ---- calls ----

  #call(call: Extract<Expression, {kind: 'call'}>, wanted: boolean): Code {
    const {name, args, at} = call
    const kernel = kernelTable.get(name)
    const c11 = c11Table.get(name)
    if (c11 !== undefined && (kernel === undefined || this.#scope.vocabulary === 'c11')) return this.#c11(name, c11, args, at)
    if (kernel === undefined) throw this.#error(at, unknownCall(name))
    const result = this.#kernel(name, kernel, args, at)
    if (wanted && result === null) throw this.#error(at, `${name}() returns nothing`)
    return result ?? nothing
  }

  #kernel(name: string, entry: KernelEntry, args: readonly Expression[], at: number): Code | null {
    const arity = kernelArity(entry)
    if (args.length !== arity) throw this.#error(at, `${name}() takes ${arity} argument${arity === 1 ? '' : 's'}, found ${args.length}`)
    if (lockOrders.has(entry.order)) this.#noteLock(args[0]!)
    switch (entry.kind) {
      case 'load': {
        const address = this.#place(name, args[0]!, entry.pointer)
        return this.#result(withAddress(address, where => kernelLoad(name, where)))
      }
      case 'store': {
        const address = this.#place(name, args[0]!, entry.pointer)
        const value = this.#expression(args[1]!)
        this.#perform(registers => kernelStore(name, addressOf(address, registers), evaluateCode(value, registers)), -1)
        if (entry.then !== undefined) this.#perform(() => kernelFence('smp_mb'), -1)
        return null
      }
      case 'rmw': {
        const [pointer, operand] = entry.operand === 'V,X' ? [args[1]!, args[0]] : [args[0]!, args[1]]
        const by = operand === undefined ? one : this.#expression(operand)
        const address = this.#place(name, pointer, true)
        const old = this.#result(registers => kernelRmw(name, addressOf(address, registers), evaluateCode(by, registers)))
        return entry.returns === 'nothing' ? null : entry.returns === 'old' ? old : {kind: 'returned', name, old, operand: by}
      }
      case 'cas': {
        const address = this.#place(name, args[0]!, true)
        const [expected, desired] = [this.#expression(args[1]!), this.#expression(args[2]!)]
        return this.#result(registers =>
          kernelCas(name, addressOf(address, registers), evaluateCode(expected, registers), evaluateCode(desired, registers)))
      }
      case 'add-unless': {
        const address = this.#place(name, args[0]!, true)
        const [addend, unless] = [this.#expression(args[1]!), this.#expression(args[2]!)]
        const old = this.#result(registers =>
          kernelAddUnless(name, addressOf(address, registers), evaluateCode(addend, registers), evaluateCode(unless, registers)))
        return {kind: 'apply', operator: '!=', args: [old, unless]}
      }
      case 'fence': {
        const op = kernelFence(name)
        this.#perform(() => op, -1)
        return null
      }
      case 'lock': {
        const address = this.#place(name, args[0]!, true)
        const old = this.#result(withAddress(address, where => kernelLock(name, where)))
        return entry.wait ? null : {kind: 'apply', operator: '==', args: [old, nothing]}
      }
      case 'unlock': case 'wait-for-readers': {
        const address = this.#place(name, args[0]!, true)
        const make = entry.kind === 'unlock' ? kernelUnlock : kernelWaitForReaders
        this.#perform(withAddress(address, where => make(name, where)), -1)
        return null
      }
    }
  }

  #noteLock(pointer: Expression): void {
    const address = pointer.kind === 'name' ? this.#constants.get(pointer.name)?.value.scalar : undefined
    if (typeof address === 'object') this.#locks.add(address)
  }

  /** Where an access goes: its argument is a pointer, or for READ_ONCE() and the like an lvalue. */
  #place(name: string, argument: Expression, pointer: boolean): Code {
    if (pointer) return this.#expression(argument)
    if (argument.kind === 'deref') return this.#expression(argument.of)
    const shown = argument.kind === 'name' ? argument.name : '…'
    throw this.#error(argument.at, `${name}() needs a shared variable: expected ${name}(*${shown})`)
  }

  #c11(name: string, entry: C11Entry, args: readonly Expression[], at: number): Code {
    const values = {load: 0, fence: 0, store: 1, rmw: 1, cas: 2}[entry.kind]
    const pointers = entry.kind === 'fence' ? 0 : 1
    const arity = pointers + values + entry.orders
    if (args.length !== arity) throw this.#error(at, `${name}() takes ${arity} argument${arity === 1 ? '' : 's'}, found ${args.length}`)
    const orders = mapped(args.slice(pointers + values), arg => this.#order(arg))
    if (entry.kind === 'fence') {
      const op = c11Fence(orders[0]!)
      this.#perform(() => op, -1)
      return nothing
    }
    const address = this.#expression(args[0]!)
    const operands = mapped(args.slice(1, 1 + values), arg => this.#expression(arg))
    if (entry.kind === 'cas') return this.#compareExchange(name, address, operands[0]!, operands[1]!, orders)
    const make = (registers: readonly Value[]): Op =>
      c11Op(name, addressOf(address, registers), mapped(operands, operand => evaluateCode(operand, registers)), orders)
    if (entry.kind !== 'store') return this.#result(make)
    this.#perform(make, -1)
    return nothing
  }

  /** The expected value is in memory: read non-atomically before, and replaced by what was found on failure. */
  #compareExchange(name: string, address: Code, pointer: Code, desired: Code, orders: readonly C11Order[]): Code {
    const expected = this.#readAt(pointer)
    const old = this.#result(registers =>
      c11Op(name, addressOf(address, registers), [evaluateCode(expected, registers), evaluateCode(desired, registers)], orders))
    const failed: Code = {kind: 'apply', operator: '!=', args: [old, expected]}
    const branch: Extract<Step, {kind: 'branch'}> = {kind: 'branch', condition: failed, mentioned: [], otherwise: 0}
    this.#steps.push(branch)
    this.#perform(plainStore('c11', pointer, old), -1)
    branch.otherwise = this.#steps.length
    this.#steps.push({kind: 'merge'})
    return {kind: 'apply', operator: '==', args: [old, expected]}
  }

  #order(argument: Expression): C11Order {
    const order = argument.kind === 'name' ? memoryOrders.get(argument.name) : undefined
    if (order !== undefined) return order
    const found = argument.kind === 'name' ? `, found ${argument.name}` : ''
    throw this.#error(argument.at, `expected a memory order (${[...memoryOrders.keys()].join(', ')})${found}`)
  }
}

/** lock.cat's ALL-LOCKS. */
const lockOrders: ReadonlySet<string> = new Set(['LOCK', 'TRYLOCK', 'UNLOCK', 'IS-LOCKED', 'SRCU-LOCK', 'SRCU-UNLOCK', 'Sync-srcu'])

/** The names that a statement assigns. */
function noteAssigned(statement: Statement, into: Set<string>): void {
  switch (statement.kind) {
    case 'block':
      for (const inner of statement.body) noteAssigned(inner, into)
      break
    case 'declare':
      into.add(statement.name)
      break
    case 'expression':
      noteAssignedIn(statement.value, into)
      break
    case 'if':
      noteAssignedIn(statement.condition, into)
      noteAssigned(statement.then, into)
      if (statement.otherwise !== null) noteAssigned(statement.otherwise, into)
      break
    case 'loop':
      for (const part of [statement.condition, statement.step]) if (part !== null) noteAssignedIn(part, into)
      noteAssigned(statement.body, into)
      break
  }
}

function noteAssignedIn(expression: Expression, into: Set<string>): void {
  if (expression.kind === 'assign' && expression.target.kind === 'name') into.add(expression.target.name)
  for (const part of partsOf(expression)) noteAssignedIn(part, into)
}

function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'number': case 'name': return []
    case 'deref': case 'address': return [expression.of]
    case 'apply': case 'call': return expression.args
    case 'both': case 'either': return [expression.left, expression.right]
    case 'choose': return [expression.condition, expression.then, expression.otherwise]
    case 'assign': return [expression.target, expression.value]
  }
}

/** Does it matter whether it is computed? A division by zero is an effect too. */
function hasEffects(expression: Expression): boolean {
  if (expression.kind === 'apply' && isDivision(expression.operator)) return true
  return expression.kind === 'deref' || expression.kind === 'call' || expression.kind === 'assign' || partsOf(expression).some(hasEffects)
}

function kernelArity(entry: KernelEntry): number {
  switch (entry.kind) {
    case 'fence': return 0
    case 'load': case 'lock': case 'unlock': case 'wait-for-readers': return 1
    case 'store': return 2
    case 'rmw': return entry.operand === 'X' ? 1 : 2
    case 'cas': case 'add-unless': return 3
  }
}

function unknownCall(name: string): string {
  const known = [...kernelTable.keys(), ...c11Table.keys()]
  const meant = closest(name, known)
  const hint = distance(name, meant) <= Math.max(2, name.length / 3) ? `; did you mean ${meant}()?` : ''
  return `${name}() is not known to the kernel's memory model (linux-kernel.def) nor to stdatomic.h${hint}`
}

function addressOf(code: Code, registers: readonly Value[]): Address {
  const value = evaluateCode(code, registers)
  return value.kind === 'const' && typeof value.scalar !== 'number' ? value.scalar : value
}

/** An operation with an address alone: made once, if the address is a constant. */
function withAddress(address: Code, make: (where: Address) => Op): (registers: readonly Value[]) => Op {
  if (address.kind === 'value') {
    const op = make(addressOf(address, []))
    return () => op
  }
  return registers => make(addressOf(address, registers))
}

function plainLoad(vocabulary: Vocabulary, address: Code): (registers: readonly Value[]) => Op {
  const order = vocabulary === 'kernel' ? 'plain' : 'NA'
  return withAddress(address, at => ({kind: 'load', name: 'plain read', vocabulary, order, at}))
}

function plainStore(vocabulary: Vocabulary, address: Code, stored: Code): (registers: readonly Value[]) => Op {
  const order = vocabulary === 'kernel' ? 'plain' : 'NA'
  return registers => ({
    kind: 'store', name: 'plain write', vocabulary, order, at: addressOf(address, registers), value: evaluateCode(stored, registers),
  })
}

function truthOf(code: Code): Code {
  return folded({kind: 'apply', operator: '!=', args: [code, nothing]})
}

/** Computes what is constant. */
function folded(code: Extract<Code, {kind: 'apply'}>): Code {
  if (!code.args.every(arg => arg.kind === 'value' && arg.value.kind === 'const' && typeof arg.value.scalar === 'number')) return code
  if (isDivision(code.operator) && isZero(code.args[1]!)) return code // fails where it is run, if it is
  return {kind: 'value', value: evaluateCode(code, [])}
}

function isZero(code: Code): boolean {
  return code.kind === 'value' && code.value.scalar === 0
}
