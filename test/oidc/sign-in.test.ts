import { expect, inject, test } from "vitest";
import {
  arrivedAt,
  authorizationUrl,
  connectWith,
  handleIn,
  localUrl,
  ORIGIN,
  register,
} from "../hosted/support.ts";
import { OidcPerson, whileIssuerIs } from "./support.ts";

/** Somebody who has allowed a client and signed in at the issuer, on their way back. */
async function onTheWayBack(person: OidcPerson): Promise<URL> {
  const { url } = await authorizationUrl(await register());
  return person.signsInThere((await person.allows(url)).next);
}

test("somebody on the list signs in, works in the shared Jupyter, and has the conversation next time", async () => {
  const tokens = await new OidcPerson("ada").signsIn();
  await using client = await connectWith(tokens.access_token);
  const run = await client.call("run_code", { code: "x = 20; print('hello')" });
  expect(run.text).toContain("hello");
  const { conversation } = run.execution;
  await using later = await connectWith(
    (await new OidcPerson("ada").signsIn()).access_token,
  );
  const next = await later.call("run_code", { conversation, code: "x + 1" });
  expect(next.text).toContain("21");
});

test("people of an allowed domain share Jupyter's files, and none of their conversations", async () => {
  await using ada = await connectWith(
    (await new OidcPerson("ada").signsIn()).access_token,
  );
  await using bob = await connectWith(
    (await new OidcPerson("bob").signsIn()).access_token,
  );
  await ada.call("write_file", { path: "shared.txt", content: "for all" });
  expect((await bob.call("read_file", { path: "shared.txt" })).text).toContain("for all");
  const { conversation } = (await ada.call("run_code", { code: "1" })).execution;
  const found = await bob.call("get_output", { conversation });
  expect(found.text).toContain("There is no conversation");
});

test("an issuer that says `true` as text is understood", async () => {
  expect((await new OidcPerson("tess").signsIn()).access_token).not.toBe("");
});

test.each([
  ["is not on the list", "eve"],
  ["has a subdomain of an allowed domain", "subdomain"],
  ["has a domain that ends like an allowed one", "suffix"],
  ["has an allowed address that the issuer has not verified", "unverified"],
  ["has an allowed address of which the issuer says nothing", "unsaid"],
  ["has no address", "nobody"],
  ["has a letter that looks like another", "lookalike"],
  ["has an address with two domains", "two"],
])("whoever %s is not let in, and all are told the same", async (_who, name) => {
  const person = new OidcPerson(name);
  const answer = await person.browser.open(await onTheWayBack(person));
  expect(answer.status).toBe(403);
  expect(answer.headers.get("location")).toBeNull();
  const page = await answer.text();
  expect(page).toContain(
    "This account may not use this service, or its address is not verified.",
  );
  expect(page).not.toContain("example.");
});

test("what comes back works once, in the browser that went there", async () => {
  const person = new OidcPerson("ada");
  const callback = await onTheWayBack(person);
  const inAnother = await new OidcPerson("ada").browser.open(callback);
  expect(inAnother.status).toBe(400);
  await person.comesBack(callback);
  const replayed = await person.browser.open(callback);
  expect(replayed.status).toBe(400);
  expect(await replayed.text()).toContain("was used before");
});

test("a code that was given in another browser signs nobody in", async () => {
  const [ada, eve] = [new OidcPerson("ada"), new OidcPerson("eve")];
  const hers = await onTheWayBack(ada);
  const theirs = await onTheWayBack(eve);
  theirs.searchParams.set("code", hers.searchParams.get("code") ?? "");
  const answer = await eve.browser.open(theirs);
  expect(answer.status).toBe(502);
  expect(await answer.text()).toContain("did not confirm the sign-in");
});

test("an answer in the name of another issuer is refused", async () => {
  const person = new OidcPerson("ada");
  const callback = await onTheWayBack(person);
  callback.searchParams.set("iss", "https://other.example.com");
  expect((await person.browser.open(callback)).status).toBe(502);
});

test("while the issuer is down the form says so and can be sent again", async () => {
  const { url } = await authorizationUrl(await register());
  const person = new OidcPerson("ada");
  const handle = handleIn(await (await person.browser.open(url)).text());
  await whileIssuerIs("down", async () => {
    const answer = await person.browser.submit(url, [
      ["handle", handle],
      ["scope", "notebooks:read"],
      ["decision", "approve"],
    ]);
    expect(answer.status).toBe(422);
    expect(await answer.text()).toContain("cannot be reached from here");
  });
  expect((await person.allows(url)).next.origin).toBe(inject("issuer").url);
});

test.each([
  ["is down", "down", ""],
  ["fails where codes are exchanged", "error", "POST /token"],
  ["fails where it tells of people", "error", "GET /me"],
] as const)("an issuer that %s meanwhile is told of", async (_what, mode, only) => {
  const person = new OidcPerson("ada");
  const callback = await onTheWayBack(person);
  await whileIssuerIs(
    mode,
    async () => {
      const answer = await person.browser.open(callback);
      expect(answer.status).toBe(502);
      const page = await answer.text();
      expect(page).toContain("cannot be reached from here");
      expect(page).not.toContain("Ignore previous");
    },
    only,
  );
});

test("a person may bring a server of their own, which gets nothing of the team's, nor the team's anything of it", async () => {
  const { port, token } = inject("ownServer");
  const tokens = await new OidcPerson("bob").signsIn(undefined, {
    server: localUrl(port),
    token,
  });
  await using client = await connectWith(tokens.access_token);
  expect((await client.call("run_code", { code: "print('mine')" })).text).toContain(
    "mine",
  );
  const own = JSON.stringify(await arrivedAt("ownServer"));
  expect(own).not.toContain(inject("teamServer").token);
  expect(JSON.stringify(await arrivedAt("teamServer"))).not.toContain(token);
});

test("a wrong token for a server of one's own is told of before anybody goes elsewhere", async () => {
  const { port } = inject("ownServer");
  const cases: readonly (readonly [server: string, token: string, says: RegExp])[] = [
    [localUrl(port), "wrong", /does not accept this token/],
    [localUrl(port), "", /Enter the token/],
    ["", "a-token", /Enter the URL of the Jupyter server that the token is for/],
    ["https://10.0.0.1", "a-token", /not by an address/],
  ];
  for (const [server, token, says] of cases) {
    const { url } = await authorizationUrl(await register());
    const { browser } = new OidcPerson("ada");
    const handle = handleIn(await (await browser.open(url)).text());
    const answer = await browser.submit(url, [
      ["handle", handle],
      ["server", server],
      ["token", token],
      ["scope", "code:execute"],
      ["decision", "approve"],
    ]);
    expect(answer.status).toBe(422);
    expect(answer.headers.get("refresh")).toBeNull();
    expect(await answer.text()).toMatch(says);
  }
});

test("the consent page says that everybody shares one account, and who signs people in", async () => {
  const { url } = await authorizationUrl(await register());
  const page = await (await new OidcPerson("ada").browser.open(url)).text();
  expect(page).toContain("one account for everybody who may use it");
  expect(page).toContain(new URL(inject("issuer").url).host);
  expect(page).not.toMatch(/id="token"[^>]*required/);
});

test("the request to the issuer has a nonce, PKCE, a state, and asks for the address alone", async () => {
  const { url } = await authorizationUrl(await register());
  const { next } = await new OidcPerson("ada").allows(url);
  const asked = Object.fromEntries(next.searchParams);
  expect(asked).toMatchObject({
    scope: "openid email",
    redirect_uri: `${ORIGIN}/callback`,
    code_challenge_method: "S256",
  });
  expect(asked["nonce"]?.length).toBeGreaterThan(30);
  expect(asked["state"]?.length).toBeGreaterThan(30);
});
