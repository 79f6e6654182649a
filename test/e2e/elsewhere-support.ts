/**
 * Deployments whose people have their account elsewhere: at a real JupyterHub,
 * and at a real OpenID Connect issuer.
 */
import type { Page, Route } from "playwright-core";
import { findFreePort } from "../../scripts/ports.ts";
import {
  preparePythonEnvironment,
  testEnvironment,
} from "../../scripts/python-environment.mjs";
import { eventually } from "../support/eventually.ts";
import { type JupyterHub, startJupyterHub } from "../support/jupyterhub.ts";
import { type OidcIssuer, startOidcIssuer } from "../support/oidc-issuer.ts";
import { type Asked, type Deployment, settingsAt } from "./sign-in-support.ts";
import { copyProject, removeFolder, start, temporaryFolder } from "./support.ts";
import { test as base } from "./with-browser.ts";

/** A deployment, and what its people do on the pages of the place where they have their account. */
export interface Elsewhere extends Deployment {
  /** Its host, as pages name it. */
  readonly host: string;
  readonly signsInThere: (page: Page, name: string) => Promise<void>;
}

interface AtHub extends Elsewhere {
  readonly hub: JupyterHub;
}

interface AtIssuer extends Elsewhere {
  readonly issuer: OidcIssuer;
}

/** Who may read everybody's trail at either. */
export const OWNER = "ada";

const OF_NONE = { url: "", token: "" };

/** A test of a file that shares both deployments, and one Chromium. */
export const test = base.extend<{
  $file: { atHub: AtHub; atIssuer: AtIssuer };
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
      const host = `127.0.0.1:${hub.port}`;
      const project = opened.use(
        await copyProject({
          ...settingsAt(origin),
          SIGN_IN: "jupyterhub",
          JUPYTERHUB_URL: `http://${host}`,
          JUPYTERHUB_CLIENT_ID: hub.clientId,
          JUPYTERHUB_CLIENT_SECRET: hub.clientSecret,
          OWNERS: OWNER,
        }),
      );
      const { url: mcpUrl } = opened.use(await start(project, { port }));
      const signsInThere = (page: Page, name: string) =>
        signInAtHub(page, name, hub.password);
      await use({ origin, mcpUrl, jupyter: OF_NONE, host, signsInThere, hub });
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
          ...settingsAt(origin),
          SIGN_IN: "oidc",
          OIDC_ISSUER: issuer.url,
          OIDC_CLIENT_ID: issuer.clientId,
          OIDC_CLIENT_SECRET: issuer.clientSecret,
          OIDC_ALLOWED: "ada@example.com,@team.example.org",
          ALLOW_USER_SERVERS: "true",
          OWNERS: OWNER,
        }),
      );
      const { url: mcpUrl } = opened.use(await start(project, { port }));
      const { host } = new URL(issuer.url);
      const signsInThere = signInAtIssuer;
      await use({ origin, mcpUrl, jupyter: OF_NONE, host, signsInThere, issuer });
    },
    { scope: "file" },
  ],
});

/** Name and password, then what this service may do there, which the Hub asks while it knows of no token for it. */
async function signInAtHub(page: Page, name: string, password: string): Promise<void> {
  await page.getByLabel("Username").fill(name);
  const { origin } = new URL(page.url());
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  const authorize = page.getByRole("button", { name: "Authorize" });
  const isAsked = await eventually(
    async () => {
      if (await authorize.isVisible()) return true;
      return page.url().startsWith(origin) ? null : false;
    },
    (answer) => answer !== null,
  );
  if (isAsked) await authorize.click();
}

async function signInAtIssuer(page: Page, name: string): Promise<void> {
  await page.locator("[name=login]").fill(name);
  await page.locator("[name=password]").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
}

/** Lets an app in: from the page that it opens until it has the browser back. */
export async function allows(
  { person, page, url }: Asked,
  { signsInThere }: Elsewhere,
  name: string,
): Promise<void> {
  await person.opens(url);
  await person.presses("Allow");
  await signsInThere(page, name);
  await person.isBack();
}

/** Where the browser is sent by what is pressed. It stays on the page: what is there answers without content. */
export async function wouldGo(page: Page, presses: () => Promise<void>): Promise<URL> {
  const elsewhere = /:\d+\/(?:hub\/api\/oauth2\/authorize|auth\?)/;
  const { promise, resolve } = Promise.withResolvers<URL>();
  const stays = async (route: Route) => {
    await route.fulfill({ status: 204 });
    resolve(new URL(route.request().url()));
  };
  await page.route(elsewhere, stays);
  await presses();
  const url = await promise;
  // Where Playwright stops looking at requests by itself, one that is made at that moment goes nowhere.
  await page.unroute(elsewhere, stays);
  return url;
}

/** From the page that asks to sign in to where people have their account, and back. */
export async function signsIn(page: Page, place: Elsewhere, name: string): Promise<void> {
  await page.getByRole("button", { name: "Sign in" }).click();
  await place.signsInThere(page, name);
}

/** Gives up on the issuer's pages. */
export async function cancels(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Cancel" }).click();
}

/** With what the browser comes back while `work` is done. */
export async function comingBack(page: Page, work: () => Promise<void>): Promise<string> {
  const [request] = await Promise.all([
    page.waitForRequest((each) => new URL(each.url()).pathname === "/callback"),
    work(),
  ]);
  return request.url();
}

/** Comes back to an account with what a place says where something is wrong, or has no button for. */
export async function comesBackWith(
  page: Page,
  { origin }: Elsewhere,
  answer: Readonly<Record<string, string>>,
): Promise<void> {
  await page.goto(`${origin}/account`);
  const button = page.getByRole("button", { name: "Sign in" });
  const next = await wouldGo(page, () => button.click());
  const state = next.searchParams.get("state") ?? "";
  await page.goto(`${origin}/callback?${new URLSearchParams({ ...answer, state })}`);
  await page.getByRole("alert").waitFor();
}
