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
import { ExpectedError, type Failure } from "../errors.ts";
import { HANDLE_PATTERN } from "../identity.ts";
import type { Log } from "../log.ts";
import type { Scope } from "../scopes.ts";
import type { JupyterServer } from "../jupyter/server.ts";
import type { Notebooks } from "../notebook/access.ts";
import type { Workspace } from "../workspace/workspace.ts";
import { CallLog } from "./call-log.ts";
import { errorText } from "./error-words.ts";

/** A person's conversations on their Jupyter server, and nobody else's. */
export interface Conversations {
  get(handle: string): DurableObjectStub<Conversation>;
  /** A handle that nobody had before, with what names its object. */
  mint(): Parameters<Conversation["run"]>[0]["identity"];
  identity(handle: string): Parameters<Conversation["run"]>[0]["identity"];
}

/** A Jupyter server that may have to be started first. */
export interface ServerReadiness {
  /**
   * Resolves once it runs.
   *
   * @throws {ExpectedError} where it does not start, or not in time
   */
  ready(report: (words: string) => void): Promise<void>;
  /** Called where it was found stopped after all. */
  doubt(): void;
}

/** What all that a client asks for works with. */
export interface CallContext {
  readonly conversations: Conversations;
  readonly workspace: DurableObjectStub<Workspace>;
  /** The workspace by another stub: one whose object was interrupted may stay broken. */
  reopenWorkspace(): DurableObjectStub<Workspace>;
  readonly jupyter: JupyterServer;
  readonly notebooks: Notebooks;
  readonly server: ServerReadiness;
  /** Knows the request, and who calls. */
  readonly log: Log;
  /** What the caller's token allows. */
  readonly scopes: readonly Scope[];
  /** The origin of the pages on which the user answers what code asks; null where nobody signs in. */
  readonly pagesAt: string | null;
}

/** What a tool works with. */
export interface ToolContext extends CallContext {
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
  /** What it needs beside that where one of these arguments is given. */
  readonly argumentScopes?: Readonly<Record<string, readonly Scope[]>>;
  readonly input: Input;
  readonly annotations: Required<Omit<ToolAnnotations, "title">>;
  /** True where nothing has to be started for it: it is about what was run, or about kernels, of which a stopped server has none. */
  readonly worksWhileStopped?: boolean;
  run(input: z.infer<Input>, context: ToolContext): Promise<ToolResult>;
}

/** A tool of any input, ready to be registered. */
export interface Tool {
  readonly name: string;
  /** What a token needs to call it with these arguments, whether they are valid or not. */
  scopesOf(args: unknown): readonly Scope[];
  register(server: McpServer, context: CallContext): void;
}

/** Puts a tool's parts together, so that its handler knows the types of its arguments. */
export function defineTool<Input extends z.ZodObject>(
  definition: ToolDefinition<Input>,
): Tool {
  const { name, title, description, scopes, input, annotations } = definition;
  const argumentScopes = Object.entries(definition.argumentScopes ?? {});
  const scopesOf = (args: unknown) => {
    const given = argumentScopes.filter(
      ([argument]) =>
        typeof args === "object" &&
        args !== null &&
        Reflect.get(args, argument) !== undefined,
    );
    return [...scopes, ...given.flatMap(([, more]) => more)];
  };
  const inputSchema = withoutDialect(input);
  return {
    name,
    scopesOf,
    register(server, context) {
      const call = async (args: unknown, request: ServerContext) => {
        const onProgress = progressListener(request);
        // The SDK has parsed the arguments with this very schema.
        const parsed = args as z.infer<Input>;
        const log = context.log.with({ kind: "tool", name, ...namedBy(parsed) });
        return answer(definition, log, () => {
          throwIfLacking(scopesOf(parsed), context);
          const run = () => definition.run(parsed, { ...context, onProgress });
          return definition.worksWhileStopped === true
            ? run()
            : onceServerRuns(context, run, onProgress);
        });
      };
      server.registerTool(name, { title, description, inputSchema, annotations }, call);
    },
  };
}

/**
 * The same schema, whose JSON does not name its dialect: it is the one that MCP
 * takes for granted, and naming it in each tool costs a model more than a tool does.
 * It is made once for all requests, which only read it.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic#json-schema-usage
 */
function withoutDialect(schema: z.ZodObject): StandardSchemaWithJSON {
  const standard: StandardSchemaWithJSON["~standard"] = schema["~standard"];
  const { jsonSchema } = standard;
  const unnamed = (convert: typeof jsonSchema.input): typeof jsonSchema.input => {
    const made = new Map<string, Record<string, unknown>>();
    return (options) => {
      let json = made.get(options.target);
      if (json === undefined) {
        const { $schema: _dialect, ...rest } = convert(options);
        made.set(options.target, (json = rest));
      }
      return json;
    };
  };
  const shorter = {
    input: unnamed(jsonSchema.input),
    output: unnamed(jsonSchema.output),
  };
  return { "~standard": { ...standard, jsonSchema: shorter } };
}

/** @throws {ExpectedError} `scope_missing` where the caller's token lacks one of them */
export function throwIfLacking(
  needed: readonly Scope[],
  { scopes }: Pick<CallContext, "scopes">,
): void {
  const lacking = needed.filter((scope) => !scopes.includes(scope));
  if (lacking.length > 0)
    throw new ExpectedError({ code: "scope_missing", scopes: lacking });
}

/** What is found where a server is not there any more, or its kernels alone. */
const GONE: ReadonlySet<string> = new Set<Failure["code"]>([
  "server_stopped",
  "jupyter_unreachable",
  "kernel_gone",
  "kernel_not_found",
]);

/** Does `work` on a server that runs, which is started first where it does not. */
export async function onceServerRuns<T>(
  { server }: Pick<CallContext, "server">,
  work: () => Promise<T> | T,
  onProgress?: ProgressListener,
): Promise<T> {
  await server.ready((words) => void onProgress?.(words));
  try {
    return await work();
  } catch (error) {
    if (error instanceof ExpectedError && GONE.has(error.failure.code)) server.doubt();
    throw error;
  }
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
  { annotations }: Pick<ToolDefinition<z.ZodObject>, "annotations">,
  log: Log,
  run: () => Promise<ToolResult>,
): Promise<CallToolResult> {
  const call = new CallLog(log);
  try {
    const { content, isError, meta } = await run();
    call.answered(isError, meta);
    return {
      content: [...content],
      ...(isError === true && { isError: true }),
      ...(meta !== undefined && { _meta: { ...meta } }),
    };
  } catch (error) {
    call.failed(error);
    const words = errorText(log, annotations.idempotentHint === true, error);
    return { content: [{ type: "text", text: words }], isError: true };
  }
}

/** The conversation that arguments name. */
function namedBy(args: Readonly<Record<string, unknown>>): { conversation?: string } {
  const { conversation } = args;
  const isHandle = typeof conversation === "string" && HANDLE_PATTERN.test(conversation);
  return isHandle ? { conversation } : {};
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
