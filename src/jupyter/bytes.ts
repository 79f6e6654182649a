/** Bytes as base64 text. */
export function base64Of(bytes: Uint8Array): string {
  let binaryText = "";
  for (let at = 0; at < bytes.byteLength; at += 8_192)
    binaryText += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return btoa(binaryText);
}

/** One array of bytes out of several; the only one as it is. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.byteLength;
  }
  return joined;
}
