/** What a client may do next: every statement that types allow, moves minded, borrows not yet. */
import {lentBy, sizeOfStatement, unitOperand, type Capture, type Closure, type Operand, type Pattern, type Place, type Statement, type Variable} from './client.ts'
import type {Payload} from './payloads.ts'
import {isInteger} from './prelude.ts'
import {mentioned} from './rename.ts'
import {bind, capturesOf, capturing, update, type Slot, type State} from './state.ts'
import type {ClosureType, Method, Signatures, Type} from './syntax.ts'
import {needsDrop, satisfies, wellFormed} from './traits.ts'
import {isFreeResult, sameShape, shapeOf, structOf, substitute, substituteBound} from './types.ts'

export interface Bounds {
  /** Statements of the main thread. */
  readonly main: number
  /** Threads besides the main one. */
  readonly threads: number
  /** Statements of such a thread. */
  readonly statements: number
  /** Values of each struct that are constructed from nothing but values of T. */
  readonly instances: number
  /** Fresh values of T. */
  readonly values: number
  /** Closures within closures. */
  readonly depth: number
  /** Statements in a closure. */
  readonly closure: number
}

interface Choice<A> {
  readonly made: A
  readonly state: State
}

/** A method with T in place. */
export interface Callable {
  readonly method: Method
  readonly parameters: readonly Type[]
  readonly result: Type
}

export class Choices {
  readonly #signatures: Signatures
  readonly #payload: Payload
  readonly #bounds: Bounds
  /** The methods that can be called with this payload, their types with it in place. */
  readonly #methods: readonly Callable[]
  /** Types that are wanted by reference or that can be cloned, and which a `let` can make. */
  readonly #lets: readonly Type[]

  constructor(signatures: Signatures, payload: Payload, bounds: Bounds) {
    this.#signatures = signatures
    this.#payload = payload
    this.#bounds = bounds
    this.#methods = signatures.methods.filter(method => !method.unsafe && method.trait !== 'Drop').map(method => {
      const by = {types: new Map(method.types.map(name => [name, payload.type])), regions: new Map<string, string>()}
      return {method, parameters: method.parameters.map(({type}) => substitute(type, by)), result: substitute(method.result, by), bounds: method.bounds.map(bound => substituteBound(bound, by))}
    }).filter(({parameters, result, bounds}) => [...parameters, result].every(type => wellFormed(signatures, type))
      && bounds.every(bound => bound.kind !== 'trait' || satisfies(signatures, bound.type, bound.trait)))
    this.#lets = this.#wanted()
  }

  /** The methods whose bounds this payload satisfies. */
  get methods(): readonly Callable[] {
    return this.#methods
  }

  /** Whether any client can be made with this payload. */
  get possible(): boolean {
    return this.#methods.length > 0
  }

  #wanted(): readonly Type[] {
    const found = new Map<string, Type>()
    const {local} = this.#payload
    if (local !== null) found.set(shapeOf(local.type), local.type)
    for (const type of this.#methods.flatMap(({parameters}) => parameters)) {
      const target = type.kind === 'reference' ? type.to : type
      if (target.kind === 'closure' || structOf(this.#signatures, target) !== null || sameShape(type, this.#payload.type)) continue
      const shared = target.kind === 'named' && (target.name === 'Arc' || target.name === 'Rc') && !sameShape(target, this.#payload.type)
      if (type.kind === 'reference' || shared) found.set(shapeOf(target), target)
    }
    return [...found.values()]
  }

  /** Every statement that could come next and is no larger than that. */
  * statements(state: State, size: number): Generator<Choice<Statement>> {
    if (size < 1) return
    for (const choice of this.#all(state, size)) if (sizeOfStatement(choice.made) <= size) yield choice
  }

  * #all(state: State, size: number): Generator<Choice<Statement>> {
    for (const {method, parameters, result} of this.#methods) yield * this.#calls(method, parameters, result, state, size - 1)
    for (const type of this.#lets) {
      for (const {made: value, state: after} of this.#operands(type, state, 0)) {
        if (value.kind === 'move') continue
        yield {made: {kind: 'let', variable: after.next, type, value}, state: bind(after, [type])}
      }
    }
    for (const slot of state.slots) yield * this.#alone(slot, state)
    yield * this.#swaps(state)
    if (state.place === 'closure') yield {made: {kind: 'panic'}, state}
  }

  /** What can be done with one variable. */
  * #alone(slot: Slot, state: State): Generator<Choice<Statement>> {
    if (slot.moved) return
    yield * this.#reads(slot, state)
    yield * this.#writes(slot, state)
    const {variable, type, capture} = slot
    const isLocal = this.#isLocal(type)
    if ((capture === null || capture.mode === 'move') && (isLocal || this.#owning(type))) {
      const gone = update(state, variable, {moved: true})
      yield {made: {kind: 'drop', variable}, state: gone}
      if (!isLocal) yield {made: {kind: 'forget', variable}, state: gone}
    }
  }

  * #reads({variable, type, used, capture}: Slot, state: State): Generator<Choice<Statement>> {
    if (used) return
    const spent = update(state, variable, {used: true})
    if ((capture === null || capture.mode === 'move') && this.#telling(type)) yield {made: {kind: 'use', variable, through: null}, state: spent}
    const deref = this.#derefOf(type, 'Deref')
    if (deref !== null && this.#telling(deref.result)) yield {made: {kind: 'use', variable, through: deref.method.id}, state: spent}
  }

  * #writes({variable, type, written, capture}: Slot, state: State): Generator<Choice<Statement>> {
    if (written) return
    const isTarget = (target: Type): boolean => target.kind === 'reference' && target.mutable && sameShape(target.to, this.#payload.type)
    const deref = this.#derefOf(type, 'DerefMut')
    const through = deref !== null && isTarget(deref.result) ? deref.method.id : null
    if (through === null && !((capture === null || capture.mode === 'move') && isTarget(type))) return
    if (this.#payload.local !== null) return
    for (const {made: value, state: after} of this.#fresh(update(state, variable, {written: true}))) yield {made: {kind: 'write', variable, through, value}, state: after}
  }

  /** The method that dereferences what this is, or refers to. */
  #derefOf(type: Type, trait: 'Deref' | 'DerefMut'): Callable | null {
    let at = type
    while (at.kind === 'reference' && (trait === 'Deref' || at.mutable)) at = at.to
    return this.#methods.find(({method, parameters: [self]}) => method.trait === trait && self?.kind === 'reference' && sameShape(self.to, at)) ?? null
  }

  * #swaps(state: State): Generator<Choice<Statement>> {
    const guards = state.slots.filter(({type, moved, capture}) => !moved && (capture === null || capture.mode === 'move')
      && type.kind === 'named' && type.regions.length > 0)
    for (const [i, {variable: first, type}] of guards.entries()) {
      for (const {variable: second, type: other} of guards.slice(i + 1)) {
        if (sameShape(type, other)) yield {made: {kind: 'swap', first, second}, state}
      }
    }
  }

  /** Reading through a value tells something: it borrows, or it is shared although it is owned. */
  #telling(type: Type): boolean {
    if (this.#payload.shared && sameShape(type, this.#payload.type)) return true
    switch (type.kind) {
      case 'reference': return structOf(this.#signatures, type.to) === null && !(type.region === "'static" && sameShape(type, this.#payload.type))
      case 'tuple': return type.items.some(item => this.#telling(item))
      case 'named': return type.name === 'Option' && this.#telling(type.types[0]!)
      default: return false
    }
  }

  /** What the payload borrows. */
  #isLocal(type: Type): boolean {
    return this.#payload.local !== null && sameShape(type, this.#payload.local.type)
  }

  /** Dropping a value early, or never, makes a difference: a struct of the wrapper, or a share in an `Arc`. */
  #owning(type: Type): boolean {
    if (type.kind !== 'named' || sameShape(type, this.#payload.type) || !needsDrop(this.#signatures, type)) return false
    return type.name === 'Arc' || type.name === 'Rc' || structOf(this.#signatures, type) !== null || (type.name === 'Option' && this.#owning(type.types[0]!))
  }

  // ---- Calls ---------------------------------------------------------------------------------------

  * #calls(method: Method, parameters: readonly Type[], result: Type, state: State, size: number): Generator<Choice<Statement>> {
    for (const {made: operands, state: after} of this.#lists(method, parameters, state, size)) {
      const constructed = mentioned([], operands).length === 0 && result.kind === 'named' ? structOf(this.#signatures, result) : null
      const before = constructed === null ? 0 : after.instances.get(constructed.name) ?? 0
      if (constructed !== null && before >= this.#bounds.instances) continue
      const counted = constructed === null ? after : {...after, instances: new Map([...after.instances, [constructed.name, before + 1]])}
      const type = this.#resultOf(method, operands, result)
      for (const {pattern, types} of this.#patterns(type, counted)) {
        const bound = pattern.kind === 'ignored' ? counted : bind(counted, types)
        yield {made: {kind: 'call', method: method.id, operands, into: pattern, otherwise: []}, state: bound}
      }
    }
  }

  /** `R` is `()` where a closure that decides it returns nothing. */
  #resultOf(method: Method, operands: readonly Operand[], result: Type): Type {
    const types = new Map<string, Type>()
    for (const [i, {type}] of method.parameters.entries()) {
      const operand = operands[i]!
      if (type.kind !== 'closure' || operand.kind !== 'closure' || !isFreeResult(method, type) || type.result.kind !== 'parameter') continue
      const {result: returned, body} = operand.closure
      if (returned.kind === 'constant' || body.statements.at(-1)?.kind === 'panic') types.set(type.result.name, {kind: 'tuple', items: []})
    }
    if (types.size === 0) return result
    for (const name of method.types) if (!types.has(name)) types.set(name, this.#payload.type)
    return substitute(method.result, {types, regions: new Map()})
  }

  * #lists(method: Method, parameters: readonly Type[], state: State, size: number): Generator<Choice<readonly Operand[]>> {
    const [first, ...rest] = parameters
    if (first === undefined) {
      yield {made: [], state}
      return
    }
    const declared = method.parameters[method.parameters.length - parameters.length]!.type
    const free = declared.kind === 'closure' && isFreeResult(method, declared)
    for (const {made: operand, state: after} of this.#operands(first, state, size, free)) {
      for (const {made: others, state: last} of this.#lists(method, rest, after, size)) yield {made: [operand, ...others], state: last}
    }
  }

  * #patterns(type: Type, state: State): Generator<{readonly pattern: Pattern; readonly types: readonly Type[]}> {
    if (type.kind === 'tuple') {
      const named = type.items.filter(item => !isUnit(item))
      let next = state.next
      const items = type.items.map((item): Pattern => isUnit(item) ? {kind: 'ignored'} : {kind: 'variable', variable: next++})
      yield {pattern: items.length === 0 ? {kind: 'ignored'} : {kind: 'tuple', items}, types: named}
      return
    }
    const variable: Pattern = {kind: 'variable', variable: state.next}
    yield {pattern: variable, types: [type]}
    if (state.place === 'closure' || type.kind !== 'named') return
    const variants = type.name === 'Option' ? ['Some'] as const : type.name === 'Result' ? ['Ok', 'Err'] as const : []
    for (const [i, name] of variants.entries()) {
      const inner = type.types[i]!
      if (!this.worth(inner)) continue
      for (const {pattern, types} of this.#patterns(inner, {...state, place: 'closure'})) yield {pattern: {kind: 'variant', name, item: pattern}, types}
    }
  }

  /** There is something to be done with it. */
  worth(type: Type): boolean {
    if (type.kind === 'tuple') return type.items.some(item => this.worth(item))
    return this.#telling(type) || (type.kind === 'named' && (structOf(this.#signatures, type) !== null || ['Box', 'Arc', 'Rc'].includes(type.name)))
  }

  /** How a thread may take a variable: a reference is copied or moved, and only what some method wants exclusively is lent. */
  modes(type: Type): readonly Capture['mode'][] {
    if (type.kind === 'reference') return ['move']
    for (let at: Type | null = type; at !== null; at = behind(at, true)) {
      const shape = shapeOf(at)
      if (this.#methods.some(({parameters}) => parameters.some(wanted => wanted.kind === 'reference' && wanted.mutable && shapeOf(wanted.to) === shape))) {
        return ['share', 'lend', 'move']
      }
    }
    return ['share', 'move']
  }

  copies(type: Type): boolean {
    return satisfies(this.#signatures, type, 'Copy')
  }

  // ---- Operands ------------------------------------------------------------------------------------

  /** Every way to make a value of this type. `size` is what closures may add. */
  * #operands(type: Type, state: State, size: number, free = false): Generator<Choice<Operand>> {
    if (type.kind === 'closure') {
      yield * this.#closures(type, state, size, free)
      return
    }
    if (type.kind === 'reference' && !sameShape(type, this.#payload.type)) {
      yield * this.#borrows(type, state)
      return
    }
    for (const {variable, type: own, moved, capture} of state.slots) {
      if (moved || !sameShape(own, type) || (capture !== null && capture.mode !== 'move')) continue
      yield {made: {kind: 'move', variable}, state: satisfies(this.#signatures, own, 'Copy') ? state : update(state, variable, {moved: true})}
    }
    const {local} = this.#payload
    if (sameShape(type, this.#payload.type) && local !== null) {
      for (const {variable, type: own, moved, capture} of state.slots) {
        const derefs = capture?.mode === 'share' ? 1 : 0
        if (!moved && this.#isLocal(derefs === 1 && own.kind === 'reference' ? own.to : own)) yield {made: {kind: 'borrowing', place: {variable, derefs}}, state}
      }
    } else if (sameShape(type, this.#payload.type) || this.#isLocal(type)) {
      for (const {made, state: after} of this.#fresh(state)) yield {made: {kind: 'fresh', value: made}, state: after}
    } else if (type.kind === 'tuple') {
      yield * this.#tuples(type.items, state, size)
    } else if (type.kind === 'named') {
      yield * this.#named(type, state, size)
    }
  }

  * #fresh(state: State): Generator<Choice<number>> {
    if (state.values < this.#bounds.values) yield {made: state.values, state: {...state, values: state.values + 1}}
  }

  * #tuples(items: readonly Type[], state: State, size: number): Generator<Choice<Operand>> {
    if (items.length === 0) {
      yield {made: unitOperand, state}
      return
    }
    let partial: Choice<readonly Operand[]>[] = [{made: [], state}]
    for (const item of items) {
      partial = partial.flatMap(({made, state: before}) => [...this.#operands(item, before, size)].map(({made: operand, state: after}) => ({made: [...made, operand], state: after})))
    }
    for (const {made, state: after} of partial) yield {made: {kind: 'tuple', items: made}, state: after}
  }

  * #named(type: Type & {kind: 'named'}, state: State, size: number): Generator<Choice<Operand>> {
    const constant = (text: string): Choice<Operand> => ({made: {kind: 'constant', text}, state})
    if (type.name === 'bool') yield * [constant('false'), constant('true')]
    else if (isInteger(type)) yield constant('0')
    else if (type.name === 'Option' || type.name === 'Box' || type.name === 'Arc' || type.name === 'Rc') {
      const into = type.name === 'Option' ? 'Some' : type.name
      if (type.name === 'Option') yield constant('None')
      for (const {made: operand, state: after} of this.#operands(type.types[0]!, state, size)) yield {made: {kind: 'wrap', into, operand}, state: after}
      if (type.name === 'Arc' || type.name === 'Rc') for (const place of this.#places(type, state, false)) yield {made: {kind: 'clone', place}, state}
    } else {
      const struct = structOf(this.#signatures, type)
      if (struct?.kind === 'enum') yield * (struct.variants ?? []).filter(({fields}) => fields.length === 0).map(({name}) => constant(`${struct.name}::${name}`))
    }
  }

  * #borrows(type: Type & {kind: 'reference'}, state: State): Generator<Choice<Operand>> {
    for (const place of this.#places(type.to, state, type.mutable)) yield {made: {kind: type.mutable ? 'lend' : 'share', place}, state}
  }

  /** The places of a type: variables, and what is behind them. */
  * #places(type: Type, state: State, mutable: boolean): Generator<Place> {
    for (const {variable, type: own, moved} of state.slots) {
      let at: Type | null = moved ? null : own
      for (let derefs = 0; at !== null && derefs <= 3; derefs++) {
        if (sameShape(at, type)) yield {variable, derefs}
        at = behind(at, mutable)
      }
    }
  }

  // ---- Closures ------------------------------------------------------------------------------------

  * #closures(type: ClosureType, state: State, size: number, free: boolean): Generator<Choice<Operand>> {
    if (state.depth >= this.#bounds.depth) return
    const parameters = type.parameters.map((_, i) => state.next + i)
    const params = type.parameters.map((parameter, i): Slot => ({variable: parameters[i]!, type: parameter, moved: false, used: false, written: false, capture: null}))
    const inner = capturing({...state, next: state.next + parameters.length}, captured => this.#modesIn(type, captured, state.depth))
    const opened: State = {...inner, slots: [...params, ...inner.slots], place: 'closure', depth: state.depth + 1}
    for (const {made: statements, state: ended} of this.#bodies(opened, Math.min(size, this.#bounds.closure))) {
      const panics = statements.at(-1)?.kind === 'panic'
      const results = panics ? [{made: unitOperand, state: ended}] : this.#results(type, params, ended, free)
      for (const {made: result, state: after} of results) {
        const body = {statements, drops: []}
        const captures = capturesOf(after.slots, mentioned(statements, [result]))
        if (!isAsCaptured(captures, statements, after)) continue
        const closure: Closure = {captures, parameters, body, result}
        const isGiven = ({variable}: Slot): boolean => captures.some(({outer, mode}) => outer === variable && mode === 'move')
        const slots = state.slots.map(slot => isGiven(slot) ? {...slot, moved: true} : slot)
        yield {made: {kind: 'closure', closure}, state: {...after, slots, place: state.place, depth: state.depth}}
      }
    }
  }

  /** How a closure may take a variable: what it lends on, if it may change anything; and what has a destructor, if it is called once. */
  #modesIn({trait}: ClosureType, type: Type, depth: number): readonly Capture['mode'][] {
    if (trait === 'Fn' || depth > 0 || type.kind === 'reference') return ['share']
    const isLent = this.modes(type).includes('lend')
    return ['share', ...isLent ? ['lend' as const] : [], ...trait === 'FnOnce' && this.#owning(type) ? ['move' as const] : []]
  }

  /** All sequences of at most so many statements. */
  * #bodies(state: State, size: number): Generator<Choice<readonly Statement[]>> {
    yield {made: [], state}
    if (size < 1) return
    for (const {made: statement, state: after} of this.statements(state, size)) {
      if (statement.kind === 'panic') yield {made: [statement], state: after}
      else for (const {made: rest, state: last} of this.#bodies(after, size - sizeOfStatement(statement))) yield {made: [statement, ...rest], state: last}
    }
  }

  /** What a closure returns. Where it may choose: what its argument holds, if that can be copied. */
  * #results(type: ClosureType, parameters: readonly Slot[], state: State, free: boolean): Generator<Choice<Operand>> {
    if (!free) {
      yield * this.#operands(type.result, state, 0)
      return
    }
    const copied = satisfies(this.#signatures, this.#payload.type, 'Copy')
      ? parameters.flatMap(({variable, type: own}) => own.kind === 'reference' && sameShape(own.to, this.#payload.type) ? [{variable, derefs: 1}] : [])
      : []
    yield copied.length === 0 ? {made: unitOperand, state} : {made: {kind: 'copy', place: copied[0]!}, state}
  }
}

/** Rust finds out by itself how a closure captures: exclusively what is lent in it, by value what is moved in it; each variable in one way. */
function isAsCaptured(captures: readonly Capture[], statements: readonly Statement[], {slots}: State): boolean {
  const lent = statements.flatMap(lentBy)
  const isGone = (inner: Variable): boolean => slots.some(({variable, moved}) => variable === inner && moved)
  return new Set(captures.map(({outer}) => outer)).size === captures.length
    && captures.every(({mode, inner}) => mode === 'share' || (mode === 'lend' ? lent.includes(inner) : isGone(inner)))
}

function isUnit(type: Type): boolean {
  return type.kind === 'tuple' && type.items.length === 0
}

/** What a place's type dereferences to; null if it does not, or not to something exclusive. */
function behind(type: Type, mutable: boolean): Type | null {
  if (type.kind === 'reference') return mutable && !type.mutable ? null : type.to
  if (type.kind !== 'named') return null
  if (type.name === 'Box') return type.types[0]!
  return !mutable && (type.name === 'Arc' || type.name === 'Rc') ? type.types[0]! : null
}
