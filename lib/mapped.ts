/** Arrays made of arrays, on paths where V8 matters. */

/**
 * What `make` makes of each. `Array.prototype.map` makes another kind of array (HOLEY_ELEMENTS) once its caller is compiled
 * than before (PACKED_ELEMENTS), upon which V8 throws away the code of everything that looks at what it made.
 */
export function mapped<T, U>(all: readonly T[], make: (each: T, index: number) => U): U[] {
  const made: U[] = []
  for (let i = 0; i < all.length; i++) made.push(make(all[i]!, i))
  return made
}
