/**
 * Reads JSON as it arrives and gives out the raw bytes of what is wanted, without
 * turning anything into values: what nobody asked for costs no memory, and what
 * is not changed can be written back byte for byte (`1.0`, 64-bit integers, and
 * the `NaN` and `Infinity` that Python writes).
 */

import { joinBytes } from "../jupyter/bytes.ts";

/** Keys and indexes from the top to a value. The scanner's own: copy what is to be kept. */
export type JsonPath = readonly (string | number)[];

/** What a value begins like. */
export type JsonKind = "object" | "array" | "scalar";

/** What to do with a value: pass it over, get its bytes, or look at its members one by one. */
export type Decision = "skip" | "take" | "enter";

/** What is wanted of a document. A scalar that is to be entered is passed over. */
export interface ScanHandler {
  /** Asked as each value begins, below values that are entered. */
  begin(path: JsonPath, kind: JsonKind): Decision;
  /** The bytes of a taken value: a view where it arrived in one piece. */
  take?(path: JsonPath, bytes: Uint8Array): void;
  /** How many bytes a value had that was passed over. */
  skip?(path: JsonPath, length: number): void;
  /** An entered object or array has ended. */
  end?(path: JsonPath): void;
}

/** Where the bytes are no JSON. */
export class JsonSyntaxError extends Error {
  /** Counted from 1. */
  readonly line: number;

  constructor(line: number, detail: string) {
    super(detail);
    this.name = "JsonSyntaxError";
    this.line = line;
  }
}

type Expected =
  | "value"
  | "value or end"
  | "key"
  | "key or end"
  | "colon"
  | "comma or end"
  | "nothing";

/** The byte order mark, which editors on Windows write. */
const MARK = [0xef, 0xbb, 0xbf];
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NEWLINE = 0x0a;
const MAX_DEPTH = 1_000;
/** The longest number that Python writes is far shorter. */
const MAX_SCALAR_CHARS = 10_000;

const SCALAR = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/;
const PYTHON_SCALAR = /^(?:NaN|-?Infinity)$/;

/** See the head of this file. Feed it with `push`, then call `finish`. */
export class JsonScanner {
  readonly #handler: ScanHandler;
  readonly #path: (string | number)[] = [];
  /** For each open container, whether it is an object. */
  readonly #isObject: boolean[] = [];
  #expected: Expected = "value";
  #inString = false;
  #isKey = false;
  /** Whether the backslashes that ended the last chunk escape what comes first. */
  #isEscaped = false;
  /** A number or word that the end of a chunk has cut in two. */
  #scalar: string | null = null;
  /** Depth of the value that is taken or passed over, and which of the two. */
  #quietDepth = -1;
  #quiet: "take" | "skip" | null = null;
  #captureFrom = -1;
  #captured: Uint8Array[] = [];
  #skipped = 0;
  #line = 1;
  /** How many bytes of the mark have come; `null` once something else has. */
  #markBytes: number | null = 0;
  #hasValue = false;

  constructor(handler: ScanHandler) {
    this.#handler = handler;
  }

  /** @throws {JsonSyntaxError} where the bytes so far are no JSON */
  push(chunk: Uint8Array): void {
    let at = this.#markBytes === null ? 0 : this.#readMark(chunk, this.#markBytes);
    if (this.#isCapturing()) this.#captureFrom = at;
    while (at < chunk.length) {
      if (this.#inString) at = this.#readString(chunk, at);
      else if (this.#scalar !== null) at = this.#readScalar(chunk, at);
      else at = this.#readStructure(chunk, at);
    }
    if (this.#isCapturing()) this.#keep(chunk, chunk.length);
  }

  /** @throws {JsonSyntaxError} where the document has not ended */
  finish(): void {
    if (this.#scalar !== null) this.#endScalar(new Uint8Array(0), 0);
    if (this.#inString || this.#isObject.length > 0)
      throw this.#error("it ends in the middle");
    if (!this.#hasValue) throw this.#error("it is empty");
  }

  #isCapturing(): boolean {
    return this.#quiet !== null || this.#isKey;
  }

  #readMark(chunk: Uint8Array, before: number): number {
    let at = 0;
    while (at < chunk.length && before + at < MARK.length) {
      if (chunk[at] !== MARK[before + at]) {
        this.#markBytes = null;
        if (before + at > 0) throw this.#unexpected(MARK[0] ?? 0);
        return at;
      }
      at += 1;
    }
    this.#markBytes = before + at < MARK.length ? before + at : null;
    return at;
  }

  #readStructure(chunk: Uint8Array, start: number): number {
    let at = start;
    for (;;) {
      const byte = chunk[at];
      if (byte === undefined) return at;
      if (byte === NEWLINE) this.#line += 1;
      else if (byte !== 0x20 && byte !== 0x0d && byte !== 0x09) break;
      at += 1;
    }
    const byte = chunk[at] ?? 0;
    const isValue = this.#expected === "value" || this.#expected === "value or end";
    switch (byte) {
      case 0x7b: // {
      case 0x5b: // [
        if (!isValue) throw this.#unexpected(byte);
        this.#open(byte === 0x7b, at);
        return at + 1;
      case 0x7d: // }
      case 0x5d: // ]
        this.#close(byte === 0x7d, chunk, at + 1);
        return at + 1;
      case 0x2c: // ,
        if (this.#expected !== "comma or end" || this.#isObject.length === 0)
          throw this.#unexpected(byte);
        this.#next();
        return at + 1;
      case 0x3a: // :
        if (this.#expected !== "colon") throw this.#unexpected(byte);
        this.#expected = "value";
        return at + 1;
      case QUOTE:
        if (this.#expected === "key" || this.#expected === "key or end") {
          // Below what is passed over, keys are of no interest.
          this.#isKey = this.#quiet === null;
          if (this.#isKey) this.#captureFrom = at;
        } else if (isValue) {
          this.#begin("scalar", at);
        } else {
          throw this.#unexpected(byte);
        }
        this.#inString = true;
        return at + 1;
      default:
        if (!isValue) throw this.#unexpected(byte);
        this.#begin("scalar", at);
        this.#scalar = "";
        return at;
    }
  }

  #readString(chunk: Uint8Array, start: number): number {
    let from = start;
    if (this.#isEscaped) {
      this.#isEscaped = false;
      from += 1;
    }
    for (;;) {
      const quote = chunk.indexOf(QUOTE, from);
      const end = quote === -1 ? chunk.length : quote;
      let slashes = 0;
      while (end - 1 - slashes >= from && chunk[end - 1 - slashes] === BACKSLASH)
        slashes += 1;
      if (quote === -1) {
        this.#isEscaped = slashes % 2 === 1;
        return chunk.length;
      }
      from = quote + 1;
      if (slashes % 2 === 1) continue;
      this.#inString = false;
      if (this.#expected === "key" || this.#expected === "key or end")
        this.#endKey(chunk, from);
      else this.#endValue(chunk, from);
      return from;
    }
  }

  #readScalar(chunk: Uint8Array, start: number): number {
    let at = start;
    while (at < chunk.length && !isDelimiter(chunk[at] ?? 0)) at += 1;
    this.#scalar += ascii(chunk, start, at);
    if ((this.#scalar?.length ?? 0) > MAX_SCALAR_CHARS)
      throw this.#error("a number is too long");
    if (at < chunk.length) this.#endScalar(chunk, at);
    return at;
  }

  #endScalar(chunk: Uint8Array, end: number): void {
    const scalar = this.#scalar ?? "";
    this.#scalar = null;
    if (!SCALAR.test(scalar) && !PYTHON_SCALAR.test(scalar))
      throw this.#error(`${JSON.stringify(scalar.slice(0, 40))} is no value`);
    this.#endValue(chunk, end);
  }

  #begin(kind: JsonKind, at: number): void {
    this.#hasValue = true;
    if (this.#quiet !== null) return;
    const decision = this.#handler.begin(this.#path, kind);
    if (decision === "enter" && kind !== "scalar") return;
    this.#quiet = decision === "take" ? "take" : "skip";
    this.#quietDepth = this.#isObject.length;
    this.#captureFrom = at;
  }

  #open(isObject: boolean, at: number): void {
    this.#begin(isObject ? "object" : "array", at);
    if (this.#isObject.length >= MAX_DEPTH) throw this.#error("it is nested too deeply");
    this.#isObject.push(isObject);
    this.#path.push(isObject ? "" : 0);
    this.#expected = isObject ? "key or end" : "value or end";
  }

  #close(isObject: boolean, chunk: Uint8Array, end: number): void {
    const mayEnd =
      this.#expected === "comma or end" ||
      this.#expected === (isObject ? "key or end" : "value or end");
    if (!mayEnd || this.#isObject.at(-1) !== isObject)
      throw this.#unexpected(isObject ? 0x7d : 0x5d);
    this.#isObject.pop();
    this.#path.pop();
    if (this.#quiet === null) this.#handler.end?.(this.#path);
    this.#endValue(chunk, end);
  }

  #next(): void {
    if (this.#isObject.at(-1) === true) {
      this.#expected = "key";
      return;
    }
    const last = this.#path.length - 1;
    this.#path[last] = Number(this.#path[last]) + 1;
    this.#expected = "value";
  }

  #endKey(chunk: Uint8Array, end: number): void {
    this.#expected = "colon";
    if (!this.#isKey) return;
    this.#keep(chunk, end);
    this.#isKey = false;
    this.#path[this.#path.length - 1] = String(this.#parsed(this.#takeCaptured()));
  }

  #endValue(chunk: Uint8Array, end: number): void {
    this.#expected = this.#isObject.length === 0 ? "nothing" : "comma or end";
    if (this.#quiet === null || this.#quietDepth !== this.#isObject.length) return;
    this.#keep(chunk, end);
    const wasTaken = this.#quiet === "take";
    this.#quiet = null;
    if (wasTaken) this.#handler.take?.(this.#path, this.#takeCaptured());
    else this.#handler.skip?.(this.#path, this.#skipped);
    this.#skipped = 0;
  }

  #keep(chunk: Uint8Array, end: number): void {
    const from = Math.max(0, this.#captureFrom);
    if (this.#quiet === "skip") this.#skipped += end - from;
    else if (end > from) this.#captured.push(chunk.subarray(from, end));
    this.#captureFrom = 0;
  }

  #takeCaptured(): Uint8Array {
    const parts = this.#captured;
    this.#captured = [];
    return joinBytes(parts);
  }

  #parsed(bytes: Uint8Array): unknown {
    try {
      return JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      throw this.#error("a string is not valid");
    }
  }

  #unexpected(byte: number): JsonSyntaxError {
    return this.#error(
      `${JSON.stringify(String.fromCharCode(byte))} where ${this.#expected} is expected`,
    );
  }

  #error(detail: string): JsonSyntaxError {
    return new JsonSyntaxError(this.#line, detail);
  }
}

function isDelimiter(byte: number): boolean {
  return (
    byte === 0x2c ||
    byte === 0x5d ||
    byte === 0x7d ||
    byte === 0x20 ||
    byte === NEWLINE ||
    byte === 0x0d ||
    byte === 0x09 ||
    byte === 0x3a
  );
}

function ascii(chunk: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end && at - start <= MAX_SCALAR_CHARS; at += 1)
    text += String.fromCharCode(chunk[at] ?? 0);
  return text;
}
