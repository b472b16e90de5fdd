/**
 * Stores that may be seen before a read of their own thread has read, on which the thread's way to them depends.
 *
 * Only for the sake of these does the engine guess what a read will return. Suppose that every thread stands
 * at a demand for its own unresolved reads, and that every one of those takes its value from a store that is still to come.
 * If each such store were guarded (Model.guarded) by the reads that its own thread waits for, going from reads to
 * the stores that they take to the reads that guard those would end in a cycle, which the model forbids.
 */
import type {Node} from './behaviour.ts'
import {unresolved, type Graph} from './graph.ts'
import type {Model} from './model.ts'
import {shapeOf} from './shape.ts'

/**
 * Does the model guard every store by every read before it? Then none escapes, whatever a thread waits for: a value that
 * others have yet to decide comes from their reads by po and rf too.
 */
export function guardsAll({guarded}: Model): boolean {
  return guarded.op === 'base' && guarded.name === 'po'
}

/** The locations of those stores, behind a thread's demand; null if they are not known. */
export function escapes(node: Node, model: Model): ReadonlySet<number> | null {
  node.escaping ??= node.future === null || node.asking === null ? null : escapingFrom(node, node.asking.value.reads, model)
  return node.escaping
}

function escapingFrom(node: Node, reads: readonly number[], model: Model): ReadonlySet<number> {
  const found = new Set<number>()
  const visit = (child: Node): void => {
    const writes = child.events.flatMap(({label}, position) => position >= child.from && label.kind === 'W' ? [position] : [])
    if (writes.length > 0) {
      const guards = guardsIn(child, model)
      for (const write of writes) {
        if (!reads.every(read => guards.has(pairOf(child, read, write)))) found.add(child.events[write]!.location!.index)
      }
    }
    for (const next of child.children.values()) visit(next)
  }
  for (const child of node.children.values()) visit(child)
  return found
}

/** The pairs of the thread's accesses that the model guards. */
function guardsIn(node: Node, model: Model): ReadonlySet<number> {
  return shapeOf(node).noted(model, shape => {
    const pairs = shape.related(model.guarded)
    const found = new Set<number>()
    for (let i = 0; i < pairs.length; i += 2) found.add(pairs[i]! * node.vertexCount + pairs[i + 1]!)
    return found
  })
}

function pairOf({vertices, vertexCount}: Node, a: number, b: number): number {
  return vertices[a]! * vertexCount + vertices[b]!
}

/** Is everything that the thread's demand waits for a read of its own that has no source yet? */
export function awaitsOnlyReads(graph: Graph, thread: number, {asking}: Node): boolean {
  return asking !== null && asking.value.reads.every(position => {
    const read = graph.vertexOf(thread, position)
    return graph.sourceOf(read) === unresolved || graph.scalarOf(read) !== undefined
  })
}
