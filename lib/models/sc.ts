/**
 * Sequential consistency: all accesses in one total order that respects program order.
 *
 * Sources: Lamport, "How to make a multiprocessor computer that correctly executes multiprocess
 * programs" (1979); herd7's sc.cat.
 */
import {acyclic, and, co, coe, empty, fr, fre, F, grace, minus, or, plus, po, rf, rmw, seq, type Model} from '../model.ts'
import {rcuEvents, rcuFlags} from './c++26-rcu.ts'

export const sc: Model = {
  name: 'sc',
  title: 'sequential consistency',
  sources: ['Lamport 1979', 'herd7 sc.cat'],
  family: 'sc',
  relations: {rf, co, fr, grace, po, fre, coe},
  axioms: {
    'sequential-consistency': acyclic(or(co, rf, fr, po, grace)),
    atomicity: empty(and(rmw, seq(fre, coe))),
  },
  flags: rcuFlags,
  guarded: po,
  before: plus(or(co, rf, fr, po, grace)),
  folded: minus(F, rcuEvents),
}
