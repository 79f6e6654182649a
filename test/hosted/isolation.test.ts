import { env } from "cloudflare:workers";
import { listDurableObjectIds } from "cloudflare:test";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { conversationName, hashServer } from "../../src/identity.ts";
import { PROMPTS, RESOURCES, TOOLS } from "../../src/mcp/server.ts";
import type { Called, McpClient } from "../support/mcp-client.ts";
import { arrivedAt, connectWith, localUrl, signIn } from "./support.ts";

/** Like one of ours, and nobody's. */
const UNKNOWN = "c_aaaaaaaaaa";

/** What belongs to person A. */
interface Theirs {
  readonly conversation: string;
  readonly execution: string;
  readonly waiting: string;
  readonly kernel: string;
}

type Args = Readonly<Record<string, unknown>>;

/**
 * How each tool could be turned to what is somebody else's. A tool that takes no
 * conversation is asked for everything that it shows. One that is missing here
 * fails the test.
 */
const CASES: Readonly<Record<string, (theirs: Theirs) => Args>> = {
  run_code: ({ conversation }) => ({ conversation, code: "secret" }),
  get_output: ({ conversation, execution }) => ({ conversation, execution }),
  send_input: ({ conversation, waiting }) => ({
    conversation,
    execution: waiting,
    text: "mine",
  }),
  interrupt_kernel: ({ conversation }) => ({ conversation }),
  restart_kernel: ({ conversation }) => ({ conversation }),
  shutdown_kernel: ({ conversation, kernel }) => ({ conversation, kernel }),
  list_kernels: ({ conversation }) => ({ conversation }),
  list_conversations: () => ({}),
  end_conversation: ({ conversation }) => ({ conversation, shutdown_kernels: true }),
  list_variables: ({ conversation, kernel }) => ({ conversation, kernel }),
  inspect_code: ({ conversation }) => ({ conversation, code: "secret" }),
  list_files: () => ({ depth: 3 }),
  read_file: () => ({ path: "theirs.txt" }),
  write_file: () => ({ path: "mine.txt", content: "mine", overwrite: true }),
  copy_file: () => ({ from: "theirs.txt", to: "copy.txt" }),
  move_file: () => ({ from: "theirs.txt", to: "moved.txt" }),
  delete_file: () => ({ path: "theirs.txt" }),
  create_notebook: ({ conversation }) => ({
    path: "mine.ipynb",
    from_conversation: conversation,
  }),
  read_notebook: () => ({ path: "theirs.ipynb" }),
  edit_notebook: () => ({
    path: "theirs.ipynb",
    version: "v0",
    edits: [{ op: "clear_outputs" }],
  }),
  search_notebooks: () => ({ query: "canary-cell" }),
  run_cells: ({ conversation }) => ({ conversation, path: "theirs.ipynb", cells: "all" }),
};

/** The URI of a resource of theirs, by template, and what is typed to find it. */
const RESOURCE_CASES: Readonly<
  Record<string, (theirs: Theirs) => { readonly uri: string; readonly known: Args }>
> = {
  notebook: () => ({ uri: "jupyter://notebooks/theirs.ipynb", known: { path: "the" } }),
  file: () => ({ uri: "jupyter://files/theirs.txt", known: { path: "the" } }),
  execution: ({ conversation, execution }) => ({
    uri: `jupyter://conversations/${conversation}/executions/${execution}`,
    known: { conversation, execution },
  }),
};

/** What of theirs a prompt could be asked for. */
const PROMPT_CASES: Readonly<
  Record<string, (theirs: Theirs) => Readonly<Record<string, string>>>
> = {
  explore_data_file: ({ kernel }) => ({ path: "theirs.txt", kernel }),
  debug_notebook: () => ({ path: "theirs.ipynb" }),
  explain_notebook: () => ({ path: "theirs.ipynb" }),
  suggest_next_steps: ({ conversation }) => ({ conversation }),
};

let theirs: Theirs;
let owner: McpClient;
const others: Record<string, McpClient> = {};

beforeAll(async () => {
  const team = inject("teamServer");
  const own = inject("ownServer");
  owner = await connectWith((await signIn({ token: team.token })).access_token);
  const run = await owner.call("run_code", { code: "secret = 'canary-of-a'; secret" });
  const { conversation, execution, kernel } = run.execution;
  const ask = { conversation, code: "input('canary-prompt')" };
  const waiting = (await owner.call("run_code", ask)).execution.execution;
  await owner.call("write_file", { path: "theirs.txt", content: "canary-file" });
  await owner.call("create_notebook", {
    path: "theirs.ipynb",
    cells: [{ cell_type: "code", source: "'canary-cell'" }],
  });
  theirs = { conversation, execution, waiting, kernel: kernel ?? "" };

  const stranger = await signIn({ token: own.token, server: localUrl(own.port) });
  others["another person, on another server"] = await connectWith(stranger.access_token);
  // The very same Jupyter under another name is another server here, and whoever has its token another person.
  const alias = `http://localhost:${team.port}`;
  const elsewhere = await signIn({ token: team.token, server: alias });
  others["the same token, for another server"] = await connectWith(
    elsewhere.access_token,
  );
});

test("there is a case for every tool, resource and prompt", () => {
  for (const [registry, cases] of [
    [TOOLS, CASES],
    [RESOURCES, RESOURCE_CASES],
    [PROMPTS, PROMPT_CASES],
  ] as const) {
    const names = registry.map(({ name }) => name);
    expect(names.toSorted()).toEqual(Object.keys(cases).toSorted());
  }
});

/** What a client hears, whether it is an answer or an error. */
async function heard(asking: Promise<unknown>): Promise<string> {
  try {
    return JSON.stringify(await asking);
  } catch (error) {
    return `error: ${error instanceof Error ? error.message : "unknown"}`;
  }
}

/** A result without what differs by itself: handles, ids, times. */
function comparable({ text, isError, meta }: Called, conversation: string) {
  return JSON.stringify({ text, isError, meta })
    .replaceAll(conversation, "HANDLE")
    .replaceAll(/\b\d+(\.\d+)? s\b/g, "TIME");
}

describe.each([
  "another person, on another server",
  "the same token, for another server",
])("%s", (name) => {
  test.each(Object.keys(CASES))("%s finds nothing of theirs", async (tool) => {
    const other = others[name];
    if (other === undefined) throw new Error(name);
    const args = CASES[tool]?.(theirs) ?? {};
    const found = await other.call(tool, args);
    const handles = ["conversation", "from_conversation"].filter((arg) => arg in args);
    if (handles.length > 0) {
      const instead = Object.fromEntries(handles.map((arg) => [arg, UNKNOWN]));
      const unknown = await other.call(tool, { ...args, ...instead });
      expect(comparable(found, theirs.conversation)).toBe(comparable(unknown, UNKNOWN));
      expect(found.isError).toBe(true);
    } else {
      expect(found.text).not.toContain(theirs.conversation);
    }
    // The alias is the same Jupyter, and Jupyter shares its files.
    if (name.startsWith("another person")) expect(found.text).not.toContain("canary");
  });

  test.each(RESOURCES)("resource $name shows nothing of theirs", async (resource) => {
    const other = others[name];
    const { uri, known } = RESOURCE_CASES[resource.name]?.(theirs) ?? {};
    if (other === undefined || uri === undefined || known === undefined)
      throw new Error(name);
    const { conversation } = theirs;
    const found = await heard(other.read(uri));
    if (uri.includes(conversation)) {
      const unknown = await heard(other.read(uri.replace(conversation, UNKNOWN)));
      expect(found.replaceAll(conversation, UNKNOWN)).toBe(unknown);
      expect(found).toMatch(/^error: /);
    }
    if (name.startsWith("another person")) expect(found).toMatch(/^error: /);
    expect(resource.variables.toSorted()).toEqual(Object.keys(known).toSorted());
    const ref = { type: "ref/resource", uri: resource.template } as const;
    for (const variable of resource.variables) {
      const argument = { name: variable, value: "" };
      const { values } = await other.complete(ref, argument, { conversation });
      expect(values).not.toContain(known[variable]);
      if (name.startsWith("another person"))
        expect(values.join()).not.toContain("theirs");
    }
  });

  test.each(PROMPTS)("prompt $name says nothing of theirs", async (prompt) => {
    const other = others[name];
    const args = PROMPT_CASES[prompt.name]?.(theirs);
    if (other === undefined || args === undefined) throw new Error(name);
    const { conversation, kernel } = theirs;
    const found = await heard(other.prompt(prompt.name, args));
    expect(found).not.toContain("canary");
    if ("conversation" in args) {
      const unknown = await heard(
        other.prompt(prompt.name, { ...args, conversation: UNKNOWN }),
      );
      expect(found.replaceAll(conversation, UNKNOWN)).toBe(unknown);
      expect(found).toMatch(/^error: /);
    }
    expect(prompt.variables.toSorted()).toEqual(Object.keys(args).toSorted());
    const ref = { type: "ref/prompt", name: prompt.name } as const;
    for (const variable of prompt.variables) {
      const { values } = await other.complete(ref, { name: variable, value: "" });
      expect(values).not.toContain(conversation);
      // The alias is the same Jupyter, whose files and kernels are there for all of its token.
      if (name.startsWith("another person")) {
        expect(values).not.toContain(kernel);
        expect(values.join()).not.toContain("theirs");
      }
    }
  });
});

test("all of theirs is as it was", async () => {
  const { conversation, execution, waiting } = theirs;
  const output = await owner.call("get_output", { conversation, execution });
  expect(output.text).toContain("canary-of-a");
  const asked = await owner.call("get_output", { conversation, execution: waiting });
  expect(asked.execution.state).toBe("waiting for input");
  const text = "'canary-answer'";
  await owner.call("send_input", { conversation, execution: waiting, text });
});

test("no server has seen the credentials of another", async () => {
  const team = inject("teamServer");
  const own = inject("ownServer");
  expect(JSON.stringify(await arrivedAt("ownServer"))).not.toContain(team.token);
  expect(JSON.stringify(await arrivedAt("teamServer"))).not.toContain(own.token);
});

test("the object of a conversation is named after its person and server", async () => {
  const { token, port } = inject("teamServer");
  const { access_token } = await signIn({ token });
  const client = await connectWith(access_token);
  const { conversation: handle } = (await client.call("run_code", { code: "1" }))
    .execution;
  const [principal = ""] = access_token.split(":");
  const serverHash = await hashServer(localUrl(port));
  const name = conversationName({ principal, serverHash, handle });
  expect(name).toMatch(/^[a-z2-7]{52}\/[a-z2-7]{16}\/c_[a-z2-7]{10}$/);
  // What is listed has no name, but that of a name is always the same.
  const ids = await listDurableObjectIds(env.CONVERSATION);
  expect(ids.map(String)).toContain(String(env.CONVERSATION.idFromName(name)));
});
