/**
 * The operations of a plan under construction: each is made only once for the same arguments, and none
 * that would add nothing. A relation is handed around without its identity pairs where it has all of them
 * (`r?`), so that no matrix has to hold these.
 */
import type {Mask, PlanOp} from './code.ts'

/** Relation 3, or with `reflexive` relation 3 and the identity; relation `none` is empty. */
export interface Ref {
  readonly pairs: number
  readonly reflexive: boolean
}

export const none = -1
export const empty: Ref = {pairs: none, reflexive: false}
export const identity: Ref = {pairs: none, reflexive: true}

export const plain = (pairs: number): Ref => ({pairs, reflexive: false})

export class Emitter {
  ops: PlanOp[] = []
  relations = 0
  readonly #byKey = new Map<string, number>()
  /** Relations known to relate only events of one thread, or only events of different threads. */
  readonly #side = new Map<number, 'int' | 'ext'>()

  fresh(): number {
    return this.relations++
  }

  /** An input, made only once for the same key. */
  input(key: string, side: 'int' | 'ext' | null, onNew: (relation: number) => void = () => undefined): Ref {
    return plain(this.#shared(key, out => {
      if (side !== null) this.#side.set(out, side)
      onNew(out)
      return null
    }))
  }

  #shared(key: string, make: (out: number) => PlanOp | null): number {
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const out = this.fresh()
    this.#byKey.set(key, out)
    const op = make(out)
    if (op !== null) this.ops.push(op)
    return out
  }

  /** The one relation is part of the other. */
  #inherit(made: number, from: number): number {
    const side = this.#side.get(from)
    if (side !== undefined) this.#side.set(made, side)
    return made
  }

  union(refs: readonly Ref[]): Ref {
    return {pairs: this.#union(refs.map(ref => ref.pairs)), reflexive: refs.some(ref => ref.reflexive)}
  }

  #union(parts: readonly number[]): number {
    const args = [...new Set(parts.filter(part => part !== none))].sort((a, b) => a - b)
    if (args.length <= 1) return args[0] ?? none
    const made = this.#shared(`or ${args.join(' ')}`, out => ({kind: 'or', out, args}))
    return new Set(args.map(arg => this.#side.get(arg))).size === 1 ? this.#inherit(made, args[0]!) : made
  }

  inverse({pairs, reflexive}: Ref): Ref {
    if (pairs === none) return {pairs, reflexive}
    return {pairs: this.#inherit(this.#shared(`inv ${pairs}`, out => ({kind: 'inv', out, arg: pairs})), pairs), reflexive}
  }

  closure({pairs, reflexive}: Ref): Ref {
    if (pairs === none) return {pairs, reflexive}
    const made = this.#shared(`plus ${pairs}`, out => ({kind: 'plus', out, arg: pairs}))
    return {pairs: this.#side.get(pairs) === 'int' ? this.#inherit(made, pairs) : made, reflexive}
  }

  /** `a? ; b?` is `(a | b | a;b)?`. */
  sequence(left: Ref, right: Ref): Ref {
    const composed = left.pairs === none || right.pairs === none ? none : this.#composed(left.pairs, right.pairs)
    const parts = [composed, ...right.reflexive ? [left.pairs] : [], ...left.reflexive ? [right.pairs] : []]
    return {pairs: this.#union(parts), reflexive: left.reflexive && right.reflexive}
  }

  #composed(left: number, right: number): number {
    const made = this.#shared(`seq ${left} ${right}`, out => ({kind: 'seq', out, left, right}))
    const [a, b] = [this.#side.get(left), this.#side.get(right)]
    if (a === 'int' && b !== undefined) this.#side.set(made, b)
    else if (b === 'int' && a !== undefined) this.#side.set(made, a)
    return made
  }

  /** The pairs that begin (`from`) or end (`to`) in a set; identity pairs are the caller's business. */
  restricted(kind: 'from' | 'to', arg: number, set: number): Ref {
    if (arg === none) return empty
    return plain(this.#inherit(this.#shared(`${kind} ${arg} ${set}`, out => ({kind, out, arg, set})), arg))
  }

  both(left: number, right: number): number {
    if (left === none || right === none) return none
    if (left === right) return left
    const made = this.#shared(`and ${left} ${right}`, out => ({kind: 'and', out, left, right}))
    return this.#inherit(this.#inherit(made, left), right)
  }

  difference(left: number, right: number): number {
    if (left === none || right === none) return left
    return this.#inherit(this.#shared(`minus ${left} ${right}`, out => ({kind: 'minus', out, left, right})), left)
  }

  /** Keeps or drops the pairs of a mask. */
  masked(kind: 'keep' | 'drop', arg: number, key: string, mask: Mask): number {
    if (arg === none) return none
    const side = this.#side.get(arg)
    if (side !== undefined && (mask.kind === 'int' || mask.kind === 'ext')) return (mask.kind === side) === (kind === 'keep') ? arg : none
    if (side === 'ext' && mask.kind === 'id') return kind === 'keep' ? none : arg
    const made = this.#inherit(this.#shared(`${kind} ${arg} ${key}`, out => ({kind, out, arg, mask})), arg)
    if (kind === 'keep' && (mask.kind === 'int' || mask.kind === 'ext')) this.#side.set(made, mask.kind)
    return made
  }

  everyPairOf(key: string, mask: Mask): Ref {
    return plain(this.#shared(`mask ${key}`, out => ({kind: 'mask', out, mask})))
  }
}
