import { env, exports } from "cloudflare:workers";
import { inject } from "vitest";
import { conversationName, hashServer, LOCAL_PRINCIPAL } from "../../src/identity.ts";
import { connectClient, type ClientKind, type McpClient } from "../support/mcp-client.ts";

export { eventually } from "../support/eventually.ts";

const ENDPOINT = "http://localhost:8787/mcp";

/** The Worker as a client reaches it: over HTTP, on loopback. */
export async function fetchWorker(
  input: string | URL | Request,
  init?: RequestInit,
): Promise<Response> {
  const request = new Request(input, init as RequestInit<CfProperties>);
  if (!request.headers.has("host"))
    request.headers.set("host", new URL(request.url).host);
  return exports.default.fetch(request);
}

const worker = fetchWorker as unknown as typeof fetch;

/** Connects a client to the Worker. */
export function connect(kind: ClientKind = "modern"): Promise<McpClient> {
  return connectClient(kind, ENDPOINT, worker);
}

/** The object of a conversation of local use. */
export async function stubOf(conversation: string) {
  const serverHash = await hashServer(`http://127.0.0.1:${inject("gateway").port}`);
  return env.CONVERSATION.getByName(
    conversationName({ principal: LOCAL_PRINCIPAL, serverHash, handle: conversation }),
  );
}

/** Asks the Jupyter server itself, past the gateway. */
export async function jupyter(path: string, init: RequestInit = {}): Promise<Response> {
  const { port, token } = inject("jupyter");
  return fetch(`http://127.0.0.1:${port}${path}`, {
    ...init,
    headers: { authorization: `token ${token}` },
  });
}

/** Where the gateway takes commands. */
export function controlUrl(path: string): string {
  return `http://127.0.0.1:${inject("gateway").controlPort}${path}`;
}

type Mode =
  | "pass"
  | "down"
  | "login"
  | "html"
  | "forbidden"
  | "error"
  | "slow"
  | "lost"
  | "unsized";

/**
 * Makes the gateway misbehave as long as `work` takes: for all requests, or for
 * those that begin with `only` (`PUT /api/contents/`).
 */
export async function whileJupyterIs<T>(
  mode: Mode,
  work: () => Promise<T>,
  only = "",
): Promise<T> {
  const set = async (next: Mode) => {
    const query = new URLSearchParams({ mode: next, only: next === "pass" ? "" : only });
    const answer = await fetch(controlUrl(`/?${query}`));
    await answer.text();
  };
  await set(mode);
  try {
    return await work();
  } finally {
    await set("pass");
  }
}

/** Breaks every connection that goes through the gateway now. */
export async function cutConnections(): Promise<void> {
  await (await fetch(controlUrl("/cut"))).text();
}
