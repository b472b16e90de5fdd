/**
 * RCU by quiescent states: readers pay nothing for a section, and say now and then that they are in none.
 *
 * Source: Desnoyers, McKenney, Stern, Dagenais, Walpole, "User-Level Implementations of Read-Copy Update" (IEEE
 * TPDS 2012), "Quiescent-State-Based Reclamation RCU"; userspace-rcu, src/urcu-qsbr.c. The counter is wide enough never
 * to wrap, as there on 64-bit machines.
 */
import {awaitOnce, rawNumber, readOnce, smpMb, writeOnce, type Location, type Proc} from '../lib/index.ts'
import {gpLock, gpUnlock, type RcuFlavour} from './rcu-flavour.ts'

/** The grace period's number, and for each reader the last that it has noticed; 0 if it is offline. */
export interface QsbrRcu {
  readonly gp: Location
  readonly lock: Location
  readonly readers: readonly Location[]
}

/** rcu_quiescent_state(): the reader is in no section here. */
function* quiescentState({gp, readers}: QsbrRcu, reader: number): Proc {
  yield* smpMb() // the last section before the number; pairs with the last smp_mb() in synchronize()
  yield* writeOnce(readers[reader]!, yield* readOnce(gp))
  yield* smpMb() // the number before the next section; pairs with the first smp_mb() in synchronize()
}

/** rcu_thread_offline(): nobody waits for this reader any more. */
function* threadOffline({readers}: QsbrRcu, reader: number): Proc {
  yield* smpMb() // the last section before the 0; pairs with the last smp_mb() in synchronize()
  yield* writeOnce(readers[reader]!, 0)
}

/** urcu-qsbr. Its readers are online from the start, and offline in the end. */
export const qsbrRcu: RcuFlavour<QsbrRcu> = {
  define: (memory, name, readers) =>
    ({...memory.struct(name, {gp: 1, lock: 0}), readers: memory.array(`${name}.readers`, readers, 1)}),
  *registered(state, reader, body) {
    const returned = yield* body
    yield* threadOffline(state, reader)
    return returned
  },
  readLock: quiescentState,
  *readUnlock() {
    // nothing: the section lasts until the reader says that it is in none
  },
  *synchronize({gp, lock, readers}) {
    yield* smpMb() // what was unlinked before the number; pairs with the last smp_mb() in quiescentState()
    yield* gpLock(lock)
    const period = (yield* rawNumber(yield* readOnce(gp))) + 1
    yield* writeOnce(gp, period)
    for (const reader of readers) yield* awaitOnce(reader, seen => seen === 0 || seen === period)
    yield* gpUnlock(lock)
    yield* smpMb() // the readers' numbers before what is freed; pairs with the first smp_mb() in quiescentState()
  },
}
