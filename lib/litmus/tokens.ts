/**
 * The words of a litmus test.
 *
 * `moo` finds them, a recursive descent (parse.ts) reads them. Measured on the 2,890 shared tests (190 words each on
 * average), warm, median per test: 24 us for the words, 12 us for the descent. chevrotain's lexer and parser took
 * 33 us for less of the dialect, and 300 ms to import and 30 ms to analyse the grammar at every start of the command.
 *
 * moo's states keep two dialects apart: outside of the bodies of threads `(* … *)` is a comment (herd7's
 * own), inside it is C: `(*x = 1)` has none.
 */
import {createRequire} from 'node:module'
import type Moo from 'moo'
import {LitmusError, type Source} from './source.ts'

/** Not imported: of a CommonJS package that is, Node.js looks for the names of its exports, which took 80 ms of CPU time at every start. */
const moo = createRequire(import.meta.url)('moo') as typeof Moo

/** 'id', 'number', 'string', or the punctuation itself; 'end' after the last word. */
export interface Words {
  readonly kinds: readonly string[]
  readonly texts: readonly string[]
  readonly offsets: readonly number[]
}

const blank = String.raw`[ \t\r\n\f\v]+|\/\/[^\n]*|\/\*[^]*?\*\/`
const cBlank = {match: new RegExp(`(?:${blank})+`), lineBreaks: true}
const herdBlank = {match: new RegExp(String.raw`(?:${blank}|\(\*[^]*?\*\))+`), lineBreaks: true}

const words = {
  id: /[A-Za-z_]\w*/,
  number: /0[xX][0-9A-Fa-f]+[uUlL]*|[0-9]+[uUlL]*/,
  string: /"[^"\n]*"/,
  mark: [
    '/\\', '\\/', '=>', '==', '!=', '<=', '>=', '<<', '>>', '&&', '||', '->', '++', '--', '+=', '-=', '&=', '|=', '^=',
    '=', '&', '+', '-', '/', '%', '<', '>', '!', '|', '^', '?', '.',
  ],
  bad: moo.error,
}
// moo finds these by their character code alone, if they stand first; so none may begin a longer word
const single = [')', '[', ']', ';', ',', ':', '~', '*']

const lexer = moo.states({
  // the initial state, entered after its opening brace
  init: {open: {match: '{', push: 'braces'}, close: {match: '}', next: 'outer'}, single, blank: herdBlank, paren: '(', ...words},
  braces: {open: {match: '{', push: 'braces'}, close: {match: '}', pop: 1}, single, blank: herdBlank, paren: '(', ...words},
  outer: {open: {match: '{', push: 'body'}, close: '}', single, blank: herdBlank, paren: '(', ...words},
  body: {open: {match: '{', push: 'body'}, close: {match: '}', pop: 1}, single: [...single, '('], blank: cBlank, ...words},
})

/** All words from `start` on. `within` is where that begins: behind the brace that opens the initial state, or outside of the threads. */
export function readWords(source: Source, within: 'init' | 'outer', start = 0): Words {
  const kinds: string[] = []
  const texts: string[] = []
  const offsets: number[] = []
  lexer.reset(source.text.slice(start), {line: 1, col: 1, state: within})
  for (let token = lexer.next(); token !== undefined; token = lexer.next()) {
    const {type, text} = token
    if (type === 'blank') continue
    const offset = start + token.offset
    if (type === 'bad') throw unreadable(source, offset)
    kinds.push(type === 'id' || type === 'number' || type === 'string' ? type : text)
    texts.push(text)
    offsets.push(offset)
  }
  kinds.push('end')
  texts.push('')
  offsets.push(source.text.length)
  return {kinds, texts, offsets}
}

function unreadable(source: Source, offset: number): LitmusError {
  const rest = source.text.slice(offset)
  if (rest.startsWith('/*') || rest.startsWith('(*')) return new LitmusError(source, offset, 'this comment is never closed')
  if (rest.startsWith('"')) return new LitmusError(source, offset, 'this string is never closed')
  return new LitmusError(source, offset, `the character ${JSON.stringify(rest[0])} has no meaning in a litmus test`)
}
