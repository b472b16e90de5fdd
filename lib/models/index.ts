/** The memory models, by name. A new model is one file and one line here. */
import {cpp20} from './c++20.ts'
import {lkmm} from './lkmm.ts'
import {rc11} from './rc11.ts'
import {sc} from './sc.ts'
import {tso} from './tso.ts'
import type {Model} from '../model.ts'

export {cpp20, lkmm, rc11, sc, tso}

/** All models, the strongest first. */
export const models: readonly Model[] = [sc, tso, rc11, cpp20, lkmm]
