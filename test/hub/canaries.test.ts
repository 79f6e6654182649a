import { env } from "cloudflare:workers";
import { listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { TOOLS } from "../../src/mcp/server.ts";
import {
  arrivedAtHub,
  authorizationUrl,
  connectWith,
  exchange,
  HubPerson,
  register,
  revokeTokens,
  RESOURCE,
  fetchWorker,
} from "./support.ts";

/** What must be nowhere but on requests to the Hub and to its servers. */
const secrets: Record<string, string> = {};
/** All that anybody or any log got to see. */
const shown: string[] = [];
const LEVELS = ["log", "info", "warn", "error", "debug"] as const;

beforeAll(() => {
  secrets["the client secret"] = inject("hub").clientSecret;
  secrets["the sealing key"] = "a sealing key of more than thirty-two characters";
  for (const level of LEVELS)
    vi.spyOn(console, level).mockImplementation((...args: unknown[]) => {
      shown.push(args.map(String).join(" "));
    });
});

afterAll(() => {
  vi.restoreAllMocks();
});

test("no answer, page, log line or URL shows what the Hub gave, and no path at the Hub has it", async () => {
  const person = new HubPerson("carla");
  const client = await register();
  const { url, verifier } = await authorizationUrl(client);
  const { next, page } = await person.allows(url);
  const callback = await person.signsInThere(next);
  const wrong = new URL(callback);
  wrong.searchParams.set("code", "wrong");
  const other = new HubPerson("carla");
  shown.push(page, next.href, await (await other.browser.open(wrong)).text());
  const code = await person.comesBack(callback);
  const tokens = await exchange({ client, code, verifier });
  await using mcp = await connectWith(tokens.access_token);
  const run = await mcp.call("run_code", { code: "print('environment'); 1/0" });
  shown.push(JSON.stringify(run), JSON.stringify(tokens));
  for (const { name } of TOOLS) {
    const args = { conversation: run.execution.conversation, path: "a", code: "1/0" };
    const called = await mcp.call(name, args).catch(String);
    shown.push(JSON.stringify(called));
  }

  const arrived = await arrivedAtHub();
  const given = arrived
    .filter(({ path }) => path.startsWith("/jupyter/user/carla/"))
    .flatMap(({ headers }) => headers["authorization"]?.replace(/^token /, "") ?? []);
  const [token] = given;
  if (token === undefined) throw new Error("No request had a token");
  expect(new Set(given)).toEqual(new Set([token]));
  secrets["the Hub's token"] = token;
  for (const { path } of arrived) shown.push(path);

  await revokeTokens("carla");
  const refused = await fetchWorker(RESOURCE, { method: "POST", body: "{}" });
  shown.push(JSON.stringify([...refused.headers]), await refused.text());

  for (const [what, secret] of Object.entries(secrets))
    for (const text of shown)
      expect(text.includes(secret), `${what}: ${text}`).toBe(false);
});

test("nothing that is stored shows a token, a secret or a name", async () => {
  const stored: string[] = [];
  const { keys } = await env.OAUTH_KV.list();
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
        stored.push(String(id.name));
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
  const all = stored.join("\n");
  expect(all).toContain("environment");
  expect(all).not.toContain("carla");
  for (const [what, secret] of Object.entries(secrets))
    expect(all.includes(secret), what).toBe(false);
});
