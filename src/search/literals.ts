/**
 * Strings that every match of a regular expression has, so that an index can
 * tell where it is worth looking. What is not certain is left out: a missing one
 * costs time, a wrong one would cost a match.
 */

/** What may follow an atom and make it optional or repeated. */
const QUANTIFIER = /^(?:[*+?]|\{\d+(?:,\d*)?\})[?+]?/;

/** Literal runs at the top of a pattern, in its order. */
export function literalsOf(pattern: string): string[] {
  const found: string[] = [];
  let run = "";
  const endRun = () => {
    if (run !== "") found.push(run);
    run = "";
  };
  let at = 0;
  while (at < pattern.length) {
    const rest = pattern.slice(at);
    if (rest.startsWith("|")) return [];
    const atom = atomAt(rest);
    if (atom === null) return [];
    at += atom.length;
    const quantifier = QUANTIFIER.exec(pattern.slice(at))?.[0] ?? "";
    at += quantifier.length;
    if (atom.literal === null) {
      endRun();
    } else if (quantifier === "") {
      run += atom.literal;
    } else {
      endRun();
      // At least once, it is there; how often is not known.
      if (quantifier.startsWith("+")) found.push(atom.literal);
    }
  }
  endRun();
  return found;
}

interface Atom {
  readonly length: number;
  /** What it matches and nothing else, or null. */
  readonly literal: string | null;
}

/** The atom at the start of a pattern; null for what is not understood, and then nothing is certain. */
function atomAt(rest: string): Atom | null {
  const [first = ""] = rest;
  if (first === "\\") return escapeAt(rest);
  if (first === "[") return skipped(classLength(rest));
  if (first === "(")
    return rest.startsWith("(?") && !/^\(\?(?:P?<|:)/.test(rest)
      ? null
      : skipped(groupLength(rest));
  if (first === "." || first === "^" || first === "$")
    return { length: 1, literal: null };
  if (/[*+?{})\]]/.test(first)) return null;
  const [character = first] = Array.from(rest.slice(0, 2));
  return { length: character.length, literal: character };
}

function escapeAt(rest: string): Atom | null {
  const [, escaped = ""] = Array.from(rest.slice(0, 3));
  // `\.` and the like are signs; a letter or digit after a backslash is a class, an anchor or a code.
  if (/[\p{L}\p{N}]/u.test(escaped)) {
    return /^\\[bBAzdDwWsS]/.test(rest) ? { length: 2, literal: null } : null;
  }
  return escaped === "" ? null : { length: 1 + escaped.length, literal: escaped };
}

function skipped(length: number | null): Atom | null {
  return length === null ? null : { length, literal: null };
}

function classLength(rest: string): number | null {
  // A bracket that comes first is a character of the class.
  const match = /^\[\^?\]?(?:\\.|\[:[a-z^]+:\]|[^\\\]])*\]/s.exec(rest);
  return match === null ? null : match[0].length;
}

function groupLength(rest: string): number | null {
  let depth = 0;
  for (let at = 0; at < rest.length; at += 1) {
    const character = rest[at];
    if (character === "\\") {
      at += 1;
    } else if (character === "[") {
      const length = classLength(rest.slice(at));
      if (length === null) return null;
      at += length - 1;
    } else if (character === "(") {
      depth += 1;
    } else if (character === ")") {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return null;
}
