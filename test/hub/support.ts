import { inject } from "vitest";
import { Visitor } from "../hosted/visitor.ts";
import { whileGatewayIs } from "../support/gateway-mode.ts";

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

/** Somebody whom the Hub knows. */
export class HubPerson extends Visitor {
  protected override typesInto(page: string): readonly (readonly [string, string])[] {
    if (!page.includes('name="username"')) return [];
    return [
      ["username", this.name],
      ["password", inject("hub").password],
    ];
  }
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

/** Does `work` while requests that begin so (`GET /jupyter/hub/api`) fail, or are refused. */
export function whileFailing(
  only: string,
  work: () => Promise<void>,
  mode: "error" | "forbidden" = "error",
): Promise<void> {
  return whileGatewayIs(mode, inject("hub").gatewayPort, work, only);
}

/** What has arrived at the Hub and the servers behind it. */
export async function arrivedAtHub(): Promise<
  readonly { method: string; path: string; headers: Record<string, string> }[]
> {
  return (await fetch(`http://127.0.0.1:${inject("hub").controlPort}/`)).json();
}
