/**
 * What RC11 and C++20 share: synchronises-with, happens-before, and the repaired seq_cst axiom.
 *
 * Sources: Lahav, Vafeiadis, Kang, Hur, Dreyer, "Repairing sequential consistency in C/C++11"
 * (PLDI 2017), section 3; herd7's rc11.cat.
 */
import {
  acyclic, and, any, co, cross, empty, ext, F, fr, grace, inv, irreflexive, IW, loc, M, minus, opt, or, plus, po, R, rf, rmw, seq,
  set, W, type Axiom, type RelationExpr,
} from '../model.ts'
import {rcuFlags} from './c++26-rcu.ts'

const RLX = set('RLX')
const ACQ = set('ACQ')
const REL = set('REL')
const ACQ_REL = set('ACQ_REL')
const SC = set('SC')

/** Atomic accesses of any ordering. */
export const atomic = or(RLX, ACQ, REL, ACQ_REL, SC)

const releases = or(REL, ACQ_REL, SC)
const acquires = or(ACQ, ACQ_REL, SC)

/** The relations, axioms and flags for a given definition of the release sequence `rs`. */
export function c11(rs: RelationExpr): {
  relations: Record<string, RelationExpr>; axioms: Record<string, Axiom>; flags: Record<string, RelationExpr>
} {
  const eco = plus(or(rf, co, fr))

  // a release (or a release fence before a write) synchronises with an acquire that reads from its release sequence
  const sw = seq(releases, opt(seq(F, po)), rs, rf, and(R, atomic), opt(seq(po, F)), acquires)
  // C++26 [saferecl.rcu]: a grace period synchronises with the critical sections around it
  const hb = plus(or(po, sw, grace))

  const poNotLoc = minus(po, loc)
  const scb = or(po, seq(poNotLoc, hb, poNotLoc), and(hb, loc), co, fr)
  const scFence = and(F, SC)
  const pscBase = seq(or(seq(SC), seq(scFence, opt(hb))), scb, or(seq(SC), seq(opt(hb), scFence)))
  const pscFence = seq(scFence, or(hb, seq(hb, eco, hb)), scFence)
  const psc = or(pscBase, pscFence)

  const conflict = minus(and(ext, loc, or(cross(W, any), cross(any, W))), or(cross(IW, any), cross(any, IW)))
  const dataRace = minus(minus(minus(conflict, cross(and(M, atomic), and(M, atomic))), hb), inv(hb))

  return {
    relations: {rf, co, fr, grace, po, rmw, eco, rs, sw, hb, scb, psc_base: pscBase, psc_fence: pscFence, psc},
    axioms: {
      coherence: irreflexive(seq(hb, opt(eco))),
      atomicity: empty(and(rmw, seq(fr, co))),
      'sequential-consistency': acyclic(psc),
    },
    flags: {'data-race': dataRace, ...rcuFlags},
  }
}
