import { expect, test } from "vitest";
import { planRun } from "../../../faults/plan.ts";
import { judge, numbersIn, type Reading } from "../../../faults/verdict.ts";

const COMPLETE: Reading = {
  state: "ok",
  isMarked: false,
  readOn: [0, 1, 2],
  readWhole: [0, 1, 2],
  hasReason: false,
  wasBegun: true,
};
const LOST: Reading = { ...COMPLETE, state: "lost", hasReason: true, readOn: [0] };
const REFUSED: Reading = {
  ...COMPLETE,
  state: null,
  readOn: [],
  readWhole: [],
  wasBegun: false,
};

test.each([
  ["complete", COMPLETE],
  ["complete", { ...COMPLETE, isMarked: true }],
  ["silent loss", { ...COMPLETE, readOn: [0, 2], readWhole: [0, 2] }],
  ["silent loss", { ...COMPLETE, readWhole: [0, 1] }],
  ["silent loss", { ...COMPLETE, readOn: [] }],
  ["marked", { ...COMPLETE, isMarked: true, readOn: [0, 2], readWhole: [0, 2] }],
  ["duplicate", { ...COMPLETE, readOn: [0, 1, 1, 2] }],
  ["duplicate", { ...COMPLETE, isMarked: true, readWhole: [0, 2, 1] }],
  ["hang", { ...COMPLETE, state: "running" }],
  ["lost", LOST],
  ["duplicate", { ...LOST, readOn: [0, 0] }],
  ["other", { ...LOST, hasReason: false }],
  ["refused", REFUSED],
  ["other", { ...REFUSED, wasBegun: true }],
  ["other", { ...COMPLETE, state: "error" }],
])("the fault bench calls %s what is: %o", (verdict, reading) => {
  expect(judge(reading, { lines: 3, isHarmless: false })).toBe(verdict);
});

test.each([
  ["complete", COMPLETE],
  ["false alarm", { ...COMPLETE, isMarked: true }],
  ["false alarm", { ...COMPLETE, isMarked: true, readOn: [0], readWhole: [0] }],
  ["false alarm", LOST],
  ["false alarm", REFUSED],
  ["silent loss", { ...COMPLETE, readOn: [0] }],
  ["hang", { ...COMPLETE, state: "running" }],
])("where nothing can get lost it calls %s what is: %o", (verdict, reading) => {
  expect(judge(reading, { lines: 3, isHarmless: true })).toBe(verdict);
});

test("only whole lines of the run itself are its lines", () => {
  const text = "e2 · ok\nr7 0\nr77 1\nr7 1\nNext: r7 2\nr7 12";
  expect(numbersIn(text, "r7")).toEqual([0, 1, 12]);
});

test("a seed plans the same run each time", () => {
  expect(planRun(42, "mixed")).toEqual(planRun(42, "mixed"));
  expect(planRun(42, "mixed")).not.toEqual(planRun(43, "mixed"));
});
