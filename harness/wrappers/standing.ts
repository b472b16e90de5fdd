/** What the entries of the catalogue have in common: the models that judge them, and where they stand on McKenney's spectrum. */
import type {WrapperExpectation} from '../wrapper/wrapper.ts'

/** The models of the catalogue's verdicts, where its operations mean something to all of them. */
const judged = ['sc', 'rc11', 'lkmm']

/** Broken under every model: what is wrong is not the order. */
export const everywhere: readonly string[] = judged

/** Broken under those that reorder. */
export const reordered: readonly string[] = ['rc11', 'lkmm']

/** @param broken the models that break it. */
export function judgedBy(source: string, broken: readonly string[]): WrapperExpectation {
  return {source, broken: Object.fromEntries(judged.map(model => [model, broken.includes(model)]))}
}

/**
 * What is expected of Rust with relaxed atomics or sections of its own and nothing declared, which the last option alone allows.
 * @param broken the models that break it.
 */
export function inEverything(source: string, broken: readonly string[]): WrapperExpectation {
  const no = 'not expressible'
  return {
    ...judgedBy(source, broken),
    options: {1: no, 2: no, 3: no, 4: no, 5: broken.includes('lkmm') ? 'unsound' : 'no violation found'},
  }
}

/** What is expected of Rust with ordered atomics, locks and plain accesses only: every option allows it but the one without unsafe. */
export function inOrderedRust(source: string, broken: readonly string[]): WrapperExpectation {
  const verdict = broken.length > 0 ? 'unsound' : 'no violation found'
  return {...judgedBy(source, broken), options: {1: 'not expressible', 2: verdict, 3: verdict, 4: verdict, 5: verdict}}
}
