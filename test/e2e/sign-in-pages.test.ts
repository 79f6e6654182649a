/**
 * What a person sees who signs in, in a real Chromium. All of it looks the same
 * and works without JavaScript.
 */
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { saveScreenshot } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { expectReadable, VIEWS } from "./readable.ts";
import {
  asked,
  type Deployment,
  type Filled,
  type Person,
  testWith,
} from "./sign-in-support.ts";

const test = testWith({ ALLOW_USER_SERVERS: "true" });

/** Nobody answers there. */
const DEAD = "http://127.0.0.1:1";

/** An app may name itself anything. */
const LONG_NAME = `<b>${"W".repeat(200)}</b>`;

interface Seen {
  readonly page: Page;
  readonly person: Person;
  readonly deployment: Deployment;
  /** The authorization request of an app. */
  readonly url: URL;
}

/** Each page, and each state that it can be in. */
const PAGES: readonly {
  readonly name: string;
  readonly heading: string | RegExp;
  /** What the app calls itself. */
  readonly app?: string;
  readonly see: (seen: Seen) => Promise<unknown>;
}[] = [
  {
    name: "landing",
    heading: "Jupyter Edge MCP",
    see: ({ page, deployment }) => page.goto(`${deployment.origin}/`),
  },
  {
    name: "not-found",
    heading: "No such page",
    see: ({ page, deployment }) => page.goto(`${deployment.origin}/nowhere`),
  },
  {
    name: "consent",
    heading: "Connect Test app",
    see: ({ person, url }) => person.opens(url),
  },
  {
    name: "consent-long-name",
    heading: /^Connect <b>W{77}…$/,
    app: LONG_NAME,
    see: ({ person, url }) => person.opens(url),
  },
  {
    name: "consent-wrong-token",
    heading: "Connect Test app",
    see: ({ person, url }) => sends(person, url, { token: "wrong" }),
  },
  {
    name: "consent-refused-server",
    heading: "Connect Test app",
    see: ({ person, url }) =>
      sends(person, url, { token: "wrong", server: "https://10.0.0.1:8888/lab" }),
  },
  {
    name: "consent-no-scope",
    heading: "Connect Test app",
    see: ({ person, url, deployment: { jupyter } }) =>
      sends(person, url, { token: jupyter.token, scopes: [] }),
  },
  {
    name: "consent-too-often",
    heading: "Connect Test app",
    async see({ person, page, url, deployment: { origin } }) {
      const attempt = { headers: { origin }, form: { token: "wrong" } };
      for (let count = 1; count <= 10; count += 1)
        await page.request.post(`${origin}/account/sign-in`, attempt);
      await sends(person, url, { token: "wrong" });
      await person.problem.getByText("Too many attempts").waitFor();
    },
  },
  {
    name: "unknown-app",
    heading: "This cannot go on",
    async see({ person, url }) {
      const unknown = new URL(url);
      unknown.searchParams.set("client_id", "unknown");
      await person.opens(unknown);
    },
  },
  {
    name: "broken-off",
    heading: "This cannot go on",
    see: async ({ person, url, page, deployment }) => {
      await person.opens(url);
      await page.context().clearCookies();
      await person.fills({ token: deployment.jupyter.token });
      await person.presses("Allow");
    },
  },
];

async function sends(person: Person, url: URL, filled: Filled): Promise<void> {
  await person.opens(url);
  await person.fills(filled);
  await person.presses("Allow");
  await person.problem.waitFor();
}

test.for(VIEWS)(
  "every page can be read by everybody, and nothing has to be scrolled sideways, on a $size in $colorScheme",
  async (view, { deployment, browser }) => {
    for (const { name, heading, app, see } of PAGES) {
      await using parts = await asked(deployment, browser, { view, name: app });
      const { page } = parts;
      await see({ ...parts, deployment });
      await page.getByRole("heading", { level: 1, name: heading }).waitFor();
      await expectReadable(page, `sign-in-${name}`, view);
    }
  },
);

test("whoever types something wrong is told what and where, keeps the rest, and can correct it", async ({
  deployment,
  browser,
}) => {
  const { jupyter } = deployment;
  await using parts = await asked(deployment, browser);
  const { page, person, url, app } = parts;
  await person.opens(url);
  // It says so itself: no request is needed for that.
  await person.presses("Allow");
  expect(await page.locator(":invalid:not(form, fieldset)").getAttribute("id")).toBe(
    "token",
  );
  expect(page.url()).toBe(String(url));

  const server = page.getByLabel("URL of the server");
  const token = page.getByLabel("Token");
  const wrong: readonly (readonly [Filled, string, typeof token, RegExp])[] = [
    [{ token: "wrong" }, "token", token, /does not accept this token/],
    [{ token: "wrong", scopes: [] }, "notebooks:read", token, /at least one thing/],
    [
      { token: "wrong", server: "http://jupyter.example.com" },
      "server",
      server,
      /must begin with https/,
    ],
    [{ token: "wrong", server: DEAD }, "server", server, /cannot be reached/],
  ];
  for (const [filled, field, input, says] of wrong) {
    const scopes = filled.scopes ?? ["notebooks:read", "code:execute"];
    await person.fills({ server: "", ...filled, scopes });
    await person.presses("Allow");
    await person.problem.getByText(says).waitFor();
    expect(await page.title()).toMatch(/^Problem: /);
    expect(await token.inputValue()).toBe("");
    expect(await server.inputValue()).toBe(filled.server ?? "");
    expect(await person.chosenScopes()).toEqual(scopes);
    await person.problem.getByRole("link").click();
    expect(await person.focused()).toBe(field);
    if (scopes.length === 0) continue;
    expect(await input.getAttribute("aria-invalid")).toBe("true");
    expect(await page.locator("#problem").textContent()).toMatch(says);
    expect(await input.getAttribute("aria-describedby")).toMatch(/^problem /);
  }

  // A page of JupyterLab is what people copy, and the server is what they mean.
  await person.fills({ server: `${jupyter.url}/lab`, token: jupyter.token });
  await person.presses("Allow");
  await person.isBack();
  expect((await app.answer()).get("code")).toMatch(/./);
});

test("a form that is out of date leads nowhere, and one that the back button shows works", async ({
  deployment,
  browser,
}) => {
  const { token } = deployment.jupyter;
  await using parts = await asked(deployment, browser);
  const { page, person, url, app } = parts;
  await person.opens(url);
  const used = await page.locator("[name=handle]").inputValue();
  await person.signsIn(url, { token });
  const first = (await app.answer()).get("code");

  await page.goBack();
  await person.fills({ token });
  expect(await page.locator("[name=handle]").inputValue()).not.toBe(used);
  await person.presses("Allow");
  await person.isBack();
  const second = (await app.answer()).get("code");
  expect(second).not.toBe(first);

  await person.opens(url);
  await page.evaluate(`document.querySelector("[name=handle]").value = "${used}"`);
  await person.fills({ token });
  // The browser forgets what belongs to a form after ten minutes, when the form ends too.
  await page.context().clearCookies();
  await person.presses("Allow");
  await page.getByRole("heading", { name: "This cannot go on" }).waitFor();
  expect(page.url()).toBe(String(url));
  await page.getByText("Go back to the app that sent you here").waitFor();
});

test("the browser keeps the form's cookie on plain http of localhost, and shows it to no script", async ({
  deployment,
  browser,
}) => {
  await using parts = await asked(deployment, browser);
  const { page, person, url } = parts;
  await person.opens(url);
  expect(await page.context().cookies()).toEqual([
    expect.objectContaining({
      name: expect.stringMatching(/^__Host-/),
      domain: "localhost",
      path: "/",
      httpOnly: true,
      secure: true,
      sameSite: "Lax",
    }),
  ]);
  expect(await page.evaluate("document.cookie")).toBe("");
});

test("whoever denies comes back to the app, which hears of it and of nothing else", async ({
  deployment,
  browser,
}) => {
  await using parts = await asked(deployment, browser);
  const { person, url, app } = parts;
  await person.opens(url);
  // Nothing has to be filled in for that.
  await person.presses("Deny");
  await person.isBack();
  const answer = await app.answer();
  expect(answer.get("error")).toBe("access_denied");
  expect([...answer.keys()].toSorted()).toEqual(["error", "iss", "state"]);
});

test("all of it can be done with the keyboard alone, and shows where one is", async ({
  deployment,
  browser,
}) => {
  const { token } = deployment.jupyter;
  await using parts = await asked(deployment, browser);
  const { page, person, url, app } = parts;
  await person.opens(url);
  const order = [
    "server",
    "token",
    "notebooks:read",
    "notebooks:write",
    "code:execute",
    "Allow",
    "Deny",
  ];
  for (const stop of order) {
    await page.keyboard.press("Tab");
    expect(await person.focused()).toBe(stop);
    expect(await person.outlineWidth()).toBeGreaterThanOrEqual(2);
    if (stop === "notebooks:write") await page.keyboard.press("Space");
    if (stop === "Allow") await saveScreenshot(page, "sign-in-keyboard");
  }
  for (const stop of order.slice(1, -1).toReversed()) {
    await page.keyboard.press("Shift+Tab");
    expect(await person.focused()).toBe(stop);
  }

  await page.keyboard.type("wrong");
  await page.keyboard.press("Enter");
  await person.problem.waitFor();
  await page.keyboard.press("Tab");
  expect(await person.outlineWidth()).toBeGreaterThanOrEqual(2);
  // The link in the notice.
  await page.keyboard.press("Enter");
  expect(await person.focused()).toBe("token");
  await page.keyboard.type(token);
  await page.keyboard.press("Enter");
  await person.isBack();
  await app.answer();
});

test("all of it works without JavaScript", async ({ deployment, browser }) => {
  const { token } = deployment.jupyter;
  const view = { javaScriptEnabled: false };
  await using parts = await asked(deployment, browser, { view });
  const { page, person, url, app } = parts;
  await page.goto(`${deployment.origin}/nowhere`);
  await page.getByRole("link", { name: "the first page" }).click();
  await page.getByText(deployment.mcpUrl, { exact: true }).first().waitFor();
  await person.opens(url);
  await person.fills({ token: "wrong", scopes: ["notebooks:read"] });
  await person.presses("Allow");
  await person.problem.waitFor();
  await person.fills({ token });
  await person.presses("Allow");
  await person.isBack();
  expect((await app.answer()).get("code")).toMatch(/./);
});

test("no page runs a script, fetches anything or can be framed", async ({
  deployment,
  browser,
}) => {
  await using parts = await asked(deployment, browser, { name: LONG_NAME });
  const { page, person, url } = parts;
  const requested: string[] = [];
  page.on("request", (request) => requested.push(request.url()));
  for (const place of [`${deployment.origin}/`, `${deployment.origin}/nowhere`, url]) {
    await person.opens(place);
    await page.evaluate(
      "document.head.append(Object.assign(document.createElement('script'), { textContent: 'document.title = \"ran\"' }))",
    );
    expect(await page.title()).not.toBe("ran");
  }
  expect(requested).toHaveLength(3);

  await page.route(`${parts.callback.url}/frame`, (route) =>
    route.fulfill({ contentType: "text/html", body: `<iframe src="${url}"></iframe>` }),
  );
  await page.goto(`${parts.callback.url}/frame`);
  await eventually(
    () => page.frames()[1]?.url(),
    (shown) => shown === "chrome-error://chromewebdata/",
  );
});
