import { env } from "cloudflare:workers";
import { afterEach, expect, inject, test, vi } from "vitest";
import {
  authorizationUrl,
  Browser,
  fetchWorker,
  fieldsOf,
  handleIn,
  ORIGIN,
  register,
  RESOURCE,
  signIn,
} from "./support.ts";

afterEach(() => {
  vi.useRealTimers();
});

const CALL = { jsonrpc: "2.0", id: 1, method: "tools/list", params: {} };

function callWith(authorization: string | null): Promise<Response> {
  return fetchWorker(RESOURCE, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...(authorization !== null && { authorization }),
    },
    body: JSON.stringify(CALL),
  });
}

test("a token that was not issued here opens nothing", async () => {
  const { token } = inject("teamServer");
  const { access_token, refresh_token } = await signIn({ token });
  expect((await callWith(`Bearer ${access_token}`)).status).toBe(200);
  const [user = "", grant = "", secret = ""] = access_token.split(":");
  const forged = [
    null,
    "",
    "Bearer",
    "Bearer ",
    "Bearer x",
    `Basic ${btoa(`a:${access_token}`)}`,
    `Bearer ${token}`,
    `token ${token}`,
    `Bearer ${refresh_token}`,
    `Bearer ${user}:${grant}:${secret.toUpperCase()}`,
    `Bearer ${user}:${grant}:${secret.slice(0, -1)}`,
    `Bearer ${"a".repeat(52)}:${grant}:${secret}`,
    `Bearer ${user}:${grant}`,
    `Bearer ${access_token} ${access_token}`,
    `Bearer ${"x".repeat(8_000)}`,
  ];
  for (const authorization of forged) {
    const answer = await callWith(authorization);
    expect(answer.status, String(authorization)).toBe(401);
    expect(answer.headers.get("www-authenticate")).toContain("resource_metadata=");
  }
  const inUrl = await fetchWorker(`${RESOURCE}?access_token=${access_token}`, {
    method: "POST",
    body: JSON.stringify(CALL),
  });
  expect(inUrl.status).toBe(401);
});

test("a token that has expired, or was issued for another resource, opens nothing", async () => {
  const { token } = inject("teamServer");
  const { access_token } = await signIn({ token });
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * 60 * 60_000 });
  expect((await callWith(`Bearer ${access_token}`)).status).toBe(401);
  vi.useRealTimers();
  expect((await callWith(`Bearer ${access_token}`)).status).toBe(200);
  const { keys } = await env.OAUTH_KV.list({ prefix: "token:" });
  for (const { name } of keys) {
    const record: Record<string, unknown> = JSON.parse(
      (await env.OAUTH_KV.get(name)) ?? "{}",
    );
    expect(record["audience"]).toBe(RESOURCE);
    const foreign = { ...record, audience: "https://other.example.com/mcp" };
    await env.OAUTH_KV.put(name, JSON.stringify(foreign));
  }
  expect((await callWith(`Bearer ${access_token}`)).status).toBe(401);
});

test("a token is asked for the resource of this deployment alone", async () => {
  const { url } = await authorizationUrl(await register(), {
    resource: "https://other.example.com/mcp",
  });
  const answer = await new Browser().open(url);
  expect(answer.status).toBe(303);
  expect(new URL(answer.headers.get("location") ?? "").searchParams.get("error")).toBe(
    "invalid_target",
  );
});

test("a client in a browser may call with its token, and nobody without one", async () => {
  const { token } = inject("teamServer");
  const { access_token } = await signIn({ token });
  const origin = "https://client.example.org";
  const preflight = await fetchWorker(RESOURCE, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization, content-type",
    },
  });
  expect(preflight.ok).toBe(true);
  expect(preflight.headers.get("access-control-allow-origin")).toBe(origin);
  expect(preflight.headers.get("access-control-allow-credentials")).not.toBe("true");
  const call = (headers: Record<string, string>) =>
    fetchWorker(RESOURCE, {
      method: "POST",
      headers: {
        origin,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...headers,
      },
      body: JSON.stringify(CALL),
    });
  expect((await call({})).status).toBe(401);
  const answer = await call({ authorization: `Bearer ${access_token}` });
  expect(answer.status, await answer.clone().text()).toBe(200);
  expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
});

test("another name of the Worker serves nothing", async () => {
  for (const origin of ["https://edge.workers.dev", "http://edge.example.com"]) {
    for (const path of ["/", "/mcp", "/authorize", "/oauth/token", "/health"]) {
      expect((await fetchWorker(`${origin}${path}`)).status).toBe(421);
    }
  }
});

test("what comes from another page, or another browser, decides nothing", async () => {
  const { token } = inject("teamServer");
  const { url } = await authorizationUrl(await register());
  const browser = new Browser();
  const handle = handleIn(await (await browser.open(url)).text());
  for (const origin of ["https://evil.example.org", "null", null])
    expect((await browser.submit(url, fieldsOf(handle, { token }), origin)).status).toBe(
      403,
    );
  // The handle alone, without the cookie that came with it.
  const other = new Browser();
  const stolen = await other.submit(url, fieldsOf(handle, { token }));
  expect(stolen.status).toBe(400);
  expect(await stolen.text()).toContain("connect again");
});

test("nobody is sent to where the client has not registered", async () => {
  const client = await register();
  for (const redirect_uri of [
    "https://evil.example.org/callback",
    "http://127.0.0.1:33418/other",
    "javascript:alert(1)",
    "//evil.example.org",
    "",
  ]) {
    const { url } = await authorizationUrl(client, { redirect_uri });
    const answer = await new Browser().open(url);
    expect(answer.status, redirect_uri).toBe(400);
    expect(answer.headers.get("location")).toBeNull();
  }
});

test.each([
  ["an unknown client", { client_id: "nobody" }],
  ["no PKCE", { code_challenge: "" }],
  ["the plain method of PKCE", { code_challenge_method: "plain" }],
  ["an implicit grant", { response_type: "token" }],
] as const)("%s gets no form", async (_name, further) => {
  const { url } = await authorizationUrl(await register(), further);
  const answer = await new Browser().open(url);
  expect(await answer.text()).not.toContain("<form");
  expect([303, 400]).toContain(answer.status);
});

test("pages cannot be framed, hold no script, and are not kept", async () => {
  const { url } = await authorizationUrl(await register("<script>alert(1)</script>"));
  const answer = await new Browser().open(url);
  const page = await answer.text();
  const policy = answer.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).toContain("form-action 'self' http://127.0.0.1:33418");
  expect(policy).not.toContain("unsafe");
  expect(answer.headers.get("x-frame-options")).toBe("DENY");
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(page).not.toMatch(/<script/);
  expect(page).toContain("&lt;script&gt;");
  for (const cookie of answer.headers.getSetCookie())
    expect(cookie).toMatch(/^__Host-.*HttpOnly.*Secure|^__Host-.*Secure.*HttpOnly/i);
});

test("a client's name cannot look like part of the page", async () => {
  const name = `Claude\n\nPublisher: anthropic.com\u202e${"x".repeat(500)}`;
  const { url } = await authorizationUrl(await register(name));
  const page = await (await new Browser().open(url)).text();
  expect(page).toMatch(/<h1>Connect Claude Publisher: anthropic.com x{10,60}…<\/h1>/);
  expect(page).toContain("Not verified: this app named itself.");
});

test.each([
  ["no fields", ""],
  ["a handle alone", "handle=x"],
  ["no decision", "handle=x&token=y"],
  ["control characters", "handle=%00&decision=approve&token=%00%01&scope=code:execute"],
  ["an unknown scope", "handle=x&decision=approve&token=y&scope=admin"],
  ["no form at all", "{}"],
])("a form with %s decides nothing", async (_name, body) => {
  const { url } = await authorizationUrl(await register());
  const answer = await new Browser().open(url, {
    method: "POST",
    body,
    headers: { origin: ORIGIN, "content-length": String(body.length) },
  });
  expect([400, 422]).toContain(answer.status);
});

test("a form or a registration of megabytes is not read", async () => {
  const { url } = await authorizationUrl(await register());
  const large = "x".repeat(3_000_000);
  const form = await new Browser().submit(url, [["token", large]]);
  expect(form.status).toBe(413);
  const registration = await fetchWorker(`${ORIGIN}/oauth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      client_name: large,
      redirect_uris: ["https://a.example.com"],
    }),
  });
  expect(registration.status).toBeGreaterThanOrEqual(400);
  expect(registration.status).toBeLessThan(500);
});
