/** Expected answers: from a table, or from a test's own comment; and how an answer differs from one. */
import {readFileSync} from 'node:fs'
import {WrongInput} from '../../lib/index.ts'
import {dirname, join, resolve} from 'node:path'
import type {Answer, Expected, Judged} from './answer.ts'

/** A table that is not one. */
export class BadTable extends WrongInput {
  override readonly name = 'BadTable'
}

export interface Line {
  /** As the table says it, from where we are. */
  readonly file: string
  readonly model: string | null
  readonly expected: Expected
}

/** Expected answers by file. */
export class Table {
  readonly lines: readonly Line[]
  readonly #byFile = new Map<string, Line[]>()

  constructor(lines: readonly Line[]) {
    this.lines = lines
    for (const line of lines) {
      const key = resolve(line.file)
      const known = this.#byFile.get(key)
      if (known === undefined) this.#byFile.set(key, [line])
      else known.push(line)
    }
  }

  /** The models that the table expects something of for a file; null: whichever is its own. */
  modelsOf(file: string): readonly (string | null)[] {
    return this.#byFile.get(resolve(file))?.map(({model}) => model) ?? []
  }

  expected({file, model}: Judged): Expected | null {
    return this.#byFile.get(resolve(file))?.find(line => line.model === null || line.model === model)?.expected ?? null
  }
}

/** Reads a table: CSV with a header; `file` and `verdict` must be there, paths are relative to the table's folder. */
export function readTable(file: string): Table {
  const rows = textOf(file).split(/\r?\n/).map(cells)
  const header = rows[0] ?? []
  for (const name of ['file', 'verdict']) {
    if (!header.includes(name)) throw new BadTable(`${file}:1:1: expected a header with the columns file and verdict (and model, positive, negative, states, flags where known), found '${header.join(',')}'`)
  }
  return new Table(rows.slice(1).flatMap((row, i) => row.join('') === '' ? [] : [lineOf(file, i + 2, header, row)]))
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new BadTable(`${file}: cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** The cells of a line; `"` quotes. */
function cells(line: string): readonly string[] {
  return Array.from(line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g), ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '')
}

function lineOf(table: string, number: number, header: readonly string[], row: readonly string[]): Line {
  const cell = (name: string): string => row[header.indexOf(name)]?.trim() ?? ''
  const numeral = (name: string): number | null => {
    const text = cell(name)
    if (!/^\d*$/.test(text)) throw new BadTable(`${table}:${number}:1: expected a number as ${name}, found '${text}'`)
    return text === '' ? null : Number(text)
  }
  const [positive, negative, states] = [numeral('positive'), numeral('negative'), numeral('states')]
  // an empty cell means that there are no flags only where the test was run to its end
  const finished = header.includes('flags') && (states ?? positive) !== null
  const flags = cell('flags') !== '' || finished ? cell('flags').split(';').filter(flag => flag !== '').map(flag => flag === '*undef*' ? 'data-race' : flag) : null
  return {
    file: join(dirname(table), cell('file')), model: cell('model') || null,
    expected: {by: 'table', verdict: verdictIn(table, number, cell('verdict')), positive, negative, states, flags},
  }
}

function verdictIn(table: string, number: number, text: string): Expected['verdict'] {
  if (text === '') return null
  const found = (['Never', 'Sometimes', 'Always', 'Deadlock'] as const).find(verdict => verdict.toLowerCase() === text.toLowerCase())
  if (found === undefined) throw new BadTable(`${table}:${number}:1: expected Never, Sometimes, Always or nothing as verdict, found '${text}'`)
  return found
}

/** An answer beside what was expected. */
export interface Compared {
  readonly answer: Answer
  readonly expected: Expected | null
  /** How they differ; none if nothing was expected. */
  readonly differences: readonly string[]
}

/** Compares with the table, or where that says nothing with the test's own comment. */
export function compare(answer: Answer, table: Table | null): Compared {
  if (answer.error !== null) return {answer, expected: null, differences: []}
  const expected = table?.expected(answer) ?? answer.expected
  return {answer, expected, differences: expected === null ? [] : differencesOf(answer, expected)}
}

function differencesOf(judged: Judged, expected: Expected): readonly string[] {
  const counts = judged.complete ? [
    ...number('positive', judged.positive, expected.positive),
    ...number('negative', judged.negative, expected.negative),
    ...number('states', judged.states.length, expected.states),
  ] : []
  return [...verdict(judged, expected), ...counts, ...flags(judged, expected)]
}

function verdict({verdict, states, panics, unknown}: Judged, expected: Expected): readonly string[] {
  if (expected.verdict === null || verdict === 'unknown') return []
  const found = verdict === 'Never' && states.length + panics.length + unknown.length === 0 ? 'Deadlock' : verdict
  // herd7 says Never of a deadlock, for which there is no execution at all
  const agrees = expected.verdict === found || (expected.by === 'table' && expected.verdict === verdict)
  return agrees ? [] : [`${found}, expected ${expected.verdict}`]
}

function number(what: string, found: number, expected: number | null): readonly string[] {
  return expected === null || found === expected ? [] : [`${what} ${found}, expected ${expected}`]
}

/** A comment names one flag that must be there; a table names all. */
function flags({flags, complete}: Judged, {by, flags: expected}: Expected): readonly string[] {
  if (expected === null || !complete) return []
  const agrees = expected.every(flag => flags.includes(flag)) && (by === 'Result' || flags.length === expected.length)
  const show = (names: readonly string[]): string => names.length === 0 ? 'none' : names.join(', ')
  return agrees ? [] : [`flags ${show(flags)}, expected ${show(expected)}`]
}
