/** `SIGN_IN=jupyterhub`: people sign in at their Hub, and reach their own server there. */

import type { HubSettings } from "../config.ts";
import { ExpectedError } from "../errors.ts";
import { identityPrincipal } from "../identity.ts";
import { Hub } from "../jupyter/hub.ts";
import type { Log } from "../log.ts";
import {
  authorizationUrl,
  exchangeCode,
  problemOf,
  type Upstream,
  type UpstreamClient,
  type UpstreamProblem,
} from "./upstream.ts";

/**
 * To reach one's own servers, to start one and to see how it stands, and to be
 * known by name. Not to stop one, and nothing else of the Hub.
 *
 * @see https://jupyterhub.readthedocs.io/en/stable/rbac/scopes.html
 */
export const HUB_SCOPES = [
  "access:servers!user",
  "start:servers!user",
  "read:servers!user",
  "read:users:name!user",
] as const;

/** A Hub, with what goes on every request to it. */
export function hubUpstream(
  hub: HubSettings,
  redirectUri: string,
  headers: Readonly<Record<string, string>>,
  log: Log,
): Upstream {
  const api = `${hub.url}/hub/api/oauth2`;
  const client: UpstreamClient = {
    server: {
      issuer: hub.url,
      authorization_endpoint: `${api}/authorize`,
      token_endpoint: `${api}/token`,
      token_endpoint_auth_methods_supported: ["client_secret_post"],
    },
    clientId: hub.clientId,
    clientSecret: hub.clientSecret,
    redirectUri,
    scope: HUB_SCOPES.join(" "),
    headers,
  };
  return {
    host: new URL(hub.url).host,
    begin: () => Promise.resolve({ urlFor: (visit) => authorizationUrl(client, visit) }),
    async finish(callback, visit) {
      try {
        const { access_token: token } = await exchangeCode(client, callback, visit);
        const { name: user } = await new Hub({ url: hub.url, token, headers }).user();
        const principal = await identityPrincipal(hub.url, user);
        return { principal, hub: { user, token } };
      } catch (error) {
        return { problem: hubProblemOf(error, log) };
      }
    },
  };
}

function hubProblemOf(error: unknown, log: Log): UpstreamProblem {
  if (!(error instanceof ExpectedError)) return problemOf(error, log);
  const { code } = error.failure;
  const problem = code === "jupyter_unreachable" ? "unreachable" : "refused";
  log.warn("sign_in", { outcome: problem, code });
  return problem;
}
