/**
 * Turns the items of a run's journal into the outputs that JupyterLab would save
 * in the notebook. Nothing in them keeps Jupyter from writing the file: half a
 * surrogate pair, which has no UTF-8, becomes U+FFFD.
 *
 * @see https://github.com/jupyterlab/jupyterlab/blob/main/packages/outputarea/src/model.ts
 */

import {
  splitLines,
  type NbDisplayData,
  type NbError,
  type NbExecuteResult,
  type NbOutput,
  type NbStream,
} from "../jupyter/nbformat.ts";
import type { Item } from "../kernel/item.ts";
import { inputText } from "../output/item-words.ts";

type DisplayItem = Extract<Item, { readonly data: unknown }>;
type ErrorItem = Extract<Item, { type: "error" }>;
type StreamName = Extract<Item, { type: "stream" }>["name"];

/** One place that shows a display. */
interface Display {
  readonly step: number;
  readonly displayId: string | undefined;
  output: NbDisplayData | NbExecuteResult;
  chars: number;
}

/** An error, or the word that something was left out. */
interface Fixed {
  readonly output: NbError | NbStream;
  readonly chars: number;
}

type Entry = StreamText | Display | Fixed;

interface Step {
  entries: Entry[];
  /** A `clear_output` waits for what comes next. */
  clearsNext: boolean;
  /** Something was left out, and that is said. */
  isCut: boolean;
}

/**
 * What a run may put into its file, in characters, before its outputs are cut:
 * a notebook that is larger than what can be edited is of no use to anybody.
 */
const MAX_RUN_CHARS = 8_000_000;
/** What one stream output keeps of its beginning, and of its end. */
const MAX_STREAM_PART_CHARS = 1_000_000;

/** Builds the outputs of the cells of one run from the items of its journal, in their order. */
export class RunOutputs {
  readonly #steps = new Map<number, Step>();
  readonly #displays = new Map<string, Set<Display>>();
  readonly #changed = new Set<number>();
  readonly #maxChars: number;
  /** What all outputs have, more or less. */
  #chars = 0;

  /** @param maxChars what all outputs together may have, in characters, before they are cut */
  constructor(maxChars = MAX_RUN_CHARS) {
    this.#maxChars = maxChars;
  }

  /** Takes the next item. `step` is the index (from 0) of the cell that it belongs to. */
  add(step: number, item: Item): void {
    switch (item.type) {
      case "stream":
        this.#write(step, item.name, item.text);
        break;
      case "input":
        this.#write(step, "stdout", inputText(item));
        break;
      case "display_data":
      case "execute_result":
        if (item.isSuggestion !== true) this.#show(step, item);
        break;
      case "update_display_data":
        this.#update(item);
        break;
      case "error":
        this.#append(step, fixed(errorOutput(item)));
        break;
      case "clear_output":
        if (item.wait) this.#step(step).clearsNext = true;
        else this.#clear(step);
        break;
    }
  }

  /**
   * Says, in a line of `stderr`, that the journal did not keep what came next.
   * `chars` is what it let go since the last gap, some of which may be here.
   */
  addGap(step: number, chars: number): void {
    this.#append(step, noteOf(`[up to ${chars} characters of output were not kept]`));
  }

  /** Steps whose outputs changed since this was last called, ascending. */
  takeChanged(): number[] {
    const changed = [...this.#changed].toSorted((a, b) => a - b);
    this.#changed.clear();
    return changed;
  }

  /** The outputs of a step as they are now; what comes later does not change them. */
  outputs(step: number): readonly NbOutput[] {
    return this.#steps.get(step)?.entries.map(({ output }) => output) ?? [];
  }

  #step(step: number): Step {
    let known = this.#steps.get(step);
    if (known === undefined) {
      known = { entries: [], clearsNext: false, isCut: false };
      this.#steps.set(step, known);
    }
    return known;
  }

  /** Adds text to the stream of this name that is the last output, or else to a new one. */
  #write(step: number, name: StreamName, text: string): void {
    if (text === "") return;
    const { entries, clearsNext } = this.#step(step);
    const last = entries.at(-1);
    const goesOn = !clearsNext && last instanceof StreamText && last.name === name;
    const stream = goesOn ? last : new StreamText(name);
    if (!goesOn && !this.#append(step, stream)) return;
    this.#chars -= stream.chars;
    stream.push(text);
    this.#chars += stream.chars;
    this.#changed.add(step);
  }

  /** Adds an output. False where the run has too much of it already, which is said instead. */
  #append(step: number, entry: Entry): boolean {
    const into = this.#step(step);
    if (into.clearsNext) this.#clear(step);
    const { chars } = entry;
    const fits = isSmall(entry) || this.#chars + chars <= this.#maxChars;
    if (!fits && into.isCut) return false;
    const added = fits ? entry : TOO_LARGE;
    into.entries.push(added);
    into.isCut ||= !fits;
    this.#chars += added.chars;
    this.#changed.add(step);
    return fits;
  }

  #show(step: number, item: DisplayItem): void {
    const displayId = item.display_id;
    // An id that is known shows the same everywhere.
    this.#update(item);
    const output = displayOutput(item);
    const display: Display = { step, displayId, output, chars: charsOf(output) };
    if (!this.#append(step, display) || displayId === undefined) return;
    const known = this.#displays.get(displayId);
    if (known === undefined) this.#displays.set(displayId, new Set([display]));
    else known.add(display);
  }

  #update(item: DisplayItem): void {
    if (item.display_id === undefined) return;
    const displays = this.#displays.get(item.display_id);
    if (displays === undefined) return;
    const { data, metadata } = displayOutput(item);
    const chars = charsOf(data);
    for (const display of displays) {
      display.output = { ...display.output, data, metadata };
      this.#chars += chars - display.chars;
      display.chars = chars;
      this.#changed.add(display.step);
    }
  }

  #clear(step: number): void {
    const cleared = this.#step(step);
    cleared.clearsNext = false;
    if (cleared.entries.length === 0) return;
    for (const entry of cleared.entries) {
      this.#chars -= entry.chars;
      if ("displayId" in entry) this.#forget(entry);
    }
    cleared.entries = [];
    cleared.isCut = false;
    this.#changed.add(step);
  }

  #forget(display: Display): void {
    if (display.displayId === undefined) return;
    const displays = this.#displays.get(display.displayId);
    displays?.delete(display);
    if (displays?.size === 0) this.#displays.delete(display.displayId);
  }
}

/**
 * One stream output. The lines that ended never change, so text costs its own
 * length. Of a long one the beginning and the end are kept.
 */
class StreamText {
  readonly name: StreamName;
  readonly #head: string[] = [];
  #headChars = 0;
  /** What comes behind the head; the first `#left` of them are left out. */
  #tail: string[] = [];
  #tailChars = 0;
  #left = 0;
  #leftChars = 0;
  readonly #openLine = new OpenLine();

  constructor(name: StreamName) {
    this.name = name;
  }

  /** What is kept, more or less. */
  get chars(): number {
    return this.#headChars + this.#tailChars + this.#openLine.length;
  }

  get output(): NbStream {
    const text = [...this.#head];
    if (this.#leftChars > 0) {
      const before = text.at(-1)?.endsWith("\n") === false ? "\n" : "";
      text.push(`${before}[… ${this.#leftChars} characters were not kept here …]\n`);
    }
    for (let index = this.#left; index < this.#tail.length; index++)
      text.push(this.#tail[index] ?? "");
    const open = this.#openLine.text().toWellFormed();
    if (open !== "") text.push(open);
    return { output_type: "stream", name: this.name, text };
  }

  push(text: string): void {
    const control = /[\n\r\b]/g;
    let at = 0;
    while (at < text.length) {
      const next = control.exec(text)?.index ?? text.length;
      if (text[next] === "\n" && this.#openLine.isEmpty) {
        this.#keep(text.slice(at, next + 1));
      } else {
        this.#openLine.write(text.slice(at, next));
        this.#control(text[next]);
      }
      at = next + 1;
    }
    if (this.#openLine.length > MAX_STREAM_PART_CHARS) this.#endLine("");
  }

  #endLine(end: string): void {
    this.#keep(`${this.#openLine.text()}${end}`);
    this.#openLine.clear();
  }

  #keep(line: string): void {
    const kept = line.toWellFormed();
    if (this.#tail.length === 0 && this.#headChars < MAX_STREAM_PART_CHARS) {
      this.#head.push(kept);
      this.#headChars += kept.length;
      return;
    }
    this.#tail.push(kept);
    this.#tailChars += kept.length;
    while (
      this.#tailChars > MAX_STREAM_PART_CHARS &&
      this.#left < this.#tail.length - 1
    ) {
      const { length } = this.#tail[this.#left] ?? "";
      this.#left += 1;
      this.#tailChars -= length;
      this.#leftChars += length;
    }
    if (this.#left > this.#tail.length / 2) {
      this.#tail = this.#tail.slice(this.#left);
      this.#left = 0;
    }
  }

  #control(control: string | undefined): void {
    if (control === "\r") this.#openLine.moveToStart();
    else if (control === "\b") this.#openLine.eraseBack();
    else if (control === "\n") this.#endLine("\n");
  }
}

/** As many arguments as a call takes on any platform. */
const MAX_CODE_UNITS_AT_ONCE = 8_192;

/**
 * The last line of a stream and the place in it where text goes, counted in
 * UTF-16 code units as JupyterLab does. It is a gap buffer: what is before the
 * cursor stands at the start of the buffer, what is behind it ends at `#end`.
 * Writing and erasing then never move the rest of a long line, and a return to
 * the start moves only what was written since the last one.
 */
class OpenLine {
  #units = new Uint16Array(0);
  #cursor = 0;
  #restStart = 0;
  #end = 0;

  get isEmpty(): boolean {
    return this.length === 0;
  }

  get length(): number {
    return this.#cursor + this.#end - this.#restStart;
  }

  /** Writes over what is behind the cursor. */
  write(text: string): void {
    const cursor = this.#cursor + text.length;
    this.#restStart += text.length;
    if (this.#restStart >= this.#end) {
      this.#reserve(cursor);
      this.#restStart = cursor;
      this.#end = cursor;
    }
    for (let index = 0; index < text.length; index++) {
      this.#units[this.#cursor + index] = text.charCodeAt(index);
    }
    this.#cursor = cursor;
  }

  moveToStart(): void {
    this.#restStart -= this.#cursor;
    this.#units.copyWithin(this.#restStart, 0, this.#cursor);
    this.#cursor = 0;
  }

  /** Removes the unit before the cursor and, as JupyterLab does, the one behind it. */
  eraseBack(): void {
    if (this.#cursor === 0) return;
    this.#cursor--;
    this.#restStart = Math.min(this.#restStart + 1, this.#end);
  }

  text(): string {
    return this.#decode(0, this.#cursor) + this.#decode(this.#restStart, this.#end);
  }

  clear(): void {
    this.#cursor = 0;
    this.#restStart = 0;
    this.#end = 0;
  }

  #reserve(length: number): void {
    if (length <= this.#units.length) return;
    const units = new Uint16Array(Math.max(length, 2 * this.#units.length));
    units.set(this.#units.subarray(0, this.#cursor));
    this.#units = units;
  }

  #decode(start: number, end: number): string {
    let text = "";
    for (let at = start; at < end; at += MAX_CODE_UNITS_AT_ONCE) {
      const pieceEnd = Math.min(at + MAX_CODE_UNITS_AT_ONCE, end);
      text += String.fromCharCode(...this.#units.subarray(at, pieceEnd));
    }
    return text;
  }
}

/** What stands where output was left out. */
export const TOO_LARGE = noteOf(
  "[output was not kept in the notebook, which would be too large with it]",
);

/** A line for people who read the notebook. */
function noteOf(line: string): Fixed {
  return fixed({ output_type: "stream", name: "stderr", text: [`${line}\n`] });
}

function fixed(output: NbError | NbStream): Fixed {
  return { output, chars: charsOf(output) };
}

function charsOf(value: unknown): number {
  return JSON.stringify(value).length;
}

/** What is worth more than its length: errors, and what is said of gaps. */
function isSmall(entry: Entry): boolean {
  return !(entry instanceof StreamText) && !("displayId" in entry);
}

function errorOutput({ ename, evalue, traceback }: ErrorItem): NbError {
  return {
    output_type: "error",
    ename: ename.toWellFormed(),
    evalue: evalue.toWellFormed(),
    traceback: traceback.map((line) => line.toWellFormed()),
  };
}

function displayOutput(item: DisplayItem): NbDisplayData | NbExecuteResult {
  const metadata = wellFormedRecord(item.metadata);
  const data = Object.fromEntries(
    Object.entries(wellFormedRecord(item.data))
      .filter(([mime, value]) => value !== null || isJsonType(mime))
      .map(([mime, value]) => [mime, isJsonType(mime) ? value : multiline(mime, value)]),
  );
  if (item.type !== "execute_result") {
    return { output_type: "display_data", data, metadata };
  }
  const count = item.execution_count ?? -1;
  const execution_count = Number.isInteger(count) && count >= 0 ? count : null;
  return { output_type: "execute_result", data, metadata, execution_count };
}

/** A value that is not JSON, as nbformat writes it: source text by line, base64 in one piece. */
function multiline(mime: string, value: unknown): string | readonly string[] {
  if (Array.isArray(value) && value.every((line) => typeof line === "string")) {
    return value;
  }
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const isSplit =
    mime.startsWith("text/") ||
    mime === "application/javascript" ||
    mime === "image/svg+xml";
  return isSplit ? splitLines(text) : text;
}

/** The types whose value may be any JSON. nbformat's schema allows only text in all others. */
function isJsonType(mime: string): boolean {
  return /^application\/(?:.*\+)?json$/.test(mime);
}

function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  return typeof value === "object" && value !== null ? wellFormedRecord(value) : value;
}

function wellFormedRecord(record: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key.toWellFormed(), wellFormed(value)]),
  );
}
