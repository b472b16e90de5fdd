/**
 * A failing execution in Rust's words: which statement did each step, which made the value or the reference that broke, and
 * which wrote what broke it. The client is run once more along the execution, as operations.ts does, and watched.
 */
import {replay, watching, type Failure, type Limits, type Model, type Op, type Operand, type Proc, type Run} from '../../lib/index.ts'
import {operationsOf, type AnyProgram} from '../operations.ts'
import type {Statement} from '../rust/client.ts'
import type {Timeline} from '../timeline.ts'
import {clientName, listingOf, type Listing, type Numbered} from './clients.ts'
import {claims, type Trace} from './interpret.ts'
import {clientProgram, runnable} from './program.ts'
import type {Wrapper} from './wrapper.ts'

/** An execution of a client. */
export interface ClientRun {
  readonly wrapper: Wrapper
  readonly numbered: Numbered
  readonly program: AnyProgram
  readonly model: Model
  readonly run: Run
  /** Which of the run's failures to tell; null if nothing failed. */
  readonly failure: Failure | null
  /** Those that it was made within. */
  readonly limits: Limits
  /** The whole command that brings it back. */
  readonly command: string
  /** What repairs the wrapper, where that was tried; null where there is nothing to try. */
  readonly repairs?: readonly Repair[] | null
  /** Verdicts of the same wrapper under other models. */
  readonly elsewhere?: readonly {readonly model: string; readonly verdict: string}[]
}

/** A change to one place of one method that no client breaks (repair.ts). */
export interface Repair {
  /** `smp_rmb() before the 2nd READ_ONCE of sequence in SeqLock::try_read` */
  readonly text: string
  readonly model: string
  /** What it was tried on. */
  readonly clients: number
  readonly size: number
}

/** What is known of an execution once it has been watched. */
export interface Story {
  readonly listing: Listing
  /** The line of the Rust program that each event comes from; null for drops at the end of a block. */
  readonly lineOf: ReadonlyMap<number, number>
  /** The checks that fail, in the order of the threads. */
  readonly failed: readonly FailedCheck[]
  /** What the main thread does wrong first before the others begin or after they have ended, and in which line; null if nothing. */
  readonly alone: {readonly what: string; readonly isClaim: boolean; readonly line: number | null} | null
}

interface FailedCheck {
  readonly claim: string
  readonly thread: string
  readonly line: number | null
  /** The reads whose values were judged, by word; null for a word that was not read in this thread. */
  readonly words: readonly (number | null)[]
  /** For what is borrowed: the reads with which the borrow began. */
  readonly began: readonly (number | null)[]
}

/** Runs the client along its execution. */
export function storyOf({wrapper, numbered: {client, ordinal}, model, run, limits}: Pick<ClientRun, 'wrapper' | 'numbered' | 'model' | 'run' | 'limits'>): Story {
  const listing = listingOf(wrapper, client)
  const watcher = new Watcher()
  const traced = clientProgram(wrapper, client, runnable(client)!, clientName(wrapper.name, ordinal), undefined, watcher)
  const threads = traced.threads.map((thread, i) => ({...thread, body: () => watcher.follow(i, thread.body())}))
  const operations = operationsOf({...traced, threads}, model, run.execution)
  replay(traced, model, run.path, limits) // what the main thread does is a question about the whole execution
  const of = (thread: number, at: number): readonly number[] => operations.filter(operation => operation.thread === thread)[at]?.events ?? []
  const line = (statement: Statement | null): number | null => statement === null ? null : listing.lineOf.get(statement) ?? null
  const reads = (thread: number, words: readonly (number | null)[]): readonly (number | null)[] =>
    words.map(at => at === null ? null : of(thread, at).find(id => run.execution.events[id]!.label.kind === 'R') ?? null)
  return {
    listing,
    lineOf: new Map(watcher.steps.flatMap((statements, thread) => statements.flatMap((statement, at) => of(thread, at).flatMap(id => {
      const found = line(statement)
      return found === null ? [] : [[id, found] as const]
    })))),
    failed: watcher.failed.map(({claim, thread, statement, words, began}) =>
      ({claim, thread: traced.threads[thread]!.name, line: line(statement), words: reads(thread, words), began: reads(thread, began)})),
    alone: watcher.wrong === null ? null : {...watcher.wrong, line: line(watcher.wrong.statement)},
  }
}

/** Notes, while one thread after the other is followed, which statement performs which operation. */
class Watcher implements Trace {
  /** By thread: the statement of each of its operations. */
  readonly steps: (Statement | null)[][] = []
  readonly failed: {readonly claim: string; readonly thread: number; readonly statement: Statement | null; readonly words: readonly (number | null)[]; readonly began: readonly (number | null)[]}[] = []
  wrong: {readonly what: string; readonly isClaim: boolean; readonly statement: Statement | null} | null = null
  #thread = -1
  #statement: Statement | null = null
  #read = new Map<unknown, number>()
  #judged: readonly Operand[] = []
  #began: readonly Operand[] = []

  follow(thread: number, proc: Proc<unknown>): Proc<unknown> {
    this.#thread = thread
    this.#statement = null
    this.#read = new Map()
    this.steps[thread] = []
    return watching(proc, op => { this.#look(op) }, (op, reply) => {
      if ('order' in op && typeof reply === 'object') this.#read.set(reply, this.steps[thread]!.length - 1)
    })
  }

  enter(statement: Statement): () => void {
    const outer = this.#statement
    this.#statement = statement
    return () => { this.#statement = outer }
  }

  judge(words: readonly Operand[]): void {
    this.#judged = words
    this.#began = []
  }

  compare(now: readonly Operand[], seen: readonly Operand[]): void {
    this.#judged = now
    this.#began = seen
  }

  alone(what: string, isClaim: boolean): void {
    this.wrong ??= {what, isClaim, statement: this.#statement}
  }

  #look(op: Op): void {
    if ('order' in op) this.steps[this.#thread]!.push(this.#statement)
    if (op.kind !== 'check' || op.holds.scalar !== 0) return
    const at = (words: readonly Operand[]): readonly (number | null)[] => words.map(word => this.#read.get(word) ?? null)
    this.failed.push({claim: op.claim, thread: this.#thread, statement: this.#statement, words: at(this.#judged), began: at(this.#began)})
  }
}

/** What happened, in sentences that refer to the timeline's rows and the lines of the Rust program. */
export function tell(failure: Failure, story: Story, {run}: ClientRun, {rowOf}: Timeline): readonly string[] {
  const {listing, lineOf, failed} = story
  const quoted = (line: number | null | undefined): string => line == null ? 'a drop at the end of a block' : `line ${line}, \`${listing.lines[line - 1]!.trim()}\``
  const step = (event: number): string => String(rowOf.get(event) ?? 'the beginning')
  const writerOf = (read: number): number => run.execution.given.rf.find(([, to]) => to === read)![0]
  const origin = (read: number | null): string => {
    if (read === null) return 'its own'
    const write = writerOf(read)
    return rowOf.has(write) ? `written in ${step(write)} by ${quoted(lineOf.get(write))}` : 'as it was before the threads began'
  }
  switch (failure.kind) {
    case 'check': {
      const found = failed.find(({claim, thread}) => claim === failure.claim && thread === failure.thread)
      if (found === undefined) return []
      const words = found.words.map((read, i) => `${found.words.length === 1 ? 'it' : `word ${i}`}${read === null ? '' : `, read in ${step(read)},`} is ${origin(read)}`)
      if (failure.claim === claims.stable) {
        const i = found.words.findIndex((read, i) => read !== null && found.began[i] != null && run.execution.values[read] !== run.execution.values[found.began[i]])
        const [read, began] = [found.words[i] ?? null, found.began[i] ?? null]
        return [`The \`&\` that ${quoted(began === null ? null : lineOf.get(began))} made began in ${began === null ? '?' : step(began)} and is used in ${quoted(found.line)}, where what it points to has changed: ${origin(read)}.`]
      }
      if (failure.claim === claims.whole || failure.claim === claims.valid) return [`Made in ${quoted(found.line)}${words.length === 0 ? '' : `: ${words.join('; ')}`}.`]
      return [`In ${quoted(found.line)}.`]
    }
    case 'flag': {
      const [pair] = failure.pairs
      if (pair === undefined) return []
      const [a, b] = [...pair].sort((x, y) => (rowOf.get(x) ?? 0) - (rowOf.get(y) ?? 0))
      if (failure.flag !== 'data-race') return [`In ${quoted(lineOf.get(a!))}.`]
      return [`${step(a!)}, in ${quoted(lineOf.get(a!))}, races with ${step(b!)}, in ${quoted(lineOf.get(b!))}, and nothing orders one before the other: undefined behaviour, whatever comes of it.`]
    }
    case 'fault': return failure.event < 0 ? [] : [
      `${step(failure.event)} is in ${quoted(lineOf.get(failure.event))}${failure.death < 0 ? '' : `; ${failure.death === failure.event ? 'it' : step(failure.death)} ended the object, in ${quoted(lineOf.get(failure.death))}`}.`,
    ]
    case 'claim': return story.alone === null ? [] : [`In ${quoted(story.alone.line)}.`]
    case 'panic': case 'deadlock': return []
  }
}
