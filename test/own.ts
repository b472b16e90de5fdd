import test from 'ava'
import {executions, type Execution, type Model, type Pair, type RelationExpr} from '../lib/index.ts'
import {onOwn, type OwnEvent} from '../lib/own.ts'
import {pairsOf} from '../lib/reference.ts'
import {isOwn} from '../lib/static.ts'
import {generate} from './helpers/generate.ts'
import {compile, describe, modelsOf, vocabularies} from './helpers/sketch.ts'

/* What threads come to on their own is evaluated on rows of bits; the reference evaluator says what that should be. */

/** One thread of an execution, as if it ran alone. */
function alone({events, values, given}: Execution, thread: number): Execution {
  const own = events.filter(event => event.thread === thread)
  const first = own[0]?.id ?? 0
  const within = (pairs: readonly Pair[]): Pair[] => pairs.filter(([a, b]) => events[a]!.thread === thread && events[b]!.thread === thread).map(([a, b]) => [a - first, b - first])
  return {
    events: own.map(event => ({...event, id: event.id - first})), values: own.map(({id}) => values[id]!),
    given: {po: within(given.po), addr: within(given.addr), data: within(given.data), ctrl: within(given.ctrl), rmw: within(given.rmw), rf: [], co: []},
  }
}

function ownEvents({events, given}: Execution): readonly OwnEvent[] {
  const on = (pairs: readonly Pair[], id: number): readonly number[] => pairs.flatMap(([read, event]) => event === id ? [read] : [])
  return events.map(({id, label, location}) => ({
    label, word: location?.index ?? -1, addr: on(given.addr, id), data: on(given.data, id), ctrl: on(given.ctrl, id), rmwRead: on(given.rmw, id)[0] ?? -1,
  }))
}

/** The model's relations that are a thread's own, and all that they are made of. */
function ownRelations({relations, axioms, flags, guarded}: Model): ReadonlySet<RelationExpr> {
  const found = new Set<RelationExpr>()
  const visit = (expr: RelationExpr): void => {
    if (found.has(expr)) return
    if (isOwn(expr)) found.add(expr)
    switch (expr.op) {
      case 'seq': case 'or': case 'and': expr.args.forEach(visit); break
      case 'minus': [expr.left, expr.right].forEach(visit); break
      case 'inv': case 'opt': case 'plus': case 'star': visit(expr.arg); break
      case 'rec': case 'base': case 'on': case 'cross': case 'brackets':
    }
  }
  for (const expr of [...Object.values(relations), ...Object.values(axioms).map(({of}) => of), ...Object.values(flags), guarded]) visit(expr)
  return found
}

for (const vocabulary of vocabularies) {
  test(`${vocabulary}: relations of single threads, and of long ones, are those of the reference evaluator`, t => {
    let compared = 0
    for (let seed = 0; seed < 12; seed++) {
      // beyond 32 events a row has several words
      const sketch = generate(vocabulary, `own ${seed}`, seed % 4 === 0 ? {accesses: 45, threads: 1} : {accesses: 8, threads: 2})
      for (const model of modelsOf(sketch)) {
        const [run] = executions(compile(sketch), model, {flags: []})
        if (run === undefined) continue
        for (const thread of new Set(run.execution.events.map(event => event.thread).filter(thread => thread >= 0))) {
          const single = alone(run.execution, thread)
          for (const relation of ownRelations(model)) {
            const expected = pairsOf(relation, single).flat()
            const found = onOwn(ownEvents(single), own => own.pairs(relation))
            if (found.join() !== expected.join()) t.fail(`${model.name}, ${JSON.stringify(relation)}:\n${found.join()} is not ${expected.join()} in\n${describe(sketch)}`)
            compared++
          }
        }
      }
    }
    t.log(`${compared} relations`)
    t.true(compared > 300)
  })
}
