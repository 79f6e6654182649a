import { expect, test } from "vitest";
import { ExpectedError } from "../../../src/errors.ts";
import type { Item } from "../../../src/kernel/item.ts";
import { Finder, type FindOptions } from "../../../src/output/find.ts";

const stdout = (text: string): Item => ({ type: "stream", name: "stdout", text });

function find(
  items: readonly (Item | string)[],
  pattern: string,
  options: Partial<FindOptions> = {},
) {
  const finder = new Finder({
    pattern,
    maxChars: 10_000,
    now: () => 0,
    maxMs: 1_000,
    ...options,
  });
  for (const [index, item] of items.entries()) {
    finder.add({
      position: index + 1,
      item: typeof item === "string" ? stdout(item) : item,
    });
  }
  return finder.finish();
}

const tenLines = Array.from({ length: 10 }, (_, index) => `line ${index + 1}\n`).join("");

test("a match is shown with its line number and the lines around it", () => {
  expect(find([tenLines], "line 5")).toEqual({
    text: "3- line 3\n4- line 4\n5: line 5\n6- line 6\n7- line 7",
    matches: 1,
    lines: 10,
    shown: 1,
  });
});

test("groups that are apart are separated, those that touch are not", () => {
  expect(find([tenLines], "line [28]$", { contextLines: 1 }).text).toBe(
    "1- line 1\n2: line 2\n3- line 3\n--\n7- line 7\n8: line 8\n9- line 9",
  );
  expect(find([tenLines], "line [25]$", { contextLines: 1 }).text).toBe(
    "1- line 1\n2: line 2\n3- line 3\n4- line 4\n5: line 5\n6- line 6",
  );
});

test("a leading (?i) ignores case", () => {
  expect(find(["An Error\n"], "(?i)error").matches).toBe(1);
  expect(find(["An Error\n"], "error")).toMatchObject({ matches: 0, text: "" });
});

test("streams are read as a terminal shows them, whatever their chunks are", () => {
  const text = "ok\n\x1b[31mFAI\x1b[0mLED 10%\rFAILED 99%\nok";
  for (let at = 0; at <= text.length; at++) {
    expect(find([text.slice(0, at), text.slice(at)], "^FAILED \\d+%$").text).toBe(
      "1- ok\n2: FAILED 99%\n3- ok",
    );
  }
});

test("results, displays, tracebacks and answers are searched, each on its own lines", () => {
  const items: (Item | string)[] = [
    "needle 1",
    { type: "execute_result", data: { "text/plain": "needle 2" }, metadata: {} },
    { type: "display_data", data: { "text/html": "<p>needle 3</p>" }, metadata: {} },
    { type: "error", ename: "E", evalue: "", traceback: ["\x1b[1mneedle 4", "end"] },
    { type: "clear_output", wait: false },
    { type: "input", prompt: "needle? ", password: false, text: "5" },
  ];
  expect(find(items, "needle", { contextLines: 0 }).text).toBe(
    "1: needle 1\n2: needle 2\n3: needle 3\n4: needle 4\n6: needle? 5",
  );
});

test("a long line is cut around its match", () => {
  const line = `${"a".repeat(5_000)}NEEDLE${"b".repeat(5_000)}\n`;
  for (const pattern of ["NEEDLE", "NEED.E"]) {
    const { text } = find([line], pattern);
    expect(text).toMatch(/^1: …a{195,197}NEEDLEb{195,197}…$/);
    expect(text).toHaveLength(403);
  }
  expect(find([`NEEDLE${"b".repeat(500)}\n`], "NEEDLE").text).toMatch(
    /^1: NEEDLEb{392}…$/,
  );
  expect(find([`${"b".repeat(500)}NEEDLE\n`], "NEEDLE").text).toMatch(
    /^1: …b{392}NEEDLE$/,
  );
});

test("a line that is read in pieces counts as one, and matches once", () => {
  const chunks = Array.from({ length: 20 }, () => `${"x".repeat(3_990)}needle `);
  expect(find([...chunks, "end\nnext\n"], "needle", { contextLines: 0 })).toMatchObject({
    matches: 1,
    lines: 2,
  });
});

test("matches beyond the budget are counted, and the last line says so", () => {
  const result = find([`${"match me\n".repeat(1_000)}`], "match", { maxChars: 400 });
  expect(result).toMatchObject({ matches: 1_000, lines: 1_000, shown: 19 });
  expect(result.text).toMatch(/\n\[19 of 1000 matching lines are shown\.\]$/);
  expect(result.text.length).toBeLessThanOrEqual(400);
});

test("when the time is used up, the lines that were not looked at are counted", () => {
  let time = 0;
  const now = () => (time += 400);
  const result = find([tenLines, tenLines, tenLines, tenLines], "line 1$", {
    now,
    contextLines: 0,
  });
  expect(result).toMatchObject({ matches: 2, lines: 40 });
  expect(result.text).toBe(
    "1: line 1\n11: line 1\n[The time for searching was used up: 20 of 40 lines were not looked at.]",
  );
});

test.for([
  ["(?=a)b", "lookaround and backreferences are not supported"],
  ["(?<!a)b", "lookaround and backreferences are not supported"],
  ["(a)\\1", "lookaround and backreferences are not supported"],
  ["[a", "missing closing"],
])("the pattern %s does not compile, and the reason is given", ([pattern, detail]) => {
  try {
    find([], pattern as string);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(ExpectedError);
    expect((error as ExpectedError).failure).toMatchObject({
      code: "bad_regex",
      pattern,
      detail: expect.stringContaining(detail as string),
    });
  }
});

test("a pattern that would take a backtracking engine for ever takes none", () => {
  expect(find([`${"a".repeat(5_000)}\n`], "(a|a|aa)+$|(a+)+b").matches).toBe(1);
});
