/**
 * Credentials at rest: AES-256-GCM under a key that is derived from the secret
 * `SEALING_KEY`, bound to the name of the object that keeps them, so that what
 * is sealed for one is of no use in another.
 */

const INFO = new TextEncoder().encode("jupyter-edge-mcp credentials");
const IV_BYTES = 12;
const VERSION = "1";

/** A sealed text that no key of this deployment opens. It says nothing about what was in it. */
export class SealError extends Error {
  override readonly name = "SealError";
}

/** Seals under the first of its secrets, and opens what was sealed under any of them. */
export class Sealer {
  readonly #keys: readonly Promise<CryptoKey>[];

  /** @param secrets the present `SEALING_KEY`, then those that it replaced */
  constructor(secrets: readonly string[]) {
    this.#keys = secrets.map(deriveKey);
  }

  /** Seals `text` for the object of that name. */
  async seal(text: string, objectName: string): Promise<string> {
    const [key] = this.#keys;
    if (key === undefined) throw new SealError("There is no SEALING_KEY.");
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const sealed = await crypto.subtle.encrypt(
      { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(objectName) },
      await key,
      new TextEncoder().encode(text),
    );
    return [VERSION, iv.toBase64(), new Uint8Array(sealed).toBase64()].join(".");
  }

  /**
   * Opens what was sealed for the object of that name. `isOutdated` where that
   * was under an earlier secret: seal it again.
   *
   * @throws {SealError}
   */
  async open(
    sealed: string,
    objectName: string,
  ): Promise<{ readonly text: string; readonly isOutdated: boolean }> {
    const [version, iv, data] = sealed.split(".");
    if (version !== VERSION || iv === undefined || data === undefined)
      throw new SealError("That was not sealed here.");
    const algorithm = {
      name: "AES-GCM",
      iv: Uint8Array.fromBase64(iv),
      additionalData: new TextEncoder().encode(objectName),
    };
    for (const [index, key] of this.#keys.entries()) {
      try {
        const bytes = Uint8Array.fromBase64(data);
        const opened = await crypto.subtle.decrypt(algorithm, await key, bytes);
        return { text: new TextDecoder().decode(opened), isOutdated: index > 0 };
      } catch {
        // Another key, perhaps.
      }
    }
    throw new SealError("No SEALING_KEY of this deployment opens it.");
  }
}

async function deriveKey(secret: string): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(secret);
  const material = await crypto.subtle.importKey("raw", bytes, "HKDF", false, [
    "deriveKey",
  ]);
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: INFO },
    material,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
}
