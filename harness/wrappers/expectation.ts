/** What the catalogue's wrappers are expected to be, in short. */
import {options, type Option} from '../wrapper/policy.ts'
import type {WrapperExpectation} from '../wrapper/wrapper.ts'

/** By which models a wrapper is judged, unless it says so. */
export const everyModel: readonly string[] = ['sc', 'rc11', 'lkmm']
/** Those that reorder. */
export const weakModels: readonly string[] = ['rc11', 'lkmm']

/** Broken under some of the models. */
export function brokenUnder(broken: readonly string[], judged = everyModel): WrapperExpectation['broken'] {
  return Object.fromEntries(judged.map(model => [model, broken.includes(model)]))
}

/** @param weakest the first option that admits it: those before cannot express it. @param unsound under all that admit it, under none, or under these. */
export function admittedFrom(weakest: Option | 'none', unsound: boolean | readonly Option[]): NonNullable<WrapperExpectation['options']> {
  const verdict = (option: Option): 'not expressible' | 'unsound' | 'no violation found' => {
    if (weakest === 'none' || option < weakest) return 'not expressible'
    return (typeof unsound === 'boolean' ? unsound : unsound.includes(option)) ? 'unsound' : 'no violation found'
  }
  return Object.fromEntries(options.map(option => [option, verdict(option)]))
}

/**
 * What is expected of Rust with relaxed atomics or sections of its own and nothing declared, which the last option alone allows.
 * @param broken the models that break it.
 */
export function inEverything(source: string, broken: readonly string[]): WrapperExpectation {
  return {source, broken: brokenUnder(broken), options: admittedFrom(5, broken.includes('lkmm'))}
}

/** What is expected of Rust with ordered atomics, locks and plain accesses only: every option allows it but the one without unsafe. */
export function inOrderedRust(source: string, broken: readonly string[]): WrapperExpectation {
  return {source, broken: brokenUnder(broken), options: admittedFrom(2, broken.length > 0)}
}
