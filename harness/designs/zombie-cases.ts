/** Where algorithms with zombie pointers break: the tables that several of them share. */
import {everywhere, noMapping, nowhere, type Expectation, type Expected, type HeapCase} from '../design.ts'

export const n2369 = 'N2369, N2443 (WG14); P1726, P2414 (WG21)'
export const zombie = nowhere('zombie')
export const dead = nowhere('use-after-free')

/** One that nothing but the lifetime-end pointer zap breaks: pointers to the dead are copied and compared, not followed. */
export const onlyZapped: readonly HeapCase[] = [
  {regimes: ['iso'], expected: zombie},
  {regimes: ['strict', 'angelic', 'bits'], expected: everywhere},
  {regimes: ['iso'], reuse: false, expected: zombie},
  {regimes: ['strict', 'angelic', 'bits'], reuse: false, expected: everywhere},
]

/** One that follows a pointer whose object died, for another one at its address. */
export const followsZombies: readonly HeapCase[] = [
  {regimes: ['iso', 'strict'], expected: zombie},
  {regimes: ['angelic', 'bits'], expected: everywhere},
  {regimes: ['iso'], reuse: false, expected: zombie},
  {regimes: ['strict', 'angelic', 'bits'], reuse: false, expected: everywhere},
]

/** Of a mutant whose original holds where an address is an address. */
export function inBits(expected: Expected): readonly HeapCase[] {
  return [{regimes: ['bits'], expected}]
}

/** One that is right whatever pointers may be used for. */
export const anywhere: readonly HeapCase[] = [
  {regimes: ['iso', 'strict', 'angelic', 'bits'], expected: everywhere},
  {regimes: ['iso', 'strict', 'angelic', 'bits'], reuse: false, expected: everywhere},
]

/** Of SRCU, which the kernel's models alone know: of the others, the operation of it that some thread comes to first. */
export function ofSrcu(expected: Expectation, first = 'srcu_read_lock'): Expected {
  const unknown = noMapping(first)
  return {sc: unknown, tso: unknown, rc11: unknown, 'c++20': unknown, lkmm: expected}
}

/** In the strictest regime: what is wrong in another one is wrong in this (test/heap-programs.ts). */
export function inIso(expected: Expected): readonly HeapCase[] {
  return [{regimes: ['iso'], expected}]
}
