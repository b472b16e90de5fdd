/** Names that there are not, told with the nearest that there is. */
import {closest, distance} from 'fastest-levenshtein'
import {namedModels, WrongInput, type Model} from '../lib/index.ts'

/** There is no such name. The message says what there is. */
export class UnknownName extends WrongInput {
  override readonly name = 'UnknownName'
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
export function nearest(name: string, names: readonly string[]): string {
  const candidate = names.length === 0 ? undefined : closest(name.toLowerCase(), names)
  return candidate !== undefined && distance(name.toLowerCase(), candidate) <= Math.max(2, name.length / 2) ? ` (did you mean ${candidate}?)` : ''
}
