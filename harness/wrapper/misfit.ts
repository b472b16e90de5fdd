/** Whether what a body returned is what its signature says: the kinds of values, all the way down, their names and their words. */
import {isInteger} from '../rust/prelude.ts'
import {showType, type Method, type Signatures, type Type} from '../rust/syntax.ts'
import {isFreeResult, structOf} from '../rust/types.ts'
import type {PayloadWords} from './payload.ts'
import {behind, type RustValue} from './value.ts'

/** What is wrong with the result of a method's body; null if nothing is. */
export function misfit(signatures: Signatures, method: Method, {size}: PayloadWords, value: RustValue): string | null {
  const wrong = differing(signatures, method, size, method.result, value)
  if (wrong === null) return null
  const whole = wrong.type === method.result ? '' : ` in ${showType(method.result)}`
  return `the body of ${method.id} returned ${wrong.found}, where its signature says ${showType(wrong.type)}${whole}${wrong.hint}`
}

interface Differing {
  readonly type: Type
  readonly found: string
  readonly hint: string
}

/** The innermost part that is something else. */
function differing(signatures: Signatures, method: Method, size: number, type: Type, value: RustValue): Differing | null {
  const inside = (part: Type, of: RustValue): Differing | null => differing(signatures, method, size, part, of)
  const unlike = (hint = ''): Differing => ({type, found: describe(value), hint: hint === '' ? '' : ` (${hint})`})
  switch (type.kind) {
    case 'parameter':
      if (isClosures(method, type.name)) return null
      if (value.kind === 'payload') return value.words.length === size ? null : unlike(`a T has ${counted(size)} here`)
      return value.kind === 'scalar' ? null : unlike('payloadValue(words) is a T')
    case 'reference': return ofReference(signatures, type, value, unlike, size)
    case 'tuple':
      if (value.kind !== 'tuple' || value.items.length !== type.items.length) return unlike(type.items.length === 0 ? 'unitValue' : "{kind: 'tuple', items: […]}")
      return first(type.items, (item, i) => inside(item, value.items[i]!))
    case 'pointer': return null // safe code does nothing with it
    case 'array':
    case 'closure': return unlike('which no body can return yet')
    case 'named': break
  }
  if (type.name === 'Option' || type.name === 'Result') {
    if (type.name === 'Option' && value.kind === 'none') return null
    const at = (type.name === 'Option' ? ['some'] : ['ok', 'err']).indexOf(value.kind)
    if (at < 0 || !('value' in value) || value.kind === 'scalar') return unlike(type.name === 'Option' ? 'some(…) or none' : 'ok(…) or err(…)')
    return inside(type.types[at]!, value.value)
  }
  if (type.name === 'Box' || type.name === 'Arc') return value.kind === 'owner' && value.of === type.name ? null : unlike(`owner('${type.name}', pointer)`)
  if (type.name === 'bool' || isInteger(type)) return value.kind === 'scalar' || value.kind === 'payload' ? null : unlike("{kind: 'scalar', value}")
  if (value.kind !== 'struct') return unlike('structValue(name, state)')
  return structOf(signatures, type) === null || value.name === type.name ? null : unlike()
}

function ofReference(signatures: Signatures, type: Type & {kind: 'reference'}, value: RustValue, unlike: (hint?: string) => Differing, size: number): Differing | null {
  if (value.kind === 'reference') {
    // a reference that the method was given
    const {kind} = behind(value)
    return kind === 'borrow' || kind === 'closure' ? unlike() : null
  }
  if (value.kind !== 'borrow') return unlike(type.mutable ? 'borrowed(words, true) is a &mut T' : 'borrowed(words) is a &T')
  if (structOf(signatures, type.to) !== null) return unlike("{kind: 'reference', to: structValue(name, state)}")
  if (value.mutable !== type.mutable) return unlike(type.mutable ? 'borrowed(words, true)' : 'borrowed(words)')
  return type.to.kind === 'parameter' && value.words.length !== size ? unlike(`a T has ${counted(size)} here`) : null
}

/** `R` of `fn read<R>(&self, f: impl Fn(&T) -> R) -> R`: what it is, the client decides. */
function isClosures(method: Method, name: string): boolean {
  return method.parameters.some(({type}) => type.kind === 'closure' && type.result.kind === 'parameter' && type.result.name === name && isFreeResult(method, type))
}

function first<A, B>(items: readonly A[], find: (item: A, i: number) => B | null): B | null {
  for (const [i, item] of items.entries()) {
    const found = find(item, i)
    if (found !== null) return found
  }
  return null
}

function describe(value: RustValue): string {
  switch (value.kind) {
    case 'payload': return `a value of ${counted(value.words.length)}`
    case 'borrow': return value.mutable ? `a &mut to ${counted(value.words.length)}` : `a & to ${counted(value.words.length)}`
    case 'struct': return `a struct ${value.name}`
    case 'tuple': return value.items.length === 0 ? '()' : `a tuple of ${value.items.length}`
    case 'owner': return value.of === 'Arc' ? 'an Arc' : 'a Box'
    case 'some': return 'Some'
    case 'none': return 'None'
    case 'ok': return 'Ok'
    case 'err': return 'Err'
    default: return `a ${value.kind}`
  }
}

function counted(words: number): string {
  return words === 1 ? '1 word' : `${words} words`
}
