import { Client } from "@modelcontextprotocol/client";
import { InMemoryTransport } from "@modelcontextprotocol/server";
import { afterEach, expect, test, vi } from "vitest";
import { Log } from "../../../src/log.ts";
import { createServer, PROMPTS, RESOURCES } from "../../../src/mcp/server.ts";
import type { CallContext } from "../../../src/mcp/tool.ts";
import { SCOPES, type Scope } from "../../../src/scopes.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** A server whose every part fails as no part should, with a client. */
async function connect(scopes: readonly Scope[]) {
  const failing = new Proxy(
    {},
    {
      get() {
        throw new Error("a secret of the machine");
      },
    },
  );
  // Nothing of it is of use to anybody, which is what the tests are about.
  const context = {
    conversations: failing,
    workspace: failing,
    jupyter: failing,
    notebooks: failing,
    server: failing,
    log: new Log("info"),
    scopes,
  } as CallContext;
  const server = createServer(context);
  const client = new Client({ name: "test", version: "1" });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await server.connect(ours);
  await client.connect(theirs);
  return client;
}

/** All that a client can ask for with each resource and prompt, by what it asks. */
function asking(client: Client): (readonly [string, () => Promise<unknown>])[] {
  const uris = [
    "jupyter://notebooks/a.ipynb",
    "jupyter://files/a.txt",
    "jupyter://conversations/c_aaaaaaaaaa/executions/e1",
  ];
  const value = "c_aaaaaaaaaa";
  const args = { path: "a.ipynb", conversation: value };
  return [
    ...uris.map((uri) => [uri, () => client.readResource({ uri })] as const),
    ...RESOURCES.flatMap(({ template, variables }) =>
      variables.map((name) => {
        const params = {
          ref: { type: "ref/resource", uri: template },
          argument: { name, value: "" },
          context: { arguments: { conversation: value } },
        } as const;
        return [`${template} ${name}`, () => client.complete(params)] as const;
      }),
    ),
    ...PROMPTS.flatMap(({ name: prompt, variables }) =>
      variables.map((name) => {
        const params = {
          ref: { type: "ref/prompt", name: prompt },
          argument: { name, value: "" },
        } as const;
        return [`${prompt} ${name}`, () => client.complete(params)] as const;
      }),
    ),
    ...PROMPTS.map(
      ({ name }) => [name, () => client.getPrompt({ name, arguments: args })] as const,
    ),
  ];
}

async function messageOf(work: () => Promise<unknown>): Promise<string> {
  try {
    return `no error: ${JSON.stringify(await work())}`;
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
}

test("without its scopes nothing is read, completed or prompted for, whoever let the request in", async () => {
  const client = await connect([]);
  const cases = asking(client);
  expect(cases.length).toBeGreaterThan(12);
  for (const [what, work] of cases)
    expect(await messageOf(work), what).toMatch(
      /^The user has not allowed that: it needs [a-z: ]+\.\nNext: Ask the user/,
    );
});

test("of what should not happen a client sees an id, and the log where it was, and neither its message", async () => {
  const logged = vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "log").mockImplementation(() => {});
  const client = await connect(SCOPES);
  let bugs = 0;
  for (const [what, work] of asking(client)) {
    const message = await messageOf(work);
    expect(message, what).not.toContain("secret");
    if (/^Something went wrong in the server itself \(error \w{8}\)/.test(message))
      bugs += 1;
    else expect(message, what).toContain("no error");
  }
  // All but the three prompts whose text is the same whatever is there.
  expect(bugs).toBe(asking(client).length - 3);
  const lines = logged.mock.calls.flat();
  expect(JSON.parse(String(lines[0]))).toMatchObject({
    event: "bug",
    kind: "resource",
    name: "notebook",
    id: expect.stringMatching(/^[0-9a-f]{8}$/),
    error: "Error",
    frames: expect.stringMatching(/ < \S+ tool\.ts:\d+:\d+ < /),
  });
  expect(lines.join("\n")).not.toContain("secret");
});
