/** A client as a Rust program that a person reads and rustc compiles. Edition 2024. */
import {boundBy, hasVariant, lentBy, type Block, type Capture, type Client, type Closure, type Operand, type Pattern, type Place, type Statement, type Thread, type Variable} from './client.ts'
import {payloadNamed, type Payload} from './payloads.ts'
import {showType, type Method, type Signatures, type Type} from './syntax.ts'
import {sameShape} from './types.ts'

/** Text to put behind the first line of a statement, to find it again. */
type Mark = (statement: Statement) => string

/** The whole program; the wrapper's own types come from a module, which is to be there: `mod wrapper;`. */
export function printProgram(signatures: Signatures, client: Client, types: ReadonlyMap<Variable, Type>, module: string, mark: Mark = () => ''): string {
  const body = printClient(signatures, client, types, 'main', mark)
  const {declaration, local} = payloadNamed(client.payload)
  const declarations = [...local === null ? [] : [payloadNamed(showType(local.type)).declaration], declaration].filter(text => text !== '')
  const uses = [
    ['std::cell::Cell', 'Cell'], ['std::hint::black_box', 'black_box'], ['std::mem', 'mem'], ['std::rc::Rc', 'Rc'], ['std::sync::Arc', 'Arc'], ['std::thread', 'thread'],
  ].filter(([, word]) => new RegExp(`\\b${word}(?=::|\\()`).test(body)).map(([path]) => `use ${path};`)
  return [...uses, `use ${module}::*;`, '', ...declarations, ...declarations.length === 0 ? [] : [''], body].join('\n')
}

/** One function. `types` are those that check.ts found. */
export function printClient(signatures: Signatures, client: Client, types: ReadonlyMap<Variable, Type>, name: string, mark: Mark = () => ''): string {
  const printer = new Printer(signatures, client, types, mark)
  return `fn ${name}() {\n${indent(printer.block(client.main.statements)).join('\n')}\n}\n`
}

function indent(lines: readonly string[]): readonly string[] {
  return lines.map(line => line === '' ? '' : `    ${line}`)
}

class Printer {
  readonly #signatures: Signatures
  readonly #mark: Mark
  readonly #types: ReadonlyMap<Variable, Type>
  readonly #payload: Payload
  readonly #names: ReadonlyMap<Variable, string>
  readonly #mutable: ReadonlySet<Variable>
  /** Captures that are not written out: the variable inside is `&outer`, printed as such. */
  readonly #aliases: ReadonlyMap<Variable, Capture>

  constructor(signatures: Signatures, client: Client, types: ReadonlyMap<Variable, Type>, mark: Mark) {
    this.#signatures = signatures
    this.#mark = mark
    this.#types = types
    this.#payload = payloadNamed(client.payload)
    const survey = new Survey(types, this.#payload)
    survey.block(client.main)
    this.#names = survey.names
    this.#mutable = survey.mutable
    this.#aliases = survey.aliases
  }

  block(statements: readonly Statement[], returns = 'return'): string[] {
    return statements.flatMap(statement => {
      const [first = '', ...more] = this.#statement(statement, returns)
      return [first + this.#mark(statement), ...more]
    })
  }

  #name(variable: Variable): string {
    const alias = this.#aliases.get(variable)
    return alias === undefined ? this.#names.get(variable)! : this.#name(alias.outer)
  }

  #bound(variable: Variable): string {
    return `${this.#mutable.has(variable) ? 'mut ' : ''}${this.#name(variable)}`
  }

  #statement(statement: Statement, returns: string): readonly string[] {
    switch (statement.kind) {
      case 'call': {
        const call = this.#call(statement)
        const pattern = this.#pattern(statement.into)
        if (statement.into.kind === 'ignored') return lines(`${call};`)
        return lines(`let ${pattern} = ${call}${hasVariant(statement.into) ? ` else { ${returns} }` : ''};`)
      }
      case 'let': return lines(`let ${this.#bound(statement.variable)} = ${this.#operand(statement.value)};`)
      case 'use': return [`black_box(${statement.through === null ? this.#shared({variable: statement.variable, derefs: 0}) : `&${this.#through(statement.variable)}`});`]
      case 'write': {
        const target = statement.through === null ? `*${this.#name(statement.variable)}` : this.#through(statement.variable)
        return [`${target} = ${this.#payload.literal(statement.value)};`]
      }
      case 'drop': return [`drop(${this.#moved(statement.variable)});`]
      case 'forget': return [`mem::forget(${this.#moved(statement.variable)});`]
      case 'swap': return [`mem::swap(&mut ${this.#name(statement.first)}, &mut ${this.#name(statement.second)});`]
      case 'panic': return ['panic!();']
      case 'scope': return this.#scope(statement.threads)
    }
  }

  #pattern(pattern: Pattern): string {
    switch (pattern.kind) {
      case 'ignored': return '_'
      case 'variable': return this.#bound(pattern.variable)
      case 'tuple': return `(${pattern.items.map(item => this.#pattern(item)).join(', ')})`
      case 'variant': return `${pattern.name}(${this.#pattern(pattern.item)})`
    }
  }

  // ---- Calls ---------------------------------------------------------------------------------------

  #call({method: id, operands}: Statement & {kind: 'call'}): string {
    const method = this.#signatures.methods.find(method => method.id === id)!
    const [first] = operands
    if (method.trait === 'Deref' || method.trait === 'DerefMut') return this.#dereferenced(method, first!)
    if (method.parameters[0]?.name === 'self' && method.trait === null && (first?.kind === 'share' || first?.kind === 'lend' || first?.kind === 'move')) {
      const receiver = this.#name(first.kind === 'move' ? first.variable : first.place.variable)
      return `${receiver}.${method.name}(${this.#list(operands.slice(1))})`
    }
    return `${this.#path(method)}${method.name}(${this.#list(operands)})`
  }

  /** `&*guard` is what `Deref::deref(&guard)` is written as. */
  #dereferenced(method: Method, operand: Operand): string {
    if (operand.kind !== 'share' && operand.kind !== 'lend') return `${this.#path(method)}${method.name}(${this.#operand(operand)})`
    return `&${operand.kind === 'lend' ? 'mut ' : ''}*${this.#place(operand.place)}`
  }

  /** `SeqLock::<u8>::`, without the type where the operands tell it. */
  #path({self, parameters}: Method): string {
    if (self?.kind !== 'named') return ''
    const told = parameters.map(({type}) => type.kind === 'closure' ? '' : showType(type)).join(' ')
    const types = self.types.map(type => type.kind === 'parameter' ? this.#payload.name : showType(type))
    const needed = self.types.some(type => type.kind === 'parameter' && !new RegExp(`\\b${type.name}\\b`).test(told))
    return `${self.name}${types.length > 0 && needed ? `::<${types.join(', ')}>` : ''}::`
  }

  #list(operands: readonly Operand[]): string {
    return operands.map(operand => this.#operand(operand)).join(', ')
  }

  #operand(operand: Operand): string {
    switch (operand.kind) {
      case 'move': return this.#moved(operand.variable)
      case 'copy': return this.#place(operand.place)
      case 'share': return this.#shared(operand.place)
      case 'lend': return `&mut ${this.#place(operand.place)}`
      case 'fresh': return this.#payload.literal(operand.value)
      case 'borrowing': return this.#payload.local!.borrowing(this.#shared(operand.place))
      case 'constant': return operand.text
      case 'wrap': return operand.into === 'Some' ? `Some(${this.#operand(operand.operand)})` : `${operand.into}::new(${this.#operand(operand.operand)})`
      case 'clone': return `Arc::clone(${this.#shared(operand.place)})`
      case 'tuple': return `(${this.#list(operand.items)}${operand.items.length === 1 ? ',' : ''})`
      case 'closure': return this.#closure(operand.closure)
    }
  }

  /** How many references the name already stands for what is behind of: those of the closures, one in the other, that capture it. */
  #hidden(variable: Variable): number {
    const alias = this.#aliases.get(variable)
    return alias === undefined ? 0 : 1 + this.#hidden(alias.outer)
  }

  /** `**x`, with fewer stars where the name already stands for what is behind references. */
  #place({variable, derefs}: Place): string {
    const written = derefs - this.#hidden(variable)
    return written < 0 ? `(${'&'.repeat(-written)}${this.#name(variable)})` : '*'.repeat(written) + this.#name(variable)
  }

  /** A shared reference is its own reborrow: `x` for `&*x`. */
  #shared(place: Place): string {
    const type = this.#types.get(place.variable)!
    const isShared = type.kind === 'reference' && !type.mutable
    if (isShared && !this.#aliases.has(place.variable) && place.derefs <= 1) return this.#name(place.variable)
    if (type.kind === 'reference' && type.mutable && place.derefs === 0) return `&*${this.#place(place)}`
    return `&${this.#place(place)}`
  }

  /** `*guard`, which calls `Deref` or `DerefMut`; one star more for each reference in between. */
  #through(variable: Variable): string {
    let derefs = 1
    for (let type = this.#types.get(variable)!; type.kind === 'reference'; type = type.to) derefs++
    return this.#place({variable, derefs})
  }

  #moved(variable: Variable): string {
    return '&'.repeat(this.#hidden(variable)) + this.#name(variable)
  }

  // ---- Closures and threads ------------------------------------------------------------------------

  #closure({parameters, body, result}: Closure): string {
    const used = JSON.stringify([body, result])
    const named = parameters.map(parameter => new RegExp(`"(?:variable|first|second|outer)":${parameter}\\b`).test(used) ? this.#bound(parameter) : '_')
    const head = `|${named.join(', ')}|`
    const panics = body.statements.at(-1)?.kind === 'panic'
    const value = panics || (result.kind === 'constant' && result.text === '()') ? '' : this.#operand(result)
    const statements = this.block(body.statements)
    if (statements.length === 0) return `${head} ${value === '' ? '{}' : value}`
    if (statements.length === 1 && value === '' && panics) return `${head} panic!()`
    return `${head} {\n${indent([...statements, ...value === '' ? [] : [value]]).join('\n')}\n}`
  }

  #scope(threads: readonly Thread[]): readonly string[] {
    const results = threads.flatMap(({result}) => result === null ? [] : [result])
    const handles = new Map(results.map((result, i) => [result.inner, `thread${i + 1}`]))
    const bodies = threads.flatMap(thread => this.#thread(thread, handles.get(thread.result?.inner ?? -1) ?? null))
    if (results.length === 0) return ['thread::scope(|scope| {', ...indent(bodies), '});']
    const joined = results.map(({inner}) => `${handles.get(inner)!}.join().unwrap()`)
    const bound = results.map(({outer}) => this.#bound(outer))
    const both = (texts: readonly string[]): string => texts.length === 1 ? texts[0]! : `(${texts.join(', ')})`
    return [`let ${both(bound)} = thread::scope(|scope| {`, ...indent([...bodies, both(joined)]), '});']
  }

  #thread(thread: Thread, handle: string | null): readonly string[] {
    const {captures, body, result} = thread
    const moves = captures.filter(({mode}) => mode === 'move')
    const rebound = moves.filter(({inner}) => this.#types.get(inner)!.kind !== 'reference').map(({inner}) => `let ${this.#bound(inner)} = ${this.#name(inner)};`)
    const inside = indent([...rebound, ...this.block(body.statements), ...result === null ? [] : [this.#moved(result.inner)]])
    const start = handle === null ? 'scope.spawn(' : `let ${handle} = scope.spawn(`
    const borrowed = captures.filter(({mode}) => mode !== 'move').map(({inner, outer, mode}) =>
      `let ${this.#name(inner)} = &${mode === 'lend' ? 'mut ' : ''}${this.#name(outer)};`)
    if (!written(thread)) return [`${start}|| {`, ...inside, '});']
    if (borrowed.length === 0) return [`${start}move || {`, ...inside, '});']
    return [`${start}{`, ...indent([...borrowed, 'move || {', ...inside, '}']), '});']
  }
}

/** Captures must be written out where Rust would infer others: values are moved, or what is merely shared is borrowed exclusively. */
function written({captures, body}: Thread): boolean {
  const lent = new Set(body.statements.flatMap(lentBy))
  return captures.some(({mode, inner}) => mode === 'move' || (mode === 'lend' && !lent.has(inner)))
}

function lines(text: string): readonly string[] {
  return text.split('\n')
}

/** One pass over the client that finds its variables' names, which of them must be `mut`, and which captures need no words. */
class Survey {
  readonly names = new Map<Variable, string>()
  readonly mutable = new Set<Variable>()
  readonly aliases = new Map<Variable, Capture>()
  readonly #types: ReadonlyMap<Variable, Type>
  readonly #local: Type | null
  readonly #taken = new Map<string, number>()

  constructor(types: ReadonlyMap<Variable, Type>, {local}: Payload) {
    this.#types = types
    this.#local = local?.type ?? null
  }

  block({statements}: Block): void {
    for (const statement of statements) this.#statement(statement)
  }

  #statement(statement: Statement): void {
    switch (statement.kind) {
      case 'call':
        for (const operand of statement.operands) this.#operand(operand)
        for (const variable of boundBy(statement.into)) this.#called(variable)
        break
      case 'let':
        this.#operand(statement.value)
        this.#called(statement.variable)
        break
      case 'write':
        if (statement.through !== null && this.#types.get(statement.variable)!.kind !== 'reference') this.mutable.add(statement.variable)
        break
      case 'swap':
        this.mutable.add(statement.first).add(statement.second)
        break
      case 'scope': for (const thread of statement.threads) this.#thread(thread); break
      default:
    }
  }

  #thread(thread: Thread): void {
    const {captures, body, result} = thread
    this.#captures(captures, !written(thread))
    this.block(body)
    if (result !== null) this.#called(result.outer)
  }

  #captures(captures: readonly Capture[], silent: boolean): void {
    for (const capture of captures) {
      if (capture.mode === 'lend') this.mutable.add(capture.outer)
      if (silent && capture.mode !== 'move') this.aliases.set(capture.inner, capture)
      else this.names.set(capture.inner, this.#nameOf(capture.outer))
    }
  }

  #nameOf(variable: Variable): string {
    const alias = this.aliases.get(variable)
    return alias === undefined ? this.names.get(variable)! : this.#nameOf(alias.outer)
  }

  #operand(operand: Operand): void {
    switch (operand.kind) {
      case 'lend':
        if (this.#types.get(operand.place.variable)!.kind !== 'reference') this.mutable.add(operand.place.variable)
        break
      case 'wrap': this.#operand(operand.operand); break
      case 'tuple': for (const item of operand.items) this.#operand(item); break
      case 'closure': {
        const {captures, parameters, body, result} = operand.closure
        this.#captures(captures, true)
        for (const parameter of parameters) this.#called(parameter)
        this.block(body)
        this.#operand(result)
        for (const {outer, inner} of captures) if (this.mutable.has(inner)) this.mutable.add(outer)
        break
      }
      default:
    }
  }

  /** A name after the type; the second of a name is numbered. */
  #called(variable: Variable): void {
    const type = this.#types.get(variable)!
    const base = this.#local !== null && sameShape(type, this.#local) ? 'local' : nameFor(type)
    const count = (this.#taken.get(base) ?? 0) + 1
    this.#taken.set(base, count)
    const name = base === 'a' ? letter(count) : `${base}${count === 1 ? '' : count}`
    this.names.set(variable, name)
  }
}

/** a, b, … z, a2, b2 … */
function letter(count: number): string {
  const round = Math.floor((count - 1) / 26)
  return String.fromCharCode(97 + (count - 1) % 26) + (round === 0 ? '' : String(round + 1))
}

/** `lock` for a SeqLock, `guard` for an RcuGuard, `value` for a reference to T, `a` for a T. */
function nameFor(type: Type): string {
  switch (type.kind) {
    case 'reference': return type.to.kind === 'named' && isWrapper(type.to.name) ? nameFor(type.to) : 'value'
    case 'named': {
      if (type.name === 'Option' || type.name === 'Result') return nameFor(type.types[0]!) === 'a' ? 'found' : `maybe_${nameFor(type.types[0]!)}`
      if (type.name === 'Box' || type.name === 'Arc' || type.name === 'Rc') return isWrapper(shownName(type.types[0]!)) ? nameFor(type.types[0]!) : lower(type.name)
      return isWrapper(type.name) ? lower(type.name) : 'a'
    }
    default: return 'a'
  }
}

const notWrappers = new Set(['Pair', 'Either', 'Loud', 'Peek', 'Homed', 'Cell', 'Rc', 'Box', 'Arc', 'Option', 'Result'])

function isWrapper(name: string): boolean {
  return /^[A-Z]/.test(name) && !notWrappers.has(name)
}

function shownName(type: Type): string {
  return type.kind === 'named' ? type.name : ''
}

/** The last word of a name in camel case. */
function lower(name: string): string {
  const word = /[A-Z][a-z0-9]*$/.exec(name)?.[0].toLowerCase() ?? name.toLowerCase()
  return ['box', 'ref', 'mut', 'fn', 'move', 'type', 'loop', 'static', 'self'].includes(word) ? `${word}ed`.replace('refed', 'reference') : word
}
