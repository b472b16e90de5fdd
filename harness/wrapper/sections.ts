/** The read-side sections that a thread is in: of RCU, and of each SRCU domain. A grace period that it waits for there never ends. */
import {Value, type Op} from '../../lib/index.ts'

/** RCU, or the domain by the number of its word. */
type Domain = 'RCU' | number

export class Sections {
  readonly #open: Map<Domain, number>

  /** @param outer those that somebody is in all the time. */
  constructor(outer?: Sections) {
    this.#open = new Map(outer === undefined ? [] : outer.#open)
  }

  /** A section may begin or end here. */
  note(op: Op): void {
    if (op.kind === 'fence' && op.order === 'Rcu-lock') this.#add('RCU', 1)
    else if (op.kind === 'fence' && op.order === 'Rcu-unlock') this.#add('RCU', -1)
    else if (op.kind === 'load' && op.order === 'SRCU-LOCK') this.#add(domainOf(op), 1)
    else if (op.kind === 'store' && op.order === 'SRCU-UNLOCK') this.#add(domainOf(op), -1)
  }

  /** Would it wait for one of these? */
  isWaitedForBy(op: Op): boolean {
    if (op.kind !== 'fence') return false
    if (op.order === 'Sync-rcu') return (this.#open.get('RCU') ?? 0) > 0
    return op.order === 'Sync-srcu' && op.at !== undefined && (this.#open.get(domainOf({at: op.at})) ?? 0) > 0
  }

  #add(domain: Domain, sections: number): void {
    this.#open.set(domain, (this.#open.get(domain) ?? 0) + sections)
  }
}

/** A domain is a place of the program's, which no thread has to look up. */
function domainOf({at}: Pick<Extract<Op, {kind: 'load'}>, 'at'>): Domain {
  const place = at instanceof Value ? at.scalar : at
  if (typeof place === 'number') throw new TypeError('a body uses a number as a domain of SRCU')
  return place.index
}
