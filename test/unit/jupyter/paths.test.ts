import { expect, test } from "vitest";
import { ExpectedError } from "../../../src/errors.ts";
import {
  checkedPath,
  folderOf,
  isHiddenPath,
  isNotebookPath,
  nameOf,
  urlPath,
} from "../../../src/jupyter/paths.ts";

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
  "c:",
  "C:x",
  "https://a/b",
  "s3://bucket/x",
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
  "a: notes.txt",
  "notes: 12:30.txt",
  "Fig. 2: x/a:b.csv",
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

test("a path is hidden where a name in it begins with a dot", () => {
  for (const path of [".a", "a/.b/c", "a/.b"]) expect(isHiddenPath(path)).toBe(true);
  for (const path of ["a", "a.b/c.d"]) expect(isHiddenPath(path)).toBe(false);
});

test("a notebook's name ends as Jupyter knows it", () => {
  expect(isNotebookPath("a/b.ipynb")).toBe(true);
  for (const path of ["UP.IPYNB", "a.ipynb/b"]) expect(isNotebookPath(path)).toBe(false);
});

test("a path has a folder and a name", () => {
  expect([folderOf("a/b/c"), nameOf("a/b/c")]).toEqual(["a/b", "c"]);
  expect([folderOf("c"), nameOf("c")]).toEqual(["", "c"]);
});
