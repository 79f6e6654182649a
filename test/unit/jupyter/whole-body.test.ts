import { expect, test } from "vitest";
import { wholeBody } from "../../../src/jupyter/whole-body.ts";

class TooLarge extends Error {
  readonly bytes: number;

  constructor(bytes: number) {
    super(`${bytes} bytes`);
    this.bytes = bytes;
  }
}

const tooLarge = (bytes: number) => new TooLarge(bytes);

/** An answer in pieces that does not say how long it is, and how much of it was asked for. */
function unsized(piece: number, pieces: number) {
  const asked = { pieces: 0, isCancelled: false };
  const body = new ReadableStream({
    type: "bytes",
    pull(controller) {
      if (asked.pieces === pieces) {
        controller.close();
        controller.byobRequest?.respond(0);
        return;
      }
      asked.pieces += 1;
      controller.enqueue(new Uint8Array(piece).fill(asked.pieces));
    },
    cancel() {
      asked.isCancelled = true;
    },
  });
  return { response: new Response(body), asked };
}

test.each([
  [1, 0],
  [1, 1],
  [1_000, 7],
  [70_000, 1],
  [64 * 1024, 2],
  [100_000, 10],
])("a body of pieces of %i bytes, %i of them, is read whole", async (piece, pieces) => {
  const { response } = unsized(piece, pieces);
  const read = await wholeBody(response, 1_000_000, tooLarge);
  expect(read.byteLength).toBe(piece * pieces);
  for (let index = 0; index < pieces; index += 1)
    expect(read[index * piece]).toBe(index + 1);
});

test("a body that says its length is read whole, an empty one too", async () => {
  for (const text of ["", "a", "x".repeat(200_000)]) {
    const headers = { "content-length": String(text.length) };
    const read = await wholeBody(new Response(text, { headers }), 200_000, tooLarge);
    expect(new TextDecoder().decode(read)).toBe(text);
  }
  expect((await wholeBody(new Response(null), 0, tooLarge)).byteLength).toBe(0);
});

test("a body that has more than it says, as one that is unpacked, is read whole", async () => {
  const headers = { "content-length": "2", "content-encoding": "gzip" };
  const read = await wholeBody(new Response("four", { headers }), 4, tooLarge);
  expect(new TextDecoder().decode(read)).toBe("four");
});

test("a body that is too large is not read to its end", async () => {
  const { response, asked } = unsized(100_000, 1_000);
  await expect(wholeBody(response, 250_000, tooLarge)).rejects.toBeInstanceOf(TooLarge);
  expect(asked.pieces).toBeLessThan(6);
  expect(asked.isCancelled).toBe(true);
  const said = unsized(100_000, 1_000);
  const headers = { "content-length": "100000000" };
  const answer = new Response(said.response.body, { headers });
  await expect(wholeBody(answer, 250_000, tooLarge)).rejects.toMatchObject({
    bytes: 100_000_000,
  });
  expect(said.asked.isCancelled).toBe(true);
});
