import { expect, test } from "vitest";
import {
  cellFrom,
  cellName,
  jsonValue,
  missingMembers,
  multilineText,
  NotebookFormatError,
  OldNotebookError,
  ownId,
  parseNotebook,
  rawJson,
  serializeNotebook,
  upgraded,
  withMembers,
} from "../../../src/notebook/notebook.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

const parse = (text: string) => parseNotebook(encode(text));
const written = (text: string) => decode(serializeNotebook(parse(text)));

const notebookOf = (minor: number, ...cells: readonly object[]) =>
  parse(JSON.stringify({ nbformat: 4, nbformat_minor: minor, metadata: {}, cells }));

const COMPLETE = { metadata: {}, outputs: [], execution_count: null };

const code = (source: unknown, more: object = {}) => ({
  cell_type: "code",
  source,
  ...more,
});

function formatErrorOf(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof NotebookFormatError) return error.where;
    throw error;
  }
  throw new Error("This was read as a notebook.");
}

test("of cells that are there twice the last are read, as Python does", () => {
  const first = '[{"cell_type": "raw", "id": "a", "source": ""}]';
  const last = first.replace('"a"', '"b"');
  const text = `{"cells": ${first}, "nbformat": 4, "nbformat_minor": 5, "cells": ${last}}`;
  const { cells } = parseNotebook(new TextEncoder().encode(text));
  expect(cells.map(({ id }) => id)).toEqual(["b"]);
});

test("what is not changed is written back byte for byte", () => {
  const text =
    '{"nbformat":4,"nbformat_minor":5,"metadata":{"x": 1.0, "big":12345678901234567890},' +
    '"unknown":[NaN, -Infinity , {"é": "\\u00e9"}],' +
    '"cells":[{"cell_type": "code","id":"a1","source":["x = 1\\n", "y"],"execution_count":1.0,' +
    '"metadata":{"t":-0.0},"outputs":[{"data":{"v":[1e400,NaN]}}],"of_tomorrow":{"a" :2}}]}';
  expect(written(text)).toBe(text.replace('"cell_type": ', '"cell_type":'));
});

test("cells are written last, and members keep their order and their keys", () => {
  expect(
    written(
      '{ "cells" : [ {"source": "a", "cell_type": "raw", "\\"": 1} ],\n"nbformat": 4, "z": 1, "__proto__": 2 }',
    ),
  ).toBe(
    '{"nbformat":4,"z":1,"__proto__":2,"cells":[{"source":"a","cell_type":"raw","\\"":1}]}',
  );
});

test("a byte order mark is not written back", () => {
  expect(written('\uFEFF{"nbformat":4,"cells":[]}')).toBe('{"nbformat":4,"cells":[]}');
});

test("a notebook without top-level members can be written", () => {
  const bytes = serializeNotebook({ minor: 5, members: new Map(), cells: [] });
  expect(decode(bytes)).toBe('{"cells":[]}');
});

test("a source is a string or a list of strings", () => {
  const { cells } = notebookOf(5, code("a\nb"), code(["a\n", "b"]), code([]), code(""));
  expect(cells.map(({ source }) => source)).toEqual(["a\nb", "a\nb", "", ""]);
  expect(multilineText(["a", 1])).toBeNull();
  expect(multilineText(null)).toBeNull();
});

test("cells are of three types", () => {
  const types = ["code", "markdown", "raw"];
  const { cells } = notebookOf(5, ...types.map((type) => code("", { cell_type: type })));
  expect(cells.map(({ type }) => type)).toEqual(types);
});

test("a notebook may have no cells, and no minor version", () => {
  expect(parse('{"nbformat": 4, "cells": []}')).toMatchObject({ minor: 0, cells: [] });
  expect(parse('{"nbformat": 4, "nbformat_minor": "5", "cells": []}').minor).toBe(0);
});

test("a notebook can be read out of an answer of the Contents API", () => {
  const notebook = notebookOf(5, code("a", { id: "a" }));
  const answer = `{"name":"n","cells":3,"other":{"content":{"nbformat":1}},"content":${decode(serializeNotebook(notebook))},"nbformat":2}`;
  expect(parseNotebook(encode(answer), ["content"])).toEqual(notebook);
});

test.each([
  ["{}", 'it has no "nbformat"'],
  ["3", 'it has no "nbformat"'],
  ['{"content": null}', "it is no object"],
  ['{"content": [4]}', "it is no object"],
])("the answer %s of the Contents API has no notebook: %s", (answer, where) => {
  expect(() => parseNotebook(encode(answer), ["content"])).toThrow(
    new NotebookFormatError(where),
  );
});

test("a cell has its own id where that is valid and no cell before has it", () => {
  const ids = ["a", "a", "", "b c", "é", "x".repeat(65), 7, null, "y".repeat(64), "A-_9"];
  const { cells } = notebookOf(5, ...ids.map((id) => code("1", { id })), code("1"));

  const own = cells.filter(({ hasOwnId }) => hasOwnId).map(({ id }) => id);
  expect(own).toEqual(["a", "y".repeat(64), "A-_9"]);
  const derived = cells.filter(({ hasOwnId }) => !hasOwnId).map(({ id }) => id);
  for (const id of derived) expect(id).toMatch(/^d[0-9a-f]{9}$/);
  expect(new Set(cells.map(({ id }) => id)).size).toBe(cells.length);
});

test("before nbformat 4.5 ids are derived, whatever stands in the cells", () => {
  const [cell] = notebookOf(4, code("1", { id: "a" })).cells;
  expect(cell).toMatchObject({ hasOwnId: false, id: expect.stringMatching(/^d/) });
});

test.each([
  ['{"cells": []}', 'it has no "nbformat"'],
  ["[]", "it is no object"],
  ["3", "it is no object"],
  ['{"nbformat": 5, "cells": []}', "nbformat 5 is not known here"],
  ['{"nbformat": "4", "cells": []}', 'nbformat "4" is not known here'],
  ['{"nbformat": null, "cells": []}', "nbformat null is not known here"],
  ['{"nbformat": 4}', 'it has no "cells"'],
  ['{"nbformat": 4, "cells": {}}', '"cells" is no list'],
  ['{"nbformat": 4, "cells": null}', '"cells" is no list'],
  ['{"nbformat": 4, "cells": [1]}', "cell 1 is no object"],
  ['{"nbformat": 4, "cells": [{"source": ""}]}', 'cell 1 has no "cell_type"'],
  [
    '{"nbformat": 4, "cells": [{"cell_type": "html", "source": ""}]}',
    'cell 1 has the cell_type "html"',
  ],
  [
    `{"nbformat": 4, "cells": [{"cell_type": "${"h".repeat(500)}", "source": ""}]}`,
    `cell 1 has the cell_type "${"h".repeat(99)}…`,
  ],
  [
    `{"nbformat": "${"9".repeat(500)}"}`,
    `nbformat "${"9".repeat(99)}… is not known here`,
  ],
  [
    '{"nbformat": 4, "cells": [{"cell_type": "raw", "source": ""}, {"cell_type": "code"}]}',
    'cell 2 has no "source" that is text',
  ],
  [
    '{"nbformat": 4, "cells": [{"cell_type": "code", "source": [1]}]}',
    'cell 1 has no "source" that is text',
  ],
  ['{"nbformat": 4,\n"cells": [', "it is no JSON (line 2: it ends in the middle)"],
  ["", "it is no JSON (line 1: it is empty)"],
])("%s violates the format: %s", (text, where) => {
  expect(formatErrorOf(text)).toBe(where);
});

test.each([1, 2, 3])("nbformat %i is for Jupyter to upgrade", (nbformat) => {
  const text = `{"metadata": {}, "nbformat": ${nbformat}, "worksheets": []}`;
  expect(() => parse(text)).toThrow(OldNotebookError);
  expect(() => parse(text)).toThrow(`nbformat ${nbformat}`);
});

test("a notebook with all that nbformat 4.5 asks for is not upgraded", () => {
  const notebook = notebookOf(6, code("", { id: "a", ...COMPLETE }));
  expect(upgraded(notebook)).toBe(notebook);
});

test("an upgrade gives each cell the id that it was read with", () => {
  const before = notebookOf(2, code("1", { metadata: {} }), code("1"));
  const after = upgraded(before);

  expect(after.minor).toBe(5);
  expect(after.cells.map(({ id }) => id)).toEqual(before.cells.map(({ id }) => id));
  const again = parseNotebook(serializeNotebook(after));
  expect(again).toEqual(after);
  expect(again.cells.every(({ hasOwnId }) => hasOwnId)).toBe(true);
  expect(decode(before.members.get("nbformat_minor"))).toBe("2");
});

test("an upgrade keeps valid ids and replaces those that are not", () => {
  const before = notebookOf(
    7,
    code("1", { id: "a", ...COMPLETE }),
    code("2", { id: "a" }),
    code("3", { id: "b c" }),
  );
  const after = upgraded(before);

  expect(after.minor).toBe(7);
  expect(after.cells[0]).toBe(before.cells[0]);
  expect(after.cells.map(({ members }) => jsonValue(members.get("id")))).toEqual(
    before.cells.map(({ id }) => id),
  );
});

test("an upgrade gives each cell the members that its type has to have", () => {
  const before = notebookOf(
    5,
    code("1", { id: "a", outputs: [1], metadata: { x: 1 } }),
    { cell_type: "markdown", source: "2", id: "b" },
    { cell_type: "raw", source: "3", id: "c", metadata: {} },
  );
  const after = upgraded(before);

  expect(
    after.cells.map(({ members }) =>
      Object.fromEntries([...members].map(([key, value]) => [key, jsonValue(value)])),
    ),
  ).toEqual([
    code("1", { id: "a", outputs: [1], metadata: { x: 1 }, execution_count: null }),
    { cell_type: "markdown", source: "2", id: "b", metadata: {} },
    { cell_type: "raw", source: "3", id: "c", metadata: {} },
  ]);
  expect(after.cells[2]).toBe(before.cells[2]);
  expect(upgraded(after)).toBe(after);
});

test("a code cell has to have more members than others", () => {
  expect(missingMembers("code", new Set())).toEqual([
    "metadata",
    "outputs",
    "execution_count",
  ]);
  expect(missingMembers("code", new Set(["outputs"]))).toHaveLength(2);
  for (const type of ["markdown", "raw"] as const)
    expect(missingMembers(type, new Set())).toEqual(["metadata"]);
});

test("members of a cell are replaced in their place, added or removed", () => {
  const [cell] = notebookOf(5, code("1", { outputs: [], metadata: {} })).cells;
  if (cell === undefined) throw new Error("There is no cell.");

  const changed = withMembers(cell, {
    source: rawJson("2"),
    outputs: undefined,
    gone: undefined,
    x: rawJson(1),
  });

  expect([...changed.members.keys()]).toEqual(["cell_type", "source", "metadata", "x"]);
  expect(decode(changed.members.get("source"))).toBe('"2"');
  expect(changed.hasOwnId).toBe(false);
  expect(withMembers(cell, { id: rawJson("a") }).hasOwnId).toBe(true);
  expect(cell.members.has("outputs")).toBe(true);
});

test("a cell whose id was found out elsewhere has it as its own only where it says so", () => {
  const members = new Map(
    Object.entries(code("1", { id: "a" })).map(([key, value]) => [key, rawJson(value)]),
  );
  expect(cellFrom(members, "a", 0)).toMatchObject({
    id: "a",
    hasOwnId: true,
    source: "1",
  });
  expect(cellFrom(members, "b", 0)).toMatchObject({ id: "b", hasOwnId: false });
  members.delete("source");
  expect(() => cellFrom(members, "a", 4)).toThrow("cell 5 has no");
  expect(ownId(undefined)).toBeNull();
  expect(ownId(rawJson("a b"))).toBeNull();
});

test("NaN and its like are null to those who look, but not inside strings", () => {
  const value = String.raw`{"NaN": [NaN, -Infinity, Infinity, "NaN, \"Infinity\" \\", NaN]}`;
  expect(jsonValue(encode(value))).toEqual({
    NaN: [null, null, null, 'NaN, "Infinity" \\', null],
  });
  expect(jsonValue(undefined)).toBeUndefined();
  expect(jsonValue(encode("[1"))).toBeUndefined();
});

test("NaN next to a string of many megabytes is null too", () => {
  const image = "iVBORw0KGgo\\n".repeat(1_000_000);
  expect(jsonValue(encode(`["${image}",NaN]`))).toEqual([
    "iVBORw0KGgo\n".repeat(1_000_000),
    null,
  ]);
});

test("cells are named as people count them", () => {
  expect(cellName(0)).toBe("cell 1");
  expect(cellName("11")).toBe("cell 12");
});
