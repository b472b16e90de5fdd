/**
 * A litmus thread as a flat list of steps, and the generator that runs them.
 *
 * One generator without nesting, over data: nothing is looked up or decided at run time but what the
 * values decide, and a thread's state is a position and its registers.
 */
import {kernelReturn} from '../kernel.ts'
import type {Op, Proc} from '../program.ts'
import {isDivision, union, Value, type Location, type Operator} from '../value.ts'

/** A computation on registers, without effects. */
export type Code =
  | {readonly kind: 'value'; readonly value: Value}
  | {readonly kind: 'register'; readonly register: number}
  | {readonly kind: 'apply'; readonly operator: Operator; readonly args: readonly Code[]}
  /** What a read-modify-write of the kernel returns, from the old value and its operand. */
  | {readonly kind: 'returned'; readonly name: string; readonly old: Code; readonly operand: Code}

export type Step =
  /** Yields an operation; its result goes to a register (-1: nowhere). */
  | {readonly kind: 'perform'; readonly make: (registers: readonly Value[]) => Op; readonly into: number}
  /** `divides`: so that C may leave its result undefined, whether or not anybody asks for it. */
  | {readonly kind: 'set'; readonly into: number; readonly code: Code; readonly divides: boolean}
  /**
   * Enters an arm: goes on if the condition holds, otherwise at `otherwise`. `mentioned` are registers that
   * the operations inside the condition used: the arm depends on them too, as in herd7, whose control
   * dependencies start at every read in the condition.
   */
  | {readonly kind: 'branch'; readonly condition: Code; readonly mentioned: readonly number[]; otherwise: number}
  | {readonly kind: 'jump'; to: number}
  | {readonly kind: 'merge'}
  | {readonly kind: 'loop'; readonly loop: number}
  | {readonly kind: 'round'; readonly loop: number}
  /** Merges the arms of all rounds of a loop. */
  | {readonly kind: 'leave'; readonly loop: number}

export interface ThreadCode {
  readonly steps: readonly Step[]
  /** What the registers hold at first. */
  readonly registers: readonly Value[]
  readonly loops: number
  /** The registers that the question asks about, by name. */
  readonly observed: readonly (readonly [name: string, register: number])[]
  /** Words that the thread uses as locks or SRCU domains. */
  readonly locks: ReadonlySet<Location>
}

export function evaluateCode(code: Code, registers: readonly Value[]): Value {
  switch (code.kind) {
    case 'value': return code.value
    case 'register': return registers[code.register]!
    case 'apply': {
      const {args} = code
      const first = evaluateCode(args[0]!, registers)
      return args.length === 1 ? Value.apply(code.operator, first) : Value.apply(code.operator, first, evaluateCode(args[1]!, registers))
    }
    case 'returned': return kernelReturn(code.name, evaluateCode(code.old, registers), evaluateCode(code.operand, registers))
  }
}

/** Does it divide? */
export function divides(code: Code): boolean {
  switch (code.kind) {
    case 'apply': return isDivision(code.operator) || code.args.some(divides)
    case 'returned': return divides(code.operand)
    default: return false
  }
}

/** Runs a thread; returns the observed registers. */
export function* runThread({steps, registers: initial, loops, observed}: ThreadCode): Proc<Record<string, Value>> {
  const registers = initial.slice()
  const arms: (readonly number[])[] = [] // the conditions around us, each including the outer ones
  const rounds = new Array<number>(loops).fill(0)
  const depths = new Array<number>(loops).fill(0)
  for (let at = 0; at < steps.length;) {
    const step = steps[at++]!
    switch (step.kind) {
      case 'perform': {
        const reply = yield step.make(registers)
        if (step.into >= 0) registers[step.into] = chosen(reply as Value, arms)
        break
      }
      case 'set': {
        const value = evaluateCode(step.code, registers)
        if (step.divides) yield {kind: 'compute', value}
        registers[step.into] = chosen(value, arms)
        break
      }
      case 'branch': {
        const condition = conditionOf(step, registers)
        const taken = yield {kind: 'when', condition}
        arms.push(union([arms.at(-1) ?? [], condition.reads, condition.control]))
        if (taken !== true) at = step.otherwise
        break
      }
      case 'jump':
        at = step.to
        break
      case 'merge':
        arms.pop()
        yield merge
        break
      case 'loop':
        rounds[step.loop] = 0
        depths[step.loop] = arms.length
        break
      case 'round':
        yield {kind: 'iterate', round: ++rounds[step.loop]!}
        break
      case 'leave':
        for (const depth = depths[step.loop]!; arms.length > depth; arms.pop()) yield merge
        break
    }
  }
  const results: Record<string, Value> = {}
  for (const [name, register] of observed) results[name] = registers[register]!
  return results
}

const merge: Op = {kind: 'merge'}

/** A register assigned inside an arm remembers the conditions, for the conditions that it decides later. */
function chosen(value: Value, arms: readonly (readonly number[])[]): Value {
  return arms.length === 0 ? value : value.under(arms.at(-1)!)
}

function conditionOf(step: Extract<Step, {kind: 'branch'}>, registers: readonly Value[]): Value {
  const condition = evaluateCode(step.condition, registers)
  if (step.mentioned.length === 0) return condition
  return condition.under(union(step.mentioned.flatMap(register => [registers[register]!.reads, registers[register]!.control])))
}
