import { expect, test } from "vitest";
import { MessageIds, packIds, unpackIds } from "../../../src/kernel/message-ids.ts";

test("ids survive being packed, and counted ones pack small", () => {
  const counted = Array.from(
    { length: 1_000 },
    (_, index) => `${"a".repeat(36)}_4711_${index}`,
  );
  expect(unpackIds(packIds(counted))).toEqual(counted);
  expect(packIds(counted).length).toBeLessThan(1_000 * 12);
  const random = Array.from({ length: 50 }, () => crypto.randomUUID());
  expect(unpackIds(packIds(random))).toEqual(random);
  expect(unpackIds(packIds([]))).toEqual([]);
});

test("an id is new once", () => {
  const ids = new MessageIds();
  expect([ids.add("a"), ids.add("b"), ids.add("a")]).toEqual([true, true, false]);
});

test("ids far back are forgotten, so that a run of days does not fill the memory", () => {
  const ids = new MessageIds();
  for (let index = 0; index <= 20_000; index += 1) ids.add(`m${index}`);
  expect(ids.add("m20000")).toBe(false);
  expect(ids.add("m0")).toBe(true);
});
