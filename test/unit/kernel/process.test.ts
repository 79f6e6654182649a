import { expect, test } from "vitest";
import type { Message } from "../../../src/jupyter/messages.ts";
import { observeProcess } from "../../../src/kernel/process.ts";

function reply(session: string, execution_count: number, status = "ok"): Message {
  return {
    channel: "shell",
    header: { msg_id: "x", msg_type: "execute_reply", session },
    parent_header: null,
    metadata: {},
    content: { status, execution_count },
  };
}

test("a process of its own session is replaced when the session changes", () => {
  const first = observeProcess(
    { processSession: "", lastCount: 0 },
    reply("p1", 1),
    "ours",
    false,
  );
  expect(first).toEqual({
    replaced: false,
    trace: { processSession: "p1", lastCount: 1 },
  });
  expect(observeProcess(first.trace, reply("p1", 2), "ours", false).replaced).toBe(false);
  expect(observeProcess(first.trace, reply("p2", 5), "ours", false).replaced).toBe(true);
});

test("a kernel that echoes our session is replaced when its count does not go up", () => {
  const trace = { processSession: "", lastCount: 7 };
  expect(observeProcess(trace, reply("ours", 8), "ours", false).replaced).toBe(false);
  expect(observeProcess(trace, reply("ours", 1), "ours", false).replaced).toBe(true);
  expect(
    observeProcess({ ...trace, lastCount: 1 }, reply("ours", 1), "ours", false).replaced,
  ).toBe(true);
});

test("an aborted reply and a kernel that does not count say nothing", () => {
  const trace = { processSession: "", lastCount: 7 };
  expect(observeProcess(trace, reply("ours", 1, "aborted"), "ours", false).replaced).toBe(
    false,
  );
  expect(observeProcess(trace, reply("ours", 0), "ours", false).replaced).toBe(false);
});

test("a kernel whose sessions differ within one request is told from others by its count alone", () => {
  const first = { processSession: "p1", lastCount: 3 };
  const second = observeProcess(first, reply("p2", 4), "ours", true);
  expect(second.replaced).toBe(false);
  const third = observeProcess(second.trace, reply("p3", 5), "ours", false);
  expect(third.replaced).toBe(false);
  expect(observeProcess(third.trace, reply("p4", 1), "ours", false).replaced).toBe(true);
});
