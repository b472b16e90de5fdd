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
export const checkDepth: Depth = {...smallDepth, size: 4, clients: 1_000}
export const deepDepth: Depth = {size: 5, sizeIs: 'least', clients: 2_000, bound: 3, executions: 200_000}

/** Statements of the largest client of a wrapper. */
export function sizeFor({bounds}: Wrapper, {size, sizeIs}: Depth): number {
  switch (sizeIs) {
    case 'asked': return size
    case 'default': return bounds?.size ?? size
    case 'least': return Math.max(size, bounds?.size ?? 0)
  }
}
