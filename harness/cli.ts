#!/usr/bin/env node
/** The command as a process: its arguments, its exit code. */
import {main} from './cli/main.ts'

// a reader that has seen enough (`| head`) is no error
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})
process.exitCode = await main(process.argv.slice(2))
