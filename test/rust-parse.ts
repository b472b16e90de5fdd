import test from 'ava'
import {parseSignatures} from '../harness/rust/parse.ts'
import {RustError} from '../harness/rust/source.ts'
import {showType, type Method} from '../harness/rust/syntax.ts'

/* Rust signatures as a wrapper's author writes them: what is understood of them, and what the errors say. */

function shown({id, parameters, result, unsafe}: Method): string {
  const returns = showType(result) === '()' ? '' : ` -> ${showType(result)}`
  return `${unsafe ? 'unsafe ' : ''}${id}(${parameters.map(({name, type}) => `${name}: ${showType(type)}`).join(', ')})${returns}`
}

const accepts = test.macro({
  exec(t, text: string, ...methods: string[]) {
    t.deepEqual(parseSignatures('w', text).methods.map(shown), methods)
  },
  title: (title = '') => `accepts ${title}`,
})

test('receivers by reference, by exclusive reference, by value, and none', accepts,
  'struct Lock; impl Lock { fn new() -> Self; fn a(&self); fn b(&mut self); fn c(self) -> Lock; fn d(self: &Arc<Self>); }',
  'Lock::new() -> Lock', 'Lock::a(self: &Lock)', 'Lock::b(self: &mut Lock)', 'Lock::c(self: Lock) -> Lock', 'Lock::d(self: &Arc<Lock>)')

test('bodies, and passes over them', accepts,
  'struct Lock; impl Lock { pub const fn new() -> Self { Lock } fn get(&self) -> u8 { let x = todo!(; 1 } }',
  'Lock::new() -> Lock', 'Lock::get(self: &Lock) -> u8')

test('Option, Result, tuples, Box, Arc, paths and raw pointers', accepts,
  'fn f<T>(a: Option<Box<T>>, b: (u8, bool), c: std::sync::Arc<T>, d: *const T, e: [u8; 2]) -> Result<(), T>;',
  'f(a: Option<Box<T>>, b: (u8, bool), c: Arc<T>, d: *const T, e: [u8; 2]) -> Result<(), T>')

test('closures, written in place or as a parameter with its bound', accepts,
  `fn f<T, R>(f: impl Fn(&T) -> R + Send + 'static); fn g<T, F: FnOnce(&mut T, u8)>(f: F);
   fn h<T, F>(f: F) where F: FnMut() -> T; fn i<T, F>(f: F) where for<'a> F: Fn(&'a T) -> &'a T;`,
  "f(f: impl Fn(&T) -> R + Send + 'static)", 'g(f: impl FnOnce(&mut T, u8))', 'h(f: impl FnMut() -> T)', "i(f: impl for<'a> Fn(&'a T) -> &'a T)")

test('unsafe functions', accepts, 'struct P; impl P { pub unsafe fn free(&self); }', 'unsafe P::free(self: &P)')

test('Drop, Deref, DerefMut and Clone, whose members may go without saying', accepts,
  `#[derive(Clone)] struct Key; struct Guard<'a, T>(&'a mut T);
   impl<T> Drop for Guard<'_, T> {} impl<T> Deref for Guard<'_, T> { type Target = T; fn deref(&self) -> &Self::Target; } impl<T> DerefMut for Guard<'_, T> {}`,
  'Guard::deref(self: &Guard<\'_, T>) -> &T', 'Key::clone(self: &Key) -> Key', 'Guard::drop(self: &mut Guard<\'_, T>)', 'Guard::deref_mut(self: &mut Guard<\'_, T>) -> &mut T')

const elides = test.macro({
  exec(t, signature: string, expected: string) {
    const [method] = parseSignatures('w', `struct Lock<T>(T); struct Guard<'a, T>(&'a T); impl<T> Lock<T> { ${signature} }`).methods
    const lifetime = (type: unknown): string => /'[\w]+/.exec(JSON.stringify(type))?.[0] ?? 'none'
    t.is(`${method!.parameters.map(({type}) => lifetime(type)).join(' ')} -> ${lifetime(method!.result)}`, expected)
  },
  title: (title = '') => `elided lifetimes: ${title}`,
})

test('the result borrows from &self', elides, 'fn f(&self, g: &Guard<T>) -> Guard<T>;', "'_1 '_2 -> '_1")
test('or from the only parameter that borrows', elides, 'fn f(a: u8, g: &T) -> Option<&T>;', "none '_1 -> '_1")
test('a named lifetime stays', elides, "fn f<'g>(&self, g: &'g T) -> &'g T;", "'_1 'g -> 'g")

test('bounds in lists and where clauses, impls of Send and Sync, markers, derives', t => {
  const {impls, markers, structs, methods} = parseSignatures('w', `
    #[derive(Clone, Copy)] pub struct Key<'a>(&'a u8);
    pub struct SeqLock<T: Copy> where T: AnyBitPattern { value: UnsafeCell<T> }
    pub unsafe trait Plain: Copy + 'static {}
    unsafe impl Plain for u8 {}
    unsafe impl<T: Send + Copy> Sync for SeqLock<T> where T: AnyBitPattern {}
    impl<T> !Send for SeqLock<T> {}
    impl<T: 'static> SeqLock<T> where SeqLock<T>: Send { fn f<'a, 'b: 'a>(&'a self, b: &'b T) where T: Plain + 'a; }`)
  t.deepEqual(impls.map(({trait, type, negative, bounds}) => `${negative ? '!' : ''}${trait} for ${showType(type)} where ${bounds.length}`), [
    "Clone for Key<'a> where 0", "Copy for Key<'a> where 0", 'Plain for u8 where 0', 'Sync for SeqLock<T> where 3', '!Send for SeqLock<T> where 0',
  ])
  t.deepEqual(markers, [{name: 'Plain', supertraits: ['Copy', "'static"]}])
  t.deepEqual(structs.map(({name, regions, types, bounds}) => [name, regions.length, types.length, bounds.length]), [['Key', 1, 0, 0], ['SeqLock', 0, 1, 2]])
  t.deepEqual(methods.at(0)!.bounds.map(({kind}) => kind), ['outlives', 'trait', 'longer', 'trait', 'outlives'])
})

test('structs with fields in order, by name, without, or opaque; enums', t => {
  const {structs} = parseSignatures('w', "struct A(u8, bool); struct B { x: u8 } struct C; struct D<'a, T>; enum E<T> { None, Some(T) }")
  t.deepEqual(structs.map(({variants}) => variants?.map(({name, fields}) => `${name} ${fields.map(showType).join(' ')}`) ?? null),
    [['A u8 bool'], ['B u8'], ['C '], null, ['None ', 'Some T']])
})

// ---- Errors ----------------------------------------------------------------------------------------

const rejects = test.macro({
  exec(t, text: string, message: RegExp | string) {
    const error = t.throws(() => parseSignatures('lock.rs', text), {instanceOf: RustError})
    if (typeof message === 'string') t.is(error?.message, message)
    else t.regex(error?.message ?? '', message)
  },
  title: (title = '') => `an error says where and what: ${title}`,
})

test('an unfinished struct', rejects, 'struct X {\n  a: u8', "lock.rs:2:8: expected a field such as 'value: T', or '}', found the end of the text")
test('a misspelt keyword', rejects, '\nstuct X;', "lock.rs:2:1: expected an item (struct, enum, impl, trait, fn and use), found 'stuct'")
test('a missing semicolon', rejects, 'struct X;\nimpl X { fn f(&self) fn g(); }', "lock.rs:2:22: expected a signature such as 'fn read(&self) -> T;', found 'fn'")
test('a missing type', rejects, 'struct X { x: }', /^lock\.rs:1:15: expected a field .*, found '}'$/)
test('an unknown type', rejects, 'fn f(x: Foo);', /^lock\.rs:1:9: there is no type Foo: declare it \(struct Foo;\), or use a known one: u8, /)
test('an unknown trait', rejects, 'fn f<T: Foo>(x: T);', /^lock\.rs:1:9: there is no trait Foo here: bounds may be Copy, .*declares \(trait Foo \{\}\)$/)
test('an unknown lifetime', rejects, "fn f<'a>(x: &'b u8);", "lock.rs:1:14: there is no lifetime 'b here; declared: 'a")
test('too many arguments', rejects, 'fn f() -> Box<u8, u8>;', 'lock.rs:1:11: Box takes 1 type, found 2')
test('a lifetime that cannot be elided', rejects, 'fn f(x: &u8, y: &u8) -> &u8;', 'lock.rs:1:25: this lifetime must be named: it could come from several parameters')
test('nothing to borrow from', rejects, 'fn f() -> &u8;', 'lock.rs:1:11: this lifetime must be named: no parameter borrows anything')
test('a field without its lifetime', rejects, 'struct X { a: &u8 }', 'lock.rs:1:15: this lifetime must be written out here')
test('a public field', rejects, 'struct X { pub(crate) a: u8,\n  pub b: u8 }', /^lock\.rs:2:3: clients could read, write and build with a public field, and none is made that does: leave out pub/)
test('a public field without a name', rejects, 'struct X(pub u8);', /^lock\.rs:1:10: clients could read/)
test('what clients do not see', rejects, 'struct X; impl X { pub(crate) fn f(); }', 'lock.rs:1:20: what is pub(crate) is not for clients: leave the function out, and its body')
test('one type twice', rejects, 'struct X; struct X;', 'lock.rs:1:18: there are two types X')
test('one method twice', rejects, 'struct X; impl X { fn f(); fn f(); }', 'lock.rs:1:28: there are two functions X::f')
test('a parameter twice', rejects, 'struct X<T, T>(T);', 'lock.rs:1:13: T is declared twice')
test('an item of another kind', rejects, 'const X: u8 = 0;', "lock.rs:1:1: 'const X: u8 = 0;' is not supported here; accepted: struct, enum, impl, trait, fn and use")
test('dyn', rejects, 'fn f(x: &dyn Fn());', /^lock\.rs:1:10: 'dyn Fn\(\)' is not supported here; accepted: structs and enums, /)
test('a closure that is returned', rejects, 'fn f() -> impl Fn();', /^lock\.rs:1:11: 'impl Fn\(\)' can only be the type of a parameter/)
test('a trait with methods', rejects, 'trait M { fn f(); }', /^lock\.rs:1:11: 'fn f\(\);' is not supported here; accepted: a trait without members/)
test('self outside of an impl', rejects, 'fn f(&self);', 'lock.rs:1:6: self means something in an impl only')
test('Deref without its target', rejects, 'struct X; impl Deref for X {}', "lock.rs:1:11: impl Deref needs 'type Target = …;'")
test('a negative impl of another trait', rejects, 'struct X; impl !Copy for X {}', /^lock\.rs:1:11: .* accepted: impl !Send and impl !Sync$/)
