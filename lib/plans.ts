/** Plans that fit programs: made once for each kind of program, and kept. */
import type {Node} from './behaviour.ts'
import {compile, within} from './compile.ts'
import type {Label} from './event.ts'
import type {Model} from './model.ts'
import type {OwnRelation, Plan} from './plan.ts'
import {shapeOf, type Shape} from './shape.ts'

/** The plan for all programs whose events carry certain labels, and those for programs that lack some relations besides. */
interface Family {
  readonly general: Plan
  readonly candidates: readonly OwnRelation[]
  readonly fitted: Map<string, Plan>
  /** For each shape: which of the candidates are not empty in it. */
  readonly present: WeakMap<Shape, readonly boolean[]>
}

const families = new WeakMap<Model, Map<string, Family>>()

/**
 * The model compiled for what these states of threads do: without the relations that are empty in all of them.
 * @param withBefore is the model's `before` wanted?
 */
export function planFor(model: Model, nodes: readonly Node[], withBefore: boolean): Plan {
  const shapes = nodes.map(shapeOf)
  const family = familyFor(model, new Set(shapes.flatMap(({labels}) => [...labels])), withBefore)
  const present = shapes.map(shape => presentIn(family, shape))
  const absent = family.candidates.filter((_, i) => present.every(flags => !flags[i]!))
  const key = absent.map(own => own.key).join('\n')
  const plan = family.fitted.get(key) ?? compile(model, {labels: [...family.general.labels], absent, withBefore})
  family.fitted.set(key, plan)
  return plan
}

function familyFor(model: Model, labels: ReadonlySet<Label>, withBefore: boolean): Family {
  const key = (withBefore ? 'before ' : '') + [...labels].map(label => `${label.kind} ${label.tags.join(' ')}`).sort().join('|')
  const known = families.get(model) ?? new Map<string, Family>()
  families.set(model, known)
  const family = known.get(key) ?? newFamily(model, labels, withBefore)
  known.set(key, family)
  return family
}

function newFamily(model: Model, labels: ReadonlySet<Label>, withBefore: boolean): Family {
  const general = compile(model, {labels: [...labels], absent: [], withBefore})
  return {general, candidates: [...general.locals, ...Object.values(within)], fitted: new Map(), present: new WeakMap()}
}

function presentIn({candidates, general, present}: Family, shape: Shape): readonly boolean[] {
  const known = present.get(shape)
  if (known !== undefined) return known
  shape.evaluate(candidates, general.sets)
  const made = candidates.map(({key}) => shape.pairs(key).length > 0)
  present.set(shape, made)
  return made
}
