/**
 * What of a notebook can be searched: sources, and the text of outputs. Gathered
 * as its bytes arrive, so that images and data are never in memory.
 */

import {
  asFormatError,
  cellBasics,
  type CellType,
  formatOf,
  jsonValue,
  multilineText,
  ownId,
  scan,
  towardsNotebook,
} from "../notebook/notebook.ts";
import {
  JsonScanner,
  type Decision,
  type JsonKind,
  type JsonPath,
  type ScanHandler,
} from "../notebook/json-scan.ts";
import { kernelspecOf } from "../notebook/outline.ts";
import { cellIds, sourceHash } from "../notebook/version.ts";
import { plainText } from "../output/terminal.ts";

/** Where in a cell a text stands. */
export type TextKind = "source" | "markdown" | "outputs";

/** A text of a cell: the source of code, that of markdown or raw cells, or what its outputs say. */
export interface SearchText {
  readonly cellId: string;
  /** From 0. */
  readonly position: number;
  readonly kind: TextKind;
  readonly text: string;
}

/** What of a notebook goes into the index. */
export interface SearchableNotebook {
  /** As its kernelspec names it, in lower case; empty where it does not. */
  readonly language: string;
  readonly texts: readonly SearchText[];
}

/** A row holds 2 MB, and nobody searches for what stands behind this. */
export const MAX_TEXT_CHARS = 200_000;
/** Of all texts of a notebook: what can be in memory beside the rest. */
export const MAX_NOTEBOOK_CHARS = 20_000_000;

const CELL_TAKEN = ["cell_type", "source", "id"];
const OUTPUT_TAKEN = ["text", "ename", "evalue", "traceback"];
/** Of a display, the text that stands for it: HTML and LaTeX have a plain form beside them. */
const DATA_TAKEN = ["text/plain", "text/markdown"];

/**
 * What can be searched of a notebook that is in memory whole.
 *
 * @throws {NotebookFormatError} saying where it is no notebook
 * @throws {OldNotebookError} for nbformat 3 and before
 */
export function textsOf(bytes: Uint8Array): SearchableNotebook {
  const builder = new TextBuilder([], true);
  scan(new JsonScanner(builder), [bytes]);
  return builder.finish();
}

/**
 * Reads what can be searched of a notebook as it arrives.
 *
 * @param at where the notebook is in the JSON: `["content"]` in an answer of the Contents API
 * @param hasOwnIds false where the ids were made up on the way, and differ each time
 * @throws {NotebookFormatError} saying where it is no notebook
 * @throws {OldNotebookError} for nbformat 3 and before
 */
export async function readTexts(
  chunks: AsyncIterable<Uint8Array>,
  at: readonly string[] = [],
  hasOwnIds = true,
): Promise<SearchableNotebook> {
  const builder = new TextBuilder(at, hasOwnIds);
  const scanner = new JsonScanner(builder);
  try {
    for await (const chunk of chunks) scanner.push(chunk);
    scanner.finish();
  } catch (error) {
    throw asFormatError(error);
  }
  return builder.finish();
}

interface ReadCell {
  readonly type: CellType;
  readonly source: string;
  readonly sourceHash: string;
  readonly own: string | null;
  readonly outputs: string;
}

class TextBuilder implements ScanHandler {
  readonly #at: readonly string[];
  readonly #hasOwnIds: boolean;
  readonly #members = new Map<string, Uint8Array>();
  readonly #metadata = new Map<string, Uint8Array>();
  readonly #cells: ReadCell[] = [];
  #hasCells = false;
  #cell = new Map<string, Uint8Array>();
  #outputs: string[] = [];
  #outputChars = 0;
  /** What all texts may still have. */
  #charsLeft = MAX_NOTEBOOK_CHARS;

  constructor(at: readonly string[], hasOwnIds: boolean) {
    this.#at = at;
    this.#hasOwnIds = hasOwnIds;
  }

  begin(path: JsonPath, kind: JsonKind): Decision {
    const depth = path.length - this.#at.length;
    if (depth <= 0) return towardsNotebook(path, kind, this.#at);
    const [top, second, member, , outputMember, mime] = path.slice(this.#at.length);
    if (top === "metadata") {
      if (depth === 1) return kind === "object" ? "enter" : "skip";
      return second === "kernelspec" || second === "language_info" ? "take" : "skip";
    }
    if (top !== "cells")
      return top === "nbformat" || top === "nbformat_minor" ? "take" : "skip";
    switch (depth) {
      case 1:
        this.#hasCells = kind === "array";
        // Of a name that is there twice, Python takes the last value.
        this.#cells.length = 0;
        this.#charsLeft = MAX_NOTEBOOK_CHARS;
        return kind === "array" ? "enter" : "skip";
      case 2:
        this.#cell = new Map();
        this.#outputs = [];
        this.#outputChars = 0;
        return kind === "object" ? "enter" : "skip";
      case 3:
        if (member === "outputs") return kind === "array" ? "enter" : "skip";
        return CELL_TAKEN.includes(String(member)) ? "take" : "skip";
      case 4:
        return kind === "object" ? "enter" : "skip";
      case 5:
        if (outputMember === "data") return kind === "object" ? "enter" : "skip";
        return this.#isWanted(OUTPUT_TAKEN, outputMember);
      default:
        return this.#isWanted(DATA_TAKEN, mime);
    }
  }

  take(path: JsonPath, bytes: Uint8Array): void {
    const [top, key, member, output] = path.slice(this.#at.length);
    if (top === "metadata") this.#metadata.set(String(key), bytes);
    else if (top !== "cells") this.#members.set(String(top), bytes);
    else if (output === undefined) this.#cell.set(String(member), bytes);
    else this.#takeOutput(jsonValue(bytes));
  }

  end(path: JsonPath): void {
    const inner = path.slice(this.#at.length);
    if (inner[0] !== "cells" || inner.length !== 2) return;
    const { type, source } = cellBasics(
      this.#cell.get("cell_type"),
      this.#cell.get("source"),
      Number(inner[1]),
    );
    this.#cells.push({
      type,
      source: this.#kept(source),
      sourceHash: sourceHash(source),
      own: ownId(this.#cell.get("id")),
      outputs: this.#kept(this.#outputs.join("\n")),
    });
  }

  #kept(text: string): string {
    const kept = text.slice(0, Math.min(MAX_TEXT_CHARS, this.#charsLeft));
    this.#charsLeft -= kept.length;
    return kept;
  }

  finish(): SearchableNotebook {
    const { minor } = formatOf(this.#members, this.#hasCells);
    const isWithIds = minor >= 5 && this.#hasOwnIds;
    const texts: SearchText[] = [];
    const ids = cellIds(
      this.#cells.map((cell) => ({ ...cell, own: isWithIds ? cell.own : null })),
    );
    for (const [position, { type, source, outputs }] of this.#cells.entries()) {
      const cellId = ids[position]?.id ?? "";
      const kind = type === "code" ? "source" : "markdown";
      if (source !== "") texts.push({ cellId, position, kind, text: source });
      if (outputs !== "")
        texts.push({ cellId, position, kind: "outputs", text: outputs });
    }
    const kernelspec = kernelspecOf(
      jsonValue(this.#metadata.get("kernelspec")),
      jsonValue(this.#metadata.get("language_info")),
    );
    return { language: (kernelspec?.language ?? "").toLowerCase(), texts };
  }

  #isWanted(names: readonly string[], name: string | number | undefined): Decision {
    const hasRoom = this.#outputChars < Math.min(MAX_TEXT_CHARS, this.#charsLeft);
    return hasRoom && names.includes(String(name)) ? "take" : "skip";
  }

  #takeOutput(value: unknown): void {
    const text = plainText(multilineText(value) ?? "").replace(/\n$/, "");
    if (text === "") return;
    this.#outputs.push(text);
    this.#outputChars += text.length;
  }
}
