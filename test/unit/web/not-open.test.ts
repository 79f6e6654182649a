import { expect, test } from "vitest";
import { missingFor, notOpenResponse } from "../../../src/web/not-open.ts";

test("a deployment without sign-in answers 503 in JSON-RPC and says what is missing", async () => {
  const response = notOpenResponse({ condition: "local_use" });
  expect(response.status).toBe(503);
  expect(response.headers.get("Content-Type")).toBe("application/json");
  expect(response.headers.get("Cache-Control")).toBe("no-store");
  expect(await response.json()).toEqual({
    jsonrpc: "2.0",
    id: null,
    error: {
      code: -32_000,
      message: "This Jupyter Edge MCP server is not open. SIGN_IN is not set.",
      data: { missing: ["SIGN_IN is not set"] },
    },
  });
});

test("under npm start the answer names the condition of local use that failed", async () => {
  const response = notOpenResponse({ condition: "host" });
  expect(await response.json()).toMatchObject({
    error: {
      message:
        "This Jupyter Edge MCP server is not open. SIGN_IN is not set. " +
        "This is not local use, which needs no sign-in: the Host header is not a loopback address.",
    },
  });
});

test("a forwarded request is told which header gave it away", () => {
  const refusal = { condition: "forwarding_header", header: "x-forwarded-for" } as const;
  expect(missingFor(refusal)[1]).toContain("the header x-forwarded-for,");
});

test("a wrong Host or Origin is the client's fault, a proxy or a missing sign-in is the deployment's", () => {
  const statuses = (
    ["local_use", "client_address", "host", "url", "origin"] as const
  ).map((condition) => notOpenResponse({ condition }).status);
  expect(statuses).toEqual([503, 503, 403, 403, 403]);
  expect(notOpenResponse({ condition: "forwarding_header", header: "via" }).status).toBe(
    503,
  );
});
