import type { ContentBlock } from "@modelcontextprotocol/server";
import { z } from "zod";
import { ExpectedError, outcomeOf } from "../../errors.ts";
import { checkedPath, isNotebookPath } from "../../jupyter/paths.ts";
import { findSession } from "../../jupyter/sessions.ts";
import { MAX_SOURCE_CHARS } from "../../notebook/edit.ts";
import type { EditResult } from "../../notebook/editing.ts";
import type { Outline } from "../../notebook/outline.ts";
import { readCells } from "../../notebook/reading.ts";
import { selectCells } from "../../notebook/select.ts";
import { difference } from "../../notebook/version.ts";
import {
  cellLines,
  cellsText,
  headLines,
  KERNEL_UNKNOWN,
  notebookMeta,
  type NotebookHead,
  type NotebookKernel,
} from "../notebook-words.ts";
import { idList, oneLine, quoted, quotedPath } from "../quoting.ts";
import { defineTool, text, type CallContext, type ToolResult } from "../tool.ts";
import { outputBudget } from "./arguments.ts";

/** A batch above this is a program's work, and better done by one. */
const MAX_EDITS = 200;

/** Which notebook a call is about. */
export const notebookPath = z
  .string()
  .describe("Path of the .ipynb file, relative to Jupyter's root");

/** Which cells a call is about. */
export const cellSelection = z.union(
  [z.string(), z.array(z.string()).min(1).max(1_000)],
  {
    error:
      'give text: "all", a cell id, a position ("3", "3-7"), or a list of these as text',
  },
);

/** What a cell can be. */
export const cellType = z.enum(["code", "markdown", "raw"]);

/** What stands in a cell. */
export const source = z.string().max(MAX_SOURCE_CHARS);

const cellId = z.string().describe("Cell id");
const place = z.string().describe('Cell id, "start" or "end"');

const edit = z.discriminatedUnion("op", [
  z.strictObject({ op: z.literal("insert"), after: place, cell_type: cellType, source }),
  z.strictObject({ op: z.literal("replace"), cell: cellId, source }),
  z.strictObject({
    op: z.literal("replace_text"),
    cell: cellId,
    old: z.string(),
    new: z.string().max(MAX_SOURCE_CHARS),
    all: z.boolean().optional(),
  }),
  z.strictObject({ op: z.literal("delete"), cell: cellId }),
  z.strictObject({ op: z.literal("move"), cell: cellId, after: place }),
  z.strictObject({ op: z.literal("set_type"), cell: cellId, cell_type: cellType }),
  z.strictObject({ op: z.literal("clear_outputs"), cell: cellId.optional() }),
]);

const readNotebookTool = defineTool({
  name: "read_notebook",
  title: "Read notebook",
  description:
    "Without cells, the outline of a notebook: version, kernel, each cell's id, type, first line and state. With cells, their sources and outputs.",
  scopes: ["notebooks:read"],
  input: z.strictObject({
    path: notebookPath,
    cells: cellSelection
      .describe('"all", or ids, positions ("3", "3-7") or execution counts ("[12]")')
      .optional(),
    outputs: z.enum(["none", "summary", "full"]).default("summary"),
    max_output_chars: outputBudget,
  }),
  annotations: {
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  async run({ path: given, cells, outputs, max_output_chars }, context) {
    const path = checkedNotebookPath(given);
    const { read, head, session } = await openNotebook(path, context);
    const { outline } = read;
    if (cells === undefined) {
      const lines = headLines(outline, head);
      const { lines: cellList, shown } = cellLines(outline.cells, max_output_chars);
      return page(outline, path, session, {
        lines: [...lines, ...cellList],
        rest: outline.cells.map((_, index) => index).slice(shown),
        shown: outline.cells.map((_, index) => index).slice(0, shown),
        isOutline: true,
      });
    }
    const { version } = outline;
    const indexes = selectCells(outline.cells, cells, { path, version });
    const chosen = await readCells(read, indexes, outputs !== "none");
    const { text: body, images, count } = cellsText(chosen, outputs, max_output_chars);
    const first = `${quotedPath(path)} · version ${version} · ${indexes.length} of ${outline.cells.length} cells`;
    const result = page(outline, path, session, {
      lines: body === "" ? [first] : [first, body],
      rest: indexes.slice(count),
      shown: indexes.slice(0, count),
      isOutline: false,
    });
    const blocks: ContentBlock[] = images.map(({ mime, base64 }) => ({
      type: "image",
      data: base64,
      mimeType: mime,
    }));
    return { ...result, content: [...result.content, ...blocks] };
  },
});

const editNotebook = defineTool({
  name: "edit_notebook",
  title: "Edit notebook",
  description:
    "Change cells of a notebook: all edits or none. version is the one that the edits are made for; if these cells were changed since, nothing is done.",
  scopes: ["notebooks:write"],
  input: z.strictObject({
    path: notebookPath,
    version: z.string().describe("From read_notebook or the last edit"),
    edits: z.array(edit).min(1).max(MAX_EDITS),
  }),
  annotations: {
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: false,
    openWorldHint: false,
  },
  async run({ path: given, version, edits }, context) {
    const path = checkedNotebookPath(given);
    const known = await context.workspace.knownVersion(path, version);
    const edited = await context.notebooks.edit({ path, version, known }, edits);
    const { outline, before } = edited;
    await remember(path, outline, context);
    const session = await sessionOf(path, context);
    const lines = [
      `Edited ${quotedPath(path)} · version ${outline.version} · ${outline.cells.length} cells`,
      ...insertedLine(edited),
      ...notices(edited, path),
    ];
    if (session === "unknown") lines.push(KERNEL_UNKNOWN);
    if (known !== null && before.version !== version)
      lines.push(
        `It was changed since ${version}, elsewhere: ${differenceWords(difference(known, before.marks))}.`,
      );
    const touched = touchedIndexes(edited, outline.cells);
    return text(lines.join("\n"), notebookMeta(path, outline, session, touched));
  },
});

/** Reading and changing notebooks. */
export const notebookTools = [readNotebookTool, editNotebook];

/** The checked path of a notebook. @throws {ExpectedError} `not_notebook` for another file's name */
export function checkedNotebookPath(given: string): string {
  const path = checkedPath(given);
  if (!isNotebookPath(path)) throw new ExpectedError({ code: "not_notebook", path });
  return path;
}

/** A notebook as a reader finds it. What it consists of is remembered for the edits that may follow. */
export async function openNotebook(path: string, context: CallContext) {
  const [read, session] = await Promise.all([
    context.notebooks.read(path),
    sessionOf(path, context),
  ]);
  const { outline, entry, upgradedFrom } = read;
  await remember(path, outline, context);
  const now = Date.now();
  const head: NotebookHead = {
    path,
    lastModified: entry.last_modified,
    session,
    upgradedFrom,
    now,
  };
  return { read, head, session };
}

/**
 * Keeps what a version consists of, so that an edit made for it can be judged
 * later. Where that fails, such an edit asks for a reading first.
 */
export async function remember(
  path: string,
  { version, marks }: Outline,
  { workspace }: CallContext,
): Promise<void> {
  try {
    await workspace.rememberVersion(path, version, marks);
  } catch {
    // What was done is done.
  }
}

/** The session is an extra: nothing fails where the server does not tell. */
async function sessionOf(
  path: string,
  { jupyter }: CallContext,
): Promise<NotebookKernel> {
  const found = await outcomeOf(() => findSession(jupyter, path));
  return "ok" in found ? found.ok : "unknown";
}

interface Page {
  readonly lines: readonly string[];
  readonly rest: readonly number[];
  readonly shown: readonly number[];
  readonly isOutline: boolean;
}

function page(
  outline: Outline,
  path: string,
  session: NotebookKernel,
  { lines, rest, shown, isOutline }: Page,
): ToolResult {
  const meta = notebookMeta(path, outline, session, shown);
  if (rest.length === 0) return text(lines.join("\n"), meta);
  const cursor = rangesOf(rest);
  const how = isOutline ? ', outputs: "none" shows their sources' : " reads on";
  const next = `Next: ${rest.length} cells are not shown; read_notebook cells: "${cursor}"${how}.`;
  return text([...lines, next].join("\n"), { ...meta, "jupyter-edge/page": { cursor } });
}

/** Indexes as positions: `3-7, 9`. */
function rangesOf(indexes: readonly number[]): string {
  const ranges: string[] = [];
  let start = 0;
  for (let at = 0; at < indexes.length; at += 1) {
    const isLast = indexes[at + 1] !== (indexes[at] ?? 0) + 1;
    if (!isLast) continue;
    const first = (indexes[start] ?? 0) + 1;
    const last = (indexes[at] ?? 0) + 1;
    ranges.push(first === last ? `${first}` : `${first}-${last}`);
    start = at + 1;
  }
  return ranges.join(",");
}

function insertedLine({ inserted }: EditResult): string[] {
  return inserted.length === 0 ? [] : [`inserted: ${inserted.join(", ")}`];
}

function touchedIndexes(
  made: EditResult,
  cells: readonly { readonly id: string }[],
): number[] {
  const touched = new Set(made.touched);
  return cells.flatMap(({ id }, index) => (touched.has(id) ? [index] : []));
}

function notices(saved: EditResult, path: string): string[] {
  const lines: string[] = [];
  if (saved.upgraded !== null) lines.push(`Upgraded with it: ${saved.upgraded}.`);
  if (saved.warning !== "")
    lines.push(
      `Saved, but Jupyter finds it invalid: ${quoted(oneLine(saved.warning).slice(0, 300))}`,
    );
  if (!saved.isInFile)
    lines.push(
      "It is there for everybody who has it open, but Jupyter could not write it into the file.",
    );
  if (saved.foundAfter === "unknown")
    lines.push(
      `Saved, but ${quotedPath(path)} could not be looked at again: whether somebody else saved at the same moment is not known.`,
    );
  else if (saved.foundAfter === "others")
    lines.push(
      `Somebody else saved ${quotedPath(path)} at the same moment, and this edit may be gone.\nNext: read_notebook shows what is there.`,
    );
  else if (saved.foundAfter === "nothing")
    lines.push(
      `Saved, but ${quotedPath(path)} was moved or deleted right after it.\nNext: list_files shows where it is.`,
    );
  return lines;
}

function differenceWords({
  added,
  changed,
  deleted,
  isReordered,
}: ReturnType<typeof difference>): string {
  const parts = [
    changed.length > 0 && `changed ${idList(changed)}`,
    added.length > 0 && `added ${idList(added)}`,
    deleted.length > 0 && `deleted ${idList(deleted)}`,
    isReordered && "moved cells",
  ];
  return parts.filter((part) => part !== false).join("; ");
}
