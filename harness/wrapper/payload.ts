/**
 * The payloads' words: what a value of T looks like in memory, and when it is whole and valid.
 *
 * The n-th value has the number n + 1 in every word, so that a snapshot of two versions shows. `Either` has a tag and a
 * word that is a number below {@link references} or, standing for `&'static usize`, one from there on.
 * `Rc`, `Homed` and `Loud` are one word that points to an object of their own.
 * Source of validity: the Rust Reference, "Behavior considered undefined": invalid values.
 */
import {alloc, check, free, raw, readPlain, Value, writePlain, type Heap, type Layout, type Operand, type Proc} from '../../lib/index.ts'

const references = 100

/** The claim that is checked wherever a value that is not Send is used or dropped. */
export const atHome = 'a value that is not Send stays on its thread'

/** What a value owns or borrows outside of its words, and how it is made, used through `&T`, and dropped. Threads are numbered from 0, the main one. */
export interface Owned {
  readonly layout: Layout
  readonly make: (n: number, objects: Heap, thread: number) => Proc<readonly Operand[]>
  readonly use: (words: readonly Operand[], objects: Heap, thread: number) => Proc
  readonly drop: (words: readonly Operand[], objects: Heap, thread: number) => Proc
  /** Null: it is not Clone. */
  readonly clone: ((words: readonly Operand[], objects: Heap, thread: number) => Proc<readonly Operand[]>) | null
}

/** `Rc<u8>`: a plain count and the value (std: `RcBox`), and which thread it belongs to. Using it clones it for a moment. */
const counted: Owned = {
  layout: {count: 1, value: 1, home: 1},
  * make(n, objects, thread) {
    return [yield* alloc(objects, {count: 1, value: n + 1, home: thread} as never, {name: 'Rc::new'})]
  },
  * use(words, objects, thread) {
    const {count, value} = yield* atHomeOf(words, objects, thread)
    yield* writePlain(count, (yield* readPlain(count)).plus(1))
    yield* readPlain(value)
    yield* dropCounted(words[0]!, count)
  },
  * drop(words, objects, thread) {
    const {count} = yield* atHomeOf(words, objects, thread)
    yield* dropCounted(words[0]!, count)
  },
  * clone(words, objects, thread) {
    const {count} = yield* atHomeOf(words, objects, thread)
    yield* writePlain(count, (yield* readPlain(count)).plus(1))
    return words
  },
}

function* atHomeOf(words: readonly Operand[], objects: Heap, thread: number): Proc<{readonly count: Value; readonly value: Value}> {
  const {count, value, home} = objects.at(words[0]!) as unknown as {count: Value; value: Value; home: Value}
  yield* check(atHome, (yield* readPlain(home)).eq(thread))
  return {count, value}
}

function* dropCounted(pointer: Operand, count: Value): Proc {
  const left = (yield* readPlain(count)).minus(1)
  yield* writePlain(count, left)
  if ((yield* raw(left.eq(0))) !== 0) yield* free(pointer, {name: 'drop(Rc)'})
}

/** What anybody may look at, and only the thread that made it may drop. */
const homed: Owned = {
  layout: {value: 1, home: 1},
  * make(n, objects, thread) {
    return [yield* alloc(objects, {value: n + 1, home: thread} as never, {name: 'Homed'})]
  },
  * use(words) {
    yield* readPlain(Value.of(words[0]!))
  },
  * drop(words, objects, thread) {
    const {home} = objects.at(words[0]!) as unknown as {home: Value}
    yield* check(atHome, (yield* readPlain(home)).eq(thread))
    yield* free(words[0]!, {name: 'drop(Homed)'})
  },
  clone: null,
}

/** A value that must be dropped, once: dropping it frees its object, so that doing so twice shows, and so does using it afterwards. */
const loud: Owned = {
  layout: {value: 1},
  * make(n, objects) {
    return [yield* alloc(objects, {value: n + 1} as never, {name: 'Loud'})]
  },
  * use(words) {
    yield* readPlain(Value.of(words[0]!))
  },
  * drop(words) {
    yield* free(words[0]!, {name: 'drop(Loud)'})
  },
  * clone(words, objects) {
    return [yield* alloc(objects, {value: yield* readPlain(Value.of(words[0]!))} as never, {name: 'Loud::clone'})]
  },
}

function* nothing(): Proc {
  return
}

export interface PayloadWords {
  readonly name: string
  /** Words of a T. */
  readonly size: number
  /** The words of the n-th value. */
  readonly fresh: (n: number) => readonly number[]
  /** Is this a value that somebody stored as one? Null: it always is. */
  readonly isWhole: ((words: readonly Operand[]) => Value) | null
  /** Does Rust allow such a T to be made at all? Null: it always does. */
  readonly isValid: ((words: readonly Operand[]) => Value) | null
  /** Using it through `&T` writes to it too: interior mutability. */
  readonly mutatesWhenUsed: boolean
  /** Null: its words are all there is of it, and dropping it does nothing. */
  readonly owned: Owned | null
  /** It owns nothing: it points to an object that a variable of the client owns. */
  readonly borrows: boolean
}

const at = (words: readonly Operand[], i: number): Value => Value.of(words[i]!)

/** By the names of rust/payloads.ts. */
export const payloadWords: ReadonlyMap<string, PayloadWords> = new Map(([
  {name: 'u8', size: 1, fresh: n => [n + 1], isWhole: null, isValid: null, mutatesWhenUsed: false, owned: null, borrows: false},
  {name: 'Pair', size: 2, fresh: n => [n + 1, n + 1], isWhole: words => at(words, 0).eq(at(words, 1)), isValid: null, mutatesWhenUsed: false, owned: null, borrows: false},
  {name: 'bool', size: 1, fresh: n => [n % 2], isWhole: null, isValid: words => at(words, 0).eq(0).or(at(words, 0).eq(1)), mutatesWhenUsed: false, owned: null, borrows: false},
  {
    name: 'Either', size: 2, fresh: n => n % 2 === 0 ? [0, n + 1] : [1, references + n + 1], isWhole: null,
    isValid: words => at(words, 0).eq(at(words, 1).ge(references)), mutatesWhenUsed: false, owned: null, borrows: false,
  },
  {name: '&\'static u8', size: 1, fresh: n => [references + n + 1], isWhole: null, isValid: words => at(words, 0).ne(0), mutatesWhenUsed: false, owned: null, borrows: false},
  {name: 'Cell<u8>', size: 1, fresh: n => [n + 1], isWhole: null, isValid: null, mutatesWhenUsed: true, owned: null, borrows: false},
  {name: 'Rc<u8>', size: 1, fresh: n => [n + 1], isWhole: null, isValid: null, mutatesWhenUsed: false, owned: counted, borrows: false},
  {name: 'Homed', size: 1, fresh: n => [n + 1], isWhole: null, isValid: null, mutatesWhenUsed: false, owned: homed, borrows: false},
  {name: 'Loud', size: 1, fresh: n => [n + 1], isWhole: null, isValid: null, mutatesWhenUsed: false, owned: loud, borrows: false},
  {name: '&Loud', size: 1, fresh: n => [n + 1], isWhole: null, isValid: null, mutatesWhenUsed: false, owned: {...loud, drop: nothing}, borrows: true},
  {name: "Peek<'_>", size: 1, fresh: n => [n + 1], isWhole: null, isValid: null, mutatesWhenUsed: false, owned: {...loud, drop: loud.use}, borrows: true},
] satisfies readonly PayloadWords[]).map(words => [words.name, words]))
