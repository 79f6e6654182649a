import { HeadTail } from "../output/budget.ts";
import { formatBytes } from "../output/image.ts";
import { errorLine } from "../output/item-words.ts";
import { Renderer, type RenderedImage } from "../output/render.ts";
import type { JupyterSession } from "../jupyter/sessions.ts";
import { jsonValue, type Cell } from "../notebook/notebook.ts";
import type { Outline, OutlineCell } from "../notebook/outline.ts";
import type { WholeCell } from "../notebook/reading.ts";
import { itemsOf } from "../notebook/stored-outputs.ts";
import { oneLine, quotedPath } from "./quoting.ts";
import { duration, kernelName } from "./words.ts";
import { MAX_OUTPUT_CHARS } from "./tools/arguments.ts";

/** The session that ties a notebook to its kernel; `null` where it has none. */
export type NotebookKernel = JupyterSession | null | "unknown";

/** What is said where the server does not tell a notebook's session. */
export const KERNEL_UNKNOWN =
  "Jupyter did not say whether a kernel runs for it; list_kernels asks again.";

/** How much of a cell's outputs a reader gets. */
export type OutputsShown = "none" | "summary" | "full";

/** Enough to see what a table or an error is about. */
const SUMMARY_CHARS = 500;
/** Images of several cells, and of a single one. Clients count them as text. */
const MAX_IMAGE_CHARS = 60_000;
const MAX_SINGLE_CELL_IMAGE_CHARS = 1_000_000;
/** Programs get every cell of a notebook up to here, and beyond it those that the text shows. */
const MAX_META_CELLS = 1_000;

/** A notebook as the head of a result names it. */
export interface NotebookHead {
  readonly path: string;
  readonly lastModified: string;
  readonly session: NotebookKernel;
  readonly upgradedFrom: number | null;
  readonly now: number;
}

/** What people ask of a notebook first, in a few lines. */
export function headLines(outline: Outline, head: NotebookHead): string[] {
  const { cells, kernelspec } = outline;
  const code = cells.filter(({ type }) => type === "code");
  const run = code.filter(({ executionCount }) => executionCount !== null);
  const failed = code.filter(({ error }) => error !== null);
  const counts = [
    code.length > 0 &&
      `${code.length} code (${run.length} run${failed.length > 0 ? `, ${failed.length} failed` : ""})`,
    ...(["markdown", "raw"] as const).map((type) => {
      const { length } = cells.filter((cell) => cell.type === type);
      return length > 0 && `${length} ${type}`;
    }),
  ].filter((count) => count !== false);
  const format = head.upgradedFrom ?? `4.${outline.minor}`;
  const lines = [
    `${quotedPath(head.path)} · version ${outline.version}`,
    [
      `${cells.length} ${cells.length === 1 ? "cell" : "cells"}${counts.length > 0 ? `: ${counts.join(", ")}` : ""}`,
      formatBytes(outline.bytes),
      changedWords(head.lastModified, head.now),
      `nbformat ${format}`,
    ].join(" · "),
  ];
  const spec =
    kernelspec === null
      ? "none in its metadata"
      : oneLine(kernelspec.name || kernelspec.language);
  lines.push(`kernel: ${spec}, ${sessionWords(head.session)}`);
  for (const [index, cell] of cells.entries()) {
    if (cell.error === null) continue;
    lines.push(`failed: ${index + 1} ${cell.id} ${errorWords(cell)}`);
    if (lines.length > 12) {
      lines.push(`failed: ${failed.length} cells in all`);
      break;
    }
  }
  if (outline.problems.length > 0)
    lines.push(`violates nbformat: ${oneLine(outline.problems.join("; "))}`);
  return lines;
}

/** A line for each cell, as far as the budget goes, and the position that it did not get to. */
export function cellLines(
  cells: readonly OutlineCell[],
  maxChars: number,
): { readonly lines: string[]; readonly shown: number } {
  const lines: string[] = [];
  let chars = 0;
  for (const [index, cell] of cells.entries()) {
    const count = cell.type === "code" ? ` [${cell.executionCount ?? " "}]` : "";
    const more = cell.lines > 1 ? ` (${cell.lines} lines)` : "";
    const failed = cell.error === null ? "" : ` — ${errorWords(cell)}`;
    const line = `${index + 1} ${cell.id} ${cell.type}${count} ${shortLine(cell.firstLine)}${more}${failed}`;
    if (chars + line.length > maxChars && index > 0) return { lines, shown: index };
    chars += line.length + 1;
    lines.push(line);
  }
  return { lines, shown: cells.length };
}

/** Whole cells with what is wanted of their outputs, as far as the budget goes. */
export function cellsText(
  cells: readonly WholeCell[],
  shown: OutputsShown,
  maxChars: number,
): {
  readonly text: string;
  readonly images: readonly RenderedImage[];
  readonly count: number;
} {
  const texts: string[] = [];
  const images: RenderedImage[] = [];
  const maxImageChars =
    cells.length === 1 ? MAX_SINGLE_CELL_IMAGE_CHARS : MAX_IMAGE_CHARS;
  let chars = 0;
  let imageChars = 0;
  for (const [place, { cell, index, leftOut }] of cells.entries()) {
    const left = maxChars - chars;
    const isAlone = cells.length === 1;
    const source = within(
      cell.source,
      Math.max(500, left),
      seeMore(cell, isAlone, maxChars),
    );
    const rendered = renderedOutputs(cell, shown, {
      maxChars: Math.max(SUMMARY_CHARS, left - source.length),
      maxImageChars: maxImageChars - imageChars,
      more: seeMore(cell, isAlone, maxChars),
      image: isAlone
        ? "too large to be sent here, run_code can make a smaller one of it"
        : `${alone(cell)} shows it`,
    });
    const printed =
      leftOut > 0
        ? `[${formatBytes(leftOut)}: too large to be read here, run_code can read it in the file]`
        : (rendered?.text ?? "");
    const output = printed === "" ? "" : `\n── output\n${printed}`;
    const text = `── ${index + 1} ${cell.id} ${cell.type}${countWords(cell)}\n${source}${output}`;
    if (place > 0 && chars + text.length > maxChars)
      return { text: texts.join("\n"), images, count: place };
    chars += text.length + 1;
    texts.push(text);
    for (const image of rendered?.images ?? []) {
      images.push(image);
      imageChars += image.base64.length;
    }
  }
  return { text: texts.join("\n"), images, count: cells.length };
}

/** What a program may rely on of a notebook, under `_meta["jupyter-edge/notebook"]`. */
export function notebookMeta(
  path: string,
  outline: Pick<Outline, "version" | "cells">,
  session: NotebookKernel,
  shown: readonly number[] = [],
) {
  const chosen =
    outline.cells.length <= MAX_META_CELLS
      ? outline.cells
      : shown.flatMap((index) => outline.cells[index] ?? []);
  return {
    "jupyter-edge/notebook": {
      path,
      version: outline.version,
      kernel: session === "unknown" ? null : (session?.kernel?.id ?? null),
      cells: chosen.map((cell) => ({
        id: cell.id,
        cell_type: cell.type,
        execution_count: cell.executionCount,
        failed: cell.error !== null,
      })),
    },
  };
}

function errorWords({ error }: OutlineCell): string {
  return error === null ? "" : shortLine(errorLine(error));
}

function shortLine(line: string): string {
  const clean = oneLine(line);
  return clean.length > 100 ? `${clean.slice(0, 100)}…` : clean;
}

function countWords(cell: Cell): string {
  if (cell.type !== "code") return "";
  const count = jsonValue(cell.members.get("execution_count"));
  return ` [${typeof count === "number" ? count : " "}]`;
}

function sessionWords(session: NotebookKernel): string {
  if (session === "unknown") return "and Jupyter did not say whether it runs";
  if (session?.kernel == null) return "not running";
  const { id, name, execution_state } = session.kernel;
  return `running as ${kernelName({ id, kernelspec: name })} (${execution_state})`;
}

function changedWords(lastModified: string, now: number): string {
  const at = Date.parse(lastModified);
  if (Number.isNaN(at)) return "change time unknown";
  const time = new Date(at).toISOString().slice(0, 16).replace("T", " ");
  return `changed ${time} UTC (${duration(now - at)} ago)`;
}

/** The call that gives a cell all the room that there is. */
function alone({ id }: Cell): string {
  return `read_notebook cells: "${id}", outputs: "full"`;
}

function seeMore(cell: Cell, isAlone: boolean, maxChars: number): string {
  if (!isAlone) return `${alone(cell)} shows more`;
  return maxChars < MAX_OUTPUT_CHARS
    ? "a larger max_output_chars shows more"
    : "run_code can read the rest in the file";
}

function within(text: string, maxChars: number, howToSee: string): string {
  if (text.length <= maxChars) return text;
  const kept = new HeadTail(
    maxChars,
    ({ chars, lines }) =>
      `[… ${chars} characters, ${lines} lines left out: ${howToSee} …]`,
  );
  kept.add(text, 0);
  return kept.finish().text;
}

function renderedOutputs(
  cell: Cell,
  shown: OutputsShown,
  bounds: {
    readonly maxChars: number;
    readonly maxImageChars: number;
    /** What shows more of these outputs, or an image of them that has no room. */
    readonly more: string;
    readonly image: string;
  },
) {
  if (shown === "none" || cell.type !== "code") return null;
  const isFull = shown === "full";
  const renderer = new Renderer({
    maxChars: isFull ? bounds.maxChars : SUMMARY_CHARS,
    maxImageChars: isFull ? Math.max(0, bounds.maxImageChars) : 0,
    describeFetch: (_, isImage) => {
      if (!isImage) return "run_code can read it in the file";
      return isFull ? bounds.image : `${alone(cell)} shows it`;
    },
    describeOmitted: ({ chars, lines }) =>
      `[… ${chars} characters, ${lines} lines left out: ${isFull ? bounds.more : `${alone(cell)} shows more`} …]`,
  });
  for (const [index, item] of itemsOf(jsonValue(cell.members.get("outputs"))).entries())
    renderer.add({ position: index + 1, item });
  return renderer.finish();
}
