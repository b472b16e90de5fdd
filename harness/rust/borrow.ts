/**
 * The borrow checker: which points of a flow break a loan.
 *
 * After RFC 2094 (non-lexical lifetimes): a lifetime is a set of points; it holds where a variable that mentions it may still be
 * used, or dropped by a destructor that may look at it, and where a lifetime that it must outlast holds. A loan is in force on
 * every path from where it was made that stays within its lifetime. A lifetime holds everywhere or it does not contain `'static`.
 */
import {regionsOf} from './parse-type.ts'
import type {Flow, Loan, Point} from './flow.ts'
import type {Region} from './syntax.ts'

export interface Conflict {
  readonly problem: string
  /** The block at whose end it arises, so that more statements could still mend it. */
  readonly end: Point['end']
}

/** Every conflict, in the order of the points. */
export function conflicts(flow: Flow): readonly Conflict[] {
  const lifetimes = lifetimesOf(flow)
  const found: Conflict[] = [...escapes(flow, lifetimes)]
  for (const [start, {loan}] of flow.points.entries()) {
    if (loan === null) continue
    for (const at of inForce(flow, start, lifetimes.of(loan.region))) {
      const point = flow.points[at]!
      const broken = point.accesses.find(access => conflicting(access, loan))
      if (broken !== undefined) {
        found.push({problem: `${point.label}: ${broken.what} while ${loan.mutable ? 'exclusively ' : ''}borrowed by ${flow.points[start]!.label}`, end: point.end})
      }
    }
  }
  return found
}

function conflicting({variable, behind, kind}: Point['accesses'][number], loan: Loan): boolean {
  if (variable !== loan.variable) return false
  if (kind === 'read') return loan.mutable
  // what is behind a reference outlives the reference's own storage; to write the reference itself is to lose what is behind
  return !(kind === 'dead' && (loan.behind || behind))
}

/** The points that a loan reaches without leaving its lifetime, in order. */
function inForce({points}: Flow, start: number, lifetime: Lifetime): readonly number[] {
  const reached = new Uint8Array(points.length)
  const open = [...points[start]!.successors]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (reached[at] === 1 || lifetime[at] === 0) continue
    reached[at] = 1
    open.push(...points[at]!.successors)
  }
  return [...points.keys()].filter(at => reached[at] === 1)
}

// ---- Lifetimes -------------------------------------------------------------------------------------

/** For each point 1 if it is in it. */
type Lifetime = Uint8Array

/** Those that nothing mentions hold nowhere. */
class Lifetimes {
  readonly #points: number
  readonly #all = new Map<Region, Lifetime>()

  constructor(points: number) {
    this.#points = points
    this.of("'static").fill(1)
  }

  of(region: Region): Lifetime {
    let found = this.#all.get(region)
    if (found === undefined) this.#all.set(region, found = new Uint8Array(this.#points))
    return found
  }

  /** Whether `longer` had to grow to hold wherever `shorter` does. */
  outlast(longer: Region, shorter: Region): boolean {
    return grow(this.of(longer), this.of(shorter))
  }
}

function grow(target: Lifetime, by: Lifetime): boolean {
  let grown = false
  for (let at = 0; at < by.length; at++) {
    if (by[at]! > target[at]!) {
      target[at] = 1
      grown = true
    }
  }
  return grown
}

function lifetimesOf(flow: Flow): Lifetimes {
  const lifetimes = new Lifetimes(flow.points.length)
  for (const [variable, type] of flow.types) {
    const regions = regionsOf(type)
    if (regions.length > 0) {
      const live = liveAt(flow, point => point.uses.includes(variable), point => point.defines.includes(variable))
      for (const region of regions) grow(lifetimes.of(region), live)
    }
    const dropped = flow.dropped.get(variable) ?? []
    if (dropped.length > 0) {
      const live = liveAt(flow, point => point.drops === variable, point => point.defines.includes(variable) || point.moves.includes(variable))
      for (const region of dropped) grow(lifetimes.of(region), live)
    }
  }
  for (const {region, from, to} of flow.unknown) lifetimes.of(region).fill(1, from, to + 1)
  for (let changed = true; changed;) {
    changed = false
    for (const [longer, shorter] of flow.outlives) if (lifetimes.outlast(longer, shorter)) changed = true
  }
  return lifetimes
}

/** The points from which a point of interest can be reached without passing one that ends it. */
function liveAt({points}: Flow, interesting: (point: Point) => boolean, ends: (point: Point) => boolean): Lifetime {
  const live = new Uint8Array(points.length)
  // a point's successors stand behind it
  for (let at = points.length - 1; at >= 0; at--) {
    const point = points[at]!
    if (interesting(point) || (!ends(point) && point.successors.some(next => live[next] === 1))) live[at] = 1
  }
  return live
}

/** What a closure was lent must not leave it, and nothing shorter-lived may be passed off as it. */
function escapes({points, outlives, unknown}: Flow, lifetimes: Lifetimes): readonly Conflict[] {
  const reaches = (from: Region): ReadonlySet<Region> => {
    const seen = new Set([from])
    for (const region of seen) for (const [longer, shorter] of outlives) if (longer === region) seen.add(shorter)
    return seen
  }
  return unknown.flatMap(({region, from, to}) => {
    const outlived = [...reaches(region)].filter(other => other !== region)
    const out = outlived.some(other => other === "'static" || unknown.some(one => one.region === other)
      || lifetimes.of(other).some((holds, at) => holds === 1 && (at < from || at > to)))
    const within = points.some(({loan}) => loan !== null && reaches(loan.region).has(region))
    return out || within ? [{problem: `${points[from]!.label}: a reference that a closure is lent must stay inside it`, end: null}] : []
  })
}
