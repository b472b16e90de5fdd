/** Plans that fit programs: made once for each kind of program, and kept. */
import type {Node} from './behaviour.ts'
import {compile, study, type Study} from './compile.ts'
import {numberOf, type Label} from './event.ts'
import {factsOf} from './facts.ts'
import type {Model} from './model.ts'
import type {Plan} from './plan.ts'
import {shapeOf, type Shape} from './shape.ts'

/** Programs of whose labels the model can tell the same; `inputs` are relations that some of them may lack. */
interface Family extends Study {
  readonly labels: readonly Label[]
  /** The plans, by which of the relations a program lacks. */
  readonly plans: Map<string, Plan>
}

/** By their labels, which is faster to look up, and by what the model can tell of them. */
const families = new WeakMap<Model, Map<string, Family>>()

/**
 * The model compiled for what these states of threads do: without the relations that are empty in all of them.
 * @param withBefore is the model's `before` wanted?
 * @param isCounted are the model's `counted` events left out of the matrices?
 * @returns null if they must not be, since what they take part in cannot be counted in such programs.
 */
export function planFor(model: Model, nodes: readonly Node[], withBefore: boolean, isCounted: boolean): Plan | null {
  const shapes = new Set(nodes.map(shapeOf))
  const family = familyFor(model, shapes, withBefore)
  if (isCounted && model.counted !== undefined && !family.isCountable) return null
  const isPresent = family.inputs.map(() => false)
  for (const shape of shapes) {
    for (const i of presentIn(shape, family)) isPresent[i] = true
  }
  const key = isPresent.map(Number).join('')
  const known = family.plans.get(key)
  if (known !== undefined) return known
  const plan = compile(model, {labels: family.labels, absent: family.inputs.filter((_, i) => !isPresent[i]!), withBefore})
  family.plans.set(key, plan)
  return plan
}

/** The positions of the family's relations that are not empty in a shape. */
function presentIn(shape: Shape, family: Family): readonly number[] {
  return shape.noted(family, () => {
    shape.evaluate(family.inputs, [])
    return family.inputs.flatMap(({key}, i) => shape.pairs(key).length > 0 ? [i] : [])
  })
}

function familyFor(model: Model, shapes: ReadonlySet<Shape>, withBefore: boolean): Family {
  const labels = new Set<Label>()
  for (const shape of shapes) for (const label of shape.labels) labels.add(label)
  const key = `${withBefore}:${Array.from(labels, numberOf).sort((a, b) => a - b).join()}`
  const known = families.get(model) ?? new Map<string, Family>()
  families.set(model, known)
  const family = known.get(key) ?? familyLike(model, known, [...labels], withBefore)
  known.set(key, family)
  return family
}

function familyLike(model: Model, known: Map<string, Family>, labels: readonly Label[], withBefore: boolean): Family {
  const key = `${withBefore} ${factsOf(model, labels)}`
  const family = known.get(key) ?? newFamily(model, labels, withBefore)
  known.set(key, family)
  return family
}

function newFamily(model: Model, labels: readonly Label[], withBefore: boolean): Family {
  return {labels, ...study(model, {labels, absent: [], withBefore}), plans: new Map()}
}
