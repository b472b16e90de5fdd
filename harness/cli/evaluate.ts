/** `evaluate [name…]`: what is built in, all of it or by name. */
import {availableParallelism} from 'node:os'
import {builtIn} from '../built-in.ts'
import {designs} from '../designs.ts'
import type {Flags} from '../flags.ts'
import {Workers} from '../pool.ts'
import {deepDepth, smallDepth} from '../wrapper/depth.ts'
import {catalogue} from '../wrappers/index.ts'
import {command, type Exit} from './exit.ts'
import {run, together} from './run.ts'
import {workersModule} from './workers.ts'

/** Programs are made and thrown away by the thousand: with little room most of them outlive a collection, and are copied. In MB. */
const roomForTheYoung = '--max-semi-space-size=64'

/** All of it takes as many processes as there are processors; what is named, one, unless `--jobs` says otherwise. */
export async function evaluateBuiltIn(names: readonly string[], flags: Flags): Promise<Exit> {
  const [wanted, least] = names.length === 0
    ? [{subjects: designs, wrappers: catalogue}, smallDepth]
    : [together(names.map(name => builtIn(name, command))), deepDepth]
  const jobs = flags.jobs ?? (names.length === 0 ? availableParallelism() : 1)
  const workers = jobs > 1 ? new Workers(jobs, workersModule, [...process.execArgv, roomForTheYoung]) : null
  try {
    return await run(wanted, least, flags, workers)
  } finally {
    await workers?.close()
  }
}
