/**
 * The payloads' words: what a value of T looks like in memory, and when it is whole and valid.
 *
 * The n-th value has the number n + 1 in every word, so that a snapshot of two versions shows. `Either` has a tag and a
 * word that is a number below {@link references} or, standing for `&'static usize`, one from there on.
 * Source of validity: the Rust Reference, "Behavior considered undefined": invalid values.
 */
import {Value, type Operand} from '../../lib/index.ts'

const references = 100

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
}

const at = (words: readonly Operand[], i: number): Value => Value.of(words[i]!)

/** By the names of rust/payloads.ts. What is not here cannot be run yet: values that own memory. */
export const payloadWords: ReadonlyMap<string, PayloadWords> = new Map(([
  {name: 'u8', size: 1, fresh: n => [n + 1], isWhole: null, isValid: null, mutatesWhenUsed: false},
  {name: 'Pair', size: 2, fresh: n => [n + 1, n + 1], isWhole: words => at(words, 0).eq(at(words, 1)), isValid: null, mutatesWhenUsed: false},
  {name: 'bool', size: 1, fresh: n => [n % 2], isWhole: null, isValid: words => at(words, 0).eq(0).or(at(words, 0).eq(1)), mutatesWhenUsed: false},
  {
    name: 'Either', size: 2, fresh: n => n % 2 === 0 ? [0, n + 1] : [1, references + n + 1], isWhole: null,
    isValid: words => at(words, 0).eq(at(words, 1).ge(references)), mutatesWhenUsed: false,
  },
  {name: '&\'static u8', size: 1, fresh: n => [references + n + 1], isWhole: null, isValid: words => at(words, 0).ne(0), mutatesWhenUsed: false},
  {name: 'Cell<u8>', size: 1, fresh: n => [n + 1], isWhole: null, isValid: null, mutatesWhenUsed: true},
] satisfies readonly PayloadWords[]).map(words => [words.name, words]))
