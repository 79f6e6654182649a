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
}

type Entry = StreamText | Display | { readonly output: NbError };

interface Step {
  entries: Entry[];
  /** A `clear_output` waits for what comes next. */
  clearsNext: boolean;
}

/** Builds the outputs of the cells of one run from the items of its journal, in their order. */
export class RunOutputs {
  readonly #steps = new Map<number, Step>();
  readonly #displays = new Map<string, Set<Display>>();
  readonly #changed = new Set<number>();

  /** Takes the next item. `step` is the index (from 0) of the cell that it belongs to. */
  add(step: number, item: Item): void {
    switch (item.type) {
      case "stream":
        if (item.text !== "") this.#stream(step, item.name).push(item.text);
        break;
      case "input":
        this.#stream(step, "stdout").push(inputText(item));
        break;
      case "display_data":
      case "execute_result":
        this.#show(step, item);
        break;
      case "update_display_data":
        this.#update(item);
        break;
      case "error":
        this.#append(step, { output: errorOutput(item) });
        break;
      case "clear_output":
        if (item.wait) this.#step(step).clearsNext = true;
        else this.#clear(step);
        break;
    }
  }

  /** Says, in a line of `stderr`, that the journal did not keep what came next. */
  addGap(step: number, chars: number): void {
    this.#stream(step, "stderr").pushLine(
      `[output of ${chars} characters was not kept here]`,
    );
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
      known = { entries: [], clearsNext: false };
      this.#steps.set(step, known);
    }
    return known;
  }

  /** The stream that text of this name goes to: the last output, or else a new one. */
  #stream(step: number, name: StreamName): StreamText {
    const { entries, clearsNext } = this.#step(step);
    const last = entries.at(-1);
    if (!clearsNext && last instanceof StreamText && last.name === name) {
      this.#changed.add(step);
      return last;
    }
    const stream = new StreamText(name);
    this.#append(step, stream);
    return stream;
  }

  #append(step: number, entry: Entry): void {
    if (this.#step(step).clearsNext) this.#clear(step);
    this.#step(step).entries.push(entry);
    this.#changed.add(step);
  }

  #show(step: number, item: DisplayItem): void {
    const displayId = item.display_id;
    // An id that is known shows the same everywhere.
    this.#update(item);
    const display: Display = { step, displayId, output: displayOutput(item) };
    this.#append(step, display);
    if (displayId === undefined) return;
    const known = this.#displays.get(displayId);
    if (known === undefined) this.#displays.set(displayId, new Set([display]));
    else known.add(display);
  }

  #update(item: DisplayItem): void {
    if (item.display_id === undefined) return;
    const displays = this.#displays.get(item.display_id);
    if (displays === undefined) return;
    const { data, metadata } = displayOutput(item);
    for (const display of displays) {
      display.output = { ...display.output, data, metadata };
      this.#changed.add(display.step);
    }
  }

  #clear(step: number): void {
    const cleared = this.#step(step);
    cleared.clearsNext = false;
    if (cleared.entries.length === 0) return;
    for (const entry of cleared.entries) {
      if ("displayId" in entry) this.#forget(entry);
    }
    cleared.entries = [];
    this.#changed.add(step);
  }

  #forget(display: Display): void {
    if (display.displayId === undefined) return;
    const displays = this.#displays.get(display.displayId);
    displays?.delete(display);
    if (displays?.size === 0) this.#displays.delete(display.displayId);
  }
}

/** One stream output. The lines that ended never change, so text costs its own length. */
class StreamText {
  readonly name: StreamName;
  readonly #lines: string[] = [];
  readonly #openLine = new OpenLine();

  constructor(name: StreamName) {
    this.name = name;
  }

  get output(): NbStream {
    const open = this.#openLine.text().toWellFormed();
    const text = open === "" ? [...this.#lines] : [...this.#lines, open];
    return { output_type: "stream", name: this.name, text };
  }

  push(text: string): void {
    const control = /[\n\r\b]/g;
    let at = 0;
    while (at < text.length) {
      const next = control.exec(text)?.index ?? text.length;
      if (text[next] === "\n" && this.#openLine.isEmpty) {
        this.#lines.push(text.slice(at, next + 1).toWellFormed());
      } else {
        this.#openLine.write(text.slice(at, next));
        this.#control(text[next]);
      }
      at = next + 1;
    }
  }

  /** Adds a line of its own, after the end of an open one. */
  pushLine(line: string): void {
    if (!this.#openLine.isEmpty) this.push("\n");
    this.push(`${line}\n`);
  }

  #control(control: string | undefined): void {
    if (control === "\r") this.#openLine.moveToStart();
    else if (control === "\b") this.#openLine.eraseBack();
    else if (control === "\n") {
      this.#lines.push(`${this.#openLine.text()}\n`.toWellFormed());
      this.#openLine.clear();
    }
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
    return this.#cursor === 0 && this.#restStart === this.#end;
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
