/** Programs and wrappers from a module that somebody wrote: TypeScript or JavaScript, given as a file. */
import {spawnSync} from 'node:child_process'
import {WrongInput} from '../lib/index.ts'
import {existsSync, readFileSync, statSync} from 'node:fs'
import {createRequire, register} from 'node:module'
import {dirname, relative, resolve} from 'node:path'
import {pathToFileURL} from 'node:url'
// eslint-disable-next-line no-restricted-imports -- where Node itself is, nothing else
import {execPath} from 'node:process'
import type {Subject} from './evaluate.ts'
import type {AnyProgram} from './operations.ts'
import {programInFile} from './token.ts'
import type {Wrapper} from './wrapper/wrapper.ts'

/** A module that cannot be used. The message says which, where and why, without a stack. */
export class BadModule extends WrongInput {
  override readonly name = 'BadModule'
}

/** What a module exports that can be checked. Names are those of tokens. */
export interface Loaded {
  readonly subjects: readonly Subject[]
  readonly wrappers: readonly Wrapper[]
}

/** The programs and wrappers that the module exports. @throws {BadModule} if there are none, or it does not load. */
export async function loadModule(file: string, folder: string): Promise<Loaded> {
  const path = resolve(folder, file)
  const shown = relative(folder, path).replaceAll('\\', '/') || file
  if (!existsSync(path)) throw new BadModule(`there is no file ${shown}`)
  if (!statSync(path).isFile()) throw new BadModule(`${shown} is a directory; name the files in it`)
  const exports = await importModule(path, shown)
  const subjects = itemsIn(shown, exports, subjectOf)
  const wrappers = itemsIn(shown, exports, wrapperOf)
  if (subjects.length + wrappers.length === 0) throw new BadModule(`${shown} exports no program: ${describeExports(exports)}. Export what program(…) or wrapper(…) returns.`)
  return {subjects, wrappers}
}

type Exports = Readonly<Record<string, unknown>>

async function importModule(path: string, shown: string): Promise<Exports> {
  const url = pathToFileURL(path).href
  register(typeScriptIsEsm)
  try {
    return await import(url) as Exports
  } catch (error) {
    if (!isUnknownExtension(error)) throw new BadModule(whyNotLoaded(error, path, shown))
  }
  if (!await registerTsx(path)) {
    throw new BadModule(`${shown} is TypeScript, which this Node.js does not read by itself; npm install --save-dev tsx, and it will`)
  }
  register(typeScriptIsEsm) // again: what is registered last is asked first
  try {
    return await import(`${url}?tsx`) as Exports
  } catch (error) {
    throw new BadModule(whyNotLoaded(error, path, shown))
  }
}

/**
 * Loads TypeScript as ES modules, whatever package.json says or does not say: as a CommonJS module, tsx would give it
 * a copy of the library of its own. Hooks are modules (https://nodejs.org/api/module.html#customization-hooks).
 */
const typeScriptIsEsm = `data:text/javascript,${encodeURIComponent(`
  export async function resolve(specifier, context, next) {
    const found = await next(specifier, context)
    const isOwn = /\\.tsx?([?]|$)/.test(found.url) && !found.url.includes('/node_modules/')
    return isOwn && found.format?.startsWith('commonjs') ? {...found, format: found.format.replace('commonjs', 'module')} : found
  }
`)}`

function isUnknownExtension(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_UNKNOWN_FILE_EXTENSION'
}

/** Makes Node read TypeScript, with the tsx that the module's own project has, or ours. */
async function registerTsx(path: string): Promise<boolean> {
  for (const from of [path, import.meta.url]) {
    const api = tsxApi(from)
    if (api === null) continue
    const {register} = await import(pathToFileURL(api).href) as {register: () => unknown}
    register()
    return true
  }
  return false
}

/** The file of tsx's `tsx/esm/api` for import, as seen from a file; null if tsx is not installed there. */
function tsxApi(from: string): string | null {
  try {
    const manifest = createRequire(from).resolve('tsx/package.json')
    const {exports} = JSON.parse(readFileSync(manifest, 'utf8')) as {exports: {'./esm/api': {import: {default: string}}}}
    return resolve(dirname(manifest), exports['./esm/api'].import.default)
  } catch {
    return null
  }
}

/** What is wrong with a module that does not load, with its place. */
function whyNotLoaded(error: unknown, path: string, shown: string): string {
  if (!(error instanceof Error)) return `${shown} threw ${String(error)} when it was loaded`
  const compile = /^(.*):(\d+):(\d+): ERROR: (.*)$/m.exec(error.message)
  if (compile !== null) return `${shortened(compile[1]!, path, shown)}:${compile[2]}:${Number(compile[3]) + 1}: ${compile[4]}`
  const place = placeIn(error.stack ?? '', path, shown) ?? (error instanceof SyntaxError ? placeOfSyntaxError(path, shown) : null)
  const message = error.message.replaceAll(path, shown).split('\n')[0]!
  return place === null ? `${shown} does not load: ${message}` : `${place}: ${message}`
}

function shortened(name: string, path: string, shown: string): string {
  return resolve(name) === path ? shown : name
}

/** The first place in the file that a stack names. */
function placeIn(stack: string, path: string, shown: string): string | null {
  const at = stack.replaceAll(pathToFileURL(path).href, path).replaceAll(`${path}?tsx`, path).split(path).at(1)
  const [, line, column] = /^:(\d+)(?::(\d+))?/.exec(at ?? '') ?? []
  return line === undefined ? null : `${shown}:${line}${column === undefined ? '' : `:${column}`}`
}

/** Node tells the place of a syntax error in a module to its own terminal only. */
function placeOfSyntaxError(path: string, shown: string): string | null {
  const {stderr} = spawnSync(execPath, ['--check', path], {encoding: 'utf8'})
  return placeIn(stderr, path, shown)
}

/** What there is of one kind in the exports, and one level deep in those that are lists or records. */
function itemsIn<T>(file: string, exports: Exports, itemOf: (name: string, value: unknown) => T | null): readonly T[] {
  return Object.entries(exports).flatMap(([name, value]) => {
    const found = itemOf(programInFile(file, name), value)
    if (found !== null) return [found]
    if (typeof value !== 'object' || value === null || isWrapper(value)) return []
    return Object.entries(value).flatMap(([key, item]) => itemOf(programInFile(file, `${name}.${key}`), item) ?? [])
  })
}

function wrapperOf(name: string, value: unknown): Wrapper | null {
  return isWrapper(value) ? {...value, name} : null
}

function isWrapper(value: unknown): value is Wrapper {
  return isObject(value) && typeof value['name'] === 'string' && typeof value['rust'] === 'string' && isObject(value['signatures']) && isObject(value['bodies'])
}

function subjectOf(name: string, value: unknown): Subject | null {
  if (isProgram(value)) return {name, program: () => value}
  if (!isDesign(value)) return null
  const {expected, program} = value
  return expected === undefined ? {name, program} : {name, program, expected}
}

function isProgram(value: unknown): value is AnyProgram {
  return isObject(value) && Array.isArray(value['threads']) && Array.isArray(value['memory'])
    && isObject(value['claims']) && isObject(value['witnesses']) && typeof value['name'] === 'string'
}

function isDesign(value: unknown): value is Subject {
  return isObject(value) && typeof value['program'] === 'function' && typeof value['name'] === 'string'
    && (value['expected'] === undefined || isObject(value['expected']))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function describeExports(exports: Exports): string {
  const names = Object.entries(exports)
  if (names.length === 0) return 'it exports nothing'
  const kind = (value: unknown): string => Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value
  const most = 6
  const shown = names.slice(0, most).map(([name, value]) => `${name} (${kind(value)})`)
  return `it exports ${shown.join(', ')}${names.length > most ? ` and ${names.length - most} more` : ''}`
}
