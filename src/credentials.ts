import type { Config, HubPlace, JupyterAddress } from "./config.ts";

/** What a person gave at sign-in to reach a server, and when. */
export interface ServerCredentials {
  readonly httpUrl: string;
  readonly wsUrl: string;
  /** Empty where the deployment's own server is reached with the deployment's own token. */
  readonly token: string;
  /** Milliseconds since 1970: of two, those that were given later hold. */
  readonly signedInAt: number;
  /** The name that the deployment's JupyterHub knows them by. */
  readonly hubUser?: string | undefined;
}

/**
 * How a server is reached with a person's credentials: that of the deployment
 * with its further headers, a person's own without. `null` where the deployment
 * allows it no more, for a token goes to the server that it was given for or
 * nowhere.
 */
export function addressOf(
  credentials: ServerCredentials,
  { jupyter, signIn }: Config,
): JupyterAddress | null {
  const { httpUrl, wsUrl, token, hubUser } = credentials;
  if (signIn === null) return null;
  if (signIn.method === "jupyterhub") {
    if (hubUser === undefined) return null;
    const hub = { url: signIn.hub.url, user: hubUser, server: signIn.hub.server };
    const { headers } = jupyter;
    return httpUrl === hubServerUrl(hub) ? { httpUrl, wsUrl, token, headers, hub } : null;
  }
  const isOwn = signIn.hasOwnServer && httpUrl === jupyter.httpUrl;
  if (token === "") return isOwn && signIn.method === "oidc" ? jupyter : null;
  if (isOwn) return { ...jupyter, token };
  return signIn.allowsUserServers ? { httpUrl, wsUrl, token, headers: {} } : null;
}

/** The base URL of a person's server, as a Hub's proxy routes it. */
export function hubServerUrl({ url, user, server }: HubPlace): string {
  const parts = server === "" ? ["user", user] : ["user", user, server];
  return [url, ...parts.map(escapedHubName)].join("/");
}

/** A name of a person or a server as a Hub has it in URLs. */
export function escapedHubName(name: string): string {
  return encodeURIComponent(name)
    .replaceAll("%40", "@")
    .replaceAll(
      /[!'()*]/g,
      (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
    );
}
