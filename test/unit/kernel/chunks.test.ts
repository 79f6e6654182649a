import { expect, test } from "vitest";
import { appendCoalesced, MAX_VALUE_CHARS } from "../../../src/kernel/chunks.ts";
import { MAX_STREAM_CHARS, type Item } from "../../../src/kernel/item.ts";

function coalesce(items: readonly Item[]): Item[] {
  const result: Item[] = [];
  for (const item of items) appendCoalesced(result, item);
  return result;
}

function stdout(text: string): Item {
  return { type: "stream", name: "stdout", text };
}

function textOf(items: readonly Item[]): string {
  return items.map((item) => (item.type === "stream" ? item.text : "")).join("");
}

test("chunks of one stream join, and another stream begins a new item", () => {
  const stderr: Item = { type: "stream", name: "stderr", text: "!" };
  expect(coalesce([stdout("a"), stdout("b"), stderr, stdout("c")])).toEqual([
    stdout("ab"),
    stderr,
    stdout("c"),
  ]);
});

test("long text is cut after line ends into items of bounded length, and nothing is lost", () => {
  const text = Array.from({ length: 2_000 }, (_, index) => `line ${index}\n`).join("");
  const items = coalesce([stdout(text.slice(0, 777)), stdout(text.slice(777))]);
  expect(textOf(items)).toBe(text);
  for (const item of items.slice(0, -1)) {
    expect(textOf([item]).endsWith("\n")).toBe(true);
    expect(textOf([item]).length).toBeLessThanOrEqual(MAX_STREAM_CHARS);
  }
});

test("a line longer than an item is never cut inside a character", () => {
  for (const prefix of ["", "x"]) {
    const items = coalesce([stdout(prefix + "🐎".repeat(MAX_STREAM_CHARS))]);
    for (const item of items) expect(textOf([item]).isWellFormed()).toBe(true);
  }
});

test("a value above the limit is replaced by a word about it and the rest is kept", () => {
  const data = { "image/png": "x".repeat(MAX_VALUE_CHARS + 1), "text/plain": "<Figure>" };
  const [item] = coalesce([{ type: "display_data", data, metadata: {} }]);
  expect(item).toMatchObject({
    data: {
      "text/plain": `<Figure>\n[image/png of ${MAX_VALUE_CHARS + 1} characters was not kept: the limit is ${MAX_VALUE_CHARS}]`,
    },
  });
  expect(JSON.stringify(item).length).toBeLessThan(1_000);
});
