import { inject } from "vitest";
import {
  authorizationUrl,
  Browser,
  exchange,
  handleIn,
  ORIGIN,
  register,
  type Tokens,
} from "../hosted/support.ts";

export {
  authorizationUrl,
  Browser,
  connectWith,
  eventually,
  exchange,
  fetchWorker,
  handleIn,
  ORIGIN,
  register,
  RESOURCE,
  tokenRequest,
} from "../hosted/support.ts";

const ALL_SCOPES = ["notebooks:read", "notebooks:write", "code:execute"];

/** Somebody with a browser, which is signed in at the Hub or not. */
export class HubPerson {
  readonly name: string;
  /** What the browser holds and does at the Worker. */
  readonly browser = new Browser();
  readonly #cookies = new Map<string, string>();

  constructor(name: string) {
    this.name = name;
  }

  /** Lets a client in on the consent page. Answers with the address at the Hub to which the browser goes on. */
  async allows(
    url: URL,
    scopes: readonly string[] = ALL_SCOPES,
  ): Promise<{ readonly next: URL; readonly page: string }> {
    const page = await (await this.browser.open(url)).text();
    const answer = await this.browser.submit(url, [
      ["handle", handleIn(page)],
      ...scopes.map((scope): [string, string] => ["scope", scope]),
      ["decision", "approve"],
    ]);
    const next = answer.headers.get("refresh")?.replace(/^0;url=/, "");
    if (next === undefined) throw new Error(`${answer.status}: ${await answer.text()}`);
    return { next: new URL(next), page: await answer.text() };
  }

  /** Signs in at the Hub and confirms. Answers with where the Hub sends the browser back to. */
  async signsInAtHub(authorize: URL): Promise<URL> {
    let at = authorize;
    for (let steps = 0; steps < 10; steps += 1) {
      if (at.origin === ORIGIN) return at;
      const answer = await this.#ask(at);
      const location = answer.headers.get("location");
      if (location !== null) {
        at = new URL(location, at);
        continue;
      }
      const page = await answer.text();
      if (!answer.ok) throw new Error(`${answer.status} at ${at.pathname}: ${page}`);
      at = await this.#sends(at, page);
    }
    throw new Error(`The Hub led to ${at.href}`);
  }

  /** Comes back to the Worker. Answers with the code that the client gets. */
  async comesBack(callback: URL): Promise<string> {
    const answer = await this.browser.open(callback);
    const location = answer.headers.get("location");
    if (location === null) throw new Error(`${answer.status}: ${await answer.text()}`);
    const code = new URL(location).searchParams.get("code");
    if (code === null) throw new Error(location);
    return code;
  }

  /** Lets a client in, from its page to its tokens. */
  async signsIn(clientId?: string): Promise<Tokens> {
    const client = clientId ?? (await register());
    const { url, verifier } = await authorizationUrl(client);
    const { next } = await this.allows(url);
    const code = await this.comesBack(await this.signsInAtHub(next));
    return { ...(await exchange({ client, code, verifier })), clientId: client };
  }

  /** Sends the form of a page: that for name and password, or that which asks for consent. */
  async #sends(at: URL, page: string): Promise<URL> {
    const fields = [...page.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(
      ([input]): [string, string] => [
        unescaped(/name="([^"]*)"/.exec(input)?.[1] ?? ""),
        unescaped(/value="([^"]*)"/.exec(input)?.[1] ?? ""),
      ],
    );
    const isLogin = page.includes('name="username"');
    if (isLogin)
      fields.push(["username", this.name], ["password", inject("hub").password]);
    const action = isLogin ? /<form action="([^"]*)"/.exec(page)?.[1] : undefined;
    const target = action === undefined ? at : new URL(unescaped(action), at);
    const answer = await this.#ask(target, {
      method: "POST",
      body: new URLSearchParams(fields).toString(),
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        origin: at.origin,
        referer: at.href,
      },
    });
    const location = answer.headers.get("location");
    if (location === null) throw new Error(`${answer.status}: ${await answer.text()}`);
    return new URL(location, at);
  }

  async #ask(url: URL, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set(
      "cookie",
      [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; "),
    );
    const answer = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      this.#cookies.set(name, value);
    }
    return answer;
  }
}

function unescaped(html: string): string {
  return html.replaceAll("&amp;", "&").replaceAll("&#39;", "'").replaceAll("&#34;", '"');
}

/** What an administrator of the Hub, its culler for one, asks of it. */
export async function askHub(
  method: "GET" | "POST" | "DELETE",
  path: string,
): Promise<Response> {
  const { url, adminToken } = inject("hub");
  const headers = { authorization: `token ${adminToken}` };
  return fetch(`${url}/hub/api${path}`, { method, headers });
}

/** How the Hub has somebody's servers. */
export async function serversOf(
  name: string,
): Promise<
  Readonly<Record<string, { readonly ready: boolean; readonly pending: string | null }>>
> {
  const user: { servers?: Record<string, { ready: boolean; pending: string | null }> } =
    await (await askHub("GET", `/users/${name}`)).json();
  return user.servers ?? {};
}

/** Stops somebody's server, as the Hub's idle culler does. */
export async function cull(name: string): Promise<void> {
  const answer = await askHub("DELETE", `/users/${name}/server`);
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
}

/** Revokes the tokens that this Worker got for somebody. */
export async function revokeTokens(name: string): Promise<number> {
  const listed: { api_tokens: { id: string; oauth_client?: string; note?: string }[] } =
    await (await askHub("GET", `/users/${name}/tokens`)).json();
  const ours = listed.api_tokens.filter(({ oauth_client }) =>
    oauth_client?.includes("jupyter-edge-mcp"),
  );
  for (const { id } of ours) await askHub("DELETE", `/users/${name}/tokens/${id}`);
  return ours.length;
}

/** Does `work` while requests that begin so (`GET /jupyter/hub/api`) fail. */
export async function whileFailing(
  only: string,
  work: () => Promise<void>,
): Promise<void> {
  const control = `http://127.0.0.1:${inject("hub").gatewayPort}`;
  await fetch(`${control}/?mode=error&only=${encodeURIComponent(only)}`);
  try {
    await work();
  } finally {
    await fetch(`${control}/?mode=pass`);
  }
}

/** What has arrived at the Hub and the servers behind it. */
export async function arrivedAtHub(): Promise<
  readonly { method: string; path: string; headers: Record<string, string> }[]
> {
  return (await fetch(`http://127.0.0.1:${inject("hub").controlPort}/`)).json();
}
