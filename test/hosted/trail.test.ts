import { env } from "cloudflare:workers";
import {
  createExecutionContext,
  runDurableObjectAlarm,
  runInDurableObject,
  waitOnExecutionContext,
} from "cloudflare:test";
import { afterEach, expect, inject, test, vi } from "vitest";
import { conversationName, hashServer } from "../../src/identity.ts";
import worker from "../../src/index.ts";
import { AccountBrowser } from "./account-support.ts";
import { connectWith, eventually, localUrl, ORIGIN, signIn } from "./support.ts";

const DAY_MS = 24 * 60 * 60_000;

afterEach(() => {
  vi.useRealTimers();
});

interface Line {
  readonly at: string;
  readonly principal: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

function linesOf(text: string): Line[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

/** Somebody who connects a client, runs code in several ways, and looks at their page. */
async function somebody(person: { readonly token: string; readonly server?: string }) {
  const tokens = await signIn(person);
  const client = await connectWith(tokens.access_token);
  const principal = tokens.access_token.split(":")[0] ?? "";
  const account = await AccountBrowser.signedIn(person);
  const trail = async () => linesOf(await account.page("/account/activity.jsonl"));
  return { client, principal, account, trail };
}

test("the trail tells who connected, signed in and ran what on which kernel, and how it ended, but no code and no output", async () => {
  const { client, principal, account, trail } = await somebody({
    token: inject("teamServer").token,
  });
  const ran = await client.call("run_code", { code: "print('canary-output' + 'x')" });
  const { conversation, kernel } = ran.execution;
  await client.call("run_code", {
    conversation,
    code: "raise ValueError('canary-error')",
  });
  await client.call("run_code", { conversation, code: "input('canary-prompt')" });
  await client.call("run_code", { code: "'canary-never'", kernel: "no-such-kernel" });
  await client.call("end_conversation", { conversation });
  const lines = await eventually(trail, (all) =>
    all.some(({ state }) => state === "forgotten"),
  );
  const common = { principal, at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) };
  const execution = {
    ...common,
    event: "execution",
    conversation,
    kernel,
    kernelspec: "python3",
    startedAt: expect.any(Number),
    durationMs: expect.any(Number),
  };
  expect(lines).toEqual([
    expect.objectContaining({
      ...common,
      event: "client_connected",
      client: "Test client",
      scopes: ["notebooks:read", "notebooks:write", "code:execute"],
    }),
    expect.objectContaining({ ...common, event: "signed_in" }),
    expect.objectContaining({ ...execution, execution: "e1", state: "ok" }),
    expect.objectContaining({ ...execution, execution: "e2", state: "error" }),
    expect.objectContaining({ ...execution, execution: "e3", state: "forgotten" }),
  ]);
  const shown = (await account.page("/account/activity")) + JSON.stringify(lines);
  expect(shown).toContain(`Ran e2 of ${conversation}: error after`);
  expect(shown).not.toContain("canary");
});

test("an execution is in the trail once, however often it is told", async () => {
  const { client, principal, trail } = await somebody({
    token: inject("ownServer").token,
    server: localUrl(inject("ownServer").port),
  });
  const { conversation } = (await client.call("run_code", { code: "1" })).execution;
  const executions = async () =>
    (await trail()).filter(({ event }) => event === "execution");
  const [told] = await eventually(executions, ({ length }) => length === 1);
  const again = {
    event: "execution" as const,
    conversation,
    execution: "e1",
    kernel: null,
    kernelspec: null,
    startedAt: 1,
    durationMs: 1,
    state: "lost",
  };
  const standing = { running: 0, storedBytes: 1 };
  const name = `${principal}/aaaaaaaaaaaaaaaa/${conversation}`;
  const account = env.ACCOUNT.getByName(principal);
  await account.settle(name, standing, [again]);
  expect(await executions()).toEqual([told]);
  await account.forget(name);
});

test("an execution that its conversation could not tell of is told later", async () => {
  const { client, principal, trail } = await somebody({
    token: inject("teamServer").token,
  });
  const { conversation } = (await client.call("run_code", { code: "1" })).execution;
  const executions = async () =>
    (await trail()).filter(({ conversation: of }) => of === conversation);
  await eventually(executions, ({ length }) => length === 1);
  // As if the first report had been lost on its way, by a crash of either object.
  await runInDurableObject(env.ACCOUNT.getByName(principal), (_instance, { storage }) => {
    storage.sql.exec("DELETE FROM audit_trail WHERE key = ?", `${conversation}/e1`);
  });
  const serverHash = await hashServer(localUrl(inject("teamServer").port));
  const stub = env.CONVERSATION.getByName(
    conversationName({ principal, serverHash, handle: conversation }),
  );
  await eventually(
    () => runInDurableObject(stub, (_instance, { storage }) => untoldIn(storage.sql)),
    ({ length }) => length === 0,
  );
  await runInDurableObject(stub, (_instance, { storage }) => {
    storage.sql.exec("INSERT INTO untold VALUES (1)");
  });
  await client.call("run_code", { conversation, code: "2" });
  const told = await eventually(executions, ({ length }) => length === 2);
  expect(told.map(({ execution }) => execution).toSorted()).toEqual(["e1", "e2"]);
  await client.call("end_conversation", { conversation, shutdown_kernels: true });
});

test("older entries are on further pages", async () => {
  const { principal, account } = await somebody({
    token: "good-1",
    server: localUrl(inject("strangeServers").named),
  });
  await runInDurableObject(env.ACCOUNT.getByName(principal), (instance) => {
    for (let count = 1; count <= 250; count += 1)
      instance.note({ event: "client_revoked", client: `client ${count} of many` });
  });
  const first = await account.page("/account/activity");
  expect(first).toContain("client 250 of many");
  expect(first).not.toContain("client 50 of many");
  const older = /href="(\/account\/activity\?before=\d+)"/.exec(first)?.[1] ?? "";
  const second = await account.page(older);
  expect(second).toContain("client 50 of many");
  expect(second).toContain("Signed in on this page");
  expect(second).not.toContain("?before=");
  const lines = linesOf(await account.page("/account/activity.jsonl"));
  expect(lines.filter(({ event }) => event === "client_revoked")).toHaveLength(250);
});

function untoldIn(sql: SqlStorage): unknown[] {
  return sql.exec("SELECT * FROM untold").toArray();
}

test("an entry goes when its time is over", async () => {
  const { principal, trail } = await somebody({
    token: "good-1",
    server: localUrl(inject("strangeServers").named),
  });
  expect(await trail()).not.toEqual([]);
  const account = env.ACCOUNT.getByName(principal);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31 * DAY_MS });
  expect(await runDurableObjectAlarm(account)).toBe(true);
  expect(await account.newest(10)).toEqual([]);
});

test("owners read the trails of all as JSON lines, and find the link on their page", async () => {
  const owner = await somebody({ token: inject("teamServer").token });
  const other = await somebody({
    token: inject("ownServer").token,
    server: localUrl(inject("ownServer").port),
  });
  expect(await owner.account.page()).not.toContain("everybody.jsonl");
  const asOwner = async (path: string) => {
    const context = createExecutionContext();
    const headers = { cookie: owner.account.browser.cookies, host: "edge.example.com" };
    const answer = await worker.fetch(
      new Request(ORIGIN + path, { headers }) as Request<
        unknown,
        IncomingRequestCfProperties
      >,
      Object.assign({}, env, { OWNERS: `somebody-else, ${owner.principal}` }),
      context,
    );
    const text = await answer.text();
    await waitOnExecutionContext(context);
    return { text, headers: answer.headers };
  };
  expect((await asOwner("/account")).text).toContain('href="/account/everybody.jsonl"');
  const { text, headers } = await asOwner("/account/everybody.jsonl");
  expect(headers.get("content-type")).toBe("application/jsonl; charset=utf-8");
  expect(headers.get("link")).toBeNull();
  const lines = linesOf(text);
  for (const { principal } of [owner, other])
    expect(lines).toContainEqual(
      expect.objectContaining({ principal, event: "client_connected" }),
    );
  const first = lines[0]?.principal ?? "";
  const after = await asOwner(`/account/everybody.jsonl?after=${first}`);
  expect(linesOf(after.text).map(({ principal }) => principal)).not.toContain(first);
});
