/**
 * A toy RCU that counts readers: a grace period waits until there are none at all, also new ones.
 *
 * Source: perfbook, appendix "Toy RCU Implementations", "Simple Counter-Based RCU" (CodeSamples/defer/rcu_rcg.h).
 */
import {atomicAdd, awaitOnce, smpMb, type Location} from '../lib/index.ts'
import type {RcuFlavour} from './rcu-flavour.ts'

/** How many readers are in a section. */
export interface CountingRcu {
  readonly count: Location
}

/** The toy. */
export const countingRcu: RcuFlavour<CountingRcu> = {
  define: (memory, name) => memory.struct(name, {count: 0}),
  registered: (_state, _reader, body) => body,
  *readLock({count}) {
    yield* atomicAdd(count, 1)
    yield* smpMb() // the count before the section; pairs with the first smp_mb() in synchronize()
  },
  *readUnlock({count}) {
    yield* smpMb() // the section before the count; pairs with the last smp_mb() in synchronize()
    yield* atomicAdd(count, -1)
  },
  *synchronize({count}) {
    yield* smpMb() // what was unlinked before the count; pairs with smp_mb() in readLock()
    yield* awaitOnce(count, readers => readers === 0)
    yield* smpMb() // the count before what is freed; pairs with smp_mb() in readUnlock()
  },
}
