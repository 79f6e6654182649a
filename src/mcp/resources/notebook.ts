import { MAX_EDIT_BYTES } from "../../notebook/document.ts";
import { readCells } from "../../notebook/reading.ts";
import { completeNotebookPath } from "../completion.ts";
import { cellLines, cellsText, headLines } from "../notebook-words.ts";
import { defineResource } from "../resource.ts";
import { MAX_OUTPUT_CHARS } from "../tools/arguments.ts";
import { checkedNotebookPath, openNotebook } from "../tools/notebooks.ts";

/** An outline beyond this is no overview any more. */
const MAX_OUTLINE_CHARS = 20_000;

/** A notebook as `read_notebook` shows it: its outline, then its cells. */
export const notebookResource = defineResource({
  name: "notebook",
  title: "Notebook",
  description:
    "A notebook as text: its outline, then its cells with a summary of their outputs, up to 100,000 characters.",
  template: "jupyter://notebooks/{+path}",
  mimeType: "text/plain",
  scopes: ["notebooks:read"],
  complete: { path: completeNotebookPath },
  async read({ path: given }, context) {
    const path = checkedNotebookPath(given);
    const { read, head } = await openNotebook(path, context);
    const { cells, bytes } = read.outline;
    const outline = cellLines(cells, MAX_OUTLINE_CHARS);
    const lines = [...headLines(read.outline, head), ...outline.lines];
    if (outline.shown < cells.length)
      lines.push(`[… ${cells.length - outline.shown} cells are not in this outline …]`);
    // Cells of a larger one would be held in memory with all of their outputs.
    const wanted = bytes > MAX_EDIT_BYTES ? [] : cells.keys().toArray();
    const chosen = await readCells(read, wanted);
    const { text, count } = cellsText(chosen, "summary", MAX_OUTPUT_CHARS);
    if (text !== "") lines.push("", text);
    if (count < cells.length)
      lines.push(
        `Next: ${cells.length - count} cells are not shown; read_notebook cells: "${count + 1}-${cells.length}" reads on.`,
      );
    return [{ mimeType: "text/plain", text: lines.join("\n") }];
  },
});
