/**
 * C++20: RC11 with C++20's release sequences, and with load buffering.
 *
 * Sources: ISO C++20 [intro.races] (P0982 took later stores of the same thread out of release
 * sequences), [atomics.order] (P0668, seq_cst revised after RC11). Out-of-thin-air values are only
 * discouraged by [atomics.order]/8; here acyclic(dep ∪ rf) forbids exactly the values that depend on
 * themselves, and lets independent load buffering happen.
 */
import {acyclic, addr, and, any, ctrl, data, minus, or, plus, rf, rmw, seq, star, W, type Model} from '../model.ts'
import {atomic, c11} from './c11.ts'

/** Release sequences as in C++20: only read-modify-writes continue them. */
const rs = seq(and(W, atomic), star(seq(rf, rmw)))

const dep = or(addr, data, ctrl)

const common = c11(rs)

export const cpp20: Model = {
  name: 'c++20',
  title: 'C++20, with load buffering and without values out of thin air',
  sources: ['ISO C++20 [atomics.order], P0668, P0982', 'Lahav et al., PLDI 2017 (psc)'],
  family: 'c11',
  relations: {...common.relations, dep},
  axioms: {
    ...common.axioms,
    'no-thin-air': acyclic(or(dep, rf)),
  },
  flags: common.flags,
  guarded: plus(dep),
  before: common.relations.hb!,
  folded: minus(any, any),
}
