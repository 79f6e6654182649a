/**
 * A browser that is sent elsewhere to sign in, and comes back with a state. It is
 * let in with it if it is the one that was sent, which a cookie of that visit
 * tells; the `Deployment` knows hashes of both, and forgets them at the first use.
 */

import { cookieOf, hashOf, newSecret, setCookie } from "./host-cookie.ts";

/** What others see on the way, and what stays in the browser. */
export interface BrowserVisit {
  readonly state: string;
  readonly secret: string;
}

const SECRET = /^[\w-]{43}$/;

/** A visit that nobody can guess. */
export function newBrowserVisit(): BrowserVisit {
  return { state: newSecret(), secret: newSecret() };
}

/** The visit from which a request claims to come back; null where the browser was not sent with that state. */
export async function claimedVisit(request: Request): Promise<BrowserVisit | null> {
  const state = new URL(request.url).searchParams.get("state") ?? "";
  if (!SECRET.test(state)) return null;
  const secret = cookieOf(request, await cookieName(state));
  return SECRET.test(secret) ? { state, secret } : null;
}

/** What the `Deployment` keeps of a visit: its name, and whose browser it is. */
export async function keptOf({ state, secret }: BrowserVisit) {
  const [id, browser] = await Promise.all([
    hashOf("visit", state),
    hashOf("visitor", secret),
  ]);
  return { id, browser };
}

/** The `Set-Cookie` of a visit. */
export async function visitCookie(visit: BrowserVisit, ms: number): Promise<string> {
  return setCookie(await cookieName(visit.state), visit.secret, Math.floor(ms / 1000));
}

/** The `Set-Cookie` that removes a visit from the browser. */
export async function removedVisitCookie(state: string): Promise<string> {
  return setCookie(await cookieName(state), "", 0);
}

/** One for each, so that two pages can be on their way at once. */
async function cookieName(state: string): Promise<string> {
  return `jupyter-edge-visit-${(await hashOf("cookie", state)).slice(0, 16)}`;
}
