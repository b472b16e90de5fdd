/**
 * Makes a plan smaller: an operation that only feeds a union adds to the union directly, and what
 * nothing needs is left out. Fewer relations are less to save, to restore and to keep up to date.
 */
import type {Plan, PlanOp} from './plan.ts'

/** The same plan with fewer relations. */
export function foldUnions(plan: Plan): Plan {
  const needed = withoutUnused(plan)
  const uses = countUses(needed)
  const into = new Map<number, number>()
  // from outside, nothing may feed a union inside of a recursive group, which clears what it makes
  const ops = foldList(needed.ops, needed.locals.map(local => local.relation), uses, into)
  return renumbered({...needed, ops}, into)
}

/** Leaves out operations and inputs that nothing reads. */
function withoutUnused(plan: Plan): Plan {
  const uses = countUses(plan)
  const isUsed = (relation: number): boolean => (uses.get(relation) ?? 0) > 0
  const ops: PlanOp[] = []
  for (const op of plan.ops.toReversed()) {
    if (op.kind === 'count' || isUsed(resultOf(op))) ops.unshift(op)
    else for (const input of inputsOf(op)) uses.set(input, uses.get(input)! - 1)
  }
  return {...plan, ops, locals: plan.locals.filter(({relation}) => isUsed(relation))}
}

/** How often each relation is read: by operations, checks and flags, and by the machine itself. */
function countUses({rf, co, fr, grace, order, before, closures, checks, ops, flagOps, flags}: Plan): Map<number, number> {
  const uses = new Map<number, number>()
  const fixed = [rf, co, fr, grace, order, before, ...closures, ...checks.map(({relation}) => relation), ...flags.map(({relation}) => relation)]
  // the fixed ones must stay what they are, so they count as read twice
  for (const relation of [...fixed, ...fixed, ...[...ops, ...flagOps].flatMap(inputsOf)]) uses.set(relation, (uses.get(relation) ?? 0) + 1)
  return uses
}

/** Operations that add pairs to their result, whatever else is in it. A closure needs its result for itself. */
function isFoldable({kind}: PlanOp): boolean {
  return kind !== 'plus' && kind !== 'count' && kind !== 'rec' && kind !== 'mask'
}

function foldList(ops: readonly PlanOp[], locals: readonly number[], uses: ReadonlyMap<number, number>, into: Map<number, number>): PlanOp[] {
  const made = new Set([...locals, ...ops.filter(isFoldable).map(resultOf)])
  return ops.flatMap((op): PlanOp[] => {
    if (op.kind === 'rec') return [{...op, ops: foldList(op.ops, [], uses, into)}]
    if (op.kind !== 'or') return [op]
    const args = op.args.filter(arg => {
      const folds = uses.get(arg) === 1 && made.has(arg)
      if (folds) into.set(arg, op.out)
      return !folds
    })
    return args.length === 0 ? [] : [{...op, args}]
  })
}

/** Gives the relations that are left numbers without gaps; those that only flags need stay last. */
function renumbered(plan: Plan, into: ReadonlyMap<number, number>): Plan {
  const target = (relation: number): number => {
    const next = into.get(relation)
    return next === undefined ? relation : target(next)
  }
  const numbers = new Map<number, number>()
  const left = [
    plan.rf, plan.co, plan.fr, plan.grace, plan.order, plan.before, ...plan.locals.map(({relation}) => relation), ...plan.ops.flatMap(allOf), ...plan.flagOps.flatMap(allOf),
  ]
  const isKept = (relation: number): boolean => relation < plan.kept
  for (const relation of [...left.filter(isKept), ...left.filter(relation => !isKept(relation))].map(target)) {
    if (relation >= 0 && !numbers.has(relation)) numbers.set(relation, numbers.size)
  }
  const to = (relation: number): number => relation < 0 ? relation : numbers.get(target(relation))!
  return {
    ...plan,
    rf: to(plan.rf), co: to(plan.co), fr: to(plan.fr), grace: to(plan.grace), order: to(plan.order), before: to(plan.before), closures: plan.closures.map(to),
    relations: numbers.size, kept: [...numbers.keys()].filter(isKept).length,
    locals: plan.locals.map(local => ({...local, relation: to(local.relation)})),
    ops: plan.ops.map(op => renamed(op, to)), flagOps: plan.flagOps.map(op => renamed(op, to)),
    checks: plan.checks.map(check => ({...check, relation: to(check.relation)})),
    flags: plan.flags.map(flag => ({...flag, relation: to(flag.relation)})),
  }
}

function renamed(op: PlanOp, to: (relation: number) => number): PlanOp {
  switch (op.kind) {
    case 'or': return {...op, out: to(op.out), args: op.args.map(to)}
    case 'and': case 'minus': case 'seq': return {...op, out: to(op.out), left: to(op.left), right: to(op.right)}
    case 'keep': case 'drop': case 'from': case 'to': case 'inv': case 'plus': return {...op, out: to(op.out), arg: to(op.arg)}
    case 'mask': return {...op, out: to(op.out)}
    case 'count': return {...op, out: to(op.out), core: to(op.core)}
    case 'rec': return {...op, self: to(op.self), body: to(op.body), ops: op.ops.map(inner => renamed(inner, to))}
  }
}

function resultOf(op: PlanOp): number {
  return op.kind === 'rec' ? op.self : op.out
}

/** What an operation reads; a recursive group, what it does not make itself, and its body. */
export function inputsOf(op: PlanOp): readonly number[] {
  switch (op.kind) {
    case 'or': return op.args
    case 'and': case 'minus': case 'seq': return [op.left, op.right]
    case 'keep': case 'drop': case 'from': case 'to': case 'inv': case 'plus': return [op.arg]
    case 'mask': return []
    case 'count': return [op.core]
    case 'rec': return [...op.ops.flatMap(inputsOf), op.body, op.body].filter(input => input !== op.self)
  }
}

/** All relations that an operation has to do with. */
function allOf(op: PlanOp): readonly number[] {
  return op.kind === 'rec' ? [op.self, op.body, ...op.ops.flatMap(allOf)] : [...inputsOf(op), op.out]
}
