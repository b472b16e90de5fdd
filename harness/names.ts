/** Designs, programs and models by their names; a name that there is not is told with the nearest that there is. */
import {closest, distance} from 'fastest-levenshtein'
import {namedModels, type Model} from '../lib/index.ts'
import {designs} from './designs.ts'
import type {Subject} from './evaluate.ts'
import {loadSubjects} from './load.ts'
import {fileOfProgram, shortName} from './token.ts'

/** There is no such name. The message says what there is. */
export class UnknownName extends Error {
  override readonly name = 'UnknownName'
}

/** The design, and its mutants. @throws {UnknownName} if there is none; `command` is how the user calls the program. */
export function designsNamed(name: string, command: string): readonly Subject[] {
  const found = designs.filter(design => design.name === name)
  if (found.length > 0) return found.flatMap(design => [design, ...designs.filter(({of}) => of === design.name)])
  const commands = ['evaluate', 'check', 'replay', 'list', 'help']
  throw new UnknownName(`there is no design named ${name}${nearest(name, [...designs.map(design => design.name), ...commands])}; \`${command} list\` shows all`)
}

/** The program that a token names; `folder` is where its file is looked for. @throws {UnknownName} or what the file throws. */
export async function subjectNamed(name: string, folder: string): Promise<Subject> {
  const place = fileOfProgram(name)
  if (place === null) {
    const design = designs.find(each => each.name === name)
    if (design === undefined) throw new UnknownName(`the token names the program ${name}, which is not built in${nearest(name, designs.map(each => each.name))}`)
    return design
  }
  const subjects = await loadSubjects(place.file, folder)
  const found = subjects.find(subject => shortName(subject.name) === place.exported)
  if (found !== undefined) return found
  const exported = subjects.map(subject => shortName(subject.name))
  throw new UnknownName(`${place.file} exports no program ${place.exported}${nearest(place.exported, exported)}; it exports ${exported.join(', ')}`)
}

/** @throws {UnknownName} if there is none. */
export function modelNamed(name: string): Model {
  const found = namedModels.find(model => model.name === name)
  if (found !== undefined) return found
  const names = namedModels.map(model => model.name)
  throw new UnknownName(`there is no model named ${name}${nearest(name, names)}; there are ${names.join(', ')}`)
}

/** @throws {UnknownName} if help is asked for with a command that there is not. */
export function mustHaveHelp([first, second]: readonly string[], commands: readonly string[]): void {
  if (first !== 'help' || second === undefined || second === 'help' || commands.includes(second)) return
  throw new UnknownName(`there is no command ${second}${nearest(second, commands)}; there are ${commands.join(', ')}`)
}

/** ` (did you mean kernel-seqcount?)`, if some name is near enough. */
function nearest(name: string, names: readonly string[]): string {
  const candidate = names.length === 0 ? undefined : closest(name.toLowerCase(), names)
  return candidate !== undefined && distance(name.toLowerCase(), candidate) <= Math.max(2, name.length / 2) ? ` (did you mean ${candidate}?)` : ''
}
