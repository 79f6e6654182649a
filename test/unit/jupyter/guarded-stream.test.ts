import { expect, test } from "vitest";
import { guardedStream } from "../../../src/jupyter/guarded-stream.ts";

function asFailure(cause: unknown): Error {
  return new Error(`failed: ${cause instanceof Error ? cause.name : "?"}`);
}

test("bytes pass as they are, none at all included", async () => {
  const text = "ž".repeat(500_000);
  for (const body of [new Response(text).body!, new Blob([text]).stream()]) {
    expect(await new Response(guardedStream(body, 5_000, asFailure)).text()).toBe(text);
  }
  const empty = guardedStream(new Blob([]).stream(), 5_000, asFailure);
  expect(await new Response(empty).text()).toBe("");
});

test("a body that stops coming fails as a timeout", async () => {
  const { readable } = new IdentityTransformStream();
  const reader = guardedStream(readable, 20, asFailure).getReader();
  await expect(reader.read()).rejects.toThrow("failed: TimeoutError");
});

test("a body that breaks off fails as its reader wants it", async () => {
  const { readable, writable } = new IdentityTransformStream();
  const reader = guardedStream(readable, 5_000, asFailure).getReader();
  await Promise.all([
    writable.abort(new TypeError("lost")),
    expect(reader.read()).rejects.toThrow("failed: TypeError"),
  ]);
});
