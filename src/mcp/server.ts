import { McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import { version } from "../../package.json";
import type { Scope } from "../scopes.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import type { ToolContext } from "./tool.ts";
import { conversationTools } from "./tools/conversations.ts";
import { executionTools } from "./tools/execution.ts";
import { fileTools } from "./tools/files.ts";
import { kernelTools } from "./tools/kernels.ts";
import { notebookTools } from "./tools/notebooks.ts";
import { runCellsTools } from "./tools/run-cells.ts";

/** Every tool of this server, in the order in which clients list them. */
export const TOOLS = [
  ...executionTools,
  ...kernelTools,
  ...conversationTools,
  ...fileTools,
  ...notebookTools,
  ...runCellsTools,
];

const NEEDS: ReadonlyMap<string, readonly Scope[]> = new Map(
  TOOLS.map(({ name, scopes }) => [name, scopes]),
);

const callSchema = z.object({
  method: z.literal("tools/call"),
  params: z.object({ name: z.string() }),
});

/** The scopes that a message of a client needs: those of the tool that it calls. */
export function scopesOfCall(message: unknown): readonly Scope[] {
  const call = callSchema.safeParse(message);
  return call.success ? (NEEDS.get(call.data.params.name) ?? []) : [];
}

/** A server for one request: nothing of the protocol is kept between two of them. */
export function createServer(context: Omit<ToolContext, "onProgress">): McpServer {
  const server = new McpServer(
    { name: "jupyter-edge-mcp", title: "Jupyter Edge MCP", version },
    { instructions: INSTRUCTIONS },
  );
  for (const tool of TOOLS) tool.register(server, context);
  return server;
}
