/** Zombie pointers: by model, by what pointers to dead objects may be used for, and by whether addresses come back. */
import test from 'ava'
import {breaks, holds, reaches} from '../harness/ava.ts'
import {designs} from '../harness/designs.ts'
import {cpp20, lkmm, models, rc11, regimes, type Program, type Regime} from '../lib/index.ts'

const programs = new Map<string, Program<never>>()

/** The program of a built-in design: always the same one, which is prepared once for each model. */
function design(name: string): Program<never> {
  const program = programs.get(name) ?? designs.find(design => design.name === name)!.program()
  programs.set(name, program)
  return program
}

/** What breaks it in each regime where addresses come back, and where they do not; null where nothing does. */
type Table = Readonly<Record<Regime, readonly [withReuse: string | null, without: string | null]>>

const followed: Table = {iso: ['zombie', 'zombie'], strict: ['zombie', null], angelic: [null, null], bits: [null, null]}
const onlyCompared: Table = {iso: ['zombie', 'zombie'], strict: [null, null], angelic: [null, null], bits: [null, null]}
const clean: Table = {iso: [null, null], strict: [null, null], angelic: [null, null], bits: [null, null]}

const everySame = (by: string): Table => ({iso: [by, by], strict: [by, by], angelic: [by, by], bits: [by, by]})
const confused = 'another object has another address'

const tables: Readonly<Record<string, Table>> = {
  'zombie-push': followed,
  'zombie-push-rcu': clean,
  'zombie-pop-free': everySame('use-after-free'),
  'zombie-pop-rcu': clean,
  'zombie-hazptr-first': followed,
  'kernel-hazptr': onlyCompared,
  'zombie-hashed-locks-first': followed,
  'zombie-hashed-locks-second': onlyCompared,
  'zombie-weak-promote': onlyCompared,
  'zombie-realloc-register': {...followed, angelic: ['zombie', null]},
  'zombie-realloc-memory': followed,
  'zombie-identity': {iso: ['zombie', 'zombie'], strict: [confused, null], angelic: [confused, null], bits: [confused, null]},
}

for (const [name, table] of Object.entries(tables)) {
  for (const regime of regimes) {
    for (const [i, by] of table[regime].entries()) {
      const options = {regime, reuse: i === 0}
      const where = `${regime}${i === 0 ? '' : ', no reuse'}`
      for (const model of models) {
        if (by === null) test(`${name} is fine in ${where}, under ${model.name}`, holds, design(name), model, options)
        else if (name !== 'zombie-pop-free' || regime !== 'iso') test(`${name} breaks in ${where} (${by}), under ${model.name}`, breaks, design(name), model, {...options, by})
      }
    }
  }
  for (const model of models) {
    if (Object.keys(design(name).witnesses).length > 0) test(`${name} does something, under ${model.name}`, reaches, design(name), model, {regime: 'bits'})
  }
}

// ---- Without any free ---------------------------------------------------------------------------------

for (const model of models) {
  test(`a top that is the same again has another link (ABA), under ${model.name}`, breaks, design('zombie-pop-aba'), model, {by: 'a node that somebody keeps is not on the stack'})
  test(`unless it counts its changes, under ${model.name}`, holds, design('zombie-pop-counted'), model)
}

// ---- The repair -----------------------------------------------------------------------------------------

for (const model of models) {
  for (const mutant of ['outside', 'without-grace-period']) {
    test(`RCU repairs the push, with both of its sides (${mutant}), under ${model.name}`, breaks, design(`zombie-push-rcu-${mutant}`), model, {by: 'zombie'})
  }
}

// ---- The first copy or the second -----------------------------------------------------------------------

for (const name of ['zombie-hazptr-first', 'zombie-hashed-locks-first']) {
  for (const model of [rc11, cpp20, lkmm]) {
    test(`nothing depends on the look that ${name} throws away, under ${model.name}`, breaks, design(`${name}-relaxed-look`), model, {by: 'data-race', regime: 'bits'})
  }
}

for (const name of ['kernel-hazptr', 'zombie-hashed-locks-second']) {
  test(`what ${name} reads depends on the look that it keeps`, holds, design(`${name}-relaxed-look`), lkmm)
}
