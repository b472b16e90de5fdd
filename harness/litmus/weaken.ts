/** Models with fewer axioms: their executions are candidates that the model itself forbids. */
import type {Axiom, Model, RelationExpr} from '../../lib/index.ts'

/** The engine's own order of accesses to one location, which stays when every axiom is gone. */
const perLocation = 'coherence at one location'

const weakened = new WeakMap<Model, readonly Model[]>()

/** The model without one axiom; then without coherence at one location; then without several axioms, and without any. */
export function weaker(model: Model): readonly Model[] {
  const known = weakened.get(model)
  if (known !== undefined) return known
  const names = Object.keys(model.axioms)
  const others = names.filter(name => name !== 'coherence')
  const made = [
    ...names.map(name => without(model, [name])),
    without(model, ['coherence', perLocation]),
    without(model, others), without(model, names), without(model, [...names, perLocation]),
  ]
  weakened.set(model, made)
  return made
}

function without(model: Model, names: readonly string[]): Model {
  const axioms = Object.fromEntries(Object.entries(model.axioms).filter(([name]) => !names.includes(name)))
  return {...model, name: `${model.name} without ${names.join(', ')}`, axioms: names.includes(perLocation) ? {...axioms, ...nothingOrdered} : axioms, flags: {}}
}

const base = (name: 'po' | 'rf' | 'co' | 'fr'): RelationExpr => ({sort: 'relation', op: 'base', name})
const nothing: RelationExpr = {sort: 'relation', op: 'minus', left: base('po'), right: base('po')}
const eco: RelationExpr = {sort: 'relation', op: 'plus', arg: {sort: 'relation', op: 'or', args: [base('rf'), base('co'), base('fr')]}}

/** An axiom of the form from which the engine takes its order of one location's accesses, with an empty order in it. */
const nothingOrdered: Readonly<Record<string, Axiom>> = {
  [perLocation]: {kind: 'irreflexive', of: {sort: 'relation', op: 'seq', args: [nothing, {sort: 'relation', op: 'opt', arg: eco}]}},
}
