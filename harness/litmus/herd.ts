/**
 * An answer in herd7's own form, as the kernel's scripts read it.
 *
 * Source: herdtools7, herd/top_herd.ml; tools/memory-model/scripts/judgelitmus.sh.
 */
import {inThousands} from '../numbers.ts'
import type {Judged} from './answer.ts'

const kinds = {'exists': 'Allowed', '~exists': 'Forbidden', 'forall': 'Required'} as const

/** What herd7 prints of a test; it ends with an empty line. */
export function herdText(judged: Judged): string {
  const {name, quantifier, states, positive, negative, condition, verdict, seconds, witness} = judged
  const [ofCondition, others] = quantifier === '~exists' ? [negative, positive] : [positive, negative]
  const lines = [
    `Test ${name} ${kinds[quantifier]}`,
    `States ${states.length}`,
    ...states.map(({state}) => state),
    `${judged.loops ? 'Loop ' : ''}${conclusion(judged)}`,
    'Witnesses',
    `Positive: ${ofCondition} Negative: ${others}`,
    ...herdFlags(judged).map(flag => `Flag ${flag}`),
    `Condition ${condition}`,
    `Observation ${name} ${verdict === 'unknown' ? 'Unknown' : verdict} ${positive} ${negative}`,
    `Time ${name} ${seconds.toFixed(2)}`,
    '',
  ]
  return `${[...lines, ...witness === null ? [] : [...witness, '']].join('\n')}\n`
}

/** A race is undefined behaviour in C: then the condition decides nothing. */
function conclusion(judged: Judged): string {
  if (herdFlags(judged).includes(undefinedBehaviour)) return 'Undef'
  return judged.ok === null ? 'Unknown' : judged.ok ? 'Ok' : 'No'
}

const undefinedBehaviour = '*undef*'

/** herd7's C11 models call a race undefined behaviour, its kernel model a data race. */
export function herdFlags({flags, model}: Pick<Judged, 'flags' | 'model'>): readonly string[] {
  return model === 'lkmm' ? flags : flags.map(flag => flag === 'data-race' ? undefinedBehaviour : flag)
}

/** What a person should know besides; herd7 warns in this way. */
export function warnings({file, panics, unknown, positive, negative, verdict}: Judged): readonly string[] {
  const warning = (text: string): string => `Warning: File "${file}": ${text}`
  const covered = inThousands(positive + negative)
  return [
    ...panics.map(panic => warning(`${panic}; executions in which this happens are not counted`)),
    ...unknown.map(each => warning(`${verdict === 'unknown' ? 'unknown: ' : ''}${each}; ${covered} executions are covered, legal outcomes may be missing`)),
  ]
}
