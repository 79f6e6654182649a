/** Whether a cut before `at` would tear a character in two: a surrogate pair's second half is there. */
export function isLowSurrogate(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff;
}
