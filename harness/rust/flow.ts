/**
 * The control flow of one client as the borrow checker sees it: points, what each does to variables, and which lifetimes must
 * outlast which. typing.ts makes it, borrow.ts judges it.
 */
import type {Region, Type} from './syntax.ts'
import type {Variable} from './client.ts'

/** How a point touches a variable, or what it points to. */
export interface Access {
  readonly variable: Variable
  /** What is behind the reference in the variable, not the variable itself. */
  readonly behind: boolean
  /** `dead`: the variable's storage goes, which does not touch what is behind it. */
  readonly kind: 'read' | 'write' | 'dead'
  /** What a person did there: 'moved', 'dropped', 'borrowed' … */
  readonly what: string
}

export interface Loan {
  readonly region: Region
  readonly variable: Variable
  readonly behind: boolean
  readonly mutable: boolean
}

/** One point. What it does happens when it is reached, before its successors. */
export interface Point {
  /** The variables whose lifetimes must last until here, because their values are used. */
  readonly uses: readonly Variable[]
  /** The variable that is dropped here: only what its destructor may look at must last. */
  readonly drops: Variable | null
  /** The variables that begin here, at once behind the point: between a use and what is made from it nothing may end. */
  readonly defines: readonly Variable[]
  /** The variables that are moved out of here. */
  readonly moves: readonly Variable[]
  readonly accesses: readonly Access[]
  readonly loan: Loan | null
  readonly successors: readonly number[]
  /** At the end of the main thread's block, or of a thread's: what is wrong here may be mended by more statements before it. */
  readonly end: 'main' | 'thread' | null
  /** Whose doing it is, for messages: a statement as text. */
  readonly label: string
}

/** A closure's parameters have lifetimes of which nothing is known but that they outlast the closure's body. */
export interface Unknown {
  readonly region: Region
  readonly from: number
  readonly to: number
}

export interface Flow {
  readonly points: readonly Point[]
  /** The types of all variables, temporaries included, each lifetime a name of this flow's own. */
  readonly types: ReadonlyMap<Variable, Type>
  /** What the destructor of a variable's type may look at. */
  readonly dropped: ReadonlyMap<Variable, readonly Region[]>
  /** `[longer, shorter]` */
  readonly outlives: readonly (readonly [Region, Region])[]
  readonly unknown: readonly Unknown[]
}
