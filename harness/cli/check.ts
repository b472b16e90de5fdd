/** `check FILE…`: the programs and wrappers that modules export. */
import type {Flags} from '../flags.ts'
import {loadModule, type Loaded} from '../load.ts'
import {checkDepth} from '../wrapper/depth.ts'
import type {Exit} from './exit.ts'
import {run, together} from './run.ts'

export async function checkFiles(files: readonly string[], flags: Flags): Promise<Exit> {
  const loaded: Loaded[] = []
  for (const file of files) loaded.push(await loadModule(file, process.cwd()))
  return await run(together(loaded), checkDepth, flags, null)
}
