import {
  abortAllDurableObjects,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { expect, test } from "vitest";
import { LogLines } from "../support/log-lines.ts";
import type { ExecutionMeta, McpClient } from "../support/mcp-client.ts";
import { connect, cutConnections, jupyter, stubOf, whileJupyterIs } from "./support.ts";

/** How the beginning of a kernel's id stands in a line. */
function short(kernel: string | null): string {
  return (kernel ?? "").slice(0, 8);
}

/** A run that goes on printing for three seconds, in a kernel that was there before. */
async function printing(client: McpClient): Promise<ExecutionMeta> {
  const { conversation } = (await client.call("run_code", { code: "import time" }))
    .execution;
  const code = "for i in range(30): print(i, flush=True); time.sleep(0.1)";
  const begun = await client.call("run_code", { code, conversation, wait_seconds: 1 });
  expect(begun.execution.state).toBe("running");
  return begun.execution;
}

test("the lines of a call and of the run that it began have the same request, conversation and execution", async () => {
  using log = new LogLines();
  await using client = await connect();
  const run = await client.call("run_code", { code: "print('a'); print('b')" });
  const { conversation, execution, kernel } = run.execution;
  const about = { conversation, execution };

  const [call = {}] = log.with({ event: "call", name: "run_code", ...about });
  expect(call).toMatchObject({
    level: "info",
    request: expect.stringMatching(/^[0-9a-f]{16}$/),
    person: "local",
    kind: "tool",
    kernel: short(kernel),
    generation: 1,
    outcome: "ok",
    state: "ok",
    durationMs: expect.any(Number),
  });
  const { request } = call;
  // That it began is told at `debug`.
  expect(log.with({ event: "run_started", ...about })).toEqual([]);
  const ended = log.with({ event: "run_ended", ...about });
  expect(ended).toEqual([
    expect.objectContaining({
      request,
      kernel: short(kernel),
      generation: 1,
      state: "ok",
      items: expect.any(Number),
      droppedChars: 0,
      incomplete: false,
      waitedMs: expect.any(Number),
      durationMs: expect.any(Number),
    }),
  ]);
  const ofKernel = { conversation, kernel: short(kernel) };
  expect(log.with({ event: "kernel_started", ...ofKernel })).toHaveLength(1);
  expect(log.with({ event: "connection_opened", ...ofKernel })).toHaveLength(1);

  // When nothing has been run for a while the connection is closed, and says what came over it.
  const closed = await log.first({ event: "connection_closed", ...ofKernel });
  expect(closed).toMatchObject({ level: "info", duplicates: 0 });
  expect(closed["messages"]).toBeGreaterThan(3);
  expect(closed["bytes"]).toBeGreaterThan(1_000);
});

test("code that fails, and calls that cannot be done, are told by their outcome", async () => {
  using log = new LogLines();
  await using client = await connect();
  const failed = await client.call("run_code", { code: "1/0" });
  const { conversation, execution } = failed.execution;
  expect(log.with({ event: "call", execution, conversation })).toEqual([
    expect.objectContaining({ outcome: "code_failed", state: "error" }),
  ]);
  await client.call("get_output", { conversation, execution: "e99" });
  await client.call("read_file", { path: "nowhere.txt" });
  await whileJupyterIs("down", () => client.call("list_files", {}));
  await whileJupyterIs("forbidden", () => client.call("list_files", {}));
  const told = log
    .with({ event: "call" })
    .slice(1)
    .map(({ level, name, outcome }) => [level, name, outcome]);
  expect(told).toEqual([
    ["info", "get_output", "execution_not_found"],
    ["info", "read_file", "file_not_found"],
    ["warn", "list_files", "jupyter_unreachable"],
    ["warn", "list_files", "token_rejected"],
  ]);
  expect(log.with({ event: "call", outcome: "execution_not_found" })).toEqual([
    expect.objectContaining({ conversation }),
  ]);
});

test("a connection that is lost, its return, and what may be missing are told with the reason", async () => {
  using log = new LogLines();
  await using client = await connect();
  const { conversation, execution, kernel } = await printing(client);
  const ofKernel = { conversation, kernel: short(kernel) };
  await cutConnections();
  await client.call("get_output", { conversation, execution, wait_seconds: 30 });

  expect(log.with({ event: "connection_lost", ...ofKernel })).toEqual([
    expect.objectContaining({ level: "warn", messages: expect.any(Number) }),
  ]);
  const opened = log.with({ event: "connection_opened", ...ofKernel });
  expect(opened).toHaveLength(2);
  expect(opened[1]).toMatchObject({ awayMs: expect.any(Number) });
  expect(log.with({ event: "possibly_incomplete", execution })).toEqual([
    expect.objectContaining({ level: "warn", conversation, why: "connection_lost" }),
  ]);
  expect(log.with({ event: "run_ended", execution })).toEqual([
    expect.objectContaining({ state: "ok", incomplete: true }),
  ]);
});

test("a run that is lost with its kernel is told with the reason and the generation", async () => {
  using log = new LogLines();
  await using client = await connect();
  const begun = await client.call("run_code", { code: "input('?')" });
  const { conversation, execution } = begun.execution;
  expect(begun.execution.state).toBe("waiting for input");
  await client.call("restart_kernel", { conversation });
  expect(log.with({ event: "kernel_replaced", conversation })).toEqual([
    expect.objectContaining({ generation: 2, why: "restart_called" }),
  ]);
  expect(log.with({ event: "run_ended", conversation, execution })).toEqual([
    expect.objectContaining({ level: "warn", state: "lost", why: "restart_called" }),
  ]);
  const { kernel } = (await client.call("run_code", { conversation, code: "1" }))
    .execution;
  await jupyter(`/api/kernels/${kernel}`, { method: "DELETE" });
  await client.call("run_code", { conversation, code: "1" });
  expect(log.with({ event: "kernel_gone", conversation })).toEqual([
    expect.objectContaining({ kernel: short(kernel) }),
  ]);
});

test("a run that a crash interrupted is told when the alarm finds it, and once when it ends", async () => {
  using log = new LogLines();
  await using client = await connect();
  const { conversation, execution } = await printing(client);
  await abortAllDurableObjects();
  await runDurableObjectAlarm(await stubOf(conversation));
  expect(log.with({ event: "alarm", conversation })).toEqual([
    expect.objectContaining({
      level: "warn",
      task: "watch",
      unfinished: 1,
      resumed: true,
    }),
  ]);
  await client.call("get_output", { conversation, execution, wait_seconds: 30 });
  const ended = await log.first({ event: "run_ended", conversation, execution });
  expect(ended).toMatchObject({ resumed: true });
  await client.call("get_output", { conversation, execution });
  expect(log.with({ event: "run_ended", conversation, execution })).toHaveLength(1);
});

test("a bug in an object is told where it was, once, under the id that the caller is shown", async () => {
  using log = new LogLines();
  await using client = await connect();
  const { conversation } = (await client.call("run_code", { code: "1" })).execution;
  await runInDurableObject(await stubOf(conversation), (_instance, { storage }) => {
    storage.sql.exec("ALTER TABLE executions RENAME TO canary");
  });
  // The first is in memory.
  const failed = await client.call("get_output", { conversation, execution: "e2" });
  const id = /\(error ([0-9a-f]{8})\)/.exec(failed.text)?.[1];
  expect(failed.isError).toBe(true);
  const bugs = log.with({ event: "bug", conversation });
  expect(bugs).toEqual([
    expect.objectContaining({
      level: "error",
      id,
      error: "Error",
      frames: expect.stringMatching(/journal\.ts:\d+/),
    }),
  ]);
  expect(log.with({ event: "call", name: "get_output" })).toEqual([
    expect.objectContaining({ conversation, outcome: "bug", id }),
  ]);
  expect(log.texts.join("\n")).not.toContain("no such table");
});
