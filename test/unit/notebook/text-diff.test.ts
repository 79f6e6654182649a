import { expect, test } from "vitest";
import { textChanges, type TextChange } from "../../../src/notebook/text-diff.ts";

function applied(text: string, changes: readonly TextChange[]): string {
  return changes.reduce(
    (now, { at, deleted, inserted }) =>
      now.slice(0, at) + inserted + now.slice(at + deleted),
    text,
  );
}

test("what stands between two changed places is not touched", () => {
  const before = "left = total(a)\nmiddle = 1\nright = total(b)\n";
  const after = "left = amount(a)\nmiddle = 1\nright = amount(b)\n";
  expect(textChanges(before, after)).toEqual([
    { at: 7, deleted: 5, inserted: "amount" },
    { at: 36, deleted: 5, inserted: "amount" },
  ]);
});

test("equal texts need no change, and an empty one is filled in one", () => {
  expect(textChanges("x = 1", "x = 1")).toEqual([]);
  expect(textChanges("", "x = 1")).toEqual([{ at: 0, deleted: 0, inserted: "x = 1" }]);
  expect(textChanges("x = 1", "")).toEqual([{ at: 0, deleted: 5, inserted: "" }]);
});

test("a line that is inserted is one insertion, and a word that is changed loses what differs", () => {
  expect(textChanges("a\nb\n", "a\nnew\nb\n")).toEqual([
    { at: 2, deleted: 0, inserted: "new\n" },
  ]);
  expect(textChanges("value_1 = 2", "value_2 = 2")).toEqual([
    { at: 6, deleted: 1, inserted: "2" },
  ]);
});

test("pairs of surrogates are replaced whole", () => {
  // Both begin with the same half.
  const changes = textChanges("ab😀cd", "ab😁cd");
  expect(applied("ab😀cd", changes)).toBe("ab😁cd");
  for (const { inserted } of changes) expect(inserted.isWellFormed()).toBe(true);
  expect(changes).toEqual([{ at: 2, deleted: 2, inserted: "😁" }]);
});

test("texts of many kinds become the other, whatever they share", () => {
  let seed = 7;
  const next = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  const words = ["x", "total", " ", "\n", "(", ")", "😀", "😁", "é", "1", "="];
  const text = () =>
    Array.from({ length: next(40) }, () => words[next(words.length)]).join("");
  for (let round = 0; round < 500; round += 1) {
    const [before, after] = [text(), text()];
    expect(applied(before, textChanges(before, after))).toBe(after);
  }
});

test("long texts that share nothing are replaced, and do not take long", () => {
  const before = Array.from({ length: 20_000 }, (_, index) => `a${index}`).join(" ");
  const after = Array.from({ length: 20_000 }, (_, index) => `b${index}`).join("\n");
  const changes = textChanges(`start ${before}`, `start ${after}`);
  expect(changes).toHaveLength(1);
  expect(applied(`start ${before}`, changes)).toBe(`start ${after}`);
});
