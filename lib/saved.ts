/** States of a graph that were saved, one for each level of a search: arrays that are made once and written again and again. */
import type {Graph} from './graph.ts'

export class SavedStates {
  readonly #graph: Graph
  readonly #levels: Int32Array[] = []

  constructor(graph: Graph) {
    this.#graph = graph
  }

  save(level: number): void {
    const levels = this.#levels
    if (level === levels.length) levels.push(new Int32Array(this.#graph.size))
    this.#graph.save(levels[level]!)
  }

  restore(level: number): void {
    this.#graph.restore(this.#levels[level]!)
  }
}
