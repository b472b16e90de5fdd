/**
 * C litmus tests in herd7's dialect, from text to syntax tree, by recursive descent over moo's words.
 *
 * Source of the dialect: herd7's documentation ("Writing litmus tests"), the kernel's
 * tools/memory-model/Documentation/litmus-tests.txt.
 */
import {Cursor} from './cursor.ts'
import {readHeader} from './header.ts'
import {LitmusError, type Source} from './source.ts'
import {Body, isType, skipType} from './body.ts'
import type {Constant, Initial, LitmusTest, Place, Proposition, Quantifier, ThreadSyntax, ThreadText} from './syntax.ts'
import {readWords} from './tokens.ts'

/** Reads one litmus test. @throws {LitmusError} with file, line, column and what was expected. */
export function parseLitmus(file: string, text: string): LitmusTest {
  const source: Source = {file, text}
  const {name, doc, info, expected, brace} = readHeader(source)
  const parts = partByPart(source, brace + 1) ?? inOneGo(source, brace + 1)
  const {threads} = parts
  for (const [i, thread] of threads.entries()) {
    if (threads.slice(0, i).some(other => other.index === thread.index)) throw new LitmusError(source, thread.at, `there are two threads P${thread.index}`)
  }
  return {source, name, doc, info, expected, ...parts}
}

type Parts = Pick<LitmusTest, 'init' | 'initSource' | 'threads' | 'questionSource' | keyof Question>

function inOneGo(source: Source, start: number): Parts {
  const cursor = new Cursor(source, readWords(source, 'init', start))
  const init = parseInit(cursor)
  const threads: ThreadSyntax[] = []
  while (isThread(cursor)) threads.push(parseThread(cursor))
  if (threads.length === 0) throw cursor.expected('a thread such as P0(int *x)')
  return {init, initSource: source, threads, questionSource: source, ...parseQuestion(cursor)}
}

// ---- Parts that were read before -----------------------------------------------------------------

/** Parts by their text: tests come by the thousand, and nine in ten of their threads and most of the rest are in another test too. */
const inits = new Map<string, readonly Initial[]>()
const threadTexts = new Map<string, ThreadText>()
const questions = new Map<string, Question>()
const maxKnown = 10_000

function remembered<T>(known: Map<string, T>, text: string, read: (source: Source) => T | null): T | null {
  const found = known.get(text)
  if (found !== undefined) return found
  const made = read({file: '', text})
  if (made === null) return null
  if (known.size >= maxKnown) known.clear()
  known.set(text, made)
  return made
}

/**
 * The same for a test whose parts end where they mostly do: the initial state at its first brace, a thread at the first
 * brace that begins a line. Null if some part is nothing by itself: then all are read in one go, which also knows what is wrong.
 */
function partByPart(source: Source, start: number): Parts | null {
  const {text} = source
  try {
    let end = text.indexOf('}', start) + 1
    const init = remembered(inits, text.slice(start, end), readInit)
    if (init === null) return null
    const threads: ThreadSyntax[] = []
    const head = /\s*(P(\d+)\s*)(?=\([^(){}/]*\)\s*\{)/y
    for (;;) {
      head.lastIndex = end
      const found = head.exec(text)
      if (found === null) break
      const base = head.lastIndex
      end = text.indexOf('\n}', base) + 2
      const read = remembered(threadTexts, text.slice(base, end), readThread)
      if (read === null) return null
      threads.push({index: Number(found[2]), at: base - found[1]!.length, base, ...read})
    }
    if (threads.length === 0) return null
    const question = remembered(questions, text.slice(end), readQuestion)!
    return {init, initSource: {...source, base: start}, threads, questionSource: {...source, base: end}, ...question}
  } catch (error) {
    if (error instanceof LitmusError) return null
    throw error
  }
}

/** Null if the brace that it ends with may be in a comment. */
function readInit(source: Source): readonly Initial[] | null {
  return /\/\*|\(\*/.test(source.text) ? null : parseInit(new Cursor(source, readWords(source, 'init')))
}

/** A thread from its parameters on; null if that is not all that the text says, or a comment may end behind it. */
function readThread(source: Source): ThreadText | null {
  if (source.text.includes('/*')) return null
  const cursor = new Cursor(source, readWords(source, 'outer'))
  const read = parseThreadText(cursor)
  return cursor.kind === 'end' ? read : null
}

function readQuestion(source: Source): Question {
  return parseQuestion(new Cursor(source, readWords(source, 'outer')))
}

// ---- The initial state ---------------------------------------------------------------------------

function parseInit(cursor: Cursor): Initial[] {
  const items: Initial[] = []
  while (!cursor.skip('}')) {
    if (cursor.skip(';')) continue
    items.push(parseInitial(cursor))
    if (!cursor.is(';') && !cursor.is('}')) throw cursor.expected("';' or '}' after an initial value")
  }
  return items
}

function parseInitial(cursor: Cursor): Initial {
  skipType(cursor)
  const place = parsePlace(cursor)
  let length: number | null = null
  if (place.kind === 'shared' && cursor.skip('[')) {
    length = cursor.is(']') ? 0 : cursor.number('the length of the array')
    cursor.take(']')
  }
  const values = cursor.skip('=') ? parseValues(cursor) : []
  if (length === 0) length = values.length
  return {place, values, length}
}

function parseValues(cursor: Cursor): Constant[] {
  if (!cursor.skip('{')) return [parseConstant(cursor)]
  const values: Constant[] = []
  while (!cursor.skip('}')) {
    values.push(parseConstant(cursor))
    if (!cursor.skip(',') && !cursor.is('}')) throw cursor.expected("',' or '}' in the values of an array")
  }
  return values
}

/** `ATOMIC_INIT(1)` and casts are the value in them. */
function parseConstant(cursor: Cursor): Constant {
  if (cursor.skip('-')) return -cursor.number('a number')
  if (cursor.kind === 'number') return cursor.number('a number')
  if (cursor.skip('(')) {
    const cast = isType(cursor)
    if (cast) skipType(cursor)
    const inner = cast ? null : parseConstant(cursor)
    cursor.take(')')
    return inner ?? parseConstant(cursor)
  }
  cursor.skip('&')
  const {at} = cursor
  const name = cursor.id('a value: a number, or the name of a shared variable for its address')
  if (name === 'NULL') return 0
  if (/UNLOCKED/.test(name)) return parseUnlocked(cursor)
  if (cursor.skip('(')) {
    const inner = parseConstant(cursor)
    cursor.take(')')
    return inner
  }
  return {name, index: parseIndex(cursor), at}
}

/** `SPIN_LOCK_UNLOCKED`, `__SPIN_LOCK_UNLOCKED(s)` */
function parseUnlocked(cursor: Cursor): Constant {
  if (cursor.skip('(')) {
    cursor.id('the name of the lock')
    cursor.take(')')
  }
  return 0
}

function parseIndex(cursor: Cursor): number {
  if (!cursor.skip('[')) return 0
  const index = cursor.number('the index of a word')
  cursor.take(']')
  return index
}

// ---- Threads -------------------------------------------------------------------------------------

function isThread(cursor: Cursor): boolean {
  return cursor.kind === 'id' && cursor.ahead(1) === '(' && /^P\d+$/.test(cursor.text)
}

function parseThread(cursor: Cursor): ThreadSyntax {
  const {at} = cursor
  const index = Number(cursor.id('a thread').slice(1))
  return {index, at, base: 0, ...parseThreadText(cursor)}
}

function parseThreadText(cursor: Cursor): ThreadText {
  cursor.take('(')
  const parameters = []
  while (!cursor.skip(')')) {
    parameters.push(parseParameter(cursor))
    if (!cursor.skip(',') && !cursor.is(')')) throw cursor.expected("',' or ')' after a parameter")
  }
  if (!cursor.is('{')) throw cursor.expected("'{', the body of the thread")
  return {parameters, body: new Body(cursor).block()}
}

/** `volatile int *x`, `struct srcu_struct *s`, `int **p`: only the name and whether there is a star matter. */
function parseParameter(cursor: Cursor): ThreadText['parameters'][number] {
  let pointer = false
  let name = ''
  let at = cursor.at
  while (!cursor.is(',') && !cursor.is(')')) {
    if (cursor.skip('*')) pointer = true
    else if (cursor.skip('[')) {
      if (!cursor.is(']')) cursor.number('the length of the array')
      cursor.take(']')
      pointer = true
    } else {
      at = cursor.at
      name = cursor.id('a parameter such as int *x')
    }
  }
  if (name === '') throw cursor.expected('a parameter such as int *x')
  return {name, pointer, at}
}

// ---- The question --------------------------------------------------------------------------------

type Question = Pick<LitmusTest, 'locations' | 'filter' | 'quantifier' | 'condition'>

function parseQuestion(cursor: Cursor): Question {
  const locations: Place[] = []
  let filter: Proposition | null = null
  for (;;) {
    if (cursor.skipId('locations')) locations.push(...parseLocations(cursor))
    else if (cursor.skipId('filter')) filter = parseProposition(cursor)
    else break
  }
  const quantifier = parseQuantifier(cursor)
  const condition = parseProposition(cursor)
  cursor.skip(';')
  if (cursor.kind !== 'end') throw cursor.expected("the end of the test, or '/\\' or '\\/' and more of the condition")
  return {locations, filter, quantifier, condition}
}

function parseQuantifier(cursor: Cursor): Quantifier {
  if (cursor.skipId('exists')) return 'exists'
  if (cursor.skipId('forall')) return 'forall'
  if (cursor.skip('~') || cursor.skipId('not')) {
    if (cursor.skipId('exists')) return '~exists'
    throw cursor.expected("'exists' after '~'")
  }
  throw cursor.expected("a thread (P1(int *x) { … }), 'locations', 'filter', 'exists', '~exists' or 'forall'")
}

function parseLocations(cursor: Cursor): Place[] {
  const places: Place[] = []
  cursor.take('[')
  while (!cursor.skip(']')) {
    if (cursor.skip(';')) continue
    skipType(cursor)
    places.push(parseObserved(cursor))
  }
  return places
}

/** `=>` binds least, then `\/`, then `/\`, then `~`. */
export function parseProposition(cursor: Cursor): Proposition {
  const left = parseOr(cursor)
  return cursor.skip('=>') ? {kind: 'implies', left, right: parseProposition(cursor)} : left
}

function parseOr(cursor: Cursor): Proposition {
  let left = parseAnd(cursor)
  while (cursor.skip('\\/')) left = {kind: 'or', left, right: parseAnd(cursor)}
  return left
}

function parseAnd(cursor: Cursor): Proposition {
  let left = parseNegated(cursor)
  while (cursor.skip('/\\')) left = {kind: 'and', left, right: parseNegated(cursor)}
  return left
}

function parseNegated(cursor: Cursor): Proposition {
  if (cursor.skip('~') || cursor.skipId('not')) return {kind: 'not', of: parseNegated(cursor)}
  if (cursor.is('(')) {
    cursor.skip('(')
    const inner = parseProposition(cursor)
    cursor.take(')')
    return inner
  }
  if (cursor.skipId('true')) return {kind: 'constant', value: true}
  if (cursor.skipId('false')) return {kind: 'constant', value: false}
  return parseComparison(cursor)
}

function parseComparison(cursor: Cursor): Proposition {
  const place = parseObserved(cursor)
  const unequal = cursor.skip('!=')
  if (!unequal && !cursor.skip('==')) cursor.take('=')
  const value = cursor.kind === 'number' && cursor.ahead(1) === ':' ? parsePlace(cursor) : parseConstant(cursor)
  return {kind: unequal ? 'unequal' : 'equal', place, value}
}

/** A place as conditions name it: `x[1]` is a word of an array. */
function parseObserved(cursor: Cursor): Place {
  cursor.skip('*')
  const place = parsePlace(cursor)
  return place.kind === 'shared' && cursor.is('[') ? {...place, index: parseIndex(cursor)} : place
}

/** `0:r1`, `x` or `[x]`. */
function parsePlace(cursor: Cursor): Place {
  const {at} = cursor
  if (cursor.kind === 'number' || (cursor.kind === 'id' && cursor.ahead(1) === ':' && /^P\d+$/.test(cursor.text))) {
    const thread = cursor.kind === 'number' ? cursor.number('a thread') : Number(cursor.id('a thread').slice(1))
    cursor.take(':')
    return {kind: 'register', thread, name: cursor.id('the name of a register'), at}
  }
  if (cursor.skip('[')) {
    const name = cursor.id('the name of a shared variable')
    const index = parseIndex(cursor)
    cursor.take(']')
    return {kind: 'shared', name, index, at}
  }
  return {kind: 'shared', name: cursor.id('a register (0:r1) or a shared variable (x)'), index: 0, at}
}
