import { expect, test } from "vitest";
import type { Called, McpClient } from "../support/mcp-client.ts";
import { fileText, isLive, notebookOf, putText, validated } from "./notebook-support.ts";
import { connect, jupyter } from "./support.ts";

/** A single pixel. */
const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const PYTHON = { name: "python3", display_name: "Python 3", language: "python" };

type Json = Readonly<Record<string, unknown>>;

/** A notebook of nbformat 4 as JSON. */
function notebookText(cells: readonly unknown[], more: Json = {}): string {
  const metadata = { kernelspec: PYTHON };
  return JSON.stringify(
    { cells, metadata, nbformat: 4, nbformat_minor: 5, ...more },
    null,
    1,
  );
}

function codeCell(id: string, source: string | readonly string[], outputs: Json[] = []) {
  return { cell_type: "code", id, execution_count: null, metadata: {}, outputs, source };
}

/** Puts a notebook's text and reads its outline. */
async function putAndRead(client: McpClient, path: string, text: string) {
  await putText(path, text);
  return good(await client.call("read_notebook", { path }));
}

function good(called: Called): Called {
  expect(called.isError, called.text).toBe(false);
  return called;
}

function idsOf(called: Called): string[] {
  return notebookOf(called).cells.map(({ id }) => id);
}

async function putFolder(path: string): Promise<void> {
  const body = JSON.stringify({ type: "directory" });
  const answer = await jupyter(`/api/contents/${path}`, { method: "PUT", body });
  expect(answer.ok, await answer.text()).toBe(true);
}

/** What both formats before 4 have in common. */
const OLD_CODE = {
  cell_type: "code",
  collapsed: true,
  language: "python",
  input: ["first = 6\n", "first * 7"],
  prompt_number: 3,
  outputs: [
    { output_type: "stream", stream: "stdout", text: ["printed\n"] },
    { output_type: "pyout", prompt_number: 3, text: ["42"], html: ["<b>42</b>"] },
    { output_type: "display_data", png: PNG },
    { output_type: "pyerr", ename: "KeyError", evalue: "'k'", traceback: ["KeyError"] },
  ],
};

/** The same notebook of four cells in nbformat 4. */
function newer(minor: number): string {
  const cells = [
    { cell_type: "markdown", metadata: {}, source: ["## Old times"] },
    { cell_type: "markdown", metadata: { tags: ["kept"] }, source: "some text" },
    {
      cell_type: "code",
      execution_count: 3,
      metadata: { collapsed: true, mine: 7 },
      source: ["first = 6\n", "first * 7"],
      outputs: [
        { output_type: "stream", name: "stdout", text: ["printed\n"] },
        {
          output_type: "execute_result",
          execution_count: 3,
          metadata: {},
          data: { "text/plain": ["42"], "text/html": ["<b>42</b>"] },
        },
        { output_type: "display_data", metadata: {}, data: { "image/png": PNG } },
        {
          output_type: "error",
          ename: "KeyError",
          evalue: "'k'",
          traceback: ["KeyError"],
        },
      ],
    },
    { cell_type: "raw", metadata: {}, source: ["as it is"] },
  ];
  return notebookText(
    cells.map((cell, index) => (minor < 5 ? cell : { ...cell, id: `cell-${index}` })),
    { nbformat_minor: minor, metadata: { kernelspec: PYTHON, custom: { deep: [1] } } },
  );
}

const FORMATS: Readonly<Record<string, string>> = {
  "2": JSON.stringify({
    nbformat: 2,
    metadata: { name: "old" },
    worksheets: [
      {
        cells: [
          { cell_type: "markdown", source: "## Old times" },
          { cell_type: "markdown", source: "some text" },
          // Its lines are without their ends.
          { ...OLD_CODE, input: ["first = 6", "first * 7"] },
          { cell_type: "markdown", source: "as it is" },
        ],
      },
    ],
  }),
  "3": JSON.stringify({
    nbformat: 3,
    nbformat_minor: 0,
    metadata: { name: "old", custom: { deep: [1] } },
    worksheets: [
      {
        cells: [
          { cell_type: "heading", level: 2, metadata: {}, source: ["Old times"] },
          { cell_type: "markdown", metadata: { tags: ["kept"] }, source: ["some text"] },
          { ...OLD_CODE, metadata: { mine: 7 } },
          { cell_type: "raw", metadata: {}, source: ["as it is"] },
        ],
      },
    ],
  }),
  "4.0": newer(0),
  "4.1": newer(1),
  "4.2": newer(2),
  "4.4": newer(4),
  "4.5": newer(5),
};

test.concurrent.for(Object.entries(FORMATS))(
  "a notebook of nbformat %s is read, and upgraded by the first edit with ids and outputs kept",
  async ([format, content]) => {
    await using client = await connect();
    const path = `format-${format}.ipynb`;
    const outline = await putAndRead(client, path, content);
    // Before 4, Jupyter upgrades what comes into a room, and nobody there knows of it.
    const isUpgradedBefore = isLive && format < "4";
    expect(outline.text).toContain(`nbformat ${isUpgradedBefore ? "4.5" : format}`);
    expect(outline.text).toMatch(/4 cells: 1 code \(1 run, 1 failed\)/);
    expect(outline.text).toMatch(/1 \S+ markdown ## Old times/);
    expect(outline.text).toMatch(
      /3 \S+ code \[3\] first = 6 \(2 lines\) — KeyError: 'k'/,
    );
    const again = good(await client.call("read_notebook", { path, cells: "all" }));
    expect(idsOf(again)).toEqual(idsOf(outline));
    expect(notebookOf(again).version).toBe(notebookOf(outline).version);
    expect(again.text).toMatch(
      /first \* 7\n── output\nprinted\n[\s\S]*42[\s\S]*KeyError[\s\S]*as it is/,
    );
    const full = good(
      await client.call("read_notebook", { path, cells: ["[3]"], outputs: "full" }),
    );
    expect(full.images).toEqual([{ data: PNG, mimeType: "image/png" }]);
    expect(await fileText(path)).toBe(content);
    const [, , code] = idsOf(outline);
    const edited = good(
      await client.call("edit_notebook", {
        path,
        version: notebookOf(outline).version,
        edits: [{ op: "insert", after: code, cell_type: "code", source: "second = 2" }],
      }),
    );
    if (format === "4.5" || isUpgradedBefore)
      expect(edited.text).not.toContain("Upgraded");
    else expect(edited.text).toContain(`Upgraded with it: nbformat ${format} to 4.5.`);
    const changed = good(
      await client.call("edit_notebook", {
        path,
        version: notebookOf(outline).version,
        edits: [{ op: "replace_text", cell: code, old: "* 7", new: "* 8" }],
      }),
    );
    expect(changed.text).not.toContain("Upgraded");
    const ids = idsOf(await client.call("read_notebook", { path }));
    expect(ids.filter((_, index) => index !== 3)).toEqual(idsOf(outline));
    const stored = JSON.parse(await fileText(path));
    expect(stored).toMatchObject({ nbformat: 4, nbformat_minor: 5 });
    expect(stored.cells[2]).toMatchObject({
      id: code,
      execution_count: 3,
      metadata: { collapsed: true },
      source: ["first = 6\n", "first * 8"],
      outputs: [
        { output_type: "stream", name: "stdout", text: ["printed\n"] },
        { output_type: "execute_result", data: { "text/html": ["<b>42</b>"] } },
        { output_type: "display_data", data: { "image/png": PNG } },
        { output_type: "error", ename: "KeyError", traceback: ["KeyError"] },
      ],
    });
    if (format !== "2") {
      expect(stored.metadata.custom).toEqual({ deep: [1] });
      expect(stored.cells[1].metadata).toEqual({ tags: ["kept"] });
      expect(stored.cells[2].metadata.mine).toBe(7);
    }
    expect(await validated(client, path)).toBe("valid");
  },
);

test("cells of an old notebook run, and it is upgraded with their outputs", async () => {
  await using client = await connect();
  const path = "format-3-run.ipynb";
  const outline = await putAndRead(client, path, FORMATS["3"] ?? "");
  const run = good(await client.call("run_cells", { path, cells: [idsOf(outline)[2]] }));
  expect(run.text).toMatch(/\[1\]\n42/);
  const stored = JSON.parse(await fileText(path));
  expect(stored.cells[2]).toMatchObject({ id: idsOf(outline)[2], execution_count: 1 });
  expect(stored.cells[2].outputs).toHaveLength(1);
  expect(await validated(client, path)).toBe("valid");
});

test("attachments, raw cells, widgets and rich outputs are shown and outlive an edit and a run", async () => {
  await using client = await connect();
  const path = "rich.ipynb";
  const rich: Json = {
    "image/png": PNG,
    "image/svg+xml": ["<svg xmlns='http://www.w3.org/2000/svg'/>"],
    "text/html": ["<p>Hello <b>there</b></p>"],
    "text/latex": ["$x^2$"],
    "text/markdown": "*so*",
    "application/json": { a: [1, { b: null }] },
    "application/vnd.plotly.v1+json": { data: [{ y: [1, 2] }], layout: {} },
    "application/vnd.jupyter.widget-view+json": { model_id: "m", version_major: 2 },
  };
  const outputs = Object.entries(rich).map(([mime, value]) => ({
    output_type: "display_data",
    metadata: {},
    data: { [mime]: value, "text/plain": [`plain of ${mime}`] },
  }));
  const widgets = {
    "application/vnd.jupyter.widget-state+json": {
      state: { m: { model_name: "IntSliderModel", state: {} } },
      version_major: 2,
      version_minor: 0,
    },
  };
  const attached = {
    cell_type: "markdown",
    id: "attached",
    metadata: {},
    attachments: { "ä b.png": { "image/png": PNG } },
    source: "![a](attachment:ä%20b.png)",
  };
  const raw = {
    cell_type: "raw",
    id: "raw",
    metadata: { raw_mimetype: "text/latex" },
    source: "\\LaTeX",
  };
  const outline = await putAndRead(
    client,
    path,
    notebookText([attached, raw, codeCell("rich", "1", outputs), codeCell("run", "2")], {
      metadata: { kernelspec: PYTHON, widgets },
    }),
  );
  expect(outline.text).toMatch(/4 cells: 2 code \(0 run\), 1 markdown, 1 raw/);
  expect(outline.text).not.toContain("violates");
  for (const shown of ["none", "summary", "full"]) {
    const read = good(
      await client.call("read_notebook", { path, cells: "all", outputs: shown }),
    );
    expect(read.text).toContain("── 2 raw raw\n\\LaTeX");
    expect(read.text.includes("── output")).toBe(shown !== "none");
    expect(read.images).toHaveLength(shown === "full" ? 1 : 0);
  }
  good(
    await client.call("edit_notebook", {
      path,
      version: notebookOf(outline).version,
      edits: [
        { op: "replace", cell: "attached", source: "![b](attachment:ä%20b.png)" },
        { op: "move", cell: "raw", after: "end" },
      ],
    }),
  );
  const run = good(await client.call("run_cells", { path, cells: ["run"] }));
  expect(run.text).toMatch(/\[1\]\n2/);
  const stored = JSON.parse(await fileText(path));
  expect(stored.metadata.widgets).toEqual(widgets);
  expect(stored.cells[0].attachments).toEqual(attached.attachments);
  expect(stored.cells[3]).toMatchObject({ id: "raw", metadata: raw.metadata });
  for (const [index, [mime, value]] of Object.entries(rich).entries())
    expect(flat(stored.cells[1].outputs[index].data[mime])).toEqual(flat(value));
  expect(await validated(client, path)).toBe("valid");
});

function flat(value: unknown): unknown {
  return Array.isArray(value) ? value.join("") : value;
}

test("a notebook without cells, one with a byte order mark and sources in one piece are as good as others", async () => {
  await using client = await connect();
  const texts = {
    "no-cells.ipynb": notebookText([]),
    "mark.ipynb": `\uFEFF${notebookText([codeCell("a", "1\n2")])}`,
    "mark-4.2.ipynb": `\uFEFF${newer(2)}`,
    "one-piece.ipynb": notebookText([codeCell("a", "one = 1\ntwo = 2\r\n\n")]),
    "bare.ipynb": '{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
  };
  for (const [path, content] of Object.entries(texts)) {
    const outline = await putAndRead(client, path, content);
    const edited = await client.call("edit_notebook", {
      path,
      version: notebookOf(outline).version,
      edits: [{ op: "insert", after: "end", cell_type: "code", source: "print('end')" }],
    });
    good(edited);
    expect(idsOf(edited).slice(0, -1)).toEqual(idsOf(outline));
    const read = good(await client.call("read_notebook", { path, cells: "all" }));
    expect(read.text).toContain("print('end')");
  }
  const paths = Object.keys(texts);
  expect(await Promise.all(paths.map((path) => validated(client, path)))).toEqual(
    paths.map(() => "valid"),
  );
});

test("names with spaces, signs of URLs and letters of any script are read, edited and run", async () => {
  await using client = await connect();
  const names = [
    "Übung/Größe ñandú.ipynb",
    "日本語/ノート 📓.ipynb",
    "100% sure/50%25 %2F off.ipynb",
    "c#/a#b.ipynb",
    "what?/is it?x=1&y.ipynb",
    "a+b/c+d =.ipynb",
    'it\'s [here]/"so" (1); {2}.ipynb',
  ];
  const work = async (path: string) => {
    const cells = [{ cell_type: "code", source: "x = 20" }];
    const made = good(await client.call("create_notebook", { path, cells }));
    expect(notebookOf(made).path).toBe(path);
    const outline = good(await client.call("read_notebook", { path }));
    expect(notebookOf(outline)).toMatchObject({
      path,
      version: notebookOf(made).version,
    });
    const edited = good(
      await client.call("edit_notebook", {
        path,
        version: notebookOf(outline).version,
        edits: [
          { op: "insert", after: "end", cell_type: "code", source: "print(x + 1)" },
        ],
      }),
    );
    expect(edited.text).not.toContain("Somebody else");
    const run = good(await client.call("run_cells", { path, cells: "all" }));
    expect(run.text).toMatch(/2 of 2 cells run/);
    expect(JSON.parse(await fileText(path)).cells[1].outputs).toEqual([
      { name: "stdout", output_type: "stream", text: ["21\n"] },
    ]);
    const running = good(await client.call("read_notebook", { path }));
    expect(notebookOf(running).kernel).toBe(run.execution.kernel);
  };
  await Promise.all(names.map(work));
});

test("a notebook of ten thousand cells is paged through whole and edited in its middle", async () => {
  await using client = await connect();
  const path = "many.ipynb";
  const ids = Array.from({ length: 10_000 }, (_, index) => `cell-${index}`);
  const outline = await putAndRead(
    client,
    path,
    notebookText(ids.map((id, index) => codeCell(id, `value = ${index}`))),
  );
  expect(outline.text).toContain("10000 cells: 10000 code (0 run)");
  const seen: string[] = [];
  let page = outline;
  for (;;) {
    seen.push(...idsOf(page));
    const next = page.meta["jupyter-edge/page"] as { cursor: string } | undefined;
    if (next === undefined) break;
    const { cursor } = next;
    expect(page.text.split("\n").at(-1)).toContain(`read_notebook cells: "${cursor}"`);
    const args = { path, cells: cursor, outputs: "none", max_output_chars: 80_000 };
    page = good(await client.call("read_notebook", args));
  }
  expect(page.text).not.toContain("Next:");
  expect(seen).toEqual(ids);
  const edited = good(
    await client.call("edit_notebook", {
      path,
      version: notebookOf(outline).version,
      edits: [
        { op: "replace", cell: "cell-5000", source: "middle = True" },
        { op: "insert", after: "cell-5000", cell_type: "markdown", source: "# Middle" },
      ],
    }),
  );
  expect(edited.text).toContain("10001 cells");
  const read = good(await client.call("read_notebook", { path, cells: "5000-5003" }));
  expect(read.text).toMatch(
    /value = 4999\n[\s\S]*middle = True\n[\s\S]*# Middle\n[\s\S]*value = 5001$/,
  );
  expect(await validated(client, path)).toBe("valid");
});

const CODE = { cell_type: "code", metadata: {}, outputs: [], execution_count: null };
const GOOD_CELL = codeCell("good", "1");

/** What is no notebook, and what is said of it. */
const BAD: readonly (readonly [name: string, content: string, says: RegExp])[] = [
  [
    "conflict",
    notebookText([GOOD_CELL]).replace(
      ' "metadata": {',
      '<<<<<<< HEAD\n "metadata": {},\n=======\n "metadata": {\n>>>>>>> other\n',
    ),
    /it is no JSON \(line \d+: "<" where key is expected\)/,
  ],
  [
    "cut",
    notebookText([GOOD_CELL]).slice(0, 100),
    /it is no JSON \(line \d+: it ends in the middle\)/,
  ],
  ["empty", "", /it is no JSON \(line 1: it is empty\)/],
  ["blank", "\n\n", /it is no JSON \(line 3: it is empty\)/],
  ["after", `${notebookText([])}\n{}`, /it is no JSON \(line \d+: /],
  ["list", "[1, 2]", /it is no object/],
  ["word", '"notebook"', /it is no object/],
  ["other", '{"a": 1}', /it has no "nbformat"/],
  [
    "no-cells-member",
    '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
    /it has no "cells"/,
  ],
  ["cells-object", notebookText([], { cells: { a: 1 } }), /"cells" is no list/],
  ["cell-string", notebookText([GOOD_CELL, "x"]), /cell 2 is no object/],
  ["no-source", notebookText([GOOD_CELL, CODE]), /cell 2 has no "source" that is text/],
  [
    "source-number",
    notebookText([{ ...CODE, source: 5 }]),
    /cell 1 has no "source" that is text/,
  ],
  [
    "no-type",
    notebookText([GOOD_CELL, GOOD_CELL, { metadata: {}, source: "" }]),
    /cell 3 has no "cell_type"/,
  ],
  [
    "type",
    notebookText([{ ...CODE, cell_type: "sql", source: "" }]),
    /cell 1 has the cell_type "sql"/,
  ],
  [
    "five",
    notebookText([], { nbformat: 5, nbformat_minor: 0 }),
    /nbformat 5 is not known here/,
  ],
  ["word-format", notebookText([], { nbformat: "4" }), /nbformat "4" is not known here/],
  ["deep", `${"[".repeat(5_000)}${"]".repeat(5_000)}`, /violates the notebook format/],
  [
    "old-broken",
    '{"nbformat": 3, "worksheets": 5}',
    /violates the notebook format: Jupyter cannot upgrade its nbformat 3\.\nIt said: ".*'int' object is not iterable/,
  ],
  ["old-mark", `\uFEFF${FORMATS["3"]}`, /Jupyter cannot upgrade its nbformat 3/],
  ["old-cells", '{"nbformat": 1, "cells": 5}', /"cells" is no list/],
];

test("what is no notebook is refused with the place that is wrong, and stays as it is", async () => {
  await using client = await connect();
  const check = async ([name, content, says]: (typeof BAD)[number]) => {
    const path = `bad-${name}.ipynb`;
    await putText(path, content);
    const edits = [{ op: "insert", after: "end", cell_type: "code", source: "" }];
    const results = [
      await client.call("read_notebook", { path }),
      await client.call("read_notebook", { path, cells: "all" }),
      await client.call("edit_notebook", { path, version: "v1", edits }),
      await client.call("run_cells", { path, cells: "all" }),
    ];
    for (const { isError, text } of results) {
      expect(isError, `${name}: ${text}`).toBe(true);
      expect(text, name).not.toContain("Something went wrong");
      expect.soft(text, name).toMatch(says);
    }
    expect(await fileText(path)).toBe(content.replace("\uFEFF", ""));
  };
  await Promise.all(BAD.map(check));
  const { text } = await client.call("list_conversations", {});
  expect(text).not.toContain("bad-");
});

const { id: _id, ...WITHOUT_ID } = GOOD_CELL;

/** What violates the format somewhere, and what an outline says of it. */
const ODD: readonly (readonly [name: string, content: string, says: RegExp])[] = [
  [
    "ids",
    notebookText([GOOD_CELL, { ...GOOD_CELL, source: "2" }, WITHOUT_ID]),
    /violates nbformat: cell 2 has the id of another cell; cell 3 has no valid id\n/,
  ],
  [
    "members",
    notebookText([
      { cell_type: "code", id: "a", source: "1" },
      { cell_type: "markdown", id: "b", source: "" },
    ]),
    /violates nbformat: cells\[0\] has no "metadata"; cells\[0\] has no "outputs"; cells\[0\] has no "execution_count"; cells\[1\] has no "metadata"\n/,
  ],
  [
    "outputs",
    notebookText([GOOD_CELL, codeCell("a", "", [{ output_type: "pyout", text: "1" }])]),
    /violates nbformat: cells\[1\]\.outputs\[0\] has no known "output_type"\n/,
  ],
  [
    "kernelspec",
    notebookText([GOOD_CELL], { metadata: { kernelspec: 5, language_info: "x" } }),
    /kernel: none in its metadata/,
  ],
  ["minor", notebookText([GOOD_CELL], { nbformat_minor: 99 }), /nbformat 4\.99/],
  ["count", notebookText([{ ...GOOD_CELL, execution_count: "3" }]), /code \[ \] 1/],
];

const MENDED = ["ids", "members"];

test("what violates the format somewhere is told with the place, and is edited and run", async () => {
  await using client = await connect();
  const results = ODD.map(async ([name, content, says]) => {
    const path = `odd-${name}.ipynb`;
    const outline = await putAndRead(client, path, content);
    // What comes into a room has been mended by Jupyter, where it can.
    const isMended = isLive && MENDED.includes(name);
    if (!isMended) expect(outline.text).toMatch(says);
    const ids = idsOf(outline);
    expect(new Set(ids).size).toBe(ids.length);
    const edited = await client.call("edit_notebook", {
      path,
      version: notebookOf(outline).version,
      edits: [{ op: "insert", after: "end", cell_type: "code", source: "print(5)" }],
    });
    good(edited);
    const now = good(await client.call("read_notebook", { path }));
    expect(idsOf(now).slice(0, -1)).toEqual(ids);
    const run = good(await client.call("run_cells", { path, cells: "all" }));
    expect(run.text).not.toContain("outputs are in the file");
    const { cells } = JSON.parse(await fileText(path));
    expect(cells.at(-1).outputs[0].text).toEqual(["5\n"]);
    return [name, edited.text] as const;
  });
  const said = Object.fromEntries(await Promise.all(results));
  if (!isLive) {
    expect(said["ids"]).toContain("Upgraded with it: cells without a valid id");
    expect(said["members"]).toContain("Upgraded with it: cells without metadata");
    for (const name of ["outputs", "kernelspec", "count"])
      expect(said[name]).toContain("Saved, but Jupyter finds it invalid");
  }
  expect(await validated(client, "odd-ids.ipynb")).toBe("valid");
  expect(await validated(client, "odd-members.ipynb")).toBe("valid");
});

/** What Jupyter itself cannot save, and what an outline says of it. */
const UNSAVABLE: readonly (readonly [name: string, content: string, says: RegExp])[] = [
  [
    "list",
    notebookText([{ ...GOOD_CELL, outputs: "none" }]),
    /violates nbformat: cells\[0\]\.outputs is no list\n/,
  ],
  [
    "words",
    notebookText([{ ...GOOD_CELL, outputs: ["x", null, []] }]),
    /violates nbformat: cells\[0\]\.outputs\[0\] is no object; cells\[0\]\.outputs\[1\] is no object; cells\[0\]\.outputs\[2\] is no object\n/,
  ],
  [
    "values",
    notebookText([
      codeCell("a", "1", [
        { output_type: "stream", name: 5, text: { a: 1 } },
        { output_type: "display_data", data: [1], metadata: 5 },
        { output_type: "display_data", data: { "image/png": 5, "text/html": {} } },
        { output_type: "error", ename: { a: 1 }, evalue: null, traceback: "x" },
      ]),
    ]),
    /1 code \(0 run, 1 failed\)/,
  ],
  [
    "metadata",
    notebookText([GOOD_CELL], { metadata: [1] }),
    /violates nbformat: "metadata" is no object\n/,
  ],
  [
    "surrogate",
    notebookText([GOOD_CELL]).replace('"source": "1"', '"source": "\\ud83d # half"'),
    /1 cell: 1 code/,
  ],
];

test("what Jupyter cannot save is read all the same, and an edit of it is refused in Jupyter's words", async () => {
  await using client = await connect();
  const check = async ([name, content, says]: (typeof UNSAVABLE)[number]) => {
    const path = `unsavable-${name}.ipynb`;
    const outline = await putAndRead(client, path, content);
    expect(outline.text).toMatch(says);
    for (const outputs of ["summary", "full"])
      good(await client.call("read_notebook", { path, cells: "all", outputs }));
    const edited = await client.call("edit_notebook", {
      path,
      version: notebookOf(outline).version,
      edits: [{ op: "insert", after: "end", cell_type: "code", source: "print(5)" }],
    });
    expect(edited.isError).toBe(true);
    expect(edited.text).toMatch(/Jupyter did not write [\s\S]*It said: "/);
    expect(await fileText(path)).toBe(content);
  };
  await Promise.all(UNSAVABLE.map(check));
});

/** Writes notebooks with images of a megabyte each, without sending them through HTTP. */
async function putBig(client: McpClient, images: Readonly<Record<string, number>>) {
  const code = `
import base64, json, os
png = base64.b64encode(os.urandom(750_000)).decode()
def cell(index, count):
    output = {"output_type": "display_data", "metadata": {}, "data": {"image/png": png}}
    return {"cell_type": "code", "id": f"cell-{index}", "execution_count": index, "metadata": {},
            "outputs": [output] * count, "source": f"plot({index})"}
for path, count in json.loads(${JSON.stringify(JSON.stringify(images))}).items():
    cells = [{"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# Images"}]
    cells += [cell(index, min(10, count - index)) for index in range(0, count, 10)]
    with open(path, "w") as file:
        json.dump({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, file)
    print(os.path.getsize(path))
`;
  return good(await client.call("run_code", { code }));
}

test("a notebook of 50 MB is outlined and read by cells, and refused with the limit where it would be edited or run", async () => {
  await using client = await connect();
  const path = "big-50.ipynb";
  await putBig(client, { [path]: 50 });
  const outline = good(await client.call("read_notebook", { path }));
  expect(outline.text).toMatch(/6 cells: 5 code \(5 run\), 1 markdown · 50\S* MB/);
  const title = good(await client.call("read_notebook", { path, cells: ["1"] }));
  expect(title.text).toMatch(/1 of 6 cells\n── 1 title markdown\n# Images$/);
  const cell = good(
    await client.call("read_notebook", { path, cells: ["cell-40"], outputs: "full" }),
  );
  expect(cell.text).toContain("plot(40)");
  expect(cell.text.length).toBeLessThan(20_000);
  const refused = [
    await client.call("edit_notebook", {
      path,
      version: notebookOf(outline).version,
      edits: [{ op: "delete", cell: "title" }],
    }),
    await client.call("run_cells", { path, cells: ["cell-0"] }),
  ];
  for (const { isError, text } of refused) {
    expect(isError).toBe(true);
    expect(text).toMatch(/"big-50\.ipynb" has 50\S* MB; the limit here is 20\S* MB/);
  }
});

test("a notebook of 19 MB is edited, and one of 200 MB is not even outlined", async () => {
  await using client = await connect();
  const path = "big-19.ipynb";
  await putBig(client, { [path]: 19 });
  const outline = good(await client.call("read_notebook", { path }));
  const edited = good(
    await client.call("edit_notebook", {
      path,
      version: notebookOf(outline).version,
      edits: [{ op: "replace", cell: "title", source: "# Pictures" }],
    }),
  );
  expect(edited.text).not.toMatch(/invalid|Somebody else/);
  const read = good(await client.call("read_notebook", { path, cells: ["1"] }));
  expect(read.text).toContain("# Pictures");
  expect(await validated(client, path)).toBe("valid");
  const code = "open('big-200.ipynb', 'wb').truncate(200_000_000)";
  good(await client.call("run_code", { code }));
  const huge = await client.call("read_notebook", { path: "big-200.ipynb" });
  expect(huge.isError).toBe(true);
  expect(huge.text).toMatch(
    /"big-200\.ipynb" has 200\S* MB; the limit here is 100\S* MB/,
  );
});

test("a folder, another file and a taken name are no place for a notebook", async () => {
  await using client = await connect();
  await putFolder("folder.ipynb");
  await putText("notes.txt", "not cells");
  await putText("taken.ipynb", notebookText([GOOD_CELL]));
  const edits = [{ op: "insert", after: "end", cell_type: "code", source: "" }];
  const onEach = async (path: string, says: RegExp) => {
    const results = [
      await client.call("read_notebook", { path }),
      await client.call("edit_notebook", { path, version: "v1", edits }),
      await client.call("run_cells", { path, cells: "all" }),
    ];
    for (const { isError, text } of results) {
      expect(isError).toBe(true);
      expect(text).toMatch(says);
    }
  };
  await onEach("folder.ipynb", /"folder\.ipynb" is a folder/);
  await onEach("notes.txt", /"notes\.txt" is not a notebook: its name/);
  await onEach("nothing.ipynb", /There is nothing at "nothing\.ipynb"/);
  const refused: readonly (readonly [args: Json, says: RegExp])[] = [
    [{ path: "taken.ipynb" }, /"taken\.ipynb" exists already/],
    [{ path: "folder.ipynb" }, /"folder\.ipynb" exists already/],
    [{ path: "notes.txt" }, /is not a notebook/],
    [{ path: "notes.txt/new.ipynb" }, /"notes\.txt" is a file, and not a folder/],
    [
      { path: "cobol/new.ipynb", kernel: "cobol" },
      /No installed kernel is called or speaks "cobol"\. Installed: .*python3/,
    ],
  ];
  for (const [args, says] of refused) {
    const { isError, text } = await client.call("create_notebook", args);
    expect(isError).toBe(true);
    expect(text).toMatch(says);
  }
  expect(await fileText("taken.ipynb")).toBe(notebookText([GOOD_CELL]));
  const left = await jupyter("/api/contents/cobol?content=0");
  expect(left.status, await left.text()).toBe(404);
});

test("a notebook of another machine's kernel runs in one of its language, and one without in the default one", async () => {
  await using client = await connect();
  const runIn = async (name: string, metadata: Json) => {
    const path = `kernel-${name}.ipynb`;
    await putText(path, notebookText([codeCell("a", "1 + 1")], { metadata }));
    const run = await client.call("run_cells", { path, cells: "all" });
    if (!run.isError) {
      const { cells } = JSON.parse(await fileText(path));
      expect(cells[0].outputs[0].data["text/plain"]).toEqual(["2"]);
    }
    return run;
  };
  const display_name = "Python (ml)";
  const elsewhere = { name: "conda-env-ml-py", display_name };
  const runs = await Promise.all([
    runIn("language", { kernelspec: { ...elsewhere, language: "python" } }),
    runIn("info", { kernelspec: elsewhere, language_info: { name: "python" } }),
    runIn("only-info", { language_info: { name: "python" } }),
    runIn("none", {}),
    runIn("unknown", { kernelspec: elsewhere }),
    runIn("not-there", { kernelspec: { name: "ir", display_name: "R", language: "R" } }),
  ]);
  for (const run of runs.slice(0, 4))
    expect(good(run).text).toMatch(/ · python3 \w{8} · /);
  expect(runs[4]?.isError).toBe(true);
  expect(runs[4]?.text).toMatch(/"conda-env-ml-py"\. Installed: .*python3/);
  expect(runs[5]?.isError).toBe(true);
  expect(runs[5]?.text).toMatch(/No installed kernel is called or speaks "\w+"/);
});
