import { expect, test } from "vitest";
import { ExpectedError } from "../../../src/errors.ts";
import { checkedPath, folderOf, nameOf, urlPath } from "../../../src/jupyter/paths.ts";

test.each([
  "..",
  "../x",
  "a/../b",
  "a/./b",
  "/etc/passwd",
  "//x",
  "a//b",
  "",
  ".",
  "/",
  "C:/x",
  "~/x",
  "a\\b",
  "a\u0000b",
  "a\nb",
  "a\u007fb",
  "\ud800",
  "x".repeat(1_001),
])("the path %j is refused", (path) => {
  expect(() => checkedPath(path)).toThrow(ExpectedError);
});

test.each([
  "a",
  "a/b.ipynb",
  "ünï cödé/日本.ipynb",
  "100%.csv",
  "%2e%2e/x",
  "a b#c?.txt",
  "..a",
  "a..b",
])("the path %j is taken as it is", (path) => {
  expect(checkedPath(path)).toBe(path);
});

test("the root is a folder, and only where a folder may be meant", () => {
  for (const root of ["", "/", "."]) expect(checkedPath(root, true)).toBe("");
  expect(checkedPath("data/")).toBe("data");
});

test("each part of a path is encoded for a URL", () => {
  expect(urlPath("a b/100%#?.txt")).toBe("a%20b/100%25%23%3F.txt");
});

test("a path has a folder and a name", () => {
  expect([folderOf("a/b/c"), nameOf("a/b/c")]).toEqual(["a/b", "c"]);
  expect([folderOf("c"), nameOf("c")]).toEqual(["", "c"]);
});
