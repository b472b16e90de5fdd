/** The command, in a process of its own as a user runs it, or in the test's: starting one takes longer than most answers. */
import {execFile} from 'node:child_process'
import {fileURLToPath} from 'node:url'
import {main} from '../../harness/cli/main.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const settings = {NO_COLOR: '1', TEARPROOF_SEED: '', TEARPROOF_RUNS: ''}

export interface Said {
  readonly exit: number
  readonly out: string
  readonly err: string
}

/** In a process of its own. */
export function start(...args: readonly string[]): Promise<Said> {
  return new Promise(resolve => {
    const child = execFile(process.execPath, [...process.execArgv, 'harness/cli.ts', ...args], {cwd: root, env: {...process.env, ...settings}, maxBuffer: 1e8}, (_, out, err) => {
      resolve({exit: child.exitCode ?? -1, out, err})
    })
  })
}

let last: Promise<unknown> = Promise.resolve()

/** In this process, which has one stdout: one at a time. */
export function run(...args: readonly string[]): Promise<Said> {
  const mine = last.then(() => listened(args))
  last = mine.catch(() => undefined)
  return mine
}

async function listened(args: readonly string[]): Promise<Said> {
  Object.assign(process.env, settings)
  const [out, err] = [new Listener(process.stdout), new Listener(process.stderr)]
  try {
    const exit = await main(args)
    return {exit, out: out.heard, err: err.heard}
  } finally {
    out.stop()
    err.stop()
  }
}

/** Keeps what is written to a stream from going there. */
class Listener {
  heard = ''
  readonly #stream: NodeJS.WriteStream
  readonly #write: NodeJS.WriteStream['write']

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    this.#write = stream.write.bind(stream)
    stream.write = text => {
      this.heard += String(text)
      return true
    }
  }

  stop(): void {
    this.#stream.write = this.#write
  }
}
