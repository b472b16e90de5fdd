/**
 * Read-side critical sections in what a thread did, and grace periods that never end because of one.
 *
 * synchronize_rcu() waits for every section that is open; a thread that calls it in a section of its own waits
 * for itself (kernel/rcu/tree.c, "Illegal synchronize_rcu() in RCU read-side critical section"; C++26 [saferecl.rcu]).
 * herd7 has no such execution at all; here it is a deadlock.
 */
import {label, type Label} from './event.ts'
import type {Location} from './value.ts'

/** What is needed of an event. */
interface Happening {
  readonly label: Label
  readonly location: Location | null
  readonly data: readonly number[]
}

/** A wait for a grace period: of RCU (`domain` null), or of one domain of SRCU. */
export interface Period {
  /** As the user wrote it: `synchronize_rcu`. */
  readonly name: string
  readonly domain: Location | null
}

/** The critical sections that are open at the end of these events: the label that closes each, and the beginning of one of SRCU (-1: of RCU). */
export function openSections(events: readonly Happening[]): {readonly closing: Label; readonly lock: number}[] {
  const open: {closing: Label; lock: number}[] = []
  for (const [position, {label: {tags}, data}] of events.entries()) {
    if (tags.includes('Rcu-lock')) open.push({closing: label('F', 'Rcu-unlock'), lock: -1})
    if (tags.includes('Srcu-lock')) open.push({closing: label('W', 'Srcu-unlock'), lock: position})
    const isUnlock = tags.includes('Rcu-unlock') || tags.includes('Srcu-unlock')
    const closed = isUnlock ? open.findLastIndex(({lock}) => lock < 0 ? tags.includes('Rcu-unlock') : data.includes(lock)) : -1
    if (closed >= 0) open.splice(closed, 1)
  }
  return open.reverse()
}

/** How many more sections that a grace period waits for these events open than they close: another thread may close one of SRCU. */
export function openedFor({domain}: Period, events: readonly Happening[]): number {
  const [lock, unlock] = domain === null ? ['Rcu-lock', 'Rcu-unlock'] : ['Srcu-lock', 'Srcu-unlock']
  const count = (tag: string): number => events.filter(({label: {tags}, location}) => tags.includes(tag) && location === domain).length
  return count(lock) - count(unlock)
}

/** Is it a wait for a grace period? */
export function isGracePeriod({tags}: Label): boolean {
  return tags.includes('Sync-rcu') || tags.includes('Sync-rcu-begin') || tags.includes('Sync-srcu')
}
