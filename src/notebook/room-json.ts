/**
 * The shared document of a notebook's room, as the JSON that Jupyter would save.
 * What an integer or a float was in the file, the room does not know: `1.0` is `1`.
 *
 * @see https://github.com/jupyter-server/jupyter_ydoc/blob/main/jupyter_ydoc/ynotebook.py
 */

import * as Y from "yjs";
import { joinBytes } from "../jupyter/bytes.ts";

/** What people see of a cell while it runs; no part of the notebook. */
export const EXECUTION_STATE = "execution_state";

/** The cells of a document. Anybody may have put anything there. */
export function cellsOf(doc: Y.Doc): Y.Array<unknown> {
  return doc.getArray("cells");
}

/** What a document says of the notebook as a whole: its format and metadata. */
export function metaOf(doc: Y.Doc): Y.Map<unknown> {
  return doc.getMap("meta");
}

/** What a document says of its file. */
export function stateOf(doc: Y.Doc): Y.Map<unknown> {
  return doc.getMap("state");
}

/** The notebook of a document as JSON, with what Python writes for floats that JSON has no word for. */
export function notebookJson(doc: Y.Doc): Uint8Array {
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [];
  const put = (text: string) => parts.push(encoder.encode(text));
  put("{");
  for (const [key, value] of metaOf(doc).entries())
    put(`${JSON.stringify(key)}:${jsonOf(value)},`);
  put('"cells":[');
  for (const [index, cell] of cellsOf(doc).toArray().entries()) {
    if (index > 0) put(",");
    put(cell instanceof Y.Map ? cellJson(cell) : jsonOf(cell));
  }
  put("]}");
  return joinBytes(parts);
}

function cellJson(cell: Y.Map<unknown>): string {
  const members: string[] = [];
  for (const [key, value] of cell.entries()) {
    if (key === EXECUTION_STATE) continue;
    if (key === "attachments" && isEmpty(value)) continue;
    members.push(`${JSON.stringify(key)}:${jsonOf(value)}`);
  }
  return `{${members.join(",")}}`;
}

function isEmpty(value: unknown): boolean {
  return typeof value !== "object" || value === null || Object.keys(value).length === 0;
}

function jsonOf(value: unknown): string {
  const plain: unknown = value instanceof Y.AbstractType ? value.toJSON() : value;
  let isPlain = true;
  const json = JSON.stringify(plain, (_key, part: unknown) => {
    if (typeof part === "bigint") {
      isPlain = false;
      return 0;
    }
    if (typeof part === "number" && !Number.isFinite(part)) isPlain = false;
    return part;
  });
  return isPlain && json !== undefined ? json : spelledOut(plain);
}

/** JSON of a value that has numbers for which `JSON.stringify` has no word. */
function spelledOut(value: unknown): string {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return `[${value.map(spelledOut).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => `${JSON.stringify(key)}:${spelledOut(member)}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}
