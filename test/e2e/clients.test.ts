import path from "node:path";
import { expect } from "vitest";
import { runCommand } from "../../scripts/command.mjs";
import { ask } from "../support/raw-http.ts";
import { connectClient, type ClientKind } from "../support/mcp-client.ts";
import { mcpRequest, resultOf, REVISIONS } from "../support/mcp-requests.ts";
import { readConnection, ROOT } from "./support.ts";
import { test } from "./with-server.ts";

const MAX_TOOLS_BYTES = 20_000;

const CLIENTS: readonly [string, ClientKind, string][] = [
  ["SDK v1", "first", "2025-11-25"],
  ["SDK v2 in mode auto", "modern", "2026-07-28"],
  ["SDK v2 in mode legacy", "legacy", "2025-11-25"],
];

test.for(CLIENTS)(
  "%s runs code, hears of progress, finds its variables again and reads an error",
  async ([, kind, revision], { server }) => {
    await using client = await connectClient(kind, server.url);
    expect(client.revision).toBe(revision);

    const heard: string[] = [];
    const first = await client.call(
      "run_code",
      {
        code: [
          "import time",
          "answer = 42",
          "for i in range(5):",
          "    print('step', i, flush=True)",
          "    time.sleep(0.3)",
        ].join("\n"),
      },
      (message) => heard.push(message),
    );
    expect(first.execution).toMatchObject({ execution: "e1", state: "ok" });
    expect(first.text).toMatch(/step 0\nstep 1\nstep 2\nstep 3\nstep 4$/);
    expect(heard.join("\n")).toContain("step 1");

    const { conversation } = first.execution;
    const second = await client.call("run_code", { conversation, code: "answer + 1" });
    expect(second.text).toMatch(/\n43$/);

    const failed = await client.call("run_code", { conversation, code: "1 / 0" });
    expect(failed).toMatchObject({ isError: true, execution: { state: "error" } });
    expect(failed.text).toContain("ZeroDivisionError: division by zero");

    const again = await client.call("get_output", { conversation, execution: "e1" });
    expect(again.text).toContain("step 4");
  },
);

test("mcp-inspector lists the tools, runs code, and reads resources and prompts", async ({
  server,
}) => {
  const inspect = async (...args: string[]) => {
    const { output, ok, stdout } = await runCommand(process.execPath, [
      path.join(ROOT, "node_modules", ".bin", "mcp-inspector"),
      "--cli",
      server.url,
      "--transport",
      "http",
      ...args,
    ]);
    expect(ok, output).toBe(true);
    return JSON.parse(stdout);
  };

  const { tools } = await inspect("--method", "tools/list");
  expect(tools).toContainEqual(expect.objectContaining({ name: "run_code" }));

  const result = await inspect(
    "--method",
    "tools/call",
    "--tool-name",
    "run_code",
    "--tool-arg",
    "code=print('from the', 'inspector')",
  );
  expect(result.content[0].text).toContain("from the inspector");
  expect(result._meta["jupyter-edge/execution"].state).toBe("ok");

  const { resourceTemplates } = await inspect("--method", "resources/templates/list");
  expect(
    resourceTemplates.map(({ uriTemplate }: { uriTemplate: string }) => uriTemplate),
  ).toEqual([
    "jupyter://notebooks/{+path}",
    "jupyter://files/{+path}",
    "jupyter://conversations/{conversation}/executions/{execution}",
  ]);
  const { conversation, execution } = result._meta["jupyter-edge/execution"];
  const uri = `jupyter://conversations/${conversation}/executions/${execution}`;
  const { contents } = await inspect("--method", "resources/read", "--uri", uri);
  expect(contents[0]).toMatchObject({ uri, mimeType: "text/plain" });
  expect(contents[0].text).toContain("from the inspector");

  const { prompts } = await inspect("--method", "prompts/list");
  expect(prompts).toContainEqual(expect.objectContaining({ name: "explain_notebook" }));
  const { messages } = await inspect(
    "--method",
    "prompts/get",
    "--prompt-name",
    "explain_notebook",
    "--prompt-args",
    "path=a.ipynb",
  );
  expect(messages[0].content.text).toContain('read_notebook path: "a.ipynb"');
});

test.for(REVISIONS)(
  "the tool list of revision %s has at most 20,000 bytes and states four hints for every tool",
  async (revision, { server }) => {
    const answer = await ask({
      port: server.port,
      method: "POST",
      path: "/mcp",
      ...mcpRequest(server, revision, "tools/list"),
    });
    const result = resultOf(answer.body);
    const bytes = Buffer.byteLength(JSON.stringify(result));
    expect(bytes).toBeLessThanOrEqual(MAX_TOOLS_BYTES);

    // What follows fails on anything that is not a list of tools.
    const tools = result["tools"] as { name: string; annotations: object }[];
    console.log(`tools/list (${revision}): ${tools.length} tools, ${bytes} bytes`);
    expect(tools.length).toBeGreaterThan(0);
    for (const { name, annotations } of tools) {
      expect(annotations, name).toMatchObject({
        readOnlyHint: expect.any(Boolean),
        destructiveHint: expect.any(Boolean),
        idempotentHint: expect.any(Boolean),
        openWorldHint: expect.any(Boolean),
      });
    }
  },
);

test("/ and /health tell a local reader where Jupyter is and how to connect", async ({
  project,
  server,
}) => {
  const headers = { Host: `localhost:${server.port}` };
  const health = await ask({ port: server.port, path: "/health", headers });
  expect(health.status).toBe(200);
  expect(JSON.parse(health.body)).toMatchObject({
    status: "ok",
    jupyter: { answers: true, url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) },
  });

  const page = await ask({ port: server.port, path: "/", headers });
  expect(page.status).toBe(200);
  expect(page.headers["content-type"]).toMatch(/^text\/html/);
  expect(page.body).toContain(server.url);
  expect(page.body).toMatch(/Jupyter Server [\d.]+ answers/);
  const { token } = await readConnection(project);
  for (const { body } of [health, page]) expect(body).not.toContain(token);
});
