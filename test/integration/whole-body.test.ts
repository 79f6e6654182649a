import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { ExpectedError } from "../../src/errors.ts";
import { putText } from "./notebook-support.ts";
import { connect, eventually, stubOf, whileJupyterIs } from "./support.ts";

test("bodies that do not say their length are read, or refused, beside the socket of a running kernel", async () => {
  await using client = await connect();
  await putText("unsized.txt", "x".repeat(10_000_000));
  const cells = [
    {
      cell_type: "code",
      source:
        "import time\nfor i in range(600):\n    print('line', i, flush=True)\n    time.sleep(0.01)",
    },
  ];
  await client.call("create_notebook", { path: "unsized.ipynb", cells });
  const args = { path: "unsized.ipynb", cells: "all", wait_seconds: 0 };
  await whileJupyterIs("unsized", async () => {
    const { conversation, execution } = (await client.call("run_cells", args)).execution;
    const output = (wait_seconds: number) =>
      client.call("get_output", { conversation, execution, wait_seconds });
    await eventually(
      () => output(0),
      ({ text }) => text.includes("line 3"),
    );
    let opened = 0;
    await runInDurableObject(await stubOf(conversation), async ({ server }) => {
      const open = server.openWebSocket.bind(server);
      server.openWebSocket = (...to) => {
        opened += 1;
        return open(...to);
      };
      for (let round = 0; round < 5; round += 1) {
        const read = (maxBytes: number) =>
          server.bytes("/files/unsized.txt", { maxBytes });
        expect((await read(10_000_000))?.byteLength).toBe(10_000_000);
        await expect(read(1_000_000)).rejects.toBeInstanceOf(ExpectedError);
      }
    });
    // A socket that was harmed ended a second or two after the body.
    const ended = await output(30);
    expect(opened).toBe(0);
    expect(ended.text).toMatch(/^e1 · ok · /);
    expect(ended.text).not.toContain("incomplete");
    const found = await client.call("get_output", {
      conversation,
      execution,
      find: "line 599",
    });
    expect(found.text).toContain("line 599");
  });
});
