import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from "@modelcontextprotocol/client";
import { Client as FirstClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as FirstTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { OAuthMemory } from "./oauth-memory.ts";

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

/** A part of a resource that was read. */
export interface ReadPart {
  readonly uri: string;
  readonly mimeType?: string | undefined;
  readonly text?: string;
  readonly blob?: string;
}

/** What an argument of a template or a prompt can be completed for. */
export type CompletionReference =
  | { readonly type: "ref/resource"; readonly uri: string }
  | { readonly type: "ref/prompt"; readonly name: string };

/** What an argument could be. */
export interface Completion {
  readonly values: readonly string[];
  readonly total?: number | undefined;
  readonly hasMore?: boolean | undefined;
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
  listTemplates(): Promise<
    readonly { readonly name: string; readonly uriTemplate: string }[]
  >;
  read(uri: string): Promise<readonly ReadPart[]>;
  complete(
    ref: CompletionReference,
    argument: { readonly name: string; readonly value: string },
    others?: Readonly<Record<string, string>>,
  ): Promise<Completion>;
  listPrompts(): Promise<
    readonly {
      readonly name: string;
      readonly arguments?:
        | readonly { readonly name: string; readonly required?: boolean | undefined }[]
        | undefined;
    }[]
  >;
  /** The text of a prompt. */
  prompt(name: string, args: Readonly<Record<string, string>>): Promise<string>;
}

const INFO = { name: "test", version: "1" };

/** How a client reaches its server. */
export interface Way {
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
  /** What a client keeps that signs in with OAuth by itself. */
  readonly authProvider?: OAuthMemory;
}

/** A client that has not connected yet. It connects once, also where it is sent to sign in. */
export interface PreparedClient {
  connect(): Promise<McpClient>;
  /** Gets the tokens for what the person's browser brought back. */
  finishAuth(answer: URLSearchParams): Promise<void>;
}

/** Connects a client to the server at `url`, through `fetch` where that is not the global one. */
export function connectClient(
  kind: ClientKind,
  url: string,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<McpClient> {
  return prepareClient(kind, url, { fetch }).connect();
}

/** Makes a client for the server at `url`. */
export function prepareClient(kind: ClientKind, url: string, way: Way): PreparedClient {
  return kind === "first" ? prepareFirst(url, way) : prepareModern(kind, url, way);
}

function prepareFirst(url: string, way: Way): PreparedClient {
  const transport = new FirstTransport(new URL(url), way);
  return {
    async connect() {
      const client = new FirstClient(INFO);
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
        ...asking(client),
        [Symbol.asyncDispose]: () => client.close(),
      };
    },
    finishAuth: (answer) => transport.finishAuth(answer.get("code") ?? ""),
  };
}

function prepareModern(kind: "modern" | "legacy", url: string, way: Way): PreparedClient {
  const transport = new ModernTransport(new URL(url), way);
  return {
    async connect() {
      const mode = kind === "modern" ? "auto" : "legacy";
      const client = new ModernClient(INFO, { versionNegotiation: { mode } });
      await client.connect(transport);
      return {
        revision: client.getNegotiatedProtocolVersion(),
        listTools: async () => (await client.listTools()).tools,
        async call(name, args, onProgress, signal) {
          const params = { name, arguments: { ...args } };
          return called(await client.callTool(params, options(onProgress, signal)));
        },
        ...asking(client),
        [Symbol.asyncDispose]: () => client.close(),
      };
    },
    finishAuth: (answer) => transport.finishAuth(answer),
  };
}

/** What both SDKs ask for in the same way. */
function asking(
  client: FirstClient | ModernClient,
): Omit<McpClient, "revision" | "listTools" | "call" | typeof Symbol.asyncDispose> {
  return {
    listTemplates: async () => (await client.listResourceTemplates()).resourceTemplates,
    // The SDKs have checked the form of a result; their types of it differ.
    read: async (uri) => (await client.readResource({ uri })).contents as ReadPart[],
    complete: async (ref, argument, others) => {
      const context =
        others === undefined ? {} : { context: { arguments: { ...others } } };
      return (await client.complete({ ref, argument, ...context })).completion;
    },
    listPrompts: async () => (await client.listPrompts()).prompts,
    prompt: async (name, args) => {
      const { messages } = await client.getPrompt({ name, arguments: { ...args } });
      return messages
        .map(({ content }) => (content.type === "text" ? content.text : ""))
        .join("\n");
    },
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
