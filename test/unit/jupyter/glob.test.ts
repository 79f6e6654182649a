import { expect, test } from "vitest";
import { compileGlob } from "../../../src/jupyter/glob.ts";

test.each([
  ["**/*.ipynb", "deep/down/churn.ipynb", true],
  ["*.ipynb", "deep/churn.ipynb", false],
  ["*.ipynb", "churn.ipynb.bak", false],
  ["data/*.csv", "data/a.csv", true],
  ["data/*.csv", "data/more/a.csv", false],
  ["data/*.csv", "other/data/a.csv", false],
  ["**/*.csv", "a.csv", true],
  ["**/*.csv", "a/b/c.csv", true],
  ["a/**/z.py", "a/z.py", true],
  ["a/**/z.py", "a/b/c/z.py", true],
  ["a/**", "b/c", false],
  ["?.py", "é.py", true],
  ["?.py", "ab.py", false],
  ["[a-c]x", "bx", true],
  ["[!a-c]x", "bx", false],
  ["[]x", "[]x", true],
  ["*.{csv,parquet}", "a.parquet", true],
  ["*.{csv,parquet}", "a.json", false],
  ["{a,b}/{c,d}.py", "b/c.py", true],
  ["{open", "{open", true],
  ["*a*b*c", "xxaxxbxxc", true],
  ["*a*b*c", "xxaxxbxxcx", false],
])("the pattern %s against %s is %s", (pattern, path, isMatch) => {
  expect(compileGlob(pattern).matches(path)).toBe(isMatch);
});

test("a pattern made to be slow is not", () => {
  expect(compileGlob(`${"*a".repeat(100)}*b`).matches("a".repeat(500))).toBe(false);
  expect(compileGlob("{a,b}".repeat(40)).matches("x")).toBe(false);
});

test("a pattern says which folders it can match below", () => {
  const glob = compileGlob("data/*/x.csv");
  expect(["", "data", "data/a", "data/a/b", "other"].map(glob.canMatchBelow)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});
