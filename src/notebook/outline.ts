/**
 * What people ask of a notebook before they read it, gathered as its bytes
 * arrive: of one cell at a time its source is in memory, and of outputs nothing
 * but what failed.
 */

import {
  JsonScanner,
  type Decision,
  type JsonKind,
  type JsonPath,
  type ScanHandler,
} from "./json-scan.ts";
import {
  asFormatError,
  cellBasics,
  formatOf,
  jsonValue,
  NotebookFormatError,
  cellName,
  missingMembers,
  ownId,
  towardsNotebook,
  type CellType,
} from "./notebook.ts";
import { cellHash, cellIds, sourceHash, versionOf, type CellMark } from "./version.ts";

/** The exception that a code cell's outputs end with. */
export interface CellError {
  readonly ename: string;
  readonly evalue: string;
}

/** A cell in an outline. */
export interface OutlineCell {
  readonly id: string;
  readonly type: CellType;
  /** The first line of its source that is not empty. */
  readonly firstLine: string;
  readonly lines: number;
  readonly executionCount: number | null;
  readonly error: CellError | null;
  readonly outputs: number;
  readonly chars: number;
  /** What its outputs have in the file, more or less. */
  readonly outputBytes: number;
}

/** A notebook's kernelspec as its metadata has it. */
export interface NotebookKernelspec {
  readonly name: string;
  readonly displayName: string;
  readonly language: string;
}

/** See the head of this file. */
export interface Outline {
  readonly minor: number;
  readonly kernelspec: NotebookKernelspec | null;
  readonly cells: readonly OutlineCell[];
  readonly marks: readonly CellMark[];
  readonly version: string;
  /** Where it violates the format without being unreadable. */
  readonly problems: readonly string[];
  readonly bytes: number;
}

const MAX_FIRST_LINE_CHARS = 200;
const MAX_ERROR_CHARS = 300;
/** What a kernelspec is called is shorter. */
const MAX_NAME_CHARS = 100;
const MAX_PROBLEMS = 5;
const TAKEN = ["cell_type", "source", "id", "execution_count"];
const OUTPUT_TAKEN = ["output_type", "ename", "evalue"];
const OUTPUT_TYPES: readonly unknown[] = [
  "stream",
  "display_data",
  "execute_result",
  "error",
];

/**
 * Reads an outline.
 *
 * @param at where the notebook is in the JSON: `["content"]` in an answer of the Contents API
 * @param hasOwnIds false where the ids were made up on the way, and differ each time
 * @throws {NotebookFormatError} saying where it is no notebook
 * @throws {OldNotebookError} for nbformat 3 and before
 */
export async function readOutline(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  at: readonly string[] = [],
  hasOwnIds = true,
): Promise<Outline> {
  const builder = new OutlineBuilder(at, hasOwnIds);
  const scanner = new JsonScanner(builder);
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      bytes += chunk.byteLength;
      scanner.push(chunk);
    }
    scanner.finish();
  } catch (error) {
    throw asFormatError(error);
  }
  return { ...builder.finish(), bytes };
}

interface OpenOutput {
  type: unknown;
  ename: unknown;
  evalue: unknown;
}

interface OpenCell {
  readonly members: Map<string, Uint8Array>;
  readonly names: Set<string>;
  outputs: number;
  error: CellError | null;
  outputBytes: number;
}

interface ReadCell extends Omit<OutlineCell, "id"> {
  readonly own: string | null;
  readonly sourceHash: string;
}

class OutlineBuilder implements ScanHandler {
  readonly #at: readonly string[];
  readonly #hasOwnIds: boolean;
  readonly #members = new Map<string, Uint8Array>();
  readonly #metadata = new Map<string, Uint8Array>();
  #cells: ReadCell[] = [];
  readonly #problems: string[] = [];
  #hasCells = false;
  #cell: OpenCell | null = null;
  #output: OpenOutput | null = null;

  constructor(at: readonly string[], hasOwnIds: boolean) {
    this.#at = at;
    this.#hasOwnIds = hasOwnIds;
  }

  begin(path: JsonPath, kind: JsonKind): Decision {
    const depth = path.length - this.#at.length;
    if (depth <= 0) return towardsNotebook(path, kind, this.#at);
    const inner = path.slice(this.#at.length);
    const [top, index, member, output, outputMember] = inner;
    if (top === "metadata") return this.#beginMetadata(depth, index, kind);
    if (top !== "cells")
      return top === "nbformat" || top === "nbformat_minor" ? "take" : "skip";
    switch (depth) {
      case 1:
        if (kind !== "array") throw new NotebookFormatError('"cells" is no list');
        this.#hasCells = true;
        // Of a name that is there twice, Python takes the last value.
        this.#cells = [];
        return "enter";
      case 2:
        if (kind !== "object")
          throw new NotebookFormatError(`${cellName(index ?? 0)} is no object`);
        this.#cell = {
          members: new Map(),
          names: new Set(),
          outputs: 0,
          error: null,
          outputBytes: 0,
        };
        return "enter";
      case 3:
        this.#cell?.names.add(String(member));
        if (member === "outputs" && kind !== "array")
          this.#problem(`cells[${index}].outputs is no list`);
        if (member === "outputs") return kind === "array" ? "enter" : "skip";
        return TAKEN.includes(String(member)) ? "take" : "skip";
      case 4:
        if (kind !== "object") {
          this.#problem(`cells[${index}].outputs[${output}] is no object`);
          return "skip";
        }
        this.#output = { type: undefined, ename: undefined, evalue: undefined };
        return "enter";
      default:
        return OUTPUT_TAKEN.includes(String(outputMember)) ? "take" : "skip";
    }
  }

  take(path: JsonPath, bytes: Uint8Array): void {
    const [top, key, member, , outputMember] = path.slice(this.#at.length);
    if (top === "metadata") this.#metadata.set(String(key), bytes);
    else if (top !== "cells") this.#members.set(String(top), bytes);
    else if (outputMember === undefined) this.#cell?.members.set(String(member), bytes);
    else if (this.#output !== null) {
      const value = jsonValue(bytes);
      if (outputMember === "output_type") this.#output.type = value;
      else if (outputMember === "ename") this.#output.ename = value;
      else this.#output.evalue = value;
    }
  }

  skip(path: JsonPath, length: number): void {
    if (this.#cell !== null && path[this.#at.length + 2] === "outputs")
      this.#cell.outputBytes += length;
  }

  end(path: JsonPath): void {
    const inner = path.slice(this.#at.length);
    if (inner[0] !== "cells") return;
    if (inner.length === 4) this.#endOutput(Number(inner[1]), Number(inner[3]));
    else if (inner.length === 2) this.#endCell(Number(inner[1]));
  }

  finish(): Omit<Outline, "bytes"> {
    const { minor } = formatOf(this.#members, this.#hasCells);
    const isWithIds = minor >= 5 && this.#hasOwnIds;
    const ids = cellIds(
      isWithIds ? this.#cells : this.#cells.map((cell) => ({ ...cell, own: null })),
    );
    const cells: OutlineCell[] = [];
    const marks: CellMark[] = [];
    for (const [index, { own, sourceHash: hashed, ...cell }] of this.#cells.entries()) {
      const { id, isOwn } = ids[index] ?? { id: "", isOwn: false };
      if (isWithIds && !isOwn) {
        this.#problem(
          own === null
            ? `${cellName(index)} has no valid id`
            : `${cellName(index)} has the id of another cell`,
        );
      }
      marks.push({ id, hash: cellHash(id, cell.type, hashed) });
      cells.push({ id, ...cell });
    }
    const kernelspec = kernelspecOf(
      jsonValue(this.#metadata.get("kernelspec")),
      jsonValue(this.#metadata.get("language_info")),
    );
    const problems = this.#problems.slice(0, MAX_PROBLEMS);
    const more = this.#problems.length - problems.length;
    if (more > 0) problems.push(`${more} more`);
    return { minor, kernelspec, cells, marks, version: versionOf(marks), problems };
  }

  #beginMetadata(
    depth: number,
    key: string | number | undefined,
    kind: JsonKind,
  ): Decision {
    if (depth === 1 && kind !== "object") this.#problem('"metadata" is no object');
    if (depth === 1) return "enter";
    return key === "kernelspec" || key === "language_info" ? "take" : "skip";
  }

  #endOutput(cell: number, output: number): void {
    const open = this.#cell;
    const ended = this.#output;
    this.#output = null;
    if (open === null || ended === null) return;
    open.outputs += 1;
    if (!OUTPUT_TYPES.includes(ended.type))
      this.#problem(`cells[${cell}].outputs[${output}] has no known "output_type"`);
    if (ended.type !== "error") return;
    open.error = { ename: wordOf(ended.ename), evalue: wordOf(ended.evalue) };
  }

  #endCell(index: number): void {
    const open = this.#cell;
    this.#cell = null;
    if (open === null) return;
    const { members, names, outputs, error, outputBytes } = open;
    const { type, source } = cellBasics(
      members.get("cell_type"),
      members.get("source"),
      index,
    );
    for (const name of missingMembers(type, names))
      this.#problem(`cells[${index}] has no "${name}"`);
    const count = jsonValue(members.get("execution_count"));
    const executionCount = typeof count === "number" ? count : null;
    this.#cells.push({
      type,
      firstLine: copyOf(firstLineOf(source)),
      lines: source === "" ? 0 : source.split("\n").length,
      executionCount,
      error,
      outputs,
      chars: source.length,
      outputBytes,
      own: ownId(members.get("id")),
      sourceHash: sourceHash(source),
    });
  }

  #problem(text: string): void {
    this.#problems.push(text);
  }
}

/** A notebook's kernelspec from its metadata, or `null` where it names none. */
export function kernelspecOf(
  kernelspec: unknown,
  languageInfo: unknown,
): NotebookKernelspec | null {
  const name = textField(kernelspec, "name");
  const language = textField(kernelspec, "language") || textField(languageInfo, "name");
  if (name === "" && language === "") return null;
  return { name, displayName: textField(kernelspec, "display_name"), language };
}

/** The first line that is not empty, cut where it is long. */
export function firstLineOf(source: string): string {
  const start = source.search(/\S/);
  if (start === -1) return "";
  const end = source.indexOf("\n", start);
  const line = source.slice(start, end === -1 ? undefined : end).trimEnd();
  return line.length > MAX_FIRST_LINE_CHARS
    ? `${line.slice(0, MAX_FIRST_LINE_CHARS)}…`
    : line;
}

function textField(value: unknown, key: string): string {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key))
    return "";
  const field: unknown = Reflect.get(value, key);
  return typeof field === "string" ? field.slice(0, MAX_NAME_CHARS) : "";
}

function wordOf(value: unknown): string {
  return typeof value === "string" ? copyOf(value.slice(0, MAX_ERROR_CHARS)) : "";
}

/** A part of a text as a text of its own: otherwise it would keep all of it in memory. */
function copyOf(part: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(part));
}
