/** States of a graph that were saved, one for each level of a search, one after the other. */
import type {Graph} from './graph.ts'

export class SavedStates {
  readonly #graph: Graph
  #words: Int32Array

  constructor(graph: Graph) {
    this.#graph = graph
    this.#words = new Int32Array(graph.size * 4)
  }

  save(level: number): void {
    const at = level * this.#graph.size
    if (at === this.#words.length) this.#grow()
    this.#graph.save(this.#words, at)
  }

  restore(level: number): void {
    this.#graph.restore(this.#words, level * this.#graph.size)
  }

  #grow(): void {
    const larger = new Int32Array(this.#words.length * 2)
    larger.set(this.#words)
    this.#words = larger
  }
}
