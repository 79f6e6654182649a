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
  );
  expect(first).toEqual({
    replaced: false,
    trace: { processSession: "p1", lastCount: 1 },
  });
  expect(observeProcess(first.trace, reply("p1", 2), "ours").replaced).toBe(false);
  expect(observeProcess(first.trace, reply("p2", 5), "ours").replaced).toBe(true);
});

test("a kernel that echoes our session is replaced when its count does not go up", () => {
  const trace = { processSession: "", lastCount: 7 };
  expect(observeProcess(trace, reply("ours", 8), "ours").replaced).toBe(false);
  expect(observeProcess(trace, reply("ours", 1), "ours").replaced).toBe(true);
  expect(
    observeProcess({ ...trace, lastCount: 1 }, reply("ours", 1), "ours").replaced,
  ).toBe(true);
});

test("an aborted reply and a kernel that does not count say nothing", () => {
  const trace = { processSession: "", lastCount: 7 };
  expect(observeProcess(trace, reply("ours", 1, "aborted"), "ours").replaced).toBe(false);
  expect(observeProcess(trace, reply("ours", 0), "ours").replaced).toBe(false);
});
