import { env } from "cloudflare:workers";
import { listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { expect, inject, test } from "vitest";
import { DEPLOYMENT_NAME } from "../../src/account/deployment.ts";
import { conversationName, hashServer, workspaceName } from "../../src/identity.ts";
import { AccountBrowser } from "./account-support.ts";
import {
  connectWith,
  fetchWith,
  localUrl,
  RESOURCE,
  signIn,
  type Tokens,
} from "./support.ts";

/** What an object holds: the rows of all of its tables, and a word about its alarm. */
function stored(stub: DurableObjectStub): Promise<string> {
  return runInDurableObject(stub, async (_instance, { storage }) => {
    const tables = storage.sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
      .toArray()
      .filter(({ name }) => !name.startsWith("_"));
    const rows = tables.map(({ name }) =>
      JSON.stringify(storage.sql.exec(`SELECT * FROM ${name}`).toArray()),
    );
    const alarm = await storage.getAlarm();
    return [...rows, ...(alarm === null ? [] : ["an alarm"])].join("\n");
  });
}

/** Whose objects to look into. */
interface Owner {
  readonly principal: string;
  readonly serverHash: string;
}

/**
 * What is left of a person in their account, in their workspace and in any
 * conversation. A conversation names its person; one that holds nothing has no
 * alarm either, whosever it was.
 */
async function leftOf(owner: Owner) {
  // The classes differ, and so do the types of their namespaces.
  const conversations = env.CONVERSATION as DurableObjectNamespace;
  const ids = await listDurableObjectIds(conversations);
  const held = await Promise.all(ids.map((id) => stored(conversations.get(id))));
  return {
    account: await stored(env.ACCOUNT.getByName(owner.principal)),
    workspace: await stored(env.WORKSPACE.getByName(workspaceName(owner))),
    conversations: held.filter(
      (rows) => rows.includes(owner.principal) || rows === "an alarm",
    ),
  };
}

const NOTHING = { account: "", workspace: "", conversations: [] };

async function ownerOf(tokens: Tokens, server: string): Promise<Owner> {
  const principal = tokens.access_token.split(":")[0] ?? "";
  return { principal, serverHash: await hashServer(server) };
}

/** All that is kept in KV. */
async function keys(): Promise<string> {
  const all: string[] = [];
  for (const { name, metadata } of (await env.OAUTH_KV.list()).keys)
    all.push(name, JSON.stringify(metadata), (await env.OAUTH_KV.get(name)) ?? "");
  return all.join("\n");
}

test("who forgets everything leaves no row, key or alarm, and nobody else is touched", async () => {
  const own = inject("ownServer");
  const person = { token: own.token, server: localUrl(own.port) };
  const tokens = await signIn(person);
  const owner = await ownerOf(tokens, person.server);
  await signIn(person);
  await using client = await connectWith(tokens.access_token);
  const run = await client.call("run_code", { code: "print('kept')" });
  const { kernel } = run.execution;
  await client.call("run_code", {
    code: "import time; time.sleep(600)",
    conversation: run.execution.conversation,
    wait_seconds: 0,
  });
  await client.call("create_notebook", { path: "mine.ipynb" });
  await client.call("search_notebooks", { query: "kept" });
  const neighbour = await signIn({ token: inject("teamServer").token });
  await using next = await connectWith(neighbour.access_token);
  const theirs = (await next.call("run_code", { code: "x = 1" })).execution.conversation;

  const kept = await leftOf(owner);
  expect(kept.conversations).toEqual([expect.stringContaining("an alarm")]);
  expect(kept.account).toContain("an alarm");
  expect(kept.workspace).toContain("an alarm");
  expect(await keys()).toContain(owner.principal);

  const account = await AccountBrowser.signedIn(person);
  const again = await AccountBrowser.signedIn(person);
  const unsure = await account.sends("/account/forget", {}, "/account/forget");
  expect(unsure.status).toBe(422);
  expect(await unsure.text()).toContain("if you are sure");
  const forgotten = await account.sends(
    "/account/forget",
    { sure: "true", shutdown_kernels: "true" },
    "/account/forget",
  );
  expect(await forgotten.text()).toContain("Everything is forgotten");

  expect(await leftOf(owner)).toEqual(NOTHING);
  expect(await keys()).not.toContain(owner.principal);
  const people = await env.DEPLOYMENT.getByName(DEPLOYMENT_NAME).people("", 100);
  expect(people).not.toContain(owner.principal);
  for (const browser of [account, again])
    expect(await browser.page()).toContain("<h1>Sign in</h1>");
  const refused = await fetchWith(tokens.access_token)(RESOURCE, {
    method: "POST",
    body: "{}",
  });
  expect(refused.status).toBe(401);
  const kernels = await fetch(`${localUrl(own.port)}/api/kernels`, {
    headers: { authorization: `token ${own.token}` },
  });
  expect(await kernels.text()).not.toContain(kernel);
  const untouched = await next.call("run_code", { conversation: theirs, code: "x + 1" });
  expect(untouched.text).toContain("2");

  // Nothing of it keeps the person from coming back.
  const back = await signIn(person);
  await using newcomer = await connectWith(back.access_token);
  expect((await newcomer.call("list_conversations", {})).text).toContain(
    "No conversation",
  );
  expect((await newcomer.call("run_code", { code: "1 + 1" })).text).toContain("2");
});

test("what runs when everything is forgotten does not come back with its last report", async () => {
  const own = inject("ownServer");
  const person = { token: own.token, server: localUrl(own.port) };
  const tokens = await signIn(person);
  const owner = await ownerOf(tokens, person.server);
  await using client = await connectWith(tokens.access_token);
  const account = await AccountBrowser.signedIn(person);
  const calls = [1, 2, 3].map((count) =>
    client.call("run_code", { code: `print(${count})` }).then(({ text }) => text, String),
  );
  await account.sends("/account/forget", { sure: "true" }, "/account/forget");
  await Promise.all(calls);
  expect(await leftOf(owner)).toEqual(NOTHING);
});

test("a call that was under way when everything was forgotten brings nothing back", async () => {
  const own = inject("ownServer");
  const person = { token: own.token, server: localUrl(own.port) };
  const tokens = await signIn(person);
  const owner = await ownerOf(tokens, person.server);
  await using client = await connectWith(tokens.access_token);
  const run = await client.call("run_code", { code: "1" });
  const account = await AccountBrowser.signedIn(person);
  await account.sends("/account/forget", { sure: "true" }, "/account/forget");

  // What any call or conversation could still say, as late as it may be.
  const identity = { ...owner, handle: run.execution.conversation };
  const name = conversationName(identity);
  const counts = env.ACCOUNT.getByName(owner.principal);
  const workspace = env.WORKSPACE.getByName(workspaceName(owner));
  expect(await counts.begin(name)).toEqual({ failure: { code: "signed_out" } });
  await counts.settle(name, { running: 1, storedBytes: 1 }, []);
  await workspace.record({
    handle: identity.handle,
    createdAt: 1,
    usedAt: 1,
    lastCode: "1",
    lastExecution: "e1",
    lastState: "ok",
    kernels: [],
    unfinished: [],
  });
  await workspace.rememberVersion("mine.ipynb", "v1", [{ id: "a", hash: "b" }]);
  await workspace.keepRoomOffer({ startedAt: "2026-11-25T00:00:00Z", isOffered: true });
  await workspace.fileChanged("mine.ipynb");
  const late = { httpUrl: person.server, wsUrl: "ws://127.0.0.1", token: own.token };
  await workspace.keepCredentials({ ...late, signedInAt: 1 });
  const found = await workspace.search({
    query: "anything",
    isRegex: false,
    kinds: ["source"],
    path: null,
    language: null,
    isFresh: false,
    waitMs: 0,
    limit: 1,
    cursor: null,
  });
  expect(found).toEqual({ failure: { code: "signed_out" } });
  const request = {
    waitMs: 0,
    maxOutputChars: 100,
    isNew: true,
    msgId: "late",
    code: "1",
  };
  const begun = await env.CONVERSATION.getByName(name).run({ ...request, identity });
  expect(begun).toEqual({ failure: { code: "signed_out" } });
  expect(await leftOf(owner)).toEqual(NOTHING);
});

test("a Jupyter that does not answer keeps nothing from being forgotten here", async () => {
  const person = { token: "good-1", server: localUrl(inject("strangeServers").named) };
  const tokens = await signIn(person);
  const owner = await ownerOf(tokens, person.server);
  await using client = await connectWith(tokens.access_token);
  expect((await client.call("run_code", { code: "1" })).isError).toBe(true);
  const account = await AccountBrowser.signedIn(person);
  const forgotten = await account.sends(
    "/account/forget",
    { sure: "true", shutdown_kernels: "true" },
    "/account/forget",
  );
  expect(await forgotten.text()).toContain("Everything is forgotten");
  expect(await leftOf(owner)).toEqual(NOTHING);
});
