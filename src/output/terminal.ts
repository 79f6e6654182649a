/**
 * What a terminal would show of a stream, kept as text. Whatever the chunks are
 * that the text arrives in, their results joined are the same.
 */

/* oxlint-disable no-control-regex -- control characters are what a terminal reads. */

import { isLowSurrogate } from "./surrogates.ts";

/** A longer open line is handed out in pieces, so that memory stays bounded. */
const MAX_OPEN_LINE_CHARS = 16_000;

const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/g;
const CONTROL_EXCEPT_NEWLINE = /[\x00-\x08\x0b-\x1f\x7f]/;

/**
 * A CSI sequence (parameters and final byte captured), the start of a string
 * sequence, or a short escape (final byte captured). The bounds keep a cut one,
 * which waits for its next chunk, small.
 *
 * @see https://ecma-international.org/publications-and-standards/standards/ecma-48/
 */
const ESCAPE =
  /\x1b(?:\[([\x30-\x3f]{0,64})[\x20-\x2f]{0,8}([\x40-\x7e])?|([\]PX^_])|[\x20-\x2f]{0,8}([\x30-\x7e])?)/y;

/**
 * What ends a string sequence (OSC, DCS, …): BEL, CAN, SUB, or any escape, of
 * which `ESC \` belongs to it. A newline ends it too, although it should not:
 * a stray introducer then costs one line and not all that follows.
 */
const STRING_END = /[\x07\x18\x1a\x1b\n]/g;

/**
 * Reads a stream as a terminal does: carriage returns, backspaces and erased
 * lines are applied, colours and other escapes removed. A progress bar reads as
 * its last state.
 */
export class TerminalText {
  #line = "";
  #column = 0;
  /** Something in the open line was overwritten or erased. */
  #redrawn = false;
  #insideString = false;
  /** An escape or a `\r` whose meaning the next chunk decides. */
  #pending = "";

  /** The text that became final: whole lines with their `\n`, and pieces of a very long one. */
  push(text: string): string {
    if (this.#pending !== "") {
      text = this.#pending + text;
      this.#pending = "";
    }
    if (this.#isPlain() && !CONTROL_EXCEPT_NEWLINE.test(text))
      return this.#pushPlain(text);
    return this.#pushControlled(text);
  }

  /** The open line, without a newline. Afterwards the terminal is as new. */
  end(): string {
    const line = this.#takeLine();
    this.#insideString = false;
    this.#pending = "";
    return line;
  }

  #isPlain(): boolean {
    return !this.#redrawn && !this.#insideString && this.#column === this.#line.length;
  }

  #pushPlain(text: string): string {
    const end = text.lastIndexOf("\n") + 1;
    const final = end === 0 ? "" : this.#takeLine() + text.slice(0, end);
    return final + this.#write(text.slice(end));
  }

  #pushControlled(text: string): string {
    let final = "";
    let at = 0;
    while (at < text.length) {
      if (this.#insideString) {
        at = this.#skipString(text, at);
        continue;
      }
      CONTROL.lastIndex = at;
      const next = CONTROL.exec(text)?.index ?? text.length;
      if (next > at) final += this.#write(text.slice(at, next));
      at = next + 1;
      switch (text[next]) {
        case "\n":
          final += this.#takeLine() + "\n";
          break;
        case "\r":
          if (at === text.length) this.#pending = "\r";
          else if (text[at] !== "\n") this.#moveTo(0);
          break;
        case "\b":
          this.#moveTo(this.#column - 1);
          break;
        case "\x1b":
          at = this.#escape(text, next);
          break;
      }
    }
    return final;
  }

  /** Applies the escape at `at` and returns where the text goes on. */
  #escape(text: string, at: number): number {
    ESCAPE.lastIndex = at;
    const match = ESCAPE.exec(text);
    if (match === null) return at + 1;
    const end = ESCAPE.lastIndex;
    const [, parameters = "", csiFinal, string, shortFinal] = match;
    if (string !== undefined) {
      this.#insideString = true;
    } else if (csiFinal !== undefined) {
      this.#control(csiFinal, parameters);
    } else if (shortFinal === undefined && end === text.length) {
      this.#pending = text.slice(at);
    }
    return end;
  }

  #control(final: string, parameters: string): void {
    const count = Number(parameters === "" ? "0" : parameters);
    if (final === "K") this.#erase(count);
    else if (final === "D") this.#moveTo(this.#column - Math.max(1, count || 1));
    else if (final === "G") this.#moveTo(Math.min((count || 1) - 1, this.#line.length));
  }

  #erase(mode: number): void {
    if (mode === 0) {
      this.#line = this.#line.slice(0, this.#column);
    } else if (mode === 1) {
      let end = this.#column + 1;
      if (isLowSurrogate(this.#line, end)) end++;
      const kept = this.#line.slice(end);
      this.#line = " ".repeat(Math.min(end, this.#line.length)) + kept;
    } else if (mode === 2) {
      this.#line = "";
    } else {
      return;
    }
    this.#redrawn = true;
  }

  #skipString(text: string, at: number): number {
    STRING_END.lastIndex = at;
    const end = STRING_END.exec(text)?.index;
    if (end === undefined) return text.length;
    if (text[end] === "\x1b" && end + 1 === text.length) {
      this.#pending = "\x1b";
      return text.length;
    }
    this.#insideString = false;
    if (text[end] === "\n") return end;
    if (text[end] !== "\x1b") return end + 1;
    return text[end + 1] === "\\" ? end + 2 : end;
  }

  #moveTo(column: number): void {
    this.#column = Math.max(0, column);
    if (isLowSurrogate(this.#line, this.#column)) this.#column--;
    this.#redrawn = true;
  }

  /** Puts text at the cursor and returns the pieces of a line that grew too long. */
  #write(text: string): string {
    const line = this.#line;
    if (this.#column >= line.length) {
      this.#line = line.padEnd(this.#column) + text;
    } else {
      const end = this.#column + text.length;
      // Half of an overwritten pair is blank, as half of a wide character is.
      const rest = isLowSurrogate(line, end)
        ? " " + line.slice(end + 1)
        : line.slice(end);
      this.#line = line.slice(0, this.#column) + text + rest;
    }
    this.#column += text.length;
    if (this.#line.length <= MAX_OPEN_LINE_CHARS) return "";
    let start = 0;
    while (this.#line.length - start > MAX_OPEN_LINE_CHARS) {
      start += MAX_OPEN_LINE_CHARS;
      if (isLowSurrogate(this.#line, start)) start--;
    }
    const pieces = this.#line.slice(0, start);
    this.#line = this.#line.slice(start);
    this.#column = Math.max(0, this.#column - start);
    return pieces;
  }

  /** Ends the open line. Blanks at the end of a redrawn one are what is left of a longer state. */
  #takeLine(): string {
    const line = this.#redrawn ? this.#line.trimEnd() : this.#line;
    this.#line = "";
    this.#column = 0;
    this.#redrawn = false;
    return line;
  }
}

/** All of `text` as a terminal would show it, for texts that are no streams: tracebacks, results. */
export function plainText(text: string): string {
  const terminal = new TerminalText();
  return terminal.push(text) + terminal.end();
}
