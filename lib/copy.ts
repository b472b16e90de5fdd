/**
 * Copies of aggregates, and words wider than the machine: several accesses that are one in the source.
 *
 * A copy is one access per word in no promised order (a compiler may reorder plain accesses, and
 * Rust's and C++'s atomic memcpy promise none: RFC 3301, P1478). The models give plain and relaxed
 * accesses no order among themselves, so the program order used here does not matter; a test holds
 * that to be so.
 */
import {readPlain, writePlain} from './kernel.ts'
import type {Address, Proc} from './program.ts'
import type {Location, Operand, Value} from './value.ts'

/** How one word of a copy is read or written: `readPlain`, `readOnce`, or `at => load(at, 'Relaxed')`. */
export type ReadWord = (at: Address) => Proc<Value>
export type WriteWord = (at: Address, value: Operand) => Proc

type Fields = Readonly<Record<string, Location>>

/** Copies a struct out of shared memory, word by word: plain, or with the access given. */
export function* readStruct<F extends Fields>(from: F, readWord: ReadWord = readPlain): Proc<{readonly [K in keyof F]: Value}> {
  const copied: [string, Value][] = []
  for (const [field, location] of Object.entries(from)) copied.push([field, yield* readWord(location)])
  return Object.fromEntries(copied) as {[K in keyof F]: Value}
}

/** Copies a struct into shared memory, word by word: plain, or with the access given. */
export function* writeStruct<F extends Fields>(to: F, values: {readonly [K in keyof F]: Operand}, writeWord: WriteWord = writePlain): Proc {
  for (const [field, location] of Object.entries(to)) yield* writeWord(location, values[field]!)
}

/** A word of 32 bits on a machine of 16, as it were: each half is a location of its own, so the word can tear. */
export interface Tearable {
  readonly low: Location
  readonly high: Location
}

const half = 0x10000

/** The two halves' initial values of a tearable word: `memory.struct('count', halves(0x12345))`. */
export function halves(init: number): {low: number; high: number} {
  return {low: init & (half - 1), high: init >>> 16}
}

/** Reads a tearable word: two accesses, between which it may change. */
export function* readTearable({low, high}: Tearable, readWord: ReadWord = readPlain): Proc<Value> {
  const lower = yield* readWord(low)
  const upper = yield* readWord(high)
  return upper.times(half).or(lower)
}

/** Writes a tearable word: two accesses, between which it may be read. */
export function* writeTearable({low, high}: Tearable, value: Value, writeWord: WriteWord = writePlain): Proc {
  yield* writeWord(low, value.and(half - 1))
  yield* writeWord(high, value.shiftRight(16).and(half - 1))
}
