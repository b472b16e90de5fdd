/** Designs of LIFO lists whose nodes die and come back while somebody pushes or pops. */
import {
  alloc, free, program, raw, rcuReadLock, rcuReadUnlock, readPlain, srcuReadLock, srcuReadUnlock, synchronizeRcu, synchronizeSrcu, Value, when,
  type Location, type Memory, type Proc, type Program,
} from '../../lib/index.ts'
import {countedPop, countedPush, defineSrcu, lifoPop, lifoPopAll, lifoPush} from '../../primitives/index.ts'
import {brokenBy, everywhere, holds, nowhere, onlyInC11, onlyInOrder, type Design} from '../design.ts'
import {mutants} from './mutants.ts'
import {anywhere, dead, followsZombies, inIso, n2369, ofSrcu, zombie} from './zombie-cases.ts'

// ---- What protects a node ------------------------------------------------------------------------------

/** Around a push or a pop, and before a free; the domain is for SRCU alone. */
interface Guarding {
  readonly enter: (domain: Location) => Proc<Value>
  readonly exit: (domain: Location, cookie: Value) => Proc
  readonly dispose: (node: Value, domain: Location) => Proc
}

const none = Value.of(0)

const unguarded: Guarding = {
  * enter() { return none },
  * exit() {},
  * dispose(node) {
    yield* free(node)
  },
}

/** What the kernel does: a push or a pop is a reader, and what is taken is freed a grace period later. */
const byRcu: Guarding = {
  * enter() {
    yield* rcuReadLock()
    return none
  },
  exit: rcuReadUnlock,
  * dispose(node) {
    yield* synchronizeRcu()
    yield* free(node)
  },
}

/** The same with readers that may sleep. */
const bySrcu: Guarding = {
  * enter(domain) {
    return yield* srcuReadLock(domain)
  },
  exit: srcuReadUnlock,
  * dispose(node, domain) {
    yield* synchronizeSrcu(domain)
    yield* free(node)
  },
}

// ---- LIFO push and pop-all ---------------------------------------------------------------------------

const bare = {...unguarded, push: lifoPush, popAll: lifoPopAll}

/** One thread pushes, while another takes all, frees it, pushes a new node, and reads what is there then. */
function pushAndPopAll(name: string, {enter, push, exit, popAll, dispose}: typeof bare): Program<never> {
  return program(name, (memory: Memory) => {
    const nodes = memory.heap('node', {next: 1, value: 1}, 1)
    const first = nodes.object('first', {next: 0, value: 1})
    const top = memory.word('top', first.next)
    const domain = defineSrcu(memory, 'domain')
    return {
      threads: {
        * pushes() {
          const node = yield* alloc(nodes, {next: 0, value: 2})
          const cookie = yield* enter(domain)
          const pushed = yield* push(top, node)
          yield* exit(domain, cookie)
          return pushed
        },
        * pops() {
          yield* dispose(yield* popAll(top), domain)
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

const kernelsAnswer = 'McKenney, "Will Your Rust Code Survive the Attack of the Zombie Pointers?" (answer: the kernel\'s solution)'

const withRcu = {...bare, ...byRcu}

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
  source: kernelsAnswer,
  program: () => pushAndPopAll('zombie-push-rcu', withRcu),
  expected: anywhere,
}

const withSrcu = {...bare, ...bySrcu}

const pushSrcu: Design = {
  name: 'zombie-push-srcu',
  title: 'the same with SRCU: the push inside a section of a domain, and a grace period of that domain before the free',
  source: `${kernelsAnswer}; Documentation/RCU/checklist.rst, 16`,
  program: () => pushAndPopAll('zombie-push-srcu', withSrcu),
  expected: inIso(ofSrcu(holds, 'synchronize_srcu')), // a node is allocated before the push
}

// ---- LIFO pop ------------------------------------------------------------------------------------------

const barePop = {...unguarded, pop: lifoPop}

/** Two threads pop; what is popped is freed. */
function popAndFree(name: string, {enter, pop, exit, dispose}: typeof barePop): Program<never> {
  return program(name, (memory: Memory) => {
    const nodes = memory.heap('node', {next: 1}, 1)
    const second = nodes.object('second', {next: 0})
    const top = memory.word('top', nodes.object('first', {next: second.next}).next)
    const domain = defineSrcu(memory, 'domain')
    function* popper() {
      const cookie = yield* enter(domain)
      const node = yield* pop(top)
      yield* exit(domain, cookie)
      yield* dispose(node, domain)
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

const popWithRcu = {...barePop, ...byRcu}

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
  source: kernelsAnswer,
  program: () => popAndFree('zombie-pop-rcu', popWithRcu),
  expected: anywhere,
}

const popWithSrcu = {...barePop, ...bySrcu}

const popSrcu: Design = {
  name: 'zombie-pop-srcu',
  title: 'the same with SRCU: the pop inside a section of a domain, and a grace period of that domain before the free',
  source: `${kernelsAnswer}; Documentation/RCU/checklist.rst, 16`,
  program: () => popAndFree('zombie-pop-srcu', popWithSrcu),
  expected: inIso(ofSrcu(holds)),
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

/** Without a section, without a grace period, and with one that does not wait for the domain's readers. */
function srcuMutants<P extends Guarding>(design: Design, parts: P, build: (name: string, parts: P) => Program<never>, by: string): readonly Design[] {
  const expected = ofSrcu(brokenBy(by))
  return [
    ...mutants<Guarding>(design, {...parts, exit: unguarded.exit}, (name, guarding) => build(name, {...parts, ...guarding}), [
      {part: 'enter', instead: unguarded.enter, change: 'without a section', name: 'outside', expected: ofSrcu(brokenBy(by), 'synchronize_srcu')},
    ]),
    ...mutants<Guarding>(design, parts, (name, guarding) => build(name, {...parts, ...guarding}), [
      {part: 'dispose', without: 'synchronize_srcu', name: 'without-grace-period', expected},
      {part: 'dispose', instead: byRcu.dispose, change: 'with synchronize_rcu() for synchronize_srcu()', name: 'other-grace-period', expected},
    ]),
  ]
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
  pushSrcu, ...srcuMutants(pushSrcu, withSrcu, pushAndPopAll, 'zombie'),
  pop,
  popRcu, ...mutants(popRcu, popWithRcu, popAndFree, [
    {part: 'pop', instead: popOutside, change: 'outside of the critical section', name: 'outside', expected: dead},
    {part: 'dispose', without: 'synchronize_rcu', name: 'without-grace-period', expected: dead},
  ]),
  popSrcu, ...srcuMutants(popSrcu, popWithSrcu, popAndFree, 'use-after-free'),
  aba,
  abaCounted, ...mutants(abaCounted, counted, popAndPushAgain, [
    {part: 'pop', relaxed: 'smp_load_acquire', name: 'relaxed-pop', expected: onlyInC11(oneOwner)},
    {part: 'push', relaxed: 'cmpxchg_release', name: 'relaxed-push', expected: onlyInOrder(oneOwner)},
  ]),
]
