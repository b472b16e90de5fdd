/**
 * Shows the execution that a test asks for: one that the model allows, with what orders its events; or if
 * there is none, the nearest one that it forbids, and the cycle by which it does.
 */
import {
  conditionHolds, executions, judge, outcomeOf, pairsOf,
  type Execution, type LitmusProgram, type Model, type Pair, type Registers, type Run, type Step, type Violation,
} from '../../lib/index.ts'
import {operationsOf} from '../operations.ts'
import {edgeName, width, wrap} from '../report.ts'
import {drawTimeline, timeline, type Timeline} from '../timeline.ts'
import {weaker} from './weaken.ts'

type Expired = () => boolean

/** Lines that show an execution which decides the condition, or why there is none. */
export function witnessOf(litmus: LitmusProgram, model: Model, bound: number, expired: Expired): readonly string[] {
  const wanted = wantedBy(litmus)
  const allowed = found(litmus, model, bound, wanted, expired, 1)[0]
  if (allowed !== undefined) return showAllowed(litmus, model, allowed)
  if (expired()) return wrap('The time was over before an execution was found in which the condition holds.')
  const stuck = deadlockOf(litmus, model, bound)
  if (stuck !== null) return wrap(stuck)
  const best = nearestForbidden(litmus, model, bound, wanted, expired)
  return best === null ? wrap(unexplained(litmus, expired)) : showForbidden(litmus, model, best)
}

/** What the threads wait for, if that is so in the first execution that there is. */
function deadlockOf({program}: LitmusProgram, model: Model, bound: number): string | null {
  for (const {failures} of executions(program, model, {flags: [], bound})) {
    const waiting = failures.flatMap(failure => failure.kind === 'deadlock' ? failure.waiting : [])
    if (waiting.length === 0) return null
    return `Deadlock: ${waiting.map(({thread, operation, location}) => `${thread} waits in ${operation} for ${location}`).join(', ')}.`
  }
  return null
}

/** `forall` is decided by an execution in which the proposition does not hold, everything else by one in which it does. */
function wantedBy(litmus: LitmusProgram): (run: Run) => boolean {
  const {condition, filter, quantifier} = litmus.question
  return ({returned, final, failures}) => {
    if (failures.some(({kind}) => kind === 'panic' || kind === 'deadlock')) return false
    const outcome = outcomeOf(litmus, returned as Registers, index => final[index]!)
    if (filter !== null && conditionHolds(filter, outcome) !== true) return false
    return (conditionHolds(condition, outcome) === true) === (quantifier !== 'forall')
  }
}

/** Candidates looked at per model: a test whose threads do much has more than anybody would wait for. */
const mostLookedAt = 50_000

/** The first few executions that are wanted. */
function found(litmus: LitmusProgram, model: Model, bound: number, wanted: (run: Run) => boolean, expired: Expired, most: number): readonly Run[] {
  const runs: Run[] = []
  let looked = 0
  for (const run of executions(litmus.program, model, {flags: [], bound, expired})) {
    if (wanted(run) && runs.push(run) >= most) break
    if (++looked >= mostLookedAt || expired()) break
  }
  return runs
}

// ---- Why there is none ---------------------------------------------------------------------------

interface Forbidden {
  readonly run: Run
  readonly violation: Violation
  /** How many axioms forbid it. */
  readonly axioms: number
}

/** Wanted candidates that are explained per weaker model. */
const mostExplained = 40

/** The execution with the shortest cycle, of those that as few axioms as possible forbid. */
function nearestForbidden(litmus: LitmusProgram, model: Model, bound: number, wanted: (run: Run) => boolean, expired: Expired): Forbidden | null {
  let best: Forbidden | null = null
  for (const weak of weaker(model)) {
    const several = Object.keys(model.axioms).length - Object.keys(weak.axioms).length > 1
    if (best !== null && several) break
    for (const run of found(litmus, weak, bound, wanted, expired, mostExplained)) {
      best = nearer(best, explained(model, run))
      if (expired()) return best
    }
  }
  return best
}

function explained(model: Model, run: Run): Forbidden | null {
  const {violations} = judge(model, run.execution)
  const shortest = violations.reduce<Violation | null>((best, each) => best === null || each.cycle.length < best.cycle.length ? each : best, null)
  return shortest === null ? null : {run, violation: shortest, axioms: violations.length}
}

function nearer(a: Forbidden | null, b: Forbidden | null): Forbidden | null {
  if (a === null || b === null) return a ?? b
  if (a.axioms !== b.axioms) return a.axioms < b.axioms ? a : b
  return a.violation.cycle.length <= b.violation.cycle.length ? a : b
}

function unexplained({question}: LitmusProgram, expired: Expired): string {
  if (expired()) return 'The time was over before it was found out why the model forbids this.'
  const what = question.quantifier === 'forall' ? 'The condition holds in every candidate' : 'The condition holds in no candidate'
  return `${what}, whatever the axioms: it is decided by what the threads compute from values that somebody stores, and by read-modify-writes that nothing comes between.`
}

// ---- Text ----------------------------------------------------------------------------------------

function showForbidden(litmus: LitmusProgram, model: Model, {run, violation}: Forbidden): readonly string[] {
  const lines = layOut(litmus, model, run.execution)
  return [
    `Forbidden by ${model.name}, the nearest candidate:`,
    ...drawTimeline(lines, {width}),
    ...wrap(`forbidden by ${violation.axiom}: ${walk(violation, model, run.execution, lines)}`),
  ]
}

function showAllowed(litmus: LitmusProgram, model: Model, {execution}: Run): readonly string[] {
  const lines = layOut(litmus, model, execution)
  const orders = orderings(model, execution, lines)
  return [
    `Allowed by ${model.name}:`,
    ...drawTimeline(lines, {width}),
    ...wrap(orders.length === 0 ? 'nothing orders these steps' : `ordered: ${orders.join(', ')}`),
  ]
}

function layOut({program}: LitmusProgram, model: Model, execution: Execution): Timeline {
  return timeline(program.threads.map(({name}) => name), execution, operationsOf(program, model, execution))
}

/** `1 ->wmb 2 ->rfe 3 ->fre 1`. */
function walk(violation: Violation, model: Model, execution: Execution, {rowOf}: Timeline): string {
  const row = (event: number): string => String(rowOf.get(event) ?? 'init')
  const steps = joined(violation, model, execution).filter(({from, to}) => row(from) !== row(to))
  const [first] = steps
  return first === undefined ? '' : `${row(first.from)} ${steps.map(({name, to}) => `->${name} ${row(to)}`).join(' ')}`
}

interface Edge {
  readonly from: number
  readonly to: number
  readonly name: string
}

/**
 * The cycle with what happens inside one thread in as few edges as the model has names for: po, a fence, po is mb.
 * Coherence is about po itself.
 */
function joined({axiom, cycle}: Violation, model: Model, execution: Execution): readonly Edge[] {
  const thread = (event: number): number => execution.events[event]!.thread
  const steps = rotated(cycle, thread)
  const edges: Edge[] = []
  for (let i = 0; i < steps.length;) {
    const {from} = steps[i]!
    let [end, name] = [i + 1, nameOf(steps[i]!, execution)]
    for (let j = i; j < steps.length && axiom !== 'coherence' && thread(steps[j]!.to) === thread(from); j++) {
      const longer = j > i || name === 'po' ? nameIn(local, model, execution, from, steps[j]!.to) : null
      if (longer !== null) [end, name] = [j + 1, longer]
    }
    edges.push({from, to: steps[end - 1]!.to, name})
    i = end
  }
  return [...edges, ...closing(edges, execution)]
}

/** An axiom that nothing may be in a relation (plain-coherence) has no cycle, but an order that contradicts the pair. */
function closing(edges: readonly Edge[], {events}: Execution): readonly Edge[] {
  const [from, to] = [edges.at(-1)!.to, edges[0]!.from]
  if (from === to) return []
  const kinds = `${events[from]!.label.kind}${events[to]!.label.kind}`
  return [{from, to, name: kinds === 'RW' ? 'rw-xbstar' : kinds === 'WR' ? 'wr-vis' : 'ww-vis'}]
}

/** The cycle from where it enters a thread. */
function rotated(cycle: readonly Step[], thread: (event: number) => number): readonly Step[] {
  const start = cycle.findIndex(({from, to}) => thread(from) !== thread(to)) + 1
  return [...cycle.slice(start), ...cycle.slice(0, start)]
}

function nameOf(step: Step, {events, given}: Execution): string {
  const {from, to} = step
  const name = step.names.length > 0 ? edgeName(step) : contains(given.rf, from, to) ? 'rf' : contains(given.co, from, to) ? 'co' : 'fr'
  return ['rf', 'co', 'fr'].includes(name) ? `${name}${events[from]!.thread === events[to]!.thread ? 'i' : 'e'}` : name
}

function nameIn(names: readonly string[], model: Model, execution: Execution, from: number, to: number): string | null {
  return names.find(name => {
    const relation = model.relations[name]
    return relation !== undefined && contains(pairsOf(relation, execution), from, to)
  }) ?? null
}

function contains(pairs: readonly Pair[], from: number, to: number): boolean {
  return pairs.some(([a, b]) => a === from && b === to)
}

/** Orders inside a thread that models have names for, what a programmer would name first. */
const local = [
  'addr', 'data', 'ctrl', 'rwdep', 'rmb', 'wmb', 'gp', 'mb', 'po-rel', 'acq-po', 'po-unlock-lock-po', 'rcu-fence', 'ppo', 'implied', 'mfence',
]

/** What orders the steps: inside a thread by the model's own names, between threads by who read or overwrote what. */
function orderings(model: Model, execution: Execution, {rowOf}: Timeline): readonly string[] {
  const named = new Map<string, string>()
  const add = (name: string, pairs: readonly Pair[]): void => {
    for (const [from, to] of pairs) {
      const [a, b] = [rowOf.get(from), rowOf.get(to)]
      if (a !== undefined && b !== undefined && a !== b && !named.has(`${a} ${b}`)) named.set(`${a} ${b}`, name)
    }
  }
  for (const name of local) {
    const relation = model.relations[name]
    if (relation !== undefined) add(name, nearest(pairsOf(relation, execution)))
  }
  for (const [name, pairs] of communication(execution)) add(name, pairs)
  const position = (key: string): readonly number[] => key.split(' ').map(Number)
  return [...named].map(([key, name]) => ({at: position(key), name}))
    .sort((x, y) => x.at[0]! - y.at[0]! || x.at[1]! - y.at[1]!)
    .map(({at, name}) => `${at[0]} ->${name} ${at[1]}`)
}

/** Without the pairs that two others add up to. */
function nearest(pairs: readonly Pair[]): readonly Pair[] {
  const all = new Set(pairs.map(([a, b]) => `${a} ${b}`))
  const firsts = new Map<number, number[]>()
  for (const [a, b] of pairs) firsts.set(a, [...firsts.get(a) ?? [], b])
  return pairs.filter(([a, b]) => !(firsts.get(a) ?? []).some(c => c !== b && all.has(`${c} ${b}`)))
}

/** rfe, coe and fre, each to the next write only. */
function communication({events, given}: Execution): readonly (readonly [string, readonly Pair[]])[] {
  const external = (pairs: readonly Pair[]): readonly Pair[] => pairs.filter(([a, b]) => events[a]!.thread !== events[b]!.thread)
  const co = nearest(given.co)
  const fr = given.rf.flatMap(([write, read]) => co.filter(([older]) => older === write).map(([, newer]): Pair => [read, newer]))
  return [['rfe', external(given.rf)], ['coe', external(co)], ['fre', external(fr)]]
}
