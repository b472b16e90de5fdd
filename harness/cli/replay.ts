/** `replay TOKEN`: one execution again, and its report. */
import {engineVersion} from '../../lib/index.ts'
import {clientNamed, subjectNamed} from '../built-in.ts'
import {again} from '../evaluate.ts'
import type {Flags} from '../flags.ts'
import {modelNamed} from '../names.ts'
import {recordExecution, recordVersion} from '../record.ts'
import {failureReport} from '../report.ts'
import {expectedIn, hasHeap} from '../setting.ts'
import {userSites} from '../sites.ts'
import {parseToken, printToken, shortName, type Token} from '../token.ts'
import {clientReport} from '../wrapper/report.ts'
import {clientSubject} from '../wrapper/showcase.ts'
import {severest} from '../wrapper/soundness.ts'
import {command, exits, Usage, type Exit} from './exit.ts'
import {paintFor, say, writeJson} from './terminal.ts'

export async function replayToken(text: string, flags: Flags): Promise<Exit> {
  const token = withSetting(parseToken(text), flags)
  const client = await clientNamed(token.program, process.cwd())
  const subject = client === null ? await subjectNamed(token.program, process.cwd()) : clientSubject(client.wrapper, client.numbered)
  const program = subject.program()
  const model = modelNamed(token.model)
  const setting = hasHeap(program) ? token.setting : null
  const limits = {bound: token.bound, ...setting}
  const found = again(program, model, token)
  if (found === null) throw new Usage(`the execution that ${text} points at has no end: it goes over the loop bound of ${token.bound}, or into a dead end`)
  if (flags.json !== undefined) writeJson(flags.json, {format: 'tearproof', version: recordVersion, engine: engineVersion, token: text, execution: recordExecution(program, model, found, process.cwd(), limits)})
  const wanted = expectedIn(subject.expected, model.name, setting)
  const named = found.failures.find(each => wanted?.verdict === 'broken' && 'claim' in each && each.claim === wanted.by)
  const failure = (client === null ? named : severest(found)) ?? found.failures[0]
  if (flags.quiet !== true && flags.json !== '-') {
    const [replay, how] = [`${command} replay ${printToken(token)}`, {paint: paintFor(process.stdout), verbose: flags.verbose ?? false}]
    if (client !== null) say(clientReport({...client, program, model, run: found, failure: failure ?? null, limits, command: replay}, how))
    else say(failureReport({name: shortName(subject.name), program, model, setting, run: found, command: replay, sites: userSites(program, model, found, '', limits), ...failure === undefined ? {} : {failure}}, how))
  }
  return found.failures.length === 0 ? exits.fine : exits.differs
}

/** The same choices, judged in another regime if the flags say so. Where addresses come back is part of the choices. */
function withSetting(token: Token, {regime = [], reuse, leaks}: Flags): Token {
  if (regime.length > 1) throw new Usage('a replay is judged in one regime: give --regime once')
  if (reuse === false && token.setting.reuse) throw new Usage('--no-reuse is for evaluate and check: the choices of a token count the addresses that come back')
  return {...token, setting: {...token.setting, regime: regime[0] ?? token.setting.regime, leaks: leaks ?? token.setting.leaks}}
}
