import { expect, test } from "vitest";
import { idList, oneLine, quoted, quotedPath } from "../../../src/mcp/quoting.ts";

test("nothing in quoted text can look like a line of ours, or turn around what comes after it", () => {
  expect(quoted("a\nb\u2028c\u2029d\u202ee\u0085f\u{e0041}")).toBe(
    '"a\\nb\\u2028c\\u2029d\\u202ee\\u0085f\\udb40\\udc41"',
  );
  expect(quoted("👩\u200d💻 می\u200cخواهم")).toBe('"👩\u200d💻 می\u200cخواهم"');
});

test("a path is quoted where it could be taken for more than a name", () => {
  expect(quotedPath("data/ünï 1.csv")).toBe("data/ünï 1.csv");
  expect(quotedPath("a\u202eb")).toBe('"a\\u202eb"');
});

test("text on one line has neither line ends nor what turns the writing direction", () => {
  expect(oneLine(" a\r\nNext:\u2028b\u2029c\u202ed\u2066e\u001b[2J\u200d ")).toBe(
    "a Next: b cde[2J\u200d",
  );
});

test("of many ids the first are named", () => {
  const ids = Array.from({ length: 25 }, (_, index) => `c${index}`);
  expect(idList(ids.slice(0, 2))).toBe("c0, c1");
  expect(idList(ids)).toMatch(/^c0, .*, c19 and 5 more$/);
});
