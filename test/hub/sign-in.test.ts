import { expect, inject, test } from "vitest";
import {
  authorizationUrl,
  connectWith,
  exchange,
  fetchWorker,
  HubPerson,
  ORIGIN,
  register,
  serversOf,
  whileFailing,
} from "./support.ts";

test("a person signs in at the Hub without pasting anything, and works on their own server, which is started", async () => {
  const ada = new HubPerson("ada");
  const tokens = await ada.signsIn();
  await using client = await connectWith(tokens.access_token);
  const run = await client.call("run_code", {
    code: "import os; print('user', os.environ['JUPYTERHUB_USER'])",
  });
  expect(run.text).toContain("user ada");
  expect((await serversOf("ada"))[""]).toMatchObject({ ready: true });
});

test("the consent page comes first, asks for no token, and says where the person signs in", async () => {
  const { url } = await authorizationUrl(await register());
  const person = new HubPerson("ada");
  const page = await (await person.browser.open(url)).text();
  expect(page).toContain(new URL(inject("hub").url).host);
  expect(page).not.toContain('name="token"');
  expect(page).not.toContain('name="server"');
  const { next, page: onTheWay } = await person.allows(url, ["notebooks:read"]);
  expect(next.href).toContain(`${inject("hub").url}/hub/api/oauth2/authorize`);
  expect(onTheWay).toContain("Continue to");
  const asked = Object.fromEntries(next.searchParams);
  expect(asked).toMatchObject({
    client_id: "service-jupyter-edge-mcp",
    code_challenge_method: "S256",
    redirect_uri: `${ORIGIN}/callback`,
    response_type: "code",
  });
  expect(asked["scope"]?.split(" ").toSorted()).toEqual([
    "access:servers!user",
    "read:servers!user",
    "read:users:name!user",
    "start:servers!user",
  ]);
});

test("the same person has their conversations again, whatever browser or client they come with", async () => {
  await using first = await connectWith(
    (await new HubPerson("ada").signsIn()).access_token,
  );
  const { conversation } = (await first.call("run_code", { code: "x = 20" })).execution;
  await using later = await connectWith(
    (await new HubPerson("ada").signsIn()).access_token,
  );
  const next = await later.call("run_code", { conversation, code: "x + 1" });
  expect(next.text).toContain("21");
});

test("what comes back works once, in the browser that went there, with its own state", async () => {
  const client = await register();
  const { url, verifier } = await authorizationUrl(client);
  const person = new HubPerson("ada");
  const { next } = await person.allows(url);
  const callback = await person.signsInThere(next);

  const inAnother = await new HubPerson("eve").browser.open(callback);
  expect(inAnother.status).toBe(400);
  expect(await inAnother.text()).toContain("begun in another browser");

  const forged = new URL(callback);
  forged.searchParams.set("state", "another");
  expect((await person.browser.open(forged)).status).toBe(400);
  const without = new URL(callback);
  without.searchParams.delete("state");
  expect((await person.browser.open(without)).status).toBe(400);

  const code = await person.comesBack(callback);
  expect((await exchange({ client, code, verifier })).access_token).not.toBe("");
  const replayed = await person.browser.open(callback);
  expect(replayed.status).toBe(400);
  expect(replayed.headers.get("location")).toBeNull();
});

test("a code that the Hub did not give, or that was used before, signs nobody in", async () => {
  for (const code of ["invented", "", null]) {
    const person = new HubPerson("ada");
    const { url } = await authorizationUrl(await register());
    const callback = await person.signsInThere((await person.allows(url)).next);
    if (code === null) callback.searchParams.delete("code");
    else callback.searchParams.set("code", code);
    const answer = await person.browser.open(callback);
    expect(answer.status).toBe(502);
    expect(await answer.text()).toContain("did not confirm the sign-in");
    expect(answer.headers.get("location")).toBeNull();
  }
});

test("a person's own code does not sign another person in", async () => {
  const [ada, eve] = [new HubPerson("ada"), new HubPerson("eve")];
  const [hers, theirs] = await Promise.all(
    [ada, eve].map(async (person) => {
      const { url } = await authorizationUrl(await register());
      return person.signsInThere((await person.allows(url)).next);
    }),
  );
  // Eve's browser with Ada's code: PKCE binds the code to the sign-in that asked for it.
  theirs?.searchParams.set("code", hers?.searchParams.get("code") ?? "");
  const answer = await eve.browser.open(theirs ?? "");
  expect(answer.status).toBe(502);
});

test("whoever declines at the Hub, or on the consent page, sends the client away without a code", async () => {
  const { url } = await authorizationUrl(await register());
  const person = new HubPerson("ada");
  const { next } = await person.allows(url);
  const callback = new URL(`${ORIGIN}/callback?error=access_denied`);
  callback.searchParams.set("state", next.searchParams.get("state") ?? "");
  const answer = await person.browser.open(callback);
  const location = new URL(answer.headers.get("location") ?? "");
  expect(location.searchParams.get("error")).toBe("access_denied");
  expect(location.searchParams.get("state")).toBe("a state");
});

test("a Hub that fails meanwhile is told of, and nothing that it says is shown", async () => {
  const { url } = await authorizationUrl(await register());
  const person = new HubPerson("ada");
  const callback = await person.signsInThere((await person.allows(url)).next);
  await whileFailing("POST /jupyter/hub/api/oauth2/token", async () => {
    const answer = await person.browser.open(callback);
    expect(answer.status).toBe(502);
    const page = await answer.text();
    expect(page).toContain("cannot be reached from here");
    expect(page).not.toContain("Ignore previous");
  });
});

test("/callback answers GET alone, and says nothing to strangers", async () => {
  const posted = await fetchWorker(`${ORIGIN}/callback`, { method: "POST" });
  expect(posted.status).toBe(405);
  const bare = await fetchWorker(`${ORIGIN}/callback`);
  expect(bare.status).toBe(400);
  expect(await bare.text()).not.toContain(new URL(inject("hub").url).host);
});
