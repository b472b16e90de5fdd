/** Small random programs, for comparing the engine with the brute force. */
import seedrandom from 'seedrandom'
import {calls, paired, type Calls, type Expression, type Instruction, type Place, type Sketch, type Vocabulary} from './sketch.ts'

export interface Size {
  /** Memory accesses of all threads together, at the most (those of locks and SRCU come on top). */
  readonly accesses: number
  readonly threads: number
}

/** The sketch of a seed: the same for the same arguments, everywhere. */
export function generate(vocabulary: Vocabulary, seed: string, size: Size = {accesses: 8, threads: 4}): Sketch {
  return new Sketcher(vocabulary, size, seedrandom(`${vocabulary}/${seed}`)).sketch(`${vocabulary}/${seed}`)
}

/** Registers that a later instruction may use, by what they hold. */
interface Known {
  readonly numbers: readonly string[]
  readonly pointers: readonly string[]
}

interface Access {
  readonly instruction: Instruction
  /** What its register holds. */
  readonly to: 'number' | 'pointer' | 'nothing'
  readonly register: string
}

type Word = Sketch['memory'][number]

class Sketcher {
  readonly #vocabulary: Vocabulary
  readonly #size: Size
  readonly #random: () => number
  /** A few calls of each kind, so that the barriers of one program have to do with one another. */
  readonly #palette: Readonly<Record<keyof Calls, readonly string[]>>
  /** Does the program have many waits? */
  readonly #waits: boolean
  #words: string[] = []
  #pointer: string | null = null
  #registers = 0
  #left = 0

  constructor(vocabulary: Vocabulary, size: Size, random: () => number) {
    this.#vocabulary = vocabulary
    this.#size = size
    this.#random = random
    const plain = this.#chance(0.25) // not always: plain accesses make all the rest undefined under C11
    this.#waits = this.#chance(0.15)
    const strong = this.#chance(0.3)
    const palette = (kind: keyof Calls): string[] => {
      const names = Object.keys(calls[vocabulary][kind]).filter(name => !paired.test(name) && (plain || !/plain|non_atomic/.test(name)))
      const strongest = names.filter(name => /^smp_mb$|SeqCst/.test(name))
      if (strong && strongest.length > 0) return strongest
      return names.length === 0 ? [] : Array.from({length: 1 + this.#below(3)}, () => this.#pick(names))
    }
    this.#palette = {
      load: palette('load'), wait: palette('wait'), store: palette('store'), rmw: palette('rmw'), cas: palette('cas'),
      fence: palette('fence'), sync: [],
    }
  }

  sketch(name: string): Sketch {
    const memory: Word[] = []
    const threads = this.#chance(0.6) ? this.#cycle(memory) : this.#anything(memory)
    return {name, vocabulary: this.#vocabulary, memory, threads: this.#inSections(threads, memory)}
  }

  // ---- a cycle: each thread accesses two words, the second of which is the first of the next thread ----

  #cycle(memory: Word[]): readonly (readonly Instruction[])[] {
    const most = Math.min(this.#size.threads, this.#size.accesses >> 1)
    const around = Math.min(most, this.#pick([2, 2, 2, 3, 3, 4]))
    this.#words = ['x', 'y', 'z', 'w'].slice(0, around)
    memory.push(...this.#words.map(word => ({word, init: 0})))
    this.#left = this.#size.accesses - 2 * around
    const first = this.#words.map(() => this.#pick(['R', 'W'] as const))
    const second = this.#words.map(() => this.#pick(['R', 'W'] as const))
    const writers: Instruction[][] = []
    for (const [i, word] of this.#words.entries()) {
      const before = (i + around - 1) % around
      const unwritten = first[i] === 'R' && second[before] === 'R'
      const room = this.#left > 0 && around + writers.length < this.#size.threads
      if (room && this.#chance(unwritten ? 0.7 : 0.15)) {
        this.#left--
        writers.push([this.#accessTo(word, 'W', []).instruction])
      } else if (unwritten) {
        first[i] = 'W'
      }
    }
    const threads = this.#words.map((word, i) => this.#link(word, first[i]!, this.#words[(i + 1) % around]!, second[i]!))
    return [...threads, ...writers]
  }

  #link(from: string, first: 'R' | 'W', to: string, second: 'R' | 'W'): Instruction[] {
    const before = this.#accessTo(from, first, [])
    const known: Known = {numbers: before.to === 'number' ? [before.register] : [], pointers: []}
    const made = [before.instruction]
    const how = this.#below(10)
    if (this.#vocabulary === 'rcu' && how < 4) {
      const after = this.#accessTo(to, second, []).instruction
      const call = (name: string): Instruction => ({op: 'fence', call: name})
      return this.#chance(0.5) ? [...made, call('synchronize_rcu'), after] : [call('rcu_read_lock'), ...made, after, call('rcu_read_unlock')]
    }
    if (how < 6 && this.#palette.fence.length > 0) made.push({op: 'fence', call: this.#call('fence')})
    const depends = known.numbers.length > 0 && how >= 6
    const after = this.#accessTo(to, second, depends ? known.numbers : [])
    if (depends && how === 9) {
      const condition = this.#register(known.numbers)
      const inside: Instruction = this.#chance(0.6)
        ? {op: 'when', condition, then: [after.instruction], otherwise: [], to: this.#fresh(), results: null}
        : {op: 'raw', condition, then: [after.instruction], otherwise: []}
      made.push(inside)
    } else {
      made.push(after.instruction)
    }
    if (this.#left > 0 && this.#chance(0.3)) {
      this.#left--
      made.splice(this.#below(made.length + 1), 0, this.#access({numbers: [], pointers: []}).instruction)
    }
    return made
  }

  /** A read or write of this word, or a read-modify-write; depends on one of `registers`, if there are any. */
  #accessTo(word: string, kind: 'R' | 'W', registers: readonly string[]): Access {
    const register = this.#fresh()
    const onAddress = registers.length > 0 && (kind === 'R' || this.#chance(0.4))
    const at: Place = onAddress ? {kind: 'false', word, register: this.#pick(registers)} : {kind: 'word', word}
    const value = registers.length > 0 && !onAddress ? this.#pick([this.#false(registers), this.#register(registers)]) : this.#constant(2, 1)
    if (this.#chance(0.12)) return {instruction: {op: 'rmw', call: this.#call('rmw'), to: register, at, value}, to: 'number', register}
    if (kind === 'R') return {instruction: this.#load(register, at), to: 'number', register}
    return {instruction: {op: 'store', call: this.#call('store'), at, value}, to: 'nothing', register}
  }

  // ---- anything: accesses, fences and branches as they come ----

  #anything(memory: Word[]): readonly (readonly Instruction[])[] {
    this.#words = ['x', 'y', 'z'].slice(0, this.#pick([1, 2, 2, 2, 2, 3]))
    this.#pointer = this.#chance(0.15) ? 'p' : null
    const count = 2 + this.#below(this.#size.threads - 1)
    const accesses = Math.max(count, this.#size.accesses - this.#below(5))
    const shares = Array.from({length: count}, () => 1)
    for (let spent = count; spent < accesses; spent++) shares[this.#below(count)]! += 1
    memory.push(...this.#words.map(word => ({word, init: this.#chance(0.9) ? 0 : 1})))
    if (this.#pointer !== null) memory.push({word: this.#pointer, init: this.#pick(this.#words)})
    return shares.map(share => this.#block(share, {numbers: [], pointers: []}))
  }

  #block(accesses: number, known: Known): Instruction[] {
    const made: Instruction[] = []
    let {numbers, pointers} = known
    for (let left = accesses; left > 0;) {
      if (numbers.length > 0 && this.#chance(0.25)) {
        const inside = 1 + this.#below(left)
        left -= inside
        const branch = this.#branch(inside, {numbers, pointers})
        made.push(branch)
        if (branch.op === 'when' && branch.results !== null) numbers = [...numbers, branch.to]
        continue
      }
      const access = this.#access({numbers, pointers})
      made.push(access.instruction)
      if (access.to === 'number') numbers = [...numbers, access.register]
      if (access.to === 'pointer') pointers = [...pointers, access.register]
      left--
      if (left > 0 && this.#chance(0.25) && this.#palette.fence.length > 0) made.push({op: 'fence', call: this.#call('fence')})
    }
    return made
  }

  #branch(accesses: number, known: Known): Extract<Instruction, {op: 'when' | 'raw'}> {
    const {numbers} = known
    const condition = this.#chance(0.85) ? this.#register(numbers) : this.#false(numbers)
    const one = this.#block(accesses, known)
    const other = this.#chance(0.3) ? this.#block(1, known) : []
    const [then, otherwise] = this.#chance(0.6) ? [one, other] : [other, one]
    if (this.#chance(0.4)) return {op: 'raw', condition, then, otherwise}
    const results = this.#chance(0.3) ? [this.#value(numbers), this.#value(numbers)] as const : null
    return {op: 'when', condition, then, otherwise, to: this.#fresh(), results}
  }

  #access(known: Known): Access {
    const to = this.#fresh()
    if (this.#pointer !== null && this.#chance(0.35)) {
      const at: Place = {kind: 'word', word: this.#pointer}
      if (this.#chance(0.6)) return {instruction: {op: 'load', call: this.#call('load'), to, at}, to: 'pointer', register: to}
      const value: Expression = {kind: 'address', word: this.#pick(this.#words)}
      return {instruction: {op: 'store', call: this.#call('store'), at, value}, to: 'nothing', register: to}
    }
    const {numbers} = known
    const at = this.#place(known)
    const kind = this.#below(100)
    if (kind < 43) return {instruction: this.#load(to, at), to: 'number', register: to}
    if (kind < 80) return {instruction: {op: 'store', call: this.#call('store'), at, value: this.#value(numbers)}, to: 'nothing', register: to}
    if (kind < 90) return {instruction: {op: 'rmw', call: this.#call('rmw'), to, at, value: this.#value(numbers)}, to: 'number', register: to}
    const expected = this.#chance(0.8) ? this.#constant(2) : this.#value(numbers)
    return {instruction: {op: 'cas', call: this.#call('cas'), to, at, expected, desired: this.#value(numbers)}, to: 'number', register: to}
  }

  #load(to: string, at: Place): Instruction {
    const op = this.#chance(this.#waits ? 0.4 : 0.03) ? 'wait' : 'load'
    return {op, call: this.#call(op), to, at}
  }

  #place({numbers, pointers}: Known): Place {
    if (pointers.length > 0 && this.#chance(0.7)) return {kind: 'through', register: this.#pick(pointers)}
    const word = this.#pick(this.#words)
    return numbers.length > 0 && this.#chance(0.12) ? {kind: 'false', word, register: this.#pick(numbers)} : {kind: 'word', word}
  }

  #value(numbers: readonly string[]): Expression {
    const kind = numbers.length === 0 ? 0 : this.#below(10)
    if (kind < 6) return this.#constant(3, 1)
    if (kind < 8) return this.#register(numbers)
    return kind === 8 ? {kind: 'plus', register: this.#pick(numbers), value: 1} : this.#false(numbers)
  }

  #constant(below: number, from = 0): Expression {
    return {kind: 'constant', value: from + this.#below(below)}
  }

  #register(numbers: readonly string[]): Expression {
    return {kind: 'register', register: this.#pick(numbers)}
  }

  #false(numbers: readonly string[]): Expression {
    return {kind: 'false', register: this.#pick(numbers), value: this.#below(3)}
  }

  #call(kind: keyof Calls): string {
    return this.#pick(this.#palette[kind])
  }

  // ---- critical sections and grace periods around what there is ----

  /** Puts a part of some threads' work into critical sections of a lock, of RCU or of SRCU, or a grace period into it. */
  #inSections(threads: readonly (readonly Instruction[])[], memory: Word[]): readonly (readonly Instruction[])[] {
    switch (this.#vocabulary) {
      case 'c11': case 'atomics': return threads
      case 'kernel':
        if (this.#chance(0.85)) return threads
        memory.push({word: 'l', init: 0})
        return threads.map(made => this.#chance(0.7) ? this.#locked(made) : made)
      case 'rcu':
        if (this.#chance(0.7)) return threads.map(made => JSON.stringify(made).includes('rcu') || this.#chance(0.3) ? made : this.#withRcu(made))
        memory.push({word: 's', init: 0})
        return threads.map(made => this.#withSrcu(made))
    }
  }

  #locked(made: readonly Instruction[]): readonly Instruction[] {
    const [before, inside, after] = this.#split(made)
    const at: Place = {kind: 'word', word: 'l'}
    const unlock: Instruction = {op: 'sync', call: 'spin_unlock', at}
    if (this.#chance(0.7)) return [...before, {op: 'sync', call: 'spin_lock', at}, ...inside, unlock, ...after]
    const to = this.#fresh()
    if (this.#chance(0.2)) return [...before, {op: 'load', call: 'spin_is_locked', to, at}, ...inside, ...after]
    // all that comes after is inside as well: it may use registers that are set inside
    const then = [...inside, unlock, ...after]
    const guarded: Instruction = {op: 'when', condition: {kind: 'register', register: to}, then, otherwise: [], to: this.#fresh(), results: null}
    return [...before, {op: 'load', call: 'spin_trylock', to, at}, guarded]
  }

  #withRcu(made: readonly Instruction[]): readonly Instruction[] {
    const fence = (call: string): Instruction => ({op: 'fence', call})
    const [before, work, after] = this.#split(made)
    if (this.#chance(0.5)) {
      const inside = [fence('rcu_read_lock'), ...work, fence('rcu_read_unlock')]
      const nested = this.#chance(0.1) ? [fence('rcu_read_lock'), ...inside, fence('rcu_read_unlock')] : inside
      return [...before, ...nested, ...after]
    }
    return this.#chance(0.8) ? [...before, ...work, fence('synchronize_rcu'), ...after] : made
  }

  #withSrcu(made: readonly Instruction[]): readonly Instruction[] {
    const [before, inside, after] = this.#split(made)
    const at: Place = {kind: 'word', word: 's'}
    const cookie = this.#fresh()
    if (this.#chance(0.4)) return [...before, ...inside, {op: 'sync', call: 'synchronize_srcu', at}, ...after]
    return [
      ...before, {op: 'load', call: 'srcu_read_lock', to: cookie, at}, ...inside,
      {op: 'store', call: 'srcu_read_unlock', at, value: {kind: 'register', register: cookie}}, ...after,
    ]
  }

  /** What comes before, in and after some part of a thread that is not empty. */
  #split(made: readonly Instruction[]): readonly [readonly Instruction[], readonly Instruction[], readonly Instruction[]] {
    const from = this.#below(made.length)
    const to = from + 1 + this.#below(made.length - from)
    return [made.slice(0, from), made.slice(from, to), made.slice(to)]
  }

  // ---- chance ----

  #fresh(): string {
    return `r${this.#registers++}`
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #chance(probability: number): boolean {
    return this.#random() < probability
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)]!
  }
}
