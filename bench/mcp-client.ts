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
  call(name: string, args: Record<string, unknown>): Promise<unknown>;
}

const INFO = { name: "bench", version: "1" };
/** The longest a run of the benchmark takes, with room for a slow machine. */
const TIMEOUT_MS = 120_000;

const executionSchema = z.object({
  conversation: z.string(),
  execution: z.string(),
  state: z.string(),
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
  readonly text: string;
}

/** SDK v2, which takes the newest revision of MCP that both sides know. */
export async function connectModern(url: URL): Promise<McpClient> {
  const client = new ModernClient(INFO, { versionNegotiation: { mode: "auto" } });
  await client.connect(new ModernTransport(url));
  return {
    listTools: () => client.request({ method: "tools/list" }),
    call: (name, args) =>
      client.callTool({ name, arguments: args }, { timeout: TIMEOUT_MS }),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** SDK v1, as most clients have it today. */
export async function connectFirst(url: URL): Promise<McpClient> {
  const client = new FirstClient(INFO);
  // Its own class differs from its own interface under exactOptionalPropertyTypes.
  await client.connect(new FirstTransport(url) as FirstSdkTransport);
  return {
    listTools: () => client.listTools(),
    call: (name, args) =>
      client.callTool({ name, arguments: args }, undefined, { timeout: TIMEOUT_MS }),
    [Symbol.asyncDispose]: () => client.close(),
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
