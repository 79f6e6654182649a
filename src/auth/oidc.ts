/** `SIGN_IN=oidc`: people sign in at an OpenID Connect issuer, which vouches for their address. */

import * as oauth from "oauth4webapi";
import type { OidcSettings } from "../config.ts";
import { identityPrincipal } from "../identity.ts";
import type { Log } from "../log.ts";
import {
  authorizationUrl,
  exchangeCode,
  problemOf,
  requestOptions,
  type Upstream,
  type UpstreamClient,
} from "./upstream.ts";

/** An issuer, and who of its people may come in. */
export function oidcUpstream(
  settings: OidcSettings,
  redirectUri: string,
  log: Log,
): Upstream {
  const { issuer, clientId, clientSecret, allowed } = settings;

  /** What the issuer says of itself, asked each time: it may change its mind. */
  async function discovered(): Promise<UpstreamClient> {
    const url = new URL(issuer);
    const options = { algorithm: "oidc" as const, ...requestOptions(issuer) };
    const response = await oauth.discoveryRequest(url, options);
    const server = await oauth.processDiscoveryResponse(url, response);
    const scope = "openid email";
    return { server, clientId, clientSecret, redirectUri, scope, headers: {} };
  }

  return {
    host: new URL(issuer).host,
    async begin() {
      try {
        const client = await discovered();
        return {
          urlFor: (visit) => authorizationUrl(client, visit, { nonce: visit.nonce }),
        };
      } catch (error) {
        return { problem: problemOf(error, log) };
      }
    },
    async finish(callback, visit) {
      try {
        const client = await discovered();
        const tokens = await exchangeCode(client, callback, visit, visit.nonce);
        const claims = oauth.getValidatedIdTokenClaims(tokens);
        // `exchangeCode` was told to expect one.
        if (claims === undefined) throw new Error("an ID token was lost");
        const email =
          verifiedAddress(claims) ??
          verifiedAddress(await userInfo(client, tokens.access_token, claims.sub));
        if (email === null || !isAllowed(email, allowed)) {
          log.warn("sign_in", { outcome: "not_allowed" });
          return { problem: "not_allowed" };
        }
        return { principal: await identityPrincipal(claims.iss, claims.sub), email };
      } catch (error) {
        return { problem: problemOf(error, log) };
      }
    },
  };
}

/**
 * Whether somebody with that verified address may come in.
 *
 * @param allowed addresses, and domains that begin with `@`, in lower case
 */
export function isAllowed(email: string, allowed: readonly string[]): boolean {
  return allowed.includes(email) || allowed.includes(email.slice(email.lastIndexOf("@")));
}

/**
 * The address that an issuer says belongs to somebody, in lower case. Anything
 * but ASCII is none: letters that look alike, or become another in lower case,
 * would be somebody else's domain.
 */
export function verifiedAddress(
  claims: Readonly<Record<string, unknown>>,
): string | null {
  const { email, email_verified: verified } = claims as {
    readonly email?: unknown;
    readonly email_verified?: unknown;
  };
  // Some issuers send it as text.
  if (verified !== true && verified !== "true") return null;
  if (typeof email !== "string" || !/^[\x21-\x3f\x41-\x7e]+@[A-Za-z0-9.-]+$/.test(email))
    return null;
  return email.toLowerCase();
}

/** What the issuer tells on request: many put no address into the ID token. */
async function userInfo(
  { server, clientId }: UpstreamClient,
  accessToken: string,
  subject: string,
): Promise<Readonly<Record<string, unknown>>> {
  if (server.userinfo_endpoint === undefined) return {};
  const known = { client_id: clientId };
  const response = await oauth.userInfoRequest(
    server,
    known,
    accessToken,
    requestOptionsOf(server.userinfo_endpoint),
  );
  return oauth.processUserInfoResponse(server, known, subject, response);
}

/** As `userInfoRequest` takes them. */
function requestOptionsOf(url: string) {
  const { headers, ...options } = requestOptions(url);
  return { ...options, headers: new Headers(headers) };
}
