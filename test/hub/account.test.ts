import { expect, inject, test } from "vitest";
import {
  connectWith,
  cull,
  eventually,
  HubPerson,
  ORIGIN,
  register,
  revokeTokens,
  serversOf,
  whileFailing,
} from "./support.ts";

const SIGN_IN_PAGE = "<h1>Sign in</h1>";

test("a person sees their own conversations and clients, and nothing of anybody else's", async () => {
  const [ada, bob] = [new HubPerson("ada"), new HubPerson("bob")];
  const tokens = await ada.signsIn(await register("Ada's client"));
  await using client = await connectWith(tokens.access_token);
  const { conversation } = (await client.call("run_code", { code: "6 * 7" })).execution;

  const hers = await ada.seesPage();
  expect(hers).toContain("Your account");
  expect(hers).toContain(conversation);
  expect(hers).toContain("Ada&#39;s client");
  expect(hers).toContain("Signed in on this page");
  expect(hers).toContain("Connected Ada&#39;s client");
  expect(hers).toContain(`${inject("hub").url}/user/ada`);
  expect(hers).toContain(`known here as <code>${tokens.access_token.split(":")[0]}<`);
  expect(await ada.page(`/account/conversations/${conversation}/e1`)).toContain("42");

  const his = await bob.seesPage();
  expect(his).toContain("Your account");
  expect(his).not.toContain(conversation);
  expect(his).not.toContain("Ada&#39;s client");
  expect(await bob.page(`/account/conversations/${conversation}`)).toContain(
    "No such page",
  );
});

test("the page asks for no token, and leads to the Hub with what a client's sign-in asks for too", async () => {
  const person = new HubPerson("ada");
  const page = await person.page("/account");
  expect(page).toContain(SIGN_IN_PAGE);
  expect(page).toContain(new URL(inject("hub").url).host);
  expect(page).not.toContain('name="token"');
  const next = await person.wantsPage();
  expect(next.href).toContain(`${inject("hub").url}/hub/api/oauth2/authorize`);
  expect(Object.fromEntries(next.searchParams)).toMatchObject({
    code_challenge_method: "S256",
    redirect_uri: `${ORIGIN}/callback`,
  });
});

test("what comes back to a page works once, in the browser that went there", async () => {
  const person = new HubPerson("ada");
  const callback = await person.signsInThere(await person.wantsPage());
  const other = new HubPerson("bob");
  await other.wantsPage();
  const foreign = await other.browser.open(callback);
  expect(foreign.status).toBe(400);
  expect(await foreign.text()).toContain("begun in another browser");
  expect(await other.page("/account")).toContain(SIGN_IN_PAGE);

  expect((await person.browser.open(callback)).status).toBe(303);
  const replayed = await person.browser.open(callback);
  expect(replayed.status).toBe(400);
  expect(replayed.headers.getSetCookie()).toEqual([]);
});

test("a Hub that fails where codes are exchanged lets nobody in, and the page can be asked again", async () => {
  const person = new HubPerson("ada");
  const callback = await person.signsInThere(await person.wantsPage());
  await whileFailing("POST /jupyter/hub/api/oauth2/token", async () => {
    const answer = await person.browser.open(callback);
    expect(answer.status).toBe(502);
    expect(await answer.text()).toContain('action="/account/sign-in"');
  });
  expect(await person.page("/account")).toContain(SIGN_IN_PAGE);
  expect(await person.seesPage()).toContain("Your account");
});

test("the page starts no server, and says of one that was stopped that it does not run", async () => {
  const person = new HubPerson("bob");
  await using client = await connectWith((await person.signsIn()).access_token);
  await client.call("list_kernels", {});
  await cull("bob");
  await eventually(
    () => serversOf("bob"),
    (servers) => servers[""] === undefined,
  );
  expect(await person.seesPage()).toContain("does not run it at the moment");
  expect((await serversOf("bob"))[""]).toBeUndefined();
});

test("a person whose tokens were revoked at the Hub finds their clients signed out, and their conversations still there", async () => {
  const person = new HubPerson("eve");
  const tokens = await person.signsIn(await register("Signed out"));
  await using client = await connectWith(tokens.access_token);
  const { conversation } = (await client.call("run_code", { code: "1" })).execution;
  expect(await revokeTokens("eve")).toBeGreaterThan(0);
  // What the Hub said is believed for ten seconds.
  await eventually(
    () =>
      client.call("list_kernels", {}).then(
        () => "served",
        () => "refused",
      ),
    (answer) => answer === "refused",
  );
  const page = await person.seesPage();
  expect(page).toContain(conversation);
  expect(page).toContain("Signed out Signed out");
  expect(page).not.toContain('name="grant"');
});
