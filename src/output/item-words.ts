import type { Item } from "../kernel/item.ts";
import { plainText } from "./terminal.ts";

type ErrorItem = Extract<Item, { type: "error" }>;
type InputItem = Extract<Item, { type: "input" }>;

/** An error's traceback without colours; name and value where a kernel sends no traceback. */
export function errorText(item: ErrorItem): string {
  const traceback = plainText(item.traceback.join("\n"));
  return traceback.trim() === "" ? `${item.ename}: ${item.evalue}` : traceback;
}

/** A prompt and its answer, as they stand in a terminal afterwards. */
export function inputText(item: InputItem): string {
  return `${item.prompt}${item.password ? "········" : item.text}\n`;
}
