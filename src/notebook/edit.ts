/** Changes to a notebook's cells, as values: a batch is made whole or not at all. */

import { ExpectedError } from "../errors.ts";
import { splitLines } from "../jupyter/nbformat.ts";
import { MAX_EDIT_BYTES } from "./document.ts";
import {
  rawJson,
  upgraded,
  withMembers,
  type Cell,
  type CellType,
  type Notebook,
} from "./notebook.ts";
import type { CellMark } from "./version.ts";

/** What a cell's source may have in an edit. A program's work is better done by one. */
export const MAX_SOURCE_CHARS = 1_000_000;

/** What of an id comes back in words. Those that nbformat allows have at most 64. */
const MAX_NAMED_CHARS = 100;

/** One change. Cells are named by id; a place is an id, `start` or `end`. */
export type Edit =
  | {
      readonly op: "insert";
      readonly after: string;
      readonly cell_type: CellType;
      readonly source: string;
    }
  | { readonly op: "replace"; readonly cell: string; readonly source: string }
  | {
      readonly op: "replace_text";
      readonly cell: string;
      readonly old: string;
      readonly new: string;
      readonly all?: boolean | undefined;
    }
  | { readonly op: "delete"; readonly cell: string }
  | { readonly op: "move"; readonly cell: string; readonly after: string }
  | { readonly op: "set_type"; readonly cell: string; readonly cell_type: CellType }
  | { readonly op: "clear_outputs"; readonly cell?: string | undefined };

/** A cell that is to be written into a new notebook. */
export interface NewCell {
  readonly cell_type: CellType;
  readonly source: string;
}

/** What a batch has made of a notebook. */
export interface Edited {
  readonly notebook: Notebook;
  /** Ids of the cells that were inserted, in the order of their edits. */
  readonly inserted: readonly string[];
  /** Ids of the cells that were changed, moved or inserted, and are there. */
  readonly touched: readonly string[];
  /** Ids of the cells that may be elsewhere than before. */
  readonly moved: ReadonlySet<string>;
}

/**
 * Makes all edits, one after the other. Several inserts after the same cell come
 * in the order in which they are given. A notebook before nbformat 4.5 is upgraded.
 *
 * @throws {ExpectedError} `bad_edit`, with the number of the first that cannot be made, counted from 1
 */
export function applyEdits(
  before: Notebook,
  edits: readonly Edit[],
  mintId: () => string,
): Edited {
  const { minor, members, cells } = upgraded(before);
  const batch = new Batch([...cells], mintId);
  for (const [index, edit] of edits.entries()) batch.apply(edit, index + 1);
  const there = new Set(batch.cells.map(({ id }) => id));
  return {
    notebook: { minor, members, cells: batch.cells },
    inserted: batch.inserted.filter((id) => there.has(id)),
    touched: [...batch.touched].filter((id) => there.has(id)),
    moved: batch.moved,
  };
}

/** Ids of the cells that a batch is about: those whose change by somebody else is a conflict. */
export function subjectsOf(edits: readonly Edit[]): {
  edited: Set<string>;
  anchors: Set<string>;
} {
  const edited = new Set<string>();
  const anchors = new Set<string>();
  for (const edit of edits) {
    if ("cell" in edit && edit.cell !== undefined) edited.add(edit.cell);
    if ("after" in edit && edit.after !== "start" && edit.after !== "end")
      anchors.add(edit.after);
  }
  return { edited, anchors };
}

/** Cells that a batch is about and that are not as they were in the version that it was made for. */
export function conflictsOf(
  edits: readonly Edit[],
  before: readonly CellMark[],
  now: readonly CellMark[],
): string[] {
  const { edited, anchors } = subjectsOf(edits);
  const old = new Map(before.map(({ id, hash }) => [id, hash]));
  const current = new Map(now.map(({ id, hash }) => [id, hash]));
  const changed = [...edited].filter(
    (id) => old.has(id) && old.get(id) !== current.get(id),
  );
  const lost = [...anchors].filter((id) => old.has(id) && !current.has(id));
  return [...new Set([...changed, ...lost])];
}

/** A cell as nbformat 4.5 asks for it. */
export function newCell(id: string, { cell_type, source }: NewCell): Cell {
  const members = new Map<string, Uint8Array>([
    ["cell_type", rawJson(cell_type)],
    ["id", rawJson(id)],
    ["metadata", rawJson({})],
    ["source", rawSource(source)],
  ]);
  if (cell_type === "code") {
    members.set("execution_count", rawJson(null));
    members.set("outputs", rawJson([]));
  }
  return { id, hasOwnId: true, type: cell_type, source, members };
}

/** Random, as JupyterLab's are, and short, because they are read and written by models. */
export function mintCellId(): string {
  return crypto.randomUUID().slice(0, 8);
}

/** How often a text occurs, without overlaps. */
function occurrences(text: string, wanted: string): number {
  let count = 0;
  for (let at = text.indexOf(wanted); at !== -1; count += 1)
    at = text.indexOf(wanted, at + wanted.length);
  return count;
}

/** The texts of an edit with the line ends of its cell: nobody who reads CRLF sees it. */
function asLinesOf(
  source: string,
  texts: { readonly old: string; readonly new: string },
): { readonly old: string; readonly new: string } {
  const isCrlf = source.includes("\r\n");
  if (!isCrlf || texts.old.includes("\r") || texts.new.includes("\r")) return texts;
  const isMixed = /(?<!\r)\n/.test(source);
  if (isMixed && source.includes(texts.old)) return texts;
  const [old, replacement] = [texts.old, texts.new].map((text) =>
    text.replaceAll("\n", "\r\n"),
  );
  return { old: old ?? "", new: replacement ?? "" };
}

function rawSource(source: string): Uint8Array {
  return rawJson(splitLines(source));
}

class Batch {
  readonly cells: Cell[];
  readonly inserted: string[] = [];
  readonly touched = new Set<string>();
  readonly moved = new Set<string>();
  readonly #mintId: () => string;
  /** Characters that replaced text has added to all cells. */
  #growth = 0;
  /** The cell that the next insert after a place goes behind. */
  readonly #lastAfter = new Map<string, string>();

  constructor(cells: Cell[], mintId: () => string) {
    this.cells = cells;
    this.#mintId = mintId;
  }

  apply(edit: Edit, number: number): void {
    switch (edit.op) {
      case "insert":
        this.#insert(edit, number);
        break;
      case "replace":
        this.#setSource(this.#indexOf(edit.cell, number), edit.source);
        break;
      case "replace_text":
        this.#replaceText(edit, number);
        break;
      case "delete":
        this.cells.splice(this.#indexOf(edit.cell, number), 1);
        break;
      case "move":
        this.#move(edit, number);
        break;
      case "set_type":
        this.#setType(this.#indexOf(edit.cell, number), edit.cell_type);
        break;
      case "clear_outputs":
        this.#clearOutputs(edit.cell, number);
        break;
    }
  }

  #insert(
    { after, cell_type, source }: Extract<Edit, { op: "insert" }>,
    number: number,
  ): void {
    const last = this.#lastAfter.get(after);
    const isThere = last !== undefined && this.cells.some(({ id }) => id === last);
    const at = this.#placeAfter(isThere ? last : after, number);
    const id = this.#freshId();
    this.cells.splice(at, 0, newCell(id, { cell_type, source }));
    // Whatever else comes there, the end stays the end.
    if (after !== "end") this.#lastAfter.set(after, id);
    this.inserted.push(id);
    this.touched.add(id);
  }

  #replaceText(edit: Extract<Edit, { op: "replace_text" }>, number: number): void {
    const index = this.#indexOf(edit.cell, number);
    const { id, source } = this.#at(index);
    if (edit.old === "") throw badEdit(number, "old is empty");
    const { old, new: replacement } = asLinesOf(source, edit);
    const count = occurrences(source, old);
    if (count === 0) throw badEdit(number, `cell ${id} does not contain old`);
    if (count > 1 && edit.all !== true)
      throw badEdit(
        number,
        `cell ${id} contains old ${count} times: give more of the text around it, or all: true`,
      );
    const growth = count * (replacement.length - old.length);
    const chars = source.length + growth;
    if (growth > 0 && chars > MAX_SOURCE_CHARS)
      throw badEdit(
        number,
        `cell ${id} would have ${chars} characters; the limit is ${MAX_SOURCE_CHARS}`,
      );
    this.#growth += growth;
    if (this.#growth > MAX_EDIT_BYTES)
      throw badEdit(number, "the notebook would be too large");
    this.#setSource(
      index,
      source.replaceAll(old, () => replacement),
    );
  }

  #move({ cell, after }: Extract<Edit, { op: "move" }>, number: number): void {
    if (cell === after)
      throw badEdit(
        number,
        `cell ${cell.slice(0, MAX_NAMED_CHARS)} cannot be moved after itself`,
      );
    const [moved] = this.cells.splice(this.#indexOf(cell, number), 1);
    if (moved === undefined) return;
    // What was inserted after it stays behind; what is inserted now goes with it.
    this.#lastAfter.delete(cell);
    this.cells.splice(this.#placeAfter(after, number), 0, moved);
    this.touched.add(cell);
    this.moved.add(cell);
  }

  #setType(index: number, type: CellType): void {
    const cell = this.#at(index);
    this.touched.add(cell.id);
    if (cell.type === type) return;
    const isCode = type === "code";
    const changed = withMembers(cell, {
      cell_type: rawJson(type),
      // A cell may have only the members of its type.
      outputs: isCode ? rawJson([]) : undefined,
      execution_count: isCode ? rawJson(null) : undefined,
      ...(isCode && { attachments: undefined }),
    });
    this.cells[index] = { ...changed, type };
  }

  #clearOutputs(wanted: string | undefined, number: number): void {
    const only = wanted === undefined ? null : this.#indexOf(wanted, number);
    for (const [index, cell] of this.cells.entries()) {
      if (cell.type !== "code" || (only !== null && index !== only)) continue;
      this.cells[index] = withMembers(cell, {
        outputs: rawJson([]),
        execution_count: rawJson(null),
      });
      if (only !== null) this.touched.add(cell.id);
    }
  }

  #setSource(index: number, source: string): void {
    const cell = this.#at(index);
    this.touched.add(cell.id);
    if (cell.source === source) return;
    this.cells[index] = { ...withMembers(cell, { source: rawSource(source) }), source };
  }

  #placeAfter(after: string, number: number): number {
    if (after === "start") return 0;
    if (after === "end") return this.cells.length;
    return this.#indexOf(after, number) + 1;
  }

  #indexOf(id: string, number: number): number {
    const index = this.cells.findIndex((cell) => cell.id === id);
    if (index === -1)
      throw badEdit(
        number,
        `there is no cell ${JSON.stringify(id.slice(0, MAX_NAMED_CHARS))}`,
      );
    return index;
  }

  #at(index: number): Cell {
    const cell = this.cells[index];
    if (cell === undefined) throw new Error("An index was not looked up.");
    return cell;
  }

  #freshId(): string {
    for (;;) {
      const id = this.#mintId();
      if (!this.cells.some((cell) => cell.id === id)) return id;
    }
  }
}

function badEdit(edit: number, detail: string): ExpectedError {
  return new ExpectedError({ code: "bad_edit", edit, detail });
}
