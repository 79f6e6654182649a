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

test.each([
  ["\\*.csv", "*.csv", true],
  ["\\*.csv", "a.csv", false],
  ["{a\\,b,c}", "a,b", true],
  ["{a\\,b,c}", "a", false],
  ["a{,b{1,2}}c", "ac", true],
  ["a{,b{1,2}}c", "ab2c", true],
  ["a{,b{1,2}}c", "abc", false],
  ["[draft", "[draft", true],
  ["[🐎-🐏].txt", "🐎.txt", true],
  ["?.txt", "🐎.txt", true],
  ["data[!x]a.csv", "data/a.csv", false],
  ["data?a.csv", "data/a.csv", false],
  ["100%(.+)$", "100%(.+)$", true],
  ["100%(.+)$", "100%xx", false],
])("escaped, nested or unusual: %s against %s is %s", (pattern, path, isMatch) => {
  expect(compileGlob(pattern).matches(path)).toBe(isMatch);
});

test("nested braces and many folders are matched at once", () => {
  expect(compileGlob(`${"{".repeat(100)}a${"}".repeat(100)}`).matches("a")).toBe(true);
  expect(compileGlob(`${"**/".repeat(60)}x`).matches("a/".repeat(60))).toBe(false);
});
