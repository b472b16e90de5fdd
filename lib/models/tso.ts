/**
 * x86-TSO: a store may be delayed past later loads of its thread, and nothing else.
 *
 * Sources: Owens, Sarkar, Sewell, "A better x86 memory model: x86-TSO" (TPHOLs 2009); herd7's x86tso.cat.
 */
import {
  acyclic, and, co, coe, com, empty, F, fencerel, fr, fre, grace, M, minus, or, plus, po, poLoc, R, rf, rfe, rmw, RMW, seq, set, star, W, type Model,
} from '../model.ts'
import {rcuEvents, rcuFlags} from './c++26-rcu.ts'

const mfence = seq(M, fencerel(set('MFENCE')), M)

/** A LOCKed instruction is a full fence for the loads and stores around it. */
const implied = or(seq(W, po, and(R, RMW)), seq(and(W, RMW), po, R))

const poTso = or(seq(R, po, M), seq(W, po, W), mfence, implied)

/** A thread may read its own store early, so internal rf orders nothing. */
const comTso = or(co, rfe, fr)

/** Accesses on both sides of a chain of grace periods and critical sections. */
const graceTso = seq(M, po, grace, star(seq(po, grace)), po, M)

export const tso: Model = {
  name: 'tso',
  title: 'x86 total store order',
  sources: ['Owens, Sarkar, Sewell 2009', 'herd7 x86tso.cat'],
  family: 'tso',
  relations: {rf, co, fr, po, rfe, fre, coe, 'po-loc': poLoc, mfence, implied, 'po-tso': poTso, grace, 'grace-tso': graceTso},
  axioms: {
    coherence: acyclic(or(poLoc, com)),
    atomicity: empty(and(rmw, seq(fre, coe))),
    'total-store-order': acyclic(or(comTso, poTso, graceTso)),
  },
  flags: rcuFlags,
  guarded: po,
  before: plus(or(comTso, poTso, graceTso, po)),
  folded: minus(F, rcuEvents),
}
