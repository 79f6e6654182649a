import {
  OAuthAuthorizationServer,
  OAuthError,
  OAuthResourceServer,
  type OAuthResourceAuth,
} from "@cloudflare/workers-oauth-provider";
import type { SignIn } from "../config.ts";
import type { Log } from "../log.ts";
import { SCOPES } from "../scopes.ts";

/** Whether a grant may still be used: as the deployment is set now, as its person wants, and as the service says at which they signed in. */
export type UsableCheck = (props: unknown) => Promise<boolean>;

/** A client that comes back within this time need not ask its person again. */
const IDLE_GRANT_SECONDS = 30 * 24 * 60 * 60;

/** Answers a call that came with a token of this deployment. */
export type GrantedHandler = (
  request: Request,
  props: unknown,
  auth: OAuthResourceAuth,
) => Promise<Response>;

/**
 * The authorization server of a deployment: discovery, registration, tokens. The
 * page on which people decide is its own (`web/authorize.tsx`).
 */
export function authorizationServer(
  { publicUrl }: SignIn,
  isUsable: UsableCheck,
  log: Log,
): OAuthAuthorizationServer<Env> {
  return new OAuthAuthorizationServer<Env>({
    issuer: publicUrl,
    resources: [resourceOf(publicUrl)],
    clientRegistrationEndpoint: "/oauth/register",
    clientIdMetadataDocumentEnabled: true,
    scopesSupported: [...SCOPES],
    refreshTokenIdleTTL: IDLE_GRANT_SECONDS,
    tokenExchangeCallback: async ({ grantType, props }) => {
      if (grantType !== "refresh_token" || (await isUsable(props))) return;
      // The library revokes the grant then, and the client signs its person in again.
      throw new OAuthError("invalid_grant", { description: "Sign in again" });
    },
    // By default it logs more, some of it as the client sent it.
    onError: ({ status, code }) => log.warn("oauth_refused", { status, code }),
  });
}

/**
 * The MCP endpoint as a protected resource: only a token that was issued for it
 * gets through. Which scopes a call needs is decided behind it; a client asks
 * for none by itself, and the person chooses on the consent page.
 * A grant that cannot be used any more is revoked: a client that could refresh its
 * token would never ask its person again.
 */
export function resourceServer(
  { publicUrl }: SignIn,
  server: OAuthAuthorizationServer<Env>,
  isUsable: UsableCheck,
  handle: GrantedHandler,
): OAuthResourceServer<Env> {
  return new OAuthResourceServer<Env>({
    resourceMetadata: {
      resource: resourceOf(publicUrl),
      authorization_servers: [publicUrl],
    },
    validateToken: (env) => async (resource, token) => {
      const valid = await server.validateToken(resource, token, env);
      if (valid === null || (await isUsable(valid.props))) return valid;
      const oauth = server.getOAuthApi(env);
      const known = await oauth.unwrapToken(token);
      if (known !== null) await oauth.revokeGrant(known.grantId, known.userId);
      return null;
    },
    handler: { fetch: (request, _env, ctx) => handle(request, ctx.props, ctx.auth) },
  });
}

function resourceOf(publicUrl: string): string {
  return `${publicUrl}/mcp`;
}
