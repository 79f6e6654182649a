import {
  abortAllDurableObjects,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, inject, test } from "vitest";
import { CONVERSATION_SCHEMA } from "../../src/conversation/storage.ts";
import { hashServer, LOCAL_PRINCIPAL, workspaceName } from "../../src/identity.ts";
import { KernelChannels } from "../../src/jupyter/channels.ts";
import { requestMessage, type Message } from "../../src/jupyter/messages.ts";
import { JupyterServer } from "../../src/jupyter/server.ts";
import { WORKSPACE_SCHEMA } from "../../src/workspace/workspace.ts";
import first from "../storages/conversation-1.sql?raw";
import renumbered from "../storages/conversation-1-renumbered.sql?raw";
import second from "../storages/conversation-2.sql?raw";
import third from "../storages/conversation-3.sql?raw";
import fourth from "../storages/conversation-4.sql?raw";
import sixth from "../storages/conversation-6.sql?raw";
import directory from "../storages/workspace-conversations.sql?raw";
import indexByState from "../storages/workspace-index-by-state.sql?raw";
import indexByTurn from "../storages/workspace-index-by-turn.sql?raw";
import versions from "../storages/workspace-versions.sql?raw";
import { connect, jupyter, jupyterAddress, stubOf } from "./support.ts";

/** A storage whose tables are those of another version, too, under a name of its own. */
function underNumber(sql: string, version: number, handle: string): string {
  return sql
    .replace(/(INSERT INTO meta .* VALUES \()\d+/, `$1${version}`)
    .replaceAll(/c_[a-z2-7]{10}/g, handle);
}

const CONVERSATIONS = [
  ["1", first],
  ["1, renumbered", renumbered],
  ["2", second],
  ["3", third],
  ["4", fourth],
  // What came into 6 had been in the later storages of 5.
  ["5, at first", underNumber(fourth, 5, "c_azgu7wnea5")],
  ["5", underNumber(sixth, 5, "c_azgu7wneb5")],
  // Of now: tables that are changed without another version do not fit it.
  ["6", sixth],
] as const;

const WORKSPACES = [
  ["the directory alone", directory],
  ["versions of notebooks", versions],
  ["an index of notebooks by their state", indexByState],
  ["an index of notebooks by their turn", indexByTurn],
] as const;

const NEWER = /was written by a newer version[\s\S]*\nNext: Ask whoever runs this server/;

/** An execution that has not ended, and the kernel that it is in. */
type Unfinished = {
  execution: string;
  msgId: string;
  kernel: string;
  session: string;
};

/** Puts a storage into the object of its conversation, as of now and on this server. */
async function store(sql: string) {
  const conversation = /'(c_[a-z2-7]{10})'/.exec(sql)?.[1] ?? "";
  const serverHash = await hashServer(`http://127.0.0.1:${inject("gateway").port}`);
  const unfinished = await runInDurableObject(
    await stubOf(conversation),
    async (_instance, { storage }) => {
      const now = Date.now();
      await storage.deleteAll();
      storage.sql.exec(sql);
      storage.sql.exec(
        "UPDATE meta SET server_hash = ?, created_at = ?",
        serverHash,
        now,
      );
      storage.sql.exec("UPDATE kernels SET used_at = ? + slot", now);
      storage.sql.exec("UPDATE due_times SET at = ?", now + 600_000);
      await storage.setAlarm(now + 600_000);
      return storage.sql
        .exec<Unfinished>(
          `SELECT 'e' || e.number AS execution, e.msg_id AS msgId, k.kernel_id AS kernel, k.session_id AS session
         FROM executions e JOIN kernels k ON k.slot = e.slot WHERE e.ended_at IS NULL ORDER BY e.number`,
        )
        .toArray();
    },
  );
  const [waiting, running] = unfinished;
  if (waiting === undefined || running === undefined) throw new Error("nothing runs");
  return { conversation, waiting, running };
}

/** Runs code in a new kernel as the Worker did before it was replaced, until a message of that type comes. */
async function runBefore(
  { msgId, session }: Unfinished,
  code: string,
  until: string,
): Promise<string> {
  const started = await jupyter("/api/kernels", {
    method: "POST",
    body: JSON.stringify({ name: "python3" }),
  });
  const { id } = await started.json<{ id: string }>();
  const direct = new JupyterServer(jupyterAddress());
  const { promise: seen, resolve } = Promise.withResolvers<void>();
  const channels = await KernelChannels.open(direct, id, session, {
    message({ header }: Message) {
      if (header.msg_type === until) resolve();
    },
    closed: () => undefined,
  });
  channels.send(
    requestMessage({
      channel: "shell",
      msg_type: "execute_request",
      msg_id: msgId,
      session,
      date: new Date(),
      content: { code, silent: false, store_history: true, allow_stdin: true },
    }),
  );
  await seen;
  await channels.close();
  return id;
}

function tablesIn(sql: SqlStorage): Record<string, string[]> {
  const tables = sql
    .exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL ORDER BY name",
    )
    .toArray();
  return Object.fromEntries(
    tables
      .filter(({ name }) => !/^_|^sqlite_|^trigrams_/.test(name))
      .map(({ name }) => [
        name,
        sql
          .exec<{ name: string }>("SELECT name FROM pragma_table_info(?)", name)
          .toArray()
          .map((column) => column.name)
          .toSorted(),
      ]),
  );
}

/** Everything that is stored, but for the runtime's own. */
function contentsOf(sql: SqlStorage): string {
  const tables = Object.keys(tablesIn(sql));
  return JSON.stringify(
    tables.map((name) => [name, sql.exec(`SELECT * FROM ${name}`).toArray()]),
  );
}

test.for(CONVERSATIONS)(
  "a conversation of version %s reads as before, what ran in kernels that are gone is lost, and new code runs",
  async ([, sql]) => {
    await using client = await connect();
    const { conversation, waiting, running } = await store(sql);
    await abortAllDurableObjects();
    const printed = await client.call("get_output", { conversation, execution: "e1" });
    expect(printed.text).toContain("line 0\nline 1\nline 2");
    expect(printed.execution.state).toBe("ok");
    const drawn = await client.call("get_output", { conversation, execution: "e2" });
    expect(drawn.text).toMatch(
      /\[image 1: .*\]\n\[image 2: .*\]\ndrawn\n\[image 3: image\/png 1×1/,
    );
    const last = await client.call("get_output", {
      conversation,
      execution: "e2",
      image: 3,
    });
    expect(last.images).toHaveLength(1);
    const failed = await client.call("get_output", { conversation, execution: "e3" });
    expect(failed.text).toMatch(/warned[\s\S]*ZeroDivisionError: division by zero/);
    if (waiting.execution === "e5") {
      const cells = await client.call("get_output", { conversation, execution: "e4" });
      expect(cells.text).toContain("cell one");
      expect(cells.text).toContain("42");
    }
    for (const { execution } of [waiting, running]) {
      const lost = await client.call("get_output", { conversation, execution });
      expect(lost.execution.state).toBe("lost");
      expect(lost.text).toContain("the kernel is no longer on the server");
    }
    const ran = await client.call("run_code", {
      conversation,
      code: "from IPython.display import Image, display\nprint('as', 'new')",
      kernel: "new:python",
    });
    expect(ran.text).toContain("as new");
    const { tables, version } = await runInDurableObject(
      await stubOf(conversation),
      (_instance, state) => ({
        tables: tablesIn(state.storage.sql),
        version: state.storage.sql.exec("SELECT version FROM meta").one()["version"],
      }),
    );
    const fresh = await client.call("run_code", { code: "1" });
    expect(tables).toEqual(
      await runInDurableObject(
        await stubOf(fresh.execution.conversation),
        (_instance, state) => tablesIn(state.storage.sql),
      ),
    );
    expect(version).toBe(CONVERSATION_SCHEMA.version);
  },
);

test.for(CONVERSATIONS)(
  "what runs and what waits for input while a conversation of version %s is upgraded goes on",
  async ([, sql]) => {
    await using client = await connect();
    const { conversation, waiting, running } = await store(sql);
    const kernels = [
      [await runBefore(waiting, "print(input('Who? '))", "input_request"), waiting],
      [
        await runBefore(
          running,
          "import time\nprint('begun', flush=True)\ntime.sleep(1)\nprint('went', 'on')",
          "stream",
        ),
        running,
      ],
    ] as const;
    await runInDurableObject(await stubOf(conversation), (_instance, { storage }) => {
      for (const [id, { kernel }] of kernels)
        storage.sql.exec(
          "UPDATE kernels SET kernel_id = ? WHERE kernel_id = ?",
          id,
          kernel,
        );
    });
    await abortAllDurableObjects();
    expect(await runDurableObjectAlarm(await stubOf(conversation))).toBe(true);
    const ended = await client.call("get_output", {
      conversation,
      execution: running.execution,
    });
    expect(ended.text).toContain("begun\nwent on");
    expect(ended.execution.state).toBe("ok");
    const answered = await client.call("send_input", {
      conversation,
      execution: waiting.execution,
      text: "Ada",
    });
    expect(answered.text).toContain("Ada");
    expect(answered.execution.state).toBe("ok");
  },
);

test("an upgrade that the program before had left half done is made good", async () => {
  await using client = await connect();
  const { conversation } = await store(first);
  await runInDurableObject(await stubOf(conversation), (_instance, { storage }) => {
    storage.sql.exec("UPDATE meta SET version = 4");
    storage.sql.exec("ALTER TABLE executions ADD COLUMN failure TEXT");
  });
  await abortAllDurableObjects();
  const drawn = await client.call("get_output", {
    conversation,
    execution: "e2",
    image: 2,
  });
  expect(drawn.images).toHaveLength(1);
  const ran = await client.call("run_code", {
    conversation,
    code: "print('as', 'new')",
    kernel: "new:python",
  });
  expect(ran.text).toContain("as new");
});

test("a conversation of a newer version is refused by all that could be asked of it, and nothing of it is changed", async () => {
  await using client = await connect();
  const begun = await client.call("run_code", { code: "print('by the newer one')" });
  const { conversation, execution } = begun.execution;
  const version = CONVERSATION_SCHEMA.version;
  const before = await runInDurableObject(
    await stubOf(conversation),
    async (_instance, { storage }) => {
      storage.sql.exec("UPDATE meta SET version = ?", version + 1);
      await storage.setAlarm(Date.now() + 600_000);
      return contentsOf(storage.sql);
    },
  );
  await abortAllDurableObjects();
  const kernel = begun.execution.kernel ?? "";
  const calls = [
    ["run_code", { code: "1" }],
    ["run_cells", { path: "none.ipynb", cells: "all" }],
    ["get_output", {}],
    ["get_output", { execution }],
    ["get_output", { execution, find: "newer" }],
    ["get_output", { execution, image: 1 }],
    ["send_input", { execution, text: "1" }],
    ["interrupt_kernel", {}],
    ["restart_kernel", {}],
    ["shutdown_kernel", { kernel }],
    ["list_variables", {}],
    ["inspect_code", { code: "print" }],
    ["end_conversation", {}],
  ] as const;
  for (const [tool, args] of calls) {
    const refused = await client.call(tool, { conversation, ...args });
    expect(refused.isError, tool).toBe(true);
    expect(refused.text, tool).toMatch(NEWER);
  }
  expect(await runDurableObjectAlarm(await stubOf(conversation))).toBe(true);
  const after = await runInDurableObject(
    await stubOf(conversation),
    async (_instance, { storage }) => {
      const alarm = await storage.getAlarm();
      return { contents: contentsOf(storage.sql), alarm };
    },
  );
  expect(after.contents).toBe(before);
  expect(after.alarm).toBeGreaterThan(Date.now());

  // The newer one is deployed again.
  await runInDurableObject(await stubOf(conversation), (_instance, { storage }) => {
    storage.sql.exec("UPDATE meta SET version = ?", version);
  });
  await abortAllDurableObjects();
  const read = await client.call("get_output", { conversation, execution });
  expect(read.text).toContain("by the newer one");
});

/** The object that the conversations of local use share. */
async function sharedStub() {
  const serverHash = await hashServer(`http://127.0.0.1:${inject("gateway").port}`);
  return env.WORKSPACE.getByName(
    workspaceName({ principal: LOCAL_PRINCIPAL, serverHash }),
  );
}

test.for(WORKSPACES)(
  "a workspace with %s from before versions lists what it has, and searches",
  async ([, sql]) => {
    await using client = await connect();
    await client.call("create_notebook", {
      path: "upgraded.ipynb",
      cells: [{ cell_type: "code", source: "unlike_any_other = 1" }],
    });
    await runInDurableObject(await sharedStub(), async (_instance, { storage }) => {
      await storage.deleteAll();
      storage.sql.exec(sql);
    });
    await abortAllDurableObjects();
    const listed = await client.call("list_conversations", {});
    expect(listed.text).toContain(/'(c_[a-z2-7]{10})'/.exec(sql)?.[1]);
    const found = await client.call("search_notebooks", {
      query: "unlike_any_other",
      fresh: true,
    });
    expect(found.text).toContain("upgraded.ipynb");
    const { tables, version } = await runInDurableObject(
      await sharedStub(),
      (_instance, state) => ({
        tables: Object.keys(tablesIn(state.storage.sql)),
        version: state.storage.sql.exec("SELECT version FROM schema_version").one(),
      }),
    );
    expect(tables).toEqual(expect.arrayContaining(["conversations", "notebooks"]));
    expect(version).toEqual({ version: WORKSPACE_SCHEMA.version });
  },
);

test("a workspace of a newer version is refused in words, and nothing of it is changed", async () => {
  await using client = await connect();
  await client.call("search_notebooks", { query: "anything", fresh: true });
  const setVersion = async (version: number) =>
    runInDurableObject(await sharedStub(), (_instance, { storage }) => {
      storage.sql.exec("UPDATE schema_version SET version = ?", version);
      return contentsOf(storage.sql);
    });
  const before = await setVersion(WORKSPACE_SCHEMA.version + 1);
  await abortAllDurableObjects();
  const calls = [
    ["list_conversations", {}],
    ["search_notebooks", { query: "anything" }],
  ] as const;
  for (const [tool, args] of calls) {
    const refused = await client.call(tool, args);
    expect(refused.isError, tool).toBe(true);
    expect(refused.text, tool).toMatch(NEWER);
  }
  // What needs nothing of it, but would tell it something, works all the same.
  const created = await client.call("create_notebook", { path: "another.ipynb" });
  expect(created.isError, created.text).toBe(false);
  await runDurableObjectAlarm(await sharedStub());
  const after = await runInDurableObject(await sharedStub(), (_instance, { storage }) =>
    contentsOf(storage.sql),
  );
  expect(after).toBe(before);
  await setVersion(WORKSPACE_SCHEMA.version);
  await abortAllDurableObjects();
  const found = await client.call("list_conversations", {});
  expect(found.isError).toBe(false);
});
