import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import type { Message } from "../../../src/jupyter/messages.ts";
import { NO_PROGRESS } from "../../../src/kernel/execution.ts";
import { Journal } from "../../../src/kernel/journal.ts";
import { Recorder } from "../../../src/kernel/recorder.ts";
import { countNumbered } from "../../../src/output/render.ts";

const REQUEST = "request";
const SLOT = 1;

function printed(line: number): Message {
  return {
    channel: "iopub",
    header: { msg_id: `m${line}`, msg_type: "stream", session: "s" },
    parent_header: { msg_id: REQUEST, msg_type: "execute_request", session: "s" },
    metadata: {},
    content: { name: "stdout", text: `${line}\n` },
  };
}

/** Prints a line every 50 ms for four seconds, after so many others, and answers after which of them something was stored. */
async function storedAfter(
  isAwaited: (line: number) => boolean,
  before = 0,
): Promise<number[]> {
  const stub = env.CONVERSATION.getByName(crypto.randomUUID());
  return runInDurableObject(stub, async (_instance, { storage }) => {
    const journal = new Journal(storage.sql, { countNumbered });
    journal.createSchema();
    const { number } = journal.add({
      msgId: REQUEST,
      code: "1",
      progress: NO_PROGRESS,
      now: 0,
    });
    journal.markSent({ number, step: null }, SLOT, 1, 0);
    vi.useFakeTimers({ now: 1_000_000 });
    try {
      const stored: number[] = [];
      let line = -before;
      const recorder = new Recorder(SLOT, {
        journal,
        now: Date.now,
        changed: () => {
          if (line >= 0) stored.push(line);
        },
        isAwaited: () => isAwaited(line),
      });
      for (line = -before; line < 80; line += 1) {
        recorder.take(REQUEST, printed(line));
        await vi.advanceTimersByTimeAsync(50);
      }
      recorder.clear();
      return stored;
    } finally {
      vi.useRealTimers();
    }
  });
}

/** What a run may print until it is stored less often. */
const MANY = 300;

test("what a run prints is stored at once as long as it is not much", async () => {
  expect(await storedAfter(() => false)).toHaveLength(80);
});

test("what a run prints on and on is stored four times a second while somebody waits for it", async () => {
  const stored = await storedAfter(() => true, MANY);
  expect(stored.length).toBeGreaterThanOrEqual(14);
  expect(stored.length).toBeLessThanOrEqual(17);
});

test("what a run prints on and on while nobody waits is stored once a second: rows are most of what it costs", async () => {
  const stored = await storedAfter(() => false, MANY);
  expect(stored.length).toBeGreaterThanOrEqual(3);
  expect(stored.length).toBeLessThanOrEqual(5);
});

test("whoever begins to wait while output is held back gets it within a quarter of a second", async () => {
  const stored = await storedAfter((line) => line >= 25, MANY);
  expect(stored.some((line) => line >= 25 && line <= 30)).toBe(true);
});
