import type { Config, JupyterAddress } from "./config.ts";

/** What a person gave at sign-in to reach a server, and when. */
export interface ServerCredentials {
  readonly httpUrl: string;
  readonly wsUrl: string;
  readonly token: string;
  /** Milliseconds since 1970: of two, those that were given later hold. */
  readonly signedInAt: number;
}

/**
 * How a server is reached with a person's credentials: that of the deployment
 * with its further headers, a person's own without. `null` where the deployment
 * allows it no more, for a token goes to the server that it was given for or
 * nowhere.
 */
export function addressOf(
  { httpUrl, wsUrl, token }: ServerCredentials,
  { jupyter, signIn }: Config,
): JupyterAddress | null {
  if (signIn?.hasOwnServer === true && httpUrl === jupyter.httpUrl)
    return { ...jupyter, token };
  return signIn?.allowsUserServers === true
    ? { httpUrl, wsUrl, token, headers: {} }
    : null;
}
