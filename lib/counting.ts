/**
 * LKMM's rcu-order, recognised in a model's definition, so that it can be counted.
 *
 * The published definition is a grammar: its words are walks over grace periods (gains) and critical sections
 * (losses), joined by rcu-link, and it makes exactly those with at least as many gains as losses (Alglave et al.,
 * ASPLOS 2018, section 4: "the law of RCU"; a word with more of one letter falls apart into balanced words and
 * single gains). So it is enough to know the best balance of a walk between any two of them (balance.ts), and
 * their events, which nothing else needs as endpoints, need no place in the matrices.
 */
import type {Recursive, RelationExpr} from './model.ts'
import {isOwn} from './static.ts'

export interface Counting {
  readonly gain: RelationExpr
  /** Null if the programs have none. */
  readonly loss: RelationExpr | null
  /** The link in three parts: of one thread's own events, anything, of one thread's own events again. */
  readonly first: readonly RelationExpr[]
  readonly core: readonly RelationExpr[]
  readonly last: readonly RelationExpr[]
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
  const from = link.args.findIndex(part => !isOwn(part))
  const to = link.args.findLastIndex(part => !isOwn(part)) + 1
  if (from < 1 || to >= link.args.length) return null
  return {gain, loss, first: link.args.slice(0, from), core: link.args.slice(from, to), last: link.args.slice(to)}
}
