import type { ContentBlock } from "@modelcontextprotocol/server";
import { z } from "zod";
import { ExpectedError, outcomeOf } from "../../errors.ts";
import { makeFolders, saveContents, statContents } from "../../jupyter/contents.ts";
import { findKernelspec, listKernelspecs } from "../../jupyter/kernelspecs.ts";
import { checkedPath, folderOf, isNotebookPath } from "../../jupyter/paths.ts";
import { findSession } from "../../jupyter/sessions.ts";
import {
  ContentsNotebook,
  throwIfNewTooLarge,
} from "../../notebook/contents-notebook.ts";
import type { Saved } from "../../notebook/document.ts";
import {
  applyEdits,
  MAX_SOURCE_CHARS,
  mintCellId,
  newCell,
  type Edit,
  type Edited,
} from "../../notebook/edit.ts";
import {
  notebookParts,
  rawJson,
  serializeNotebook,
  type Notebook,
} from "../../notebook/notebook.ts";
import { readOutline, type Outline } from "../../notebook/outline.ts";
import { readCells, readNotebook } from "../../notebook/reading.ts";
import { selectCells } from "../../notebook/select.ts";
import { exclusivelyOn } from "../../notebook/turns.ts";
import { checkedAgainst, type EditBase } from "../../notebook/edit-base.ts";
import { difference, marksOf, versionOf } from "../../notebook/version.ts";
import {
  cellLines,
  cellsText,
  headLines,
  KERNEL_UNKNOWN,
  notebookMeta,
  type NotebookKernel,
} from "../notebook-words.ts";
import { oneLine, quotedPath } from "../quoting.ts";
import { defineTool, text, type ToolContext, type ToolResult } from "../tool.ts";
import { outputBudget } from "./arguments.ts";

/** A batch above this is a program's work, and better done by one. */
const MAX_EDITS = 200;
const MAX_NEW_CELLS = 1_000;

/** Which notebook a call is about. */
export const notebookPath = z
  .string()
  .describe("Path of the .ipynb file, relative to Jupyter's root");

/** Which cells a call is about. */
export const cellSelection = z.union([z.string(), z.array(z.string()).min(1).max(1_000)]);

const cellType = z.enum(["code", "markdown", "raw"]);
const source = z.string().max(MAX_SOURCE_CHARS);
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

const createNotebook = defineTool({
  name: "create_notebook",
  title: "Create notebook",
  description: "Create a notebook, with cells if given. Never over an existing file.",
  scopes: ["notebooks:write"],
  input: z.strictObject({
    path: notebookPath,
    kernel: z
      .string()
      .max(200)
      .describe("Kernelspec name or language. Default: the server's")
      .optional(),
    cells: z
      .array(z.strictObject({ cell_type: cellType, source }))
      .max(MAX_NEW_CELLS)
      .optional(),
  }),
  annotations: {
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: false,
    openWorldHint: false,
  },
  async run({ path: given, kernel, cells = [] }, context) {
    const path = checkedNotebookPath(given);
    const { jupyter, workspace } = context;
    const spec = await kernelspecFor(kernel, context);
    const notebook: Notebook = {
      minor: 5,
      members: new Map([
        ["metadata", rawJson(spec)],
        ["nbformat", rawJson(4)],
        ["nbformat_minor", rawJson(5)],
      ]),
      cells: cells.map((cell) => newCell(mintCellId(), cell)),
    };
    throwIfNewTooLarge(path, notebook);
    const content = serializeNotebook(notebook);
    const outline = await readOutline([content]);
    await exclusivelyOn(
      workspace,
      path,
    )(async () => {
      // First, because Jupyter fails where it is asked for what is below a file.
      await makeFolders(jupyter, folderOf(path));
      if ((await statContents(jupyter, path)) !== null)
        throw new ExpectedError({ code: "notebook_exists", path });
      await saveContents(jupyter, path, { type: "notebook", content });
    });
    await remember(path, outline, context);
    const lines = [
      `Created ${quotedPath(path)} · version ${outline.version} · kernel ${spec.kernelspec.name}`,
      ...cellLines(outline.cells, 4_000).lines,
      "Next: run_cells runs its cells; edit_notebook adds to them.",
    ];
    return text(lines.join("\n"), notebookMeta(path, outline, null));
  },
});

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
    const [read, session] = await Promise.all([
      readNotebook(context.jupyter, path),
      sessionOf(path, context),
    ]);
    const { outline, entry, upgradedFrom } = read;
    await remember(path, outline, context);
    const now = Date.now();
    const head = { path, lastModified: entry.last_modified, session, upgradedFrom, now };
    if (cells === undefined) {
      const lines = headLines(outline, head);
      const { lines: cellList, shown } = cellLines(outline.cells, max_output_chars);
      return page(read.outline, path, session, {
        lines: [...lines, ...cellList],
        rest: outline.cells.map((_, index) => index).slice(shown),
        shown: outline.cells.map((_, index) => index).slice(0, shown),
        isOutline: true,
      });
    }
    const { version } = outline;
    const indexes = selectCells(outline.cells, cells, { path, version });
    const chosen = await readCells(read, indexes);
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
    "Change cells of a notebook: all edits or none. version is the one that the edits are made for; if somebody else changed these cells since, nothing is done.",
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
    const { jupyter, workspace } = context;
    const base: EditBase = {
      path,
      version,
      known: await workspace.knownVersion(path, version),
    };
    const document = new ContentsNotebook(jupyter, path, exclusivelyOn(workspace, path));
    const { saved, made, outline } = await edited(document, base, edits);
    await remember(path, outline, context);
    const session = await sessionOf(path, context);
    const before = marksOf(saved.before.cells);
    const lines = [
      `Edited ${quotedPath(path)} · version ${outline.version} · ${outline.cells.length} cells`,
      ...insertedLine(made),
      ...notices(saved, path),
    ];
    if (session === "unknown") lines.push(KERNEL_UNKNOWN);
    if (base.known !== null && versionOf(before) !== version)
      lines.push(
        `Somebody else changed it since ${version}, elsewhere: ${differenceWords(difference(base.known, before))}.`,
      );
    const touched = touchedIndexes(made, outline.cells);
    return text(lines.join("\n"), notebookMeta(path, outline, session, touched));
  },
});

/** Reading and changing notebooks. */
export const notebookTools = [createNotebook, readNotebookTool, editNotebook];

/** The checked path of a notebook. @throws {ExpectedError} `not_notebook` for another file's name */
export function checkedNotebookPath(given: string): string {
  const path = checkedPath(given);
  if (!isNotebookPath(path)) throw new ExpectedError({ code: "not_notebook", path });
  return path;
}

/**
 * Keeps what a version consists of, so that an edit made for it can be judged
 * later. Where that fails, such an edit asks for a reading first.
 */
async function remember(
  path: string,
  { version, marks }: Outline,
  { workspace }: ToolContext,
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
  { jupyter }: ToolContext,
): Promise<NotebookKernel> {
  const found = await outcomeOf(() => findSession(jupyter, path));
  return "ok" in found ? found.ok : "unknown";
}

/** Makes edits. All that can fail is done before they are saved. */
async function edited(
  document: ContentsNotebook,
  base: EditBase,
  edits: readonly Edit[],
): Promise<{ saved: Saved; made: Edited; outline: Outline }> {
  let result = null as { made: Edited; outline: Outline } | null;
  const saved = await document.edit(async (now) => {
    checkedAgainst(base, edits, now);
    const made = applyEdits(now, edits, mintCellId);
    result = { made, outline: await readOutline(notebookParts(made.notebook)) };
    return made.notebook;
  });
  if (result === null) throw new Error("Edits were saved that were not made.");
  return { saved, ...result };
}

async function kernelspecFor(kernel: string | undefined, { jupyter }: ToolContext) {
  const specs = await listKernelspecs(jupyter);
  const [first] = specs;
  const spec =
    kernel === undefined && first !== undefined
      ? first
      : findKernelspec(specs, kernel ?? "python");
  return {
    kernelspec: {
      display_name: spec.displayName,
      language: spec.language,
      name: spec.name,
    },
    ...(spec.language !== "" && { language_info: { name: spec.language } }),
  };
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

function insertedLine({ inserted }: Edited): string[] {
  return inserted.length === 0 ? [] : [`inserted: ${inserted.join(", ")}`];
}

function touchedIndexes(
  made: Edited,
  cells: readonly { readonly id: string }[],
): number[] {
  const touched = new Set(made.touched);
  return cells.flatMap(({ id }, index) => (touched.has(id) ? [index] : []));
}

function notices(saved: Saved, path: string): string[] {
  const lines: string[] = [];
  if (saved.upgraded !== null) lines.push(`Upgraded with it: ${saved.upgraded}.`);
  if (saved.warning !== "")
    lines.push(
      `Saved, but Jupyter finds it invalid: ${JSON.stringify(oneLine(saved.warning).slice(0, 300))}`,
    );
  if (saved.isOvertaken === null)
    lines.push(
      `Saved, but ${quotedPath(path)} could not be looked at again: whether somebody else saved at the same moment is not known.`,
    );
  else if (saved.isOvertaken)
    lines.push(
      `Somebody else saved ${quotedPath(path)} at the same moment, and this edit may be gone.\nNext: read_notebook shows what is there.`,
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
    changed.length > 0 && `changed ${changed.join(", ")}`,
    added.length > 0 && `added ${added.join(", ")}`,
    deleted.length > 0 && `deleted ${deleted.join(", ")}`,
    isReordered && "moved cells",
  ];
  return parts.filter((part) => part !== false).join("; ");
}
