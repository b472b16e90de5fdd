/** Other names for the variables of a client, and other numbers for its values. */
import type {Block, Capture, Operand, Pattern, Place, Statement, Thread, Variable} from './client.ts'

/** The names of variables and the numbers of fresh values, changed in the order in which a reader meets them. */
export interface Renaming {
  readonly variable: (variable: Variable) => Variable
  readonly value: (value: number) => number
}

export function renameStatement(statement: Statement, by: Renaming): Statement {
  const {variable} = by
  switch (statement.kind) {
    case 'call': {
      const operands = statement.operands.map(operand => renameOperand(operand, by))
      return {...statement, operands, into: renamePattern(statement.into, by), otherwise: statement.otherwise.map(variable)}
    }
    case 'let': {
      const value = renameOperand(statement.value, by)
      return {...statement, value, variable: variable(statement.variable)}
    }
    case 'write': return {...statement, variable: variable(statement.variable), value: by.value(statement.value)}
    case 'use':
    case 'drop':
    case 'forget': return {...statement, variable: variable(statement.variable)}
    case 'swap': return {...statement, first: variable(statement.first), second: variable(statement.second)}
    case 'scope': return {...statement, threads: statement.threads.map(thread => renameThread(thread, by))}
    case 'panic': return statement
  }
}

export function renameBlock({statements, drops}: Block, by: Renaming): Block {
  return {statements: statements.map(statement => renameStatement(statement, by)), drops: drops.map(by.variable)}
}

function renameThread({captures, body, result}: Thread, by: Renaming): Thread {
  return {
    captures: captures.map(capture => renameCapture(capture, by)),
    body: renameBlock(body, by),
    result: result === null ? null : {inner: by.variable(result.inner), outer: by.variable(result.outer)},
  }
}

function renameCapture({outer, mode, inner}: Capture, by: Renaming): Capture {
  return {outer: by.variable(outer), mode, inner: by.variable(inner)}
}

function renamePlace({variable, derefs}: Place, by: Renaming): Place {
  return {variable: by.variable(variable), derefs}
}

function renamePattern(pattern: Pattern, by: Renaming): Pattern {
  switch (pattern.kind) {
    case 'ignored': return pattern
    case 'variable': return {kind: 'variable', variable: by.variable(pattern.variable)}
    case 'tuple': return {kind: 'tuple', items: pattern.items.map(item => renamePattern(item, by))}
    case 'variant': return {...pattern, item: renamePattern(pattern.item, by)}
  }
}

export function renameOperand(operand: Operand, by: Renaming): Operand {
  switch (operand.kind) {
    case 'move': return {kind: 'move', variable: by.variable(operand.variable)}
    case 'copy':
    case 'borrowing':
    case 'share':
    case 'lend':
    case 'clone': return {...operand, place: renamePlace(operand.place, by)}
    case 'fresh': return {kind: 'fresh', value: by.value(operand.value)}
    case 'constant': return operand
    case 'wrap': return {...operand, operand: renameOperand(operand.operand, by)}
    case 'tuple': return {kind: 'tuple', items: operand.items.map(item => renameOperand(item, by))}
    case 'closure': {
      const {captures, parameters, body, result} = operand.closure
      return {
        kind: 'closure',
        closure: {
          captures: captures.map(capture => renameCapture(capture, by)),
          parameters: parameters.map(by.variable),
          body: renameBlock(body, by),
          result: renameOperand(result, by),
        },
      }
    }
  }
}

/** The variables that statements name, in order, each once. */
export function mentioned(statements: readonly Statement[], results: readonly Operand[] = []): readonly Variable[] {
  const found = new Set<Variable>()
  const by: Renaming = {variable: variable => (found.add(variable), variable), value: value => value}
  for (const statement of statements) renameStatement(statement, by)
  for (const operand of results) renameOperand(operand, by)
  return [...found]
}
