/** Which litmus tests an argument means: a file is itself, a directory is every `*.litmus` below it. */
import {readdirSync, statSync, type Dirent} from 'node:fs'
import {join} from 'node:path'

/** The files that the arguments name, those of a directory in sorted order. What does not exist is kept: reading it says so. */
export function litmusFiles(paths: readonly string[]): readonly string[] {
  return paths.flatMap(path => isDirectory(path) ? below(path) : [path])
}

function isDirectory(path: string): boolean {
  return statSync(path, {throwIfNoEntry: false})?.isDirectory() ?? false
}

function below(folder: string): string[] {
  const entries = entriesOf(folder)
  if (entries === null) return [folder]
  entries.sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
  return entries.flatMap(entry => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return below(path)
    return entry.name.endsWith('.litmus') && (entry.isFile() || entry.isSymbolicLink()) ? [path] : []
  })
}

/** Null if the directory cannot be read: who tries to read it as a test says so. */
function entriesOf(folder: string): Dirent[] | null {
  try {
    return readdirSync(folder, {withFileTypes: true})
  } catch {
    return null
  }
}
