/**
 * A deployment with sign-in: who may come in, and what each call finds. Every
 * object that a call reaches is named after the principal of its token.
 */

import {
  insufficientScope,
  type OAuthAuthorizationServer,
  type OAuthResourceAuth,
} from "@cloudflare/workers-oauth-provider";
import { z } from "zod";
import { DEPLOYMENT_NAME } from "./account/deployment.ts";
import type { Config, JupyterAddress, SignIn } from "./config.ts";
import { ExpectedError, type Outcome } from "./errors.ts";
import { hashServer, workspaceName } from "./identity.ts";
import { adviceFor } from "./mcp/advice.ts";
import { MAX_REQUEST_BYTES, ownerOf, serveMcp } from "./mcp/endpoint.ts";
import { scopesOfCall } from "./mcp/server.ts";
import { installationOf, nameOf } from "./web/account/client-names.ts";
import { jupyterPageSignIn } from "./web/account/page-sign-in.tsx";
import { accountRoutes } from "./web/account/routes.tsx";
import { authorizeRoutes } from "./web/authorize.tsx";
import { callbackRoutes } from "./web/callback.ts";
import type { GrantedClient, GrantProps, SignedIn } from "./web/signing-in.tsx";
import { pages } from "./web/pages.tsx";
import { HubAccess } from "./auth/hub-access.ts";
import { hubUpstream } from "./auth/jupyterhub.ts";
import { authorizationServer, resourceServer } from "./auth/oauth.ts";
import { isAllowed, oidcUpstream } from "./auth/oidc.ts";
import { isOwner } from "./auth/owners.ts";
import { CALLBACK_PATH, type Upstream } from "./auth/upstream.ts";
import { isBehindHub } from "./jupyter/hub-server.ts";
import { knownScopes, SCOPES } from "./scopes.ts";
import { addressOf } from "./credentials.ts";

const propsSchema: z.ZodType<GrantProps> = z.object({
  principal: z.string().regex(/^[a-z2-7]{52}$/),
  credentials: z.object({
    httpUrl: z.url(),
    wsUrl: z.url(),
    token: z.string(),
    signedInAt: z.number(),
    hubUser: z.string().min(1).optional(),
  }),
  method: z.enum(["jupyter", "jupyterhub", "oidc"]),
  email: z.string().optional(),
  grant: z.string().min(1),
});

/** An issuer is not told when we let people in: after this time it is asked again whether they are still there. */
const OIDC_MAX_AGE_MS = 30 * 24 * 60 * 60_000;

/** How long an isolate trusts that a Workspace has the credentials that it gave it. */
const KEPT_MS = 60 * 60_000;
const MAX_KEPT = 1_000;
/** Which credentials this isolate has handed to which Workspace, and when. */
const kept = new Map<string, number>();
const hubAccess = new HubAccess();

/** Answers any request to a deployment with sign-in. */
export async function signedInFetch(
  request: Request,
  env: Env,
  ctx: ExecutionContext,
  config: Config,
  signIn: SignIn,
): Promise<Response> {
  const url = new URL(request.url);
  if (url.origin !== signIn.publicUrl) return misdirected(signIn);
  const oauth = authorizationServer(signIn, (props) => canBeUsed(props, env, config));
  if (/^\/mcp(?:\/|$)|^\/\.well-known\/oauth-protected-resource/.test(url.pathname)) {
    let admitted: Outcome<null> = { failure: { code: "signed_out" } };
    const isUsable = async (props: unknown) => {
      const access = accessOf(props, config);
      if (access === null) return false;
      const { principal, grant } = access.props;
      admitted = await env.ACCOUNT.getByName(principal).admit(grant);
      if ("failure" in admitted) return admitted.failure.code !== "signed_out";
      return isKnownThere(access.address);
    };
    const call = (incoming: Request, props: unknown, auth: OAuthResourceAuth) =>
      "failure" in admitted
        ? Promise.resolve(tooManyRequests(new ExpectedError(admitted.failure)))
        : answerCall(incoming, env, ctx, config, props, auth);
    return resourceServer(signIn, oauth, isUsable, call).fetch(request, env, ctx);
  }
  if (/^\/oauth\/|^\/\.well-known\//.test(url.pathname))
    return oauth.fetch(request, env, ctx);
  const upstream = upstreamOf(config, signIn);
  const deployment = env.DEPLOYMENT.getByName(DEPLOYMENT_NAME);
  const deps = {
    env,
    config,
    signIn,
    oauth: oauth.getOAuthApi(env),
    upstream,
    identitySecret: () => deployment.identitySecret(),
    attempt: (address: string) => deployment.attempt(address),
    keep: (signedIn: SignedIn) => keepCredentials(env, config, signedIn),
    serverHashOf: ({ credentials }: SignedIn) => hashServer(credentials.httpUrl),
    granted: async (props: GrantProps, { description, scopes }: GrantedClient) => {
      const client = {
        grant: props.grant,
        installation: installationOf(description),
        name: nameOf(description),
        scopes,
      };
      const serverHash = await hashServer(props.credentials.httpUrl);
      await env.ACCOUNT.getByName(props.principal).letIn(client, serverHash);
      await keepCredentials(env, config, props);
      startAhead(ctx, config, props);
    },
  };
  const callback = upstream === null ? undefined : callbackRoutes(deps, upstream);
  const authorize = authorizeRoutes(deps);
  const account = accountRoutes({
    ...deps,
    way: jupyterPageSignIn(deps),
    isOwner: (principal) => isOwner(principal, signIn, issuerOf(config, signIn)),
  });
  return pages({ config, checkJupyter: null, authorize, callback, account }).fetch(
    request,
  );
}

/** Who vouches for the names of a deployment's own people. */
function issuerOf({ jupyter }: Config, signIn: SignIn): string {
  switch (signIn.method) {
    case "jupyter":
      return jupyter.httpUrl;
    case "jupyterhub":
      return signIn.hub.url;
    case "oidc":
      return signIn.oidc.issuer;
  }
}

/** Where people have their account; null where they prove a server instead. */
function upstreamOf({ jupyter }: Config, signIn: SignIn): Upstream | null {
  const redirectUri = signIn.publicUrl + CALLBACK_PATH;
  switch (signIn.method) {
    case "jupyter":
      return null;
    case "jupyterhub":
      return hubUpstream(signIn.hub, redirectUri, jupyter.headers);
    case "oidc":
      return oidcUpstream(signIn.oidc, redirectUri);
  }
}

/** Starts the server of whoever has just signed in, so that their first call need not wait for all of it. */
function startAhead(ctx: ExecutionContext, config: Config, props: GrantProps): void {
  const address = addressOf(props.credentials, config);
  if (address === null || !isBehindHub(address)) return;
  const started = hubAccess.whenRunning(address, () => undefined);
  // That call is told what went wrong.
  ctx.waitUntil(started.catch(() => undefined));
}

/**
 * Sweeps out what has expired, in parts: each run goes on where the one before it
 * stopped. What an earlier key sealed is sealed anew.
 */
export async function tidyUp(env: Env, signIn: SignIn): Promise<void> {
  await env.DEPLOYMENT.getByName(DEPLOYMENT_NAME).identitySecret();
  const oauth: OAuthAuthorizationServer<Env> = authorizationServer(signIn, () =>
    Promise.resolve(true),
  );
  const cursor = (await env.OAUTH_KV.get(PURGE_CURSOR)) ?? undefined;
  const result = await oauth.purgeExpiredData(env, {
    batchSize: 100,
    ...(cursor !== undefined && { cursor }),
  });
  if (result.cursor === undefined) await env.OAUTH_KV.delete(PURGE_CURSOR);
  else await env.OAUTH_KV.put(PURGE_CURSOR, result.cursor);
}

const PURGE_CURSOR = "purge-cursor";

async function answerCall(
  request: Request,
  env: Env,
  ctx: ExecutionContext,
  config: Config,
  props: unknown,
  auth: OAuthResourceAuth,
): Promise<Response> {
  const access = accessOf(props, config);
  // `isUsable` has looked before.
  if (access === null) throw new Error("a grant that cannot be used came through");
  const scopes = knownScopes(auth.scope);
  const lacking =
    scopes.length < SCOPES.length ? await lackingScopes(request, scopes) : [];
  if (lacking.length > 0) {
    // A client asks for exactly what is named here: what it has stays in.
    const wanted = SCOPES.filter(
      (scope) => scopes.includes(scope) || lacking.includes(scope),
    );
    return insufficientScope(auth, wanted);
  }
  await keepCredentials(env, config, access.props);
  const { address } = access;
  const server = isBehindHub(address)
    ? {
        ready: (report: (words: string) => void) =>
          hubAccess.whenRunning(address, report),
        doubt: () => hubAccess.doubt(address),
      }
    : undefined;
  return serveMcp(request, env, ctx, {
    ...access,
    scopes,
    pagesAt: config.signIn?.publicUrl ?? null,
    hasToken: true,
    server,
  });
}

/** How a grant reaches its server, or null where it does so no more as the deployment is set now. */
function accessOf(props: unknown, config: Config) {
  const parsed = propsSchema.safeParse(props);
  if (!parsed.success || !isLetIn(parsed.data, config)) return null;
  const address = addressOf(parsed.data.credentials, config);
  return address === null
    ? null
    : { principal: parsed.data.principal, address, props: parsed.data };
}

/** Whether the deployment would let the person in again who signed in then. */
function isLetIn(
  { method, email = "", credentials }: GrantProps,
  { signIn }: Config,
): boolean {
  if (method !== signIn?.method) return false;
  if (method !== "oidc") return true;
  const age = Date.now() - credentials.signedInAt;
  return isAllowed(email, signIn.oidc.allowed) && age < OIDC_MAX_AGE_MS;
}

/** Whether a grant may be used: its person has not revoked it, and is still known where they signed in. */
async function canBeUsed(props: unknown, env: Env, config: Config): Promise<boolean> {
  const access = accessOf(props, config);
  if (access === null) return false;
  const { principal, grant } = access.props;
  if (!(await env.ACCOUNT.getByName(principal).hasClient(grant))) return false;
  return isKnownThere(access.address);
}

/** Whether the Hub that a server is behind, if there is one, still knows its person by that token. */
async function isKnownThere(address: JupyterAddress): Promise<boolean> {
  return !isBehindHub(address) || hubAccess.isSignedIn(address);
}

/** Gives the Workspace what its conversations need while nobody calls. */
async function keepCredentials(env: Env, config: Config, props: SignedIn): Promise<void> {
  const address = addressOf(props.credentials, config);
  if (address === null) return;
  const name = workspaceName(await ownerOf({ principal: props.principal, address }));
  const key = `${name} ${props.credentials.signedInAt}`;
  const now = Date.now();
  if ((kept.get(key) ?? 0) > now - KEPT_MS) return;
  await env.WORKSPACE.getByName(name).keepCredentials(props.credentials);
  if (kept.size >= MAX_KEPT) kept.clear();
  kept.set(key, now);
}

/** The scopes that a request needs for what it calls, reads or completes, and that its token lacks. */
async function lackingScopes(request: Request, granted: readonly string[]) {
  if (request.method !== "POST") return [];
  if (Number(request.headers.get("content-length") ?? 0) > MAX_REQUEST_BYTES) return [];
  try {
    const body: unknown = await request.clone().json();
    const calls = Array.isArray(body) ? body : [body];
    return calls.flatMap(scopesOfCall).filter((scope) => !granted.includes(scope));
  } catch {
    // What is no JSON calls nothing, and its answer says so.
    return [];
  }
}

function tooManyRequests({ failure }: ExpectedError): Response {
  const { message, next } = adviceFor(failure);
  const seconds = failure.code === "too_many_requests" ? failure.seconds : 1;
  return Response.json(
    { jsonrpc: "2.0", id: null, error: { code: -32_000, message: `${message} ${next}` } },
    {
      status: 429,
      headers: { "Retry-After": String(seconds), "Cache-Control": "no-store" },
    },
  );
}

/** Another name of this Worker: what is signed there would not hold here. */
function misdirected({ publicUrl }: SignIn): Response {
  return new Response(`This server is at ${publicUrl}.\n`, {
    status: 421,
    headers: { "Cache-Control": "no-store", "Content-Type": "text/plain; charset=utf-8" },
  });
}
