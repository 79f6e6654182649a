import { expect } from "vitest";
import { fileText, notebookOf } from "../integration/notebook-support.ts";
import type { McpClient } from "../support/mcp-client.ts";

/** Creates a notebook of cells of code. */
export async function created(
  client: McpClient,
  path: string,
  sources: readonly string[],
) {
  const cells = sources.map((source) => ({ cell_type: "code", source }));
  const made = await client.call("create_notebook", { path, cells });
  expect(made.isError, made.text).toBe(false);
  const { version, cells: there } = notebookOf(made);
  return { version, ids: there.map(({ id }) => id) };
}

/** The sources of the cells as they stand on disk. */
export async function sourcesInFile(path: string): Promise<string[]> {
  const { cells } = JSON.parse(await fileText(path));
  return cells.map(({ source }: { source: string[] }) => source.join(""));
}
