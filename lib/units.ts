/** The grace periods and critical sections of a thread, where they are counted (counting.ts). */
import type {Counting} from './counting.ts'
import type {Label} from './event.ts'
import {seq, type RelationExpr} from './model.ts'
import type {Shape} from './shape.ts'
import {must} from './static.ts'

/** A grace period or a critical section of one thread. Vertices are counted within the thread. */
export interface Unit {
  readonly weight: 1 | -1
  /** Vertices from which a link's last part leads to it, and to which a link's first part leads from it. */
  readonly before: readonly number[]
  readonly after: readonly number[]
  /** Units of the thread to which a link leads that has no vertex in between: positions in the list. */
  readonly next: readonly number[]
}

/** The units of a thread, in the order in which it completes them, so that they keep their positions as it runs on. */
export function unitsIn(shape: Shape, {gain, loss, first, core, last}: Counting): readonly Unit[] {
  const [gains, into, outOf, losses] = shape.between([gain, seq(...last), seq(...first), ...loss === null ? [] : [loss]])
  const stays = (event: number): boolean => core.every(part => isReflexiveOn(part, shape.labelAt(event)))
  const isNext = (end: number, start: number): boolean =>
    outOf!.some(([from, event]) => from === end && stays(event) && into!.some(([before, to]) => before === event && to === start))
  const spans = [...gains!.map(([start, end]) => ({start, end, weight: 1 as const})), ...(losses ?? []).map(([start, end]) => ({start, end, weight: -1 as const}))]
    .sort((a, b) => Math.max(a.start, a.end) - Math.max(b.start, b.end))
  return spans.map(({start, end, weight}) => ({
    weight,
    before: into!.flatMap(([vertex, to]) => to === start ? shape.vertexAt(vertex) : []),
    after: outOf!.flatMap(([from, vertex]) => from === end ? shape.vertexAt(vertex) : []),
    next: spans.flatMap((other, i) => isNext(end, other.start) ? [i] : []),
  }))
}

/** Is it certain by its label that an event is related to itself? */
function isReflexiveOn(expr: RelationExpr, label: Label): boolean {
  switch (expr.op) {
    case 'opt': case 'star': return true
    case 'on': return must(expr.set, label)
    case 'seq': case 'and': return expr.args.every(arg => isReflexiveOn(arg, label))
    case 'or': return expr.args.some(arg => isReflexiveOn(arg, label))
    case 'base': case 'cross': case 'minus': case 'inv': case 'plus': case 'brackets': case 'rec': return false
  }
}
