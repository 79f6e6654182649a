import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as decoding from "lib0/decoding";
import { expect, inject, test } from "vitest";
import { Awareness, applyAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { hashServer, LOCAL_PRINCIPAL, roomName } from "../../src/identity.ts";
import { fileText, notebookOf } from "../integration/notebook-support.ts";
import { connect, eventually, jupyter } from "../integration/support.ts";
import { Person, socketTo } from "./person.ts";
import { created, sourcesInFile } from "./support.ts";

/** How many steps Jupyter's history of a document has, which JupyterLab goes back and forth in. */
async function stepsOf(path: string): Promise<number> {
  const url = `/api/collaboration/timeline/${path}?format=json&type=notebook`;
  const { timestamps } = await (await jupyter(url)).json<{ timestamps: unknown[] }>();
  return timestamps.length;
}

test("a batch of edits is there at once for who has the notebook open, as one step, and in the file", async () => {
  await using client = await connect();
  const path = "step.ipynb";
  const { version, ids } = await created(client, path, ["a = 1", "b = 1", "c = 1"]);
  await using person = await Person.opens(path);
  const stepsBefore = await stepsOf(path);
  const undo = person.undoing();
  const edited = await client.call("edit_notebook", {
    path,
    version,
    edits: [
      { op: "insert", after: "start", cell_type: "markdown", source: "# Title" },
      { op: "replace_text", cell: ids[1], old: "1", new: "2" },
      { op: "move", cell: ids[2], after: "start" },
      { op: "delete", cell: ids[0] },
    ],
  });
  expect(edited.isError, edited.text).toBe(false);
  expect(edited.text).not.toContain("Next:");
  const after = ["c = 1", "# Title", "b = 2"];
  expect(await sourcesInFile(path)).toEqual(after);
  await person.sees(after);
  expect(undo.undoStack).toHaveLength(1);
  // Jupyter's own history of the document has it as one step, too.
  expect(await stepsOf(path)).toBe(stepsBefore + 1);
  undo.undo();
  await person.sees(["a = 1", "b = 1", "c = 1"]);
});

test("what a person types is read before it is in the file, and an edit for an earlier version knows of it", async () => {
  await using client = await connect();
  const path = "typed.ipynb";
  const { version, ids } = await created(client, path, ["a = 1", "b = 1"]);
  await using person = await Person.opens(path);
  person.types(0, "0");
  await person.hasSent();
  const read = await client.call("read_notebook", { path, cells: "all" });
  expect(read.text).toContain("a = 10");
  expect(await sourcesInFile(path)).toEqual(["a = 1", "b = 1"]);
  const edit = (cell: string | undefined) =>
    client.call("edit_notebook", {
      path,
      version,
      edits: [{ op: "replace", cell, source: "mine = 1" }],
    });
  const refused = await edit(ids[0]);
  expect(refused.isError).toBe(true);
  expect(refused.text).toContain('is now: "a = 10"');
  const passed = await edit(ids[1]);
  expect(passed.isError, passed.text).toBe(false);
  expect(passed.text).toContain(`changed ${ids[0]}`);
  await person.sees(["a = 10", "mine = 1"]);
  expect(await sourcesInFile(path)).toEqual(["a = 10", "mine = 1"]);
});

test("what is typed in the very cell that is edited stays, wherever the edit leaves the text alone", async () => {
  await using client = await connect();
  const path = "same-cell.ipynb";
  const source = "first = total(a)\nmiddle = 1\nlast = total(b)";
  const { version, ids } = await created(client, path, [source]);
  await using person = await Person.opens(path);
  const edited = client.call("edit_notebook", {
    path,
    version,
    edits: [{ op: "replace_text", cell: ids[0], old: "total", new: "amount", all: true }],
  });
  person.types(0, "  # here", source.indexOf("\nlast"));
  const { isError, text } = await edited;
  // Some of it had come before the edit, which is then refused, or it came while that was made.
  if (isError) expect(text).toContain("was changed since");
  const name = isError ? "total" : "amount";
  await person.sees([`first = ${name}(a)\nmiddle = 1  # here\nlast = ${name}(b)`]);
});

test("outputs stream into the cell as they are printed, and stay", async () => {
  await using client = await connect();
  const path = "stream.ipynb";
  const code = [
    "import pathlib, time",
    "print('begun', flush=True)",
    "while not pathlib.Path('stream.go').exists(): time.sleep(0.02)",
    "print('done')",
    "6 * 7",
  ].join("\n");
  const { ids } = await created(client, path, [code, "print('second')"]);
  await using person = await Person.opens(path);
  const begun = await client.call("run_cells", { path, cells: "all", wait_seconds: 0 });
  expect(begun.execution.state, begun.text).toBe("running");
  await eventually(
    () => person.printed(0),
    (printed) => printed.includes("begun"),
  );
  expect(person.notebook.cells[0]?.ymodel.get("execution_state")).toBe("running");
  person.types(1, "  # meanwhile");
  await client.call("write_file", { path: "stream.go", content: "" });
  const ended = await client.call("get_output", {
    conversation: begun.execution.conversation,
    execution: begun.execution.execution,
    wait_seconds: 50,
  });
  expect(ended.execution.state, ended.text).toBe("ok");
  const { cells } = JSON.parse(await fileText(path));
  expect(cells[0].outputs).toMatchObject([
    { output_type: "stream", name: "stdout", text: ["begun\n", "done\n"] },
    { output_type: "execute_result", data: { "text/plain": ["42"] } },
  ]);
  expect(cells[1].source).toEqual(["print('second')  # meanwhile"]);
  expect(cells[1].outputs).toMatchObject([{ text: ["second\n"] }]);
  await eventually(
    () => [person.printed(0), person.printed(1)].join(),
    (printed) => printed.includes("42") && printed.includes("second"),
  );
  expect(person.notebook.cells[0]?.ymodel.get("execution_state")).toBe("idle");
  const cleared = await client.call("edit_notebook", {
    path,
    version: notebookOf(await client.call("read_notebook", { path })).version,
    edits: [{ op: "clear_outputs", cell: ids[0] }],
  });
  expect(cleared.isError, cleared.text).toBe(false);
  await eventually(
    () => person.printed(0),
    (printed) => printed === "[]",
  );
  expect(person.printed(1)).toContain("second");
});

test("the assistant is there under its name, among all who have JupyterLab open too, and leaves when nothing is to be done", async () => {
  await using client = await connect();
  const path = "presence.ipynb";
  const socket = await socketTo("JupyterLab:globalAwareness");
  const everybody = new Awareness(new Y.Doc());
  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", ({ data }) => {
    if (!(data instanceof ArrayBuffer)) return;
    const decoder = decoding.createDecoder(new Uint8Array(data));
    if (decoding.readVarUint(decoder) !== 1) return;
    applyAwarenessUpdate(everybody, decoding.readVarUint8Array(decoder), null);
  });
  socket.accept();
  const seen = () => [...everybody.getStates().values()].map((state) => state);
  await created(client, path, ["a = 1"]);
  await using person = await Person.opens(path);
  await client.call("read_notebook", { path });
  await eventually(
    () => person.others,
    (others) => others.includes("Assistant"),
  );
  await eventually(seen, (states) =>
    states.some(({ user, current }) => {
      return user?.name === "Assistant" && current === `notebook:${path}`;
    }),
  );
  await eventually(
    () => person.others,
    (others) => others.length === 0,
  );
  await eventually(seen, (states) => states.every(({ user }) => user === undefined));
  everybody.destroy();
  socket.close(1000);
  // With a connection that is open this would not end.
  const serverHash = await hashServer(`http://127.0.0.1:${inject("gateway").port}`);
  const owner = { principal: LOCAL_PRINCIPAL, serverHash };
  await evictDurableObject(env.NOTEBOOK_ROOM.getByName(await roomName(owner, path)));
});

test("a notebook without cells is told as it is in its room", async () => {
  await using client = await connect();
  const path = "empty.ipynb";
  const { version, ids } = await created(client, path, []);
  await using person = await Person.opens(path);
  expect(person.notebook.cells.map(({ id }) => id)).toEqual(ids);
  const edited = await client.call("edit_notebook", {
    path,
    version,
    edits: [{ op: "replace", cell: ids[0], source: "x = 1" }],
  });
  expect(edited.isError, edited.text).toBe(false);
  await person.sees(["x = 1"]);
  expect(await sourcesInFile(path)).toEqual(["x = 1"]);
});

test("a cell that becomes another type, or moves, keeps what it has for who has it open", async () => {
  await using client = await connect();
  const path = "types.ipynb";
  const { version, ids } = await created(client, path, ["# a", "b = 1", "c = 1"]);
  await using person = await Person.opens(path);
  person.notebook.cells[0]?.setMetadata("tags", ["kept"]);
  await person.hasSent();
  const edited = await client.call("edit_notebook", {
    path,
    version,
    edits: [
      { op: "set_type", cell: ids[0], cell_type: "markdown" },
      { op: "move", cell: ids[0], after: "end" },
    ],
  });
  expect(edited.isError, edited.text).toBe(false);
  await person.sees(["b = 1", "c = 1", "# a"]);
  expect(person.notebook.cells[2]?.cell_type).toBe("markdown");
  expect(person.notebook.cells[2]?.getMetadata("tags")).toEqual(["kept"]);
  expect(person.notebook.cells.map(({ id }) => id)).toEqual([ids[1], ids[2], ids[0]]);
});
