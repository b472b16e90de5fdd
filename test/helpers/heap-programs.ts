/** Generated programs whose objects are made, published, taken, used and freed, in no sensible order: pointers become zombies, addresses come back. */
import seedrandom from 'seedrandom'
import {
  alloc, cmpxchg, free, loadAcquire, program, readOnce, readPlain, storeRelease, Value, when, writeOnce, writePlain, xchg,
  type Heap, type Location, type Proc, type Program,
} from '../../lib/index.ts'

type Cell = Heap<{readonly value: 1}>

interface Shared {
  readonly cells: Cell
  /** The word that objects are published in. */
  readonly word: Location
}

/** What a thread may do with a pointer that it has; what it returns is the thread's next pointer, and what it saw. */
const uses = {
  'free': pointer => free(pointer),
  'READ_ONCE': pointer => readOnce(pointer),
  'plain read': pointer => readPlain(pointer),
  'WRITE_ONCE': pointer => writeOnce(pointer, 7),
  'plain write': pointer => writePlain(pointer, 8),
} as const satisfies Record<string, (pointer: Value) => Proc<unknown>>

const sources = {
  'READ_ONCE': ({word}) => readOnce(word),
  'smp_load_acquire': ({word}) => loadAcquire(word),
  'xchg': ({word}) => xchg(word, 0),
  'alloc': ({cells}) => alloc(cells, {value: 5}),
} as const satisfies Record<string, (shared: Shared) => Proc<Value>>

const publications = {
  'WRITE_ONCE': ({word}, pointer) => writeOnce(word, pointer),
  'smp_store_release': ({word}, pointer) => storeRelease(word, pointer),
  'cmpxchg': ({word}, pointer) => cmpxchg(word, pointer, 0),
} as const satisfies Record<string, (shared: Shared, pointer: Value) => Proc<unknown>>

/** One thread: where its pointer comes from, and what it does with it, and whether it does so once more. */
interface Part {
  readonly from: keyof typeof sources
  readonly then: readonly (`use ${keyof typeof uses}` | `publish ${keyof typeof publications}`)[]
}

export interface HeapProgram {
  readonly name: string
  readonly threads: readonly (readonly Part[])[]
}

/** The program of a seed. */
export function generateHeapProgram(seed: string): HeapProgram {
  const random = seedrandom(`heap/${seed}`)
  const below = (limit: number): number => Math.floor(random() * limit)
  const oneOf = <K extends string>(table: Readonly<Record<K, unknown>>): K => (Object.keys(table) as K[])[below(Object.keys(table).length)]!
  const part = (): Part => ({
    from: oneOf(sources),
    then: Array.from({length: 1 + below(2)}, () => below(3) > 0 ? `use ${oneOf(uses)}` as const : `publish ${oneOf(publications)}` as const),
  })
  return {name: `heap/${seed}`, threads: Array.from({length: 2}, () => Array.from({length: 1 + below(2)}, part))}
}

/** As the engine runs it. There is an object from the start, published; each thread can make one. */
export function heapProgram({name, threads}: HeapProgram): Program<never> {
  return program(name, memory => {
    const cells = memory.heap('cell', {value: 1}, 1)
    const shared = {cells, word: memory.word('word', cells.object('first', {value: 1}).value)}
    return {threads: Object.fromEntries(threads.map((parts, i) => [`T${i}`, () => run(parts, shared)]))}
  })
}

function* run(parts: readonly Part[], shared: Shared): Proc<readonly unknown[]> {
  const seen: unknown[] = []
  let last = Value.of(0)
  for (const {from, then} of parts) {
    const pointer = yield* sources[from](shared)
    seen.push(pointer, pointer.eq(last))
    last = pointer
    for (const act of then) {
      const [kind, name] = [act.slice(0, act.indexOf(' ')), act.slice(act.indexOf(' ') + 1)]
      if (kind === 'publish') yield* publications[name as keyof typeof publications](shared, pointer)
      else seen.push(yield* when(pointer.ne(0), function* () { return Value.of((yield* uses[name as keyof typeof uses](pointer)) ?? 0) }, function* () { return Value.of(-1) }))
    }
  }
  return seen
}
