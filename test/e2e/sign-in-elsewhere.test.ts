/**
 * People who have an account elsewhere, in a real Chromium: at a real JupyterHub,
 * and at a real OpenID Connect issuer. They let their apps in from there, and come
 * to the page of what those do.
 */
import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { saveScreenshot } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { whileGatewayIs } from "../support/gateway-mode.ts";
import type { ClientKind } from "../support/mcp-client.ts";
import {
  arrives,
  ASKS,
  interrupts,
  personWithApp,
  runs,
  TICKS,
} from "./account-support.ts";
import {
  allows,
  cancels,
  comesBackWith,
  comingBack,
  OWNER,
  signsIn,
  test,
  wouldGo,
} from "./elsewhere-support.ts";
import { expectReadable, VIEWS } from "./readable.ts";
import { type Asked, asked, Person } from "./sign-in-support.ts";

const PLACES = [
  ["a JupyterHub", "atHub"],
  ["an issuer", "atIssuer"],
] as const;

const KINDS: readonly [string, ClientKind][] = [
  ["SDK v1", "first"],
  ["SDK v2", "modern"],
];

async function seesHeading(page: Page, name: string): Promise<void> {
  await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
}

test.for(KINDS)(
  "%s: a person goes from the app to the Hub and back, and the app works on their server",
  async ([, kind], { atHub, browser }) => {
    await using parts = await asked(atHub, browser, { kind });
    await allows(parts, atHub, `ada-${kind}`);
    await using client = await parts.connects();
    const run = await client.call("run_code", {
      code: "import os; print('I am', os.environ['JUPYTERHUB_USER'])",
    });
    expect(run.text).toContain(`I am ada-${kind}`);
  },
);

test("after the Hub has revoked its token an app sends its person to sign in again, who need not type anything", async ({
  atHub,
  browser,
}) => {
  const { hub } = atHub;
  await using parts = await asked(atHub, browser);
  const { app, person, page } = parts;
  await allows(parts, atHub, "bob");
  await using client = await parts.connects();
  const run = await client.call("run_code", { code: "x = 20" });
  const { conversation } = run.execution;

  const api = `http://127.0.0.1:${hub.port}/hub/api/users/bob/tokens`;
  const headers = { authorization: `token ${hub.adminToken}` };
  // As the Hub's API describes it.
  const listed = (await (await fetch(api, { headers })).json()) as {
    readonly api_tokens: readonly { readonly id: string }[];
  };
  for (const { id } of listed.api_tokens)
    await fetch(`${api}/${id}`, { method: "DELETE", headers });

  const refused = await eventually(
    () => client.call("list_kernels", {}).catch((error: unknown) => String(error)),
    (answer) => typeof answer === "string",
  );
  expect(refused).toContain("Unauthorized");
  expect(app.memory.asked).toHaveLength(2);
  await person.opens(app.memory.page);
  await person.presses("Allow");
  // The browser is still signed in at the Hub, which asks whether it may.
  await page
    .getByRole("button", { name: "Authorize" })
    .or(page.getByText("Back in the app."))
    .first()
    .waitFor();
  const authorize = page.getByRole("button", { name: "Authorize" });
  if (await authorize.isVisible()) await authorize.click();
  await person.isBack();
  await app.prepare().finishAuth(await app.answer());
  await using again = await app.prepare().connect();
  const next = await again.call("run_code", { conversation, code: "x + 1" });
  expect(next.text).toContain("21");
});

test("a person signs in at the issuer without JavaScript, and works in the Jupyter of the service", async ({
  atIssuer,
  browser,
}) => {
  const view = { javaScriptEnabled: false };
  await using parts = await asked(atIssuer, browser, { view });
  await allows(parts, atIssuer, "ada");
  await using client = await parts.connects();
  expect((await client.call("run_code", { code: "20 + 1" })).text).toContain("21");
});

test("whoever goes back from where they have an account, and sends the form once more, comes in", async ({
  atIssuer,
  browser,
}) => {
  await using parts = await asked(atIssuer, browser);
  const { app, person, page, url } = parts;
  await person.opens(url);
  await person.presses("Allow");
  await page.locator("[name=login]").waitFor();
  await allows(parts, atIssuer, "bob");
  expect((await app.answer()).get("code")).toMatch(/./);
});

test.for(VIEWS)(
  "every page on the way can be read by everybody, and nothing has to be scrolled sideways, on a $size in $colorScheme",
  async (view, { atHub, atIssuer, browser }) => {
    for (const [name, deployment] of [
      ["hub", atHub],
      ["oidc", atIssuer],
    ] as const) {
      await using parts = await asked(deployment, browser, { view });
      const { person, page, url } = parts;
      await person.opens(url);
      await page.getByRole("heading", { name: "Connect Test app" }).waitFor();
      await expectReadable(page, `sign-in-${name}-consent`, view);
      const next = await wouldGo(page, () => person.presses("Allow"));
      const link = page.getByRole("link", { name: `Continue to ${deployment.host}` });
      expect(await link.getAttribute("href")).toBe(next.href);
      await expectReadable(page, `sign-in-${name}-continue`, view);
    }

    await using parts = await asked(atIssuer, browser, { view });
    const { person, page, url } = parts;
    await person.opens(url);
    await person.fills({ token: "a-token" });
    await person.presses("Allow");
    await person.problem.waitFor();
    await expectReadable(page, "sign-in-oidc-token-alone", view);
    await person.fills({ token: "" });
    await person.presses("Allow");
    await atIssuer.signsInThere(page, "eve");
    await page.getByRole("heading", { name: "This cannot go on" }).waitFor();
    await expectReadable(page, "sign-in-oidc-not-allowed", view);
  },
);

test.for(PLACES)(
  "through %s: whoever opens a run on another device sees its output arrive there while the kernel prints, stops it, and signs out",
  async ([, where], { atHub, atIssuer, browser }) => {
    const place = { atHub, atIssuer }[where];
    const letsIn = (parts: Asked) => allows(parts, place, "bob");
    await using parts = await personWithApp(place, browser, letsIn);
    const { conversation } = await runs(parts.client, "1");
    const run = await runs(parts.client, TICKS, conversation);
    await using other = await Person.at(browser, { width: 375, height: 740 });
    const { page } = other;
    await page.goto(place.origin + run.path);
    await seesHeading(page, "Sign in");
    await page.getByText(`You sign in at ${place.host}`).waitFor();
    expect(await page.getByLabel("Token").count()).toBe(0);
    await signsIn(page, place, "bob");
    await seesHeading(page, "Execution e2");
    expect(page.url()).toBe(place.origin + run.path);
    const later = await arrives(page);

    await page.getByRole("link", { name: "Your account" }).click();
    await seesHeading(page, "Your account");
    expect(await arrives(page)).toBeGreaterThan(later);
    await saveScreenshot(page, `account-${where}-live`);
    await interrupts(page, run.execution);

    await page.goto(`${place.origin}/account`);
    await page.getByRole("button", { name: "Sign out" }).click();
    await seesHeading(page, "Sign in");
    await page.goBack();
    await seesHeading(page, "Sign in");
  },
);

test.for(PLACES)(
  "through %s, without JavaScript: the link in a result leads to the question of the code, and its answer to the kernel",
  async ([, where], { atHub, atIssuer, browser }) => {
    const place = { atHub, atIssuer }[where];
    const letsIn = (parts: Asked) => allows(parts, place, "bob");
    await using parts = await personWithApp(place, browser, letsIn);
    const { conversation, execution, link } = await runs(parts.client, ASKS);
    await using other = await Person.at(browser, { javaScriptEnabled: false });
    const { page } = other;
    await page.goto(link);
    await signsIn(page, place, "bob");
    await seesHeading(page, "Your code asks for a password");
    expect(page.url()).toBe(link);
    const secret = "canary-secret-of-a-person";
    await page.getByLabel("Password").fill(secret);
    await page.getByRole("button", { name: "Send to the kernel" }).click();
    await seesHeading(page, "Sent to the kernel");
    const done = await parts.client.call("get_output", { conversation, execution });
    expect(done.text).toContain(String(secret.length));
    expect(done.text).not.toContain(secret);
    await page.goto(link);
    await seesHeading(page, "This waits for no answer");

    await using stranger = await Person.at(browser);
    await stranger.opens(link);
    await signsIn(stranger.page, place, "tess");
    await seesHeading(stranger.page, "No such page");
  },
);

test.for(PLACES)(
  "through %s: what a browser came back with opens nothing a second time, nor in another browser",
  async ([, where], { atHub, atIssuer, browser }) => {
    const place = { atHub, atIssuer }[where];
    const account = `${place.origin}/account`;
    await using person = await Person.at(browser);
    const { page } = person;
    await page.goto(account);
    const callback = await comingBack(page, () => signsIn(page, place, "bob"));
    await seesHeading(page, "Your account");
    await page.goto(callback);
    await seesHeading(page, "This cannot go on");
    await page.getByRole("link", { name: "your account" }).click();
    await seesHeading(page, "Your account");

    await using other = await Person.at(browser);
    await other.opens(callback);
    await seesHeading(other.page, "This cannot go on");
    await other.page.getByRole("link", { name: "your account" }).click();
    await seesHeading(other.page, "Sign in");
  },
);

test("whoever comes back from the Hub without a sign-in can go there again; whoever mistypes is asked again there, and comes in with the right password", async ({
  atHub,
  browser,
}) => {
  await using person = await Person.at(browser);
  const { page } = person;
  // The Hub has no button for that; what is before it may.
  await comesBackWith(page, atHub, { error: "access_denied" });
  await person.problem.getByText(`You did not sign in at ${atHub.host}.`).waitFor();
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("Username").fill("bob");
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Invalid username or password").waitFor();
  await atHub.signsInThere(page, "bob");
  await seesHeading(page, "Your account");
});

test("whoever cancels at the issuer is told so and can go there again, and an app hears of it", async ({
  atIssuer,
  browser,
}) => {
  await using parts = await asked(atIssuer, browser);
  const { app, person, page, url } = parts;
  await person.opens(url);
  await person.presses("Allow");
  await cancels(page);
  await person.isBack();
  expect((await app.answer()).get("error")).toBe("access_denied");

  await page.goto(`${atIssuer.origin}/account`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await cancels(page);
  await person.problem.getByText(`You did not sign in at ${atIssuer.host}.`).waitFor();
  await signsIn(page, atIssuer, "bob");
  await seesHeading(page, "Your account");
});

test.for(PLACES)(
  "through %s: an owner finds what everybody did on their page, and nobody else does",
  async ([, where], { atHub, atIssuer, browser }) => {
    const place = { atHub, atIssuer }[where];
    const account = `${place.origin}/account`;
    const link = { name: "what everybody did, as JSON lines" };
    await using bob = await Person.at(browser);
    await bob.opens(account);
    await signsIn(bob.page, place, "bob");
    await seesHeading(bob.page, "Your account");
    const principal = await bob.page.locator("#forget ~ p code").innerText();
    expect(await bob.page.getByRole("link", link).count()).toBe(0);
    await bob.opens(`${account}/everybody.jsonl`);
    await seesHeading(bob.page, "No such page");

    await using owner = await Person.at(browser);
    const { page } = owner;
    await owner.opens(account);
    await signsIn(page, place, OWNER);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", link).click(),
    ]);
    const lines = (await readFile(await download.path(), "utf8")).trimEnd().split("\n");
    // As docs/account.md describes a line.
    const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries).toContainEqual(
      expect.objectContaining({ principal, event: "signed_in" }),
    );
    expect(new Set(entries.map((entry) => entry["principal"])).size).toBeGreaterThan(1);
  },
);

test.for(VIEWS)(
  "every page on the way to an account can be read by everybody, and nothing has to be scrolled sideways, on a $size in $colorScheme",
  async (view, { atHub, atIssuer, browser }) => {
    for (const [where, place] of [
      ["hub", atHub],
      ["oidc", atIssuer],
    ] as const) {
      await using person = await Person.at(browser, view);
      const { page } = person;
      await page.goto(`${place.origin}/account`);
      await seesHeading(page, "Sign in");
      await expectReadable(page, `account-${where}-sign-in`, view);
      await comesBackWith(page, place, { code: "of-something-else" });
      await person.problem.getByText("did not confirm the sign-in").waitFor();
      await expectReadable(page, `account-${where}-refused`, view);
      const callback = await comingBack(page, () => signsIn(page, place, OWNER));
      await seesHeading(page, "Your account");
      await expectReadable(page, `account-${where}-owner`, view);
      if (place === atHub) continue;
      await page.goto(callback);
      await seesHeading(page, "This cannot go on");
      await expectReadable(page, `account-${where}-replayed`, view);
    }

    await using person = await Person.at(browser, view);
    const { page } = person;
    const account = `${atIssuer.origin}/account`;
    const toIssuer = () => page.getByRole("button", { name: "Sign in" }).click();
    const isTold = async (name: string, words: string) => {
      await person.problem.getByText(words).waitFor();
      await expectReadable(page, `account-oidc-${name}`, view);
    };
    await page.goto(account);
    await whileGatewayIs("down", atIssuer.issuer.gatewayPort, async () => {
      await toIssuer();
      await isTold("unreachable", "cannot be reached from here");
    });
    await toIssuer();
    await cancels(page);
    await isTold("declined", "You did not sign in at");
    await signsIn(page, atIssuer, "eve");
    await isTold("not-allowed", "This account may not use this service");
    for (let count = 1; count <= 10; count += 1)
      await page.request.post(`${account}/sign-in`, {
        headers: { origin: atIssuer.origin },
      });
    await toIssuer();
    await isTold("too-often", "Too many attempts to sign in");
  },
);
