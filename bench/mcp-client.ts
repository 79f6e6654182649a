import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from "@modelcontextprotocol/client";
import { Client as FirstClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as FirstTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport as FirstSdkTransport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { z } from "zod";

/** A connected client of either SDK. */
export interface McpClient extends AsyncDisposable {
  /** Asks for the tools: a request that no kernel and no Durable Object has to do with. */
  listTools(): Promise<unknown>;
  /** @param onProgress called with the message of each progress notification */
  call(
    name: string,
    args: Record<string, unknown>,
    onProgress?: (message: string) => void,
  ): Promise<unknown>;
}

const INFO = { name: "bench", version: "1" };
/** The longest a run of the benchmark takes, with room for a slow machine. */
const TIMEOUT_MS = 120_000;

const executionSchema = z.object({
  conversation: z.string(),
  execution: z.string(),
  state: z.string(),
  kernel: z.string().nullable(),
});

const resultSchema = z.object({
  isError: z.boolean().optional(),
  content: z.array(z.object({ type: z.string(), text: z.string().optional() })),
  _meta: z.object({ "jupyter-edge/execution": executionSchema.optional() }).optional(),
});

/** What came of a `run_code` or `get_output`. */
export interface Run {
  readonly conversation: string;
  readonly execution: string;
  readonly state: string;
  /** Its id; null before there is one. */
  readonly kernel: string | null;
  readonly text: string;
}

/** SDK v2, which takes the newest revision of MCP that both sides know. */
export async function connectModern(url: URL): Promise<McpClient> {
  const client = new ModernClient(INFO, { versionNegotiation: { mode: "auto" } });
  await client.connect(new ModernTransport(url));
  return {
    listTools: () => client.request({ method: "tools/list" }),
    call: (name, args, onProgress) =>
      client.callTool({ name, arguments: args }, options(onProgress)),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** SDK v1, as most clients have it today. */
export function connectFirst(url: URL): Promise<McpClient> {
  // Its own class differs from its own interface under exactOptionalPropertyTypes.
  return connectFirstOver(new FirstTransport(url) as FirstSdkTransport);
}

/** The same over another transport. */
export async function connectFirstOver(transport: FirstSdkTransport): Promise<McpClient> {
  const client = new FirstClient(INFO);
  await client.connect(transport);
  return {
    listTools: () => client.listTools(),
    call: (name, args, onProgress) =>
      client.callTool({ name, arguments: args }, undefined, options(onProgress)),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

function options(onProgress?: (message: string) => void) {
  return {
    timeout: TIMEOUT_MS,
    ...(onProgress !== undefined && {
      onprogress: ({ message = "" }: { message?: string | undefined }) =>
        onProgress(message),
    }),
  };
}

/** Calls a tool that answers with an execution. */
export async function callForRun(
  client: McpClient,
  name: "run_code" | "get_output",
  args: Record<string, unknown>,
): Promise<Run> {
  const { isError, content, _meta } = resultSchema.parse(await client.call(name, args));
  const text = content.map((block) => block.text ?? "").join("\n");
  const execution = _meta?.["jupyter-edge/execution"];
  if (isError === true || execution === undefined)
    throw new Error(`${name} failed: ${text}`);
  return { ...execution, text };
}

/** Calls again until an execution has ended. */
export async function runToEnd(
  client: McpClient,
  args: {
    readonly code: string;
    readonly conversation?: string;
    readonly kernel?: string;
  },
): Promise<Run> {
  let run = await callForRun(client, "run_code", { ...args, wait_seconds: 50 });
  while (run.state === "running") {
    const { conversation, execution } = run;
    run = await callForRun(client, "get_output", {
      conversation,
      execution,
      wait_seconds: 50,
    });
  }
  if (run.state !== "ok") throw new Error(`The code ended as ${run.state}: ${run.text}`);
  return run;
}
