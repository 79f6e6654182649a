import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, inject, test } from "vitest";
import { hashServer, LOCAL_PRINCIPAL, roomName } from "../../src/identity.ts";
import { fileText, notebookOf, putText } from "../integration/notebook-support.ts";
import {
  connect,
  controlUrl,
  cutConnections,
  eventually,
  jupyter,
  whileJupyterIs,
} from "../integration/support.ts";
import type { McpClient } from "../support/mcp-client.ts";
import { Person } from "./person.ts";
import { created, sourcesInFile } from "./support.ts";

async function sourcesTold(client: McpClient, path: string): Promise<string> {
  const read = await client.call("read_notebook", { path, cells: "all" });
  expect(read.isError, read.text).toBe(false);
  return read.text;
}

/** Has the gateway do something. */
async function command(name: string): Promise<void> {
  const answer = await fetch(controlUrl(`/${name}`));
  expect(await answer.text()).toBe("ok");
}

/** Cuts the rooms' connections that are opened next, each after so many bytes in a direction. */
async function cutRooms(limits: readonly { up?: number; down?: number }[]) {
  await command(`cut-rooms?${new URLSearchParams({ limits: JSON.stringify(limits) })}`);
}

/** Waits until the assistant has left a notebook's room: its object can rest then. */
async function hasLeft(path: string): Promise<void> {
  const serverHash = await hashServer(`http://127.0.0.1:${inject("gateway").port}`);
  const owner = { principal: LOCAL_PRINCIPAL, serverHash };
  await evictDurableObject(env.NOTEBOOK_ROOM.getByName(await roomName(owner, path)));
}

/** Whether the server has a room of a notebook now. */
async function hasRoom(path: string): Promise<boolean> {
  const query = "?format=json&type=notebook";
  const answer = await jupyter(`/api/collaboration/timeline/${path}${query}`);
  await answer.text();
  return answer.status === 200;
}

const INSERT = [{ op: "insert", after: "end", cell_type: "code", source: "ours = 1" }];

// A sync message of a small notebook has some hundred bytes; what is cut first is the
// handshake, then the document on its way here, then the edit on its way there.
test.each([
  ["before a byte has come", [{ down: 0 }]],
  ["in the handshake", [{ down: 100 }]],
  ["in the server's first message", [{ down: 140 }]],
  ["in the document", [{ down: 300 }]],
  ["in the document, again and again", [{ down: 300 }, { down: 400 }, { down: 10 }]],
  ["before a byte was sent", [{ up: 0 }]],
  ["in our first message", [{ up: 20 }]],
])(
  "a connection that is cut %s is made anew, and the edit is there once",
  async (name, cuts) => {
    await using client = await connect();
    const path = `cut-in-${name.replaceAll(/\W/g, "-")}.ipynb`;
    const { version } = await created(client, path, ["a = 1", "b = 1"]);
    await hasLeft(path);
    await cutRooms(cuts);
    const edited = await client.call("edit_notebook", { path, version, edits: INSERT });
    expect(edited.isError, edited.text).toBe(false);
    expect(await sourcesInFile(path)).toEqual(["a = 1", "b = 1", "ours = 1"]);
  },
);

test("a connection that is cut at any byte of an edit ends in that edit, once", async () => {
  await using client = await connect();
  const path = "cut-out.ipynb";
  let { version } = await created(client, path, ["a = 1"]);
  const expected = ["a = 1"];
  await using person = await Person.opens(path);
  // From our presence over the request for the document to the edit and the wish to save.
  for (let up = 40; up < 640; up += 40) {
    await hasLeft(path);
    await cutRooms([{ up }]);
    const source = `edit = ${up}`;
    const edited = await client.call("edit_notebook", {
      path,
      version,
      edits: [{ op: "insert", after: "end", cell_type: "code", source }],
    });
    expect(edited.isError, edited.text).toBe(false);
    ({ version } = notebookOf(edited));
    expected.push(source);
    await person.sees(expected);
    expect(await sourcesInFile(path)).toEqual(expected);
  }
});

test("a connection that is cut while the answer to an edit is on its way ends in that edit, once", async () => {
  await using client = await connect();
  const path = "cut-answer.ipynb";
  let { version } = await created(client, path, ["a = 1"]);
  const expected = ["a = 1"];
  // Most of them cut in the document, the last ones in what follows it.
  for (let down = 200; down < 1_400; down += 100) {
    await hasLeft(path);
    await cutRooms([{ down }]);
    const source = `edit = ${down}`;
    const edited = await client.call("edit_notebook", {
      path,
      version,
      edits: [{ op: "insert", after: "end", cell_type: "code", source }],
    });
    expect(edited.isError, edited.text).toBe(false);
    ({ version } = notebookOf(edited));
    expected.push(source);
    expect(await sourcesInFile(path)).toEqual(expected);
  }
});

test("all connections cut between two edits, and a Jupyter that is away and comes back, lose nothing", async () => {
  await using client = await connect();
  const path = "cut-between.ipynb";
  const { version } = await created(client, path, ["a = 1"]);
  await cutConnections();
  const edited = await client.call("edit_notebook", { path, version, edits: INSERT });
  expect(edited.isError, edited.text).toBe(false);
  const down = await whileJupyterIs("down", () =>
    client.call("edit_notebook", { path, version, edits: INSERT }),
  );
  expect(down.isError).toBe(true);
  expect(down.text).toMatch(/cannot be reached/);
  expect(await sourcesInFile(path)).toEqual(["a = 1", "ours = 1"]);
  const again = await client.call("edit_notebook", {
    path,
    version: notebookOf(edited).version,
    edits: INSERT,
  });
  expect(again.isError, again.text).toBe(false);
  expect(await sourcesInFile(path)).toEqual(["a = 1", "ours = 1", "ours = 1"]);
});

test.each(["restart", "kill"])(
  "after a %s of the server nothing is there twice, and nothing is gone",
  async (how) => {
    await using client = await connect();
    const path = `server-${how}.ipynb`;
    const { version, ids } = await created(client, path, ["a = 1", "b = 1"]);
    const edit = (base: string, source: string) =>
      client.call("edit_notebook", {
        path,
        version: base,
        edits: [{ op: "replace", cell: ids[0], source }],
      });
    const first = await edit(version, "a = 2");
    expect(first.isError, first.text).toBe(false);
    await command(how);
    const second = await edit(notebookOf(first).version, "a = 3");
    expect(second.isError, second.text).toBe(false);
    expect(await sourcesInFile(path)).toEqual(["a = 3", "b = 1"]);
    expect(await sourcesTold(client, path)).toContain("a = 3");
    await using person = await Person.opens(path);
    await person.sees(["a = 3", "b = 1"]);
  },
);

test("what cells had printed before their server and its kernels died is in the document, once", async () => {
  await using client = await connect();
  const path = "killed-run.ipynb";
  const code = "import time\nprint('begun', flush=True)\ntime.sleep(600)";
  await created(client, path, ["print('whole')", code]);
  const begun = await client.call("run_cells", { path, cells: "all", wait_seconds: 0 });
  const printed = async (): Promise<string[]> => {
    // While Jupyter saves a file, it is empty or ends anywhere.
    const whole = await eventually(
      () => fileText(path),
      (text) => text.endsWith("}\n"),
    );
    const { cells } = JSON.parse(whole);
    return cells.map(({ outputs }: { outputs: { text?: string[] }[] }) =>
      outputs.flatMap(({ text }) => text ?? []).join(""),
    );
  };
  await eventually(printed, ([, second]) => second === "begun\n");
  await command("kill");
  const ended = await eventually(
    () =>
      client.call("get_output", {
        conversation: begun.execution.conversation,
        execution: begun.execution.execution,
        wait_seconds: 5,
      }),
    ({ execution }) => execution.state === "lost",
    50_000,
  );
  expect(ended.text).toContain("begun");
  expect(await printed()).toEqual(["whole\n", "begun\n"]);
  const { version } = notebookOf(await client.call("read_notebook", { path }));
  const edited = await client.call("edit_notebook", { path, version, edits: INSERT });
  expect(edited.isError, edited.text).toBe(false);
  expect(await printed()).toEqual(["whole\n", "begun\n", ""]);
});

test("a run whose room's connection is cut again and again ends with its outputs in the document, once", async () => {
  await using client = await connect();
  const path = "cut-run.ipynb";
  const code = [
    "import time",
    "for i in range(40):",
    "    print('line', i, flush=True)",
    "    time.sleep(0.05)",
  ].join("\n");
  await created(client, path, [code]);
  await using person = await Person.opens(path);
  const begun = await client.call("run_cells", { path, cells: "all", wait_seconds: 0 });
  for (const line of [3, 10, 20]) {
    await eventually(
      () => person.printed(0),
      (printed) => printed.includes(`line ${line}\\n`),
    );
    await command("cut-open-rooms");
  }
  const ended = await client.call("get_output", {
    conversation: begun.execution.conversation,
    execution: begun.execution.execution,
    wait_seconds: 50,
  });
  expect(ended.execution.state, ended.text).toBe("ok");
  const lines = Array.from({ length: 40 }, (_, line) => `line ${line}\n`);
  await eventually(
    () => fileText(path),
    (text) =>
      text.endsWith("}\n") &&
      JSON.stringify(JSON.parse(text).cells[0].outputs[0]?.text) ===
        JSON.stringify(lines),
  );
  await eventually(
    () => person.printed(0),
    (printed) => printed.split("line 7\\n").length === 2 && printed.includes("line 39"),
  );
});

test("a notebook that is moved while it is open is edited where it is, and is not there any more where it was", async () => {
  await using client = await connect();
  const path = "moved-from.ipynb";
  const to = "moved-to.ipynb";
  const { version } = await created(client, path, ["a = 1"]);
  await using person = await Person.opens(path);
  const moved = await client.call("move_file", { from: path, to });
  expect(moved.isError, moved.text).toBe(false);
  person.types(0, "0");
  await person.hasSent();
  const gone = await client.call("edit_notebook", { path, version, edits: INSERT });
  expect(gone.isError).toBe(true);
  expect(gone.text).toMatch(/There is nothing at "moved-from.ipynb"/);
  const now = notebookOf(await client.call("read_notebook", { path: to }));
  const edited = await client.call("edit_notebook", {
    path: to,
    version: now.version,
    edits: INSERT,
  });
  expect(edited.isError, edited.text).toBe(false);
  await person.sees(["a = 10", "ours = 1"]);
  expect(await sourcesInFile(to)).toEqual(["a = 10", "ours = 1"]);
});

test("a notebook that is deleted while it is open is gone, and another one at its place is another one", async () => {
  await using client = await connect();
  const path = "deleted.ipynb";
  const { version } = await created(client, path, ["old = 1"]);
  await using person = await Person.opens(path);
  const deleted = await client.call("delete_file", { path });
  expect(deleted.isError, deleted.text).toBe(false);
  const gone = await client.call("edit_notebook", { path, version, edits: INSERT });
  expect(gone.text).toMatch(/There is nothing at "deleted.ipynb"/);
  const other = await created(client, path, ["new = 1"]);
  const edited = await client.call("edit_notebook", {
    path,
    version: other.version,
    edits: INSERT,
  });
  expect(edited.isError, edited.text).toBe(false);
  expect(await sourcesInFile(path)).toEqual(["new = 1", "ours = 1"]);
  expect(person.sources).toEqual(["old = 1"]);
});

test("cells of a notebook that was removed past its server run as for who has it open, and are not told as written", async () => {
  await using client = await connect();
  const path = "removed.ipynb";
  await created(client, path, ["print('here')"]);
  const { execution } = await client.call("run_cells", { path, cells: "all" });
  const conversation = execution?.conversation;
  const code = `import os; os.remove("${path}")`;
  const removed = await client.call("run_code", { code, conversation });
  expect(removed.isError, removed.text).toBe(false);
  const again = await client.call("run_cells", { path, cells: "all", conversation });
  expect(again.text).toContain("here");
  expect(again.text).toContain("Not all outputs are in the file (file not found)");
  const read = await client.call("read_notebook", { path });
  expect(read.text).toMatch(/There is nothing at "removed.ipynb"/);
});

test("a room that was cleaned up, whose file somebody has changed since, is the changed file once", async () => {
  await using client = await connect();
  const path = "cleaned.ipynb";
  const { version, ids } = await created(client, path, ["a = 1", "b = 1"]);
  const first = await client.call("edit_notebook", { path, version, edits: INSERT });
  expect(first.isError, first.text).toBe(false);
  await hasLeft(path);
  await eventually(
    () => hasRoom(path),
    (has) => !has,
  );
  const whole = await fileText(path);
  await putText(path, whole.replace("b = 1", "b = 2"));
  await eventually(
    () => sourcesTold(client, path),
    (told) => told.includes("b = 2"),
  );
  const edited = await client.call("edit_notebook", {
    path,
    version,
    edits: [{ op: "replace", cell: ids[0], source: "a = 2" }],
  });
  expect(edited.isError, edited.text).toBe(false);
  expect(await sourcesInFile(path)).toEqual(["a = 2", "b = 2", "ours = 1"]);
});

test("what somebody saves past the room is taken over by it, and told", async () => {
  await using client = await connect();
  const path = "past.ipynb";
  const { version, ids } = await created(client, path, ["a = 1", "b = 1"]);
  await using person = await Person.opens(path);
  await putText(path, (await fileText(path)).replace("b = 1", "b = 2"));
  await person.sees(["a = 1", "b = 2"]);
  const edited = await client.call("edit_notebook", {
    path,
    version,
    edits: [{ op: "replace", cell: ids[0], source: "a = 2" }],
  });
  expect(edited.isError, edited.text).toBe(false);
  expect(edited.text).toContain(`changed ${ids[1]}`);
  expect(await sourcesInFile(path)).toEqual(["a = 2", "b = 2"]);
});

test("two conversations that run cells of one notebook at once leave the outputs of both", async () => {
  await using client = await connect();
  const path = "two.ipynb";
  const { ids } = await created(client, path, ["print('one')", "print('two')", "3"]);
  await using person = await Person.opens(path);
  const runs = await Promise.all(
    ids.slice(0, 2).map((id) => client.call("run_cells", { path, cells: [id] })),
  );
  expect(new Set(runs.map(({ execution }) => execution.conversation)).size).toBe(2);
  for (const run of runs) expect(run.execution.state, run.text).toBe("ok");
  const { cells } = JSON.parse(await fileText(path));
  expect(cells[0].outputs).toMatchObject([{ text: ["one\n"] }]);
  expect(cells[1].outputs).toMatchObject([{ text: ["two\n"] }]);
  expect(cells[2].outputs).toEqual([]);
  await eventually(
    () => [person.printed(0), person.printed(1)].join(),
    (printed) => printed.includes("one") && printed.includes("two"),
  );
});

test("a notebook of 10 MB is read, edited and run in its room, and others see what changes", async () => {
  await using client = await connect();
  const path = "ten.ipynb";
  const text = "0123456789 abcdefghi\n".repeat(2_400);
  const cells = Array.from({ length: 200 }, (_, index) => ({
    cell_type: "code",
    id: `cell${index}`,
    metadata: {},
    source: `print(${index})`,
    execution_count: null,
    outputs: [{ output_type: "stream", name: "stdout", text }],
  }));
  await putText(
    path,
    JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 }),
  );
  expect((await fileText(path)).length).toBeGreaterThan(10_000_000);
  const read = await client.call("read_notebook", { path });
  expect(read.isError, read.text).toBe(false);
  await using person = await Person.opens(path);
  const edited = await client.call("edit_notebook", {
    path,
    version: notebookOf(read).version,
    edits: [{ op: "replace", cell: "cell7", source: "print('seven')" }],
  });
  expect(edited.isError, edited.text).toBe(false);
  const ran = await client.call("run_cells", { path, cells: ["cell7"] });
  expect(ran.execution.state, ran.text).toBe("ok");
  await eventually(
    () => [person.sources[7], person.printed(7)].join(),
    (seen) => seen.includes("print('seven')") && seen.includes('"seven\\n"'),
  );
  const stored = JSON.parse(await fileText(path));
  expect(stored.cells).toHaveLength(200);
  expect(stored.cells[7].outputs).toMatchObject([{ text: ["seven\n"] }]);
  expect(stored.cells[8].outputs[0].text).toHaveLength(2_400);
});

test("a notebook that grows in its room beyond what is edited and run is still read, and told as too large otherwise", async () => {
  await using client = await connect();
  const path = "grown.ipynb";
  const slow = "import os, time\nwhile not os.path.exists('grown'): time.sleep(0.05)";
  const { ids } = await created(client, path, ["x = 1", `${slow}\nprint('late')`]);
  const first = await client.call("run_cells", { path, cells: [ids[0]] });
  expect(first.execution.state, first.text).toBe("ok");
  const { conversation } = first.execution;
  const begun = await client.call("run_cells", {
    path,
    cells: [ids[1]],
    conversation,
    wait_seconds: 0,
  });
  const { execution } = begun.execution;
  await using person = await Person.opens(path);
  for (let index = 0; index < 3; index += 1) {
    const source = "0123456789 abcdefghi\n".repeat(350_000);
    person.notebook.addCell({ cell_type: "raw", source });
    await person.hasSent();
  }
  await putText("grown", "");
  // What is printed now is kept, and does not push out what is in the notebook.
  const ended = await client.call("get_output", {
    conversation,
    execution,
    wait_seconds: 30,
  });
  expect(ended.text).toContain("late");
  expect(ended.text).toContain("Not all outputs are in the file (file too large)");
  expect(person.printed(1)).not.toContain("too large");
  const ran = await client.call("run_cells", { path, cells: "all" });
  expect(ran.isError).toBe(true);
  expect(ran.text).toMatch(/"grown.ipynb" has 23\.1 MB; the limit here is 20/);
  const read = await client.call("read_notebook", { path });
  expect(read.isError, read.text).toBe(false);
});

test("what the server cannot write is told as being in the room alone", async () => {
  await using client = await connect();
  const path = "not-written.ipynb";
  const { version, ids } = await created(client, path, ["a = 1"]);
  await using person = await Person.opens(path);
  // Jupyter's collaboration fails at a float that is no number when it saves.
  person.notebook.cells[0]?.setMetadata("weight", Number.POSITIVE_INFINITY);
  await person.hasSent();
  const edited = await client.call("edit_notebook", {
    path,
    version,
    edits: [{ op: "replace", cell: ids[0], source: "a = 2" }],
  });
  expect(edited.isError, edited.text).toBe(false);
  expect(edited.text).toContain("could not write it into the file");
  await person.sees(["a = 2"]);
  expect(await sourcesInFile(path)).toEqual(["a = 1"]);
});

test("a server that gets the extension, has it switched off and gets it back is asked again each time", async () => {
  await using client = await connect();
  const path = "asked.ipynb";
  const { version, ids } = await created(client, path, ["print(1)"]);
  const { conversation } = (await client.call("run_code", { code: "1" })).execution;
  let base = version;
  /** The Worker has forgotten what the server offered by the next call, the conversation has not. */
  const editAndRun = async (number: number) => {
    const edited = await client.call("edit_notebook", {
      path,
      version: base,
      edits: [{ op: "replace", cell: ids[0], source: `print(${number})` }],
    });
    expect(edited.isError, edited.text).toBe(false);
    base = notebookOf(edited).version;
    const ran = await client.call("run_cells", { path, cells: "all", conversation });
    expect(ran.execution.state, ran.text).toBe("ok");
    const [cell] = JSON.parse(await fileText(path)).cells;
    expect(cell).toMatchObject({
      source: [`print(${number})`],
      outputs: [{ text: [`${number}\n`] }],
    });
  };
  await editAndRun(2);
  expect(await hasRoom(path)).toBe(true);
  await command("without-collaboration");
  await editAndRun(3);
  await command("switched-off-collaboration");
  await editAndRun(4);
  expect(await hasRoom(path)).toBe(false);
  await command("with-other-executor");
  await editAndRun(5);
  expect(await hasRoom(path)).toBe(true);
  await command("with-collaboration");
  await editAndRun(6);
  expect(await hasRoom(path)).toBe(true);
});
