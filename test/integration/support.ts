import { env, exports } from "cloudflare:workers";
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from "@modelcontextprotocol/client";
import { Client as FirstClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as FirstTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { inject } from "vitest";
import { conversationName, hashServer, LOCAL_PRINCIPAL } from "../../src/identity.ts";

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

/** A connected MCP client, whichever SDK and revision it speaks. */
export interface TestClient extends AsyncDisposable {
  call(
    name: string,
    args: Readonly<Record<string, unknown>>,
    onProgress?: (message: string) => void,
    signal?: AbortSignal,
  ): Promise<Called>;
}

const ENDPOINT = new URL("http://localhost:8787/mcp");

/** The Worker as a client reaches it: over HTTP, on loopback. */
export async function fetchWorker(
  input: string | URL | Request,
  init?: RequestInit,
): Promise<Response> {
  const request = new Request(input, init as RequestInit<CfProperties>);
  if (!request.headers.has("host"))
    request.headers.set("host", new URL(request.url).host);
  return exports.default.fetch(request);
}

const worker = fetchWorker as unknown as typeof fetch;

/** Connects a client: SDK v2 with the newest revision, SDK v2 as of 2025, or SDK v1. */
export async function connect(
  kind: "modern" | "legacy" | "first" = "modern",
): Promise<TestClient> {
  const info = { name: "test", version: "1" };
  if (kind === "first") {
    const client = new FirstClient(info);
    await client.connect(new FirstTransport(ENDPOINT, { fetch: worker }));
    return {
      async call(name, args, onProgress, signal) {
        const result = await client.callTool(
          { name, arguments: { ...args } },
          undefined,
          {
            ...(onProgress !== undefined && {
              onprogress: ({ message = "" }) => onProgress(message),
            }),
            ...(signal !== undefined && { signal }),
          },
        );
        return called(result);
      },
      [Symbol.asyncDispose]: () => client.close(),
    };
  }
  const mode = kind === "modern" ? "auto" : "legacy";
  const client = new ModernClient(info, { versionNegotiation: { mode } });
  await client.connect(new ModernTransport(ENDPOINT, { fetch: worker }));
  return {
    async call(name, args, onProgress, signal) {
      const result = await client.callTool(
        { name, arguments: { ...args } },
        {
          ...(onProgress !== undefined && {
            onprogress: ({ message = "" }) => onProgress(message),
          }),
          ...(signal !== undefined && { signal }),
        },
      );
      return called(result);
    },
    [Symbol.asyncDispose]: () => client.close(),
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

/** The object of a conversation of local use. */
export async function stubOf(conversation: string) {
  const serverHash = await hashServer(`http://127.0.0.1:${inject("gateway").port}`);
  return env.CONVERSATION.getByName(
    conversationName({ principal: LOCAL_PRINCIPAL, serverHash, handle: conversation }),
  );
}

/** Asks the Jupyter server itself, past the gateway. */
export async function jupyter(path: string, init: RequestInit = {}): Promise<Response> {
  const { port, token } = inject("jupyter");
  return fetch(`http://127.0.0.1:${port}${path}`, {
    ...init,
    headers: { authorization: `token ${token}` },
  });
}

/** Where the gateway takes commands. */
export function controlUrl(path: string): string {
  return `http://127.0.0.1:${inject("gateway").controlPort}${path}`;
}

type Mode = "pass" | "down" | "login" | "html" | "forbidden" | "error" | "slow";

/** Makes the gateway misbehave as long as `work` takes. */
export async function whileJupyterIs<T>(mode: Mode, work: () => Promise<T>): Promise<T> {
  const set = async (next: Mode) => {
    const answer = await fetch(controlUrl(`/?mode=${next}`));
    await answer.text();
  };
  await set(mode);
  try {
    return await work();
  } finally {
    await set("pass");
  }
}

/** Breaks every connection that goes through the gateway now. */
export async function cutConnections(): Promise<void> {
  await (await fetch(controlUrl("/cut"))).text();
}

/** Asks again until `condition` holds, and says what it saw last where it never does. */
export async function eventually<T>(
  ask: () => Promise<T>,
  condition: (value: T) => boolean,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await ask();
    if (condition(value)) return value;
    if (Date.now() > deadline)
      throw new Error(`Never came true; last seen: ${JSON.stringify(value)}`);
    await scheduler.wait(50);
  }
}
