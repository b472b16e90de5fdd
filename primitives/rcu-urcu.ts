/**
 * Userspace RCU with a counter of two phases: readers note the phase that they began in, and a grace period
 * changes the phase twice, each time waiting for those of the phase before.
 *
 * Source: Desnoyers, McKenney, Stern, Dagenais, Walpole, "User-Level Implementations of Read-Copy Update" (IEEE
 * TPDS 2012), "General-Purpose RCU" and "Low-Overhead RCU Via Signal Handling"; userspace-rcu, src/urcu.c, flavours `mb`
 * and `memb`, which has sys_membarrier() in the signal's place.
 */
import {awaitOnce, compilerBarrier, rawNumber, readOnce, smpMb, writeOnce, type Location, type Memory, type Proc} from '../lib/index.ts'
import {defineMembarrier, interruptible, membarrier, type Membarrier} from './membarrier.ts'
import {gpLock, gpUnlock, type RcuFlavour} from './rcu-flavour.ts'

/** The phase, with a bit that says that whoever copies it reads; for each reader that copy, or 0. */
export interface UrcuState {
  readonly gp: Location
  readonly lock: Location
  readonly readers: readonly Location[]
}

const reading = 1 // URCU_GP_COUNT
const phase = 2 // URCU_GP_CTR_PHASE

function defineUrcu(memory: Memory, name: string, readers: number): UrcuState {
  return {...memory.struct(name, {gp: reading, lock: 0}), readers: memory.array(`${name}.readers`, readers)}
}

/** update_counter_and_wait(): the other phase, and nobody left of this one. */
export function* changePhase({gp, readers}: UrcuState): Proc {
  const now = (yield* rawNumber(yield* readOnce(gp))) ^ phase
  yield* writeOnce(gp, now)
  for (const reader of readers) yield* awaitOnce(reader, seen => seen === 0 || seen === now)
}

/** urcu-mb: barriers on both sides. */
export const urcuMb: RcuFlavour<UrcuState> = {
  define: defineUrcu,
  registered: (_state, _reader, body) => body,
  *readLock({gp, readers}, reader) {
    yield* writeOnce(readers[reader]!, yield* readOnce(gp))
    yield* smpMb() // the phase before the section; pairs with the first smp_mb() in synchronize()
  },
  *readUnlock({readers}, reader) {
    yield* smpMb() // the section before its end; pairs with the last smp_mb() in synchronize()
    yield* writeOnce(readers[reader]!, 0)
  },
  *synchronize(state) {
    yield* gpLock(state.lock)
    yield* smpMb() // what was unlinked before the phase; pairs with smp_mb() in readLock()
    yield* changePhase(state)
    yield* changePhase(state)
    yield* smpMb() // the readers' ends before what is freed; pairs with smp_mb() in readUnlock()
    yield* gpUnlock(state.lock)
  },
}

/** With the state of sys_membarrier(). */
export interface MembState extends UrcuState {
  readonly interrupts: Membarrier
}

/** urcu-memb: readers have no barriers; the updater makes them have some. */
export const urcuMemb: RcuFlavour<MembState> = {
  define: (memory, name, readers, periods) =>
    ({...defineUrcu(memory, name, readers), interrupts: defineMembarrier(memory, `${name}.interrupts`, readers, 2 * periods)}),
  registered: ({interrupts}, reader, body) => interruptible(interrupts, reader, body),
  *readLock({gp, readers}, reader) {
    yield* writeOnce(readers[reader]!, yield* readOnce(gp))
    yield* compilerBarrier() // the phase before the section, for the compiler; pairs with the first membarrier() in synchronize()
  },
  *readUnlock({readers}, reader) {
    yield* compilerBarrier() // pairs with the last membarrier() in synchronize()
    yield* writeOnce(readers[reader]!, 0)
  },
  *synchronize(state) {
    yield* gpLock(state.lock)
    yield* membarrier(state.interrupts)
    yield* changePhase(state)
    yield* changePhase(state)
    yield* membarrier(state.interrupts)
    yield* gpUnlock(state.lock)
  },
}
