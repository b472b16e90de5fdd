/**
 * RCU for models that do not know it: which events it has, and what misuses it.
 *
 * Sources: C++26 [saferecl.rcu] (P2545). "For every region of RCU protection and every rcu_synchronize():
 * if the call does not happen before the region's opening, the region's closing happens before its return";
 * the base relation `grace` (model.ts) holds which of the two it is. An unlock() ends a region that its thread opened
 * ([saferecl.rcu.domain.members]); that each is ended is the kernel's rule (linux-kernel.bell).
 */
import {brackets, domain, minus, or, range, seq, set, type RelationExpr} from '../model.ts'

const [lock, unlock] = [set('Rcu-lock'), set('Rcu-unlock')]

export const rcuEvents = or(lock, unlock, set('Sync-rcu-begin'), set('Sync-rcu-end'))

const regions = brackets(lock, unlock)

export const rcuFlags: Readonly<Record<string, RelationExpr>> = {
  'unmatched-rcu-lock': seq(minus(lock, domain(regions))),
  'unmatched-rcu-unlock': seq(minus(unlock, range(regions))),
}
