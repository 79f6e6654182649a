import { expect, test } from "vitest";
import { rawJson } from "../../../src/notebook/notebook.ts";
import { readOutline } from "../../../src/notebook/outline.ts";
import { readCells } from "../../../src/notebook/reading.ts";

const ENTRY = {
  name: "n.ipynb",
  path: "n.ipynb",
  type: "notebook",
  size: null,
  last_modified: "",
  writable: true,
  mimetype: null,
  message: "",
} as const;

const cell = (id: string, outputChars: number) => ({
  cell_type: "code",
  id,
  metadata: { large: "m".repeat(1_000) },
  source: `source of ${id}`,
  execution_count: 1,
  outputs: [{ output_type: "stream", name: "stdout", text: "x".repeat(outputChars) }],
});

async function read(bytes: Uint8Array) {
  const source = { at: [], chunks: () => Promise.resolve([bytes]) };
  return {
    outline: await readOutline([bytes]),
    entry: ENTRY,
    upgradedFrom: null,
    source,
  };
}

const notebook = (...cells: object[]) =>
  rawJson({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells });

test("outputs that nobody wants are not read, nor what nobody sees", async () => {
  const from = await read(notebook(cell("a", 100), cell("b", 100)));
  const [a, ...more] = await readCells(from, [0], false);
  expect(more).toEqual([]);
  expect(a).toMatchObject({ index: 0, leftOut: 0, cell: { source: "source of a" } });
  expect([...(a?.cell.members.keys() ?? [])].toSorted()).toEqual([
    "cell_type",
    "execution_count",
    "id",
    "source",
  ]);
  const [full] = await readCells(from, [1], true);
  expect(full?.cell.members.has("outputs")).toBe(true);
});

test("only as many cells are read as may be in memory at a time", async () => {
  const from = await read(
    notebook(cell("a", 9_000_000), cell("b", 9_000_000), cell("c", 9_000_000)),
  );
  const indexesOf = async (indexes: readonly number[], withOutputs: boolean) =>
    (await readCells(from, indexes, withOutputs)).map(({ index }) => index);
  expect(await indexesOf([0, 1, 2], true)).toEqual([0, 1]);
  expect(await indexesOf([2], true)).toEqual([2]);
  expect(await indexesOf([0, 1, 2], false)).toEqual([0, 1, 2]);
});

test("outputs that are too large by themselves are left out, with their size", async () => {
  const from = await read(notebook(cell("a", 21_000_000), cell("b", 10)));
  const [a, b] = await readCells(from, [0, 1], true);
  expect(a?.leftOut).toBeGreaterThan(21_000_000);
  expect(a?.cell.members.has("outputs")).toBe(false);
  expect(b).toMatchObject({ leftOut: 0, cell: { id: "b" } });
});

test("of cells that are there twice the last are read, as Python does", async () => {
  const first = JSON.stringify([cell("a", 1), cell("b", 1)]);
  const last = JSON.stringify([cell("c", 1)]);
  const text = `{"cells": ${first}, "nbformat": 4, "nbformat_minor": 5, "cells": ${last}}`;
  const from = await read(new TextEncoder().encode(text));
  expect(from.outline.cells.map(({ id }) => id)).toEqual(["c"]);
  expect((await readCells(from, [0], true)).map((found) => found.cell.id)).toEqual(["c"]);
});
