import { env } from "cloudflare:workers";
import {
  createExecutionContext,
  runDurableObjectAlarm,
  waitOnExecutionContext,
} from "cloudflare:test";
import { afterEach, expect, inject, test, vi } from "vitest";
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

test("an entry goes when its time is over", async () => {
  const { principal, trail } = await somebody({
    token: "good-1",
    server: localUrl(inject("strangeServers").named),
  });
  expect(await trail()).toHaveLength(2);
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
