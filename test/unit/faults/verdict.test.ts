import { expect, test } from "vitest";
import { planRun } from "../../../faults/plan.ts";
import { judge, numbersIn, type Reading } from "../../../faults/verdict.ts";

const COMPLETE: Reading = {
  state: "ok",
  isMarked: false,
  readOn: [0, 1, 2],
  readWhole: [0, 1, 2],
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
  ["lost", { ...COMPLETE, state: "lost", readOn: [0], readWhole: [0] }],
  ["refused", { ...COMPLETE, state: null, readOn: [], readWhole: [] }],
  ["other", { ...COMPLETE, state: "error" }],
])("the fault bench calls %s what is: %o", (verdict, reading) => {
  expect(judge(reading, 3)).toBe(verdict);
});

test("only whole lines of the run itself are its lines", () => {
  const text = "e2 · ok\nr7 0\nr77 1\nr7 1\nNext: r7 2\nr7 12";
  expect(numbersIn(text, "r7")).toEqual([0, 1, 12]);
});

test("a seed plans the same run each time", () => {
  expect(planRun(42, "mixed")).toEqual(planRun(42, "mixed"));
  expect(planRun(42, "mixed")).not.toEqual(planRun(43, "mixed"));
});
