/**
 * The smallest programs in which a sequence lock can fail: two words of data, and version v of the data
 * has v in both, so that a torn snapshot shows.
 */
import {program, raw, type Location, type Memory, type Program} from '../../lib/index.ts'
import {defineSeqcount, type Seqcount, type SequenceLock} from '../../primitives/index.ts'

/** What a reader returns: the words, and the count that it validated them against. */
export interface Snapshot {
  readonly start: number
  readonly a: number
  readonly b: number
}

/** What the reader returned; null if it must try again. */
interface Outcome {
  readonly reader: Snapshot | null
}

/** A reader never returns words of different versions. */
export const tornSnapshot = 'no torn snapshot'
/** A reader never returns a word older than the write section that its count says has ended. */
export const staleSnapshot = 'no stale snapshot'
/** A reader never returns a word of a write section that its count says has not ended. */
export const unfinishedSnapshot = 'no snapshot of an unfinished write'

const isWhole = ({a, b}: Snapshot): boolean => a === b

/** How many write sections had ended, says the count: every one adds 2. */
const version = ({start}: Snapshot): number => start >> 1

/** The claims on what one reader returns. */
export const snapshotClaims = {
  [tornSnapshot]: ({reader}: Outcome) => reader === null || isWhole(reader),
  [staleSnapshot]: ({reader}: Outcome) => reader === null || Math.min(reader.a, reader.b) >= version(reader),
  [unfinishedSnapshot]: ({reader}: Outcome) => reader === null || Math.max(reader.a, reader.b) <= version(reader),
}

/** Without these the claims say little. */
export const snapshotWitnesses = {
  'some reader returns the old snapshot': ({reader}: Outcome) => reader !== null && isWhole(reader) && reader.a === 0,
  'some reader returns the new snapshot': ({reader}: Outcome) => reader !== null && isWhole(reader) && reader.a > 0,
  'some reader must try again': ({reader}: Outcome) => reader === null,
}

/** One writer, with `writes` write sections, and one reader, who tries once. */
export function snapshots<Section>(name: string, lock: SequenceLock<Section>, writes = 1): Program<never> {
  return program(name, (memory: Memory) => {
    const count = defineSeqcount(memory, 'count')
    const data = twoWords(memory)
    return {
      threads: {
        writer: function* () {
          for (let v = 1; v <= writes; v++) {
            const section = yield* lock.writeBegin(count)
            yield* lock.storeWord(data.a, v)
            yield* lock.storeWord(data.b, v)
            yield* lock.writeEnd(count, section)
          }
        },
        reader: () => readSnapshot(lock, count, data),
      },
      claims: snapshotClaims,
      witnesses: snapshotWitnesses,
    }
  })
}

/** One reader, who tries once. */
export function* readSnapshot<Section>(lock: SequenceLock<Section>, count: Seqcount, data: TwoWords) {
  const start = yield* lock.readBegin(count)
  const a = yield* lock.loadWord(data.a)
  const b = yield* lock.loadWord(data.b)
  const retry = yield* raw(yield* lock.readRetry(count, start))
  return retry === 0 ? {start, a, b} : null
}

export interface TwoWords {
  readonly a: Location
  readonly b: Location
}

/** The protected data, in version 0. */
export function twoWords(memory: Memory): TwoWords {
  return memory.struct('data', {a: 0, b: 0})
}
