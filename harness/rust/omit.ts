/**
 * The same signatures with one promise less: a bound, a lifetime, or what keeps a type on its thread. For trying which of
 * them a wrapper needs. Works on the text, which stays as its author wrote it everywhere else.
 */

export interface Omission {
  /** What it is: what T must have, how long something lasts, or where it stays. */
  readonly kind: 'bound' | 'lifetime' | 'pin'
  /** The trait that T need not have any more; null if it is about something else. */
  readonly trait: string | null
  /** `T: Send in unsafe impl<T: Send> Sync for SeqLock<T>` */
  readonly words: string
  readonly rust: string
}

/** Every signature text with one promise less. Some of them may be no Rust: whoever parses them finds out. */
export function omissionsIn(rust: string): readonly Omission[] {
  return [...bounds(rust), ...closureBounds(rust), ...ties(rust), ...pins(rust)]
}

/** `T: Send + Sync` in generics and where clauses: each of the traits and lifetimes by itself. */
function bounds(rust: string): readonly Omission[] {
  return Array.from(rust.matchAll(/(?<=[<,(\s])([A-Z]\w*|'\w+)\s*:\s*((?:'?\w+)(?:\s*\+\s*'?\w+)*)(?=\s*[,>{;])/g)).flatMap(found => {
    const [whole, left, right] = found
    const traits = right!.split('+').map(trait => trait.trim())
    return traits.map((trait, i): Omission => {
      const others = traits.filter((_, j) => j !== i).join(' + ')
      return {kind: 'bound', trait: left === 'T' ? trait : null, words: `${left}: ${trait} in ${itemAt(rust, found.index)}`, rust: replaced(rust, found.index, whole.length, others === '' ? left! : `${left}: ${others}`)}
    })
  })
}

/** `impl Fn(&T) + Send` */
function closureBounds(rust: string): readonly Omission[] {
  return Array.from(rust.matchAll(/\bimpl Fn(?:Mut|Once)?\([^()]*\)(?: -> \w+)?((?: \+ '?\w+)+)/g)).flatMap(found => {
    const start = found.index + found[0].length - found[1]!.length
    return Array.from(found[1]!.matchAll(/ \+ ('?\w+)/g), (one): Omission => ({kind: 'bound', trait: null, words: `${one[1]} of the closure in ${itemAt(rust, start)}`, rust: replaced(rust, start + one.index, one[0].length, '')}))
  })
}

/**
 * Lifetimes that tie a result to what it was made from: in each result, a lifetime that outlives everything instead; in
 * each parameter, a lifetime that has nothing to do with the result. A method of a trait has the trait's own.
 */
function ties(rust: string): readonly Omission[] {
  const methods = Array.from(rust.matchAll(/\bfn (\w+)(?:<[^(]*>)?\(([^;{]*?)\)\s*->\s*([^;{]*?)(?=\s*(?:where\b|[;{]))/g)).filter(([, name]) => !['deref', 'deref_mut', 'clone'].includes(name!))
  return methods.flatMap(found => {
    const [whole, , parameters, result] = found
    const [resultAt, parametersAt] = [found.index + whole.length - result!.length, found.index + whole.indexOf('(') + 1]
    const where = itemAt(rust, found.index)
    const inResult = Array.from(result!.matchAll(/'(?!static)\w+|&(?!')/g), (one): Omission => ({
      kind: 'lifetime', trait: null, words: `the lifetime of ${result} in ${where}`, rust: replaced(rust, resultAt + one.index, one[0].length, one[0] === '&' ? "&'static " : "'static"),
    }))
    const named = Array.from(result!.matchAll(/'(?!static)[a-z]\w*/g), ([region]) => region)
    const inParameters = Array.from(parameters!.matchAll(/'(?!static)[a-z]\w*/g)).filter(([region]) => named.includes(region)).map((one): Omission => ({
      kind: 'lifetime', trait: null, words: `${one[0]} of ${parameterAt(parameters!, one.index)} in ${where}`, rust: replaced(rust, parametersAt + one.index, one[0].length, "'_"),
    }))
    return [...inResult, ...inParameters]
  })
}

/** What makes a type neither Send nor Sync. */
function pins(rust: string): readonly Omission[] {
  return Array.from(rust.matchAll(/PhantomData<\*(?:const|mut) \(\)>|\bimpl(?:<[^>]*>)? !(?:Send|Sync) for [^{;]*(?:\{\}|;)/g), (found): Omission => ({
    kind: 'pin', trait: null, words: `${found[0]} in ${itemAt(rust, found.index)}`, rust: replaced(rust, found.index, found[0].length, found[0].startsWith('impl') ? '' : 'PhantomData<()>'),
  }))
}

function parameterAt(parameters: string, index: number): string {
  const start = parameters.lastIndexOf(',', index) + 1
  const end = parameters.indexOf(',', index)
  return parameters.slice(start, end < 0 ? undefined : end).trim()
}

/** The head of the item that the text is in: `unsafe impl<T: Send> Sync for SeqLock<T>`. */
function itemAt(rust: string, index: number): string {
  const line = rust.slice(rust.lastIndexOf('\n', index) + 1).split('\n')[0]!
  return line.replace(/\s*(?:\{\}|\{|;)?\s*$/, '').trim()
}

function replaced(text: string, at: number, length: number, by: string): string {
  return text.slice(0, at) + by + text.slice(at + length)
}
