import { exports } from "cloudflare:workers";
import { inject } from "vitest";
import { connectClient, type ClientKind, type McpClient } from "../support/mcp-client.ts";

export { eventually } from "../support/eventually.ts";

/** Where the deployment says that it is. */
export const ORIGIN = "https://edge.example.com";
export const RESOURCE = `${ORIGIN}/mcp`;
const REDIRECT = "http://127.0.0.1:33418/callback";

/** Each person comes from an address of their own: the limit of attempts is per address. */
let addresses = 0;

/** The Worker as the internet reaches it. */
export async function fetchWorker(
  input: string | URL | Request,
  init?: RequestInit,
): Promise<Response> {
  const request = new Request(input, {
    redirect: "manual",
    ...init,
  } as RequestInit<CfProperties>);
  request.headers.set("host", new URL(request.url).host);
  return exports.default.fetch(request);
}

/** What a person's browser holds and does: cookies, a page, its form. */
export class Browser {
  readonly #cookies = new Map<string, string>();
  readonly address = `203.0.113.${(addresses += 1) % 250}`;

  /** As it sends them. */
  get cookies(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  async open(url: string | URL, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("cf-connecting-ip", this.address);
    if (this.#cookies.size > 0) headers.set("cookie", this.cookies);
    const response = await fetchWorker(url, { ...init, headers });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (/max-age=0/i.test(cookie)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return response;
  }

  submit(
    url: string | URL,
    fields: readonly (readonly [string, string])[],
    origin: string | null = ORIGIN,
  ): Promise<Response> {
    const body = new URLSearchParams(fields.map(([name, value]) => [name, value]));
    return this.open(url, {
      method: "POST",
      body: body.toString(),
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        "content-length": String(new TextEncoder().encode(body.toString()).length),
        ...(origin !== null && { origin }),
      },
    });
  }
}

/** The handle in a consent page's form. */
export function handleIn(page: string): string {
  const handle = /name="handle" value="([^"]+)"/.exec(page)?.[1];
  if (handle === undefined) throw new Error(`No form in: ${page}`);
  return handle;
}

/** Registers a client dynamically. */
export async function register(name = "Test client"): Promise<string> {
  const response = await fetchWorker(`${ORIGIN}/oauth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      client_name: name,
      redirect_uris: [REDIRECT],
      token_endpoint_auth_method: "none",
    }),
  });
  const client: { client_id?: string } = await response.json();
  if (client.client_id === undefined) throw new Error(JSON.stringify(client));
  return client.client_id;
}

/** An authorization request, with the secret that its code is exchanged with. */
export async function authorizationUrl(
  clientId: string,
  further: Readonly<Record<string, string>> = {},
): Promise<{ readonly url: URL; readonly verifier: string }> {
  const verifier = crypto.randomUUID() + crypto.randomUUID();
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(verifier),
  );
  const url = new URL(`${ORIGIN}/authorize`);
  url.search = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: REDIRECT,
    state: "a state",
    code_challenge: new Uint8Array(digest).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    }),
    code_challenge_method: "S256",
    resource: RESOURCE,
    ...further,
  }).toString();
  return { url, verifier };
}

/** What a person fills in. */
export interface Filled {
  readonly token: string;
  readonly server?: string;
  readonly scopes?: readonly string[];
}

const ALL_SCOPES = ["notebooks:read", "notebooks:write", "code:execute"];

/** The fields that a browser sends for it. */
export function fieldsOf(
  handle: string,
  { token, server = "", scopes = ALL_SCOPES }: Filled,
): [string, string][] {
  return [
    ["handle", handle],
    ["server", server],
    ["token", token],
    ...scopes.map((scope): [string, string] => ["scope", scope]),
    ["decision", "approve"],
  ];
}

/** What a client gets for a person who signed in. */
export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly scope: string;
  readonly expires_in: number;
  readonly clientId: string;
}

/** Signs a person in from the first page to the tokens. */
export async function signIn(
  filled: Filled,
  clientId?: string,
  further: Readonly<Record<string, string>> = {},
): Promise<Tokens> {
  const client = clientId ?? (await register());
  const { url, verifier } = await authorizationUrl(client, further);
  const browser = new Browser();
  const page = await (await browser.open(url)).text();
  const answer = await browser.submit(url, fieldsOf(handleIn(page), filled));
  const location = answer.headers.get("location");
  if (location === null) throw new Error(`${answer.status}: ${await answer.text()}`);
  const code = new URL(location).searchParams.get("code");
  if (code === null) throw new Error(location);
  return { ...(await exchange({ client, code, verifier })), clientId: client };
}

/** Exchanges a code for tokens. */
export async function exchange(request: {
  client: string;
  code: string;
  verifier: string;
}): Promise<Tokens> {
  const { client, code, verifier } = request;
  return tokenRequest({
    grant_type: "authorization_code",
    client_id: client,
    code,
    code_verifier: verifier,
    redirect_uri: REDIRECT,
    resource: RESOURCE,
  });
}

/** Asks the token endpoint. */
export async function tokenRequest(
  fields: Readonly<Record<string, string>>,
): Promise<Tokens> {
  const response = await fetchWorker(`${ORIGIN}/oauth/token`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ ...fields }).toString(),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
  return JSON.parse(text);
}

/** `fetch` of a client that has a token. */
export function fetchWith(accessToken: string): typeof globalThis.fetch {
  const fetching = (input: string | URL | Request, init?: RequestInit) => {
    const headers = new Headers(init?.headers);
    headers.set("authorization", `Bearer ${accessToken}`);
    return fetchWorker(input, { ...init, headers });
  };
  return fetching as unknown as typeof globalThis.fetch;
}

/** Connects a client that has a token. */
export function connectWith(
  accessToken: string,
  kind: ClientKind = "modern",
): Promise<McpClient> {
  return connectClient(kind, RESOURCE, fetchWith(accessToken));
}

/** What has arrived at one of the two Jupyter servers. */
export async function arrivedAt(
  server: "teamServer" | "ownServer",
): Promise<readonly { path: string; headers: Record<string, string> }[]> {
  return (await fetch(`http://127.0.0.1:${inject(server).controlPort}/`)).json();
}

/** The URL of a server on this machine. */
export function localUrl(port: number): string {
  return `http://127.0.0.1:${port}`;
}
