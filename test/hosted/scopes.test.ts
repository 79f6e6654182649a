import { expect, inject, test } from "vitest";
import { PROMPTS, RESOURCES, scopesOfCall } from "../../src/mcp/server.ts";
import { SCOPES, type Scope } from "../../src/scopes.ts";
import { connectWith, fetchWorker, RESOURCE, signIn } from "./support.ts";

/** What the protected resource answers to a message of a client with this token. */
async function answerTo(accessToken: string, method: string, params: object) {
  const response = await fetchWorker(RESOURCE, {
    method: "POST",
    headers: {
      authorization: `Bearer ${accessToken}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  await response.text();
  const challenge = response.headers.get("www-authenticate") ?? "";
  const [, scope = ""] = /scope="([^"]*)"/.exec(challenge) ?? [];
  return { status: response.status, scope };
}

const EXECUTION = "jupyter://conversations/c_aaaaaaaaaa/executions/e1";
const TEMPLATE = "jupyter://conversations/{conversation}/executions/{execution}";

test("reading, completing and prompting for what was not allowed is told what to ask for", async () => {
  const { token } = inject("teamServer");
  const reading: Scope[] = ["notebooks:read"];
  const { access_token } = await signIn({ token, scopes: reading });
  const argument = { name: "conversation", value: "" };
  for (const [method, params, lacks] of [
    ["resources/read", { uri: EXECUTION }, ["code:execute"]],
    ["resources/read", { uri: EXECUTION.replace("e1", "%65%31") }, ["code:execute"]],
    [
      "completion/complete",
      { ref: { type: "ref/resource", uri: TEMPLATE }, argument },
      ["code:execute"],
    ],
    ["prompts/get", { name: "suggest_next_steps" }, ["code:execute"]],
    ["prompts/get", { name: "debug_notebook" }, ["notebooks:write", "code:execute"]],
    [
      "completion/complete",
      { ref: { type: "ref/prompt", name: "suggest_next_steps" }, argument },
      ["code:execute"],
    ],
    [
      "tools/call",
      { name: "create_notebook", arguments: { from_conversation: "c_aaaaaaaaaa" } },
      ["notebooks:write", "code:execute"],
    ],
    [
      "tools/call",
      { name: "create_notebook", arguments: { path: "a.ipynb" } },
      ["notebooks:write"],
    ],
  ] as const) {
    const asked = SCOPES.filter((scope) => [...reading, ...lacks].includes(scope));
    expect(await answerTo(access_token, method, params)).toEqual({
      status: 403,
      scope: asked.join(" "),
    });
  }
  await using client = await connectWith(access_token);
  await expect(client.read("jupyter://files/none.txt")).rejects.toThrow(/nothing at/);
  expect(await client.prompt("explain_notebook", { path: "a.ipynb" })).toContain(
    "a.ipynb",
  );
  expect((await client.listTemplates()).length).toBe(RESOURCES.length);
  expect((await client.listPrompts()).length).toBe(PROMPTS.length);
});

test("whoever may run code and not read files gets outputs, and no file, path or notebook", async () => {
  const { token } = inject("teamServer");
  const { access_token } = await signIn({ token, scopes: ["code:execute"] });
  await using client = await connectWith(access_token);
  const run = await client.call("run_code", { code: "6 * 7" });
  const { conversation } = run.execution;
  const [part] = await client.read(
    `jupyter://conversations/${conversation}/executions/e1`,
  );
  expect(part?.text).toMatch(/\n42$/);
  for (const [method, params] of [
    ["resources/read", { uri: "jupyter://files/a.txt" }],
    ["resources/read", { uri: "JUPYTER://files/a.txt" }],
    ["resources/read", { uri: "jupyter://notebooks/x/../a.ipynb" }],
    [
      "completion/complete",
      {
        ref: { type: "ref/resource", uri: "jupyter://files/{+path}" },
        argument: { name: "path", value: "" },
      },
    ],
  ] as const)
    expect(await answerTo(access_token, method, params)).toEqual({
      status: 403,
      scope: "notebooks:read code:execute",
    });
  await client.call("end_conversation", { conversation, shutdown_kernels: true });
});

test("what is no call, and what names nothing of this server, needs no scope", () => {
  for (const message of [
    null,
    [],
    { method: "resources/templates/list" },
    { method: "prompts/list" },
    { method: "resources/read" },
    { method: "resources/read", params: { uri: 7 } },
    { method: "resources/read", params: { uri: "no url" } },
    { method: "resources/read", params: { uri: "jupyter://elsewhere/a" } },
    { method: "prompts/get", params: { name: "constructor" } },
    { method: "tools/call", params: { name: "toString", arguments: null } },
    { method: "completion/complete", params: { ref: { type: "ref/other" } } },
  ])
    expect(scopesOfCall(message)).toEqual([]);
});
