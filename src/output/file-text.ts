/**
 * Reads some lines out of a file that may be much larger than what is shown, as
 * its bytes arrive, and no further than it needs to.
 */

import { joinBytes } from "../jupyter/bytes.ts";
import { isLowSurrogate } from "./surrogates.ts";

/** What of a file is wanted. Lines count from 1. */
export interface LinesWanted {
  readonly startLine: number;
  readonly lineCount: number;
  /** Of the lines together; one that is asked for alone may have all of it. */
  readonly maxChars: number;
  /** How many bytes are read on the way to the lines and through them. */
  readonly maxBytes: number;
  /** Asked after each piece that arrived. */
  isTimeUp(): boolean;
}

/** How a file's bytes were understood: the encoding it is in, or the likeliest one. */
export type FileEncoding = "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";

/** What came of it. */
export type FileText =
  | { readonly kind: "binary"; readonly head: Uint8Array }
  | {
      readonly kind: "text";
      readonly lines: readonly string[];
      /** The next line to ask for, where there is more and it can be reached. */
      readonly nextLine: number | null;
      /** Lines of the whole file, where it was read to its end. */
      readonly totalLines: number | null;
      readonly encoding: FileEncoding;
      /** Whether a line that is shown has characters that stand for bytes of no character. */
      readonly isDamaged: boolean;
      /** Where the reading had to be given up: the lines and bytes before that place. */
      readonly givenUp: { readonly lines: number; readonly bytes: number } | null;
    };

/** Enough to tell text from what is none. */
const SNIFF_BYTES = 8_192;
const MAX_LINE_CHARS = 2_000;
/** More control characters than this are no text, though their bytes may be that of one. */
const MAX_CONTROL_SHARE = 0.3;
/** The same where the bytes are not even UTF-8. */
const MAX_FOREIGN_CONTROL_SHARE = 0.02;

/** See the head of this file. `chunks` is not read to its end where that is not needed. */
export async function readLines(
  chunks: AsyncIterable<Uint8Array>,
  wanted: LinesWanted,
): Promise<FileText> {
  const head: Uint8Array[] = [];
  let reader: LineReader | null = null;
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (reader === null) {
      head.push(chunk);
      if (bytes < SNIFF_BYTES && !wanted.isTimeUp()) continue;
      reader = readerOf(head, wanted);
      if (reader === null) return { kind: "binary", head: joinBytes(head) };
    } else {
      reader.push(chunk);
    }
    if (reader.isDone) return reader.result("enough", bytes);
    if (bytes >= wanted.maxBytes || wanted.isTimeUp())
      return reader.result("given up", bytes);
  }
  reader ??= readerOf(head, wanted);
  if (reader === null) return { kind: "binary", head: joinBytes(head) };
  return reader.result("end", bytes);
}

/** The text of a file that is here whole, in its likeliest encoding; null for what is no text. */
export function textOf(bytes: Uint8Array): string | null {
  const encoding = encodingOf(bytes, true);
  return encoding === null ? null : new TextDecoder(encoding).decode(bytes);
}

function readerOf(head: readonly Uint8Array[], wanted: LinesWanted): LineReader | null {
  const encoding = encodingOf(joinBytes(head));
  if (encoding === null) return null;
  const reader = new LineReader(encoding, wanted);
  for (const chunk of head) reader.push(chunk);
  return reader;
}

class LineReader {
  readonly #wanted: LinesWanted;
  readonly #encoding: FileEncoding;
  readonly #decoder: TextDecoder;
  readonly #maxLineChars: number;
  readonly #lines: string[] = [];
  /** The line that is being read. */
  #number = 1;
  /** As much of it as is shown. */
  #line = "";
  #lineChars = 0;
  #chars = 0;
  isDone = false;

  constructor(encoding: FileEncoding, wanted: LinesWanted) {
    this.#encoding = encoding;
    this.#decoder = new TextDecoder(encoding);
    this.#wanted = wanted;
    const { lineCount, maxChars } = wanted;
    this.#maxLineChars = lineCount === 1 ? maxChars : Math.min(MAX_LINE_CHARS, maxChars);
  }

  push(chunk: Uint8Array): void {
    this.#add(this.#decoder.decode(chunk, { stream: true }));
  }

  result(ending: "enough" | "end" | "given up", bytes: number): FileText {
    if (ending !== "enough") this.#add(this.#decoder.decode());
    const isLineLeft = this.#lineChars > 0 && !this.isDone;
    const isOfInterest = ending === "end" || this.#number >= this.#wanted.startLine;
    if (isLineLeft && isOfInterest) this.#endLine(ending === "given up");
    const isWhole = ending === "end" && !this.isDone;
    const isGivenUp = ending === "given up" && !this.isDone;
    return {
      kind: "text",
      lines: this.#lines,
      nextLine: isWhole || isGivenUp ? null : this.#number,
      totalLines: isWhole ? this.#number - 1 : null,
      encoding: this.#encoding,
      isDamaged: this.#lines.some((line) => line.includes("\uFFFD")),
      givenUp: isGivenUp ? { lines: this.#number - 1, bytes } : null,
    };
  }

  #add(text: string): void {
    let at = 0;
    while (at < text.length && !this.isDone) {
      if (this.#lines.length >= this.#wanted.lineCount) {
        this.isDone = true;
        return;
      }
      const end = text.indexOf("\n", at);
      this.#extend(text, at, end === -1 ? text.length : end);
      if (end === -1) return;
      this.#endLine(false);
      at = end + 1;
    }
  }

  #extend(text: string, start: number, end: number): void {
    this.#lineChars += end - start;
    const room = this.#maxLineChars - this.#line.length;
    if (room <= 0 || this.#number < this.#wanted.startLine) return;
    const cut = Math.min(end, start + room);
    this.#line += text.slice(
      start,
      cut < end && isLowSurrogate(text, cut) ? cut - 1 : cut,
    );
  }

  #endLine(isGivenUp: boolean): void {
    if (this.#number >= this.#wanted.startLine && !this.#take(isGivenUp)) return;
    this.#number += 1;
    this.#line = "";
    this.#lineChars = 0;
  }

  /** Shows a line. One that does not fit any more is left for the next call. */
  #take(isGivenUp: boolean): boolean {
    let line = escaped(this.#line);
    let cut = this.#lineChars - this.#line.length;
    if (line.length > this.#maxLineChars) {
      const kept = Math.floor(this.#maxLineChars / ESCAPE_CHARS);
      line = escaped(this.#line.slice(0, kept));
      cut = this.#lineChars - kept;
    }
    if (cut > 0) line += ` [… ${cut}${isGivenUp ? "+" : ""} more characters]`;
    if (this.#lines.length > 0 && this.#chars + line.length > this.#wanted.maxChars) {
      this.isDone = true;
      return false;
    }
    this.#lines.push(line);
    this.#chars += line.length + 1;
    return true;
  }
}

/** A carriage return before the line's end, and what would disturb a terminal or a line of ours. */
const NOT_SHOWN = /\r$|(?!\t)[\p{Cc}\u2028\u2029]/gu;

/** `\u001b` */
const ESCAPE_CHARS = 6;

function escaped(line: string): string {
  return line.replaceAll(NOT_SHOWN, shownAsEscape);
}

function shownAsEscape(char: string, at: number, line: string): string {
  if (char === "\r" && at === line.length - 1) return "";
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Null for what is no text. Only the beginning counts, unless the whole file is there. */
function encodingOf(head: Uint8Array, isWhole = false): FileEncoding | null {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be";
  const sample = isWhole ? head : head.subarray(0, SNIFF_BYTES);
  if (sample.includes(0)) return null;
  const controls = sample.reduce((count, byte) => count + Number(isControl(byte)), 0);
  const encoding = isUtf8(sample, isWhole) ? "utf-8" : "windows-1252";
  const share = encoding === "utf-8" ? MAX_CONTROL_SHARE : MAX_FOREIGN_CONTROL_SHARE;
  return controls > sample.byteLength * share ? null : encoding;
}

/** Not a tab, a line's or page's end, a backspace, or the beginning of a colour. */
function isControl(byte: number): boolean {
  return (
    (byte < 0x20 && !(byte >= 0x08 && byte <= 0x0d) && byte !== 0x1b) || byte === 0x7f
  );
}

function isUtf8(sample: Uint8Array, isWhole: boolean): boolean {
  try {
    // A character that the sample's end cuts in two is waited for.
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(sample, {
      stream: !isWhole,
    });
    return true;
  } catch {
    return false;
  }
}
