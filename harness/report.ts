/** What a run found, as text for people: the failure report, and one line on what was covered. Pure: returns strings. */
import {fileURLToPath, pathToFileURL} from 'node:url'
import {
  showScalar, type Failure, type Location, type Model, type Run, type Step, type Unknown,
} from '../lib/index.ts'
import {faultCode, faultStory, faultTitle} from './fault.ts'
import {inThousands} from './numbers.ts'
import {operationsOf, type AnyProgram, type Operation} from './operations.ts'
import {inSetting, showSettings, type Setting} from './setting.ts'
import type {Sites} from './sites.ts'
import {cut, drawTimeline, timeline, type Timeline} from './timeline.ts'
import {why, type Missing, type Spelling, type Why} from './why.ts'

/** How text stands out; identity functions where there is no colour. */
export interface Paint {
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
  readonly dim: (text: string) => string
  readonly bold: (text: string) => string
}

const plain = (text: string): string => text

/** Text without colours. */
export const noPaint: Paint = {red: plain, green: plain, yellow: plain, dim: plain, bold: plain}

/** No line is wider, but for a token that is. */
export const width = 100

/** A failing execution, and what is known of it. */
export interface Failing {
  readonly name: string
  readonly program: AnyProgram
  readonly model: Model
  /** Null or nothing if the program has no heap. */
  readonly setting?: Setting | null
  readonly run: Run
  /** Which of the run's failures to report; the first one, if it is not said. */
  readonly failure?: Failure
  /** The whole command that brings it back. */
  readonly command: string
  /** How it was found: `run 7 of 2000, reduced to 2 choices`. */
  readonly found?: string
  /** Verdicts of the same program under other models. */
  readonly elsewhere?: readonly {readonly model: string; readonly verdict: string}[]
  /** Verdicts of the same program under the same model in other settings. */
  readonly otherwise?: readonly {readonly setting: Setting; readonly verdict: string}[]
  readonly sites?: Sites
  /** More to say of what would help: paragraphs. */
  readonly advice?: readonly string[]
  /** The threads that have columns, if those behind them do nothing. */
  readonly columns?: readonly string[]
  /** What broke in somebody else's words, instead of the program's: behind `NAME under MODEL`, its code, and lines that refer to the timeline. */
  readonly told?: (lines: Timeline) => Told
}

export interface Told {
  readonly title: string
  readonly code: string
  readonly lines: readonly string[]
}

export interface ReportOptions {
  readonly paint?: Paint
  readonly verbose?: boolean
}

/** The whole report: what broke, the run, why the model allows it, and how to see it again. */
export function failureReport(failing: Failing, {paint = noPaint, verbose = false}: ReportOptions = {}): string {
  const {program, model, run} = failing
  const failure = failing.failure ?? run.failures[0] ?? null
  const operations = operationsOf(program, model, run.execution)
  const lines = timeline(failing.columns ?? program.threads.map(thread => thread.name), run.execution, operations)
  const spelling = spellingOf(operations, model)
  const told = failing.told?.(lines)
  const reason = failure === null || !hasReason(failure) ? null : why(model, run.execution, failure, spelling)
  const sections = [
    failure === null
      ? [`${paint.green('✓')} nothing fails in this execution of ${failing.name} under ${model.name}${inSetting(failing.setting)}`, ...outcome(failing)]
      : [headline(failing, told?.title ?? title(failure), told?.code ?? codeOf(failure), paint), ...told?.lines ?? details(failing, failure, lines, spelling), ...others(run, failure)],
    lines.rows.length === 0 ? [] : draw(lines, reason, failing, paint),
    [...lines.rows.length === 0 ? [] : explanation(lines, reason, failing, spelling), ...otherModels(failing), ...otherSettings(failing), ...foundLine(failing), ...(failing.advice ?? []).flatMap(wrap)],
    verbose ? stepList(lines, failing, paint) : [],
    [`  ${paint.bold(failing.command)}`],
  ]
  return `${sections.filter(section => section.length > 0).map(section => section.join('\n')).join('\n\n')}\n`
}

/** Is it something that orderings could have kept from happening? Not what a thread or the program as a whole does, whatever it reads. */
function hasReason(failure: Failure): boolean {
  switch (failure.kind) {
    case 'panic': case 'deadlock': return false
    case 'fault': return failure.event >= 0 && !failure.ofPointer
    default: return true
  }
}

function headline({name, model, setting}: Failing, what: string, code: string, paint: Paint): string {
  const text = cut(`✗ ${name} under ${model.name}${inSetting(setting)}${what}`, width - code.length - 2)
  return `${paint.red(text)}${' '.repeat(Math.max(2, width - text.length - code.length))}${paint.dim(code)}`.trimEnd()
}

/** What happened, in the user's words. */
function title(failure: Failure): string {
  switch (failure.kind) {
    case 'claim': return ` breaks “${failure.claim}”`
    case 'check': return ` breaks “${failure.claim}” in ${failure.thread}`
    case 'flag': return `: ${failure.flag.replaceAll('-', ' ')}`
    case 'panic': return `: ${failure.thread} threw`
    case 'fault': return faultTitle(failure)
    case 'deadlock': return ': deadlock'
  }
}

/** What broke, in one word: the claim, the flag, the fault, or the kind of failure. */
export function nameOfFailure(failure: Failure): string {
  switch (failure.kind) {
    case 'claim': case 'check': return failure.claim
    case 'flag': return failure.flag
    case 'fault': return failure.fault
    case 'panic': case 'deadlock': return failure.kind
  }
}

/** A stable code for each kind of failure. */
export function codeOf(failure: Failure): string {
  switch (failure.kind) {
    case 'claim': return 'V-CLAIM'
    case 'check': return 'V-CHECK'
    case 'flag': return failure.flag === 'data-race' ? 'V-RACE' : 'V-FLAG'
    case 'panic': return 'V-PANIC'
    case 'fault': return faultCode(failure)
    case 'deadlock': return 'V-DEADLOCK'
  }
}

function details(failing: Failing, failure: Failure, lines: Timeline, spelling: Spelling): readonly string[] {
  switch (failure.kind) {
    case 'claim': case 'check': return outcome(failing)
    case 'flag': return pairsOf(failure, lines, spelling)
    case 'fault': return wrap(faultStory(failure, lines).filter(sentence => sentence !== '').join(' '))
    case 'panic': return [...wrap(failure.message), ...ownFrames(failure.stack)]
    case 'deadlock': return failure.waiting.flatMap(({thread, operation, location}) => wrap(`${thread} waits in ${operation} for ${location}`))
  }
}

/** What the execution came to: what the threads returned, or memory in the end if they returned nothing. */
function outcome({run, program}: Failing): readonly string[] {
  const returned = Object.entries(run.returned).filter(([, value]) => value !== undefined)
  if (returned.length > 0) return returned.map(([thread, value]) => cut(`  ${thread} returned ${showValue(value)}`, width))
  const memory = program.memory.map(({name, index}) => `${name} = ${showScalar(run.final[index] ?? 0)}`)
  return [cut(`  in the end ${memory.join(', ')}`, width)]
}

/** What else failed in the same execution. */
function others({failures}: Run, failure: Failure): readonly string[] {
  const names = failures.filter(other => other !== failure && title(other) !== title(failure)).map(other => title(other).replace(/^:? ?/, ''))
  return names.length === 0 ? [] : wrap(`also: ${names.join('; ')}`)
}

function pairsOf({flag, pairs}: Extract<Failure, {kind: 'flag'}>, {rowOf, rows}: Timeline, spelling: Spelling): readonly string[] {
  const most = 4
  const numbers = pairs.map(([a, b]) => [rowOf.get(a), rowOf.get(b)].filter(row => row !== undefined).sort((x, y) => x - y))
  const distinct = [...new Map(numbers.filter(pair => pair.length > 0).map(pair => [pair.join(' '), pair])).values()]
  const race = flag === 'data-race'
  const shown = distinct.slice(0, most).map((pair, i) =>
    `${race ? pair.join(i === 0 ? ' races with ' : ' with ') : [...new Set(pair)].join(' and ')}${wordOf(rows[pair[0]! - 1]!)}`)
  const all = [...shown, ...distinct.length > most ? [`and ${distinct.length - most} more pairs`] : []].join(', ')
  if (!race) return wrap(`at ${all}`)
  return wrap(`${all}: not both ${spelling === 'kernel' ? 'marked' : 'atomic'}, and nothing orders one before the other`)
}

/** ` on data.a`, from a step such as `data.a := 1`. */
function wordOf({text}: Timeline['rows'][number]): string {
  const [word, rest] = text.split(' ')
  return word === undefined || rest === undefined ? '' : ` on ${word}`
}

const engine = fileURLToPath(new URL('../lib/', import.meta.url))

/** The frames of a stack that are the user's. */
function ownFrames(stack: string): readonly string[] {
  const frames = stack.replaceAll(pathToFileURL(engine).href, engine).split('\n')
    .filter(line => /^\s+at /.test(line) && !/node:internal|\(<anonymous>\)/.test(line) && !line.includes(engine))
  return frames.slice(0, 3).map(line => cut(`    ${line.trim()}`, width))
}

/** A returned value as JavaScript would write it, pointers as `&name`. */
export function showValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(showValue).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    if ('kind' in value && value.kind === 'location') return showScalar(value as Location)
    return `{${Object.entries(value).map(([key, field]) => `${key}: ${showValue(field)}`).join(', ')}}`
  }
  if (typeof value === 'string') return JSON.stringify(value)
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint' ? String(value) : value === null ? 'null' : typeof value
}

function draw(lines: Timeline, reason: Why | null, {sites}: Failing, paint: Paint): readonly string[] {
  const marks = new Map<number, string>()
  if (reason?.kind === 'missing') {
    for (const [read, write] of reason.shouldSee) {
      const row = lines.rowOf.get(read)!
      if (lines.rows[row - 1]!.source?.staleSince != null) marks.set(row, `should have seen ${lines.rowOf.get(write) ?? 'a newer write'}`)
    }
  }
  const places = new Map([...lines.rowOf].map(([event, row]) => [row, baseName(sites?.[event]?.[0] ?? '')]))
  return drawTimeline(lines, {width, marks, places, dim: paint.dim, strong: paint.yellow})
}

/** `/home/me/tests/mine.ts:12:5` as `mine.ts:12`. */
function baseName(site: string): string {
  return /([^/\\]+:\d+):\d+$/.exec(site)?.[1] ?? ''
}

/** Every step once more, with its operation as it was written and the lines that led to it. */
function stepList(lines: Timeline, {sites}: Failing, paint: Paint): readonly string[] {
  const names = lines.rows.map(({operation}) => operation.name ?? '')
  const widest = Math.min(30, Math.max(...names.map(name => name.length)))
  return lines.rows.map(({number, operation}, i) => {
    const frames = sites?.[operation.events[0] ?? -1] ?? []
    const place = frames.map(baseName).filter(frame => frame !== '').join(' ← ')
    const left = `${String(number).padStart(5)}  ${cut(names[i]!, widest).padEnd(widest)}`
    return `${left}  ${paint.dim(cut(place, width - left.length - 2))}`.trimEnd()
  })
}

type Explained = Extract<Why, {kind: 'missing'}>

function explanation(lines: Timeline, reason: Why | null, {model}: Failing, spelling: Spelling): readonly string[] {
  const impossible = lines.impossible
    ? wrap('Load buffering: no order of these steps that keeps each thread\'s own explains this run, so some read stands above the write that it reads from.')
    : []
  if (reason === null) return impossible
  switch (reason.kind) {
    case 'sequential': return wrap('No ordering is missing: these steps, one after the other, are a sequentially consistent run.')
    case 'unmarked': return [...impossible, ...wrap(unmarkedText(reason.events, lines, spelling))]
    case 'unexplained': return [...impossible, ...wrap(`No one or two barriers between these steps would make ${model.name} forbid this.`)]
    case 'missing': return [...impossible, ...wrap(missingText(reason, lines)), ...cycleText(reason, lines)]
  }
}

function unmarkedText(events: readonly number[], lines: Timeline, spelling: Spelling): string {
  const rows = list([...new Set(events.map(event => rowName(event, lines)))])
  return spelling === 'kernel'
    ? `No single barrier helps. Marked accesses, READ_ONCE() and WRITE_ONCE(), at ${rows} would not race.`
    : `No single fence helps. Atomic accesses at ${rows} would not race; Relaxed is enough for that.`
}

function missingText({missing, forbidden, shouldSee}: Explained, lines: Timeline): string {
  const sentences = missing.map(one =>
    `Nothing orders ${rowName(one.before, lines)} before ${rowName(one.after, lines)}${consequence(one, lines, forbidden?.cycle ?? [], shouldSee)}.`)
  return [...sentences, remedyText(missing, lines)].join(' ')
}

function rowName(event: number, lines: Timeline): string {
  return String(lines.rowOf.get(event) ?? 'init')
}

/** `, so 9 may miss 2 although 7 saw 4`. */
function consequence({before, after}: Missing, {rows, rowOf}: Timeline, cycle: readonly Step[], shouldSee: ReadonlyMap<number, number>): string {
  const [a, b] = [before, after].map(event => rows[(rowOf.get(event) ?? 0) - 1])
  if (a === undefined || b === undefined) return ''
  if (a.source !== null && b.source !== null) {
    if (b.source.staleSince === null) return ''
    const missed = rowOf.get(shouldSee.get(after) ?? -1) ?? b.source.staleSince
    return `, so ${b.number} may miss ${missed}${a.source.from === 'init' ? '' : ` although ${a.number} saw ${a.source.from}`}`
  }
  if (a.source !== null) return `, so ${b.number} may be seen before ${a.number} has read`
  if (b.source !== null) return `, so ${b.number} may read before ${a.number} can be seen`
  const [saw, missed] = [cycle.find(step => step.from === after)?.to, cycle.find(step => step.to === before)?.from].map(id => id === undefined ? undefined : rowOf.get(id))
  if (saw === undefined || missed === undefined) return `, so another thread may see ${b.number} without ${a.number}`
  return `, so ${saw} may see ${b.number} and ${missed} still miss ${a.number}`
}

function remedyText(missing: readonly Missing[], lines: Timeline): string {
  const [only, other] = missing
  const each = ({before, after, remedy, place}: Missing, short: boolean): string => {
    switch (place) {
      case 'between': return `${remedy} ${short ? 'between them' : `between ${rowName(before, lines)} and ${rowName(after, lines)}`}`
      case 'before': return `${remedy} at ${rowName(before, lines)}`
      case 'after': return `${remedy} at ${rowName(after, lines)}`
    }
  }
  if (only === undefined) return ''
  if (other === undefined) return `${capital(each(only, true))} would.`
  return `${capital(each(only, false))} together with ${each(other, false)} would; either alone does not help.`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** The cycle that the remedy would close, in the model's own names. */
function cycleText({forbidden, missing}: Explained, lines: Timeline): readonly string[] {
  if (forbidden === null) return []
  const steps = forbidden.cycle.filter(({from, to}) => from !== to && lines.rowOf.get(from) !== lines.rowOf.get(to) || isAdded(from) || isAdded(to))
  if (steps.length < 2) return []
  const walk = steps.map(step => `${node(step.from)} -${edgeName(step)}->`).join(' ')
  return wrap(`The axiom ${forbidden.axiom} would then forbid ${walk} ${node(steps[0]!.from)}.`)

  function isAdded(event: number): boolean {
    return missing.some(one => one.event === event)
  }
  function node(event: number): string {
    return missing.find(one => one.event === event)?.remedy.replace(/^an? |\(\)$/g, '') ?? rowName(event, lines)
  }
}

/** The innermost name that is the model's own, or that of the base relation. */
export function edgeName({names}: Step): string {
  return names.find(name => name === 'rfe' || name === 'fre' || name === 'coe') ?? names.at(-1) ?? '?'
}

function otherModels({elsewhere = [], model}: Failing): readonly string[] {
  const groups = new Map<string, string[]>()
  for (const {model: other, verdict} of elsewhere) groups.set(verdict, [...groups.get(verdict) ?? [], other])
  if (groups.size === 0) return []
  const words: Readonly<Record<string, string>> = {broken: 'fails', holds: 'holds', unknown: 'unknown', 'no mapping': 'has no mapping'}
  const broken = [model.name, ...groups.get('broken') ?? []]
  groups.delete('broken')
  const parts = [...groups].map(([verdict, names]) => `${words[verdict] ?? verdict} under ${list(names)}`)
  return wrap(`${['Fails under ' + list(broken), ...parts].join(', ')}.`)
}

/** `Under lkmm it holds in angelic and bits.` */
function otherSettings({otherwise = [], model}: Failing): readonly string[] {
  const verdicts = [...new Set(otherwise.map(({verdict}) => verdict))]
  return verdicts.flatMap(verdict => {
    const settings = otherwise.filter(other => other.verdict === verdict).map(({setting}) => setting)
    const parts = [true, false].map(reuse => settings.filter(setting => setting.reuse === reuse)).filter(part => part.length > 0)
    return wrap(`Under ${model.name} it ${settingWords[verdict] ?? verdict} in ${parts.map(part => showSettings(part, list)).join('; ')}.`)
  })
}

const settingWords: Readonly<Record<string, string>> = {broken: 'also fails', holds: 'holds', unknown: 'is unknown'}

function foundLine({found}: Failing): readonly string[] {
  return found === undefined ? [] : wrap(`Found on ${found}.`)
}

/** `a`, `a and b`, `a, b and c`. */
export function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)!}`
}

/** Text in lines of the report's width, indented by two. */
export function wrap(text: string): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(`  ${word}`)
  }
  return lines.map(line => cut(line, width))
}

function spellingOf(operations: readonly Operation[], model: Model): Spelling {
  return operations.find(operation => operation.vocabulary !== null)?.vocabulary ?? (model.family === 'c11' ? 'c11' : 'kernel')
}

/** Why a verdict is not final: `after 20,000 executions`, `loops cut at 3 rounds`. */
export function showUnknown(unknown: Unknown): string {
  const limit = inThousands(unknown.budget === 'seconds' ? Number(unknown.limit.toPrecision(2)) : unknown.limit)
  switch (unknown.budget) {
    case 'executions': return `stopped after ${limit} executions`
    case 'seconds': return `stopped after ${limit} s`
    case 'memory': return `stopped at ${limit} MB of memory`
    case 'bound': return `loops cut at ${limit} rounds`
    case 'events': return `threads cut at ${limit} events, as in a loop without iteration()`
    case 'objects': return 'threads cut where their heap had no room for another object (perThread of heap())'
    case 'sampled': return `${limit} sampled`
  }
}
