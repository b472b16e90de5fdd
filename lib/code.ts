/** The operations of plans: as the compiler makes them, and as numbers, which are faster to walk through. */

/** Operations on relations; the numbers are relations of the plan. */
export type PlanOp =
  | {readonly kind: 'or'; readonly out: number; readonly args: readonly number[]}
  | {readonly kind: 'and'; readonly out: number; readonly left: number; readonly right: number}
  | {readonly kind: 'minus'; readonly out: number; readonly left: number; readonly right: number}
  | {readonly kind: 'keep' | 'drop'; readonly out: number; readonly arg: number; readonly mask: Mask}
  | {readonly kind: 'from' | 'to'; readonly out: number; readonly arg: number; readonly set: number}
  | {readonly kind: 'seq'; readonly out: number; readonly left: number; readonly right: number}
  | {readonly kind: 'inv'; readonly out: number; readonly arg: number}
  | {readonly kind: 'plus'; readonly out: number; readonly arg: number}
  /** Every pair of a mask; only flags may need one that filters nothing. */
  | {readonly kind: 'mask'; readonly out: number; readonly mask: Mask}
  /** Walks along links over gains and losses with at least as many gains (balance.ts); `core` is the links' middle part. -1: only checked. */
  | {readonly kind: 'count'; readonly out: number; readonly core: number}
  /** Operations that feed each other: repeated until nothing changes. `self` is what the body refers to. */
  | {readonly kind: 'rec'; readonly self: number; readonly body: number; readonly ops: readonly PlanOp[]}

/** Pairs told apart by threads, locations and sets alone: used only to filter. */
export type Mask =
  | {readonly kind: 'ext' | 'int' | 'loc' | 'id'}
  | {readonly kind: 'cross'; readonly from: number; readonly to: number}
  | {readonly kind: 'or' | 'and'; readonly args: readonly Mask[]}
  | {readonly kind: 'minus'; readonly left: Mask; readonly right: Mask}

/** Four numbers per operation: which one, its result, its arguments (or a set, a mask, a group). */
export const codes = {copy: 0, seq: 1, from: 2, to: 3, keep: 4, drop: 5, plus: 6, and: 7, minus: 8, inv: 9, count: 10, group: 11, mask: 12} as const

export interface Code {
  readonly ops: Int32Array
  /** Of the whole plan: the same in all of its codes. */
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

export function groupOf(self: number, body: number, code: Code): Group {
  const {ops} = code
  const made: number[] = []
  for (let at = 0; at < ops.length; at += 4) if (!made.includes(ops[at + 1]!)) made.push(ops[at + 1]!)
  const outside: number[] = []
  const note = (relation: number): void => {
    if (relation !== self && !made.includes(relation) && !outside.includes(relation)) outside.push(relation)
  }
  for (let at = 0; at < ops.length; at += 4) {
    note(ops[at + 2]!)
    if (readsTwo(ops[at]!)) note(ops[at + 3]!)
  }
  return {self, body, code, made, outside}
}

/** Does the operation read two relations? Those of a group read at least one. */
export function readsTwo(code: number): boolean {
  return code === codes.seq || code === codes.and || code === codes.minus
}

/** Adds to `masks` those of the operations; each object once. */
export function encode(list: readonly PlanOp[], masks: Mask[]): Code {
  const ops: number[] = []
  const groups: Group[] = []
  const numberOf = (mask: Mask): number => {
    const known = masks.indexOf(mask)
    return known < 0 ? masks.push(mask) - 1 : known
  }
  for (const op of list) {
    switch (op.kind) {
      case 'or': for (const arg of op.args) ops.push(codes.copy, op.out, arg, arg); break
      case 'seq': case 'and': case 'minus': ops.push(codes[op.kind], op.out, op.left, op.right); break
      case 'from': case 'to': ops.push(codes[op.kind], op.out, op.arg, op.set); break
      case 'keep': case 'drop': ops.push(codes[op.kind], op.out, op.arg, numberOf(op.mask)); break
      case 'plus': case 'inv': ops.push(codes[op.kind], op.out, op.arg, op.arg); break
      case 'count': ops.push(codes.count, op.out, op.core, op.core); break
      case 'mask': ops.push(codes.mask, op.out, numberOf(op.mask), 0); break
      case 'rec':
        if (op.ops.some(inner => inner.kind === 'rec')) throw new Error('a recursive relation inside of another one is not supported')
        ops.push(codes.group, op.self, groups.push(groupOf(op.self, op.body, encode(op.ops, masks))) - 1, 0)
    }
  }
  return {ops: Int32Array.from(ops), masks, groups}
}
