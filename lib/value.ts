/**
 * Values that remember which reads they come from.
 *
 * A read does not return a number but a Value: a constant, the result of a read that may not have
 * been decided yet, or an expression over such. Computing with a Value keeps its reads, so that the
 * engine knows the data, address and control dependencies of everything a thread does later
 * (herd's addr, data and ctrl; LKMM's Documentation/explanation.txt, "DEPENDENCY RELATIONS").
 */

/** A word of shared memory: a named place inside an object. */
export interface Location {
  readonly kind: 'location'
  /** As printed in reports: `seq`, `data.a`, `slots[1]`. */
  readonly name: string
  /** Position in the program's memory, 0, 1, 2 … */
  readonly index: number
  /** What the word holds before any thread runs. */
  readonly init: Scalar
  /** The object that this word is part of: its first word, and how many words it has. */
  readonly object: MemoryObject
  /** Low bits set by the program in a pointer to the word; 0 in one that can be dereferenced. */
  readonly tag: number
}

/** A run of words. Two objects may have the same words, one after the other, if they come from a heap. */
export interface MemoryObject {
  readonly name: string
  readonly first: number
  readonly size: number
  /** The heap that it comes from; null for memory that lasts. See heap.ts. */
  readonly heap: HeapObject | null
}

/** What is known of an object on a heap: with its identity, the provenance of the pointers to it. */
export interface HeapObject {
  /** The word that says whether the place is in use: how the allocator orders a free before the next allocation. */
  readonly status: Location
  /** There when the program starts; in a place never used before; in one whose object was freed. */
  readonly origin: 'start' | 'fresh' | 'reused'
}

/** What a word of memory can hold: an integer, or the address of a word (null is 0, as in C). */
export type Scalar = number | Location

export type Operator =
  | '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>'
  | '==' | '!=' | '<' | '<=' | '>' | '>=' | '!' | '~' | 'neg'

/** Anything a thread may hand to an operation where a value is wanted. */
export type Operand = Value | Scalar | boolean

const none: readonly number[] = []

/** TypeScript keeps strings out, but neither fractions nor NaN, which differs from itself. */
function mustFit(operand: Scalar | boolean): void {
  const fits = typeof operand === 'number' ? Number.isInteger(operand) : typeof operand === 'boolean' || (operand as Location | undefined)?.kind === 'location'
  if (!fits) throw new TypeError(`a word holds an integer or a pointer, and not ${typeof operand === 'number' ? operand : `a JavaScript ${typeof operand}`}`)
}

/**
 * A value inside a thread. `reads` are the thread's own reads that it is computed from (data), and
 * `control` those that decided which of several values it is (a register assigned in an arm of `when`).
 * Both are positions in the thread's event list.
 */
export class Value {
  readonly kind: 'const' | 'read' | 'apply'
  readonly scalar: Scalar
  readonly operator: Operator | null
  readonly args: readonly Value[]
  readonly reads: readonly number[]
  readonly control: readonly number[]

  private constructor(
    kind: Value['kind'], scalar: Scalar, operator: Operator | null,
    args: readonly Value[], reads: readonly number[], control: readonly number[],
  ) {
    this.kind = kind
    this.scalar = scalar
    this.operator = operator
    this.args = args
    this.reads = reads
    this.control = control
  }

  static of(operand: Operand): Value {
    if (operand instanceof Value) return operand
    mustFit(operand)
    return new Value('const', typeof operand === 'boolean' ? Number(operand) : operand, null, [], none, none)
  }

  /** The result of the thread's `event`-th event, which is a read. */
  static read(event: number): Value {
    return new Value('read', event, null, [], [event], none)
  }

  static apply(operator: Operator, ...operands: readonly Operand[]): Value {
    const args = operands.map(Value.of)
    const reads = union(args.map(arg => arg.reads))
    const control = union(args.map(arg => arg.control))
    if (reads.length === 0) {
      const decided = Value.of(compute(operator, args.map(arg => arg.scalar)))
      return control.length === 0 ? decided : decided.under(control)
    }
    return new Value('apply', 0, operator, args, reads, control)
  }

  /** The same value, known to have been chosen by a condition over `reads`. */
  under(reads: readonly number[]): Value {
    return new Value(this.kind, this.scalar, this.operator, this.args, this.reads, union([this.control, reads]))
  }

  plus(other: Operand): Value { return Value.apply('+', this, other) }
  minus(other: Operand): Value { return Value.apply('-', this, other) }
  times(other: Operand): Value { return Value.apply('*', this, other) }
  /** C's integer division: towards zero. */
  over(other: Operand): Value { return Value.apply('/', this, other) }
  mod(other: Operand): Value { return Value.apply('%', this, other) }
  and(other: Operand): Value { return Value.apply('&', this, other) }
  or(other: Operand): Value { return Value.apply('|', this, other) }
  xor(other: Operand): Value { return Value.apply('^', this, other) }
  shiftLeft(other: Operand): Value { return Value.apply('<<', this, other) }
  shiftRight(other: Operand): Value { return Value.apply('>>', this, other) }
  eq(other: Operand): Value { return Value.apply('==', this, other) }
  ne(other: Operand): Value { return Value.apply('!=', this, other) }
  lt(other: Operand): Value { return Value.apply('<', this, other) }
  le(other: Operand): Value { return Value.apply('<=', this, other) }
  gt(other: Operand): Value { return Value.apply('>', this, other) }
  ge(other: Operand): Value { return Value.apply('>=', this, other) }
  not(): Value { return Value.apply('!', this) }

  /** Why `if (value)` and `value + 1` do not work: the value may not be decided yet. */
  [Symbol.toPrimitive](): never {
    throw new TypeError(
      'a value read from shared memory was used as a plain JavaScript value; '
      + 'compute with its methods (x.plus(1), x.eq(0)), branch with when(x, …), or ask with yield* raw(x)')
  }
}

/** Does the value hold as a condition? A pointer is true, null is 0. */
export function truth(scalar: Scalar): boolean {
  return scalar !== 0
}

/**
 * Computes one operator on decided operands, as C does on `int` (arithmetic wraps at 32 bits).
 * A pointer plus a number is another word of the same object.
 * @throws {RangeError} for arithmetic that C leaves undefined: division by zero, pointer arithmetic
 *   out of the object or on two pointers other than comparison.
 */
export function compute(operator: Operator, args: readonly Scalar[]): Scalar {
  const [a, b = 0] = args
  if (a === undefined) throw new RangeError(`operator ${operator} needs an operand`)
  switch (operator) {
    case '==': return Number(isSame(a, b))
    case '!=': return Number(!isSame(a, b))
    case '!': return Number(a === 0)
  }
  if (typeof a !== 'number' || typeof b !== 'number') return computePointer(operator, a, b)
  switch (operator) {
    case '+': return (a + b) | 0
    case '-': return (a - b) | 0
    case '*': return Math.imul(a, b)
    case '/':
    case '%':
      if (b === 0) throw new RangeError(divisionByZero)
      return operator === '/' ? (a / b) | 0 : a % b | 0
    case '&': return a & b
    case '|': return a | b
    case '^': return a ^ b
    case '<<': return a << b
    case '>>': return a >> b
    case '<': return Number(a < b)
    case '<=': return Number(a <= b)
    case '>': return Number(a > b)
    case '>=': return Number(a >= b)
    case '~': return ~a
    case 'neg': return -a | 0
  }
}

/** What a value that was divided by zero is, by the name of its scalar. */
export const divisionByZero = 'division by zero'

/** Is it computed by dividing? */
export function isQuotient({kind, operator, args}: Value): boolean {
  return kind === 'apply' && (isDivision(operator) || args.some(isQuotient))
}

export function isDivision(operator: Operator | null): boolean {
  return operator === '/' || operator === '%'
}

/** Do two scalars compare equal? Pointers do by their address, whichever object they come from. */
export function isSame(a: Scalar, b: Scalar): boolean {
  return a === b || (typeof a !== 'number' && typeof b !== 'number' && a.index >= 0 && a.index === b.index && a.tag === b.tag)
}

function computePointer(operator: Operator, a: Scalar, b: Scalar): Scalar {
  // a ^ a and a - a cancel whatever a is, as the litmus tests for broken dependencies use them
  if ((operator === '^' || operator === '-') && isSame(a, b)) return 0
  if (operator === '&' && (a === 0 || b === 0)) return 0
  const [pointer, number] = typeof a === 'number' ? [b, a] : [a, b]
  if (typeof pointer === 'number' || pointer.index < 0) throw notDefined(operator, a, b)
  switch (operator) {
    case '%': case '/': case '>>': case '<': case '<=': case '>': case '>=':
      if (isUndefined(a) || isUndefined(b)) throw notDefined(operator, a, b)
      return compute(operator, [addressOf(a), addressOf(b)])
  }
  if (typeof number !== 'number') throw notDefined(operator, a, b)
  switch (operator) {
    case '+': return displace(pointer, number)
    case '-': if (typeof a !== 'number') return displace(pointer, -number); break
    case '|': return tagged(pointer, pointer.tag | mustBeTag(operator, number))
    case '^': return tagged(pointer, pointer.tag ^ mustBeTag(operator, number))
    case '&':
      if (isTag(number)) return pointer.tag & number
      return tagged(pointer, pointer.tag & ~mustBeTag('& ~', ~number))
  }
  throw notDefined(operator, a, b)
}

function notDefined(operator: Operator, a: Scalar, b: Scalar): RangeError {
  const junk = [a, b].find(isUndefined)
  return new RangeError(junk === undefined ? `operator ${operator} is not defined on a pointer` : `operator ${operator} on ${junk.name}`)
}

/** Words are 8 bytes apart, so the lowest 3 bits of a pointer are free for tags. */
const alignment = 8

function isTag(number: number): boolean {
  return number >= 0 && number < alignment
}

function mustBeTag(operator: string, number: number): number {
  if (!isTag(number)) throw new RangeError(`operator ${operator} of a pointer and ${number}: only its 3 low bits are free, for tags up to ${alignment - 1}`)
  return number
}

/** The number behind a pointer, for hashing and ordering. */
function addressOf(scalar: Scalar): number {
  return typeof scalar === 'number' ? scalar : (scalar.index + 1) * alignment + scalar.tag
}

/** The same pointer with these low bits. */
function tagged(pointer: Location, tag: number): Location {
  const word = wordsOf.get(pointer.object)![pointer.index - pointer.object.first]!
  if (tag === 0) return word
  const variants = taggedOf.get(word) ?? []
  taggedOf.set(word, variants)
  return variants[tag] ??= {...word, name: `${word.name}|${tag}`, tag}
}

const taggedOf = new WeakMap<Location, (Location | undefined)[]>()

/** Pointer arithmetic: the word `offset` words behind another one of its object. */
function displace(from: Location, offset: number): Location {
  const found = wordsOf.get(from.object)?.[from.index + offset - from.object.first]
  if (found !== undefined) return from.tag === 0 ? found : tagged(found, from.tag)
  throw new RangeError(`${from.name} + ${offset} is outside of ${from.object.name}, which has ${from.object.size} words`)
}

const wordsOf = new WeakMap<Location['object'], readonly Location[]>()

/** Makes the words of one object. `first` is the index of its first word in the program's memory. */
export function makeObject(name: string, first: number, words: readonly {name: string; init: Scalar}[], heap: HeapObject | null = null): Location[] {
  const object: MemoryObject = {name, first, size: words.length, heap}
  const made = words.map((word, i): Location => ({kind: 'location', name: word.name, index: first + i, init: word.init, object, tag: 0}))
  wordsOf.set(object, made)
  return made
}

/**
 * A value that no program can compute with: of arithmetic that C leaves undefined, out of thin air, or
 * what memory holds that was freed or never written. It is equal to itself only, and no word of memory.
 */
export function undefinedScalar(name: string): Location {
  return {kind: 'location', name, index: -1, init: 0, object: {name, first: -1, size: 0, heap: null}, tag: 0}
}

/** What free() leaves behind. */
export const poison = undefinedScalar('freed memory')

/** What an object holds before it is written. */
export const uninitialised = undefinedScalar('uninitialised memory')

/** Is it a value that `undefinedScalar` made? */
export function isUndefined(scalar: Scalar): scalar is Location {
  return typeof scalar !== 'number' && scalar.index < 0
}

/** Sorted union of sorted lists of event positions. */
export function union(lists: readonly (readonly number[])[]): readonly number[] {
  let all = none
  for (let i = 0; i < lists.length; i++) {
    const list = lists[i]!
    if (list.length > 0) all = all.length === 0 ? list : merged(all, list)
  }
  return all
}

function merged(a: readonly number[], b: readonly number[]): readonly number[] {
  const all = a.slice()
  for (let i = 0; i < b.length; i++) if (!a.includes(b[i]!)) all.push(b[i]!)
  return all.length === a.length ? a : all.sort((x, y) => x - y)
}

/** A scalar as reports print it. */
export function showScalar(scalar: Scalar): string {
  if (typeof scalar === 'number') return String(scalar)
  const {name} = scalar
  return isUndefined(scalar) ? name : `&${name}`
}

/** The scalar of a value, given its reads' scalars; undefined while one of them is not known. */
export function evaluate(value: Value, read: (position: number) => Scalar | undefined): Scalar | undefined {
  switch (value.kind) {
    case 'const': return value.scalar
    case 'read': return read(value.scalar as number)
    case 'apply': {
      const args: Scalar[] = []
      for (const arg of value.args) {
        const scalar = evaluate(arg, read)
        if (scalar === undefined) return undefined
        args.push(scalar)
      }
      return compute(value.operator!, args)
    }
  }
}
