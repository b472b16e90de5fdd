/**
 * A cycle of edges, checked and made concrete: threads, locations, values, and the outcome that shows it.
 *
 * As in diy7, each edge that changes the location leads to a new one, and the last of them back to the first.
 * The writes to a location are numbered from 1 in the coherence order that the communications ask for; a read
 * before `Fre` expects the write just before the overwriting one.
 */
import {classicTurn, nameOf} from './cyclename.ts'
import {
  annotationNamed, annotations, defaultAnnotation, edgesThatFit, fitsDirection, nearestEdges, parseEdge,
  type Annotation, type Dialect, type Direction, type Shape,
} from './edge.ts'

/** A cycle that makes no test: says which edge is wrong, and what would fit there. */
export class CycleError extends Error {
  override readonly name = 'CycleError'
  /** Offset of the edge in the text of the cycle. */
  readonly at: number

  constructor(at: number, problem: string) {
    super(`column ${at + 1} of the cycle: ${problem}`)
    this.at = at
  }
}

/** One access of the test. */
export interface Access {
  readonly direction: Direction
  readonly location: string
  readonly annotation: Annotation
  /** What a write stores; what a read returns in the outcome that shows the cycle, null if that does not matter. */
  readonly value: number | null
  /** Where a read goes. */
  readonly register: string | null
  /** The edge from the access before it in its thread. */
  readonly after: Shape | null
}

/** A litmus test as data. */
export interface CycleTest {
  readonly name: string
  readonly dialect: Dialect
  /** The edges as the test has them: rotated, with the newer names. */
  readonly cycle: string
  readonly threads: readonly (readonly Access[])[]
  /** Locations with three writes or more: a thread of its own reads the first ones in order. */
  readonly observers: readonly {readonly location: string; readonly writes: number}[]
  /** The last values of the locations with several writes. */
  readonly final: readonly {readonly location: string; readonly value: number}[]
}

export interface CycleOptions {
  /** Default: what the cycle's annotations and fences belong to, or else the kernel. */
  readonly dialect?: Dialect
}

/** An edge of the cycle, where it was written, and what it knows of the access that it starts from. */
interface Link {
  readonly word: string
  readonly at: number
  readonly shape: Shape
  from: Annotation | null
  to: Annotation | null
}

/** What a cycle asks for. @throws {CycleError} if there is no such test. */
export function cycleTest(text: string, options: CycleOptions = {}): CycleTest {
  const read = readLinks(text)
  const dialect = dialectOf(read, options.dialect ?? null)
  checkDirections(read, dialect)
  const annotated = read.map((link, i) => annotationAt(read, i, dialect))
  if (annotated.every(({name}) => name === 'Na')) throw new CycleError(0, 'every access is Na, so every outcome is undefined: expected an atomic one')
  checkThreads(read)
  const shift = turn(read.map(({shape}) => shape))
  const links = rotate(read, shift)
  const marks = rotate(annotated, shift)
  checkLocations(links)
  const shapes = links.map(({shape}) => shape)
  const locations = locationsOf(shapes)
  const {values, counts} = valuesOf(links, locations)
  const accesses = shapes.map((shape, i): Omit<Access, 'register'> => ({
    direction: shape.from, location: locations[i]!, annotation: marks[i]!, value: values[i]!, after: before(shapes, i).external ? null : before(shapes, i),
  }))
  const several = [...counts].filter(([, writes]) => writes > 1)
  return {
    name: nameOf(shapes, marks, dialect), dialect,
    cycle: shapes.map((shape, i) => shape.name + annotationsOf(marks[i]!, after(marks, i), dialect)).join(' '),
    threads: threadsOf(accesses),
    observers: several.filter(([, writes]) => writes > 2).map(([location, writes]) => ({location, writes})),
    final: several.map(([location, value]) => ({location, value})),
  }
}

function annotationsOf(from: Annotation, to: Annotation, dialect: Dialect): string {
  const usual = defaultAnnotation(dialect)
  return from === usual && to === usual ? '' : from.name + to.name
}

function before<T>(items: readonly T[], i: number): T {
  return items[(i + items.length - 1) % items.length]!
}

function after<T>(items: readonly T[], i: number): T {
  return items[(i + 1) % items.length]!
}

function rotate<T>(items: readonly T[], shift: number): readonly T[] {
  return [...items.slice(shift), ...items.slice(0, shift)]
}

// ---- Reading -------------------------------------------------------------------------------------

/** The edges of a cycle. A lone annotation (`Rfe Acq PodRR`) belongs to the access that it stands at. */
function readLinks(text: string): readonly Link[] {
  const links: Link[] = []
  const pending: {annotation: Annotation; at: number}[] = []
  for (const {word, at} of expandSegments(Array.from(text.matchAll(/[^\s,]+/g), found => ({word: found[0], at: found.index})))) {
    const annotation = annotationNamed(word)
    if (annotation !== null) {
      if (links.length === 0) pending.push({annotation, at})
      else annotate(links.at(-1)!, annotation, at)
      continue
    }
    const edge = parseEdge(word)
    if (edge === null) throw new CycleError(at, `there is no edge ${word}; did you mean ${nearestEdges(word).join(' or ')}?`)
    links.push({word, at, shape: edge.shape, from: edge.from, to: edge.to})
  }
  if (links.length === 0) throw new CycleError(0, 'expected a cycle of edges, such as PodWW Rfe PodRR Fre')
  for (const {annotation, at} of pending) annotate(links.at(-1)!, annotation, at)
  return links
}

function annotate(link: Link, annotation: Annotation, at: number): void {
  if (link.to !== null && link.to !== annotation) {
    throw new CycleError(at, `${annotation.name} contradicts ${link.word}, which ends with ${link.to.name}`)
  }
  link.to = annotation
}

interface Word {
  readonly word: string
  readonly at: number
}

const segments = /^(?:C-)?[RW]{2}-[A-Z](?:\+[RW]{2}-[A-Z])*$/
const segmentEdges: Readonly<Record<string, string>> = {R: 'Rscs', G: 'Gp', B: 'FenceMb'}

/**
 * `C-RW-R+RW-G`, as McKenney names RCU's tests (github.com/paulmckrcu/litmus, auto/): per thread its first and
 * last access, and R for a reader's critical section, G for a grace period or B for smp_mb() around them.
 */
function expandSegments(words: readonly Word[]): readonly Word[] {
  return words.flatMap(({word, at}) => {
    if (!segments.test(word)) return [{word, at}]
    const parts = word.replace(/^C-/, '').split('+').map(part => ({from: part[0]!, to: part[1]!, what: part[3]!}))
    return parts.flatMap(({from, to, what}, i) => {
      const edge = segmentEdges[what]
      if (edge === undefined) throw new CycleError(at, `${from}${to}-${what} is no segment: R (reader), G (grace period) and B (smp_mb) are known`)
      const next = after(parts, i).from
      const communication = {RW: 'Fre', WR: 'Rfe', WW: 'Coe'}[to + next]
      if (communication === undefined) throw new CycleError(at, `in ${word}, no communication leads from the read that ends ${from}${to}-${what} to the read that comes next`)
      return [{word: `${edge}d${from}${to}`, at}, {word: communication, at}]
    })
  })
}

// ---- Checking ------------------------------------------------------------------------------------

function dialectOf(links: readonly Link[], wanted: Dialect | null): Dialect {
  let dialect = wanted
  let because = wanted === 'c11' ? 'a C11 test' : 'a kernel test'
  for (const {shape, from, to, word, at} of links) {
    for (const found of [shape.dialect, from?.dialect ?? null, to?.dialect ?? null]) {
      if (found === null || found === dialect) continue
      if (dialect !== null) throw new CycleError(at, `${word} belongs to ${found === 'kernel' ? 'the kernel' : 'C11'}, which does not go with ${because}`)
      dialect = found
      because = word
    }
  }
  return dialect ?? 'kernel'
}

const noun = {R: 'read', W: 'write'} as const

function checkDirections(links: readonly Link[], dialect: Dialect): void {
  for (const [i, {shape, word, at}] of links.entries()) {
    const previous = before(links, i)
    if (previous.shape.to === shape.from) continue
    // the odd one out may be either; if this one fits nothing around it, neither does anything else here
    const fitting = edgesThatFit(shape.name, previous.shape.to, after(links, i).shape.from, dialect)
    throw new CycleError(at, `${word} starts with a ${noun[shape.from]}, but ${previous.word} before it ends with a ${noun[previous.shape.to]}; ${listed(fitting)} would fit`)
  }
}

function listed(names: readonly string[]): string {
  return names.length <= 1 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)!}`
}

/** How the access that link `i` starts from is annotated: as either side says, or else as the dialect's plainest. */
function annotationAt(links: readonly Link[], i: number, dialect: Dialect): Annotation {
  const link = links[i]!
  const previous = before(links, i)
  const {shape, word, at} = link
  if (previous.to !== null && link.from !== null && previous.to !== link.from) {
    const fitting = link.to === null ? shape.name : shape.name + previous.to.name + link.to.name
    throw new CycleError(at, `${word} starts with ${link.from.name}, but ${previous.word} before it ends with ${previous.to.name}; ${fitting} would fit`)
  }
  const said = link.from ?? previous.to
  if (said !== null && !fitsDirection(said, shape.from)) {
    const others = annotations.filter(other => other.dialect === dialect && fitsDirection(other, shape.from)).map(({name}) => name)
    const blamed = link.from === null ? previous : link
    throw new CycleError(blamed.at, `in ${blamed.word}, a ${noun[shape.from]} cannot be ${said.name}; ${listed(others)} would fit`)
  }
  return said ?? defaultAnnotation(dialect)
}

function checkThreads(links: readonly Link[]): void {
  const external = links.filter(({shape}) => shape.external)
  if (external.length >= 2) return
  const [only] = external
  throw new CycleError(only?.at ?? 0, only === undefined
    ? 'no edge leads to another thread: expected two of Rfe, Fre and Coe or more'
    : `only ${only.word} leads to another thread, and none leads back: expected two of Rfe, Fre and Coe or more`)
}

function checkLocations(links: readonly Link[]): void {
  const changing = links.filter(({shape}) => !shape.same)
  if (changing.length !== 1) return
  const {word, at, shape} = changing[0]!
  const here = shape.name.replace(/d(?=[RW]+$)/, 's')
  throw new CycleError(at, `${word} goes to another location, and no edge leads back: a cycle changes the location twice or more, or not at all (${here})`)
}

// ---- Threads and locations -----------------------------------------------------------------------

/** Where the test starts: after an edge from another thread; as its classic name has it, if it has one. */
function turn(shapes: readonly Shape[]): number {
  const starts = shapes.flatMap((_, i) => before(shapes, i).external ? [i] : [])
  return starts.find(start => classicTurn(rotate(shapes, start))) ?? starts[0]!
}

function threadsOf(accesses: readonly Omit<Access, 'register'>[]): Access[][] {
  const threads: Access[][] = []
  for (const access of accesses) {
    if (access.after === null) threads.push([])
    const own = threads.at(-1)!
    const reads = own.filter(({direction}) => direction === 'R').length
    own.push({...access, register: access.direction === 'R' ? `r${reads}` : null})
  }
  return threads
}

/** For each access its location, named in the order of the accesses. */
function locationsOf(shapes: readonly Shape[]): string[] {
  const first = chainStart(shapes)
  const numbers = new Array<number>(shapes.length).fill(0)
  for (let step = 1, number = 0; step < shapes.length; step++) {
    if (!shapes[(first + step - 1) % shapes.length]!.same) number++
    numbers[(first + step) % shapes.length] = number
  }
  const order = [...new Set(numbers)]
  return numbers.map(number => locationName(order.indexOf(number)))
}

/** Where the accesses to some location start: after an edge that changes it, or anywhere if none does. */
function chainStart(shapes: readonly Shape[]): number {
  return Math.max(0, shapes.findIndex((_, i) => !before(shapes, i).same))
}

const letters = 'xyzabcdefghijklmnopqstuvw'

function locationName(index: number): string {
  return letters[index] ?? `x${index}`
}

// ---- Values --------------------------------------------------------------------------------------

interface Values {
  /** Per access. */
  readonly values: readonly (number | null)[]
  /** How many writes each location has. */
  readonly counts: ReadonlyMap<string, number>
}

function valuesOf(links: readonly Link[], locations: readonly string[]): Values {
  const values = new Array<number | null>(links.length).fill(null)
  const counts = new Map<string, number>()
  const inOrder = rotate(links.map((_, i) => i), chainStart(links.map(({shape}) => shape)))
  for (const location of new Set(locations)) {
    const own = inOrder.filter(i => locations[i] === location)
    const order = coherenceOrder(links, own)
    counts.set(location, order.length)
    for (const [position, write] of order.entries()) values[write] = position + 1
    for (const i of own) if (links[i]!.shape.from === 'R') values[i] = readValue(links, i, values)
  }
  return {values, counts}
}

function relationOf({shape}: Link): 'rf' | 'fr' | 'co' | null {
  return shape.meaning.kind === 'communication' ? shape.meaning.relation : null
}

function readValue(links: readonly Link[], i: number, values: readonly (number | null)[]): number | null {
  const source = writeSeenAt(links, i)
  if (source !== null) return values[source]!
  return relationOf(links[i]!) === 'fr' ? values[(i + 1) % links.length]! - 1 : null
}

/** The write that an access is, or that it reads from by an `rf` edge. */
function writeSeenAt(links: readonly Link[], i: number): number | null {
  if (links[i]!.shape.from === 'W') return i
  return relationOf(before(links, i)) === 'rf' ? (i + links.length - 1) % links.length : null
}

type Order = readonly (readonly [earlier: number, later: number])[]

/** The writes among these accesses, in an order that has every communication; a coherent one if there is one. */
function coherenceOrder(links: readonly Link[], own: readonly number[]): readonly number[] {
  const writes = own.filter(i => links[i]!.shape.from === 'W')
  const asked: Order = own.flatMap(i => {
    const relation = relationOf(links[i]!)
    const seen = writeSeenAt(links, i)
    return relation === null || relation === 'rf' || seen === null ? [] : [[seen, (i + 1) % links.length] as const]
  })
  const order = sorted(writes, [...asked, ...programOrder(links, own)]) ?? sorted(writes, asked)
  if (order !== null) return order
  const {word, at} = links[own.find(i => relationOf(links[i]!) !== null)!]!
  throw new CycleError(at, `the communications from ${word} on contradict each other: no coherence order has them all, and no edge between them is program order`)
}

/** Coherence: what a thread writes comes after what it has seen of the location before. */
function programOrder(links: readonly Link[], own: readonly number[]): Order {
  const thread = links.map((_, i) => links.slice(0, i).filter(({shape}) => shape.external).length)
  return own.flatMap(later => own.flatMap(earlier => {
    const [a, b] = [writeSeenAt(links, earlier), writeSeenAt(links, later)]
    return thread[earlier] === thread[later] && earlier < later && a !== null && b !== null && a !== b ? [[a, b] as const] : []
  }))
}

/** The items in their order, as far as the pairs allow; null if the pairs form a cycle. */
function sorted(items: readonly number[], pairs: Order): readonly number[] | null {
  const left = [...items]
  const order: number[] = []
  while (left.length > 0) {
    const next = left.findIndex(item => !pairs.some(([earlier, later]) => later === item && left.includes(earlier)))
    if (next < 0) return null
    order.push(...left.splice(next, 1))
  }
  return order
}

