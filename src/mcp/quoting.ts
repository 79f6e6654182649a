/** A path in a sentence: quoted where it could be taken for more than a name. */
export function quotedPath(path: string): string {
  return /^[\p{L}\p{N}_./ -]+$/u.test(path) ? path : JSON.stringify(path);
}

/** Text of a notebook on one line of ours. */
export function oneLine(text: string): string {
  return text
    .replaceAll(/\s+/g, " ")
    .replaceAll(/\p{Cc}/gu, "")
    .trim();
}
