/**
 * `/callback`: a person comes back from where they have an account, to let a
 * client in or to see their page. Which of the two is in what was kept of the
 * state; where nothing was, nobody comes in.
 */

import { authorizationErrorRedirect } from "@cloudflare/workers-oauth-provider";
import { Hono } from "hono";
import { removedVisitCookie } from "../auth/browser-visit.ts";
import type { Upstream, UpstreamIdentity, UpstreamProblem } from "../auth/upstream.ts";
import { hubServerUrl, type ServerCredentials } from "../credentials.ts";
import { type AccountPagesDeps, enter } from "./account/session-gate.tsx";
import { signInPage } from "./account/sign-in-page.tsx";
import {
  type PageVisit,
  type PageVisitsDeps,
  takenVisit,
} from "./account/upstream-sign-in.ts";
import type { AuthorizeDeps } from "./authorize.tsx";
import type { PagesEnv } from "./pages.tsx";
import {
  brokenOff,
  letIn,
  openedVisit,
  type PageContext,
  redirect,
  whereItFails,
} from "./signing-in.tsx";

/** What is needed to let in a client, and a person to their page. */
export interface CallbackDeps
  extends
    AuthorizeDeps,
    PageVisitsDeps,
    Pick<AccountPagesDeps, "env" | "way" | "serverHashOf" | "keep" | "log"> {}

/** The route of the page. */
export function callbackRoutes(deps: CallbackDeps, upstream: Upstream): Hono<PagesEnv> {
  const app = new Hono<PagesEnv>();
  app.use(async (c, next) => {
    c.header("Cache-Control", "no-store");
    await next();
  });
  app.get("/", (c) => whereItFails(c, () => comeBack(c, deps, upstream)));
  app.all("/", (c) => {
    c.header("Allow", "GET, HEAD");
    return c.text("/callback answers GET and HEAD only.\n", 405);
  });
  return app;
}

async function comeBack(
  c: PageContext,
  deps: CallbackDeps,
  upstream: Upstream,
): Promise<Response> {
  const { oauth, signIn } = deps;
  const toPage = await takenVisit(c.req.raw, deps);
  if (toPage !== null) return comeBackToPage(c, deps, upstream, toPage);
  // Once, and in the browser that went there.
  const resumed = await oauth.finishUpstream<string>(c.req.raw);
  const { server, ...visit } = await openedVisit(resumed.data, signIn);
  const callback = new URL(c.req.url);
  const state = callback.searchParams.get("state") ?? "";
  const identity = await upstream.finish(callback, { ...visit, state });
  if (!("problem" in identity)) {
    const { principal, email } = identity;
    const credentials = server ?? credentialsOf(identity, deps);
    const props = { principal, credentials, method: signIn.method, email };
    return letIn(deps, resumed, props);
  }
  for (const cookie of resumed.headers.getSetCookie())
    c.header("Set-Cookie", cookie, { append: true });
  if (identity.problem === "denied")
    return redirect(
      resumed.headers,
      authorizationErrorRedirect(resumed.request, "access_denied"),
    );
  const [status, message] = wordsFor(identity.problem, upstream.host);
  return brokenOff(c, status, message);
}

async function comeBackToPage(
  c: PageContext,
  deps: CallbackDeps,
  upstream: Upstream,
  visit: PageVisit,
): Promise<Response> {
  const { back, state } = visit;
  const identity = await upstream.finish(new URL(c.req.url), visit);
  const cookie = await removedVisitCookie(state);
  if (!("problem" in identity)) {
    const { principal, hub } = identity;
    // An issuer tells who somebody is; which servers are theirs, their grants do.
    const credentials = hub === undefined ? null : credentialsOf(identity, deps);
    const answer = await enter(deps, { principal, credentials }, back);
    answer.headers.append("Set-Cookie", cookie);
    return answer;
  }
  const [status, message] =
    identity.problem === "denied"
      ? ([403, `You did not sign in at ${upstream.host}.`] as const)
      : wordsFor(identity.problem, upstream.host);
  c.header("Set-Cookie", cookie, { append: true });
  c.set("formTargets", ["'self'"]);
  const sent = { server: "", problem: { field: null, message } };
  return c.html(signInPage({ way: deps.way, back, sent }), status);
}

/** How somebody reaches Jupyter who has named no server of their own. */
function credentialsOf(
  { hub }: UpstreamIdentity,
  { config, signIn }: AuthorizeDeps,
): ServerCredentials {
  const signedInAt = Date.now();
  if (hub === undefined) {
    const { httpUrl, wsUrl } = config.jupyter;
    return { httpUrl, wsUrl, token: "", signedInAt };
  }
  const { user, token } = hub;
  const { url, server } = signIn.hub;
  const httpUrl = hubServerUrl({ url, user, server });
  const wsUrl = httpUrl.replace(/^http/, "ws");
  return { httpUrl, wsUrl, token, signedInAt, hubUser: user };
}

function wordsFor(
  problem: Exclude<UpstreamProblem, "denied">,
  host: string,
): readonly [status: 403 | 502, message: string] {
  switch (problem) {
    case "not_allowed":
      return [
        403,
        "This account may not use this service, or its address is not verified.",
      ];
    case "unreachable":
      return [502, `${host} cannot be reached from here. Try again in a moment.`];
    case "refused":
      return [
        502,
        `${host} did not confirm the sign-in. Whoever runs this service finds the reason in its log.`,
      ];
  }
}
