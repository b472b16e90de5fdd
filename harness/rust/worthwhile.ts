/** Which clients are worth running: those that a smaller one, or one without threads, does not stand for. */
import {boundBy, lentBy, mentioned, renameOperand, sizeOf, type Block, type Statement, type Thread, type Variable} from './client.ts'
import {regionsOf} from './parse-type.ts'
import type {Method, Signatures, Type} from './syntax.ts'
import {needsDrop} from './traits.ts'

/**
 * A thread is worth starting if it captures something, or calls what works on something global (`Guard::new()`, `synchronize()`:
 * nothing is given, and nothing of T returned); and an exclusive capture if it is lent on, not merely shared.
 */
export function threadMatters(signatures: Signatures, {captures, body, result}: Thread): boolean {
  const lent = new Set(body.statements.flatMap(lentBy))
  if (captures.some(({mode, inner}) => mode === 'lend' && !lent.has(inner))) return false
  return captures.length > 0 || (result === null && body.statements.some(statement => statement.kind === 'call' && isGlobal(signatures, statement.method)))
}

function isGlobal({methods}: Signatures, id: string): boolean {
  const {parameters, result} = methods.find((method): method is Method => method.id === id)!
  return parameters.length === 0 && (result.kind !== 'named' || result.types.length === 0)
}

/**
 * A client is worth running if each object that it constructs is put to use, and if a thread that is alone in borrowing has
 * somebody to meet: otherwise the main thread could do its work. `types` are those that check.ts found.
 */
export function clientMatters(signatures: Signatures, main: Block, types: ReadonlyMap<Variable, Type>): boolean {
  return sizeOf(main) === 1 || (unusedInstances(signatures, main).length === 0 && main.statements.every((statement, i) =>
    statement.kind !== 'scope' || statement.threads.length > 1 || meets(signatures, main.statements.slice(0, i), statement.threads[0]!, types)))
}

/** What is constructed from nothing but values of T, and never named again. */
function unusedInstances(signatures: Signatures, main: Block): readonly Variable[] {
  const calls = [...main.statements, ...main.statements.flatMap(statement => statement.kind === 'scope' ? statement.threads.flatMap(({body}) => body.statements) : [])]
    .filter(statement => statement.kind === 'call')
  const counts = new Map<Variable, number>()
  const count = (variable: Variable): Variable => (counts.set(variable, (counts.get(variable) ?? 0) + 1), variable)
  countIn(main.statements, count)
  return calls.filter(({method, operands}) => mentioned([], operands).length === 0 && !isGlobal(signatures, method))
    .flatMap(({into}) => boundBy(into)).filter(variable => counts.get(variable) === 1 && isInstance(signatures, calls, variable))
}

function countIn(statements: readonly Statement[], count: (variable: Variable) => Variable): void {
  for (const statement of statements) {
    if (statement.kind === 'scope') {
      for (const {captures, body, result} of statement.threads) {
        for (const {outer, inner} of captures) [outer, inner].forEach(count)
        countIn(body.statements, count)
        if (result !== null) [result.inner, result.outer].forEach(count)
      }
    } else {
      if (statement.kind === 'call') for (const operand of statement.operands) renameOperand(operand, {variable: count, value: value => value})
      for (const variable of mentioned([statement.kind === 'call' ? {...statement, operands: []} : statement])) count(variable)
    }
  }
}

/** A struct of the wrapper, as against a value that some function returns. */
function isInstance({methods, structs}: Signatures, calls: readonly (Statement & {kind: 'call'})[], variable: Variable): boolean {
  const call = calls.find(({into}) => into.kind === 'variable' && into.variable === variable)
  const result = methods.find(({id}) => id === call?.method)?.result
  return result?.kind === 'named' && structs.some(({name}) => name === result.name)
}

/** A thread on its own matters if something is given to it or got from it, or if the main thread holds something meanwhile. */
function meets(signatures: Signatures, before: readonly Statement[], {captures, result}: Thread, types: ReadonlyMap<Variable, Type>): boolean {
  if (result !== null || captures.some(({mode}) => mode === 'move')) return true
  const gone = new Set(before.flatMap(statement => statement.kind === 'drop' || statement.kind === 'forget' ? [statement.variable] : []))
  const held = before.flatMap(statement => statement.kind === 'call' ? boundBy(statement.into) : [])
  return held.some(variable => {
    const type = types.get(variable)!
    return !gone.has(variable) && captures.every(({outer}) => outer !== variable) && (regionsOf(type).length > 0 || needsDrop(signatures, type))
  })
}
