/** The text of Rust signatures, and errors that point into it. */
import {positionOf, WrongInput} from '../../lib/index.ts'

export interface RustSource {
  /** The file's or the wrapper's name, as errors print it. */
  readonly file: string
  readonly text: string
}

/** Signatures that cannot be read, or that are outside of what is accepted. */
export class RustError extends WrongInput {
  override readonly name = 'RustError'
  readonly line: number
  readonly column: number
  /** What is wrong, without the position. */
  readonly problem: string

  constructor({file, text}: RustSource, offset: number, problem: string) {
    const {line, column} = positionOf(text, offset)
    super(`${file}:${line}:${column}: ${problem}`)
    this.line = line
    this.column = column
    this.problem = problem
  }
}
