import { env, exports } from "cloudflare:workers";
import { inject } from "vitest";
import type { ProxyAction } from "../../faults/plan.ts";
import { conversationName, hashServer, LOCAL_PRINCIPAL } from "../../src/identity.ts";
import { KernelChannels } from "../../src/jupyter/channels.ts";
import type { JupyterAddress } from "../../src/config.ts";
import { JupyterServer } from "../../src/jupyter/server.ts";
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

/** The Jupyter server itself, past the gateway. */
export function jupyterAddress(): JupyterAddress {
  const { port, token } = inject("jupyter");
  const address = `127.0.0.1:${port}`;
  return { httpUrl: `http://${address}`, wsUrl: `ws://${address}`, token, headers: {} };
}

/** Asks the Jupyter server itself, past the gateway. */
export async function jupyter(path: string, init: RequestInit = {}): Promise<Response> {
  const { port, token } = inject("jupyter");
  return fetch(`http://127.0.0.1:${port}${path}`, {
    ...init,
    headers: { authorization: `token ${token}` },
  });
}

/** Another client of the kernel, past the gateway. */
export async function attachOther(kernel: string): Promise<KernelChannels> {
  const direct = new JupyterServer(jupyterAddress());
  const ignore = { message: () => undefined, closed: () => undefined };
  return KernelChannels.open(direct, kernel, crypto.randomUUID(), ignore);
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

/** Does something to the connections of one kernel. True where there was anything for it to be done to. */
export async function doTo(kernel: string, action: ProxyAction): Promise<boolean> {
  const { controlPort } = inject("faults");
  const init = { method: "POST", body: JSON.stringify(action) };
  const answer = await fetch(`http://127.0.0.1:${controlPort}/${kernel}`, init);
  return (await answer.text()) === "hit";
}
