/** A path in a sentence: quoted where it could be taken for more than a name. */
export function quotedPath(path: string): string {
  if (/^[\p{L}\p{M}\p{N}_./ -]+$/u.test(path)) return path;
  // JSON leaves line separators and what turns the writing direction as they are.
  return JSON.stringify(path).replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Text of a notebook on one line of ours. */
export function oneLine(text: string): string {
  return text
    .replaceAll(/\s+/g, " ")
    .replaceAll(/\p{Cc}/gu, "")
    .trim();
}
