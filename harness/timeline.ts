/** One execution as columns, one per thread: what each step did, where each read got its value, and what it missed. */
import {showScalar, type Event, type Execution, type Label, type Scalar} from '../lib/index.ts'
import type {Operation} from './operations.ts'
import {inOrder} from './order.ts'

/** One row: an operation, numbered from 1. */
export interface Row {
  readonly number: number
  readonly operation: Operation
  readonly text: string
  /** Where its read got its value; null for what reads nothing. */
  readonly source: Source | null
}

/** Where a read got its value: a row, or the initial value, and the row since which that was no longer the newest. */
export interface Source {
  readonly from: number | 'init'
  readonly staleSince: number | null
}

export interface Timeline {
  readonly threads: readonly string[]
  readonly rows: readonly Row[]
  /** The row of each event. */
  readonly rowOf: ReadonlyMap<number, number>
  /** Some read stands above the write that it reads from. */
  readonly impossible: boolean
  /** The rows, one after the other, are a sequentially consistent run. */
  readonly sequential: boolean
}

/** Lays an execution out as rows. */
export function timeline(threads: readonly string[], execution: Execution, operations: readonly Operation[]): Timeline {
  const order = inOrder(execution, operations)
  const rowOf = new Map(order.operations.flatMap(({events}, i) => events.map(id => [id, i + 1] as const)))
  const rows = order.operations.map((operation, i): Row => ({
    number: i + 1, operation,
    text: textOf(operation, execution),
    source: sourceOf(operation, execution, rowOf),
  }))
  return {threads, rows, rowOf, impossible: order.impossible, sequential: order.sequential}
}

/** What an operation did: `seq → 0`, `a := 1`, `lock → 0, := 1`, `smp_wmb`. */
function textOf(operation: Operation, execution: Execution): string {
  const events = operation.events.map(id => execution.events[id]!)
  const access = events.find(({label}) => label.kind !== 'F')
  if (access === undefined) return operation.name ?? (events[0] === undefined ? '' : fenceName(events[0].label))
  const value = (kind: 'R' | 'W', sign: string): string => events
    .filter(({label}) => label.kind === kind)
    .map(({id}) => ` ${sign} ${shown(execution.values[id])}`).join('')
  const [read, written] = [value('R', '→'), value('W', ':=')]
  const did = `${access.location?.name ?? '?'}${read}${read !== '' && written !== '' ? ',' : ''}${written}`
  const strength = strengthOf(operation, events)
  return strength === '' ? did : `${did} (${strength})`
}

function shown(value: Scalar | null | undefined): string {
  return value === null || value === undefined ? '?' : showScalar(value)
}

const strengths: Readonly<Record<string, string>> = {
  ACQUIRE: 'acquire', ACQ: 'acquire', LKR: 'acquire', RELEASE: 'release', REL: 'release', UL: 'release',
  ACQ_REL: 'acq_rel', SC: 'seq_cst', MB: 'full', NA: 'plain',
}

/** How an access orders, where that is not simply `relaxed`. */
function strengthOf({name}: Operation, events: readonly Event[]): string {
  if (name?.startsWith('plain ') === true) return 'plain'
  if (events.length > 1 && events.some(({label}) => label.kind === 'F')) return 'full'
  const tags = events.flatMap(({label}) => label.tags)
  return tags.map(tag => strengths[tag]).find(word => word !== undefined) ?? ''
}

const fences: Readonly<Record<string, string>> = {
  'MB': 'smp_mb', 'Rmb': 'smp_rmb', 'Wmb': 'smp_wmb', 'Barrier': 'barrier', 'Before-atomic': 'smp_mb__before_atomic',
  'After-atomic': 'smp_mb__after_atomic', 'After-spinlock': 'smp_mb__after_spinlock',
  'After-unlock-lock': 'smp_mb__after_unlock_lock', 'Rcu-lock': 'rcu_read_lock', 'Rcu-unlock': 'rcu_read_unlock',
  'Sync-rcu': 'synchronize_rcu', 'ACQ': 'fence(Acquire)', 'REL': 'fence(Release)', 'ACQ_REL': 'fence(AcqRel)',
  'SC': 'fence(SeqCst)', 'MFENCE': 'mfence',
}

function fenceName({tags}: Label): string {
  return tags.map(tag => fences[tag]).find(name => name !== undefined) ?? tags.join(' ')
}

function sourceOf(operation: Operation, {events, given}: Execution, rowOf: ReadonlyMap<number, number>): Source | null {
  const read = operation.events.find(id => events[id]!.label.kind === 'R')
  const write = given.rf.find(([, to]) => to === read)?.[0]
  if (read === undefined || write === undefined) return null
  const newer = given.co.filter(([older]) => older === write).map(([, other]) => rowOf.get(other) ?? Infinity)
  const stale = Math.min(...newer)
  return {from: rowOf.get(write) ?? 'init', staleSince: stale < rowOf.get(read)! ? stale : null}
}

/** `from 4`, `from init, stale since 2`, `from 9, below`; empty for what reads nothing. */
function noteOf({source, number}: Row, mark: string, short: boolean): string {
  const tail = mark === '' ? '' : `  ← ${mark}`
  if (source === null) return tail.trimStart()
  const below = source.from !== 'init' && source.from > number ? ', below' : ''
  const stale = source.staleSince === null || (short && mark !== '') ? '' : `, stale since ${source.staleSince}`
  return `from ${source.from}${below}${stale}${tail}`
}

export interface Drawing {
  readonly width: number
  /** Words behind a row's note: what the report says of it. */
  readonly marks?: ReadonlyMap<number, string>
  /** Where in the user's source each row's operation stands. */
  readonly places?: ReadonlyMap<number, string>
  /** Makes a part of a line stand out or stand back. */
  readonly dim?: (text: string) => string
  readonly strong?: (text: string) => string
}

/** A column narrower than this is no use: the threads are then named in one column instead. */
const narrowest = 14

/** The rows as lines of text, none wider than asked. */
export function drawTimeline(timeline: Timeline, drawing: Drawing): readonly string[] {
  const gutter = Math.max(3, String(timeline.rows.length).length + 2)
  const wanted = timeline.threads.map((name, thread) => Math.max(name.length, ...texts(timeline, thread).map(text => text.length)))
  const notes = (short: boolean): readonly string[] => timeline.rows.map(row => noteOf(row, drawing.marks?.get(row.number) ?? '', short))
  const room = (beside: readonly string[]): number => drawing.width - gutter - 2 - Math.max(0, ...beside.map(note => note.length === 0 ? 0 : note.length + 2))
  const full = fits(wanted, room(notes(false)))
  const chosen = notes(!full)
  const widths = fit(wanted, room(chosen))
  return widths === null ? drawList(timeline, drawing, gutter, chosen) : drawColumns(timeline, drawing, gutter, chosen, widths)
}

function fits(wanted: readonly number[], room: number): boolean {
  return wanted.reduce((sum, width) => sum + width, 2 * (wanted.length - 1)) <= room
}

function texts({rows}: Timeline, thread: number): readonly string[] {
  return rows.filter(row => row.operation.thread === thread).map(row => row.text)
}

/** Column widths that fit the room, the widest cut first; null if they would get too narrow. */
function fit(wanted: readonly number[], room: number): readonly number[] | null {
  const available = room - 2 * (wanted.length - 1)
  for (let most = Math.max(...wanted, narrowest); most >= narrowest; most--) {
    const widths = wanted.map(width => Math.min(width, most))
    if (widths.reduce((sum, width) => sum + width, 0) <= available) return widths
  }
  return null
}

function drawColumns(timeline: Timeline, drawing: Drawing, gutter: number, notes: readonly string[], widths: readonly number[]): readonly string[] {
  const line = (number: string, cells: readonly string[]): string =>
    `${number.padStart(gutter)}  ${cells.map((cell, i) => cut(cell, widths[i]!).padEnd(widths[i]!)).join('  ')}`
  const rows = timeline.rows.map(row =>
    line(String(row.number), widths.map((_, thread) => row.operation.thread === thread ? row.text : '')))
  return finished(timeline, drawing, line('#', timeline.threads), rows, notes)
}

function drawList(timeline: Timeline, drawing: Drawing, gutter: number, notes: readonly string[]): readonly string[] {
  const name = Math.min(24, Math.max(...timeline.threads.map(thread => thread.length), 6))
  const text = Math.min(40, Math.max(...timeline.rows.map(row => row.text.length), 4))
  const line = (number: string, thread: string, did: string): string =>
    `${number.padStart(gutter)}  ${cut(thread, name).padEnd(name)}  ${cut(did, text).padEnd(text)}`
  const rows = timeline.rows.map(row => line(String(row.number), timeline.threads[row.operation.thread]!, row.text))
  return finished(timeline, drawing, line('#', 'thread', 'step'), rows, notes)
}

/** The rows with their notes, and with their source lines at the right edge if there is room for all of them. */
function finished({rows}: Timeline, drawing: Drawing, head: string, lefts: readonly string[], notes: readonly string[]): readonly string[] {
  const {width, places = new Map<number, string>(), dim = plain, strong = plain} = drawing
  const bodies = lefts.map((left, i) => cut((notes[i] === '' ? left : `${left}  ${notes[i]!}`).trimEnd(), width))
  const edge = Math.max(...bodies.map(body => body.length)) + 2
  const show = rows.every(row => edge + (places.get(row.number) ?? '').length <= width)
  return [head.trimEnd(), ...bodies.map((body, i) => {
    const [origin, mark] = split(body.slice(lefts[i]!.length))
    const place = show ? places.get(rows[i]!.number) ?? '' : ''
    const painted = `${body.slice(0, lefts[i]!.length)}${origin === '' ? '' : dim(origin)}${mark === '' ? '' : strong(mark)}`
    return place === '' ? painted : `${painted}${' '.repeat(edge - body.length)}${dim(place)}`
  })]
}

function split(tail: string): readonly [string, string] {
  const at = tail.indexOf('←')
  return at < 0 ? [tail, ''] : [tail.slice(0, at), tail.slice(at)]
}

function plain(text: string): string {
  return text
}

/** The text, with `…` for what does not fit. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
}
