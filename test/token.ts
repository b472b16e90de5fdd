/** Tokens: one word there and back, and what is wrong with those that are none. */
import test from 'ava'
import {
  BadToken, defaultBound, defaultSetting, fileOfProgram, parseToken, printToken, programInFile, shortName, type Pointer, type Setting, type Token,
} from '../harness/index.ts'
import {engineVersion} from '../lib/index.ts'

const token = (pointer: Pointer, more: Partial<Token> = {}): Token =>
  ({program: 'kernel-seqcount', model: 'lkmm', version: engineVersion, bound: defaultBound, setting: defaultSetting, pointer, ...more})

const path: Pointer = {kind: 'path', path: [[5, 1], [13, 2]]}

test('a path is its non-dull choices', t => {
  t.is(printToken(token(path)), `kernel-seqcount:lkmm:${engineVersion}:5.1-13.2`)
})

test('a path without any is 0', t => {
  t.is(printToken(token({kind: 'path', path: []})), `kernel-seqcount:lkmm:${engineVersion}:0`)
})

test('a seed names one execution of a sampling run', t => {
  t.is(printToken(token({kind: 'seed', strategy: 'random', seed: '1', index: 12})), `kernel-seqcount:lkmm:${engineVersion}:s:1.12`)
  t.is(printToken(token({kind: 'seed', strategy: 'pct', seed: 'x', index: 0})), `kernel-seqcount:lkmm:${engineVersion}:pct:x.0`)
})

test('a loop bound is there only if it is not the usual one', t => {
  t.is(printToken(token(path, {bound: 8})), `kernel-seqcount:lkmm:${engineVersion}:5.1-13.2:b8`)
})

test('so are regime, reuse and leaks', t => {
  const printed = (setting: Partial<Setting>): string => printToken(token(path, {setting: {...defaultSetting, ...setting}}))
  t.is(printed({regime: 'iso'}), `kernel-seqcount:lkmm:${engineVersion}:5.1-13.2:iso`)
  t.is(printed({regime: 'bits', reuse: false, leaks: true}), `kernel-seqcount:lkmm:${engineVersion}:5.1-13.2:bits:no-reuse:leaks`)
})

const pointers: readonly Pointer[] = [
  path, {kind: 'path', path: []}, {kind: 'path', path: [[0, 1]]},
  {kind: 'seed', strategy: 'random', seed: '1', index: 0},
  {kind: 'seed', strategy: 'stale', seed: 'b8', index: 7},
  {kind: 'seed', strategy: 'pct', seed: 'a.b:c d%/~\'"é(1)!*', index: 99},
]

test('what is printed is read back', t => {
  for (const pointer of pointers) {
    for (const more of [{}, {bound: 8}, {setting: {regime: 'angelic', reuse: false, leaks: true}} as const, {bound: 2, setting: {...defaultSetting, leaks: true}}, {model: 'c++20'}, {program: programInFile('tests/my file.ts', 'list.0')}]) {
      t.deepEqual(parseToken(printToken(token(pointer, more))), token(pointer, more))
    }
  }
})

test('a token is one word that neither a URL nor a shell changes', t => {
  for (const pointer of pointers) t.regex(printToken(token(pointer, {program: programInFile('a b/$HOME;*.ts', 'x')})), /^[\w.:/@+%-]+$/)
})

test('a program of a module is named by file and export', t => {
  t.is(programInFile('tests/mine.ts', 'counter'), 'tests/mine.ts@counter')
  t.deepEqual(fileOfProgram('./node_modules/@me/x.ts@counter'), {file: './node_modules/@me/x.ts', exported: 'counter'})
  t.is(fileOfProgram('kernel-seqcount'), null)
  t.is(shortName('tests/mine.ts@counter'), 'counter')
})

const says = test.macro<[string, RegExp]>({
  exec(t, text, message) {
    t.regex(t.throws(() => parseToken(text), {instanceOf: BadToken}).message, message)
  },
  title: (_, text) => `“${text}” is refused with a reason`,
})

test(says, '', /is no token: expected NAME:MODEL:VERSION:PATH, for example/)
test(says, 'kernel-seqcount', /is no token: expected NAME:MODEL:VERSION:PATH/)
test(says, 'kernel-seqcount:lkmm:1', /is no token: expected NAME:MODEL:VERSION:PATH/)
test(says, ':lkmm:2:0', /is no token/)
test(says, 'kernel-seqcount:lkmm:0:5.1', /made by engine version 0, and this is version 2/)
test(says, 'kernel-seqcount:lkmm:2:5', /expected a path such as 5\.1-13\.1, and found “5” in it/)
test(says, 'kernel-seqcount:lkmm:2:5.0', /found “5\.0” in it/)
test(says, 'kernel-seqcount:lkmm:2:13.1-5.1', /decision 5 is out of order/)
test(says, 'kernel-seqcount:lkmm:2:x:1.2', /expected a path, or s, pct or stale and SEED\.INDEX, and found “x:1\.2”/)
test(says, 'kernel-seqcount:lkmm:2:s:1', /expected SEED\.INDEX, such as 1\.12, and found “1”/)
test(says, 'kernel-seqcount:lkmm:2:5.1:b8:b9', /is no token/)
test(says, 'kernel-seqcount:lkmm:2:5.1:leaks:iso', /is no token/)
test(says, 'kernel-seqcount:lkmm:2:5.1:iso:bits', /is no token/)
test(says, 'kernel%zz:lkmm:2:0', /has a % that no two hexadecimal digits follow/)
