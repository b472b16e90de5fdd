/**
 * The references to values of T that one thread has made, and which of them may not be used any more: of a `&mut` and another
 * reference to the same words, the one that was made first, if neither was made from the other.
 *
 * Source: the Rust Reference, "Behavior considered undefined": breaking the pointer aliasing rules; Jung et al., "Stacked Borrows"
 * (POPL 2020), where making a reference ends those above the one that it was made from. What a reference was lent for, and what
 * was written through it, is not told apart from what others did: such a reference is looked at no more.
 */
import {Value} from '../../lib/index.ts'
import type {RustValue} from './value.ts'

type Borrow = RustValue & {readonly kind: 'borrow'}

interface Known {
  readonly borrow: Borrow
  /** Those made later that may be to the same words, and may not be beside it. */
  readonly rivals: readonly Borrow[]
  /** Something was made from it, or written through it. */
  readonly isSpent: boolean
}

export class Borrows {
  /** By what tells references apart. */
  readonly #known: Map<object, Known>

  /** @param outer those of a thread that has handed on what it has. */
  constructor(outer?: Borrows) {
    this.#known = new Map(outer === undefined ? [] : outer.#known)
  }

  /** The reference as one that nobody has had before. */
  made(borrow: Borrow): Borrow {
    const own = {...borrow, id: {}}
    for (const [id, known] of this.#known) {
      if (!known.isSpent && (known.borrow.mutable || borrow.mutable)) this.#known.set(id, {...known, rivals: [...known.rivals, own]})
    }
    this.#known.set(own.id, {borrow: own, rivals: [], isSpent: false})
    return own
  }

  /** Something is made from it, or written through it. */
  spend({id}: Borrow): void {
    const known = id === null ? undefined : this.#known.get(id)
    if (known !== undefined) this.#known.set(id!, {...known, rivals: [], isSpent: true})
  }

  /** Was nothing made from it, and nothing written through it? */
  isUntouched({id}: Borrow): boolean {
    return id !== null && this.#known.get(id)?.isSpent === false
  }

  /** What must hold for it to be used: that those made since then are to other words. */
  isAlone({id, words: [first]}: Borrow): Value | null {
    const rivals = (id === null ? undefined : this.#known.get(id))?.rivals ?? []
    if (first === undefined || rivals.length === 0) return null
    return rivals.map(({words: [other]}) => Value.apply('!=', first, other!)).reduce((all, one) => all.and(one))
  }
}
