/** The memory models, by name. A new model is one file and one line here. */
import {cpp20} from './c++20.ts'
import {kernelRust} from './kernel-rust.ts'
import {lkmm} from './lkmm.ts'
import {lkmmKcsan} from './lkmm-kcsan.ts'
import {rc11} from './rc11.ts'
import {sc} from './sc.ts'
import {tso} from './tso.ts'
import type {Model} from '../model.ts'

export {cpp20, kernelRust, lkmm, lkmmKcsan, rc11, sc, tso}

/** The models that everything is judged by unless others are asked for, the strongest first. */
export const models: readonly Model[] = [sc, tso, rc11, cpp20, lkmm]

/**
 * Those, `lkmm-kcsan`, which takes plain accesses for what KCSAN does, and `kernel-rust`, which differs from lkmm only for
 * code that says what of it is in C (`inC`).
 */
export const namedModels: readonly Model[] = [...models, lkmmKcsan, kernelRust]
