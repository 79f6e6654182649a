import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from "@modelcontextprotocol/client";
import { Client as FirstClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as FirstTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

/** SDK v2 with the newest revision, SDK v2 as of 2025, or SDK v1. */
export type ClientKind = "modern" | "legacy" | "first";

/** What `_meta["jupyter-edge/execution"]` holds. */
export interface ExecutionMeta {
  readonly conversation: string;
  readonly execution: string;
  readonly state: string;
  readonly kernel: string | null;
  readonly generation: number | null;
  readonly position: number;
  readonly truncated: boolean;
  readonly possiblyIncomplete: boolean;
}

/** A tool's result as tests look at it. */
export interface Called {
  readonly text: string;
  readonly isError: boolean;
  readonly images: readonly { readonly data: string; readonly mimeType: string }[];
  readonly meta: Readonly<Record<string, unknown>>;
  readonly execution: ExecutionMeta;
}

/** A tool as `tools/list` describes it. */
export interface ListedTool {
  readonly name: string;
  readonly annotations?: Readonly<Record<string, unknown>> | undefined;
}

/** A connected MCP client, whichever SDK and revision it speaks. */
export interface McpClient extends AsyncDisposable {
  /** The revision that client and server agreed on. */
  readonly revision: string | undefined;
  listTools(): Promise<readonly ListedTool[]>;
  call(
    name: string,
    args: Readonly<Record<string, unknown>>,
    onProgress?: (message: string) => void,
    signal?: AbortSignal,
  ): Promise<Called>;
}

const INFO = { name: "test", version: "1" };

/** Connects a client to the server at `url`, through `fetch` where that is not the global one. */
export async function connectClient(
  kind: ClientKind,
  url: string,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<McpClient> {
  return kind === "first" ? connectFirst(url, fetch) : connectModern(kind, url, fetch);
}

async function connectFirst(
  url: string,
  fetch: typeof globalThis.fetch,
): Promise<McpClient> {
  const client = new FirstClient(INFO);
  const transport = new FirstTransport(new URL(url), { fetch });
  await client.connect(transport);
  return {
    revision: transport.protocolVersion,
    listTools: async () => (await client.listTools()).tools,
    async call(name, args, onProgress, signal) {
      const params = { name, arguments: { ...args } };
      return called(
        await client.callTool(params, undefined, options(onProgress, signal)),
      );
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

async function connectModern(
  kind: "modern" | "legacy",
  url: string,
  fetch: typeof globalThis.fetch,
): Promise<McpClient> {
  const mode = kind === "modern" ? "auto" : "legacy";
  const client = new ModernClient(INFO, { versionNegotiation: { mode } });
  await client.connect(new ModernTransport(new URL(url), { fetch }));
  return {
    revision: client.getNegotiatedProtocolVersion(),
    listTools: async () => (await client.listTools()).tools,
    async call(name, args, onProgress, signal) {
      const params = { name, arguments: { ...args } };
      return called(await client.callTool(params, options(onProgress, signal)));
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

function options(listener?: (message: string) => void, signal?: AbortSignal) {
  return {
    ...(listener !== undefined && {
      onprogress: ({ message }: { message?: string | undefined }) =>
        listener(message ?? ""),
    }),
    ...(signal !== undefined && { signal }),
  };
}

interface RawResult {
  content?: unknown;
  isError?: unknown;
  _meta?: unknown;
}

function called(result: RawResult): Called {
  // The SDKs have checked the form of a result; their types of it differ.
  const content = result.content as readonly {
    type: string;
    text?: string;
    data?: string;
    mimeType?: string;
  }[];
  const meta = (result._meta ?? {}) as Record<string, unknown>;
  return {
    text: content
      .flatMap((block) => (block.type === "text" ? [block.text ?? ""] : []))
      .join("\n"),
    isError: result.isError === true,
    images: content.flatMap((block) =>
      block.type === "image"
        ? [{ data: block.data ?? "", mimeType: block.mimeType ?? "" }]
        : [],
    ),
    meta,
    execution: meta["jupyter-edge/execution"] as ExecutionMeta,
  };
}
