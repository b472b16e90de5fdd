/** What stands before the initial state of a litmus test: its name, a doc string, information, comments. */
import {LitmusError, type Source} from './source.ts'
import type {Expectation} from './syntax.ts'

export interface Header {
  readonly name: string
  readonly doc: string | null
  readonly info: ReadonlyMap<string, string>
  readonly expected: Expectation | null
  /** Where the initial state's opening brace is. */
  readonly brace: number
}

/** Reads a test up to its initial state. Text that is neither comment nor string nor information is skipped, as herd7 does. */
export function readHeader(source: Source): Header {
  const {text} = source
  const first = /^\uFEFF?\s*(\S+)[ \t]+(\S[^\r\n]*?)[ \t]*(?:\r?\n|$)/.exec(text)
  if (first === null) throw new LitmusError(source, 0, "expected 'C' and the test's name on the first line")
  const [whole, language, name] = first
  if (language !== 'C') {
    const at = whole.indexOf(language!)
    throw new LitmusError(source, at, `expected 'C' and the test's name, found '${language}': only C litmus tests can be read, not those of a processor`)
  }
  const brace = openingBrace(source, whole.length)
  const between = text.slice(whole.length, brace)
  return {
    name: name!,
    doc: between.includes('"') ? /"([^"]*)"/.exec(between.replace(/\(\*[^]*?\*\)/g, ''))?.[1] ?? null : null,
    info: between.includes('=') ? information(between) : nothing,
    expected: expectation(text),
    brace,
  }
}

const nothing: ReadonlyMap<string, string> = new Map()

/** Lines such as `Author=…` */
function information(text: string): ReadonlyMap<string, string> {
  return new Map(Array.from(text.matchAll(/^(\w+)=([^\r\n]*)/gm), ([, key, value]) => [key!, value!]))
}

/** The first brace that is in no comment and no string. */
function openingBrace(source: Source, from: number): number {
  const next = /\{|"[^"]*"|\(\*[^]*?\*\)|\(\*/g
  next.lastIndex = from
  for (let found = next.exec(source.text); found !== null; found = next.exec(source.text)) {
    if (found[0] === '{') return found.index
    if (found[0] === '(*') throw new LitmusError(source, found.index, 'this comment is never closed')
  }
  throw new LitmusError(source, source.text.length, "expected the initial state, '{ … }' (it may be empty: '{}')")
}

/** The kernel's tests say what they expect in a comment: `Result: Never`. */
function expectation(text: string): Expectation | null {
  if (!text.includes('Result:')) return null
  const found = /Result:[ \t]*([^\r\n]*?)[ \t]*(?:\*\)|\r?\n|$)/.exec(text)
  if (found === null) return null
  const said = found[1]!
  const word = /^(?:Never|Sometimes|Always|DEADLOCK)/i.exec(said)?.[0].toLowerCase()
  const verdicts = {never: 'Never', sometimes: 'Sometimes', always: 'Always', deadlock: 'Deadlock'} as const
  return {
    text: said,
    verdict: word === undefined ? null : verdicts[word as keyof typeof verdicts],
    race: /\bDATARACE\b/i.test(said),
  }
}
