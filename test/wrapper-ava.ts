/** The macros for wrappers, used as a test author uses them; `test.failing` where they must find something. */
import test from 'ava'
import {sound, unsound} from '../harness/ava.ts'
import {catalogue} from '../harness/index.ts'
import {lkmm, sc} from '../lib/index.ts'

const named = (name: string): (typeof catalogue)[number] => catalogue.find(wrapper => wrapper.name === name)!
const fine = named('d2-seq-relaxed-words')
const torn = named('d4-seq-no-reader-fence')

test('no small safe client breaks the lock', sound, fine, lkmm)
test('without its read barrier some client does', unsound, torn, lkmm, {by: 'no torn value'})
test(sound, torn, sc)

// ava's word for: the macro must fail here, or it could not fail at all
test.failing('what some client breaks is not sound', sound, torn, lkmm)
test.failing('what no client breaks is not unsound', unsound, fine, lkmm)
test.failing('nor is what only larger clients break', unsound, torn, lkmm, {size: 2})
test.failing('what breaks by something else does not break by this', unsound, torn, lkmm, {by: 'data-race'})
test.failing('where no client is tried, nothing is sound', sound, fine, lkmm, {clients: 0})
test.failing('what ran out of executions is not sound', sound, fine, lkmm, {executions: 1})
