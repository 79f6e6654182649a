/**
 * What could make text look like something else: control characters, line
 * separators, and what turns the writing direction. The two joiners are letters of
 * some scripts and of emoji.
 */
const DECEPTIVE = /[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/gu;

/** A path in a sentence: quoted where it could be taken for more than a name. */
export function quotedPath(path: string): string {
  return /^[\p{L}\p{M}\p{N}_./ -]+$/u.test(path) ? path : quoted(path);
}

/** Text of somebody else in a sentence of ours: as JSON, in which every character can be seen. */
export function quoted(text: string): string {
  // JSON leaves line separators and what turns the writing direction as they are.
  return JSON.stringify(text).replaceAll(DECEPTIVE, (char) =>
    Array.from({ length: char.length }, (_, index) => {
      const unit = char.charCodeAt(index).toString(16).padStart(4, "0");
      return `\\u${unit}`;
    }).join(""),
  );
}

/** Text of a notebook on one line of ours. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll(DECEPTIVE, "").trim();
}

/** Ids that are named in a sentence. */
const NAMED_IDS = 20;

/** Ids in a sentence: as many as a reader takes in. */
export function idList(ids: readonly string[]): string {
  const more = ids.length - NAMED_IDS;
  return `${ids.slice(0, NAMED_IDS).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
