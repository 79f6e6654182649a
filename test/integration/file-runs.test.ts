import { expect, test } from "vitest";
import { fileText } from "./notebook-support.ts";
import { connect, controlUrl, eventually, whileJupyterIs } from "./support.ts";

/** Creates a notebook of one cell. What comes back runs it, in one conversation. */
async function withCell(
  client: Awaited<ReturnType<typeof connect>>,
  path: string,
  source: string,
) {
  const cells = [{ cell_type: "code", source }];
  await client.call("create_notebook", { path, cells });
  return (conversation?: string, wait_seconds = 10) =>
    client.call("run_cells", { path, cells: "all", conversation, wait_seconds });
}

/** How many requests are held back, while Jupyter is slow. */
async function waiting(): Promise<number> {
  return (await fetch(controlUrl("/waiting"))).json();
}

test("while a kernel stays connected nobody asks Jupyter again whether it was started anew", async () => {
  await using client = await connect();
  const run = await withCell(client, "file-runs/connected.ipynb", "1");
  const { conversation } = (await run()).execution;
  // It was connected to after Jupyter was asked for the first time.
  await run(conversation);
  const again = await whileJupyterIs("slow", () => run(conversation), "GET /api/status");
  expect(again.text).toMatch(/^e3 · ok · /);
});

test("an older connection says nothing of the server that a newer one was opened to", async () => {
  await using client = await connect();
  const code = "import time\nfor _ in range(60): print('on'); time.sleep(0.5)";
  const { conversation } = (await client.call("run_code", { code, wait_seconds: 0 }))
    .execution;
  const hasBegun = (execution: string) =>
    eventually(
      () => client.call("get_output", { conversation, execution, wait_seconds: 0 }),
      ({ text }) => text.includes("\non"),
    );
  await hasBegun("e1");
  const run = await withCell(client, "file-runs/newer.ipynb", code);
  // Jupyter is asked before the cell's kernel is connected to, and once more for its outputs.
  await run(conversation, 0);
  await hasBegun("e2");
  await whileJupyterIs(
    "slow",
    () => eventually(waiting, (held) => held > 0),
    "GET /api/status",
  );
});

test("whoever runs cells is told as soon as their outputs are in the file, before that is looked at again", async () => {
  await using client = await connect();
  const path = "file-runs/told.ipynb";
  const run = await withCell(client, path, "print('printed')");
  const { conversation } = (await run()).execution;
  // Whoever reads it waits for the look after it.
  await client.call("get_output", { execution: "e1", conversation });
  const held = await waiting();
  await whileJupyterIs(
    "slow",
    async () => {
      const { text } = await run(conversation);
      expect(text).toMatch(/^e2 · ok · /);
      expect(text).not.toMatch(/in the file/);
      expect(await waiting()).toBe(held + 1);
      expect(JSON.parse(await fileText(path)).cells[0].execution_count).toBe(2);
    },
    "GET /api/contents/",
  );
});
