/**
 * Sequential consistency: all accesses in one total order that respects program order.
 *
 * Sources: Lamport, "How to make a multiprocessor computer that correctly executes multiprocess
 * programs" (1979); herd7's sc.cat.
 */
import {acyclic, and, co, coe, empty, fr, fre, F, or, plus, po, rf, rmw, seq, type Model} from '../model.ts'

export const sc: Model = {
  name: 'sc',
  title: 'sequential consistency',
  sources: ['Lamport 1979', 'herd7 sc.cat'],
  family: 'sc',
  relations: {rf, co, fr, po, fre, coe},
  axioms: {
    'sequential-consistency': acyclic(or(co, rf, fr, po)),
    atomicity: empty(and(rmw, seq(fre, coe))),
  },
  flags: {},
  guarded: po,
  before: plus(or(co, rf, fr, po)),
  folded: F,
}
