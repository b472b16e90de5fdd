/** What can be said of a model's expressions without an execution: which relate events of one thread only, which labels are in a set. */
import type {Label} from './event.ts'
import type {RelationExpr, SetExpr} from './model.ts'
import {isLocal} from './reference.ts'

/** Models' expressions are few and last, so what is found out about one is kept. */
function remembered<T extends object>(find: (expr: T) => boolean): (expr: T) => boolean {
  const known = new WeakMap<T, boolean>()
  return expr => {
    const found = known.get(expr) ?? find(expr)
    known.set(expr, found)
    return found
  }
}

/** Filters by thread, location and sets: relates events of different threads without any edge. */
export const isMask = remembered((expr: RelationExpr): boolean => {
  switch (expr.op) {
    case 'base': return ['loc', 'int', 'ext', 'id'].includes(expr.name)
    case 'cross': return true
    case 'or': case 'and': return expr.args.every(isMask)
    case 'minus': return isMask(expr.left) && isMask(expr.right)
    default: return false
  }
})

/** Known from one thread's own events alone: has it no rf, co and fr in it, and relates only events of one thread? */
export const isOwn = remembered((expr: RelationExpr): boolean => isLocal(expr) && isInThread(expr))

/** For a relation without rf, co and fr: does it relate only events of one thread? */
export function isInThread(expr: RelationExpr): boolean {
  switch (expr.op) {
    case 'base': return !['loc', 'int', 'ext'].includes(expr.name)
    case 'cross': return false
    case 'on': case 'brackets': return true
    case 'seq': case 'or': return expr.args.every(isInThread)
    case 'and': return expr.args.some(isInThread)
    case 'minus': return isInThread(expr.left)
    case 'inv': case 'opt': case 'plus': case 'star': return isInThread(expr.arg)
    case 'rec': return false
  }
}

/** Is the set known from one thread's own events alone? */
export const isStatic = remembered((set: SetExpr): boolean => {
  switch (set.op) {
    case 'tag': return true
    case 'or': case 'and': return set.args.every(isStatic)
    case 'minus': return isStatic(set.left) && isStatic(set.right)
    case 'not': return isStatic(set.arg)
    case 'domain': case 'range': return isOwn(set.of)
  }
})

/** The relations that an expression is made from. */
export function partsOf(expr: RelationExpr): readonly RelationExpr[] {
  switch (expr.op) {
    case 'seq': case 'or': case 'and': return expr.args
    case 'minus': return [expr.left, expr.right]
    case 'inv': case 'opt': case 'plus': case 'star': return [expr.arg]
    case 'rec': return [expr.body]
    case 'base': case 'on': case 'cross': case 'brackets': return []
  }
}

/** Can an event with this label be in the set? */
export function may(set: SetExpr, one: Label): boolean {
  switch (set.op) {
    case 'tag': return isTagged(set.name, one)
    case 'or': return set.args.some(arg => may(arg, one))
    case 'and': return set.args.every(arg => may(arg, one))
    case 'minus': return may(set.left, one) && !must(set.right, one)
    case 'not': return !must(set.arg, one)
    case 'domain': case 'range': return true
  }
}

/** Is every event with this label in the set? */
export function must(set: SetExpr, one: Label): boolean {
  switch (set.op) {
    case 'tag': return isTagged(set.name, one)
    case 'or': return set.args.some(arg => must(arg, one))
    case 'and': return set.args.every(arg => must(arg, one))
    case 'minus': return must(set.left, one) && !may(set.right, one)
    case 'not': return !may(set.arg, one)
    case 'domain': case 'range': return false
  }
}

/** Does every model put an event with this label into the set of this name? */
export function isTagged(name: string, one: Label): boolean {
  return name === 'any' || name === one.kind || (name === 'M' && one.kind !== 'F') || one.tags.includes(name)
}

/** The X of `irreflexive X ; eco?` or of `acyclic X | rf | co | fr`, if the axiom has one of these forms. */
export function coherenceOrder(kind: string, of: RelationExpr): RelationExpr | null {
  if (kind === 'irreflexive' && of.op === 'seq' && of.args.length === 2) {
    const [x, rest] = of.args
    if (rest?.op === 'opt' && rest.arg.op === 'plus' && isCom(unionOf(rest.arg.arg))) return x!
  }
  if (kind === 'acyclic') {
    const parts = unionOf(of)
    const others = parts.filter(part => !isComPart(part))
    const [only] = others
    if (others.length === 1 && isCom(parts.filter(isComPart)) && isPoLoc(only!)) return only!
  }
  return null
}

function isPoLoc(expr: RelationExpr): boolean {
  const names = expr.op === 'and' ? expr.args.map(arg => arg.op === 'base' ? arg.name : '') : []
  return names.length === 2 && names.includes('po') && names.includes('loc')
}

/**
 * Does it hold from every write to each read of another thread that takes its value, wherever those are in the sets that it
 * begins and ends in?
 */
export function containsRfe(expr: RelationExpr): boolean {
  if (expr.op !== 'seq') return unionOf(expr).some(isRfe)
  const [first, middle, last] = expr.args
  return expr.args.length === 3 && first!.op === 'on' && last!.op === 'on' && first!.set === last!.set && unionOf(middle!).some(isRfe)
}

function isRfe(expr: RelationExpr): boolean {
  if (expr.op !== 'and') return expr.op === 'base' && expr.name === 'rf'
  return expr.args.some(isRfe) && expr.args.every(arg => isRfe(arg) || (arg.op === 'base' && arg.name === 'ext'))
}

export function unionOf(expr: RelationExpr): readonly RelationExpr[] {
  return expr.op === 'or' ? expr.args.flatMap(unionOf) : [expr]
}

function isComPart(expr: RelationExpr): boolean {
  return expr.op === 'base' && ['rf', 'co', 'fr'].includes(expr.name)
}

function isCom(parts: readonly RelationExpr[]): boolean {
  return parts.length === 3 && parts.every(isComPart) && new Set(parts.map(part => part.op === 'base' ? part.name : '')).size === 3
}
