import {clientListOf, rustOf} from './harness/wrapper/clients.ts'
import {catalogue} from './harness/wrappers/index.ts'
const w = catalogue.find(w => w.name === process.argv[2]!)!
const size = Number(process.argv[3]), from = Number(process.argv[4] ?? 0), n = Number(process.argv[5] ?? 10)
const counts: Record<number, number> = {}
let i = 0
for (const c of clientListOf(w).upTo(size)) { counts[c.size] = (counts[c.size] ?? 0) + 1; i++; if (i > from && i <= from + n) console.log(c.ordinal, 'size', c.size, c.client.payload, rustOf(w, c.client).split('fn main')[1]) ; if (i>20000) break }
console.log(counts)
