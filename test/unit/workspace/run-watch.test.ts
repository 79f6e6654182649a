import { expect, test, vi } from "vitest";
import { RunWatch } from "../../../src/workspace/run-watch.ts";

test("what can wait waits until short runs have ended and no next one comes, for half a second at most", async () => {
  let now = 1_000_000;
  vi.spyOn(Date, "now").mockImplementation(() => now);
  const waits: number[] = [];
  const during: (() => void)[] = [];
  vi.spyOn(scheduler, "wait").mockImplementation(async (ms = 0) => {
    waits.push(ms);
    now += ms;
    during.shift()?.();
  });
  const waited = async (runs: RunWatch) => {
    const startedAt = now;
    await runs.passed();
    return now - startedAt;
  };
  try {
    const runs = new RunWatch();
    expect(await waited(runs)).toBe(0);
    expect(runs.isRecent).toBe(false);

    runs.note("a", true);
    expect(runs.isRecent).toBe(true);
    now += 20;
    runs.note("a", false);
    expect(await waited(runs)).toBe(100);

    // A long one is not waited for, whatever else has ended before.
    runs.note("a", true);
    expect(await waited(runs)).toBe(250);
    expect(await waited(runs)).toBe(0);
    runs.note("a", false);

    // A chain of runs.
    for (let run = 0; run < 20; run += 1)
      during.push(() => runs.note("b", run % 2 === 0));
    runs.note("b", true);
    expect(await waited(runs)).toBe(500);
    during.length = 0;
    now += 2_000;
    expect(runs.isRecent).toBe(false);
  } finally {
    vi.restoreAllMocks();
  }
});
