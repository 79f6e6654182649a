import { abortAllDurableObjects } from "cloudflare:test";
import { expect, test } from "vitest";
import {
  askHub,
  connectWith,
  eventually,
  fetchWorker,
  HubPerson,
  RESOURCE,
  revokeTokens,
  tokenRequest,
} from "./support.ts";

const LIST = { jsonrpc: "2.0", id: 1, method: "tools/list", params: {} };

/** What a client hears that calls with a token. */
function callWith(accessToken: string): Promise<Response> {
  return fetchWorker(RESOURCE, {
    method: "POST",
    headers: {
      authorization: `Bearer ${accessToken}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    },
    body: JSON.stringify(LIST),
  });
}

/** Waits until a token is refused. The Hub's word is believed for some seconds. */
async function refusalOf(accessToken: string): Promise<Response> {
  return eventually(
    async () => {
      const answer = await callWith(accessToken);
      if (answer.ok) await answer.text();
      return answer;
    },
    ({ status }) => status !== 200,
  );
}

function linesOf(text: string): number[] {
  return Array.from(text.matchAll(/^line (\d+)$/gm), (match) => Number(match[1]));
}

const COUNT = `import time
for i in range(120):
    print(f"line {i}", flush=True)
    time.sleep(0.25)`;

test("a token that was revoked at the Hub leads the client to a new sign-in, and the run that went on meanwhile is there", async () => {
  const ada = new HubPerson("ada");
  const tokens = await ada.signsIn();
  await using client = await connectWith(tokens.access_token);
  const begun = await client.call("run_code", { code: COUNT, wait_seconds: 2 });
  const { conversation, execution } = begun.execution;
  expect(begun.execution.state).toBe("running");

  expect(await revokeTokens("ada")).toBeGreaterThan(0);
  const refused = await refusalOf(tokens.access_token);
  expect(refused.status).toBe(401);
  expect(refused.headers.get("www-authenticate")).toContain("resource_metadata=");
  // A client tries this before it asks its person.
  await expect(
    tokenRequest({
      grant_type: "refresh_token",
      client_id: tokens.clientId,
      refresh_token: tokens.refresh_token,
    }),
  ).rejects.toThrow(/invalid_grant/);

  const again = await ada.signsIn(tokens.clientId);
  await using next = await connectWith(again.access_token);
  const ended = await eventually(
    () => next.call("get_output", { conversation, execution, wait_seconds: 10 }),
    ({ execution: { state } }) => state !== "running",
    90_000,
  );
  expect(ended.execution.state).toBe("ok");
  expect(linesOf(ended.text)).toEqual(Array.from({ length: 120 }, (_, line) => line));
  expect(ended.execution.possiblyIncomplete).toBe(false);
});

test("a run outlives a crash while its token is revoked: with the new one it is found again, and marked where something may be missing", async () => {
  const bob = new HubPerson("bob");
  const tokens = await bob.signsIn();
  await using client = await connectWith(tokens.access_token);
  const begun = await client.call("run_code", { code: COUNT, wait_seconds: 2 });
  const { conversation, execution } = begun.execution;
  await revokeTokens("bob");
  await abortAllDurableObjects();
  const again = await bob.signsIn();
  await using next = await connectWith(again.access_token);
  const ended = await eventually(
    () => next.call("get_output", { conversation, execution, wait_seconds: 10 }),
    ({ execution: { state } }) => state !== "running",
    90_000,
  );
  expect(ended.execution.state).toBe("ok");
  const lines = linesOf(ended.text);
  expect(lines.at(-1)).toBe(119);
  if (lines.length < 120) expect(ended.execution.possiblyIncomplete).toBe(true);
});

test("the grant of somebody whom the Hub does not know any more ends, for calls and for refreshing", async () => {
  const { access_token, refresh_token, clientId } = await new HubPerson("zoe").signsIn();
  await using client = await connectWith(access_token);
  expect((await client.call("list_files", {})).isError).toBe(false);
  await askHub("DELETE", "/users/zoe/server");
  const deleted = await eventually(
    () => askHub("DELETE", "/users/zoe"),
    ({ status }) => status === 204,
  );
  expect(deleted.status).toBe(204);
  expect((await refusalOf(access_token)).status).toBe(401);
  await expect(
    tokenRequest({ grant_type: "refresh_token", client_id: clientId, refresh_token }),
  ).rejects.toThrow(/invalid_grant/);
});

test("a client that only refreshes is sent to sign in too", async () => {
  const { refresh_token, clientId } = await new HubPerson("yan").signsIn();
  await revokeTokens("yan");
  const refreshed = await eventually(
    () =>
      tokenRequest({
        grant_type: "refresh_token",
        client_id: clientId,
        refresh_token,
      }).catch(String),
    (answer) => typeof answer === "string",
  );
  expect(refreshed).toContain("invalid_grant");
});
