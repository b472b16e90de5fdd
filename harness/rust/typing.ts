/**
 * Types a client: finds the signature behind each call, gives every value a type whose lifetimes are its own, checks bounds, and
 * lays out the flow for the borrow checker. Scoped threads are laid out one behind the other, each with its captures alive until
 * all have been joined (the bounds of `std::thread::scope`).
 */
import {Builder, IllTyped} from './builder.ts'
import {boundBy, hasVariant, type Block, type Capture, type Client, type Closure, type Drops, type Operand, type Pattern, type Place, type Statement, type Thread, type Variable} from './client.ts'
import type {Flow, Loan} from './flow.ts'
import {regionsOf} from './parse-type.ts'
import {payloadNamed, type Payload} from './payloads.ts'
import {isInteger} from './prelude.ts'
import {showType, unit, type ClosureType, type Method, type Parameter, type Signatures, type Type} from './syntax.ts'
import {needsDrop, wellFormed} from './traits.ts'
import {isFreeResult, mapRegions, sameShape, structOf, substitute, substituteBound, type Substitution} from './types.ts'

export interface Typed {
  readonly flow: Flow
  /** The variables of the client, lifetimes being names of this typing. */
  readonly types: ReadonlyMap<Variable, Type>
  /** What is dropped at the end of a block, or where a call's pattern does not match. */
  readonly drops: Drops
  /** Uses of what has been moved, bounds that do not hold, types that do not fit. */
  readonly problems: readonly string[]
}

/** @throws {IllTyped} if the client is no program at all: a variable or method that does not exist, a pattern that cannot fit. */
export function typeClient(signatures: Signatures, client: Client): Typed {
  return new Typing(signatures, payloadNamed(client.payload)).run(client)
}

class Typing {
  readonly #build: Builder
  readonly #signatures: Signatures
  readonly #payload: Payload
  readonly #drops = new Map<Block | Statement, readonly Variable[]>()

  constructor(signatures: Signatures, payload: Payload) {
    this.#signatures = signatures
    this.#payload = payload
    this.#build = new Builder(signatures)
  }

  run({main}: Client): Typed {
    this.#build.enter('main')
    this.#block(main, 'main')
    this.#build.leave()
    const {types} = this.#build
    return {flow: this.#build.flow(), types: new Map([...types].filter(([variable]) => variable >= 0)), drops: this.#drops, problems: this.#build.problems}
  }

  /** `before` happens after the statements and before anything is dropped. */
  #block(block: Block, end: 'main' | 'thread' | null, before?: () => void): void {
    for (const statement of block.statements) this.#statement(statement)
    this.#build.label = 'the end of the block'
    before?.()
    this.#drops.set(block, this.#build.owned())
    this.#build.endBlock(end)
  }

  #statement(statement: Statement): void {
    const build = this.#build
    build.label = describe(statement)
    switch (statement.kind) {
      case 'call': this.#call(statement); break
      case 'let': {
        const type = build.fresh(statement.type)
        build.declare(statement.variable, type, this.#operand(statement.value, type))
        break
      }
      case 'use': {
        const variable = statement.through === null ? statement.variable : this.#through(statement.through, statement.variable, false)
        if (statement.through === null) build.typeOf(variable)
        build.call({uses: [variable], accesses: [{variable, behind: false, kind: 'read', what: 'read'}]})
        break
      }
      case 'write': this.#write(statement); break
      case 'drop':
      case 'forget': build.call({uses: [this.#move(statement.variable)]}); break
      case 'swap': this.#swap(statement.first, statement.second); break
      case 'scope': this.#scope(statement.threads); break
      case 'panic':
        if (build.frame.kind !== 'closure') throw new IllTyped('only closures panic')
        build.call({})
        build.stop()
        break
    }
  }

  #write({variable: written, through}: Statement & {kind: 'write'}): void {
    const build = this.#build
    const value = this.#operand({kind: 'fresh', value: 0}, this.#payload.type)
    const variable = through === null ? written : this.#through(through, written, true)
    const type = through === null ? build.typeOf(variable) : build.types.get(variable)!
    if (type.kind !== 'reference') throw new IllTyped(`${build.label}: ${showType(type)} is no reference`)
    if (!type.mutable) build.problem(`${showType(type)} cannot be written through`)
    build.relate(this.#payload.type, type.to)
    const draft = {uses: [variable, value], accesses: [{variable, behind: true, kind: 'write', what: 'written'}]} as const
    if (needsDrop(this.#signatures, type.to)) build.call(draft) // the old value's destructor
    else build.add(draft)
  }

  /** The reference that `Deref::deref(&x)` or `DerefMut::deref_mut(&mut x)` returns, x being as far behind references as need be. */
  #through(method: string, variable: Variable, mutable: boolean): Variable {
    let derefs = 0
    for (let type = this.#build.typeOf(variable); type.kind === 'reference'; type = type.to) derefs++
    return this.#invoke({kind: 'call', method, operands: [{kind: mutable ? 'lend' : 'share', place: {variable, derefs}}], into: {kind: 'ignored'}, otherwise: []}).value
  }

  #swap(first: Variable, second: Variable): void {
    const build = this.#build
    if (first === second) throw new IllTyped(`${build.label}: a variable cannot be swapped with itself`)
    const one = this.#borrow({variable: first, derefs: 0}, true)
    const other = this.#borrow({variable: second, derefs: 0}, true)
    build.relate(build.typeOf(first), build.typeOf(second), 'invariant')
    build.call({uses: [one, other]})
  }

  // ---- Calls ---------------------------------------------------------------------------------------

  #call(call: Statement & {kind: 'call'}): void {
    const {value, result} = this.#invoke(call)
    this.#build.label = call.method
    this.#bind(call, value, result)
  }

  #invoke(call: Statement & {kind: 'call'}): {readonly value: Variable; readonly result: Type} {
    const build = this.#build
    const method = this.#method(call)
    const by = this.#instantiate(method, call.operands)
    for (const bound of method.bounds.map(bound => substituteBound(bound, by))) {
      if (bound.kind === 'trait') build.require(bound.type, bound.trait, 'which the signature demands')
      else if (bound.kind === 'longer') build.outlives(bound.longer, bound.shorter)
      else for (const region of regionsOf(bound.type)) build.outlives(region, bound.region)
    }
    const parameters = method.parameters.map((parameter): Parameter => ({...parameter, type: substitute(parameter.type, by)}))
    const result = substitute(method.result, by)
    for (const type of [...parameters.map(({type}) => type), result]) this.#checkType(type)
    const taken = this.#operands(parameters, call.operands)
    const value = build.temporary(result)
    build.call({uses: taken, defines: [value]})
    return {value, result}
  }

  #method({method: id, operands}: Statement & {kind: 'call'}): Method {
    const method = this.#signatures.methods.find(method => method.id === id)
    if (method === undefined) throw new IllTyped(`there is no method ${id}`)
    if (method.unsafe) this.#build.problem('it is unsafe')
    if (method.trait === 'Drop') throw new IllTyped(`${id} cannot be called`)
    if (operands.length !== method.parameters.length) throw new IllTyped(`${id} takes ${method.parameters.length} operands, found ${operands.length}`)
    return method
  }

  /** Every type parameter is the payload, but for the result of a closure, which is what the closure returns. */
  #instantiate(method: Method, operands: readonly Operand[]): Substitution {
    const types = new Map(method.types.map(name => [name, this.#build.fresh(this.#payload.type)]))
    for (const [i, {type}] of method.parameters.entries()) {
      const operand = operands[i]!
      if (type.kind !== 'closure' || operand.kind !== 'closure' || !isFreeResult(method, type)) continue
      const {result, body} = operand.closure
      const isUnit = (result.kind === 'constant' && result.text === '()') || body.statements.at(-1)?.kind === 'panic'
      if (type.result.kind === 'parameter' && isUnit) types.set(type.result.name, unit)
    }
    return {types, regions: new Map(method.regions.map(name => [name, this.#build.region()]))}
  }

  #checkType(type: Type): void {
    if (type.kind === 'closure') return
    if (!wellFormed(this.#signatures, type)) this.#build.problem(`the bounds of ${showType(type)} do not hold`)
    this.#build.wellFormed(type)
  }

  /** A receiver `&mut x` is borrowed in two phases (RFC 2025): it is only read until the other operands are there. */
  #operands(parameters: readonly Parameter[], operands: readonly Operand[]): readonly Variable[] {
    const [receiver] = operands
    if (receiver?.kind !== 'lend' || parameters[0]?.name !== 'self') return operands.map((operand, i) => this.#operand(operand, parameters[i]!.type))
    const {variable, derefs} = receiver.place
    this.#build.typeOf(variable)
    this.#build.add({uses: [variable], accesses: [{variable, behind: derefs > 0, kind: 'read', what: 'borrowed'}]})
    const others = operands.slice(1).map((operand, i) => this.#operand(operand, parameters[i + 1]!.type))
    return [this.#operand(receiver, parameters[0].type), ...others]
  }

  #bind(call: Statement & {kind: 'call'}, value: Variable, type: Type): void {
    const build = this.#build
    const {into} = call
    if (into.kind === 'ignored') {
      if (build.mayDrop(value)) build.call({drops: value})
      return
    }
    if (hasVariant(into)) {
      this.#drops.set(call, build.owned())
      build.exit(build.mayDrop(value) ? value : null)
    }
    this.#match(into, type, value)
    const names = boundBy(into)
    if (new Set(names).size !== names.length) throw new IllTyped(`${build.label}: a variable is bound twice`)
  }

  #match(pattern: Pattern, type: Type, value: Variable): void {
    const build = this.#build
    switch (pattern.kind) {
      case 'ignored': break
      case 'variable': {
        const own = build.fresh(type)
        build.relate(type, own)
        build.wellFormed(own)
        build.declare(pattern.variable, own, value)
        break
      }
      case 'tuple': {
        if (type.kind !== 'tuple' || type.items.length !== pattern.items.length) return this.#misfit(type)
        for (const [i, item] of pattern.items.entries()) this.#match(item, type.items[i]!, value)
        break
      }
      case 'variant': {
        if (build.frame.kind === 'closure') throw new IllTyped(`${build.label}: a closure cannot return early`)
        if (type.kind !== 'named' || type.name !== (pattern.name === 'Some' ? 'Option' : 'Result')) return this.#misfit(type)
        this.#match(pattern.item, type.types[pattern.name === 'Err' ? 1 : 0]!, value)
        break
      }
    }
  }

  #misfit(type: Type): never {
    throw new IllTyped(`${this.#build.label}: the pattern does not fit ${showType(type)}`)
  }

  // ---- Operands ------------------------------------------------------------------------------------

  /** Evaluates an operand to a temporary whose type fits the one that is wanted. */
  #operand(operand: Operand, wanted: Type): Variable {
    const build = this.#build
    const made = this.#made(operand, wanted)
    if (operand.kind !== 'closure') build.relate(build.types.get(made)!, wanted)
    return made
  }

  #made(operand: Operand, wanted: Type): Variable {
    const build = this.#build
    switch (operand.kind) {
      case 'move': return this.#move(operand.variable)
      case 'share': return this.#borrow(operand.place, false)
      case 'lend': return this.#borrow(operand.place, true)
      case 'copy': {
        const {type, behind} = this.#place(operand.place)
        build.require(type, 'Copy', 'so it cannot be copied out')
        build.add({uses: [operand.place.variable], accesses: [{variable: operand.place.variable, behind, kind: 'read', what: 'copied'}]})
        return this.#value(type, operand.place.variable)
      }
      case 'fresh': {
        const type = this.#payload.local?.type ?? this.#payload.type
        return this.#payload.called ? this.#called(type) : this.#value(type)
      }
      case 'borrowing': return this.#borrowing(operand.place)
      case 'constant': return this.#isConstant(operand.text, wanted) ? this.#value(wanted) : this.#mismatch(operand, wanted)
      case 'wrap': {
        if (wanted.kind !== 'named' || wanted.name !== (operand.into === 'Some' ? 'Option' : operand.into)) return this.#mismatch(operand, wanted)
        const inner = this.#operand(operand.operand, wanted.types[0]!)
        return operand.into === 'Some' ? this.#value(wanted, inner) : this.#called(wanted, inner)
      }
      case 'clone': {
        const {type} = this.#place(operand.place)
        if (type.kind !== 'named' || (type.name !== 'Arc' && type.name !== 'Rc')) return this.#mismatch(operand, wanted)
        return this.#called(type, this.#borrow(operand.place, false))
      }
      case 'tuple': {
        if (wanted.kind !== 'tuple' || wanted.items.length !== operand.items.length) return this.#mismatch(operand, wanted)
        return this.#value(wanted, ...operand.items.map((item, i) => this.#operand(item, wanted.items[i]!)))
      }
      case 'closure': return wanted.kind === 'closure' ? this.#closure(operand.closure, wanted) : this.#mismatch(operand, wanted)
    }
  }

  /** A payload that borrows: its lifetimes are the borrow's. */
  #borrowing(place: Place): Variable {
    const borrow = this.#borrow(place, false)
    const {region, to} = this.#build.types.get(borrow)! as Type & {kind: 'reference'}
    const {local, type} = this.#payload
    if (local === null || !sameShape(to, local.type)) throw new IllTyped(`${this.#build.label}: ${this.#payload.name} does not borrow ${showType(to)}`)
    return this.#value(mapRegions(type, () => region), borrow)
  }

  /** A temporary that is made from others. */
  #value(type: Type, ...uses: readonly Variable[]): Variable {
    const made = this.#build.temporary(type)
    this.#build.add({uses, defines: [made]})
    return made
  }

  /** A temporary that a call returns, which may unwind. */
  #called(type: Type, ...uses: readonly Variable[]): Variable {
    const made = this.#build.temporary(type)
    this.#build.call({uses, defines: [made]})
    return made
  }

  #mismatch(operand: Operand, wanted: Type): never {
    throw new IllTyped(`${this.#build.label}: ${operand.kind} is no ${showType(wanted)}`)
  }

  #isConstant(text: string, type: Type): boolean {
    if (type.kind === 'tuple') return type.items.length === 0 && text === '()'
    if (type.kind !== 'named') return false
    if (type.name === 'Option') return text === 'None'
    if (type.name === 'bool') return text === 'true' || text === 'false'
    if (isInteger(type)) return /^\d+$/.test(text)
    return structOf(this.#signatures, type)?.variants?.some(({name, fields}) => fields.length === 0 && text === `${type.name}::${name}`) ?? false
  }

  #move(variable: Variable): Variable {
    const build = this.#build
    const {type, draft} = build.take(variable)
    const temporary = build.temporary(type)
    build.add({...draft, defines: [temporary]})
    return temporary
  }

  /** The type of a place, and how it is reached. */
  #place({variable, derefs}: Place): {readonly type: Type; readonly behind: boolean; readonly through: readonly (Type & {kind: 'reference'})[]; readonly owner: boolean} {
    let type = this.#build.typeOf(variable)
    let owner = false
    const through: (Type & {kind: 'reference'})[] = []
    for (let i = 0; i < derefs; i++) {
      if (type.kind === 'reference') {
        through.push(type)
        type = type.to
      } else if (type.kind === 'named' && ['Box', 'Arc', 'Rc'].includes(type.name)) {
        owner ||= type.name !== 'Box'
        type = type.types[0]!
      } else throw new IllTyped(`${this.#build.label}: ${showType(type)} cannot be dereferenced`)
    }
    return {type, behind: through.length > 0, through, owner}
  }

  /** `&place` or `&mut place`. What is behind a shared reference needs no loan: nobody can take it away. */
  #borrow(place: Place, mutable: boolean): Variable {
    const build = this.#build
    const {type, behind, through, owner} = this.#place(place)
    const shared = through.some(reference => !reference.mutable)
    if (mutable && (shared || owner)) build.problem('what is behind a shared reference cannot be borrowed exclusively')
    const region = build.region()
    for (const reference of through.toReversed()) {
      build.outlives(reference.region, region)
      if (!reference.mutable) break
    }
    const loan: Loan | null = shared ? null : {region, variable: place.variable, behind, mutable}
    const access = {variable: place.variable, behind, kind: mutable ? 'write' : 'read', what: 'borrowed'} as const
    const made = build.temporary({kind: 'reference', mutable, region, to: type})
    build.wellFormed(build.types.get(made)!)
    build.add({uses: [place.variable], accesses: [access], loan, defines: [made]})
    if (owner) build.call({uses: [made]}) // Deref::deref of Arc and Rc
    return made
  }

  // ---- Captures, closures and threads --------------------------------------------------------------

  #capture({outer, mode}: Capture): Variable {
    return mode === 'move' ? this.#move(outer) : this.#borrow({variable: outer, derefs: 0}, mode === 'lend')
  }

  /** What a thread or closure holds: one value, which lasts as long as the thread or the closure. */
  #environment(captures: readonly Capture[]): {readonly held: Variable; readonly types: readonly Type[]} {
    const build = this.#build
    const values = captures.map(capture => this.#capture(capture))
    const types = values.map(value => build.types.get(value)!)
    const held = build.temporary({kind: 'tuple', items: types})
    build.add({uses: values, defines: [held]})
    return {held, types}
  }

  #closure(closure: Closure, wanted: ClosureType): Variable {
    const build = this.#build
    const {label} = build
    const allowed = {Fn: ['share'], FnMut: ['share', 'lend'], FnOnce: ['share', 'lend', 'move']}[wanted.trait]
    if (!closure.captures.every(({mode}) => allowed.includes(mode))) throw new IllTyped(`${label}: an ${wanted.trait} captures otherwise`)
    if (closure.parameters.length !== wanted.parameters.length) {
      throw new IllTyped(`${label}: the closure takes ${closure.parameters.length} arguments instead of ${wanted.parameters.length}`)
    }
    const {held, types} = this.#environment(closure.captures)
    for (const bound of wanted.bounds) {
      for (const type of types) {
        if (bound === "'static") build.makeStatic(type)
        else build.require(type, bound, 'which the signature demands of the closure')
      }
    }
    const made = build.length - 1
    const by: Substitution = {types: new Map(), regions: new Map(wanted.regions.map(name => [name, build.region()]))}
    const from = build.length
    build.enter('closure')
    for (const [i, {inner}] of closure.captures.entries()) build.declare(inner, types[i]!, null)
    for (const [i, variable] of closure.parameters.entries()) build.declare(variable, substitute(wanted.parameters[i]!, by), null)
    const panics = closure.body.statements.at(-1)?.kind === 'panic'
    this.#block(closure.body, null, () => {
      if (!panics) build.add({uses: [this.#operand(closure.result, substitute(wanted.result, by))]})
    })
    build.leave()
    for (const region of by.regions.values()) build.unknown(region, from)
    build.label = label
    build.joinFrom(made) // it may never be called
    return held
  }

  #scope(threads: readonly Thread[]): void {
    const build = this.#build
    if (build.frame.kind !== 'main') throw new IllTyped('threads are started by the main thread only')
    const running = threads.map(thread => this.#thread(thread))
    build.label = 'the end of the scope'
    build.call({uses: running.flatMap(({held, result}) => result === null ? [held] : [held, result])})
    for (const [i, {result}] of running.entries()) {
      if (result !== null) this.#match({kind: 'variable', variable: threads[i]!.result!.outer}, build.types.get(result)!, result)
    }
  }

  /** Lays out a thread from its start to its end. */
  #thread({captures, body, result}: Thread): {readonly held: Variable; readonly result: Variable | null} {
    const build = this.#build
    build.label = 'the start of a thread'
    for (const {outer, mode} of captures) build.require(build.typeOf(outer), mode === 'share' ? 'Sync' : 'Send', 'which another thread needs')
    const {held, types} = this.#environment(captures)
    build.enter('thread')
    for (const [i, {inner}] of captures.entries()) build.declare(inner, types[i]!, null)
    let returned: Variable | null = null
    this.#block(body, 'thread', () => {
      if (result === null) return
      if (body.statements.some(statement => statement.kind === 'call' && hasVariant(statement.into))) throw new IllTyped('a thread that may end early returns nothing')
      build.require(build.typeOf(result.inner), 'Send', 'which another thread needs')
      returned = this.#move(result.inner)
    })
    build.leave()
    return {held, result: returned}
  }
}

/** A statement in a few words, for messages. */
export function describe(statement: Statement): string {
  switch (statement.kind) {
    case 'call': return statement.method
    case 'let': return `let ${statement.variable}`
    case 'swap': return `swap ${statement.first} and ${statement.second}`
    case 'scope':
    case 'panic': return statement.kind
    default: return `${statement.kind} ${statement.variable}`
  }
}
