/**
 * A person's session in a browser: a cookie of this host alone, which no script
 * reads and no form of another site is sent with. Its secret is kept nowhere but
 * in the browser; the person's `Account` knows a hash of it, and when it ends.
 */

/** Whose session it is, and what proves it. */
export interface BrowserSession {
  readonly principal: string;
  readonly secret: string;
}

/** Browsers take a name with this prefix for this host, over https and with the path `/` only. */
const COOKIE = "__Host-jupyter-edge";
const VALUE = /^([a-z2-7]{52})\.([\w-]{43})$/;
const SECRET_BYTES = 32;
const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;

/** A session that nobody can guess. */
export function newSession(principal: string): BrowserSession {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  return { principal, secret: bytes.toBase64(BASE64URL) };
}

/** The session that a request claims. Whether it goes on is for the `Account` to say. */
export function claimedSession(request: Request): BrowserSession | null {
  const cookies = (request.headers.get("cookie") ?? "").split(/;\s*/);
  const value = cookies.find((cookie) => cookie.startsWith(`${COOKIE}=`));
  const [, principal, secret] = VALUE.exec(value?.slice(COOKIE.length + 1) ?? "") ?? [];
  return principal === undefined || secret === undefined ? null : { principal, secret };
}

/**
 * The `Set-Cookie` of a session. `Lax`, because people follow links from the chat
 * of an assistant: a `Strict` one would not come along.
 */
export function sessionCookie({ principal, secret }: BrowserSession, ms: number): string {
  return setCookie(`${principal}.${secret}`, Math.floor(ms / 1000));
}

/** The `Set-Cookie` that removes a session from the browser. */
export function removedCookie(): string {
  return setCookie("", 0);
}

/** What an `Account` keeps of a session. */
export function sessionId(session: BrowserSession): Promise<string> {
  return derived("session", session);
}

/** What each form of a session carries, and no other page can know. */
export function formToken(session: BrowserSession): Promise<string> {
  return derived("form", session);
}

function setCookie(value: string, maxAge: number): string {
  return `${COOKIE}=${value}; Path=/; Max-Age=${maxAge}; Secure; HttpOnly; SameSite=Lax`;
}

async function derived(purpose: string, { secret }: BrowserSession): Promise<string> {
  const text = new TextEncoder().encode(JSON.stringify([purpose, secret]));
  const digest = await crypto.subtle.digest("SHA-256", text);
  return new Uint8Array(digest).toBase64(BASE64URL);
}
