/** What wrappers need of what they have, as a table. Pure: returns strings. */
import {list, noPaint, wrap, type Paint} from '../report.ts'
import {inThousands} from '../numbers.ts'
import {fittedTable, type SummaryOptions} from '../summary.ts'
import {shortName} from '../token.ts'
import type {Ablation} from './ablate.ts'

/** The table: wrapper, change, whether some client misses what is gone, and how. */
export function ablationTable(ablations: readonly Ablation[], {paint = noPaint, columns = Infinity}: SummaryOptions = {}): string {
  const cells = ablations.map((ablation, i) => [
    ablations[i - 1]?.wrapper === ablation.wrapper ? '' : shortName(ablation.wrapper), ablation.change, verdictOf(ablation, paint), because(ablation),
  ])
  return fittedTable(['wrapper', 'change', 'verdict', 'because'].map(paint.bold), cells, columns)
}

function verdictOf({verdict}: Ablation, paint: Paint): string {
  return {needed: paint.green, redundant: paint.yellow, unknown: paint.red}[verdict](verdict)
}

function because({verdict, by, models, clients, size}: Ablation): string {
  if (by !== null) return `a client of ${by.size} ${by.size === 1 ? 'statement' : 'statements'} breaks “${by.failure}” under ${by.model}`
  if (models.length === 0) return 'its methods cannot be run so'
  if (verdict === 'redundant' && clients === 0) return `lets no client in that was not there before, up to size ${size}`
  return verdict === 'unknown' ? `not all clients could be run to their end under ${list(models)}` : `none of ${inThousands(clients)} clients misses it, all up to size ${size} under ${list(models)}`
}

/** What the words mean, and the count. */
export function ablationLines(ablations: readonly Ablation[]): string {
  const count = (verdict: Ablation['verdict']): number => ablations.filter(ablation => ablation.verdict === verdict).length
  const parts = (['needed', 'redundant', 'unknown'] as const).filter(verdict => count(verdict) > 0).map(verdict => `${count(verdict)} ${verdict}`)
  return [
    ...wrap('Each change was made by itself. “Redundant” speaks of the clients that were run, and of nothing else that changes with it.'),
    `  ${ablations.length} ${ablations.length === 1 ? 'change' : 'changes'}: ${parts.join(', ')}.`, '',
  ].join('\n')
}
