/**
 * RC11: C/C++11 with the repaired seq_cst axiom, and no load buffering (po ∪ rf acyclic).
 *
 * Sources: Lahav, Vafeiadis, Kang, Hur, Dreyer, "Repairing sequential consistency in C/C++11"
 * (PLDI 2017), section 3; herd7's rc11.cat.
 */
import {acyclic, and, any, loc, minus, opt, or, po, rf, rmw, seq, star, W, type Model} from '../model.ts'
import {atomic, c11} from './c11.ts'

/** Release sequences as in C11: continued by later stores of the same thread and by read-modify-writes. */
const rs = seq(W, opt(and(po, loc)), and(W, atomic), star(seq(rf, rmw)))

const common = c11(rs)

export const rc11: Model = {
  name: 'rc11',
  title: 'C/C++11 as repaired by RC11, without load buffering',
  sources: ['Lahav et al., PLDI 2017', 'herd7 rc11.cat'],
  family: 'c11',
  relations: common.relations,
  axioms: {
    ...common.axioms,
    'no-thin-air': acyclic(or(po, rf)),
  },
  flags: common.flags,
  guarded: po,
  before: common.relations.hb!,
  folded: minus(any, any),
}
