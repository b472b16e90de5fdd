/**
 * LKMM's rcu-order, recognised in a model's definition, so that it can be counted.
 *
 * The published definition is a grammar: its words are walks over grace periods (gains) and critical sections
 * (losses), joined by rcu-link, and it makes exactly those with at least as many gains as losses (Alglave et al.,
 * ASPLOS 2018, section 4: "the law of RCU"; a word with more of one letter falls apart into balanced words and
 * single gains). So it is enough to know the best balance of a walk between any two of them (balance.ts), and
 * their events, which nothing else needs as endpoints, need no place in the matrices.
 */
import type {Label} from './event.ts'
import {on, type Recursive, type RelationExpr, type SetExpr} from './model.ts'
import {isLocal} from './reference.ts'
import type {Shape} from './shape.ts'
import {isInThread, must} from './static.ts'

export interface Counting {
  readonly gain: RelationExpr
  /** Null if the programs have none. */
  readonly loss: RelationExpr | null
  /** The link in three parts: of one thread's own events, anything, of one thread's own events again. */
  readonly first: readonly RelationExpr[]
  readonly core: readonly RelationExpr[]
  readonly last: readonly RelationExpr[]
}

/** A grace period or a critical section of one thread. Vertices are counted within the thread. */
export interface Unit {
  readonly weight: 1 | -1
  /** Vertices from which a link's last part leads to it, and to which a link's first part leads from it. */
  readonly before: readonly number[]
  readonly after: readonly number[]
  /** Units of the thread to which a link leads that has no vertex in between: positions in the list. */
  readonly next: readonly number[]
}

/** The parts of a recursive relation of this kind; null if it is of another kind. `isEmpty` says what no program has. */
export function countingIn(rec: Recursive, isEmpty: (expr: RelationExpr) => boolean): Counting | null {
  const parts = (rec.body.op === 'or' ? rec.body.args : []).filter(part => !isEmpty(part))
  const walks = parts.flatMap(part => part.op === 'seq' && part.args.length >= 3 ? [part.args] : [])
  const [gain] = parts.filter(part => part.op !== 'seq' || part.args.length < 3)
  const link = walks.find(([first, , third]) => first === rec && third === rec)?.[1]
  if (gain === undefined || link === undefined || parts.length !== walks.length + 1) return null
  const loss = walks.find(args => args.length === 3 && args[0] === gain)?.[2] ?? null
  const grammar = loss === null ? [[rec, link, rec]] : [
    [gain, link, loss], [loss, link, gain], [gain, link, rec, link, loss], [loss, link, rec, link, gain], [rec, link, rec],
  ]
  const isOneOf = (word: readonly RelationExpr[], words: readonly (readonly RelationExpr[])[]): boolean =>
    words.some(other => other.length === word.length && other.every((part, i) => part === word[i]))
  if (!walks.every(walk => isOneOf(walk, grammar)) || !grammar.every(walk => isOneOf(walk, walks)) || link.op !== 'seq') return null
  const isOwn = (part: RelationExpr): boolean => isLocal(part) && isInThread(part)
  const from = link.args.findIndex(part => !isOwn(part))
  const to = link.args.findLastIndex(part => !isOwn(part)) + 1
  if (from < 1 || to >= link.args.length) return null
  return {gain, loss, first: link.args.slice(0, from), core: link.args.slice(from, to), last: link.args.slice(to)}
}

/** The units of a thread, in the order in which it completes them, so that they keep their positions as it runs on. */
export function unitsIn(shape: Shape, {gain, loss, first, core, last}: Counting): readonly Unit[] {
  const stays = on(reflexive(core, shape.labels))
  const [gains, losses, into, outOf, through] = shape.between([
    gain, loss ?? on(nowhere), {sort: 'relation', op: 'seq', args: last}, {sort: 'relation', op: 'seq', args: first},
    {sort: 'relation', op: 'seq', args: [...first, stays, ...last]},
  ])
  const spans = [...gains!.map(([start, end]) => ({start, end, weight: 1 as const})), ...losses!.map(([start, end]) => ({start, end, weight: -1 as const}))]
    .sort((a, b) => Math.max(a.start, a.end) - Math.max(b.start, b.end))
  return spans.map(({start, end, weight}) => ({
    weight,
    before: into!.flatMap(([vertex, to]) => to === start ? shape.vertexAt(vertex) : []),
    after: outOf!.flatMap(([from, vertex]) => from === end ? shape.vertexAt(vertex) : []),
    next: spans.flatMap((other, i) => through!.some(([from, to]) => from === end && to === other.start) ? [i] : []),
  }))
}

const nowhere: SetExpr = {sort: 'set', op: 'or', args: []}

/** The events of which it is certain by their labels that a sequence relates each to itself. */
function reflexive(parts: readonly RelationExpr[], labels: ReadonlySet<Label>): SetExpr {
  const those = [...labels].filter(label => parts.every(part => isReflexiveOn(part, label)))
  const tagged = ({kind, tags}: Label): SetExpr => ({sort: 'set', op: 'and', args: [kind, ...tags].map((name): SetExpr => ({sort: 'set', op: 'tag', name}))})
  return {sort: 'set', op: 'or', args: those.map(tagged)}
}

function isReflexiveOn(expr: RelationExpr, label: Label): boolean {
  switch (expr.op) {
    case 'opt': case 'star': return true
    case 'on': return must(expr.set, label)
    case 'seq': case 'and': return expr.args.every(arg => isReflexiveOn(arg, label))
    case 'or': return expr.args.some(arg => isReflexiveOn(arg, label))
    case 'base': case 'cross': case 'minus': case 'inv': case 'plus': case 'brackets': case 'rec': return false
  }
}
