/** What the command prints: text, colours where there is a terminal, how far it is, and files of JSON. */
import {writeFileSync} from 'node:fs'
import pc from 'picocolors'
import {noPaint, type Paint} from '../report.ts'
import {Usage} from './exit.ts'

export function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function paintFor(stream: NodeJS.WriteStream): Paint {
  if (!pc.isColorSupported || (!stream.isTTY && process.env['FORCE_COLOR'] === undefined)) return noPaint
  return {red: pc.red, green: pc.green, yellow: pc.yellow, dim: pc.dim, bold: pc.bold}
}

export function columnsOf({isTTY, columns}: NodeJS.WriteStream): number {
  return isTTY ? columns : Infinity
}

/** Lets signals and output through between two rows. */
export function breathe(): Promise<void> {
  return new Promise(resolve => { setImmediate(resolve) })
}

export function writeJson(file: string, value: unknown): void {
  const text = `${JSON.stringify(value, null, 2)}\n`
  if (file === '-') process.stdout.write(text)
  else writeFile(file, text)
}

/** Says now that a file cannot be written, and not after minutes of work. */
export function mustBeWritable(file: string): void {
  if (file !== '-') writeFile(file, '', 'a')
}

function writeFile(file: string, text: string, flag: 'w' | 'a' = 'w'): void {
  try {
    writeFileSync(file, text, {flag})
  } catch (error) {
    throw new Usage(`cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** A line on stderr that says how far it is, where that is a terminal and it takes long enough to be read. */
export class Progress {
  readonly #isOn: boolean
  readonly #started = Date.now()
  #done = 0
  #total = 0
  #what = ''
  #shown = this.#started
  #isVisible = false

  constructor(isQuiet: boolean) {
    this.#isOn = process.stderr.isTTY && !isQuiet
  }

  show(done: number, total: number, what: string): void {
    this.#done = done
    this.#total = total
    this.#what = what
    this.tick()
  }

  /** Nothing is done but time goes by. */
  tick(): void {
    const now = Date.now()
    if (!this.#isOn || now - this.#shown < 200) return
    this.#shown = now
    this.#isVisible = true
    const line = `${this.#done} of ${this.#total}, ${Math.round((now - this.#started) / 1000)} s: ${this.#what}`
    process.stderr.write(`\r\x1b[K${line.slice(0, process.stderr.columns - 1)}`)
  }

  clear(): void {
    if (this.#isVisible) process.stderr.write('\r\x1b[K')
    this.#isVisible = false
  }
}

/** Stdout in large pieces, but none kept back for long. */
export class Output {
  #kept: string[] = []
  #size = 0
  #since = 0
  /** The reader has gone (`| head`): nothing will be read any more. */
  #isUnread = false

  write(text: string): void {
    if (this.#kept.length === 0) this.#since = Date.now()
    this.#kept.push(text)
    this.#size += text.length
    if (this.#size > 65536 || Date.now() - this.#since > 100) this.flush()
  }

  /** Until the reader of stdout has caught up: what waits for a slow one is kept in memory, and 2 GB are too much for Node.js. */
  backlog(): Promise<void> | null {
    const {stdout} = process
    if (!stdout.writableNeedDrain || this.#isUnread) return null
    return new Promise(resolve => {
      const go = (error?: Error): void => {
        this.#isUnread = error !== undefined
        stdout.off('drain', go).off('error', go)
        resolve()
      }
      stdout.on('drain', go).on('error', go)
    })
  }

  flush(): void {
    if (this.#kept.length > 0) process.stdout.write(this.#kept.join(''))
    this.#kept = []
    this.#size = 0
  }
}
