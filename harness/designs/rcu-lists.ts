/** Designs of lists that are read while somebody adds and removes nodes. */
import {alloc, free, program, rcuReadLock, rcuReadUnlock, readOnce, smpMb, synchronizeRcu, threads, Value, type Location, type Memory, type Proc, type Program} from '../../lib/index.ts'
import {defineHlistHead, defineListHead, hlistAddHeadRcu, hlistDelRcu, hlistForEachEntryRcu, listAddRcu, listDelRcu, listForEachEntryRcu} from '../../primitives/index.ts'
import {brokenBy, onlyInC11, onlyInOrder, type Design} from '../design.ts'
import {mutants} from './mutants.ts'

type Visit = (head: Location, visit: (node: Value) => Proc<Value>) => Proc<readonly Value[]>

function* synchronize(): Proc {
  yield* synchronizeRcu()
}

const list = {define: defineListHead, add: listAddRcu, del: listDelRcu, each: listForEachEntryRcu as Visit, synchronize}
const hlist = {define: defineHlistHead, add: hlistAddHeadRcu, del: hlistDelRcu, each: hlistForEachEntryRcu as Visit, synchronize}

/** A list of one node, to which another is added and from which the first is then removed and freed, while it is read. */
function changing(name: string, {define, add, del, each, synchronize}: typeof list): Program<never> {
  return program(name, (memory: Memory) => {
    const nodes = memory.heap('node', {value: 1, link: 2}, 1)
    const first = nodes.object('first', {value: 1, link: [0, 0]})
    const head = define(memory, 'head', [first.link[0]!])
    return threads({
      * updater() {
        const second = yield* alloc(nodes, {value: 2, link: [0, 0]})
        yield* add(nodes.at(second).link[0]!, head)
        yield* del(first.link[0]!)
        yield* synchronize()
        yield* free(first.value)
      },
      * reader() {
        yield* rcuReadLock()
        const values = yield* each(head, node => readOnce(nodes.containerOf(node, 'link')))
        yield* rcuReadUnlock()
        return {values, sum: values.reduce((sum, value) => sum.plus(value), Value.of(0))}
      },
    }, {
      claims: {'a node is seen once, and some node is': ({reader}) => [1, 2, 3].includes(reader?.sum)},
      witnesses: {
        'before': ({reader}) => reader?.values.join() === '1',
        'between': ({reader}) => reader?.values.join() === '2,1',
        'after': ({reader}) => reader?.values.join() === '2',
      },
    })
  })
}

function design(name: string, title: string, parts: typeof list): readonly Design[] {
  const original: Design = {
    name, title, source: 'include/linux/rculist.h; Documentation/RCU/listRCU.rst', program: () => changing(name, parts),
    expected: onlyInC11('data-race'), // where the dependency behind rcu_dereference() orders nothing
  }
  return [original, ...mutants(original, parts, changing, [
    {part: 'add', relaxed: 'rcu_assign_pointer', name: 'once-assign', expected: onlyInOrder('data-race')},
    {
      part: 'synchronize', instead: smpMb, change: 'with smp_mb() for the grace period', name: 'without-grace-period',
      expected: {...onlyInOrder('data-race'), sc: brokenBy('use-after-free'), tso: brokenBy('use-after-free')},
    },
  ])]
}

/** Lists, each followed by its mutants. */
export const rcuListDesigns: readonly Design[] = [
  ...design('rcu-list', 'list_add_rcu() and list_del_rcu() while the list is read: before, between or after', list),
  ...design('rcu-hlist', 'hlist_add_head_rcu() and hlist_del_rcu() while the list is read', hlist),
]
