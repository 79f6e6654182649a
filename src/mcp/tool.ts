import type {
  CallToolResult,
  ContentBlock,
  McpServer,
  ServerContext,
  StandardSchemaWithJSON,
  ToolAnnotations,
} from "@modelcontextprotocol/server";
import type { z } from "zod";
import type { Conversation } from "../conversation/conversation.ts";
import type { ProgressListener } from "../conversation/waiting.ts";
import { ExpectedError } from "../errors.ts";
import type { Scope } from "../scopes.ts";
import type { JupyterServer } from "../jupyter/server.ts";
import type { Workspace } from "../workspace/workspace.ts";
import { adviceFor } from "./advice.ts";

/** A person's conversations on their Jupyter server, and nobody else's. */
export interface Conversations {
  get(handle: string): DurableObjectStub<Conversation>;
  /** A handle that nobody had before, with what names its object. */
  mint(): Parameters<Conversation["run"]>[0]["identity"];
  identity(handle: string): Parameters<Conversation["run"]>[0]["identity"];
}

/** What a tool works with. */
export interface ToolContext {
  readonly conversations: Conversations;
  readonly workspace: DurableObjectStub<Workspace>;
  readonly jupyter: JupyterServer;
  /** What the caller's token allows. */
  readonly scopes: readonly Scope[];
  /** Present when the client wants to hear of progress. */
  readonly onProgress: ProgressListener | undefined;
}

/** A result before it becomes one of MCP. The text comes first. */
export interface ToolResult {
  readonly content: readonly ContentBlock[];
  readonly isError?: boolean;
  readonly meta?: Readonly<Record<string, unknown>>;
}

/** A tool as its group's file defines it. */
export interface ToolDefinition<Input extends z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** What a token needs to call it. */
  readonly scopes: readonly Scope[];
  readonly input: Input;
  readonly annotations: Required<Omit<ToolAnnotations, "title">>;
  run(input: z.infer<Input>, context: ToolContext): Promise<ToolResult>;
}

/** A tool of any input, ready to be registered. */
export interface Tool {
  readonly name: string;
  readonly scopes: readonly Scope[];
  register(server: McpServer, context: Omit<ToolContext, "onProgress">): void;
}

/** Puts a tool's parts together, so that its handler knows the types of its arguments. */
export function defineTool<Input extends z.ZodObject>(
  definition: ToolDefinition<Input>,
): Tool {
  const { name, title, description, scopes, input, annotations } = definition;
  return {
    name,
    scopes,
    register(server, context) {
      const inputSchema: StandardSchemaWithJSON = input;
      const call = async (args: unknown, request: ServerContext) => {
        const onProgress = progressListener(request);
        // The SDK has parsed the arguments with this very schema.
        const parsed = args as z.infer<Input>;
        return answer(definition, () => {
          const lacking = scopes.filter((scope) => !context.scopes.includes(scope));
          if (lacking.length > 0)
            throw new ExpectedError({ code: "scope_missing", scopes: lacking });
          return definition.run(parsed, { ...context, onProgress });
        });
      };
      server.registerTool(name, { title, description, inputSchema, annotations }, call);
    },
  };
}

/** The common result: one block of text. */
export function text(
  value: string,
  meta?: Readonly<Record<string, unknown>>,
): ToolResult {
  return {
    content: [{ type: "text", text: value }],
    ...(meta !== undefined && { meta }),
  };
}

/** Turns whatever happens into a result. What is not expected is logged under an id, without its text. */
async function answer(
  { name, annotations }: Pick<ToolDefinition<z.ZodObject>, "name" | "annotations">,
  run: () => Promise<ToolResult>,
): Promise<CallToolResult> {
  try {
    const { content, isError, meta } = await run();
    return {
      content: [...content],
      ...(isError === true && { isError: true }),
      ...(meta !== undefined && { _meta: { ...meta } }),
    };
  } catch (error) {
    return {
      content: [
        {
          type: "text",
          text: errorText(name, annotations.idempotentHint === true, error),
        },
      ],
      isError: true,
    };
  }
}

function errorText(name: string, isRepeatable: boolean, error: unknown): string {
  if (error instanceof ExpectedError) {
    const { message, next, quoted } = adviceFor(error.failure);
    const quotation =
      quoted === undefined || quoted === "" ? "" : `\nIt said: ${JSON.stringify(quoted)}`;
    return `${message}${quotation}\nNext: ${next}`;
  }
  const id = crypto.randomUUID().slice(0, 8);
  // Messages can quote code, output or addresses: only where it happened is logged.
  const lines = error instanceof Error ? (error.stack ?? "").split("\n") : [];
  const stack = lines
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 5)
    .join("\n");
  console.error(
    `[${id}] ${name}: ${error instanceof Error ? error.name : typeof error}\n${stack}`,
  );
  const next = isRepeatable
    ? "Call again; if it stays, report that id to whoever runs this server."
    : "It may have been done all the same: look with list_conversations and get_output before calling again.";
  return `Something went wrong in the server itself (error ${id}).\nNext: ${next}`;
}

function progressListener(request: ServerContext): ProgressListener | undefined {
  const progressToken = request.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  let progress = 0;
  return async (message) => {
    progress += 1;
    const params = { progressToken, progress, message };
    try {
      await request.mcpReq.notify({ method: "notifications/progress", params });
      return true;
    } catch {
      // The client has left.
      return false;
    }
  };
}
