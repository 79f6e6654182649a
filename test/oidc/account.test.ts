import { env } from "cloudflare:workers";
import { createExecutionContext, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, inject, test, vi } from "vitest";
import { DEPLOYMENT_NAME } from "../../src/account/deployment.ts";
import worker from "../../src/index.ts";
import {
  authorizationUrl,
  connectWith,
  fetchWorker,
  localUrl,
  ORIGIN,
  register,
} from "../hosted/support.ts";
import { OidcPerson, whileIssuerIs } from "./support.ts";

const SIGN_IN_PAGE = "<h1>Sign in</h1>";

afterEach(() => {
  vi.useRealTimers();
});

/** How many browsers are on their way to a page. */
function onTheirWay(): Promise<number> {
  return runInDurableObject(
    env.DEPLOYMENT.getByName(DEPLOYMENT_NAME),
    (_instance, { storage }) => storage.sql.exec("SELECT * FROM visits").toArray().length,
  );
}

test("a person sees their own conversations, clients and trail, and nothing of anybody else's", async () => {
  const [ada, bob] = [new OidcPerson("ada"), new OidcPerson("bob")];
  const tokens = await ada.signsIn(await register("Ada's client"));
  await using client = await connectWith(tokens.access_token);
  const { conversation } = (await client.call("run_code", { code: "secret = 6 * 7" }))
    .execution;

  const hers = await ada.seesPage();
  expect(hers).toContain("Your account");
  expect(hers).toContain(conversation);
  expect(hers).toContain("Ada&#39;s client");
  expect(hers).toContain("Signed in on this page");
  expect(hers).toContain(localUrl(inject("teamServer").port));
  expect(hers).toContain(`known here as <code>${tokens.access_token.split(":")[0]}<`);

  const his = await bob.seesPage();
  expect(his).toContain("Your account");
  expect(his).not.toContain(conversation);
  expect(his).not.toContain("Ada&#39;s client");
  expect(await bob.page(`/account/conversations/${conversation}`)).toContain(
    "No such page",
  );
});

test("a client that is revoked on the page is stopped at its next call", async () => {
  const person = new OidcPerson("tess");
  const tokens = await person.signsIn(await register("To be revoked"));
  await using client = await connectWith(tokens.access_token);
  await client.call("list_kernels", {});
  const page = await person.seesPage();
  const [, grant = ""] = /name="grant" value="([^"]+)"/.exec(page) ?? [];
  const [, token = ""] = /name="form_token" value="([^"]+)"/.exec(page) ?? [];
  const answer = await person.browser.submit(`${ORIGIN}/account/clients/revoke`, [
    ["form_token", token],
    ["grant", grant],
  ]);
  expect(answer.status).toBe(303);
  await expect(client.call("list_kernels", {})).rejects.toThrow();
});

test("the page asks for no token, says where people sign in, and leads to the page that was wanted", async () => {
  const person = new OidcPerson("ada");
  const page = await person.page("/account/activity");
  expect(page).toContain(SIGN_IN_PAGE);
  expect(page).toContain(new URL(inject("issuer").url).host);
  expect(page).not.toContain('name="token"');
  const next = await person.wantsPage("/account/activity");
  expect(Object.fromEntries(next.searchParams)).toMatchObject({
    code_challenge_method: "S256",
    redirect_uri: `${ORIGIN}/callback`,
    response_type: "code",
  });
  const answer = await person.browser.open(await person.signsInThere(next));
  expect(answer.status).toBe(303);
  expect(answer.headers.get("location")).toBe("/account/activity");
});

test("a token of Jupyter proves nothing on the page", async () => {
  const { browser } = new OidcPerson("ada");
  const answer = await browser.submit(`${ORIGIN}/account/sign-in`, [
    ["back", "/account"],
    ["token", inject("teamServer").token],
  ]);
  expect(answer.headers.get("refresh")).toContain(inject("issuer").url);
  expect(await (await browser.open(`${ORIGIN}/account`)).text()).toContain(SIGN_IN_PAGE);
});

test("what comes back to a page works once, in the browser that went there", async () => {
  const person = new OidcPerson("ada");
  const callback = await person.signsInThere(await person.wantsPage());

  const other = new OidcPerson("bob");
  expect((await other.browser.open(callback)).status).toBe(400);
  // Not even one that is on such a way itself.
  await other.wantsPage();
  expect((await other.browser.open(callback)).status).toBe(400);
  expect(await other.page("/account")).toContain(SIGN_IN_PAGE);

  expect((await person.browser.open(callback)).status).toBe(303);
  const replayed = await person.browser.open(callback);
  expect(replayed.status).toBe(400);
  expect(replayed.headers.getSetCookie()).toEqual([]);
  expect(await replayed.text()).toContain("was used before");
});

test("of two that come back at once with the same state, one is let in", async () => {
  const person = new OidcPerson("ada");
  const callback = await person.signsInThere(await person.wantsPage());
  const answers = await Promise.all([
    person.browser.open(callback),
    person.browser.open(callback),
  ]);
  expect(answers.map(({ status }) => status).toSorted()).toEqual([303, 400]);
});

test("what was begun for a page lets no client in, and what was begun for a client opens no page", async () => {
  const person = new OidcPerson("ada");
  const { url } = await authorizationUrl(await register());
  const forClient = await person.signsInThere((await person.allows(url)).next);
  const forPage = await person.signsInThere(await person.wantsPage());

  const toPage = await person.browser.open(forPage);
  expect(toPage.headers.get("location")).toBe("/account");
  const other = new OidcPerson("ada");
  const theirs = await other.signsInThere(
    (await other.allows((await authorizationUrl(await register())).url)).next,
  );
  const toClient = await other.browser.open(theirs);
  expect(toClient.headers.get("location")).not.toContain("/account");
  expect(await other.page("/account")).toContain(SIGN_IN_PAGE);
  // The code of one, under the state of the other.
  const mixed = new URL(forClient);
  mixed.searchParams.set("code", theirs.searchParams.get("code") ?? "");
  expect((await person.browser.open(mixed)).status).toBe(502);
});

test("whoever is not on the list sees no page", async () => {
  const eve = new OidcPerson("eve");
  const answer = await eve.browser.open(await eve.signsInThere(await eve.wantsPage()));
  expect(answer.status).toBe(403);
  expect(await answer.text()).toContain("This account may not use this service");
  expect(answer.headers.getSetCookie()).toEqual([
    expect.stringMatching(/^__Host-jupyter-edge-visit-[\w-]{16}=; .*Max-Age=0;/),
  ]);
  expect(await eve.page("/account")).toContain(SIGN_IN_PAGE);
});

test("whoever declines at the issuer can go there again", async () => {
  const person = new OidcPerson("ada");
  const next = await person.wantsPage();
  const declined = new URL("/callback", ORIGIN);
  declined.searchParams.set("state", next.searchParams.get("state") ?? "");
  declined.searchParams.set("error", "access_denied");
  declined.searchParams.set("iss", inject("issuer").url);
  const answer = await person.browser.open(declined);
  expect(answer.status).toBe(403);
  const page = await answer.text();
  expect(page).toContain("You did not sign in at");
  expect(page).toContain('action="/account/sign-in"');
});

test("while the issuer is down the page says so", async () => {
  const person = new OidcPerson("ada");
  await whileIssuerIs("down", async () => {
    const answer = await person.browser.submit(`${ORIGIN}/account/sign-in`, []);
    expect(answer.status).toBe(422);
    expect(await answer.text()).toContain("cannot be reached from here");
  });
});

test("a form of another origin sends nobody to the issuer", async () => {
  const { browser } = new OidcPerson("ada");
  const answer = await browser.submit(
    `${ORIGIN}/account/sign-in`,
    [],
    "https://evil.example",
  );
  expect(answer.status).toBe(403);
  expect(answer.headers.get("refresh")).toBeNull();
});

test("whoever comes back too late begins again, and is not kept", async () => {
  const person = new OidcPerson("ada");
  const callback = await person.signsInThere(await person.wantsPage());
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 11 * 60_000 });
  expect((await person.browser.open(callback)).status).toBe(400);
  await new OidcPerson("bob").wantsPage();
  expect(await onTheirWay()).toBe(1);
});

test("a client whose person is taken off the list is on their page no more, and in the trail", async () => {
  const person = new OidcPerson("bob");
  const { access_token } = await person.signsIn(await register("No longer"));
  const request = new Request(`${ORIGIN}/mcp`, {
    method: "POST",
    headers: { authorization: `Bearer ${access_token}`, host: new URL(ORIGIN).host },
  });
  const answer = await worker.fetch(
    request as Parameters<typeof worker.fetch>[0],
    { ...env, OIDC_ALLOWED: "@other.example.org" },
    createExecutionContext(),
  );
  expect(answer.status).toBe(401);
  expect((await fetchWorker(`${ORIGIN}/account`)).status).toBe(200);
  const page = await person.seesPage();
  expect(page).toContain("Signed out No longer");
  expect(page).not.toContain('name="grant"');
});
