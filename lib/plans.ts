/** Plans that fit programs: a model is compiled for all the labels that programs had so far, and what a program lacks is left out. */
import type {Node} from './behaviour.ts'
import {compile, isCountable} from './compile.ts'
import {derivedOf} from './derived.ts'
import {numberOf, type Label} from './event.ts'
import {fit} from './fit.ts'
import {usualLabels} from './mapping.ts'
import type {Model} from './model.ts'
import type {MasterPlan, Plan} from './plan.ts'
import {addPresence, nothingOf} from './presence.ts'

/** A model compiled for some labels, and the plans that were made from that, by what programs have of it. */
interface Master {
  readonly labels: ReadonlySet<Label>
  readonly plan: MasterPlan
  readonly fitted: Map<string, Plan>
}

/** Those of a model for one purpose; more than one only if not all labels can be counted together. */
const masters = new WeakMap<Model, Map<string, Master[]>>()

/**
 * The model compiled for what these states of threads do.
 * @param withBefore is the model's `before` wanted?
 * @param isCounted are the model's `counted` events left out of the matrices?
 * @returns null if they must not be, since what they take part in cannot be counted in such programs.
 */
export function planFor(model: Model, nodes: readonly Node[], withBefore: boolean, isCounted: boolean): Plan | null {
  const mustCount = isCounted && model.counted !== undefined
  const known = mastersOf(model, `${withBefore} ${mustCount}`)
  for (const master of known) {
    const plan = fitted(master, nodes)
    if (plan !== null) return plan
  }
  const labels = labelsOf(nodes)
  if (mustCount && !canCount(model, labels)) return null
  const at = known.findIndex(master => !mustCount || canCount(model, new Set([...master.labels, ...labels])))
  const least = new Set([...known[at]?.labels ?? [], ...labels])
  const more = new Set([...least, ...usualLabels(model.family)])
  const all = mustCount && !canCount(model, more) ? least : more
  const master: Master = {labels: all, plan: compile(model, {labels: [...all], withBefore}), fitted: new Map()}
  known.splice(at < 0 ? known.length : at, 1, master)
  return fitted(master, nodes)
}

function mastersOf(model: Model, purpose: string): Master[] {
  const ofModel = masters.get(model) ?? new Map<string, Master[]>()
  masters.set(model, ofModel)
  const known = ofModel.get(purpose) ?? []
  ofModel.set(purpose, known)
  return known
}

/** The plan for these states; null if the model was compiled without some of their labels. */
function fitted({plan: master, fitted}: Master, nodes: readonly Node[]): Plan | null {
  const presence = nothingOf(master)
  for (let i = 0; i < nodes.length; i++) {
    const derived = derivedOf(nodes[i]!, master)
    if (!derived.isCovered) return null
    addPresence(presence, derived.presence)
  }
  const key = presence.join()
  const known = fitted.get(key)
  if (known !== undefined) return known
  const plan = fit(master, presence)
  fitted.set(key, plan)
  return plan
}

function labelsOf(nodes: readonly Node[]): ReadonlySet<Label> {
  return new Set(nodes.flatMap(({events}) => events.map(({label}) => label)))
}

const countable = new WeakMap<Model, Map<string, boolean>>()

function canCount(model: Model, labels: ReadonlySet<Label>): boolean {
  const ofModel = countable.get(model) ?? new Map<string, boolean>()
  countable.set(model, ofModel)
  const key = Array.from(labels, numberOf).sort((a, b) => a - b).join()
  const known = ofModel.get(key) ?? isCountable(model, [...labels])
  ofModel.set(key, known)
  return known
}
