/** A wrapper with other bodies: watched, restricted, weakened, repaired. */
import {rewriting, type Op, type Proc} from '../../lib/index.ts'
import type {RustValue} from './value.ts'
import {constructed, type Call, type Wrapper} from './wrapper.ts'

/**
 * What becomes of a body: `method` is the method that it is of, and `isInside` tells whether a closure that it called is
 * running, whose operations are the client's.
 */
export type Change = (method: string, body: Proc<RustValue>, isInside: () => boolean) => Proc<RustValue>

export function withBodies(wrapper: Wrapper, change: Change): Wrapper {
  const bodies = Object.entries(wrapper.bodies).map(([method, body]) => [method, (call: Call): Proc<RustValue> => {
    let depth = 0
    const args = call.args.map((arg): RustValue => arg.kind !== 'closure' ? arg : {
      ...arg,
      * call(...given) {
        depth++
        try {
          return yield* arg.call(...given)
        } finally {
          depth--
        }
      },
    })
    return change(method, body({...call, args}), () => depth > 0)
  }] as const)
  return {...wrapper, bodies: Object.fromEntries(bodies)}
}


/** The same wrapper; `look` is told of every operation of its methods. Constructors work on what nobody else has yet. */
export function watched(wrapper: Wrapper, look: (method: string, op: Op) => void): Wrapper {
  return withBodies(wrapper, (method, body, isInside) => constructed(wrapper.signatures.methods.find(({id}) => id === method)!) !== null ? body : rewriting(body, op => {
    if (!isInside()) look(method, op)
    return op
  }))
}
