import { expect, test } from "vitest";
import { reconnectDelayMs } from "../../../src/kernel/reconnect.ts";

test("the first attempt comes at once, the next ones later and later, at most half a minute", () => {
  expect([0, 1, 2, 3, 8, 100].map(reconnectDelayMs)).toEqual([
    0, 250, 500, 1_000, 30_000, 30_000,
  ]);
});
