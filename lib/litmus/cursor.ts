/** A position in the words of a test, with the small questions that a descent asks of it. */
import {LitmusError, type Source} from './source.ts'
import type {Words} from './tokens.ts'

export class Cursor {
  readonly source: Source
  readonly #words: Words
  #at = 0

  constructor(source: Source, words: Words) {
    this.source = source
    this.#words = words
  }

  /** The kind of the next word, or of one further on. */
  get kind(): string { return this.#words.kinds[this.#at]! }
  ahead(by: number): string { return this.#words.kinds[this.#at + by] ?? 'end' }
  get text(): string { return this.#words.texts[this.#at]! }
  textAhead(by: number): string { return this.#words.texts[this.#at + by] ?? '' }
  /** Where the next word begins. */
  get at(): number { return this.#words.offsets[this.#at]! }

  is(kind: string): boolean { return this.#words.kinds[this.#at] === kind }

  /** Steps over the next word if it is this punctuation. */
  skip(kind: string): boolean {
    if (this.#words.kinds[this.#at] !== kind) return false
    this.#at++
    return true
  }

  /** Steps over the next word if it is this name. */
  skipId(name: string): boolean {
    if (this.#words.texts[this.#at] !== name || this.kind !== 'id') return false
    this.#at++
    return true
  }

  take(kind: string): void {
    if (!this.skip(kind)) throw this.expected(`'${kind}'`)
  }

  id(what: string): string {
    if (this.kind !== 'id') throw this.expected(what)
    return this.#words.texts[this.#at++]!
  }

  number(what: string): number {
    if (this.kind !== 'number') throw this.expected(what)
    return toNumber(this.#words.texts[this.#at++]!)
  }

  /** The error that says what should have stood here. */
  expected(what: string): LitmusError {
    const found = this.is('end') ? 'the end of the file' : `'${this.text}'`
    return new LitmusError(this.source, this.at, `expected ${what}, found ${found}`)
  }
}

/** C's integers are 32 bits here: 0xffffffff is -1. Octal as in C. */
function toNumber(text: string): number {
  const digits = text.replace(/[uUlL]+$/, '')
  return (/^0[0-7]+$/.test(digits) ? parseInt(digits, 8) : Number(digits)) | 0
}
