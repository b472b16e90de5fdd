/** `list`: models, designs and wrappers. */
import {models} from '../../lib/index.ts'
import {designs} from '../designs.ts'
import type {Flags} from '../flags.ts'
import {casesOf, defaultSetting, hasHeap, showSettings} from '../setting.ts'
import {showExpectation} from '../summary.ts'
import {boundsOf} from '../wrapper/depth.ts'
import {catalogue} from '../wrappers/index.ts'
import {repairedBy} from '../wrappers/repaired.ts'
import {exits, type Exit} from './exit.ts'
import {paintFor, say} from './terminal.ts'

export function listAll(flags: Flags): Exit {
  const paint = paintFor(process.stdout)
  say(`${paint.bold('models')}, the strongest first`)
  for (const {name, title} of models) say(`  ${name.padEnd(6)} ${title}`)
  say(`\n${paint.bold('designs')}, each followed by its mutants`)
  for (const design of designs) {
    const indent = design.of === undefined ? '  ' : '    '
    say(`${indent}${design.name}  ${paint.dim(design.of === undefined ? design.title : `${design.change ?? ''}`)}`)
    if (flags.verbose === true) {
      say(`${indent}    ${paint.dim(design.source)}`)
      const heap = hasHeap(design.program())
      for (const {regimes, reuse = true, expected} of casesOf(design.expected)) {
        if (heap) say(`${indent}    ${showSettings(regimes.map(regime => ({...defaultSetting, regime, reuse})))}`)
        for (const [model, each] of Object.entries(expected)) say(`${indent}    ${heap ? '  ' : ''}${model.padEnd(6)} ${showExpectation(each)}`)
      }
    }
  }
  say(`\n${paint.bold('wrappers')}, sound or not`)
  for (const wrapper of catalogue) {
    const {name, title, source, expected} = wrapper
    say(`  ${name}  ${paint.dim(title)}`)
    if (flags.verbose !== true) continue
    say(`      ${paint.dim(source)}`)
    for (const [model, isBroken] of Object.entries(expected.broken)) say(`      ${model.padEnd(6)} ${isBroken ? 'unsound' : 'no violation found'}`)
    const bounds = boundsOf(wrapper)
    if (bounds !== null) say(`      clients: ${bounds}`)
    const repair = repairedBy.get(name)
    if (repair !== undefined) say(`      put right by ${repair}`)
  }
  return exits.fine
}
