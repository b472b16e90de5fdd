/**
 * Why a model allows an execution: which orderings are missing, and what would forbid it. Nothing here
 * is guessed: every remedy was put into the execution, and the reference evaluator forbade the result.
 */
import {
  allows, flagsOf, judge, sc, type Event, type Execution, type Failure, type Label, type Model, type Pair, type Step,
} from '../lib/index.ts'

/** Whose spelling a remedy is named in. */
export type Spelling = 'kernel' | 'c11'

/** Two events of one thread that the model does not order, and what would. */
export interface Missing {
  readonly before: number
  readonly after: number
  /** With its article: `an smp_rmb()`, `a fence(Acquire)`, `Release ordering`. */
  readonly remedy: string
  /** Where it goes: between the two events, or at one of them. */
  readonly place: 'between' | 'before' | 'after'
  /** The id of an added fence in the changed execution's cycle; -1 if nothing was added. */
  readonly event: number
}

export type Why =
  /** The threads took turns: no ordering is missing. */
  | {readonly kind: 'sequential'}
  /** With these remedies, all of them, the model forbids the execution, or does not flag it. */
  | {readonly kind: 'missing'; readonly missing: readonly Missing[]
    /** The axiom that would forbid it, and the cycle that it would find; null if it is only no longer flagged. */
    readonly forbidden: {readonly axiom: string; readonly cycle: readonly Step[]} | null
    /** For reads of `missing`: the first write that the read would have had to see. */
    readonly shouldSee: ReadonlyMap<number, number>}
  /** No one or two barriers help against this race, but marking its plain accesses would: these events. */
  | {readonly kind: 'unmarked'; readonly events: readonly number[]}
  /** No one or two barriers forbid it. */
  | {readonly kind: 'unexplained'}

/** A change to an execution: a fence after a position of a thread, or other tags for some events. Weakest first by `tier`. */
type Change = {readonly tier: number; readonly remedy: string; readonly thread: number} & (
  | {readonly kind: 'fence'; readonly after: number; readonly label: Label}
  | {readonly kind: 'tag'; readonly side: 'acquire' | 'release'; readonly position: number; readonly events: readonly number[]
    readonly from: string; readonly to: string}
)

/** How many changed executions to judge before giving up on a pair of remedies. */
const patience = 1000

/** Explains an execution in which `failure` happened. */
export function why(model: Model, execution: Execution, failure: Failure, spelling: Spelling): Why {
  const flag = failure.kind === 'flag' ? failure.flag : null
  if (flag === null && allows(sc, execution)) return {kind: 'sequential'}
  const trial = new Trial(model, execution, flag)
  const one = single(trial, spelling)
  if (one !== null) return explained(trial, one)
  const events = failure.kind === 'flag' ? plainAccesses(execution, failure.pairs) : []
  if (events.length > 0 && trial.helps([marked(model, events)])) return {kind: 'unmarked', events}
  const two = double(trial, spelling)
  return two === null ? {kind: 'unexplained'} : explained(trial, two)
}

/** The accesses of racing pairs that are not marked, or not atomic. */
function plainAccesses({events}: Execution, pairs: readonly Pair[]): readonly number[] {
  const isPlain = ({label}: Event): boolean => label.kind !== 'F' && (label.tags.length === 0 || label.tags.includes('NA'))
  return [...new Set(pairs.flat())].filter(id => isPlain(events[id]!)).sort((a, b) => a - b)
}

function marked({family}: Model, events: readonly number[]): Change {
  const [from, to] = family === 'lkmm' ? ['', 'ONCE'] : ['NA', 'RLX']
  return {kind: 'tag', side: 'acquire', tier: 2, remedy: '', thread: -1, position: -1, events, from, to}
}

/** Judges changed executions, and counts how many. */
class Trial {
  readonly model: Model
  readonly execution: Execution
  readonly #flag: string | null
  left = patience

  constructor(model: Model, execution: Execution, flag: string | null) {
    this.model = model
    this.execution = execution
    this.#flag = flag
  }

  /** Do the changes forbid the execution, or take away its flag? */
  helps(changes: readonly Change[]): boolean {
    this.left--
    const changed = changes.reduce(apply, this.execution)
    if (!allows(this.model, changed)) return true
    return this.#flag !== null && !flagsOf(this.model, changed).some(raised => raised.flag === this.#flag)
  }
}

/** The weakest single change that helps. */
function single(trial: Trial, spelling: Spelling): readonly Change[] | null {
  const useful = places(trial.execution).flatMap(place => {
    const options = optionsAt(trial, place, spelling)
    return trial.helps([options.at(-1)!]) ? options.filter(option => trial.helps([option])) : []
  })
  const best = weakest(useful)
  return best === null ? null : [best]
}

/** Two changes that help together, each as weak as it can be. */
function double(trial: Trial, spelling: Spelling): readonly Change[] | null {
  const all = places(trial.execution).map(place => optionsAt(trial, place, spelling))
  let best: readonly [Change, Change] | null = null
  for (const [i, first] of all.entries()) {
    for (const second of all.slice(i + 1)) {
      if (trial.left <= 0) return best
      if (!trial.helps([first.at(-1)!, second.at(-1)!])) continue
      const weakened = weaken(trial, first, second)
      if (best === null || tiers(weakened) < tiers(best)) best = weakened
    }
  }
  return best
}

function weaken(trial: Trial, first: readonly Change[], second: readonly Change[]): readonly [Change, Change] {
  const strong = second.at(-1)!
  const one = weakest(first.filter(option => trial.helps([option, strong]))) ?? first.at(-1)!
  const other = weakest(second.filter(option => trial.helps([one, option]))) ?? strong
  return [one, other]
}

function tiers(changes: readonly Change[]): number {
  return changes.reduce((sum, {tier}) => sum + tier, 0)
}

function weakest(changes: readonly Change[]): Change | null {
  return changes.reduce<Change | null>((best, change) => best === null || change.tier < best.tier ? change : best, null)
}

/** A gap in a thread's accesses: right after `access`, before the thread's next access. */
interface Place {
  readonly access: Event
  readonly next: Event
}

function places({events, given}: Execution): readonly Place[] {
  const halves = new Set(given.rmw.map(([read]) => read))
  const threads = [...new Set(events.map(event => event.thread))].filter(thread => thread >= 0)
  return threads.flatMap(thread => {
    const accesses = events
      .filter(event => event.thread === thread && event.label.kind !== 'F')
      .sort((a, b) => a.position - b.position)
    return accesses.slice(0, -1).map((access, i): Place => ({access, next: accesses[i + 1]!})).filter(({access}) => !halves.has(access.id))
  })
}

/** What could stand at a place, the weakest first and a full barrier last. */
function optionsAt({model, execution}: Trial, {access, next}: Place, spelling: Spelling): readonly Change[] {
  const {thread} = access
  const kernel = spelling === 'kernel'
  // C++ code upgrades an access before it adds a fence; kernel code does it the other way round
  const [fences, upgrades] = kernel ? [1, 2] : [2, 1]
  const fence = (tier: number, remedy: string, tag: string): Change =>
    ({kind: 'fence', tier, remedy, thread, after: access.position, label: {kind: 'F', tags: [tag]}})
  const upgrade = (event: Event, side: 'acquire' | 'release', from: string, to: string): Change[] => {
    const whole = halvesOf(execution, event)
    const wanted = side === 'acquire' ? 'R' : 'W'
    if (!whole.some(({label}) => label.kind === wanted) || !whole.every(({label}) => label.tags.includes(from))) return []
    const remedy = upgradeName(side, whole.length > 1, kernel)
    return [{kind: 'tag', side, tier: upgrades, remedy, thread, position: event.position, events: whole.map(({id}) => id), from, to}]
  }
  const upgraded = (weak: string, acquire: string, release: string): Change[] =>
    [...upgrade(access, 'acquire', weak, acquire), ...upgrade(next, 'release', weak, release)]
  const full = kernel ? 'an smp_mb()' : 'a fence(SeqCst)'
  switch (model.family) {
    case 'sc': return [fence(3, full, 'MB')]
    case 'tso': return [fence(3, full, 'MFENCE')]
    case 'lkmm': return [
      fence(fences, 'an smp_rmb()', 'Rmb'), fence(fences, 'an smp_wmb()', 'Wmb'), ...upgraded('ONCE', 'ACQUIRE', 'RELEASE'),
      fence(3, 'an smp_mb()', 'MB'),
    ]
    case 'c11': return [
      fence(fences, kernel ? 'an smp_rmb()' : 'a fence(Acquire)', 'ACQ'), fence(fences, kernel ? 'an smp_wmb()' : 'a fence(Release)', 'REL'),
      ...upgraded('RLX', 'ACQ', 'REL'), fence(3, full, 'SC'),
    ]
  }
}

function upgradeName(side: 'acquire' | 'release', isRmw: boolean, kernel: boolean): string {
  if (!kernel) return side === 'acquire' ? 'Acquire ordering' : 'Release ordering'
  if (isRmw) return `the _${side} form`
  return side === 'acquire' ? 'an smp_load_acquire()' : 'an smp_store_release()'
}

/** The event, or both halves of the read-modify-write that it is of. */
function halvesOf({events, given}: Execution, event: Event): readonly Event[] {
  const pair = given.rmw.find(([read, write]) => read === event.id || write === event.id)
  return pair === undefined ? [event] : pair.map(id => events[id]!)
}

function apply(execution: Execution, change: Change): Execution {
  return change.kind === 'tag' ? retagged(execution, change) : fenced(execution, change)
}

function retagged(execution: Execution, {events: ids, from, to}: Extract<Change, {kind: 'tag'}>): Execution {
  const relabel = ({kind, tags}: Label): Label => ({kind, tags: from === '' ? [...tags, to] : tags.map(tag => tag === from ? to : tag)})
  return {...execution, events: execution.events.map(event => ids.includes(event.id) ? {...event, label: relabel(event.label)} : event)}
}

/** The execution with a fence right after an access. It gets the last id, so that the others keep theirs. */
function fenced({events, given, values}: Execution, {thread, after, label}: Extract<Change, {kind: 'fence'}>): Execution {
  const id = events.length
  const fence: Event = {id, thread, position: after + 0.5, label, location: null}
  const own = events.filter(event => event.thread === thread)
  const po = own.map((event): Pair => event.position <= after ? [event.id, id] : [id, event.id])
  return {events: [...events, fence], given: {...given, po: [...given.po, ...po]}, values: [...values, null]}
}

function explained(trial: Trial, changes: readonly Change[]): Why {
  const changed = changes.reduce(apply, trial.execution)
  const forbidden = judge(trial.model, changed).violations[0] ?? null
  const missing = changes.map((change, i): Missing => {
    const earlier = changes.slice(0, i).filter(({kind}) => kind === 'fence').length
    return missingAt(trial.execution, change, forbidden?.cycle ?? [], change.kind === 'tag' ? -1 : trial.execution.events.length + earlier)
  })
  const shouldSee = new Map(missing.flatMap(({after}): [number, number][] => {
    const write = forced(trial.model, changed, after)
    return write === null ? [] : [[after, write]]
  }))
  return {kind: 'missing', missing, forbidden, shouldSee}
}

/** The two events that the change orders: those of the cycle that are nearest to it, or else its neighbours. */
function missingAt(execution: Execution, change: Change, cycle: readonly Step[], added: number): Missing {
  const inCycle = new Set(cycle.flatMap(({from, to}) => [from, to]))
  const own = execution.events.filter(({thread, label}) => thread === change.thread && label.kind !== 'F').sort((a, b) => a.position - b.position)
  // an acquire orders itself before what follows, a release what comes before it before itself
  const isBefore = ({position}: Event): boolean => change.kind === 'fence' ? position <= change.after
    : change.side === 'acquire' ? position <= change.position : position < change.position
  const pick = (list: readonly Event[]): Event => list.find(event => inCycle.has(event.id)) ?? list[0]!
  const itself = change.kind === 'tag' ? own.find(({position}) => position === change.position)! : null
  const before = itself !== null && change.kind === 'tag' && change.side === 'acquire' ? itself : pick(own.filter(isBefore).reverse())
  const after = itself !== null && change.kind === 'tag' && change.side === 'release' ? itself : pick(own.filter(event => !isBefore(event)))
  const place = change.kind === 'fence' ? 'between' : change.side === 'acquire' ? 'before' : 'after'
  return {before: before.id, after: after.id, remedy: change.remedy, place, event: added}
}

/** The coherence-first write that the read could see in the changed execution, if it is newer than what it saw. */
function forced(model: Model, changed: Execution, read: number): number | null {
  const source = changed.given.rf.find(([, to]) => to === read)?.[0]
  if (source === undefined || changed.given.rmw.some(([from]) => from === read)) return null
  const newer = changed.given.co.filter(([older]) => older === source).map(([, write]) => write)
  const inOrder = newer.sort((a, b) => changed.given.co.some(([x, y]) => x === a && y === b) ? -1 : 1)
  const reading = (write: number): Execution => ({
    ...changed,
    given: {...changed.given, rf: changed.given.rf.map((pair): Pair => pair[1] === read ? [write, read] : pair)},
  })
  return inOrder.find(write => allows(model, reading(write))) ?? null
}
