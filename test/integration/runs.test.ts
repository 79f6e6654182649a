import { expect, test } from "vitest";
import { connect, eventually, jupyter, stubOf } from "./support.ts";

const COUNT_SLOWLY = (lines: number, pause: number) =>
  `import time\nfor i in range(${lines}):\n    print(f"line {i}", flush=True)\n    time.sleep(${pause})`;

/** The numbers of the lines that {@link COUNT_SLOWLY} printed, as far as `text` shows them. */
function linesOf(text: string): number[] {
  return Array.from(text.matchAll(/^line (\d+)$/gm), (match) => Number(match[1]));
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

test("variables persist between calls and between clients of both eras", async () => {
  await using modern = await connect("modern");
  await using legacy = await connect("legacy");
  await using first = await connect("first");
  const { execution } = await modern.call("run_code", { code: "x = 40" });
  const { conversation } = execution;
  await legacy.call("run_code", { code: "x += 1", conversation });
  const result = await first.call("run_code", { code: "x + 1", conversation });
  expect(result.text).toMatch(
    /^e3 · ok · [\d.]+ s · python3 [0-9a-f]{8} · c_[a-z2-7]{10}\n42$/,
  );
  expect(result.isError).toBe(false);
});

test("a new conversation says that it is new, and an unknown handle is an error that starts nothing", async () => {
  await using client = await connect();
  const started = await client.call("run_code", { code: "1" });
  const { conversation } = started.execution;
  expect(started.text.split("\n")[1]).toBe(
    `New conversation ${conversation}: no earlier variables are there. Pass it as conversation in the next call.`,
  );
  const unknown = await client.call("run_code", {
    code: "1",
    conversation: "c_aaaaaaaaaa",
  });
  expect(unknown.isError).toBe(true);
  expect(unknown.text).toMatch(
    /no conversation c_aaaaaaaaaa[\s\S]*Next: Call list_conversations/,
  );
  const stub = await stubOf("c_aaaaaaaaaa");
  expect(await stub.listKernels()).toMatchObject({
    failure: { code: "conversation_not_found" },
  });
});

test("another conversation attaches to a kernel and finds its variables", async () => {
  await using client = await connect();
  const { execution } = await client.call("run_code", { code: "shared = 'here'" });
  const kernel = execution.kernel!.slice(0, 8);
  const other = await client.call("run_code", { code: "shared", kernel });
  expect(other.execution.conversation).not.toBe(execution.conversation);
  expect(other.execution.kernel).toBe(execution.kernel);
  expect(other.text).toContain("'here'");
});

test("a run longer than its wait comes back as running, and get_output reads on without losing or doubling a line", async () => {
  await using client = await connect();
  const begun = await client.call("run_code", {
    code: COUNT_SLOWLY(30, 0.1),
    wait_seconds: 1,
  });
  expect(begun.execution.state).toBe("running");
  expect(begun.text).toContain("Next: It goes on running. get_output");
  const { conversation, execution } = begun.execution;
  const seen = linesOf(begun.text);
  let after = begun.execution.position;
  let state = "running";
  while (state === "running") {
    const more = await client.call("get_output", {
      conversation,
      execution,
      after,
      wait_seconds: 1,
    });
    seen.push(...linesOf(more.text));
    after = more.execution.position;
    state = more.execution.state;
  }
  expect(seen).toEqual(range(30));
  const whole = await client.call("get_output", { conversation, execution });
  expect(linesOf(whole.text)).toEqual(range(30));
});

test("progress tells the output as it happens", async () => {
  for (const kind of ["modern", "legacy", "first"] as const) {
    await using client = await connect(kind);
    const told: string[] = [];
    const result = await client.call(
      "run_code",
      { code: COUNT_SLOWLY(10, 0.2) },
      (message) => told.push(message),
    );
    expect(linesOf(result.text)).toEqual(range(10));
    expect(linesOf(told.join("\n"))).toEqual(expect.arrayContaining([0, 1, 2, 3]));
    expect(told.length).toBeGreaterThan(3);
  }
});

test("a client that disconnects in the middle of a run gets everything later from a new connection", async () => {
  await using client = await connect();
  const { conversation } = (await client.call("run_code", { code: "1" })).execution;
  {
    await using leaving = await connect();
    const left = new AbortController();
    const call = leaving.call(
      "run_code",
      { code: COUNT_SLOWLY(20, 0.1), conversation },
      (message) => {
        if (linesOf(message).length > 0) left.abort();
      },
      left.signal,
    );
    await expect(call).rejects.toThrow();
  }
  await using later = await connect();
  const result = await later.call("get_output", { conversation, execution: "e2" });
  expect(result.execution.state).toBe("ok");
  expect(linesOf(result.text)).toEqual(range(20));
});

test("what was printed before an exception is shown with the traceback, and the result is an error", async () => {
  await using client = await connect();
  const result = await client.call("run_code", {
    code: "print('before', flush=True)\nimport sys\nprint('warned', file=sys.stderr)\n1/0",
  });
  expect(result.isError).toBe(true);
  expect(result.text).toMatch(
    /before\nwarned\n[\s\S]*Traceback[\s\S]*ZeroDivisionError: division by zero/,
  );
  expect(result.text).not.toContain("\u001b");
});

test("a run that is queued behind a failing one is aborted, another client's too", async () => {
  await using client = await connect();
  const { conversation, kernel } = (await client.call("run_code", { code: "1" }))
    .execution;
  const failing = client.call("run_code", {
    code: "import time; time.sleep(1.5); 1/0",
    conversation,
  });
  const listed = () => client.call("get_output", { conversation });
  await eventually(listed, ({ text }) => text.includes("e2 · running"));
  const queued = client.call("run_code", { code: "print('never')", conversation });
  const foreign = client.call("run_code", { code: "print('never')", kernel });
  expect((await failing).isError).toBe(true);
  for (const result of [await queued, await foreign]) {
    expect(result.execution.state).toBe("aborted");
    expect(result.isError).toBe(true);
    expect(result.text).toContain(
      "Not run: a run before it, perhaps another client's, failed.",
    );
    expect(result.text).not.toContain("never\n");
  }
});

test("a run behind another one says what it is queued behind", async () => {
  await using client = await connect();
  const begun = await client.call("run_code", {
    code: "import time; time.sleep(2)",
    wait_seconds: 0,
  });
  const { conversation } = begun.execution;
  const queued = await client.call("run_code", {
    code: "2",
    conversation,
    wait_seconds: 0,
  });
  expect(queued.text).toContain("Queued behind e1 on the same kernel.");
  const done = await client.call("get_output", { conversation, execution: "e2" });
  expect(done.text).toMatch(/^e2 · ok/);
});

test("kernel: python on ten calls in a row is one kernel, and new:python is another", async () => {
  await using client = await connect();
  const first = await client.call("run_code", { code: "n = 0", kernel: "python" });
  const { conversation, kernel } = first.execution;
  for (let call = 0; call < 9; call += 1) {
    const next = await client.call("run_code", {
      code: "n += 1; n",
      conversation,
      kernel: "python",
    });
    expect(next.execution.kernel).toBe(kernel);
  }
  const other = await client.call("run_code", {
    code: "'n' in globals()",
    conversation,
    kernel: "new:python",
  });
  expect(other.execution.kernel).not.toBe(kernel);
  expect(other.text).toContain("False");
  const back = await client.call("run_code", {
    code: "n",
    conversation,
    kernel: kernel!.slice(0, 6),
  });
  expect(back.text).toContain("9");
});

test("calls that come at once start one kernel and run in their order", async () => {
  await using client = await connect();
  const { conversation } = (await client.call("run_code", { code: "seen = []" }))
    .execution;
  const calls = range(5).map((n) =>
    client.call("run_code", {
      code: `seen.append(${n})`,
      conversation,
      kernel: "python",
    }),
  );
  const kernels = new Set(
    (await Promise.all(calls)).map(({ execution }) => execution.kernel),
  );
  expect(kernels.size).toBe(1);
  const result = await client.call("run_code", { code: "seen", conversation });
  expect(result.text).toContain("[0, 1, 2, 3, 4]");
});

test("output that a thread prints after the run has ended is found with get_output", async () => {
  await using client = await connect();
  const code = [
    "import threading, time",
    "def later():",
    "    time.sleep(0.7)",
    "    print('from the thread')",
    "threading.Thread(target=later).start()",
  ].join("\n");
  const result = await client.call("run_code", { code });
  expect(result.execution.state).toBe("ok");
  expect(result.text).not.toContain("from the thread");
  const { conversation, execution } = result.execution;
  await eventually(
    () => client.call("get_output", { conversation, execution }),
    ({ text }) => text.includes("from the thread"),
  );
});

test("twenty conversations at the same time each keep their own state", async () => {
  await using client = await connect();
  const started = await Promise.all(
    range(20).map((n) =>
      client.call("run_code", { code: `mine = ${n}`, wait_seconds: 50 }),
    ),
  );
  const handles = await Promise.all(
    started.map(({ execution: { conversation, execution } }) =>
      client.call("get_output", { conversation, execution, wait_seconds: 50 }),
    ),
  );
  expect(new Set(handles.map(({ execution }) => execution.kernel)).size).toBe(20);
  const results = await Promise.all(
    handles.map(({ execution }) =>
      client.call("run_code", {
        code: "print('mine is', mine)",
        conversation: execution.conversation,
      }),
    ),
  );
  results.forEach(({ text }, n) => expect(text).toContain(`mine is ${n}`));
  await Promise.all(
    handles.map(({ execution }) =>
      client.call("end_conversation", {
        conversation: execution.conversation,
        shutdown_kernels: true,
      }),
    ),
  );
}, 180_000);

test("a conversation that has ended is forgotten, and its kernel stays unless it is asked to go", async () => {
  await using client = await connect();
  const { conversation, kernel } = (await client.call("run_code", { code: "kept = 1" }))
    .execution;
  const ended = await client.call("end_conversation", { conversation });
  expect(ended.text).toContain("Still running: python3");
  expect((await client.call("run_code", { code: "1", conversation })).isError).toBe(true);
  expect((await client.call("list_conversations", {})).text).not.toContain(conversation);
  const other = await client.call("run_code", { code: "kept", kernel: kernel! });
  expect(other.text).toContain("1");
  const gone = await client.call("end_conversation", {
    conversation: other.execution.conversation,
    shutdown_kernels: true,
  });
  expect(gone.text).toContain("Still running: python3");
  expect((await jupyter(`/api/kernels/${kernel}`)).status).toBe(200);
  await client.call("shutdown_kernel", { kernel: kernel! });
  expect((await jupyter(`/api/kernels/${kernel}`)).status).toBe(404);
});

test("list_conversations says what ran last and what still runs", async () => {
  await using client = await connect();
  const begun = await client.call("run_code", {
    code: "import time; time.sleep(3)",
    wait_seconds: 0,
  });
  const { conversation, execution } = begun.execution;
  const listed = await eventually(
    () => client.call("list_conversations", {}),
    ({ text }) => text.includes(conversation) && text.includes("unfinished: e1"),
  );
  expect(listed.text).toContain("import time; time.sleep(3)");
  expect(listed.meta["jupyter-edge/conversations"]).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ conversation, unfinished: ["e1"] }),
    ]),
  );
  await client.call("interrupt_kernel", { conversation });
  expect(
    (await client.call("get_output", { conversation, execution })).execution.state,
  ).toBe("error");
});

test.for([
  ["code that is empty", { code: " \n" }, /no code to run/],
  [
    "4 MB of code",
    { code: "#".repeat(4_000_000) },
    /4000000 bytes; the limit is 1000000/,
  ],
  [
    "a kernelspec that is not installed",
    { code: "1", kernel: "cobol" },
    /No installed kernel is called or speaks "cobol"[\s\S]*python3 \(python\)/,
  ],
  [
    "a kernel that does not run",
    { code: "1", kernel: "deadbeef" },
    /no kernel deadbeef[\s\S]*Next: Call list_kernels/,
  ],
  [
    "a handle that is none",
    { code: "1", conversation: "'; DROP TABLE" },
    /no conversation/,
  ],
  ["a wait that is too long", { code: "1", wait_seconds: 500 }, /wait_seconds/],
  ["an argument that does not exist", { code: "1", timeout: 5 }, /timeout/],
] as const)("run_code with %s is a clear error", async ([, args, message]) => {
  await using client = await connect();
  const before = (await client.call("list_conversations", { limit: 200 })).text;
  const result = await client.call("run_code", args).catch((error: unknown) => ({
    isError: true,
    text: String(error),
  }));
  expect(result.isError).toBe(true);
  expect(result.text).toMatch(message);
  const after = (await client.call("list_conversations", { limit: 200 })).text;
  expect(after.match(/^c_/gm)?.length).toBe(before.match(/^c_/gm)?.length);
});

test("bad requests to a conversation are clear errors and lose nothing", async () => {
  await using client = await connect();
  const { conversation } = (
    await client.call("run_code", { code: "v = 'still here'; print(v)" })
  ).execution;
  for (const [tool, args, message] of [
    ["get_output", { execution: "e99" }, /no execution e99 here; the latest is e1/],
    ["get_output", { execution: "latest" }, /no execution latest/],
    ["get_output", { execution: "e1", find: "(" }, /not a valid regular expression/],
    ["get_output", { execution: "e1", find: "(a)\\1" }, /not a valid regular expression/],
    ["get_output", { execution: "e1", image: 3 }, /no image 3; the output has 0/],
    [
      "send_input",
      { execution: "e1", text: "x" },
      /e1 does not wait for input; its state is ok/,
    ],
    ["interrupt_kernel", { kernel: "cobol" }, /no kernel cobol/],
    ["shutdown_kernel", { kernel: "feedc0de" }, /no kernel feedc0de/],
  ] as const) {
    const result = await client.call(tool, { conversation, ...args });
    expect(result.isError, `${tool} ${JSON.stringify(args)}`).toBe(true);
    expect(result.text).toMatch(message);
    expect(result.text).toMatch(/\nNext: /);
  }
  const waited = await client.call("get_output", {
    conversation,
    execution: "e1",
    wait_seconds: 50,
  });
  expect(waited.text).toContain("still here");
  expect((await client.call("run_code", { code: "v", conversation })).text).toContain(
    "still here",
  );
});
