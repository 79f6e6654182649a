/**
 * What a person sees of what their assistants do, in a real Chromium. All of it
 * works without JavaScript, but for output that arrives while one looks.
 */
import type { Browser, Page } from "playwright-core";
import { expect } from "vitest";
import { saveScreenshot } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import {
  arrives,
  ASKS,
  interrupts,
  lastTick,
  personWithApp,
  type Ran,
  runs,
  TICKS,
} from "./account-support.ts";
import { expectReadable, VIEWS } from "./readable.ts";
import { type Asked, type Deployment, testWith, type View } from "./sign-in-support.ts";

const test = testWith({ ALLOW_USER_SERVERS: "true" });

/** What a page would do something with if it took it for markup. */
const MARKUP =
  "print('<script>document.title = \"ran\"</script><img src=/x onerror=\"document.title = 1\"><b>bold</b>' + 'w' * 400)";

/** A person whose app is connected. All of them have one token, and so are one person. */
async function withApp(deployment: Deployment, browser: Browser, view?: View) {
  const { token } = deployment.jupyter;
  const allows = ({ person, url }: Asked) => person.signsIn(url, { token });
  const parts = await personWithApp(deployment, browser, allows, view);
  return Object.assign(parts, { account: `${deployment.origin}/account` });
}

async function signsIn(page: Page, deployment: Deployment): Promise<void> {
  await page.getByLabel("Token").fill(deployment.jupyter.token);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("output arrives on the account page while the kernel prints, and stops with an interrupt there", async ({
  deployment,
  browser,
}) => {
  await using parts = await withApp(deployment, browser);
  const { client, page, account } = parts;
  const run = await runs(client, TICKS);
  await page.goto(account);
  await signsIn(page, deployment);
  await page.getByRole("heading", { level: 1, name: "Your account" }).waitFor();
  const later = await arrives(page);
  await saveScreenshot(page, "account-live");

  await page.goto(deployment.origin + run.path);
  expect(await arrives(page)).toBeGreaterThan(later);
  await interrupts(page, run.execution);
});

test("a run that ends, or asks, while one looks says so without a reload", async ({
  deployment,
  browser,
}) => {
  await using parts = await withApp(deployment, browser);
  const { client, page } = parts;
  const run = await runs(
    client,
    "print('before')\nname = input('Name? ')\nprint('hello', name)",
  );
  await page.goto(deployment.origin + run.path);
  await signsIn(page, deployment);
  const link = page.getByRole("link", { name: "Answer what it asks" });
  await link.waitFor();
  const { conversation, execution } = run;
  await client.call("send_input", { conversation, execution, text: "Ada" });
  await page.getByText("hello Ada").waitFor();
  await page.getByText(/^ok · /).waitFor();
  expect(await link.isVisible()).toBe(false);
  expect(await page.getByRole("button", { name: /^Interrupt/ }).count()).toBe(0);
});

test("what a kernel prints is text on every page, and runs nothing", async ({
  deployment,
  browser,
}) => {
  await using parts = await withApp(deployment, browser);
  const { client, page } = parts;
  const run = await runs(
    client,
    `${MARKUP}\ninput('<script>document.title = "ran"</script>')`,
  );
  const requested: string[] = [];
  page.on("request", (request) => requested.push(new URL(request.url()).pathname));
  await page.goto(deployment.origin + run.path);
  await signsIn(page, deployment);
  await page.getByText("onerror=").first().waitFor();
  // The script of the page has put it there anew by then.
  await eventually(
    () => requested,
    (paths) => paths.includes("/account/live"),
  );
  await page.getByRole("link", { name: "Answer what it asks" }).click();
  await page.getByText('<script>document.title = "ran"</script>').waitFor();
  for (const path of ["/account", run.path]) {
    await page.goto(deployment.origin + path);
    await page.getByText("onerror=").first().waitFor();
    expect(await page.title()).toMatch(/ · Jupyter Edge MCP$/);
    expect(await page.locator("pre b, pre img, pre script").count()).toBe(0);
  }
  expect(requested).not.toContain("/x");
});

test("a password is typed on the page of the link in a result, goes to the kernel, and the link is used up", async ({
  deployment,
  browser,
}) => {
  await using parts = await withApp(deployment, browser);
  const { client, page } = parts;
  const run = await runs(client, ASKS);
  expect(run.text).toMatch(
    /\nNext: Ask the user to type the password at http:\/\/localhost/,
  );
  await page.goto(run.link);
  await signsIn(page, deployment);
  await page.getByRole("heading", { name: "Your code asks for a password" }).waitFor();
  expect(page.url()).toBe(run.link);
  const secret = "canary-secret-of-a-person";
  await page.getByLabel("Password").fill(secret);
  await page.getByRole("button", { name: "Send to the kernel" }).click();
  await page.getByRole("heading", { name: "Sent to the kernel" }).waitFor();
  expect(page.url()).not.toContain(secret);
  expect(await page.content()).not.toContain(secret);
  const { conversation, execution } = run;
  const done = await client.call("get_output", { conversation, execution });
  expect(done.text).toContain(String(secret.length));
  expect(done.text).not.toContain(secret);
  await page.goto(run.link);
  await page.getByRole("heading", { name: "This waits for no answer" }).waitFor();
});

test("all of it works without JavaScript, and shows what there was when a page was opened", async ({
  deployment,
  browser,
}) => {
  const view = { javaScriptEnabled: false };
  await using parts = await withApp(deployment, browser, view);
  const { client, page, account } = parts;
  const run = await runs(client, TICKS);
  await page.goto(`${account}/activity`);
  await page.getByLabel("Token").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").getByText("does not accept this token").waitFor();
  await signsIn(page, deployment);
  await page.getByRole("heading", { level: 1, name: "What was done" }).waitFor();
  await page.getByRole("link", { name: "Your account" }).click();
  expect(await lastTick(page)).toBeGreaterThanOrEqual(0);
  await page.getByRole("link", { name: `e1 of ${run.conversation}` }).click();
  await page.getByRole("button", { name: /^Interrupt/ }).click();
  await page.getByText(/^error · /).waitFor();
  const asking = await runs(client, "print('got', input('Name? '))", run.conversation);
  await page.goto(deployment.origin + asking.path);
  await page.getByRole("link", { name: "Answer what it asks" }).click();
  await page.getByLabel("Answer").fill("Ada");
  await page.getByRole("button", { name: "Send to the kernel" }).click();
  await page.getByRole("heading", { name: "Sent to the kernel" }).waitFor();
  await page.goto(`${account}/conversations/${run.conversation}`);
  await page.getByLabel("Also shut down the kernels").check();
  await page.getByRole("button", { name: "End this conversation" }).click();
  await page.getByRole("heading", { level: 1, name: "Your account" }).waitFor();
  expect(await page.getByRole("link", { name: run.conversation }).count()).toBe(0);
  await page.getByRole("button", { name: "Revoke Test app" }).first().click();
  await page.getByRole("heading", { level: 1, name: "Your account" }).waitFor();
  await expect(client.call("list_kernels", {})).rejects.toThrow();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
});

test("the browser keeps the sign-in for this host alone and shows it to no script, and who forgets everything is out", async ({
  deployment,
  browser,
}) => {
  await using parts = await withApp(deployment, browser);
  const { page, account } = parts;
  await page.goto(account);
  await signsIn(page, deployment);
  await page.getByRole("heading", { level: 1, name: "Your account" }).waitFor();
  const cookies = await page.context().cookies();
  expect(cookies.filter(({ name }) => name === "__Host-jupyter-edge")).toEqual([
    expect.objectContaining({
      domain: "localhost",
      path: "/",
      httpOnly: true,
      secure: true,
      sameSite: "Lax",
    }),
  ]);
  expect(await page.evaluate("document.cookie")).toBe("");
  await page.getByRole("link", { name: "Forget everything…" }).click();
  await page.getByLabel("Yes, forget everything").check();
  await page.getByRole("button", { name: "Forget everything" }).click();
  await page
    .getByRole("heading", { level: 1, name: "Everything is forgotten" })
    .waitFor();
  expect(
    (await page.context().cookies()).some(({ name }) => name === "__Host-jupyter-edge"),
  ).toBe(false);
  await page.goto(account);
  await page.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
});

interface Seen {
  readonly page: Page;
  readonly origin: string;
  readonly ended: Ran;
  readonly running: Ran;
  readonly asking: Ran;
  readonly askingName: Ran;
  readonly signsInAgain: () => Promise<void>;
}

/** Each page, and each state that it can be in. */
const PAGES: readonly {
  readonly name: string;
  readonly heading: string;
  readonly see: (seen: Seen) => Promise<unknown>;
}[] = [
  {
    name: "overview",
    heading: "Your account",
    see: ({ page, origin }) => page.goto(`${origin}/account`),
  },
  {
    name: "conversation",
    heading: "Conversation",
    see: ({ page, origin, running }) =>
      page.goto(`${origin}/account/conversations/${running.conversation}`),
  },
  {
    name: "running",
    heading: "Execution e2",
    see: ({ page, origin, running }) => page.goto(origin + running.path),
  },
  {
    name: "ended",
    heading: "Execution e1",
    see: ({ page, origin, ended }) => page.goto(origin + ended.path),
  },
  {
    name: "answer",
    heading: "Your code asks for a password",
    see: ({ page, asking }) => page.goto(asking.link),
  },
  {
    name: "answer-name",
    heading: "Your code asks",
    async see({ page, origin, askingName }) {
      await page.goto(origin + askingName.path);
      await page.getByRole("link", { name: "Answer what it asks" }).click();
    },
  },
  {
    name: "answer-too-long",
    heading: "Your code asks",
    async see({ page }) {
      await page.evaluate("document.querySelector('#answer').maxLength = 20_000");
      await page.getByLabel("Answer").fill("x".repeat(10_001));
      await page.getByRole("button", { name: "Send to the kernel" }).click();
      await page.getByRole("alert").getByText("no more than 10000 characters").waitFor();
    },
  },
  {
    name: "sent",
    heading: "Sent to the kernel",
    async see({ page }) {
      await page.getByLabel("Answer").fill("Ada");
      await page.getByRole("button", { name: "Send to the kernel" }).click();
    },
  },
  {
    name: "answered",
    heading: "This waits for no answer",
    see: ({ page, asking }) => page.goto(`${asking.link}x`),
  },
  {
    name: "activity",
    heading: "What was done",
    see: ({ page, origin }) => page.goto(`${origin}/account/activity`),
  },
  {
    name: "activity-older",
    heading: "What was done",
    see: ({ page, origin }) => page.goto(`${origin}/account/activity?before=3`),
  },
  {
    name: "not-found",
    heading: "No such page",
    see: ({ page, origin }) => page.goto(`${origin}/account/conversations/c_aaaaaaaaaa`),
  },
  {
    name: "problem",
    heading: "Conversation",
    async see({ page, origin, asking }) {
      await page.goto(`${origin}/account/conversations/${asking.conversation}`);
      await page.evaluate(
        "document.querySelector('form').insertAdjacentHTML('beforeend', '<input name=kernel value=nowhere>')",
      );
      await page.getByRole("button", { name: /^Interrupt/ }).click();
      await page.getByRole("alert").waitFor();
    },
  },
  {
    name: "forget",
    heading: "Forget everything",
    see: ({ page, origin }) => page.goto(`${origin}/account/forget`),
  },
  {
    name: "forget-unsure",
    heading: "Forget everything",
    async see({ page }) {
      await page.evaluate("document.querySelector('form').noValidate = true");
      await page.getByRole("button", { name: "Forget everything" }).click();
      await page.getByRole("alert").waitFor();
    },
  },
  {
    name: "forgotten",
    heading: "Everything is forgotten",
    async see({ page }) {
      await page.getByLabel("Also shut down the kernels").check();
      await page.getByLabel("Yes, forget everything").check();
      await page.getByRole("button", { name: "Forget everything" }).click();
    },
  },
  {
    name: "empty",
    heading: "Your account",
    async see({ page, origin, signsInAgain }) {
      await page.goto(`${origin}/account`);
      await signsInAgain();
      await page.getByText("Nothing runs at the moment.").waitFor();
    },
  },
];

test.for(VIEWS)(
  "every page of an account can be read by everybody, and nothing has to be scrolled sideways, on a $size in $colorScheme",
  async (view, { deployment, browser }) => {
    await using parts = await withApp(deployment, browser, view);
    const { client, page, account } = parts;
    const shown = async (name: string, heading: string) => {
      await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
      await expectReadable(page, `account-${name}`, view);
    };
    const ended = await runs(client, MARKUP);
    const running = await runs(client, TICKS, ended.conversation);
    const asking = await runs(client, ASKS);
    const askingName = await runs(client, "print('got', len(input('Name? ')))");
    const ran = { ended, running, asking, askingName };
    await page.goto(account);
    await shown("sign-in", "Sign in");
    await page.getByLabel("Token").fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").waitFor();
    await shown("sign-in-wrong", "Sign in");
    const signsInAgain = () => signsIn(page, deployment);
    await signsInAgain();
    for (const { name, heading, see } of PAGES) {
      await see({ page, origin: deployment.origin, ...ran, signsInAgain });
      await shown(name, heading);
    }
  },
);
