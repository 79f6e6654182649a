import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import type { Browser } from "playwright-core";
import { expect } from "vitest";
import { runCommand } from "../../scripts/command.mjs";
import { findFreePort } from "../../scripts/ports.ts";
import { saveScreenshot } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import type { ClientKind } from "../support/mcp-client.ts";
import { OAuthMemory } from "../support/oauth-memory.ts";
import { App, Callback, type Deployment, Person, testWith } from "./sign-in-support.ts";
import { removeFolder, ROOT, temporaryFolder } from "./support.ts";

const test = testWith({});

const SDK_V2: readonly [string, ClientKind][] = [
  ["SDK v2 in mode auto", "modern"],
  ["SDK v2 in mode legacy", "legacy"],
];
const SDKS: readonly [string, ClientKind][] = [["SDK v1", "first"], ...SDK_V2];

/** Where the programs of npm packages are. */
const PROGRAMS = path.join(ROOT, "node_modules", ".bin");

test.for(SDKS)(
  "%s registers, sends its person to sign in, gets tokens, lists the tools and runs code",
  async ([, kind], { deployment, browser }) => {
    await using callback = await Callback.open();
    await using person = await Person.at(browser);
    const app = new App(kind, deployment, callback);
    const refused = await app.isSentToSignIn();
    const { origin, pathname, searchParams } = app.memory.page;
    expect(`${origin}${pathname}`).toBe(`${deployment.origin}/authorize`);
    expect(Object.fromEntries(searchParams)).toMatchObject({
      code_challenge_method: "S256",
      redirect_uri: callback.url,
      resource: deployment.mcpUrl,
    });

    await person.signsIn(app.memory.page, { token: deployment.jupyter.token });
    const answer = await app.answer();
    expect(answer.get("iss")).toBe(deployment.origin);
    await refused.finishAuth(answer);
    expect(app.memory.kept).toMatchObject({
      token_type: "bearer",
      scope: "notebooks:read notebooks:write code:execute",
    });

    await using client = await app.prepare().connect();
    const tools = (await client.listTools()).map(({ name }) => name);
    expect(tools).toContain("run_code");
    const run = await client.call("run_code", { code: "print('signed', 'in')" });
    expect(run.text).toContain("signed in");
    const { conversation } = run.execution;
    const listed = await client.call("list_conversations", {});
    expect(listed.text).toContain(conversation);
  },
);

test.for(SDKS)(
  "%s refreshes a token that is no longer good, and its person notices nothing",
  async ([, kind], { deployment, browser }) => {
    await using callback = await Callback.open();
    await using person = await Person.at(browser);
    const app = new App(kind, deployment, callback);
    const { token } = deployment.jupyter;
    await using client = await app.connects(person, { token });
    const before = app.memory.tokensKept;

    app.memory.saveTokens({ ...before, access_token: "no longer good" });
    const listed = await client.call("list_kernels", {});
    expect(listed.isError, listed.text).toBe(false);
    expect(app.memory.asked).toHaveLength(1);
    const after = app.memory.tokensKept;
    expect(after.scope).toBe(before.scope);
    expect(after.refresh_token).not.toBe(before.refresh_token);
    expect(["no longer good", before.access_token]).not.toContain(after.access_token);
  },
);

test.for(SDKS)(
  "%s sends its person to sign in again when nothing that it keeps is good; the same person has the same conversations",
  async ([, kind], { deployment, browser }) => {
    await using callback = await Callback.open();
    await using person = await Person.at(browser);
    const app = new App(kind, deployment, callback);
    const { token } = deployment.jupyter;
    await using first = await app.connects(person, { token });
    const { execution } = await first.call("run_code", { code: "x = 6" });

    const spoiled = { access_token: "no longer good", refresh_token: "this neither" };
    app.memory.saveTokens({ ...app.memory.tokensKept, ...spoiled });
    await using second = await app.connects(person, { token });
    const { conversation } = execution;
    const run = await second.call("run_code", { conversation, code: "x * 7" });
    expect(run.text).toMatch(/\n42$/);
  },
);

test.for(SDK_V2)(
  "%s asks for more when a call needs it: the person allows that too, and the call works",
  async ([, kind], { deployment, browser }) => {
    await using callback = await Callback.open();
    await using person = await Person.at(browser);
    const app = new App(kind, deployment, callback);
    const { token } = deployment.jupyter;
    const refused = await app.isSentToSignIn();
    await person.signsIn(app.memory.page, { token, scopes: ["notebooks:read"] });
    await refused.finishAuth(await app.answer());
    const prepared = app.prepare();
    await using client = await prepared.connect();
    expect(app.memory.tokensKept.scope).toBe("notebooks:read");
    expect((await client.call("list_files", {})).isError).toBe(false);

    const code = "print('allowed', 'now')";
    await expect(client.call("run_code", { code })).rejects.toThrow("Unauthorized");
    await person.opens(app.memory.page);
    expect(await person.chosenScopes()).toEqual(["notebooks:read", "code:execute"]);
    await person.signsIn(app.memory.page, { token });
    await prepared.finishAuth(await app.answer());
    expect(app.memory.tokensKept.scope).toBe("notebooks:read code:execute");
    expect((await client.call("run_code", { code })).text).toContain("allowed now");

    // What was not asked for stays out.
    await expect(
      client.call("create_notebook", { path: "not-allowed.ipynb", cells: [] }),
    ).rejects.toThrow("Unauthorized");
    expect(app.memory.page.searchParams.get("scope")?.split(" ").toSorted()).toEqual([
      "code:execute",
      "notebooks:read",
      "notebooks:write",
    ]);
  },
);

test("SDK v1 asks for more only where it has no refresh token, as it tries that first; until then a call says 403", async ({
  deployment,
  browser,
}) => {
  await using callback = await Callback.open();
  await using person = await Person.at(browser);
  const app = new App("first", deployment, callback);
  const { token } = deployment.jupyter;
  const refused = await app.isSentToSignIn();
  await person.signsIn(app.memory.page, { token, scopes: ["notebooks:read"] });
  await refused.finishAuth(await app.answer());
  const prepared = app.prepare();
  await using client = await prepared.connect();

  const code = "print('allowed', 'now')";
  await expect(client.call("run_code", { code })).rejects.toThrow("403");
  expect(app.memory.asked).toHaveLength(1);

  const { refresh_token: _, ...rest } = app.memory.tokensKept;
  app.memory.saveTokens(rest);
  expect((await client.call("list_files", {})).isError).toBe(false);
  await expect(client.call("run_code", { code })).rejects.toThrow("Unauthorized");
  expect(app.memory.page.searchParams.get("scope")).toBe("notebooks:read code:execute");
  await person.signsIn(app.memory.page, { token });
  await prepared.finishAuth(await app.answer());
  expect((await client.call("run_code", { code })).text).toContain("allowed now");
});

test("an app whose person denies it gets no code, and says so", async ({
  deployment,
  browser,
}) => {
  await using callback = await Callback.open();
  await using person = await Person.at(browser);
  const app = new App("modern", deployment, callback);
  const refused = await app.isSentToSignIn();
  await person.opens(app.memory.page);
  await person.presses("Deny");
  const answer = await app.answer();
  expect(answer.get("code")).toBeNull();
  await expect(refused.finishAuth(answer)).rejects.toThrow(/denied/i);
  expect(app.memory.kept).toBeUndefined();
});

test("a deployment with one server asks for its token alone, and takes no other server from a form either", async ({
  deployment,
  browser,
}) => {
  await using callback = await Callback.open();
  await using person = await Person.at(browser);
  const { page } = person;
  const app = new App("modern", deployment, callback);
  await app.isSentToSignIn();
  await person.opens(app.memory.page);
  expect(await page.getByLabel("URL of the server").count()).toBe(0);
  await saveScreenshot(page, "sign-in-consent-one-server", true);

  const { url, token } = deployment.jupyter;
  await page.evaluate(
    `document.forms[0].append(Object.assign(document.createElement("input"), { name: "server", value: "${url}" }))`,
  );
  await person.fills({ token });
  await person.presses("Allow");
  await person.problem.getByText("Only the server of this service").waitFor();
});

/** A token as somebody copies it into the settings of a client. */
async function accessToken(deployment: Deployment, browser: Browser): Promise<string> {
  await using callback = await Callback.open();
  await using person = await Person.at(browser);
  const app = new App("modern", deployment, callback);
  await using _ = await app.connects(person, { token: deployment.jupyter.token });
  return app.memory.tokensKept.access_token;
}

test("mcp-inspector lists the tools and runs code with a token in a header, and nothing without one", async ({
  deployment,
  browser,
}) => {
  const token = await accessToken(deployment, browser);
  const inspect = (header: readonly string[], args: readonly string[]) =>
    runCommand(process.execPath, [
      path.join(PROGRAMS, "mcp-inspector"),
      "--cli",
      deployment.mcpUrl,
      "--transport",
      "http",
      ...header,
      ...args,
    ]);
  const header = ["--header", `Authorization: Bearer ${token}`];

  const listed = await inspect(header, ["--method", "tools/list"]);
  expect(listed.ok, listed.output).toBe(true);
  expect(JSON.parse(listed.stdout).tools).toContainEqual(
    expect.objectContaining({ name: "run_code" }),
  );

  const called = await inspect(header, [
    "--method",
    "tools/call",
    "--tool-name",
    "run_code",
    "--tool-arg",
    "code=print('with a', 'token')",
  ]);
  expect(called.ok, called.output).toBe(true);
  expect(JSON.parse(called.stdout).content[0].text).toContain("with a token");

  const wrong = ["--header", "Authorization: Bearer wrong"];
  const refused = await inspect(wrong, ["--method", "tools/list"]);
  expect(refused.ok, refused.output).toBe(false);
});

test("a client of local servers lists the tools and runs code through mcp-remote with a token in a header", async ({
  deployment,
  browser,
}) => {
  const token = await accessToken(deployment, browser);
  await using opened = new AsyncDisposableStack();
  const folder = await temporaryFolder();
  opened.defer(() => removeFolder(folder));
  const client = new Client({ name: "test", version: "1" });
  opened.defer(() => client.close());
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [
        path.join(PROGRAMS, "mcp-remote"),
        deployment.mcpUrl,
        "--transport",
        "http-only",
        "--header",
        "Authorization:${AUTHORIZATION}",
      ],
      env: {
        AUTHORIZATION: `Bearer ${token}`,
        MCP_REMOTE_CONFIG_DIR: folder,
        PATH: process.env["PATH"] ?? "",
      },
      stderr: "ignore",
    }),
  );
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toContain("run_code");
  const result = await client.callTool({
    name: "run_code",
    arguments: { code: "print('through', 'mcp-remote')" },
  });
  expect(JSON.stringify(result.content)).toContain("through mcp-remote");
});

test("the conformance suite finds the authorization server's metadata and its code grant as they should be", async ({
  deployment,
  browser,
}) => {
  const port = await findFreePort();
  const memory = new OAuthMemory(`http://127.0.0.1:${port}/callback`, "Conformance");
  const clientId = await memory.register(deployment.mcpUrl);
  await using opened = new AsyncDisposableStack();
  const results = await temporaryFolder();
  opened.defer(() => removeFolder(results));
  const suite = spawn(
    process.execPath,
    [
      path.join(PROGRAMS, "conformance"),
      "authorization",
      `--url=${deployment.origin}`,
      `--client-id=${clientId}`,
      `--resource=${deployment.mcpUrl}`,
      `--port=${port}`,
      `--output-dir=${results}`,
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  opened.defer(() => void suite.kill());
  const ended = once(suite, "close");
  let output = "";
  for (const stream of [suite.stdout, suite.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += stripVTControlCharacters(text);
    });

  await eventually(
    () => output,
    () => suite.exitCode !== null || /authorize\?\S+\s/.test(output),
  );
  const [page] = /http:\S+authorize\?\S+/.exec(output) ?? [];
  expect(page, output).toBeDefined();
  await using person = await Person.at(browser);
  await person.opens(page ?? "");
  await person.fills({ token: deployment.jupyter.token });
  await person.presses("Allow");
  await person.page.getByText("OK. You can close this page.").waitFor();
  const [code] = await ended;
  expect(code, output).toBe(0);
  for (const name of [
    "authorization-server-metadata-endpoint",
    "authorization-code-grant",
  ])
    expect(output).toMatch(new RegExp(`✓ ${name}: [1-9]\\d* passed, 0 failed`));
});
