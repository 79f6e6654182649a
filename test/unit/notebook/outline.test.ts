import { expect, test } from "vitest";
import {
  NotebookFormatError,
  OldNotebookError,
  parseNotebook,
} from "../../../src/notebook/notebook.ts";
import { firstLineOf, kernelspecOf, readOutline } from "../../../src/notebook/outline.ts";
import { marksOf, versionOf } from "../../../src/notebook/version.ts";

const encode = (text: string) => new TextEncoder().encode(text);

const STREAM = { output_type: "stream", name: "stdout", text: ["1\n"] };
const FAILED = {
  evalue: "boom",
  ename: "ValueError",
  output_type: "error",
  traceback: ["a", "b"],
};

const code = (source: unknown, more: object = {}) => ({
  cell_type: "code",
  metadata: {},
  source,
  execution_count: null,
  outputs: [],
  ...more,
});

const textOf = (
  cells: readonly unknown[],
  { minor = 5, metadata = {} }: { minor?: number; metadata?: unknown } = {},
) => JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: minor }, null, 1);

const outlineOf = (text: string) => readOutline([encode(text)]);
const cellsOf = async (...cells: readonly unknown[]) =>
  (await outlineOf(textOf(cells))).cells;
const problemsOf = async (...cells: readonly unknown[]) =>
  (await outlineOf(textOf(cells))).problems;

const FULL = textOf(
  [
    {
      cell_type: "markdown",
      id: "a",
      metadata: { x: {} },
      source: ["# Élan\n", "\n", "text"],
    },
    code("\n\n  1/0\n", { id: "b", execution_count: 7, outputs: [STREAM, FAILED] }),
    code("", { id: "c", outputs: [{ ...STREAM, output_type: "display_data" }] }),
    { cell_type: "raw", id: "d", metadata: {}, attachments: {}, source: "raw" },
  ],
  {
    metadata: {
      kernelspec: { name: "python3", display_name: "Python 3", language: "python" },
      language_info: { name: "python", version: "3.12" },
      other: [1, { kernelspec: 2 }],
    },
  },
);

test("an outline tells of each cell what it is, how it begins and how it ended", async () => {
  const outline = await outlineOf(FULL);
  const base = { executionCount: null, error: null, outputs: 0, outputBytes: 0 };

  expect(outline.cells).toEqual([
    { ...base, id: "a", type: "markdown", firstLine: "# Élan", lines: 3, chars: 12 },
    {
      id: "b",
      type: "code",
      firstLine: "1/0",
      lines: 4,
      chars: 8,
      executionCount: 7,
      error: { ename: "ValueError", evalue: "boom" },
      outputs: 2,
      outputBytes: expect.any(Number),
    },
    {
      ...base,
      id: "c",
      type: "code",
      firstLine: "",
      lines: 0,
      chars: 0,
      outputs: 1,
      outputBytes: expect.any(Number),
    },
    { ...base, id: "d", type: "raw", firstLine: "raw", lines: 1, chars: 3 },
  ]);
  expect(outline).toMatchObject({
    minor: 5,
    kernelspec: { name: "python3", displayName: "Python 3", language: "python" },
    problems: [],
    bytes: encode(FULL).length,
  });
});

test("an outline has the ids and the version of the notebook in memory", async () => {
  for (const minor of [0, 4, 5]) {
    const text = textOf(
      [code("1", { id: "a" }), code("1", { id: "a" }), code("1"), code(["1\n", "2"])],
      { minor },
    );
    const { cells } = parseNotebook(encode(text));
    const outline = await outlineOf(text);
    expect(outline.marks).toEqual(marksOf(cells));
    expect(outline.version).toBe(versionOf(marksOf(cells)));
    expect(outline.cells.map(({ id }) => id)).toEqual(cells.map(({ id }) => id));
  }
});

test("an outline is the same wherever the bytes are cut", async () => {
  const bytes = encode(FULL);
  const whole = await readOutline([bytes]);
  for (const size of [1, 2, 3, 7, 64, 1_000]) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    );
    expect(await readOutline(chunks)).toEqual(whole);
  }
});

test("an outline can be read from a stream", async () => {
  const stream = new Blob([FULL]).stream();
  expect(await readOutline(stream)).toEqual(await outlineOf(FULL));
});

test("an outline can be read out of an answer of the Contents API", async () => {
  const answer = encode(
    `{"name": "n", "cells": [1], "metadata": {"kernelspec": {"name": "no"}}, "content": ${FULL}, "nbformat": 3}`,
  );
  expect(await readOutline([answer], ["content"])).toEqual({
    ...(await outlineOf(FULL)),
    bytes: answer.length,
  });
  await expect(readOutline([encode('{"content": null}')], ["content"])).rejects.toThrow(
    "it is no object",
  );
});

test("ids that were made up on the way are not taken, and are no problem", async () => {
  const [outline, again] = await Promise.all(
    ["a", "b"].map((id) =>
      readOutline([encode(textOf([code("1", { id }), code("2")]))], [], false),
    ),
  );
  expect(outline?.cells[0]?.id).toMatch(/^d[0-9a-f]{9}$/);
  expect(outline?.problems).toEqual([]);
  expect(again).toEqual(outline);
});

test.each([0, 1, 2, 3, 4, 5])("nbformat 4.%i is read", async (minor) => {
  const text = textOf([code("1", minor < 5 ? {} : { id: "a" })], { minor });
  expect(await outlineOf(text)).toMatchObject({
    minor,
    cells: [{ lines: 1 }],
    problems: [],
  });
});

test("a notebook without cells has an outline", async () => {
  expect(await outlineOf(textOf([]))).toMatchObject({
    cells: [],
    marks: [],
    problems: [],
  });
});

test("metadata without a kernelspec names no kernel", async () => {
  for (const metadata of [{}, null, [], { kernelspec: null }, { kernelspec: "x" }])
    expect((await outlineOf(textOf([], { metadata }))).kernelspec).toBeNull();
  expect((await outlineOf('{"nbformat": 4, "cells": []}')).kernelspec).toBeNull();
});

test("a kernelspec's names are cut where nobody would read on", () => {
  const long = "x".repeat(5_000);
  const found = kernelspecOf({ name: long, display_name: long, language: long }, null);
  for (const word of [found?.name, found?.displayName, found?.language])
    expect(word).toHaveLength(100);
});

test("a kernelspec without a language has that of language_info", () => {
  expect(kernelspecOf({ name: "ir" }, { name: "R" })).toEqual({
    name: "ir",
    displayName: "",
    language: "R",
  });
  expect(kernelspecOf(undefined, { name: "R" })).toMatchObject({
    name: "",
    language: "R",
  });
  expect(kernelspecOf({ name: 3, language: [] }, undefined)).toBeNull();
});

test("a failed cell is told with the start of its exception", async () => {
  const long = "x".repeat(1_000);
  const [first, second, third] = await cellsOf(
    code("", {
      id: "a",
      outputs: [FAILED, { ...FAILED, ename: "KeyError", evalue: long }],
    }),
    code("", { id: "b", outputs: [{ output_type: "error", ename: null }] }),
    code("", { id: "c", outputs: [{ ...STREAM, ename: "no", evalue: "error" }] }),
  );
  expect(first?.error).toEqual({ ename: "KeyError", evalue: "x".repeat(300) });
  expect(second?.error).toEqual({ ename: "", evalue: "" });
  expect(third?.error).toBeNull();
});

test("members of an output's data are not taken for the output's own", async () => {
  const data = { output_type: "error", ename: "no" };
  const [cell] = await cellsOf(
    code("", {
      id: "a",
      outputs: [{ data, output_type: "display_data", metadata: data }],
    }),
  );
  expect(cell).toMatchObject({ error: null, outputs: 1 });
});

test("what a cell and an output lack is listed as problems", async () => {
  expect(
    await problemsOf(
      { cell_type: "code", id: "a", source: "" },
      { cell_type: "markdown", id: "b", source: "" },
      code("", { id: "c", outputs: [STREAM, {}] }),
    ),
  ).toEqual([
    'cells[0] has no "metadata"',
    'cells[0] has no "outputs"',
    'cells[0] has no "execution_count"',
    'cells[1] has no "metadata"',
    'cells[2].outputs[1] has no known "output_type"',
  ]);
});

test("missing, invalid and repeated ids are listed as problems", async () => {
  expect(
    await problemsOf(
      code("1"),
      code("2", { id: "b c" }),
      code("3", { id: "a" }),
      code("3", { id: "a" }),
    ),
  ).toEqual([
    "cell 1 has no valid id",
    "cell 2 has no valid id",
    "cell 4 has the id of another cell",
  ]);
});

test("of many problems the first are listed and the others counted", async () => {
  const problems = await problemsOf(...Array.from({ length: 12 }, () => code("")));
  expect(problems).toHaveLength(6);
  expect(problems.at(-1)).toBe("7 more");
});

test("outputs that are no list are passed over", async () => {
  const [cell] = await cellsOf(code("", { id: "a", outputs: null }));
  expect(cell).toMatchObject({ outputs: 0, error: null });
});

test("an execution count that is no number is none", async () => {
  const [cell] = await cellsOf(code("", { id: "a", execution_count: "7" }));
  expect(cell?.executionCount).toBeNull();
});

test("an output larger than the memory of a Worker passes through", async () => {
  const chunk = encode("x".repeat(1_000_000));
  const count = 600;
  function* chunks() {
    yield encode(
      '{"nbformat": 4, "nbformat_minor": 5, "cells": [{"cell_type": "code", "id": "a", "outputs": [{"output_type": "stream", "text": "',
    );
    for (let index = 0; index < count; index += 1) yield chunk;
    yield encode(
      '"}, {"output_type": "error", "ename": "E", "evalue": "v"}], "metadata": {}, "execution_count": 1, "source": "1"}]}',
    );
  }
  const outline = await readOutline(chunks());
  expect(outline.bytes).toBeGreaterThan(count * chunk.length);
  expect(outline).toMatchObject({
    cells: [{ id: "a", outputs: 2, error: { ename: "E", evalue: "v" } }],
    problems: [],
  });
});

test.each([
  ['{"nbformat": 4}', 'it has no "cells"'],
  ['{"cells": []}', 'it has no "nbformat"'],
  ["[1]", "it is no object"],
  ['{"nbformat": 4, "cells": {}}', '"cells" is no list'],
  ['{"nbformat": 4, "cells": [[]]}', "cell 1 is no object"],
  [
    '{"nbformat": 4, "cells": [{"cell_type": "code"}]}',
    'cell 1 has no "source" that is text',
  ],
  ['{"nbformat": 4, "cells": [{"source": ""}]}', 'cell 1 has no "cell_type"'],
  [
    '{"nbformat": 4,\n"cells": [}',
    'it is no JSON (line 2: "}" where value or end is expected)',
  ],
  ["", "it is no JSON (line 1: it is empty)"],
])("%s has no outline: %s", async (text, where) => {
  await expect(outlineOf(text)).rejects.toThrow(new NotebookFormatError(where));
});

test("a notebook of nbformat 3 has to be upgraded by Jupyter first", async () => {
  const text = '{"nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": []}]}';
  await expect(outlineOf(text)).rejects.toThrow(OldNotebookError);
});

test("a source that breaks off while it is read fails as it failed", async () => {
  const gone = new Error("gone");
  async function* chunks() {
    yield encode("{");
    throw gone;
  }
  await expect(readOutline(chunks())).rejects.toBe(gone);
});

test.each([
  ["", ""],
  [" \n\t\n", ""],
  ["a", "a"],
  ["\n  a b  \r\nc", "a b"],
  ["x".repeat(201), `${"x".repeat(200)}…`],
  ["x".repeat(200), "x".repeat(200)],
])("the first line of %j is %j", (source, line) => {
  expect(firstLineOf(source)).toBe(line);
});
