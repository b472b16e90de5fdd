/** What wrappers need of what they have: each ordering, barrier, bound and lifetime left out by itself. */
import test from 'ava'
import {omissionsIn} from '../harness/rust/omit.ts'
import {parseSignatures} from '../harness/rust/parse.ts'
import {ablate, type Ablation} from '../harness/wrapper/ablate.ts'
import {ablationLines, ablationTable} from '../harness/wrapper/ablation-table.ts'
import {smallDepth} from '../harness/wrapper/depth.ts'
import {evaluateWrapper} from '../harness/wrapper/evaluate.ts'
import {catalogue} from '../harness/wrappers/index.ts'

function ablationsOf(name: string): readonly Ablation[] {
  const wrapper = catalogue.find(wrapper => wrapper.name === name)!
  return [...ablate(wrapper, [...evaluateWrapper(wrapper, null, smallDepth)], smallDepth)]
}

/** The changes by what came of them. */
function changes(ablations: readonly Ablation[], verdict: Ablation['verdict']): readonly string[] {
  return ablations.filter(ablation => ablation.verdict === verdict).map(({change}) => change)
}

test('Boehm’s sequence lock needs each of its barriers; a bound on Send asks for nothing that bit patterns do not have', t => {
  const found = ablationsOf('d2-seq-relaxed-words')
  t.log(ablationTable(found), ablationLines(found))
  t.deepEqual(changes(found, 'needed'), [
    'READ_ONCE instead of smp_load_acquire of sequence in SeqLock::try_read', 'without smp_rmb in SeqLock::try_read',
    'without smp_wmb in SeqLock::write', 'WRITE_ONCE instead of smp_store_release of sequence in SeqLock::write',
    'without T: AnyBitPattern in impl<T: AnyBitPattern> SeqLock<T>',
  ])
  t.deepEqual(changes(found, 'redundant'), ['without T: Send in unsafe impl<T: Send> Sync for SeqLock<T>'])
  t.regex(ablationTable(found), /without T: Send .* lets no client in that was not there before, up to size 5/)
})

test('with acquire and release on the data, the counts that no data is behind may be relaxed (wrappers.md, D3)', t => {
  t.deepEqual(changes(ablationsOf('d3-seq-acq-rel'), 'redundant'), [
    'READ_ONCE instead of the 2nd smp_load_acquire of sequence in SeqLock::try_read',
    'READ_ONCE instead of smp_load_acquire of sequence in SeqLock::write',
    'WRITE_ONCE instead of smp_store_release of sequence in SeqLock::write',
    'without T: Send in unsafe impl<T: Send> Sync for SeqLock<T>',
  ])
})

/** Wrappers that nothing breaks, and what of them no client misses. What is not here is needed, each by itself. */
const sound: Readonly<Record<string, readonly string[]>> = {
  'd17-revocable': [],
  'std-arc': [],
  'd19-hazard': [
    'READ_ONCE instead of smp_load_acquire of slots in ArcSwap::with', // by whoever publishes there
    'READ_ONCE instead of smp_load_acquire of pointer in ArcSwap::with', // it is read again
  ],
  'd24-shared-bounded': ['without T: Send in unsafe impl<T: Send + Sync> Sync for Shared<T>'], // &T is all that anybody else gets
  'd24-mailbox-bounded': [],
  'd24-visited-bounded': [],
  pared: [
    'atomic_fetch_add_relaxed instead of atomic_fetch_add_release of * in Parc::drop', // there is no clone() that could leave two of them
    'READ_ONCE instead of smp_load_acquire of * in Parc::drop',
    "without T: Sync in impl Parc { pub fn from_arc<T: Send + Sync + 'static>(value: Arc<T>) -> Parc; }", // nobody looks at T
  ],
}

for (const [name, redundant] of Object.entries(sound)) {
  test(`${name}: each ordering, barrier, section and bound is needed${redundant.length > 0 ? `, but for ${redundant.length}` : ''}`, t => {
    const found = ablationsOf(name)
    t.log(ablationTable(found), ablationLines(found))
    t.deepEqual(changes(found, 'redundant'), redundant)
    t.deepEqual(changes(found, 'unknown'), [])
    t.true(changes(found, 'needed').length > 0)
  })
}

// ---- All of the catalogue: minutes, only with TEARPROOF_DEEP set -----------------------------------------

const others = process.env['TEARPROOF_DEEP'] === undefined ? []
  : catalogue.filter(({name, expected}) => !(name in sound) && Object.values(expected.broken).includes(false))

for (const {name} of others) {
  test(`${name}: whatever it could do without is reported`, t => {
    const found = ablationsOf(name)
    t.log(ablationTable(found), ablationLines(found))
    t.deepEqual(changes(found, 'unknown'), [])
  })
}

test('what is unsound under every model that is asked has nothing to lose', t => {
  const wrapper = catalogue.find(({name}) => name === 'd4-seq-no-reader-fence')!
  const rows = [...evaluateWrapper(wrapper, null, smallDepth)].filter(({verdict}) => verdict === 'unsound')
  t.deepEqual([...ablate(wrapper, rows, smallDepth)], [])
})

const rcu = `
pub struct Guard(PhantomData<*const ()>);
pub struct Rcu<T>(AtomicPtr<T>, PhantomData<Box<T>>);
unsafe impl<T> Sync for Rcu<T> where T: Send + Sync {}
impl !Send for Cursor {}
pub struct Cursor;
impl<T: 'static> Rcu<T> {
    pub fn read<'a>(&'a self, guard: &'a Guard) -> &'a T;
    pub fn find(&self, key: u8) -> Option<&T>;
    pub fn with(&self, look: impl Fn(&T) + Send);
}`

test('each bound, lifetime and pin of signatures is left out by itself, and what is left is Rust', t => {
  const found = omissionsIn(rcu)
  t.deepEqual(found.map(({words}) => words), [
    'T: Send in unsafe impl<T> Sync for Rcu<T> where T: Send + Sync', 'T: Sync in unsafe impl<T> Sync for Rcu<T> where T: Send + Sync',
    "T: 'static in impl<T: 'static> Rcu<T>",
    'Send of the closure in pub fn with(&self, look: impl Fn(&T) + Send)',
    "the lifetime of &'a T in pub fn read<'a>(&'a self, guard: &'a Guard) -> &'a T",
    "'a of &'a self in pub fn read<'a>(&'a self, guard: &'a Guard) -> &'a T", "'a of guard: &'a Guard in pub fn read<'a>(&'a self, guard: &'a Guard) -> &'a T",
    'the lifetime of Option<&T> in pub fn find(&self, key: u8) -> Option<&T>',
    'PhantomData<*const ()> in pub struct Guard(PhantomData<*const ()>)', 'impl !Send for Cursor {} in impl !Send for Cursor',
  ])
  for (const {words, rust} of found) t.notThrows(() => parseSignatures('rcu', rust), words)
  t.regex(found[6]!.rust, /fn read<'a>\(&'a self, guard: &'_ Guard\) -> &'a T;/)
  t.regex(found[7]!.rust, /-> Option<&'static T>;/)
})
