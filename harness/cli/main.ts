/** Finds out what is asked for and has it done; what goes wrong becomes a message. What a command does not need is not loaded. */
import {existsSync, readFileSync} from 'node:fs'
import {CommanderError} from 'commander'
import {engineVersion, WrongInput} from '../../lib/index.ts'
import {commandLine, withDefault} from '../flags.ts'
import {mustHaveHelp} from '../names.ts'
import {exits, type Exit} from './exit.ts'

/** @param args as a shell gives them, without the command's own name. */
export async function main(args: readonly string[]): Promise<Exit> {
  for (const name of ['TEARPROOF_SEED', 'TEARPROOF_RUNS']) if (process.env[name] === '') delete process.env[name]
  let exit: Exit = exits.fine
  const root = commandLine(version(), {
    evaluate: async (names, flags) => { exit = await (await import('./evaluate.ts')).evaluateBuiltIn(names, flags) },
    check: async (files, flags) => { exit = await (await import('./check.ts')).checkFiles(files, flags) },
    replay: async (token, flags) => { exit = await (await import('./replay.ts')).replayToken(token, flags) },
    litmus: async (paths, flags) => { exit = await (await import('./litmus.ts')).judgeLitmusTests(paths, flags) },
    list: async flags => { exit = (await import('./list.ts')).listAll(flags) },
  })
  try {
    const commands = root.commands.map(each => each.name())
    mustHaveHelp(args, commands)
    await root.parseAsync([...withDefault(args, commands)], {from: 'user'})
    return exit
  } catch (error) {
    return explain(error, args)
  }
}

function version(): string {
  const file = ['../../package.json', '../../../package.json'].map(path => new URL(path, import.meta.url)).find(url => existsSync(url))
  return file === undefined ? 'unknown' : (JSON.parse(readFileSync(file, 'utf8')) as {version: string}).version
}

function explain(error: unknown, args: readonly string[]): Exit {
  if (error instanceof CommanderError) return explainCommander(error)
  if (error instanceof WrongInput) {
    process.stderr.write(`tearproof: ${error.message}\n`)
    return exits.usage
  }
  process.stderr.write([
    'tearproof: this is a bug in Tearproof, not in your program. Please report it, with these lines:', '',
    `  tearproof ${version()}, engine ${engineVersion}, Node.js ${process.version}, ${process.platform} ${process.arch}`,
    `  arguments: ${args.join(' ')}`,
    ...(error instanceof Error ? error.stack ?? error.message : String(error)).split('\n').map(line => `  ${line}`), '',
  ].join('\n'))
  return exits.bug
}

function explainCommander({code, message, exitCode}: CommanderError): Exit {
  if (exitCode === 0 || code === 'commander.help' || code === 'commander.helpDisplayed' || code === 'commander.version') return exits.fine
  process.stderr.write(`tearproof: ${message.replace(/^error: /, '')}\n`)
  return exits.usage
}
