import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import worker from "../../src/index.ts";
import { fetchWorker, ORIGIN, RESOURCE, tokenRequest } from "../hosted/support.ts";
import { OidcPerson } from "./support.ts";

afterEach(() => {
  vi.useRealTimers();
});

const DAY_MS = 24 * 60 * 60_000;

function call(accessToken: string): Request {
  return new Request(RESOURCE, {
    method: "POST",
    headers: {
      authorization: `Bearer ${accessToken}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      host: new URL(ORIGIN).host,
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: {} }),
  });
}

/** What the deployment answers once its settings are these. */
function callAfter(
  settings: Readonly<Record<string, string>>,
  accessToken: string,
): Promise<Response> {
  return worker.fetch(
    call(accessToken) as Parameters<typeof worker.fetch>[0],
    { ...env, ...settings },
    createExecutionContext(),
  );
}

test.each([
  ["is taken off the list", { OIDC_ALLOWED: "@team.example.org" }],
  ["has to sign in another way", { SIGN_IN: "jupyter" }],
  ["signed in for another Jupyter", { JUPYTER_HOST: "jupyter.example.com" }],
])("the grant of somebody who %s ends", async (_what, settings) => {
  const { access_token } = await new OidcPerson("ada").signsIn();
  expect((await fetchWorker(call(access_token))).status).toBe(200);
  expect((await callAfter(settings, access_token)).status).toBe(401);
  // It does not come back with the settings.
  expect((await fetchWorker(call(access_token))).status).toBe(401);
});

test("whoever signed in a month ago is asked again, however often their client has come back", async () => {
  let tokens = await new OidcPerson("bob").signsIn();
  const { clientId } = tokens;
  const signedInAt = Date.now();
  const refresh = async (days: number) => {
    vi.useFakeTimers({ toFake: ["Date"], now: signedInAt + days * DAY_MS });
    const fields = { client_id: clientId, refresh_token: tokens.refresh_token };
    return tokenRequest({ grant_type: "refresh_token", ...fields });
  };
  for (const days of [10, 20, 29]) {
    const refreshed = await refresh(days);
    tokens = { ...refreshed, clientId };
  }
  await expect(refresh(31)).rejects.toThrow(/invalid_grant/);
});
