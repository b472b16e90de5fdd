/** The generator behind every random choice: one seed, one stream, the same on every machine. */
import {createRequire} from 'node:module'
import type seedrandom from 'seedrandom'

/** From seedrandom, without its door: that loads node:crypto, from which no choice here may come. */
export const alea = createRequire(import.meta.url)('seedrandom/lib/alea') as typeof seedrandom.alea
