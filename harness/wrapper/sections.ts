/** The read-side sections that a thread is in: of RCU, and of each SRCU domain. A grace period that it waits for there never ends. */
import {Value, type Op} from '../../lib/index.ts'

/** RCU, or the domain by the number of its word. */
type Domain = 'RCU' | number

/** As for `task_struct::rcu_read_lock_nesting` (kernel/rcu/tree_plugin.h) and the regions of C++26 ([saferecl.rcu.domain.members]). */
export const ownSections = 'a thread leaves only those RCU read-side sections that it entered'

export class Sections {
  readonly #open: Map<Domain, number>
  /** Of RCU, entered here. */
  #own: number

  private constructor(open: Iterable<readonly [Domain, number]>, own: number) {
    this.#open = new Map(open)
    this.#own = own
  }

  static none(): Sections {
    return new Sections([], 0)
  }

  /** The same thread's, later. */
  copy(): Sections {
    return new Sections(this.#open, this.#own)
  }

  /** Those of a thread that runs while somebody is in these. */
  within(): Sections {
    return new Sections(this.#open, 0)
  }

  /** A section may begin or end here. */
  note(op: Op): void {
    if (op.kind === 'fence' && op.order === 'Rcu-lock') this.#addOwn(1)
    else if (op.kind === 'fence' && op.order === 'Rcu-unlock' && this.#own > 0) this.#addOwn(-1)
    else if (op.kind === 'load' && op.order === 'SRCU-LOCK') this.#add(domainOf(op), 1)
    else if (op.kind === 'store' && op.order === 'SRCU-UNLOCK') this.#add(domainOf(op), -1)
  }

  /** Would it end a section of RCU that another thread entered, or nobody? */
  isForeign(op: Op): boolean {
    return op.kind === 'fence' && op.order === 'Rcu-unlock' && this.#own === 0
  }

  /** Would it wait for one of these? */
  isWaitedForBy(op: Op): boolean {
    if (op.kind !== 'fence') return false
    if (op.order === 'Sync-rcu') return (this.#open.get('RCU') ?? 0) > 0
    return op.order === 'Sync-srcu' && op.at !== undefined && (this.#open.get(domainOf({at: op.at})) ?? 0) > 0
  }

  #addOwn(sections: number): void {
    this.#own += sections
    this.#add('RCU', sections)
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
