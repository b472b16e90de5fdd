/** The engine's version. */

/**
 * Raised whenever the same path, or the same seed, may lead to another execution than before: when what is
 * decided changes, in which order, or what a choice means. Recorded paths and tokens carry it.
 */
export const engineVersion = '2'
