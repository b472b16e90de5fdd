/**
 * Tokens: one word that names a program, a model, the engine's version and one execution.
 *
 *     kernel-seqcount:lkmm:1:5.1-13.1        decision 5 takes choice 1, 13 takes 1, all others the dull choice 0
 *     kernel-seqcount:lkmm:1:0               every decision takes the dull choice
 *     kernel-seqcount:lkmm:1:s:SEED.12       execution 12 of the sampling run seeded SEED
 *     kernel-seqcount:lkmm:1:pct:SEED.12     the same, sampled with another strategy (pct, stale)
 *     kernel-seqcount:lkmm:1:5.1:b8          either form, found with a loop bound other than the default
 *     zombie-push:lkmm:1:5.1:iso             … in another regime than strict (setting.ts)
 *     zombie-push:lkmm:1:5.1:no-reuse:leaks  … where no address comes back; where leaks count
 *     tests/mine.ts@counter:lkmm:1:5.1       the program that the module tests/mine.ts exports as `counter`
 *     d4-seq-no-reader-fence#39:lkmm:1:5.1   client 39 of the wrapper of this name; of one in a module, tests/mine.ts@lock#39
 *
 * Every character is safe in a shell; what is not is written as %XX.
 */
import {engineVersion, regimes, WrongInput, type Path, type Strategy} from '../lib/index.ts'
import {defaultSetting, type Setting} from './setting.ts'

/** The loop bound that a token does not mention. */
export const defaultBound = 3

/** How a token points at one execution. */
export type Pointer =
  | {readonly kind: 'path'; readonly path: Path}
  | {readonly kind: 'seed'; readonly strategy: Strategy; readonly seed: string; readonly index: number}

export interface Token {
  /** A built-in design, or `FILE@EXPORT`. */
  readonly program: string
  readonly model: string
  readonly version: string
  readonly pointer: Pointer
  readonly bound: number
  /** Matters to programs with a heap only. */
  readonly setting: Setting
}

/** Text that is no token of this engine. The message says what was expected and what was found. */
export class BadToken extends WrongInput {
  override readonly name = 'BadToken'
}

const form = 'NAME:MODEL:VERSION:PATH, for example kernel-seqcount:lkmm:1:5.1-13.1'

/** The token as one word. `parseToken` reads it back. */
export function printToken({program, model, version, pointer, bound, setting}: Token): string {
  const words = [program, model, version].map(escape)
  if (pointer.kind === 'path') words.push(printPath(pointer.path))
  else words.push(pointer.strategy === 'random' ? 's' : pointer.strategy, `${escape(pointer.seed)}.${pointer.index}`)
  if (bound !== defaultBound) words.push(`b${bound}`)
  if (setting.regime !== defaultSetting.regime) words.push(setting.regime)
  if (!setting.reuse) words.push('no-reuse')
  if (setting.leaks) words.push('leaks')
  return words.join(':')
}

/** @throws {BadToken} if the text is no token, or one of another engine version. */
export function parseToken(text: string): Token {
  const words = text.trim().split(':')
  const [program, model, version, ...rest] = words
  if (program === undefined || program === '' || model === undefined || model === '' || version === undefined || rest.length === 0) {
    throw new BadToken(`“${text}” is no token: expected ${form}`)
  }
  if (version !== engineVersion) {
    throw new BadToken(`the token was made by engine version ${version}, and this is version ${engineVersion}: `
      + 'the same choices would lead to another execution. Run the check again to get a new token.')
  }
  // from the end, in the order in which they are printed, each at most once
  const leaks = takeLast(rest, /^leaks$/) !== null
  const reuse = takeLast(rest, /^no-reuse$/) === null
  const regime = regimes.find(name => takeLast(rest, new RegExp(`^${name}$`)) !== null) ?? defaultSetting.regime
  const bound = Number(takeLast(rest, /^b[1-9]\d*$/)?.slice(1) ?? defaultBound)
  return {program: unescape(program, text), model: unescape(model, text), version, pointer: parsePointer(rest, text), bound, setting: {regime, reuse, leaks}}
}

/** Takes a last word such as `b8` off, if it is there; a pointer always has a dot or a digit of its own in it. */
function takeLast(rest: string[], form: RegExp): string | null {
  return rest.length > 1 && form.test(rest.at(-1)!) ? rest.pop()! : null
}

const strategies: Readonly<Record<string, Strategy>> = {s: 'random', pct: 'pct', stale: 'stale'}

function parsePointer(rest: readonly string[], text: string): Pointer {
  const [first, second, ...more] = rest
  if (first === undefined || more.length > 0) throw new BadToken(`“${text}” is no token: expected ${form}`)
  if (second === undefined) return {kind: 'path', path: parsePath(first, text)}
  const strategy = Object.hasOwn(strategies, first) ? strategies[first] : undefined
  if (strategy === undefined) {
    throw new BadToken(`“${text}” is no token: expected a path, or s, pct or stale and SEED.INDEX, and found “${first}:${second}”`)
  }
  const [, seed, index] = /^(.*)\.(\d+)$/.exec(second) ?? []
  if (seed === undefined) throw new BadToken(`“${text}” is no token: expected SEED.INDEX, such as 1.12, and found “${second}”`)
  return {kind: 'seed', strategy, seed: unescape(seed, text), index: Number(index)}
}

/** A path as text: `5.1-13.1`; `0` if every choice is the dull one. */
export function printPath(path: Path): string {
  return path.length === 0 ? '0' : path.map(([decision, choice]) => `${decision}.${choice}`).join('-')
}

function parsePath(word: string, text: string): Path {
  if (word === '0') return []
  const path = word.split('-').map((step): readonly [number, number] => {
    if (!/^\d+\.[1-9]\d*$/.test(step)) {
      throw new BadToken(`“${text}” is no token: expected a path such as 5.1-13.1, and found “${step}” in it`)
    }
    const [decision, choice] = step.split('.').map(Number)
    return [decision!, choice!]
  })
  const disorder = path.find(([decision], i) => i > 0 && decision <= path[i - 1]![0])
  if (disorder !== undefined) throw new BadToken(`“${text}” is no token: decision ${disorder[0]} is out of order in its path`)
  return path
}

/** Percent-encodes all that a shell would take for its own; `/ @ + #` stay readable (a `#` within a word is no comment). */
function escape(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*~]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%2F/g, '/').replace(/%40/g, '@').replace(/%2B/g, '+').replace(/%23/g, '#')
}

function unescape(word: string, text: string): string {
  try {
    return decodeURIComponent(word)
  } catch {
    throw new BadToken(`“${text}” is no token: “${word}” has a % that no two hexadecimal digits follow`)
  }
}

/** The name of a program that a module exports, as it stands in a token. The path should be relative. */
export function programInFile(file: string, exported: string): string {
  return `${file}@${exported}`
}

/** The module and export that a token's program name points at, or null for the name of a design. */
export function fileOfProgram(program: string): {readonly file: string; readonly exported: string} | null {
  const at = program.lastIndexOf('@')
  return at < 0 ? null : {file: program.slice(0, at), exported: program.slice(at + 1)}
}

/** What to call a program in a table or a report: a design's name, or the name of the export. */
export function shortName(program: string): string {
  return fileOfProgram(program)?.exported ?? program
}
