import type { Item } from "../kernel/item.ts";
import { multilineText } from "./notebook.ts";

/** The outputs of a stored cell as items to be rendered. What nbformat does not know is left out. */
export function itemsOf(outputs: unknown): Item[] {
  return Array.isArray(outputs) ? outputs.flatMap(itemOf) : [];
}

function itemOf(output: unknown): Item[] {
  if (!isRecord(output)) return [];
  switch (output["output_type"]) {
    case "stream":
      return [
        {
          type: "stream",
          name: output["name"] === "stderr" ? "stderr" : "stdout",
          text: multilineText(output["text"]) ?? "",
        },
      ];
    case "display_data":
    case "execute_result":
      return [
        {
          type: output["output_type"],
          data: isRecord(output["data"]) ? output["data"] : {},
          metadata: isRecord(output["metadata"]) ? output["metadata"] : {},
        },
      ];
    case "error":
      return [
        {
          type: "error",
          ename: String(output["ename"] ?? ""),
          evalue: String(output["evalue"] ?? ""),
          traceback: Array.isArray(output["traceback"])
            ? output["traceback"].map(String)
            : [],
        },
      ];
    default:
      return [];
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
