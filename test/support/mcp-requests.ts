/** A call of a tool as the bytes of one HTTP request, in the words of one revision of MCP. */
export interface McpRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The revisions that clients speak. */
export const REVISIONS = ["2025-11-25", "2026-07-28"] as const;

/** One of {@link REVISIONS}. */
export type Revision = (typeof REVISIONS)[number];

/** Makes a request as a client on this machine sends it. None has to come before it. */
export function mcpRequest(
  { port }: { readonly port: number },
  revision: Revision,
  method: string,
  params: Readonly<Record<string, unknown>> = {},
): McpRequest {
  const headers = {
    Accept: "application/json, text/event-stream",
    "Content-Type": "application/json",
    Host: `localhost:${port}`,
    "MCP-Protocol-Version": revision,
  };
  const message = { jsonrpc: "2.0", id: 1, method };
  if (revision === "2025-11-25") {
    return { headers, body: JSON.stringify({ ...message, params }) };
  }
  const { name } = params;
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": revision,
    "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  return {
    headers: {
      ...headers,
      "Mcp-Method": method,
      ...(typeof name === "string" && { "Mcp-Name": name }),
    },
    body: JSON.stringify({ ...message, params: { ...params, _meta } }),
  };
}

/** The result in an answer, whether it came as JSON or as an event of a stream. */
export function resultOf(body: string): Readonly<Record<string, unknown>> {
  const messages = body.trimStart().startsWith("{")
    ? [body]
    : Array.from(body.matchAll(/^data: ?(.+)$/gm), ([, data]) => data ?? "");
  for (const message of messages) {
    const parsed: unknown = JSON.parse(message);
    if (typeof parsed !== "object" || parsed === null || !("result" in parsed)) continue;
    // Every result of MCP is an object.
    return parsed.result as Readonly<Record<string, unknown>>;
  }
  throw new Error(`No result in: ${body}`);
}
