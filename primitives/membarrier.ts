/**
 * sys_membarrier(): a full barrier in every other thread, without their help.
 *
 * Source: kernel/sched/membarrier.c: an interrupt on each CPU that runs the program, whose handler is smp_mb(). Here
 * every thread takes each interrupt somewhere between two of its operations, or after the last of them.
 */
import {
  anyOf, awaitOnce, awaitWork, perform, rawNumber, readOnce, smpMb, Value, writeOnce, type Location, type Memory, type Proc, type Scalar,
} from '../lib/index.ts'

/** For each thread, twice the interrupts that it has taken, plus one while one is on its way. */
export interface Membarrier {
  readonly interrupts: readonly Location[]
  /** How many there may be in a run. */
  readonly most: number
}

/** For so many threads, and at the most so many calls. */
export function defineMembarrier(memory: Memory, name: string, threads: number, most: number): Membarrier {
  return {interrupts: memory.array(name, threads), most}
}

const isTaken = (interrupts: Scalar): boolean => typeof interrupts === 'number' && interrupts % 2 === 0

/** membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED), one call at a time. */
export function* membarrier({interrupts}: Membarrier): Proc {
  yield* smpMb() // what is before the call before what the others do after their barriers
  for (const interrupt of interrupts) yield* writeOnce(interrupt, (yield* readOnce(interrupt)).plus(1))
  for (const interrupt of interrupts) yield* awaitOnce(interrupt, isTaken)
  yield* smpMb() // what the others did before their barriers before what is behind the call
}

/** The thread, interrupted wherever the scheduler likes. */
export function* interruptible<T>({interrupts, most}: Membarrier, thread: number, body: Proc<T>): Proc<T> {
  const interrupt = interrupts[thread]!
  let taken = 0
  let step = body.next()
  while (!step.done) {
    const op = step.value
    if ('order' in op && op.order !== 'Barrier') { // before barrier() and behind it are one place
      while (taken < most && (yield* rawNumber(yield* anyOf([0, 1]))) === 1) yield* take(interrupt, taken++)
    }
    step = body.next(yield op)
  }
  for (; taken < most; taken++) {
    const number = 2 * taken + 1
    yield* awaitWork(interrupt, word => word === number)
    yield* smpMb()
    yield* writeOnce(interrupt, number + 1)
  }
  return step.value
}

/** The handler. The interrupt does come: where it does not, the thread was not interrupted. */
function* take(interrupt: Location, taken: number): Proc {
  const number = 2 * taken + 1
  yield* perform<Value>({
    kind: 'rmw', name: 'interrupt', vocabulary: 'kernel', order: 'MB', at: interrupt, until: word => word === number,
    update: () => Value.of(number + 1), isCertain: true,
  })
}
