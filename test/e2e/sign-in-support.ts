/**
 * A deployment with sign-in, on this machine: `npm start` with the settings of
 * one, the Jupyter server that it sets up, and people in Chromium.
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Locator, Page } from "playwright-core";
import { expect } from "vitest";
import { findFreePort } from "../../scripts/ports.ts";
import { eventually } from "../support/eventually.ts";
import { type ClientKind, type McpClient, prepareClient } from "../support/mcp-client.ts";
import { OAuthMemory } from "../support/oauth-memory.ts";
import { copyProject, readConnection, start } from "./support.ts";
import { test } from "./with-browser.ts";

/** Where a deployment is, and the Jupyter server that it has. */
export interface Deployment {
  readonly origin: string;
  readonly mcpUrl: string;
  readonly jupyter: { readonly url: string; readonly token: string };
}

/** A test of a file that shares one deployment, and one Chromium. */
export function testWith(settings: Readonly<Record<string, string>>) {
  return test.extend<{ $file: { deployment: Deployment } }>({
    deployment: [
      // oxlint-disable-next-line no-empty-pattern -- vitest reads from the pattern what a fixture needs
      async ({}, use) => {
        const port = await findFreePort();
        const origin = `http://localhost:${port}`;
        await using project = await copyProject({
          ...settingsAt(origin),
          SIGN_IN: "jupyter",
          ...settings,
        });
        await using server = await start(project, { port });
        const jupyter = await readConnection(project);
        await use({ origin, mcpUrl: server.url, jupyter });
      },
      { scope: "file" },
    ],
  });
}

/** What every deployment with sign-in has to have. */
export function settingsAt(origin: string): Readonly<Record<string, string>> {
  return {
    PUBLIC_URL: origin,
    SEALING_KEY: "a-sealing-key-of-more-than-forty-characters",
  };
}

/** Where a client on this machine waits for the browser to come back. */
export class Callback implements AsyncDisposable {
  readonly #server: Server;
  readonly #arrived: URLSearchParams[] = [];
  #taken = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", ({ url = "/" }, response) => {
      const { pathname, searchParams } = new URL(url, this.url);
      if (pathname === "/callback") this.#arrived.push(searchParams);
      response.setHeader("content-type", "text/html");
      response.end("<!doctype html><title>Back in the app</title><p>Back in the app.");
    });
  }

  static async open(): Promise<Callback> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Callback(server);
  }

  get url(): string {
    // It listens on TCP, and has an address until it is closed.
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/callback`;
  }

  /** What the next browser brings that comes back. */
  async next(): Promise<URLSearchParams> {
    const [answer] = await eventually(
      () => this.#arrived.slice(this.#taken),
      ({ length }) => length > 0,
    );
    if (answer === undefined) throw new Error("Nobody came back");
    this.#taken += 1;
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** What a person fills in. What is left out stays as the page has it. */
export interface Filled {
  readonly token?: string;
  readonly server?: string;
  readonly scopes?: readonly string[];
}

/** How a person looks at the pages. */
export interface View {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: "light" | "dark";
  readonly javaScriptEnabled?: boolean;
  /** Lets a test bring a script into the page, which its policy forbids. */
  readonly bypassCSP?: boolean;
}

let people = 0;

/** Somebody with a browser of their own, at a network address of their own. */
export class Person implements AsyncDisposable {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  static async at(browser: Browser, view: View = {}): Promise<Person> {
    const { width = 1280, height = 800, ...options } = view;
    people += 1;
    const page = await browser.newPage({
      ...options,
      viewport: { width, height },
      // Here it is passed on as a request brings it; the limit of attempts is per address.
      extraHTTPHeaders: { "cf-connecting-ip": `203.0.113.${people}` },
    });
    return new Person(page);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.page.close();
  }

  /** Where a page says what is wrong with what was sent. */
  get problem(): Locator {
    return this.page.getByRole("alert");
  }

  async opens(url: string | URL): Promise<void> {
    await this.page.goto(String(url));
  }

  async fills({ token, server, scopes }: Filled): Promise<void> {
    if (server !== undefined)
      await this.page.getByLabel("URL of the server").fill(server);
    if (token !== undefined) await this.page.getByLabel("Token").fill(token);
    if (scopes === undefined) return;
    for (const box of await this.page.getByRole("checkbox").all())
      await box.setChecked(scopes.includes((await box.getAttribute("value")) ?? ""));
  }

  /** The scopes that are ticked. */
  async chosenScopes(): Promise<readonly (string | null)[]> {
    const boxes = await this.page.getByRole("checkbox", { checked: true }).all();
    return Promise.all(boxes.map((box) => box.getAttribute("value")));
  }

  async presses(button: "Allow" | "Deny"): Promise<void> {
    await this.page.getByRole("button", { name: button }).click();
  }

  /** Waits until the browser is back at the app. */
  async isBack(): Promise<void> {
    await this.page.getByText("Back in the app.").waitFor();
  }

  /** The id, or else the text, of what has the focus. */
  async focused(): Promise<string> {
    const focus = this.page.locator(":focus");
    return (await focus.getAttribute("id")) ?? (await focus.innerText());
  }

  /** How thick the line is around what has the focus, in pixels. */
  async outlineWidth(): Promise<number> {
    const style = "getComputedStyle(document.activeElement)";
    return Number.parseFloat(
      // It comes out of the page as a string.
      (await this.page.evaluate(
        `${style}.outlineStyle === "none" ? "0" : ${style}.outlineWidth`,
      )) as string,
    );
  }

  /** Lets a client in: from the page that it opens until it has the browser back. */
  async signsIn(url: URL, filled: Filled): Promise<void> {
    await this.opens(url);
    await this.fills(filled);
    await this.presses("Allow");
    await this.isBack();
  }
}

/** An app on somebody's computer, which signs in by itself and keeps what it got. */
export class App {
  readonly memory: OAuthMemory;
  readonly #kind: ClientKind;
  readonly #deployment: Deployment;
  readonly #callback: Callback;

  constructor(
    kind: ClientKind,
    deployment: Deployment,
    callback: Callback,
    name = "Test app",
  ) {
    this.memory = new OAuthMemory(callback.url, name);
    this.#kind = kind;
    this.#deployment = deployment;
    this.#callback = callback;
  }

  prepare() {
    return prepareClient(this.#kind, this.#deployment.mcpUrl, {
      authProvider: this.memory,
    });
  }

  /** Tries to connect, until it knows where to send its person. */
  async isSentToSignIn() {
    const before = this.memory.asked.length;
    const client = this.prepare();
    await expect(client.connect()).rejects.toThrow("Unauthorized");
    expect(this.memory.asked.length).toBe(before + 1);
    return client;
  }

  /** Lets the person sign in, and connects. */
  async connects(person: Person, filled: Filled): Promise<McpClient> {
    const client = await this.isSentToSignIn();
    await person.signsIn(this.memory.page, filled);
    await client.finishAuth(await this.answer());
    return this.prepare().connect();
  }

  /** What the browser brought back for the page that was asked for last. */
  async answer(): Promise<URLSearchParams> {
    const answer = await this.#callback.next();
    expect(answer.get("state")).toBe(this.memory.page.searchParams.get("state"));
    return answer;
  }
}

/** Which app asks, and how its person looks at the pages. */
export interface Asking {
  readonly view?: View | undefined;
  readonly kind?: ClientKind;
  readonly name?: string | undefined;
}

/** An app that wants to be let in, and its person. */
export type Asked = Awaited<ReturnType<typeof asked>>;

/** See {@link Asked}. */
export async function asked(
  deployment: Deployment,
  browser: Browser,
  { view, kind = "modern", name }: Asking = {},
) {
  await using opened = new AsyncDisposableStack();
  const callback = opened.use(await Callback.open());
  const person = opened.use(await Person.at(browser, view));
  const app = new App(kind, deployment, callback, name);
  const client = await app.isSentToSignIn();
  /** Once the person has let it in. */
  const connects = async () => {
    await client.finishAuth(await app.answer());
    return app.prepare().connect();
  };
  const { page } = person;
  const parts = { app, callback, person, page, url: app.memory.page, connects };
  const all = opened.move();
  return { ...parts, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
