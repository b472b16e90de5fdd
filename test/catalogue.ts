import test from 'ava'
import {smallDepth} from '../harness/wrapper/depth.ts'
import {evaluateWrapper, isUnexpected, isUnknown, type WrapperRow} from '../harness/wrapper/evaluate.ts'
import {evaluateSpectrum, isOpenStanding, isWrongStanding, type Standing} from '../harness/wrapper/spectrum.ts'
import {spectrumTable} from '../harness/wrapper/spectrum-table.ts'
import {wrapperTable} from '../harness/wrapper/table.ts'
import type {Wrapper} from '../harness/wrapper/wrapper.ts'
import {catalogue} from '../harness/wrappers/index.ts'
import {repairedBy} from '../harness/wrappers/repaired.ts'
import {namedModels} from '../lib/index.ts'

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

/** What is found of a wrapper with the bounds of another one, but for the payloads that it is tried with. */
function atBoundsOf(broken: Wrapper, repair: Wrapper, models: readonly string[]): readonly WrapperRow[] {
  const {payloads: _, ...bounds} = broken.bounds ?? {}
  const {payloads} = repair.bounds ?? {}
  const own = {...repair, bounds: {...bounds, ...payloads === undefined ? {} : {payloads}}}
  const known = models.flatMap(model => rows.find(row => row.wrapper === repair.name && row.model === model) ?? [])
  const isSame = JSON.stringify(Object.entries(own.bounds).sort()) === JSON.stringify(Object.entries(repair.bounds ?? {}).sort())
  return isSame && known.length === models.length ? known : [...evaluateWrapper(own, namedModels.filter(({name}) => models.includes(name)), smallDepth)]
}

for (const broken of catalogue) {
  const models = Object.entries(broken.expected.broken).filter(([, isBroken]) => isBroken).map(([model]) => model)
  if (models.length === 0) continue
  test(`${broken.name} is put right by ${repairedBy.get(broken.name) ?? 'nothing'}, at the same bounds`, t => {
    const repair = catalogue.find(({name}) => name === repairedBy.get(broken.name))!
    const found = atBoundsOf(broken, repair, models)
    t.is(found.length, models.length)
    for (const {model, verdict, clients, skipped} of found) {
      t.is(verdict, 'no violation found', model)
      t.true(clients > 0 && skipped === 0, model)
    }
  })
}
