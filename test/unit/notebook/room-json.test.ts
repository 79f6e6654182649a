import { expect, test } from "vitest";
import * as Y from "yjs";
import { cellsOf, metaOf, notebookJson } from "../../../src/notebook/room-json.ts";
import { isBeyondRooms } from "../../../src/notebook/room-limits.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("a document becomes the JSON that Python would write, large integers and NaN included", () => {
  const doc = new Y.Doc();
  metaOf(doc).set("nbformat", 4);
  metaOf(doc).set("metadata", new Y.Map([["big", 9_007_199_254_740_993n]]));
  cellsOf(doc).insert(0, [
    new Y.Map<unknown>([
      ["cell_type", "raw"],
      ["source", new Y.Text('a "quoted"\n')],
      ["metadata", new Y.Map<unknown>([["x", { n: NaN, i: -Infinity, s: "1" }]])],
      ["attachments", {}],
      ["execution_state", "idle"],
    ]),
  ]);
  expect(new TextDecoder().decode(notebookJson(doc))).toBe(
    '{"nbformat":4,"metadata":{"big":9007199254740993},"cells":[' +
      '{"cell_type":"raw","source":"a \\"quoted\\"\\n","metadata":{"x":{"n":NaN,"i":-Infinity,"s":"1"}}}]}',
  );
});

test.each([
  ['{"a": 9223372036854775807, "b": -9223372036854775808}', false],
  ['{"a": 9223372036854775808}', true],
  ['{"a": -9223372036854775809}', true],
  ['{"a": 12345678901234567890.0, "b": 1e9999999999999999999}', false],
  ['{"a": 0.12345678901234567890123}', false],
  ['{"a": "12345678901234567890", "b": "\\"12345678901234567890"}', false],
  ["[1,2,[99999999999999999999]]", true],
  ['["\\ud83d\\ude00 \\u00e9 \\" \\\\ud83d"]', false],
  ['["\\ud83d # half"]', true],
  ['["\\uDE00"]', true],
])("%s has what no room holds: %s", (json, is) => {
  expect(isBeyondRooms(bytes(json))).toBe(is);
});
