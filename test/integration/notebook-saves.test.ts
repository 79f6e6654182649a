import { expect, test } from "vitest";
import { ExpectedError } from "../../src/errors.ts";
import { JupyterServer } from "../../src/jupyter/server.ts";
import { ContentsNotebook } from "../../src/notebook/contents-notebook.ts";
import { applyEdits, mintCellId } from "../../src/notebook/edit.ts";
import { readCells, readNotebook } from "../../src/notebook/reading.ts";
import { fileText, isLive, notebookOf, putText } from "./notebook-support.ts";
import {
  connect,
  eventually,
  jupyter,
  jupyterAddress,
  whileJupyterIs,
} from "./support.ts";

/** A real server; before its nth look at what stands there, somebody else saves. */
class WithSomebodyElse extends JupyterServer {
  readonly #before: number;
  readonly #save: () => Promise<void>;
  looks = 0;
  reads = 0;

  constructor(before: number, save: () => Promise<void>) {
    super(jupyterAddress());
    this.#before = before;
    this.#save = save;
  }

  override async request(...args: Parameters<JupyterServer["request"]>) {
    if (args[0].endsWith("?content=0")) {
      this.looks += 1;
      if (this.looks === this.#before) await this.#save();
    }
    return super.request(...args);
  }

  override bytes(...args: Parameters<JupyterServer["bytes"]>) {
    this.reads += 1;
    return super.bytes(...args);
  }
}

function notebookText(sources: readonly string[]): string {
  const cells = sources.map((source, index) => ({
    cell_type: "markdown",
    id: `cell${index}`,
    metadata: {},
    source,
  }));
  return JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 });
}

function codeText(source: string): string {
  const cell = { cell_type: "code", id: "cell0", metadata: {}, source };
  const cells = [{ ...cell, execution_count: null, outputs: [] }];
  return JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 });
}

/** A notebook of one cell of code, on a server on which somebody else saves before the nth look. */
async function openedCode(path: string, before = 0, save = () => Promise.resolve()) {
  await putText(path, codeText("first"));
  const server = new WithSomebodyElse(before, save);
  return { server, notebook: new ContentsNotebook(server, path, (work) => work()) };
}

/** What a run has made of that cell. */
const RUNS = new Map([
  [
    "cell0",
    {
      executionCount: 1,
      outputs: [{ output_type: "stream", name: "stdout", text: ["printed\n"] }] as const,
    },
  ],
]);

function insertion(source: string) {
  const edit = { op: "insert", after: "end", cell_type: "markdown", source } as const;
  return async (now: Parameters<typeof applyEdits>[0]) =>
    applyEdits(now, [edit], mintCellId);
}

test("a save of somebody else between our read and our save is seen, and kept", async () => {
  const path = "saves-between.ipynb";
  await putText(path, notebookText(["first"]));
  const server = new WithSomebodyElse(2, () =>
    putText(path, notebookText(["first", "theirs"])),
  );
  const saved = await new ContentsNotebook(server, path, (work) => work()).edit(
    insertion("ours"),
  );
  expect(saved.foundAfter).toBe("ours");
  expect(saved.after.cells.map(({ source }) => source)).toEqual([
    "first",
    "theirs",
    "ours",
  ]);
  const text = await fileText(path);
  expect(text).toContain("theirs");
  expect(text).toContain("ours");
});

test("outputs are put into what was read before the run, where the file is still that", async () => {
  const path = "saves-known.ipynb";
  const { server, notebook } = await openedCode(path);
  await notebook.load();
  const looks = server.looks;
  const written = await notebook.writeOutputs(RUNS);
  expect(written).toMatchObject({ missing: [], isInFile: true });
  // The one right after the save.
  expect(server.looks).toBe(looks + 1);
  expect(await fileText(path)).toContain("printed");
  // What it was before is no base for anything any more, and nobody looks for it.
  await putText(path, codeText("theirs"));
  for (const before of [server.reads, server.reads + 1]) {
    await notebook.writeOutputs(RUNS);
    expect(server.reads).toBe(before + 1);
  }
  const text = await fileText(path);
  expect(text).toContain("theirs");
  expect(text).toContain("printed");
});

test("cells to be run are read with one request, and their outputs are put into that", async () => {
  const path = "saves-at-once.ipynb";
  const { server, notebook } = await openedCode(path);
  const { cells } = await notebook.loadAtOnce();
  expect(cells.map(({ source }) => source)).toEqual(["first"]);
  expect([server.reads, server.looks]).toEqual([1, 0]);
  await notebook.writeOutputs(RUNS);
  expect([server.reads, server.looks]).toEqual([2, 1]);
  expect(await fileText(path)).toContain("printed");
});

test("outputs come to what somebody else has saved while the cells ran", async () => {
  const path = "saves-meanwhile.ipynb";
  const { notebook } = await openedCode(path);
  await notebook.load();
  // Of the same length: what tells them apart is the text.
  await putText(path, codeText("other"));
  await notebook.writeOutputs(RUNS);
  const text = await fileText(path);
  expect(text).toContain("other");
  expect(text).toContain("printed");
});

test("outputs that somebody saves over are put in again, though they were told to be there", async () => {
  const path = "saves-over.ipynb";
  const save = () => putText(path, codeText("theirs"));
  const { server, notebook } = await openedCode(path, 3, save);
  const looksWhenTold: number[] = [];
  const written = await notebook.writeOutputs(RUNS, () =>
    looksWhenTold.push(server.looks),
  );
  expect(written).toMatchObject({ missing: [], isInFile: true });
  // Before the look that found theirs, and before the one that found ours.
  expect(looksWhenTold).toEqual([2, 5]);
  const text = await fileText(path);
  expect(text).toContain("theirs");
  expect(text).toContain("printed");
});

test("a file that is moved right after outputs were saved has them, and they are not written again", async () => {
  const [path, moved] = ["saves-moved.ipynb", "saves-moved-there.ipynb"];
  const { server, notebook } = await openedCode(path, 3, async () => {
    const init = { method: "PATCH", body: JSON.stringify({ path: moved }) };
    await (await jupyter(`/api/contents/${path}`, init)).text();
  });
  const written = await notebook.writeOutputs(RUNS);
  expect(written).toMatchObject({ missing: [], isInFile: true });
  expect(server.looks).toBe(3);
  expect(await fileText(moved)).toContain("printed");
});

test("what is to be said of outputs is told with them, and not before", async () => {
  const path = "saves-said.ipynb";
  const { notebook } = await openedCode(path);
  const none = [...RUNS.values()].map((run) => ["no such cell", run] as const);
  let isTold = false;
  const written = await notebook.writeOutputs(new Map([...RUNS, ...none]), () => {
    isTold = true;
  });
  expect(written.missing).toEqual(["no such cell"]);
  expect(isTold).toBe(false);
});

test("a save of somebody else right after ours is told", async () => {
  const path = "saves-after.ipynb";
  await putText(path, notebookText(["first"]));
  const server = new WithSomebodyElse(3, () =>
    putText(path, notebookText(["only theirs"])),
  );
  const saved = await new ContentsNotebook(server, path, (work) => work()).edit(
    insertion("ours"),
  );
  expect(saved.foundAfter).toBe("others");
});

test("an edit of a file that is moved right after it is told as such", async () => {
  const path = "saves-edited-moved.ipynb";
  await putText(path, notebookText(["first"]));
  const server = new WithSomebodyElse(3, async () => {
    const init = {
      method: "PATCH",
      body: JSON.stringify({ path: "saves-elsewhere.ipynb" }),
    };
    await (await jupyter(`/api/contents/${path}`, init)).text();
  });
  const saved = await new ContentsNotebook(server, path, (work) => work()).edit(
    insertion("ours"),
  );
  expect(saved.foundAfter).toBe("nothing");
  expect(await fileText("saves-elsewhere.ipynb")).toContain("ours");
});

test("an edit that was saved is told as done, whatever fails after it", async () => {
  const path = "saves-unseen.ipynb";
  await putText(path, notebookText(["first"]));
  const server = new WithSomebodyElse(3, () => {
    throw new ExpectedError({ code: "jupyter_unreachable", host: "", reason: "network" });
  });
  const saved = await new ContentsNotebook(server, path, (work) => work()).edit(
    insertion("ours"),
  );
  expect(saved.foundAfter).toBe("unknown");
  expect(await fileText(path)).toContain("ours");
});

test("a Jupyter that does not tell its sessions fails neither reading nor editing", async () => {
  await using client = await connect();
  const path = "saves-sessions.ipynb";
  await putText(path, notebookText(["first"]));
  await whileJupyterIs(
    "error",
    async () => {
      const read = await client.call("read_notebook", { path });
      expect(read.isError, read.text).toBe(false);
      expect(read.text).toMatch(
        /\nkernel: .*, and Jupyter did not say whether it runs\n/,
      );
      const edits = [{ op: "replace", cell: "cell0", source: "ours" }];
      const { version } = notebookOf(read);
      const edited = await client.call("edit_notebook", { path, version, edits });
      expect(edited.isError, edited.text).toBe(false);
      expect(edited.text).toMatch(/\nJupyter did not say whether a kernel runs for it;/);
    },
    "GET /api/sessions",
  );
  expect(await fileText(path)).toContain("ours");
});

test("a Jupyter whose status fails, as it does while a kernel starts, fails neither reading nor editing", async () => {
  await using client = await connect();
  const path = "saves-status.ipynb";
  await putText(path, notebookText(["first"]));
  await whileJupyterIs(
    "error",
    async () => {
      const read = await client.call("read_notebook", { path });
      expect(read.isError, read.text).toBe(false);
      const edits = [{ op: "replace", cell: "cell0", source: "ours" }];
      const { version } = notebookOf(read);
      const edited = await client.call("edit_notebook", { path, version, edits });
      expect(edited.isError, edited.text).toBe(false);
    },
    "GET /api/status",
  );
  expect(await fileText(path)).toContain("ours");
});

test("a save that nobody answers may have been done, and is not repeated blindly", async () => {
  await using client = await connect();
  const path = "saves-lost.ipynb";
  await putText(path, notebookText(["first"]));
  const { version } = notebookOf(await client.call("read_notebook", { path }));
  await whileJupyterIs(
    "lost",
    async () => {
      const edits = [{ op: "replace", cell: "cell0", source: "ours" }];
      const edited = await client.call("edit_notebook", { path, version, edits });
      // Nothing is saved by that way where there is a room.
      expect(edited.isError).toBe(!isLive);
      if (edited.isError)
        expect(edited.text).toMatch(
          /^"saves-lost.ipynb" may have been saved: Jupyter did not say, because the connection was refused or lost\.\nNext: Call read_notebook to see/,
        );
      const file = { path: "saves-lost.txt", content: "ours" };
      expect((await client.call("write_file", file)).text).toMatch(
        /may have been saved[\s\S]*\nNext: Call read_file/,
      );
    },
    "PUT /api/contents/",
  );
  expect(await fileText(path)).toContain("ours");
  expect(await fileText("saves-lost.txt")).toBe("ours");
});

test("what would make a notebook too large to be edited again is not saved", async () => {
  await using client = await connect();
  const path = "saves-large.ipynb";
  await putText(path, notebookText(["first", "x".repeat(19_990_000)]));
  const { version } = notebookOf(await client.call("read_notebook", { path }));
  const edit = (source: string, ...more: object[]) =>
    client.call("edit_notebook", {
      path,
      version,
      edits: [{ op: "insert", after: "start", cell_type: "code", source }, ...more],
    });
  const refused = await edit("y".repeat(30_000));
  expect(refused.isError).toBe(true);
  expect(refused.text).toMatch(
    /^"saves-large.ipynb" would have 20\.0 MB; notebooks are edited and run here up to 20\.0 MB\. Nothing was saved\.\nNext: /,
  );
  // Many short lines: Jupyter writes each on a line of its own, behind spaces.
  expect((await edit("\n".repeat(2_000))).isError).toBe(true);
  expect(await fileText(path)).not.toContain("yyyy");
  const smaller = await edit("y".repeat(30_000), { op: "delete", cell: "cell1" });
  expect(smaller.isError, smaller.text).toBe(false);
  const cells = Array.from({ length: 4 }, () => ({
    cell_type: "code",
    source: "\n".repeat(500_000),
  }));
  const made = await client.call("create_notebook", { path: "saves-huge.ipynb", cells });
  expect(made.text).toMatch(/would have 24\.0 MB/);
});

test("of several who create the same file at once, one does", async () => {
  await using client = await connect();
  const [created, written] = await Promise.all(
    (
      [
        ["create_notebook", { path: "saves-new.ipynb" }],
        ["write_file", { path: "saves-new.txt", content: "new" }],
      ] as const
    ).map(([tool, args]) =>
      Promise.all(Array.from({ length: 5 }, () => client.call(tool, args))),
    ),
  );
  for (const results of [created, written]) {
    expect(results?.filter(({ isError }) => !isError)).toHaveLength(1);
    expect(results?.find(({ isError }) => isError)?.text).toMatch(/exists already/);
  }
});

test.each([
  ["slow-small.ipynb", notebookText(["first"])],
  ["slow-large.ipynb", notebookText(["first", "x".repeat(21_000_000)])],
  ["slow-old.ipynb", JSON.stringify({ nbformat: 3, metadata: {}, worksheets: [] })],
])("reading %s ends at its deadline, with words of its own", async (path, content) => {
  await putText(path, content);
  const server = new WithSomebodyElse(Infinity, () => Promise.resolve());
  expect((await readNotebook(server, path)).outline.minor).toBe(5);
  await expect(readNotebook(server, path, Date.now())).rejects.toMatchObject({
    failure: { code: "notebook_too_slow", path, seconds: 25 },
  });
});

test("the cells of a large notebook are read within the time of the whole", async () => {
  const path = "slow-cells.ipynb";
  await putText(path, notebookText(["first", "x".repeat(21_000_000)]));
  const server = new WithSomebodyElse(Infinity, () => Promise.resolve());
  const deadline = Date.now() + 5_000;
  const read = await readNotebook(server, path, deadline);
  expect(await readCells(read, [0], true)).toHaveLength(1);
  await eventually(
    () => Promise.resolve(Date.now()),
    (now) => now >= deadline,
  );
  await expect(readCells(read, [0], true)).rejects.toMatchObject({
    failure: { code: "notebook_too_slow" },
  });
});

test("a notebook that is read while somebody writes it is read again", async () => {
  const path = "saves-half.ipynb";
  const whole = notebookText(["theirs"]);
  await putText(path, whole.slice(0, 40));
  const server = new WithSomebodyElse(2, () => putText(path, whole));
  const { outline } = await readNotebook(server, path);
  expect(outline.cells.map(({ firstLine }) => firstLine)).toEqual(["theirs"]);
  await putText(path, "");
  const again = new WithSomebodyElse(2, () => putText(path, whole));
  const saved = await new ContentsNotebook(again, path, (work) => work()).edit(
    insertion("ours"),
  );
  expect(saved.after.cells.map(({ source }) => source)).toEqual(["theirs", "ours"]);
});
