import {smallDepth, isUnexpected, isUnknown} from './harness/wrapper/evaluate.ts'
import {evaluateSpectrum, isOpenStanding, isWrongStanding} from './harness/wrapper/spectrum.ts'
import {clientListOf, rustOf} from './harness/wrapper/clients.ts'
import {catalogue} from './harness/wrappers/index.ts'
const re = new RegExp(process.argv[2]!)
const show = process.argv[3] === '-c'
for (const w of catalogue) {
  if (!re.test(w.name)) continue
  const t0 = process.cpuUsage()
  const steps = evaluateSpectrum(w, smallDepth)
  let last = process.cpuUsage()
  let step = steps.next()
  const parts: string[] = []
  let bad = false
  const rows = []
  for (; step.done !== true; step = steps.next()) {
    const r = step.value
    rows.push(r)
    const u = process.cpuUsage(last); last = process.cpuUsage()
    const flag = isUnexpected(r) ? ' UNEXPECTED' : isUnknown(r) ? ' UNKNOWN' : ''
    const dl = r.deadlock ? ' deadlock' : '', lk = r.leak ? ' leak' : ''
    if (flag || (r.verdict === 'no violation found' && ((w.expected.deadlocks ?? false) !== (r.deadlock !== null) || (w.expected.leaks ?? false) !== (r.leak !== null)))) bad = true
    const f = r.broken?.found.failure
    parts.push(`   ${r.model}: ${r.verdict}${flag}${dl}${lk} clients ${r.clients} ex ${r.executions} size ${r.size}/${r.asked} ${((u.user + u.system) / 1e6).toFixed(2)}s ${f ? JSON.stringify(f, (k, v) => k === 'stack' ? undefined : v).slice(0, 150) : ''}${r.broken ? ' #' + r.broken.ordinal : ''} ${r.unknown.length ? JSON.stringify(r.unknown[0]) : ''}`)
  }
  const st = step.value.map(s => `${s.option}:${s.verdict}${s.offence ? '(' + s.offence.operation + ' in ' + s.offence.method + ')' : ''}${isWrongStanding(s) ? ' WRONG' : isOpenStanding(s) ? ' OPEN' : ''}`)
  if (step.value.some(s => isWrongStanding(s) || isOpenStanding(s))) bad = true
  const u = process.cpuUsage(t0)
  console.log(`${bad ? '!!' : 'ok'} ${w.name} ${((u.user + u.system) / 1e6).toFixed(2)}s`)
  for (const p of parts) console.log(p)
  console.log('   ' + st.join(' | '))
  if (show) for (const r of rows) if (r.broken) {
    const c = [...clientListOf(w).upTo(r.asked)].find(x => x.ordinal === r.broken!.ordinal)!
    console.log(`--- ${r.model} size ${c.size}\n` + rustOf(w, c.client).split('\n').slice(3).join('\n'))
  }
}
