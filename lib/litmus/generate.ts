/**
 * Writes litmus tests from cycles of edges, in the style of diy7: `generateLitmus('PodWW Rfe PodRR Fre')` is MP.
 *
 * The condition holds of exactly the outcomes that show the cycle: each read observed by a communication, and
 * the coherence order of each location with several writes (its last value; with three writes or more, a
 * thread of its own sees the others in order).
 */
import {cycleTest, type Access, type CycleOptions, type CycleTest} from './cycle.ts'

/**
 * The C litmus test of a cycle, such as `PodWW Rfe PodRR Fre`, `FenceWmbdWW Rfe DpAddrdR Fre`,
 * `PodWWOnceRelease RfeReleaseAcquire PodRRAcquireOnce FreOnceOnce`, `GpdWW Rfe RscsdRR Fre` or, for McKenney's
 * RCU tests, `C-RW-R+RW-G`. Names: edge.ts.
 * @throws {CycleError} if the edges make no cycle.
 */
export function generateLitmus(cycle: string, options: CycleOptions = {}): string {
  return litmusText(cycleTest(cycle, options))
}

/** The text of a test. */
export function litmusText(test: CycleTest): string {
  const {name, cycle, threads, observers} = test
  const bodies = [
    ...threads.map(accesses => threadText(test, accesses)),
    ...observers.map(observer => observerText(test, observer)),
  ]
  return [
    `C ${name}\nGenerator=tearproof\nCycle=${cycle}\n\n{}\n`,
    ...bodies.map(({locations, lines}, i) => `P${i}(${parameters(test, locations)})\n{\n${lines.map(line => line === '' ? '\n' : `\t${line}\n`).join('')}}\n`),
    `exists (${conditionOf(test).join(' /\\ ')})\n`,
  ].join('\n')
}

interface Body {
  readonly locations: readonly string[]
  readonly lines: readonly string[]
}

function parameters({dialect, threads}: CycleTest, locations: readonly string[]): string {
  const plain = (location: string): boolean =>
    dialect === 'kernel' || threads.some(accesses => accesses.some(access => access.location === location && access.annotation.name === 'Na'))
  return [...new Set(locations)].sort(byName).map(location => `${plain(location) ? 'int' : 'atomic_int'} *${location}`).join(', ')
}

/** x, y and z come before a. */
function byName(a: string, b: string): number {
  const rank = (name: string): number => /^[xyz]$/.test(name) ? 0 : name.length
  return rank(a) - rank(b) || (a < b ? -1 : 1)
}

function threadText(test: CycleTest, accesses: readonly Access[]): Body {
  const lines = declarations(accesses)
  for (const [i, access] of accesses.entries()) {
    const kind = access.after?.meaning.kind
    const opens = accesses[i + 1]?.after?.meaning.kind === 'section' && kind !== 'section'
    const closes = kind === 'section' && accesses[i + 1]?.after?.meaning.kind !== 'section'
    if (kind === 'grace') lines.push('synchronize_rcu();')
    if (access.after?.meaning.kind === 'fence') lines.push(`${access.after.meaning.fence.call};`)
    if (opens) lines.push('rcu_read_lock();')
    lines.push(...accessText(access, accesses[i - 1] ?? null))
    if (closes) lines.push('rcu_read_unlock();')
  }
  return {locations: accesses.map(({location}) => location), lines}
}

function declarations(accesses: readonly Access[]): string[] {
  const registers = accesses.flatMap(({register}) => register === null ? [] : [`int ${register};`])
  return registers.length === 0 ? [] : [...registers, '']
}

/** An access, with its dependency on the one before it. */
function accessText(access: Access, previous: Access | null): string[] {
  const {direction, location, annotation, value, register, after} = access
  const on = after?.meaning.kind === 'dependency' ? after.meaning.on : null
  const nothing = previous?.register == null ? '' : `(${previous.register} ^ ${previous.register})`
  const pointer = on === 'addr' ? `(${location} + ${nothing})` : location
  const stored = on === 'data' ? `${value} + ${nothing}` : String(value)
  const statement = direction === 'R' ? `${register} = ${annotation.read!(pointer)};` : `${annotation.write!(pointer, stored)};`
  // without an expected value the condition is true of every value, but depends on it all the same
  if (on === 'ctrl') return [`if (${previous!.register} ${previous!.value === null ? '>= 0' : `== ${previous!.value}`})`, `\t${statement}`]
  return [statement]
}

function observerText({dialect}: CycleTest, {location, writes}: CycleTest['observers'][number]): Body {
  const registers = Array.from({length: writes - 1}, (_, i) => `r${i}`)
  const read = (register: string): string =>
    dialect === 'kernel' ? `${register} = READ_ONCE(*${location});` : `${register} = atomic_load_explicit(${location}, memory_order_relaxed);`
  return {locations: [location], lines: [...registers.map(register => `int ${register};`), '', ...registers.map(read)]}
}

/** What the outcome is that shows the cycle, part by part. */
export function conditionOf({threads, observers, final}: CycleTest): string[] {
  const registers = threads.flatMap((accesses, thread) => accesses.flatMap(({register, value}) =>
    register === null || value === null ? [] : [`${thread}:${register}=${value}`]))
  const seen = observers.flatMap(({writes}, i) => Array.from({length: writes - 1}, (_, r) => `${threads.length + i}:r${r}=${r + 1}`))
  return [...registers, ...seen, ...final.map(({location, value}) => `${location}=${value}`)]
}
