/**
 * What goes wrong with objects that die, in one execution: uses after free, double frees, uses of zombie
 * pointers, reads of what was never written, leaks.
 *
 * A place on a heap holds one object after another. Which object a word belongs to at some access is read
 * off coherence: from the last store before it that began an object there, or ended one. Whether a pointer
 * to a dead object may still be used is the regime's question (C11 6.2.4, P1726, P2188; Rust's pointer
 * documentation; P2434 and P2414; the kernel's own practice).
 */
import {lastValue, picked} from './finished.ts'
import {initial, unresolved, type Graph} from './graph.ts'
import {uninitialised, type Location, type MemoryObject, type Scalar} from './value.ts'

/**
 * What may be done with a pointer to an object that died:
 * - `iso`: nothing, not even copy it (lifetime-end pointer zap); also not while it may be dying. Seen are loads, stores and
 *   compare-exchanges; a comparison of registers alone is no event and has no place in an execution, so it is not.
 * - `strict`: copy and compare, but dereference only for the object that it was made for (Rust).
 * - `angelic`: a pointer read from memory is for whichever object makes the program defined (P2434), but for one.
 * - `bits`: dereference whenever the address is in use (kernel practice).
 */
export type Regime = 'iso' | 'strict' | 'angelic' | 'bits'

export const regimes: readonly Regime[] = ['iso', 'strict', 'angelic', 'bits']

export type FaultKind = 'use-after-free' | 'double-free' | 'zombie' | 'uninitialised' | 'leak'

/** One thing that went wrong. Vertices are the graph's, -1 for none. */
export interface Fault {
  readonly fault: FaultKind
  /** The access; -1 for a leak. */
  readonly at: number
  /** Is it the pointer that is used, rather than what it points to? */
  readonly ofPointer: boolean
  /** The object that the pointer was made for, or that leaked. */
  readonly object: string
  /** The store that ended it. */
  readonly death: number
  /** The store that began the object that now has its address, and that object; of what was seen before it was written, the store that should have been seen. */
  readonly rebirth: number
  readonly now: string | null
  /** The read that had the pointer; -1 if there was none. */
  readonly kept: number
  /** Did the thread allocate the object itself? */
  readonly isOwn: boolean
}

/**
 * Everything that goes wrong, in the order of the vertices.
 * @param isBefore does the model order the one event before the other for certain? Asked under `iso` only.
 */
export function faults(graph: Graph, regime: Regime, isBefore: (a: number, b: number) => boolean): Fault[] {
  const found: Fault[] = []
  const angelic = regime === 'angelic' ? ownUses(graph) : new Map<number, MemoryObject>()
  for (let vertex = 0; vertex < graph.vertices; vertex++) {
    const location = locationAt(graph, vertex)
    if (location === null) continue
    const fault = location.object.heap === null ? unwritten(graph, vertex, location) : accessFault(graph, regime, vertex, location, angelic)
    if (fault !== null) found.push(fault)
    else if (regime === 'iso') {
      const used = pointerUse(graph, vertex, isBefore)
      if (used !== null) found.push(used)
    }
  }
  return found
}

/** The word that the event at this vertex accesses; null for fences, unresolved reads, and vertices that no thread has come to. */
function locationAt(graph: Graph, vertex: number): Location | null {
  if (graph.locationOf(vertex) < 0) return null
  const {label, location} = graph.eventAt(vertex)
  return label.kind === 'F' || (label.kind === 'R' && graph.sourceOf(vertex) === unresolved) ? null : location
}

function accessFault(graph: Graph, regime: Regime, vertex: number, {object, index}: Location, angelic: Map<number, MemoryObject>): Fault | null {
  const event = graph.eventAt(vertex)
  if (event.mark === 'birth' || (event.mark === 'death' && index !== object.first)) return null
  const last = markSeenBy(graph, vertex, index)
  const isDead = last >= 0 && graph.eventAt(last).mark === 'death'
  const owner = ownerAfter(graph, index, last)
  if (!isDead && isAllowed(regime, object, owner, addressFrom(graph, vertex), angelic)) return unwritten(graph, vertex, event.location!)
  const about = accessTo(graph, vertex, object)
  const missed = event.label.kind === 'R' ? birthAfter(graph, object, index, graph.sourceOf(vertex)) : -1
  if (missed >= 0) return {...about, fault: 'uninitialised', death: -1, rebirth: missed}
  if (isDead) return {...about, fault: event.mark === 'death' ? 'double-free' : 'use-after-free', death: last}
  return {...about, fault: 'zombie', death: deathOf(graph, object), rebirth: last, now: owner.name}
}

/** A read of what an object on a heap, or a word that is declared so, holds before anybody has written there. */
function unwritten(graph: Graph, vertex: number, {object}: Location): Fault | null {
  if (graph.eventAt(vertex).label.kind !== 'R' || graph.scalarOf(vertex) !== uninitialised) return null
  return {...accessTo(graph, vertex, object), fault: 'uninitialised', death: -1}
}

/** Which access it is, and who had the pointer from where. */
function accessTo(graph: Graph, vertex: number, object: MemoryObject): Omit<Fault, 'fault' | 'death'> {
  const pointer = addressFrom(graph, vertex)
  const isOwn = isMadeBy(graph, graph.threadOf[vertex]!, object)
  return {at: vertex, ofPointer: false, object: object.name, kept: pointer < 0 && !isOwn ? rawFrom(graph, vertex, object) : pointer, isOwn, rebirth: -1, now: null}
}

/** The store that began or ended the object which an access to this word finds; -1 if it is there from the start. */
function markSeenBy(graph: Graph, vertex: number, word: number): number {
  const isRead = graph.eventAt(vertex).label.kind === 'R'
  return lastMark(graph, word, isRead ? graph.sourceOf(vertex) : vertex, isRead)
}

/** For each read that had a pointer which some access finds the pointer's own object by, that object: it is for no other. */
function ownUses(graph: Graph): Map<number, MemoryObject> {
  const found = new Map<number, MemoryObject>()
  for (let vertex = 0; vertex < graph.vertices; vertex++) {
    const location = locationAt(graph, vertex)
    const pointer = location === null || location.object.heap === null ? -1 : addressFrom(graph, vertex)
    if (pointer < 0) continue
    const {object, index} = location!
    if (ownerAfter(graph, index, markSeenBy(graph, vertex, index)) === object) found.set(pointer, object)
  }
  return found
}

/** May a pointer that was made for `object` be dereferenced for the one that is there, its `owner`? `angelic` holds what each read that had a pointer took it for. */
function isAllowed(regime: Regime, object: MemoryObject, owner: MemoryObject, kept: number, angelic: Map<number, MemoryObject>): boolean {
  if (regime === 'bits') return true
  if (regime !== 'angelic' || kept < 0) return owner === object
  const chosen = angelic.get(kept) ?? owner
  angelic.set(kept, chosen)
  return chosen === owner
}

/** The co-latest store up to `upTo` that began or ended an object at this word; -1 if there is none. */
function lastMark(graph: Graph, word: number, upTo: number, inclusive: boolean): number {
  let last = -1
  if (upTo === initial) return last
  for (let write = graph.nextWrite(word, -1); write >= 0; write = graph.nextWrite(word, write)) {
    if (graph.eventAt(write).mark === null) continue
    if (write === upTo ? !inclusive : !graph.inCo(write, upTo)) continue
    if (last < 0 || graph.inCo(last, write)) last = write
  }
  return last
}

/** The object that a word belongs to after the store that began it (-1: from the start). */
function ownerAfter(graph: Graph, word: number, birth: number): MemoryObject {
  return birth < 0 ? graph.memory[word]!.object : graph.eventAt(birth).location!.object
}

/** The store that ended an object, at its first word; -1 if it lives. */
function deathOf(graph: Graph, object: MemoryObject): number {
  const word = object.first
  for (let write = graph.nextWrite(word, -1); write >= 0; write = graph.nextWrite(word, write)) {
    if (graph.eventAt(write).mark !== 'death') continue
    const birth = lastMark(graph, word, write, false)
    const isLiving = birth < 0 || graph.eventAt(birth).mark === 'birth'
    if (isLiving && ownerAfter(graph, word, birth) === object) return write
  }
  return -1
}

/** The store that began the object at this word, if a read that takes its value from `source` sees what was there before; -1 if not. */
function birthAfter(graph: Graph, object: MemoryObject, word: number, source: number): number {
  for (let write = graph.nextWrite(word, -1); write >= 0; write = graph.nextWrite(word, write)) {
    const {mark, location} = graph.eventAt(write)
    if (mark === 'birth' && location!.object === object && (source === initial || graph.inCo(source, write))) return write
  }
  return -1
}

/** The thread's last read on which the address depends; -1 if there is none. */
function addressFrom(graph: Graph, vertex: number): number {
  const read = graph.eventAt(vertex).via.at(-1)
  return read === undefined ? -1 : graph.vertexOf(graph.threadOf[vertex]!, read)
}

function isMadeBy(graph: Graph, thread: number, object: MemoryObject): boolean {
  return picked(graph, thread).some(scalar => typeof scalar !== 'number' && scalar.object === object)
}

/** The thread's last read before the access that had a pointer to the object, whose raw value may be the address; -1 if there is none. */
function rawFrom(graph: Graph, vertex: number, object: MemoryObject): number {
  const thread = graph.threadOf[vertex]!
  return graph.eventAt(vertex).ctrl.map(read => graph.vertexOf(thread, read)).findLast(read => {
    const scalar = graph.scalarOf(read)
    return scalar !== undefined && typeof scalar !== 'number' && scalar.object === object
  }) ?? -1
}

/** Loading, storing, exchanging or expecting a pointer to an object that is not certain to die later. */
function pointerUse(graph: Graph, vertex: number, isBefore: (a: number, b: number) => boolean): Fault | null {
  const {expected} = graph.eventAt(vertex)
  const compared = expected === null ? undefined : graph.evaluate(graph.threadOf[vertex]!, expected)
  return zombieUse(graph, vertex, graph.scalarOf(vertex), isBefore) ?? zombieUse(graph, vertex, compared, isBefore)
}

function zombieUse(graph: Graph, vertex: number, scalar: Scalar | undefined, isBefore: (a: number, b: number) => boolean): Fault | null {
  if (scalar === undefined || typeof scalar === 'number' || scalar.index < 0 || scalar.object.heap === null) return null
  const death = deathOf(graph, scalar.object)
  if (death < 0 || isBefore(vertex, death)) return null
  const isOwn = isMadeBy(graph, graph.threadOf[vertex]!, scalar.object)
  return {fault: 'zombie', at: vertex, ofPointer: true, object: scalar.object.name, death, rebirth: -1, now: null, kept: vertex, isOwn}
}

/** Objects that live at the end and that no pointer in lasting memory or in what threads returned leads to. */
export function leaks(graph: Graph, returned: readonly Scalar[]): Fault[] {
  const reached = new Set<number>()
  const pending: Scalar[] = [...returned]
  for (const [word, {object}] of graph.memory.entries()) if (object.heap === null) pending.push(lastValue(graph, word) ?? 0)
  for (let scalar = pending.pop(); scalar !== undefined; scalar = pending.pop()) {
    if (typeof scalar === 'number' || scalar.index < 0 || scalar.object.heap === null || reached.has(scalar.object.first)) continue
    reached.add(scalar.object.first)
    for (let i = 0; i < scalar.object.size; i++) pending.push(lastValue(graph, scalar.object.first + i) ?? 0)
  }
  return livingObjects(graph).filter(({first}) => !reached.has(first))
    .map(({name}) => ({fault: 'leak', at: -1, ofPointer: false, object: name, death: -1, rebirth: -1, now: null, kept: -1, isOwn: false}))
}

/** Objects that were there from the start or that somebody made, and nobody freed. */
function livingObjects(graph: Graph): MemoryObject[] {
  const given = graph.behaviours.flatMap((_, thread) => picked(graph, thread))
  const objects = new Set(given.flatMap(scalar => typeof scalar === 'number' || scalar.object.heap === null ? [] : [scalar.object]))
  for (const {object} of graph.memory) if (object.heap?.origin === 'start') objects.add(object)
  return [...objects].filter(object => deathOf(graph, object) < 0)
}
