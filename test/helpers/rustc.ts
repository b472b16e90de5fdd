/** Asks rustc, where there is one, which of many clients it accepts: one crate, one function per client. */
import {spawnSync} from 'node:child_process'
import {existsSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {homedir, tmpdir} from 'node:os'
import {delimiter, join} from 'node:path'
import type {Signatures} from '../../harness/rust/syntax.ts'
import {stubs} from '../../harness/rust/stubs.ts'

/** Where rustc is: on the PATH or where rustup puts it; null if it is not installed. */
export const rustc: string | null = [...(process.env['PATH'] ?? '').split(delimiter), join(homedir(), '.cargo', 'bin')]
  .map(folder => join(folder, 'rustc')).find(file => existsSync(file)) ?? null

interface Message {
  readonly level: string
  readonly message: string
  readonly code: {readonly code: string} | null
  readonly spans: readonly {readonly is_primary: boolean; readonly line_start: number}[]
}

/**
 * What rustc has against each function, by its place in the list: the first error of those in its text, or null.
 * @throws if rustc finds a fault outside of the functions: the stubs are wrong then.
 */
export function rejections(signatures: Signatures, functions: readonly string[]): readonly (string | null)[] {
  const head = `#![allow(warnings)]\n#![feature(negative_impls)]\nuse std::{hint::black_box, mem, thread};\n${stubs(signatures)}`
  const starts: number[] = []
  let text = head
  let line = head.split('\n').length
  for (const each of functions) {
    starts.push(line)
    text += each
    line += each.split('\n').length - 1
  }
  const found: (string | null)[] = functions.map(() => null)
  for (const {message, code, spans} of errors(text)) {
    const at = spans.find(span => span.is_primary)?.line_start ?? 0
    const i = starts.findLastIndex(start => start <= at)
    if (spans.length > 0 && i < 0) throw new Error(`rustc rejects the stubs at line ${at}: ${message}\n${head}`)
    if (i >= 0) found[i] ??= `${code?.code ?? 'error'}: ${message}`
  }
  return found
}

function errors(text: string): readonly Message[] {
  const folder = mkdtempSync(join(tmpdir(), 'tearproof-rustc-'))
  try {
    const file = join(folder, 'clients.rs')
    writeFileSync(file, text)
    const {stderr, error} = spawnSync(rustc!, ['--edition', '2024', '--crate-type', 'lib', '--emit=metadata', '--error-format=json', '-o', join(folder, 'clients.rmeta'), file],
      {encoding: 'utf8', maxBuffer: 1 << 28, env: {...process.env, RUSTC_BOOTSTRAP: '1'}})
    if (error !== undefined) throw error
    return stderr.split('\n').filter(line => line.startsWith('{')).map(line => JSON.parse(line) as Message).filter(({level}) => level.startsWith('error'))
  } finally {
    rmSync(folder, {recursive: true})
  }
}
