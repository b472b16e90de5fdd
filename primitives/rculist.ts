/**
 * The kernel's lists whose readers need no lock: updaters exclude each other by other means.
 *
 * Sources: include/linux/rculist.h, include/linux/list.h. A node is two words, `next` and then `prev`
 * (hlist: `next` and then `pprev`), anywhere in an object; pointers to nodes are pointers to the first.
 */
import {
  iteration, rcuAssignPointer, rcuDereference, readPlain, Value, when, writeOnce, writePlain,
  type Location, type Memory, type Operand, type Proc,
} from '../lib/index.ts'

/** LIST_POISON2: what the back pointer of an unlinked node holds, which no program dereferences. */
const listPoison2 = 0x122

const prevOf = (node: Operand): Value => Value.of(node).plus(1)

const secondWord = (node: Location): Location => prevOf(node).scalar as Location

// ---- Doubly linked and circular: struct list_head --------------------------------------------------------

/** LIST_HEAD(): a list, empty or with these nodes from the start. Its nodes and its head are alike. */
export function defineListHead(memory: Memory, name: string, nodes: readonly Location[] = []): Location {
  const ring = [memory.struct(name, {next: 0, prev: 0}).next, ...nodes]
  for (const [i, node] of ring.entries()) {
    memory.initialise(node, ring[(i + 1) % ring.length]!)
    memory.initialise(secondWord(node), ring.at(i - 1)!)
  }
  return ring[0]!
}

/** __list_add_rcu(): between two nodes that are known. */
function* addBetween(node: Value, prev: Value, next: Value): Proc {
  yield* writePlain(node, next)
  yield* writePlain(prevOf(node), prev)
  yield* rcuAssignPointer(prev, node) // the node before the pointer to it; pairs with rcu_dereference() in list_for_each_entry_rcu()
  yield* writePlain(prevOf(next), node) // readers do not go backwards
}

/** list_add_rcu(): at the front. */
export function* listAddRcu(node: Operand, head: Operand): Proc {
  yield* addBetween(Value.of(node), Value.of(head), yield* readPlain(Value.of(head)))
}

/** list_add_tail_rcu(): at the end. */
export function* listAddTailRcu(node: Operand, head: Operand): Proc {
  yield* addBetween(Value.of(node), yield* readPlain(prevOf(head)), Value.of(head))
}

/** list_del_rcu(): readers that are at the node still find their way out of it. */
export function* listDelRcu(node: Operand): Proc {
  const next = yield* readPlain(Value.of(node))
  const prev = yield* readPlain(prevOf(node))
  yield* writePlain(prevOf(next), prev)
  yield* writeOnce(prev, next)
  yield* writePlain(prevOf(node), listPoison2)
}

/** list_replace_rcu(): the new node in the old one's place. */
export function* listReplaceRcu(old: Operand, node: Operand): Proc {
  yield* addBetween(Value.of(node), yield* readPlain(prevOf(old)), yield* readPlain(Value.of(old)))
  yield* writePlain(prevOf(old), listPoison2)
}

/** list_for_each_entry_rcu(): what `visit` returns for each node, front to back; `--bound` says how many are followed. */
export function listForEachEntryRcu<T>(head: Operand, visit: (node: Value) => Proc<T>): Proc<readonly T[]> {
  return follow(Value.of(head), node => node.ne(head), visit, 1)
}

/** Visits the nodes behind the pointer in this word, as long as there are any. */
function* follow<T>(link: Value, isNode: (node: Value) => Value, visit: (node: Value) => Proc<T>, round: number): Proc<readonly T[]> {
  yield* iteration(round)
  const node = yield* rcuDereference(link) // address dependency: the pointer before what it leads to
  return (yield* when(isNode(node), function* (): Proc<readonly T[]> {
    const own = yield* visit(node)
    return [own, ...yield* follow(node, isNode, visit, round + 1)]
  })) ?? []
}

// ---- With a single pointer for a head: struct hlist_head ---------------------------------------------------

/** HLIST_HEAD(): a list, empty or with these nodes from the start; the word that points to its first node. */
export function defineHlistHead(memory: Memory, name: string, nodes: readonly Location[] = []): Location {
  const head = memory.word(name, nodes[0] ?? 0)
  for (const [i, node] of nodes.entries()) {
    memory.initialise(node, nodes[i + 1] ?? 0)
    memory.initialise(secondWord(node), nodes[i - 1] ?? head)
  }
  return head
}

/** hlist_add_head_rcu(): at the front. */
export function* hlistAddHeadRcu(node: Operand, head: Operand): Proc {
  const first = yield* readPlain(Value.of(head))
  yield* writePlain(Value.of(node), first)
  yield* writeOnce(prevOf(node), head)
  yield* rcuAssignPointer(Value.of(head), node) // the node before the pointer to it; pairs with rcu_dereference() in hlist_for_each_entry_rcu()
  yield* when(first.ne(0), () => writeOnce(prevOf(first), node))
}

/** hlist_del_rcu(): as list_del_rcu(). */
export function* hlistDelRcu(node: Operand): Proc {
  const next = yield* readPlain(Value.of(node))
  const pprev = yield* readPlain(prevOf(node))
  yield* writeOnce(pprev, next)
  yield* when(next.ne(0), () => writeOnce(prevOf(next), pprev))
  yield* writeOnce(prevOf(node), listPoison2)
}

/** hlist_for_each_entry_rcu(): what `visit` returns for each node, front to back; `--bound` says how many are followed. */
export function hlistForEachEntryRcu<T>(head: Operand, visit: (node: Value) => Proc<T>): Proc<readonly T[]> {
  return follow(Value.of(head), node => node.ne(0), visit, 1)
}
