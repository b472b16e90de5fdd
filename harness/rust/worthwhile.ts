/** Which clients are worth running: those that a smaller one, or one without threads, does not stand for. */
import {boundBy, lentBy, type Operand, type Statement, type Thread, type Variable} from './client.ts'
import {regionsOf} from './parse-type.ts'
import {mentioned, renameStatement} from './rename.ts'
import type {Method, Signatures, Type} from './syntax.ts'
import {hasDrop, needsDrop, satisfies} from './traits.ts'
import {sameShape, structOf} from './types.ts'

/**
 * A thread is worth starting if it captures something, or calls what works on something global (`Guard::new()`, `synchronize()`:
 * nothing is given, and nothing of T returned); an exclusive capture if it is lent on, not merely shared; an object if it is used.
 */
export function threadMatters(signatures: Signatures, {captures, body, result}: Thread): boolean {
  const returned = result?.inner ?? null
  if (!instancesMatter(signatures, body.statements, returned) || !dereferencesMatter(signatures, body.statements, returned)) return false
  const lent = new Set(body.statements.flatMap(lentBy))
  if (captures.some(({mode, inner}) => mode === 'lend' && !lent.has(inner))) return false
  return captures.length > 0 || (result === null && body.statements.some(statement => statement.kind === 'call' && isGlobal(signatures, statement.method)))
}

function isGlobal(signatures: Signatures, id: string): boolean {
  const {parameters, result} = methodOf(signatures, id)
  return parameters.length === 0 && (result.kind !== 'named' || result.types.length === 0)
}

function methodOf({methods}: Signatures, id: string): Method {
  return methods.find(method => method.id === id)!
}

/** Whether what each `Deref` returns is kept for a while, or given to somebody: to use it at once, `*guard` is enough. */
export function dereferencesMatter(signatures: Signatures, statements: readonly Statement[], returned: Variable | null = null): boolean {
  return statements.every((statement, i) => {
    if (statement.kind !== 'call' || statement.into.kind !== 'variable') return true
    const {trait} = methodOf(signatures, statement.method)
    const {variable} = statement.into
    if ((trait !== 'Deref' && trait !== 'DerefMut') || returned === variable) return true
    const [next, ...later] = statements.slice(i + 1)
    return mentioned(later).includes(variable) || (next !== undefined && next.kind !== 'use' && next.kind !== 'write' && mentioned([next]).includes(variable))
  })
}

/**
 * Whether each object that statements construct from nothing but values of T is named again, and each value that a `let` makes is
 * borrowed: to give it away, it need not be named.
 */
export function instancesMatter(signatures: Signatures, statements: readonly Statement[], returned: Variable | null = null): boolean {
  const counts = new Map<Variable, number>()
  const count = (variable: Variable): Variable => (counts.set(variable, (counts.get(variable) ?? 0) + 1), variable)
  for (const statement of statements) countIn(statement, count)
  if (returned !== null) count(returned)
  const borrowed = new Set(statements.flatMap(borrowedBy))
  return callsIn(statements).every(call => counts.get(boundBy(call.into)[0] ?? -1) !== 1 || !constructs(signatures, call))
    && letsIn(statements).every(({variable}) => borrowed.has(variable))
}

/** The variables that a statement, and what is in it, borrows, captures or uses. */
function borrowedBy(statement: Statement): readonly Variable[] {
  const inOperand = (operand: Operand): readonly Variable[] => {
    switch (operand.kind) {
      case 'borrowing':
      case 'share':
      case 'lend':
      case 'clone': return [operand.place.variable]
      case 'wrap': return inOperand(operand.operand)
      case 'tuple': return operand.items.flatMap(inOperand)
      case 'closure': return [...operand.closure.captures.map(({outer}) => outer), ...operand.closure.body.statements.flatMap(borrowedBy)]
      default: return []
    }
  }
  switch (statement.kind) {
    case 'call': return statement.operands.flatMap(inOperand)
    case 'let': return inOperand(statement.value)
    case 'use':
    case 'write': return [statement.variable]
    case 'scope': return statement.threads.flatMap(({captures, body}) => [...captures.map(({outer}) => outer), ...body.statements.flatMap(borrowedBy)])
    default: return []
  }
}

/**
 * Whether a T that borrows something of the client's own shows more than one that does not: it borrows it, and that dies before
 * the end, dropped by a statement, declared behind what is dropped later, or with the thread that has it.
 */
export function localsMatter(statements: readonly Statement[], local: Type): boolean {
  const [first] = statements
  const locals = letsIn(statements).filter(({type}) => sameShape(type, local))
  return locals.some(one => one !== first || isDropped(statements, one.variable)) && statements.some(borrowsLocal)
}

function isDropped(statements: readonly Statement[], local: Variable): boolean {
  return statements.some(statement => (statement.kind === 'drop' && statement.variable === local)
    || (statement.kind === 'scope' && statement.threads.some(({captures}) => captures.some(({outer, mode}) => outer === local && mode === 'move'))))
}

function borrowsLocal(statement: Statement): boolean {
  const inOperand = (operand: Operand): boolean => {
    switch (operand.kind) {
      case 'borrowing': return true
      case 'wrap': return inOperand(operand.operand)
      case 'tuple': return operand.items.some(inOperand)
      case 'closure': return inOperand(operand.closure.result) || operand.closure.body.statements.some(borrowsLocal)
      default: return false
    }
  }
  switch (statement.kind) {
    case 'call': return statement.operands.some(inOperand)
    case 'let': return inOperand(statement.value)
    case 'scope': return statement.threads.some(({body}) => body.statements.some(borrowsLocal))
    default: return false
  }
}

function letsIn(statements: readonly Statement[]): readonly (Statement & {kind: 'let'})[] {
  return statements.flatMap(statement => {
    if (statement.kind === 'scope') return statement.threads.flatMap(({body}) => letsIn(body.statements))
    return statement.kind === 'let' ? [statement] : []
  })
}

/** Counts how often each variable is named, its binding included. */
function countIn(statement: Statement, count: (variable: Variable) => Variable): void {
  renameStatement(statement, {variable: count, value: value => value})
}

function callsIn(statements: readonly Statement[]): readonly (Statement & {kind: 'call'})[] {
  return statements.flatMap(statement => {
    if (statement.kind === 'scope') return statement.threads.flatMap(({body}) => callsIn(body.statements))
    return statement.kind === 'call' ? [statement] : []
  })
}

function constructs(signatures: Signatures, {method: id, operands, into}: Statement & {kind: 'call'}): boolean {
  const {result} = methodOf(signatures, id)
  return into.kind === 'variable' && mentioned([], operands).length === 0 && !isGlobal(signatures, id) && structOf(signatures, result) !== null
}

/**
 * A thread on its own matters if something is got from it, if T may not go everywhere, if it is given what has a destructor
 * and no T, as a guard that stands for the thread that made it, or if the main thread holds something meanwhile: otherwise
 * the main thread could do its work. `held` are the variables of the main thread that have a value.
 */
export function loneThreadMatters(signatures: Signatures, payload: Type, held: readonly {readonly variable: Variable; readonly type: Type}[], {captures, result}: Thread): boolean {
  if (result !== null || !satisfies(signatures, payload, 'Send') || !satisfies(signatures, payload, 'Sync')) return true
  const given = captures.filter(({mode}) => mode === 'move').map(({outer}) => outer)
  return held.some(({variable, type}) => given.includes(variable) ? type.kind === 'named' && type.types.length === 0 && hasDrop(signatures, type)
    : captures.every(({outer}) => outer !== variable)
      && (regionsOf(type).length > 0 || needsDrop(signatures, type) || (given.length > 0 && structOf(signatures, type) !== null)))
}
