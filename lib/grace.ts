/** Grace periods and read-side critical sections of a graph: which there are, for models without an axiom for RCU; which never end, for all. */
import type {Graph} from './graph.ts'
import {openedFor, type Period} from './sections.ts'

/** Vertices of outermost sections (unlock -1: not closed) and of grace periods. */
export interface Grace {
  readonly sections: readonly {readonly thread: number; readonly lock: number; readonly unlock: number}[]
  readonly periods: readonly {readonly thread: number; readonly begin: number; readonly end: number}[]
}

/** What the threads have so far. Sections within sections add nothing to the outermost ones. */
export function graceOf(graph: Graph): Grace {
  const sections: {thread: number; lock: number; unlock: number}[] = []
  const periods: {thread: number; begin: number; end: number}[] = []
  for (let thread = 0; thread < graph.threads; thread++) {
    let depth = 0
    for (const [position, {label: {tags}}] of graph.nodeOf(thread).events.entries()) {
      const vertex = graph.vertexOf(thread, position)
      if (tags.includes('Rcu-lock') && depth++ === 0) sections.push({thread, lock: vertex, unlock: -1})
      else if (tags.includes('Rcu-unlock') && --depth === 0) sections.at(-1)!.unlock = vertex
      else if (tags.includes('Sync-rcu-begin')) periods.push({thread, begin: vertex, end: graph.vertexOf(thread, position + 1)})
    }
  }
  return {sections, periods}
}

/** Threads that wait for a grace period for ever, and for whose critical sections; none, if there is no reason for that. */
export function endlessPeriods(graph: Graph): readonly {readonly thread: number; readonly period: Period; readonly readers: readonly number[]}[] {
  let isAny = false
  for (let thread = 0; thread < graph.threads && !isAny; thread++) isAny = graph.nodeOf(thread).demand.kind === 'endless'
  return isAny ? endlessOnes(graph) : []
}

function endlessOnes(graph: Graph): ReturnType<typeof endlessPeriods> {
  const threads = Array.from({length: graph.threads}, (_, thread) => thread)
  return threads.flatMap(thread => {
    const {demand} = graph.nodeOf(thread)
    if (demand.kind !== 'endless') return []
    const opened = threads.map(other => openedFor(demand.period, graph.nodeOf(other).events))
    const isOpen = demand.period.domain === null ? opened.some(count => count > 0) : opened.reduce((sum, count) => sum + count) > 0
    return [{thread, period: demand.period, readers: isOpen ? threads.filter(other => opened[other]! > 0) : []}]
  })
}
