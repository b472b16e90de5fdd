/** The built-in designs: what `evaluate` runs when it is told nothing else. */
import type {Design} from './design.ts'
import {c11Designs} from './designs/c11-seqlock.ts'
import {hazardPointerDesigns} from './designs/hazard-pointers.ts'
import {latchDesigns} from './designs/kernel-latch.ts'
import {seqcountDesigns} from './designs/kernel-seqcount.ts'
import {seqlockDesigns} from './designs/kernel-seqlock.ts'
import {linkedSeqlockDesigns} from './designs/linked-seqlock.ts'
import {lockDesigns} from './designs/locks.ts'
import {membarrierDesigns} from './designs/membarrier.ts'
import {rcuCallbackDesigns} from './designs/rcu-callbacks.ts'
import {rcuImplementations} from './designs/rcu-implementations.ts'
import {rcuListDesigns} from './designs/rcu-lists.ts'
import {refcountDesigns} from './designs/refcounts.ts'
import {rcuUses} from './designs/rcu-usage.ts'
import {rwlockDesigns} from './designs/rwlocks.ts'
import {zombieListDesigns} from './designs/zombie-lists.ts'
import {zombieLookupDesigns} from './designs/zombie-lookups.ts'

export {withClaim, type Design, type Expectation, type Expected, type HeapCase, type Stated} from './design.ts'

/** Every built-in design, each followed by its mutants. */
export const designs: readonly Design[] = [
  ...seqcountDesigns, ...seqlockDesigns, ...latchDesigns, ...c11Designs, ...lockDesigns, ...rwlockDesigns, ...hazardPointerDesigns, ...refcountDesigns,
  ...linkedSeqlockDesigns, ...zombieListDesigns, ...zombieLookupDesigns, ...membarrierDesigns, ...rcuImplementations, ...rcuUses, ...rcuCallbackDesigns, ...rcuListDesigns,
]
