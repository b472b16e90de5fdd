/** What a sequence lock of the catalogue is made of: the writers' lock, the count and the data. */
import type {Location, Memory} from '../../lib/index.ts'
import type {PayloadWords} from '../wrapper/payload.ts'

export interface State {
  readonly lock: Location
  readonly sequence: Location
  readonly data: readonly Location[]
}

export function layout(memory: Memory, name: string, {size}: Pick<PayloadWords, 'size'>): State {
  return {lock: memory.word(`${name}.lock`), sequence: memory.word(`${name}.sequence`), data: memory.array(`${name}.data`, size)}
}
