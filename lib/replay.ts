/** Replay: brings an execution back by its recorded path, also to see where in the user's code it comes from. */
import {follow, Misfit, type Chooser} from './choose.ts'
import {open, type Limits} from './limits.ts'
import type {Status} from './machine.ts'
import type {Model} from './model.ts'
import type {Program} from './program.ts'
import type {Path, Run} from './result.ts'
import type {Session} from './session.ts'

/** Follows a recorded path. @throws {Misfit} if the program or engine no longer fits the path. */
export function replay<R>(program: Program<R>, model: Model, path: Path, limits: Limits = {}): Run {
  const session = open(program, model, limits)
  return session.withRoom(() => {
    const {status, decisions} = retrace(session, follow(path))
    const beyond = path.find(([decision]) => decision >= decisions)
    if (status === 'dead') throw misfit('the recorded path leads to no execution')
    if (status === 'cut') throw misfit(`the recorded path goes over the ${{bound: 'loop bound', events: 'event limit', objects: 'room of its heap'}[session.cutBy().budget]}`)
    if (beyond !== undefined) throw misfit(`path step ${beyond[0]} comes after the end of the execution, which has ${counted(decisions)}`)
    return session.run(path, status)
  })
}

function misfit(what: string): Misfit {
  return new Misfit(`${what}: the program or the engine changed since it was recorded`)
}

function counted(decisions: number): string {
  return decisions === 1 ? '1 decision' : `${decisions} decisions`
}

/** For each event of a run: the frames of the user's code that led to it, innermost first (`file:line:column`). */
export function sitesOf<R>(program: Program<R>, model: Model, run: Run, limits: Limits = {}): readonly (readonly string[])[] {
  const session = open(program, model, limits)
  return session.withRoom(() => {
    retrace(session, follow(run.path))
    return session.sites()
  })
}

function retrace(session: Session, chooser: Chooser): {readonly status: Status; readonly decisions: number} {
  const {machine} = session
  if (!machine.start()) return {status: 'dead', decisions: 0}
  for (let decisions = 0; ; decisions++) {
    const status = machine.next()
    if (typeof status === 'string') return {status, decisions}
    if (machine.take(status, chooser.choose(status.kind, status.among, machine.describe(status))) !== true) return {status: 'dead', decisions}
  }
}
