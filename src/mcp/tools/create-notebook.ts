import { z } from "zod";
import type { ConversationCells, Remark } from "../../conversation/cells.ts";
import { ExpectedError, outcomeOf, valueOf } from "../../errors.ts";
import { makeFolders, saveContents, statContents } from "../../jupyter/contents.ts";
import {
  findKernelspec,
  listKernelspecs,
  type Kernelspec,
} from "../../jupyter/kernelspecs.ts";
import { folderOf } from "../../jupyter/paths.ts";
import { throwIfNewTooLarge, withRuns } from "../../notebook/contents-notebook.ts";
import type { CellRun } from "../../notebook/document.ts";
import { mintCellId, newCell, type NewCell } from "../../notebook/edit.ts";
import {
  jsonValue,
  rawJson,
  serializeNotebook,
  type Notebook,
} from "../../notebook/notebook.ts";
import { readOutline } from "../../notebook/outline.ts";
import { exclusivelyOn } from "../../notebook/turns.ts";
import { cellLines, notebookMeta } from "../notebook-words.ts";
import { idList, quotedPath } from "../quoting.ts";
import { defineTool, text } from "../tool.ts";
import { conversationHandle } from "./arguments.ts";
import { conversationOf } from "./execution.ts";
import {
  cellType,
  checkedNotebookPath,
  notebookPath,
  remember,
  source,
} from "./notebooks.ts";

const MAX_NEW_CELLS = 1_000;

/** A cell with what a run has made of it, where one has. */
interface FilledCell extends NewCell {
  readonly run: CellRun | null;
}

const createNotebook = defineTool({
  name: "create_notebook",
  title: "Create notebook",
  description:
    "Create a notebook, with cells if given, or with the code that was run in a conversation and its outputs. Never over an existing file.",
  scopes: ["notebooks:write"],
  argumentScopes: { from_conversation: ["code:execute"] },
  input: z
    .strictObject({
      path: notebookPath,
      kernel: z
        .string()
        .max(200)
        .describe("Kernelspec name or language. Default: the conversation's or server's")
        .optional(),
      cells: z
        .array(z.strictObject({ cell_type: cellType, source }))
        .max(MAX_NEW_CELLS)
        .optional(),
      from_conversation: conversationHandle.optional(),
    })
    .refine(
      ({ cells, from_conversation }) =>
        cells === undefined || from_conversation === undefined,
      { error: "give either cells or from_conversation" },
    ),
  annotations: {
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: false,
    openWorldHint: false,
  },
  async run({ path: given, kernel, cells = [], from_conversation }, context) {
    const path = checkedNotebookPath(given);
    const { jupyter, workspace } = context;
    const specs = await listKernelspecs(jupyter);
    const wanted = kernel === undefined ? undefined : findKernelspec(specs, kernel);
    const ran =
      from_conversation === undefined
        ? null
        : valueOf(await conversationOf(from_conversation, context).cells(wanted?.name));
    const spec = wanted ?? defaultKernelspec(specs, ran?.kernelspec ?? null);
    const notebook = notebookOf(
      spec,
      ran === null ? cells.map((cell) => ({ ...cell, run: null })) : filledCells(ran),
    );
    throwIfNewTooLarge(path, notebook);
    const content = serializeNotebook(notebook);
    const made = await readOutline([content]);
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
    // Rooms add a cell to a notebook that has none. What was created is there in any case.
    const live = await outcomeOf(() => context.notebooks.outlineInRoom(path));
    const outline = ("ok" in live ? live.ok : null) ?? made;
    await remember(path, outline, context);
    const lines = [
      `Created ${quotedPath(path)} · version ${outline.version} · kernel ${spec.name}`,
      ...(ran === null ? [] : [`From ${from_conversation}: ${cellCount(ran)}`]),
      ...remarkLines(ran?.remarks ?? []),
      ...cellLines(outline.cells, 4_000).lines,
      "Next: run_cells runs its cells; edit_notebook adds to them.",
    ];
    return text(lines.join("\n"), notebookMeta(path, outline, null));
  },
});

/** Making notebooks. */
export const createNotebookTools = [createNotebook];

function filledCells({ cells }: ConversationCells): FilledCell[] {
  return cells.map((cell) => ({
    cell_type: "code",
    source: cell.source,
    run: {
      executionCount: cell.executionCount,
      // Made by the conversation from outputs.
      outputs: jsonValue(cell.outputs) as CellRun["outputs"],
    },
  }));
}

function notebookOf(spec: Kernelspec, cells: readonly FilledCell[]): Notebook {
  const { name, language, displayName } = spec;
  const metadata = {
    kernelspec: { display_name: displayName, language, name },
    ...(language !== "" && { language_info: { name: language } }),
  };
  const made = cells.map((cell) => ({
    cell: newCell(mintCellId(), cell),
    run: cell.run,
  }));
  const notebook: Notebook = {
    minor: 5,
    members: new Map([
      ["metadata", rawJson(metadata)],
      ["nbformat", rawJson(4)],
      ["nbformat_minor", rawJson(5)],
    ]),
    cells: made.map(({ cell }) => cell),
  };
  const runs = made.flatMap(({ cell, run }) =>
    run === null ? [] : [[cell.id, run] as const],
  );
  return withRuns(notebook, new Map(runs));
}

function defaultKernelspec(specs: readonly Kernelspec[], name: string | null) {
  const [first] = specs;
  return name === null && first !== undefined
    ? first
    : findKernelspec(specs, name ?? "python");
}

function cellCount({ cells }: ConversationCells): string {
  return cells.length === 1 ? "1 run" : `${cells.length} runs`;
}

/** In the order in which they are told. */
const REMARKS: readonly (readonly [Remark, (ids: string) => string])[] = [
  ["lost", (ids) => `Left out, because lost: ${ids}.`],
  ["never run", (ids) => `Left out, because never run: ${ids}.`],
  ["unfinished", (ids) => `Left out, because unfinished: ${ids}.`],
  ["of another kernel", (ids) => `Left out, because of another kernel: ${ids}.`],
  ["no room", (ids) => `Left out, because the notebook would be too large: ${ids}.`],
  ["output not kept", (ids) => `Without output, which is not kept any more: ${ids}.`],
  ["possibly incomplete", (ids) => `Output possibly incomplete: ${ids}.`],
];

function remarkLines(remarks: ConversationCells["remarks"]): string[] {
  return REMARKS.flatMap(([kind, line]) => {
    const ids = remarks.filter(({ remark }) => remark === kind);
    return ids.length === 0 ? [] : [line(idList(ids.map(({ execution }) => execution)))];
  });
}
