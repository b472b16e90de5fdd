/** Where in the user's code each event of an execution comes from. */
import {fileURLToPath} from 'node:url'
import test from 'ava'
import {designs, userSites} from '../harness/index.ts'
import {executions, lkmm, program, readOnce, rewriting, sitesOf, smpMb, threads, Value, when, writeOnce, type Location, type Proc, type Program} from '../lib/index.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The functions of this file that make the events, in the lines in which they do. */
function* inner(x: Location): Proc<Value> {
  return yield* readOnce(x)
}
function* outer(x: Location): Proc<Value> {
  return yield* inner(x)
}

/** For each event of the only execution, the files of its frames, with how many of them there are. */
function framesOf(body: (x: Location) => Proc<unknown>): readonly (readonly string[])[] {
  const made = program('made', ({word}) => {
    const x = word('x')
    return threads({one: () => body(x)})
  }) as Program
  const [run] = [...executions(made, lkmm)]
  return sitesOf(made, lkmm, run!).slice(1).map(frames => frames.map(frame => frame.replace(root, '').replace(/:\d+$/, '')))
}

/** The line in which this is called. */
function line(): string {
  return /sites\.ts:(\d+):\d+\)?$/.exec(new Error().stack!.split('\n')[2]!)![1]!
}

test('an event has all frames of the thread, the innermost first', t => {
  let called = ''
  const [frames] = framesOf(function* (x) {
    called = line(); return yield* outer(x)
  })
  t.is(frames!.length, 3)
  t.is(frames!.at(-1), `test/sites.ts:${called}`)
})

test('also inside the arm of a condition', t => {
  let called = ''
  const [frames] = framesOf(function* (x) {
    called = line(); yield* when(Value.of(1), () => outer(x))
  })
  t.is(frames!.length, 3)
  t.is(frames!.at(-1), `test/sites.ts:${called}`)
})

test('also where operations are left out or replaced by others', t => {
  let called = ''
  const body = function* (x: Location): Proc<Value> {
    yield* smpMb()
    return yield* outer(x)
  }
  const [read, write] = framesOf(function* (x) {
    called = line(); yield* rewriting(body(x), op => op.kind === 'fence' ? null : {...op})
    yield* writeOnce(x, 1)
  })
  t.is(read!.length, 4)
  t.is(read!.at(-1), `test/sites.ts:${called}`)
  t.is(write!.length, 1)
})

test('the events of a mutant stand in the primitive and in the design', t => {
  const mutant = designs.find(({name}) => name === 'kernel-seqcount-without-retry-rmb')!.program()
  const [run] = [...executions(mutant, lkmm)]
  const sites = userSites(mutant, lkmm, run!, root.replace(/\/$/, ''))
  const files = sites.slice(mutant.memory.length).map(frames => [...new Set(frames.map(frame => frame.replace(/:.*/, '')))].join(' '))
  t.deepEqual([...new Set(files)].sort(), ['harness/designs/snapshots.ts', 'primitives/seqlock.ts harness/designs/snapshots.ts'])
})
