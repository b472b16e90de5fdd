/** Every sequence of statements whose types fit, moved variables and conflicting borrows included: what a checker must tell apart. */
import {Choices, type Bounds} from '../../harness/rust/choices.ts'
import {block, sizeOfStatement, type Client, type Statement, type Thread} from '../../harness/rust/client.ts'
import {payloadNamed} from '../../harness/rust/payloads.ts'
import {mentioned} from '../../harness/rust/rename.ts'
import {capturesOf, capturing, settle, start, type State} from '../../harness/rust/state.ts'
import type {Signatures} from '../../harness/rust/syntax.ts'

interface Partial {
  readonly statements: readonly Statement[]
  readonly state: State
}

/** Clients without threads of exactly this size, and with `threads`, those of one statement each behind every setup. */
export function* rawClients(signatures: Signatures, payload: string, size: number, threads: number, bounds: Bounds): Generator<Client> {
  const choices = new Choices(signatures, payloadNamed(payload), bounds)
  for (const {statements, state} of sequences(choices, {statements: [], state: start}, size)) {
    if (threads === 0) yield {payload, main: block(...statements)}
    else for (const scope of scopes(choices, state, threads, [])) yield {payload, main: block(...statements, {kind: 'scope', threads: scope})}
  }
}

function* sequences(choices: Choices, {statements, state}: Partial, size: number): Generator<Partial> {
  if (size === 0) yield {statements, state}
  else {
    for (const {made, state: after} of choices.statements(state, size)) {
      const settled = settle(after, made)
      if (settled !== null) yield * sequences(choices, {statements: [...statements, made], state: forgetful(settled)}, size - sizeOfStatement(made))
    }
  }
}

function* scopes(choices: Choices, state: State, threads: number, before: readonly Thread[]): Generator<readonly Thread[]> {
  if (threads === 0) {
    yield before
    return
  }
  const inside: State = {...capturing(state, type => type.kind === 'reference' ? ['move'] : ['share', 'lend', 'move']), place: 'thread'}
  for (const {statements, state: after} of sequences(choices, {statements: [], state: inside}, 1)) {
    const thread: Thread = {captures: capturesOf(after.slots, mentioned(statements)), body: block(...statements), result: null}
    yield * scopes(choices, {...after, slots: state.slots, place: 'main'}, threads - 1, [...before, thread])
  }
}

/** The state as if nothing had been moved or used. */
function forgetful(state: State): State {
  return {...state, slots: state.slots.map(slot => ({...slot, moved: false, used: false, written: false}))}
}
