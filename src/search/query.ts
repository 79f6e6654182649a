/**
 * What a query asks for, and whether a text has it. A query is words and exact
 * phrases in double quotes; each has to occur, wherever, in any case. A word of
 * one or two characters has to stand alone (`df` is not in `pdf`); a longer one
 * may be part of another (`load_da` is in `load_data_2024`).
 */

import { RE2JS } from "re2js";
import { ExpectedError } from "../errors.ts";
import { compileRegex } from "../output/find.ts";
import { literalsOf, type Alternatives } from "./literals.ts";

/** A text to be looked for, as the index and a plain look at a text need it. */
export interface Query {
  /** Of each of these every match has a string, for the trigram index; empty where it cannot help. */
  readonly literals: readonly Alternatives[];
  /** Whether a text has all that was asked for. */
  matches(text: string): boolean;
  /** The first place in a line that has part of it, or -1. */
  indexIn(line: string): number;
  /** Whether something that was asked for stands alone there, which counts more. */
  hasWhole(text: string): boolean;
}

/** The trigram index knows nothing shorter. */
const MIN_INDEXED_CHARS = 3;
const WORD = String.raw`[\p{L}\p{N}_]`;

interface Term {
  readonly text: string;
  readonly isPhrase: boolean;
}

/**
 * Reads a query of words and phrases. Signs that mean something elsewhere
 * (`*`, `-`, `NEAR(`) are text here.
 *
 * @throws {ExpectedError} `bad_query` where nothing is asked for
 */
export function parseQuery(query: string): Query {
  const terms = termsOf(query);
  if (terms.length === 0)
    throw new ExpectedError({ code: "bad_query", detail: "it asks for nothing" });
  const places = terms.map(({ text, isPhrase }) => {
    const literal = escapeRegex(text);
    const isWhole = !isPhrase && isShort(text);
    return new RegExp(isWhole ? alone(literal) : literal, "iu");
  });
  const wholes = terms.map(({ text }) => new RegExp(alone(escapeRegex(text)), "iu"));
  return {
    literals: terms.filter(({ text }) => !isShort(text)).map(({ text }) => [text]),
    matches: (text) => places.every((place) => place.test(text)),
    indexIn(line) {
      const found = places.map((place) => line.search(place)).filter((at) => at !== -1);
      return found.length === 0 ? -1 : Math.min(...found);
    },
    hasWhole: (text) => wholes.some((whole) => whole.test(text)),
  };
}

/**
 * Reads a regular expression, which runs in linear time. `^` and `$` are those of
 * lines.
 *
 * @throws {ExpectedError} `bad_regex`
 */
export function parseRegex(pattern: string): Query {
  const regex = compileRegex(pattern, RE2JS.MULTILINE);
  if (regex.matcher("").find())
    throw new ExpectedError({
      code: "bad_query",
      detail: "it matches where there is nothing, and so everywhere",
    });
  const { needed, isAnyCase } = literalsOf(pattern);
  // Quicker than the expression, which most texts need not be asked then.
  const sieve = isAnyCase ? [] : needed;
  return {
    literals: needed.filter((all) => !all.some(isShort)),
    matches: (text) =>
      sieve.every((all) => all.some((one) => text.includes(one))) &&
      regex.matcher(text).find(),
    indexIn(line) {
      const matcher = regex.matcher(line);
      return matcher.find() ? matcher.start() : -1;
    },
    hasWhole: () => false,
  };
}

/** What FTS5 is asked with: one of each, as it is. */
export function ftsExpression(literals: readonly Alternatives[]): string {
  return literals
    .map(
      (all) => `(${all.map((text) => `"${text.replaceAll('"', '""')}"`).join(" OR ")})`,
    )
    .join(" AND ");
}

function termsOf(query: string): Term[] {
  const terms: Term[] = [];
  for (const match of query.matchAll(/"([^"]+)"|(\S+)/g)) {
    const [, phrase, word = ""] = match;
    if (phrase !== undefined && phrase.trim() !== "")
      terms.push({ text: phrase, isPhrase: true });
    else if (phrase === undefined && word !== '""')
      terms.push({ text: word, isPhrase: false });
  }
  return terms;
}

function isShort(text: string): boolean {
  return Array.from(text).length < MIN_INDEXED_CHARS;
}

/** A literal that is no part of a longer word. At signs, a word cannot go on. */
function alone(literal: string): string {
  return `(?<!${WORD})${literal}(?!${WORD})`;
}

function escapeRegex(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
}
