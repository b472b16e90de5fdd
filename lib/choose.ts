/**
 * Choosers: everything that is not determined asks one of these. A strategy is a chooser around a
 * chooser; exploration is the one exception, since it takes every choice by restoring the machine's
 * state (explore.ts).
 */
import {alea} from './alea.ts'
import type {Path} from './result.ts'
import {WrongInput} from './wrong-input.ts'

export interface Chooser {
  /** An index below `among`; 0 is the dull choice. `kind` and `what` name the decision. */
  choose(kind: string, among: number, what: string): number
}

/**
 * Random choices from a seed. One seed is one stream, the same on every machine (Alea, from seedrandom).
 * Which read resolves next is mostly left to the machine, which takes forced reads and locks first: a
 * free order of those ends in executions that cannot be completed far more often than not.
 */
export function random(seed: string): Chooser {
  const next = alea(seed)
  return {
    choose: (kind, among) => kind === 'which' && next() < 0.75 ? 0 : Math.floor(next() * among),
  }
}

/**
 * Prefers older writes: at a read, half of the time the last of the candidates that come after the dull one.
 * Stale reads are what weak memory adds, so this finds missing fences sooner.
 */
export function stale(seed: string): Chooser {
  const next = alea(`${seed}/stale`)
  const uniform = random(seed)
  return {
    choose: (kind, among, what) => kind === 'from' && next() < 0.5 ? among - 1 : uniform.choose(kind, among, what),
  }
}

/**
 * Priorities after Burckhardt et al., "A randomized scheduler with probabilistic guarantees of finding
 * bugs" (ASPLOS 2010): the dull choice everywhere but at `depth` decisions, drawn in advance among the
 * first `length`.
 */
export function pct(seed: string, depth: number, length: number): Chooser {
  const next = alea(`${seed}/pct`)
  const changes = new Set(Array.from({length: depth}, () => Math.floor(next() * length)))
  let decision = -1
  return {
    choose: (_, among) => {
      decision++
      return changes.has(decision) ? Math.floor(next() * among) : 0
    },
  }
}

/** The program or the engine no longer fits a recorded path. */
export class Misfit extends WrongInput {
  override readonly name = 'Misfit'
}

/** Follows a recorded path: the recorded choice where there is one, the dull one elsewhere. */
export function follow(path: Path): Chooser {
  const choices = new Map(path)
  let decision = -1
  return {
    choose: (_, among, what) => {
      decision++
      const choice = choices.get(decision) ?? 0
      if (choice < among) return choice
      throw new Misfit(`path step ${decision} takes choice ${choice} of ${among} for "${what}": the program or the engine changed since this path was recorded`)
    },
  }
}

/** Asks a person, or anything else that can answer with an index below `among`. */
export function byHand(ask: (what: string, among: number) => number): Chooser {
  return {choose: (_, among, what) => ask(what, among)}
}
