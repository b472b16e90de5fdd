/**
 * The Linux-kernel memory model.
 *
 * Sources: the kernel's tools/memory-model/linux-kernel.{bell,cat} and lock.cat (variant lkmmv2, in
 * which the tags of read-modify-writes are interpreted by the model), explained section by section in
 * its Documentation/explanation.txt; Alglave, Maranget, McKenney, Parri, Stern, "Frightening small
 * children and disconcerting grown-ups" (ASPLOS 2018). Sections below follow linux-kernel.cat.
 */
import {
  acyclic, addr as addrBase, and, brackets, co, coe, com, cross, ctrl as ctrlBase, data as dataBase, domain, empty, ext,
  fencerel, fr, fre, id, int, inv, irreflexive, IW, loc, M, minus, not, on, opt, or, plus, po, poLoc, R, range, rec, rf, rfe, rfi,
  rmw, RMW, seq, set, star, W, type Model, type RelationExpr,
} from '../model.ts'

// ---- linux-kernel.bell: annotations ------------------------------------------------------------

const [ONCE, RELEASE, ACQUIRE, NORETURN, MB] = [set('ONCE'), set('RELEASE'), set('ACQUIRE'), set('NORETURN'), set('MB')]
const [Rmb, Wmb, Barrier] = [set('Rmb'), set('Wmb'), set('Barrier')]
const [BeforeAtomic, AfterAtomic] = [set('Before-atomic'), set('After-atomic')]
const [AfterSpinlock, AfterUnlockLock] = [set('After-spinlock'), set('After-unlock-lock')]
const [RcuLock, RcuUnlock, SyncRcu] = [set('Rcu-lock'), set('Rcu-unlock'), set('Sync-rcu')]
const [SrcuLock, SrcuUnlock, SyncSrcu] = [set('Srcu-lock'), set('Srcu-unlock'), set('Sync-srcu')]
const AfterSrcuReadUnlock = set('After-srcu-read-unlock')
// LK: a lock or trylock; LKR and LKW: the two halves of one that succeeded; RL: spin_is_locked(), whatever it says
const [LK, LKR, LKW, UL, RL] = [set('LK'), set('LKR'), set('LKW'), set('UL'), set('RL')]

// tags that order nothing where they stand: Acquire on a store, anything on a failed read-modify-write
const FailedRMW = minus(RMW, or(domain(rmw), range(rmw)))
const Acquire = or(minus(minus(ACQUIRE, W), FailedRMW), LKR) // lock.cat: LKR acquires
const Release = or(minus(minus(RELEASE, R), FailedRMW), UL) // lock.cat: UL releases
const Mb = minus(MB, FailedRMW)
const Noreturn = minus(NORETURN, W)

/** Matching rcu_read_lock() and rcu_read_unlock(), nested as brackets. */
const rcuRscs = brackets(RcuLock, RcuUnlock)

/** srcu_read_lock()'s cookie reaches its srcu_read_unlock() through registers and plain or marked memory. */
const carrySrcuData = star(seq(dataBase, not(SrcuUnlock), rf))
const srcuRscs = and(seq(SrcuLock, carrySrcuData, dataBase, SrcuUnlock), loc)

const Marked = or(not(M), IW, ONCE, RELEASE, ACQUIRE, MB, RMW, LK, UL, RL, SrcuLock, SrcuUnlock)
const Plain = minus(M, Marked)

// dependencies carried through memory that only this thread writes
const carryDep = star(seq(dataBase, not(SrcuUnlock), rfi))
const addr = seq(carryDep, addrBase)
const ctrl = seq(carryDep, ctrlBase)
const data = seq(carryDep, dataBase)

// ---- lock.cat: misuse ---------------------------------------------------------------------------

const critical = minus(seq(LKW, poLoc, UL), seq(poLoc, or(LKW, UL), poLoc))
const allLocks = or(LK, UL, RL, SrcuLock, SrcuUnlock, SyncSrcu)

// ---- Basic relations ---------------------------------------------------------------------------

const acqPo = seq(Acquire, po, M)
const poRel = seq(M, po, Release)
const poUnlockLockPo = seq(po, UL, or(po, rf), LKR, po)

const R4rmb = minus(R, Noreturn) // reads for which smp_rmb() works
const rmb = seq(R4rmb, fencerel(Rmb), R4rmb)
const wmb = seq(W, fencerel(Wmb), W)
const mb = or(
  seq(M, fencerel(Mb), M),
  seq(M, po, and(Mb, R)), // a full-barrier RMW acts as though enclosed by smp_mb()
  seq(and(Mb, W), po, M),
  seq(M, fencerel(BeforeAtomic), RMW, opt(po), M),
  seq(M, opt(po), RMW, fencerel(AfterAtomic), M),
  seq(M, opt(po), LKW, fencerel(AfterSpinlock), M),
  // po-unlock-lock-po with the fence inside its last po
  seq(M, po, UL, or(po, rf), LKR, fencerel(AfterUnlockLock), M),
  seq(M, opt(po), SrcuUnlock, fencerel(AfterSrcuReadUnlock), M),
)
const gp = seq(po, or(SyncRcu, SyncSrcu), opt(po))
const strongFence = or(mb, gp)

const nonrwFence = or(strongFence, poRel, acqPo)
const fence = or(nonrwFence, wmb, rmb)

// ---- Instruction execution ordering ------------------------------------------------------------

const dep = or(addr, data)
const rwdep = seq(or(dep, ctrl), W)
const overwrite = or(co, fr)
const toW = or(rwdep, and(overwrite, int), seq(addr, Plain, wmb))
const toR = or(addr, seq(dep, Marked, rfi))
// fence & int: the one of smp_mb__after_unlock_lock() also joins two threads
const ppo = or(toR, toW, and(fence, int), and(poUnlockLockPo, int))

/** A-cumulative: also orders writes that the thread has read from. */
const aCumul = (r: RelationExpr): RelationExpr => seq(opt(seq(rfe, Marked)), r)
const rmwSequence = star(seq(rf, rmw))
const cumulFence = seq(Marked, or(aCumul(or(strongFence, poRel)), wmb, poUnlockLockPo), Marked, rmwSequence)
const prop = seq(Marked, opt(and(overwrite, ext)), star(cumulFence), Marked, opt(rfe), Marked)

/** Ordering from the passage of time. */
const hb = seq(Marked, or(ppo, rfe, and(minus(prop, id), int)), Marked)

// ---- Write and fence propagation ordering ------------------------------------------------------

/** Each non-rf link needs a strong fence. */
const pb = seq(prop, strongFence, star(hb), Marked)

// ---- RCU ---------------------------------------------------------------------------------------

const rcuGp = seq(SyncRcu)
const srcuGp = seq(SyncSrcu)
const rcuRscsi = inv(rcuRscs)
const srcuRscsi = inv(srcuRscs)

const rcuLink = seq(opt(po), star(hb), star(pb), prop, po)

/** At least as many grace periods as critical sections, joined by rcu-link, order like a strong fence. */
const rcuOrder = rec(rcuOrder => or(
  rcuGp, srcuGp,
  seq(rcuGp, rcuLink, rcuRscsi),
  and(seq(srcuGp, rcuLink, srcuRscsi), loc),
  seq(rcuRscsi, rcuLink, rcuGp),
  and(seq(srcuRscsi, rcuLink, srcuGp), loc),
  seq(rcuGp, rcuLink, rcuOrder, rcuLink, rcuRscsi),
  and(seq(srcuGp, rcuLink, rcuOrder, rcuLink, srcuRscsi), loc),
  seq(rcuRscsi, rcuLink, rcuOrder, rcuLink, rcuGp),
  and(seq(srcuRscsi, rcuLink, rcuOrder, rcuLink, srcuGp), loc),
  seq(rcuOrder, rcuLink, rcuOrder),
))
const rcuFence = seq(po, rcuOrder, opt(po))

// from here on linux-kernel.cat redefines fence and strong-fence to include rcu-fence
const anyFence = or(fence, rcuFence)
const anyStrongFence = or(strongFence, rcuFence)

const rb = seq(prop, rcuFence, star(hb), star(pb), Marked)

// ---- Plain accesses and data races -------------------------------------------------------------

const barrier = or(
  fencerel(or(
    Barrier, Rmb, Wmb, Mb, SyncRcu, SyncSrcu, BeforeAtomic, AfterAtomic, Acquire, Release,
    RcuLock, RcuUnlock, SrcuLock, SrcuUnlock,
  )),
  seq(po, Release), seq(Acquire, po),
)
const sameRegion = minus(poLoc, barrier)
const mixedAccesses = or(seq(and(Plain, W), sameRegion, Marked), seq(Marked, sameRegion, and(Plain, W)))

const xbstar = star(or(hb, pb, rb))
const vis = seq(star(cumulFence), opt(rfe), Marked, or(seq(anyStrongFence, Marked, xbstar), and(xbstar, int)))

// how far the lifetime of a plain access reaches
const wPreBounded = seq(Marked, opt(or(addr, anyFence)))
const rPreBounded = seq(Marked, opt(or(addr, nonrwFence, seq(R4rmb, fencerel(Rmb), not(Noreturn)))))
const wPostBounded = seq(opt(anyFence), Marked, rmwSequence)
const rPostBounded = seq(opt(or(nonrwFence, seq(not(Noreturn), fencerel(Rmb), R4rmb))), Marked)

const wwVis = or(anyFence, seq(anyStrongFence, xbstar, wPreBounded), seq(wPostBounded, vis, wPreBounded))
const wrVis = or(anyFence, seq(anyStrongFence, xbstar, rPreBounded), seq(wPostBounded, vis, rPreBounded))
const rwXbstar = or(anyFence, seq(rPostBounded, xbstar, wPreBounded))

const preRace = and(ext, or(cross(Plain, M), cross(minus(M, IW), Plain)))

const wrIncoh = and(preRace, rf, inv(rwXbstar))
const rwIncoh = and(preRace, fr, inv(wrVis))
const wwIncoh = and(preRace, co, inv(wwVis))

const wwNonrace = and(wwVis, or(cross(Marked, W), rwXbstar), or(cross(W, Marked), wrVis))
const wwRace = minus(and(preRace, co), wwNonrace)
const wrRace = minus(minus(and(preRace, seq(opt(co), rf)), wrVis), inv(rwXbstar))
const rwRace = minus(and(preRace, fr), rwXbstar)

/** The parts of hb that a thread's own events decide. */
const guarded = plus(seq(Marked, or(
  addrBase, seq(or(addrBase, dataBase, ctrlBase), W), seq(poLoc, W), // the last by fr or co
  acqPo, poRel, rmb, wmb, seq(M, fencerel(Mb), M), seq(M, po, and(Mb, R)), seq(and(Mb, W), po, M), gp,
), Marked))

export const lkmm: Model = {
  name: 'lkmm',
  title: 'the Linux-kernel memory model',
  sources: ['tools/memory-model/linux-kernel.{bell,cat,def}, lock.cat', 'Documentation/explanation.txt', 'Alglave et al., ASPLOS 2018'],
  family: 'lkmm',
  relations: {
    rf, co, fr, po, rmw, rfe, rfi, fre, coe, addr, data, ctrl, 'po-loc': poLoc, 'acq-po': acqPo, 'po-rel': poRel,
    'po-unlock-lock-po': poUnlockLockPo, rmb, wmb, mb, gp, 'strong-fence': strongFence, 'nonrw-fence': nonrwFence, fence,
    dep, rwdep, overwrite, 'to-w': toW, 'to-r': toR, ppo, 'rmw-sequence': rmwSequence, 'cumul-fence': cumulFence, prop, hb,
    pb, 'rcu-rscs': rcuRscs, 'rcu-link': rcuLink, 'rcu-order': rcuOrder, 'rcu-fence': rcuFence, rb, xbstar, vis,
    'ww-vis': wwVis, 'wr-vis': wrVis, 'rw-xbstar': rwXbstar,
  },
  axioms: {
    coherence: acyclic(or(poLoc, com)),
    atomicity: empty(and(rmw, seq(fre, coe))),
    'happens-before': acyclic(hb),
    propagation: acyclic(pb),
    rcu: irreflexive(rb),
    'plain-coherence': empty(or(wrIncoh, rwIncoh, wwIncoh)),
  },
  flags: {
    'data-race': or(wwRace, wrRace, rwRace),
    'mixed-accesses': mixedAccesses,
    'unmatched-rcu-lock': seq(minus(RcuLock, domain(rcuRscs))),
    'unmatched-rcu-unlock': seq(minus(RcuUnlock, range(rcuRscs))),
    // Srcu-lock \ domain(srcu-rscs), without a set that depends on rf
    'unmatched-srcu-lock': minus(on(SrcuLock), seq(srcuRscs, inv(srcuRscs))),
    'unmatched-srcu-unlock': minus(on(SrcuUnlock), seq(inv(srcuRscs), srcuRscs)),
    'multiple-srcu-matches': minus(seq(inv(srcuRscs), srcuRscs), id),
    'invalid-sleep': and(rcuRscs, fencerel(SyncSrcu)),
    'unmatched-unlock': seq(minus(UL, range(critical))),
    'mixed-lock-accesses': seq(minus(M, or(IW, allLocks)), loc, allLocks),
  },
  guarded,
  // what keeps two accesses from racing
  before: or(po, wwVis, wrVis, rwXbstar),
  folded: or(
    minus(MB, M), Rmb, Wmb, Barrier, BeforeAtomic, AfterAtomic, AfterSpinlock, AfterUnlockLock, AfterSrcuReadUnlock,
  ),
  counted: or(SyncRcu, RcuLock, RcuUnlock),
}
