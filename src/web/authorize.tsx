/**
 * `/authorize`: a person decides what a client may do, and proves a Jupyter
 * server, or goes on to where they have an account (`callback.ts`). What is shown
 * comes from the authorization request in the URL, which is checked anew each
 * time; only an approved one is taken from storage.
 */

import type { OAuthHelpers } from "@cloudflare/workers-oauth-provider";
import { Hono } from "hono";
import { newVisit, type Upstream } from "../auth/upstream.ts";
import { knownScopes, SCOPES, type Scope } from "../scopes.ts";
import type { Config, SignIn } from "../config.ts";
import type { Log } from "../log.ts";
import { consentPage, continuePage } from "./consent.tsx";
import type { FormProblem } from "./consent-server.tsx";
import { givenServer } from "./given-server.ts";
import type { PagesEnv } from "./pages.tsx";
import {
  brokenOff,
  type GrantedClient,
  type GrantProps,
  letIn,
  type PageContext,
  redirect,
  sealedVisit,
  whereItFails,
} from "./signing-in.tsx";

/** What the pages of a sign-in need of the deployment. */
export interface AuthorizeDeps {
  readonly config: Config;
  readonly signIn: SignIn;
  readonly oauth: OAuthHelpers;
  /** Where people have their account; null where they prove a server instead. */
  readonly upstream: Upstream | null;
  readonly identitySecret: () => Promise<string>;
  /** Counts an attempt to sign in from a network address; false where there were too many. */
  readonly attempt: (address: string) => Promise<boolean>;
  readonly log: Log;
  /** Called before the client hears of the grant. */
  readonly granted: (props: GrantProps, client: GrantedClient) => Promise<void>;
}

/** Three fields and a handle come nowhere near this. */
const MAX_FORM_BYTES = 20_000;

/** The routes of the page. */
export function authorizeRoutes(deps: AuthorizeDeps): Hono<PagesEnv> {
  const app = new Hono<PagesEnv>();
  app.use(async (c, next) => {
    c.header("Cache-Control", "no-store");
    await next();
  });
  app.get("/", (c) => whereItFails(c, () => show(c, deps, null)));
  app.post("/", (c) => whereItFails(c, () => decide(c, deps)));
  app.all("/", (c) => {
    c.header("Allow", "GET, HEAD, POST");
    return c.text("/authorize answers GET, HEAD and POST only.\n", 405);
  });
  return app;
}

/** What a person sent, where it is shown again. */
interface Sent {
  readonly server: string;
  readonly chosen: readonly Scope[];
  readonly problem: FormProblem;
}

async function show(
  c: PageContext,
  { oauth, signIn, upstream }: AuthorizeDeps,
  sent: Sent | null,
): Promise<Response> {
  const request = await oauth.parseAuthRequest(new Request(c.req.url));
  const client = await oauth.describeConsent(request);
  const { handle, headers } = await oauth.beginConsent(request);
  for (const cookie of headers.getSetCookie())
    c.header("Set-Cookie", cookie, { append: true });
  // The browser follows the form to where the client is.
  c.set("formTargets", ["'self'", new URL(client.redirectUri).origin]);
  const asked = knownScopes(client.scope);
  return c.html(
    consentPage({
      client,
      handle,
      ...signIn,
      upstreamHost: upstream?.host ?? null,
      server: sent?.server ?? "",
      chosen: sent?.chosen ?? (asked.length > 0 ? asked : SCOPES),
      problem: sent?.problem ?? null,
    }),
    sent === null ? 200 : 422,
  );
}

async function decide(c: PageContext, deps: AuthorizeDeps): Promise<Response> {
  const { signIn, oauth, upstream } = deps;
  if (c.req.header("origin") !== signIn.publicUrl)
    return brokenOff(c, 403, "That came from another page.");
  const form = await readForm(c.req.raw);
  if (form === null)
    return brokenOff(c, 413, "That form is larger than this page sends.");
  const handle = field(form, "handle");
  if (field(form, "decision") !== "approve") {
    const denied = await oauth.denyConsent(c.req.raw, handle);
    return redirect(denied.headers, denied.redirectTo);
  }
  const chosen = knownScopes(form.getAll("scope"));
  const server = field(form, "server").slice(0, 2_000);
  const again = (problem: FormProblem) => show(c, deps, { server, chosen, problem });

  if (chosen.length === 0)
    return again({
      field: "scope",
      message: "Choose at least one thing that it may do.",
    });
  const address = c.req.header("cf-connecting-ip") ?? "local";
  const typed = { server: server.trim(), token: field(form, "token").trim() };
  const attempt = () => deps.attempt(address);
  const given = await givenServer(typed, { ...deps, attempt });
  if (given !== null && "problem" in given) return again(given.problem);
  const approve = () => oauth.approveConsent(c.req.raw, handle, { scope: chosen });
  if (upstream === null) {
    if (given === null) throw new Error("a server was asked for and not given");
    const { principal, credentials } = given;
    return letIn(deps, await approve(), {
      principal,
      credentials,
      method: signIn.method,
    });
  }
  const begin = await upstream.begin();
  if ("problem" in begin)
    return again({
      field: null,
      message: `${upstream.host}, where you sign in, cannot be reached from here. Try again in a moment.`,
    });
  const approved = await approve();
  const visit = newVisit();
  const { state, headers } = await oauth.beginUpstream(approved.request, {
    data: await sealedVisit({ ...visit, server: given?.credentials ?? null }, signIn),
    headers: approved.headers,
  });
  for (const cookie of headers.getSetCookie())
    c.header("Set-Cookie", cookie, { append: true });
  const url = (await begin.urlFor({ ...visit, state })).href;
  // Not by a redirect: the policy of the form would have to name every host on that way.
  c.header("Refresh", `0;url=${url}`);
  return c.html(continuePage({ host: upstream.host, url }));
}

/** The form as text fields, or null where it is too large. */
export async function readForm(request: Request): Promise<URLSearchParams | null> {
  if (
    Number(request.headers.get("content-length") ?? MAX_FORM_BYTES + 1) > MAX_FORM_BYTES
  )
    return null;
  return new URLSearchParams(new TextDecoder().decode(await request.arrayBuffer()));
}

/** A field of a form; empty where it was not sent. */
export function field(form: URLSearchParams, name: string): string {
  return form.get(name) ?? "";
}
