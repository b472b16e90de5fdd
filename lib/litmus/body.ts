/** The bodies of threads: the statements and expressions of C that litmus tests use. */
import type {Operator} from '../value.ts'
import type {Cursor} from './cursor.ts'
import {LitmusError} from './source.ts'
import type {Expression, Statement} from './syntax.ts'

const typeNames = new Set([
  'int', 'long', 'short', 'char', 'unsigned', 'signed', 'void', 'bool', '_Bool', 'volatile', 'const', 'struct', 'union', 'enum',
  'register', 'static', 'extern', 'inline', 'u8', 'u16', 'u32', 'u64', 's8', 's16', 's32', 's64', '__rcu',
  'atomic_int', 'atomic_uint', 'atomic_long', 'atomic_ulong', 'atomic_bool', 'atomic_char', 'mutex',
])

/** Does a type begin here? Besides the names above, anything that ends in `_t` does. */
export function isType(cursor: Cursor): boolean {
  return cursor.kind === 'id' && (typeNames.has(cursor.text) || cursor.text.endsWith('_t')) && cursor.ahead(1) !== '='
}

/** Steps over a type and its stars, if one begins here. Types change nothing: every variable is a word. */
export function skipType(cursor: Cursor): boolean {
  if (!isType(cursor)) return false
  while (isType(cursor)) {
    const tagged = cursor.is('id') && ['struct', 'union', 'enum'].includes(cursor.text)
    cursor.id('a type')
    if (tagged) cursor.id('the name of the type')
  }
  while (cursor.skip('*') || cursor.skipId('const') || cursor.skipId('volatile') || cursor.skipId('__rcu'));
  return true
}

interface Infix {
  readonly level: number
  readonly make: (left: Expression, right: Expression, at: number) => Expression
}

const infixes = new Map<string, Infix>()
const levels: readonly (readonly Operator[])[] =
  [['*', '/', '%'], ['+', '-'], ['<<', '>>'], ['<', '<=', '>', '>='], ['==', '!='], ['&'], ['^'], ['|']]
for (const [i, operators] of levels.entries()) {
  for (const operator of operators) {
    infixes.set(operator, {level: 10 - i, make: (left, right, at) => ({kind: 'apply', operator, args: [left, right], at})})
  }
}
infixes.set('&&', {level: 2, make: (left, right, at) => ({kind: 'both', left, right, at})})
infixes.set('||', {level: 1, make: (left, right, at) => ({kind: 'either', left, right, at})})

const assignments = new Map<string, Operator | null>([
  ['=', null], ['+=', '+'], ['-=', '-'], ['&=', '&'], ['|=', '|'], ['^=', '^'],
])

const prefixes = new Map<string, Operator>([['!', '!'], ['~', '~'], ['-', 'neg']])

export class Body {
  readonly #cursor: Cursor

  constructor(cursor: Cursor) {
    this.#cursor = cursor
  }

  /** `{ … }` */
  block(): Statement[] {
    const cursor = this.#cursor
    cursor.take('{')
    const statements: Statement[] = []
    while (!cursor.skip('}')) {
      if (cursor.is('end')) throw cursor.expected("'}'")
      this.#statement(statements)
    }
    return statements
  }

  /** One statement: a declaration of several variables is several. */
  #statement(into: Statement[]): void {
    const cursor = this.#cursor
    const {at} = cursor
    if (cursor.skip(';')) return
    if (cursor.is('{')) {
      into.push({kind: 'block', body: this.block(), at})
      return
    }
    const keyword = cursor.kind === 'id' ? this.#keyword(at) : null
    if (keyword !== null) {
      into.push(keyword)
      return
    }
    if (isType(cursor) && cursor.ahead(1) !== '(') this.#declaration(into)
    else into.push({kind: 'expression', value: this.expression(), at})
    this.#semicolon()
  }

  #semicolon(): void {
    const cursor = this.#cursor
    if (cursor.skip(';')) return
    throw cursor.expected("';'")
  }

  #single(): Statement {
    const {at} = this.#cursor
    const body: Statement[] = []
    this.#statement(body)
    return body.length === 1 ? body[0]! : {kind: 'block', body, at}
  }

  /** Control flow. `continue` and the like are registers in some tests: only `continue;` is the statement. */
  #keyword(at: number): Statement | null {
    const cursor = this.#cursor
    switch (cursor.text) {
      case 'if': return this.#if(at)
      case 'while': return this.#while(at)
      case 'do': return cursor.ahead(1) === '{' ? this.#do(at) : null
      case 'for': return this.#for(at)
      case 'break': case 'continue': case 'return': case 'goto': case 'switch':
        if (cursor.ahead(1) !== ';' && cursor.text !== 'goto' && cursor.text !== 'switch' && cursor.text !== 'return') return null
        throw new LitmusError(cursor.source, at, `'${cursor.text}' is not supported: write the thread with if, else and bounded loops`)
      case 'else': throw cursor.expected("a statement ('else' without 'if')")
      default: return null
    }
  }

  #if(at: number): Statement {
    const cursor = this.#cursor
    cursor.skipId('if')
    const condition = this.#parenthesized()
    const then = this.#single()
    const otherwise = cursor.skipId('else') ? this.#single() : null
    return {kind: 'if', condition, then, otherwise, at}
  }

  #while(at: number): Statement {
    this.#cursor.skipId('while')
    const condition = this.#parenthesized()
    return {kind: 'loop', first: false, condition, body: this.#single(), step: null, at}
  }

  #do(at: number): Statement {
    const cursor = this.#cursor
    cursor.skipId('do')
    const body = this.#single()
    if (!cursor.skipId('while')) throw cursor.expected("'while' after the body of 'do'")
    const condition = this.#parenthesized()
    this.#semicolon()
    return {kind: 'loop', first: true, condition, body, step: null, at}
  }

  #for(at: number): Statement {
    const cursor = this.#cursor
    cursor.skipId('for')
    cursor.take('(')
    const body: Statement[] = []
    this.#statement(body)
    const condition = cursor.is(';') ? null : this.expression()
    this.#semicolon()
    const step = cursor.is(')') ? null : this.expression()
    cursor.take(')')
    return {kind: 'block', body: [...body, {kind: 'loop', first: false, condition, body: this.#single(), step, at}], at}
  }

  #parenthesized(): Expression {
    this.#cursor.take('(')
    const inner = this.expression()
    this.#cursor.take(')')
    return inner
  }

  /** `int r1, *r2 = x` */
  #declaration(into: Statement[]): void {
    const cursor = this.#cursor
    skipType(cursor)
    do {
      while (cursor.skip('*'));
      const {at} = cursor
      const name = cursor.id('the name of a register')
      if (cursor.is('[')) throw cursor.expected("';' or '=' (a thread's own variables are single words)")
      into.push({kind: 'declare', name, at})
      if (cursor.skip('=')) {
        const assign: Expression = {kind: 'assign', target: {kind: 'name', name, at}, operator: null, value: this.#assignment(), at}
        into.push({kind: 'expression', value: assign, at})
      }
    } while (cursor.skip(','))
  }

  expression(): Expression {
    return this.#assignment()
  }

  #assignment(): Expression {
    const cursor = this.#cursor
    const target = this.#conditional()
    const operator = assignments.get(cursor.kind)
    if (operator === undefined) return target
    const {at} = cursor
    if (target.kind !== 'name' && target.kind !== 'deref') throw new LitmusError(cursor.source, at, 'only a register or *pointer can be assigned to')
    cursor.skip(cursor.kind)
    return {kind: 'assign', target, operator, value: this.#assignment(), at}
  }

  #conditional(): Expression {
    const cursor = this.#cursor
    const condition = this.#infix(1)
    const {at} = cursor
    if (!cursor.skip('?')) return condition
    const then = this.expression()
    cursor.take(':')
    return {kind: 'choose', condition, then, otherwise: this.#conditional(), at}
  }

  /** Precedence climbing: everything that binds at least as tightly as `level`. */
  #infix(level: number): Expression {
    const cursor = this.#cursor
    let left = this.#prefix()
    for (;;) {
      const infix = infixes.get(cursor.kind)
      if (infix === undefined || infix.level < level) return left
      const {at} = cursor
      cursor.skip(cursor.kind)
      left = infix.make(left, this.#infix(infix.level + 1), at)
    }
  }

  #prefix(): Expression {
    const cursor = this.#cursor
    const {at, kind} = cursor
    if (kind === 'id' || kind === 'number') return this.#postfix()
    const operator = prefixes.get(kind)
    if (operator !== undefined) {
      cursor.skip(kind)
      return negated(operator, this.#prefix(), at)
    }
    if (cursor.skip('+')) return this.#prefix()
    if (cursor.skip('*')) return {kind: 'deref', of: this.#prefix(), at}
    if (cursor.skip('&')) return {kind: 'address', of: this.#prefix(), at}
    if (cursor.skip('++')) return increment(this.#prefix(), '+', at)
    if (cursor.skip('--')) return increment(this.#prefix(), '-', at)
    return this.#postfix()
  }

  #postfix(): Expression {
    const cursor = this.#cursor
    let value = this.#primary()
    for (;;) {
      const {at} = cursor
      if (cursor.skip('[')) {
        const index = this.expression()
        cursor.take(']')
        value = {kind: 'deref', of: {kind: 'apply', operator: '+', args: [value, index], at}, at}
      } else if (cursor.is('->') || cursor.is('.')) {
        throw cursor.expected('an operator (there are no structs in litmus tests: declare each field as a variable of its own)')
      } else if (cursor.is('++') || cursor.is('--')) {
        throw cursor.expected('an operator (write r = r + 1)')
      } else return value
    }
  }

  #primary(): Expression {
    const cursor = this.#cursor
    const {at} = cursor
    if (cursor.kind === 'number') return {kind: 'number', value: cursor.number('a number'), at}
    if (cursor.skip('(')) {
      if (skipType(cursor)) {
        cursor.take(')')
        return this.#prefix()
      }
      const inner = this.expression()
      cursor.take(')')
      return inner
    }
    const name = cursor.id('an expression')
    if (name === 'NULL') return {kind: 'number', value: 0, at}
    return cursor.is('(') ? {kind: 'call', name, args: this.#arguments(), at} : {kind: 'name', name, at}
  }

  #arguments(): Expression[] {
    const cursor = this.#cursor
    const args: Expression[] = []
    cursor.take('(')
    while (!cursor.skip(')')) {
      args.push(this.expression())
      if (!cursor.skip(',') && !cursor.is(')')) throw cursor.expected("',' or ')' after an argument")
    }
    return args
  }
}

function negated(operator: Operator, of: Expression, at: number): Expression {
  if (operator === 'neg' && of.kind === 'number') return {kind: 'number', value: -of.value, at}
  return {kind: 'apply', operator, args: [of], at}
}

function increment(target: Expression, operator: Operator, at: number): Expression {
  return {kind: 'assign', target, operator, value: {kind: 'number', value: 1, at}, at}
}
