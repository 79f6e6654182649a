import { expect, test } from "vitest";
import {
  decodedBytes,
  formatBytes,
  imageSize,
  imageType,
} from "../../../src/output/image.ts";

const base64 = (...bytes: number[]) => btoa(String.fromCharCode(...bytes));
const ascii = (text: string) => [...text].map((char) => char.charCodeAt(0));

test("the size of a PNG is read", () => {
  const png =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  expect(imageSize("image/png", png)).toEqual({ width: 1, height: 1 });
});

test("the size of a GIF is read", () => {
  const gif = base64(...ascii("GIF89a"), 0x80, 0x02, 0xe0, 0x01, 0, 0, 0);
  expect(imageSize("image/gif", gif)).toEqual({ width: 640, height: 480 });
});

test("the size of a JPEG is read behind its metadata", () => {
  const exif = Array.from({ length: 30_000 }, () => 7);
  const length = exif.length + 2;
  const start = [0xff, 0xd8, 0xff, 0xe1, length >> 8, length & 0xff];
  const frame = [0xff, 0xff, 0xc0, 0, 17, 8, 1, 0xe0, 2, 0x80, 3];
  const jpeg = base64(...start, ...exif, ...frame);
  expect(imageSize("image/jpeg", jpeg)).toEqual({ width: 640, height: 480 });
});

test.for([
  ["lossy", [...ascii("VP8 "), 0, 0, 0, 0, 0, 0, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1]],
  ["lossless", [...ascii("VP8L"), 0, 0, 0, 0, 0x2f, 0x7f, 0xc2, 0x77, 0, 0]],
  ["extended", [...ascii("VP8X"), 10, 0, 0, 0, 0, 0, 0, 0, 0x7f, 2, 0, 0xdf, 1, 0]],
] as const)("the size of a %s WebP is read", ([, chunk]) => {
  const webp = base64(...ascii("RIFF"), 0, 0, 0, 0, ...ascii("WEBP"), ...chunk);
  expect(imageSize("image/webp", webp)).toEqual({ width: 640, height: 480 });
});

test("a header that is cut off, of another type or no base64 has no size", () => {
  for (const mime of [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/tiff",
  ]) {
    expect(imageSize(mime, "")).toBeNull();
    expect(imageSize(mime, "not base64!")).toBeNull();
    expect(imageSize(mime, base64(0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0))).toBeNull();
    expect(imageSize(mime, base64(...ascii("GIF8")))).toBeNull();
    expect(imageSize(mime, base64(...ascii("RIFFxxxxWEBPxxxx")))).toBeNull();
  }
});

test("sizes are written for a reader", () => {
  expect(
    [0, 1, 999, 1000, 23_456, 999_499, 999_500, 1_234_567, 2e9].map(formatBytes),
  ).toEqual([
    "0 bytes",
    "1 byte",
    "999 bytes",
    "1 KB",
    "23 KB",
    "999 KB",
    "1.0 MB",
    "1.2 MB",
    "2.0 GB",
  ]);
});

test("four base64 characters are three bytes", () => {
  expect(decodedBytes(400)).toBe(300);
});

test.each([
  ["\x89PNG\r\n\x1a\n", "image/png"],
  ["\xff\xd8\xff\xe0", "image/jpeg"],
  ["GIF89a", "image/gif"],
  ["RIFF\0\0\0\0WEBP", "image/webp"],
  ["RIFF\0\0\0\0WAVE", null],
  ["<svg", null],
  ["", null],
])("a file that begins with %j is known as %s", (start, type) => {
  expect(imageType(Uint8Array.from(start, (char) => char.charCodeAt(0)))).toBe(type);
});
