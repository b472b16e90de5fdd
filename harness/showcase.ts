/** Which failing executions are worth a whole report, and what is known around them. */
import {allows, sc, type Model} from '../lib/index.ts'
import {differs, type Row} from './evaluate.ts'
import {inThousands} from './numbers.ts'
import {failureReport, type ReportOptions} from './report.ts'
import {isSameSetting} from './setting.ts'
import {userSites} from './sites.ts'
import {shortName} from './token.ts'

export type BrokenRow = Row & {readonly broken: NonNullable<Row['broken']>}

/** Reports shown below a table at the most. */
const most = 3

/**
 * What to show in full: everything that broke without being expected to, one row per program; if there is no
 * such row, of what was expected to break the one execution that teaches the most.
 */
export function showcase(rows: readonly Row[]): {readonly shown: readonly BrokenRow[]; readonly left: number} {
  const broken = rows.filter((row): row is BrokenRow => row.broken !== null)
  const wrong = onePerSubject(broken.filter(differs))
  if (wrong.length > 0) return {shown: wrong.slice(0, most), left: Math.max(0, wrong.length - most)}
  const best = broken.find(teaches) ?? broken[0]
  return {shown: best === undefined ? [] : onePerSubject(broken.filter(row => row.subject === best.subject)), left: 0}
}

/** The last failing model of each subject: models are listed the strongest first. */
function onePerSubject(rows: readonly BrokenRow[]): readonly BrokenRow[] {
  return [...new Map(rows.map(row => [row.subject, row])).values()]
}

/**
 * Weak memory at work, in a claim that sequential consistency keeps: every step is as written, one barrier is
 * missing, and the validation that should have failed does not.
 */
function teaches({broken, program}: BrokenRow): boolean {
  return broken.failure.kind === 'claim' && broken.path.length > 1 && program.threads.length === 2 && !allows(sc, broken.run.execution)
}

/** How a row was found, in a few words. */
function foundAs({explored, broken}: BrokenRow): string {
  const [before, after] = [broken.found.length, broken.path.length]
  const where = broken.sample === null ? `execution ${inThousands(explored?.executions ?? 0)}` : `sample ${broken.sample}`
  if (after < before) return `${where}, reduced from ${before} choices to ${after}`
  return after === 0 ? where : `${where}, by ${choices(after)}`
}

function choices(many: number): string {
  return many === 1 ? '1 choice' : `${many} choices`
}

/** The whole report of one row, with the other models' verdicts from the same run. */
export function rowReport(row: BrokenRow, rows: readonly Row[], command: string, options: ReportOptions): string {
  const {subject, program, model, setting, broken} = row
  const others = rows.filter(other => other.subject === subject)
  return failureReport({
    name: shortName(subject.name), program, model, setting, run: broken.run, failure: broken.failure,
    command: `${command} replay ${broken.token}`,
    found: foundAs(row),
    sites: userSites(program, model, broken.run, '', broken.limits),
    elsewhere: others.filter(other => other.model !== model && isSameSetting(other.setting, setting)).map(other => ({model: nameOf(other.model), verdict: other.verdict})),
    otherwise: others.flatMap(other => other.model !== model || other.setting === null || isSameSetting(other.setting, setting) ? [] : {setting: other.setting, verdict: other.verdict}),
  }, options)
}

function nameOf({name}: Model): string {
  return name
}
