/** Errors that are the answer to a wrong question, and no fault of the engine. */

/** The message says what is wrong, where, and what would be right; a stack would not help. */
export class WrongInput extends Error {}
