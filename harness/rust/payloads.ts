/** The types that T ranges over, each there because it makes a difference, and how their values are written. */
import {named, type Type} from './syntax.ts'

export interface Payload {
  /** As tokens and tables name it; also Rust's spelling. */
  readonly name: string
  readonly type: Type
  /** What it is good for finding. */
  readonly purpose: string
  /** Its declaration, where Rust does not have it; else empty. That of what it borrows is not in it. */
  readonly declaration: string
  /** The n-th value, as a Rust expression. Values of `bool` repeat after two. */
  readonly literal: (n: number) => string
  /** Whether making a value calls a function, which may unwind. */
  readonly called: boolean
  /** Whether a value that one owns can still be shared with others, so that using it matters: the count of an `Rc`. */
  readonly shared: boolean
  /** A value that borrows a variable of the client's own: of which type, and the value as a Rust expression. Null: it lasts for ever. */
  readonly local: {readonly type: Type; readonly borrowing: (reference: string) => string} | null
}

const payload = (name: string, type: Type, purpose: string, literal: (n: number) => string, declaration = ''): Payload => ({
  name, type, purpose, declaration, literal, called: literal(0).includes('::new('), shared: name.startsWith('Rc'), local: null,
})

/** One that borrows a variable, of which the n-th is `Loud(n)`. */
const borrowing = (name: string, type: Type, purpose: string, borrowing: (reference: string) => string, declaration = ''): Payload => ({
  ...payload(name, type, purpose, loudLiteral, declaration), shared: true, local: {type: named('Loud'), borrowing},
})

const loudLiteral = (n: number): string => `Loud(${n})`
const loudDeclaration = '#[derive(Clone)]\npub struct Loud(pub u8);\nimpl Drop for Loud { fn drop(&mut self) {} }'

const u8 = named('u8')

export const payloads: readonly Payload[] = [
  payload('u8', u8, 'one word, every bit pattern valid', n => `${n}u8`),
  payload('Pair', named('Pair'), 'two words, which can be torn', n => `Pair { a: ${n}, b: ${n} }`,
    '#[derive(Clone, Copy)]\npub struct Pair { pub a: usize, pub b: usize }'),
  payload('bool', named('bool'), 'one word, not every bit pattern valid', n => String(n % 2 === 1)),
  payload('Either', named('Either'), 'a tag and what it says of the payload', n => n % 2 === 0 ? `Either::Int(${n})` : `Either::Ref(&${n})`,
    '#[derive(Clone, Copy)]\npub enum Either { Int(usize), Ref(&\'static usize) }'),
  payload('&\'static u8', {kind: 'reference', mutable: false, region: "'static", to: u8}, 'must point to something', n => `&${n}u8`),
  payload('Cell<u8>', named('Cell', [u8]), 'Send and not Sync', n => `Cell::new(${n}u8)`),
  payload('Rc<u8>', named('Rc', [u8]), 'neither Send nor Sync', n => `Rc::new(${n}u8)`),
  payload('Loud', named('Loud'), 'must be dropped, once', loudLiteral, loudDeclaration),
  payload('Homed', named('Homed'), 'Sync and not Send, as the guard of a mutex is', n => `Homed(${n}, std::ptr::null())`,
    'pub struct Homed(pub u8, pub *const ());\nunsafe impl Sync for Homed {}\nimpl Drop for Homed { fn drop(&mut self) {} }'),
]

/** Those that do not last for ever, which T may be where no bound says `'static`. */
export const borrowingPayloads: readonly Payload[] = [
  borrowing('&Loud', {kind: 'reference', mutable: false, region: "'local", to: named('Loud')}, 'lasts as long as something else', reference => reference),
  borrowing("Peek<'_>", named('Peek', [], ["'local"]), 'looks at something else when it is dropped', reference => `Peek(${reference})`,
    "pub struct Peek<'a>(pub &'a Loud);\nimpl Drop for Peek<'_> { fn drop(&mut self) { std::hint::black_box(self.0.0); } }"),
]

const all: readonly Payload[] = [...payloads, ...borrowingPayloads]

/** Those of these names; without names, all that last for ever. */
export function payloadsNamed(names: readonly string[] | undefined): readonly Payload[] {
  return names === undefined ? payloads : all.filter(({name}) => names.includes(name))
}

export function payloadNamed(name: string): Payload {
  const found = all.find(payload => payload.name === name)
  if (found === undefined) throw new RangeError(`there is no payload ${name}; there are ${all.map(payload => payload.name).join(', ')}`)
  return found
}
