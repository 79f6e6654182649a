/**
 * Something that the person at the terminal can put right. The message is one
 * sentence that says what is wrong and one that says what to do; it is printed
 * without a stack trace.
 */
export class SetupError extends Error {
  name = "SetupError";
}
