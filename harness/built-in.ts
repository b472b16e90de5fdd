/** What the built-in names and those of tokens stand for: designs, wrappers, and programs and wrappers of a module. */
import {designs} from './designs.ts'
import type {Subject} from './evaluate.ts'
import {loadModule, type Loaded} from './load.ts'
import {nearest, UnknownName} from './names.ts'
import {fileOfProgram, shortName} from './token.ts'
import {partsOfClientName, type Numbered} from './wrapper/clients.ts'
import {clientAt} from './wrapper/showcase.ts'
import type {Wrapper} from './wrapper/wrapper.ts'
import {catalogue} from './wrappers/index.ts'

/** The design and its mutants, or the wrapper. @throws {UnknownName} if there is none; `command` is how the user calls the program. */
export function builtIn(name: string, command: string): Loaded {
  const found = designs.filter(design => design.name === name)
  const wrappers = catalogue.filter(wrapper => wrapper.name === name)
  if (found.length + wrappers.length > 0) return {subjects: found.flatMap(design => [design, ...designs.filter(({of}) => of === design.name)]), wrappers}
  const commands = ['evaluate', 'check', 'replay', 'list', 'help']
  throw new UnknownName(`there is no design or wrapper named ${name}${nearest(name, [...allNames(), ...commands])}; \`${command} list\` shows all`)
}

function allNames(): readonly string[] {
  return [...designs, ...catalogue].map(({name}) => name)
}

/** The program that a token names; `folder` is where its file is looked for. @throws {UnknownName} or what the file throws. */
export async function subjectNamed(name: string, folder: string): Promise<Subject> {
  const place = fileOfProgram(name)
  if (place === null) {
    const design = designs.find(each => each.name === name)
    if (design === undefined) throw new UnknownName(`the token names the program ${name}, which is not built in${nearest(name, allNames())}`)
    return design
  }
  const {subjects} = await loadModule(place.file, folder)
  const found = subjects.find(subject => shortName(subject.name) === place.exported)
  if (found !== undefined) return found
  throw new UnknownName(notExported('program', place, subjects))
}

/** The client that a token names, and its wrapper; null if the token is of another program. @throws {UnknownName} or what the file throws. */
export async function clientNamed(name: string, folder: string): Promise<{readonly wrapper: Wrapper; readonly numbered: Numbered} | null> {
  const parts = partsOfClientName(name)
  if (parts === null) return null
  const wrapper = await wrapperNamed(parts.wrapper, folder)
  const numbered = clientAt(wrapper, parts.ordinal)
  if (numbered === null) throw new UnknownName(`the token names client ${parts.ordinal} of ${shortName(wrapper.name)}, which has not so many`)
  return {wrapper, numbered}
}

async function wrapperNamed(name: string, folder: string): Promise<Wrapper> {
  const place = fileOfProgram(name)
  const wrappers = place === null ? catalogue : (await loadModule(place.file, folder)).wrappers
  const found = wrappers.find(wrapper => shortName(wrapper.name) === shortName(name))
  if (found !== undefined) return found
  throw new UnknownName(place === null ? `the token names the wrapper ${name}, which is not built in${nearest(name, allNames())}` : notExported('wrapper', place, wrappers))
}

function notExported(kind: string, {file, exported}: {readonly file: string; readonly exported: string}, there: readonly {readonly name: string}[]): string {
  const names = there.map(({name}) => shortName(name))
  return `${file} exports no ${kind} ${exported}${nearest(exported, names)}; it exports ${names.length === 0 ? `no ${kind}` : names.join(', ')}`
}
