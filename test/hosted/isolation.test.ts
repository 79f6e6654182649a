import { env } from "cloudflare:workers";
import { listDurableObjectIds } from "cloudflare:test";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { TOOLS } from "../../src/mcp/server.ts";
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
  list_files: () => ({ depth: 3 }),
  read_file: () => ({ path: "theirs.txt" }),
  write_file: () => ({ path: "mine.txt", content: "mine", overwrite: true }),
  copy_file: () => ({ from: "theirs.txt", to: "copy.txt" }),
  move_file: () => ({ from: "theirs.txt", to: "moved.txt" }),
  delete_file: () => ({ path: "theirs.txt" }),
  create_notebook: () => ({ path: "mine.ipynb" }),
  read_notebook: () => ({ path: "theirs.ipynb" }),
  edit_notebook: () => ({
    path: "theirs.ipynb",
    version: "v0",
    edits: [{ op: "clear_outputs" }],
  }),
  run_cells: ({ conversation }) => ({ conversation, path: "theirs.ipynb", cells: "all" }),
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

test("there is a case for every tool", () => {
  expect(TOOLS.map(({ name }) => name).toSorted()).toEqual(Object.keys(CASES).toSorted());
});

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
    if ("conversation" in args) {
      const unknown = await other.call(tool, { ...args, conversation: UNKNOWN });
      expect(comparable(found, theirs.conversation)).toBe(comparable(unknown, UNKNOWN));
      expect(found.isError).toBe(true);
    } else {
      expect(found.text).not.toContain(theirs.conversation);
    }
    // The alias is the same Jupyter, and Jupyter shares its files.
    if (name.startsWith("another person")) expect(found.text).not.toContain("canary");
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

test("each object of a conversation is named after its person and server", async () => {
  const ids = await listDurableObjectIds(env.CONVERSATION);
  const names = ids.flatMap(({ name }) => name ?? []);
  for (const each of names)
    expect(each).toMatch(/^[a-z2-7]{52}\/[a-z2-7]{16}\/c_[a-z2-7]{10}$/);
  expect(ids.length).toBeGreaterThan(0);
});
