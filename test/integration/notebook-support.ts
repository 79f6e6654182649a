import { inject } from "vitest";
import type { Called, McpClient } from "../support/mcp-client.ts";
import { jupyter } from "./support.ts";

/** Whether these tests run where notebooks are edited in their rooms. */
export const isLive = inject("collaboration");

/** What `_meta["jupyter-edge/notebook"]` holds. */
export interface NotebookMeta {
  readonly path: string;
  readonly version: string;
  readonly kernel: string | null;
  readonly cells: readonly {
    readonly id: string;
    readonly cell_type: string;
    readonly execution_count: number | null;
    readonly failed: boolean;
  }[];
  readonly failedCell?: string | null;
}

/** The notebook that a result is about. */
export function notebookOf(called: Called): NotebookMeta {
  const meta = called.meta["jupyter-edge/notebook"];
  if (meta === undefined) throw new Error(`No notebook in: ${called.text}`);
  // Its form is what the tests are about.
  return meta as NotebookMeta;
}

/** Writes a file's text as somebody else would: without any interpretation. */
export async function putText(path: string, content: string): Promise<void> {
  const url = `/api/contents/${path.split("/").map(encodeURIComponent).join("/")}`;
  const body = JSON.stringify({ type: "file", format: "text", content });
  const answer = await jupyter(url, { method: "PUT", body });
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
  await answer.text();
}

/** A file's text as it stands on disk. */
export async function fileText(path: string): Promise<string> {
  const answer = await jupyter(
    `/files/${path.split("/").map(encodeURIComponent).join("/")}`,
  );
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status}: ${text}`);
  return text;
}

/** What Python's own nbformat says of a file: `valid`, or what is wrong. */
export async function validated(client: McpClient, path: string): Promise<string> {
  const code = `
import nbformat, warnings
warnings.simplefilter("error")
try:
    nbformat.validate(nbformat.read(${JSON.stringify(path)}, as_version=nbformat.NO_CONVERT))
    print("valid")
except Exception as error:
    print(type(error).__name__, error)
`;
  const result = await client.call("run_code", { code });
  return result.text.split("\n").slice(2).join("\n");
}
