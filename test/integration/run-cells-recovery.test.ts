import { abortAllDurableObjects, runDurableObjectAlarm } from "cloudflare:test";
import { expect, test } from "vitest";
import { fileText, notebookOf } from "./notebook-support.ts";
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
  const run = await client.call("run_cells", { path, cells: "all", wait_seconds: 1 });
  expect(run.execution.state, run.text).toBe("running");
  return run;
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
    /Outputs are not in the file \(file not found\): they are kept here only/,
  );
  expect(ended.text).toContain("line 19");
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
