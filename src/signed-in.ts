/**
 * A deployment with sign-in: who may come in, and what each call finds. Every
 * object that a call reaches is named after the principal of its token.
 */

import {
  insufficientScope,
  type OAuthAuthorizationServer,
  type OAuthResourceAuth,
} from "@cloudflare/workers-oauth-provider";
import { DEPLOYMENT_NAME } from "./account/deployment.ts";
import type { Config, SignIn } from "./config.ts";
import { failureOf, type Failure, type Outcome } from "./errors.ts";
import { accessOf, admitted, goesOn, principalOf } from "./grants.ts";
import { hashServer, workspaceName } from "./identity.ts";
import { adviceFor } from "./mcp/advice.ts";
import { MAX_REQUEST_BYTES, ownerOf, serveMcp } from "./mcp/endpoint.ts";
import { scopesOfCall } from "./mcp/server.ts";
import { installationOf, nameOf } from "./web/account/client-names.ts";
import { jupyterPageSignIn } from "./web/account/page-sign-in.tsx";
import { accountRoutes } from "./web/account/routes.tsx";
import { signedInPerson } from "./web/account/session-gate.tsx";
import { upstreamPageSignIn } from "./web/account/upstream-sign-in.ts";
import { authorizeRoutes } from "./web/authorize.tsx";
import { callbackRoutes } from "./web/callback.ts";
import type { GrantedClient, GrantProps, SignedIn } from "./web/signing-in.tsx";
import { pages } from "./web/pages.tsx";
import { HubAccess } from "./auth/hub-access.ts";
import { hubUpstream } from "./auth/jupyterhub.ts";
import { authorizationServer, resourceServer } from "./auth/oauth.ts";
import { oidcUpstream } from "./auth/oidc.ts";
import { isOwner } from "./auth/owners.ts";
import { CALLBACK_PATH, type Upstream } from "./auth/upstream.ts";
import { isBehindHub } from "./jupyter/hub-server.ts";
import { type Log, shortPerson } from "./log.ts";
import { knownScopes, SCOPES } from "./scopes.ts";
import { addressOf } from "./credentials.ts";

/** How long an isolate trusts that a Workspace has the credentials that it gave it. */
const KEPT_MS = 60 * 60_000;
const MAX_KEPT = 1_000;
/** Which credentials this isolate has handed to which Workspace, and when. */
const kept = new Map<string, number>();
const hubAccess = new HubAccess();

/** Answers any request to a deployment with sign-in. */
export async function signedInFetch(
  ...asked: Parameters<typeof answered>
): Promise<Response> {
  try {
    return await answered(...asked);
  } catch (error) {
    const failure = failureOf(error);
    if (failure === null) throw error;
    const log = asked[5];
    return refused(failure, null, log);
  }
}

async function answered(
  request: Request,
  env: Env,
  ctx: ExecutionContext,
  config: Config,
  signIn: SignIn,
  log: Log,
): Promise<Response> {
  const url = new URL(request.url);
  if (url.origin !== signIn.publicUrl) {
    log.warn("refused", { outcome: "wrong_name" });
    return misdirected(signIn);
  }
  const grants = { env, config, hubAccess };
  const oauth = authorizationServer(signIn, (props) => goesOn(props, grants), log);
  if (/^\/mcp(?:\/|$)|^\/\.well-known\/oauth-protected-resource/.test(url.pathname)) {
    let counted: Outcome<null> | null = null;
    const isUsable = async (props: unknown) => {
      counted = await admitted(props, grants);
      return counted !== null;
    };
    const call = (incoming: Request, props: unknown, auth: OAuthResourceAuth) =>
      counted !== null && "failure" in counted
        ? Promise.resolve(refused(counted.failure, props, log))
        : answerCall(incoming, env, ctx, config, props, auth, log);
    return resourceServer(signIn, oauth, isUsable, call).fetch(request, env, ctx);
  }
  if (/^\/oauth\/|^\/\.well-known\//.test(url.pathname))
    return oauth.fetch(request, env, ctx);
  const { method } = signIn;
  const signInLog = log.with({ method });
  const upstream = upstreamOf(config, signIn, signInLog);
  const deployment = env.DEPLOYMENT.getByName(DEPLOYMENT_NAME);
  const deps = {
    env,
    config,
    signIn,
    oauth: oauth.getOAuthApi(env),
    upstream,
    deployment,
    log: signInLog,
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
      const person = shortPerson(props.principal);
      signInLog.info("sign_in", { at: "client", outcome: "ok", person });
    },
  };
  const way =
    upstream === null ? jupyterPageSignIn(deps) : upstreamPageSignIn(deps, upstream);
  const callback =
    upstream === null ? undefined : callbackRoutes({ ...deps, way }, upstream);
  const authorize = authorizeRoutes(deps);
  const isOneOfOwners = (principal: string) =>
    isOwner(principal, signIn, issuerOf(config, signIn));
  const account = accountRoutes({ ...deps, way, isOwner: isOneOfOwners });
  const isOwners = async (asking: Request) => {
    const person = await signedInPerson(asking, env);
    return person !== null && isOneOfOwners(person.principal);
  };
  const isAsked = signIn.hasOwnServer || signIn.method === "jupyterhub";
  const checkJupyter = isAsked ? () => deployment.jupyterHealth() : null;
  const shown = { authorize, callback, account };
  return pages({ config, log, checkJupyter, isOwners, ...shown }).fetch(request);
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
function upstreamOf({ jupyter }: Config, signIn: SignIn, log: Log): Upstream | null {
  const redirectUri = signIn.publicUrl + CALLBACK_PATH;
  switch (signIn.method) {
    case "jupyter":
      return null;
    case "jupyterhub":
      return hubUpstream(signIn.hub, redirectUri, jupyter.headers, log);
    case "oidc":
      return oidcUpstream(signIn.oidc, redirectUri, log);
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
export async function tidyUp(env: Env, signIn: SignIn, log: Log): Promise<void> {
  const deployment = env.DEPLOYMENT.getByName(DEPLOYMENT_NAME);
  await deployment.identitySecret();
  await deployment.forgetVisits();
  const oauth: OAuthAuthorizationServer<Env> = authorizationServer(
    signIn,
    goesOnAlways,
    log,
  );
  const cursor = (await env.OAUTH_KV.get(PURGE_CURSOR)) ?? undefined;
  const result = await oauth.purgeExpiredData(env, {
    batchSize: 100,
    ...(cursor !== undefined && { cursor }),
  });
  if (result.cursor === undefined) await env.OAUTH_KV.delete(PURGE_CURSOR);
  else await env.OAUTH_KV.put(PURGE_CURSOR, result.cursor);
}

function goesOnAlways(): Promise<boolean> {
  return Promise.resolve(true);
}

const PURGE_CURSOR = "purge-cursor";

async function answerCall(
  request: Request,
  env: Env,
  ctx: ExecutionContext,
  config: Config,
  props: unknown,
  auth: OAuthResourceAuth,
  log: Log,
): Promise<Response> {
  const access = accessOf(props, config);
  // `isUsable` has looked before.
  if (access === null) throw new Error("a grant that cannot be used came through");
  const scopes = knownScopes(auth.scope);
  const lacking =
    scopes.length < SCOPES.length ? await lackingScopes(request, scopes) : [];
  if (lacking.length > 0) {
    const person = shortPerson(access.principal);
    log.info("refused", { outcome: "scope_missing", person });
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
    log,
  });
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

/** Answers a call that has to wait, or one that this version of the program cannot serve. */
function refused(failure: Failure, props: unknown, log: Log): Response {
  const person = shortPerson(principalOf(props));
  log.warn("refused", { outcome: failure.code, person });
  const { message, next } = adviceFor(failure);
  const isCounted = failure.code === "too_many_requests";
  const seconds = isCounted ? failure.seconds : 60;
  return Response.json(
    { jsonrpc: "2.0", id: null, error: { code: -32_000, message: `${message} ${next}` } },
    {
      status: isCounted ? 429 : 503,
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
