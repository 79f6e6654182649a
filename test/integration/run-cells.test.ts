import { expect, test } from "vitest";
import type { Called } from "../support/mcp-client.ts";
import { fileText, notebookOf, putText, validated } from "./notebook-support.ts";
import { connect, eventually, jupyter } from "./support.ts";

type Client = Awaited<ReturnType<typeof connect>>;

async function created(client: Client, path: string, sources: readonly string[]) {
  const cells = sources.map((source) => ({ cell_type: "code", source }));
  return notebookOf(await client.call("create_notebook", { path, cells }));
}

async function storedCells(path: string) {
  // Jupyter empties a file before it writes it.
  const text = await eventually(
    () => fileText(path),
    (read) => read.endsWith("}\n"),
  );
  return JSON.parse(text).cells;
}

function textOf(cell: { outputs: { text?: string[] }[] }): string {
  return cell.outputs.flatMap(({ text }) => text ?? []).join("");
}

test("run_cells runs a notebook in its own kernel and puts outputs and counts into the file", async () => {
  await using client = await connect();
  const path = "runs/all.ipynb";
  await created(client, path, [
    "x = 20\nprint('one')\nprint('two')",
    "x + 1",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()",
    "import pandas as pd\npd.DataFrame({'a': [1, 2]})",
  ]);
  const run = await client.call("run_cells", { path, cells: "all" });
  expect(run.isError, run.text).toBe(false);
  expect(run.text).toMatch(/^e1 · ok · /);
  expect(run.text).toMatch(/4 of 4 cells run/);
  expect(run.text).toMatch(/── 2 \w+ \[2\]\n21/);
  expect(run.images).toHaveLength(1);
  expect(notebookOf(run)).toMatchObject({
    path,
    kernel: run.execution.kernel,
    failedCell: null,
  });
  const cells = await storedCells(path);
  expect(cells.map((cell: { execution_count: number }) => cell.execution_count)).toEqual([
    1, 2, 3, 4,
  ]);
  expect(cells[0].outputs).toEqual([
    { name: "stdout", output_type: "stream", text: ["one\n", "two\n"] },
  ]);
  expect(cells[1].outputs[0]).toMatchObject({
    output_type: "execute_result",
    execution_count: 2,
  });
  expect(cells[2].outputs[0].data["image/png"]).toMatch(/^iVBOR/);
  expect(cells[3].outputs[0].data["text/html"].join("")).toContain("<table");
  expect(await validated(client, path)).toBe("valid");
  const outline = await client.call("read_notebook", { path });
  expect(outline.text).toMatch(/4 code \(4 run\)/);
  expect(outline.text).toMatch(/running as python3 \w{8} \(idle\)/);
  expect(notebookOf(outline).kernel).toBe(run.execution.kernel);
  // Running changes no version: an edit that was thought of before still passes.
  expect(notebookOf(outline).version).toBe(notebookOf(run).version);
});

test("run_cells stops at the first failing cell and names it; with on_error it goes on", async () => {
  await using client = await connect();
  const path = "runs/fails.ipynb";
  const made = await created(client, path, [
    "a = 1",
    "print('before')\n1 / 0",
    "print('after')",
  ]);
  const run = await client.call("run_cells", { path, cells: "all" });
  expect(run.isError).toBe(true);
  expect(run.text).toMatch(/2 of 3 cells run · failed: cell 2 \(\w+\) · not run: 1/);
  expect(run.text).toContain("ZeroDivisionError");
  expect(notebookOf(run).failedCell).toBe(made.cells[1]?.id);
  const [, failed, after] = await storedCells(path);
  expect(textOf(failed)).toBe("before\n");
  expect(failed.outputs.at(-1)).toMatchObject({
    output_type: "error",
    ename: "ZeroDivisionError",
  });
  expect(after).toMatchObject({ execution_count: null, outputs: [] });
  const { conversation } = run.execution;
  const goesOn = await client.call("run_cells", {
    path,
    cells: "all",
    conversation,
    on_error: "continue",
  });
  expect(goesOn.isError).toBe(true);
  expect(goesOn.execution.state).toBe("error");
  expect(textOf((await storedCells(path))[2])).toBe("after\n");
  const outline = await client.call("read_notebook", { path });
  expect(outline.text).toMatch(/failed: 2 \w+ ZeroDivisionError: division by zero/);
});

test("a cell of a run may ask for input, and the next one runs once it is answered", async () => {
  await using client = await connect();
  const path = "runs/asks.ipynb";
  await created(client, path, ["name = input('Name? ')", "print('Hello', name)"]);
  const run = await client.call("run_cells", { path, cells: "all" });
  expect(run.execution.state).toBe("waiting for input");
  const { conversation, execution } = run.execution;
  const answered = await client.call("send_input", {
    conversation,
    execution,
    text: "Ada",
  });
  expect(answered.execution.state, answered.text).toBe("ok");
  expect(textOf((await storedCells(path))[1])).toBe("Hello Ada\n");
});

test("a run goes on without its client and writes as it goes; an edit meanwhile is kept", async () => {
  await using client = await connect();
  const path = "runs/long.ipynb";
  const made = await created(client, path, [
    "import time\nfor i in range(16):\n    print('line', i, flush=True)\n    time.sleep(0.4)",
    "print('second')",
    "untouched = True",
  ]);
  const [first, second] = made.cells.map(({ id }) => id);
  const run = await client.call("run_cells", {
    path,
    cells: [first, second],
    wait_seconds: 0,
  });
  expect(run.execution.state).toBe("running");
  const edited = await client.call("edit_notebook", {
    path,
    version: made.version,
    edits: [
      { op: "insert", after: "start", cell_type: "markdown", source: "# Mine" },
      { op: "replace_text", cell: second, old: "second", new: "edited meanwhile" },
      { op: "move", cell: second, after: "start" },
    ],
  });
  expect(edited.isError, edited.text).toBe(false);
  const partial = await eventually(
    async () => {
      const stored = await storedCells(path);
      return textOf(stored.find(({ id }: { id: string }) => id === first));
    },
    (text) => text.includes("line 0"),
  );
  expect(partial).not.toContain("line 15");
  const { conversation, execution } = run.execution;
  const ended = await client.call("get_output", {
    conversation,
    execution,
    wait_seconds: 30,
  });
  expect(ended.execution.state, ended.text).toBe("ok");
  const cells = await storedCells(path);
  const byId = new Map(cells.map((cell: { id: string }) => [cell.id, cell]));
  expect(textOf(byId.get(first) as never)).toContain("line 15");
  expect(textOf(byId.get(second) as never)).toBe("second\n");
  expect((byId.get(second) as { source: string[] }).source.join("")).toBe(
    "print('edited meanwhile')",
  );
  expect(
    cells.map(({ source }: { source: string[] }) => source.join("")).join("\n"),
  ).toContain("# Mine");
  expect(await validated(client, path)).toBe("valid");
});

test("restart with all cells begins with an empty kernel, and a run of a hundred cells is whole", async () => {
  await using client = await connect();
  const path = "runs/hundred.ipynb";
  const sources = Array.from(
    { length: 100 },
    (_, index) => `n = globals().get('n', 0) + 1\nprint(${index}, n)`,
  );
  await created(client, path, sources);
  const once = await client.call("run_cells", { path, cells: "all", wait_seconds: 50 });
  expect(once.execution.state, once.text).toBe("ok");
  const { conversation } = once.execution;
  const again = await client.call("run_cells", {
    path,
    cells: "all",
    conversation,
    restart: true,
    wait_seconds: 50,
  });
  expect(again.execution.state, again.text).toBe("ok");
  expect(again.execution.generation).toBe(2);
  const cells = await storedCells(path);
  for (const [index, cell] of cells.entries()) {
    expect(textOf(cell)).toBe(`${index} ${index + 1}\n`);
    expect(cell.execution_count).toBe(index + 1);
  }
});

test("a run that prints more than a notebook holds leaves one that can be edited, with the gap told", async () => {
  await using client = await connect();
  const path = "runs/large.ipynb";
  const line = "x".repeat(99);
  const { cells: marks } = await created(client, path, [
    `for i in range(300_000): print(i, '${line}')`,
    `from IPython.display import display\nfor i in range(8): display({'image/png': '${"A".repeat(1_000)}' * 2_000}, raw=True)`,
    "print('the end')",
  ]);
  const run = await client.call("run_cells", { path, cells: "all", wait_seconds: 50 });
  expect(run.execution.state, run.text).toBe("ok");
  const cells = await storedCells(path);
  const text = textOf(cells[0]);
  expect(text.slice(0, 204)).toBe(`0 ${line}\n1 ${line}\n`);
  // What is kept of the end depends on how soon the journal outgrows its cap.
  expect(text.match(/\[.*not kept.*\]/g)).not.toBeNull();
  expect(textOf(cells[1])).toMatch(/output was not kept in the notebook/);
  expect(textOf(cells[2])).toBe("the end\n");
  expect((await fileText(path)).length).toBeLessThan(20_000_000);
  const edited = await client.call("edit_notebook", {
    path,
    version: notebookOf(run).version,
    edits: [{ op: "delete", cell: marks[1]?.id }],
  });
  expect(edited.isError, edited.text).toBe(false);
});

test("what arrives late of a cell does not replace the outputs of its next run", async () => {
  await using client = await connect();
  const path = "runs/late.ipynb";
  await created(client, path, [
    `kernel = get_ipython().kernel
parents = globals().get('parents', [])
parents.append(kernel.get_parent())
print('run', len(parents))`,
  ]);
  const first = await client.call("run_cells", { path, cells: "all" });
  const { conversation } = first.execution;
  await client.call("run_cells", { path, cells: "all", conversation });
  // As a kernel does whose threads print under the request that started them.
  const printLate = (run: number) =>
    client.call("run_code", {
      conversation,
      code: `content = {'name': 'stdout', 'text': 'late of ${run}\\n'}
kernel.session.send(kernel.iopub_socket, 'stream', content, parent=parents[${run - 1}])`,
    });
  await printLate(1);
  const late = await eventually(
    () => client.call("get_output", { conversation, execution: "e1" }),
    ({ text }) => text.includes("late of 1"),
  );
  expect(late.text).toContain("run 1\n");
  expect(textOf((await storedCells(path))[0])).toBe("run 2\n");
  await printLate(2);
  await eventually(
    () => client.call("get_output", { conversation, execution: "e2" }),
    ({ text }) => text.includes("late of 2"),
  );
  expect(textOf((await storedCells(path))[0])).toBe("run 2\nlate of 2\n");
});

test("a notebook that is nearly as large as can be edited stays so", async () => {
  await using client = await connect();
  const path = "runs/nearly.ipynb";
  const [first, second] = (
    await created(client, path, [
      `from IPython.display import display\nfor i in range(2): display({'image/png': '${"A".repeat(1_000)}' * 3_000}, raw=True)`,
      "print('the end')",
    ])
  ).cells;
  const notebook = JSON.parse(await fileText(path));
  notebook.metadata.ballast = "b".repeat(18_000_000);
  await putText(path, JSON.stringify(notebook));
  const run = await client.call("run_cells", { path, cells: [first?.id, second?.id] });
  expect(run.execution.state, run.text).toBe("ok");
  const cells = await storedCells(path);
  expect(textOf(cells[0])).toMatch(/^\[output was not kept in the notebook/);
  expect(textOf(cells[1])).toBe("the end\n");
});

test("bad requests are told apart, and run nothing", async () => {
  await using client = await connect();
  const path = "runs/bad.ipynb";
  await created(client, path, ["1"]);
  const said = async (args: Readonly<Record<string, unknown>>): Promise<Called> => {
    const result = await client.call("run_cells", { path, cells: "all", ...args });
    expect(result.isError).toBe(true);
    return result;
  };
  expect((await said({ cells: ["nope"] })).text).toMatch(/has no cell "nope"/);
  expect((await said({ cells: ["2-9"] })).text).toMatch(/the notebook has 1 cell\./);
  expect((await said({ path: "../x.ipynb" })).text).toMatch(
    /is not a path that can be used/,
  );
  expect((await said({ path: "nothing.ipynb" })).text).toMatch(/There is nothing at/);
  expect((await said({ kernel: "cobol" })).text).toMatch(
    /No installed kernel is called or speaks "cobol"/,
  );
  const { text } = await client.call("list_conversations", {});
  expect(text).not.toContain("runs/bad.ipynb");
});

test("what is called for while cells run waits for them all, and cells wait for what runs", async () => {
  await using client = await connect();
  const path = "runs/order.ipynb";
  await created(client, path, [
    "import time; log = globals().get('log', []); log.append('a'); time.sleep(0.3)",
    "log.append('b'); time.sleep(0.3)",
    "log.append('c')",
  ]);
  const first = await client.call("run_cells", { path, cells: "all", wait_seconds: 0 });
  const { conversation } = first.execution;
  const soon = { conversation, wait_seconds: 0 };
  await client.call("run_cells", { ...soon, path, cells: "all" });
  const code = await eventually(
    () => client.call("list_kernels", { conversation }),
    ({ text }) => /python3 \w+/.test(text),
  ).then(() => client.call("run_code", { ...soon, code: "log.append('code')" }));
  expect(code.text).toMatch(/Queued behind e[12]/);
  const last = await client.call("run_cells", { path, cells: "all", conversation });
  expect(last.execution.state, last.text).toBe("ok");
  const log = await client.call("run_code", { conversation, code: "print(*log)" });
  expect(log.text).toContain("a b c a b c code a b c");
});

test("what waits behind cells that fail or are interrupted is aborted, as in the kernel's own queue", async () => {
  await using client = await connect();
  const path = "runs/abort.ipynb";
  await created(client, path, ["x = 1", "import time\nwhile True: time.sleep(0.05)"]);
  const run = await client.call("run_cells", { path, cells: "all", wait_seconds: 1 });
  const { conversation } = run.execution;
  const held = await client.call("run_code", {
    conversation,
    code: "x = 2",
    wait_seconds: 0,
  });
  const stopped = await client.call("interrupt_kernel", { conversation });
  expect(stopped.text).toMatch(/e1/);
  const { execution } = held.execution;
  const seen = await client.call("get_output", {
    conversation,
    execution,
    wait_seconds: 5,
  });
  expect(seen.execution.state).toBe("aborted");
  const x = await client.call("run_code", { conversation, code: "x" });
  expect(x.text).toContain("\n1");
});

test("a notebook's kernel is never exchanged for another one behind anybody's back", async () => {
  await using client = await connect();
  const path = "runs/kernel.ipynb";
  await created(client, path, ["y = 1"]);
  const run = await client.call("run_cells", { path, cells: "all" });
  const { kernel, conversation } = run.execution;
  const other = await client.call("run_code", {
    conversation,
    code: "1",
    kernel: "new:python",
  });
  for (const asked of ["new:python", other.execution.kernel]) {
    const again = { path, cells: "all", kernel: asked, wait_seconds: 0 };
    const refused = await client.call("run_cells", { ...again, conversation });
    expect(refused.isError).toBe(true);
    expect(refused.text).toMatch(
      new RegExp(
        `runs in kernel ${kernel?.slice(0, 8)} \\(python3\\).*variables would be lost.*\\nNext: Leave out kernel.*shutdown_kernel`,
      ),
    );
  }
  const y = await client.call("run_code", { conversation, kernel, code: "y" });
  expect(y.text).toContain("1");
  for (const asked of [kernel, kernel?.slice(0, 6), "python3", "python"]) {
    const args = { path, cells: "all", conversation, kernel: asked };
    const same = await client.call("run_cells", args);
    expect(same.isError, same.text).toBe(false);
    expect(same.execution.kernel).toBe(kernel);
  }
  await client.call("shutdown_kernel", { conversation, kernel });
  const attached = await client.call("run_cells", {
    path,
    cells: "all",
    conversation,
    kernel: other.execution.kernel,
  });
  expect(attached.isError, attached.text).toBe(false);
  expect(attached.execution.kernel).toBe(other.execution.kernel);
});

test("two first runs of a notebook at once share one session and its kernel", async () => {
  await using client = await connect();
  const path = "runs/twice.ipynb";
  await created(client, path, ["z = 1"]);
  const runs = await Promise.all(
    [1, 2, 3].map(() => client.call("run_cells", { path, cells: "all" })),
  );
  const kernels = new Set(runs.map(({ execution }) => execution.kernel));
  expect(kernels.size).toBe(1);
  const sessions = await (await jupyter("/api/sessions")).json<{ path: string }[]>();
  expect(sessions.filter((session) => session.path === path)).toHaveLength(1);
  const news = runs.filter(({ text }) => text.includes("no earlier variables are there"));
  expect(news).toHaveLength(1);
});

test("what cannot run is told at once, however short the call waits", async () => {
  await using client = await connect();
  const path = "runs/short.ipynb";
  await created(client, path, ["1"]);
  for (const [args, message] of [
    [{ cells: ["nope"] }, /has no cell "nope"/],
    [{ path: "runs/none.ipynb" }, /There is nothing at "runs\/none.ipynb"/],
    [{ kernel: "cobol" }, /No installed kernel is called or speaks "cobol"/],
    [{ kernel: "deadbeef" }, /speaks "deadbeef"/],
  ] as const) {
    const all = { path, cells: "all", wait_seconds: 0, ...args };
    const told = await client.call("run_cells", all);
    expect(told.isError).toBe(true);
    expect(told.text).toMatch(message);
  }
});

test("calls at once are run in their order, cells and code", async () => {
  await using client = await connect();
  const path = "runs/at-once.ipynb";
  await created(client, path, [
    "import time; log.append('a'); time.sleep(0.2)",
    "log.append('b')",
  ]);
  const begun = await client.call("run_cells", {
    path,
    cells: ["2"],
    on_error: "continue",
  });
  const { conversation } = begun.execution;
  await client.call("run_code", { conversation, code: "log = []" });
  const cells = () => client.call("run_cells", { path, cells: "all", conversation });
  const code = (name: string) =>
    client.call("run_code", { conversation, code: `log.append('${name}')` });
  await Promise.all([cells(), code("x"), code("y"), cells(), code("z")]);
  const log = await client.call("run_code", { conversation, code: "print(*log)" });
  expect(log.text).toMatch(/\na b x y a b z$/);
});

test("what waits for cells when their kernel is restarted is lost with them, and was never sent", async () => {
  await using client = await connect();
  const path = "runs/restarted.ipynb";
  await created(client, path, ["import time; time.sleep(60)", "1"]);
  const run = await client.call("run_cells", { path, cells: "all", wait_seconds: 1 });
  const { conversation, execution } = run.execution;
  // A kernel may take longer than that to start.
  await eventually(
    () => client.call("get_output", { conversation, execution, wait_seconds: 1 }),
    ({ text }) => text.includes("running: cell 1"),
  );
  const waiting = { conversation, code: "print('ran')", wait_seconds: 0 };
  await client.call("run_code", waiting);
  const restarted = await client.call("restart_kernel", { conversation });
  expect(restarted.text).toMatch(/lost with it: e1, e2/);
  const lost = await client.call("get_output", { conversation, execution: "e2" });
  expect(lost.text).toMatch(
    /Lost: it was never sent.*restart_kernel[\s\S]*Next: Run it again/,
  );
  const next = await client.call("run_code", { conversation, code: "print('next')" });
  expect(next.text).toContain("next");
});

test("what a cell suggests as the next input is shown, and is no output in the file", async () => {
  await using client = await connect();
  const path = "runs/suggests.ipynb";
  await created(client, path, [
    "get_ipython().set_next_input('follow_up()')\nprint('printed')",
  ]);
  const run = await client.call("run_cells", { path, cells: "all" });
  expect(run.text).toMatch(/Suggested next input:\nfollow_up\(\)/);
  const [cell] = await storedCells(path);
  expect(cell.outputs).toHaveLength(1);
  expect(textOf(cell)).toBe("printed\n");
});

test("a conversation that is ended while cells run leaves what there is in the file, and says what will not run", async () => {
  await using client = await connect();
  const path = "runs/ended.ipynb";
  await created(client, path, [
    "import time; print('first', flush=True); time.sleep(60)",
    "2",
    "3",
  ]);
  const run = await client.call("run_cells", { path, cells: "all", wait_seconds: 0 });
  const { conversation } = run.execution;
  await eventually(
    () => client.call("get_output", { conversation, execution: "e1", wait_seconds: 0 }),
    ({ text }) => text.includes("\nfirst"),
  );
  await client.call("run_code", { conversation, code: "4", wait_seconds: 0 });
  const ended = await client.call("end_conversation", {
    conversation,
    shutdown_kernels: true,
  });
  expect(ended.text).toMatch(/Was unfinished: e1, e2/);
  expect(ended.text).toMatch(/e1: 2 cells had not run, and will not\./);
  expect(ended.text).toMatch(/e2 had not begun, and will not run\./);
  expect(textOf((await storedCells(path))[0])).toBe("first\n");
});

test("a cell that became text while it ran is told of", async () => {
  await using client = await connect();
  const path = "runs/retyped.ipynb";
  const made = await created(client, path, [
    "import pathlib, time\nwhile not pathlib.Path('retyped.go').exists(): time.sleep(0.05)\nprint('done')",
  ]);
  const run = await client.call("run_cells", { path, cells: "all", wait_seconds: 1 });
  const { conversation, execution } = run.execution;
  await client.call("edit_notebook", {
    path,
    version: made.version,
    edits: [{ op: "set_type", cell: made.cells[0]?.id, cell_type: "markdown" }],
  });
  await putText("runs/retyped.go", "");
  const ended = await client.call("get_output", {
    conversation,
    execution,
    wait_seconds: 20,
  });
  expect(ended.execution.state).toBe("ok");
  expect(ended.text).toContain(made.cells[0]?.id ?? "no cell");
  expect(ended.text).toMatch(/done/);
});

test("a run that upgrades its notebook says so", async () => {
  await using client = await connect();
  const path = "runs/older.ipynb";
  const cell = { cell_type: "code", metadata: {}, source: "1", outputs: [] };
  const cells = [{ ...cell, execution_count: null }];
  await putText(
    path,
    JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 2 }),
  );
  const run = await client.call("run_cells", { path, cells: "all" });
  expect(run.text).toMatch(/upgraded.*nbformat 4\.2 to 4\.5/i);
});
