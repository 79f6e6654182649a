/** What the two pages of a sign-in share: how it ends, how it fails, and what is kept while a person is elsewhere. */

import {
  AuthorizationError,
  CimdFetchError,
  type AuthRequest,
  type ConsentDescription,
  type OAuthHelpers,
} from "@cloudflare/workers-oauth-provider";
import type { Context } from "hono";
import { CALLBACK_PATH, type Visit } from "../auth/upstream.ts";
import type { SignIn } from "../config.ts";
import type { ServerCredentials } from "../credentials.ts";
import { Sealer } from "../sealing.ts";
import { brokenOffPage } from "./consent.tsx";
import type { PagesEnv } from "./pages.tsx";

/** A page's request and answer. */
export type PageContext = Context<PagesEnv>;

/** Who somebody turned out to be, and how their server is reached. */
export interface SignedIn {
  readonly principal: string;
  readonly credentials: ServerCredentials;
}

/** Who was let in, as it stands encrypted in the grant and comes with every call. */
export interface GrantProps extends SignedIn {
  /** Names the grant, in the `Account` too: without it there the grant opens nothing. */
  readonly grant: string;
  /** How they signed in. */
  readonly method: SignIn["method"];
  /** The address that an issuer vouched for. */
  readonly email?: string | undefined;
}

/** The client that a person let in. */
export interface GrantedClient {
  readonly description: ConsentDescription;
  readonly scopes: readonly string[];
}

/** Gives the client what its person allowed, and sends the browser back to it. */
export async function letIn(
  deps: {
    readonly oauth: OAuthHelpers;
    readonly granted: (props: GrantProps, client: GrantedClient) => Promise<void>;
  },
  { request, headers }: { readonly request: AuthRequest; readonly headers: Headers },
  who: Omit<GrantProps, "grant">,
): Promise<Response> {
  const grant = crypto.randomUUID();
  const props: GrantProps = { ...who, grant };
  const description = await deps.oauth.describeConsent(request);
  await deps.granted(props, { description, scopes: request.scope });
  const { redirectTo } = await deps.oauth.completeAuthorization({
    request,
    userId: props.principal,
    // Stored readable: nothing of the person or their server.
    metadata: { grant },
    scope: request.scope,
    props,
  });
  return redirect(headers, redirectTo);
}

/** What is kept while a person is elsewhere. */
export interface KeptVisit extends Omit<Visit, "state"> {
  /** A server of their own that they have proved. */
  readonly server: ServerCredentials | null;
}

/** Binds what is sealed to its purpose. */
const VISIT = "a sign-in elsewhere";

/** The state opens what the library stores, and others see it on its way: a token must not rest on it alone. */
export function sealedVisit(visit: KeptVisit, { sealingKeys }: SignIn): Promise<string> {
  return new Sealer(sealingKeys).seal(JSON.stringify(visit), VISIT);
}

/** What {@link sealedVisit} sealed. */
export async function openedVisit(
  sealed: string,
  { sealingKeys }: SignIn,
): Promise<KeptVisit> {
  const { text } = await new Sealer(sealingKeys).open(sealed, VISIT);
  // Sealed here alone.
  return JSON.parse(text) as KeptVisit;
}

/** The client is told where that is safe; everything else is told to the person. */
export async function whereItFails(
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
      c.req.method === "POST" || c.req.path === CALLBACK_PATH
        ? "This sign-in is out of date, was used before, or was begun in another browser."
        : error.description;
    return brokenOff(c, 400, message);
  }
}

/** A page for what cannot go on. */
export function brokenOff(
  c: PageContext,
  status: 400 | 403 | 413 | 502,
  message: string,
) {
  const mayBeToAccount = c.req.path === CALLBACK_PATH;
  const heading = "This cannot go on";
  return c.html(brokenOffPage({ heading, message, mayBeToAccount }), status);
}

/** Sends the browser on, with the cookies that it is to keep or to forget. */
export function redirect(headers: Headers, location: string): Response {
  headers.set("Location", location);
  headers.set("Cache-Control", "no-store");
  return new Response(null, { status: 303, headers });
}
