import { env } from "cloudflare:workers";
import { listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { TOOLS } from "../../src/mcp/server.ts";
import { AccountBrowser } from "./account-support.ts";
import {
  authorizationUrl,
  Browser,
  connectWith,
  fetchWorker,
  fieldsOf,
  handleIn,
  localUrl,
  ORIGIN,
  type Filled,
  register,
  RESOURCE,
  signIn,
} from "./support.ts";

/** What must be nowhere but on requests to the server that it is for. */
const SECRETS: Record<string, string> = {
  "the header for the team's server": "canary-team-header",
  "the tunnel's secret": "canary-access-secret",
  "the sealing key": "a sealing key of more than thirty-two characters",
};

/** All that anybody or any log got to see. */
const shown: string[] = [];
/** What of that the Worker and its objects logged, at every level. */
const logged: string[] = [];
const LEVELS = ["log", "info", "warn", "error", "debug"] as const;

beforeAll(() => {
  SECRETS["the token of the team's server"] = inject("teamServer").token;
  SECRETS["the token of a person's own server"] = inject("ownServer").token;
  for (const level of LEVELS)
    vi.spyOn(console, level).mockImplementation((...args: unknown[]) => {
      const line = args.map(String).join(" ");
      shown.push(line);
      logged.push(line);
    });
});

afterAll(() => {
  vi.restoreAllMocks();
});

/** What each tool is called with, so that it succeeds, and so that it fails. */
const GARBAGE: Readonly<Record<string, unknown>> = {
  code: "1/0",
  conversation: "c_aaaaaaaaaa",
  execution: "e1",
  kernel: "nowhere",
  path: "../outside",
  from: "a",
  to: "b",
  cells: "all",
  version: "v",
  edits: [{ op: "delete", cell: "x" }],
  text: "x",
  content: "x",
};

test("no answer, page, log line or URL shows a secret", async () => {
  const team = inject("teamServer");
  const own = inject("ownServer");
  const strange = inject("strangeServers");
  const people = [
    { token: team.token },
    { token: own.token, server: localUrl(own.port) },
  ];
  for (const person of people) {
    const { url } = await authorizationUrl(await register());
    const browser = new Browser();
    const page = await (await browser.open(url)).text();
    const refused = await browser.submit(
      url,
      fieldsOf(handleIn(page), { ...person, server: localUrl(strange.html) }),
    );
    const retried = await refused.text();
    const allowed = await browser.submit(url, fieldsOf(handleIn(retried), person));
    shown.push(page, retried, JSON.stringify([...allowed.headers]));

    const tokens = await signIn(person);
    await using client = await connectWith(tokens.access_token);
    const run = await client.call("run_code", {
      code: "import os; print('environment'); 1/0",
    });
    shown.push(JSON.stringify(run));
    for (const { name } of TOOLS) {
      for (const conversation of [run.execution.conversation, GARBAGE["conversation"]]) {
        const called = await client
          .call(name, { ...GARBAGE, conversation })
          .catch((error: unknown) => ({ text: String(error) }));
        shown.push(JSON.stringify(called));
      }
    }
  }
  for (const person of people) await lookAround(person);
  for (const path of ["/", "/health", "/nowhere", "/authorize", "/oauth/token", "/mcp"]) {
    for (const method of ["GET", "POST", "PUT"]) {
      const answer = await fetchWorker(ORIGIN + path, { method });
      shown.push(JSON.stringify([...answer.headers]), await answer.text());
    }
  }
  const forged = await fetchWorker(RESOURCE, {
    method: "POST",
    headers: { authorization: `Bearer ${team.token}` },
    body: "{}",
  });
  shown.push(JSON.stringify([...forged.headers]), await forged.text());
  expect(shown.length).toBeGreaterThan(80);
  for (const [what, secret] of Object.entries(SECRETS))
    for (const text of shown)
      expect(text.includes(secret), `${what}: ${text}`).toBe(false);
});

/** Opens every page of a person, and answers on one what code asks; what is shown there is looked at, too. */
async function lookAround(person: Filled): Promise<void> {
  const account = new AccountBrowser();
  const refused = await account.signsIn({ ...person, token: `${person.token}x` });
  shown.push(await refused.text(), JSON.stringify([...refused.headers]));
  await account.signsIn(person);
  const secret = account.browser.cookies.split(".").at(-1) ?? "";
  expect(secret.length).toBe(43);
  SECRETS[`the session of ${person.token}`] = secret;
  const answer = `canary-password-${crypto.randomUUID()}`;
  SECRETS[`the password of ${person.token}`] = answer;
  await using client = await connectWith((await signIn(person)).access_token);
  const code = "from getpass import getpass; print(len(getpass('Password: ')))";
  const asked = await client.call("run_code", { code });
  const { conversation, execution } = asked.execution;
  const link =
    /https:\/\/edge\.example\.com(\/account\/answer\/\S+),/.exec(asked.text)?.[1] ?? "";
  const sent = await account.sends(link, { answer }, link);
  expect(sent.status).toBe(200);
  shown.push(JSON.stringify([...sent.headers]), await sent.text(), asked.text);
  const output = await client.call("get_output", { conversation, execution });
  expect(output.text).toContain(String(answer.length));
  shown.push(JSON.stringify(output));
  for (const path of [
    "/account",
    `/account/conversations/${conversation}`,
    `/account/conversations/${conversation}/${execution}`,
    `/account/live?run=${conversation}.${execution}`,
    link,
    "/account/activity",
    "/account/activity.jsonl",
    "/account/everybody.jsonl",
    "/account/forget",
    "/account/nowhere",
  ]) {
    const page = await account.open(path);
    shown.push(JSON.stringify([...page.headers]), await page.text());
  }
}

test("no log line shows code, output, input, a path, a name, a query or an address", async () => {
  const canary = `canary${crypto.randomUUID().slice(0, 8)}`;
  const begun = logged.length;
  const team = inject("teamServer");
  const tokens = await signIn({ token: team.token }, await register(`${canary} client`));
  await using client = await connectWith(tokens.access_token);
  const call = (name: string, args: Readonly<Record<string, unknown>>) =>
    client.call(name, args).catch((error: unknown) => ({ text: String(error) }));

  const run = await client.call("run_code", {
    code: `${canary} = "${canary} output"; print(${canary})`,
  });
  expect(run.text).toContain(`${canary} output`);
  const { conversation } = run.execution;
  await call("run_code", { conversation, code: `raise ValueError("${canary}")` });
  await call("run_code", { conversation, code: "1", kernel: `${canary}` });
  const asked = await client.call("run_code", {
    conversation,
    code: `print(input("${canary}? "))`,
  });
  const { execution } = asked.execution;
  await call("send_input", { conversation, execution, text: `${canary} answer` });
  await call("get_output", { conversation, execution, find: canary });
  await call("get_output", { conversation, execution, find: `(${canary}` });
  await call("list_variables", { conversation, name: canary });
  await call("inspect_code", { conversation, code: canary });

  const path = `${canary} folder/${canary}.ipynb`;
  await call("write_file", { path: `${canary} folder/${canary}.txt`, content: canary });
  await call("read_file", { path: `${canary} folder/${canary}.txt` });
  for (const bad of [`../${canary}`, `${canary}/nowhere`, `/${canary}`])
    for (const name of ["read_file", "read_notebook", "list_files", "delete_file"])
      await call(name, { path: bad });
  const cells = [{ cell_type: "code", source: `print("${canary}")` }];
  await call("create_notebook", { path, cells });
  await call("read_notebook", { path });
  await call("edit_notebook", { path, version: canary, edits: [] });
  await call("run_cells", { path, cells: "all", conversation });
  await call("run_cells", { path, cells: [canary], conversation });
  await call("search_notebooks", { query: canary, fresh: true });
  await call("search_notebooks", { query: `(${canary}`, regex: true });
  await call(canary, {});
  await call("run_code", { conversation: canary, code: "1" });
  await call("get_output", { conversation, execution: canary });
  await client.read(`jupyter://files/${canary}.txt`).catch(() => []);
  await fetchWorker(`${ORIGIN}/${canary}?${canary}`, {
    headers: { "cf-ray": canary, "mcp-protocol-version": canary, "user-agent": canary },
  });
  await fetchWorker(RESOURCE, {
    method: "POST",
    headers: {
      authorization: `Bearer ${tokens.access_token}`,
      "mcp-protocol-version": canary,
      "cf-ray": canary,
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: canary, method: canary }),
  });
  await fetchWorker(`${ORIGIN}/oauth/token`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ grant_type: canary, client_id: canary, code: canary }),
  });
  const account = new AccountBrowser();
  await account.signsIn({ token: canary, server: `https://${canary}.example.com` });
  await account.signsIn({ token: canary });
  await client.call("restart_kernel", { conversation });
  await client.call("end_conversation", { conversation, shutdown_kernels: true });
  await call("delete_file", { path });

  const lines = logged.slice(begun);
  const events = new Set(
    lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line).event),
  );
  for (const event of [
    "call",
    "run_started",
    "run_ended",
    "connection_opened",
    "kernel_replaced",
    "sign_in",
    "oauth_refused",
  ])
    expect([...events]).toContain(event);
  const principal = tokens.access_token.split(":")[0] ?? canary;
  const secrets = [canary, principal, tokens.access_token, tokens.refresh_token];
  for (const line of lines)
    for (const secret of [...secrets, team.token, "127.0.0.1", "203.0.113."])
      expect(line.toLowerCase().includes(secret.toLowerCase()), line).toBe(false);
});

test("nothing that is stored shows a token", async () => {
  const stored: string[] = [];
  for (const { keys } of [await env.OAUTH_KV.list()])
    for (const { name, metadata } of keys)
      stored.push(name, JSON.stringify(metadata), (await env.OAUTH_KV.get(name)) ?? "");
  for (const namespace of [
    env.WORKSPACE,
    env.CONVERSATION,
    env.ACCOUNT,
    env.DEPLOYMENT,
  ]) {
    // The classes differ, and so do the types of their namespaces.
    const objects = namespace as DurableObjectNamespace;
    for (const id of await listDurableObjectIds(objects))
      await runInDurableObject(objects.get(id), (_instance, { storage }) => {
        const tables = storage.sql
          .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
          .toArray()
          .filter(({ name }) => !name.startsWith("_"));
        for (const { name } of tables)
          stored.push(
            JSON.stringify(storage.sql.exec(`SELECT * FROM ${name}`).toArray()),
          );
      });
  }
  expect(stored.join("\n")).toContain("environment");
  for (const [what, secret] of Object.entries(SECRETS))
    expect(stored.join("\n").includes(secret), what).toBe(false);
});
