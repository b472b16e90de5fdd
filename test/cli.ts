/** The command as a user runs it: its exit code, and what it says. */
import {execFile, spawn, type ChildProcess} from 'node:child_process'
import {once} from 'node:events'
import {mkdir, mkdtemp, readFile, rm, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import test, {type ExecutionContext} from 'ava'
import type {RecordedExecution, RunRecord} from '../harness/index.ts'
import {root, run, start} from './helpers/command.ts'

const lib = new URL('../lib/index.ts', import.meta.url).href
const programs = 'test/fixtures/programs.ts'

/** A folder with one module of somebody else's, and its path. */
async function moduleOf(t: ExecutionContext, name: string, text: string, manifest = '{"type": "module"}'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tearproof-'))
  t.teardown(() => rm(folder, {recursive: true}))
  await writeFile(join(folder, 'package.json'), manifest)
  await writeFile(join(folder, name), text.replaceAll('LIB', lib))
  return join(folder, name)
}

// ---- The main job --------------------------------------------------------------------------------------

test('designs and wrappers are evaluated together, as expected, with a report of the one and one of the other', async t => {
  const {exit, out, err} = await start('kernel-seqcount', 'd4-seq-no-reader-fence')
  t.is(exit, 0, err)
  t.regex(out, /\nkernel-seqcount +all +holds +\d+ \(all\) +3 of 3\n/)
  t.regex(out, / {2}\d+ verdicts: .*; all as expected\.\n/)
  t.regex(out, / {2}\d+ verdicts on wrappers: .*; all as expected\.\n/)
  t.regex(out, / {2}5 places on the spectrum: .*; all as expected\.\n/)
  t.is(out.match(/^✗ /gm)?.length, 2)
  t.regex(out, /\n {2}npm start -- replay kernel-seqcount\S+\n/)
  t.regex(out, /\n {2}npm start -- replay \S+#\d+:\S+\n$/)
  t.is(err, '')
})

test('a design is evaluated with its mutants, under all the models unless some are named', async t => {
  const {exit, out} = await run('evaluate', 'kernel-seqcount')
  t.is(exit, 0)
  t.regex(out, /^seed 1; .* models sc tso rc11 c\+\+20 lkmm\n/)
  t.regex(out, /^kernel-seqcount +all +holds/m)
  t.regex(out, /^kernel-seqcount-without-retry-rmb +sc tso +holds/m)
})

test('-q says no more than it must', async t => {
  const {exit, out} = await run('kernel-seqcount', '-q')
  t.is(exit, 0)
  t.regex(out, /^ {2}\d+ verdicts: .*; all as expected\.\n$/)
})

test('what does not fit in the budget is unknown, not fine', async t => {
  const {exit, out} = await start('kernel-seqcount', '--exhaustive', '--executions', '3', '--model', 'sc')
  t.is(exit, 3)
  t.regex(out, /\? kernel-seqcount under sc is unknown: stopped after 3 executions/)
})

test('what does not fit in the memory is unknown too', async t => {
  const {exit, out} = await run('kernel-seqlock', '--memory', '1', '--model', 'sc')
  t.is(exit, 3)
  t.regex(out, /^seed 1; .*; at most 1 MB; bound 3; models sc\n/)
  t.regex(out, /\? kernel-seqlock under sc is unknown: stopped at 1 MB of memory, 1 sampled\n/)
})

test('sampling proves nothing', async t => {
  const {exit, out} = await run('kernel-seqcount', '--runs', '20', '--seed', 'a seed', '--strategy', 'stale', '--model', 'sc')
  t.is(exit, 3)
  t.regex(out, /^seed a seed; 20 seeds each by stale;/)
})

test('--seed random prints the seed that it drew', async t => {
  const {out} = await run('kernel-seqcount', '--seed', 'random', '--model', 'sc')
  t.regex(out, /^seed [0-9a-z]{5,};/)
})

// ---- Programs that free ------------------------------------------------------------------------------

test('--regime and --no-reuse say what pointers to dead objects may be used for; the token says it again', async t => {
  const broken = await run('check', programs, '--model', 'sc', '--regime', 'iso', '--regime', 'bits')
  t.regex(broken.out, /^seed 1; .* models sc; regimes iso bits\n/)
  t.regex(broken.out, /^revenant +sc +iso +broken/m)
  t.regex(broken.out, /^ +sc +bits +holds/m)
  const token = /\S+@revenant:sc:\S+:iso\b/.exec(broken.out)![0]
  const again = await run('replay', token)
  t.is(again.exit, 1)
  t.regex(again.out, /✗ revenant under sc, iso: keeper uses a zombie pointer/)
  const elsewhere = await run('replay', token, '--regime', 'bits')
  t.is(elsewhere.exit, 0)
  t.regex(elsewhere.out, /✓ nothing fails in this execution of revenant under sc, bits/)
  t.regex(elsewhere.out, /replay \S+:bits\n/)
})

test('--leaks counts what is left', async t => {
  const {out} = await run('check', programs, '--model', 'sc', '--no-reuse', '--leaks')
  t.regex(out, /✗ revenant under sc, strict, no reuse, is broken \(leak\)/)
  t.regex(out, /@revenant:sc:2:\S+:no-reuse:leaks\b/)
})

// ---- Programs of one's own -----------------------------------------------------------------------------

test('a violation in a module is exit 1, with a report and a token', async t => {
  const {exit, out} = await start('check', programs, '--model', 'lkmm', '--model', 'sc')
  t.is(exit, 1)
  t.regex(out, /✗ messages under lkmm is broken \(whoever sees the flag sees the data\)/)
  t.regex(out, /npm start -- replay test\/fixtures\/programs\.ts@\w+:lkmm:2:[\d.-]+\n/)
  t.regex(out, /\? endless under sc and lkmm is unknown: loops cut at 3 rounds/)
})

test('a module in plain JavaScript is checked too', async t => {
  const file = await moduleOf(t, 'mine.js', `
    import {program, readOnce, threads, writeOnce} from 'LIB'
    export const fine = program('fine', memory => {
      const x = memory.word('x')
      return threads({writer: () => writeOnce(x, 1), reader: () => readOnce(x)}, {claims: {'0 or 1': ({reader}) => reader < 2}})
    })
  `)
  const {exit, out} = await run('check', file)
  t.is(exit, 0)
  t.regex(out, /^fine +all +holds +2 \(all\)/m)
})

test('in a clone, a module imports tearproof as where it is installed, without a build', async t => {
  const file = await moduleOf(t, 'mine.ts', `
    import {program, readOnce, threads, writeOnce} from 'tearproof/lib'
    export const fine = program('fine', memory => {
      const x = memory.word('x')
      return threads({writer: () => writeOnce(x, 1), reader: () => readOnce(x)}, {claims: {'0 or 1': ({reader}) => reader < 2}})
    })
  `)
  await mkdir(join(file, '../node_modules'))
  await symlink(root, join(file, '../node_modules/tearproof'))
  const {stdout} = await promisify(execFile)('npm', ['start', '-s', '--', 'check', file], {cwd: root, env: {...process.env, NO_COLOR: '1'}})
  t.regex(stdout, /^fine +all +holds +2 \(all\)/m)
})

const refused = test.macro(async (t, name: string, text: string, message: RegExp) => {
  const {exit, out, err} = await run('check', await moduleOf(t, name, text))
  t.is(exit, 2)
  t.regex(err, message)
  t.notRegex(out + err, /^\s+at /m)
})

test('a module without a program says what it found', refused, 'mine.ts', 'export const answer: number = 42\nexport function help() {}',
  /mine\.ts exports no program: it exports answer \(number\), help \(function\)\. Export what program\(…\) or wrapper\(…\) returns\./)
test('a thread that is no generator function is told so', t => told(t, 'export const p = program(\'p\', () => ({threads: {one: () => 5}}))',
  /✗ p under sc: one threw[^]*\n {2}thread one is no generator function: write one: function\* \(\) \{ … \}\n/))
test('so is one that reads nowhere', t => told(t, 'export const p = program(\'p\', () => ({threads: {one: () => readOnce(undefined)}}))',
  /\n {2}READ_ONCE was given undefined, which is no location\n/))
test('or stores what no word can hold', t => told(t, `export const p = program('p', ({word}) => {
  const x = word('x')
  return {threads: {one: () => writeOnce(x, 0.5)}}
})`, /\n {2}a word holds an integer or a pointer, and not 0\.5\n/))
test('or declares memory', t => told(t, 'export const p = program(\'p\', ({word}) => ({threads: {one: () => writeOnce(word(\'x\'), 1)}}))',
  /\n {2}program p declares x in a thread: declare it outside of them, once\n/))
test('or spins without end', t => told(t, `export const p = program('p', ({word}) => {
  const x = word('x')
  return {threads: {* one() { while ((yield* raw(yield* readOnce(x))) === 0); }}}
})`, /p under sc is unknown: threads cut at 200 events, as in a loop without iteration\(\)\n/, 3))

/** What a module in JavaScript, outside of any package, is told. */
async function told(t: ExecutionContext, text: string, message: RegExp, expected = 1): Promise<void> {
  const {exit, out, err} = await run('check', await moduleOf(t, 'mine.mjs', `import {program, raw, readOnce, writeOnce} from 'LIB'\n${text}`, '{}'), '--model', 'sc')
  t.is(exit, expected, err)
  t.regex(out, message)
}

const ownCopy = `
const x = program('spin', ({word}) => {
  const x = word('x')
  return {threads: {* reader() { return (yield* raw(yield* readOnce(x))) === 1 ? 1 : 0 }, writer: () => writeOnce(x, 1)}, claims: {'never 1': ({reader}) => reader === 0}}
})`

test('TypeScript is read as an ES module, whatever package.json says: it shares the library with the command', async t => {
  const text = `import {program, raw, readOnce, writeOnce} from 'LIB'${ownCopy}\nexport {x}`
  for (const manifest of ['{}', '{"type": "commonjs"}']) {
    const {exit, out, err} = await run('check', await moduleOf(t, 'mine.ts', text, manifest), '--model', 'sc')
    t.is(exit, 1, err)
    t.regex(out, /✗ x under sc breaks “never 1”/)
    t.regex(out, /mine\.ts:4/)
  }
})

test('a program of another copy of the library is refused, as its values are not known for values', async t => {
  const text = `const {program, raw, readOnce, writeOnce} = require('${root}lib/index.ts')${ownCopy}\nexports.x = x`
  const {exit, err} = await run('check', await moduleOf(t, 'mine.cjs', text), '--model', 'sc')
  t.is(exit, 2)
  t.regex(err, /program spin was made by another copy of tearproof than the one that should run it/)
})

test('an empty module says so', refused, 'mine.ts', 'export {}', /exports no program: it exports nothing/)
test('TypeScript that does not compile says where', refused, 'mine.ts', 'export const a = 1\nexport const b == 2\n', /mine\.ts:2:16: Expected/)
test('JavaScript that does not compile says where', refused, 'mine.js', 'export const a = 1\nexport const b == 2\n', /mine\.js:2: Missing initializer/)
test('a module that throws says where', refused, 'mine.ts', '\nthrow new Error("not today")\n', /mine\.ts:2:\d+: not today/)
test('a word that is declared twice says where', refused, 'mine.ts', `import {program} from 'LIB'
export const twice = program('twice', memory => {
  memory.word('x')
  memory.word('x')
  return {threads: {}}
})`, /mine\.ts:4:\d+: program twice declares x twice/)
test('an import that is not there is named', refused, 'mine.ts', 'import {x} from "./nowhere.ts"\nexport {x}\n', /mine\.ts does not load: Cannot find module .*nowhere\.ts/)
test('a thread that keeps count between runs is told so', refused, 'mine.ts', `import {program, writeOnce} from 'LIB'
let calls = 0
export const counting = program('counting', memory => {
  const x = memory.word('x')
  return {threads: {writer: () => writeOnce(x, ++calls)}}
})`, /counting under sc: thread writer does not behave as a function of the values it reads/)
test('a claim that throws is named', refused, 'mine.ts', `import {program, writeOnce} from 'LIB'
export const strange = program('strange', memory => {
  const x = memory.word('x')
  return {threads: {writer: () => writeOnce(x, 1)}, claims: {'all is well': () => { throw new Error('who knows') }}}
})`, /the claim “all is well” of strange threw: who knows/)

// ---- Replay --------------------------------------------------------------------------------------------

test('a token brings back the execution, event by event', async t => {
  const {out} = await run('kernel-seqcount', '--model', 'lkmm', '--json', '-')
  const record = JSON.parse(out) as RunRecord
  const row = record.rows.find(({program}) => program === 'kernel-seqcount-without-retry-rmb')!
  const again = await start('replay', row.violation!.token, '--json', '-')
  t.is(again.exit, 1)
  t.deepEqual((JSON.parse(again.out) as {execution: RecordedExecution}).execution, row.violation!.execution)
})

test('so does the token of a program in a module', async t => {
  for (const file of [programs, `./${programs}`]) {
    const {exit, out} = await run('replay', `${file}@messages:lkmm:2:1.1`)
    t.is(exit, 1)
    t.regex(out, /^✗ messages under lkmm breaks/)
  }
})

test('and that of a sampled execution', async t => {
  const {exit, out} = await run('replay', 'kernel-seqcount:lkmm:2:s:1.0')
  t.is(exit, 0)
  t.regex(out, /^✓ nothing fails in this execution of kernel-seqcount under lkmm\n/)
})

test('--json writes a record that says what was asked and found', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'tearproof-'))
  t.teardown(() => rm(folder, {recursive: true}))
  const file = join(folder, 'run.json')
  await run('kernel-seqcount', '--model', 'sc', '--seed', 'x', '--json', file)
  const record = JSON.parse(await readFile(file, 'utf8')) as RunRecord
  t.like(record, {format: 'tearproof', version: 1, search: {seed: 'x', mode: 'thorough'}, models: ['sc']})
  t.is(record.rows[0]!.verdict, 'holds')
})

// ---- The wrong question --------------------------------------------------------------------------------

const wrong = test.macro<[readonly string[], RegExp]>({
  async exec(t, args, message) {
    const {exit, out, err} = await run(...args)
    t.is(exit, 2)
    t.regex(err, message)
    t.is(out, '')
    t.notRegex(err, /^\s+at /m)
  },
  title: (_, args) => `tearproof ${args.join(' ')}`,
})

test('a usage error reaches the shell as exit 2', async t => {
  const {exit, err} = await start('--modle', 'sc')
  t.is(exit, 2)
  t.regex(err, /unknown option '--modle'\n\(Did you mean --model\?\)/)
})

test(wrong, ['kernel-seqcont'], /there is no design or wrapper named kernel-seqcont \(did you mean kernel-seqcount\?\)/)
test(wrong, ['relpay', 'x'], /did you mean replay\?/)
test(wrong, ['--model', 'lkm'], /there is no model named lkm \(did you mean lkmm\?\); there are sc, tso, rc11, c\+\+20, lkmm/)
test(wrong, ['--runs', 'many'], /'--runs <n>' argument 'many' is invalid\. It should be a number above 0\./)
test(wrong, ['--bound', '1.5'], /It should be a whole number\./)
test(wrong, ['--strategy', 'luck'], /Allowed choices are random, pct, stale\./)
test(wrong, ['--memory', '99999999'], /--memory 99999999 is more than the [\d,]+ MB that Node\.js has here; NODE_OPTIONS=--max-old-space-size=99999999/)
test(wrong, ['--exhaustive', '--runs', '5'], /option '--exhaustive' cannot be used with option '--runs <n>'/)
test(wrong, ['check'], /missing required argument 'file'/)
test(wrong, ['check', 'nowhere.ts'], /there is no file nowhere\.ts/)
test(wrong, ['check', 'lib'], /lib is a directory/)
test(wrong, ['help', 'chek'], /there is no command chek \(did you mean check\?\); there are evaluate, check, replay, litmus, list/)
test(wrong, ['replay'], /missing required argument 'token'/)
test(wrong, ['check', 'x.ts', '--regime', 'zap'], /--regime.*should be one of iso, strict, angelic, bits/)
test(wrong, ['replay', 'kernel-seqcount:lkmm:2:0', '--no-reuse'], /--no-reuse is for evaluate and check/)
test(wrong, ['replay', 'nonsense'], /“nonsense” is no token: expected NAME:MODEL:VERSION:PATH/)
test(wrong, ['replay', 'kernel-seqcount:lkmm:0:5.1'], /made by engine version 0, and this is version 2/)
test(wrong, ['replay', 'kernel-seqcont:lkmm:2:0'], /names the program kernel-seqcont, which is not built in \(did you mean kernel-seqcount\?\)/)
test(wrong, ['replay', 'kernel-seqcount:lkmm:2:3.9'], /path step 3 takes choice 9 of \d+ for ".*": the program or the engine changed/)
test(wrong, ['replay', './test/fixtures/programs.ts@message:lkmm:2:0'], /exports no program message \(did you mean messages\?\)/)
test(wrong, ['replay', 'c11-seqlock-fences:lkmm:2:0'], /has no documented mapping to the Linux-kernel model/)
test(wrong, ['replay', 'kernel-seqcount:lkmm:2:99.1'], /path step 99 comes after the end of the execution, which has \d+ decisions/)
test(wrong, ['kernel-seqcount', '--json', '/nowhere/run.json'], /cannot write \/nowhere\/run\.json/)

// ---- Around it -----------------------------------------------------------------------------------------

test('help and version are exit 0', async t => {
  for (const args of [['--help'], ['help', 'check'], ['evaluate', '--help'], ['--version']]) t.is((await run(...args)).exit, 0)
})

test('list names designs, mutants and models', async t => {
  const {exit, out} = await run('list', '-v')
  t.is(exit, 0)
  t.regex(out, /lkmm +the Linux-kernel memory model/)
  t.regex(out, /^ {4}kernel-seqcount-without-retry-rmb {2}without smp_rmb\(\)/m)
  t.regex(out, /lkmm +broken \(no torn snapshot\)/)
})

test('a reader of many answers may be slow, or leave', async t => {
  const spawned = (): ChildProcess => spawn(process.execPath, [...process.execArgv, 'harness/cli.ts', 'litmus', ...new Array<string>(5).fill('test/litmus/lkmm'), '--json'], {cwd: root, stdio: ['ignore', 'pipe', 'ignore']})
  const slow = spawned()
  let lines = 0
  slow.stdout!.on('data', (text: Buffer) => {
    lines += text.toString().split('\n').length - 1
    slow.stdout!.pause()
    setTimeout(() => { slow.stdout!.resume() }, 50)
  })
  t.deepEqual(await once(slow, 'close'), [0, null])
  t.true(lines > 80)
  const left = spawned()
  left.stdout!.once('data', () => { left.stdout!.destroy() })
  t.deepEqual(await once(left, 'close'), [0, null])
})
