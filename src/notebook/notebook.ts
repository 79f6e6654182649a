/**
 * A notebook in memory: what edits and runs look at as values, and everything
 * else as the bytes that it was.
 *
 * @see https://nbformat.readthedocs.io/en/latest/format_description.html
 */

import { joinBytes } from "../jupyter/bytes.ts";
import {
  JsonScanner,
  JsonSyntaxError,
  type Decision,
  type JsonKind,
  type JsonPath,
} from "./json-scan.ts";
import { cellIds, sourceHash } from "./version.ts";

/** As nbformat has it. */
export type CellType = "code" | "markdown" | "raw";

/** Members of a JSON object in their order, each with its raw JSON. */
export type Members = ReadonlyMap<string, Uint8Array>;

/** A cell. `members` holds all of it, `id`, `cell_type` and `source` too, as they were. */
export interface Cell {
  /** Its own, or a derived one where it has none that is valid and unique. */
  readonly id: string;
  readonly hasOwnId: boolean;
  readonly type: CellType;
  readonly source: string;
  readonly members: Members;
}

/** A notebook of nbformat 4. `members` are those of the top level but `cells`. */
export interface Notebook {
  readonly minor: number;
  readonly members: Members;
  readonly cells: readonly Cell[];
}

/** Where bytes are no notebook that can be worked with. `where` reads after "it violates the format:". */
export class NotebookFormatError extends Error {
  readonly where: string;

  constructor(where: string) {
    super(where);
    this.name = "NotebookFormatError";
    this.where = where;
  }
}

/** Older notebooks are read through Jupyter, which upgrades them. */
export class OldNotebookError extends Error {
  readonly nbformat: number;

  constructor(nbformat: number) {
    super(`nbformat ${nbformat}`);
    this.name = "OldNotebookError";
    this.nbformat = nbformat;
  }
}

const CELL_TYPES: readonly unknown[] = ["code", "markdown", "raw"];
const ID = /^[a-zA-Z0-9-_]{1,64}$/;
const NEWEST_MINOR = 5;
const MAX_NAMED_CHARS = 100;

/**
 * Reads a notebook that is in memory whole.
 *
 * @param at where the notebook is in the JSON: `["content"]` in an answer of the Contents API
 * @throws {NotebookFormatError} saying where it is none
 * @throws {OldNotebookError} for nbformat 3 and before
 */
export function parseNotebook(bytes: Uint8Array, at: readonly string[] = []): Notebook {
  const members = new Map<string, Uint8Array>();
  const cells: Map<string, Uint8Array>[] = [];
  let hasCells = false;
  scan(
    new JsonScanner({
      begin(path, kind) {
        if (path.length <= at.length) return towardsNotebook(path, kind, at);
        const [key, index] = path.slice(at.length);
        if (key !== "cells") return "take";
        if (index === undefined) {
          if (kind !== "array") throw new NotebookFormatError('"cells" is no list');
          hasCells = true;
          // Of a name that is there twice, Python takes the last value.
          cells.length = 0;
          return "enter";
        }
        if (path.length > at.length + 2) return "take";
        if (kind !== "object")
          throw new NotebookFormatError(`${cellName(index)} is no object`);
        cells.push(new Map());
        return "enter";
      },
      take(path, value) {
        const [key, , member] = path.slice(at.length);
        if (member === undefined) members.set(String(key), value);
        else cells.at(-1)?.set(String(member), value);
      },
    }),
    [bytes],
  );
  const { minor } = formatOf(members, hasCells);
  return { minor, members, cells: cellsFrom(cells, minor >= 5) };
}

/** What to do with a value that a notebook at `at` is in, or beside, or that is the notebook. */
export function towardsNotebook(
  path: JsonPath,
  kind: JsonKind,
  at: readonly string[],
): Decision {
  if (!path.every((key, i) => key === at[i])) return "skip";
  if (path.length === at.length && kind !== "object")
    throw new NotebookFormatError("it is no object");
  return "enter";
}

/** nbformat's version, from the members of the top level. */
export function formatOf(members: Members, hasCells: boolean): { minor: number } {
  const major = jsonValue(members.get("nbformat"));
  if (typeof major === "number" && major < 4) throw new OldNotebookError(major);
  if (major !== 4) {
    if (major === undefined) throw new NotebookFormatError('it has no "nbformat"');
    throw new NotebookFormatError(`nbformat ${shortJson(major)} is not known here`);
  }
  if (!hasCells) throw new NotebookFormatError('it has no "cells"');
  const minor = jsonValue(members.get("nbformat_minor"));
  return { minor: typeof minor === "number" ? minor : 0 };
}

/** Runs a scanner over what is there, and says in words where it is no JSON. */
export function scan(scanner: JsonScanner, chunks: Iterable<Uint8Array>): void {
  try {
    for (const chunk of chunks) scanner.push(chunk);
    scanner.finish();
  } catch (error) {
    throw asFormatError(error);
  }
}

/** A syntax error of JSON as one of the notebook; anything else as it is. */
export function asFormatError(error: unknown): unknown {
  if (!(error instanceof JsonSyntaxError)) return error;
  return new NotebookFormatError(`it is no JSON (line ${error.line}: ${error.message})`);
}

function cellsFrom(cells: readonly Members[], isWithIds: boolean): Cell[] {
  const read = cells.map((members, index) => {
    const basics = cellBasics(members.get("cell_type"), members.get("source"), index);
    const own = isWithIds ? ownId(members.get("id")) : null;
    return { ...basics, own, sourceHash: sourceHash(basics.source), members };
  });
  const ids = cellIds(read);
  return read.flatMap(({ type, source, members }, index) => {
    const named = ids[index];
    if (named === undefined) return [];
    return [{ id: named.id, hasOwnId: named.isOwn, type, source, members }];
  });
}

/** A cell whose id was found out elsewhere. */
export function cellFrom(members: Members, id: string, index: number): Cell {
  const basics = cellBasics(members.get("cell_type"), members.get("source"), index);
  return { id, hasOwnId: ownId(members.get("id")) === id, ...basics, members };
}

/** Type and source of a cell. @throws {NotebookFormatError} where it lacks one of them */
export function cellBasics(
  rawType: Uint8Array | undefined,
  rawSource: Uint8Array | undefined,
  index: number,
): { type: CellType; source: string } {
  const type = jsonValue(rawType);
  if (!CELL_TYPES.includes(type)) {
    const what =
      type === undefined ? 'has no "cell_type"' : `has the cell_type ${shortJson(type)}`;
    throw new NotebookFormatError(`${cellName(index)} ${what}`);
  }
  const source = multilineText(jsonValue(rawSource));
  if (source === null)
    throw new NotebookFormatError(`${cellName(index)} has no "source" that is text`);
  // One of the three, as was just looked up.
  return { type: type as CellType, source };
}

/** The own id of a cell where it is one that nbformat allows. */
export function ownId(raw: Uint8Array | undefined): string | null {
  const id = jsonValue(raw);
  return typeof id === "string" && ID.test(id) ? id : null;
}

/** A text as nbformat has it: a string, or a list of strings that join to one. */
export function multilineText(value: unknown): string | null {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return null;
  return value.every((line) => typeof line === "string") ? value.join("") : null;
}

/** The value that raw JSON stands for; `NaN` and its like become null. For looking, not for writing back. */
export function jsonValue(raw: Uint8Array | undefined): unknown {
  if (raw === undefined) return undefined;
  const text = new TextDecoder().decode(raw);
  try {
    return JSON.parse(text);
  } catch {
    try {
      return JSON.parse(withoutNaN(text));
    } catch {
      return undefined;
    }
  }
}

/** Raw JSON of a value. */
export function rawJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** The notebook as JSON: what was not changed byte for byte. */
export function serializeNotebook(notebook: Notebook): Uint8Array {
  return joinBytes(notebookParts(notebook));
}

/** What {@link serializeNotebook} joins: for who reads it again and need not hold it twice. */
export function notebookParts(notebook: Notebook): Uint8Array[] {
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [];
  const text = (value: string) => parts.push(encoder.encode(value));
  const putMembers = (members: Members) => {
    let separator = "";
    for (const [key, value] of members) {
      text(`${separator}${JSON.stringify(key)}:`);
      parts.push(value);
      separator = ",";
    }
    return separator;
  };
  text("{");
  text(`${putMembers(notebook.members)}"cells":[`);
  for (const [index, cell] of notebook.cells.entries()) {
    text(index === 0 ? "{" : ",{");
    putMembers(cell.members);
    text("}");
  }
  text("]}");
  return parts;
}

/** What nbformat asks of each cell, and what stands for nothing there. */
const REQUIRED: Readonly<Record<CellType, Readonly<Record<string, unknown>>>> = {
  code: { metadata: {}, outputs: [], execution_count: null },
  markdown: { metadata: {} },
  raw: { metadata: {} },
};

/** The members that a cell of a type must have and that are not among these. */
export function missingMembers(
  type: CellType,
  members: { has(name: string): boolean },
): readonly string[] {
  return Object.keys(REQUIRED[type]).filter((name) => !members.has(name));
}

/** A notebook with all that nbformat 4.5 asks for: each cell has a valid id of its own and every member. */
export function upgraded(notebook: Notebook): Notebook {
  const isNewest = notebook.minor >= NEWEST_MINOR;
  if (isNewest && notebook.cells.every(isComplete)) return notebook;
  const members = new Map(notebook.members);
  const minor = Math.max(NEWEST_MINOR, notebook.minor);
  members.set("nbformat_minor", rawJson(minor));
  return { minor, members, cells: notebook.cells.map(completed) };
}

/** Whether a cell has a valid id of its own and every member. */
export function isComplete({ type, hasOwnId, members }: Cell): boolean {
  return hasOwnId && missingMembers(type, members).length === 0;
}

function completed(cell: Cell): Cell {
  if (isComplete(cell)) return cell;
  const missing = missingMembers(cell.type, cell.members).map(
    (name) => [name, rawJson(REQUIRED[cell.type][name])] as const,
  );
  return withMembers(cell, { id: rawJson(cell.id), ...Object.fromEntries(missing) });
}

/** A cell with some members replaced; `undefined` removes one. */
export function withMembers(
  cell: Cell,
  changes: Readonly<Record<string, Uint8Array | undefined>>,
): Cell {
  const members = new Map(cell.members);
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) members.delete(key);
    else members.set(key, value);
  }
  return { ...cell, hasOwnId: cell.hasOwnId || changes["id"] !== undefined, members };
}

/** A value of a file in words: enough of it to find it there. */
function shortJson(value: unknown): string {
  const json = JSON.stringify(value);
  return json.length > MAX_NAMED_CHARS ? `${json.slice(0, MAX_NAMED_CHARS)}…` : json;
}

/** How people speak of a cell by its place, counted from 1. */
export function cellName(index: number | string): string {
  return `cell ${Number(index) + 1}`;
}

/** What Python's `json` writes for floats that JSON has no word for. */
function withoutNaN(text: string): string {
  let isInString = false;
  // One quote at a time: a pattern for whole strings gives up on long ones.
  return text.replaceAll(/\\.|"|-?\bInfinity\b|\bNaN\b/g, (match) => {
    if (match === '"') isInString = !isInString;
    return isInString || match === '"' || match.startsWith("\\") ? match : "null";
  });
}
