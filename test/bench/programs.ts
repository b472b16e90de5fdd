/** The programs that the benchmarks run: small shapes, seqlocks, a lock, as their users would write them. */
import {
  load, fence, iteration, program, raw, readOnce, smpMb, smpRmb, smpWmb, store, threads, writeOnce,
  type Proc, type Program,
} from '../../lib/index.ts'
import {defineTicketLock, ticketSpinLock, ticketSpinUnlock} from '../../primitives/index.ts'

type Any = Program<never>

export const sb: Any = program('SB', ({word}) => {
  const [x, y] = [word('x'), word('y')]
  return threads({
    * P0() { yield* writeOnce(x, 1); return yield* readOnce(y) },
    * P1() { yield* writeOnce(y, 1); return yield* readOnce(x) },
  })
})

export const mp: Any = program('MP', ({word}) => {
  const [data, flag] = [word('data'), word('flag')]
  return threads({
    * P0() { yield* writeOnce(data, 1); yield* smpWmb(); yield* writeOnce(flag, 1) },
    * P1() { const seen = yield* readOnce(flag); yield* smpRmb(); return [seen, yield* readOnce(data)] },
  })
})

export const iriw: Any = program('IRIW', ({word}) => {
  const [x, y] = [word('x'), word('y')]
  return threads({
    * P0() { yield* writeOnce(x, 1) },
    * P1() { yield* writeOnce(y, 1) },
    * P2() { const first = yield* readOnce(x); yield* smpMb(); return [first, yield* readOnce(y)] },
    * P3() { const first = yield* readOnce(y); yield* smpMb(); return [first, yield* readOnce(x)] },
  })
})

/** The kernel's seqcount over two words; each reader tries once. */
export const kernelSeqlock = (readers: number): Any => program(`seqlock, ${readers} reader${readers > 1 ? 's' : ''}`, ({word}) => {
  const [seq, a, b] = [word('seq'), word('a'), word('b')]
  function* writer(): Proc {
    const before = yield* readOnce(seq)
    yield* writeOnce(seq, before.plus(1))
    yield* smpWmb()
    yield* writeOnce(a, 1)
    yield* writeOnce(b, 1)
    yield* smpWmb()
    yield* writeOnce(seq, before.plus(2))
  }
  function* reader(): Proc<unknown> {
    const start = yield* readOnce(seq)
    yield* smpRmb()
    const pair = [yield* readOnce(a), yield* readOnce(b)]
    yield* smpRmb()
    return [start, ...pair, yield* readOnce(seq)]
  }
  return {threads: Object.fromEntries([['writer', writer], ...Array.from({length: readers}, (_, i) => [`reader${i}`, reader] as const)])}
})

/** Boehm's fences over two words: a reader that tries up to three times, as in GenMC's and loom's counts. */
export const boehmSeqlock = (sections: number): Any => program(`Boehm, ${sections} write section${sections > 1 ? 's' : ''}`, ({word}) => {
  const [seq, a, b] = [word('seq'), word('a'), word('b')]
  return threads({
    * writer() {
      for (let version = 1; version <= sections; version++) {
        yield* store(seq, 2 * version - 1, 'Relaxed')
        yield* fence('Release')
        yield* store(a, version, 'Relaxed')
        yield* store(b, version, 'Relaxed')
        yield* store(seq, 2 * version, 'Release')
      }
    },
    * reader() {
      for (let attempt = 1; attempt <= 3; attempt++) {
        yield* iteration(attempt)
        const start = yield* load(seq, 'Acquire')
        if ((yield* raw(start.and(1))) === 1) continue
        const pair = [yield* load(a, 'Relaxed'), yield* load(b, 'Relaxed')]
        yield* fence('Acquire')
        if ((yield* raw((yield* load(seq, 'Relaxed')).eq(start))) === 1) return pair
      }
      return null
    },
  })
})

export const ticketLock: Any = program('ticket lock, 3 threads', memory => {
  const lock = defineTicketLock(memory, 'lock')
  const count = memory.word('count')
  function* adder(): Proc {
    yield* ticketSpinLock(lock)
    yield* writeOnce(count, (yield* readOnce(count)).plus(1))
    yield* ticketSpinUnlock(lock)
  }
  return threads({P0: adder, P1: adder, P2: adder})
})

