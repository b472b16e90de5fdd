/** The catalogue of wrappers. A new one is a file, and a line here. */
import type {Wrapper} from '../wrapper/wrapper.ts'
import {missingBounds} from './bounds.ts'
import {rcus} from './rcu.ts'
import {refcounts} from './refcount.ts'
import {seqlocks} from './seqlock.ts'

export const catalogue: readonly Wrapper[] = [
  ...seqlocks,
  ...rcus,
  ...refcounts,
  ...missingBounds,
]
