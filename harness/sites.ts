/** Where in the user's source an execution's steps stand. */
import {sitesOf, type Limits, type Model, type Run} from '../lib/index.ts'
import type {AnyProgram} from './operations.ts'

/** For each event, `file:line:column` of the lines that led to it, the most telling first. */
export type Sites = readonly (readonly string[])[]

const folderOf = (path: string): string => decodeURIComponent(new URL(path, import.meta.url).pathname)
const primitives = folderOf('../primitives/')
const designs = folderOf('./designs/')

/**
 * The source lines of a run's events. The lines of our own primitives are left out of programs that use
 * them from outside; in the built-in designs they are what it is about.
 * @param folder paths inside it are given relative to it.
 * @param limits those that the run was made within.
 */
export function userSites(program: AnyProgram, model: Model, run: Run, folder = '', limits: Limits = {}): Sites {
  return sitesOf(program, model, run, limits).map(frames => chosen(frames).map(frame => folder !== '' && frame.startsWith(`${folder}/`) ? frame.slice(folder.length + 1) : frame))
}

function chosen(frames: readonly string[]): readonly string[] {
  if (frames.at(-1)?.startsWith(designs) === true) return frames
  const own = frames.filter(frame => !frame.startsWith(primitives))
  return own.length > 0 ? own : frames
}
