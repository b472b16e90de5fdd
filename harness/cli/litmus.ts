/** `litmus FILE|DIR…`: judges tests, or writes them with `--generate`. */
import {setFlagsFromString} from 'node:v8'
import {defaultSearch} from '../evaluate.ts'
import type {LitmusFlags} from '../flags.ts'
import {litmusCommand} from '../litmus/command.ts'
import {generated} from '../litmus/generate.ts'
import {askAll, type Share} from '../litmus/pool.ts'
import {modelNamed} from '../names.ts'
import {exits, Usage, type Exit} from './exit.ts'
import {gauges, megabytesFor} from './resources.ts'
import {Output, Progress, say} from './terminal.ts'

// Most tests take a millisecond, and compiling the engine as much CPU time as running it. With less inlining than V8's
// default (920 bytecodes per function), the 2,826 tests that herd7 finishes take 6.1 s where they took 7.2 s, and one that
// takes seconds a tenth more. It changes how code is compiled, and nothing else; a V8 without it would say so, and go on.
setFlagsFromString('--max-inlined-bytecode-size-cumulative=300')

export async function judgeLitmusTests(paths: readonly string[], flags: LitmusFlags): Promise<Exit> {
  if (flags.generate !== undefined) return writeLitmusTests(flags.generate, paths, flags)
  if (flags.dialect !== undefined) throw new Usage('--dialect is for --generate: a test says itself what it is written in')
  const output = new Output()
  const progress = new Progress(flags.quiet === true)
  const {unread, differ, unknown, bugs} = await litmusCommand(paths, {
    model: flags.model === undefined ? null : modelNamed(flags.model).name,
    bound: flags.bound ?? defaultSearch.bound, seconds: flags.seconds ?? null, megabytes: megabytesFor(flags.memory), expect: flags.expect ?? null, jobs: flags.jobs ?? 1,
    first: flags.first ?? false, witness: flags.witness ?? false, json: flags.json ?? false, verbose: flags.verbose ?? false, quiet: flags.quiet ?? false,
  }, {
    ...gauges(), worker: {module: import.meta.url, name: litmusWorker.name},
    out: text => { output.write(text) },
    backlog: () => output.backlog(),
    err: text => {
      progress.clear()
      output.flush()
      process.stderr.write(text)
    },
    progress: (done, total, what) => { progress.show(done, total, what) },
  }).finally(() => {
    progress.clear()
    output.flush()
  })
  return exits[bugs > 0 ? 'bug' : unread > 0 ? 'usage' : differ > 0 ? 'differs' : unknown > 0 ? 'unknown' : 'fine']
}

function writeLitmusTests(cycles: readonly string[], paths: readonly string[], {dialect}: LitmusFlags): Exit {
  if (paths.length > 0) throw new Usage(`--generate writes tests and judges none: what is ${paths.join(' ')} for?`)
  say(generated(cycles, dialect ?? null).join('\n').trimEnd())
  return exits.fine
}

/** What the worker processes of `--jobs` call. */
export function litmusWorker(share: Share): ReturnType<typeof askAll> {
  return askAll(share, gauges())
}
