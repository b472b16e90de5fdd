import test, {type ExecutionContext} from 'ava'
import {
  allows, flagsOf, judge, lkmm, pairsOf, program, rc11, sc, tso, type Event, type Execution, type Location, type Model, type Pair, type RelationExpr,
  type SetExpr, type Step,
} from '../lib/index.ts'
import {label} from '../lib/event.ts'
import {
  acyclic, addr, and, any, brackets, co, coe, cross, ctrl, data, domain, empty, ext, F, fencerel, fr, fre, id, int, inv, irreflexive, IW, loc, M,
  minus, not, on, opt, or, plus, po, poLoc, R, range, rec, rf, rfe, rfi, rmw, seq, set, star, W,
} from '../lib/model.ts'

// ---- Executions by hand ----------------------------------------------------------------------------

/** `Wx=1 ONCE`, `Rx=0`, `F Wmb`: kind, word and value, then tags. */
type Line = string

interface Drawn {
  readonly threads: readonly (readonly Line[])[]
  /** Edges by the names of events: `ix` for an initial write, otherwise thread and position, as in `0.1`. co is completed with the initial writes. */
  readonly rf?: readonly string[]
  readonly co?: readonly string[]
  readonly rmw?: readonly string[]
  readonly addr?: readonly string[]
  readonly data?: readonly string[]
  readonly ctrl?: readonly string[]
}

/** Three words, made once: x, y and z, all 0. */
const words: readonly Location[] = program('words', memory => {
  const all = [memory.word('x'), memory.word('y'), memory.word('z')]
  return {threads: {* none() { return all }}}
}).memory

/** The execution of a drawing such as `{threads: [['Wx=1'], ['Rx=1']], rf: ['0.0 1.0']}`. */
function draw({threads, rf = [], co = [], rmw = [], addr = [], data = [], ctrl = []}: Drawn): Execution {
  const events: Event[] = words.map((location, id) => ({id, thread: -1, position: 0, label: label('W', 'IW'), location}))
  const values: (number | null)[] = words.map(() => 0)
  threads.forEach((lines, thread) => lines.forEach((line, position) => {
    const [what, ...tags] = line.split(' ')
    const location = words.find(word => word.name === what![1]) ?? null
    events.push({id: events.length, thread, position, label: label(what![0] as 'R' | 'W' | 'F', ...tags), location})
    values.push(location === null ? null : Number(what!.slice(3)))
  }))
  const edges = (texts: readonly string[]): Pair[] => texts.map(text => text.split(' ').map(name => find(events, name).id) as [number, number])
  const initial = events.flatMap((a): Pair[] => events.filter(b => a.thread < 0 && b.thread >= 0 && b.label.kind === 'W' && b.location === a.location).map(b => [a.id, b.id]))
  const ordered = events.flatMap((a): Pair[] => events.filter(b => a.thread >= 0 && a.thread === b.thread && a.position < b.position).map(b => [a.id, b.id]))
  return {
    events, values,
    given: {po: ordered, rf: edges(rf), co: [...initial, ...edges(co)], rmw: edges(rmw), addr: edges(addr), data: edges(data), ctrl: edges(ctrl)},
  }
}

function find(events: readonly Event[], name: string): Event {
  return events.find(event => nameOf(event) === name)!
}

function nameOf({thread, position, location}: Event): string {
  return thread < 0 ? `i${location!.name}` : `${thread}.${position}`
}

/** Message passing that goes wrong: the flag y is seen, x is not. */
const mp = draw({
  threads: [['Wx=1 ONCE', 'Wy=1 ONCE'], ['Ry=1 ONCE', 'Rx=0 ONCE']],
  rf: ['0.1 1.0', 'ix 1.1'],
})

// ---- The language ----------------------------------------------------------------------------------

const holdsOf = test.macro((t: ExecutionContext, relation: RelationExpr, execution: Execution, expected: readonly string[]) => {
  const found = pairsOf(relation, execution).map(([a, b]) => `${nameOf(execution.events[a]!)} ${nameOf(execution.events[b]!)}`)
  t.deepEqual(found.sort(), [...expected].sort())
})

const contains = test.macro((t: ExecutionContext, of: SetExpr, execution: Execution, expected: readonly string[]) => {
  t.deepEqual(pairsOf(on(of), execution).map(([id]) => nameOf(execution.events[id]!)), expected)
})

const inits = ['ix', 'iy', 'iz']

test('R is the reads', contains, R, mp, ['1.0', '1.1'])
test('W is the writes, initial ones too', contains, W, mp, [...inits, '0.0', '0.1'])
test('IW is the initial writes', contains, IW, mp, inits)
test('M is all accesses, F all fences', contains, and(M, F), draw({threads: [['F Mb', 'Wx=1']]}), [])
test('F is the fences', contains, F, draw({threads: [['F Mb', 'Wx=1']]}), ['0.0'])
test('a tag is the events that carry it', contains, set('ONCE'), draw({threads: [['Wx=1 ONCE', 'Wx=2 RELEASE']], co: ['0.0 0.1']}), ['0.0'])
test('any is everything', contains, any, mp, [...inits, '0.0', '0.1', '1.0', '1.1'])
test('a union of sets', contains, or(IW, R), mp, [...inits, '1.0', '1.1'])
test('a difference of sets', contains, minus(W, IW), mp, ['0.0', '0.1'])
test('a complement', contains, not(W), mp, ['1.0', '1.1'])
test('the domain of a relation', contains, domain(rf), mp, ['ix', '0.1'])
test('the range of a relation', contains, range(rf), mp, ['1.0', '1.1'])

test('po is program order, of all pairs of a thread', holdsOf, po, draw({threads: [['Wx=1', 'F Mb', 'Ry=0']], rf: ['iy 0.2']}), ['0.0 0.1', '0.0 0.2', '0.1 0.2'])
test('rf is as given', holdsOf, rf, mp, ['0.1 1.0', 'ix 1.1'])
test('co begins with the initial writes', holdsOf, co, mp, ['ix 0.0', 'iy 0.1'])
test('fr goes from a read to the writes that come after what it read', holdsOf, fr, mp, ['1.1 0.0'])
test('loc is same location', holdsOf, and(loc, cross(minus(W, IW), R)), mp, ['0.0 1.1', '0.1 1.0'])
test('int is same thread, oneself too', holdsOf, and(int, cross(R, any)), mp, ['1.0 1.0', '1.0 1.1', '1.1 1.0', '1.1 1.1'])
test('ext is another thread', holdsOf, and(ext, cross(any, set('there'))), draw({threads: [['F here', 'F here'], ['F there']]}), ['ix 1.0', 'iy 1.0', 'iz 1.0', '0.0 1.0', '0.1 1.0'])
test('initial writes are external to one another', holdsOf, and(ext, cross(IW, IW)), mp, ['ix iy', 'ix iz', 'iy ix', 'iy iz', 'iz ix', 'iz iy'])
test('id is oneself', holdsOf, and(id, cross(R, any)), mp, ['1.0 1.0', '1.1 1.1'])

const dependent = draw({
  threads: [['Rx=0', 'Ry=0', 'Wz=0', 'Wx=0']],
  rf: ['ix 0.0', 'iy 0.1'], addr: ['0.0 0.1'], data: ['0.1 0.2'], ctrl: ['0.0 0.3'], rmw: ['0.0 0.3'],
})
test('addr is as given', holdsOf, addr, dependent, ['0.0 0.1'])
test('data is as given', holdsOf, data, dependent, ['0.1 0.2'])
test('ctrl is as given', holdsOf, ctrl, dependent, ['0.0 0.3'])
test('rmw is as given', holdsOf, rmw, dependent, ['0.0 0.3'])

test('[S] is the identity on a set', holdsOf, on(R), mp, ['1.0 1.0', '1.1 1.1'])
test('S * T is all pairs', holdsOf, cross(R, minus(W, IW)), mp, ['1.0 0.0', '1.0 0.1', '1.1 0.0', '1.1 0.1'])
test('r ; s composes', holdsOf, seq(rf, po), mp, ['0.1 1.1'])
test('r ; [S] ; s goes through the set', holdsOf, seq(po, W, rf), mp, ['0.0 1.0'])
test('a union', holdsOf, or(rf, fr), mp, ['0.1 1.0', 'ix 1.1', '1.1 0.0'])
test('an intersection', holdsOf, and(po, cross(any, R)), mp, ['1.0 1.1'])
test('a difference', holdsOf, minus(rf, cross(IW, any)), mp, ['0.1 1.0'])
test('r^-1 turns around', holdsOf, inv(rf), mp, ['1.0 0.1', '1.1 ix'])
test('r? is r or oneself', holdsOf, seq(R, opt(po), R), mp, ['1.0 1.0', '1.0 1.1', '1.1 1.1'])
test('r+ is one or more steps', holdsOf, plus(or(rfe, seq(R, po), fre)), draw({
  threads: [['Wx=1'], ['Rx=1', 'Ry=0'], ['Wy=1']], rf: ['0.0 1.0', 'iy 1.1'],
}), ['0.0 1.0', '0.0 1.1', '0.0 2.0', '1.0 1.1', '1.0 2.0', '1.1 2.0', 'iy 1.1', 'iy 2.0'])
test('r* is any number of steps, none too', holdsOf, seq(set('a'), star(po), set('c')), draw({threads: [['F a', 'F b', 'F c']]}), ['0.0 0.2'])
test('r* of nothing is the identity', holdsOf, seq(R, star(minus(po, po)), R), mp, ['1.0 1.0', '1.1 1.1'])
test('rfe, rfi, coe, fre and po-loc are what they say', holdsOf, or(rfi, poLoc, coe), draw({
  threads: [['Wx=1', 'Rx=1'], ['Wx=2']], rf: ['0.0 0.1'], co: ['0.0 1.0'],
}), ['0.0 0.1', 'ix 0.0', 'ix 1.0', '0.0 1.0'])
test('fencerel is what a fence separates', holdsOf, fencerel(set('Mb')), draw({
  threads: [['Wx=1', 'F Mb', 'Wy=1', 'F Wmb', 'Wz=1']],
}), ['0.0 0.2', '0.0 0.3', '0.0 0.4'])
test('brackets match as they nest', holdsOf, brackets(set('open'), set('close')), draw({
  threads: [['F open', 'F open', 'F close', 'F close', 'F close'], ['F open']],
}), ['0.0 0.3', '0.1 0.2'])
test('a recursive relation is the least that satisfies its equation', holdsOf, rec(r => or(on(set('a')), seq(po, r, po))), draw({
  threads: [['F', 'F', 'F a', 'F', 'F']],
}), ['0.2 0.2', '0.1 0.3', '0.1 0.4', '0.0 0.3', '0.0 0.4'])

// ---- Axioms and their cycles -----------------------------------------------------------------------

/** A model with one axiom. */
function one(axiom: Model['axioms'][string], relations: Model['relations'] = {}): Model {
  return {name: 'one', title: '', sources: [], family: 'sc', relations, axioms: {axiom}, flags: {}, before: po, guarded: po, folded: minus(any, any)}
}

test('acyclic forbids cycles of several steps', t => {
  t.false(allows(one(acyclic(or(po, rf, fr))), mp))
  t.true(allows(one(acyclic(or(po, rf))), mp))
})

test('irreflexive forbids what leads back in one step', t => {
  t.false(allows(one(irreflexive(seq(po, rf, po, fr))), mp))
  t.true(allows(one(irreflexive(or(po, rf, fr))), mp))
})

test('empty forbids everything', t => {
  t.false(allows(one(empty(fr)), mp))
  t.true(allows(one(empty(rmw)), mp))
})

/** A cycle as text: events, and between them each step's names, the outermost first. */
function walked(steps: readonly Step[], {events}: Execution): string {
  return steps.map(({from, names}) => `${nameOf(events[from]!)} —${names.join('/')}→`).join(' ')
}

const breaks = test.macro((t: ExecutionContext, model: Model, execution: Execution, expected: Readonly<Record<string, string>>) => {
  const {violations} = judge(model, execution)
  t.deepEqual(Object.fromEntries(violations.map(({axiom, cycle}) => [axiom, walked(cycle, execution)])), expected)
  for (const {axiom, cycle} of violations) {
    const kind = model.axioms[axiom]!.kind
    for (const [i, step] of cycle.entries()) if (kind !== 'empty' || i + 1 < cycle.length) t.is(cycle[(i + 1) % cycle.length]!.from, step.to, 'each step begins where the last one ended')
  }
  t.is(allows(model, execution), violations.length === 0)
})

test('the cycle of SB, under sc', breaks, sc, draw({threads: [['Wx=1', 'Ry=0'], ['Wy=1', 'Rx=0']], rf: ['iy 0.1', 'ix 1.1']}), {'sequential-consistency': '0.0 —po→ 0.1 —fr→ 1.0 —po→ 1.1 —fr→'})
test('the cycle of SB+mfences, under tso', breaks, tso, draw({
  threads: [['Wx=1', 'F MFENCE', 'Ry=0'], ['Wy=1', 'F MFENCE', 'Rx=0']], rf: ['iy 0.2', 'ix 1.2'],
}), {
  'total-store-order': '0.0 —po-tso/mfence→ 0.2 —fr→ 1.0 —po-tso/mfence→ 1.2 —fr→',
})
test('the cycle of MP, released and acquired, under rc11', breaks, rc11, draw({
  threads: [['Wx=1 RLX', 'Wy=1 REL'], ['Ry=1 ACQ', 'Rx=0 RLX']], rf: ['0.1 1.0', 'ix 1.1'],
}), {coherence: '0.0 —po→ 0.1 —rf→ 1.0 —po→ 1.1 —fr→'})
test('the cycle of LB, under rc11', breaks, rc11, draw({threads: [['Rx=1 RLX', 'Wy=1 RLX'], ['Ry=1 RLX', 'Wx=1 RLX']], rf: ['1.1 0.0', '0.1 1.0']}), {
  'no-thin-air': '0.0 —po→ 0.1 —rf→ 1.0 —po→ 1.1 —rf→',
})
test('the cycle of SB of seq_cst accesses, under rc11', breaks, rc11, draw({
  threads: [['Wx=1 SC', 'Ry=0 SC'], ['Wy=1 SC', 'Rx=0 SC']], rf: ['iy 0.1', 'ix 1.1'],
}), {'sequential-consistency': '0.0 —scb/po→ 0.1 —scb/fr→ 1.0 —scb/po→ 1.1 —scb/fr→'})
test('what breaks when an update is lost, under rc11', breaks, rc11, draw({
  threads: [['Rx=0 RMW RLX', 'Wx=1 RMW RLX'], ['Wx=2 RLX']], rf: ['ix 0.0'], co: ['1.0 0.1'], rmw: ['0.0 0.1'],
}), {atomicity: '0.0 —rmw→'})
test('the cycle of CoRR, under lkmm', breaks, lkmm, draw({threads: [['Wx=1 ONCE'], ['Rx=1 ONCE', 'Rx=0 ONCE']], rf: ['0.0 1.0', 'ix 1.1']}), {
  coherence: '0.0 —rf→ 1.0 —po-loc/po→ 1.1 —fr→',
})
test('the cycle of MP+wmb+rmb, under lkmm', breaks, lkmm, draw({
  threads: [['Wx=1 ONCE', 'F Wmb', 'Wy=1 ONCE'], ['Ry=1 ONCE', 'F Rmb', 'Rx=0 ONCE']], rf: ['0.2 1.0', 'ix 1.2'],
}), {'happens-before': '1.0 —hb/ppo/fence/rmb→ 1.2 —overwrite/fr→ 0.0 —wmb→ 0.2 —rfe/rf→'})
test('the cycle of LB+data+data, under lkmm', breaks, lkmm, draw({
  threads: [['Rx=1 ONCE', 'Wy=1 ONCE'], ['Ry=1 ONCE', 'Wx=1 ONCE']], rf: ['1.1 0.0', '0.1 1.0'], data: ['0.0 0.1', '1.0 1.1'],
}), {'happens-before': '0.0 —data→ 0.1 —hb/rfe/rf→ 1.0 —data→ 1.1 —hb/rfe/rf→'})
test('the cycle of SB+mb+mb, under lkmm', breaks, lkmm, draw({
  threads: [['Wx=1 ONCE', 'F MB', 'Ry=0 ONCE'], ['Wy=1 ONCE', 'F MB', 'Rx=0 ONCE']], rf: ['iy 0.2', 'ix 1.2'],
}), {propagation: '0.2 —overwrite/fr→ 1.0 —po→ 1.1 —po→ 1.2 —overwrite/fr→ 0.0 —po→ 0.1 —po→'})
test('the cycle of MP+gp+rscs, under lkmm', breaks, lkmm, draw({
  threads: [['Wx=1 ONCE', 'F Sync-rcu', 'Wy=1 ONCE'], ['F Rcu-lock', 'Ry=1 ONCE', 'Rx=0 ONCE', 'F Rcu-unlock']], rf: ['0.2 1.1', 'ix 1.2'],
}), {rcu: '0.2 —rfe/rf→ 1.1 —po→ 1.3 —rcu-order→ 0.1 —po→'})
test('what breaks when a plain write is missed, under lkmm', breaks, lkmm, draw({
  threads: [['Wx=1', 'F Wmb', 'Wy=1 ONCE'], ['Ry=1 ONCE', 'F Rmb', 'Rx=0']], rf: ['0.2 1.0', 'ix 1.2'],
}), {'plain-coherence': '1.2 —→'})

// ---- Flags -----------------------------------------------------------------------------------------

const raises = test.macro((t: ExecutionContext, model: Model, execution: Execution, expected: Readonly<Record<string, readonly string[]>>) => {
  const found = flagsOf(model, execution).map(({flag, pairs}) => [flag, pairs.map(([a, b]) => `${nameOf(execution.events[a]!)} ${nameOf(execution.events[b]!)}`)])
  t.deepEqual(Object.fromEntries(found), expected)
  t.true(allows(model, execution), 'flags are of allowed executions')
})

test('a read that is not ordered after the write races under rc11', raises, rc11, draw({threads: [['Wx=1 NA'], ['Rx=0 NA']], rf: ['ix 1.0']}), {
  'data-race': ['0.0 1.0', '1.0 0.0'],
})
test('one that is does not', raises, rc11, draw({
  threads: [['Wx=1 NA', 'Wy=1 REL'], ['Ry=1 ACQ', 'Rx=1 NA']], rf: ['0.1 1.0', '0.0 1.1'],
}), {})
test('atomic accesses do not race', raises, rc11, draw({threads: [['Wx=1 RLX'], ['Rx=0 RLX']], rf: ['ix 1.0']}), {})
test('a plain read that is not bounded races under lkmm', raises, lkmm, draw({threads: [['Wx=1'], ['Rx=1']], rf: ['0.0 1.0']}), {
  'data-race': ['0.0 1.0'],
})
test('an rcu_read_lock without its unlock', raises, lkmm, draw({threads: [['F Rcu-lock', 'F Rcu-lock', 'F Rcu-unlock']]}), {
  'unmatched-rcu-lock': ['0.0 0.0'],
})
test('an rcu_read_unlock without its lock', raises, lkmm, draw({threads: [['F Rcu-unlock']]}), {
  'unmatched-rcu-unlock': ['0.0 0.0'],
})
test('marked and plain writes of one word next to one another', raises, lkmm, draw({threads: [['Wx=1', 'Wx=2 ONCE']], co: ['0.0 0.1']}), {
  'mixed-accesses': ['0.0 0.1'],
})
