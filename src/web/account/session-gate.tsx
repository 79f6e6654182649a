/**
 * Who comes through to the pages at `/account`: whoever has a session of this
 * browser. What changes anything is a form from this origin, and carries a token
 * that only pages of the same session know.
 */

import type { OAuthHelpers } from "@cloudflare/workers-oauth-provider";
import type { Context } from "hono";
import { SESSION_MS } from "../../account/browser-sessions.ts";
import {
  type BrowserSession,
  claimedSession,
  formToken,
  newSession,
  removedCookie,
  sessionCookie,
  sessionId,
} from "../../auth/browser-session.ts";
import type { SignIn } from "../../config.ts";
import { type Log, shortPerson } from "../../log.ts";
import { field, readForm } from "../authorize.tsx";
import { continuePage } from "../consent.tsx";
import type { PagesEnv } from "../pages.tsx";
import type { SignedIn } from "../signing-in.tsx";
import type { Elsewhere, PagePerson, PageSignIn, SentBefore } from "./page-sign-in.tsx";
import { Person } from "./person.ts";
import { signInPage } from "./sign-in-page.tsx";

/** What the pages need of the deployment. */
export interface AccountPagesDeps {
  readonly env: Env;
  readonly signIn: SignIn;
  readonly oauth: OAuthHelpers;
  /** How a person proves who they are. */
  readonly way: PageSignIn;
  /** The hash of the server that somebody signed in with. */
  readonly serverHashOf: (signedIn: SignedIn) => Promise<string>;
  /** Keeps their credentials for their conversations. */
  readonly keep: (signedIn: SignedIn) => Promise<void>;
  readonly isOwner: (principal: string) => Promise<boolean>;
  readonly log: Log;
}

/** What a request that came through carries with it. */
export interface AccountEnv extends PagesEnv {
  Variables: PagesEnv["Variables"] & {
    session: BrowserSession;
    person: Person;
    /** What was sent, once it is known to come from a form of this session. */
    form: URLSearchParams;
  };
}

/** See {@link AccountEnv}. */
export type PageContext = Context<AccountEnv>;

/** Signs a person in whom `way`, or another page on its way back from elsewhere, has proved. */
export async function enter(
  deps: Pick<AccountPagesDeps, "env" | "serverHashOf" | "keep" | "log">,
  { principal, credentials }: PagePerson,
  back: string,
): Promise<Response> {
  const session = newSession(principal);
  const signedIn = credentials === null ? null : { principal, credentials };
  const serverHash = signedIn === null ? null : await deps.serverHashOf(signedIn);
  const account = deps.env.ACCOUNT.getByName(principal);
  await account.openSession(await sessionId(session), serverHash);
  const person = shortPerson(principal);
  deps.log.info("sign_in", { at: "account", outcome: "ok", person });
  if (signedIn !== null) await deps.keep(signedIn);
  const headers = new Headers({ Location: localPath(back), "Cache-Control": "no-store" });
  headers.append("Set-Cookie", sessionCookie(session, SESSION_MS));
  return new Response(null, { status: 303, headers });
}

/** Takes in the form of the sign-in page. */
export async function signInHere(
  c: PageContext,
  deps: AccountPagesDeps,
): Promise<Response> {
  const form = await formOf(c, deps.signIn);
  if (form instanceof Response) return form;
  const back = localPath(field(form, "back"));
  const proof = await deps.way.prove(form, c.req.raw, back);
  if ("elsewhere" in proof) return goElsewhere(c, proof.elsewhere);
  if ("signedIn" in proof) return enter(deps, proof.signedIn, back);
  const server = field(form, "server").slice(0, 2_000);
  return showSignIn(c, deps, back, { server, problem: proof.problem });
}

function goElsewhere(c: PageContext, { host, url, cookie }: Elsewhere) {
  c.header("Set-Cookie", cookie, { append: true });
  // Not by a redirect: the policy of the form would have to name every host on that way.
  c.header("Refresh", `0;url=${url}`);
  return c.html(continuePage({ host, url }));
}

function showSignIn(
  c: PageContext,
  { way }: AccountPagesDeps,
  back: string,
  sent: SentBefore | null,
): Response | Promise<Response> {
  c.set("formTargets", ["'self'", ...way.formTargets]);
  return c.html(signInPage({ way, back, sent }), sent === null ? 200 : 422);
}

/** Whose browser a request comes from, where they are signed in there. */
export async function signedInPerson(request: Request, env: Env): Promise<Person | null> {
  const session = claimedSession(request);
  if (session === null) return null;
  const person = new Person(env, session.principal);
  const isOpen = await person.account.hasSession(await sessionId(session));
  return isOpen ? person : null;
}

/** Lets those through who are signed in, and of what they send only what they sent themselves. */
export async function behindSession(
  c: PageContext,
  deps: AccountPagesDeps,
  next: () => Promise<void>,
): Promise<Response | undefined> {
  const session = claimedSession(c.req.raw);
  const person = await signedInPerson(c.req.raw, deps.env);
  const isPage = c.req.method === "GET" || c.req.method === "HEAD";
  if (session === null || person === null) {
    // A program wants no page.
    if (/\.jsonl$|\/live$/.test(c.req.path)) return c.text("Sign in first.\n", 403);
    return showSignIn(c, deps, isPage ? localPath(c.req.path) : "/account", null);
  }
  c.set("session", session);
  c.set("person", person);
  c.set("formTargets", ["'self'"]);
  if (!isPage) {
    const form = await formOf(c, deps.signIn);
    if (form instanceof Response) return form;
    if (field(form, "form_token") !== (await formToken(session)))
      return c.text("That form is not of this sign-in. Open the page again.\n", 403);
    c.set("form", form);
  }
  await next();
  return undefined;
}

/** What a form of this origin sent; else the answer that refuses it. */
async function formOf(
  c: PageContext,
  { publicUrl }: SignIn,
): Promise<URLSearchParams | Response> {
  if (c.req.header("origin") !== publicUrl)
    return c.text("That came from another page.\n", 403);
  const form = await readForm(c.req.raw);
  return form ?? c.text("That form is larger than this page sends.\n", 413);
}

/** A page of these, whatever a link or a form says. */
function localPath(path: string): string {
  return /^\/account(?:\/\w[\w.-]*)*$/.test(path) ? path : "/account";
}

/** Signs the person out of this browser. */
export async function signOut(c: PageContext): Promise<Response> {
  await c.var.person.account.closeSession(await sessionId(c.var.session));
  c.header("Set-Cookie", removedCookie());
  return c.redirect("/account", 303);
}
