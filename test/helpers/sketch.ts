/**
 * Small programs as data, so that they can be generated, printed, made smaller while they still fail, and
 * compiled to threads.
 */
import * as lib from '../../lib/index.ts'
import {Value, type Address, type Location, type Operand, type Proc, type Program} from '../../lib/index.ts'

/**
 * Which operations a sketch uses: `kernel` has a mapping to every model; `rcu` (the kernel's grace periods, SRCU
 * among them) only to lkmm; `c11` to all but lkmm; `atomics` is the part of C11 that kernel Rust's atomics map to lkmm.
 */
export type Vocabulary = 'kernel' | 'rcu' | 'c11' | 'atomics'

export const vocabularies: readonly Vocabulary[] = ['kernel', 'rcu', 'c11', 'atomics']

/** The models that a sketch has a mapping to. */
export function modelsOf(sketch: Sketch): readonly lib.Model[] {
  return JSON.stringify(sketch.threads).includes('srcu') ? [lib.lkmm] : modelsFor(sketch.vocabulary)
}

/** The models that a vocabulary has a mapping to. */
export function modelsFor(vocabulary: Vocabulary): readonly lib.Model[] {
  return vocabulary === 'c11' ? lib.models.filter(model => model !== lib.lkmm) : lib.models
}

export type Expression =
  | {readonly kind: 'constant'; readonly value: number}
  | {readonly kind: 'address'; readonly word: string}
  | {readonly kind: 'register'; readonly register: string}
  /** register + value */
  | {readonly kind: 'plus'; readonly register: string; readonly value: number}
  /** (register ^ register) + value: a dependency that does not depend */
  | {readonly kind: 'false'; readonly register: string; readonly value: number}

export type Place =
  | {readonly kind: 'word'; readonly word: string}
  /** *register */
  | {readonly kind: 'through'; readonly register: string}
  /** *(&word + (register ^ register)) */
  | {readonly kind: 'false'; readonly word: string; readonly register: string}

export type Instruction =
  | {readonly op: 'load'; readonly call: string; readonly to: string; readonly at: Place}
  /** Waits until the word is not 0. */
  | {readonly op: 'wait'; readonly call: string; readonly to: string; readonly at: Place}
  | {readonly op: 'store'; readonly call: string; readonly at: Place; readonly value: Expression}
  | {readonly op: 'rmw'; readonly call: string; readonly to: string; readonly at: Place; readonly value: Expression}
  | {readonly op: 'cas'; readonly call: string; readonly to: string; readonly at: Place; readonly expected: Expression; readonly desired: Expression}
  | {readonly op: 'fence'; readonly call: string}
  /** Takes or gives back a lock, or waits for the readers of an SRCU domain. */
  | {readonly op: 'sync'; readonly call: string; readonly at: Place}
  /** `when(condition, then, otherwise)`; `to` gets one of the results, if there are any. */
  | {readonly op: 'when'; readonly condition: Expression; readonly then: readonly Instruction[]; readonly otherwise: readonly Instruction[]
    readonly to: string; readonly results: readonly [Expression, Expression] | null}
  /** `if (yield* raw(condition)) then else otherwise` */
  | {readonly op: 'raw'; readonly condition: Expression; readonly then: readonly Instruction[]; readonly otherwise: readonly Instruction[]}

export interface Sketch {
  readonly name: string
  readonly vocabulary: Vocabulary
  /** Words with their initial values; a pointer is the name of the word that it points to, declared earlier. */
  readonly memory: readonly {readonly word: string; readonly init: number | string}[]
  readonly threads: readonly (readonly Instruction[])[]
}

// ---- The calls -----------------------------------------------------------------------------------

type Load = (at: Address) => Proc<Value>
type Store = (at: Address, value: Operand) => Proc
type Rmw = (at: Address, operand: Operand) => Proc<Value | undefined>
type Cas = (at: Address, expected: Operand, desired: Operand) => Proc<Value>

export interface Calls {
  readonly load: Readonly<Record<string, Load>>
  readonly wait: Readonly<Record<string, Load>>
  readonly store: Readonly<Record<string, Store>>
  readonly rmw: Readonly<Record<string, Rmw>>
  readonly cas: Readonly<Record<string, Cas>>
  readonly fence: Readonly<Record<string, () => Proc>>
  readonly sync: Readonly<Record<string, (at: Address) => Proc>>
}

/** Calls that come in pairs, or only where their partner is. */
export const paired = /rcu|lock/

const some = (value: lib.Scalar): boolean => value !== 0

const kernelCalls: Calls = {
  load: {READ_ONCE: lib.readOnce, smp_load_acquire: lib.loadAcquire, plain_read: lib.readPlain, spin_trylock: lib.spinTrylock, spin_is_locked: lib.spinIsLocked},
  wait: {smp_cond_load_relaxed: at => lib.awaitOnce(at, some), smp_cond_load_acquire: at => lib.awaitAcquire(at, some)},
  store: {WRITE_ONCE: lib.writeOnce, smp_store_release: lib.storeRelease, plain_write: lib.writePlain},
  rmw: {
    xchg: lib.xchg, xchg_relaxed: lib.xchgRelaxed, xchg_acquire: lib.xchgAcquire, xchg_release: lib.xchgRelease,
    atomic_fetch_add: lib.atomicFetchAdd, atomic_fetch_add_relaxed: lib.atomicFetchAddRelaxed,
    atomic_fetch_add_acquire: lib.atomicFetchAddAcquire, atomic_fetch_add_release: lib.atomicFetchAddRelease,
    atomic_add_return: lib.atomicAddReturn,
    * atomic_add(at, operand) {
      yield* lib.atomicAdd(at, operand)
      return undefined
    },
  },
  cas: {
    cmpxchg: lib.cmpxchg, cmpxchg_relaxed: lib.cmpxchgRelaxed, cmpxchg_acquire: lib.cmpxchgAcquire, cmpxchg_release: lib.cmpxchgRelease,
    atomic_add_unless: (at, unless, addend) => lib.atomicAddUnless(at, addend, unless),
  },
  fence: {
    smp_mb: lib.smpMb, smp_rmb: lib.smpRmb, smp_wmb: lib.smpWmb, barrier: lib.compilerBarrier,
    smp_mb__before_atomic: lib.smpMbBeforeAtomic, smp_mb__after_atomic: lib.smpMbAfterAtomic,
    smp_mb__after_spinlock: lib.smpMbAfterSpinlock,
  },
  sync: {spin_lock: lib.spinLock, spin_unlock: lib.spinUnlock},
}

const rcuCalls: Calls = {
  ...kernelCalls,
  load: {...kernelCalls.load, srcu_read_lock: lib.srcuReadLock},
  store: {...kernelCalls.store, srcu_read_unlock: lib.srcuReadUnlock},
  fence: {
    ...kernelCalls.fence, smp_mb__after_unlock_lock: lib.smpMbAfterUnlockLock,
    rcu_read_lock: lib.rcuReadLock, rcu_read_unlock: lib.rcuReadUnlock, synchronize_rcu: lib.synchronizeRcu,
  },
  sync: {...kernelCalls.sync, synchronize_srcu: lib.synchronizeSrcu},
}

const rmwOrderings: readonly lib.Ordering[] = ['Relaxed', 'Acquire', 'Release', 'AcqRel', 'SeqCst']
const loadOrderings: readonly lib.LoadOrdering[] = ['Relaxed', 'Acquire', 'SeqCst']

/** One call per ordering, named `name(ordering)`. */
function each<O extends string, C>(name: string, orderings: readonly O[], call: (ordering: O) => C): Record<string, C> {
  return Object.fromEntries(orderings.map(ordering => [`${name}(${ordering})`, call(ordering)]))
}

function c11Calls(loads: readonly lib.LoadOrdering[], stores: readonly lib.StoreOrdering[], rmws: readonly lib.Ordering[],
  failures: readonly lib.LoadOrdering[], fences: readonly lib.FenceOrdering[]): Calls {
  return {
    load: {...each('load', loads, ordering => (at: Address) => lib.load(at, ordering)), non_atomic_read: lib.readNonAtomic},
    wait: each('load_until', loads, ordering => (at: Address) => lib.loadUntil(at, ordering, some)),
    store: {
      ...each('store', stores, ordering => (at: Address, value: Operand) => lib.store(at, value, ordering)),
      non_atomic_write: lib.writeNonAtomic,
    },
    rmw: {
      ...each('swap', rmws, ordering => (at: Address, value: Operand) => lib.swap(at, value, ordering)),
      ...each('fetch_add', rmws, ordering => (at: Address, value: Operand) => lib.fetchAdd(at, value, ordering)),
    },
    cas: Object.assign({}, ...failures.map(failure =>
      each('compare_exchange', rmws.map(success => `${success}, ${failure}`), both => {
        const success = both.split(', ')[0] as lib.Ordering
        return (at: Address, expected: Operand, desired: Operand) => lib.compareExchange(at, expected, desired, success, failure)
      }))) as Record<string, Cas>,
    fence: each('fence', fences, ordering => () => lib.fence(ordering)),
    sync: {},
  }
}

/** The operations of each vocabulary, by the names that sketches are printed with. */
export const calls: Readonly<Record<Vocabulary, Calls>> = {
  kernel: kernelCalls,
  rcu: rcuCalls,
  c11: c11Calls(loadOrderings, ['Relaxed', 'Release', 'SeqCst'], rmwOrderings, loadOrderings, ['Acquire', 'Release', 'AcqRel', 'SeqCst']),
  atomics: c11Calls(['Relaxed', 'Acquire'], ['Relaxed', 'Release'], ['Relaxed', 'Acquire', 'Release', 'SeqCst'], ['Relaxed'], []),
}

// ---- From a sketch to a program ------------------------------------------------------------------

/** What the threads of a compiled sketch return: their registers. */
export type Registers = Readonly<Record<string, Readonly<Record<string, lib.Scalar>>>>

/** The sketch as a program; each thread returns the registers of its outermost block. */
export function compile(sketch: Sketch): Program<Registers> {
  const built = lib.program(sketch.name, memory => {
    const words = new Map<string, Location>()
    for (const {word, init} of sketch.memory) words.set(word, memory.word(word, typeof init === 'number' ? init : words.get(init)!))
    const threads = sketch.threads.map((instructions, i) => [`T${i}`, () => thread(instructions, calls[sketch.vocabulary], words)] as const)
    return {threads: Object.fromEntries(threads)}
  })
  return built as unknown as Program<Registers>
}

type Scope = Map<string, Value>
type Words = ReadonlyMap<string, Location>

function* thread(instructions: readonly Instruction[], calls: Calls, words: Words): Proc<Record<string, Value>> {
  const scope: Scope = new Map()
  yield* block(instructions, scope, calls, words)
  return Object.fromEntries(scope)
}

function* block(instructions: readonly Instruction[], scope: Scope, calls: Calls, words: Words): Proc {
  const register = (name: string): Value => scope.get(name) ?? Value.of(0)
  const keep = (to: string, value: Value | undefined): void => {
    if (value !== undefined) scope.set(to, value)
  }
  const value = (expression: Expression, registers: Scope = scope): Value => evaluate(expression, registers, words)
  const place = (at: Place): Address => {
    switch (at.kind) {
      case 'word': return words.get(at.word)!
      case 'through': return register(at.register)
      case 'false': return Value.of(words.get(at.word)!).plus(register(at.register).xor(register(at.register)))
    }
  }
  for (const instruction of instructions) {
    switch (instruction.op) {
      case 'load': keep(instruction.to, yield* calls.load[instruction.call]!(place(instruction.at))); break
      case 'wait': keep(instruction.to, yield* calls.wait[instruction.call]!(place(instruction.at))); break
      case 'store': yield* calls.store[instruction.call]!(place(instruction.at), value(instruction.value)); break
      case 'rmw': keep(instruction.to, yield* calls.rmw[instruction.call]!(place(instruction.at), value(instruction.value))); break
      case 'cas': {
        const {call, to, at, expected, desired} = instruction
        keep(to, yield* calls.cas[call]!(place(at), value(expected), value(desired)))
        break
      }
      case 'fence': yield* calls.fence[instruction.call]!(); break
      case 'sync': yield* calls.sync[instruction.call]!(place(instruction.at)); break
      case 'when': {
        const {condition, to, results} = instruction
        const arm = (inside: readonly Instruction[], result: Expression | undefined) => function* (): Proc<Value | undefined> {
          const inner = new Map(scope)
          yield* block(inside, inner, calls, words)
          return result === undefined ? undefined : value(result, inner)
        }
        keep(to, yield* lib.when(value(condition), arm(instruction.then, results?.[0]), arm(instruction.otherwise, results?.[1])))
        break
      }
      case 'raw': {
        const taken = (yield* lib.raw(value(instruction.condition))) !== 0
        yield* block(taken ? instruction.then : instruction.otherwise, new Map(scope), calls, words)
        break
      }
    }
  }
}

function evaluate(expression: Expression, scope: Scope, words: Words): Value {
  switch (expression.kind) {
    case 'constant': return Value.of(expression.value)
    case 'address': return Value.of(words.get(expression.word)!)
  }
  const register = scope.get(expression.register) ?? Value.of(0)
  switch (expression.kind) {
    case 'register': return register
    case 'plus': return register.plus(expression.value)
    case 'false': return register.xor(register).plus(expression.value)
  }
}

// ---- In words ------------------------------------------------------------------------------------

/** The sketch as text, one thread below the other. */
export function describe(sketch: Sketch): string {
  const memory = sketch.memory.map(({word, init}) => `${word} = ${typeof init === 'number' ? init : '&' + init}`).join(', ')
  const threads = sketch.threads.map((instructions, i) => `T${i}:\n${lines(instructions, '  ')}`)
  return `${sketch.name}, in the ${sketch.vocabulary} vocabulary\n${memory}\n${threads.join('')}`
}

function lines(instructions: readonly Instruction[], indent: string): string {
  return instructions.map(instruction => `${indent}${line(instruction, indent)}\n`).join('')
}

function line(instruction: Instruction, indent: string): string {
  switch (instruction.op) {
    case 'load': case 'wait': return `${instruction.to} = ${instruction.call} ${showPlace(instruction.at)}`
    case 'store': return `${instruction.call} ${showPlace(instruction.at)}, ${show(instruction.value)}`
    case 'rmw': return `${instruction.to} = ${instruction.call} ${showPlace(instruction.at)}, ${show(instruction.value)}`
    case 'cas': return `${instruction.to} = ${instruction.call} ${showPlace(instruction.at)}, ${show(instruction.expected)}, ${show(instruction.desired)}`
    case 'fence': return instruction.call
    case 'sync': return `${instruction.call} ${showPlace(instruction.at)}`
    case 'when': case 'raw': {
      const {op, condition, then, otherwise} = instruction
      const results = op === 'when' ? instruction.results : null
      const arm = (inside: readonly Instruction[], result: Expression | undefined): string =>
        `{\n${lines(inside, indent + '  ')}${result === undefined ? '' : `${indent}  → ${show(result)}\n`}${indent}}`
      const target = op === 'when' && results !== null ? `${instruction.to} = ` : ''
      return `${target}${op} (${show(condition)}) ${arm(then, results?.[0])} else ${arm(otherwise, results?.[1])}`
    }
  }
}

function show(expression: Expression): string {
  switch (expression.kind) {
    case 'constant': return String(expression.value)
    case 'address': return `&${expression.word}`
    case 'register': return expression.register
    case 'plus': return `${expression.register} + ${expression.value}`
    case 'false': return `(${expression.register} ^ ${expression.register}) + ${expression.value}`
  }
}

function showPlace(at: Place): string {
  switch (at.kind) {
    case 'word': return at.word
    case 'through': return `*${at.register}`
    case 'false': return `*(&${at.word} + (${at.register} ^ ${at.register}))`
  }
}

// ---- Making it smaller ---------------------------------------------------------------------------

/** A sketch that still fails and from which nothing can be left out. `fails` must hold of the one given. */
export function shrink(sketch: Sketch, fails: (smaller: Sketch) => boolean): Sketch {
  for (const smaller of simplifications(sketch)) if (makesSense(smaller) && fails(smaller)) return shrink(smaller, fails)
  return sketch
}

/** A register that nothing sets any more may have been a pointer. */
function makesSense({threads}: Sketch): boolean {
  const text = JSON.stringify(threads)
  return [...text.matchAll(/"through","register":"(\w+)"/g)].every(([, register]) => text.includes(`"to":"${register!}"`))
}

function* simplifications(sketch: Sketch): Generator<Sketch> {
  const {threads, memory} = sketch
  for (const i of threads.keys()) if (threads.length > 1) yield {...sketch, threads: threads.filter((_, j) => j !== i)}
  for (const [i, instructions] of threads.entries()) {
    for (const fewer of simplerBlocks(instructions)) yield {...sketch, threads: threads.map((other, j) => i === j ? fewer : other)}
  }
  const text = JSON.stringify([threads, memory.map(({init}) => init)])
  for (const {word} of memory) if (!text.includes(`"${word}"`)) yield {...sketch, memory: memory.filter(other => other.word !== word)}
}

function* simplerBlocks(instructions: readonly Instruction[]): Generator<readonly Instruction[]> {
  for (const [i, instruction] of instructions.entries()) {
    for (const simpler of [[], ...simplerInstructions(instruction)]) yield instructions.toSpliced(i, 1, ...simpler)
  }
}

function* simplerInstructions(instruction: Instruction): Generator<readonly Instruction[]> {
  const weaker: Readonly<Record<string, string>> = {
    smp_load_acquire: 'READ_ONCE', smp_store_release: 'WRITE_ONCE', plain_read: 'READ_ONCE', plain_write: 'WRITE_ONCE',
    xchg: 'xchg_relaxed', xchg_acquire: 'xchg_relaxed', xchg_release: 'xchg_relaxed', cmpxchg: 'cmpxchg_relaxed',
    cmpxchg_acquire: 'cmpxchg_relaxed', cmpxchg_release: 'cmpxchg_relaxed', atomic_fetch_add: 'atomic_fetch_add_relaxed',
    atomic_fetch_add_acquire: 'atomic_fetch_add_relaxed', atomic_fetch_add_release: 'atomic_fetch_add_relaxed',
    smp_cond_load_acquire: 'smp_cond_load_relaxed',
  }
  if ('call' in instruction && weaker[instruction.call] !== undefined) yield [{...instruction, call: weaker[instruction.call]!}]
  switch (instruction.op) {
    case 'fence': case 'sync': return
    case 'when': case 'raw':
      yield instruction.then
      yield instruction.otherwise
      for (const then of simplerBlocks(instruction.then)) yield [{...instruction, then}]
      for (const otherwise of simplerBlocks(instruction.otherwise)) yield [{...instruction, otherwise}]
      if (instruction.op === 'when' && instruction.results !== null) yield [{...instruction, results: null}]
      for (const condition of simplerValues(instruction.condition)) yield [{...instruction, condition}]
      return
    case 'store': case 'rmw':
      for (const value of simplerValues(instruction.value)) yield [{...instruction, value}]
      break
    case 'cas':
      for (const expected of simplerValues(instruction.expected)) yield [{...instruction, expected}]
      for (const desired of simplerValues(instruction.desired)) yield [{...instruction, desired}]
      break
    case 'wait': yield [{op: 'load', call: instruction.call.replace('_until', '').replace(/smp_cond_.*/, 'READ_ONCE'), to: instruction.to, at: instruction.at}]
  }
  if (instruction.at.kind === 'false') yield [{...instruction, at: {kind: 'word', word: instruction.at.word}}]
}

function* simplerValues(expression: Expression): Generator<Expression> {
  switch (expression.kind) {
    case 'constant':
      if (expression.value > 1) yield {kind: 'constant', value: 1}
      return
    case 'address': return
    case 'register':
      yield {kind: 'constant', value: 1}
      return
    case 'plus': case 'false':
      yield {kind: 'constant', value: expression.value}
      yield {kind: 'register', register: expression.register}
  }
}
