import { expect, inject, test } from "vitest";
import {
  arrivedAt,
  authorizationUrl,
  Browser,
  connectWith,
  exchange,
  fetchWorker,
  fieldsOf,
  handleIn,
  localUrl,
  ORIGIN,
  register,
  RESOURCE,
  signIn,
  tokenRequest,
} from "./support.ts";

test("a person signs in with the token of the team's server, runs code, and has the conversation next time", async () => {
  const { token } = inject("teamServer");
  const tokens = await signIn({ token });
  expect(tokens.scope.split(" ").toSorted()).toEqual([
    "code:execute",
    "notebooks:read",
    "notebooks:write",
  ]);
  await using client = await connectWith(tokens.access_token);
  const run = await client.call("run_code", { code: "x = 20\nprint('hello')" });
  expect(run.text).toMatch(/^e1 · ok · /);
  expect(run.text).toContain("hello");
  const { conversation } = run.execution;

  const again = await signIn({ token });
  await using later = await connectWith(again.access_token);
  const listed = await later.call("list_conversations", {});
  expect(listed.text).toContain(conversation);
  const next = await later.call("run_code", { conversation, code: "x + 1" });
  expect(next.text).toContain("21");
});

test("a person signs in with a server of their own, which gets nothing of the team's", async () => {
  const { port, token } = inject("ownServer");
  const earlier = (await arrivedAt("ownServer")).length;
  const tokens = await signIn({ token, server: `${localUrl(port)}/lab` });
  await using client = await connectWith(tokens.access_token);
  const run = await client.call("run_code", { code: "print('mine')" });
  expect(run.text).toContain("mine");
  // Other files sign in at the same server, one of them with a wrong token.
  const arrived = (await arrivedAt("ownServer")).slice(earlier);
  expect(arrived).not.toEqual([]);
  for (const { headers } of arrived) {
    expect(JSON.stringify(headers)).not.toContain("canary");
    expect(headers["authorization"] ?? `token ${token}`).toBe(`token ${token}`);
  }
  const team = await arrivedAt("teamServer");
  expect(JSON.stringify(team)).not.toContain(token);
});

test("the headers of a tunnel go on every request and socket to the team's server", async () => {
  const { token } = inject("teamServer");
  await using client = await connectWith((await signIn({ token })).access_token);
  await client.call("run_code", { code: "1" });
  // Under another name it is a server of somebody's own.
  const arrived = (await arrivedAt("teamServer")).filter(({ headers }) =>
    headers["host"]?.startsWith("127.0.0.1"),
  );
  expect(arrived.some(({ path }) => path.includes("/channels"))).toBe(true);
  for (const { headers } of arrived)
    expect(headers).toMatchObject({
      "x-team-secret": "canary-team-header",
      "cf-access-client-id": "canary-access-id",
      "cf-access-client-secret": "canary-access-secret",
    });
});

test("a client finds its way from a 401 to the consent page", async () => {
  const refused = await fetchWorker(RESOURCE, { method: "POST", body: "{}" });
  expect(refused.status).toBe(401);
  const challenge = refused.headers.get("www-authenticate") ?? "";
  const metadataUrl = /resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? "";
  expect(metadataUrl).toBe(`${ORIGIN}/.well-known/oauth-protected-resource/mcp`);
  const resource = await (await fetchWorker(metadataUrl)).json();
  expect(resource).toMatchObject({
    resource: RESOURCE,
    authorization_servers: [ORIGIN],
  });
  const metadata = await (
    await fetchWorker(`${ORIGIN}/.well-known/oauth-authorization-server`)
  ).json();
  expect(metadata).toMatchObject({
    issuer: ORIGIN,
    authorization_endpoint: `${ORIGIN}/authorize`,
    token_endpoint: `${ORIGIN}/oauth/token`,
    registration_endpoint: `${ORIGIN}/oauth/register`,
    code_challenge_methods_supported: ["S256"],
    client_id_metadata_document_supported: true,
  });
});

test("a token is refreshed, and the one before works no more after its replacement was used", async () => {
  const { token } = inject("teamServer");
  const first = await signIn({ token });
  const refresh = (refresh_token: string) =>
    tokenRequest({
      grant_type: "refresh_token",
      client_id: first.clientId,
      refresh_token,
    });
  const second = await refresh(first.refresh_token);
  await using client = await connectWith(second.access_token);
  expect((await client.call("list_kernels", {})).isError).toBe(false);
  await refresh(second.refresh_token);
  await expect(refresh(first.refresh_token)).rejects.toThrow(/invalid_grant/);
});

test("a call that needs more than was allowed is told what to ask for, and gets it after that", async () => {
  const { token } = inject("teamServer");
  const tokens = await signIn({ token, scopes: ["notebooks:read"] });
  await using client = await connectWith(tokens.access_token);
  expect((await client.call("list_files", {})).isError).toBe(false);
  const call = {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name: "run_code", arguments: { code: "1" } },
  };
  const refused = await fetchWorker(RESOURCE, {
    method: "POST",
    headers: {
      authorization: `Bearer ${tokens.access_token}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    },
    body: JSON.stringify(call),
  });
  expect(refused.status).toBe(403);
  const challenge = refused.headers.get("www-authenticate") ?? "";
  expect(challenge).toContain('error="insufficient_scope"');
  expect(challenge).toContain('scope="notebooks:read code:execute"');
  const scope = "notebooks:read code:execute";
  const more = await signIn({ token, scopes: scope.split(" ") }, tokens.clientId, {
    scope,
  });
  await using stepped = await connectWith(more.access_token);
  expect((await stepped.call("run_code", { code: "1" })).isError).toBe(false);
});

test("whoever denies sends the client away without a code", async () => {
  const { url } = await authorizationUrl(await register());
  const browser = new Browser();
  const handle = handleIn(await (await browser.open(url)).text());
  const denied = await browser.submit(url, [
    ["handle", handle],
    ["decision", "deny"],
  ]);
  expect(denied.status).toBe(303);
  const location = new URL(denied.headers.get("location") ?? "");
  expect(location.searchParams.get("error")).toBe("access_denied");
  expect(location.searchParams.get("state")).toBe("a state");
});

test("what is wrong with a server or a token is said in words, and no token is shown again", async () => {
  const strange = inject("strangeServers");
  const { token } = inject("teamServer");
  const cases: readonly (readonly [server: string, token: string, says: RegExp])[] = [
    ["", "wrong", /does not accept this token/],
    ["", "", /Enter the token/],
    ["", "two words", /no spaces/],
    ["", "ü".repeat(20), /ASCII/],
    ["", `http://localhost:8888/lab?token=${token}`, /That is a URL/],
    ["", "x".repeat(5_000), /no more than 4000/],
    ["https://127.0.0.2", token, /not by an address/],
    ["http://127.0.0.1:1", token, /cannot be reached/],
    [
      localUrl(strange.html),
      token,
      /does not answer like a Jupyter server.*was not sent/,
    ],
    [localUrl(strange.elsewhere), token, /does not answer like a Jupyter/],
    [localUrl(strange.login), token, /login page/],
    [localUrl(strange.open), token, /lets everybody in/],
    [localUrl(strange.huge), token, /does not answer like a Jupyter/],
    [localUrl(strange.silent), token, /cannot be reached/],
  ];
  for (const [server, typed, says] of cases) {
    const { url } = await authorizationUrl(await register());
    const browser = new Browser();
    const handle = handleIn(await (await browser.open(url)).text());
    const answer = await browser.submit(url, fieldsOf(handle, { server, token: typed }));
    const page = await answer.text();
    expect(answer.status, page).toBe(422);
    expect(page.replaceAll(/<[^>]+>/g, " ")).toMatch(says);
    if (typed.length > 6) expect(page).not.toContain(typed);
    // The form that it shows works.
    if (server === "") {
      const retried = await browser.submit(url, fieldsOf(handleIn(page), { token }));
      expect(retried.status).toBe(303);
    }
  }
});

test("what does not answer like a Jupyter server is sent no token", async () => {
  const { html, huge, silent, open } = inject("strangeServers");
  for (const port of [html, huge, silent, open]) {
    const seen = await (await fetch(`${localUrl(port)}/seen`)).json();
    expect(seen).toEqual([]);
  }
});

test("a server that knows people by name knows them under every token of theirs", async () => {
  const server = localUrl(inject("strangeServers").named);
  const people = await Promise.all(
    ["good-1", "good-2"].map((token) => signIn({ token, server })),
  );
  const [first, second] = people.map(({ access_token }) => access_token.split(":")[0]);
  expect(first).toBe(second);
  const { token, port } = inject("ownServer");
  const other = await signIn({ token, server: localUrl(port) });
  expect(other.access_token.split(":")[0]).not.toBe(first);
});

test("nobody may guess tokens", async () => {
  const { url } = await authorizationUrl(await register());
  const browser = new Browser();
  let page = await (await browser.open(url)).text();
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const answer = await browser.submit(
      url,
      fieldsOf(handleIn(page), { token: "guess" }),
    );
    page = await answer.text();
    expect(page).toContain("does not accept this token");
  }
  const { token } = inject("teamServer");
  const answer = await browser.submit(url, fieldsOf(handleIn(page), { token }));
  expect(await answer.text()).toContain("Too many attempts");
});

test("a code works once, with its own secret, and for its own client", async () => {
  const client = await register();
  const { url, verifier } = await authorizationUrl(client);
  const browser = new Browser();
  const handle = handleIn(await (await browser.open(url)).text());
  const { token } = inject("teamServer");
  const answer = await browser.submit(url, fieldsOf(handle, { token }));
  const code =
    new URL(answer.headers.get("location") ?? "").searchParams.get("code") ?? "";
  await expect(
    exchange({ client, code, verifier: "another secret".repeat(5) }),
  ).rejects.toThrow(/invalid_grant/);
  const other = await register();
  await expect(exchange({ client: other, code, verifier })).rejects.toThrow(/invalid/);
  const replayed = await browser.submit(url, fieldsOf(handle, { token }));
  expect(replayed.status).toBe(400);
});
