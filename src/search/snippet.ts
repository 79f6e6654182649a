import type { Query } from "./query.ts";

/** A line of a text, with its number from 1. */
export interface SnippetLine {
  readonly number: number;
  readonly text: string;
  readonly isMatch: boolean;
}

/** Lines that match, and one on each side of them. */
export interface Snippet {
  readonly lines: readonly SnippetLine[];
  /** Number of the first line that matches. */
  readonly line: number;
  /** Lines that match and are not shown. */
  readonly more: number;
}

const MAX_SHOWN_MATCHES = 3;
const CONTEXT_LINES = 1;
const MAX_LINE_CHARS = 200;
/** What of a long line stands before the place that matches. */
const LEAD_CHARS = 60;

/** The lines of a text that match, with what is around them. */
export function snippetOf(text: string, query: Query): Snippet {
  const lines = text.split("\n");
  const places = lines.flatMap((line, index) => {
    const at = query.indexIn(line);
    return at === -1 ? [] : [{ index, at }];
  });
  // What goes over several lines begins somewhere: the text's beginning has to do.
  const [first = { index: 0, at: 0 }] = places;
  const shown = (places.length === 0 ? [first] : places).slice(0, MAX_SHOWN_MATCHES);
  const wanted = new Map<number, number | null>();
  for (const { index } of shown)
    for (let near = index - CONTEXT_LINES; near <= index + CONTEXT_LINES; near += 1)
      if (near >= 0 && near < lines.length) wanted.set(near, wanted.get(near) ?? null);
  for (const { index, at } of shown) wanted.set(index, at);
  const numbers = [...wanted.keys()].toSorted((a, b) => a - b);
  return {
    line: first.index + 1,
    more: places.length - shown.length < 0 ? 0 : places.length - shown.length,
    lines: numbers.map((index) => {
      const at = wanted.get(index) ?? null;
      return {
        number: index + 1,
        text: shortened(lines[index] ?? "", at ?? 0),
        isMatch: at !== null,
      };
    }),
  };
}

/** A line as it is, or the part of a long one around a place in it. */
function shortened(line: string, at: number): string {
  const text = line.trimEnd();
  if (text.length <= MAX_LINE_CHARS) return text;
  const start = Math.max(0, Math.min(at - LEAD_CHARS, text.length - MAX_LINE_CHARS));
  const end = start + MAX_LINE_CHARS;
  const part = text.slice(start, end).toWellFormed();
  return `${start > 0 ? "…" : ""}${part}${end < text.length ? "…" : ""}`;
}
