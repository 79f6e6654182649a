import { beforeAll, expect, inject, test } from "vitest";
import { AccountBrowser, formTokenIn } from "./account-support.ts";
import { connectWith, localUrl, ORIGIN, signIn, type Filled } from "./support.ts";

/** Like one of ours, and nobody's. */
const UNKNOWN = "c_aaaaaaaaaa";
const UNKNOWN_GRANT = "00000000-0000-4000-8000-000000000000";

let a: AccountBrowser;
/** Conversation of person A, whose execution waits for a password. */
let conversation: string;
let answer: string;
let grant: string;
const others: Record<string, AccountBrowser> = {};

beforeAll(async () => {
  const team = inject("teamServer");
  const own = inject("ownServer");
  const tokens = await signIn({ token: team.token });
  await using client = await connectWith(tokens.access_token);
  const code = "from getpass import getpass\nprint(len(getpass('canary-prompt')))";
  const asked = await client.call("run_code", { code });
  ({ conversation } = asked.execution);
  answer =
    /https:\/\/edge\.example\.com(\/account\/answer\/\S+),/.exec(asked.text)?.[1] ?? "";
  a = await AccountBrowser.signedIn({ token: team.token });
  grant = /name="grant" value="([^"]+)"/.exec(await a.page())?.[1] ?? "";
  const alias: Filled = { token: team.token, server: `http://localhost:${team.port}` };
  const stranger: Filled = { token: own.token, server: localUrl(own.port) };
  others["another person, on another server"] = await AccountBrowser.signedIn(stranger);
  others["the same token, for another server"] = await AccountBrowser.signedIn(alias);
});

/** What differs between two answers by itself: the form's token is that of the session, and so the same. */
async function heard(asking: Promise<Response>): Promise<string> {
  const response = await asking;
  return `${response.status} ${await response.text()}`;
}

const NAMES = ["another person, on another server", "the same token, for another server"];

function other(name: string): AccountBrowser {
  const found = others[name];
  if (found === undefined) throw new Error(name);
  return found;
}

/** Every page of person A, with their names in it. */
const PAGES: readonly (() => string)[] = [
  () => `/account/conversations/${conversation}`,
  () => `/account/conversations/${conversation}/e1`,
  () => answer,
];

test.each(NAMES)("%s finds every page of theirs as one that never was", async (name) => {
  for (const page of PAGES) {
    const path = page();
    const found = await heard(other(name).open(path));
    expect(found).toBe(
      await heard(other(name).open(path.replace(conversation, UNKNOWN))),
    );
    expect(found).toMatch(/^404 /);
    expect(await heard(a.open(path))).toMatch(/^200 /);
  }
});

test.each(NAMES)("%s sees nothing of theirs on the pages of their own", async (name) => {
  for (const path of ["/account", "/account/activity", "/account/activity.jsonl"]) {
    const page = await other(name).page(path);
    expect(page).not.toContain(conversation);
    expect(page).not.toContain("canary-prompt");
    expect(page).not.toContain(grant);
  }
  const live = await other(name).page(`/account/live?run=${conversation}.e1`);
  expect(live).toBe(await other(name).page(`/account/live?run=${UNKNOWN}.e1`));
});

test.each(NAMES)(
  "%s changes nothing of theirs with a form of their own",
  async (name) => {
    const forms: readonly (readonly [string, Record<string, string>])[] = [
      [`/account/conversations/${conversation}/interrupt`, {}],
      [`/account/conversations/${conversation}/end`, { shutdown_kernels: "true" }],
      [answer, { answer: "mine" }],
      ["/account/clients/revoke", { grant }],
    ];
    for (const [path, fields] of forms) {
      const found = await heard(other(name).sends(path, fields));
      const unknown = await heard(
        other(name).sends(path.replace(conversation, UNKNOWN), {
          ...fields,
          ...("grant" in fields && { grant: UNKNOWN_GRANT }),
        }),
      );
      expect(found).toBe(unknown);
      expect(found).toMatch(/^404 /);
    }
    expect(await a.page(`/account/conversations/${conversation}/e1`)).toContain(
      "waiting for input",
    );
    expect(await a.page()).toContain(grant);
  },
);

test("who is no owner finds what everybody did as a page that never was", async () => {
  expect(await heard(a.open("/account/everybody.jsonl"))).toBe(
    await heard(a.open("/account/nothing.html")),
  );
});

test("a form that is not of this session, or comes from another page, changes nothing", async () => {
  const path = `/account/conversations/${conversation}/end`;
  const stranger = other(NAMES[0] ?? "");
  const theirs = formTokenIn(await stranger.page());
  const mine = formTokenIn(await a.page());
  for (const token of [theirs, "", `${mine}x`]) {
    const refused = await a.browser.submit(ORIGIN + path, [["form_token", token]]);
    expect(refused.status).toBe(403);
  }
  for (const origin of ["https://evil.example", "null", null]) {
    const fields: [string, string][] = [["form_token", mine]];
    expect((await a.browser.submit(ORIGIN + path, fields, origin)).status).toBe(403);
    const entry = await a.browser.submit(`${ORIGIN}/account/sign-in`, fields, origin);
    expect(entry.status).toBe(403);
  }
  const large = await a.browser.submit(ORIGIN + path, [["answer", "x".repeat(30_000)]]);
  expect(large.status).toBe(413);
  // Nothing is changed by opening a page.
  for (const method of ["GET", "PUT", "DELETE"])
    expect((await a.browser.open(ORIGIN + path, { method })).status).not.toBe(303);
  expect((await a.open(`/account/conversations/${conversation}`)).status).toBe(200);
});

test("a session's secret opens nothing for another person, and neither does a made-up one", async () => {
  const stolen = new AccountBrowser();
  const principals = await Promise.all(
    [a, other(NAMES[0] ?? "")].map(
      async (each) => /known here as <code>([a-z2-7]{52})</.exec(await each.page())?.[1],
    ),
  );
  expect(new Set(principals).size).toBe(2);
  const secret = "A".repeat(43);
  for (const value of [
    `${principals[0]}.${secret}`,
    `${principals[0]}.`,
    "x",
    `${"a".repeat(52)}.${secret}`,
  ]) {
    const answered = await stolen.browser.open(`${ORIGIN}/account`, {
      headers: { cookie: `__Host-jupyter-edge=${value}` },
    });
    expect(await answered.text()).toContain("<h1>Sign in</h1>");
  }
});

test("pages of an account are not kept, cannot be framed, and run one script of ours at most", async () => {
  const overview = await a.open("/account");
  expect(overview.headers.get("cache-control")).toBe("no-store");
  const policy = overview.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).toContain("form-action 'self'");
  expect(policy).toMatch(
    /; script-src https:\/\/edge\.example\.com\/account\/live\.js; connect-src 'self'$/,
  );
  const script = await a.open("/account/live.js");
  expect(script.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  const ended = (await a.open("/account/activity")).headers.get(
    "content-security-policy",
  );
  expect(ended).not.toContain("script-src");
});
