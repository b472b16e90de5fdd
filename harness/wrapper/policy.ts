/**
 * McKenney's five options for Rust in the kernel, as policies on the operations of a wrapper's Rust side, each with the
 * models that it runs under.
 *
 * Source: McKenney, "So You Want to Rust the Linux Kernel?" (2021), "What memory model should the Rust language use?" and its
 * summary (lkml 20211022210315): from "no unsafe Rust code" to "all of the kernel's concurrency". Which operations belong where
 * is our reading; each rule says which.
 */
import {cpp20, kernelRust, lkmm, type Model, type Op} from '../../lib/index.ts'

/** McKenney's options (semantics.md, 7): how much of the primitive the Rust side may contain itself. */
export type Option = 1 | 2 | 3 | 4 | 5

export const options: readonly Option[] = [1, 2, 3, 4, 5]

/** What kind of thing an operation of the Rust side is, for the policies. */
export type Kind =
  /** Acquire loads, release stores, stronger; read-modify-writes likewise. */
  | 'ordered atomic'
  /** READ_ONCE, WRITE_ONCE, Ordering::Relaxed. */
  | 'relaxed atomic'
  | 'fence'
  /** A plain access to memory that is shared. */
  | 'plain access'
  | 'RCU'
  | 'lock'
  | 'allocation'

/** An operation that some method of the wrapper performs on the Rust side. */
export interface Performed {
  readonly method: string
  readonly operation: string
  readonly kind: Kind
  /** Does it go where a pointer says that was read before? */
  readonly follows: boolean
}

export interface Policy {
  readonly option: Option
  readonly title: string
  /** What the Rust side may do itself. */
  readonly allows: readonly Kind[]
  readonly followsNoPointer?: boolean
  readonly models: readonly Model[]
}

/** Allocation is Box's, in every option. */
const everywhere: readonly Kind[] = ['allocation']

/** What a wrapper declares for the fourth option: what its Rust side does besides, and what it promises not to do. */
export interface Declaration {
  readonly allows: readonly Kind[]
  /** It touches one object and follows no pointer: McKenney's example of what a review could let pass. Checked. */
  readonly followsNoPointer: boolean
}

/** @param declared for the fourth option; null: nothing. */
export function policyOf(option: Option, declared: Declaration | null): Policy {
  switch (option) {
    case 1: return {option, title: 'no unsafe Rust: calls of C alone', allows: everywhere, models: [kernelRust]}
    case 2: return {option, title: 'acquire, release and stronger atomics', allows: [...everywhere, 'ordered atomic', 'lock', 'plain access'], models: [kernelRust, cpp20]}
    case 3: return {option, title: 'the hard parts stay in C', allows: [...everywhere, 'ordered atomic', 'lock', 'plain access'], models: [kernelRust, cpp20]}
    case 4: return {option, title: 'case by case', allows: [...everywhere, 'ordered atomic', 'lock', 'plain access', ...declared?.allows ?? []], followsNoPointer: declared?.followsNoPointer ?? false, models: [kernelRust]}
    case 5: return {option, title: 'everything that the kernel does', allows: [...everywhere, 'ordered atomic', 'relaxed atomic', 'fence', 'plain access', 'RCU', 'lock'], models: [lkmm]}
  }
}

/** The first operation that the policy forbids; null if none. */
export function offence({allows, followsNoPointer = false}: Policy, performed: readonly Performed[]): Performed | null {
  return performed.find(({kind, follows}) => !allows.includes(kind) || (followsNoPointer && follows)) ?? null
}

/** What kind of operation it is; null for what touches no shared memory, and for what stays in C. */
export function kindOf(op: Op): Kind | null {
  if (!('order' in op) || op.call !== undefined) return null
  if ('mark' in op && op.mark !== undefined) return 'allocation'
  switch (op.order) {
    case 'LOCK': case 'TRYLOCK': case 'UNLOCK': case 'IS-LOCKED': return 'lock'
    case 'Rcu-lock': case 'Rcu-unlock': case 'Sync-rcu': case 'Sync-srcu': case 'SRCU-LOCK': case 'SRCU-UNLOCK': return 'RCU'
  }
  if (op.kind === 'fence') return 'fence'
  switch (op.order) {
    case 'plain': case 'NA': return 'plain access'
    case 'ONCE': case 'RLX': case 'NORETURN': return 'relaxed atomic'
    default: return 'ordered atomic'
  }
}

/** Does the operation go where a pointer says that the thread read? */
export function follows(op: Op): boolean {
  return 'at' in op && op.at !== undefined && 'reads' in op.at && op.at.reads.length > 0
}
