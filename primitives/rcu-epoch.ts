/**
 * RCU by epochs: a reader pins the epoch that it finds, and what became garbage in one epoch is freed two epochs later.
 *
 * Source: crossbeam-epoch, src/internal.rs (Local::pin(), Global::push_bag(), Global::try_advance()); Fraser,
 * "Practical lock freedom" (2004), 5.2.3. There try_advance() gives up where a reader is behind; here it waits. Its
 * relaxed loads with fence(Acquire) are acquire loads here, since LKMM has no such fence.
 */
import {awaitAcquire, rawNumber, readOnce, smpMb, storeRelease, writeOnce, type Location, type Proc} from '../lib/index.ts'
import {gpLock, gpUnlock, type RcuFlavour} from './rcu-flavour.ts'

/** The global epoch, and for each reader 0 or the epoch that it is pinned in. */
export interface EpochRcu {
  readonly epoch: Location
  readonly lock: Location
  readonly locals: readonly Location[]
}

/** Epochs begin at 1, so that 0 can stand for a reader that is not pinned. */
const firstEpoch = 1

/** Global::try_advance() */
export function* advanceEpoch({epoch, locals}: EpochRcu): Proc {
  const now = yield* rawNumber(yield* readOnce(epoch))
  yield* smpMb() // the epoch before the readers' own; pairs with smp_mb() in readLock()
  // acquire: what readers did before they unpinned before the next epoch; pairs with the release in readUnlock()
  for (const local of locals) yield* awaitAcquire(local, pinned => pinned === 0 || pinned === now)
  yield* storeRelease(epoch, now + 1)
}

/** crossbeam-epoch's shape. */
export const epochRcu: RcuFlavour<EpochRcu> = {
  define: (memory, name, readers) =>
    ({...memory.struct(name, {epoch: firstEpoch, lock: 0}), locals: memory.array(`${name}.locals`, readers)}),
  registered: (_state, _reader, body) => body,
  *readLock({epoch, locals}, reader) {
    yield* writeOnce(locals[reader]!, yield* readOnce(epoch))
    yield* smpMb() // the pin before the section; pairs with smp_mb() in advanceEpoch() and in synchronize()
  },
  *readUnlock({locals}, reader) {
    yield* storeRelease(locals[reader]!, 0) // the section before its end; pairs with the acquire in advanceEpoch()
  },
  *synchronize(state) {
    yield* smpMb() // what was unlinked before the epoch it is garbage of, as in push_bag(); pairs with smp_mb() in readLock()
    yield* gpLock(state.lock)
    yield* advanceEpoch(state)
    yield* advanceEpoch(state)
    yield* gpUnlock(state.lock)
  },
}
