/**
 * A person's session in a browser. Its secret is kept nowhere but in the
 * browser's cookie; the person's `Account` knows a hash of it, and when it ends.
 */

import { cookieOf, hashOf, newSecret, setCookie } from "./host-cookie.ts";

/** Whose session it is, and what proves it. */
export interface BrowserSession {
  readonly principal: string;
  readonly secret: string;
}

const COOKIE = "jupyter-edge";
const VALUE = /^([a-z2-7]{52})\.([\w-]{43})$/;

/** A session that nobody can guess. */
export function newSession(principal: string): BrowserSession {
  return { principal, secret: newSecret() };
}

/** The session that a request claims. Whether it goes on is for the `Account` to say. */
export function claimedSession(request: Request): BrowserSession | null {
  const [, principal, secret] = VALUE.exec(cookieOf(request, COOKIE)) ?? [];
  return principal === undefined || secret === undefined ? null : { principal, secret };
}

/** The `Set-Cookie` of a session. */
export function sessionCookie({ principal, secret }: BrowserSession, ms: number): string {
  return setCookie(COOKIE, `${principal}.${secret}`, Math.floor(ms / 1000));
}

/** The `Set-Cookie` that removes a session from the browser. */
export function removedCookie(): string {
  return setCookie(COOKIE, "", 0);
}

/** What an `Account` keeps of a session. */
export function sessionId({ secret }: BrowserSession): Promise<string> {
  return hashOf("session", secret);
}

/** What each form of a session carries, and no other page can know. */
export function formToken({ secret }: BrowserSession): Promise<string> {
  return hashOf("form", secret);
}
