import { env } from "cloudflare:workers";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { expect, inject, test } from "vitest";
import worker from "../../src/index.ts";
import { LogLines } from "../support/log-lines.ts";
import { AccountBrowser } from "./account-support.ts";
import { arrivedAt, fetchWorker, ORIGIN, signIn } from "./support.ts";

const HEALTH = `${ORIGIN}/health`;
/** As `vitest.config.ts` sets it. */
const TOKEN = "canary-health-token-of-more-than-32-characters";

/** What `/health` says to a request with these headers, where some settings are others. */
async function health(headers: Readonly<Record<string, string>>, settings: object = {}) {
  const context = createExecutionContext();
  const answer = await worker.fetch(
    new Request(HEALTH, {
      headers: { ...headers, host: "edge.example.com" },
    }) as Request<unknown, IncomingRequestCfProperties>,
    Object.assign({}, env, settings),
    context,
  );
  const body = await answer.json<{ status: string; jupyter?: unknown }>();
  await waitOnExecutionContext(context);
  return { status: answer.status, body };
}

test("/health tells strangers nothing of Jupyter, and does not ask it for them", async () => {
  const before = (await arrivedAt("teamServer")).length;
  const session = (await AccountBrowser.signedIn({ token: inject("teamServer").token }))
    .browser.cookies;
  const asked = (await arrivedAt("teamServer")).length;
  expect(asked).toBeGreaterThan(before);
  // One who is signed in and no owner is a stranger here.
  for (const headers of [{}, { cookie: session }, { cookie: "jupyter-edge=x" }]) {
    const answer = await fetchWorker(HEALTH, { headers });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toMatch(/^public/);
    expect(answer.headers.get("vary")).toBe("Authorization, Cookie");
    expect(Object.keys(await answer.json<object>())).toEqual(["status", "version"]);
  }
  expect((await arrivedAt("teamServer")).length).toBe(asked);
});

/** How often the server was asked what it is. */
async function apiCalls(): Promise<number> {
  return (await arrivedAt("teamServer")).filter(({ path }) => path === "/api").length;
}

test("/health tells whoever has HEALTH_TOKEN how the server is, and asks it once for all who come at a time", async () => {
  const before = await apiCalls();
  const authorization = `Bearer ${TOKEN}`;
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => fetchWorker(HEALTH, { headers: { authorization } })),
  );
  for (const answer of answers) {
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const text = await answer.text();
    expect(JSON.parse(text)).toMatchObject({
      status: "ok",
      jupyter: {
        is: "Jupyter Server",
        answers: true,
        version: expect.stringMatching(/^\d+\./),
        latencyMs: expect.any(Number),
        // People bring their own.
        token: "not configured",
        kernels: null,
      },
      counters: { events: expect.any(Object) },
    });
    for (const secret of [TOKEN, String(inject("teamServer").port)])
      expect(text).not.toContain(secret);
  }
  expect((await apiCalls()) - before).toBeLessThanOrEqual(1);
});

test("/health refuses a wrong token, which says nothing of Jupyter and is told in the log", async () => {
  using log = new LogLines();
  for (const authorization of [`Bearer ${TOKEN}x`, "Bearer ", `Basic ${btoa(TOKEN)}`]) {
    const answer = await fetchWorker(HEALTH, { headers: { authorization } });
    expect(answer.status).toBe(401);
    expect(await answer.text()).not.toMatch(/answers|version/);
  }
  expect(log.with({ event: "refused", at: "health", outcome: "wrong_secret" })).toEqual(
    expect.arrayContaining([expect.objectContaining({ level: "warn" })]),
  );
  expect(log.texts.join("\n")).not.toContain(TOKEN);
});

test("without HEALTH_TOKEN no bearer is the right one", async () => {
  for (const authorization of [`Bearer ${TOKEN}`, "Bearer ", "Bearer undefined"])
    expect((await health({ authorization }, { HEALTH_TOKEN: "" })).status).toBe(401);
});

test("/health tells an owner who is signed in, until they sign out", async () => {
  const filled = { token: inject("teamServer").token };
  const { access_token: token } = await signIn(filled);
  const [principal = ""] = token.split(":");
  const account = await AccountBrowser.signedIn(filled);
  const cookie = account.browser.cookies;
  const owners = { OWNERS: principal };
  expect((await health({ cookie }, owners)).body).toMatchObject({
    status: "ok",
    jupyter: { answers: true },
  });
  expect((await health({ cookie }, { OWNERS: "a".repeat(52) })).body.jupyter).toBe(
    undefined,
  );
  await account.sends("/account/sign-out");
  expect((await health({ cookie }, owners)).body.jupyter).toBe(undefined);
});
