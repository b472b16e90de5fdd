/** Designs of sys_membarrier(): the two scenarios of its own comment, each with a thread that has compiler barriers only. */
import {compilerBarrier, program, readOnce, rewriting, writeOnce, type Memory, type Op, type Program} from '../../lib/index.ts'
import {defineMembarrier, interruptible, membarrier} from '../../primitives/index.ts'
import {everywhere, onlyInOrder, type Design} from '../design.ts'
import {mutants, type Mutation} from './mutants.ts'

const source = 'kernel/sched/membarrier.c'

const parts = {membarrier, interruptible}

type Parts = typeof parts

/** Execution after the interrupt, and the barrier before it is sent. */
function after(name: string, {membarrier: call, interruptible: interrupted}: Parts): Program<never> {
  return program(name, (memory: Memory) => {
    const [x, y] = [memory.word('x'), memory.word('y')]
    const interrupts = defineMembarrier(memory, 'interrupts', 1, 1)
    return {
      threads: {
        * cpu0() {
          yield* writeOnce(x, 1)
          yield* call(interrupts)
          return yield* readOnce(y)
        },
        cpu1: () => interrupted(interrupts, 0, (function* () {
          yield* writeOnce(y, 1)
          yield* compilerBarrier()
          return yield* readOnce(x)
        })()),
      },
      claims: {[oneSeen]: ({cpu0, cpu1}: Read) => cpu0 === 1 || cpu1 === 1},
      witnesses: {
        'the call comes first': ({cpu0, cpu1}: Read) => cpu0 === 0 && cpu1 === 1,
        'the call comes last': ({cpu0, cpu1}: Read) => cpu0 === 1 && cpu1 === 0,
      },
    }
  })
}

const oneSeen = 'one of the two sees what the other one wrote'

/** Execution before the interrupt, and the barrier after it was handled. */
function before(name: string, {membarrier: call, interruptible: interrupted}: Parts): Program<never> {
  return program(name, (memory: Memory) => {
    const [x, y] = [memory.word('x'), memory.word('y')]
    const interrupts = defineMembarrier(memory, 'interrupts', 1, 1)
    return {
      threads: {
        * cpu0() {
          const flag = yield* readOnce(y)
          yield* call(interrupts)
          return {flag, data: yield* readOnce(x)}
        },
        cpu1: () => interrupted(interrupts, 0, (function* () {
          yield* writeOnce(x, 1)
          yield* compilerBarrier()
          yield* writeOnce(y, 1)
        })()),
      },
      claims: {[inOrder]: ({cpu0: {flag, data}}: Found) => flag === 0 || data === 1},
      witnesses: {
        'both are seen': ({cpu0: {flag, data}}: Found) => flag === 1 && data === 1,
        'neither is': ({cpu0: {flag, data}}: Found) => flag === 0 && data === 0,
      },
    }
  })
}

const inOrder = 'who sees the second store sees the first'

type Read = Readonly<Record<'cpu0' | 'cpu1', number>>

interface Found {
  readonly cpu0: Readonly<Record<'flag' | 'data', number>>
}

const afterwards: Design = {
  name: 'kernel-membarrier-after',
  title: 'sys_membarrier(): what is before the call is seen by what others do after their interrupt',
  source: `${source}, scenario A`,
  program: () => after('kernel-membarrier-after', parts),
  expected: everywhere,
}

const beforehand: Design = {
  name: 'kernel-membarrier-before',
  title: 'sys_membarrier(): what others do before their interrupt is seen after the call',
  source: `${source}, scenario B`,
  program: () => before('kernel-membarrier-before', parts),
  expected: everywhere,
}

/** The interrupt, without smp_mb(): ipi_mb() that does nothing. */
const idleHandler: Parts['interruptible'] = (state, thread, body) =>
  rewriting(interruptible(state, thread, body), (op: Op): Op | null => !('order' in op) ? op : op.kind === 'rmw' ? {...op, order: 'ONCE'} : op.name === 'smp_mb' ? null : op)

/** Without which some model breaks the claim; the compiler's barrier orders nothing in any of them. */
const changes = (by: string): readonly Mutation<Parts>[] => [
  {part: 'membarrier', without: 'smp_mb', nth: 2, name: 'without-last-mb', expected: onlyInOrder(by)},
  {part: 'interruptible', instead: idleHandler, change: 'with a handler that does nothing', name: 'idle-handler', expected: onlyInOrder(by)},
  {part: 'interruptible', without: 'barrier', name: 'without-barrier', expected: everywhere},
]

/** sys_membarrier() alone, each scenario followed by its mutants. */
export const membarrierDesigns: readonly Design[] = [
  afterwards, ...mutants(afterwards, parts, after, [
    {part: 'membarrier', without: 'smp_mb', nth: 1, name: 'without-first-mb', expected: onlyInOrder(oneSeen)}, ...changes(oneSeen),
  ]),
  beforehand, ...mutants(beforehand, parts, before, changes(inOrder)),
]
