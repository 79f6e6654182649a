import { McpServer } from "@modelcontextprotocol/server";
import { version } from "../../package.json";
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

/** A server for one request: nothing of the protocol is kept between two of them. */
export function createServer(context: Omit<ToolContext, "onProgress">): McpServer {
  const server = new McpServer(
    { name: "jupyter-edge-mcp", title: "Jupyter Edge MCP", version },
    { instructions: INSTRUCTIONS },
  );
  for (const tool of TOOLS) tool.register(server, context);
  return server;
}
