/** The syntax tree that @lezer/rust makes of the text, with the small questions that reading it asks. */
import type {SyntaxNode} from '@lezer/common'
import {parser} from '@lezer/rust'
import {RustError, type RustSource} from './source.ts'

/** A node of the tree, with the text that it covers. */
export class Node {
  readonly #node: SyntaxNode
  readonly source: RustSource

  constructor(node: SyntaxNode, source: RustSource) {
    this.#node = node
    this.source = source
  }

  get kind(): string { return this.#node.name }
  get at(): number { return this.#node.from }
  get end(): number { return this.#node.to }
  get text(): string { return this.source.text.slice(this.#node.from, this.#node.to) }

  /** All children but comments, punctuation included (a `,` is a child of kind `,`). */
  get children(): readonly Node[] {
    const found: Node[] = []
    for (let child = this.#node.firstChild; child !== null; child = child.nextSibling) {
      if (child.name !== 'LineComment' && child.name !== 'BlockComment') found.push(new Node(child, this.source))
    }
    return found
  }

  /** The first child of this kind. */
  child(kind: string): Node | null {
    return this.children.find(child => child.kind === kind) ?? null
  }

  has(kind: string): boolean {
    return this.child(kind) !== null
  }

  /** The children in a bracketed list: neither its brackets nor its commas. */
  get listed(): readonly Node[] {
    return this.children.slice(1, -1).filter(({kind}) => kind !== ',')
  }

  error(problem: string): RustError {
    return new RustError(this.source, this.at, problem)
  }

  /** Something that Rust knows and signatures of a wrapper may not have. */
  unsupported(accepted: string): RustError {
    return this.error(`${this.shown} is not supported here; accepted: ${accepted}`)
  }

  /** The beginning of the text, for messages. */
  get shown(): string {
    const line = this.text.split('\n')[0]!.trim()
    return `'${line.length > 40 ? `${line.slice(0, 39)}…` : line}'`
  }
}

const items = 'struct, enum, impl, trait, fn and use'

/** The items of the text. @throws {RustError} at the first place that is no Rust, bodies of functions apart. */
export function parseTree(source: RustSource): readonly Node[] {
  const tree = parser.parse(source.text)
  tree.iterate({
    enter({name, type, from, to, node}) {
      if (name === 'Block') return false // a body is the wrapper's own business
      if (type.isError) throw notAnItem(node, source) ?? misfit(source, from, to, node.parent)
      return true
    },
  })
  return new Node(tree.topNode, source).children
}

/** What is found where the grammar expected something else. */
function misfit(source: RustSource, from: number, to: number, parent: SyntaxNode | null): RustError {
  const blank = /^(?:\s|\/\/[^\n]*|\/\*[^]*?\*\/)*/.exec(source.text.slice(from))![0].length
  const at = to > from ? from : from + blank
  const found = /^(?:[\w']+|[^])/u.exec(source.text.slice(at))?.[0]
  const inside = parent === null ? 'an item' : inWords(parent.name)
  return new RustError(source, at, `expected ${inside}, found ${found === undefined ? 'the end of the text' : `'${found}'`}`)
}

/** What the grammar was reading, as a person says it. */
function inWords(node: string): string {
  const words: Readonly<Record<string, string>> = {
    SourceFile: `an item (${items})`,
    ParamList: "a parameter such as 'value: T', or ')'",
    Parameter: "a parameter such as 'value: T'",
    FieldDeclarationList: "a field such as 'value: T', or '}'",
    FieldDeclaration: "a field such as 'value: T', and ',' between fields",
    DeclarationList: "a method such as 'fn read(&self) -> T;', or '}'",
    FunctionItem: "a signature such as 'fn read(&self) -> T;'",
    StructItem: "a struct such as 'struct Guard<'a, T> { lock: &'a Lock<T> }'",
    EnumVariantList: "a variant, or '}'",
    ImplItem: "an implementation such as 'impl<T: Copy> Lock<T> { … }'",
    TypeParamList: "generic parameters such as <'a, T: Copy>",
    TypeArgList: "type arguments such as <'a, T>",
    WhereClause: "a bound such as 'T: Send'",
    TraitBounds: 'a bound such as Send',
    ReferenceType: 'the type behind the reference',
    ExpressionStatement: `an item (${items})`,
  }
  return words[node] ?? `${/^[AEIOU]/.test(node) ? 'an' : 'a'} ${node.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase()}`
}

/** The error lies behind a misspelt keyword, which the grammar takes for an expression: the error of that word. */
function notAnItem(node: SyntaxNode, source: RustSource): RustError | null {
  let top = node
  while (top.parent !== null && top.parent.name !== 'SourceFile') top = top.parent
  return top.name === 'ExpressionStatement' ? expectedItem(new Node(top, source)) : null
}

export function expectedItem(node: Node): RustError {
  const word = /^[\w']+/.exec(node.text)?.[0] ?? node.text.slice(0, 1)
  return node.error(`expected an item (${items}), found '${word}'`)
}
