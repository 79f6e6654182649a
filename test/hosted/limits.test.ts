import { env } from "cloudflare:workers";
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, inject, test, vi } from "vitest";
import { DEPLOYMENT_NAME } from "../../src/account/deployment.ts";
import {
  conversationName,
  hashServer,
  workspaceName,
  type ConversationIdentity,
} from "../../src/identity.ts";
import type { McpClient } from "../support/mcp-client.ts";
import {
  connectWith,
  eventually,
  fetchWith,
  localUrl,
  RESOURCE,
  signIn,
} from "./support.ts";

const DAY_MS = 24 * 60 * 60_000;

afterEach(() => {
  vi.useRealTimers();
});

/** A person's client, and what their objects are named after. */
async function enter(name: "teamServer" | "ownServer" = "teamServer") {
  const { token, port } = inject(name);
  const server = name === "ownServer" ? localUrl(port) : "";
  const tokens = await signIn({ token, server });
  const client = await connectWith(tokens.access_token);
  const owner = {
    principal: tokens.access_token.split(":")[0] ?? "",
    serverHash: await hashServer(localUrl(port)),
  };
  return { client, owner, tokens };
}

/** Ends whatever a test has left, so that the next finds room. */
async function endAll(client: McpClient): Promise<void> {
  const { meta } = await client.call("list_conversations", { limit: 50 });
  const listed = meta["jupyter-edge/conversations"] as { conversation: string }[];
  for (const { conversation } of listed)
    await client.call("end_conversation", { conversation, shutdown_kernels: true });
}

test("a person has no more conversations than the deployment allows, and gets room by ending one", async () => {
  const { client } = await enter();
  const first = await client.call("run_code", { code: "1" });
  const { kernel, conversation } = first.execution;
  for (let count = 2; count <= 8; count += 1) {
    const run = await client.call("run_code", { code: "1", kernel });
    expect(run.isError, run.text).toBe(false);
  }
  const refused = await client.call("run_code", { code: "1", kernel });
  expect(refused.isError).toBe(true);
  expect(refused.text).toMatch(
    /There are 8 conversations, which is the limit\.\nNext: .*end_conversation/,
  );
  // Those that are there go on.
  expect((await client.call("run_code", { code: "1", conversation })).isError).toBe(
    false,
  );
  await client.call("end_conversation", { conversation });
  expect((await client.call("run_code", { code: "1", kernel })).isError).toBe(false);
  await endAll(client);
});

test("a person runs no more at once than the deployment allows", async () => {
  const { client } = await enter();
  const code = "import time\nwhile not globals().get('stop'): time.sleep(0.05)";
  const begun = await client.call("run_code", { code: "print('begun')" });
  const { conversation } = begun.execution;
  for (let count = 1; count <= 4; count += 1)
    await client.call("run_code", { code, conversation, wait_seconds: 0 });
  const refused = await client.call("run_code", { code: "1" });
  expect(refused.text).toMatch(/4 executions are unfinished.*which is the limit/);
  const again = await client.call("run_code", { code: "1", conversation });
  expect(again.text).toMatch(/4 executions are unfinished/);
  await client.call("interrupt_kernel", { conversation });
  const later = await eventually(
    () => client.call("run_code", { code: "1 + 1", conversation }),
    ({ text }) => !text.includes("which is the limit"),
  );
  expect(later.text).toContain("2");
  await endAll(client);
});

test("what outputs take is bounded for a person, over all conversations", async () => {
  const { client } = await enter();
  const code = "for i in range(60_000): print('y' * 99)";
  const large = await client.call("run_code", { code, wait_seconds: 50 });
  expect(large.execution.state, large.text).toBe("ok");
  const refused = await eventually(
    () => client.call("run_code", { code: "1" }),
    ({ isError }) => isError,
  );
  expect(refused.text).toMatch(/take \d+\.\d MB; the limit is 5\.0 MB\.\nNext: End/);
  await endAll(client);
  expect((await client.call("run_code", { code: "1" })).isError).toBe(false);
  await endAll(client);
});

test("a failed beginning takes no room", async () => {
  const { client, owner } = await enter();
  for (let count = 0; count < 10; count += 1) {
    const run = await client.call("run_code", { code: "1", kernel: "no-such-kernel" });
    expect(run.text).toMatch(/no-such-kernel/);
  }
  const account = env.ACCOUNT.getByName(owner.principal);
  await runInDurableObject(account, (_instance, state) => {
    const taken = state.storage.sql.exec("SELECT count(*) AS count FROM conversations");
    expect(taken.one()).toEqual({ count: 0 });
  });
});

test("what a crash left counts only until somebody needs the room", async () => {
  const { client, owner } = await enter();
  const account = env.ACCOUNT.getByName(owner.principal);
  await runInDurableObject(account, async (instance, state) => {
    for (let count = 0; count < 8; count += 1)
      await instance.begin(
        `${owner.principal}/${owner.serverHash}/c_${"a".repeat(9)}${"abcdefgh"[count]}`,
      );
    state.storage.sql.exec("UPDATE conversations SET seen_at = seen_at - 600000");
  });
  const run = await client.call("run_code", { code: "1" });
  expect(run.isError, run.text).toBe(false);
  await endAll(client);
});

test("a conversation that nobody uses ends by itself, and when nothing else is left, so does its person's storage", async () => {
  const { token, port } = inject("ownServer");
  const server = localUrl(port);
  const tokens = await signIn({ token, server });
  await using client = await connectWith(tokens.access_token);
  const run = await client.call("run_code", { code: "1" });
  const identity: ConversationIdentity = {
    principal: tokens.access_token.split(":")[0] ?? "",
    serverHash: await hashServer(server),
    handle: run.execution.conversation,
  };
  const conversation = env.CONVERSATION.getByName(conversationName(identity));
  const workspace = env.WORKSPACE.getByName(workspaceName(identity));
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31 * DAY_MS });
  await runDurableObjectAlarm(conversation);
  const account = env.ACCOUNT.getByName(identity.principal);
  await runDurableObjectAlarm(account);
  // What was told of the end of a conversation is kept for its time.
  vi.setSystemTime(Date.now() + 31 * DAY_MS);
  await runDurableObjectAlarm(account);
  for (const stub of [conversation, account])
    await runInDurableObject(stub, async (_instance, state) => {
      expect(await state.storage.getAlarm()).toBeNull();
      const tables = state.storage.sql.exec("SELECT name FROM sqlite_master");
      expect(
        tables.toArray().filter(({ name }) => !String(name).startsWith("_")),
      ).toEqual([]);
    });
  expect(await env.DEPLOYMENT.getByName(DEPLOYMENT_NAME).people("", 100)).not.toContain(
    identity.principal,
  );
  await runDurableObjectAlarm(workspace);
  await runInDurableObject(workspace, (_instance, state) => {
    const tables = state.storage.sql.exec("SELECT name FROM sqlite_master");
    expect(tables.toArray().filter(({ name }) => !String(name).startsWith("_"))).toEqual(
      [],
    );
  });
});

test("calls are counted by the minute, and the one too many is told when to come back", async () => {
  const { tokens } = await enter("ownServer");
  const fetching = fetchWith(tokens.access_token);
  const ask = () =>
    fetching(RESOURCE, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
    });
  let answer = await ask();
  for (let count = 0; answer.status !== 429 && count < 250; count += 1) {
    await answer.body?.cancel();
    answer = await ask();
  }
  expect(answer.status).toBe(429);
  const seconds = Number(answer.headers.get("retry-after"));
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(60);
  expect(await answer.text()).toMatch(/More than 200 calls within a minute\. Wait \d+ s/);
});
