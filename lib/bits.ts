/** Rows of bits: sets of small numbers, 32 to a word, anywhere inside a typed array. */

/** The lowest bit that is set in a word; the word must not be 0. */
export const lowest = (bits: number): number => 31 - Math.clz32(bits & -bits)

/**
 * The first member of the row `rows[at…at + words]` above `after`, or -1: without allocation,
 * `for (let each = next(rows, at, words, -1); each >= 0; each = next(rows, at, words, each))`
 * visits them all, those included that were added above `each` meanwhile.
 */
export function next(rows: Int32Array, at: number, words: number, after: number): number {
  let mask = -1 << (after + 1)
  for (let word = (after + 1) >> 5; word < words; word++) {
    const bits = rows[at + word]! & mask
    if (bits !== 0) return (word << 5) + lowest(bits)
    mask = -1
  }
  return -1
}

/** Is `member` in the row at `at`? */
export function isIn(rows: Int32Array, at: number, member: number): boolean {
  return ((rows[at + (member >> 5)]! >>> (member & 31)) & 1) === 1
}

export function put(rows: Int32Array, at: number, member: number): void {
  rows[at + (member >> 5)]! |= 1 << (member & 31)
}

export function drop(rows: Int32Array, at: number, member: number): void {
  rows[at + (member >> 5)]! &= ~(1 << (member & 31))
}
