/**
 * Cookies of this host alone, which no script reads and no form of another site
 * is sent with. What is kept here of a secret in one is a hash.
 */

/** Browsers take a name with this prefix for this host, over https and with the path `/` only. */
const PREFIX = "__Host-";
const SECRET_BYTES = 32;
const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;

/** A secret that nobody can guess: 43 characters of base64url. */
export function newSecret(): string {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES)).toBase64(BASE64URL);
}

/** What may be known of a secret where it serves `purpose`. */
export async function hashOf(purpose: string, secret: string): Promise<string> {
  const text = new TextEncoder().encode(JSON.stringify([purpose, secret]));
  const digest = await crypto.subtle.digest("SHA-256", text);
  return new Uint8Array(digest).toBase64(BASE64URL);
}

/**
 * The `Set-Cookie` of a value. `Lax`, because people follow links from the chat of
 * an assistant, and come back from where they sign in: a `Strict` one would not
 * come along.
 */
export function setCookie(name: string, value: string, seconds: number): string {
  return `${PREFIX}${name}=${value}; Path=/; Max-Age=${seconds}; Secure; HttpOnly; SameSite=Lax`;
}

/** The value that a request brings back; empty for none. */
export function cookieOf(request: Request, name: string): string {
  const cookies = (request.headers.get("cookie") ?? "").split(/;\s*/);
  const start = `${PREFIX}${name}=`;
  return cookies.find((cookie) => cookie.startsWith(start))?.slice(start.length) ?? "";
}
