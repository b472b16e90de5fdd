/**
 * LKMM for code in Rust: a Rust compiler keeps no dependency, so dependencies order nothing unless they begin and end
 * in one call of a C function (`inC`). Races are LKMM's; on the Rust side they are undefined behaviour.
 *
 * Sources: McKenney, "So You Want to Rust the Linux Kernel?" (2021), options 1 to 3: "a Rust compiler adhering to the C/C++
 * memory model"; rust-lang/unsafe-code-guidelines#348 (address dependencies cannot be promised by rustc); LKMM's own sources.
 */
import type {Model} from '../model.ts'
import {lkmm} from './lkmm.ts'

export const kernelRust: Model = {
  ...lkmm,
  name: 'kernel-rust',
  title: 'the Linux-kernel memory model, in which dependencies through Rust code order nothing',
  sources: ['McKenney 2021, options 1 to 3', 'rust-lang/unsafe-code-guidelines#348', ...lkmm.sources],
  dependencies: 'within C',
}
