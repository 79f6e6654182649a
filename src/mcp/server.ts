import { McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import { version } from "../../package.json";
import type { Scope } from "../scopes.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import { taskPrompts } from "./prompts.ts";
import { executionResource } from "./resources/execution.ts";
import { fileResource } from "./resources/file.ts";
import { notebookResource } from "./resources/notebook.ts";
import type { CallContext } from "./tool.ts";
import { conversationTools } from "./tools/conversations.ts";
import { createNotebookTools } from "./tools/create-notebook.ts";
import { executionTools } from "./tools/execution.ts";
import { fileTools } from "./tools/files.ts";
import { introspectionTools } from "./tools/introspection.ts";
import { kernelTools } from "./tools/kernels.ts";
import { notebookTools } from "./tools/notebooks.ts";
import { runCellsTools } from "./tools/run-cells.ts";
import { searchTools } from "./tools/search.ts";

/** Every tool of this server, in the order in which clients list them. */
export const TOOLS = [
  ...executionTools,
  ...kernelTools,
  ...introspectionTools,
  ...conversationTools,
  ...fileTools,
  ...createNotebookTools,
  ...notebookTools,
  ...runCellsTools,
  ...searchTools,
];

/** Every resource template of this server, in the order in which clients list them. */
export const RESOURCES = [notebookResource, fileResource, executionResource];

/** Every prompt of this server, in the order in which clients list them. */
export const PROMPTS = [...taskPrompts];

const nameSchema = z.object({ name: z.string() });
const callSchema = z.discriminatedUnion("method", [
  z.object({
    method: z.literal("tools/call"),
    params: nameSchema.extend({ arguments: z.unknown() }),
  }),
  z.object({
    method: z.literal("resources/read"),
    params: z.object({ uri: z.string() }),
  }),
  z.object({ method: z.literal("prompts/get"), params: nameSchema }),
  z.object({
    method: z.literal("completion/complete"),
    params: z.object({
      ref: z.discriminatedUnion("type", [
        nameSchema.extend({ type: z.literal("ref/prompt") }),
        z.object({ type: z.literal("ref/resource"), uri: z.string() }),
      ]),
    }),
  }),
]);

/** The scopes that a message of a client needs: those of what it calls, reads or completes. */
export function scopesOfCall(message: unknown): readonly Scope[] {
  const parsed = callSchema.safeParse(message);
  if (!parsed.success) return [];
  const { method, params } = parsed.data;
  switch (method) {
    case "tools/call": {
      const tool = TOOLS.find(({ name }) => name === params.name);
      return tool?.scopesOf(params.arguments) ?? [];
    }
    case "resources/read":
      return RESOURCES.find((resource) => resource.matches(params.uri))?.scopes ?? [];
    case "prompts/get":
      return scopesOfPrompt(params.name);
    case "completion/complete":
      return params.ref.type === "ref/prompt"
        ? scopesOfPrompt(params.ref.name)
        : scopesOfTemplate(params.ref.uri);
  }
}

function scopesOfPrompt(wanted: string): readonly Scope[] {
  return PROMPTS.find(({ name }) => name === wanted)?.scopes ?? [];
}

function scopesOfTemplate(wanted: string): readonly Scope[] {
  return RESOURCES.find(({ template }) => template === wanted)?.scopes ?? [];
}

/** All of them are there from the beginning: no client has to listen for changes. */
const UNCHANGING = { listChanged: false };

/** A server for one request: nothing of the protocol is kept between two of them. */
export function createServer(context: CallContext): McpServer {
  const server = new McpServer(
    { name: "jupyter-edge-mcp", title: "Jupyter Edge MCP", version },
    {
      instructions: INSTRUCTIONS,
      capabilities: { tools: UNCHANGING, resources: UNCHANGING, prompts: UNCHANGING },
    },
  );
  for (const each of [...TOOLS, ...RESOURCES, ...PROMPTS]) each.register(server, context);
  return server;
}
