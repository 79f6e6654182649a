const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const [ZERO, NINE] = [0x30, 0x39];
/** What makes a float of digits: `.`, `e` and `E`. */
const FLOAT: readonly unknown[] = [0x2e, 0x65, 0x45];
const MOST = 2n ** 63n - 1n;
/** Shorter ones fit. */
const MIN_DIGITS = 19;
/** `\uD83D` */
const ESCAPE_BYTES = 6;

/**
 * Whether a notebook's JSON holds what has no place in a room: an integer beyond
 * 64 bits, or half a surrogate pair. The server fails at these, and then ends the
 * connection or says nothing at all, to JupyterLab too.
 */
export function isBeyondRooms(json: Uint8Array): boolean {
  let isInString = false;
  for (let at = 0; at < json.byteLength; at += 1) {
    const byte = json[at] ?? 0;
    if (byte === QUOTE) isInString = !isInString;
    else if (isInString && byte === BACKSLASH) {
      const next = afterEscape(json, at);
      if (next === null) return true;
      at = next;
    } else if (!isInString && isDigit(byte)) {
      const start = at;
      while (isDigit(json[at + 1])) at += 1;
      if (isLargeInteger(json, start, at + 1)) return true;
    }
  }
  return false;
}

/** The last place of an escape, of both halves of a pair; null where it is a half by itself. */
function afterEscape(json: Uint8Array, at: number): number | null {
  const first = escapedUnit(json, at);
  if (first === null) return at + 1;
  if (first >= 0xdc00 && first <= 0xdfff) return null;
  if (first < 0xd800 || first > 0xdbff) return at + ESCAPE_BYTES - 1;
  const second = escapedUnit(json, at + ESCAPE_BYTES) ?? 0;
  const isPair = second >= 0xdc00 && second <= 0xdfff;
  return isPair ? at + 2 * ESCAPE_BYTES - 1 : null;
}

function escapedUnit(json: Uint8Array, at: number): number | null {
  const text = new TextDecoder().decode(json.subarray(at, at + ESCAPE_BYTES));
  const hex = /^\\u([\da-f]{4})$/i.exec(text)?.[1];
  return hex === undefined ? null : Number.parseInt(hex, 16);
}

function isLargeInteger(json: Uint8Array, start: number, end: number): boolean {
  if (end - start < MIN_DIGITS) return false;
  if (FLOAT.includes(json[end]) || FLOAT.includes(json[start - 1])) return false;
  const value = BigInt(new TextDecoder().decode(json.subarray(start, end)));
  return value > (json[start - 1] === MINUS ? MOST + 1n : MOST);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}
