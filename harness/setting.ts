/** How objects on a heap die in a run: what is chosen beside the model, for programs that have a heap. */
import {regimes, type Regime} from '../lib/index.ts'
import type {Expectation, HeapCase, Stated} from './design.ts'
import type {AnyProgram} from './operations.ts'

export interface Setting {
  /** What may be done with pointers to objects that died. */
  readonly regime: Regime
  /** May an allocation get an address that was freed? */
  readonly reuse: boolean
  /** Do objects that nothing leads to at the end count as failures? */
  readonly leaks: boolean
}

/** What a run does if it is not told otherwise, and a token that does not mention it. */
export const defaultSetting: Setting = {regime: 'strict', reuse: true, leaks: false}

/** What a user asks of all programs with a heap. */
export interface Wanted {
  /** Null: those that the design states, or `strict`. */
  readonly regimes: readonly Regime[] | null
  /** False: never, whatever the design states. */
  readonly reuse: boolean
  readonly leaks: boolean
}

/** Does the program allocate, so that the setting matters? */
export function hasHeap({memory}: AnyProgram): boolean {
  return memory.some(({object}) => object.heap !== null)
}

/** What a design states, case by case. One that states verdicts by model alone means the usual setting. */
export function casesOf(stated: Stated | undefined): readonly HeapCase[] {
  if (stated !== undefined && isCases(stated)) return stated
  return [{regimes: [defaultSetting.regime], expected: stated ?? {}}]
}

function isCases(stated: Stated): stated is readonly HeapCase[] {
  return Array.isArray(stated)
}

/** The settings to run a program with a heap in, each once. */
export function settingsOf(stated: Stated | undefined, {regimes: wanted, reuse, leaks}: Wanted): readonly Setting[] {
  const all = casesOf(stated).flatMap(each => (wanted ?? each.regimes).map(regime => ({regime, reuse: reuse && each.reuse !== false, leaks})))
  return all.filter((setting, i) => all.findIndex(other => isSameSetting(other, setting)) === i)
}

/** The verdict expected under a model and, of a program with a heap, in a setting; null if none is stated. */
export function expectedIn(stated: Stated | undefined, model: string, setting: Setting | null): Expectation | null {
  const fits = ({regimes: named, reuse = true}: HeapCase): boolean => setting === null || (named.includes(setting.regime) && reuse === setting.reuse)
  return casesOf(stated).find(fits)?.expected[model] ?? null
}

export function isSameSetting(a: Setting | null, b: Setting | null): boolean {
  return a === b || (a !== null && b !== null && a.regime === b.regime && a.reuse === b.reuse && a.leaks === b.leaks)
}

/** `strict`, `bits, no reuse`; of several regimes `iso strict`, or `all`. */
export function showSettings(settings: readonly Setting[], join = (names: readonly string[]): string => names.join(' ')): string {
  const names = regimes.filter(regime => settings.some(setting => setting.regime === regime))
  const shown = names.length === regimes.length ? 'all' : join(names)
  return settings.every(({reuse}) => !reuse) && settings.length > 0 ? `${shown}, no reuse` : shown
}

/** What a report says behind the model's name: nothing for programs without a heap. */
export function inSetting(...settings: readonly (Setting | null | undefined)[]): string {
  const given = settings.filter(setting => setting != null)
  return given.length === 0 ? '' : `, ${showSettings(given)}`
}
