/** Recursive relations of the checker: rounds of a group's operations until they add nothing. */
import {lowest} from './bits.ts'
import type {Code, Group} from './code.ts'
import type {Rows} from './rows.ts'

export class GroupRunner {
  readonly #rows: Rows
  readonly #group: Group
  readonly #run: (code: Code) => void
  /** What was new from outside, while it is hidden. */
  readonly #hidden: Int32Array
  /** All that the rounds so far found. */
  readonly #total: Int32Array
  readonly #totalDirty: Int32Array

  constructor(rows: Rows, group: Group, run: (code: Code) => void) {
    const {vertices, words} = rows.layout
    this.#rows = rows
    this.#group = group
    this.#run = run
    this.#hidden = new Int32Array(group.outside.length * words)
    this.#total = new Int32Array(vertices * words)
    this.#totalDirty = new Int32Array(words)
  }

  /** Rounds of the body until it adds nothing; from the second on only the relation itself is new. */
  run(): void {
    const {hot} = this.#rows
    const {self, body, code, made, outside} = this.#group
    let isNew = false
    for (let i = 0; i < outside.length; i++) if (hot[outside[i]!] !== 0) isNew = true
    if (!isNew) return
    for (let round = 0; ; round++) {
      this.#run(code)
      // the round's own delta of the relation is used up; what the body found is the next one
      this.#clear(self)
      this.#promote(body, self)
      for (let i = 0; i < made.length; i++) this.#clear(made[i]!)
      if (round === 0) this.#hide()
      if (hot[self] === 0) break
      this.#accumulate(self)
    }
    this.#unhide()
    this.#restoreTotal(self)
  }

  /** The body's new pairs become the relation's. */
  #promote(body: number, self: number): void {
    const {delta, dirty, hot, layout, state} = this.#rows
    const {relations, used, vertices, words} = layout
    if (hot[body] === 0) return
    for (let rowWord = 0; rowWord < words; rowWord++) {
      let rows = dirty[body * words + rowWord]!
      while (rows !== 0) {
        const from = (rowWord << 5) + lowest(rows)
        const bit = rows & -rows
        rows &= rows - 1
        for (let word = 0; word < words; word++) {
          const at = (self * vertices + from) * words + word
          const fresh = delta[(body * vertices + from) * words + word]! & ~state[relations + at]!
          if (fresh === 0) continue
          state[relations + at]! |= fresh
          delta[at]! |= fresh
          dirty[self * words + rowWord]! |= bit
          state[used + self * words + rowWord]! |= bit
          hot[self] = 1
        }
      }
    }
  }

  /** What comes from outside is new in the first round only. */
  #hide(): void {
    const {dirty, hot, layout: {words}} = this.#rows
    const {outside} = this.#group
    for (let i = 0; i < outside.length; i++) {
      const relation = outside[i]!
      for (let word = 0; word < words; word++) {
        this.#hidden[i * words + word] = dirty[relation * words + word]!
        dirty[relation * words + word] = 0
      }
      hot[relation] = 0
    }
  }

  #unhide(): void {
    const {dirty, hot, layout: {words}} = this.#rows
    const {outside} = this.#group
    for (let i = 0; i < outside.length; i++) {
      const relation = outside[i]!
      for (let word = 0; word < words; word++) {
        dirty[relation * words + word] = this.#hidden[i * words + word]!
        if (this.#hidden[i * words + word] !== 0) hot[relation] = 1
      }
    }
  }

  #accumulate(self: number): void {
    const {delta, dirty, layout: {vertices, words}} = this.#rows
    for (let rowWord = 0; rowWord < words; rowWord++) {
      let rows = dirty[self * words + rowWord]!
      this.#totalDirty[rowWord]! |= rows
      while (rows !== 0) {
        const from = (rowWord << 5) + lowest(rows)
        rows &= rows - 1
        for (let word = 0; word < words; word++) this.#total[from * words + word]! |= delta[(self * vertices + from) * words + word]!
      }
    }
  }

  /** All rounds' deltas together are the relation's delta for whoever reads it next. */
  #restoreTotal(self: number): void {
    const {delta, dirty, hot, layout: {vertices, words}} = this.#rows
    for (let rowWord = 0; rowWord < words; rowWord++) {
      let rows = this.#totalDirty[rowWord]!
      dirty[self * words + rowWord] = rows
      this.#totalDirty[rowWord] = 0
      if (rows !== 0) hot[self] = 1
      while (rows !== 0) {
        const from = (rowWord << 5) + lowest(rows)
        rows &= rows - 1
        for (let word = 0; word < words; word++) {
          delta[(self * vertices + from) * words + word] = this.#total[from * words + word]!
          this.#total[from * words + word] = 0
        }
      }
    }
  }

  #clear(relation: number): void {
    const {delta, dirty, hot, layout: {vertices, words}} = this.#rows
    if (hot[relation] === 0) return
    hot[relation] = 0
    for (let rowWord = 0; rowWord < words; rowWord++) {
      let rows = dirty[relation * words + rowWord]!
      dirty[relation * words + rowWord] = 0
      while (rows !== 0) {
        const start = (relation * vertices + (rowWord << 5) + lowest(rows)) * words
        rows &= rows - 1
        for (let word = 0; word < words; word++) delta[start + word] = 0
      }
    }
  }
}
