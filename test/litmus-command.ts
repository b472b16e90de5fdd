/** `tearproof litmus`: what it prints, compares and answers with; as a function with a world of its own, and as a process. */
import {mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setImmediate as turn} from 'node:timers/promises'
import test, {type ExecutionContext} from 'ava'
import {litmusCommand, NoTests, type Options, type Summary} from '../harness/litmus/command.ts'
import {BadTable} from '../harness/litmus/expect.ts'
import {warmUpTests} from '../harness/litmus/warm-up.ts'
import {litmusProgram, lkmm, parseLitmus, rc11, runLitmus} from '../lib/index.ts'
import * as command from './helpers/command.ts'

const ours = join(command.root, 'test/litmus')

interface Ran {
  readonly summary: Summary
  readonly out: string
  readonly err: string
}

const usual: Options = {
  model: null, bound: 3, seconds: null, megabytes: null, first: false, witness: false, expect: null, json: false, jobs: 1, verbose: false, quiet: false,
}

/** Runs the command in a world that uses 100 MB, and whose clock goes on by `tick` milliseconds whenever somebody looks. */
async function run(paths: readonly string[], options: Partial<Options> = {}, tick = 0): Promise<Ran> {
  let [out, err, now] = ['', '', 0]
  const summary = await litmusCommand(paths, {...usual, ...options}, {
    clock: () => now += tick,
    isFull: megabytes => megabytes < 100,
    out: text => { out += text },
    err: text => { err += text },
    backlog: () => null,
    progress: () => undefined,
    worker: {module: '', name: ''},
  })
  return {summary, out, err}
}

/** A folder with these files. */
function folder(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const made = mkdtempSync(join(tmpdir(), 'tearproof-'))
  t.teardown(() => { rmSync(made, {recursive: true}) })
  for (const [name, text] of Object.entries(files)) {
    if (name.includes('/')) mkdirSync(join(made, name, '..'), {recursive: true})
    writeFileSync(join(made, name), text)
  }
  return made
}

const storeBuffering = (result: string, condition = 'exists (0:r0=0 /\\ 1:r0=0)'): string => `C SB
(* ${result} *)
{}
P0(int *x, int *y) { WRITE_ONCE(*x, 1); int r0 = READ_ONCE(*y); }
P1(int *x, int *y) { WRITE_ONCE(*y, 1); int r0 = READ_ONCE(*x); }
${condition}
`

/** Every thread sees any of the values that all of them store: too much for a short time. */
function crowd(threads: number): string {
  const bodies = Array.from({length: threads}, (_, i) => `P${i}(int *x) { r0 = READ_ONCE(*x); WRITE_ONCE(*x, ${i + 1}); r1 = READ_ONCE(*x); }`)
  return `C crowd\n{}\n${bodies.join('\n')}\nexists (x=0)\n`
}

const lines = (text: string): string[] => text.split('\n').filter(line => line !== '')
const records = (out: string): Record<string, unknown>[] => lines(out).map(line => JSON.parse(line) as Record<string, unknown>)

// ---- herd7's text ----------------------------------------------------------------------------------

test('the text is herd7\'s', async t => {
  const {out, err} = await run([join(ours, 'lkmm/SB.litmus')])
  t.is(out, `Test SB Allowed
States 4
0:r0=0; 1:r0=0;
0:r0=0; 1:r0=1;
0:r0=1; 1:r0=0;
0:r0=1; 1:r0=1;
Ok
Witnesses
Positive: 1 Negative: 3
Condition exists (0:r0=0 /\\ 1:r0=0)
Observation SB Sometimes 1 3
Time SB 0.00

`)
  t.is(err, '')
})

test('~exists is Forbidden and counts its witnesses the other way round, forall is Required', async t => {
  const dir = folder(t, {
    'not.litmus': storeBuffering('', '~exists (0:r0=0 /\\ 1:r0=0)'), 'all.litmus': storeBuffering('', 'forall (0:r0=1 \\/ 0:r0=0)'),
  })
  const not = await run([join(dir, 'not.litmus')])
  t.regex(not.out, /^Test SB Forbidden\n[^]*\nNo\nWitnesses\nPositive: 3 Negative: 1\n[^]*\nObservation SB Sometimes 1 3\n/)
  const all = await run([join(dir, 'all.litmus')])
  t.regex(all.out, /^Test SB Required\n[^]*\nOk\nWitnesses\nPositive: 4 Negative: 0\n[^]*\nObservation SB Always 4 0\n/)
})

test('flags have a line each; in C11 a race leaves nothing defined', async t => {
  t.regex((await run([join(ours, 'lkmm/race.litmus')])).out, /\nOk\nWitnesses\nPositive: 1 Negative: 1\nFlag data-race\nCondition /)
  t.regex((await run([join(ours, 'rc11/race.litmus')])).out, /\nUndef\nWitnesses\nPositive: 1 Negative: 1\nFlag \*undef\*\nCondition /)
})

test('a deadlock is Never with no state', async t => {
  const {out, summary} = await run([join(ours, 'lkmm/lock-deadlock.litmus')])
  t.regex(out, /\nStates 0\nNo\n[^]*\nObservation lock-deadlock Never 0 0\n/)
  t.is(summary.agree, 1)
})

test('a thread that divides by zero ends in an execution that is not counted, wherever the quotient goes', async t => {
  const uses = ['int r1 = 4 / r0;', 'r0 = 4 % r0;', 'if (4 / r0) r0 = 2;', 'WRITE_ONCE(*y, 4 / r0);', 'r1 = (r0 == 0) && (1 / r0);']
  for (const use of uses) {
    const dir = folder(t, {'div.litmus': `C div\n{}\nP0(int *x, int *y) { int r0 = READ_ONCE(*x); ${use} WRITE_ONCE(*y, 1); }\nP1(int *x) { WRITE_ONCE(*x, 2); }\nexists (y=1)\n`})
    const {out, err} = await run([dir])
    t.regex(out, /\nObservation div Always 1 0\n/, use)
    t.regex(err, /div\.litmus": P0: division by zero; executions in which this happens are not counted\n/, use)
  }
})

test('&& and || leave a division out that C does not do', async t => {
  for (const use of ['int r1 = r0 != 0 && 4 / r0 > 1;', 'int r1 = r0 == 0 || 4 / r0 > 1;', 'if (r0 != 0 && 4 % r0 > 1) r0 = 2;', 'int r1 = r0 != 0 ? 4 / r0 : 1;', 'if (0) r0 = 4 / 0;', 'int r1 = 0 && 4 / 0;']) {
    const dir = folder(t, {'guarded.litmus': `C guarded\n{}\nP0(int *x, int *y) { int r0 = READ_ONCE(*x); ${use} if (r0 == 0) WRITE_ONCE(*y, 1); }\nP1(int *x) { WRITE_ONCE(*x, 2); }\nexists (y=1)\n`})
    const {out, err} = await run([dir])
    t.regex(out, /\nObservation guarded Sometimes 1 1\n/, use)
    t.is(err, '', use)
  }
})

test('pointers may be computed with as long as nothing is made of it', async t => {
  const dir = folder(t, {'end.litmus': 'C end\n{ int a[2] = {1, 2}; p = a; }\nP0(int **p) { int *r0 = READ_ONCE(*p); int *r1 = r0 + 2; }\nlocations [0:r1]\nforall (0:r0=a)\n'})
  const {out, err} = await run([dir])
  t.regex(out, /\nObservation end Always 1 0\n/)
  t.is(err, '')
})

test('loops that were cut are said to be', async t => {
  const dir = folder(t, {'loop.litmus': 'C loop\n{}\nP0(int *x) { int r0 = 0; while (r0 == 0) r0 = READ_ONCE(*x); }\nP1(int *x) { WRITE_ONCE(*x, 1); }\nexists (0:r0=1)\n'})
  const {out, err} = await run([dir], {bound: 2})
  t.regex(out, /\nLoop Ok\n/)
  t.regex(err, /^Warning: File ".*loop\.litmus": loops cut at 2 rounds; /)
})

// ---- Models and files --------------------------------------------------------------------------------

test('a test runs under the model of its words, unless another one is named', async t => {
  const both = [join(ours, 'lkmm/LB.litmus'), join(ours, 'rc11/LB.litmus')]
  const models = async (model: string | null): Promise<unknown[]> => records((await run(both, {model, json: true})).out).map(each => each['model'])
  t.deepEqual(await models(null), ['lkmm', 'rc11'])
  t.deepEqual(await models('sc'), ['sc', 'sc'])
})

test('a directory is every test below it, in order', async t => {
  const dir = folder(t, {'b.litmus': storeBuffering(''), 'a/z.litmus': storeBuffering(''), 'a/n.txt': '', 'c.litmus': storeBuffering('')})
  const {out} = await run([dir], {json: true})
  t.deepEqual(records(out).map(({file}) => file), ['a/z.litmus', 'b.litmus', 'c.litmus'].map(name => join(dir, name)))
})

test('the next test waits for whoever reads the answers', async t => {
  const dir = folder(t, {'a.litmus': storeBuffering(''), 'b.litmus': storeBuffering('')})
  let [shown, waited] = [0, 0]
  await litmusCommand([dir], {...usual, json: true}, {
    clock: () => 0, isFull: () => false, err: () => undefined, progress: () => undefined, worker: {module: '', name: ''},
    out: () => { t.is(shown++, waited) },
    backlog: async () => {
      await turn()
      waited++
    },
  })
  t.deepEqual([shown, waited], [2, 2])
})

test('nothing to do is an error', async t => {
  await t.throwsAsync(run([folder(t, {})]), {instanceOf: NoTests})
  await t.throwsAsync(run([]), {instanceOf: NoTests})
})

// ---- JSON --------------------------------------------------------------------------------------------

test('--json is one object per line', async t => {
  const [record, ...more] = records((await run([join(ours, 'lkmm/SB.litmus')], {json: true})).out)
  t.deepEqual(more, [])
  t.deepEqual(record, {
    file: join(ours, 'lkmm/SB.litmus'), name: 'SB', model: 'lkmm', verdict: 'Sometimes', condition: 'exists (0:r0=0 /\\ 1:r0=0)', ok: true,
    positive: 1, negative: 3,
    states: ['0:r0=0; 1:r0=0;', '0:r0=0; 1:r0=1;', '0:r0=1; 1:r0=0;', '0:r0=1; 1:r0=1;'].map(state => ({state, count: 1})),
    flags: [], executions: 4, seconds: 0, complete: true, expected: 'Sometimes', differences: [], error: null,
  })
})

// ---- Expectations ------------------------------------------------------------------------------------

test('all of our own tests are as their Result lines say', async t => {
  for (const model of readdirSync(ours)) {
    const {summary, err} = await run([join(ours, model)], {model})
    t.deepEqual([summary.differ, summary.unread, summary.unknown, summary.open], [0, 0, 0, 0], err)
  }
})

test('a Result line is an expectation of the verdict; with a race, of the race alone', async t => {
  const dir = folder(t, {
    '1.litmus': storeBuffering('Result: Sometimes'), '2.litmus': storeBuffering('Result: Never'), '3.litmus': storeBuffering('Result: Maybe'),
    '4.litmus': storeBuffering('Result: Always DATARACE'), '5.litmus': storeBuffering('Result: Always DATARACE').replaceAll(/READ_ONCE\((.*?)\)/g, '$1'),
    '6.litmus': storeBuffering('Result: DEADLOCK'),
  })
  const {summary, err} = await run([dir])
  t.deepEqual([summary.agree, summary.differ, summary.open], [2, 3, 1])
  const says = (number: number, what: string): string => `${join(dir, `${number}.litmus`)}: not as its Result line says, under lkmm: ${what}`
  t.deepEqual(lines(err), [
    says(2, 'Sometimes, expected Never'), says(4, 'flags none, expected data-race'), says(6, 'Sometimes, expected Deadlock'),
    '6 tests: 2 as expected, 3 not as expected, 1 with nothing expected',
  ])
})

test('-q says nothing where all is as it should be, and how many are not where some are not', async t => {
  const dir = folder(t, {'1.litmus': storeBuffering('Result: Sometimes'), '2.litmus': storeBuffering('')})
  const fine = await run([dir], {quiet: true})
  t.deepEqual([fine.out, fine.err], ['', ''])
  writeFileSync(join(dir, '3.litmus'), storeBuffering('Result: Never'))
  const {out, err} = await run([dir], {quiet: true})
  t.is(out, '')
  t.regex(err, /^.*3\.litmus: not as its Result line says[^\n]*\n3 tests: 1 as expected, 1 not as expected, 1 with nothing expected\n$/)
})

test('a table is compared with, and only what differs is listed', async t => {
  const dir = folder(t, {
    'a.litmus': storeBuffering('Result: Never'), 'b.litmus': storeBuffering(''), 'c.litmus': storeBuffering(''), 'd.litmus': storeBuffering(''),
    'table.csv': [
      'file,model,verdict,positive,negative,states,flags,seconds',
      'a.litmus,lkmm,Sometimes,1,3,4,,0.1', 'b.litmus,lkmm,Never,0,3,3,data-race,0.1', '"c.litmus",rc11,Sometimes,1,3,4,,', 'd.litmus,,Sometimes,,,,,timeout', '',
    ].join('\r\n'),
  })
  const {summary, out} = await run([], {expect: join(dir, 'table.csv')})
  t.deepEqual([summary.agree, summary.differ], [3, 1])
  t.is(out, `${join(dir, 'b.litmus')}: not as its line of the table says, under lkmm: Sometimes, expected Never; positive 1, expected 0; states 4, expected 3; flags none, expected data-race
4 tests: 3 as expected, 1 not as expected
`)
  const one = await run([join(dir, 'a.litmus')], {expect: join(dir, 'table.csv'), verbose: true})
  t.regex(one.out, /^Test SB Allowed\n[^]*\n1 test: 1 as expected\n$/)
})

test('a race is *undef* in herd7\'s tables of C11', async t => {
  const racy = 'C r\n{}\nP0(atomic_int *y, int *x) { *x = 1; atomic_store(y, 1); }\nP1(int *x) { r0 = *x; }\nexists (1:r0=1)\n'
  const dir = folder(t, {'r.litmus': racy, 'table.csv': 'file,model,verdict,positive,negative,states,flags\nr.litmus,rc11,Sometimes,1,1,2,*undef*\n'})
  t.is((await run([], {expect: join(dir, 'table.csv')})).summary.agree, 1)
})

test('a table that is none says where', async t => {
  const dir = folder(t, {'1.csv': 'a,b\n', '2.csv': 'file,verdict\nx.litmus,Perhaps\n', '3.csv': 'file,verdict,states\nx.litmus,,many\n'})
  const message = async (name: string): Promise<string> => (await t.throwsAsync(run([], {expect: join(dir, name)}), {instanceOf: BadTable})).message
  t.regex(await message('1.csv'), /1\.csv:1:1: expected a header with the columns file and verdict/)
  t.regex(await message('2.csv'), /2\.csv:2:1: expected Never, Sometimes, Always or nothing as verdict, found 'Perhaps'$/)
  t.regex(await message('3.csv'), /3\.csv:2:1: expected a number as states, found 'many'$/)
  t.regex(await message('4.csv'), /4\.csv: cannot be read: /)
})

// ---- Errors and budgets ------------------------------------------------------------------------------

test('an error names its place and does not stop the others', async t => {
  const dir = folder(t, {
    'a.litmus': 'C a\n{}\nP0(int *x) { smp_memb(); }\nexists (x=0)\n', 'b.litmus': storeBuffering('Result: Sometimes'),
    'c.litmus': 'C c\n{}\nP0(int *x, struct srcu_struct *s) { WRITE_ONCE(*x, 1); synchronize_srcu(s); }\nexists (x=0)\n',
  })
  const {summary, err, out} = await run([dir, join(dir, 'none.litmus')], {json: true})
  t.deepEqual([summary.agree, summary.unread, summary.bugs], [1, 2, 0])
  t.regex(err, /\/a\.litmus:3:14: smp_memb\(\) is not known/)
  t.regex(err, /\/none\.litmus: cannot be read: ENOENT/)
  t.deepEqual(records(out).map(({error}) => typeof error), ['string', 'object', 'object', 'string'])
  const tso = await run([join(dir, 'c.litmus')], {model: 'tso'})
  t.regex(tso.err, /\/c\.litmus:3:56: synchronize_srcu has no documented mapping to x86-TSO/)
})

test('a test that needs more than its time is unknown, with what was covered', async t => {
  const dir = folder(t, {'a.litmus': crowd(5), 'b.litmus': storeBuffering('Result: Sometimes')})
  const {summary, out, err} = await run([dir], {seconds: 0.5}, 200)
  t.deepEqual([summary.unknown, summary.agree], [1, 1])
  t.regex(out, /\nUnknown\n[^]*\nObservation crowd Unknown 0 [1-9]\d*\n/)
  t.regex(err, /^Warning: File ".*a\.litmus": unknown: stopped after 0\.5 s; [\d,]+ executions are covered, /)
})

test('so is one that needs more than its memory', async t => {
  const dir = folder(t, {'a.litmus': crowd(5), 'b.litmus': storeBuffering('Result: Sometimes')})
  const {summary, err} = await run([dir], {megabytes: 99})
  t.deepEqual([summary.unknown, summary.agree], [1, 1])
  t.regex(err, /^Warning: File ".*a\.litmus": unknown: stopped at 99 MB of memory; [\d,]+ executions are covered, /)
  t.is((await run([join(dir, 'b.litmus')], {megabytes: 100})).summary.agree, 1)
})

test('--first looks at no more than decides the verdict', async t => {
  const dir = folder(t, {'a.litmus': crowd(3).replace('x=0', 'x=1')})
  const [all, first] = await Promise.all([run([dir], {json: true}), run([dir], {json: true, first: true})]).then(ran => ran.map(({out}) => records(out)[0]!))
  t.deepEqual([all!['verdict'], first!['verdict']], ['Sometimes', 'Sometimes'])
  t.true((first!['executions'] as number) < (all!['executions'] as number))
  t.deepEqual([all!['complete'], first!['complete']], [true, false])
})

test('--first leaves no verdict of our own tests different', async t => {
  for (const model of readdirSync(ours)) {
    const {summary, err} = await run([join(ours, model)], {model, first: true})
    t.deepEqual([summary.differ, summary.unknown], [0, 0], err)
  }
})

// ---- Witnesses ---------------------------------------------------------------------------------------

async function witness(file: string): Promise<string> {
  const {out} = await run([join(ours, file)], {witness: true, model: file.split('/')[0]!})
  return out.slice(out.indexOf('\n\n') + 2)
}

test('--witness shows an execution in which the condition holds', async t => {
  t.is(await witness('lkmm/MP.litmus'), `Allowed by lkmm:
  #  P0      P1
  1  x := 1
  2  y := 1
  3          y → 1  from 2
  4          x → 0  from init, stale since 1
  ordered: 2 ->rfe 3, 4 ->fre 1

`)
})

test('--witness shows which axiom forbids the nearest candidate, and by what cycle', async t => {
  const why = async (file: string): Promise<string | undefined> => / {2}forbidden by (.*)/.exec(await witness(file))?.[1]
  t.is(await why('lkmm/MP+wmb+rmb.litmus'), 'happens-before: 1 ->wmb 3 ->rfe 4 ->rmb 6 ->fre 1')
  t.is(await why('lkmm/SB+mbs.litmus'), 'propagation: 4 ->mb 6 ->fre 1 ->mb 3 ->fre 4')
  t.is(await why('lkmm/CoRR.litmus'), 'coherence: 2 ->po 3 ->fre 1 ->rfe 2')
  t.is(await why('lkmm/RCU-MP.litmus'), 'rcu: 2 ->po 3 ->rfe 5 ->po 7 ->rcu-order 2')
  t.is(await why('lkmm/no-race+rel+acq.litmus'), 'plain-coherence: 4 ->fre 1 ->wr-vis 4')
  t.is(await why('rc11/LB.litmus'), 'no-thin-air: 3 ->po 4 ->rfe 1 ->po 2 ->rfe 3')
  t.is(await why('tso/MP.litmus'), 'total-store-order: 3 ->po 4 ->fre 1 ->po 2 ->rfe 3')
})

test('--witness says so where there is nothing to show', async t => {
  t.is(await witness('lkmm/lock-deadlock.litmus'), '  Deadlock: P0 waits in spin_lock for s.\n\n')
  t.regex(await witness('lkmm/LB+datas.litmus'), /^ {2}The condition holds in no candidate, whatever the axioms: /)
})

// ---- Writing tests -----------------------------------------------------------------------------------

test('--generate writes tests that can be judged', async t => {
  const made = await command.run('litmus', '--generate', 'FenceWmbdWW Rfe PodRR Fre', 'C-RW-R+RW-G')
  t.is(made.exit, 0, made.err)
  const [mp, rcu, ...more] = made.out.split(/^(?=C )/m)
  t.deepEqual(more, [])
  const {out} = await run([folder(t, {'1.litmus': mp!, '2.litmus': rcu!})], {json: true})
  t.deepEqual(records(out).map(({name, model, verdict}) => [name, model, verdict]), [
    ['MP+wmb+po', 'lkmm', 'Sometimes'], ['C-RW-R+RW-G', 'lkmm', 'Never'],
  ])
})

test('edges need no quotes, and --dialect says whose they are where they do not', async t => {
  const {out} = await command.run('litmus', '--generate', 'PodWW', 'Rfe', 'PodRR', 'Fre', '--dialect', 'c11')
  t.regex(out, /^C MP\n[^]*atomic_store_explicit\(x, 1, memory_order_relaxed\)/)
  t.regex(out, /\nexists \(1:r0=1 \/\\ 1:r1=0\)\n$/)
})

test('a cycle that makes no test is shown, with the edge and what would fit', async t => {
  const {exit, out, err} = await command.run('litmus', '--generate', 'PodWW Rfe PodRR Fre', 'PodWW Rfe PodRW Fre')
  t.deepEqual([exit, out], [2, ''])
  t.is(err, `tearproof: column 17 of the cycle: Fre starts with a read, but PodRW before it ends with a write; Coe or Coi would fit
  PodWW Rfe PodRW Fre
                  ^
`)
})

test('who writes tests judges none', async t => {
  const refused = async (message: RegExp, ...args: readonly string[]): Promise<void> => {
    const {exit, err} = await command.run('litmus', ...args)
    t.is(exit, 2)
    t.regex(err, message)
  }
  await refused(/--generate writes tests and judges none: what is a\.litmus for\?/, 'a.litmus', '--generate', 'PodWW Rfe PodRR Fre')
  await refused(/'--generate <cycle\.\.\.>' cannot be used with option '--model <name>'/, '--generate', 'PodWW Rfe PodRR Fre', '--model', 'sc')
  await refused(/--dialect is for --generate/, 'a.litmus', '--dialect', 'c11')
})

// ---- The exit code -------------------------------------------------------------------------------------

test('the exit code says whether all is well', async t => {
  const dir = folder(t, {
    'right.litmus': storeBuffering('Result: Sometimes'), 'wrong.litmus': storeBuffering('Result: Never'), 'none.litmus': 'nothing', 'long.litmus': crowd(6),
  })
  const exit = async (...args: readonly string[]): Promise<number> => (await command.run('litmus', ...args)).exit
  t.is(await exit(join(dir, 'right.litmus')), 0)
  t.is(await exit(join(dir, 'right.litmus'), join(dir, 'wrong.litmus')), 1)
  t.is(await exit(dir, '--seconds', '0.05'), 2)
  t.is(await exit(join(dir, 'right.litmus'), join(dir, 'long.litmus'), '--seconds', '0.05'), 3)
  t.is(await exit('--expect', join(dir, 'none.csv')), 2)
  t.is(await exit(dir, '--model', 'lkm'), 2)
})

test('worker processes change neither the answers nor their order', async t => {
  const timeless = ({out, err}: command.Said): readonly [string, string] => [out.replaceAll(/"seconds":[\d.e-]+/g, ''), err]
  const [one, two] = [await command.run('litmus', 'test/litmus', '--json'), await command.run('litmus', 'test/litmus', '--json', '--jobs', '2')]
  t.is(lines(one.out).length > 80, true)
  t.is(one.exit, two.exit)
  t.deepEqual(timeless(one), timeless(two))
})

test('the tests that are judged first, so that V8 knows the engine, can be judged, and are few for a few', t => {
  const few = warmUpTests(1)
  const all = warmUpTests(10_000)
  t.true(few.length < all.length)
  for (const text of [...few, ...all]) {
    const litmus = litmusProgram(parseLitmus('warm-up.litmus', text))
    const {survey} = runLitmus(litmus, litmus.vocabulary === 'kernel' ? lkmm : rc11, {bound: 1})
    t.true(survey.counts.executions > 0 && survey.counts.nodes < 500, text)
  }
})
