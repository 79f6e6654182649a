import { expect, test } from "vitest";
import {
  parseNotebook,
  rawJson,
  serializeNotebook,
  upgraded,
  withMembers,
} from "../../../src/notebook/notebook.ts";
import {
  cellHash,
  DerivedIds,
  difference,
  marksOf,
  versionOf,
} from "../../../src/notebook/version.ts";

const cell = (
  id: string,
  source: string,
  type: "code" | "markdown" | "raw" = "code",
) => ({
  id,
  type,
  source,
});

const CELLS = [cell("a", "1"), cell("b", "2"), cell("c", "# C", "markdown")];

const versionOfCells = (cells: typeof CELLS) => versionOf(marksOf(cells));

const notebookOf = (minor: number, ...cells: readonly object[]) =>
  parseNotebook(
    rawJson({
      nbformat: 4,
      nbformat_minor: minor,
      metadata: {},
      cells: cells.map((it) => ({ cell_type: "code", metadata: {}, ...it })),
    }),
  );

const idsOf = (...sources: readonly string[]) =>
  notebookOf(4, ...sources.map((source) => ({ source }))).cells.map(({ id }) => id);

test("a version is short, and the same in every release", () => {
  expect(versionOfCells(CELLS)).toBe("v1nvzkcjkk1v");
  expect(versionOf([])).toBe("vwvjl67o803");
});

test("each change of a cell's id, type, source or place changes the version", () => {
  const [a = cell("a", ""), b = a, c = a] = CELLS;
  const versions = [
    CELLS,
    [{ ...a, id: "A" }, b, c],
    [{ ...a, type: "raw" as const }, b, c],
    [{ ...a, source: "1 " }, b, c],
    [b, a, c],
    [a, b],
    [...CELLS, cell("d", "")],
    [],
  ].map((cells) => versionOfCells(cells));
  expect(new Set(versions).size).toBe(versions.length);
});

test("text that goes from one field of a cell to the next changes its hash", () => {
  const hashes = [
    cellHash("a", "code", "x"),
    cellHash("ac", "ode", "x"),
    cellHash("a", "codex", ""),
    cellHash("", "code", "ax"),
  ];
  expect(new Set(hashes).size).toBe(hashes.length);
});

test("a run of a cell leaves the version as it is", () => {
  const before = notebookOf(5, {
    id: "a",
    source: "1",
    outputs: [],
    execution_count: null,
  });
  const after = {
    ...before,
    cells: before.cells.map((it) =>
      withMembers(it, { outputs: rawJson([{ data: 1 }]), execution_count: rawJson(7) }),
    ),
  };
  expect(versionOf(marksOf(after.cells))).toBe(versionOf(marksOf(before.cells)));
});

test("how a source is split into lines is of no matter to the version", () => {
  const whole = notebookOf(5, { id: "a", source: "1\n2" });
  const split = notebookOf(5, { id: "a", source: ["1\n", "2"] });
  expect(marksOf(split.cells)).toEqual(marksOf(whole.cells));
});

test("an upgrade leaves the version as it is", () => {
  const before = notebookOf(2, { source: "1" }, { source: "1" }, { source: "2" });
  const after = parseNotebook(serializeNotebook(upgraded(before)));
  expect(after.minor).toBe(5);
  expect(versionOf(marksOf(after.cells))).toBe(versionOf(marksOf(before.cells)));
});

test("equal versions do not differ", () => {
  expect(difference(marksOf(CELLS), marksOf(CELLS))).toEqual({
    added: [],
    changed: [],
    deleted: [],
    isReordered: false,
  });
});

test("a difference tells added, changed and deleted cells apart", () => {
  const after = [
    cell("x", ""),
    cell("a", "1"),
    cell("c", "# c", "markdown"),
    cell("y", ""),
  ];
  expect(difference(marksOf(CELLS), marksOf(after))).toEqual({
    added: ["x", "y"],
    changed: ["c"],
    deleted: ["b"],
    isReordered: false,
  });
});

test("a changed type is a change", () => {
  const after = CELLS.map((it) => (it.id === "a" ? { ...it, type: "raw" as const } : it));
  expect(difference(marksOf(CELLS), marksOf(after)).changed).toEqual(["a"]);
});

test("cells in another order are reordered, and not changed", () => {
  expect(difference(marksOf(CELLS), marksOf(CELLS.toReversed()))).toEqual({
    added: [],
    changed: [],
    deleted: [],
    isReordered: true,
  });
});

test("derived ids stay when other cells come, go and move", () => {
  const [a, b, c] = idsOf("1", "2", "3");
  expect(idsOf("1", "2", "3")).toEqual([a, b, c]);
  expect(idsOf("2", "3")).toEqual([b, c]);
  expect(idsOf("3", "0", "2", "1")).toEqual([c, expect.any(String), b, a]);
});

test("equal cells get derived ids by their order among each other", () => {
  const [first, other, second] = idsOf("1", "2", "1");
  expect(new Set([first, other, second]).size).toBe(3);
  expect(idsOf("2", "1", "0", "1")).toEqual([other, first, expect.any(String), second]);
});

test("a cell's derived id changes with its type and its source", () => {
  const ids = [
    new DerivedIds().derive("code", "1"),
    new DerivedIds().derive("raw", "1"),
    new DerivedIds().derive("code", "2"),
  ];
  expect(new Set(ids).size).toBe(3);
});

test("a cell has its own id, also where one before it would be given the same", () => {
  const [derived = ""] = idsOf("1");
  const { cells } = notebookOf(5, { source: "1" }, { source: "1", id: derived });
  expect(cells[1]).toMatchObject({ id: derived, hasOwnId: true });
  expect(cells[0]?.hasOwnId).toBe(false);
  expect(cells[0]?.id).not.toBe(derived);
});

test("an id that a cell has of its own is not derived for another", () => {
  const derived = new DerivedIds().derive("code", "1");
  const ids = new DerivedIds();
  expect(ids.claim(derived)).toBe(true);
  expect(ids.claim(derived)).toBe(false);
  expect(ids.derive("code", "1")).not.toBe(derived);
});
