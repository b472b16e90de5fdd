import test from 'ava'
import {
  atomicAdd, awaitAcquire, cmpxchg, cmpxchgAcquire, compareExchange, cpp20, explore, fence, fetchAdd, lkmm, load, loadAcquire, models, program, raw, rc11,
  rcuAssignPointer, rcuDereference, rcuReadLock, rcuReadUnlock, readOnce, readPlain, sc, smpMb, smpMbAfterAtomic,
  smpMbBeforeAtomic, smpRmb, smpWmb, store, storeRelease, swap, synchronizeRcu, tso, Value, when, writeOnce, writePlain, xchg,
  xchgAcquire, xchgRelaxed, xchgRelease, type Location, type Model, type Proc, type Program,
} from '../lib/index.ts'
import {bruteForce} from './helpers/bruteforce.ts'

/*
 * The classic shapes, with the verdict of the literature for each model. Sources:
 *   tutorial   Maranget, Sarkar, Sewell, "A tutorial introduction to the ARM and POWER relaxed memory models" (2012): the
 *              shapes and their names
 *   x86-TSO    Owens, Sarkar, Sewell, "A better x86 memory model: x86-TSO" (TPHOLs 2009)
 *   RC11       Lahav, Vafeiadis, Kang, Hur, Dreyer, "Repairing sequential consistency in C/C++11" (PLDI 2017)
 *   P0668      Boehm, Giroux, Vafeiadis, "Revising the C++ memory model" (in C++20); P0982 for its release sequences
 *   LKMM       the kernel's tools/memory-model/Documentation/explanation.txt; Alglave, Maranget, McKenney, Parri, Stern,
 *              "Frightening small children and disconcerting grown-ups" (ASPLOS 2018)
 *   perfbook   McKenney, "Is parallel programming hard, and, if so, what can you do about it?", chapter 15
 */

// ---- Shapes: the accesses of each thread, with the values that make the outcome a weak one --------

/** `Wx=1`: writes 1 to x. `Rx=0`: reads x; 0 in the outcome asked about. */
interface Access {
  readonly kind: 'R' | 'W'
  readonly word: string
  readonly value: number
}

interface Shape {
  readonly threads: readonly (readonly Access[])[]
  readonly final: Readonly<Record<string, number>>
}

function shape(threads: readonly string[], final: Readonly<Record<string, number>> = {}): Shape {
  const access = (text: string): Access => ({kind: text[0] as 'R' | 'W', word: text[1]!, value: Number(text.slice(3))})
  return {threads: threads.map(thread => thread.split(' ').map(access)), final}
}

const shapes = {
  'MP': shape(['Wx=1 Wy=1', 'Ry=1 Rx=0']),
  'SB': shape(['Wx=1 Ry=0', 'Wy=1 Rx=0']),
  'LB': shape(['Rx=1 Wy=1', 'Ry=1 Wx=1']),
  'S': shape(['Wx=2 Wy=1', 'Ry=1 Wx=1'], {x: 2}),
  'R': shape(['Wx=1 Wy=1', 'Wy=2 Rx=0'], {y: 2}),
  '2+2W': shape(['Wx=2 Wy=1', 'Wy=2 Wx=1'], {x: 2, y: 2}),
  'WRC': shape(['Wx=1', 'Rx=1 Wy=1', 'Ry=1 Rx=0']),
  'WWC': shape(['Wx=2', 'Rx=2 Wy=1', 'Ry=1 Wx=1'], {x: 2}),
  'RWC': shape(['Wx=1', 'Rx=1 Ry=0', 'Wy=1 Rx=0']),
  'ISA2': shape(['Wx=1 Wy=1', 'Ry=1 Wz=1', 'Rz=1 Rx=0']),
  'W+RWC': shape(['Wx=1 Wy=1', 'Ry=1 Rz=0', 'Wz=1 Rx=0']),
  'Z6.0': shape(['Wx=1 Wy=1', 'Ry=1 Wz=1', 'Wz=2 Rx=0'], {z: 2}),
  'Z6.1': shape(['Wx=2 Wy=1', 'Wy=2 Wz=1', 'Rz=1 Wx=1'], {x: 2, y: 2}),
  'Z6.2': shape(['Wx=2 Wy=1', 'Ry=1 Wz=1', 'Rz=1 Wx=1'], {x: 2}),
  'Z6.3': shape(['Wx=1 Wy=1', 'Wy=2 Wz=1', 'Rz=1 Rx=0'], {y: 2}),
  'Z6.4': shape(['Wx=1 Wy=1', 'Wy=2 Rz=0', 'Wz=1 Rx=0'], {y: 2}),
  'Z6.5': shape(['Wx=1 Wy=1', 'Wy=2 Wz=1', 'Wz=2 Rx=0'], {y: 2, z: 2}),
  '3.SB': shape(['Wx=1 Ry=0', 'Wy=1 Rz=0', 'Wz=1 Rx=0']),
  '3.LB': shape(['Rx=1 Wy=1', 'Ry=1 Wz=1', 'Rz=1 Wx=1']),
  '4.LB': shape(['Rx=1 Wy=1', 'Ry=1 Wz=1', 'Rz=1 Wu=1', 'Ru=1 Wx=1']),
  '3.2W': shape(['Wx=2 Wy=1', 'Wy=2 Wz=1', 'Wz=2 Wx=1'], {x: 2, y: 2, z: 2}),
  'IRIW': shape(['Wx=1', 'Wy=1', 'Rx=1 Ry=0', 'Ry=1 Rx=0']),
  'CoRR': shape(['Wx=1', 'Rx=1 Rx=0']),
  'CoRR2': shape(['Wx=1', 'Wx=2', 'Rx=1 Rx=2', 'Rx=2 Rx=1']),
  'CoWW': shape(['Wx=1 Wx=2'], {x: 1}),
  'CoRW1': shape(['Rx=1 Wx=1']),
  'CoRW2': shape(['Rx=1 Wx=2', 'Wx=1'], {x: 1}),
  'CoWR': shape(['Wx=1 Rx=2', 'Wx=2'], {x: 1}),
} satisfies Record<string, Shape>

// ---- Links: how a thread's two accesses are done, and what stands between them ---------------------

interface Link {
  readonly read: (at: Location | Value) => Proc<Value>
  readonly write: (at: Location | Value, value: Value) => Proc
  readonly between?: () => Proc
  readonly around?: readonly [() => Proc, () => Proc]
  readonly dependency?: 'addr' | 'data' | 'ctrl'
}

const once = {read: readOnce, write: writeOnce}
const relaxed: Link = {read: at => load(at, 'Relaxed'), write: (at, value) => store(at, value, 'Relaxed')}

const links = {
  'once': once,
  'mb': {...once, between: smpMb},
  'rmb': {...once, between: smpRmb},
  'wmb': {...once, between: smpWmb},
  'acq': {...once, read: loadAcquire},
  'rel': {...once, write: storeRelease},
  'acqrel': {read: loadAcquire, write: storeRelease},
  'addr': {...once, dependency: 'addr'},
  'data': {...once, dependency: 'data'},
  'ctrl': {...once, dependency: 'ctrl'},
  /** Both in one read-side critical section. */
  'rscs': {...once, around: [rcuReadLock, rcuReadUnlock]},
  /** A grace period between. */
  'gp': {...once, between: synchronizeRcu},
  'plain': {read: readPlain, write: writePlain},
  'xchg': {...once, * write(at, value) { yield* xchg(at, value) }},
  'xchg_relaxed': {...once, * write(at, value) { yield* xchgRelaxed(at, value) }},
  'xchg_acquire': {...once, * write(at, value) { yield* xchgAcquire(at, value) }},
  'xchg_release': {...once, * write(at, value) { yield* xchgRelease(at, value) }},

  'Rlx': relaxed,
  'RA': {read: at => load(at, 'Acquire'), write: (at, value) => store(at, value, 'Release')},
  'Sc': {read: at => load(at, 'SeqCst'), write: (at, value) => store(at, value, 'SeqCst')},
  'Frel': {...relaxed, between: () => fence('Release')},
  'Facq': {...relaxed, between: () => fence('Acquire')},
  'Far': {...relaxed, between: () => fence('AcqRel')},
  'Fsc': {...relaxed, between: () => fence('SeqCst')},
  'Rlx-data': {...relaxed, dependency: 'data'},
  'Rlx-addr': {...relaxed, dependency: 'addr'},
  'Rlx-ctrl': {...relaxed, dependency: 'ctrl'},
  'swap(AcqRel)': {...relaxed, * write(at, value) { yield* swap(at, value, 'AcqRel') }},
  'swap(SeqCst)': {...relaxed, * write(at, value) { yield* swap(at, value, 'SeqCst') }},
} satisfies Record<string, Link>

type Returns = Readonly<Record<string, Value>>

/** The thread `accesses[0] link accesses[1]`; returns what it read, by the place of the access. */
function* linked(accesses: readonly Access[], link: Link, words: Readonly<Record<string, Location>>): Proc<Returns> {
  const read: Record<string, Value> = {}
  function* perform(i: number, depends: Value | null): Proc {
    const {kind, word, value} = accesses[i]!
    const zero = depends === null ? Value.of(0) : depends.xor(depends)
    const at = depends === null ? words[word]! : Value.of(words[word]!).plus(zero)
    if (kind === 'R') read[i] = yield* link.read(at)
    else yield* link.write(at, Value.of(value))
  }
  if (link.around !== undefined) yield* link.around[0]()
  yield* perform(0, null)
  if (accesses.length === 2) {
    if (link.between !== undefined) yield* link.between()
    const first = read[0] ?? Value.of(0)
    const {word, value} = accesses[1]!
    switch (link.dependency) {
      case undefined: yield* perform(1, null); break
      case 'addr': yield* perform(1, first); break
      case 'data': yield* link.write(words[word]!, first.xor(first).plus(value)); break
      case 'ctrl': yield* when(first.eq(accesses[0]!.value), () => perform(1, null)); break
    }
  }
  if (link.around !== undefined) yield* link.around[1]()
  return read
}

/** The shape with these links as a program, whose witness is the weak outcome. `name` is as in `MP+wmb+rmb`. */
function shaped(name: string): Program<Readonly<Record<string, unknown>>> {
  const found = Object.keys(shapes).filter(shape => name.startsWith(`${shape}+`)).sort((a, b) => b.length - a.length)[0] as keyof typeof shapes
  const {threads, final} = shapes[found]
  const linkNames = name.slice(found.length + 1).split('+')
  const chosen = linkNames.map(link => links[link as keyof typeof links] as Link | undefined)
  if (chosen.length !== threads.length || chosen.includes(undefined)) throw new TypeError(`no such links: ${name}`)
  return program(name, memory => {
    const names = [...new Set(threads.flat().map(access => access.word))]
    const words = Object.fromEntries(names.map(word => [word, memory.word(word)]))
    const bodies = threads.map((accesses, i) => [`P${i}`, () => linked(accesses, chosen[i]!, words)] as const)
    return {
      threads: Object.fromEntries(bodies),
      witnesses: {
        weak: (returned, finally_) => threads.every((accesses, i) => accesses.every(({kind, value}, j) =>
          kind === 'W' || (returned[`P${i}`] as Record<string, unknown>)[j] === value))
          && Object.entries(final).every(([word, value]) => finally_(words[word]!) === value),
      },
    }
  })
}

/** Two results as one number of two digits. */
function digits(first: Value, second: Value): Value {
  return first.times(10).plus(second)
}

// ---- The tables ------------------------------------------------------------------------------------

/** A test that exactly these models allow the program's weak outcome, in the engine and by brute force. */
function verdict<R>(program: Program<R>, source: string, over: readonly Model[], allowedBy: readonly Model[]): void {
  const by = allowedBy.length === 0 ? 'forbidden' : `allowed by ${allowedBy.map(model => model.name).join(', ')}`
  test(`${program.name}: ${by} (${source})`, t => {
    const expected = over.filter(model => allowedBy.includes(model)).map(model => model.name)
    const explored = over.filter(model => Object.values(explore(program, model, {keepGoing: true}).witnessed).every(count => count > 0))
    t.deepEqual(explored.map(model => model.name), expected)
    const guessed = over.filter(model => bruteForce(program, model).some(({returned, final}) =>
      Object.values(program.witnesses).every(witness => witness(returned, word => final[word.index]!))))
    t.deepEqual(guessed.map(model => model.name), expected)
  })
}

/** `[name, the models that allow the weak outcome]`; all the others forbid it. */
type Row = readonly [name: string, allowedBy: readonly Model[]]

function table(source: string, over: readonly Model[], rows: readonly Row[]): void {
  for (const [name, allowedBy] of rows) verdict(shaped(name), source, over, allowedBy)
}

const nobody: readonly Model[] = []
const weak = [rc11, cpp20, lkmm]
const c11 = [rc11, cpp20]
const allButSc = [tso, ...weak]

table('tutorial; LKMM; x86-TSO', models, [
  ['MP+once+once', weak],
  ['MP+wmb+once', weak],
  ['MP+once+rmb', weak],
  ['MP+wmb+rmb', nobody],
  ['MP+mb+mb', nobody],
  ['MP+mb+once', weak],
  ['MP+rel+acq', nobody],
  ['MP+wmb+acq', nobody],
  ['MP+rel+rmb', nobody],
  ['MP+rel+once', weak],
  ['MP+once+acq', weak],
  ['MP+wmb+addr', c11], // C and C++ know no dependency ordering (memory_order_consume is not modelled)
  ['MP+rel+addr', c11],
  ['MP+wmb+ctrl', weak], // a control dependency does not order a later read
  ['MP+rmb+rmb', weak],
  ['MP+wmb+wmb', weak],
  ['MP+plain+plain', weak],

  ['SB+once+once', allButSc],
  ['SB+mb+once', allButSc],
  ['SB+wmb+rmb', allButSc],
  ['SB+acqrel+acqrel', allButSc],
  ['SB+mb+mb', nobody],

  ['LB+once+once', [cpp20, lkmm]],
  ['LB+data+once', [cpp20, lkmm]],
  ['LB+data+data', nobody],
  ['LB+ctrl+ctrl', nobody],
  ['LB+addr+addr', nobody],
  ['LB+rmb+rmb', [cpp20, lkmm]],
  ['LB+wmb+wmb', [cpp20, lkmm]],
  ['LB+data+mb', [cpp20]],
  ['LB+data+rel', [cpp20]],
  ['LB+data+acq', [cpp20]],
  ['LB+ctrl+mb', [cpp20]],
  ['LB+rel+rel', [cpp20]],
  ['LB+acq+acq', [cpp20]],
  ['LB+rel+acq', nobody],
  ['LB+acqrel+acqrel', nobody],
  ['LB+mb+mb', nobody],

  ['S+once+once', weak],
  ['S+wmb+once', weak],
  ['S+once+data', weak],
  ['S+wmb+wmb', weak],
  ['S+wmb+data', c11],
  ['S+wmb+addr', c11],
  ['S+wmb+ctrl', c11],
  ['S+wmb+rel', c11],
  ['S+wmb+acq', nobody],
  ['S+rel+acq', nobody],
  ['S+wmb+mb', nobody],
  ['S+mb+mb', nobody],

  ['R+once+once', allButSc],
  ['R+mb+once', allButSc],
  ['R+once+mb', weak],
  ['R+wmb+mb', weak], // as on POWER with lwsync and sync
  ['R+rel+mb', weak],
  ['R+mb+mb', nobody],

  ['2+2W+once+once', weak],
  ['2+2W+wmb+wmb', weak], // stronger on POWER
  ['2+2W+rel+rel', weak],
  ['2+2W+mb+wmb', weak],
  ['2+2W+mb+mb', nobody],
])

table('tutorial; LKMM, "CUMULATIVITY"', models, [
  ['WRC+once+once+once', weak],
  ['WRC+once+data+addr', weak],
  ['WRC+once+data+rmb', weak], // data dependencies are not cumulative
  ['WRC+once+rel+rmb', nobody],
  ['WRC+once+rel+acq', nobody],
  ['WRC+once+rel+addr', c11],
  ['WRC+once+mb+addr', c11],
  ['WRC+once+mb+rmb', nobody],
  ['WRC+once+mb+mb', nobody],
  ['WRC+once+acq+acq', weak],

  ['WWC+once+once+once', weak],
  ['WWC+once+data+data', weak],
  ['WWC+once+rel+acq', nobody],
  ['WWC+once+mb+mb', nobody],

  ['RWC+once+once+once', allButSc],
  ['RWC+once+mb+once', allButSc],
  ['RWC+once+acq+mb', weak],
  ['RWC+once+mb+mb', nobody],

  ['ISA2+once+once+once', weak],
  ['ISA2+rel+acqrel+acq', nobody],
  ['ISA2+wmb+rel+acq', c11],
  ['ISA2+mb+data+addr', c11],
  ['ISA2+mb+mb+mb', nobody],

  ['W+RWC+once+once+once', allButSc],
  ['W+RWC+rel+acq+mb', weak],
  ['W+RWC+mb+mb+mb', nobody],

  ['Z6.0+once+once+once', allButSc],
  ['Z6.0+rel+acqrel+mb', weak],
  ['Z6.0+mb+mb+mb', nobody],
  ['Z6.1+wmb+wmb+acq', weak],
  ['Z6.1+mb+mb+mb', nobody],
  ['Z6.2+once+once+once', weak],
  ['Z6.2+rel+acqrel+acqrel', nobody],
  ['Z6.2+rel+acqrel+acq', nobody],
  ['Z6.2+mb+mb+mb', nobody],
  ['Z6.3+wmb+wmb+acq', weak],
  ['Z6.3+mb+mb+mb', nobody],
  ['Z6.4+mb+mb+once', allButSc],
  ['Z6.4+mb+mb+mb', nobody],
  ['Z6.5+mb+mb+once', allButSc],
  ['Z6.5+mb+mb+mb', nobody],

  ['3.SB+mb+mb+once', allButSc],
  ['3.SB+mb+mb+mb', nobody],
  ['3.LB+once+data+data', [cpp20, lkmm]],
  ['3.LB+data+data+data', nobody],
  ['3.LB+acq+rel+data', [cpp20]],
  ['3.2W+wmb+wmb+wmb', weak],
  ['3.2W+mb+mb+mb', nobody],

  ['IRIW+once+once+once+once', weak],
  ['IRIW+once+once+addr+addr', weak],
  ['IRIW+once+once+rmb+rmb', weak],
  ['IRIW+once+once+acq+acq', weak],
  ['IRIW+once+once+mb+rmb', weak],
  ['IRIW+once+once+mb+mb', nobody],
])

table('coherence: tutorial', models, [
  ['CoRR+once+once', nobody],
  ['CoRR2+once+once+once+once', nobody],
  ['CoWW+once', nobody],
  ['CoRW1+once', nobody],
  ['CoRW2+once+once', nobody],
  ['CoWR+once+once', nobody],
  ['CoRR+Rlx+Rlx', nobody],
  ['CoWW+plain', nobody],
])

table('RC11; P0668', [sc, tso, rc11, cpp20], [
  ['MP+Rlx+Rlx', c11],
  ['MP+RA+RA', nobody],
  ['MP+RA+Rlx', c11],
  ['MP+Rlx+RA', c11],
  ['MP+Frel+Facq', nobody],
  ['MP+Frel+RA', nobody],
  ['MP+RA+Facq', nobody],
  ['MP+Far+Far', nobody],
  ['MP+Facq+Frel', c11],
  ['MP+Fsc+Fsc', nobody],
  ['MP+Frel+Rlx-addr', c11],
  ['SB+Rlx+Rlx', [tso, ...c11]],
  ['SB+RA+RA', [tso, ...c11]],
  ['SB+Far+Far', [tso, ...c11]],
  ['SB+Fsc+Far', [tso, ...c11]],
  ['SB+Sc+RA', [tso, ...c11]],
  ['SB+Sc+Sc', nobody],
  ['SB+Fsc+Fsc', nobody],
  ['SB+Sc+Fsc', nobody],
  ['SB+swap(AcqRel)+swap(AcqRel)', c11], // locked on x86
  ['SB+swap(SeqCst)+swap(SeqCst)', c11], // a seq_cst access is no fence
  ['SB+swap(SeqCst)+Fsc', c11], // a seq_cst fence orders against fences and other seq_cst accesses only
  ['LB+Rlx+Rlx', [cpp20]],
  ['LB+Rlx-data+Rlx', [cpp20]],
  ['LB+Rlx-data+Rlx-data', nobody],
  ['LB+Rlx-ctrl+Rlx-ctrl', nobody],
  ['LB+RA+RA', nobody],
  ['LB+Facq+Facq', [cpp20]],
  ['LB+Far+Far', nobody],
  ['S+Rlx+Rlx', c11],
  ['S+RA+RA', nobody],
  ['S+Frel+Facq', nobody],
  ['R+RA+RA', [tso, ...c11]],
  ['R+Sc+Sc', nobody],
  ['R+Fsc+Fsc', nobody],
  ['R+Frel+Fsc', c11],
  ['2+2W+RA+RA', c11],
  ['2+2W+Sc+Sc', nobody],
  ['2+2W+Fsc+Fsc', nobody],
  ['WRC+Rlx+Rlx+Rlx', c11],
  ['WRC+Rlx+RA+RA', nobody],
  ['ISA2+RA+RA+RA', nobody],
  ['RWC+RA+RA+Fsc', c11],
  ['RWC+Sc+Sc+Sc', nobody],
  ['RWC+Rlx+Fsc+Fsc', nobody],
  ['W+RWC+RA+RA+Fsc', c11],
  ['W+RWC+Sc+Sc+Sc', nobody],
  ['W+RWC+Fsc+Fsc+Fsc', nobody],
  ['IRIW+RA+RA+RA+RA', c11],
  ['IRIW+Sc+Sc+RA+RA', c11],
  ['IRIW+Sc+Sc+Sc+Sc', nobody],
  ['IRIW+Rlx+Rlx+Fsc+Fsc', nobody],
  ['IRIW+RA+RA+Far+Far', c11],
])

table('LKMM, "ATOMIC UPDATES" and linux-kernel.cat; x86 locks them all', models, [
  ['SB+xchg+xchg', nobody],
  ['SB+xchg+mb', nobody],
  ['SB+xchg_relaxed+mb', weak],
  ['SB+xchg_acquire+mb', weak], // acquires with its read only, and its store may be late
  ['SB+xchg_release+xchg_release', weak],
  ['MP+xchg_release+acq', nobody],
  ['MP+xchg_relaxed+acq', weak],
  ['MP+xchg+acq', nobody],
])

// ---- RCU: as many grace periods as read-side critical sections --------------------------------------

table('ASPLOS 2018; explanation.txt, "RCU RELATIONS"', [lkmm], [
  ['MP+gp+rscs', nobody],
  ['MP+rscs+gp', nobody],
  ['MP+rscs+once', [lkmm]], // a section is no fence
  ['MP+gp+once', [lkmm]],
  ['MP+gp+acq', nobody],
  ['SB+gp+rscs', nobody],
  ['SB+gp+mb', nobody],
  ['SB+rscs+rscs', [lkmm]],
  ['LB+rscs+rscs', [lkmm]],
  ['LB+gp+rscs', nobody],
  ['LB+gp+gp', nobody],
  ['R+gp+rscs', nobody],
  ['S+gp+rscs', nobody],
  ['2+2W+gp+rscs', nobody],
  ['3.LB+gp+rscs+rscs', [lkmm]],
  ['3.LB+gp+gp+rscs', nobody],
  ['3.LB+gp+rscs+data', nobody],
  ['3.LB+rscs+rscs+data', [lkmm]],
  ['3.SB+gp+rscs+rscs', [lkmm]],
  ['3.SB+gp+gp+rscs', nobody],
  ['4.LB+gp+rscs+gp+rscs', nobody],
  ['4.LB+gp+gp+rscs+rscs', nobody],
  ['4.LB+gp+rscs+rscs+rscs', [lkmm]],
  ['4.LB+gp+rscs+rscs+data', [lkmm]],
])

verdict(program('RCU, deferred free', memory => {
  const [old, fresh] = [memory.word('old', 1), memory.word('new', 2)]
  const pointer = memory.word('pointer', old)
  return {
    threads: {
      * reader() {
        yield* rcuReadLock()
        const found = yield* rcuDereference(pointer)
        const value = yield* readOnce(found)
        yield* rcuReadUnlock()
        return value
      },
      * updater() {
        yield* rcuAssignPointer(pointer, fresh)
        yield* synchronizeRcu()
        yield* writeOnce(old, 0) // freed
      },
    },
    witnesses: {'reads freed memory': ({reader}) => reader === 0},
  }
}), 'ASPLOS 2018, RCU-deferred-free', [lkmm], nobody)

verdict(program('RCU, free without a grace period', memory => {
  const [old, fresh] = [memory.word('old', 1), memory.word('new', 2)]
  const pointer = memory.word('pointer', old)
  return {
    threads: {
      * reader() {
        yield* rcuReadLock()
        const found = yield* rcuDereference(pointer)
        const value = yield* readOnce(found)
        yield* rcuReadUnlock()
        return value
      },
      * updater() {
        yield* rcuAssignPointer(pointer, fresh)
        yield* smpMb()
        yield* writeOnce(old, 0)
      },
    },
    witnesses: {'reads freed memory': ({reader}) => reader === 0},
  }
}), 'ASPLOS 2018', [lkmm], [lkmm])

verdict(program('RCU, publication without a release', memory => {
  const [old, fresh] = [memory.word('old', 1), memory.word('new', 0)]
  const pointer = memory.word('pointer', old)
  return {
    threads: {
      * reader() {
        return yield* readOnce(yield* rcuDereference(pointer))
      },
      * updater() {
        yield* writeOnce(fresh, 2)
        yield* writeOnce(pointer, fresh)
      },
    },
    witnesses: {'sees the object before its contents': ({reader}) => reader === 0},
  }
}), 'perfbook', models, weak)

verdict(program('RCU, publication with a release and an address dependency', memory => {
  const [old, fresh] = [memory.word('old', 1), memory.word('new', 0)]
  const pointer = memory.word('pointer', old)
  return {
    threads: {
      * reader() {
        return yield* readOnce(yield* rcuDereference(pointer))
      },
      * updater() {
        yield* writeOnce(fresh, 2)
        yield* rcuAssignPointer(pointer, fresh)
      },
    },
    witnesses: {'sees the object before its contents': ({reader}) => reader === 0},
  }
}), 'perfbook', models, c11)

verdict(program('RCU, a nested section ends with its outermost unlock', memory => {
  const [x, y] = [memory.word('x'), memory.word('y')]
  return {
    threads: {
      * reader() {
        yield* rcuReadLock()
        yield* rcuReadLock()
        const first = yield* readOnce(y)
        yield* rcuReadUnlock()
        const second = yield* readOnce(x)
        yield* rcuReadUnlock()
        return digits(first, second)
      },
      * updater() {
        yield* writeOnce(x, 1)
        yield* synchronizeRcu()
        yield* writeOnce(y, 1)
      },
    },
    witnesses: {'spans the grace period': ({reader}) => reader === 10},
  }
}), 'explanation.txt, "RCU RELATIONS"', [lkmm], nobody)

verdict(program('RCU, a section that is over before the reads', memory => {
  const [x, y] = [memory.word('x'), memory.word('y')]
  return {
    threads: {
      * reader() {
        yield* rcuReadLock()
        yield* rcuReadUnlock()
        return digits(yield* readOnce(y), yield* readOnce(x))
      },
      * updater() {
        yield* writeOnce(x, 1)
        yield* synchronizeRcu()
        yield* writeOnce(y, 1)
      },
    },
    witnesses: {'the grace period is between': ({reader}) => reader === 10},
  }
}), 'explanation.txt, "RCU RELATIONS"', [lkmm], [lkmm])

// ---- Where a control dependency ends ---------------------------------------------------------------

/** Load buffering whose first thread stores to y as `store` does. */
function buffering(name: string, storing: (read: Value, y: Location) => Proc): Program<{one: number; two: number}> {
  return program(name, memory => {
    const [x, y] = [memory.word('x'), memory.word('y')]
    return {
      threads: {
        * one() {
          const read = yield* readOnce(x)
          yield* storing(read, y)
          return read
        },
        * two() {
          const read = yield* readOnce(y)
          yield* smpMb()
          yield* writeOnce(x, 1)
          return read
        },
      },
      witnesses: {both: ({one, two}) => one === 1 && two === 1},
    }
  })
}

const controls = 'explanation.txt, "DEPENDENCY RELATIONS"'

verdict(buffering('LB, the store in the arm of an if', function* (read, y) {
  yield* when(read, () => writeOnce(y, 1))
}), controls, [lkmm], nobody)

verdict(buffering('LB, the store behind an if', function* (read, y) {
  yield* when(read, function* () {})
  yield* writeOnce(y, 1)
}), controls, [lkmm], [lkmm])

verdict(buffering('LB, the store behind a raw JavaScript if', function* (read, y) {
  yield* raw(read)
  yield* writeOnce(y, 1)
}), controls, [lkmm], nobody)

verdict(buffering('LB, the store behind an if that has chosen its value', function* (read, y) {
  const chosen = yield* when(read, function* () { return Value.of(1) }, function* () { return Value.of(1) })
  yield* writeOnce(y, chosen)
}), controls, [lkmm], [lkmm])

verdict(buffering('LB, the store in the arm of an if over a value that another if has chosen', function* (read, y) {
  const chosen = yield* when(read, function* () { return Value.of(1) }, function* () { return Value.of(0) })
  yield* when(chosen, () => writeOnce(y, 1))
}), controls, [lkmm], nobody)

// ---- Read-modify-writes ----------------------------------------------------------------------------

verdict(program('two fetch_adds that both find 0', memory => {
  const x = memory.word('x')
  return {
    threads: {one: () => fetchAdd(x, 1, 'Relaxed'), two: () => fetchAdd(x, 1, 'Relaxed')},
    witnesses: {'an update is lost': ({one, two}) => one === 0 && two === 0},
  }
}), 'RC11', models, nobody)

verdict(program('a store between the halves of an xchg', memory => {
  const x = memory.word('x')
  return {
    threads: {one: () => xchgRelaxed(x, 1), two: () => writeOnce(x, 2)},
    witnesses: {between: ({one}, final) => one === 0 && final(x) === 1 || one === 2 && final(x) === 2},
  }
}), 'explanation.txt, "ATOMIC UPDATES"', models, nobody)

/** Store buffering; `between` stands between the accesses of each thread. */
function storeBuffering(name: string, between: (scratch: Location) => Proc): Program<{one: number; two: number}> {
  return program(name, memory => {
    const [x, y, scratch, other] = [memory.word('x'), memory.word('y'), memory.word('scratch'), memory.word('other')]
    return {
      threads: {
        * one() {
          yield* writeOnce(x, 1)
          yield* between(scratch)
          return yield* readOnce(y)
        },
        * two() {
          yield* writeOnce(y, 1)
          yield* between(other)
          return yield* readOnce(x)
        },
      },
      witnesses: {neither: ({one, two}) => one === 0 && two === 0},
    }
  })
}

const atomics = 'Documentation/atomic_t.txt, "ORDERING"'

verdict(storeBuffering('SB, a fully ordered xchg between', function* (scratch) { yield* xchg(scratch, 1) }), atomics, models, nobody)
verdict(storeBuffering('SB, a cmpxchg that succeeds between', function* (scratch) { yield* cmpxchg(scratch, 0, 1) }), atomics, models, nobody)
verdict(storeBuffering('SB, a cmpxchg that fails between', function* (scratch) { yield* cmpxchg(scratch, 7, 1) }), atomics, [sc, tso, lkmm], [lkmm])
verdict(storeBuffering('SB, an atomic_add between', function* (scratch) { yield* atomicAdd(scratch) }), atomics, models, weak)
verdict(storeBuffering('SB, an atomic_add between, and smp_mb__before_atomic', function* (scratch) {
  yield* smpMbBeforeAtomic()
  yield* atomicAdd(scratch)
}), atomics, models, nobody)
verdict(storeBuffering('SB, an atomic_add between, and smp_mb__after_atomic', function* (scratch) {
  yield* atomicAdd(scratch)
  yield* smpMbAfterAtomic()
}), atomics, models, nobody)
verdict(storeBuffering('SB, an xchg_relaxed that reads late between', function* (scratch) { yield* xchgRelaxed(scratch, 1) }), atomics, models, weak)

/** Message passing in which the reader's flag read is `flag`; what it saw is told by `flag` and x. */
function messagePassing(name: string, flag: (y: Location) => Proc<Value>, writing: (y: Location) => Proc): Program<{reader: number}> {
  return program(name, memory => {
    const [x, y] = [memory.word('x'), memory.word('y')]
    return {
      threads: {
        * writer() {
          yield* writeOnce(x, 1)
          yield* writing(y)
        },
        * reader() {
          return digits(yield* flag(y), yield* readOnce(x))
        },
      },
      witnesses: {stale: ({reader}) => reader === 10},
    }
  })
}

const release = (y: Location): Proc => storeRelease(y, 1)

verdict(messagePassing('MP, a compare_exchange that fails with acquire', y => compareExchange(y, 7, 8, 'Relaxed', 'Acquire'), release),
  'C++20 [atomics.types.operations]', [sc, tso, rc11, cpp20], nobody)
verdict(messagePassing('MP, a compare_exchange that fails with relaxed', y => compareExchange(y, 7, 8, 'AcqRel', 'Relaxed'), release),
  'C++20 [atomics.types.operations]', [sc, tso, rc11, cpp20], c11)
verdict(messagePassing('MP, a compare_exchange that succeeds with acquire', y => compareExchange(y, 1, 8, 'Acquire', 'Relaxed'), release),
  'C++20 [atomics.types.operations]', models, nobody)
verdict(messagePassing('MP, a cmpxchg_acquire that fails', y => cmpxchgAcquire(y, 7, 8), release), atomics, models, weak)
verdict(messagePassing('MP, a cmpxchg_acquire that succeeds', y => cmpxchgAcquire(y, 1, 8), release), atomics, models, nobody)
verdict(messagePassing('MP, a wait with acquire', y => awaitAcquire(y, value => value === 1), release), 'LKMM', models, nobody)
verdict(messagePassing('MP, smp_rmb after an atomic_add, whose read it does not see', function* (y) {
  yield* atomicAdd(y, 0)
  yield* smpRmb()
  return Value.of(1)
}, function* (y) {
  yield* smpWmb()
  yield* writeOnce(y, 1)
}), 'linux-kernel.cat, R4rmb', [lkmm], [lkmm])

// ---- Release sequences -----------------------------------------------------------------------------

/** The writer releases y = 1, then `writing`; the reader acquires y = 2. */
function releaseSequence(name: string, writing: (y: Location) => Proc, other: (y: Location) => Proc): Program<{reader: number}> {
  return program(name, memory => {
    const [x, y] = [memory.word('x'), memory.word('y')]
    return {
      threads: {
        * writer() {
          yield* writeOnce(x, 1)
          yield* store(y, 1, 'Release')
          yield* writing(y)
        },
        other: () => other(y),
        * reader() {
          return digits(yield* load(y, 'Acquire'), yield* readOnce(x))
        },
      },
      witnesses: {stale: ({reader}, final) => reader === 20 && final(y) === 2},
    }
  })
}

const nothing = function* (): Proc {}
const overwrite = (y: Location): Proc => store(y, 2, 'Relaxed')
const increment = function* (y: Location): Proc { yield* fetchAdd(y, 1, 'Relaxed') }

verdict(releaseSequence('a release sequence continued by a store of the same thread', overwrite, nothing), 'RC11; P0982', models, [cpp20, lkmm])
verdict(releaseSequence('a release sequence continued by a read-modify-write of another thread', nothing, increment), 'RC11; LKMM', models, nobody)
verdict(releaseSequence('a release sequence cut by a store of another thread', nothing, overwrite), 'RC11', models, [...c11, lkmm])

// ---- What seq_cst means ----------------------------------------------------------------------------

verdict(program('IRIW-acq-sc', memory => {
  const [x, y] = [memory.word('x'), memory.word('y')]
  return {
    threads: {
      one: () => store(x, 1, 'SeqCst'),
      * two() { return digits(yield* load(x, 'Acquire'), yield* load(y, 'SeqCst')) },
      * three() { return digits(yield* load(y, 'Acquire'), yield* load(x, 'SeqCst')) },
      four: () => store(y, 1, 'SeqCst'),
    },
    witnesses: {disagree: ({two, three}) => two === 10 && three === 10},
  }
}), 'RC11: forbidden by C11, which cannot be compiled to POWER so', [sc, tso, rc11, cpp20], c11)

verdict(program('Z6.U', memory => {
  const [x, y] = [memory.word('x'), memory.word('y')]
  return {
    threads: {
      * one() {
        yield* store(x, 1, 'SeqCst')
        yield* store(y, 1, 'Release')
      },
      * two() { return digits(yield* fetchAdd(y, 1, 'SeqCst'), yield* load(y, 'Relaxed')) },
      * three() {
        yield* store(y, 3, 'SeqCst')
        return yield* load(x, 'SeqCst')
      },
    },
    witnesses: {weak: ({two, three}) => two === 13 && three === 0},
  }
}), 'RC11: forbidden by C11, as above', [sc, tso, rc11, cpp20], c11)

verdict(program('values out of thin air', memory => {
  const [x, y] = [memory.word('x'), memory.word('y')]
  return {
    threads: {
      * one() {
        const read = yield* load(x, 'Relaxed')
        yield* when(read.eq(1), () => store(y, 1, 'Relaxed'))
        return read
      },
      * two() {
        const read = yield* load(y, 'Relaxed')
        yield* store(x, read, 'Relaxed')
        return read
      },
      * seed() { yield* when(yield* load(y, 'Relaxed'), () => store(x, 1, 'Relaxed')) },
    },
    witnesses: {both: ({one, two}) => one === 1 && two === 1},
  }
}), 'RC11; [atomics.order]/8', models, nobody)

// ---- x86's store buffers ---------------------------------------------------------------------------

verdict(program('n6', memory => {
  const [x, y] = [memory.word('x'), memory.word('y')]
  return {
    threads: {
      * one() {
        yield* writeOnce(x, 1)
        return digits(yield* readOnce(x), yield* readOnce(y))
      },
      * two() {
        yield* writeOnce(y, 2)
        yield* writeOnce(x, 2)
      },
    },
    witnesses: {weak: ({one}, final) => one === 10 && final(x) === 1},
  }
}), 'x86-TSO', models, allButSc)

verdict(program('n5', memory => {
  const x = memory.word('x')
  return {
    threads: {
      * one() {
        yield* writeOnce(x, 1)
        return yield* readOnce(x)
      },
      * two() {
        yield* writeOnce(x, 2)
        return yield* readOnce(x)
      },
    },
    witnesses: {crossed: ({one, two}) => one === 2 && two === 1},
  }
}), 'x86-TSO', models, nobody)

verdict(program('n4b', memory => {
  const x = memory.word('x')
  return {
    threads: {
      * one() {
        const read = yield* readOnce(x)
        yield* writeOnce(x, 1)
        return read
      },
      * two() {
        const read = yield* readOnce(x)
        yield* writeOnce(x, 2)
        return read
      },
    },
    witnesses: {crossed: ({one, two}) => one === 2 && two === 1},
  }
}), 'x86-TSO', models, nobody)

verdict(program('iwp2.4: threads see their own stores early', memory => {
  const [x, y] = [memory.word('x'), memory.word('y')]
  return {
    threads: {
      * one() {
        yield* writeOnce(x, 1)
        return digits(yield* readOnce(x), yield* readOnce(y))
      },
      * two() {
        yield* writeOnce(y, 1)
        return digits(yield* readOnce(y), yield* readOnce(x))
      },
    },
    witnesses: {early: ({one, two}) => one === 10 && two === 10},
  }
}), 'x86-TSO', models, allButSc)
