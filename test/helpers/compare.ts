/** Compares the engine's executions of a program with those of the brute force. */
import {
  allows, executionKey, executions, flagsOf, pairsOf, type Execution, type Failure, type Model, type Program, type Run, type Scalar,
} from '../../lib/index.ts'
import {data, or, plus, rf} from '../../lib/model.ts'
import {candidates, TooLarge, type Outcome} from './bruteforce.ts'
import {compile, type Registers, type Sketch} from './sketch.ts'

/** What the engine gets wrong about a sketch; see `programDifferences`. */
export function differences(sketch: Sketch, model: Model, mostCandidates: number, change = unchanged): readonly string[] | 'too large' {
  return programDifferences(() => change(compile(sketch)), model, mostCandidates)
}

/**
 * What the engine gets wrong, in words; nothing if it agrees with the brute force. The reference evaluator
 * takes about a third of a millisecond per candidate under lkmm, so there is a limit to them.
 */
export function programDifferences<R>(make: () => Program<R>, model: Model, mostCandidates: number): readonly string[] | 'too large' {
  const expected = new Map<string, Outcome<R>>()
  try {
    let count = 0
    for (const outcome of candidates(make(), model.family, {withinC: model.dependencies === 'within C'})) {
      if (++count > mostCandidates) return 'too large'
      if (!isThinAir(outcome.execution) && allows(model, outcome.execution)) expected.set(keyOf(outcome.waiting, outcome.execution), outcome)
    }
  } catch (error) {
    if (error instanceof TooLarge) return 'too large'
    throw error
  }
  try {
    return compare(expected, engine(make(), model), model)
  } catch (error) {
    return [`the engine throws ${String(error)}`]
  }
}

const unchanged = (program: Program<Registers>): Program<Registers> => program

/** The engine's executions, blocked ones included. */
function engine<R>(program: Program<R>, model: Model): readonly Run[] {
  return [...executions(program, model, {flags: Object.keys(model.flags)})].filter(run => !isThinAir(run.execution))
}

function compare<R>(expected: ReadonlyMap<string, Outcome<R>>, runs: readonly Run[], model: Model): readonly string[] {
  const found: string[] = []
  const keys = runs.map(run => keyOf(waitingIn(run), run.execution))
  const known = new Set(keys)
  for (const [i, key] of keys.entries()) if (keys.indexOf(key) < i) found.push(`again: ${key}`)
  for (const key of expected.keys()) if (!known.has(key)) found.push(`missing: ${key}`)
  for (const [i, run] of runs.entries()) {
    const outcome = expected.get(keys[i]!)
    if (outcome === undefined) {
      found.push(`extra: ${keys[i]!}`)
      continue
    }
    const flags = isBlocked(run) ? [] : flagsOf(model, outcome.execution) // what is not complete is not flagged
    const [was, should] = [told(run.returned, run.final, flagged(run.failures)), told(outcome.returned, outcome.final, flags)]
    if (was !== should) found.push(`${keys[i]!}\n  outcome: ${was}\n  but should be: ${should}`)
  }
  return found
}

/** Which execution it is; a blocked one is not a complete one, nor one in which others wait. */
export function keyOf(waiting: readonly string[], execution: Execution): string {
  return `${waiting.length > 0 ? `${[...waiting].sort().join(', ')} blocked: ` : ''}${executionKey(execution)}`
}

/** The threads that wait for ever, if some do. */
export function waitingIn({failures}: Run): readonly string[] {
  return failures.flatMap(failure => failure.kind === 'deadlock' ? failure.waiting.map(({thread}) => thread) : [])
}

function flagged(failures: readonly Failure[]): ReturnType<typeof flagsOf> {
  return failures.filter(failure => failure.kind === 'flag')
}

/** An outcome in one line. */
function told(returned: unknown, final: readonly Scalar[], flags: ReturnType<typeof flagsOf>): string {
  const scalars = (_key: string, value: unknown): unknown => typeof value === 'object' && value !== null && 'object' in value && 'name' in value ? `&${String(value.name)}` : value
  const raised = flags.map(({flag, pairs}) => `${flag} ${pairs.map(pair => pair.join('-')).sort().join(' ')}`).sort()
  return JSON.stringify([returned, final, raised], scalars)
}

/** Did the execution come to a point where no thread can go on? */
export function isBlocked(run: Run): boolean {
  return waitingIn(run).length > 0
}

/**
 * Does some value come from itself? Only LKMM's plain accesses allow that. The engine then has, as
 * herd7, one value that equals no other; the brute force would have to guess it.
 */
export function isThinAir(execution: Execution): boolean {
  const plain = execution.events.some(({label}) => label.kind !== 'F' && label.tags.length === 0)
  return plain && pairsOf(flow, execution).some(([a, b]) => a === b)
}

const flow = plus(or(rf, data))
