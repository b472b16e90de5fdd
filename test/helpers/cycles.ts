/** Litmus tests from cycles, run: their outcomes, and the same test through the TypeScript API. */
import {
  compilerBarrier, executionKey, executions, fence, litmusProgram, LitmusTally, litmusText, load, loadAcquire, parseLitmus, program,
  rcuAssignPointer, rcuDereference, rcuReadLock, rcuReadUnlock, readNonAtomic, readOnce, readPlain, smpMb, smpRmb, smpWmb, store, storeRelease, survey,
  synchronizeRcu, Value, when, writeNonAtomic, writeOnce, writePlain, type Address, type CycleAccess, type CycleTest, type LitmusProgram,
  type LitmusVerdict, type Location, type Model, type Observed, type Operand, type Proc, type Program, type Registers, type Scalar, type View,
} from '../../lib/index.ts'

// ---- Running -------------------------------------------------------------------------------------

/** The test as the front end reads it, asking for every register and every location besides. */
export function readAll(test: CycleTest): LitmusProgram {
  const registers = test.threads.flatMap((accesses, thread) => accesses.flatMap(({register}) => register === null ? [] : [`${thread}:${register}`]))
  const locations = new Set(test.threads.flat().map(({location}) => location))
  const all = `locations [${[...registers, ...locations].join('; ')}]\nexists`
  return litmusProgram(parseLitmus(test.name, litmusText(test).replace(/^exists/m, all)))
}

/** What the executions of a test come to. */
export function verdictOf({program: threads, question}: LitmusProgram, model: Model): LitmusVerdict {
  let tally = new LitmusTally(question)
  survey(threads, model, {flags: Object.keys(model.flags)}, () => {
    tally = new LitmusTally(question)
    return {
      visit(view, status) {
        if (status === 'complete') tally.add(question.observed.map(seen => observedIn(view, seen)), view.flags())
        else tally.addDeadlock()
        return false
      },
    }
  })
  return tally.verdict
}

function observedIn(view: View, seen: Observed): Scalar | undefined {
  if (seen.kind === 'memory') return view.final(seen.location.index)
  const returned = view.returned(seen.thread) as Readonly<Record<string, Value>> | undefined
  const value = returned?.[seen.name]
  return value === undefined ? undefined : view.scalar(seen.thread, value)
}

/** The names that a test's outcomes are compared by. */
export type Naming = (name: string) => string

const asTheyAre: Naming = name => name

/** How many executions end in each state; `naming` says what the observed things are called. */
export function outcomes(litmus: LitmusProgram, model: Model, naming: Naming = asTheyAre): ReadonlyMap<string, number> {
  return statesOf(verdictOf(litmus, model), naming)
}

/** How many executions end in each state, and which flags are raised. */
export function summary(litmus: LitmusProgram, model: Model, naming: Naming = asTheyAre): readonly string[] {
  const verdict = verdictOf(litmus, model)
  return [
    ...[...statesOf(verdict, naming)].map(([state, count]) => `${state} (${count} times)`).sort(),
    ...verdict.flags.map(flag => `flag ${flag}`),
  ]
}

function statesOf({states}: LitmusVerdict, naming: Naming): ReadonlyMap<string, number> {
  return new Map([...states].map(([line, count]) => {
    const parts = line.split(/; ?/).filter(part => part !== '').map(part => part.split('=') as [string, string])
    return [parts.map(([name, value]) => `${naming(name)}=${value}`).sort().join(' '), count]
  }))
}

/** One word per execution. */
export function keysOf<R>(of: Program<R>, model: Model): string[] {
  return Array.from(executions(of, model, {flags: []}), ({execution}) => executionKey(execution)).sort()
}

// ---- The same through the TypeScript API -----------------------------------------------------------

const reads: Readonly<Record<string, (at: Address) => Proc<Value>>> = {
  Once: readOnce, Acquire: loadAcquire, Deref: rcuDereference, Plain: readPlain,
  Rlx: at => load(at, 'Relaxed'), Acq: at => load(at, 'Acquire'), Sc: at => load(at, 'SeqCst'), Na: readNonAtomic,
}

const writes: Readonly<Record<string, (at: Address, value: Operand) => Proc>> = {
  Once: writeOnce, Release: storeRelease, Assign: rcuAssignPointer, Plain: writePlain,
  Rlx: (at, value) => store(at, value, 'Relaxed'), Rel: (at, value) => store(at, value, 'Release'),
  Sc: (at, value) => store(at, value, 'SeqCst'), Na: writeNonAtomic,
}

const barriers: Readonly<Record<string, () => Proc>> = {
  Mb: smpMb, Rmb: smpRmb, Wmb: smpWmb, Barrier: compilerBarrier,
  Acq: () => fence('Acquire'), Rel: () => fence('Release'), AcqRel: () => fence('AcqRel'), Sc: () => fence('SeqCst'),
}

/** The test as a TypeScript program, its memory laid out as in `like`. */
export function programOf(test: CycleTest, like: LitmusProgram): Program<Registers> {
  const made = program(test.name, memory => {
    const words = new Map(like.program.memory.map(({name}) => [name, memory.word(name)]))
    const bodies = [
      ...test.threads.map(accesses => () => thread(accesses, words)),
      ...test.observers.map(observer => () => observe(observer, words, test.dialect === 'kernel' ? readOnce : reads['Rlx']!)),
    ]
    return {threads: Object.fromEntries(bodies.map((body, i) => [`P${i}`, body]))}
  })
  return made as Program<Registers>
}

type Words = ReadonlyMap<string, Location>
type Results = Record<string, Value>

function* thread(accesses: readonly CycleAccess[], words: Words): Proc<Results> {
  const results: Results = {}
  for (const [i, access] of accesses.entries()) {
    const meaning = access.after?.meaning
    const next = accesses[i + 1]?.after?.meaning.kind
    if (meaning?.kind === 'fence') yield* barriers[meaning.fence.name]!()
    if (meaning?.kind === 'grace') yield* synchronizeRcu()
    if (next === 'section' && meaning?.kind !== 'section') yield* rcuReadLock()
    yield* dependent(access, accesses[i - 1], words, results)
    if (meaning?.kind === 'section' && next !== 'section') yield* rcuReadUnlock()
  }
  return results
}

function* dependent(access: CycleAccess, previous: CycleAccess | undefined, words: Words, results: Results): Proc {
  const on = access.after?.meaning.kind === 'dependency' ? access.after.meaning.on : null
  const from = on === null ? Value.of(0) : results[previous!.register!]!
  const zero = from.xor(from)
  const word = words.get(access.location)!
  const at = on === 'addr' ? Value.of(word).plus(zero) : word
  const perform = function* (): Proc<Value | undefined> {
    const {direction, annotation, value} = access
    if (direction === 'R') return yield* reads[annotation.name]!(at)
    yield* writes[annotation.name]!(at, on === 'data' ? zero.plus(value!) : value!)
    return undefined
  }
  const condition = previous?.value == null ? Value.apply('>=', from, Value.of(0)) : from.eq(previous.value)
  const read = yield* on === 'ctrl' ? when(condition, perform) : perform()
  if (access.register !== null) results[access.register] = read ?? Value.of(0)
}

function* observe({location, writes: count}: CycleTest['observers'][number], words: Words, read: (at: Address) => Proc<Value>): Proc<Results> {
  const results: Results = {}
  for (let i = 0; i < count - 1; i++) results[`r${i}`] = yield* read(words.get(location)!)
  return results
}

// ---- Other tests from one ------------------------------------------------------------------------

/** The test with its threads in another order and its locations under other names, and how to call things as before. */
export function renamed(test: CycleTest, order: readonly number[], names: Readonly<Record<string, string>>): {test: CycleTest; naming: Naming} {
  const to = (location: string): string => names[location] ?? location
  const other: CycleTest = {
    ...test,
    threads: order.map(thread => test.threads[thread]!.map(access => ({...access, location: to(access.location)}))),
    observers: test.observers.map(observer => ({...observer, location: to(observer.location)})),
    final: test.final.map(({location, value}) => ({location: to(location), value})),
  }
  const back = new Map(Object.entries(names).map(([from, now]) => [now, from]))
  const naming: Naming = name => {
    const [, thread, register] = /^(\d+):(.*)$/.exec(name) ?? []
    return thread === undefined ? back.get(name) ?? name : `${order[Number(thread)] ?? thread}:${register!}`
  }
  return {test: other, naming}
}

/** The test with one access changed. */
export function changed(test: CycleTest, at: readonly [thread: number, position: number], change: (access: CycleAccess) => CycleAccess): CycleTest {
  const threads = test.threads.map((accesses, i) => accesses.map((access, k) => i === at[0] && k === at[1] ? change(access) : access))
  return {...test, threads}
}

