import { runDurableObjectAlarm } from "cloudflare:test";
import { expect, test } from "vitest";
import type { McpClient } from "../support/mcp-client.ts";
import { connect, eventually, jupyter, stubOf } from "./support.ts";

type Content = Readonly<Record<string, unknown>>;

/** A step of the fake kernel; test/support/strange-kernel.py says what each does. */
interface Step {
  readonly send?: readonly [channel: string, msgType: string, content: Content];
  readonly parent?: Content | null;
  readonly session?: string;
  readonly untilInterrupted?: true;
  readonly ignore?: readonly string[];
  readonly wait?: number;
  readonly exit?: number;
}

const iopub = (msgType: string, content: Content): Step => ({
  send: ["iopub", msgType, content],
});
const reply = (content: Content): Step => ({
  send: ["shell", "execute_reply", content],
});
const print = (text: string) => iopub("stream", { name: "stdout", text });
const BUSY = iopub("status", { execution_state: "busy" });
const IDLE = iopub("status", { execution_state: "idle" });
const BEGUN = iopub("execute_input", { code: "", execution_count: 1 });
const OK = reply({ status: "ok" });

/** Starts the fake in a conversation of its own, with a first run. */
async function start(client: McpClient, first: readonly Step[] = [BUSY, OK, IDLE]) {
  const code = JSON.stringify(first);
  const { execution } = await client.call("run_code", { code, kernel: "strange" });
  const { conversation, kernel } = execution;
  return {
    conversation,
    kernel,
    run: (steps: readonly Step[], waitSeconds = 50) =>
      client.call("run_code", {
        code: JSON.stringify(steps),
        conversation,
        wait_seconds: waitSeconds,
      }),
  };
}

test.for([
  ["reply, then idle", [BUSY, print("here\n"), OK, IDLE]],
  ["idle, then reply", [BUSY, print("here\n"), IDLE, OK]],
  ["no busy", [print("here\n"), OK, IDLE]],
  ["everything twice", [BUSY, BUSY, print("here\n"), OK, OK, IDLE, IDLE]],
] as const)("a run ends once where the kernel sends %s", async ([, steps]) => {
  await using client = await connect();
  const { run } = await start(client);
  for (const execution of ["e2", "e3"]) {
    const result = await run(steps);
    expect(result.execution).toMatchObject({
      execution,
      state: "ok",
      generation: 1,
      possiblyIncomplete: false,
    });
    expect(result.text.match(/here/g)).toHaveLength(1);
  }
});

test("what arrives after reply and idle belongs to its run", async () => {
  await using client = await connect();
  const { conversation, run } = await start(client);
  await run([BUSY, OK, IDLE, print("late\n")]);
  const read = await eventually(
    () => client.call("get_output", { conversation, execution: "e2" }),
    ({ text }) => text.includes("late"),
  );
  expect(read.execution).toMatchObject({ state: "ok", possiblyIncomplete: false });
});

test("idle without a reply ends a run as lost within seconds, with what it printed", async () => {
  await using client = await connect();
  const { run } = await start(client);
  const result = await run([BUSY, print("here\n"), IDLE]);
  expect(result.execution.state).toBe("lost");
  expect(result.text).toMatch(
    /Lost: the kernel says that it is idle, but how the run ended was never received\.\nhere/,
  );
  expect((await run([BUSY, print("next\n"), OK, IDLE])).text).toContain("next");
});

test("a reply to another request than ours is no reply", async () => {
  await using client = await connect();
  const { run } = await start(client);
  const result = await run([BUSY, { ...OK, parent: { msg_id: "nobody's" } }, IDLE]);
  expect(result.execution.state).toBe("lost");
});

test("a reply without idle ends a run, and its result says that output may be missing", async () => {
  await using client = await connect();
  const { run } = await start(client);
  const result = await run([BUSY, print("here\n"), OK]);
  expect(result.execution).toMatchObject({ state: "ok", possiblyIncomplete: true });
  expect(result.text).toContain("Output possibly incomplete: its last messages");
});

test("a run of which a kernel says nothing at all is lost as soon as the kernel is seen to be idle", async () => {
  await using client = await connect();
  const { conversation, run } = await start(client);
  const begun = await run([], 0);
  expect(begun.text).toContain("Next: It goes on running.");
  await eventually(
    async () => (await client.call("get_output", { conversation, wait_seconds: 0 })).text,
    (text) => text.includes("e2 · running"),
  );
  await runDurableObjectAlarm(await stubOf(conversation));
  const ended = await client.call("get_output", { conversation, execution: "e2" });
  expect(ended.execution.state).toBe("lost");
  expect(ended.text).toContain(
    "Lost: the kernel is done with it, but how the run ended was never received.",
  );
});

test("output that names no request is shown with the run that it came in, or came after", async () => {
  await using client = await connect();
  const { conversation, run } = await start(client);
  const lost = { ...print("nobody's\n"), parent: null };
  const other = { ...print("other\n"), parent: { msg_id: "other" } };
  const during = await run([BUSY, lost, other, OK, IDLE]);
  expect(during.text).toMatch(/nobody's\nother$/);
  await run([BUSY, OK, IDLE, lost, other]);
  await eventually(
    () => client.call("get_output", { conversation, execution: "e3" }),
    ({ text }) => text.endsWith("nobody's\nother"),
  );
});

test("output of another client's request is not taken for ours", async () => {
  await using client = await connect();
  const { run } = await start(client);
  const theirs = { msg_id: "theirs", session: "another client's" };
  const result = await run([BUSY, { ...print("theirs\n"), parent: theirs }, OK, IDLE]);
  expect(result.text).toMatch(/\n\(no output\)$/);
});

test("a process that dies in the middle keeps what it printed, and the next result tells of the other one", async () => {
  await using client = await connect();
  const { kernel, run } = await start(client);
  const died = await run([BUSY, print("last words\n"), { wait: 0.5 }, { exit: 1 }]);
  expect(died.execution.state).toBe("lost");
  expect(died.text).toMatch(/Lost: the kernel's process died[\s\S]*last words/);
  const next = await run([BUSY, OK, IDLE]);
  expect(next.execution).toMatchObject({ kernel, state: "ok", generation: 2 });
  expect(next.text).toContain("earlier variables are gone");
});

test("a kernel that takes longer to start than Jupyter may take to answer is waited for", async () => {
  await using client = await connect();
  const code = JSON.stringify([BUSY, print("at last\n"), OK, IDLE]);
  const result = await client.call("run_code", {
    code,
    kernel: "slow",
    wait_seconds: 50,
  });
  expect(result.execution).toMatchObject({ state: "ok", generation: 1 });
  expect(result.text).toContain("at last");
});

test("a kernel that ends whenever it is started is said not to start, and none is left", async () => {
  await using client = await connect();
  const result = await client.call("run_code", {
    code: "1",
    kernel: "stillborn",
    wait_seconds: 50,
  });
  expect(result.isError).toBe(true);
  expect(result.text).toMatch(
    /Jupyter could not start a kernel from kernelspec stillborn\.\nNext: Call list_kernels/,
  );
  const running = await (await jupyter("/api/kernels")).json<{ name: string }[]>();
  expect(running.filter(({ name }) => name === "stillborn")).toEqual([]);
}, 90_000);

test.for([
  [
    "abort after it had begun",
    [BUSY, BEGUN, print("begun\n"), reply({ status: "abort" }), IDLE],
    "error",
    /begun\nInterrupted: the kernel stopped this run before its end$/,
  ],
  [
    "aborted before it had begun",
    [BUSY, reply({ status: "aborted" }), IDLE],
    "aborted",
    /Not run: a run before it, perhaps another client's, failed\./,
  ],
  [
    "an error without words",
    [BUSY, reply({ status: "error" }), IDLE],
    "error",
    /\nError: the kernel ended the run with status "error" and said no more$/,
  ],
  [
    "a status that nobody knows",
    [BUSY, reply({ status: "banana" }), IDLE],
    "error",
    /\nError: the kernel ended the run with status "banana" and said no more$/,
  ],
  [
    "a published error that is only a number",
    [BUSY, iopub("error", { ename: "", evalue: "2", traceback: [] }), OK, IDLE],
    "ok",
    /\nError: 2$/,
  ],
] as const)("a run that ends with %s says so", async ([, steps, state, words]) => {
  await using client = await connect();
  const { run } = await start(client);
  const result = await run(steps);
  expect(result.execution.state).toBe(state);
  expect(result.isError).toBe(state !== "ok");
  expect(result.text).toMatch(words);
});

test("a kernel that takes interrupts by message is interrupted", async () => {
  await using client = await connect();
  const { conversation, run } = await start(client);
  const stopped = reply({ status: "abort" });
  await run([BUSY, BEGUN, { untilInterrupted: true }, stopped, IDLE], 1);
  const interrupted = await client.call("interrupt_kernel", { conversation });
  expect(interrupted.text).toMatch(/^Interrupted strange [0-9a-f]{8}\.\ne2 · error/);
});

test("a kernel that does not react to an interrupt is said not to, and a restart ends its run", async () => {
  await using client = await connect();
  const { conversation, run } = await start(client);
  const begun = await run([BUSY, BEGUN, print("begun\n")], 1);
  expect(begun.execution.state).toBe("running");
  const interrupted = await client.call("interrupt_kernel", { conversation });
  expect(interrupted.text).toMatch(
    /e2 · running[\s\S]*Next: It has not reacted yet\. .*restart_kernel stops it for good/,
  );
  const restarted = await client.call("restart_kernel", { conversation });
  expect(restarted.text).toContain("lost with it: e2");
  expect((await run([BUSY, OK, IDLE])).execution).toMatchObject({
    state: "ok",
    generation: 2,
  });
});

test("a display is updated in its place", async () => {
  await using client = await connect();
  const { run } = await start(client);
  const transient = { display_id: "d" };
  const shown = { data: { "text/plain": "0 %" }, metadata: {}, transient };
  const updated = { ...shown, data: { "text/plain": "100 %" } };
  const result = await run([
    BUSY,
    iopub("display_data", shown),
    print("between\n"),
    iopub("update_display_data", updated),
    OK,
    IDLE,
  ]);
  expect(result.text).toMatch(/\n100 %\nbetween$/);
});

/** A whole run of a kernel that signs each of its messages with a session of its own. */
const signed = (count: number) =>
  [
    BUSY,
    print("a\n"),
    print("b\n"),
    reply({ status: "ok", execution_count: count }),
    IDLE,
  ].map((step) => ({ ...step, session: crypto.randomUUID() }));

test("a kernel that signs each message with another session is not taken for a new process each time", async () => {
  await using client = await connect();
  const { run } = await start(client, signed(1));
  for (const count of [2, 3])
    expect((await run(signed(count))).execution.generation).toBe(1);
  expect((await run(signed(1))).execution.generation).toBe(2);
});

test("a kernel that answers no question about code is told of, and runs on", async () => {
  await using client = await connect();
  const { conversation, run } = await start(client);
  await run([BUSY, { ignore: ["inspect_request", "complete_request"] }, OK, IDLE]);
  for (const mode of ["help", "complete"]) {
    const asked = { conversation, code: "x", mode };
    const answer = await client.call("inspect_code", asked);
    expect(answer.isError).toBe(true);
    expect(answer.text).toMatch(/^Kernel \w+ did not answer within 10 s\./);
  }
  const listed = await client.call("list_variables", { conversation });
  expect(listed.text).toMatch(/^The variables of strange \(.*\) cannot be listed/);
  expect((await run([BUSY, print("here\n"), OK, IDLE])).text).toContain("here");
});
