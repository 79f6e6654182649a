import type { LocalRefusal } from "../auth/local.ts";

/** What keeps this deployment closed for a request, as sentences without a full stop. Holds no setting's value. */
export function missingFor(refusal: LocalRefusal): string[] {
  const signIn = "SIGN_IN is not set";
  const failed = failedCondition(refusal);
  return failed === null
    ? [signIn]
    : [signIn, `This is not local use, which needs no sign-in: ${failed}`];
}

function failedCondition(refusal: LocalRefusal): string | null {
  switch (refusal.condition) {
    case "local_use":
      return null;
    case "client_address":
      return "the request comes from an address that is not loopback";
    case "forwarding_header":
      return `the request carries the header ${refusal.header}, which proxies and tunnels add`;
    case "host":
      return "the Host header is not a loopback address";
    case "url":
      return "the URL is not one of a loopback address";
    case "origin":
      return "the Origin header is not a loopback address";
  }
}

/**
 * A deployment that is not open is unavailable. A wrong Host or Origin is the
 * client's: MCP asks for 403 there.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#security-warning
 */
const STATUS: Readonly<Record<LocalRefusal["condition"], 403 | 503>> = {
  local_use: 503,
  client_address: 503,
  forwarding_header: 503,
  host: 403,
  url: 403,
  origin: 403,
};

/** The answer of `/mcp` to a request that is not local while sign-in is not configured. */
export function notOpenResponse(refusal: LocalRefusal): Response {
  return closedResponse(missingFor(refusal), STATUS[refusal.condition]);
}

/** The answer to every request while something is missing. */
export function closedResponse(missing: readonly string[], status: 403 | 503): Response {
  return Response.json(
    {
      jsonrpc: "2.0",
      id: null,
      error: {
        // The first code that JSON-RPC leaves to servers; MCP gives it no meaning.
        code: -32_000,
        message: `This Jupyter Edge MCP server is not open. ${missing.join(". ")}.`,
        data: { missing },
      },
    },
    {
      status,
      headers: { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" },
    },
  );
}
