import { expect, test } from "vitest";
import { ExpectedError } from "../../../src/errors.ts";
import {
  applyEdits,
  conflictsOf,
  mintCellId,
  subjectsOf,
  type Edit,
} from "../../../src/notebook/edit.ts";
import {
  jsonValue,
  parseNotebook,
  rawJson,
  serializeNotebook,
  type Notebook,
} from "../../../src/notebook/notebook.ts";
import { marksOf } from "../../../src/notebook/version.ts";

const OUTPUT = { output_type: "stream", name: "stdout", text: "1" };

const code = (id: string, source: string) => ({
  cell_type: "code",
  id,
  metadata: { tags: [id] },
  source,
  execution_count: 3,
  outputs: [OUTPUT],
});

const markdown = (id: string, source: string) => ({
  cell_type: "markdown",
  id,
  metadata: {},
  attachments: { "a.png": {} },
  source,
});

const notebookOf = (minor: number, ...cells: readonly object[]) =>
  parseNotebook(rawJson({ nbformat: 4, nbformat_minor: minor, metadata: {}, cells }));

const ABC = () =>
  notebookOf(5, code("a", "x = 1\ny = x"), markdown("b", "# B"), code("c", "x"));

/** `n1`, `n2` and so on. */
function counter(): () => string {
  let count = 0;
  return () => {
    count += 1;
    return `n${count}`;
  };
}

const edited = (edits: readonly Edit[], before = ABC()) =>
  applyEdits(before, edits, counter());

const idsIn = ({ cells }: Notebook) => cells.map(({ id }) => id).join(" ");
const idsAfter = (edits: readonly Edit[]) => idsIn(edited(edits).notebook);

/** A cell as it is written. */
function cellIn(notebook: Notebook, id: string): Record<string, unknown> {
  const cell = notebook.cells.find((it) => it.id === id);
  if (cell === undefined) throw new Error(`There is no cell ${id}.`);
  return Object.fromEntries(
    [...cell.members].map(([key, value]) => [key, jsonValue(value)]),
  );
}

function failureOf(edits: readonly Edit[], before = ABC()) {
  try {
    applyEdits(before, edits, counter());
  } catch (error) {
    if (error instanceof ExpectedError) return error.failure;
    throw error;
  }
  throw new Error("The edits were made.");
}

const insert = (after: string, source = "new"): Edit => ({
  op: "insert",
  after,
  cell_type: "code",
  source,
});

const move = (cell: string, after: string): Edit => ({ op: "move", cell, after });
const remove = (cell: string): Edit => ({ op: "delete", cell });

test("no edits change nothing", () => {
  const before = ABC();
  const { notebook, inserted, touched } = edited([], before);
  expect(serializeNotebook(notebook)).toEqual(serializeNotebook(before));
  expect([inserted, touched]).toEqual([[], []]);
});

test("an inserted code cell has all that nbformat asks for", () => {
  const { notebook, inserted, touched } = edited([insert("a", "1\n2")]);
  expect(idsIn(notebook)).toBe("a n1 b c");
  expect([inserted, touched]).toEqual([["n1"], ["n1"]]);
  expect(cellIn(notebook, "n1")).toEqual({
    cell_type: "code",
    id: "n1",
    metadata: {},
    source: ["1\n", "2"],
    execution_count: null,
    outputs: [],
  });
  expect(parseNotebook(serializeNotebook(notebook))).toEqual(notebook);
});

test("an inserted cell that is not code has no outputs", () => {
  const { notebook } = edited([
    { op: "insert", after: "start", cell_type: "markdown", source: "" },
  ]);
  expect(cellIn(notebook, "n1")).toEqual({
    cell_type: "markdown",
    id: "n1",
    metadata: {},
    source: [],
  });
});

test("a cell can be inserted at the start, at the end and into an empty notebook", () => {
  expect(idsAfter([insert("start")])).toBe("n1 a b c");
  expect(idsAfter([insert("end")])).toBe("a b c n1");
  for (const place of ["start", "end"])
    expect(idsIn(edited([insert(place)], notebookOf(5)).notebook)).toBe("n1");
});

test("several inserts after the same place keep their order", () => {
  for (const [place, ids] of [
    ["a", "a n1 n2 n3 b c"],
    ["start", "n1 n2 n3 a b c"],
    ["end", "a b c n1 n2 n3"],
  ] as const)
    expect(idsAfter([insert(place), insert(place), insert(place)])).toBe(ids);
});

test("inserts after several cells keep their order for each", () => {
  expect(idsAfter([insert("a"), insert("c"), insert("a"), insert("c")])).toBe(
    "a n1 n3 b c n2 n4",
  );
});

test("the end is the end, also where a cell was moved there between two inserts", () => {
  expect(idsAfter([insert("end"), move("a", "end"), insert("end")])).toBe("b c n1 a n2");
});

test("an insert after a cell goes where that was moved to", () => {
  expect(idsAfter([insert("a"), move("a", "c"), insert("a")])).toBe("n1 b c a n2");
});

test("an id that is taken is not given to a new cell", () => {
  const ids = ["a", "b", "z", "z", "y"];
  const { inserted } = applyEdits(
    ABC(),
    [insert("a"), insert("a")],
    () => ids.shift() ?? "none",
  );
  expect(inserted).toEqual(["z", "y"]);
});

test("a new cell's id is short and one that nbformat allows", () => {
  const ids = Array.from({ length: 50 }, mintCellId);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}$/);
  expect(new Set(ids).size).toBe(50);
});

test("a replaced source leaves outputs and all else as they were", () => {
  const { notebook, touched } = edited([{ op: "replace", cell: "a", source: "2\n" }]);
  expect(cellIn(notebook, "a")).toEqual({ ...code("a", ""), source: ["2\n"] });
  expect(notebook.cells[0]?.source).toBe("2\n");
  expect(touched).toEqual(["a"]);
});

test("a source that is replaced by itself keeps its bytes", () => {
  const before = ABC();
  const { notebook, touched } = edited(
    [{ op: "replace", cell: "a", source: "x = 1\ny = x" }],
    before,
  );
  expect(notebook.cells[0]).toBe(before.cells[0]);
  expect(touched).toEqual(["a"]);
});

test("a text that is there once is replaced, with nothing special about dollars", () => {
  const { notebook } = edited([
    { op: "replace_text", cell: "a", old: "y = x", new: "$& $1 $$" },
  ]);
  expect(notebook.cells[0]?.source).toBe("x = 1\n$& $1 $$");
});

test("a text that is there several times is replaced only with all", () => {
  const edit = { op: "replace_text", cell: "a", old: "x", new: "zz" } as const;
  expect(edited([{ ...edit, all: true }]).notebook.cells[0]?.source).toBe(
    "zz = 1\ny = zz",
  );
  for (const all of [false, undefined])
    expect(failureOf([{ ...edit, all }])).toEqual({
      code: "bad_edit",
      edit: 1,
      detail:
        "cell a contains old 2 times: give more of the text around it, or all: true",
    });
});

test("a text that is not there, or is empty, cannot be replaced", () => {
  const edit = { op: "replace_text", cell: "c", new: "z", all: true } as const;
  expect(failureOf([{ ...edit, old: "X" }])).toMatchObject({
    edit: 1,
    detail: "cell c does not contain old",
  });
  expect(failureOf([{ ...edit, old: "" }])).toMatchObject({
    edit: 1,
    detail: "old is empty",
  });
});

test("a replacement that makes a cell longer than an edit may is refused, one that makes it shorter is not", () => {
  const long = "ab".repeat(300_000);
  const before = notebookOf(5, code("a", long), code("b", "c".repeat(1_200_000)));
  const replace = (cell: string, old: string, text: string) =>
    edited([{ op: "replace_text", cell, old, new: text, all: true }], before);
  expect(() => replace("a", "a", "aaa")).toThrow(
    expect.objectContaining({
      failure: {
        code: "bad_edit",
        edit: 1,
        detail: "cell a would have 1200000 characters; the limit is 1000000",
      },
    }),
  );
  expect(replace("a", "a", "aa").notebook.cells[0]?.source).toHaveLength(900_000);
  expect(replace("b", "cc", "c").notebook.cells[1]?.source).toHaveLength(600_000);
});

test("a batch cannot make a notebook of many cells grow without a limit", () => {
  const cells = Array.from({ length: 30 }, (_, index) => code(`c${index}`, "a"));
  const edits = cells.map(({ id }) => ({
    op: "replace_text" as const,
    cell: id,
    old: "a",
    new: "b".repeat(900_000),
  }));
  expect(() => edited(edits, notebookOf(5, ...cells))).toThrow(
    expect.objectContaining({
      failure: { code: "bad_edit", edit: 23, detail: "the notebook would be too large" },
    }),
  );
});

test.each([
  ["1\r\n2\r\n3", "1\n2", "a\nb", "a\r\nb\r\n3"],
  ["1\r\n2\r\n3", "1", "a\nb", "a\r\nb\r\n2\r\n3"],
  ["1\r\n2\r\n3", "1\r\n2", "a\nb", "a\nb\r\n3"],
  ["1\r\n2\n3", "2\n3", "a\nb", "1\r\na\nb"],
  ["1\r\n2\n3", "1\n2", "a\nb", "a\r\nb\n3"],
  ["1\n2", "1\n2", "a\nb", "a\nb"],
])(
  "in %j the text %j becomes %j with the line ends of the cell",
  (source, old, text, after) => {
    const before = notebookOf(5, code("a", source));
    const edit: Edit = { op: "replace_text", cell: "a", old, new: text };
    expect(edited([edit], before).notebook.cells[0]?.source).toBe(after);
  },
);

test("texts are replaced one after the other, each in what the one before has made", () => {
  const { notebook } = edited([
    { op: "replace_text", cell: "c", old: "x", new: "y" },
    { op: "replace_text", cell: "c", old: "y", new: "" },
  ]);
  expect(notebook.cells[2]?.source).toBe("");
});

test("a deleted cell is gone, and not among those that were touched", () => {
  const { notebook, touched } = edited([
    { op: "replace", cell: "b", source: "B" },
    remove("b"),
  ]);
  expect(idsIn(notebook)).toBe("a c");
  expect(touched).toEqual([]);
});

test("all cells can be deleted", () => {
  expect(idsAfter([remove("b"), remove("a"), remove("c")])).toBe("");
});

test("a cell can be moved up, down, to the start and to the end", () => {
  expect(idsAfter([move("c", "a")])).toBe("a c b");
  expect(idsAfter([move("a", "b")])).toBe("b a c");
  expect(idsAfter([move("a", "c")])).toBe("b c a");
  expect(idsAfter([move("c", "start")])).toBe("c a b");
  expect(idsAfter([move("a", "end")])).toBe("b c a");
  expect(idsAfter([move("b", "a")])).toBe("a b c");
});

test("a moved cell is touched and otherwise as it was", () => {
  const before = ABC();
  const { notebook, touched } = edited([move("a", "c")], before);
  expect(notebook.cells[2]).toBe(before.cells[0]);
  expect(touched).toEqual(["a"]);
});

test("a cell cannot be moved after itself", () => {
  expect(failureOf([move("a", "a")])).toMatchObject({
    edit: 1,
    detail: "cell a cannot be moved after itself",
  });
});

test("a code cell that becomes markdown loses what only code cells have", () => {
  const { notebook, touched } = edited([
    { op: "set_type", cell: "a", cell_type: "markdown" },
  ]);
  const {
    execution_count: _count,
    outputs: _outputs,
    ...rest
  } = code("a", "x = 1\ny = x");
  expect(cellIn(notebook, "a")).toEqual({ ...rest, cell_type: "markdown" });
  expect(notebook.cells[0]?.type).toBe("markdown");
  expect(touched).toEqual(["a"]);
});

test("a markdown cell that becomes code gains what code cells have and loses attachments", () => {
  const { notebook } = edited([{ op: "set_type", cell: "b", cell_type: "code" }]);
  expect(cellIn(notebook, "b")).toEqual({
    cell_type: "code",
    id: "b",
    metadata: {},
    source: "# B",
    execution_count: null,
    outputs: [],
  });
});

test("a markdown cell that becomes raw keeps its attachments", () => {
  const { notebook } = edited([{ op: "set_type", cell: "b", cell_type: "raw" }]);
  expect(cellIn(notebook, "b")).toEqual({ ...markdown("b", "# B"), cell_type: "raw" });
});

test("a type that a cell has already changes nothing", () => {
  const before = ABC();
  const { notebook } = edited([{ op: "set_type", cell: "a", cell_type: "code" }], before);
  expect(notebook.cells[0]).toBe(before.cells[0]);
});

test("outputs are cleared in one cell", () => {
  const { notebook, touched } = edited([{ op: "clear_outputs", cell: "a" }]);
  expect(cellIn(notebook, "a")).toMatchObject({ outputs: [], execution_count: null });
  expect(cellIn(notebook, "c")).toMatchObject({ outputs: [OUTPUT], execution_count: 3 });
  expect(touched).toEqual(["a"]);
});

test("outputs are cleared in all code cells, and other cells get none", () => {
  const before = ABC();
  const { notebook, touched } = edited([{ op: "clear_outputs" }], before);
  for (const id of ["a", "c"])
    expect(cellIn(notebook, id)).toMatchObject({ outputs: [], execution_count: null });
  expect(notebook.cells[1]).toBe(before.cells[1]);
  expect(touched).toEqual([]);
});

test("clearing the outputs of a cell that is not code changes nothing", () => {
  const before = ABC();
  const { notebook, touched } = edited([{ op: "clear_outputs", cell: "b" }], before);
  expect(notebook.cells).toEqual(before.cells);
  expect(touched).toEqual([]);
});

test.each<[string, Edit]>([
  ["insert", insert("zz")],
  ["replace", { op: "replace", cell: "zz", source: "" }],
  ["replace_text", { op: "replace_text", cell: "zz", old: "a", new: "" }],
  ["delete", remove("zz")],
  ["move", move("zz", "a")],
  ["move after", move("a", "zz")],
  ["set_type", { op: "set_type", cell: "zz", cell_type: "raw" }],
  ["clear_outputs", { op: "clear_outputs", cell: "zz" }],
])("%s with a cell that is not there fails with the number of the edit", (_op, edit) => {
  expect(failureOf([insert("a"), remove("b"), edit])).toEqual({
    code: "bad_edit",
    edit: 3,
    detail: 'there is no cell "zz"',
  });
});

test("a batch with an edit that cannot be made leaves the notebook as it was", () => {
  const before = ABC();
  const bytes = serializeNotebook(before);
  failureOf(
    [
      insert("start"),
      { op: "replace", cell: "a", source: "" },
      move("c", "start"),
      remove("b"),
      remove("b"),
    ],
    before,
  );
  expect(serializeNotebook(before)).toEqual(bytes);
});

test.each<[string, Edit]>([
  ["insert", insert("b")],
  ["replace", { op: "replace", cell: "b", source: "" }],
  ["delete", remove("b")],
  ["move", move("b", "a")],
  ["move after", move("a", "b")],
  ["clear_outputs", { op: "clear_outputs", cell: "b" }],
])("%s cannot name a cell that was deleted earlier in the batch", (_op, edit) => {
  expect(failureOf([remove("b"), edit])).toMatchObject({
    edit: 2,
    detail: 'there is no cell "b"',
  });
});

test("an edited notebook is upgraded, and cells go by the ids that they were read with", () => {
  const before = notebookOf(2, { cell_type: "code", source: "1" });
  const id = before.cells[0]?.id ?? "";
  const { notebook } = edited([insert(id)], before);
  expect(notebook.minor).toBe(5);
  expect(idsIn(parseNotebook(serializeNotebook(notebook)))).toBe(`${id} n1`);
});

test("a batch is about the cells that it edits and those that it puts something after", () => {
  expect(
    subjectsOf([
      insert("start"),
      insert("end"),
      insert("a"),
      move("b", "c"),
      remove("d"),
      { op: "clear_outputs" },
      { op: "clear_outputs", cell: "e" },
    ]),
  ).toEqual({ edited: new Set(["b", "d", "e"]), anchors: new Set(["a", "c"]) });
});

test("a changed or deleted cell is a conflict where it is edited, and a deleted one where it is a place", () => {
  const { cells } = ABC();
  const before = marksOf(cells);
  const now = marksOf(
    cells
      .filter(({ id }) => id !== "b")
      .map((cell) => (cell.id === "a" ? { ...cell, source: "other" } : cell)),
  );
  const conflicts = (...edits: readonly Edit[]) => conflictsOf(edits, before, now);

  expect(conflicts(remove("a"), remove("b"), remove("c"))).toEqual(["a", "b"]);
  expect(conflicts(insert("a"), insert("c"), insert("start"))).toEqual([]);
  expect(conflicts(insert("b"), remove("b"))).toEqual(["b"]);
  expect(conflicts(move("c", "b"))).toEqual(["b"]);
  expect(conflicts(remove("unknown"), insert("unknown"))).toEqual([]);
});
