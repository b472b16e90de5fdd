/** Designs of LIFO lists whose nodes die and come back while somebody pushes or pops. */
import {
  alloc, free, program, raw, rcuReadLock, rcuReadUnlock, readPlain, synchronizeRcu, when, type Location, type Memory, type Proc, type Program, type Value,
} from '../../lib/index.ts'
import {countedPop, countedPush, lifoPop, lifoPopAll, lifoPush} from '../../primitives/index.ts'
import {brokenBy, everywhere, nowhere, onlyInC11, onlyInOrder, type Design} from '../design.ts'
import {mutants} from './mutants.ts'
import {anywhere, dead, followsZombies, n2369, zombie} from './zombie-cases.ts'

// ---- LIFO push and pop-all ---------------------------------------------------------------------------

function* nothing(): Proc {
  // no reader, as far as RCU knows
}

function* freeNow(node: Value): Proc {
  yield* free(node)
}

const bare = {enter: nothing, push: lifoPush, exit: nothing, popAll: lifoPopAll, dispose: freeNow}

/** One thread pushes, while another takes all, frees it, pushes a new node, and reads what is there then. */
function pushAndPopAll(name: string, {enter, push, exit, popAll, dispose}: typeof bare): Program<never> {
  return program(name, (memory: Memory) => {
    const nodes = memory.heap('node', {next: 1, value: 1}, 1)
    const first = nodes.object('first', {next: 0, value: 1})
    const top = memory.word('top', first.next)
    return {
      threads: {
        * pushes() {
          const node = yield* alloc(nodes, {next: 0, value: 2})
          yield* enter()
          const pushed = yield* push(top, node)
          yield* exit()
          return pushed
        },
        * pops() {
          yield* dispose(yield* popAll(top))
          yield* lifoPush(top, yield* alloc(nodes, {next: 0, value: 3}))
          const list = yield* popAll(top)
          return yield* when(list.ne(0), function* () {
            const next = yield* readPlain(list)
            return yield* when(next.ne(0), () => readPlain(nodes.at(next).value), function* () { return next })
          }, function* () { return list })
        },
      },
      claims: {'the second node is one of those that were pushed': ({pops}: {pops: number}) => pops === 0 || pops === 2 || pops === 3},
      witnesses: {
        'both nodes are on the list': ({pushes, pops}: {pushes: number; pops: number}) => pushes === 1 && pops === 3,
        'the push fails': ({pushes}: {pushes: number}) => pushes === 0,
      },
    }
  })
}

const push: Design = {
  name: 'zombie-push',
  title: 'LIFO push while another thread takes all and frees: the top that is seen may die, and come back as another node',
  source: `${n2369}: "LIFO Singly Linked List Push"`,
  program: () => pushAndPopAll('zombie-push', bare),
  expected: followsZombies,
}

/** What the kernel does: the push is a reader, and what is taken is freed a grace period later. */
function* freeAfterReaders(node: Value): Proc {
  yield* synchronizeRcu()
  yield* free(node)
}

const withRcu: typeof bare = {...bare, enter: rcuReadLock, exit: rcuReadUnlock, dispose: freeAfterReaders}

/** A push that is no RCU reader, inside a section that is over before it begins. */
function* pushOutside(top: Location, node: Value) {
  yield* rcuReadUnlock()
  const pushed = yield* lifoPush(top, node)
  yield* rcuReadLock()
  return pushed
}

const pushRcu: Design = {
  name: 'zombie-push-rcu',
  title: 'the same with the push inside an RCU read-side critical section, and a grace period before the free',
  source: 'McKenney, "Will Your Rust Code Survive the Attack of the Zombie Pointers?" (answer: the kernel\'s solution)',
  program: () => pushAndPopAll('zombie-push-rcu', withRcu),
  expected: anywhere,
}

// ---- LIFO pop ------------------------------------------------------------------------------------------

const barePop = {enter: nothing, pop: lifoPop, exit: nothing, dispose: freeNow}

/** Two threads pop; what is popped is freed. */
function popAndFree(name: string, {enter, pop, exit, dispose}: typeof barePop): Program<never> {
  return program(name, (memory: Memory) => {
    const nodes = memory.heap('node', {next: 1}, 1)
    const second = nodes.object('second', {next: 0})
    const top = memory.word('top', nodes.object('first', {next: second.next}).next)
    function* popper() {
      yield* enter()
      const node = yield* pop(top)
      yield* exit()
      yield* dispose(node)
      return node.ne(0)
    }
    return {
      threads: {first: popper, second: popper},
      witnesses: {'both pop': ({first, second}: Record<'first' | 'second', number>) => first + second === 2},
    }
  })
}

/** Where loads and stores are not in order, the pointer itself is stale before anything is read through it. */
const zappedFirst = {...zombie, sc: brokenBy('use-after-free'), tso: brokenBy('use-after-free')}

const pop: Design = {
  name: 'zombie-pop-free',
  title: 'LIFO pop by compare-exchange: the link is read from a node that another thread may have popped and freed',
  source: 'Treiber, IBM RJ 5118, 1986; rust-lang/unsafe-code-guidelines#480',
  program: () => popAndFree('zombie-pop-free', barePop),
  expected: [
    {regimes: ['iso'], expected: zappedFirst},
    {regimes: ['strict', 'angelic', 'bits'], expected: dead},
    {regimes: ['iso'], reuse: false, expected: zappedFirst},
    {regimes: ['strict', 'angelic', 'bits'], reuse: false, expected: dead},
  ],
}

const popWithRcu: typeof barePop = {...barePop, enter: rcuReadLock, exit: rcuReadUnlock, dispose: freeAfterReaders}

/** A pop that is no RCU reader, inside a section that is over before it begins. */
function* popOutside(top: Location) {
  yield* rcuReadUnlock()
  const node = yield* lifoPop(top)
  yield* rcuReadLock()
  return node
}

const popRcu: Design = {
  name: 'zombie-pop-rcu',
  title: 'the same with the pop inside an RCU read-side critical section, and a grace period before the free',
  source: 'McKenney, "Will Your Rust Code Survive the Attack of the Zombie Pointers?" (answer: the kernel\'s solution)',
  program: () => popAndFree('zombie-pop-rcu', popWithRcu),
  expected: anywhere,
}

const uncounted = {pop: lifoPop, push: lifoPush}
const counted = {pop: countedPop, push: countedPush}

/** Nobody frees: one thread pops, while the other one pops two nodes and pushes the first of them again. */
function popAndPushAgain(name: string, parts: typeof uncounted): Program<never> {
  return program(name, (memory: Memory) => {
    const second = memory.struct('second', {next: 0})
    const first = memory.struct('first', {next: second.next})
    const top = memory.word('top', first.next)
    return {
      threads: {
        slow: () => parts.pop(top),
        * fast() {
          const taken = yield* parts.pop(top)
          if ((yield* raw(taken)) === 0) return {keeps: taken}
          const keeps = yield* parts.pop(top)
          if ((yield* raw(keeps)) !== 0) yield* parts.push(top, taken)
          return {keeps}
        },
      },
      claims: {
        [oneOwner]: ({fast, slow}: Popped, final) => fast.keeps !== second.next || (slow !== second.next && !isOnTop(final(top), second.next)),
      },
      witnesses: {
        'the fast one keeps the second node': ({fast}: Popped) => fast.keeps === second.next,
        'the slow one gets the first node': ({slow}: Popped) => slow === first.next,
      },
    }
  })
}

const oneOwner = 'a node that somebody keeps is not on the stack'

interface Popped {
  readonly slow: number | Location
  readonly fast: {readonly keeps: number | Location}
}

/** Whatever the count beside it. */
function isOnTop(top: number | Location, node: Location): boolean {
  return typeof top !== 'number' && top.index === node.index
}

const aba: Design = {
  name: 'zombie-pop-aba',
  title: 'LIFO pop where nobody frees: the top is the same again, and its link is another (ABA)',
  source: 'Treiber, IBM RJ 5118, 1986; rust-lang/unsafe-code-guidelines#480',
  program: () => popAndPushAgain('zombie-pop-aba', uncounted),
  expected: nowhere(oneOwner),
}

const abaCounted: Design = {
  name: 'zombie-pop-counted',
  title: 'the same with a count of changes in the low bits of the top, which wraps after eight',
  source: 'Treiber, IBM RJ 5118, 1986 (the double-word version)',
  program: () => popAndPushAgain('zombie-pop-counted', counted),
  expected: everywhere,
}

/** LIFO lists with zombie pointers, each followed by its mutants. */
export const zombieListDesigns: readonly Design[] = [
  push,
  pushRcu, ...mutants(pushRcu, withRcu, pushAndPopAll, [
    {part: 'push', instead: pushOutside, change: 'outside of the critical section', name: 'outside', expected: zombie},
    {part: 'push', relaxed: 'cmpxchg_release', name: 'relaxed-push', expected: onlyInOrder('data-race')},
    {part: 'popAll', relaxed: 'xchg_acquire', name: 'relaxed-pop-all', expected: onlyInC11('data-race')},
    {part: 'dispose', without: 'synchronize_rcu', name: 'without-grace-period', expected: zombie},
  ]),
  pop,
  popRcu, ...mutants(popRcu, popWithRcu, popAndFree, [
    {part: 'pop', instead: popOutside, change: 'outside of the critical section', name: 'outside', expected: dead},
    {part: 'dispose', without: 'synchronize_rcu', name: 'without-grace-period', expected: dead},
  ]),
  aba,
  abaCounted, ...mutants(abaCounted, counted, popAndPushAgain, [
    {part: 'pop', relaxed: 'smp_load_acquire', name: 'relaxed-pop', expected: onlyInC11(oneOwner)},
    {part: 'push', relaxed: 'cmpxchg_release', name: 'relaxed-push', expected: onlyInOrder(oneOwner)},
  ]),
]
