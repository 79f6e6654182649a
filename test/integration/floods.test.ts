import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { connect, stubOf } from "./support.ts";
import type { Called, McpClient } from "../support/mcp-client.ts";

/** Waits until an execution has ended. */
async function ended(client: McpClient, begun: Called): Promise<Called> {
  let result = begun;
  const { conversation, execution } = begun.execution;
  while (result.execution.state === "running")
    result = await client.call("get_output", {
      conversation,
      execution,
      wait_seconds: 50,
    });
  return result;
}

/** Runs code to its end. */
async function run(client: McpClient, code: string, conversation?: string) {
  const args = { code, wait_seconds: 50, ...(conversation && { conversation }) };
  return ended(client, await client.call("run_code", args));
}

/** Of 101 characters each. */
const LINES = 1_000_000;

const IMAGE = (bytes: number) =>
  `from IPython.display import Image, display
display(Image(data=b'\\x89PNG\\r\\n\\x1a\\n' + b'\\0' * ${bytes}, format='png'))
import time
time.sleep(2)
print('after it')`;

test("a message above 32 MiB is left out and told of, with what to do, and the run goes on to its end", async () => {
  await using client = await connect();
  const first = await run(client, "print('ready')");
  const { conversation } = first.execution;
  const code = `import time
print('before', flush=True)
time.sleep(0.5)
print('y' * 40_000_000, flush=True)
time.sleep(3)
print('after')`;
  const told = await run(client, code, conversation);
  expect(told.text).toMatch(
    /a message of 40 MB was left out \(the limit is 32 MiB: write to a file what is larger, or print and display it in parts\)\.\nbefore\nafter$/,
  );
  expect(told.execution).toMatchObject({ state: "ok", possiblyIncomplete: true });
  const next = await run(client, "print('as ever')", conversation);
  expect(next.text).toContain("as ever");
  expect(next.execution.possiblyIncomplete).toBe(false);
});

test("an image of 24 MB is told of, one of 30 MB, which is more in base64 than a message may be, too", async () => {
  await using client = await connect();
  const first = await run(client, IMAGE(24_000_000));
  expect(first.text).toMatch(
    /\[image\/png of 32000012 characters was not kept: the limit is 6000000\]\nafter it$/,
  );
  expect(first.execution).toMatchObject({ state: "ok", possiblyIncomplete: false });
  const { conversation } = first.execution;
  const second = await run(client, IMAGE(30_000_000), conversation);
  expect(second.text).toMatch(/a message of 40 MB was left out[\s\S]*\nafter it$/);
  expect(second.execution).toMatchObject({ state: "ok", possiblyIncomplete: true });
  const next = await run(client, "print('as ever')", conversation);
  expect(next.text).toContain("as ever");
  expect(next.execution.possiblyIncomplete).toBe(false);
});

test("10,000 displays are each updated in place, and read page by page", async () => {
  await using client = await connect();
  const code = `from IPython.display import display
handles = [display(f'first {i}', display_id=True) for i in range(10_000)]
for i, handle in enumerate(handles): handle.update(f'now {i}')
print('updated')`;
  const shown = await run(client, code);
  expect(shown.execution).toMatchObject({ state: "ok", possiblyIncomplete: false });
  const types: Record<string, number> = {};
  await runInDurableObject(await stubOf(shown.execution.conversation), ({ journal }) => {
    for (const { item } of journal.items(1))
      types[item.type] = (types[item.type] ?? 0) + 1;
  });
  expect(types).toEqual({
    display_data: 10_000,
    update_display_data: 10_000,
    stream: 1,
  });
  expect(shown.text).toContain("'now 0'\n'now 1'\n");
  expect(shown.text).not.toContain("first");
  expect(shown.text).toMatch(/updated$/);
  const { conversation, execution } = shown.execution;
  const found = await client.call("get_output", {
    conversation,
    execution,
    find: "now 77[01]\\b",
  });
  expect(found.text).toMatch(/now 770[\s\S]*now 771/);
  expect((await run(client, "len(handles)", conversation)).text).toContain("10000");
});

test("messages that a server drops because too many come at once are counted by their ids", async () => {
  await using client = await connect();
  // How many a server drops is up to its machine: here the kernel leaves numbers out.
  const code = `print('before', flush=True)
get_ipython().kernel.session.message_count += 377
print('after', flush=True)`;
  const result = await run(client, code);
  expect(result.text).toMatch(
    /\nOutput possibly incomplete: 377 messages were dropped before they came, because more were sent at once than Jupyter passes on\.\nbefore\nafter$/,
  );
  expect(result.execution).toMatchObject({ state: "ok", possiblyIncomplete: true });
});

test("1,000 messages a second come through, each once and in order", async () => {
  await using client = await connect();
  const code = `import time
began = time.time()
for i in range(5_000):
    print(f'line {i}', flush=True)
    while time.time() < began + i / 1_000: pass`;
  const result = await run(client, code);
  expect(result.execution).toMatchObject({ state: "ok", possiblyIncomplete: false });
  const { conversation, execution } = result.execution;
  const lines = await runInDurableObject(await stubOf(conversation), (instance) =>
    Array.from(instance.journal.items(Number(execution.slice(1))))
      .map(({ item }) => (item.type === "stream" ? item.text : ""))
      .join("")
      .split("\n"),
  );
  expect(lines).toEqual([...Array.from({ length: 5_000 }, (_, i) => `line ${i}`), ""]);
  expect((await run(client, "i", conversation)).text).toContain("4999");
});

test("100 MB in one run leave their head and tail, what is between is counted, and others run meanwhile", async () => {
  await using client = await connect();
  const code = `line = 'y' * 99\nfor i in range(${LINES}): print(i, line[len(str(i)):])`;
  const begun = await client.call("run_code", { code, wait_seconds: 1 });
  const other = await run(client, "print('meanwhile')");
  expect(other.text).toContain("meanwhile");
  const result = await ended(client, begun);
  const kept = await runInDurableObject(
    await stubOf(begun.execution.conversation),
    (instance, { storage }) => {
      let shown = 0;
      for (const { item } of instance.journal.items(1))
        if (item.type === "stream") shown += item.text.length;
      const [sizes] = storage.sql.exec<{ chars: number; largest: number }>(
        "SELECT sum(length(data)) AS chars, max(length(data)) AS largest FROM output",
      );
      return { shown, ...sizes, record: instance.journal.get(1) };
    },
  );
  expect(kept.chars).toBeLessThanOrEqual(20_000_000);
  expect(kept.chars).toBeGreaterThan(15_000_000);
  expect(kept.largest).toBeLessThan(1_000_000);
  const left = LINES * 101 - kept.shown;
  expect(kept.record).toMatchObject({ droppedChars: left, incomplete: null });
  expect(result.text).toContain(
    `${left} characters from the middle were not kept: the journal holds 20 MB`,
  );
  expect(result.text).toContain("\n0 yyy");
  expect(result.text).toMatch(/\n999999 y+$/);
  expect(result.execution).toMatchObject({ state: "ok", truncated: true });
  const { conversation } = begun.execution;
  expect((await run(client, "len(line)", conversation)).text).toContain("99");
}, 180_000);
