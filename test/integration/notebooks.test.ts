import { expect, test } from "vitest";
import { fileText, notebookOf, putText, validated } from "./notebook-support.ts";
import { connect } from "./support.ts";

const CELLS = [
  { cell_type: "markdown", source: "# Churn\n\nWhy people leave." },
  { cell_type: "code", source: "import math\nx = 1" },
  { cell_type: "code", source: "print(x)" },
];

test("a new notebook is outlined, read and edited by cell id, and stays valid", async () => {
  await using client = await connect();
  const created = await client.call("create_notebook", {
    path: "new/churn.ipynb",
    cells: CELLS,
  });
  expect(created.isError).toBe(false);
  const made = notebookOf(created);
  expect(made.cells.map(({ cell_type }) => cell_type)).toEqual([
    "markdown",
    "code",
    "code",
  ]);
  const outline = await client.call("read_notebook", { path: "new/churn.ipynb" });
  expect(notebookOf(outline).version).toBe(made.version);
  expect(outline.text).toMatch(/3 cells: 2 code \(0 run\), 1 markdown/);
  expect(outline.text).toMatch(/kernel: python3, not running/);
  expect(outline.text).toMatch(/1 \w+ markdown # Churn \(3 lines\)/);
  const [title, first, second] = made.cells.map(({ id }) => id);
  const edited = await client.call("edit_notebook", {
    path: "new/churn.ipynb",
    version: made.version,
    edits: [
      { op: "insert", after: first, cell_type: "code", source: "y = 2" },
      { op: "insert", after: first, cell_type: "code", source: "z = 3\n" },
      { op: "replace_text", cell: second, old: "x", new: "x + y" },
      { op: "replace", cell: title, source: "# Leavers" },
    ],
  });
  expect(edited.isError, edited.text).toBe(false);
  const read = await client.call("read_notebook", {
    path: "new/churn.ipynb",
    cells: "all",
  });
  expect(read.text).toMatch(
    /# Leavers[\s\S]*import math[\s\S]*y = 2[\s\S]*z = 3[\s\S]*print\(x \+ y\)/,
  );
  expect(notebookOf(read).version).toBe(notebookOf(edited).version);
  expect(await validated(client, "new/churn.ipynb")).toBe("valid");
  const stored = JSON.parse(await fileText("new/churn.ipynb"));
  expect(stored.cells[1].source).toEqual(["import math\n", "x = 1"]);
  expect(stored.metadata.kernelspec).toMatchObject({
    name: "python3",
    language: "python",
  });
});

test("an edit with one bad edit among good ones changes nothing", async () => {
  await using client = await connect();
  const made = notebookOf(
    await client.call("create_notebook", { path: "all.ipynb", cells: CELLS }),
  );
  const before = await fileText("all.ipynb");
  const edited = await client.call("edit_notebook", {
    path: "all.ipynb",
    version: made.version,
    edits: [
      { op: "delete", cell: made.cells[0]?.id },
      { op: "replace", cell: "nowhere", source: "" },
    ],
  });
  expect(edited.isError).toBe(true);
  expect(edited.text).toMatch(
    /Edit 2 cannot be done: there is no cell "nowhere". No edit was made./,
  );
  expect(await fileText("all.ipynb")).toBe(before);
});

test("a stale version passes where its cells are untouched, and is refused where they are not", async () => {
  await using client = await connect();
  const path = "stale.ipynb";
  const made = notebookOf(await client.call("create_notebook", { path, cells: CELLS }));
  const [title, first, second] = made.cells.map(({ id }) => id);
  const edit = (cell: string | undefined, source: string) =>
    client.call("edit_notebook", {
      path,
      version: made.version,
      edits: [{ op: "replace", cell, source }],
    });
  expect((await edit(first, "mine = 1")).isError).toBe(false);
  const other = await edit(second, "print(2)");
  expect(other.isError, other.text).toBe(false);
  expect(other.text).toContain(`changed ${first}`);
  const conflict = await edit(first, "mine = 2");
  expect(conflict.isError).toBe(true);
  expect(conflict.text).not.toContain("It said");
  expect(conflict.text).toMatch(
    /was changed since "v\w+", in what these edits are about \(\w+\)\. .*\n\w+ is now: "mine = 1"\nNext: /,
  );
  expect(conflict.text).toContain(notebookOf(other).version);
  const unknown = await client.call("edit_notebook", {
    path,
    version: "v123",
    edits: [{ op: "delete", cell: title }],
  });
  expect(unknown.text).toMatch(
    /^The version "v123" of "stale.ipynb" is not known[^\n]*\nNext: Call read_notebook/,
  );
});

test("two clients that edit the same notebook at once lose nothing", async () => {
  await using first = await connect();
  await using second = await connect("legacy");
  const path = "race.ipynb";
  const made = notebookOf(await first.call("create_notebook", { path, cells: CELLS }));
  const insert = (client: typeof first, source: string) =>
    client.call("edit_notebook", {
      path,
      version: made.version,
      edits: [{ op: "insert", after: "end", cell_type: "code", source }],
    });
  const names = Array.from({ length: 10 }, (_, index) => `value_${index} = ${index}`);
  const results = await Promise.all(
    names.map((name, index) => insert(index % 2 === 0 ? first : second, name)),
  );
  expect(results.map(({ isError }) => isError)).not.toContain(true);
  const read = await first.call("read_notebook", { path, cells: "all" });
  for (const name of names) expect(read.text).toContain(name);
});

test("what an edit does not name stays as it was, numbers and NaN included", async () => {
  await using client = await connect();
  const path = "kept.ipynb";
  const text = `{
 "cells": [
  {"cell_type": "markdown", "id": "m1", "metadata": {"tags": ["a"], "weight": 1.0, "big": 12345678901234567890},
   "attachments": {"a.png": {"image/png": "iVBORw0KGgo="}}, "source": "![a](attachment:a.png)"},
  {"cell_type": "raw", "id": "r1", "metadata": {"format": "text/latex"}, "source": ["\\\\LaTeX"]},
  {"cell_type": "code", "id": "c1", "execution_count": 3, "metadata": {"x": NaN, "y": -Infinity},
   "outputs": [{"output_type": "execute_result", "execution_count": 3, "metadata": {},
     "data": {"application/json": {"v": 1.0, "n": NaN}, "text/plain": ["1.0"]}}], "source": ["1.0"]}
 ],
 "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
  "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {}, "version_major": 2, "version_minor": 0}},
  "custom": {"deep": [1e-7, 2.50]}},
 "nbformat": 4, "nbformat_minor": 5
}
`;
  await putText(path, text);
  const outline = await client.call("read_notebook", { path });
  expect(outline.isError, outline.text).toBe(false);
  const edited = await client.call("edit_notebook", {
    path,
    version: notebookOf(outline).version,
    edits: [{ op: "insert", after: "r1", cell_type: "code", source: "pass" }],
  });
  expect(edited.isError, edited.text).toBe(false);
  const after = await fileText(path);
  for (const kept of [
    '"weight": 1.0',
    "12345678901234567890",
    '"x": NaN',
    '"y": -Infinity',
    '"n": NaN',
    '"v": 1.0',
    "2.5",
    "iVBORw0KGgo=",
    "widget-state+json",
    "text/latex",
  ])
    expect(after).toContain(kept);
  expect(await validated(client, path)).toBe("valid");
  // Byte for byte what Python's nbformat writes: sources by line, indented by one space.
  const code = `import nbformat
text = open(${JSON.stringify(path)}).read()
print(text == nbformat.writes(nbformat.read(${JSON.stringify(path)}, as_version=4)) + "\\n")`;
  expect((await client.call("run_code", { code })).text).toMatch(/\nTrue$/);
  expect(after).toContain('\n "cells": [\n  {\n');
});

test("what would be below a file is not there", async () => {
  await using client = await connect();
  await putText("notes.txt", "text");
  const read = await client.call("read_notebook", { path: "notes.txt/in.ipynb" });
  expect(read.text).toMatch(/There is nothing at "notes.txt\/in.ipynb"/);
  const created = await client.call("create_notebook", { path: "notes.txt/a/b.ipynb" });
  expect(created.text).toMatch(/"notes.txt" is a file, and not a folder/);
});

test("only what Jupyter takes for a notebook is created as one", async () => {
  await using client = await connect();
  const created = await client.call("create_notebook", { path: "UP.IPYNB" });
  expect(created.text).toMatch(/"UP.IPYNB" is not a notebook: its name does not end in/);
  const written = await client.call("write_file", { path: "UP.IPYNB", content: "text" });
  expect(written.isError, written.text).toBe(false);
});

test("cells that cannot be meant are told in words that say what can", async () => {
  await using client = await connect();
  const path = "meant.ipynb";
  const cells = [{ cell_type: "markdown", source: "# Only words" }];
  await client.call("create_notebook", { path, cells });
  const said = async (tool: string, wanted: unknown) =>
    (await client.call(tool, { path, cells: wanted })).text;
  expect(await said("read_notebook", [1])).toMatch(
    /cells: give text: "all", a cell id, a position \("3", "3-7"\)/,
  );
  expect(await said("read_notebook", ["1,1"])).toContain("# Only words");
  expect(await said("read_notebook", "2")).toContain("the notebook has 1 cell.");
  expect(await said("run_cells", "all")).toMatch(
    /no cell there has code to run\.\nNext: Call edit_notebook to add one/,
  );
});
