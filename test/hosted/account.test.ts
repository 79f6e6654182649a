import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { afterEach, expect, inject, test, vi } from "vitest";
import { ACCOUNT, AccountBrowser, formTokenIn } from "./account-support.ts";
import {
  connectWith,
  eventually,
  fetchWith,
  localUrl,
  RESOURCE,
  signIn,
  tokenRequest,
} from "./support.ts";

const HOUR_MS = 60 * 60_000;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function teamToken(): string {
  return inject("teamServer").token;
}

test("whoever opens their page without being signed in proves who they are, and comes to where they wanted", async () => {
  const account = new AccountBrowser();
  const asked = await account.open("/account/activity");
  expect(asked.status).toBe(200);
  const page = await asked.text();
  expect(page).toContain("<h1>Sign in</h1>");
  expect(page).toContain('name="back" value="/account/activity"');
  const answer = await account.signsIn({ token: teamToken() }, "/account/activity");
  expect(answer.status).toBe(303);
  expect(answer.headers.get("location")).toBe("/account/activity");
  expect(answer.headers.getSetCookie()).toEqual([
    expect.stringMatching(
      /^__Host-jupyter-edge=[\w.-]+; Path=\/; Max-Age=43200; Secure; HttpOnly; SameSite=Lax$/,
    ),
  ]);
  expect(await account.page("/account/activity")).toContain("Signed in on this page");
});

test("a page shows the server, the conversations, what ran last in them, and the clients", async () => {
  const tokens = await signIn({ token: teamToken() });
  await using client = await connectWith(tokens.access_token);
  const run = await client.call("run_code", { code: "print('<b>hello</b>')\n2" });
  const { conversation } = run.execution;
  const account = await AccountBrowser.signedIn({ token: teamToken() });
  const page = await account.page();
  expect(page).toContain(localUrl(inject("teamServer").port));
  expect(page).toMatch(/answers\.<?[^]*Jupyter Server 2\./);
  expect(page).toContain(conversation);
  expect(page).toContain("print(&#39;&lt;b&gt;hello&lt;/b&gt;&#39;)");
  expect(page).toContain("Test client");
  expect(page).toContain("run code");
  const inner = await account.page(`/account/conversations/${conversation}/e1`);
  expect(inner).toContain("&lt;b&gt;hello&lt;/b&gt;\n2");
  expect(inner).not.toContain("<b>hello");
});

test("wrong tokens are refused with a word, and never shown again", async () => {
  const account = new AccountBrowser();
  for (const [token, says] of [
    ["wrong-token", /does not accept this token/],
    ["", /Enter the token/],
  ] as const) {
    const answer = await account.signsIn({ token });
    expect(answer.status).toBe(422);
    const page = await answer.text();
    expect(page).toMatch(says);
    expect(page).not.toContain("wrong-token");
    expect(answer.headers.getSetCookie()).toEqual([]);
  }
});

test("nobody may guess tokens on the sign-in page", async () => {
  const account = new AccountBrowser();
  for (let attempt = 0; attempt < 10; attempt += 1)
    expect((await account.signsIn({ token: "guess" })).status).toBe(422);
  const answer = await account.signsIn({ token: teamToken() });
  expect(answer.status).toBe(422);
  expect(await answer.text()).toContain("Too many attempts to sign in");
});

test("nobody is sent away from this origin after they have signed in", async () => {
  for (const back of [
    "https://evil.example/",
    "//evil.example",
    "/authorize",
    "/account/../mcp",
  ]) {
    const answer = await new AccountBrowser().signsIn({ token: teamToken() }, back);
    expect(answer.headers.get("location")).toBe("/account");
  }
});

test("a session ends when its person signs out, and after twelve hours", async () => {
  const account = await AccountBrowser.signedIn({ token: teamToken() });
  const other = await AccountBrowser.signedIn({ token: teamToken() });
  const token = formTokenIn(await account.page());
  const left = await account.sends("/account/sign-out");
  expect(left.status).toBe(303);
  expect(await account.page()).toContain("<h1>Sign in</h1>");
  expect(await other.page()).toContain("<h1>Your account</h1>");
  // Neither does what was sent from a page of it.
  const late = await account.browser.submit(`${ACCOUNT}/forget`, [
    ["form_token", token],
    ["sure", "true"],
  ]);
  expect(await late.text()).toContain("<h1>Sign in</h1>");
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 12 * HOUR_MS });
  expect(await other.page()).toContain("<h1>Sign in</h1>");
});

test("a client whose person revokes it is stopped at its next call, and the others go on", async () => {
  const kept = await signIn({ token: teamToken() });
  const tokens = await signIn({ token: teamToken() });
  await using client = await connectWith(tokens.access_token);
  expect((await client.call("list_kernels", {})).isError).toBe(false);
  const account = await AccountBrowser.signedIn({ token: teamToken() });
  const [grant = ""] = grantsIn(await account.page());
  const answer = await account.sends("/account/clients/revoke", { grant });
  expect(answer.status).toBe(303);
  const refused = await fetchWith(tokens.access_token)(RESOURCE, {
    method: "POST",
    body: "{}",
  });
  expect(refused.status).toBe(401);
  expect(refused.headers.get("www-authenticate")).toMatch(/invalid_token/);
  await expect(
    tokenRequest({
      grant_type: "refresh_token",
      client_id: tokens.clientId,
      refresh_token: tokens.refresh_token,
    }),
  ).rejects.toThrow(/invalid_grant/);
  await using other = await connectWith(kept.access_token);
  expect((await other.call("list_kernels", {})).isError).toBe(false);
  expect(await account.page("/account/activity")).toContain("Revoked Test client");
  // What is revoked is there no more.
  expect((await account.sends("/account/clients/revoke", { grant })).status).toBe(404);
});

test("a grant that KV brings back opens nothing", async () => {
  const tokens = await signIn({ token: teamToken() });
  const stored: [string, string][] = [];
  for (const { name } of (await env.OAUTH_KV.list()).keys)
    stored.push([name, (await env.OAUTH_KV.get(name)) ?? ""]);
  const account = await AccountBrowser.signedIn({ token: teamToken() });
  const [grant = ""] = grantsIn(await account.page());
  await account.sends("/account/clients/revoke", { grant });
  // As a location does that has not heard of it yet.
  for (const [name, value] of stored) await env.OAUTH_KV.put(name, value);
  const refused = await fetchWith(tokens.access_token)(RESOURCE, {
    method: "POST",
    body: "{}",
  });
  expect(refused.status).toBe(401);
});

test("a page interrupts what runs, and ends a conversation with the kernels that it started", async () => {
  const tokens = await signIn({ token: teamToken() });
  await using client = await connectWith(tokens.access_token);
  const code = "import time\nprint('begun', flush=True)\ntime.sleep(600)";
  const run = await client.call("run_code", { code, wait_seconds: 1 });
  const { conversation, kernel } = run.execution;
  const account = await AccountBrowser.signedIn({ token: teamToken() });
  const path = `/account/conversations/${conversation}`;
  const overview = await account.page();
  expect(overview).toContain(`data-live="${conversation}.e1"`);
  expect(overview).toContain("begun");
  const interrupted = await account.sends(`${path}/interrupt`, { kernel: kernel ?? "" });
  expect(interrupted.status).toBe(303);
  const shown = await account.page(`${path}/e1`);
  expect(shown).toContain("KeyboardInterrupt");
  expect(shown).not.toContain("data-live");
  const wrong = await account.sends(`${path}/interrupt`, { kernel: "nowhere" });
  expect(wrong.status).toBe(409);
  expect(await wrong.text()).toMatch(/role="alert"><p>[^<]*nowhere/);
  const ended = await account.sends(`${path}/end`, { shutdown_kernels: "true" });
  expect(ended.status).toBe(303);
  expect((await account.open(path)).status).toBe(404);
  expect((await client.call("list_kernels", {})).text).not.toContain(kernel?.slice(0, 8));
});

test("output is seen arriving on the page's stream while the kernel prints, until the run ends", async () => {
  const tokens = await signIn({ token: teamToken() });
  await using client = await connectWith(tokens.access_token);
  const code =
    "for i in range(3): print('<i>', input(f'question {i}'), '</i>', flush=True)";
  const run = await client.call("run_code", { code });
  const { conversation, execution } = run.execution;
  const account = await AccountBrowser.signedIn({ token: teamToken() });
  const stream = await account.open(`/account/live?run=${conversation}.${execution}`);
  expect(stream.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  const reader = (stream.body ?? new ReadableStream()).getReader();
  const decoder = new TextDecoder();
  let seen = "";
  const until = async (text: string) => {
    while (!seen.includes(text)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(seen);
      seen += decoder.decode(value, { stream: true });
    }
  };
  for (const answer of ["one", "two", "three"]) {
    await client.call("send_input", { conversation, execution, text: answer });
    await until(`<i> ${answer} </i>`);
  }
  await until('"isFinal":true');
  await until("event: done");
  expect((await reader.read()).done).toBe(true);
});

test("a password is answered on a page, once, and is nowhere else", async () => {
  const tokens = await signIn({ token: teamToken() });
  await using client = await connectWith(tokens.access_token);
  const code =
    "from getpass import getpass\nfirst = getpass('Token: ')\nsecond = getpass('Again: ')\nprint(len(first), len(second))";
  const asked = await client.call("run_code", { code });
  const { conversation, execution } = asked.execution;
  const path = linkIn(asked.text);
  const stranger = await new AccountBrowser().page(path);
  expect(stranger).toContain("<h1>Sign in</h1>");
  expect(stranger).not.toContain("Token: ");
  const account = await AccountBrowser.signedIn({ token: teamToken() });
  const page = await account.page(path);
  expect(page).toContain("Token: ");
  expect(page).toContain('type="password"');
  // Sent twice, as by an impatient person: neither may reach the question that comes next.
  const sent = await Promise.all(
    [1, 2].map(() => account.sends(path, { answer: "canary-secret-1" }, path)),
  );
  expect(sent.map(({ status }) => status).toSorted()).toEqual([200, 410]);
  expect((await Promise.all(sent.map((each) => each.text()))).join()).toContain(
    "Sent to the kernel",
  );
  const again = await eventually(
    () => client.call("get_output", { conversation, execution, wait_seconds: 0 }),
    ({ text }) => text.includes("Again: "),
  );
  // The first link is used up, though the code asks once more.
  expect((await account.open(path)).status).toBe(410);
  const second = linkIn(again.text);
  expect(second).not.toBe(path);
  const replayed = await account.sends(path, { answer: "canary-secret-2" }, second);
  expect(replayed.status).toBe(410);
  const answers = await Promise.all(
    ["canary-secret-33", "canary-secret-33"].map((answer) =>
      account.sends(second, { answer }, second),
    ),
  );
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 410]);
  const done = await client.call("get_output", { conversation, execution });
  expect(done.execution.state, done.text).toBe("ok");
  expect(done.text).toContain("15 16");
  expect(done.text).not.toContain("canary-secret");
  expect(
    await account.page(`/account/conversations/${conversation}/${execution}`),
  ).not.toContain("canary-secret");
  expect(await account.page("/account/activity")).toContain(
    `Answered ${execution} of ${conversation} on a page`,
  );
});

test("a server that fails is said to, and the rest of the page is there", async () => {
  // It says who people are, and has nothing of Jupyter behind that.
  const server = localUrl(inject("strangeServers").named);
  const account = await AccountBrowser.signedIn({ token: "good-1", server });
  const page = await account.page();
  expect(page).toMatch(
    /<p class="state silent"><span><code>[^<]+<\/code> does not answer\. What answers at [^<]+ is not a Jupyter server/,
  );
  expect(page).toContain("Connected clients");
});

test("a lost run says why on its page", async () => {
  const tokens = await signIn({ token: teamToken() });
  await using client = await connectWith(tokens.access_token);
  const run = await client.call("run_code", { code: "import os; os._exit(1)" });
  const { conversation, execution, state } = run.execution;
  expect(state).toBe("lost");
  const account = await AccountBrowser.signedIn({ token: teamToken() });
  const page = await account.page(`/account/conversations/${conversation}/${execution}`);
  expect(page).toMatch(/data-part="notices">Lost: [^<]+</);
});

test("a bug shows its id on the page, and nothing else of it", async () => {
  const logged: string[] = [];
  vi.spyOn(console, "error").mockImplementation((...args: unknown[]) => {
    logged.push(args.map(String).join(" "));
  });
  const tokens = await signIn({
    token: "good-2",
    server: localUrl(inject("strangeServers").named),
  });
  const principal = tokens.access_token.split(":")[0] ?? "";
  const account = await AccountBrowser.signedIn({
    token: "good-2",
    server: localUrl(inject("strangeServers").named),
  });
  await runInDurableObject(env.ACCOUNT.getByName(principal), (_instance, { storage }) => {
    storage.sql.exec("UPDATE audit_trail SET event = 'canary, no JSON'");
  });
  const failed = await account.open("/account/activity");
  expect(failed.status).toBe(500);
  const page = await failed.text();
  const id = /Error <code>([0-9a-f]{8})<\/code>/.exec(page)?.[1] ?? "none";
  expect(page).not.toContain("canary");
  const line = logged.find((each) => each.includes(id)) ?? "{}";
  expect(JSON.parse(line)).toMatchObject({
    level: "error",
    event: "bug",
    request: expect.stringMatching(/^[0-9a-f]{16}$/),
    task: "page",
    id,
    route: "/account/activity",
    frames: expect.stringMatching(/^\S+ \S+:\d+:\d+/),
  });
  expect(logged.join("\n")).not.toContain("canary");
  await account.sends("/account/forget", { sure: "true" }, "/account/forget");
});

/** The grants of clients on a page, the newest first. */
function grantsIn(page: string): string[] {
  return [...page.matchAll(/name="grant" value="([^"]+)"/g)].flatMap(
    ([, id]) => id ?? [],
  );
}

/** The path of the page that a result asks the user to open. */
function linkIn(text: string): string {
  const path =
    /Next: Ask the user to type the password at https:\/\/edge\.example\.com(\/\S+),/.exec(
      text,
    )?.[1];
  if (path === undefined) throw new Error(text);
  return path;
}
