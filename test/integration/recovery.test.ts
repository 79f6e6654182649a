import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { expect, test } from "vitest";
import type { Called, McpClient } from "../support/mcp-client.ts";
import {
  attachOther,
  connect,
  controlUrl,
  cutConnections,
  doTo,
  eventually,
  jupyter,
  whileJupyterIs,
  stubOf,
} from "./support.ts";

const COUNT = (lines: number, pause: number) =>
  `import time\nfor i in range(${lines}):\n    print(f"line {i}", flush=True)\n    time.sleep(${pause})`;

function linesOf(text: string): number[] {
  return Array.from(text.matchAll(/^line (\d+)$/gm), (match) => Number(match[1]));
}

/** Begins to count, and waits until some of it was seen: a busy machine takes seconds to start a kernel. */
async function counting(client: McpClient, lines: number): Promise<Called> {
  const begun = await client.call("run_code", {
    code: COUNT(lines, 0.1),
    wait_seconds: 0,
  });
  const { conversation, execution } = begun.execution;
  return eventually(
    () => client.call("get_output", { conversation, execution, wait_seconds: 0 }),
    ({ text }) => linesOf(text).length > 0,
  );
}

async function connectionsOf(kernel: string): Promise<number> {
  const answer = await jupyter(`/api/kernels/${kernel}`);
  const { connections } = await answer.json<{ connections: number }>();
  return connections;
}

function expectCompleteOrMarked(
  result: { text: string; execution: { possiblyIncomplete: boolean } },
  lines: number,
) {
  const seen = linesOf(result.text);
  expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => a - b));
  if (seen.length < lines) expect(result.execution.possiblyIncomplete).toBe(true);
}

test("a run survives a crash of its object: the alarm brings it back, and the result says what may be missing", async () => {
  await using client = await connect();
  const begun = await counting(client, 40);
  const { conversation, execution } = begun.execution;
  await abortAllDurableObjects();
  expect(await runDurableObjectAlarm(await stubOf(conversation))).toBe(true);
  const ended = await client.call("get_output", { conversation, execution });
  expect(ended.execution.state).toBe("ok");
  expect(ended.execution.possiblyIncomplete).toBe(true);
  expect(ended.text).toContain(
    "Output possibly incomplete: the connection to Jupyter was lost while it ran",
  );
  expectCompleteOrMarked(ended, 40);
  expect(linesOf(ended.text).at(-1)).toBe(39);
});

test("a run that ended while its object was down is found ended", async () => {
  await using client = await connect();
  const begun = await counting(client, 15);
  const { conversation, execution, kernel } = begun.execution;
  await abortAllDurableObjects();
  await eventually(
    async () =>
      (await jupyter(`/api/kernels/${kernel}`)).json<{ execution_state: string }>(),
    ({ execution_state }) => execution_state === "idle",
  );
  const ended = await client.call("get_output", { conversation, execution });
  expect(["ok", "lost"]).toContain(ended.execution.state);
  expectCompleteOrMarked(ended, 15);
});

test("connections that are cut in the middle of a run are opened again", async () => {
  await using client = await connect();
  const begun = await counting(client, 40);
  const { conversation, execution } = begun.execution;
  await cutConnections();
  const ended = await client.call("get_output", { conversation, execution });
  expect(ended.execution).toMatchObject({ state: "ok", possiblyIncomplete: true });
  expectCompleteOrMarked(ended, 40);
});

test("an object whose runs have ended lets go of its socket, and loses nothing that comes later", async () => {
  await using client = await connect();
  const file = `${crypto.randomUUID()}.txt`;
  const code = [
    "import threading, time",
    "def later():",
    "    time.sleep(4)",
    "    print('after the eviction', flush=True)",
    "    time.sleep(0.5)",
    `    open('${file}', 'w').close()`,
    "threading.Thread(target=later).start()",
  ].join("\n");
  const { conversation, execution, kernel } = (await client.call("run_code", { code }))
    .execution;
  await eventually(
    () => connectionsOf(kernel!),
    (connections) => connections === 0,
  );
  // This would hang for half a minute, and fail, if a socket were still open.
  await evictDurableObject(await stubOf(conversation));
  await eventually(
    async () => (await jupyter(`/api/contents/${file}`)).status,
    (status) => status === 200,
  );
  const late = await client.call("get_output", { conversation, execution });
  expect(late.text).toContain("after the eviction");
  expect(late.execution).toMatchObject({ state: "ok", possiblyIncomplete: false });
});

test("a prompt that was open when its object crashed can still be answered", async () => {
  await using client = await connect();
  const asked = await client.call("run_code", { code: "print('got', input('Name? '))" });
  const { conversation, execution } = asked.execution;
  await abortAllDurableObjects();
  const answered = await client.call("send_input", {
    conversation,
    execution,
    text: "Ada",
  });
  expect(answered.execution).toMatchObject({ state: "ok", possiblyIncomplete: true });
  expect(answered.text).toContain("got Ada");
});

test("a call that waits while its conversation is ended is told so", async () => {
  await using client = await connect();
  const { conversation } = (await client.call("run_code", { code: "1" })).execution;
  const waiting = client.call("run_code", {
    code: "import time; time.sleep(20)",
    conversation,
  });
  await eventually(
    () => client.call("get_output", { conversation }),
    ({ text }) => text.includes("e2 · running"),
  );
  const ended = await client.call("end_conversation", {
    conversation,
    shutdown_kernels: true,
  });
  expect(ended.text).toContain("Was unfinished: e2");
  const told = await waiting;
  expect(told.isError).toBe(true);
  expect(told.text).toContain(`There is no conversation ${conversation}`);
});

test("while another client is attached, a lost connection is said to have cost output", async () => {
  await using client = await connect();
  const begun = await counting(client, 30);
  const { conversation, execution, kernel } = begun.execution;
  const other = await attachOther(kernel!);
  await abortAllDurableObjects();
  const ended = await client.call("get_output", { conversation, execution });
  expect(ended.execution.possiblyIncomplete).toBe(true);
  expect(ended.text).toContain(
    "Jupyter counted another connection, and then keeps nothing",
  );
  expect(["ok", "lost"]).toContain(ended.execution.state);
  await other.close();
});

test("Jupyter down for longer than six alarms, while a run is unfinished, and then back", async () => {
  await using client = await connect();
  const begun = await counting(client, 60);
  const { conversation, execution } = begun.execution;
  const stub = await stubOf(conversation);
  await whileJupyterIs("down", async () => {
    for (let alarm = 0; alarm < 8; alarm += 1) {
      expect(await runDurableObjectAlarm(stub)).toBe(true);
    }
    const waiting = await client.call("get_output", {
      conversation,
      execution,
      wait_seconds: 0,
    });
    expect(waiting.execution.state).toBe("running");
    expect(waiting.text).toMatch(/cannot be reached.*Still trying/);
  });
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  const ended = await client.call("get_output", {
    conversation,
    execution,
    wait_seconds: 50,
  });
  expect(ended.execution).toMatchObject({ state: "ok", possiblyIncomplete: true });
  expect(linesOf(ended.text).at(-1)).toBe(59);
});

test("a conversation that nobody used for its time is forgotten", async () => {
  await using client = await connect();
  const { conversation } = (await client.call("run_code", { code: "1" })).execution;
  const stub = await stubOf(conversation);
  // The first alarm looks after the run, which has ended; the next one is the expiry, a month ahead.
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  const still = await client.call("run_code", { code: "2", conversation });
  expect(still.execution.state).toBe("ok");
});

test("a crash of the object while run_code waits neither runs the code twice nor loses it", async () => {
  await using client = await connect();
  const { conversation } = (await client.call("run_code", { code: "count = 0" }))
    .execution;
  const running = client.call("run_code", {
    code: "count += 1\nimport time; time.sleep(3)\nprint('count is', count)",
    conversation,
  });
  await eventually(
    () => client.call("get_output", { conversation }),
    ({ text }) => text.includes("e2 · running"),
  );
  await abortAllDurableObjects();
  const result = await running;
  expect(result.execution).toMatchObject({
    execution: "e2",
    state: "ok",
    possiblyIncomplete: true,
  });
  expect(result.text).toContain("count is 1");
  expect((await client.call("run_code", { code: "count", conversation })).text).toMatch(
    /\n1$/,
  );
});

test("a crash in the middle of an alarm leaves the run looked after", async () => {
  await using client = await connect();
  const { conversation } = (await client.call("run_code", { code: "1" })).execution;
  await client.call("run_code", {
    code: "import time; time.sleep(60)",
    conversation,
    wait_seconds: 1,
  });
  const stub = await stubOf(conversation);
  await whileJupyterIs("slow", async () => {
    const alarm = runDurableObjectAlarm(stub).catch(() => null);
    // The alarm waits for Jupyter by now, and Jupyter answers in twenty seconds.
    await eventually(
      async () => (await fetch(controlUrl("/waiting"))).json<number>(),
      (waiting) => waiting > 0,
    );
    await abortAllDurableObjects();
    await alarm;
  });
  const due = await runInDurableObject(await stubOf(conversation), (_instance, state) =>
    state.storage.sql.exec("SELECT name FROM due_times WHERE name = 'watch'").toArray(),
  );
  expect(due).toEqual([{ name: "watch" }]);
  await client.call("interrupt_kernel", { conversation });
});

const THREAD = (lines: number, pause: number) =>
  `import threading, time
def later():
    for i in range(${lines}):
        time.sleep(${pause})
        print(f"line {i}", flush=True)
thread = threading.Thread(target=later)
thread.start()`;

test("what a thread prints one by one after its run keeps the connection, and is all there", async () => {
  await using client = await connect();
  const { conversation, execution, kernel } = (
    await client.call("run_code", { code: THREAD(60, 0.05) })
  ).execution;
  // Longer than a socket lingers: without a line in between it would be closed by then.
  await eventually(
    () => connectionsOf(kernel ?? ""),
    (connections) => connections === 0,
  );
  const read = await client.call("get_output", { conversation, execution });
  expect(linesOf(read.text)).toEqual(Array.from({ length: 60 }, (_, line) => line));
  expect(read.execution.possiblyIncomplete).toBe(false);
});

test("what a thread prints is all there, though other clients connect to its kernel meanwhile", async () => {
  await using client = await connect();
  const { conversation, execution, kernel } = (
    await client.call("run_code", { code: THREAD(60, 0.05) })
  ).execution;
  // The kernel gives what is printed then to what it was asked last: a client asks as it connects.
  for (let other = 0; other < 3; other += 1) {
    const attached = await attachOther(kernel ?? "");
    await attached.close();
  }
  const read = await eventually(
    () => client.call("get_output", { conversation, execution }),
    ({ text }) => text.includes("line 59"),
  );
  expect(linesOf(read.text)).toEqual(Array.from({ length: 60 }, (_, line) => line));
});

test("what a thread prints for somebody else, who ran code since, is not taken for ours", async () => {
  await using client = await connect();
  const { conversation, execution, kernel } = (
    await client.call("run_code", { code: "print('ours')" })
  ).execution;
  await using other = await connect();
  const theirs = await other.call("run_code", {
    kernel: kernel ?? "",
    code: THREAD(40, 0.05),
  });
  await (await attachOther(kernel ?? "")).close();
  const read = await eventually(
    () =>
      other.call("get_output", {
        conversation: theirs.execution.conversation,
        execution: theirs.execution.execution,
      }),
    ({ text }) => text.includes("line 39"),
  );
  expect(linesOf(read.text)).toEqual(Array.from({ length: 40 }, (_, line) => line));
  const own = await client.call("get_output", { conversation, execution });
  expect(own.text).toMatch(/ours$/);
});

test("what a thread prints while connections are opened again and again is there, or marked", async () => {
  await using client = await connect();
  const { conversation, execution } = (
    await client.call("run_code", { code: THREAD(16, 0.4) })
  ).execution;
  const stub = await stubOf(conversation);
  const read = await eventually(
    async () => {
      await evictDurableObject(stub);
      return client.call("get_output", { conversation, execution });
    },
    ({ text }) => text.includes("line 15"),
  );
  expectCompleteOrMarked(read, 16);
});

test("what a thread prints while its object comes back and other clients connect is there, or marked", async () => {
  await using client = await connect();
  const { conversation, execution, kernel } = (
    await client.call("run_code", { code: THREAD(16, 0.4) })
  ).execution;
  const stub = await stubOf(conversation);
  const read = await eventually(
    async () => {
      await evictDurableObject(stub);
      await client.call("get_output", { conversation, execution });
      await (await attachOther(kernel ?? "")).close();
      return client.call("get_output", { conversation, execution });
    },
    ({ text }) => text.includes("line 15"),
  );
  expectCompleteOrMarked(read, 16);
});

test("what a thread prints while another client is attached and nobody listens is said to be missing", async () => {
  await using client = await connect();
  const { conversation, execution, kernel } = (
    await client.call("run_code", { code: "1" })
  ).execution;
  const other = await attachOther(kernel!);
  await eventually(
    () => connectionsOf(kernel!),
    (connections) => connections === 1,
  );
  const read = await client.call("get_output", { conversation, execution });
  expect(read.text).toContain(
    "Another client is attached: what was printed after the end",
  );
  await other.close();
});

test("after a restart that a crash had made uncertain, the object rests and answers fast again", async () => {
  await using client = await connect();
  const { conversation, kernel } = (await client.call("run_code", { code: "1" }))
    .execution;
  await client.call("run_code", {
    code: "import time; time.sleep(60)",
    conversation,
    wait_seconds: 1,
  });
  await abortAllDurableObjects();
  await client.call("get_output", { conversation, execution: "e2", wait_seconds: 1 });
  await client.call("restart_kernel", { conversation });
  const next = await client.call("run_code", { code: "print('again')", conversation });
  expect(next.text).toContain("again");
  await eventually(
    () => connectionsOf(kernel!),
    (connections) => connections === 0,
  );
  await evictDurableObject(await stubOf(conversation));
});

test("what a thread prints into a connection that is cut is said to be missing", async () => {
  await using client = await connect();
  const { conversation, execution, kernel } = (
    await client.call("run_code", { code: THREAD(40, 0.05) })
  ).execution;
  await cutConnections();
  await eventually(
    () => connectionsOf(kernel ?? ""),
    (connections) => connections === 0,
  );
  const read = await client.call("get_output", { conversation, execution });
  expect(read.execution).toMatchObject({ state: "ok", possiblyIncomplete: true });
  expect(read.text).toContain("was lost after its end");
});

test("what a thread printed before a crash of its object is said to be missing", async () => {
  await using client = await connect();
  const { conversation, execution } = (
    await client.call("run_code", { code: THREAD(40, 0.05) })
  ).execution;
  await abortAllDurableObjects();
  const read = await client.call("get_output", { conversation, execution });
  expect(read.execution).toMatchObject({ state: "ok", possiblyIncomplete: true });
});

test("what a thread printed last in a kernel that ends is said to be missing", async () => {
  await using client = await connect();
  const { conversation, execution, kernel } = (
    await client.call("run_code", { code: THREAD(400, 0.05) })
  ).execution;
  await jupyter(`/api/kernels/${kernel}`, { method: "DELETE" });
  const next = await client.call("run_code", { code: "1", conversation });
  expect(next.text).toMatch(/^Kernel .* is gone/);
  const read = await client.call("get_output", { conversation, execution });
  expect(read.execution).toMatchObject({ state: "ok", possiblyIncomplete: true });
  expect(read.text).toContain("its kernel ended soon after it");
});

test("a connection that brings nothing while its kernel is busy is given up, though Jupyter counts it", async () => {
  await using client = await connect();
  const { conversation, execution, kernel } = (await counting(client, 600)).execution;
  const read = () =>
    client.call("get_output", { conversation, execution, wait_seconds: 0 });
  await doTo(kernel ?? "", { do: "halfOpen", isJupyterTold: false });
  const last = linesOf((await read()).text).at(-1) ?? 0;
  const stub = await stubOf(conversation);
  const later = await eventually(
    async () => {
      await runDurableObjectAlarm(stub);
      return read();
    },
    ({ text }) => (linesOf(text).at(-1) ?? 0) > last + 20,
    50_000,
  );
  expect(later.execution).toMatchObject({ state: "running", possiblyIncomplete: true });
  await client.call("interrupt_kernel", { conversation });
});

test("a slow connection with much to deliver is not given up, and brings all of it", async () => {
  await using client = await connect();
  const first = (await client.call("run_code", { code: "1" })).execution;
  const { conversation, kernel } = first;
  await doTo(kernel ?? "", { do: "throttle", bytesPerSecond: 60_000 });
  // More than half a minute of it, longer than silence is borne.
  const code = "for i in range(200): print(f'line {i}\\n' + 'y' * 10_000, flush=True)";
  const begun = await client.call("run_code", { code, conversation, wait_seconds: 50 });
  const { execution } = begun.execution;
  const ended = await client.call("get_output", {
    conversation,
    execution,
    wait_seconds: 50,
  });
  expect(ended.execution).toMatchObject({ state: "ok", possiblyIncomplete: false });
  const printed = await runInDurableObject(await stubOf(conversation), ({ journal }) =>
    Array.from(journal.items(Number(execution.slice(1))), ({ item }) =>
      item.type === "stream" ? item.text : "",
    ).join(""),
  );
  expect(linesOf(printed)).toEqual(Array.from({ length: 200 }, (_, line) => line));
  await doTo(kernel ?? "", { do: "calm" });
}, 120_000);

test("a run ends whose connection Jupyter counts long after it was lost", async () => {
  await using client = await connect();
  const { conversation, execution, kernel } = (await counting(client, 30)).execution;
  await doTo(kernel ?? "", { do: "lateClose", ms: 20_000 });
  const ended = await client.call("get_output", {
    conversation,
    execution,
    wait_seconds: 50,
  });
  expect(["ok", "lost"]).toContain(ended.execution.state);
  expectCompleteOrMarked(ended, 30);
});
