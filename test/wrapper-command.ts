/** Wrappers on the command line: the table, the report, tokens, and what a person writes. */
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import test, {type ExecutionContext} from 'ava'
import type {RecordedExecution, RecordedWrapper} from '../harness/index.ts'
import {run} from './helpers/command.ts'

const door = (folder: string): string => new URL(`../${folder}/index.ts`, import.meta.url).href

const broken = 'd4-seq-no-reader-fence'
const sound = 'd2-seq-relaxed-words'
const small = ['--size', '3']

test.serial('a table says what each wrapper is, and by how many clients and executions', async t => {
  const {exit, out, err} = await run('evaluate', broken, sound, ...small)
  t.is(exit, 0, err)
  t.regex(out, /^clients of up to 3 statements, at most 2,000 of each wrapper;/)
  t.regex(out, /^d4-seq-no-reader-fence +sc +no violation found +\d+ +\d+ +all up to size 3$/m)
  t.regex(out, /^ +rc11 lkmm +unsound +\d+ +\d+ +breaks at size 3 +d4-seq-no-reader-fence#\d+:lkmm:2:\S+$/m)
  t.regex(out, /^d2-seq-relaxed-words +all +no violation found /m)
  t.regex(out, /6 verdicts on wrappers: 4 no violation found, 2 unsound; all as expected\.$/m)
  t.regex(out, /speaks of the clients that were run/)
  t.regex(out, /^wrapper +1 no unsafe +2 acq\/rel +3 hard parts in C +4 case by case +5 everything +clients +executions +token$/m)
  t.regex(out, /^d4-seq-no-reader-fence +– smp_load_acquire +– READ_ONCE +– +unsound +unsound +\d+ +\d+ +d4-seq-no-reader-fence#\d+:lkmm:2:\S+$/m)
  t.regex(out, /^d2-seq-relaxed-words +– smp_load_acquire +– READ_ONCE +– +clean +clean +\d+ +\d+$/m)
  t.regex(out, /10 places on the spectrum: 2 no violation found, 2 unsound, 6 not expressible; all as expected\.$/m)
})

test.serial('what breaks a wrapper is told as Rust, as columns, and by a command that brings it back', async t => {
  const first = await run('evaluate', broken, '--model', 'lkmm', ...small)
  const report = first.out.slice(first.out.indexOf('\n✗ ') + 1)
  t.snapshot(report)
  const [, token] = /replay (\S+)\n$/.exec(report)!
  const again = await run('replay', token!)
  t.is(again.exit, 1)
  t.snapshot(again.out)
})

test.serial('a token brings the same execution back, event by event', async t => {
  const {wrappers: [row]} = JSON.parse((await run('evaluate', broken, '--model', 'lkmm', '--json', '-', ...small)).out) as {wrappers: readonly [RecordedWrapper]}
  const {execution} = JSON.parse((await run('replay', row.violation!.found!.token, '--json', '-')).out) as {execution: RecordedExecution}
  t.is(row.verdict, 'unsound')
  t.deepEqual(execution, row.violation!.found!.execution)
  t.regex(row.violation!.rust, /lock\.try_read\(\)/)
})

test.serial('a use after free is told with the model’s reason, also where what came of it is worse', async t => {
  const debt = await run('replay', 'arc-swap-acquire-confirm#20:c++20:2:6.1-7.1')
  t.regex(debt.out, /is unsound: use after free in thread 2[^]*\n {2}Nothing orders 3 before 4\. [^]*sequential-consistency would then forbid/)
  const count = await run('replay', 'd18-atomic-arc#32:lkmm:2:4.1')
  t.regex(count.out, /is unsound: use after free in thread 1[^]*\n {2}No ordering is missing: these steps/)
})

test.serial('several processes find what one finds', async t => {
  const [one, two] = [await run('evaluate', broken, sound, ...small), await run('evaluate', broken, sound, '--jobs', '2', ...small)]
  t.is(two.exit, 0, two.err)
  t.is(two.out, one.out)
})

test.serial('less than it takes is no verdict', async t => {
  const {exit, out} = await run('evaluate', broken, '--model', 'lkmm', '--size', '2')
  t.is(exit, 3)
  t.regex(out, /\? d4-seq-no-reader-fence under lkmm is unknown: unsound is expected, and no client up to size 2\s+shows it/)
})

test.serial('designs and wrappers have one name space', async t => {
  const {exit, err} = await run('evaluate', 'd4-seq-no-reader-fenc')
  t.is(exit, 2)
  t.regex(err, /there is no design or wrapper named d4-seq-no-reader-fenc \(did you mean d4-seq-no-reader-fence\?\)/)
  const listed = (await run('list', '-v')).out
  t.regex(listed, /^ {2}d4-seq-no-reader-fence .*\n {6}CPython .*\n {6}sc +no violation found\n/m)
  t.regex(listed, /^ {2}std-once-queue .*\n(?: {6}.*\n)+ {6}clients: T is u8, at most 3 threads besides the main one, at most 1 statement in each, at most 1 value of T\n {6}put right by std-once-queue-bits\n/m)
})

test.serial('a token of no client says so', async t => {
  const {exit, err} = await run('replay', 'd4-seq-no-reader-fence#99999999:lkmm:2:0')
  t.is(exit, 2)
  t.regex(err, /client 99999999 of d4-seq-no-reader-fence, which has not so many/)
})

// ---- What a person writes ------------------------------------------------------------------------------

const cell = `import {readOnce, writeOnce} from '${door('lib')}'
import {loadWords, payloadValue, storeWords, structValue, unitValue, wordsOf, wrapper} from '${door('harness')}'

export const cell = wrapper({
  name: 'cell',
  rust: \`
pub struct Slot<T> { data: UnsafeCell<T> }
unsafe impl<T: Send> Sync for Slot<T> {}
impl<T: Copy> Slot<T> {
    pub fn new(value: T) -> Self;
    pub fn get(&self) -> T;
    pub fn set(&self, value: T);
}\`,
  layout: (memory, name, {size}) => memory.array(name, size),
  bodies: {
    * 'Slot::new'({self, args}) {
      yield* storeWords(self, wordsOf(args[0]), writeOnce)
      return structValue('Slot', self)
    },
    * 'Slot::get'({self}) {
      return payloadValue(yield* loadWords(self, readOnce))
    },
    * 'Slot::set'({self, args}) {
      yield* storeWords(self, wordsOf(args[0]), writeOnce)
      return unitValue
    },
  },
})
`

async function moduleOf(t: ExecutionContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tearproof-'))
  t.teardown(() => rm(folder, {recursive: true}))
  await writeFile(join(folder, 'package.json'), '{"type": "module"}')
  await writeFile(join(folder, 'cell.js'), text)
  return join(folder, 'cell.js')
}

test.serial('a wrapper of one’s own is checked in the same way, and replayed', async t => {
  const {exit, out, err} = await run('check', await moduleOf(t, cell), '--model', 'sc', ...small)
  t.is(exit, 1, err)
  t.regex(out, /✗ cell under sc is unsound: a torn value in thread 1/)
  const replayed = await run('replay', /replay (\S+)\n$/.exec(out)![1]!)
  t.is(replayed.exit, 1, replayed.err)
  t.regex(replayed.out, /✗ cell under sc is unsound: a torn value in thread 1/)
})

const wrong = (title: string, from: string, to: string, message: RegExp): void => {
  test.serial(`${title} is told without a stack trace`, async t => {
    const {exit, err} = await run('check', await moduleOf(t, cell.replace(from, to)), '--model', 'sc', ...small)
    t.is(exit, 2, err)
    t.regex(err, message)
    t.notRegex(err, /^\s+at |bug in Tearproof/m)
  })
}

wrong('Rust that cannot be read', 'value: T);', 'value T);', /cell:7:\d+: /)
wrong('a method without a body', "* 'Slot::set'", "* 'Slot::put'", /cell: Slot::set has no body; there are Slot::new, Slot::get, Slot::put/)
wrong('a body that returns what the signature does not', 'return payloadValue(yield* loadWords(self, readOnce))', 'return unitValue', /cell: the body of Slot::get returned \(\), where its signature says T \(payloadValue/)
wrong('a body that throws', 'yield* loadWords(self, readOnce)', 'yield* loadWords(self.missing, readOnce)', /the body of Slot::get threw at .*cell\.js:21: from is not iterable/)
