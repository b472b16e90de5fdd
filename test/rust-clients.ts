import test from 'ava'
import {check} from '../harness/rust/check.ts'
import {block, sizeOf, type Client} from '../harness/rust/client.ts'
import {clients, defaultBounds, type Budget, type Coverage} from '../harness/rust/enumerate.ts'
import {parseSignatures} from '../harness/rust/parse.ts'
import {borrowingPayloads, payloadNamed, payloads} from '../harness/rust/payloads.ts'
import {printClient, printProgram} from '../harness/rust/print.ts'
import {showType, type Signatures} from '../harness/rust/syntax.ts'
import {satisfies} from '../harness/rust/traits.ts'
import {atomicArc, closures, copyCell, domains, escaping, guarded, rcu, stack, unbounded} from './fixtures/signatures.ts'

/* Every small safe client of a wrapper, from its signatures alone. */

function printed(signatures: Signatures, client: Client): string {
  return printClient(signatures, client, check(signatures, client).types, 'client')
}

/** The clients with this payload, lazily, as text. */
function* all(text: string, payload: string, size: number): Generator<string> {
  const signatures = parseSignatures('wrapper', text)
  for (const client of clients(signatures, {size, payloads: [payload]})) yield printed(signatures, client)
}

/** The text without its indentation, as one line. */
function flat(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}

// ---- What is enumerated ----------------------------------------------------------------------------

for (const [name, text, payload, size] of [
  ['a cell that copies', copyCell, 'Pair', 3], ['a guard', guarded, 'u8', 2], ['RCU', rcu, 'u8', 2], ['closures', closures, 'Loud', 2],
] as const) {
  test(`all clients of up to ${size} statements: ${name}`, t => {
    t.snapshot([...all(text, payload, size)].join('\n'))
  })
}

test('the counts per size', t => {
  const counts = (text: string, size: number): number[] => {
    const found = Array.from({length: size}, () => 0)
    for (const {main} of clients(parseSignatures('w', text), {size})) found[sizeOf(main) - 1]!++
    return found
  }
  t.deepEqual([copyCell, guarded, rcu, closures, stack].map(text => counts(text, 3)), [
    [2, 4, 20],
    [5, 30, 388],
    [30, 141, 842],
    [9, 50, 651],
    [9, 42, 261],
  ])
})

test('each client once, smallest first', t => {
  const signatures = parseSignatures('w', stack)
  const found = [...clients(signatures, {size: 3})]
  t.is(new Set(found.map(client => JSON.stringify(client))).size, found.length)
  t.deepEqual(found.map(({main}) => sizeOf(main)), found.map(({main}) => sizeOf(main)).sort((a, b) => a - b))
})

test('a budget cuts it, and says what was covered', t => {
  const coverage = (budget: Budget): Coverage => {
    const run = clients(parseSignatures('w', guarded), budget)
    for (let step = run.next(); ; step = run.next()) if (step.done === true) return step.value
  }
  t.deepEqual(coverage({size: 1}), {
    clients: 5, complete: 1, cut: false,
    uncalled: ['SeqLock::read', 'SeqLock::lock_write', 'SeqLock::try_write', 'SeqLock::get_mut', 'SeqLock::into_inner', 'WriteGuard::deref', 'WriteGuard::deref_mut'],
  })
  t.deepEqual(coverage({size: 3, clients: 10}), {
    clients: 10, complete: 1, cut: true, uncalled: ['SeqLock::into_inner', 'WriteGuard::deref', 'WriteGuard::deref_mut'],
  })
})

test('a method that nothing can be given to is named', t => {
  const run = clients(parseSignatures('w', 'struct Key; struct Lock; impl Lock { fn new() -> Self; fn open(&self, key: Key); }'), {size: 3})
  let step = run.next()
  while (step.done !== true) step = run.next()
  t.deepEqual(step.value.uncalled, ['Lock::open'])
})

// ---- Payloads --------------------------------------------------------------------------------------

test('T is what the bounds admit', t => {
  const found = (text: string, size: number): readonly string[] => [...new Set([...clients(parseSignatures('w', text), {size})].map(({payload}) => payload))]
  t.deepEqual(found(copyCell, 1), ['u8', 'Pair'])
  t.deepEqual(found(guarded, 1), ['u8', 'Pair', 'bool', 'Either', "&'static u8"])
  t.deepEqual(found(unbounded, 1), payloads.map(({name}) => name))
  t.deepEqual(found(domains, 1), ['u8'], 'without a T there is nothing to range over')
})

test('Copy, Clone, Send and Sync of the payloads', t => {
  const every = [...payloads, ...borrowingPayloads]
  const none = parseSignatures('w', '')
  const traits = (name: string): string => ['Copy', 'Clone', 'Send', 'Sync'].filter(trait => satisfies(none, payloadNamed(name).type, trait)).join(' ')
  t.deepEqual(every.map(({name}) => `${name}: ${traits(name)}`), [
    'u8: Copy Clone Send Sync', 'Pair: Copy Clone Send Sync', 'bool: Copy Clone Send Sync', 'Either: Copy Clone Send Sync', "&'static u8: Copy Clone Send Sync",
    'Cell<u8>: Clone Send', 'Rc<u8>: Clone', 'Loud: Clone Send Sync', 'Homed: Sync',
    '&Loud: Copy Clone Send Sync', "Peek<'_>: Send Sync",
  ])
})

test('a T that borrows a local variable: which is gone before what borrows it, if Rust lets it', t => {
  const slot = (field: string): string => `pub struct Slot<T>(${field}); impl<T> Slot<T> { fn new() -> Self; fn put(&self, value: T); } impl<T> Drop for Slot<T> {}`
  const found = (field: string): readonly string[] =>
    [...clients(parseSignatures('w', slot(field)), {size: 3, payloads: ["Peek<'_>"]}, {...defaultBounds, threads: 0})].map(client => flat(printed(parseSignatures('w', slot(field)), client)))
  const isGoneFirst = "fn client() { let slot = Slot::<Peek<'_>>::new(); let local = Loud(0); slot.put(Peek(&local)); }"
  t.deepEqual(found('PhantomData<Box<T>>'), [isGoneFirst], 'a slot of long-lived values may be taken for one of short-lived values')
  t.deepEqual(found('AtomicPtr<T>'), [])
})

test('auto traits follow the fields unless an impl, positive or negative, says otherwise', t => {
  const signatures = parseSignatures('w', `
    struct Plain(u8); struct Raw(*const u8); struct Marked(PhantomData<*const ()>); struct Opaque<'a>; struct Shared<T>(UnsafeCell<T>); struct Never(u8);
    struct Holder<'a, T>(&'a Shared<T>); unsafe impl<T: Send> Sync for Shared<T> {} impl !Send for Never {} unsafe impl Sync for Opaque<'_> {}
    fn f<T>(a: Plain, b: Raw, c: Marked, d: Opaque<'_>, e: Shared<Cell<u8>>, f: Shared<Rc<u8>>, g: Holder<'_, u8>, h: Holder<'_, Rc<u8>>, i: Never);`)
  t.deepEqual(signatures.methods[0]!.parameters.map(({type}) => `${showType(type)}: ${['Send', 'Sync'].filter(trait => satisfies(signatures, type, trait)).join(' ')}`), [
    'Plain: Send Sync', 'Raw: ', 'Marked: ', "Opaque<'_>: Sync", 'Shared<Cell<u8>>: Send Sync', 'Shared<Rc<u8>>: ', "Holder<'_, u8>: Send Sync", "Holder<'_, Rc<u8>>: ", 'Never: Sync',
  ])
})

// ---- The clients that the catalogue's defects need -------------------------------------------------

const includes = test.macro({
  exec(t, text: string, payload: string, size: number, expected: string) {
    const wanted = flat(`fn client() { ${expected} }`)
    let seen = 0
    for (const client of all(text, payload, size)) {
      seen++
      if (flat(client) === wanted) {
        t.pass(`client ${seen}`)
        return
      }
    }
    t.fail(`not among ${seen} clients:\n${wanted}`)
  },
  title: (title = '') => `among the smallest clients: ${title}`,
})

test('a write beside a read (D4)', includes, copyCell, 'Pair', 3, `
  let lock = SeqLock::new(Pair { a: 0, b: 0 });
  thread::scope(|scope| { scope.spawn(|| { let a = lock.read(); }); scope.spawn(|| { lock.write(Pair { a: 1, b: 1 }); }); });`)
test('a write through a guard beside a read (D1)', includes, guarded, 'Pair', 4, `
  let lock = SeqLock::new(Pair { a: 0, b: 0 });
  thread::scope(|scope| {
    scope.spawn(|| { let mut guard = lock.lock_write(); *guard = Pair { a: 1, b: 1 }; });
    scope.spawn(|| { let a = lock.read(); });
  });`)
test('guards of two instances, exchanged', includes,
  "struct Lock; struct Guard<'a>(&'a Lock); impl Lock { fn new() -> Self; fn lock(&self) -> Guard<'_>; } impl Drop for Guard<'_> {}", 'u8', 5, `
  let lock = Lock::new(); let lock2 = Lock::new(); let mut guard = lock.lock(); let mut guard2 = lock2.lock(); mem::swap(&mut guard, &mut guard2);`)
test('an update in place beside a closure that looks (D7)', includes, closures, 'Either', 4, `
  let cell = SeqCell::new(Either::Int(0));
  thread::scope(|scope| {
    scope.spawn(|| { cell.write(|value| { *value = Either::Ref(&1); }); });
    scope.spawn(|| { let a = cell.read(|value2| *value2); });
  });`)
test('a closure that comes back for more', includes, closures, 'u8', 3, `
  let cell = SeqCell::new(0u8); cell.write(|_| { let a = cell.read(|value2| *value2); });`)
test('a reference that outlives its guard, where the signature lets it (D14)', includes, escaping, 'u8', 5, `
  let rcu = Rcu::new(Box::new(0u8)); let guard = Guard::new(); let value = rcu.read(&guard); drop(guard); black_box(value);`)
test('a comparison with a share that is still owned (D18)', includes, atomicArc, 'u8', 4, `
  let arc = AtomicArc::new(Arc::new(0u8));
  thread::scope(|scope| {
    scope.spawn(|| { let arc2 = arc.load(); let maybe_arc = arc.compare_exchange(&arc2, Arc::new(1u8)); });
    scope.spawn(|| { let maybe_arc2 = arc.take(); });
  });`)
test('a push beside a pop and another push (D20)', includes, stack, 'Loud', 4, `
  let stack = Stack::<Loud>::new();
  thread::scope(|scope| {
    scope.spawn(|| { let popped = stack.pop_all(); stack.push(Box::new(Loud(0))); });
    scope.spawn(|| { stack.push(Box::new(Loud(1))); });
  });`)
test('a guard that is forgotten, and another (D22)', includes, domains, 'u8', 4, `
  let domain = Domain::new(); let pin = domain.pin(false); mem::forget(pin); let pin2 = domain.pin(true);`)
test('two threads with what is not Sync, where the bound is missing (D24)', includes, unbounded, 'Cell<u8>', 5, `
  let anything = Anything::new(Cell::new(0u8));
  thread::scope(|scope| {
    scope.spawn(|| { let value = anything.get(); black_box(value); });
    scope.spawn(|| { let value2 = anything.get(); black_box(value2); });
  });`)

test('and where the signature forbids it, no client lets a reference outlive its guard', t => {
  const wanted = /let value = rcu\.read\(&guard\); .*drop\(guard\); .*black_box\(value\)/
  t.false([...all(rcu, 'u8', 5)].some(text => wanted.test(flat(text))))
})

// ---- The form of a client --------------------------------------------------------------------------

test('what is dropped where is explicit, in the order of Rust', t => {
  const signatures = parseSignatures('w', guarded.replaceAll('T: Copy + Send', 'T: Send').replaceAll('T: Copy', 'T'))
  const wanted = 'let lock = SeqLock::new(Loud(0)); let guard = lock.lock_write(); let Some(guard2) = lock.try_write() else { return };'
  const client = [...clients(signatures, {size: 3, payloads: ['Loud']})].find(client => flat(printed(signatures, client)).includes(wanted))!
  const [, , last] = client.main.statements
  t.deepEqual(client.main.drops, [2, 1, 0])
  t.deepEqual(last?.kind === 'call' ? last.otherwise : null, [1, 0])
})

test('a client prints as a whole program', t => {
  const signatures = parseSignatures('w', guarded)
  const client: Client = {payload: 'Pair', main: block({kind: 'call', method: 'SeqLock::new', operands: [{kind: 'fresh', value: 0}], into: {kind: 'variable', variable: 0}, otherwise: []})}
  t.is(printProgram(signatures, client, check(signatures, client).types, 'wrapper'), `use wrapper::*;

#[derive(Clone, Copy)]
pub struct Pair { pub a: usize, pub b: usize }

fn main() {
    let lock = SeqLock::new(Pair { a: 0, b: 0 });
}
`)
})

test('and declares no payload that Rust has', t => {
  const signatures = parseSignatures('w', guarded)
  const client: Client = {payload: "&'static u8", main: block()}
  t.is(printProgram(signatures, client, new Map(), 'wrapper'), 'use wrapper::*;\n\nfn main() {\n\n}\n')
})

test('in closures within closures, what is captured has no more stars than it needs', t => {
  const signatures = parseSignatures('w', `struct Lock<T>(T); struct Guard<'a, T>(&'a T); impl<T> Deref for Guard<'_, T> { type Target = T; }
    impl<T> Lock<T> { fn new(value: T) -> Self; fn lock(&self) -> Guard<'_, T>; fn with(&self, look: impl Fn()); }`)
  const text = [...clients(signatures, {size: 5, payloads: ['u8']}, {...defaultBounds, threads: 0, instances: 1})].map(client => flat(printed(signatures, client)))
  t.true(text.some(client => client.includes('lock.with(|| { lock.with(|| { black_box(&*guard); }); });')))
})
