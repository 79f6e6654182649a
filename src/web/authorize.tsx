/**
 * `/authorize`: a person proves a Jupyter server and decides what a client may
 * do there. What is shown comes from the authorization request in the URL, which
 * is checked anew each time; only an approved one is taken from storage.
 */

import {
  AuthorizationError,
  CimdFetchError,
  type OAuthHelpers,
} from "@cloudflare/workers-oauth-provider";
import { type Context, Hono } from "hono";
import { prove, type ProofProblem } from "../auth/jupyter-sign-in.ts";
import { knownScopes, SCOPES, type Scope } from "../scopes.ts";
import { addressOf, type ServerCredentials } from "../credentials.ts";
import { checkServerUrl } from "../auth/server-url.ts";
import type { Config, SignIn } from "../config.ts";
import {
  brokenOffPage,
  consentPage,
  MAX_TOKEN_CHARS,
  type FormProblem,
} from "./consent.tsx";
import type { PagesEnv } from "./pages.tsx";

/** Who was let in, as it stands encrypted in the grant and comes with every call. */
export interface GrantProps {
  readonly principal: string;
  readonly credentials: ServerCredentials;
}

/** What the page needs of the deployment. */
export interface AuthorizeDeps {
  readonly config: Config;
  readonly signIn: SignIn;
  readonly oauth: OAuthHelpers;
  readonly identitySecret: () => Promise<string>;
  /** Counts an attempt to sign in from a network address; false where there were too many. */
  readonly attempt: (address: string) => Promise<boolean>;
  /** Called before the client hears of the grant. */
  readonly granted: (props: GrantProps) => Promise<void>;
}

/** Three fields and a handle come nowhere near this. */
const MAX_FORM_BYTES = 20_000;

type PageContext = Context<PagesEnv>;

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
  { oauth, signIn }: AuthorizeDeps,
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
      server: sent?.server ?? "",
      chosen: sent?.chosen ?? (asked.length > 0 ? asked : SCOPES),
      problem: sent?.problem ?? null,
    }),
    sent === null ? 200 : 422,
  );
}

async function decide(c: PageContext, deps: AuthorizeDeps): Promise<Response> {
  const { config, signIn, oauth } = deps;
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
  const token = field(form, "token").trim();
  const tokenProblem = tokenProblemOf(token);
  if (tokenProblem !== null) return again({ field: "token", message: tokenProblem });
  const place = placeOf(server, config, signIn);
  if ("problem" in place) return again({ field: "server", message: place.problem });
  const address = c.req.header("cf-connecting-ip") ?? "local";
  if (!(await deps.attempt(address)))
    return again({
      field: null,
      message: "Too many attempts to sign in. Wait a minute, then try again.",
    });

  const credentials: ServerCredentials = { ...place, token, signedInAt: Date.now() };
  const reached = addressOf(credentials, config);
  if (reached === null) return brokenOff(c, 403, "That server is not allowed here.");
  const proof = await prove(reached, await deps.identitySecret());
  if ("problem" in proof) return again(proofProblemOf(proof.problem, server !== ""));

  const approved = await oauth.approveConsent(c.req.raw, handle, { scope: chosen });
  const props: GrantProps = { principal: proof.principal, credentials };
  await deps.granted(props);
  const { redirectTo } = await oauth.completeAuthorization({
    request: approved.request,
    userId: proof.principal,
    // Stored readable: nothing of the person or their server.
    metadata: {},
    scope: approved.request.scope,
    props,
  });
  return redirect(approved.headers, redirectTo);
}

/** The server that a person means: their own where they name one, else the deployment's. */
function placeOf(server: string, { jupyter, localUse }: Config, signIn: SignIn) {
  if (server.trim() === "" && signIn.hasOwnServer)
    return { httpUrl: jupyter.httpUrl, wsUrl: jupyter.wsUrl };
  if (!signIn.allowsUserServers)
    return { problem: "Only the server of this service can be used here." };
  return checkServerUrl(server, {
    publicHost: new URL(signIn.publicUrl).hostname,
    ports: signIn.userServerPorts,
    allowsLoopback: localUse,
  });
}

function tokenProblemOf(token: string): string | null {
  if (token === "") return "Enter the token of the Jupyter server.";
  if (token.length > MAX_TOKEN_CHARS)
    return `A token has no more than ${MAX_TOKEN_CHARS} characters.`;
  if (!/^[\x21-\x7e]+$/.test(token))
    return "A token has no spaces and none but ASCII characters. Copy it once more.";
  if (/^https?:\/\//.test(token))
    return "That is a URL. The token is what stands in it behind ?token=.";
  return null;
}

function proofProblemOf(problem: ProofProblem, isOwn: boolean): FormProblem {
  const server = isOwn ? "That server" : "The Jupyter server of this service";
  const where = isOwn ? "server" : null;
  switch (problem) {
    case "unreachable":
      return {
        field: where,
        message: `${server} cannot be reached from here. ${isOwn ? "Check the URL, and that it can be opened from outside your network." : "Whoever runs this service has to look at it."}`,
      };
    case "not_jupyter":
      return {
        field: where,
        message: `${server} does not answer like a Jupyter server. ${isOwn ? "The URL must be that of Jupyter itself, with its base path: https://hub.example.com/user/ada." : "Whoever runs this service has to look at it."} The token was not sent.`,
      };
    case "no_token_needed":
      return {
        field: where,
        message: `${server} lets everybody in without a token, so that people could not be told apart. Start it with a token.`,
      };
    case "login_page":
      return {
        field: "token",
        message: `${server} sends this token to a login page: it is no token of it, or has expired.`,
      };
    case "token_rejected":
      return {
        field: "token",
        message: `${server} does not accept this token. Copy it once more; a restart of Jupyter may have changed it.`,
      };
    case "server_failed":
      return {
        field: where,
        message: `${server} failed when it was asked. Try again in a moment.`,
      };
  }
}

/** The client is told where that is safe; everything else is told to the person. */
async function whereItFails(
  c: PageContext,
  work: () => Promise<Response>,
): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CimdFetchError)
      return brokenOff(c, 400, "What this app publishes about itself could not be read.");
    if (!(error instanceof AuthorizationError)) throw error;
    if (error.redirectTo !== undefined) return redirect(new Headers(), error.redirectTo);
    // The library says the same of a form that is out of date and of one from elsewhere.
    const message =
      c.req.method === "POST"
        ? "This form is out of date, was sent before, or was opened in another browser."
        : error.description;
    return brokenOff(c, 400, message);
  }
}

function brokenOff(c: PageContext, status: 400 | 403 | 413, message: string) {
  return c.html(brokenOffPage({ heading: "This cannot go on", message }), status);
}

function redirect(headers: Headers, location: string): Response {
  headers.set("Location", location);
  headers.set("Cache-Control", "no-store");
  return new Response(null, { status: 303, headers });
}

/** The form as text fields, or null where it is too large. */
async function readForm(request: Request): Promise<URLSearchParams | null> {
  if (
    Number(request.headers.get("content-length") ?? MAX_FORM_BYTES + 1) > MAX_FORM_BYTES
  )
    return null;
  return new URLSearchParams(new TextDecoder().decode(await request.arrayBuffer()));
}

function field(form: URLSearchParams, name: string): string {
  return form.get(name) ?? "";
}
