/** The text of a litmus test, and errors that point into it. */

export interface Source {
  /** The file's name, as errors print it. */
  readonly file: string
  readonly text: string
  /** What offsets count from, in a part of the test; 0 if left out. */
  readonly base?: number
}

export interface Position {
  readonly line: number
  readonly column: number
}

/** Line and column, both from 1, of an offset into a text. */
export function positionOf(text: string, offset: number): Position {
  const before = text.slice(0, offset)
  const lines = before.split('\n')
  return {line: lines.length, column: lines.at(-1)!.length + 1}
}

/** A litmus test that cannot be read, or that asks for something that no model here knows. */
export class LitmusError extends Error {
  override readonly name = 'LitmusError'
  readonly file: string
  readonly line: number
  readonly column: number
  /** What is wrong, without the position. */
  readonly problem: string

  constructor(source: Source, offset: number, problem: string) {
    const {line, column} = positionOf(source.text, offset + (source.base ?? 0))
    super(`${source.file}:${line}:${column}: ${problem}`)
    this.file = source.file
    this.line = line
    this.column = column
    this.problem = problem
  }
}
