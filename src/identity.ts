/** Who a conversation belongs to, where it works, and which one it is. Together they name its object. */
export interface ConversationIdentity {
  readonly principal: string;
  readonly serverHash: string;
  readonly handle: string;
}

/** The one principal of local use. */
export const LOCAL_PRINCIPAL = "local";

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
const HANDLE_CHARS = 10;
/** 80 bits: no two servers of one person will ever share them. */
const SERVER_HASH_CHARS = 16;
/** Every request needs that of its server, and most come from the same few. */
const serverHashes = new Map<string, string>();
const MAX_KNOWN_SERVERS = 1_000;

/** What a handle looks like: `c_` and 10 characters of lower-case base32. */
export const HANDLE_PATTERN = /^c_[a-z2-7]{10}$/;

/** Mints the handle of a new conversation. Nobody can guess another one's. */
export function mintHandle(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(HANDLE_CHARS));
  return `c_${Array.from(bytes, (byte) => BASE32[byte % 32]).join("")}`;
}

/** A short name of a Jupyter server, from its base URL: lower-case base32 of its SHA-256. */
export async function hashServer(httpUrl: string): Promise<string> {
  const known = serverHashes.get(httpUrl);
  if (known !== undefined) return known;
  const hash = (await digest32(httpUrl)).slice(0, SERVER_HASH_CHARS);
  if (serverHashes.size >= MAX_KNOWN_SERVERS) serverHashes.clear();
  serverHashes.set(httpUrl, hash);
  return hash;
}

/**
 * A person whom an issuer knows under a name. Servers are their own issuers, so
 * that none can claim a name elsewhere.
 */
export function identityPrincipal(issuer: string, subject: string): Promise<string> {
  return digest32(JSON.stringify(["identity", issuer, subject]));
}

/** Whoever has a token of a server that knows no names. `secret` keeps weak tokens from being guessed by it. */
export async function tokenPrincipal(
  httpUrl: string,
  token: string,
  secret: string,
): Promise<string> {
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey(
    "raw",
    encoder.encode(secret),
    algorithm,
    false,
    ["sign"],
  );
  const text = JSON.stringify(["token", httpUrl, token]);
  return base32(
    new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text))),
  );
}

/** The name of the object that holds a conversation. */
export function conversationName(identity: ConversationIdentity): string {
  return `${identity.principal}/${identity.serverHash}/${identity.handle}`;
}

/** A person on one server. */
export type Owner = Omit<ConversationIdentity, "handle">;

/** The name of the object that a person's conversations on one server share. */
export function workspaceName(owner: Owner): string {
  return `${owner.principal}/${owner.serverHash}`;
}

/** The name of the object that is in a notebook's room for a person. No path is in it. */
export async function roomName(owner: Owner, path: string): Promise<string> {
  return `${workspaceName(owner)}/${await digest32(path)}`;
}

async function digest32(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return base32(new Uint8Array(digest));
}

/** RFC 4648 base32 without padding, in lower case. */
function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  if (bits > 0) text += BASE32[(value << (5 - bits)) & 31];
  return text;
}
