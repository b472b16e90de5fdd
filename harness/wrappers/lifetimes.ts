/**
 * Wrappers that forget how long T lasts, and with it what T borrows: a handle without T in its type, and a container that may be taken
 * for one of shorter-lived values. Nothing races and nothing is reordered; one thread is enough. wrappers.md, row 46, and D14 (row 32).
 *
 * Source: RUSTSEC-2025-0016 (pared: Parc::from_arc() and project() ask for T: 'static since 0.4); papaya issue 41 and its repair, pull
 * request 42 (HashMap is invariant in K and V). The map is reduced to one slot of which nothing is lent, so that what is replaced may be dropped.
 */
import {alloc, raw, xchg, type Location, type Operand, type Proc, type Value} from '../../lib/index.ts'
import {structValue, unitValue} from '../wrapper/value.ts'
import {boxOf, dropArc, dropBox, pointerOf, wordsOf, wrapper, type Call, type Wrapper} from '../wrapper/wrapper.ts'
import {admittedFrom, brokenUnder, everyModel} from './expectation.ts'

const bounds = {instances: 1, payloads: ['Loud', '&Loud', "Peek<'_>"]} as const

function projection(name: string, title: string, bound: string): Wrapper {
  const isBroken = bound === ''
  return wrapper({
    name, title, source: 'RUSTSEC-2025-0016 pared', bounds: {...bounds, size: 3, values: 1}, layout: () => null,
    expected: {source: 'wrappers.md, row 46', broken: brokenUnder(isBroken ? everyModel : []), options: admittedFrom(2, isBroken)},
    rust: `
pub struct Parc(*const ());
unsafe impl Send for Parc {}
unsafe impl Sync for Parc {}
impl Parc { pub fn from_arc<T: Send + Sync${bound}>(value: Arc<T>) -> Parc; }
impl Drop for Parc {}`,
    bodies: {
      * 'Parc::from_arc'({args}) {
        return structValue('Parc', pointerOf(args[0]))
      },
      * 'Parc::drop'(call) {
        yield* dropArc(call, call.self as Value)
        return unitValue
      },
    },
  })
}

/** Puts this in the slot, and drops what was there. */
function* replace(call: Call, pointer: Operand): Proc {
  const old = yield* xchg(call.self as Location, pointer)
  if ((yield* raw(old.ne(0))) !== 0) yield* dropBox(call, old)
}

function map(name: string, title: string, table: string): Wrapper {
  const isBroken = table === 'PhantomData<Box<T>>'
  return wrapper({
    name, title, source: 'papaya issue 41', bounds: {...bounds, size: 4, values: 2}, layout: (memory, name) => memory.word(name),
    expected: {source: 'wrappers.md, D14 and row 32', broken: brokenUnder(isBroken ? everyModel : []), options: admittedFrom(2, isBroken)},
    rust: `
pub struct HashMap<T> { table: ${table} }
unsafe impl<T: Send> Send for HashMap<T> {}
unsafe impl<T: Send + Sync> Sync for HashMap<T> {}
impl<T> HashMap<T> {
    pub fn new() -> Self;
    pub fn insert(&self, value: T);
}
impl<T> Drop for HashMap<T> {}`,
    bodies: {
      * 'HashMap::new'({self}) {
        return structValue('HashMap', self)
      },
      * 'HashMap::insert'(call) {
        yield* replace(call, yield* alloc(call.boxes, boxOf(wordsOf(call.args[0]))))
        return unitValue
      },
      * 'HashMap::drop'(call) {
        yield* replace(call, 0)
        return unitValue
      },
    },
  })
}

export const lifetimes: readonly Wrapper[] = [
  projection('pared-0.3', 'a handle that does not say what T borrows', ''),
  projection('pared', 'the same, of a T that borrows nothing', " + 'static"),
  map('papaya-covariant', 'a map that may be taken for one of shorter-lived values', 'PhantomData<Box<T>>'),
  map('papaya', 'the same, invariant in T', 'AtomicPtr<T>'),
]
