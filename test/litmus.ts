import {readdirSync, readFileSync} from 'node:fs'
import test from 'ava'
import {executions, judgeLitmus, LitmusError, litmusProgram, models, parseLitmus, type LitmusVerdict, type Model} from '../lib/index.ts'

/*
 * Litmus tests of our own, each with the answer inside: `Result:` says how often the condition's proposition
 * holds, `Flags:` (if given) which flags are raised, and a sentence says why. The folder is the model.
 */

const here = new URL('litmus/', import.meta.url)

function judged(model: Model, file: string, text: string): LitmusVerdict {
  const litmus = litmusProgram(parseLitmus(file, text))
  return judgeLitmus(litmus, model, executions(litmus.program, model, {flags: Object.keys(model.flags)}))
}

for (const model of models) {
  for (const name of readdirSync(new URL(`${model.name}/`, here))) {
    test(`${model.name}: ${name}`, t => {
      const text = readFileSync(new URL(`${model.name}/${name}`, here), 'utf8')
      const {expected} = parseLitmus(name, text)
      const found = judged(model, name, text)
      if (expected?.verdict === 'Deadlock') t.is(found.states.size, 0)
      else t.is<string, string>(found.verdict, expected?.verdict ?? 'Maybe')
      const flags = /Flags: (.*)/.exec(text)?.[1]
      if (flags !== undefined) t.is(found.flags.join(' ') || 'none', flags)
      t.deepEqual(found.panics, [])
    })
  }
}

const named = (name: string): Model => models.find(model => model.name === name)!

test('the counts and states are those that herd7 prints', t => {
  const text = readFileSync(new URL('lkmm/SB.litmus', here), 'utf8')
  const found = judged(named('lkmm'), 'SB.litmus', text)
  t.deepEqual([found.positive, found.negative, found.ok], [1, 3, true])
  t.deepEqual([...found.states], [
    ['0:r0=0; 1:r0=0;', 1], ['0:r0=0; 1:r0=1;', 1], ['0:r0=1; 1:r0=0;', 1], ['0:r0=1; 1:r0=1;', 1],
  ])
})

test('~exists is validated by its absence, and counts the other way round as a witness', t => {
  const text = readFileSync(new URL('lkmm/SB+mbs.litmus', here), 'utf8')
  const found = judged(named('lkmm'), 'SB+mbs.litmus', text)
  t.deepEqual([found.ok, found.positive, found.negative, found.witnesses], [true, 0, 3, {positive: 3, negative: 0}])
})

test('a state names what a pointer points to', t => {
  const found = judged(named('lkmm'), 'p', 'C p\n{ int *p = &y; }\nP0(int *x, int **p) { r1 = READ_ONCE(*p); WRITE_ONCE(*p, x); }\nlocations [p]\nexists (0:r1=y)')
  t.deepEqual([...found.states.keys()], ['0:r1=y; p=x;'])
})

test('executions that the filter drops are not counted', t => {
  const mp = (filter: string): LitmusVerdict => judged(named('lkmm'), 'mp',
    `C mp\n{}\nP0(int *x, int *y) { WRITE_ONCE(*x, 1); WRITE_ONCE(*y, 1); }\nP1(int *x, int *y) { r0 = READ_ONCE(*y); r1 = READ_ONCE(*x); }\n${filter}exists (1:r1=0)`)
  t.deepEqual([mp('').positive, mp('').negative], [2, 2])
  t.deepEqual([mp('filter (1:r0=1)\n').positive, mp('filter (1:r0=1)\n').negative], [1, 1])
})

test('a loop runs as many rounds as the bound allows', t => {
  const litmus = litmusProgram(parseLitmus('loop', `C loop
{}
P0(int *x) { WRITE_ONCE(*x, 1); }
P1(int *x) { int r1 = 0; int r2 = 0; while (r1 == 0) { r1 = READ_ONCE(*x); r2 = r2 + 1; } }
exists (1:r2=1)`))
  const rounds = (bound: number): string[] =>
    [...judgeLitmus(litmus, named('lkmm'), executions(litmus.program, named('lkmm'), {bound})).states.keys()]
  t.deepEqual(rounds(1), ['1:r2=1;'])
  t.deepEqual(rounds(3), ['1:r2=1;', '1:r2=2;', '1:r2=3;'])
})

test('C11 tests are told from kernel tests by their words', t => {
  const vocabulary = (body: string): string => litmusProgram(parseLitmus('v', `C v\n{}\nP0(int *x) { ${body} }\nexists (x=0)`)).vocabulary
  t.is(vocabulary('r1 = READ_ONCE(*x);'), 'kernel')
  t.is(vocabulary('r1 = atomic_fetch_add(1, x);'), 'kernel')
  t.is(vocabulary('r1 = atomic_fetch_add_explicit(x, 1, memory_order_relaxed);'), 'c11')
  t.is(vocabulary('atomic_store(x, 1);'), 'c11')
})

test('the header of a test is kept', t => {
  const {name, doc, info, expected} = parseLitmus('h', 'C  the name\n"about it"\nCycle=Fre Rfe\n(* Result: Never DATARACE *)\n{}\nP0(int *x) {}\nexists (x=1)')
  t.deepEqual([name, doc, info.get('Cycle')], ['the name', 'about it', 'Fre Rfe'])
  t.deepEqual(expected, {text: 'Never DATARACE', verdict: 'Never', race: true})
})

test('a thread that was in another test means what it means in this one', t => {
  const states = (init: string, condition: string): readonly string[] => {
    const litmus = litmusProgram(parseLitmus('again', `C again\n{${init}}\n\nP0(int *x, int *y)\n{\n\tint r1 = READ_ONCE(*x);\n\tWRITE_ONCE(*y, r1 + 1);\n}\n\nexists (${condition})`))
    return [...judgeLitmus(litmus, named('lkmm'), executions(litmus.program, named('lkmm'))).states.keys()]
  }
  t.deepEqual(states('', '0:r1=0'), ['0:r1=0;'])
  t.deepEqual(states('', '0:r1=0 /\\ y=1'), ['0:r1=0; y=1;'])
  t.deepEqual(states('x=2;', '0:r1=0 /\\ y=1'), ['0:r1=2; y=3;'])
  t.deepEqual(states('y=1; x=2;', 'x=0 /\\ y=1'), ['x=2; y=3;'])
  t.deepEqual(states('', '0:r1=0'), ['0:r1=0;'])
})

test('a thread that asks for what it read does not bring along what it could have read in another test', t => {
  const tested = (stored: number, blank: string): LitmusVerdict => judged(named('lkmm'), 'again',
    `C again\n{}\n\nP0(int *x, int *y, int *z)\n{\n\tint r1 = READ_ONCE(*x);${blank}\n\tif (r1 == 2)\n\t\tWRITE_ONCE(*y, 1);\n\tif (r1 == 3)\n\t\tWRITE_ONCE(*z, r1);\n}\n\n`
    + `P1(int *x, int *y, int *z)\n{\n\tint r2 = READ_ONCE(*y);\n\tWRITE_ONCE(*x, ${stored});\n}\n\nexists (1:r2=1 \\/ z=3)\n`)
  // the one with blanks is another text, and so read and run by itself
  for (const stored of [2, 3, 1, 3, 2]) t.deepEqual(tested(stored, ''), tested(stored, ' '.repeat(stored)), `x = ${stored}`)
})

test('a comment may hide what looks like the end of a thread', t => {
  const {threads: [thread]} = parseLitmus('c', 'C c\n{}\nP0(int *x)\n{\n\tr1 = 1 /* r2;\n}\n\nP1(int *x)\n{ */ ;\n\tr3 = 3;\n}\nexists (x=1)')
  t.deepEqual(thread?.body.map(({kind}) => kind), ['expression', 'expression'])
})

// ---- Errors --------------------------------------------------------------------------------------

const rejects = test.macro({
  exec(t, text: string, message: string) {
    const error = t.throws(() => litmusProgram(parseLitmus('t.litmus', text)), {instanceOf: LitmusError})
    t.is(error?.message, message)
  },
  title: (title = '') => `an error says where and what: ${title}`,
})

const around = (body: string, condition = 'exists (x=1)'): string => `C t\n{}\n\nP0(int *x)\n{\n\t${body}\n}\n\n${condition}\n`

test('an empty file', rejects, '', "t.litmus:1:1: expected 'C' and the test's name on the first line")
test('a test for a processor', rejects, 'X86 SB\n{}\n',
  "t.litmus:1:1: expected 'C' and the test's name, found 'X86': only C litmus tests can be read, not those of a processor")
test('no initial state', rejects, 'C t\nP0(int *x)\n', "t.litmus:3:1: expected the initial state, '{ … }' (it may be empty: '{}')")
test('a comment that never ends', rejects, 'C t\n(* oh\n{}\n', 't.litmus:2:1: this comment is never closed')
test('no thread', rejects, 'C t\n{}\nexists (x=1)\n', "t.litmus:3:1: expected a thread such as P0(int *x), found 'exists'")
test('one thread twice', rejects, 'C t\n{}\nP0(int *x) {}\nP0(int *x) {}\nexists (x=1)', 't.litmus:4:1: there are two threads P0')
for (const lines of ['', '\n\n']) {
  test(`a thread that is wrong in one test after another, ${lines.length} lines further down`, rejects, `C t\n{}${lines}${around('READ_ONCE(x);').slice(6)}`,
    `t.litmus:${6 + lines.length}:12: READ_ONCE() needs a shared variable: expected READ_ONCE(*x)`)
}
for (const lines of ['', '\n\n']) {
  const further = (text: string): string => `C t\n${lines}${text}`
  test(`an initial state that is wrong in one test after another, ${lines.length} lines further down`, rejects, further(`{ 7:r1=1; }\n${around('').slice(7)}`),
    `t.litmus:${2 + lines.length}:3: 7:r1 is a register of thread P7, which does not exist`)
  test(`a condition that is wrong in one test after another, ${lines.length} lines further down`, rejects, further(around('', 'exists (x=1 /\\ 4:r1=0)').slice(4)),
    `t.litmus:${9 + lines.length}:16: 4:r1 is a register of thread P4, which does not exist`)
}
test('a missing semicolon', rejects, around('r1 = READ_ONCE(*x)\n\tr2 = 1;'), "t.litmus:7:2: expected ';', found 'r2'")
test('a missing brace', rejects, 'C t\n{}\nP0(int *x) { if (1) {\n', "t.litmus:4:1: expected '}', found the end of the file")
test('a field of a struct', rejects, around('r1 = p->next;'),
  "t.litmus:6:8: expected an operator (there are no structs in litmus tests: declare each field as a variable of its own), found '->'")
test('a jump', rejects, around('goto out;'), "t.litmus:6:2: 'goto' is not supported: write the thread with if, else and bounded loops")
test('a strange character', rejects, around('r1 = @;'), 't.litmus:6:7: the character "@" has no meaning in a litmus test')
test('a call that no model knows', rejects, around('smp_memb();'),
  "t.litmus:6:2: smp_memb() is not known to the kernel's memory model (linux-kernel.def) nor to stdatomic.h; did you mean smp_mb()?")
test('a call with too few arguments', rejects, around('WRITE_ONCE(*x);'), 't.litmus:6:2: WRITE_ONCE() takes 2 arguments, found 1')
test('READ_ONCE() of a pointer', rejects, around('r1 = READ_ONCE(x);'),
  't.litmus:6:17: READ_ONCE() needs a shared variable: expected READ_ONCE(*x)')
test('the value of a call that has none', rejects, around('r1 = smp_mb();'), 't.litmus:6:7: smp_mb() returns nothing')
test('an unknown memory order', rejects, around('r1 = atomic_load_explicit(x, relaxed);'),
  't.litmus:6:31: expected a memory order (memory_order_relaxed, memory_order_consume, memory_order_acquire, memory_order_release, memory_order_acq_rel, memory_order_seq_cst), found relaxed')
test('a condition without quantifier', rejects, around('', '(x=1)'),
  "t.litmus:9:1: expected a thread (P1(int *x) { … }), 'locations', 'filter', 'exists', '~exists' or 'forall', found '('")
test('a condition that goes on', rejects, around('', 'exists (x=1) y=2'),
  "t.litmus:9:14: expected the end of the test, or '/\\' or '\\/' and more of the condition, found 'y'")
test('a register of no thread', rejects, around('', 'exists (3:r1=0)'), 't.litmus:9:9: 3:r1 is a register of thread P3, which does not exist')
test('an index out of an array', rejects, 'C t\n{ int a[2]; }\nP0(int *a) {}\nexists (a[2]=1)', 't.litmus:4:9: a[2] does not exist: a has 2 words')
