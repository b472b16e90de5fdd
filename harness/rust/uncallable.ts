/** The safe methods that no client can call, whatever its size: what is not called is not tried. */
import {Choices, type Bounds} from './choices.ts'
import {payloadsNamed, type Payload} from './payloads.ts'
import {isInteger} from './prelude.ts'
import {showType, type Method, type Signatures, type Type} from './syntax.ts'
import {shapeOf, structOf} from './types.ts'

export interface Uncallable {
  readonly method: string
  /** `nothing makes a Vec<T>` */
  readonly why: string
}

/** What clients call, other than by dropping. */
export function safeMethods({methods}: Signatures): readonly Method[] {
  return methods.filter(({unsafe, trait}) => !unsafe && trait !== 'Drop')
}

/** In the order of the text. `wanted` are the payloads that T may be; all unless said. */
export function uncallable(signatures: Signatures, bounds: Bounds, wanted?: readonly string[]): readonly Uncallable[] {
  const open = new Map(safeMethods(signatures).map(method => [method, 'no T that is tried satisfies its bounds']))
  for (const payload of payloadsNamed(wanted)) {
    const {methods} = new Choices(signatures, payload, bounds)
    const made = new Made(signatures, payload)
    while (methods.some(({parameters, result}) => parameters.every(type => made.has(type)) && made.add(result))) {
      // until nothing new comes
    }
    for (const {method, parameters} of methods) {
      const missing = parameters.findIndex(type => !made.has(type))
      if (missing < 0) open.delete(method)
      else if (open.has(method)) open.set(method, `nothing makes a ${showType(method.parameters[missing]!.type)}`)
    }
  }
  return [...open].map(([{id}, why]) => ({method: id, why}))
}

/** The types of which a client can have values. */
class Made {
  readonly #signatures: Signatures
  readonly #shapes: Set<string>

  constructor(signatures: Signatures, {type}: Payload) {
    this.#signatures = signatures
    this.#shapes = new Set([shapeOf(type)])
  }

  has(type: Type): boolean {
    if (this.#shapes.has(shapeOf(type))) return true
    switch (type.kind) {
      case 'closure': return true
      case 'tuple': return type.items.every(item => this.has(item))
      case 'reference': return this.has(type.to) || (!type.mutable && this.#shapes.has(`&mut ${shapeOf(type.to)}`))
      case 'named':
        if (type.name === 'bool' || type.name === 'Option' || isInteger(type)) return true
        if (['Box', 'Arc', 'Rc'].includes(type.name)) return this.has(type.types[0]!)
        return structOf(this.#signatures, type)?.variants?.some(({name, fields}) => name !== type.name && fields.length === 0) ?? false
      default: return false
    }
  }

  /** Whether a method's result is, or has inside, what there was not before. */
  add(type: Type): boolean {
    const parts = type.kind === 'tuple' ? type.items : type.kind === 'named' && ['Option', 'Result', 'Box', 'Arc', 'Rc'].includes(type.name) ? type.types : type.kind === 'reference' ? [type.to] : []
    const isNew = !this.#shapes.has(shapeOf(type))
    this.#shapes.add(shapeOf(type))
    return parts.map(part => this.add(part)).some(one => one) || isNew
  }
}
