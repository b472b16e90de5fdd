/** What the command comes to, and how it is called. */
import {WrongInput} from '../../lib/index.ts'

export const exits = {fine: 0, differs: 1, usage: 2, unknown: 3, bug: 70} as const
export type Exit = (typeof exits)[keyof typeof exits]

/** What several parts come to together: a difference outweighs what is unknown. */
export function worse(...outcomes: readonly Exit[]): Exit {
  return [exits.differs, exits.unknown].find(exit => outcomes.includes(exit)) ?? exits.fine
}

/** The question was wrong. The message says how, and what would be right. */
export class Usage extends WrongInput {
  override readonly name = 'Usage'
}

/** What the user is told to type: in a clone, or where the package is installed. */
export const command = import.meta.url.endsWith('.ts') ? 'npm start --' : 'npx tearproof'
