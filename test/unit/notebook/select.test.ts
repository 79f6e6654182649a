import { expect, test } from "vitest";
import { ExpectedError } from "../../../src/errors.ts";
import { selectCells, type SelectableCell } from "../../../src/notebook/select.ts";

const NOTEBOOK = { path: "n.ipynb", version: "v1" };

const cell = (id: string, executionCount: number | null = null): SelectableCell => ({
  id,
  executionCount,
});

const CELLS = [cell("a", 12), cell("b"), cell("c", 3), cell("d", 12), cell("e")];

const select = (wanted: string | readonly string[], cells = CELLS) =>
  selectCells(cells, wanted, NOTEBOOK);

function failureOf(wanted: string | readonly string[], cells = CELLS) {
  try {
    select(wanted, cells);
  } catch (error) {
    if (error instanceof ExpectedError) return error.failure;
    throw error;
  }
  throw new Error("Cells were chosen.");
}

test.each<[string | string[], number[]]>([
  ["all", [0, 1, 2, 3, 4]],
  ["c", [2]],
  ["1", [0]],
  ["5", [4]],
  ["2-4", [1, 2, 3]],
  ["2 - 4", [1, 2, 3]],
  ["3-3", [2]],
  ["4-", [3, 4]],
  ["1-", [0, 1, 2, 3, 4]],
  ["5-", [4]],
  ["[3]", [2]],
  ["[12]", [0, 3]],
  ["e, 1-2,[3]", [0, 1, 2, 4]],
  [
    ["d", "a", "1-2", "d"],
    [0, 1, 3],
  ],
  [
    ["1, 3", " e"],
    [0, 2, 4],
  ],
  [[], []],
])("%j means the cells at %j", (wanted, indexes) => {
  expect(select(wanted)).toEqual(indexes);
});

test("all cells of an empty notebook are none", () => {
  expect(select("all", [])).toEqual([]);
});

test.each(["1", "1-2", "all", "[12]", "2-"])(
  "the id %j wins over what looks like it",
  (id) => {
    expect(select([id], [cell("a", 12), cell("b"), cell(id)])).toEqual([2]);
  },
);

test.each(["zz", "", "[7]", "[12", "-3", "1-2-3", "1.5", "A", "1234567890", "a-b"])(
  "%j names no cell of the notebook",
  (wanted) => {
    expect(failureOf(wanted)).toEqual({
      code: "cell_not_found",
      cell: wanted,
      ...NOTEBOOK,
    });
  },
);

test("the selector that names no cell is told, among others", () => {
  expect(failureOf("a, zz")).toMatchObject({ cell: "zz" });
  expect(failureOf(["a", "z".repeat(200)])).toMatchObject({ cell: "z".repeat(100) });
});

test.each(["0", "0-2", "0-", "3-2"])("%j is no range", (wanted) => {
  expect(failureOf(wanted)).toEqual({
    code: "bad_cells",
    cells: wanted,
    detail: "positions count from 1, the smaller first",
  });
});

test.each(["6", "4-6", "6-", "999999999"])("%j is past the end", (wanted) => {
  expect(failureOf(wanted)).toEqual({
    code: "bad_cells",
    cells: wanted,
    detail: "the notebook has 5 cells",
  });
});

test("a position in an empty notebook is past the end", () => {
  for (const wanted of ["1", "1-"])
    expect(failureOf(wanted, [])).toMatchObject({ detail: "the notebook has 0 cells" });
  expect(failureOf("2", [cell("a")])).toMatchObject({
    detail: "the notebook has 1 cell",
  });
});
