import test from 'ava'
import {failureReport} from '../harness/index.ts'
import {
  alloc, anyOf, atomicFetchAdd, awaitOnce, cmpxchg, executionKey, executions, explore, free, kfree, kmalloc, lkmm, models, program, raw, rc11, readOnce,
  readPlain, regimes, sc, storeRelease, threads, when, writeOnce, writePlain, xchg, Value,
  type FaultKind, type Heap, type Limits, type Location, type Memory, type Model, type PerField, type Proc, type Program, type Regime,
} from '../lib/index.ts'
import {bruteForce} from './helpers/bruteforce.ts'

/** What goes wrong with objects in some execution, each once. */
function faultsOf(program: Program<never>, model: Model, limits: Limits = {}): readonly FaultKind[] {
  const found = [...executions(program, model, limits)].flatMap(({failures}) => failures.flatMap(failure => failure.kind === 'fault' ? [failure.fault] : []))
  return [...new Set(found)].sort()
}

// ---- One thread ------------------------------------------------------------------------------------

/** A program of one thread over one heap and one lasting word. */
const alone = {
  'writes, reads, frees': program('tidy', ({heap}) => {
    const nodes = heap('node', {next: 1, value: 2})
    return threads({* one() {
      const node = yield* kmalloc(nodes)
      const {next, value} = nodes.at(node)
      yield* writePlain(next, 0)
      yield* writePlain(value[1]!, 7)
      const read = yield* readPlain(value[1]!)
      yield* kfree(node)
      yield* kfree(0)
      return read
    }}, {witnesses: {'reads 7': ({one}) => one === 7}})
  }),
  'reads after the free': program('late', ({heap}) => {
    const nodes = heap('node', {value: 1})
    return threads({* one() {
      const node = yield* alloc(nodes, {value: 1})
      yield* free(node)
      yield* readPlain(node)
    }})
  }),
  'writes after the free': program('late write', ({heap}) => {
    const nodes = heap('node', {value: 1})
    return threads({* one() {
      const node = yield* alloc(nodes, {value: 1})
      yield* free(node)
      yield* writePlain(node, 2)
    }})
  }),
  'frees twice': program('twice', ({heap}) => {
    const nodes = heap('node', {value: 1})
    return threads({* one() {
      const node = yield* alloc(nodes)
      yield* free(node)
      yield* free(node)
    }})
  }),
  'reads what it did not write': program('early', ({heap}) => {
    const nodes = heap('node', {value: 1})
    return threads({* one() { yield* readPlain(yield* alloc(nodes)) }})
  }),
}

const expected: Readonly<Record<keyof typeof alone, readonly FaultKind[]>> = {
  'writes, reads, frees': [],
  'reads after the free': ['use-after-free'],
  'writes after the free': ['use-after-free'],
  'frees twice': ['double-free'],
  'reads what it did not write': ['uninitialised'],
}

for (const [name, faults] of Object.entries(expected)) {
  test(`a thread that ${name}: ${faults.join(', ') || 'fine'}, in every model and regime`, t => {
    for (const model of models) for (const regime of regimes) t.deepEqual(faultsOf(alone[name as keyof typeof alone], model, {regime}), faults)
  })
}

test('under iso a pointer may not even be stored once its object is dead, also where nobody reads it', t => {
  const keeping = program('keeping', ({word, heap}) => {
    const nodes = heap('node', {value: 1})
    const kept = word('kept')
    return threads({* one() {
      const node = yield* alloc(nodes, {value: 1})
      yield* free(node)
      yield* writePlain(kept, node)
      yield* writePlain(kept, 0)
    }})
  })
  for (const model of models) {
    t.is(explore(keeping, model, {regime: 'iso'}).verdict, 'broken', model.name)
    t.deepEqual(faultsOf(keeping, model, {regime: 'iso'}), ['zombie'], model.name)
    t.is(explore(keeping, model, {regime: 'strict'}).verdict, 'holds', model.name)
  }
})

test('an object that nothing leads to leaks, when that is asked', t => {
  const leaking = program('leak', ({word, heap}) => {
    const nodes = heap('node', {next: 1})
    const root = word('root')
    return threads({* one() {
      yield* writePlain(root, yield* alloc(nodes, {next: yield* alloc(nodes, {next: 0})}))
    }, * two() { yield* alloc(nodes) }})
  })
  t.deepEqual(faultsOf(leaking, sc), [])
  const [run] = [...executions(leaking, sc, {leaks: true})]
  t.deepEqual(run!.failures.map(failure => failure.kind === 'fault' && failure.object), ['node@two'])
})

// ---- Bad input ---------------------------------------------------------------------------------------

type Nodes = Heap<{readonly next: 1; readonly value: 2}>

/** What a thread panics with, and the line that its stack leads to first. */
const misuses: readonly (readonly [message: string, use: (nodes: Nodes, node: PerField<Nodes['layout'], Location>) => Proc<unknown>])[] = [
  ['plain write of a null pointer', function* () { yield* writePlain(yield* anyOf([0]), 1) }],
  ['plain read of 1, which is no address', nodes => readPlain(nodes.at(0).value[0]!)],
  ['plain read of node.next|1, a pointer with its low bits set', function* (_, node) { yield* readPlain((yield* anyOf([node.next])).or(1)) }],
  ['free of 5, which is not the start of an object on a heap', () => free(5)],
  ['free of &node.value[0], which is not the start of an object on a heap', function* (_, node) { yield* free((yield* anyOf([node.next])).plus(1)) }],
  ['free of &node.next|1, which is not the start of an object on a heap', function* (_, node) { yield* free((yield* anyOf([node.next])).or(1)) }],
  ['kfree of &lasting, which is not the start of an object on a heap', function* () { yield* kfree(lasting) }],
  ['operator | of a pointer and 8: only its 3 low bits are free, for tags up to 7', function* (_, node) { yield* readPlain(Value.of(node.next).or(8)) }],
  ['operator & ~ of a pointer and 15: only its 3 low bits are free, for tags up to 7', function* (_, node) { yield* readPlain(Value.of(node.next).and(~15)) }],
  ['node.next + 3 is outside of node, which has 3 words', function* (_, node) { yield* readPlain(Value.of(node.next).plus(3)) }],
  ['node.next + -1 is outside of node, which has 3 words', function* (nodes, node) { yield* readPlain(nodes.containerOf(node.next, 'value')) }],
  ['free of &node.value[0], which is not the start of an object on a heap', function* (nodes, node) { yield* free(nodes.containerOf(node.value[1]!, 'value')) }],
  ['container_of() by prev, but a node has next, value', function* (nodes, node) { yield* readPlain(nodes.containerOf(node.next, 'prev' as 'next')) }],
  ['field value of a node has 2 words: it was given 1 word', nodes => alloc(nodes, {next: 0, value: [1]})],
  ['field value of a node has 2 words: it was given none', nodes => alloc(nodes, {next: 0} as never)],
  ['a node has no field prev: it has next, value', nodes => alloc(nodes, {next: 0, value: [0, 0], prev: 0} as never)],
  ['alloc of undefined: make one with heap() where the program declares its memory', () => alloc(undefined as never)],
]

let lasting: Location

for (const [i, [message, use]] of misuses.entries()) {
  test(`misuse ${i + 1}: ${message}`, t => {
    const misused = program('misused', ({heap, word}) => {
      lasting = word('lasting')
      const nodes = heap('node', {next: 1, value: 2})
      const node = nodes.object('node', {next: 0, value: [0, 0]})
      return threads({* one() { yield* use(nodes, node) }})
    })
    for (const model of [sc, lkmm]) {
      const [run] = [...executions(misused, model)]
      const [panic] = run!.failures.flatMap(failure => failure.kind === 'panic' ? [failure] : [])
      t.is(panic?.message, message)
      t.regex(panic!.stack, /test\/heap\.ts:\d+/, 'its stack leads to the line')
    }
  })
}

test('a heap needs fields with a whole number of words, and room for a whole number of objects', t => {
  const declaring = (declare: (heap: Memory['heap']) => unknown) => () => program('declaring', ({heap}) => {
    declare(heap)
    return threads({* nobody() {}})
  })
  for (const [message, declare] of Object.entries<(heap: Memory['heap']) => unknown>({
    'heap node needs fields, as in heap(\'node\', {next: 1, data: 2})': heap => heap('node', {}),
    'field next of heap node has 0 words: it needs a whole number of them, at least 1': heap => heap('node', {next: 0}),
    'field next of heap node has 1.5 words: it needs a whole number of them, at least 1': heap => heap('node', {next: 1.5}),
    'heap node: perThread is how many objects a thread may allocate, and not -1': heap => heap('node', {next: 1}, -1),
    'field value of a node has 2 words: it was given 1 word': heap => heap('node', {value: 2}).object('node', {value: [0]}),
  })) t.throws(declaring(declare), {instanceOf: TypeError, message})
})

test('a thread that allocates more than its heap has room for is cut, and the verdict unknown', t => {
  const greedy = program('greedy', ({heap}) => {
    const nodes = heap('node', {next: 1}, 1)
    return threads({* one() {
      yield* alloc(nodes)
      yield* alloc(nodes)
    }})
  })
  const {verdict, unknown} = explore(greedy, sc)
  t.is(verdict, 'unknown')
  t.deepEqual(unknown.map(({budget}) => budget), ['objects'])
})

test('low bits tag a pointer, and come off again', t => {
  const tagging = program('tags', ({heap}) => {
    const nodes = heap('node', {next: 1, value: 1})
    const node = nodes.object('node', {next: 0, value: 5})
    return threads({* one() {
      const pointer = yield* anyOf([node.next])
      const tagged = pointer.or(3)
      return {bits: tagged.and(7), same: tagged.and(~7).eq(pointer), differs: tagged.ne(pointer), value: yield* readPlain(nodes.at(tagged.xor(3)).value),
        whole: nodes.containerOf(node.value, 'value').eq(pointer)}
    }})
  })
  t.deepEqual([...executions(tagging, sc)].map(({returned}) => returned), [{one: {bits: 3, same: 1, differs: 1, value: 5, whole: 1}}])
})

// ---- Addresses come back ---------------------------------------------------------------------------

/** The owner publishes an object, takes it back, frees it and makes another, while a reader looks. */
const recycled = program('recycled', ({word, heap}) => {
  const nodes = heap('node', {value: 1})
  const top = word('top')
  return threads({
    * owner() {
      const first = yield* alloc(nodes, {value: 1})
      yield* storeRelease(top, first)
      yield* free(yield* xchg(top, 0))
      return first.eq(yield* alloc(nodes, {value: 2}))
    },
    * reader() {
      const seen = yield* readOnce(top)
      return {found: seen.ne(0), value: yield* when(seen.ne(0), () => readOnce(seen))}
    },
  })
})

/** Two threads that both allocate, and may get what the other one freed. */
const exchanged = program('exchanged', ({heap}) => {
  const nodes = heap('node', {value: 1}, 1)
  const old = nodes.object('old', {value: 0})
  return threads({
    * frees() {
      yield* free(old.value)
      return yield* alloc(nodes, {value: 1})
    },
    * allocates() {
      const made = yield* alloc(nodes, {value: 2})
      return {made, value: yield* readPlain(made)}
    },
  })
})

test('an allocation may get a freed address, or a new one; without reuse, only a new one', t => {
  const twice = program('twice', ({heap}) => {
    const nodes = heap('node', {value: 1})
    return threads({* one() {
      const first = yield* alloc(nodes)
      yield* free(first)
      return first.eq(yield* alloc(nodes))
    }})
  })
  t.deepEqual([...executions(twice, lkmm)].map(({returned}) => returned), [{one: 0}, {one: 1}])
  t.deepEqual([...executions(twice, lkmm, {reuse: false})].map(({returned}) => returned), [{one: 0}])
})

/** Two threads, whose objects are in a frame of each. */
const framed = program('framed', ({heap}) => {
  const frames = heap('frame', {value: 1}, 2, 'in a frame')
  function* inFrame(value: number): Proc<Value> {
    const frame = yield* alloc(frames, {value})
    yield* free(frame)
    return frame
  }
  return threads({
    * one() { return (yield* inFrame(1)).eq(yield* inFrame(2)) },
    * another() { return yield* readPlain(yield* alloc(frames, {value: 3})) },
  })
})

test('what is in a frame comes back at the same address to the same thread, and to no other', t => {
  t.deepEqual([...executions(framed, lkmm)].map(({returned}) => returned), [{one: 1, another: 3}])
})

const recyclings: readonly Program<never>[] = [recycled, exchanged]

for (const recycling of recyclings) {
  test(`the engine finds each execution of ‘${recycling.name}’ once, as the brute force does`, t => {
    for (const model of models) {
      const found = [...executions(recycling, model)].map(({execution}) => executionKey(execution)).sort()
      t.deepEqual(found, bruteForce(recycling, model).map(({execution}) => executionKey(execution)).sort(), model.name)
      t.true(found.length > 2)
    }
  })
}

/** Lock-free push of a node while another thread takes everything, frees it and pushes anew (P1726, 2.1; N2369). */
const lifo = program('lifo', ({word, heap}) => {
  const nodes = heap('node', {next: 1, value: 1}, 1)
  const first = nodes.object('first', {next: 0, value: 1})
  const top = word('top', first.next)
  function* push(node: Value): Proc {
    const seen = yield* readOnce(top)
    yield* writePlain(node, seen)
    yield* cmpxchg(top, seen, node)
  }
  return threads({
    * pushes() { yield* push(yield* alloc(nodes, {next: 0, value: 2})) },
    * pops() {
      yield* free(yield* xchg(top, 0))
      yield* push(yield* alloc(nodes, {next: 0, value: 3}))
      const list = yield* xchg(top, 0)
      yield* when(list.ne(0), function* () {
        const next = yield* readPlain(list)
        yield* when(next.ne(0), () => readPlain(nodes.at(next).value))
      })
    },
  })
})

const verdicts: Readonly<Record<Regime, readonly FaultKind[]>> = {iso: ['zombie'], strict: ['zombie'], angelic: [], bits: []}

for (const regime of regimes) {
  test(`the LIFO push under ${regime}: ${verdicts[regime].join() || 'fine'}`, t => {
    for (const model of [sc, rc11]) t.deepEqual(faultsOf(lifo, model, {regime}), verdicts[regime], model.name)
  })
}

test('without reuse of addresses a zombie never comes back to life', t => {
  t.deepEqual(faultsOf(lifo, sc, {regime: 'strict', reuse: false}), [])
})

test('where a thread waits for ever, a pointer may be used before its object dies, and under iso not after', t => {
  const used = program('used', memory => {
    const cells = memory.heap('cell', {value: 1})
    const [kept, never] = [memory.word('kept'), memory.word('never')]
    return threads({* one() {
      const cell = yield* alloc(cells, {value: 1})
      yield* writeOnce(kept, cell)
      yield* free(cell)
      yield* awaitOnce(never, value => value !== 0)
    }})
  })
  for (const model of models) {
    const [run] = [...executions(used, model, {regime: 'iso'})]
    t.deepEqual(run!.failures.map(({kind}) => kind), ['deadlock'], model.name)
  }
})

test('under iso a compare-exchange may not expect a pointer to an object that is dead, whatever the word holds', t => {
  const expecting = program('expecting', memory => {
    const cells = memory.heap('cell', {value: 1})
    const word = memory.word('word')
    return threads({* one() {
      const cell = yield* alloc(cells, {value: 1})
      yield* free(cell)
      return yield* cmpxchg(word, cell, 1)
    }})
  })
  for (const model of models) {
    t.deepEqual(faultsOf(expecting, model, {regime: 'iso'}), ['zombie'], model.name)
    t.deepEqual(faultsOf(expecting, model), [], model.name)
  }
})

// ---- What a pointer is for, and where it came from ----------------------------------------------------

test('under angelic a pointer that was read once is for one object, and not for two, one after the other', t => {
  const used = (uses: (pointer: Value) => Proc<unknown>): Program<never> => program('used', memory => {
    const cells = memory.heap('cell', {value: 1}, 1)
    const kept = memory.word('kept', cells.object('old', {value: 1}).value)
    return threads({* one() {
      const pointer = yield* readOnce(kept)
      yield* uses(pointer)
      yield* free(yield* readOnce(kept))
      const fresh = yield* alloc(cells, {value: 2})
      yield* when(fresh.eq(pointer), () => readPlain(pointer))
    }})
  })
  for (const model of models) {
    t.deepEqual(faultsOf(used(function* () {}), model, {regime: 'angelic'}), [], model.name)
    t.deepEqual(faultsOf(used(readPlain), model, {regime: 'angelic'}), ['zombie'], model.name)
    t.deepEqual(faultsOf(used(readPlain), model, {regime: 'bits'}), [], model.name)
  }
})

/** An object that is there from the start, freed by one thread and read by another, which comes by the pointer in some way; or one that nobody sees written. */
const told: Readonly<Record<string, (cells: Heap<{readonly value: 1}>, old: Location, kept: Location) => Readonly<Record<string, () => Proc<unknown>>>>> = {
  'reader had the pointer from the start': (_, old) => ({
    killer: () => free(old), reader: () => readOnce(old),
  }),
  'reader had the pointer from its read in 3': (_, old, kept) => ({
    killer: () => free(old), * reader() { return yield* readOnce((yield* raw(yield* readOnce(kept))) as Location) },
  }),
  'reader had the pointer from its own allocation': cells => ({* reader() {
    const cell = yield* alloc(cells, {value: 1})
    yield* free(cell)
    yield* readPlain(cell)
  }}),
  '7 finds it as it was before 4, where killer wrote to it. reader had the pointer from its read in 6': (cells, old, kept) => ({
    * killer() {
      yield* free(old)
      yield* writeOnce(kept, yield* alloc(cells, {value: 2})) // not released
    },
    * reader() { return yield* readOnce(yield* readOnce(kept)) },
  }),
}

for (const [story, bodies] of Object.entries(told)) {
  test(`the report tells where a pointer came from: ${story}`, t => {
    const made = program('told', memory => {
      const cells = memory.heap('cell', {value: 1}, 1)
      const old = cells.object('old', {value: 1}).value
      return threads(bodies(cells, old, memory.word('kept', old)))
    }) as Program<never>
    const stories = [...executions(made, lkmm)].flatMap(run => run.failures.filter(({kind}) => kind === 'fault')
      .map(failure => failureReport({name: 'told', program: made, model: lkmm, run, failure, command: ''}).replaceAll(/\s+/g, ' ')))
    t.true(stories.some(text => text.includes(`${story}.`)), stories.join('\n'))
    t.false(stories.some(text => text.includes('?')), stories.join('\n'))
  })
}

test('a fault comes before the panic that it leads to', t => {
  const counted = program('counted', memory => {
    const count = memory.heap('cell', {count: 1}, 1).object('old', {count: 1}).count
    return threads({* one() {
      yield* free(count)
      yield* atomicFetchAdd(count, 1)
    }})
  })
  const [run] = [...executions(counted, sc)]
  t.deepEqual([run!.failures[0]!.kind, run!.failures.some(({kind}) => kind === 'panic')], ['fault', true])
})
