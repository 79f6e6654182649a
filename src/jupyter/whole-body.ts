/** What is made room for where an answer does not say how long it is. */
const FIRST_BYTES = 64 * 1024;

/**
 * The body of an answer, read whole. What is too large is not read to its end,
 * whatever its length was said to be.
 *
 * @throws what `tooLarge` makes of the bytes that there are, or are at least
 */
export async function wholeBody(
  response: Response,
  maxBytes: number,
  tooLarge: (bytes: number) => Error,
): Promise<Uint8Array> {
  const { body, headers } = response;
  if (body === null) return new Uint8Array(0);
  const said = Number(headers.get("content-length")) || 0;
  if (said > maxBytes) {
    await body.cancel();
    throw tooLarge(said);
  }
  // HTTP ends a body at the length that it has said, unless it is unpacked on the way.
  if (said > 0 && !headers.has("content-encoding"))
    return new Uint8Array(await response.arrayBuffer());
  return readCounting(body, maxBytes, tooLarge);
}

/**
 * Harms no socket of a Durable Object, as far as was seen (see
 * `test/integration/whole-body.test.ts`); cloudflare/workerd#6774 has seen other
 * things. A socket that is lost is opened again.
 */
async function readCounting(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  tooLarge: (bytes: number) => Error,
): Promise<Uint8Array> {
  const reader = body.getReader({ mode: "byob" });
  let room = new Uint8Array(FIRST_BYTES);
  let length = 0;
  for (;;) {
    // The room goes into the reader and comes back with what was read.
    const { done, value } = await reader.read(room.subarray(length));
    if (value !== undefined) room = new Uint8Array(value.buffer);
    if (done) return room.subarray(0, length);
    length += value.byteLength;
    if (length > maxBytes) {
      await reader.cancel();
      throw tooLarge(length);
    }
    if (length === room.byteLength) {
      // One more than is allowed, so that the end is seen while there is room.
      const larger = new Uint8Array(Math.min(2 * length, maxBytes + 1));
      larger.set(room);
      room = larger;
    }
  }
}
