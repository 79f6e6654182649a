import { abortAllDurableObjects, runDurableObjectAlarm } from "cloudflare:test";
import { expect, test } from "vitest";
import { fileText, isLive, notebookOf, putText } from "./notebook-support.ts";
import { connect, eventually, jupyter, stubOf, whileJupyterIs } from "./support.ts";

type Client = Awaited<ReturnType<typeof connect>>;
type StoredCell = {
  id: string;
  outputs: { text?: string[] }[];
  execution_count: number | null;
};

const SLOW =
  "import time\nfor i in range(20):\n    print('line', i, flush=True)\n    time.sleep(0.1)";

async function begun(client: Client, path: string, sources: readonly string[]) {
  const cells = sources.map((source) => ({ cell_type: "code", source }));
  await client.call("create_notebook", { path, cells });
  const run = await client.call("run_cells", { path, cells: "all", wait_seconds: 0 });
  const { conversation, execution } = run.execution;
  // A busy machine takes seconds to start a kernel.
  return eventually(
    () => client.call("get_output", { conversation, execution, wait_seconds: 0 }),
    ({ text }) => /^line \d+$/m.test(text),
  );
}

async function texts(path: string): Promise<string[]> {
  const stored: { cells: StoredCell[] } = JSON.parse(await fileText(path));
  return stored.cells.map(({ outputs }) =>
    outputs.flatMap(({ text }) => text ?? []).join(""),
  );
}

test("a run of cells survives a crash of its object: the rest of the cells run, and the file has their outputs", async () => {
  await using client = await connect();
  const path = "crash/run.ipynb";
  const { conversation, execution } = (
    await begun(client, path, [SLOW, "print('second')", "print('third')"])
  ).execution;
  await abortAllDurableObjects();
  expect(await runDurableObjectAlarm(await stubOf(conversation))).toBe(true);
  const ended = await client.call("get_output", { conversation, execution });
  expect(ended.execution.state, ended.text).toBe("ok");
  expect(ended.text).toMatch(/3 of 3 cells run/);
  const [first = "", second, third] = await texts(path);
  expect(first).toContain("line 19");
  const lines = Array.from(first.matchAll(/line (\d+)/g), (match) => Number(match[1]));
  if (lines.length < 20) expect(ended.execution.possiblyIncomplete).toBe(true);
  expect([second, third]).toEqual(["second\n", "third\n"]);
});

test("outputs that could not be written while Jupyter was down are in the file afterwards", async () => {
  await using client = await connect();
  const path = "crash/down.ipynb";
  const { conversation, execution } = (await begun(client, path, [SLOW])).execution;
  await whileJupyterIs("down", async () => {
    const waiting = await client.call("get_output", {
      conversation,
      execution,
      wait_seconds: 4,
    });
    expect(waiting.isError).toBe(false);
  });
  const ended = await eventually(
    async () => {
      await runDurableObjectAlarm(await stubOf(conversation));
      return client.call("get_output", { conversation, execution, wait_seconds: 5 });
    },
    ({ execution: { state } }) => state === "ok",
  );
  expect(ended.text).not.toContain("not in the file");
  expect((await texts(path))[0]).toContain("line 19");
});

test("a notebook that is renamed while it runs gets its outputs where it is now", async () => {
  await using client = await connect();
  const path = "crash/before.ipynb";
  const run = await begun(client, path, [SLOW]);
  const { conversation, execution, kernel } = run.execution;
  // As JupyterLab does it: the file, then its session.
  const moved = "crash/after.ipynb";
  await jupyter(`/api/contents/${path}`, {
    method: "PATCH",
    body: JSON.stringify({ path: moved }),
  });
  const sessions = await (
    await jupyter("/api/sessions")
  ).json<{ id: string; kernel: { id: string } }[]>();
  const session = sessions.find((candidate) => candidate.kernel.id === kernel);
  await jupyter(`/api/sessions/${session?.id}`, {
    method: "PATCH",
    body: JSON.stringify({ path: moved }),
  });
  const ended = await client.call("get_output", { conversation, execution });
  expect(ended.execution.state).toBe("ok");
  expect(notebookOf(ended).path).toBe(moved);
  expect((await texts(moved))[0]).toContain("line 19");
});

test("cells and notebooks that are deleted while they run are told of, and their outputs are kept", async () => {
  await using client = await connect();
  const path = "crash/deleted.ipynb";
  const { conversation, execution } = (await begun(client, path, [SLOW])).execution;
  await jupyter(`/api/contents/${path}`, { method: "DELETE" });
  const ended = await client.call("get_output", { conversation, execution });
  expect(ended.execution.state).toBe("ok");
  expect(ended.text).toMatch(
    /Not all outputs are in the file \(file not found\): it is tried again/,
  );
  expect(ended.text).toContain("line 19");
});

test("a file that is broken or away for a moment gets its outputs when it is back", async () => {
  await using client = await connect();
  const path = "crash/moment.ipynb";
  const { conversation, execution } = (await begun(client, path, [SLOW])).execution;
  const whole = await fileText(path);
  await putText(path, whole.slice(0, 100));
  const ended = await client.call("get_output", {
    conversation,
    execution,
    wait_seconds: 20,
  });
  // A room is not broken with its file, and has mended that.
  if (!isLive) {
    expect(ended.text).toMatch(/Not all outputs are in the file \(bad notebook\)/);
    await putText(path, whole);
    await runDurableObjectAlarm(await stubOf(conversation));
  }
  await eventually(
    async () => (await texts(path))[0] ?? "",
    (text) => text.includes("line 19"),
  );
});

test("what waits for a run of cells survives a crash too", async () => {
  await using client = await connect();
  const path = "crash/held.ipynb";
  const { conversation } = (await begun(client, path, [SLOW])).execution;
  const held = await client.call("run_code", {
    conversation,
    code: "print('held', i)",
    wait_seconds: 0.3,
  });
  expect(held.text).toContain("Queued behind e1");
  await abortAllDurableObjects();
  expect(await runDurableObjectAlarm(await stubOf(conversation))).toBe(true);
  const { execution } = held.execution;
  const ended = await client.call("get_output", {
    conversation,
    execution,
    wait_seconds: 20,
  });
  expect(ended.text).toContain("held 19");
});

test("a deleted notebook's outputs go into no other notebook of the same kernel", async () => {
  await using client = await connect();
  const path = "crash/original.ipynb";
  const copy = "crash/copy.ipynb";
  const { conversation, execution, kernel } = (await begun(client, path, [SLOW]))
    .execution;
  await client.call("copy_file", { from: path, to: copy });
  const body = JSON.stringify({
    path: copy,
    type: "notebook",
    name: "copy.ipynb",
    kernel: { id: kernel },
  });
  await jupyter("/api/sessions", { method: "POST", body });
  const before = await fileText(copy);
  const sessions = await (await jupyter("/api/sessions")).json();
  expect(JSON.stringify(sessions)).toContain(copy);
  await jupyter(`/api/contents/${path}`, { method: "DELETE" });
  const ended = await client.call("get_output", { conversation, execution });
  expect(ended.text).toMatch(/file not found/);
  expect(await fileText(copy)).toBe(before);
});

test("interrupt_kernel stops a run of cells, also one that goes on after errors", async () => {
  await using client = await connect();
  const path = "crash/interrupted.ipynb";
  const cells = ["import time\ntime.sleep(60)", "print('never')"].map((source) => ({
    cell_type: "code",
    source,
  }));
  await client.call("create_notebook", { path, cells });
  const run = await client.call("run_cells", {
    path,
    cells: "all",
    wait_seconds: 2,
    on_error: "continue",
  });
  const { conversation } = run.execution;
  const stopped = await client.call("interrupt_kernel", { conversation });
  expect(stopped.text).toMatch(/e1 · error/);
  const read = await client.call("get_output", { conversation, execution: "e1" });
  expect(read.text).toMatch(/KeyboardInterrupt/);
  expect(await texts(path)).toEqual(["", ""]);
});
