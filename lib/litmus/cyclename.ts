/**
 * The name of a cycle's test: diy7's classic ones where there is one, with what is between the accesses.
 *
 * `MP+wmb+rmb`: the shape, then per thread with several accesses its edges, in short. Sources of the names:
 * Maranget, Sarkar, Sewell, "A tutorial introduction to the ARM and POWER relaxed memory models" (2012);
 * the kernel's tools/memory-model/litmus-tests/README; for `C-RW-R+RW-G`, github.com/paulmckrcu/litmus.
 */
import {defaultAnnotation, type Annotation, type Dialect, type Shape} from './edge.ts'

/** Each thread's first and last access, and the communications between. */
const classics = new Map(Object.entries({
  'MP': 'PodWW Rfe PodRR Fre',
  'S': 'PodWW Rfe PodRW Coe',
  'R': 'PodWW Coe PodWR Fre',
  'WRC': 'W Rfe PodRW Rfe PodRR Fre',
  'WWC': 'W Rfe PodRW Rfe PodRW Coe',
  'RWC': 'W Rfe PodRR Fre PodWR Fre',
  'WRR+2W': 'W Rfe PodRR Fre PodWW Coe',
  'WRW+WR': 'W Rfe PodRW Coe PodWR Fre',
  'WRW+2W': 'W Rfe PodRW Coe PodWW Coe',
  'ISA2': 'PodWW Rfe PodRW Rfe PodRR Fre',
  'W+RWC': 'PodWW Rfe PodRR Fre PodWR Fre',
  'Z6.0': 'PodWW Rfe PodRW Coe PodWR Fre',
  'Z6.1': 'PodWW Coe PodWW Rfe PodRW Coe',
  'Z6.2': 'PodWW Rfe PodRW Rfe PodRW Coe',
  'Z6.3': 'PodWW Coe PodWW Rfe PodRR Fre',
  'Z6.4': 'PodWW Coe PodWR Fre PodWR Fre',
  'Z6.5': 'PodWW Coe PodWW Coe PodWR Fre',
  'IRIW': 'W Rfe PodRR Fre W Rfe PodRR Fre',
  'IRRWIW': 'W Rfe PodRR Fre W Rfe PodRW Coe',
  'IRWIW': 'W Rfe PodRW Coe W Rfe PodRW Coe',
  'CoRR': 'W Rfe PosRR Fre',
  'CoRW2': 'W Rfe PosRW Coe',
  'CoWR': 'W Coe PosWR Fre',
}).map(([name, outline]) => [outline, name]))

/** Shapes of any number of threads that all do the same. */
const repeated = new Map([['PodWR Fre', 'SB'], ['PodRW Rfe', 'LB'], ['PodWW Coe', '2W']])

/** Do the edges, starting where they do, have a classic name? */
export function classicTurn(shapes: readonly Shape[]): boolean {
  return classicName(threadsOf(shapes)) !== null
}

/** The name of a test whose edges start at a thread's first access. `marks` are the annotations of the accesses. */
export function nameOf(shapes: readonly Shape[], marks: readonly Annotation[], dialect: Dialect): string {
  const threads = threadsOf(shapes)
  const usual = defaultAnnotation(dialect)
  const rcu = marks.every(mark => mark === usual) ? rcuName(threads) : null
  if (rcu !== null) return rcu
  const base = classicName(threads) ?? threads.map(({shape: {from}, edges, end}) => edges.length === 0 ? from : from + end).join('+')
  const inside = threads.filter(({edges}) => edges.length > 0).map(({edges, start}) => edgesName(edges, marks.slice(start), usual))
  return [base, ...shortened(inside), ...lonely(threads, marks, usual)].join('+')
}

/** One thread: the edges inside it, and the communication to the next. */
interface Thread {
  readonly start: number
  readonly shape: Shape
  readonly edges: readonly Shape[]
  readonly end: string
  readonly next: Shape
}

function threadsOf(shapes: readonly Shape[]): readonly Thread[] {
  const threads: Thread[] = []
  for (let start = 0; start < shapes.length;) {
    const length = shapes.slice(start).findIndex(({external}) => external)
    const [edges, next] = [shapes.slice(start, start + length), shapes[start + length]!]
    threads.push({start, shape: shapes[start]!, edges, end: next.from, next})
    start += length + 1
  }
  return threads
}

function classicName(threads: readonly Thread[]): string | null {
  const outlines = threads.map(({shape, edges, end, next}) => {
    const inside = edges.length === 0 ? shape.from : `Po${edges.every(({same}) => same) ? 's' : 'd'}${shape.from}${end}`
    return `${inside} ${next.name}`
  })
  const name = repeated.get(outlines[0]!)
  if (name === undefined || outlines.some(outline => outline !== outlines[0])) return classics.get(outlines.join(' ')) ?? null
  if (threads.length === 2) return name === '2W' ? '2+2W' : name
  return `${threads.length}.${name}`
}

/** `C-RW-R+RW-G`: each thread one critical section, or one grace period. */
function rcuName(threads: readonly Thread[]): string | null {
  const parts = threads.map(({edges}) => {
    const [edge] = edges
    const letter = edge?.meaning.kind === 'section' ? 'R' : edge?.meaning.kind === 'grace' ? 'G' : null
    return edges.length === 1 && letter !== null && !edge!.same ? `${edge!.from}${edge!.to}-${letter}` : null
  })
  return parts.every(part => part !== null) ? `C-${parts.join('+')}` : null
}

/** Edges of one thread: `po-rfi`, `wmb`, `pooncerelease`. */
function edgesName(edges: readonly Shape[], marks: readonly Annotation[], usual: Annotation): string {
  return edges.map((edge, i) => {
    const next = edges[i + 1]
    const open = next !== undefined && !saysDirections(edge) && !saysDirections(next) && next.meaning.kind !== 'dependency'
    const [from, to] = [marks[i]!, marks[i + 1]!]
    const annotated = from === usual && to === usual ? '' : from.name + to.name
    return `${label(edge)}${open ? edge.to : ''}${annotated.toLowerCase()}`
  }).join('-')
}

function saysDirections({meaning}: Shape): boolean {
  return meaning.kind === 'communication'
}

function label({meaning, name, same}: Shape): string {
  const where = same ? 's' : ''
  switch (meaning.kind) {
    case 'communication': return name.toLowerCase()
    case 'po': return `po${where}`
    case 'fence': return `${meaning.fence.dialect === 'c11' ? 'fence' : ''}${meaning.fence.name.toLowerCase()}${where}`
    case 'dependency': return meaning.on + where
    case 'section': return `rscs${where}`
    case 'grace': return `gp${where}`
  }
}

/** `po` goes without saying, and what all threads do is said once: `SB+mbs`. */
function shortened(inside: readonly string[]): readonly string[] {
  const [first] = inside
  if (first === undefined || inside.some(name => name !== first)) return inside
  if (first === 'po' || (first === 'pos' && inside.length === 1)) return []
  return inside.length === 1 ? inside : [`${first}s`]
}

/** The annotations of threads with one access, if some are not the usual one. */
function lonely(threads: readonly Thread[], marks: readonly Annotation[], usual: Annotation): readonly string[] {
  const own = threads.filter(({edges}) => edges.length === 0).map(({start}) => marks[start]!)
  return own.every(mark => mark === usual) ? [] : [own.map(({name}) => name).join('')]
}
