/** What went wrong with an object that died, in words: who used it where, who ended it, and how the pointer got there. */
import type {Failure} from '../lib/index.ts'
import type {Timeline} from './timeline.ts'

type Fault = Extract<Failure, {kind: 'fault'}>

/** The headline's words. */
export function faultTitle(failure: Fault): string {
  const {fault, thread, object} = failure
  switch (fault) {
    case 'use-after-free': return `: ${thread} uses ${object} after it was freed`
    case 'double-free': return `: ${thread} frees ${object} a second time`
    case 'zombie': return `: ${thread} uses a zombie pointer to ${object}`
    case 'uninitialised': return failure.rebirth < 0 ? `: ${thread} reads what was never written` : `: ${thread} reads ${object} as it was before it was written`
    case 'leak': return `: ${object} leaks`
  }
}

/** A stable code for each kind of fault. */
export function faultCode({fault}: Fault): string {
  return `V-${fault.toUpperCase()}`
}

/** The story, in sentences that refer to the timeline's rows. */
export function faultStory(failure: Fault, {rows, rowOf, threads}: Timeline): readonly string[] {
  const {fault, object, now, ofPointer} = failure
  const row = (event: number): string => String(rowOf.get(event) ?? '?')
  const who = (event: number): string => threads[rows[(rowOf.get(event) ?? 0) - 1]?.operation.thread ?? -1] ?? 'somebody'
  const ended = failure.death < 0 ? [] : [`${object} died in ${row(failure.death)}, where ${who(failure.death)} freed it.`]
  const kept = failure.kept === failure.event ? '' : `${failure.thread} had the pointer ${
    failure.kept >= 0 ? `from its read in ${row(failure.kept)}` : failure.isOwn ? 'from its own allocation' : 'from the start'}.`
  const use = row(failure.event)
  switch (fault) {
    case 'use-after-free': case 'double-free': return [...ended, `${use} comes after that.`, kept]
    case 'zombie':
      if (ofPointer) return [...ended, `Nothing makes ${use} happen before that, and there the pointer itself is used.`]
      return [...ended, `Its address came back: since ${row(failure.rebirth)} ${who(failure.rebirth)}'s ${now} is there, and ${use} takes it for ${object}.`, kept]
    case 'uninitialised':
      if (failure.rebirth < 0) return [`${use} finds it as it was before anybody wrote to it.`]
      return [`${use} finds it as it was before ${row(failure.rebirth)}, where ${who(failure.rebirth)} wrote to it.`, kept]
    case 'leak': return [`It lives at the end, and neither lasting memory nor what threads returned leads to it.`]
  }
}
