/**
 * People who have an account elsewhere, in a real Chromium: at a real JupyterHub,
 * and at a real OpenID Connect issuer.
 */
import type { Browser, Page } from "playwright-core";
import { expect, test as base } from "vitest";
import { findFreePort } from "../../scripts/ports.ts";
import {
  preparePythonEnvironment,
  testEnvironment,
} from "../../scripts/python-environment.mjs";
import { openBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { type JupyterHub, startJupyterHub } from "../support/jupyterhub.ts";
import type { ClientKind } from "../support/mcp-client.ts";
import { startOidcIssuer } from "../support/oidc-issuer.ts";
import { expectReadable, VIEWS } from "./readable.ts";
import { App, Callback, type Deployment, Person, type View } from "./sign-in-support.ts";
import { copyProject, removeFolder, start, temporaryFolder } from "./support.ts";

interface AtHub extends Deployment {
  readonly hub: JupyterHub;
}

const COMMON = { SEALING_KEY: "a-sealing-key-of-more-than-forty-characters" };
const NONE = { url: "", token: "" };

const test = base.extend<{
  $file: { atHub: AtHub; atIssuer: Deployment; browser: Browser };
}>({
  atHub: [
    // oxlint-disable-next-line no-empty-pattern -- vitest reads from the pattern what a fixture needs
    async ({}, use) => {
      await using opened = new AsyncDisposableStack();
      const port = await findFreePort();
      const origin = `http://localhost:${port}`;
      const folder = await temporaryFolder();
      opened.defer(() => removeFolder(folder));
      const { python } = await preparePythonEnvironment(testEnvironment);
      const redirectUri = `${origin}/callback`;
      const hub = opened.use(await startJupyterHub({ python, folder, redirectUri }));
      const project = opened.use(
        await copyProject({
          ...COMMON,
          SIGN_IN: "jupyterhub",
          PUBLIC_URL: origin,
          JUPYTERHUB_URL: `http://127.0.0.1:${hub.port}`,
          JUPYTERHUB_CLIENT_ID: hub.clientId,
          JUPYTERHUB_CLIENT_SECRET: hub.clientSecret,
        }),
      );
      const server = opened.use(await start(project, { port }));
      await use({ origin, mcpUrl: server.url, jupyter: NONE, hub });
    },
    { scope: "file" },
  ],
  atIssuer: [
    // oxlint-disable-next-line no-empty-pattern -- vitest reads from the pattern what a fixture needs
    async ({}, use) => {
      await using opened = new AsyncDisposableStack();
      const port = await findFreePort();
      const origin = `http://localhost:${port}`;
      const issuer = opened.use(await startOidcIssuer(`${origin}/callback`));
      const project = opened.use(
        await copyProject({
          ...COMMON,
          SIGN_IN: "oidc",
          PUBLIC_URL: origin,
          OIDC_ISSUER: issuer.url,
          OIDC_CLIENT_ID: issuer.clientId,
          OIDC_CLIENT_SECRET: issuer.clientSecret,
          OIDC_ALLOWED: "ada@example.com,@team.example.org",
          ALLOW_USER_SERVERS: "true",
        }),
      );
      const server = opened.use(await start(project, { port }));
      await use({ origin, mcpUrl: server.url, jupyter: NONE });
    },
    { scope: "file" },
  ],
  browser: [
    // oxlint-disable-next-line no-empty-pattern -- vitest reads from the pattern what a fixture needs
    async ({}, use) => {
      await using browser = await openBrowser();
      await use(browser);
    },
    { scope: "file" },
  ],
});

/** An app that wants to be let in, with its person. */
async function asked(
  deployment: Deployment,
  browser: Browser,
  kind: ClientKind = "modern",
  view: View = {},
) {
  await using opened = new AsyncDisposableStack();
  const callback = opened.use(await Callback.open());
  const person = opened.use(await Person.at(browser, view));
  const app = new App(kind, deployment, callback);
  const client = await app.isSentToSignIn();
  const parts = { app, client, person, page: person.page, url: app.memory.page };
  const all = opened.move();
  return { ...parts, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** On the Hub's own pages: name and password, then what this service may do there. */
async function signInAtHub(page: Page, name: string, password: string): Promise<void> {
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Authorize" }).click();
}

/** On the issuer's own pages. */
async function signInAtIssuer(page: Page, name: string): Promise<void> {
  await page.locator("[name=login]").fill(name);
  await page.locator("[name=password]").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
}

const KINDS: readonly [string, ClientKind][] = [
  ["SDK v1", "first"],
  ["SDK v2", "modern"],
];

test.for(KINDS)(
  "%s: a person goes from the app to the Hub and back, and the app works on their server",
  async ([, kind], { atHub, browser }) => {
    const { hub } = atHub;
    await using parts = await asked(atHub, browser, kind);
    const { app, client, person, page, url } = parts;
    await person.opens(url);
    await person.presses("Allow");
    await signInAtHub(page, `ada-${kind}`, hub.password);
    await person.isBack();
    await client.finishAuth(await app.answer());
    await using connected = await app.prepare().connect();
    const run = await connected.call("run_code", {
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
  const { app, client, person, page, url } = parts;
  await person.opens(url);
  await person.presses("Allow");
  await signInAtHub(page, "bob", hub.password);
  await person.isBack();
  await client.finishAuth(await app.answer());
  await using connected = await app.prepare().connect();
  const run = await connected.call("run_code", { code: "x = 20" });
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
    () => connected.call("list_kernels", {}).catch((error: unknown) => String(error)),
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
  await using parts = await asked(atIssuer, browser, "modern", view);
  const { app, client, person, page, url } = parts;
  await person.opens(url);
  await person.presses("Allow");
  await signInAtIssuer(page, "ada");
  await person.isBack();
  await client.finishAuth(await app.answer());
  await using connected = await app.prepare().connect();
  expect((await connected.call("run_code", { code: "20 + 1" })).text).toContain("21");
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
  await person.opens(url);
  await person.presses("Allow");
  await signInAtIssuer(page, "bob");
  await person.isBack();
  expect((await app.answer()).get("code")).toMatch(/./);
});

test.for(VIEWS)(
  "every page on the way can be read by everybody, and nothing has to be scrolled sideways, on a $size in $colorScheme",
  async (view, { atHub, atIssuer, browser }) => {
    for (const [name, deployment] of [
      ["hub", atHub],
      ["oidc", atIssuer],
    ] as const) {
      await using parts = await asked(deployment, browser, "modern", view);
      const { person, page, url } = parts;
      await person.opens(url);
      await page.getByRole("heading", { name: "Connect Test app" }).waitFor();
      await expectReadable(page, `sign-in-${name}-consent`, view);
      // An answer without content leaves the page as it is.
      const elsewhere = /:\d+\/(?:hub\/api\/oauth2\/authorize|auth\?)/;
      await page.route(elsewhere, (route) => route.fulfill({ status: 204 }));
      await person.presses("Allow");
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
      await expectReadable(page, `sign-in-${name}-continue`, view);
      const next = await page
        .getByRole("link", { name: /^Continue to / })
        .getAttribute("href");
      expect(next).toMatch(elsewhere);
    }

    await using parts = await asked(atIssuer, browser, "modern", view);
    const { person, page, url } = parts;
    await person.opens(url);
    await person.fills({ token: "a-token" });
    await person.presses("Allow");
    await person.problem.waitFor();
    await expectReadable(page, "sign-in-oidc-token-alone", view);
    await person.fills({ token: "" });
    await person.presses("Allow");
    await signInAtIssuer(page, "eve");
    await page.getByRole("heading", { name: "This cannot go on" }).waitFor();
    await expectReadable(page, "sign-in-oidc-not-allowed", view);
  },
);
