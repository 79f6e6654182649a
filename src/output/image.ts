/** The size of an image in pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** Past the metadata that cameras and editors put before the size in a JPEG. A multiple of 4. */
const HEADER_CHARS = 65_536;

/**
 * The size of a PNG, JPEG, GIF or WebP image, from its header alone. `null` when
 * it is of another type, damaged, or hides its size behind much metadata.
 */
export function imageSize(mime: string, base64: string): ImageSize | null {
  const bytes = decodeHeader(base64, mime === "image/jpeg" ? HEADER_CHARS : 64);
  if (bytes === null) return null;
  const view = new DataView(bytes.buffer);
  try {
    switch (mime) {
      case "image/png":
        return pngSize(view);
      case "image/jpeg":
        return jpegSize(view);
      case "image/gif":
        return gifSize(view);
      case "image/webp":
        return webpSize(view);
      default:
        return null;
    }
  } catch (error) {
    // A header that ends early.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Images as clients show them, by the signatures that their files begin with. */
const SIGNATURES: readonly (readonly [string, RegExp])[] = [
  ["image/png", /^\x89PNG\r\n/],
  ["image/jpeg", /^\xff\xd8\xff/],
  ["image/gif", /^GIF8[79]a/],
  ["image/webp", /^RIFF[\s\S]{4}WEBP/],
];

/** The type of an image that clients show, from the beginning of its file; null for anything else. */
export function imageType(head: Uint8Array): string | null {
  const start = String.fromCharCode(...head.subarray(0, 16));
  return SIGNATURES.find(([, signature]) => signature.test(start))?.[0] ?? null;
}

/** How many bytes that many base64 characters stand for; up to 2 too many where they are padded. */
export function decodedBytes(base64Length: number): number {
  return Math.floor((base64Length * 3) / 4);
}

/** A size for a reader, in powers of 1000: `512 bytes`, `23 KB`, `1.2 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  if (bytes < 999_500) return `${Math.round(bytes / 1000)} KB`;
  if (bytes < 999_950_000) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

function decodeHeader(base64: string, chars: number): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(base64.slice(0, chars)), (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
}

/** @see https://www.w3.org/TR/png/#11IHDR */
function pngSize(view: DataView): ImageSize | null {
  if (view.getUint32(0) !== 0x89504e47 || view.getUint32(12) !== 0x49484452) return null;
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/** @see https://www.w3.org/Graphics/GIF/spec-gif89a.txt */
function gifSize(view: DataView): ImageSize | null {
  if (view.getUint32(0) !== 0x47494638) return null;
  return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
}

/** @see https://www.w3.org/Graphics/JPEG/itu-t81.pdf section B.1.1 */
function jpegSize(view: DataView): ImageSize | null {
  if (view.getUint16(0) !== 0xffd8) return null;
  let at = 2;
  while (at < view.byteLength) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at += 1;
    } else if (isStartOfFrame(marker)) {
      return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    } else {
      at += 2 + view.getUint16(at + 2);
    }
  }
  return null;
}

/** SOF0 to SOF15; the three markers in between that are something else are DHT, JPG and DAC. */
function isStartOfFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

/** @see https://developers.google.com/speed/webp/docs/riff_container */
function webpSize(view: DataView): ImageSize | null {
  if (view.getUint32(0) !== 0x52494646 || view.getUint32(8) !== 0x57454250) return null;
  switch (view.getUint32(12)) {
    case 0x56503820: // "VP8 "
      return {
        width: view.getUint16(26, true) & 0x3fff,
        height: view.getUint16(28, true) & 0x3fff,
      };
    case 0x5650384c: {
      // "VP8L": two fields of 14 bits after the signature byte.
      const bits = view.getUint32(21, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case 0x56503858: // "VP8X": 24 bits each, little-endian.
      return {
        width: (view.getUint32(24, true) & 0xffffff) + 1,
        height: (view.getUint32(26, true) >>> 8) + 1,
      };
    default:
      return null;
  }
}
