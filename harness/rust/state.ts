/** What a client that is being made has so far: the variables that its next statement can name. */
import type {Capture, Statement, Variable} from './client.ts'
import {mentioned} from './rename.ts'
import type {Type} from './syntax.ts'

/** A variable that can be named here. */
export interface Slot {
  readonly variable: Variable
  readonly type: Type
  readonly moved: boolean
  /** It has been used by a statement of its own. Once is enough: what a second time shows, a later first shows. */
  readonly used: boolean
  /** The same for writing through it. */
  readonly written: boolean
  /** Not captured yet, or captured: by which variable outside, and how. */
  readonly capture: Capture | null
}

export interface State {
  readonly slots: readonly Slot[]
  readonly next: Variable
  /** How many fresh values there are so far. */
  readonly values: number
  /** How often each struct has been constructed. */
  readonly instances: ReadonlyMap<string, number>
  readonly place: 'main' | 'thread' | 'closure'
  /** How many closures we are in. */
  readonly depth: number
}

export const start: State = {slots: [], next: 0, values: 0, instances: new Map(), place: 'main', depth: 0}

/** Binds new variables, numbered from the next one on. */
export function bind(state: State, types: readonly Type[]): State {
  const slots = types.map((type, i): Slot => ({variable: state.next + i, type, moved: false, used: false, written: false, capture: null}))
  return {...state, slots: [...state.slots, ...slots], next: state.next + types.length}
}

export function update(state: State, variable: Variable, change: Partial<Slot>): State {
  return {...state, slots: state.slots.map(slot => slot.variable === variable ? {...slot, ...change} : slot)}
}

/** The variables of a block as something inside of it sees them: each can be captured, in each mode that its type has. */
export function capturing(state: State, modes: (type: Type) => readonly Capture['mode'][]): State {
  let {next} = state
  const slots = state.slots.filter(({moved}) => !moved).flatMap(({variable: outer, type, used, written}): Slot[] => {
    return modes(type).map(mode => {
      const inner = next++
      const own: Type = mode === 'move' ? type : {kind: 'reference', mutable: mode === 'lend', region: "'_", to: type}
      return {variable: inner, type: own, moved: false, used, written, capture: {outer, mode, inner}}
    })
  })
  return {...state, slots, next}
}

/** The captures among the slots that are named, in the order of naming. */
export function capturesOf(slots: readonly Slot[], variables: readonly Variable[]): readonly Capture[] {
  return variables.flatMap(variable => slots.find(slot => slot.variable === variable)?.capture ?? [])
}

/** After a statement: what it captured in one mode cannot be captured in another. */
export function settle(state: State, statement: Statement): State | null {
  const taken = capturesOf(state.slots, mentioned([statement]))
  if (new Set(taken.map(({outer}) => outer)).size < taken.length) return null
  return {...state, slots: state.slots.filter(({capture}) => capture === null || taken.every(({outer, inner}) => outer !== capture.outer || inner === capture.inner))}
}
