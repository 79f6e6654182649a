import type { Item } from "../kernel/item.ts";
import { plainText } from "./terminal.ts";

type ErrorItem = Extract<Item, { type: "error" }>;
type InputItem = Extract<Item, { type: "input" }>;

/** An error's traceback without colours; name and value, as far as there are any, where a kernel sends none. */
export function errorText(item: ErrorItem): string {
  const traceback = plainText(item.traceback.join("\n"));
  return traceback.trim() === "" ? errorLine(item) : traceback;
}

/** An error in a line; some kernels give neither a name nor a value. */
export function errorLine({
  ename,
  evalue,
}: Pick<ErrorItem, "ename" | "evalue">): string {
  return [ename || "Error", evalue].filter((part) => part !== "").join(": ");
}

/** A prompt and its answer, as they stand in a terminal afterwards. */
export function inputText(item: InputItem): string {
  return `${item.prompt}${item.password ? "········" : item.text}\n`;
}
