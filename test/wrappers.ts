import test from 'ava'
import {models} from '../lib/index.ts'
import {soundness} from '../harness/wrapper/soundness.ts'
import {spectrum} from '../harness/wrapper/spectrum.ts'
import {catalogue} from '../harness/wrappers/index.ts'

/* Every verdict of the catalogue is found, not looked up: the clients are generated from the signatures. */

for (const wrapper of catalogue) {
  for (const [name, isBroken] of Object.entries(wrapper.expected.broken)) {
    test(`${wrapper.name} is ${isBroken ? 'unsound' : 'not broken by any small client'} under ${name}`, t => {
      const model = models.find(model => model.name === name)!
      const found = soundness(wrapper, model, {size: 3, clients: 500, bound: 2, executions: 20_000})
      t.is(found.verdict, isBroken ? 'unsound' : 'no violation found', found.counterexample?.rust)
      t.deepEqual(found.unknown, [])
      t.log(`${found.clients} clients, ${found.executions} executions, all clients of size ${found.size}`)
    })
  }
}

for (const wrapper of catalogue) {
  const {options} = wrapper.expected
  if (options === undefined) continue
  test(`${wrapper.name} on the spectrum: ${Object.entries(options).map(([option, verdict]) => `${option} ${verdict}`).join(', ')}`, t => {
    const standings = spectrum(wrapper, {size: 3, clients: 500, bound: 2, executions: 20_000})
    const found = standings.map(({option, verdict, offence}) => [option, verdict, offence === null ? '' : `${offence.operation} in ${offence.method}`])
    t.deepEqual(Object.fromEntries(standings.map(({option, verdict}) => [option, verdict])), options, JSON.stringify(found))
  })
}
