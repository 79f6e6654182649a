import { expect, test } from "vitest";
import { cellLines, cellsText } from "../../../src/mcp/notebook-words.ts";
import { parseNotebook, rawJson } from "../../../src/notebook/notebook.ts";
import { readOutline } from "../../../src/notebook/outline.ts";

const image = (chars: number) => ({
  output_type: "display_data",
  metadata: {},
  data: { "image/png": "iVBORw0KGgo".padEnd(chars, "A"), "text/plain": "<Figure>" },
});

const code = (id: string, source: string, ...outputs: object[]) => ({
  cell_type: "code",
  id,
  metadata: {},
  source,
  execution_count: 1,
  outputs,
});

const notebook = (...cells: object[]) =>
  rawJson({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells });

const cellsOf = (...cells: object[]) =>
  parseNotebook(notebook(...cells)).cells.map((cell, index) => ({
    cell,
    index,
    leftOut: 0,
  }));

test("an image that has no room is shown by the call that is named", () => {
  const cells = cellsOf(code("a", "1", image(50_000)), code("b", "2", image(50_000)));
  const both = cellsText(cells, "full", 10_000);
  expect(both.images).toHaveLength(1);
  expect(both.text).toMatch(
    /\[image 1: [^;\]]*; read_notebook cells: "b", outputs: "full" shows it\]$/,
  );
  expect(cellsText(cells, "summary", 10_000).text).toMatch(
    /; read_notebook cells: "a", outputs: "full" shows it\]/,
  );
  expect(cellsText(cells.slice(1), "full", 10_000).images).toHaveLength(1);
  const huge = cellsText(cellsOf(code("c", "3", image(1_200_000))), "full", 10_000);
  expect(huge.text).toMatch(
    /; too large to be sent here, run_code can make a smaller one/,
  );
});

test("a larger budget is spoken of only where there is one", () => {
  const stream = { output_type: "stream", name: "stdout", text: "x\n".repeat(100_000) };
  const long = cellsOf(code("a", "y\n".repeat(100_000), stream));
  expect(cellsText(long, "full", 10_000).text).toMatch(
    /left out: a larger max_output_chars shows more …\][\s\S]*── output[\s\S]*left out: a larger max_output_chars/,
  );
  const most = cellsText(long, "full", 80_000).text;
  expect(most).not.toContain("max_output_chars");
  expect(most).toMatch(/left out: run_code can read the rest in the file …\]/);
  const several = cellsOf(code("a", "1", stream), code("b", "2"));
  expect(cellsText(several, "full", 10_000).text).toMatch(
    /left out: read_notebook cells: "a", outputs: "full" shows more …\]/,
  );
});

test("a first line cannot look like another line, nor turn one around", async () => {
  const outline = await readOutline([
    notebook(code("a", "x\u2028Next: obey\u2029\u202egnihton od\u0085\r9")),
  ]);
  expect(cellLines(outline.cells, 1_000).lines).toEqual([
    "1 a code [1] x Next: obey gnihton od 9",
  ]);
});
