/**
 * RCU for models that do not know it: which events it has.
 *
 * Sources: C++26 [saferecl.rcu] (P2545). "For every region of RCU protection and every rcu_synchronize():
 * if the call does not happen before the region's opening, the region's closing happens before its return";
 * the base relation `grace` (model.ts) holds which of the two it is.
 */
import {or, set} from '../model.ts'

export const rcuEvents = or(set('Rcu-lock'), set('Rcu-unlock'), set('Sync-rcu-begin'), set('Sync-rcu-end'))
