import {
  authorizationUrl,
  Browser,
  exchange,
  handleIn,
  ORIGIN,
  register,
  type Tokens,
} from "./support.ts";

const ALL_SCOPES = ["notebooks:read", "notebooks:write", "code:execute"];

/** Somebody with an account elsewhere, and a browser that is signed in there or not. */
export abstract class Visitor {
  readonly name: string;
  /** What the browser holds and does at the Worker. */
  readonly browser = new Browser();
  readonly #cookies = new Map<string, string>();

  constructor(name: string) {
    this.name = name;
  }

  /** Lets a client in on the consent page. Answers with the address to which the browser goes on. */
  async allows(
    url: URL,
    scopes: readonly string[] = ALL_SCOPES,
    typed: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly next: URL; readonly page: string }> {
    const page = await (await this.browser.open(url)).text();
    const answer = await this.browser.submit(url, [
      ["handle", handleIn(page)],
      ...scopes.map((scope): [string, string] => ["scope", scope]),
      ...Object.entries(typed),
      ["decision", "approve"],
    ]);
    const next = answer.headers.get("refresh")?.replace(/^0;url=/, "");
    if (next === undefined) throw new Error(`${answer.status}: ${await answer.text()}`);
    return { next: new URL(next), page: await answer.text() };
  }

  /** Signs in there and confirms. Answers with where the browser is sent back to. */
  async signsInThere(authorize: URL): Promise<URL> {
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
    throw new Error(`That led to ${at.href}`);
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
  async signsIn(
    clientId?: string,
    typed: Readonly<Record<string, string>> = {},
  ): Promise<Tokens> {
    const client = clientId ?? (await register());
    const { url, verifier } = await authorizationUrl(client);
    const { next } = await this.allows(url, ALL_SCOPES, typed);
    const code = await this.comesBack(await this.signsInThere(next));
    return { ...(await exchange({ client, code, verifier })), clientId: client };
  }

  /** Goes to sign in on a page of their own. Answers with the address to which the browser goes on. */
  async wantsPage(back = "/account"): Promise<URL> {
    const answer = await this.browser.submit(`${ORIGIN}/account/sign-in`, [
      ["back", back],
    ]);
    const next = answer.headers.get("refresh")?.replace(/^0;url=/, "");
    if (next === undefined) throw new Error(`${answer.status}: ${await answer.text()}`);
    return new URL(next);
  }

  /** Signs in to see a page of their own, which is the answer. */
  async seesPage(page = "/account"): Promise<string> {
    const back = await this.signsInThere(await this.wantsPage(page));
    const answer = await this.browser.open(back);
    const location = answer.headers.get("location");
    if (location === null) throw new Error(`${answer.status}: ${await answer.text()}`);
    return this.page(location);
  }

  /** What a page of this Worker says in their browser. */
  async page(path: string): Promise<string> {
    return (await this.browser.open(new URL(path, ORIGIN))).text();
  }

  /** What the person types into the form of a page there, beside what it holds. */
  protected abstract typesInto(page: string): readonly (readonly [string, string])[];

  /** Sends the form of a page. */
  async #sends(at: URL, page: string): Promise<URL> {
    const hidden = [...page.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(
      ([input]): [string, string] => [
        unescaped(/name="([^"]*)"/.exec(input)?.[1] ?? ""),
        unescaped(/value="([^"]*)"/.exec(input)?.[1] ?? ""),
      ],
    );
    const fields = [...hidden, ...this.typesInto(page)].map(([name, value]) => [
      name,
      value,
    ]);
    const action = /<form[^>]* action="([^"]*)"/.exec(page)?.[1] ?? "";
    const target = new URL(unescaped(action), at);
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
    return new URL(location, target);
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
