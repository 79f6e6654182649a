import { expect, test } from "vitest";
import { ExpectedError } from "../../../src/errors.ts";
import { checkedAgainst } from "../../../src/notebook/edit-base.ts";
import type { Edit } from "../../../src/notebook/edit.ts";
import { parseNotebook, rawJson } from "../../../src/notebook/notebook.ts";
import { marksOf, versionOf, type CellMark } from "../../../src/notebook/version.ts";

function notebookOf(sources: Readonly<Record<string, string>>) {
  return parseNotebook(
    rawJson({
      nbformat: 4,
      nbformat_minor: 5,
      metadata: {},
      cells: Object.entries(sources).map(([id, source]) => ({
        cell_type: "code",
        id,
        source,
      })),
    }),
  );
}

const BEFORE = { a: "1", b: "2", c: "3" };

/** What is said to edits that were made for {@link BEFORE}. */
function failureOf(
  edits: readonly Edit[],
  now: Readonly<Record<string, string>>,
  isRemembered = true,
) {
  const marks: CellMark[] = marksOf(notebookOf(BEFORE).cells);
  const base = {
    path: "n.ipynb",
    version: versionOf(marks),
    known: isRemembered ? marks : null,
  };
  try {
    checkedAgainst(base, edits, notebookOf(now));
  } catch (error) {
    if (error instanceof ExpectedError) return error.failure;
    throw error;
  }
  return null;
}

const versionNow = (now: Readonly<Record<string, string>>) =>
  versionOf(marksOf(notebookOf(now).cells));

const replace = (cell: string): Edit => ({ op: "replace", cell, source: "new" });
const insert = (after: string): Edit => ({
  op: "insert",
  after,
  cell_type: "code",
  source: "",
});

test("edits for the version that is there pass, whether or not it is remembered", () => {
  for (const isRemembered of [true, false])
    expect(failureOf([replace("a"), insert("b")], BEFORE, isRemembered)).toBeNull();
});

test("edits for an earlier version pass where nobody has changed their cells", () => {
  const now = { c: "3", a: "1", b: "other", d: "4" };
  expect(failureOf([replace("a"), insert("b"), insert("end")], now)).toBeNull();
});

test("an edit of a cell that somebody else has changed is a conflict with what stands there", () => {
  const now = { ...BEFORE, a: "other" };
  expect(failureOf([replace("b"), replace("a")], now)).toEqual({
    code: "edit_conflict",
    path: "n.ipynb",
    since: versionNow(BEFORE),
    version: versionNow(now),
    cells: [{ id: "a", source: "other" }],
  });
});

test("an edit of or after a cell that somebody else has deleted is a conflict", () => {
  const now = { a: "1", c: "3" };
  for (const edit of [replace("b"), insert("b")])
    expect(failureOf([edit], now)).toMatchObject({
      code: "edit_conflict",
      cells: [{ id: "b", source: null }],
    });
});

test("edits for an earlier version that nobody remembers do not pass", () => {
  const now = { ...BEFORE, d: "4" };
  expect(failureOf([insert("end")], now, false)).toEqual({
    code: "version_not_known",
    path: "n.ipynb",
    version: versionNow(BEFORE),
  });
});

test("a cell that came since may be edited", () => {
  expect(failureOf([replace("d"), insert("d")], { ...BEFORE, d: "4" })).toBeNull();
});
