/**
 * Mutants: a design with one barrier left out, or one ordering weakened, to see that it was needed.
 *
 * The primitives know nothing of this. A mutation rewrites the operations that one of a design's
 * functions yields.
 */
import {rewriting, type Op, type Proc, type Program} from '../../lib/index.ts'
import type {Design, Stated} from '../design.ts'

type Part = (...args: readonly unknown[]) => Proc<unknown>

/** One change to one function among the parts that a design is made of. */
export type Mutation<Parts> = {
  /** What the mutant's name ends in. */
  readonly name: string
  /** Which function is changed. */
  readonly part: keyof Parts & string
  readonly expected: Stated
} & (
  /** This barrier is left out; `nth` (from 1) says which one, where the function has several. */
  | {readonly without: string; readonly nth?: number}
  /** This operation orders nothing any more. */
  | {readonly relaxed: string}
  /** This operation, in Rust's atomics, has another ordering: SeqCst is more than the sum of its parts. */
  | {readonly weaker: string; readonly to: 'Acquire' | 'Release' | 'AcqRel'}
  /** Another function stands in its place. */
  | {readonly instead: (...args: never[]) => Proc<unknown>; readonly change: string}
)

/** The mutants of a design whose program is `build(name, parts)`. */
export function mutants<Parts extends object>(
  design: Design, parts: Parts, build: (name: string, parts: Parts) => Program<never>, mutations: readonly Mutation<Parts>[],
): readonly Design[] {
  return mutations.map(mutation => {
    const name = `${design.name}-${mutation.name}`
    const change = wording(mutation, spelled(partOf(parts, mutation)))
    return {
      name, title: `${design.name} ${change}`, source: design.source, of: design.name, change, expected: mutation.expected,
      program: () => build(name, {...parts, [mutation.part]: mutated(parts, mutation)}),
    }
  })
}

/** The function's name as C and Rust spell it, its braces included. */
function spelled({name}: Part): string {
  return `${name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)}()`
}

function partOf<Parts>(parts: Parts, {part}: Mutation<Parts>): Part {
  return parts[part] as Part
}

function mutated<Parts>(parts: Parts, mutation: Mutation<Parts>): Part {
  if ('instead' in mutation) return mutation.instead as Part
  const part = partOf(parts, mutation)
  return (...args) => rewriting(part(...args), rewrite(mutation))
}

/** The rewriting of one call; it counts, so every call needs its own. */
function rewrite<Parts>(mutation: Exclude<Mutation<Parts>, {change: string}>): (op: Op) => Op | null {
  if ('relaxed' in mutation) return op => 'name' in op && op.name === mutation.relaxed ? relaxed(op) : op
  if ('weaker' in mutation) return op => 'order' in op && op.name === mutation.weaker ? weaker(op, mutation.to) : op
  let seen = 0
  return op => {
    if (!('name' in op) || op.name !== mutation.without) return op
    seen += 1
    return mutation.nth === undefined || mutation.nth === seen ? null : op
  }
}

/** The same access without its ordering. */
function relaxed(op: Extract<Op, {name: string}>): Op {
  const name = relaxedName(op.name)
  switch (op.kind) {
    case 'load':
    case 'store':
    case 'rmw':
    case 'cas':
      return {...op, name, order: op.vocabulary === 'kernel' ? 'ONCE' : 'RLX'}
    case 'fence':
      throw new TypeError(`${op.name} is a barrier: it can be left out, not relaxed`)
  }
}

/** The same access with another ordering. */
function weaker(op: Extract<Op, {order: unknown}>, to: 'Acquire' | 'Release' | 'AcqRel'): Op {
  if (op.kind === 'fence') throw new TypeError(`${op.name} is a barrier: it can be left out, not weakened`)
  const orders = {Acquire: 'ACQ', Release: 'REL', AcqRel: 'ACQ_REL'} as const
  return {...op, name: weakerName(op.name, to), order: orders[to]}
}

function weakerName(name: string, to: string): string {
  return name.replace('SeqCst', to)
}

function relaxedName(name: string): string {
  if (name === 'smp_store_release' || name === 'rcu_assign_pointer') return 'WRITE_ONCE'
  if (name === 'smp_load_acquire') return 'READ_ONCE'
  return name.replace(/_(acquire|release)$/, '_relaxed').replace(/\((Acquire|Release|AcqRel|SeqCst)/, '(Relaxed')
}

const ordinals = ['first', 'second', 'third', 'fourth', 'fifth']

function wording<Parts>(mutation: Mutation<Parts>, part: string): string {
  if ('change' in mutation) return `${mutation.change} in ${part}`
  if ('relaxed' in mutation) return `with ${call(relaxedName(mutation.relaxed))} for ${call(mutation.relaxed)} in ${part}`
  if ('weaker' in mutation) return `with ${weakerName(mutation.weaker, mutation.to)} for ${mutation.weaker} in ${part}`
  const which = mutation.nth === undefined ? '' : `the ${ordinals[mutation.nth - 1]!} `
  return `without ${which}${call(mutation.without)} in ${part}`
}

/** `smp_rmb` as `smp_rmb()`; `fence(Release)` as it is. */
function call(operation: string): string {
  return operation.includes('(') ? operation : `${operation}()`
}
