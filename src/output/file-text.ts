/**
 * Reads some lines out of a file that may be much larger than what is shown, as
 * its bytes arrive, and no further than it needs to.
 */

/** What of a file is wanted. Lines count from 1. */
export interface LinesWanted {
  readonly startLine: number;
  readonly lineCount: number;
  readonly maxChars: number;
  /** How many bytes are read to get to the first line. */
  readonly maxBytes: number;
}

/** What came of it. */
export type FileText =
  | { readonly kind: "binary"; readonly head: Uint8Array }
  | {
      readonly kind: "text";
      readonly lines: readonly string[];
      /** The next line to ask for, where there is more. */
      readonly nextLine: number | null;
      /** Lines of the whole file, where it was read to its end. */
      readonly totalLines: number | null;
      /** Whether characters were replaced that are not valid in the file's encoding. */
      readonly isDamaged: boolean;
      /** Whether the file is too long to be read up to the first line wanted. */
      readonly isTooFar: boolean;
    };

/** Enough to tell text from what is none. */
const SNIFF_BYTES = 8_192;
const MAX_LINE_CHARS = 2_000;

/** See the head of this file. `chunks` is not read to its end where that is not needed. */
export async function readLines(
  chunks: AsyncIterable<Uint8Array>,
  wanted: LinesWanted,
): Promise<FileText> {
  const reader = new LineReader(wanted);
  let decoder: TextDecoder | null = null;
  let head = new Uint8Array(0);
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (decoder === null) {
      head = concatenated(head, chunk);
      if (head.byteLength < SNIFF_BYTES && bytes < SNIFF_BYTES) continue;
      decoder = decoderFor(head);
      if (decoder === null) return { kind: "binary", head };
      reader.push(decoder.decode(head, { stream: true }));
    } else {
      reader.push(decoder.decode(chunk, { stream: true }));
    }
    if (reader.isDone) return reader.result(false);
    if (bytes > wanted.maxBytes) return { ...reader.result(false), isTooFar: true };
  }
  decoder ??= decoderFor(head);
  if (decoder === null) return { kind: "binary", head };
  if (bytes < SNIFF_BYTES) reader.push(decoder.decode(head, { stream: true }));
  reader.push(decoder.decode());
  return reader.result(true);
}

class LineReader {
  readonly #wanted: LinesWanted;
  readonly #lines: string[] = [];
  #number = 1;
  #line = "";
  #lineChars = 0;
  #chars = 0;
  #isDamaged = false;
  isDone = false;

  constructor(wanted: LinesWanted) {
    this.#wanted = wanted;
  }

  push(text: string): void {
    let at = 0;
    while (at < text.length && !this.isDone) {
      const end = text.indexOf("\n", at);
      this.#add(text.slice(at, end === -1 ? undefined : end));
      if (end === -1) return;
      this.#endLine();
      at = end + 1;
    }
  }

  result(isWhole: boolean): Extract<FileText, { kind: "text" }> {
    if (isWhole && !this.isDone && this.#lineChars > 0) this.#endLine();
    const totalLines = isWhole && !this.isDone ? this.#number - 1 : null;
    const nextLine = totalLines === null ? this.#number : null;
    const isDamaged = this.#isDamaged;
    return {
      kind: "text",
      lines: this.#lines,
      nextLine,
      totalLines,
      isDamaged,
      isTooFar: false,
    };
  }

  #add(text: string): void {
    this.#lineChars += text.length;
    const room = MAX_LINE_CHARS - this.#line.length;
    if (room > 0 && this.#number >= this.#wanted.startLine)
      this.#line += text.slice(0, room);
  }

  #endLine(): void {
    if (this.#number >= this.#wanted.startLine) this.#take();
    if (this.isDone) return;
    this.#number += 1;
    this.#line = "";
    this.#lineChars = 0;
  }

  /** A line that does not fit any more is left for the next call. */
  #take(): void {
    const { lineCount, maxChars } = this.#wanted;
    const shown = this.#line.replace(/\r$/, "");
    const cut = this.#lineChars - this.#line.length;
    const line = cut > 0 ? `${shown} [… ${cut} more characters]` : shown;
    const isFull = this.#lines.length > 0 && this.#chars + line.length > maxChars;
    if (this.#lines.length >= lineCount || isFull) {
      this.isDone = true;
      return;
    }
    this.#isDamaged ||= line.includes("\uFFFD");
    this.#lines.push(line);
    this.#chars += line.length + 1;
  }
}

/** UTF-8, or UTF-16 where its byte order mark says so; null for what is no text. */
function decoderFor(head: Uint8Array): TextDecoder | null {
  if (head[0] === 0xff && head[1] === 0xfe) return new TextDecoder("utf-16le");
  if (head[0] === 0xfe && head[1] === 0xff) return new TextDecoder("utf-16be");
  return head.subarray(0, SNIFF_BYTES).includes(0) ? null : new TextDecoder();
}

function concatenated(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(a.byteLength + b.byteLength);
  joined.set(a);
  joined.set(b, a.byteLength);
  return joined;
}
