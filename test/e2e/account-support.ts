/** People whose app runs code, for the tests of the pages on which they see it. */
import type { Browser, Page, Request } from "playwright-core";
import { expect } from "vitest";
import { eventually } from "../support/eventually.ts";
import type { McpClient } from "../support/mcp-client.ts";
import { type Asked, asked, type Deployment, type View } from "./sign-in-support.ts";

/** Prints, and never ends by itself. */
export const TICKS =
  "import itertools, time\nfor i in itertools.count():\n    print('tick', i)\n    time.sleep(0.1)";
/** Asks for a password, and prints how long it is. */
export const ASKS =
  "from getpass import getpass\nprint(len(getpass('Token for <b>the</b> store: ')))";

/**
 * A person whose app is connected, and their browser. All of their conversations
 * end with it.
 *
 * @param allows what they do until the app has the browser back
 */
export async function personWithApp(
  deployment: Deployment,
  browser: Browser,
  allows: (parts: Asked) => Promise<void>,
  view?: View,
) {
  await using opened = new AsyncDisposableStack();
  const parts = opened.use(await asked(deployment, browser, { view }));
  await allows(parts);
  const client = opened.use(await parts.connects());
  opened.defer(() => endAll(client));
  const { page } = parts;
  const all = opened.move();
  return { client, page, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function endAll(client: McpClient): Promise<void> {
  try {
    const { meta } = await client.call("list_conversations", { limit: 50 });
    // As `list_conversations` writes it.
    const listed = meta["jupyter-edge/conversations"] as { conversation: string }[];
    for (const { conversation } of listed)
      await client.call("end_conversation", { conversation, shutdown_kernels: true });
  } catch {
    // Its person has revoked it.
  }
}

/** What became of a call of `run_code`, and where pages show it. */
export type Ran = Awaited<ReturnType<typeof runs>>;

/** Runs code, and says where on a page its output is. */
export async function runs(client: McpClient, code: string, conversation?: string) {
  const ran = await client.call("run_code", {
    code,
    // Only this one neither ends nor asks.
    wait_seconds: code === TICKS ? 1 : 50,
    ...(conversation !== undefined && { conversation }),
  });
  const { conversation: handle, execution } = ran.execution;
  // Pages list a conversation once its kernel has started, which takes its time on a busy machine.
  const atOnce = { conversation: handle, execution, wait_seconds: 0 };
  if (code === TICKS)
    await eventually(
      () => client.call("get_output", atOnce),
      ({ text }) => text.includes("tick 0"),
    );
  return {
    ...ran.execution,
    text: ran.text,
    path: `/account/conversations/${handle}/${execution}`,
    link: /(http:\/\/\S+\/account\/answer\/[\w/]+)/.exec(ran.text)?.[1] ?? "",
  };
}

/** The highest number that a page shows of {@link TICKS}. */
export async function lastTick(page: Page): Promise<number> {
  const text = await page.locator('[data-part="output"]').first().innerText();
  return Number([...text.matchAll(/tick (\d+)/g)].at(-1)?.[1] ?? -1);
}

/** Waits for more of {@link TICKS} on a page, which is not opened again meanwhile, and says how far it is. */
export async function arrives(page: Page): Promise<number> {
  const opened: string[] = [];
  const note = (request: Request) => {
    if (request.isNavigationRequest()) opened.push(request.url());
  };
  page.on("request", note);
  const first = await lastTick(page);
  const later = await eventually(
    () => lastTick(page),
    (tick) => tick >= first + 10,
  );
  page.off("request", note);
  expect(opened).toEqual([]);
  return later;
}

/** Stops what the page of an execution `e…` shows, which ends with the error that comes of it. */
export async function interrupts(page: Page, execution: string): Promise<void> {
  await page.getByRole("button", { name: /^Interrupt/ }).click();
  await page.getByRole("heading", { level: 1, name: "Conversation" }).waitFor();
  await page.getByText(/^error · /).waitFor();
  await page.getByRole("link", { name: execution, exact: true }).click();
  await page.getByText("KeyboardInterrupt", { exact: false }).first().waitFor();
}
