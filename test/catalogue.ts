import test from 'ava'
import {smallDepth} from '../harness/wrapper/depth.ts'
import {isUnexpected, isUnknown, type WrapperRow} from '../harness/wrapper/evaluate.ts'
import {evaluateSpectrum, isOpenStanding, isWrongStanding, type Standing} from '../harness/wrapper/spectrum.ts'
import {spectrumTable} from '../harness/wrapper/spectrum-table.ts'
import {wrapperTable} from '../harness/wrapper/table.ts'
import {catalogue} from '../harness/wrappers/index.ts'

/* Every verdict of the catalogue is found, not looked up: the clients are generated from the signatures. */

const rows: WrapperRow[] = []
const standings: Standing[] = []

for (const wrapper of catalogue) {
  const unsound = Object.entries(wrapper.expected.broken).filter(([, isBroken]) => isBroken).map(([model]) => model)
  test(`${wrapper.name} is ${unsound.length === 0 ? 'broken by no small client' : `unsound under ${unsound.join(' ')}`}, and stands where it is expected on the spectrum`, t => {
    const steps = evaluateSpectrum(wrapper, smallDepth)
    let step = steps.next()
    const found: WrapperRow[] = []
    for (; step.done !== true; step = steps.next()) found.push(step.value)
    rows.push(...found)
    standings.push(...step.value)
    t.deepEqual(found.filter(row => isUnexpected(row) || isUnknown(row)), [])
    for (const {verdict, model, deadlock, leak} of found) {
      if (verdict !== 'no violation found') continue
      t.is(deadlock !== null, wrapper.expected.deadlocks ?? false, `some client waits for ever under ${model}`)
      t.is(leak !== null, wrapper.expected.leaks ?? false, `some client sees what a failed section read under ${model}`)
    }
    t.deepEqual(step.value.filter(standing => isWrongStanding(standing) || isOpenStanding(standing)), [])
  })
}

test('what was found, and the bounds that it took', t => {
  t.log(wrapperTable(rows, {verbose: true}))
  t.log(spectrumTable(standings, {verbose: true}))
  t.is(new Set(rows.map(({wrapper}) => wrapper)).size, catalogue.length)
})
