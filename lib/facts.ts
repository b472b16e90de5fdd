/**
 * What a model can tell of labels: which of the sets that it names an event with some label may be in, and which it may
 * be out of. A plan depends on a program's labels by this alone (compile.ts), so it serves every program that has no more facts.
 */
import {initialWrite, type Label} from './event.ts'
import {set, type Model, type RelationExpr, type SetExpr} from './model.ts'
import {may, must, partsOf} from './static.ts'

/** A bit for each thing that some label may be: a superset of facts has more of them. */
export type Facts = bigint

/** The facts of programs whose events have these labels, and of initial writes. */
export function factsOf(model: Model, labels: Iterable<Label>): Facts {
  let all = 0n
  for (const one of [...labels, initialWrite]) all |= factsOfOne(model, one)
  return all
}

const known = new WeakMap<Model, Map<Label, Facts>>()

function factsOfOne(model: Model, one: Label): Facts {
  const ofModel = known.get(model) ?? new Map<Label, Facts>()
  known.set(model, ofModel)
  const facts = ofModel.get(one) ?? factsIn(setsOf(model), one)
  ofModel.set(one, facts)
  return facts
}

function factsIn(sets: readonly SetExpr[], one: Label): Facts {
  return sets.reduce((facts, each) => (facts << 2n) | (may(each, one) ? 2n : 0n) | (must(each, one) ? 0n : 1n), 0n)
}

/** Tags on which it depends whether rmw and grace are empty. */
const tagsOfBases = ['RMW', 'LKR', 'Rcu-lock', 'Sync-rcu-begin'].map(set)

function setsOf({axioms, flags, before}: Model): readonly SetExpr[] {
  const seen = new Set<RelationExpr>()
  const sets = new Set<SetExpr>(tagsOfBases)
  const visit = (expr: RelationExpr): void => {
    if (seen.has(expr)) return
    seen.add(expr)
    if (expr.op === 'on') sets.add(expr.set)
    if (expr.op === 'cross') sets.add(expr.from).add(expr.to)
    if (expr.op === 'brackets') sets.add(expr.open).add(expr.close)
    for (const part of partsOf(expr)) visit(part)
  }
  for (const expr of [...Object.values(axioms).map(({of}) => of), ...Object.values(flags), before]) visit(expr)
  return [...sets]
}
