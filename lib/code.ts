/** A plan's operations as numbers, which are faster to walk through than objects. */
import type {Mask, PlanOp} from './plan.ts'

/** Four numbers per operation: which one, its result, its arguments (or a set, a mask, a group). */
export const codes = {copy: 0, seq: 1, from: 2, to: 3, keep: 4, drop: 5, plus: 6, and: 7, minus: 8, inv: 9, count: 10, group: 11} as const

export interface Code {
  readonly ops: Int32Array
  readonly masks: readonly Mask[]
  readonly groups: readonly Group[]
}

/** Operations that feed each other: `self` is what they make together, from `body`. */
export interface Group {
  readonly self: number
  readonly body: number
  readonly code: Code
  /** What the operations make, and what they read and do not make. */
  readonly made: readonly number[]
  readonly outside: readonly number[]
}

export function encode(list: readonly PlanOp[]): Code {
  const ops: number[] = []
  const masks: Mask[] = []
  const groups: Group[] = []
  for (const op of list) {
    switch (op.kind) {
      case 'or': for (const arg of op.args) ops.push(codes.copy, op.out, arg, arg); break
      case 'seq': case 'and': case 'minus': ops.push(codes[op.kind], op.out, op.left, op.right); break
      case 'from': case 'to': ops.push(codes[op.kind], op.out, op.arg, op.set); break
      case 'keep': case 'drop': ops.push(codes[op.kind], op.out, op.arg, masks.push(op.mask) - 1); break
      case 'plus': case 'inv': ops.push(codes[op.kind], op.out, op.arg, op.arg); break
      case 'count': ops.push(codes.count, op.out, op.core, op.core); break
      case 'rec': ops.push(codes.group, groups.push(groupOf(op)) - 1, 0, 0); break
      case 'mask': throw new Error('an axiom uses a filter as a relation')
    }
  }
  return {ops: Int32Array.from(ops), masks, groups}
}

function groupOf({self, body, ops}: Extract<PlanOp, {kind: 'rec'}>): Group {
  const made = new Set<number>()
  const read = new Set<number>()
  for (const op of ops) {
    if (op.kind === 'rec') throw new Error('a recursive relation inside of another one is not supported')
    made.add(op.out)
    for (const arg of op.kind === 'or' ? op.args : 'arg' in op ? [op.arg] : 'left' in op ? [op.left, op.right] : []) read.add(arg)
  }
  return {self, body, code: encode(ops), made: [...made], outside: [...read].filter(relation => relation !== self && !made.has(relation))}
}
