/** A client that breaks a wrapper, as text: the Rust program, the execution, what went wrong in Rust's words, and how to see it again. */
import {allows, sc, type Failure} from '../../lib/index.ts'
import {faultStory} from '../fault.ts'
import {codeOf, failureReport, list, wrap, type ReportOptions, type Told} from '../report.ts'
import type {Block, Client} from '../rust/client.ts'
import {payloadNamed} from '../rust/payloads.ts'
import {renameBlock} from '../rust/rename.ts'
import {userSites} from '../sites.ts'
import {inThousands} from '../numbers.ts'
import {shortName} from '../token.ts'
import type {Timeline} from '../timeline.ts'
import type {Listing} from './clients.ts'
import {claims} from './interpret.ts'
import {atHome, payloadWords} from './payload.ts'
import {ownSections} from './sections.ts'
import {storyOf, tell, type ClientRun, type Repair, type Story} from './story.ts'

/** The whole report. */
export function clientReport(shown: ClientRun, options: ReportOptions = {}): string {
  const {wrapper, numbered, program, model, run, failure, limits, command, repairs, elsewhere = []} = shown
  const story = storyOf(shown)
  const own = userSites(program, model, run, '', limits)
  return failureReport({
    name: shortName(wrapper.name), columns: program.threads.slice(0, -1).map(thread => thread.name), // the last is the main thread, which waits
    program, model, run, command, elsewhere, sites: own.map((frames, event) => [...story.lineOf.has(event) ? [`main.rs:${story.lineOf.get(event)}:1`] : [], ...frames]),
    found: `client ${numbered.ordinal}, of ${numbered.size} ${numbered.size === 1 ? 'statement' : 'statements'}`,
    ...repairs == null ? {} : {advice: advice(repairs)},
    ...failure === null ? {} : {failure, told: lines => told(shown, failure, story, lines)},
  }, options)
}

function told(shown: ClientRun, failure: Failure, story: Story, lines: Timeline): Told {
  const sentences = [...tell(failure, story, shown, lines), ...failure.kind === 'fault' ? faultStory(failure, lines) : []].filter(sentence => sentence !== '')
  return {title: titleOf(failure, story), code: clientCodeOf(failure), lines: [...program(story.listing), '', ...sentences.flatMap(wrap), ...inMemory(shown.numbered.client)]}
}

/** What the client's values of more than one word look like in memory. */
function inMemory({payload, main}: Client): readonly string[] {
  const {size, fresh} = payloadWords.get(payload)!
  const values = freshIn(main)
  if (size === 1 || values.length === 0) return []
  return [...wrap(`In memory ${list(values.map(n => `${payloadNamed(payload).literal(n)} is ${fresh(n).join(' ')}`))}.`)]
}

/** The numbers of the values that a client makes. */
function freshIn(main: Block): readonly number[] {
  const found = new Set<number>()
  renameBlock(main, {variable: variable => variable, value: n => (found.add(n), n)})
  return [...found].sort((a, b) => a - b)
}

/** Paragraphs. */
function advice(repairs: readonly Repair[]): readonly string[] {
  const [first] = repairs
  if (first === undefined) return ['No single stronger operation or barrier in its methods repairs it: each was tried.']
  const each = repairs.length === 1 ? 'with this change' : 'with any one of these changes'
  return [`Tried: ${each}, none of ${inThousands(first.clients)} clients of up to ${first.size} statements breaks it under ${first.model}.`, ...repairs.map(({text}) => `+ ${text}`)]
}

/** The client, its lines numbered. */
function program({lines}: Listing): readonly string[] {
  const room = String(lines.length).length
  return ['', ...lines.map((line, i) => `  ${String(i + 1).padStart(room)} │ ${line}`.trimEnd())]
}

function titleOf(failure: Failure, {alone}: Story): string {
  switch (failure.kind) {
    case 'check': return ` is unsound: ${inRust(failure.claim)} in ${failure.thread}`
    case 'claim': return ` is unsound: ${alone === null ? `not “${failure.claim}”` : alone.isClaim ? inRust(alone.what) : alone.what} in the main thread`
    case 'flag': return failure.flag === 'data-race' ? ' is unsound: data race' : ` is unsound: ${failure.flag.replaceAll('-', ' ')}`
    case 'fault': return ` is unsound: ${failure.fault === 'uninitialised' ? 'an uninitialised value' : failure.fault.replaceAll('-', ' ')}${failure.thread === null ? '' : ` in ${failure.thread}`}`
    case 'panic': return ` is unsound: ${failure.thread} computes what has no meaning`
    case 'deadlock': return ' can deadlock'
  }
}

function inRust(claim: string): string {
  switch (claim) {
    case claims.whole: return 'a torn value'
    case claims.valid: return 'an invalid value'
    case claims.stable: return 'what a live `&` points to changes'
    case claims.alone: return 'a `&mut` beside another reference'
    case atHome: return 'a value that is not Send is elsewhere'
    case ownSections: return 'rcu_read_unlock() of a section that another thread entered'
    default: return `not “${claim}”`
  }
}

/** A stable code for each kind of unsoundness. */
export function clientCodeOf(failure: Failure): string {
  if (failure.kind !== 'check') return codeOf(failure)
  switch (failure.claim) {
    case claims.whole: return 'V-TORN'
    case claims.valid: return 'V-INVALID'
    case claims.stable: case claims.alone: return 'V-ALIASED'
    default: return 'V-CHECK'
  }
}

/** Weak memory at work, in a claim that sequential consistency keeps: such an execution teaches the most. */
export function teaches({run, failure}: ClientRun): boolean {
  return failure?.kind === 'check' && run.path.length > 1 && !allows(sc, run.execution)
}
