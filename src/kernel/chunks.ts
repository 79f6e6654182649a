import { MAX_STREAM_CHARS, type Item } from "./item.ts";

/** A single value above this is not kept: no client could take it, and it would crowd out the rest. */
export const MAX_VALUE_CHARS = 6_000_000;

/**
 * Appends `item` to `items` in place: stream text joins a chunk of the same name
 * as long as that has room, and is cut into chunks after a line's end where
 * there is one. Values above {@link MAX_VALUE_CHARS} are replaced by a word
 * about it.
 */
export function appendCoalesced(items: Item[], item: Item): void {
  if (item.type !== "stream") {
    items.push(withoutHugeValues(item));
    return;
  }
  let text = item.text;
  const last = items.at(-1);
  if (last?.type === "stream" && last.name === item.name) {
    text = last.text + text;
    items.pop();
  }
  while (text.length > MAX_STREAM_CHARS) {
    const cut = cutPoint(text);
    items.push({ type: "stream", name: item.name, text: text.slice(0, cut) });
    text = text.slice(cut);
  }
  if (text !== "") items.push({ type: "stream", name: item.name, text });
}

function cutPoint(text: string): number {
  const lineEnd = text.lastIndexOf("\n", MAX_STREAM_CHARS - 1);
  if (lineEnd >= MAX_STREAM_CHARS / 2) return lineEnd + 1;
  const code = text.charCodeAt(MAX_STREAM_CHARS - 1);
  const isHighSurrogate = code >= 0xd800 && code <= 0xdbff;
  return isHighSurrogate ? MAX_STREAM_CHARS - 1 : MAX_STREAM_CHARS;
}

function withoutHugeValues(item: Exclude<Item, { type: "stream" }>): Item {
  if (!("data" in item)) return item;
  const data: Record<string, unknown> = {};
  const notes: string[] = [];
  for (const [mime, value] of Object.entries(item.data)) {
    const chars = typeof value === "string" ? value.length : JSON.stringify(value).length;
    if (chars <= MAX_VALUE_CHARS) {
      data[mime] = value;
    } else if (mime === "text/plain" && typeof value === "string") {
      const left = chars - MAX_VALUE_CHARS;
      data[mime] =
        `${value.slice(0, MAX_VALUE_CHARS)}\n[${left} more characters were not kept]`;
    } else {
      notes.push(
        `[${mime} of ${chars} characters was not kept: the limit is ${MAX_VALUE_CHARS}]`,
      );
    }
  }
  if (notes.length === 0) return { ...item, data };
  const plain = typeof data["text/plain"] === "string" ? [data["text/plain"]] : [];
  return { ...item, data: { ...data, "text/plain": [...plain, ...notes].join("\n") } };
}
