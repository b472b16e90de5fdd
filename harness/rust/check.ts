/** Whether safe Rust accepts a client: its types, its moves and its borrows. */
import {conflicts} from './borrow.ts'
import {IllTyped} from './builder.ts'
import type {Client, Drops, Variable} from './client.ts'
import type {Signatures, Type} from './syntax.ts'
import {typeClient} from './typing.ts'

export type Checked =
  | {readonly kind: 'accepted'; readonly types: ReadonlyMap<Variable, Type>; readonly drops: Drops}
  | {
    readonly kind: 'rejected'
    readonly problem: string
    /** More statements could mend it: at the end of the main thread's block or of the last thread's, something is dropped too late. */
    readonly open: 'main' | 'thread' | null
    /** As far as they are clear. */
    readonly types: ReadonlyMap<Variable, Type>
  }

/** Judges a client as rustc does: E0277, E0308, E0382, E0499, E0502, E0505, E0506, E0515, E0596, E0597 and their like. */
export function check(signatures: Signatures, client: Client): Checked {
  try {
    const {flow, types, drops, problems} = typeClient(signatures, client)
    if (problems.length > 0) return {kind: 'rejected', problem: problems[0]!, open: null, types}
    const found = conflicts(flow)
    const worst = found.find(({end}) => end === null) ?? found.find(({end}) => end === 'thread') ?? found[0]
    return worst === undefined ? {kind: 'accepted', types, drops} : {kind: 'rejected', problem: worst.problem, open: worst.end, types}
  } catch (error) {
    if (!(error instanceof IllTyped)) throw error
    return {kind: 'rejected', problem: error.message, open: null, types: new Map()}
  }
}
