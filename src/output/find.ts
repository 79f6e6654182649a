import { RE2JS } from "re2js";
import { ExpectedError } from "../errors.ts";
import type { PlacedItem } from "../kernel/item.ts";
import { errorText, inputText } from "./item-words.ts";
import { representationOf } from "./mime.ts";
import { isLowSurrogate } from "./surrogates.ts";
import { TerminalText } from "./terminal.ts";

/** Of a line, around its match; as much as is read at a glance. */
const MAX_LINE_CHARS = 400;

/** Of the last line, which says what is not shown. Its numbers have room. */
const SUMMARY_CHARS = 160;

/** Reading the clock for every line would cost more than matching it. */
const LINES_PER_CLOCK_READING = 500;

/** What is looked for, and how much of it may be shown. */
export interface FindOptions {
  /** In RE2 syntax. */
  readonly pattern: string;
  /** Lines shown before and after a match. */
  readonly contextLines?: number;
  readonly maxChars: number;
  /** Milliseconds from any start. */
  readonly now: () => number;
  /** From the first item on. What is left then is counted and not looked at. */
  readonly maxMs: number;
}

/** Matching lines in the manner of `grep -n`. */
export interface FindResult {
  /** Empty when nothing matched and everything was looked at. */
  readonly text: string;
  /** How many lines matched. */
  readonly matches: number;
  /** How many lines there are. */
  readonly lines: number;
  /** How many of the matches the text shows. */
  readonly shown: number;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

interface LinePattern {
  matches(line: string): boolean;
  /** Where a line that matches does so first. */
  locate(line: string): Span;
}

/**
 * Searches the lines of everything that was output, also of what was cleared
 * away or updated since. A line above 16,000 characters is searched in pieces.
 * Throws an {@link ExpectedError} for a pattern that does not compile.
 */
export class Finder {
  readonly #pattern: LinePattern;
  readonly #contextLines: number;
  readonly #maxChars: number;
  readonly #now: () => number;
  readonly #maxMs: number;
  readonly #terminal = new TerminalText();
  /** Context that becomes part of the text once a match follows. */
  #before: { number: number; text: string }[] = [];
  #afterLeft = 0;
  #lastShown = 0;
  #text = "";
  #isFull = false;
  #lines = 0;
  #matches = 0;
  #shown = 0;
  #notLookedAt = 0;
  #isTimeUp = false;
  #deadline: number | null = null;
  /** The last piece had no line end: the next one belongs to the same line. */
  #continues = false;
  #lastMatch = 0;

  constructor(options: FindOptions) {
    this.#pattern = compilePattern(options.pattern);
    this.#contextLines = options.contextLines ?? 2;
    this.#maxChars = options.maxChars;
    this.#now = options.now;
    this.#maxMs = options.maxMs;
  }

  /** Searches the next item. */
  add({ item }: PlacedItem): void {
    this.#deadline ??= this.#now() + this.#maxMs;
    this.#checkClock();
    switch (item.type) {
      case "stream":
        this.#search(this.#terminal.push(item.text));
        break;
      case "input":
        this.#search(this.#terminal.push(inputText(item)));
        break;
      case "error":
        this.#searchBlock(errorText(item));
        break;
      case "display_data":
      case "execute_result":
      case "update_display_data": {
        const representation = representationOf(item.data);
        this.#searchBlock(
          representation.kind === "text"
            ? representation.text
            : (representation.alt ?? ""),
        );
        break;
      }
      case "clear_output":
        break;
    }
  }

  /** The result. Nothing can be added after it. */
  finish(): FindResult {
    this.#endLine();
    const summary = this.#summary();
    const text = (this.#text + summary).replace(/\n$/, "").slice(0, this.#maxChars);
    return { text, matches: this.#matches, lines: this.#lines, shown: this.#shown };
  }

  #summary(): string {
    const sentences: string[] = [];
    if (this.#shown < this.#matches) {
      sentences.push(`${this.#shown} of ${this.#matches} matching lines are shown.`);
    }
    if (this.#notLookedAt > 0) {
      sentences.push(
        `The time for searching was used up: ${this.#notLookedAt} of ${this.#lines} lines were not looked at.`,
      );
    }
    return sentences.length === 0 ? "" : `[${sentences.join(" ")}]`;
  }

  /** Searches text that starts on a line of its own. */
  #searchBlock(text: string): void {
    if (text === "") return;
    this.#endLine();
    this.#search(text);
    this.#continues = false;
  }

  #endLine(): void {
    const line = this.#terminal.end();
    if (line !== "") this.#search(line);
    this.#continues = false;
  }

  #search(text: string): void {
    let start = 0;
    while (start < text.length) {
      const lineEnd = text.indexOf("\n", start);
      const end = lineEnd === -1 ? text.length : lineEnd;
      if (!this.#continues) {
        this.#lines++;
        if (this.#lines % LINES_PER_CLOCK_READING === 0) this.#checkClock();
        if (this.#isTimeUp) this.#notLookedAt++;
      }
      this.#continues = lineEnd === -1;
      if (!this.#isTimeUp) this.#searchLine(text.slice(start, end));
      start = end + 1;
    }
  }

  #searchLine(line: string): void {
    if (this.#pattern.matches(line)) {
      if (this.#lastMatch === this.#lines) return;
      this.#lastMatch = this.#lines;
      this.#matches++;
      if (!this.#isFull) this.#showMatch(line);
    } else if (this.#isFull) {
      return;
    } else if (this.#afterLeft > 0) {
      this.#afterLeft--;
      const shown = `${this.#lines}- ${excerpt(line, { start: 0, end: 0 })}\n`;
      if (this.#fits(shown)) this.#append(shown);
      else this.#isFull = true;
    } else if (this.#contextLines > 0) {
      this.#before.push({ number: this.#lines, text: line });
      if (this.#before.length > this.#contextLines) this.#before.shift();
    }
  }

  #showMatch(line: string): void {
    const first = this.#before[0]?.number ?? this.#lines;
    const isApart =
      this.#contextLines > 0 && this.#lastShown > 0 && first > this.#lastShown + 1;
    let shown = isApart ? "--\n" : "";
    for (const { number, text } of this.#before) {
      shown += `${number}- ${excerpt(text, { start: 0, end: 0 })}\n`;
    }
    shown += `${this.#lines}: ${excerpt(line, this.#pattern.locate(line))}\n`;
    this.#before = [];
    if (!this.#fits(shown)) {
      this.#isFull = true;
      return;
    }
    this.#append(shown);
    this.#shown++;
    this.#afterLeft = this.#contextLines;
  }

  #fits(text: string): boolean {
    return this.#text.length + text.length <= this.#maxChars - SUMMARY_CHARS;
  }

  #append(text: string): void {
    this.#text += text;
    this.#lastShown = this.#lines;
  }

  #checkClock(): void {
    if (this.#deadline !== null && this.#now() > this.#deadline) this.#isTimeUp = true;
  }
}

/** A pattern without metacharacters is searched as it is; that is several times faster. */
function compilePattern(pattern: string): LinePattern {
  if (!/[\\^$.|?*+()[\]{}]/.test(pattern)) {
    return {
      matches: (line) => line.includes(pattern),
      locate: (line) => {
        const start = line.indexOf(pattern);
        return { start, end: start + pattern.length };
      },
    };
  }
  const regex = compileRegex(pattern);
  return {
    matches: (line) => regex.test(line),
    locate: (line) => {
      const matcher = regex.matcher(line);
      return matcher.find()
        ? { start: matcher.start(), end: matcher.end() }
        : { start: 0, end: 0 };
    },
  };
}

/**
 * A regular expression that comes from outside: RE2, which runs in linear time.
 *
 * @throws {ExpectedError} `bad_regex`
 */
export function compileRegex(pattern: string, flags = 0): RE2JS {
  try {
    return RE2JS.compile(pattern, flags);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const unsupported = /\(\?<?[=!]|\\[1-9]|\\k/.test(pattern);
    const detail = unsupported
      ? `${reason} (lookaround and backreferences are not supported)`
      : reason;
    throw new ExpectedError({ code: "bad_regex", pattern, detail }, { cause: error });
  }
}

/** A line, or what of a long one is around its match. */
function excerpt(line: string, match: Span): string {
  if (line.length <= MAX_LINE_CHARS) return line;
  const room = MAX_LINE_CHARS - 2;
  const middle = Math.floor((match.start + Math.min(match.end, match.start + room)) / 2);
  let start = Math.max(0, Math.min(middle - room / 2, line.length - room));
  let end = start + room;
  if (isLowSurrogate(line, start)) start++;
  if (isLowSurrogate(line, end)) end--;
  return `${start > 0 ? "…" : ""}${line.slice(start, end)}${end < line.length ? "…" : ""}`;
}
