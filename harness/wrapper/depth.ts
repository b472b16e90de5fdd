/** How much of a wrapper is tried: what is asked for, what its entry says, and what is taken where neither does. */
import type {ClientBudget} from './soundness.ts'
import type {Wrapper} from './wrapper.ts'

/** How much is tried. A wrapper whose own bounds say which size tells something is tried with that, unless `size` was asked for. */
export interface Depth extends Omit<ClientBudget, 'expired' | 'only' | 'looks'> {
  /** Is the size what somebody asked for, what is tried where a wrapper says nothing else, or what is tried at least? */
  readonly sizeIs: 'asked' | 'default' | 'least'
}

/** What is tried of every wrapper, of one that somebody writes, and of one that is asked for by name. */
export const smallDepth: Depth = {size: 3, sizeIs: 'default', clients: 500, bound: 3, executions: 20_000}
export const checkDepth: Depth = {...smallDepth, size: 4, alone: 6, clients: 1_000}
export const deepDepth: Depth = {size: 5, sizeIs: 'least', alone: 7, clients: 2_000, bound: 3, executions: 200_000}

/** Statements of the largest client of a wrapper. */
export function sizeFor({bounds}: Wrapper, {size, sizeIs}: Depth): number {
  switch (sizeIs) {
    case 'asked': return size
    case 'default': return bounds?.size ?? size
    case 'least': return Math.max(size, bounds?.size ?? 0)
  }
}

/** Statements of the largest client without threads, where those go further than the others: not beyond what somebody asked for. */
export function aloneFor(wrapper: Wrapper, depth: Depth): number {
  const {alone = 0, sizeIs} = depth
  return sizeIs === 'asked' || alone <= sizeFor(wrapper, depth) || wrapper.bounds?.threads === 0 ? 0 : alone
}

/** What a wrapper's own bounds keep its clients to, in words; null if nothing. */
export function boundsOf({signatures, bounds = {}}: Wrapper): string | null {
  const {payloads, main, threads, statements, instances, values} = bounds
  const isGeneric = signatures.methods.some(({types}) => types.length > 0)
  const count = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`
  const parts = [
    ...payloads !== undefined && isGeneric ? [`T is ${payloads.join(' or ')}`] : [],
    ...main === undefined ? [] : [`at most ${count(main, 'statement')} in the main thread`],
    ...threads === undefined ? [] : [threads === 0 ? 'one thread' : `at most ${count(threads, 'thread')} besides the main one`],
    ...statements === undefined ? [] : [`at most ${count(statements, 'statement')} in each`],
    ...instances === undefined ? [] : [`${instances === 1 ? 'one value' : `at most ${instances} values`} of each struct`],
    ...values === undefined ? [] : [`at most ${count(values, 'value')} of T`],
  ]
  return parts.length === 0 ? null : parts.join(', ')
}
