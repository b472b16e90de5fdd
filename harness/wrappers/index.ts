/** The catalogue of wrappers. A new one is a file, and a line here. */
import type {Wrapper} from '../wrapper/wrapper.ts'
import {aliasings} from './aliasing.ts'
import {debts} from './arc-swap.ts'
import {asterinas} from './asterinas.ts'
import {atomicCells} from './atomic-cell.ts'
import {missingBounds} from './bounds.ts'
import {exchanges} from './compare-exchange.ts'
import {epochs} from './crossbeam-epoch.ts'
import {handles} from './crossbeam-handle.ts'
import {devreses} from './devres.ts'
import {guards} from './guards.ts'
import {handoffs} from './handoff.ts'
import {hazards} from './hazard.ts'
import {indexStacks} from './index-stack.ts'
import {leftRights} from './left-right.ts'
import {lifetimes} from './lifetimes.ts'
import {onces} from './once.ts'
import {oneshots} from './oneshot.ts'
import {rcuCells} from './rcu-cell.ts'
import {rcuCleans} from './rcu-clean.ts'
import {rcus} from './rcu.ts'
import {refcounts} from './refcount.ts'
import {revocables} from './revocable.ts'
import {rflSeqlocks} from './rfl-seqlock.ts'
import {binders} from './rust-binder.ts'
import {seqlocks} from './seqlock.ts'
import {seqrefs} from './seqref.ts'
import {typeSafes} from './seq-typesafe.ts'
import {srcus} from './srcu.ts'
import {stacks} from './stack.ts'

export const catalogue: readonly Wrapper[] = [
  ...seqlocks,
  ...atomicCells,
  ...seqrefs,
  ...rflSeqlocks,
  ...typeSafes,
  ...rcus,
  ...handoffs,
  ...srcus,
  ...revocables,
  ...devreses,
  ...guards,
  ...asterinas,
  ...leftRights,
  ...refcounts,
  ...hazards,
  ...stacks,
  ...indexStacks,
  ...onces,
  ...oneshots,
  ...debts,
  ...exchanges,
  ...rcuCells,
  ...rcuCleans,
  ...epochs,
  ...handles,
  ...binders,
  ...aliasings,
  ...lifetimes,
  ...missingBounds,
]
