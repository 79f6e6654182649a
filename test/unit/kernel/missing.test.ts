import { expect, test } from "vitest";
import { droppedBetween, withDropped, withLeftOut } from "../../../src/kernel/missing.ts";

test("a message that was too large is told with its size and what to do, the next ones by their sizes, and not without end", () => {
  const first = withLeftOut("the connection was lost", 40_000_523);
  expect(first).toBe(
    "the connection was lost; a message of 40 MB was left out (the limit is 32 MiB: write to a file what is larger, or print and display it in parts)",
  );
  const second = withLeftOut(first, 51_000_000);
  expect(second).toBe(`${first}; a message of 51 MB was left out`);
  expect(withLeftOut(null, null)).toMatch(/^a message was left out \(/);
  let many = second;
  for (let more = 0; more < 1_000; more += 1) many = withLeftOut(many, 40_000_000);
  expect(many.length).toBeLessThan(600);
});

test("messages that were dropped are counted up in one place", () => {
  const first = withDropped(null, 377);
  expect(first).toBe(
    "377 messages were dropped before they came, because more were sent at once than Jupyter passes on",
  );
  expect(withDropped(withLeftOut(first, 40_000_000), 1_000)).toMatch(
    /^1377 messages were dropped[^;]*; a message of 40 MB was left out/,
  );
});

test("ids that count show what was dropped between them, and nothing where they do not", () => {
  expect(droppedBetween("a-b_123_17", "a-b_123_18")).toBe(0);
  expect(droppedBetween("a-b_123_17", "a-b_123_395")).toBe(377);
  // Some replies to others.
  expect(droppedBetween("a-b_123_17", "a-b_123_30")).toBe(0);
  // Replayed, another process, other kernels.
  expect(droppedBetween("a-b_123_395", "a-b_123_17")).toBe(0);
  expect(droppedBetween("a-b_123_17", "a-b_124_395")).toBe(0);
  expect(droppedBetween("", "a-b_123_395")).toBe(0);
  expect(droppedBetween(crypto.randomUUID(), crypto.randomUUID())).toBe(0);
});
