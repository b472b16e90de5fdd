import test, {type ExecutionContext} from 'ava'
import {check} from '../harness/rust/check.ts'
import {defaultBounds} from '../harness/rust/enumerate.ts'
import {block, unitOperand, type Capture, type Client, type Operand, type Pattern, type Statement, type Thread} from '../harness/rust/client.ts'
import {parseSignatures} from '../harness/rust/parse.ts'
import {printClient} from '../harness/rust/print.ts'
import type {Signatures} from '../harness/rust/syntax.ts'
import {clientListOf} from '../harness/wrapper/clients.ts'
import {sizeFor, smallDepth} from '../harness/wrapper/depth.ts'
import type {Wrapper} from '../harness/wrapper/wrapper.ts'
import {catalogue} from '../harness/wrappers/index.ts'
import {atomicArc, closures, copyCell, domains, guarded, rcu, unbounded} from './fixtures/signatures.ts'
import {rawClients} from './helpers/raw-clients.ts'
import {rejections, rustc} from './helpers/rustc.ts'

/*
 * The judge is rustc: what is generated it must accept, what must never be generated it must reject, and on every small
 * sequence of statements, good or bad, it must agree with our checker.
 */

/** Whether there is a rustc to ask; a test without one passes, and says so. */
function canAsk(t: ExecutionContext): boolean {
  if (rustc !== null) return true
  t.log('skipped: there is no rustc on the PATH or in ~/.cargo/bin')
  t.pass()
  return false
}

function printed(signatures: Signatures, client: Client, i: number): string {
  return printClient(signatures, client, check(signatures, client).types, `client${i}`)
}

// ---- What is generated is accepted -----------------------------------------------------------------

/** Entries whose signatures and bounds differ: those of others have the same clients. */
const distinct = new Map(catalogue.map(wrapper => [JSON.stringify([wrapper.rust, wrapper.bounds]), wrapper]))

const isDeep = process.env['TEARPROOF_DEEP'] !== undefined

/** Of each, smallest first; with TEARPROOF_DEEP set, as many as are tried, which takes minutes. */
const mostOf = ({bounds}: Wrapper): number => isDeep ? Math.max(smallDepth.clients, bounds?.clients ?? 0) : 200

test(`rustc accepts every client that the catalogue is tried with, ${isDeep ? 'all' : 'up to 200'} of each of ${distinct.size} signatures`, t => {
  if (!canAsk(t)) return
  let asked = 0
  for (const wrapper of distinct.values()) {
    const {name, signatures} = wrapper
    const all: string[] = []
    for (const {client, ordinal} of clientListOf(wrapper).upTo(sizeFor(wrapper, smallDepth))) {
      if (ordinal > mostOf(wrapper)) break
      all.push(printed(signatures, client, ordinal))
    }
    const rejected = rejections(signatures, all).flatMap((error, i) => error === null ? [] : [`${name}: ${error}\n${all[i]}`])
    t.deepEqual(rejected, [])
    asked += all.length
  }
  t.log(`${asked} clients`)
  t.true(asked > 3000)
})

// ---- What must never be generated is rejected ------------------------------------------------------

const fresh: Operand = {kind: 'fresh', value: 0}
const share = (variable: number, derefs = 0): Operand => ({kind: 'share', place: {variable, derefs}})
const lend = (variable: number, derefs = 0): Operand => ({kind: 'lend', place: {variable, derefs}})
const move = (variable: number): Operand => ({kind: 'move', variable})
const boxed = (operand: Operand): Operand => ({kind: 'wrap', into: 'Box', operand})
const call = (method: string, operands: readonly Operand[], into: number | Pattern | null = null): Statement => ({
  kind: 'call', method, operands, otherwise: [],
  into: into === null ? {kind: 'ignored'} : typeof into === 'number' ? {kind: 'variable', variable: into} : into,
})
const drop = (variable: number): Statement => ({kind: 'drop', variable})
const use = (variable: number): Statement => ({kind: 'use', variable, through: null})
const thread = (captures: readonly Capture[], ...statements: readonly Statement[]): Thread => ({captures, body: block(...statements), result: null})
const scope = (...threads: readonly Thread[]): Statement => ({kind: 'scope', threads})
const closure = (captures: readonly Capture[], parameters: readonly number[], result: Operand, ...statements: readonly Statement[]): Operand =>
  ({kind: 'closure', closure: {captures, parameters, body: block(...statements), result}})

const lock = call('SeqLock::new', [fresh], 0)
const cell = call('Rcu::new', [boxed(fresh)], 0)

const rejects = test.macro({
  exec(t, text: string, payload: string, problem: RegExp, code: string, ...statements: readonly Statement[]) {
    const signatures = parseSignatures('wrapper', text)
    const client: Client = {payload, main: block(...statements)}
    const result = check(signatures, client)
    t.is(result.kind, 'rejected')
    if (result.kind === 'rejected') t.regex(result.problem, problem)
    if (!canAsk(t)) return
    const source = printed(signatures, client, 0)
    const [error] = rejections(signatures, [source])
    t.true(error?.startsWith(code), `${error}\n${source}`)
  },
  title: (title = '') => `rejected by both: ${title}`,
})

test('a value that is moved twice', rejects, guarded, 'u8', /use of moved variable 0/, 'E0382',
  lock, call('SeqLock::into_inner', [move(0)], 1), call('SeqLock::into_inner', [move(0)], 2))
test('a value that is dropped twice', rejects, rcu, 'u8', /use of moved variable 0/, 'E0382', cell, drop(0), drop(0))
test('a guard that is used after it was forgotten', rejects, guarded, 'u8', /use of moved variable 1/, 'E0382',
  lock, call('SeqLock::lock_write', [share(0)], 1), {kind: 'forget', variable: 1}, call('WriteGuard::deref', [share(1)], 2))
test('a reference that outlives its guard', rejects, rcu, 'u8', /drop 1: moved while borrowed by Rcu::read/, 'E0505',
  cell, call('Guard::new', [], 1), call('Rcu::read', [share(0), share(1)], 2), drop(1), use(2))
test('an owner that is moved while a guard borrows it', rejects, guarded, 'u8', /into_inner: moved while borrowed by SeqLock::lock_write/, 'E0505',
  lock, call('SeqLock::lock_write', [share(0)], 1), call('SeqLock::into_inner', [move(0)], 2))
test('an owner that is dropped while a reference is in use', rejects, rcu, 'u8', /drop 0: moved while borrowed/, 'E0505',
  cell, call('Guard::new', [], 1), call('Rcu::read', [share(0), share(1)], 2), drop(0), use(2))
test('&mut while it is shared', rejects, guarded, 'u8', /get_mut: borrowed while borrowed by SeqLock::lock_write/, 'E0502',
  lock, call('SeqLock::lock_write', [share(0)], 1), call('SeqLock::get_mut', [lend(0)], 2), drop(1))
test('two &mut at once', rejects, guarded, 'u8', /while exclusively borrowed/, 'E0499',
  lock, call('SeqLock::get_mut', [lend(0)], 1), call('SeqLock::get_mut', [lend(0)], 2), {kind: 'write', variable: 1, through: null, value: 1})
test('&mut from two threads', rejects, guarded, 'u8', /start of a thread: borrowed while exclusively borrowed/, 'E0499',
  lock, scope(...[1, 3].map(inner => thread([{outer: 0, mode: 'lend', inner}], call('SeqLock::get_mut', [lend(inner, 1)], inner + 1)))))
test('a move within the call that borrows', rejects, atomicArc, 'u8', /moved while borrowed/, 'E0505',
  call('AtomicArc::new', [{kind: 'wrap', into: 'Arc', operand: fresh}], 0), call('AtomicArc::load', [share(0)], 1),
  call('AtomicArc::compare_exchange', [share(0), share(1), move(1)], 2))
test('what is !Send sent', rejects, guarded, 'u8', /WriteGuard<'_, u8> is not Send/, 'E0277',
  lock, call('SeqLock::lock_write', [share(0)], 1), scope(thread([{outer: 1, mode: 'move', inner: 2}], drop(2))))
test('what is !Sync shared', rejects, closures, 'Rc<u8>', /SeqCell<Rc<u8>> is not Sync/, 'E0277',
  call('SeqCell::new', [fresh], 0), scope(thread([{outer: 0, mode: 'share', inner: 1}], call('SeqCell::write', [share(1, 1), closure([], [2], unitOperand)]))))
test('a T that does not satisfy the bound', rejects, copyCell, 'Rc<u8>', /Rc<u8> is not AnyBitPattern/, 'E0', lock)
test('a marker that T lacks', rejects, unbounded, 'bool', /bool is not Plain/, 'E0599',
  call('Anything::new', [fresh], 0), call('Anything::snapshot', [share(0)], 1))
test('a value that is used after a thread took it', rejects, guarded, 'u8', /use of moved variable 0/, 'E0382',
  lock, scope(thread([{outer: 0, mode: 'move', inner: 1}], call('SeqLock::read', [share(1)], 2))), call('SeqLock::read', [share(0)], 3))
test('a guard that a thread returns although it took the lock', rejects, rcu, 'u8', /while borrowed by Rcu::replace/, 'E0515',
  cell, scope({captures: [{outer: 0, mode: 'move', inner: 1}], body: block(call('Rcu::replace', [share(1), boxed(fresh)], 2)), result: {inner: 2, outer: 3}}))
test('guards that are swapped and then live longer than their locks', rejects, domains, 'u8', /while borrowed by Domain::pin/, 'E0597',
  call('Domain::new', [], 0), call('Domain::pin', [share(0), {kind: 'constant', text: 'true'}], 1),
  call('Domain::new', [], 2), call('Domain::pin', [share(2), {kind: 'constant', text: 'true'}], 3), {kind: 'swap', first: 1, second: 3})
test('a reference that leaves the closure it was lent to', rejects, closures, 'u8', /expected u8, found &u8/, 'error',
  call('SeqCell::new', [fresh], 0), call('SeqCell::read', [share(0), closure([], [1], move(1))], 2))
test('work for later that borrows', rejects, domains, 'u8', /borrowed/, 'E0',
  call('Domain::new', [], 0), call('Domain::new', [], 1),
  call('Domain::defer', [share(0), closure([{outer: 1, mode: 'share', inner: 2}], [], unitOperand, call('Domain::pin', [share(2, 1), {kind: 'constant', text: 'true'}], 3))]))
test('a lease that ends while what it renewed is in use', rejects, unbounded, 'u8', /Lease::end: moved while exclusively borrowed by Lease::renew/, 'E0505',
  call('Anything::new', [fresh], 0), call('Anything::lease', [lend(0)], 1), call('Lease::renew', [lend(1)], 2), call('Lease::end', [move(1)], 3), use(2))
test('a write through a shared reference', rejects, unbounded, 'u8', /&u8 cannot be written through/, 'E0594',
  call('Anything::new', [fresh], 0), call('Anything::get', [share(0)], 1), {kind: 'write', variable: 1, through: null, value: 1})
test('an unsafe function', rejects, guarded, 'u8', /force_unlock: it is unsafe/, 'E0133', lock, call('SeqLock::force_unlock', [share(0)]))
test('a borrow of a payload that a pattern took apart', rejects, guarded, 'u8', /into_inner: moved while borrowed by SeqLock::try_write/, 'E0505',
  lock, call('SeqLock::try_write', [share(0)], {kind: 'variant', name: 'Some', item: {kind: 'variable', variable: 1}}), call('SeqLock::into_inner', [move(0)], 2))

// ---- On everything in between they agree -----------------------------------------------------------

const tinyGuard = `
  pub struct Lock<T>(UnsafeCell<T>);
  pub struct Guard<'a, T>(&'a Lock<T>);
  unsafe impl<T: Send> Sync for Lock<T> {}
  impl<T> Lock<T> { fn new(value: T) -> Self; fn lock(&self) -> Guard<'_, T>; fn get_mut(&mut self) -> &mut T; }
  impl<T> Deref for Guard<'_, T> { type Target = T; fn deref(&self) -> &T; }`
const tinyDrop = `${tinyGuard} impl<T> Drop for Guard<'_, T> {}`
const tinyMut = `${tinyDrop} impl<T> DerefMut for Guard<'_, T> {}`
const tinyRcu = `
  pub struct Guard(PhantomData<*const ()>);
  pub struct Rcu<T>(PhantomData<Box<T>>);
  impl Guard { fn new() -> Self; }
  impl Drop for Guard {}
  impl<T: 'static> Rcu<T> { fn new(value: T) -> Self; fn read<'g>(&'g self, guard: &'g Guard) -> &'g T; fn into_inner(self) -> T; }`
const tinyParts = tinyDrop.replace('fn lock(', "fn both(&self) -> (Guard<'_, T>, Guard<'_, T>); fn peek(&self) -> Option<&T>; fn try_lock(&self) -> Option<Guard<T>>; fn lock(")
const tinyClosures = `
  pub struct Lock<T>(UnsafeCell<T>);
  impl<T> Lock<T> { fn new(value: T) -> Self; fn read<R>(&self, look: impl Fn(&T) -> R) -> R; fn update(&mut self, change: impl FnOnce(T) -> T); fn get_mut(&mut self) -> &mut T; }`

const tinyScoped = `
  pub struct Guard(PhantomData<*const ()>);
  pub struct Rcu<T>(PhantomData<Box<T>>);
  impl Guard { fn with<R>(inside: impl FnOnce(&Guard) -> R) -> R; }
  impl<T: 'static> Rcu<T> { fn new(value: T) -> Self; fn read<'g>(&'g self, guard: &'g Guard) -> &'g T; fn edit(&mut self, change: impl FnMut(&mut T, &Guard)); fn into_inner(self) -> T; }`
const tinyCell = `
  pub struct List<T>(PhantomData<T>);
  pub struct Link<'a, T>(Cell<Option<&'a List<T>>>);
  unsafe impl<T> Sync for List<T> {}
  impl<T> List<T> { fn new() -> Self; fn link<'a>(&'a self) -> Link<'a, T>; fn share(self: &Arc<Self>) -> Arc<List<T>>; fn end(self); }
  impl<'a, T> Link<'a, T> { fn set(&self, list: &'a List<T>); fn get(&self) -> Option<&'a List<T>>; }`
const tinyLease = `
  pub struct Lock<T>(UnsafeCell<T>);
  pub struct Lease<'a, T>(&'a mut T);
  impl<T> Lock<T> { fn new(value: T) -> Self; fn lease(&mut self) -> Lease<'_, T>; fn both<'a>(&'a self, other: &'a Lock<T>) -> (&'a T, &'a T); }
  impl<'a, T> Lease<'a, T> { fn renew(&mut self) -> &mut T; fn end(self) -> &'a mut T; fn again<'b>(&'b mut self) -> Lease<'b, T>; }`

const tinySlot = `
  pub struct Slot<T>(PhantomData<Box<T>>);
  impl<T> Slot<T> { fn new() -> Self; fn put(&self, value: T); fn take(&self) -> Option<T>; }
  impl<T> Drop for Slot<T> {}`
const tinyErased = `
  pub struct Handle(*const ());
  impl Handle { fn new<T: Send>(value: T) -> Handle; fn boxed<T: Send>(value: Box<T>) -> Handle; fn end(self); }
  impl Drop for Handle {}`

const tinyTaken = `
  pub struct Lock<T>(UnsafeCell<T>);
  pub struct Guard<'a, T>(&'a Lock<T>);
  impl<T> Lock<T> { fn new(value: T) -> Self; fn lock(&self) -> Guard<'_, T>; fn once(&self, look: impl FnOnce(&T)); fn often(&self, look: impl FnMut(&T)); fn end(self); }
  impl<T> Guard<'_, T> { fn end(self); fn renew(&mut self); }
  impl<T> Deref for Guard<'_, T> { type Target = T; } impl<T> DerefMut for Guard<'_, T> {} impl<T> Drop for Guard<'_, T> {}`

const agrees = test.macro({
  exec(t, text: string, payload: string, size: number, threads: number) {
    if (!canAsk(t)) return
    const signatures = parseSignatures('tiny', text)
    const raw = [...rawClients(signatures, payload, size, threads, {...defaultBounds, closure: text === tinyScoped || text === tinyTaken ? 2 : 1})]
    const programs = raw.map((client, i) => printed(signatures, client, i))
    const ours = raw.map(client => check(signatures, client))
    const theirs = rejections(signatures, programs)
    const apart = ours.flatMap((result, i) => (result.kind === 'rejected') === (theirs[i] !== null) ? []
      : [`ours: ${result.kind === 'rejected' ? result.problem : 'accepted'}\nrustc: ${theirs[i] ?? 'accepted'}\n${programs[i]}`])
    t.deepEqual(apart, [])
    t.log(`${raw.length} clients, ${ours.filter(({kind}) => kind === 'rejected').length} of them rejected`)
    t.true(raw.length > 20)
  },
  title: (title = '', _: string, payload: string, size: number, threads: number) =>
    `rustc and the checker agree on every client of ${size} statements${threads > 0 ? ` and ${threads} threads` : ''} with ${payload}: ${title}`,
})

test('a guard without a destructor', agrees, tinyGuard, 'u8', 4, 0)
test('a guard without a destructor', agrees, tinyGuard, 'Loud', 4, 0)
test('a guard without a destructor', agrees, tinyGuard, 'Rc<u8>', 2, 1)
test('a guard without a destructor', agrees, tinyGuard, 'Cell<u8>', 1, 2)
test('a guard with a destructor', agrees, tinyDrop, 'u8', 5, 0)
test('a guard with a destructor', agrees, tinyDrop, 'Loud', 4, 0)
test('a guard with a destructor', agrees, tinyDrop, 'u8', 2, 2)
test('a guard to write through', agrees, tinyMut, 'u8', 4, 0)
test('a guard to write through', agrees, tinyMut, 'Loud', 4, 0)
test('a guard to write through', agrees, tinyMut, 'u8', 2, 1)
test('two borrows in one', agrees, tinyRcu, 'u8', 4, 0)
test('two borrows in one', agrees, tinyRcu, 'u8', 2, 1)
test('tuples and options of guards', agrees, tinyParts, 'u8', 3, 0)
test('tuples and options of guards', agrees, tinyParts, 'Loud', 3, 0)
test('closures', agrees, tinyClosures, 'u8', 3, 0)
test('closures', agrees, tinyClosures, 'Loud', 3, 0)
test('what closures are given and lent', agrees, tinyTaken, 'u8', 4, 0)
test('a guard for the time of a closure', agrees, tinyScoped, 'u8', 4, 0)
test('lifetimes in a cell, which stay as they are', agrees, tinyCell, 'u8', 4, 0)
test('lifetimes in a cell, which stay as they are', agrees, tinyCell, 'u8', 2, 1)
test('a lease that is renewed, lent and ended', agrees, tinyLease, 'Loud', 4, 0)
for (const payload of ['&Loud', "Peek<'_>"]) {
  test('T borrows a local variable', agrees, tinySlot, payload, 4, 0)
  test('T borrows a local variable, and cannot be shortened', agrees, tinySlot.replace('Box<T>', 'Cell<T>'), payload, 4, 0)
  test('T borrows a local variable, of which its owner says nothing', agrees, tinyErased, payload, 4, 0)
  test('T borrows a local variable, and must not', agrees, tinyErased.replace('Send', "Send + 'static"), payload, 4, 0)
}
test('T borrows a local variable, and a guard it', agrees, tinyDrop, '&Loud', 4, 0)
test('T borrows a local variable, and threads the owner', agrees, tinySlot, "Peek<'_>", 3, 1)
test('T borrows a local variable, and a closure sees it', agrees, tinyClosures, '&Loud', 4, 0)
