import { expect, test } from "vitest";
import * as Y from "yjs";
import { applyEdits, type Edit } from "../../../src/notebook/edit.ts";
import { parseNotebook } from "../../../src/notebook/notebook.ts";
import { applyNotebook, applyRuns } from "../../../src/notebook/room-cells.ts";
import { cellsOf, metaOf, notebookJson } from "../../../src/notebook/room-json.ts";

interface Given {
  readonly id: string;
  readonly source: string;
  readonly type?: "code" | "markdown";
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A document as the server makes it of a file, and a copy of it that somebody else has. */
function documents(cells: readonly Given[], minor = 5): { ours: Y.Doc; theirs: Y.Doc } {
  const ours = new Y.Doc();
  metaOf(ours).set("nbformat", 4);
  metaOf(ours).set("nbformat_minor", minor);
  metaOf(ours).set("metadata", new Y.Map());
  cellsOf(ours).insert(0, cells.map(yCell));
  const theirs = new Y.Doc();
  Y.applyUpdate(theirs, Y.encodeStateAsUpdate(ours));
  return { ours, theirs };
}

function yCell({ id, source, type = "code", metadata = {} }: Given): Y.Map<unknown> {
  const code = [
    ["execution_count", null],
    ["outputs", new Y.Array()],
    ["execution_state", "idle"],
  ] as const;
  return new Y.Map<unknown>([
    ["cell_type", type],
    ["id", id],
    ["metadata", new Y.Map(Object.entries(metadata))],
    ["source", new Y.Text(source)],
    ...(type === "code" ? code : []),
  ]);
}

function edit(doc: Y.Doc, ...edits: readonly Edit[]): void {
  let minted = 0;
  const before = parseNotebook(notebookJson(doc));
  const made = applyEdits(before, edits, () => `new${(minted += 1)}`);
  const after = made.notebook;
  doc.transact(() => applyNotebook(doc, before, after, made.moved));
  expect(
    parseNotebook(notebookJson(doc)).cells.map(({ id, source }) => [id, source]),
  ).toEqual(after.cells.map(({ id, source }) => [id, source]));
}

function merge(one: Y.Doc, other: Y.Doc): void {
  Y.applyUpdate(one, Y.encodeStateAsUpdate(other));
  Y.applyUpdate(other, Y.encodeStateAsUpdate(one));
}

function sourcesOf(doc: Y.Doc): string[] {
  return parseNotebook(notebookJson(doc)).cells.map(({ source }) => source);
}

function textOf(doc: Y.Doc, cell: number): Y.Text {
  // Made above.
  return (cellsOf(doc).get(cell) as Y.Map<Y.Text>).get("source") as Y.Text;
}

const THREE = [
  { id: "a", source: "one = 1" },
  { id: "b", source: "two = 2" },
  { id: "c", source: "three = 3" },
];

test("text that somebody types beside the changed places stays where it was typed", () => {
  const source = "x = total(a)\ny = 1\nz = total(b)";
  const { ours, theirs } = documents([{ id: "a", source }]);
  edit(ours, { op: "replace_text", cell: "a", old: "total", new: "amount", all: true });
  textOf(theirs, 0).insert(source.indexOf("\nz"), "  # mine");
  merge(ours, theirs);
  expect(sourcesOf(ours)).toEqual(["x = amount(a)\ny = 1  # mine\nz = amount(b)"]);
  expect(sourcesOf(theirs)).toEqual(sourcesOf(ours));
});

test("a whole source that is replaced is changed where it differs", () => {
  const { ours, theirs } = documents([{ id: "a", source: "x = 1\ny = 2\n" }]);
  edit(ours, { op: "replace", cell: "a", source: "x = 1\ny = 3\n" });
  textOf(theirs, 0).insert(5, "0");
  merge(ours, theirs);
  expect(sourcesOf(ours)).toEqual(["x = 10\ny = 3\n"]);
});

test("a moved cell is the only one that is put in again", () => {
  const { ours } = documents(THREE);
  const before = cellsOf(ours).toArray();
  edit(ours, { op: "move", cell: "a", after: "end" });
  const after = cellsOf(ours).toArray();
  expect(after.slice(0, 2)).toEqual(before.slice(1));
  expect(after[0]).toBe(before[1]);
  expect(after[1]).toBe(before[2]);
  expect(after[2]).not.toBe(before[0]);
});

test("what somebody types into the neighbour of a cell that is moved stays, whichever way round", () => {
  for (const [moved, after, neighbour] of [
    ["a", "b", 1],
    ["b", "start", 0],
    ["b", "c", 2],
    ["c", "a", 1],
  ] as const) {
    const { ours, theirs } = documents(THREE);
    textOf(theirs, neighbour).insert(0, "typed ");
    edit(ours, { op: "move", cell: moved, after });
    merge(ours, theirs);
    expect(sourcesOf(ours).join(), moved).toContain("typed ");
    expect(sourcesOf(theirs)).toEqual(sourcesOf(ours));
  }
});

test("a cell that is moved to where it was is not put in again", () => {
  const { ours } = documents(THREE);
  const before = cellsOf(ours).toArray();
  edit(ours, { op: "move", cell: "a", after: "start" });
  edit(
    ours,
    { op: "move", cell: "b", after: "end" },
    { op: "move", cell: "b", after: "a" },
    { op: "move", cell: "c", after: "end" },
  );
  for (const [index, cell] of cellsOf(ours).toArray().entries())
    expect(cell).toBe(before[index]);
});

test("cells that two insert, and what one deletes, are merged without doubles", () => {
  const { ours, theirs } = documents(THREE);
  edit(
    ours,
    { op: "insert", after: "a", cell_type: "code", source: "ours" },
    { op: "delete", cell: "c" },
  );
  cellsOf(theirs).insert(1, [yCell({ id: "t", source: "theirs" })]);
  merge(ours, theirs);
  expect(sourcesOf(ours)).toEqual(sourcesOf(theirs));
  expect(sourcesOf(ours).toSorted()).toEqual(["one = 1", "ours", "theirs", "two = 2"]);
});

test("a cell of another type is a new one with the same id, and keeps metadata and numbers", () => {
  const metadata = { tags: ["a"], big: 2n ** 60n, deep: { v: 1.5 } };
  const { ours } = documents([{ id: "a", source: "# x", metadata }]);
  edit(ours, { op: "set_type", cell: "a", cell_type: "markdown" });
  const [cell] = cellsOf(ours).toArray();
  expect(cell).toBeInstanceOf(Y.Map);
  expect((cell as Y.Map<unknown>).toJSON()).toEqual({
    cell_type: "markdown",
    id: "a",
    metadata,
    source: "# x",
  });
});

test("nothing but what an edit names is sent to others", () => {
  const { ours } = documents(
    Array.from({ length: 200 }, (_, index) => ({ id: `c${index}`, source: "x = 1\n" })),
  );
  let bytes = 0;
  ours.on("update", (update: Uint8Array) => (bytes += update.byteLength));
  edit(ours, { op: "replace_text", cell: "c7", old: "1", new: "2" });
  expect(bytes).toBeLessThan(60);
});

test("cells before nbformat 4.5 get the ids that they are read by", () => {
  const { ours } = documents([{ id: "made-up-by-the-room", source: "x = 1" }], 4);
  const [before] = parseNotebook(notebookJson(ours)).cells;
  expect(before?.id).toMatch(/^d/);
  edit(ours, { op: "insert", after: before?.id ?? "", cell_type: "raw", source: "y" });
  expect(parseNotebook(notebookJson(ours))).toMatchObject({
    minor: 5,
    cells: [{ id: before?.id, hasOwnId: true }, { id: "new1" }],
  });
});

test("halves of surrogate pairs, which have no UTF-8, are the same for everybody", () => {
  const { ours, theirs } = documents(THREE);
  const before = parseNotebook(notebookJson(ours));
  const after = applyEdits(
    before,
    [{ op: "replace", cell: "a", source: "x\uD83D" }],
    () => "n",
  );
  ours.transact(() => applyNotebook(ours, before, after.notebook, after.moved));
  merge(ours, theirs);
  expect(textOf(ours, 0).toString()).toBe(textOf(theirs, 0).toString());
});

test("what runs made of cells is put into them, and cells that are away are named", () => {
  const { ours } = documents([...THREE, { id: "m", source: "# t", type: "markdown" }]);
  const outputs = [
    { output_type: "stream", name: "stdout", text: ["1\n", "2\n"] },
  ] as const;
  const run = { executionCount: 3, outputs, isRunning: false };
  const runs = new Map(["b", "m", "away"].map((id) => [id, run]));
  let steps = 0;
  const missing = applyRuns(ours, runs, (change) => {
    steps += 1;
    ours.transact(change);
  });
  expect(missing).toEqual(["m", "away"]);
  expect((cellsOf(ours).get(1) as Y.Map<unknown>).toJSON()).toMatchObject({
    execution_count: 3,
    execution_state: "idle",
    outputs: [{ output_type: "stream", name: "stdout", text: "1\n2\n" }],
  });
  const before = steps;
  applyRuns(ours, new Map([["b", run]]), (change) => {
    steps += 1;
    ours.transact(change);
  });
  expect(steps).toBe(before);
  // JupyterLab takes a cell with a count for one that has ended.
  const again = new Map([["b", { executionCount: 4, outputs, isRunning: true }]]);
  applyRuns(ours, again, (change) => ours.transact(change));
  expect((cellsOf(ours).get(1) as Y.Map<unknown>).toJSON()).toMatchObject({
    execution_count: null,
    execution_state: "running",
  });
});
