/** `tearproof litmus --generate`: litmus tests from cycles of edges, as diy7 writes them. */
import {CycleError, generateLitmus, WrongInput, type Dialect} from '../../lib/index.ts'

/** A cycle that makes no test. The message shows the edge, and says what would fit there. */
export class BadCycle extends WrongInput {
  override readonly name = 'BadCycle'
}

/** A test for each cycle. @throws {BadCycle} for the first that makes none. */
export function generated(words: readonly string[], dialect: Dialect | null): readonly string[] {
  return cyclesIn(words).map(cycle => {
    try {
      return generateLitmus(cycle, dialect === null ? {} : {dialect})
    } catch (error) {
      if (error instanceof CycleError) throw new BadCycle(`${error.message}\n  ${cycle}\n  ${' '.repeat(error.at)}^`)
      throw error
    }
  })
}

/** A cycle is an argument in quotes, or a name such as `C-RW-R+RW-G`; edges that are arguments of their own make one together. */
function cyclesIn(words: readonly string[]): readonly string[] {
  const cycles: string[] = []
  let open = false
  for (const word of words) {
    const isEdge = /^\w+$/.test(word)
    if (isEdge && open) cycles[cycles.length - 1] += ` ${word}`
    else cycles.push(word)
    open = isEdge
  }
  return cycles
}
